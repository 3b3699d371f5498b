//! Signals that ask a run to end. The first one is noted, so that the run can keep its last weights; a second one ends the
//! process at once, as it would without us.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The number of the signal that came, 0 before any.
pub fn watch() -> Arc<AtomicUsize> {
    let (came, once) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    signals.push(signal_hook::consts::SIGHUP);
    for signal in signals {
        // Who started us with a signal ignored, as nohup does, wants it ignored.
        if ignored(signal) {
            continue;
        }
        // Where a handler cannot be set, the signal ends the process as it always did.
        let _ = flag::register_conditional_default(signal, Arc::clone(&once))
            .and_then(|_| flag::register(signal, Arc::clone(&once)))
            .and_then(|_| flag::register_usize(signal, Arc::clone(&came), signal as usize));
    }
    came
}

/// Whether the process was started with `signal` ignored; where the system does not tell, it was not.
fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}
