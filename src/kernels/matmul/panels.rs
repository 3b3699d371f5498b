//! The right matrix cut into panels: as many columns as a row of accumulators holds, row after row without gaps, padded
//! to whole vectors and aligned to cache lines.

use bytemuck::{Pod, Zeroable};

use super::{Dims, Right};

/// One cache line, so that no vector of a panel straddles two.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Line([f32; 16]);

/// One panel: its first column and its width in columns, padding included.
#[derive(Clone, Copy)]
pub struct Panel {
    /// First column.
    pub column: usize,
    /// Vectors per row.
    pub vectors: usize,
}

/// Cuts `columns` into panels of at most `most` vectors of `lanes` columns, as even as possible.
pub fn cut(columns: usize, lanes: usize, most: usize) -> impl Iterator<Item = Panel> + Clone {
    let vectors = columns.div_ceil(lanes);
    let count = vectors.div_ceil(most);
    (0..count).map(move |i| {
        let [first, end] = [i, i + 1].map(|i| vectors * i / count);
        Panel { column: first * lanes, vectors: end - first }
    })
}

/// Packs `b`; panel `p` of `cut` starts at element `p.column * depth`. Whether all elements are finite.
#[inline(always)]
pub fn pack<'a>(
    lines: &'a mut Vec<Line>,
    b: Right<'_>,
    dims: Dims,
    lanes: usize,
    panels: impl Iterator<Item = Panel>,
) -> (&'a [f32], bool) {
    let Dims { columns, depth, .. } = dims;
    let needed = (columns.div_ceil(lanes) * lanes * depth).div_ceil(16);
    lines.resize(lines.len().max(needed), Line::zeroed());
    let packed: &mut [f32] = bytemuck::cast_slice_mut(lines);
    for Panel { column: first, vectors } in panels {
        let width = vectors * lanes;
        let used = width.min(columns - first);
        let rows = packed[first * depth..][..width * depth].chunks_exact_mut(width);
        if b.column_stride == 1 {
            for (k, row) in rows.enumerate() {
                let (row, padding) = row.split_at_mut(used);
                row.copy_from_slice(&b.values[k * b.row_stride + first..][..used]);
                padding.fill(0.0);
            }
        } else {
            for (k, row) in rows.enumerate() {
                let (row, padding) = row.split_at_mut(used);
                for (column, to) in (first..).zip(row) {
                    *to = b.values[k * b.row_stride + column * b.column_stride];
                }
                padding.fill(0.0);
            }
        }
    }
    // 0 times a finite number is 0; anything else is NaN and stays in the sum.
    let mut poison = [0.0f32; 16];
    let packed = &packed[..columns.div_ceil(lanes) * lanes * depth];
    let (chunks, rest) = packed.as_chunks::<16>();
    for chunk in chunks {
        for (poison, value) in poison.iter_mut().zip(chunk) {
            *poison += 0.0 * value;
        }
    }
    let rest: f32 = rest.iter().map(|value| 0.0 * value).sum();
    (packed, poison.iter().sum::<f32>() + rest == 0.0)
}
