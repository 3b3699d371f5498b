//! TD error, loss and gradient for the action values. Twin of `shaders/td_error.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::{Agent, TdError};

gpu_struct! {
    /// Sizes and the loss.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `q`.
        pub slots: u32,
        /// Networks with gradients: the first slots of `q`.
        pub grad_slots: u32,
        /// Columns of `q`.
        pub q_stride: u32,
        /// First column of this head.
        pub q_offset: u32,
        /// Heads.
        pub heads: u32,
        /// This head.
        pub head: u32,
        /// Weight of this head's gradient.
        pub head_weight: f32,
        /// Smallest importance weight that counts; smaller ones count like it.
        pub least_weight: f32,
        /// Largest.
        pub largest_weight: f32,
        /// 0 mse, 1 half_mse, 2 huber, 3 smooth_l1.
        pub loss: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `e = Q(s, a) - y`, its loss, and `dq`.
    td_error, params Params, workgroup 64,
    bindings {
        read agents: Agent, read q: f32, read actions: u32, read targets: f32, read importance: f32,
        write dq: f32, write errors: TdError,
    }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        let net_rows = product(&[p.agents, p.grad_slots, p.batch]);
        let [heads, q_stride] = [p.heads, p.q_stride].map(u64::from);
        vec![
            u64::from(p.agents),
            extent(
                p.agents, p.slots, product(&[p.batch, p.q_stride]), p.grad_slots.saturating_sub(1),
                rows_end(p.batch, p.q_stride, p.q_offset, p.actions),
            ),
            rows * heads, rows * heads, rows,
            net_rows * q_stride,
            net_rows * heads,
        ]
    };
    grid |p| [groups(u64::from(p.batch), 64), u64::from(p.grad_slots), u64::from(p.agents)];
    loops |p, _| u64::from(p.actions);
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    q: &[f32],
    actions: &[u32],
    targets: &[f32],
    importance: &[f32],
    dq: &mut [f32],
    errors: &mut [TdError],
) {
    let [batch, num_actions, slots, grad_slots] =
        [p.batch, p.actions, p.slots, p.grad_slots].map(|d| d as usize);
    let [q_stride, q_offset, heads] = [p.q_stride, p.q_offset, p.heads].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        for net in 0..grad_slots {
            for b in 0..batch {
                let row = agent * batch + b;
                let q_at = ((agent * slots + net) * batch + b) * q_stride + q_offset;
                let net_row = (agent * grad_slots + net) * batch + b;
                let head_row = row * heads + p.head as usize;
                let action = actions[head_row].min(p.actions - 1) as usize;
                let e = q[q_at + action] - targets[head_row];
                let delta = agents[agent].huber_delta;
                let (mut loss, mut slope) = match p.loss {
                    0 => (e * e, 2.0 * e),
                    1 => (0.5 * e * e, e),
                    _ if e.abs() <= delta => (0.5 * e * e, e),
                    _ => (delta * (e.abs() - 0.5 * delta), if e > 0.0 { delta } else { -delta }),
                };
                if p.loss == 3 {
                    loss /= delta;
                    slope /= delta;
                }
                let weight = importance[row].clamp(p.least_weight, p.largest_weight);
                let gradient = p.head_weight * weight * slope / p.batch as f32;
                for a in 0..num_actions {
                    dq[net_row * q_stride + q_offset + a] = if a == action { gradient } else { 0.0 };
                }
                errors[net_row * heads + p.head as usize] = TdError { error: e, loss: weight * loss };
            }
        }
    }
}
