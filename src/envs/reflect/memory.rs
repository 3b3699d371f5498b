//! How much memory the functions of a file ask for. WGSL promises 8,192 bytes of variables to a function; drivers take minutes,
//! or all memory, for more, so that nothing larger reaches one.

use super::*;

/// Most bytes of a function's variables, and of one value in it.
pub const MAX_FUNCTION_BYTES: u64 = 8_192;
/// Most bytes of a constant that a function reads.
const MAX_CONSTANT_BYTES: u64 = 65_536;

impl Reader<'_> {
    /// Refuses variables, values and constants that are too large for a driver, with the line of their function.
    pub(super) fn check_memory(&self) -> Result<()> {
        for (handle, function) in self.module.functions.iter() {
            let name = function.name.as_deref().unwrap_or("?");
            if name.starts_with("value_of_") {
                continue;
            }
            let place = |span: Span| self.line_at(span).or_else(|| self.item_line(name));
            let mut total = 0u64;
            for (local, variable) in function.local_variables.iter() {
                total = total.saturating_add(self.bytes(variable.ty));
                if total > MAX_FUNCTION_BYTES {
                    let message = format!(
                        "the variables of `{name}` take {total} bytes; WGSL grants a function {MAX_FUNCTION_BYTES}: use smaller arrays, \
                         or compute what can be computed"
                    );
                    return Err(self.fail(place(function.local_variables.get_span(local)), message));
                }
            }
            for (expression, kind) in function.expressions.iter() {
                let constant = matches!(kind, Expression::Constant(_) | Expression::ZeroValue(_));
                let limit = if constant && !matches!(kind, Expression::ZeroValue(_)) {
                    MAX_CONSTANT_BYTES
                } else {
                    MAX_FUNCTION_BYTES
                };
                let bytes = self.value_bytes(&self.info[handle][expression].ty);
                if bytes > limit {
                    let what = if constant { "a constant" } else { "a value" };
                    let message = format!(
                        "`{name}` uses {what} of {bytes} bytes; at most {limit} are allowed, because drivers copy it: pack it, or \
                         compute what can be computed"
                    );
                    return Err(self.fail(place(function.expressions.get_span(expression)), message));
                }
            }
        }
        Ok(())
    }

    fn value_bytes(&self, ty: &naga::proc::TypeResolution) -> u64 {
        match ty {
            naga::proc::TypeResolution::Handle(ty) => self.bytes(*ty),
            naga::proc::TypeResolution::Value(_) => 16,
        }
    }

    /// Bytes of a value of this type; a pointer has none of its own.
    fn bytes(&self, ty: Handle<Type>) -> u64 {
        match &self.module.types[ty].inner {
            TypeInner::Array { base, size: naga::ArraySize::Constant(size), stride } => {
                u64::from(size.get()).saturating_mul(u64::from(*stride).max(self.bytes(*base)))
            }
            TypeInner::Struct { members, span } => members
                .iter()
                .map(|member| self.bytes(member.ty))
                .fold(0u64, u64::saturating_add)
                .max(u64::from(*span)),
            TypeInner::Pointer { .. } | TypeInner::ValuePointer { .. } => 0,
            TypeInner::Scalar(scalar) => u64::from(scalar.width.max(4)),
            TypeInner::Vector { size, scalar } => u64::from(*size as u8) * u64::from(scalar.width.max(4)),
            TypeInner::Matrix { columns, rows, .. } => u64::from(*columns as u8) * u64::from(*rows as u8) * 4,
            _ => 16,
        }
    }
}
