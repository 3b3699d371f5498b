//! Gradient of SiLU: `dz = dy s (1 + z (1 - s))`. Twin of `shaders/silu_backward.wgsl`.

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product};
use crate::shared::math::{EXP_OPERATIONS, exp_f32};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Elements per slot: rows times width.
        pub count: u32,
        /// Slots of `z`.
        pub slots: u32,
        /// Slots of `dy` and `dz`.
        pub grad_slots: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `dz = dy s (1 + z (1 - s))`, `s = sigmoid(z)`.
    silu_backward, params Params, workgroup 64,
    bindings { read dy: f32, read z: f32, write dz: f32 }
    sizes |p, _| {
        let count = u64::from(p.count);
        let gradients = product(&[p.agents, p.grad_slots, p.count]);
        vec![gradients, extent(p.agents, p.slots, count, p.grad_slots.saturating_sub(1), count), gradients]
    };
    grid |p| [groups(u64::from(p.count), 64), u64::from(p.grad_slots), u64::from(p.agents)];
    loops |_, _| 0;
    work |p| {
        let values = product(&[p.agents, p.grad_slots, p.count]);
        Work { operations: values * (EXP_OPERATIONS + 7), words: 3 * values }
    };
    twin twin
}

fn twin(p: &Params, dy: &[f32], z: &[f32], dz: &mut [f32]) {
    let [count, slots, grad_slots] = [p.count, p.slots, p.grad_slots].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        for slot in 0..grad_slots {
            for i in 0..count {
                let at = (agent * grad_slots + slot) * count + i;
                let x = z[(agent * slots + slot) * count + i];
                let e = exp_f32(-x.abs());
                let near = 1.0 / (1.0 + e);
                let far = e / (1.0 + e);
                let (s, rest) = if x < 0.0 { (far, near) } else { (near, far) };
                dz[at] = dy[at] * (s * (1.0 + x * rest));
            }
        }
    }
}
