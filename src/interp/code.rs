//! The code that is executed: a flat list of operations on registers of 32 bits. Every invocation has a register file; locals
//! and private variables are ranges of it, and since WGSL has no recursion, every function has its own.

use naga::AtomicFunction;

use crate::interp::arith::ScalarOp;

/// A register, or a word of a local variable.
pub type Reg = u32;

/// No register.
pub const NONE: Reg = u32::MAX;

#[allow(
    missing_docs,
    reason = "dst, src: registers written and read; base, fixed: words behind the start; n: how many"
)]
/// One operation. `at` is a register with words to add to a place, or [`NONE`].
#[derive(Clone, Copy, Debug)]
pub enum Op {
    /// `dst = code(a, b, c)`; operands that `code` does not have are register 0.
    Scalar { code: ScalarOp, dst: Reg, a: Reg, b: Reg, c: Reg },
    /// `n` registers.
    Copy { dst: Reg, src: Reg, n: u32 },
    /// `n` registers become 0.
    Zero { dst: Reg, n: u32 },
    /// `dst = at + index * stride`, where `index` is below the limit of `site`.
    Index { dst: Reg, index: Reg, site: u32, at: Reg },
    /// `n` words of a local, `base` words behind the start of the file.
    LoadLocal { dst: Reg, base: Reg, at: Reg, n: u32 },
    /// The other way.
    StoreLocal { base: Reg, at: Reg, src: Reg, n: u32 },
    /// `n` words of a variable of `memory`.
    Load { dst: Reg, slot: u32, fixed: u32, at: Reg, n: u32 },
    /// The other way.
    Store { slot: u32, fixed: u32, at: Reg, src: Reg, n: u32 },
    /// Elements of a runtime-sized array.
    Length { dst: Reg, slot: u32, fixed: u32, stride: u32 },
    /// See [`AtomicSite`].
    Atomic { site: u32 },
    /// Go on at another operation.
    Jump { to: u32 },
    /// The same if the register is not 0.
    JumpIf { condition: Reg, to: u32 },
    /// The same if it is.
    JumpUnless { condition: Reg, to: u32 },
    /// One more iteration of a loop.
    Tick,
    /// Remember where to come back to, and go on at the start of a function.
    Call { to: u32 },
    /// Go back.
    Return,
    /// Wait for the other invocations of the workgroup.
    Barrier { workgroup: bool, storage: bool },
    /// A function that the host provides, on the words from `window` on.
    Host { function: u32, window: Reg, n: u32 },
    /// The end of the entry point.
    End,
}

#[allow(missing_docs, reason = "slot: a variable of `memory`")]
/// How many elements there are.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// So many.
    Fixed(u32),
    /// As many as the buffer holds behind `fixed` words.
    Runtime { slot: u32, fixed: u32 },
}

/// A dynamic index.
#[derive(Clone, Copy, Debug)]
pub struct IndexSite {
    /// Elements.
    pub limit: Limit,
    /// Words of one.
    pub stride: u32,
    /// The variable, a place in [`Program::names`]; [`NONE`] for a value without a name.
    pub variable: u32,
    /// Whether the index is an `i32`.
    pub signed: bool,
    /// Whether a value is indexed, not memory: nothing follows that would access it.
    pub value: bool,
}

/// An atomic operation.
#[derive(Clone, Copy, Debug)]
pub struct AtomicSite {
    /// What it does.
    pub kind: AtomicKind,
    /// Whether on an `i32`.
    pub signed: bool,
    /// Variable of `memory`.
    pub slot: u32,
    /// Word of it.
    pub fixed: u32,
    /// Words to add.
    pub at: Reg,
    /// Operand.
    pub value: Reg,
    /// What to compare with, of a compare and exchange.
    pub compare: Reg,
    /// The value before, or [`NONE`]; of a compare and exchange whether it was exchanged follows it.
    pub result: Reg,
}

/// Kinds of atomic operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomicKind {
    /// Read it.
    Load,
    /// Write it.
    Store,
    /// Sum.
    Add,
    /// Difference.
    Subtract,
    /// Bits of both.
    And,
    /// Bits of either.
    Or,
    /// Bits of one.
    Xor,
    /// The lesser.
    Min,
    /// The greater.
    Max,
    /// Write and return what was there.
    Exchange,
    /// The same where it is as expected.
    CompareExchange,
}

impl AtomicKind {
    /// Of naga's form.
    pub fn of(function: &AtomicFunction) -> AtomicKind {
        match function {
            AtomicFunction::Add => AtomicKind::Add,
            AtomicFunction::Subtract => AtomicKind::Subtract,
            AtomicFunction::And => AtomicKind::And,
            AtomicFunction::InclusiveOr => AtomicKind::Or,
            AtomicFunction::ExclusiveOr => AtomicKind::Xor,
            AtomicFunction::Min => AtomicKind::Min,
            AtomicFunction::Max => AtomicKind::Max,
            AtomicFunction::Exchange { compare: None } => AtomicKind::Exchange,
            AtomicFunction::Exchange { compare: Some(_) } => AtomicKind::CompareExchange,
        }
    }

    /// The word that follows.
    pub fn apply(self, signed: bool, old: u32, value: u32) -> u32 {
        match self {
            AtomicKind::Load => old,
            AtomicKind::Store | AtomicKind::Exchange | AtomicKind::CompareExchange => value,
            AtomicKind::Add => old.wrapping_add(value),
            AtomicKind::Subtract => old.wrapping_sub(value),
            AtomicKind::And => old & value,
            AtomicKind::Or => old | value,
            AtomicKind::Xor => old ^ value,
            AtomicKind::Min if signed => (old as i32).min(value as i32) as u32,
            AtomicKind::Min => old.min(value),
            AtomicKind::Max if signed => (old as i32).max(value as i32) as u32,
            AtomicKind::Max => old.max(value),
        }
    }
}

/// Who sees a variable of `memory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// All invocations of a dispatch, and whoever bound it.
    Storage,
    /// The same; nobody writes it.
    Uniform,
    /// The invocations of a workgroup.
    Workgroup,
}

/// A variable outside of register files.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Its name in the text.
    pub name: String,
    /// Who sees it.
    pub space: Space,
    /// Group and binding.
    pub binding: Option<[u32; 2]>,
    /// Whether the shader may write it.
    pub writable: bool,
    /// Words; of a runtime-sized array those before it and of one element.
    pub words: u32,
    /// Words of one element of the runtime-sized array at its end.
    pub element: Option<u32>,
    /// Kind of each scalar before that array, by its word; none of variables of more than 4 MiB.
    pub head: Vec<(u32, naga::ScalarKind)>,
    /// Kind of each scalar of an element, by its word.
    pub tail: Vec<(u32, naga::ScalarKind)>,
}

/// Built-in values of a compute shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// `global_invocation_id`
    GlobalId,
    /// `local_invocation_id`
    LocalId,
    /// `local_invocation_index`
    LocalIndex,
    /// `workgroup_id`
    GroupId,
    /// `num_workgroups`
    NumGroups,
    /// `workgroup_size`
    GroupSize,
}

/// A function of a module, ready to run.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Operations; the first is that of the entry point.
    pub ops: Vec<Op>,
    /// Byte of the text that each comes from.
    pub places: Vec<u32>,
    /// Registers of an invocation.
    pub registers: u32,
    /// Registers that hold constants.
    pub constants: Vec<(Reg, u32)>,
    /// Sites of [`Op::Index`].
    pub indices: Vec<IndexSite>,
    /// Sites of [`Op::Atomic`].
    pub atomics: Vec<AtomicSite>,
    /// Names of variables.
    pub names: Vec<String>,
    /// Variables outside of register files.
    pub slots: Vec<Slot>,
    /// Where built-in values go.
    pub builtins: Vec<(BuiltIn, Reg)>,
    /// First register and length of each argument of a function; a pointer's is what it points to.
    pub arguments: Vec<(Reg, u32)>,
    /// First register and length of what is indexed at run time.
    pub indexed: Vec<(Reg, u32)>,
    /// First register and length of a function's result.
    pub result: (Reg, u32),
    /// Invocations of a workgroup.
    pub workgroup: [u32; 3],
    /// Whether invocations wait for each other.
    pub waits: bool,
}
