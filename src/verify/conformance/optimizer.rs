//! The end of an update alone: gradient norm, Adam with the target update, and the step counter, over one flat vector.
//! Optimizer, clipping and averaging cases all run on it.

use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::{adam, grad_norm, temperature};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed};

/// Memory and program of the tail of an update.
pub struct Optimizer {
    /// Hyperparameters and counters, one record.
    pub agent: Buffer<Agent>,
    /// Gradient `[count]`.
    pub grads: Buffer<f32>,
    /// Online weights and their targets `[2, count]`.
    pub weights: Buffer<f32>,
    /// First moment `[count]`.
    pub m: Buffer<f32>,
    /// Second moment `[count]`.
    pub v: Buffer<f32>,
    program: Program,
}

/// An agent record with the constants of Adam; nothing is clipped, averaged or decayed unless the caller says so.
pub fn agent(learning_rate: f64, [beta1, beta2]: [f64; 2], eps: f64) -> Agent {
    let ln = |beta: f64| beta.ln().max(-100.0) as f32;
    Agent {
        target_update_interval: 1,
        learning_rate: learning_rate as f32,
        one_minus_beta1: (1.0 - beta1) as f32,
        one_minus_beta2: (1.0 - beta2) as f32,
        ln_beta1: ln(beta1),
        ln_beta2: ln(beta2),
        adam_eps: eps as f32,
        grad_scale: 1.0,
        ..Agent::default()
    }
}

impl Optimizer {
    /// Declares the memory and resolves the program. `l2` adds weight decay to the gradient.
    pub fn new(device: &mut Device<'_>, count: usize, l2: bool) -> Outcome<Optimizer> {
        let Ok(count) = u32::try_from(count) else { return malformed(format!("{count} parameters")) };
        let mut buffers = Buffers::default();
        let agent = buffers.add("agents", 1, "");
        let mut vector = |name: &str, rows: u64| buffers.add(name, rows * u64::from(count), "");
        let (grads, weights) = (vector("grads", 1), vector("weights", 2));
        let (m, v) = (vector("adam_m", 1), vector("adam_v", 1));
        let lanes: Buffer<Lane> = buffers.add("lanes", 1, "");
        let entropies = buffers.add("entropies", 1, "");
        let targets = buffers.add("targets", 1, "");
        let errors: Buffer<TdError> = buffers.add("errors", 1, "");
        let mut recording = Recording::default();
        grad_norm::record(&mut recording, grad_norm::Params { count, agents: 1 }, agent, grads)?;
        let params = adam::Params { count, eps_inside: 0, l2: l2.into(), agents: 1 };
        adam::record(&mut recording, params, agent, grads, weights, m, v)?;
        // Counts the update; the temperature stays as it is.
        let params = temperature::Params {
            batch: 1,
            grad_slots: 1,
            heads: 1,
            later_head_weight: 1.0,
            num_lanes: 1,
            mode: 0,
            agents: 1,
        };
        temperature::record(&mut recording, params, agent, lanes, entropies, targets, errors)?;
        let program = device.prepare(&buffers, &recording)?;
        Ok(Optimizer { agent, grads, weights, m, v, program })
    }

    /// One step with this gradient.
    pub fn step(&self, device: &mut Device<'_>, grads: &[f32]) -> Result<()> {
        device.write(self.grads, grads)?;
        device.run(self.program)
    }

    /// The agent record.
    pub fn read_agent(&self, device: &mut Device<'_>) -> Outcome<Agent> {
        match device.read(self.agent)?.first() {
            Some(agent) => Ok(*agent),
            None => malformed("the agent record is empty"),
        }
    }
}
