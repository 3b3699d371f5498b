//! `softq solve` for environments whose state is a few real numbers: solved on a grid, and played in the environment itself.

use std::io::Write;

use serde::Serialize;
use softq::agents::tabular::lookahead::{Played, play};
use softq::agents::tabular::{Problem, Solution};
use softq::config::thousands;
use softq::envs::Env;
use softq::envs::grid::Grid;
use softq::gpu::{self, Choice};
use softq::statistics::bootstrap::{CONFIDENCE, stratified};
use softq::statistics::scores::Scores;
use softq::{Error, Result};

use super::player::number;
use super::solve::{SolveArgs, settled};
use super::{json_line, say};

/// Resamples of the bootstrap interval.
const RESAMPLES: usize = 2_000;
/// Episodes where nothing else is said.
const EPISODES: u32 = 1_000;

/// Flags that only environments with a grid have.
#[derive(clap::Args, Debug)]
pub struct GridArgs {
    /// Points along each axis of the state, for environments with real-valued states: one number or one per axis
    /// [default: the environment's own]
    #[arg(long, value_name = "N|N,N", value_delimiter = ',')]
    grid: Vec<u32>,
    /// Actions along each dimension, ends included, where actions are real numbers [default: 21 of one, 9 of each of more]
    #[arg(long, value_name = "N")]
    actions: Option<u32>,
    /// Episodes that the solution of a grid plays in the environment itself, 1 to 65,536 [default: 1000]
    #[arg(long, value_name = "N")]
    episodes: Option<u32>,
    /// Seed of those episodes; they start where those of `softq eval` with this seed do [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl GridArgs {
    /// Refuses the flags for environments whose states are found one by one.
    pub fn check_unused(&self, env: &Env) -> Result<()> {
        let given = [
            ("--grid", !self.grid.is_empty()),
            ("--actions", self.actions.is_some()),
            ("--episodes", self.episodes.is_some()),
            ("--seed", self.seed.is_some()),
        ];
        let hint = "It goes with the real-valued states of Pendulum, MountainCar and MultiGoal.";
        match given.iter().find(|(_, given)| *given) {
            Some((flag, _)) => {
                Err(Error::invalid(*flag, "a value", format!("left out for {}", env.id), hint))
            }
            None => Ok(()),
        }
    }

    fn episodes(&self) -> Result<u32> {
        let episodes = self.episodes.unwrap_or(EPISODES);
        match episodes {
            1..=65_536 => Ok(episodes),
            _ => Err(Error::invalid("episodes", episodes, "1 to 65,536", "1000 give a narrow interval.")),
        }
    }
}

/// What the episodes came to.
#[derive(Serialize)]
struct Games {
    episodes: u32,
    seed: u64,
    /// Undiscounted return: mean, its 95% bootstrap interval, and both ends.
    mean: f64,
    mean_interval: [f64; 2],
    min: f64,
    max: f64,
    /// Mean discounted return, which the values foretell.
    discounted: f64,
    /// Mean value at the starts.
    start_value: f64,
}

/// Solves, plays and prints.
pub fn solve(args: &SolveArgs, env: &'static Env, out: &mut dyn Write) -> Result<()> {
    let refused = |flag: &str, value: &str, hint: &str| {
        Err(Error::invalid(flag, value, format!("left out for {}", env.id), hint))
    };
    if let Some(path) = &args.svg {
        return refused("svg", &path.display().to_string(), "The points of its grid are too many for cells.");
    }
    if let Some(name) = &args.reference {
        return refused("reference", name, "--kl true is the entropy relative to the uniform policy.");
    }
    let episodes = args.grid.episodes()?;
    let grid = Grid::new(env, &args.grid.grid, args.grid.actions)?;
    let choice = gpu::choose(&args.device)?;
    let mut executor = gpu::open(&choice)?;
    let mdp = grid.table()?;
    let settings = [args.setting()];
    let (method, kl, max_sweeps) = (args.method()?, args.kl, args.max_sweeps);
    let problem = Problem { mdp: &mdp, method, kl, max_sweeps, settings: &settings, references: &[] };
    let solution = settled(&mut *executor, &problem)?;
    let seed = args.grid.seed.unwrap_or(0);
    let games = games(&play(env, &grid, &solution.values, args.gamma, (seed, episodes))?, seed)?;
    let error_bound = solution.error_bound(&settings[0], &mdp);
    if args.json {
        return json_line(out, &report(args, env, &choice, &grid, &solution, error_bound, &games));
    }
    say(out, &text(args, env, &choice, &grid, &solution, error_bound, &games))
}

fn games(played: &[Played], seed: u64) -> Result<Games> {
    let rows: Vec<Vec<f64>> = played.iter().map(|episode| vec![episode.undiscounted]).collect();
    let scores = Scores::new(&rows)
        .map_err(|unfit| Error::invalid("returns", rows.len(), "finite numbers", unfit.to_string()))?;
    let mean = scores.mean();
    let interval = stratified(&[&scores], RESAMPLES, CONFIDENCE, 0, |drawn| vec![drawn[0].mean()]);
    let of = |value: fn(&Played) -> f64| played.iter().map(value).sum::<f64>() / played.len() as f64;
    let returns = || played.iter().map(|episode| episode.undiscounted);
    Ok(Games {
        episodes: played.len() as u32,
        seed,
        mean,
        mean_interval: interval.first().map_or([mean; 2], |interval| [interval.low, interval.high]),
        min: returns().fold(f64::INFINITY, f64::min),
        max: returns().fold(f64::NEG_INFINITY, f64::max),
        discounted: of(|episode| episode.discounted),
        start_value: of(|episode| episode.value),
    })
}

fn text(
    args: &SolveArgs,
    env: &Env,
    choice: &Choice,
    grid: &Grid,
    solution: &Solution,
    error_bound: Option<f64>,
    games: &Games,
) -> String {
    let axes = grid.axes().iter().map(|axis| {
        let wraps = if axis.wraps { ", around" } else { "" };
        format!("{} points of {} from {} to {}{wraps}", axis.points, axis.name, axis.low, axis.high)
    });
    let mut text = format!(
        "{}: {}; {} actions, {} states, its own step with values interpolated between points, on {} ({})\n",
        env.id,
        axes.collect::<Vec<_>>().join(" x "),
        thousands(grid.actions().len() as u64),
        thousands(grid.states().into()),
        choice.address,
        choice.adapter
    );
    text += &format!(
        "{}, alpha {}, gamma {}{}: {} sweeps, last change {:.1e}",
        args.method,
        args.alpha,
        args.gamma,
        if args.kl { ", relative to the uniform policy" } else { "" },
        thousands(solution.history.len() as u64),
        solution.residual()
    );
    if let Some(bound) = error_bound {
        text += &format!(" (so in f32 sweeps Q of this table is right to {bound:.1e})");
    }
    text += "\nthe table is that of a grid: it tends to the environment as --grid and --actions grow\n";
    let [low, high] = games.mean_interval.map(number);
    text += &format!(
        "played by one-step lookahead in {} itself, {} episodes from seed {}:\n  return {}, 95% interval {low} to {high}, \
         from {} to {}\n",
        env.id,
        thousands(games.episodes.into()),
        games.seed,
        number(games.mean),
        number(games.min),
        number(games.max)
    );
    text + &format!(
        "  discounted return {:.3}, value of the grid at the same starts {:.3}\n",
        games.discounted, games.start_value
    )
}

/// The line of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    env: &'a str,
    device: &'a Choice,
    method: &'a str,
    alpha: f64,
    gamma: f64,
    kl: bool,
    sweeps: usize,
    residual: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_bound: Option<f64>,
    grid: Vec<Axis>,
    actions: usize,
    played: &'a Games,
    /// V of every point, the last axis fastest.
    values: &'a [f32],
}

#[derive(Serialize)]
struct Axis {
    name: &'static str,
    low: f32,
    high: f32,
    wraps: bool,
    points: u32,
}

fn report<'a>(
    args: &'a SolveArgs,
    env: &'a Env,
    device: &'a Choice,
    grid: &Grid,
    solution: &'a Solution,
    error_bound: Option<f64>,
    played: &'a Games,
) -> Report<'a> {
    let axes = grid.axes().iter();
    Report {
        env: &env.id,
        device,
        method: &args.method,
        alpha: args.alpha,
        gamma: args.gamma,
        kl: args.kl,
        sweeps: solution.history.len(),
        residual: solution.residual(),
        error_bound,
        grid: axes
            .map(|axis| Axis {
                name: axis.name,
                low: axis.low,
                high: axis.high,
                wraps: axis.wraps,
                points: axis.points,
            })
            .collect(),
        actions: grid.actions().len(),
        played,
        values: &solution.values,
    }
}
