//! `softq train`: resolve the configuration, train, and leave a run directory behind.

use std::io::Write;
use std::path::{Path, PathBuf};

use softq::config;
use softq::error::Result;
use softq::train::layers::{Layers, SettingsFile, resolve};
use softq::train::run_dir::RunDir;
use softq::train::sinks::curve::Curves;
use softq::train::sinks::report::Summary;
use softq::train::sinks::train_in;
use softq::train::trainer::Trainer;

use super::flags::Flags;
use super::progress_line::{Mode, ProgressLine};
use super::{json_line, progress_line, ranking, say, settings, signals, summary};

/// Arguments of `softq train`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Precedence: built-in default < preset of the environment < --config FILE < --set < flags. \
                        The preset of an environment may differ from the defaults shown above; `--explain` prints \
                        the resolved values and where each came from.\n\n\
                        Examples:\n  softq train cartpole\n  softq train cartpole --seed 3 --device cpu --json\n  \
                        softq train --config runs/CartPole-v1__sqn__0__1700000000/config.toml --learning-rate 5e-4"
)]
pub struct TrainArgs {
    /// Environment: Gymnasium id or short name, e.g. CartPole-v1 or cartpole
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// Read settings from a TOML file; a run's config.toml repeats the run
    #[arg(long, value_name = "FILE", help_heading = FILES)]
    config: Option<PathBuf>,
    /// Set any config key, e.g. --set learning_rate=0.001; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = FILES)]
    set: Vec<String>,
    /// Directory for the files of this run, new or empty [default: runs/<env>__<algo>__<seed>__<unix time>]
    #[arg(long, value_name = "PATH", help_heading = FILES)]
    run_dir: Option<PathBuf>,
    /// Print one JSON line on stdout and nothing else there
    #[arg(long, help_heading = FILES)]
    json: bool,
    /// Print nothing but warnings and errors
    #[arg(long, short, help_heading = FILES)]
    quiet: bool,
    /// Print the device, the resolved settings and the commands of one iteration, and do not train
    #[arg(long, help_heading = FILES)]
    explain: bool,
    #[command(flatten)]
    fields: Flags,
}

const FILES: &str = "Files and output";

impl TrainArgs {
    /// Whether only warnings and errors are printed.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    fn layers(&self) -> Result<Layers> {
        let mut flags = self.fields.0.clone();
        if let Some(name) = &self.environment {
            flags.push((config::find("env")?, name.clone()));
        }
        let file = self.config.as_deref().map(SettingsFile::read).transpose()?;
        Ok(Layers { file, set: self.set.clone(), flags })
    }
}

/// Runs the command.
pub fn train(args: &TrainArgs, out: &mut dyn Write) -> Result<()> {
    let resolved = resolve(&args.layers()?)?;
    if let Some(note) = &resolved.note {
        progress_line::warn(note);
    }
    let mut trainer = Trainer::new(&resolved.config)?;
    if args.explain {
        return say(out, &settings::explanation(&resolved, &trainer));
    }
    // After the device is known to work, so that a refused run leaves no directory behind.
    let dir = match &args.run_dir {
        Some(path) => RunDir::create(path)?,
        None => RunDir::create_in(Path::new("runs"), &resolved.config)?,
    };
    let stop = signals::watch();
    let mut line =
        ProgressLine::new(Mode::of(args.quiet, args.json), &resolved.config, resolved.env.reward_threshold);
    let mut curves = Curves::default();
    let outcome = train_in(&mut trainer, dir.clone(), &stop, &mut |event| {
        line.observe(event);
        curves.take(event);
        Ok(())
    });
    line.finish();
    let report = outcome?;
    if args.json {
        return json_line(out, &Summary::of(&report, &dir));
    }
    if args.quiet {
        return Ok(());
    }
    let threshold = resolved.env.reward_threshold;
    let closing = summary::closing_text(&report, threshold, trainer.choice(), &dir);
    let ranking =
        if report.members.len() > 1 { ranking::table(&report, threshold) + "\n" } else { String::new() };
    say(out, &format!("{}\n{ranking}{closing}", curves.terminal(threshold)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    fn arguments(line: &[&str]) -> TrainArgs {
        let line = ["softq", "train"].iter().chain(line);
        match Cli::try_parse_from(line).unwrap_or_else(|e| panic!("{e}")).command {
            crate::cli::Command::Train(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_have_the_spellings_users_expect() {
        let args = arguments(&["--env-id", "cartpole", "--learning-rate", "-1", "--kl", "true", "-q"]);
        let flags: Vec<_> =
            args.layers().expect("layers").flags.iter().map(|(f, v)| (f.key, v.clone())).collect();
        assert_eq!(
            flags,
            [("env", "cartpole".to_owned()), ("learning_rate", "-1".to_owned()), ("kl", "true".to_owned())]
        );
        for (line, expected) in [
            (vec!["--learning-rat", "1"], "--learning-rate"),
            (vec!["--backup", "sample"], "sampled"),
            (vec!["cartpole", "--env", "cartpole"], "cannot be used with"),
            (vec!["--kl", "maybe"], "true, false"),
        ] {
            let error = Cli::try_parse_from(["softq", "train"].into_iter().chain(line)).expect_err(expected);
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
