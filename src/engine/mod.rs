//! Kernels as declarations, recordings as plain data, programs as resolved recordings, and the executors that run them.
//!
//! A kernel alone, on the CPU executor; on a GPU the executor is [`crate::gpu::open`]'s and nothing else changes:
//!
//! ```
//! use softq::engine::cpu::CpuExecutor;
//! use softq::engine::executor::{Executor, read_as, write_as};
//! use softq::engine::recording::{Buffers, Recording};
//! use softq::kernels::log_softmax;
//!
//! let mut buffers = Buffers::default();
//! let q = buffers.add::<f32>("q", 2, "");
//! let alphas = buffers.add::<f32>("alphas", 1, "");
//! let log_probs = buffers.add::<f32>("log_probs", 2, "");
//! let entropies = buffers.add::<f32>("entropies", 1, "");
//! let values = buffers.add::<f32>("values", 1, "");
//! let probs = buffers.add::<f32>("probs", 2, "");
//! let greedy = buffers.add::<u32>("greedy", 1, "");
//!
//! let mut recording = Recording::default();
//! let params = log_softmax::Params { rows: 1, actions: 2 };
//! log_softmax::record(&mut recording, params, q, alphas, log_probs, entropies, values, probs, greedy)?;
//!
//! let mut executor = CpuExecutor::new();
//! executor.allocate(&buffers)?;
//! write_as(&mut executor, q.id, &[1.0f32, 1.0])?;
//! write_as(&mut executor, alphas.id, &[1.0f32])?;
//! let program = executor.prepare(&recording)?;
//! executor.submit(&[(program, 1)], None)?;
//! let soft_value: Vec<f32> = read_as(&mut executor, values.id)?;
//! assert!((soft_value[0] - (1.0 + 2f32.ln())).abs() < 1e-6);
//! # Ok::<(), softq::Error>(())
//! ```

#[doc(hidden)]
pub mod abreast;
pub mod clock;
pub mod compose;
pub mod cpu;
#[doc(hidden)]
pub mod debug;
pub mod env;
pub mod executor;
#[doc(hidden)]
pub mod guard;
pub mod interpret;
pub(crate) mod items;
pub mod kernel;
#[doc(hidden)]
pub mod lexer;
pub mod memory;
pub mod merge;
#[doc(hidden)]
pub mod pointers;
#[cfg(feature = "threads")]
mod pool;
pub mod recording;
pub mod rule;
#[doc(hidden)]
pub mod share;
#[doc(hidden)]
pub mod simd;
#[doc(hidden)]
pub mod threads;
#[cfg(feature = "translate")]
#[doc(hidden)]
pub mod translate;
pub mod variant;
mod words;
pub mod world;
