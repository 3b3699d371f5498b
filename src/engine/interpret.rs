//! Kernels without a driver and without their twins: the composed text, executed by the interpreter.
//!
//! ```
//! use softq::engine::interpret::Interpreted;
//! use softq::engine::variant::Variant;
//! use softq::interp::machine::Limits;
//! use softq::interp::sanitizer::{Kind, Report};
//! use softq::kernels::silu;
//!
//! let code = Interpreted::of(&Variant { kernel: &silu::KERNEL, env: None, rule: None })?;
//! let params = [2, 1, 1];
//! let (mut z, mut y) = ([0.0, 20.0].map(f32::to_bits), [0; 2]);
//! code.run(&params, &mut [&mut z[..], &mut y[..]], [1, 1, 1])?;
//! assert_eq!(y.map(f32::from_bits), [0.0, 20.0]);
//!
//! // The same over buffers that are too short, under the sanitizer.
//! let limits = Limits { iterations: 100, fuel: 10_000 };
//! let report: Report = code.watch(&params, &mut [vec![0], vec![0]], [1, 1, 1], limits, &[]);
//! let first = &report.findings[0];
//! assert_eq!(first.kind, Kind::OutOfBounds);
//! assert_eq!(code.text.lines().nth(first.line as usize - 1), Some("    let x = z[at];"));
//! # Ok::<(), softq::Error>(())
//! ```

use naga::valid::{ValidationFlags, Validator};

use crate::engine::compose::compose;
use crate::engine::variant::{self, Variant};
use crate::error::{Error, Result};
use crate::interp::code::{Program, Space};
use crate::interp::dispatch::{Trap, dispatch};
use crate::interp::lower::{self, Refusal};
use crate::interp::machine::Limits;
use crate::interp::monitor::Silent;
use crate::interp::sanitizer::{self, Fresh, Report};

/// A kernel as code of the interpreter.
#[derive(Debug)]
pub struct Interpreted {
    /// The code.
    pub program: Program,
    /// The composed text.
    pub text: String,
    name: String,
}

/// Code of entry point `main`, or what of it is not known.
fn lowered(name: &str, text: &str) -> Result<std::result::Result<Program, Refusal>> {
    let failed = |message: String| Error::Shader { shader: name.to_owned(), message };
    let module = naga::front::wgsl::parse_str(text).map_err(|error| failed(error.emit_to_string(text)))?;
    // Whether control flow is uniform shows when it is executed.
    let flags = ValidationFlags::all() - ValidationFlags::CONTROL_FLOW_UNIFORMITY;
    let info = Validator::new(flags, variant::core())
        .validate(&module)
        .map_err(|error| failed(error.emit_to_string(text)))?;
    Ok(lower::entry_point(&module, &info, text, "main"))
}

impl Interpreted {
    /// Code of a kernel with what it is composed with. What the interpreter does not know is named by file and line.
    pub fn of(variant: &Variant) -> Result<Interpreted> {
        let composed = compose(variant.kernel, variant.env, variant.rule)?;
        let (text, name) = (composed.text.clone(), variant.name());
        match lowered(&name, &text)? {
            Ok(program) => Ok(Interpreted { program, text, name }),
            Err(Refusal { line, message }) => Err(match composed.origin(line) {
                Some((file, line)) if variant.env.is_some_and(|env| env.file == file) => {
                    Error::EnvFile { file: file.into(), line: Some(line as usize), message }
                }
                Some((file, line)) => {
                    Error::Shader { shader: name, message: format!("{file}:{line}: {message}") }
                }
                None => Error::Shader { shader: name, message },
            }),
        }
    }

    /// Code of entry point `main` of a complete text.
    pub fn of_text(name: String, text: String) -> Result<Interpreted> {
        match lowered(&name, &text)? {
            Ok(program) => Ok(Interpreted { program, text, name }),
            Err(Refusal { line, message }) => {
                Err(Error::Shader { shader: name, message: format!("line {line}: {message}") })
            }
        }
    }

    /// Runs a dispatch: its params, its buffers in binding order, its workgroups.
    pub fn run(&self, params: &[u32], bindings: &mut [&mut [u32]], groups: [u32; 3]) -> Result<()> {
        let mut params = params.to_vec();
        let memory = self.memory(&mut params, bindings.iter_mut().map(|words| &mut **words));
        // What a kernel may loop is checked when it is recorded.
        let limits = Limits { iterations: u64::MAX, fuel: u64::MAX };
        dispatch(&self.program, groups, memory, limits, &mut Silent).map_err(|trap| {
            let what = match trap {
                Trap::Barrier { .. } => "not all invocations of a workgroup reach the same barrier",
                Trap::Iterations { .. } | Trap::Fuel { .. } => "a loop does not end",
            };
            Error::Kernel {
                kernel: self.name.clone(),
                message: format!("{what}. See `softq verify --sanitize`"),
            }
        })
    }

    /// The same under the sanitizer. Words that hold one of `unwritten` count as written by nobody.
    pub fn watch(
        &self,
        params: &[u32],
        bindings: &mut [Vec<u32>],
        groups: [u32; 3],
        limits: Limits,
        unwritten: &[u32],
    ) -> Report {
        let mut params = params.to_vec();
        let memory = self.memory(&mut params, bindings.iter_mut().map(Vec::as_mut_slice));
        let outer = self.program.slots.iter().filter(|slot| slot.space != Space::Workgroup);
        let fresh = outer.map(|slot| match slot.binding {
            Some([_, 0]) => Fresh::Nothing,
            _ => Fresh::Holding(unwritten.to_vec()),
        });
        let fresh = fresh.collect();
        sanitizer::watch(sanitizer::Run {
            program: &self.program,
            text: &self.text,
            groups,
            memory,
            fresh,
            limits,
        })
    }

    /// Params and buffers in the order of the program's variables.
    fn memory<'a>(
        &self,
        params: &'a mut [u32],
        bindings: impl Iterator<Item = &'a mut [u32]>,
    ) -> Vec<&'a mut [u32]> {
        let mut by_binding: Vec<Option<&mut [u32]>> =
            std::iter::once(params).chain(bindings).map(Some).collect();
        let outer = self.program.slots.iter().filter(|slot| slot.space != Space::Workgroup);
        outer
            .map(|slot| {
                let binding = slot.binding.map_or(usize::MAX, |[_, binding]| binding as usize);
                by_binding.get_mut(binding).and_then(Option::take).unwrap_or_default()
            })
            .collect()
    }
}
