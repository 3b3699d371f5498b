//! How the dense twins share their work among threads: by slots, and by blocks of rows where there are more threads.

use rayon::prelude::*;

use crate::engine::threads;

/// Multiply-adds from which threads pay.
const PARALLEL_WORK: usize = 1 << 17;

/// Rows below which a block costs more to set up than it brings.
const MIN_ROWS: usize = 16;

/// Calls `evaluate(slot, first row, rows)` for all rows of `values`, `slots` slots of rows of `stride` elements, each row
/// once. `work` is the number of multiply-adds of it all.
pub fn for_each_block(
    values: &mut [f32],
    slots: usize,
    stride: usize,
    work: usize,
    evaluate: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    let per_slot = values.len() / slots.max(1);
    for_each_block_of(values.chunks_exact_mut(per_slot.max(1)).collect(), stride, work, evaluate);
}

/// The same for slots that lie apart.
pub fn for_each_block_of(
    slots: Vec<&mut [f32]>,
    stride: usize,
    work: usize,
    evaluate: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    let threads = threads::available();
    if work < PARALLEL_WORK || threads == 1 {
        for (slot, values) in slots.into_iter().enumerate() {
            evaluate(slot, 0, values);
        }
        return;
    }
    let blocks = threads.div_ceil(slots.len().max(1));
    slots.into_par_iter().enumerate().for_each(|(slot, values)| {
        let rows = (values.len() / stride).div_ceil(blocks).next_multiple_of(8).max(MIN_ROWS);
        if blocks == 1 {
            evaluate(slot, 0, values);
        } else {
            let parts = values.par_chunks_mut(rows * stride).enumerate();
            parts.for_each(|(block, values)| evaluate(slot, block * rows, values));
        }
    });
}
