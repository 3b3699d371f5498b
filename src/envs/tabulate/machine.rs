//! Executes `step` and `reset` of an environment on random numbers that are known only within bounds, from naga's form of
//! the composed text: whatever does not depend on where in its bounds a number lies is known afterwards.
//!
//! Where it does, the run stops and says which random numbers have to be known better.

use naga::{Block, Expression, Function, Handle, Literal, Module, Statement, TypeInner};

use super::boxes::Axis;
use super::memory::{at, from_words, set, zero};
use super::value::{DRAWS, HIDDEN, Pointer, Range, Scalar, Value};

/// Statements and expressions of one run.
const FUEL: u32 = 4_000_000;

/// Why a run gave no result.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// It depends on where these random numbers lie, bits as in [`Scalar::from`].
    Split(u32),
    /// It depends on random number `draw` modulo `divisor`.
    Divide {
        /// Which random number.
        draw: usize,
        /// The divisor.
        divisor: u32,
    },
    /// Something that is not understood here.
    Unknown(String),
}

/// Result of a part of a run.
pub type Run<T> = Result<T, Stop>;

/// How a block ended.
enum Flow {
    Next,
    Break,
    Continue,
    Return(Option<Value>),
}

#[derive(Clone)]
pub(super) struct Frame<'a> {
    pub(super) function: &'a Function,
    pub(super) arguments: Vec<Value>,
    pub(super) values: Vec<Option<Value>>,
    pub(super) locals: Vec<Value>,
}

/// One run of one function.
pub struct Machine<'a> {
    pub(super) module: &'a Module,
    pub(super) constants: &'a [Option<Value>],
    pub(super) draws: &'a [Axis; DRAWS],
    globals: Vec<Value>,
    pub(super) frames: Vec<Frame<'a>>,
    fuel: u32,
}

pub(super) fn unknown<T>(what: impl Into<String>) -> Run<T> {
    Err(Stop::Unknown(what.into()))
}

pub(super) fn is_vector(module: &Module, expression: &Expression) -> bool {
    let Expression::Compose { ty, .. } = expression else { return false };
    matches!(module.types[*ty].inner, TypeInner::Vector { .. })
}

/// The value of a constant expression of the module.
pub fn constant(module: &Module, expression: &Expression) -> Option<Value> {
    let part = |handle: &Handle<Expression>| constant(module, &module.global_expressions[*handle]);
    Some(match expression {
        Expression::Literal(Literal::F32(value)) => Value::Scalar(Scalar::float(*value)),
        Expression::Literal(Literal::U32(value)) => Value::Scalar(Scalar::uint(*value)),
        Expression::Literal(Literal::I32(value)) => Value::Scalar(Scalar::int(*value)),
        Expression::Literal(Literal::Bool(value)) => Value::Scalar(Scalar::truth(*value)),
        Expression::ZeroValue(ty) => zero(module, *ty)?,
        Expression::Constant(other) => part(&module.constants[*other].init)?,
        Expression::Compose { components, .. } => {
            let mut parts = Vec::new();
            for component in components {
                match part(component)? {
                    Value::Many(inner) if is_vector(module, expression) => parts.extend(inner),
                    whole => parts.push(whole),
                }
            }
            Value::Many(parts)
        }
        Expression::Splat { size, value } => Value::Many(vec![part(value)?; *size as usize]),
        _ => return None,
    })
}

/// Whether a condition holds.
pub(super) fn truth(value: &Value) -> Run<bool> {
    match value {
        Value::Scalar(Scalar { range: Range::Bool(yes, no), from, .. }) => {
            if yes == no {
                Err(Stop::Split(*from))
            } else {
                Ok(*yes)
            }
        }
        _ => unknown("a condition that is no truth value"),
    }
}

/// The bits that a case of a switch is for.
fn label(case: &naga::SwitchCase) -> Option<u32> {
    match case.value {
        naga::SwitchValue::I32(value) => Some(value as u32),
        naga::SwitchValue::U32(value) => Some(value),
        naga::SwitchValue::Default => None,
    }
}

impl<'a> Machine<'a> {
    /// A machine with the parameters of the environment; `draws` are what `rng_u32` gives.
    pub fn new(
        module: &'a Module,
        constants: &'a [Option<Value>],
        params: &[u32],
        draws: &'a [Axis; DRAWS],
    ) -> Run<Machine<'a>> {
        let mut globals = Vec::new();
        for (_, variable) in module.global_variables.iter() {
            globals.push(match (variable.space, variable.name.as_deref()) {
                (naga::AddressSpace::Private, Some("env")) => {
                    from_words(module, variable.ty, params).ok_or(Stop::Unknown("EnvParams".into()))?
                }
                (naga::AddressSpace::Private, _) => zero(module, variable.ty).unwrap_or(Value::Many(vec![])),
                // The engine's buffers are no business of an environment.
                _ => Value::Many(vec![]),
            });
        }
        Ok(Machine { module, constants, draws, globals, frames: Vec::new(), fuel: FUEL })
    }

    /// Calls a function, whose pointers point to `variables`; gives the result and what these hold afterwards.
    pub fn call_with(
        &mut self,
        function: Handle<Function>,
        variables: Vec<Value>,
        arguments: Vec<Value>,
    ) -> Run<(Option<Value>, Vec<Value>)> {
        let caller = &self.module.functions[function];
        self.frames.push(Frame { function: caller, arguments: vec![], values: vec![], locals: variables });
        let result = self.call(function, arguments)?;
        let locals = self.frames.pop().map_or(Vec::new(), |frame| frame.locals);
        Ok((result, locals))
    }

    fn call(&mut self, handle: Handle<Function>, arguments: Vec<Value>) -> Run<Option<Value>> {
        let function = &self.module.functions[handle];
        if function.name.as_deref() == Some("rng_u32") {
            return self.draw(&arguments).map(Some);
        }
        let mut locals = Vec::new();
        for (_, local) in function.local_variables.iter() {
            locals.push(match zero(self.module, local.ty) {
                Some(value) => value,
                None => return unknown("a variable of a type that is not understood"),
            });
        }
        let values = vec![None; function.expressions.len()];
        self.frames.push(Frame { function, arguments, values, locals });
        for (index, (_, local)) in function.local_variables.iter().enumerate() {
            if let Some(init) = local.init {
                let value = self.value(init)?;
                self.frame().locals[index] = value;
            }
        }
        let flow = self.block(&function.body)?;
        self.frames.pop();
        Ok(match flow {
            Flow::Return(value) => value,
            _ => None,
        })
    }

    pub(super) fn frame(&mut self) -> &mut Frame<'a> {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn burn(&mut self) -> Run<()> {
        self.fuel = self.fuel.saturating_sub(1);
        if self.fuel == 0 { unknown("more work than one run may do") } else { Ok(()) }
    }

    /// The next random word. Member 4 of `Rng` counts them.
    fn draw(&mut self, arguments: &[Value]) -> Run<Value> {
        let Some(Value::Pointer(rng)) = arguments.first() else { return unknown("rng_u32 without its Rng") };
        let mut counter = rng.clone();
        counter.path.push(4);
        let Value::Scalar(count) = self.load(&counter)? else { return unknown("the counter of Rng") };
        let Some(draw) = count.word() else { return Err(Stop::Split(count.from)) };
        self.store(&counter, Value::Scalar(Scalar::uint(draw.wrapping_add(1))))?;
        let draw = draw as usize;
        Ok(Value::Scalar(match self.draws.get(draw) {
            Some(axis) => Scalar {
                draw: Some(draw),
                ..Scalar::new(Range::Uint(axis.low.into(), axis.high.into()), 1 << draw)
            },
            None => Scalar::uint(0).any(HIDDEN),
        }))
    }

    pub(super) fn load(&self, pointer: &Pointer) -> Run<Value> {
        let variables = match pointer.frame {
            Some(frame) => &self.frames[frame].locals,
            None => &self.globals,
        };
        let found = variables.get(pointer.variable).and_then(|variable| at(variable, &pointer.path));
        found.cloned().ok_or(Stop::Unknown("a place beyond its variable".into()))
    }

    fn store(&mut self, pointer: &Pointer, value: Value) -> Run<()> {
        let variables = match pointer.frame {
            Some(frame) => &mut self.frames[frame].locals,
            None => &mut self.globals,
        };
        let stored = variables.get_mut(pointer.variable).and_then(|place| set(place, &pointer.path, value));
        stored.ok_or(Stop::Unknown("a place beyond its variable".into()))
    }

    fn block(&mut self, block: &'a Block) -> Run<Flow> {
        for statement in block.iter() {
            self.burn()?;
            match self.statement(statement)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &'a Statement) -> Run<Flow> {
        match statement {
            Statement::Emit(range) => {
                for handle in range.clone() {
                    self.burn()?;
                    let value = self.evaluate(handle)?;
                    self.frame().values[handle.index()] = Some(value);
                }
            }
            Statement::Block(block) => return self.block(block),
            Statement::If { condition, accept, reject } => {
                let condition = self.value(*condition)?;
                return match truth(&condition) {
                    Ok(yes) => self.block(if yes { accept } else { reject }),
                    Err(stop) => self.both(accept, reject, stop),
                };
            }
            Statement::Switch { selector, cases } => return self.switch(*selector, cases),
            Statement::Loop { body, continuing, break_if } => loop {
                match self.block(body)? {
                    Flow::Break => break,
                    Flow::Return(value) => return Ok(Flow::Return(value)),
                    Flow::Next | Flow::Continue => {}
                }
                self.block(continuing)?;
                if let Some(condition) = break_if {
                    let condition = self.value(*condition)?;
                    if truth(&condition)? {
                        break;
                    }
                }
            },
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Return { value } => {
                return Ok(Flow::Return(match value {
                    Some(value) => Some(self.value(*value)?),
                    None => None,
                }));
            }
            Statement::Store { pointer, value } => {
                let value = self.value(*value)?;
                match self.value(*pointer)? {
                    Value::Pointer(pointer) => self.store(&pointer, value)?,
                    _ => return unknown("a store to something that is no place"),
                }
            }
            Statement::Call { function, arguments, result } => {
                let arguments: Run<Vec<Value>> =
                    arguments.iter().map(|argument| self.value(*argument)).collect();
                let value = self.call(*function, arguments?)?;
                if let Some(result) = result {
                    self.frame().values[result.index()] = value;
                }
            }
            other => return unknown(format!("the statement {other:?}")),
        }
        Ok(Flow::Next)
    }

    /// Takes both ways of a branch, which may come to the same: `a && b` is such a branch, and a false `b` decides it.
    fn both(&mut self, accept: &'a Block, reject: &'a Block, stop: Stop) -> Run<Flow> {
        let before = (self.globals.clone(), self.frames.clone());
        let Ok(Flow::Next) = self.block(accept) else { return Err(stop) };
        let globals = std::mem::replace(&mut self.globals, before.0);
        let frames = std::mem::replace(&mut self.frames, before.1);
        let Ok(Flow::Next) = self.block(reject) else { return Err(stop) };
        let locals = |frames: &[Frame], others: &[Frame]| {
            frames.iter().zip(others).all(|(frame, other)| frame.locals == other.locals)
        };
        if globals == self.globals && locals(&frames, &self.frames) { Ok(Flow::Next) } else { Err(stop) }
    }

    fn switch(&mut self, selector: Handle<Expression>, cases: &'a [naga::SwitchCase]) -> Run<Flow> {
        let Value::Scalar(selector) = self.value(selector)? else { return unknown("a switch on no number") };
        let default = cases.iter().position(|case| case.value == naga::SwitchValue::Default);
        let chosen = match selector.word() {
            Some(word) => cases.iter().position(|case| label(case) == Some(word)).or(default),
            // Known well enough where no label is possible.
            None if cases.iter().filter_map(label).any(|word| selector.may_be(word)) => {
                return Err(Stop::Split(selector.from));
            }
            None => default,
        };
        let Some(first) = chosen else { return Ok(Flow::Next) };
        for case in &cases[first..] {
            match self.block(&case.body)? {
                Flow::Break => return Ok(Flow::Next),
                Flow::Next if case.fall_through => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }
}
