//! `softq ask-tell`: settings of trials in, a line of JSON at a time, results out. What optimises is another program.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use softq::config::{self, Kind};
use softq::train::event::Event;
use softq::train::layers::Resolved;
use softq::train::trials::{Outcome, Settings, common_notes, config_of, populations, resolved, train_each};
use softq::{Error, Result};

use super::flags::Flags;
use super::{json_line, progress_line, signals};

/// Longest line.
const MOST_BYTES: u64 = 16 << 20;
/// Most trials of a line.
const MOST_TRIALS: usize = 65_535;

/// Arguments of `softq ask-tell`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Each line on stdin is {\"trials\": [{\"learning_rate\": 1e-3}, ...]}, each line on stdout \
                        {\"results\": [...]} with one result per trial, in order. Trials of a line are trained side by side. The \
                        program ends with its input. docs/sweeps.md shows Optuna and a shell loop.\n\n\
                        Example:\n  echo '{\"trials\": [{\"learning_rate\": 1e-3}, {\"learning_rate\": 3e-3}]}' | softq ask-tell cartpole"
)]
pub struct AskTellArgs {
    /// Environment: Gymnasium id or short name, e.g. CartPole-v1 or cartpole
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// Most trials side by side
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    side_by_side: u32,
    #[command(flatten)]
    fields: Flags,
}

impl AskTellArgs {
    /// Settings of all trials.
    fn shared(&self) -> Settings {
        let mut shared = Settings::new();
        if let Some(name) = &self.environment {
            shared.insert("env".into(), name.as_str().into());
        }
        for (setting, text) in &self.fields.0 {
            let value = match setting.kind {
                Kind::Pairs => text.split('\n').map(Value::from).collect(),
                _ => text.as_str().into(),
            };
            shared.insert(setting.key.to_owned(), value);
        }
        shared
    }
}

/// A line of the input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    trials: Vec<Settings>,
}

/// A line of the output.
#[derive(Serialize)]
struct Told {
    results: Vec<TrialResult>,
}

#[derive(Serialize)]
struct TrialResult {
    settings: Settings,
    #[serde(flatten)]
    outcome: Outcome,
    /// Why it could not be trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The answer to a line that asks for what cannot be.
#[derive(Serialize)]
struct Refused {
    error: String,
}

/// Runs the command on stdin.
pub fn ask_tell(args: &AskTellArgs, out: &mut dyn Write) -> Result<()> {
    serve(args, &lines(BufReader::new(std::io::stdin())), &signals::watch(), out)
}

/// The lines of an input, read beside, so that a signal is heard while none comes. The last may be without an end, and one that is too
/// long is cut.
fn lines(mut input: impl BufRead + Send + 'static) -> Receiver<std::io::Result<Vec<u8>>> {
    let (send, receive) = sync_channel(1);
    thread::spawn(move || {
        loop {
            let mut line = Vec::new();
            let read = Read::take(&mut input, MOST_BYTES).read_until(b'\n', &mut line);
            let last = !matches!(read, Ok(bytes) if bytes > 0);
            if send.send(read.map(|_| line)).is_err() || last {
                return;
            }
        }
    });
    receive
}

/// The next line, empty at the end of the input.
fn next(lines: &Receiver<std::io::Result<Vec<u8>>>, stop: &AtomicUsize) -> Result<Vec<u8>> {
    loop {
        match lines.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => return line.map_err(|e| Error::file("read", "standard input", e)),
            Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
            Err(RecvTimeoutError::Timeout) => match stop.load(Ordering::Relaxed) {
                0 => {}
                signal => {
                    let goes_on = "Every line so far is answered.".into();
                    return Err(Error::Interrupted { signal, env_steps: None, kept: String::new(), goes_on });
                }
            },
        }
    }
}

fn serve(
    args: &AskTellArgs,
    lines: &Receiver<std::io::Result<Vec<u8>>>,
    stop: &AtomicUsize,
    out: &mut dyn Write,
) -> Result<()> {
    let shared = args.shared();
    // Wrong flags are told before anything is asked.
    config_of(&shared, &Settings::new())?;
    let mut refused = None;
    for number in 1.. {
        let line = next(lines, stop)?;
        if line.is_empty() {
            break;
        }
        if line.len() as u64 == MOST_BYTES && !line.ends_with(b"\n") {
            let allowed = format!("at most {MOST_BYTES} bytes");
            return Err(Error::invalid(
                format!("line {number} of the input"),
                "longer",
                allowed,
                "Ask in several lines.",
            ));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match answer(args, &shared, number, &line, stop) {
            Ok((told, failed)) => {
                json_line(out, &told)?;
                refused = refused.or(failed);
            }
            Err(error @ (Error::Interrupted { .. } | Error::DeviceLost { .. })) => return Err(error),
            // A line that asks for what cannot be is answered too, and those behind it are not lost.
            Err(error) => {
                json_line(out, &Refused { error: error.to_string() })?;
                refused = refused.or(Some(error));
            }
        }
    }
    refused.map_or(Ok(()), Err)
}

/// What is told of a line, and the first error of a trial of it that cannot be trained.
fn answer(
    args: &AskTellArgs,
    shared: &Settings,
    number: usize,
    line: &[u8],
    stop: &AtomicUsize,
) -> Result<(Told, Option<Error>)> {
    let asked: Asked = serde_json::from_slice(line).map_err(|e| {
        let hint = "For example {\"trials\": [{\"learning_rate\": 1e-3}, {\"learning_rate\": 3e-3}]}.";
        let allowed = "{\"trials\": [settings of a trial, ...]} on one line";
        Error::invalid(format!("line {number} of the input"), e, allowed, hint)
    })?;
    if asked.trials.len() > MOST_TRIALS {
        let allowed = format!("at most {MOST_TRIALS}");
        return Err(Error::invalid("trials", asked.trials.len(), allowed, "Ask in several lines."));
    }
    let (results, failed) = trained(shared, &asked.trials, args.side_by_side, stop)?;
    Ok((Told { results }, failed))
}

fn trained(
    shared: &Settings,
    trials: &[Settings],
    side_by_side: u32,
    stop: &AtomicUsize,
) -> Result<(Vec<TrialResult>, Option<Error>)> {
    let mut configs = Vec::new();
    let mut notes = Vec::new();
    for (number, own) in trials.iter().enumerate() {
        let twice = own.keys().find(|key| {
            let same = |other: &String| {
                config::find(other).ok().map(|s| s.key) == config::find(key).ok().map(|s| s.key)
            };
            shared.keys().any(same)
        });
        if let Some(key) = twice {
            let hint = "Leave the flag out, or the key.";
            let allowed = "either a flag or a key of the trials";
            return Err(Error::invalid(format!("trials[{number}].{key}"), &own[key], allowed, hint));
        }
        let Resolved { config, notes: own_notes, .. } = resolved(shared, own).map_err(|error| {
            Error::invalid(
                format!("trials[{number}]"),
                Value::from(own.clone()),
                "settings of a run",
                error.to_string(),
            )
        })?;
        configs.push((number, config));
        notes.push(own_notes);
    }
    for note in common_notes(notes.into_iter()) {
        progress_line::warn(&note);
    }
    let mut results: Vec<Option<TrialResult>> = trials.iter().map(|_| None).collect();
    let warn = &mut |event: &Event| {
        if let Event::Warning(text) = event {
            progress_line::warn(text);
        }
    };
    let mut failed = None;
    let populations = populations(&configs, side_by_side as usize)?;
    let ended = train_each(populations, stop, warn, &mut |population, outcomes| {
        let mut keep = |trial: usize, outcome: Outcome, error: Option<String>| {
            results[trial] = Some(TrialResult { settings: trials[trial].clone(), outcome, error });
        };
        match outcomes {
            Ok(outcomes) => {
                population
                    .trials
                    .iter()
                    .zip(outcomes)
                    .for_each(|(trial, outcome)| keep(*trial, outcome, None));
            }
            Err(error) => {
                let trial = population.trials[0];
                progress_line::warn(&format!("trials[{trial}] cannot be trained: {error}"));
                keep(trial, Outcome::default(), Some(error.to_string()));
                failed.get_or_insert(error);
            }
        }
        Ok(())
    })?;
    if !ended {
        let signal = stop.load(Ordering::Relaxed);
        let goes_on = "No result of this line is told, since only those of whole trainings are.".into();
        return Err(Error::Interrupted { signal, env_steps: None, kept: String::new(), goes_on });
    }
    Ok((results.into_iter().flatten().collect(), failed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn asked(flags: &[&str], input: &str) -> Result<Vec<Value>> {
        let line =
            ["softq", "ask-tell", "cartpole", "--device", "cpu", "--total-timesteps", "400", "--hidden", "8"];
        let Command::AskTell(args) = Cli::try_parse_from(line.iter().chain(flags)).expect("flags").command
        else {
            panic!("another command");
        };
        let mut out = Vec::new();
        serve(&args, &lines(std::io::Cursor::new(input.to_owned())), &AtomicUsize::new(0), &mut out)?;
        let text = String::from_utf8(out).expect("text");
        Ok(text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
    }

    #[test]
    fn a_line_in_is_a_line_out_in_the_order_of_the_trials() {
        let input = "{\"trials\": [{\"gamma\": 0.9}, {\"batch_size\": 8}, {\"gamma\": 0.8, \"seed\": 3}]}\n\n{\"trials\": []}\n";
        let lines = asked(&["--eval-episodes", "2"], input).expect("answers");
        assert_eq!(lines.len(), 2);
        let results = lines[0]["results"].as_array().expect("results");
        assert_eq!(results.len(), 3);
        assert_eq!(results[2]["settings"], serde_json::json!({"gamma": 0.8, "seed": 3}));
        for result in results {
            assert_eq!(result["env_steps"], 400, "{result}");
            assert!(result["eval_greedy_mean"].as_f64().is_some_and(|mean| mean > 1.0), "{result}");
        }
        assert_eq!(lines[1]["results"].as_array().map(Vec::len), Some(0));
    }

    #[test]
    fn wrong_lines_and_settings_are_named() {
        for (flags, input, part) in [
            (&[][..], "{\"trials\": [{\"gama\": 1}]}", "trials[0]"),
            (&[], "{\"trials\": [{\"gama\": 1}]}", "gamma"),
            (&[], "{\"trial\": []}", "line 1 of the input"),
            (&[], "\n[1]", "line 2 of the input"),
            (&["--gamma", "0.9"], "{\"trials\": [{\"discount\": 1}]}", "either a flag or a key"),
            (&["--gamma", "9"], "", "gamma"),
            (&["--agents", "9"], "", "agents"),
        ] {
            let error = asked(flags, input).expect_err(part);
            assert!(error.exit_code() == 2 && error.to_string().contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn a_wrong_line_is_answered_and_those_behind_it_are_too() {
        let line = ["softq", "ask-tell", "cartpole", "--device", "cpu", "--total-timesteps", "200"];
        let Command::AskTell(args) = Cli::try_parse_from(line).expect("arguments").command else {
            panic!("another command");
        };
        let mut out = Vec::new();
        let input = "{\"trials\": [{\"learning_rate\": 2}]}\n{\"trials\": []}\n";
        serve(&args, &lines(std::io::Cursor::new(input)), &AtomicUsize::new(0), &mut out)
            .expect_err("told at the end too");
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let error = lines[0]["error"].as_str().expect("an error");
        assert!(error.contains("trials[0]") && error.contains("learning_rate"), "{error}");
        assert_eq!(lines[1], serde_json::json!({"results": []}));
    }

    #[test]
    fn a_signal_is_heard_while_nothing_is_asked() {
        let line = ["softq", "ask-tell", "cartpole", "--device", "cpu"];
        let Command::AskTell(args) = Cli::try_parse_from(line).expect("arguments").command else {
            panic!("another command");
        };
        // An input that stays open.
        let (_open, lines) = sync_channel(1);
        let error = serve(&args, &lines, &AtomicUsize::new(15), &mut Vec::new()).expect_err("ended");
        assert!(error.exit_code() == 143 && error.to_string().contains("answered"), "{error}");
    }
}
