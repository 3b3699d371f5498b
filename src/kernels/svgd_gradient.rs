//! Stein variational gradient of the updated particles. Twin of `shaders/svgd_gradient.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// States per agent.
        pub batch: u32,
        /// Particles at which the density is asked, per state.
        pub fixed: u32,
        /// Particles that move, per state.
        pub updated: u32,
        /// Dimensions of an action.
        pub dims: u32,
        /// Factor of the result: 1 for the direction of ascent.
        pub scale: f32,
        /// 1: times `1 - a^2`, the slope of tanh.
        pub squashed: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `g_i = scale mean_j (kappa(x_j, y_i) score(x_j) + d kappa / d x_j)`
    svgd_gradient, params Params, workgroup 64,
    bindings { read actions: f32, read scores: f32, read kappas: f32, read slopes: f32, write gradients: f32 }
    sizes |p, _| {
        let pairs = product(&[p.agents, p.batch, p.fixed, p.updated]);
        let all = product(&[p.agents, p.batch, p.fixed + p.updated, p.dims]);
        vec![
            all,
            product(&[p.agents, p.batch, p.fixed, p.dims]),
            pairs,
            pairs * u64::from(p.dims),
            all,
        ]
    };
    grid |p| [groups(product(&[p.batch, p.fixed + p.updated]), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.dims) * (1 + u64::from(p.fixed));
    twin twin
}

fn twin(p: &Params, actions: &[f32], scores: &[f32], kappas: &[f32], slopes: &[f32], gradients: &mut [f32]) {
    let [fixed, updated, dims] = [p.fixed, p.updated, p.dims].map(|size| size as usize);
    let particles = fixed + updated;
    for out in 0..(p.agents * p.batch) as usize * particles {
        let (row, particle) = (out / particles, out % particles);
        for d in 0..dims {
            let mut climb = 0.0;
            let mut apart = 0.0;
            if particle >= fixed {
                for j in 0..fixed {
                    let pair = (row * fixed + j) * updated + particle - fixed;
                    climb += kappas[pair] * scores[(row * fixed + j) * dims + d];
                    apart += slopes[pair * dims + d];
                }
            }
            let mut gradient = p.scale * ((climb + apart) / p.fixed as f32);
            if p.squashed == 1 {
                let a = actions[out * dims + d];
                gradient *= (1.0 - a) * (1.0 + a);
            }
            gradients[out * dims + d] = gradient;
        }
    }
}
