//! The same updates in f64, from coax's equations.

use super::{Coax, File, Left, State};
use crate::config::Loss;
use crate::verify::conformance::double::Decisions;
use crate::verify::conformance::double::network::{Decision, Evaluation, is_known};
use crate::verify::conformance::double::update::{adam, loss, soft};
use crate::verify::conformance::kinks::{Near, Site};
use crate::verify::conformance::report::Outcome;

/// The updates in f64.
pub struct Double<'a> {
    file: &'a File<'a>,
    decisions: Decisions,
    online: Vec<f64>,
    /// Equal to the online net where there is no target network.
    target: Vec<f64>,
    m: Vec<f64>,
    v: Vec<f64>,
    updates: u32,
}

impl<'a> Double<'a> {
    /// A replay in which these decisions are turned around; `None` where an operation of the network is not known in f64.
    pub fn new(file: &'a File<'a>, flips: &[Site]) -> Option<Double<'a>> {
        if !is_known(&file.network.layout) {
            return None;
        }
        let weights: Vec<f64> = file.weights.iter().map(|w| f64::from(*w)).collect();
        let (online, target) = weights.split_at(weights.len() / 2);
        let (m, v) = (vec![0.0; online.len()], vec![0.0; online.len()]);
        let (online, target) = (online.to_vec(), target.to_vec());
        Some(Double { file, decisions: Decisions::new(flips), online, target, m, v, updates: 0 })
    }

    /// Decisions so far that rounding could turn around.
    pub fn near(self) -> Vec<Near> {
        self.decisions.near
    }

    fn clip(&self, error: f64) -> f64 {
        match self.file.config.loss {
            Loss::Huber => error.clamp(-self.file.config.huber_delta, self.file.config.huber_delta),
            _ => error,
        }
    }

    fn improve(&mut self, grads: &[f64]) {
        let config = &self.file.config;
        self.updates += 1;
        let weights = self.online.iter_mut().zip(&mut self.target);
        let moments = self.m.iter_mut().zip(&mut self.v);
        for (((w, target), moments), g) in weights.zip(moments).zip(grads) {
            *w -= adam(config, (config.learning_rate, false), *g, moments, self.updates);
            let share = if config.target_network { config.polyak } else { 1.0 };
            *target += share * (*w - *target);
        }
    }
}

impl Coax for Double<'_> {
    fn run(&mut self, update: usize, rows: &[u32]) -> Outcome<Left> {
        let File { network, config, pool, .. } = self.file;
        let (net, batch) = (&network.layout, rows.len() as f64);
        let mut left = Left::default();
        let mut grads = vec![0.0; self.online.len()];
        let mut plain = |decision: &Decision| f64::from(u8::from(decision.z > 0.0));
        let mut total = 0.0;
        for (place, row) in rows.iter().enumerate() {
            let row = *row as usize;
            let state = |table: &[f32]| -> Vec<f64> {
                table[row * pool.width..][..pool.width].iter().map(|x| f64::from(*x)).collect()
            };
            let (here, next) = (state(&pool.obs), state(&pool.next_obs));
            let decisions = &mut self.decisions;
            let evaluation = Evaluation::new(net, &self.online, &here, &mut |decision| {
                decisions.slope(update, 0, place, decision)
            });
            let bootstrap = Evaluation::new(net, &self.target, &next, &mut plain);
            let target_at_s = Evaluation::new(net, &self.target, &here, &mut plain);
            let taken = pool.actions[row] as usize;
            let value = soft(bootstrap.outputs(), config.alpha).1;
            let target = f64::from(pool.returns[row]) + f64::from(pool.factors[row]) * value;
            let e = evaluation.outputs()[taken] - target;
            let weight = f64::from(pool.weights[row]).clamp(0.1, 10.0);
            let (loss, slope) = loss(config, e);
            total += weight * loss;
            let mut delta = vec![0.0; evaluation.outputs().len()];
            delta[taken] = weight * slope / batch;
            evaluation.backward(net, &self.online, &delta, &mut grads);
            let to_target = self.clip(evaluation.outputs()[taken] - target_at_s.outputs()[taken]);
            left.q.extend(evaluation.outputs().iter().map(|q| *q as f32));
            left.targets.push(target as f32);
            left.td_errors.push(self.clip(-e) as f32);
            left.gradients.push(delta[taken] as f32);
            left.to_target.push((weight * to_target) as f32);
        }
        left.loss = (total / batch) as f32;
        left.norm = grads.iter().map(|g| g * g).sum::<f64>().sqrt() as f32;
        left.grads = narrow(&grads);
        self.improve(&grads);
        Ok(left)
    }

    fn state(&mut self) -> Outcome<State> {
        let [online, target, adam_m, adam_v] =
            [&self.online, &self.target, &self.m, &self.v].map(|values| narrow(values));
        Ok(State { online, target, adam_m, adam_v })
    }
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::conformance::case::Case;
    use crate::verify::conformance::compare::Comparison;
    use crate::verify::conformance::report::Verdict;

    #[test]
    fn f64_meets_what_coax_recorded() {
        for name in ["coax_softq_n1_tau0.1_huber", "coax_softq_n3_tau0.1_mse_target"] {
            let read = |extension: &str| {
                let path = format!("tests/data/conformance/algorithms/{name}.{extension}");
                std::fs::read(path).expect("data of the tests")
            };
            let case = Case::parse(&read("json"), &read("safetensors")).unwrap_or_else(|_| panic!("a case"));
            let file = File::read(&case).unwrap_or_else(|_| panic!("a file"));
            let mut double = Double::new(&file, &[]).expect("known operations");
            let mut comparison = Comparison::default();
            assert!(file.play(&mut double, &mut comparison).is_ok());
            assert!(!double.near().is_empty(), "100 updates have decisions within 16 bounds of 0");
            let report = comparison.report(name, None);
            assert_eq!(report.verdict, Verdict::Pass, "{}", report.text());
        }
    }
}
