//! How threads work together within one submission, and how many of them a twin may use: the one door to the pool of
//! threads. Without the feature `threads`, or where the system starts none, the calling thread does everything.

use std::cell::Cell;

#[cfg(feature = "threads")]
use crate::engine::pool;

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Threads that work together: 1 where there is no pool.
pub fn count() -> usize {
    #[cfg(feature = "threads")]
    if pool::stands() {
        return pool::count();
    }
    1
}

/// Threads that the calling twin may share its work among.
pub fn available() -> usize {
    if ALONE.get() { 1 } else { count() }
}

/// Runs `work` on this thread alone. A twin that waited for other threads would meanwhile be handed another agent's work,
/// inside its own.
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    /// Puts it back, even where the work panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            ALONE.set(self.0);
        }
    }
    let _before = Before(ALONE.replace(true));
    work()
}

/// Runs `work` on a thread of the pool while the others wait for what it shares with them.
pub fn together(work: impl FnOnce() + Send) {
    #[cfg(feature = "threads")]
    if available() > 1 {
        return pool::together(work);
    }
    work();
}

/// Calls `task` for every item, item `i` on thread `i` modulo their number: what a network's weights, activations and
/// moments are made of stays in the cache of one core from dispatch to dispatch. Outside of [`together`], all on this thread.
pub fn for_each<T: Send>(items: Vec<T>, task: impl Fn(T) + Sync) {
    #[cfg(feature = "threads")]
    if available() > 1 && items.len() > 1 {
        return pool::in_turn(items, task);
    }
    items.into_iter().for_each(task);
}

/// Calls `task` for every item, each on whichever thread is free.
pub fn any_order<T: Send>(items: Vec<T>, task: impl Fn(T) + Sync + Send) {
    #[cfg(feature = "threads")]
    if available() > 1 && items.len() > 1 {
        return pool::any_order(items, task);
    }
    items.into_iter().for_each(task);
}
