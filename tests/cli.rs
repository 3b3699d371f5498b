//! The program from outside: every kind of bad input with its exit status and a message that names what was wrong, what
//! is allowed and what to do; then the shape of `--json` and the content of a run directory.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn softq(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_softq")).args(arguments).output().expect("start softq")
}

/// Runs `softq train` in a temporary working directory, demands the exit status and every part of the message, nothing
/// on stdout, and no run directory left behind.
fn refused(arguments: &[&str], code: i32, parts: &[&str]) {
    let root = tempfile::tempdir().expect("temporary directory");
    let output = Command::new(env!("CARGO_BIN_EXE_softq"))
        .arg("train")
        .args(arguments)
        .current_dir(root.path())
        .output()
        .expect("start softq");
    let message = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(message.starts_with("error: "), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    for part in parts {
        assert!(message.contains(part), "'{part}' is missing for {arguments:?}: {message}");
    }
    assert_eq!(output.stdout, b"", "stdout is for results");
    assert!(!root.path().join("runs").exists(), "a refused run leaves nothing behind");
}

fn refused_with_config(toml: &str, code: i32, parts: &[&str]) {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("settings.toml");
    std::fs::write(&path, toml).expect("write");
    refused(&["--config", path.to_str().expect("path")], code, parts);
}

#[test]
fn unknown_environment() {
    refused(&["cartpol"], 2, &["unknown environment 'cartpol'", "Did you mean 'cartpole'?"]);
    refused(&["--env-id", "CartPole-v9"], 2, &["'CartPole-v9'", "Did you mean 'CartPole-v1'?"]);
}

#[test]
fn what_explain_would_leave_undone_is_refused() {
    for flag in ["--json", "--quiet"] {
        refused(&["cartpole", "--explain", flag], 2, &["--explain", flag]);
    }
}

#[test]
fn a_share_of_nothing_ends_exploration_at_once() {
    let line = "train cartpole --device cpu --explain --algo dqn --epsilon 1 --epsilon-final 0.05 --exploration-fraction 0";
    let output = softq(&line.split(' ').collect::<Vec<_>>());
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("no effect"), "{said}");
    let steps = said.lines().find(|line| line.contains("epsilon_decay_steps")).expect(&said);
    assert!(steps.split_whitespace().any(|word| word == "1"), "{steps}");
}

#[test]
fn a_multiple_of_the_dimensions_is_a_value_and_a_files_default_is_no_wish() {
    let line = "train pendulum --algo sac --device cpu --explain --target-entropy -1dim(A)";
    let output = softq(&line.split(' ').collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("-1dim(A)"), "{output:?}");
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("run.toml");
    for (value, warned) in [("0.0", false), ("0.1", true)] {
        std::fs::write(&file, format!("epsilon_final = {value}\nepsilon_decay_steps = 0\n")).expect("write");
        let line =
            ["train", "acrobot", "--device", "cpu", "--explain", "--config", file.to_str().expect("a name")];
        let output = softq(&line);
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("epsilon_final has no effect") == warned, "{said}");
    }
}

#[test]
fn unknown_algorithm() {
    refused(&["--algo", "sqm"], 2, &["'sqm'", "Did you mean 'sqn'?"]);
}

#[test]
fn unknown_flag() {
    refused(&["--learning-rat", "1"], 2, &["--learning-rat", "--learning-rate"]);
}

#[test]
fn unknown_config_key() {
    let parts = ["unknown config key 'learning_rat'", "Did you mean 'learning_rate'?"];
    refused_with_config("learning_rat = 0.1", 2, &parts);
    refused(&["--set", "learning_rat=0.1"], 2, &parts);
}

#[test]
fn wrong_types() {
    refused_with_config(
        "gamma = 0.9\nbatch_size = \"many\"",
        2,
        &["settings.toml", "batch_size", "line 2", "whole number"],
    );
    refused(&["--batch-size", "many"], 2, &["--batch-size", "'many'", "whole number"]);
    refused(&["--backup", "sample"], 2, &["'sample'", "sampled"]);
}

#[test]
fn broken_or_missing_config_file() {
    refused_with_config("gamma = = 1", 2, &["settings.toml", "not valid TOML", "line 1"]);
    refused(&["--config", "/nowhere/my.toml"], 2, &["/nowhere/my.toml", "cannot be read"]);
}

#[test]
fn batch_larger_than_replay() {
    refused(
        &["--batch-size", "128", "--buffer-size", "64"],
        2,
        &["batch_size = 128", "buffer_size = 64", "Lower --batch-size or raise --buffer-size"],
    );
}

#[test]
fn zero_sizes() {
    for (flag, field) in [
        ("--total-timesteps", "total_timesteps"),
        ("--num-envs", "num_envs"),
        ("--batch-size", "batch_size"),
        ("--buffer-size", "buffer_size"),
        ("--gradient-steps", "gradient_steps"),
        ("--hidden", "hidden"),
        ("--eval-episodes", "eval_episodes"),
    ] {
        refused(&[flag, "0"], 2, &[&format!("{field} = 0"), "1"]);
    }
}

#[test]
fn huge_sizes() {
    refused(&["--num-envs", "100000"], 2, &["num_envs = 100000", "65,536"]);
    refused(&["--batch-size", "65536"], 2, &["batch_size = 65536", "32,768"]);
    refused(&["--buffer-size", "4000000000"], 2, &["buffer_size = 4000000000", "16,777,216"]);
    refused(&["--buffer-size", "5000000000"], 2, &["--buffer-size", "5000000000", "16,777,216"]);
    refused(&["--hidden", "5000"], 2, &["hidden = 5000", "4,096"]);
    refused(&["--total-timesteps", "1e30"], 2, &["--total-timesteps", "1e30", "whole number"]);
}

#[test]
fn a_buffer_above_the_device_limit() {
    if std::env::var_os("SOFTQ_NO_GPU").is_some_and(|value| value == "1") {
        return;
    }
    refused(
        &["--device", "gpu", "--buffer-size", "16777216"],
        2,
        &["buffer 'replay' needs", "bytes", "allows 134217728", "Lower --buffer-size"],
    );
}

#[test]
fn unattainable_target_entropy() {
    refused(&["--target-entropy", "0.7"], 2, &["target_entropy", "0.7", "0.6931", "0.5ln|A|"]);
    refused(&["--target-entropy", "1.0ln|A|"], 2, &["target_entropy", "below ln|A|"]);
    refused(&["--target-entropy", "lots"], 2, &["--target-entropy", "'lots'", "nats"]);
}

#[test]
fn rates_out_of_range() {
    for value in ["0", "-0.1", "2", "nan", "inf"] {
        refused(&["--learning-rate", value], 2, &["learning_rate = ", "(0, 1]", "1e-3"]);
    }
    for value in ["-0.1", "1.5", "nan"] {
        refused(&["--gamma", value], 2, &["gamma = ", "[0, 1]", "0.99"]);
    }
}

#[test]
fn unwritable_run_directory() {
    // Below a device or a regular file nobody can create a directory, root included.
    refused(
        &["cartpole", "--device", "cpu", "--run-dir", "/dev/null/x"],
        6,
        &["create run directory", "/dev/null/x"],
    );
    let root = tempfile::tempdir().expect("temporary directory");
    std::fs::write(root.path().join("model.safetensors"), "weights").expect("write");
    let taken = root.path().to_str().expect("path");
    refused(&["cartpole", "--device", "cpu", "--run-dir", taken], 6, &[taken, "not empty", "--run-dir"]);
}

#[test]
fn no_such_device() {
    refused(&["--device", "vulkan:99"], 3, &["--device vulkan:99", "softq devices"]);
}

#[test]
fn misspelt_device() {
    refused(&["--device", "vulkn:0"], 2, &["'vulkn:0'", "vulkan:0"]);
}

#[test]
fn no_adapter_at_all() {
    // An empty driver list hides every Vulkan driver, and an empty vendor list every GL one.
    let root = tempfile::tempdir().expect("temporary directory");
    let hidden = |request: &str| {
        Command::new(env!("CARGO_BIN_EXE_softq"))
            .args(["train", "--explain", "--device", request])
            .env("VK_DRIVER_FILES", "/nowhere.json")
            .env("VK_ICD_FILENAMES", "/nowhere.json")
            .env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nowhere.json")
            .env("WGPU_BACKEND", "vulkan")
            .current_dir(root.path())
            .output()
            .expect("start softq")
    };
    let output = hidden("gpu");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains("--device gpu") && message.contains("--device cpu"), "{message}");
    let output = hidden("auto");
    assert!(output.status.success(), "auto falls back: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("device cpu"), "{text}");
}

#[test]
fn non_finite_loss_keeps_the_last_good_weights() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    let output = softq(&[
        "train",
        "cartpole",
        "--device",
        "cpu",
        "--quiet",
        "--run-dir",
        dir.to_str().expect("path"),
        "--total-timesteps",
        "2000",
        "--learning-starts",
        "64",
        "--reward-scale",
        "1e30",
    ]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(5), "{message}");
    let model = dir.join("model.safetensors");
    for part in ["training diverged", "--learning-rate", model.to_str().expect("path")] {
        assert!(message.contains(part), "'{part}' is missing: {message}");
    }
    let bytes = std::fs::read(model).expect("weights");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("whole file");
    for (name, view) in file.tensors() {
        let finite =
            view.data().chunks_exact(4).all(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite());
        assert!(finite, "{name}");
    }
    assert!(dir.join("curve.svg").exists());
}

#[test]
fn help_is_complete_and_usage_without_a_command_is_an_error() {
    let help = String::from_utf8(softq(&["train", "--help"]).stdout).expect("text");
    for flag in [
        "--env",
        "--seed",
        "--device",
        "--algo",
        "--total-timesteps",
        "--num-envs",
        "--batch-size",
        "--buffer-size",
        "--learning-rate",
        "--gamma",
        "--alpha",
        "--target-entropy",
        "--config",
        "--set",
        "--run-dir",
        "--json",
        "--quiet",
        "--explain",
    ] {
        assert!(help.contains(flag), "{flag}:\n{help}");
    }
    assert_eq!(softq(&[]).status.code(), Some(2));
    assert_eq!(softq(&["--version"]).status.code(), Some(0));
}

#[test]
fn devices_say_what_each_request_takes() {
    let output = softq(&["devices"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    for request in ["--device auto", "--device gpu", "--device cpu"] {
        assert!(text.contains(request), "{text}");
    }
    let line: Value = serde_json::from_slice(&softq(&["devices", "--json"]).stdout).expect("JSON");
    assert!(line["adapters"].is_array());
    assert_eq!(line["requests"][2]["takes"]["address"], "cpu");
}

#[cfg(unix)]
#[test]
fn a_reader_that_closes_the_pipe_causes_no_panic() {
    let shell = format!("'{}' devices | true; '{0}' train --help | head -1", env!("CARGO_BIN_EXE_softq"));
    let output = Command::new("sh").args(["-c", &shell]).output().expect("sh");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!message.contains("panicked") && !message.contains("Broken pipe"), "{message}");
}

fn tiny_run(dir: &Path, extra: &[&str]) -> Output {
    let mut arguments =
        vec!["train", "cartpole", "--device", "cpu", "--run-dir", dir.to_str().expect("path")];
    arguments.extend([
        "--total-timesteps",
        "256",
        "--learning-starts",
        "64",
        "--eval-frequency",
        "128",
        "--eval-episodes",
        "4",
        "--hidden",
        "16,16",
        "--stop-when-solved",
        "false",
    ]);
    arguments.extend(extra);
    let output = softq(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn json_ends_with_one_line_of_the_agreed_keys() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    let text = String::from_utf8(tiny_run(&dir, &["--json", "--seed", "7"]).stdout).expect("text");
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: Value = serde_json::from_str(&text).expect("JSON");
    for (key, value) in [("env", "CartPole-v1"), ("algo", "sqn"), ("device", "cpu")] {
        assert_eq!(line[key], value, "{text}");
    }
    assert_eq!(line["seed"], 7);
    assert_eq!(line["env_steps"], 256);
    assert_eq!(line["run_dir"], dir.to_str().expect("path"));
    assert!(line["adapter"].is_string() && line["updates"].as_u64() > Some(0), "{text}");
    for key in ["wall_s", "eval_greedy_mean", "eval_softmax_mean", "eval_greedy_std", "eval_softmax_std"] {
        assert!(line[key].is_f64(), "{key}: {text}");
    }
    assert!(line.get("solved_at_env_steps").is_some_and(Value::is_null), "{text}");
}

#[test]
fn a_run_directory_holds_every_file() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("deep/run");
    let output = tiny_run(&dir, &[]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("not solved") && text.contains("curve.svg"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("eval "), "one line per evaluation");
    let mut names: Vec<_> = std::fs::read_dir(&dir)
        .expect("list")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let expected = [
        "SHA256SUMS",
        "agent.gif",
        "best.safetensors",
        "checkpoints",
        "command.txt",
        "config.toml",
        "curve.svg",
        "evaluations.csv",
        "metrics.jsonl",
        "model.safetensors",
        "progress.csv",
        "report.json",
        "system.json",
        "tensorboard",
    ];
    assert_eq!(names, expected);

    let read = |name: &str| std::fs::read(dir.join(name)).expect(name);
    let text = |name: &str| String::from_utf8(read(name)).expect(name);
    let config: softq::config::Config = toml::from_str(&text("config.toml")).expect("config");
    assert_eq!((config.env.as_str(), config.hidden), ("CartPole-v1", vec![16, 16]));
    assert!(text("command.txt").contains("train cartpole --device cpu"));
    let system: Value = serde_json::from_str(&text("system.json")).expect("JSON");
    assert_eq!(system["softq"], env!("CARGO_PKG_VERSION"));
    let header = text("progress.csv").lines().next().expect("header").to_owned();
    for column in
        ["charts/episodic_return", "charts/SPS", "losses/td_loss", "losses/alpha", "eval/episodic_return"]
    {
        assert!(header.split(',').any(|name| name == column), "{column}: {header}");
    }
    assert!(text("curve.svg").contains("<svg"));
    assert!(read("agent.gif").starts_with(b"GIF89a"));
    let report: Value = serde_json::from_str(&text("report.json")).expect("JSON");
    assert_eq!(report["eval_greedy_returns"].as_array().map(Vec::len), Some(4));
    let bytes = read("model.safetensors");
    let (_, weights) = safetensors::SafeTensors::read_metadata(&bytes).expect("safetensors");
    assert_eq!(weights.metadata().as_ref().expect("metadata")["hidden"], "[16, 16]");
}

#[test]
fn explain_prints_origins_and_leaves_nothing_behind() {
    let root = tempfile::tempdir().expect("temporary directory");
    let path = root.path().join("run");
    let line = ["train", "cartpole", "--device", "cpu", "--explain", "--gamma", "0.5", "--run-dir"];
    let output = softq(&[&line[..], &[path.to_str().expect("path")]].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    let parts =
        ["gamma = 0.5", "# flag", "# preset", "# default", "vector step x 1, update x 4", "64 dispatches"];
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing:\n{text}");
    }
    assert!(!path.exists());
}

#[test]
fn the_same_seed_gives_the_same_weights_and_quiet_says_nothing() {
    let root = tempfile::tempdir().expect("temporary directory");
    let weights = |name: &str| {
        let output = tiny_run(&root.path().join(name), &["--quiet", "--seed", "5"]);
        assert_eq!((output.stdout, output.stderr), (vec![], vec![]));
        std::fs::read(root.path().join(name).join("model.safetensors")).expect("weights")
    };
    assert_eq!(weights("first"), weights("second"));
}

#[test]
fn a_config_file_of_a_run_repeats_it() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (first, second) = (root.path().join("first"), root.path().join("second"));
    tiny_run(&first, &["--quiet", "--seed", "9"]);
    let config = first.join("config.toml");
    let arguments = ["train", "--quiet", "--config", config.to_str().expect("path"), "--run-dir"];
    let output = softq(&[&arguments[..], &[second.to_str().expect("path")]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["config.toml", "model.safetensors"] {
        let read = |dir: &Path| std::fs::read(dir.join(name)).expect(name);
        assert_eq!(read(&first), read(&second), "{name}");
    }
}

/// Branching joins the targets of the lifts' heads in every algorithm, once per update; independent heads keep theirs.
#[test]
fn branching_has_one_target_for_all_heads() {
    let explain = |more: &[&str]| {
        let line = [&["train", "tray", "--device", "cpu", "--explain"], more].concat();
        let output = softq(&line);
        assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    for algo in ["sqn", "soft_q", "dqn", "munchausen", "sac_discrete"] {
        let count = |heads: &str| {
            let text = explain(&["--algo", algo, "--action-heads", heads]);
            text.lines().filter(|line| line.split_whitespace().any(|word| word == "join_heads")).count()
        };
        assert_eq!((count("branching"), count("independent")), (1, 0), "{algo}");
    }
    let line = ["tray", "--algo", "soft_q", "--action-heads", "branching", "--value-transform", "signed_log"];
    refused(&line, 2, &["value_transform", "signed_log", "none with action_heads = branching"]);
}
