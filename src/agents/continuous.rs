//! Real-valued actions in an update: what critics of a state and an action see, and the actions that a tanh-Gaussian policy
//! draws for them.

use crate::agents::acting::Purpose;
use crate::config::{Config, LogStdForm};
use crate::engine::env::ActionSpace;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::{Error, Result};
use crate::kernels::critic_inputs::{self, INPUTS};
use crate::kernels::{tanh_gaussian, tanh_gaussian_backward};
use crate::nn::{Evaluations, Inputs};
use crate::shared::agent::{Agent, TdError};
use crate::shared::rng::STREAMS;
use crate::shared::tanh_gaussian::LogStd;

use super::experience::Batch;

const BATCH: &str = "Lower --batch-size.";

/// What a policy is evaluated for in an update: the draw, and the critics' input that gets its action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// `s`: the action that the policy learns from.
    State,
    /// `s'`: the action that the target is made of.
    NextState,
}

impl At {
    /// Its place among the draws, and among the policy's evaluations.
    pub fn draw(self) -> u32 {
        match self {
            At::State => 0,
            At::NextState => 1,
        }
    }

    /// Its place among the inputs of critics, behind that of the stored action.
    pub fn input(self) -> u32 {
        match self {
            At::State => 2,
            At::NextState => 1,
        }
    }
}

/// Draws per row.
pub const DRAWS: u32 = 2;

/// How a policy network's output becomes an `ln sigma`, as the settings say.
pub fn log_std(config: &Config) -> LogStd {
    LogStd {
        low: config.log_std_min as f32,
        high: config.log_std_max as f32,
        squashed: (config.log_std == LogStdForm::Squashed).into(),
    }
}

/// The four numbers of each dimension `[4, dims]`: scale and bias of drawn actions, divisor and offset of stored ones.
pub fn space(config: &Config, actions: &ActionSpace) -> Vec<f32> {
    let scales = actions.scales();
    let column = |i: usize| scales.iter().map(move |scale| scale[i]);
    let identity = |value: f32| scales.iter().map(move |_| value);
    match config.rescale_actions {
        true => identity(1.0).chain(identity(0.0)).chain(column(0)).chain(column(1)).collect(),
        false => column(0).chain(column(1)).chain(identity(1.0)).chain(identity(0.0)).collect(),
    }
}

/// Refuses a target entropy that no policy of this kind can have, where alpha is to reach it: a density on a box has at most that
/// of the uniform one, and a squashed Gaussian less than the Gaussian has at its widest. Both are those of actions in `[-1, 1]`, or
/// in the environment's own units without `rescale_actions`.
pub fn check_target_entropy(config: &Config, actions: &ActionSpace) -> Result<()> {
    let ActionSpace::Box { low, high } = actions else { return Ok(()) };
    if !config.aims_at_entropy() {
        return Ok(());
    }
    let dims = low.len() as f64;
    let units: f64 = match config.rescale_actions {
        true => 0.0,
        false => low.iter().zip(high).map(|(low, high)| f64::from(0.5 * (high - low)).ln()).sum(),
    };
    let uniform = dims * std::f64::consts::LN_2 + units;
    let gaussian = dims * (config.log_std_max + 0.5 * (std::f64::consts::TAU.ln() + 1.0)) + units;
    let target = config.target_entropy.nats(actions.size());
    let (limit, of) = match uniform <= gaussian {
        true => (uniform, "uniform actions".to_owned()),
        false => (gaussian, format!("a Gaussian at log_std_max = {}", config.log_std_max)),
    };
    if target < limit {
        return Ok(());
    }
    let space = if config.rescale_actions { "in [-1, 1]" } else { "in the environment's units" };
    Err(Error::invalid(
        "target_entropy",
        format!("{} ({target:.4} nats)", config.target_entropy),
        format!("below {limit:.4} nats, the entropy of {of} {space} over {dims} dimensions"),
        "No temperature can reach more and alpha runs away; -1dim(A) is usual.",
    ))
}

/// Memory of the regression of a network of state values.
#[derive(Clone, Copy, Debug)]
pub struct StateValues {
    /// What it learns `[agents, batch]`.
    pub targets: Buffer<f32>,
    /// `-ln pi(a~|s)` of the actions behind them `[agents, batch]`.
    pub entropies: Buffer<f32>,
    /// `V(s)` less its target, and its loss `[agents, batch]`.
    pub errors: Buffer<TdError>,
    /// No reward comes before the value: zeros `[agents, batch]`.
    pub rewards: Buffer<f32>,
    /// Nor is it discounted: ones `[agents, batch]`.
    pub discounts: Buffer<f32>,
}

impl StateValues {
    /// Declares the memory for `rows` rows of each of `agents` agents.
    pub fn new(buffers: &mut Buffers, (agents, rows): (u32, u32)) -> StateValues {
        let all = u64::from(agents) * u64::from(rows);
        StateValues {
            errors: buffers.add("value_errors", all, BATCH),
            targets: buffers.add("value_targets", all, BATCH),
            entropies: buffers.add("value_entropies", all, BATCH),
            rewards: buffers.add("no_rewards", all, BATCH),
            discounts: buffers.add("no_discounts", all, BATCH),
        }
    }
}

/// Memory of the drawn actions of an update.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    /// Dimensions of an action.
    pub dims: u32,
    /// Elements of an observation.
    pub obs_size: u32,
    /// Agents, and rows of each.
    pub shape: (u32, u32),
    /// Where `ln sigma` lies.
    pub log_std: LogStd,
    /// Added to `|da/du|` in its logarithm; CleanRL adds 1e-6.
    pub floor: f32,
    /// The noise is there already.
    pub given: bool,
    /// `[agents, 4, dims]`, see [`space`].
    pub spaces: Buffer<f32>,
    /// `[agents, 2, batch, dims]`
    pub noise: Buffer<f32>,
    /// `ln pi(a~)` `[agents, 2, batch]`
    pub log_probs: Buffer<f32>,
    /// What critics see `[agents, 3, batch, obs + dims]`.
    pub inputs: Buffer<f32>,
    /// The column of every row's value, of a critic that has one: zeros `[agents, batch]`.
    pub columns: Buffer<u32>,
}

impl Drawn {
    /// Declares the memory for actions of `dims` dimensions behind observations of `obs_size` elements.
    pub fn new(buffers: &mut Buffers, (agents, rows): (u32, u32), obs_size: u32, dims: u32) -> Drawn {
        let all = u64::from(agents) * u64::from(rows);
        let draws = all * u64::from(DRAWS);
        let width = u64::from(obs_size) + u64::from(dims);
        Drawn {
            dims,
            obs_size,
            shape: (agents, rows),
            log_std: LogStd { low: -5.0, high: 2.0, squashed: 1 },
            floor: 0.0,
            given: false,
            spaces: buffers.add("action_spaces", u64::from(agents) * 4 * u64::from(dims), ""),
            noise: buffers.add("noise", draws * u64::from(dims), BATCH),
            log_probs: buffers.add("log_probs", draws, BATCH),
            inputs: buffers.add("critic_inputs", all * u64::from(INPUTS) * width, BATCH),
            columns: buffers.add("critic_columns", all, BATCH),
        }
    }

    /// What critics are evaluated on.
    pub fn inputs_of_critics(&self) -> Inputs {
        Inputs { values: self.inputs, count: INPUTS, batch: self.shape.1 }
    }

    /// Columns of what critics see.
    fn width(&self) -> u32 {
        self.obs_size + self.dims
    }

    /// Records the states of a batch and its stored actions in the critics' input.
    pub fn join(&self, rec: &mut Recording, batch: &Batch) -> Result<()> {
        let params = critic_inputs::Params {
            batch: batch.rows,
            obs_size: self.obs_size,
            dims: self.dims,
            obs_slots: batch.inputs,
            agents: batch.agents,
        };
        critic_inputs::record(rec, params, batch.obs, batch.actions, self.spaces, self.inputs)
    }

    /// Records the drawing of actions from the evaluation of `policy` at `at`.
    pub fn draw(
        &self,
        rec: &mut Recording,
        records: Buffer<Agent>,
        policy: &Evaluations,
        at: At,
    ) -> Result<()> {
        let params = tanh_gaussian::Params {
            batch: self.shape.1,
            dims: self.dims,
            slots: policy.pass.slots(),
            slot: at.draw(),
            draws: DRAWS,
            draw: at.draw(),
            given: self.given.into(),
            stream: Purpose::Train as u32 * STREAMS,
            input_slots: INPUTS,
            input: at.input(),
            width: self.width(),
            log_std_min: self.log_std.low,
            log_std_max: self.log_std.high,
            squashed: self.log_std.squashed,
            floor: self.floor,
            agents: self.shape.0,
        };
        let outputs = policy.outputs();
        tanh_gaussian::record(
            rec,
            params,
            records,
            outputs,
            self.spaces,
            self.noise,
            self.inputs,
            self.log_probs,
        )
    }

    /// Records the gradient of the loss of the action drawn at `s` for the outputs of `policy`; `dinputs` are those of the
    /// critics' inputs, which are summed.
    pub fn backward(
        &self,
        rec: &mut Recording,
        records: Buffer<Agent>,
        policy: &Evaluations,
        (dinputs, critics): (Buffer<f32>, u32),
        importance: Buffer<f32>,
    ) -> Result<()> {
        let Some(dz) = policy.output_deltas() else { return Ok(()) };
        let params = tanh_gaussian_backward::Params {
            batch: self.shape.1,
            dims: self.dims,
            slots: policy.pass.slots(),
            slot: At::State.draw(),
            draws: DRAWS,
            draw: At::State.draw(),
            critics,
            width: self.width(),
            log_std_min: self.log_std.low,
            log_std_max: self.log_std.high,
            squashed: self.log_std.squashed,
            floor: self.floor,
            agents: self.shape.0,
        };
        let (outputs, spaces, noise) = (policy.outputs(), self.spaces, self.noise);
        tanh_gaussian_backward::record(rec, params, records, outputs, spaces, noise, dinputs, importance, dz)
    }
}
