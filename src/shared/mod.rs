//! What shaders and host share: memory layouts, and the twins of `shaders/shared`.

pub mod action_size;
pub mod agent;
pub mod angle;
pub mod draw;
pub mod grid;
pub mod head_temperature;
pub mod lambda_return;
pub mod layout;
pub mod math;
pub mod minatar;
pub mod normal;
pub mod optimizer;
pub mod outcome;
pub mod particles;
pub mod pendulum;
pub mod permutation;
pub mod policy;
pub mod printable;
pub mod rng;
pub mod shape;
pub mod sum_tree;
pub mod tabular;
pub mod tanh_gaussian;
pub mod target;
pub mod transition;
pub mod valley;
