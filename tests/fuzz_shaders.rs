//! Mutated compute shaders through `softq sanitize`'s library call: whatever the text, a report or an error that says something,
//! without a panic and within seconds. `SOFTQ_FUZZ_SEED` repeats a run, `SOFTQ_FUZZ_SECONDS` goes on for so long.

use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use softq::engine::variant::Variant;
use softq::interp::machine::Limits;
use softq::verify;
use softq::verify::shader::{Inputs, sanitize};

/// Mutants of a plain run.
const MUTANTS: usize = 400;
/// What one may take, with room for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

const PIECES: &[&str] = &[
    "",
    "{",
    "}",
    "(",
    ")",
    ";",
    ",",
    "0u",
    "-1",
    "4294967295u",
    "1e38",
    "1.0 / 0.0",
    "loop { }",
    "return;",
    "break;",
    "continue;",
    "workgroupBarrier();",
    "storageBarrier();",
    "var<workgroup> w: array<u32, 100000000>;",
    "var<private> q: array<f32, 9999999>;",
    "array<array<array<u32, 999>, 999>, 999>",
    "vec4f",
    "mat4x4f",
    "u32",
    "i32",
    "f32",
    "f16",
    "bool",
    "atomic<u32>",
    "ptr<function, u32>",
    "@workgroup_size(256)",
    "@workgroup_size(65535, 65535)",
    "override x: u32;",
    "&",
    "*",
    "%",
    "<<",
    ">>",
    "/",
    "[id.x]",
    "[0x7fffffff]",
    "arrayLength(&data)",
    "switch 1u { default { } }",
    "textureStore(t, vec2(0), vec4f());",
    "subgroupAdd(1u)",
    "pow(2.0, 3.0)",
    "dot(vec3f(), vec3f())",
    "bitcast<u32>",
    "select(1, 2, true)",
    "while (true) { }",
    "if (true) { return; }",
];

fn place(rng: &mut StdRng, text: &str) -> usize {
    let mut at = rng.random_range(0..=text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A text with a few changes: pieces put in, ranges left out, lines said twice, numbers changed.
fn mutated(rng: &mut StdRng, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..rng.random_range(1..4) {
        let at = place(rng, &text);
        match rng.random_range(0..5) {
            0 => text.insert_str(at, PIECES[rng.random_range(0..PIECES.len())]),
            1 => {
                let end = (at + rng.random_range(1..30)).min(text.len());
                let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
                text.replace_range(at..end, PIECES[rng.random_range(0..PIECES.len())]);
            }
            2 => {
                let lines: Vec<&str> = text.lines().collect();
                let line =
                    lines.get(rng.random_range(0..lines.len().max(1))).unwrap_or(&"").to_string() + "\n";
                let at = text[..at].rfind('\n').map_or(0, |at| at + 1);
                text.insert_str(at, &line);
            }
            _ => {
                let digits: Vec<usize> =
                    text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
                if let Some(at) = digits.get(rng.random_range(0..digits.len().max(1))) {
                    let digit = char::from(b'0' + rng.random_range(0..10u8)).to_string();
                    text.replace_range(*at..*at + 1, &digit);
                }
            }
        }
    }
    text
}

fn seeds() -> Vec<String> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sanitizer");
    let mut files: Vec<_> = std::fs::read_dir(table)
        .expect("the table")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wgsl"))
        .collect();
    files.sort();
    let mut seeds: Vec<String> =
        files.iter().map(|path| std::fs::read_to_string(path).expect("text")).collect();
    for check in verify::checks() {
        let case = check.draw(0, 0);
        let variant = Variant { kernel: case.kernel, env: case.env, rule: case.rule };
        seeds.push(variant.text().expect("composes"));
    }
    seeds
}

#[test]
fn no_text_makes_the_sanitizer_panic_or_hang() {
    let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    let seed = number("SOFTQ_FUZZ_SEED").unwrap_or(20_261_129);
    let seconds = number("SOFTQ_FUZZ_SECONDS").map(Duration::from_secs);
    let mut rng = StdRng::seed_from_u64(seed);
    let seeds = seeds();
    let (begun, mut tried, mut ran) = (Instant::now(), 0, 0);
    while seconds.map_or(tried < MUTANTS, |seconds| begun.elapsed() < seconds) {
        let chosen = rng.random_range(0..seeds.len());
        let text = mutated(&mut rng, &seeds[chosen]);
        let started = Instant::now();
        let limits = Limits { iterations: 2_000, fuel: 100_000 };
        match sanitize("mutant.wgsl", &text, &Inputs::default(), limits) {
            Ok(_) => ran += 1,
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        let took = started.elapsed();
        assert!(took < PATIENCE, "seed {seed}, mutant {tried}: {took:?}\n{text}");
        tried += 1;
    }
    eprintln!("{tried} mutants, {ran} ran");
    // Most texts are no longer valid; those that are must be enough to say something.
    assert!(ran * 50 > tried, "{ran} of {tried} ran");
}
