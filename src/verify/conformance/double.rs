//! The updates of a case in f64 beside the engine's, with every decision that rounding could turn around: a ReLU opens or
//! closes by the sign of its pre-activation, and where that is nearer to 0 than f32 can tell, either is right, though all
//! that follows differs. Decisions of the online networks alone matter: no gradient flows through the targets, and their
//! values hardly change.

pub mod network;
#[cfg(test)]
mod tests;
pub mod update;

use std::collections::BTreeSet;

use super::batches::Batches;
use super::compare::{Comparison, Sink};
use super::device::Device;
use super::kinks::{self, Near, Site};
use super::learning::{Learning, Samples, Setup, State, Step, TARGET_1};
use super::network::Network;
use super::policy::Policy;
use super::report::Outcome;
use super::updates::Replay;
use crate::agents::hyper;
use crate::shared::agent::Agent;
use network::Decision;
use update::{Learnt, Left, Transitions, Update, soft};

/// A pre-activation may be turned around within this many of its own rounding bounds: weights that were learnt in f32 differ,
/// too.
const REACH: f64 = 16.0;

/// Decides for the ReLUs of a replay.
pub struct Decisions {
    flips: BTreeSet<Site>,
    /// Decisions so far that rounding could turn around.
    pub near: Vec<Near>,
}

impl Decisions {
    /// By the sign of the pre-activation, but for these.
    pub fn new(flips: &[Site]) -> Decisions {
        Decisions { flips: flips.iter().copied().collect(), near: Vec::new() }
    }

    /// The slope of a ReLU of online network `net` for one row of an update.
    pub fn slope(&mut self, update: usize, net: usize, row: usize, decision: &Decision) -> f64 {
        let mut open = decision.z > 0.0;
        if decision.z.abs() <= REACH * decision.bound {
            let site = Site { update, net, layer: decision.tensor, unit: decision.unit, row };
            self.near.push(Near { site, share: decision.z.abs() / decision.bound });
            open ^= self.flips.contains(&site);
        }
        f64::from(u8::from(open))
    }
}

/// What a case starts from.
pub struct Recorded<'a> {
    /// Hyperparameters.
    pub setup: &'a Setup,
    /// The networks.
    pub network: &'a Network,
    /// Transitions.
    pub batches: &'a Batches,
    /// Weights `[4, params]` before the first update.
    pub weights: &'a [f32],
    /// Number of every update in the file.
    pub numbers: Vec<usize>,
}

/// Goes through the updates of a case and hands over what they leave.
pub type Play<'a> = dyn Fn(&mut dyn Learning, &mut dyn Sink) -> Outcome<()> + 'a;

/// Replays on the device, and in f64 where that leaves a bound.
pub fn replay(
    device: &mut Device<'_>,
    comparison: &mut Comparison,
    recorded: &Recorded<'_>,
    play: &Play<'_>,
) -> Outcome<()> {
    let Recorded { setup, network, batches, weights, .. } = recorded;
    let mut engine = Replay::new(device, setup, network, batches, weights)?;
    kinks::compare(comparison, &mut |sink| play(&mut engine, sink), &|flips, sink| {
        let Some(mut double) = Double::new(recorded, flips) else { return Ok(None) };
        play(&mut double, sink)?;
        Ok(Some(double.decisions.near))
    })
}

/// The updates in f64.
pub struct Double<'a> {
    case: &'a Recorded<'a>,
    decisions: Decisions,
    target_entropy: f64,
    learnt: Learnt,
    left: Option<Left>,
}

impl<'a> Double<'a> {
    /// A replay in which these decisions are turned around; `None` where an operation of the network is not known in f64.
    pub fn new(case: &'a Recorded<'a>, flips: &[Site]) -> Option<Double<'a>> {
        let net = &case.network.layout;
        if !network::is_known(net) {
            return None;
        }
        let moments = vec![0.0; case.weights.len() / 2];
        let start = State {
            weights: case.weights.to_vec(),
            adam_m: moments.clone(),
            adam_v: moments,
            log_alpha: case.setup.log_alpha as f32,
            alpha_m: 0.0,
            alpha_v: 0.0,
            updates: 0,
        };
        Some(Double {
            case,
            decisions: Decisions::new(flips),
            target_entropy: hyper::agent(&case.setup.config, net.outputs()).target_entropy.into(),
            learnt: Learnt::new(&start, net.params() as usize),
            left: None,
        })
    }

    fn transitions<'g>(&self, step: usize, given: Option<&'g [u32]>) -> Transitions<'g> {
        let batches = self.case.batches;
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<f64>>();
        let rows = |table: &[f32]| {
            let flat = wide(batches.rows_of(table, batches.obs_size, step));
            flat.chunks_exact(batches.obs_size).map(<[f64]>::to_vec).collect()
        };
        let goes_on = |done: f32| self.case.setup.config.gamma * (1.0 - f64::from(done));
        Transitions {
            obs: [rows(&batches.obs), rows(&batches.next_obs)],
            actions: batches.rows_of(&batches.actions, batches.heads, step),
            rewards: wide(batches.pick(&batches.rewards, step)),
            discounts: batches.pick(&batches.done, step).into_iter().map(goes_on).collect(),
            given,
        }
    }

    /// Runs an update; `gate` gives the slope of every ReLU, by network and row.
    fn run_with(
        &mut self,
        step: usize,
        given: Option<&[u32]>,
        gate: &mut dyn FnMut(usize, usize, &Decision) -> f64,
    ) -> Step {
        let batch = self.transitions(step, given);
        let before = self.agent();
        let update = Update {
            setup: self.case.setup,
            net: &self.case.network.layout,
            target_entropy: self.target_entropy,
        };
        let left = update.run(&mut self.learnt, &batch, gate);
        let heads = self.heads();
        let mean = |values: &[f64], head: usize| {
            let of_head = values.iter().skip(head).step_by(heads);
            of_head.sum::<f64>() / (values.len() / heads) as f64
        };
        let per_head = |values: &[f64]| (0..heads).map(|head| mean(values, head) as f32).collect();
        let both = |head: usize| left.losses.iter().map(|losses| mean(losses, head)).sum::<f64>();
        let step = Step {
            before,
            after: self.agent(),
            loss: (0..heads).map(|head| update.head_weight(head) * both(head)).sum::<f64>() as f32,
            net_losses: [per_head(&left.losses[0]), per_head(&left.losses[1])],
            entropies: per_head(&left.entropies),
        };
        self.left = Some(left);
        step
    }

    /// The agent's record of a state.
    fn agent(&self) -> Agent {
        Agent {
            log_alpha: self.learnt.log_alpha as f32,
            alpha: self.learnt.log_alpha.exp() as f32,
            alpha_m: self.learnt.alpha_m as f32,
            alpha_v: self.learnt.alpha_v as f32,
            target_entropy: self.target_entropy as f32,
            updates: self.learnt.updates,
            ..Agent::default()
        }
    }
}

impl Learning for Double<'_> {
    fn network(&self) -> &Network {
        self.case.network
    }

    fn steps(&self) -> usize {
        self.case.batches.steps()
    }

    fn load(&mut self, state: &State) -> Outcome<()> {
        self.learnt = Learnt::new(state, self.case.network.layout.params() as usize);
        Ok(())
    }

    fn run(&mut self, step: usize, given: Option<&[u32]>) -> Outcome<Step> {
        let number = self.case.numbers.get(step).copied().unwrap_or(step + 1);
        let mut decisions = std::mem::replace(&mut self.decisions, Decisions::new(&[]));
        let left = self.run_with(step, given, &mut |net, row, decision| match net {
            TARGET_1.. => f64::from(u8::from(decision.z > 0.0)),
            _ => decisions.slope(number, net, row, decision),
        });
        self.decisions = decisions;
        Ok(left)
    }

    fn samples(&mut self, step: usize, head: usize) -> Outcome<Samples> {
        let heads = self.heads();
        let columns = self.case.network.layout.heads[head];
        let (offset, actions) = (columns.offset as usize, columns.actions as usize);
        let batches = self.case.batches;
        let taken = batches.rows_of(&batches.actions, heads, step);
        let left = self.left.as_ref();
        let slot = |slot: usize| -> Vec<f32> {
            let rows = left.map_or(&[][..], |left| &left.q[slot]).iter();
            rows.flat_map(|row| row[offset..][..actions].iter().map(|q| *q as f32)).collect()
        };
        let column = |of: fn(&Left) -> &[f64]| -> Vec<f32> {
            left.map_or(&[][..], of).iter().skip(head).step_by(heads).map(|value| *value as f32).collect()
        };
        Ok(Samples {
            actions: taken.into_iter().skip(head).step_by(heads).collect(),
            q: [0, 1, 2, 3].map(slot),
            values: column(|left| &left.values),
            targets: column(|left| &left.targets),
            entropies: column(|left| &left.entropies),
            number_of_actions: actions,
        })
    }

    fn policy(&mut self, head: usize, q: &[f32], alpha: f32) -> Outcome<Policy> {
        let actions = self.case.network.layout.heads[head].actions as usize;
        let mut policy =
            Policy { log_probs: vec![], probs: vec![], entropies: vec![], values: vec![], greedy: vec![] };
        for row in q.chunks_exact(actions) {
            let row: Vec<f64> = row.iter().map(|q| f64::from(*q)).collect();
            let (log_pi, value) = soft(&row, alpha.into());
            let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            policy.greedy.push(row.iter().position(|q| *q == top).unwrap_or(0) as u32);
            policy.entropies.push(-log_pi.iter().map(|log_pi| log_pi.exp() * log_pi).sum::<f64>() as f32);
            policy.values.push(value as f32);
            policy.probs.extend(log_pi.iter().map(|log_pi| log_pi.exp() as f32));
            policy.log_probs.extend(log_pi.iter().map(|log_pi| *log_pi as f32));
        }
        Ok(policy)
    }

    fn weights(&mut self) -> Outcome<Vec<Vec<f32>>> {
        Ok(narrow(&self.learnt.weights))
    }

    fn grads(&mut self) -> Outcome<Vec<Vec<f32>>> {
        Ok(self.left.as_ref().map_or_else(Vec::new, |left| narrow(&left.grads)))
    }

    fn adam_m(&mut self) -> Outcome<Vec<Vec<f32>>> {
        Ok(narrow(&self.learnt.m))
    }

    fn adam_v(&mut self) -> Outcome<Vec<Vec<f32>>> {
        Ok(narrow(&self.learnt.v))
    }
}

fn narrow(networks: &[Vec<f64>]) -> Vec<Vec<f32>> {
    networks.iter().map(|net| net.iter().map(|value| *value as f32).collect()).collect()
}
