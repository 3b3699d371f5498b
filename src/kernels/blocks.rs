//! How the dense twins share their work among threads: by slots, and by blocks of rows or of columns where there are more
//! threads.

use std::ops::Range;

use crate::engine::threads;

/// Multiply-adds from which threads pay.
const PARALLEL_WORK: usize = 1 << 15;

/// Rows below which a block costs more to set up than it brings.
const MIN_ROWS: usize = 16;

/// Columns below which a part costs more than it brings.
const MIN_COLUMNS: usize = 128;

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
    let threads = if work < PARALLEL_WORK { 1 } else { threads::available() };
    let parts = threads.div_ceil(slots.len().max(1));
    let mut blocks = Vec::new();
    for (slot, values) in slots.into_iter().enumerate() {
        let rows = (values.len() / stride).div_ceil(parts).next_multiple_of(8).max(MIN_ROWS);
        for (block, values) in values.chunks_mut(rows * stride).enumerate() {
            blocks.push((slot, block * rows, values));
        }
    }
    let each = |(slot, first, values): (usize, usize, &mut [f32])| evaluate(slot, first, values);
    if threads == 1 { blocks.into_iter().for_each(each) } else { threads::for_each(blocks, each) }
}

/// Parts that rows of `columns` columns are cut into where there are more threads than slots; 1 if it does not pay.
pub fn parts_of_columns(slots: usize, columns: usize, work: usize) -> usize {
    let threads = if work < PARALLEL_WORK { 1 } else { threads::available() };
    let parts = threads.div_ceil(slots.max(1));
    if columns < parts * MIN_COLUMNS { 1 } else { parts }
}

/// Calls `evaluate(slot, first column, rows)` for `parts` parts of the `columns` of all rows of `values`, `slots` slots of rows
/// of `stride` elements: for products in which a thread would have to prepare the whole right matrix for a few rows.
pub fn for_each_part(
    values: &mut [f32],
    slots: usize,
    stride: usize,
    columns: Range<usize>,
    parts: usize,
    evaluate: impl Fn(usize, usize, &mut [&mut [f32]]) + Sync,
) {
    let width = columns.len().div_ceil(parts).next_multiple_of(16);
    let per_slot = values.len() / slots.max(1);
    let mut blocks = Vec::new();
    for (slot, values) in values.chunks_exact_mut(per_slot.max(1)).enumerate() {
        let mut rows: Vec<_> =
            values.chunks_exact_mut(stride).map(|row| row[columns.clone()].chunks_mut(width)).collect();
        for part in 0..columns.len().div_ceil(width) {
            let rows: Vec<&mut [f32]> = rows.iter_mut().filter_map(Iterator::next).collect();
            blocks.push((slot, part * width, rows));
        }
    }
    threads::for_each(blocks, |(slot, first, mut rows)| evaluate(slot, first, &mut rows));
}
