//! Twin of `shaders/shared/head_temperature.wgsl`.

use crate::gpu_struct;

gpu_struct! {
    /// The temperature of one head of an action, where every head has its own.
    pub struct HeadTemperature {
        /// `ln alpha`.
        pub log_alpha: f32,
        /// Temperature.
        pub alpha: f32,
        /// First moment of `log_alpha`'s Adam.
        pub alpha_m: f32,
        /// Second moment.
        pub alpha_v: f32,
        /// Target entropy, nats.
        pub target_entropy: f32,
    }
}
