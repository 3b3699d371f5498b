//! Networks: shapes, the flat parameter layout, initialisation, and the kernels that evaluate and differentiate them.

mod fused;
pub mod group;
pub mod init;
pub mod network;
pub mod pass;

pub use group::{AdamForm, Evaluations, Group, GroupSpec, GroupTensor, Inputs};
pub use init::Initialiser;
pub use network::{Head, Network, NetworkSpec, Op, Parameter, Path, Slice, Tensor};
pub use pass::{Activations, Pass};
