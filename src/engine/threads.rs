//! How many threads a twin may use: all of the pool, unless it runs for one agent beside others that keep them busy.

use std::cell::Cell;

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Threads that the calling twin may share its work among.
pub fn available() -> usize {
    if ALONE.get() { 1 } else { rayon::current_num_threads() }
}

/// Runs `work` on this thread alone. A twin that waited for other threads would meanwhile be handed another agent's work,
/// inside its own.
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    let before = ALONE.replace(true);
    let result = work();
    ALONE.set(before);
    result
}
