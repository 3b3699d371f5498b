//! Programs as kernels that take each agent through whole iterations in a workgroup of its own ([`merge`]).

use std::collections::HashMap;

use crate::engine::env::Env;
use crate::engine::executor::Program;
use crate::engine::kernel::MAX_LOOP_ITERATIONS;
use crate::engine::merge::{Arenas, Merged, merge};
use crate::engine::recording::Recording;
use crate::error::{Error, Result};
use crate::gpu::device::{GpuDevice, Pipeline};
use crate::gpu::executor::Resolved;

/// Most iterations of one dispatch, a power of two: far below what a watchdog allows where an iteration takes a millisecond.
const MOST_ITERATIONS: u32 = 256;

/// What runs as one kernel: programs in order and how often each.
type Sequence = Vec<(usize, u32)>;

/// The merged kernels of an executor.
pub(super) struct Merging {
    pub env: &'static Env,
    pub arenas: Option<Arenas>,
    recordings: Vec<Recording>,
    kernels: HashMap<Sequence, Compiled>,
    /// Pipelines by their text: evaluations differ in their params alone.
    pipelines: HashMap<String, Pipeline>,
}

/// A kernel with its dispatches of 1, 2, 4, ... iterations.
struct Compiled {
    merged: Merged,
    pipeline: Pipeline,
    /// Most iterations of a dispatch.
    most: u32,
    /// By the logarithm of their iterations.
    dispatches: Vec<Option<Resolved>>,
}

impl Merging {
    pub fn new(env: &'static Env) -> Merging {
        Merging {
            env,
            arenas: None,
            recordings: Vec::new(),
            kernels: HashMap::new(),
            pipelines: HashMap::new(),
        }
    }

    /// Forgets the programs of earlier memory.
    pub fn clear(&mut self) {
        self.recordings.clear();
        self.kernels.clear();
    }

    /// Programs so far.
    pub fn programs(&self) -> usize {
        self.recordings.len()
    }

    /// Takes a program in. What cannot be merged is refused here.
    pub fn prepare(&mut self, recording: &Recording) -> Result<Program> {
        if let Some(arenas) = &self.arenas {
            merge(&[(recording, 1)], arenas)?;
        }
        self.recordings.push(recording.clone());
        Ok(Program(self.recordings.len() - 1))
    }

    /// Compiles what `programs` need and have not yet; the bytes that went to the device for it.
    pub fn compile(
        &mut self,
        programs: &[(Program, u32)],
        gpu: &GpuDevice,
        memory: &[wgpu::Buffer],
    ) -> Result<u64> {
        let mut uploaded = 0;
        for (sequence, count) in self.runs(programs) {
            if !self.kernels.contains_key(&sequence) {
                let kernel = self.kernel(&sequence, gpu)?;
                self.kernels.insert(sequence.clone(), kernel);
            }
            let Some(kernel) = self.kernels.get_mut(&sequence) else { continue };
            for power in kernel.powers(count) {
                if kernel.dispatches[power].is_none() {
                    uploaded += kernel.resolve(power, gpu, memory);
                }
            }
        }
        Ok(uploaded)
    }

    /// The dispatches of `programs`, which are compiled.
    pub fn dispatches(&self, programs: &[(Program, u32)]) -> Vec<&Resolved> {
        let mut found = Vec::new();
        for (sequence, count) in self.runs(programs) {
            if let Some(kernel) = self.kernels.get(&sequence) {
                found.extend(
                    kernel.powers(count).iter().filter_map(|power| kernel.dispatches[*power].as_ref()),
                );
            }
        }
        found
    }

    /// What is to run as sequences and how often each: the shortest one that the whole repeats. What is not repeated, and has no
    /// kernel yet, is not worth one: its programs run one by one.
    fn runs(&self, programs: &[(Program, u32)]) -> Vec<(Sequence, u32)> {
        let (sequence, count) = period(programs);
        if count == 0 {
            return Vec::new();
        }
        match count > 1 || self.kernels.contains_key(&sequence) {
            true => vec![(sequence, count)],
            false => sequence.iter().map(|(program, repeat)| (vec![(*program, 1)], *repeat)).collect(),
        }
    }

    fn kernel(&mut self, sequence: &Sequence, gpu: &GpuDevice) -> Result<Compiled> {
        let Some(arenas) = &self.arenas else {
            return Err(Error::Kernel {
                kernel: "megakernel".into(),
                message: "it has no memory yet".into(),
            });
        };
        let phases: Vec<(&Recording, u32)> =
            sequence.iter().map(|(program, repeats)| (&self.recordings[*program], *repeats)).collect();
        let merged = merge(&phases, arenas)?;
        let most = most_iterations(&merged, gpu)?;
        let pipeline = match self.pipelines.get(&merged.text) {
            Some(pipeline) => pipeline.clone(),
            None => gpu.merged_pipeline(&merged, self.env)?,
        };
        self.pipelines.insert(merged.text.clone(), pipeline.clone());
        let dispatches = (0..=most.ilog2()).map(|_| None).collect();
        Ok(Compiled { merged, pipeline, most, dispatches })
    }
}

impl Compiled {
    /// Makes the dispatch of `2^power` iterations; the bytes that went to the device for it.
    fn resolve(&mut self, power: usize, gpu: &GpuDevice, memory: &[wgpu::Buffer]) -> u64 {
        let words: Vec<u32> = [1 << power].into_iter().chain(self.merged.params.iter().copied()).collect();
        let arenas: Vec<&wgpu::Buffer> = self.merged.types.iter().map(|index| &memory[*index]).collect();
        self.dispatches[power] = Some(Resolved {
            pipeline: self.pipeline.pipeline.clone(),
            bind_group: gpu.merged_bind_group(&self.pipeline, &words, &arenas),
            grid: [self.merged.agents, 1, 1],
        });
        4 * words.len() as u64
    }

    /// `count` iterations as dispatches of powers of two, the largest first.
    fn powers(&self, count: u32) -> Vec<usize> {
        let mut powers = vec![self.most.ilog2() as usize; (count / self.most) as usize];
        let left = count % self.most;
        powers.extend((0..u32::BITS as usize).rev().filter(|power| left & (1 << power) != 0));
        powers
    }
}

/// Most iterations that a dispatch of the kernel may run, a power of two.
fn most_iterations(merged: &Merged, gpu: &GpuDevice) -> Result<u32> {
    if gpu.report().device_type != "Cpu" {
        return Ok(MOST_ITERATIONS);
    }
    // Some software drivers stop an invocation after so many loop iterations, without an error.
    match (MAX_LOOP_ITERATIONS / merged.loops.max(1)).min(u64::from(MOST_ITERATIONS)) as u32 {
        0 => Err(Error::invalid(
            "megakernel",
            true,
            format!("false on {}", gpu.report().describe()),
            format!(
                "An iteration loops {} times, and some software drivers silently stop at {MAX_LOOP_ITERATIONS}. Use a \
                 smaller batch or network, or fewer gradient_steps.",
                merged.loops
            ),
        )),
        most => Ok(1 << most.ilog2()),
    }
}

/// The shortest sequence that repeated makes `programs`, and how often.
fn period(programs: &[(Program, u32)]) -> (Sequence, u32) {
    if let [(program, repeat)] = programs {
        return (vec![(program.0, 1)], *repeat);
    }
    let sequence: Sequence = programs.iter().map(|(program, repeat)| (program.0, *repeat)).collect();
    let whole = sequence.len();
    let repeats = |period: &usize| {
        whole.is_multiple_of(*period) && sequence.iter().zip(&sequence[*period..]).all(|(a, b)| a == b)
    };
    let period = (1..whole).find(repeats).unwrap_or(whole.max(1));
    (sequence[..period.min(whole)].to_vec(), (whole / period) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_found() {
        let of = |programs: &[(usize, u32)]| {
            let programs: Vec<_> =
                programs.iter().map(|(program, repeat)| (Program(*program), *repeat)).collect();
            period(&programs)
        };
        assert_eq!(of(&[]), (vec![], 0));
        assert_eq!(of(&[(3, 7)]), (vec![(3, 1)], 7));
        assert_eq!(of(&[(3, 0)]).1, 0);
        assert_eq!(of(&[(0, 1), (1, 4)]), (vec![(0, 1), (1, 4)], 1));
        assert_eq!(of(&[(0, 1), (1, 4), (0, 1), (1, 4)]), (vec![(0, 1), (1, 4)], 2));
        assert_eq!(of(&[(0, 1), (1, 4), (0, 1)]), (vec![(0, 1), (1, 4), (0, 1)], 1));
        assert_eq!(of(&[(0, 1), (0, 1), (0, 1)]), (vec![(0, 1)], 3));
    }
}
