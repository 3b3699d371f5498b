//! Values with intervals as a picture: aggregate scores of several algorithms, one below the other.

use std::path::Path;

use super::chart::{Interval, render_intervals};
use super::curve::colour;
use super::picture::write_chart;
use crate::error::{Error, Result};

/// A value with its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is of.
    pub label: String,
    /// The value.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Writes groups of rows, each under its name, on one scale. Rows that are not finite are left out.
pub fn write_intervals(path: &Path, title: &str, groups: &[(String, Vec<Row>)]) -> Result<()> {
    let finite = |row: &&Row| [row.value, row.low, row.high].into_iter().all(f64::is_finite);
    let groups: Vec<(String, Vec<Interval>)> = groups
        .iter()
        .map(|(name, rows)| {
            let drawn = rows.iter().enumerate().filter(|(_, row)| finite(row)).map(|(index, row)| {
                let Row { label, value, low, high } = row.clone();
                Interval { label, value, low, high, colour: colour(index) }
            });
            (name.clone(), drawn.collect())
        })
        .collect();
    let svg = render_intervals(title, &groups).map_err(|error| Error::file("draw", path, error))?;
    write_chart(path, &svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_row_is_drawn_with_its_label() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("aggregate.svg");
        let row =
            |label: &str, value| Row { label: label.into(), value, low: value - 0.1, high: value + 0.1 };
        let groups = [
            ("IQM".to_owned(), vec![row("sqn", 0.5), row("dqn", 0.25)]),
            ("mean".to_owned(), vec![row("lost", f64::NAN)]),
        ];
        write_intervals(&path, "Scores <all>", &groups).expect("write");
        let svg = std::fs::read_to_string(&path).expect("read");
        for part in ["IQM", "mean", "sqn", "dqn", "Scores &lt;all&gt;"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(!svg.contains("lost") && !svg.contains("NaN"));
        assert_eq!(svg.matches("<circle").count(), 2);
    }
}
