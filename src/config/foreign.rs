//! Names that others give to settings: those of CleanRL, Stable-Baselines3 (SB3), PyTorch, DI-engine and coax. Where name and
//! unit mean the same, the name is understood; where a unit differs, or the thing is said otherwise here, it is explained.

/// What a foreign name means here.
///
/// ```
/// use softq::config::{Meaning, aliases, foreign, foreign_device};
///
/// assert!(matches!(foreign("--q-lr"), Some(Meaning::Same("learning_rate"))));
/// assert!(aliases("learning_rate").eq(["lr", "q_lr"]));
/// assert!(matches!(foreign("tau"), Some(Meaning::Explained(text)) if text.contains("--polyak")));
/// assert!(foreign("learning_rate").is_none(), "that is its name here");
/// assert!(foreign_device("cuda:0").is_some_and(|text| text.contains("--device gpu")));
/// ```
pub enum Meaning {
    /// The setting of this key, in the same unit.
    Same(&'static str),
    /// Something else, in a sentence.
    Explained(&'static str),
}

use Meaning::{Explained, Same};

const TRACKING: &str = "Every run writes progress.csv, metrics.jsonl and TensorBoard's event files into its run directory; nothing is sent elsewhere, and \
    `wandb sync` takes those event files.";
const EXPLORATION_FRACTION: &str = "The share of the run over which epsilon falls is given in environment steps here: --epsilon-decay-steps \
    (share times --total-timesteps), from --epsilon to --epsilon-final. `softq train` takes --exploration-fraction itself.";
const TARGET_FREQUENCY: &str = "Others count environment steps between two target updates; --target-update-interval counts updates. With \
    u updates per environment step (gradient_steps / (train_frequency num_envs)) it is their number times u, and --polyak 1 copies.";
const TAU: &str = "CleanRL's and SB3's tau, the target averaging rate, is --polyak in the same unit; coax's tau, the temperature, is --alpha.";
const TRAIN_FREQUENCY: &str = "--train-frequency counts vector steps, of num_envs environment steps each, and --gradient-steps the \
    updates after them; CleanRL counts environment steps.";
const CUDA: &str = "Devices are reached through Vulkan, Metal or Direct3D 12: --device gpu takes the first one, --device cpu none; \
    `softq devices` lists them.";
const AUTOTUNE: &str = "--temperature learned tunes alpha, --temperature fixed keeps --alpha.";
const ENT_COEF: &str =
    "A fixed coefficient is --temperature fixed --alpha X; 'auto' is --temperature learned, from --alpha on.";
const NO_WEIGHT_DECAY: &str = "Adam is without weight decay here.";

/// Every name that others use and softq does not.
const NAMES: &[(&str, Meaning)] = &[
    // The same by another name.
    ("lr", Same("learning_rate")),
    ("q_lr", Same("learning_rate")),
    ("policy_lr", Same("policy_learning_rate")),
    ("alpha_lr", Same("alpha_learning_rate")),
    ("start_e", Same("epsilon")),
    ("end_e", Same("epsilon_final")),
    ("exploration_initial_eps", Same("epsilon")),
    ("exploration_final_eps", Same("epsilon_final")),
    ("discount", Same("gamma")),
    ("discount_factor", Same("gamma")),
    ("nstep", Same("n_step")),
    ("n_envs", Same("num_envs")),
    ("net_arch", Same("hidden")),
    ("hidden_sizes", Same("hidden")),
    ("n_eval_episodes", Same("eval_episodes")),
    ("adam_epsilon", Same("adam_eps")),
    ("beta1", Same("adam_beta1")),
    ("beta2", Same("adam_beta2")),
    ("clip_grad_norm", Same("max_grad_norm")),
    ("replay_buffer_size", Same("buffer_size")),
    ("memory_size", Same("buffer_size")),
    ("double_dqn", Same("double_q")),
    ("prioritized_replay_alpha", Same("priority_exponent")),
    ("prioritized_replay_eps", Same("priority_eps")),
    ("prioritized_replay_beta0", Same("importance_exponent")),
    ("munchausen_alpha", Same("munchausen_scale")),
    ("munchausen_l0", Same("munchausen_clip")),
    ("replay_start_size", Same("learning_starts")),
    ("algorithm", Same("algo")),
    // Another unit, or said otherwise.
    ("tau", Explained(TAU)),
    ("target_network_frequency", Explained(TARGET_FREQUENCY)),
    ("target_update_period", Explained(TARGET_FREQUENCY)),
    ("target_update_freq", Explained(TARGET_FREQUENCY)),
    ("target_update_frequency", Explained(TARGET_FREQUENCY)),
    ("train_freq", Explained(TRAIN_FREQUENCY)),
    ("update_frequency", Explained(TRAIN_FREQUENCY)),
    ("update_period", Explained(TRAIN_FREQUENCY)),
    ("exploration_fraction", Explained(EXPLORATION_FRACTION)),
    ("epsilon_decay", Explained(EXPLORATION_FRACTION)),
    (
        "prioritized_replay_beta_iters",
        Explained("That length is --importance-decay-steps, in environment steps."),
    ),
    ("betas", Explained("Adam's decays are --adam-beta1 and --adam-beta2.")),
    ("eps", Explained("Adam's offset is --adam-eps; the share of random actions is --epsilon.")),
    ("weight_decay", Explained(NO_WEIGHT_DECAY)),
    ("autotune", Explained(AUTOTUNE)),
    ("ent_coef", Explained(ENT_COEF)),
    (
        "target_entropy_scale",
        Explained("A share of the largest entropy is written --target-entropy '0.89ln|A|'."),
    ),
    ("batch", Explained("Transitions per update are --batch-size.")),
    ("policy_kwargs", Explained("The network is --hidden, --activation, --layer-norm, --dueling.")),
    ("policy", Explained("The network is --hidden, --activation, --layer-norm, --dueling.")),
    ("num_steps", Explained("The length of the run is --total-timesteps, over all environments.")),
    ("timesteps", Explained("The length of the run is --total-timesteps, over all environments.")),
    (
        "max_steps",
        Explained(
            "The length of the run is --total-timesteps; of an episode, --env-param max_episode_steps=N.",
        ),
    ),
    (
        "episodes",
        Explained("The length of a run is --total-timesteps; --eval-episodes are those of an evaluation."),
    ),
    (
        "eval_freq",
        Explained(
            "--eval-frequency counts environment steps over all environments; SB3 counts calls of each.",
        ),
    ),
    (
        "log_interval",
        Explained("--log-frequency counts environment steps between two rows; SB3 counts episodes."),
    ),
    ("per", Explained("Prioritized replay is --replay prioritized.")),
    ("prioritized", Explained("Prioritized replay is --replay prioritized.")),
    ("cuda", Explained(CUDA)),
    ("gpu", Explained(CUDA)),
    ("no_cuda", Explained(CUDA)),
    ("torch_deterministic", Explained("The same seed on the same device gives the same bits, always.")),
    ("track", Explained(TRACKING)),
    ("wandb_project_name", Explained(TRACKING)),
    ("wandb_entity", Explained(TRACKING)),
    ("tensorboard_log", Explained(TRACKING)),
    ("exp_name", Explained("A run is named by its directory: --run-dir PATH.")),
    ("log_dir", Explained("A run's files go to --run-dir PATH.")),
    ("save_model", Explained("Every run writes model.safetensors into its run directory.")),
    (
        "upload_model",
        Explained("Every run writes model.safetensors into its run directory; nothing is sent elsewhere."),
    ),
    (
        "hf_entity",
        Explained("Every run writes model.safetensors into its run directory; nothing is sent elsewhere."),
    ),
    (
        "capture_video",
        Explained("Every run writes agent.gif; `softq record RUN` and `softq watch RUN` play an agent."),
    ),
    ("render", Explained("`softq watch RUN` plays an agent in the terminal.")),
    ("render_mode", Explained("`softq watch RUN` plays an agent in the terminal.")),
    ("verbose", Explained("--quiet prints warnings alone, --json one line.")),
    (
        "load",
        Explained(
            "`softq watch`, `record` and `rollout --policy` take a run directory; training starts from new weights.",
        ),
    ),
];

/// What `name` means here, if others use it and softq does not. Both spellings, with or without the dashes before it.
pub fn foreign(name: &str) -> Option<&'static Meaning> {
    let name = name.trim_start_matches('-').replace('-', "_").to_lowercase();
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, meaning)| meaning)
}

/// Names that mean the setting of `key`.
pub fn aliases(key: &str) -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .filter(move |(_, meaning)| matches!(meaning, Same(same) if *same == key))
        .map(|(name, _)| *name)
}

/// What a value of `--device` that others use means here.
pub fn foreign_device(name: &str) -> Option<&'static str> {
    let family = name.split(':').next().unwrap_or_default().to_lowercase();
    ["cuda", "mps", "rocm", "hip", "xpu", "tpu"].contains(&family.as_str()).then_some(CUDA)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SETTINGS, find};

    #[test]
    fn foreign_names_lead_to_settings_and_are_not_settings() {
        for (name, meaning) in NAMES {
            assert!(SETTINGS.iter().all(|setting| setting.key != *name), "{name}");
            match meaning {
                Same(key) => assert_eq!(find(name).expect(name).key, *key),
                // Every flag that an explanation names exists.
                Explained(text) => {
                    for flag in text
                        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
                        .filter(|w| w.starts_with("--"))
                    {
                        let key = flag.trim_start_matches('-').replace('-', "_");
                        let known = ["run_dir", "quiet", "json", "policy", "exploration_fraction"]
                            .contains(&key.as_str());
                        assert!(known || SETTINGS.iter().any(|setting| setting.key == key), "{name}: {flag}");
                    }
                    let error = find(name).expect_err("explained").to_string();
                    assert!(error.contains(name) && error.contains(text), "{error}");
                }
            }
        }
    }
}
