//! Places in memory: what a pointer is once its variable is known.

use naga::{Handle, Span};

use super::expression::Value;
use super::function::Function;
use super::{Lowered, Regs};
use crate::interp::code::{AtomicKind, AtomicSite, IndexSite, Limit, NONE, Op, Reg};
use crate::interp::layout::{Layout, Pointee, Shape};

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::interp) enum Root {
    /// Of an invocation: its first register.
    Local(Reg),
    /// Of `memory`.
    Slot(u32),
}

/// A part of a variable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) root: Root,
    pub(super) pointee: Pointee,
    pub(super) layout: Layout,
    /// Words behind the start of the variable, and a register with more of them.
    pub(super) fixed: u32,
    pub(super) at: Reg,
    /// What messages call it.
    pub(super) name: u32,
}

impl Function<'_, '_> {
    /// An element, column, component or member that is known beforehand.
    pub(super) fn part(&mut self, place: Place, index: u32, span: Span) -> Lowered<Place> {
        let module = self.lowering.module;
        let (words, pointee) = match place.pointee.shape(module) {
            Some(Shape::Repeated { part, .. }) => {
                let stride = place.pointee.stride(module, place.layout);
                (stride.map(|stride| stride * u64::from(index)), part)
            }
            Some(Shape::Members(members)) => {
                let found = place.pointee.member(module, place.layout, index);
                let (words, pointee) = found.ok_or_else(|| self.lowering.refusal("this member", span))?;
                let member = members.get(index as usize).and_then(|member| member.name.clone());
                let mut place = Place { pointee, ..place };
                if let (Some(member), Some(of)) =
                    (member, self.lowering.program.names.get(place.name as usize))
                {
                    let name = format!("{of}.{member}");
                    place.name = self.lowering.name(&name);
                }
                return self.moved(place, Some(words), span);
            }
            _ => return Err(self.lowering.refusal("parts of this variable", span)),
        };
        self.moved(Place { pointee, ..place }, words, span)
    }

    fn moved(&self, place: Place, words: Option<u64>, span: Span) -> Lowered<Place> {
        let fixed = words.and_then(|words| u32::try_from(words + u64::from(place.fixed)).ok());
        let fixed = fixed.ok_or_else(|| self.lowering.refusal("a variable that is this long", span))?;
        Ok(Place { fixed, ..place })
    }

    /// An element, column or component whose index is in a register.
    pub(super) fn indexed(&mut self, place: Place, index: Reg, signed: bool, span: Span) -> Lowered<Place> {
        let module = self.lowering.module;
        let Some(Shape::Repeated { part, count }) = place.pointee.shape(module) else {
            return Err(self.lowering.refusal("an index of this variable", span));
        };
        let stride = place.pointee.stride(module, place.layout).and_then(|stride| u32::try_from(stride).ok());
        let stride = stride.ok_or_else(|| self.lowering.refusal("elements of this type", span))?;
        let limit = match (count, place.root) {
            (Some(count), _) => Limit::Fixed(count),
            (None, Root::Slot(slot)) => Limit::Runtime { slot, fixed: place.fixed },
            (None, Root::Local(_)) => return Err(self.lowering.refusal("a local of this type", span)),
        };
        if let (Root::Local(base), Limit::Fixed(count), NONE) = (place.root, limit, place.at) {
            self.lowering.program.indexed.push((base + place.fixed, count.saturating_mul(stride)));
        }
        let site = IndexSite { limit, stride, variable: place.name, signed, value: false };
        let dst = self.index_op(site, index, place.at, span)?;
        Ok(Place { pointee: part, at: dst, ..place })
    }

    /// Words to add for an index.
    pub(super) fn index_op(&mut self, site: IndexSite, index: Reg, at: Reg, span: Span) -> Lowered<Reg> {
        let dst = self.lowering.registers(1, span)?;
        self.lowering.program.indices.push(site);
        let site = self.lowering.program.indices.len() as u32 - 1;
        self.lowering.op(Op::Index { dst, index, site, at }, span);
        Ok(dst)
    }

    /// What is in a place, in fresh registers.
    pub(super) fn load(&mut self, place: Place, span: Span) -> Lowered<Regs> {
        let words = self.lowering.words(place.pointee, span)?;
        let dst = self.lowering.registers(words, span)?;
        if self.is_atomic(place) {
            self.atomic(place, AtomicKind::Load, NONE, NONE, dst, span)?;
            return Ok([dst].into());
        }
        let offsets = self.offsets(place, span)?;
        for (first, n) in runs(&offsets) {
            let (dst, fixed, at) = (dst + first as u32, place.fixed + offsets[first], place.at);
            let op = match place.root {
                Root::Local(base) if at == NONE => Op::Copy { dst, src: base + fixed, n },
                Root::Local(base) => Op::LoadLocal { dst, base: base + fixed, at, n },
                Root::Slot(slot) => Op::Load { dst, slot, fixed, at, n },
            };
            self.lowering.op(op, span);
        }
        Ok((dst..dst + words).collect())
    }

    /// Puts a value into a place.
    pub(super) fn store(&mut self, place: Place, value: &[Reg], span: Span) -> Lowered<()> {
        if self.is_atomic(place) {
            return self.atomic(place, AtomicKind::Store, value[0], NONE, NONE, span);
        }
        let offsets = self.offsets(place, span)?;
        for (first, mut n) in runs(&offsets) {
            let mut first = first;
            while n > 0 {
                // As far as the registers lie one behind the other too.
                let together =
                    (1..n as usize).take_while(|i| value[first + i] == value[first] + *i as u32).count();
                let (src, fixed, at, n_run) =
                    (value[first], place.fixed + offsets[first], place.at, together as u32 + 1);
                let op = match place.root {
                    Root::Local(base) if at == NONE => Op::Copy { dst: base + fixed, src, n: n_run },
                    Root::Local(base) => Op::StoreLocal { base: base + fixed, at, src, n: n_run },
                    Root::Slot(slot) => Op::Store { slot, fixed, at, src, n: n_run },
                };
                self.lowering.op(op, span);
                first += n_run as usize;
                n -= n_run;
            }
        }
        Ok(())
    }

    fn offsets(&self, place: Place, span: Span) -> Lowered<Vec<u32>> {
        self.lowering.words(place.pointee, span)?;
        place
            .pointee
            .offsets(self.lowering.module, place.layout)
            .ok_or_else(|| self.lowering.refusal("values of this type", span))
    }

    fn is_atomic(&self, place: Place) -> bool {
        match place.pointee {
            Pointee::Type(ty) => matches!(self.lowering.module.types[ty].inner, naga::TypeInner::Atomic(_)),
            _ => false,
        }
    }

    /// An atomic operation on a place.
    pub(super) fn atomic(
        &mut self,
        place: Place,
        kind: AtomicKind,
        value: Reg,
        compare: Reg,
        result: Reg,
        span: Span,
    ) -> Lowered<()> {
        let signed = match place.pointee.shape(self.lowering.module) {
            Some(Shape::Scalar(scalar)) => scalar.kind == naga::ScalarKind::Sint,
            _ => false,
        };
        let Root::Slot(slot) = place.root else {
            return Err(self.lowering.refusal("atomics outside of storage and workgroup memory", span));
        };
        let Place { fixed, at, .. } = place;
        self.lowering.program.atomics.push(AtomicSite {
            kind,
            signed,
            slot,
            fixed,
            at,
            value,
            compare,
            result,
        });
        let site = self.lowering.program.atomics.len() as u32 - 1;
        self.lowering.op(Op::Atomic { site }, span);
        Ok(())
    }

    /// The place that an expression points to.
    pub(super) fn place(&mut self, pointer: Handle<naga::Expression>) -> Lowered<Place> {
        match self.value(pointer)? {
            Value::Place(place) => Ok(place),
            Value::Regs(_) => Err(self.lowering.refusal("this pointer", self.span(pointer))),
        }
    }
}

/// Where offsets that follow each other start, and how many they are.
fn runs(offsets: &[u32]) -> Vec<(usize, u32)> {
    let mut runs: Vec<(usize, u32)> = Vec::new();
    for (index, offset) in offsets.iter().enumerate() {
        match runs.last_mut() {
            Some((_, n)) if offsets[index - 1] + 1 == *offset => *n += 1,
            _ => runs.push((index, 1)),
        }
    }
    runs
}
