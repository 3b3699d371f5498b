//! `softq export` from outside: the file that it writes, what it says of it, and how it refuses.

#[path = "common/program.rs"]
mod program;

use std::path::Path;

use safetensors::SafeTensors;
use serde_json::Value;

use program::{printed, refused, softq, text};

fn train(dir: &Path, arguments: &str) {
    let sizes = "--device cpu --quiet --total-timesteps 192 --learning-starts 64 --eval-episodes 2 --hidden 8 --run-dir";
    let line: Vec<&str> = ["train"]
        .into_iter()
        .chain(arguments.split(' '))
        .chain(sizes.split(' '))
        .chain([text(dir)])
        .collect();
    printed(&line);
}

#[test]
fn an_agent_becomes_a_file_of_the_run() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let run = folder.path().join("run");
    train(&run, "mountain_car --env-param rescale_observations=true");
    let said = printed(&["export", text(&run)]);
    for part in [
        "model.onnx",
        "takes observation  [batch, 2]",
        "gives q_values     [batch, 3]",
        "gives action",
        "1,024",
    ] {
        assert!(said.contains(part), "'{part}' is missing: {said}");
    }
    let file = run.join("model.onnx");
    let bytes = std::fs::read(&file).expect("the file");
    // The digests of the run know it, and the run is as good as before.
    let sums = std::fs::read_to_string(run.join("SHA256SUMS")).expect("digests");
    assert!(sums.contains("model.onnx"), "{sums}");
    assert!(softq(&["eval", text(&run), "--episodes", "2"]).stderr.is_empty());

    let [other, samples] = ["elsewhere.onnx", "samples.safetensors"].map(|name| folder.path().join(name));
    let line =
        printed(&["export", text(&run), "--onnx", text(&other), "--samples", text(&samples), "--json"]);
    assert_eq!(std::fs::read(&other).expect("the file"), bytes, "the same agent, the same bytes");
    let report: Value = serde_json::from_str(&line).expect("one JSON line");
    assert_eq!(report["observations"], 1_024);
    assert!(report["largest_difference"].as_f64().is_some_and(|difference| difference <= 1e-5), "{line}");
    assert_eq!(report["outputs"][0]["name"], "q_values");
    assert_eq!(report["bytes"], bytes.len());
    let own = run.join("model.safetensors");
    refused(&["export", text(&run), "--samples", text(&own)], 2, &["--samples", "no file of the run"]);
    for own in ["report.json", "model.onnx"] {
        let own = run.join(own);
        let before = std::fs::read(&own).expect("the file");
        refused(&["export", text(&run), "--samples", text(&own)], 2, &["--samples", "ends in .safetensors"]);
        assert_eq!(std::fs::read(&own).expect("the file"), before);
    }
    let kept = std::fs::read_dir(run.join("checkpoints"))
        .expect("folder")
        .next()
        .expect("one")
        .expect("entry")
        .path();
    refused(&["export", text(&run), "--samples", text(&kept)], 2, &["--samples", "no file of the run"]);
    let samples = std::fs::read(samples).expect("samples");
    let samples = SafeTensors::deserialize(&samples).expect("a safetensors file");
    let shape = |name: &str| samples.tensor(name).expect(name).shape().to_vec();
    assert_eq!([shape("observation"), shape("q_values")], [vec![1_024, 2], vec![1_024, 3]]);

    printed(&["export", text(&run), "--weights", "best"]);
    assert!(run.join("best.onnx").is_file());
}

#[test]
fn what_cannot_be_exported_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let path = folder.path();
    refused(&["export"], 2, &["RUN"]);
    refused(&["export", text(&path.join("nowhere"))], 6, &["there is no such directory"]);
    refused(&["export", text(path)], 6, &["no directory of a run"]);
    let run = path.join("run");
    train(&run, "cartpole");
    refused(&["export", text(&run), "--onnx", "agent.pb"], 2, &["--onnx = agent.pb", ".onnx"]);
    let missing = path.join("missing/agent.onnx");
    refused(&["export", text(&run), "--onnx", text(&missing)], 6, &["cannot write", "agent.onnx"]);
    let relative = path.join("relative");
    train(&relative, &format!("cartpole --kl false --temperature fixed --reference {}", text(&run)));
    refused(&["export", text(&relative)], 2, &["reference = ", "Q + alpha ln pi_bar", "softq eval"]);
    std::fs::remove_file(run.join("model.safetensors")).expect("remove");
    refused(&["export", text(&run)], 6, &["there are no weights"]);
}
