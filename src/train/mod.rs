//! Training: the loop over recorded programs, evaluation, statistics, run directories.
//!
//! Training that leaves its files, and the agent taken out of them again:
//!
//! ```
//! use softq::config::Config;
//! use softq::train::evaluate::evaluate;
//! use softq::train::run_dir::RunDir;
//! use softq::train::saved_run::{SavedRun, Which};
//! use softq::train::sinks::train_in;
//! use softq::train::trainer::Trainer;
//!
//! let path = std::env::temp_dir().join(format!("softq_train_{}", std::process::id()));
//! let config = Config { env: "catch".into(), device: "cpu".into(), total_timesteps: 6_000, ..Config::default() };
//! train_in(&mut Trainer::new(&config)?, RunDir::create(&path)?, &Default::default(), &mut |_| Ok(()))?;
//!
//! let run = SavedRun::load(&path, Which::Last)?;
//! let mut executor = softq::gpu::open(&softq::gpu::choose("cpu")?)?;
//! let report = evaluate(&run, false, &mut *executor, 100, 1)?;
//! assert!(report.mean > 0.9 && report.mean_interval[0] <= report.mean);
//! # std::fs::remove_dir_all(&path).expect("its own");
//! # Ok::<(), softq::Error>(())
//! ```

mod advance;
#[doc(hidden)]
pub mod checkpoint;
#[doc(hidden)]
pub mod checksums;
#[doc(hidden)]
pub mod course;
pub mod drawing;
pub mod evaluate;
pub mod event;
#[doc(hidden)]
pub mod experiment;
#[doc(hidden)]
pub mod fault;
pub mod layers;
pub mod live;
pub mod model_file;
mod pause;
pub mod playback;
pub mod presets;
pub mod profile;
#[doc(hidden)]
pub mod reference;
pub mod results;
pub mod resume;
pub mod rollout;
pub mod run_dir;
pub mod saved_run;
pub mod sinks;
#[doc(hidden)]
pub mod soft_trap;
#[doc(hidden)]
pub mod statistics;
#[doc(hidden)]
pub mod sweep;
mod tensor_file;
pub mod trainer;
#[doc(hidden)]
pub mod trials;
pub mod tune;
mod weights;
