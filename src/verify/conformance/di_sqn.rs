//! `di_sqn_*`: DI-engine's SQN, update by update, and its acting probabilities.

use serde_json::Value;

use crate::agents::learner::Conventions;
use crate::config::{Backup, Config, Loss, TargetEntropy, Temperature};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::Activation;
use crate::nn::{Activations, AdamForm, Pass};
use crate::verify::conformance::batches::{Batches, initial_weights};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::{Comparison, Sink};
use crate::verify::conformance::device::Device;
use crate::verify::conformance::double::{self, Recorded};
use crate::verify::conformance::learning::{Learning, Q_1, Q_2, Setup, Step, TARGET_1, TARGET_2};
use crate::verify::conformance::network::{Framework, Network};
use crate::verify::conformance::policy::PolicyMemory;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::trace::{self, Trace};

const NETS: [&str; 2] = ["q0", "q1"];

/// Hyperparameters as DI-engine means them.
pub(super) fn setup(case: &Case, log_alpha: &str) -> Outcome<Setup> {
    let adam = |key: &'static str, default: f64| case.number_or(&["adam", key], default);
    let weight_decay = adam("weight_decay", 0.0)?;
    let grad_clip = case.config().get("grad_clip").unwrap_or(&Value::Null);
    if !(grad_clip.is_null() || grad_clip.is_number()) {
        return unsupported(format!("grad_clip {grad_clip} is not built in"));
    }
    let loss = case.config().get("loss").and_then(Value::as_str).unwrap_or("mse");
    if !loss.starts_with("mse") {
        return unsupported(format!("loss '{loss}' is not built in"));
    }
    let config = Config {
        gamma: case.number(&["gamma"])?,
        learning_rate: case.number(&["lr_q"])?,
        polyak: case.number(&["target_theta"])?,
        target_update_interval: 1,
        backup: Backup::ClippedLse,
        // A fixed temperature is a learning rate of 0 there; the optimizer's moments move all the same.
        temperature: Temperature::Learned,
        alpha_learning_rate: case.number(&["lr_alpha"])?,
        target_entropy: TargetEntropy::Nats(case.number(&["target_entropy"])?),
        loss: Loss::Mse,
        max_grad_norm: case.number_or(&["grad_clip"], 0.0)?,
        adam_beta1: adam("beta1", 0.9)?,
        adam_beta2: adam("beta2", 0.999)?,
        adam_eps: adam("eps", 1e-8)?,
        ..Config::default()
    };
    let log_alpha = single(case, log_alpha)?;
    // The first branch counts 1, every later one 1 / (branches + 1e-6).
    let weights = case.config().get("branch_weights").and_then(Value::as_array);
    let branches = case.config().get("actions").and_then(Value::as_array).map_or(1, Vec::len);
    let later_head_weight = weights
        .and_then(|weights| weights.get(1))
        .and_then(Value::as_f64)
        .unwrap_or(1.0 / (branches as f64 + 1e-6));
    let later_head_weight = later_head_weight as f32;
    let conventions = Conventions {
        adam: AdamForm { l2: true, eps_inside: false },
        later_head_weight,
        ..Conventions::default()
    };
    Ok(Setup { config, conventions, log_alpha: f64::from(log_alpha), weight_decay })
}

/// A tensor of one number.
pub(super) fn single(case: &Case, name: &str) -> Outcome<f32> {
    match case.f32(name)? {
        [value] => Ok(*value),
        _ => malformed(format!("'{name}' is no single number")),
    }
}

/// What a case starts from.
pub(super) struct Start {
    pub(super) setup: Setup,
    pub(super) network: Network,
    pub(super) batches: Batches,
    pub(super) weights: Vec<f32>,
}

impl Start {
    pub(super) fn read(case: &Case) -> Outcome<Start> {
        let network = Network::read(case, "init.online.q0.", Framework::Torch, Activation::Relu)?;
        let weights = initial_weights(case, &network, ["online", "target"], NETS)?;
        let mut batches = Batches::read(case, &network)?;
        if case.config().get("ignore_done").and_then(Value::as_bool) == Some(true) {
            batches.ignore_done();
        }
        Ok(Start { setup: setup(case, "init.log_alpha")?, network, batches, weights })
    }

    pub(super) fn recorded(&self) -> Recorded<'_> {
        Recorded {
            setup: &self.setup,
            network: &self.network,
            batches: &self.batches,
            weights: &self.weights,
            numbers: (1..=self.batches.steps()).collect(),
        }
    }
}

/// Replays all updates of a case.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let start = Start::read(case)?;
    let weight = start.setup.conventions.later_head_weight;
    double::replay(device, comparison, &start.recorded(), &|learning, sink| {
        play(case, learning, sink, weight)
    })
}

/// Goes through all updates.
pub(super) fn play(
    case: &Case,
    learning: &mut dyn Learning,
    sink: &mut dyn Sink,
    later_head_weight: f32,
) -> Outcome<()> {
    let mut trace = Trace::default();
    for index in 0..learning.steps() {
        sink.update(index + 1);
        let step = learning.run(index, None)?;
        record(&mut trace, &step, later_head_weight);
        trace.tell(sink);
        let prefix = format!("step{}.", index + 1);
        if trace::any(case, &prefix) {
            for head in 0..learning.heads() {
                compare_samples(case, sink, learning, (index, head), &step, &prefix)?;
            }
        }
        let prefix = format!("after{}.", index + 1);
        if trace::any(case, &prefix) {
            let moments = [step.after.alpha_m, step.after.alpha_v];
            trace::part(case, sink, [&prefix, "alpha_adam", ""], &moments)?;
            let weights = learning.weights()?;
            let groups = [
                ("online", weights[..2].to_vec()),
                ("target", weights[2..].to_vec()),
                ("grad", learning.grads()?),
                ("adam_m", learning.adam_m()?),
                ("adam_v", learning.adam_v()?),
            ];
            for (group, flat) in &groups {
                for (net, flat) in NETS.iter().zip(flat) {
                    trace::network(case, sink, learning.network(), [&prefix, group, net], flat)?;
                }
            }
        }
        if sink.is_done() {
            return Ok(());
        }
    }
    trace.compare(case, sink)
}

/// The scalars of one update. The engine descends on alpha without forming its loss, so that line is DI-engine's own
/// definition over the engine's entropy and `log_alpha`.
fn record(trace: &mut Trace, step: &Step, later_head_weight: f32) {
    let Step { before, after, .. } = step;
    let (mut entropy, mut gradient) = (0.0, 0.0);
    for (head, branch) in step.entropies.iter().enumerate() {
        let weight = if head == 0 { 1.0 } else { later_head_weight };
        let gap = branch - before.target_entropy;
        entropy += weight * branch;
        gradient += weight * gap;
        trace.push("q0_loss", step.net_losses[0][head]);
        trace.push("q1_loss", step.net_losses[1][head]);
        trace.push("entropy_mean_branch", *branch);
        trace.push("alpha_loss_branch", before.log_alpha * gap);
    }
    for (name, value) in [
        ("total_q_loss", step.loss),
        ("entropy_mean", entropy),
        ("total_alpha_loss", before.log_alpha * gradient),
        ("log_alpha_grad", gradient),
        ("log_alpha_before", before.log_alpha),
        ("log_alpha_after", after.log_alpha),
    ] {
        trace.push(name, value);
    }
}

/// `{prefix}*` of one head.
pub(super) fn compare_samples(
    case: &Case,
    sink: &mut dyn Sink,
    learning: &mut dyn Learning,
    (index, head): (usize, usize),
    step: &Step,
    prefix: &str,
) -> Outcome<()> {
    let samples = learning.samples(index, head)?;
    let minimum: Vec<f32> =
        samples.q[TARGET_1].iter().zip(&samples.q[TARGET_2]).map(|(a, b)| a.min(*b)).collect();
    let policy = learning.policy(head, &minimum, step.before.alpha)?;
    let branch = if learning.heads() > 1 { format!(".b{head}") } else { String::new() };
    let mut compare = |name: &str, got: &[f32]| trace::part(case, sink, [prefix, name, &branch], got);
    compare("q0", &samples.q[Q_1])?;
    compare("q1", &samples.q[Q_2])?;
    compare("target_q0", &samples.q[TARGET_1])?;
    compare("target_q1", &samples.q[TARGET_2])?;
    compare("q0_a", &samples.at(Q_1, &samples.actions))?;
    compare("q1_a", &samples.at(Q_2, &samples.actions))?;
    compare("pi", &policy.probs)?;
    compare("log_pi", &policy.log_probs)?;
    compare("target_v", &samples.values)?;
    compare("td_target", &samples.targets)?;
    compare("entropy", &samples.entropies)
}

/// `di_sqn_act_probs*`: probabilities of the collect mode and actions of the eval mode, both from `q0` alone.
pub fn replay_acting(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let network = Network::read(case, "init.online.q0.", Framework::Torch, Activation::Relu)?;
    // The second net takes no part in acting.
    case.ignore("init.online.q1.");
    case.ignore("alphas");
    let weights = network.import(case, "init.online.q0.")?;
    let rows = case.matrix("obs")?[0];
    let obs = case.f32_of("obs", &[rows, network.inputs()])?;
    let q = forward(device, &network, &weights, obs, rows)?;
    let heads = network.layout.heads.clone();
    for (head, columns) in heads.iter().enumerate() {
        let (offset, actions) = (columns.offset as usize, columns.actions as usize);
        let q: Vec<f32> =
            q.chunks_exact(network.outputs()).flat_map(|row| row[offset..][..actions].to_vec()).collect();
        let branch = if heads.len() > 1 { format!(".b{head}") } else { String::new() };
        let mut buffers = Buffers::default();
        let mut recording = Recording::default();
        let memory = PolicyMemory::new(&mut buffers, &mut recording, rows, actions)?;
        let program = device.prepare(&buffers, &recording)?;
        let mut index = 0;
        while case.has(&format!("log_alpha{index}")) {
            let [log_alpha] = case.f32(&format!("log_alpha{index}"))? else {
                return malformed(format!("'log_alpha{index}' is no single number"));
            };
            let policy = memory.evaluate(device, program, &q, f64::from(*log_alpha).exp() as f32)?;
            let name = format!("alpha{index}.prob{branch}");
            let want = case.f32_of(&name, &[rows, actions])?;
            comparison.tensor("prob", &name, &policy.probs, want, case.tolerance(&name)?)?;
            if index == 0 {
                let greedy: Vec<f32> = policy.greedy.iter().map(|action| *action as f32).collect();
                let limit = heads.iter().map(|head| head.actions as usize).max().unwrap_or(0);
                let want = case.indices("eval_action", limit)?;
                let want: Vec<f32> =
                    want.iter().skip(head).step_by(heads.len()).map(|action| *action as f32).collect();
                comparison.tensor("eval_action", &format!("eval_action{branch}"), &greedy, &want, 0.0)?;
            }
            index += 1;
        }
    }
    Ok(())
}

/// Action values of one network.
fn forward(
    device: &mut Device<'_>,
    network: &Network,
    weights: &[f32],
    obs: &[f32],
    rows: usize,
) -> Outcome<Vec<f32>> {
    let Ok(batch) = u32::try_from(rows) else { return malformed("too many rows") };
    let net = &network.layout;
    let pass =
        Pass { agents: 1, batch, nets: 1, slot_net: vec![0], slot_input: vec![0], inputs: 1, gradients: 0 };
    let mut buffers = Buffers::default();
    let input: Buffer<f32> = buffers.add("obs", obs.len() as u64, "");
    let activations = Activations::new(&mut buffers, "activation", net, &pass, input, "");
    let parameters = buffers.add("weights", weights.len() as u64, "");
    let mut recording = Recording::default();
    pass.forward(&mut recording, net, parameters, &activations)?;
    let program = device.prepare(&buffers, &recording)?;
    device.write(input, obs)?;
    device.write(parameters, weights)?;
    device.run(program)?;
    Ok(device.read(activations.outputs())?)
}
