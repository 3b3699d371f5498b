//! The exact solver's kernels from the equations of soft Q-iteration and soft policy iteration (Haarnoja et al., arXiv
//! 1702.08165, theorems 1-3, and 1801.01290, lemmas 1-2).

use super::policy::Policy;
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::{tabular_backup, tabular_policy, tabular_residual, tabular_value};
use crate::shared::tabular::{NEVER, Solver, Sweep, Transition};
use crate::verify::case::Case;
use crate::word_of;

/// A tie that is this close to its margin, relative to the values, may be seen either way.
const TIE_MARGIN: f64 = 1e-5;

/// Settings of the solutions that are not done, by number.
fn running(case: &Case, agents: u32) -> Vec<(usize, Solver)> {
    let solvers = case.get::<Solver>("solvers").iter().copied().enumerate().take(agents as usize);
    solvers.filter(|(_, solver)| solver.converged == 0).collect()
}

/// The values whose softmax is the policy in a row: `Q`, or `Q + alpha ln pi_bar`, or never.
fn relative(case: &Case, reference: u32, row: usize, q: &[f32], alpha: f32) -> Vec<Num> {
    if reference == 0 {
        return q.iter().map(|q| Num::exact(*q)).collect();
    }
    let logs = &case.get::<f32>("log_reference")[row * q.len()..(row + 1) * q.len()];
    let value = |(q, log): (&f32, &f32)| match *log {
        log if log <= NEVER => Num::exact(NEVER),
        log => Num::exact(*q) + Num::exact(alpha) * Num::exact(log),
    };
    q.iter().zip(logs).map(value).collect()
}

/// Largest value.
fn best_of(values: &[Num]) -> Num {
    values.iter().copied().reduce(Num::max).unwrap_or_default()
}

/// `alpha ln sum exp(Q / alpha)`, its limit `max Q`, or `sum pi Q + alpha H(pi)`.
pub fn tabular_value(case: &Case) -> Expected {
    let p: tabular_value::Params = case.params();
    let [q, policy, entropies] = ["q", "policy", "entropies"].map(|name| case.get::<f32>(name));
    let mut values = unchanged(case, "values");
    let [states, actions] = [p.states, p.actions].map(|n| n as usize);
    for (agent, solver) in running(case, p.agents) {
        let alpha = Num::exact(solver.alpha);
        for row in agent * states..(agent + 1) * states {
            let q = relative(case, p.reference, row, &q[row * actions..(row + 1) * actions], solver.alpha);
            let best = best_of(&q);
            let value = if p.given_policy == 1 {
                let pi = &policy[row * actions..(row + 1) * actions];
                // sum pi Q = max Q + sum pi (Q - max Q) where pi sums to 1; the sum in f32 is short of 1 by its rounding.
                let gaps = q.iter().zip(pi).map(|(q, pi)| Num::exact(*pi) * (*q - best));
                best + Num::sum(gaps) + alpha * Num::exact(entropies[row])
            } else if solver.alpha > 0.0 {
                Policy::of(&q, solver.alpha).value
            } else {
                best
            };
            let uniform = if p.kl == 1 { alpha * Num::exact(p.actions as f32).ln() } else { Num::default() };
            values[row] = Expect::Float(value - uniform);
        }
    }
    vec![("values", values)]
}

/// `Q(s, a) = sum p (r + gamma (1 - d) V(s'))`, and how far that is from before.
pub fn tabular_backup(case: &Case) -> Expected {
    let p: tabular_backup::Params = case.params();
    let (first, transitions) = (case.get::<u32>("first"), case.get::<Transition>("transitions"));
    let [values, old] = ["values", "q"].map(|name| case.get::<f32>(name));
    let [mut q, mut changes] = ["q", "changes"].map(|name| unchanged(case, name));
    let pairs = (p.states * p.actions) as usize;
    for (agent, solver) in running(case, p.agents) {
        for pair in 0..pairs {
            let (from, to) = (first[pair] as usize, first[pair + 1].min(p.outcomes) as usize);
            let terms = transitions[from..to].iter().take(p.most as usize).map(|t| {
                let next = t.next.min(p.states - 1) as usize;
                let value = Num::exact(values[agent * p.states as usize + next]);
                let future = if t.terminated == 1.0 { Num::default() } else { value };
                Num::exact(t.probability) * (Num::exact(t.reward) + Num::exact(solver.gamma) * future)
            });
            let sum = Num::sum(terms);
            let at = agent * pairs + pair;
            q[at] = Expect::Float(sum);
            changes[at] = Expect::Float(sum - Num::exact(old[at]));
        }
    }
    vec![("q", q), ("changes", changes)]
}

/// `pi = softmax(Q / alpha)`; at temperature 0 uniform over the best actions.
pub fn tabular_policy(case: &Case) -> Expected {
    let p: tabular_policy::Params = case.params();
    let q = case.get::<f32>("q");
    let [mut policy, mut entropies] = ["policy", "entropies"].map(|name| unchanged(case, name));
    let [states, actions] = [p.states, p.actions].map(|n| n as usize);
    for (agent, solver) in running(case, p.agents) {
        for row in agent * states..(agent + 1) * states {
            let q = relative(case, p.reference, row, &q[row * actions..(row + 1) * actions], solver.alpha);
            if solver.alpha > 0.0 {
                let softmax = Policy::of(&q, solver.alpha);
                for a in 0..actions {
                    policy[row * actions + a] = Expect::Float(softmax.probability(a));
                }
                entropies[row] = Expect::Float(softmax.entropy);
                continue;
            }
            let top = best_of(&q).value;
            let size = top.abs().max(1.0);
            let gaps: Vec<f64> = q.iter().map(|q| (top - q.value) / size).collect();
            let tie = f64::from(solver.tie);
            // Rounding of `top - tie size` moves the margin by an ulp of top; without a margin nothing is rounded.
            let around = TIE_MARGIN * tie + 2.0 * super::num::HALF_ULP;
            let close = |gap: &f64| tie > 0.0 && (gap - tie).abs() < around;
            if gaps.iter().any(close) {
                policy[row * actions..(row + 1) * actions].fill(Expect::Any);
                entropies[row] = Expect::Any;
                continue;
            }
            let best = gaps.iter().filter(|gap| **gap <= tie).count();
            for (a, gap) in gaps.iter().enumerate() {
                let share = Num::exact(1.0) / Num::exact(best as f32);
                policy[row * actions + a] =
                    if *gap <= tie { Expect::Float(share) } else { Expect::Float(Num::default()) };
            }
            entropies[row] = Expect::Float(Num::exact(best as f32).ln());
        }
    }
    vec![("policy", policy), ("entropies", entropies)]
}

/// The sup norm of the changes, the largest fall and the largest magnitude, and whether the sweep was the last.
pub fn tabular_residual(case: &Case) -> Expected {
    let p: tabular_residual::Params = case.params();
    let [changes, q] = ["changes", "q"].map(|name| case.get::<f32>(name));
    let [mut solvers, mut history] = ["solvers", "history"].map(|name| unchanged(case, name));
    let count = p.count as usize;
    for (agent, solver) in running(case, p.agents) {
        let mine = agent * count..(agent + 1) * count;
        let most = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, f32::max);
        let residual = most(&mut changes[mine.clone()].iter().map(|change| change.abs()));
        let drop = most(&mut changes[mine.clone()].iter().map(|change| -change));
        let largest = most(&mut q[mine].iter().map(|q| q.abs()));
        let at = agent * p.block as usize + (solver.sweeps % p.block) as usize;
        history[word_of!(Sweep, at, residual)] = Expect::Float(Num::exact(residual));
        history[word_of!(Sweep, at, drop)] = Expect::Float(Num::exact(drop));
        history[word_of!(Sweep, at, largest)] = Expect::Float(Num::exact(largest));
        solvers[word_of!(Solver, agent, sweeps)] = Expect::Bits(solver.sweeps + 1);
        let allowed = f64::from(solver.tolerance) * f64::from(largest.max(1.0));
        let residual = f64::from(residual);
        let close = (residual - allowed).abs() <= 1e-6 * allowed && residual != allowed;
        solvers[word_of!(Solver, agent, converged)] = match close {
            true => Expect::Any,
            false if residual <= allowed => Expect::Bits(solver.sweeps + 1),
            false => Expect::Bits(0),
        };
    }
    vec![("solvers", solvers), ("history", history)]
}
