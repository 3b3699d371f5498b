//! Environment throughput: random play of many environments, many steps in one dispatch; or a trained agent at work.

use serde::Serialize;

use crate::agents::{self, Capabilities};
use crate::config::Config;
use crate::engine::clock::Instant;
use crate::engine::env::Env;
use crate::engine::executor::{Executor, read_as, write_as};
use crate::engine::kernel::MAX_LOOP_ITERATIONS;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::{Error, Result};
use crate::kernels::{env_reset, env_rollout};
use crate::shared::agent::{Agent, Lane};
use crate::train::fault::not_finite;
use crate::train::playback;
use crate::train::saved_run::{SavedRun, Which};

/// Largest number of environments in a rollout of an agent.
pub const MAX_EVAL_ENVS: u32 = 65_536;
/// Largest number of environments in one rollout.
pub const MAX_ENVS: u32 = 4_194_240;

/// What a rollout did and how long it took. Serialised as the JSON line of `softq rollout`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RolloutReport {
    /// Environment id.
    pub env: String,
    /// Device address.
    pub device: String,
    /// Adapter name.
    pub adapter: String,
    /// Policy: `random`, or how which run's agent acts.
    pub policy: String,
    /// Environments side by side.
    pub num_envs: u32,
    /// Steps of each.
    pub steps: u32,
    /// `num_envs * steps`.
    pub env_steps: u64,
    /// Dispatches that the steps took.
    pub dispatches: u64,
    /// Seconds from the first dispatch until the last result was there; compiling and one warm-up dispatch come before.
    pub wall_s: f64,
    /// `env_steps / wall_s`.
    pub steps_per_s: f64,
    /// Episodes that ended.
    pub episodes: u64,
    /// Their mean return; `None` without any.
    pub episodic_return: Option<f64>,
    /// Their mean length.
    pub episodic_length: Option<f64>,
}

/// Random play of `num_envs` environments for `steps` steps each.
///
/// ```
/// use softq::engine::cpu::CpuExecutor;
///
/// let env = softq::envs::find("cartpole")?;
/// let report = softq::train::rollout::random(env, &mut CpuExecutor::new(), 64, 500, 0)?;
/// assert_eq!(report.env_steps, 64 * 500);
/// assert!((18.0..28.0).contains(&report.episodic_return.expect("episodes")), "22 for random play");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn random(
    env: &'static Env,
    executor: &mut dyn Executor,
    num_envs: u32,
    steps: u32,
    seed: u32,
) -> Result<RolloutReport> {
    check("num_envs", num_envs, MAX_ENVS)?;
    check("steps", steps, u32::MAX)?;
    let lanes = u64::from(num_envs);
    const HINT: &str = "Lower --num-envs.";
    let mut buffers = Buffers::default();
    let agents: Buffer<Agent> = buffers.add("agents", 1, HINT);
    let env_params: Buffer<u32> = buffers.add("env_params", lanes * u64::from(env.param_words()), HINT);
    let state: Buffer<u32> = buffers.add("state", lanes * u64::from(env.state_words), HINT);
    let records: Buffer<Lane> = buffers.add("lanes", lanes, HINT);
    let obs: Buffer<f32> = buffers.add("obs", lanes * u64::from(env.obs_size), HINT);

    let mut reset = Recording::default();
    let params = env_reset::Params { num_lanes: num_envs, stream: 0, agents: 1 };
    env_reset::record(&mut reset, env, params, agents, env_params, state, records, obs)?;
    let per_step = 1 + 2 * u64::from(env.max_loop_iterations);
    let chunk = u64::from(steps).min(MAX_LOOP_ITERATIONS / per_step).max(1) as u32;
    let rollout = |steps: u32| -> Result<Recording> {
        let mut recording = Recording::default();
        let params = env_rollout::Params { num_lanes: num_envs, steps, seed, stream: 0 };
        env_rollout::record(&mut recording, env, params, env_params, state, records)?;
        Ok(recording)
    };
    executor.allocate(&buffers)?;
    write_as(executor, agents.id, &[Agent { seed, ..Agent::default() }])?;
    executor.write(env_params.id, &env.lane_params(seed, lanes))?;
    let reset = executor.prepare(&reset)?;
    let whole = executor.prepare(&rollout(chunk)?)?;
    let rest = steps % chunk;
    let rest_program = if rest > 0 { Some(executor.prepare(&rollout(rest)?)?) } else { None };
    let warm_up = executor.prepare(&rollout(1)?)?;
    // Compiles the shader and touches the memory; the timed steps start from fresh states.
    executor.submit(&[(reset, 1), (warm_up, 1), (reset, 1)], None)?;
    executor.read(agents.id)?;

    let mut tally = Tally::default();
    let started = Instant::now();
    for done in 1..=steps / chunk {
        executor.submit(&[(whole, 1)], None)?;
        if done % (DRAINED / chunk).max(1) == 0 {
            tally.drain(env, executor, records)?;
        }
    }
    if let Some(rest) = rest_program {
        executor.submit(&[(rest, 1)], None)?;
    }
    // A small read, which waits for everything before it.
    executor.read(agents.id)?;
    let wall_s = started.elapsed().as_secs_f64();
    tally.drain(env, executor, records)?;
    let mut report = report(env, executor, "random", num_envs, steps, wall_s, &tally);
    report.dispatches = u64::from(steps / chunk + u32::from(rest > 0));
    Ok(report)
}

/// Play of a trained agent, greedy or sampled from its softmax: one forward pass and one environment step per vector step,
/// as in training without learning.
///
/// ```
/// use std::path::Path;
///
/// use softq::config::Config;
/// use softq::engine::cpu::CpuExecutor;
/// use softq::train::model_file::model_bytes;
/// use softq::train::rollout::{RolloutReport, agent};
/// use softq::train::saved_run::SavedRun;
/// use softq::train::trainer::Trainer;
///
/// let config = Config { env: "catch".into(), device: "cpu".into(), ..Config::default() };
/// let bytes = model_bytes(&Trainer::new(&config)?.last_weights()?)?;
/// let run = SavedRun::of_file(Path::new("model.safetensors"), &bytes, &softq::envs::open)?;
/// let report: RolloutReport = agent(&run, false, &mut CpuExecutor::new(), 16, 90, 0)?;
/// assert_eq!(report.policy, "greedy of model.safetensors");
/// // A ball falls for nine steps.
/// assert_eq!((report.env_steps, report.episodes, report.episodic_length), (16 * 90, 16 * 10, Some(9.0)));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn agent(
    run: &SavedRun,
    softmax: bool,
    executor: &mut dyn Executor,
    num_envs: u32,
    steps: u32,
    seed: u32,
) -> Result<RolloutReport> {
    check("num_envs", num_envs, MAX_EVAL_ENVS)?;
    check("steps", steps, u32::MAX)?;
    let config = Config { eval_episodes: num_envs, seed: seed.into(), ..playback::alone(&run.config) };
    let mut plan = agents::plan_relative(&config, run.env, Capabilities::default(), run.reference.as_ref())?;
    plan.set_log_alphas(&run.log_alphas);
    let acting = &plan.evaluations[if softmax { 3 } else { 2 }];
    executor.allocate(&plan.buffers)?;
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words)?;
    }
    plan.set_weights(&run.weights, executor)?;
    let reset = executor.prepare(&acting.reset)?;
    let act = executor.prepare(&acting.act)?;
    executor.submit(&[(reset, 1), (act, 1), (reset, 1)], None)?;
    executor.read(plan.shards[0].records.id)?;

    let lanes = plan.shards[0].eval_lanes;
    let mut tally = Tally::default();
    let started = Instant::now();
    let mut left = steps;
    while left > 0 {
        // Few enough per submission to stay far from any watchdog.
        let some = left.min(50);
        executor.submit(&[(act, some)], None)?;
        left -= some;
        if (steps - left) % DRAINED < some {
            tally.drain(run.env, executor, lanes)?;
        }
    }
    executor.read(plan.shards[0].records.id)?;
    let wall_s = started.elapsed().as_secs_f64();
    tally.drain(run.env, executor, lanes)?;
    let weights = match run.which {
        Which::Last => String::new(),
        Which::Best => " (best weights)".into(),
        Which::Agent(agent) => format!(" (agent {agent})"),
    };
    let policy = format!("{} of {}{weights}", if softmax { "softmax" } else { "greedy" }, run.path.display());
    let mut report = report(run.env, executor, &policy, num_envs, steps, wall_s, &tally);
    report.dispatches = u64::from(steps) * acting.act.dispatches.len() as u64;
    Ok(report)
}

fn check(field: &str, value: u32, limit: u32) -> Result<()> {
    if (1..=limit).contains(&value) {
        return Ok(());
    }
    let hint = match field {
        "steps" => "Each environment takes that many.",
        _ => "65,536 environments fill most devices.",
    };
    Err(Error::invalid(field, value, format!("1 to {limit}"), hint))
}

/// Steps after which the sums of the lanes are taken to the host: theirs are f32, in which many small numbers get lost.
const DRAINED: u32 = 1 << 20;

/// Episodes of a rollout.
#[derive(Default)]
struct Tally {
    episodes: u64,
    returns: f64,
    lengths: f64,
}

impl Tally {
    /// Takes what the lanes have summed up, and lets them begin anew.
    fn drain(&mut self, env: &Env, executor: &mut dyn Executor, records: Buffer<Lane>) -> Result<()> {
        let mut lanes: Vec<Lane> = read_as(executor, records.id)?;
        if let Some(lane) = lanes.iter().position(|lane| lane.fault != 0) {
            return Err(not_finite(&env.id, lane, lanes[lane].fault, "a rollout"));
        }
        for lane in &mut lanes {
            self.episodes += u64::from(std::mem::take(&mut lane.window_episodes));
            self.returns += f64::from(std::mem::take(&mut lane.window_return));
            self.lengths += f64::from(std::mem::take(&mut lane.window_length));
        }
        write_as(executor, records.id, &lanes)
    }
}

/// Sums up a rollout.
fn report(
    env: &Env,
    executor: &dyn Executor,
    policy: &str,
    num_envs: u32,
    steps: u32,
    wall_s: f64,
    tally: &Tally,
) -> RolloutReport {
    let episodes = tally.episodes;
    let mean = |sum: f64| (episodes > 0).then(|| sum / episodes as f64);
    let env_steps = u64::from(num_envs) * u64::from(steps);
    RolloutReport {
        env: env.id.clone(),
        device: executor.address().to_owned(),
        adapter: String::new(),
        policy: policy.to_owned(),
        num_envs,
        steps,
        env_steps,
        dispatches: 0,
        wall_s,
        steps_per_s: env_steps as f64 / wall_s.max(1e-9),
        episodes,
        episodic_return: mean(tally.returns),
        episodic_length: mean(tally.lengths),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::CpuExecutor;

    #[test]
    fn every_step_counts_once_however_often_the_sums_are_taken() {
        let env = crate::envs::find("cartpole").expect("built in");
        let (lanes, steps) = (3, 2 * DRAINED + 77_777);
        let report = random(env, &mut CpuExecutor::new(), lanes, steps, 4).expect("rollout");
        let ended = report.episodic_length.expect("episodes") * report.episodes as f64;
        // Lengths are whole numbers; what is missing are the last episodes of the lanes.
        assert!((ended - ended.round()).abs() < 1e-3, "{ended}");
        let open = report.env_steps as f64 - ended;
        assert!((0.0..3.0 * 200.0).contains(&open), "{open}");
        assert_eq!(report.episodic_return, report.episodic_length, "CartPole pays 1 per step");
    }
}
