//! The gradient of a policy's loss for its outputs, through the drawn action. Twin of `shaders/tanh_gaussian_backward.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product};
use crate::shared::agent::Agent;
use crate::shared::math::exp_f32;
use crate::shared::tanh_gaussian::{LogStd, log_slope_slope, one_minus_tanh2};

gpu_struct! {
    /// Sizes, and which draw of which evaluation; see the shader's header.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Dimensions of an action.
        pub dims: u32,
        /// Slots of `policy`.
        pub slots: u32,
        /// The slot that was drawn from.
        pub slot: u32,
        /// Draws per row in memory.
        pub draws: u32,
        /// This draw.
        pub draw: u32,
        /// Networks whose gradients for the action are summed.
        pub critics: u32,
        /// Columns of an input, of which the last `dims` are the action.
        pub width: u32,
        /// Smallest `ln sigma`.
        pub log_std_min: f32,
        /// Largest `ln sigma`.
        pub log_std_max: f32,
        /// 1: squashed between the two, 0: clamped.
        pub squashed: u32,
        /// Added to `|da/du|` in its logarithm.
        pub floor: f32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `dJ/dmean` and `dJ/d(raw ln sigma)`
    tanh_gaussian_backward, params Params, workgroup 64,
    bindings {
        read agents: Agent, read policy: f32, read spaces: f32, read noise: f32, read dinputs: f32,
        read importance: f32, write dz: f32,
    }
    sizes |p, _| {
        let draws = product(&[p.batch, p.dims]);
        let rows = product(&[p.agents, p.batch]);
        vec![
            u64::from(p.agents),
            extent(p.agents, p.slots, 2 * draws, p.slot, 2 * draws),
            product(&[p.agents, 4, p.dims]),
            extent(p.agents, p.draws, draws, p.draw, draws),
            rows.saturating_mul(product(&[p.critics, p.width.max(p.dims)])),
            rows,
            rows.saturating_mul(2 * u64::from(p.dims)),
        ]
    };
    grid |p| [groups(product(&[p.batch, p.dims]), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.critics);
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    policy: &[f32],
    spaces: &[f32],
    noise: &[f32],
    dinputs: &[f32],
    importance: &[f32],
    dz: &mut [f32],
) {
    let [batch, dims, width] = [p.batch, p.dims, p.width].map(|d| d as usize);
    let range = LogStd { low: p.log_std_min, high: p.log_std_max, squashed: p.squashed };
    for agent in 0..p.agents {
        let space = &spaces[agent as usize * 4 * dims..][..dims];
        for b in 0..batch {
            let place = |per_agent: u32, slot: u32| (agent * per_agent + slot) as usize * batch + b;
            let (means, raw) = policy[place(p.slots, p.slot) * 2 * dims..][..2 * dims].split_at(dims);
            let noise = &noise[place(p.draws, p.draw) * dims..][..dims];
            let row = agent as usize * batch + b;
            let entropy = agents[agent as usize].alpha * importance[row] / p.batch as f32;
            let (dmean, draw) = dz[row * 2 * dims..][..2 * dims].split_at_mut(dims);
            for i in 0..dims {
                let sigma = exp_f32(range.of(raw[i]));
                let u = means[i] + sigma * noise[i];
                let mut slope = 0.0;
                for net in 0..p.critics {
                    slope += dinputs[place(p.critics, net) * width + width - dims + i];
                }
                let g =
                    space[i] * one_minus_tanh2(u) * slope - entropy * log_slope_slope(u, space[i], p.floor);
                dmean[i] = g;
                draw[i] = (g * sigma * noise[i] - entropy) * range.slope(raw[i]);
            }
        }
    }
}
