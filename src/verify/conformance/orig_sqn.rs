//! `orig_sqn_*`: the SQN authors' TensorFlow code: the `sampled` backup with recorded actions, half squares, TensorFlow's
//! Adam.

use serde_json::Value;

use crate::agents::learner::Conventions;
use crate::config::{Backup, Config, Loss, TargetEntropy, Temperature};
use crate::kernels::Activation;
use crate::nn::AdamForm;
use crate::verify::conformance::batches::{Batches, initial_weights};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::{Comparison, Sink};
use crate::verify::conformance::device::Device;
use crate::verify::conformance::double::{self, Recorded};
use crate::verify::conformance::learning::{Learning, Q_1, Q_2, Setup, Step, TARGET_1, TARGET_2};
use crate::verify::conformance::network::{Framework, Network};
use crate::verify::conformance::report::{Outcome, malformed};
use crate::verify::conformance::trace::{self, Trace};

const NETS: [&str; 2] = ["q1", "q2"];

/// Hyperparameters as the authors mean them.
fn setup(case: &Case) -> Outcome<Setup> {
    let learned = match case.config().get("alpha") {
        Some(Value::String(text)) if text == "auto" => true,
        Some(Value::Number(_)) => false,
        other => return malformed(format!("alpha is {other:?}, expected \"auto\" or a number")),
    };
    let learning_rate = case.number(&["lr"])?;
    let adam = |key: &'static str, default: f64| case.number_or(&["adam", key], default);
    let config = Config {
        gamma: case.number(&["gamma"])?,
        learning_rate,
        // target <- polyak target + (1 - polyak) online
        polyak: 1.0 - case.number(&["polyak"])?,
        target_update_interval: 1,
        backup: Backup::Sampled,
        temperature: if learned { Temperature::Learned } else { Temperature::Fixed },
        alpha_learning_rate: learning_rate,
        target_entropy: TargetEntropy::Nats(case.number_or(&["target_entropy"], 0.0)?),
        loss: Loss::HalfMse,
        adam_beta1: adam("beta1", 0.9)?,
        adam_beta2: adam("beta2", 0.999)?,
        adam_eps: adam("eps", 1e-8)?,
        ..Config::default()
    };
    // A learned log_alpha starts at 0.
    let log_alpha = if learned { 0.0 } else { case.number(&["alpha"])?.ln() };
    let conventions =
        Conventions { adam: AdamForm { eps_inside: true, l2: false }, ..Conventions::default() };
    Ok(Setup { config, conventions, log_alpha, weight_decay: 0.0 })
}

/// What a case starts from, and the actions that its backup draws.
struct Start {
    setup: Setup,
    network: Network,
    batches: Batches,
    weights: Vec<f32>,
    sampled: Vec<u32>,
}

impl Start {
    fn read(case: &Case) -> Outcome<Start> {
        let network = Network::read(case, "init.main.q1.", Framework::TensorFlow, Activation::Relu)?;
        let weights = initial_weights(case, &network, ["main", "target"], NETS)?;
        let batches = Batches::read(case, &network)?;
        let sampled = case.indices("sampled_next_action", network.outputs())?;
        if sampled.len() != batches.steps() * batches.batch {
            return malformed("'sampled_next_action' does not match 'batch_index'");
        }
        Ok(Start { setup: setup(case)?, network, batches, weights, sampled })
    }

    fn recorded(&self) -> Recorded<'_> {
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
    let play = |learning: &mut dyn Learning, sink: &mut dyn Sink| play(case, learning, sink, &start.sampled);
    double::replay(device, comparison, &start.recorded(), &play)
}

/// Goes through all updates.
fn play(case: &Case, learning: &mut dyn Learning, sink: &mut dyn Sink, sampled: &[u32]) -> Outcome<()> {
    let mut trace = Trace::default();
    let batch = sampled.len() / learning.steps().max(1);
    for (index, given) in sampled.chunks_exact(batch).enumerate() {
        sink.update(index + 1);
        let step = learning.run(index, Some(given))?;
        record(&mut trace, &step);
        trace.tell(sink);
        if trace::any(case, &format!("step{}.", index + 1)) {
            compare_samples(case, sink, learning, index, (&step, given))?;
        }
        let prefix = format!("after{}.", index + 1);
        if trace::any(case, &prefix) {
            let weights = learning.weights()?;
            let groups = [
                ("main", weights[..2].to_vec()),
                ("target", weights[2..].to_vec()),
                ("adam_m.main", learning.adam_m()?),
                ("adam_v.main", learning.adam_v()?),
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

/// The scalars of one update; `entropy` is the mean of `-ln pi` of the sampled actions.
fn record(trace: &mut Trace, step: &Step) {
    for (name, value) in [
        ("q1_loss", step.net_losses[0][0]),
        ("q2_loss", step.net_losses[1][0]),
        ("alpha_loss", step.before.log_alpha * (step.entropies[0] - step.before.target_entropy)),
        ("alpha_before", step.before.alpha),
        ("log_alpha_after", step.after.log_alpha),
    ] {
        trace.push(name, value);
    }
}

/// `step{k}.*`
fn compare_samples(
    case: &Case,
    sink: &mut dyn Sink,
    learning: &mut dyn Learning,
    index: usize,
    (step, given): (&Step, &[u32]),
) -> Outcome<()> {
    let samples = learning.samples(index, 0)?;
    let policy = learning.policy(0, &samples.q[TARGET_1], step.before.alpha)?;
    let minimum: Vec<f32> =
        samples.at(TARGET_1, given).iter().zip(samples.at(TARGET_2, given)).map(|(a, b)| a.min(b)).collect();
    let log_prob: Vec<f32> = samples.entropies.iter().map(|entropy| -entropy).collect();
    let prefix = format!("step{}.", index + 1);
    let mut compare = |name: &str, got: &[f32]| trace::part(case, sink, [&prefix, name, ""], got);
    compare("log_pi_all", &policy.log_probs)?;
    compare("logp", &log_prob)?;
    compare("min_q", &minimum)?;
    compare("q_backup", &samples.targets)?;
    compare("q1", &samples.at(Q_1, &samples.actions))?;
    compare("q2", &samples.at(Q_2, &samples.actions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::conformance::double::Double;
    use crate::verify::conformance::report::Verdict;

    #[test]
    fn f64_meets_what_the_authors_code_recorded() {
        for name in ["orig_sqn_auto", "orig_sqn_fixed"] {
            let read = |extension: &str| {
                let path = format!("tests/data/conformance/algorithms/{name}.{extension}");
                std::fs::read(path).expect("data of the tests")
            };
            let case = Case::parse(&read("json"), &read("safetensors")).unwrap_or_else(|_| panic!("a case"));
            let start = Start::read(&case).unwrap_or_else(|_| panic!("a start"));
            let recorded = start.recorded();
            let mut double = Double::new(&recorded, &[]).expect("known operations");
            let mut comparison = Comparison::default();
            assert!(play(&case, &mut double, &mut comparison, &start.sampled).is_ok());
            let report = comparison.report(name, None);
            assert_eq!(report.verdict, Verdict::Pass, "{}", report.text());
        }
    }
}
