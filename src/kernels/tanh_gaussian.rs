//! Actions drawn from a policy network and their log-probabilities. Twin of `shaders/tanh_gaussian.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product};
use crate::shared::agent::Agent;
use crate::shared::math::{exp_f32, tanh_f32};
use crate::shared::normal::normal;
use crate::shared::rng::{Rng, STREAM_POLICY};
use crate::shared::tanh_gaussian::{HALF_LN_TAU, LogStd, log_slope};

gpu_struct! {
    /// Sizes, which evaluation is drawn from and where the draw goes; see the shader's header.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Dimensions of an action.
        pub dims: u32,
        /// Slots of `policy`.
        pub slots: u32,
        /// The slot that is drawn from.
        pub slot: u32,
        /// Draws per row in memory.
        pub draws: u32,
        /// This draw.
        pub draw: u32,
        /// 1: the noise is there already.
        pub given: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// Inputs of the critics per row.
        pub input_slots: u32,
        /// The input that gets the action.
        pub input: u32,
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
    /// `a = scale tanh(mean + sigma noise) + bias` and `ln pi(a|s)`
    tanh_gaussian, params Params, workgroup 64,
    bindings {
        read agents: Agent, read policy: f32, read spaces: f32,
        write noise: f32, write inputs: f32, write log_probs: f32,
    }
    sizes |p, _| {
        let outputs = 2 * product(&[p.batch, p.dims]);
        let (draws, input) = (product(&[p.batch, p.dims]), product(&[p.batch, p.width.max(p.dims)]));
        vec![
            u64::from(p.agents),
            extent(p.agents, p.slots, outputs, p.slot, outputs),
            product(&[p.agents, 4, p.dims]),
            extent(p.agents, p.draws, draws, p.draw, draws),
            extent(p.agents, p.input_slots, input, p.input, input),
            extent(p.agents, p.draws, u64::from(p.batch), p.draw, u64::from(p.batch)),
        ]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.dims);
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    policy: &[f32],
    spaces: &[f32],
    noise: &mut [f32],
    inputs: &mut [f32],
    log_probs: &mut [f32],
) {
    let [batch, dims, width] = [p.batch, p.dims, p.width].map(|d| d as usize);
    let range = LogStd { low: p.log_std_min, high: p.log_std_max, squashed: p.squashed };
    for agent in 0..p.agents {
        let (record, space) = (&agents[agent as usize], &spaces[agent as usize * 4 * dims..][..4 * dims]);
        for b in 0..batch {
            let place = |per_agent: u32, slot: u32| (agent * per_agent + slot) as usize * batch + b;
            let (means, raw) = policy[place(p.slots, p.slot) * 2 * dims..][..2 * dims].split_at(dims);
            let row = place(p.draws, p.draw);
            let noise = &mut noise[row * dims..][..dims];
            let action = &mut inputs[place(p.input_slots, p.input) * width + width - dims..][..dims];
            let mut rng = Rng::new(record.seed, p.stream + STREAM_POLICY + p.draw, record.updates, b as u32);
            let mut log_prob = 0.0;
            for i in 0..dims {
                if p.given == 0 {
                    noise[i] = normal(&mut rng);
                }
                let e = noise[i];
                let log_std = range.of(raw[i]);
                let u = means[i] + exp_f32(log_std) * e;
                action[i] = tanh_f32(u) * space[i] + space[dims + i];
                log_prob -= (0.5 * e * e + log_std) + log_slope(u, space[i], p.floor);
            }
            log_probs[row] = log_prob - p.dims as f32 * HALF_LN_TAU;
        }
    }
}
