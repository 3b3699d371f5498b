//! One action of the target's policy. Twin of `shaders/targets/sampled.wgsl`.

use crate::shared::policy::temperature_of;
use crate::shared::target::{Row, Source, Target};

pub(super) fn twin(row: &Row<'_>) -> Target {
    let mut own = *row;
    if row.per_state {
        own.alpha = temperature_of(row.q(Source::Target1), row.actions, row.agent.target_entropy);
    }
    let pi = own.softmax(Source::Target1);
    let mut rng = row.rng;
    let mut action = pi.sample(row.q(Source::Target1), row.actions, own.alpha, rng.uniform());
    if row.given {
        action = row.action;
    }
    let entropy = -pi.log_probability(row.q(Source::Target1)(action), own.alpha);
    let bonus = if row.entropy { own.alpha } else { 0.0 };
    own.bootstrapped(row.q(Source::Target)(action) + bonus * entropy, entropy)
}
