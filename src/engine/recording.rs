//! A recording: what to run, as plain data that no device has seen yet.
//!
//! [`Buffers`] names and sizes the memory, [`Recording`] lists dispatches over it. Every rule that can be checked without
//! a device is checked here, once: binding count, lengths, aliasing, grid size and loop bound.
//!
//! ```
//! use softq::engine::recording::{Buffer, BufferDecl, BufferId, Buffers, Dispatch, Erased, Recording};
//! use softq::kernels::silu;
//! use softq::shared::layout::{Layout, Scalar};
//!
//! let mut buffers = Buffers::default();
//! let z: Buffer<f32> = buffers.add("z", 100, "Use a smaller batch.");
//! let y: Buffer<f32> = buffers.add("y", 100, "");
//! assert_eq!(z.erase(), Erased { id: BufferId(0), words: 100 });
//! let element = Layout::Scalar(Scalar::F32);
//! let declared = BufferDecl { name: "z".into(), words: 100, element, hint: "Use a smaller batch." };
//! assert_eq!((&buffers.decls[0], buffers.total_bytes()), (&declared, 800));
//!
//! let mut recording = Recording::default();
//! let params = silu::Params { count: 100, slots: 1, agents: 1 };
//! silu::record(&mut recording, params, z, y)?;
//! let Dispatch { kernel, grid, .. } = &recording.dispatches[0];
//! assert_eq!((kernel.name, *grid), ("silu", [2, 1, 1]));
//! assert_eq!(recording.outputs(0), [("y", y.erase())]);
//! // What no device could run is refused by name.
//! let refused = silu::record(&mut recording, params, z, z).expect_err("one buffer, read and written");
//! assert!(refused.to_string().contains("bindings 'z' and 'y' are the same buffer"));
//! # Ok::<(), softq::Error>(())
//! ```

use std::marker::PhantomData;

use crate::engine::env::Env;
use crate::engine::kernel::{Access, Kernel, MAX_LOOP_ITERATIONS};
use crate::engine::rule::Rule;
use crate::error::{Error, Result};
use crate::shared::layout::{GpuType, Layout};

/// Index of a buffer in [`Buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId(pub u32);

/// A typed handle to a buffer of `len` elements.
#[derive(Debug)]
pub struct Buffer<T> {
    /// Which buffer.
    pub id: BufferId,
    /// Length in elements of `T`.
    pub len: u64,
    element: PhantomData<T>,
}

impl<T> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Buffer<T> {}

impl<T: GpuType> Buffer<T> {
    /// The handle without its type.
    pub fn erase(self) -> Erased {
        Erased { id: self.id, words: self.len * (std::mem::size_of::<T>() as u64 / 4) }
    }
}

/// An untyped handle: buffer and its length in 4-byte words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Which buffer.
    pub id: BufferId,
    /// Length in words.
    pub words: u64,
}

/// Name and size of one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferDecl {
    /// Name, shown in errors and debuggers.
    pub name: String,
    /// Length in 4-byte words.
    pub words: u64,
    /// What its elements are.
    pub element: Layout,
    /// The option that makes it smaller, for the error when it does not fit.
    pub hint: &'static str,
}

/// The memory of a program: buffers by name, zero-filled when allocated.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    /// Declarations, indexed by [`BufferId`].
    pub decls: Vec<BufferDecl>,
}

impl Buffers {
    /// Declares a buffer of `len` elements (at least one, since WebGPU has no empty bindings).
    pub fn add<T: GpuType>(&mut self, name: impl Into<String>, len: u64, hint: &'static str) -> Buffer<T> {
        let len = len.max(1);
        let id = BufferId(self.decls.len() as u32);
        let words = len.saturating_mul(std::mem::size_of::<T>() as u64 / 4);
        self.decls.push(BufferDecl { name: name.into(), words, element: T::LAYOUT, hint });
        Buffer { id, len, element: PhantomData }
    }

    /// The same for structs that the environment's file declares, counted in words.
    pub fn add_of_env(
        &mut self,
        name: impl Into<String>,
        words: u64,
        element: Layout,
        hint: &'static str,
    ) -> Buffer<u32> {
        let buffer = self.add(name, words, hint);
        self.decls[buffer.id.0 as usize].element = element;
        buffer
    }

    /// Bytes of the longest buffer.
    pub fn longest_bytes(&self) -> u64 {
        self.decls.iter().map(|decl| decl.words.saturating_mul(4)).max().unwrap_or(0)
    }

    /// Bytes of all buffers together.
    pub fn total_bytes(&self) -> u64 {
        self.decls.iter().map(|decl| decl.words.saturating_mul(4)).fold(0, u64::saturating_add)
    }
}

/// One kernel call with everything it needs.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// The environment it is composed with, if it uses one.
    pub env: Option<&'static Env>,
    /// The target rule it is composed with, if it uses one.
    pub rule: Option<&'static Rule>,
    /// Params struct as words.
    pub params: Vec<u32>,
    /// Buffers in binding order.
    pub bindings: Vec<Erased>,
    /// Workgroups along x, y, z.
    pub grid: [u32; 3],
}

/// A list of dispatches, in order.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The dispatches.
    pub dispatches: Vec<Dispatch>,
}

impl Recording {
    /// Appends a dispatch. Called by the typed `record` function of each kernel.
    pub fn dispatch(
        &mut self,
        kernel: &'static Kernel,
        env: Option<&'static Env>,
        rule: Option<&'static Rule>,
        params: &[u32],
        bindings: &[Erased],
    ) -> Result<()> {
        let fail = |message: String| Err(Error::Kernel { kernel: kernel.name.into(), message });
        if bindings.len() != kernel.bindings.len() {
            return fail(format!("{} buffers given, {} declared", bindings.len(), kernel.bindings.len()));
        }
        if kernel.uses_env != env.is_some() {
            let needs =
                if kernel.uses_env { "an environment and got none" } else { "no environment and got one" };
            return fail(format!("it takes {needs}"));
        }
        if kernel.uses_rule != rule.is_some() {
            let needs =
                if kernel.uses_rule { "a target rule and got none" } else { "no target rule and got one" };
            return fail(format!("it takes {needs}"));
        }
        if let Some(env) = env.filter(|env| !kernel.fits(env.actions.outputs() > 0, env.has_draw)) {
            return fail(format!("environment '{}' lacks what it needs: {:?}", env.id, kernel.needs));
        }
        if let Some(rule) = rule.filter(|rule| !kernel.takes(rule)) {
            return fail(format!("it does not take the target rule '{}'", rule.name));
        }
        for ((binding, buffer), elements) in
            kernel.bindings.iter().zip(bindings).zip((kernel.sizes)(params, env))
        {
            let words = elements.saturating_mul(element_words(binding.element, env));
            if buffer.words < words {
                return fail(format!(
                    "binding '{}' needs {words} words but its buffer holds {}",
                    binding.name, buffer.words
                ));
            }
        }
        for (i, a) in bindings.iter().enumerate() {
            for (j, b) in bindings.iter().enumerate().skip(i + 1) {
                if a.id == b.id {
                    return fail(format!(
                        "bindings '{}' and '{}' are the same buffer",
                        kernel.bindings[i].name, kernel.bindings[j].name
                    ));
                }
            }
        }
        let loops = (kernel.loops)(params, env);
        if loops > MAX_LOOP_ITERATIONS {
            return fail(format!(
                "one invocation would loop {loops} times; at most {MAX_LOOP_ITERATIONS} are allowed, \
                 because some software drivers silently stop there. Use a smaller batch or network."
            ));
        }
        let grid = (kernel.grid)(params);
        if grid.contains(&0) {
            return fail(format!("the grid {grid:?} is empty; every size must be at least 1"));
        }
        let limit = 65_535;
        if let Some(groups) = grid.iter().find(|groups| **groups > limit) {
            return fail(format!(
                "{groups} workgroups along one axis; WebGPU allows {limit}. Use smaller sizes."
            ));
        }
        self.dispatches.push(Dispatch {
            kernel,
            env,
            rule,
            params: params.to_vec(),
            bindings: bindings.to_vec(),
            grid: grid.map(|groups| groups as u32),
        });
        Ok(())
    }

    /// Adds the dispatches of `other` behind those already here.
    pub fn append(&mut self, other: Recording) {
        self.dispatches.extend(other.dispatches);
    }

    /// Buffers written by dispatch `index`, with the binding's name.
    pub fn outputs(&self, index: usize) -> Vec<(&'static str, Erased)> {
        let dispatch = &self.dispatches[index];
        dispatch
            .kernel
            .bindings
            .iter()
            .zip(&dispatch.bindings)
            .filter(|(binding, _)| binding.access == Access::ReadWrite)
            .map(|(binding, buffer)| (binding.name, *buffer))
            .collect()
    }
}

/// Words of one element; those of an environment's structs are known once there is an environment.
pub(crate) fn element_words(layout: Layout, env: Option<&'static Env>) -> u64 {
    match layout {
        Layout::Scalar(_) => 1,
        Layout::Struct { size, .. } => u64::from(size / 4),
        Layout::EnvState => env.map_or(1, |env| u64::from(env.state_words)),
        Layout::EnvParams => env.map_or(1, |env| u64::from(env.param_words())),
    }
}
