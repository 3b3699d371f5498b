//! The soft-Q trap: with the plain entropy bonus, being alive pays up to `alpha ln|A|` per step, so an optimal soft policy
//! may wander for ever instead of reaching the goal. A warning before training, from the configuration alone.

use crate::agents::{self, reference};
use crate::config::{ActionHeads, Config, Temperature};
use crate::engine::env::Env;

/// What is wrong and what to do, if the settings fall into the trap.
///
/// Where returns are positive, the entropy of an episode's horizon, `alpha ln|A| min(1 / (1 - gamma), limit)`, is held
/// against the reward threshold; where they are not, the entropy of one step against the cost of one step, taken as 1 or as
/// the threshold spread over the time limit. The KL form, and a reference policy, have no bonus; of a schedule the end counts.
pub fn warning(config: &Config, env: &Env) -> Option<String> {
    let soft = agents::find(&config.algo).is_ok_and(|algorithm| (algorithm.soft)(config));
    if config.kl || reference::is_named(config) || !soft {
        return None;
    }
    let threshold = env.reward_threshold?;
    let alpha = match config.temperature {
        Temperature::Schedule => config.alpha_final,
        _ => config.alpha,
    };
    // The value of a head has the entropy of that head alone; branching heads have one value, of their mean.
    let of_heads: Vec<f64> = env.actions.heads().iter().map(|actions| f64::from(*actions).ln()).collect();
    let entropy = match config.action_heads {
        ActionHeads::Branching => of_heads.iter().sum::<f64>() / of_heads.len().max(1) as f64,
        ActionHeads::Independent => of_heads.iter().copied().fold(0.0, f64::max),
    };
    // Munchausen takes a share of the bonus off again.
    let entropy = match config.algo == "munchausen" {
        true => entropy * (1.0 - config.munchausen_scale),
        false => entropy,
    };
    let limit = env.max_episode_steps.map_or(f64::INFINITY, f64::from);
    let (steps, worth, what) = if threshold > 0.0 {
        let horizon = (1.0 / (1.0 - config.gamma).max(1e-9)).min(limit);
        (horizon, threshold * config.reward_scale, "the return that counts as solved")
    } else {
        let cost = (-threshold / limit).max(1.0);
        (1.0, cost * config.reward_scale, "what a step costs")
    };
    let income = alpha * entropy * steps;
    if income < worth {
        return None;
    }
    let largest = worth / (entropy * steps);
    Some(format!(
        "soft-Q trap: at alpha = {alpha} entropy pays up to {income:.3} over {steps:.0} steps, and {what} is {worth:.3}: staying \
         alive may be worth more than the goal. Keep alpha far below {largest:.2e} (--alpha, --alpha-max), let it fall \
         (--temperature schedule --alpha-final), or use --kl true."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::presets::preset;

    fn run(env: &str, settings: &str) -> Option<String> {
        let config: Config = toml::from_str(settings).expect("settings");
        warning(&config, crate::envs::find(env).expect("a built-in environment"))
    }

    #[test]
    fn sparse_goals_and_costs_are_weighed_against_entropy() {
        // The soft optimum of FrozenLake without slipping reaches the goal at 0.005 and never from 0.01 on.
        for (env, settings, trapped) in [
            ("frozenlake", "temperature = 'fixed'\nalpha = 0.005", false),
            ("frozenlake", "temperature = 'fixed'\nalpha = 0.01", true),
            ("frozenlake", "temperature = 'fixed'\nalpha = 0.01\nkl = true", false),
            ("frozenlake", "temperature = 'schedule'\nalpha = 1.0\nalpha_final = 0.001", false),
            ("cliffwalking", "temperature = 'fixed'\nalpha = 1.0", true),
            ("cliffwalking", "temperature = 'fixed'\nalpha = 0.1", false),
            ("taxi", "alpha = 1.0", true),
            ("cartpole", "alpha = 0.2", false),
            // Three choices in one head, three in another, of which a value has one head's entropy: ln 3 / (1 - gamma) = 110.
            ("tray", "temperature = 'fixed'\nalpha = 0.01\nkl = false", false),
            ("tray", "temperature = 'fixed'\nalpha = 0.02\nkl = false", true),
        ] {
            assert_eq!(run(env, settings).is_some(), trapped, "{env}: {settings}");
        }
        let text = run("frozenlake", "alpha = 0.2").expect("trapped");
        assert!(text.contains("alpha = 0.2") && text.contains("--kl true"), "{text}");
    }

    #[test]
    fn no_preset_falls_into_it() {
        for env in crate::envs::registry() {
            let Some(table) = preset(&env.id, "sqn") else { continue };
            let config: Config = table.try_into().expect("a preset");
            assert_eq!(warning(&config, env), None, "{}", env.id);
        }
    }
}
