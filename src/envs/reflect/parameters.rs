//! The parameters of an environment file: the fields of `EnvParams`, and constants that take values.

use super::*;

impl Reader<'_> {
    /// The file's own names of the parameters given.
    pub(super) fn own_names(&self, values: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
        let members = items::named(&self.items, "EnvParams").map_or(&[][..], |item| &item.members);
        let consts: Vec<&Item> =
            self.items.iter().filter(|item| matches!(param_comment(item), Ok(Some(_)))).collect();
        text::own_names(members, &consts, values)
    }

    /// The type of a constant, for a value that replaces its own.
    pub(super) fn const_type(&self, name: &str) -> ConstType {
        // The compiler drops constants without a type; as variables they have the type that they would get.
        let own = self.declared_type(name);
        let Some(ty) = own.or_else(|| self.variable_type(name)) else { return ConstType::Other };
        let scalar = |ty: Handle<Type>| match self.module.types[ty].inner {
            TypeInner::Scalar(scalar) => Some((scalar.kind, scalar.width)),
            _ => None,
        };
        match self.module.types[ty].inner {
            TypeInner::Scalar(_) => match scalar(ty) {
                Some((ScalarKind::Bool, _)) => ConstType::Bool,
                Some((ScalarKind::Uint, 4)) => ConstType::U32,
                Some((ScalarKind::Sint, 4)) if own.is_none() => ConstType::AbstractInt,
                Some((ScalarKind::Float, 4)) if own.is_none() => ConstType::AbstractFloat,
                Some((ScalarKind::Sint, 4)) => ConstType::I32,
                Some((ScalarKind::Float, 4)) => ConstType::F32,
                _ => ConstType::Other,
            },
            TypeInner::Array { base, .. } => match self.module.types[base].inner {
                TypeInner::Array { base, .. } => match scalar(base) {
                    Some((ScalarKind::Uint, _)) => ConstType::Map(true),
                    Some((ScalarKind::Sint, _)) => ConstType::Map(false),
                    _ => ConstType::Other,
                },
                _ => ConstType::Other,
            },
            _ => ConstType::Other,
        }
    }

    /// Refuses comments that are no ranges, and constants outside of theirs.
    pub(super) fn check_const_ranges(&self, constants: &Constants) -> Result<()> {
        for item in &self.items {
            let about = param_comment(item).map_err(|wrong| self.fail(Some(item.line), wrong))?;
            let Some(allowed) = about.and_then(|about| about.allowed) else { continue };
            if let Some(ConstValue::Number(value)) = constants.0.get(&item.name)
                && !allowed.holds(f64::from(*value as f32))
                && !allowed.holds(*value)
            {
                return Err(
                    self.at_constant(&item.name, format!("{value} is not allowed: it must be {allowed}"))
                );
            }
        }
        Ok(())
    }

    /// The fields of `EnvParams` with default and chosen values.
    pub(super) fn params(
        &self,
        constants: &Constants,
        values: &BTreeMap<String, String>,
    ) -> Result<Vec<RuntimeParam>> {
        let Some(item) = items::named(&self.items, "EnvParams") else { return Ok(Vec::new()) };
        let line = Some(item.line);
        let Some((ty, _)) = self.named_type("EnvParams") else {
            return Err(self.fail(line, "EnvParams must be a struct".into()));
        };
        let TypeInner::Struct { members, .. } = &self.module.types[ty].inner else {
            return Err(self.fail(line, "EnvParams must be a struct".into()));
        };
        let Some(ConstValue::List(defaults)) = constants.0.get("DEFAULT_PARAMS") else {
            return Err(self.fail(
                line,
                "EnvParams needs its defaults: add `const DEFAULT_PARAMS = EnvParams(...);`".into(),
            ));
        };
        let mut params = Vec::new();
        for (member, default) in members.iter().zip(defaults) {
            let name = member.name.clone().unwrap_or_default();
            let number = match self.module.types[member.ty].inner {
                TypeInner::Scalar(naga::Scalar::F32) => Number::F32,
                TypeInner::Scalar(naga::Scalar::U32) => Number::U32,
                TypeInner::Scalar(naga::Scalar::I32) => Number::I32,
                _ => {
                    let message = format!("parameter '{name}' must be a f32, u32 or i32 (a flag is a u32)");
                    return Err(self.fail(self.member_line("EnvParams", &name).or(line), message));
                }
            };
            let ConstValue::Number(default) = default else { continue };
            let about = match item.members.iter().find(|member| member.name == name) {
                Some(member) => {
                    member_comment(member).map_err(|wrong| self.fail(Some(member.line), wrong))?
                }
                None => Default::default(),
            };
            let held = number.value(number.word(*default));
            if let Some(allowed) = about.allowed.filter(|allowed| !allowed.holds(held)) {
                let message = format!("{name} = {default} is not allowed: it must be {allowed}");
                return Err(self.at_constant("DEFAULT_PARAMS", message));
            }
            let value = match values.get(&name) {
                Some(text) => text::param_value(&name, number, text, about.allowed.as_ref())?,
                None => ParamValue::Fixed(*default),
            };
            params.push(RuntimeParam { name, about: described(&about), number, default: *default, value });
        }
        Ok(params)
    }

    /// Refuses values for parameters that the file does not have.
    pub(super) fn check_names(&self, env: &Env, values: &BTreeMap<String, String>) -> Result<()> {
        let mut known: Vec<&str> = env.params.iter().map(|param| param.name.as_str()).collect();
        known.extend(env.const_params.iter().map(|param| param.name.as_str()));
        known.extend(["max_episode_steps", rescale::NAME]);
        let is_known = |name: &String| {
            known.contains(&name.as_str())
                || known.contains(&name.to_lowercase().as_str())
                    && !env.params.iter().any(|p| p.name == name.to_lowercase())
        };
        match values.keys().find(|name| !is_known(name)) {
            Some(name) => Err(Error::unknown("environment parameter", name, known)),
            None => Ok(()),
        }
    }
}
