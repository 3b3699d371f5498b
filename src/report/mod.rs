//! Pictures of a run: learning curves as SVG, PNG and terminal text, and an agent at work as GIF, PNG and terminal text.
//!
//! Nothing here touches the GPU. A run hands over plain numbers ([`curve::CurvePoint`]) or plain pixels
//! ([`gif::Frame`]) and gets a file or a string back. Files appear whole or not at all: they are written under a
//! temporary name next to their destination and renamed, so a viewer that reloads the picture during training
//! never meets half of one.
//!
//! ```
//! use softq::report::curve::CurvePoint;
//! use softq::report::terminal::plot_terminal;
//!
//! let points: Vec<CurvePoint> =
//!     (0..=10).map(|i| CurvePoint { env_steps: i * 1000, mean: 50.0 * i as f64 }).collect();
//! let text = plot_terminal(&points, Some(475.0), 60, 12);
//! assert!(text.contains("threshold 475"));
//! assert!(text.lines().count() <= 12);
//! ```

mod axis;
pub mod blocks;
mod chart;
pub mod curve;
pub mod gif;
pub mod intervals;
pub mod number;
pub mod picture;
pub mod png;
pub mod policy_map;
pub mod raster;
pub mod roofline;
pub mod terminal;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes `bytes` to `path` by way of a temporary file in the same directory.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    // The process id separates two runs that share a directory, the counter two threads of one run.
    static WRITES: AtomicU64 = AtomicU64::new(0);

    let name = path.file_name().ok_or_else(|| Error::file("write", path, "the path does not name a file"))?;
    let unique = format!(
        ".{}.{}-{}.tmp",
        name.to_string_lossy(),
        std::process::id(),
        WRITES.fetch_add(1, Ordering::Relaxed)
    );
    let temporary = path.with_file_name(unique);

    let written = File::create(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            // Without this a power cut can leave the new name on an empty file.
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // The write already failed; a leftover that cannot be removed either is not the error to report.
        let _ = fs::remove_file(&temporary);
        Error::file("write", path, error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_replace_the_old_one_and_leave_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("picture.svg");
        write_whole(&path, b"first, and longer").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn failures_name_the_file_and_clean_up() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("no/such/dir/picture.svg");
        let error = write_whole(&missing, b"x").unwrap_err();
        assert!(matches!(&error, Error::File { path, .. } if *path == missing), "{error}");

        // A directory in the way makes the rename fail, after the temporary file exists.
        let taken = dir.path().join("taken");
        fs::create_dir_all(taken.join("inside")).unwrap();
        assert!(write_whole(&taken, b"x").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write_whole(Path::new("/"), b"x").is_err());
    }
}
