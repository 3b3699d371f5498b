//! The dense layers by the blocked product: what the CPU executor runs. Bit for bit what the plain twins in
//! `dense_forward.rs`, `dense_backward_input.rs` and `dense_backward_weights.rs` give (`cargo test --test kernels blocked`).

use std::cell::RefCell;
use std::ops::Range;

use super::{Dims, Finish, Left, Output, Right, matmul};
use crate::engine::simd::Arch;
use crate::kernels::blocks::{for_each_block, for_each_block_of, for_each_part, parts_of_columns};
use crate::kernels::nibble;
use crate::kernels::{dense_backward_input, dense_backward_weights, dense_forward};

thread_local! {
    static PART: RefCell<Vec<f32>> = RefCell::default();
}

/// Rows from which threads share them: with fewer, each would read all weights for a few rows.
const SHARED_BY_COLUMNS: usize = 32;

/// `y = act(x W + b)`
pub fn forward(p: &dense_forward::Params, x: &[f32], weights: &[f32], y: &mut [f32]) {
    let [batch, in_dim, out_dim] = [p.batch, p.in_dim, p.out_dim].map(|d| d as usize);
    let [x_stride, y_stride] = [p.x_stride, p.y_stride].map(|d| d as usize);
    let slots = p.agents as usize * p.slots as usize;
    let work = slots * batch * in_dim * out_dim;
    let evaluate = |index: usize, first: usize, columns: Range<usize>, output: Output<'_>, rows: usize| {
        let (agent, slot) = (index / p.slots as usize, index % p.slots as usize);
        let net = nibble(p.slot_net, slot);
        let x_slot = nibble(p.slot_x, slot);
        let x = &x[((agent * p.x_slots as usize + x_slot) * batch + first) * x_stride..];
        let layer = (agent * p.nets as usize + net) * p.net_params as usize + p.weight_offset as usize;
        let (w, b) = weights[layer..][..(in_dim + 1) * out_dim].split_at(in_dim * out_dim);
        let dims = Dims { rows, columns: columns.len(), depth: in_dim };
        let left = Left { values: &x[p.x_offset as usize..], row_stride: x_stride, k_stride: 1 };
        let right = Right { values: &w[columns.start..], row_stride: out_dim, column_stride: 1 };
        let finish = Finish::Activate { activation: p.activation, bias: &b[columns] };
        matmul(left, right, output, dims, finish);
    };
    let y = &mut y[..slots * batch * y_stride];
    let parts = if batch < SHARED_BY_COLUMNS { parts_of_columns(slots, out_dim, work) } else { 1 };
    if parts > 1 {
        let used = p.y_offset as usize..p.y_offset as usize + out_dim;
        return in_parts_of_columns(y, slots, y_stride, used, parts, evaluate);
    }
    for_each_block(y, slots, y_stride, work, |index, first, y| {
        let rows = y.len() / y_stride;
        let output = Output { values: &mut y[p.y_offset as usize..], stride: y_stride };
        evaluate(index, first, 0..out_dim, output, rows);
    });
}

/// Calls `evaluate(slot, 0, columns, output, rows)` for parts of the columns of all rows of `values`.
fn in_parts_of_columns(
    values: &mut [f32],
    slots: usize,
    stride: usize,
    used: Range<usize>,
    parts: usize,
    evaluate: impl Fn(usize, usize, Range<usize>, Output<'_>, usize) + Sync,
) {
    for_each_part(values, slots, stride, used, parts, |index, first, rows| {
        let width = rows[0].len();
        PART.with_borrow_mut(|part| {
            part.resize(part.len().max(rows.len() * width), 0.0);
            let output = Output { values: part, stride: width };
            evaluate(index, 0, first..first + width, output, rows.len());
            for (to, from) in rows.iter_mut().zip(part.chunks_exact(width)) {
                to.copy_from_slice(from);
            }
        });
    });
}

/// `dx = (dy W^T) * act'(x)`
pub fn backward_input(
    p: &dense_backward_input::Params,
    dy: &[f32],
    weights: &[f32],
    x: &[f32],
    dx: &mut [f32],
) {
    let [batch, in_dim, out_dim] = [p.batch, p.in_dim, p.out_dim].map(|d| d as usize);
    let [dy_stride, x_stride] = [p.dy_stride, p.x_stride].map(|d| d as usize);
    let slots = p.agents as usize * p.grad_slots as usize;
    let work = slots * batch * in_dim * out_dim;
    let evaluate = |index: usize, first: usize, columns: Range<usize>, output: Output<'_>, rows: usize| {
        let (agent, slot) = (index / p.grad_slots as usize, index % p.grad_slots as usize);
        let dy = &dy[(index * batch + first) * dy_stride + p.dy_offset as usize..];
        let x_row = (agent * p.x_slots as usize + slot) * batch + first;
        let x = &x[x_row * x_stride + p.x_offset as usize + columns.start..];
        let layer = (agent * p.nets as usize + slot) * p.net_params as usize + p.weight_offset as usize;
        let w = &weights[layer..][..in_dim * out_dim][columns.start * out_dim..];
        let left = Left { values: dy, row_stride: dy_stride, k_stride: 1 };
        // W^T: inputs side by side, while outputs are summed in ascending order.
        let right = Right { values: w, row_stride: 1, column_stride: out_dim };
        let dims = Dims { rows, columns: columns.len(), depth: out_dim };
        matmul(left, right, output, dims, Finish::Slopes { activation: p.activation, x, stride: x_stride });
    };
    let dx = &mut dx[..slots * batch * x_stride];
    let parts = parts_of_columns(slots, in_dim, work);
    if parts > 1 {
        let used = p.x_offset as usize..p.x_offset as usize + in_dim;
        return in_parts_of_columns(dx, slots, x_stride, used, parts, evaluate);
    }
    for_each_block(dx, slots, x_stride, work, |index, first, dx| {
        let rows = dx.len() / x_stride;
        let output = Output { values: &mut dx[p.x_offset as usize..], stride: x_stride };
        evaluate(index, first, 0..in_dim, output, rows);
    });
}

/// `dW = x^T dy`, `db = sum dy`
pub fn backward_weights(p: &dense_backward_weights::Params, x: &[f32], dy: &[f32], grads: &mut [f32]) {
    let [batch, in_dim, out_dim] = [p.batch, p.in_dim, p.out_dim].map(|d| d as usize);
    let [x_stride, dy_stride] = [p.x_stride, p.dy_stride].map(|d| d as usize);
    let slots = p.agents as usize * p.grad_slots as usize;
    let work = slots * batch * in_dim * out_dim;
    // The bias lies behind the weights, as one more row.
    let layers = grads.chunks_mut(p.net_params as usize).take(slots);
    let layers = layers.map(|grads| &mut grads[p.weight_offset as usize..][..(in_dim + 1) * out_dim]);
    for_each_block_of(layers.collect(), out_dim, work, |index, first, rows| {
        let (agent, slot) = (index / p.grad_slots as usize, index % p.grad_slots as usize);
        let x_slot = nibble(p.slot_x, slot);
        let x = &x[(agent * p.x_slots as usize + x_slot) * batch * x_stride..][..batch * x_stride];
        let dy = &dy[index * batch * dy_stride..][..batch * dy_stride];
        let (dw, db) = rows.split_at_mut(rows.len().min((in_dim - first.min(in_dim)) * out_dim));
        if !db.is_empty() {
            add_rows(dy.chunks_exact(dy_stride).map(|dy| &dy[p.dy_offset as usize..][..out_dim]), db);
        }
        let dims = Dims { rows: dw.len() / out_dim, columns: out_dim, depth: batch };
        let left = Left { values: &x[p.x_offset as usize + first..], row_stride: 1, k_stride: x_stride };
        let right = Right { values: &dy[p.dy_offset as usize..], row_stride: dy_stride, column_stride: 1 };
        matmul(left, right, Output { values: dw, stride: out_dim }, dims, Finish::Nothing);
    });
}

/// `sum` of `rows`, in their order.
fn add_rows<'a>(rows: impl Iterator<Item = &'a [f32]>, sum: &mut [f32]) {
    Arch::new().dispatch(|| {
        sum.fill(0.0);
        for row in rows {
            for (sum, value) in sum.iter_mut().zip(row) {
                *sum += value;
            }
        }
    });
}
