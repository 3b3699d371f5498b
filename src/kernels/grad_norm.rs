//! Global gradient norm, clip factor and the check for NaN and infinity. Twin of `shaders/grad_norm.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{product, tree_sum};
use crate::shared::agent::{Hyper, Learner};
use crate::shared::math::is_finite_f32;

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
    bindings { read hyper: Hyper, read grads: f32, write learner: Learner }
    sizes |p, _| vec![u64::from(p.agents), product(&[p.agents, p.count]), u64::from(p.agents)];
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p| u64::from(p.count.div_ceil(256)) + 8;
    twin twin
}

fn twin(p: &Params, hyper: &[Hyper], grads: &[f32], learner: &mut [Learner]) {
    for agent in 0..p.agents as usize {
        let grads = &grads[agent * p.count as usize..][..p.count as usize];
        let mut partial = [0.0; 256];
        for row in grads.chunks(256) {
            for (partial, g) in partial.iter_mut().zip(row) {
                *partial += g * g;
            }
        }
        let total = tree_sum(&mut partial);
        let norm = total.sqrt();
        let l = &mut learner[agent];
        l.grad_norm = norm;
        let limit = hyper[agent].max_grad_norm;
        l.grad_scale = if limit > 0.0 { (limit / (norm + 1e-6)).min(1.0) } else { 1.0 };
        if !is_finite_f32(total) && l.nonfinite == 0 {
            l.nonfinite = l.updates + 1;
        }
    }
}
