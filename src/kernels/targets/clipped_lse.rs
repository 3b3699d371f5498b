//! The soft maximum of the joined targets. Twin of `shaders/targets/clipped_lse.wgsl`.

use crate::shared::target::{Row, Source, Target};

pub(super) fn twin(row: &Row<'_>) -> Target {
    let pi = row.softmax(Source::Target);
    if row.entropy {
        return row.bootstrapped(pi.top + row.alpha * pi.log_sum, pi.entropy);
    }
    let mut gain = 0.0;
    for a in 0..row.actions {
        let q = row.q(Source::Target)(a);
        gain += pi.probability(q, row.alpha) * (q - pi.top);
    }
    row.bootstrapped(pi.top + gain, pi.entropy)
}
