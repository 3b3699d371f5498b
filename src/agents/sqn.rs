//! Soft Q-Networks (Liu, Zhang, Hao: "Soft Q Network", arXiv 1912.10891v1, Algorithm 1) with clipped twin Qs and a
//! learned temperature.
//!
//! The paper's listing, its figure, the authors' code and DI-engine compute different backups; `Backup` names them, and
//! `docs/algorithms.md` has the table.

use crate::agents::acting::Purpose;
use crate::agents::learner::{Learner, Networks};
use crate::agents::{Algorithm, FIRST_Q};
use crate::config::{Backup, Config, Exploration, Temperature, Twin};
use crate::engine::recording::{Buffer, Recording};
use crate::error::{Error, Result};
use crate::kernels::{entropy_bonus, soft_backup};
use crate::nn::Network;
use crate::shared::agent::Lane;
use crate::shared::rng::STREAMS;

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "sqn",
    settings: &[
        "backup",
        "twin",
        "kl",
        "entropy_in_target",
        "n_step_entropy",
        "target_entropy",
        "alpha_learning_rate",
    ],
    soft: |config| config.entropy_in_target,
    check,
    networks,
    others: |_, _| Vec::new(),
    actor: FIRST_Q,
    update,
};

/// Where `Q'_1(s')` and `Q'_2(s')` are among the evaluations.
const TARGET_SLOTS: [u32; 2] = [2, 3];

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
    if config.kl && !config.entropy_in_target {
        return Err(Error::invalid(
            "kl",
            true,
            "false with entropy_in_target = false",
            "The KL form shifts the entropy bonus, which is switched off.",
        ));
    }
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

/// `Q_1(s), Q_2(s), Q'_1(s'), Q'_2(s')` and, where the policy of the target is the online net's, `Q_1(s')`; then `Q_1` of the states
/// between, where their entropy counts.
fn slots(config: &Config) -> Vec<(u32, u32)> {
    let mut slots = vec![(0, 0), (1, 0), (2, 1), (3, 1)];
    match config.backup {
        Backup::ClippedLse | Backup::Sampled => {}
        Backup::OnlinePolicy | Backup::Max => slots.push((0, 1)),
    }
    let between = if config.n_step_entropy { config.n_step - 1 } else { 0 };
    slots.extend((0..between).map(|k| (0, 2 + k)));
    slots
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
    for (head, columns) in (0..).zip(&learner.net().heads) {
        if config.n_step_entropy {
            // y_k = r_k + gamma (1 - d_k) (alpha H_{k+1} + y_{k+1}), authors' maxsqn_nsteps.
            let between = config.n_step - 1;
            let params = entropy_bonus::Params {
                batch: learner.batch,
                actions: columns.actions,
                slots: learner.slots(),
                first_slot: learner.slots() - between,
                between,
                kl: u32::from(config.kl),
                q_stride: learner.net().outputs(),
                q_offset: columns.offset,
                agents: learner.agents,
            };
            let Learner { records, discounts, rewards, .. } = learner;
            entropy_bonus::record(rec, params, *records, learner.q(), *discounts, *rewards)?;
        }
        // Line 11: V(s'), line 12: y = R + gamma^m (1 - d) V(s').
        let params = soft_backup::Params {
            batch: learner.batch,
            actions: columns.actions,
            slots: learner.slots(),
            backup: match config.backup {
                Backup::ClippedLse => 0,
                Backup::OnlinePolicy => 1,
                Backup::Sampled => 2,
                Backup::Max => 3,
            },
            kl: u32::from(config.kl),
            given_actions: u32::from(learner.conventions.given_actions),
            target_2: match config.twin {
                Twin::Min | Twin::Mean => TARGET_SLOTS[1],
                Twin::Off => TARGET_SLOTS[0],
            },
            mean: u32::from(config.twin == Twin::Mean),
            entropy: u32::from(config.entropy_in_target),
            per_state: u32::from(config.temperature == Temperature::PerState),
            q_stride: learner.net().outputs(),
            q_offset: columns.offset,
            heads: learner.net().heads.len() as u32,
            head,
            stream: Purpose::Train as u32 * STREAMS,
            discount_slots: learner.inputs - 1,
            agents: learner.agents,
        };
        soft_backup::record(
            rec,
            params,
            learner.records,
            learner.q(),
            learner.rewards,
            learner.discounts,
            learner.targets,
            learner.entropies,
            learner.values,
        )?;
    }
    // Line 13: the loss (Q_i(s, a) - y)^2 of both nets.
    learner.td_error(rec, config)?;
    // Line 14: phi_i by one Adam over both nets; line 15: targets move towards them.
    learner.improve(rec)?;
    learner.finish(rec)?;
    // Line 16: the temperature; the target above used alpha from before this step.
    learner.temperature_step(rec, config.temperature, lanes, num_lanes)
}
