//! The limits of a device: bandwidth of its memory by size, arithmetic in registers, workgroup memory, and what a dispatch, a
//! submission and a readback cost. Every result is compared with its closed form.

use bytemuck::Pod;

use crate::bench::probes::{
    self, Chains, Count, FLOAT_CHAINS, INTEGER_CHAINS, Integers, Turns, WORKGROUP_BYTES,
};
use crate::bench::row::{Group, Row, Unit};
use crate::bench::timing::{Effort, Sample, runs, sample};
use crate::engine::clock::Instant;
use crate::engine::executor::{Executor, Program};
use crate::engine::kernel::{Kernel, Work};
use crate::engine::recording::{Buffer, BufferId, Buffers, Recording};
use crate::error::Result;

/// Invocations of the arithmetic probes.
const INVOCATIONS: u32 = 1 << 16;

/// Most turns: below the drivers' limit of loop iterations, and sums stay below 2^24, up to which f32 counts exactly.
const MOST_TURNS: u32 = 1 << 14;

/// Dispatches of the probe that counts itself in one submission.
const DISPATCHES: u32 = 1000;

/// What bounds a kernel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Operations per second in registers.
    pub operations_per_s: f64,
    /// `(bytes moved by a copy, bytes per second)`, ascending: small ones fit into caches.
    pub copies: Vec<(u64, f64)>,
}

/// Names of the limits' rows.
pub const NAMES: [&str; 7] = [
    "copy",
    "multiply-add, float",
    "multiply-add, integer",
    "workgroup memory, read",
    "dispatch",
    "submission",
    "readback",
];

/// Bytes read and written by each copy.
const COPIES: [u64; 4] = [64 << 10, 1 << 20, 16 << 20, 128 << 20];

impl Limits {
    /// Bytes per second of work that moves so many bytes: of the fastest copy that moves as many, or of the longest one.
    pub fn bytes_per_s(&self, bytes: u64) -> f64 {
        let at_least = |(size, _): &&(u64, f64)| *size >= bytes;
        let larger = self.copies.iter().filter(at_least).map(|(_, rate)| *rate);
        larger.chain(self.copies.last().map(|(_, rate)| *rate)).fold(0.0, f64::max)
    }

    /// Least seconds that this work can take.
    pub fn floor_s(&self, work: &Work) -> f64 {
        let bytes = work.bytes();
        let memory = bytes as f64 / self.bytes_per_s(bytes).max(1.0);
        memory.max(work.operations as f64 / self.operations_per_s.max(1.0))
    }
}

/// The device under the probes, and how to time it.
struct Bench<'a> {
    executor: &'a mut dyn Executor,
    effort: Effort,
}

/// A probe in memory.
struct Loaded {
    program: Program,
    /// The last binding.
    output: BufferId,
}

impl Bench<'_> {
    /// A probe with its inputs, alone in memory.
    fn load<P: Pod>(&mut self, kernel: &'static Kernel, params: P, inputs: &[&[u32]]) -> Result<Loaded> {
        let params: Vec<u32> = bytemuck::cast_slice(&[params]).to_vec();
        let mut buffers = Buffers::default();
        let sizes = (kernel.sizes)(&params, None);
        let named = kernel.bindings.iter().zip(sizes);
        let bindings: Vec<Buffer<u32>> =
            named.map(|(binding, size)| buffers.add(binding.name, size, "")).collect();
        let mut recording = Recording::default();
        let erased: Vec<_> = bindings.iter().map(|buffer| buffer.erase()).collect();
        recording.dispatch(kernel, None, None, &params, &erased)?;
        self.executor.allocate(&buffers)?;
        for (buffer, words) in bindings.iter().zip(inputs) {
            self.executor.write(buffer.id, words)?;
        }
        let output = erased[erased.len() - 1].id;
        Ok(Loaded { program: self.executor.prepare(&recording)?, output })
    }

    /// Seconds of one run, sample by sample: by the device's clock where there is one.
    fn seconds(&mut self, program: Program) -> Result<Vec<f64>> {
        let runs = runs(self.executor, program, &self.effort)?;
        let each = |sample: Sample| sample.device_s.unwrap_or(sample.wall_s) / f64::from(runs);
        (0..self.effort.repeats).map(|_| sample(self.executor, program, runs).map(each)).collect()
    }

    fn copy(&mut self, bytes: u64) -> Result<Row> {
        let count = (bytes / 2 / 16) as u32;
        let x: Vec<u32> = (0..4 * count).map(|i| i.wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995).collect();
        let loaded = self.load(&probes::COPY, Count { count }, &[&x])?;
        let seconds = self.seconds(loaded.program)?;
        let rates: Vec<f64> = seconds.iter().map(|seconds| 1e-9 * bytes as f64 / seconds).collect();
        let shape = match bytes >> 20 {
            0 => format!("{} KiB", bytes >> 10),
            mebibytes => format!("{mebibytes} MiB"),
        };
        let row = Row::new(Group::Roofline, "copy", shape, Unit::Bytes, &rates);
        let y = self.executor.read(loaded.output)?;
        Ok(Row { bytes: Some(bytes), ..row.judged("the bits of the source", equal(&y, |i| x[i])) })
    }

    /// A probe whose work grows with its turns, and which must give `expected(invocation, turns)`.
    fn turning<P: Pod>(
        &mut self,
        kernel: &'static Kernel,
        (name, unit): (&str, Unit),
        per_turn: f64,
        params: impl Fn(u32) -> P,
        expected: impl Fn(usize, u32) -> u32,
    ) -> Result<Row> {
        let mut turns = 16;
        let loaded = loop {
            let loaded = self.load(kernel, params(turns), &[])?;
            let taken = sample(self.executor, loaded.program, 1)?.wall_s;
            let once = sample(self.executor, loaded.program, 1)?.wall_s.min(taken);
            if once >= self.effort.sample_s || turns >= MOST_TURNS {
                break loaded;
            }
            turns *= 4;
        };
        let seconds = self.seconds(loaded.program)?;
        let work = per_turn * f64::from(turns) * f64::from(INVOCATIONS);
        let rates: Vec<f64> = seconds.iter().map(|seconds| 1e-9 * work / seconds).collect();
        let y = self.executor.read(loaded.output)?;
        let verdict = equal(&y, |i| expected(i, turns));
        Ok(Row::new(Group::Roofline, name, "registers", unit, &rates).judged("its closed form", verdict))
    }

    fn multiply_add(&mut self) -> Result<Row> {
        let chains = f64::from(FLOAT_CHAINS);
        self.turning(
            &probes::MULTIPLY_ADD,
            ("multiply-add, float", Unit::Floats),
            2.0 * 2.0 * chains,
            |turns| Chains { count: INVOCATIONS, turns, a: 1.0, b: 1.0 },
            |i, turns| (chains as f32 * (i % 16) as f32 + chains as f32 * 2.0 * turns as f32).to_bits(),
        )
    }

    fn integer(&mut self) -> Result<Row> {
        let (a, b) = (1_664_525, 1_013_904_223);
        let end = |start: u32, turns: u32| {
            (0..2 * turns).fold(start, |s, _| s.wrapping_mul(a).wrapping_add(b)).wrapping_mul(INTEGER_CHAINS)
        };
        let ends = std::cell::RefCell::new((0, [0; 16]));
        self.turning(
            &probes::INTEGER,
            ("multiply-add, integer", Unit::Integers),
            2.0 * 2.0 * f64::from(INTEGER_CHAINS),
            |turns| Integers { count: INVOCATIONS, turns, a, b },
            |i, turns| {
                let mut known = ends.borrow_mut();
                if known.0 != turns {
                    *known = (turns, std::array::from_fn(|start| end(start as u32, turns)));
                }
                known.1[i % 16]
            },
        )
    }

    fn workgroup_memory(&mut self) -> Result<Row> {
        let row = self.turning(
            &probes::WORKGROUP_MEMORY,
            ("workgroup memory, read", Unit::Bytes),
            WORKGROUP_BYTES as f64,
            |turns| Turns { count: INVOCATIONS, turns },
            |i, turns| {
                let at = |turn: usize| (0..4).map(move |quarter| (i % 256 + turn + 64 * quarter) % 256);
                let words = |turns: u32| (0..turns as usize).flat_map(at).sum::<usize>();
                // 256 turns come back to where they began. Four numbers in each word.
                let sum = 4 * (turns as usize / 256 * words(256) + words(turns % 256));
                (sum as f32).to_bits()
            },
        )?;
        Ok(Row { shape: "4 KiB per workgroup".into(), ..row })
    }

    /// Dispatches, submissions and readbacks that do next to nothing, in microseconds.
    fn latencies(&mut self) -> Result<Vec<Row>> {
        let loaded = self.load(&probes::COUNT, Count { count: 1 }, &[])?;
        let (mut counted, mut rows) = (0u32, Vec::new());
        for (name, shape, dispatches) in [
            ("dispatch", format!("{DISPATCHES} in a submission"), DISPATCHES),
            ("submission", "one dispatch, waited for".to_owned(), 1),
        ] {
            sample(self.executor, loaded.program, dispatches)?;
            let mut micros = Vec::new();
            for _ in 0..self.effort.repeats {
                let sample = sample(self.executor, loaded.program, dispatches)?;
                let seconds = match dispatches {
                    1 => sample.wall_s,
                    _ => sample.device_s.unwrap_or(sample.wall_s),
                };
                micros.push(1e6 * seconds / f64::from(dispatches));
            }
            counted += dispatches * (1 + self.effort.repeats as u32);
            let y = self.executor.read(loaded.output)?;
            let row = Row::new(Group::Roofline, name, shape, Unit::Micros, &micros);
            rows.push(row.judged("the number of dispatches", equal(&y[..1], |_| counted)));
        }
        let (mut micros, mut verdict) = (Vec::new(), Ok(()));
        for _ in 0..=self.effort.repeats {
            let start = Instant::now();
            let y = self.executor.read(loaded.output)?;
            micros.push(1e6 * start.elapsed().as_secs_f64());
            verdict = verdict.and_then(|()| equal(&y[..1], |_| counted));
        }
        let row = Row::new(Group::Roofline, "readback", "4 bytes, waited for", Unit::Micros, &micros[1..]);
        rows.push(row.judged("the number of dispatches", verdict));
        Ok(rows)
    }
}

/// Whether all words are as expected.
fn equal(got: &[u32], expected: impl Fn(usize) -> u32) -> std::result::Result<(), String> {
    match got.iter().enumerate().find(|(i, word)| **word != expected(*i)) {
        None => Ok(()),
        Some((i, word)) => Err(format!("y[{i}] is {word:#010x}, should be {:#010x}", expected(i))),
    }
}

/// Measures the device, telling each row as soon as it is there.
pub fn measure(
    executor: &mut dyn Executor,
    effort: Effort,
    on_row: &mut dyn FnMut(Row) -> Result<()>,
) -> Result<Limits> {
    let longest = executor.max_buffer_bytes();
    let mut bench = Bench { executor, effort };
    let mut limits = Limits::default();
    for bytes in COPIES.into_iter().filter(|bytes| bytes / 2 <= longest) {
        let row = bench.copy(bytes)?;
        limits.copies.push((bytes, 1e9 * row.value.median));
        on_row(row)?;
    }
    let row = bench.multiply_add()?;
    limits.operations_per_s = 1e9 * row.value.median;
    on_row(row)?;
    on_row(bench.integer()?)?;
    on_row(bench.workgroup_memory()?)?;
    bench.latencies()?.into_iter().try_for_each(on_row)?;
    Ok(limits)
}
