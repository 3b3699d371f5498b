//! Values of types: zeros, values from the words of a buffer and back, and parts of values.

use naga::{ArraySize, Handle, Module, Scalar as Type, ScalarKind, TypeInner};

use super::value::{Scalar, Value};

/// The zero of a type; `None` for types that environments do not compute with.
pub fn zero(module: &Module, ty: Handle<naga::Type>) -> Option<Value> {
    let scalar = |scalar: &Type| number(scalar, 0).map(Value::Scalar);
    Some(match &module.types[ty].inner {
        TypeInner::Scalar(inner) => scalar(inner)?,
        TypeInner::Vector { size, scalar: inner } => Value::Many(vec![scalar(inner)?; *size as usize]),
        TypeInner::Array { base, size: ArraySize::Constant(size), .. } => {
            Value::Many(vec![zero(module, *base)?; size.get() as usize])
        }
        TypeInner::Struct { members, .. } => {
            Value::Many(members.iter().map(|member| zero(module, member.ty)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn number(ty: &Type, word: u32) -> Option<Scalar> {
    match ty.kind {
        _ if ty.width != 4 && ty.kind != ScalarKind::Bool => None,
        ScalarKind::Float => Some(Scalar::float(f32::from_bits(word))),
        ScalarKind::Sint => Some(Scalar::int(word as i32)),
        ScalarKind::Uint => Some(Scalar::uint(word)),
        ScalarKind::Bool => Some(Scalar::truth(word != 0)),
        _ => None,
    }
}

/// Visits every number of a type with the word of a buffer where it is kept.
fn visit(
    module: &Module,
    ty: Handle<naga::Type>,
    word: usize,
    found: &mut impl FnMut(&Type, usize) -> Option<Value>,
) -> Option<Value> {
    Some(match &module.types[ty].inner {
        TypeInner::Scalar(inner) => found(inner, word)?,
        TypeInner::Vector { size, scalar } => {
            Value::Many((0..*size as usize).map(|i| found(scalar, word + i)).collect::<Option<_>>()?)
        }
        TypeInner::Array { base, size: ArraySize::Constant(size), stride } => {
            let step = *stride as usize / 4;
            let element = |i: usize| visit(module, *base, word + i * step, found);
            Value::Many((0..size.get() as usize).map(element).collect::<Option<_>>()?)
        }
        TypeInner::Struct { members, .. } => {
            let member = |member: &naga::StructMember| {
                visit(module, member.ty, word + member.offset as usize / 4, found)
            };
            Value::Many(members.iter().map(member).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// The value of a type that these words of a buffer hold.
pub fn from_words(module: &Module, ty: Handle<naga::Type>, words: &[u32]) -> Option<Value> {
    visit(module, ty, 0, &mut |ty, word| number(ty, *words.get(word)?).map(Value::Scalar))
}

/// The words of a type's numbers, in order.
pub fn places(module: &Module, ty: Handle<naga::Type>) -> Option<Vec<usize>> {
    let mut places = Vec::new();
    visit(module, ty, 0, &mut |ty, word| {
        places.push(word);
        number(ty, 0).map(Value::Scalar)
    })?;
    Some(places)
}

/// Replaces the numbers at these places by any of their type.
pub fn forget(value: &mut Value, which: &mut impl Iterator<Item = bool>, from: u32) {
    match value {
        Value::Scalar(scalar) => {
            if which.next() == Some(true) {
                *scalar = scalar.any(from);
            }
        }
        Value::Many(parts) => parts.iter_mut().for_each(|part| forget(part, which, from)),
        Value::Pointer(_) => {}
    }
}

/// A part of a value.
pub fn at<'a>(value: &'a Value, path: &[usize]) -> Option<&'a Value> {
    match (path, value) {
        ([], value) => Some(value),
        ([index, rest @ ..], Value::Many(parts)) => at(parts.get(*index)?, rest),
        _ => None,
    }
}

/// Replaces a part of a value.
pub fn set(value: &mut Value, path: &[usize], new: Value) -> Option<()> {
    match (path, value) {
        ([], value) => {
            *value = new;
            Some(())
        }
        ([index, rest @ ..], Value::Many(parts)) => set(parts.get_mut(*index)?, rest, new),
        _ => None,
    }
}
