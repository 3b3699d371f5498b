//! softq trains Soft Q-Networks and their relatives entirely on the GPU.
//!
//! Hand-written WGSL compute shaders do all the work of the training loop (acting, stepping, replay, sampling,
//! learning, metrics); the host records commands once, replays them, and reads small statistics. Every kernel has a
//! CPU twin with the same loop and reduction order: the reference in tests, and the fallback without a GPU.
//!
//! Training is a [`Config`](config::Config) and a [`Trainer`](train::trainer::Trainer); what it reports is plain data. The modules below
//! each begin with an example of their own. What is public and `#[doc(hidden)]` serves the program and the tests, and may change with any
//! version.
//!
//! ```
//! use softq::config::Config;
//! use softq::train::trainer::Trainer;
//!
//! let config = Config { env: "catch".into(), device: "cpu".into(), total_timesteps: 6_000, ..Config::default() };
//! let report = Trainer::new(&config)?.run(&mut |_| Ok(()))?;
//! assert_eq!(report.env, "Catch-bsuite");
//! assert!(report.best().greedy.mean() > 0.9);
//! # Ok::<(), softq::Error>(())
//! ```

pub mod agents;
pub mod bench;
pub mod config;
pub mod engine;
pub mod envs;
pub mod error;
#[doc(hidden)]
pub mod files;
pub mod gpu;
pub mod interp;
pub mod kernels;
pub mod nn;
#[cfg(feature = "exchange")]
pub mod onnx;
pub mod report;
pub mod shared;
pub mod statistics;
pub mod train;
pub mod verify;

pub use error::{Error, Result};

/// The README's example, compiled by the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
