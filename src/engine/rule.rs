//! A target rule: how one row of a batch becomes a regression target. Kernels that import one (`// import: rule`) are
//! composed with it as others are with an environment; a pipeline belongs to kernel, environment and rule.
//!
//! ```
//! use softq::engine::rule::Rule;
//! use softq::engine::variant::{Variant, parse};
//! use softq::kernels::backup;
//! use softq::shared::agent::Agent;
//! use softq::shared::rng::Rng;
//! use softq::shared::target::{Row, Source, Target};
//!
//! // The value of a policy that always takes the first action.
//! const WGSL: &str = "fn target_of(row: Row) -> Target {
//!     return bootstrapped(row, q_value(TARGET, row.index, 0u), 0.0);
//! }";
//! fn twin(row: &Row<'_>) -> Target {
//!     row.bootstrapped(row.q(Source::Target)(0), 0.0)
//! }
//! static FIRST: Rule = Rule { name: "first", source: WGSL, policy: false, twin };
//!
//! let variant = Variant { kernel: &backup::KERNEL, env: None, rule: Some(&FIRST) };
//! assert_eq!((variant.kernel.takes(&FIRST), variant.name().as_str()), (true, "backup+first"));
//! assert!(parse(&variant.text()?).is_ok());
//! let (q, agent) = (|_: Source, action: usize| [2.0f32, 5.0][action], Agent::default());
//! let (actions, reward, discount, rng) = (2, 1.0, 0.5, Rng::new(0, 0, 0, 0));
//! let row = Row {
//!     q_value: &q, actions, agent: &agent, alpha: 0.1, reward, discount, action: 1, given: false, rng,
//!     entropy: false, kl: false, mean: false, per_state: false, signed_log: false,
//! };
//! assert_eq!((FIRST.twin)(&row), Target { y: 1.0 + 0.5 * 2.0, entropy: 0.0 });
//! # Ok::<(), softq::Error>(())
//! ```

use crate::shared::target::{Row, Target};

/// One file of `shaders/targets` with its twin.
pub struct Rule {
    /// File stem.
    pub name: &'static str,
    /// WGSL: `fn target_of(row: Row) -> Target`.
    pub source: &'static str,
    /// Whether it reads the outputs of a policy network at `s'`, in the place of `Q_1(s')`.
    pub policy: bool,
    /// The same in Rust.
    pub twin: fn(&Row<'_>) -> Target,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rule({})", self.name)
    }
}
