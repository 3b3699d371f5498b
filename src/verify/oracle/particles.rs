//! Stein variational gradient descent and the soft value of sampled actions, from the equations of Haarnoja et al. 2017 and
//! Liu and Wang 2016.

use super::random::Random;
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::{
    noisy_inputs, soft_value, svgd_actions, svgd_bandwidth, svgd_gradient, svgd_kernel, svgd_score,
};
use crate::shared::agent::{Agent, Lane};
use crate::verify::case::Case;

/// Particles of one state: the fixed ones, then the others.
fn particles(actions: &[f32], row: usize, count: u32, dims: u32) -> Vec<Vec<Num>> {
    let size = (count * dims) as usize;
    let numbers = actions[row * size..(row + 1) * size].iter().map(|a| Num::exact(*a)).collect::<Vec<_>>();
    numbers.chunks(dims as usize).map(<[Num]>::to_vec).collect()
}

fn squared_distance(x: &[Num], y: &[Num]) -> Num {
    Num::sum(x.iter().zip(y).map(|(x, y)| (*x - *y) * (*x - *y)))
}

/// Copies of an observation, each with noise of its own behind.
pub fn noisy_inputs(case: &Case) -> Expected {
    let p: noisy_inputs::Params = case.params();
    let (records, lanes, x) = (case.get::<Agent>("agents"), case.get::<Lane>("lanes"), case.get::<u32>("x"));
    let mut inputs = unchanged(case, "inputs");
    let mut rest = &mut inputs[..];
    for (agent, row) in (0..p.agents).flat_map(|agent| (0..p.rows).map(move |row| (agent, row))) {
        let h = &records[agent as usize];
        let step = match p.by_lane {
            1 => lanes[(agent * p.num_lanes + row) as usize].step,
            _ => h.updates,
        };
        let from = (((agent * p.x_slots + p.x_slot) * p.rows + row) * p.x_stride) as usize;
        for particle in 0..p.particles {
            let (copy, after) = rest.split_at_mut(p.obs_size as usize);
            let (noise, after) = after.split_at_mut(p.dims as usize);
            copy.copy_from_slice(
                &x[from..from + p.obs_size as usize]
                    .iter()
                    .map(|word| Expect::Bits(*word))
                    .collect::<Vec<_>>(),
            );
            let mut random = Random::new(h.seed, p.stream, step, row * p.particles + particle);
            noise.fill_with(|| {
                Expect::Float(if p.uniform == 1 { random.range(-1.0, 1.0) } else { random.normal() })
            });
            rest = after;
        }
    }
    vec![("inputs", inputs)]
}

/// `tanh u`, and the state with it behind for fixed particles.
pub fn svgd_actions(case: &Case) -> Expected {
    let p: svgd_actions::Params = case.params();
    let (x, u) = (case.get::<u32>("x"), case.get::<f32>("u"));
    let [mut actions, mut inputs] = ["actions", "inputs"].map(|name| unchanged(case, name));
    let [obs_size, dims] = [p.obs_size, p.dims].map(|size| size as usize);
    for (agent, b) in (0..p.agents).flat_map(|agent| (0..p.batch).map(move |b| (agent, b))) {
        let row = agent * p.batch + b;
        let from = ((agent * p.x_slots + p.x_slot) * p.batch + b) as usize * (obs_size + dims);
        for particle in 0..p.fixed + p.updated {
            let at = (row * (p.fixed + p.updated) + particle) as usize * dims;
            let squashed: Vec<Expect> =
                u[at..at + dims].iter().map(|u| Expect::Float(Num::exact(*u).tanh())).collect();
            actions[at..at + dims].copy_from_slice(&squashed);
            if particle < p.fixed {
                let seen = x[from..from + obs_size].iter().map(|word| Expect::Bits(*word));
                let to = (row * p.fixed + particle) as usize * (obs_size + dims);
                let joined: Vec<Expect> = seen.chain(squashed).collect();
                inputs[to..to + obs_size + dims].copy_from_slice(&joined);
            }
        }
    }
    vec![("actions", actions), ("inputs", inputs)]
}

/// `log p = Q / alpha + sum ln(1 - a^2 + eps)`, `score = dQ/da / alpha - 2 a / (1 - a^2 + eps)`.
pub fn svgd_score(case: &Case) -> Expected {
    let p: svgd_score::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [actions, q, dq] = ["actions", "q", "dq"].map(|name| case.get::<f32>(name));
    let [mut scores, mut log_densities] = ["scores", "log_densities"].map(|name| unchanged(case, name));
    let one = Num::exact(1.0);
    for row in 0..(p.agents * p.batch) as usize {
        let alpha = Num::exact(records[row / p.batch as usize].alpha);
        let states = particles(actions, row, p.fixed + p.updated, p.dims);
        for (j, a) in states.iter().take(p.fixed as usize).enumerate() {
            let particle = row * p.fixed as usize + j;
            // 1 - |a| is exact next to the bounds, where a square would have lost it.
            let rest = |a: Num| (one - a) * (one + a) + Num::exact(p.eps);
            let volume = Num::sum(a.iter().map(|a| rest(*a).ln()));
            log_densities[particle] = Expect::Float(Num::exact(q[particle]) / alpha + volume);
            for (d, a) in a.iter().enumerate() {
                let gradient = dq[particle * p.dq_stride as usize + p.dq_offset as usize + d];
                let score = Num::exact(gradient) / alpha - Num::exact(2.0) * *a / rest(*a);
                scores[particle * p.dims as usize + d] = Expect::Float(score);
            }
        }
    }
    vec![("scores", scores), ("log_densities", log_densities)]
}

/// The middle of the sorted squared distances, the lower one of two, over the logarithm of the number of fixed particles.
pub fn svgd_bandwidth(case: &Case) -> Expected {
    let p: svgd_bandwidth::Params = case.params();
    let actions = case.get::<f32>("actions");
    let [mut medians, mut bandwidths] = ["medians", "bandwidths"].map(|name| unchanged(case, name));
    for row in 0..(p.agents * p.batch) as usize {
        let states = particles(actions, row, p.fixed + p.updated, p.dims);
        let (fixed, updated) = states.split_at(p.fixed as usize);
        let distances: Vec<Num> =
            fixed.iter().flat_map(|x| updated.iter().map(|y| squared_distance(x, y))).collect();
        // The rank of a distance may change within the errors of all; the median lies between those of the ends.
        let middle = |of: fn(&Num) -> f64| {
            let mut sorted: Vec<f64> = distances.iter().map(of).collect();
            sorted.sort_by(f64::total_cmp);
            sorted[(sorted.len() - 1) / 2]
        };
        let value = middle(|distance| distance.value);
        let (low, high) = (middle(|d| d.value - d.bound), middle(|d| d.value + d.bound));
        let median = Num { value, bound: (value - low).max(high - value) };
        medians[row] = Expect::Float(median);
        let count = Num::exact(p.fixed.max(2) as f32);
        bandwidths[row] = Expect::Float((median / count.ln()).max(Num::exact(p.least)));
    }
    vec![("medians", medians), ("bandwidths", bandwidths)]
}

/// `exp(-|x - y|^2 / h)` and `-2 (x - y) / h exp(-|x - y|^2 / h)`.
pub fn svgd_kernel(case: &Case) -> Expected {
    let p: svgd_kernel::Params = case.params();
    let [actions, bandwidths] = ["actions", "bandwidths"].map(|name| case.get::<f32>(name));
    let [mut kappas, mut slopes] = ["kappas", "slopes"].map(|name| unchanged(case, name));
    let mut pair = 0;
    for row in 0..(p.agents * p.batch) as usize {
        let h = Num::exact(bandwidths[row]);
        let states = particles(actions, row, p.fixed + p.updated, p.dims);
        let (fixed, updated) = states.split_at(p.fixed as usize);
        for (x, y) in fixed.iter().flat_map(|x| updated.iter().map(move |y| (x, y))) {
            let kappa = (-(squared_distance(x, y) / h)).exp();
            kappas[pair] = Expect::Float(kappa);
            for (d, (x, y)) in x.iter().zip(y).enumerate() {
                let slope = Num::exact(-2.0) * (*x - *y) / h * kappa;
                slopes[pair * p.dims as usize + d] = Expect::Float(slope);
            }
            pair += 1;
        }
    }
    vec![("kappas", kappas), ("slopes", slopes)]
}

/// `scale mean_j (kappa_ji score_j + slope_ji)` for updated particles, perhaps times the slope of tanh, 0 for fixed ones.
pub fn svgd_gradient(case: &Case) -> Expected {
    let p: svgd_gradient::Params = case.params();
    let [actions, scores, kappas, slopes] =
        ["actions", "scores", "kappas", "slopes"].map(|name| case.get::<f32>(name));
    let one = Num::exact(1.0);
    let mut gradients = unchanged(case, "gradients");
    let [fixed, updated, dims] = [p.fixed, p.updated, p.dims].map(|size| size as usize);
    for row in 0..(p.agents * p.batch) as usize {
        let own = &mut gradients[row * (fixed + updated) * dims..][..(fixed + updated) * dims];
        own[..fixed * dims].fill(Expect::Float(Num::default()));
        for (i, d) in (0..updated).flat_map(|i| (0..dims).map(move |d| (i, d))) {
            let terms = (0..fixed).flat_map(|j| {
                let pair = (row * fixed + j) * updated + i;
                let drive = Num::exact(kappas[pair]) * Num::exact(scores[(row * fixed + j) * dims + d]);
                [drive, Num::exact(slopes[pair * dims + d])]
            });
            let mean = Num::sum(terms) / Num::exact(p.fixed as f32);
            let a = Num::exact(actions[(row * (fixed + updated) + fixed + i) * dims + d]);
            let slope = if p.squashed == 1 { (one - a) * (one + a) } else { one };
            own[(fixed + i) * dims + d] = Expect::Float(Num::exact(p.scale) * mean * slope);
        }
    }
    vec![("gradients", gradients)]
}

/// `V = alpha ln mean_k exp(Q_k / alpha) w_k`, `y = r + discount V`.
pub fn soft_value(case: &Case) -> Expected {
    let p: soft_value::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [q, log_weights, rewards, discounts] =
        ["q", "log_weights", "rewards", "discounts"].map(|name| case.get::<f32>(name));
    let [mut values, mut targets] = ["values", "targets"].map(|name| unchanged(case, name));
    let [batch, count] = [p.batch, p.particles].map(|size| size as usize);
    for row in 0..p.agents as usize * batch {
        let (agent, b) = (row / batch, row % batch);
        let alpha = Num::exact(records[agent].alpha);
        let of = |slot: u32, k: usize| {
            Num::exact(q[((agent * p.slots as usize + slot as usize) * batch + b) * count + k])
        };
        let weighted: Vec<Num> = (0..count)
            .map(|k| {
                of(p.target_1, k).min(of(p.target_2, k)) + alpha * Num::exact(log_weights[row * count + k])
            })
            .collect();
        let top = weighted.iter().copied().reduce(Num::max).unwrap_or_default();
        let sum = Num::sum(weighted.iter().map(|value| ((*value - top) / alpha).exp()));
        let value = top + alpha * (sum.ln() - Num::exact(p.particles as f32).ln());
        values[row] = Expect::Float(value);
        targets[row] = Expect::Float(Num::exact(rewards[row]) + Num::exact(discounts[row]) * value);
    }
    vec![("values", values), ("targets", targets)]
}
