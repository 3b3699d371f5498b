//! `di_sqn_forced_*`: single updates of DI-engine's SQN, each from its recorded state, so that no rounding of one update
//! reaches another. `update{k}.before.*` is loaded, one update runs on `update{k}.batch.*`, and `update{k}.after.*` is compared.

use serde_json::Value;

use crate::kernels::Activation;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::di_sqn::{compare_samples, setup, single};
use crate::verify::conformance::network::{Framework, Network};
use crate::verify::conformance::report::{Outcome, malformed};
use crate::verify::conformance::trace;
use crate::verify::conformance::updates::{Batches, Replay, State, Step};

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
    let later_head_weight = setup.conventions.later_head_weight;
    let start = state(case, &network, *first)?;
    let replay = Replay::new(device, setup, network, batches, &start.weights)?;
    for (index, update) in updates.iter().enumerate() {
        replay.load(device, &state(case, replay.network(), *update)?)?;
        let step = replay.run(device, index, None)?;
        let prefix = format!("update{update}.");
        compare_losses(case, comparison, &prefix, &step, later_head_weight)?;
        for head in 0..replay.heads() {
            let prefix = format!("{prefix}sample.");
            compare_samples(case, device, comparison, &replay, index, head, &step, &prefix)?;
        }
        for (net, flat) in NETS.iter().zip(&replay.grads(device)?) {
            trace::network(case, comparison, replay.network(), [&prefix, "grad", net], flat)?;
        }
        let after = format!("{prefix}after.");
        for (name, value) in [
            ("log_alpha", step.after.log_alpha),
            ("alpha_m", step.after.alpha_m),
            ("alpha_v", step.after.alpha_v),
        ] {
            trace::part(case, comparison, [&after, name, ""], &[value])?;
        }
        let weights = replay.weights(device)?;
        for (group, flat) in [
            ("online", &weights[..2]),
            ("target", &weights[2..]),
            ("adam_m", &replay.adam_m(device)?[..]),
            ("adam_v", &replay.adam_v(device)?[..]),
        ] {
            for (net, flat) in NETS.iter().zip(flat) {
                trace::network(case, comparison, replay.network(), [&after, group, net], flat)?;
            }
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
    comparison: &mut Comparison,
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
        trace::part(case, comparison, [prefix, name, ""], values)?;
    }
    Ok(())
}
