//! Convolutions from their definition, with the input in a frame of zeros: `y(oy, ox) = act(sum over ky, kx of
//! x(oy stride + ky, ox stride + kx) W(ky, kx) + b)`, and its gradients, each term of that sum handed back to its factors.

use super::dense::{Dot, activation, entry};
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::conv2d_forward::Params;
use crate::verify::case::Case;

/// One product of the sum: image, output position and filter, place of the input in its image, weight in its layer.
struct Term {
    position: u32,
    filter: u32,
    input: Option<u32>,
    weight: u32,
}

/// All products of one image, whose input is `None` in the frame.
fn terms(p: &Params) -> Vec<Term> {
    let mut terms = Vec::new();
    for oy in 0..p.out_height {
        for ox in 0..p.out_width {
            for (ky, kx) in (0..p.kernel_height).flat_map(|ky| (0..p.kernel_width).map(move |kx| (ky, kx))) {
                let framed = [oy * p.stride_y + ky, ox * p.stride_x + kx];
                let inside = framed[0] >= p.pad_y
                    && framed[1] >= p.pad_x
                    && framed[0] < p.pad_y + p.height
                    && framed[1] < p.pad_x + p.width;
                for c in 0..p.channels {
                    let row = (ky * p.kernel_width + kx) * p.channels + c;
                    let cell = || (framed[0] - p.pad_y) * p.width + framed[1] - p.pad_x;
                    let input = inside.then(|| cell() * p.channels + c);
                    for filter in 0..p.filters {
                        let position = oy * p.out_width + ox;
                        terms.push(Term { position, filter, input, weight: row * p.filters + filter });
                    }
                }
            }
        }
    }
    terms
}

fn sums(count: usize) -> Vec<Dot> {
    (0..count).map(|_| Dot::default()).collect()
}

/// `y = act(x * W + b)`
pub fn conv2d_forward(case: &Case) -> Expected {
    let p: Params = case.params();
    let (x, weights) = (case.get::<f32>("x"), case.get::<f32>("weights"));
    let mut y = unchanged(case, "y");
    let (terms, outputs) = (terms(&p), p.positions() * p.filters as usize);
    let bias = p.depth() as u32 * p.filters;
    for image in 0..p.agents * p.slots * p.batch {
        let (row, slot, agent) = (image % p.batch, image / p.batch % p.slots, image / p.batch / p.slots);
        let x_row = (agent * p.x_slots + entry(p.slot_x, slot)) * p.batch + row;
        let net = (agent * p.nets + entry(p.slot_net, slot)) * p.net_params + p.weight_offset;
        let mut sums = sums(outputs);
        for term in &terms {
            let input = term.input.map_or(0.0, |input| x[x_row as usize * p.input() + input as usize]);
            let at = term.position * p.filters + term.filter;
            sums[at as usize].add(input, weights[(net + term.weight) as usize]);
        }
        for (at, sum) in sums.iter_mut().enumerate() {
            sum.add(1.0, weights[(net + bias) as usize + at % p.filters as usize]);
            y[image as usize * outputs + at] = Expect::Float(activation(p.activation, sum.num()));
        }
    }
    vec![("y", y)]
}

/// Each output's gradient times the weight goes to the input, times the slope of the activation that the input came through.
pub fn conv2d_backward_input(case: &Case) -> Expected {
    let p: Params = case.params();
    let (dy, weights, x) = (case.get::<f32>("dy"), case.get::<f32>("weights"), case.get::<f32>("x"));
    let mut dx = unchanged(case, "dx");
    let (terms, outputs) = (terms(&p), p.positions() * p.filters as usize);
    for image in 0..p.agents * p.slots * p.batch {
        let (row, slot, agent) = (image % p.batch, image / p.batch % p.slots, image / p.batch / p.slots);
        let net = (agent * p.nets + slot) * p.net_params + p.weight_offset;
        let x_row = ((agent * p.x_slots + slot) * p.batch + row) as usize;
        let mut sums = sums(p.input());
        for term in &terms {
            if let Some(input) = term.input {
                let at = image as usize * outputs + (term.position * p.filters + term.filter) as usize;
                sums[input as usize].add(dy[at], weights[(net + term.weight) as usize]);
            }
        }
        for (at, sum) in sums.iter().enumerate() {
            let output = Num::exact(x[x_row * p.input() + at]);
            let derivative = match p.activation {
                1 if output.value > 0.0 => Num::exact(1.0),
                1 => Num::default(),
                2 => Num::exact(1.0) - output * output,
                _ => Num::exact(1.0),
            };
            dx[image as usize * p.input() + at] = Expect::Float(sum.num() * derivative);
        }
    }
    vec![("dx", dx)]
}

/// Each output's gradient times the input goes to the weight, and alone to the bias; all other gradients stay.
pub fn conv2d_backward_weights(case: &Case) -> Expected {
    let p: Params = case.params();
    let (x, dy) = (case.get::<f32>("x"), case.get::<f32>("dy"));
    let mut grads = unchanged(case, "grads");
    let (terms, outputs) = (terms(&p), p.positions() * p.filters as usize);
    let bias = p.depth() * p.filters as usize;
    for index in 0..p.agents * p.slots {
        let (agent, slot) = (index / p.slots, index % p.slots);
        let mut sums = sums(bias + p.filters as usize);
        for row in 0..p.batch {
            let dy = &dy[(index * p.batch + row) as usize * outputs..][..outputs];
            let x_row = (agent * p.x_slots + entry(p.slot_x, slot)) * p.batch + row;
            let x = &x[x_row as usize * p.input()..][..p.input()];
            for term in &terms {
                let input = term.input.map_or(0.0, |input| x[input as usize]);
                let dy = dy[(term.position * p.filters + term.filter) as usize];
                sums[term.weight as usize].add(input, dy);
            }
            for (at, dy) in dy.iter().enumerate() {
                sums[bias + at % p.filters as usize].add(1.0, *dy);
            }
        }
        for (at, sum) in sums.iter().enumerate() {
            let layer = (index * p.net_params + p.weight_offset) as usize;
            grads[layer + at] = Expect::Float(sum.num());
        }
    }
    vec![("grads", grads)]
}
