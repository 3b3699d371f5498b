//! Values that are known beforehand, each in registers of its own that nothing writes.

use naga::{Expression, Handle, Literal, Span};

use super::{Lowered, Lowering, Regs};
use crate::interp::layout::Pointee;

impl Lowering<'_> {
    /// The value of an expression of the module.
    pub(super) fn global_constant(&mut self, handle: Handle<Expression>) -> Lowered<Regs> {
        let module = self.module;
        let span = module.global_expressions.get_span(handle);
        match &module.global_expressions[handle] {
            Expression::Literal(literal) => self.literal(*literal, span),
            Expression::ZeroValue(ty) => self.zero(Pointee::Type(*ty), span),
            Expression::Constant(constant) => self.global_constant(module.constants[*constant].init),
            Expression::Compose { components, .. } => {
                let mut regs = Vec::new();
                for component in components {
                    regs.extend_from_slice(&self.global_constant(*component)?);
                }
                Ok(regs.into())
            }
            Expression::Splat { size, value } => {
                let value = self.global_constant(*value)?;
                Ok(value.repeat(*size as usize).into())
            }
            Expression::Override(_) => Err(self.refusal("overrides that have no value", span)),
            _ => Err(self.refusal("this constant", span)),
        }
    }

    /// A constant with its scalars one behind the other, so that a register can index it.
    pub(super) fn named_constant(&mut self, handle: Handle<naga::Constant>) -> Lowered<Regs> {
        let regs = self.global_constant(self.module.constants[handle].init)?;
        if regs.len() <= 4 {
            return Ok(regs);
        }
        if let Some(block) = self.blocks.get(&handle) {
            return Ok(block.clone());
        }
        let words: std::collections::HashMap<u32, u32> = self.program.constants.iter().copied().collect();
        let base = self.registers(regs.len() as u32, self.module.constants.get_span(handle))?;
        for (index, reg) in regs.iter().enumerate() {
            self.program.constants.push((base + index as u32, words[reg]));
        }
        let block: Regs = (base..base + regs.len() as u32).collect();
        self.blocks.insert(handle, block.clone());
        Ok(block)
    }

    /// A number of the text.
    pub(super) fn literal(&mut self, literal: Literal, span: Span) -> Lowered<Regs> {
        let word = match literal {
            Literal::F32(value) => value.to_bits(),
            Literal::U32(value) => value,
            Literal::I32(value) => value as u32,
            Literal::Bool(value) => u32::from(value),
            _ => return Err(self.refusal("numbers of other than 32 bits", span)),
        };
        Ok([self.constant(word)?].into())
    }

    /// Zeros.
    pub(super) fn zero(&mut self, pointee: Pointee, span: Span) -> Lowered<Regs> {
        let words = self.words(pointee, span)?;
        let zero = self.constant(0)?;
        Ok(std::iter::repeat_n(zero, words as usize).collect())
    }
}
