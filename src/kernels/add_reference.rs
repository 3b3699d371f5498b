//! Action values relative to a frozen reference policy. Twin of `shaders/add_reference.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::policy::softmax_of;

gpu_struct! {
    /// Sizes and slots.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `q`.
        pub slots: u32,
        /// First slot that changes; all behind it do as well.
        pub first_slot: u32,
        /// Columns of `q` and `reference`.
        pub q_stride: u32,
        /// First column of the head.
        pub q_offset: u32,
        /// Temperature of the reference's own softmax; 1 for outputs that are logits.
        pub temperature: f32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `q += alpha ln softmax(reference / temperature)`.
    add_reference, params Params, workgroup 64,
    bindings { read agents: Agent, read reference: f32, write q: f32 }
    sizes |p, _| {
        let values = |slots: u32| {
            let end = rows_end(p.batch, p.q_stride, p.q_offset, p.actions);
            extent(p.agents, slots, product(&[p.batch, p.q_stride]), slots.saturating_sub(1), end)
        };
        vec![u64::from(p.agents), values(1), values(p.slots)]
    };
    grid |p| {
        let changed = p.slots.saturating_sub(p.first_slot);
        [groups(u64::from(p.batch), 64), u64::from(changed), u64::from(p.agents)]
    };
    loops |p, _| 3 * u64::from(p.actions);
    twin twin
}

fn twin(p: &Params, agents: &[Agent], reference: &[f32], q: &mut [f32]) {
    let [batch, actions, slots] = [p.batch, p.actions, p.slots].map(|d| d as usize);
    let [q_stride, q_offset] = [p.q_stride, p.q_offset].map(|d| d as usize);
    for (agent, record) in agents.iter().enumerate().take(p.agents as usize) {
        for slot in p.first_slot as usize..slots {
            for b in 0..batch {
                let logit = |a: usize| reference[(agent * batch + b) * q_stride + q_offset + a];
                let pi = softmax_of(logit, actions, p.temperature);
                let first = ((agent * slots + slot) * batch + b) * q_stride + q_offset;
                for a in 0..actions {
                    q[first + a] += record.alpha * pi.log_probability(logit(a), p.temperature);
                }
            }
        }
    }
}
