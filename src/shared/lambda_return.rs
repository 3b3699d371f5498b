//! Twin of `shaders/shared/lambda_return.wgsl`: what a rollout's transition leads to.

use crate::gpu_struct;

gpu_struct! {
    /// What a rollout's transition leads to.
    pub struct LambdaReturn {
        /// The lambda return.
        pub value: f32,
        /// `H` of the policy at the state behind the transition.
        pub entropy: f32,
    }
}
