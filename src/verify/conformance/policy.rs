//! The softmax policy over given rows of action values, on the device.

use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::log_softmax;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed};

/// Memory of one policy evaluation.
#[derive(Clone, Copy)]
pub struct PolicyMemory {
    rows: usize,
    q: Buffer<f32>,
    alphas: Buffer<f32>,
    log_probs: Buffer<f32>,
    entropies: Buffer<f32>,
    values: Buffer<f32>,
    probs: Buffer<f32>,
    greedy: Buffer<u32>,
}

/// What the policy kernel returns for `[rows, actions]` values.
pub struct Policy {
    /// `ln pi`
    pub log_probs: Vec<f32>,
    /// `pi`
    pub probs: Vec<f32>,
    /// Entropy of each row.
    pub entropies: Vec<f32>,
    /// `alpha logsumexp(q / alpha)` of each row.
    pub values: Vec<f32>,
    /// Largest action value of each row.
    pub greedy: Vec<u32>,
}

impl PolicyMemory {
    /// Declares the memory and records the kernel.
    pub fn new(
        buffers: &mut Buffers,
        recording: &mut Recording,
        rows: usize,
        actions: usize,
    ) -> Outcome<PolicyMemory> {
        let (Ok(row_count), Ok(action_count)) = (u32::try_from(rows), u32::try_from(actions)) else {
            return malformed(format!("{rows} rows of {actions} actions"));
        };
        let all = u64::from(row_count) * u64::from(action_count);
        let mut add = |name: &str, len: u64| buffers.add(name, len, "");
        let memory = PolicyMemory {
            rows,
            q: add("policy_q", all),
            alphas: add("policy_alphas", rows as u64),
            log_probs: add("policy_log_probs", all),
            entropies: add("policy_entropies", rows as u64),
            values: add("policy_values", rows as u64),
            probs: add("policy_probs", all),
            greedy: buffers.add("policy_greedy", rows as u64, ""),
        };
        log_softmax::record(
            recording,
            log_softmax::Params { rows: row_count, actions: action_count },
            memory.q,
            memory.alphas,
            memory.log_probs,
            memory.entropies,
            memory.values,
            memory.probs,
            memory.greedy,
        )?;
        Ok(memory)
    }

    /// Evaluates one temperature for all rows.
    pub fn evaluate(
        &self,
        device: &mut Device<'_>,
        program: Program,
        q: &[f32],
        alpha: f32,
    ) -> Outcome<Policy> {
        device.write(self.q, q)?;
        device.write(self.alphas, &vec![alpha; self.rows])?;
        device.run(program)?;
        Ok(Policy {
            log_probs: device.read(self.log_probs)?,
            probs: device.read(self.probs)?,
            entropies: device.read(self.entropies)?,
            values: device.read(self.values)?,
            greedy: device.read(self.greedy)?,
        })
    }
}
