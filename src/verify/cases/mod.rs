//! Test cases, drawn from a seed, by family of kernels. Each file ends in its `CHECKS`: one line per kernel with its cases,
//! its reference and, where they are not the usual ones, the bound and where it comes from.

pub mod backup;
pub mod continuous;
pub mod convolution;
pub mod dense;
pub mod edges;
pub mod environment;
pub mod fused;
pub mod learner;
pub mod minatar_edges;
pub mod network;
pub mod particles;
pub mod policy;
pub mod priority;
pub mod probes;
pub mod rollout;
pub mod rows;
pub mod tabular;

use crate::verify::check::Check;

/// The checks of all families.
pub const CHECKS: &[&[Check]] = &[
    probes::CHECKS,
    environment::CHECKS,
    priority::CHECKS,
    dense::CHECKS,
    convolution::CHECKS,
    fused::CHECKS,
    network::CHECKS,
    backup::CHECKS,
    rollout::CHECKS,
    rows::CHECKS,
    policy::CHECKS,
    particles::CHECKS,
    continuous::CHECKS,
    learner::CHECKS,
    tabular::CHECKS,
];
