//! Opens an optimiser's step: global gradient norm, clip factor, bias corrections and the check for NaN and infinity. Twin
//! of `shaders/grad_norm.wgsl`.

use crate::engine::kernel::Work;
use crate::engine::simd::Arch;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{product, tree_sum};
use crate::shared::agent::Agent;
use crate::shared::math::{expm1_f32, is_finite_f32};
use crate::shared::optimizer::{ADAM, Optimizer, RADAM_OPTAX};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Gradient elements per agent.
        pub count: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `norm = sqrt(sum g^2)`, `scale = min(1, max_grad_norm / (norm + 1e-6))`.
    grad_norm, params Params, workgroup 64,
    bindings { write agents: Agent, write optimizers: Optimizer, read grads: f32 }
    sizes |p, _| vec![u64::from(p.agents), u64::from(p.agents), product(&[p.agents, p.count])];
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.count.div_ceil(256)) + 17;
    work |p| Work { operations: 2 * product(&[p.agents, p.count]), words: product(&[p.agents, p.count]) };
    twin twin
}

/// RAdam's factor; see the shader.
fn rectification_of(o: &Optimizer, t: f32) -> f32 {
    if o.form == ADAM {
        return 1.0;
    }
    let rho_inf = 2.0 / o.one_minus_beta2 - 1.0;
    let z = -t * o.ln_beta2;
    let mut rho = rho_inf - 2.0 * t * (1.0 - o.correction2) / o.correction2;
    if z < 1.0 {
        let z2 = z * z;
        let x = -o.ln_beta2;
        let of_t = z * (0.16666667 - z2 * (0.0027777778 - z2 * (6.613757e-5 - z2 * 1.6534392e-6)));
        rho = t - t * of_t + x * (0.16666667 - x * x * 0.0027777778);
    }
    if rho <= 5.0 {
        return 0.0;
    }
    ((rho - 4.0) / (rho_inf - 4.0) * ((rho - 2.0) / (rho_inf - 2.0)) * (rho_inf / rho)).sqrt()
}

fn twin(p: &Params, agents: &mut [Agent], optimizers: &mut [Optimizer], grads: &[f32]) {
    for agent in 0..p.agents as usize {
        let grads = &grads[agent * p.count as usize..][..p.count as usize];
        let mut partial = [0.0; 256];
        Arch::new().dispatch(|| {
            for row in grads.chunks(256) {
                for (partial, g) in partial.iter_mut().zip(row) {
                    *partial += g * g;
                }
            }
        });
        let total = tree_sum(&mut partial);
        let norm = total.sqrt();
        let o = &mut optimizers[agent];
        o.grad_norm = norm;
        o.grad_scale = 1.0;
        if o.max_grad_norm > 0.0 {
            o.grad_scale = (o.max_grad_norm / (norm + 1e-6)).min(1.0);
            if o.form == RADAM_OPTAX {
                o.grad_scale = if norm > o.max_grad_norm { o.max_grad_norm / norm } else { 1.0 };
            }
        }
        o.steps += 1;
        let t = o.steps as f32;
        o.correction1 = -expm1_f32(t * o.ln_beta1);
        o.correction2 = -expm1_f32(t * o.ln_beta2);
        o.rectification = rectification_of(o, t);
        if !is_finite_f32(total) && agents[agent].nonfinite == 0 {
            agents[agent].nonfinite = agents[agent].updates + 1;
        }
    }
}
