//! Playing by values on a grid: what they are worth in the environment itself.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::agents::acting::Purpose;
use crate::engine::env::Env;
use crate::engine::threads;
use crate::envs::grid::Grid;
use crate::error::Result;
use crate::kernels::lane_step::LaneOf;
use crate::shared::rng::{STREAMS, agent_seed};

/// Of a box of actions, so many times as many as the table knows are looked at along each dimension.
const FINER: u32 = 4;
/// Steps of an episode that has no time limit.
const LONGEST: u32 = 1_000;

/// One episode.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Played {
    /// Value at its start.
    pub value: f64,
    /// Sum of its rewards.
    pub undiscounted: f64,
    /// The same with later rewards discounted, which is what `value` foretells.
    pub discounted: f64,
}

/// Plays `episodes` episodes by one-step lookahead, `argmax_a r(s, a) + gamma V(s')` with V read between the points. They start
/// where those of `softq eval` with this seed do.
pub fn play(
    env: &'static Env,
    grid: &Grid,
    values: &[f32],
    gamma: f64,
    (seed, episodes): (u64, u32),
) -> Result<Vec<Played>> {
    let actions = grid.finer_actions(env, FINER)?;
    let stream = Purpose::FinalGreedy as u32 * STREAMS;
    let all_params = env.lane_params(agent_seed(seed, 1), u64::from(episodes));
    let seed = agent_seed(seed, 0);
    let param_words = env.param_words() as usize;
    let played = Mutex::new(vec![Played::default(); episodes as usize]);
    threads::any_order((0..episodes).collect(), |index: u32| {
        let params = &all_params[index as usize * param_words..][..param_words];
        let mut state = vec![0; env.state_words as usize];
        LaneOf { env, params, seed, stream, index }.start(u32::MAX, &mut state);
        let episode = follow(grid, values, gamma, &actions, &mut state, env.step_limit().min(LONGEST));
        played.lock().unwrap_or_else(PoisonError::into_inner)[index as usize] = episode;
    });
    Ok(played.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn follow(
    grid: &Grid,
    values: &[f32],
    gamma: f64,
    actions: &[Vec<u32>],
    state: &mut Vec<u32>,
    longest: u32,
) -> Played {
    let mut played = Played { value: grid.value(values, state), ..Played::default() };
    let mut discount = 1.0;
    for _ in 0..longest {
        let mut best = (f64::NEG_INFINITY, 0.0, false, state.clone());
        for action in actions {
            let mut next = state.clone();
            let (reward, terminated) = grid.step(&mut next, action);
            let later = if terminated { 0.0 } else { gamma * grid.value(values, &next) };
            if f64::from(reward) + later > best.0 {
                best = (f64::from(reward) + later, f64::from(reward), terminated, next);
            }
        }
        let (_, reward, terminated, next) = best;
        *state = next;
        played.undiscounted += reward;
        played.discounted += discount * reward;
        discount *= gamma;
        if terminated {
            break;
        }
    }
    played
}
