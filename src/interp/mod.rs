//! An interpreter of WGSL: executes a valid naga module without a driver, strictly in the order of the text, so that its bits are
//! those of the CPU twins and of drivers that do not reorder.
//!
//! [`lower`] turns a function into flat code on registers once; [`machine`] executes an invocation, [`dispatch`] a grid, [`wide`]
//! several calls of a function at once. The [`sanitizer`] watches and reports what a driver hides. Nothing here knows of agents,
//! kernels or environments.

pub mod arith;
pub mod code;
pub mod dispatch;
pub mod layout;
pub mod lower;
pub mod machine;
pub mod monitor;
pub mod sanitizer;
mod tidy;
pub mod wide;
