//! One function: its arguments, locals and body.

use std::cell::Cell;

use naga::valid::FunctionInfo;
use naga::{Expression, Handle, Span, TypeInner};

use super::expression::Value;
use super::place::{Place, Root};
use super::{Lowered, Lowering, MAX_DEPTH, Regs};
use crate::interp::code::{NONE, Op, Reg};
use crate::interp::layout::{Layout, Pointee};

/// A function that is called, with what its pointers point into.
pub(super) struct Callee {
    pub(super) number: u32,
    pub(super) function: Handle<naga::Function>,
    pub(super) arguments: Vec<Value>,
    pub(super) result: Option<Regs>,
    pub(super) start: Cell<u32>,
}

/// What a return statement does.
pub(super) enum Exit {
    /// Ends the program.
    End,
    /// Goes back to where the function was called.
    Return,
    /// Jumps behind the code, which stands in its caller's: these operations, so far.
    Jump(Vec<usize>),
}

pub(super) struct Function<'l, 'm> {
    pub(super) lowering: &'l mut Lowering<'m>,
    pub(super) function: &'m naga::Function,
    pub(super) info: &'m FunctionInfo,
    pub(super) arguments: Vec<Value>,
    pub(super) result: Option<Regs>,
    pub(super) exit: Exit,
    pub(super) values: Vec<Option<Value>>,
    locals: Vec<Reg>,
    /// Jumps out of the loops and switches around, and to the next iteration.
    pub(super) breaks: Vec<Vec<usize>>,
    pub(super) continues: Vec<Vec<usize>>,
}

impl<'l, 'm> Function<'l, 'm> {
    pub(super) fn new(
        lowering: &'l mut Lowering<'m>,
        function: &'m naga::Function,
        info: &'m FunctionInfo,
        arguments: Vec<Value>,
        result: Option<Regs>,
    ) -> Function<'l, 'm> {
        let values = vec![None; function.expressions.len()];
        let (locals, breaks, continues) = (Vec::new(), Vec::new(), Vec::new());
        Function {
            lowering,
            function,
            info,
            arguments,
            result,
            exit: Exit::End,
            values,
            locals,
            breaks,
            continues,
        }
    }

    /// The same with other returns.
    pub(super) fn exit(self, exit: Exit) -> Function<'l, 'm> {
        Function { exit, ..self }
    }

    /// Locals, then statements; what is left is its exit.
    pub(super) fn body(mut self) -> Lowered<Exit> {
        let function = self.function;
        let mut first = None;
        let mut total = 0;
        for (handle, local) in function.local_variables.iter() {
            let span = function.local_variables.get_span(handle);
            let words = self.lowering.words(Pointee::Type(local.ty), span)?;
            let base = self.lowering.registers(words, span)?;
            first.get_or_insert(base);
            total += words;
            self.locals.push(base);
        }
        if let Some(dst) = first {
            self.lowering.op(Op::Zero { dst, n: total }, Span::UNDEFINED);
        }
        for (index, (handle, local)) in function.local_variables.iter().enumerate() {
            let Some(init) = local.init else { continue };
            let span = function.local_variables.get_span(handle);
            let value = self.regs(init)?;
            let place = self.local(self.locals[index], local);
            self.store(place, &value, span)?;
        }
        self.block(&function.body)?;
        Ok(self.exit)
    }

    fn local(&mut self, base: Reg, local: &naga::LocalVariable) -> Place {
        let name = self.lowering.name(local.name.as_deref().unwrap_or_default());
        let pointee = Pointee::Type(local.ty);
        Place { root: Root::Local(base), pointee, layout: Layout::Dense, fixed: 0, at: NONE, name }
    }

    /// The place of a local variable.
    pub(super) fn local_place(&mut self, handle: Handle<naga::LocalVariable>) -> Place {
        let base = self.locals[handle.index()];
        let function = self.function;
        self.local(base, &function.local_variables[handle])
    }

    /// The place of a variable of the module.
    pub(super) fn global_place(
        &mut self,
        handle: Handle<naga::GlobalVariable>,
        span: Span,
    ) -> Lowered<Place> {
        let variable = &self.lowering.module.global_variables[handle];
        let Some((root, layout)) = self.lowering.globals.get(&handle).copied() else {
            return Err(self.lowering.refusal("images and samplers", span));
        };
        let name = self.lowering.name(variable.name.as_deref().unwrap_or_default());
        Ok(Place { root, pointee: Pointee::Type(variable.ty), layout, fixed: 0, at: NONE, name })
    }

    pub(super) fn span(&self, expression: Handle<Expression>) -> Span {
        self.function.expressions.get_span(expression)
    }

    pub(super) fn inner(&self, expression: Handle<Expression>) -> &'m TypeInner {
        self.info[expression].ty.inner_with(&self.lowering.module.types)
    }

    /// Calls a function, and leaves its result in fresh registers.
    pub(super) fn call(
        &mut self,
        handle: Handle<naga::Function>,
        arguments: &[Handle<Expression>],
        result: Option<Handle<Expression>>,
        span: Span,
    ) -> Lowered<()> {
        let module = self.lowering.module;
        let callee = &module.functions[handle];
        let given = arguments.iter().map(|argument| self.value(*argument)).collect::<Lowered<Vec<_>>>()?;
        let host = callee.name.as_deref().and_then(|name| self.lowering.provided(name));
        if let Some(number) = host {
            return self.call_host(number, &given, result, span);
        }
        if self.lowering.sites.get(&handle) == Some(&1) && self.lowering.depth < MAX_DEPTH {
            return self.inline(handle, given, result);
        }
        let target = self.lowering.callee(handle, &given)?;
        for (given, own) in given.iter().zip(&target.arguments) {
            match (given, own) {
                (Value::Regs(given), Value::Regs(own)) if given != own => self.copy(own, given, span),
                (Value::Place(given), Value::Place(own)) if own.at != given.at => {
                    self.lowering.op(Op::Copy { dst: own.at, src: given.at, n: 1 }, span);
                }
                _ => {}
            }
        }
        self.lowering.op(Op::Call { to: target.number }, span);
        if let (Some(result), Some(regs)) = (result, &target.result) {
            let base = self.lowering.registers(regs.len() as u32, span)?;
            let fresh: Regs = (base..base + regs.len() as u32).collect();
            self.copy(&fresh, regs, span);
            self.values[result.index()] = Some(Value::Regs(fresh));
        }
        Ok(())
    }

    /// The code of a function that one statement alone calls stands there: it reads its arguments where they are, and its result
    /// is read where it is.
    fn inline(
        &mut self,
        handle: Handle<naga::Function>,
        given: Vec<Value>,
        result: Option<Handle<Expression>>,
    ) -> Lowered<()> {
        let (module, infos) = (self.lowering.module, self.lowering.info);
        let callee = &module.functions[handle];
        let regs = self.lowering.result_of(callee)?;
        self.lowering.depth += 1;
        let inner = Function::new(&mut *self.lowering, callee, &infos[handle], given, regs.clone());
        if let Exit::Jump(ends) = inner.exit(Exit::Jump(Vec::new())).body()? {
            self.land(&ends);
        }
        self.lowering.depth -= 1;
        if let (Some(result), Some(regs)) = (result, regs) {
            self.values[result.index()] = Some(Value::Regs(regs));
        }
        Ok(())
    }

    /// The host's functions see their arguments, and what pointers point to, one behind the other, then the result.
    fn call_host(
        &mut self,
        function: u32,
        given: &[Value],
        result: Option<Handle<Expression>>,
        span: Span,
    ) -> Lowered<()> {
        let mut parts = Vec::new();
        for value in given {
            parts.push(match value {
                Value::Regs(regs) => regs.clone(),
                Value::Place(place) => self.load(*place, span)?,
            });
        }
        let results = match result {
            Some(result) => self.lowering.words(self.pointee_of(result, span)?, span)?,
            None => 0,
        };
        let n = parts.iter().map(|part| part.len() as u32).sum::<u32>() + results;
        let window = self.lowering.registers(n, span)?;
        let mut at = window;
        for part in &parts {
            let own: Regs = (at..at + part.len() as u32).collect();
            self.copy(&own, part, span);
            at += part.len() as u32;
        }
        self.lowering.op(Op::Host { function, window, n }, span);
        let mut at = window;
        for (value, part) in given.iter().zip(&parts) {
            let own: Regs = (at..at + part.len() as u32).collect();
            if let Value::Place(place) = value {
                self.store(*place, &own, span)?;
            }
            at += part.len() as u32;
        }
        if let Some(result) = result {
            // The window is this call's own; a loop comes back to it only after the result has been used.
            self.values[result.index()] = Some(Value::Regs((at..at + results).collect()));
        }
        Ok(())
    }

    /// Copies registers, runs of them at once.
    pub(super) fn copy(&mut self, to: &[Reg], from: &[Reg], span: Span) {
        let mut first = 0;
        while first < to.len() {
            let run = (1..to.len() - first)
                .take_while(|i| {
                    to[first + i] == to[first] + *i as u32 && from[first + i] == from[first] + *i as u32
                })
                .count() as u32
                + 1;
            self.lowering.op(Op::Copy { dst: to[first], src: from[first], n: run }, span);
            first += run as usize;
        }
    }
}

impl Lowering<'_> {
    fn provided(&self, name: &str) -> Option<u32> {
        self.provided.iter().find(|(provided, _)| *provided == name).map(|(_, number)| *number)
    }

    /// The code of a function whose pointers point as those of `given`.
    fn callee(&mut self, handle: Handle<naga::Function>, given: &[Value]) -> Lowered<std::rc::Rc<Callee>> {
        let key: Vec<String> = given
            .iter()
            .filter_map(|value| match value {
                Value::Regs(_) => None,
                Value::Place(place) => Some(format!("{:?} {} {}", place.root, place.fixed, place.at != NONE)),
            })
            .collect();
        let key = (handle, key);
        if let Some(callee) = self.callees.get(&key) {
            return Ok(callee.clone());
        }
        let function = &self.module.functions[handle];
        let mut arguments = Vec::new();
        for value in given {
            arguments.push(match value {
                Value::Regs(regs) => {
                    let base = self.registers(regs.len() as u32, Span::UNDEFINED)?;
                    Value::Regs((base..base + regs.len() as u32).collect())
                }
                Value::Place(place) if place.at == NONE => Value::Place(*place),
                Value::Place(place) => {
                    Value::Place(Place { at: self.registers(1, Span::UNDEFINED)?, ..*place })
                }
            });
        }
        let result = self.result_of(function)?;
        let number = self.callees.len() as u32;
        let callee =
            std::rc::Rc::new(Callee { number, function: handle, arguments, result, start: Cell::new(0) });
        self.callees.insert(key, callee.clone());
        self.waiting.push(callee.clone());
        Ok(callee)
    }
}
