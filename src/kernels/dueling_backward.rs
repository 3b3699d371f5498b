//! Gradient of the dueling head: `dA(a) = dq(a) - mean(dq)`, `dV = sum dq`. Twin of `shaders/dueling_backward.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, rows_end};

gpu_struct! {
    /// Sizes and columns, as in the forward pass.
    pub struct Params {
        /// Rows over agents, nets with gradients and batch.
        pub rows: u32,
        /// Actions of this head.
        pub actions: u32,
        /// Columns of `draw`.
        pub raw_stride: u32,
        /// First column of dA.
        pub raw_offset: u32,
        /// Column of dV.
        pub value_offset: u32,
        /// 1: dV grows by this head's part; 0: it becomes that.
        pub add: u32,
        /// Columns of `dq`.
        pub q_stride: u32,
        /// First column of this head.
        pub q_offset: u32,
    }
}

kernel! {
    /// `dA(a) = dq(a) - mean(dq)`, `dV = sum dq`.
    dueling_backward, params Params, workgroup 64,
    bindings { read dq: f32, write draw: f32 }
    sizes |p, _| {
        let advantages = rows_end(p.rows, p.raw_stride, p.raw_offset, p.actions);
        let values = rows_end(p.rows, p.raw_stride, p.value_offset, 1);
        vec![rows_end(p.rows, p.q_stride, p.q_offset, p.actions), advantages.max(values)]
    };
    grid |p| [groups(u64::from(p.rows), 64), 1, 1];
    loops |p, _| 2 * u64::from(p.actions);
    twin twin
}

fn twin(p: &Params, dq: &[f32], draw: &mut [f32]) {
    let actions = p.actions as usize;
    for row in 0..p.rows as usize {
        let dq = &dq[row * p.q_stride as usize + p.q_offset as usize..][..actions];
        let first = row * p.raw_stride as usize;
        let advantages = &mut draw[first + p.raw_offset as usize..][..actions];
        let mut sum = 0.0;
        for a in 0..actions {
            sum += dq[a];
        }
        let mean = sum / p.actions as f32;
        for a in 0..actions {
            advantages[a] = dq[a] - mean;
        }
        let value = &mut draw[first + p.value_offset as usize];
        *value = if p.add == 1 { sum + *value } else { sum };
    }
}
