//! Signals that ask a run to end. The first one is noted, so that the run can keep its last weights; one that comes a second
//! later or more ends the process at once, as it would without us. Sooner it may be the same wish once more: `timeout` and some
//! terminals send a signal to the process and to its group.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// How long further signals count as the first one.
const ONE_WISH: Duration = Duration::from_secs(1);

/// The number of the signal that came, 0 before any.
pub fn watch() -> Arc<AtomicUsize> {
    let (came, patient) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    signals.push(signal_hook::consts::SIGHUP);
    // Who started us with a signal ignored, as nohup does, wants it ignored.
    signals.retain(|signal| !ignored(*signal));
    for signal in &signals {
        // Where a handler cannot be set, the signal ends the process as it always did.
        let _ = flag::register_conditional_default(*signal, Arc::clone(&patient))
            .and_then(|_| flag::register_usize(*signal, Arc::clone(&came), *signal as usize));
    }
    let first = Arc::clone(&came);
    // A flag has no one to wake; ten looks per second cost nothing.
    thread::spawn(move || {
        while first.load(Ordering::Relaxed) == 0 {
            thread::sleep(ONE_WISH / 10);
        }
        thread::sleep(ONE_WISH);
        patient.store(true, Ordering::Relaxed);
    });
    came
}

/// Whether the process was started with `signal` ignored; where the system does not tell, it was not.
fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}
