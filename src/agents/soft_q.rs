//! Soft Q-learning with one network and n-step returns (Haarnoja et al., arXiv 1702.08165, in coax's form, `SoftQLearning`).
//!
//! ```text
//! V(s') = alpha ln sum_a exp(Q'(s', a) / alpha)
//! y = f(R + gamma^m (1 - d) f^-1(V(s_{t+m}))),  R = sum_{k<m} gamma^k r_{t+k}
//! ```
//! `f` is `value_transform`: none, or `sign(x) ln(1 + |x|)`, which the network then learns the values of. Without
//! `target_network` the online net bootstraps, and no gradient flows through it. Importance weights are clipped.

use crate::agents::learner::{Bootstrap, Learner, Networks};
use crate::agents::rules;
use crate::agents::{Algorithm, FIRST_Q};
use crate::config::{Config, ValueTransform};
use crate::engine::recording::{Buffer, Recording};
use crate::error::Result;
use crate::kernels::targets;
use crate::nn::Network;
use crate::shared::agent::Lane;

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "soft_q",
    soft: |_| true,
    entropy: true,
    check: rules::given_temperature,
    networks,
    others: |_, _| Vec::new(),
    actor: FIRST_Q,
    continuous: false,
    returns: None,
    update,
};

/// Importance weights outside count like the nearer end (coax).
const WEIGHTS: [f32; 2] = [0.1, 10.0];
/// Where the net that bootstraps is among the evaluations.
const BOOTSTRAP: u32 = 1;

/// `Q(s), Q'(s')`, or without a target network `Q(s), Q(s')`.
pub fn networks(config: &Config, net: &Network) -> Networks {
    let bootstrap = u32::from(config.target_network);
    Networks::q(net, 1, vec![(0, 0), (bootstrap, 1)])
}

/// One update on the batch that lies in `batch_obs`, `actions_taken`, `rewards`, `discounts`, `importance`.
pub fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    num_lanes: u32,
) -> Result<()> {
    learner.evaluate(rec)?;
    learner.backup(
        rec,
        &Bootstrap {
            kl: config.kl,
            signed_log: config.value_transform == ValueTransform::SignedLog,
            ..Bootstrap::new(&targets::SOFT_Q, BOOTSTRAP)
        },
    )?;
    // The loss of Q(s, a) - y, one step of Adam, the target net's step, and the temperature.
    learner.td_error_within(rec, config, WEIGHTS)?;
    learner.improve(rec)?;
    learner.finish(rec)?;
    learner.temperature_step(rec, config.temperature, lanes, num_lanes)
}
