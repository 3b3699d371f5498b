//! Values and policies of a grid world: a table of cells, as text for a terminal and as SVG.

use std::error::Error as StdError;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::write_whole;
use crate::error::{Error, Result};

/// One cell of a map.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing is known of it: it is never reached.
    Empty,
    /// Episodes end here, with the reward of the step that leads in.
    End {
        /// That reward.
        reward: f64,
    },
    /// A state.
    State {
        /// Its value.
        value: f64,
        /// Probability of each action.
        policy: Vec<f64>,
        /// Where each action leads, in rows down and columns right; none for one that does not move.
        moves: Vec<Option<[f64; 2]>>,
    },
}

/// A grid of cells, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyMap {
    /// Heading; may be empty.
    pub title: String,
    /// Cells per row.
    pub columns: usize,
    /// All cells.
    pub cells: Vec<Cell>,
}

/// Actions this close to the best one are shown with it.
const NEARLY: f64 = 0.01;
/// Eight directions, by eighths of a turn from the right, downwards.
const ARROWS: [char; 8] = ['→', '↘', '↓', '↙', '←', '↖', '↑', '↗'];

/// The values, then the best actions with their share, each as a grid of text. Lines end in newlines.
pub fn text(map: &PolicyMap) -> String {
    let values = |cell: &Cell| match cell {
        Cell::Empty => "·".into(),
        Cell::End { reward } => format!("[{}]", signed(*reward)),
        Cell::State { value, .. } => number(*value),
    };
    let best = |cell: &Cell| match cell {
        Cell::Empty => "·".into(),
        Cell::End { .. } => "end".into(),
        Cell::State { policy, moves, .. } => {
            let top = policy.iter().copied().fold(0.0, f64::max);
            let best = policy.iter().enumerate().filter(|(_, share)| **share >= top - NEARLY);
            let symbols: String = best.map(|(action, _)| symbol(action, moves)).collect();
            format!("{symbols} {:.0}%", 100.0 * top)
        }
    };
    let heading = if map.title.is_empty() { String::new() } else { format!("{}\n", map.title) };
    format!(
        "{heading}V(s)\n{}\nbest actions and the probability of each\n{}",
        grid(map, &values),
        grid(map, &best)
    )
}

fn grid(map: &PolicyMap, show: &dyn Fn(&Cell) -> String) -> String {
    let cells: Vec<String> = map.cells.iter().map(show).collect();
    let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0) + 2;
    let mut text = String::new();
    for row in cells.chunks(map.columns.max(1)) {
        let line: String = row.iter().map(|cell| format!("{cell:>width$}")).collect();
        text += &format!("{line}\n");
    }
    text
}

fn symbol(action: usize, moves: &[Option<[f64; 2]>]) -> String {
    match moves.get(action).copied().flatten() {
        Some([down, right]) => {
            let eighths = (down.atan2(right) / std::f64::consts::FRAC_PI_4).round() as i64;
            ARROWS[eighths.rem_euclid(8) as usize].to_string()
        }
        None => action.to_string(),
    }
}

/// Four digits, as far as they fit.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 1000.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 10.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

fn signed(reward: f64) -> String {
    if reward > 0.0 { format!("+{reward}") } else { format!("{reward}") }
}

const CELL: i32 = 84;
const MARGIN: i32 = 24;
const HEAD: i32 = 40;
/// Coordinates are whole numbers in the file; the picture is drawn larger and shown smaller.
const SCALE: i32 = 4;
const FONT: &str = "Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(35, 35, 42);
const LINE: RGBColor = RGBColor(255, 255, 255);
const BARE: RGBColor = RGBColor(240, 240, 243);
const END: RGBColor = RGBColor(60, 62, 70);
/// From low to high values.
const LOW: [f64; 3] = [247.0, 244.0, 234.0];
const HIGH: [f64; 3] = [86.0, 170.0, 205.0];

/// Writes the maps below each other as an SVG: cells by value, arrows as long as the action is likely.
pub fn write_svg(path: &Path, title: &str, maps: &[PolicyMap]) -> Result<()> {
    let svg = render(title, maps).map_err(|error| Error::file("draw", path, error))?;
    write_whole(path, svg.as_bytes())
}

fn render(title: &str, maps: &[PolicyMap]) -> std::result::Result<String, Box<dyn StdError>> {
    let rows = |map: &PolicyMap| map.cells.len().div_ceil(map.columns.max(1)) as i32;
    let head = |map: &PolicyMap| if map.title.is_empty() { 0 } else { HEAD };
    let columns = maps.iter().map(|map| map.columns as i32).max().unwrap_or(1);
    let width = (columns * CELL + 2 * MARGIN).max(420);
    let height: i32 = HEAD + MARGIN + maps.iter().map(|map| head(map) + rows(map) * CELL).sum::<i32>();
    let values = maps.iter().flat_map(|map| &map.cells).filter_map(|cell| match cell {
        Cell::State { value, .. } => Some(*value),
        _ => None,
    });
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, ((width * SCALE) as u32, (height * SCALE) as u32))
            .into_drawing_area();
        area.fill(&WHITE)?;
        let say = |text: &str, size: f64, x: i32, y: i32, colour: RGBColor, centred: bool| {
            let place = if centred { HPos::Center } else { HPos::Left };
            // The backend divides sizes by 1.24 on their way into the file.
            let style = (FONT, size * f64::from(SCALE) * 1.24).into_font().color(&colour);
            area.draw_text(text, &style.pos(Pos::new(place, VPos::Center)), (x * SCALE, y * SCALE))
        };
        let plain: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        say(&plain, 16.0, MARGIN, HEAD / 2 + 4, INK, false)?;
        let mut top = HEAD;
        for map in maps {
            say(&map.title, 13.0, MARGIN, top + HEAD / 2, INK, false)?;
            top += head(map);
            for (index, cell) in map.cells.iter().enumerate() {
                let x = MARGIN + (index % map.columns.max(1)) as i32 * CELL;
                let y = top + (index / map.columns.max(1)) as i32 * CELL;
                let corners = [(x * SCALE, y * SCALE), ((x + CELL) * SCALE, (y + CELL) * SCALE)];
                let fill = match cell {
                    Cell::Empty => BARE,
                    Cell::End { .. } => END,
                    Cell::State { value, .. } => ramp((value - low) / (high - low).max(f64::MIN_POSITIVE)),
                };
                area.draw(&Rectangle::new(corners, fill.filled()))?;
                area.draw(&Rectangle::new(corners, LINE.stroke_width(SCALE as u32 * 2)))?;
                let (cx, cy) = (x + CELL / 2, y + CELL / 2);
                match cell {
                    Cell::Empty => {}
                    Cell::End { reward } => {
                        say("end", 12.0, cx, cy - 8, WHITE, true)?;
                        say(&signed(*reward), 13.0, cx, cy + 10, WHITE, true)?;
                    }
                    Cell::State { value, policy, moves } => {
                        let mut still = Vec::new();
                        for (action, share) in policy.iter().enumerate() {
                            match moves.get(action).copied().flatten() {
                                Some(direction) => arrow(&area, (cx, cy), direction, *share)?,
                                None => still.push(format!("{action}: {:.0}%", 100.0 * share)),
                            }
                        }
                        say(&number(*value), 11.5, cx, y + 11, INK, true)?;
                        if !still.is_empty() {
                            say(&still.join("  "), 9.5, cx, y + CELL - 9, INK, true)?;
                        }
                    }
                }
            }
            top += rows(map) * CELL;
        }
        area.present()?;
    }
    let drawn = format!("width=\"{}\" height=\"{}\"", width * SCALE, height * SCALE);
    Ok(svg.replacen(&drawn, &format!("width=\"{width}\" height=\"{height}\" stroke-linecap=\"round\""), 1))
}

/// From the middle of a cell outwards, as long as its share; below 2% a dot would say more than is there.
fn arrow(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    (x, y): (i32, i32),
    [down, right]: [f64; 2],
    share: f64,
) -> std::result::Result<(), Box<dyn StdError>> {
    let size = (down * down + right * right).sqrt();
    if share < 0.02 || size == 0.0 {
        return Ok(());
    }
    let (dx, dy) = (right / size, down / size);
    let length = 6.0 + 22.0 * share;
    let at = |along: f64, aside: f64| {
        let place = |centre: i32, along: f64| ((f64::from(centre) + along) * f64::from(SCALE)).round() as i32;
        (place(x, dx * along - dy * aside), place(y + 4, dy * along + dx * aside))
    };
    let ink = INK.stroke_width((f64::from(SCALE) * (1.0 + 1.5 * share)).round() as u32);
    area.draw(&PathElement::new([at(3.0, 0.0), at(length, 0.0)], ink))?;
    area.draw(&Polygon::new(
        [at(length + 4.0, 0.0), at(length - 2.0, 3.2), at(length - 2.0, -3.2)],
        INK.filled(),
    ))?;
    Ok(())
}

fn ramp(share: f64) -> RGBColor {
    let share = share.clamp(0.0, 1.0);
    let [red, green, blue] = [0, 1, 2].map(|i| (LOW[i] + (HIGH[i] - LOW[i]) * share).round() as u8);
    RGBColor(red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> PolicyMap {
        let moves = vec![Some([0.0, -1.0]), Some([1.0, 0.0]), Some([0.0, 1.0]), None];
        let state =
            |value, policy: [f64; 4]| Cell::State { value, policy: policy.to_vec(), moves: moves.clone() };
        PolicyMap {
            title: "a title".into(),
            columns: 2,
            cells: vec![
                state(-12.25, [0.5, 0.5, 0.0, 0.0]),
                state(0.5, [0.0, 0.1, 0.2, 0.7]),
                Cell::Empty,
                Cell::End { reward: 1.0 },
            ],
        }
    }

    #[test]
    fn text_shows_values_and_the_best_actions() {
        let text = text(&map());
        assert_eq!(
            text,
            "a title\nV(s)\n  -12.25   0.500\n       ·    [+1]\n\nbest actions and the probability of each\n  ←↓ 50%   3 70%\n       ·     end\n"
        );
        for (direction, arrow) in
            [([-1.0, 0.0], '↑'), ([1.0, 1.0], '↘'), ([0.0, -2.0], '←'), ([-1.0, 1.0], '↗')]
        {
            assert_eq!(symbol(0, &[Some(direction)]), arrow.to_string());
        }
    }

    #[test]
    fn the_picture_is_well_formed_and_holds_every_cell() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("policy.svg");
        write_svg(&path, "lake & <co>", &[map(), map()]).expect("written");
        let svg = std::fs::read_to_string(path).expect("read");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("lake &amp; &lt;co&gt;"));
        assert_eq!(svg.matches("-12.25").count(), 2);
        // The shares of three actions per first cell and their heads, for two maps.
        assert_eq!(svg.matches("<polygon").count(), 2 * 4);
    }
}
