//! Weights on their way from the device: of the best agent of an evaluation, of the best at the end, and of all.

use crate::engine::recording::BufferId;
use crate::error::Result;
use crate::files;
use crate::train::course::What;
use crate::train::event::{AllWeights, Evaluated, Event, NamedTensor, Weights};
use crate::train::trainer::Trainer;

impl Trainer {
    /// Asks for the weights and records of an agent's shard.
    pub(super) fn ask_for_weights(
        &mut self,
        what: fn(Evaluated) -> What,
        evaluated: Evaluated,
    ) -> Result<()> {
        let shard = self.plan.shard_of(evaluated.agent);
        let buffers: Vec<BufferId> = shard.weights().chain(shard.temperatures()).collect();
        for buffer in &buffers {
            self.executor.request(*buffer)?;
        }
        self.course.expect(what(evaluated), buffers.len());
        Ok(())
    }

    /// Asks for those of all agents, unless no reader would take a file of them.
    pub(super) fn ask_for_all_weights(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let words: usize = self.plan.shards.iter().flat_map(|shard| shard.words()).sum();
        if 4 * words as u64 > files::MOST_DATA {
            let message = "the weights of all agents together are longer than 4 GiB, so that those of the best one alone are kept. \
                           Train fewer agents to keep all.";
            events.push(Event::Warning(message.into()));
            return Ok(());
        }
        let buffers: Vec<BufferId> =
            self.plan.shards.iter().flat_map(|shard| shard.weights().chain(shard.temperatures())).collect();
        for buffer in &buffers {
            self.executor.request(*buffer)?;
        }
        self.course.expect(What::All, buffers.len());
        Ok(())
    }

    /// The weights of an agent, out of those and the records of its shard.
    pub(super) fn weights_in(&self, evaluated: Evaluated, words: &[u32]) -> Weights {
        let shard = self.plan.shard_of(evaluated.agent);
        let (weights, temperatures) = words.split_at(shard.words()[0]);
        Weights {
            agent: evaluated.agent,
            config: self.plan.members[evaluated.agent].clone(),
            env_steps: evaluated.env_steps,
            greedy_mean: Some(evaluated.mean).filter(|mean| mean.is_finite()),
            tensors: self.tensors(
                &shard.weights_of(evaluated.agent, weights),
                shard.log_alphas_of(evaluated.agent, temperatures),
            ),
        }
    }

    /// Those of all agents, out of what all shards hold.
    pub(super) fn all_weights_in(&self, mut words: &[u32]) -> AllWeights {
        let mut all: Vec<NamedTensor> = Vec::new();
        for shard in &self.plan.shards {
            let (weights, temperatures);
            let [of_weights, of_temperatures] = shard.words();
            (weights, words) = words.split_at(of_weights);
            (temperatures, words) = words.split_at(of_temperatures);
            for agent in (shard.first..shard.first + shard.agents).map(|agent| agent as usize) {
                let log_alphas = shard.log_alphas_of(agent, temperatures);
                let own = self.tensors(&shard.weights_of(agent, weights), log_alphas);
                if all.is_empty() {
                    let none = |own: &NamedTensor| NamedTensor {
                        name: own.name.clone(),
                        shape: [&[0], &own.shape[..]].concat(),
                        values: Vec::new(),
                    };
                    all = own.iter().map(none).collect();
                }
                for (all, own) in all.iter_mut().zip(own) {
                    all.shape[0] += 1;
                    all.values.extend(own.values);
                }
            }
        }
        AllWeights { config: self.config.clone(), env_steps: self.course.env_steps, tensors: all }
    }
}
