//! What shaders and host share: memory layouts, and the twins of `shaders/shared`.
//!
//! ```
//! use softq::shared::math::exp_f32;
//! use softq::shared::rng::Rng;
//!
//! // Random numbers by position: seed, stream, step and lane say which, on a device as here.
//! let mut rng = Rng::new(1, 2, 3, 4);
//! let drawn = [rng.uniform(), rng.uniform()];
//! let mut again = Rng::new(1, 2, 3, 4);
//! assert_eq!(drawn, [again.uniform(), again.uniform()]);
//! // Functions that WGSL leaves loose are written out, so that all devices give the same bits.
//! assert!((exp_f32(1.0) - 1f32.exp()).abs() <= f32::EPSILON * 2.0);
//! ```

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
