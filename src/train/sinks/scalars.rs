//! The names under which other programs look for the numbers of a run: CleanRL's and Stable-Baselines3's, so that plots that are
//! written for either work. [docs/tutorial.md](../../../docs/tutorial.md) lists them.

use crate::train::event::{Evaluation, Progress};

/// A number and its name.
pub type Scalar = (&'static str, f64);

/// CleanRL's names; what was not measured in this window is left out.
pub fn cleanrl(progress: &Progress, learning_rate: f64) -> Vec<Scalar> {
    measured([
        ("charts/episodic_return", progress.episodic_return),
        ("charts/episodic_length", progress.episodic_length),
        ("charts/SPS", steps_per_second(progress)),
        ("charts/learning_rate", Some(learning_rate)),
        ("losses/td_loss", progress.td_loss),
        ("losses/q_values", progress.q_values),
        ("losses/alpha", Some(progress.alpha)),
        ("losses/entropy", progress.entropy),
        ("losses/grad_norm", progress.grad_norm),
    ])
}

/// Stable-Baselines3's.
pub fn stable_baselines3(progress: &Progress, learning_rate: f64) -> Vec<Scalar> {
    measured([
        ("rollout/ep_rew_mean", progress.episodic_return),
        ("rollout/ep_len_mean", progress.episodic_length),
        ("rollout/exploration_rate", Some(progress.epsilon)),
        ("time/fps", steps_per_second(progress)),
        ("time/time_elapsed", Some(progress.wall_s)),
        ("time/total_timesteps", Some(progress.env_steps as f64)),
        ("time/episodes", Some(progress.episodes as f64)),
        ("train/loss", progress.td_loss),
        ("train/learning_rate", Some(learning_rate)),
        ("train/n_updates", Some(progress.updates as f64)),
        ("train/ent_coef", Some(progress.alpha)),
    ])
}

/// A greedy evaluation, under the names of both.
pub fn evaluation(greedy: &Evaluation) -> Vec<Scalar> {
    measured([
        ("eval/episodic_return", Some(greedy.mean())),
        ("eval/episodic_return_std", Some(greedy.std())),
        ("eval/mean_reward", Some(greedy.mean())),
    ])
}

fn steps_per_second(progress: &Progress) -> Option<f64> {
    (progress.wall_s > 0.0).then(|| (progress.env_steps as f64 / progress.wall_s).round())
}

/// Neither JSON nor a plot knows what to do with NaN or infinity.
fn measured<const N: usize>(named: [(&'static str, Option<f64>); N]) -> Vec<Scalar> {
    let finite = |(name, value): (&'static str, Option<f64>)| Some((name, value.filter(|v| v.is_finite())?));
    named.into_iter().filter_map(finite).collect()
}
