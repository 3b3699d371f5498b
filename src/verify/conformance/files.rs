//! Which files a folder holds: cases, transition logs, companions that need no line of their own, and strangers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::verify::conformance::case::FORMAT;
use crate::verify::conformance::rliable;

/// Deepest folder below the given one; ends loops of links.
const MAX_DEPTH: usize = 8;

/// Something in the folder that gets a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A description with its tensors.
    Case {
        /// The JSON file.
        description: PathBuf,
        /// The tensors beside it.
        tensors: PathBuf,
    },
    /// A JSON-lines log of an environment.
    Log(PathBuf),
    /// A file of scores and of what they come to.
    Scores(PathBuf),
    /// Half of a case, or something that should be readable and is not.
    Broken(PathBuf, String),
    /// Nothing this program knows.
    Unknown(PathBuf, String),
}

impl Entry {
    /// The file that names the entry.
    pub fn path(&self) -> &Path {
        match self {
            Entry::Case { description, .. } => description,
            Entry::Log(path) | Entry::Scores(path) | Entry::Broken(path, _) | Entry::Unknown(path, _) => path,
        }
    }

    /// Its path below `root`, with forward slashes.
    pub fn name(&self, root: &Path) -> String {
        let path = self.path().strip_prefix(root).unwrap_or(self.path());
        path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    }
}

/// Everything below `root`, in the order of names.
pub fn discover(root: &Path) -> Result<Vec<Entry>> {
    let mut files = Vec::new();
    walk(root, 0, &mut files)?;
    files.sort();
    // A case is a pair; whichever half comes first finds the other here.
    let mut cases: BTreeMap<PathBuf, [Option<PathBuf>; 2]> = BTreeMap::new();
    let mut entries = Vec::new();
    for path in files {
        let stem = path.with_extension("");
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => cases.entry(stem).or_default()[1] = Some(path),
            Some("json") => cases.entry(stem).or_default()[0] = Some(path),
            Some("jsonl") => entries.push(Entry::Log(path)),
            Some("md") => {}
            _ => entries.push(Entry::Unknown(path, "not a conformance file".into())),
        }
    }
    for pair in cases.into_values() {
        match pair {
            [Some(description), Some(tensors)] => entries.push(Entry::Case { description, tensors }),
            [Some(description), None] => entries.extend(lone_description(description)),
            [None, Some(tensors)] => {
                entries.push(Entry::Broken(tensors, "the .json that describes it is missing".into()));
            }
            [None, None] => {}
        }
    }
    entries.sort_by_key(|entry| entry.name(root));
    Ok(entries)
}

/// A JSON file without tensors: scores, half a case, a companion of the logs, or a stranger.
fn lone_description(path: PathBuf) -> Option<Entry> {
    let value: Value = match read(&path).map(|bytes| serde_json::from_slice(&bytes)) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => return Some(Entry::Broken(path, format!("not JSON: {error}"))),
        Err(error) => return Some(Entry::Broken(path, error.to_string())),
    };
    match value.get("format").and_then(Value::as_str) {
        Some(FORMAT) => {
            return Some(Entry::Broken(path, "the .safetensors with its tensors is missing".into()));
        }
        Some(rliable::FORMAT) => return Some(Entry::Scores(path)),
        _ => {}
    }
    let companion = ["MANIFEST.json", "tolerances.json"];
    if path.file_name().is_some_and(|name| companion.iter().any(|known| name == *known)) {
        return None;
    }
    let reason = match value.get("format").and_then(Value::as_str) {
        Some(format) => format!("format '{format}' is not built in"),
        None => "not a conformance case".into(),
    };
    Some(Entry::Unknown(path, reason))
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))? {
        let path = entry.map_err(|error| Error::file("read", folder, error))?.path();
        if !path.is_dir() {
            files.push(path);
        } else if depth < MAX_DEPTH {
            walk(&path, depth + 1, files)?;
        }
    }
    Ok(())
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    crate::files::read(path, crate::files::MOST_DATA).map_err(|error| Error::file("read", path, error))
}

/// The entries that `only` names: by path, file name or name without extension, else every path that contains it.
pub fn select(entries: Vec<Entry>, root: &Path, only: &str) -> Result<Vec<Entry>> {
    let wanted = only.trim_end_matches(".safetensors").trim_end_matches(".jsonl").trim_end_matches(".json");
    let stem = |entry: &Entry| {
        let name = entry.name(root);
        [".json", ".jsonl", ".safetensors"]
            .iter()
            .find_map(|extension| name.strip_suffix(extension))
            .map_or(name.clone(), str::to_owned)
    };
    let exact = |entry: &Entry| {
        let stem = stem(entry);
        stem == wanted || stem.rsplit('/').next() == Some(wanted)
    };
    let any_exact = entries.iter().any(exact);
    let names: Vec<String> = entries.iter().map(stem).collect();
    let chosen: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| if any_exact { exact(entry) } else { entry.name(root).contains(wanted) })
        .collect();
    if chosen.is_empty() {
        return Err(Error::unknown("conformance file", only, names.iter().map(String::as_str)));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_logs_companions_and_strangers() {
        let root = tempfile::tempdir().expect("folder");
        let file = |name: &str, text: &str| std::fs::write(root.path().join(name), text).expect("write");
        std::fs::create_dir(root.path().join("algorithms")).expect("folder");
        file("a.json", "{}");
        file("a.safetensors", "");
        file("algorithms/b.safetensors", "");
        file("algorithms/c.json", "{\"format\": \"sqn-conformance-algorithms/1\"}");
        file("tolerances.json", "{}");
        file("broken.json", "{");
        file("README.md", "");
        file("x.jsonl", "");
        file("x.bin", "");
        let entries = discover(root.path()).expect("entries");
        let names: Vec<String> = entries.iter().map(|entry| entry.name(root.path())).collect();
        let expected =
            ["a.json", "algorithms/b.safetensors", "algorithms/c.json", "broken.json", "x.bin", "x.jsonl"];
        assert_eq!(names, expected);
        assert!(matches!(entries[0], Entry::Case { .. }));
        assert!(entries[1..4].iter().all(|entry| matches!(entry, Entry::Broken(..))));
        assert!(matches!(entries[4], Entry::Unknown(..)));
        assert_eq!(select(entries.clone(), root.path(), "b").expect("exact").len(), 1);
        assert_eq!(select(entries.clone(), root.path(), "algorithms/").expect("part").len(), 2);
        assert_eq!(select(entries, root.path(), "nothing").expect_err("unknown").exit_code(), 2);
    }
}
