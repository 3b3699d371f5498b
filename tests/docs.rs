//! Numbers in the documents that follow from the code are those of the code.

use std::process::Command;

use softq::shared::agent::Agent;

fn page(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// `60000` as `60,000`.
fn thousands(digits: &str) -> String {
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[test]
fn every_check_has_its_row_of_measured_errors() {
    let page = page("docs/numerics.md");
    let names = softq::verify::names();
    // A kernel with target rules has a row for each.
    for name in names.iter().filter(|name| !names.iter().any(|other| other.starts_with(&format!("{name}+"))))
    {
        assert!(
            page.contains(&format!("\n| {name} |")),
            "docs/numerics.md: measure {name} (softq verify --json)"
        );
    }
}

#[test]
fn the_architecture_page_counts_as_the_plan_does() {
    let page = page("docs/architecture.md");
    let output = Command::new(env!("CARGO_BIN_EXE_softq"))
        .args(["train", "cartpole", "--device", "cpu", "--path", "layered", "--explain"])
        .output()
        .expect("softq");
    let plan = String::from_utf8(output.stdout).expect("text");
    let memory = plan.lines().find_map(|line| line.strip_prefix("memory: ")?.strip_suffix(" bytes"));
    let total = thousands(memory.unwrap_or_else(|| panic!("no memory in {plan}")));
    assert!(
        page.contains(&format!("; {total} in all.")),
        "docs/architecture.md: the plan takes {total} bytes"
    );
    let words = std::mem::size_of::<Agent>() / 4;
    assert!(page.contains(&format!("`Agent` record ({words} words)")), "docs/architecture.md: {words} words");
}

#[test]
fn the_book_has_every_page() {
    let summary = page("docs/SUMMARY.md");
    let mut pages: Vec<String> = std::fs::read_dir("docs")
        .expect("docs")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    pages.sort();
    let mut linked: Vec<&str> =
        summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    linked.sort();
    assert_eq!(linked, pages);
}

#[test]
fn every_room_of_the_library_begins_with_an_example() {
    let library = page("src/lib.rs");
    for line in library.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let module = line.trim_end_matches(';');
        let files = [format!("src/{module}/mod.rs"), format!("src/{module}.rs")];
        let file = files.iter().find(|file| std::path::Path::new(file).exists()).expect("its file");
        let text = page(file);
        let runnable = text.lines().take_while(|line| line.starts_with("//!")).any(|line| line == "//! ```");
        assert!(runnable, "{file}: its documentation begins with an example that `cargo test --doc` runs");
    }
}

/// The modules that the library shows, each with its text up to its tests.
fn shown(file: &str, found: &mut Vec<(String, String)>) {
    let text = page(file);
    let text = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
    let folder = match file.strip_suffix("/mod.rs").or(file.strip_suffix("/lib.rs")) {
        Some(folder) => folder.to_owned(),
        None => file.trim_end_matches(".rs").to_owned(),
    };
    let mut before = "";
    for line in text.lines() {
        if let Some(module) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';'))
            && before != "#[doc(hidden)]"
        {
            let files = [format!("{folder}/{module}.rs"), format!("{folder}/{module}/mod.rs")];
            shown(files.iter().find(|file| std::path::Path::new(file).exists()).expect("its file"), found);
        }
        before = line;
    }
    found.push((file.to_owned(), text));
}

#[test]
fn every_public_type_and_function_is_used_in_an_example_that_runs() {
    let mut modules = Vec::new();
    shown("src/lib.rs", &mut modules);
    assert!(modules.len() > 100, "{}", modules.len());
    // Code between fences without a language runs with `cargo test --doc`.
    let mut used = std::collections::BTreeSet::new();
    for (_, text) in &modules {
        let mut runs = None;
        for line in text.lines().map(str::trim_start) {
            let Some(line) = line.strip_prefix("//!").or(line.strip_prefix("///")) else { continue };
            match (line.trim_start().strip_prefix("```"), runs) {
                (Some(language), None) => runs = Some(language.is_empty()),
                (Some(_), Some(_)) => runs = None,
                (None, Some(true)) => {
                    used.extend(line.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned));
                }
                (None, _) => {}
            }
        }
    }
    let mut unused = Vec::new();
    for (file, text) in &modules {
        let mut before = "";
        for line in text.lines() {
            let words: Vec<&str> = line.split([' ', '<', '(', '{', ';', ':']).collect();
            let name = match words.as_slice() {
                ["pub", "const" | "async", "fn", name, ..] => name,
                ["pub", "fn" | "struct" | "enum" | "trait" | "type", name, ..] => name,
                _ => {
                    before = line;
                    continue;
                }
            };
            if before != "#[doc(hidden)]" && !used.contains(*name) {
                unused.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(unused.is_empty(), "without an example that runs, or `#[doc(hidden)]`: {unused:#?}");
}
