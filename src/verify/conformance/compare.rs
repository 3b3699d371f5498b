//! Collects errors against bounds: per quantity the one that uses most of its bound, and the first that exceeds it.

use std::collections::BTreeMap;

use crate::verify::conformance::report::{FileReport, Outcome, Verdict, malformed};

/// The comparison that used most of its bound.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Worst {
    error: f64,
    bound: f64,
    share: f64,
}

/// All comparisons of one file.
#[derive(Debug, Default)]
pub struct Comparison {
    quantities: BTreeMap<String, Worst>,
    /// Reference tensors or transitions compared.
    pub cases: u64,
    /// Comparisons outside their bound, and the first of them.
    failures: u64,
    first_failure: Option<String>,
    /// Parts of the file that were left out, for the report.
    pub notes: Vec<String>,
    /// Decisions that rounding turned around, for the report.
    pub kinks: Vec<String>,
}

/// Takes the values of a replay.
pub trait Sink {
    /// A tensor as it was computed and as it was recorded, and how far they may be apart.
    fn tensor(&mut self, quantity: &str, label: &str, got: &[f32], want: &[f32], bound: f64) -> Outcome<()>;
    /// Update `number` of the file comes next.
    fn update(&mut self, _number: usize) {}
    /// An element of a tensor that is complete only at the end.
    fn element(&mut self, _label: &str, _index: usize, _value: f32) {}
    /// Whether the rest does not matter any more.
    fn is_done(&self) -> bool {
        false
    }
}

impl Sink for Comparison {
    fn tensor(&mut self, quantity: &str, label: &str, got: &[f32], want: &[f32], bound: f64) -> Outcome<()> {
        Comparison::tensor(self, quantity, label, got, want, bound)
    }
}

impl Comparison {
    /// Compares one number. `label` names the tensor or line when it is outside the bound.
    pub fn value(&mut self, quantity: &str, got: f64, want: f64, bound: f64, label: impl FnOnce() -> String) {
        let difference = (got - want).abs();
        // NaN compares false with everything; here it must count as the largest error there is.
        let error = if difference.is_nan() { f64::INFINITY } else { difference };
        let within = error <= bound;
        let share = match (within, bound > 0.0) {
            (_, true) => error / bound,
            (true, false) => 0.0,
            (false, false) => f64::INFINITY,
        };
        let new = Worst { error, bound, share };
        let worst = self.quantities.entry(quantity.to_owned()).or_insert(new);
        if share > worst.share {
            *worst = new;
        }
        if !within {
            self.failures += 1;
            if self.first_failure.is_none() {
                self.first_failure = Some(format!("{}: got {got}, want {want} +- {bound:e}", label()));
            }
        }
    }

    /// Compares a whole tensor with one bound for all elements and counts it as one case.
    pub fn tensor(
        &mut self,
        quantity: &str,
        label: &str,
        got: &[f32],
        want: &[f32],
        bound: f64,
    ) -> Outcome<()> {
        let want: Vec<f64> = want.iter().map(|value| f64::from(*value)).collect();
        self.tensor_by(quantity, label, got, &want, |_, _| bound)
    }

    /// The same with a bound for each element, from its index and reference value.
    pub fn tensor_by(
        &mut self,
        quantity: &str,
        label: &str,
        got: &[f32],
        want: &[f64],
        bound: impl Fn(usize, f64) -> f64,
    ) -> Outcome<()> {
        if got.len() != want.len() {
            return malformed(format!("'{label}' has {} values, expected {}", want.len(), got.len()));
        }
        for (index, (got, want)) in got.iter().zip(want).enumerate() {
            self.value(quantity, f64::from(*got), *want, bound(index, *want), || format!("{label}[{index}]"));
        }
        self.cases += 1;
        Ok(())
    }

    /// Whether a comparison is outside its bound.
    pub fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Takes over what used most of its bound in another comparison of the same quantities.
    pub fn merge(&mut self, other: Comparison) {
        for (quantity, worst) in other.quantities {
            let known = self.quantities.entry(quantity).or_insert(worst);
            if worst.share > known.share {
                *known = worst;
            }
        }
        self.cases = self.cases.max(other.cases);
        self.failures += other.failures;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }

    /// The report of the file; `problem` is why it ended early.
    pub fn report(self, file: &str, problem: Option<(Verdict, String)>) -> FileReport {
        let failure = self.first_failure.map(|first| match self.failures {
            1 => first,
            n => format!("{first} (and {} more)", n - 1),
        });
        let left_out = (!self.notes.is_empty()).then(|| format!("left out: {}", self.notes.join("; ")));
        let notes: Vec<String> = self.kinks.into_iter().chain(left_out).collect();
        let notes = (!notes.is_empty()).then(|| notes.join("; "));
        let (verdict, reason) = match (failure, problem) {
            (Some(failure), _) => (Verdict::Fail, Some(failure)),
            (None, Some((verdict, reason))) => (verdict, Some(reason)),
            (None, None) => (Verdict::Pass, notes),
        };
        FileReport {
            file: file.to_owned(),
            cases: self.cases,
            worst: self.quantities.iter().map(|(name, worst)| (name.clone(), worst.error)).collect(),
            bound: self.quantities.iter().map(|(name, worst)| (name.clone(), worst.bound)).collect(),
            verdict,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_share_of_the_bound_is_kept_and_nan_fails() {
        let mut comparison = Comparison::default();
        comparison.tensor("q", "step1.q", &[1.0, 2.0], &[1.5, 2.0], 1.0).expect("same length");
        comparison.tensor("q", "step2.q", &[1.0], &[1.25], 0.25).expect("same length");
        comparison.tensor("exact", "a", &[1.0], &[1.0], 0.0).expect("same length");
        let report = comparison.report("f", None);
        assert_eq!((report.verdict, report.cases), (Verdict::Pass, 3));
        assert_eq!((report.worst["q"], report.bound["q"]), (0.25, 0.25));

        for (got, want) in [(f32::NAN, 1.0), (1.0, f32::NAN), (f32::INFINITY, f32::INFINITY)] {
            let mut comparison = Comparison::default();
            comparison.tensor("q", "q", &[got], &[want], 1e30).expect("same length");
            let report = comparison.report("f", None);
            assert_eq!(report.verdict, Verdict::Fail);
            assert!(report.reason.expect("reason").starts_with("q[0]: got"));
        }
    }

    #[test]
    fn lengths_must_agree() {
        assert!(Comparison::default().tensor("q", "q", &[1.0], &[1.0, 2.0], 1.0).is_err());
    }
}
