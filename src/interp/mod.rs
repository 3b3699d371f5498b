//! An interpreter of WGSL: executes a valid naga module without a driver, strictly in the order of the text, so that its bits are
//! those of the CPU twins and of drivers that do not reorder.
//!
//! [`lower`] turns a function into flat code on registers once; [`machine`] executes an invocation, [`dispatch`] a grid, [`wide`]
//! several calls of a function at once. The [`sanitizer`] watches and reports what a driver hides. Nothing here knows of agents,
//! kernels or environments.
//!
//! ```
//! use softq::interp::dispatch::dispatch;
//! use softq::interp::lower;
//! use softq::interp::machine::Limits;
//! use softq::interp::monitor::Silent;
//!
//! let text = "
//! @group(0) @binding(0) var<storage, read_write> x: array<u32>;
//! @compute @workgroup_size(4)
//! fn main(@builtin(global_invocation_id) id: vec3u) { x[id.x] = (x[id.x] * 2u) + 1u; }
//! ";
//! let module = naga::front::wgsl::parse_str(text).expect("valid");
//! let info = naga::valid::Validator::new(Default::default(), Default::default()).validate(&module).expect("valid");
//! let program = lower::entry_point(&module, &info, text, "main").expect("understood");
//! let mut x = [1, 2, 3, 4];
//! let limits = Limits { iterations: 100, fuel: 10_000 };
//! dispatch(&program, [1, 1, 1], vec![&mut x], limits, &mut Silent).expect("it ends");
//! assert_eq!(x, [3, 5, 7, 9]);
//! ```

#[doc(hidden)]
pub mod arith;
#[doc(hidden)]
pub mod code;
#[doc(hidden)]
pub mod dispatch;
#[doc(hidden)]
pub mod layout;
#[doc(hidden)]
pub mod lower;
#[doc(hidden)]
pub mod machine;
#[doc(hidden)]
pub mod monitor;
pub mod sanitizer;
mod tidy;
#[doc(hidden)]
pub mod wide;
