//! Whole perceptrons: the equations of the dense layers, one after the other.

use super::dense::{activation, entry};
use super::num::Num;
use super::{Expect, Expected, unchanged};
use crate::kernels::fused_forward::Params;
use crate::verify::case::Case;

fn widths(p: &Params) -> Vec<u32> {
    [p.width0, p.width1, p.width2, p.width3, p.width4][..=p.layers as usize].to_vec()
}

fn offsets(p: &Params) -> [u32; 4] {
    [p.offset0, p.offset1, p.offset2, p.offset3]
}

/// Words before tensor `tensor` in a row of tensors that start at multiples of 4, the first of them `first`.
fn place(widths: &[u32], first: usize, tensor: usize) -> u32 {
    widths[first..tensor].iter().map(|width| width.div_ceil(4) * 4).sum()
}

/// A row of a tensor, zeros up to a multiple of 4 behind it.
fn write(row: &mut [Expect], at: u32, values: &[Num]) {
    for (i, expect) in row[at as usize..][..values.len().div_ceil(4) * 4].iter_mut().enumerate() {
        *expect = values.get(i).map_or(Expect::Bits(0), |value| Expect::Float(*value));
    }
}

/// `q` and the kept tensors, row by row.
pub fn fused_forward(case: &Case) -> Expected {
    let p: Params = case.params();
    let (x, weights) = (case.get::<f32>("x"), case.get::<f32>("weights"));
    let (mut q, mut tape) = (unchanged(case, "q"), unchanged(case, "tape"));
    let widths = widths(&p);
    let layers = p.layers as usize;
    let tape_width = place(&widths, 0, layers);
    for agent in 0..p.agents {
        for slot in 0..p.slots {
            let net = (agent * p.nets + entry(p.slot_net, slot)) * p.net_params;
            for b in 0..p.batch {
                let input = (agent * p.inputs + entry(p.slot_x, slot)) * p.batch + b;
                let x = &x[(input * widths[0]) as usize..][..widths[0] as usize];
                let mut tensor: Vec<Num> = x.iter().map(|x| Num::exact(*x)).collect();
                for layer in 0..layers {
                    if slot < p.tape_slots {
                        let row = (agent * p.tape_slots + slot) * p.batch + b;
                        write(&mut tape, row * tape_width + place(&widths, 0, layer), &tensor);
                    }
                    let weight = |k: usize, j: u32| {
                        Num::exact(
                            weights[(net + offsets(&p)[layer] + k as u32 * widths[layer + 1] + j) as usize],
                        )
                    };
                    let out = (0..widths[layer + 1]).map(|j| {
                        let terms = tensor.iter().enumerate().map(|(k, x)| *x * weight(k, j));
                        let z = Num::sum(terms.chain([weight(tensor.len(), j)]));
                        activation(if layer + 1 < layers { p.activation } else { 0 }, z)
                    });
                    tensor = out.collect();
                }
                let row = (agent * p.slots + slot) * p.batch + b;
                for (j, value) in tensor.iter().enumerate() {
                    q[row as usize * tensor.len() + j] = Expect::Float(*value);
                }
            }
        }
    }
    vec![("q", q), ("tape", tape)]
}

/// The chain rule from the action values to the first hidden layer.
pub fn fused_backward(case: &Case) -> Expected {
    let p: Params = case.params();
    let (dq, weights, tape) = (case.get::<f32>("dq"), case.get::<f32>("weights"), case.get::<f32>("tape"));
    let mut gradient = unchanged(case, "gradient");
    let widths = widths(&p);
    let layers = p.layers as usize;
    let (tape_width, width) = (place(&widths, 0, layers), place(&widths, 1, layers + 1));
    for agent in 0..p.agents {
        for slot in 0..p.slots {
            let net = (agent * p.nets + slot) * p.net_params;
            for b in 0..p.batch {
                let row = (agent * p.slots + slot) * p.batch + b;
                let kept = ((agent * p.tape_slots + slot) * p.batch + b) * tape_width;
                let dq = &dq[(row * widths[layers]) as usize..][..widths[layers] as usize];
                let mut tensor: Vec<Num> = dq.iter().map(|value| Num::exact(*value)).collect();
                write(&mut gradient, row * width + place(&widths, 1, layers), &tensor);
                for layer in (1..layers).rev() {
                    let below = (0..widths[layer]).map(|k| {
                        let first = net + offsets(&p)[layer] + k * widths[layer + 1];
                        let terms = tensor
                            .iter()
                            .enumerate()
                            .map(|(j, dy)| *dy * Num::exact(weights[first as usize + j]));
                        let output = Num::exact(tape[(kept + place(&widths, 0, layer) + k) as usize]);
                        let one = Num::exact(1.0);
                        let slope = match p.activation {
                            1 if output.value > 0.0 => one,
                            1 => Num::default(),
                            2 => one - output * output,
                            _ => one,
                        };
                        Num::sum(terms) * slope
                    });
                    tensor = below.collect();
                    write(&mut gradient, row * width + place(&widths, 1, layer), &tensor);
                }
            }
        }
    }
    vec![("gradient", gradient)]
}

/// `dW = x^T dy` and `db = sum dy` of every layer.
pub fn fused_gradients(case: &Case) -> Expected {
    let p: Params = case.params();
    let (tape, gradient) = (case.get::<f32>("tape"), case.get::<f32>("gradient"));
    let mut grads = unchanged(case, "grads");
    let widths = widths(&p);
    let layers = p.layers as usize;
    let (tape_width, width) = (place(&widths, 0, layers), place(&widths, 1, layers + 1));
    for agent in 0..p.agents {
        for slot in 0..p.slots {
            let (kept, row) = ((agent * p.tape_slots + slot) * p.batch, (agent * p.slots + slot) * p.batch);
            for layer in 0..layers {
                let first = (agent * p.slots + slot) * p.net_params + offsets(&p)[layer];
                let elements = (widths[layer] + 1) * widths[layer + 1];
                for element in 0..elements {
                    let (k, j) = (element / widths[layer + 1], element % widths[layer + 1]);
                    let terms = (0..p.batch).map(|b| {
                        let x = match k < widths[layer] {
                            true => tape[((kept + b) * tape_width + place(&widths, 0, layer) + k) as usize],
                            false => 1.0,
                        };
                        let dy = gradient[((row + b) * width + place(&widths, 1, layer + 1) + j) as usize];
                        Num::exact(x) * Num::exact(dy)
                    });
                    grads[(first + element) as usize] = Expect::Float(Num::sum(terms));
                }
                if layer + 1 == layers {
                    grads[(first + elements) as usize..(first + elements.div_ceil(4) * 4) as usize]
                        .fill(Expect::Bits(0));
                }
            }
        }
    }
    vec![("grads", grads)]
}
