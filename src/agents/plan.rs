//! What an algorithm hands to the trainer: memory, its initial contents, and recordings.

use crate::config::Config;
use crate::engine::recording::{Buffer, BufferId, Buffers, Recording};
use crate::kernels::metrics::Metrics;
use crate::nn::Network;
use crate::shared::agent::{Agent, Lane};

/// A complete training program as plain data; any executor can run it.
pub struct Plan {
    /// All memory.
    pub buffers: Buffers,
    /// Contents written once before training; everything else starts as zeros.
    pub init: Vec<(BufferId, Vec<u32>)>,
    /// Network shape.
    pub net: Network,
    /// Names of the networks in the weights, in order, per agent.
    pub net_names: Vec<String>,
    /// The configuration of each agent.
    pub members: Vec<Config>,
    /// The agents' memory: one shard, or more where a device's longest buffer is too short for all agents.
    pub shards: Vec<Shard>,
    /// Starts the training environments.
    pub reset: Recording,
    /// One vector step of the training environments of every agent.
    pub act: Recording,
    /// One update of every agent.
    pub learn: Recording,
    /// Evaluations: periodic greedy, its confirmation, final greedy, final softmax.
    pub evaluations: [Episodes; 4],
}

/// Agents whose tensors share buffers.
pub struct Shard {
    /// Index of its first agent.
    pub first: u32,
    /// How many.
    pub agents: u32,
    /// Weights `[agents, nets, params]`.
    pub weights: Buffer<f32>,
    /// Hyperparameters and learner state `[agents]`.
    pub records: Buffer<Agent>,
    /// Statistics of a window.
    pub metrics: Recording,
    /// Where they are left, `[agents]`.
    pub metrics_out: Buffer<Metrics>,
    /// The evaluation environments, `[agents, eval_episodes]`.
    pub eval_lanes: Buffer<Lane>,
}

/// Starts a set of environments and steps them.
#[derive(Clone, Debug, Default)]
pub struct Episodes {
    /// Starts all episodes.
    pub reset: Recording,
    /// One vector step.
    pub act: Recording,
}

impl Plan {
    /// Dispatches of one iteration: `train_frequency` vector steps and `gradient_steps` updates.
    pub fn iteration(&self, train_frequency: u32, gradient_steps: u32) -> Recording {
        let mut iteration = Recording::default();
        for _ in 0..train_frequency {
            iteration.dispatches.extend(self.act.dispatches.iter().cloned());
        }
        for _ in 0..gradient_steps {
            iteration.dispatches.extend(self.learn.dispatches.iter().cloned());
        }
        iteration
    }

    /// A table of the dispatches of one vector step and one update, and of the memory.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        for (title, recording) in [("one vector step", &self.act), ("one update", &self.learn)] {
            text += &format!("{title}: {} dispatches\n", recording.dispatches.len());
            for dispatch in &recording.dispatches {
                let outputs: Vec<&str> = dispatch
                    .kernel
                    .bindings
                    .iter()
                    .zip(&dispatch.bindings)
                    .filter(|(binding, _)| binding.access == crate::engine::kernel::Access::ReadWrite)
                    .map(|(_, buffer)| self.buffers.decls[buffer.id.0 as usize].name.as_str())
                    .collect();
                let [x, y, z] = dispatch.grid;
                text += &format!(
                    "  {:<24} {x:>5} x {y} x {z}  -> {}\n",
                    dispatch.kernel.name,
                    outputs.join(", ")
                );
            }
        }
        text += &format!(
            "1 vector step + 1 update: {} dispatches, 0 bytes uploaded\n",
            self.act.dispatches.len() + self.learn.dispatches.len()
        );
        text += &format!("memory: {} bytes\n", self.buffers.total_bytes());
        for decl in &self.buffers.decls {
            text += &format!("  {:<24} {:>12} bytes\n", decl.name, decl.words * 4);
        }
        text
    }
}
