//! Shared by the tests that run the program: `mod program` with the path of this file.

#![allow(dead_code, reason = "not every test binary needs all of them")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program with arguments, started in `folder`, its output kept.
pub fn softq_in(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softq"));
    command.args(arguments).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub fn output_in(folder: &Path, arguments: &[&str]) -> Output {
    softq_in(folder, arguments).output().expect("start softq")
}

/// What it prints; it must succeed.
pub fn printed_in(folder: &Path, arguments: &[&str]) -> String {
    let output = output_in(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Demands the exit status, every part of the message, and nothing on stdout.
pub fn refused_in(folder: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let output = output_in(folder, arguments);
    let message = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    for part in parts {
        assert!(message.contains(part), "'{part}' is missing for {arguments:?}: {message}");
    }
    assert_eq!(output.stdout, b"", "{arguments:?}");
}

/// Runs it where the tests run.
pub fn softq(arguments: &[&str]) -> Output {
    output_in(Path::new("."), arguments)
}

/// What it prints there; it must succeed.
pub fn printed(arguments: &[&str]) -> String {
    printed_in(Path::new("."), arguments)
}

/// How it refuses there.
pub fn refused(arguments: &[&str], code: i32, parts: &[&str]) {
    refused_in(Path::new("."), arguments, code, parts);
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("path")
}
