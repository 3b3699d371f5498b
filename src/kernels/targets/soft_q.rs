//! The soft maximum of one network, perhaps of transformed values. Twin of `shaders/targets/soft_q.wgsl`.

use crate::shared::math::{expm1_f32, log_f32};
use crate::shared::target::{Row, Source, Target};

pub(super) fn twin(row: &Row<'_>) -> Target {
    let pi = row.softmax(Source::Target1);
    let value = row.relative_to_uniform(pi.top + row.alpha * pi.log_sum);
    let y = transformed(row.signed_log, row.reward + row.discount * restored(row.signed_log, value));
    Target { y, entropy: pi.entropy }
}

fn transformed(signed_log: bool, x: f32) -> f32 {
    if !signed_log {
        return x;
    }
    let magnitude = log_f32(1.0 + x.abs());
    if x < 0.0 { -magnitude } else { magnitude }
}

fn restored(signed_log: bool, x: f32) -> f32 {
    if !signed_log {
        return x;
    }
    let magnitude = expm1_f32(x.abs());
    if x < 0.0 { -magnitude } else { magnitude }
}
