//! Layer normalisation (Ba, Kiros, Hinton 2016) and dueling heads (Wang et al. 2016), forward and backward.

use super::dense::{activation, entry};
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::{
    append_actions, dueling, dueling_backward, layer_norm, layer_norm_backward_input,
    layer_norm_backward_weights, silu, silu_backward,
};
use crate::verify::case::Case;

fn exact(values: &[f32]) -> Vec<Num> {
    values.iter().map(|value| Num::exact(*value)).collect()
}

fn mean(values: impl IntoIterator<Item = Num>, count: u32) -> Num {
    Num::sum(values) / Num::exact(count as f32)
}

/// `y = act(gamma (x - mean) / sqrt(var + eps) + beta)` with the biased variance; the moments are kept.
pub fn layer_norm(case: &Case) -> Expected {
    let p: layer_norm::Params = case.params();
    let (x, weights) = (case.get::<f32>("x"), case.get::<f32>("weights"));
    let [mut y, mut moments] = ["y", "moments"].map(|name| unchanged(case, name));
    let width = p.width as usize;
    for row in 0..(p.agents * p.slots * p.batch) as usize {
        let slot = row as u32 / p.batch;
        let net = slot / p.slots * p.nets + entry(p.slot_net, slot % p.slots);
        let layer = &weights[(net * p.net_params + p.weight_offset) as usize..][..2 * width];
        let x = exact(&x[row * width..(row + 1) * width]);
        let centre = mean(x.iter().copied(), p.width);
        let centred: Vec<Num> = x.iter().map(|x| *x - centre).collect();
        let variance = mean(centred.iter().map(|x| *x * *x), p.width);
        let inverse = Num::exact(1.0) / (variance + Num::exact(p.eps)).sqrt();
        moments[2 * row] = Expect::Float(centre);
        moments[2 * row + 1] = Expect::Float(inverse);
        for k in 0..width {
            let [gamma, beta] = [layer[k], layer[width + k]].map(Num::exact);
            let z = gamma * (centred[k] * inverse) + beta;
            y[row * width + k] = Expect::Float(activation(p.activation, z));
        }
    }
    vec![("y", y), ("moments", moments)]
}

/// `dx = (g - mean(g) - xhat mean(g xhat)) / sqrt(var + eps)` with `g = dy gamma`.
pub fn layer_norm_backward_input(case: &Case) -> Expected {
    let p: layer_norm_backward_input::Params = case.params();
    let [dy, x, moments, weights] = ["dy", "x", "moments", "weights"].map(|name| case.get::<f32>(name));
    let mut dx = unchanged(case, "dx");
    let width = p.width as usize;
    for at in 0..(p.agents * p.grad_slots * p.batch) as usize {
        let slot = at as u32 / p.batch;
        let (agent, net) = (slot / p.grad_slots, slot % p.grad_slots);
        let row = ((agent * p.slots + net) * p.batch + at as u32 % p.batch) as usize;
        let gamma = &weights[((agent * p.nets + net) * p.net_params + p.weight_offset) as usize..][..width];
        let [centre, inverse] = [moments[2 * row], moments[2 * row + 1]].map(Num::exact);
        let normal: Vec<Num> =
            exact(&x[row * width..(row + 1) * width]).iter().map(|x| (*x - centre) * inverse).collect();
        let g: Vec<Num> = (0..width).map(|k| Num::exact(dy[at * width + k]) * Num::exact(gamma[k])).collect();
        let mean_g = mean(g.iter().copied(), p.width);
        let mean_weighted = mean(g.iter().zip(&normal).map(|(g, normal)| *g * *normal), p.width);
        for k in 0..width {
            let inner = Num::sum([g[k], -mean_g, -(normal[k] * mean_weighted)]);
            dx[at * width + k] = Expect::Float(inverse * inner);
        }
    }
    vec![("dx", dx)]
}

/// `dgamma = sum dy xhat`, `dbeta = sum dy` in the layer's place.
pub fn layer_norm_backward_weights(case: &Case) -> Expected {
    let p: layer_norm_backward_weights::Params = case.params();
    let [dy, x, moments] = ["dy", "x", "moments"].map(|name| case.get::<f32>(name));
    let mut grads = unchanged(case, "grads");
    for slot in 0..p.agents * p.grad_slots {
        let (agent, net) = (slot / p.grad_slots, slot % p.grad_slots);
        for k in 0..p.width {
            let terms = (0..p.batch).map(|b| {
                let row = ((agent * p.slots + net) * p.batch + b) as usize;
                let [centre, inverse] = [moments[2 * row], moments[2 * row + 1]].map(Num::exact);
                let normal = (Num::exact(x[row * p.width as usize + k as usize]) - centre) * inverse;
                (Num::exact(dy[((slot * p.batch + b) * p.width + k) as usize]), normal)
            });
            let terms: Vec<(Num, Num)> = terms.collect();
            let scale = (slot * p.net_params + p.weight_offset + k) as usize;
            grads[scale] = Expect::Float(Num::sum(terms.iter().map(|(dy, normal)| *dy * *normal)));
            grads[scale + p.width as usize] = Expect::Float(Num::sum(terms.iter().map(|(dy, _)| *dy)));
        }
    }
    vec![("grads", grads)]
}

/// `q(a) = V + A(a) - mean(A)`
pub fn dueling(case: &Case) -> Expected {
    let p: dueling::Params = case.params();
    let raw = case.get::<f32>("raw");
    let mut q = unchanged(case, "q");
    for row in 0..p.rows {
        let advantages = exact(&raw[(row * p.raw_stride + p.raw_offset) as usize..][..p.actions as usize]);
        let value = Num::exact(raw[(row * p.raw_stride + p.value_offset) as usize]);
        let centre = mean(advantages.iter().copied(), p.actions);
        for (a, advantage) in (0..).zip(&advantages) {
            let at = (row * p.q_stride + p.q_offset + a) as usize;
            q[at] = Expect::Float(Num::sum([value, *advantage, -centre]));
        }
    }
    vec![("q", q)]
}

/// `dA(a) = dq(a) - mean(dq)`, `dV = sum dq`
pub fn dueling_backward(case: &Case) -> Expected {
    let p: dueling_backward::Params = case.params();
    let [dq, before] = ["dq", "draw"].map(|name| case.get::<f32>(name));
    let mut draw = unchanged(case, "draw");
    for row in 0..p.rows {
        let dq = exact(&dq[(row * p.q_stride + p.q_offset) as usize..][..p.actions as usize]);
        let total = Num::sum(dq.iter().copied());
        let at = (row * p.raw_stride + p.raw_offset) as usize;
        for (a, dq) in dq.iter().enumerate() {
            draw[at + a] = Expect::Float(*dq - total / Num::exact(p.actions as f32));
        }
        let value_at = (row * p.raw_stride + p.value_offset) as usize;
        let others = if p.add == 1 { Num::exact(before[value_at]) } else { Num::exact(0.0) };
        draw[value_at] = Expect::Float(total + others);
    }
    vec![("draw", draw)]
}

/// `(sigmoid(z), 1 - sigmoid(z))`
fn sigmoid(z: Num) -> (Num, Num) {
    let one = Num::exact(1.0);
    // Both are quotients of an exponential that is at most 1.
    let e = (if z.value < 0.0 { z } else { -z }).exp();
    let (small, large) = (e / (one + e), one / (one + e));
    if z.value < 0.0 { (small, large) } else { (large, small) }
}

/// `y = z sigmoid(z)`
pub fn silu(case: &Case) -> Expected {
    let p: silu::Params = case.params();
    let mut y = unchanged(case, "y");
    let z = exact(case.get::<f32>("z"));
    for (y, z) in y.iter_mut().zip(z).take((p.agents * p.slots * p.count) as usize) {
        *y = Expect::Float(z * sigmoid(z).0);
    }
    vec![("y", y)]
}

/// `dz = dy (s + z s (1 - s))`
pub fn silu_backward(case: &Case) -> Expected {
    let p: silu_backward::Params = case.params();
    let [dy, z] = ["dy", "z"].map(|name| case.get::<f32>(name));
    let mut dz = unchanged(case, "dz");
    for agent in 0..p.agents {
        for slot in 0..p.grad_slots {
            for i in 0..p.count {
                let at = ((agent * p.grad_slots + slot) * p.count + i) as usize;
                let z = Num::exact(z[((agent * p.slots + slot) * p.count + i) as usize]);
                let (s, rest) = sigmoid(z);
                dz[at] = Expect::Float(Num::exact(dy[at]) * (s * (Num::exact(1.0) + z * rest)));
            }
        }
    }
    vec![("dz", dz)]
}

/// Each observation, copied, with the unit vector of an action.
pub fn append_actions(case: &Case) -> Expected {
    let p: append_actions::Params = case.params();
    let x = case.get::<u32>("x");
    let mut y = unchanged(case, "y");
    let mut at = 0;
    for agent in 0..p.agents {
        for slot in 0..p.slots {
            let input = (p.slot_x >> (4 * slot)) & 15;
            for row in 0..p.batch {
                let from = (((agent * p.x_slots + input) * p.batch + row) * p.obs_size) as usize;
                for action in 0..p.actions {
                    let units = (0..p.actions).map(|a| if a == action { 1.0f32.to_bits() } else { 0 });
                    for word in x[from..from + p.obs_size as usize].iter().copied().chain(units) {
                        y[at] = Expect::Bits(word);
                        at += 1;
                    }
                }
            }
        }
    }
    vec![("y", y)]
}
