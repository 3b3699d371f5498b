//! The pool of threads, which is rayon's, and the team that its threads are through a submission. Nothing but `threads.rs` uses
//! either, and that only once the pool stands.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::error::Error;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use rayon::prelude::*;

use crate::engine::threads::{alone, available};

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

/// Waits in steps that grow: a few nanoseconds, then as long as the system lets others run.
#[derive(Default)]
struct Patience(u32);

impl Patience {
    /// Whether it is worth another look soon: for about a millisecond.
    fn wait(&mut self) -> bool {
        self.0 = self.0.saturating_add(1);
        match self.0 {
            ..200 => spin_loop(),
            _ => std::thread::yield_now(),
        }
        self.0 < 2_000
    }
}

/// Longest sleep of a thread for which there is nothing to do.
const LONGEST_SLEEP: Duration = Duration::from_millis(1);

/// States of a thread of a team: not there, or asleep; waiting for a call; called.
const ABSENT: u32 = 0;
const WAITING: u32 = 1;
const CALLED: u32 = 2;

/// A thread of a team: its state, on a cache line of its own, and whom to wake.
#[repr(align(128))]
#[derive(Default)]
struct Seat {
    state: AtomicU32,
    thread: OnceLock<Thread>,
}

impl Seat {
    fn change(&self, from: u32, to: u32) -> bool {
        self.state.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }
}

/// What every thread does of a task, by its index.
type Call<'a> = &'a (dyn Fn(usize) + Sync);

/// Threads that follow the calls of one of them. Handing a thread a job of rayon's takes as long as a small dispatch, and waking it as
/// long as many.
struct Team {
    seats: Vec<Seat>,
    call: UnsafeCell<Option<Call<'static>>>,
    /// How many calls there were.
    calls: AtomicU32,
    /// Whether the call at hand is for whoever comes.
    open: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    over: AtomicBool,
}

// SAFETY: the leader alone writes `call`, while nobody follows one. A thread reads it only while its own seat is CALLED, by the
// leader, or by itself and `open` was true after that; and the leader is done with a call only once it has closed it and has seen
// every seat not CALLED since. Both sides write before they read, sequentially consistent, so that one of them sees the other.
unsafe impl Sync for Team {}

thread_local! {
    /// The team that this thread leads.
    static LED: Cell<*const Team> = const { Cell::new(std::ptr::null()) };
}

/// For whom a call is.
enum Whom {
    /// The threads with indices below, each for its own share; the leader stands in for those that are not there.
    Below(usize),
    /// Whoever comes while it lasts, and takes what is left.
    Anyone,
}

impl Team {
    fn follow(&self, index: usize) {
        const SHORTEST_SLEEP: Duration = Duration::from_micros(50);
        let seat = &self.seats[index];
        seat.thread.get_or_init(std::thread::current);
        seat.state.store(WAITING, Ordering::Release);
        let (mut patience, mut sleep) = (Patience::default(), SHORTEST_SLEEP);
        // The last call that it joined, and the last that it knew of when it went to sleep.
        let (mut joined, mut known) = (0, 0);
        while !self.over.load(Ordering::Acquire) {
            if seat.state.load(Ordering::Acquire) == CALLED || self.join(seat, &mut joined) {
                // SAFETY: see `Sync`.
                if let Some(call) = unsafe { *self.call.get() } {
                    // A panic must not leave the leader waiting.
                    let outcome = catch_unwind(AssertUnwindSafe(|| alone(|| call(index))));
                    if let (Err(panic), Ok(mut first)) = (outcome, self.panic.lock()) {
                        first.get_or_insert(panic);
                    }
                }
                seat.state.store(WAITING, Ordering::Release);
                (patience, sleep) = (Patience::default(), SHORTEST_SLEEP);
            } else if !patience.wait() && seat.change(WAITING, ABSENT) {
                std::thread::park_timeout(sleep);
                sleep = LONGEST_SLEEP.min(2 * sleep);
                // Only where there were calls meanwhile is it worth looking out for more.
                let calls = self.calls.load(Ordering::Relaxed);
                if known != calls {
                    (known, patience, sleep) = (calls, Patience::default(), SHORTEST_SLEEP);
                }
                seat.state.store(WAITING, Ordering::Release);
            }
        }
    }

    /// Takes part in a call for whoever comes, once. The seat is then CALLED.
    fn join(&self, seat: &Seat, joined: &mut u32) -> bool {
        if !self.open.load(Ordering::Relaxed)
            || *joined == self.calls.load(Ordering::Relaxed)
            || !seat.change(WAITING, CALLED)
        {
            return false;
        }
        if self.open.load(Ordering::SeqCst) {
            *joined = self.calls.load(Ordering::Relaxed);
            return true;
        }
        seat.state.store(WAITING, Ordering::Release);
        false
    }

    /// Makes the call, as the thread with index `own`, and returns when it is done.
    fn lead(&self, own: usize, whom: Whom, call: Call<'_>) {
        /// Waits for all who were called, even where the leader's part panics: they hold what it has borrowed.
        struct Wait<'a>(&'a Team);
        impl Drop for Wait<'_> {
            fn drop(&mut self) {
                self.0.open.store(false, Ordering::SeqCst);
                for seat in &self.0.seats {
                    let mut patience = Patience::default();
                    while seat.state.load(Ordering::SeqCst) == CALLED {
                        patience.wait();
                    }
                }
                LED.set(self.0);
                if std::thread::panicking() {
                    // One panic is enough, and the next call begins with none.
                    drop(self.0.panic.lock().map(|mut first| first.take()));
                }
            }
        }
        // Within its own share the leader has nobody to call.
        LED.set(std::ptr::null());
        let wait = Wait(self);
        // SAFETY: nobody follows a call, and `Wait` keeps what is borrowed alive until nobody does again.
        unsafe { *self.call.get() = Some(std::mem::transmute::<Call<'_>, Call<'static>>(call)) };
        self.calls.fetch_add(1, Ordering::Relaxed);
        match whom {
            Whom::Anyone => {
                self.open.store(true, Ordering::SeqCst);
                alone(|| call(own));
            }
            Whom::Below(wanted) => {
                let mut here = Vec::with_capacity(1);
                for (index, seat) in self.seats.iter().enumerate().take(wanted) {
                    if index == own || !seat.change(WAITING, CALLED) {
                        here.push(index);
                    }
                }
                alone(|| here.into_iter().for_each(call));
            }
        }
        drop(wait);
        if let Some(panic) = self.panic.lock().ok().and_then(|mut first| first.take()) {
            resume_unwind(panic);
        }
    }
}

/// Runs `work` on a thread of the pool, which leads the others until it is done.
pub fn together(work: impl FnOnce() + Send) {
    let team = Team {
        seats: (0..count()).map(|_| Seat::default()).collect(),
        call: UnsafeCell::new(None),
        calls: AtomicU32::new(0),
        open: AtomicBool::new(false),
        panic: Mutex::new(None),
        over: AtomicBool::new(false),
    };
    /// Lets the team go, even where the work panics.
    struct Led<'a>(&'a Team);
    impl Drop for Led<'_> {
        fn drop(&mut self) {
            self.0.over.store(true, Ordering::Release);
            LED.set(std::ptr::null());
            self.0.seats.iter().filter_map(|seat| seat.thread.get()).for_each(Thread::unpark);
        }
    }
    rayon::scope(|scope| {
        // The others follow this thread already or have called it, and would not come before they are let go.
        if !LED.get().is_null() || available() < 2 {
            return work();
        }
        let (own, team) = (rayon::current_thread_index(), &team);
        scope.spawn_broadcast(move |_, thread| {
            if Some(thread.index()) != own {
                team.follow(thread.index());
            }
        });
        LED.set(team);
        let _led = Led(team);
        work();
    });
}

/// The team that this thread leads, with its own index.
fn led<'a>() -> Option<(usize, &'a Team)> {
    // SAFETY: while the pointer is set, this thread is in `together`, which holds the team.
    Some((rayon::current_thread_index()?, unsafe { LED.get().as_ref() }?))
}

/// Items that threads take out, each once.
struct Items<T>(Vec<Mutex<Option<T>>>);

impl<T> Items<T> {
    fn new(items: Vec<T>) -> Items<T> {
        Items(items.into_iter().map(|item| Mutex::new(Some(item))).collect())
    }

    fn take(&self, index: usize) -> Option<T> {
        self.0.get(index)?.lock().ok()?.take()
    }
}

/// Calls `task` for every item, item `i` on thread `i` modulo their number where they are a team, else all on this one.
pub fn in_turn<T: Send>(items: Vec<T>, task: impl Fn(T) + Sync) {
    let Some((own, team)) = led() else { return items.into_iter().for_each(task) };
    let (items, threads) = (Items::new(items), team.seats.len());
    team.lead(own, Whom::Below(threads.min(items.0.len())), &|index| {
        (index..items.0.len()).step_by(threads).filter_map(|index| items.take(index)).for_each(&task);
    });
}

/// Calls `task` for every item, each on whichever thread is free.
pub fn any_order<T: Send>(items: Vec<T>, task: impl Fn(T) + Sync + Send) {
    let Some((own, team)) = led() else {
        return items.into_par_iter().with_max_len(1).for_each(task);
    };
    let (items, next) = (Items::new(items), AtomicUsize::new(0));
    team.lead(own, Whom::Anyone, &|_| {
        while let Some(item) = items.take(next.fetch_add(1, Ordering::Relaxed)) {
            task(item);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On threads that no other test uses.
    fn on_own_threads(work: impl FnOnce() + Send) {
        rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads").install(work);
    }

    #[test]
    fn every_item_is_done_once_and_a_panic_is_the_callers() {
        let counts: Vec<AtomicU32> = (0..37).map(|_| AtomicU32::new(0)).collect();
        on_own_threads(|| {
            together(|| {
                for _ in 0..1_000 {
                    in_turn(counts.iter().collect(), |count| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        });
        assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1_000));
        for index in 0..2 {
            let outcome = catch_unwind(|| {
                on_own_threads(|| {
                    together(|| in_turn(vec![0, 1], |item| assert_ne!(item, index, "the item's own words")));
                });
            });
            let panic = outcome.expect_err("a panic");
            let words = panic.downcast_ref::<String>().expect("its words");
            assert!(words.contains("the item's own words"), "{words}");
        }
    }

    #[test]
    fn teams_side_by_side_and_within_another_end() {
        let done = AtomicU32::new(0);
        let count = |_: u32| {
            done.fetch_add(1, Ordering::Relaxed);
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        together(|| in_turn(vec![1, 2, 3], count));
                    }
                });
            }
        });
        assert_eq!(done.swap(0, Ordering::Relaxed), 600);
        any_order((0..8).collect(), |_: u32| together(|| in_turn(vec![1, 2], count)));
        assert_eq!(done.swap(0, Ordering::Relaxed), 16);
        // Within a call there is nobody to lead.
        together(|| in_turn(vec![1, 2], |_| in_turn(vec![1, 2, 3], count)));
        assert_eq!(done.swap(0, Ordering::Relaxed), 6);
        // A team leads no other, and what is in no order has all its threads.
        together(|| together(|| any_order(vec![1; 100], count)));
        assert_eq!(done.load(Ordering::Relaxed), 100);
    }

    #[test]
    fn a_team_shares_what_is_in_no_order() {
        // Tasks that wait for each other end only side by side, whether the other thread comes late, waits or sleeps.
        let meet = |arrived: &AtomicU32| {
            arrived.fetch_add(1, Ordering::Relaxed);
            let begin = std::time::Instant::now();
            while arrived.load(Ordering::Relaxed) < 2 {
                assert!(begin.elapsed() < Duration::from_secs(60), "nobody came");
                std::thread::yield_now();
            }
        };
        on_own_threads(|| {
            for pause in [0, 20, 200, 20_000] {
                together(|| {
                    for _ in 0..20 {
                        let arrived = AtomicU32::new(0);
                        any_order(vec![(); 2], |()| meet(&arrived));
                        std::thread::sleep(Duration::from_micros(pause));
                    }
                });
            }
        });
    }
}
