//! An ONNX graph while it is built: nodes in the order of evaluation, constants, inputs and outputs.

use crate::onnx::proto::{
    AttributeProto, Dimension, FLOAT, GraphProto, INT64, NodeProto, Size, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};

/// A graph to which nodes are added.
#[derive(Default)]
pub struct Graph {
    proto: GraphProto,
}

impl Graph {
    /// A constant of f32.
    pub fn floats(&mut self, name: &str, dims: &[u32], values: &[f32]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, dims, FLOAT, raw_data)
    }

    /// A list of whole numbers, such as a shape; equal lists are one constant.
    pub fn whole(&mut self, values: &[i64]) -> String {
        let words: Vec<String> = values.iter().map(i64::to_string).collect();
        let name = format!("int64[{}]", words.join(","));
        if self.proto.initializer.iter().any(|tensor| tensor.name == name) {
            return name;
        }
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(&name, &[values.len() as u32], INT64, raw_data)
    }

    fn constant(&mut self, name: &str, dims: &[u32], data_type: i32, raw_data: Vec<u8>) -> String {
        let dims = dims.iter().map(|dim| i64::from(*dim)).collect();
        self.proto.initializer.push(TensorProto { dims, data_type, name: name.into(), raw_data });
        name.to_owned()
    }

    /// A node of operator `op_type`; the name of its output.
    pub fn node(&mut self, op_type: &str, input: &[&str], attribute: Vec<AttributeProto>) -> String {
        let name = format!("{op_type}_{}", self.proto.node.len());
        self.proto.node.push(NodeProto {
            input: input.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: op_type.into(),
            attribute,
        });
        name
    }

    /// `from[:, offset .. offset + width]` along the last axis.
    pub fn columns(&mut self, from: &str, offset: u32, width: u32) -> String {
        let [start, end] = [offset, offset + width].map(i64::from);
        let (start, end, axis) = (self.whole(&[start]), self.whole(&[end]), self.whole(&[-1]));
        self.node("Slice", &[from, &start, &end, &axis], vec![])
    }

    /// `parts` side by side along the last axis.
    pub fn side_by_side(&mut self, parts: &[&str]) -> String {
        match parts {
            [one] => (*one).to_owned(),
            _ => self.node("Concat", parts, vec![AttributeProto::int("axis", -1)]),
        }
    }

    /// Declares an input of f32, `[batch, dims]`.
    pub fn input(&mut self, name: &str, dims: &[u32], about: &str) -> String {
        self.proto.input.push(value_info(name, FLOAT, dims, about));
        name.to_owned()
    }

    /// Makes `value` an output of f32, `[batch, dims]`, called `name`.
    pub fn output(&mut self, value: &str, name: &str, dims: &[u32], about: &str) {
        self.declare(value, value_info(name, FLOAT, dims, about));
    }

    /// The same for whole numbers.
    pub fn output_whole(&mut self, value: &str, name: &str, dims: &[u32], about: &str) {
        self.declare(value, value_info(name, INT64, dims, about));
    }

    fn declare(&mut self, value: &str, output: ValueInfoProto) {
        for node in &mut self.proto.node {
            let names = node.input.iter_mut().chain(&mut node.output);
            names.filter(|name| *name == value).for_each(|name| name.clone_from(&output.name));
        }
        self.proto.output.push(output);
    }

    /// The finished graph.
    pub fn finish(self, name: &str) -> GraphProto {
        GraphProto { name: name.into(), ..self.proto }
    }
}

fn value_info(name: &str, elem_type: i32, dims: &[u32], about: &str) -> ValueInfoProto {
    let fixed = dims.iter().map(|dim| Size::DimValue(i64::from(*dim)));
    let sizes = [Size::DimParam("batch".into())].into_iter().chain(fixed);
    let dim = sizes.map(|size| Dimension { value: Some(size) }).collect();
    let tensor_type = TensorTypeProto { elem_type, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type) }),
        doc_string: about.into(),
    }
}
