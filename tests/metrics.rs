//! What a run and a population leave of their numbers over time, in `metrics.jsonl` and event files, and of every agent's weights.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

const SMALL: &str = "cartpole --device cpu --quiet --total-timesteps 1024 --learning-starts 128 --log-frequency 256 \
                     --eval-frequency 512 --eval-episodes 2 --num-envs 4 --hidden 8";

fn train(dir: &Path, more: &str) {
    let line = format!("train {SMALL} {more} --run-dir");
    let arguments = line.split_whitespace().chain([dir.to_str().expect("path")]);
    let output = Command::new(env!("CARGO_BIN_EXE_softq")).args(arguments).output().expect("start softq");
    assert!(output.status.success(), "{more}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The objects of `metrics.jsonl` without what a clock said.
fn objects(dir: &Path) -> Vec<Map<String, Value>> {
    let text = std::fs::read_to_string(dir.join("metrics.jsonl")).expect("read");
    let object = |line: &str| {
        let mut object: Map<String, Value> = serde_json::from_str(line).expect("an object");
        for clock in ["charts/SPS", "time/fps", "time/time_elapsed"] {
            object.remove(clock);
        }
        object
    };
    text.lines().map(object).collect()
}

#[test]
fn a_run_tells_its_numbers_under_the_names_of_both_programs() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let dir = folder.path().join("run");
    train(&dir, "");
    let all = objects(&dir);
    let csv = std::fs::read_to_string(dir.join("progress.csv")).expect("read");
    assert_eq!(all.len(), csv.lines().count() - 1, "one object per row");
    let header: Vec<&str> = csv.lines().next().expect("header").split(',').collect();
    for (object, row) in all.iter().zip(csv.lines().skip(1)) {
        for (name, cell) in header.iter().zip(row.split(',')).filter(|(_, cell)| !cell.is_empty()) {
            if let Some(value) = object.get(*name) {
                assert_eq!(value.as_f64(), cell.parse().ok(), "{name}");
            } else {
                assert!(["charts/SPS", "time/time_elapsed"].contains(name), "{name} is missing");
            }
        }
        assert!(!object.contains_key("agent"));
    }
    let last = all.iter().rev().find(|object| object.contains_key("train/loss")).expect("a window");
    assert_eq!(last["rollout/ep_rew_mean"], last["charts/episodic_return"]);
    assert_eq!(last["time/total_timesteps"], last["global_step"]);
    assert_eq!(last["charts/learning_rate"], last["train/learning_rate"]);
    let evaluated = all.iter().find(|object| object.contains_key("eval/mean_reward")).expect("an evaluation");
    assert_eq!(evaluated["eval/mean_reward"], evaluated["eval/episodic_return"]);
}

#[test]
fn every_agent_tells_what_it_would_tell_alone() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let [together, alone] = ["together", "alone"].map(|name| folder.path().join(name));
    train(&together, "--agents 4 --sweep learning_rate=3e-3,1e-3");
    let all = objects(&together);
    // Agent 3 is the second setting with the second seed.
    train(&alone, "--learning-rate 1e-3 --seed 1");
    let own: Vec<_> = all.iter().filter(|object| object.get("agent") == Some(&3.into())).collect();
    let expected = objects(&alone);
    assert_eq!(own.len(), expected.len());
    for (own, expected) in own.into_iter().zip(expected) {
        for (name, value) in own.iter().filter(|(name, _)| *name != "agent") {
            assert_eq!(expected.get(name), Some(value), "{name} at {}", own["global_step"]);
        }
        assert!(own.len() > 3);
    }
    let summed = all.iter().filter(|object| !object.contains_key("agent")).count();
    assert_eq!(all.len(), 5 * summed);
    let rate = |agent: u32| {
        let own = all.iter().find(|object| object.get("agent") == Some(&agent.into())).expect("a window");
        own["charts/learning_rate"].as_f64()
    };
    assert_eq!([0, 1, 2, 3].map(rate), [3e-3, 1e-3, 3e-3, 1e-3].map(Some));
    let files = |dir: &Path| std::fs::read_dir(dir.join("tensorboard")).expect("event files").count();
    assert_eq!((files(&together), files(&alone)), (5, 1));
    for agent in 0..4 {
        let file = together.join(format!("tensorboard/agent_0{agent}/events.out.tfevents.1.softq"));
        assert!(std::fs::metadata(file).expect("an event file").len() > 1_000);
    }
}

fn printed(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_softq")).args(arguments).arg("--json").output();
    let output = output.expect("start softq");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON line")
}

fn refused(arguments: &[&str], code: i32, parts: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_softq")).args(arguments).output().expect("start softq");
    let message = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    for part in parts {
        assert!(message.contains(part), "'{part}' is missing for {arguments:?}: {message}");
    }
}

#[test]
fn any_agent_of_a_population_can_be_taken() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let [together, alone] = ["together", "alone"].map(|name| folder.path().join(name));
    train(&together, "--agents 4 --sweep learning_rate=3e-3,1e-3");
    train(&alone, "--learning-rate 1e-3 --seed 1");
    let (run, single) = (together.to_str().expect("path"), alone.to_str().expect("path"));
    let bytes = std::fs::read(together.join("agents.safetensors")).expect("weights of all");
    let all = safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
    assert_eq!(all.tensor("q0.layer0.weight").expect("weights").shape(), [4, 4, 8]);
    let bytes = std::fs::read(alone.join("model.safetensors")).expect("weights");
    let own = safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
    for (name, tensor) in own.tensors() {
        let each = tensor.data().len();
        assert_eq!(&all.tensor(&name).expect("the same name").data()[3 * each..], tensor.data(), "{name}");
    }
    let of_agent = printed(&["eval", run, "--agent", "3", "--episodes", "9"]);
    assert_eq!(of_agent["weights"], "agent 3");
    assert_eq!(of_agent["returns"], printed(&["eval", single, "--episodes", "9"])["returns"]);
    assert_eq!(printed(&["eval", single, "--agent", "0", "--episodes", "9"])["weights"], "last");
    let exported = printed(&["export", run, "--agent", "2"]);
    assert!(exported["file"].as_str().is_some_and(|file| file.ends_with("agent_2.onnx")), "{exported}");
    let gif = Command::new(env!("CARGO_BIN_EXE_softq"))
        .args(["record", run, "--agent", "1", "--width", "40"])
        .output();
    let said = String::from_utf8(gif.expect("record").stdout).expect("text");
    assert!(said.contains("agent_1.gif") && said.contains("greedy (agent 1)"), "{said}");
    refused(&["eval", run, "--agent", "4"], 2, &["--agent = 4", "from 0 to 3", "population.csv"]);
    refused(&["eval", single, "--agent", "1"], 2, &["--agent = 1", "0, the only agent"]);
    refused(&["eval", run, "--agent", "1", "--weights", "best"], 2, &["--agent", "--weights"]);
    refused(&["watch", "cartpole", "--agent", "1"], 2, &["--agent", "used with a run"]);
    let curve = std::fs::read_to_string(together.join("curve.svg")).expect("a picture");
    assert!(
        curve.contains("2 settings: greedy evaluation, median over seeds"),
        "the title says what is shown"
    );
    assert!(curve.contains("learning_rate=0.003") && curve.contains("learning_rate=0.001"));
    // One agent's weights in the place of all.
    std::fs::copy(alone.join("model.safetensors"), together.join("agents.safetensors")).expect("copy");
    std::fs::remove_file(together.join("SHA256SUMS")).expect("remove");
    refused(&["eval", run, "--agent", "1"], 6, &["agents.safetensors"]);
    std::fs::remove_file(together.join("agents.safetensors")).expect("remove");
    refused(&["eval", run, "--agent", "1"], 6, &["there are no weights of all agents"]);
}
