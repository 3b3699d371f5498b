//! Optimisers, parameters and moments after given gradients: `torch_adam*` (`torch.optim.Adam` and `AdamW`), `torch_radam*`
//! (`torch.optim.RAdam`), and `purejaxql_radam*` (optax: clipping, then RAdam, whose rate may fall with every step).

use serde_json::Value;

use crate::shared::optimizer::{Optimizer, RADAM, RADAM_OPTAX};
use crate::verify::conformance::case::{Case, number_at};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::optimizer::{Stepper, optimizer};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// Steps up to which the parameters must agree within [`SHORT_BOUND`].
const SHORT_RUN: usize = 40;
const SHORT_BOUND: f64 = 1e-5;
const LONG_BOUND: f64 = 1e-4;

/// The parameter tensors of the case, side by side.
struct Parameters {
    init: Vec<f32>,
    /// Gradient of every step.
    grads: Vec<Vec<f32>>,
    /// Where tensor `i` lies in the flat vector.
    ranges: Vec<std::ops::Range<usize>>,
}

/// `torch_radam` and `purejaxql_radam`: tensors of `{variant}.after{k}.` have the tolerance of `{variant}.`.
pub fn replay_radam(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let parameters = Parameters::read(case)?;
    let Some(variants) = case.config().get("variants").and_then(Value::as_object) else {
        return malformed("config has no 'variants'");
    };
    for (name, variant) in variants {
        let (record, l2, falls) = radam(case, name, variant)?;
        let stepper = Stepper::new(device, parameters.init.len(), l2, record)?;
        device.write(stepper.weights, &parameters.init)?;
        for (index, grads) in parameters.grads.iter().enumerate() {
            if falls {
                let share = index as f64 / parameters.grads.len() as f64;
                let (first, last) = (f64::from(record.learning_rate), 1e-20);
                stepper.set_learning_rate(device, first + (last - first) * share)?;
            }
            stepper.step(device, &uphill(variant, grads))?;
            let prefix = format!("{name}.after{}.", index + 1);
            if case.has(&format!("{prefix}param0")) {
                let bound = |quantity: &str, tensor: usize, _: f64| {
                    case.tolerance(&format!("{name}.{quantity}{tensor}"))
                };
                parameters.compare(case, device, &stepper, &prefix, bound, comparison)?;
            }
        }
    }
    Ok(())
}

/// The optimiser of a variant, whether weight decay is part of its gradient, and whether its rate falls to 0 over the steps.
fn radam(case: &Case, name: &str, variant: &Value) -> Outcome<(Optimizer, bool, bool)> {
    let flag = |key: &str| variant.get(key).and_then(Value::as_bool) == Some(true);
    if case.config().get("radam").is_some() {
        let number = |key: &str| case.number(&["radam", key]);
        if number("eps_root")? != 0.0 || number("threshold")? != 5.0 {
            return unsupported("eps_root is 0 and the threshold 5 here");
        }
        let rate = number_at(variant, &["LR"])?;
        let record = optimizer(rate, [number("b1")?, number("b2")?], number("eps")?);
        let max_grad_norm = number_at(variant, &["MAX_GRAD_NORM"])? as f32;
        return Ok((
            Optimizer { form: RADAM_OPTAX, max_grad_norm, ..record },
            false,
            flag("LR_LINEAR_DECAY"),
        ));
    }
    let number = |key: &str| number_at(variant, &[key]);
    let record = optimizer(number("lr")?, betas(name, variant)?, number("eps")?);
    let weight_decay = number("weight_decay")? as f32;
    Ok((Optimizer { form: RADAM, weight_decay, ..record }, !flag("decoupled_weight_decay"), false))
}

/// The gradient, or with `maximize` its negative.
fn uphill(variant: &Value, grads: &[f32]) -> Vec<f32> {
    let sign = if variant.get("maximize").and_then(Value::as_bool) == Some(true) { -1.0 } else { 1.0 };
    grads.iter().map(|grad| sign * grad).collect()
}

/// `betas` of a variant.
fn betas(name: &str, variant: &Value) -> Outcome<[f64; 2]> {
    match variant.get("betas").and_then(Value::as_array).map(Vec::as_slice) {
        Some([beta1, beta2]) => Ok([number_at(beta1, &[])?, number_at(beta2, &[])?]),
        _ => malformed(format!("variant '{name}' has no two betas")),
    }
}

/// `torch_adam`: every variant.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let parameters = Parameters::read(case)?;
    let Some(variants) = case.config().get("variants").and_then(Value::as_object) else {
        return malformed("config has no 'variants'");
    };
    let bound = if parameters.grads.len() > SHORT_RUN { LONG_BOUND } else { SHORT_BOUND };
    for (name, variant) in variants {
        let l2 = match variant.get("optimizer").and_then(Value::as_str) {
            Some("Adam") => true,
            Some("AdamW") => false,
            other => return unsupported(format!("optimizer {other:?} is not built in")),
        };
        if variant.get("amsgrad").and_then(Value::as_bool) == Some(true) {
            return unsupported("amsgrad is not built in");
        }
        let number = |key: &str| number_at(variant, &[key]);
        let mut record = optimizer(number("lr")?, betas(name, variant)?, number("eps")?);
        record.weight_decay = number("weight_decay")? as f32;

        let stepper = Stepper::new(device, parameters.init.len(), l2, record)?;
        device.write(stepper.weights, &parameters.init)?;
        for (index, grads) in parameters.grads.iter().enumerate() {
            stepper.step(device, &uphill(variant, grads))?;
            let prefix = format!("{name}.after{}.", index + 1);
            if case.has(&format!("{prefix}param0")) {
                let bound = |quantity: &str, _: usize, want: f64| match quantity {
                    "param" => Ok(bound),
                    _ => Ok(1e-6 + 1e-4 * want.abs()),
                };
                parameters.compare(case, device, &stepper, &prefix, bound, comparison)?;
            }
        }
    }
    Ok(())
}

impl Parameters {
    fn read(case: &Case) -> Outcome<Parameters> {
        let mut parameters = Parameters { init: Vec::new(), grads: Vec::new(), ranges: Vec::new() };
        while case.has(&format!("param{}", parameters.ranges.len())) {
            let index = parameters.ranges.len();
            let values = case.f32(&format!("param{index}"))?;
            let grad = format!("grad{index}");
            let steps = case.shape(&grad)?.first().copied().unwrap_or(0);
            let grads = case.f32(&grad)?;
            if steps == 0 || values.is_empty() || grads.len() != steps * values.len() {
                return malformed(format!("'{grad}' does not hold a gradient of 'param{index}' per step"));
            }
            if index > 0 && steps != parameters.grads.len() {
                return malformed(format!("'{grad}' has {steps} steps, 'grad0' {}", parameters.grads.len()));
            }
            parameters.grads.resize(steps, Vec::new());
            for (all, grad) in parameters.grads.iter_mut().zip(grads.chunks_exact(values.len())) {
                all.extend_from_slice(grad);
            }
            let start = parameters.init.len();
            parameters.init.extend_from_slice(values);
            parameters.ranges.push(start..parameters.init.len());
        }
        if parameters.ranges.is_empty() {
            return malformed("no tensor 'param0'");
        }
        Ok(parameters)
    }

    fn compare(
        &self,
        case: &Case,
        device: &mut Device<'_>,
        stepper: &Stepper,
        prefix: &str,
        bound: impl Fn(&str, usize, f64) -> Outcome<f64>,
        comparison: &mut Comparison,
    ) -> Outcome<()> {
        let weights = device.read(stepper.weights)?;
        let m = device.read(stepper.m)?;
        let v = device.read(stepper.v)?;
        for (index, range) in self.ranges.iter().enumerate() {
            for (quantity, got) in [("param", &weights), ("m", &m), ("v", &v)] {
                let name = format!("{prefix}{quantity}{index}");
                let want: Vec<f64> = case.f32(&name)?.iter().map(|value| f64::from(*value)).collect();
                let bounds = want.iter().map(|want| bound(quantity, index, *want));
                let bounds = bounds.collect::<Outcome<Vec<f64>>>()?;
                comparison.tensor_by(quantity, &name, &got[range.clone()], &want, |at, _| bounds[at])?;
            }
        }
        Ok(())
    }
}
