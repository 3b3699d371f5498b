//! The constants of an environment file: sizes, action space, bounds.

use super::*;
use crate::shared::shape::Shape;

impl Reader<'_> {
    /// The constants of the file, with the values they have as variables.
    pub(super) fn constants(&self) -> Constants {
        let mut values = BTreeMap::new();
        for (_, function) in self.module.functions.iter() {
            let Some(name) = function.name.as_deref().and_then(|name| name.strip_prefix("value_of_")) else {
                continue;
            };
            let init = function.local_variables.iter().next().and_then(|(_, variable)| variable.init);
            if let Some(value) = init.and_then(|init| self.value(&function.expressions, init)) {
                values.insert(name.to_owned(), value);
            }
        }
        Constants(values)
    }

    pub(super) fn value(
        &self,
        arena: &naga::Arena<Expression>,
        at: Handle<Expression>,
    ) -> Option<ConstValue> {
        match arena[at] {
            Expression::Literal(literal) => Some(ConstValue::Number(match literal {
                Literal::F64(v) | Literal::AbstractFloat(v) => v,
                // The number as written: 0.7, not 0.699999988.
                Literal::F32(v) => v.to_string().parse().unwrap_or_else(|_| f64::from(v)),
                Literal::U32(v) => f64::from(v),
                Literal::I32(v) => f64::from(v),
                Literal::U64(v) => v as f64,
                Literal::I64(v) | Literal::AbstractInt(v) => v as f64,
                Literal::Bool(v) => f64::from(u8::from(v)),
                _ => return None,
            })),
            Expression::Constant(constant) => {
                self.value(&self.module.global_expressions, self.module.constants[constant].init)
            }
            Expression::Compose { ref components, .. } => components
                .iter()
                .map(|component| self.value(arena, *component))
                .collect::<Option<_>>()
                .map(ConstValue::List),
            Expression::Splat { size, value } => {
                let value = self.value(arena, value)?;
                Some(ConstValue::List(vec![value; size as usize]))
            }
            Expression::ZeroValue(ty) => self.zero(ty),
            _ => None,
        }
    }

    pub(super) fn zero(&self, ty: Handle<Type>) -> Option<ConstValue> {
        match self.module.types[ty].inner {
            TypeInner::Scalar(_) => Some(ConstValue::Number(0.0)),
            TypeInner::Array { base, size: naga::ArraySize::Constant(size), .. } => {
                Some(ConstValue::List(vec![self.zero(base)?; size.get() as usize]))
            }
            TypeInner::Struct { ref members, .. } => {
                members.iter().map(|member| self.zero(member.ty)).collect::<Option<_>>().map(ConstValue::List)
            }
            _ => None,
        }
    }

    /// The type that a constant has as a variable.
    pub(super) fn variable_type(&self, name: &str) -> Option<Handle<Type>> {
        let reads = |function: &&Function| {
            function.name.as_deref().and_then(|reader| reader.strip_prefix("value_of_")) == Some(name)
        };
        let reader = self.module.functions.iter().map(|(_, function)| function).find(reads)?;
        reader.local_variables.iter().next().map(|(_, variable)| variable.ty)
    }

    /// The type of a constant that has one: the compiler keeps no others.
    pub(super) fn declared_type(&self, name: &str) -> Option<Handle<Type>> {
        let found = self.module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some(name));
        found.map(|(_, constant)| constant.ty)
    }

    /// Refuses a constant whose numbers are not of the kind that kernels need; numbers without a type fit any.
    pub(super) fn check_type(&self, name: &str, wanted: ScalarKind) -> Result<()> {
        let Some(variable) = self.variable_type(name) else { return Ok(()) };
        let mut ty = variable;
        while let TypeInner::Array { base, .. } = self.module.types[ty].inner {
            ty = base;
        }
        let kind = match self.module.types[ty].inner {
            TypeInner::Scalar(scalar) => scalar.kind,
            _ => return Ok(()),
        };
        let untyped = kind == ScalarKind::Sint && self.declared_type(name).is_none();
        if kind == wanted || untyped {
            return Ok(());
        }
        let (ty, example) = if wanted == ScalarKind::Uint { ("u32", "4u") } else { ("f32", "4.0") };
        Err(self.at_constant(
            name,
            format!(
                "its type is {} but must be {ty}; write numbers like {example}",
                self.type_name(variable)
            ),
        ))
    }

    pub(super) fn number(&self, constants: &Constants, name: &str) -> Result<Option<f64>> {
        match constants.0.get(name) {
            None => Ok(None),
            Some(ConstValue::Number(value)) => Ok(Some(*value)),
            Some(ConstValue::List(_)) => {
                Err(self.at_constant(name, "expected one number, found a list".into()))
            }
        }
    }

    /// A required whole number from 1 to `limit`.
    pub(super) fn count(&self, constants: &Constants, name: &str, limit: u32) -> Result<u32> {
        let Some(value) = self.number(constants, name)? else {
            let near = self.near_constant(constants, name);
            return Err(self.fail(
                near.and_then(|near| self.item_line(near)),
                match near {
                    Some(near) => format!("the constant {name} is missing; is `{near}` meant to be it?"),
                    None => format!("the constant {name} is missing; add, for example, `const {name} = 4u;`"),
                },
            ));
        };
        if value.fract() != 0.0 || !(1.0..=f64::from(limit)).contains(&value) {
            let message = format!("{value} is not allowed: it must be a whole number from 1 to {limit}");
            return Err(self.at_constant(name, message));
        }
        Ok(value as u32)
    }

    /// A constant whose name is nearly this one.
    pub(super) fn near_constant<'c>(&self, constants: &'c Constants, name: &str) -> Option<&'c str> {
        explain::nearest(name, constants.0.keys().map(String::as_str))
    }

    pub(super) fn list(&self, constants: &Constants, name: &str) -> Result<Option<Vec<f64>>> {
        let numbers = |list: &Vec<ConstValue>| -> Option<Vec<f64>> {
            let number = |value: &ConstValue| match value {
                ConstValue::Number(value) => Some(*value),
                ConstValue::List(_) => None,
            };
            list.iter().map(number).collect()
        };
        match constants.0.get(name) {
            None => Ok(None),
            Some(ConstValue::List(list)) if numbers(list).is_some() && list.len() <= MAX_ACTION_WORDS => {
                Ok(numbers(list))
            }
            Some(_) => {
                let message = format!(
                    "expected an array of 1 to {MAX_ACTION_WORDS} numbers, for example `array(3u, 4u)`"
                );
                Err(self.at_constant(name, message))
            }
        }
    }

    /// The shape of an observation: a grid where the file says so, whose numbers are those of the observation.
    pub(super) fn obs_shape(&self, constants: &Constants, obs_size: u32) -> Result<Shape> {
        const NAME: &str = "OBS_SHAPE";
        let Some(value) = constants.0.get(NAME) else { return Ok(Shape::Flat(obs_size)) };
        let refused = |message: String| Err(self.at_constant(NAME, message));
        let dims = match value {
            ConstValue::List(list) if list.len() == 3 => list.iter().map(|value| match value {
                ConstValue::Number(dim)
                    if (1.0..=f64::from(obs_size)).contains(dim) && dim.fract() == 0.0 =>
                {
                    Some(*dim as u32)
                }
                _ => None,
            }),
            _ => {
                return refused(
                    "expected height, width and channels, for example `array(8u, 8u, 3u)`".into(),
                );
            }
        };
        let Some([height, width, channels]) =
            dims.collect::<Option<Vec<u32>>>().and_then(|dims| <[u32; 3]>::try_from(dims).ok())
        else {
            return refused(format!(
                "height, width and channels must be whole numbers of 1 or more whose product is OBS_SIZE, {obs_size}"
            ));
        };
        let size = [height, width, channels].map(u64::from).iter().product::<u64>();
        if size != u64::from(obs_size) {
            return refused(format!(
                "{height} x {width} x {channels} are {size} numbers, but OBS_SIZE is {obs_size}; make them equal"
            ));
        }
        Ok(Shape::Grid { height, width, channels })
    }

    pub(super) fn action_space(&self, constants: &Constants) -> Result<ActionSpace> {
        let declared: Vec<&str> = ["NUM_ACTIONS", "ACTION_DIMS", "ACTION_LOW"]
            .into_iter()
            .filter(|name| constants.0.contains_key(*name))
            .collect();
        let choices = |name: &str, value: f64| -> Result<u32> {
            if value.fract() != 0.0 || !(1.0..=f64::from(MAX_ACTIONS)).contains(&value) {
                let message =
                    format!("{value} is not allowed: it must be a whole number from 1 to {MAX_ACTIONS}");
                return Err(self.at_constant(name, message));
            }
            Ok(value as u32)
        };
        match declared[..] {
            ["NUM_ACTIONS"] => Ok(ActionSpace::Discrete(self.count(constants, "NUM_ACTIONS", MAX_ACTIONS)?)),
            ["ACTION_DIMS"] => {
                let dims = self.list(constants, "ACTION_DIMS")?.unwrap_or_default();
                let dims = dims.into_iter().map(|dim| choices("ACTION_DIMS", dim)).collect::<Result<_>>()?;
                Ok(ActionSpace::MultiDiscrete(dims))
            }
            ["ACTION_LOW"] => {
                let low = self.list(constants, "ACTION_LOW")?.unwrap_or_default();
                let high = self.list(constants, "ACTION_HIGH")?.unwrap_or_default();
                if high.is_empty() {
                    let message = "there is no ACTION_HIGH; a box needs both, for example `const ACTION_HIGH = array(1.0);`";
                    return Err(self.at_constant("ACTION_LOW", message.into()));
                }
                if low.len() != high.len() || low.iter().zip(&high).any(|(low, high)| low >= high) {
                    let message = format!(
                        "it is {low:?} and ACTION_HIGH is {high:?}; they must have the same length, and low must be below high in \
                         every dimension"
                    );
                    return Err(self.at_constant("ACTION_LOW", message));
                }
                let f32s = |list: Vec<f64>| list.into_iter().map(|value| value as f32).collect::<Vec<f32>>();
                let (low, high) = (f32s(low), f32s(high));
                if low.iter().zip(&high).any(|(low, high)| !(high - low).is_finite() || high <= low) {
                    let message = format!(
                        "it is {low:?} and ACTION_HIGH is {high:?}; what lies between them must be a number of 32 bits above 0"
                    );
                    return Err(self.at_constant("ACTION_LOW", message));
                }
                Ok(ActionSpace::Box { low, high })
            }
            [] if constants.0.contains_key("ACTION_HIGH") => Err(self.at_constant(
                "ACTION_HIGH",
                "there is no ACTION_LOW; a box needs both, for example `const ACTION_LOW = array(-1.0);`".into(),
            )),
            [] => Err(self.fail(
                None,
                "there is no action space; add one of `const NUM_ACTIONS = 2u;`, `const ACTION_DIMS = array(3u, 4u);`, \
                 or `const ACTION_LOW = array(-1.0); const ACTION_HIGH = array(1.0);`"
                    .into(),
            )),
            [.., second] => {
                Err(self.at_constant(second, format!("there is already {}; a file has one action space", declared[0])))
            }
        }
    }

    pub(super) fn obs_bounds(
        &self,
        constants: &Constants,
        name: &str,
        default: f32,
        size: usize,
    ) -> Result<Vec<f32>> {
        match constants.0.get(name) {
            None => Ok(vec![default; size]),
            Some(ConstValue::Number(value)) => Ok(vec![*value as f32; size]),
            Some(ConstValue::List(list)) if list.len() == size => list
                .iter()
                .map(|value| match value {
                    ConstValue::Number(value) => Ok(*value as f32),
                    ConstValue::List(_) => Err(self.at_constant(name, "expected numbers".into())),
                })
                .collect(),
            Some(ConstValue::List(list)) => Err(self.at_constant(
                name,
                format!(
                    "{} bounds for observations of {size}; give one number for all, or one each",
                    list.len()
                ),
            )),
        }
    }
}
