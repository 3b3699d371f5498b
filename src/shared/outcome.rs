//! Twin of `shaders/shared/outcome.wgsl`: the result of an environment's step.

/// Result of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Reward.
    pub reward: f32,
    /// Whether the new state ends the episode for good.
    pub terminated: bool,
}
