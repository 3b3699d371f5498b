//! Which instructions the twins' inner loops use: the one door to pulp's choice. Every choice gives the same bits.

#[cfg(not(target_arch = "wasm32"))]
pub use pulp::Arch;

#[cfg(target_arch = "wasm32")]
pub use plain::Arch;

/// In a browser the twins only judge kernels, and a second copy of each would be a tenth of what a page loads.
#[cfg(target_arch = "wasm32")]
mod plain {
    use pulp::{Scalar, Simd, WithSimd};

    /// One lane at a time.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Arch;

    impl Arch {
        /// The only choice.
        pub fn new() -> Arch {
            Arch
        }

        /// Runs `work`.
        pub fn dispatch<Work: WithSimd>(self, work: Work) -> Work::Output {
            Scalar.vectorize(work)
        }
    }
}
