//! A reference policy: what is learned relative to it is what `softq solve` finds relative to it.

use std::path::Path;

use softq::agents;
use softq::agents::reference::Reference;
use softq::agents::tabular::{Method, Problem, Setting, solve};
use softq::config::{Backup, Config, Temperature};
use softq::engine::cpu::CpuExecutor;
use softq::envs::tabulate::{Starts, Tabulated, tabulate};
use softq::envs::{self, Env, Values};
use softq::train::trainer::Trainer;

const ALPHA: f64 = 0.2;
const GAMMA: f64 = 0.9;

/// A lake of nine cells without slipping, and a policy for it that is far from uniform and never goes up in the middle of the
/// left side.
const MAP: [&str; 2] = ["map=SFF/FHF/FFG", "is_slippery=false"];

fn lake() -> (&'static Env, Tabulated) {
    let values: Values = MAP
        .iter()
        .filter_map(|value| value.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let env = envs::open("frozenlake", &values).expect("a lake");
    let table = tabulate(&mut CpuExecutor::new(), env, Starts::Resets).expect("a table");
    (env, table)
}

fn rows() -> Vec<Vec<f64>> {
    let row = |state: usize| {
        let mut weights: Vec<f64> = (0..4).map(|a| 1.0 + ((7 * state + 5 * a) % 11) as f64).collect();
        if state == 3 {
            weights[3] = 0.0;
        }
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    };
    (0..9).map(row).collect()
}

fn written(dir: &Path, rows: &[Vec<f64>]) -> String {
    let path = dir.join("reference.json");
    std::fs::write(&path, serde_json::to_string(rows).expect("JSON")).expect("written");
    path.display().to_string()
}

fn on_the_lake(algo: &str, reference: &str) -> Config {
    Config {
        env: "FrozenLake-v1".into(),
        env_param: MAP.map(String::from).to_vec(),
        algo: algo.into(),
        device: "cpu".into(),
        reference: reference.into(),
        temperature: Temperature::Fixed,
        alpha: ALPHA,
        gamma: GAMMA,
        hidden: vec![32],
        num_envs: 4,
        learning_starts: 2_000,
        total_timesteps: 8_000,
        polyak: 0.02,
        eval_frequency: 0,
        eval_episodes: 2,
        ..Config::default()
    }
}

/// `Q_1` of a trained agent in every state of the table.
fn values_of(trainer: &mut Trainer, config: &Config, env: &'static Env, table: &Tabulated) -> Vec<f32> {
    let net = agents::network(config, env);
    let tensors = trainer.weights().expect("weights");
    let first: Vec<f32> = tensors
        .iter()
        .filter(|tensor| tensor.name.starts_with("q0."))
        .flat_map(|tensor| tensor.values.clone())
        .collect();
    let places = table.places.as_ref().expect("one-hot");
    let width = env.obs_size as usize;
    let mut observations = vec![0.0; width * places.len()];
    for (state, place) in places.iter().enumerate() {
        if let Some(place) = place {
            observations[state * width + *place as usize] = 1.0;
        }
    }
    let q = Reference::new(config.clone(), net, first, 1.0).expect("a network");
    q.logits(&mut CpuExecutor::new(), &observations).expect("values")
}

#[test]
fn what_is_learned_is_the_solution_relative_to_the_reference() {
    let dir = tempfile::tempdir().expect("folder");
    let (env, table) = lake();
    let rows = rows();
    let problem = Problem {
        mdp: &table.mdp,
        method: Method::SoftQIteration,
        kl: false,
        max_sweeps: 100_000,
        settings: &[Setting { gamma: GAMMA, alpha: ALPHA, tolerance: 0.0 }],
        references: &[rows.concat()],
    };
    let solution = solve(&mut CpuExecutor::new(), &problem).expect("solved").remove(0);
    let name = written(dir.path(), &rows);
    for (algo, backup) in [
        ("sqn", Backup::ClippedLse),
        ("sqn", Backup::OnlinePolicy),
        ("sqn", Backup::Sampled),
        ("soft_q", Backup::ClippedLse),
    ] {
        let config = Config { backup, ..on_the_lake(algo, &name) };
        let mut trainer = Trainer::new(&config).expect("a trainer");
        trainer.run(&mut |_| Ok(())).expect("trained");
        let q = values_of(&mut trainer, &config, env, &table);
        for state in (0..table.mdp.states).filter(|state| !table.mdp.is_end(*state)) {
            let of = |values: &[f32]| values[state as usize * 4..][..4].to_vec();
            let (q, want) = (of(&q), of(&solution.policy));
            let shares: Vec<f64> =
                q.iter().zip(&rows[state as usize]).map(|(q, p)| p * (f64::from(*q) / ALPHA).exp()).collect();
            let sum: f64 = shares.iter().sum();
            for (share, want) in shares.iter().zip(&want) {
                let gap = (share / sum - f64::from(*want)).abs();
                assert!(gap < 0.05, "{algo} {backup:?}, state {state}: {shares:?} of {sum}, not {want:?}");
            }
        }
        // Nothing is learned of what is done where the episode has ended.
        let learned = |state: usize| !table.mdp.is_end(state as u32);
        let pairs = q.iter().zip(&solution.q).enumerate().filter(|(pair, _)| learned(pair / 4));
        let far = pairs.map(|(_, (q, want))| (q - want).abs()).fold(0.0, f32::max);
        assert!(far < 0.05, "{algo} {backup:?}: Q is {far} off, of 1");
    }
}

#[test]
fn an_action_that_the_reference_never_takes_is_never_taken() {
    let dir = tempfile::tempdir().expect("folder");
    // From the start only down and right are allowed, so that no step is ever spent against the wall.
    let mut rows = vec![vec![0.25; 4]; 9];
    rows[0] = vec![0.0, 0.5, 0.5, 0.0];
    let config = Config {
        learning_starts: 0,
        total_timesteps: 2_000,
        ..on_the_lake("soft_q", &written(dir.path(), &rows))
    };
    let mut trainer = Trainer::new(&config).expect("a trainer");
    trainer.run(&mut |_| Ok(())).expect("trained");
    let env = trainer.env();
    let (layout, words) = (env.transition(), trainer.read_buffer("replay").expect("replay"));
    let row = words.len() / config.buffer_size as usize;
    let mut from_start = [0; 4];
    for transition in words.chunks(row).take(2_000) {
        // Bits: the agent stands on the first cell.
        if transition[0] & 1 == 1 {
            from_start[transition[layout.action_at()] as usize] += 1;
        }
    }
    assert!(from_start[0] == 0 && from_start[3] == 0, "{from_start:?}");
    assert!(from_start[1] > 50 && from_start[2] > 50, "{from_start:?}");
}

/// Largest difference of two runs' weights.
fn distance(one: &Config, other: &Config) -> f32 {
    let weights = |config: &Config| -> Vec<f32> {
        let mut trainer = Trainer::new(config).expect("a trainer");
        trainer.run(&mut |_| Ok(())).expect("trained");
        trainer.weights().expect("weights").into_iter().flat_map(|tensor| tensor.values).collect()
    };
    let (one, other) = (weights(one), weights(other));
    assert_eq!(one.len(), other.len());
    one.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn relative_to_uniform_probabilities_is_the_kl_form() {
    let dir = tempfile::tempdir().expect("folder");
    let name = written(dir.path(), &vec![vec![0.25; 4]; 9]);
    for algo in ["sqn", "soft_q"] {
        let short = |reference: &str, kl: bool| Config {
            learning_starts: 200,
            total_timesteps: 600,
            kl,
            ..on_the_lake(algo, reference)
        };
        let form = distance(&short(&name, false), &short("uniform", true));
        assert!(form < 1e-4, "{algo}: {form}");
        let plain = distance(&short(&name, false), &short("uniform", false));
        assert!(plain > 1e-2, "{algo}: the plain form is another objective, {plain}");
    }
}
