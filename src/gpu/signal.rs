//! How a device that cannot be waited for, as in a browser, says that something is done: its callbacks wake whoever awaits it.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

/// Wakes the task that asked last.
#[derive(Clone, Default)]
pub(super) struct Signal(Arc<Mutex<Option<Waker>>>);

impl Signal {
    /// Has this task woken at the next [`Signal::raise`].
    pub fn listen(&self, context: &Context<'_>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
    }

    /// Wakes it.
    pub fn raise(&self) {
        if let Some(waker) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }
}
