//! The one error type of the library. Every variant names what was wrong, the value, the allowed range and what
//! to do, in one readable paragraph; [`Error::exit_code`] maps it to the program's exit status.
//!
//! ```
//! use softq::{Error, Result};
//!
//! fn limit_of(env: &str) -> Result<u32> {
//!     Ok(softq::envs::find(env)?.step_limit())
//! }
//!
//! assert_eq!(limit_of("cartpole")?, 500);
//! let error = limit_of("cartpool").expect_err("a slip");
//! assert_eq!(error.exit_code(), 2);
//! assert!(error.to_string().contains("CartPole-v1"));
//! assert!(matches!(error, Error::Unknown { nearest: Some(near), .. } if near == "cartpole"));
//! # Ok::<(), Error>(())
//! ```

use std::path::PathBuf;

/// Result of every fallible function in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong, grouped by what a caller can do about it.
///
/// ```
/// use softq::Error;
///
/// let error = Error::invalid("gamma", 1.5, "in [0, 1]", "0.99 is usual.");
/// assert_eq!(error.to_string(), "gamma = 1.5 is not allowed: it must be in [0, 1]. 0.99 is usual.");
/// let error = Error::file("read", "runs/1/config.toml", "it is a directory");
/// assert_eq!(error.to_string(), "cannot read runs/1/config.toml: it is a directory");
/// assert_eq!(error.exit_code(), 6);
/// ```
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flag, config key or environment name that does not exist; `nearest` is the closest known one.
    #[error("unknown {kind} '{name}'.{}{}", nearest_hint(.nearest), known_hint(.known))]
    Unknown {
        /// What kind of name this is: "environment", "algorithm", "config key", ...
        kind: &'static str,
        /// The name as given.
        name: String,
        /// The nearest known name, if one is close.
        nearest: Option<String>,
        /// All known names, when the list is short enough to print.
        known: Vec<String>,
    },
    /// A name that other programs use for something that is said otherwise here.
    #[error("'{name}' is not a setting of softq. {why}")]
    Foreign {
        /// The name as given.
        name: String,
        /// What to say instead.
        why: String,
    },
    /// A value outside its allowed range.
    #[error("{field} = {value} is not allowed: it must be {allowed}. {hint}")]
    Invalid {
        /// Name of the field as the user writes it.
        field: String,
        /// The value as given.
        value: String,
        /// Allowed range in words.
        allowed: String,
        /// What to do about it.
        hint: String,
    },
    /// A config file that cannot be read or parsed.
    #[error("config file {path}: {message}")]
    Config {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with it, with the line where known.
        message: String,
    },
    /// No adapter fits the request.
    #[error("no usable device for --device {requested}: {reason}. {hint}")]
    NoDevice {
        /// The `--device` value.
        requested: String,
        /// Why nothing was taken.
        reason: String,
        /// What to install or pass instead.
        hint: String,
    },
    /// A buffer larger than the device allows.
    #[error("buffer '{buffer}' needs {bytes} bytes, but {device} allows {limit} bytes per buffer. {hint}")]
    TooLarge {
        /// Name of the buffer.
        buffer: String,
        /// Bytes asked for.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
        /// Device that sets the limit.
        device: String,
        /// Which option makes it smaller.
        hint: String,
    },
    /// All buffers together are larger than the memory that is free.
    #[error(
        "the run needs {total} bytes of memory, and {available} bytes are free. The largest buffer is '{buffer}' with {bytes} \
         bytes. {hint} Or train fewer agents (--agents)."
    )]
    OutOfMemory {
        /// Bytes of all buffers.
        total: u64,
        /// Bytes free.
        available: u64,
        /// Name of the largest buffer.
        buffer: String,
        /// Its bytes.
        bytes: u64,
        /// Which option makes it smaller.
        hint: String,
    },
    /// A kernel call that breaks the kernel's contract (lengths, aliasing, loop bound, grid size).
    #[error("kernel '{kernel}': {message}")]
    Kernel {
        /// Kernel name.
        kernel: String,
        /// Which rule was broken, with the numbers.
        message: String,
    },
    /// A shader that does not compile or does not match its declaration.
    #[error("shader '{shader}': {message}")]
    Shader {
        /// Shader or file name.
        shader: String,
        /// Compiler or reflection message.
        message: String,
    },
    /// An environment file that breaks the contract of `docs/your-own-environment.md`.
    #[error("{file}{}: {message}", line_suffix(.line))]
    EnvFile {
        /// Path or name of the file.
        file: String,
        /// Line, from 1, where one can be named.
        line: Option<usize>,
        /// What is wrong, what is expected, what to do.
        message: String,
    },
    /// The device went away or refused work.
    #[error(
        "the device was lost: {message}. Files up to the last checkpoint are intact: go on from there with `softq train --resume` and \
         the run directory, if need be with --device cpu."
    )]
    DeviceLost {
        /// Driver message.
        message: String,
    },
    /// Training met a NaN or an infinity.
    #[error(
        "training diverged: {what} became non-finite at update {update} (env step {env_steps}).{} Lower --learning-rate, set --max-grad-norm, or raise --alpha-min.",
        if kept.is_empty() { String::new() } else { format!(" The last finite weights are kept in {kept}.") }
    )]
    Diverged {
        /// Which quantity.
        what: String,
        /// Update number at which it was seen.
        update: u64,
        /// Environment steps taken by then.
        env_steps: u64,
        /// Where the last good weights are; empty where nothing keeps them.
        kept: String,
    },
    /// An environment returned a NaN or an infinity.
    #[error(
        "{env} returned {what} that is not finite (NaN or infinite), in lane {lane} at step {step} of {during}.{} Look for a division by 0, a root or logarithm of a negative number, or a state that \
         grows without bound; `softq check-env` plays the environment.",
        if kept.is_empty() { String::new() } else { format!(" The last weights are kept in {kept}.") }
    )]
    NotFinite {
        /// The environment.
        env: Box<str>,
        /// A reward or an observation.
        what: &'static str,
        /// Which of the environments side by side, and of which agent.
        lane: Box<str>,
        /// The step of this lane, from 0; the first observation comes before it.
        step: Box<str>,
        /// Training, an evaluation or a rollout.
        during: &'static str,
        /// Where the last weights are; empty without any.
        kept: Box<str>,
    },
    /// A signal, or the key of a live view ([`QUIT`]), asked the run to end.
    #[error("interrupted by {}{}", signal_name(.signal), interruption(*.env_steps, .kept, .goes_on))]
    Interrupted {
        /// Number of the signal.
        signal: usize,
        /// Environment steps taken by then, by what counts them.
        env_steps: Option<u64>,
        /// Where the last weights are; empty without any.
        kept: String,
        /// A sentence about what goes on from here; empty where nothing does.
        goes_on: String,
    },
    /// A verification that found something wrong; the details are in its report.
    #[error(
        "{failed} of {total} checks failed on {device}. Each failure above names the command that repeats it."
    )]
    Failed {
        /// Checks that failed.
        failed: usize,
        /// Checks run.
        total: usize,
        /// Device under test.
        device: String,
    },
    /// A benchmark with a row whose result was wrong, or with one that was slower than it may be.
    #[error("the benchmark failed on {device}: {message}")]
    Benchmark {
        /// Which rows, and how.
        message: String,
        /// Device under test.
        device: String,
    },
    /// An exported file that does not do what the engine does.
    #[error(
        "the exported file does not compute what the engine does: {message}. Nothing was written. This is a fault of softq; the run \
         itself is not concerned."
    )]
    Parity {
        /// In what they differ.
        message: String,
    },
    /// An environment that the checker found wrong; the lines of its report say what and what to do.
    #[error("{failed} of {total} checks of {env} failed; each FAILED line above says what to do.")]
    EnvCheck {
        /// Checks that failed.
        failed: usize,
        /// Checks run.
        total: usize,
        /// File or id.
        env: String,
    },
    /// A shader in which the sanitizer found faults; the lines of its report name them.
    #[error("{} found in {file}; each line above says where and why.", if *.faults == 1 { "1 fault".to_owned() } else { format!("{} faults", .faults) })]
    Faults {
        /// Places of the text with a fault.
        faults: usize,
        /// The shader's file, or what was checked.
        file: String,
    },
    /// A file that cannot be read or written.
    #[error("cannot {action} {path}: {message}")]
    File {
        /// "write", "read", "create".
        action: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Reason from the operating system or parser.
        message: String,
    },
}

impl Error {
    /// Exit status of the program: 1 failed verification, 2 usage or config, 3 no usable device, 4 device lost,
    /// 5 diverged, 6 file; 128 and the number of a signal that ended it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Unknown { .. }
            | Error::Foreign { .. }
            | Error::Invalid { .. }
            | Error::Config { .. }
            | Error::TooLarge { .. }
            | Error::OutOfMemory { .. }
            | Error::EnvFile { .. } => 2,
            Error::Failed { .. }
            | Error::Benchmark { .. }
            | Error::EnvCheck { .. }
            | Error::Parity { .. }
            | Error::Faults { .. } => 1,
            Error::NoDevice { .. } => 3,
            Error::DeviceLost { .. } | Error::Kernel { .. } | Error::Shader { .. } => 4,
            Error::Diverged { .. } | Error::NotFinite { .. } => 5,
            Error::File { .. } => 6,
            Error::Interrupted { signal, .. } => (128 + (signal & 0x7f)) as u8,
        }
    }

    /// Whether it comes from the settings or the world of one run, so that others may be trained all the same.
    pub fn is_of_one_run(&self) -> bool {
        matches!(
            self,
            Error::Invalid { .. }
                | Error::EnvFile { .. }
                | Error::NotFinite { .. }
                | Error::Kernel { .. }
                | Error::Shader { .. }
        )
    }

    /// The same error, which also says where the last weights of the run are.
    pub fn with_kept(self, place: String) -> Error {
        match self {
            Error::Diverged { what, update, env_steps, .. } => {
                Error::Diverged { what, update, env_steps, kept: place }
            }
            Error::NotFinite { env, what, lane, step, during, .. } => {
                Error::NotFinite { env, what, lane, step, during, kept: place.into() }
            }
            Error::Interrupted { signal, env_steps, goes_on, .. } => {
                Error::Interrupted { signal, env_steps, kept: place, goes_on }
            }
            Error::File { action, path, message } => Error::File {
                action,
                path,
                message: format!("{message}. The last weights are kept in {place}"),
            },
            other => other,
        }
    }

    /// [`Error::Invalid`] from anything printable.
    pub fn invalid(
        field: impl Into<String>,
        value: impl ToString,
        allowed: impl Into<String>,
        hint: impl Into<String>,
    ) -> Error {
        Error::Invalid {
            field: field.into(),
            value: value.to_string(),
            allowed: allowed.into(),
            hint: hint.into(),
        }
    }

    /// [`Error::Unknown`] with the nearest of `known` worked out by edit distance.
    pub fn unknown<'a>(kind: &'static str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
        let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
        let nearest = known
            .iter()
            .map(|k| (strsim::jaro_winkler(&k.to_lowercase(), &name.to_lowercase()), k))
            .filter(|(score, _)| *score > 0.7)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, k)| k.clone());
        Error::Unknown { kind, name: name.to_owned(), nearest, known }
    }

    /// [`Error::File`] from an I/O error.
    pub fn file(action: &'static str, path: impl Into<PathBuf>, error: impl ToString) -> Error {
        Error::File { action, path: path.into(), message: error.to_string() }
    }
}

/// What stands for a signal where a person ends a run by a key; its exit status is that of SIGINT.
pub const QUIT: usize = 0x102;

fn signal_name(signal: &usize) -> String {
    match signal {
        1 => "SIGHUP".into(),
        2 => "SIGINT (Ctrl-C)".into(),
        &QUIT => "the key q".into(),
        15 => "SIGTERM".into(),
        other => format!("signal {other}"),
    }
}

fn interruption(env_steps: Option<u64>, kept: &str, goes_on: &str) -> String {
    let mut text = env_steps.map(|steps| format!(" at environment step {steps}")).unwrap_or_default();
    text += ".";
    if !kept.is_empty() {
        text += &format!(" The last weights are kept in {kept}.");
    }
    if !goes_on.is_empty() {
        text += &format!(" {goes_on}");
    }
    text
}

fn line_suffix(line: &Option<usize>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

fn nearest_hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|n| format!(" Did you mean '{n}'?")).unwrap_or_default()
}

fn known_hint(known: &[String]) -> String {
    if known.is_empty() || known.len() > 60 {
        String::new()
    } else {
        format!(" Known: {}.", known.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_the_nearest() {
        let text = Error::unknown("environment", "cartpol", ["cartpole", "acrobot"]).to_string();
        assert!(text.contains("Did you mean 'cartpole'?"), "{text}");
        assert!(!Error::unknown("environment", "zzzz", ["cartpole"]).to_string().contains("Did you mean"));
    }
}
