//! From [`Config`] to the records the device reads.

use crate::config::{Config, SETTINGS};
use crate::shared::agent::Agent;
use crate::shared::optimizer::Optimizer;

/// The agent of `config` before its first update; `actions` are those of its smallest head.
pub fn agent(config: &Config, actions: u32) -> Agent {
    let mut agent = Agent { max_priority: 1.0, ..Agent::default() };
    for setting in SETTINGS {
        setting.fill_agent(config, actions, &mut agent);
    }
    agent
}

/// The optimiser of a policy network before its first step.
pub fn policy_optimizer(config: &Config) -> Optimizer {
    let mut optimizer = optimizer(config);
    for setting in SETTINGS {
        setting.fill_policy_optimizer(config, &mut optimizer);
    }
    optimizer
}

/// The optimiser of `config` before its first step. Groups whose settings differ start from this one.
pub fn optimizer(config: &Config) -> Optimizer {
    let mut optimizer = Optimizer { grad_scale: 1.0, ..Optimizer::default() };
    for setting in SETTINGS {
        setting.fill_optimizer(config, &mut optimizer);
    }
    optimizer
}
