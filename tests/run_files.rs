//! What a run leaves, whoever trains and however it ends: the same files, checksums over them, the last weights.

#[cfg(target_os = "linux")]
#[path = "common/spaces.rs"]
mod spaces;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use serde_json::Value;
use softq::config::Config;
use softq::train::event::Event;
use softq::train::run_dir::RunDir;
use softq::train::saved_run::{SavedRun, Which};
use softq::train::sinks::train_in;
use softq::train::trainer::Trainer;

const SMALL: &str = "cartpole --device cpu --hidden 16 --num-envs 2 --learning-starts 64 --log-frequency 128 --eval-episodes 4 \
                     --stop-when-solved false";

fn softq(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softq"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn train(dir: &Path, extra: &str) -> Command {
    let mut command = softq(&["train"]);
    command.args(SMALL.split_whitespace()).args(extra.split_whitespace()).arg("--run-dir").arg(dir);
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("list");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

const STEPS: &str = "--total-timesteps 640 --eval-frequency 128";

#[test]
fn the_library_leaves_what_the_program_leaves() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (program, library) = (root.path().join("program"), root.path().join("library"));
    let output = train(&program, STEPS).output().expect("run");
    assert!(output.status.success(), "{}", text(&output));
    let config = std::fs::read_to_string(program.join("config.toml")).expect("read");
    let config: Config = toml::from_str(&config).expect("settings");
    let mut trainer = Trainer::new(&config).expect("trainer");
    let dir = RunDir::create(&library).expect("directory");
    let mut ends = 0;
    let report = train_in(&mut trainer, dir, &AtomicUsize::new(0), &mut |event| {
        ends += u32::from(matches!(event, Event::Finished(_) | Event::Pictures(_)));
        Ok(())
    });
    assert_eq!((report.expect("run").env_steps, ends), (640, 2));
    assert_eq!(names(&library), names(&program));
    for name in ["config.toml", "model.safetensors", "best.safetensors", "agent.gif", "curve.svg"] {
        let read = |dir: &Path| std::fs::read(dir.join(name)).expect(name);
        assert_eq!(read(&library), read(&program), "{name}");
    }
    let sums = std::fs::read_to_string(library.join("SHA256SUMS")).expect("read");
    let checked = names(&library).len() - 3;
    assert_eq!(sums.lines().count(), checked, "every file but the list itself, no directory: {sums}");
}

#[test]
fn the_best_weights_are_named_and_can_play() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    let output = train(&dir, STEPS).output().expect("run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("  best  ") && said.contains("best.safetensors"), "{said}");
    let report: Value =
        serde_json::from_slice(&std::fs::read(dir.join("report.json")).expect("read")).expect("JSON");
    assert_eq!(report["best_weights"], "best.safetensors");
    let run = SavedRun::load(&dir, Which::Best).expect("load");
    assert_eq!(run.env_steps, report["best_env_steps"].as_u64());
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
    let csv = std::fs::read_to_string(dir.join("progress.csv")).expect("read");
    let evaluations: Vec<f64> = csv
        .lines()
        .skip(1)
        .filter_map(|row| row.split(',').nth(13).filter(|cell| !cell.is_empty())?.parse().ok())
        .collect();
    let best = evaluations.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert_eq!((evaluations.len(), report["best_greedy_mean"].as_f64()), (5, Some(best)));
    let path = dir.to_str().expect("path");
    let shown = softq(&["watch", path, "--weights", "best", "--episodes", "1", "--frames", "2"]).output();
    let shown = String::from_utf8_lossy(&shown.expect("watch").stdout).into_owned();
    assert!(shown.contains("greedy (best weights)"), "{shown}");
}

#[test]
fn a_flipped_bit_is_refused_by_name() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    assert!(train(&dir, STEPS).output().expect("run").status.success());
    SavedRun::load(&dir, Which::Last).expect("whole");
    for (name, which) in [
        ("model.safetensors", Which::Last),
        ("best.safetensors", Which::Best),
        ("config.toml", Which::Last),
        ("SHA256SUMS", Which::Last),
    ] {
        let path = dir.join(name);
        let bytes = std::fs::read(&path).expect("read");
        for byte in [0, bytes.len() / 3, bytes.len() / 2] {
            let mut flipped = bytes.clone();
            flipped[byte] ^= 4;
            std::fs::write(&path, &flipped).expect("write");
            let told = match SavedRun::load(&dir, which) {
                Ok(run) => run.warnings.join(" "),
                Err(error) => error.to_string(),
            };
            assert!(told.contains(name), "{name}, byte {byte}: {told}");
            // Of the list, only what concerns the files that are read can be refused.
            assert!(name == "SHA256SUMS" || told.starts_with("cannot"), "{name}, byte {byte}: {told}");
        }
        std::fs::write(&path, &bytes).expect("write");
    }
    // A picture made later is one of the files as well.
    let path = dir.to_str().expect("path");
    assert!(softq(&["record", path, "--width", "40"]).status().expect("record").success());
    let check =
        Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&dir).output();
    if let Ok(check) = check {
        assert!(check.status.success(), "{}", text(&check));
    }
}

/// A run whose interrupts are not ignored, as they are in what `nohup` or a shell's background starts: what is ignored stays so
/// over `exec`, unless `env` of the GNU programs undoes it.
#[cfg(unix)]
fn interruptible(run: &Command) -> Command {
    let default = "--default-signal=INT,TERM";
    match Command::new("env").args([default, "true"]).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => {
            let mut command = Command::new("env");
            command.arg(default).arg(run.get_program()).args(run.get_args());
            command
        }
        // Another `env`: the tests have to be started with interrupts as they are by default.
        _ => {
            let mut command = Command::new(run.get_program());
            command.args(run.get_args());
            command
        }
    }
}

/// Waits until the run has learnt something.
#[cfg(unix)]
fn started(dir: &Path, child: &mut Child) {
    within_a_minute("the run writes no progress", child, |child| {
        let rows = std::fs::read_to_string(dir.join("progress.csv")).unwrap_or_default().lines().count();
        rows > 20 || child.try_wait().expect("status").is_some()
    });
}

#[cfg(unix)]
fn within_a_minute(or: &str, child: &mut Child, done: impl Fn(&mut Child) -> bool) {
    for _ in 0..3_000 {
        if done(child) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("end the run");
    panic!("{or}");
}

#[cfg(unix)]
#[test]
fn interrupts_keep_the_last_weights() {
    let root = tempfile::tempdir().expect("temporary directory");
    for (signal, status, name) in [("INT", 130, "SIGINT"), ("TERM", 143, "SIGTERM")] {
        let dir = root.path().join(name);
        let run = train(&dir, "--total-timesteps 100000000 --eval-frequency 0 --quiet");
        let mut run = interruptible(&run);
        let mut child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
        started(&dir, &mut child);
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        within_a_minute("the run goes on", &mut child, |child| child.try_wait().expect("status").is_some());
        let output = child.wait_with_output().expect("end");
        let message = text(&output);
        assert_eq!(output.status.code(), Some(status), "{message}");
        let model = dir.join("model.safetensors");
        for part in ["interrupted by", name, model.to_str().expect("path"), "`softq train --resume`"] {
            assert!(message.contains(part), "'{part}' is missing: {message}");
        }
        let run = SavedRun::load(&dir, Which::Last).expect("the last weights");
        assert!(run.env_steps > Some(2_000) && run.warnings.is_empty(), "{run:?}");
        assert!(dir.join("curve.svg").is_file() && !dir.join(".reserve").exists());
    }
}

const ROW_BY_ROW: &str = "--log-frequency 1 --total-timesteps 100000 --eval-frequency 0 --quiet";

/// Whole rows and the last weights are in `dir`, and the message names `named`, where the run wrote.
fn kept_on_a_full_disk(output: &Output, dir: &Path, named: &Path) {
    let message = text(output);
    assert_eq!(output.status.code(), Some(6), "{message}");
    let model = named.join("model.safetensors");
    for part in ["The last weights are kept in", model.to_str().expect("path")] {
        assert!(message.contains(part), "'{part}' is missing: {message}");
    }
    let growing = ["progress.csv", "metrics.jsonl", "tfevents"];
    assert!(growing.iter().any(|name| message.contains(name)), "{message}");
    let metrics = std::fs::read_to_string(dir.join("metrics.jsonl")).expect("read");
    assert!(
        metrics.ends_with('\n') && metrics.lines().all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
    let csv = std::fs::read_to_string(dir.join("progress.csv")).expect("read");
    let cells = |row: &str| row.split(',').count();
    assert!(csv.ends_with('\n') && csv.lines().all(|row| cells(row) == 15), "no half row");
    SavedRun::load(dir, Which::Last).expect("the last weights");
}

/// A limit on the length of files stands for a full disk: the files that grow reach it.
#[cfg(unix)]
#[test]
fn a_limit_on_files_keeps_whole_rows_and_the_last_weights() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    let small = SMALL.replace("--log-frequency 128", ROW_BY_ROW);
    let line = format!("trap '' XFSZ; ulimit -f 64; exec \"$0\" train {small} --run-dir \"$1\"");
    let output = Command::new("sh").args(["-c", &line, env!("CARGO_BIN_EXE_softq")]).arg(&dir).output();
    kept_on_a_full_disk(&output.expect("run"), &dir, &dir);
}

/// Where there are no name spaces, the limit on files above stands for it. The smallest disk has no room for the curve.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_whole_rows_and_the_last_weights() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (disk, small) = (root.path().join("disk"), SMALL.replace("--log-frequency 128", ROW_BY_ROW));
    std::fs::create_dir(&disk).expect("directory");
    if !spaces::available(&disk) {
        return;
    }
    for size in ["64k", "400k"] {
        let kept = root.path().join(size);
        // The file system ends with the name space: what it holds is copied before.
        let line = format!(
            "mount -t tmpfs -o size={size} softq \"$1\" && \"$0\" train {small} --run-dir \"$1/run\"; status=$?; \
             cp -r \"$1/run\" \"$2\"; exit $status"
        );
        let output = spaces::spaces(&line, &[&disk, &kept]).expect("run");
        kept_on_a_full_disk(&output, &kept, &disk.join("run"));
    }
}

/// A checkpoint grows with the transitions in its ring until the disk is full: the ones before stay whole, and the run goes on
/// from them where there is room.
#[cfg(unix)]
#[test]
fn a_checkpoint_that_does_not_fit_leaves_those_before() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    let more = "--total-timesteps 6000 --eval-frequency 0 --checkpoint-every 500";
    let line = format!("trap '' XFSZ; ulimit -f 320; exec \"$0\" train {SMALL} {more} --run-dir \"$1\"");
    let output = Command::new("sh").args(["-c", &line, env!("CARGO_BIN_EXE_softq")]).arg(&dir).output();
    let output = output.expect("run");
    let message = text(&output);
    assert_eq!(output.status.code(), Some(6), "{message}");
    assert!(
        message.contains("checkpoints/step_") && message.contains("The last weights are kept"),
        "{message}"
    );
    let saved = names(&dir.join("checkpoints"));
    assert!(saved.len() == 2 && saved.iter().all(|name| name.starts_with("step_")), "{saved:?}");
    SavedRun::load(&dir, Which::Last).expect("the last weights");
    let resumed =
        softq(&["train", "--resume", dir.to_str().expect("path"), "--quiet"]).output().expect("run");
    assert!(resumed.status.success(), "{}", text(&resumed));
    let report: Value =
        serde_json::from_slice(&std::fs::read(dir.join("report.json")).expect("read")).expect("JSON");
    assert_eq!(report["env_steps"], 6000);
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_is_not_unicode_can_be_read_back() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join(std::ffi::OsStr::from_bytes(b"run-\xff"));
    let output = train(&dir, "--total-timesteps 192 --quiet").output().expect("run");
    assert!(output.status.success(), "{}", text(&output));
    let output = softq(&["record", "--width", "40"]).arg(&dir).output().expect("record");
    assert!(output.status.success(), "{}", text(&output));
    let rollout = ["rollout", "--num-envs", "4", "--steps", "3", "--device", "cpu", "--policy"];
    let output = softq(&rollout).arg(&dir).output().expect("rollout");
    assert!(output.status.success(), "{}", text(&output));
}
