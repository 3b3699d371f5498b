//! Environment steps on the device: single ones from given states, and the training kernel's with its bookkeeping.

use crate::engine::env::Env;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::act_step;
use crate::kernels::env_probe;
use crate::shared::agent::{Agent, Lane};
use crate::shared::transition::TERMINATED;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed};

/// A state with the action to take in it.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Words of the state.
    pub state: Vec<u32>,
    /// Words of the action.
    pub action: Vec<u32>,
    /// Words that the step draws before the generator's own, where the row runs alone.
    pub draws: Vec<u32>,
    /// Steps that the lane has taken: the place in the random streams of the training kernel.
    pub lane_step: u32,
    /// Steps already taken in the episode.
    pub episode_step: u32,
    /// Return so far.
    pub episode_return: f32,
}

/// Results of [`probe`], row by row.
pub struct Probed {
    /// Words of the next states.
    pub state: Vec<u32>,
    /// Their observations.
    pub obs: Vec<f32>,
    /// Rewards.
    pub rewards: Vec<f32>,
    /// 1 where the step ended the episode for good.
    pub terminated: Vec<f32>,
}

/// Results of [`act`], row by row.
pub struct Acted {
    /// Bookkeeping after the step.
    pub lanes: Vec<Lane>,
    /// The observation stored in replay: the last one of an episode that ended.
    pub next_obs: Vec<f32>,
    /// Rewards stored in replay.
    pub rewards: Vec<f32>,
    /// Terminations stored in replay.
    pub terminated: Vec<f32>,
}

fn rows_of<T>(rows: &[T]) -> Outcome<u32> {
    match u32::try_from(rows.len()) {
        Ok(count) if count > 0 => Ok(count),
        _ => malformed(format!("{} transitions", rows.len())),
    }
}

/// One step of every row without autoreset.
pub fn probe(device: &mut Device<'_>, env: &'static Env, starts: &[Start]) -> Outcome<Probed> {
    rows_of(starts)?;
    run_probe(device, env, starts, false)
}

/// An initial state for each list of draws.
pub fn reset(device: &mut Device<'_>, env: &'static Env, draws: &[Vec<u32>]) -> Outcome<Probed> {
    rows_of(draws)?;
    let start = |draws: &Vec<u32>| Start {
        state: vec![0; env.state_words as usize],
        action: vec![0; env.actions.words()],
        draws: draws.clone(),
        ..Start::default()
    };
    run_probe(device, env, &draws.iter().map(start).collect::<Vec<_>>(), true)
}

fn run_probe(
    device: &mut Device<'_>,
    env: &'static Env,
    starts: &[Start],
    from_reset: bool,
) -> Outcome<Probed> {
    let rows = rows_of(starts)?;
    let count = u64::from(rows);
    // Rows with fewer draws than others continue with zeros, which a step that draws what was recorded never sees.
    let given = starts.iter().map(|start| start.draws.len()).max().unwrap_or(0);
    let mut buffers = Buffers::default();
    let actions: Buffer<u32> = buffers.add("actions", count * env.actions.words() as u64, "");
    let state: Buffer<u32> = buffers.add("state", count * u64::from(env.state_words), "");
    let obs = buffers.add("obs", count * u64::from(env.obs_size), "");
    let rewards = buffers.add("rewards", count, "");
    let terminated = buffers.add("terminated", count, "");
    let mut recording = Recording::default();
    let params =
        env_probe::Params { rows, seed: 0, step: 0, draws: given as u32, reset: u32::from(from_reset) };
    let draws: Buffer<u32> = buffers.add("draws", (count * given as u64).max(1), "");
    let env_params: Buffer<u32> = buffers.add("env_params", count * u64::from(env.param_words()), "");
    env_probe::record(
        &mut recording,
        env,
        params,
        actions,
        draws,
        env_params,
        state,
        obs,
        rewards,
        terminated,
    )?;
    let program = device.prepare(&buffers, &recording)?;
    device.write(actions, &starts.iter().flat_map(|start| start.action.clone()).collect::<Vec<_>>())?;
    device.write(state, &state_words(starts))?;
    device.write(env_params, &env.lane_params(0, count))?;
    let padded =
        |start: &Start| start.draws.iter().copied().chain(std::iter::repeat(0)).take(given).collect();
    device.write(draws, &starts.iter().flat_map::<Vec<u32>, _>(padded).collect::<Vec<_>>())?;
    device.run(program)?;
    Ok(Probed {
        state: device.read(state)?,
        obs: device.read(obs)?,
        rewards: device.read(rewards)?,
        terminated: device.read(terminated)?,
    })
}

fn state_words(starts: &[Start]) -> Vec<u32> {
    starts.iter().flat_map(|start| start.state.iter().copied()).collect()
}

/// One step of every row through the kernel that training uses, with statistics, replay and autoreset. The policy is
/// greedy over action values that are 1 for the recorded action and 0 for the others.
pub fn act(device: &mut Device<'_>, env: &'static Env, starts: &[Start]) -> Outcome<Acted> {
    let rows = rows_of(starts)?;
    let count = u64::from(rows);
    let obs_size = env.obs_size as usize;
    let layout = env.transition();
    let mut buffers = Buffers::default();
    let agents = buffers.add("agents", 1, "");
    let q = buffers.add("q", count * u64::from(env.actions.outputs()), "");
    let state: Buffer<u32> = buffers.add("state", count * u64::from(env.state_words), "");
    let lanes: Buffer<Lane> = buffers.add("lanes", count, "");
    let obs = buffers.add("obs", count * obs_size as u64, "");
    let replay = buffers.add("replay", count * layout.words() as u64, "");
    let params = act_step::Params {
        num_lanes: rows,
        stream: 0,
        policy: 1,
        explore: 0,
        uniform_steps: 0,
        // One row per lane, at the lane's own index.
        capacity: rows,
        agents: 1,
    };
    let mut recording = Recording::default();
    let env_params: Buffer<u32> = buffers.add("env_params", count * u64::from(env.param_words()), "");
    act_step::record(&mut recording, env, params, agents, q, env_params, state, lanes, obs, replay)?;
    let program = device.prepare(&buffers, &recording)?;
    device.write(env_params, &env.lane_params(0, count))?;
    device.write(agents, &[Agent { reward_scale: 1.0, alpha: 1.0, ..Agent::default() }])?;
    device.write(state, &state_words(starts))?;
    let chosen = |start: &Start| {
        let heads = env.actions.heads().into_iter().zip(start.action.clone());
        heads.flat_map(|(actions, chosen)| (0..actions).map(move |a| if a == chosen { 1.0f32 } else { 0.0 }))
    };
    device.write(q, &starts.iter().flat_map(chosen).collect::<Vec<_>>())?;
    let lane = |start: &Start| Lane {
        step: start.lane_step,
        episode_step: start.episode_step,
        episode_return: start.episode_return,
        ..Lane::default()
    };
    device.write(lanes, &starts.iter().map(lane).collect::<Vec<_>>())?;
    device.run(program)?;
    let transitions: Vec<u32> = device.read(replay)?;
    let rows = || transitions.chunks_exact(layout.words());
    let mut next_obs = vec![0.0; obs_size * rows().len()];
    for (row, obs) in rows().zip(next_obs.chunks_exact_mut(obs_size)) {
        layout.load_obs(&row[layout.next_obs_at()..], obs);
    }
    Ok(Acted {
        lanes: device.read(lanes)?,
        next_obs,
        rewards: rows().map(|row| layout.reward(row)).collect(),
        terminated: rows().map(|row| f32::from(u8::from(row[layout.ended_at()] == TERMINATED))).collect(),
    })
}
