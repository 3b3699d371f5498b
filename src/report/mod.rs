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

#[doc(hidden)]
pub mod axis;
#[doc(hidden)]
pub mod blocks;
mod chart;
pub mod curve;
pub mod gif;
#[doc(hidden)]
pub mod intervals;
pub mod number;
pub mod picture;
pub mod png;
#[doc(hidden)]
pub mod policy_map;
pub mod raster;
#[doc(hidden)]
pub mod roofline;
pub mod terminal;

use std::path::Path;

use crate::error::{Error, Result};
use crate::files;

/// Writes `bytes` to `path`, whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    files::write_shared(path, bytes).map_err(|error| Error::file("write", path, error))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
