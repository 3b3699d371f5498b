//! Taking the time of programs: repeats inside a submission until it is long enough to be timed, then samples of that.

use crate::engine::clock::Instant;
use crate::engine::executor::{Executor, Grain, Program};
use crate::error::Result;

/// How long and how often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Seconds that one sample should take at least.
    pub sample_s: f64,
    /// Samples.
    pub repeats: usize,
}

/// Most runs of a program in one submission.
const MOST_RUNS: u32 = 1 << 14;

/// Times of one submission of so many runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Seconds by the wall clock, submission and wait included.
    pub wall_s: f64,
    /// Seconds by the device's clock, where it has one.
    pub device_s: Option<f64>,
}

/// Submits `runs` runs of a program, waits, and says how long it took.
pub fn sample(executor: &mut dyn Executor, program: Program, runs: u32) -> Result<Sample> {
    let start = Instant::now();
    let spans = executor.clocked(&[(program, runs)], Grain::Submission)?;
    let wall_s = start.elapsed().as_secs_f64();
    // The clock of the CPU, and of the interpreter on it, is the wall clock.
    let own_clock = !matches!(executor.address(), "cpu" | "interp");
    let device_s = spans.first().filter(|_| own_clock).map(|span| span.seconds());
    Ok(Sample { wall_s, device_s })
}

/// Runs of a program that take long enough for a sample. Also the warm-up: shaders are compiled and memory touched.
pub fn runs(executor: &mut dyn Executor, program: Program, effort: &Effort) -> Result<u32> {
    sample(executor, program, 1)?;
    let mut runs = 1;
    loop {
        let wall_s = sample(executor, program, runs)?.wall_s;
        if wall_s >= effort.sample_s || runs >= MOST_RUNS {
            return Ok(runs);
        }
        // Not far beyond what is needed, and at most ten times as many, since the first ones measure the submission.
        let wanted = 1.2 * effort.sample_s / wall_s.max(1e-9);
        runs = (f64::from(runs) * wanted.clamp(1.5, 10.0)).ceil().min(f64::from(MOST_RUNS)) as u32;
    }
}
