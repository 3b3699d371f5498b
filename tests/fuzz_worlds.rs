//! Mutated environment files through the reader and all that is checked without a device: no panic, no hang, and every refusal
//! names a line or an item. `SOFTQ_FUZZ_SEED` repeats a run.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use softq::envs::{self, Values};

const FILES: &[&str] = &[
    include_str!("../shaders/envs/cartpole.wgsl"),
    include_str!("../shaders/envs/frozen_lake.wgsl"),
    include_str!("../shaders/envs/catch.wgsl"),
    include_str!("../examples/custom_env/sailing.wgsl"),
    include_str!("../examples/custom_env/firefly.wgsl"),
    include_str!("data/worlds/n_pack1.wgsl"),
    include_str!("data/worlds/w_loop_return.wgsl"),
    include_str!("data/worlds/p_nested_struct.wgsl"),
];

const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "<",
    ">",
    ";",
    ",",
    ":",
    "=",
    "&",
    "&&",
    "||",
    "*",
    "/*",
    "*/",
    "//",
    "\r",
    "\u{2028}",
    "0x",
    "1e",
    "1e39",
    "-1",
    "4294967296u",
    "u32",
    "f32",
    "array<f32, 0>",
    "array<f32, 100000000>()",
    "struct EnvParams",
    "const",
    "fn",
    "return;",
    "loop { }",
    "// param:",
    "// range: 1 to",
    "// import: env",
    "a\u{308}",
    "ptr<function, State>",
    "&(*state)",
    "const_assert false;",
    "f16",
    "\u{1b}[31m",
    "@compute",
    "override x = 1;",
    "discard;",
    "_",
    "__a",
    "State",
    "OBS_SIZE",
    "NUM_ACTIONS",
    "switch 1u { default { } }",
    "requires x;",
];

fn place(rng: &mut StdRng, text: &str) -> usize {
    let mut at = rng.random_range(0..=text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn mutated(rng: &mut StdRng) -> String {
    let mut text = FILES[rng.random_range(0..FILES.len())].to_owned();
    for _ in 0..rng.random_range(1..4u32) {
        let at = place(rng, &text);
        match rng.random_range(0..5u32) {
            0 => text.insert_str(at, PIECES[rng.random_range(0..PIECES.len())]),
            1 => {
                let mut end = (at + rng.random_range(1..30usize)).min(text.len());
                while !text.is_char_boundary(end) {
                    end += 1;
                }
                text.replace_range(at..end, "");
            }
            2 => {
                let (mut from, mut to) = (place(rng, &text), place(rng, &text));
                if from > to {
                    std::mem::swap(&mut from, &mut to);
                }
                let copy = text[from..to].chars().take(200).collect::<String>();
                text.insert_str(at, &copy);
            }
            3 => {
                // A word in the place of another.
                let words: Vec<&str> = text
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .filter(|w| !w.is_empty())
                    .collect();
                if words.is_empty() {
                    continue;
                }
                let [old, new] = [0; 2].map(|_: i32| words[rng.random_range(0..words.len())].to_owned());
                let piece = if rng.random_range(0..2u32) == 0 {
                    PIECES[rng.random_range(0..PIECES.len())].to_owned()
                } else {
                    new
                };
                text = text.replacen(&old, &piece, 1);
            }
            _ => text.truncate(at),
        }
    }
    text
}

#[test]
fn mutated_files_are_read_or_refused_with_a_place() {
    let seed = std::env::var("SOFTQ_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
    println!("SOFTQ_FUZZ_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut read, started) = (0, Instant::now());
    for case in 0..4_000 {
        let text = mutated(&mut rng);
        let begun = Instant::now();
        let result = std::panic::catch_unwind(|| envs::from_source("world.wgsl", &text, &Values::new()));
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "case {case} of seed {seed} took {:?}",
            begun.elapsed()
        );
        match result.unwrap_or_else(|_| panic!("case {case} of seed {seed} panicked:\n{text}")) {
            Ok(_) => read += 1,
            Err(error) => {
                let (world, text) = (text, error.to_string());
                let line = text
                    .strip_prefix("world.wgsl:")
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
                let item = ['`', '\''].iter().any(|quote| text.contains(*quote))
                    || ["missing", "no code", "no action space", "OBS_SIZE", "constant"]
                        .iter()
                        .any(|word| text.contains(word));
                assert!(line || item, "case {case} of seed {seed} names no place: {text}\n{world}");
                let foreign = ["naga", "Handle", "Some(", "Capabilities(", "AbstractFloat", "AbstractInt"];
                assert!(
                    !foreign.iter().any(|word| text.contains(word)),
                    "case {case} of seed {seed}: {text}"
                );
            }
        }
    }
    println!("{read} of 4000 read, in {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(120));
}
