//! The pool of threads, which is rayon's. Nothing but `threads.rs` uses it, and that only once it stands.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use rayon::prelude::*;

/// Fruitless looks for work, a fraction of a microsecond each, after which a thread of the pool may fall asleep after all.
const PATIENCE: u32 = 2_000;

/// Whether there are threads: a system may refuse to start any (`ulimit -u`, a container's limit), which rayon answers with a
/// panic when it is first used.
pub fn stands() -> bool {
    static STARTED: LazyLock<bool> = LazyLock::new(|| match rayon::ThreadPoolBuilder::new().build_global() {
        Ok(()) => true,
        // An error without a cause says that the program has built the pool before.
        Err(error) => error.source().is_none(),
    });
    rayon::current_thread_index().is_some() || *STARTED
}

/// Threads in it.
pub fn count() -> usize {
    rayon::current_num_threads()
}

/// Keeps the calling thread of the pool awake, and at work if there is any, until `done` or until its patience ends. Waking a
/// thread that fell asleep takes as long as many a dispatch.
fn stay_awake(done: impl Fn() -> bool) {
    let mut idle = 0;
    while !done() && idle < PATIENCE {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            idle = 0;
        } else {
            idle += 1;
            std::thread::yield_now();
        }
    }
}

/// Runs `work` on a thread of the pool while the others stay awake.
pub fn together(work: impl FnOnce() + Send) {
    let done = AtomicBool::new(false);
    rayon::scope(|scope| {
        let (own, done) = (rayon::current_thread_index(), &done);
        scope.spawn_broadcast(move |_, thread| {
            if Some(thread.index()) != own {
                stay_awake(|| done.load(Ordering::Relaxed));
            }
        });
        work();
        done.store(true, Ordering::Relaxed);
    });
}

/// Calls `task` for every item, item `i` on thread `i` modulo `threads`.
pub fn in_turn<T: Send>(items: Vec<T>, threads: usize, task: impl Fn(T) + Sync) {
    let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let (own, left) = (rayon::current_thread_index(), AtomicUsize::new(items.len()));
    rayon::broadcast(|thread| {
        for item in items.iter().skip(thread.index()).step_by(threads) {
            // Nobody else asks for this item, and a task that panicked took its own.
            if let Some(item) = item.lock().ok().and_then(|mut item| item.take()) {
                task(item);
            }
            left.fetch_sub(1, Ordering::Relaxed);
        }
        if Some(thread.index()) == own {
            stay_awake(|| left.load(Ordering::Relaxed) == 0);
        }
    });
}

/// Calls `task` for every item, each on whichever thread is free.
pub fn any_order<T: Send>(items: Vec<T>, task: impl Fn(T) + Sync + Send) {
    items.into_par_iter().with_max_len(1).for_each(task);
}
