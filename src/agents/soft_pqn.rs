//! Soft parallelised Q-learning: PQN (Gallici et al., arXiv 2407.04811, in CleanRL's form, `pqn.py`) with the soft value in
//! the place of the largest one. It learns without replay and without a target network from what its environments do now.
//!
//! ```text
//! T steps of N environments by softmax(Q / alpha)
//! R_t = r_t + gamma (1 - d) (lambda (R_{t+1} + alpha H(s_{t+1})) + (1 - lambda) V(s_{t+1})),  V = alpha logsumexp(Q / alpha)
//! E times over the rollout in M shuffled minibatches: the loss of Q(s, a) - R
//! ```
//! where `alpha H` between needs `n_step_entropy`. With `lambda_backup = max`, `V = max_a Q` and nothing is soft: PQN. T is
//! `train_frequency`, M the rollout over `batch_size`, E M `gradient_steps`.

use crate::agents::experience::rollout::{Rollout, Values};
use crate::agents::learner::{Learner, Networks};
use crate::agents::{Algorithm, FIRST_Q, hyper};
use crate::config::{Config, LambdaBackup, SETTINGS, Temperature};
use crate::engine::recording::{Buffer, Recording};
use crate::error::{Error, Result};
use crate::nn::{GroupSpec, Network};
use crate::shared::agent::Lane;

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "soft_pqn",
    soft: |config| config.lambda_backup == LambdaBackup::Soft && config.entropy_in_target,
    entropy: true,
    check,
    networks,
    others: |_, _| Vec::new(),
    actor: FIRST_Q,
    continuous: false,
    returns: Some(returns),
    update,
};

fn check(config: &Config) -> Result<()> {
    let rollout = config.rollout();
    if !rollout.is_multiple_of(config.batch_size) {
        return Err(Error::invalid(
            "batch_size",
            config.batch_size,
            format!("a divisor of train_frequency x num_envs = {rollout}, the transitions of a rollout"),
            "Every update takes a part of the rollout; a quarter of it is usual.",
        ));
    }
    let parts = rollout / config.batch_size;
    if !config.gradient_steps.is_multiple_of(parts) {
        return Err(Error::invalid(
            "gradient_steps",
            config.gradient_steps,
            format!(
                "a multiple of train_frequency x num_envs / batch_size = {parts}, the minibatches of an epoch"
            ),
            "Each epoch goes once over the rollout; two to four epochs are usual.",
        ));
    }
    let unused = |key: &str| {
        let defaults = Config::default();
        let changed = SETTINGS.iter().find(|setting| setting.key == key && !setting.alike(config, &defaults));
        changed.map_or(Ok(()), |setting| {
            let why = "It learns from the rollout alone, without replay and target networks.";
            Err(Error::invalid(
                key,
                setting.value(config),
                format!("left alone with --algo {}", config.algo),
                why,
            ))
        })
    };
    for key in ["n_step", "replay", "buffer_size", "polyak", "target_update_interval"] {
        unused(key)?;
    }
    if config.temperature == Temperature::PerState {
        return Err(Error::invalid(
            "temperature",
            "\"per_state\"",
            "fixed, learned, learned_exp or schedule with --algo soft_pqn",
            "Only sqn solves for a temperature.",
        ));
    }
    check_backup(config)
}

/// What goes with the hard value and with a soft one without entropy.
fn check_backup(config: &Config) -> Result<()> {
    let refused = |key: &str, allowed: &str, why: &str| Err(Error::invalid(key, true, allowed, why));
    if config.lambda_backup == LambdaBackup::Max {
        let learned = matches!(config.temperature, Temperature::Learned | Temperature::LearnedExp);
        if learned {
            return Err(Error::invalid(
                "temperature",
                format!("\"{}\"", config.temperature.word()),
                "\"fixed\" or \"schedule\" with lambda_backup = \"max\"",
                "The hard value has no temperature, so that nothing could teach one.",
            ));
        }
        let why = "The largest action value has no entropy.";
        if config.n_step_entropy {
            return refused("n_step_entropy", "false with lambda_backup = \"max\"", why);
        }
        if config.kl {
            return refused("kl", "false with lambda_backup = \"max\"", why);
        }
        if !config.entropy_in_target {
            let allowed = "left alone with lambda_backup = \"max\"";
            return Err(Error::invalid("entropy_in_target", false, allowed, why));
        }
    }
    let why = "It shifts or adds the entropy bonus, which is switched off.";
    if !config.entropy_in_target && config.n_step_entropy {
        return refused("n_step_entropy", "false with entropy_in_target = false", why);
    }
    if !config.entropy_in_target && config.kl {
        return refused("kl", "false with entropy_in_target = false", why);
    }
    Ok(())
}

/// One network without a target; an update evaluates `Q(s)`.
pub fn networks(_: &Config, net: &Network) -> Networks {
    let group = GroupSpec { name: "q", net: net.clone(), online: 1, targets: false, stream: 0 };
    Networks {
        group,
        optimizer: hyper::optimizer,
        slots: vec![(0, 0)],
        after: Vec::new(),
        sees_action: false,
        particles: None,
    }
}

/// The returns of a rollout.
pub fn returns(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    rollout: &Rollout,
    lanes: Buffer<Lane>,
) -> Result<()> {
    let values = Values {
        hard: config.lambda_backup == LambdaBackup::Max,
        entropy: config.entropy_in_target,
        between: config.n_step_entropy,
        kl: config.kl,
    };
    rollout.returns(rec, (learner.records, lanes), values)
}

/// One update on the minibatch that lies in `batch_obs` and `actions`, towards the returns in `targets`.
pub fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    num_lanes: u32,
) -> Result<()> {
    learner.evaluate(rec)?;
    learner.td_error(rec, config)?;
    learner.improve(rec)?;
    learner.finish(rec)?;
    if config.temperature != Temperature::Fixed {
        learner.temperature_step(rec, config.temperature, lanes, num_lanes)?;
    }
    Ok(())
}
