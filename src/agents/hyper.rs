//! From [`Config`] to the records the device reads.

use crate::config::{Config, HeadWeights, SETTINGS, Temperature};
use crate::shared::action_size::ActionSize;
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

/// Weight of every head but the first, whose weight is 1, among `heads` ones.
pub fn later_head_weight(config: &Config, heads: usize) -> f32 {
    match config.head_weights {
        HeadWeights::Equal => 1.0,
        HeadWeights::DiEngine => (1.0 / (heads as f64 + 1e-6)) as f32,
    }
}

/// The agent of `config` whose heads have so many actions each. With a temperature for each head the record has the first's. Heads that share a temperature have a target entropy each, of
/// which the record holds the weighted mean; a temperature per state must be there for each, so that of the smallest counts.
pub fn agent_of_heads(config: &Config, heads: &[u32]) -> Agent {
    let mut agent = agent(config, heads.iter().copied().min().unwrap_or(1));
    if config.alpha_per_head {
        agent.target_entropy = config.target_entropy.nats(heads.first().copied().unwrap_or(1)) as f32;
    } else if config.temperature != Temperature::PerState {
        let later = later_head_weight(config, heads.len());
        agent.target_entropy = config.target_entropy.mean_nats(heads, later.into()) as f32;
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

/// The agent of `config` whose actions are `dims` real numbers.
pub fn agent_of_dimensions(config: &Config, dims: u32) -> Agent {
    let target_entropy = config.target_entropy.nats(ActionSize::Dimensions(dims)) as f32;
    Agent { target_entropy, ..agent(config, 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TargetEntropy;

    #[test]
    fn every_head_has_its_target_entropy_and_the_record_their_weighted_mean() {
        let of = |target_entropy, head_weights, temperature| {
            let config = Config { target_entropy, head_weights, temperature, ..Config::default() };
            agent_of_heads(&config, &[2, 8, 4]).target_entropy
        };
        let ratio = TargetEntropy::Ratio(0.5);
        let [learned, per_state] = [Temperature::Learned, Temperature::PerState];
        // ln 2, 3 ln 2 and 2 ln 2.
        let ln2 = std::f32::consts::LN_2;
        assert!((of(ratio, HeadWeights::Equal, learned) - ln2).abs() < 1e-6);
        // (1 + (3 + 2) / 3) / (1 + 2 / 3) = 1.6
        assert!((of(ratio, HeadWeights::DiEngine, learned) - 0.5 * 1.6 * ln2).abs() < 1e-6);
        assert!((of(ratio, HeadWeights::Equal, per_state) - 0.5 * ln2).abs() < 1e-6);
        assert_eq!(of(TargetEntropy::Nats(0.2), HeadWeights::DiEngine, learned), 0.2);
    }
}
