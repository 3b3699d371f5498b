//! Dueling head: `q(a) = A(a) - mean(A) + V`. Twin of `shaders/dueling.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, rows_end};

gpu_struct! {
    /// Sizes and columns; see the shader's header.
    pub struct Params {
        /// Rows over agents, slots and batch.
        pub rows: u32,
        /// Actions of this head.
        pub actions: u32,
        /// Columns of `raw`.
        pub raw_stride: u32,
        /// First column of A.
        pub raw_offset: u32,
        /// Column of V, which other heads may share.
        pub value_offset: u32,
        /// Columns of `q`.
        pub q_stride: u32,
        /// First column of this head.
        pub q_offset: u32,
    }
}

kernel! {
    /// `q(a) = A(a) - mean(A) + V`.
    dueling, params Params, workgroup 64,
    bindings { read raw: f32, write q: f32 }
    sizes |p, _| {
        let advantages = rows_end(p.rows, p.raw_stride, p.raw_offset, p.actions);
        let values = rows_end(p.rows, p.raw_stride, p.value_offset, 1);
        vec![advantages.max(values), rows_end(p.rows, p.q_stride, p.q_offset, p.actions)]
    };
    grid |p| [groups(u64::from(p.rows), 64), 1, 1];
    loops |p, _| 2 * u64::from(p.actions);
    twin twin
}

fn twin(p: &Params, raw: &[f32], q: &mut [f32]) {
    let actions = p.actions as usize;
    for row in 0..p.rows as usize {
        let value = raw[row * p.raw_stride as usize + p.value_offset as usize];
        let raw = &raw[row * p.raw_stride as usize + p.raw_offset as usize..][..actions];
        let q = &mut q[row * p.q_stride as usize + p.q_offset as usize..][..actions];
        let mut sum = 0.0;
        for a in 0..actions {
            sum += raw[a];
        }
        let mean = sum / p.actions as f32;
        for a in 0..actions {
            q[a] = raw[a] - mean + value;
        }
    }
}
