//! Training: configuration, the loop over recorded programs, evaluation, statistics.

pub mod config;
pub mod event;
pub mod playback;
pub mod presets;
pub mod statistics;
pub mod trainer;
