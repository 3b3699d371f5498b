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

#[doc(hidden)]
pub mod action_size;
pub mod agent;
#[doc(hidden)]
pub mod angle;
pub mod draw;
#[doc(hidden)]
pub mod grid;
#[doc(hidden)]
pub mod head_temperature;
#[doc(hidden)]
pub mod lambda_return;
pub mod layout;
#[doc(hidden)]
pub mod math;
#[doc(hidden)]
pub mod minatar;
pub mod normal;
#[doc(hidden)]
pub mod optimizer;
#[doc(hidden)]
pub mod outcome;
#[doc(hidden)]
pub mod particles;
#[doc(hidden)]
pub mod pendulum;
#[doc(hidden)]
pub mod permutation;
pub mod policy;
#[doc(hidden)]
pub mod printable;
pub mod rng;
#[doc(hidden)]
pub mod shape;
#[doc(hidden)]
pub mod sum_tree;
#[doc(hidden)]
pub mod tabular;
pub mod tanh_gaussian;
pub mod target;
pub mod transition;
#[doc(hidden)]
pub mod valley;
