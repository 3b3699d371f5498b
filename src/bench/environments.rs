//! Environments under random play: steps per second, with episodes and returns held against those of the CPU twins.

use crate::bench::row::{Group, Row, Unit};
use crate::bench::timing::Effort;
use crate::engine::cpu::CpuExecutor;
use crate::engine::executor::Executor;
use crate::envs;
use crate::error::Result;
use crate::train::rollout::{self, RolloutReport};

/// How far episodes and their mean return may be off, as a share: where rounding differs, single episodes go other ways.
const ALLOWED: f64 = 0.01;

/// Times random play of `num_envs` environments for `steps` steps each.
pub fn measure(
    executor: &mut dyn Executor,
    env: &str,
    (num_envs, steps): (u32, u32),
    effort: &Effort,
) -> Result<Row> {
    let env = envs::find(env)?;
    let twin = match executor.address() {
        "cpu" => None,
        _ => Some(rollout::random(env, &mut CpuExecutor::new(), num_envs, steps, 0)?),
    };
    let (mut rates, mut verdict) = (Vec::new(), Ok(()));
    let mut first: Option<RolloutReport> = None;
    for _ in 0..effort.repeats {
        let report = rollout::random(env, executor, num_envs, steps, 0)?;
        rates.push(report.steps_per_s);
        let same = first.get_or_insert(report.clone());
        verdict = verdict.and_then(|()| agree(same, &report, 0.0, "the first run"));
        if let Some(twin) = &twin {
            verdict = verdict.and_then(|()| agree(twin, &report, ALLOWED, "the CPU twin"));
        }
    }
    let shape = format!("{num_envs} environments, {steps} steps");
    let against = match &twin {
        Some(_) => "episodes and returns of the twin, 1%",
        None => "episodes and returns of the first run",
    };
    Ok(Row::new(Group::Environment, &env.id, shape, Unit::Steps, &rates).judged(against, verdict))
}

/// Whether two runs had as many episodes, of the same mean return.
fn agree(
    want: &RolloutReport,
    got: &RolloutReport,
    allowed: f64,
    whose: &str,
) -> std::result::Result<(), String> {
    let pairs = [
        ("episodes", want.episodes as f64, got.episodes as f64),
        ("mean return", want.episodic_return.unwrap_or(0.0), got.episodic_return.unwrap_or(0.0)),
    ];
    for (what, want, got) in pairs {
        if (got - want).abs() > allowed * want.abs() {
            return Err(format!("{got} {what} where {whose} has {want}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_episodes_are_no_agreement() {
        let effort = Effort { sample_s: 0.0, repeats: 2 };
        let row = measure(&mut CpuExecutor::new(), "cartpole", (64, 100), &effort).expect("plays");
        assert!(row.passed && row.value.low > 0.0, "{row:?}");
        let env = envs::find("cartpole").expect("cartpole");
        let report = rollout::random(env, &mut CpuExecutor::new(), 64, 100, 0).expect("plays");
        let fewer = RolloutReport { episodes: report.episodes - 1, ..report.clone() };
        assert!(agree(&report, &fewer, 0.0, "it").is_err() && agree(&report, &report, 0.0, "it").is_ok());
    }
}
