//! `soft_q_iteration` and `soft_policy_iteration`: exact solutions of a table of transitions, swept on a device.
//!
//! Soft Q-iteration (Haarnoja et al., arXiv 1702.08165, theorems 1-3) repeats the soft Bellman backup,
//!   V(s) = alpha ln sum_a exp(Q(s, a) / alpha),  Q(s, a) <- sum p (r + gamma (1 - d) V(s')),
//! a contraction by gamma in the sup norm. Soft policy iteration (arXiv 1801.01290, lemmas 1 and 2) alternates evaluation,
//!   V(s) = sum_a pi(a|s) Q(s, a) + alpha H(pi(.|s)), the same Q, until it stands still,
//! and improvement, pi = softmax(Q / alpha); no Q ever falls. Both end at pi = exp((Q - V) / alpha). With alpha = 0 they are
//! value iteration and policy iteration, with ties split evenly.
//! `kl` subtracts alpha ln|A| from every V: entropy relative to the uniform policy.

use crate::engine::executor::{Executor, Program, read_as, write_as};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::envs::mdp::Mdp;
use crate::error::{Error, Result};
use crate::kernels::{tabular_backup, tabular_policy, tabular_residual, tabular_value};
use crate::shared::tabular::{NEVER, Solver, Sweep, Transition};

/// Names for `--method`.
pub const METHODS: &[&str] = &["soft-q-iteration", "soft-policy-iteration"];

/// Sweeps per submission.
const BLOCK: u32 = 64;
/// Actions whose values differ by no more than this share are equally good at temperature 0: rounding of a few sums.
const TIE: f32 = 1e-5;
/// Residuals below this share of the largest Q are partly rounding, and say nothing about contraction.
const ROUGH: f32 = 1e-4;
/// Residuals below this share may be nothing but rounding: a few units in the last place.
const ROUNDING: f32 = 1e-6;
/// Sweeps in which a residual of that size must fall, or f32 can do no better.
const PATIENCE: usize = 2 * BLOCK as usize;

/// How to solve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Repeated soft Bellman backups.
    SoftQIteration,
    /// Evaluation and improvement of a policy in turn.
    SoftPolicyIteration,
}

impl Method {
    /// The method of this name.
    pub fn parse(name: &str) -> Result<Method> {
        match name {
            "soft-q-iteration" => Ok(Method::SoftQIteration),
            "soft-policy-iteration" => Ok(Method::SoftPolicyIteration),
            other => Err(Error::unknown("method", other, METHODS.iter().copied())),
        }
    }
}

/// What to solve for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Discount, 0 to 1.
    pub gamma: f64,
    /// Temperature, 0 or more.
    pub alpha: f64,
    /// A sweep that changes no Q by more than this share of `max(1, max |Q|)` is the last. With 0 the sweeps go on until they
    /// change nothing, or rounding alone.
    pub tolerance: f64,
}

/// The table with the settings to solve it for, side by side.
pub struct Problem<'a> {
    /// The table.
    pub mdp: &'a Mdp,
    /// How.
    pub method: Method,
    /// Entropy relative to the uniform policy.
    pub kl: bool,
    /// Sweeps after which a solution is given up.
    pub max_sweeps: u32,
    /// One solution each.
    pub settings: &'a [Setting],
    /// The reference policy `pi_bar(a|s)` of each solution, `[states, actions]`: the objective is the reward less
    /// `alpha KL(pi || pi_bar)`. None, or one per setting.
    pub references: &'a [Vec<f64>],
}

/// One solution.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// `Q(s, a)` `[states, actions]`.
    pub q: Vec<f32>,
    /// `V(s)` `[states]`, the soft maximum of `q`.
    pub values: Vec<f32>,
    /// `pi(a|s)` `[states, actions]`.
    pub policy: Vec<f32>,
    /// `H(pi(.|s))` `[states]`, nats.
    pub entropies: Vec<f32>,
    /// Every sweep in order.
    pub history: Vec<Sweep>,
    /// Improvements of the policy; 0 for soft Q-iteration.
    pub improvements: u32,
    /// Whether the last sweep was within the tolerance.
    pub converged: bool,
    /// Largest ratio of a residual to the one before, among those above rounding: at most gamma for soft Q-iteration.
    pub contraction: Option<f32>,
    /// Largest fall of a Q after the first improvement, 0 up to rounding; for soft Q-iteration none is promised.
    pub drop: Option<f32>,
    /// Most nats that one step can be worth: `ln |A|`, or the largest `-ln pi_bar` of an action that the reference takes.
    pub nats: f64,
}

impl Solution {
    /// Residual of the last sweep.
    pub fn residual(&self) -> f32 {
        self.history.last().map_or(0.0, |sweep| sweep.residual)
    }

    /// Largest distance from the fixed point that the last residual and the rounding of a sweep allow; none with `gamma = 1`.
    pub fn error_bound(&self, setting: &Setting, mdp: &Mdp) -> Option<f64> {
        let gamma = setting.gamma;
        let largest = self.history.last().map_or(1.0, |sweep| sweep.largest.max(1.0));
        // The value, its discount, and the sum over outcomes each round to half a unit in the last place; so do the terms of
        // the logarithm, which are as large as the entropy they stand for.
        let half_ulp = f64::from(f32::EPSILON) / 2.0;
        let entropy = setting.alpha * self.nats;
        let rounding = half_ulp * (f64::from(3 + mdp.most_outcomes()) * f64::from(largest) + 8.0 * entropy);
        (gamma < 1.0).then(|| (gamma * f64::from(self.residual()) + rounding) / (1.0 - gamma))
    }
}

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
    check(problem)?;
    let (memory, programs) = prepare(executor, problem)?;
    let mut runs: Vec<Run> = problem.settings.iter().map(|_| Run::default()).collect();
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
                let optimal = run.history.get(run.evaluation).is_none_or(|first| {
                    first.residual <= solver.tolerance.max(ROUNDING) * first.largest.max(1.0)
                });
                run.done |=
                    optimal || solver.converged == 0 || run.history.len() >= problem.max_sweeps as usize;
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
    let done: Vec<Solver> = solvers.iter().map(|solver| Solver { converged: 0, ..*solver }).collect();
    write_as(executor, memory.solvers.id, &done)?;
    executor.submit(&[(programs.finish, 1)], None)?;
    collect(executor, problem, &memory, &solvers, runs)
}

/// The course of one solution on the host.
#[derive(Default)]
struct Run {
    history: Vec<Sweep>,
    improvements: u32,
    /// Length of the history when the current evaluation began.
    evaluation: usize,
    drop: f32,
    /// Whether the policy is optimal, or given up.
    done: bool,
}

impl Run {
    /// Whether the residual is no more than rounding and has stopped falling.
    fn stalled(&self) -> bool {
        let evaluation = &self.history[self.evaluation..];
        let Some(before) = evaluation.len().checked_sub(PATIENCE).filter(|before| *before > 0) else {
            return false;
        };
        let least =
            |sweeps: &[Sweep]| sweeps.iter().fold(f32::INFINITY, |least, sweep| least.min(sweep.residual));
        let rounding =
            evaluation.last().is_some_and(|last| last.residual <= ROUNDING * last.largest.max(1.0));
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

fn check(problem: &Problem<'_>) -> Result<()> {
    let range = |field: &str, value: f64, low: f64, high: f64, hint: &str| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::invalid(field, value, format!("{low} to {high}"), hint))
    };
    if problem.settings.is_empty() || problem.max_sweeps == 0 {
        return Err(Error::invalid(
            "max_sweeps",
            problem.max_sweeps,
            "at least 1",
            "100000 suits most tables.",
        ));
    }
    check_references(problem)?;
    for setting in problem.settings {
        range("gamma", setting.gamma, 0.0, 1.0, "0.99 looks about 100 steps ahead.")?;
        range("alpha", setting.alpha, 0.0, 1e6, "0 is the hard maximum.")?;
        range("tolerance", setting.tolerance, 0.0, 1.0, "0 goes on until only rounding is left.")?;
        if setting.alpha > 0.0 && setting.alpha < 1e-6 {
            let hint = "Below, rounding of Q decides; 0 splits ties evenly.";
            return Err(Error::invalid("alpha", setting.alpha, "0, or 1e-6 to 1e6", hint));
        }
    }
    Ok(())
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

/// Each reference policy must be one: as many rows as there are states, each a distribution.
fn check_references(problem: &Problem<'_>) -> Result<()> {
    let refuse =
        |value: String, allowed: String, hint: &str| Err(Error::invalid("reference", value, allowed, hint));
    if problem.references.is_empty() {
        return Ok(());
    }
    if problem.kl {
        let hint = "kl is the entropy relative to the uniform policy, which is a reference of its own.";
        return Err(Error::invalid("kl", true, "false with a reference policy", hint));
    }
    if problem.references.len() != problem.settings.len() {
        let allowed = format!("none or {}, one per setting", problem.settings.len());
        return refuse(
            format!("{} policies", problem.references.len()),
            allowed,
            "Repeat it for every setting.",
        );
    }
    problem.references.iter().try_for_each(|reference| check_reference(problem.mdp, reference))
}

/// Whether `reference` is a policy `[states, actions]` in the table: rows that are distributions.
pub fn check_reference(mdp: &Mdp, reference: &[f64]) -> Result<()> {
    let refuse =
        |value: String, allowed: String, hint: &str| Err(Error::invalid("reference", value, allowed, hint));
    let (states, actions) = (mdp.states as usize, mdp.actions as usize);
    if reference.len() != states * actions {
        let allowed = format!("{states} states of {actions} actions each");
        return refuse(
            format!("{} probabilities", reference.len()),
            allowed,
            "Was it made for another table?",
        );
    }
    for (state, row) in reference.chunks(actions).enumerate() {
        if let Some(p) = row.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return refuse(format!("{p} in state {state}"), "0 to 1".into(), "These are probabilities.");
        }
        let sum: f64 = row.iter().sum();
        if (sum - 1.0).abs() > 1e-3 {
            let value = format!("a row that sums to {sum} in state {state}");
            return refuse(value, "rows that sum to 1, within 0.001".into(), "Divide each row by its sum.");
        }
    }
    Ok(())
}

/// Largest ratio of two residuals in a row.
fn contraction(history: &[Sweep]) -> Option<f32> {
    let ratios = history.windows(2).filter_map(|pair| {
        let counts = pair[1].residual > ROUGH * pair[1].largest.max(1.0);
        counts.then(|| pair[1].residual / pair[0].residual)
    });
    ratios.reduce(f32::max)
}
