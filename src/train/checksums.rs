//! `SHA256SUMS` of a run directory, in the form that `sha256sum --check` reads: a file that was damaged or altered since the
//! run is refused by its name instead of being used.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files;
use crate::train::run_dir::SUMS_FILE;

/// SHA-256 in hexadecimal.
pub fn sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Digests by file name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checksums(BTreeMap<String, String>);

impl Checksums {
    /// The digests of those of `names` that are files in `dir`.
    pub fn of(dir: &Path, names: &[&str]) -> Result<Checksums> {
        let mut sums = Checksums::default();
        for name in names {
            let path = dir.join(name);
            if path.is_file() {
                let bytes = files::read(&path, files::MOST_DATA)
                    .map_err(|error| Error::file("read", &path, error))?;
                sums.0.insert((*name).to_owned(), sha256(&[&bytes]));
            }
        }
        Ok(sums)
    }

    /// The digests that stand in `dir`; `None` without the file.
    pub fn read(dir: &Path) -> Result<Option<Checksums>> {
        let path = dir.join(SUMS_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text =
            files::read_text(&path, files::MOST_TEXT).map_err(|error| Error::file("read", &path, error))?;
        let mut sums = Checksums::default();
        for (index, line) in text.lines().enumerate() {
            let parts = line.split_once("  ").filter(|(digest, name)| {
                digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) && !name.is_empty()
            });
            let Some((digest, name)) = parts else {
                let message = format!("line {} is no digest and file name, so it was damaged", index + 1);
                return Err(Error::file("read", path, message));
            };
            sums.0.insert(name.to_owned(), digest.to_owned());
        }
        Ok(Some(sums))
    }

    /// Refuses `name` if its bytes are not those of the run. A file that is not listed was written later.
    pub fn check(&self, dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
        match self.0.get(name) {
            Some(digest) if *digest != sha256(&[bytes]) => {
                let message = format!(
                    "its SHA-256 is not the one in {SUMS_FILE}: it was damaged or altered after the run. Restore it, or \
                     delete {SUMS_FILE} to use the files as they are"
                );
                Err(Error::file("load", dir.join(name), message))
            }
            _ => Ok(()),
        }
    }

    /// Files in the list that are not there or not those of the run, but for `known` ones.
    pub fn strangers(&self, dir: &Path, known: &[&str]) -> Vec<String> {
        let others = self.0.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        others
            .filter(|(name, digest)| {
                files::read(&dir.join(name), files::MOST_DATA)
                    .map_or(true, |bytes| **digest != sha256(&[&bytes]))
            })
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        self.0.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect()
    }
}

/// Writes the digest of a file that was made anew, where the directory has digests at all.
pub fn renew(dir: &Path, name: &str) -> Result<()> {
    let Some(mut sums) = Checksums::read(dir)? else { return Ok(()) };
    sums.0.extend(Checksums::of(dir, &[name])?.0);
    let path = dir.join(SUMS_FILE);
    files::write(&path, sums.text().as_bytes()).map_err(|error| Error::file("write", path, error))
}

/// The same for a file by its path.
pub fn renew_at(path: &Path) -> Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.file_name().and_then(|name| name.to_str()).map_or(Ok(()), |name| renew(dir, name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_altered_file_and_a_damaged_list_are_named() {
        assert!(sha256(&[b"a", b"bc"]).starts_with("ba7816bf"), "FIPS 180-2's first example");
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path();
        assert_eq!(Checksums::read(path).expect("no file is fine"), None);
        fs::write(path.join("config.toml"), "seed = 1").expect("write");
        let sums = Checksums::of(path, &["config.toml", "model.safetensors"]).expect("digests");
        fs::write(path.join(SUMS_FILE), sums.text()).expect("write");
        assert_eq!(Checksums::read(path).expect("read"), Some(sums.clone()));
        sums.check(path, "config.toml", b"seed = 1").expect("the same");
        sums.check(path, "agent.gif", b"later").expect("not listed");
        let error = sums.check(path, "config.toml", b"seed = 3").expect_err("altered").to_string();
        assert!(error.contains("config.toml") && error.contains(SUMS_FILE), "{error}");
        fs::write(path.join("config.toml"), "seed = 3").expect("write");
        renew_at(&path.join("config.toml")).expect("renewed");
        let sums = Checksums::read(path).expect("read").expect("there");
        sums.check(path, "config.toml", b"seed = 3").expect("renewed");
        fs::write(path.join(SUMS_FILE), sums.text().replace("  ", " \u{1}")).expect("write");
        assert!(Checksums::read(path).expect_err("damaged").to_string().contains("line 1"));
    }
}
