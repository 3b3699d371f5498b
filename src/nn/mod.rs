//! Networks: shapes, the flat parameter layout, initialisation, and the kernels that evaluate and differentiate them.
//!
//! ```
//! use softq::kernels::Activation;
//! use softq::nn::{Network, NetworkSpec};
//!
//! let net = Network::new(&NetworkSpec::mlp(4u32, &[64, 64], 2, Activation::Relu));
//! // Weights and biases of three layers; a network's length is a multiple of four words.
//! let count: u32 = (4 + 1) * 64 + (64 + 1) * 64 + (64 + 1) * 2;
//! assert_eq!(net.params(), count.next_multiple_of(4));
//! assert_eq!(net.init(0).len(), net.params() as usize);
//! assert_eq!(net.init(7), net.init(7), "the same seed, the same weights");
//! ```

mod fused;
pub mod group;
pub mod init;
pub mod layout;
pub mod network;
pub mod op;
pub mod pass;
pub mod slots;

pub use group::{AdamForm, Evaluations, Group, GroupSpec, GroupTensor, Inputs};
pub use init::Initialiser;
pub use layout::{Layout, Parameter, Slice, Tensor};
pub use network::{Network, NetworkSpec, Path};
pub use op::{Convolution, Head, Op, Wanted};
pub use pass::Activations;
pub use slots::Pass;
