//! The largest value of each target, with the online net's entropy. Twin of `shaders/targets/max.wgsl`.

use crate::shared::target::{Row, Source, Target, joined};

pub(super) fn twin(row: &Row<'_>) -> Target {
    let pi = row.softmax(Source::Online);
    let max_1 = row.q(Source::Target1)(row.argmax(Source::Target1));
    let max_2 = row.q(Source::Target2)(row.argmax(Source::Target2));
    let bonus = if row.entropy { row.alpha } else { 0.0 };
    row.bootstrapped(joined(row.mean, max_1, max_2) + bonus * pi.entropy, pi.entropy)
}
