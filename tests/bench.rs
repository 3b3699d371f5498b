//! The benchmark: wrong results fail their rows, every kernel has one, and docs/bench holds what its table says.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use softq::bench::roofline::{self, Limits};
use softq::bench::timing::Effort;
use softq::bench::{Options, Record, Row, Suite, kernels, probes, submissions, training, workload};
use softq::config::Config;
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;
use softq::engine::kernel::{Kernel, TwinCall};
use softq::train::run_dir::RunDir;
use softq::train::sinks::train_in;
use softq::train::trainer::Trainer;
use softq::verify::case::Case;
use softq::verify::check::Check;

const EFFORT: Effort = Effort { sample_s: 0.0, repeats: 2 };

/// The dispatches of a small training.
fn cases() -> Vec<Case> {
    let config = workload::config("CartPole-v1", "sqn", &["hidden=[24,16]", "batch_size=32", "path=layered"]);
    workload::cases_of(&config.expect("settings"), &mut BTreeSet::new()).expect("runs")
}

fn case<'a>(cases: &'a [Case], kernel: &str) -> (&'a Case, &'static Check) {
    let case = cases.iter().find(|case| case.kernel.name == kernel).expect("the training has it");
    (case, workload::check_of(case).expect("verification has it"))
}

fn timed(executor: &mut dyn Executor, case: &Case, kernel: Kernel, check: &Check) -> Row {
    let kernel: &'static Kernel = Box::leak(Box::new(kernel));
    let (case, check) = (Case { kernel, ..case.clone() }, Check { kernel, ..*check });
    kernels::measure(executor, &check, &case, &Limits::default(), &EFFORT).expect("runs")
}

#[test]
fn a_kernel_with_one_operator_changed_fails_its_row() {
    let Some(choice) = common::gpu() else { return };
    let mut gpu = softq::gpu::open(&choice).expect("opens");
    let cases = cases();
    for (number, (name, right, wrong)) in [
        ("adam", "w -= select(step * h", "w += select(step * h"),
        ("dense_forward_tiled", "let value = block[i] + bias;", "let value = block[i] - bias;"),
        ("td_error", "q[q_at + action] - targets[head_row]", "q[q_at + action] + targets[head_row]"),
        ("grad_norm", "sums += g * g;", "sums += g + g;"),
    ]
    .into_iter()
    .enumerate()
    {
        let (case, check) = case(&cases, name);
        let row = timed(&mut *gpu, case, Kernel { ..*case.kernel }, check);
        assert!(row.passed && row.value.low > 0.0, "{row:?}");
        let source = case.kernel.source.replace(right, wrong);
        assert_ne!(source, case.kernel.source, "{name}: '{right}' is gone; pick another fault");
        let renamed = format!("{name}_wrong_{number}");
        let faulty = Kernel { name: renamed.leak(), source: source.leak(), ..*case.kernel };
        let row = timed(&mut *gpu, case, faulty, check);
        assert!(!row.passed && row.checked.starts_with("WRONG"), "{name}: {row:?}");
    }
}

#[test]
fn a_dispatch_that_does_nothing_fails_its_row() {
    fn nothing(_: TwinCall<'_>) {}
    let cases = cases();
    for name in ["adam", "dense_backward_weights_tiled", "act_step"] {
        let (case, check) = case(&cases, name);
        let row = timed(&mut CpuExecutor::new(), case, Kernel { ..*case.kernel }, check);
        assert!(row.passed, "{row:?}");
        let row = timed(&mut CpuExecutor::new(), case, Kernel { twin: nothing, ..*case.kernel }, check);
        assert!(!row.passed, "{name}: {row:?}");
    }
}

#[test]
fn the_limits_of_both_executors_have_their_closed_forms() {
    let mut executors: Vec<Box<dyn Executor>> = vec![Box::new(CpuExecutor::new())];
    executors.extend(common::gpu().map(|choice| softq::gpu::open(&choice).expect("opens")));
    for mut executor in executors {
        let mut rows = Vec::new();
        let limits = roofline::measure(&mut *executor, EFFORT, &mut |row| {
            rows.push(row);
            Ok(())
        });
        let limits = limits.expect("measures");
        for row in &rows {
            assert!(row.passed && row.value.low > 0.0, "{}: {row:?}", executor.address());
        }
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert!(roofline::NAMES.iter().all(|name| names.contains(name)), "{names:?}");
        assert!(names.iter().all(|name| roofline::NAMES.contains(name)), "{names:?}");
        assert!(rows.len() >= 9 && limits.operations_per_s > 1e8 && limits.bytes_per_s(1 << 20) > 1e7);
    }
}

#[test]
fn the_probes_are_shaders_of_webgpu_core() {
    for kernel in probes::ALL {
        let (module, _) = softq::engine::variant::parse(kernel.source).expect(kernel.name);
        assert_eq!(module.entry_points[0].workgroup_size, [kernel.workgroup_size, 1, 1], "{}", kernel.name);
        let header: String = kernel.source.lines().take_while(|line| line.starts_with("//")).collect();
        assert!(header.contains("Grid:") && header.contains("Determinism:"), "{}", kernel.name);
    }
    assert_eq!(std::fs::read_dir("shaders/bench").expect("shaders").count(), probes::ALL.len());
}

#[test]
fn every_kernel_of_the_table_has_a_row() {
    let options = Options { suite: Suite::Standard, repeats: 1, only: None };
    let cases = softq::bench::suite::cases(&options).expect("cases");
    for kernel in softq::kernels::table() {
        let own: Vec<&Case> = cases.iter().filter(|case| case.kernel.name == kernel.name).collect();
        assert!(!own.is_empty(), "{}: no case", kernel.name);
        assert!(own.iter().all(|case| workload::check_of(case).is_some()), "{}", kernel.name);
    }
    let keys: BTreeSet<(String, &str)> =
        cases.iter().map(|case| (workload::name_of(case), case.label.as_str())).collect();
    assert_eq!(keys.len(), cases.len(), "a name and shape is there twice");
}

/// The files of a small run, profiled or not.
fn run(dir: &Path, device: &str, profiled: bool) -> Vec<u8> {
    let config = Config {
        device: device.into(),
        total_timesteps: 600,
        learning_starts: 100,
        num_envs: 4,
        batch_size: 16,
        hidden: vec![8],
        eval_episodes: 2,
        ..Config::default()
    };
    let mut trainer = Trainer::new(&config).expect("trainer");
    if profiled {
        trainer.profile();
    }
    train_in(&mut trainer, RunDir::create(dir).expect("directory"), &Default::default(), &mut |_| Ok(()))
        .expect("trains");
    std::fs::read(dir.join("model.safetensors")).expect("weights")
}

#[test]
fn a_profile_has_every_dispatch_and_changes_no_weight() {
    let root = tempfile::tempdir().expect("temporary directory");
    let mut devices = vec!["cpu".to_owned()];
    devices.extend(common::gpu().map(|choice| choice.address));
    for device in devices {
        let at = |name: &str| root.path().join(format!("{}_{name}", device.replace(':', "_")));
        let (plain, profiled) = (at("plain"), at("profiled"));
        let same = run(&plain, &device, false) == run(&profiled, &device, true);
        assert!(same, "{device}");
        assert!(!plain.join("trace.json").exists());
        let trace = std::fs::read_to_string(profiled.join("trace.json")).expect("trace");
        let trace: serde_json::Value = serde_json::from_str(&trace).expect("JSON");
        let events = trace["traceEvents"].as_array().expect("events");
        let table = std::fs::read_to_string(profiled.join("profile.csv")).expect("table");
        let dispatches = table.lines().skip(1).map(|line| line.split(',').nth(1).expect("a column"));
        let dispatches: usize = dispatches.map(|cell| cell.parse::<usize>().expect("a number")).sum();
        assert_eq!(events.len(), dispatches, "{device}");
        let adams = events.iter().filter(|event| event["name"] == "adam").count();
        let steps = events.iter().filter(|event| event["name"] == "act_step").count();
        assert!(steps > 50 && adams == 4 * steps, "{device}: {adams} updates, {steps} steps");
        let mut before = 0.0;
        for event in events {
            let (begin, length) =
                (event["ts"].as_f64().expect("begin"), event["dur"].as_f64().expect("length"));
            assert!(length >= 0.0 && begin >= before, "{device}: {event}");
            before = begin;
        }
    }
}

/// The page of docs/bench.
const PAGE: &str = "docs/bench/README.md";
const BEGIN: &str = "<!-- written by SOFTQ_UPDATE_DOCS=1 cargo test --test bench -->\n";

#[test]
fn the_table_of_submissions_is_that_of_the_files() {
    let mut paths: Vec<PathBuf> = std::fs::read_dir("docs/bench")
        .expect("docs/bench")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "docs/bench has no submission");
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let records: Vec<(String, Record)> = paths
        .iter()
        .map(|path| (name(path), Record::read(path).unwrap_or_else(|error| panic!("{error}"))))
        .collect();
    for (name, record) in &records {
        assert_eq!((record.suite.as_str(), record.failed()), ("device", 0), "{name}");
        assert!(record.verify.as_ref().is_some_and(|verdict| verdict.failed == 0), "{name}");
    }
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let (head, _) = page.split_once(BEGIN).unwrap_or_else(|| panic!("{PAGE} lacks {BEGIN}"));
    let wanted = format!("{head}{BEGIN}{}", submissions::table(&records));
    if std::env::var_os("SOFTQ_UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &wanted).expect("writes");
    } else {
        assert!(page == wanted, "run SOFTQ_UPDATE_DOCS=1 cargo test --test bench");
    }
}

#[test]
fn a_training_in_one_dispatch_is_timed_and_held_against_the_twins() {
    let Some(choice) = common::gpu() else { return };
    let config = Config {
        hidden: vec![8],
        batch_size: 8,
        num_envs: 4,
        gradient_steps: 1,
        learning_starts: 40,
        buffer_size: 100,
        eval_episodes: 1,
        agents: 2,
        megakernel: true,
        ..Config::default()
    };
    let mut executor = softq::gpu::open(&choice).expect("opens");
    let rows = training::measure(&mut *executor, &config, 0.5, &EFFORT).expect("runs");
    for row in rows {
        assert!(row.passed && row.shape.ends_with("2 agents, megakernel"), "{row:?}");
    }
}

/// Minutes of measurements are not lost to a signal.
#[cfg(unix)]
#[test]
fn an_interrupted_benchmark_tells_the_rows_that_it_has() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softq"));
    command.args(["bench", "--suite", "standard", "--device", "cpu", "-o", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start softq");
    std::thread::sleep(Duration::from_secs(3));
    let signalled = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    assert!(signalled.success(), "it had ended before");
    let output = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{said}");
    let record: Record = serde_json::from_slice(&output.stdout).expect("a record");
    assert!(
        !record.rows.is_empty() && record.left_out.iter().any(|row| row.contains("interrupted")),
        "{said}"
    );
}
