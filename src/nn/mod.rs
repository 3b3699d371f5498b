//! Networks: shapes, the flat parameter layout, initialisation, and the kernels that evaluate and differentiate them.

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
