//! Convolutions as the CPU executor runs them: windows are read where they lie, and only the gradient for the input, which has a
//! row of numbers per window, is a blocked product. Bit for bit what the plain twins in `conv2d_forward.rs`,
//! `conv2d_backward_input.rs` and `conv2d_backward_weights.rs` give (`cargo test --test kernels blocked`).

use std::cell::RefCell;

use super::convolve::Convolve;
use super::correlate::Correlate;
use super::finish::times_slopes;
use super::panels::{Line, all_finite};
use super::windows::{self, Windows};
use super::{Dims, Finish, Left, Output, Right, matmul};
use crate::engine::simd::Arch;
use crate::engine::threads;
use crate::kernels::blocks::{for_each_block, for_each_block_of};
use crate::kernels::conv2d_backward_weights::SHARES;
use crate::kernels::conv2d_forward::Params;
use crate::kernels::nibble;

/// Numbers of windows' gradients that are computed at a time: they stay in a core's cache until they are used.
const TOGETHER: usize = 1 << 18;

/// Buffers that outlive a pass.
#[derive(Default)]
struct Scratch {
    windows: windows::Scratch,
    lines: Vec<Line>,
    starts: Vec<usize>,
    sums: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Multiply-adds of one pass.
fn work(p: &Params) -> usize {
    p.agents as usize * p.slots as usize * p.batch as usize * p.positions() * p.depth() * p.filters as usize
}

/// `y = act(x * W + b)`
pub fn forward(p: &Params, x: &[f32], weights: &[f32], y: &mut [f32]) {
    let [batch, filters, slots] = [p.batch, p.filters, p.slots].map(|d| d as usize);
    let (depth, positions) = (p.depth(), p.positions());
    let all = p.agents as usize * slots;
    for_each_block(&mut y[..all * batch * positions * filters], all, filters, work(p), |index, first, y| {
        let (agent, slot) = (index / slots, index % slots);
        let inputs = first / positions..(first + y.len() / filters).div_ceil(positions);
        let from = (agent * p.x_slots as usize + nibble(p.slot_x, slot)) * batch;
        let x = &x[(from + inputs.start) * p.input()..(from + inputs.end) * p.input()];
        let net = agent * p.nets as usize + nibble(p.slot_net, slot);
        let layer = &weights[net * p.net_params as usize + p.weight_offset as usize..];
        let (weights, bias) = layer[..(depth + 1) * filters].split_at(depth * filters);
        SCRATCH.with_borrow_mut(|scratch| {
            let windows = Windows::new(p, x, &mut scratch.windows);
            let (first, activation) = (first % positions, p.activation);
            let lines = &mut scratch.lines;
            Arch::new().dispatch(Convolve { windows, first, weights, bias, activation, y, lines });
        });
    });
}

/// `dx = (sum over windows of dy W^T) * act'(x)`
pub fn backward_input(p: &Params, dy: &[f32], weights: &[f32], x: &[f32], dx: &mut [f32]) {
    let [batch, filters, slots] = [p.batch, p.filters, p.slots].map(|d| d as usize);
    let (depth, positions, input) = (p.depth(), p.positions(), p.input());
    let all = p.agents as usize * slots;
    let together = (TOGETHER / (positions * depth)).max(1);
    for_each_block(&mut dx[..all * batch * input], all, input, work(p), |index, first, dx| {
        let (agent, slot) = (index / slots, index % slots);
        let net = agent * p.nets as usize + slot;
        let w = &weights[net * p.net_params as usize + p.weight_offset as usize..][..depth * filters];
        let x = &x[(agent * p.x_slots as usize + slot) * batch * input..];
        SCRATCH.with_borrow_mut(|Scratch { sums: windows, .. }| {
            windows.resize(windows.len().max(together * positions * depth), 0.0);
            for (block, dx) in dx.chunks_mut(together * input).enumerate() {
                let image = first + block * together;
                let rows = dx.len() / input * positions;
                let dy = &dy[(index * batch + image) * positions * filters..];
                let left = Left { values: dy, row_stride: filters, k_stride: 1 };
                // W^T: a window's numbers side by side, while filters are summed in ascending order.
                let right = Right { values: w, row_stride: 1, column_stride: filters };
                let output = Output { values: windows, stride: depth };
                let dims = Dims { rows, columns: depth, depth: filters };
                matmul(left, right, output, dims, Finish::Nothing);
                let images = dx.chunks_exact_mut(input).zip(windows.chunks_exact(positions * depth));
                for ((dx, windows), x) in images.zip(x[image * input..].chunks_exact(input)) {
                    dx.fill(0.0);
                    for (place, window) in windows.chunks_exact(depth).enumerate() {
                        scatter(p, place, window, dx);
                    }
                    times_slopes(p.activation, x, dx);
                }
            }
        });
    });
}

/// Adds the numbers of the window at `place` to the cells that they belong to.
fn scatter(p: &Params, place: usize, window: &[f32], dx: &mut [f32]) {
    for (tap, numbers) in window.chunks_exact(p.channels as usize).enumerate() {
        if let Some(cell) = p.cell(place, tap) {
            for (dx, number) in dx[cell..].iter_mut().zip(numbers) {
                *dx += number;
            }
        }
    }
}

/// `dW = window^T dy`, `db = sum dy`
pub fn backward_weights(p: &Params, x: &[f32], dy: &[f32], grads: &mut [f32]) {
    let [batch, filters, slots] = [p.batch, p.filters, p.slots].map(|d| d as usize);
    let (rows, size) = (batch * p.positions(), (p.depth() + 1) * filters);
    let all = p.agents as usize * slots;
    // The tree's branches are evaluated by different threads; where it is cut does not change what it adds.
    let parts = threads::available().div_ceil(all).next_power_of_two().min(SHARES);
    let mut branches = vec![0.0; all * parts * size];
    for_each_block_of(branches.chunks_exact_mut(size).collect(), size, work(p), |branch, _, sums| {
        let (index, part) = (branch / parts, branch % parts);
        let (agent, slot) = (index / slots, index % slots);
        let x_row = (agent * p.x_slots as usize + nibble(p.slot_x, slot)) * batch;
        let x = &x[x_row * p.input()..][..batch * p.input()];
        let dy = &dy[index * rows * filters..][..rows * filters];
        SCRATCH.with_borrow_mut(|scratch| {
            let Scratch { windows, starts, sums: below, lines } = scratch;
            below.resize(below.len().max(SHARES.ilog2() as usize * size), 0.0);
            let windows = Windows::new(p, x, windows);
            let shares = Shares { windows, dy, rows, filters, finite: all_finite(dy) };
            shares.branch((part, parts), sums, below, (starts, lines));
        });
    });
    for (index, branches) in branches.chunks_exact_mut(parts * size).enumerate() {
        let mut half = parts / 2;
        while half > 0 {
            let (to, from) = branches.split_at_mut(half * size);
            add(to, &from[..half * size]);
            half /= 2;
        }
        let at = index * p.net_params as usize + p.weight_offset as usize;
        grads[at..at + size].copy_from_slice(&branches[..size]);
    }
}

/// What the tree of [`backward_weights`] adds up for one net.
struct Shares<'a> {
    windows: Windows<'a>,
    dy: &'a [f32],
    /// Windows of the batch.
    rows: usize,
    filters: usize,
    /// Whether all of `dy` is.
    finite: bool,
}

impl Shares<'_> {
    /// The sum over shares `first`, `first + step`, ... in the tree's order; `below` has room for the sums below it.
    fn branch(
        &self,
        (first, step): (usize, usize),
        sums: &mut [f32],
        below: &mut [f32],
        room: (&mut Vec<usize>, &mut Vec<Line>),
    ) {
        if step == SHARES {
            return self.share(first, sums, room);
        }
        self.branch((first, 2 * step), sums, below, (&mut *room.0, &mut *room.1));
        let (other, below) = below.split_at_mut(sums.len());
        self.branch((first + step, 2 * step), other, below, room);
        add(sums, other);
    }

    /// The sum over windows `first`, `first + SHARES`, ... of the batch.
    fn share(&self, first: usize, sums: &mut [f32], (starts, lines): (&mut Vec<usize>, &mut Vec<Line>)) {
        let Shares { windows, dy, rows, filters, finite } = *self;
        if first >= rows {
            return sums.fill(0.0);
        }
        starts.clear();
        starts.extend(windows.starts(first, SHARES).take((rows - first).div_ceil(SHARES)));
        let dy = &dy[first * filters..];
        Arch::new().dispatch(Correlate { windows, starts, dy, step: SHARES, filters, finite, sums, lines });
    }
}

/// `to += from`
fn add(to: &mut [f32], from: &[f32]) {
    Arch::new().dispatch(|| {
        for (to, from) in to.iter_mut().zip(from) {
            *to += from;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::conv2d_forward::windows;
    use crate::kernels::{conv2d_backward_weights, conv2d_forward};

    fn params(channels: u32, filters: u32, kernel: u32, stride: u32, pad: u32) -> Params {
        let (height, width) = (9, 11);
        let outputs = [height, width].map(|size| windows(size, kernel, stride, pad));
        Params {
            batch: 5,
            height,
            width,
            channels,
            kernel_height: kernel,
            kernel_width: kernel,
            stride_y: stride,
            stride_x: stride,
            pad_y: pad,
            pad_x: pad,
            out_height: outputs[0],
            out_width: outputs[1],
            filters,
            nets: 1,
            net_params: kernel * kernel * channels * filters + filters,
            slots: 1,
            x_slots: 1,
            agents: 1,
            ..Params::default()
        }
    }

    #[test]
    fn inputs_that_are_mostly_zero_give_the_bits_of_the_plain_sum() {
        let mut state = 1u32;
        let mut value = |one_in: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if (state >> 9).is_multiple_of(one_in) { (state >> 8) as f32 / 8_388_608.0 - 1.0 } else { 0.0 }
        };
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        for (channels, filters, kernel, stride, pad) in
            [(1, 16, 3, 1, 0), (4, 32, 4, 2, 2), (2, 33, 5, 1, 3), (20, 64, 5, 1, 1), (3, 5, 3, 2, 1)]
        {
            for one_in in [1, 3, 30, u32::MAX] {
                let p = params(channels, filters, kernel, stride, pad);
                let x: Vec<f32> = (0..p.batch as usize * p.input()).map(|_| value(one_in)).collect();
                let mut weights: Vec<f32> = (0..p.net_params).map(|_| value(1)).collect();
                let mut dy: Vec<f32> =
                    (0..p.batch as usize * p.positions() * filters as usize).map(|_| value(2)).collect();
                for infinite in [false, true] {
                    if infinite {
                        // What is skipped must not hide that 0 times this is NaN.
                        (weights[0], dy[0]) = (f32::INFINITY, f32::INFINITY);
                    }
                    let (mut y, mut plain) = (vec![7.0; dy.len()], vec![7.0; dy.len()]);
                    forward(&p, &x, &weights, &mut y);
                    conv2d_forward::twin(&p, &x, &weights, &mut plain);
                    let label = format!("{p:?}, one in {one_in}, infinite: {infinite}");
                    let nan = |values: &[f32]| values.iter().map(|v| v.is_nan()).collect::<Vec<bool>>();
                    assert_eq!(nan(&y), nan(&plain), "{label}");
                    assert!(infinite || bits(&y) == bits(&plain), "{label}");
                    let (mut grads, mut plain) = (vec![7.0; weights.len()], vec![7.0; weights.len()]);
                    backward_weights(&p, &x, &dy, &mut grads);
                    conv2d_backward_weights::twin(&p, &x, &dy, &mut plain);
                    assert_eq!(nan(&grads), nan(&plain), "{label}");
                    assert!(infinite || bits(&grads) == bits(&plain), "{label}");
                }
            }
        }
    }
}
