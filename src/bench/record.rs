//! The file of a run: what was timed where, with a versioned schema that is checked when a file is read.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::bench::row::Row;
use crate::error::{Error, Result};
use crate::files;
use crate::verify;

/// Version of the schema. A file of another one is refused by name.
pub const SCHEMA: &str = "softq-bench-1";

/// Where a row was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Version of softq.
    pub softq: String,
    /// `release` or `debug`: with or without debug assertions.
    pub build: String,
    /// Device address.
    pub device: String,
    /// Adapter name.
    pub adapter: String,
    /// `vulkan`, `metal`, `dx12`, `gl`, or `cpu` for the CPU executor.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Operating system and architecture.
    pub system: String,
    /// Threads that the host offers.
    pub threads: usize,
    /// Model of the host's processor, where the system says it.
    #[serde(default)]
    pub processor: String,
}

impl Identity {
    /// This program on this host, with the device still to be said.
    pub fn here() -> Identity {
        Identity {
            softq: env!("CARGO_PKG_VERSION").into(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" }.into(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            processor: processor(),
            ..Identity::default()
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let parts = [self.adapter.as_str(), self.backend.as_str(), self.driver.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}; softq {} ({})", parts.join(", "), self.softq, self.build)
    }

    /// What this place and another differ in, in words; files of before may not know their processor.
    pub fn differs_from(&self, other: &Identity) -> Vec<&'static str> {
        let unknown = self.processor.is_empty() || other.processor.is_empty();
        [
            ("device", self.adapter != other.adapter || self.backend != other.backend),
            ("driver", self.driver != other.driver),
            ("version", self.softq != other.softq),
            ("build", self.build != other.build),
            ("system", self.system != other.system),
            ("number of threads", self.threads != other.threads),
            ("processor", self.processor != other.processor && !unknown),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

/// How busy the machine was before the first row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// Mean number of runnable threads over the last minute; 0 where the system does not say.
    pub load: f64,
}

/// Load above which figures are not to be trusted.
const BUSY: f64 = 0.3;

/// Spread of a row above which it is not to be trusted, as a share of its median.
const WIDE: f64 = 0.1;

impl Quiet {
    /// Now.
    pub fn now() -> Quiet {
        Quiet { load: load() }
    }

    /// What there is to say about the trust that rows deserve; nothing on a quiet machine.
    pub fn note(&self, rows: &[Row]) -> Option<String> {
        let wide = rows.iter().filter(|row| row.value.relative() > WIDE).count();
        let busy = self.load > BUSY;
        let mut parts = Vec::new();
        if busy {
            parts.push(format!("the load was {:.2} before the first row", self.load));
        }
        if 4 * wide > rows.len() {
            parts.push(format!(
                "{wide} of {} rows spread over more than {:.0}% of their median",
                rows.len(),
                100.0 * WIDE
            ));
        }
        (!parts.is_empty()).then(|| format!("The machine was not quiet: {}.", parts.join("; ")))
    }
}

#[cfg(feature = "memory")]
fn load() -> f64 {
    sysinfo::System::load_average().one
}

#[cfg(not(feature = "memory"))]
fn load() -> f64 {
    0.0
}

#[cfg(feature = "memory")]
fn processor() -> String {
    use sysinfo::{CpuRefreshKind, RefreshKind, System};
    let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()));
    system.cpus().first().map_or(String::new(), |cpu| cpu.brand().trim().to_owned())
}

#[cfg(not(feature = "memory"))]
fn processor() -> String {
    String::new()
}

/// Verification's result on the same device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Checks that passed.
    pub passed: usize,
    /// Checks that failed.
    pub failed: usize,
    /// The worst errors of each check.
    pub checks: Vec<Errors>,
}

/// The worst errors of one check. A number that is not finite is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// Kernel or check.
    pub name: String,
    /// Whether all was within its bound.
    pub passed: bool,
    /// Largest distance from the CPU twin in units in the last place.
    #[serde(default)]
    pub ulp: Option<u64>,
    /// Largest relative error against the f64 reference.
    #[serde(default)]
    pub relative: Option<f64>,
    /// Largest error as a share of what is allowed.
    #[serde(default)]
    pub share: Option<f64>,
}

impl Verdict {
    /// From verification's rows.
    pub fn of(rows: &[verify::Row]) -> Verdict {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        let passed = rows.iter().filter(|row| row.passed).count();
        let checks = rows.iter().map(|row| Errors {
            name: row.name.clone(),
            passed: row.passed,
            ulp: row.twin.map(|errors| errors.ulp),
            relative: row.oracle.and_then(|errors| finite(errors.rel)),
            share: row.oracle.or(row.twin).and_then(|errors| finite(errors.share)),
        });
        Verdict { passed, failed: rows.len() - passed, checks: checks.collect() }
    }
}

/// A run of the benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: String,
    /// Day of the run in UTC, `YYYY-MM-DD`.
    pub date: String,
    /// Suite.
    pub suite: String,
    /// Where every row was measured.
    pub identity: Identity,
    /// How busy the machine was.
    pub quiet: Quiet,
    /// The rows.
    pub rows: Vec<Row>,
    /// Rows that there was no room for, and why.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// Verification, in the suite of a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verdict>,
}

/// Longest file that is read, in bytes.
const LONGEST: u64 = 16 << 20;

impl Record {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Record> {
        let bytes = files::read(path, LONGEST).map_err(|error| Error::file("read", path, error))?;
        Record::parse(&bytes).map_err(|message| Error::file("read the benchmark", path, message))
    }

    /// A file's contents, checked: its schema, finite and ordered values, no row twice, the verdict's counts.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Record, String> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let head: Head =
            serde_json::from_slice(bytes).map_err(|e| format!("it is no benchmark of softq: {e}"))?;
        if head.schema != SCHEMA {
            return Err(format!(
                "its schema is '{}', this version reads '{SCHEMA}'; run `softq bench` again",
                head.schema.escape_debug()
            ));
        }
        let record: Record = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let mut keys = std::collections::BTreeSet::new();
        for row in &record.rows {
            let value = row.value;
            if !value.is_ordered() || value.low == 0.0 {
                return Err(format!(
                    "row '{} {}' has no positive, ordered values: {value:?}",
                    row.name, row.shape
                ));
            }
            if let Some(times) = row.device_us.filter(|times| !times.is_ordered()) {
                return Err(format!("row '{} {}' has no ordered device_us: {times:?}", row.name, row.shape));
            }
            for (name, rate) in
                [("gflops", row.gflops), ("gb_per_s", row.gb_per_s), ("roofline", row.roofline)]
            {
                if let Some(rate) = rate.filter(|rate| !(*rate >= 0.0 && rate.is_finite())) {
                    return Err(format!("row '{} {}': {name} is {rate}", row.name, row.shape));
                }
            }
            if row.repeats == 0 {
                return Err(format!("row '{} {}' has no repeats", row.name, row.shape));
            }
            if !keys.insert(row.key()) {
                return Err(format!("row '{} {}' is there twice", row.name, row.shape));
            }
        }
        if let Some(verdict) = &record.verify
            && (verdict.checks.len() != verdict.passed + verdict.failed
                || verdict.checks.iter().filter(|check| check.passed).count() != verdict.passed)
        {
            return Err("verify: the counts are not those of its checks".into());
        }
        Ok(record)
    }

    /// Rows whose result was wrong.
    pub fn failed(&self) -> usize {
        self.rows.iter().filter(|row| !row.passed).count()
    }
}

/// Today in UTC, `YYYY-MM-DD`.
pub fn today() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    date_of(now.map_or(0, |since| since.as_secs()) / 86_400)
}

/// The date of a day since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn date_of(day: u64) -> String {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + 400 * era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::row::{Group, Unit};

    fn record() -> Record {
        Record {
            schema: SCHEMA.into(),
            date: today(),
            suite: "quick".into(),
            identity: Identity::here(),
            quiet: Quiet::default(),
            rows: vec![Row::new(Group::Kernel, "adam", "count 10", Unit::Micros, &[2.0, 1.0])],
            left_out: Vec::new(),
            verify: None,
        }
    }

    #[test]
    fn files_come_back_and_what_breaks_the_schema_is_refused_by_name() {
        let right = record();
        let text = |record: &Record| serde_json::to_vec(record).expect("JSON");
        assert_eq!(Record::parse(&text(&right)).as_ref(), Ok(&right));
        let refused = |record: Record, part: &str| {
            let error = Record::parse(&text(&record)).expect_err(part);
            assert!(error.contains(part), "{error}");
        };
        refused(Record { schema: "softq-bench-0".into(), ..record() }, "'softq-bench-0'");
        refused(Record { rows: [right.rows.clone(), right.rows.clone()].concat(), ..record() }, "twice");
        let mut wrong = record();
        wrong.rows[0].value.low = 3.0;
        refused(wrong, "ordered");
        let mut wrong = record();
        wrong.rows[0].device_us = Some(crate::bench::row::Spread { median: -1.0, low: 3.0, high: 2.0 });
        refused(wrong, "device_us");
        let mut wrong = record();
        wrong.rows[0].gflops = Some(-5.0);
        refused(wrong, "gflops");
        let verdict = Verdict { passed: 1, failed: 0, checks: Vec::new() };
        refused(Record { verify: Some(verdict), ..record() }, "counts");
        assert!(Record::parse(b"{}").is_err() && Record::parse(b"[").is_err());
    }

    #[test]
    fn dates() {
        assert_eq!(date_of(0), "1970-01-01");
        assert_eq!(date_of(11_016), "2000-02-29");
        assert_eq!(date_of(20_453), "2025-12-31");
    }

    #[test]
    fn a_busy_machine_is_said() {
        let rows = record().rows;
        assert!(Quiet { load: 1.5 }.note(&[]).is_some_and(|note| note.contains("1.50")));
        assert!(Quiet { load: 0.0 }.note(&rows).is_some_and(|note| note.contains("1 of 1 rows")));
        assert_eq!(Quiet { load: 0.0 }.note(&[]), None);
    }
}
