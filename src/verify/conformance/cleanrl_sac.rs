//! `cleanrl_sac_continuous_*`: CleanRL's SAC (`sac_continuous_action.py`) with given noise, through the engine's own steps: the
//! critics, then the policy with the new critics, then alpha with a fresh action of the new policy.
//!
//! The script trains the policy only every `policy_frequency` steps, and then as often in a row; it moves the targets by its
//! count of steps. Both counts start at `first_global_step`.

use serde_json::Value;

use crate::agents::continuous::{At, Drawn};
use crate::agents::hyper;
use crate::agents::learner::{After, Learner};
use crate::agents::sac;
use crate::config::{Config, LogStdForm, TargetEntropy, Temperature};
use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::Activation;
use crate::shared::agent::{Agent, Lane};
use crate::shared::optimizer::Optimizer;
use crate::shared::tanh_gaussian::LogStd;
use crate::verify::conformance::batches::Batches;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::cleanrl_tanh_gaussian::{FLOOR, space};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::{Framework, Network};
use crate::verify::conformance::report::{Outcome, malformed};
use crate::verify::conformance::trace::{self, Trace};

/// Names of the critics, online and target, in the engine's order.
const NETS: [&str; 4] = ["qf1", "qf2", "qf1_target", "qf2_target"];

/// Hyperparameters as the script means them, without batch size and networks.
fn config(case: &Case) -> Outcome<Config> {
    let Some(learned) = case.config().get("autotune").and_then(Value::as_bool) else {
        return malformed("config has no 'autotune'");
    };
    let beta = |index: usize| case.config().pointer(&format!("/adam/betas/{index}")).and_then(Value::as_f64);
    let (Some(adam_beta1), Some(adam_beta2)) = (beta(0), beta(1)) else {
        return malformed("config has no 'adam.betas'");
    };
    let end =
        |index: usize| case.config().pointer(&format!("/log_std_range/{index}")).and_then(Value::as_f64);
    let (Some(log_std_min), Some(log_std_max)) = (end(0), end(1)) else {
        return malformed("config has no 'log_std_range'");
    };
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
        log_std: LogStdForm::Squashed,
        log_std_min,
        log_std_max,
        adam_beta1,
        adam_beta2,
        adam_eps: case.number(&["adam", "eps"])?,
        ..Config::default()
    })
}

/// The recorded parts of an update.
struct Programs {
    critics: Program,
    policy: Program,
    fresh: Program,
    temperature: Program,
}

/// An update with its memory.
struct Replay<'a> {
    learner: Learner,
    drawn: Drawn,
    programs: Programs,
    batches: Batches,
    critic: Network,
    actor: Network,
    learned: bool,
    /// Step of the first update, and how many lie between two moves of the targets and two trainings of the policy.
    first_step: u32,
    target_every: u32,
    policy_every: u32,
    /// `[steps, draws, batch, dims]`
    noise: &'a [f32],
    draws: usize,
    /// Steps of alpha so far.
    alpha_steps: u32,
}

/// What the last training of the policy in an update left.
#[derive(Default)]
struct Trained {
    actions: Vec<f32>,
    values: Vec<f32>,
    log_probs: Vec<f32>,
    loss: f32,
    alpha_loss: f32,
}

/// Replays all updates of a case.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let mut replay = Replay::new(case, device)?;
    let mut trace = Trace::default();
    for index in 0..replay.batches.steps() {
        let before: Agent = device.only(replay.learner.records)?;
        replay.critics(device, index, before.gamma)?;
        let trained = replay.policy(device, index)?;
        let after: Agent = device.only(replay.learner.records)?;
        replay.record(device, &mut trace, [&before, &after], trained.as_ref())?;
        let prefix = format!("step{}.", index + 1);
        if trace::any(case, &prefix) {
            replay.compare_samples(case, device, comparison, &prefix, trained.as_ref())?;
        }
        let prefix = format!("after{}", index + 1);
        if trace::any(case, &format!("{prefix}.")) {
            replay.compare_networks(case, device, comparison, &prefix)?;
        }
    }
    trace.compare(case, comparison)
}

impl<'a> Replay<'a> {
    fn new(case: &'a Case, device: &mut Device<'_>) -> Outcome<Replay<'a>> {
        let critic = Network::read(case, "init.qf1.", Framework::Torch, Activation::Relu)?;
        let actor = Network::read_gaussian(case, "init.actor.", Activation::Relu)?;
        let (obs, dims) = (actor.inputs(), actor.outputs() / 2);
        if critic.inputs() != obs + dims || critic.outputs() != 1 {
            return malformed("the critics do not see an observation and an action, or have not one output");
        }
        let batches = Batches::of_real_actions(case, obs, dims)?;
        let (target_every, policy_every) =
            (case.whole("target_network_frequency")?.max(1), case.whole("policy_frequency")?.max(1));
        let Ok(batch_size) = u32::try_from(batches.batch) else { return malformed("sizes beyond 32 bits") };
        let config = Config { batch_size, ..config(case)? };
        let learned = config.temperature != Temperature::Fixed;
        let draws = 1 + policy_every as usize * if learned { 2 } else { 1 };
        let shape = case.shape("noise")?.to_vec();
        let [steps, given, rows, columns] = shape[..] else {
            return malformed("'noise' has not 4 dimensions");
        };
        if steps < batches.steps() || given < draws || rows != batches.batch || columns != dims {
            return malformed(format!(
                "'noise' is {shape:?}: too small, or not of the batch and the actions"
            ));
        }

        let mut buffers = Buffers::default();
        let networks = sac::networks(&config, &critic.layout);
        let others = sac::policy(&config, &actor.layout);
        let mut learner = Learner::new(&mut buffers, batch_size, &networks, &others, 1);
        let Some(drawn) = &mut learner.drawn else { return malformed("the learner draws no actions") };
        drawn.given = true;
        drawn.floor = FLOOR;
        drawn.log_std =
            LogStd { low: config.log_std_min as f32, high: config.log_std_max as f32, squashed: 1 };
        let drawn = *drawn;
        let lanes: Buffer<Lane> = buffers.add("lanes", 1, "");
        let policy = &learner.others[0];
        let mut critics = Recording::default();
        policy.forward(&mut critics)?;
        sac::critic_step(&mut critics, &config, &learner)?;
        learner.finish(&mut critics)?;
        let mut train = Recording::default();
        policy.forward(&mut train)?;
        sac::policy_step(&mut train, &config, &learner)?;
        let mut fresh = Recording::default();
        policy.forward(&mut fresh)?;
        drawn.draw(&mut fresh, learner.records, policy, At::State)?;
        let mut temperature = Recording::default();
        learner.temperature_step(&mut temperature, config.temperature, lanes, 1)?;
        let programs = Programs {
            critics: device.prepare(&buffers, &critics)?,
            policy: device.also(&train)?,
            fresh: device.also(&fresh)?,
            temperature: device.also(&temperature)?,
        };

        // The script does not clamp.
        let agent = hyper::agent_of_dimensions(&config, dims as u32);
        let agent = Agent { log_alpha_min: -80.0, log_alpha_max: 80.0, ..agent };
        device.write(learner.records, &[agent])?;
        let weights = NETS.iter().map(|net| critic.import(case, &format!("init.{net}.")));
        device.write(learner.q.group.weights, &weights.collect::<Outcome<Vec<_>>>()?.concat())?;
        device.write(policy.group.weights, &actor.import(case, "init.actor.")?)?;
        device.write(learner.q.group.optimizers, &[(networks.optimizer)(&config)])?;
        device.write(policy.group.optimizers, &[(others[0].optimizer)(&config)])?;
        device.write(learner.batch.importance, &vec![1.0; batches.batch])?;
        device.write(drawn.spaces, &space(case, dims)?)?;
        let noise = case.f32("noise")?;
        let first_step = case.whole("first_global_step")?;
        let (draws, alpha_steps) = (given, 0);
        Ok(Replay {
            learner,
            drawn,
            programs,
            batches,
            critic,
            actor,
            learned,
            first_step,
            target_every,
            policy_every,
            noise,
            draws,
            alpha_steps,
        })
    }

    /// Noise number `draw` of update `index`.
    fn given(&self, index: usize, draw: usize) -> &'a [f32] {
        let row = self.batches.batch * self.drawn.dims as usize;
        &self.noise[(index * self.draws + draw) * row..][..row]
    }

    /// Writes the noise of a draw where it is read.
    fn set_noise(&self, device: &mut Device<'_>, at: At, values: &[f32]) -> Outcome<()> {
        let mut all = device.read(self.drawn.noise)?;
        all[at.draw() as usize * values.len()..][..values.len()].copy_from_slice(values);
        Ok(device.write(self.drawn.noise, &all)?)
    }

    /// The critics' step of update `index`.
    fn critics(&self, device: &mut Device<'_>, index: usize, gamma: f32) -> Outcome<()> {
        let optimizers = self.learner.q.group.optimizers;
        let moves = (self.first_step + index as u32).is_multiple_of(self.target_every);
        let optimizer: Optimizer = device.only(optimizers)?;
        let target_update_interval = if moves { 1 } else { u32::MAX };
        device.write(optimizers, &[Optimizer { target_update_interval, ..optimizer }])?;
        self.batches.load(device, &self.learner, index, gamma)?;
        self.set_noise(device, At::NextState, self.given(index, 0))?;
        Ok(device.run(self.programs.critics)?)
    }

    /// The policy's steps of update `index`, if it has any, each followed by one of alpha.
    fn policy(&mut self, device: &mut Device<'_>, index: usize) -> Outcome<Option<Trained>> {
        if !(self.first_step + index as u32).is_multiple_of(self.policy_every) {
            return Ok(None);
        }
        let Some(After { q, losses }) = &self.learner.after else { return malformed("there is no policy") };
        let (values, losses, batch) = (q.outputs(), *losses, self.batches.batch);
        let mut trained = Trained::default();
        for turn in 0..self.policy_every as usize {
            let draw = 1 + if self.learned { 2 * turn } else { turn };
            self.set_noise(device, At::State, self.given(index, draw))?;
            device.run(self.programs.policy)?;
            trained.actions = self.actions(device, At::State)?;
            let both = device.read(values)?;
            trained.values = both[..batch].iter().zip(&both[batch..]).map(|(a, b)| a.min(*b)).collect();
            trained.loss = mean(&device.read(losses)?);
            trained.log_probs = self.log_probs(device, At::State)?;
            if self.learned {
                self.set_noise(device, At::State, self.given(index, draw + 1))?;
                device.run(self.programs.fresh)?;
                trained.log_probs = self.log_probs(device, At::State)?;
                trained.alpha_loss = self.temperature(device, -mean(&trained.log_probs))?;
            }
        }
        Ok(Some(trained))
    }

    /// A step of alpha by the entropy of a fresh action; the loss, which is its gradient along `ln alpha` too.
    fn temperature(&mut self, device: &mut Device<'_>, entropy: f32) -> Outcome<f32> {
        let agent: Agent = device.only(self.learner.records)?;
        self.alpha_steps += 1;
        let counted = Agent { entropy, updates: self.alpha_steps, ..agent };
        device.write(self.learner.records, &[counted])?;
        device.run(self.programs.temperature)?;
        let after: Agent = device.only(self.learner.records)?;
        device.write(self.learner.records, &[Agent { updates: agent.updates, ..after }])?;
        Ok(agent.alpha * (entropy - agent.target_entropy))
    }

    fn actions(&self, device: &mut Device<'_>, at: At) -> Outcome<Vec<f32>> {
        let (dims, obs) = (self.drawn.dims as usize, self.drawn.obs_size as usize);
        let inputs = device.read(self.drawn.inputs)?;
        let size = self.batches.batch * (obs + dims);
        let rows = inputs[at.input() as usize * size..][..size].chunks(obs + dims);
        Ok(rows.flat_map(|row| row[obs..].to_vec()).collect())
    }

    fn log_probs(&self, device: &mut Device<'_>, at: At) -> Outcome<Vec<f32>> {
        let batch = self.batches.batch;
        Ok(device.read(self.drawn.log_probs)?[at.draw() as usize * batch..][..batch].to_vec())
    }

    /// The scalars of one update; those of the policy and of alpha are 0 where it had no training.
    fn record(
        &self,
        device: &mut Device<'_>,
        trace: &mut Trace,
        [before, after]: [&Agent; 2],
        trained: Option<&Trained>,
    ) -> Outcome<()> {
        let losses: Vec<f32> = device.read(self.learner.errors)?.iter().map(|error| error.loss).collect();
        let (first, second) = losses.split_at(self.batches.batch);
        let updated = if trained.is_some() { 1.0 } else { 0.0 };
        for (name, value) in [
            ("alpha_before", before.alpha),
            ("alpha_after", after.alpha),
            ("qf1_loss", mean(first)),
            ("qf2_loss", mean(second)),
            ("actor_updated", updated),
            ("actor_loss", trained.map_or(0.0, |trained| trained.loss)),
            ("alpha_loss", trained.map_or(0.0, |trained| trained.alpha_loss)),
            ("log_alpha_after", after.log_alpha),
            ("log_alpha_grad", trained.map_or(0.0, |trained| trained.alpha_loss)),
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
        prefix: &str,
        trained: Option<&Trained>,
    ) -> Outcome<()> {
        let q = device.read(self.learner.q())?;
        let batch = self.batches.batch;
        let mut parts = vec![
            ("td_target", device.read(self.learner.targets)?),
            ("qf1_a", q[..batch].to_vec()),
            ("qf2_a", q[batch..2 * batch].to_vec()),
            ("next_action", self.actions(device, At::NextState)?),
            ("next_log_pi", self.log_probs(device, At::NextState)?),
        ];
        if let Some(Trained { actions, values, log_probs, .. }) = trained {
            parts.push(("action", actions.clone()));
            parts.push(("min_qf", values.clone()));
            parts.push(("log_pi_of_last_alpha_step", log_probs.clone()));
        }
        for (name, got) in parts {
            trace::part(case, comparison, [prefix, name, ""], &got)?;
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
            (&self.learner.q.group, &self.critic, &NETS[..]),
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

fn mean(values: &[f32]) -> f32 {
    (values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64) as f32
}
