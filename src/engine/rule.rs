//! A target rule: how one row of a batch becomes a regression target. Kernels that import one (`// import: rule`) are
//! composed with it as others are with an environment; a pipeline belongs to kernel, environment and rule.

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
