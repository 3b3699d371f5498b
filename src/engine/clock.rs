//! The clock: the system's, or without the feature `clocks` one that stands still, since reading the system's would end a program
//! in a browser. Times are shown and pace submissions; no result depends on them.

#[cfg(feature = "clocks")]
pub use std::time::Instant;

#[cfg(not(feature = "clocks"))]
pub use still::Instant;

#[cfg(not(feature = "clocks"))]
mod still {
    use std::time::Duration;

    /// A moment of the clock that stands still.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Instant;

    impl Instant {
        /// This moment.
        pub fn now() -> Instant {
            Instant
        }

        /// Time since this moment.
        pub fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }

    impl std::ops::Sub for Instant {
        type Output = Duration;

        fn sub(self, _earlier: Instant) -> Duration {
            Duration::ZERO
        }
    }
}
