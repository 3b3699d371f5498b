//! Soft actor-critic (Haarnoja et al., arXiv 1812.05905): twin critics `Q_i(s, a)` with targets, and a tanh-Gaussian policy
//! that learns by the gradient of the critics for its action.
//!
//! ```text
//! y     = R + gamma^m (1 - d) (min_i Q'_i(s', a~') - alpha ln pi(a~'|s')),  a~' ~ pi(.|s')
//! J_Q   = sum_i loss(Q_i(s, a) - y)
//! J_pi  = alpha ln pi(a~|s) - min_i Q_i(s, a~),  a~ = tanh(mean + sigma noise),  Q_i after their step
//! J_a   = -alpha (ln pi(a~|s) + Hbar),  pi before its step
//! ```
//! in this order, each a mean over the batch with an Adam of its own. `twin = mean` averages the Qs. With `state_value` (arXiv
//! 1801.01290) there are no target critics: a network `V` with a target of its own learns after the policy,
//!
//! ```text
//! y   = R + gamma^m (1 - d) V'(s')
//! J_V = loss(V(s) - (min_i Q_i(s, a~) - alpha ln pi(a~|s)))
//! ```

use crate::agents::continuous::At;
use crate::agents::hyper;
use crate::agents::learner::{After, Learner, Networks, VALUE_GROUP};
use crate::agents::{Actor, Algorithm, rules};
use crate::config::{Config, Temperature, Twin};
use crate::engine::recording::{Buffer, Recording};
use crate::error::{Error, Result};
use crate::kernels::{action_backup, action_loss, td_error};
use crate::nn::{AdamForm, Evaluations, GroupSpec, Network, NetworkSpec};
use crate::shared::agent::Lane;

use super::continuous::{DRAWS, Drawn, StateValues};

/// See the module's description.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "sac",
    soft: |config| config.entropy_in_target,
    entropy: true,
    check,
    networks,
    others: policy,
    actor: Actor { group: 1, net: 0, policy: true, noisy: false },
    continuous: true,
    returns: None,
    update,
};

/// Where `Q'_1(s', a~')` and `Q'_2(s', a~')` are among the evaluations of the critics.
const TARGETS: [u32; 2] = [2, 3];
/// Where `Q_1(s, a~)` and `Q_2(s, a~)` are among those after their step.
const VALUES: [u32; 2] = [0, 1];
/// Where `V'(s')` is among the evaluations of the network of state values, behind `V(s)`.
const NEXT_VALUE: u32 = 1;

fn check(config: &Config) -> Result<()> {
    let refuse = |field, value: String, allowed: &str, hint: &str| {
        Err(Error::invalid(field, value, format!("{allowed} with --algo sac"), hint))
    };
    if config.temperature == Temperature::PerState {
        let hint =
            "The policy network has an entropy of its own in every state; only sqn solves for a temperature.";
        return refuse(
            "temperature",
            "\"per_state\"".into(),
            "fixed, learned, learned_exp or schedule",
            hint,
        );
    }
    rules::critics_of_actions(config)?;
    if config.log_std_min >= config.log_std_max {
        let allowed = format!("below log_std_max = {}", config.log_std_max);
        return Err(Error::invalid("log_std_min", config.log_std_min, allowed, "-5 and 2 are usual."));
    }
    Ok(())
}

/// `Q_1(s, a), Q_2(s, a), Q'_1(s', a~'), Q'_2(s', a~')`; after their step `Q_1(s, a~), Q_2(s, a~)`, for the policy.
/// With state values there are no targets.
pub fn networks(config: &Config, net: &Network) -> Networks {
    let next = At::NextState.input();
    let mut slots = vec![(0, 0), (1, 0), (2, next), (3, next)];
    let after = vec![(0, At::State.input()), (1, At::State.input())];
    if config.state_value {
        slots.truncate(2);
    }
    let mut networks = Networks { after, sees_action: true, ..Networks::q(net, 2, slots) };
    networks.group.targets = !config.state_value;
    networks
}

/// The policy network: means, then what `ln sigma` follows from, at `s` and `s'`. With state values `V(s), V'(s')` too.
pub fn policy(config: &Config, net: &Network) -> Vec<Networks> {
    let group = GroupSpec { name: "policy", net: net.clone(), online: 1, targets: false, stream: 1 };
    let slots = vec![(0, 0), (0, 1)];
    let policy = Networks {
        group,
        optimizer: hyper::policy_optimizer,
        slots,
        after: Vec::new(),
        sees_action: false,
        particles: None,
    };
    if !config.state_value {
        return vec![policy];
    }
    let values = NetworkSpec {
        layer_norm: config.layer_norm,
        initialiser: net.layout.initialiser,
        ..NetworkSpec::mlp(net.tensors()[0].shape, &config.hidden, 1, net.layout.activation)
    };
    let values = Network::new(&values);
    let group = GroupSpec { name: VALUE_GROUP, net: values, online: 1, targets: true, stream: 2 };
    let slots = vec![(0, 0), (1, 1)];
    let value = Networks {
        group,
        optimizer: hyper::optimizer,
        slots,
        after: Vec::new(),
        sees_action: false,
        particles: None,
    };
    vec![policy, value]
}

/// The second of two evaluations, or the first once more where the twin is off.
fn second(config: &Config, [first, second]: [u32; 2]) -> u32 {
    if config.twin == Twin::Off { first } else { second }
}

/// The parts of a learner that SAC works with.
struct Parts<'a> {
    policy: &'a Evaluations,
    /// The network of state values and what it learns.
    value: Option<(&'a Evaluations, &'a StateValues)>,
    after: &'a After,
    drawn: &'a Drawn,
}

impl Parts<'_> {
    fn of(learner: &Learner) -> Option<Parts<'_>> {
        let ([policy, values @ ..], Some(after), Some(drawn)) =
            (&learner.others[..], &learner.after, &learner.drawn)
        else {
            return None;
        };
        Some(Parts { policy, value: values.first().zip(learner.state_values.as_ref()), after, drawn })
    }
}

/// One update on the batch that lies in `batch_obs`, `actions`, `rewards`, `discounts`, `importance`.
pub fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    num_lanes: u32,
) -> Result<()> {
    let Some(parts) = Parts::of(learner) else { return Ok(()) };
    // One pass serves both states: the policy changes at the very end.
    parts.policy.forward(rec)?;
    critic_step(rec, config, learner)?;
    policy_step(rec, config, learner)?;
    value_step(rec, config, learner)?;
    learner.finish(rec)?;
    learner.temperature_step(rec, config.temperature, lanes, num_lanes)
}

/// The critics' step, with the policy evaluated before.
pub fn critic_step(rec: &mut Recording, config: &Config, learner: &Learner) -> Result<()> {
    let Some(Parts { policy, value, drawn, .. }) = Parts::of(learner) else { return Ok(()) };
    drawn.join(rec, &learner.batch)?;
    drawn.draw(rec, learner.records, policy, At::NextState)?;
    learner.evaluate(rec)?;
    let (values, targets) = match value {
        Some((value, _)) => {
            value.forward(rec)?;
            (value, [NEXT_VALUE; 2])
        }
        None => (&learner.q, [TARGETS[0], second(config, TARGETS)]),
    };
    let params = action_backup::Params {
        batch: learner.batch.rows,
        slots: values.pass.slots(),
        target_1: targets[0],
        target_2: targets[1],
        draws: DRAWS,
        draw: At::NextState.draw(),
        discount_slots: learner.batch.inputs - 1,
        // A state's value has its entropy within.
        entropy: (config.entropy_in_target && value.is_none()).into(),
        mean: (config.twin == Twin::Mean).into(),
        agents: learner.agents,
    };
    let Learner { records, targets, entropies, ref batch, .. } = *learner;
    let (q, log_probs) = (values.outputs(), drawn.log_probs);
    action_backup::record(
        rec,
        params,
        records,
        q,
        log_probs,
        batch.rewards,
        batch.discounts,
        targets,
        entropies,
    )?;
    learner.td_error(rec, config)?;
    learner.improve(rec)
}

/// The policy's step, with the policy evaluated before. Leaves `-ln pi(a~|s)` where the backup had left `-ln pi(a~'|s')`: alpha
/// learns from the states of the batch.
pub fn policy_step(rec: &mut Recording, config: &Config, learner: &Learner) -> Result<()> {
    let Some(Parts { policy, after, drawn, .. }) = Parts::of(learner) else { return Ok(()) };
    let Some(dq) = after.q.output_deltas() else { return Ok(()) };
    drawn.draw(rec, learner.records, policy, At::State)?;
    after.q.forward(rec)?;
    let params = action_loss::Params {
        batch: learner.batch.rows,
        slots: after.q.pass.slots(),
        q_1: VALUES[0],
        q_2: second(config, VALUES),
        draws: DRAWS,
        draw: At::State.draw(),
        mean: (config.twin == Twin::Mean).into(),
        agents: learner.agents,
    };
    let Learner { records, entropies, ref batch, .. } = *learner;
    let (q, log_probs, importance) = (after.q.outputs(), drawn.log_probs, batch.importance);
    action_loss::record(rec, params, records, q, log_probs, importance, dq, entropies, after.losses)?;
    let dinputs = after.q.input_gradient(rec)?;
    drawn.backward(rec, records, policy, (dinputs, after.q.pass.slots()), importance)?;
    policy.backward(rec)?;
    policy.group.step(rec, records, AdamForm::default())
}

/// The step of the network of state values, if there is one, behind that of the policy: towards the soft value of the action
/// that the policy has just learnt from.
fn value_step(rec: &mut Recording, config: &Config, learner: &Learner) -> Result<()> {
    let Some(Parts { value: Some((value, memory)), after, drawn, .. }) = Parts::of(learner) else {
        return Ok(());
    };
    let Some(dv) = value.output_deltas() else { return Ok(()) };
    let params = action_backup::Params {
        batch: learner.batch.rows,
        slots: after.q.pass.slots(),
        target_1: VALUES[0],
        target_2: second(config, VALUES),
        draws: DRAWS,
        draw: At::State.draw(),
        discount_slots: 1,
        entropy: config.entropy_in_target.into(),
        mean: (config.twin == Twin::Mean).into(),
        agents: learner.agents,
    };
    let StateValues { targets, entropies, errors, rewards, discounts } = *memory;
    let Learner { records, ref batch, .. } = *learner;
    let (q, log_probs) = (after.q.outputs(), drawn.log_probs);
    action_backup::record(rec, params, records, q, log_probs, rewards, discounts, targets, entropies)?;
    let params = td_error::Params {
        batch: batch.rows,
        // The one output there is, whatever the action.
        actions: 1,
        slots: value.pass.slots(),
        grad_slots: 1,
        q_stride: 1,
        q_offset: 0,
        heads: 1,
        head: 0,
        head_weight: 1.0,
        least_weight: 0.0,
        largest_weight: f32::MAX,
        loss: config.loss as u32,
        agents: learner.agents,
    };
    let (outputs, importance) = (value.outputs(), batch.importance);
    td_error::record(rec, params, records, outputs, batch.actions, targets, importance, dv, errors)?;
    value.backward(rec)?;
    value.group.step(rec, records, AdamForm::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::plan;
    use crate::engine::cpu::CpuExecutor;
    use crate::engine::executor::{Executor, read_as};
    use crate::engine::recording::BufferId;
    use crate::envs;

    #[test]
    fn state_values_stand_in_for_target_critics() {
        let env = envs::find("pendulum").expect("built in");
        let config = Config {
            env: "pendulum".into(),
            algo: "sac".into(),
            state_value: true,
            temperature: Temperature::Fixed,
            alpha: 0.3,
            hidden: vec![8],
            batch_size: 16,
            num_envs: 4,
            learning_starts: 0,
            buffer_size: 64,
            ..Config::default()
        };
        let plan = plan(&config, env).expect("a plan");
        let names: Vec<&str> = plan.groups.iter().map(|group| group.name).collect();
        assert_eq!(names, ["q", "policy", "value"]);
        assert_eq!(plan.groups.iter().map(GroupSpec::nets).collect::<Vec<_>>(), [2, 1, 2]);
        let mut executor = CpuExecutor::new();
        executor.allocate(&plan.buffers).expect("memory");
        for (buffer, words) in &plan.init {
            executor.write(*buffer, words).expect("contents");
        }
        let reset = executor.prepare(&plan.reset).expect("programs");
        let iteration = executor.prepare(&plan.once(|_| true)).expect("programs");
        executor.submit(&[(reset, 1), (iteration, 3)], None).expect("runs");
        let mut floats = |name: &str| -> Vec<f32> {
            let at = plan.buffers.decls.iter().position(|decl| decl.name == name);
            let at = at.unwrap_or_else(|| panic!("no buffer {name}"));
            read_as(&mut executor, BufferId(at as u32)).expect("contents")
        };
        // V(s), then V'(s'), as they were when the update began.
        let values = floats("value_activation2");
        let [rewards, discounts, targets] = ["rewards", "discounts", "targets"].map(&mut floats);
        for b in 0..16 {
            assert_eq!(targets[b], rewards[b] + discounts[b] * values[16 + b], "row {b}");
        }
        let (q, log_probs) = (floats("after_activation2"), floats("log_probs"));
        let alpha = 0.3f64.ln().exp() as f32;
        for (b, target) in floats("value_targets").into_iter().enumerate() {
            let soft = q[b].min(q[16 + b]) - alpha * log_probs[b];
            assert!((target - soft).abs() < 1e-5, "row {b}: {target} {soft}");
        }
    }

    #[test]
    fn a_target_entropy_is_held_against_what_the_policy_can_have() {
        let refused = |env: &str, set: &str| {
            let config: Config =
                toml::from_str(&format!("env = '{env}'\nalgo = 'sac'\n{set}")).expect("settings");
            crate::agents::check(&config, crate::envs::find(env).expect("an environment")).is_err()
        };
        for (env, set, expected) in [
            ("pendulum", "target_entropy = 0.69", false),
            ("pendulum", "target_entropy = 0.7", true),
            // Torques in [-2, 2]: ln 4 = 1.386.
            ("pendulum", "target_entropy = 1.38\nrescale_actions = false", false),
            ("pendulum", "target_entropy = 1.39\nrescale_actions = false", true),
            // Of a Gaussian with ln sigma = -3 -1.581, in the other units ln 2 more.
            ("pendulum", "target_entropy = -1.59\nlog_std_max = -3", false),
            ("pendulum", "target_entropy = -1.57\nlog_std_max = -3", true),
            ("pendulum", "target_entropy = -0.9\nlog_std_max = -3\nrescale_actions = false", false),
            ("pendulum", "target_entropy = -0.88\nlog_std_max = -3\nrescale_actions = false", true),
            ("pendulum", "target_entropy = 5.0\ntemperature = 'fixed'", false),
            ("pendulum", "head_weights = 'di_engine'", true),
        ] {
            assert_eq!(refused(env, set), expected, "{env}: {set}");
        }
    }
}
