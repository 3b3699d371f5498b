//! Recorded files with a decision of rounding in them, and with faults in them.

use std::collections::BTreeMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::super::case::Case;
use super::super::di_sqn::{self, Start};
use super::super::report::{FileReport, Verdict};
use super::*;
use crate::engine::cpu::CpuExecutor;

const FOLDER: &str = "tests/data/conformance/algorithms";
const CARTPOLE: &str = "di_sqn_cartpole_auto";

/// Both parts of a case, to be rewritten.
#[derive(Clone)]
struct File {
    description: Vec<u8>,
    tensors: BTreeMap<String, (Vec<usize>, Dtype, Vec<u8>)>,
}

impl File {
    fn read(name: &str) -> File {
        let read = |extension: &str| std::fs::read(format!("{FOLDER}/{name}.{extension}")).expect("data");
        let bytes = read("safetensors");
        let tensors = SafeTensors::deserialize(&bytes).expect("tensors").tensors();
        let own = |(name, view): (String, TensorView<'_>)| {
            (name, (view.shape().to_vec(), view.dtype(), view.data().to_vec()))
        };
        File { description: read("json"), tensors: tensors.into_iter().map(own).collect() }
    }

    fn case(&self) -> Case {
        let views = self.tensors.iter().map(|(name, (shape, dtype, bytes))| {
            (name, TensorView::new(*dtype, shape.clone(), bytes).expect("a tensor"))
        });
        let bytes = safetensors::serialize(views, None).expect("tensors");
        Case::parse(&self.description, &bytes).unwrap_or_else(|_| panic!("a case"))
    }

    fn write(&mut self, name: &str, values: &[f32]) {
        let (shape, dtype, bytes) = self.tensors.get_mut(name).expect("a tensor of the file");
        assert_eq!((*dtype, shape.iter().product::<usize>()), (Dtype::F32, values.len()), "{name}");
        *bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    }

    /// The same file as somebody would have recorded it who computes like this.
    fn recorded_by<'a>(&self, start: &'a Recorded<'a>, learning: &mut dyn Learning) -> File {
        let mut writer = Writer(self.clone());
        let weight = start.setup.conventions.later_head_weight;
        assert!(di_sqn::play(&self.case(), learning, &mut writer, weight).is_ok());
        writer.0
    }

    /// The line it gets from the CPU executor.
    fn report(&self) -> FileReport {
        let mut executor = CpuExecutor::new();
        let mut comparison = Comparison::default();
        let outcome = di_sqn::replay(&self.case(), &mut Device::new(&mut executor), &mut comparison);
        assert!(outcome.is_ok());
        comparison.report("file", None)
    }

    /// Whether the engine's numbers are within their bounds without a look at any decision.
    fn agrees(&self) -> bool {
        let (case, mut executor, mut comparison) = (self.case(), CpuExecutor::new(), Comparison::default());
        let start = Start::read(&case).unwrap_or_else(|_| panic!("a start"));
        let mut device = Device::new(&mut executor);
        let Recorded { setup, network, batches, weights, .. } = start.recorded();
        let mut engine = Replay::new(&mut device, setup, network, batches, weights)
            .unwrap_or_else(|_| panic!("an engine"));
        let weight = setup.conventions.later_head_weight;
        assert!(di_sqn::play(&case, &mut engine, &mut comparison, weight).is_ok());
        !comparison.has_failed()
    }
}

struct Writer(File);

impl Sink for Writer {
    fn tensor(&mut self, _: &str, label: &str, got: &[f32], _: &[f32], _: f64) -> Outcome<()> {
        self.0.write(label, got);
        Ok(())
    }
}

fn start(file: &File) -> Start {
    Start::read(&file.case()).unwrap_or_else(|_| panic!("a start"))
}

/// Decisions within rounding in the first updates of a file, the nearest first.
fn near(recorded: &Recorded<'_>, updates: usize) -> Vec<Near> {
    let mut double = Double::new(recorded, &[]).expect("known operations");
    for step in 0..updates {
        assert!(double.run(step, None).is_ok());
    }
    let mut near = double.decisions.near;
    near.sort_by(|a, b| a.share.total_cmp(&b.share));
    near
}

#[test]
fn f64_meets_what_others_recorded() {
    for name in [CARTPOLE, "di_sqn_multidiscrete_dueling_fixed"] {
        let case = File::read(name).case();
        let start = Start::read(&case).unwrap_or_else(|_| panic!("a start"));
        let recorded = start.recorded();
        let mut double = Double::new(&recorded, &[]).expect("known operations");
        let mut comparison = Comparison::default();
        let weight = start.setup.conventions.later_head_weight;
        assert!(di_sqn::play(&case, &mut double, &mut comparison, weight).is_ok());
        let report = comparison.report(name, None);
        assert_eq!(report.verdict, Verdict::Pass, "{}", report.text());
    }
}

/// Somebody else's f32 may decide as f64 does not.
#[test]
fn a_decision_of_the_record_is_found_and_named() {
    let file = File::read(CARTPOLE);
    let start = start(&file);
    let recorded = start.recorded();
    let turned = near(&recorded, 40).into_iter().find_map(|near| {
        let mut double = Double::new(&recorded, &[near.site])?;
        let turned = file.recorded_by(&recorded, &mut double);
        (!turned.agrees()).then_some((near.site, turned))
    });
    let (site, turned) = turned.expect("a decision that matters");
    let report = turned.report();
    assert_eq!(report.verdict, Verdict::Pass, "{site:?} {}", report.text());
    let reason = report.reason.unwrap_or_default();
    assert!(
        reason.contains(&format!("kink in update {}, unit {}", site.update, site.unit)),
        "{site:?} {reason}"
    );
    assert!(reason.contains("of the record"), "{reason}");
}

/// The engine's f32 may decide as f64 does not: a bias that brings a pre-activation of the first update next to 0.
#[test]
fn a_decision_of_the_engine_is_found_and_named() {
    let file = File::read(CARTPOLE);
    let name = "init.online.q0.encoder.init.bias";
    let target = "init.target.q0.encoder.init.bias";
    let turned = (0..40).find_map(|unit| {
        let mut nudged = file.clone();
        let (shape, _, bytes) = &file.tensors[name];
        assert_eq!(shape, &[64]);
        let mut biases: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let before = start(&file);
        let (net, batches) = (&before.network.layout, &before.batches);
        let obs: Vec<f64> = batches.rows_of(&batches.obs, batches.obs_size, 0)[..batches.obs_size]
            .iter()
            .map(|x| f64::from(*x))
            .collect();
        let weights: Vec<f64> =
            before.weights[..net.params() as usize].iter().map(|w| f64::from(*w)).collect();
        let mut products = 0.0;
        network::Evaluation::new(net, &weights, &obs, &mut |decision| {
            if (decision.tensor, decision.unit) == (1, unit) {
                products = decision.z - f64::from(biases[unit]);
            }
            f64::from(u8::from(decision.z > 0.0))
        });
        biases[unit] = -products as f32;
        nudged.write(name, &biases);
        if nudged.tensors.contains_key(target) {
            nudged.write(target, &biases);
        }
        let start = start(&nudged);
        let recorded = start.recorded();
        let mut double = Double::new(&recorded, &[])?;
        let nudged = nudged.recorded_by(&recorded, &mut double);
        (!nudged.agrees()).then_some((unit, nudged))
    });
    let (unit, nudged) = turned.expect("a unit whose sign f32 does not see");
    let report = nudged.report();
    assert_eq!(report.verdict, Verdict::Pass, "{unit} {}", report.text());
    let reason = report.reason.unwrap_or_default();
    assert_eq!(reason, format!("kink in update 1, unit {unit} (layer 1 of online network 1, row 0)"));
}

/// Computes like [`Double`], but for a fault.
struct Faulty<'a> {
    double: Double<'a>,
    /// Slope of a closed ReLU.
    slope: f64,
    /// Whether Adam's bias correction lags by an update.
    late: bool,
}

impl Learning for Faulty<'_> {
    fn network(&self) -> &Network {
        self.double.network()
    }
    fn steps(&self) -> usize {
        self.double.steps()
    }
    fn load(&mut self, state: &State) -> Outcome<()> {
        self.double.load(state)
    }
    fn run(&mut self, step: usize, given: Option<&[u32]>) -> Outcome<Step> {
        if self.late {
            self.double.learnt.updates = (step as u32).saturating_sub(1);
        }
        let slope = self.slope;
        Ok(self
            .double
            .run_with(step, given, &mut |_, _, decision| if decision.z > 0.0 { 1.0 } else { slope }))
    }
    fn samples(&mut self, step: usize, head: usize) -> Outcome<Samples> {
        self.double.samples(step, head)
    }
    fn policy(&mut self, head: usize, q: &[f32], alpha: f32) -> Outcome<Policy> {
        self.double.policy(head, q, alpha)
    }
    fn weights(&mut self) -> Outcome<Vec<Vec<f32>>> {
        self.double.weights()
    }
    fn grads(&mut self) -> Outcome<Vec<Vec<f32>>> {
        self.double.grads()
    }
    fn adam_m(&mut self) -> Outcome<Vec<Vec<f32>>> {
        self.double.adam_m()
    }
    fn adam_v(&mut self) -> Outcome<Vec<Vec<f32>>> {
        self.double.adam_v()
    }
}

#[test]
fn faults_are_no_decisions() {
    let file = File::read(CARTPOLE);
    let right = start(&file);
    let of_the_case = right.recorded();
    for (what, beta2, slope, late) in [
        ("nothing", 0.999, 0.0, false),
        ("beta2", 0.998, 0.0, false),
        ("a leaky ReLU", 0.999, 1e-3, false),
        ("t - 1", 0.999, 0.0, true),
    ] {
        let mut start = start(&file);
        start.setup.config.adam_beta2 = beta2;
        let recorded = start.recorded();
        let double = || Double::new(&recorded, &[]).expect("known operations");
        let want = if what == "nothing" { Verdict::Pass } else { Verdict::Fail };
        // The fault is in the record.
        let faulty = file.recorded_by(&recorded, &mut Faulty { double: double(), slope, late });
        let report = faulty.report();
        assert_eq!(report.verdict, want, "{what}: {}", report.text());
        // The fault is in the engine, and f64 computes right.
        let case = file.case();
        let weight = right.setup.conventions.later_head_weight;
        let mut comparison = Comparison::default();
        let mut faulty = Faulty { double: double(), slope, late };
        let outcome = kinks::compare(
            &mut comparison,
            &mut |sink| di_sqn::play(&case, &mut faulty, sink, weight),
            &|flips, sink| {
                let Some(mut double) = Double::new(&of_the_case, flips) else { return Ok(None) };
                di_sqn::play(&case, &mut double, sink, weight)?;
                Ok(Some(double.decisions.near))
            },
        );
        assert!(outcome.is_ok());
        let report = comparison.report(what, None);
        assert_eq!(report.verdict, want, "{what}: {}", report.text());
    }
}
