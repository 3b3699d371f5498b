//! `softq solve`: exact values and policies of an environment with few states, printed and drawn.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;
use softq::agents::reference::UNIFORM;
use softq::agents::tabular::{METHODS, Method, Problem, Setting, Solution, solve as solve_table};
use softq::config::Config;
use softq::config::thousands;
use softq::engine::executor::Executor;
use softq::envs::grid::Grid;
use softq::envs::tabulate::{CHECKS, Proof, RESETS, Starts, Tabulated, tabulate};
use softq::envs::{self, Env};
use softq::gpu::{self, Choice};
use softq::report::policy_map::{self, PolicyMap};
use softq::train::reference;
use softq::{Error, Result};

use super::solve_grid::{self, GridArgs};
use super::solve_map::maps;
use super::{json_line, progress_line, say};

/// Arguments of `softq solve`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The table of transitions comes from the environment's own step, so a WGSL file of yours works too. Refused are \
                        environments with continuous or multi-discrete actions, with more than 20,000 states, with steps that depend on \
                        more than their first four random numbers, and with states that look alike but differ. The answer says \
                        whether its table is proven or what it may lack. Time limits are left out: the values are \
                        those of an endless task.\n\n\
                        Pendulum, MountainCar (both of each) and MultiGoal are solved on a grid over their real-valued states, with \
                        values interpolated between its points; the solution is then played in the environment itself, which gives \
                        the return that an agent can be measured by.\n\n\
                        Examples:\n  softq solve frozenlake --alpha 0.1 --gamma 0.99\n  \
                        softq solve cliffwalking --alpha 1 --kl true --method soft-policy-iteration --svg cliff.svg\n  \
                        softq solve frozenlake --env-param map=SFF/FHF/FFG --env-param is_slippery=false --alpha 0\n  \
                        softq solve pendulum --alpha 0 --grid 120,121"
)]
pub struct SolveArgs {
    /// Environment: id, short name or path of a WGSL file
    #[arg(value_name = "ENV")]
    env: String,
    /// Parameter of the environment, e.g. is_slippery=false; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    env_param: Vec<String>,
    /// Temperature: 0 (the hard maximum, ties split evenly), or 1e-6 to 1e6
    #[arg(long, default_value_t = 0.1, allow_negative_numbers = true)]
    pub(super) alpha: f64,
    /// Discount, 0 to 1
    #[arg(long, default_value_t = 0.99, allow_negative_numbers = true)]
    pub(super) gamma: f64,
    /// soft-q-iteration or soft-policy-iteration
    #[arg(long, value_name = "METHOD", default_value = METHODS[0])]
    pub(super) method: String,
    /// Stop when a sweep changes no Q by more than this share of max(1, max |Q|); 0 goes on until only rounding is left
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    tolerance: f64,
    /// Entropy relative to the uniform policy: alpha ln|A| less per step
    #[arg(long, value_name = "true|false", default_value_t = false, action = clap::ArgAction::Set)]
    pub(super) kl: bool,
    /// Reference policy pi_bar that the entropy is relative to: `uniform`; a file with the probabilities of every state's
    /// actions in rows (JSON, safetensors), or as `softq solve --json` prints them; or the directory of a run, whose policy it
    /// is. The solution is proportional to pi_bar exp(Q / alpha)
    #[arg(long, value_name = "uniform|FILE|RUN")]
    pub(super) reference: Option<String>,
    /// Give up after so many sweeps
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(super) max_sweeps: u32,
    /// Draw the maps as an SVG
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,
    #[command(flatten)]
    pub(super) grid: GridArgs,
    /// auto, gpu, cpu, or an address that `softq devices` lists
    #[arg(long, default_value = "auto")]
    pub(super) device: String,
    /// Print one JSON line with Q, V and policy of every state
    #[arg(long)]
    pub(super) json: bool,
}

impl SolveArgs {
    pub(super) fn method(&self) -> Result<Method> {
        Method::parse(&self.method)
    }

    pub(super) fn setting(&self) -> Setting {
        Setting { gamma: self.gamma, alpha: self.alpha, tolerance: self.tolerance }
    }
}

/// Runs the command.
pub fn solve(args: &SolveArgs, out: &mut dyn Write) -> Result<()> {
    let method = args.method()?;
    let config = Config { env_param: args.env_param.clone(), ..Config::default() };
    let env = envs::open(&args.env, &config.env_values()?)?;
    if Grid::suits(env) {
        return solve_grid::solve(args, env, out);
    }
    args.grid.check_unused(env)?;
    let choice = gpu::choose(&args.device)?;
    let mut executor = gpu::open(&choice)?;
    let setting = args.setting();
    let table = tabulate(&mut *executor, env, Starts::Resets)?;
    let mut warnings = Vec::new();
    let mut read = |name: &String| reference::probabilities(name, env, &table, &mut *executor, &mut warnings);
    let references: Vec<Vec<f64>> = args.reference.iter().map(&mut read).collect::<Result<_>>()?;
    warnings.iter().for_each(|warning| progress_line::warn(warning));
    let problem = Problem {
        mdp: &table.mdp,
        method,
        kl: args.kl,
        max_sweeps: args.max_sweeps,
        settings: &[setting],
        references: &references,
    };
    if let Some(path) = args.svg.as_ref().filter(|path| path.extension().is_none_or(|ending| ending != "svg"))
    {
        let hint = "The picture is an SVG.";
        return Err(Error::invalid("svg", path.display(), "a path that ends in .svg", hint));
    }
    let solution = &settled(&mut *executor, &problem)?;
    let maps = maps(env, &table, solution);
    if let Some(path) = &args.svg {
        if maps.is_empty() {
            let hint = "Without --svg the states are listed.";
            return Err(Error::invalid(
                "svg",
                path.display(),
                "left out for states that are no cells of a grid",
                hint,
            ));
        }
        let title = format!("{}, alpha {}, gamma {}", env.id, args.alpha, args.gamma);
        policy_map::write_svg(path, &title, &maps)?;
    }
    if args.json {
        return json_line(out, &report(args, env, &choice, &table, solution));
    }
    say(out, &headline(args, env, &choice, &table, solution))?;
    say(out, &body(&table, solution, &maps))
}

/// The one solution of `problem`, at rest.
pub(super) fn settled(executor: &mut dyn Executor, problem: &Problem<'_>) -> Result<Solution> {
    let solution = solve_table(executor, problem)?.into_iter().next();
    let residual = solution.as_ref().map_or(0.0, Solution::residual);
    solution.filter(|solution| solution.converged).ok_or_else(|| {
        let hint = format!(
            "The last sweep still changed Q by {residual:e}; with gamma = 1 and rewards or entropy without end they never do."
        );
        Error::invalid("max_sweeps", problem.max_sweeps, "enough for the values to come to rest", hint)
    })
}

fn headline(args: &SolveArgs, env: &Env, choice: &Choice, table: &Tabulated, solution: &Solution) -> String {
    let mdp = &table.mdp;
    let outcomes: usize = mdp.outcomes.iter().map(Vec::len).sum();
    let mut text = format!(
        "{}: {} states, {} actions, {} outcomes, found by its own step on {} ({})\n",
        env.id,
        thousands(mdp.states.into()),
        mdp.actions,
        thousands(outcomes as u64),
        choice.address,
        choice.adapter
    );
    text += &format!(
        "{}, alpha {}, gamma {}{}: {} sweeps",
        args.method,
        args.alpha,
        args.gamma,
        match &args.reference {
            Some(name) if name != UNIFORM => format!(", relative to the policy of {}", name.escape_debug()),
            None if !args.kl => String::new(),
            _ => ", relative to the uniform policy".into(),
        },
        thousands(solution.history.len() as u64)
    );
    if solution.improvements > 0 {
        text += &format!(", {} improvements", solution.improvements);
    }
    text += &format!(", last change {:.1e}", solution.residual());
    if let Some(bound) = solution.error_bound(&args.setting(), &table.mdp) {
        text += &format!(" (so in f32 sweeps Q of this table is right to {bound:.1e})");
    }
    if let Some(contraction) = solution.contraction {
        text += &format!("; largest ratio of two changes {contraction:.4}");
    }
    if let Some(drop) = solution.drop {
        text += &format!("; largest fall of a Q after an improvement {drop:.1e}");
    }
    text + &format!(
        "\n{}\nvalue at the start: {:.6}\n\n",
        certainty(&table.proof, args.gamma),
        start_value(table, solution)
    )
}

/// What is certain about the table.
fn certainty(proof: &Proof, gamma: f64) -> String {
    let mut doubts = Vec::new();
    if proof.pairs > 0 {
        let why = proof.why.as_deref().unwrap_or("no reason was given");
        let effect = if gamma < 1.0 {
            let times = proof.missing / (1.0 - gamma);
            format!(
                "; an outcome there, worth R more than those found, would change Q by up to {times:.1e} R"
            )
        } else {
            String::new()
        };
        doubts.push(format!(
            "up to {:.1e} of the random numbers of a step are tried, not proven, for {} pairs of state and action ({why}){effect}",
            proof.missing,
            thousands(proof.pairs as u64)
        ));
    }
    if proof.starts_sampled {
        doubts.push(format!(
            "initial states are counted in {} resets, so one of probability below {:.1e} may be missing",
            thousands(RESETS as u64),
            // Such a state is missed in one of 1,000 runs.
            1000f64.ln() / RESETS as f64
        ));
    }
    if proof.lookalikes_sampled {
        doubts.push(format!(
            "states that look alike were compared by trial, with {CHECKS} random draws for every action"
        ));
    }
    match doubts.is_empty() {
        true => "the table is proven: it holds what every value of every random number leads to".to_owned(),
        false => format!("the table is NOT proven: {}", doubts.join("; ")),
    }
}

/// Mean value over the initial states.
fn start_value(table: &Tabulated, solution: &Solution) -> f64 {
    let starts = table.mdp.starts.iter();
    starts.map(|(state, share)| share * f64::from(solution.values[*state as usize])).sum()
}

/// Maps, or a list of states.
fn body(table: &Tabulated, solution: &Solution, maps: &[PolicyMap]) -> String {
    if !maps.is_empty() {
        return maps.iter().map(policy_map::text).collect::<Vec<_>>().join("\n");
    }
    const SHOWN: u32 = 40;
    let mdp = &table.mdp;
    let mut text = String::from("state       V(s)   probability of each action\n");
    for state in (0..mdp.states).filter(|state| !mdp.is_end(*state)).take(SHOWN as usize) {
        let policy = row(&solution.policy, state, mdp.actions);
        let shares: Vec<String> = policy.iter().map(|share| format!("{share:.3}")).collect();
        text += &format!("{state:>5} {:>10.4}   {}\n", solution.values[state as usize], shares.join(" "));
    }
    let open = (0..mdp.states).filter(|state| !mdp.is_end(*state)).count() as u64;
    if open > u64::from(SHOWN) {
        text += &format!("... and {} more; --json has them all\n", thousands(open - u64::from(SHOWN)));
    }
    text
}

fn row(values: &[f32], state: u32, actions: u32) -> &[f32] {
    let from = (state * actions) as usize;
    &values[from..from + actions as usize]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    sweeps: usize,
    improvements: u32,
    residual: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_bound: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contraction: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<f32>,
    start_value: f64,
    table: Table<'a>,
    states: Vec<State<'a>>,
}

/// What is certain about the table.
#[derive(Serialize)]
struct Table<'a> {
    proven: bool,
    /// Largest share of a step's random numbers that is not proven.
    unproven_share: f64,
    unproven_pairs: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    starts_proven: bool,
    lookalikes_proven: bool,
}

#[derive(Serialize)]
struct State<'a> {
    state: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    observation: Option<u32>,
    end: bool,
    value: f32,
    entropy: f32,
    q: &'a [f32],
    policy: &'a [f32],
}

fn report<'a>(
    args: &'a SolveArgs,
    env: &'a Env,
    choice: &'a Choice,
    table: &'a Tabulated,
    solution: &'a Solution,
) -> Report<'a> {
    let mdp = &table.mdp;
    let state = |state: u32| State {
        state,
        observation: table.places.as_ref().and_then(|places| places[state as usize]),
        end: mdp.is_end(state),
        value: solution.values[state as usize],
        entropy: solution.entropies[state as usize],
        q: row(&solution.q, state, mdp.actions),
        policy: row(&solution.policy, state, mdp.actions),
    };
    Report {
        env: &env.id,
        device: choice,
        method: &args.method,
        alpha: args.alpha,
        gamma: args.gamma,
        kl: args.kl,
        reference: args.reference.as_deref(),
        sweeps: solution.history.len(),
        improvements: solution.improvements,
        residual: solution.residual(),
        error_bound: solution.error_bound(&args.setting(), mdp),
        contraction: solution.contraction,
        drop: solution.drop,
        start_value: start_value(table, solution),
        table: Table {
            proven: table.proof.is_whole(),
            unproven_share: table.proof.missing,
            unproven_pairs: table.proof.pairs,
            reason: table.proof.why.as_deref(),
            starts_proven: !table.proof.starts_sampled,
            lookalikes_proven: !table.proof.lookalikes_sampled,
        },
        states: (0..mdp.states).map(state).collect(),
    }
}
