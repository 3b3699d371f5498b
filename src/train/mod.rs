//! Training: configuration, the loop over recorded programs, evaluation, run directories.

pub mod config;
pub mod event;
