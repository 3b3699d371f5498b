//! What a replay of updates is asked for, whoever computes them: the engine ([`super::updates`]) or f64 ([`super::double`]).

use crate::agents::learner::Conventions;
use crate::config::Config;
use crate::shared::agent::Agent;
use crate::verify::conformance::network::Network;
use crate::verify::conformance::policy::Policy;
use crate::verify::conformance::report::Outcome;

/// Slots of [`Samples::q`].
pub const Q_1: usize = 0;
/// The second online net at `s`.
pub const Q_2: usize = 1;
/// The first target net at `s'`.
pub const TARGET_1: usize = 2;
/// The second target net at `s'`.
pub const TARGET_2: usize = 3;

/// Everything about a case that decides its updates, besides weights and batches.
pub struct Setup {
    /// Hyperparameters; batch size and network come from the tensors.
    pub config: Config,
    /// Forms that softq itself does not use.
    pub conventions: Conventions,
    /// `ln alpha` before the first update.
    pub log_alpha: f64,
    /// Weight decay of Adam.
    pub weight_decay: f64,
}

/// Everything that an update starts from.
pub struct State {
    /// Weights `[4, params]`.
    pub weights: Vec<f32>,
    /// Adam's first moments `[2, params]`.
    pub adam_m: Vec<f32>,
    /// Adam's second moments `[2, params]`.
    pub adam_v: Vec<f32>,
    /// `ln alpha`
    pub log_alpha: f32,
    /// Its first moment.
    pub alpha_m: f32,
    /// Its second moment.
    pub alpha_v: f32,
    /// Updates done.
    pub updates: u32,
}

/// What one update left in memory.
pub struct Step {
    /// The agent before the update.
    pub before: Agent,
    /// The agent after it.
    pub after: Agent,
    /// Mean loss of both nets, weighted over heads.
    pub loss: f32,
    /// Mean loss of each online net, per head.
    pub net_losses: [Vec<f32>; 2],
    /// Mean entropy per head.
    pub entropies: Vec<f32>,
}

/// Per-sample values of one update, for one head.
pub struct Samples {
    /// Actions taken.
    pub actions: Vec<u32>,
    /// Action values `[4][batch, actions]`.
    pub q: [Vec<f32>; 4],
    /// `V(s')`
    pub values: Vec<f32>,
    /// `y`
    pub targets: Vec<f32>,
    /// `H(pi(s'))`, or `-ln pi(a~)` of a sampled action.
    pub entropies: Vec<f32>,
    /// Columns of `q`.
    pub number_of_actions: usize,
}

impl Samples {
    /// Values of one action per row.
    pub fn at(&self, slot: usize, actions: &[u32]) -> Vec<f32> {
        let value =
            |(row, action): (usize, &u32)| self.q[slot][row * self.number_of_actions + *action as usize];
        actions.iter().enumerate().map(value).collect()
    }
}

/// Somebody who computes updates, one after the other.
pub trait Learning {
    /// The network of the case.
    fn network(&self) -> &Network;
    /// Updates in the file.
    fn steps(&self) -> usize;
    /// Puts everything that learning changes into a recorded state.
    fn load(&mut self, state: &State) -> Outcome<()>;
    /// Runs update `step` (from 0). `given` are the sampled next actions, where the case fixes them.
    fn run(&mut self, step: usize, given: Option<&[u32]>) -> Outcome<Step>;
    /// Per-sample values of one head in the update that ran last, which was update `step`.
    fn samples(&mut self, step: usize, head: usize) -> Outcome<Samples>;
    /// The softmax policy over a batch of one head's action values.
    fn policy(&mut self, head: usize, q: &[f32], alpha: f32) -> Outcome<Policy>;
    /// Parameters of the four networks, in the order of `[online 1, online 2, target 1, target 2]`.
    fn weights(&mut self) -> Outcome<Vec<Vec<f32>>>;
    /// Gradients of the online networks.
    fn grads(&mut self) -> Outcome<Vec<Vec<f32>>>;
    /// First moments of the online networks.
    fn adam_m(&mut self) -> Outcome<Vec<Vec<f32>>>;
    /// Second moments of the online networks.
    fn adam_v(&mut self) -> Outcome<Vec<Vec<f32>>>;

    /// Heads of the network.
    fn heads(&self) -> usize {
        self.network().layout.heads.len()
    }
}
