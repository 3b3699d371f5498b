//! Rows as text: Markdown, comma-separated values, and the comparison with an earlier file.

use crate::bench::record::{Identity, Record};
use crate::bench::row::Row;
use crate::config::thousands;

/// The head of a Markdown table of rows.
pub fn markdown_head() -> String {
    let names = "| group | name | shape | median | low to high | unit | device us | GFLOP/s | GB/s | roofline | result | where |";
    format!("{names}\n|{}\n", "---|".repeat(names.matches('|').count() - 1))
}

/// A row as a line of Markdown.
pub fn markdown(row: &Row, identity: &Identity) -> String {
    let number = |value: Option<f64>| value.map_or(String::new(), significant);
    format!(
        "| {} | {} | {} | {} | {} to {} | {} | {} | {} | {} | {} | {} | {}, softq {} |\n",
        row.group.name(),
        cell(&row.name),
        cell(&row.shape),
        significant(row.value.median),
        significant(row.value.low),
        significant(row.value.high),
        row.unit.name(),
        number(row.device_us.map(|spread| spread.median)),
        number(row.gflops),
        number(row.gb_per_s),
        row.roofline.map_or(String::new(), |share| format!("{:.0}%", 100.0 * share)),
        if row.passed { "right".to_owned() } else { cell(&row.checked) },
        identity.device,
        identity.softq,
    )
}

/// What separates the columns of Markdown cannot stand inside one.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Columns of the comma-separated form.
const COLUMNS: [&str; 22] = [
    "group",
    "name",
    "shape",
    "median",
    "low",
    "high",
    "unit",
    "repeats",
    "device_us",
    "operations",
    "bytes",
    "gflops",
    "gb_per_s",
    "roofline",
    "passed",
    "checked",
    "device",
    "adapter",
    "backend",
    "driver",
    "softq",
    "build",
];

/// The head of the comma-separated form.
pub fn csv_head() -> String {
    COLUMNS.join(",") + "\n"
}

/// A row as comma-separated values (RFC 4180).
pub fn csv(row: &Row, identity: &Identity) -> String {
    let float = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let integer = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
    let fields: [String; COLUMNS.len()] = [
        row.group.name().into(),
        row.name.clone(),
        row.shape.clone(),
        row.value.median.to_string(),
        row.value.low.to_string(),
        row.value.high.to_string(),
        row.unit.name().into(),
        row.repeats.to_string(),
        float(row.device_us.map(|spread| spread.median)),
        integer(row.operations),
        integer(row.bytes),
        float(row.gflops),
        float(row.gb_per_s),
        float(row.roofline),
        row.passed.to_string(),
        row.checked.clone(),
        identity.device.clone(),
        identity.adapter.clone(),
        identity.backend.clone(),
        identity.driver.clone(),
        identity.softq.clone(),
        identity.build.clone(),
    ];
    fields.map(|field| quoted(&field)).join(",") + "\n"
}

fn quoted(field: &str) -> String {
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

/// Three significant digits, thousands separated.
pub fn significant(value: f64) -> String {
    match value.abs() {
        v if v >= 1e15 => format!("{value:.2e}"),
        v if v >= 100.0 => thousands(value.round() as u64),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        v if v > 0.0 => format!("{value:.3}"),
        _ => "0".into(),
    }
}

/// One row beside its earlier measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'a> {
    /// The row now.
    pub row: &'a Row,
    /// How many times as fast as then, by the medians.
    pub speed_up: f64,
    /// Whether no sample of one lies among those of the other, of more than one each.
    pub apart: bool,
    /// Whether one of them is a single sample.
    pub single: bool,
}

impl Change<'_> {
    /// Whether the row is less than `least` times as fast, and that not by chance: a loss counts where its samples lie apart from
    /// the earlier ones.
    pub fn is_slower(&self, least: f64) -> bool {
        self.speed_up < least && (self.apart || least > 1.0)
    }
}

/// The rows that both have, in the order of the new ones, and how many either has alone. What was wrong then is no measure.
pub fn compare<'a>(new: &'a [Row], old: &Record) -> (Vec<Change<'a>>, usize) {
    let changes: Vec<Change> = new
        .iter()
        .filter_map(|row| {
            let earlier = old.rows.iter().find(|earlier| earlier.passed && earlier.key() == row.key())?;
            let single = row.repeats.min(earlier.repeats) < 2;
            Some(Change {
                row,
                speed_up: row.speed_up(earlier),
                apart: !single && row.value.is_apart_from(&earlier.value),
                single,
            })
        })
        .collect();
    let alone = new.len() + old.rows.len() - 2 * changes.len();
    (changes, alone)
}

/// The comparison in lines: those that are slower than `fail_below` say so.
pub fn comparison(changes: &[Change], fail_below: f64) -> String {
    let mut text = String::from("| name | shape | unit | times as fast | |\n|---|---|---|---|---|\n");
    for change in changes {
        let Change { row, speed_up, .. } = change;
        let verdict = if change.is_slower(fail_below) { "SLOWER" } else { "" };
        text += &format!(
            "| {} | {} | {} | {speed_up:.2} | {verdict} |\n",
            cell(&row.name),
            cell(&row.shape),
            row.unit.name()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::row::{Group, Unit};

    #[test]
    fn rows_have_as_many_cells_as_the_head() {
        let row = Row::new(Group::Kernel, "a|b", "x, \"y\"", Unit::Micros, &[1234.5]);
        let identity = Identity { device: "cpu".into(), ..Identity::here() };
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let head = markdown_head();
        assert_eq!(cells(&markdown(&row, &identity)), cells(head.lines().next().unwrap_or_default()));
        let line = csv(&row, &identity);
        assert!(line.contains(",\"x, \"\"y\"\"\",1234.5,"), "{line}");
        assert_eq!(significant(1234.5), "1,235");
        assert_eq!((significant(12.34), significant(0.01234)), ("12.3".into(), "0.012".into()));
    }

    #[test]
    fn a_slower_row_is_named() {
        let row = |micros| Row::new(Group::Kernel, "adam", "count 1", Unit::Micros, &[micros, micros]);
        let old = Record {
            schema: crate::bench::SCHEMA.into(),
            date: String::new(),
            suite: String::new(),
            identity: Identity::default(),
            quiet: Default::default(),
            rows: vec![row(1.0)],
            left_out: Vec::new(),
            verify: None,
        };
        let new = [row(2.0), Row::new(Group::Kernel, "silu", "", Unit::Micros, &[1.0])];
        let (changes, alone) = compare(&new, &old);
        assert_eq!((changes.len(), changes[0].speed_up, alone), (1, 0.5, 1));
        assert!(comparison(&changes, 0.95).contains("| adam | count 1 | us | 0.50 | SLOWER |"));
        // A sample as fast as before leaves a loss to chance, and a gain that is asked for unshown.
        let new = [Row::new(Group::Kernel, "adam", "count 1", Unit::Micros, &[2.0, 2.0, 1.0])];
        let (changes, _) = compare(&new, &old);
        assert_eq!([0.95, 1.2].map(|least| changes[0].is_slower(least)), [false, true]);
        // One sample tells nothing.
        let new = [Row::new(Group::Kernel, "adam", "count 1", Unit::Micros, &[9.0])];
        let (changes, _) = compare(&new, &old);
        assert!(changes[0].single && !changes[0].is_slower(0.95));
        let mut wrong = old;
        wrong.rows[0].passed = false;
        assert_eq!(compare(&new, &wrong).0, []);
    }
}
