//! The files of `tests/data/fuzz/` through the entries that the fuzz targets have: none may panic, those that are named `ok_*` are
//! taken, all others are refused.

#[path = "../fuzz/entries.rs"]
mod entries;

use std::fs;
use std::time::{Duration, Instant};

/// A file takes milliseconds; what grows with a number in it would take longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

fn feed(target: &str, entry: impl Fn(&[u8]) -> bool) {
    let folder = format!("{}/tests/data/fuzz/{target}", env!("CARGO_MANIFEST_DIR"));
    let (mut taken, mut refused, mut wrong) = (0, 0, Vec::new());
    for file in fs::read_dir(&folder).expect("the corpus") {
        let path = file.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("read");
        let begun = Instant::now();
        let is_taken = entry(&bytes);
        if is_taken != name.starts_with("ok_") {
            wrong.push(name.clone());
        }
        assert!(begun.elapsed() < PATIENCE, "{target}/{name}: {:?}", begun.elapsed());
        *if is_taken { &mut taken } else { &mut refused } += 1;
    }
    assert!(wrong.is_empty(), "{target}: taken or refused against their names: {wrong:?}");
    assert!(taken >= 1 && refused >= 5, "{target}: {taken} taken, {refused} refused");
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("a corpus of text")
}

#[test]
fn settings() {
    feed("settings", |bytes| entries::settings(text(bytes)));
}

#[test]
fn environment() {
    feed("environment", |bytes| entries::environment(text(bytes)));
}

#[test]
fn checkpoint() {
    feed("checkpoint", entries::checkpoint);
}

#[test]
fn conformance() {
    feed("conformance", entries::conformance);
}
