//! `softq sanitize` over a table of small faulty compute shaders, each beside a neighbour that differs by as little as possible
//! and is correct: every fault is named with its line, and nothing is said of the neighbours. The shaders are in
//! tests/data/sanitizer; what their comments mean is in tests/data/README.md.

#[path = "common/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use softq::engine::variant;

/// Pairs that the table has at least, and of each kind.
const PAIRS: usize = 40;
const PAIRS_OF_A_KIND: usize = 5;

const KINDS: [&str; 7] =
    ["race", "out_of_bounds", "divergent_barrier", "loop_cap", "non_finite", "overflow", "uninitialized"];

/// One shader of the table.
struct Shader {
    name: String,
    path: PathBuf,
    text: String,
}

/// A line of `softq sanitize --json`.
#[derive(Debug, Deserialize)]
struct Finding {
    kind: String,
    level: String,
    line: usize,
    other_line: Option<usize>,
    variable: Option<String>,
    invocation: [u32; 3],
    message: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sanitizer")
}

/// Every shader of the table, by name.
fn table() -> BTreeMap<String, Shader> {
    let mut table = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).expect("the table") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "wgsl") {
            continue;
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("text");
        table.insert(name.clone(), Shader { name, path, text });
    }
    table
}

impl Shader {
    /// Values of the comment lines `// KEY: value`.
    fn header<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let comments = self.text.lines().filter_map(|line| line.strip_prefix("// "));
        comments.filter_map(move |line| line.strip_prefix(key)?.strip_prefix(": "))
    }

    /// The value of a comment line that there must be.
    fn one<'a>(&'a self, key: &'a str) -> &'a str {
        self.header(key).next().unwrap_or_else(|| panic!("{}: `// {key}: ...` is missing", self.name))
    }

    /// Kind and level of the fault; `None` of a neighbour.
    fn fault(&self) -> Option<(&str, &str)> {
        let finds = self.header("finds").next()?;
        Some(finds.split_once(' ').unwrap_or((finds, "error")))
    }

    /// Numbers of the lines that end in `// MARK`.
    fn lines(&self, mark: &str) -> Vec<usize> {
        let marked = |line: &str| line.ends_with(&format!("// {mark}"));
        (1..).zip(self.text.lines()).filter(|(_, line)| marked(line)).map(|(number, _)| number).collect()
    }

    fn command(&self) -> Vec<String> {
        let path = program::text(&self.path).to_owned();
        let mut command = ["sanitize", &path, "--json"].map(str::to_owned).to_vec();
        let mut option = |name: &str, value: String| command.extend([format!("--{name}"), value]);
        option("groups", self.one("groups").to_owned());
        option("fill", self.one("fill").to_owned());
        for buffer in self.header("buffer") {
            option("buffer", buffer.replace(" = ", "="));
        }
        for inputs in self.header("inputs") {
            option("inputs", program::text(&folder().join(inputs)).to_owned());
        }
        command
    }

    /// Exit status and findings.
    fn sanitize(&self) -> Result<(Option<i32>, Vec<Finding>), String> {
        let command = self.command();
        let output = program::softq(&command.iter().map(String::as_str).collect::<Vec<_>>());
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let findings = printed
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|error| format!("{error}: {line}")))
            .collect::<Result<Vec<_>, String>>()?;
        match output.status.code() {
            Some(0 | 1) => Ok((output.status.code(), findings)),
            code => Err(format!("status {code:?}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        }
    }

    /// What is wrong with what the program says about a faulty shader; empty if nothing is.
    fn judge_fault(&self, kind: &str, level: &str, code: Option<i32>, findings: &[Finding]) -> Vec<String> {
        let (here, other) = (self.lines("HERE"), self.lines("OTHER"));
        let named = |finding: &&Finding| {
            if (finding.kind.as_str(), finding.level.as_str()) != (kind, level) {
                return false;
            }
            if kind != "race" {
                return here.contains(&finding.line);
            }
            let (one, two) = (finding.line, finding.other_line.unwrap_or_default());
            let second = if other.is_empty() { &here } else { &other };
            here.contains(&one) && second.contains(&two) || second.contains(&one) && here.contains(&two)
        };
        let mut wrong = Vec::new();
        let status = if level == "error" { 1 } else { 0 };
        if code != Some(status) {
            wrong.push(format!("status {code:?} instead of {status}"));
        }
        if !findings.iter().any(|finding| named(&finding)) {
            wrong.push(format!("no {kind} at level {level} at line {here:?}, other {other:?}"));
        }
        let also: Vec<&str> = self.header("also").collect();
        let strange = |finding: &&Finding| {
            finding.level == "error" && finding.kind != kind && !also.contains(&finding.kind.as_str())
        };
        wrong.extend(findings.iter().filter(strange).map(|finding| format!("unexpected: {finding:?}")));
        if !wrong.is_empty() {
            wrong.extend(findings.iter().map(|finding| format!("found: {finding:?}")));
        }
        wrong
    }
}

/// What is wrong with what the program says about the neighbour of a shader with this fault.
fn judge_neighbour(kind: &str, code: Option<i32>, findings: &[Finding]) -> Vec<String> {
    let mut wrong = Vec::new();
    if code != Some(0) {
        wrong.push(format!("status {code:?} instead of 0"));
    }
    let strange = |finding: &&Finding| finding.level == "error" || finding.kind == kind;
    wrong.extend(findings.iter().filter(strange).map(|finding| format!("unexpected: {finding:?}")));
    wrong
}

/// Whether a finding says what the documentation promises.
fn judge_form(finding: &Finding) -> Option<String> {
    let known = KINDS.contains(&finding.kind.as_str()) && ["error", "note"].contains(&finding.level.as_str());
    let named = finding.variable.as_ref().is_none_or(|name| !name.is_empty());
    let placed = finding.line > 0 && finding.other_line.is_none_or(|line| line > 0);
    let whole = known && named && placed && !finding.message.is_empty() && finding.invocation[1] < 64;
    (!whole).then(|| format!("not a finding: {finding:?}"))
}

#[test]
fn the_table_is_complete_and_valid() {
    let table = table();
    let mut of_kind: BTreeMap<&str, usize> = BTreeMap::new();
    for shader in table.values() {
        let name = &shader.name;
        let (module, _) = variant::parse(&shader.text).unwrap_or_else(|error| panic!("{name}: {error}"));
        wgsl_parse::recognize_str(&shader.text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((8..=40).contains(&shader.text.lines().count()), "{name}: 8 to 40 lines");
        assert_eq!(module.entry_points.len(), 1, "{name}");
        shader.one("groups");
        shader.one("fill");
        for inputs in shader.header("inputs") {
            let text = std::fs::read_to_string(folder().join(inputs)).expect("the inputs");
            text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{inputs}: {error}"));
        }
        let Some((kind, level)) = shader.fault() else {
            let faulty = name.strip_suffix("_ok").unwrap_or_else(|| panic!("{name} has no `// finds:`"));
            assert!(table.contains_key(faulty), "{faulty}.wgsl is missing");
            assert!(shader.lines("HERE").is_empty() && shader.lines("OTHER").is_empty(), "{name}");
            continue;
        };
        assert!(KINDS.contains(&kind) && ["error", "note"].contains(&level), "{name}: {kind} {level}");
        assert!(shader.header("also").all(|kind| KINDS.contains(&kind)), "{name}");
        assert!(table.contains_key(&format!("{name}_ok")), "{name}_ok.wgsl is missing");
        assert!(!shader.lines("HERE").is_empty(), "{name}: no line is marked");
        *of_kind.entry(kind).or_default() += 1;
    }
    assert!(of_kind.values().sum::<usize>() >= PAIRS, "{of_kind:?}");
    for kind in KINDS {
        assert!(of_kind.get(kind).is_some_and(|pairs| *pairs >= PAIRS_OF_A_KIND), "{kind}: {of_kind:?}");
    }
}

#[test]
fn every_fault_is_named_and_no_neighbour() {
    let table = table();
    let mut failures = Vec::new();
    let (mut named, mut quiet, mut pairs) = (0, 0, 0);
    for shader in table.values() {
        let Some((kind, level)) = shader.fault() else { continue };
        pairs += 1;
        for (judged, faulty) in [(shader, true), (&table[&format!("{}_ok", shader.name)], false)] {
            let wrong = match judged.sanitize() {
                Err(message) => vec![message],
                Ok((code, findings)) => {
                    let mut wrong: Vec<String> = findings.iter().filter_map(judge_form).collect();
                    wrong.extend(match faulty {
                        true => judged.judge_fault(kind, level, code, &findings),
                        false => judge_neighbour(kind, code, &findings),
                    });
                    wrong
                }
            };
            match (wrong.is_empty(), faulty) {
                (true, true) => named += 1,
                (true, false) => quiet += 1,
                (false, _) => failures.push(format!("{}.wgsl\n    {}", judged.name, wrong.join("\n    "))),
            }
        }
    }
    let summary = format!("{named} of {pairs} faults named, {quiet} of {pairs} neighbours left alone");
    assert!(failures.is_empty(), "{summary}\n{}", failures.join("\n"));
}
