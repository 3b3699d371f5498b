//! Munchausen's target. Twin of `shaders/targets/munchausen.wgsl`.

use crate::shared::target::{Row, Source, Target};

pub(super) fn twin(row: &Row<'_>) -> Target {
    let here = row.softmax(Source::Current);
    let surprise = row.alpha * here.log_probability(row.q(Source::Current)(row.action), row.alpha);
    let bonus = row.agent.munchausen_scale * surprise.max(row.agent.munchausen_clip).min(0.0);
    let next = row.softmax(Source::Target1);
    let rewarded = Row { reward: row.reward + bonus, ..*row };
    rewarded.bootstrapped(next.top + row.alpha * next.log_sum, next.entropy)
}
