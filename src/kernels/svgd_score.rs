//! Log density of squashed actions under exp(Q / alpha), and its gradient. Twin of `shaders/svgd_score.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::math::log_f32;
use crate::shared::particles::Particles;

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// States per agent.
        pub batch: u32,
        /// Particles at which the density is asked, per state.
        pub fixed: u32,
        /// Particles that move, per state; not looked at.
        pub updated: u32,
        /// Dimensions of an action.
        pub dims: u32,
        /// Columns of `dq` per fixed particle.
        pub dq_stride: u32,
        /// The first column that holds the gradient with respect to the action.
        pub dq_offset: u32,
        /// Added to `1 - a^2`.
        pub eps: f32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `log p = Q / alpha + sum ln(1 - a^2 + eps)` and its gradient with respect to `a`.
    svgd_score, params Params, workgroup 64,
    bindings {
        read agents: Agent, read actions: f32, read q: f32, read dq: f32,
        write scores: f32, write log_densities: f32,
    }
    sizes |p, _| {
        let particles = product(&[p.agents, p.batch, p.fixed]);
        vec![
            u64::from(p.agents),
            product(&[p.agents, p.batch, p.fixed + p.updated, p.dims]),
            particles,
            (particles * u64::from(p.dq_stride)).max(rows_end(particles as u32, p.dq_stride, p.dq_offset, p.dims)),
            particles * u64::from(p.dims),
            particles,
        ]
    };
    grid |p| [groups(product(&[p.batch, p.fixed]), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.dims);
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    actions: &[f32],
    q: &[f32],
    dq: &[f32],
    scores: &mut [f32],
    log_densities: &mut [f32],
) {
    let [fixed, updated, dims] = [p.fixed, p.updated, p.dims].map(|size| size as usize);
    let (stride, offset) = (p.dq_stride as usize, p.dq_offset as usize);
    let particles = Particles { actions, fixed, updated, dims };
    for particle in 0..(p.agents * p.batch * p.fixed) as usize {
        let alpha = agents[particle / (p.batch * p.fixed) as usize].alpha;
        let a = particles.x(particle / fixed, particle % fixed);
        let mut volume = 0.0;
        for d in 0..dims {
            let rest = (1.0 - a[d]) * (1.0 + a[d]) + p.eps;
            volume += log_f32(rest);
            scores[particle * dims + d] = dq[particle * stride + offset + d] / alpha - 2.0 * a[d] / rest;
        }
        log_densities[particle] = q[particle] / alpha + volume;
    }
}
