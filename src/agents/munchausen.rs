//! Munchausen DQN (Vieillard, Pietquin, Geist, arXiv 2007.14430): soft DQN whose reward carries a share of the
//! log-probability of the action taken.
//!
//! ```text
//! y = r + m clip(alpha ln pi(a|s), l0, 0) + gamma (1 - d) sum_a' pi(a'|s') (Q'(s', a') - alpha ln pi(a'|s'))
//! pi = softmax(Q' / alpha) of the target net
//! ```
//! `m = munchausen_scale`, `l0 = munchausen_clip`. `m = 0` is soft DQN.

use crate::agents::learner::{Bootstrap, Learner, Networks};
use crate::agents::rules;
use crate::agents::{Algorithm, FIRST_Q};
use crate::config::Config;
use crate::engine::recording::{Buffer, Recording};
use crate::error::{Error, Result};
use crate::kernels::targets;
use crate::nn::Network;
use crate::shared::agent::Lane;

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "munchausen",
    soft: |_| true,
    entropy: true,
    check,
    networks,
    others: |_, _| Vec::new(),
    actor: FIRST_Q,
    continuous: false,
    returns: None,
    update,
};

fn check(config: &Config) -> Result<()> {
    rules::given_temperature(config)?;
    if config.n_step > 1 {
        return Err(Error::invalid(
            "n_step",
            config.n_step,
            "1 with --algo munchausen",
            "Each reward of a longer window would need its own ln pi; take --algo dqn or sqn for n steps.",
        ));
    }
    Ok(())
}

/// Where `Q'(s')` and `Q'(s)` are among the evaluations.
const NEXT: u32 = 1;
const CURRENT: u32 = 2;

/// `Q(s), Q'(s'), Q'(s)`.
fn networks(_: &Config, net: &Network) -> Networks {
    Networks::q(net, 1, vec![(0, 0), (1, 1), (1, 0)])
}

fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    num_lanes: u32,
) -> Result<()> {
    learner.evaluate(rec)?;
    learner.backup(rec, &Bootstrap { current: CURRENT, ..Bootstrap::new(&targets::MUNCHAUSEN, NEXT) })?;
    learner.td_error(rec, config)?;
    learner.improve(rec)?;
    learner.finish(rec)?;
    learner.temperature_step(rec, config.temperature, lanes, num_lanes)
}
