//! Networks of convolutions from outside: an agent that learns with one, what its run directory holds, playing it again, and
//! the same bits on both executors.

mod common;

use std::path::Path;
use std::process::Command;

use safetensors::SafeTensors;
use serde_json::Value;
use softq::config::{Config, Exploration, HiddenActivation, NetworkChoice, Temperature};
use softq::train::trainer::Trainer;

fn softq(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_softq")).args(arguments).output().expect("start softq");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("path")
}

#[test]
fn an_agent_solves_catch_by_convolutions_and_its_run_plays_again() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (run, again, gif) = (dir.path().join("run"), dir.path().join("again"), dir.path().join("play.gif"));
    let settings = ["catch", "--algo", "dqn", "--network", "minatar", "--device", "cpu", "--quiet"];
    softq(&[&["train"], &settings[..], &["--run-dir", text(&run)]].concat());
    let report: Value =
        serde_json::from_slice(&std::fs::read(run.join("report.json")).expect("report")).expect("JSON");
    // Of a random policy the mean return is about -0.6, and the run may take 30,000 steps.
    assert!(report["solved_at_env_steps"].as_u64().is_some_and(|steps| steps <= 15_000), "{report}");

    let bytes = std::fs::read(run.join("model.safetensors")).expect("weights");
    let model = SafeTensors::deserialize(&bytes).expect("safetensors");
    for (name, shape) in [
        ("q0.conv0.weight", &[3, 3, 1, 16][..]),
        ("q0.conv0.bias", &[16]),
        ("q0.layer0.weight", &[8 * 3 * 16, 128]),
        ("target_q0.conv0.weight", &[3, 3, 1, 16]),
    ] {
        assert_eq!(model.tensor(name).expect(name).shape(), shape, "{name}");
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("header");
    let metadata = header.metadata().as_ref().expect("metadata");
    assert_eq!(metadata["network"], "minatar");
    assert!(metadata["layout"].contains("convolutions [height, width, in, out]"), "{metadata:?}");

    softq(&["record", text(&run), "--out", text(&gif), "--device", "cpu"]);
    assert!(std::fs::read(&gif).expect("a GIF").starts_with(b"GIF89a"));
    // The settings that the run kept repeat it.
    softq(&["train", "--config", text(&run.join("config.toml")), "--quiet", "--run-dir", text(&again)]);
    assert!(std::fs::read(again.join("model.safetensors")).expect("weights") == bytes);
}

#[test]
fn both_executors_train_convolutions_to_the_same_bits() {
    let small = Config {
        env: "catch".into(),
        network: NetworkChoice::Minatar,
        total_timesteps: 500,
        num_envs: 3,
        learning_starts: 200,
        gradient_steps: 1,
        batch_size: 17,
        buffer_size: 400,
        eval_frequency: 0,
        eval_episodes: 5,
        ..Config::default()
    };
    let dqn = Config {
        algo: "dqn".into(),
        temperature: Temperature::Fixed,
        exploration: Exploration::Greedy,
        epsilon: 0.2,
        ..small.clone()
    };
    for config in [
        Config { layer_norm: true, dueling: true, ..small.clone() },
        Config { activation: HiddenActivation::Silu, ..dqn },
        Config { algo: "sac_discrete".into(), activation: HiddenActivation::Tanh, agents: 2, ..small },
    ] {
        let trained = |device: String| {
            let mut trainer = Trainer::new(&Config { device, ..config.clone() }).expect("trainer");
            trainer.run(&mut |_| Ok(())).expect("run");
            trainer.read_buffer("weights").expect("weights")
        };
        let Some(gpu) = common::gpu() else { return };
        let weights = trained("cpu".into());
        assert!(weights.iter().all(|word| f32::from_bits(*word).is_finite()));
        assert!(weights == trained(gpu.address), "{config:?}");
    }
}
