//! Priorities of new transitions. Twin of `shaders/priority_insert.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::product;
use crate::shared::agent::{Agent, Lane};
use crate::shared::sum_tree::{levels, tree_len, update_sums};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Environments per agent.
        pub num_lanes: u32,
        /// Transitions per agent in the ring, a multiple of `num_lanes`.
        pub capacity: u32,
        /// Transitions in a window.
        pub n_step: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// The largest priority so far for the transitions that may start a window from now on.
    priority_insert, params Params, workgroup 256,
    bindings { read agents: Agent, read lanes: Lane, write tree: f32 }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        vec![agents, product(&[p.agents, p.num_lanes]), agents * u64::from(tree_len(p.capacity))]
    };
    grid |p| [1, 1, u64::from(p.agents)];
    // Leaves, then per level the nodes of both ranges with their children, and twice the walk over the levels.
    loops |p, _| {
        let levels = levels(p.capacity).len() as u64;
        let nodes = u64::from(p.num_lanes.div_ceil(16) + 1).div_ceil(256);
        u64::from(p.num_lanes.div_ceil(256)) + levels * (2 + 2 * nodes * 17)
    };
    twin twin
}

fn twin(p: &Params, agents: &[Agent], lanes: &[Lane], tree: &mut [f32]) {
    let [num_lanes, len] = [p.num_lanes, tree_len(p.capacity)].map(|n| n as usize);
    let lane_rows = p.capacity / p.num_lanes;
    for (agent, tree) in tree.chunks_exact_mut(len).enumerate().take(p.agents as usize) {
        let step = lanes[agent * num_lanes].step;
        if step == 0 {
            continue;
        }
        let first_of = |step: u32| step % lane_rows * p.num_lanes;
        let new = first_of(step - 1);
        tree[new as usize..][..num_lanes].fill(0.0);
        let mut nodes: Vec<u32> = (new..new + p.num_lanes).collect();
        if step >= p.n_step {
            let ready = first_of(step - p.n_step);
            tree[ready as usize..][..num_lanes].fill(agents[agent].max_priority);
            nodes.extend(ready..ready + p.num_lanes);
        }
        update_sums(tree, p.capacity, nodes);
    }
}
