//! Proof that the kernels compute what they should, on any device.

pub mod conformance;
