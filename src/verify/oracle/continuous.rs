//! Real-valued actions from the equations of Haarnoja et al., arXiv 1801.01290 and 1812.05905: the squashed Gaussian with its
//! gradient, the soft value of a drawn action, and its loss.

use super::random::{Random, stream};
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::{action_backup, action_loss, critic_inputs, tanh_gaussian, tanh_gaussian_backward};
use crate::shared::agent::Agent;
use crate::verify::case::Case;

/// `ln sigma` of a network's output.
pub fn log_std(raw: Num, [low, high]: [Num; 2], squashed: bool) -> Num {
    match squashed {
        true => low + Num::exact(0.5) * (high - low) * (raw.tanh() + Num::exact(1.0)),
        false => raw.clamp(low, high),
    }
}

/// The slope of `ln sigma`; `None` where rounding may decide on which side of a clamp's end it is.
fn log_std_slope(raw: f32, [low, high]: [Num; 2], squashed: bool) -> Num {
    match squashed {
        true => Num::exact(0.5) * (high - low) * one_minus_tanh2(Num::exact(raw)),
        false => {
            let inside = (low.value..=high.value).contains(&f64::from(raw));
            Num::exact(if inside { 1.0 } else { 0.0 })
        }
    }
}

fn magnitude(x: Num) -> Num {
    Num { value: x.value.abs(), ..x }
}

/// `1 / cosh^2 u` as `4 e / (1 + e)^2` with `e = exp(-2 |u|)`.
fn one_minus_tanh2(u: Num) -> Num {
    let e = (-(Num::exact(2.0) * magnitude(u))).exp();
    let sum = Num::exact(1.0) + e;
    Num::exact(4.0) * e / (sum * sum)
}

/// `ln(scale / cosh^2 u + floor)`
fn log_slope(u: Num, scale: Num, floor: f32) -> Num {
    if floor > 0.0 {
        return (scale * one_minus_tanh2(u) + Num::exact(floor)).ln();
    }
    let e = (-(Num::exact(2.0) * magnitude(u))).exp();
    let inner = Num::sum([Num::constant(std::f64::consts::LN_2), -magnitude(u), -(Num::exact(1.0) + e).ln()]);
    scale.ln() + Num::exact(2.0) * inner
}

/// The first column of a row of a `[agents, slots, batch, ..]` buffer.
fn place((agent, b, batch): (u32, u32, u32), slots: u32, slot: u32) -> usize {
    ((agent * slots + slot) * batch + b) as usize
}

/// Actions and their log-probabilities.
pub fn tanh_gaussian(case: &Case) -> Expected {
    let p: tanh_gaussian::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [policy, spaces, given] = ["policy", "spaces", "noise"].map(|name| case.get::<f32>(name));
    let [mut noise, mut inputs, mut log_probs] =
        ["noise", "inputs", "log_probs"].map(|name| unchanged(case, name));
    let dims = p.dims as usize;
    let range = [p.log_std_min, p.log_std_max].map(Num::exact);
    for agent in 0..p.agents {
        for b in 0..p.batch {
            let at = (agent, b, p.batch);
            let (from, row) = (place(at, p.slots, p.slot) * 2 * dims, place(at, p.draws, p.draw));
            let to = (place(at, p.input_slots, p.input) + 1) * p.width as usize - dims;
            let h = &records[agent as usize];
            let mut random = Random::new(h.seed, p.stream + stream::POLICY + p.draw, h.updates, b);
            let mut terms = Vec::new();
            for i in 0..dims {
                let e = match p.given {
                    1 => Num::exact(given[row * dims + i]),
                    _ => random.normal(),
                };
                if p.given == 0 {
                    noise[row * dims + i] = Expect::Float(e);
                }
                let log_std = log_std(Num::exact(policy[from + dims + i]), range, p.squashed == 1);
                let u = Num::exact(policy[from + i]) + log_std.exp() * e;
                let space = |part: usize| Num::exact(spaces[(agent as usize * 4 + part) * dims + i]);
                inputs[to + i] = Expect::Float(u.tanh() * space(0) + space(1));
                let half_ln_tau = Num::constant(0.5 * std::f64::consts::TAU.ln());
                terms.extend([
                    -(Num::exact(0.5) * e * e),
                    -log_std,
                    -half_ln_tau,
                    -log_slope(u, space(0), p.floor),
                ]);
            }
            log_probs[row] = Expect::Float(Num::sum(terms));
        }
    }
    vec![("noise", noise), ("inputs", inputs), ("log_probs", log_probs)]
}

/// `dJ/dmean` and `dJ/d(raw ln sigma)` of `J = mean w (alpha ln pi - Q)`.
pub fn tanh_gaussian_backward(case: &Case) -> Expected {
    let p: tanh_gaussian_backward::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [policy, spaces, noise, dinputs, importance] =
        ["policy", "spaces", "noise", "dinputs", "importance"].map(|name| case.get::<f32>(name));
    let mut dz = unchanged(case, "dz");
    let dims = p.dims as usize;
    let range = [p.log_std_min, p.log_std_max].map(Num::exact);
    for agent in 0..p.agents {
        for b in 0..p.batch {
            let at = (agent, b, p.batch);
            let from = place(at, p.slots, p.slot) * 2 * dims;
            let row = place(at, 1, 0);
            let weight = Num::exact(importance[row]) * Num::exact(records[agent as usize].alpha)
                / Num::exact(p.batch as f32);
            for i in 0..dims {
                let e = Num::exact(noise[place(at, p.draws, p.draw) * dims + i]);
                let raw = policy[from + dims + i];
                let sigma = log_std(Num::exact(raw), range, p.squashed == 1).exp();
                let u = Num::exact(policy[from + i]) + sigma * e;
                let scale = Num::exact(spaces[agent as usize * 4 * dims + i]);
                let of = |net| (place(at, p.critics, net) + 1) * p.width as usize - dims + i;
                let slope = Num::sum((0..p.critics).map(|net| Num::exact(dinputs[of(net)])));
                // d ln(scale / cosh^2 u + floor) / du
                let share = match p.floor > 0.0 {
                    true => {
                        let width = scale * one_minus_tanh2(u);
                        width / (width + Num::exact(p.floor))
                    }
                    false => Num::exact(1.0),
                };
                let squash = Num::exact(-2.0) * u.tanh() * share;
                let g = scale * one_minus_tanh2(u) * slope - weight * squash;
                let slope_of_raw = log_std_slope(raw, range, p.squashed == 1);
                dz[row * 2 * dims + i] = Expect::Float(g);
                dz[row * 2 * dims + dims + i] = Expect::Float((g * sigma * e - weight) * slope_of_raw);
            }
        }
    }
    vec![("dz", dz)]
}

/// `(s, a)`, `(s', .)`, `(s, .)`
pub fn critic_inputs(case: &Case) -> Expected {
    let p: critic_inputs::Params = case.params();
    let (obs, actions, spaces) =
        (case.get::<f32>("obs"), case.get::<u32>("actions"), case.get::<f32>("spaces"));
    let mut inputs = unchanged(case, "inputs");
    let [obs_size, dims] = [p.obs_size, p.dims].map(|n| n as usize);
    for agent in 0..p.agents {
        for b in 0..p.batch {
            let at = (agent, b, p.batch);
            for (input, state) in [(0, 0), (1, 1), (2, 0)] {
                let to = place(at, critic_inputs::INPUTS, input) * (obs_size + dims);
                let from = place(at, p.obs_slots, state) * obs_size;
                for i in 0..obs_size {
                    inputs[to + i] = Expect::Bits(obs[from + i].to_bits());
                }
            }
            let to = place(at, critic_inputs::INPUTS, 0) * (obs_size + dims) + obs_size;
            for i in 0..dims {
                let taken = Num::exact(f32::from_bits(actions[place(at, 1, 0) * dims + i]));
                let space = |part: usize| Num::exact(spaces[(agent as usize * 4 + part) * dims + i]);
                inputs[to + i] = Expect::Float((taken - space(3)) / space(2));
            }
        }
    }
    vec![("inputs", inputs)]
}

/// The twins as one.
fn joined(mean: u32, first: f32, second: f32) -> Num {
    match mean {
        1 => Num::exact(0.5) * (Num::exact(first) + Num::exact(second)),
        _ => Num::exact(first.min(second)),
    }
}

/// `y = R + gamma^m (1 - d) (min_i Q'_i - alpha ln pi)`
pub fn action_backup(case: &Case) -> Expected {
    let p: action_backup::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [q, log_probs, rewards, discounts] =
        ["q", "log_probs", "rewards", "discounts"].map(|name| case.get::<f32>(name));
    let [mut targets, mut entropies] = ["targets", "entropies"].map(|name| unchanged(case, name));
    for agent in 0..p.agents {
        for b in 0..p.batch {
            let at = (agent, b, p.batch);
            let log_prob = Num::exact(log_probs[place(at, p.draws, p.draw)]);
            let mut value =
                joined(p.mean, q[place(at, p.slots, p.target_1)], q[place(at, p.slots, p.target_2)]);
            if p.entropy == 1 {
                value = value - Num::exact(records[agent as usize].alpha) * log_prob;
            }
            let row = place(at, 1, 0);
            let discount = Num::exact(discounts[place(at, p.discount_slots, 0)]);
            targets[row] = Expect::Float(Num::exact(rewards[row]) + discount * value);
            entropies[row] = Expect::Float(-log_prob);
        }
    }
    vec![("targets", targets), ("entropies", entropies)]
}

/// `w (alpha ln pi - min_i Q_i)` and the shares of the twins in its gradient.
pub fn action_loss(case: &Case) -> Expected {
    let p: action_loss::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [q, log_probs, importance] = ["q", "log_probs", "importance"].map(|name| case.get::<f32>(name));
    let [mut dq, mut entropies, mut losses] = ["dq", "entropies", "losses"].map(|name| unchanged(case, name));
    for agent in 0..p.agents {
        for b in 0..p.batch {
            let at = (agent, b, p.batch);
            let row = place(at, 1, 0);
            let [first, second] = [p.q_1, p.q_2].map(|slot| q[place(at, p.slots, slot)]);
            let mut shares = vec![0.0f32; p.slots as usize];
            match p.mean == 1 || first == second {
                true => [p.q_1, p.q_2].iter().for_each(|slot| shares[*slot as usize] += 0.5),
                false => shares[(if first < second { p.q_1 } else { p.q_2 }) as usize] = 1.0,
            }
            let weight = Num::exact(importance[row]);
            for (slot, share) in (0..).zip(&shares) {
                let gradient = -(Num::exact(*share) * weight / Num::exact(p.batch as f32));
                dq[place(at, p.slots, slot)] = Expect::Float(gradient);
            }
            let log_prob = Num::exact(log_probs[place(at, p.draws, p.draw)]);
            entropies[row] = Expect::Float(-log_prob);
            let loss = Num::exact(records[agent as usize].alpha) * log_prob - joined(p.mean, first, second);
            losses[row] = Expect::Float(weight * loss);
        }
    }
    vec![("dq", dq), ("entropies", entropies), ("losses", losses)]
}
