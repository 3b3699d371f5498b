//! Soft Q-Networks (Liu, Zhang, Hao: "Soft Q Network", arXiv 1912.10891v1, Algorithm 1) with clipped twin Qs and a
//! learned temperature.
//!
//! The paper's listing, its figure, the authors' code and DI-engine compute different backups; `Backup` names them, and
//! `docs/algorithms.md` has the table.

use crate::agents::learner::{Bootstrap, Learner, Networks};
use crate::agents::{Algorithm, FIRST_Q, rules};
use crate::config::{Backup, Config, Exploration, Temperature, Twin};
use crate::engine::recording::{Buffer, Recording};
use crate::error::{Error, Result};
use crate::kernels::targets;
use crate::nn::Network;
use crate::shared::agent::Lane;

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "sqn",
    soft: |config| config.entropy_in_target,
    entropy: true,
    check,
    networks,
    others: |_, _| Vec::new(),
    actor: FIRST_Q,
    continuous: false,
    returns: None,
    update,
};

/// Where `Q'_1(s')` and `Q'_2(s')` are among the evaluations.
const TARGET_SLOTS: [u32; 2] = [2, 3];
/// Where `Q_1(s')` is, if it is needed.
const ONLINE_SLOT: u32 = 4;

/// Evaluations that one update has room for.
const MAX_SLOTS: usize = 8;

fn check(config: &Config) -> Result<()> {
    let per_state = config.temperature == Temperature::PerState;
    let hard_sample = config.backup == Backup::Sampled && !config.entropy_in_target && !config.kl;
    if per_state && (!hard_sample || config.exploration != Exploration::Boltzmann) {
        return Err(Error::invalid(
            "temperature",
            "per_state",
            "backup = sampled, entropy_in_target = false, kl = false and exploration = boltzmann beside it",
            "Each state has a temperature of its own, which only that backup (the authors' gsqn) defines.",
        ));
    }
    rules::bonus_for_kl(config)?;
    if !config.n_step_entropy {
        return Ok(());
    }
    if config.n_step == 1 || !config.entropy_in_target {
        return Err(Error::invalid(
            "n_step_entropy",
            true,
            "n_step of at least 2 and entropy_in_target = true beside it",
            "It adds the entropy of the states between the ends of a window.",
        ));
    }
    let most = MAX_SLOTS - slots(&Config { n_step_entropy: false, ..config.clone() }).len() + 1;
    if config.n_step as usize > most {
        return Err(Error::invalid(
            "n_step",
            config.n_step,
            format!("at most {most} with n_step_entropy and this backup"),
            "Each state between needs an evaluation of its own; the authors take 3.",
        ));
    }
    Ok(())
}

/// Twin Q networks with their targets.
pub fn networks(config: &Config, net: &Network) -> Networks {
    Networks::q(net, 2, slots(config))
}

/// `Q_1(s), Q_2(s), Q'_1(s'), Q'_2(s')` and, where the policy of the target is the online net's, `Q_1(s')`; then `Q_1`
/// of the states between, where their entropy counts.
fn slots(config: &Config) -> Vec<(u32, u32)> {
    let mut slots = vec![(0, 0), (1, 0), (2, 1), (3, 1)];
    if needs_online(config) {
        slots.push((0, 1));
    }
    let between = if config.n_step_entropy { config.n_step - 1 } else { 0 };
    slots.extend((0..between).map(|k| (0, 2 + k)));
    slots
}

/// Whether the policy of the target is the online net's.
fn needs_online(config: &Config) -> bool {
    matches!(config.backup, Backup::OnlinePolicy | Backup::Max)
}

/// How the targets are made: which of the published backups, and its variations.
pub fn bootstrap(config: &Config) -> Bootstrap {
    let [target_1, target_2] = TARGET_SLOTS;
    Bootstrap {
        target_2: if config.twin == Twin::Off { target_1 } else { target_2 },
        mean: config.twin == Twin::Mean,
        online: if needs_online(config) { ONLINE_SLOT } else { 0 },
        entropy: config.entropy_in_target,
        kl: config.kl,
        per_state: config.temperature == Temperature::PerState,
        ..match config.backup {
            Backup::ClippedLse => Bootstrap::new(&targets::CLIPPED_LSE, target_1),
            Backup::OnlinePolicy => Bootstrap::new(&targets::ONLINE_POLICY, target_1),
            Backup::Sampled => Bootstrap::new(&targets::SAMPLED, target_1),
            Backup::Max => Bootstrap::new(&targets::MAX, target_1),
        }
    }
}

/// Algorithm 1, lines 11-16, on the batch that lies in `batch_obs`, `actions_taken`, `rewards`, `discounts`.
pub fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    num_lanes: u32,
) -> Result<()> {
    if config.n_step_entropy && learner.net().heads.len() > 1 {
        return Err(Error::invalid(
            "n_step_entropy",
            true,
            "false with several actions per step",
            "Its bonus would be a reward of its own for every head.",
        ));
    }
    learner.evaluate(rec)?;
    if config.n_step_entropy {
        // y_k = r_k + gamma (1 - d_k) (alpha H_{k+1} + y_{k+1}), authors' maxsqn_nsteps.
        learner.entropy_bonus(rec, config.n_step - 1, config.kl)?;
    }
    // Line 11: V(s'), line 12: y = R + gamma^m (1 - d) V(s').
    learner.backup(rec, &bootstrap(config))?;
    // Line 13: the loss (Q_i(s, a) - y)^2 of both nets.
    learner.td_error(rec, config)?;
    // Line 14: phi_i by one Adam over both nets; line 15: targets move towards them.
    learner.improve(rec)?;
    learner.finish(rec)?;
    // Line 16: the temperature; the target above used alpha from before this step.
    learner.temperature_step(rec, config.temperature, lanes, num_lanes)
}
