//! The table of settings in `docs/algorithms.md` is the one in `src/config/table.rs`.

use softq::config::{Config, Kind, SETTINGS, Setting, find, plain};
use std::path::Path;

const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/algorithms.md");
const BEGIN: &str = "<!-- settings: written by SOFTQ_UPDATE_DOCS=1 cargo test --test settings -->\n";
const END: &str = "<!-- end of settings -->\n";

fn row(setting: &Setting) -> String {
    let default = plain(&setting.value(&Config::default()));
    let range = match setting.kind {
        Kind::Word(words) => words.joined(),
        Kind::Bool => "`true`, `false`".into(),
        _ => setting.range(),
    };
    let users = match setting.algorithms {
        [] => String::new(),
        some => some.joined(),
    };
    let differs = if setting.is_sweepable() { "yes" } else { "" };
    let cell = |text: &str| text.replace('|', "\\|");
    let default = if default.is_empty() { String::new() } else { format!("`{}`", cell(&default)) };
    format!(
        "| `{}` | {default} | {} | {users} | {differs} | {} |\n",
        setting.key,
        cell(&range),
        cell(setting.help())
    )
}

/// Words in code style, with commas between them.
trait Words {
    fn joined(&self) -> String;
}

impl Words for [&'static str] {
    fn joined(&self) -> String {
        self.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    }
}

#[test]
fn the_documented_table_is_the_one_in_the_code() {
    let text = std::fs::read_to_string(DOC).expect("docs/algorithms.md");
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where it ends");
    let head = "| key | default | range | algorithms | sweep | what it is |\n|---|---|---|---|---|---|\n";
    let table: String = SETTINGS.iter().map(row).collect();
    let wanted = format!("{before}{BEGIN}{head}{table}{END}{after}");
    if std::env::var_os("SOFTQ_UPDATE_DOCS").is_some() {
        std::fs::write(Path::new(DOC), wanted).expect("write");
    } else {
        assert!(text == wanted, "run SOFTQ_UPDATE_DOCS=1 cargo test --test settings");
    }
}

#[test]
fn algorithms_that_rows_name_exist() {
    for setting in SETTINGS {
        for name in setting.algorithms {
            softq::agents::find(name).expect(setting.key);
        }
    }
    find("learning_rate").expect("a setting");
}
