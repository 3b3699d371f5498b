//! Soft Q-Networks (Liu, Zhang, Hao: "Soft Q Network", arXiv 1912.10891v1, Algorithm 1) with clipped twin Qs and a
//! learned temperature.
//!
//! The paper's listing, its figure, the authors' code and DI-engine compute different backups; `Backup` names them, and
//! `docs/algorithms.md` has the table.

use crate::agents::Algorithm;
use crate::agents::acting::Purpose;
use crate::agents::learner::{Evaluations, Learner};
use crate::config::{Backup, Config, Twin};
use crate::engine::recording::{Buffer, Recording};
use crate::error::Result;
use crate::kernels::soft_backup;
use crate::shared::agent::Lane;
use crate::shared::rng::STREAMS;

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "sqn",
    settings: &["backup", "twin", "kl", "target_entropy", "alpha_learning_rate"],
    check: |_| Ok(()),
    evaluations,
    update,
};

/// Where `Q'_1(s')` and `Q'_2(s')` are among the evaluations.
const TARGET_SLOTS: [u32; 2] = [2, 3];

/// `Q_1(s), Q_2(s), Q'_1(s'), Q'_2(s')` and, where the policy of the target is the online net's, `Q_1(s')`.
pub fn evaluations(config: &Config) -> Evaluations {
    let mut slots = vec![(0, 0), (1, 0), (2, 1), (3, 1)];
    match config.backup {
        Backup::ClippedLse | Backup::Sampled => {}
        Backup::OnlinePolicy | Backup::Max => slots.push((0, 1)),
    }
    Evaluations { online: 2, between: 0, slots }
}

/// Algorithm 1, lines 11-16, on the batch that lies in `batch_obs`, `actions_taken`, `rewards`, `discounts`.
pub fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    num_lanes: u32,
) -> Result<()> {
    learner.evaluate(rec)?;
    for (head, columns) in (0..).zip(&learner.net.heads) {
        // Line 11: V(s'), line 12: y = R + gamma^m (1 - d) V(s').
        let params = soft_backup::Params {
            batch: learner.batch,
            actions: columns.actions,
            slots: learner.pass.slots(),
            backup: match config.backup {
                Backup::ClippedLse => 0,
                Backup::OnlinePolicy => 1,
                Backup::Sampled => 2,
                Backup::Max => 3,
            },
            kl: u32::from(config.kl),
            given_actions: u32::from(learner.conventions.given_actions),
            target_2: match config.twin {
                Twin::Min => TARGET_SLOTS[1],
                Twin::Off => TARGET_SLOTS[0],
            },
            q_stride: learner.net.outputs(),
            q_offset: columns.offset,
            heads: learner.net.heads.len() as u32,
            head,
            stream: Purpose::Train as u32 * STREAMS,
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
    // Line 16: the temperature; the target above used alpha from before this step.
    learner.finish(rec, config.temperature, lanes, num_lanes)
}
