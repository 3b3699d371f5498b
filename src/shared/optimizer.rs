//! The optimiser of a group of networks, from which `shaders/shared/optimizer.wgsl` is written.

use crate::gpu_struct;

/// [`Optimizer::form`] of Adam.
pub const ADAM: u32 = 0;
/// Of RAdam in PyTorch's form: eps is added to `sqrt(v)`.
pub const RADAM: u32 = 1;
/// Of RAdam in optax's form: eps is added to the bias-corrected root, and clipping divides by the norm itself.
pub const RADAM_OPTAX: u32 = 2;

gpu_struct! {
    /// Optimiser of one agent's group: hyperparameters, constant during a run, then what a step changes besides weights and
    /// moments.
    pub struct Optimizer {
        /// Adam step size.
        pub learning_rate: f32,
        /// `1 - beta1`. With `ln beta1`, `1 - beta1^t` needs no subtraction of nearly equal numbers.
        pub one_minus_beta1: f32,
        /// `1 - beta2`.
        pub one_minus_beta2: f32,
        /// `ln beta1`.
        pub ln_beta1: f32,
        /// `ln beta2`.
        pub ln_beta2: f32,
        /// Adam's denominator offset.
        pub adam_eps: f32,
        /// Decoupled weight decay (AdamW).
        pub weight_decay: f32,
        /// Global-norm clip; 0 is off.
        pub max_grad_norm: f32,
        /// Steps between two target updates.
        pub target_update_interval: u32,
        /// Target averaging rate.
        pub polyak: f32,
        /// 0 Adam, 1 RAdam in PyTorch's form, 2 in optax's.
        pub form: u32,
        /// Steps, the running one included.
        pub steps: u32,
        /// Gradient norm of the last step, before clipping.
        pub grad_norm: f32,
        /// Factor that clips it.
        pub grad_scale: f32,
        /// `1 - beta1^steps`.
        pub correction1: f32,
        /// `1 - beta2^steps`.
        pub correction2: f32,
        /// Factor of the adaptive step, 1 for Adam; 0 where RAdam takes a step of momentum alone.
        pub rectification: f32,
    }
}
