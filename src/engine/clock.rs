//! The clock: the system's, or without the feature `clocks` one that the host provides, since reading the system's would end a
//! program in a browser. Until it does (`provide`), that clock stands still. Times are shown and pace submissions; no result
//! depends on them.
//!
//! ```
//! use softq::engine::clock::Instant;
//!
//! let start = Instant::now();
//! let before = start.elapsed();
//! assert!(start.elapsed() >= before && Instant::now() - start >= before);
//! ```

#[cfg(feature = "clocks")]
pub use std::time::Instant;

#[cfg(not(feature = "clocks"))]
pub use provided::{Instant, provide};

#[cfg(not(feature = "clocks"))]
mod provided {
    use std::sync::OnceLock;
    use std::time::Duration;

    static NOW: OnceLock<fn() -> Duration> = OnceLock::new();

    /// Has `now` tell the time from here on, counted from any moment; a second call changes nothing.
    pub fn provide(now: fn() -> Duration) {
        let _ = NOW.set(now);
    }

    /// A moment by the clock of the host.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Instant(Duration);

    impl Instant {
        /// This moment.
        pub fn now() -> Instant {
            Instant(NOW.get().map_or(Duration::ZERO, |now| now()))
        }

        /// Time since this moment.
        pub fn elapsed(&self) -> Duration {
            Instant::now() - *self
        }
    }

    impl std::ops::Sub for Instant {
        type Output = Duration;

        fn sub(self, earlier: Instant) -> Duration {
            self.0.saturating_sub(earlier.0)
        }
    }
}
