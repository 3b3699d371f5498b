//! One target for all heads of a row. Twin of `shaders/join_heads.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::groups;

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Rows over agents and batch.
        pub rows: u32,
        /// Heads.
        pub heads: u32,
    }
}

kernel! {
    /// `y_k = mean_j y_j`
    join_heads, params Params, workgroup 64,
    bindings { write targets: f32 }
    sizes |p, _| vec![u64::from(p.rows) * u64::from(p.heads)];
    grid |p| [groups(u64::from(p.rows), 64), 1, 1];
    loops |p, _| 2 * u64::from(p.heads);
    twin twin
}

fn twin(p: &Params, targets: &mut [f32]) {
    for row in targets[..(p.rows * p.heads) as usize].chunks_exact_mut(p.heads as usize) {
        let mut sum = 0.0;
        for y in &*row {
            sum += y;
        }
        row.fill(sum / p.heads as f32);
    }
}
