//! Recorded transitions of the environments: a replay that passes must fail as soon as any one number of the record is
//! another, and broken logs must be named and never panic.

mod common;
#[path = "common/conformance.rs"]
mod replay;

use replay::{DATA, lines};
use serde_json::{Value, json};
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;
use softq::verify::conformance::report::{FileReport, Verdict};

fn text(lines: &[Value]) -> Vec<String> {
    lines.iter().map(Value::to_string).collect()
}

fn log(name: &str, lines: &[Value]) -> FileReport {
    replay::log(&mut CpuExecutor::new(), name, &text(lines))
}

/// A place in a file: the first line for which `line` holds, then keys and indices separated by '/'.
struct Place {
    file: &'static str,
    line: fn(&Value) -> bool,
    path: &'static str,
}

/// What is written there instead.
enum Change {
    /// Another number, this much larger.
    Add(f64),
    /// The other of 0 and 1.
    Flip,
    /// This.
    Set(Value),
}

use Change::{Add, Flip, Set};

fn spoilt(place: &Place, change: &Change) -> Vec<Value> {
    let mut lines = lines(place.file);
    let line = lines.iter_mut().find(|line| (place.line)(line)).unwrap_or_else(|| panic!("{}", place.file));
    if let ("/kwargs", None) = (place.path, line.get("kwargs")) {
        line["kwargs"] = Value::Null;
    }
    let entry = line.pointer_mut(place.path).unwrap_or_else(|| panic!("{} {}", place.file, place.path));
    let number = entry.as_f64();
    let new = match change {
        Add(difference) => json!(number.expect("a number") + difference),
        Flip => json!(1 - number.expect("a flag") as i64),
        Set(value) => value.clone(),
    };
    assert_ne!(*entry, new, "{} {}", place.file, place.path);
    *entry = new;
    lines
}

fn header(line: &Value) -> bool {
    line["kind"] == "header"
}

fn probes(line: &Value) -> bool {
    line["kind"] == "probes"
}

fn snap(line: &Value) -> bool {
    line["mode"] == "snap"
}

fn free(line: &Value) -> bool {
    line["mode"] == "free"
}

fn table(line: &Value) -> bool {
    line["kind"] == "table"
}

fn episode(line: &Value) -> bool {
    line["kind"] == "episode"
}

/// An episode that the time limit ended.
fn truncated(line: &Value) -> bool {
    line["tr"].as_array().and_then(|flags| flags.last()).is_some_and(|flag| *flag == 1)
}

/// An episode with a normal number at its end.
fn noisy(line: &Value) -> bool {
    line["d"][9][0][0] == "randn"
}

fn next_step(line: &Value) -> bool {
    line["autoreset_mode"] == "NextStep" && line["env"] == "FrozenLake-v1"
}

fn same_step(line: &Value) -> bool {
    line["autoreset_mode"] == "SameStep" && line["env"] == "CartPole-v1"
}

/// An episode of MinAtar in which actions stick.
fn sticky(line: &Value) -> bool {
    line["sticky"] == 0.1
}

/// An episode of MinAtar from a state made by hand.
fn crafted(line: &Value) -> bool {
    line["policy"] == "crafted"
}

/// Numbers of MinAtar's games.
fn minatar() -> Vec<(Place, Change)> {
    let mut changes = Vec::new();
    let mut add = |file, line, path, change| changes.push((Place { file, line, path }, change));
    add("minatar_breakout.jsonl", episode, "/s/3/1", Add(-1.0));
    add("minatar_breakout.jsonl", episode, "/s/2/3", Set(json!("003fffffdf0000000000000000")));
    add("minatar_breakout.jsonl", episode, "/s/0/6", Set(json!(5)));
    add("minatar_breakout.jsonl", episode, "/te/4", Flip);
    add("minatar_breakout.jsonl", episode, "/r/2", Add(1.0));
    add("minatar_breakout.jsonl", episode, "/ae/2", Set(json!(3)));
    add("minatar_breakout.jsonl", episode, "/reset_draws/0/1", Flip);
    add("minatar_breakout.jsonl", sticky, "/d/0/0/1", Set(json!(0.05)));
    add("minatar_breakout.jsonl", sticky, "/sticky", Set(json!(1.0)));
    add("minatar_freeway.jsonl", episode, "/s/1/0/4/0", Set(json!(5)));
    add("minatar_freeway.jsonl", episode, "/s/1/0/2/2", Set(json!(0)));
    add("minatar_freeway.jsonl", episode, "/s/7/4", Add(-1.0));
    add("minatar_freeway.jsonl", episode, "/reset_draws/1/1/3", Set(json!(0.99)));
    add("minatar_freeway.jsonl", crafted, "/te/2", Flip);
    add("minatar_asterix.jsonl", |line| line["seed"] == 5252, "/d/0/2/1", Set(json!(0.1)));
    add("minatar_asterix.jsonl", |line| line["seed"] == 5252, "/d/3/3/1", Set(json!(3)));
    add("minatar_asterix.jsonl", |line| line["seed"] == 5251, "/ramping", Set(json!(false)));
    add("minatar_asterix.jsonl", |line| line["seed"] == 5251, "/s/1/6", Set(json!(99)));
    add("minatar_seaquest.jsonl", crafted, "/s/1/1", Set(json!(0)));
    add("minatar_seaquest.jsonl", crafted, "/r/0", Add(1.0));
    add("minatar_seaquest.jsonl", crafted, "/s/2/10", Add(1.0));
    add("minatar_seaquest.jsonl", crafted, "/s/4/8/0/0", Add(1.0));
    add("minatar_seaquest.jsonl", |line| line["seed"] == 5455, "/s/0/7/0/4", Set(json!(3)));
    add("minatar_seaquest.jsonl", |line| line["seed"] == 5455, "/s/4/2/0/3", Set(json!(1)));
    add("minatar_space_invaders.jsonl", crafted, "/r/0", Set(json!(0.0)));
    add("minatar_space_invaders.jsonl", crafted, "/ramping", Set(json!(false)));
    add("minatar_space_invaders.jsonl", crafted, "/s/2/0", Set(json!(1)));
    add("minatar_space_invaders.jsonl", crafted, "/s/3/6", Set(json!("00000000000000000020000000")));
    changes
}

/// Every kind of number in every kind of file.
fn changes() -> Vec<(Place, Change)> {
    let mut changes = Vec::new();
    let mut add = |file, line, path, change| changes.push((Place { file, line, path }, change));
    add("Acrobot-v1.jsonl", probes, "/s2/5/3", Add(1e-3));
    add("Acrobot-v1.jsonl", probes, "/s2/5/0", Add(1e-5));
    add("Acrobot-v1.jsonl", probes, "/o2/7/1", Add(1e-4));
    add("Acrobot-v1.jsonl", probes, "/te/9", Flip);
    add("Acrobot-v1.jsonl", probes, "/r/9", Set(json!(0.5)));
    add("Acrobot-v1.jsonl", snap, "/s2/20/1", Add(1e-5));
    add("Acrobot-v1.jsonl", free, "/s/30/2", Add(1e-3));
    add("Acrobot-v1.jsonl", truncated, "/tr/0", Flip);
    add("Acrobot-v1.jsonl", header, "/max_episode_steps", Set(json!(501)));
    add("CartPole-v1.jsonl", probes, "/s2/7/2", Add(1e-6));
    add("CartPole-v1.jsonl", free, "/s/3/3", Add(2e-6));
    add("CartPole-v1.jsonl", free, "/a/3", Flip);
    add("MountainCar-v0.jsonl", probes, "/s2/7/1", Add(1e-7));
    add("MountainCar-v0.jsonl", free, "/s/3/1", Add(2e-7));
    add("MountainCar-v0.jsonl", probes, "/te/3", Flip);
    add("MountainCar-v0.jsonl", truncated, "/t0", Set(json!(3)));
    add("MountainCarContinuous-v0.jsonl", probes, "/s2_64/7/1", Add(1e-7));
    add("MountainCarContinuous-v0.jsonl", probes, "/a/7", Add(1e-2));
    add("MountainCarContinuous-v0.jsonl", snap, "/r/7", Add(3e-4));
    add("MountainCarContinuous-v0.jsonl", truncated, "/t0", Set(json!(3)));
    add("Pendulum-v1.jsonl", probes, "/s2/7/0", Add(2e-5));
    add("Pendulum-v1.jsonl", free, "/s/40/1", Add(1e-5));
    add("Pendulum-v1.jsonl", snap, "/r/7", Add(3e-4));
    add("Pendulum-v1.jsonl", header, "/kwargs", Set(json!({"g": 9.81})));
    add("variants/Pendulum-v1_g.jsonl", header, "/kwargs", Set(json!({})));
    add("FrozenLake-v1.jsonl", table, "/P/0/1/2/1", Set(json!(4)));
    add("FrozenLake-v1.jsonl", table, "/P/14/2/1/2", Set(json!(0.5)));
    add("FrozenLake-v1.jsonl", table, "/P/14/2/1/3", Flip);
    add(
        "FrozenLake-v1.jsonl",
        table,
        "/P/0/1",
        Set(json!([[0.33334, 0, 0, 0], [0.33333, 4, 0, 0], [0.33333, 1, 0, 0]])),
    );
    add("FrozenLake-v1.jsonl", table, "/isd/0/0", Set(json!(1)));
    add("FrozenLake-v1.jsonl", episode, "/s/7", Set(json!(8)));
    add("FrozenLake-v1.jsonl", episode, "/u/6", Set(json!(0.1)));
    add("FrozenLake-v1.jsonl", episode, "/te/41", Flip);
    add("FrozenLake-v1.jsonl", episode, "/tr/3", Flip);
    add("FrozenLake-v1.jsonl", episode, "/r/3", Set(json!(1.0)));
    add("FrozenLake-v1.jsonl", header, "/kwargs", Set(json!({"success_rate": 0.34})));
    add("FrozenLake-v1.jsonl", header, "/desc/1", Set(json!("FHFF")));
    add("FrozenLake8x8-v1_is_slippery=False.jsonl", header, "/max_episode_steps", Set(json!(199)));
    add("FrozenLake8x8-v1_is_slippery=False.jsonl", header, "/kwargs", Set(json!({})));
    add("CliffWalking-v1.jsonl", table, "/P/35/2/0/3", Flip);
    add("CliffWalking-v1.jsonl", episode, "/r/0", Set(json!(-1.0)));
    add("CliffWalking-v1.jsonl", header, "/max_episode_steps", Set(json!(100)));
    add("variants/CliffWalkingSlippery-v1.jsonl", header, "/env", Set(json!("CliffWalking-v1")));
    add("Taxi-v4.jsonl", table, "/P/0/0/0/1", Set(json!(20)));
    add("Taxi-v4.jsonl", table, "/P/0/4/0/2", Set(json!(-10.0)));
    add("Taxi-v4.jsonl", table, "/isd/7/0", Set(json!(12)));
    add("Taxi-v4.jsonl", episode, "/s/5", Set(json!(104)));
    add("variants/Taxi-v4_episodes.jsonl", header, "/kwargs/is_rainy", Set(json!(false)));
    add("bsuite_catch.jsonl", episode, "/s/3/2", Set(json!(2)));
    add("bsuite_catch.jsonl", episode, "/o/3", Set(json!("00108000000080")));
    add("bsuite_catch.jsonl", episode, "/o/0", Set(json!("40000000000200")));
    add("bsuite_catch.jsonl", episode, "/r/8", Set(json!(1.0)));
    add("bsuite_catch.jsonl", episode, "/te/7", Flip);
    add("bsuite_catch.jsonl", episode, "/s/0/0", Set(json!(5)));
    add("bsuite_deep_sea.jsonl", |line| line["kind"] == "mapping", "/action_mapping/0/0", Flip);
    add("bsuite_deep_sea.jsonl", episode, "/s/10/1", Set(json!(8)));
    add("bsuite_deep_sea.jsonl", episode, "/r/9", Add(1e-5));
    add("bsuite_deep_sea.jsonl", episode, "/te/9", Flip);
    add("bsuite_deep_sea.jsonl", noisy, "/d/9/0/1", Add(1e-4));
    add(
        "bsuite_deep_sea.jsonl",
        |line| line["deterministic"] == false && line["kind"] == "episode",
        "/d/0/0/1",
        Set(json!(0.01)),
    );
    add("vector_autoreset.jsonl", same_step, "/o/1/0/2", Add(1e-5));
    add("vector_autoreset.jsonl", same_step, "/r/1/0", Add(1e-3));
    add("vector_autoreset.jsonl", same_step, "/ep_r/11/0", Add(1.0));
    add("vector_autoreset.jsonl", same_step, "/ep_l/11/0", Add(-1.0));
    add("vector_autoreset.jsonl", same_step, "/final_obs/11/0/1", Add(1e-4));
    add("vector_autoreset.jsonl", same_step, "/o/12/0/1", Add(0.2));
    add("vector_autoreset.jsonl", same_step, "/kwargs/max_episode_steps", Set(json!(13)));
    add("vector_autoreset.jsonl", next_step, "/r/2/1", Set(json!(1.0)));
    add("vector_autoreset.jsonl", next_step, "/te/2/1", Flip);
    add("vector_autoreset.jsonl", next_step, "/o/3/1", Set(json!(4)));
    add("vector_autoreset.jsonl", next_step, "/o/1/1", Set(json!(1)));
    add("vector_autoreset.jsonl", next_step, "/ep_l/1/1", Set(json!(3)));
    changes.extend(minatar());
    changes
}

#[test]
fn every_changed_number_fails() {
    let mut survivors = Vec::new();
    for (place, change) in changes() {
        let report = log("log.jsonl", &spoilt(&place, &change));
        if report.verdict != Verdict::Fail {
            survivors.push(format!("{} {}: {}", place.file, place.path, report.text()));
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn changed_numbers_fail_on_the_gpu_executor() {
    let Some(choice) = common::gpu() else { return };
    let mut executor = softq::gpu::open(&choice).expect("device");
    let wanted = ["/s2/5/3", "/P/0/1/2/1", "/u/6", "/ep_l/11/0"];
    for (place, change) in changes().into_iter().filter(|(place, _)| wanted.contains(&place.path)) {
        let report = replay::log(executor.as_mut(), "log.jsonl", &text(&spoilt(&place, &change)));
        assert_eq!(report.verdict, Verdict::Fail, "{} {}: {}", place.file, place.path, report.text());
    }
}

#[test]
fn a_failure_names_line_and_quantity() {
    let place = Place { file: "CartPole-v1.jsonl", line: probes, path: "/s2/7/2" };
    let report = log("CartPole-v1.jsonl", &spoilt(&place, &Add(1e-5)));
    assert!(
        report.reason.as_ref().is_some_and(|reason| reason.contains("probe 7: theta")),
        "{}",
        report.text()
    );
    let place = Place { file: "FrozenLake-v1.jsonl", line: table, path: "/P/0/1/2/1" };
    let report = log("FrozenLake-v1.jsonl", &spoilt(&place, &Set(json!(4))));
    assert!(report.reason.as_ref().is_some_and(|reason| reason.contains("P[0][1][2]")), "{}", report.text());
}

#[test]
fn broken_logs_are_named_and_never_panic() {
    let small = [
        "CartPole-v1.jsonl",
        "vector_autoreset.jsonl",
        "FrozenLake-v1.jsonl",
        "bsuite_catch.jsonl",
        "variants/bsuite_deep_sea.jsonl",
        "variants/Pendulum-v1_g.jsonl",
        "minatar_breakout.jsonl",
        "minatar_space_invaders.jsonl",
    ];
    for name in small {
        let lines = lines(name);
        // One line at a time with one field spoilt; a mapping goes before its episodes.
        for (index, line) in lines.iter().enumerate().take(8) {
            let keys: Vec<String> = line.as_object().expect("object").keys().cloned().collect();
            let long = line["a"].as_array().is_some_and(|actions| actions.len() > 60);
            for key in keys.iter().filter(|_| !long) {
                let mut nonsense =
                    vec![json!(null), json!(1e300), json!("x"), json!([]), json!([[1e38], [-1]])];
                nonsense.extend([json!(u64::MAX), json!([-1]), json!({}), json!([[["randn", 1e300]]])]);
                for value in nonsense {
                    let mut few = vec![lines[0].clone(), lines[1].clone(), line.clone()];
                    few.truncate(if index > 1 { 3 } else { 2 });
                    few[index.min(2)][key.as_str()] = value;
                    let report = log("log.jsonl", &few);
                    assert!(report.verdict == Verdict::Pass || report.reason.is_some(), "{}", report.text());
                }
            }
        }
    }
}

#[test]
fn cut_and_strange_logs_are_named() {
    let cpu = &mut CpuExecutor::new() as &mut dyn Executor;
    for name in ["CartPole-v1.jsonl", "Taxi-v4.jsonl", "vector_autoreset.jsonl"] {
        let text = std::fs::read_to_string(format!("{DATA}/{name}")).expect("data of the tests");
        let report = replay::log(cpu, name, &[text[..text.len() / 2].to_owned()]);
        assert!(report.reason.is_some_and(|reason| reason.contains("is not JSON")));
    }
    // States far outside what float32 and the reduction of angles can hold.
    let header = r#"{"kind":"header","schema":"sqn-conformance/1","env":"CartPole-v1","state_fields":["x","x_dot","theta","theta_dot"]}"#;
    let probe = r#"{"kind":"probes","s":[[1e300,-1e38,3e38,1e10]],"a":[1],"s2":[[0,0,0,0]],"o2":[[0,0,0,0]],"r":[1],"te":[1]}"#;
    assert_eq!(replay::log(cpu, "far.jsonl", &[header.into(), probe.into()]).verdict, Verdict::Fail);
    let other = header.replace("theta_dot", "omega");
    assert_eq!(replay::log(cpu, "other.jsonl", &[other, probe.into()]).verdict, Verdict::Unsupported);
    assert_eq!(replay::log(cpu, "binary.jsonl", &["\u{0}\u{1}".into()]).verdict, Verdict::Fail);
}
