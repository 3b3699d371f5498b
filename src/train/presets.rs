//! Settings shipped per environment and algorithm: what `softq train cartpole` uses before files and flags.

/// What an algorithm needs in every environment.
const EVERY: &str = "*";

/// `(environment id, algorithm, file)` of every preset; those of [`EVERY`] environment lie below the others.
const PRESETS: &[(&str, &str, &str)] = &[
    (EVERY, "dqn", include_str!("../../presets/dqn.toml")),
    (EVERY, "soft_q", include_str!("../../presets/soft_q.toml")),
    (EVERY, "munchausen", include_str!("../../presets/munchausen.toml")),
    (EVERY, "sac_discrete", include_str!("../../presets/sac_discrete.toml")),
    (EVERY, "soft_q_svgd", include_str!("../../presets/soft_q_svgd.toml")),
    ("MultiGoal-v0", "soft_q_svgd", include_str!("../../presets/multi_goal_soft_q_svgd.toml")),
    (EVERY, "soft_pqn", include_str!("../../presets/soft_pqn.toml")),
    (EVERY, "sac", include_str!("../../presets/sac.toml")),
    ("Pendulum-v1", "sac", include_str!("../../presets/pendulum_sac.toml")),
    ("MountainCarContinuous-v0", "sac", include_str!("../../presets/mountain_car_continuous_sac.toml")),
    ("Reacher-v0", "sac", include_str!("../../presets/reacher_sac.toml")),
    ("MultiGoal-v0", "sac", include_str!("../../presets/multi_goal_sac.toml")),
    ("Catch-bsuite", "soft_pqn", include_str!("../../presets/catch_soft_pqn.toml")),
    ("CartPole-v1", "soft_pqn", include_str!("../../presets/cartpole_soft_pqn.toml")),
    ("CartPole-v1", "sac_discrete", include_str!("../../presets/cartpole_sac_discrete.toml")),
    ("Acrobot-v1", "sac_discrete", include_str!("../../presets/acrobot_sac_discrete.toml")),
    ("FrozenLake-v1", "sac_discrete", include_str!("../../presets/frozen_lake_sac_discrete.toml")),
    ("Catch-bsuite", "sac_discrete", include_str!("../../presets/catch_sac_discrete.toml")),
    ("CartPole-v1", "dqn", include_str!("../../presets/cartpole_dqn.toml")),
    ("CartPole-v1", "munchausen", include_str!("../../presets/cartpole_munchausen.toml")),
    ("Catch-bsuite", "dqn", include_str!("../../presets/catch_dqn.toml")),
    ("Catch-bsuite", "soft_q", include_str!("../../presets/catch_soft_q.toml")),
    ("Catch-bsuite", "munchausen", include_str!("../../presets/catch_munchausen.toml")),
    ("Acrobot-v1", "dqn", include_str!("../../presets/acrobot_dqn.toml")),
    ("Acrobot-v1", "soft_q", include_str!("../../presets/acrobot_soft_q.toml")),
    ("Acrobot-v1", "munchausen", include_str!("../../presets/acrobot_munchausen.toml")),
    ("Acrobot-v1", "soft_pqn", include_str!("../../presets/acrobot_soft_pqn.toml")),
    ("FrozenLake-v1", "dqn", include_str!("../../presets/frozen_lake_dqn.toml")),
    ("FrozenLake-v1", "soft_q", include_str!("../../presets/frozen_lake_soft_q.toml")),
    ("FrozenLake-v1", "munchausen", include_str!("../../presets/frozen_lake_munchausen.toml")),
    ("FrozenLake-v1", "soft_pqn", include_str!("../../presets/frozen_lake_soft_pqn.toml")),
    ("CartPole-v1", "sqn", include_str!("../../presets/cartpole_sqn.toml")),
    ("CartPole-v1", "soft_q", include_str!("../../presets/cartpole_soft_q.toml")),
    ("MountainCar-v0", "sqn", include_str!("../../presets/mountain_car_sqn.toml")),
    ("Acrobot-v1", "sqn", include_str!("../../presets/acrobot_sqn.toml")),
    ("PendulumDiscrete-v1", "sqn", include_str!("../../presets/pendulum_discrete_sqn.toml")),
    ("FrozenLake-v1", "sqn", include_str!("../../presets/frozen_lake_sqn.toml")),
    ("FrozenLake8x8-v1", "sqn", include_str!("../../presets/frozen_lake_8x8_sqn.toml")),
    ("CliffWalking-v1", "sqn", include_str!("../../presets/cliff_walking_sqn.toml")),
    ("CliffWalkingSlippery-v1", "sqn", include_str!("../../presets/cliff_walking_slippery_sqn.toml")),
    ("Taxi-v4", "sqn", include_str!("../../presets/taxi_sqn.toml")),
    ("Catch-bsuite", "sqn", include_str!("../../presets/catch_sqn.toml")),
    ("DeepSea-bsuite", "sqn", include_str!("../../presets/deep_sea_sqn.toml")),
    ("Catch-Pixels", "dqn", include_str!("../../presets/catch_pixels_dqn.toml")),
    ("Pong-Small", "sqn", include_str!("../../presets/pong_sqn.toml")),
    ("Pong-Small", "dqn", include_str!("../../presets/pong_dqn.toml")),
    ("Qbert-Small", "dqn", include_str!("../../presets/qbert_dqn.toml")),
    ("Qbert-Small", "sqn", include_str!("../../presets/qbert_sqn.toml")),
    ("Tray-v0", "sqn", include_str!("../../presets/tray_sqn.toml")),
    ("Freeway-MinAtar", "dqn", include_str!("../../presets/freeway_dqn.toml")),
    ("Freeway-MinAtar", "sqn", include_str!("../../presets/freeway_sqn.toml")),
    ("Asterix-MinAtar", "dqn", include_str!("../../presets/asterix_dqn.toml")),
    ("Asterix-MinAtar", "sqn", include_str!("../../presets/asterix_sqn.toml")),
    ("SpaceInvaders-MinAtar", "dqn", include_str!("../../presets/space_invaders_dqn.toml")),
    ("SpaceInvaders-MinAtar", "sqn", include_str!("../../presets/space_invaders_sqn.toml")),
    ("Seaquest-MinAtar", "dqn", include_str!("../../presets/seaquest_dqn.toml")),
    ("Seaquest-MinAtar", "sqn", include_str!("../../presets/seaquest_sqn.toml")),
    ("Breakout-MinAtar", "dqn", include_str!("../../presets/breakout_dqn.toml")),
    ("Breakout-MinAtar", "sqn", include_str!("../../presets/breakout_sqn.toml")),
];

/// Overrides of the library defaults for an environment id and an algorithm, as a flat table of config keys.
///
/// ```
/// let preset = softq::train::presets::preset("CartPole-v1", "sqn").expect("there is one");
/// assert!(preset.contains_key("learning_rate"));
/// ```
pub fn preset(env_id: &str, algo: &str) -> Option<toml::Table> {
    let table = |wanted: &str| -> Option<toml::Table> {
        let found = PRESETS.iter().find(|(id, name, _)| *id == wanted && *name == algo);
        let mut table: toml::Table = found.and_then(|(_, _, text)| text.parse().ok())?;
        // The files also say what they are for, so that they are settings of a run by themselves.
        ["env", "algo"].iter().for_each(|key| drop(table.remove(*key)));
        Some(table)
    };
    match (table(EVERY), table(env_id)) {
        (Some(mut below), Some(own)) => {
            below.extend(own);
            Some(below)
        }
        (below, own) => own.or(below),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::envs;

    #[test]
    fn every_preset_parses_and_is_valid() {
        for env in envs::registry() {
            for algo in crate::agents::ALGORITHMS {
                let Some(table) = super::preset(&env.id, algo.name) else { continue };
                // A preset for every environment is for those whose actions the algorithm takes.
                if algo.continuous == (env.actions.outputs() > 0) {
                    continue;
                }
                let config: Config = table.try_into().expect("preset keys are config keys");
                envs::open(&env.id, &config.env_values().expect("pairs"))
                    .expect("parameters of this environment");
                config.validate(env.actions.size()).expect("preset values are in range");
            }
        }
        for (id, algo, text) in super::PRESETS {
            assert!(super::preset(id, algo).is_some(), "{id}: its preset is not TOML");
            let file: toml::Table = text.parse().expect("TOML");
            let named = |key: &str| file.get(key).and_then(toml::Value::as_str);
            assert_eq!(named("algo"), Some(*algo), "{id}");
            assert_eq!(named("env"), (*id != super::EVERY).then_some(*id), "{algo}");
            if *id != super::EVERY {
                crate::envs::find(id).expect("a built-in environment");
            }
        }
    }
}
