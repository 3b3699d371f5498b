//! Plays one episode on the CPU executor, step by step, to look at it.

use crate::config::Config;
use crate::engine::cpu::CpuExecutor;
use crate::engine::executor::{Executor, read_as};
use crate::envs::Env;
use crate::error::Result;
use crate::shared::agent::Lane;

/// States of one greedy episode with the given weights (`[nets, params]` words), initial state first.
pub fn greedy_episode(config: &Config, env: &'static Env, weights: &[u32]) -> Result<Vec<Vec<f32>>> {
    let small = Config { num_envs: 1, eval_episodes: 1, batch_size: 1, buffer_size: 1, ..config.clone() };
    let plan = crate::agents::plan(&small, env)?;
    let acting = &plan.evaluations[0];
    let mut executor = CpuExecutor::new();
    executor.allocate(&plan.buffers)?;
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words)?;
    }
    executor.write(plan.weights.id, weights)?;
    let reset = executor.prepare(&acting.reset)?;
    let act = executor.prepare(&acting.act)?;
    executor.submit(&[(reset, 1)], None)?;
    let mut states = vec![read_as::<f32>(&mut executor, acting.state.id)?];
    for _ in 0..env.max_episode_steps {
        executor.submit(&[(act, 1)], None)?;
        let lane: Vec<Lane> = read_as(&mut executor, acting.lanes.id)?;
        if lane.iter().all(|lane| lane.episodes > 0) {
            break;
        }
        states.push(read_as::<f32>(&mut executor, acting.state.id)?);
    }
    Ok(states)
}
