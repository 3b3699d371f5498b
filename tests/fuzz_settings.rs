//! Thousands of settings that nobody would write: files, `--set` entries and flags, drawn from a seed that is printed. None may
//! end in a panic, and every refusal names a key that was given or the line of the file.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use softq::config::{SETTINGS, Setting};
use softq::train::layers::{Layers, SettingsFile, resolve};

const SEED: u64 = 0x5e77_1265;

/// Values that number readers stumble over, and a few that fit somewhere.
const VALUES: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "0.5",
    "1e-3",
    "1e-50",
    "1e-40",
    "1e39",
    "1e400",
    "-1e-300",
    "nan",
    "inf",
    "-inf",
    "-0",
    "+1",
    "1.",
    ".5",
    "0x10",
    "1_000",
    "6e4",
    "4294967295",
    "4294967296",
    "16777216",
    "65535",
    "65536",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "-9223372036854775808",
    "340282350000000000000000000000000000000",
    "",
    " ",
    "true",
    "false",
    "True",
    "none",
    "auto",
    "cartpole",
    "CartPole-v1",
    "acrobot",
    "pendulum",
    "frozenlake",
    "nowhere.wgsl",
    "/",
    "dqn",
    "sqn",
    "soft_q",
    "munchausen",
    "sac_discrete",
    "soft_pqn",
    "max",
    "sampled",
    "greedy",
    "fixed",
    "schedule",
    "per_state",
    "prioritized",
    "huber",
    "64,64",
    "[64, 64]",
    "[]",
    "0,0",
    "64,,64",
    "4097",
    "1,1,1,1,1,1,1,1,1",
    "0.5ln|A|",
    "ln|A|",
    "-1ln|A|",
    "1e-60ln|A|",
    "nanln|A|",
    "gravity=5",
    "gravity=1e-50",
    "gravity=1e39",
    "gravity=uniform(5,1)",
    "max_episode_steps=0",
    "max_episode_steps=-9223372036854775808",
    "is_slippery=maybe",
    "=",
    "a=b=c",
    "gamma=0.9,0.99",
    "gamma=uniform(0,1)",
    "learning_rate=log_uniform(1e-300,1)",
    "hidden=1,2",
    "seed=1,2,3",
    "alpha=0,1",
    "\u{0}",
    "\u{1b}[31m",
    "\u{fffd}",
    "'",
    "\"",
    "\"\"\"",
    "#",
    "\u{2028}",
    "\u{661}",
    "e\u{301}",
    "cuda",
    "🦀",
];

struct Fuzzer {
    rng: StdRng,
}

impl Fuzzer {
    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        *list.choose(&mut self.rng).expect("not empty")
    }

    fn setting(&mut self) -> &'static Setting {
        // Everything else would be a population of some thousand agents, which is slow and not wrong.
        self.pick(&SETTINGS.iter().collect::<Vec<_>>())
    }

    fn value(&mut self) -> String {
        match self.rng.random_range(0..8) {
            0 => format!("{}", f64::from_bits(self.rng.random())),
            1 => format!("{}", self.rng.random::<i64>()),
            2 => "9".repeat(self.rng.random_range(1..400)),
            _ => self.pick(VALUES).to_owned(),
        }
    }

    /// A key, now and then with a letter wrong.
    fn key(&mut self) -> String {
        let mut key: Vec<char> = self.setting().key.chars().collect();
        let at = self.rng.random_range(0..key.len());
        match self.rng.random_range(0..12) {
            0 => key[at] = self.pick(&['x', '-', '.', ' ', 'É', '=']),
            1 => drop(key.remove(at)),
            2 => {
                key = self
                    .pick(&["lr", "tau", "start_e", "track", "cuda", "exploration_fraction"])
                    .chars()
                    .collect()
            }
            _ => {}
        }
        key.into_iter().collect()
    }

    /// A line of a file, well formed or not.
    fn line(&mut self) -> String {
        let (key, value) = (self.key(), self.value());
        match self.rng.random_range(0..10) {
            0..=4 => format!("{key} = {value}"),
            5..=6 => format!("{key} = \"{value}\""),
            7 => format!("{key} = [\"{value}\"]"),
            8 => format!("[{key}]\nx = {value}"),
            _ => format!("{key} {value}"),
        }
    }
}

/// What was refused, or `None`; a panic fails the test with the input.
fn refusal(layers: &Layers, input: &str) -> Option<String> {
    let result = catch_unwind(AssertUnwindSafe(|| resolve(layers)));
    let result = result.unwrap_or_else(|_| panic!("seed {SEED:#x}: a panic with {input:?}"));
    let error = result.err()?;
    assert!([2, 6].contains(&error.exit_code()), "seed {SEED:#x}: {error} with {input:?}");
    Some(error.to_string())
}

fn names(text: &str, key: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    plain(text).contains(&plain(key))
}

#[test]
fn no_settings_panic_and_every_refusal_names_its_key_or_line() {
    println!("seed {SEED:#x}");
    let mut fuzzer = Fuzzer { rng: StdRng::seed_from_u64(SEED) };
    let (mut refused, mut taken) = (0, 0);
    let mut count = |refusal: &Option<String>| if refusal.is_some() { refused += 1 } else { taken += 1 };
    // Every value for every flag, so that nothing is left to chance, then flags in twos.
    for setting in SETTINGS {
        for value in VALUES {
            let layers = Layers { flags: vec![(setting, (*value).to_owned())], ..Layers::default() };
            let text = refusal(&layers, &format!("--{} {value}", setting.flag()));
            count(&text);
            if let Some(text) = text {
                // A path, an environment parameter or a swept key is named itself.
                let inner = value.split('=').next().unwrap_or_default();
                let known = names(&text, setting.key) || names(&text, setting.help()) || names(&text, inner);
                let kinds = ["environment", "algorithm"].iter().any(|kind| text.contains(kind));
                assert!(known || kinds, "{} {value}: {text}", setting.key);
            }
        }
    }
    for _ in 0..1_000 {
        let flags: Vec<_> = (0..2).map(|_| (fuzzer.setting(), fuzzer.value())).collect();
        let input = format!("{flags:?}");
        count(&refusal(&Layers { flags, ..Layers::default() }, &input));
        let entry = format!("{}={}", fuzzer.key(), fuzzer.value());
        count(&refusal(&Layers { set: vec![entry.clone()], ..Layers::default() }, &entry));
    }
    for _ in 0..2_000 {
        let lines: Vec<String> = (0..fuzzer.rng.random_range(1..5)).map(|_| fuzzer.line()).collect();
        let text = lines.join("\n");
        let file = SettingsFile { path: "fuzz.toml".into(), text: text.clone() };
        let refusal = refusal(&Layers { file: Some(file), ..Layers::default() }, &text);
        count(&refusal);
        if let Some(message) = refusal {
            // Names of other libraries are explained as they were given.
            let given = lines.iter().filter_map(|line| line.split(|c| " =]".contains(c)).next());
            let given = given.map(|key| key.trim_start_matches('[')).filter(|key| !key.is_empty());
            let key = SETTINGS.iter().map(|setting| setting.key).chain(given).any(|key| names(&message, key));
            assert!(key || message.contains("line "), "seed {SEED:#x}: {message}\nfor\n{text}");
        }
    }
    println!("{refused} refused, {taken} taken");
    assert!(refused > 2_000 && taken > 300, "{refused} refused, {taken} taken");
}
