//! The statistics of scores through the recorded numbers of rliable: what is recorded passes, any number that is changed fails
//! and is named, and no file makes the reader panic.

#[path = "common/conformance.rs"]
mod replay;

use replay::{DATA, run};
use serde_json::{Value, json};
use softq::engine::cpu::CpuExecutor;
use softq::verify::conformance::report::{FileReport, Verdict};

fn recorded(name: &str) -> Value {
    let text = std::fs::read(format!("{DATA}/algorithms/{name}.json")).expect("data of the tests");
    serde_json::from_slice(&text).expect("JSON")
}

/// The line of a file.
fn report(file: &Value) -> FileReport {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("scores.json"), file.to_string()).expect("write");
    let (mut reports, _) = run(&mut CpuExecutor::new(), folder.path());
    reports.remove("scores.json").expect("a line")
}

/// Every recorded result by its path, with what it may be off by.
fn results(value: &Value, path: &str, found: &mut Vec<(String, f64)>) {
    let beside = |key: &str| value[format!("{key}_tolerance")].clone();
    for (key, child) in value.as_object().expect("an object") {
        let here = format!("{path}/{key}");
        match child {
            Value::Object(_) => results(child, &here, found),
            Value::Number(_) if ["point", "x_over_y", "y_over_x"].contains(&&key[..]) => {
                found.push((here, 1e-9));
            }
            Value::Number(_) if ["low", "high"].contains(&&key[..]) => {
                found.push((here, beside(key).as_f64().expect("a tolerance")));
            }
            Value::Array(list) if key.contains("profile") && !key.ends_with("_tolerance") => {
                let bound = |index: usize| beside(key)[index].as_f64().unwrap_or(1e-9);
                found.extend((0..list.len()).map(|index| (format!("{here}/{index}"), bound(index))));
            }
            _ => {}
        }
    }
}

#[test]
fn every_changed_result_fails_and_is_named() {
    let file = recorded("rliable_3x1");
    assert_eq!(report(&file).verdict, Verdict::Pass, "{}", report(&file).text());
    let mut all = Vec::new();
    results(&file["results"], "/results", &mut all);
    results(&file["probability_of_improvement"], "/probability_of_improvement", &mut all);
    // X and Y with four estimates of three numbers and two profiles of eleven, X's profile with both ends, and four more.
    assert_eq!(all.len(), 2 * (4 * 3 + 2 * 11) + 2 * 11 + 4);
    for (path, bound) in all {
        for sign in [-1.0, 1.0] {
            let mut changed = file.clone();
            let number = changed.pointer_mut(&path).expect("a number");
            // An end that was drawn may be off by the bound itself, to the other side.
            *number = json!(number.as_f64().expect("a number") + sign * 2.1 * bound);
            let report = report(&changed);
            assert_eq!(report.verdict, Verdict::Fail, "{path}: {}", report.text());
            let name = path.trim_start_matches("/results/").trim_start_matches('/').split('/');
            let name = name.take(2).collect::<Vec<_>>().join(".");
            let reason = report.reason.unwrap_or_default();
            assert!(reason.starts_with(&name), "{name}: {reason}");
        }
    }
}

#[test]
fn scores_thresholds_and_settings_count() {
    let changes: &[(&str, Value)] = &[
        ("/X/0/0", json!(0.9)),
        ("/Y/2/0", json!(0.9)),
        ("/taus/0", json!(3.0)),
        ("/config/optimality_gap_gamma", json!(0.5)),
        ("/config/confidence", json!(0.5)),
    ];
    for (path, value) in changes {
        let mut changed = recorded("rliable_5x1");
        *changed.pointer_mut(path).expect("a place") = value.clone();
        let report = report(&changed);
        assert_eq!(report.verdict, Verdict::Fail, "{path}: {}", report.text());
    }
}

#[test]
fn broken_files_are_named() {
    let changes: &[(&str, Value, &str)] = &[
        ("/X", json!([]), "'X': there are no scores"),
        ("/X/1", json!([1.0, 2.0]), "'X': run 1 has scores of 2 tasks"),
        ("/X/0/0", json!("much"), "'X' is no matrix"),
        ("/Y", json!([[1.0, 2.0]]), "X has 1 tasks, Y 2"),
        ("/taus", json!(null), "no list of numbers 'taus'"),
        ("/config/confidence", json!(1.0), "config.confidence is 1"),
        ("/config/method", json!("bca"), "intervals of method"),
        ("/results/Y", json!(null), "no result Y.mean"),
        ("/results/Y/iqm", json!({}), "no finite number 'point'"),
        ("/results/X/profile", json!([1.0]), "X.profile has 1 values for 11 thresholds"),
        ("/results/X/profile_low_tolerance", json!([1.0]), "X.profile_low_tolerance has 1 values"),
        ("/probability_of_improvement", json!(4), "no finite number 'x_over_y'"),
    ];
    for (path, value, part) in changes {
        let mut changed = recorded("rliable_3x1");
        *changed.pointer_mut(path).expect("a place") = value.clone();
        let report = report(&changed);
        assert_ne!(report.verdict, Verdict::Pass, "{path}: {}", report.text());
        let reason = report.reason.unwrap_or_default();
        assert!(reason.contains(part), "{path}: {reason}");
    }
}
