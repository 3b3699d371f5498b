//! `coax_softq*`: coax's `SoftQLearning`, update by update, through the engine's own `soft_q`.

use serde_json::Value;

use crate::agents::hyper;
use crate::agents::learner::Learner;
use crate::agents::soft_q;
use crate::config::{Config, Loss, Temperature};
use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::metrics::{self, Metrics};
use crate::nn::{Evaluations, Inputs};
use crate::shared::agent::{Agent, Lane};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::{Framework, Network, activation};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::trace::{self, Trace};

/// Hyperparameters as coax means them.
fn configuration(case: &Case, batch: usize) -> Outcome<Config> {
    let text = |key: &str| case.config().get(key).and_then(Value::as_str);
    let loss = text("loss").unwrap_or("huber");
    let (loss, huber_delta) = if loss.starts_with("mse") {
        (Loss::HalfMse, 1.0)
    } else if let Some(rest) = loss.strip_prefix("huber") {
        let mut words = rest.split([',', ' ', '=', '(', ')']).skip_while(|word| *word != "delta");
        let delta = words.nth(1).and_then(|word| word.parse::<f64>().ok()).unwrap_or(1.0);
        (Loss::Huber, delta)
    } else {
        return unsupported(format!("loss '{loss}' is not built in"));
    };
    if let Some(optimizer) = text("optimizer").filter(|name| *name != "optax.adam") {
        return unsupported(format!("optimizer '{optimizer}' is not built in"));
    }
    let adam = |key: &'static str, default: f64| case.number_or(&["adam", key], default);
    if adam("eps_root", 0.0)? != 0.0 {
        return unsupported("Adam's eps_root is not built in");
    }
    let clip = case.config().get("weight_clip").and_then(Value::as_array);
    let clip = clip.map(|clip| clip.iter().filter_map(Value::as_f64).collect::<Vec<f64>>());
    if clip.is_some_and(|clip| clip != [0.1, 10.0]) {
        return unsupported("importance weights are clipped to 0.1 and 10 here");
    }
    let target_update = match case.config().get("target_update") {
        None | Some(Value::Null) => None,
        Some(_) => Some(case.number(&["target_update"])?),
    };
    let alpha = case.number(&["temperature"])?;
    if alpha <= 0.0 {
        return malformed(format!("a temperature of {alpha}"));
    }
    let Ok(batch_size) = u32::try_from(batch) else { return malformed("sizes beyond 32 bits") };
    Ok(Config {
        batch_size,
        gamma: case.number(&["gamma"])?,
        learning_rate: case.number(&["lr"])?,
        target_network: target_update.is_some(),
        polyak: target_update.unwrap_or(1.0),
        target_update_interval: 1,
        temperature: Temperature::Fixed,
        alpha,
        loss,
        huber_delta,
        max_grad_norm: 0.0,
        adam_beta1: adam("b1", 0.9)?,
        adam_beta2: adam("b2", 0.999)?,
        adam_eps: adam("eps", 1e-8)?,
        ..Config::default()
    })
}

/// The recorded n-step transitions.
struct Pool {
    obs: Vec<f32>,
    next_obs: Vec<f32>,
    actions: Vec<u32>,
    returns: Vec<f32>,
    factors: Vec<f32>,
    weights: Vec<f32>,
    width: usize,
}

impl Pool {
    fn read(case: &Case, network: &Network) -> Outcome<Pool> {
        let [size, width] = case.matrix("pool.S")?;
        if width != network.inputs() {
            return malformed(format!(
                "'pool.S' is {width} wide for a network of {} inputs",
                network.inputs()
            ));
        }
        let column = |name: &str| -> Outcome<Vec<f32>> { Ok(case.f32_of(name, &[size])?.to_vec()) };
        let actions = case.indices("pool.A", network.outputs())?;
        if actions.len() != size {
            return malformed("'pool.A' and 'pool.S' differ in length");
        }
        Ok(Pool {
            obs: case.f32("pool.S")?.to_vec(),
            next_obs: case.f32_of("pool.S_next", &[size, width])?.to_vec(),
            actions,
            returns: column("pool.Rn")?,
            factors: column("pool.In")?,
            weights: column("pool.W")?,
            width,
        })
    }

    fn size(&self) -> usize {
        self.actions.len()
    }
}

/// The update with its memory.
struct Replay {
    learner: Learner,
    metrics: Buffer<Metrics>,
    /// The target network at `s`, of which coax reports an error, though no update uses it.
    target_at_s: Evaluations,
    program: Program,
}

impl Replay {
    fn new(device: &mut Device<'_>, config: &Config, network: &Network, weights: &[f32]) -> Outcome<Replay> {
        let mut buffers = Buffers::default();
        let networks = soft_q::networks(config, &network.layout);
        let learner = Learner::new(&mut buffers, config.batch_size, &networks, &[], 1);
        let lanes: Buffer<Lane> = buffers.add("lanes", 1, "");
        let metrics = buffers.add("metrics", 1, "");
        let bootstrap = networks.slots[1].0;
        let inputs =
            Inputs { values: learner.batch.obs, count: learner.batch.inputs, batch: learner.batch.rows };
        let group = &learner.q.group;
        let target_at_s =
            Evaluations::new(&mut buffers, "target_at_s_", group, inputs, &[(bootstrap, 0)], 0, "");
        let mut recording = Recording::default();
        target_at_s.forward(&mut recording)?;
        soft_q::update(&mut recording, config, &learner, lanes, 1)?;
        let params = metrics::Params { num_lanes: 1, agents: 1 };
        metrics::record(&mut recording, params, learner.records, lanes, metrics)?;
        let program = device.prepare(&buffers, &recording)?;
        let Ok(actions) = u32::try_from(network.outputs()) else { return malformed("sizes beyond 32 bits") };
        let agent = Agent {
            // coax does not clamp.
            log_alpha_min: -80.0,
            log_alpha_max: 80.0,
            ..hyper::agent(config, actions)
        };
        device.write(learner.records, &[agent])?;
        device.write(learner.q.group.optimizers, &[hyper::optimizer(config)])?;
        device.write(learner.q.group.weights, weights)?;
        Ok(Replay { learner, metrics, target_at_s, program })
    }

    fn load(&self, device: &mut Device<'_>, pool: &Pool, rows: &[u32]) -> Outcome<()> {
        let states = |table: &[f32]| -> Vec<f32> {
            rows.iter().flat_map(|row| table[*row as usize * pool.width..][..pool.width].to_vec()).collect()
        };
        let column = |table: &[f32]| -> Vec<f32> { rows.iter().map(|row| table[*row as usize]).collect() };
        let learner = &self.learner;
        device.write(learner.batch.obs, &[states(&pool.obs), states(&pool.next_obs)].concat())?;
        let actions: Vec<u32> = rows.iter().map(|row| pool.actions[*row as usize]).collect();
        device.write(learner.batch.actions, &actions)?;
        device.write(learner.batch.rewards, &column(&pool.returns))?;
        device.write(learner.batch.discounts, &column(&pool.factors))?;
        Ok(device.write(learner.batch.importance, &column(&pool.weights))?)
    }
}

/// Replays all updates of a case.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let hidden = activation(case.config().get("activation").and_then(Value::as_str).unwrap_or("relu"))?;
    let mut network = Network::read(case, "init.online.", Framework::Haiku, hidden)?;
    // One output for several actions: coax's type 1.
    let actions = case.number_or(&["actions"], network.outputs() as f64)? as usize;
    if network.outputs() == 1 && actions > 1 {
        network = network.seeing_the_action(actions)?;
    }
    if network.layout.heads.len() != 1 {
        return unsupported("networks with several heads");
    }
    let pool = Pool::read(case, &network)?;
    let [_, batch] = case.matrix("batch_index")?;
    let rows = case.indices("batch_index", pool.size())?;
    let config = configuration(case, batch)?;
    let online = network.import(case, "init.online.")?;
    let target = if config.target_network { network.import(case, "init.target.")? } else { online.clone() };
    let replay = Replay::new(device, &config, &network, &[online, target].concat())?;
    let mut trace = Trace::default();
    for (index, rows) in rows.chunks_exact(batch).enumerate() {
        replay.load(device, &pool, rows)?;
        device.run(replay.program)?;
        let samples = Samples::read(device, &replay, &config, network.outputs())?;
        record(&mut trace, device, &replay, &samples, batch)?;
        let prefix = format!("step{}.", index + 1);
        if trace::any(case, &prefix) {
            let mut compare =
                |name: &str, got: &[f32]| trace::part(case, comparison, [&prefix, name, ""], got);
            compare("q", &samples.q)?;
            compare("target", &samples.targets)?;
            compare("td_error", &samples.td_errors)?;
        }
        after(case, device, comparison, &replay, &network, index + 1)?;
    }
    trace.compare(case, comparison)
}

/// Per-sample values of the update that ran last.
struct Samples {
    /// `Q(s, .)` `[batch, actions]`.
    q: Vec<f32>,
    targets: Vec<f32>,
    /// `y - Q(s, a)`, clipped where the loss is Huber's.
    td_errors: Vec<f32>,
    /// Gradient of the loss for the value of the action taken: weighted, divided by the batch.
    gradients: Vec<f32>,
    /// `Q(s, a) - Q'(s, a)`, clipped likewise and weighted.
    to_target: Vec<f32>,
}

impl Samples {
    fn read(device: &mut Device<'_>, replay: &Replay, config: &Config, actions: usize) -> Outcome<Samples> {
        let learner = &replay.learner;
        let batch = learner.batch.rows as usize;
        let q = device.read(learner.q())?[..batch * actions].to_vec();
        let target = device.read(replay.target_at_s.outputs())?;
        let taken = device.read(learner.batch.actions)?;
        let weights = device.read(learner.batch.importance)?;
        let clip = |error: f32| match config.loss {
            Loss::Huber => error.clamp(-config.huber_delta as f32, config.huber_delta as f32),
            _ => error,
        };
        let at = |row: usize| row * actions + taken[row] as usize;
        let errors = device.read(learner.errors)?;
        let Some(dq) = learner.q.output_deltas() else { return malformed("no gradient flows") };
        let dq = device.read(dq)?;
        Ok(Samples {
            targets: device.read(learner.targets)?,
            td_errors: errors.iter().map(|error| clip(-error.error)).collect(),
            gradients: (0..batch).map(|row| dq[at(row)]).collect(),
            to_target: (0..batch)
                .map(|row| weights[row].clamp(0.1, 10.0) * clip(q[at(row)] - target[at(row)]))
                .collect(),
            q,
        })
    }
}

/// The scalars of one update, as coax reports them.
fn record(
    trace: &mut Trace,
    device: &mut Device<'_>,
    replay: &Replay,
    samples: &Samples,
    batch: usize,
) -> Outcome<()> {
    let sum = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>();
    let group = &replay.learner.q.group;
    let (Some(metrics), Some(optimizer)) =
        (device.read(replay.metrics)?.first().copied(), device.read(group.optimizers)?.first().copied())
    else {
        return malformed("the agent record is empty");
    };
    let grads = device.read(group.grads)?;
    trace.push("loss", metrics.loss_sum);
    // mean(W td_error): the gradients carry weight and 1 / batch.
    trace.push("td_error", -sum(&samples.gradients) as f32);
    // coax divides by the batch twice, once in the loss and once in the mean.
    trace.push("td_error_targ", (sum(&samples.to_target) / (batch * batch) as f64) as f32);
    trace.push("grads_max", grads.iter().fold(0.0, |most: f32, g| most.max(g.abs())));
    trace.push("grads_norm", optimizer.grad_norm);
    Ok(())
}

/// `after{k}.*`
fn after(
    case: &Case,
    device: &mut Device<'_>,
    comparison: &mut Comparison,
    replay: &Replay,
    network: &Network,
    update: usize,
) -> Outcome<()> {
    let prefix = format!("after{update}.");
    if !trace::any(case, &prefix) {
        return Ok(());
    }
    let learnt = &replay.learner.q.group;
    let weights = device.read(learnt.weights)?;
    let (online, target) = weights.split_at(learnt.spec.net.params() as usize);
    let groups = [
        ("online", online.to_vec()),
        ("target", target.to_vec()),
        ("grad", device.read(learnt.grads)?),
        ("adam_m", device.read(learnt.adam_m)?),
        ("adam_v", device.read(learnt.adam_v)?),
    ];
    for (group, flat) in &groups {
        let stem = format!("{prefix}{group}.");
        if trace::any(case, &stem) {
            let bound = case.tolerance(&format!("{prefix}{group}"))?;
            for tensor in network.export(flat) {
                let label = format!("{stem}{}", tensor.name);
                let want = case.f32_of(&label, &tensor.shape)?;
                comparison.tensor(group, &label, &tensor.values, want, bound)?;
            }
        }
    }
    Ok(())
}
