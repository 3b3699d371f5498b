//! Broken environment files: each is refused by `check-env` and by `train` with the file, the line and what to do, without a
//! panic and within seconds. The files are in tests/data/broken_envs; each is the working one with one thing wrong.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// File, line of the error (0: none can be named), part of its message.
const REFUSED: &[(&str, usize, &str)] = &[
    ("alias_state", 23, "State must be a struct of that name, not an alias"),
    ("barrier", 17, "`workgroupBarrier` is not available"),
    ("bool_in_state", 8, "member 'landed' of State"),
    ("bounds_of_other_length", 24, "3 bounds for observations of 2"),
    ("box_too_wide", 2, "must be a number of 32 bits above 0"),
    ("constant_too_large", 24, "too large for 32 bits"),
    ("derivative", 17, "`dpdx` is not available"),
    ("draw_of_other_type", 24, "expected is `fn draw(State, vec2<f32>) -> vec3<f32>`"),
    ("empty", 0, "there is no code"),
    ("endless_loop", 18, "this loop never ends"),
    ("engine_name", 24, "`schedule` is declared twice, or is a name that the engine uses"),
    ("engine_name_main", 24, "`main` is declared twice, or is a name that the engine uses"),
    ("engine_variable", 24, "`replay` is declared twice, or is a name that the engine uses"),
    ("entry_point", 24, "'run' is an entry point"),
    ("high_below_low", 2, "low must be below high"),
    ("language_name", 24, "`clamp` is a name of the language"),
    ("long_observation", 1, "Write `fn observe_at"),
    ("low_without_high", 2, "there is no ACTION_HIGH"),
    (
        "missing_argument",
        14,
        "expected is `fn step(ptr<function, State>, u32, ptr<function, Rng>) -> Outcome`",
    ),
    ("missing_function", 0, "the function reset is missing"),
    ("misspelt_function", 20, "is `obseve` meant to be it?"),
    ("module_variable", 24, "what changes belongs into State"),
    ("negated_unsigned", 16, "`-` in front of a value of this type does not work"),
    ("no_action_space", 0, "add one of `const NUM_ACTIONS = 2u;`"),
    ("no_actions", 2, "a whole number from 1 to 1024"),
    ("no_default_params", 24, "add `const DEFAULT_PARAMS = EnvParams(...);`"),
    ("no_loop_limit", 17, "add `const MAX_LOOP_ITERATIONS"),
    ("no_obs_size", 1, "the constant OBS_SIZE is missing; is `OBS_LEN` meant to be it?"),
    ("not_utf8", 23, "not UTF-8"),
    ("obs_shape_of_other_size", 3, "2 x 2 x 1 are 4 numbers, but OBS_SIZE is 2"),
    ("obs_shape_of_two", 3, "expected height, width and channels"),
    ("obs_shape_zero", 3, "whole numbers of 1 or more whose product is OBS_SIZE, 2"),
    ("obs_bits_three", 23, "3 is not allowed: 1 for elements that are 0 or 1"),
    ("obs_size_fraction", 1, "2.5 is not allowed"),
    ("obs_size_negative", 1, "-2 is not allowed"),
    ("obs_size_too_large", 1, "a whole number from 1 to 28224"),
    ("obs_size_zero", 1, "0 is not allowed"),
    ("observation_size", 20, "expected is `fn observe(State) -> array<f32, 2>`"),
    ("override_constant", 24, "write `const speed`"),
    ("range_open_and_empty", 27, "is no range"),
    ("recursion", 24, "WGSL has no recursion"),
    ("signed_actions", 2, "must be u32"),
    ("storage_binding", 24, "buffers are the engine's"),
    ("syntax_error", 17, "It may be missing at the end of the line above"),
    ("time_limit_zero", 3, "a time limit is at least 1 step"),
    ("too_much_state", 5, "at most 256 are allowed"),
    ("two_observes", 20, "keep one"),
    ("two_action_spaces", 23, "a file has one action space"),
    ("type_error", 15, "write f32(...)"),
    ("unknown_identifier", 11, "Did you mean `rng_range`?"),
    ("unknown_import", 23, "cannot import 'physics'"),
    ("unknown_type", 7, "In WGSL it is f32"),
    ("vector_param", 25, "must be a f32, u32 or i32"),
    ("written_param", 17, "the parameters cannot be written: keep what changes in State"),
    ("wrong_argument_type", 14, "expected is `fn step(ptr<function, State>, u32,"),
    ("wrong_return_type", 14, "-> Outcome`"),
];

/// Files that only running can find out: line, part of the message, whether `train` refuses them too.
const FAIL_WHEN_RUN: &[(&str, usize, &str, bool)] = &[
    ("endless_while", 18, "the loop used up the 100 iterations of MAX_LOOP_ITERATIONS", true),
    ("nan_observation", 20, "element 1 of an observation is NaN", true),
    ("obs_bits_unfit", 23, "OBS_BITS = 8 cannot hold element 0 of an observation", true),
    ("infinite_reward", 14, "the reward is inf", true),
    ("beyond_bounds", 25, "declared are -0.5 to 0.5", false),
    ("useless_action", 0, "no action changed the outcome", false),
    ("one_choice", 0, "there is nothing to choose", false),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/broken_envs")
}

/// Runs the program and demands that it ends soon and never panics.
fn softq(arguments: &[&str]) -> (i32, String) {
    let started = Instant::now();
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_softq")).args(arguments).output().expect("start softq");
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    assert!(started.elapsed() < Duration::from_secs(60), "{arguments:?} took {:?}", started.elapsed());
    (status.code().expect("no signal"), text)
}

fn train(path: &str) -> (i32, String) {
    let root = tempfile::tempdir().expect("temporary directory");
    let run_dir = root.path().join("run");
    let result =
        softq(&["train", path, "--total-timesteps", "100", "--run-dir", run_dir.to_str().expect("path")]);
    assert!(result.0 == 0 || !run_dir.exists(), "a refused run leaves nothing behind");
    result
}

fn expect(result: (i32, String), code: i32, parts: &[&str]) {
    assert_eq!(result.0, code, "{}", result.1);
    for part in parts {
        assert!(result.1.contains(part), "'{part}' is missing: {}", result.1);
    }
}

fn place(path: &str, line: usize) -> String {
    if line == 0 { format!("{path}: ") } else { format!("{path}:{line}: ") }
}

#[test]
fn files_that_break_the_contract_are_refused_before_any_device() {
    for (name, line, message) in REFUSED {
        let path = folder().join(format!("{name}.wgsl"));
        let path = path.to_str().expect("path");
        for result in [softq(&["check-env", path]), train(path)] {
            expect(result, 2, &["error: ", &place(path, *line), message]);
        }
    }
}

#[test]
fn files_that_break_when_run_are_found_by_running_them() {
    if common::gpu().is_none() {
        return;
    }
    for (name, line, message, refused) in FAIL_WHEN_RUN {
        let path = folder().join(format!("{name}.wgsl"));
        let path = path.to_str().expect("path");
        let place = if *line == 0 { String::new() } else { place(path, *line) };
        expect(softq(&["check-env", path]), 1, &["FAILED", &place, message]);
        if *refused {
            expect(train(path), 2, &["error: ", &place, message]);
        }
    }
    let path = folder().join("beyond_bounds.wgsl");
    expect(train(path.to_str().expect("path")), 0, &["warning: ", "declared are -0.5 to 0.5"]);
}

#[test]
fn every_broken_file_is_tested() {
    let mut listed: Vec<&str> =
        REFUSED.iter().map(|(name, ..)| *name).chain(FAIL_WHEN_RUN.iter().map(|(name, ..)| *name)).collect();
    listed.push("working");
    for entry in std::fs::read_dir(folder()).expect("folder") {
        let path = entry.expect("entry").path();
        let stem = path.file_stem().expect("name").to_string_lossy().into_owned();
        assert!(listed.contains(&stem.as_str()), "{stem}");
    }
}

#[test]
fn what_is_no_file_of_text_is_refused() {
    let root = tempfile::tempdir().expect("temporary directory");
    let at = |name: &str| root.path().join(name).to_str().expect("path").to_owned();
    std::fs::create_dir(at("folder.wgsl")).expect("directory");
    std::fs::write(at("large.wgsl"), vec![b' '; 10 << 20]).expect("write");
    std::fs::write(at("zero.wgsl"), b"const OBS_SIZE = 2u;\n\0").expect("write");
    std::fs::write(
        at("nested.wgsl"),
        format!("const A = {}1{};\n", "(".repeat(100_000), ")".repeat(100_000)),
    )
    .expect("write");
    for (name, part) in [("chain", "1 + "), ("signs", "- ")] {
        std::fs::write(at(&format!("{name}.wgsl")), format!("const A = {}1;\n", part.repeat(200_000)))
            .expect("write");
    }
    let branches = "else if (true) { }".repeat(30_000);
    std::fs::write(at("branches.wgsl"), format!("fn f() {{ if (true) {{ }} {branches} }}\n")).expect("write");
    std::fs::write(at("blocks.wgsl"), format!("fn f() {}", "{".repeat(100_000))).expect("write");
    for (name, part) in [
        ("folder.wgsl", "this is a directory"),
        ("large.wgsl", "at most 1048576 are allowed"),
        ("missing.wgsl", "cannot be read"),
        ("zero.wgsl", ":2: the file holds a zero byte"),
        ("nested.wgsl", ":1: more than 100 brackets around one place"),
        ("chain.wgsl", ":1: an expression of more than 2000 characters"),
        ("signs.wgsl", ":1: an expression of more than 2000 characters"),
        ("branches.wgsl", ":1: more than 500 `else`"),
        ("blocks.wgsl", "blocks.wgsl"),
    ] {
        for result in [softq(&["check-env", &at(name)]), train(&at(name))] {
            expect(result, 2, &[&at(name), part]);
        }
    }
}

#[test]
fn parameters_are_checked() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/custom_env/sailing.wgsl");
    let file = file.to_str().expect("path");
    for (value, parts) in [
        ("gusst=1", ["unknown environment parameter 'gusst'", "Did you mean 'gusts'?"]),
        ("gusts=strong", ["env_params.gusts = strong", "a finite number, or uniform(low,high)"]),
        ("gusts=uniform(2,1)", ["env_params.gusts", "low not above high"]),
        ("gusts", ["env_param = 'gusts'", "name=value"]),
        ("max_episode_steps=0", ["env_params.max_episode_steps = 0", "from 1 to 4294967295"]),
    ] {
        expect(softq(&["check-env", file, "--env-param", value]), 2, &parts);
    }
}

/// Every single token of a world left out in turn, and every one written twice: an environment or an error that names the
/// file, never a panic.
#[test]
fn no_single_slip_makes_the_reader_panic() {
    let source = include_str!("data/broken_envs/working.wgsl");
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let length =
            if word(first) { rest.find(|c| !word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, behind) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = behind;
    }
    for slip in 0..tokens.len() {
        let token = tokens[slip].clone();
        if token.trim().is_empty() {
            continue;
        }
        let doubled = format!("{token} {token}");
        for instead in ["", doubled.as_str(), "@", "0x", "vec4f(", "array<State, 9>()"] {
            tokens[slip] = instead.to_owned();
            if let Err(error) = softq::envs::from_source("slip.wgsl", &tokens.concat(), &Default::default()) {
                let text = error.to_string();
                assert!(text.starts_with("slip.wgsl"), "'{token}' as '{instead}': {text}");
            }
        }
        tokens[slip] = token;
    }
}
