//! `cleanrl_sac_discrete_*`: CleanRL's discrete SAC (`sac_atari.py`), through [`sac_discrete::update`], the engine's own
//! learn step: the Q networks, then the policy with the new Qs and the old alpha, then alpha with the policy of before its step.
//!
//! The networks see observations divided by 255, as the script's do. It moves the targets by its count of environment
//! steps, of which every `update_frequency`-th is an update, and starts it at 0.

use serde_json::Value;

use crate::agents::hyper;
use crate::agents::learner::Learner;
use crate::agents::sac_discrete;
use crate::config::{Config, TargetEntropy, Temperature};
use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::Activation;
use crate::shared::agent::{Agent, Lane};
use crate::shared::optimizer::Optimizer;
use crate::verify::conformance::batches::Batches;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::{Framework, Network};
use crate::verify::conformance::policy::{Policy, PolicyMemory};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::trace::{self, Trace};

/// Names of the Q networks, online and target, in the engine's order.
const NETS: [&str; 4] = ["qf1", "qf2", "qf1_target", "qf2_target"];

/// Hyperparameters as the script means them, without batch size and networks.
fn config(case: &Case) -> Outcome<Config> {
    let Some(learned) = case.config().get("autotune").and_then(Value::as_bool) else {
        return malformed("config has no 'autotune'");
    };
    let betas = match case.config().pointer("/adam/betas").and_then(Value::as_array).map(Vec::as_slice) {
        Some([first, second]) => [first.as_f64(), second.as_f64()],
        _ => [None, None],
    };
    let [Some(adam_beta1), Some(adam_beta2)] = betas else { return malformed("config has no 'adam.betas'") };
    let learning_rate = case.number(&["q_lr"])?;
    Ok(Config {
        gamma: case.number(&["gamma"])?,
        learning_rate,
        policy_learning_rate: case.number(&["policy_lr"])?,
        polyak: case.number(&["tau"])?,
        temperature: if learned { Temperature::LearnedExp } else { Temperature::Fixed },
        // A learned log_alpha starts at 0.
        alpha: if learned { 1.0 } else { case.number(&["alpha"])? },
        alpha_learning_rate: case.number_or(&["alpha_lr"], learning_rate)?,
        target_entropy: TargetEntropy::Nats(case.number_or(&["target_entropy"], 0.0)?),
        adam_beta1,
        adam_beta2,
        adam_eps: case.number(&["adam", "eps"])?,
        ..Config::default()
    })
}

/// An update with its memory.
struct Replay {
    learner: Learner,
    program: Program,
    policy: (PolicyMemory, Program),
    batches: Batches,
    q: Network,
    actor: Network,
    /// Environment step of the first update, and how many lie between two updates and two moves of the targets.
    first_step: u32,
    update_every: u32,
    target_every: u32,
}

/// Replays all updates of a case.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let replay = Replay::new(case, device)?;
    let mut trace = Trace::default();
    for index in 0..replay.batches.steps() {
        let [before, after] = replay.run(device, index)?;
        replay.record(device, &mut trace, [&before, &after])?;
        let prefix = format!("step{}.", index + 1);
        if trace::any(case, &prefix) {
            replay.compare_samples(case, device, comparison, index, &prefix)?;
        }
        let prefix = format!("after{}", index + 1);
        if trace::any(case, &format!("{prefix}.")) {
            replay.compare_networks(case, device, comparison, &prefix)?;
        }
    }
    trace.compare(case, comparison)
}

impl Replay {
    fn new(case: &Case, device: &mut Device<'_>) -> Outcome<Replay> {
        let network = |name: &str| Network::read(case, name, Framework::Torch, Activation::Relu);
        let (q, actor) = (network("init.qf1.")?, network("init.actor.")?);
        if actor.outputs() != q.outputs() || actor.inputs() != q.inputs() {
            return malformed("actor and critics differ in inputs or outputs");
        }
        let update_every = case.whole("update_frequency")?.max(1);
        let target_every = case.whole("target_network_frequency")?.max(1);
        if target_every < update_every && case.number(&["tau"])? != 1.0 {
            return unsupported("several moves of the targets between two updates, with tau below 1");
        }
        let first_step = case.whole("first_global_step")?;
        let mut batches = Batches::read(case, &q)?;
        batches.divide_obs(255.0);
        let Ok(batch_size) = u32::try_from(batches.batch) else { return malformed("sizes beyond 32 bits") };
        let config = Config { batch_size, ..config(case)? };

        let mut buffers = Buffers::default();
        let networks = sac_discrete::networks(&config, &q.layout);
        let others = sac_discrete::policy(&config, &actor.layout);
        let learner = Learner::new(&mut buffers, batch_size, &networks, &others, 1);
        let lanes: Buffer<Lane> = buffers.add("lanes", 1, "");
        let mut update = Recording::default();
        sac_discrete::update(&mut update, &config, &learner, lanes, 1)?;
        let mut softmax = Recording::default();
        let policy = PolicyMemory::new(&mut buffers, &mut softmax, batches.batch, q.outputs())?;
        let program = device.prepare(&buffers, &update)?;
        let policy = (policy, device.also(&softmax)?);

        // The script does not clamp.
        let agent =
            Agent { log_alpha_min: -80.0, log_alpha_max: 80.0, ..hyper::agent(&config, q.outputs() as u32) };
        device.write(learner.records, &[agent])?;
        let weights = NETS.iter().map(|net| q.import(case, &format!("init.{net}.")));
        device.write(learner.q.group.weights, &weights.collect::<Outcome<Vec<_>>>()?.concat())?;
        let policy_group = &learner.others[0].group;
        device.write(policy_group.weights, &actor.import(case, "init.actor.")?)?;
        device.write(learner.q.group.optimizers, &[(networks.optimizer)(&config)])?;
        device.write(policy_group.optimizers, &[(others[0].optimizer)(&config)])?;
        device.write(learner.batch.importance, &vec![1.0; batches.batch])?;
        Ok(Replay { learner, program, policy, batches, q, actor, first_step, update_every, target_every })
    }

    /// Runs update `index`; the agent before and after it.
    fn run(&self, device: &mut Device<'_>, index: usize) -> Outcome<[Agent; 2]> {
        let optimizers = self.learner.q.group.optimizers;
        let step = u64::from(self.first_step) + index as u64 * u64::from(self.update_every);
        // A move between this update and the next is of the same weights.
        let until = (step + u64::from(self.update_every) - 1) / u64::from(self.target_every);
        let moves = until * u64::from(self.target_every) >= step;
        let optimizer: Optimizer = device.only(optimizers)?;
        let target_update_interval = if moves { 1 } else { u32::MAX };
        device.write(optimizers, &[Optimizer { target_update_interval, ..optimizer }])?;
        let before: Agent = device.only(self.learner.records)?;
        self.batches.load(device, &self.learner, index, before.gamma)?;
        device.run(self.program)?;
        Ok([before, device.only(self.learner.records)?])
    }

    /// The scalars of one update.
    fn record(
        &self,
        device: &mut Device<'_>,
        trace: &mut Trace,
        [before, after]: [&Agent; 2],
    ) -> Outcome<()> {
        let errors = device.read(self.learner.errors)?;
        let (first, second) = errors.split_at(self.batches.batch);
        let mean = |losses: &mut dyn Iterator<Item = f32>| {
            (losses.map(f64::from).sum::<f64>() / self.batches.batch as f64) as f32
        };
        let Some(step) = &self.learner.after else { return malformed("the update has no policy") };
        let policy_losses = device.read(step.losses)?;
        // The mean over batch and actions of -alpha pi (ln pi + Hbar), and its slope along ln alpha.
        let alpha_loss = before.alpha * (after.entropy - before.target_entropy) / self.q.outputs() as f32;
        for (name, value) in [
            ("alpha_before", before.alpha),
            ("alpha_after", after.alpha),
            ("qf1_loss", mean(&mut first.iter().map(|error| error.loss))),
            ("qf2_loss", mean(&mut second.iter().map(|error| error.loss))),
            ("actor_updated", 1.0),
            ("actor_loss", mean(&mut policy_losses.iter().copied())),
            ("alpha_loss", alpha_loss),
            ("log_alpha_after", after.log_alpha),
            ("log_alpha_grad", alpha_loss),
        ] {
            trace.push(name, value);
        }
        Ok(())
    }

    /// `step{k}.*`
    fn compare_samples(
        &self,
        case: &Case,
        device: &mut Device<'_>,
        comparison: &mut Comparison,
        index: usize,
        prefix: &str,
    ) -> Outcome<()> {
        let (actions, rows) = (self.q.outputs(), self.batches.batch);
        let slot = |values: &[f32], slot: usize| values[slot * rows * actions..][..rows * actions].to_vec();
        let q = device.read(self.learner.q())?;
        let taken = self.batches.taken(index);
        let at = |values: &[f32]| -> Vec<f32> {
            values.chunks_exact(actions).zip(&taken).map(|(row, action)| row[*action as usize]).collect()
        };
        let Some(after) = &self.learner.after else { return malformed("the update has no policy") };
        let values = device.read(after.q.outputs())?;
        let minimum: Vec<f32> =
            slot(&values, 0).iter().zip(slot(&values, 1)).map(|(a, b)| a.min(b)).collect();
        let targets = device.read(self.learner.targets)?;
        let logits = device.read(self.learner.others[0].outputs())?;
        let softmax = |device: &mut Device<'_>, which: usize| -> Outcome<Policy> {
            self.policy.0.evaluate(device, self.policy.1, &slot(&logits, which), 1.0)
        };
        let [now, next] = [softmax(device, 0)?, softmax(device, 1)?];
        for (name, got) in [
            ("td_target", &targets),
            ("qf1_a", &at(&slot(&q, 0))),
            ("qf2_a", &at(&slot(&q, 1))),
            ("next_log_pi", &next.log_probs),
            ("next_action_probs", &next.probs),
            ("log_pi", &now.log_probs),
            ("action_probs", &now.probs),
            ("min_qf", &minimum),
        ] {
            trace::part(case, comparison, [prefix, name, ""], got)?;
        }
        Ok(())
    }

    /// `after{k}.*`: weights, gradients and moments.
    fn compare_networks(
        &self,
        case: &Case,
        device: &mut Device<'_>,
        comparison: &mut Comparison,
        prefix: &str,
    ) -> Outcome<()> {
        let groups = [
            (&self.learner.q.group, &self.q, &NETS[..]),
            (&self.learner.others[0].group, &self.actor, &["actor"]),
        ];
        for (group, network, nets) in groups {
            let buffers = [
                ("", group.weights),
                ("grad.", group.grads),
                ("adam_m.", group.adam_m),
                ("adam_v.", group.adam_v),
            ];
            trace::group(case, device, comparison, (prefix, nets, network), &buffers)?;
        }
        Ok(())
    }
}
