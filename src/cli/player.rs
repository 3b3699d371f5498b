//! What `watch` and `record` share: who plays where, named by a run directory or by an environment.

use std::io::Write;
use std::path::{Path, PathBuf};

use softq::config::Config;
use softq::engine::executor::Executor;
use softq::error::{Error, Result};
use softq::report::gif::Frame;
use softq::shared::printable;
use softq::train::drawing;
use softq::train::playback::{self, Episode, Policy};
use softq::train::saved_run::{SavedRun, Which};
use softq::{envs, gpu};

/// Who plays, and how.
#[derive(clap::Args, Debug)]
pub struct PlayArgs {
    /// Run directory of `softq train`; or, for random actions, an environment: id, short name or path of a WGSL file
    #[arg(value_name = "RUN|ENV")]
    target: PathBuf,
    /// Parameter of ENV, e.g. gravity=5; may be repeated. A run has those it was trained with
    #[arg(long, value_name = "NAME=VALUE")]
    env_param: Vec<String>,
    /// Sample the actions from softmax(Q / alpha), or from the policy network, instead of taking the best one
    #[arg(long)]
    softmax: bool,
    #[command(flatten)]
    chosen: Chosen,
    /// Seed of the first episode; each further one counts up
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Device for environments that are WGSL alone; the others are played on the CPU
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
}

/// Which agent of a run acts.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Chosen {
    /// Which weights act: the last ones (model.safetensors) or those that evaluated best (best.safetensors)
    #[arg(long, value_enum, value_name = "WHICH", default_value = "last")]
    weights: Weights,
    /// Agent of a population by its number in population.csv, with its last weights [default: the best agent]
    #[arg(long, value_name = "I", conflicts_with = "weights")]
    agent: Option<usize>,
}

/// Weights of a run that can act.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// model.safetensors
    Last,
    /// best.safetensors
    Best,
}

impl Chosen {
    /// The run in `path` with these weights. What its user should know goes to stderr.
    pub fn load(self, path: &Path) -> Result<SavedRun> {
        let which = match (self.agent, self.weights) {
            (Some(agent), _) => Which::Agent(agent),
            (None, Weights::Last) => Which::Last,
            (None, Weights::Best) => Which::Best,
        };
        let run = SavedRun::load(path, which)?;
        for warning in &run.warnings {
            // Stderr may be closed.
            let _ = writeln!(std::io::stderr(), "warning: {}", printable::lines(warning));
        }
        Ok(run)
    }

    /// Refuses a choice where there is no run to choose from.
    pub fn without_run(self, target: &Path) -> Result<()> {
        let field = match (self.agent, self.weights) {
            (Some(_), _) => "--agent",
            (None, Weights::Best) => "--weights",
            (None, Weights::Last) => return Ok(()),
        };
        let hint = format!("Name a run directory, or leave {field} out.");
        Err(Error::invalid(field, target.display(), "used with a run", hint))
    }
}

/// A policy in its environment, ready to play.
pub struct Player {
    /// The environment, which has a `draw`.
    pub env: &'static envs::Env,
    run: Option<SavedRun>,
    softmax: bool,
    seed: u64,
    executor: Box<dyn Executor>,
}

impl Player {
    /// Loads what the arguments name.
    pub fn open(args: &PlayArgs) -> Result<Player> {
        let path = args.target.as_path();
        // A file of a run is taken for the run, whose error then says what to name instead.
        let inside = path.extension().is_none_or(|ending| ending != "wgsl")
            && path.parent().is_some_and(SavedRun::is_at);
        let is_run = path.is_dir() || path.is_file() && inside;
        let run = if is_run { Some(args.chosen.load(path)?) } else { None };
        let env = match &run {
            Some(run) if args.env_param.is_empty() => run.env,
            Some(_) => {
                let hint = "Leave it out, or name an environment to see random actions in it.";
                return Err(Error::invalid(
                    "--env-param",
                    args.env_param.join(" "),
                    "left out for a run",
                    hint,
                ));
            }
            None => open_env(path, &args.env_param)?,
        };
        if args.softmax && run.is_none() {
            let hint = "Name a run directory, or leave --softmax out.";
            return Err(Error::invalid("--softmax", path.display(), "used with a run", hint));
        }
        if run.is_none() {
            args.chosen.without_run(path)?;
        }
        if !env.has_draw {
            return Err(Error::invalid(
                "env",
                &env.id,
                "an environment that can be drawn",
                format!(
                    "Add `fn draw(state: State, uv: vec2f) -> vec3f` to {}: the colour of the picture at uv, (0, 0) top left.",
                    env.file
                ),
            ));
        }
        let executor = drawing::executor_for(env, &gpu::choose(&args.device)?)?;
        Ok(Player { env, run, softmax: args.softmax, seed: args.seed, executor })
    }

    /// The run's directory; none for random actions.
    pub fn run_dir(&self) -> Option<&Path> {
        self.run.as_ref().map(|run| run.path.as_path())
    }

    /// Which weights of its run act; the last ones of a random policy's.
    pub fn which(&self) -> Which {
        self.run.as_ref().map_or(Which::Last, |run| run.which)
    }

    /// `greedy`, `softmax` or `random`, and which weights, if not the last ones.
    pub fn policy(&self) -> String {
        let policy = match (&self.run, self.softmax) {
            (None, _) => "random",
            (Some(_), true) => "softmax",
            (Some(_), false) => "greedy",
        };
        match self.which() {
            Which::Last => policy.into(),
            Which::Best => format!("{policy} (best weights)"),
            Which::Agent(agent) => format!("{policy} (agent {agent})"),
        }
    }

    /// Episode `number`, or its first `longest` steps.
    pub fn play(&mut self, number: u32, longest: u32) -> Result<Episode> {
        let seed = self.seed.wrapping_add(number.into());
        let executor = &mut *self.executor;
        match &self.run {
            Some(run) => {
                playback::play(&run.config, run.env, run.policy(self.softmax), seed, longest, executor)
            }
            None => playback::play(&Config::default(), self.env, Policy::Random, seed, longest, executor),
        }
    }

    /// Pictures of the states of these numbers, `[width, height]` each.
    pub fn draw(&mut self, episode: &Episode, shown: &[usize], size: [u16; 2]) -> Result<Vec<Frame>> {
        drawing::draw(self.env, episode, shown, size, &mut *self.executor)
    }

    /// The episode as an animation, `width` wide.
    pub fn animation(&mut self, episode: &Episode, width: u16) -> Result<drawing::Pictures> {
        drawing::pictures(self.env, episode, width, &mut *self.executor)
    }
}

/// The environment called `name`. Of a path that is neither a directory nor a WGSL file, a run was expected.
fn open_env(path: &Path, env_param: &[String]) -> Result<&'static envs::Env> {
    let Some(name) = path.to_str() else {
        let message = "there is no such directory, and names of environments are Unicode";
        return Err(Error::file("open run directory", path, message));
    };
    if envs::is_path(name) && !name.ends_with(".wgsl") && !Path::new(name).exists() {
        let message = "there is no such directory. `softq train` names the directory of a run when it ends";
        return Err(Error::file("open run directory", name, message));
    }
    let config = Config { env_param: env_param.to_vec(), ..Config::default() };
    envs::open(name, &config.env_values()?)
}

/// `3 episodes, mean return 212.3 (from 180 to 240)`
pub fn returns_text(returns: &[f64]) -> String {
    let mean = returns.iter().sum::<f64>() / returns.len().max(1) as f64;
    let low = returns.iter().copied().fold(f64::INFINITY, f64::min);
    let high = returns.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match returns.len() {
        1 => format!("1 episode, return {}", number(mean)),
        n => format!("{n} episodes, mean return {} (from {} to {})", number(mean), number(low), number(high)),
    }
}

/// A return with as many digits as it needs, two at most.
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".into() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_are_short() {
        assert_eq!([500.0, -0.001, 0.125, -13.5].map(number), ["500", "0", "0.12", "-13.5"]);
        assert_eq!(returns_text(&[2.0]), "1 episode, return 2");
        assert_eq!(returns_text(&[1.0, 2.0]), "2 episodes, mean return 1.5 (from 1 to 2)");
    }
}
