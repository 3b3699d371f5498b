//! One update of SQN in f64, from the equations: targets, loss, gradient, Adam, averaging, temperature.

use super::super::learning::{Q_1, Q_2, Setup, State, TARGET_1, TARGET_2};
use super::network::{Decision, Evaluation};
use crate::config::{Backup, Config, Loss, Temperature};
use crate::nn::Network;

/// Everything that an update starts from, and what it leaves.
#[derive(Clone)]
pub struct Learnt {
    /// Weights of the four networks, in the order of [`Q_1`], [`Q_2`], [`TARGET_1`], [`TARGET_2`].
    pub weights: Vec<Vec<f64>>,
    /// Adam's first moments of the online networks.
    pub m: Vec<Vec<f64>>,
    /// Its second moments.
    pub v: Vec<Vec<f64>>,
    /// `ln alpha`
    pub log_alpha: f64,
    /// Its first moment.
    pub alpha_m: f64,
    /// Its second moment.
    pub alpha_v: f64,
    /// Updates done.
    pub updates: u32,
}

impl Learnt {
    /// A recorded state of networks of `params` parameters.
    pub fn new(state: &State, params: usize) -> Learnt {
        let networks = |flat: &[f32]| -> Vec<Vec<f64>> {
            flat.chunks_exact(params).map(|net| net.iter().map(|w| f64::from(*w)).collect()).collect()
        };
        Learnt {
            weights: networks(&state.weights),
            m: networks(&state.adam_m),
            v: networks(&state.adam_v),
            log_alpha: state.log_alpha.into(),
            alpha_m: state.alpha_m.into(),
            alpha_v: state.alpha_v.into(),
            updates: state.updates,
        }
    }
}

/// Transitions of one update.
pub struct Transitions<'a> {
    /// Observations `s` and `s'`, row by row.
    pub obs: [Vec<Vec<f64>>; 2],
    /// Actions taken, one per head and row.
    pub actions: Vec<u32>,
    /// Rewards.
    pub rewards: Vec<f64>,
    /// `gamma (1 - d)`
    pub discounts: Vec<f64>,
    /// The next actions that were drawn.
    pub given: Option<&'a [u32]>,
}

/// What an update computed on its way; rows are `[batch, heads]`.
pub struct Left {
    /// Outputs of the four networks `[batch][outputs]`.
    pub q: Vec<Vec<Vec<f64>>>,
    /// `V(s')`
    pub values: Vec<f64>,
    /// `y`
    pub targets: Vec<f64>,
    /// `H(pi(s'))`
    pub entropies: Vec<f64>,
    /// Losses of both online networks.
    pub losses: [Vec<f64>; 2],
    /// Their gradients.
    pub grads: Vec<Vec<f64>>,
}

/// `ln pi` of the softmax policy, and `alpha logsumexp(q / alpha)`.
pub fn soft(q: &[f64], alpha: f64) -> (Vec<f64>, f64) {
    let top = q.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = q.iter().map(|q| ((q - top) / alpha).exp()).sum::<f64>().ln();
    (q.iter().map(|q| (q - top) / alpha - log_sum).collect(), top + alpha * log_sum)
}

/// An update of one case.
pub struct Update<'a> {
    /// Hyperparameters and conventions.
    pub setup: &'a Setup,
    /// The networks' shape.
    pub net: &'a Network,
    /// Entropy that the temperature is moved to, in nats.
    pub target_entropy: f64,
}

impl Update<'_> {
    /// Runs it. `gate` decides for every ReLU of network `usize` and row `usize`.
    pub fn run(
        &self,
        state: &mut Learnt,
        batch: &Transitions<'_>,
        gate: &mut dyn FnMut(usize, usize, &Decision) -> f64,
    ) -> Left {
        let mut evaluations: Vec<Vec<Evaluation>> = Vec::new();
        for (index, weights) in state.weights.iter().enumerate() {
            let obs = &batch.obs[usize::from(index >= TARGET_1)];
            let rows = obs.iter().enumerate().map(|(row, obs)| {
                Evaluation::new(self.net, weights, obs, &mut |decision| gate(index, row, decision))
            });
            evaluations.push(rows.collect());
        }
        let rows = |evaluations: &Vec<Evaluation>| evaluations.iter().map(|e| e.outputs().to_vec()).collect();
        let q: Vec<Vec<Vec<f64>>> = evaluations.iter().map(rows).collect();
        let mut left = self.bootstrap(q, batch, state.log_alpha.exp());
        for index in [Q_1, Q_2] {
            let deltas = self.errors(&mut left, index, batch);
            let weights = &state.weights[index];
            let mut grads = vec![0.0; weights.len()];
            for (evaluation, delta) in evaluations[index].iter().zip(&deltas) {
                evaluation.backward(self.net, weights, delta, &mut grads);
            }
            left.grads.push(grads);
        }
        state.updates += 1;
        self.improve(state, &left.grads);
        self.temper(state, &left.entropies);
        left
    }

    /// `y = r + gamma (1 - d) V(s')` of every row and head.
    fn bootstrap(&self, q: Vec<Vec<Vec<f64>>>, batch: &Transitions<'_>, alpha: f64) -> Left {
        let heads = &self.net.heads;
        let (mut values, mut targets, mut entropies) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (reward, discount)) in batch.rewards.iter().zip(&batch.discounts).enumerate() {
            for (index, head) in heads.iter().enumerate() {
                let columns = head.offset as usize..(head.offset + head.actions) as usize;
                let [first, second] = [TARGET_1, TARGET_2].map(|net| &q[net][row][columns.clone()]);
                let least: Vec<f64> = first.iter().zip(second).map(|(a, b)| a.min(*b)).collect();
                let (value, entropy) = match batch.given {
                    Some(given) if self.setup.config.backup == Backup::Sampled => {
                        let action = given[row * heads.len() + index] as usize;
                        let surprise = -soft(first, alpha).0[action];
                        (least[action] + alpha * surprise, surprise)
                    }
                    _ => {
                        let (log_pi, value) = soft(&least, alpha);
                        (value, -log_pi.iter().map(|log_pi| log_pi.exp() * log_pi).sum::<f64>())
                    }
                };
                values.push(value);
                targets.push(reward + discount * value);
                entropies.push(entropy);
            }
        }
        Left { q, values, targets, entropies, losses: Default::default(), grads: Vec::new() }
    }

    /// Losses of an online network, and their gradient for its outputs.
    fn errors(&self, left: &mut Left, index: usize, batch: &Transitions<'_>) -> Vec<Vec<f64>> {
        let (heads, config) = (&self.net.heads, &self.setup.config);
        let rows = batch.rewards.len();
        let mut deltas = vec![vec![0.0; self.net.outputs() as usize]; rows];
        for (row, deltas) in deltas.iter_mut().enumerate() {
            for (place, head) in heads.iter().enumerate() {
                let at = row * heads.len() + place;
                let taken = (head.offset + batch.actions[at]) as usize;
                let e = left.q[index][row][taken] - left.targets[at];
                let (loss, slope) = loss(config, e);
                left.losses[index].push(loss);
                deltas[taken] += self.head_weight(place) * slope / rows as f64;
            }
        }
        deltas
    }

    /// Weight of a head in loss and temperature.
    pub fn head_weight(&self, head: usize) -> f64 {
        if head == 0 { 1.0 } else { self.setup.conventions.later_head_weight.into() }
    }

    /// One Adam over both online networks; the targets follow.
    fn improve(&self, state: &mut Learnt, grads: &[Vec<f64>]) {
        let (config, form) = (&self.setup.config, self.setup.conventions.adam);
        let norm = grads.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        let scale =
            if config.max_grad_norm > 0.0 { (config.max_grad_norm / (norm + 1e-6)).min(1.0) } else { 1.0 };
        let decay = self.setup.weight_decay;
        for (index, grads) in grads.iter().enumerate() {
            for (k, g) in grads.iter().enumerate() {
                let w = &mut state.weights[index][k];
                let g = g * scale + if form.l2 { decay * *w } else { 0.0 };
                if !form.l2 {
                    *w -= config.learning_rate * decay * *w;
                }
                let moments = (&mut state.m[index][k], &mut state.v[index][k]);
                *w -= adam(config, (config.learning_rate, form.eps_inside), g, moments, state.updates);
            }
            let (online, targets) = state.weights.split_at_mut(TARGET_1);
            for (target, w) in targets[index].iter_mut().zip(&online[index]) {
                *target += config.polyak * (*w - *target);
            }
        }
    }

    /// The temperature's step by the entropy of the update.
    fn temper(&self, state: &mut Learnt, entropies: &[f64]) {
        let config = &self.setup.config;
        let alpha = state.log_alpha.exp();
        let gradient = |alpha: f64| {
            let heads = self.net.heads.len();
            let rows = (entropies.len() / heads) as f64;
            let gap =
                |(at, entropy): (usize, &f64)| self.head_weight(at % heads) * (entropy - self.target_entropy);
            alpha * entropies.iter().enumerate().map(gap).sum::<f64>() / rows
        };
        let g = match config.temperature {
            Temperature::Learned => gradient(1.0),
            Temperature::LearnedExp => gradient(alpha),
            _ => return,
        };
        let (mut m, mut v) = (state.alpha_m, state.alpha_v);
        let rate = (config.alpha_learning_rate, self.setup.conventions.adam.eps_inside);
        let step = adam(config, rate, g, (&mut m, &mut v), state.updates);
        state.log_alpha -= step;
        (state.alpha_m, state.alpha_v) = (m, v);
    }
}

/// The step of Adam at time `t` for one number.
pub fn adam(
    config: &Config,
    (rate, eps_inside): (f64, bool),
    g: f64,
    (m, v): (&mut f64, &mut f64),
    t: u32,
) -> f64 {
    let (beta1, beta2) = (config.adam_beta1, config.adam_beta2);
    *m = beta1 * *m + (1.0 - beta1) * g;
    *v = beta2 * *v + (1.0 - beta2) * g * g;
    let correction1 = 1.0 - beta1.powf(t.into());
    let root2 = (1.0 - beta2.powf(t.into())).sqrt();
    if eps_inside {
        rate * root2 / correction1 * *m / (v.sqrt() + config.adam_eps)
    } else {
        rate / correction1 * *m / (v.sqrt() / root2 + config.adam_eps)
    }
}

/// The loss of a TD error, and its derivative.
pub fn loss(config: &Config, e: f64) -> (f64, f64) {
    let delta = config.huber_delta;
    match config.loss {
        Loss::Mse => (e * e, 2.0 * e),
        Loss::Huber if e.abs() > delta => (delta * (e.abs() - delta / 2.0), delta * e.signum()),
        Loss::HalfMse | Loss::Huber => (e * e / 2.0, e),
    }
}
