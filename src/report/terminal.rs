//! A learning curve as text, for the end of a run in a terminal. Each character is a braille cell of 2 by 4 dots,
//! so a plot of 60 by 12 characters resolves 120 by 48 points without any graphics.

use super::axis::{Axis, drawable};
use super::curve::CurvePoint;

/// Bit of each dot in the code of a braille character after U+2800, by row and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Draws the curve with axes, labels and a dashed line at the threshold. The text is at most `width` columns wide
/// and `height` lines high, each line ending in a newline; sizes under 32 by 8 are raised to that. Points that are
/// not finite are skipped.
pub fn plot_terminal(points: &[CurvePoint], threshold: Option<f64>, width: usize, height: usize) -> String {
    let mut points: Vec<CurvePoint> = points.iter().copied().filter(|p| drawable(p.mean)).collect();
    points.sort_by_key(|p| p.env_steps);
    let threshold = threshold.filter(|t| drawable(*t));

    // A heading, the axis line, its labels and its name surround the plot.
    let rows = height.max(8) - 4;
    let x_axis = Axis::steps(points.iter().map(|p| p.env_steps as f64), 5);
    let y_axis = Axis::snapped(points.iter().map(|p| p.mean).chain(threshold), rows.div_ceil(2));

    // Row 0 is the top one and shows the high end of the axis.
    let row_of = |value: f64| ((1.0 - y_axis.fraction(value)) * (rows - 1) as f64).round() as usize;
    let mut labels = vec![String::new(); rows];
    for tick in y_axis.ticks() {
        labels[row_of(tick).min(rows - 1)] = y_axis.label(tick);
    }
    let margin = labels.iter().map(String::len).max().unwrap_or(0);
    let columns = width.max(32) - margin - 2;

    let mut text = " ".repeat(margin + 2) + "episode return";
    if let Some(value) = threshold {
        text += &format!("   ╌╌ threshold {value}");
    }
    text.push('\n');
    let cells = braille(&points, &x_axis, &y_axis, columns, rows);
    for (row, cells) in cells.iter().enumerate() {
        let dashed = threshold.is_some_and(|value| row_of(value) == row);
        let plot: String = cells
            .iter()
            .map(|bits| match bits {
                0 if dashed => '╌',
                0 => ' ',
                bits => char::from_u32(0x2800 + bits).unwrap_or(' '),
            })
            .collect();
        let tick = if labels[row].is_empty() { '│' } else { '┤' };
        text += &format!("{:>margin$} {tick}{}\n", labels[row], plot.trim_end());
    }
    text + &x_labels(&x_axis, margin, columns)
}

/// The curve as dots: neighbouring points are joined, a single one is a single dot.
fn braille(
    points: &[CurvePoint],
    x_axis: &Axis,
    y_axis: &Axis,
    columns: usize,
    rows: usize,
) -> Vec<Vec<u32>> {
    let mut cells = vec![vec![0; columns]; rows];
    // A label names the middle of its row, so the range spans from the middle of the first row to that of the last.
    let place = |p: &CurvePoint| {
        let x = x_axis.fraction(p.env_steps as f64) * (2 * columns - 1) as f64;
        let y = (1.0 - y_axis.fraction(p.mean)) * (4 * (rows - 1)) as f64 + 1.5;
        (x, y)
    };
    let mut set = |x: f64, y: f64| {
        let (x, y) = ((x.round() as usize).min(2 * columns - 1), (y.round() as usize).min(4 * rows - 1));
        cells[y / 4][x / 2] |= DOTS[y % 4][x % 2];
    };
    for (index, point) in points.iter().enumerate() {
        let (x1, y1) = place(point);
        let (x0, y0) = place(&points[index.saturating_sub(1)]);
        let steps = (x1 - x0).abs().max((y1 - y0).abs()).ceil().max(1.0);
        for step in 0..=steps as usize {
            let t = step as f64 / steps;
            set(x0 + t * (x1 - x0), y0 + t * (y1 - y0));
        }
    }
    cells
}

/// The lower axis: its line with ticks, the labels under the ticks, and its name.
fn x_labels(axis: &Axis, margin: usize, columns: usize) -> String {
    let mut line = vec!['─'; columns];
    let mut labels = vec![' '; columns];
    for tick in axis.ticks() {
        let column = (axis.fraction(tick) * (columns - 1) as f64).round() as usize;
        let label = axis.label(tick);
        // Centred under its tick, moved in where it would leave the plot.
        let start = column.saturating_sub(label.len() / 2).min(columns.saturating_sub(label.len()));
        let free =
            start == 0 || labels[start - 1..(start + label.len()).min(columns)].iter().all(|c| *c == ' ');
        line[column.min(columns - 1)] = '┬';
        if free {
            labels.splice(start..start + label.len(), label.chars());
        }
    }
    let text = |chars: Vec<char>| chars.into_iter().collect::<String>();
    let indent = " ".repeat(margin + 1);
    let name = "environment steps";
    let centred = " ".repeat(columns.saturating_sub(name.len()) / 2);
    format!("{indent}└{}\n{indent} {}\n{indent} {centred}{name}\n", text(line), text(labels).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(means: &[f64]) -> Vec<CurvePoint> {
        means
            .iter()
            .enumerate()
            .map(|(i, mean)| CurvePoint { env_steps: 10_000 * i as u64, mean: *mean })
            .collect()
    }

    fn is_braille(c: char) -> bool {
        ('\u{2801}'..='\u{28ff}').contains(&c)
    }

    #[test]
    fn the_plot_keeps_its_size_and_names_its_axes() {
        let text = plot_terminal(&curve(&[10.0, 80.0, 200.0, 490.0, 500.0]), Some(475.0), 60, 16);
        assert_eq!(text.lines().count(), 16);
        assert!(text.lines().all(|l| l.chars().count() <= 60), "{text}");
        for part in ["episode return", "environment steps", "threshold 475", "500 ┤", " 0 ┤", "40k", "╌╌╌"]
        {
            assert!(text.contains(part), "'{part}' is missing:\n{text}");
        }
    }

    #[test]
    fn the_threshold_is_written_as_it_is() {
        let text = plot_terminal(&curve(&[-800.0, 8.0]), Some(7.9), 60, 16);
        assert!(text.contains("threshold 7.9\n"), "{text}");
    }

    #[test]
    fn a_rising_line_goes_from_lower_left_to_upper_right() {
        let text = plot_terminal(&curve(&[0.0, 100.0]), None, 50, 14);
        let rows: Vec<Vec<char>> = text.lines().map(|l| l.chars().collect()).collect();
        let first = |row: &[char]| row.iter().position(|c| is_braille(*c));
        let starts: Vec<usize> = rows.iter().filter_map(|row| first(row)).collect();
        assert_eq!(starts.len(), 10, "every row of the plot is crossed:\n{text}");
        assert!(starts.windows(2).all(|w| w[0] > w[1]), "{text}");
        assert_eq!(rows[10].iter().position(|c| is_braille(*c)), Some("100 ┤".chars().count()), "{text}");
        assert!(rows[1].last().is_some_and(|c| is_braille(*c)) && rows[1].len() == 50, "{text}");
    }

    #[test]
    fn odd_inputs_and_sizes() {
        let cases: [&[f64]; 6] =
            [&[], &[f64::NAN], &[5.0], &[2.0; 4], &[-1e300, 1e300], &[1e15, 1e15 + 0.125]];
        for means in cases {
            for (width, height) in [(0, 0), (32, 8), (81, 25)] {
                for threshold in [None, Some(1.0), Some(f64::INFINITY)] {
                    let text = plot_terminal(&curve(means), threshold, width, height);
                    assert_eq!(text.lines().count(), height.max(8));
                    assert!(text.lines().skip(1).all(|l| l.chars().count() <= width.max(32)), "{text}");
                    assert_eq!(text.contains(is_braille), means.iter().any(|m| drawable(*m)), "{text}");
                }
            }
        }
    }
}
