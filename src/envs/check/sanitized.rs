//! The file's functions under the sanitizer: what is outside of an array, and where a number stops being finite, by its line.

use super::{Finding, play};
use crate::engine::compose::compose;
use crate::engine::env::Env;
use crate::engine::interpret::Interpreted;
use crate::engine::kernel::MAX_LOOP_ITERATIONS;
use crate::engine::variant::Variant;
use crate::error::Result;
use crate::interp::machine::Limits;
use crate::interp::sanitizer::{self, Kind};
use crate::kernels::env_probe;

/// Lanes, and steps of random play in each.
const ROWS: usize = 32;
const STEPS: u32 = 200;

const CHECK: &str = "sanitizer";

/// Random play, every access and every number watched. Lanes whose episode ends start anew.
pub fn faults(env: &'static Env, seed: u32) -> Result<Vec<Finding>> {
    let variant = Variant { kernel: &env_probe::KERNEL, env: Some(env), rule: None };
    let code = match Interpreted::of(&variant) {
        Ok(code) => code,
        Err(error) => {
            let text = format!("not executed: {error}");
            return Ok(vec![Finding::warning(CHECK, text, "Everything else was checked on the device.")]);
        }
    };
    let composed = compose(variant.kernel, variant.env, None)?;
    let state_words = env.state_words as usize;
    let mut memory = [
        vec![0; ROWS * env.actions.words()],
        vec![0; 1],
        env.lane_params(seed, ROWS as u64),
        vec![0; ROWS * state_words],
        vec![0; ROWS * env.obs_size as usize],
        vec![0; ROWS],
        vec![0; ROWS],
    ];
    let groups = [(ROWS as u32).div_ceil(env_probe::KERNEL.workgroup_size), 1, 1];
    let limits = Limits { iterations: MAX_LOOP_ITERATIONS, fuel: u64::MAX };
    let mut found: Vec<sanitizer::Finding> = Vec::new();
    let mut run = |step: u32, reset: u32, memory: &mut [Vec<u32>; 7]| {
        let params = [ROWS as u32, seed, step, 0, reset];
        for finding in code.watch(&params, memory, groups, limits, &[]).findings {
            if !found.iter().any(|known| (known.kind, known.line) == (finding.kind, finding.line)) {
                found.push(finding);
            }
        }
    };
    run(0, 1, &mut memory);
    let starts = memory[3].clone();
    for step in 0..STEPS {
        memory[0] = play::random_actions(env, ROWS, seed, step);
        run(step, 0, &mut memory);
        for row in 0..ROWS {
            if f32::from_bits(memory[6][row]) != 0.0 {
                let words = row * state_words..(row + 1) * state_words;
                memory[3][words.clone()].copy_from_slice(&starts[words]);
            }
        }
    }
    let findings: Vec<Finding> = found
        .iter()
        .filter_map(|finding| {
            let (file, line) = composed.origin(finding.line).filter(|(file, _)| *file == env.file)?;
            let text = format!("{file}:{line}: {}", finding.message);
            Some(match finding.kind {
                Kind::NonFinite => Finding::warning(
                    CHECK,
                    text,
                    "Training ends where an observation or reward is not finite; guard the operation.",
                ),
                _ => Finding::failed(
                    CHECK,
                    text,
                    "What a driver does there is its own choice: keep the index within the array.",
                ),
            })
        })
        .collect();
    Ok(match findings.is_empty() {
        true => vec![Finding::ok(
            CHECK,
            format!("{STEPS} steps in {ROWS} lanes: every access within its array, every number finite"),
        )],
        false => findings,
    })
}
