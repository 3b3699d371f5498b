//! A change that promises not to move a bit is held to it: short runs of shipped presets and of other configurations,
//! whose final weights are compared tensor by tensor with digests that were made before.
//!
//! `SOFTQ_BITS=full` runs the presets to their ends as well (a few minutes); `SOFTQ_BITS=write` makes the table anew, for a
//! change that means to move bits and says so in the changelog; `SOFTQ_BITS=add` adds the runs that it lacks.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// Presets, and the environment steps after which the short run of each ends.
const PRESETS: &[(&str, &str, u32)] = &[
    ("acrobot", "sqn", 4_000),
    ("cartpole", "sqn", 4_000),
    ("cartpole", "dqn", 4_000),
    ("cartpole", "munchausen", 4_000),
    ("cartpole", "soft_q", 4_000),
    ("cartpole", "sac_discrete", 4_000),
    ("cartpole", "soft_pqn", 4_000),
    ("catch", "sqn", 3_000),
    ("catch", "dqn", 3_000),
    ("catch", "munchausen", 3_000),
    ("catch", "soft_q", 3_000),
    ("CliffWalking-v1", "sqn", 3_000),
    ("CliffWalkingSlippery-v1", "sqn", 3_000),
    ("DeepSea-bsuite", "sqn", 3_000),
    ("FrozenLake-v1", "sqn", 4_000),
    ("FrozenLake8x8-v1", "sqn", 4_000),
    ("MountainCar-v0", "sqn", 4_000),
    ("PendulumDiscrete-v1", "sqn", 3_000),
    ("taxi", "sqn", 2_500),
    ("Tray-v0", "sqn", 3_000),
];

/// Forms that no preset takes; each is one flag line.
const OTHERS: &[&str] = &[
    "cartpole --device cpu --total-timesteps 2000 --backup online_policy --n-step 3 --n-step-entropy true",
    "cartpole --device cpu --total-timesteps 2000 --backup sampled --temperature learned_exp --kl true",
    "cartpole --device cpu --total-timesteps 2000 --backup max --twin mean --dueling true --loss huber",
    "cartpole --device cpu --total-timesteps 2000 --replay prioritized --layer-norm true --max-grad-norm 1",
    "cartpole --device cpu --total-timesteps 2000 --path fused --temperature schedule --twin off",
    "cartpole --device cpu --total-timesteps 2000 --algo dqn --double-q true --dueling true --n-step 3 --replay prioritized",
    "cartpole --device cpu --total-timesteps 2000 --algo soft_q --value-transform signed_log --action-input true --activation silu",
    "cartpole --device cpu --total-timesteps 2000 --backup sampled --entropy-in-target false --kl false --temperature per_state --exploration boltzmann",
    "cartpole --device cpu --total-timesteps 1500 --agents 3 --sweep learning_rate=0.001,0.0003,0.003",
    "frozenlake --device cpu --total-timesteps 2000 --learning-starts 500 --algo soft_q --kl false --reference tests/data/references/frozenlake.json",
    "cartpole --device cpu --total-timesteps 1500 --agents 2 --kl false --temperature fixed --alpha 0.05 --backup online_policy --reference tests/data/references/cartpole.safetensors",
    "cartpole --device gpu --total-timesteps 1300 --kl false --temperature schedule --path fused --env-param gravity=15 --reference tests/data/references/cartpole.safetensors",
    "cartpole --device gpu --total-timesteps 1500 --path fused --replay prioritized",
    "catch --device gpu --total-timesteps 1300 --algo munchausen --activation tanh --layer-norm true",
    "catch --device gpu --total-timesteps 1300 --algo sac_discrete --twin mean --entropy-penalty 0.5 --replay prioritized --path fused",
    "Tray-v0 --device cpu --total-timesteps 2500 --alpha-per-head true --target-entropy 0.5ln|A|",
    "Tray-v0 --device gpu --total-timesteps 2500 --algo dqn --head-weights di_engine --dueling true",
    "catch --device cpu --total-timesteps 1300 --network minatar --algo dqn --exploration greedy --epsilon 0.2 --n-step 2",
    "catch --device gpu --total-timesteps 1150 --network minatar --layer-norm true --dueling true",
    "catch --device gpu --total-timesteps 2100 --algo soft_pqn --lambda-backup max --n-step-entropy false --kl false --temperature fixed --exploration greedy --epsilon 0.2 --optimizer radam --max-grad-norm 1",
    "mountain_car_continuous --device cpu --total-timesteps 1300 --algo sac --hidden 32,32 --batch-size 64 --learning-starts 1000 --n-step 3 --twin mean --log-std clamped --noise-hold 20 --replay prioritized",
    "pendulum --device gpu --total-timesteps 900 --algo sac --hidden 24,24 --batch-size 32 --learning-starts 300 --agents 2 --layer-norm true",
    "reacher --device cpu --total-timesteps 700 --algo soft_q_svgd --hidden 24,24 --batch-size 16 --learning-starts 400 --kernel-particles 9 --n-step 2 --temperature schedule",
    "reacher --device cpu --total-timesteps 500 --algo sac --hidden 24,24 --batch-size 16 --learning-starts 300 --replay prioritized",
    "multi_goal --device gpu --total-timesteps 500 --algo soft_q_svgd --hidden 24,24 --batch-size 16 --learning-starts 300 --agents 2 --kernel-particles 8 --value-particles 5",
];

fn table() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bits.txt")
}

fn lines(full: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (env, algo, steps) in PRESETS {
        let run = format!("{env} --algo {algo} --device cpu");
        lines.push(format!("{run} --total-timesteps {steps}"));
        if full {
            lines.push(run);
        }
    }
    let without_gpu = std::env::var("SOFTQ_NO_GPU").is_ok_and(|value| value == "1");
    lines.extend(
        OTHERS.iter().map(|line| (*line).to_owned()).filter(|line| !without_gpu || !line.contains("gpu")),
    );
    lines
}

/// One line per tensor: its name and the SHA-256 of its values.
fn digests(line: &str) -> Vec<String> {
    let dir = tempfile::tempdir().expect("temporary directory");
    let run = dir.path().join("run");
    let status = Command::new(env!("CARGO_BIN_EXE_softq"))
        .arg("train")
        .args(line.split(' '))
        .args(["--seed", "5", "--quiet", "--run-dir"])
        .arg(&run)
        .status()
        .expect("softq");
    assert!(status.success(), "softq train {line}");
    let bytes = std::fs::read(run.join("model.safetensors")).expect("weights");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let tensors: BTreeMap<String, String> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let digest: String =
                Sha256::digest(view.data()).iter().take(8).map(|b| format!("{b:02x}")).collect();
            (name, digest)
        })
        .collect();
    tensors.into_iter().map(|(name, digest)| format!("{line}\t{name}\t{digest}")).collect()
}

#[test]
fn final_weights_are_those_of_before() {
    let mode = std::env::var("SOFTQ_BITS").unwrap_or_default();
    let lines = lines(matches!(mode.as_str(), "full" | "write"));
    let mut text = String::new();
    if mode == "write" {
        for line in &lines {
            for digest in digests(line) {
                writeln!(text, "{digest}").expect("string");
            }
        }
        std::fs::write(table(), text).expect("write the table");
        return;
    }
    let mut known = std::fs::read_to_string(table()).expect("tests/data/bits.txt");
    if mode == "add" {
        let has = |line: &String| known.lines().any(|known| known.starts_with(&format!("{line}\t")));
        let new: Vec<&String> = lines.iter().filter(|line| !has(line)).collect();
        for digest in new.into_iter().flat_map(|line| digests(line)) {
            writeln!(known, "{digest}").expect("string");
        }
        std::fs::write(table(), known).expect("write the table");
        return;
    }
    let mut wrong = Vec::new();
    for line in &lines {
        let prefix = format!("{line}\t");
        let expected: Vec<&str> = known.lines().filter(|known| known.starts_with(&prefix)).collect();
        assert!(!expected.is_empty(), "no digests of 'softq train {line}'; SOFTQ_BITS=write makes the table");
        let got = digests(line);
        if got != expected {
            wrong.extend(got.into_iter().filter(|line| !expected.contains(&line.as_str())));
        }
    }
    assert!(wrong.is_empty(), "tensors that differ from tests/data/bits.txt:\n{}", wrong.join("\n"));
}
