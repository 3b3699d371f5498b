//! Runs that go on: killed at any moment, even within the write of a checkpoint, they end with the bits of a run that was
//! never stopped. `SOFTQ_KILLS=100` kills more often than the default.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use softq::config::Config;
use softq::engine::executor::{Executor, Program};
use softq::engine::recording::{BufferId, Buffers, Recording};
use softq::gpu::{GpuDevice, GpuExecutor};
use softq::train::checkpoint::store::Every;
use softq::train::event::Event;
use softq::train::run_dir::RunDir;
use softq::train::saved_run::{SavedRun, Which};
use softq::train::sinks::{RunFiles, train_with};
use softq::train::trainer::Trainer;
use softq::{Result, agents, envs};

const SMALL: &str = "cartpole --hidden 16 --num-envs 2 --learning-starts 64 --log-frequency 128 --eval-episodes 4 \
                     --eval-frequency 512 --buffer-size 512 --batch-size 16 --stop-when-solved false";
const POPULATION: &str = "--agents 3 --sweep learning_rate=0.001,0.0003,0.0001";
const PRIORITIZED: &str = "--replay prioritized";

fn softq(arguments: &[&str], more: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softq"));
    command.args(arguments).args(more.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn train(dir: &Path, more: &str) -> Command {
    let mut command = softq(&["train"], SMALL);
    command.args(more.split_whitespace()).arg("--run-dir").arg(dir);
    if !more.contains("--total-timesteps") {
        command.args(["--total-timesteps", "3000"]);
    }
    command
}

fn resume(dir: &Path, more: &str) -> Command {
    softq(&["train", "--resume", dir.to_str().expect("path")], more)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn success(mut command: Command) -> String {
    let output = command.output().expect("start softq");
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

fn refused(mut command: Command, code: i32, parts: &[&str]) {
    let output = command.output().expect("start softq");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing: {text}");
    }
}

fn read(dir: &Path, name: &str) -> Vec<u8> {
    fs::read(dir.join(name)).unwrap_or_else(|e| panic!("{}: {e}", dir.join(name).display()))
}

/// The rows without what a clock said: `charts/SPS` and `time/time_elapsed`.
fn progress(dir: &Path) -> Vec<String> {
    let text = String::from_utf8(read(dir, "progress.csv")).expect("text");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        [&cells[..3], &cells[4..12], &cells[13..]].concat().join(",")
    };
    text.lines().map(row).collect()
}

/// The same of `metrics.jsonl`.
fn metrics(dir: &Path) -> Vec<Value> {
    let text = String::from_utf8(read(dir, "metrics.jsonl")).expect("text");
    let object = |line: &str| {
        let mut object: Value = serde_json::from_str(line).expect("JSON");
        for clock in ["charts/SPS", "time/fps", "time/time_elapsed"] {
            object.as_object_mut().expect("an object").remove(clock);
        }
        object
    };
    text.lines().map(object).collect()
}

fn report(dir: &Path) -> Value {
    let mut report: Value = serde_json::from_slice(&read(dir, "report.json")).expect("JSON");
    // Warnings say of a run that went on that it did.
    for of_the_process in ["wall_s", "run_dir", "warnings"] {
        report[of_the_process] = Value::Null;
    }
    report
}

fn equal(a: &Path, b: &Path) {
    for name in
        ["model.safetensors", "best.safetensors", "config.toml", "curve.svg", "agent.gif", "evaluations.csv"]
    {
        assert!(read(a, name) == read(b, name), "{name}");
    }
    assert_eq!(progress(a), progress(b));
    assert_eq!(metrics(a), metrics(b));
    assert_eq!(report(a), report(b));
    let sums = String::from_utf8(read(b, "SHA256SUMS")).expect("text");
    assert!(sums.contains("progress.csv") && !b.join(".lock").exists() && !b.join(".reserve").exists());
}

fn checkpoints(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir.join("checkpoints")) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| steps_of(path).is_some());
    paths.sort_by_key(|path| steps_of(path));
    paths
}

fn steps_of(path: impl AsRef<Path>) -> Option<u64> {
    let name = path.as_ref().file_name()?.to_str()?;
    name.strip_prefix("step_")?.strip_suffix(".safetensors")?.parse().ok()
}

/// Whether a checkpoint is being written.
fn writing(dir: &Path) -> bool {
    fs::read_dir(dir.join("checkpoints")).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(".tmp")))
    })
}

/// A few numbers that nobody chose.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

/// Kills it: within the write of a checkpoint if one begins in time, or at any moment. What it was killed in, or that it
/// had ended.
fn kill(mut child: Child, dir: &Path, random: &mut Random, within_write: bool) -> &'static str {
    let begun = Instant::now();
    let moment = Duration::from_micros(random.below(250_000));
    loop {
        if child.try_wait().expect("state").is_some() {
            return "ended";
        }
        let write = writing(dir);
        if if within_write { write } else { begun.elapsed() >= moment } {
            child.kill().expect("kill");
            child.wait().expect("wait");
            return if write || writing(dir) { "write" } else { "moment" };
        }
    }
}

/// Kills a run again and again, at random moments and within writes in turn, until it ends or has been killed `kills` times.
fn killed_again_and_again(settings: &str, kills: u64, seed: u64) {
    let root = tempfile::tempdir().expect("temporary directory");
    let (whole, torn) = (root.path().join("whole"), root.path().join("torn"));
    success(train(&whole, &format!("{settings} --checkpoint-every never")));
    let mut random = Random(seed);
    let (mut counted, mut within) = (0, 0);
    let mut attempt = 0;
    while counted < kills {
        let every = format!("--checkpoint-every {}", 40 + random.below(200));
        let begun = torn.join("config.toml").exists();
        let mut command =
            if begun { resume(&torn, &every) } else { train(&torn, &format!("{settings} {every}")) };
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start softq");
        attempt += 1;
        match kill(child, &torn, &mut random, attempt % 2 == 0) {
            "ended" => {
                // It came to its end between two kills; a new run takes its place.
                equal_and_gone(&whole, &torn);
                continue;
            }
            "write" => within += 1,
            _ => {}
        }
        if torn.join("config.toml").exists() {
            counted += 1;
        } else {
            // Killed before it was a run at all: nothing to go on with.
            drop(fs::remove_dir_all(&torn));
        }
    }
    println!("{settings}: {counted} kills, {within} within the write of a checkpoint");
    success(resume(&torn, ""));
    equal(&whole, &torn);
}

fn equal_and_gone(whole: &Path, torn: &Path) {
    equal(whole, torn);
    fs::remove_dir_all(torn).expect("remove");
}

fn kills() -> u64 {
    std::env::var("SOFTQ_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

#[test]
fn a_killed_run_goes_on_to_the_same_bits() {
    for (index, settings) in ["", POPULATION, PRIORITIZED].into_iter().enumerate() {
        killed_again_and_again(&format!("--device cpu {settings}"), kills(), index as u64);
    }
}

#[test]
fn so_does_one_on_a_device() {
    let Some(choice) = common::gpu() else { return };
    for (index, settings) in [PRIORITIZED, POPULATION].into_iter().enumerate() {
        killed_again_and_again(
            &format!("--device {} {settings}", choice.address),
            kills() / 2,
            7 + index as u64,
        );
    }
}

#[test]
fn every_algorithm_goes_on_to_the_same_bits() {
    for algo in softq::agents::ALGORITHMS.iter().map(|algorithm| algorithm.name) {
        let continuous = ["sac", "soft_q_svgd"].contains(&algo);
        let env = if continuous { "pendulum" } else { "cartpole" };
        let settings = format!(
            "train {env} --algo {algo} --device cpu --hidden 8,8 --log-frequency 128 --eval-episodes 2 --eval-frequency 700 \
             --eval-max-steps 20 --total-timesteps 1500 --stop-when-solved false --learning-starts 64"
        );
        let root = tempfile::tempdir().expect("temporary directory");
        let (whole, torn) = (root.path().join("whole"), root.path().join("torn"));
        let run = |dir: &Path, every: &str| {
            let mut command = softq(&[], &settings);
            command.args(["--checkpoint-every", every, "--run-dir"]).arg(dir);
            success(command);
        };
        run(&whole, "never");
        run(&torn, "400");
        // As if it had been killed behind its last but one checkpoint.
        let saved = checkpoints(&torn);
        assert_eq!(saved.len(), 2, "{algo}");
        fs::remove_file(&saved[1]).expect("remove");
        success(resume(&torn, ""));
        equal(&whole, &torn);
    }
}

#[test]
fn a_run_goes_on_further_as_if_it_had_been_so_long_from_the_start() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (long, grown) = (root.path().join("long"), root.path().join("grown"));
    // 1,536 is where a window and an evaluation end.
    success(train(&long, "--device cpu --total-timesteps 2559"));
    success(train(&grown, "--device cpu --total-timesteps 1536"));
    refused(resume(&grown, "--total-timesteps 1000"), 2, &["total_timesteps = 1000", "at least 1536"]);
    let config = read(&grown, "config.toml");
    success(resume(&grown, "--total-timesteps 2559"));
    assert!(read(&grown, "config.toml") != config);
    equal(&long, &grown);
    let commands = String::from_utf8(read(&grown, "command.txt")).expect("text");
    assert_eq!(commands.lines().count(), 2, "{commands}");
    // Once more from its end, which lies behind the last step that was planned: the last evaluations again, and the same
    // files.
    let text = success(resume(&grown, ""));
    assert!(text.contains("had ended after") && text.contains("A larger --total-timesteps"), "{text}");
    equal(&long, &grown);
}

/// What was best in the evaluation at the old end is no part of the longer run, and is not lost.
#[test]
fn weights_that_were_best_at_an_old_end_are_kept_aside() {
    let mut kept = 0;
    for seed in 0..4 {
        let root = tempfile::tempdir().expect("temporary directory");
        let (long, grown) = (root.path().join("long"), root.path().join("grown"));
        // No evaluation is due at 1,408.
        success(train(&long, &format!("--device cpu --seed {seed} --total-timesteps 2200")));
        success(train(&grown, &format!("--device cpu --seed {seed} --total-timesteps 1408")));
        let best = read(&grown, "best.safetensors");
        let of_the_end = report(&grown)["best_env_steps"] == 1408;
        let text = success(resume(&grown, "--total-timesteps 2200"));
        // The files say how long the run was to be when they were written.
        let best_of = |dir: &Path| SavedRun::load(dir, Which::Best).expect("weights");
        let (wanted, got) = (best_of(&long), best_of(&grown));
        assert_eq!((wanted.env_steps, wanted.weights), (got.env_steps, got.weights));
        for name in ["model.safetensors", "evaluations.csv"] {
            assert!(read(&long, name) == read(&grown, name), "{name}");
        }
        assert_eq!(report(&long), report(&grown));
        let aside = grown.join("best_before_1.safetensors");
        assert_eq!(aside.is_file(), of_the_end, "{text}");
        if of_the_end {
            assert!(
                read(&grown, "best_before_1.safetensors") == best && text.contains("best_before_1"),
                "{text}"
            );
            kept += 1;
        }
    }
    assert!(kept > 0, "some run is best at its end");
}

#[test]
fn a_run_that_was_solved_stays_as_it_is() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (once, again) = (root.path().join("once"), root.path().join("again"));
    for dir in [&once, &again] {
        let path = dir.to_str().expect("path");
        success(softq(&["train", "catch", "--run-dir", path], "--device cpu --eval-episodes 20 --seed 0"));
    }
    assert!(report(&once)["solved_at_env_steps"].is_u64(), "{}", report(&once));
    // What a job that begins anew does, whatever it finds.
    for _ in 0..2 {
        let text = success(resume(&again, ""));
        assert!(text.contains("had ended after"), "{text}");
        equal(&once, &again);
    }
    let steps = report(&again)["env_steps"].as_u64().expect("steps");
    success(resume(&again, "--total-timesteps 70000"));
    assert!(report(&again)["env_steps"].as_u64().expect("steps") > steps);
}

#[test]
fn a_schedule_that_spans_the_run_keeps_its_length_when_the_run_grows() {
    for (settings, key) in [
        ("--temperature schedule --alpha 0.5 --alpha-final 0.01", "alpha_decay_steps"),
        (PRIORITIZED, "importance_decay_steps"),
    ] {
        let root = tempfile::tempdir().expect("temporary directory");
        let (long, grown) = (root.path().join("long"), root.path().join("grown"));
        let explicit = format!("--{} 1536", key.replace('_', "-"));
        success(train(&long, &format!("--device cpu {settings} {explicit} --total-timesteps 2559")));
        success(train(&grown, &format!("--device cpu {settings} --total-timesteps 1536")));
        let text = success(resume(&grown, "--total-timesteps 2559"));
        assert!(text.contains(&format!("{key}, which was 0 for the whole run, is 1,536 now")), "{text}");
        equal(&long, &grown);
    }
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    let differing = "--temperature schedule --sweep alpha_decay_steps=0,500";
    success(train(&dir, &format!("--device cpu {differing} --total-timesteps 640")));
    refused(
        resume(&dir, "--total-timesteps 1000"),
        2,
        &["total_timesteps = 1000", "alpha_decay_steps differ"],
    );
}

#[test]
fn a_run_with_results_and_without_a_checkpoint_is_left_alone() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    success(train(&dir, "--device cpu --total-timesteps 640 --checkpoint-every never"));
    let before = read(&dir, "model.safetensors");
    refused(resume(&dir, "--total-timesteps 1280"), 2, &["has results and no checkpoint", "config.toml"]);
    assert!(read(&dir, "model.safetensors") == before);
    success(softq(&["eval", dir.to_str().expect("path"), "--episodes", "2", "--device", "cpu"], ""));
    // Killed before its first checkpoint: it begins anew, and nothing of before stays in its way.
    for gone in ["model.safetensors", "report.json"] {
        fs::remove_file(dir.join(gone)).expect("remove");
    }
    for name in ["trace.json", "best.safetensors"] {
        fs::write(dir.join(name), b"of before").expect("write");
    }
    let text = success(resume(&dir, "--checkpoint-every never"));
    assert!(text.contains("the run begins anew"), "{text}");
    // But the weights that nothing else could bring back.
    assert!(text.contains("kept as best_before_1.safetensors"), "{text}");
    assert!(read(&dir, "best_before_1.safetensors") == b"of before");
    assert!(read(&dir, "model.safetensors") == before);
    assert!(!dir.join("trace.json").exists());
}

#[test]
fn an_interrupted_run_leaves_a_checkpoint_of_that_moment() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (whole, torn) = (root.path().join("whole"), root.path().join("torn"));
    success(train(&whole, "--device cpu --total-timesteps 40000"));
    let child = train(&torn, "--device cpu --total-timesteps 40000").spawn().expect("start softq");
    let progress = torn.join("progress.csv");
    while fs::read_to_string(&progress).map_or(0, |text| text.lines().count()) < 3 {
        std::thread::yield_now();
    }
    // As `timeout` does, which signals its child and then the group of both.
    let twice = format!("kill -TERM {0}; sleep 0.01; kill -TERM {0}", child.id());
    let status = Command::new("sh").args(["-c", &twice]).status().expect("kill");
    assert!(status.success());
    let output = child.wait_with_output().expect("end");
    assert_eq!(output.status.code(), Some(143), "{}", said(&output));
    assert!(said(&output).contains("softq train --resume"), "{}", said(&output));
    assert_eq!(checkpoints(&torn).len(), 1);
    success(resume(&torn, ""));
    equal(&whole, &torn);
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_is_used() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (whole, torn) = (root.path().join("whole"), root.path().join("torn"));
    success(train(&whole, "--device cpu --checkpoint-every never"));
    assert_eq!(checkpoints(&whole).len(), 0, "never means never");
    success(train(&torn, "--device cpu --checkpoint-every 600"));
    let saved = checkpoints(&torn);
    let good = fs::read(&saved[1]).expect("read");
    let mut random = Random(3);
    for damage in 0..4 {
        let mut bytes = good.clone();
        match damage {
            0 => bytes.truncate(random.below(good.len() as u64) as usize),
            1 => bytes.clear(),
            _ => bytes[random.below(good.len() as u64) as usize] ^= 1 << random.below(8),
        }
        fs::write(&saved[1], &bytes).expect("write");
        let text = success(resume(&torn, "--checkpoint-every 600"));
        let name = saved[1].file_name().expect("name").to_string_lossy().into_owned();
        assert!(text.contains(&name) && text.contains("the checkpoint before"), "{text}");
        equal(&whole, &torn);
    }
    for path in checkpoints(&torn) {
        fs::write(path, b"").expect("write");
    }
    let before = read(&torn, "model.safetensors");
    refused(resume(&torn, ""), 6, &["step_3000.safetensors", "no whole safetensors file"]);
    assert!(read(&torn, "model.safetensors") == before, "nothing was touched");
}

#[test]
fn what_cannot_go_on_is_refused() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    success(train(&dir, "--device cpu --total-timesteps 640"));
    refused(resume(&root.path().join("nowhere"), ""), 6, &["no such directory"]);
    refused(resume(root.path(), ""), 6, &["no directory of a run"]);
    refused(resume(&dir, "--gamma 0.9"), 2, &["--gamma", "keeps its settings"]);
    refused(resume(&dir, "--total-timesteps many"), 2, &["--total-timesteps", "'many'"]);
    refused(resume(&dir, "--checkpoint-every soon"), 2, &["'soon'", "30s, 5m or 1h"]);
    refused(resume(&dir, "--hidden 8"), 2, &["--hidden"]);
    // A file of the run that lost its end.
    let whole = read(&dir, "metrics.jsonl");
    fs::write(dir.join("metrics.jsonl"), b"{").expect("write");
    let names = ["progress.csv", "evaluations.csv", "config.toml", "command.txt", "SHA256SUMS"];
    let before = names.map(|name| read(&dir, name));
    refused(resume(&dir, "--total-timesteps 1280"), 6, &["metrics.jsonl", "cut off or altered"]);
    // Nothing of the run has changed, neither what lies before that file in its list nor what lies behind.
    assert!(names.map(|name| read(&dir, name)) == before);
    fs::write(dir.join("metrics.jsonl"), whole).expect("write");
    fs::write(dir.join("progress.csv"), b"global").expect("write");
    refused(resume(&dir, ""), 6, &["progress.csv", "cut off or altered"]);
    #[cfg(unix)]
    {
        let link = root.path().join("loop");
        std::os::unix::fs::symlink(&link, &link).expect("link");
        refused(resume(&link, ""), 6, &["loop"]);
    }
    let held = softq::train::run_dir::RunDir::existing(&dir).lock().expect("lock");
    refused(resume(&dir, ""), 6, &["another process trains in it"]);
    drop(held);
}

/// A device that is destroyed before a certain submission.
struct Doomed {
    inner: GpuExecutor,
    left: u64,
}

impl Executor for Doomed {
    fn address(&self) -> &str {
        self.inner.address()
    }
    fn max_buffer_bytes(&self) -> u64 {
        self.inner.max_buffer_bytes()
    }
    fn allocate(&mut self, buffers: &Buffers) -> Result<()> {
        self.inner.allocate(buffers)
    }
    fn write_at(&mut self, buffer: BufferId, first: u64, words: &[u32]) -> Result<()> {
        self.inner.write_at(buffer, first, words)
    }
    fn read(&mut self, buffer: BufferId) -> Result<Vec<u32>> {
        self.inner.read(buffer)
    }
    fn prepare(&mut self, recording: &Recording) -> Result<Program> {
        self.inner.prepare(recording)
    }
    fn submit(&mut self, programs: &[(Program, u32)], snapshot: Option<BufferId>) -> Result<()> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.inner.destroy_device(),
        }
        self.inner.submit(programs, snapshot)
    }
    fn collect(&mut self) -> Result<Vec<Vec<u32>>> {
        self.inner.collect()
    }
    fn wait(&mut self) -> Result<()> {
        self.inner.wait()
    }
    fn uploaded_bytes(&self) -> u64 {
        self.inner.uploaded_bytes()
    }
}

#[test]
fn a_lost_device_ends_the_run_with_status_4_and_it_goes_on() {
    let Some(choice) = common::gpu() else { return };
    let root = tempfile::tempdir().expect("temporary directory");
    let whole = root.path().join("whole");
    let device = format!("--device {} --total-timesteps 1500", choice.address);
    success(train(&whole, &format!("{device} --checkpoint-every 200")));
    let config = String::from_utf8(read(&whole, "config.toml")).expect("text");
    let config: Config = toml::from_str(&config).expect("settings");
    let mut random = Random(11);
    for point in 0..20 {
        let dir = root.path().join(format!("lost{point}"));
        let env = envs::open(&config.env, &config.env_values().expect("values")).expect("environment");
        let plan = agents::plan(&config, env).expect("plan");
        let open = pollster::block_on(GpuDevice::open(&choice.address)).expect("device");
        // The reset comes with the first submission; the run has some fifty of its own.
        let doomed = Doomed { inner: GpuExecutor::new(open), left: 1 + random.below(40) };
        let mut trainer =
            Trainer::with_executor(&config, env, plan, choice.clone(), Box::new(doomed)).expect("trainer");
        let files = RunFiles::create(RunDir::create(&dir).expect("directory"), &trainer, Every::Steps(200));
        let begun = Instant::now();
        let outcome =
            train_with(&mut trainer, files.expect("files"), &Default::default(), &mut |_: &Event| Ok(()));
        let error = outcome.expect_err("the device is gone");
        assert_eq!(error.exit_code(), 4, "{error}");
        assert!(error.to_string().contains("--resume"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(60), "it ends, whatever else this machine does");
        if point % 5 == 0 {
            // On another device: the bits are the same on software Vulkan and the CPU executor.
            success(resume(&dir, "--device cpu"));
            assert_eq!(progress(&whole), progress(&dir));
        }
    }
}

#[test]
fn a_run_that_diverges_keeps_the_checkpoint_before() {
    let root = tempfile::tempdir().expect("temporary directory");
    let dir = root.path().join("run");
    // Rewards near the largest f32: the squared error of the first update overflows.
    let settings = SMALL.replace("--log-frequency 128", "--log-frequency 1024");
    let mut command = softq(&["train"], &settings);
    command.args(["--device", "cpu", "--total-timesteps", "3000", "--reward-scale", "1e30"]);
    command.args(["--checkpoint-every", "20", "--run-dir"]).arg(&dir);
    refused(command, 5, &["diverged", "model.safetensors"]);
    let saved = checkpoints(&dir);
    let last = saved.last().and_then(steps_of).expect("one from before the first update");
    assert!((20..=64).contains(&last), "{saved:?}");
    refused(resume(&dir, ""), 5, &["diverged"]);
}

#[cfg(unix)]
#[test]
fn what_happens_to_the_directory_is_an_error_with_its_name() {
    let root = tempfile::tempdir().expect("temporary directory");
    // Removed while the run goes on.
    let dir = root.path().join("removed");
    let settings = "--device cpu --total-timesteps 100000000 --checkpoint-every 500";
    let mut child = train(&dir, settings).stdout(Stdio::null()).spawn().expect("start softq");
    while checkpoints(&dir).is_empty() && child.try_wait().expect("state").is_none() {
        std::thread::yield_now();
    }
    // The run may write a file into it meanwhile.
    while dir.exists() {
        drop(fs::remove_dir_all(&dir));
    }
    let output = child.wait_with_output().expect("end");
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    // Whichever file is the first that finds no place.
    assert!(said(&output).contains("cannot ") && said(&output).contains("removed"), "{}", said(&output));
    assert!(!dir.exists(), "it is not made anew");
    // A file where the checkpoints are to lie.
    let dir = root.path().join("taken");
    success(train(&dir, "--device cpu --total-timesteps 640 --checkpoint-every never"));
    for results in ["model.safetensors", "report.json"] {
        fs::remove_file(dir.join(results)).expect("remove");
    }
    fs::write(dir.join("checkpoints"), b"in the way").expect("write");
    refused(resume(&dir, "--total-timesteps 1280"), 6, &["checkpoints/step_"]);
    let kept = SavedRun::load(&dir, Which::Last).expect("whole weights");
    assert_eq!(kept.env_steps, Some(1280));
}
