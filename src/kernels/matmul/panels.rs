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
    // 0 times a finite number is 0; anything else is NaN and stays in the sum.
    let mut poison = [0.0f32; 16];
    for Panel { column, vectors } in panels {
        let width = vectors * lanes;
        let used = width.min(columns - column);
        for k in 0..depth {
            let from = &b.values[k * b.stride + column..][..used];
            let to = &mut packed[column * depth + k * width..][..width];
            let (to, padding) = to.split_at_mut(used);
            to.copy_from_slice(from);
            padding.fill(0.0);
            let (whole, rest) = from.as_chunks::<16>();
            for chunk in whole {
                for (poison, value) in poison.iter_mut().zip(chunk) {
                    *poison += 0.0 * value;
                }
            }
            for (poison, value) in poison.iter_mut().zip(rest) {
                *poison += 0.0 * value;
            }
        }
    }
    (packed, poison.iter().sum::<f32>() == 0.0)
}
