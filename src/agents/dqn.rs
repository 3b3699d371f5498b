//! Deep Q-learning (Mnih et al., Nature 518, 2015) and its usual companions: double Q-learning (van Hasselt et al., arXiv
//! 1509.06461), dueling heads (Wang et al., arXiv 1511.06581), n-step returns, prioritized replay (Schaul et al., arXiv
//! 1511.05952), hard and averaged targets.
//!
//! ```text
//! y = R^(m) + gamma^m (1 - d) Q'(s_{t+m}, a*),  a* = argmax_a Q'(s_{t+m}, a), or with double_q argmax_a Q(s_{t+m}, a)
//! ```

use crate::agents::learner::{Bootstrap, Learner, Networks};
use crate::agents::rules;
use crate::agents::{Algorithm, FIRST_Q};
use crate::config::{Config, Temperature};
use crate::engine::recording::{Buffer, Recording};
use crate::error::Result;
use crate::kernels::targets;
use crate::nn::Network;
use crate::shared::agent::Lane;

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "dqn",
    soft: |_| false,
    entropy: false,
    check: rules::given_temperature,
    networks,
    others: |_, _| Vec::new(),
    actor: FIRST_Q,
    continuous: false,
    returns: None,
    update,
};

/// Where `Q'(s')` and, for double Q-learning, `Q(s')` are among the evaluations.
const TARGET: u32 = 1;
const ONLINE: u32 = 2;

/// `Q(s), Q'(s')` and, for double Q-learning, `Q(s')`.
fn networks(config: &Config, net: &Network) -> Networks {
    let mut slots = vec![(0, 0), (1, 1)];
    if config.double_q {
        slots.push((0, 1));
    }
    Networks::q(net, 1, slots)
}

fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    num_lanes: u32,
) -> Result<()> {
    learner.evaluate(rec)?;
    let bootstrap = match config.double_q {
        true => Bootstrap { online: ONLINE, ..Bootstrap::new(&targets::DOUBLE_Q, TARGET) },
        false => Bootstrap::new(&targets::Q_LEARNING, TARGET),
    };
    learner.backup(rec, &bootstrap)?;
    // The loss of Q(s, a) - y, one step of Adam, and the target net's step towards the online one.
    learner.td_error(rec, config)?;
    learner.improve(rec)?;
    learner.finish(rec)?;
    // Nothing above knows a temperature; exploration may have one that cools.
    if config.temperature == Temperature::Schedule {
        learner.temperature_step(rec, config.temperature, lanes, num_lanes)?;
    }
    Ok(())
}
