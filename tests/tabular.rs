//! The exact solver on both executors: its tables against recorded ones, its solutions against f64, the theorems it rests on
//! (contraction, monotone improvement, limits of the temperature), and `softq solve` from outside.

mod common;

use std::process::{Command, Output};

use serde_json::Value;
use softq::agents::tabular::lookahead::{Played, play};
use softq::agents::tabular::{Method, Problem, Setting, Solution, solve};
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;
use softq::envs::grid::Grid;
use softq::envs::mdp::{Mdp, Outcome};
use softq::envs::tabulate::{Starts, tabulate};
use softq::envs::{self, Env, Values};
use softq::verify::oracle::exact::{Soft, distance};

fn env(name: &str, values: &[(&str, &str)]) -> &'static Env {
    let values: Values = values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    envs::open(name, &values).expect("an environment")
}

fn table(name: &str, values: &[(&str, &str)]) -> Mdp {
    let table = tabulate(&mut CpuExecutor::new(), env(name, values), Starts::Resets);
    table.unwrap_or_else(|error| panic!("{error}")).mdp
}

fn settings(pairs: &[(f64, f64)]) -> Vec<Setting> {
    pairs.iter().map(|(gamma, alpha)| Setting { gamma: *gamma, alpha: *alpha, tolerance: 0.0 }).collect()
}

fn solved(
    executor: &mut dyn Executor,
    mdp: &Mdp,
    method: Method,
    kl: bool,
    settings: &[Setting],
) -> Vec<Solution> {
    let problem = Problem { mdp, method, kl, max_sweeps: 100_000, settings, references: &[] };
    let solutions = solve(executor, &problem).expect("solved");
    assert!(solutions.iter().all(|solution| solution.converged));
    solutions
}

const BOTH: [Method; 2] = [Method::SoftQIteration, Method::SoftPolicyIteration];

/// Largest difference to f64, as a share of the largest value.
fn relative(got: &[f32], want: &[f64]) -> f64 {
    let got: Vec<f64> = got.iter().map(|value| f64::from(*value)).collect();
    distance(&got, want) / want.iter().fold(1e-3, |most: f64, value| most.max(value.abs()))
}

/// Values, policies, contraction, monotone improvement.
fn theorems_hold(executor: &mut dyn Executor) {
    let pairs = [(0.99, 0.1), (0.99, 0.0), (0.9, 1.0), (0.5, 0.01), (0.0, 0.3), (0.95, 30.0)];
    let settings = settings(&pairs);
    for (name, values) in [
        ("frozenlake", &[][..]),
        ("frozenlake", &[("map", "SFFFF/FHFGH/FFFFS"), ("success_rate", "0.7"), ("reward_frozen", "-0.05")]),
        ("cliffwalkingslippery", &[]),
        ("taxi", &[("is_rainy", "true")]),
        ("deepsea", &[("size", "5")]),
        ("catch", &[]),
    ] {
        let mdp = table(name, values);
        for (method, kl) in BOTH.into_iter().flat_map(|method| [(method, false), (method, true)]) {
            let solutions = solved(executor, &mdp, method, kl, &settings);
            for (setting, solution) in settings.iter().zip(&solutions) {
                let (gamma, alpha) = (setting.gamma, setting.alpha);
                let label = format!("{name} {method:?} gamma {gamma} alpha {alpha} kl {kl}");
                let soft = Soft { gamma, alpha, kl, reference: None };
                let fixed = soft.iterate(&mdp).expect("a fixed point");
                assert!(relative(&solution.q, &fixed) < 3e-5, "{label}: {:e}", relative(&solution.q, &fixed));
                // What is said of the error is true.
                let q: Vec<f64> = solution.q.iter().map(|q| f64::from(*q)).collect();
                let bound = solution.error_bound(setting, &mdp).expect("gamma below 1");
                assert!(distance(&q, &fixed) <= bound, "{label}: {:e} > {bound:e}", distance(&q, &fixed));
                let rows = solution.policy.chunks(mdp.actions as usize).zip(q.chunks(mdp.actions as usize));
                for (state, (pi, q)) in rows.enumerate() {
                    assert!((pi.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{label}");
                    let want = soft.policy(state, q);
                    if alpha > 0.0 {
                        let gap = pi.iter().zip(&want).map(|(pi, want)| (f64::from(*pi) - want).abs());
                        assert!(gap.fold(0.0, f64::max) < 1e-4, "{label}: {pi:?} {want:?}");
                    }
                }
                if let Some(contraction) = solution.contraction {
                    assert!(f64::from(contraction) <= gamma + 1e-3, "{label}: {contraction}");
                }
                if let Some(drop) = solution.drop {
                    let largest = fixed.iter().fold(1.0, |most: f64, q| most.max(q.abs()));
                    // Rounding of the values and of the entropy in them; at temperature 0 it also decides near ties.
                    let rounding = 3e-6 * (largest + alpha * f64::from(mdp.actions).ln());
                    assert!(f64::from(drop) <= rounding, "{label}: fell by {drop:e}");
                    assert!(solution.improvements >= 2, "{label}");
                }
            }
        }
    }
}

#[test]
fn theorems_hold_on_the_cpu_executor() {
    theorems_hold(&mut CpuExecutor::new());
}

#[test]
fn theorems_hold_on_the_gpu_executor() {
    if let Some(choice) = common::gpu() {
        theorems_hold(softq::gpu::open(&choice).expect("device").as_mut());
    }
}

#[test]
fn f64_iterations_agree_and_improve() {
    for (name, values) in [("frozenlake", &[][..]), ("cliffwalking", &[]), ("taxi", &[])] {
        let mdp = table(name, values);
        for (gamma, alpha) in [(0.99, 0.1), (0.9, 1.0), (0.99, 0.0)] {
            let soft = Soft { gamma, alpha, kl: false, reference: None };
            let fixed = soft.iterate(&mdp).expect("a fixed point");
            let policies = soft.policies(&mdp).expect("a policy");
            let largest = fixed.iter().fold(1.0, |most: f64, q| most.max(q.abs()));
            let last = policies.last().expect("one at least");
            assert!(distance(last, &fixed) < 1e-9 * largest, "{name} {alpha}");
            for pair in policies.windows(2) {
                let fell = pair[0].iter().zip(&pair[1]).map(|(before, after)| before - after);
                assert!(fell.fold(0.0, f64::max) <= 1e-10 * largest, "{name} {alpha}");
            }
        }
    }
}

#[test]
fn the_temperature_has_its_limits() {
    let mut cpu = CpuExecutor::new();
    let lake = table("frozenlake", &[]);
    let (gamma, actions) = (0.9, f64::from(lake.actions));
    for method in BOTH {
        // alpha -> 0: value iteration, closer by alpha ln|A| / (1 - gamma).
        let hard =
            Soft { gamma, alpha: 0.0, kl: false, reference: None }.iterate(&lake).expect("a fixed point");
        for alpha in [1e-2, 1e-3, 1e-4, 0.0] {
            let q = &solved(&mut cpu, &lake, method, false, &settings(&[(gamma, alpha)]))[0].q;
            let q: Vec<f64> = q.iter().map(|q| f64::from(*q)).collect();
            let bound = alpha * actions.ln() / (1.0 - gamma) + 1e-5;
            assert!(distance(&q, &hard) <= bound, "{alpha}: {:e}", distance(&q, &hard));
        }
        // alpha -> infinity: the uniform policy, and with the KL form its plain value, V = mean Q.
        let uniform = vec![1.0 / actions; lake.outcomes.len()];
        let plain = Soft { gamma, alpha: 0.0, kl: false, reference: None }
            .evaluate(&lake, &uniform)
            .expect("regular");
        let solution = &solved(&mut cpu, &lake, method, true, &settings(&[(gamma, 1e4)]))[0];
        assert!(solution.policy.iter().all(|pi| (f64::from(*pi) - 1.0 / actions).abs() < 1e-3));
        let q: Vec<f64> = solution.q.iter().map(|q| f64::from(*q)).collect();
        // alpha logsumexp loses alpha 2^-23 of a value that is much smaller than alpha.
        assert!(distance(&q, &plain) < 1e4 * 1e-6, "{:e}", distance(&q, &plain));
        // Without it V = mean Q + alpha ln|A|: entropy is all there is.
        let solution = &solved(&mut cpu, &lake, method, false, &settings(&[(gamma, 1e4)]))[0];
        for (v, q) in solution.values.iter().zip(solution.q.chunks(lake.actions as usize)) {
            let mean = q.iter().map(|q| f64::from(*q)).sum::<f64>() / actions;
            // Cells beside holes have different shares of the entropy to come, of the order of alpha itself.
            assert!(f64::from(*v) >= mean + 1e4 * actions.ln() - 1.0, "{v} {mean}");
        }
        // Equal Q in all actions: V = Q + alpha ln|A|.
        let loops = Outcome { probability: 1.0, next: 0, reward: 2.0, terminated: true };
        let flat = Mdp::new(1, 4, vec![vec![loops]; 4], vec![(0, 1.0)]).expect("a table");
        let solution = &solved(&mut cpu, &flat, method, false, &settings(&[(gamma, 0.5)]))[0];
        assert!((f64::from(solution.values[0]) - (2.0 + 0.5 * actions.ln())).abs() < 1e-6);
        assert_eq!(solved(&mut cpu, &flat, method, false, &settings(&[(gamma, 0.0)]))[0].policy, [0.25; 4]);
    }
}

#[test]
fn the_kl_form_keeps_the_policy_of_a_task_without_end() {
    // Two states, no ends: alpha ln|A| / (1 - gamma) less everywhere.
    let outcome =
        |next: u32, reward: f64| vec![Outcome { probability: 1.0, next, reward, terminated: false }];
    let rows = vec![outcome(0, 0.0), outcome(1, 1.0), outcome(0, 2.0), outcome(1, -1.0)];
    let mdp = Mdp::new(2, 2, rows, vec![(0, 1.0)]).expect("a table");
    let both = [false, true].map(|kl| {
        solved(&mut CpuExecutor::new(), &mdp, Method::SoftQIteration, kl, &settings(&[(0.9, 0.5)])).remove(0)
    });
    let shift = 0.5 * 2f32.ln() / (1.0 - 0.9);
    for (plain, kl) in both[0].values.iter().zip(&both[1].values) {
        assert!((plain - kl - shift).abs() < 1e-4, "{plain} {kl}");
    }
    for (plain, kl) in both[0].policy.iter().zip(&both[1].policy) {
        assert!((plain - kl).abs() < 1e-5);
    }
}

#[test]
fn solutions_side_by_side_are_those_alone_bit_for_bit() {
    let mdp = table("frozenlake8x8", &[]);
    let settings = settings(&[(0.99, 0.1), (0.9, 0.0), (0.97, 1.0)]);
    for method in BOTH {
        let together = solved(&mut CpuExecutor::new(), &mdp, method, false, &settings);
        for (setting, together) in settings.iter().zip(together) {
            let alone = solved(&mut CpuExecutor::new(), &mdp, method, false, &[*setting]).remove(0);
            assert_eq!(together, alone, "{method:?} {setting:?}");
        }
    }
}

/// Uniform, drawn, and drawn with one action per state that is never taken.
fn references(mdp: &Mdp) -> Vec<Vec<f64>> {
    let (count, actions) = (mdp.outcomes.len(), mdp.actions as usize);
    let drawn = |masked: bool| {
        let mut shares: Vec<f64> = (0..count).map(|i| 1.0 + (i * 7919 % 97) as f64).collect();
        for (state, row) in shares.chunks_mut(actions).enumerate() {
            if masked {
                row[state % actions] = 0.0;
            }
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|share| *share /= sum);
        }
        shares
    };
    vec![vec![1.0 / actions as f64; count], drawn(false), drawn(true)]
}

/// Solutions relative to a reference policy are those of f64, and their error bound holds.
fn references_hold(executor: &mut dyn Executor) {
    for (name, values) in [("frozenlake", &[][..]), ("cliffwalking", &[])] {
        let mdp = table(name, values);
        let references = references(&mdp);
        for (gamma, alpha) in [(0.99, 0.1), (0.9, 3.0), (0.95, 0.0)] {
            let settings = settings(&vec![(gamma, alpha); references.len()]);
            for method in BOTH {
                let (mdp, settings, references) = (&mdp, &settings, &references);
                let problem = Problem { mdp, method, kl: false, max_sweeps: 100_000, settings, references };
                let solutions = solve(executor, &problem).expect("solved");
                for (reference, solution) in references.iter().zip(&solutions) {
                    let label = format!("{name} {method:?} gamma {gamma} alpha {alpha}");
                    let soft = Soft { gamma, alpha, kl: false, reference: Some(reference) };
                    let fixed = soft.iterate(mdp).expect("a fixed point");
                    assert!(relative(&solution.q, &fixed) < 3e-5, "{label}");
                    let q: Vec<f64> = solution.q.iter().map(|q| f64::from(*q)).collect();
                    let bound = solution.error_bound(&settings[0], mdp).expect("gamma below 1");
                    assert!(distance(&q, &fixed) <= bound, "{label}: {:e} > {bound:e}", distance(&q, &fixed));
                    let taken =
                        solution.policy.iter().zip(reference).all(|(pi, bar)| *bar > 0.0 || *pi == 0.0);
                    assert!(taken, "{label}: an action that the reference never takes is taken");
                    let last = soft.policies(mdp).expect("policies").pop().expect("one at least");
                    assert!(relative(&solution.q, &last) < 3e-5, "{label}");
                }
            }
        }
    }
}

/// A residual of one unit in the last place is no rest where values go on by as much in every sweep.
#[test]
fn far_horizons_come_to_rest_at_their_end() {
    for (name, slippery, alpha) in [("frozenlake", "false", 0.02), ("frozenlake8x8", "true", 0.02)] {
        let mdp = table(name, &[("is_slippery", slippery)]);
        let settings = settings(&[(0.999, alpha)]);
        let fixed =
            Soft { gamma: 0.999, alpha, kl: false, reference: None }.iterate(&mdp).expect("a fixed point");
        for method in BOTH {
            let solution = &solved(&mut CpuExecutor::new(), &mdp, method, false, &settings)[0];
            let off = relative(&solution.q, &fixed);
            assert!(off < 5e-5, "{name} {method:?}: {off:e} after {} sweeps", solution.history.len());
        }
    }
}

/// States that look alike for a while and are not: what is seen is not enough, and there is no value to print.
#[test]
fn a_count_that_nobody_sees_is_refused() {
    let source = include_str!("data/worlds/hidden_count.wgsl");
    let env = envs::from_source("hidden_count.wgsl", source, &Values::new()).expect("a world");
    let error =
        tabulate(&mut CpuExecutor::new(), env, Starts::Resets).map(|_| ()).expect_err("refused").to_string();
    assert!(error.contains("have the same observation but differ"), "{error}");
}

/// Where entropy and the reference's logarithm are large and cancel, rounding is as large as they are: the sweeps still end.
#[test]
fn large_terms_that_cancel_come_to_rest() {
    let mdp = table("frozenlake", &[("is_slippery", "false")]);
    let references = references(&mdp);
    let settings = settings(&vec![(0.9, 50.0); references.len()]);
    for method in BOTH {
        let (mdp, settings, references) = (&mdp, &settings, &references);
        let problem = Problem { mdp, method, kl: false, max_sweeps: 100_000, settings, references };
        for solution in solve(&mut CpuExecutor::new(), &problem).expect("solved") {
            assert!(solution.converged && solution.history.len() < 2_000, "{}", solution.history.len());
        }
    }
}

#[test]
fn references_hold_on_the_cpu_executor() {
    references_hold(&mut CpuExecutor::new());
}

#[test]
fn references_hold_on_the_gpu_executor() {
    if let Some(choice) = common::gpu() {
        references_hold(softq::gpu::open(&choice).expect("device").as_mut());
    }
}

#[test]
fn a_uniform_reference_is_the_kl_form_and_wrong_ones_are_refused() {
    let mdp = table("frozenlake", &[]);
    let settings = settings(&[(0.9, 0.5)]);
    let uniform = vec![vec![0.25; mdp.outcomes.len()]];
    let kl = solved(&mut CpuExecutor::new(), &mdp, Method::SoftQIteration, true, &settings).remove(0);
    let problem = Problem {
        mdp: &mdp,
        method: Method::SoftQIteration,
        kl: false,
        max_sweeps: 100_000,
        settings: &settings,
        references: &uniform,
    };
    let relative = solve(&mut CpuExecutor::new(), &problem).expect("solved").remove(0);
    for (kl, relative) in kl.values.iter().zip(&relative.values) {
        assert!((kl - relative).abs() < 1e-5, "{kl} {relative}");
    }
    for wrong in [vec![0.25; 3], vec![0.3; mdp.outcomes.len()], vec![f64::NAN; mdp.outcomes.len()]] {
        let error = solve(&mut CpuExecutor::new(), &Problem { references: &[wrong], ..problem });
        assert!(error.expect_err("must be refused").to_string().contains("reference"));
    }
    let both =
        solve(&mut CpuExecutor::new(), &Problem { kl: true, ..problem }).expect_err("kl and a reference");
    assert!(both.to_string().contains("kl"), "{both}");
}

#[test]
fn what_does_not_come_to_rest_says_so() {
    let mdp = table("frozenlake", &[("is_slippery", "false")]);
    let settings = settings(&[(1.0, 0.5)]);
    let problem = Problem {
        mdp: &mdp,
        method: Method::SoftQIteration,
        kl: false,
        max_sweeps: 500,
        settings: &settings,
        references: &[],
    };
    let solution = &solve(&mut CpuExecutor::new(), &problem).expect("runs")[0];
    assert!(!solution.converged && solution.history.len() == 500 && solution.residual() > 0.1);
    for wrong in [(1.5, 0.1), (f64::NAN, 0.1), (0.9, -1.0), (0.9, f64::INFINITY), (0.9, 1e-9)] {
        let settings = [Setting { gamma: wrong.0, alpha: wrong.1, tolerance: 0.0 }];
        let problem = Problem { settings: &settings, ..problem };
        let error = solve(&mut CpuExecutor::new(), &problem).expect_err("must be refused");
        assert_eq!(error.exit_code(), 2, "{error}");
    }
}

#[test]
fn a_policy_that_could_be_improved_when_the_sweeps_ran_out_is_no_solution() {
    let mdp = table("frozenlake", &[]);
    let settings = [Setting { gamma: 0.95, alpha: 0.01, tolerance: 1e-3 }];
    let (method, kl, references) = (Method::SoftPolicyIteration, false, &[][..]);
    let best = solved(&mut CpuExecutor::new(), &mdp, method, kl, &settings).remove(0).values[0];
    let mut ends = [0, 0];
    for max_sweeps in 1..100 {
        let problem = Problem { mdp: &mdp, method, kl, max_sweeps, settings: &settings, references };
        let solution = &solve(&mut CpuExecutor::new(), &problem).expect("runs")[0];
        let right = (solution.values[0] - best).abs() < 1e-3;
        assert!(right || !solution.converged, "{max_sweeps}: {} {best}", solution.values[0]);
        ends[usize::from(solution.converged)] += 1;
    }
    assert!(ends[0] > 10 && ends[1] > 10, "{ends:?}");
}

/// Start values by value iteration over Gymnasium's table in f64, written apart from this crate.
#[test]
fn rare_slips_have_their_value() {
    for (rate, want) in [
        ("0.97", 0.919284),
        ("0.98", 0.930178),
        ("0.99", 0.940747),
        ("0.999", 0.949981),
        ("0.9999", 0.950889),
    ] {
        let mdp = table("frozenlake", &[("success_rate", rate)]);
        let settings = settings(&[(0.99, 0.0)]);
        let solution =
            solved(&mut CpuExecutor::new(), &mdp, Method::SoftQIteration, false, &settings).remove(0);
        assert!((f64::from(solution.values[0]) - want).abs() < 2e-6, "{rate}: {}", solution.values[0]);
    }
}

/// A grid foretells what its solution gets in the environment itself, the better the finer it is, and the solution of the
/// pendulum is as good as published agents.
#[test]
fn values_of_a_grid_are_returns_of_the_environment() {
    let mut gaps = Vec::new();
    for points in [20, 60] {
        let pendulum = env("pendulum", &[]);
        let grid = Grid::new(pendulum, &[points, points + 1], Some(5)).expect("a grid");
        let mdp = grid.table().expect("a table");
        let settings = settings(&[(0.98, 0.0)]);
        let solution =
            solved(&mut CpuExecutor::new(), &mdp, Method::SoftQIteration, false, &settings).remove(0);
        // The mean of f64 over the same table.
        let fixed = Soft { gamma: 0.98, alpha: 0.0, kl: false, reference: None }
            .iterate(&mdp)
            .expect("a fixed point");
        assert!(relative(&solution.q, &fixed) < 3e-5);
        let played = play(pendulum, &grid, &solution.values, 0.98, (0, 100)).expect("played");
        let mean = |of: fn(&Played) -> f64| played.iter().map(of).sum::<f64>() / played.len() as f64;
        gaps.push((mean(|episode| episode.value) - mean(|episode| episode.discounted)).abs());
        assert!(points < 60 || mean(|episode| episode.undiscounted) > -165.0, "{played:?}");
    }
    assert!(gaps[1] < 0.5 * gaps[0] && gaps[1] < 5.0, "{gaps:?}");
}

/// The throttle gets the car to the flag, and so does a push either way, from every start.
#[test]
fn solutions_of_the_valley_arrive() {
    for (name, least) in [("mountain_car", -130.0), ("mountain_car_continuous", 90.0)] {
        let car = env(name, &[]);
        let grid = Grid::new(car, &[91, 71], (name != "mountain_car").then_some(5)).expect("a grid");
        let mdp = grid.table().expect("a table");
        let settings = settings(&[(0.99, 0.0)]);
        let solution =
            solved(&mut CpuExecutor::new(), &mdp, Method::SoftQIteration, false, &settings).remove(0);
        let played = play(car, &grid, &solution.values, 0.99, (0, 50)).expect("played");
        assert!(played.iter().all(|episode| episode.undiscounted > least), "{name}: {played:?}");
    }
}

fn softq(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_softq")).args(arguments).output().expect("start softq")
}

#[test]
fn the_command_prints_draws_and_refuses() {
    let text = |arguments: &[&str]| {
        let output = softq(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let lake = ["solve", "frozenlake", "--alpha", "0.1", "--gamma", "0.99", "--device", "cpu"];
    let shown = text(&lake);
    assert!(shown.contains("the table is proven"), "{shown}");
    assert!(shown.contains("value at the start: 2.4710") && shown.contains("[+1]"), "{shown}");
    let json: Value = serde_json::from_str(&text(&[&lake[..], &["--json"]].concat())).expect("JSON");
    assert_eq!(json["table"]["proven"], true);
    assert_eq!(json["states"].as_array().map(Vec::len), Some(16));
    assert!((json["start_value"].as_f64().expect("a number") - 2.471032477954414).abs() < 1e-4);
    let pendulum =
        ["solve", "pendulum", "--alpha", "0", "--grid", "40,41", "--actions", "5", "--device", "cpu"];
    let shown = text(&[&pendulum[..], &["--episodes", "50"]].concat());
    assert!(shown.contains("40 points of theta") && shown.contains("50 episodes from seed 0"), "{shown}");
    let shown = text(&[&pendulum[..], &["--episodes", "50", "--json"]].concat());
    let json: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(
        (&json["grid"][1]["points"], json["values"].as_array().map(Vec::len)),
        (&41.into(), Some(1640))
    );
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("taxi.svg");
    text(&["solve", "taxi", "--device", "cpu", "--svg", path.to_str().expect("path")]);
    assert!(std::fs::read_to_string(&path).expect("written").contains("passenger aboard"));
    for (arguments, part) in [
        (&["solve", "sac"][..], "unknown environment"),
        (&["solve", "reacher"], "a table needs Discrete(n)"),
        (&["solve", "pendulum", "--grid", "2"], "at least 3 along theta"),
        (&["solve", "pendulum", "--episodes", "0"], "episodes = 0"),
        (&["solve", "pendulum", "--svg", "x.svg"], "left out for Pendulum-v1"),
        (&["solve", "pendulum", "--reference", "uniform"], "--kl true"),
        (&["solve", "frozenlake", "--grid", "9"], "--grid = a value"),
        (&["solve", "frozenlake", "--method", "value"], "unknown method 'value'"),
        (&["solve", "frozenlake", "--gamma", "1.5"], "gamma = 1.5"),
        (&["solve", "frozenlake", "--alpha", "-1"], "alpha = -1"),
        (&["solve", "catch", "--svg", "x.svg"], "no cells of a grid"),
        (&["solve", "frozenlake", "--gamma", "1", "--max-sweeps", "300"], "max_sweeps = 300"),
    ] {
        let output = softq(&[arguments, &["--device", "cpu"]].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(part) && output.stdout.is_empty(), "'{part}' is missing: {message}");
    }
}
