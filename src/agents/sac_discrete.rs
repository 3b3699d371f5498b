//! Discrete soft actor-critic (Christodoulou, arXiv 1910.07207) in CleanRL's form, `sac_atari.py`: twin Q networks with
//! targets, and a policy network of its own that acts.
//!
//! ```text
//! y     = R + gamma^m (1 - d) sum_a pi(a|s') (min_i Q'_i(s', a) - alpha ln pi(a|s'))
//! J_Q   = sum_i loss(Q_i(s, a) - y)
//! J_pi  = mean over actions of pi(a|s) (alpha ln pi(a|s) - min_i Q_i(s, a)),  Q_i after their step
//! J_a   = mean over actions of -alpha pi(a|s) (ln pi(a|s) + Hbar),  pi before its step
//! ```
//! in this order, each a mean over the batch with an Adam of its own. `twin = mean` averages the Qs and `entropy_penalty`
//! pulls the policy's entropy towards that of its average over past updates (both after Zhou et al., arXiv 2209.10081).

use crate::agents::hyper;
use crate::agents::learner::{After, Learner, Networks};
use crate::agents::{Actor, Algorithm, rules};
use crate::config::{Config, HeadWeights, Temperature, Twin};
use crate::engine::recording::{Buffer, Recording};
use crate::error::{Error, Result};
use crate::kernels::{policy_backup, policy_loss, targets};
use crate::nn::{AdamForm, Evaluations, GroupSpec, Network};
use crate::shared::agent::Lane;

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "sac_discrete",
    soft: |config| config.entropy_in_target,
    entropy: true,
    check,
    networks,
    others: policy,
    actor: Actor { group: 1, net: 0, policy: true, noisy: false },
    continuous: false,
    returns: None,
    update,
};

/// Where `Q'_1(s')` and `Q'_2(s')` are among the evaluations of the Q networks.
const TARGETS: [u32; 2] = [2, 3];
/// Where `Q_1(s)` and `Q_2(s)` are among those after their step.
const VALUES: [u32; 2] = [0, 1];
/// Where the policy at `s'`, and that of the averaged one at `s`, are among the evaluations of the policy.
const NEXT: u32 = 1;
const OLD: u32 = 2;

fn check(config: &Config) -> Result<()> {
    if config.temperature == Temperature::PerState {
        return Err(Error::invalid(
            "temperature",
            "\"per_state\"",
            "fixed, learned, learned_exp or schedule with --algo sac_discrete",
            "The policy network has an entropy of its own in every state; only sqn solves for a temperature.",
        ));
    }
    if config.head_weights == HeadWeights::DiEngine {
        return Err(Error::invalid(
            "head_weights",
            "\"di_engine\"",
            "equal with --algo sac_discrete",
            "The policy's loss counts all dimensions of an action alike; DI-engine's weights are those of its SQN.",
        ));
    }
    if config.entropy_penalty > 0.0 && config.polyak >= 1.0 && config.target_update_interval == 1 {
        return Err(Error::invalid(
            "entropy_penalty",
            config.entropy_penalty,
            "0 with polyak = 1 and target_update_interval = 1",
            "The policy that is averaged is then the policy itself, whose entropy differs by nothing.",
        ));
    }
    rules::bonus_for_kl(config)
}

/// `Q_1(s), Q_2(s), Q'_1(s'), Q'_2(s')`; after their step `Q_1(s), Q_2(s)` again, for the policy.
pub fn networks(_: &Config, net: &Network) -> Networks {
    let slots = vec![(0, 0), (1, 0), (2, 1), (3, 1)];
    Networks { after: vec![(0, 0), (1, 0)], ..Networks::q(net, 2, slots) }
}

/// The policy network, of the Q networks' shape: `pi(s), pi(s')`, and its average at `s` where the penalty asks for it.
pub fn policy(config: &Config, net: &Network) -> Vec<Networks> {
    let averaged = config.entropy_penalty > 0.0;
    let mut slots = vec![(0, 0), (0, 1)];
    if averaged {
        slots.push((1, 0));
    }
    let group = GroupSpec { name: "policy", net: net.clone(), online: 1, targets: averaged, stream: 1 };
    vec![Networks {
        group,
        optimizer: hyper::policy_optimizer,
        slots,
        after: Vec::new(),
        sees_action: false,
        particles: None,
    }]
}

/// The second of two evaluations, or the first once more where the twin is off.
fn second(config: &Config, [first, second]: [u32; 2]) -> u32 {
    if config.twin == Twin::Off { first } else { second }
}

/// One update on the batch that lies in `batch_obs`, `actions`, `rewards`, `discounts`, `importance`.
pub fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    num_lanes: u32,
) -> Result<()> {
    let ([policy], Some(after)) = (&learner.others[..], &learner.after) else { return Ok(()) };
    learner.evaluate(rec)?;
    policy.forward(rec)?;
    backup(rec, config, learner, policy)?;
    learner.join_heads(rec)?;
    learner.td_error(rec, config)?;
    learner.improve(rec)?;
    // The policy learns from the values of after that step, and alpha from the policy of before its own.
    after.q.forward(rec)?;
    policy_gradient(rec, config, learner, (policy, after))?;
    policy.backward(rec)?;
    policy.group.step(rec, learner.records, AdamForm::default())?;
    learner.finish(rec)?;
    let net = learner.net();
    let share = net.heads.len() as f32 / net.outputs() as f32;
    learner.temperature_step_of(rec, config.temperature, share, lanes, num_lanes)
}

/// `y` of every row and head.
fn backup(rec: &mut Recording, config: &Config, learner: &Learner, policy: &Evaluations) -> Result<()> {
    let net = learner.net();
    let Learner { records, targets, entropies, ref batch, .. } = *learner;
    for (head, columns) in (0..).zip(&net.heads) {
        let params = policy_backup::Params {
            batch: batch.rows,
            actions: columns.actions,
            slots: learner.slots(),
            target_1: TARGETS[0],
            target_2: second(config, TARGETS),
            policy_slots: policy.pass.slots(),
            online: NEXT,
            q_stride: net.outputs(),
            q_offset: columns.offset,
            heads: net.heads.len() as u32,
            head,
            discount_slots: batch.inputs - 1,
            entropy: config.entropy_in_target.into(),
            kl: config.kl.into(),
            mean: (config.twin == Twin::Mean).into(),
            agents: learner.agents,
        };
        let (rule, q, logits) = (&targets::POLICY_VALUE, learner.q(), policy.outputs());
        let (rewards, discounts) = (batch.rewards, batch.discounts);
        policy_backup::record(rec, rule, params, records, q, logits, rewards, discounts, targets, entropies)?;
    }
    Ok(())
}

/// The gradient of the policy's loss for its outputs. Leaves `H(pi(s))` where the backup had left `H(pi(s'))`: alpha
/// learns from the states of the batch.
fn policy_gradient(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    (policy, after): (&Evaluations, &After),
) -> Result<()> {
    let Some(dz) = policy.output_deltas() else { return Ok(()) };
    let net = learner.net();
    for (head, columns) in (0..).zip(&net.heads) {
        let params = policy_loss::Params {
            batch: learner.batch.rows,
            actions: columns.actions,
            slots: policy.pass.slots(),
            old: if config.entropy_penalty > 0.0 { OLD } else { 0 },
            q_slots: after.q.pass.slots(),
            q_1: VALUES[0],
            q_2: second(config, VALUES),
            q_stride: net.outputs(),
            q_offset: columns.offset,
            heads: net.heads.len() as u32,
            head,
            mean: (config.twin == Twin::Mean).into(),
            penalty: config.entropy_penalty as f32,
            agents: learner.agents,
        };
        let Learner { records, entropies, ref batch, .. } = *learner;
        let (logits, q, losses) = (policy.outputs(), after.q.outputs(), after.losses);
        policy_loss::record(rec, params, records, logits, q, batch.importance, dz, entropies, losses)?;
    }
    Ok(())
}
