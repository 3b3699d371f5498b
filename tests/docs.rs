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
