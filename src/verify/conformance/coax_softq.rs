//! `coax_softq*`: coax's `SoftQLearning`, update by update, through the engine's own `soft_q`.

mod double;
mod engine;

use serde_json::Value;

use crate::config::{Config, Loss, Temperature};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::{Comparison, Sink};
use crate::verify::conformance::device::Device;
use crate::verify::conformance::kinks;
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
pub struct Pool {
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

/// What one update left.
#[derive(Default)]
pub struct Left {
    /// `Q(s, .)` `[batch, actions]`.
    q: Vec<f32>,
    /// `y`
    targets: Vec<f32>,
    /// `y - Q(s, a)`, clipped where the loss is Huber's.
    td_errors: Vec<f32>,
    /// Gradient of the loss for the value of the action taken: weighted, divided by the batch.
    gradients: Vec<f32>,
    /// `Q(s, a) - Q'(s, a)`, clipped likewise and weighted.
    to_target: Vec<f32>,
    loss: f32,
    /// Gradient of the parameters, and its norm.
    grads: Vec<f32>,
    norm: f32,
}

/// Weights and moments.
pub struct State {
    online: Vec<f32>,
    target: Vec<f32>,
    adam_m: Vec<f32>,
    adam_v: Vec<f32>,
}

/// Somebody who computes updates, one after the other.
pub trait Coax {
    /// Runs update `number`, from 1, on these rows.
    fn run(&mut self, number: usize, rows: &[u32]) -> Outcome<Left>;
    /// Where learning stands.
    fn state(&mut self) -> Outcome<State>;
}

/// Replays all updates of a case.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let file = File::read(case)?;
    let mut engine = engine::Replay::new(device, &file)?;
    kinks::compare(comparison, &mut |sink| file.play(&mut engine, sink), &|flips, sink| {
        let Some(mut double) = double::Double::new(&file, flips) else { return Ok(None) };
        file.play(&mut double, sink)?;
        Ok(Some(double.near()))
    })
}

/// A file: what its updates start from, and the rows of each.
pub struct File<'a> {
    case: &'a Case,
    network: Network,
    config: Config,
    pool: Pool,
    rows: Vec<u32>,
    batch: usize,
    /// Online before target; without a target network both are the same.
    weights: Vec<f32>,
}

impl<'a> File<'a> {
    fn read(case: &'a Case) -> Outcome<File<'a>> {
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
        let target =
            if config.target_network { network.import(case, "init.target.")? } else { online.clone() };
        Ok(File { case, network, config, pool, rows, batch, weights: [online, target].concat() })
    }

    /// Goes through all updates.
    fn play(&self, coax: &mut dyn Coax, sink: &mut dyn Sink) -> Outcome<()> {
        let mut trace = Trace::default();
        for (number, rows) in (1..).zip(self.rows.chunks_exact(self.batch)) {
            sink.update(number);
            let left = coax.run(number, rows)?;
            record(&mut trace, &left, self.batch);
            trace.tell(sink);
            let prefix = format!("step{number}.");
            if trace::any(self.case, &prefix) {
                let mut compare =
                    |name: &str, got: &[f32]| trace::part(self.case, sink, [&prefix, name, ""], got);
                compare("q", &left.q)?;
                compare("target", &left.targets)?;
                compare("td_error", &left.td_errors)?;
            }
            self.after(coax, sink, &left, number)?;
            if sink.is_done() {
                return Ok(());
            }
        }
        trace.compare(self.case, sink)
    }

    /// `after{k}.*`
    fn after(&self, coax: &mut dyn Coax, sink: &mut dyn Sink, left: &Left, number: usize) -> Outcome<()> {
        let prefix = format!("after{number}.");
        if !trace::any(self.case, &prefix) {
            return Ok(());
        }
        let State { online, target, adam_m, adam_v } = coax.state()?;
        let groups = [
            ("online", &online),
            ("target", &target),
            ("grad", &left.grads),
            ("adam_m", &adam_m),
            ("adam_v", &adam_v),
        ];
        for (group, flat) in groups {
            let stem = format!("{prefix}{group}.");
            if trace::any(self.case, &stem) {
                let bound = self.case.tolerance(&format!("{prefix}{group}"))?;
                for tensor in self.network.export(flat) {
                    let label = format!("{stem}{}", tensor.name);
                    let want = self.case.f32_of(&label, &tensor.shape)?;
                    sink.tensor(group, &label, &tensor.values, want, bound)?;
                }
            }
        }
        Ok(())
    }
}

/// The scalars of one update, as coax reports them.
fn record(trace: &mut Trace, left: &Left, batch: usize) {
    let sum = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>();
    trace.push("loss", left.loss);
    // mean(W td_error): the gradients carry weight and 1 / batch.
    trace.push("td_error", -sum(&left.gradients) as f32);
    // coax divides by the batch twice, once in the loss and once in the mean.
    trace.push("td_error_targ", (sum(&left.to_target) / (batch * batch) as f64) as f32);
    trace.push("grads_max", left.grads.iter().fold(0.0, |most: f32, g| most.max(g.abs())));
    trace.push("grads_norm", left.norm);
}
