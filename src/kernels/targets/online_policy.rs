//! The expectation under the online net's policy. Twin of `shaders/targets/online_policy.wgsl`.

use crate::shared::target::{Row, Source, Target, joined};

pub(super) fn twin(row: &Row<'_>) -> Target {
    let pi = row.softmax(Source::Online);
    let mut expected_1 = 0.0;
    let mut expected_2 = 0.0;
    for a in 0..row.actions {
        let share = pi.probability(row.q(Source::Online)(a), row.alpha);
        expected_1 += share * row.q(Source::Target1)(a);
        expected_2 += share * row.q(Source::Target2)(a);
    }
    let bonus = if row.entropy { row.alpha } else { 0.0 };
    row.bootstrapped(joined(row.mean, expected_1, expected_2) + bonus * pi.entropy, pi.entropy)
}
