//! Values of a head in units of the first head's temperature. Twin of `shaders/scale_head.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::head_temperature::HeadTemperature;

gpu_struct! {
    /// Sizes, and which head.
    pub struct Params {
        /// Rows per agent.
        pub rows: u32,
        /// Actions of the head.
        pub actions: u32,
        /// Columns of `q`.
        pub q_stride: u32,
        /// First column of the head.
        pub q_offset: u32,
        /// Heads.
        pub heads: u32,
        /// The head, at least 1.
        pub head: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `q *= alpha / alpha_k`
    scale_head, params Params, workgroup 64,
    bindings { read agents: Agent, read temperatures: HeadTemperature, write q: f32 }
    sizes |p, _| {
        let later = p.heads.saturating_sub(1).max(p.head).max(1);
        let end = rows_end(p.rows, p.q_stride, p.q_offset, p.actions);
        let values = extent(p.agents, 1, product(&[p.rows, p.q_stride]), 0, end);
        vec![u64::from(p.agents), product(&[p.agents, later]), values]
    };
    grid |p| [groups(u64::from(p.rows), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.actions);
    twin twin
}

fn twin(p: &Params, agents: &[Agent], temperatures: &[HeadTemperature], q: &mut [f32]) {
    let [rows, actions, heads, head] = [p.rows, p.actions, p.heads, p.head].map(|d| d as usize);
    let [q_stride, q_offset] = [p.q_stride, p.q_offset].map(|d| d as usize);
    for (agent, record) in agents.iter().enumerate().take(p.agents as usize) {
        let factor = record.alpha / temperatures[agent * (heads - 1) + head - 1].alpha;
        for row in agent * rows..(agent + 1) * rows {
            for value in &mut q[row * q_stride + q_offset..][..actions] {
                *value *= factor;
            }
        }
    }
}
