//! Soft Q-learning for real-valued actions (Haarnoja et al., arXiv 1702.08165): a critic `Q(s, a)` with a target, and a network
//! that turns noise into actions and learns by Stein variational gradient descent to draw from `exp(Q / alpha)`.
//!
//! ```text
//! y   = R + gamma^m (1 - d) V(s'),  V(s') = alpha ln mean_k exp(Q'(s', a_k) / alpha) + alpha dims ln 2,  a_k uniform
//! J_Q = loss(Q(s, a) - y)
//! g_i = mean_j kappa(a_j, a_i) grad_{a_j} log p(a_j|s) + grad_{a_j} kappa(a_j, a_i),  a = tanh f(s, xi)
//! ```
//! The sampling network ascends `g_i` through its actions, with the critic of after its step. `log p` is that of the authors'
//! code, see `svgd_score`. Each state has uniform actions and noise of its own.

use crate::agents::hyper;
use crate::agents::learner::{Learner, Networks};
use crate::agents::particles::Counts;
use crate::agents::{Actor, Algorithm, rules};
use crate::config::Config;
use crate::engine::recording::{Buffer, Recording};
use crate::error::{Error, Result};
use crate::nn::{AdamForm, GroupSpec, Network};
use crate::shared::agent::Lane;

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "soft_q_svgd",
    soft: |_| true,
    entropy: false,
    check,
    networks,
    others: sampler,
    actor: Actor { group: 1, net: 0, policy: true, noisy: true },
    continuous: true,
    returns: None,
    update,
};

/// The particles of the settings: the last `int(K ratio)` of the policy's actions move.
pub fn counts(config: &Config) -> Counts {
    let updated = (f64::from(config.kernel_particles) * config.kernel_update_ratio) as u32;
    Counts { values: config.value_particles, fixed: config.kernel_particles - updated, updated }
}

fn check(config: &Config) -> Result<()> {
    let Counts { fixed, updated, .. } = counts(config);
    if fixed == 0 || updated == 0 {
        let allowed =
            format!("such that some of kernel_particles = {} move and some do not", config.kernel_particles);
        return Err(Error::invalid(
            "kernel_update_ratio",
            config.kernel_update_ratio,
            allowed,
            "0.5 is the authors'.",
        ));
    }
    rules::given_temperature(config)?;
    rules::critics_of_actions(config)
}

/// `Q(s, a)`; after its step `Q(s, a_j)` of the fixed particles.
pub fn networks(config: &Config, net: &Network) -> Networks {
    Networks {
        after: vec![(0, 0)],
        sees_action: true,
        particles: Some(counts(config)),
        ..Networks::q(net, 1, vec![(0, 0)])
    }
}

/// The sampling network, at `s` with noise behind it.
pub fn sampler(_: &Config, net: &Network) -> Vec<Networks> {
    let group = GroupSpec { name: "sampler", net: net.clone(), online: 1, targets: false, stream: 1 };
    vec![Networks {
        group,
        optimizer: hyper::policy_optimizer,
        slots: vec![(0, 0)],
        after: Vec::new(),
        sees_action: true,
        particles: None,
    }]
}

/// One update on the batch that lies in `batch_obs`, `actions`, `rewards`, `discounts`, `importance`.
pub fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    num_lanes: u32,
) -> Result<()> {
    let ([sampler], Some(after), Some(drawn), Some(particles)) =
        (&learner.others[..], &learner.after, &learner.drawn, &learner.particles)
    else {
        return Ok(());
    };
    let Learner { records, targets, ref batch, .. } = *learner;
    drawn.join(rec, batch)?;
    particles.backup(rec, records, (lanes, num_lanes), (drawn, batch), targets)?;
    learner.evaluate(rec)?;
    learner.td_error(rec, config)?;
    learner.improve(rec)?;
    particles.ascend(rec, records, (lanes, num_lanes), drawn, (sampler, &after.q))?;
    sampler.backward(rec)?;
    sampler.group.step(rec, records, AdamForm::default())?;
    learner.finish(rec)?;
    learner.temperature_step(rec, config.temperature, lanes, num_lanes)
}
