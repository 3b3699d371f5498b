//! The values of expressions of a run.

use naga::{BinaryOperator, Expression, Handle};

use super::machine::{Machine, Run, Stop, constant, is_vector, truth, unknown};
use super::value::{Pointer, Range, Scalar, Value};
use super::{functions, operators};

impl Machine<'_> {
    /// The value of an expression: as it was when it was emitted, or one that needs no time of its own.
    pub(super) fn value(&mut self, handle: Handle<Expression>) -> Run<Value> {
        match self.frame().values.get(handle.index()) {
            Some(Some(value)) => Ok(value.clone()),
            _ => self.evaluate(handle),
        }
    }

    fn scalar(&mut self, handle: Handle<Expression>) -> Run<Scalar> {
        match self.value(handle)? {
            Value::Scalar(scalar) => Ok(scalar),
            _ => unknown("a number was expected"),
        }
    }

    pub(super) fn evaluate(&mut self, handle: Handle<Expression>) -> Run<Value> {
        let frame = self.frames.len() - 1;
        let function = self.frames[frame].function;
        match &function.expressions[handle] {
            Expression::FunctionArgument(index) => {
                let argument = self.frames[frame].arguments.get(*index as usize).cloned();
                argument.ok_or(Stop::Unknown("an argument that was not given".into()))
            }
            Expression::LocalVariable(local) => {
                Ok(Value::Pointer(Pointer { frame: Some(frame), variable: local.index(), path: vec![] }))
            }
            Expression::GlobalVariable(global) => {
                Ok(Value::Pointer(Pointer { frame: None, variable: global.index(), path: vec![] }))
            }
            Expression::Load { pointer } => match self.value(*pointer)? {
                Value::Pointer(pointer) => self.load(&pointer),
                _ => unknown("a load from something that is no place"),
            },
            Expression::Access { base, index } => {
                let index = self.scalar(*index)?;
                match index.word() {
                    Some(index) => self.part(*base, index as usize),
                    None => self.same_parts(*base, index),
                }
            }
            Expression::AccessIndex { base, index } => self.part(*base, *index as usize),
            Expression::Compose { components, .. }
                if is_vector(self.module, &function.expressions[handle]) =>
            {
                let mut parts = Vec::new();
                for component in components {
                    match self.value(*component)? {
                        Value::Many(inner) => parts.extend(inner),
                        other => parts.push(other),
                    }
                }
                Ok(Value::Many(parts))
            }
            Expression::Compose { components, .. } => {
                let parts: Run<Vec<Value>> = components.iter().map(|part| self.value(*part)).collect();
                Ok(Value::Many(parts?))
            }
            Expression::Splat { size, value } => {
                let value = self.value(*value)?;
                Ok(Value::Many(vec![value; *size as usize]))
            }
            Expression::Swizzle { size, vector, pattern } => {
                let Value::Many(parts) = self.value(*vector)? else {
                    return unknown("a swizzle of no vector");
                };
                let part = |i: usize| parts.get(pattern[i] as usize).cloned();
                let parts: Option<Vec<Value>> = (0..*size as usize).map(part).collect();
                parts.map(Value::Many).ok_or(Stop::Unknown("a swizzle beyond its vector".into()))
            }
            Expression::Unary { op, expr } => {
                let value = self.value(*expr)?;
                each(&[&value], &mut |args| operators::unary(*op, args[0]))
            }
            Expression::Binary { op, left, right } => {
                let (left, right) = (self.value(*left)?, self.value(*right)?);
                self.remainder(*op, &left, &right)?.map_or_else(
                    || each(&[&left, &right], &mut |args| operators::binary(*op, args[0], args[1])),
                    Ok,
                )
            }
            Expression::Select { condition, accept, reject } => self.select(*condition, *accept, *reject),
            Expression::Relational { fun, argument } => {
                let Value::Many(parts) = self.value(*argument)? else { return self.value(*argument) };
                let all = *fun == naga::RelationalFunction::All;
                let op = if all { BinaryOperator::LogicalAnd } else { BinaryOperator::LogicalOr };
                let mut result = Value::Scalar(Scalar::truth(all));
                for part in &parts {
                    result = each(&[&result, part], &mut |args| operators::binary(op, args[0], args[1]))?;
                }
                Ok(result)
            }
            Expression::Math { fun, arg, arg1, arg2, arg3 } => {
                let mut args = vec![self.value(*arg)?];
                for more in [arg1, arg2, arg3].into_iter().flatten() {
                    args.push(self.value(*more)?);
                }
                let args: Vec<&Value> = args.iter().collect();
                match fun {
                    naga::MathFunction::Dot => dot(args[0], args[1]),
                    _ => each(&args, &mut |args| functions::math(*fun, args)),
                }
            }
            Expression::As { expr, kind, convert } => {
                let value = self.value(*expr)?;
                each(&[&value], &mut |args| functions::cast(args[0], *kind, convert.is_some()))
            }
            other => self.constant(other),
        }
    }

    /// An expression that needs no function around it.
    fn constant(&self, expression: &Expression) -> Run<Value> {
        match expression {
            Expression::Constant(constant) => {
                let value = self.constants.get(constant.index()).cloned().flatten();
                value.ok_or(Stop::Unknown("a constant that is not understood".into()))
            }
            other => constant(self.module, other).ok_or(Stop::Unknown(format!("the expression {other:?}"))),
        }
    }

    /// A part of a value or place.
    fn part(&mut self, base: Handle<Expression>, index: usize) -> Run<Value> {
        // A whole array is not copied for one element.
        let frame = self.frames.len() - 1;
        let function = self.frames[frame].function;
        let whole = match &function.expressions[base] {
            Expression::Constant(constant) => self.constants.get(constant.index()),
            _ => self.frames[frame].values.get(base.index()),
        };
        let found = match whole {
            Some(Some(Value::Many(parts))) => Some(parts.get(index).cloned()),
            _ => None,
        };
        let part = match found {
            Some(part) => part,
            None => match self.value(base)? {
                Value::Many(parts) => parts.get(index).cloned(),
                Value::Pointer(mut pointer) => {
                    pointer.path.push(index);
                    Some(Value::Pointer(pointer))
                }
                Value::Scalar(_) => None,
            },
        };
        part.ok_or(Stop::Unknown(format!("index {index} beyond its array")))
    }

    /// A part of which only bounds of its index are known: fine where all that it may be are equal.
    fn same_parts(&mut self, base: Handle<Expression>, index: Scalar) -> Run<Value> {
        let stop = Err(Stop::Split(index.from));
        let (Range::Uint(low, high) | Range::Int(low, high)) = index.range else { return stop };
        let Value::Many(parts) = self.value(base)? else { return stop };
        let (Ok(low), Ok(high)) = (usize::try_from(low), usize::try_from(high)) else { return stop };
        match parts.get(low..=high) {
            Some([first, rest @ ..]) if rest.iter().all(|part| part == first) => Ok(first.clone()),
            _ => stop,
        }
    }

    /// A random number, as drawn, modulo a known number.
    fn remainder(&self, op: BinaryOperator, left: &Value, right: &Value) -> Run<Option<Value>> {
        let (Value::Scalar(left), Value::Scalar(right)) = (left, right) else { return Ok(None) };
        let (Some(draw), Some(word)) = (left.draw, right.word()) else { return Ok(None) };
        let divisor = match op {
            BinaryOperator::Modulo => word,
            BinaryOperator::And if (u64::from(word) + 1).is_power_of_two() => word.wrapping_add(1),
            _ => return Ok(None),
        };
        let axis = self.draws[draw];
        match divisor {
            0 | 1 => Ok(None),
            _ if axis.low == axis.high || axis.low / divisor == axis.high / divisor => Ok(None),
            _ if axis.divisor.is_multiple_of(divisor) => {
                Ok(Some(Value::Scalar(Scalar::uint(axis.rest % divisor))))
            }
            _ => Err(Stop::Divide { draw, divisor }),
        }
    }

    fn select(
        &mut self,
        condition: Handle<Expression>,
        accept: Handle<Expression>,
        reject: Handle<Expression>,
    ) -> Run<Value> {
        let (condition, accept, reject) = (self.value(condition)?, self.value(accept)?, self.value(reject)?);
        if accept == reject {
            return Ok(accept);
        }
        match (&condition, &accept, &reject) {
            (Value::Many(conditions), Value::Many(accept), Value::Many(reject)) => {
                let mut parts = Vec::new();
                for (condition, (accept, reject)) in conditions.iter().zip(accept.iter().zip(reject)) {
                    parts.push(if truth(condition)? { accept.clone() } else { reject.clone() });
                }
                Ok(Value::Many(parts))
            }
            _ => Ok(if truth(&condition)? { accept } else { reject }),
        }
    }
}

/// Applies a function of scalars to each component; numbers stand for vectors of themselves.
fn each(args: &[&Value], f: &mut impl FnMut(&[Scalar]) -> Option<Scalar>) -> Run<Value> {
    let width =
        args.iter().find_map(|arg| if let Value::Many(parts) = arg { Some(parts.len()) } else { None });
    let apply = |component: usize, f: &mut dyn FnMut(&[Scalar]) -> Option<Scalar>| {
        let mut scalars = Vec::new();
        for arg in args {
            match arg {
                Value::Scalar(scalar) => scalars.push(*scalar),
                Value::Many(parts) => match parts.get(component) {
                    Some(Value::Scalar(scalar)) => scalars.push(*scalar),
                    _ => return unknown("an operand that is no vector of numbers"),
                },
                Value::Pointer(_) => return unknown("an operand that is a place"),
            }
        }
        match f(&scalars) {
            Some(scalar) => Ok(Value::Scalar(scalar)),
            None => unknown("an operator without bounds"),
        }
    };
    match width {
        None => apply(0, f),
        Some(width) => {
            let parts: Run<Vec<Value>> = (0..width).map(|component| apply(component, f)).collect();
            Ok(Value::Many(parts?))
        }
    }
}

fn dot(a: &Value, b: &Value) -> Run<Value> {
    let products = each(&[a, b], &mut |args| operators::binary(BinaryOperator::Multiply, args[0], args[1]))?;
    let Value::Many(products) = products else { return unknown("a product of no vectors") };
    let mut products = products.into_iter();
    let Some(mut sum) = products.next() else { return unknown("a product of no vectors") };
    for product in products {
        sum = each(&[&sum, &product], &mut |args| operators::binary(BinaryOperator::Add, args[0], args[1]))?;
    }
    Ok(sum)
}
