//! Agreement of the device with the CPU twin, for environments that have one.

use super::probe::{Flag, Outcomes, Probe};
use super::{Finding, play, sample_states};
use crate::engine::cpu::CpuExecutor;
use crate::engine::env::Env;
use crate::engine::executor::Executor;
use crate::error::Result;

/// Largest relative difference of an observation after one step.
const ALLOWED: f32 = 1e-4;

/// One step from the same states on the device and on the CPU.
pub fn agreement(executor: &mut dyn Executor, env: &'static Env, seed: u32) -> Result<Vec<Finding>> {
    if env.twin.is_none() || ["cpu", "interp"].contains(&executor.address()) {
        return Ok(Vec::new());
    }
    let sample = sample_states(executor, env, seed, 4096)?;
    let rows = sample.states.len() / env.state_words as usize;
    let actions = play::random_actions(env, rows, seed, 5);
    let step = |executor: &mut dyn Executor| -> Result<Outcomes> {
        let mut probe = Probe::new(executor, env, rows, seed, 0)?;
        probe.params(&sample.params)?;
        probe.states(&sample.states)?;
        probe.step(0, &actions)?;
        probe.seen()
    };
    let device = step(executor)?;
    let cpu = step(&mut CpuExecutor::new())?;
    let worst = device
        .obs
        .iter()
        .zip(&cpu.obs)
        .map(|(a, b)| {
            let (a, b) = (f32::from_bits(*a), f32::from_bits(*b));
            (a - b).abs() / b.abs().max(1.0)
        })
        .fold(0.0, f32::max);
    let reward = |row: usize| [&device, &cpu].map(|outcomes| f32::from_bits(outcomes.rewards[row]));
    let apart = |[a, b]: [f32; 2]| (a - b).abs() > ALLOWED * b.abs().max(1.0);
    let rewards = (0..rows).filter(|row| apart(reward(*row))).count();
    let ends = |o: &Outcomes| o.flags.iter().map(|flag| *flag != Flag::Goes).collect::<Vec<_>>();
    let flags = ends(&device).iter().zip(ends(&cpu)).filter(|(a, b)| **a != *b).count();
    let text = format!(
        "{rows} steps: observations differ by at most {worst:e}, {rewards} rewards and {flags} flags differ"
    );
    // A value that lies on a limit may fall to either side of it.
    Ok(vec![if worst > ALLOWED || rewards.max(flags) * 1000 > rows {
        Finding::failed(
            "CPU twin",
            text,
            "Run `softq verify --only env_probe`: the device or the twin is wrong.",
        )
    } else {
        Finding::ok("CPU twin", text)
    }])
}
