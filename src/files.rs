//! Reading files that others wrote: only regular ones, and none that is longer than its kind can be. A device such as
//! `/dev/zero` has no end, and a pipe may never have a writer. And writing files that are whole as soon as they are there.
//!
//! ```
//! use softq::files;
//!
//! let path = std::env::temp_dir().join(format!("softq_files_{}", std::process::id()));
//! files::write(&path, b"whole or not at all")?;
//! assert_eq!(files::read(&path, 64)?, b"whole or not at all");
//! assert!(files::read(&path, 4).is_err(), "longer than its kind can be");
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most bytes of a file of settings, of digests or of an environment.
pub const MOST_TEXT: u64 = 1 << 20;
/// Most bytes of a file of weights, or of recorded numbers.
pub const MOST_DATA: u64 = 4 << 30;

/// The bytes of a regular file of at most `most` bytes.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let wrong = |message: String| Error::new(ErrorKind::InvalidInput, message);
    let about = std::fs::metadata(path)?;
    if about.is_dir() {
        return Err(wrong("this is a directory".into()));
    }
    if !about.is_file() {
        return Err(wrong("this is no regular file, but a device, a pipe or a socket".into()));
    }
    let too_long = |bytes: u64| wrong(format!("the file has {bytes} bytes; at most {most} are allowed"));
    if about.len() > most {
        return Err(too_long(about.len()));
    }
    let mut bytes = Vec::new();
    // Files of /proc, and those that grow meanwhile, are longer than they say.
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        length if length > most => Err(too_long(length)),
        _ => Ok(bytes),
    }
}

/// Writes a file under a temporary name beside it, fsyncs it, renames it, and fsyncs the directory: a file that is there is whole.
/// For files that one process at a time writes: the temporary name is always the same, so that a crash leaves one at most.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_by(path, "tmp", bytes)
}

/// The same for files that several processes may write at once.
pub fn write_shared(path: &Path, bytes: &[u8]) -> Result<()> {
    // The process id keeps two processes apart, the counter two threads of one.
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let unique = format!("{}-{}.tmp", std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    write_by(path, &unique, bytes)
}

fn write_by(path: &Path, ending: &str, bytes: &[u8]) -> Result<()> {
    let name =
        path.file_name().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "this is no path of a file"))?;
    let temporary = path.with_file_name(format!(".{}.{ending}", name.to_string_lossy()));
    let written = File::create(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            // Without this a power cut can leave the new name on an empty file.
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_dir(path));
    if written.is_err() {
        // The first error is the one to report; a leftover temporary file does no harm.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The rename survives a power cut only once the directory of `path` itself is on disk. Windows cannot open directories as
/// files and needs no such call.
fn sync_dir(path: &Path) -> Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// The text of a regular file of at most `most` bytes, without a byte order mark.
pub fn read_text(path: &Path, most: u64) -> Result<String> {
    let text = String::from_utf8(read(path, most)?).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("a byte of line {line} is not UTF-8; save the file as plain UTF-8 text");
        Error::new(ErrorKind::InvalidData, message)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_allowed_length_are_read() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("file");
        let said = |path: &Path| read_text(path, 4).expect_err("refused").to_string();
        std::fs::write(&path, "\u{feff}a").expect("write");
        assert_eq!(read_text(&path, 4).expect("four bytes"), "a");
        std::fs::write(&path, "12345").expect("write");
        assert_eq!(said(&path), "the file has 5 bytes; at most 4 are allowed");
        std::fs::write(&path, b"a\n\xff").expect("write");
        assert!(said(&path).contains("line 2 is not UTF-8"));
        assert_eq!(said(dir.path()), "this is a directory");
        #[cfg(unix)]
        assert!(said(Path::new("/dev/zero")).contains("no regular file"));
    }
}
