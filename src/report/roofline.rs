//! The roofline of a device (S. Williams, A. Waterman, D. Patterson, CACM 52(4), 2009): operations per second over operations
//! per byte, both logarithmic, below the bandwidths and the arithmetic peak that were measured.

use std::error::Error as StdError;
use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

use super::curve::colour;
use super::picture::write_chart;
use crate::error::{Error, Result};

/// One dispatch of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Name of the kernel; points of one name have one colour.
    pub label: String,
    /// Operations per byte of memory.
    pub per_byte: f64,
    /// 10^9 operations per second.
    pub gflops: f64,
}

const SIZE: (u32, u32) = (960, 600);
const ROOF: RGBColor = RGBColor(90, 90, 98);

/// Writes the picture: `peak` in GFLOP/s, `bandwidths` in GB/s. Points without operations have no place in it.
pub fn write_roofline(
    path: &Path,
    title: &str,
    peak: f64,
    bandwidths: &[f64],
    points: &[Point],
) -> Result<()> {
    let mut svg = String::new();
    let points: Vec<&Point> =
        points.iter().filter(|point| point.per_byte > 0.0 && point.gflops > 0.0).collect();
    draw(&mut svg, title, peak, bandwidths, &points).map_err(|error| Error::file("draw", path, error))?;
    write_chart(path, &svg)
}

/// A range of whole powers of ten around the values.
fn decades(values: impl Iterator<Item = f64>) -> Range<f64> {
    let positive = values.filter(|value| *value > 0.0 && value.is_finite());
    let (low, high) =
        positive.fold((f64::INFINITY, 0.0), |(low, high), v| (f64::min(low, v), f64::max(high, v)));
    match low <= high {
        true => 10f64.powf(low.log10().floor())..10f64.powf((high * 1.001).log10().ceil()),
        false => 0.1..10.0,
    }
}

fn draw(
    svg: &mut String,
    title: &str,
    peak: f64,
    bandwidths: &[f64],
    points: &[&Point],
) -> std::result::Result<(), Box<dyn StdError>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let ridges = bandwidths.iter().map(|bandwidth| peak / bandwidth);
    let across = decades(points.iter().map(|point| point.per_byte).chain(ridges));
    let up = decades(points.iter().map(|point| point.gflops).chain([peak]));
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 15))
        .margin(14)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(across.clone().log_scale(), up.clone().log_scale())?;
    chart
        .configure_mesh()
        .x_desc("operations per byte")
        .y_desc("GFLOP/s")
        .light_line_style(RGBColor(244, 244, 246))
        .bold_line_style(RGBColor(228, 228, 232))
        .draw()?;
    for bandwidth in bandwidths {
        let ridge = peak / bandwidth;
        // Up the slope as far as the plot goes, then along the peak.
        let foot = across.start.max(up.start / bandwidth);
        let line = [(foot, foot * bandwidth), (ridge.max(foot), peak), (across.end, peak)];
        chart.draw_series([PathElement::new(line.to_vec(), ROOF.stroke_width(1))])?;
    }
    let mut names: Vec<&str> = points.iter().map(|point| point.label.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for (index, name) in names.iter().enumerate() {
        let own = points.iter().filter(|point| point.label == *name);
        let dots = own.map(|point| Circle::new((point.per_byte, point.gflops), 4, colour(index).filled()));
        chart.draw_series(dots)?.label(*name).legend(move |at| Circle::new(at, 4, colour(index).filled()));
    }
    if !names.is_empty() {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 11))
            .draw()?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_has_a_dot_and_a_name() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("roofline.svg");
        let point = |label: &str, per_byte, gflops| Point { label: label.into(), per_byte, gflops };
        let points = [point("adam", 0.2, 3.0), point("dense_forward", 20.0, 50.0), point("copy", 0.0, 0.0)];
        write_roofline(&path, "a <device>", 100.0, &[10.0, 40.0], &points).expect("writes");
        let svg = std::fs::read_to_string(&path).expect("reads");
        for part in ["a &lt;device&gt;", "adam", "dense_forward", "operations per byte"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(!svg.contains("copy") && !svg.contains("NaN"));
        // A dot and its place in the legend each.
        assert_eq!(svg.matches("<circle").count(), 4);
    }

    #[test]
    fn nothing_to_draw_is_no_error() {
        let dir = tempfile::tempdir().expect("temporary directory");
        write_roofline(&dir.path().join("empty.svg"), "", 0.0, &[], &[]).expect("writes");
    }
}
