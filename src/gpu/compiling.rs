//! Which kernel a driver is compiling, and since when: drivers take from milliseconds to minutes for one, in a call that says
//! nothing, and whoever waits wants to know for what.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::engine::clock::Instant;

static CURRENT: Mutex<Option<(String, Instant)>> = Mutex::new(None);

/// A compilation; it is over when this is dropped.
pub struct Compiling(());

impl Compiling {
    /// Starts the compilation of a kernel.
    pub fn begin(kernel: String) -> Compiling {
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some((kernel, Instant::now()));
        Compiling(())
    }
}

impl Drop for Compiling {
    fn drop(&mut self) {
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The kernel that is being compiled, and for how long already.
///
/// ```
/// use softq::gpu::{Compiling, compiling};
///
/// let compilation = Compiling::begin("adam".into());
/// let (kernel, _) = compiling().expect("it goes on");
/// assert_eq!(kernel, "adam");
/// drop(compilation);
/// assert_eq!(compiling(), None);
/// ```
pub fn compiling() -> Option<(String, Duration)> {
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    current.as_ref().map(|(kernel, since)| (kernel.clone(), since.elapsed()))
}
