//! What the device says: initial states, listed states, and what a step leads to.

use std::collections::HashMap;

use super::boxes::{corners, share};
use super::divide::Parts;
use super::probability::shares;
use super::proof::Program;
use super::value::DRAWS;
use super::{Answer, Explorer, refused};
use crate::envs::check::probe::{Flag, Probe};
use crate::error::Result;
use crate::shared::rng::pcg4d;

/// Resets from which the shares of the initial states are taken where they are not proven.
pub const RESETS: usize = 4096;
/// States that are left at once while they are only counted.
const SCOUTED: usize = 1024;

/// Words of a state, an action, and the first random numbers.
pub(super) struct Question<'a> {
    pub(super) state: &'a [u32],
    pub(super) action: u32,
    pub(super) draws: [u32; DRAWS],
}

impl Explorer<'_> {
    /// Rows of one dispatch.
    pub(super) fn rows(&self, wanted: usize) -> usize {
        let most = (1usize << 22) / (self.env.obs_size.max(self.env.state_words) as usize).max(1);
        wanted.clamp(1, most.clamp(64, 1 << 15))
    }

    /// Goes wherever a few random numbers lead, and refuses an environment of too many states.
    pub(super) fn scout(&mut self) -> Result<()> {
        self.reset_at(None, self.rows(RESETS))?;
        let mut seen = 0;
        while seen < self.found.len() {
            let new = seen..self.found.len().min(seen + SCOUTED);
            seen = new.end;
            let open = new.filter(|state| self.found[*state].open);
            let (actions, batch) = (self.actions, self.batch);
            let wanted = open.flat_map(|state| {
                (0..actions).flat_map(move |action| {
                    (0..2).map(move |k| (state, action, pcg4d([state as u32, action, k, batch])))
                })
            });
            let wanted: Vec<(usize, u32, [u32; DRAWS])> = wanted.collect();
            self.ask_at(&wanted)?;
        }
        Ok(())
    }

    /// The initial states and their probabilities, if they can be proven.
    pub(super) fn proven_resets(&mut self) -> Result<Option<Vec<(u32, f64)>>> {
        let Ok(Parts { cells, open: 0.0, .. }) = self.program.as_ref().map(Program::starts) else {
            return Ok(None);
        };
        let lows: Vec<[u32; DRAWS]> = cells.iter().map(|(cell, _)| corners(cell)[0]).collect();
        let numbers = self.reset_at(Some(&lows), lows.len())?;
        let parts = cells.iter().map(|(cell, _)| share(cell)).zip(numbers);
        let mut starts = shares(parts);
        starts.sort_by_key(|(state, _)| *state);
        Ok(Some(starts))
    }

    /// The same, counted where they cannot.
    pub(super) fn resets(&mut self) -> Result<Vec<(u32, f64)>> {
        if let Some(starts) = self.proven_resets()? {
            return Ok(starts);
        }
        self.proof.starts_sampled = true;
        let rows = self.rows(RESETS);
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for number in self.reset_at(None, rows)? {
            *counts.entry(number).or_default() += 1;
        }
        let mut starts: Vec<(u32, f64)> =
            counts.into_iter().map(|(state, count)| (state, f64::from(count) / rows as f64)).collect();
        starts.sort_by_key(|(state, _)| *state);
        Ok(starts)
    }

    /// Initial states, from given random numbers or the generator's own.
    pub(super) fn reset_at(&mut self, draws: Option<&[[u32; DRAWS]]>, count: usize) -> Result<Vec<u32>> {
        let (words, obs) = (self.env.state_words as usize, self.env.obs_size as usize);
        let mut numbers = Vec::new();
        let chunk = self.rows(count);
        for from in (0..count).step_by(chunk) {
            let rows = chunk.min(count - from);
            let given = if draws.is_some() { DRAWS as u32 } else { 0 };
            let mut probe = Probe::new(self.executor, self.env, rows, 0, given)?;
            if let Some(draws) = draws {
                probe.give(draws[from..from + rows].as_flattened())?;
            }
            probe.reset(0)?;
            let outcomes = probe.outcomes()?;
            for (state, seen) in outcomes.states.chunks_exact(words).zip(outcomes.obs.chunks_exact(obs)) {
                numbers.push(self.number(seen, state, true)?);
            }
        }
        Ok(numbers)
    }

    /// The listed states, seen without a step.
    pub(super) fn listed(&mut self, states: &[Vec<u32>]) -> Result<()> {
        let (words, obs) = (self.env.state_words as usize, self.env.obs_size as usize);
        for chunk in states.chunks(self.rows(states.len())) {
            let mut probe = Probe::new(self.executor, self.env, chunk.len(), 0, 0)?;
            probe.states(&chunk.concat())?;
            probe.look()?;
            let outcomes = probe.outcomes()?;
            for (state, seen) in outcomes.states.chunks_exact(words).zip(outcomes.obs.chunks_exact(obs)) {
                self.number(seen, state, true)?;
            }
        }
        Ok(())
    }

    /// What each question leads to, with other random words behind the given ones every time.
    pub(super) fn ask(&mut self, questions: &[Question]) -> Result<Vec<Answer>> {
        let (words, obs) = (self.env.state_words as usize, self.env.obs_size as usize);
        let mut answers = Vec::with_capacity(questions.len());
        for chunk in questions.chunks(self.rows(questions.len())) {
            self.batch += 1;
            let mut probe = Probe::new(self.executor, self.env, chunk.len(), self.batch, DRAWS as u32)?;
            let draws: Vec<u32> = chunk.iter().flat_map(|question| question.draws).collect();
            probe.give(&draws)?;
            probe.states(
                &chunk.iter().flat_map(|question| question.state.iter().copied()).collect::<Vec<_>>(),
            )?;
            probe.step(self.batch, &chunk.iter().map(|question| question.action).collect::<Vec<_>>())?;
            let outcomes = probe.outcomes()?;
            for row in 0..chunk.len() {
                let terminated = match outcomes.flags[row] {
                    Flag::Goes => false,
                    Flag::Terminated => true,
                    Flag::Overrun(line) => {
                        let why = format!("the loop on line {line} of its step does not end");
                        return refused(self.env, why);
                    }
                };
                let reward = outcomes.rewards[row];
                if !f32::from_bits(reward).is_finite() {
                    return refused(self.env, format!("a step gives the reward {}", f32::from_bits(reward)));
                }
                let (state, seen) =
                    (&outcomes.states[row * words..][..words], &outcomes.obs[row * obs..][..obs]);
                answers.push(Answer { next: self.number(seen, state, !terminated)?, reward, terminated });
            }
        }
        Ok(answers)
    }

    pub(super) fn ask_at(&mut self, wanted: &[(usize, u32, [u32; DRAWS])]) -> Result<Vec<Answer>> {
        let states: Vec<Vec<u32>> =
            wanted.iter().map(|(state, ..)| self.found[*state].words.clone()).collect();
        let questions: Vec<Question> = wanted
            .iter()
            .zip(&states)
            .map(|((_, action, draws), state)| Question { state, action: *action, draws: *draws })
            .collect();
        self.ask(&questions)
    }
}
