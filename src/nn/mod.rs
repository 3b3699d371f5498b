//! Network specifications: layer shapes, the flat parameter layout, initialisation.

pub mod mlp;

pub use mlp::{Layer, Mlp};
