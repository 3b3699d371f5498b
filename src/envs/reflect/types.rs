//! The types of an environment file: the words of `State`, and names for messages.

use super::*;

impl Reader<'_> {
    /// The one type of this name, with its span.
    pub(super) fn named_type(&self, name: &str) -> Option<(Handle<Type>, Span)> {
        let found = self.module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name));
        found.map(|(handle, _)| (handle, self.module.types.get_span(handle)))
    }

    pub(super) fn type_name(&self, ty: Handle<Type>) -> String {
        let scalar = |scalar: naga::Scalar| match scalar.kind {
            ScalarKind::Float => "f32",
            ScalarKind::Uint => "u32",
            ScalarKind::Sint => "i32",
            ScalarKind::Bool => "bool",
            _ => "?",
        };
        match &self.module.types[ty] {
            Type { name: Some(name), .. } => name.clone(),
            Type { inner: TypeInner::Scalar(s), .. } => scalar(*s).into(),
            Type { inner: TypeInner::Vector { size, scalar: s }, .. } => {
                format!("vec{}<{}>", *size as u8, scalar(*s))
            }
            Type { inner: TypeInner::Array { base, size: naga::ArraySize::Constant(size), .. }, .. } => {
                format!("array<{}, {size}>", self.type_name(*base))
            }
            Type { inner: TypeInner::Pointer { base, .. }, .. } => {
                format!("ptr<function, {}>", self.type_name(*base))
            }
            _ => "another type".into(),
        }
    }

    /// Words of `State` with their names, and the words of one state in an array.
    pub(super) fn state(&self) -> Result<(Vec<StateWord>, u32)> {
        let alias =
            |item: &&Item| item.keyword == "alias" && ["State", "EnvParams"].contains(&item.name.as_str());
        if let Some(item) = self.items.iter().find(alias) {
            let message = format!("{} must be a struct of that name, not an alias of another", item.name);
            return Err(self.fail(Some(item.line), message));
        }
        let Some((ty, span)) = self.named_type("State") else {
            return Err(self.fail(
                None,
                "the struct State is missing; it holds everything that changes from step to step".into(),
            ));
        };
        let line = self.item_line("State").or_else(|| self.line_at(span));
        if !matches!(self.module.types[ty].inner, TypeInner::Struct { .. }) {
            return Err(self.fail(line, "State must be a struct".into()));
        }
        let mut layouter = naga::proc::Layouter::default();
        layouter
            .update(self.module.to_ctx())
            .map_err(|error| self.fail(line, format!("the layout of State is not allowed: {error}")))?;
        let words = layouter[ty].to_stride() / 4;
        if words > MAX_STATE_WORDS {
            let message = format!(
                "State has {words} words of 4 bytes; at most {MAX_STATE_WORDS} are allowed. Pack flags into bits, or compute what can be computed."
            );
            return Err(self.fail(line, message));
        }
        let mut state = vec![StateWord { name: "padding".into(), number: Number::U32 }; words as usize];
        self.words(ty, 0, "", &mut state).map_err(|member| {
            let message = format!("member '{member}' of State has a type that buffers cannot hold; use f32, u32, i32, vectors, arrays or structs of them (a flag is a u32)");
            self.fail(self.member_line("State", &member).or(line), message)
        })?;
        Ok((state, words))
    }

    pub(super) fn member_line(&self, of: &str, member: &str) -> Option<usize> {
        // A path through structs and arrays starts with the member.
        let own = member.split(['.', '[']).next()?;
        let of = items::named(&self.items, of)?;
        of.members.iter().find(|member| member.name == own).map(|member| member.line)
    }

    /// Names the words of a type from `offset` bytes on; the name of the first member that cannot be stored as an error.
    pub(super) fn words(
        &self,
        ty: Handle<Type>,
        offset: u32,
        name: &str,
        words: &mut [StateWord],
    ) -> std::result::Result<(), String> {
        let mut set = |offset: u32, name: String, scalar: naga::Scalar| {
            let number = match (scalar.kind, scalar.width) {
                (ScalarKind::Float, 4) => Number::F32,
                (ScalarKind::Uint, 4) => Number::U32,
                (ScalarKind::Sint, 4) => Number::I32,
                _ => return Err(name),
            };
            match words.get_mut((offset / 4) as usize) {
                Some(word) => *word = StateWord { name, number },
                None => return Err(name),
            }
            Ok(())
        };
        match &self.module.types[ty].inner {
            TypeInner::Scalar(scalar) => set(offset, name.into(), *scalar),
            TypeInner::Vector { size, scalar } => (0..*size as u32).try_for_each(|i| {
                set(offset + 4 * i, format!("{name}.{}", ["x", "y", "z", "w"][i as usize]), *scalar)
            }),
            TypeInner::Array { base, size: naga::ArraySize::Constant(size), stride } => (0..size.get())
                .try_for_each(|i| self.words(*base, offset + i * stride, &format!("{name}[{i}]"), words))
                .map_err(|_| name.to_owned()),
            TypeInner::Struct { members, .. } => members.iter().try_for_each(|member| {
                let own = member.name.as_deref().unwrap_or("?");
                let full = if name.is_empty() { own.to_owned() } else { format!("{name}.{own}") };
                self.words(member.ty, offset + member.offset, &full, words)
            }),
            _ => Err(name.into()),
        }
    }
}
