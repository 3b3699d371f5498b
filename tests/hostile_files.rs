//! Files that would hurt whoever opens them: without an end, without a writer, not text, or with sequences that steer a
//! terminal. Each is refused with its size or kind, and nothing of them reaches a terminal as it is.

use std::path::Path;
use std::process::{Command, Output};

const ESCAPES: &str = include_str!("data/worlds/escape_comment.wgsl");

fn softq(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_softq"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("start softq");
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    for text in [&stdout, &stderr] {
        let steers =
            |c: char| c.is_control() && !matches!(c, '\n' | '\t') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(steers), "{arguments:?}: {text:?}");
        assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    }
    (status.code().expect("no signal"), stdout, stderr)
}

fn refused(folder: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let (got, _, message) = softq(folder, arguments);
    assert_eq!(got, code, "{arguments:?}: {message}");
    for part in parts {
        assert!(message.contains(part), "'{part}' is missing for {arguments:?}: {message}");
    }
}

/// A short run on the CPU in `run`.
fn trained(folder: &Path) {
    let arguments =
        ["train", "cartpole", "--device", "cpu", "--total-timesteps", "300", "--learning-starts", "200"];
    let (code, _, message) =
        softq(folder, &[&arguments[..], &["--hidden", "8", "--run-dir", "run"]].concat());
    assert_eq!(code, 0, "{message}");
}

#[cfg(unix)]
#[test]
fn what_has_no_end_or_no_writer_is_refused_at_once() {
    let root = tempfile::tempdir().expect("temporary directory");
    let at = root.path();
    assert!(Command::new("mkfifo").arg(at.join("pipe.wgsl")).status().expect("mkfifo").success());
    std::os::unix::fs::symlink("/dev/zero", at.join("zero.wgsl")).expect("link");
    for name in ["/dev/zero", "pipe.wgsl", "zero.wgsl"] {
        let kind = "no regular file, but a device, a pipe or a socket";
        refused(at, &["train", "--config", name], 2, &[name, kind]);
        refused(at, &["check-env", name], 2, &[name, kind]);
        refused(at, &["train", name], 2, &[name, kind]);
        refused(at, &["rollout", name], 2, &[name, kind]);
        refused(at, &["solve", "frozenlake", "--reference", name], 6, &[name, kind]);
    }
    refused(at, &["train", "--config", "."], 2, &["this is a directory"]);
    refused(at, &["check-env", "./"], 2, &["this is a directory"]);
}

#[test]
fn files_that_are_too_long_or_no_text_are_refused() {
    let root = tempfile::tempdir().expect("temporary directory");
    let at = root.path();
    for name in ["long.toml", "long.wgsl"] {
        std::fs::write(at.join(name), vec![b'\n'; (1 << 20) + 1]).expect("write");
    }
    std::fs::write(at.join("bytes.toml"), b"seed = 1\nenv = \"\xff\"\n").expect("write");
    let limit = ["1048577 bytes", "at most 1048576 are allowed"];
    refused(at, &["train", "--config", "long.toml"], 2, &limit);
    refused(at, &["check-env", "long.wgsl"], 2, &limit);
    refused(at, &["train", "--config", "bytes.toml"], 2, &["bytes.toml", "line 2 is not UTF-8"]);
    // A sparse file has a length without its bytes.
    trained(at);
    let weights = std::fs::File::create(at.join("run/model.safetensors")).expect("create");
    weights.set_len((4 << 30) + 1).expect("sparse file");
    refused(at, &["record", "run"], 6, &["4294967297 bytes", "at most 4294967296 are allowed"]);
}

#[test]
fn nothing_that_steers_a_terminal_is_printed() {
    let root = tempfile::tempdir().expect("temporary directory");
    let at = root.path();
    std::fs::write(at.join("escapes.wgsl"), ESCAPES).expect("write");
    std::fs::write(at.join("a\u{1b}[31m\u{9b}b.wgsl"), ESCAPES).expect("write");
    for name in ["escapes.wgsl", "a\u{1b}[31m\u{9b}b.wgsl"] {
        for command in ["check-env", "envs"] {
            let (code, text, message) = softq(at, &[command, name]);
            assert_eq!(code, 0, "{message}");
            assert!(text.contains("gra\\u{1b}]0;pwn\\u{7}\\u{1b}[31mvity"), "{text}");
        }
        let (_, text, _) = softq(at, &["envs", name, "--json"]);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(value.to_string().contains("pwn"));
        softq(at, &["kernels", "act_step", "--env", name, "--language", "wgsl"]);
        softq(at, &["check-env", name, "--env-param", "x\u{1b}[2J=1"]);
    }
    std::fs::write(at.join("broken.wgsl"), ESCAPES.replace("fn reset", "fn re\u{9b}set")).expect("write");
    refused(at, &["check-env", "broken.wgsl"], 2, &["broken.wgsl:"]);
    std::fs::write(at.join("key.toml"), "\"a\\u001b[31m\" = 1\n\"b\\u009b\" = 2\n").expect("write");
    refused(at, &["train", "--config", "key.toml"], 2, &["a\\u{1b}[31m"]);
    trained(at);
    let file = at.join("run/model.safetensors");
    let bytes = std::fs::read(&file).expect("weights");
    // The lengths stay, so that the file is whole: two bytes of a name become a control character of UTF-8.
    let place = bytes.windows(9).position(|window| window == b"log_alpha").expect("tensor");
    let mut evil = bytes.clone();
    evil[place + 3..place + 5].copy_from_slice("\u{9b}".as_bytes());
    std::fs::write(&file, evil).expect("write");
    std::fs::remove_file(at.join("run/SHA256SUMS")).expect("digests");
    let (code, _, message) = softq(at, &["record", "run"]);
    assert_eq!(code, 6, "{message}");
}

/// A file as other programs write it, without digests, whose tensor has a name that clears the screen.
#[test]
fn the_name_of_a_tensor_is_printed_without_what_steers_a_terminal() {
    let root = tempfile::tempdir().expect("temporary directory");
    let at = root.path();
    trained(at);
    let file = at.join("run/model.safetensors");
    let bytes = std::fs::read(&file).expect("weights");
    let (length, rest) = bytes.split_first_chunk::<8>().expect("the length of the header");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(header).expect("the header");
    header.remove("__metadata__");
    let tensor = header.remove("log_alpha").expect("a tensor");
    header.insert("\u{1b}[2J\u{9b}31mlog".into(), tensor);
    let mut header = serde_json::to_vec(&header).expect("JSON");
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = (header.len() as u64).to_le_bytes();
    std::fs::write(&file, [&length[..], &header, data].concat()).expect("write");
    std::fs::remove_file(at.join("run/SHA256SUMS")).expect("digests");
    let named = "it holds a tensor '\\u{1b}[2J\\u{9b}31mlog', which is no part of";
    refused(at, &["record", "run"], 6, &[named]);
    refused(at, &["rollout", "cartpole", "--policy", "run", "--device", "cpu"], 6, &[named]);
}
