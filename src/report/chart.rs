//! The drawing behind the curves: series with a line, optional dots and an optional shaded band, over a light
//! grid, under a title and a legend row.
//!
//! The legend has rows of its own above the plot, since inside it would sooner or later cover a curve. `plotters`
//! rounds coordinates to whole pixels, which shows as steps in flat curves; the picture is therefore drawn [`SCALE`]
//! times too large and the `viewBox` brings it back to [`WIDTH`] by [`HEIGHT`].

use std::error::Error as StdError;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::curve::Measure;

const WIDTH: i32 = 800;
const HEIGHT: i32 = 480;
const SCALE: i32 = 4;
/// Distance from the left edge to the plot; title and legend start there too.
const LEFT: i32 = 76;
const RIGHT: i32 = 26;
const LEGEND_TOP: i32 = 54;
const LEGEND_ROW: i32 = 20;
const LEGEND_SIZE: f64 = 12.5;
const FONT: &str = "Helvetica, Arial, sans-serif";

const TEXT: RGBColor = RGBColor(45, 45, 52);
const AXIS: RGBColor = RGBColor(120, 120, 128);
const GRID: RGBColor = RGBColor(231, 231, 235);
const THRESHOLD: RGBColor = RGBColor(90, 90, 98);

/// One labelled curve, in data coordinates.
pub(super) struct Series {
    pub(super) label: String,
    pub(super) colour: RGBColor,
    pub(super) line: Vec<(f64, f64)>,
    /// Width of the line in pixels.
    pub(super) stroke: f64,
    /// Mark every point of the line.
    pub(super) dots: bool,
    /// `(x, low, high)`, shaded under the line.
    pub(super) band: Vec<(f64, f64, f64)>,
}

/// What the axes of a plot are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axes {
    /// A measure over environment steps.
    Steps(Measure),
    /// The share of runs above a score, both from 0 to 1.
    Share,
}

/// One plot of a picture.
pub(super) struct Plot {
    pub(super) title: String,
    pub(super) series: Vec<Series>,
    pub(super) threshold: Option<f64>,
    pub(super) axes: Axes,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = std::result::Result<(), Box<dyn StdError>>;

/// The SVG text of plots side by side, at most `most` in a row.
pub(super) fn render(plots: &[Plot], most: usize) -> std::result::Result<String, Box<dyn StdError>> {
    let columns = plots.len().clamp(1, most.max(1));
    let rows = plots.len().div_ceil(columns).max(1);
    let (width, height) = (WIDTH * columns as i32, HEIGHT * rows as i32);
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, ((width * SCALE) as u32, (height * SCALE) as u32))
        .into_drawing_area();
    area.fill(&WHITE)?;
    for (area, plot) in area.split_evenly((rows, columns)).iter().zip(plots) {
        draw_title(area, &plot.title)?;
        let bottom = draw_legend(area, &plot.series, plot.threshold)?;
        draw_plot(area, bottom + 12, plot)?;
    }
    area.present()?;
    drop(area);
    Ok(scaled_down(&svg, width, height))
}

/// The picture at the size that it is meant to be shown at.
fn scaled_down(svg: &str, width: i32, height: i32) -> String {
    let drawn = format!("width=\"{}\" height=\"{}\"", width * SCALE, height * SCALE);
    // Noisy curves turn sharply, and the default mitred joins would draw spikes the data does not have.
    let shown =
        format!("width=\"{width}\" height=\"{height}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"");
    svg.replacen(&drawn, &shown, 1)
}

/// The SVG text of values with intervals, group by group, each value a row with its label at the left.
pub(super) fn render_intervals(
    title: &str,
    groups: &[(String, Vec<Interval>)],
) -> std::result::Result<String, Box<dyn StdError>> {
    const ROW: i32 = 26;
    const LABELS: i32 = 250;
    let rows: usize = groups.iter().map(|(_, rows)| rows.len() + 1).sum();
    let height = 70 + ROW * (rows as i32 + 1) + 30;
    let values = groups.iter().flat_map(|(_, rows)| rows.iter().flat_map(|row| [row.low, row.high]));
    let axis = Axis::padded(values, 6);
    let place =
        |value: f64| LABELS + (axis.fraction(value) * f64::from(WIDTH - LABELS - RIGHT)).round() as i32;

    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, ((WIDTH * SCALE) as u32, (height * SCALE) as u32))
        .into_drawing_area();
    area.fill(&WHITE)?;
    draw_title(&area, title)?;
    let bottom = 60 + ROW * rows as i32;
    let ticks = text(12.0, TEXT, HPos::Center, VPos::Top);
    for tick in axis.ticks() {
        let line = [at(place(tick), 52), at(place(tick), bottom)];
        area.draw(&PathElement::new(line, stroke(GRID, 1.0)))?;
        area.draw_text(&axis.label(tick), &ticks, at(place(tick), bottom + 8))?;
    }
    let mut y = 52;
    for (name, rows) in groups {
        let heading = text(13.0, TEXT, HPos::Left, VPos::Center);
        area.draw_text(&printable(name), &heading, at(24, y + ROW / 2))?;
        y += ROW;
        for row in rows {
            let (middle, colour) = (y + ROW / 2, row.colour);
            let label = text(LEGEND_SIZE, TEXT, HPos::Right, VPos::Center);
            area.draw_text(&printable(&row.label), &label, at(LABELS - 14, middle))?;
            let bar = [at(place(row.low), middle), at(place(row.high), middle)];
            area.draw(&PathElement::new(bar, ShapeStyle { color: colour.mix(0.45), ..stroke(colour, 9.0) }))?;
            area.draw(&dot(at(place(row.value), middle), colour))?;
            y += ROW;
        }
    }
    area.present()?;
    drop(area);
    Ok(scaled_down(&svg, WIDTH, height))
}

/// A value with its interval.
pub(super) struct Interval {
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) colour: RGBColor,
}

fn draw_title(area: &Area, title: &str) -> Drawn {
    let title = printable(title);
    // A long title shrinks instead of running out of the picture.
    let fits = f64::from(WIDTH - LEFT - RIGHT) / text_width(&title).max(1.0);
    let style = text(fits.clamp(8.0, 18.0), TEXT, HPos::Left, VPos::Center);
    Ok(area.draw_text(&title, &style, at(LEFT, 28))?)
}

/// Draws the legend, in as many rows as it needs, and returns where it ends.
fn draw_legend(
    area: &Area,
    series: &[Series],
    threshold: Option<f64>,
) -> std::result::Result<i32, Box<dyn StdError>> {
    let style = text(LEGEND_SIZE, TEXT, HPos::Left, VPos::Center);
    let threshold_label = threshold.map(|value| format!("threshold {value}"));
    let labels = series.iter().map(|s| (s.label.as_str(), Some(s)));
    let labels = labels.chain(threshold_label.as_deref().map(|label| (label, None)));

    let (mut x, mut y) = (LEFT, LEGEND_TOP);
    for (label, series) in labels {
        let label = printable(label);
        let width = 32 + (LEGEND_SIZE * text_width(&label)) as i32 + 18;
        if x > LEFT && x + width > WIDTH - RIGHT {
            (x, y) = (LEFT, y + LEGEND_ROW);
        }
        let key = [at(x, y), at(x + 24, y)];
        match series {
            Some(series) => {
                if !series.band.is_empty() {
                    let corners = [at(x, y - 5), at(x + 24, y + 5)];
                    area.draw(&Rectangle::new(corners, shade(series.colour)))?;
                }
                area.draw(&PathElement::new(key, stroke(series.colour, series.stroke)))?;
                if series.dots {
                    area.draw(&dot(at(x + 12, y), series.colour))?;
                }
            }
            None => {
                for dash in [0, 9, 18] {
                    let dash = [at(x + dash, y), at(x + dash + 6, y)];
                    area.draw(&PathElement::new(dash, stroke(THRESHOLD, 1.5)))?;
                }
            }
        }
        area.draw_text(&label, &style, at(x + 32, y))?;
        x += width;
    }
    Ok(y + LEGEND_ROW / 2)
}

fn draw_plot(area: &Area, top: i32, plot: &Plot) -> Drawn {
    let Plot { series, threshold, axes, .. } = plot;
    let xs = series.iter().flat_map(|s| s.line.iter().map(|p| p.0));
    let ys =
        series.iter().flat_map(|s| s.line.iter().map(|p| p.1).chain(s.band.iter().flat_map(|b| [b.1, b.2])));
    let empty = series.iter().all(|s| s.line.is_empty());
    let (x_axis, y_axis) = match axes {
        Axes::Steps(_) => (Axis::steps(xs, 6), Axis::padded(ys.chain(*threshold), 6)),
        Axes::Share => (Axis::padded([0.0, 1.0], 5), Axis::padded([0.0, 1.0], 5)),
    };
    let (x_name, y_name) = match axes {
        Axes::Steps(measure) => ("environment steps", measure.name()),
        Axes::Share => ("score", "share of runs above it"),
    };

    let mut chart = ChartBuilder::on(area)
        .margin_top(top * SCALE)
        .margin_right(RIGHT * SCALE)
        .margin_bottom(8 * SCALE)
        .margin_left(14 * SCALE)
        .x_label_area_size(52 * SCALE)
        .y_label_area_size((LEFT - 14) * SCALE)
        .build_cartesian_2d(x_axis, y_axis)?;
    chart
        .configure_mesh()
        .x_desc(x_name)
        .y_desc(y_name)
        .bold_line_style(stroke(GRID, 1.0))
        .light_line_style(TRANSPARENT)
        .axis_style(stroke(AXIS, 1.0))
        .set_all_tick_mark_size(5 * SCALE)
        .label_style(text(12.0, TEXT, HPos::Left, VPos::Top))
        .axis_desc_style(text(13.0, TEXT, HPos::Left, VPos::Top))
        .draw()?;

    // Bands first, so that no band dims the line of another series.
    for series in series.iter().filter(|s| s.band.len() > 1) {
        let outline =
            series.band.iter().map(|b| (b.0, b.2)).chain(series.band.iter().rev().map(|b| (b.0, b.1)));
        chart.draw_series([Polygon::new(outline.collect::<Vec<_>>(), shade(series.colour))])?;
    }
    if let Some(value) = *threshold {
        let ends = [(x_axis.low, value), (x_axis.high, value)];
        chart.draw_series(DashedLineSeries::new(ends, 6 * SCALE, 5 * SCALE, stroke(THRESHOLD, 1.5)))?;
    }
    for series in series {
        // A lone evaluation has no area to shade; its interval is drawn as an error bar.
        if let [(x, low, high)] = series.band[..] {
            chart.draw_series([PathElement::new([(x, low), (x, high)], stroke(series.colour, 1.5))])?;
        }
        if series.line.len() > 1 {
            chart
                .draw_series([PathElement::new(series.line.clone(), stroke(series.colour, series.stroke))])?;
        }
        if series.dots || series.line.len() == 1 {
            chart.draw_series(series.line.iter().map(|point| dot(*point, series.colour)))?;
        }
    }
    if empty {
        let (width, height) = chart.plotting_area().dim_in_pixel();
        let style = text(14.0, AXIS, HPos::Center, VPos::Center);
        let centre = (width as i32 / 2, height as i32 / 2);
        let why = if *axes == Axes::Steps(Measure::Return) { "no episodes yet" } else { "nothing measured" };
        chart.plotting_area().strip_coord_spec().draw_text(why, &style, centre)?;
    }
    Ok(())
}

/// Lets `plotters` place, tick and label by our own axis.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (self.fraction(*value) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // A hint that allows light points asks for the grid between the ticks, which the picture does not have.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

fn at(x: i32, y: i32) -> (i32, i32) {
    (x * SCALE, y * SCALE)
}

fn stroke(colour: RGBColor, width: f64) -> ShapeStyle {
    colour.stroke_width((width * f64::from(SCALE)).round() as u32)
}

fn shade(colour: RGBColor) -> ShapeStyle {
    colour.mix(0.18).filled()
}

fn dot<C>(centre: C, colour: RGBColor) -> Circle<C, i32> {
    Circle::new(centre, 3 * SCALE, colour.filled())
}

/// `size` in pixels as displayed; the backend divides sizes by 1.24 on their way into the file.
fn text(size: f64, colour: RGBColor, h_pos: HPos, v_pos: VPos) -> TextStyle<'static> {
    (FONT, size * f64::from(SCALE) * 1.24).into_font().color(&colour).pos(Pos::new(h_pos, v_pos))
}

/// Width of `text` in ems, by rough classes of letters: an SVG does not know its font, so this errs on the wide side.
fn text_width(text: &str) -> f64 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.32,
        'f' | 'r' | 't' | ' ' | '-' | '(' | ')' | '[' | ']' | '/' => 0.4,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.92,
        'a'..='z' | '0'..='9' => 0.62,
        c if c.is_ascii() => 0.72,
        _ => 1.0,
    };
    text.chars().map(width).sum()
}

/// XML 1.0 has no way to write control characters, so they become spaces.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c })
        .collect()
}
