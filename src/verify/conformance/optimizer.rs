//! An optimiser's step alone, gradient norm and Adam with the target update, over one flat vector. Optimizer, clipping and
//! averaging cases all run on it.

use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::{adam, grad_norm};
use crate::shared::agent::Agent;
use crate::shared::optimizer::Optimizer;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed};

/// Memory and program of a step.
pub struct Stepper {
    /// Hyperparameters and counters, one record.
    pub optimizer: Buffer<Optimizer>,
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

/// A record with the constants of Adam; nothing is clipped, averaged or decayed unless the caller says so.
pub fn optimizer(learning_rate: f64, [beta1, beta2]: [f64; 2], eps: f64) -> Optimizer {
    let ln = |beta: f64| beta.ln().max(-100.0) as f32;
    Optimizer {
        target_update_interval: 1,
        learning_rate: learning_rate as f32,
        one_minus_beta1: (1.0 - beta1) as f32,
        one_minus_beta2: (1.0 - beta2) as f32,
        ln_beta1: ln(beta1),
        ln_beta2: ln(beta2),
        adam_eps: eps as f32,
        ..Optimizer::default()
    }
}

impl Stepper {
    /// Declares the memory, resolves the program and uploads the record. `l2` adds weight decay to the gradient.
    pub fn new(device: &mut Device<'_>, count: usize, l2: bool, record: Optimizer) -> Outcome<Stepper> {
        let Ok(count) = u32::try_from(count) else { return malformed(format!("{count} parameters")) };
        let mut buffers = Buffers::default();
        let agent: Buffer<Agent> = buffers.add("agents", 1, "");
        let optimizer = buffers.add("optimizers", 1, "");
        let mut vector = |name: &str, rows: u64| buffers.add(name, rows * u64::from(count), "");
        let (grads, weights) = (vector("grads", 1), vector("weights", 2));
        let (m, v) = (vector("adam_m", 1), vector("adam_v", 1));
        let mut recording = Recording::default();
        let params = grad_norm::Params { count, agents: 1 };
        grad_norm::record(&mut recording, params, agent, optimizer, grads)?;
        let params = adam::Params { count, targets: 1, eps_inside: 0, l2: l2.into(), agents: 1 };
        adam::record(&mut recording, params, agent, optimizer, grads, weights, m, v)?;
        let program = device.prepare(&buffers, &recording)?;
        device.write(optimizer, &[record])?;
        Ok(Stepper { optimizer, grads, weights, m, v, program })
    }

    /// One step with this gradient.
    pub fn step(&self, device: &mut Device<'_>, grads: &[f32]) -> Result<()> {
        device.write(self.grads, grads)?;
        device.run(self.program)
    }

    /// Another step size from the next step on.
    pub fn set_learning_rate(&self, device: &mut Device<'_>, rate: f64) -> Outcome<()> {
        let mut records = device.read(self.optimizer)?;
        records.iter_mut().for_each(|record| record.learning_rate = rate as f32);
        Ok(device.write(self.optimizer, &records)?)
    }

    /// The norm of the last gradient.
    pub fn grad_norm(&self, device: &mut Device<'_>) -> Outcome<f32> {
        match device.read(self.optimizer)?.first() {
            Some(optimizer) => Ok(optimizer.grad_norm),
            None => malformed("the optimiser's record is empty"),
        }
    }
}
