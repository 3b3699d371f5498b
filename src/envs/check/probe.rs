//! Single steps and resets of many rows through `env_probe`, with the host in between: what every check is made of.

use crate::engine::env::Env;
use crate::engine::executor::Executor;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::env_probe;

/// Random words given to every row where two rows must see the same draws. A step that draws more goes on with words of
/// its own row.
pub const GIVEN: u32 = 256;

/// What the rows gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcomes {
    /// States after the step `[rows, state_words]`.
    pub states: Vec<u32>,
    /// Observations after the step, as bits `[rows, obs_size]`.
    pub obs: Vec<u32>,
    /// Rewards, as bits.
    pub rewards: Vec<u32>,
    /// See [`Flag`].
    pub flags: Vec<Flag>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// The episode goes on.
    Goes,
    /// The episode ended.
    Terminated,
    /// The loop on this line used up the iterations of the file.
    Overrun(usize),
}

/// An environment on an executor, a fixed number of rows wide.
pub struct Probe<'a> {
    /// The environment.
    pub env: &'static Env,
    /// Rows.
    pub rows: usize,
    /// Seed of draws.
    pub seed: u32,
    executor: &'a mut dyn Executor,
    buffers: Memory,
    given: u32,
}

struct Memory {
    actions: Buffer<u32>,
    draws: Buffer<u32>,
    env_params: Buffer<u32>,
    state: Buffer<u32>,
    obs: Buffer<f32>,
    rewards: Buffer<f32>,
    terminated: Buffer<f32>,
}

impl<'a> Probe<'a> {
    /// Allocates memory for `rows` rows; parameters are those of so many lanes. `given` draws per row come from
    /// [`Probe::give`].
    pub fn new(
        executor: &'a mut dyn Executor,
        env: &'static Env,
        rows: usize,
        seed: u32,
        given: u32,
    ) -> Result<Probe<'a>> {
        let count = rows as u64;
        let mut buffers = Buffers::default();
        let words = |per_row: u64| count * per_row;
        let memory = Memory {
            actions: buffers.add("actions", words(env.actions.words() as u64), ""),
            draws: buffers.add("draws", words(u64::from(given)), ""),
            env_params: buffers.add("env_params", words(u64::from(env.param_words())), ""),
            state: buffers.add("state", words(u64::from(env.state_words)), ""),
            obs: buffers.add("obs", words(u64::from(env.obs_size)), ""),
            rewards: buffers.add("rewards", count, ""),
            terminated: buffers.add("terminated", count, ""),
        };
        executor.allocate(&buffers)?;
        executor.write(memory.env_params.id, &env.lane_params(seed, count))?;
        Ok(Probe { env, rows, seed, executor, buffers: memory, given })
    }

    /// Sets the parameters of every row.
    pub fn params(&mut self, words: &[u32]) -> Result<()> {
        self.executor.write(self.buffers.env_params.id, words)
    }

    /// Sets the states of every row.
    pub fn states(&mut self, words: &[u32]) -> Result<()> {
        self.executor.write(self.buffers.state.id, words)
    }

    /// Sets the draws that steps see first `[rows, GIVEN]`.
    pub fn give(&mut self, words: &[u32]) -> Result<()> {
        self.executor.write(self.buffers.draws.id, words)
    }

    /// Starts every row anew, with the draws of step `step`.
    pub fn reset(&mut self, step: u32) -> Result<()> {
        self.run(step, 1)
    }

    /// Observes every row as it is.
    pub fn look(&mut self) -> Result<()> {
        self.run(0, 2)
    }

    /// Takes one step in every row; `actions` `[rows, action words]`.
    pub fn step(&mut self, step: u32, actions: &[u32]) -> Result<()> {
        self.executor.write(self.buffers.actions.id, actions)?;
        self.run(step, 0)
    }

    fn run(&mut self, step: u32, reset: u32) -> Result<()> {
        let params =
            env_probe::Params { rows: self.rows as u32, seed: self.seed, step, draws: self.given, reset };
        let m = &self.buffers;
        let mut recording = Recording::default();
        env_probe::record(
            &mut recording,
            self.env,
            params,
            m.actions,
            m.draws,
            m.env_params,
            m.state,
            m.obs,
            m.rewards,
            m.terminated,
        )?;
        let program = self.executor.prepare(&recording)?;
        self.executor.submit(&[(program, 1)], None)
    }

    /// Everything the last run gave.
    pub fn outcomes(&mut self) -> Result<Outcomes> {
        Ok(Outcomes { states: self.executor.read(self.buffers.state.id)?, ..self.seen()? })
    }

    /// The same without the states.
    pub fn seen(&mut self) -> Result<Outcomes> {
        let flags = self.executor.read(self.buffers.terminated.id)?;
        Ok(Outcomes {
            states: Vec::new(),
            obs: self.executor.read(self.buffers.obs.id)?,
            rewards: self.executor.read(self.buffers.rewards.id)?,
            flags: flags.into_iter().take(self.rows).map(flag).collect(),
        })
    }
}

fn flag(bits: u32) -> Flag {
    let value = f32::from_bits(bits);
    if value >= 2.0 {
        Flag::Overrun((value - 2.0) as usize)
    } else if value > 0.0 {
        Flag::Terminated
    } else {
        Flag::Goes
    }
}
