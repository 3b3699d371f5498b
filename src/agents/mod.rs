//! Algorithms: each is a list of kernels over named buffers, readable beside its paper. A new one is one file with an
//! [`Algorithm`] and one line in [`ALGORITHMS`].
//!
//! ```
//! use softq::agents;
//! use softq::config::Config;
//!
//! // What an iteration of SQN does, without a device: phases of recorded kernels over named buffers.
//! let plan = agents::plan(&Config::default(), softq::envs::find("cartpole")?)?;
//! let update = plan.phases.iter().find(|phase| phase.name == "update").expect("it learns");
//! let kernels: Vec<&str> = update.recording.dispatches.iter().map(|dispatch| dispatch.kernel.name).collect();
//! assert_eq!(kernels.first(), Some(&"replay_sample"));
//! assert!(kernels.contains(&"backup") && kernels.contains(&"adam"));
//! # Ok::<(), softq::Error>(())
//! ```

#[doc(hidden)]
pub mod acting;
mod architecture;
#[doc(hidden)]
pub mod continuous;
#[doc(hidden)]
pub mod dqn;
#[doc(hidden)]
pub mod experience;
#[doc(hidden)]
pub mod head_temperatures;
#[doc(hidden)]
pub mod hyper;
#[doc(hidden)]
pub mod learner;
#[doc(hidden)]
pub mod munchausen;
#[doc(hidden)]
pub mod particles;
mod phases;
pub mod plan;
mod q_plan;
#[doc(hidden)]
pub mod reference;
mod rules;
#[doc(hidden)]
pub mod sac;
#[doc(hidden)]
pub mod sac_discrete;
#[doc(hidden)]
pub mod soft_pqn;
#[doc(hidden)]
pub mod soft_q;
#[doc(hidden)]
pub mod soft_q_svgd;
#[doc(hidden)]
pub mod sqn;
#[doc(hidden)]
pub mod tabular;
#[cfg(test)]
mod two_groups;

pub use architecture::{described, network};
pub use plan::Plan;

use crate::agents::experience::Rollout;
use crate::agents::learner::{Learner, Networks};
use crate::agents::reference::Reference;
use crate::config::Config;
use crate::engine::env::Env;
use crate::engine::recording::{Buffer, Recording};
use crate::error::{Error, Result};
use crate::nn::Network;
use crate::shared::agent::Lane;

/// An algorithm of the Q family: what one update evaluates, and what it does.
///
/// ```
/// use softq::agents::{self, Algorithm};
/// use softq::config::Config;
///
/// // SQN whose temperature moves twice in every update.
/// let eager = Algorithm {
///     name: "eager",
///     update: |rec, config, learner, lanes, num_lanes| {
///         (agents::find("sqn")?.update)(rec, config, learner, lanes, num_lanes)?;
///         learner.temperature_step(rec, config.temperature, lanes, num_lanes)
///     },
///     ..agents::find("sqn")?
/// };
/// let plan = agents::plan_of(eager, &Config::default(), softq::envs::find("catch")?)?;
/// let update = plan.phases.last().expect("it learns");
/// let names = update.recording.dispatches.iter().map(|dispatch| dispatch.kernel.name);
/// assert_eq!(names.filter(|name| *name == "temperature_step").count(), 2);
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Algorithm {
    /// Name for `--algo`.
    pub name: &'static str,
    /// Whether `alpha H` is part of its target.
    pub soft: fn(&Config) -> bool,
    /// Whether its updates measure the entropy of a policy; where they do not, statistics have none.
    pub entropy: bool,
    /// Refuses values that make no sense with it.
    pub check: fn(&Config) -> Result<()>,
    /// Its Q networks, for a given shape.
    pub networks: fn(&Config, &Network) -> Networks,
    /// Its other groups of networks.
    pub others: fn(&Config, &Network) -> Vec<Networks>,
    /// Who acts.
    pub actor: Actor,
    /// Whether its actions are real numbers: its critics see them, and its policy draws them.
    pub continuous: bool,
    /// On-policy methods learn from rollouts instead of replay: records what follows one, before its updates.
    pub returns: Option<Returns>,
    /// Records one update on the batch that lies in the learner's memory; the lanes are the training environments of each
    /// agent, whose steps drive schedules.
    pub update: fn(&mut Recording, &Config, &Learner, Buffer<Lane>, u32) -> Result<()>,
}

/// Records the pass over a rollout that leaves its returns.
///
/// ```
/// use softq::agents::{self, Returns};
/// use softq::config::Config;
///
/// let returns: Option<Returns> = agents::find("soft_pqn")?.returns;
/// assert!(returns.is_some() && agents::find("sqn")?.returns.is_none());
/// let config = Config {
///     algo: "soft_pqn".into(),
///     train_frequency: 32,
///     batch_size: 64,
///     gradient_steps: 8,
///     ..Config::default()
/// };
/// let plan = agents::plan(&config, softq::envs::find("catch")?)?;
/// let phases: Vec<(&str, u32)> = plan.phases.iter().map(|phase| (phase.name, phase.repeats)).collect();
/// assert_eq!(phases, [("vector step", 32), ("pass over the rollout", 1), ("update", 8)]);
/// # Ok::<(), softq::Error>(())
/// ```
pub type Returns = fn(&mut Recording, &Config, &Learner, &Rollout, Buffer<Lane>) -> Result<()>;

/// The network whose outputs actions are chosen by.
///
/// ```
/// use softq::agents::{Actor, FIRST_Q, find};
///
/// assert_eq!(find("sqn")?.actor, FIRST_Q);
/// let Actor { group, policy, .. } = find("sac_discrete")?.actor;
/// assert!(group == 1 && policy, "a policy network beside the Q networks");
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Its group: 0 for the Q networks, then the others in order.
    pub group: usize,
    /// Its place in the group.
    pub net: u32,
    /// Whether it is a policy network, whose outputs are logits, instead of one of action values.
    pub policy: bool,
    /// Whether it turns noise behind the observation into actions.
    pub noisy: bool,
}

/// The first online Q network acts (all sources of SQN, and DQN).
pub const FIRST_Q: Actor = Actor { group: 0, net: 0, policy: false, noisy: false };

/// All algorithms.
pub const ALGORITHMS: &[Algorithm] = &[
    sqn::ALGORITHM,
    soft_q::ALGORITHM,
    dqn::ALGORITHM,
    munchausen::ALGORITHM,
    sac_discrete::ALGORITHM,
    soft_pqn::ALGORITHM,
    sac::ALGORITHM,
    soft_q_svgd::ALGORITHM,
];

/// The algorithm called `name`.
pub fn find(name: &str) -> Result<Algorithm> {
    let found = ALGORITHMS.iter().find(|algorithm| algorithm.name == name);
    found.copied().ok_or_else(|| Error::unknown("algorithm", name, ALGORITHMS.iter().map(|a| a.name)))
}

/// What a plan needs to know of the device that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether it is a GPU in hardware.
    pub hardware: bool,
    /// Longest buffer that it can bind.
    pub max_buffer_bytes: u64,
}

impl Default for Capabilities {
    /// The CPU, without a limit.
    fn default() -> Self {
        Capabilities { hardware: false, max_buffer_bytes: u64::MAX }
    }
}

/// Refuses a configuration that no device could run.
///
/// ```
/// use softq::agents;
/// use softq::config::{Config, TargetEntropy};
///
/// let pendulum = softq::envs::find("pendulum")?;
/// let error = agents::check(&Config::default(), pendulum).expect_err("real-valued actions");
/// assert!(error.to_string().contains("'pendulum_discrete' is the same with a choice of actions"), "{error}");
/// let target_entropy = TargetEntropy::PerDimension(-1.0);
/// agents::check(&Config { algo: "sac".into(), target_entropy, ..Config::default() }, pendulum)?;
/// # Ok::<(), softq::Error>(())
/// ```
pub fn check(config: &Config, env: &Env) -> Result<()> {
    q_plan::check(&find(&config.algo)?, config, &config.members()?, env)
}

/// The plan of `config.algo` in `env` for all agents of the run.
pub fn plan(config: &Config, env: &'static Env) -> Result<Plan> {
    plan_for(config, env, Capabilities::default())
}

/// The plan for a device: its networks on the path that suits it, and no buffer longer than it can bind. A population that would
/// need longer ones is split into shards with buffers of their own.
///
/// ```
/// use softq::agents::{self, Capabilities};
/// use softq::config::Config;
///
/// let env = softq::envs::find("catch")?;
/// let config = Config { agents: 5, ..Config::default() };
/// let longest = agents::plan(&config, env)?.buffers.longest_bytes();
/// let half = Capabilities { max_buffer_bytes: longest / 2, ..Capabilities::default() };
/// let plan = agents::plan_for(&config, env, half)?;
/// assert!(plan.shards.iter().map(|shard| shard.agents).eq([2, 2, 1]));
/// assert!(plan.buffers.longest_bytes() <= longest / 2);
/// # Ok::<(), softq::Error>(())
/// ```
pub fn plan_for(config: &Config, env: &'static Env, device: Capabilities) -> Result<Plan> {
    plan_relative(config, env, device, None)
}

/// The plan of an algorithm that is not in the list: one of yours. `config.algo` is not looked at.
pub fn plan_of(algorithm: Algorithm, config: &Config, env: &'static Env) -> Result<Plan> {
    q_plan::plan(algorithm, config, &config.members()?, (env, Capabilities::default()), None)
}

/// The plan of `config.algo` for a device, relative to the policy that `config.reference` names, which has been read.
///
/// ```
/// use softq::agents::reference::Reference;
/// use softq::agents::{self, Capabilities};
/// use softq::config::{Config, Temperature};
///
/// let env = softq::envs::find("catch")?;
/// let config = Config { reference: "runs/old".into(), temperature: Temperature::Fixed, ..Config::default() };
/// let net = agents::network(&config, env);
/// let weights = net.init(7);
/// let old = Reference::new(config.clone(), net, weights, 0.2)?;
/// let plan = agents::plan_relative(&config, env, Capabilities::default(), Some(&old))?;
/// let act = plan.act();
/// assert!(act.dispatches.iter().any(|dispatch| dispatch.kernel.name == "add_reference"));
/// assert!(agents::plan(&config, env).is_err(), "the policy has not been read");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn plan_relative(
    config: &Config,
    env: &'static Env,
    device: Capabilities,
    reference: Option<&Reference>,
) -> Result<Plan> {
    let plan = find(&config.algo)
        .and_then(|algorithm| q_plan::plan(algorithm, config, &config.members()?, (env, device), reference));
    // A kernel refuses sizes that its grid or loops cannot cover; the user chose them by these fields.
    plan.map_err(|error| match error {
        Error::Kernel { kernel, message } => {
            let (names, values): (Vec<_>, Vec<_>) = chosen_by(&kernel, config).into_iter().unzip();
            Error::invalid(
                names.join(", "),
                values.join(", "),
                "small enough for one dispatch",
                format!("Kernel '{kernel}': {message}"),
            )
        }
        other => other,
    })
}

/// The settings behind the sizes of a kernel.
fn chosen_by(kernel: &str, config: &Config) -> Vec<(&'static str, String)> {
    let hidden = described(config);
    let batch = ("batch_size", config.batch_size.to_string());
    let lanes = ("num_envs", config.num_envs.to_string());
    let episodes = ("eval_episodes", config.eval_episodes.to_string());
    let steps = ("train_frequency", config.train_frequency.to_string());
    let on_policy = find(&config.algo).is_ok_and(|algorithm| algorithm.returns.is_some());
    match kernel {
        "grad_norm" | "adam" => vec![hidden],
        "env_reset" | "act_step" | "act_box" => vec![lanes, episodes],
        "metrics" | "temperature_step" => vec![lanes],
        "lambda_returns" => vec![steps],
        "rollout_batch" | "rollout_states" => vec![lanes, steps],
        "priority_insert" => vec![lanes, ("buffer_size", config.buffer_size.to_string())],
        // The same layers serve a batch, the environments and the evaluations.
        "fused_forward"
        | "conv2d_forward"
        | "dense_forward"
        | "dense_forward_tiled"
        | "layer_norm"
        | "silu"
        | "dueling" => {
            let mut settings = vec![hidden, batch, lanes, episodes];
            settings.extend(on_policy.then_some(steps));
            settings
        }
        name if name.starts_with("conv2d_")
            || name.starts_with("dense_")
            || name.starts_with("fused_")
            || name.starts_with("layer_norm_") =>
        {
            vec![hidden, batch]
        }
        name if name.starts_with("svgd_") || ["noisy_inputs", "soft_value"].contains(&name) => {
            let particles = |key, count: u32| (key, count.to_string());
            let kernel = particles("kernel_particles", config.kernel_particles);
            vec![batch, lanes, kernel, particles("value_particles", config.value_particles)]
        }
        _ => vec![batch],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_cannot_cover_a_size_names_the_setting() {
        let env = crate::envs::open("cartpole", &Default::default()).expect("built in");
        let config = Config { env: "CartPole-v1".into(), hidden: vec![4096, 4096], ..Config::default() };
        let error = plan(&config, env).err().expect("too large").to_string();
        assert!(error.starts_with("hidden = [4096, 4096] is not allowed"), "{error}");
        assert!(error.contains("Kernel 'grad_norm'") && !error.contains("num_envs"), "{error}");
    }
}
