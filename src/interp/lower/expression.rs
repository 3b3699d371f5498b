//! Expressions. Composites are lists of registers: composing, splatting, swizzling and taking components cost nothing.

use naga::{BinaryOperator, Expression, Handle, ScalarKind, Span, TypeInner, UnaryOperator};

use super::function::Function;
use super::place::Place;
use super::{Lowered, Regs};
use crate::interp::arith::ScalarOp;
use crate::interp::code::{IndexSite, Limit, NONE, Op, Reg};
use crate::interp::layout::{Pointee, Shape};

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Its scalars.
    Regs(Regs),
    /// A pointer.
    Place(Place),
}

impl Function<'_, '_> {
    /// Lowers an expression where its statement stands.
    pub(super) fn emit(&mut self, handle: Handle<Expression>) -> Lowered<()> {
        let value = self.lower(handle)?;
        self.values[handle.index()] = Some(value);
        Ok(())
    }

    /// The value of an expression, which has been emitted unless it needs no operation.
    pub(super) fn value(&mut self, handle: Handle<Expression>) -> Lowered<Value> {
        if let Some(value) = &self.values[handle.index()] {
            return Ok(value.clone());
        }
        let value = self.lower(handle)?;
        self.values[handle.index()] = Some(value.clone());
        Ok(value)
    }

    /// What a value's type is made of.
    pub(super) fn pointee_of(&self, handle: Handle<Expression>, span: Span) -> Lowered<Pointee> {
        if let Some(ty) = self.info[handle].ty.handle() {
            return Ok(Pointee::Type(ty));
        }
        match self.inner(handle) {
            TypeInner::Scalar(scalar) => Ok(Pointee::Scalar(*scalar)),
            TypeInner::Vector { size, scalar } => Ok(Pointee::Vector(*size, *scalar)),
            TypeInner::Matrix { columns, rows, scalar } => Ok(Pointee::Matrix(*columns, *rows, *scalar)),
            _ => Err(self.lowering.refusal("values of this type", span)),
        }
    }

    /// Kind of the scalars of a number, vector or matrix.
    pub(super) fn kind(&self, handle: Handle<Expression>) -> Lowered<ScalarKind> {
        match self.inner(handle) {
            TypeInner::Scalar(scalar)
            | TypeInner::Vector { scalar, .. }
            | TypeInner::Matrix { scalar, .. }
                if crate::interp::layout::plain(*scalar) =>
            {
                Ok(scalar.kind)
            }
            _ => Err(self.lowering.refusal("numbers of other than 32 bits", self.span(handle))),
        }
    }

    fn lower(&mut self, handle: Handle<Expression>) -> Lowered<Value> {
        let span = self.span(handle);
        let function = self.function;
        let regs = match &function.expressions[handle] {
            Expression::Literal(literal) => self.lowering.literal(*literal, span)?,
            Expression::Constant(constant) => self.lowering.named_constant(*constant)?,
            Expression::ZeroValue(ty) => self.lowering.zero(Pointee::Type(*ty), span)?,
            Expression::FunctionArgument(index) => return Ok(self.arguments[*index as usize].clone()),
            Expression::GlobalVariable(variable) => {
                return self.global_place(*variable, span).map(Value::Place);
            }
            Expression::LocalVariable(variable) => return Ok(Value::Place(self.local_place(*variable))),
            Expression::Compose { components, .. } => {
                let mut regs = Vec::new();
                for component in components {
                    regs.extend_from_slice(&self.regs(*component)?);
                }
                regs.into()
            }
            Expression::Splat { size, value } => self.regs(*value)?.repeat(*size as usize).into(),
            Expression::Swizzle { size, vector, pattern } => {
                let vector = self.regs(*vector)?;
                pattern[..*size as usize].iter().map(|component| vector[*component as usize]).collect()
            }
            Expression::AccessIndex { base, index } => match self.value(*base)? {
                Value::Place(place) => return self.part(place, *index, span).map(Value::Place),
                Value::Regs(regs) => self.component(*base, &regs, *index, span)?,
            },
            Expression::Access { base, index } => {
                let (signed, register) = (self.is_signed(*index), self.regs(*index)?[0]);
                match self.value(*base)? {
                    Value::Place(place) => {
                        return self.indexed(place, register, signed, span).map(Value::Place);
                    }
                    Value::Regs(regs) => self.element(*base, &regs, register, signed, span)?,
                }
            }
            Expression::Load { pointer } => {
                let place = self.place(*pointer)?;
                self.load(place, span)?
            }
            Expression::Unary { op, expr } => {
                let code = match (op, self.kind(*expr)?) {
                    (UnaryOperator::Negate, ScalarKind::Float) => ScalarOp::NegF,
                    (UnaryOperator::Negate, _) => ScalarOp::NegI,
                    (UnaryOperator::LogicalNot, _) => ScalarOp::LogicalNot,
                    (UnaryOperator::BitwiseNot, _) => ScalarOp::Not,
                };
                let regs = self.regs(*expr)?;
                self.each(code, &[&regs], span)?
            }
            Expression::Binary { op, left, right } => self.binary(*op, *left, *right, span)?,
            Expression::Select { condition, accept, reject } => {
                let parts = [self.regs(*condition)?, self.regs(*reject)?, self.regs(*accept)?];
                self.each(ScalarOp::Select, &[&parts[0], &parts[1], &parts[2]], span)?
            }
            Expression::Relational { fun, argument } => {
                let regs = self.regs(*argument)?;
                match fun {
                    naga::RelationalFunction::All => self.fold(ScalarOp::And, &regs, span)?,
                    naga::RelationalFunction::Any => self.fold(ScalarOp::Or, &regs, span)?,
                    naga::RelationalFunction::IsNan => self.each(ScalarOp::IsNan, &[&regs], span)?,
                    naga::RelationalFunction::IsInf => self.each(ScalarOp::IsInf, &[&regs], span)?,
                }
            }
            Expression::Math { fun, arg, arg1, arg2, arg3 } => {
                let arguments: Vec<_> = [Some(*arg), *arg1, *arg2, *arg3].into_iter().flatten().collect();
                self.math(*fun, &arguments, span)?
            }
            Expression::As { expr, kind, convert } => self.converted(*expr, *kind, *convert, span)?,
            Expression::ArrayLength(array) => {
                let place = self.place(*array)?;
                let stride = place.pointee.stride(self.lowering.module, place.layout);
                let (super::place::Root::Slot(slot), Some(stride)) = (place.root, stride) else {
                    return Err(self.lowering.refusal("the length of this", span));
                };
                let dst = self.lowering.registers(1, span)?;
                let (fixed, stride) = (place.fixed, stride as u32);
                self.lowering.op(Op::Length { dst, slot, fixed, stride }, span);
                [dst].into()
            }
            Expression::Override(_) => {
                return Err(self.lowering.refusal("overrides that have no value", span));
            }
            other => {
                let name = format!("{other:?}");
                let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
                return Err(self.lowering.refusal(format!("the expression {name}"), span));
            }
        };
        Ok(Value::Regs(regs))
    }

    /// A part of a value that is known beforehand.
    fn component(&mut self, base: Handle<Expression>, regs: &[Reg], index: u32, span: Span) -> Lowered<Regs> {
        let module = self.lowering.module;
        let whole = self.whole(base, span)?;
        let range = match whole.shape(module) {
            Some(Shape::Repeated { part, .. }) => {
                let words = self.lowering.words(part, span)? as usize;
                words * index as usize..words * (index as usize + 1)
            }
            Some(Shape::Members(_)) => {
                let member = whole.member(module, crate::interp::layout::Layout::Dense, index);
                let (at, part) = member.ok_or_else(|| self.lowering.refusal("this member", span))?;
                at as usize..at as usize + self.lowering.words(part, span)? as usize
            }
            _ => return Err(self.lowering.refusal("components of this value", span)),
        };
        Ok(regs[range].into())
    }

    /// The type of a composite value. Matrices that only an expression has are those of the module's types.
    fn whole(&self, base: Handle<Expression>, span: Span) -> Lowered<Pointee> {
        let inner = self.inner(base);
        match self.pointee_of(base, span) {
            Ok(pointee) => Ok(pointee),
            Err(refusal) => {
                let found = self.lowering.module.types.iter().find(|(_, ty)| ty.inner == *inner);
                found.map(|(handle, _)| Pointee::Type(handle)).ok_or(refusal)
            }
        }
    }

    /// A part of a value whose index is in a register.
    fn element(
        &mut self,
        base: Handle<Expression>,
        regs: &[Reg],
        index: Reg,
        signed: bool,
        span: Span,
    ) -> Lowered<Regs> {
        let whole = self.whole(base, span)?;
        let Some(Shape::Repeated { part, count: Some(count) }) = whole.shape(self.lowering.module) else {
            return Err(self.lowering.refusal("an index of this value", span));
        };
        let stride = self.lowering.words(part, span)?;
        let together = regs.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
        let start = match together {
            true => regs[0],
            false => {
                let start = self.lowering.registers(regs.len() as u32, span)?;
                let block: Vec<Reg> = (start..start + regs.len() as u32).collect();
                self.copy(&block, regs, span);
                start
            }
        };
        self.lowering.program.indexed.push((start, regs.len() as u32));
        let site = IndexSite { limit: Limit::Fixed(count), stride, variable: NONE, signed, value: true };
        let at = self.index_op(site, index, NONE, span)?;
        let dst = self.lowering.registers(stride, span)?;
        self.lowering.op(Op::LoadLocal { dst, base: start, at, n: stride }, span);
        Ok((dst..dst + stride).collect())
    }

    fn binary(
        &mut self,
        op: BinaryOperator,
        left: Handle<Expression>,
        right: Handle<Expression>,
        span: Span,
    ) -> Lowered<Regs> {
        use BinaryOperator as B;
        use ScalarKind::{Bool, Float, Sint};
        let kind = self.kind(left)?;
        let (a, b) = (self.regs(left)?, self.regs(right)?);
        if op == B::Multiply
            && let Some(product) = self.matrix_product(left, right, (&a, &b), span)?
        {
            return Ok(product);
        }
        let pick = |float, int, uint| match kind {
            Float => float,
            Sint => int,
            _ => uint,
        };
        let code = match op {
            B::Add => pick(ScalarOp::AddF, ScalarOp::AddI, ScalarOp::AddU),
            B::Subtract => pick(ScalarOp::SubF, ScalarOp::SubI, ScalarOp::SubU),
            B::Multiply => pick(ScalarOp::MulF, ScalarOp::MulI, ScalarOp::MulU),
            B::Divide => pick(ScalarOp::DivF, ScalarOp::DivI, ScalarOp::DivU),
            B::Modulo => pick(ScalarOp::RemF, ScalarOp::RemI, ScalarOp::RemU),
            B::Equal => pick(ScalarOp::EqF, ScalarOp::Eq, ScalarOp::Eq),
            B::NotEqual => pick(ScalarOp::NeF, ScalarOp::Ne, ScalarOp::Ne),
            B::Less | B::Greater => pick(ScalarOp::LtF, ScalarOp::LtI, ScalarOp::LtU),
            B::LessEqual | B::GreaterEqual => pick(ScalarOp::LeF, ScalarOp::LeI, ScalarOp::LeU),
            B::And | B::LogicalAnd => ScalarOp::And,
            B::ExclusiveOr => ScalarOp::Xor,
            B::InclusiveOr | B::LogicalOr => ScalarOp::Or,
            B::ShiftLeft => ScalarOp::Shl,
            B::ShiftRight => pick(ScalarOp::ShrU, ScalarOp::ShrI, ScalarOp::ShrU),
        };
        debug_assert!(kind != Bool || !matches!(op, B::Add | B::Subtract));
        match op {
            B::Greater | B::GreaterEqual => self.each(code, &[&b, &a], span),
            _ => self.each(code, &[&a, &b], span),
        }
    }

    /// The product with a matrix; nothing if neither side is one, or the other is a scalar.
    fn matrix_product(
        &mut self,
        left: Handle<Expression>,
        right: Handle<Expression>,
        (a, b): (&[Reg], &[Reg]),
        span: Span,
    ) -> Lowered<Option<Regs>> {
        let (rows, inner, columns) = match (self.inner(left), self.inner(right)) {
            (TypeInner::Matrix { rows, columns: inner, .. }, TypeInner::Matrix { columns, .. }) => {
                (*rows as usize, *inner as usize, *columns as usize)
            }
            (TypeInner::Matrix { rows, columns, .. }, TypeInner::Vector { .. }) => {
                (*rows as usize, *columns as usize, 1)
            }
            (TypeInner::Vector { size, .. }, TypeInner::Matrix { columns, .. }) => {
                (1, *size as usize, *columns as usize)
            }
            _ => return Ok(None),
        };
        let mut product = Vec::new();
        for column in 0..columns {
            for row in 0..rows {
                let terms = (0..inner).map(|k| [a[k * rows + row], b[column * inner + k]]);
                let terms: Vec<[Reg; 2]> = terms.collect();
                product.push(self.sum_of_products(&terms, ScalarOp::MulF, ScalarOp::AddF, span)?);
            }
        }
        Ok(Some(product.into()))
    }

    /// `x0 y0 + x1 y1 + ...`, from the left.
    pub(super) fn sum_of_products(
        &mut self,
        terms: &[[Reg; 2]],
        times: ScalarOp,
        plus: ScalarOp,
        span: Span,
    ) -> Lowered<Reg> {
        let mut sum = None;
        for term in terms {
            let product = self.scalar(times, term, span)?;
            sum = Some(match sum {
                None => product,
                Some(sum) => self.scalar(plus, &[sum, product], span)?,
            });
        }
        sum.map_or_else(|| self.lowering.constant(0), Ok)
    }

    fn converted(
        &mut self,
        from: Handle<Expression>,
        to: ScalarKind,
        convert: Option<u8>,
        span: Span,
    ) -> Lowered<Regs> {
        use ScalarKind::{Bool, Float, Sint, Uint};
        let (regs, kind) = (self.regs(from)?, self.kind(from)?);
        let code = match (convert, kind, to) {
            (None, _, _) => return Ok(regs),
            (Some(width), _, _) if width != 4 && to != Bool => {
                return Err(self.lowering.refusal("numbers of other than 32 bits", span));
            }
            (_, Float, Float) | (_, Sint, Sint) | (_, Uint, Uint) | (_, Bool, Bool) => return Ok(regs),
            (_, Sint, Uint) | (_, Uint, Sint) | (_, Bool, Uint | Sint) => return Ok(regs),
            (_, Sint, Float) => ScalarOp::FloatOfI,
            (_, Uint, Float) => ScalarOp::FloatOfU,
            (_, Bool, Float) => ScalarOp::FloatOfBool,
            (_, Float, Sint) => ScalarOp::IntOfF,
            (_, Float, Uint) => ScalarOp::UintOfF,
            (_, Float, Bool) => ScalarOp::BoolOfF,
            (_, _, Bool) => ScalarOp::BoolOf,
            _ => return Err(self.lowering.refusal("this conversion", span)),
        };
        self.each(code, &[&regs], span)
    }

    /// One operation.
    pub(super) fn scalar(&mut self, code: ScalarOp, operands: &[Reg], span: Span) -> Lowered<Reg> {
        let dst = self.lowering.registers(1, span)?;
        let operand = |index: usize| operands.get(index).copied().unwrap_or(0);
        self.lowering.op(Op::Scalar { code, dst, a: operand(0), b: operand(1), c: operand(2) }, span);
        Ok(dst)
    }

    /// The same for every component; an operand of one goes with each.
    pub(super) fn each(&mut self, code: ScalarOp, operands: &[&[Reg]], span: Span) -> Lowered<Regs> {
        let n = operands.iter().map(|operand| operand.len()).max().unwrap_or(0);
        let first = self.lowering.registers(n as u32, span)?;
        for index in 0..n {
            let of = |which: usize| match operands.get(which) {
                Some([one]) => *one,
                Some(many) => many[index],
                None => 0,
            };
            let dst = first + index as u32;
            self.lowering.op(Op::Scalar { code, dst, a: of(0), b: of(1), c: of(2) }, span);
        }
        Ok((first..first + n as u32).collect())
    }

    /// All components by one operation, from the left.
    pub(super) fn fold(&mut self, code: ScalarOp, regs: &[Reg], span: Span) -> Lowered<Regs> {
        let mut all = regs[0];
        for reg in &regs[1..] {
            all = self.scalar(code, &[all, *reg], span)?;
        }
        Ok([all].into())
    }
}
