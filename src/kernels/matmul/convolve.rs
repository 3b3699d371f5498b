//! Sums over windows for all filters of a convolution: several windows at a time where most numbers count, and otherwise window
//! by window over those that are not 0.

use bytemuck::Zeroable;
use pulp::{Simd, WithSimd};

use super::finish::bias_and_activation;
use super::marks::BLOCK;
use super::panels::{Line, Panel, add, cut, finite, load, store};
use super::windows::Windows;

/// Outputs `y` of the windows from `first` on.
pub struct Convolve<'a> {
    /// Windows.
    pub windows: Windows<'a>,
    /// The first of them.
    pub first: usize,
    /// Weights `[numbers of a window, filters]`.
    pub weights: &'a [f32],
    /// One per filter.
    pub bias: &'a [f32],
    /// `Activation` as a number.
    pub activation: u32,
    /// `[windows, filters]`.
    pub y: &'a mut [f32],
    /// Room for the weights.
    pub lines: &'a mut Vec<Line>,
}

/// Windows of a tile.
const TILE: usize = 8;

/// Windows that take one line of the weights after the other without their zeros: the line stays in the first cache.
const IN_LINE: usize = 64;

impl WithSimd for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Convolve { windows, first, weights, bias, activation, y, lines } = self;
        let filters = bias.len();
        let depth = windows.line * windows.lines;
        // A sum waits for the one before: fewer than four side by side leave it idle.
        let vectors = filters.div_ceil(S::F32_LANES);
        let sparse = windows.are_sparse(vectors, vectors.max(4)) && finite(weights);
        let panels = cut(filters, S::F32_LANES, if sparse { 8 } else { 2 });
        let packed = pack(lines, weights, (depth, filters), S::F32_LANES, panels.clone());
        let mut starts = windows.starts(first, 1);
        for y in y.chunks_mut(if sparse { IN_LINE } else { TILE } * filters) {
            let mut at = [0; IN_LINE];
            let count = y.len() / filters;
            for (at, start) in at[..count].iter_mut().zip(&mut starts) {
                *at = start;
            }
            for panel in panels.clone() {
                let tile = Tile { windows, packed: &packed[panel.column * depth..], panel, filters };
                match (sparse, panel.vectors, at[..count].first_chunk()) {
                    (true, ..) => tile.skipping(simd, &at[..count], y),
                    (_, 1, Some(at)) => tile.evaluate::<S, TILE, 1>(simd, at, y),
                    (_, 2, Some(at)) if S::REGISTER_COUNT >= 32 => tile.evaluate::<S, TILE, 2>(simd, at, y),
                    _ => tile.in_parts(simd, &at[..count], y),
                }
            }
            for y in y.chunks_exact_mut(filters) {
                bias_and_activation(activation, bias, y);
            }
        }
    }
}

/// Packs the weights; panel `p` of `panels` starts at element `p.column * depth`.
#[inline(always)]
fn pack<'a>(
    lines: &'a mut Vec<Line>,
    weights: &[f32],
    (depth, filters): (usize, usize),
    lanes: usize,
    panels: impl Iterator<Item = Panel>,
) -> &'a [f32] {
    let needed = (filters.div_ceil(lanes) * lanes * depth).div_ceil(16);
    lines.resize(lines.len().max(needed), Line::zeroed());
    let packed: &mut [f32] = bytemuck::cast_slice_mut(lines);
    for Panel { column: first, vectors } in panels {
        let width = vectors * lanes;
        let rows = packed[first * depth..][..width * depth].chunks_exact_mut(width);
        for (to, from) in rows.zip(weights.chunks_exact(filters)) {
            let from = &from[first..filters.min(first + width)];
            to[..from.len()].copy_from_slice(from);
            to[from.len()..].fill(0.0);
        }
    }
    packed
}

/// Some windows times a panel of filters.
#[derive(Clone, Copy)]
struct Tile<'a> {
    windows: Windows<'a>,
    packed: &'a [f32],
    panel: Panel,
    filters: usize,
}

impl Tile<'_> {
    /// As few registers as there are, or fewer windows than a tile has.
    #[inline(always)]
    fn in_parts<S: Simd>(self, simd: S, at: &[usize], y: &mut [f32]) {
        let (fours, rest) = at.as_chunks::<4>();
        let (ys, y_rest) = y.split_at_mut(4 * fours.len() * self.filters);
        for (at, y) in fours.iter().zip(ys.chunks_exact_mut(4 * self.filters)) {
            match self.panel.vectors {
                1 => self.evaluate::<S, 4, 1>(simd, at, y),
                _ => self.evaluate::<S, 4, 2>(simd, at, y),
            }
        }
        for (at, y) in rest.iter().zip(y_rest.chunks_exact_mut(self.filters)) {
            match self.panel.vectors {
                1 => self.evaluate::<S, 1, 1>(simd, &[*at], y),
                _ => self.evaluate::<S, 1, 2>(simd, &[*at], y),
            }
        }
    }

    #[inline(always)]
    fn evaluate<S: Simd, const R: usize, const V: usize>(self, simd: S, at: &[usize; R], y: &mut [f32]) {
        let Windows { x, line, lines, pitch, .. } = self.windows;
        let (vectors, _) = S::as_simd_f32s(self.packed);
        let (b, _) = vectors.as_chunks::<V>();
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        for (l, b) in b.chunks_exact(line).take(lines).enumerate() {
            let mut rows = [&x[..0]; R];
            for r in 0..R {
                rows[r] = &x[at[r] + l * pitch..][..line];
            }
            for (k, b) in b.iter().enumerate() {
                for r in 0..R {
                    add(simd, &mut sums[r], rows[r][k], b);
                }
            }
        }
        for (sums, y) in sums.iter().zip(y.chunks_exact_mut(self.filters)) {
            self.store(simd, sums, y);
        }
    }

    #[inline(always)]
    fn store<S: Simd, const V: usize>(self, simd: S, sums: &[S::f32s; V], y: &mut [f32]) {
        let y = &mut y[self.panel.column..];
        let used = y.len().min(V * S::F32_LANES);
        store(simd, &mut y[..used], sums);
    }

    /// Windows without their zeros, line by line.
    #[inline(always)]
    fn skipping<S: Simd>(self, simd: S, at: &[usize], y: &mut [f32]) {
        match self.panel.vectors {
            1 => self.skip::<S, 1>(simd, at, y),
            2 => self.skip::<S, 2>(simd, at, y),
            3 => self.skip::<S, 3>(simd, at, y),
            4 => self.skip::<S, 4>(simd, at, y),
            5 => self.skip::<S, 5>(simd, at, y),
            6 => self.skip::<S, 6>(simd, at, y),
            7 => self.skip::<S, 7>(simd, at, y),
            _ => self.skip::<S, 8>(simd, at, y),
        }
    }

    #[inline(always)]
    fn skip<S: Simd, const V: usize>(self, simd: S, at: &[usize], y: &mut [f32]) {
        let Windows { x, line, lines, pitch, .. } = self.windows;
        let (vectors, _) = S::as_simd_f32s(self.packed);
        let (b, _) = vectors.as_chunks::<V>();
        for (l, b) in b.chunks_exact(line).take(lines).enumerate() {
            for (at, y) in at.iter().zip(y.chunks_exact_mut(self.filters)) {
                let mut sums = [simd.splat_f32s(0.0); V];
                if l > 0 {
                    let y = &y[self.panel.column..];
                    load(simd, &y[..y.len().min(V * S::F32_LANES)], &mut sums);
                }
                for first in (0..line).step_by(BLOCK) {
                    let length = (line - first).min(BLOCK);
                    let start = at + l * pitch + first;
                    let mut word = self.windows.word(start, length);
                    let (x, b) = (&x[start..][..length], &b[first..][..length]);
                    while word != 0 {
                        let k = word.trailing_zeros() as usize;
                        word &= word - 1;
                        add(simd, &mut sums, x[k], &b[k]);
                    }
                }
                self.store(simd, &sums, y);
            }
        }
    }
}
