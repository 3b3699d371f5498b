//! How long the device has been at work, without waiting for it: every submission writes when it began and ended, and its staging
//! buffer is mapped behind it, as those of snapshots are.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::gpu::readback::{FAILED, PENDING, READY};
use crate::gpu::timestamps::Timestamps;

/// Adds up the times of submissions that have ended.
#[derive(Default)]
pub(super) struct Meter {
    free: Vec<Timestamps>,
    under_way: VecDeque<(Timestamps, Arc<AtomicU8>)>,
    nanoseconds: u64,
}

impl Meter {
    /// Timestamps for the next submission.
    pub fn next(&mut self, gpu: &wgpu::Device, period: f64) -> Timestamps {
        self.total(period);
        self.free.pop().unwrap_or_else(|| Timestamps::new(gpu, 1))
    }

    /// Has them read once the submission that wrote them, which is the newest, has ended.
    pub fn push(&mut self, timestamps: Timestamps) {
        let state = Arc::new(AtomicU8::new(PENDING));
        let flag = state.clone();
        timestamps.map(move |well| flag.store(if well { READY } else { FAILED }, Ordering::Release));
        self.under_way.push_back((timestamps, state));
    }

    /// Nanoseconds of all submissions whose times have arrived; `period` is a tick's.
    pub fn total(&mut self, period: f64) -> u64 {
        while let Some((timestamps, state)) = self.under_way.front() {
            match state.load(Ordering::Acquire) {
                PENDING => break,
                READY => self.nanoseconds += timestamps.taken(period),
                // The device says itself that it was lost.
                _ => {}
            }
            self.free.extend(self.under_way.pop_front().map(|(timestamps, _)| timestamps));
        }
        self.nanoseconds
    }
}
