//! WGSL's builtin functions: one operation per component, or a few where a function mixes components.

use naga::{Expression, Handle, MathFunction, ScalarKind, Span, TypeInner};

use super::function::Function;
use super::{Lowered, Regs};
use crate::interp::arith::ScalarOp;
use crate::interp::code::Reg;

impl Function<'_, '_> {
    pub(super) fn math(
        &mut self,
        function: MathFunction,
        arguments: &[Handle<Expression>],
        span: Span,
    ) -> Lowered<Regs> {
        use MathFunction as M;
        use ScalarOp as S;
        let kind = self.kind(arguments[0])?;
        let regs = arguments.iter().map(|argument| self.regs(*argument)).collect::<Lowered<Vec<_>>>()?;
        let operands: Vec<&[Reg]> = regs.iter().map(|regs| &**regs).collect();
        let pick = |float, int, uint| match kind {
            ScalarKind::Float => float,
            ScalarKind::Sint => int,
            _ => uint,
        };
        let code = match function {
            M::Abs => pick(S::AbsF, S::AbsI, S::Bits),
            M::Min => pick(S::MinF, S::MinI, S::MinU),
            M::Max => pick(S::MaxF, S::MaxI, S::MaxU),
            M::Clamp if kind == ScalarKind::Float => S::ClampF,
            M::Clamp => {
                let raised = self.each(pick(S::MaxF, S::MaxI, S::MaxU), &operands[..2], span)?;
                return self.each(pick(S::MinF, S::MinI, S::MinU), &[&raised, operands[2]], span);
            }
            M::Saturate => S::Saturate,
            M::Cos => S::Cos,
            M::Cosh => S::Cosh,
            M::Sin => S::Sin,
            M::Sinh => S::Sinh,
            M::Tan => S::Tan,
            M::Tanh => S::Tanh,
            M::Acos => S::Acos,
            M::Asin => S::Asin,
            M::Atan => S::Atan,
            M::Atan2 => S::Atan2,
            M::Asinh => S::Asinh,
            M::Acosh => S::Acosh,
            M::Atanh => S::Atanh,
            M::Ceil => S::Ceil,
            M::Floor => S::Floor,
            M::Round => S::Round,
            M::Fract => S::Fract,
            M::Trunc => S::Trunc,
            M::Ldexp => S::Ldexp,
            M::Exp => S::Exp,
            M::Exp2 => S::Exp2,
            M::Log => S::Log,
            M::Log2 => S::Log2,
            M::Pow => S::Pow,
            M::Sign => pick(S::SignF, S::SignI, S::SignI),
            M::Fma => S::Fma,
            M::Step => S::Step,
            M::Sqrt => S::Sqrt,
            M::InverseSqrt => S::InverseSqrt,
            M::QuantizeToF16 => S::QuantizeHalf,
            M::CountTrailingZeros => S::CountTrailing,
            M::CountLeadingZeros => S::CountLeading,
            M::CountOneBits => S::CountOnes,
            M::ReverseBits => S::Reverse,
            M::FirstTrailingBit => S::FirstTrailing,
            M::FirstLeadingBit => pick(S::FirstLeadingU, S::FirstLeadingI, S::FirstLeadingU),
            M::ExtractBits => pick(S::ExtractU, S::ExtractI, S::ExtractU),
            M::Radians | M::Degrees => {
                let one = if function == M::Radians { 1.0f32.to_radians() } else { 1.0f32.to_degrees() };
                let one = [self.lowering.constant(one.to_bits())?];
                return self.each(S::MulF, &[operands[0], &one], span);
            }
            M::Modf | M::Frexp => {
                let (fraction, whole) = match function {
                    M::Modf => {
                        let whole = self.each(S::Trunc, &operands, span)?;
                        (self.each(S::SubF, &[operands[0], &whole], span)?, whole)
                    }
                    _ => {
                        (self.each(S::FrexpFract, &operands, span)?, self.each(S::FrexpExp, &operands, span)?)
                    }
                };
                return Ok([fraction, whole].concat().into());
            }
            M::InsertBits => {
                let mask = self.each(S::Mask, &[operands[2], operands[3]], span)?;
                let moved = self.each(S::Shl, &[operands[1], operands[2]], span)?;
                let new = self.each(S::And, &[&moved, &mask], span)?;
                let others = self.each(S::Not, &[&mask], span)?;
                let old = self.each(S::And, &[operands[0], &others], span)?;
                return self.each(S::Or, &[&old, &new], span);
            }
            M::Dot => {
                let (times, plus) = (pick(S::MulF, S::MulI, S::MulU), pick(S::AddF, S::AddI, S::AddU));
                return Ok([self.dot(operands[0], operands[1], (times, plus), span)?].into());
            }
            M::Length => return Ok([self.length(operands[0], span)?].into()),
            M::Distance => {
                let between = self.each(S::SubF, &operands, span)?;
                return Ok([self.length(&between, span)?].into());
            }
            M::Normalize => {
                let length = [self.length(operands[0], span)?];
                return self.each(S::DivF, &[operands[0], &length], span);
            }
            M::Cross => {
                let (a, b) = (operands[0], operands[1]);
                let mut cross = Vec::new();
                for (i, j) in [(1, 2), (2, 0), (0, 1)] {
                    let [left, right] = [
                        self.scalar(S::MulF, &[a[i], b[j]], span)?,
                        self.scalar(S::MulF, &[a[j], b[i]], span)?,
                    ];
                    cross.push(self.scalar(S::SubF, &[left, right], span)?);
                }
                return Ok(cross.into());
            }
            M::Mix => {
                // e1 * (1 - e3) + e2 * e3, as WGSL states it.
                let one = [self.lowering.constant(1.0f32.to_bits())?];
                let rest = self.each(S::SubF, &[&one, operands[2]], span)?;
                let first = self.each(S::MulF, &[operands[0], &rest], span)?;
                let second = self.each(S::MulF, &[operands[1], operands[2]], span)?;
                return self.each(S::AddF, &[&first, &second], span);
            }
            M::SmoothStep => return self.smoothstep(&operands, span),
            M::Reflect => {
                let dot = [self.dot(operands[1], operands[0], (S::MulF, S::AddF), span)?];
                let twice = self.each(S::AddF, &[&dot, &dot], span)?;
                let moved = self.each(S::MulF, &[&twice, operands[1]], span)?;
                return self.each(S::SubF, &[operands[0], &moved], span);
            }
            M::FaceForward => {
                let dot = self.dot(operands[2], operands[1], (S::MulF, S::AddF), span)?;
                let zero = self.lowering.constant(0)?;
                let same = [self.scalar(S::LtF, &[dot, zero], span)?];
                let turned = self.each(S::NegF, &operands[..1], span)?;
                return self.each(S::Select, &[&same, &turned, operands[0]], span);
            }
            M::Outer => {
                let mut product = Vec::new();
                for right in operands[1] {
                    product.extend_from_slice(&self.each(S::MulF, &[operands[0], &[*right]], span)?);
                }
                return Ok(product.into());
            }
            M::Transpose => {
                let TypeInner::Matrix { columns, rows, .. } = self.inner(arguments[0]) else {
                    return Err(self.lowering.refusal("the transpose of this", span));
                };
                let (columns, rows) = (*columns as usize, *rows as usize);
                let places = (0..rows).flat_map(|row| (0..columns).map(move |column| column * rows + row));
                return Ok(places.map(|place| operands[0][place]).collect());
            }
            M::Determinant => return Ok([self.determinant(operands[0], span)?].into()),
            M::Pack4x8snorm => return self.pack(S::PackSnorm8, 8, operands[0], span),
            M::Pack4x8unorm => return self.pack(S::PackUnorm8, 8, operands[0], span),
            M::Pack2x16snorm => return self.pack(S::PackSnorm16, 16, operands[0], span),
            M::Pack2x16unorm => return self.pack(S::PackUnorm16, 16, operands[0], span),
            M::Pack2x16float => return self.pack(S::HalfBits, 16, operands[0], span),
            M::Pack4xI8Clamp => return self.pack(S::ClampI8, 8, operands[0], span),
            M::Pack4xU8Clamp => return self.pack(S::ClampU8, 8, operands[0], span),
            M::Pack4xI8 | M::Pack4xU8 => {
                let byte = [self.lowering.constant(0xff)?];
                let bytes = self.each(S::And, &[operands[0], &byte], span)?;
                return self.pack(S::Bits, 8, &bytes, span);
            }
            M::Unpack4x8snorm => return self.unpack(S::UnpackSnorm8, 8, operands[0][0], span),
            M::Unpack4x8unorm => return self.unpack(S::UnpackUnorm8, 8, operands[0][0], span),
            M::Unpack2x16snorm => return self.unpack(S::UnpackSnorm16, 16, operands[0][0], span),
            M::Unpack2x16unorm => return self.unpack(S::UnpackUnorm16, 16, operands[0][0], span),
            M::Unpack2x16float => return self.unpack(S::HalfOfLow, 16, operands[0][0], span),
            M::Unpack4xI8 => return self.bytes(S::ExtractI, operands[0][0], span),
            M::Unpack4xU8 => return self.bytes(S::ExtractU, operands[0][0], span),
            M::Dot4I8Packed | M::Dot4U8Packed => {
                let code = if function == M::Dot4I8Packed { S::ExtractI } else { S::ExtractU };
                let [a, b] =
                    [self.bytes(code, operands[0][0], span)?, self.bytes(code, operands[1][0], span)?];
                return Ok([self.dot(&a, &b, (S::MulI, S::AddI), span)?].into());
            }
            M::Refract | M::Inverse => {
                return Err(self.lowering.refusal(format!("the function {function:?}"), span));
            }
        };
        self.each(code, &operands, span)
    }

    fn dot(&mut self, a: &[Reg], b: &[Reg], (times, plus): (ScalarOp, ScalarOp), span: Span) -> Lowered<Reg> {
        let terms: Vec<[Reg; 2]> = a.iter().zip(b).map(|(a, b)| [*a, *b]).collect();
        self.sum_of_products(&terms, times, plus, span)
    }

    fn length(&mut self, vector: &[Reg], span: Span) -> Lowered<Reg> {
        if let [one] = vector {
            return self.scalar(ScalarOp::AbsF, &[*one], span);
        }
        let squares = self.dot(vector, vector, (ScalarOp::MulF, ScalarOp::AddF), span)?;
        self.scalar(ScalarOp::Sqrt, &[squares], span)
    }

    /// `t * t * (3 - 2 t)` with `t = saturate((x - low) / (high - low))`.
    fn smoothstep(&mut self, operands: &[&[Reg]], span: Span) -> Lowered<Regs> {
        use ScalarOp as S;
        let above = self.each(S::SubF, &[operands[2], operands[0]], span)?;
        let width = self.each(S::SubF, &[operands[1], operands[0]], span)?;
        let ratio = self.each(S::DivF, &[&above, &width], span)?;
        let t = self.each(S::Saturate, &[&ratio], span)?;
        let (two, three) =
            (self.lowering.constant(2.0f32.to_bits())?, self.lowering.constant(3.0f32.to_bits())?);
        let twice = self.each(S::MulF, &[&[two], &t], span)?;
        let rest = self.each(S::SubF, &[&[three], &twice], span)?;
        let square = self.each(S::MulF, &[&t, &t], span)?;
        self.each(S::MulF, &[&square, &rest], span)
    }

    /// By the first column; matrices are at most 4 by 4.
    fn determinant(&mut self, matrix: &[Reg], span: Span) -> Lowered<Reg> {
        use ScalarOp as S;
        let n = matrix.len().isqrt();
        if n == 1 {
            return Ok(matrix[0]);
        }
        let mut sum = None;
        for row in 0..n {
            let kept = (1..n).flat_map(|column| {
                (0..n).filter(move |other| *other != row).map(move |other| column * n + other)
            });
            let minor: Vec<Reg> = kept.map(|place| matrix[place]).collect();
            let minor = self.determinant(&minor, span)?;
            let term = self.scalar(S::MulF, &[matrix[row], minor], span)?;
            sum = Some(match sum {
                None => term,
                Some(sum) => self.scalar(if row % 2 == 0 { S::AddF } else { S::SubF }, &[sum, term], span)?,
            });
        }
        sum.map_or_else(|| self.lowering.constant(0), Ok)
    }

    /// Components side by side in one word, the first lowest.
    fn pack(&mut self, code: ScalarOp, bits: u32, components: &[Reg], span: Span) -> Lowered<Regs> {
        let lanes = self.each(code, &[components], span)?;
        let mut word = lanes[0];
        for (index, lane) in lanes.iter().enumerate().skip(1) {
            let shift = self.lowering.constant(bits * index as u32)?;
            let moved = self.scalar(ScalarOp::Shl, &[*lane, shift], span)?;
            word = self.scalar(ScalarOp::Or, &[word, moved], span)?;
        }
        Ok([word].into())
    }

    fn unpack(&mut self, code: ScalarOp, bits: u32, word: Reg, span: Span) -> Lowered<Regs> {
        let mut lanes = Vec::new();
        for index in 0..32 / bits {
            let shift = self.lowering.constant(bits * index)?;
            let moved = self.scalar(ScalarOp::ShrU, &[word, shift], span)?;
            lanes.push(self.scalar(code, &[moved], span)?);
        }
        Ok(lanes.into())
    }

    /// The four bytes of a word.
    fn bytes(&mut self, code: ScalarOp, word: Reg, span: Span) -> Lowered<Regs> {
        let mut bytes = Vec::new();
        for index in 0..4 {
            let (offset, eight) = (self.lowering.constant(8 * index)?, self.lowering.constant(8)?);
            bytes.push(self.scalar(code, &[word, offset, eight], span)?);
        }
        Ok(bytes.into())
    }
}
