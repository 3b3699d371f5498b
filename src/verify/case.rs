//! A test case: one kernel call with the contents of every buffer.
//!
//! Every buffer starts as sentinel words, with a few more elements behind the length that the kernel's contract demands:
//! a missing write leaves a sentinel, a write out of bounds replaces one, and a read out of bounds turns into NaN.
//!
//! ```
//! use softq::kernels::log_softmax::{KERNEL, Params};
//! use softq::verify::case::{Case, READ_SENTINEL, SENTINEL};
//!
//! let mut case = Case::new(&KERNEL, None, Params { rows: 2, actions: 3 }, "ties");
//! case.set("q", &[1.0f32, 1.0, 1.0, 2.0, 2.0, 2.0]);
//! case.set("alphas", &[1.0f32, 0.1]);
//! assert_eq!(case.label, "Params { rows: 2, actions: 3 } ties");
//! // Behind the six values that the kernel may read, and wherever it writes, stands what nobody has written.
//! assert_eq!(case.get::<u32>("q")[6], READ_SENTINEL);
//! assert!(case.get::<u32>("probs").iter().all(|word| *word == SENTINEL));
//! let (buffers, recording) = case.record()?;
//! assert_eq!((buffers.decls.len(), recording.dispatches[0].grid), (7, [1, 1, 1]));
//! # Ok::<(), softq::Error>(())
//! ```

use bytemuck::Pod;

use crate::engine::env::Env;
use crate::engine::kernel::{Access, Kernel};
use crate::engine::recording::{Buffers, Erased, Recording};
use crate::engine::rule::Rule;
use crate::error::Result;
use crate::shared::layout::{Layout, Scalar};

/// Word of untouched memory: a NaN that no kernel produces.
pub const SENTINEL: u32 = 0x7fc5_e17a;

/// The same in buffers that a kernel only reads. Arithmetic keeps the payload of a NaN: with one word for both, a stray write
/// of something computed from a stray read would look like untouched memory.
pub const READ_SENTINEL: u32 = 0x7fc5_e27b;

/// Elements behind the required length of each buffer; for scalars more than a row of any register tile.
const SLACK_SCALARS: u64 = 67;
const SLACK_STRUCTS: u64 = 3;

/// One call of a kernel.
#[derive(Clone, Debug)]
pub struct Case {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Its environment, if it uses one.
    pub env: Option<&'static Env>,
    /// Its target rule, if it uses one.
    pub rule: Option<&'static Rule>,
    /// Params struct as words.
    pub params: Vec<u32>,
    /// Contents of each binding before the call, slack included.
    pub bindings: Vec<Vec<u32>>,
    /// The shape in words, for messages.
    pub label: String,
}

impl Case {
    /// A call with all buffers allocated and filled with sentinels.
    pub fn new<P: Pod + std::fmt::Debug>(
        kernel: &'static Kernel,
        env: Option<&'static Env>,
        params: P,
        note: &str,
    ) -> Case {
        let label = format!("{params:?} {note}").trim_end().to_owned();
        let params: Vec<u32> = bytemuck::cast_slice(&[params]).to_vec();
        let bindings = kernel
            .bindings
            .iter()
            .zip((kernel.sizes)(&params, env))
            .map(|(binding, elements)| {
                let (words, slack) = element(binding.element, env);
                let sentinel = if binding.access == Access::Read { READ_SENTINEL } else { SENTINEL };
                vec![sentinel; ((elements + slack) * words) as usize]
            })
            .collect();
        Case { kernel, env, rule: None, params, bindings, label }
    }

    /// Writes the start of a binding.
    pub fn set<T: Pod>(&mut self, binding: &str, values: &[T]) {
        self.set_at(binding, 0, values);
    }

    /// Writes a binding from element `at` on.
    pub fn set_at<T: Pod>(&mut self, binding: &str, at: usize, values: &[T]) {
        let words: &[u32] = bytemuck::cast_slice(values);
        let at = at * std::mem::size_of::<T>() / 4;
        let index = self.index(binding);
        self.bindings[index][at..at + words.len()].copy_from_slice(words);
    }

    /// The initial contents of a binding.
    pub fn get<T: Pod>(&self, binding: &str) -> &[T] {
        bytemuck::cast_slice(&self.bindings[self.index(binding)])
    }

    /// The params struct.
    pub fn params<P: Pod>(&self) -> P {
        bytemuck::pod_read_unaligned(bytemuck::cast_slice(&self.params))
    }

    /// Position of a binding. The name is the kernel's own; a wrong one is a mistake in a generator or an oracle.
    pub fn index(&self, binding: &str) -> usize {
        self.kernel
            .bindings
            .iter()
            .position(|declared| declared.name == binding)
            .unwrap_or_else(|| panic!("{} has no binding '{binding}'", self.kernel.name))
    }

    /// Bindings that the kernel writes.
    pub fn outputs(&self) -> impl Iterator<Item = (usize, &'static str)> {
        let bindings = self.kernel.bindings.iter().enumerate();
        bindings.filter(|(_, b)| b.access == Access::ReadWrite).map(|(index, b)| (index, b.name))
    }

    /// Type of each word of one element of a binding.
    pub fn scalars(&self, binding: usize) -> Vec<Scalar> {
        match self.kernel.bindings[binding].element {
            Layout::Scalar(scalar) => vec![scalar],
            Layout::Struct { fields, .. } => fields.iter().map(|field| field.scalar).collect(),
            // Float unless proved otherwise; integer words of a state still must agree with the oracle's bits.
            Layout::EnvState => self
                .env
                .map_or(vec![Scalar::F32], |env| env.state.iter().map(|w| w.number.scalar()).collect()),
            Layout::EnvParams => vec![Scalar::U32; self.env.map_or(1, |env| env.param_words() as usize)],
        }
    }

    /// The same call as buffers and a recording.
    pub fn record(&self) -> Result<(Buffers, Recording)> {
        let mut buffers = Buffers::default();
        let erased: Vec<Erased> = self
            .kernel
            .bindings
            .iter()
            .zip(&self.bindings)
            .map(|(binding, words)| buffers.add::<u32>(binding.name, words.len() as u64, "").erase())
            .collect();
        let mut recording = Recording::default();
        recording.dispatch(self.kernel, self.env, self.rule, &self.params, &erased)?;
        Ok((buffers, recording))
    }
}

/// Words per element, and elements of slack.
fn element(layout: Layout, env: Option<&Env>) -> (u64, u64) {
    match layout {
        Layout::Scalar(_) => (1, SLACK_SCALARS),
        Layout::Struct { size, .. } => (u64::from(size / 4), SLACK_STRUCTS),
        Layout::EnvState => (env.map_or(1, |env| u64::from(env.state_words)), SLACK_STRUCTS),
        Layout::EnvParams => (env.map_or(1, |env| u64::from(env.param_words())), SLACK_STRUCTS),
    }
}
