//! `softq train`: resolve the configuration, train, and leave a run directory behind.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use softq::config::{self, Config};
use softq::error::{Error, Result};
use softq::train::checkpoint::store::Every;
use softq::train::event::Event;
use softq::train::layers::{Layers, SettingsFile, resolve};
use softq::train::resume::{Changes, Resumed, resume};
use softq::train::run_dir::RunDir;
use softq::train::sinks::curve::Curves;
use softq::train::sinks::report::Summary;
use softq::train::sinks::{RunFiles, train_with};
use softq::train::trainer::Trainer;

use super::dashboard::Dashboard;
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
    /// Go on with the run in this directory from its newest checkpoint, to the same bits as if it had never stopped. Its
    /// settings stay; a larger --total-timesteps makes it longer, --device takes another device
    #[arg(long, value_name = "RUN", help_heading = FILES, conflicts_with_all = ["environment", "config", "set", "run_dir", "explain"])]
    resume: Option<PathBuf>,
    /// How often to save a checkpoint: 30s, 5m, 1h, a number of environment steps, or never; else also at the end and at
    /// Ctrl-C
    #[arg(long, value_name = "TIME|N", help_heading = FILES, default_value = "5m")]
    checkpoint_every: Every,
    /// Share of --total-timesteps over which --epsilon falls to --epsilon-final, as CleanRL and Stable-Baselines3 say it:
    /// another way to give --epsilon-decay-steps
    #[arg(long, value_name = "X", help_heading = "Exploration", conflicts_with_all = ["epsilon_decay_steps", "resume"], allow_negative_numbers = true)]
    exploration_fraction: Option<f64>,
    /// Print one JSON line on stdout and nothing else there
    #[arg(long, help_heading = FILES)]
    json: bool,
    /// Print nothing but warnings and errors
    #[arg(long, short, help_heading = FILES)]
    quiet: bool,
    /// Show the run live: curves, throughput, the environment, the agents of a population. q ends it and keeps a checkpoint;
    /// without a terminal, plain lines
    #[arg(long, help_heading = FILES, conflicts_with_all = ["json", "quiet", "explain"])]
    tui: bool,
    /// Print the device, the resolved settings and the commands of one iteration, and do not train
    #[arg(long, help_heading = FILES, conflicts_with_all = ["json", "quiet"])]
    explain: bool,
    /// Time every dispatch of the first iterations with updates: profile.csv has the time per kernel, trace.json opens in
    /// chrome://tracing and Perfetto
    #[arg(long, help_heading = FILES, conflicts_with = "explain")]
    profile: bool,
    #[command(flatten)]
    fields: Flags,
}

const FILES: &str = "Files and output";

impl TrainArgs {
    /// Whether only warnings and errors are printed.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// What a run that goes on takes from the command line.
    fn changes(&self) -> Result<Changes> {
        let mut changes = Changes::default();
        for (setting, text) in &self.fields.0 {
            match setting.key {
                "total_timesteps" => {
                    let value = setting.parse(text).and_then(|value| u64::try_from(value.as_integer()?).ok());
                    let value = value.ok_or_else(|| {
                        Error::invalid("--total-timesteps", format!("'{text}'"), setting.expected(), "")
                    })?;
                    changes.total_timesteps = Some(value);
                }
                "device" => changes.device = Some(text.clone()),
                _ => {
                    let hint = "A run that goes on keeps its settings; start a new one to change them.";
                    let allowed =
                        "absent beside --resume, as all settings but --total-timesteps and --device";
                    return Err(Error::invalid(format!("--{}", setting.flag()), text, allowed, hint));
                }
            }
        }
        Ok(changes)
    }

    fn layers(&self) -> Result<Layers> {
        let mut flags = self.fields.0.clone();
        if let Some(name) = &self.environment {
            flags.push((config::find("env")?, name.clone()));
        }
        let file = self.config.as_deref().map(SettingsFile::read).transpose()?;
        let layers = Layers { file, set: self.set.clone(), flags };
        let Some(share) = self.exploration_fraction else { return Ok(layers) };
        if !(0.0..=1.0).contains(&share) {
            let hint = "It is the share of the run over which epsilon falls; 0.5 is half of it.";
            return Err(Error::invalid("--exploration-fraction", share, "in [0, 1]", hint));
        }
        // 0 steps would leave epsilon where it begins.
        let steps = (share * resolve(&layers)?.config.total_timesteps as f64).round().max(1.0) as u64;
        let mut flags = layers.flags;
        flags.push((config::find("epsilon_decay_steps")?, steps.to_string()));
        Ok(Layers { flags, ..layers })
    }
}

/// Runs the command.
pub fn train(args: &TrainArgs, out: &mut dyn Write) -> Result<()> {
    if let Some(path) = &args.resume {
        let Resumed { trainer, files, config, env, curves } =
            resume(path, &args.changes()?, args.checkpoint_every)?;
        let dir = RunDir::existing(path);
        return Run { args, config: &config, threshold: env.reward_threshold, dir }
            .train(trainer, files, curves, out);
    }
    let resolved = resolve(&args.layers()?)?;
    resolved.notes.iter().for_each(|note| progress_line::warn(note));
    if args.profile && resolved.config.megakernel {
        return Err(Error::invalid(
            "--profile",
            true,
            "absent with megakernel = true",
            "A megakernel has one time for all that is in it; profile the run without it.",
        ));
    }
    let trainer = Trainer::new(&resolved.config)?;
    if args.explain {
        return say(out, &settings::explanation(&resolved, &trainer)?);
    }
    // After the device is known to work, so that a refused run leaves no directory behind.
    let dir = match &args.run_dir {
        Some(path) => RunDir::create(path)?,
        None => RunDir::create_in(Path::new("runs"), &resolved.config)?,
    };
    let files = RunFiles::create(dir.clone(), &trainer, args.checkpoint_every)?;
    let threshold = resolved.env.reward_threshold;
    Run { args, config: &resolved.config, threshold, dir }.train(trainer, files, Curves::default(), out)
}

/// A run, new or going on, and how it is shown.
struct Run<'a> {
    args: &'a TrainArgs,
    config: &'a Config,
    threshold: Option<f64>,
    dir: RunDir,
}

impl Run<'_> {
    fn train(
        self,
        mut trainer: Trainer,
        files: RunFiles,
        mut curves: Curves,
        out: &mut dyn Write,
    ) -> Result<()> {
        let Run { args, config, threshold, dir } = self;
        if args.profile {
            trainer.profile();
        }
        let stop = signals::watch();
        let report = if args.tui && std::io::stdout().is_terminal() {
            let mut dashboard = Dashboard::open(config, &trainer, &stop, &mut curves)?;
            train_with(&mut trainer, files, &stop, &mut dashboard)
        } else {
            let mut line = ProgressLine::new(Mode::of(args.quiet, args.json), config, threshold);
            let outcome = train_with(&mut trainer, files, &stop, &mut |event: &Event| {
                line.observe(event);
                curves.take(event);
                Ok(())
            });
            line.finish();
            outcome
        }?;
        if args.json {
            return json_line(out, &Summary::of(&report, &dir));
        }
        if args.quiet {
            return Ok(());
        }
        let closing = summary::closing_text(&report, threshold, trainer.choice(), &dir);
        let ranking =
            if report.members.len() > 1 { ranking::table(&report, threshold) + "\n" } else { String::new() };
        let profile = trainer.profiled().map_or(String::new(), summary::profile);
        say(out, &format!("{}\n{ranking}{profile}{closing}", curves.terminal(threshold)))
    }
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
        let cleanrl = [
            "--env-id",
            "CartPole-v1",
            "--algo",
            "dqn",
            "--total-timesteps",
            "500000",
            "--start-e",
            "0.8",
            "--end-e",
            "0.05",
            "--exploration-fraction",
            "0.5",
        ];
        let config = resolve(&arguments(&cleanrl).layers().expect("layers")).expect("settings").config;
        assert_eq!((config.epsilon, config.epsilon_final, config.epsilon_decay_steps), (0.8, 0.05, 250_000));
        let error = arguments(&["cartpole", "--exploration-fraction", "1.5"]).layers().expect_err("refused");
        assert!(
            error.exit_code() == 2 && error.to_string().contains("--exploration-fraction = 1.5"),
            "{error}"
        );
        for (line, expected) in [
            (vec!["--exploration-fraction", "0.5", "--epsilon-decay-steps", "9"], "cannot be used with"),
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
