//! Softmax, entropy bonus, TD errors and the loss of a policy from the equations of the papers.

use super::policy::{Policy, argmax};
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::{
    add_reference, entropy_bonus, join_heads, log_softmax, policy_loss, scale_head, td_error,
};
use crate::shared::agent::{Agent, TdError};
use crate::shared::head_temperature::HeadTemperature;
use crate::verify::case::Case;
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

/// `q + alpha ln pi_bar(a)`, `pi_bar = softmax(reference / temperature)`, in the slots from the first on.
pub fn add_reference(case: &Case) -> Expected {
    let p: add_reference::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [reference, before] = ["reference", "q"].map(|name| case.get::<f32>(name));
    let mut q = unchanged(case, "q");
    for row in 0..p.agents * p.batch {
        let (agent, b) = (row / p.batch, row % p.batch);
        let from = (row * p.q_stride + p.q_offset) as usize;
        let pi_bar = Policy::new(&reference[from..from + p.actions as usize], p.temperature);
        let alpha = Num::exact(records[agent as usize].alpha);
        for slot in p.first_slot..p.slots {
            let first = (((agent * p.slots + slot) * p.batch + b) * p.q_stride + p.q_offset) as usize;
            for (a, log_probability) in pi_bar.log_probabilities.iter().enumerate() {
                q[first + a] = Expect::Float(Num::exact(before[first + a]) + alpha * *log_probability);
            }
        }
    }
    vec![("q", q)]
}

/// `q alpha / alpha_k`
pub fn scale_head(case: &Case) -> Expected {
    let p: scale_head::Params = case.params();
    let (records, heads) = (case.get::<Agent>("agents"), case.get::<HeadTemperature>("temperatures"));
    let before = case.get::<f32>("q");
    let mut q = unchanged(case, "q");
    for row in 0..p.agents * p.rows {
        let agent = (row / p.rows) as usize;
        let own = heads[agent * (p.heads as usize - 1) + p.head as usize - 1].alpha;
        let factor = Num::exact(records[agent].alpha) / Num::exact(own);
        let first = (row * p.q_stride + p.q_offset) as usize;
        for at in first..first + p.actions as usize {
            q[at] = Expect::Float(Num::exact(before[at]) * factor);
        }
    }
    vec![("q", q)]
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
            let place = (row / p.batch * (1 + p.between) + k) * p.batch + row % p.batch;
            let factor = discounts[place as usize];
            Num::exact(factor) * (Num::exact(alpha) * (policy.entropy - baseline))
        };
        let before = Num::exact(before[row as usize]);
        rewards[row as usize] = Expect::Float(Num::sum((1..=p.between).map(bonus).chain([before])));
    }
    vec![("rewards", rewards)]
}

/// `y_k = 1/K sum_j y_j`
pub fn join_heads(case: &Case) -> Expected {
    let p: join_heads::Params = case.params();
    let before = case.get::<f32>("targets");
    let mut targets = unchanged(case, "targets");
    for row in 0..p.rows as usize {
        let heads = row * p.heads as usize..(row + 1) * p.heads as usize;
        let mean =
            Num::sum(before[heads.clone()].iter().map(|y| Num::exact(*y))) / Num::exact(p.heads as f32);
        targets[heads].fill(Expect::Float(mean));
    }
    vec![("targets", targets)]
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

/// `w / |A| (E_pi [alpha ln pi - m] + penalty / 2 (H_old - H)^2)`, its gradient for the outputs, and `H`.
pub fn policy_loss(case: &Case) -> Expected {
    let p: policy_loss::Params = case.params();
    let records = case.get::<Agent>("agents");
    let [policy, q, importance] = ["policy", "q", "importance"].map(|name| case.get::<f32>(name));
    let [mut dz, mut entropies, mut losses] = ["dz", "entropies", "losses"].map(|name| unchanged(case, name));
    for row in 0..p.agents * p.batch {
        let (agent, b) = (row / p.batch, row % p.batch);
        let from = |slots: u32, slot: u32| {
            (((agent * slots + slot) * p.batch + b) * p.q_stride + p.q_offset) as usize
        };
        let outputs = |slot: u32| Policy::new(&policy[from(p.slots, slot)..][..p.actions as usize], 1.0);
        let values = |slot: u32| &q[from(p.q_slots, slot)..][..p.actions as usize];
        // A mean is rounded before it is used.
        let joined: Vec<f32> = values(p.q_1)
            .iter()
            .zip(values(p.q_2))
            .map(
                |(a, b)| if p.mean == 1 { (0.5 * (f64::from(*a) + f64::from(*b))) as f32 } else { a.min(*b) },
            )
            .collect();
        let top = joined.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let alpha = Num::exact(records[agent as usize].alpha);
        let pi = outputs(0);
        // alpha ln pi(a) - m(a) less that of the largest m and no surprise: the same gradient, without its rounding.
        let costs: Vec<Num> = (pi.log_probabilities.iter().zip(&joined))
            .map(|(log_pi, m)| alpha * *log_pi - (Num::exact(*m) - Num::exact(top)))
            .collect();
        let expected = Num::sum(costs.iter().enumerate().map(|(a, cost)| pi.probability(a) * *cost));
        let gap = if p.penalty > 0.0 { outputs(p.old).entropy - pi.entropy } else { Num::default() };
        let pull = Num::exact(p.penalty) * gap;
        let weight = Num::exact(importance[row as usize]) / Num::exact(p.actions as f32);
        for (a, cost) in costs.iter().enumerate() {
            let slope = (*cost - expected) + pull * (pi.log_probabilities[a] + pi.entropy);
            let gradient = weight * pi.probability(a) * slope / Num::exact(p.batch as f32);
            dz[(row * p.q_stride + p.q_offset) as usize + a] = Expect::Float(gradient);
        }
        let out = (row * p.heads + p.head) as usize;
        entropies[out] = Expect::Float(pi.entropy);
        let penalised = (expected - Num::exact(top)) + Num::exact(0.5) * pull * gap;
        losses[out] = Expect::Float(weight * penalised);
    }
    vec![("dz", dz), ("entropies", entropies), ("losses", losses)]
}
