//! Bandwidth of SVGD's kernel by the median of squared distances. Twin of `shaders/svgd_bandwidth.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::product;
use crate::shared::math::log_f32;
use crate::shared::particles::Particles;

/// Most pairs of a fixed and an updated particle: what the memory of a workgroup holds.
pub const MOST_PAIRS: u32 = 4096;

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
        /// Least bandwidth.
        pub least: f32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `h = max(median |x - y|^2 / ln fixed, least)`
    svgd_bandwidth, params Params, workgroup 256,
    bindings { read actions: f32, write medians: f32, write bandwidths: f32 }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        vec![product(&[p.agents, p.batch, p.fixed + p.updated, p.dims]), rows, rows]
    };
    grid |p| [u64::from(p.batch), 1, u64::from(p.agents)];
    loops |p, _| {
        let pairs = product(&[p.fixed, p.updated]);
        let own = pairs.div_ceil(4).saturating_mul(4).div_ceil(256);
        // More than the workgroup's memory holds is refused like too long a loop.
        let beyond = if pairs > u64::from(MOST_PAIRS) { u64::from(u32::MAX) } else { 0 };
        beyond + own * (1 + u64::from(p.dims)) + own * (1 + pairs.div_ceil(4))
    };
    twin twin
}

fn twin(p: &Params, actions: &[f32], medians: &mut [f32], bandwidths: &mut [f32]) {
    let [fixed, updated, dims] = [p.fixed, p.updated, p.dims].map(|size| size as usize);
    let particles = Particles { actions, fixed, updated, dims };
    let pairs = particles.pairs();
    let rank = pairs / 2 + 1;
    let mut order = vec![0u32; pairs];
    for row in 0..(p.agents * p.batch) as usize {
        for (pair, place) in order.iter_mut().enumerate() {
            *place = particles.squared_distance(row, pair).to_bits().wrapping_add(1);
        }
        let (_, own, _) = order.select_nth_unstable(pairs - rank);
        let median = f32::from_bits(own.wrapping_sub(1));
        medians[row] = median;
        bandwidths[row] = f32::max(median / log_f32(p.fixed.max(2) as f32), p.least);
    }
}
