//! `softq train`: resolve the configuration, train, and leave a run directory behind. Files are written as soon as their
//! content exists, so that a run that ends badly still leaves its settings, its curve and its last finite weights.

use std::io::Write;
use std::path::{Path, PathBuf};

use softq::config;
use softq::error::{Error, Result};
use softq::train::event::{Event, Report};
use softq::train::layers::{Layers, Resolved, SettingsFile, resolve};
use softq::train::model_file::model_bytes;
use softq::train::progress_csv::ProgressCsv;
use softq::train::run_dir::RunDir;
use softq::train::saved_run::{ENVIRONMENT_FILE, MODEL_FILE};

use super::engine::{Engine, Training};
use super::flags::Flags;
use super::pictures::{self, Curves};
use super::progress_line::{Mode, ProgressLine};
use super::{json_line, ranking, say, settings, summary};

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

/// The agents of a population, best first.
const POPULATION_FILE: &str = "population.csv";

const FILES: &str = "Files and output";

impl TrainArgs {
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
pub fn train(engine: &dyn Engine, args: &TrainArgs, out: &mut dyn Write) -> Result<()> {
    let resolved = resolve(&args.layers()?)?;
    let mut training = engine.training(&resolved.config)?;
    if args.explain {
        return say(out, &settings::explanation(&resolved, training.as_ref()));
    }
    // After the device is known to work, so that a refused run leaves no directory behind.
    let dir = match &args.run_dir {
        Some(path) => RunDir::create(path)?,
        None => RunDir::create_in(Path::new("runs"), &resolved.config)?,
    };
    settings::write(engine, &dir, &resolved, training.as_ref())?;

    let mut recorder = Recorder {
        csv: ProgressCsv::create(&dir.file("progress.csv"))?,
        line: ProgressLine::new(Mode::of(args.quiet, args.json), resolved.config.total_timesteps),
        curves: Curves::default(),
        warnings: Vec::new(),
    };
    let outcome = training.run(&mut |event| recorder.observe(event));
    recorder.line.finish();
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            return Err(save_what_is_left(error, &dir, &resolved, training.as_mut(), &recorder.curves));
        }
    };
    finish(args, out, &dir, &resolved, training.as_mut(), &report, &recorder)
}

/// Takes every event to the places that keep or show it.
struct Recorder {
    csv: ProgressCsv,
    line: ProgressLine,
    curves: Curves,
    warnings: Vec<String>,
}

impl Recorder {
    fn observe(&mut self, event: &Event) -> Result<()> {
        self.line.observe(event);
        self.curves.observe(event);
        match event {
            Event::Progress(progress) => self.csv.progress(progress)?,
            Event::Evaluation { env_steps, greedy } => self.csv.evaluation(*env_steps, greedy)?,
            Event::Warning(text) => self.warnings.push(text.clone()),
            Event::Best(_) | Event::Finished(_) => {}
        }
        Ok(())
    }
}

fn finish(
    args: &TrainArgs,
    out: &mut dyn Write,
    dir: &RunDir,
    resolved: &Resolved,
    training: &mut dyn Training,
    report: &Report,
    recorder: &Recorder,
) -> Result<()> {
    let threshold = resolved.env.reward_threshold;
    let title = title(resolved);
    // Weights first: they are what cannot be had again.
    let best = &report.best().config;
    dir.write(MODEL_FILE, &model_bytes(&training.weights()?, best, report.env_steps)?)?;
    let population = report.members.len() > 1;
    let sweep = &resolved.config.sweep;
    if population {
        dir.write(POPULATION_FILE, ranking::csv(report, sweep).as_bytes())?;
    }
    let full = summary::full_report(report, dir.path(), threshold, training.choice(), &recorder.warnings);
    let json =
        serde_json::to_string_pretty(&full).map_err(|e| Error::file("write", dir.file("report.json"), e))?;
    dir.write("report.json", format!("{json}\n").as_bytes())?;
    recorder.curves.write_svg(&dir.file("curve.svg"), &title, threshold)?;
    let drawn = pictures::write_gif(&dir.file("agent.gif"), training)?;

    if args.json {
        return json_line(out, &summary::summary(report, dir.path()));
    }
    if args.quiet {
        return Ok(());
    }
    let mut files = vec![("curve.svg", "learning curve")];
    if drawn {
        files.push(("agent.gif", "one greedy episode"));
    }
    files.extend([
        (MODEL_FILE, if population { "final weights of the best agent" } else { "final weights" }),
        ("config.toml", "settings, for --config"),
        ("progress.csv", "every number over time"),
    ]);
    if population {
        files.push((POPULATION_FILE, "every agent, best first"));
    }
    if dir.file(ENVIRONMENT_FILE).is_file() {
        files.push((ENVIRONMENT_FILE, "the environment, as it was"));
    }
    let mut closing = summary::closing_text(report, threshold, training.choice(), dir.path(), &files);
    if drawn {
        closing += &format!("  watch    softq watch {}\n", dir.path().display());
    }
    if population {
        closing = format!("{}\n{closing}", ranking::table(report, sweep));
    }
    say(out, &format!("{}\n{closing}", recorder.curves.terminal(threshold)))
}

/// After a failure: the curve always, and after a divergence the last finite weights, whose place the error then names.
/// The failure itself stays the error to report.
fn save_what_is_left(
    error: Error,
    dir: &RunDir,
    resolved: &Resolved,
    training: &mut dyn Training,
    curves: &Curves,
) -> Error {
    let curve = curves.write_svg(&dir.file("curve.svg"), &title(resolved), resolved.env.reward_threshold);
    match error {
        Error::Diverged { what, update, env_steps, .. } => {
            let saved = training
                .weights()
                .and_then(|weights| model_bytes(&weights, &resolved.config, env_steps))
                .and_then(|bytes| dir.write(MODEL_FILE, &bytes));
            let kept = match saved.and(curve) {
                Ok(()) => dir.file(MODEL_FILE).display().to_string(),
                Err(e) => format!("no file, because saving failed too ({e})"),
            };
            Error::Diverged { what, update, env_steps, kept }
        }
        other => other,
    }
}

fn title(resolved: &Resolved) -> String {
    let config = &resolved.config;
    format!("{} with {}, seed {}", config.env, config.algo, config.seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::cli::engine::fake::FakeEngine;
    use clap::Parser;

    fn arguments(line: &[&str]) -> TrainArgs {
        let line = ["softq", "train"].iter().chain(line);
        match Cli::try_parse_from(line).unwrap_or_else(|e| panic!("{e}")).command {
            crate::cli::Command::Train(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    fn run(engine: FakeEngine, line: &[&str]) -> (Result<()>, String) {
        let mut out = Vec::new();
        let result = train(&engine, &arguments(line), &mut out);
        (result, String::from_utf8(out).expect("text"))
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).expect("list");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_finished_run_leaves_every_file_and_one_json_line() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("deep/run");
        let line =
            ["cartpole", "--seed", "3", "--json", "--quiet", "--run-dir", path.to_str().expect("path")];
        let (result, out) = run(FakeEngine::default(), &line);
        result.expect("run");
        assert_eq!(out.lines().count(), 1);
        let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(json["env"], "CartPole-v1");
        assert_eq!(json["seed"], 3);
        assert_eq!(json["solved_at_env_steps"], 64);
        assert_eq!(json["eval_greedy_mean"], 490.0);
        assert_eq!(json["eval_softmax_std"], 25.0);
        assert_eq!(
            names(&path),
            [
                "agent.gif",
                "command.txt",
                "config.toml",
                "curve.svg",
                "model.safetensors",
                "progress.csv",
                "report.json",
                "system.json"
            ]
        );
        let config: softq::config::Config =
            toml::from_str(&std::fs::read_to_string(path.join("config.toml")).expect("read")).expect("parse");
        assert_eq!((config.seed, config.batch_size), (3, 64));
        let report = std::fs::read_to_string(path.join("report.json")).expect("read");
        assert!(report.contains("running away") && report.contains("eval_softmax_returns"), "{report}");
        let csv = std::fs::read_to_string(path.join("progress.csv")).expect("read");
        assert_eq!(csv.lines().count(), 6, "header, four windows, one evaluation");
    }

    #[test]
    fn a_person_reads_curve_verdict_device_and_files() {
        let root = tempfile::tempdir().expect("temporary directory");
        let (result, out) = run(FakeEngine::default(), &["--run-dir", root.path().to_str().expect("path")]);
        result.expect("run");
        for part in
            ["solved at 64", "greedy", "490.0 +- 10.0", "vulkan:0", "first usable adapter", "agent.gif"]
        {
            assert!(out.contains(part), "{part}:\n{out}");
        }
    }

    #[test]
    fn a_diverged_run_keeps_the_last_weights_and_says_where() {
        let root = tempfile::tempdir().expect("temporary directory");
        let line = ["--quiet", "--run-dir", root.path().to_str().expect("path")];
        let (result, out) = run(FakeEngine { diverges: true }, &line);
        let error = result.expect_err("diverged");
        assert_eq!((error.exit_code(), out.as_str()), (5, ""));
        let model = root.path().join("model.safetensors");
        assert!(error.to_string().contains(model.to_str().expect("path")), "{error}");
        let bytes = std::fs::read(model).expect("weights");
        safetensors::SafeTensors::deserialize(&bytes)
            .expect("whole file")
            .tensor("q0.layer0.weight")
            .expect("tensor");
        assert!(root.path().join("curve.svg").exists() && !root.path().join("report.json").exists());
    }

    #[test]
    fn explain_prints_origins_and_leaves_nothing_behind() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = root.path().join("run");
        let line = ["cartpole", "--explain", "--gamma", "0.5", "--run-dir", path.to_str().expect("path")];
        let (result, out) = run(FakeEngine::default(), &line);
        result.expect("explanation");
        for part in ["gamma = 0.5", "# flag", "polyak = 0.05", "# preset", "# default", "18 dispatches"] {
            assert!(out.contains(part), "{part}:\n{out}");
        }
        assert!(!path.exists());
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
