//! Softmax, soft backups and TD errors from the equations of the papers.

use super::policy::{Policy, argmax, at_own_temperature};
use super::random::{Random, stream};
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::{
    entropy_bonus, greedy_backup, log_softmax, munchausen_backup, soft_backup, soft_q_backup, td_error,
};
use crate::shared::agent::{Agent, TdError};
use crate::verify::cases::Case;
use crate::word_of;

/// `ln pi`, `pi`, `H(pi)`, `alpha logsumexp(q / alpha)` and the first largest action of each row.
pub fn log_softmax(case: &Case) -> Expected {
    let p: log_softmax::Params = case.params();
    let (q, alphas) = (case.get::<f32>("q"), case.get::<f32>("alphas"));
    let actions = p.actions as usize;
    let [mut log_probs, mut probs, mut entropies, mut values, mut greedy] =
        ["log_probs", "probs", "entropies", "values", "greedy"].map(|name| unchanged(case, name));
    for row in 0..p.rows as usize {
        let q = &q[row * actions..(row + 1) * actions];
        let policy = Policy::new(q, alphas[row]);
        for (a, log_probability) in policy.log_probabilities.iter().enumerate() {
            log_probs[row * actions + a] = Expect::Float(*log_probability);
            probs[row * actions + a] = Expect::Float(policy.probability(a));
        }
        entropies[row] = Expect::Float(policy.entropy);
        values[row] = Expect::Float(policy.value);
        greedy[row] = Expect::Bits(argmax(q) as u32);
    }
    vec![
        ("log_probs", log_probs),
        ("probs", probs),
        ("entropies", entropies),
        ("values", values),
        ("greedy", greedy),
    ]
}

/// `(V(s'), entropy)` of one row under one of the backups; `None` where a sampled action is too close to call.
/// With `mean` the twins' mean takes the place of their minimum; without `with_entropy`, `alpha H` is left out.
/// `target_1`, `target_2` are the target nets at `s'`, `online` is `Q_1(s')`; `sample` picks the action of the sampled one.
pub fn soft_value(
    (backup, mean, with_entropy): (u32, bool, bool),
    target_1: &[f32],
    target_2: &[f32],
    online: &[f32],
    alpha: f32,
    sample: impl Fn(&Policy) -> Option<usize>,
) -> Option<(Num, Num)> {
    let join = |a: Num, b: Num| if mean { Num::exact(0.5) * (a + b) } else { a.min(b) };
    let least: Vec<Num> =
        target_1.iter().zip(target_2).map(|(a, b)| join(Num::exact(*a), Num::exact(*b))).collect();
    let temperature = Num::exact(if with_entropy { alpha } else { 0.0 });
    Some(match backup {
        // DI-engine: alpha logsumexp(min_i Q'_i / alpha).
        0 => {
            // A mean is rounded before it is used.
            let joined: Vec<f32> = least.iter().map(|q| q.value as f32).collect();
            let policy = Policy::new(&joined, alpha);
            let expected =
                Num::sum(joined.iter().enumerate().map(|(a, q)| policy.probability(a) * Num::exact(*q)));
            (if with_entropy { policy.value } else { expected }, policy.entropy)
        }
        // Paper, equations 20-21: min_i E_pi[Q'_i] + alpha H(pi), pi of the online net.
        1 => {
            let policy = Policy::new(online, alpha);
            let expectation = |target: &[f32]| {
                Num::sum(target.iter().enumerate().map(|(a, q)| policy.probability(a) * Num::exact(*q)))
            };
            let least = join(expectation(target_1), expectation(target_2));
            (least + temperature * policy.entropy, policy.entropy)
        }
        // Authors' sqn.py: min_i Q'_i(a~) - alpha ln pi(a~).
        2 => {
            let policy = Policy::new(target_1, alpha);
            let action = sample(&policy)?;
            let surprise = -policy.log_probabilities[action];
            (least[action] + temperature * surprise, surprise)
        }
        // Authors' maxsqn.py: min_i max_a Q'_i(a) + alpha H(pi).
        _ => {
            let policy = Policy::new(online, alpha);
            let best = [target_1, target_2].map(|target| Num::exact(target[argmax(target)]));
            (join(best[0], best[1]) + temperature * policy.entropy, policy.entropy)
        }
    })
}

/// The sampled backup at the state's own temperature; `None` where the choice of action hangs on how well that was found.
fn own_temperature(
    (_, mean, _): (u32, bool, bool),
    target_1: &[f32],
    target_2: &[f32],
    wanted: f32,
    sample: impl Fn(&Policy) -> Option<usize>,
) -> Option<(Num, Num)> {
    let policies = at_own_temperature(target_1, wanted);
    let [action, low, high] = [0, 1, 2].map(|i| sample(&policies[i]));
    let action = action.filter(|_| action == low && action == high)?;
    let [a, b] = [target_1[action], target_2[action]].map(Num::exact);
    let joined = if mean { Num::exact(0.5) * (a + b) } else { a.min(b) };
    let surprises = [0, 1, 2].map(|i| -policies[i].log_probabilities[action]);
    let spread = (surprises[1].value - surprises[2].value).abs();
    Some((joined, Num { bound: surprises[0].bound + spread, ..surprises[0] }))
}

/// `y = rewards + discounts * V(s')`, with `alpha ln|A|` taken off in the KL form.
pub fn soft_backup(case: &Case) -> Expected {
    let p: soft_backup::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [q, rewards, discounts, given] =
        ["q", "rewards", "discounts", "values"].map(|name| case.get::<f32>(name));
    let [mut targets, mut entropies, mut values] =
        ["targets", "entropies", "values"].map(|name| unchanged(case, name));
    for agent in 0..p.agents {
        let record = &records[agent as usize];
        for b in 0..p.batch {
            let slot = |slot: u32| {
                let from = ((agent * p.slots + slot) * p.batch + b) * p.q_stride + p.q_offset;
                &q[from as usize..(from + p.actions) as usize]
            };
            let u = Random::new(record.seed, p.stream + stream::BACKUP, record.updates, p.head * p.batch + b)
                .uniform();
            let online = if p.slots > 4 { slot(4) } else { slot(0) };
            let row = (agent * p.batch + b) as usize;
            let out = row * p.heads as usize + p.head as usize;
            let sample = |policy: &Policy| match p.given_actions {
                1 => Some((given[out] as usize).min(p.actions as usize - 1)),
                _ => policy.sample(u),
            };
            let kind = (p.backup, p.mean == 1, p.entropy == 1);
            let backup = match p.per_state {
                0 => soft_value(kind, slot(2), slot(p.target_2), online, record.alpha, sample),
                _ => own_temperature(kind, slot(2), slot(p.target_2), record.target_entropy, sample),
            };
            let Some((mut value, entropy)) = backup else {
                [targets[out], entropies[out], values[out]] = [Expect::Any; 3];
                continue;
            };
            if p.kl == 1 {
                value = value - Num::exact(record.alpha) * Num::exact(p.actions as f32).ln();
            }
            targets[out] = Expect::Float(Num::exact(rewards[row]) + Num::exact(discounts[row]) * value);
            entropies[out] = Expect::Float(entropy);
            values[out] = Expect::Float(value);
        }
    }
    vec![("targets", targets), ("entropies", entropies), ("values", values)]
}

/// `rewards + sum_k gamma^k alpha (H(softmax(Q_1(s_{t+k}) / alpha)) - baseline)`.
pub fn entropy_bonus(case: &Case) -> Expected {
    let p: entropy_bonus::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [q, discounts, before] = ["q", "discounts", "rewards"].map(|name| case.get::<f32>(name));
    let mut rewards = unchanged(case, "rewards");
    for row in 0..p.agents * p.batch {
        let alpha = records[(row / p.batch) as usize].alpha;
        let baseline = if p.kl == 1 { Num::exact(p.actions as f32).ln() } else { Num::default() };
        let bonus = |k: u32| {
            let slot = p.first_slot + k - 1;
            let from = ((row / p.batch * p.slots + slot) * p.batch + row % p.batch) * p.q_stride + p.q_offset;
            let policy = Policy::new(&q[from as usize..(from + p.actions) as usize], alpha);
            let factor = discounts[(k * p.agents * p.batch + row) as usize];
            Num::exact(factor) * (Num::exact(alpha) * (policy.entropy - baseline))
        };
        let before = Num::exact(before[row as usize]);
        rewards[row as usize] = Expect::Float(Num::sum((1..=p.between).map(bonus).chain([before])));
    }
    vec![("rewards", rewards)]
}

/// `y = rewards + discounts * Q'(s', a*)`, `a*` the first largest of the selecting slot.
pub fn greedy_backup(case: &Case) -> Expected {
    let p: greedy_backup::Params = case.params();
    let [q, rewards, discounts] = ["q", "rewards", "discounts"].map(|name| case.get::<f32>(name));
    let [mut targets, mut values] = ["targets", "values"].map(|name| unchanged(case, name));
    for row in 0..p.agents * p.batch {
        let slot = |slot: u32| {
            let from = ((row / p.batch * p.slots + slot) * p.batch + row % p.batch) * p.q_stride + p.q_offset;
            &q[from as usize..(from + p.actions) as usize]
        };
        let value = slot(p.evaluator)[argmax(slot(p.selector))];
        let out = (row * p.heads + p.head) as usize;
        let row = row as usize;
        values[out] = Expect::Bits(value.to_bits());
        targets[out] =
            Expect::Float(Num::exact(rewards[row]) + Num::exact(discounts[row]) * Num::exact(value));
    }
    vec![("targets", targets), ("values", values)]
}

/// `y = rewards + m clip(alpha ln pi(a|s), l0, 0) + discounts * alpha logsumexp(Q'(s', .) / alpha)`.
pub fn munchausen_backup(case: &Case) -> Expected {
    let p: munchausen_backup::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [q, rewards, discounts] = ["q", "rewards", "discounts"].map(|name| case.get::<f32>(name));
    let actions = case.get::<u32>("actions");
    let [mut targets, mut entropies] = ["targets", "entropies"].map(|name| unchanged(case, name));
    for row in 0..p.agents * p.batch {
        let record = &records[(row / p.batch) as usize];
        let policy = |slot: u32| {
            let from = ((row / p.batch * p.slots + slot) * p.batch + row % p.batch) * p.q_stride + p.q_offset;
            Policy::new(&q[from as usize..(from + p.actions) as usize], record.alpha)
        };
        let (next, here) = (policy(munchausen_backup::NEXT), policy(munchausen_backup::CURRENT));
        let out = (row * p.heads + p.head) as usize;
        let row = row as usize;
        let taken = actions[out].min(p.actions - 1) as usize;
        let scaled = Num::exact(record.alpha) * here.log_probabilities[taken];
        let clipped = scaled.clamp(Num::exact(record.munchausen_clip), Num::default());
        let reward = Num::exact(rewards[row]) + Num::exact(record.munchausen_scale) * clipped;
        targets[out] = Expect::Float(reward + Num::exact(discounts[row]) * next.value);
        entropies[out] = Expect::Float(next.entropy);
    }
    vec![("targets", targets), ("entropies", entropies)]
}

/// coax: `y = f(R + I f^-1(V))`, `V = alpha logsumexp(Q' / alpha)`, `f(x) = sign(x) ln(1 + |x|)` or nothing.
pub fn soft_q_backup(case: &Case) -> Expected {
    let p: soft_q_backup::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [q, rewards, discounts] = ["q", "rewards", "discounts"].map(|name| case.get::<f32>(name));
    let [mut targets, mut entropies, mut values] =
        ["targets", "entropies", "values"].map(|name| unchanged(case, name));
    let odd = |x: Num, f: fn(Num) -> Num| match (p.transform, x.value < 0.0) {
        (0, _) => x,
        (_, true) => -f(-x),
        (_, false) => f(x),
    };
    for agent in 0..p.agents {
        let record = &records[agent as usize];
        for b in 0..p.batch {
            let at = |slot: u32, column: u32| {
                q[(((agent * p.slots + slot) * p.batch + b) * p.q_stride + column) as usize]
            };
            let row_values: Vec<f32> = (0..p.actions)
                .map(|a| match p.action_slots {
                    1 => at(p.target_slot + a, p.q_offset),
                    _ => at(p.target_slot, p.q_offset + a),
                })
                .collect();
            let policy = Policy::new(&row_values, record.alpha);
            let mut value = policy.value;
            if p.kl == 1 {
                value = value - Num::exact(record.alpha) * Num::exact(p.actions as f32).ln();
            }
            let row = (agent * p.batch + b) as usize;
            let future = match discounts[row] {
                0.0 => Num::default(),
                discount => Num::exact(discount) * odd(value, Num::expm1),
            };
            let sum = Num::exact(rewards[row]) + future;
            let out = row * p.heads as usize + p.head as usize;
            targets[out] = Expect::Float(odd(sum, |x| (Num::exact(1.0) + x).ln()));
            entropies[out] = Expect::Float(policy.entropy);
            values[out] = Expect::Float(value);
        }
    }
    vec![("targets", targets), ("entropies", entropies), ("values", values)]
}

/// `(loss, d loss / d e)` of a TD error: squared, half squared, Huber, and PyTorch's smooth L1 (Huber over delta).
fn loss(kind: u32, error: Num, delta: f32) -> (Num, Num) {
    let delta = Num::exact(delta);
    let half = Num::exact(0.5);
    let magnitude = if error.value < 0.0 { -error } else { error };
    let (loss, slope) = match kind {
        0 => (error * error, Num::exact(2.0) * error),
        1 => (half * error * error, error),
        _ if magnitude.value <= delta.value => (half * error * error, error),
        _ => {
            let slope = if error.value > 0.0 { delta } else { -delta };
            (delta * (magnitude - half * delta), Num { bound: error.bound, ..slope })
        }
    };
    if kind == 3 { (loss / delta, slope / delta) } else { (loss, slope) }
}

/// `e = Q_i(s, a) - y`, its weighted loss, and the gradient `importance * loss'(e) / batch` at the taken action, for one
/// head.
pub fn td_error(case: &Case) -> Expected {
    let p: td_error::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [q, targets, importance] = ["q", "targets", "importance"].map(|name| case.get::<f32>(name));
    let actions = case.get::<u32>("actions");
    let [mut dq, mut errors] = ["dq", "errors"].map(|name| unchanged(case, name));
    for agent in 0..p.agents {
        for net in 0..p.grad_slots {
            for b in 0..p.batch {
                let row = agent * p.batch + b;
                let head_row = (row * p.heads + p.head) as usize;
                let from = ((agent * p.slots + net) * p.batch + b) * p.q_stride + p.q_offset;
                let taken = actions[head_row].min(p.actions - 1);
                let error = Num::exact(q[(from + taken) as usize]) - Num::exact(targets[head_row]);
                let (loss, slope) = loss(p.loss, error, records[agent as usize].huber_delta);
                let weight = Num::exact(importance[row as usize].max(p.least_weight).min(p.largest_weight));
                let out = (agent * p.grad_slots + net) * p.batch + b;
                let gradient = Num::exact(p.head_weight) * weight * slope / Num::exact(p.batch as f32);
                for a in 0..p.actions {
                    dq[(out * p.q_stride + p.q_offset + a) as usize] =
                        if a == taken { Expect::Float(gradient) } else { Expect::Bits(0) };
                }
                let out = (out * p.heads + p.head) as usize;
                errors[word_of!(TdError, out, error)] = Expect::Float(error);
                errors[word_of!(TdError, out, loss)] = Expect::Float(weight * loss);
            }
        }
    }
    vec![("dq", dq), ("errors", errors)]
}
