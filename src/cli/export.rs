//! `softq export`: a saved agent for programs that know nothing of softq.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use softq::config::thousands;
use softq::error::{Error, Result};
use softq::files;
use softq::onnx::{self, BOUND, Exported, Port};
use softq::train::checksums;
use softq::train::model_file::tensor_bytes;
use softq::train::run_dir::{AGENTS_FILE, BEST_FILE, CHECKPOINTS, MODEL_FILE, REFERENCE_FILE};
use softq::train::saved_run::{SavedRun, Which};

use super::player::Chosen;
use super::{json_line, say};

/// Arguments of `softq export`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  softq export runs/CartPole-v1__sqn__0__1700000000\n  \
                        softq export runs/CartPole-v1__sqn__0__1700000000 --weights best --onnx cartpole.onnx")]
pub struct ExportArgs {
    /// Run directory of `softq train`
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The file [default: model.onnx, best.onnx or agent_I.onnx in the run directory]
    #[arg(long, value_name = "PATH")]
    onnx: Option<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
    /// Also write the compared observations and the engine's answers as safetensors, to check another runtime with
    #[arg(long, value_name = "PATH")]
    samples: Option<PathBuf>,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Written<'a> {
    file: String,
    bytes: usize,
    env: &'a str,
    algo: &'a str,
    weights: &'a str,
    inputs: &'a [Port],
    outputs: &'a [Port],
    observations: u32,
    largest_difference: f64,
}

/// Runs the command.
pub fn export(args: &ExportArgs, out: &mut dyn Write) -> Result<()> {
    let run = args.chosen.load(&args.run)?;
    let path = path(args, &run)?;
    args.samples.as_ref().map_or(Ok(()), |samples| spared(samples, &run.path))?;
    let exported = onnx::export(&run)?;
    files::write(&path, &exported.bytes).map_err(|error| Error::file("write", &path, error))?;
    checksums::renew_at(&path)?;
    if let Some(path) = &args.samples {
        let name = path.display().to_string();
        let metadata = BTreeMap::from([("env", run.env.id.clone()), ("algo", run.config.algo.clone())]);
        let bytes = tensor_bytes(&name, &onnx::samples(&run)?, metadata)?;
        files::write(path, &bytes).map_err(|error| Error::file("write", path, error))?;
        checksums::renew_at(path)?;
    }
    if !args.json {
        return say(out, &text(&path, &run, &exported));
    }
    let Exported { bytes, inputs, outputs, parity } = &exported;
    json_line(
        out,
        &Written {
            file: path.display().to_string(),
            bytes: bytes.len(),
            env: &run.env.id,
            algo: &run.config.algo,
            weights: run.which.file(),
            inputs,
            outputs,
            observations: parity.observations,
            largest_difference: parity.largest_difference,
        },
    )
}

/// Refuses samples in the place of what a run holds: by the ending they are none of its texts and pictures.
fn spared(samples: &Path, run: &Path) -> Result<()> {
    let folder = samples.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let inside =
        matches!((folder.canonicalize(), run.canonicalize()), (Ok(folder), Ok(run)) if folder == run);
    if samples.extension().is_none_or(|given| !given.eq_ignore_ascii_case("safetensors")) {
        let allowed = "a path that ends in .safetensors";
        return Err(Error::invalid("--samples", samples.display(), allowed, "Add the ending."));
    }
    let kept = run.join(CHECKPOINTS);
    let of_checkpoints =
        matches!((folder.canonicalize(), kept.canonicalize()), (Ok(folder), Ok(kept)) if folder == kept);
    let owned = [MODEL_FILE, BEST_FILE, AGENTS_FILE, REFERENCE_FILE];
    match of_checkpoints
        || inside && owned.iter().any(|name| samples.file_name().is_some_and(|given| given == *name))
    {
        true => {
            let hint = "Give the samples a name of their own.";
            Err(Error::invalid("--samples", samples.display(), "no file of the run", hint))
        }
        false => Ok(()),
    }
}

fn path(args: &ExportArgs, run: &SavedRun) -> Result<PathBuf> {
    let path = match (&args.onnx, run.which) {
        (Some(path), _) => path.clone(),
        (None, Which::Last) => run.path.join("model.onnx"),
        (None, Which::Best) => run.path.join("best.onnx"),
        (None, Which::Agent(agent)) => run.path.join(format!("agent_{agent}.onnx")),
    };
    match path.extension().is_some_and(|given| given.eq_ignore_ascii_case("onnx")) {
        true => Ok(path),
        false => {
            Err(Error::invalid("--onnx", path.display(), "a path that ends in .onnx", "Add the ending."))
        }
    }
}

fn text(path: &Path, run: &SavedRun, exported: &Exported) -> String {
    let Exported { bytes, inputs, outputs, parity } = exported;
    let mut text = format!(
        "{}: {} with {} ({}), {} bytes\n",
        path.display(),
        run.env.id,
        run.config.algo,
        match run.which {
            Which::Agent(_) => run.which.label(),
            Which::Last | Which::Best => format!("{} weights", run.which.label()),
        },
        thousands(bytes.len() as u64),
    );
    let ports = inputs.iter().map(|port| ("takes", port)).chain(outputs.iter().map(|port| ("gives", port)));
    for (verb, Port { name, shape, about }) in ports {
        text += &format!("  {verb} {:<12} [{}]  {about}\n", name, shape.join(", "));
    }
    text += &format!(
        "  largest difference from the engine over {} observations: {:.1e} of the largest value, {BOUND:.0e} allowed\n",
        thousands(parity.observations.into()),
        parity.largest_difference,
    );
    text
}
