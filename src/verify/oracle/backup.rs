//! Target rules from the equations of the papers.

use super::policy::{Policy, argmax, at_own_temperature};
use super::random::{Random, stream};
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::backup::Params;
use crate::kernels::policy_backup;
use crate::shared::agent::Agent;
use crate::verify::case::Case;

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

/// One row of a case.
struct Row<'a> {
    p: &'a Params,
    record: &'a Agent,
    target_1: &'a [f32],
    target_2: &'a [f32],
    online: &'a [f32],
    current: &'a [f32],
    reward: Num,
    discount: f32,
    taken: usize,
    /// The uniform number of a rule that samples.
    u: f64,
}

impl Row<'_> {
    /// `V(s')` less `alpha ln|A|` in the KL form.
    fn relative(&self, value: Num) -> Num {
        if self.p.kl == 0 {
            return value;
        }
        value - Num::exact(self.record.alpha) * Num::exact(self.p.actions as f32).ln()
    }

    /// `R + gamma^m (1 - d) V(s')`.
    fn bootstrapped(&self, value: Num) -> Num {
        self.reward + Num::exact(self.discount) * self.relative(value)
    }

    /// `(y, entropy)`; `None` where a choice is too close to call.
    fn expected(&self, rule: &str) -> Option<(Num, Num)> {
        let alpha = self.record.alpha;
        let sample = |policy: &Policy| match self.p.given {
            1 => Some(self.taken),
            _ => policy.sample(self.u),
        };
        let soft = |backup: u32| {
            let kind = (backup, self.p.mean == 1, self.p.entropy == 1);
            let (value, entropy) = match self.p.per_state {
                0 => soft_value(kind, self.target_1, self.target_2, self.online, alpha, sample)?,
                _ => {
                    let wanted = self.record.target_entropy;
                    own_temperature(kind, self.target_1, self.target_2, wanted, sample)?
                }
            };
            Some((self.bootstrapped(value), entropy))
        };
        let greedy = |selector: &[f32]| {
            (self.bootstrapped(Num::exact(self.target_1[argmax(selector)])), Num::default())
        };
        Some(match rule {
            "clipped_lse" => soft(0)?,
            "online_policy" => soft(1)?,
            "sampled" => soft(2)?,
            "max" => soft(3)?,
            "q_learning" => greedy(self.target_1),
            "double_q" => greedy(self.online),
            "munchausen" => {
                let [next, here] = [self.target_1, self.current].map(|q| Policy::new(q, alpha));
                let scaled = Num::exact(alpha) * here.log_probabilities[self.taken];
                let clipped = scaled.clamp(Num::exact(self.record.munchausen_clip), Num::default());
                let reward = self.reward + Num::exact(self.record.munchausen_scale) * clipped;
                (reward + Num::exact(self.discount) * self.relative(next.value), next.entropy)
            }
            // coax: y = f(R + I f^-1(V)), f(x) = sign(x) ln(1 + |x|) or nothing.
            "soft_q" => {
                let policy = Policy::new(self.target_1, alpha);
                let odd = |x: Num, f: fn(Num) -> Num| match (self.p.signed_log, x.value < 0.0) {
                    (0, _) => x,
                    (_, true) => -f(-x),
                    (_, false) => f(x),
                };
                let future = match self.discount {
                    0.0 => Num::default(),
                    discount => Num::exact(discount) * odd(self.relative(policy.value), Num::expm1),
                };
                (odd(self.reward + future, |x| (Num::exact(1.0) + x).ln()), policy.entropy)
            }
            other => panic!("the rule '{other}' has no reference"),
        })
    }
}

/// `y` and the entropy of every row by the case's rule.
pub fn backup(case: &Case) -> Expected {
    let p: Params = case.params();
    let rule = case.rule.map_or("", |rule| rule.name);
    let records = case.get::<Agent>("agents");
    let [q, rewards, discounts] = ["q", "rewards", "discounts"].map(|name| case.get::<f32>(name));
    let actions = case.get::<u32>("actions");
    let [mut targets, mut entropies] = ["targets", "entropies"].map(|name| unchanged(case, name));
    for agent in 0..p.agents {
        for b in 0..p.batch {
            let values = |slot: u32| {
                let from = ((agent * p.slots + slot) * p.batch + b) * p.q_stride + p.q_offset;
                &q[from as usize..(from + p.actions) as usize]
            };
            let record = &records[agent as usize];
            let row = (agent * p.batch + b) as usize;
            let out = row * p.heads as usize + p.head as usize;
            let stream = p.stream + stream::BACKUP;
            let expected = Row {
                p: &p,
                record,
                target_1: values(p.target_1),
                target_2: values(p.target_2),
                online: values(p.online),
                current: values(p.current),
                reward: Num::exact(rewards[row]),
                discount: discounts[(agent * p.discount_slots * p.batch + b) as usize],
                taken: actions[out].min(p.actions - 1) as usize,
                u: Random::new(record.seed, stream, record.updates, p.head * p.batch + b).uniform(),
            }
            .expected(rule);
            [targets[out], entropies[out]] = match expected {
                Some((y, entropy)) => [Expect::Float(y), Expect::Float(entropy)],
                None => [Expect::Any; 2],
            };
        }
    }
    vec![("targets", targets), ("entropies", entropies)]
}

/// `R + gamma^m (1 - d) sum_a pi(a) (m(a) - alpha ln pi(a))` of every row, `pi = softmax` of the policy network's outputs.
pub fn policy_backup(case: &Case) -> Expected {
    let p: policy_backup::Params = case.params();
    assert_eq!(case.rule.map_or("", |rule| rule.name), "policy_value", "other rules have no reference here");
    let records = case.get::<Agent>("agents");
    let [q, policy] = ["q", "policy"].map(|name| case.get::<f32>(name));
    let [rewards, discounts] = ["rewards", "discounts"].map(|name| case.get::<f32>(name));
    let [mut targets, mut entropies] = ["targets", "entropies"].map(|name| unchanged(case, name));
    for row in 0..p.agents * p.batch {
        let (agent, b) = (row / p.batch, row % p.batch);
        let from = |slots: u32, slot: u32| {
            (((agent * slots + slot) * p.batch + b) * p.q_stride + p.q_offset) as usize
        };
        let [first, second] =
            [p.target_1, p.target_2].map(|slot| &q[from(p.slots, slot)..][..p.actions as usize]);
        let pi = Policy::new(&policy[from(p.policy_slots, p.online)..][..p.actions as usize], 1.0);
        let expected = Num::sum(first.iter().zip(second).enumerate().map(|(a, (first, second))| {
            let [first, second] = [first, second].map(|q| Num::exact(*q));
            let joined = if p.mean == 1 { Num::exact(0.5) * (first + second) } else { first.min(second) };
            pi.probability(a) * joined
        }));
        let alpha = Num::exact(records[agent as usize].alpha);
        let bonus = if p.entropy == 1 { alpha * pi.entropy } else { Num::default() };
        let baseline = if p.kl == 1 { alpha * Num::exact(p.actions as f32).ln() } else { Num::default() };
        let discount = discounts[(agent * p.discount_slots * p.batch + b) as usize];
        let y = Num::exact(rewards[row as usize]) + Num::exact(discount) * (expected + bonus - baseline);
        let out = (row * p.heads + p.head) as usize;
        (targets[out], entropies[out]) = (Expect::Float(y), Expect::Float(pi.entropy));
    }
    vec![("targets", targets), ("entropies", entropies)]
}
