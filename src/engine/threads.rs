//! How threads work together within one submission, and how many of them a twin may use.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Fruitless looks for work, a fraction of a microsecond each, after which a thread of the pool may fall asleep after all.
const PATIENCE: u32 = 2_000;

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

/// Calls `task` for every item, item `i` on thread `i` modulo their number: what a network's weights, activations and
/// moments are made of stays in the cache of one core from dispatch to dispatch.
pub fn for_each<T: Send>(items: Vec<T>, task: impl Fn(T) + Sync) {
    let threads = available();
    if threads == 1 || items.len() < 2 {
        return items.into_iter().for_each(task);
    }
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
