//! Statements: jumps for what is structured in WGSL.

use std::collections::HashMap;

use naga::{Block, Expression, Handle, Module, Span, Statement, SwitchCase, SwitchValue, TypeInner};

use super::expression::Value;
use super::function::{Exit, Function};
use super::{Lowered, Regs};
use crate::interp::arith::ScalarOp;
use crate::interp::code::{AtomicKind, NONE, Op};

/// Counts the statements that call each function, of those that run when `body` does.
pub(super) fn count_calls(module: &Module, body: &Block) -> HashMap<Handle<naga::Function>, u32> {
    let mut sites = HashMap::new();
    // Not by recursion: a chain of functions can be as long as a file.
    let mut waiting = vec![body];
    while let Some(block) = waiting.pop() {
        for statement in block.iter() {
            match statement {
                Statement::Call { function, .. } => {
                    let calls = sites.entry(*function).or_default();
                    *calls += 1;
                    if *calls == 1 {
                        waiting.push(&module.functions[*function].body);
                    }
                }
                Statement::Block(block) => waiting.push(block),
                Statement::If { accept, reject, .. } => waiting.extend([accept, reject]),
                Statement::Switch { cases, .. } => waiting.extend(cases.iter().map(|case| &case.body)),
                Statement::Loop { body, continuing, .. } => waiting.extend([body, continuing]),
                _ => {}
            }
        }
    }
    sites
}

impl Function<'_, '_> {
    pub(super) fn block(&mut self, block: &Block) -> Lowered<()> {
        for (statement, span) in block.span_iter() {
            self.statement(statement, *span)?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement, span: Span) -> Lowered<()> {
        match statement {
            Statement::Emit(range) => range.clone().try_for_each(|expression| self.emit(expression)),
            Statement::Block(block) => self.block(block),
            Statement::If { condition, accept, reject } => {
                let condition = self.regs(*condition)?[0];
                if accept.is_empty() {
                    // The head of a loop: `if condition {} else { break; }`.
                    let past = self.lowering.op(Op::JumpIf { condition, to: 0 }, span);
                    self.block(reject)?;
                    self.land(&[past]);
                    return Ok(());
                }
                let past = self.lowering.op(Op::JumpUnless { condition, to: 0 }, span);
                self.block(accept)?;
                if reject.is_empty() {
                    self.land(&[past]);
                    return Ok(());
                }
                let end = self.lowering.op(Op::Jump { to: 0 }, span);
                self.land(&[past]);
                self.block(reject)?;
                self.land(&[end]);
                Ok(())
            }
            Statement::Switch { selector, cases } => self.switch(*selector, cases, span),
            Statement::Loop { body, continuing, break_if } => {
                let head = self.here();
                self.breaks.push(Vec::new());
                self.continues.push(Vec::new());
                self.block(body)?;
                let continues = self.continues.pop().unwrap_or_default();
                self.land(&continues);
                self.block(continuing)?;
                if let Some(condition) = break_if {
                    let condition = self.regs(*condition)?[0];
                    let out = self.lowering.op(Op::JumpIf { condition, to: 0 }, span);
                    self.leave(out);
                }
                self.lowering.op(Op::Tick, span);
                self.lowering.op(Op::Jump { to: head }, span);
                let breaks = self.breaks.pop().unwrap_or_default();
                self.land(&breaks);
                Ok(())
            }
            Statement::Break => {
                let out = self.lowering.op(Op::Jump { to: 0 }, span);
                self.leave(out);
                Ok(())
            }
            Statement::Continue => {
                let next = self.lowering.op(Op::Jump { to: 0 }, span);
                if let Some(continues) = self.continues.last_mut() {
                    continues.push(next);
                }
                Ok(())
            }
            Statement::Return { value } => {
                if let (Some(value), Some(result)) = (value, self.result.clone()) {
                    let value = self.regs(*value)?;
                    self.copy(&result, &value, span);
                }
                match &mut self.exit {
                    Exit::End => _ = self.lowering.op(Op::End, span),
                    Exit::Return => _ = self.lowering.op(Op::Return, span),
                    Exit::Jump(ends) => ends.push(self.lowering.op(Op::Jump { to: 0 }, span)),
                }
                Ok(())
            }
            Statement::ControlBarrier(flags) => {
                self.barrier(*flags, span);
                Ok(())
            }
            // A barrier of memory alone orders what one invocation does, which here is in order.
            Statement::MemoryBarrier(_) => Ok(()),
            Statement::Store { pointer, value } => {
                let (place, value) = (self.place(*pointer)?, self.regs(*value)?);
                self.store(place, &value, span)
            }
            Statement::Atomic { pointer, fun, value, result } => {
                let place = self.place(*pointer)?;
                let operand = self.regs(*value)?[0];
                let compare = match fun {
                    naga::AtomicFunction::Exchange { compare: Some(compare) } => self.regs(*compare)?[0],
                    _ => NONE,
                };
                let mut regs = NONE;
                if let Some(result) = result {
                    let pointee = self.pointee_of(*result, span)?;
                    let words = self.lowering.words(pointee, span)?;
                    regs = self.lowering.registers(words, span)?;
                    self.values[result.index()] = Some(Value::Regs((regs..regs + words).collect()));
                }
                self.atomic(place, AtomicKind::of(fun), operand, compare, regs, span)
            }
            Statement::WorkGroupUniformLoad { pointer, result } => {
                let place = self.place(*pointer)?;
                self.barrier(naga::Barrier::WORK_GROUP, span);
                let value = self.load(place, span)?;
                self.values[result.index()] = Some(Value::Regs(value));
                self.barrier(naga::Barrier::WORK_GROUP, span);
                Ok(())
            }
            Statement::Call { function, arguments, result } => self.call(*function, arguments, *result, span),
            other => {
                let name = format!("{other:?}");
                let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
                Err(self.lowering.refusal(format!("the statement {name}"), span))
            }
        }
    }

    fn barrier(&mut self, flags: naga::Barrier, span: Span) {
        let (workgroup, storage) =
            (flags.contains(naga::Barrier::WORK_GROUP), flags.contains(naga::Barrier::STORAGE));
        self.lowering.op(Op::Barrier { workgroup, storage }, span);
    }

    fn switch(&mut self, selector: Handle<Expression>, cases: &[SwitchCase], span: Span) -> Lowered<()> {
        let selected = self.regs(selector)?[0];
        let mut entries = vec![Vec::new(); cases.len()];
        let mut default = None;
        for (index, case) in cases.iter().enumerate() {
            let word = match case.value {
                SwitchValue::I32(value) => value as u32,
                SwitchValue::U32(value) => value,
                SwitchValue::Default => {
                    default = Some(index);
                    continue;
                }
            };
            let word = self.lowering.constant(word)?;
            let equal = self.scalar(ScalarOp::Eq, &[selected, word], span)?;
            entries[index].push(self.lowering.op(Op::JumpIf { condition: equal, to: 0 }, span));
        }
        let otherwise = self.lowering.op(Op::Jump { to: 0 }, span);
        self.breaks.push(Vec::new());
        match default {
            Some(index) => entries[index].push(otherwise),
            None => self.leave(otherwise),
        }
        for (case, entries) in cases.iter().zip(&entries) {
            self.land(entries);
            self.block(&case.body)?;
            if !case.fall_through {
                let out = self.lowering.op(Op::Jump { to: 0 }, span);
                self.leave(out);
            }
        }
        let breaks = self.breaks.pop().unwrap_or_default();
        self.land(&breaks);
        Ok(())
    }

    fn here(&self) -> u32 {
        self.lowering.program.ops.len() as u32
    }

    /// Remembers a jump out of the loop or switch around.
    fn leave(&mut self, jump: usize) {
        if let Some(breaks) = self.breaks.last_mut() {
            breaks.push(jump);
        }
    }

    /// Lets jumps end here.
    pub(super) fn land(&mut self, jumps: &[usize]) {
        let here = self.here();
        for jump in jumps {
            match &mut self.lowering.program.ops[*jump] {
                Op::Jump { to } | Op::JumpIf { to, .. } | Op::JumpUnless { to, .. } => *to = here,
                _ => {}
            }
        }
    }

    /// Registers of a value.
    pub(super) fn regs(&mut self, expression: Handle<Expression>) -> Lowered<Regs> {
        match self.value(expression)? {
            Value::Regs(regs) => Ok(regs),
            Value::Place(_) => Err(self.lowering.refusal("this pointer as a value", self.span(expression))),
        }
    }

    /// Whether an expression is an `i32`, as far as an index can be one.
    pub(super) fn is_signed(&self, expression: Handle<Expression>) -> bool {
        matches!(self.inner(expression), TypeInner::Scalar(scalar) if scalar.kind == naga::ScalarKind::Sint)
    }
}
