//! The CPU executor: runs a recording by calling the kernels' twins. The reference in tests, and what trains where there is
//! no GPU.
//!
//! It can also execute the kernels' WGSL itself, in the interpreter: slow, but the text that a GPU runs, without a driver.
//!
//! With fewer agents than threads, the dense twins share each dispatch among the threads. With more, every thread takes an
//! agent and runs the whole submission for it, so that threads meet once per submission and an agent's memory stays in its
//! core's cache.
//!
//! ```
//! use softq::engine::cpu::CpuExecutor;
//! use softq::engine::executor::{Executor, write_as};
//! use softq::engine::recording::{Buffers, Recording};
//! use softq::kernels::silu;
//!
//! let mut buffers = Buffers::default();
//! let [z, y] = ["z", "y"].map(|name| buffers.add::<f32>(name, 3, ""));
//! let mut recording = Recording::default();
//! silu::record(&mut recording, silu::Params { count: 3, slots: 1, agents: 1 }, z, y)?;
//! let run = |mut executor: CpuExecutor| {
//!     executor.allocate(&buffers)?;
//!     write_as(&mut executor, z.id, &[-1.5f32, 0.1, 7.0])?;
//!     let program = executor.prepare(&recording)?;
//!     executor.submit(&[(program, 1)], None)?;
//!     executor.read(y.id)
//! };
//! // By twins and by the text that a GPU runs: the same bits.
//! assert_eq!(run(CpuExecutor::new())?, run(CpuExecutor::interpreting())?);
//! # Ok::<(), softq::Error>(())
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::clock::Instant;
use crate::engine::executor::{
    Executor, Grain, Program, SUBMISSION, Span, check_buffer, check_programs, check_words,
};
use crate::engine::interpret::Interpreted;
use crate::engine::kernel::TwinCall;
use crate::engine::memory;
use crate::engine::recording::{BufferId, Buffers, Dispatch, Recording};
use crate::engine::share::Share;
use crate::engine::threads;
use crate::engine::variant::Variant;
use crate::engine::words::Words;
use crate::error::{Error, Result};

/// Runs twins over buffers in host memory.
#[derive(Default)]
pub struct CpuExecutor {
    memory: Vec<Words>,
    names: Vec<String>,
    programs: Vec<Prepared>,
    snapshots: VecDeque<Vec<u32>>,
    /// Kernels as code of the interpreter, by name and text, where that runs them.
    interpreted: Option<Vec<Arc<Interpreted>>>,
}

/// A recording, and what one agent runs of it where agents can run by themselves.
struct Prepared {
    whole: Recording,
    share: Option<Share>,
    /// What runs each dispatch instead of its twin.
    code: Vec<Arc<Interpreted>>,
}

impl CpuExecutor {
    /// An executor without memory.
    pub fn new() -> CpuExecutor {
        CpuExecutor::default()
    }

    /// The same, which interprets the kernels' WGSL instead of calling their twins.
    pub fn interpreting() -> CpuExecutor {
        CpuExecutor { interpreted: Some(Vec::new()), ..CpuExecutor::default() }
    }

    /// The code of each dispatch, if it is interpreted.
    fn code(&mut self, recording: &Recording) -> Result<Vec<Arc<Interpreted>>> {
        let Some(known) = &mut self.interpreted else { return Ok(Vec::new()) };
        let mut code = Vec::new();
        for dispatch in &recording.dispatches {
            let variant = Variant::of(dispatch);
            let text = variant.text()?;
            let found = known.iter().find(|interpreted| interpreted.text == text).cloned();
            code.push(match found {
                Some(interpreted) => interpreted,
                None => {
                    let interpreted = Arc::new(Interpreted::of(&variant)?);
                    known.push(interpreted.clone());
                    interpreted
                }
            });
        }
        Ok(code)
    }

    /// Agents of `programs`, if each of them can run by itself and there are enough of them to keep all threads busy.
    fn agents(&self, programs: &[(Program, u32)]) -> Option<usize> {
        let mut agents = None;
        for (program, _) in programs {
            let own = self.programs[program.0].share.as_ref()?.agents;
            if *agents.get_or_insert(own) != own {
                return None;
            }
        }
        agents.filter(|agents| *agents >= threads::count())
    }

    /// Runs `programs` for one agent after the other on each thread.
    fn run_by_agent(&mut self, agents: usize, programs: &[(Program, u32)]) {
        let mut memories: Vec<Vec<&mut [u32]>> = (0..agents).map(|_| Vec::new()).collect();
        for words in &mut self.memory {
            // A buffer of another length is bound by none of these programs, or bound where its kernel does not use it.
            let each = if words.len() % agents == 0 { words.len() / agents } else { 0 };
            let mut rest = &mut words[..];
            for memory in &mut memories {
                let (own, others) = rest.split_at_mut(each);
                memory.push(own);
                rest = others;
            }
        }
        threads::any_order(memories, |mut memory| {
            threads::alone(|| {
                for (program, repeat) in programs {
                    let Some(share) = &self.programs[program.0].share else { continue };
                    for _ in 0..*repeat {
                        // Only interpreted kernels can fail, and those do not run by agent.
                        let _ = run(&share.recording, &[], &mut memory);
                    }
                }
            });
        });
    }
}

/// Runs a recording over buffers indexed by id, by twins or, where there is any, by `code`.
fn run(recording: &Recording, code: &[Arc<Interpreted>], memory: &mut [&mut [u32]]) -> Result<()> {
    let mut dispatches = recording.dispatches.iter().enumerate();
    dispatches.try_for_each(|(index, dispatch)| run_dispatch(dispatch, code.get(index), memory))
}

fn run_dispatch(
    dispatch: &Dispatch,
    code: Option<&Arc<Interpreted>>,
    memory: &mut [&mut [u32]],
) -> Result<()> {
    // Taking the slices out gives the twin disjoint ones; a recording never binds one buffer twice.
    let mut taken: Vec<&mut [u32]> =
        dispatch.bindings.iter().map(|buffer| std::mem::take(&mut memory[buffer.id.0 as usize])).collect();
    match code {
        Some(code) => code.run(&dispatch.params, &mut taken, dispatch.grid)?,
        None => (dispatch.kernel.twin)(TwinCall {
            params: &dispatch.params,
            bindings: taken.iter_mut().map(|words| &mut **words).collect(),
            env: dispatch.env,
            rule: dispatch.rule,
        }),
    }
    for (buffer, words) in dispatch.bindings.iter().zip(taken) {
        memory[buffer.id.0 as usize] = words;
    }
    Ok(())
}

impl Executor for CpuExecutor {
    fn address(&self) -> &str {
        if self.interpreted.is_some() { "interp" } else { "cpu" }
    }

    fn max_buffer_bytes(&self) -> u64 {
        u64::MAX
    }

    fn allocate(&mut self, buffers: &Buffers) -> Result<()> {
        memory::check(buffers)?;
        self.programs.clear();
        self.snapshots.clear();
        self.names = buffers.decls.iter().map(|decl| decl.name.clone()).collect();
        self.memory =
            buffers.decls.iter().enumerate().map(|(i, decl)| Words::zeroed(decl.words as usize, i)).collect();
        Ok(())
    }

    fn write_at(&mut self, buffer: BufferId, first: u64, words: &[u32]) -> Result<()> {
        let index = check_buffer(buffer, self.memory.len())?;
        let memory = &mut self.memory[index];
        check_words(words, first, memory.len() as u64, &self.names[index])?;
        memory[first as usize..][..words.len()].copy_from_slice(words);
        Ok(())
    }

    fn read(&mut self, buffer: BufferId) -> Result<Vec<u32>> {
        let index = check_buffer(buffer, self.memory.len())?;
        Ok(self.memory[index].to_vec())
    }

    fn prepare(&mut self, recording: &Recording) -> Result<Program> {
        for dispatch in &recording.dispatches {
            if let Some(env) = dispatch.env.filter(|env| env.twin.is_none() && self.interpreted.is_none()) {
                return Err(Error::NoDevice {
                    requested: "cpu".into(),
                    reason: format!("the environment {} is WGSL alone and has no CPU twin", env.file),
                    hint: "Use a GPU or a software driver such as Mesa's lavapipe; `softq devices` lists what there is."
                        .into(),
                });
            }
            for buffer in &dispatch.bindings {
                check_buffer(buffer.id, self.memory.len())?;
            }
        }
        let code = self.code(recording)?;
        let share = if self.interpreted.is_some() { None } else { Share::of(recording) };
        self.programs.push(Prepared { whole: recording.clone(), share, code });
        Ok(Program(self.programs.len() - 1))
    }

    fn submit(&mut self, programs: &[(Program, u32)], snapshot: Option<BufferId>) -> Result<()> {
        check_programs(programs, self.programs.len())?;
        match self.agents(programs) {
            _ if programs.is_empty() => {}
            Some(agents) => self.run_by_agent(agents, programs),
            None => {
                let mut memory: Vec<&mut [u32]> =
                    self.memory.iter_mut().map(|words| &mut words[..]).collect();
                let prepared = &self.programs;
                let mut result = Ok(());
                threads::together(|| {
                    result = programs.iter().try_for_each(|(program, repeat)| {
                        let Prepared { whole, code, .. } = &prepared[program.0];
                        (0..*repeat).try_for_each(|_| run(whole, code, &mut memory))
                    });
                });
                result?;
            }
        }
        if let Some(buffer) = snapshot {
            let words = self.read(buffer)?;
            self.snapshots.push_back(words);
        }
        Ok(())
    }

    /// Where a thread takes one agent after the other, each finds its memory again only in the second cache or beyond it: longer turns
    /// are worth a tenth. No watchdog waits here.
    fn suitable(&self) -> Duration {
        let agents =
            self.programs.iter().filter_map(|program| program.share.as_ref()).map(|share| share.agents);
        if agents.max().is_some_and(|agents| agents > threads::count()) { 5 * SUBMISSION } else { SUBMISSION }
    }

    fn clocked(&mut self, programs: &[(Program, u32)], grain: Grain) -> Result<Vec<Span>> {
        check_programs(programs, self.programs.len())?;
        let start = Instant::now();
        let now = move || start.elapsed().as_nanos() as u64;
        if grain == Grain::Submission {
            self.submit(programs, None)?;
            return Ok(vec![Span { begin: 0, end: now() }]);
        }
        let mut memory: Vec<&mut [u32]> = self.memory.iter_mut().map(|words| &mut words[..]).collect();
        let (prepared, mut spans, mut result) = (&self.programs, Vec::new(), Ok(()));
        threads::together(|| {
            for (program, repeat) in programs {
                let Prepared { whole, code, .. } = &prepared[program.0];
                for _ in 0..*repeat {
                    for (index, dispatch) in whole.dispatches.iter().enumerate() {
                        let begin = now();
                        let ran = run_dispatch(dispatch, code.get(index), &mut memory);
                        spans.push(Span { begin, end: now() });
                        result = std::mem::replace(&mut result, Ok(())).and(ran);
                    }
                }
            }
        });
        result.map(|()| spans)
    }

    fn collect(&mut self) -> Result<Vec<Vec<u32>>> {
        Ok(self.snapshots.drain(..).collect())
    }

    fn wait(&mut self) -> Result<()> {
        Ok(())
    }

    fn uploaded_bytes(&self) -> u64 {
        0
    }
}
