//! The `softq` program; everything is in `cli`.

mod cli;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() && std::env::var_os("NODEVICE_SELECT").is_none() {
        // Mesa's device-selection layer would look for a display and print errors on machines without one.
        // SAFETY: nothing else runs yet, so no other thread reads the environment.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
    #[cfg(unix)]
    // SAFETY: nothing else runs yet. A write beyond `ulimit -f` is then an error that can be told, instead of a silent end.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    match cli::run(&cli::Library) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Stderr may be closed; the exit status still tells.
            let _ =
                writeln!(std::io::stderr(), "error: {}", softq::shared::printable::lines(&error.to_string()));
            ExitCode::from(error.exit_code())
        }
    }
}
