//! Proportional prioritized sampling. Twin of `shaders/priority_draw.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::product;
use crate::shared::agent::{Agent, Lane, schedule};
use crate::shared::math::{exp_f32, log_f32};
use crate::shared::rng::{Rng, STREAM_REPLAY};
use crate::shared::sum_tree::{FAN_OUT, levels, tree_len};

gpu_struct! {
    /// Sizes and the stream.
    pub struct Params {
        /// Rows to draw.
        pub batch: u32,
        /// Actions per transition.
        pub heads: u32,
        /// Transitions per agent in the ring: leaves of the tree.
        pub capacity: u32,
        /// Environments per agent.
        pub num_lanes: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// Ring rows with probability `p_i / sum p`, and their importance weights.
    priority_draw, params Params, workgroup 256,
    bindings {
        read agents: Agent, read lanes: Lane, read tree: f32,
        write indices: u32, write actions: u32, write importance: f32,
    }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        let rows = product(&[p.agents, p.batch]);
        vec![
            agents, product(&[p.agents, p.num_lanes]), agents * u64::from(tree_len(p.capacity)),
            rows, rows * u64::from(p.heads), rows,
        ]
    };
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p, _| {
        let levels = levels(p.capacity).len() as u64;
        u64::from(p.batch.div_ceil(256)) * (2 + levels * 17) + 2 * levels + 8
    };
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    lanes: &[Lane],
    tree: &[f32],
    indices: &mut [u32],
    actions: &mut [u32],
    importance: &mut [f32],
) {
    let batch = p.batch as usize;
    let levels = levels(p.capacity);
    let len = tree_len(p.capacity) as usize;
    for agent in 0..p.agents as usize {
        let tree = &tree[agent * len..][..len];
        let h = &agents[agent];
        let rows = agent * batch..(agent + 1) * batch;
        let mut smallest = 3.0e38f32;
        for (b, row) in rows.clone().enumerate() {
            let mut rng = Rng::new(h.seed, p.stream + STREAM_REPLAY, h.updates, b as u32);
            let mut node = 0;
            for pair in levels.windows(2).rev() {
                let ((offset, len), (above, _)) = (pair[0], pair[1]);
                let target = rng.uniform() * tree[(above + node) as usize];
                let first = node * FAN_OUT;
                node = first;
                let mut before = 0.0;
                for child in first..(first + FAN_OUT).min(len) {
                    let value = tree[(offset + child) as usize];
                    if value > 0.0 && before <= target {
                        node = child;
                    }
                    before += value;
                }
            }
            indices[row] = node;
            actions[row * p.heads as usize] = node;
            importance[row] = tree[node as usize].max(f32::MIN_POSITIVE);
            smallest = smallest.min(importance[row]);
        }
        let env_steps = lanes[agent * p.num_lanes as usize].step.wrapping_mul(p.num_lanes) as f32;
        let exponent =
            schedule(h.importance_exponent, h.importance_exponent_final, h.importance_steps, env_steps);
        for row in rows {
            importance[row] = exp_f32(exponent * log_f32(smallest / importance[row]));
        }
    }
}
