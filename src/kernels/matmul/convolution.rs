//! Convolutions by the blocked product, whose left matrix has a row per window: what the CPU executor runs. Bit for bit what
//! the plain twins in `conv2d_forward.rs`, `conv2d_backward_input.rs` and `conv2d_backward_weights.rs` give
//! (`cargo test --test kernels blocked`).

use std::cell::RefCell;

use super::layers::{bias_and_activation, times_slopes};
use super::{Dims, Left, Output, Right, matmul};
use crate::engine::threads;
use crate::kernels::blocks::{for_each_block, for_each_block_of};
use crate::kernels::conv2d_backward_weights::SHARES;
use crate::kernels::conv2d_forward::Params;
use crate::kernels::nibble;

/// Numbers of windows that are gathered at a time: they stay in a core's cache until they are used.
const GATHERED: usize = 1 << 16;

thread_local! {
    static WINDOWS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static SUMS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Multiply-adds of one pass.
fn work(p: &Params) -> usize {
    p.agents as usize * p.slots as usize * p.batch as usize * p.positions() * p.depth() * p.filters as usize
}

/// Writes the windows of `rows`, positions over the batch of inputs `x`, side by side; each takes `stride` numbers of `to`, of
/// which those behind the window stay.
fn gather(p: &Params, x: &[f32], rows: impl Iterator<Item = usize>, stride: usize, to: &mut [f32]) {
    let [height, width, channels] = [p.height, p.width, p.channels].map(|d| d as usize);
    let [kernel_height, kernel_width] = [p.kernel_height, p.kernel_width].map(|d| d as usize);
    let [pad_y, pad_x, out_width] = [p.pad_y, p.pad_x, p.out_width].map(|d| d as usize);
    let (positions, input, line) = (p.positions(), p.input(), kernel_width * channels);
    for (row, to) in rows.zip(to.chunks_exact_mut(stride)) {
        let (x, place) = (&x[row / positions * input..][..input], row % positions);
        let top = place / out_width * p.stride_y as usize;
        let left = place % out_width * p.stride_x as usize;
        // Cells of a line of the window that lie in the padding, before and behind the input's.
        let before = pad_x.saturating_sub(left).min(kernel_width);
        let behind = (left + kernel_width).saturating_sub(pad_x + width).min(kernel_width - before);
        let inside = (kernel_width - before - behind) * channels;
        for (y, to) in (top..top + kernel_height).zip(to.chunks_exact_mut(line)) {
            if y < pad_y || y >= pad_y + height || inside == 0 {
                to.fill(0.0);
                continue;
            }
            let from = ((y - pad_y) * width + left + before - pad_x) * channels;
            if inside < line {
                to[..before * channels].fill(0.0);
                to[before * channels + inside..].fill(0.0);
            }
            to[before * channels..][..inside].copy_from_slice(&x[from..from + inside]);
        }
    }
}

/// `y = act(x * W + b)`
pub fn forward(p: &Params, x: &[f32], weights: &[f32], y: &mut [f32]) {
    let [batch, filters, slots] = [p.batch, p.filters, p.slots].map(|d| d as usize);
    let (depth, positions) = (p.depth(), p.positions());
    let all = p.agents as usize * slots;
    for_each_block(&mut y[..all * batch * positions * filters], all, filters, work(p), |index, first, y| {
        let (agent, slot) = (index / slots, index % slots);
        let x = &x[(agent * p.x_slots as usize + nibble(p.slot_x, slot)) * batch * p.input()..];
        let net = agent * p.nets as usize + nibble(p.slot_net, slot);
        let layer = &weights[net * p.net_params as usize + p.weight_offset as usize..];
        let (w, b) = layer[..(depth + 1) * filters].split_at(depth * filters);
        let together = (GATHERED / depth).max(16);
        WINDOWS.with_borrow_mut(|windows| {
            windows.resize(windows.len().max(together * depth), 0.0);
            for (block, y) in y.chunks_mut(together * filters).enumerate() {
                let rows = y.len() / filters;
                let from = first + block * together;
                gather(p, x, from..from + rows, depth, windows);
                let left = Left { values: windows, row_stride: depth, k_stride: 1 };
                let right = Right { values: w, row_stride: filters, column_stride: 1 };
                let dims = Dims { rows, columns: filters, depth };
                matmul(left, right, Output { values: y, stride: filters }, dims, |_, y| {
                    bias_and_activation(p.activation, b, y);
                });
            }
        });
    });
}

/// `dx = (sum over windows of dy W^T) * act'(x)`
pub fn backward_input(p: &Params, dy: &[f32], weights: &[f32], x: &[f32], dx: &mut [f32]) {
    let [batch, filters, slots] = [p.batch, p.filters, p.slots].map(|d| d as usize);
    let (depth, positions, input) = (p.depth(), p.positions(), p.input());
    let all = p.agents as usize * slots;
    let together = (4 * GATHERED / (positions * depth)).max(1);
    for_each_block(&mut dx[..all * batch * input], all, input, work(p), |index, first, dx| {
        let (agent, slot) = (index / slots, index % slots);
        let net = agent * p.nets as usize + slot;
        let w = &weights[net * p.net_params as usize + p.weight_offset as usize..][..depth * filters];
        let x = &x[(agent * p.x_slots as usize + slot) * batch * input..];
        WINDOWS.with_borrow_mut(|windows| {
            windows.resize(windows.len().max(together * positions * depth), 0.0);
            for (block, dx) in dx.chunks_mut(together * input).enumerate() {
                let image = first + block * together;
                let rows = dx.len() / input * positions;
                let dy = &dy[(index * batch + image) * positions * filters..];
                let left = Left { values: dy, row_stride: filters, k_stride: 1 };
                // W^T: a window's numbers side by side, while filters are summed in ascending order.
                let right = Right { values: w, row_stride: 1, column_stride: filters };
                let output = Output { values: windows, stride: depth };
                matmul(left, right, output, Dims { rows, columns: depth, depth: filters }, |_, _| {});
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
    let (positions, size) = (p.positions(), (p.depth() + 1) * p.filters as usize);
    let all = p.agents as usize * slots;
    // The tree's branches are evaluated by different threads; where it is cut does not change what it adds.
    let parts = threads::available().div_ceil(all).next_power_of_two().min(SHARES);
    let mut branches = vec![0.0; all * parts * size];
    for_each_block_of(branches.chunks_exact_mut(size).collect(), size, work(p), |branch, _, sums| {
        let (index, part) = (branch / parts, branch % parts);
        let (agent, slot) = (index / slots, index % slots);
        let x = &x[(agent * p.x_slots as usize + nibble(p.slot_x, slot)) * batch * p.input()..];
        let dy = &dy[index * batch * positions * filters..][..batch * positions * filters];
        SUMS.with_borrow_mut(|scratch| {
            scratch.resize(scratch.len().max(SHARES.ilog2() as usize * size), 0.0);
            branch_of(p, (x, dy), (part, parts), sums, scratch);
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

/// The sum over shares `first`, `first + step`, ... in the tree's order; `scratch` has room for the sums below it.
fn branch_of(
    p: &Params,
    inputs: (&[f32], &[f32]),
    (first, step): (usize, usize),
    sums: &mut [f32],
    scratch: &mut [f32],
) {
    if step == SHARES {
        return share(p, inputs, first, sums);
    }
    branch_of(p, inputs, (first, 2 * step), sums, scratch);
    let (other, scratch) = scratch.split_at_mut(sums.len());
    branch_of(p, inputs, (first + step, 2 * step), other, scratch);
    add(sums, other);
}

fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// The sum over positions `first`, `first + SHARES`, ... of the batch.
fn share(p: &Params, (x, dy): (&[f32], &[f32]), first: usize, sums: &mut [f32]) {
    let filters = p.filters as usize;
    let rows = p.batch as usize * p.positions();
    if first >= rows {
        return sums.fill(0.0);
    }
    // Behind each window stands the input of the bias.
    let stride = p.depth() + 1;
    let count = (rows - first).div_ceil(SHARES);
    WINDOWS.with_borrow_mut(|windows| {
        windows.resize(windows.len().max(count * stride), 0.0);
        gather(p, x, (first..rows).step_by(SHARES), stride, windows);
        for window in windows.chunks_exact_mut(stride).take(count) {
            window[stride - 1] = 1.0;
        }
        let left = Left { values: windows, row_stride: 1, k_stride: stride };
        let right = Right { values: &dy[first * filters..], row_stride: SHARES * filters, column_stride: 1 };
        let dims = Dims { rows: stride, columns: filters, depth: count };
        matmul(left, right, Output { values: sums, stride: filters }, dims, |_, _| {});
    });
}
