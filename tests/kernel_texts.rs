//! `softq kernels`: what it lists, prints and writes, and what it refuses.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn kernels(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_softq")).arg("kernels").args(arguments).output().expect("softq")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn refused(arguments: &[&str], code: i32, parts: &[&str]) {
    let output = kernels(arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    for part in parts {
        assert!(message.contains(part), "'{part}' is missing: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_kernel_is_listed_with_its_buffers() {
    let text = stdout(&kernels(&[]));
    for kernel in softq::kernels::table() {
        assert!(text.lines().any(|line| line.split(' ').next() == Some(kernel.name)), "{}", kernel.name);
    }
    let line: Value = serde_json::from_slice(&kernels(&["--json"]).stdout).expect("JSON");
    assert_eq!(line.as_array().map(Vec::len), Some(softq::kernels::table().len()));
    let adam = line.as_array().and_then(|all| all.iter().find(|one| one["name"] == "adam")).expect("adam");
    assert_eq!(adam["workgroup_size"], 64);
    assert!(adam["grid"].as_str().is_some_and(|grid| grid.contains("groups(")), "{adam}");
}

#[test]
fn one_kernel_has_a_page() {
    let text = stdout(&kernels(&["act_step", "--env", "catch"]));
    for part in
        ["Grid:", "binding 0  read        p: Params", "replay: array<u32>", "with Catch-bsuite: env.obs 50"]
    {
        assert!(text.contains(part), "'{part}' is missing:\n{text}");
    }
}

#[test]
fn a_text_is_printed_in_each_language() {
    for (language, mark) in
        [("wgsl", "fn main("), ("msl", "kernel void"), ("hlsl", "numthreads"), ("glsl", "void main(")]
    {
        let text = stdout(&kernels(&["act_step", "--env", "cartpole", "--language", language]));
        assert!(text.contains(mark), "{language}: {text}");
    }
    refused(&["adam", "--language", "spirv"], 2, &["binary", "--dump"]);
    refused(&["act_step", "--language", "msl"], 2, &["--env", "softq kernels act_step --env cartpole"]);
}

#[test]
fn all_texts_are_written() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().to_str().expect("path");
    stdout(&kernels(&["adam", "--dump", path]));
    assert_eq!(files(dir.path()), ["adam.comp", "adam.hlsl", "adam.metal", "adam.spv", "adam.wgsl"]);
    let words = std::fs::read(dir.path().join("adam.spv")).expect("module");
    assert_eq!(words[..4], 0x0723_0203u32.to_le_bytes());
    // One language, a user's own file: every kernel once, those that need what it lacks left out.
    let world = tempfile::tempdir().expect("directory");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/envs/mountain_car_continuous.wgsl");
    let path = world.path().to_str().expect("path");
    stdout(&kernels(&["--env", file, "--language", "wgsl", "--dump", path]));
    let written = files(world.path());
    assert!(written.contains(&"env_reset+mountain_car_continuous.wgsl".to_owned()), "{written:?}");
    assert!(written.iter().all(|name| !name.starts_with("act_step")), "{written:?}");
}

#[test]
fn wrong_names_and_places_are_refused() {
    refused(&["adamm"], 2, &["unknown kernel 'adamm'", "Did you mean 'adam'?"]);
    refused(&["--env", "cartpol"], 2, &["Did you mean 'cartpole'?"]);
    refused(&["--language", "metal"], 2, &["wgsl, spirv, msl, hlsl, glsl"]);
    let dir = tempfile::tempdir().expect("directory");
    let file = dir.path().join("file");
    std::fs::write(&file, "").expect("written");
    refused(&["adam", "--dump", file.to_str().expect("path")], 6, &["cannot create"]);
}
