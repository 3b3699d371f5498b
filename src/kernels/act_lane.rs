//! What follows the choice of an action: one step of every lane, statistics, the transition into the ring, and the reset where
//! the episode ended. Twin of `shaders/shared/act_lane.wgsl`.

use crate::engine::env::Env;
use crate::kernels::lane_step::LaneOf;
use crate::shared::agent::{Agent, FAULT_OBS, Lane};
use crate::shared::math::is_finite_f32;
use crate::shared::transition::Transition;

/// Which lanes there are.
#[derive(Clone, Copy)]
pub struct Lanes {
    /// Environments per agent.
    pub num_lanes: u32,
    /// Base of the random streams.
    pub stream: u32,
    /// Transitions per agent in `replay`; 0 stores nothing.
    pub capacity: u32,
    /// Agents.
    pub agents: u32,
}

/// Where they live.
pub struct Memory<'a> {
    /// `[agents]`
    pub agents: &'a [Agent],
    /// `[agents, num_lanes, param_words]`
    pub env_params: &'a [u32],
    /// `[agents, num_lanes, state_words]`
    pub state: &'a mut [u32],
    /// `[agents, num_lanes]`
    pub lanes: &'a mut [Lane],
    /// `[agents, num_lanes, obs_size]`
    pub obs: &'a mut [f32],
    /// `[agents, capacity]` transitions
    pub replay: &'a mut [u32],
}

/// Steps all lanes; `choose` writes the action of a lane, told its agent, its place among all, and its index and step.
pub fn act_lanes(
    env: &Env,
    sizes: Lanes,
    memory: Memory<'_>,
    mut choose: impl FnMut(&Agent, usize, (u32, u32), &mut [u32]),
) {
    let Memory { agents, env_params, state, lanes, obs, replay } = memory;
    let [num_lanes, capacity] = [sizes.num_lanes, sizes.capacity].map(|d| d as usize);
    let [obs_size, state_words, param_words] =
        [env.obs_size, env.state_words, env.param_words()].map(|n| n as usize);
    let layout = env.transition();
    let mut action = vec![0; env.actions.words()];
    let mut seen = vec![0.0; obs_size];
    for agent in 0..sizes.agents as usize {
        let h = &agents[agent];
        for i in 0..num_lanes {
            let lane = agent * num_lanes + i;
            let params = &env_params[lane * param_words..][..param_words];
            let (l, state) = (&mut lanes[lane], &mut state[lane * state_words..][..state_words]);
            choose(h, lane, (i as u32, l.step), &mut action);
            let of = LaneOf { env, params, seed: h.seed, stream: sizes.stream, index: i as u32 };
            let done = of.step(&action, state, l);
            env.twin().observe(params, state, &mut seen);
            let mut finite = true;
            let obs = &mut obs[lane * obs_size..][..obs_size];
            if capacity > 0 {
                let row = agent * capacity + (l.step as usize % (capacity / num_lanes)) * num_lanes + i;
                let reward = done.reward * h.reward_scale;
                let words = layout.words();
                layout.store(
                    &mut replay[row * words..][..words],
                    Transition { obs, next_obs: &seen, action: &action, reward, ended: done.ended },
                );
                finite = seen.iter().all(|x| is_finite_f32(*x));
            }
            if of.next(done.ended, state, l) {
                env.twin().observe(params, state, &mut seen);
            }
            obs.copy_from_slice(&seen);
            finite = finite && seen.iter().all(|x| is_finite_f32(*x));
            if l.fault == 0 && !finite {
                l.fault = FAULT_OBS | l.step;
            }
        }
    }
}
