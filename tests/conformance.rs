//! Other people's numbers through softq's own kernels: every case in `tests/data/conformance` on both executors, and every
//! kind of broken file, which must be named and never panic.

mod common;
#[path = "common/conformance.rs"]
mod replay;

use std::path::Path;
use std::process::{Command, Output};

use replay::{DATA, run};
use serde_json::{Value, json};
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;
use softq::verify::conformance::report::{FileReport, Totals, Verdict};

/// Files that must pass; the others in the folder may be beyond what the engine has.
const MUST_PASS: &[&str] = &[
    "Acrobot-v1.jsonl",
    "CartPole-v1.jsonl",
    "CliffWalking-v1.jsonl",
    "FrozenLake-v1.jsonl",
    "FrozenLake-v1_is_slippery=False.jsonl",
    "FrozenLake8x8-v1.jsonl",
    "FrozenLake8x8-v1_is_slippery=False.jsonl",
    "MountainCar-v0.jsonl",
    "MountainCarContinuous-v0.jsonl",
    "Pendulum-v1.jsonl",
    "Taxi-v4.jsonl",
    "algorithms/cleanrl_pqn_returns.json",
    "algorithms/cleanrl_pqn_update.json",
    "algorithms/cleanrl_pqn_update_clip.json",
    "algorithms/cleanrl_pqn_update_full.json",
    "algorithms/cleanrl_sac_discrete_auto.json",
    "algorithms/cleanrl_sac_discrete_fixed.json",
    "algorithms/coax_boltzmann.json",
    "algorithms/coax_nstep.json",
    "algorithms/coax_softq_n1_tau0.1_huber.json",
    "algorithms/coax_softq_n3_tau0.1_mse_target.json",
    "algorithms/di_sqn_act_probs.json",
    "algorithms/di_sqn_cartpole_auto.json",
    "algorithms/di_sqn_forced_cartpole_auto.json",
    "algorithms/orig_sqn_auto.json",
    "algorithms/orig_sqn_fixed.json",
    "algorithms/purejaxql_radam.json",
    "algorithms/purejaxql_returns.json",
    "algorithms/rliable_10x6.json",
    "algorithms/rliable_3x1.json",
    "algorithms/rliable_5x1.json",
    "algorithms/rliable_5x26.json",
    "algorithms/svgd_action_gradient.json",
    "algorithms/svgd_kernel.json",
    "algorithms/svgd_soft_value.json",
    "algorithms/torch_adam.json",
    "algorithms/di_sqn_act_probs_multidiscrete.json",
    "algorithms/di_sqn_multidiscrete_dueling_fixed.json",
    "algorithms/torch_adam_long.json",
    "algorithms/torch_clip_grad_norm.json",
    "algorithms/torch_conv2d_1ch.json",
    "algorithms/torch_conv2d_floor.json",
    "algorithms/torch_conv2d_net_breakout.json",
    "algorithms/torch_conv2d_odd_s2p1.json",
    "algorithms/torch_conv2d_rect.json",
    "algorithms/torch_losses.json",
    "algorithms/torch_mlp_4_64_64_2_relu.json",
    "algorithms/torch_mlp_6_48_32_5_dueling.json",
    "algorithms/torch_mlp_8_256_256_4_tanh.json",
    "algorithms/torch_mlp_8_64_48_3_layernorm.json",
    "algorithms/torch_polyak.json",
    "algorithms/torch_radam.json",
    "algorithms/torch_softmax.json",
    "algorithms/softq_prior.jsonl",
    "bsuite_catch.jsonl",
    "bsuite_deep_sea.jsonl",
    "minatar_asterix.jsonl",
    "minatar_breakout.jsonl",
    "minatar_freeway.jsonl",
    "minatar_seaquest.jsonl",
    "minatar_space_invaders.jsonl",
    "softq_reference.jsonl",
    "variants/CartPole-v1_sutton_barto.jsonl",
    "variants/CliffWalkingSlippery-v1.jsonl",
    "variants/FrozenLake-v1_map.jsonl",
    "variants/Pendulum-v1_g.jsonl",
    "variants/Taxi-v4_episodes.jsonl",
    "variants/bsuite_deep_sea.jsonl",
    "variants/vector_autoreset.jsonl",
    "vector_autoreset.jsonl",
];

fn everything_agrees(executor: &mut dyn Executor) {
    let (reports, totals) = run(executor, Path::new(DATA));
    for file in MUST_PASS {
        let report = reports.get(*file).unwrap_or_else(|| panic!("no line for {file}"));
        assert_eq!(report.verdict, Verdict::Pass, "{}", report.text());
        assert!(report.cases > 0 && !report.worst.is_empty(), "{}", report.text());
    }
    assert_eq!(totals.failed, 0, "{reports:#?}");
    assert_eq!(totals.passed + totals.unsupported, reports.len() as u64);
    let unsupported = reports.values().filter(|report| report.verdict == Verdict::Unsupported);
    for report in unsupported {
        assert!(report.reason.as_ref().is_some_and(|reason| !reason.is_empty()), "{}", report.text());
    }
}

#[test]
fn everything_agrees_on_the_cpu_executor() {
    everything_agrees(&mut CpuExecutor::new());
}

#[test]
fn everything_agrees_on_the_gpu_executor() {
    if let Some(choice) = common::gpu() {
        everything_agrees(softq::gpu::open(&choice).expect("device").as_mut());
    }
}

/// One case of the data folder, to be spoilt.
struct Spoilt {
    description: Vec<u8>,
    tensors: Vec<u8>,
}

impl Spoilt {
    fn case(name: &str) -> Spoilt {
        let read = |extension: &str| {
            std::fs::read(format!("{DATA}/algorithms/{name}.{extension}")).expect("data of the tests")
        };
        Spoilt { description: read("json"), tensors: read("safetensors") }
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.description).expect("JSON")
    }

    fn with(&self, description: &Value) -> Spoilt {
        Spoilt { description: description.to_string().into_bytes(), tensors: self.tensors.clone() }
    }

    /// The line it gets.
    fn report(&self) -> FileReport {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("case.json"), &self.description).expect("write");
        std::fs::write(folder.path().join("case.safetensors"), &self.tensors).expect("write");
        let (mut reports, _) = run(&mut CpuExecutor::new(), folder.path());
        reports.remove("case.json").expect("a line")
    }

    fn fails(&self, part: &str) {
        let report = self.report();
        assert_eq!(report.verdict, Verdict::Fail, "{}", report.text());
        let reason = report.reason.unwrap_or_default();
        assert!(reason.contains(part), "'{part}' is missing: {reason}");
    }
}

const SMALL: &[&str] = &[
    "coax_boltzmann",
    "coax_nstep",
    "coax_softq_n1_tau0.1_huber",
    "torch_clip_grad_norm",
    "torch_losses",
    "torch_softmax",
    "torch_polyak",
    "torch_adam",
    "torch_radam",
    "cleanrl_pqn_update",
    "cleanrl_pqn_returns",
    "purejaxql_returns",
    "purejaxql_radam",
    "svgd_action_gradient",
    "svgd_kernel",
    "svgd_soft_value",
    "torch_mlp_4_64_64_2_relu",
    "torch_mlp_6_48_32_5_dueling",
    "torch_mlp_8_64_48_3_layernorm",
    "di_sqn_act_probs",
    "orig_sqn_fixed",
];

/// Offset at which the tensors' values begin.
fn data_start(tensors: &[u8]) -> usize {
    let length: [u8; 8] = tensors[..8].try_into().expect("8 bytes");
    8 + u64::from_le_bytes(length) as usize
}

#[test]
fn truncated_files_fail_by_name() {
    for name in SMALL {
        let case = Spoilt::case(name);
        for share in [0, 1, 7, 50, 99] {
            let keep = case.tensors.len() * share / 100;
            let tensors = case.tensors[..keep].to_vec();
            Spoilt { tensors, description: case.description.clone() }.fails("the tensors cannot be read");
            let description = case.description[..case.description.len() * share / 100].to_vec();
            Spoilt { tensors: case.tensors.clone(), description }.fails("not JSON");
        }
    }
}

#[test]
fn a_single_wrong_value_fails_and_is_named() {
    let case = Spoilt::case("orig_sqn_fixed");
    let mut tensors = case.tensors.clone();
    let header: Value = serde_json::from_slice(&tensors[8..data_start(&tensors)]).expect("header");
    let at = data_start(&tensors)
        + header["after50.main.q1.dense.bias"]["data_offsets"][0].as_u64().expect("offset") as usize;
    tensors[at..at + 4].copy_from_slice(&0.25f32.to_le_bytes());
    Spoilt { tensors, description: case.description.clone() }.fails("after50.main.q1.dense.bias[0]: got");
}

#[test]
fn wrong_hyperparameters_fail() {
    // If these passed, the replay would not depend on what it reads.
    let changes: &[(&str, &[&str], Value)] = &[
        ("orig_sqn_fixed", &["gamma"], json!(0.9)),
        ("orig_sqn_fixed", &["lr"], json!(2e-3)),
        ("orig_sqn_fixed", &["polyak"], json!(0.9)),
        ("orig_sqn_fixed", &["alpha"], json!(0.3)),
        ("orig_sqn_fixed", &["adam", "eps"], json!(1e-3)),
        ("orig_sqn_auto", &["target_entropy"], json!(0.5)),
        ("di_sqn_cartpole_auto", &["lr_alpha"], json!(1e-2)),
        ("di_sqn_cartpole_auto", &["adam", "beta2"], json!(0.99)),
        ("di_sqn_cartpole_auto", &["adam", "weight_decay"], json!(0.1)),
        ("di_sqn_cartpole_auto", &["ignore_done"], json!(true)),
        ("di_sqn_cartpole_auto", &["grad_clip"], json!(0.1)),
        ("coax_softq_n1_tau0.1_huber", &["temperature"], json!(0.2)),
        ("coax_softq_n1_tau0.1_huber", &["lr"], json!(2e-3)),
        ("coax_softq_n1_tau0.1_huber", &["loss"], json!("mse")),
        ("coax_softq_n1_tau0.1_huber", &["loss"], json!("huber, delta 2")),
        ("coax_softq_n1_tau0.1_huber", &["adam", "b2"], json!(0.99)),
        ("coax_softq_n3_tau0.1_mse_target", &["target_update"], json!(0.1)),
        ("coax_softq_n3_tau0.1_mse_target", &["target_update"], json!(null)),
        ("coax_boltzmann", &["temperatures"], json!([1.0, 0.1, 0.03, 0.001])),
        ("torch_adam", &["variants", "adam_l2", "optimizer"], json!("AdamW")),
        ("torch_adam", &["variants", "adam_l2", "weight_decay"], json!(0.0)),
        ("torch_adam", &["variants", "adam_eps1e-4", "eps"], json!(1e-8)),
        ("cleanrl_pqn_update", &["gamma"], json!(0.9)),
        ("cleanrl_pqn_update", &["q_lambda"], json!(0.7)),
        ("cleanrl_pqn_update", &["lr_used"], json!(1e-3)),
        ("cleanrl_pqn_update_clip", &["max_grad_norm"], json!(6.0)),
        ("cleanrl_pqn_returns", &["grids", "ends", "gamma"], json!(0.98)),
        ("purejaxql_returns", &["grids", "ends", "lambdas"], json!([0.0, 0.6, 0.95, 1.0])),
        ("torch_radam", &["variants", "l2", "decoupled_weight_decay"], json!(true)),
        ("torch_radam", &["variants", "eps1e-5", "eps"], json!(1e-3)),
        ("torch_radam", &["variants", "default", "betas"], json!([0.9, 0.99])),
        ("purejaxql_radam", &["variants", "clip0.5_decay", "LR_LINEAR_DECAY"], json!(false)),
        ("purejaxql_radam", &["variants", "clip0.5_decay", "MAX_GRAD_NORM"], json!(0.6)),
        ("torch_clip_grad_norm", &["sets", "above", "max_norm"], json!(0.6)),
        ("svgd_kernel", &["sets", "narrow_h_min", "h_min"], json!(2e-3)),
        ("svgd_action_gradient", &["eps"], json!(1e-3)),
        ("svgd_action_gradient", &["sets", "ratio_0.25", "kernel_update_ratio"], json!(0.3)),
        ("svgd_soft_value", &["sets", "k16_d2", "discount"], json!(0.9)),
        ("svgd_soft_value", &["sets", "k32_d6", "reward_scale"], json!(1.0)),
        ("torch_polyak", &["taus"], json!([0.005, 0.05, 0.4, 1.0])),
        ("torch_polyak", &["freq"], json!(7)),
        ("torch_mlp_4_64_64_2_relu", &["activation"], json!("tanh")),
    ];
    for (name, path, value) in changes {
        let case = Spoilt::case(name);
        let mut description = case.json();
        let mut entry = &mut description["config"];
        for key in *path {
            entry = &mut entry[*key];
        }
        assert_ne!(entry, value);
        *entry = value.clone();
        let report = case.with(&description).report();
        assert_eq!(report.verdict, Verdict::Fail, "{name} {path:?}: {}", report.text());
    }
}

/// Every number, text and list of the description replaced by nonsense, and every entry removed.
#[test]
fn no_description_makes_it_panic() {
    fn paths(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            _ => Vec::new(),
        };
        for (key, child) in children {
            path.push(key);
            found.push(path.clone());
            paths(child, path, found);
            path.pop();
        }
    }
    for name in SMALL {
        let case = Spoilt::case(name);
        let mut original = case.json();
        // The list of tensors is as long as the file; its first entries stand for all.
        if let Some(tensors) = original["tensors"].as_object_mut() {
            *tensors = tensors.iter().take(3).map(|(name, entry)| (name.clone(), entry.clone())).collect();
        }
        let mut all = Vec::new();
        for part in ["config", "format", "case", "tensors"] {
            let mut path = vec![part.to_owned()];
            all.push(path.clone());
            paths(&original[part], &mut path, &mut all);
        }
        for path in all {
            for nonsense in
                [json!(null), json!(-1), json!(0), json!(1e300), json!("x"), json!([[]]), json!({})]
            {
                let mut description = original.clone();
                let mut entry = &mut description;
                for key in &path {
                    entry = &mut entry[key.as_str()];
                }
                *entry = nonsense;
                let report = case.with(&description).report();
                assert!(report.verdict == Verdict::Pass || report.reason.is_some(), "{}", report.text());
            }
        }
    }
}

#[test]
fn no_tensors_make_it_panic() {
    let mut state = 1u64;
    let mut random = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    for name in SMALL {
        let case = Spoilt::case(name);
        let start = data_start(&case.tensors);
        for round in 0..40 {
            let mut tensors = case.tensors.clone();
            // Values, then the header: shapes, types, offsets and names.
            let (low, high) = if round % 2 == 0 { (start, tensors.len()) } else { (0, start) };
            for _ in 0..if round % 2 == 0 { 4_000 } else { 1 + random(3) } {
                let at = low + random(high - low);
                tensors[at] = random(256) as u8;
            }
            let report = Spoilt { tensors, description: case.description.clone() }.report();
            assert!(report.verdict == Verdict::Pass || report.reason.is_some(), "{}", report.text());
        }
        // All bits set: NaN everywhere, and every index -1.
        let mut tensors = case.tensors.clone();
        tensors[start..].fill(0xff);
        let description = case.description.clone();
        assert_eq!(Spoilt { tensors, description }.report().verdict, Verdict::Fail, "{name}");
    }
}

#[test]
fn files_that_are_no_cases_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("write");
    file("new.json", r#"{"format":"sqn-conformance-algorithms/1","case":"new_algorithm"}"#);
    let empty = 2u64.to_le_bytes();
    std::fs::write(folder.path().join("new.safetensors"), [&empty[..], b"{}"].concat()).expect("write");
    file("v2.json", r#"{"format":"sqn-conformance-algorithms/2","case":"torch_adam"}"#);
    std::fs::write(folder.path().join("v2.safetensors"), [&empty[..], b"{}"].concat()).expect("write");
    file("alone.safetensors", "");
    file("stranger.bin", "");
    file("empty.jsonl", "");
    let (reports, totals) = run(&mut CpuExecutor::new(), folder.path());
    assert_eq!(totals, Totals { passed: 0, failed: 2, unsupported: 3 });
    let reason = |name: &str| reports[name].reason.clone().unwrap_or_default();
    assert!(reason("new.json").contains("'new_algorithm' is unknown"));
    assert!(reason("v2.json").contains("sqn-conformance-algorithms/2"));
    assert!(reason("alone.safetensors").contains("missing"));
    assert!(reason("stranger.bin").contains("not a conformance file"));
    assert!(reason("empty.jsonl").contains("empty"));
}

fn softq(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_softq")).arg("verify").args(arguments).output().expect("start softq")
}

#[test]
fn the_program_prints_lines_and_says_by_its_status_whether_all_agreed() {
    let arguments = ["--conformance", DATA, "--device", "cpu", "--json"];
    let output = softq(&arguments);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (last, files) = lines.split_last().expect("lines");
    for file in files {
        for key in ["file", "cases", "worst", "bound", "verdict"] {
            assert!(!file[key].is_null(), "{file}");
        }
    }
    let count = |verdict: &str| files.iter().filter(|file| file["verdict"] == verdict).count();
    let expected =
        json!({"passed": count("PASS"), "failed": count("FAIL"), "unsupported": count("UNSUPPORTED")});
    assert_eq!(*last, expected);

    let output = softq(&["--conformance", DATA, "--device", "cpu", "--only", "torch_adam"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("PASS         algorithms/torch_adam.json"), "{text}");
    assert!(text.contains("1 passed, 0 failed, 0 unsupported"), "{text}");

    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().to_str().expect("path");
    assert_eq!(softq(&["--conformance", path, "--device", "cpu"]).status.code(), Some(6), "nothing there");
    std::fs::write(folder.path().join("a.json"), "{").expect("write");
    assert_eq!(softq(&["--conformance", path, "--device", "cpu"]).status.code(), Some(1), "a failure");
    let output = softq(&["--conformance", path, "--device", "cpu", "--only", "b"]);
    assert_eq!(output.status.code(), Some(2), "an unknown file");
}
