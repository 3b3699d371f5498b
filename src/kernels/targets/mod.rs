//! Target rules: one file each, the twin of the shader of the same name in `shaders/targets`, and one line here. A rule
//! fills the open place of a kernel that imports one: [`backup`](crate::kernels::backup), or
//! [`policy_backup`](crate::kernels::policy_backup) for the rules of a policy network.

use crate::engine::rule::Rule;

macro_rules! rules {
    ($($(#[$meta:meta])* $constant:ident = $name:ident $(of a $policy:ident)?;)+) => {
        $(mod $name;
        $(#[$meta])*
        pub static $constant: Rule = Rule {
            name: stringify!($name),
            source: include_str!(concat!("../../../shaders/targets/", stringify!($name), ".wgsl")),
            policy: rules!(@policy $($policy)?),
            twin: $name::twin,
        };)+

        /// All rules.
        pub static RULES: &[&Rule] = &[$(&$constant),+];
    };
    (@policy) => { false };
    (@policy policy) => { true };
}

rules! {
    /// SQN: `alpha logsumexp(min_i Q'_i / alpha)`.
    CLIPPED_LSE = clipped_lse;
    /// SQN: `min_i E_pi Q'_i + alpha H(pi)` under the online net's policy.
    ONLINE_POLICY = online_policy;
    /// SQN: `min_i Q'_i(a~) - alpha ln pi(a~)`.
    SAMPLED = sampled;
    /// SQN: `min_i max_a Q'_i + alpha H(pi)`.
    MAX = max;
    /// Soft Q-learning, with a value transform.
    SOFT_Q = soft_q;
    /// Q-learning.
    Q_LEARNING = q_learning;
    /// Double Q-learning.
    DOUBLE_Q = double_q;
    /// Munchausen DQN.
    MUNCHAUSEN = munchausen;
    /// Discrete SAC: `E_pi [min_i Q'_i - alpha ln pi]`.
    POLICY_VALUE = policy_value of a policy;
}
