//! Opens an optimiser's step: global gradient norm, clip factor, bias corrections and the check for NaN and infinity. Twin
//! of `shaders/grad_norm.wgsl`.

use pulp::Arch;

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{product, tree_sum};
use crate::shared::agent::Agent;
use crate::shared::math::{expm1_f32, is_finite_f32};
use crate::shared::optimizer::Optimizer;

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
    grad_norm, params Params, workgroup 256,
    bindings { write agents: Agent, write optimizers: Optimizer, read grads: f32 }
    sizes |p, _| vec![u64::from(p.agents), u64::from(p.agents), product(&[p.agents, p.count])];
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.count.div_ceil(256)) + 8;
    twin twin
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
        }
        o.steps += 1;
        let t = o.steps as f32;
        o.correction1 = -expm1_f32(t * o.ln_beta1);
        o.correction2 = -expm1_f32(t * o.ln_beta2);
        if !is_finite_f32(total) && agents[agent].nonfinite == 0 {
            agents[agent].nonfinite = agents[agent].updates + 1;
        }
    }
}
