//! Environments in f64, from the papers and Gymnasium's sources: one model per file of `shaders/envs`, in files by family.

use super::dynamics::Dynamics;
use super::{classic, minatar, motion, pixels, small_games, toy_text, tray};
use crate::engine::env::Env;

/// The model of a built-in environment, if there is one; without it, only twin and shader are compared. A user's file has
/// none, whatever its name.
pub fn dynamics(env: &Env) -> Option<Dynamics> {
    if env.user {
        return None;
    }
    classic::dynamics(&env.file)
        .or_else(|| motion::dynamics(&env.file))
        .or_else(|| toy_text::dynamics(&env.file))
        .or_else(|| tray::dynamics(&env.file))
        .or_else(|| minatar::dynamics(&env.file))
        .or_else(|| small_games::dynamics(&env.file))
        .or_else(|| pixels::dynamics(&env.file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_environment_has_a_model() {
        for env in crate::envs::registry() {
            assert!(
                dynamics(env).is_some(),
                "{}: add a model to oracle::classic, oracle::toy_text or a file of its own",
                env.id
            );
        }
    }
}
