//! Sums of windows times the gradients behind them: one share of the gradient of a convolution's weights.

use bytemuck::Zeroable;
use pulp::{Simd, WithSimd};

use super::marks::BLOCK;
use super::panels::{Line, add, store};
use super::windows::Windows;

/// `sums = sum over windows first, first + step, ... of window^T dy`, and behind them the sum of `dy`, for the bias.
pub struct Correlate<'a> {
    /// Windows.
    pub windows: Windows<'a>,
    /// Where each of these windows starts.
    pub starts: &'a [usize],
    /// Gradients `[windows, filters]` from the first of these windows on.
    pub dy: &'a [f32],
    /// Windows from one of them to the next.
    pub step: usize,
    /// Outputs per window.
    pub filters: usize,
    /// Whether all gradients are finite.
    pub finite: bool,
    /// `[numbers of a window and 1, filters]`.
    pub sums: &'a mut [f32],
    /// Room for the gradients.
    pub lines: &'a mut Vec<Line>,
}

impl WithSimd for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Correlate { windows, starts, dy, step, filters, finite, sums, lines } = self;
        let vectors = filters.div_ceil(S::F32_LANES);
        // Side by side and padded to whole vectors: where they lie, all of them may fall into the same few lines of a cache.
        let width = vectors * S::F32_LANES;
        lines.resize(lines.len().max((starts.len() * width).div_ceil(16)), Line::zeroed());
        let packed: &mut [f32] = &mut bytemuck::cast_slice_mut(lines)[..starts.len() * width];
        for (to, from) in packed.chunks_exact_mut(width).zip(dy.chunks(step * filters)) {
            to[..filters].copy_from_slice(&from[..filters]);
            to[filters..].fill(0.0);
        }
        let (gradients, _) = S::as_simd_f32s(packed);
        let mut share = Share::<S> { windows, starts, gradients, vectors, filters, sums };
        // A sum in memory costs more than one in a register.
        let whole = width == filters && matches!(vectors, 1 | 2 | 4 | 8);
        if finite && whole && windows.are_sparse(vectors, 3 * vectors) {
            return match vectors {
                1 => share.skip::<1>(simd),
                2 => share.skip::<2>(simd),
                4 => share.skip::<4>(simd),
                _ => share.skip::<8>(simd),
            };
        }
        let mut vector = 0;
        while vector < vectors {
            if vectors - vector == 1 {
                share.panel::<8, 1>(simd, vector);
            } else if S::REGISTER_COUNT >= 32 {
                share.panel::<8, 2>(simd, vector);
            } else {
                share.panel::<4, 2>(simd, vector);
            }
            vector += 2;
        }
    }
}

/// Windows and their gradients.
struct Share<'a, S: Simd> {
    windows: Windows<'a>,
    starts: &'a [usize],
    /// `[windows, vectors]`.
    gradients: &'a [S::f32s],
    /// Vectors of filters.
    vectors: usize,
    filters: usize,
    sums: &'a mut [f32],
}

impl<S: Simd> Share<'_, S> {
    /// Every row of weights, `T` at a time, for the filters of `V` vectors from `vector` on.
    #[inline(always)]
    fn panel<const T: usize, const V: usize>(&mut self, simd: S, vector: usize) {
        let Windows { line, lines, pitch, .. } = self.windows;
        for l in 0..lines {
            let mut k = 0;
            while k < line {
                let (row, offset) = (l * line + k, l * pitch + k);
                k += match line - k {
                    left if left >= T => self.tile::<T, V>(simd, vector, row, offset),
                    left if left >= 4 => self.tile::<4, V>(simd, vector, row, offset),
                    _ => self.tile::<1, V>(simd, vector, row, offset),
                };
            }
        }
        let mut sums = [simd.splat_f32s(0.0); V];
        for gradients in self.gradients.chunks_exact(self.vectors) {
            for v in 0..V {
                sums[v] = simd.add_f32s(sums[v], gradients[vector + v]);
            }
        }
        self.store(simd, lines * line, vector, &sums);
    }

    /// `T` rows of weights, from `row` on, whose inputs lie `offset` behind the windows' starts; returns `T`.
    #[inline(always)]
    fn tile<const T: usize, const V: usize>(
        &mut self,
        simd: S,
        vector: usize,
        row: usize,
        offset: usize,
    ) -> usize {
        let mut sums = [[simd.splat_f32s(0.0); V]; T];
        let x = &self.windows.x[offset..];
        let gradients = self.gradients[vector..].chunks(self.vectors);
        for (start, gradients) in self.starts.iter().zip(gradients) {
            let x = &x[*start..][..T];
            let Some(gradients) = gradients.first_chunk::<V>() else { break };
            for t in 0..T {
                add(simd, &mut sums[t], x[t], gradients);
            }
        }
        for t in 0..T {
            self.store(simd, row + t, vector, &sums[t]);
        }
        T
    }

    #[inline(always)]
    fn store<const V: usize>(&mut self, simd: S, row: usize, vector: usize, sums: &[S::f32s; V]) {
        let column = vector * S::F32_LANES;
        let used = (self.filters - column).min(V * S::F32_LANES);
        store(simd, &mut self.sums[row * self.filters + column..][..used], sums);
    }

    /// All rows of weights, without the zeros of the windows; the filters are `V` whole vectors.
    #[inline(always)]
    fn skip<const V: usize>(self, simd: S) {
        let Windows { x, line, lines, pitch, .. } = self.windows;
        self.sums.fill(0.0);
        let (sums, _) = S::as_mut_simd_f32s(self.sums);
        let (sums, _) = sums.as_chunks_mut::<V>();
        let (gradients, _) = self.gradients.as_chunks::<V>();
        for (start, gradients) in self.starts.iter().zip(gradients) {
            for l in 0..lines {
                for first in (0..line).step_by(BLOCK) {
                    let length = (line - first).min(BLOCK);
                    let start = start + l * pitch + first;
                    let mut word = self.windows.word(start, length);
                    while word != 0 {
                        let k = word.trailing_zeros() as usize;
                        word &= word - 1;
                        add(simd, &mut sums[l * line + first + k], x[start + k], gradients);
                    }
                }
            }
            add(simd, &mut sums[lines * line], 1.0, gradients);
        }
    }
}
