//! Training: the loop over recorded programs, evaluation, statistics, run directories.

mod advance;
pub mod checkpoint;
pub mod checksums;
pub mod course;
pub mod drawing;
pub mod evaluate;
pub mod event;
pub mod experiment;
pub mod fault;
pub mod layers;
pub mod model_file;
mod pause;
pub mod playback;
pub mod presets;
pub mod reference;
pub mod results;
pub mod resume;
pub mod rollout;
pub mod run_dir;
pub mod saved_run;
pub mod sinks;
pub mod soft_trap;
pub mod statistics;
pub mod sweep;
mod tensor_file;
pub mod trainer;
pub mod trials;
