//! SiLU: `y = z sigmoid(z)`. Twin of `shaders/silu.wgsl`.

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::math::{EXP_OPERATIONS, exp_f32};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Elements per slot: rows times width.
        pub count: u32,
        /// Slots.
        pub slots: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y = z sigmoid(z)`.
    silu, params Params, workgroup 64,
    bindings { read z: f32, write y: f32 }
    sizes |p, _| vec![product(&[p.agents, p.slots, p.count]); 2];
    grid |p| [groups(u64::from(p.count), 64), u64::from(p.slots), u64::from(p.agents)];
    loops |_, _| 0;
    work |p| {
        let values = product(&[p.agents, p.slots, p.count]);
        Work { operations: values * (EXP_OPERATIONS + 3), words: 2 * values }
    };
    twin twin
}

fn twin(p: &Params, z: &[f32], y: &mut [f32]) {
    let elements = product(&[p.agents, p.slots, p.count]) as usize;
    for (y, x) in y.iter_mut().zip(z).take(elements) {
        let e = exp_f32(-x.abs());
        *y = x * ((if *x < 0.0 { e } else { 1.0 }) / (1.0 + e));
    }
}
