//! Who watches an execution. The machine is compiled twice: with a monitor that sees nothing, for speed, and with the
//! sanitizer's.

use crate::interp::arith::ScalarOp;
use crate::interp::code::{IndexSite, Reg};

/// How memory is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Read,
    /// Written.
    Write {
        /// Which words are those that are there already, a bit each; 0 beyond the 32nd.
        same: u32,
    },
    /// By an atomic operation; one that only reads changes nothing.
    Atomic {
        /// Whether it can change the word.
        writes: bool,
    },
}

/// Words of a variable of memory.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The variable.
    pub slot: u32,
    /// The first word.
    pub first: u32,
    /// How many.
    pub n: u32,
    /// The register with what was added to the place, or none.
    pub at: Reg,
}

/// Is told what invocations do. `op` is the number of the operation.
pub trait Monitor {
    /// Whether anything is to be told.
    const ON: bool;

    /// What follows is done by this invocation of the workgroup.
    fn invocation(&mut self, local: u32);
    /// A result, with the registers and words of its operands.
    fn scalar(&mut self, op: u32, code: ScalarOp, dst: Reg, regs: [Reg; 3], words: [u32; 3], result: u32);
    /// Registers were copied.
    fn copied(&mut self, dst: Reg, src: Reg, n: u32);
    /// Registers were set from elsewhere.
    fn set(&mut self, dst: Reg, n: u32);
    /// An index, with its register, its value and the number of elements.
    fn index(&mut self, op: u32, site: &IndexSite, dst: Reg, at: Reg, index: (Reg, u32), limit: u32);
    /// Whether a local may be accessed at a place.
    fn local(&mut self, op: u32, at: Reg) -> bool;
    /// Whether memory may be accessed.
    fn memory(&mut self, op: u32, words: Words, access: Access) -> bool;
}

/// Sees nothing.
pub struct Silent;

impl Monitor for Silent {
    const ON: bool = false;

    fn invocation(&mut self, _: u32) {}
    fn scalar(&mut self, _: u32, _: ScalarOp, _: Reg, _: [Reg; 3], _: [u32; 3], _: u32) {}
    fn copied(&mut self, _: Reg, _: Reg, _: u32) {}
    fn set(&mut self, _: Reg, _: u32) {}
    fn index(&mut self, _: u32, _: &IndexSite, _: Reg, _: Reg, _: (Reg, u32), _: u32) {}
    fn local(&mut self, _: u32, _: Reg) -> bool {
        true
    }
    fn memory(&mut self, _: u32, _: Words, _: Access) -> bool {
        true
    }
}
