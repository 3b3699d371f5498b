//! Settings that are one of a few words. Each enum is declared once, with its words; kernels that are told one by number are
//! told its place in the list.

use serde::{Deserialize, Serialize};

use super::setting::{Kind, SettingType};

/// Declares an enum by its words.
macro_rules! words {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $value,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &[$name] = &[$($name::$value),+];

            /// How it is written.
            pub fn word(self) -> &'static str {
                match self { $($name::$value => $word),+ }
            }
        }

        impl SettingType for $name {
            const KIND: Kind = Kind::Word(&[$($word),+]);
        }
    )+};
}

words! {
    /// Which estimate of the next state's soft value the target uses; section 1.4 of `docs/algorithms.md` has the sources.
    pub enum Backup {
        /// `alpha * logsumexp(min_i Q'_i / alpha)`: policy and value both from the minimum of the target twins (DI-engine).
        ClippedLse = "clipped_lse",
        /// `min_i sum_a pi(a) Q'_i(a) + alpha H(pi)` with `pi = softmax(Q_1 / alpha)` of the online net (paper, eq. 20-21).
        OnlinePolicy = "online_policy",
        /// `min_i Q'_i(a~) - alpha ln pi(a~)` with one `a~ ~ pi = softmax(Q'_1 / alpha)` (authors' `sqn.py`).
        Sampled = "sampled",
        /// `min_i max_a Q'_i(a) + alpha H(pi)` with `pi = softmax(Q_1 / alpha)` of the online net (authors' `maxsqn.py`).
        Max = "max",
    }

    /// Which value of a state the lambda returns of a rollout are made of.
    pub enum LambdaBackup {
        /// `alpha logsumexp(Q / alpha)`.
        Soft = "soft",
        /// `max_a Q` (PQN, arXiv 2407.04811).
        Max = "max",
    }

    /// How the two target networks are joined in the target.
    pub enum Twin {
        /// Their minimum: against overestimation, and pessimistic about what is little known.
        Min = "min",
        /// Their mean: neither pessimistic nor optimistic (SD-SAC, arXiv 2209.10081).
        Mean = "mean",
        /// The first alone, as DQN does: optimistic, which explores where every reward is a cost. The second is trained beside it, and counts in the gradient's norm and in priorities.
        Off = "off",
    }

    /// What a network learns the values of.
    pub enum ValueTransform {
        /// The values themselves.
        None = "none",
        /// `sign(x) ln(1 + |x|)` of them, which brings rewards of different sizes to one scale.
        SignedLog = "signed_log",
    }

    /// How the temperature `alpha` moves.
    pub enum Temperature {
        /// `alpha` stays as given.
        Fixed = "fixed",
        /// Dual descent on `log_alpha * (H - target_entropy)`; the gradient does not carry `alpha`.
        Learned = "learned",
        /// Dual descent on `exp(log_alpha) * (H - target_entropy)`; the gradient carries `alpha`.
        LearnedExp = "learned_exp",
        /// Each state has its own, at which the policy's entropy there is `target_entropy` (authors' `gsqn`).
        PerState = "per_state",
        /// Geometric interpolation from `alpha` to `alpha_final` over `alpha_decay_steps` environment steps.
        Schedule = "schedule",
    }

    /// Regression loss of the TD error.
    pub enum Loss {
        /// `e^2`, mean over the batch (DI-engine, CleanRL).
        Mse = "mse",
        /// `e^2 / 2`, mean over the batch (authors' SQN, coax `mse`).
        HalfMse = "half_mse",
        /// Huber with threshold `huber_delta` (coax, SB3).
        Huber = "huber",
    }

    /// What the networks are.
    pub enum NetworkChoice {
        /// Dense layers as wide as `hidden` says.
        Mlp = "mlp",
        /// MinAtar's (arXiv 1903.03176): 16 windows of 3 x 3, a dense layer of 128.
        Minatar = "minatar",
        /// DQN's for Atari (Mnih et al., Nature 518): 32 windows of 8 x 8 with stride 4, 64 of 4 x 4 with stride 2, 64 of 3 x 3, a
        /// dense layer of 512.
        Nature = "nature",
    }

    /// Activation of hidden layers.
    pub enum HiddenActivation {
        /// `max(z, 0)`
        Relu = "relu",
        /// `tanh z`
        Tanh = "tanh",
        /// `z sigmoid(z)`, also called swish.
        Silu = "silu",
    }

    /// How weights start. Biases are 0, except under `torch_default`.
    pub enum Init {
        /// Weights and biases uniform in `+- 1 / sqrt(fan_in)`: PyTorch's `Linear`.
        TorchDefault = "torch_default",
        /// Orthonormal rows or columns, whichever are fewer, times the gain (Saxe et al., arXiv 1312.6120).
        Orthogonal = "orthogonal",
        /// Normal with deviation `gain / sqrt(fan_in)` (He et al., arXiv 1502.01852).
        He = "he",
        /// Uniform in `+- gain sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, AISTATS 2010).
        Glorot = "glorot",
    }

    /// How the gradient becomes a step.
    pub enum OptimizerChoice {
        /// Adam (Kingma and Ba, arXiv 1412.6980) in PyTorch's form.
        Adam = "adam",
        /// Rectified Adam (Liu et al., arXiv 1908.03265) in PyTorch's form: steps of momentum alone until the variance is known.
        Radam = "radam",
        /// The same in optax's form: `adam_eps` is added after the bias correction, and clipping divides by the norm itself.
        RadamOptax = "radam_optax",
    }

    /// How the networks' passes become dispatches.
    pub enum PathChoice {
        /// Fused on hardware GPUs for the networks that allow it, else layered.
        Auto = "auto",
        /// One dispatch per layer.
        Layered = "layered",
        /// One dispatch for all layers; refused for networks that do not allow it.
        Fused = "fused",
    }

    /// How a policy network's output becomes the `ln sigma` of its Gaussian.
    pub enum LogStdForm {
        /// `min + (max - min) (tanh x + 1) / 2` (CleanRL).
        Squashed = "squashed",
        /// `x` clamped, without a gradient outside (the authors, Stable-Baselines3).
        Clamped = "clamped",
    }

    /// How actions are chosen while training.
    pub enum Exploration {
        /// `(1 - epsilon) softmax(Q_1 / alpha) + epsilon / |A|`.
        Boltzmann = "boltzmann",
        /// `(1 - epsilon) argmax Q_1 + epsilon / |A|`.
        Greedy = "greedy",
    }

    /// What each dimension of a multi-discrete action learns.
    pub enum ActionHeads {
        /// Values and a target of its own, over shared hidden layers (DI-engine).
        Independent = "independent",
        /// Advantages of its own, over one value `V(s)`, and one target: the mean of theirs (BDQ, arXiv 1711.08946).
        Branching = "branching",
    }

    /// How the dimensions of a multi-discrete action are weighted in loss and temperature.
    pub enum HeadWeights {
        /// All alike: 1.
        Equal = "equal",
        /// The first counts 1, each later one of `K` in all `1 / (K + 1e-6)` (DI-engine).
        DiEngine = "di_engine",
    }

    /// How a batch is chosen from the ring.
    pub enum Replay {
        /// Every transition is equally likely.
        Uniform = "uniform",
        /// In proportion to `(|TD error| + priority_eps)^priority_exponent` (Schaul et al., arXiv 1511.05952).
        Prioritized = "prioritized",
    }
}
