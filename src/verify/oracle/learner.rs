//! Gradient clipping, Adam, the temperature, and window statistics.

use super::num::HALF_ULP;
use super::policy::schedule;
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::metrics::Metrics;
use crate::kernels::{adam, exchange_temperature, grad_norm, metrics, temperature_step, update_end};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::shared::head_temperature::HeadTemperature;
use crate::shared::optimizer::{ADAM, Optimizer, RADAM, RADAM_OPTAX};
use crate::verify::case::Case;
use crate::word_of;

/// `1 - beta^t` from `ln beta`.
fn correction(t: u32, ln_beta: f32) -> Num {
    -(Num::exact(t as f32) * Num::exact(ln_beta)).expm1()
}

/// RAdam's factor from the paper's equations in f64; `None` where rounding decides whether the step is rectified.
fn rectification(o: &Optimizer, t: u32) -> Option<Num> {
    if o.form == ADAM {
        return Some(Num::exact(1.0));
    }
    // Both betas of a record are roundings of the same number.
    let (t, x) = (f64::from(t), -f64::from(o.ln_beta2));
    let rho_inf = 2.0 / -(-x).exp_m1() - 1.0;
    let rho = rho_inf - 2.0 * t / (t * x).exp_m1();
    // A late rho is a difference of numbers of rho_inf's size, an early one has the digits of t.
    let rounded = |value: f64, size: f64| Num { value, bound: 24.0 * HALF_ULP * size };
    let (limit, rho) =
        (rounded(rho_inf, rho_inf), rounded(rho, if t * x < 1.0 { t } else { rho_inf + t.min(rho_inf) }));
    if (rho.value - 5.0).abs() <= rho.bound {
        return None;
    }
    if rho.value <= 5.0 {
        return Some(Num::default());
    }
    let less = |n: Num, by: f32| n - Num::exact(by);
    Some((less(rho, 4.0) / less(limit, 4.0) * (less(rho, 2.0) / less(limit, 2.0)) * (limit / rho)).sqrt())
}

/// `sqrt(sum g^2)`, the clip factor of PyTorch's `clip_grad_norm_`, Adam's corrections, the number of the first
/// update that was not finite.
pub fn grad_norm(case: &Case) -> Expected {
    let p: grad_norm::Params = case.params();
    let grads = case.get::<f32>("grads");
    let [mut agents, mut optimizers] = ["agents", "optimizers"].map(|name| unchanged(case, name));
    let records = case.get::<Agent>("agents");
    for (i, o) in case.get::<Optimizer>("optimizers").iter().enumerate().take(p.agents as usize) {
        let grads = &grads[i * p.count as usize..(i + 1) * p.count as usize];
        let total = Num::sum(grads.iter().map(|g| Num::exact(*g) * Num::exact(*g)));
        let t = o.steps + 1;
        let finite = total.value.is_finite() && total.value < f64::from(f32::MAX);
        let (norm, scale) = if finite {
            let norm = total.sqrt();
            let least = if o.form == RADAM_OPTAX { Num::default() } else { Num::constant(1e-6) };
            let clipped = Num::exact(o.max_grad_norm) / (norm + least);
            let off = o.max_grad_norm <= 0.0;
            let scale = if off { Num::exact(1.0) } else { clipped.min(Num::exact(1.0)) };
            (Expect::Float(norm), Expect::Float(scale))
        } else {
            // WGSL leaves arithmetic on infinities open; only the flag counts.
            (Expect::Any, Expect::Any)
        };
        optimizers[word_of!(Optimizer, i, steps)] = Expect::Bits(t);
        optimizers[word_of!(Optimizer, i, grad_norm)] = norm;
        optimizers[word_of!(Optimizer, i, grad_scale)] = scale;
        optimizers[word_of!(Optimizer, i, correction1)] = Expect::Float(correction(t, o.ln_beta1));
        optimizers[word_of!(Optimizer, i, correction2)] = Expect::Float(correction(t, o.ln_beta2));
        let factor = rectification(o, t).map_or(Expect::Any, Expect::Float);
        optimizers[word_of!(Optimizer, i, rectification)] = factor;
        if !finite && records[i].nonfinite == 0 {
            agents[word_of!(Agent, i, nonfinite)] = Expect::Bits(records[i].updates + 1);
        }
    }
    vec![("agents", agents), ("optimizers", optimizers)]
}

/// Kingma and Ba's Adam (decoupled weight decay: Loshchilov and Hutter), or Liu et al.'s RAdam with a given factor, then the target nets' averaging.
pub fn adam(case: &Case) -> Expected {
    let p: adam::Params = case.params();
    let [grads, weights, m, v] = ["grads", "weights", "m", "v"].map(|name| case.get::<f32>(name));
    let [mut new_weights, mut new_m, mut new_v] = ["weights", "m", "v"].map(|name| unchanged(case, name));
    let (count, nets) = (p.count as usize, 1 + p.targets as usize);
    let one = Num::exact(1.0);
    let records = case.get::<Agent>("agents");
    for (agent, h) in case.get::<Optimizer>("optimizers").iter().enumerate().take(p.agents as usize) {
        if records[agent].nonfinite != 0 {
            continue;
        }
        let [rate, eps, c1, c2] = [h.learning_rate, h.adam_eps, h.correction1, h.correction2].map(Num::exact);
        let [share1, share2, decay, polyak] =
            [h.one_minus_beta1, h.one_minus_beta2, h.weight_decay, h.polyak].map(Num::exact);
        for k in 0..count {
            let i = agent * count + k;
            let online = agent * nets * count + k;
            let start = Num::exact(weights[online]);
            let clipped = Num::exact(grads[i]) * Num::exact(h.grad_scale);
            // Added to the gradient, or taken from the weight beside it.
            let g = if p.l2 == 1 { clipped + decay * start } else { clipped };
            let m = Num::exact(m[i]) + share1 * (g - Num::exact(m[i]));
            let v = (one - share2) * Num::exact(v[i]) + share2 * g * g;
            let inside = if h.form == ADAM { p.eps_inside == 1 } else { h.form == RADAM };
            let adaptive = if inside {
                rate * c2.sqrt() / c1 * m / (v.sqrt() + eps)
            } else {
                rate * (m / c1) / ((v / c2).sqrt() + eps)
            };
            let step = match (h.form, h.rectification) {
                (ADAM, _) => adaptive,
                (_, 0.0) => rate * (m / c1),
                (_, factor) => adaptive * Num::exact(factor),
            };
            let w = if p.l2 == 1 { start - step } else { start - rate * decay * start - step };
            new_m[i] = Expect::Float(m);
            new_v[i] = Expect::Float(v);
            new_weights[online] = Expect::Float(w);
            if nets == 2 && h.steps.is_multiple_of(h.target_update_interval) {
                let target = Num::exact(weights[online + count]);
                let averaged = if h.polyak >= 1.0 { w } else { (one - polyak) * target + polyak * w };
                new_weights[online + count] = Expect::Float(averaged);
            }
        }
    }
    vec![("weights", new_weights), ("m", new_m), ("v", new_v)]
}

/// Means of the batch, heads weighted, and the counter.
pub fn update_end(case: &Case) -> Expected {
    let p: update_end::Params = case.params();
    let [entropies, targets] = ["entropies", "targets"].map(|name| case.get::<f32>(name));
    let errors = case.get::<TdError>("errors");
    let optimizers = case.get::<Optimizer>("optimizers");
    let mut agents = unchanged(case, "agents");
    let [batch, nets, heads] = [p.batch, p.grad_slots, p.heads].map(|n| n as usize);
    let share = |head: usize| Num::exact(if head == 0 { 1.0 } else { p.later_head_weight });
    let weights = Num::sum((0..heads).map(share));
    let size = Num::exact(p.batch as f32);
    for (i, a) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        let errors = &errors[i * nets * batch * heads..(i + 1) * nets * batch * heads];
        let weighted = errors.iter().enumerate().map(|(k, error)| share(k % heads) * Num::exact(error.loss));
        let losses = Num::sum(weighted);
        if a.nonfinite != 0 {
            continue;
        }
        if !losses.value.is_finite() || losses.value >= f64::from(f32::MAX) {
            agents[word_of!(Agent, i, nonfinite)] = Expect::Bits(a.updates + 1);
            continue;
        }
        let rows = i * batch * heads..(i + 1) * batch * heads;
        let of_heads = entropies[rows.clone()].iter().enumerate();
        let entropy = Num::sum(of_heads.map(|(k, h)| share(k % heads) * Num::exact(*h))) / size;
        // The value of the first head's taken action under the first net.
        let taken = errors.iter().zip(&targets[rows]).step_by(heads).take(batch);
        let q = Num::sum(taken.map(|(e, y)| Num::exact(e.error) + Num::exact(*y))) / size;
        let accumulated = |sum: f32, term: Num| Expect::Float(Num::exact(sum) + term);
        agents[word_of!(Agent, i, entropy)] = Expect::Float(entropy);
        agents[word_of!(Agent, i, entropy_sum)] = accumulated(a.entropy_sum, entropy / weights);
        agents[word_of!(Agent, i, loss_sum)] = accumulated(a.loss_sum, losses / size);
        agents[word_of!(Agent, i, q_sum)] = accumulated(a.q_sum, q);
        agents[word_of!(Agent, i, grad_norm_sum)] =
            accumulated(a.grad_norm_sum, Num::exact(optimizers[i].grad_norm));
        agents[word_of!(Agent, i, window_updates)] = Expect::Bits(a.window_updates + 1);
        agents[word_of!(Agent, i, updates)] = Expect::Bits(a.updates + 1);
    }
    vec![("agents", agents)]
}

/// Dual descent of `log_alpha` on `H - target_entropy` by Adam, heads weighted, or its schedule.
pub fn temperature_step(case: &Case) -> Expected {
    let p: temperature_step::Params = case.params();
    let (optimizers, lanes) = (case.get::<Optimizer>("optimizers"), case.get::<Lane>("lanes"));
    let mut agents = unchanged(case, "agents");
    let later = Num::exact(p.later_head_weight);
    let one = Num::exact(1.0);
    let weights = Num::sum((0..p.heads).map(|head| if head == 0 { one } else { later }));
    for (i, a) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        if a.nonfinite != 0 {
            continue;
        }
        let o = &optimizers[i];
        let mut log_alpha = Num::exact(a.log_alpha);
        if p.mode == 1 || p.mode == 2 {
            let excess = Num::exact(a.entropy) - weights * Num::exact(a.target_entropy);
            let excess = if p.mode == 2 { excess * Num::exact(a.alpha) } else { excess };
            let g = Num::exact(p.share) * excess;
            let [share1, share2] = [o.one_minus_beta1, o.one_minus_beta2].map(Num::exact);
            let m = Num::exact(a.alpha_m) + share1 * (g - Num::exact(a.alpha_m));
            let v = (one - share2) * Num::exact(a.alpha_v) + share2 * g * g;
            let rate = Num::exact(a.alpha_learning_rate) / correction(a.updates, o.ln_beta1);
            let root2 = correction(a.updates, o.ln_beta2).sqrt();
            let eps = Num::exact(o.adam_eps);
            log_alpha = log_alpha
                - match p.eps_inside {
                    1 => rate * root2 * m / (v.sqrt() + eps),
                    _ => rate * (m / (v.sqrt() / root2 + eps)),
                };
            agents[word_of!(Agent, i, alpha_m)] = Expect::Float(m);
            agents[word_of!(Agent, i, alpha_v)] = Expect::Float(v);
        } else if p.mode == 3 {
            let step = lanes[i * p.num_lanes as usize].step;
            let now = Num::exact(step as f32) * Num::exact(p.num_lanes as f32);
            log_alpha = schedule(a.log_alpha_initial, a.log_alpha_final, a.alpha_decay_steps, now);
        }
        log_alpha = log_alpha.max(Num::exact(a.log_alpha_min)).min(Num::exact(a.log_alpha_max));
        agents[word_of!(Agent, i, log_alpha)] = Expect::Float(log_alpha);
        agents[word_of!(Agent, i, alpha)] = Expect::Float(log_alpha.exp());
    }
    vec![("agents", agents)]
}

/// Five words change places; the entropy is a mean.
pub fn exchange_temperature(case: &Case) -> Expected {
    let p: exchange_temperature::Params = case.params();
    let [mut agents, mut temperatures] = ["agents", "temperatures"].map(|name| unchanged(case, name));
    let entropies = case.get::<f32>("entropies");
    let heads = case.get::<HeadTemperature>("temperatures");
    for (i, a) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        if p.head > 0 {
            let at = i * (p.heads as usize - 1) + p.head as usize - 1;
            let head = &heads[at];
            let bits = |value: f32| Expect::Bits(value.to_bits());
            agents[word_of!(Agent, i, log_alpha)] = bits(head.log_alpha);
            agents[word_of!(Agent, i, alpha)] = bits(head.alpha);
            agents[word_of!(Agent, i, alpha_m)] = bits(head.alpha_m);
            agents[word_of!(Agent, i, alpha_v)] = bits(head.alpha_v);
            agents[word_of!(Agent, i, target_entropy)] = bits(head.target_entropy);
            temperatures[word_of!(HeadTemperature, at, log_alpha)] = bits(a.log_alpha);
            temperatures[word_of!(HeadTemperature, at, alpha)] = bits(a.alpha);
            temperatures[word_of!(HeadTemperature, at, alpha_m)] = bits(a.alpha_m);
            temperatures[word_of!(HeadTemperature, at, alpha_v)] = bits(a.alpha_v);
            temperatures[word_of!(HeadTemperature, at, target_entropy)] = bits(a.target_entropy);
        }
        if p.measure == 1 {
            let rows = (i * p.batch as usize..(i + 1) * p.batch as usize)
                .map(|row| Num::exact(entropies[row * p.heads as usize + p.head as usize]));
            let mean = Num::sum(rows) / Num::exact(p.batch as f32);
            agents[word_of!(Agent, i, entropy)] = Expect::Float(mean);
        }
    }
    vec![("agents", agents), ("temperatures", temperatures)]
}

/// Sums over an agent's environments and copies of its own sums; both windows are cleared.
pub fn metrics(case: &Case) -> Expected {
    let p: metrics::Params = case.params();
    let [mut agents, mut lanes, mut out] = ["agents", "lanes", "metrics"].map(|name| unchanged(case, name));
    let num_lanes = p.num_lanes as usize;
    let (records, all_lanes) = (case.get::<Agent>("agents"), case.get::<Lane>("lanes"));
    for (i, a) in records.iter().enumerate().take(p.agents as usize) {
        let of_agent = &all_lanes[i * num_lanes..(i + 1) * num_lanes];
        for lane in i * num_lanes..(i + 1) * num_lanes {
            lanes[word_of!(Lane, lane, window_episodes)] = Expect::Bits(0);
            lanes[word_of!(Lane, lane, window_return)] = Expect::Bits(0);
            lanes[word_of!(Lane, lane, window_length)] = Expect::Bits(0);
        }
        let env_steps = of_agent[0].step.wrapping_mul(p.num_lanes);
        let total = |count: fn(&Lane) -> u32| Expect::Bits(of_agent.iter().map(count).sum());
        let sum = |term: fn(&Lane) -> f32| {
            Expect::Float(Num::sum(of_agent.iter().map(|lane| Num::exact(term(lane)))))
        };
        let copy = |value: f32| Expect::Bits(value.to_bits());
        let now = Num::exact(env_steps as f32);
        let epsilon = schedule(a.epsilon, a.epsilon_final, a.epsilon_decay_steps, now);
        out[word_of!(Metrics, i, env_steps)] = Expect::Bits(env_steps);
        out[word_of!(Metrics, i, episodes)] = total(|lane| lane.episodes);
        out[word_of!(Metrics, i, window_episodes)] = total(|lane| lane.window_episodes);
        out[word_of!(Metrics, i, window_return)] = sum(|lane| lane.window_return);
        out[word_of!(Metrics, i, window_length)] = sum(|lane| lane.window_length);
        out[word_of!(Metrics, i, updates)] = Expect::Bits(a.updates);
        out[word_of!(Metrics, i, nonfinite)] = Expect::Bits(a.nonfinite);
        out[word_of!(Metrics, i, window_updates)] = Expect::Bits(a.window_updates);
        out[word_of!(Metrics, i, entropy_sum)] = copy(a.entropy_sum);
        out[word_of!(Metrics, i, loss_sum)] = copy(a.loss_sum);
        out[word_of!(Metrics, i, q_sum)] = copy(a.q_sum);
        out[word_of!(Metrics, i, grad_norm_sum)] = copy(a.grad_norm_sum);
        out[word_of!(Metrics, i, alpha)] = copy(a.alpha);
        out[word_of!(Metrics, i, epsilon)] = Expect::Float(epsilon);
        let faulty = of_agent.iter().position(|lane| lane.fault != 0).unwrap_or(num_lanes - 1);
        out[word_of!(Metrics, i, fault)] = Expect::Bits(of_agent[faulty].fault);
        out[word_of!(Metrics, i, fault_lane)] = Expect::Bits(faulty as u32);
        agents[word_of!(Agent, i, window_updates)] = Expect::Bits(0);
        agents[word_of!(Agent, i, entropy_sum)] = Expect::Bits(0);
        agents[word_of!(Agent, i, loss_sum)] = Expect::Bits(0);
        agents[word_of!(Agent, i, q_sum)] = Expect::Bits(0);
        agents[word_of!(Agent, i, grad_norm_sum)] = Expect::Bits(0);
    }
    vec![("agents", agents), ("lanes", lanes), ("metrics", out)]
}
