//! Runs relative to a reference policy from outside: the same bits on both executors, alone and in a population; a run keeps its
//! reference and acts by it; `softq solve` takes the policy of a run; and what cannot be a reference is refused.

mod common;
#[path = "common/program.rs"]
mod program;

use std::path::Path;

use softq::agents::reference::Reference;
use softq::agents::{self, Capabilities, Plan};
use softq::config::{Backup, Config, Temperature};
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;
use softq::envs::tabulate::{Starts, tabulate};
use softq::envs::{self, Env, Values};
use softq::gpu;
use softq::train::reference;

use program::{printed, softq, text};

/// A lake of nine cells without slipping.
const MAP: [&str; 2] = ["map=SFF/FHF/FFG", "is_slippery=false"];

const SHORT: [&str; 6] = ["--total-timesteps", "400", "--eval-episodes", "2", "--hidden", "8"];
const GIVEN: [&str; 6] = ["--kl", "false", "--temperature", "fixed", "--alpha", "0.1"];

fn train(dir: &Path, env: &str, more: &[&str]) {
    train_from(dir, env, "100", more);
}

/// The same with a warm-up of `start` steps, of 400 in all.
fn train_from(dir: &Path, env: &str, start: &str, more: &[&str]) {
    let line =
        ["train", env, "--device", "cpu", "--quiet", "--run-dir", text(dir), "--learning-starts", start];
    printed(&[&line[..], &SHORT, more].concat());
}

/// Values that are 0 everywhere.
const FLAT: [&str; 2] = ["--output-gain", "0"];

/// Names of refused settings are in the message, and the exit status is that of usage or of a file.
fn refused(arguments: &[&str], code: i32, parts: &[&str]) {
    let output = softq(arguments);
    let message = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    for part in parts {
        assert!(message.contains(part), "'{part}' is missing for {arguments:?}: {message}");
    }
}

/// A plan of two agents relative to `reference`, and of the second one alone.
fn plans(config: &Config, env: &'static Env, reference: &Reference) -> [Plan; 2] {
    let members = config.members().expect("members");
    [config, &members[1]].map(|config| {
        agents::plan_relative(config, env, Capabilities::default(), Some(reference)).expect("a plan")
    })
}

/// Weights of every agent after some iterations, and what its evaluation environments are then in.
fn bits(plan: &Plan, device: &str) -> Vec<Vec<u32>> {
    let mut executor: Box<dyn Executor> = gpu::open(&gpu::choose(device).expect("choice")).expect("device");
    executor.allocate(&plan.buffers).expect("memory");
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words).expect("init");
    }
    let mut prepare = |recording: &_| executor.prepare(recording).expect("a program");
    let [reset, act, iteration] = [&plan.reset, &plan.act(), &plan.once(|_| true)].map(&mut prepare);
    let [greedy, drawn] = [&plan.evaluations[2], &plan.evaluations[3]]
        .map(|episodes| (prepare(&episodes.reset), prepare(&episodes.act)));
    executor.submit(&[(reset, 1), (act, 60), (iteration, 50)], None).expect("submit");
    let lanes = plan.shards[0].eval_lanes.id;
    let agents = plan.members.len();
    let mut all: Vec<Vec<u32>> = (0..agents)
        .map(|agent| {
            let weights = plan.weights_of(agent, &mut *executor).expect("weights").concat();
            weights.iter().map(|weight| weight.to_bits()).collect()
        })
        .collect();
    for (reset, act) in [greedy, drawn] {
        executor.submit(&[(reset, 1), (act, 40)], None).expect("submit");
        let words = executor.read(lanes).expect("lanes");
        let each = words.len() / agents;
        all.iter_mut().zip(words.chunks(each)).for_each(|(of, lanes)| of.extend(lanes));
    }
    all
}

#[test]
fn executors_and_populations_give_the_same_bits() {
    let dir = tempfile::tempdir().expect("folder");
    let run = dir.path().join("base");
    train(&run, "cartpole", &["--dueling", "true"]);
    let config = Config {
        device: "cpu".into(),
        reference: text(&run).to_owned(),
        env_param: vec!["gravity=12".into()],
        temperature: Temperature::Schedule,
        sweep: vec!["learning_rate=1e-3,3e-3".into()],
        num_envs: 3,
        learning_starts: 180,
        batch_size: 17,
        buffer_size: 700,
        hidden: vec![19, 13],
        eval_episodes: 5,
        ..Config::default()
    };
    let mut devices = vec!["cpu".to_owned()];
    devices.extend(common::gpu().map(|choice| choice.address));
    for config in [
        config.clone(),
        Config { backup: Backup::Max, n_step: 3, ..config.clone() },
        Config { algo: "soft_q".into(), action_input: true, ..config },
    ] {
        let env = envs::open("cartpole", &config.env_values().expect("values")).expect("cartpole");
        let mut warnings = Vec::new();
        let reference = reference::read(&config, env, &mut CpuExecutor::new(), &mut warnings);
        let reference = reference.expect("a policy").expect("not uniform");
        assert_eq!(warnings, [""; 0]);
        let [both, alone] = plans(&config, env, &reference);
        let on_cpu = bits(&both, "cpu");
        assert_ne!(on_cpu[0], on_cpu[1]);
        for device in &devices {
            assert!(bits(&both, device) == on_cpu, "{}: {device} differs from the CPU", config.algo);
            assert!(bits(&alone, device)[0] == on_cpu[1], "{}: alone on {device}", config.algo);
        }
    }
}

#[test]
fn a_run_keeps_its_reference_and_acts_by_it() {
    let dir = tempfile::tempdir().expect("folder");
    let path = |name: &str| dir.path().join(name);
    let [base, relative, again] = ["base", "relative", "again"].map(path);
    for algo in ["sqn", "sac_discrete"] {
        let [base, blank] = [format!("base_{algo}"), format!("blank_{algo}")].map(|name| path(&name));
        train(&base, "cartpole", &["--algo", algo]);
        // Values that are 0 everywhere leave the reference alone, greedy and drawn.
        train_from(&blank, "cartpole", "400", &[&FLAT[..], &["--reference", text(&base)], &GIVEN].concat());
        let at = ["--num-envs", "40", "--steps", "60", "--device", "cpu", "--json"];
        for softmax in [&[][..], &["--softmax"]] {
            let play = |run: &Path| -> serde_json::Value {
                let line = printed(&[&["rollout", "--policy", text(run)], &at[..], softmax].concat());
                serde_json::from_str(&line).expect("JSON")
            };
            let (of_base, of_blank) = (play(&base), play(&blank));
            for key in ["episodes", "episodic_return", "episodic_length"] {
                assert_eq!(of_base[key], of_blank[key], "{algo}: {key}");
            }
        }
    }

    train(&base, "cartpole", &[]);
    let scaled = ["--env-param", "rescale_observations=true", "--reference", text(&base)];
    let line = [&["train", "cartpole", "--device", "cpu"][..], &scaled, &GIVEN].concat();
    refused(&line, 2, &["scaled as those", "rescale_observations"]);
    let harder = ["--env-param", "gravity=15", "--reference", text(&base)];
    train(&relative, "cartpole", &[&harder[..], &GIVEN].concat());
    std::fs::remove_dir_all(&base).expect("removed");
    let config = relative.join("config.toml");
    let line = ["train", "--config", text(&config), "--quiet", "--run-dir", text(&again)];
    printed(&line);
    let model = |run: &Path| std::fs::read(run.join("reference.safetensors")).expect("kept");
    assert!(model(&relative) == model(&again));
    let curve = |run: &Path| {
        let rows = std::fs::read_to_string(run.join("progress.csv")).expect("a curve");
        rows.lines().map(|row| row.split(',').take(2).collect::<Vec<_>>().join(",")).collect::<Vec<_>>()
    };
    assert_eq!(curve(&relative), curve(&again));
    let gif = path("again.gif");
    printed(&["record", text(&again), "--out", text(&gif)]);
    // Another run's copy is a reference of its own.
    let copy = relative.join("reference.safetensors");
    let third = path("third");
    train(&third, "cartpole", &[&["--reference", text(&copy)][..], &GIVEN].concat());
    assert!(model(&third) == model(&relative));

    let mut bytes = model(&relative);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&copy, &bytes).expect("altered");
    refused(&["watch", text(&relative)], 6, &["reference.safetensors", "SHA-256"]);
    std::fs::remove_file(&copy).expect("removed");
    refused(&["watch", text(&relative)], 6, &["reference.safetensors", "it is missing"]);
}

#[test]
fn solve_takes_the_policy_of_a_run() {
    let dir = tempfile::tempdir().expect("folder");
    let [run, flat] = ["run", "flat"].map(|name| dir.path().join(name));
    let params = ["--env-param", MAP[0], "--env-param", MAP[1]];
    let more = ["--temperature", "fixed", "--alpha", "0.05", "--kl", "true"];
    train(&run, "frozenlake", &[&params[..], &more].concat());
    train_from(&flat, "frozenlake", "400", &[&params[..], &more, &FLAT].concat());
    let policies = |reference: &str, alpha: &str| -> Vec<f64> {
        // Where the run's policy goes round in circles, values without discount would not come to rest; and where alpha is large,
        // so are they, and their last digits.
        let rest = ["--gamma", "0.95", "--tolerance", "0.01", "--device", "cpu", "--json"];
        let line = [&["solve", "frozenlake", "--alpha", alpha, "--reference", reference][..], &rest].concat();
        let json: serde_json::Value =
            serde_json::from_str(&printed(&[&line[..], &params].concat())).expect("JSON");
        let states = json["states"].as_array().expect("states").clone();
        let open = states.iter().filter(|state| state["end"] == false);
        open.flat_map(|state| state["policy"].as_array().expect("policy").clone())
            .map(|share| share.as_f64().expect("a share"))
            .collect()
    };
    let far =
        |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(far(&policies(text(&flat), "0.1"), &policies("uniform", "0.1")) < 1e-6);
    // At a large temperature nothing but the reference is left: the run's own softmax at its own temperature.
    let values: Values = MAP
        .iter()
        .filter_map(|value| value.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let env = envs::open("frozenlake", &values).expect("a lake");
    let table = tabulate(&mut CpuExecutor::new(), env, Starts::Resets).expect("a table");
    let mut warnings = Vec::new();
    let cpu = &mut CpuExecutor::new();
    let own = reference::probabilities(text(&run), env, &table, cpu, &mut warnings).expect("a policy");
    let rows = own.chunks(4).zip(0..).filter(|(_, state)| !table.mdp.is_end(*state));
    let own: Vec<f64> = rows.flat_map(|(row, _)| row.to_vec()).collect();
    assert!(far(&own, &vec![0.25; own.len()]) > 0.05, "it has learned something: {own:?}");
    assert!(far(&policies(text(&run), "10000"), &own) < 1e-3);
    refused(
        &["solve", "catch", "--reference", text(&run), "--device", "cpu"],
        2,
        &["reference", "same observations and actions", "FrozenLake"],
    );
}

#[test]
fn what_is_no_reference_is_refused() {
    let dir = tempfile::tempdir().expect("folder");
    let path = |name: &str| dir.path().join(name);
    let [base, chained, argmax, broken] = ["base", "chained", "argmax", "broken"].map(path);
    train(&base, "cartpole", &[]);
    train(&chained, "cartpole", &[&["--reference", text(&base)][..], &GIVEN].concat());
    train(&argmax, "cartpole", &["--algo", "dqn"]);
    train(&broken, "cartpole", &[]);
    std::fs::remove_file(broken.join("report.json")).expect("removed");
    let nowhere = path("nowhere");
    let table = path("table.json");
    std::fs::write(&table, "[[0.5, 0.5]]").expect("written");
    let refuses = |env: &str, reference: &Path, more: &[&str], code: i32, parts: &[&str]| {
        let line = ["train", env, "--device", "cpu", "--reference", text(reference)];
        refused(&[&line[..], more].concat(), code, parts);
    };
    for (env, reference, parts) in [
        ("cartpole", &nowhere, &["reference = ", "no such directory or file", "softq train"][..]),
        ("acrobot", &base, &["same observations and actions", "Acrobot-v1 has", "CartPole-v1"]),
        ("cartpole", &chained, &["without a reference of its own"]),
        ("cartpole", &argmax, &["a softmax policy"]),
        ("cartpole", &broken, &["a run that has ended", "report.json"]),
        ("cartpole", &base.join("model.safetensors"), &["Give the run directory"]),
        ("cartpole", &table, &["CartPole-v1"]),
    ] {
        refuses(env, reference, &GIVEN, 2, parts);
    }
    for (more, parts) in [
        (&["--kl", "true"][..], &["kl = true", "a reference of its own"][..]),
        (&["--kl", "false", "--temperature", "learned"], &["temperature", "fixed or schedule"]),
        (&["--kl", "false", "--entropy-in-target", "false"], &["entropy_in_target"]),
        (&["--kl", "false", "--n-step", "3", "--n-step-entropy", "true"], &["n_step_entropy"]),
        (&["--algo", "dqn"], &["reference = ", "sqn, soft_q"]),
    ] {
        refuses("cartpole", &base, more, 2, parts);
    }
    let lake = ["--env-param", MAP[0], "--env-param", MAP[1], "--temperature", "fixed", "--kl", "false"];
    let mut rows = vec![vec![0.25; 4]; 9];
    for (change, value, code, parts) in [
        (0, 0.5, 2, &["sums to 1.25", "state 0"][..]),
        (1, -0.25, 2, &["-0.25 in state 1", "0 to 1"]),
        (9, 0.0, 6, &["table.json", "it has 10 states, and the table 9"]),
    ] {
        if change == 9 {
            rows.push(vec![0.25; 4]);
        } else {
            rows[change][0] = value;
        }
        std::fs::write(&table, serde_json::to_string(&rows).expect("JSON")).expect("written");
        refuses("frozenlake", &table, &lake, code, parts);
        if change < 9 {
            rows[change][0] = 0.25;
        }
    }
    std::fs::write(&table, "{}").expect("written");
    refuses("frozenlake", &table, &lake, 6, &["table.json", "neither a list of rows"]);
}
