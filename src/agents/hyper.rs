//! From [`Config`] to the records the device reads.

use crate::config::{Config, Temperature};
use crate::shared::agent::Agent;
use crate::shared::optimizer::Optimizer;
use crate::shared::rng::agent_seed;

/// The agent of `config` before its first update; `actions` are those of its smallest head.
pub fn agent(config: &Config, actions: u32) -> Agent {
    let steps = |steps: u64| if steps == 0 { config.total_timesteps } else { steps } as f32;
    Agent {
        seed: agent_seed(config.seed, 0),
        gamma: config.gamma as f32,
        huber_delta: config.huber_delta as f32,
        alpha_learning_rate: config.alpha_learning_rate as f32,
        target_entropy: config.target_entropy.nats(actions) as f32,
        log_alpha_initial: config.alpha.ln() as f32,
        log_alpha_final: config.alpha_final.ln() as f32,
        log_alpha_min: config.alpha_min.min(config.alpha_final_if_used()).ln() as f32,
        log_alpha_max: config.alpha_max.max(config.alpha_final_if_used()).ln() as f32,
        alpha_decay_steps: steps(config.alpha_decay_steps),
        epsilon: config.epsilon as f32,
        epsilon_final: config.epsilon_final as f32,
        epsilon_decay_steps: config.epsilon_decay_steps as f32,
        reward_scale: config.reward_scale as f32,
        priority_exponent: config.priority_exponent as f32,
        priority_eps: config.priority_eps as f32,
        importance_exponent: config.importance_exponent as f32,
        importance_exponent_final: config.importance_exponent_final as f32,
        importance_steps: steps(config.importance_decay_steps),
        munchausen_scale: config.munchausen_scale as f32,
        munchausen_clip: config.munchausen_clip as f32,
        max_priority: 1.0,
        log_alpha: config.alpha.ln() as f32,
        alpha: config.alpha as f32,
        ..Agent::default()
    }
}

/// The optimiser of `config` before its first step. Groups whose settings differ start from this one.
pub fn optimizer(config: &Config) -> Optimizer {
    Optimizer {
        learning_rate: config.learning_rate as f32,
        one_minus_beta1: (1.0 - config.adam_beta1) as f32,
        one_minus_beta2: (1.0 - config.adam_beta2) as f32,
        // ln 0 would be -inf; e^-100 is 0 in f32 all the same.
        ln_beta1: config.adam_beta1.ln().max(-100.0) as f32,
        ln_beta2: config.adam_beta2.ln().max(-100.0) as f32,
        adam_eps: config.adam_eps as f32,
        max_grad_norm: config.max_grad_norm as f32,
        target_update_interval: config.target_update_interval,
        polyak: config.polyak as f32,
        grad_scale: 1.0,
        ..Optimizer::default()
    }
}

impl Config {
    /// The end of the alpha schedule where there is one, else alpha itself.
    fn alpha_final_if_used(&self) -> f64 {
        if self.temperature == Temperature::Schedule { self.alpha_final } else { self.alpha }
    }
}
