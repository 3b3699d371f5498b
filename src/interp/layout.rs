//! Where the scalars of a value lie. Values, locals and private and workgroup variables are dense: one word per scalar, no
//! padding, a boolean as 0 or 1. Storage and uniform variables lie as WGSL says, with its strides and offsets.

use naga::{ArraySize, Handle, Module, Scalar, ScalarKind, StructMember, Type, TypeInner, VectorSize};

/// How a variable's words are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One word per scalar.
    Dense,
    /// As memory that the host shares (WGSL 14.4).
    Host,
}

/// What a pointer points to: parts of vectors and matrices have no entry in the module's types.
#[derive(Clone, Copy, Debug)]
pub enum Pointee {
    /// A type of the module.
    Type(Handle<Type>),
    /// A matrix of so many columns and rows, such as one that was turned.
    Matrix(VectorSize, VectorSize, Scalar),
    /// A vector, such as a column of a matrix.
    Vector(VectorSize, Scalar),
    /// One component.
    Scalar(Scalar),
}

/// Its parts.
pub enum Shape<'a> {
    /// One scalar.
    Scalar(Scalar),
    /// Parts of one type: `count` of them, none where the length is that of the buffer.
    Repeated {
        /// One of them.
        part: Pointee,
        /// How many.
        count: Option<u32>,
    },
    /// Members of a struct.
    Members(&'a [StructMember]),
}

/// Words from one column of a matrix in memory to the next.
fn column_stride(rows: VectorSize) -> u64 {
    if rows == VectorSize::Bi { 2 } else { 4 }
}

impl Pointee {
    /// Its parts; `None` for what has no words: images, samplers, and arrays of them.
    pub fn shape(self, module: &Module) -> Option<Shape<'_>> {
        Some(match self {
            Pointee::Scalar(scalar) => Shape::Scalar(scalar),
            Pointee::Vector(size, scalar) => {
                Shape::Repeated { part: Pointee::Scalar(scalar), count: Some(size as u32) }
            }
            Pointee::Matrix(columns, rows, scalar) => {
                Shape::Repeated { part: Pointee::Vector(rows, scalar), count: Some(columns as u32) }
            }
            Pointee::Type(ty) => match &module.types[ty].inner {
                TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => Shape::Scalar(*scalar),
                TypeInner::Vector { size, scalar } => {
                    return Pointee::Vector(*size, *scalar).shape(module);
                }
                TypeInner::Matrix { columns, rows, scalar } => {
                    return Pointee::Matrix(*columns, *rows, *scalar).shape(module);
                }
                TypeInner::Array { base, size, .. } => {
                    let count = match size {
                        ArraySize::Constant(count) => Some(count.get()),
                        ArraySize::Dynamic => None,
                        ArraySize::Pending(_) => return None,
                    };
                    Shape::Repeated { part: Pointee::Type(*base), count }
                }
                TypeInner::Struct { members, .. } => Shape::Members(members),
                _ => return None,
            },
        })
    }

    /// Words from one part to the next.
    pub fn stride(self, module: &Module, layout: Layout) -> Option<u64> {
        let Shape::Repeated { part, .. } = self.shape(module)? else { return None };
        match (layout, self) {
            (Layout::Dense, _) => part.words(module),
            (Layout::Host, Pointee::Type(ty)) => Some(match &module.types[ty].inner {
                TypeInner::Array { stride, .. } => u64::from(stride / 4),
                TypeInner::Matrix { rows, .. } => column_stride(*rows),
                _ => 1,
            }),
            (Layout::Host, Pointee::Matrix(_, rows, _)) => Some(column_stride(rows)),
            (Layout::Host, _) => Some(1),
        }
    }

    /// Word of member `index` of a struct, and its type.
    pub fn member(self, module: &Module, layout: Layout, index: u32) -> Option<(u64, Pointee)> {
        let Shape::Members(members) = self.shape(module)? else { return None };
        let member = members.get(index as usize)?;
        let offset = match layout {
            Layout::Host => u64::from(member.offset / 4),
            Layout::Dense => {
                let before = &members[..index as usize];
                before.iter().map(|member| Pointee::Type(member.ty).words(module)).sum::<Option<u64>>()?
            }
        };
        Some((offset, Pointee::Type(member.ty)))
    }

    /// Scalars of it, which are its words where it is dense; `None` for what has no fixed number.
    pub fn words(self, module: &Module) -> Option<u64> {
        match self.shape(module)? {
            Shape::Scalar(scalar) => plain(scalar).then_some(1),
            Shape::Repeated { part, count } => part.words(module)?.checked_mul(u64::from(count?)),
            Shape::Members(members) => members
                .iter()
                .map(|member| Pointee::Type(member.ty).words(module))
                .try_fold(0u64, |sum, words| sum.checked_add(words?)),
        }
    }

    /// The word of each scalar, in order.
    pub fn offsets(self, module: &Module, layout: Layout) -> Option<Vec<u32>> {
        let mut offsets = Vec::new();
        self.collect(module, layout, 0, &mut offsets)?;
        Some(offsets)
    }

    fn collect(self, module: &Module, layout: Layout, at: u64, offsets: &mut Vec<u32>) -> Option<()> {
        match self.shape(module)? {
            Shape::Scalar(_) => offsets.push(u32::try_from(at).ok()?),
            Shape::Repeated { part, count } => {
                let stride = self.stride(module, layout)?;
                for index in 0..u64::from(count?) {
                    part.collect(module, layout, at + index * stride, offsets)?;
                }
            }
            Shape::Members(members) => {
                for index in 0..members.len() as u32 {
                    let (offset, part) = self.member(module, layout, index)?;
                    part.collect(module, layout, at + offset, offsets)?;
                }
            }
        }
        Some(())
    }

    /// The kind of each scalar, in order.
    pub fn kinds(self, module: &Module) -> Option<Vec<ScalarKind>> {
        Some(match self.shape(module)? {
            Shape::Scalar(scalar) => vec![scalar.kind],
            Shape::Repeated { part, count } => part.kinds(module)?.repeat(count? as usize),
            Shape::Members(members) => {
                let parts = members.iter().map(|member| Pointee::Type(member.ty).kinds(module));
                parts.collect::<Option<Vec<_>>>()?.concat()
            }
        })
    }
}

/// Whether a scalar fits a word: WebGPU's core has no others.
pub fn plain(scalar: Scalar) -> bool {
    matches!(scalar.kind, ScalarKind::Bool) || scalar.width == 4
}
