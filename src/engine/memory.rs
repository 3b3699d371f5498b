//! Memory of the host, asked before it is taken: a population that does not fit is refused by name, not by the system.
//!
//! ```
//! use softq::engine::memory::{check, check_contents};
//! use softq::engine::recording::Buffers;
//!
//! let mut buffers = Buffers::default();
//! let weights = buffers.add::<f32>("weights", 100, "Use smaller hidden layers.");
//! check(&buffers)?;
//! check_contents(weights.id, &buffers)?;
//! let replay = buffers.add::<f32>("replay", 1 << 60, "Lower --buffer-size.");
//! let refused = check(&buffers).expect_err("more than any machine has");
//! assert!(refused.to_string().contains("'replay'") && refused.to_string().contains("--buffer-size"));
//! assert!(check_contents(replay.id, &buffers).is_err());
//! # Ok::<(), softq::Error>(())
//! ```

use crate::engine::recording::{BufferId, Buffers};
use crate::error::{Error, Result};

/// Refuses `buffers` where all of them together need more than the memory that is free now.
pub fn check(buffers: &Buffers) -> Result<()> {
    available().map_or(Ok(()), |available| fits(buffers, available))
}

/// Refuses initial contents of a buffer that the host could not hold.
pub fn check_contents(buffer: BufferId, buffers: &Buffers) -> Result<()> {
    let one = Buffers { decls: buffers.decls.get(buffer.0 as usize).cloned().into_iter().collect() };
    // The values and their copy on the way to the device.
    available().map_or(Ok(()), |available| fits(&one, available / 2))
}

/// Bytes that can still be had, where the system tells: the least of free memory, of what the container may take (its control
/// group) and of what the process may address (`ulimit -v`).
fn available() -> Option<u64> {
    [free_memory(), free_addresses()].into_iter().flatten().min()
}

#[cfg(feature = "memory")]
fn free_memory() -> Option<u64> {
    use sysinfo::{MemoryRefreshKind, RefreshKind, System};

    let system = System::new_with_specifics(
        RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()),
    );
    let whole = Some(system.available_memory()).filter(|available| *available > 0);
    let group = system.cgroup_limits().map(|limits| limits.free_memory);
    [whole, group].into_iter().flatten().min()
}

#[cfg(not(feature = "memory"))]
fn free_memory() -> Option<u64> {
    None
}

/// What is left below the limit of the address space, where Linux sets one.
fn free_addresses() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let number = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    // `unlimited` is no number. Threads and drivers take addresses as well, without touching them.
    Some(number(&limits, "Max address space")?.saturating_sub(number(&status, "VmSize:")? << 10))
}

fn fits(buffers: &Buffers, available: u64) -> Result<()> {
    let total = buffers.total_bytes();
    match buffers.decls.iter().max_by_key(|decl| decl.words) {
        Some(largest) if total > available => Err(Error::OutOfMemory {
            total,
            available,
            buffer: largest.name.clone(),
            bytes: largest.words.saturating_mul(4),
            hint: largest.hint.into(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_the_buffer_to_shrink() {
        let mut buffers = Buffers::default();
        let _: crate::engine::recording::Buffer<f32> =
            buffers.add("weights", 100, "Use smaller hidden layers.");
        let _: crate::engine::recording::Buffer<f32> = buffers.add("replay", 1_000, "Lower --buffer-size.");
        fits(&buffers, 4_400).expect("exactly as much as there is");
        let error = fits(&buffers, 4_399).expect_err("too much");
        let text = error.to_string();
        for part in ["4400", "4399", "'replay'", "4000", "--buffer-size", "--agents"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(error.exit_code(), 2);
        check(&buffers).expect("4 kB are free");
        let _: crate::engine::recording::Buffer<f32> = buffers.add("replay", 1 << 60, "Lower --buffer-size.");
        check(&buffers).expect_err("more than any machine has");
    }
}
