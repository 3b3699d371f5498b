//! Every setting, one row each, in the order of `--help`: what it is, its name, type and default, then its range, the hint that
//! goes with a refusal, the algorithms that use it (all, if none is named), what other settings must say for it to have an effect, and
//! what it fills of a record that the device reads:
//! of the `Agent` (`fills`) or of the `Optimizer` (`steps`).
//! The fields of [`Config`], the flags, the checks, the sweeps and the table in `docs/algorithms.md` are made from the rows.
//!
//! What the device reads per agent may differ between the agents of a run; the rest decides shapes and commands.

use serde::{Deserialize, Serialize};

use super::setting::{Setting, SettingType};
use super::target_entropy::TargetEntropy;
use super::words::{
    ActionHeads, Backup, Exploration, HeadWeights, HiddenActivation, Init, LambdaBackup, LogStdForm, Loss,
    NetworkChoice, OptimizerChoice, PathChoice, Replay, Temperature, Twin, ValueTransform,
};
use crate::shared::rng::agent_seed;

/// Declares [`Config`] and [`SETTINGS`] from rows.
macro_rules! settings {
    ($($heading:literal {
        $($(#[doc = $help:literal])+ $key:ident: $ty:ty = $default:expr $(, $part:ident($($of:tt)*))*;)+
    })+) => {
        /// Every setting of a run, resolved. `Default` gives the library defaults; presets and flags override them.
        ///
        /// ```
        /// use softq::config::{Config, SETTINGS};
        ///
        /// let config: Config = toml::from_str("env = 'catch'\nnum_envs = 16\ntrain_frequency = 2").expect("settings");
        /// assert_eq!((config.env.as_str(), config.gamma), ("catch", 0.99));
        /// config.validate(3u32)?;
        /// // Four updates after two steps of 16 environments.
        /// assert_eq!(config.update_ratio(), (1, 8));
        /// let defaults = Config::default();
        /// let changed = SETTINGS.iter().filter(|setting| !setting.alike(&config, &defaults));
        /// assert!(changed.map(|setting| setting.key).eq(["env", "num_envs", "train_frequency"]));
        /// assert!(toml::from_str::<Config>("gama = 0.9").is_err(), "there is no such setting");
        /// # Ok::<(), softq::Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Config { $($($(#[doc = $help])+ pub $key: $ty,)+)+ }

        impl Default for Config {
            fn default() -> Self {
                Config { $($($key: $default,)+)+ }
            }
        }

        /// Every setting, in the order of `--help`.
        pub static SETTINGS: &[Setting] = &[$($(
            Setting::new::<$ty>(
                stringify!($key),
                $heading,
                concat!($($help),+),
                |config| <$ty as SettingType>::numbers(&config.$key),
                |one, other| one.$key == other.$key,
            )
            $(.$part($($of)*))*,
        )+)+];
    };
}

settings! {
    "Run" {
        /// Environment: id, short name or path of a WGSL file, the same as the positional ENV.
        env: String = "CartPole-v1".into();
        /// Parameter of the environment, e.g. gravity=5 or gravity=uniform(5,15); may be repeated.
        env_param: Vec<String> = Vec::new();
        /// Algorithm: sqn, soft_q, dqn, munchausen, sac_discrete, soft_pqn, sac or soft_q_svgd; a setting that it does not use must be left at its default.
        algo: String = "sqn".into();
        /// auto, gpu, cpu, or an address such as vulkan:0; `softq devices` lists them.
        device: String = "auto".into();
        /// Dispatches of a network: one per layer, or one for all; auto takes fused on hardware GPUs where the network allows it.
        path: PathChoice = PathChoice::Auto;
        /// One dispatch runs whole iterations, and a workgroup takes one agent through them: for populations of small networks on a GPU. The bits stay.
        megakernel: bool = false;
        /// Seed of every random stream; with several agents, that of the first.
        seed: u64 = 0, hint("Leave room for one seed per agent."),
            fills(|config, _, agent| agent.seed = agent_seed(config.seed, 0));
        /// Independent agents trained side by side, with seeds from --seed on; 0 takes one, or one per combination of --sweep.
        agents: u32 = 0, at_most(65_535.0), hint("Every agent is one group of invocations along z.");
        /// Hyperparameter that differs between agents: key=a,b,c, key=each(a,b,c) (lists that advance together), key=uniform(lo,hi) or key=log_uniform(lo,hi); may be repeated.
        sweep: Vec<String> = Vec::new();
        /// Environment steps in total, over all environments; the last iteration may overshoot.
        total_timesteps: u64 = 60_000, within(1.0, 4_294_967_295.0), hint("CartPole needs about 20,000.");
    }
    "Samples and updates" {
        /// Environments stepped in parallel.
        num_envs: u32 = 8, within(1.0, 65_536.0), hint("8 is a good start for one agent.");
        /// Environment steps with uniformly random actions before learning starts; rounded up to whole vector steps.
        learning_starts: u64 = 1_000;
        /// Vector steps between two learning phases.
        train_frequency: u32 = 1, within(1.0, 4_096.0),
            hint("Updates per environment step are gradient_steps / (train_frequency num_envs).");
        /// Updates per learning phase.
        gradient_steps: u32 = 4, within(1.0, 4_096.0),
            hint("Updates per environment step are gradient_steps / (train_frequency num_envs).");
        /// Transitions per update, at most buffer_size.
        batch_size: u32 = 64, within(1.0, 32_768.0), hint("64 to 256 is usual.");
        /// Replay capacity in transitions, rounded up to a multiple of num_envs.
        buffer_size: u32 = 50_000, within(1.0, 16_777_216.0), hint("50,000 is a good start.");
        /// Rewards summed before the bootstrap: y = sum_{k<n} gamma^k r_{t+k} + gamma^n V(s_{t+n}); a window ends with its episode.
        n_step: u32 = 1, within(1.0, 64.0), hint("1 to 5 is usual.");
        /// How batches are chosen from the replay buffer.
        replay: Replay = Replay::Uniform;
        /// Prioritized: exponent of |TD error| + priority_eps; 0 makes all transitions alike.
        priority_exponent: f64 = 0.6, within(0.0, 1.0), hint("0.6 is usual; 0 makes all transitions alike."),
            needs("replay = prioritized", |config| config.replay == Replay::Prioritized),
            fills(|config, _, agent| agent.priority_exponent = config.priority_exponent as f32);
        /// Prioritized: offset of |TD error|.
        priority_eps: f64 = 1e-6, above(0.0), at_most(1e6),
            hint("1e-6 is usual; it keeps transitions without an error in play."),
            needs("replay = prioritized", |config| config.replay == Replay::Prioritized),
            fills(|config, _, agent| agent.priority_eps = config.priority_eps as f32);
        /// Prioritized: exponent of the importance weights at the start.
        importance_exponent: f64 = 0.4, within(0.0, 1.0), hint("0.4 is usual; 1 corrects in full."),
            needs("replay = prioritized", |config| config.replay == Replay::Prioritized),
            fills(|config, _, agent| agent.importance_exponent = config.importance_exponent as f32);
        /// The same at the end of its schedule.
        importance_exponent_final: f64 = 1.0, within(0.0, 1.0), hint("1 is usual."),
            needs("replay = prioritized", |config| config.replay == Replay::Prioritized),
            fills(|config, _, agent| agent.importance_exponent_final = config.importance_exponent_final as f32);
        /// Length of that schedule in environment steps; 0 means total_timesteps.
        importance_decay_steps: u64 = 0,
            needs("replay = prioritized", |config| config.replay == Replay::Prioritized),
            fills(|config, _, agent| agent.importance_steps = config.steps_or_all(config.importance_decay_steps));
        /// Reward multiplier, applied when a transition is stored; reported returns stay unscaled.
        reward_scale: f64 = 1.0, above(0.0), hint("1 keeps the rewards as they are."),
            fills(|config, _, agent| agent.reward_scale = config.reward_scale as f32);
    }
    "Network and optimiser" {
        /// A perceptron of the layers in hidden, or a network of convolutions for observations that are grids, with layers of its own.
        network: NetworkChoice = NetworkChoice::Mlp;
        /// Hidden layer widths of each Q network, 1 to 8 layers, e.g. 64,64; of mlp alone.
        hidden: Vec<u32> = vec![64, 64], within(1.0, 4_096.0), hint("For example [64, 64]."),
            needs("network = mlp", |config| config.network == NetworkChoice::Mlp);
        /// Activation of hidden layers.
        activation: HiddenActivation = HiddenActivation::Relu;
        /// Layer normalisation before each activation of the shared hidden layers; a convolution's grid is normalised as a whole.
        layer_norm: bool = false;
        /// Dueling head: Q = A - mean(A) + V, each with a hidden layer as wide as the network's last.
        dueling: bool = false;
        /// What each dimension of a multi-discrete action learns; branching is a dueling network.
        action_heads: ActionHeads = ActionHeads::Independent,
            only(&["sqn", "soft_q", "dqn", "munchausen", "sac_discrete"]);
        /// Weight of each dimension of a multi-discrete action in the loss and in the temperature's objective.
        head_weights: HeadWeights = HeadWeights::Equal;
        /// q(s, a) of one output that sees the action, instead of q(s, .) with one output each.
        action_input: bool = false;
        /// Initial weights; biases start at 0 except under torch_default.
        init: Init = Init::TorchDefault;
        /// Gain of hidden layers' initial weights; 0 takes the one that suits the activation.
        init_gain: f64 = 0.0, within(0.0, 100.0), hint("0 suits the activation.");
        /// Gain of the output layer's initial weights; 0 starts it as zeros.
        output_gain: f64 = 1.0, within(0.0, 100.0), hint("1 is usual for the output.");
        /// Adam, or rectified Adam in PyTorch's or optax's form; alpha's is Adam.
        optimizer: OptimizerChoice = OptimizerChoice::Adam,
            steps(|config, optimizer| optimizer.form = config.optimizer as u32);
        /// Adam step size of the Q networks.
        learning_rate: f64 = 1e-3, above(0.0), at_most(1.0), hint("1e-3 is a good start."),
            steps(|config, optimizer| optimizer.learning_rate = config.learning_rate as f32);
        /// Adam step size of the policy network.
        policy_learning_rate: f64 = 3e-4, above(0.0), at_most(1.0), hint("3e-4 is usual."), only(&["sac_discrete", "sac", "soft_q_svgd"]),
            policy_steps(|config, optimizer| optimizer.learning_rate = config.policy_learning_rate as f32);
        /// Loss of the TD error.
        loss: Loss = Loss::Mse;
        /// Threshold of the Huber loss.
        huber_delta: f64 = 1.0, above(0.0), hint("1 is usual."),
            needs("loss = huber", |config| config.loss == Loss::Huber),
            fills(|config, _, agent| agent.huber_delta = config.huber_delta as f32);
        /// Global-norm clip of the gradient; 0 switches it off.
        max_grad_norm: f64 = 0.0, at_least(0.0), hint("10 is usual; 0 switches clipping off."),
            steps(|config, optimizer| optimizer.max_grad_norm = config.max_grad_norm as f32);
        /// Adam's first moment decay, also for ln alpha.
        adam_beta1: f64 = 0.9, at_least(0.0), below(1.0), hint("0.9 is usual."), steps(|config, optimizer| {
            optimizer.one_minus_beta1 = (1.0 - config.adam_beta1) as f32;
            // ln 0 would be -inf; e^-100 is 0 in f32 all the same.
            optimizer.ln_beta1 = config.adam_beta1.ln().max(-100.0) as f32;
        });
        /// Adam's second moment decay, also for ln alpha.
        adam_beta2: f64 = 0.999, at_least(0.0), below(1.0), hint("0.999 is usual."), steps(|config, optimizer| {
            optimizer.one_minus_beta2 = (1.0 - config.adam_beta2) as f32;
            optimizer.ln_beta2 = config.adam_beta2.ln().max(-100.0) as f32;
        });
        /// Adam's denominator offset, also for ln alpha.
        adam_eps: f64 = 1e-8, above(0.0), hint("1e-8 is usual."),
            steps(|config, optimizer| optimizer.adam_eps = config.adam_eps as f32);
    }
    "Target and temperature" {
        /// Discount.
        gamma: f64 = 0.99, within(0.0, 1.0), hint("0.99 is usual."),
            fills(|config, _, agent| agent.gamma = config.gamma as f32);
        /// Target averaging rate: target += polyak * (online - target); 1 copies the weights.
        polyak: f64 = 0.005, above(0.0), at_most(1.0), hint("0.005 is usual; 1 copies the weights."),
            needs("target_network = true", |config| config.target_network),
            steps(|config, optimizer| optimizer.polyak = config.polyak as f32);
        /// Updates between two target updates.
        target_update_interval: u32 = 1, at_least(1.0),
            hint("Use 1 with a small polyak, or e.g. 500 with polyak = 1."),
            needs("target_network = true", |config| config.target_network),
            steps(|config, optimizer| optimizer.target_update_interval = config.target_update_interval);
        /// The online net chooses the action that the target net values.
        double_q: bool = false, only(&["dqn"]);
        /// Share of alpha ln pi in Munchausen's reward; 0 is soft DQN.
        munchausen_scale: f64 = 0.9, within(0.0, 1.0), hint("0.9 is the authors'; 0 is soft DQN."),
            only(&["munchausen"]),
            fills(|config, _, agent| agent.munchausen_scale = config.munchausen_scale as f32);
        /// Lower clip of alpha ln pi in it.
        munchausen_clip: f64 = -1.0, at_most(0.0), hint("-1 is the authors'."), only(&["munchausen"]),
            needs("munchausen_scale above 0", |config| config.munchausen_scale > 0.0),
            fills(|config, _, agent| agent.munchausen_clip = config.munchausen_clip as f32);
        /// Soft value of the next state.
        backup: Backup = Backup::ClippedLse, only(&["sqn"]);
        /// Value that a rollout's lambda returns are made of.
        lambda_backup: LambdaBackup = LambdaBackup::Soft, only(&["soft_pqn"]);
        /// Share of the return that was seen, the rest is the next state's value: 0 is one step, 1 a whole rollout.
        q_lambda: f64 = 0.65, within(0.0, 1.0), hint("0.65 is CleanRL's."), only(&["soft_pqn"]),
            fills(|config, _, agent| agent.q_lambda = config.q_lambda as f32);
        /// Minimum or mean of both networks, or the first alone: in the target, and in the loss of a policy.
        twin: Twin = Twin::Min, only(&["sqn", "sac_discrete", "sac"]);
        /// alpha H is part of the target; off, the value is that of the policy alone (arXiv 2509.09838).
        entropy_in_target: bool = true, only(&["sqn", "sac_discrete", "soft_pqn", "sac"]);
        /// With n_step > 1 or q_lambda > 0: alpha H of the states between is part of the target too.
        n_step_entropy: bool = false, only(&["sqn", "soft_pqn"]),
            needs("q_lambda above 0", |config| config.algo != "soft_pqn" || config.q_lambda > 0.0);
        /// Weight of (H(pi_old) - H(pi))^2 / 2 in the policy's loss, pi_old the averaged policy (arXiv 2209.10081); 0 is off.
        entropy_penalty: f64 = 0.0, at_least(0.0), hint("0.5 is usual; 0 switches it off."), only(&["sac_discrete"]);
        /// Bootstrap from a target network, or from the online one.
        target_network: bool = true, only(&["soft_q"]);
        /// Learn the values, or sign(x) ln(1 + |x|) of them.
        value_transform: ValueTransform = ValueTransform::None, only(&["soft_q"]);
        /// Entropy relative to the uniform policy: subtract alpha ln|A| from every value, so that the bonus is never positive.
        kl: bool = false, only(&["sqn", "soft_q", "sac_discrete", "soft_pqn"]);
        /// Policy that the entropy is relative to: uniform (see kl), a run directory, whose policy is kept as it is, or a file of
        /// probabilities.
        reference: String = "uniform".into(), only(&["sqn", "soft_q"]);
        /// How alpha moves; only sqn, sac_discrete, soft_pqn and sac learn it.
        temperature: Temperature = Temperature::Learned;
        /// Temperature, initial or fixed, inside the clamp.
        alpha: f64 = 0.2, within(1e-6, 1e6), hint("For a policy close to argmax use a small alpha such as 0.01."),
            needs("another temperature than per_state", |config| config.temperature != Temperature::PerState),
            fills(|config, _, agent| {
                agent.log_alpha_initial = config.alpha.ln() as f32;
                agent.log_alpha = config.alpha.ln() as f32;
                agent.alpha = config.alpha as f32;
            });
        /// Temperature at the end of a schedule.
        alpha_final: f64 = 0.02, within(1e-6, 1e6), hint("For a policy close to argmax use a small one such as 0.01."),
            needs("temperature = schedule", |config| config.temperature == Temperature::Schedule),
            fills(|config, _, agent| agent.log_alpha_final = config.alpha_final.ln() as f32);
        /// Length of the schedule in environment steps; 0 means total_timesteps.
        alpha_decay_steps: u64 = 0,
            needs("temperature = schedule", |config| config.temperature == Temperature::Schedule),
            fills(|config, _, agent| agent.alpha_decay_steps = config.steps_or_all(config.alpha_decay_steps));
        /// Adam step size of ln alpha.
        alpha_learning_rate: f64 = 1e-3, above(0.0), at_most(1.0), hint("1e-3 is a good start."),
            only(&["sqn", "sac_discrete", "soft_pqn", "sac"]),
            needs("temperature = learned or learned_exp", Config::learns_alpha),
            fills(|config, _, agent| agent.alpha_learning_rate = config.alpha_learning_rate as f32);
        /// Each dimension of a multi-discrete action has an alpha of its own, learned from its own entropy.
        alpha_per_head: bool = false, only(&["sqn"]),
            needs("temperature = learned or learned_exp", Config::learns_alpha);
        /// Lower clamp of alpha.
        alpha_min: f64 = 1e-4, within(1e-6, 1e6), hint("Above about 1e-7 of the values, below which ties decide."),
            needs("an alpha that moves, or one below 0.0001", |config| config.moves_alpha() || config.alpha < 1e-4),
            fills(|config, _, agent| {
                agent.log_alpha_min = config.alpha_min.min(config.alpha_final_if_used()).ln() as f32;
            });
        /// Upper clamp of alpha.
        alpha_max: f64 = 100.0, within(1e-6, 1e6), hint("100 is the default."),
            needs("an alpha that moves, or one above 100", |config| config.moves_alpha() || config.alpha > 100.0),
            fills(|config, _, agent| {
                agent.log_alpha_max = config.alpha_max.max(config.alpha_final_if_used()).ln() as f32;
            });
        /// Entropy that a learned alpha aims at: nats such as 0.2, a share of the maximum such as '0.5ln|A|', or for actions that are
        /// real numbers a multiple of their dimensions such as '-1dim(A)'.
        target_entropy: TargetEntropy = TargetEntropy::Ratio(0.5), hint("Use e.g. 0.5ln|A|."),
            only(&["sqn", "sac_discrete", "soft_pqn", "sac"]),
            needs("temperature = learned, learned_exp or per_state", Config::aims_at_entropy),
            fills(|config, actions, agent| agent.target_entropy = config.target_entropy.nats(actions) as f32);
    }
    "Policy of real-valued actions" {
        /// Smallest ln sigma of the policy's Gaussian, of actions in [-1, 1].
        log_std_min: f64 = -5.0, within(-20.0, 10.0), hint("-5 is CleanRL's, -20 the authors'."), only(&["sac"]);
        /// Largest.
        log_std_max: f64 = 2.0, within(-20.0, 10.0), hint("2 is usual."), only(&["sac"]);
        /// How the network's output becomes an ln sigma between the two.
        log_std: LogStdForm = LogStdForm::Squashed, only(&["sac"]);
        /// Critics and entropies know actions as in [-1, 1], whatever the bounds of the environment.
        rescale_actions: bool = true, only(&["sac"]);
        /// The target bootstraps from a network of state values (arXiv 1801.01290) in the place of target critics.
        state_value: bool = false, only(&["sac"]);
        /// Steps for which the noise of a lane stays the same while training, uniform actions included: noise that lasts explores further.
        noise_hold: u32 = 1, within(1.0, 10_000.0), hint("1 draws anew at every step."), only(&["sac"]);
    }
    "Particles of soft Q-learning with real-valued actions" {
        /// Uniform actions of a state that its soft value is made of.
        value_particles: u32 = 16, within(1.0, 1_024.0), hint("16 is the authors'."), only(&["soft_q_svgd"]);
        /// Actions of the policy for a state by which it learns.
        kernel_particles: u32 = 16, within(2.0, 128.0), hint("16 is the authors', 32 for their four goals."), only(&["soft_q_svgd"]);
        /// Share of them that move; at the others the density is asked.
        kernel_update_ratio: f64 = 0.5, above(0.0), below(1.0), hint("0.5 is the authors'."), only(&["soft_q_svgd"]);
    }
    "Exploration" {
        /// Behaviour policy while training.
        exploration: Exploration = Exploration::Boltzmann;
        /// Share of uniformly random actions at the start.
        epsilon: f64 = 0.0, within(0.0, 1.0), hint("0.05 is usual."),
            fills(|config, _, agent| agent.epsilon = config.epsilon as f32);
        /// The same at the end of its schedule.
        epsilon_final: f64 = 0.0, within(0.0, 1.0), hint("0.05 is usual."),
            needs("epsilon_decay_steps above 0", |config| config.epsilon_decay_steps > 0),
            fills(|config, _, agent| agent.epsilon_final = config.epsilon_final as f32);
        /// Length of that schedule in environment steps; 0 keeps epsilon.
        epsilon_decay_steps: u64 = 0,
            needs("epsilon and epsilon_final apart", |config| config.epsilon != config.epsilon_final),
            fills(|config, _, agent| agent.epsilon_decay_steps = config.epsilon_decay_steps as f32);
    }
    "Evaluation" {
        /// Environment steps between two rows of statistics.
        log_frequency: u64 = 1_000, at_least(1.0), hint("1,000 is a good start.");
        /// Environment steps between two greedy evaluations, from the end of the warm-up on; 0 evaluates at the end only.
        eval_frequency: u64 = 5_000;
        /// Episodes per evaluation, one per evaluation environment.
        eval_episodes: u32 = 100, within(1.0, 65_536.0), hint("100 is the convention.");
        /// Steps after which an evaluation ends where no time limit comes before; unfinished episodes count as they stand.
        eval_max_steps: u32 = 1_000, within(1.0, 1_000_000.0), hint("1,000 is the default.");
        /// Stop once an evaluation reaches the environment's reward threshold and a second one confirms it.
        stop_when_solved: bool = true;
    }
}

impl Config {
    /// Whether alpha is another one in the course of a run.
    fn moves_alpha(&self) -> bool {
        !matches!(self.temperature, Temperature::Fixed | Temperature::PerState)
    }

    /// Whether `ln alpha` is a parameter with an optimiser of its own.
    fn learns_alpha(&self) -> bool {
        matches!(self.temperature, Temperature::Learned | Temperature::LearnedExp)
    }

    /// Whether `target_entropy` decides about alpha.
    pub(crate) fn aims_at_entropy(&self) -> bool {
        self.learns_alpha() || self.temperature == Temperature::PerState
    }

    /// The length of a schedule, of which 0 means the whole run.
    fn steps_or_all(&self, steps: u64) -> f32 {
        (if steps == 0 { self.total_timesteps } else { steps }) as f32
    }

    /// The end of the alpha schedule where there is one, else alpha itself.
    fn alpha_final_if_used(&self) -> f64 {
        if self.temperature == Temperature::Schedule { self.alpha_final } else { self.alpha }
    }
}
