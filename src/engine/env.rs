//! What the engine knows of an environment: its WGSL file, its sizes, and its CPU twin.

use crate::shared::rng::Rng;

/// A built-in environment.
#[derive(Debug)]
pub struct Env {
    /// Versioned id as in Gymnasium.
    pub id: &'static str,
    /// Short name for the command line.
    pub short: &'static str,
    /// The WGSL file.
    pub source: &'static str,
    /// 4-byte words of its `State` struct.
    pub state_words: u32,
    /// Length of an observation.
    pub obs_size: u32,
    /// Number of discrete actions.
    pub num_actions: u32,
    /// Steps after which an episode is truncated.
    pub max_episode_steps: u32,
    /// Mean return at which it counts as solved.
    pub reward_threshold: f64,
    /// The CPU twin of its functions.
    pub twin: EnvTwin,
}

/// The functions of an environment on the CPU, over its state as words.
pub struct EnvTwin {
    /// Length of an observation.
    pub obs_size: usize,
    /// Words of the state.
    pub state_words: usize,
    /// Number of actions.
    pub num_actions: usize,
    /// Time limit.
    pub max_episode_steps: u32,
    /// Draws an initial state.
    pub reset: fn(&mut [u32], &mut Rng),
    /// Advances the state; returns (reward, terminated).
    pub step: fn(&mut [u32], u32, &mut Rng) -> (f32, bool),
    /// Writes the observation.
    pub observe: fn(&[u32], &mut [f32]),
}

impl std::fmt::Debug for EnvTwin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnvTwin(obs {}, actions {})", self.obs_size, self.num_actions)
    }
}

/// The sizes of an environment that decide buffer lengths; zeros where a kernel uses none.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvSizes {
    /// Length of an observation.
    pub obs: u64,
    /// Number of actions.
    pub actions: u64,
}

impl EnvSizes {
    /// Sizes of `env`.
    pub fn of(env: Option<&Env>) -> EnvSizes {
        env.map_or(EnvSizes::default(), |env| EnvSizes {
            obs: u64::from(env.obs_size),
            actions: u64::from(env.num_actions),
        })
    }
}
