//! The operations of a network, one file each: shape rule and parameters (its constructor), initial weights, forward and
//! backward pass. A new one is such a file, its kernels, and a line in each list of this file.
//!
//! What [`Pass::forward`] and [`Pass::backward`] do, by hand:
//!
//! ```
//! use softq::engine::recording::{Buffers, Recording};
//! use softq::kernels::Activation;
//! use softq::nn::op::{Backward, Forward, Op, Operation, Wanted};
//! use softq::nn::{Activations, Network, NetworkSpec, Pass};
//!
//! let net = Network::new(&NetworkSpec::mlp(4u32, &[6], 2, Activation::Silu));
//! let pass =
//!     Pass { agents: 1, batch: 3, nets: 1, slot_net: vec![0], slot_input: vec![0], inputs: 1, gradients: 1 };
//! let mut buffers = Buffers::default();
//! let input = buffers.add("input", 3 * 4, "");
//! let activations = Activations::new(&mut buffers, "activation", &net, &pass, input, "");
//! let deltas = pass.deltas(&mut buffers, "delta", &net, Wanted::Parameters, "");
//! let [weights, grads] = ["weights", "grads"].map(|name| buffers.add(name, net.params().into(), ""));
//!
//! let mut recording = Recording::default();
//! let operations: Vec<&dyn Operation> = net.ops.iter().map(Op::operation).collect();
//! let at = Forward { layout: &net.layout, pass: &pass, weights, tensors: &activations.tensors, kept: None };
//! for operation in &operations {
//!     operation.forward(&mut recording, &at)?;
//! }
//! let at = Backward { forward: at, deltas: &deltas, grads, slots: 1, wanted: Wanted::Parameters };
//! for operation in operations.iter().rev() {
//!     operation.backward(&mut recording, &at)?;
//! }
//! let kernels: Vec<&str> = recording.dispatches.iter().map(|dispatch| dispatch.kernel.name).collect();
//! assert_eq!(kernels[..3], ["dense_forward", "silu", "dense_forward"]);
//! assert_eq!(kernels[3..5], ["dense_backward_weights", "dense_backward_input"]);
//! // Nobody asked for the gradient of the observation.
//! assert_eq!(kernels[5..], ["silu_backward", "dense_backward_weights"]);
//! # Ok::<(), softq::Error>(())
//! ```

#[doc(hidden)]
pub mod append_actions;
#[doc(hidden)]
pub mod conv2d;
#[doc(hidden)]
pub mod dense;
#[doc(hidden)]
pub mod dueling;
#[doc(hidden)]
pub mod layer_norm;
#[doc(hidden)]
pub mod silu;

use rand::rngs::StdRng;

pub use append_actions::AppendActions;
pub use conv2d::{Conv2d, Convolution};
pub use dense::Dense;
pub use dueling::{Dueling, Head};
pub use layer_norm::LayerNorm;
pub use silu::Silu;

use crate::engine::recording::{Buffer, Recording};
use crate::error::{Error, Result};
use crate::nn::layout::Layout;
use crate::nn::slots::Pass;

/// What every operation does.
pub trait Operation {
    /// What the forward pass keeps for the backward one beside the tensors, if anything: its name and how many numbers per row.
    fn kept(&self, _: &Layout) -> Option<(&'static str, u32)> {
        None
    }

    /// Draws its initial parameters; they are zeros before.
    fn init(&self, _: &Layout, _: &mut StdRng, _: &mut [f32]) {}

    /// Records its output from its input.
    fn forward(&self, rec: &mut Recording, at: &Forward<'_>) -> Result<()>;

    /// Records the gradients of its input and of its parameters from that of its output.
    fn backward(&self, rec: &mut Recording, at: &Backward<'_>) -> Result<()>;
}

/// One operation.
///
/// ```
/// use softq::kernels::Activation;
/// use softq::nn::{Convolution, Network, NetworkSpec, Op};
/// use softq::shared::shape::Shape;
///
/// let image = Shape::Grid { height: 10, width: 10, channels: 4 };
/// let spec = NetworkSpec {
///     convolutions: vec![Convolution::square(4, 3, 1)],
///     layer_norm: true,
///     head_hidden: Some(8),
///     dueling: true,
///     ..NetworkSpec::mlp(image, &[8], 2, Activation::Relu)
/// };
/// let kind = |op: &Op| match op {
///     Op::AppendActions(_) => "actions",
///     Op::Conv2d(_) => "convolution",
///     Op::Dense(_) => "dense",
///     Op::LayerNorm(_) => "norm",
///     Op::Silu(_) => "silu",
///     Op::Dueling(_) => "dueling",
/// };
/// let kinds: Vec<&str> = Network::new(&spec).ops.iter().map(kind).collect();
/// // The last layers are those of the advantages and of the value.
/// assert_eq!(kinds, ["convolution", "norm", "dense", "norm", "dense", "dense", "dense", "dueling"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Observations with every action behind them.
    AppendActions(AppendActions),
    /// A convolution.
    Conv2d(Conv2d),
    /// A dense layer.
    Dense(Dense),
    /// Layer normalisation.
    LayerNorm(LayerNorm),
    /// The silu of a tensor.
    Silu(Silu),
    /// Action values out of advantages and a value.
    Dueling(Dueling),
}

impl Op {
    /// What it does.
    pub fn operation(&self) -> &dyn Operation {
        match self {
            Op::AppendActions(op) => op,
            Op::Conv2d(op) => op,
            Op::Dense(op) => op,
            Op::LayerNorm(op) => op,
            Op::Silu(op) => op,
            Op::Dueling(op) => op,
        }
    }
}

/// Where a forward pass takes place.
#[derive(Clone, Copy)]
pub struct Forward<'a> {
    /// Tensors and parameters of the network.
    pub layout: &'a Layout,
    /// What is evaluated.
    pub pass: &'a Pass,
    /// `[agents, nets, params]`
    pub weights: Buffer<f32>,
    /// One buffer per tensor, `[agents, slots, batch, width]`; the input is `[agents, inputs, batch, width]`.
    pub tensors: &'a [Buffer<f32>],
    /// What this operation keeps, if it does, `[agents, slots, batch, kept]`.
    pub kept: Option<Buffer<f32>>,
}

impl Forward<'_> {
    /// Where an operation keeps what it said that it would.
    fn kept(&self, kernel: &str) -> Result<Buffer<f32>> {
        let message = "nothing was declared for what it keeps".into();
        self.kept.ok_or_else(|| Error::Kernel { kernel: kernel.into(), message })
    }
}

/// Where a backward pass takes place.
#[derive(Clone, Copy)]
pub struct Backward<'a> {
    /// The forward pass before it.
    pub forward: Forward<'a>,
    /// The gradient before each tensor's activation, `[agents, slots, batch, width]`.
    pub deltas: &'a [Buffer<f32>],
    /// Gradients of the parameters `[agents, slots, params]`.
    pub grads: Buffer<f32>,
    /// Slots with a gradient: the first ones, of nets 0, 1, ... in order.
    pub slots: u32,
    /// Which gradients are asked for.
    pub wanted: Wanted,
}

/// Which gradients a backward pass is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those of the parameters.
    Parameters,
    /// That of the network's input.
    Input,
    /// All.
    Both,
}

impl Wanted {
    /// Those of the parameters among them.
    pub fn parameters(self) -> bool {
        self != Wanted::Input
    }

    /// That of the input among them.
    pub fn input(self) -> bool {
        self != Wanted::Parameters
    }
}
