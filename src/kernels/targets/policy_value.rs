//! The expectation under a policy network. Twin of `shaders/targets/policy_value.wgsl`.

use crate::shared::policy::softmax_of;
use crate::shared::target::{Row, Source, Target};

pub(super) fn twin(row: &Row<'_>) -> Target {
    let pi = softmax_of(row.q(Source::Online), row.actions, 1.0);
    let mut expected = 0.0;
    for a in 0..row.actions {
        expected += pi.probability(row.q(Source::Online)(a), 1.0) * row.q(Source::Target)(a);
    }
    let bonus = if row.entropy { row.alpha } else { 0.0 };
    row.bootstrapped(expected + bonus * pi.entropy, pi.entropy)
}
