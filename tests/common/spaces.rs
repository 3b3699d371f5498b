//! File systems in memory, each in a name space of its own, which needs no privileges where the kernel lets users have one.

use std::path::Path;
use std::process::{Command, Output};

/// Runs a line of shell in a name space: `$0` is the program, `$1` and on are `arguments`. What is mounted ends with it.
pub fn spaces(line: &str, arguments: &[&Path]) -> std::io::Result<Output> {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", line, env!("CARGO_BIN_EXE_softq")]);
    command.args(arguments).output()
}

/// Whether this machine has them; a test that it has not says so.
pub fn available(mount_point: &Path) -> bool {
    match spaces("mount -t tmpfs softq \"$1\"", &[mount_point]) {
        Ok(tried) if tried.status.success() => true,
        refused => {
            eprintln!("no file system of its own for this test: {refused:?}");
            false
        }
    }
}
