//! One algorithm case: the JSON description and the tensors beside it, with checked access to both.
//!
//! Every tensor that is asked for is remembered, so that a reference value nobody looked at can be named in the report.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::verify::conformance::report::{Outcome, Problem, malformed, unsupported};

/// The only version of the format.
pub const FORMAT: &str = "sqn-conformance-algorithms/1";

/// A tensor of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub data: Data,
}

/// Values of a tensor; nothing else occurs in the format.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Inputs and results as the reference returned them.
    F32(Vec<f32>),
    /// The same code run in float64.
    F64(Vec<f64>),
    /// Indices.
    I32(Vec<i32>),
}

/// A case with its description.
#[derive(Debug)]
pub struct Case {
    /// `case` of the description: family and variant.
    pub name: String,
    config: Value,
    noise: Value,
    tensors: BTreeMap<String, Tensor>,
    used: RefCell<BTreeSet<String>>,
}

impl Case {
    /// Reads both parts; any contradiction between them is malformed.
    pub fn parse(description: &[u8], tensors: &[u8]) -> Outcome<Case> {
        let description: Value = serde_json::from_slice(description)
            .map_err(|error| Problem::Malformed(format!("the description is not JSON: {error}")))?;
        let text = |key: &str| description.get(key).and_then(Value::as_str);
        match text("format") {
            Some(FORMAT) => {}
            Some(other) => return unsupported(format!("format '{other}'; this program reads '{FORMAT}'")),
            None => return malformed("the description has no 'format'"),
        }
        let Some(name) = text("case") else { return malformed("the description has no 'case'") };
        let file = SafeTensors::deserialize(tensors)
            .map_err(|error| Problem::Malformed(format!("the tensors cannot be read: {error}")))?;
        let tensors = file
            .tensors()
            .into_iter()
            .map(|(name, view)| Ok((name.clone(), tensor(&name, &view)?)))
            .collect::<Outcome<BTreeMap<_, _>>>()?;
        let part = |key: &str| description.get(key).cloned().unwrap_or(Value::Null);
        let case = Case {
            name: name.into(),
            config: part("config"),
            noise: part("noise"),
            tensors,
            used: RefCell::default(),
        };
        case.check_list(&part("tensors"))?;
        Ok(case)
    }

    /// Every tensor that the description lists must be there with its shape.
    fn check_list(&self, list: &Value) -> Outcome<()> {
        let Some(list) = list.as_object() else { return Ok(()) };
        for (name, entry) in list {
            let Some(tensor) = self.tensors.get(name) else {
                return malformed(format!("tensor '{name}' is listed but missing"));
            };
            let listed: Option<Vec<usize>> =
                entry.get(1).and_then(|shape| serde_json::from_value(shape.clone()).ok());
            if let Some(listed) = listed.filter(|listed| *listed != tensor.shape) {
                return malformed(format!("tensor '{name}' is {:?}, listed as {listed:?}", tensor.shape));
            }
        }
        Ok(())
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// A tensor, whatever its type.
    pub fn tensor(&self, name: &str) -> Outcome<&Tensor> {
        let Some(tensor) = self.tensors.get(name) else { return malformed(format!("no tensor '{name}'")) };
        self.used.borrow_mut().insert(name.to_owned());
        Ok(tensor)
    }

    /// A float32 tensor.
    pub fn f32(&self, name: &str) -> Outcome<&[f32]> {
        match &self.tensor(name)?.data {
            Data::F32(values) => Ok(values),
            _ => malformed(format!("tensor '{name}' is not float32")),
        }
    }

    /// A float32 tensor of a given shape.
    pub fn f32_of(&self, name: &str, shape: &[usize]) -> Outcome<&[f32]> {
        self.expect_shape(name, shape)?;
        self.f32(name)
    }

    /// A float64 tensor.
    pub fn f64(&self, name: &str) -> Outcome<&[f64]> {
        match &self.tensor(name)?.data {
            Data::F64(values) => Ok(values),
            _ => malformed(format!("tensor '{name}' is not float64")),
        }
    }

    /// An int32 tensor whose values are all below `limit` and not negative.
    pub fn indices(&self, name: &str, limit: usize) -> Outcome<Vec<u32>> {
        let Data::I32(values) = &self.tensor(name)?.data else {
            return malformed(format!("tensor '{name}' is not int32"));
        };
        let in_range = |value: &i32| u32::try_from(*value).ok().filter(|index| (*index as usize) < limit);
        values.iter().map(in_range).collect::<Option<Vec<u32>>>().ok_or_else(|| {
            Problem::Malformed(format!(
                "tensor '{name}' holds an index outside 0 to {}",
                limit.saturating_sub(1)
            ))
        })
    }

    /// The shape of a tensor; no dimension is 0.
    pub fn shape(&self, name: &str) -> Outcome<&[usize]> {
        let shape = &self.tensor(name)?.shape;
        if shape.contains(&0) {
            return malformed(format!("tensor '{name}' is empty: {shape:?}"));
        }
        Ok(shape)
    }

    /// The shape of a matrix.
    pub fn matrix(&self, name: &str) -> Outcome<[usize; 2]> {
        match self.shape(name)? {
            [rows, columns] => Ok([*rows, *columns]),
            other => malformed(format!("tensor '{name}' is {other:?}, expected a matrix")),
        }
    }

    /// Checks a shape; a trailing dimension of 1 is ignored.
    fn expect_shape(&self, name: &str, expected: &[usize]) -> Outcome<()> {
        let shape = self.shape(name)?;
        let without_ones = match shape {
            [rest @ .., 1] if rest.len() == expected.len() => rest,
            all => all,
        };
        if without_ones != expected {
            return malformed(format!("tensor '{name}' is {shape:?}, expected {expected:?}"));
        }
        Ok(())
    }

    /// `config`.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// A number of `config`, which must be finite.
    pub fn number(&self, path: &[&str]) -> Outcome<f64> {
        number_at(&self.config, path)
    }

    /// A number of `config`, or `default` where it is absent or null.
    pub fn number_or(&self, path: &[&str], default: f64) -> Outcome<f64> {
        match at(&self.config, path) {
            None | Some(Value::Null) => Ok(default),
            Some(_) => self.number(path),
        }
    }

    /// A whole number of `config` that 32 bits hold.
    pub fn whole(&self, name: &str) -> Outcome<u32> {
        let number = self.number(&[name])?;
        if number.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&number) {
            return malformed(format!("config.{name} is {number}, expected a whole number"));
        }
        Ok(number as u32)
    }

    /// The suggested tolerance of a group of tensors; branches (`.b0`, `.b1`, ...) share one.
    pub fn tolerance(&self, group: &str) -> Outcome<f64> {
        let branch = |part: &str| part.parse::<u32>().is_ok();
        let group = match group.rsplit_once(".b") {
            Some((group, part)) if branch(part) => group,
            _ => group,
        };
        let bound =
            self.noise.get(group).and_then(|entry| entry.get("suggested_atol")).and_then(Value::as_f64);
        match bound.filter(|bound| bound.is_finite() && *bound >= 0.0) {
            Some(bound) => Ok(bound),
            None => malformed(format!("no suggested_atol for '{group}'")),
        }
    }

    /// Tensors that were never asked for; float64 doubles of a float32 tensor that was do not count.
    pub fn unread(&self) -> Vec<String> {
        let used = self.used.borrow();
        let double = |name: &str| {
            let plain = match name.strip_suffix(".64").or(name.strip_suffix("64")) {
                Some(plain) => Some(plain.to_owned()),
                None => name.contains("64.b").then(|| name.replacen("64.b", ".b", 1)),
            };
            let trace = name.strip_prefix("trace64.").map(|rest| format!("trace.{rest}"));
            let group = ["after", "sample"].into_iter().find_map(|group| {
                let (before, after) = name.split_once(&format!(".{group}64."))?;
                Some(format!("{before}.{group}.{after}"))
            });
            plain.or(trace).or(group).is_some_and(|plain| used.contains(&plain))
        };
        self.names().filter(|name| !used.contains(*name) && !double(name)).map(str::to_owned).collect()
    }

    /// Marks tensors as needless for the comparison: inputs that the reference carries but does not use.
    pub fn ignore(&self, prefix: &str) {
        let names = self.names().filter(|name| name.starts_with(prefix)).map(str::to_owned);
        self.used.borrow_mut().extend(names);
    }
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(*key))
}

/// A finite number somewhere inside a JSON value.
pub fn number_at(value: &Value, path: &[&str]) -> Outcome<f64> {
    match at(value, path).and_then(Value::as_f64).filter(|number| number.is_finite()) {
        Some(number) => Ok(number),
        None => malformed(format!("config has no finite number '{}'", path.join("."))),
    }
}

fn tensor(name: &str, view: &safetensors::tensor::TensorView<'_>) -> Outcome<Tensor> {
    let bytes = view.data();
    let data = match view.dtype() {
        Dtype::F32 => Data::F32(bytemuck::pod_collect_to_vec(bytes)),
        Dtype::F64 => Data::F64(bytemuck::pod_collect_to_vec(bytes)),
        Dtype::I32 => Data::I32(bytemuck::pod_collect_to_vec(bytes)),
        Dtype::I64 => {
            let wide: Vec<i64> = bytemuck::pod_collect_to_vec(bytes);
            match wide.into_iter().map(|value| i32::try_from(value).ok()).collect() {
                Some(values) => Data::I32(values),
                None => return malformed(format!("tensor '{name}' holds numbers beyond 32 bits")),
            }
        }
        other => {
            return malformed(format!("tensor '{name}' is of type {other:?}, which the format does not use"));
        }
    };
    Ok(Tensor { shape: view.shape().to_vec(), data })
}
