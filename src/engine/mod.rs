//! Kernels as declarations, recordings as plain data, programs as resolved recordings, and the executors that run them.

pub mod abreast;
pub mod clock;
pub mod compose;
pub mod cpu;
pub mod debug;
pub mod env;
pub mod executor;
pub mod guard;
pub mod interpret;
pub mod kernel;
pub mod lexer;
pub mod memory;
pub mod pointers;
#[cfg(feature = "threads")]
mod pool;
pub mod recording;
pub mod rule;
pub mod share;
pub mod simd;
pub mod threads;
#[cfg(feature = "translate")]
pub mod translate;
pub mod variant;
pub mod world;
