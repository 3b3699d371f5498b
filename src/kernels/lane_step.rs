//! One environment lane from step to step: the step with its count and its end, and the reset of an episode that has ended.
//! Twin of `shaders/shared/lane_step.wgsl`.

use crate::engine::env::Env;
use crate::shared::agent::Lane;
use crate::shared::math::is_finite_f32;
use crate::shared::rng::{Rng, STREAM_RESET, STREAM_STEP};
use crate::shared::transition::{GOES_ON, TERMINATED, TRUNCATED};

/// What a step did.
pub struct LaneStep {
    /// Reward.
    pub reward: f32,
    /// How the transition ended, as it is stored.
    pub ended: u32,
}

/// One lane of an environment.
pub struct LaneOf<'a> {
    /// The environment.
    pub env: &'a Env,
    /// The lane's parameters.
    pub params: &'a [u32],
    /// Seed of the agent.
    pub seed: u32,
    /// Base of the random streams.
    pub stream: u32,
    /// Index of the lane.
    pub index: u32,
}

impl LaneOf<'_> {
    /// Draws an initial state. Step `u32::MAX` is that of the first episode.
    pub fn start(&self, step: u32, state: &mut [u32]) {
        let mut rng = Rng::new(self.seed, self.stream + STREAM_RESET, step, self.index);
        self.env.twin().reset(self.params, state, &mut rng);
    }

    /// Takes a step.
    pub fn step(&self, action: &[u32], state: &mut [u32], lane: &mut Lane) -> LaneStep {
        let mut rng = Rng::new(self.seed, self.stream + STREAM_STEP, lane.step, self.index);
        let outcome = self.env.twin().step(self.params, state, action, &mut rng);
        if lane.fault == 0 && !is_finite_f32(outcome.reward) {
            lane.fault = lane.step + 1;
        }
        lane.episode_step += 1;
        lane.episode_return += outcome.reward;
        let truncated = lane.episode_step >= self.env.step_limit();
        let ended = match (outcome.terminated, truncated) {
            (true, _) => TERMINATED,
            (false, true) => TRUNCATED,
            (false, false) => GOES_ON,
        };
        LaneStep { reward: outcome.reward, ended }
    }

    /// Ends the step: where the episode ended, its statistics and the start of the next one. Tells whether it did.
    pub fn next(&self, ended: u32, state: &mut [u32], lane: &mut Lane) -> bool {
        if ended != GOES_ON {
            if lane.episodes == 0 {
                lane.first_return = lane.episode_return;
            }
            lane.episodes += 1;
            lane.window_episodes += 1;
            lane.window_return += lane.episode_return;
            lane.window_length += lane.episode_step as f32;
            lane.episode_step = 0;
            lane.episode_return = 0.0;
            self.start(lane.step, state);
        }
        lane.step += 1;
        ended != GOES_ON
    }
}
