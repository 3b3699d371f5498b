//! The resolved configuration of one run: every field, its default, its range.
//!
//! Order of precedence: built-in default < preset of the environment < `--config FILE` < flags. The same flat names are
//! used everywhere: `--learning-rate` on the command line is `learning_rate` in TOML and in [`Config`].

mod population;
mod replay;
mod target_entropy;
mod validate;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use crate::nn::Init;
pub use replay::{MAX_N_STEP, MAX_PRIORITIZED_BATCH, Replay};
pub use target_entropy::TargetEntropy;
pub use validate::MAX_BATCH_SIZE;

/// Which estimate of the next state's soft value the target uses; section 1.4 of `docs/algorithms.md` has the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backup {
    /// `alpha * logsumexp(min_i Q'_i / alpha)`: policy and value both from the minimum of the target twins (DI-engine).
    ClippedLse,
    /// `min_i sum_a pi(a) Q'_i(a) + alpha H(pi)` with `pi = softmax(Q_1 / alpha)` of the online net (paper, eq. 20-21).
    OnlinePolicy,
    /// `min_i Q'_i(a~) - alpha ln pi(a~)` with one `a~ ~ pi = softmax(Q'_1 / alpha)` (authors' `sqn.py`).
    Sampled,
    /// `min_i max_a Q'_i(a) + alpha H(pi)` with `pi = softmax(Q_1 / alpha)` of the online net (authors' `maxsqn.py`).
    Max,
}

/// How the two target networks are joined in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Twin {
    /// Their minimum: against overestimation, and pessimistic about what is little known.
    Min,
    /// Their mean: neither pessimistic nor optimistic (SD-SAC, arXiv 2209.10081).
    Mean,
    /// The first alone, as DQN does: optimistic, which explores where every reward is a cost.
    Off,
}

/// What a network learns the values of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueTransform {
    /// The values themselves.
    None,
    /// `sign(x) ln(1 + |x|)` of them, which brings rewards of different sizes to one scale.
    SignedLog,
}

/// How the temperature `alpha` moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temperature {
    /// `alpha` stays as given.
    Fixed,
    /// Dual descent on `log_alpha * (H - target_entropy)`; the gradient does not carry `alpha`.
    Learned,
    /// Dual descent on `exp(log_alpha) * (H - target_entropy)`; the gradient carries `alpha`.
    LearnedExp,
    /// Each state has its own, at which the policy's entropy there is `target_entropy` (authors' `gsqn`).
    PerState,
    /// Geometric interpolation from `alpha` to `alpha_final` over `alpha_decay_steps` environment steps.
    Schedule,
}

/// Regression loss of the TD error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `e^2`, mean over the batch (DI-engine, CleanRL).
    Mse,
    /// `e^2 / 2`, mean over the batch (authors' SQN, coax `mse`).
    HalfMse,
    /// Huber with threshold `huber_delta` (coax, SB3).
    Huber,
}

/// Activation of hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenActivation {
    /// `max(z, 0)`
    Relu,
    /// `tanh z`
    Tanh,
    /// `z sigmoid(z)`, also called swish.
    Silu,
}

/// How the networks' passes become dispatches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathChoice {
    /// Fused on hardware GPUs for the networks that allow it, else layered.
    Auto,
    /// One dispatch per layer.
    Layered,
    /// One dispatch for all layers; refused for networks that do not allow it.
    Fused,
}

/// How actions are chosen while training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exploration {
    /// `(1 - epsilon) softmax(Q_1 / alpha) + epsilon / |A|`.
    Boltzmann,
    /// `(1 - epsilon) argmax Q_1 + epsilon / |A|`.
    Greedy,
}

/// Every setting of a run, resolved. `Default` gives the library defaults; presets and flags override them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Environment id or short name, e.g. `CartPole-v1` or `cartpole`, or the path of a WGSL file.
    pub env: String,
    /// Parameters of the environment, each as `name=value`; `softq envs` lists them.
    pub env_param: Vec<String>,
    /// Algorithm name: `sqn`, `soft_q`, `dqn`, `munchausen`.
    pub algo: String,
    /// `auto`, `gpu`, `cpu`, or a backend with an index such as `vulkan:0`.
    pub device: String,
    /// How the networks' passes become dispatches: layer by layer, or fused. The results are the same.
    pub path: PathChoice,
    /// Seed of every random stream, >= 0. With several agents, that of the first.
    pub seed: u64,
    /// Independent agents trained side by side, up to 65,535; 0: as many as `sweep` has combinations, else one.
    pub agents: u32,
    /// Hyperparameters that differ between the agents, each as `key=a,b,c`, `key=uniform(lo,hi)` or
    /// `key=log_uniform(lo,hi)`.
    pub sweep: Vec<String>,
    /// Environment steps in total, over all environments, >= 1.
    pub total_timesteps: u64,
    /// Environments stepped in parallel, 1 to 65,536.
    pub num_envs: u32,
    /// Environment steps with uniformly random actions before learning starts (the warm-up).
    pub learning_starts: u64,
    /// Vector steps between two learning phases, >= 1.
    pub train_frequency: u32,
    /// Updates per learning phase, 1 to 4,096.
    pub gradient_steps: u32,
    /// Transitions per update, 1 to 32,768, and not above `buffer_size`.
    pub batch_size: u32,
    /// Replay capacity in transitions, `batch_size` to 16,777,216; rounded up to a multiple of `num_envs`.
    pub buffer_size: u32,
    /// Steps of a window, 1 to 64: `y = sum_{k<m} gamma^k r_{t+k} + gamma^m V(s_{t+m})`, cut at the end of an episode.
    pub n_step: u32,
    /// How a batch is chosen.
    pub replay: Replay,
    /// Exponent of a priority, in [0, 1]; 0 makes all transitions alike.
    pub priority_exponent: f64,
    /// Offset of `|TD error|` in a priority, > 0.
    pub priority_eps: f64,
    /// Exponent of the importance weights at the start, in [0, 1].
    pub importance_exponent: f64,
    /// The same at the end of its schedule.
    pub importance_exponent_final: f64,
    /// Length of that schedule in environment steps; 0 means `total_timesteps`.
    pub importance_decay_steps: u64,
    /// Hidden layer widths of each Q network: 1 to 8 layers, each 1 to 4,096 wide.
    pub hidden: Vec<u32>,
    /// Activation of hidden layers.
    pub activation: HiddenActivation,
    /// Layer normalisation between each hidden layer and its activation.
    pub layer_norm: bool,
    /// Dueling head: `Q = A - mean(A) + V`, each with a hidden layer as wide as the last of `hidden`.
    pub dueling: bool,
    /// The networks see the action: q(s, a) of one output, evaluated for every action, instead of q(s, .) with one output each.
    pub action_input: bool,
    /// Initial weights.
    pub init: Init,
    /// Gain of the initial weights of hidden layers, up to 100; 0 takes the one that suits the activation.
    pub init_gain: f64,
    /// Gain of the initial weights of the output layer, up to 100; 0 starts it as zeros.
    pub output_gain: f64,
    /// Adam step size of the Q networks, in (0, 1].
    pub learning_rate: f64,
    /// Discount, in [0, 1].
    pub gamma: f64,
    /// Target averaging rate: `target += polyak * (online - target)`, in (0, 1]; 1 copies (hard update).
    pub polyak: f64,
    /// Updates between two target updates, >= 1.
    pub target_update_interval: u32,
    /// Double Q-learning: the online net chooses the action that the target net values.
    pub double_q: bool,
    /// Share `m` of the log-probability in Munchausen's reward, in [0, 1].
    pub munchausen_scale: f64,
    /// Lower clip `l0` of `alpha ln pi` in it, at most 0.
    pub munchausen_clip: f64,
    /// Soft backup variant.
    pub backup: Backup,
    /// How the twin targets are joined.
    pub twin: Twin,
    /// `alpha H` is part of the target; off, the value is that of the policy alone (arXiv 2509.09838).
    pub entropy_in_target: bool,
    /// With `n_step > 1`: the entropy of the states between adds its `alpha H` to the target (authors' `maxsqn_nsteps`).
    pub n_step_entropy: bool,
    /// Whether a target network bootstraps; without one the online network does (`soft_q`).
    pub target_network: bool,
    /// Transform of the learnt values (`soft_q`).
    pub value_transform: ValueTransform,
    /// Subtract `alpha ln |A|` from every value: entropy relative to the uniform policy, so the bonus is never positive.
    pub kl: bool,
    /// How alpha moves.
    pub temperature: Temperature,
    /// Initial (or fixed) temperature, 1e-6 to 1e6 and within the clamp.
    pub alpha: f64,
    /// Temperature at the end of a schedule, 1e-6 to 1e6.
    pub alpha_final: f64,
    /// Length of the schedule in environment steps; 0 means `total_timesteps`.
    pub alpha_decay_steps: u64,
    /// Adam step size of `log_alpha`, in (0, 1].
    pub alpha_learning_rate: f64,
    /// Lower clamp of alpha, 1e-6 to 1e6.
    pub alpha_min: f64,
    /// Upper clamp of alpha, 1e-6 to 1e6.
    pub alpha_max: f64,
    /// Target entropy: nats such as `0.2`, or a share of `ln |A|` such as `"0.7ln|A|"`.
    pub target_entropy: TargetEntropy,
    /// Behaviour policy.
    pub exploration: Exploration,
    /// Share of uniformly random actions at the start, in [0, 1].
    pub epsilon: f64,
    /// Share of uniformly random actions at the end, in [0, 1].
    pub epsilon_final: f64,
    /// Length of the epsilon schedule in environment steps; 0 keeps `epsilon`.
    pub epsilon_decay_steps: u64,
    /// Loss of the TD error.
    pub loss: Loss,
    /// Threshold of the Huber loss, > 0.
    pub huber_delta: f64,
    /// Global-norm clip of the gradient; 0 switches it off.
    pub max_grad_norm: f64,
    /// Adam's first moment decay, in [0, 1).
    pub adam_beta1: f64,
    /// Adam's second moment decay, in [0, 1).
    pub adam_beta2: f64,
    /// Adam's denominator offset, > 0.
    pub adam_eps: f64,
    /// Reward multiplier applied when a transition is stored; metrics report unscaled returns.
    pub reward_scale: f64,
    /// Environment steps between two rows of statistics, >= 1.
    pub log_frequency: u64,
    /// Environment steps between two greedy evaluations; 0 evaluates only at the end.
    pub eval_frequency: u64,
    /// Episodes per evaluation, 1 to 65,536.
    pub eval_episodes: u32,
    /// Stop as soon as an evaluation reaches the environment's reward threshold and a second one confirms it.
    pub stop_when_solved: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            env: "CartPole-v1".into(),
            env_param: Vec::new(),
            algo: "sqn".into(),
            device: "auto".into(),
            path: PathChoice::Auto,
            seed: 0,
            agents: 0,
            sweep: Vec::new(),
            total_timesteps: 60_000,
            num_envs: 8,
            learning_starts: 1_000,
            train_frequency: 1,
            gradient_steps: 4,
            batch_size: 64,
            buffer_size: 50_000,
            n_step: 1,
            replay: Replay::Uniform,
            priority_exponent: 0.6,
            priority_eps: 1e-6,
            importance_exponent: 0.4,
            importance_exponent_final: 1.0,
            importance_decay_steps: 0,
            hidden: vec![64, 64],
            activation: HiddenActivation::Relu,
            layer_norm: false,
            dueling: false,
            action_input: false,
            init: Init::TorchDefault,
            init_gain: 0.0,
            output_gain: 1.0,
            learning_rate: 1e-3,
            gamma: 0.99,
            polyak: 0.005,
            target_update_interval: 1,
            double_q: false,
            munchausen_scale: 0.9,
            munchausen_clip: -1.0,
            backup: Backup::ClippedLse,
            twin: Twin::Min,
            entropy_in_target: true,
            n_step_entropy: false,
            target_network: true,
            value_transform: ValueTransform::None,
            kl: false,
            temperature: Temperature::Learned,
            alpha: 0.2,
            alpha_final: 0.02,
            alpha_decay_steps: 0,
            alpha_learning_rate: 1e-3,
            alpha_min: 1e-4,
            alpha_max: 100.0,
            target_entropy: TargetEntropy::Ratio(0.5),
            exploration: Exploration::Boltzmann,
            epsilon: 0.0,
            epsilon_final: 0.0,
            epsilon_decay_steps: 0,
            loss: Loss::Mse,
            huber_delta: 1.0,
            max_grad_norm: 0.0,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            adam_eps: 1e-8,
            reward_scale: 1.0,
            log_frequency: 1_000,
            eval_frequency: 5_000,
            eval_episodes: 100,
            stop_when_solved: true,
        }
    }
}

impl Config {
    /// The environment's parameters by name.
    pub fn env_values(&self) -> Result<BTreeMap<String, String>> {
        let pair = |entry: &String| match entry.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_lowercase(), value.trim().to_owned()))
            }
            _ => Err(Error::invalid(
                "env_param",
                format!("'{entry}'"),
                "name=value",
                "For example --env-param max_episode_steps=200.",
            )),
        };
        self.env_param.iter().map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        Config::default().validate(2).expect("defaults");
    }

    #[test]
    fn target_entropy_reads_both_forms_and_survives_toml() {
        assert_eq!("0.7ln|A|".parse::<TargetEntropy>().expect("ratio"), TargetEntropy::Ratio(0.7));
        assert_eq!("0.2".parse::<TargetEntropy>().expect("nats"), TargetEntropy::Nats(0.2));
        let config = Config { target_entropy: TargetEntropy::Ratio(0.25), ..Config::default() };
        let text = toml::to_string(&config).expect("serialise");
        assert_eq!(toml::from_str::<Config>(&text).expect("parse"), config);
    }

    #[test]
    fn an_unattainable_target_entropy_is_refused() {
        let config = Config { target_entropy: TargetEntropy::Nats(0.7), ..Config::default() };
        let text = config.validate(2).expect_err("0.7 > ln 2").to_string();
        assert!(text.contains("target_entropy") && text.contains("0.6931"), "{text}");
        config.validate(3).expect("attainable with three actions");
    }
}
