//! Times of single dispatches, each judged by verification's bounds after every timed submission.

use crate::bench::roofline::Limits;
use crate::bench::row::{Group, Row, Spread, Unit};
use crate::bench::timing::{Effort, Sample, runs, sample};
use crate::bench::workload::name_of;
use crate::engine::executor::{Executor, Program};
use crate::engine::recording::{BufferId, Buffers, Recording};
use crate::error::Result;
use crate::verify::Options;
use crate::verify::case::Case;
use crate::verify::check::{Check, run_twin, run_twin_on};
use crate::verify::oracle::Expected;

/// Most copies of a case that changes what it reads.
const MOST_COPIES: usize = 32;

/// Most bytes of all copies.
const MOST_BYTES: usize = 64 << 20;

/// A case in the memory of a device. One that finds its own results, as Adam does, lies there several times and each copy runs
/// once per submission: what is timed is what was judged.
struct Loaded<'a> {
    case: &'a Case,
    /// Buffers of each copy, in the order of the bindings.
    copies: Vec<Vec<BufferId>>,
    program: Program,
}

impl Loaded<'_> {
    fn new<'a>(executor: &mut dyn Executor, case: &'a Case, copies: usize) -> Result<Loaded<'a>> {
        let (mut buffers, mut recording) = (Buffers::default(), Recording::default());
        let mut all = Vec::new();
        for copy in 0..copies {
            let declared = case.kernel.bindings.iter().zip(&case.bindings);
            let erased: Vec<_> = declared
                .map(|(binding, words)| {
                    let name = format!("{}{copy}", binding.name);
                    buffers.add::<u32>(name, words.len() as u64, "Time a smaller shape.").erase()
                })
                .collect();
            recording.dispatch(case.kernel, case.env, case.rule, &case.params, &erased)?;
            all.push(erased.iter().map(|buffer| buffer.id).collect());
        }
        executor.allocate(&buffers)?;
        let program = executor.prepare(&recording)?;
        let mut loaded = Loaded { case, copies: all, program };
        loaded.fill(executor, true)?;
        Ok(loaded)
    }

    /// Writes what the outputs, or all bindings, hold before a call.
    fn fill(&mut self, executor: &mut dyn Executor, inputs: bool) -> Result<()> {
        let outputs: Vec<usize> = self.case.outputs().map(|(index, _)| index).collect();
        for copy in &self.copies {
            for (index, words) in self.case.bindings.iter().enumerate() {
                if inputs || outputs.contains(&index) {
                    executor.write(copy[index], words)?;
                }
            }
        }
        Ok(())
    }

    /// Contents of the bindings of each copy; inputs are as they were.
    fn contents(&self, executor: &mut dyn Executor) -> Result<Vec<Vec<Vec<u32>>>> {
        let mut all = Vec::new();
        for copy in &self.copies {
            let mut contents = self.case.bindings.clone();
            for (index, _) in self.case.outputs() {
                contents[index] = executor.read(copy[index])?;
            }
            all.push(contents);
        }
        Ok(all)
    }
}

/// What a case must give.
struct Right<'a> {
    check: &'a Check,
    twin: Vec<Vec<u32>>,
    expected: Expected,
    /// What was found to be right already.
    accepted: Option<Vec<Vec<u32>>>,
}

impl Right<'_> {
    fn judge(&mut self, case: &Case, got: Vec<Vec<u32>>) -> std::result::Result<(), String> {
        if self.accepted.as_ref() == Some(&got) {
            return Ok(());
        }
        let row = self.check.judge(case, 0, &Options::default(), &got, &self.twin, &self.expected);
        match row.failures.first() {
            Some(failure) => Err(format!(
                "{}[{}] is {}, should be {} within {:e} by {}; {} such words",
                failure.binding,
                failure.index,
                failure.got,
                failure.want,
                failure.allowed,
                failure.reference,
                failure.failing
            )),
            None => {
                self.accepted.get_or_insert(got);
                Ok(())
            }
        }
    }
}

/// Times `case` and judges what every timed submission left behind.
pub fn measure(
    executor: &mut dyn Executor,
    check: &Check,
    case: &Case,
    limits: &Limits,
    effort: &Effort,
) -> Result<Row> {
    let twin = run_twin(case);
    let again = run_twin_on(case, twin.clone());
    let repeatable = again == twin;
    let bytes: usize = case.bindings.iter().map(|words| 4 * words.len()).sum();
    let copies = if repeatable { 1 } else { (MOST_BYTES / bytes.max(1)).clamp(1, MOST_COPIES) };
    let mut right = Right { check, twin, expected: (check.oracle)(case), accepted: None };
    let mut loaded = Loaded::new(executor, case, copies)?;
    let runs = if repeatable { runs(executor, loaded.program, effort)? } else { 1 };
    if !repeatable {
        sample(executor, loaded.program, 1)?;
    }
    let (mut samples, mut verdict) = (Vec::new(), Ok(()));
    for _ in 0..effort.repeats {
        // Outputs as before the call: a dispatch that was left out shows.
        loaded.fill(executor, false)?;
        executor.wait()?;
        samples.push(sample(executor, loaded.program, runs)?);
        for got in loaded.contents(executor)? {
            verdict = verdict.and_then(|()| right.judge(case, got));
        }
    }
    let each = f64::from(runs) * copies as f64;
    let micros = |of: fn(&Sample) -> Option<f64>| -> Vec<f64> {
        samples.iter().filter_map(|sample| Some(1e6 * of(sample)? / each)).collect()
    };
    let wall = micros(|sample| Some(sample.wall_s));
    let device = micros(|sample| sample.device_s);
    let name = name_of(case);
    let against = if executor.address() == "cpu" { "the f64 reference" } else { "twin and f64 reference" };
    let mut row = Row::new(Group::Kernel, name, &case.label, Unit::Micros, &wall).judged(against, verdict);
    row.device_us = (device.len() == wall.len()).then(|| Spread::of(&device));
    if let Some(work) = case.kernel.work.map(|work| work(&case.params)) {
        let seconds = 1e-6 * row.device_us.unwrap_or(row.value).median;
        row.operations = Some(work.operations);
        row.bytes = Some(work.bytes());
        // A clock whose ticks are longer than the dispatch shows no time.
        if seconds > 0.0 {
            row.gflops = Some(1e-9 * work.operations as f64 / seconds);
            row.gb_per_s = Some(1e-9 * work.bytes() as f64 / seconds);
            row.roofline = (!limits.copies.is_empty()).then(|| limits.floor_s(&work) / seconds);
        }
    }
    Ok(row)
}
