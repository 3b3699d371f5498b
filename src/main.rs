//! The `softq` program; everything is in `cli`.

mod cli;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(&cli::Library) {
        Ok(status) => status,
        Err(error) => {
            // Stderr may be closed; the exit status still tells.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
