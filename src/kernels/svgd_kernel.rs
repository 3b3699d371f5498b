//! SVGD's kernel of every pair of particles, and its gradient. Twin of `shaders/svgd_kernel.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::math::exp_f32;
use crate::shared::particles::Particles;

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
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `kappa = exp(-|x - y|^2 / h)` and `d kappa / d x`
    svgd_kernel, params Params, workgroup 64,
    bindings { read actions: f32, read bandwidths: f32, write kappas: f32, write slopes: f32 }
    sizes |p, _| {
        let pairs = product(&[p.agents, p.batch, p.fixed, p.updated]);
        vec![
            product(&[p.agents, p.batch, p.fixed + p.updated, p.dims]),
            product(&[p.agents, p.batch]),
            pairs,
            pairs * u64::from(p.dims),
        ]
    };
    grid |p| [groups(product(&[p.batch, p.fixed, p.updated]), 64), 1, u64::from(p.agents)];
    loops |p, _| 2 * u64::from(p.dims);
    twin twin
}

fn twin(p: &Params, actions: &[f32], bandwidths: &[f32], kappas: &mut [f32], slopes: &mut [f32]) {
    let [fixed, updated, dims] = [p.fixed, p.updated, p.dims].map(|size| size as usize);
    let particles = Particles { actions, fixed, updated, dims };
    let pairs = particles.pairs();
    for at in 0..(p.agents * p.batch) as usize * pairs {
        let (row, pair) = (at / pairs, at % pairs);
        let h = bandwidths[row];
        let kappa = exp_f32(-particles.squared_distance(row, pair) / h);
        kappas[at] = kappa;
        let (x, y) = (particles.x(row, pair / updated), particles.y(row, pair % updated));
        for d in 0..dims {
            slopes[at * dims + d] = -2.0 * (x[d] - y[d]) / h * kappa;
        }
    }
}
