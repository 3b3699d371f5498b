//! The CPU executor: runs a recording by calling the kernels' twins. The reference in tests, the fallback in production.

use std::collections::VecDeque;

use crate::engine::executor::{Executor, Program};
use crate::engine::kernel::TwinCall;
use crate::engine::memory;
use crate::engine::recording::{BufferId, Buffers, Recording};
use crate::error::{Error, Result};

/// Runs twins over buffers in host memory.
#[derive(Default)]
pub struct CpuExecutor {
    memory: Vec<Vec<u32>>,
    names: Vec<String>,
    programs: Vec<Recording>,
    snapshots: VecDeque<Vec<u32>>,
}

impl CpuExecutor {
    /// An executor without memory.
    pub fn new() -> CpuExecutor {
        CpuExecutor::default()
    }

    fn run(&mut self, program: usize) {
        for dispatch in &self.programs[program].dispatches {
            // Taking the vectors out of the heap gives the twin disjoint slices without unsafe code; a recording never
            // binds one buffer twice.
            let mut taken: Vec<Vec<u32>> = dispatch
                .bindings
                .iter()
                .map(|buffer| std::mem::take(&mut self.memory[buffer.id.0 as usize]))
                .collect();
            (dispatch.kernel.twin)(TwinCall {
                params: &dispatch.params,
                bindings: taken.iter_mut().map(Vec::as_mut_slice).collect(),
                env: dispatch.env,
            });
            for (buffer, words) in dispatch.bindings.iter().zip(taken) {
                self.memory[buffer.id.0 as usize] = words;
            }
        }
    }

    fn check(&self, buffer: BufferId) -> Result<usize> {
        let index = buffer.0 as usize;
        if index < self.memory.len() {
            Ok(index)
        } else {
            Err(Error::Kernel { kernel: "cpu".into(), message: format!("buffer {index} is not allocated") })
        }
    }
}

impl Executor for CpuExecutor {
    fn address(&self) -> &str {
        "cpu"
    }

    fn max_buffer_bytes(&self) -> u64 {
        u64::MAX
    }

    fn allocate(&mut self, buffers: &Buffers) -> Result<()> {
        memory::check(buffers)?;
        self.programs.clear();
        self.snapshots.clear();
        self.names = buffers.decls.iter().map(|decl| decl.name.clone()).collect();
        self.memory = buffers.decls.iter().map(|decl| vec![0; decl.words as usize]).collect();
        Ok(())
    }

    fn write(&mut self, buffer: BufferId, words: &[u32]) -> Result<()> {
        let index = self.check(buffer)?;
        let memory = &mut self.memory[index];
        if words.len() > memory.len() {
            return Err(Error::Kernel {
                kernel: "cpu".into(),
                message: format!(
                    "{} words written to buffer '{}' of {}",
                    words.len(),
                    self.names[index],
                    memory.len()
                ),
            });
        }
        memory[..words.len()].copy_from_slice(words);
        Ok(())
    }

    fn read(&mut self, buffer: BufferId) -> Result<Vec<u32>> {
        let index = self.check(buffer)?;
        Ok(self.memory[index].clone())
    }

    fn prepare(&mut self, recording: &Recording) -> Result<Program> {
        for dispatch in &recording.dispatches {
            if let Some(env) = dispatch.env.filter(|env| env.twin.is_none()) {
                return Err(Error::NoDevice {
                    requested: "cpu".into(),
                    reason: format!("the environment {} is WGSL alone and has no CPU twin", env.file),
                    hint: "Use a GPU or a software driver such as Mesa's lavapipe; `softq devices` lists what there is."
                        .into(),
                });
            }
            for buffer in &dispatch.bindings {
                self.check(buffer.id)?;
            }
        }
        self.programs.push(recording.clone());
        Ok(Program(self.programs.len() - 1))
    }

    fn submit(&mut self, programs: &[(Program, u32)], snapshot: Option<BufferId>) -> Result<()> {
        for (program, repeat) in programs {
            for _ in 0..*repeat {
                self.run(program.0);
            }
        }
        if let Some(buffer) = snapshot {
            let words = self.read(buffer)?;
            self.snapshots.push_back(words);
        }
        Ok(())
    }

    fn collect(&mut self, _wait: bool) -> Result<Vec<Vec<u32>>> {
        Ok(self.snapshots.drain(..).collect())
    }

    fn uploaded_bytes(&self) -> u64 {
        0
    }
}
