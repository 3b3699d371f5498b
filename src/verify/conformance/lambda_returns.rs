//! `cleanrl_pqn_returns` and `purejaxql_returns`: lambda returns of given rewards, ends and action values, through the kernel.
//!
//! Both treat an episode that was cut like one that ended, so every end is a termination here. The value that purejaxql mixes
//! into the last return but one is that behind the whole rollout, masked by the last step's end, in the place of the last state's.

use serde_json::Value;

use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::lambda_returns;
use crate::shared::agent::{Agent, Lane};
use crate::shared::lambda_return::LambdaReturn;
use crate::shared::transition::{GOES_ON, TERMINATED, Transition, TransitionLayout};
use crate::verify::conformance::case::{Case, number_at};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed};

/// Transitions without observations.
const BARE: TransitionLayout = TransitionLayout { obs_size: 0, obs_bits: 32, action_words: 1 };

/// A rollout `[steps, lanes]`.
struct Grid {
    steps: usize,
    lanes: usize,
    actions: usize,
    rewards: Vec<f32>,
    /// Whether a step ended its episode.
    ends: Vec<bool>,
    /// Action values behind every step `[steps, lanes, actions]`.
    next_q: Vec<f32>,
}

/// CleanRL's returns.
pub fn replay_cleanrl(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    replay(case, device, comparison, |name, [steps, lanes, actions]| {
        let part = |part: &str, shape: &[usize]| case.f32_of(&format!("{name}.{part}"), shape);
        let values = part("values", &[steps, lanes])?;
        // dones[t] says that step t - 1 ended, and values[t] what its state is worth.
        let starts = part("dones", &[steps, lanes])?.iter().chain(part("next_done", &[lanes])?);
        let mut next_q: Vec<f32> = values[lanes..].iter().flat_map(|value| vec![*value; actions]).collect();
        next_q.extend(part("last_q", &[lanes, actions])?);
        Ok(Grid {
            steps,
            lanes,
            actions,
            rewards: part("rewards", &[steps, lanes])?.to_vec(),
            ends: starts.skip(lanes).map(|done| *done != 0.0).collect(),
            next_q,
        })
    })
}

/// purejaxql's.
pub fn replay_purejaxql(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    replay(case, device, comparison, |name, [steps, lanes, actions]| {
        let part = |part: &str, shape: &[usize]| case.f32_of(&format!("{name}.{part}"), shape);
        let ends: Vec<bool> = part("dones", &[steps, lanes])?.iter().map(|done| *done != 0.0).collect();
        let last_q = part("last_q", &[lanes, actions])?;
        let mut next_q = part("q", &[steps, lanes, actions])?[lanes * actions..].to_vec();
        if steps > 1 {
            // The scan's first carry.
            let masked = last_q.chunks_exact(actions).zip(&ends[(steps - 1) * lanes..]);
            let carry = masked.flat_map(|(q, ended)| q.iter().map(|q| if *ended { 0.0 } else { *q }));
            let at = next_q.len() - lanes * actions;
            next_q.splice(at.., carry);
        }
        next_q.extend(last_q);
        let rewards = part("rewards", &[steps, lanes])?.to_vec();
        Ok(Grid { steps, lanes, actions, rewards, ends, next_q })
    })
}

/// Every grid with every lambda.
fn replay(
    case: &Case,
    device: &mut Device<'_>,
    comparison: &mut Comparison,
    read: impl Fn(&str, [usize; 3]) -> Outcome<Grid>,
) -> Outcome<()> {
    let Some(grids) = case.config().get("grids").and_then(Value::as_object) else {
        return malformed("config has no 'grids'");
    };
    for (name, entry) in grids {
        let size = |key: &str| match number_at(entry, &[key])? {
            size if size.fract() == 0.0 && (1.0..=65_536.0).contains(&size) => Ok(size as usize),
            size => malformed(format!("config.grids.{name}.{key} is {size}")),
        };
        let grid = read(name, [size("T")?, size("N")?, size("actions")?])?;
        let gamma = number_at(entry, &["gamma"])? as f32;
        let Some(lambdas) = entry.get("lambdas").and_then(Value::as_array) else {
            return malformed(format!("config.grids.{name} has no 'lambdas'"));
        };
        let memory = Memory::new(&grid, device)?;
        for (index, lambda) in lambdas.iter().enumerate() {
            let q_lambda = number_at(lambda, &[])? as f32;
            let got = memory.returns(device, Agent { gamma, q_lambda, ..Agent::default() })?;
            let label = format!("{name}.lambda{index}.returns");
            let want = case.f32_of(&label, &[grid.steps, grid.lanes])?;
            comparison.tensor("returns", &label, &got, want, case.tolerance(&format!("{name}.returns"))?)?;
        }
    }
    Ok(())
}

/// The kernel over one grid.
struct Memory {
    agents: Buffer<Agent>,
    returns: Buffer<LambdaReturn>,
    program: Program,
}

impl Memory {
    fn new(grid: &Grid, device: &mut Device<'_>) -> Outcome<Memory> {
        let [steps, num_lanes, actions] = [grid.steps, grid.lanes, grid.actions].map(|size| size as u32);
        let rows = (grid.steps * grid.lanes) as u64;
        let mut buffers = Buffers::default();
        let agents = buffers.add("agents", 1, "");
        let lanes: Buffer<Lane> = buffers.add("lanes", u64::from(num_lanes), "");
        let replay: Buffer<u32> = buffers.add("replay", rows * BARE.words() as u64, "");
        let q: Buffer<f32> = buffers.add("q", rows * u64::from(actions), "");
        let returns = buffers.add("returns", rows, "");
        let params = lambda_returns::Params {
            steps,
            num_lanes,
            obs_size: BARE.obs_size,
            obs_bits: BARE.obs_bits,
            actions,
            q_stride: actions,
            heads: 1,
            hard: 1,
            agents: 1,
            ..lambda_returns::Params::default()
        };
        let mut recording = Recording::default();
        lambda_returns::record(&mut recording, params, agents, lanes, replay, q, returns)?;
        let program = device.prepare(&buffers, &recording)?;
        let mut words = vec![0; rows as usize * BARE.words()];
        let steps = grid.rewards.iter().zip(&grid.ends);
        for (row, (reward, ended)) in words.chunks_exact_mut(BARE.words()).zip(steps) {
            let ended = if *ended { TERMINATED } else { GOES_ON };
            let (obs, next_obs) = (&[], &[]);
            BARE.store(row, Transition { obs, next_obs, action: &[0], reward: *reward, ended });
        }
        device.write(replay, &words)?;
        device.write(q, &grid.next_q)?;
        Ok(Memory { agents, returns, program })
    }

    fn returns(&self, device: &mut Device<'_>, agent: Agent) -> Outcome<Vec<f32>> {
        device.write(self.agents, &[agent])?;
        device.run(self.program)?;
        Ok(device.read(self.returns)?.iter().map(|result| result.value).collect())
    }
}
