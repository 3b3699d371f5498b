//! Loss of a drawn action under the critics and its gradient for their outputs. Twin of `shaders/action_loss.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product};
use crate::shared::agent::Agent;
use crate::shared::target::joined;

gpu_struct! {
    /// Sizes, slots and the form of the value; see the shader's header.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Slots of `q` and `dq`.
        pub slots: u32,
        /// Slot of `Q_1(s, a~)`.
        pub q_1: u32,
        /// Slot of `Q_2(s, a~)`, or that of `Q_1(s, a~)` to use it alone.
        pub q_2: u32,
        /// Draws per row in memory.
        pub draws: u32,
        /// The draw at `s`.
        pub draw: u32,
        /// 1: the mean of the twins in place of their minimum.
        pub mean: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `w (alpha ln pi(a~|s) - min_i Q_i(s, a~))` and its gradient
    action_loss, params Params, workgroup 64,
    bindings {
        read agents: Agent, read q: f32, read log_probs: f32, read importance: f32,
        write dq: f32, write entropies: f32, write losses: f32,
    }
    sizes |p, _| {
        let (rows, batch) = (product(&[p.agents, p.batch]), u64::from(p.batch));
        vec![
            u64::from(p.agents),
            extent(p.agents, p.slots, batch, p.q_1.max(p.q_2), batch),
            extent(p.agents, p.draws, batch, p.draw, batch),
            rows,
            rows.saturating_mul(u64::from(p.slots)),
            rows,
            rows,
        ]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.slots);
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    q: &[f32],
    log_probs: &[f32],
    importance: &[f32],
    dq: &mut [f32],
    entropies: &mut [f32],
    losses: &mut [f32],
) {
    for agent in 0..p.agents {
        for b in 0..p.batch {
            let place = |per_agent: u32, slot: u32| ((agent * per_agent + slot) * p.batch + b) as usize;
            let row = (agent * p.batch + b) as usize;
            let (first, second) = (q[place(p.slots, p.q_1)], q[place(p.slots, p.q_2)]);
            let log_prob = log_probs[place(p.draws, p.draw)];
            let share = match (p.q_1 == p.q_2, p.mean == 1 || first == second) {
                (true, _) => 1.0,
                (_, true) => 0.5,
                _ if first < second => 1.0,
                _ => 0.0,
            };
            let gradient = -importance[row] / p.batch as f32;
            for slot in 0..p.slots {
                let part = match slot {
                    _ if slot == p.q_1 => share,
                    _ if slot == p.q_2 => 1.0 - share,
                    _ => 0.0,
                };
                dq[place(p.slots, slot)] = part * gradient;
            }
            entropies[row] = -log_prob;
            losses[row] = importance[row]
                * (agents[agent as usize].alpha * log_prob - joined(p.mean == 1, first, second));
        }
    }
}
