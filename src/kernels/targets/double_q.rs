//! Double Q-learning's target. Twin of `shaders/targets/double_q.wgsl`.

use crate::shared::target::{Row, Source, Target};

pub(super) fn twin(row: &Row<'_>) -> Target {
    row.bootstrapped(row.q(Source::Target1)(row.argmax(Source::Online)), 0.0)
}
