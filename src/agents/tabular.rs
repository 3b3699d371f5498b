//! `soft_q_iteration` and `soft_policy_iteration`: exact solutions of a table of transitions, swept on a device.
//!
//! Soft Q-iteration (Haarnoja et al., arXiv 1702.08165, theorems 1-3) repeats the soft Bellman backup,
//!   V(s) = alpha ln sum_a exp(Q(s, a) / alpha),  Q(s, a) <- sum p (r + gamma (1 - d) V(s')),
//! a contraction by gamma in the sup norm. Soft policy iteration (arXiv 1801.01290, lemmas 1 and 2) alternates evaluation,
//!   V(s) = sum_a pi(a|s) Q(s, a) + alpha H(pi(.|s)), the same Q, until it stands still,
//! and improvement, pi = softmax(Q / alpha); no Q ever falls. Both end at pi = exp((Q - V) / alpha). With alpha = 0 they are
//! value iteration and policy iteration, with ties split evenly.
//! `kl` subtracts alpha ln|A| from every V: entropy relative to the uniform policy.
//!
//! ```
//! use softq::agents::tabular::{Method, Problem, Setting, solve};
//! use softq::engine::cpu::CpuExecutor;
//! use softq::envs::tabulate::{Starts, tabulate};
//!
//! let mut executor = CpuExecutor::new();
//! let table = tabulate(&mut executor, softq::envs::find("frozenlake")?, Starts::Resets)?;
//! let problem = Problem {
//!     mdp: &table.mdp,
//!     method: Method::SoftQIteration,
//!     kl: false,
//!     max_sweeps: 10_000,
//!     settings: &[Setting { gamma: 0.99, alpha: 0.0, tolerance: 0.0 }],
//!     references: &[],
//! };
//! let solution = &solve(&mut executor, &problem)?[0];
//! let start = table.mdp.starts[0].0 as usize;
//! assert!((solution.values[start] - 0.542).abs() < 1e-3);
//! # Ok::<(), softq::Error>(())
//! ```

use crate::engine::executor::{Executor, Program, read_as, write_as};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::{tabular_backup, tabular_policy, tabular_residual, tabular_value};
use crate::shared::tabular::{NEVER, Solver, Sweep, Transition};

mod check;
pub mod lookahead;
mod problem;

pub use check::check_reference;
pub use problem::{METHODS, Method, Problem, Setting, Solution};

/// Sweeps per submission.
const BLOCK: u32 = 64;
/// Actions whose values differ by no more than this share are equally good at temperature 0: rounding of a few sums.
const TIE: f32 = 1e-5;
/// Residuals below this share of the largest Q are partly rounding, and say nothing about contraction.
const ROUGH: f32 = 1e-4;
/// Residuals below this share of the largest term of a sum may be nothing but rounding: a few units in the last place.
const ROUNDING: f32 = 1e-6;
/// Sweeps in which a residual of that size must fall, or f32 can do no better; more where sweeps come nearer by little, since a
/// residual of one unit in the last place stays what it is while values go on by as much in every sweep.
const PATIENCE: usize = 2 * BLOCK as usize;
/// The same in times that a sweep takes to come nearer by a factor of e.
const TIMES: f64 = 4.0;
/// Most of it, since nothing comes nearer with `gamma = 1`.
const MOST_PATIENCE: usize = 20_000;
/// Share of the largest Q by which a solution may be off where f32 allows it.
const WANTED: f64 = 1e-4;

struct Memory {
    solvers: Buffer<Solver>,
    q: Buffer<f32>,
    values: Buffer<f32>,
    policy: Buffer<f32>,
    entropies: Buffer<f32>,
    history: Buffer<Sweep>,
    log_reference: Buffer<f32>,
}

struct Programs {
    sweep: Program,
    improve: Program,
    finish: Program,
}

/// Solves the table on `executor`.
pub fn solve(executor: &mut dyn Executor, problem: &Problem<'_>) -> Result<Vec<Solution>> {
    check::check(problem)?;
    let (memory, programs) = prepare(executor, problem)?;
    let entropy = |(agent, setting): (usize, &Setting)| (setting.alpha * nats(problem, agent)) as f32;
    let mut runs: Vec<Run> =
        problem.settings.iter().enumerate().map(|own| Run::new(own.1, entropy(own))).collect();
    let mut solvers: Vec<Solver> = problem.settings.iter().map(start).collect();
    write_as(executor, memory.solvers.id, &solvers)?;
    match problem.method {
        Method::SoftQIteration => {
            sweep(executor, &memory, programs.sweep, problem.max_sweeps, &mut solvers, &mut runs)?;
        }
        Method::SoftPolicyIteration => loop {
            executor.submit(&[(programs.improve, 1)], None)?;
            for (run, solver) in runs.iter_mut().zip(&solvers) {
                run.improvements += u32::from(solver.converged == 0);
                run.evaluation = run.history.len();
            }
            sweep(executor, &memory, programs.sweep, problem.max_sweeps, &mut solvers, &mut runs)?;
            // The first sweep after an improvement is a soft Bellman backup: if it changes nothing, the policy is optimal.
            // The sweeps after it still bring Q to that policy's own.
            let mut all_done = true;
            for (run, solver) in runs.iter_mut().zip(&mut solvers) {
                if run.improvements > 1 {
                    let drops = run.history[run.evaluation..].iter().map(|sweep| sweep.drop);
                    run.drop = drops.fold(run.drop, f32::max);
                }
                let first = run.history.get(run.evaluation).copied();
                let optimal = first.is_none_or(|first| run.is_optimal(&first, solver.tolerance));
                run.given_up |= !optimal && run.history.len() >= problem.max_sweeps as usize;
                run.done |= optimal || solver.converged == 0 || run.given_up;
                if !run.done {
                    (solver.sweeps, solver.converged) = (0, 0);
                    all_done = false;
                }
            }
            if all_done {
                break;
            }
            write_as(executor, memory.solvers.id, &solvers)?;
        },
    }
    // An evaluation that ended with the last sweep is no solution.
    for (solver, _) in solvers.iter_mut().zip(&runs).filter(|(_, run)| run.given_up) {
        solver.converged = 0;
    }
    let done: Vec<Solver> = solvers.iter().map(|solver| Solver { converged: 0, ..*solver }).collect();
    write_as(executor, memory.solvers.id, &done)?;
    executor.submit(&[(programs.finish, 1)], None)?;
    collect(executor, problem, &memory, &solvers, runs)
}

/// The course of one solution on the host.
#[derive(Default)]
struct Run {
    /// Most that entropy is worth in a step, `alpha` times nats. Values may be the small rest of terms as large.
    entropy: f32,
    /// Sweeps in which a residual must fall.
    patience: usize,
    /// Residual, as a share of the largest term, from which the fixed point is as near as is wanted.
    near: f32,
    /// Residual of the first sweep after the last improvement.
    first: Option<f32>,
    history: Vec<Sweep>,
    improvements: u32,
    /// Length of the history when the current evaluation began.
    evaluation: usize,
    drop: f32,
    /// Whether the policy is optimal, or given up.
    done: bool,
    /// Whether there were no sweeps left for a policy that can be improved.
    given_up: bool,
}

impl Run {
    fn new(setting: &Setting, entropy: f32) -> Run {
        let nearer = 1.0 - setting.gamma;
        let patience = ((TIMES / nearer) as usize).clamp(PATIENCE, MOST_PATIENCE);
        Run { entropy, patience, near: (WANTED * nearer) as f32, ..Run::default() }
    }

    /// A residual that may be nothing but rounding.
    fn rounding(&self, sweep: &Sweep) -> f32 {
        ROUNDING * sweep.largest.max(1.0).max(self.entropy)
    }

    /// Whether a policy whose evaluation begins with this sweep is optimal: the sweep is a soft Bellman backup, and changes nothing, or
    /// so little that it is rounding: near enough to the fixed point, or no less than after the improvement before.
    fn is_optimal(&mut self, first: &Sweep, tolerance: f32) -> bool {
        let before = self.first.replace(first.residual);
        let scale = first.largest.max(1.0);
        let near = first.residual <= self.near * scale;
        let still = before.is_some_and(|before| first.residual >= 0.5 * before);
        first.residual <= tolerance * scale || first.residual <= self.rounding(first) && (near || still)
    }

    /// Whether the residual is no more than rounding and has stopped falling.
    fn stalled(&self) -> bool {
        let evaluation = &self.history[self.evaluation..];
        let Some(before) = evaluation.len().checked_sub(self.patience).filter(|before| *before > 0) else {
            return false;
        };
        let least =
            |sweeps: &[Sweep]| sweeps.iter().fold(f32::INFINITY, |least, sweep| least.min(sweep.residual));
        let rounding = evaluation.last().is_some_and(|last| last.residual <= self.rounding(last));
        rounding && least(&evaluation[before..]) >= least(&evaluation[..before])
    }
}

fn start(setting: &Setting) -> Solver {
    Solver {
        gamma: setting.gamma as f32,
        alpha: setting.alpha as f32,
        tolerance: setting.tolerance as f32,
        tie: TIE,
        ..Solver::default()
    }
}

fn prepare(executor: &mut dyn Executor, problem: &Problem<'_>) -> Result<(Memory, Programs)> {
    let mdp = problem.mdp;
    let agents = problem.settings.len() as u32;
    let [states, all] =
        [mdp.states, mdp.states * mdp.actions].map(|count| u64::from(agents) * u64::from(count));
    let (first_words, transition_words) = mdp.flat();
    let outcomes = transition_words.len() as u32;
    let mut buffers = Buffers::default();
    let memory = Memory {
        solvers: buffers.add("solvers", u64::from(agents), ""),
        q: buffers.add("q", all, ""),
        values: buffers.add("values", states, ""),
        policy: buffers.add("policy", all, ""),
        entropies: buffers.add("entropies", states, ""),
        history: buffers.add("history", u64::from(agents * BLOCK), ""),
        log_reference: buffers.add("log_reference", if problem.references.is_empty() { 0 } else { all }, ""),
    };
    let first: Buffer<u32> = buffers.add("first", first_words.len() as u64, "");
    let transitions: Buffer<Transition> = buffers.add("transitions", u64::from(outcomes), "");
    let changes: Buffer<f32> = buffers.add("changes", all, "");
    let m = &memory;
    let (states, actions, kl) = (mdp.states, mdp.actions, u32::from(problem.kl));
    let reference = u32::from(!problem.references.is_empty());
    let value = |recording: &mut Recording, given_policy: u32| {
        let params = tabular_value::Params { states, actions, given_policy, kl, reference, agents };
        let Memory { solvers, q, policy, entropies, log_reference, values, .. } = *m;
        tabular_value::record(recording, params, solvers, q, policy, entropies, log_reference, values)
    };
    let policy = |recording: &mut Recording| {
        let params = tabular_policy::Params { states, actions, reference, agents };
        tabular_policy::record(recording, params, m.solvers, m.q, m.log_reference, m.policy, m.entropies)
    };

    let mut sweep = Recording::default();
    value(&mut sweep, u32::from(problem.method == Method::SoftPolicyIteration))?;
    let params = tabular_backup::Params { states, actions, outcomes, most: mdp.most_outcomes(), agents };
    tabular_backup::record(&mut sweep, params, m.solvers, first, transitions, m.values, m.q, changes)?;
    let params = tabular_residual::Params { count: states * actions, block: BLOCK, agents };
    tabular_residual::record(&mut sweep, params, m.solvers, changes, m.q, m.history)?;
    let mut improve = Recording::default();
    policy(&mut improve)?;
    let mut finish = Recording::default();
    value(&mut finish, 0)?;
    policy(&mut finish)?;

    executor.allocate(&buffers)?;
    write_as(executor, first.id, &first_words)?;
    write_as(executor, transitions.id, &transition_words)?;
    if reference == 1 {
        let logs: Vec<f32> = problem.references.iter().flatten().map(|p| log_of(*p)).collect();
        write_as(executor, memory.log_reference.id, &logs)?;
    }
    let programs = Programs {
        sweep: executor.prepare(&sweep)?,
        improve: executor.prepare(&improve)?,
        finish: executor.prepare(&finish)?,
    };
    Ok((memory, programs))
}

/// Sweeps until every solution has converged or used up its sweeps. One that has converged stands still on the device.
fn sweep(
    executor: &mut dyn Executor,
    memory: &Memory,
    program: Program,
    max_sweeps: u32,
    solvers: &mut Vec<Solver>,
    runs: &mut [Run],
) -> Result<()> {
    loop {
        let before: Vec<u32> = solvers.iter().map(|solver| solver.sweeps).collect();
        let open =
            |(run, solver): (&Run, &Solver)| solver.converged == 0 && run.history.len() < max_sweeps as usize;
        let longest = runs
            .iter()
            .zip(solvers.iter())
            .filter(|pair| open(*pair))
            .map(|(run, _)| run.history.len())
            .max();
        let Some(longest) = longest else { return Ok(()) };
        executor.submit(&[(program, BLOCK.min(max_sweeps - longest as u32))], None)?;
        *solvers = read_as(executor, memory.solvers.id)?;
        let history: Vec<Sweep> = read_as(executor, memory.history.id)?;
        for ((agent, run), (solver, before)) in runs.iter_mut().enumerate().zip(solvers.iter().zip(before)) {
            let row = &history[agent * BLOCK as usize..][..BLOCK as usize];
            run.history.extend((before..solver.sweeps).map(|sweep| row[(sweep % BLOCK) as usize]));
        }
        let mut stalled = false;
        for (run, solver) in runs.iter().zip(solvers.iter_mut()).filter(|(_, solver)| solver.converged == 0) {
            if run.stalled() {
                solver.converged = solver.sweeps;
                stalled = true;
            }
        }
        if stalled {
            write_as(executor, memory.solvers.id, solvers)?;
        }
    }
}

fn collect(
    executor: &mut dyn Executor,
    problem: &Problem<'_>,
    memory: &Memory,
    solvers: &[Solver],
    runs: Vec<Run>,
) -> Result<Vec<Solution>> {
    let states = problem.mdp.states as usize;
    let all = states * problem.mdp.actions as usize;
    let q: Vec<f32> = read_as(executor, memory.q.id)?;
    let values: Vec<f32> = read_as(executor, memory.values.id)?;
    let policy: Vec<f32> = read_as(executor, memory.policy.id)?;
    let entropies: Vec<f32> = read_as(executor, memory.entropies.id)?;
    let part = |values: &[f32], agent: usize, len: usize| values[agent * len..(agent + 1) * len].to_vec();
    let iterates = problem.method == Method::SoftQIteration;
    let solution = |(agent, (run, solver)): (usize, (Run, &Solver))| Solution {
        q: part(&q, agent, all),
        values: part(&values, agent, states),
        policy: part(&policy, agent, all),
        entropies: part(&entropies, agent, states),
        improvements: run.improvements,
        converged: solver.converged != 0,
        contraction: if iterates { contraction(&run.history) } else { None },
        drop: (!iterates).then_some(run.drop),
        nats: nats(problem, agent),
        history: run.history,
    };
    Ok(runs.into_iter().zip(solvers).enumerate().map(solution).collect())
}

/// `ln p` as the device has it.
fn log_of(probability: f64) -> f32 {
    if probability > 0.0 { probability.ln() as f32 } else { NEVER }
}

/// Most nats that one step of solution `agent` can be worth.
fn nats(problem: &Problem<'_>, agent: usize) -> f64 {
    match problem.references.get(agent) {
        Some(reference) => reference.iter().filter(|p| **p > 0.0).fold(0.0, |most, p| most.max(-p.ln())),
        None => f64::from(problem.mdp.actions).ln(),
    }
}

/// Largest ratio of two residuals in a row.
fn contraction(history: &[Sweep]) -> Option<f32> {
    let ratios = history.windows(2).filter_map(|pair| {
        let counts = pair[1].residual > ROUGH * pair[1].largest.max(1.0);
        counts.then(|| pair[1].residual / pair[0].residual)
    });
    ratios.reduce(f32::max)
}
