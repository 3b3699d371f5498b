//! `softq envs`, `softq watch` and `softq record` from outside: what they print and write, and how they refuse.

#[path = "common/program.rs"]
mod program;

use std::path::Path;

use serde_json::Value;

use program::{printed, printed_in, refused, text};

fn train(dir: &Path, env: &str, device: &str) {
    let sizes =
        ["--total-timesteps", "192", "--learning-starts", "64", "--eval-episodes", "2", "--hidden", "8"];
    let line = ["train", env, "--device", device, "--quiet", "--run-dir", text(dir)];
    printed(&[&line[..], &sizes[..]].concat());
}

/// A world without a picture: one number that the action moves.
const PLAIN: &str = "const OBS_SIZE = 1u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 9u;
struct State { x: f32 }
fn reset(rng: ptr<function, Rng>) -> State { return State(rng_range(rng, -1.0, 1.0)); }
fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    (*state).x += select(-0.1, 0.1, action == 1u);
    return Outcome((*state).x, false);
}
fn observe(state: State) -> array<f32, OBS_SIZE> { return array<f32, OBS_SIZE>(state.x); }
";

#[test]
fn envs_lists_every_environment_once() {
    let table = printed(&["envs"]);
    let list: Value = serde_json::from_str(&printed(&["envs", "--json"])).expect("one JSON value");
    let list = list.as_array().expect("list");
    assert!(list.len() > 5);
    for env in list {
        let id = env["id"].as_str().expect("id");
        let rows = table.lines().filter(|line| line.split("  ").next() == Some(id)).count();
        assert_eq!(rows, 1, "{id}:\n{table}");
        for key in [
            "name",
            "title",
            "file",
            "cpu_twin",
            "observation",
            "actions",
            "max_episode_steps",
            "reward_threshold",
            "state",
            "parameters",
            "picture",
            "presets",
            "results",
        ] {
            assert!(env.get(key).is_some(), "{id} lacks {key}");
        }
    }
    assert!(table.contains("10 of 10 seeds solved"), "measured results are part of the table:\n{table}");
}

#[test]
fn envs_of_one_shows_everything() {
    let page = printed(&["envs", "CartPole-v1"]);
    for part in [
        "balance a pole on a cart",
        "Discrete(2)",
        "500 steps",
        "475",
        "theta_dot: f32",
        "max_episode_steps",
        "learning_rate = 0.003",
        "cargo run --release --example seeds",
        "softq train cartpole",
    ] {
        assert!(page.contains(part), "'{part}' is missing:\n{page}");
    }
    let env: Value = serde_json::from_str(&printed(&["envs", "cartpole", "--json"])).expect("one JSON value");
    assert_eq!(env["actions"]["heads"][0], 2);
    assert_eq!(env["observation"]["size"], 4);
    let high: Vec<bool> =
        env["observation"]["high"].as_array().expect("bounds").iter().map(Value::is_null).collect();
    assert_eq!(high, [false, true, false, true], "velocities have none");
    assert_eq!(env["presets"]["sqn"]["num_envs"], 8);
    assert_eq!(env["results"][0]["budget"], 60_000);
    let longer: Value =
        serde_json::from_str(&printed(&["envs", "cartpole", "--json", "--env-param", "max_episode_steps=7"]))
            .expect("one JSON value");
    assert_eq!(longer["max_episode_steps"], 7);
    let page = printed(&["envs", "frozenlake"]);
    for part in
        ["is_slippery: u32", "whether the ice is slippery", "SFFF/FHFH/FFFH/HFFG", "uniform(LOW,HIGH)"]
    {
        assert!(page.contains(part), "'{part}' is missing:\n{page}");
    }
}

#[test]
fn envs_reads_files_and_refuses_unknown_names() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = root.path().join("plain.wgsl");
    std::fs::write(&file, PLAIN).expect("write");
    let page = printed(&["envs", text(&file)]);
    for part in ["plain", "1 number", "9 steps", "no threshold", "none: the file has no `draw`", text(&file)]
    {
        assert!(page.contains(part), "'{part}' is missing:\n{page}");
    }
    refused(&["envs", "cartpol"], 2, &["unknown environment 'cartpol'", "Did you mean 'cartpole'?"]);
    refused(&["envs", "cartpole", "--env-param", "gravty=1"], 2, &["environment parameter 'gravty'"]);
    refused(&["envs", "nowhere/my.wgsl"], 2, &["nowhere/my.wgsl", "cannot be read"]);
}

#[test]
fn a_run_is_recorded_and_watched() {
    let root = tempfile::tempdir().expect("temporary directory");
    let run = root.path().join("run");
    train(&run, "cartpole", "cpu");
    let read = |name: &str| std::fs::read(run.join(name)).expect(name);

    let said = printed(&["record", text(&run), "--episodes", "2", "--width", "60"]);
    assert!(said.contains("agent.gif") && said.contains("greedy") && said.contains("2 episodes"), "{said}");
    let both = read("agent.gif");
    assert!(both.starts_with(b"GIF89a"));
    printed(&["record", text(&run), "--width", "60", "--softmax", "--seed", "9"]);
    assert_ne!(read("agent.gif"), both);

    printed(&["record", text(&run), "--strip", "5", "--width", "60"]);
    printed(&["record", text(&run), "--png", "--width", "60"]);
    let size = |name: &str| {
        let bytes = read(name);
        assert!(bytes.starts_with(b"\x89PNG"), "{name}");
        [16, 20].map(|at| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
    };
    assert_eq!(size("strip.png"), [5 * 60 + 4 * 4, 40]);
    assert_eq!(size("agent.png"), [60, 40]);
    assert!(
        std::fs::read_dir(&run)
            .expect("list")
            .all(|entry| { !entry.expect("entry").file_name().to_string_lossy().ends_with(".tmp") })
    );

    // Stdout is no terminal here: one picture per episode, in plain characters.
    let shown = printed(&["watch", text(&run), "--episodes", "2", "--frames", "4"]);
    assert!(shown.contains("CartPole-v1  greedy  episode 2/2  step 3  return 3"), "{shown}");
    assert!(shown.is_ascii() && !shown.contains('\x1b') && shown.contains('*'), "{shown}");
    assert_eq!(shown, printed(&["watch", text(&run), "--episodes", "2", "--frames", "4"]));
    let sampled = printed(&["watch", text(&run), "--episodes", "1", "--softmax"]);
    assert!(sampled.contains("softmax  episode 1/1") && sampled.contains("  end"), "{sampled}");
}

#[test]
fn random_actions_in_any_environment() {
    let root = tempfile::tempdir().expect("temporary directory");
    let out = root.path().join("random.gif");
    let said = printed(&["record", "cartpole", "--out", text(&out), "--width", "40"]);
    assert!(said.contains("random actions") && out.is_file(), "{said}");
    for (more, name) in
        [(&["--strip", "3"][..], "cartpole_strip.png"), (&["--png"], "cartpole.png"), (&[], "cartpole.gif")]
    {
        printed_in(root.path(), &[&["record", "cartpole", "--width", "40"], more].concat());
        assert!(root.path().join(name).is_file(), "{name}");
    }
    let shown = printed(&["watch", "pendulum", "--episodes", "1", "--frames", "2", "--env-param", "g=5"]);
    assert!(shown.contains("Pendulum-v1  random  episode 1/1  step 1"), "{shown}");
}

#[test]
fn wrong_targets_and_flags_are_explained() {
    let root = tempfile::tempdir().expect("temporary directory");
    let gone = root.path().join("gone");
    for command in ["watch", "record"] {
        refused(&[command, text(&gone)], 6, &["open run directory", text(&gone), "no such directory"]);
        refused(&[command, text(root.path())], 6, &["config.toml", "no directory of a run"]);
        refused(&[command, "cartpol"], 2, &["Did you mean 'cartpole'?"]);
        refused(&[command, "cartpole", "--softmax"], 2, &["--softmax", "with a run"]);
    }
    refused(&["record", "cartpole", "--out", "agent.png"], 2, &["ends in .gif"]);
    refused(&["record", "cartpole", "--png", "--out", "agent.gif"], 2, &["ends in .png"]);
    refused(&["record", "cartpole", "--out", "/dev/null/x.gif"], 6, &["/dev/null/x.gif"]);
    refused(&["watch", "cartpole", "--speed", "0"], 2, &["--speed", "0.01"]);
    refused(&["watch", "cartpole", "--episodes", "0"], 2, &["--episodes"]);

    let file = root.path().join("plain.wgsl");
    std::fs::write(&file, PLAIN).expect("write");
    refused(&["watch", text(&file)], 2, &["plain", "can be drawn", "fn draw", text(&file)]);
    refused(&["record", text(&file), "--out", "x.gif"], 2, &["can be drawn"]);
}

#[test]
fn a_broken_run_directory_is_explained() {
    let root = tempfile::tempdir().expect("temporary directory");
    let run = root.path().join("run");
    train(&run, "cartpole", "cpu");
    let watch = ["watch", text(&run)];
    refused(&["watch", text(&run), "--env-param", "gravity=5"], 2, &["--env-param", "left out for a run"]);
    let model = run.join("model.safetensors");
    refused(&["watch", text(&model)], 6, &["model.safetensors", "give the run directory"]);
    let bytes = std::fs::read(&model).expect("weights");
    std::fs::write(&model, &bytes[..bytes.len() / 2]).expect("write");
    refused(&watch, 6, &["model.safetensors", "no whole safetensors file"]);
    std::fs::remove_file(&model).expect("remove");
    refused(&watch, 6, &["there are no weights"]);
}

#[test]
fn a_users_world_is_kept_with_the_run() {
    if std::env::var_os("SOFTQ_NO_GPU").is_some_and(|value| value == "1") {
        return;
    }
    let root = tempfile::tempdir().expect("temporary directory");
    let (file, run) = (root.path().join("my_pole.wgsl"), root.path().join("run"));
    let source = include_str!("../shaders/envs/cartpole.wgsl");
    std::fs::write(&file, source).expect("write");
    train(&run, text(&file), "gpu");
    assert_eq!(std::fs::read_to_string(run.join("environment.wgsl")).expect("copy"), source);
    std::fs::remove_file(&file).expect("remove");
    let shown = printed(&["watch", text(&run), "--device", "gpu", "--episodes", "1", "--frames", "3"]);
    assert!(shown.contains("my_pole  greedy  episode 1/1  step 2"), "{shown}");
    std::fs::remove_file(run.join("environment.wgsl")).expect("remove");
    refused(&["watch", text(&run)], 6, &["environment.wgsl", "my_pole.wgsl is missing"]);
}

#[test]
fn a_rollout_takes_an_agent_or_random_actions() {
    let root = tempfile::tempdir().expect("temporary directory");
    let run = root.path().join("run");
    train(&run, "cartpole", "cpu");
    let json = |line: &[&str]| -> serde_json::Value {
        serde_json::from_str(&printed(line)).unwrap_or_else(|e| panic!("{line:?}: {e}"))
    };
    let common = ["--num-envs", "70", "--steps", "30", "--device", "cpu", "--json"];
    let random = json(&[&["rollout", "cartpole"], &common[..]].concat());
    assert_eq!(random["policy"], "random");
    assert!(random["episodes"].as_u64().is_some_and(|n| n > 0) && random["dispatches"] == 1, "{random}");
    for key in ["env", "device", "adapter", "num_envs", "steps", "env_steps", "wall_s", "steps_per_s"] {
        assert!(!random[key].is_null(), "{key}: {random}");
    }
    assert_eq!(
        (random["env_steps"].as_u64(), &random["env"]),
        (Some(2100), &serde_json::json!("CartPole-v1"))
    );
    let agent = json(&[&["rollout", "--policy", text(&run), "--softmax"], &common[..]].concat());
    assert!(agent["policy"].as_str().is_some_and(|policy| policy.starts_with("softmax of")), "{agent}");
    assert_eq!(agent["env_steps"], 2100);
    refused(&["rollout"], 2, &["ENV", "softq rollout cartpole"]);
    refused(&["rollout", "cartpole", "--num-envs", "0"], 2, &["num_envs = 0", "1 to"]);
    refused(&["rollout", "cartpole", "--softmax"], 2, &["--softmax", "used with a run"]);
    refused(&["rollout", "cartpole", "--agent", "3"], 2, &["--agent", "used with a run"]);
    refused(&["rollout", "taxi", "--policy", text(&run)], 2, &["taxi", "CartPole-v1"]);
}

#[test]
fn an_agent_is_evaluated_with_intervals() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let dir = folder.path().join("run");
    let run = text(&dir);
    let line = "train pendulum --algo sac --device cpu --quiet --total-timesteps 300 --learning-starts 200 --eval-episodes 2 \
                --hidden 8 --batch-size 16 --run-dir";
    printed(&line.split(' ').chain([run]).collect::<Vec<_>>());
    let line = printed(&["eval", run, "--episodes", "30", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&line).expect("one JSON line");
    let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("{key} in {line}"));
    assert_eq!((number("episodes"), number("unfinished")), (30.0, 0.0));
    let returns = report["returns"].as_array().expect("a list");
    let mean = returns.iter().filter_map(serde_json::Value::as_f64).sum::<f64>() / 30.0;
    assert!((number("mean") - mean).abs() < 1e-6 && returns.len() == 30);
    for (value, interval) in [("mean", "mean_interval"), ("iqm", "iqm_interval")] {
        let end = |index: usize| report[interval][index].as_f64().expect("an end");
        assert!(end(0) < number(value) && number(value) < end(1), "{line}");
    }
    // The same seed gives the same episodes, another one others; sampling differs from the mean.
    assert_eq!(printed(&["enjoy", run, "--episodes", "30", "--json"]), line);
    for other in [&["--seed", "1"][..], &["--softmax"]] {
        assert_ne!(printed(&[&["eval", run, "--episodes", "30", "--json"], other].concat()), line);
    }
    let short = printed(&["eval", run, "--episodes", "1"]);
    assert!(short.contains("1 episode on cpu") && short.contains("IQM"), "{short}");
    refused(&["eval", run, "--episodes", "0"], 2, &["episodes", "1 to 65536"]);
}

#[test]
fn shells_and_manuals_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        assert!(script.contains("check-env") && script.contains("target-entropy"), "{shell}");
    }
    let pages = printed(&["man"]);
    for command in ["softq-train", "softq-eval", "softq-verify"] {
        assert!(pages.contains(&command.replace('-', "\\-")), "{command}");
    }
}
