//! The table of docs/bench: one line per device that somebody measured with `softq bench --suite device`.

use crate::bench::output::significant;
use crate::bench::record::Record;
use crate::bench::row::{Group, Row, Unit};

/// A column of the table.
struct Column {
    title: &'static str,
    group: Group,
    name: &'static str,
    /// Part of the shape.
    shape: &'static str,
    value: fn(&Row) -> Option<f64>,
}

fn measured(row: &Row) -> Option<f64> {
    Some(row.value.median)
}

const COLUMNS: [Column; 10] = [
    Column { title: "copy, GB/s", group: Group::Roofline, name: "copy", shape: "128 MiB", value: measured },
    Column {
        title: "multiply-add, GFLOP/s",
        group: Group::Roofline,
        name: "multiply-add, float",
        shape: "",
        value: measured,
    },
    Column { title: "dispatch, us", group: Group::Roofline, name: "dispatch", shape: "", value: measured },
    Column { title: "readback, us", group: Group::Roofline, name: "readback", shape: "", value: measured },
    Column {
        title: "dense forward 120-84, GFLOP/s",
        group: Group::Kernel,
        name: "dense_forward_tiled",
        shape: "batch 128, in 120, out 84, slots 4, agents 32",
        value: |row| row.gflops,
    },
    Column {
        title: "Adam, GB/s",
        group: Group::Kernel,
        name: "adam",
        shape: "agents 32",
        value: |row| row.gb_per_s,
    },
    Column {
        title: "CartPole, 65,536 lanes, steps/s",
        group: Group::Environment,
        name: "CartPole-v1",
        shape: "65536 environments",
        value: measured,
    },
    Column {
        title: "SQN 120-84, 1 agent, updates/s",
        group: Group::Training,
        name: "CartPole-v1 sqn",
        shape: "120-84, batch 128, 10 environments, 1 agents",
        value: measured,
    },
    Column {
        title: "32 agents",
        group: Group::Training,
        name: "CartPole-v1 sqn",
        shape: "120-84, batch 128, 10 environments, 32 agents",
        value: measured,
    },
    Column {
        title: "1,024 agents",
        group: Group::Training,
        name: "CartPole-v1 sqn",
        shape: "120-84, batch 128, 10 environments, 1024 agents",
        value: measured,
    },
];

/// The table of files by name, with their worst errors and the load before each.
pub fn table(records: &[(String, Record)]) -> String {
    let titles: Vec<&str> = COLUMNS.iter().map(|column| column.title).collect();
    let head = format!(
        "| file | device | driver | softq, date | {} | `softq verify` | wrong rows | load |\n",
        titles.join(" | ")
    );
    let mut text = format!("{head}|{}\n", "---|".repeat(head.matches('|').count() - 1));
    for (name, record) in records {
        let cells: Vec<String> = COLUMNS.iter().map(|column| cell(column, &record.rows)).collect();
        let verdict = match &record.verify {
            None => "not run".into(),
            Some(verdict) => {
                let share = verdict.checks.iter().filter_map(|check| check.share).fold(0.0, f64::max);
                let ulp = verdict.checks.iter().filter_map(|check| check.ulp).max();
                let ulp = ulp.map_or(String::new(), |ulp| format!(", worst {ulp} ULP from the twins"));
                let all = verdict.passed + verdict.failed;
                format!("{} of {all} passed, worst {share:.2} of a bound{ulp}", verdict.passed)
            }
        };
        let identity = &record.identity;
        text += &format!(
            "| [{name}]({name}) | {} ({}) | {} | {} {}, {} | {} | {verdict} | {} of {} | {:.2} |\n",
            identity.adapter,
            identity.backend,
            identity.driver,
            identity.softq,
            identity.build,
            record.date,
            cells.join(" | "),
            record.failed(),
            record.rows.len(),
            record.quiet.load,
        );
    }
    text.replace("|  |", "| - |")
}

fn cell(column: &Column, rows: &[Row]) -> String {
    let here = |row: &&Row| {
        let steps = column.group == Group::Training && row.unit == Unit::Steps;
        row.group == column.group && row.name == column.name && !steps
    };
    let whole = |row: &&Row| row.shape == column.shape;
    let row = rows.iter().filter(here).find(whole).or_else(|| {
        let part = |row: &&Row| column.group != Group::Training && row.shape.contains(column.shape);
        rows.iter().filter(here).find(part)
    });
    row.and_then(|row| (column.value)(row)).map_or("-".into(), significant)
}
