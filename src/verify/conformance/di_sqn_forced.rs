//! `di_sqn_forced_*`: single updates of DI-engine's SQN, each from its recorded state, so that no rounding of one update
//! reaches another. `update{k}.before.*` is loaded, one update runs on `update{k}.batch.*`, and `update{k}.after.*` is compared.

use serde_json::Value;

use crate::kernels::Activation;
use crate::verify::conformance::batches::Batches;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::{Comparison, Sink};
use crate::verify::conformance::device::Device;
use crate::verify::conformance::di_sqn::{compare_samples, setup, single};
use crate::verify::conformance::double::{self, Recorded};
use crate::verify::conformance::learning::{Learning, State, Step};
use crate::verify::conformance::network::{Framework, Network};
use crate::verify::conformance::report::{Outcome, malformed};
use crate::verify::conformance::trace;

const NETS: [&str; 2] = ["q0", "q1"];

/// Replays every update of a case.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let updates = updates(case)?;
    let Some(first) = updates.first() else { return malformed("config has no updates") };
    let prefix = format!("update{first}.before.online.q0.");
    let network = Network::read(case, &prefix, Framework::Torch, Activation::Relu)?;
    let mut batches = Batches::forced(case, &network, &updates)?;
    if case.config().get("ignore_done").and_then(Value::as_bool) == Some(true) {
        batches.ignore_done();
    }
    let setup = setup(case, &format!("update{first}.before.log_alpha"))?;
    let states = updates.iter().map(|update| state(case, &network, *update)).collect::<Outcome<Vec<_>>>()?;
    let recorded = Recorded {
        setup: &setup,
        network: &network,
        batches: &batches,
        weights: &states[0].weights,
        numbers: updates.iter().map(|update| *update as usize).collect(),
    };
    double::replay(device, comparison, &recorded, &|learning, sink| {
        for (index, state) in states.iter().enumerate() {
            sink.update(recorded.numbers[index]);
            learning.load(state)?;
            one(case, learning, sink, (index, recorded.numbers[index]), setup.conventions.later_head_weight)?;
            if sink.is_done() {
                break;
            }
        }
        Ok(())
    })
}

/// Runs one update and hands over what it leaves.
fn one(
    case: &Case,
    learning: &mut dyn Learning,
    sink: &mut dyn Sink,
    (index, update): (usize, usize),
    later_head_weight: f32,
) -> Outcome<()> {
    let step = learning.run(index, None)?;
    let prefix = format!("update{update}.");
    compare_losses(case, sink, &prefix, &step, later_head_weight)?;
    for head in 0..learning.heads() {
        let prefix = format!("{prefix}sample.");
        compare_samples(case, sink, learning, (index, head), &step, &prefix)?;
    }
    for (net, flat) in NETS.iter().zip(&learning.grads()?) {
        trace::network(case, sink, learning.network(), [&prefix, "grad", net], flat)?;
    }
    let after = format!("{prefix}after.");
    for (name, value) in [
        ("log_alpha", step.after.log_alpha),
        ("alpha_m", step.after.alpha_m),
        ("alpha_v", step.after.alpha_v),
    ] {
        trace::part(case, sink, [&after, name, ""], &[value])?;
    }
    let weights = learning.weights()?;
    for (group, flat) in [
        ("online", &weights[..2]),
        ("target", &weights[2..]),
        ("adam_m", &learning.adam_m()?[..]),
        ("adam_v", &learning.adam_v()?[..]),
    ] {
        for (net, flat) in NETS.iter().zip(flat) {
            trace::network(case, sink, learning.network(), [&after, group, net], flat)?;
        }
    }
    Ok(())
}

/// Numbers of the recorded updates, in order.
fn updates(case: &Case) -> Outcome<Vec<u32>> {
    let Some(table) = case.config().get("updates").and_then(Value::as_object) else {
        return malformed("config has no 'updates'");
    };
    let numbers: Option<Vec<u32>> = table.keys().map(|key| key.parse().ok()).collect();
    let Some(mut numbers) = numbers else { return malformed("a key of 'updates' is no number") };
    numbers.sort_unstable();
    Ok(numbers)
}

/// The state before an update. Moments that are left out are zero, which they are before the first update alone.
fn state(case: &Case, network: &Network, update: u32) -> Outcome<State> {
    let prefix = format!("update{update}.before.");
    let updates = case.number(&["updates", &update.to_string(), "step_before"])? as u32;
    let weights = |name: &str| -> Outcome<Vec<f32>> {
        let nets = NETS.iter().map(|net| network.import(case, &format!("{prefix}{name}.{net}.")));
        Ok(nets.collect::<Outcome<Vec<_>>>()?.concat())
    };
    let moments = |name: &str| {
        if updates == 0 && !trace::any(case, &format!("{prefix}{name}.")) {
            Ok(vec![0.0; NETS.len() * network.layout.params() as usize])
        } else {
            weights(name)
        }
    };
    let moment = |name: &str| {
        let name = format!("{prefix}{name}");
        if updates == 0 && !case.has(&name) { Ok(0.0) } else { single(case, &name) }
    };
    // Before the first update the targets are the online networks, and may be left out.
    let target =
        if updates == 0 && !trace::any(case, &format!("{prefix}target.")) { "online" } else { "target" };
    Ok(State {
        weights: [weights("online")?, weights(target)?].concat(),
        adam_m: moments("adam_m")?,
        adam_v: moments("adam_v")?,
        log_alpha: single(case, &format!("{prefix}log_alpha"))?,
        alpha_m: moment("alpha_m")?,
        alpha_v: moment("alpha_v")?,
        updates,
    })
}

/// Losses and the gradient of `log_alpha`, per branch and in all; see [`super::di_sqn`].
fn compare_losses(
    case: &Case,
    sink: &mut dyn Sink,
    prefix: &str,
    step: &Step,
    later_head_weight: f32,
) -> Outcome<()> {
    let Step { before, .. } = step;
    let gaps: Vec<f32> = step.entropies.iter().map(|entropy| entropy - before.target_entropy).collect();
    let weight = |head: usize| if head == 0 { 1.0 } else { later_head_weight };
    let gradient: f32 = gaps.iter().enumerate().map(|(head, gap)| weight(head) * gap).sum();
    let alpha_losses: Vec<f32> = gaps.iter().map(|gap| before.log_alpha * gap).collect();
    for (name, values) in [
        ("q0_loss_branch", &step.net_losses[0][..]),
        ("q1_loss_branch", &step.net_losses[1][..]),
        ("entropy_mean_branch", &step.entropies[..]),
        ("alpha_loss_branch", &alpha_losses[..]),
        ("total_q_loss", &[step.loss][..]),
        ("total_alpha_loss", &[before.log_alpha * gradient][..]),
        ("log_alpha_grad", &[gradient][..]),
    ] {
        trace::part(case, sink, [prefix, name, ""], values)?;
    }
    Ok(())
}
