//! What the operations of a network share: its tensors, and where its parameters lie.

use crate::kernels::Activation;
use crate::nn::init::Initialiser;
use crate::shared::shape::Shape;

/// A tensor of the network: `[slots, batch, shape]` in a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Shape of a row.
    pub shape: Shape,
    /// Activation that has been applied to it.
    pub activation: Activation,
}

impl Tensor {
    /// Columns per row.
    pub fn width(&self) -> u32 {
        self.shape.size()
    }
}

/// Columns of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Which tensor.
    pub tensor: usize,
    /// First column.
    pub offset: u32,
    /// Columns.
    pub width: u32,
}

/// A named block of the flat parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Name, e.g. `layer0.weight`.
    pub name: String,
    /// Dimensions; weights are `[in, out]`.
    pub shape: Vec<u32>,
    /// First element.
    pub offset: u32,
}

/// Tensors and parameters, to which each operation adds its own when the network is laid out.
///
/// ```
/// use softq::kernels::Activation;
/// use softq::nn::{Initialiser, Layout, Parameter, Slice, Tensor};
///
/// // A hidden layer of 8 behind an observation of 4.
/// let mut layout = Layout::new(4u32.into(), Activation::Relu, Initialiser::default());
/// let hidden = layout.push(8, Activation::Relu);
/// let weights = layout.parameter("layer0.weight".into(), vec![4, 8]);
/// let biases = layout.parameter("layer0.bias".into(), vec![8]);
/// assert_eq!((weights, biases, layout.params), (0, 32, 40));
/// assert_eq!(layout.parameters[1], Parameter { name: "layer0.bias".into(), shape: vec![8], offset: 32 });
/// assert_eq!(layout.tensors[hidden], Tensor { shape: 8u32.into(), activation: Activation::Relu });
/// assert_eq!(layout.whole(hidden), Slice { tensor: hidden, offset: 0, width: 8 });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Tensors; the first is the observation.
    pub tensors: Vec<Tensor>,
    /// Blocks of columns in every tensor but the first, one per action of a network that sees the action; else 1.
    pub repeats: u32,
    /// Parameters so far.
    pub params: u32,
    /// Their names, in order.
    pub parameters: Vec<Parameter>,
    /// Activation of hidden layers.
    pub activation: Activation,
    /// Initial weights.
    pub initialiser: Initialiser,
}

impl Layout {
    /// A layout with an input and nothing else.
    pub fn new(input: Shape, activation: Activation, initialiser: Initialiser) -> Layout {
        let input = Tensor { shape: input, activation: Activation::Identity };
        Layout { tensors: vec![input], repeats: 1, params: 0, parameters: vec![], activation, initialiser }
    }

    /// Adds a tensor of `width` columns per block, flat, and returns its index.
    pub fn push(&mut self, width: u32, activation: Activation) -> usize {
        self.tensors.push(Tensor { shape: Shape::Flat(width * self.repeats), activation });
        self.last()
    }

    /// Adds a grid and returns its index.
    pub fn push_grid(&mut self, [height, width, channels]: [u32; 3], activation: Activation) -> usize {
        self.tensors.push(Tensor { shape: Shape::Grid { height, width, channels }, activation });
        self.last()
    }

    /// Adds a tensor shaped like `tensor` and returns its index.
    pub fn push_like(&mut self, tensor: usize, activation: Activation) -> usize {
        self.tensors.push(Tensor { shape: self.tensors[tensor].shape, activation });
        self.last()
    }

    /// Adds a named parameter behind the others and returns its first element.
    pub fn parameter(&mut self, name: String, shape: Vec<u32>) -> u32 {
        let (offset, count) = (self.params, shape.iter().product::<u32>());
        self.parameters.push(Parameter { name, shape, offset });
        self.params += count;
        offset
    }

    /// Dense layers start, and networks end, at multiples of 4 words, so that kernels can load four weights at a time.
    /// What lies between belongs to no layer: its gradient is 0, and it stays 0.
    pub fn align(&mut self) {
        self.params = self.params.next_multiple_of(4);
    }

    /// The last tensor.
    pub fn last(&self) -> usize {
        self.tensors.len() - 1
    }

    /// All columns of a tensor's block.
    pub fn whole(&self, tensor: usize) -> Slice {
        Slice { tensor, offset: 0, width: self.width(tensor) }
    }

    /// Blocks of columns in a tensor.
    pub fn repeats_of(&self, tensor: usize) -> u32 {
        if tensor == 0 { 1 } else { self.repeats }
    }

    /// Columns of one block of a tensor.
    pub fn width(&self, tensor: usize) -> u32 {
        self.tensors[tensor].width() / self.repeats_of(tensor)
    }

    /// The activation that a hidden layer applies itself; silu follows as an operation.
    pub fn applied(&self) -> Activation {
        if self.activation == Activation::Silu { Activation::Identity } else { self.activation }
    }
}
