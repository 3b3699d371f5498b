//! How large a set of actions is, as far as entropies go.

/// What an action is chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionSize {
    /// So many choices.
    Choices(u32),
    /// So many real numbers.
    Dimensions(u32),
}

impl From<u32> for ActionSize {
    fn from(choices: u32) -> ActionSize {
        ActionSize::Choices(choices)
    }
}

impl ActionSize {
    /// Choices; 1 where there are none to count.
    pub fn choices(self) -> u32 {
        match self {
            ActionSize::Choices(choices) => choices,
            ActionSize::Dimensions(_) => 1,
        }
    }
}
