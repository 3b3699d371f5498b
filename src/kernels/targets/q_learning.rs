//! Q-learning's target. Twin of `shaders/targets/q_learning.wgsl`.

use crate::shared::target::{Row, Source, Target};

pub(super) fn twin(row: &Row<'_>) -> Target {
    row.bootstrapped(row.q(Source::Target1)(row.argmax(Source::Target1)), 0.0)
}
