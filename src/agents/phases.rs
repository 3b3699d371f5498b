//! What the phases of an iteration record around an algorithm's update, with replay and on rollouts.

use crate::agents::acting::Purpose;
use crate::agents::experience::{Priorities, Ring, Rollout};
use crate::agents::learner::Learner;
use crate::agents::{Algorithm, Returns};
use crate::config::{Config, Replay};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::shared::agent::Lane;
use crate::shared::rng::STREAMS;

/// The random streams of training.
const STREAM: u32 = Purpose::Train as u32 * STREAMS;

/// Act and store, then a batch from D and the update.
pub(super) fn with_replay(
    algorithm: &Algorithm,
    config: &Config,
    buffers: &mut Buffers,
    learner: &mut Learner,
    ring: &Ring,
    mut act: Recording,
    lanes: Buffer<Lane>,
) -> Result<Vec<Recording>> {
    let shared = (learner.records, lanes);
    if config.replay == Replay::Prioritized {
        let priorities = Priorities::new(buffers, ring, &learner.batch);
        priorities.insert(&mut act, shared, ring, config.n_step, learner.agents)?;
        learner.priorities = Some(priorities);
    }
    let mut learn = Recording::default();
    let priorities = learner.priorities.as_ref();
    ring.sample(&mut learn, shared, (config.n_step, STREAM), priorities, &learner.batch)?;
    (algorithm.update)(&mut learn, config, learner, lanes, config.num_envs)?;
    Ok(vec![act, learn])
}

/// Act and store, then the returns of the whole rollout, then a minibatch of it and the update.
pub(super) fn on_policy(
    (algorithm, returns): (&Algorithm, Returns),
    config: &Config,
    buffers: &mut Buffers,
    learner: &Learner,
    ring: Ring,
    act: Recording,
    lanes: Buffer<Lane>,
) -> Result<Vec<Recording>> {
    let rollout = Rollout::new(buffers, ring, &learner.q.group);
    let (mut pass, mut learn) = (Recording::default(), Recording::default());
    returns(&mut pass, config, learner, &rollout, lanes)?;
    let learned = [learner.targets, learner.entropies];
    rollout.sample(&mut learn, learner.records, (STREAM, false), &learner.batch, learned)?;
    (algorithm.update)(&mut learn, config, learner, lanes, config.num_envs)?;
    Ok(vec![act, pass, learn])
}
