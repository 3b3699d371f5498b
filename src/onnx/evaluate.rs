//! Runs a file: its bytes are decoded and its nodes evaluated one after the other, in f64. Only the operators that exports use are
//! known; any other file is refused by the name of what is not.

use std::collections::BTreeMap;

use prost::Message;

use crate::onnx::array::Array;
use crate::onnx::proto::{AttributeProto, FLOAT, INT64, ModelProto, NodeProto, TensorProto};

/// What is wrong with a file.
pub type Failure = String;

/// A value of the graph.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// f32 in the file.
    Float(Array<f64>),
    /// Whole numbers.
    Whole(Array<i64>),
}

impl Value {
    fn floats(&self) -> Result<&Array<f64>, Failure> {
        match self {
            Value::Float(array) => Ok(array),
            Value::Whole(_) => Err("it takes f32 and is given int64".into()),
        }
    }

    fn whole(&self) -> Result<&Array<i64>, Failure> {
        match self {
            Value::Whole(array) => Ok(array),
            Value::Float(_) => Err("it takes int64 and is given f32".into()),
        }
    }
}

/// A file, ready to run.
pub struct Session {
    nodes: Vec<NodeProto>,
    constants: BTreeMap<String, Value>,
    outputs: Vec<String>,
}

impl Session {
    /// Decodes the bytes of a file.
    pub fn open(bytes: &[u8]) -> Result<Session, Failure> {
        let model = ModelProto::decode(bytes).map_err(|error| format!("it is no ONNX file: {error}"))?;
        let graph = model.graph.ok_or("it has no graph")?;
        let constants = graph.initializer.iter().map(|tensor| Ok((tensor.name.clone(), constant(tensor)?)));
        Ok(Session {
            constants: constants.collect::<Result<_, Failure>>()?,
            outputs: graph.output.into_iter().map(|output| output.name).collect(),
            nodes: graph.node,
        })
    }

    /// The outputs by name for these inputs.
    pub fn run(&self, inputs: BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>, Failure> {
        let mut values = inputs;
        for node in &self.nodes {
            let value = self.evaluate(node, &values);
            let value = value.map_err(|why| format!("node '{}' ({}): {why}", node.name, node.op_type))?;
            values.insert(node.output.first().cloned().unwrap_or_default(), value);
        }
        let taken = |name: &String| values.remove(name).map(|value| (name.clone(), value));
        self.outputs
            .iter()
            .map(taken)
            .collect::<Option<_>>()
            .ok_or_else(|| "an output is never computed".into())
    }

    fn evaluate(&self, node: &NodeProto, values: &BTreeMap<String, Value>) -> Result<Value, Failure> {
        let named = |name: &String| {
            let known = values.get(name).or_else(|| self.constants.get(name));
            known.ok_or_else(|| format!("its input '{name}' is not known"))
        };
        let inputs = node.input.iter().map(named).collect::<Result<Vec<&Value>, Failure>>()?;
        let float = |at: usize| inputs.get(at).ok_or("an input is missing".to_owned())?.floats();
        let whole = |at: usize| {
            Ok::<_, Failure>(&inputs.get(at).ok_or("an input is missing".to_owned())?.whole()?.data)
        };
        let apart = || "its inputs do not go together".to_owned();
        let both = |f: fn(f64, f64) -> f64| float(0)?.zip(float(1)?, f).ok_or_else(apart);
        let value = match node.op_type.as_str() {
            "Add" => both(|a, b| a + b)?,
            "Sub" => both(|a, b| a - b)?,
            "Mul" => both(|a, b| a * b)?,
            "Max" => both(larger)?,
            "Min" => both(|a, b| -larger(-a, -b))?,
            "Relu" => float(0)?.map(|x| larger(x, 0.0)),
            "Tanh" => float(0)?.map(f64::tanh),
            "Sigmoid" => float(0)?.map(|x| 1.0 / (1.0 + (-x).exp())),
            "MatMul" => float(0)?.product(float(1)?).ok_or_else(apart)?,
            "LayerNormalization" => {
                let epsilon = attribute(node, "epsilon").and_then(|a| a.f).unwrap_or(1e-5);
                last_axis(node, float(0)?)?;
                float(0)?.normalised(float(1)?, float(2)?, f64::from(epsilon))
            }
            "Conv" => {
                let [strides, pads] = ["strides", "pads"].map(|name| sizes(node, name));
                let (strides, pads) = (strides.try_into().ok(), pads.try_into().ok());
                let (strides, pads) =
                    strides.zip(pads).ok_or("its strides or pads are not those of two axes")?;
                float(0)?.convolved(float(1)?, float(2)?, strides, pads).ok_or_else(apart)?
            }
            "ReduceMean" => {
                if attribute(node, "axes").is_none_or(|axes| axes.ints != [-1]) {
                    return Err("it works along another axis than the last".into());
                }
                let (x, width) = (float(0)?, float(0)?.last());
                let means = x.data.chunks(width).map(|row| row.iter().sum::<f64>() / width as f64).collect();
                let shape = [&x.shape[..x.shape.len() - 1], &[1]].concat();
                Array { shape, data: means }
            }
            "Pad" => padded(float(0)?, whole(1)?)?,
            "Transpose" => float(0)?.transposed(&sizes(node, "perm")),
            "Unsqueeze" => {
                let (mut shape, axes) = (float(0)?.shape.clone(), whole(1)?);
                axes.iter().for_each(|axis| shape.insert(*axis as usize, 1));
                float(0)?.clone().reshaped(shape).ok_or_else(apart)?
            }
            "Flatten" => {
                let x = float(0)?;
                let rows = x.shape[0];
                x.clone().reshaped(vec![rows, x.data.len() / rows.max(1)]).ok_or_else(apart)?
            }
            "Reshape" => {
                let known: i64 = whole(1)?.iter().filter(|size| **size > 0).product();
                let rest = float(0)?.data.len() / known.max(1) as usize;
                let size = |size: &i64| usize::try_from(*size).unwrap_or(rest);
                float(0)?.clone().reshaped(whole(1)?.iter().map(size).collect()).ok_or_else(apart)?
            }
            "Slice" => {
                let (x, [start, end]) = (float(0)?, [whole(1)?[0] as usize, whole(2)?[0] as usize]);
                if start > end || end > x.last() || whole(3)? != &[-1] {
                    return Err(apart());
                }
                x.columns(start, end)
            }
            "ArgMax" => return largest(node, float(0)?),
            "Concat" => return concatenated(node, &inputs),
            _ => return Err("this operator is not one that exports use".into()),
        };
        Ok(Value::Float(value))
    }
}

/// Unlike `f64::max` it keeps a NaN of `a`.
fn larger(a: f64, b: f64) -> f64 {
    if a < b { b } else { a }
}

fn constant(tensor: &TensorProto) -> Result<Value, Failure> {
    let shape: Vec<usize> = tensor.dims.iter().map(|dim| *dim as usize).collect();
    let count: usize = shape.iter().product();
    let wrong = || format!("constant '{}' does not hold the {count} numbers of its shape", tensor.name);
    match tensor.data_type {
        FLOAT => {
            let (words, rest) = tensor.raw_data.as_chunks::<4>();
            let data: Vec<f64> = words.iter().map(|word| f64::from(f32::from_le_bytes(*word))).collect();
            let fits = data.len() == count && rest.is_empty();
            if fits { Ok(Value::Float(Array { shape, data })) } else { Err(wrong()) }
        }
        INT64 => {
            let (words, rest) = tensor.raw_data.as_chunks::<8>();
            let data: Vec<i64> = words.iter().map(|word| i64::from_le_bytes(*word)).collect();
            let fits = data.len() == count && rest.is_empty();
            if fits { Ok(Value::Whole(Array { shape, data })) } else { Err(wrong()) }
        }
        other => Err(format!("constant '{}' is of type {other}", tensor.name)),
    }
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

fn sizes(node: &NodeProto, name: &str) -> Vec<usize> {
    let ints = attribute(node, name).map(|attribute| attribute.ints.as_slice()).unwrap_or_default();
    ints.iter().map(|size| *size as usize).collect()
}

/// Refuses a node that works along another axis than the last.
fn last_axis(node: &NodeProto, x: &Array<f64>) -> Result<(), Failure> {
    match attribute(node, "axis").and_then(|attribute| attribute.i) {
        Some(axis) if axis == -1 || axis == x.shape.len() as i64 - 1 => Ok(()),
        _ => Err("it works along another axis than the last".into()),
    }
}

/// Zeros behind every row of the last axis.
fn padded(x: &Array<f64>, pads: &[i64]) -> Result<Array<f64>, Failure> {
    let behind = match pads.split_last() {
        Some((behind, others)) if others.iter().all(|pad| *pad == 0) => *behind as usize,
        _ => return Err("it pads elsewhere than behind the last axis".into()),
    };
    let data = x.data.chunks(x.last()).flat_map(|row| row.iter().copied().chain(vec![0.0; behind])).collect();
    let mut shape = x.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last += behind;
    }
    Ok(Array { shape, data })
}

/// The first of the largest of every row.
fn largest(node: &NodeProto, x: &Array<f64>) -> Result<Value, Failure> {
    last_axis(node, x)?;
    let first = |row: &[f64]| {
        let mut best = 0;
        for at in 1..row.len() {
            if row[at] > row[best] {
                best = at;
            }
        }
        best as i64
    };
    let mut shape = x.shape[..x.shape.len() - 1].to_vec();
    if attribute(node, "keepdims").and_then(|attribute| attribute.i) != Some(0) {
        shape.push(1);
    }
    Ok(Value::Whole(Array { shape, data: x.data.chunks(x.last()).map(first).collect() }))
}

/// Side by side along the last axis.
fn concatenated(node: &NodeProto, inputs: &[&Value]) -> Result<Value, Failure> {
    if attribute(node, "axis").and_then(|attribute| attribute.i) != Some(-1) {
        return Err("it works along another axis than the last".into());
    }
    let axis = match inputs.first().ok_or("it has no inputs")? {
        Value::Float(first) => first.shape.len() - 1,
        Value::Whole(first) => first.shape.len() - 1,
    };
    if let Ok(parts) = inputs.iter().map(|value| value.floats()).collect::<Result<Vec<_>, _>>() {
        return Ok(Value::Float(Array::concatenated(&parts, axis)));
    }
    let parts = inputs.iter().map(|value| value.whole()).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Whole(Array::concatenated(&parts, axis)))
}
