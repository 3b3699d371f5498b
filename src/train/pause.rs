//! A run put away and taken up again: checkpoints of a [`Trainer`], and a trainer that goes on from one.

use std::collections::BTreeMap;

use crate::engine::executor::read_as;
use crate::engine::recording::BufferId;
use crate::error::{Error, Result};
use crate::shared::agent::Agent;
use crate::train::advance::longest_evaluation;
use crate::train::checkpoint::{Checkpoint, Memory};
use crate::train::event::Event;
use crate::train::trainer::Trainer;

impl Trainer {
    /// Waits for everything that is on its way and takes it, without submitting more of the run. What there is to tell.
    pub fn settle(&mut self) -> Result<Vec<Event>> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let mut events = Vec::new();
        while self.course.expects() {
            self.executor.wait()?;
            self.collect(&mut events)?;
        }
        Ok(events)
    }

    /// Everything that the run needs to go on, but for the files that it writes. Nothing may be on its way
    /// ([`Trainer::settle`]).
    pub fn checkpoint(&mut self) -> Result<Checkpoint> {
        let mut memory = Vec::new();
        for (index, decl) in self.plan.buffers.decls.iter().enumerate() {
            let words = self.executor.read(BufferId(index as u32))?;
            memory.push(Memory { name: decl.name.clone(), words });
        }
        Ok(Checkpoint { course: self.course.clone(), memory, sinks: BTreeMap::new(), files: BTreeMap::new() })
    }

    /// Whether every agent has met a value that is not finite, which the statistics of its window will tell.
    pub(super) fn lost(&mut self) -> Result<bool> {
        for shard in &self.plan.shards {
            let records = read_as::<Agent>(&mut *self.executor, shard.records.id)?;
            if records.iter().any(|agent| agent.nonfinite == 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Goes on from a checkpoint of a run of the same settings. Only `total_timesteps` may differ: where it is larger, a run
    /// that had come to its end goes on as if it had been so from the start, with schedules as long as the checkpoint has them.
    pub fn go_on(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let mismatch = |what: String| {
            let hint = "Settings, version and device path (--path) must be those of the run.";
            Error::invalid("resume", what, "a checkpoint of the same memory", hint)
        };
        let mut kept: BTreeMap<&str, &[u32]> =
            checkpoint.memory.iter().map(|memory| (memory.name.as_str(), memory.words.as_slice())).collect();
        for (index, decl) in self.plan.buffers.decls.iter().enumerate() {
            let name = &decl.name;
            let words = kept.remove(name.as_str());
            let words = words.ok_or_else(|| mismatch(format!("a checkpoint without a buffer '{name}'")))?;
            if words.len() as u64 != decl.words {
                let (found, needed) = (words.len(), decl.words);
                return Err(mismatch(format!("a buffer '{name}' of {found} words instead of {needed}")));
            }
            self.executor.write(BufferId(index as u32), words)?;
        }
        if let Some(name) = kept.keys().next() {
            return Err(mismatch(format!("a checkpoint with a buffer '{name}' that the run does not have")));
        }
        let mut course = checkpoint.course.clone();
        if course.agents() != self.plan.members.len() {
            return Err(mismatch(format!("a checkpoint of {} agents", course.agents())));
        }
        // A run that has come to its end may have taken some steps more than planned: those of its last iteration.
        if !course.closing() {
            enough(self.config.total_timesteps, course.env_steps)?;
        }
        let longest = longest_evaluation(&self.config, self.env);
        course.extend(&self.config, self.programs.iteration.env_steps, longest);
        self.resume(course);
        // Of the run itself nothing was sent.
        self.uploaded = self.executor.uploaded_bytes();
        Ok(())
    }
}

/// Refuses a run that would be over before it goes on.
pub(super) fn enough(total_timesteps: u64, env_steps: u64) -> Result<()> {
    if total_timesteps >= env_steps {
        return Ok(());
    }
    let allowed = format!("at least {env_steps}, the environment steps that the run has taken");
    Err(Error::invalid("total_timesteps", total_timesteps, allowed, "Leave it out to go on as planned."))
}
