//! `softq sweep` and `softq ask-tell` from outside: the results of a sweep do not depend on how it was stopped, killed, gone on
//! with or shared among processes.

#[path = "common/program.rs"]
mod program;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use program::{output_in, printed_in, softq_in};

const SWEEP: &str = "trials = 6\nseeds = 2\nagents = 3\n[settings]\nenv = \"cartpole\"\ndevice = \"cpu\"\n\
    total_timesteps = 1500\nlearning_starts = 200\nhidden = [16]\nbatch_size = 16\neval_frequency = 500\n\
    eval_episodes = 3\n[parameters]\nlearning_rate = { distribution = \"log_uniform\", min = 1e-4, max = 1e-2 }\n\
    gamma = { values = [0.9, 0.99] }\n";

/// All lines of results below a directory, sorted.
fn lines(dir: &Path) -> Vec<String> {
    let mut lines: Vec<String> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).expect("read");
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    lines.sort();
    lines
}

fn folder(sweep: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("temporary directory");
    std::fs::write(root.path().join("my.toml"), sweep).expect("write");
    root
}

#[test]
fn a_sweep_killed_or_shared_ends_with_the_same_results() {
    let whole = folder(SWEEP);
    let text = printed_in(whole.path(), &["sweep", "my.toml"]);
    assert!(text.contains("12 of 12 trials finished, in sweeps/my"), "{text}");
    let results = lines(&whole.path().join("sweeps/my"));
    assert_eq!(results.len(), 12);
    // The command at the end is the best settings alone, to the bit.
    let command = text.lines().last().expect("a command").trim();
    let ranking: Value =
        serde_json::from_str(&printed_in(whole.path(), &["sweep", "my.toml", "--json"])).expect("JSON");
    let words: Vec<&str> = command.split(' ').skip(1).chain(["--json"]).collect();
    let alone: Value = serde_json::from_str(&printed_in(whole.path(), &words)).expect("JSON");
    assert_eq!(alone["eval_greedy_mean"], ranking["ranking"][0]["seeds"][0], "{command}");

    let killed = folder(SWEEP);
    let dir = killed.path().join("sweeps/my");
    let mut kills = 0;
    for at_least in [1, 4] {
        let mut child = softq_in(killed.path(), &["sweep", "my.toml"]).spawn().expect("start softq");
        let start = Instant::now();
        while lines(&dir).len() < at_least && child.try_wait().expect("alive").is_none() {
            assert!(start.elapsed() < Duration::from_secs(60), "no trial ends");
            std::thread::sleep(Duration::from_millis(2));
        }
        kills += usize::from(child.try_wait().expect("state").is_none());
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    let before = lines(&dir).len();
    assert!(kills > 0 && before < 12, "nothing was left to go on with: {before}");
    // A line that the kill cut off.
    let path = dir.join("trials.jsonl");
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("open");
    file.write_all(b"{\"trial\": 11, \"settin").expect("write");
    assert!(printed_in(killed.path(), &["sweep", "my.toml", "--show"]).contains(&format!("{before} of 12")));
    printed_in(killed.path(), &["sweep", "my.toml"]);
    assert_eq!(lines(&dir), results);

    // Two processes at once, in populations of another size.
    let shared = folder(&SWEEP.replace("agents = 3", "agents = 2"));
    let parts = ["0/2", "1/2"].map(|part| {
        softq_in(shared.path(), &["sweep", "my.toml", "--shard", part]).spawn().expect("start softq")
    });
    for part in parts {
        let output = part.wait_with_output().expect("ended");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let dir = shared.path().join("sweeps/my");
    assert_eq!(lines(&dir), results);
    // The merge finds nothing to do, a longer sweep only what is new.
    assert!(printed_in(shared.path(), &["sweep", "my.toml", "--show"]).contains("12 of 12"));
    std::fs::write(shared.path().join("my.toml"), SWEEP.replace("trials = 6", "trials = 7")).expect("write");
    printed_in(shared.path(), &["sweep", "my.toml"]);
    let longer = lines(&dir);
    assert!(longer.len() == 14 && results.iter().all(|line| longer.contains(line)));
    // Another sweep is refused, and so is a directory that cannot be written.
    std::fs::write(shared.path().join("my.toml"), SWEEP.replace("1e-2", "1e-3")).expect("write");
    let output = output_in(shared.path(), &["sweep", "my.toml"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(6) && message.contains("another sweep"), "{message}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_sweep_keeps_what_is_finished() {
    let root = folder(&SWEEP.replace("trials = 6", "trials = 60"));
    let dir = root.path().join("sweeps/my");
    let mut child = softq_in(root.path(), &["sweep", "my.toml"]).spawn().expect("start softq");
    while lines(&dir).is_empty() && child.try_wait().expect("alive").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    assert!(kill.success());
    let output = child.wait_with_output().expect("ended");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{message}");
    for part in ["finished trial", "in sweeps/my the same command goes on"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!lines(&dir).is_empty());
}

#[test]
fn wrong_sweeps_are_refused_before_anything_is_written() {
    for (sweep, arguments, parts) in [
        (SWEEP.replace("gamma", "gama"), vec!["sweep", "my.toml"], ["my.toml", "gamma"]),
        (SWEEP.replace("min = 1e-4", "min = 1"), vec!["sweep", "my.toml"], ["my.toml", "min below max"]),
        (SWEEP.replace("trials = 6", "trials = "), vec!["sweep", "my.toml"], ["my.toml", "TOML"]),
        (
            SWEEP.replace("hidden = [16]", "kl = \"maybe\""),
            vec!["sweep", "my.toml"],
            ["my.toml", ": kl = 'maybe'"],
        ),
        (SWEEP.into(), vec!["sweep", "nowhere.toml"], ["nowhere.toml", "cannot be read"]),
        (SWEEP.into(), vec!["sweep", "my.toml", "--shard", "4/4"], ["4/4", "0/4"]),
    ] {
        let root = folder(&sweep);
        let output = output_in(root.path(), &arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{parts:?}: {message}");
        assert!(output.stdout.is_empty() && !root.path().join("sweeps").exists());
    }
}

/// A trial whose world faults is named, and does not keep the others from being trained.
#[test]
fn a_trial_that_cannot_be_trained_is_named_and_the_others_are_trained() {
    let text = "agents = 3\n[settings]\nenv = \"level.wgsl\"\ndevice = \"cpu\"\ntotal_timesteps = 400\nlearning_starts = 100\n\
                hidden = [8]\nbatch_size = 8\neval_episodes = 2\n[parameters]\n\
                env_param = { values = [[\"level=1\"], [\"level=-1\"], [\"level=2\"]] }\n";
    let root = folder(text);
    std::fs::copy("tests/data/level.wgsl", root.path().join("level.wgsl")).expect("copy");
    for _ in 0..2 {
        let output = output_in(root.path(), &["sweep", "my.toml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("trial 1 (env_param="), "{said}");
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains("2 of 3 trials finished"), "{shown}");
        assert_eq!(lines(&root.path().join("sweeps/my")).len(), 2);
    }

    let arguments =
        ["ask-tell", "level.wgsl", "--device", "cpu", "--total-timesteps", "200", "--eval-episodes", "2"];
    let mut child = softq_in(root.path(), &arguments).stdin(Stdio::piped()).spawn().expect("start softq");
    let mut input = child.stdin.take().expect("stdin");
    let asked = "{\"trials\": [{\"env_param\": \"level=-1\"}, {\"env_param\": \"level=1\"}]}\n\
                 {\"trials\": [{\"device\": \"vulkan:99\"}]}\n{\"trials\": []}\n";
    input.write_all(asked.as_bytes()).expect("asked");
    drop(input);
    let output = child.wait_with_output().expect("ended");
    let text = String::from_utf8_lossy(&output.stdout);
    let told: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let results = &told[0]["results"];
    assert!(results[0]["error"].as_str().is_some_and(|error| error.contains("level.wgsl")), "{text}");
    assert!(results[0]["eval_greedy_mean"].is_null() && results[1]["eval_greedy_mean"].is_f64(), "{text}");
    assert!(results[1].get("error").is_none(), "{text}");
    assert!(told[1]["error"].as_str().is_some_and(|error| error.contains("vulkan:99")), "{text}");
    assert_eq!(told[2], serde_json::json!({"results": []}));
    assert!(!output.status.success());
}

#[test]
fn trials_are_asked_for_over_a_pipe() {
    let root = folder("");
    let arguments =
        ["ask-tell", "cartpole", "--device", "cpu", "--total-timesteps", "400", "--eval-episodes", "2"];
    let mut child = softq_in(root.path(), &arguments).stdin(Stdio::piped()).spawn().expect("start softq");
    let mut input = child.stdin.take().expect("stdin");
    let mut output = std::io::BufReader::new(child.stdout.take().expect("stdout"));
    for rate in [1e-3, 3e-3] {
        // An answer comes while the next question is still open.
        writeln!(input, "{{\"trials\": [{{\"learning_rate\": {rate}}}, {{\"hidden\": [8]}}]}}")
            .expect("asked");
        let mut line = String::new();
        std::io::BufRead::read_line(&mut output, &mut line).expect("told");
        let told: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(told["results"][0]["settings"]["learning_rate"], rate);
        assert!(told["results"][1]["eval_greedy_mean"].is_f64(), "{told}");
    }
    drop(input);
    assert!(child.wait().expect("ended").success());
}
