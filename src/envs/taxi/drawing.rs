//! What the city looks like: its colours, walls and stands, the passenger and the taxi.

use super::wall_east;
use crate::shared::draw::{paint, sd_circle, sd_round_box, sd_segment};
use crate::shared::grid::from;

/// Width of the margin around the city, in cells.
pub(super) const MARGIN: f32 = 0.25;
/// Width of the picture, in cells.
pub(super) const WIDTH: f32 = 5.5;
pub(super) const KERB: [f32; 3] = [0.52, 0.66, 0.40];
pub(super) const WALL: [f32; 3] = [0.88, 0.86, 0.81];
pub(super) const WALL_SHADE: [f32; 3] = [0.56, 0.54, 0.51];
pub(super) const STREET: [f32; 3] = [0.30, 0.31, 0.35];
pub(super) const LANE: [f32; 3] = [0.44, 0.45, 0.49];
const RED: [f32; 3] = [0.84, 0.26, 0.24];
const GREEN: [f32; 3] = [0.27, 0.65, 0.33];
const YELLOW: [f32; 3] = [0.89, 0.71, 0.17];
const BLUE: [f32; 3] = [0.26, 0.46, 0.80];
const WHITE: [f32; 3] = [1.0, 1.0, 1.0];
const BLACK: [f32; 3] = [0.10, 0.10, 0.12];
const CAB: [f32; 3] = [1.0, 0.82, 0.10];
const CAB_SHADE: [f32; 3] = [0.84, 0.62, 0.05];
const GLASS: [f32; 3] = [0.36, 0.53, 0.64];
const LIGHT: [f32; 3] = [1.0, 0.97, 0.75];
const TAIL_LIGHT: [f32; 3] = [0.85, 0.12, 0.10];
const SKIN: [f32; 3] = [0.93, 0.74, 0.58];
const SUIT: [f32; 3] = [0.36, 0.20, 0.48];

pub(super) fn draw_walls(under: [f32; 3], at: [f32; 2], row: u32, column: u32) -> [f32; 3] {
    let mut colour = under;
    if wall_east(row, column) && at[0] > 0.0 {
        colour = paint(colour, WALL_SHADE, 0.43 - at[0]);
        colour = paint(colour, WALL, 0.45 - at[0]);
    }
    if column > 0 && wall_east(row, column - 1) && at[0] < 0.0 {
        colour = paint(colour, WALL_SHADE, at[0] + 0.43);
        colour = paint(colour, WALL, at[0] + 0.45);
    }
    colour
}

/// A coloured stand with its letter: R, G, Y or B.
pub(super) fn draw_stop(under: [f32; 3], at: [f32; 2], stop: u32) -> [f32; 3] {
    let mut paper = RED;
    let mut letter = sd_segment(at, [-0.08, -0.14], [-0.08, 0.14], 0.03);
    if stop == 0 {
        letter = letter.min(sd_segment(at, [-0.08, -0.14], [0.05, -0.14], 0.03));
        letter = letter.min(sd_segment(at, [0.08, -0.11], [0.08, -0.03], 0.03));
        letter = letter.min(sd_segment(at, [-0.08, 0.0], [0.05, 0.0], 0.03));
        letter = letter.min(sd_segment(at, [0.0, 0.0], [0.09, 0.14], 0.03));
    } else if stop == 1 {
        paper = GREEN;
        letter = letter.min(sd_segment(at, [-0.07, -0.14], [0.08, -0.14], 0.03));
        letter = letter.min(sd_segment(at, [-0.07, 0.14], [0.08, 0.14], 0.03));
        letter = letter.min(sd_segment(at, [0.08, 0.14], [0.08, 0.02], 0.03));
        letter = letter.min(sd_segment(at, [0.08, 0.02], [0.02, 0.02], 0.03));
    } else if stop == 2 {
        paper = YELLOW;
        letter = sd_segment(at, [0.0, 0.0], [0.0, 0.14], 0.03);
        letter = letter.min(sd_segment([at[0].abs(), at[1]], [0.0, 0.0], [0.09, -0.14], 0.03));
    } else {
        paper = BLUE;
        letter = letter.min(sd_segment(at, [-0.08, -0.14], [0.04, -0.14], 0.03));
        letter = letter.min(sd_segment(at, [-0.08, 0.0], [0.05, 0.0], 0.03));
        letter = letter.min(sd_segment(at, [-0.08, 0.14], [0.04, 0.14], 0.03));
        letter = letter.min(sd_segment(at, [0.08, -0.10], [0.08, -0.04], 0.03));
        letter = letter.min(sd_segment(at, [0.08, 0.04], [0.08, 0.10], 0.03));
    }
    let colour = paint(under, paper, sd_round_box(at, [0.44, 0.44], 0.06));
    paint(colour, WHITE, letter)
}

/// A white frame around the stand and a chequered flag on it.
pub(super) fn draw_destination(under: [f32; 3], at: [f32; 2]) -> [f32; 3] {
    let mut colour = paint(under, WHITE, sd_round_box(at, [0.41, 0.41], 0.04).abs() - 0.03);
    colour = paint(colour, BLACK, sd_segment(at, [0.18, -0.34], [0.18, 0.34], 0.02));
    let square = [(at[0] - 0.20) * 16.0, (at[1] + 0.34) * 16.0];
    if square[0] >= 0.0 && square[0] < 3.0 && square[1] >= 0.0 && square[1] < 3.0 {
        colour = if (square[0] as u32 + square[1] as u32) % 2 == 1 { BLACK } else { WHITE };
    }
    colour
}

pub(super) fn draw_passenger(under: [f32; 3], at: [f32; 2]) -> [f32; 3] {
    let mut colour = under;
    let side = [at[0].abs(), at[1]];
    colour = paint(colour, BLACK, sd_segment(side, [0.035, 0.12], [0.04, 0.25], 0.03));
    colour = paint(colour, SUIT, sd_segment(side, [0.06, -0.01], [0.10, 0.10], 0.028));
    colour = paint(colour, SUIT, sd_round_box(from(at, 0.0, 0.05), [0.075, 0.10], 0.04));
    colour = paint(colour, SKIN, sd_circle(from(at, 0.0, -0.13), 0.075));
    colour = paint(colour, BLACK, (sd_circle(from(at, 0.0, -0.14), 0.08)).max(at[1] + 0.14));
    colour
}

/// From above, with a row of black and white squares along each side; whoever rides shows through the roof.
pub(super) fn draw_taxi(under: [f32; 3], at: [f32; 2], heading: u32, aboard: bool) -> [f32; 3] {
    // Into the frame of the taxi: y points backwards.
    let mut body = at;
    if heading == 0 {
        body = [-at[0], -at[1]];
    } else if heading == 2 {
        body = [at[1], -at[0]];
    } else if heading == 3 {
        body = [-at[1], at[0]];
    }
    let side = [body[0].abs(), body[1]];
    let mut colour = under;
    colour = paint(colour, BLACK, sd_round_box([side[0] - 0.19, body[1].abs() - 0.21], [0.04, 0.07], 0.02));
    colour = paint(colour, CAB_SHADE, sd_round_box(body, [0.21, 0.38], 0.09));
    colour = paint(colour, CAB, sd_round_box(body, [0.19, 0.36], 0.08));
    colour = paint(colour, LIGHT, sd_circle(from(side, 0.12, -0.34), 0.035));
    colour = paint(colour, TAIL_LIGHT, sd_round_box(from(side, 0.12, 0.355), [0.04, 0.015], 0.0));
    colour = paint(colour, GLASS, sd_round_box(from(body, 0.0, -0.14), [0.155, 0.055], 0.03));
    colour = paint(colour, GLASS, sd_round_box(from(body, 0.0, 0.25), [0.145, 0.04], 0.03));
    if (side[0] - 0.165).abs() < 0.022 && body[1] > -0.06 && body[1] < 0.18 {
        let squares = ((body[1] + 0.06) * 25.0) as u32 + if side[0] > 0.165 { 1 } else { 0 };
        colour = if squares % 2 == 1 { WHITE } else { BLACK };
    }
    if aboard {
        colour = paint(colour, GLASS, sd_round_box(from(body, 0.0, 0.06), [0.12, 0.115], 0.04));
        colour = paint(colour, SUIT, sd_round_box(from(body, 0.0, 0.08), [0.10, 0.05], 0.05));
        colour = paint(colour, SKIN, sd_circle(from(body, 0.0, 0.06), 0.06));
        colour = paint(colour, BLACK, (sd_circle(from(body, 0.0, 0.06), 0.065)).max(0.05 - body[1]));
    } else {
        colour = paint(colour, WHITE, sd_round_box(from(body, 0.0, 0.05), [0.10, 0.035], 0.015));
        colour = paint(colour, BLACK, sd_round_box(from(body, 0.0, 0.05), [0.07, 0.012], 0.0));
    }
    colour
}
