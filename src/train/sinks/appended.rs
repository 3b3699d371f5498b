//! A file that grows line by line, or record by record, while a run goes on: a killed run keeps what is there, and a run that
//! goes on from a checkpoint cuts off what came behind it.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::train::run_dir::RunDir;

/// An open file of a run that is only ever added to.
pub struct Appended {
    file: File,
    path: PathBuf,
    /// Bytes of whole records.
    length: u64,
    /// Whether what lies behind them is still to be cut off.
    longer: bool,
}

impl Appended {
    /// Creates the file of this name, which must not be there yet.
    pub fn create(dir: &RunDir, name: &str) -> Result<Appended> {
        let path = dir.file(name);
        let file = File::create_new(&path).map_err(|e| Error::file("create", &path, e))?;
        Ok(Appended { file, path, length: 0, longer: false })
    }

    /// Opens the file as it was when [`Appended::state`] was asked for. Opening changes nothing; [`Appended::cut`] takes off what was
    /// added since then.
    pub fn reopen(dir: &RunDir, name: &str, state: &Value) -> Result<Appended> {
        let path = dir.file(name);
        let fail = |e: &dyn std::fmt::Display| Error::file("go on with", path.clone(), e);
        let length = state["length"].as_u64().ok_or_else(|| fail(&"the checkpoint does not say where"))?;
        let mut file = OpenOptions::new().write(true).open(&path).map_err(|e| fail(&e))?;
        let found = file.metadata().map_err(|e| fail(&e))?.len();
        if found < length {
            let message = format!(
                "it has {found} bytes, and the checkpoint was made when it had {length}: it was cut off or altered. Put the \
                 file of the run back"
            );
            return Err(fail(&message));
        }
        file.seek(SeekFrom::Start(length)).map_err(|e| fail(&e))?;
        Ok(Appended { file, path, length, longer: found > length })
    }

    /// Cuts off what lies behind the state that the file was opened with.
    pub fn cut(&mut self) -> Result<()> {
        if self.longer {
            self.file.set_len(self.length).map_err(|e| Error::file("write", self.path.clone(), e))?;
            self.longer = false;
        }
        Ok(())
    }

    /// What [`Appended::reopen`] needs, once everything written so far is on the disk.
    pub fn state(&self) -> Result<Value> {
        self.file.sync_data().map_err(|e| Error::file("write", self.path.clone(), e))?;
        Ok(json!({ "length": self.length }))
    }

    /// Adds a whole record by one write call, so that a reader never sees half of one and nothing waits in a buffer when
    /// the run is killed. Where a full disk takes only a part of it, that part is taken back.
    pub fn add(&mut self, record: &[u8]) -> Result<()> {
        self.cut()?;
        if let Err(error) = self.file.write_all(record) {
            // The first error is the one to report; the next record, if there is one, begins where this one did.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(Error::file("write", self.path.clone(), error));
        }
        self.length += record.len() as u64;
        Ok(())
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) -> Result<()> {
        self.add(format!("{text}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_on_where_its_state_was_taken() {
        let root = tempfile::tempdir().expect("temporary directory");
        let dir = RunDir::create(root.path()).expect("directory");
        let mut file = Appended::create(&dir, "log").expect("create");
        file.line("kept").expect("write");
        let state = file.state().expect("state");
        file.line("lost").expect("write");
        assert!(Appended::create(&dir, "log").is_err(), "it is there already");
        let mut again = Appended::reopen(&dir, "log", &state).expect("reopen");
        again.line("new").expect("write");
        assert_eq!(std::fs::read_to_string(dir.file("log")).expect("read"), "kept\nnew\n");
        std::fs::write(dir.file("log"), "ke").expect("cut");
        let error = Appended::reopen(&dir, "log", &state).err().expect("too short");
        assert_eq!(error.exit_code(), 6);
        assert!(error.to_string().contains("has 2 bytes"), "{error}");
        assert!(Appended::reopen(&dir, "log", &Value::Null).is_err());
    }
}
