//! `cleanrl_pqn_update*`: CleanRL's PQN (`pqn.py`) through [`soft_pqn`]'s own steps: the returns of a recorded rollout, then
//! single updates, each from its recorded state and minibatch.
//!
//! The script treats an episode that was cut like one that ended, so every end of a rollout is a termination here.

use serde_json::Value;

use crate::agents::experience::{Ring, Rollout};
use crate::agents::hyper;
use crate::agents::learner::Learner;
use crate::agents::soft_pqn;
use crate::config::{Config, LambdaBackup, OptimizerChoice, Temperature};
use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::Activation;
use crate::shared::agent::Lane;
use crate::shared::optimizer::Optimizer;
use crate::shared::transition::{GOES_ON, TERMINATED, Transition, TransitionLayout};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::{Framework, Network};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::trace;

/// Hyperparameters as the script means them.
fn config(case: &Case) -> Outcome<Config> {
    let whole = |name: &str| match case.number(&[name])? {
        number if number.fract() == 0.0 && (1.0..=65_536.0).contains(&number) => Ok(number as u32),
        number => malformed(format!("config.{name} is {number}, expected a whole number up to 65,536")),
    };
    let of = |name: &str| case.config().pointer(&format!("/optimizer/{name}"));
    if of("name").and_then(Value::as_str) != Some("RAdam") {
        return unsupported(format!("the optimizer {:?} of a PQN case is not built in", of("name")));
    }
    let betas = of("betas").and_then(Value::as_array).map(Vec::as_slice);
    let Some([Some(adam_beta1), Some(adam_beta2)]) = betas.and_then(|betas| match betas {
        [first, second] => Some([first.as_f64(), second.as_f64()]),
        _ => None,
    }) else {
        return malformed("config has no 'optimizer.betas'");
    };
    if case.number(&["optimizer", "weight_decay"])? != 0.0 {
        return unsupported("the networks of a PQN case are without weight decay");
    }
    Ok(Config {
        gamma: case.number(&["gamma"])?,
        q_lambda: case.number(&["q_lambda"])?,
        lambda_backup: LambdaBackup::Max,
        temperature: Temperature::Fixed,
        optimizer: OptimizerChoice::Radam,
        // The rate of the recorded iteration; it falls from one to the next.
        learning_rate: case.number(&["lr_used"])?,
        max_grad_norm: case.number(&["max_grad_norm"])?,
        adam_beta1,
        adam_beta2,
        adam_eps: case.number(&["optimizer", "eps"])?,
        train_frequency: whole("T")?,
        num_envs: whole("N")?,
        batch_size: whole("minibatch_size")?,
        layer_norm: true,
        ..Config::default()
    })
}

/// The rollout and an update with their memory.
struct Replay {
    network: Network,
    learner: Learner,
    rollout: Rollout,
    lanes: Buffer<Lane>,
    optimizer: Optimizer,
    programs: [Program; 2],
    /// Rows of a minibatch.
    batch: usize,
}

/// Replays the returns and every update of a case.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let config = config(case)?;
    let replay = Replay::new(case, &config, device)?;
    replay.load(case, &config, device)?;
    device.write(replay.learner.q.group.weights, &replay.network.import(case, "init.")?)?;
    device.run(replay.programs[0])?;
    replay.compare_values(case, &config, device, comparison)?;
    let Some(updates) = case.config().get("updates").and_then(Value::as_object) else {
        return malformed("config has no 'updates'");
    };
    for (update, entry) in updates {
        let steps = entry.get("step_before").and_then(Value::as_f64);
        let steps = steps.filter(|steps| steps.fract() == 0.0 && (0.0..4e9).contains(steps));
        let steps = steps.map(|steps| steps as u32);
        let Some(steps) = steps else { return malformed(format!("update {update} has no 'step_before'")) };
        replay.one(case, device, comparison, (&format!("update{update}."), steps))?;
    }
    Ok(())
}

impl Replay {
    fn new(case: &Case, config: &Config, device: &mut Device<'_>) -> Outcome<Replay> {
        let network = Network::read(case, "init.", Framework::Torch, Activation::Relu)?;
        if case.number(&["layernorm_eps"])? != 1e-5 {
            return unsupported("the eps of layer normalisation is 1e-5 here");
        }
        let mut buffers = Buffers::default();
        let networks = soft_pqn::networks(config, &network.layout);
        let learner = Learner::new(&mut buffers, config.batch_size, &networks, &[], 1);
        let lanes = buffers.add("lanes", u64::from(config.num_envs), "");
        let obs_size = network.inputs() as u32;
        let layout = TransitionLayout { obs_size, obs_bits: 32, action_words: 1 };
        let ring = Ring::new(&mut buffers, layout, 1, (config.rollout(), config.num_envs), "");
        let rollout = Rollout::new(&mut buffers, ring, &learner.q.group);
        let (mut pass, mut update) = (Recording::default(), Recording::default());
        soft_pqn::returns(&mut pass, config, &learner, &rollout, lanes)?;
        let learned = [learner.targets, learner.entropies];
        rollout.sample(&mut update, learner.records, (0, true), &learner.batch, learned)?;
        soft_pqn::update(&mut update, config, &learner, lanes, config.num_envs)?;
        let programs = [device.prepare(&buffers, &pass)?, device.also(&update)?];
        let agent = hyper::agent(config, network.outputs() as u32);
        device.write(learner.records, &[agent])?;
        let batch = config.batch_size as usize;
        device.write(learner.batch.importance, &vec![1.0; batch])?;
        let optimizer = (networks.optimizer)(config);
        Ok(Replay { network, learner, rollout, lanes, optimizer, programs, batch })
    }

    /// Writes the recorded transitions into the ring, as if they had just been made.
    fn load(&self, case: &Case, config: &Config, device: &mut Device<'_>) -> Outcome<()> {
        let [steps, lanes] = [config.train_frequency, config.num_envs].map(|size| size as usize);
        let width = self.network.inputs();
        let part = |name: &str, shape: &[usize]| case.f32_of(&format!("rollout.{name}"), shape);
        let obs = part("obs", &[steps, lanes, width])?;
        let behind = [&obs[lanes * width..], part("next_obs", &[lanes, width])?].concat();
        let rewards = part("rewards", &[steps, lanes])?;
        // dones[t] says that step t - 1 ended.
        let dones = [&part("dones", &[steps, lanes])?[lanes..], part("next_done", &[lanes])?].concat();
        let actions = case.indices("rollout.actions", self.network.outputs())?;
        if actions.len() != steps * lanes {
            return malformed(format!("'rollout.actions' has {} values", actions.len()));
        }
        let layout = self.rollout.ring.layout;
        let mut words = vec![0; steps * lanes * layout.words()];
        for (row, to) in words.chunks_exact_mut(layout.words()).enumerate() {
            let [obs, next_obs] = [obs, &behind].map(|all: &[f32]| &all[row * width..][..width]);
            let ended = if dones[row] != 0.0 { TERMINATED } else { GOES_ON };
            let action = &actions[row..=row];
            layout.store(to, Transition { obs, next_obs, action, reward: rewards[row], ended });
        }
        device.write(self.rollout.ring.replay, &words)?;
        Ok(device.write(self.lanes, &vec![Lane { step: steps as u32, ..Lane::default() }; lanes])?)
    }

    /// The values of the states, as the next ones of the steps before them, and the returns.
    fn compare_values(
        &self,
        case: &Case,
        config: &Config,
        device: &mut Device<'_>,
        comparison: &mut Comparison,
    ) -> Outcome<()> {
        let [steps, lanes] = [config.train_frequency, config.num_envs].map(|size| size as usize);
        let actions = self.network.outputs();
        let bound = case.tolerance("returns")?;
        let next = device.read(self.rollout.next.outputs())?;
        let (inside, last) = next.split_at((steps - 1) * lanes * actions);
        let largest = |q: &[f32]| q.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let values: Vec<f32> = inside.chunks_exact(actions).map(largest).collect();
        let recorded = &case.f32_of("rollout.values", &[steps, lanes])?[lanes..];
        comparison.tensor("values", "rollout.values[1..]", &values, recorded, bound)?;
        let recorded = case.f32_of("rollout.last_q", &[lanes, actions])?;
        comparison.tensor("values", "rollout.last_q", last, recorded, bound)?;
        let results = device.read(self.rollout.returns)?;
        let returns: Vec<f32> = results.iter().map(|result| result.value).collect();
        comparison.tensor("returns", "returns", &returns, case.f32_of("returns", &[steps, lanes])?, bound)
    }

    /// One update from its recorded state.
    fn one(
        &self,
        case: &Case,
        device: &mut Device<'_>,
        comparison: &mut Comparison,
        (prefix, steps): (&str, u32),
    ) -> Outcome<()> {
        let group = &self.learner.q.group;
        // The first update starts from the initial weights and without moments.
        for (name, buffer) in [("w", group.weights), ("m", group.adam_m), ("v", group.adam_v)] {
            let stem = format!("{prefix}before.{name}.");
            let before = match (steps, trace::any(case, &stem), name) {
                (0, false, "w") => self.network.import(case, "init.")?,
                (0, false, _) => vec![0.0; self.network.layout.params() as usize],
                _ => self.network.import(case, &stem)?,
            };
            device.write(buffer, &before)?;
        }
        device.write(group.optimizers, &[Optimizer { steps, ..self.optimizer }])?;
        // The recorded returns have passed; what follows takes them as they are.
        let mut results = device.read(self.rollout.returns)?;
        let recorded = case.f32("returns")?;
        results.iter_mut().zip(recorded).for_each(|(result, value)| result.value = *value);
        device.write(self.rollout.returns, &results)?;
        let rows = case.indices(&format!("{prefix}batch_index"), self.rollout.ring.capacity as usize)?;
        if rows.len() != self.batch {
            return malformed(format!("'{prefix}batch_index' has {} rows", rows.len()));
        }
        device.write(self.learner.batch.actions, &rows)?;
        device.run(self.programs[1])?;
        self.compare(case, device, comparison, prefix)
    }

    /// What an update leaves.
    fn compare(
        &self,
        case: &Case,
        device: &mut Device<'_>,
        comparison: &mut Comparison,
        prefix: &str,
    ) -> Outcome<()> {
        let group = &self.learner.q.group;
        let errors = device.read(self.learner.errors)?;
        let loss = errors.iter().map(|error| f64::from(error.loss)).sum::<f64>() / self.batch as f64;
        trace::part(case, comparison, [prefix, "loss", ""], &[loss as f32])?;
        let actions = device.read(self.learner.batch.actions)?;
        let q = device.read(self.learner.q())?;
        let taken = q.chunks_exact(self.network.outputs()).zip(&actions).map(|(q, a)| q[*a as usize]);
        trace::part(case, comparison, [prefix, "old_val", ""], &taken.collect::<Vec<f32>>())?;
        let Some(optimizer) = device.read(group.optimizers)?.first().copied() else {
            return malformed("the optimiser's record is empty");
        };
        trace::part(case, comparison, [prefix, "total_norm", ""], &[optimizer.grad_norm])?;
        let grads = device.read(group.grads)?;
        let clipped: Vec<f32> = grads.iter().map(|g| g * optimizer.grad_scale).collect();
        for (kind, flat) in [
            ("grad", &grads),
            ("clipped", &clipped),
            ("after.w", &device.read(group.weights)?),
            ("after.m", &device.read(group.adam_m)?),
            ("after.v", &device.read(group.adam_v)?),
        ] {
            let stem = format!("{prefix}{kind}");
            if !trace::any(case, &format!("{stem}.")) {
                continue;
            }
            let bound = case.tolerance(&stem)?;
            for tensor in self.network.export(flat) {
                let label = format!("{stem}.{}", tensor.name);
                let want = case.f32_of(&label, &tensor.shape)?;
                comparison.tensor(kind, &label, &tensor.values, want, bound)?;
            }
        }
        Ok(())
    }
}
