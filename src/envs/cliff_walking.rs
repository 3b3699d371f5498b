//! CliffWalking: the twin of `shaders/envs/cliff_walking.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle, sd_round_box, sd_segment};
use crate::shared::grid::{from, one_hot, place_of, sd_cone};
use crate::shared::rng::Rng;

const SOURCE: &str = include_str!("../../shaders/envs/cliff_walking.wgsl");

/// CliffWalking-v1 as Gymnasium 1.4 defines it.
pub static CLIFF_WALKING: BuiltIn = BuiltIn {
    id: "CliffWalking-v1",
    short: "cliffwalking",
    title: "walk along a cliff without falling down",
    file: "cliff_walking.wgsl",
    source: SOURCE,
    values: &[],
    twin: |_| Ok(Box::new(CliffWalking)),
};

/// CliffWalkingSlippery-v1 as Gymnasium 1.4 defines it.
pub static CLIFF_WALKING_SLIPPERY: BuiltIn = BuiltIn {
    id: "CliffWalkingSlippery-v1",
    short: "cliffwalkingslippery",
    title: "walk along a cliff on slippery ground",
    file: "cliff_walking.wgsl",
    source: SOURCE,
    values: &[("is_slippery", "1"), ("reward_threshold", "-70")],
    twin: |_| Ok(Box::new(CliffWalking)),
};

const ROWS: u32 = 4;
const COLUMNS: u32 = 12;
const START: u32 = 36;
const GOAL: u32 = 47;

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Whether the ground is slippery.
        pub is_slippery: u32,
    }
}

gpu_struct! {
    /// Where the walker is.
    pub struct State {
        /// `row * 12 + column`.
        pub cell: u32,
    }
}

/// A meadow above a cliff.
pub struct CliffWalking;

impl World for CliffWalking {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, _: &mut Rng<'_>) -> State {
        State { cell: START }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let action = action[0];
        let u = rng.uniform();
        let cell = state.cell;
        let mut direction = action;
        if env.is_slippery != 0 {
            if u < 0.333_333_34 {
                direction = action.wrapping_add(3);
            } else if u >= 0.666_666_7 {
                direction = action.wrapping_add(1);
            }
        }
        direction %= 4;
        let mut row = cell / COLUMNS;
        let mut column = cell % COLUMNS;
        if direction == 0 {
            row = row.max(1) - 1;
        } else if direction == 1 {
            column = (column + 1).min(COLUMNS - 1);
        } else if direction == 2 {
            row = (row + 1).min(ROWS - 1);
        } else {
            column = column.max(1) - 1;
        }
        let next = row * COLUMNS + column;
        if next > START && next < GOAL {
            state.cell = START;
            return Outcome { reward: -100.0, terminated: false };
        }
        state.cell = next;
        Outcome { reward: -1.0, terminated: next == GOAL }
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        one_hot(obs, state.cell);
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let place = place_of(uv, ROWS, COLUMNS);
        let at = place.at;
        let cell = place.row * COLUMNS + place.column;
        let mut colour = draw_meadow(at, place.row, place.column);
        if cell > START && cell < GOAL {
            colour = draw_cliff(at, place.column);
        } else if cell == START {
            colour = paint(colour, DARK_STONE, sd_round_box(from(at, 0.0, 0.30), [0.34, 0.15], 0.12));
            colour = paint(colour, STONE, sd_round_box(from(at, 0.0, 0.27), [0.34, 0.14], 0.12));
        } else if cell == GOAL {
            colour = draw_flag(colour, at);
        }
        if state.cell == cell {
            colour = draw_walker(colour, at);
        }
        colour
    }
}

const GRASS: [f32; 3] = [0.63, 0.79, 0.42];
const LIGHT_GRASS: [f32; 3] = [0.69, 0.84, 0.49];
const BLADE: [f32; 3] = [0.45, 0.64, 0.28];
const EARTH: [f32; 3] = [0.45, 0.31, 0.20];
const ROCK: [f32; 3] = [0.63, 0.47, 0.33];
const LIGHT_ROCK: [f32; 3] = [0.72, 0.56, 0.41];
const CRACK: [f32; 3] = [0.46, 0.33, 0.23];
const SHADE: [f32; 3] = [0.33, 0.24, 0.20];
const ABYSS: [f32; 3] = [0.11, 0.09, 0.12];
const STONE: [f32; 3] = [0.75, 0.75, 0.72];
const DARK_STONE: [f32; 3] = [0.58, 0.58, 0.56];
const FLAG: [f32; 3] = [0.86, 0.20, 0.20];
const POST: [f32; 3] = [0.25, 0.20, 0.18];
const SKIN: [f32; 3] = [0.96, 0.79, 0.64];
const HAT: [f32; 3] = [0.55, 0.36, 0.18];
const COAT: [f32; 3] = [0.16, 0.36, 0.68];
const TROUSERS: [f32; 3] = [0.24, 0.22, 0.28];
const PACK: [f32; 3] = [0.83, 0.36, 0.16];
const BLACK: [f32; 3] = [0.13, 0.10, 0.10];

fn draw_meadow(at: [f32; 2], row: u32, column: u32) -> [f32; 3] {
    let odd = (row + column) % 2 == 1;
    let mut colour = if odd { LIGHT_GRASS } else { GRASS };
    let tuft = if odd { from(at, -0.22, 0.30) } else { from(at, 0.24, -0.26) };
    let blade = [tuft[0].abs(), tuft[1]];
    colour = paint(colour, BLADE, sd_segment(blade, [0.02, 0.05], [0.08, -0.04], 0.014));
    colour = paint(colour, BLADE, sd_segment(blade, [0.0, 0.05], [0.0, -0.07], 0.014));
    colour
}

/// The edge of the meadow, a wall of rock, and darkness below. The outer cells show the side of the gap.
fn draw_cliff(at: [f32; 2], column: u32) -> [f32; 3] {
    let mut colour = ABYSS;
    if at[1] < 0.30 {
        colour = SHADE;
    }
    if at[1] < 0.12 {
        colour = ROCK;
        let crack = if column % 2 == 1 { -at[0] } else { at[0] };
        let mirrored = [crack, at[1]];
        colour = paint(colour, LIGHT_ROCK, sd_round_box(from(mirrored, -0.22, -0.16), [0.17, 0.09], 0.05));
        colour = paint(colour, LIGHT_ROCK, sd_round_box(from(mirrored, 0.26, 0.0), [0.15, 0.06], 0.05));
        colour = paint(colour, CRACK, sd_segment(mirrored, [0.10, -0.30], [0.05, -0.08], 0.018));
        colour = paint(colour, CRACK, sd_segment(mirrored, [0.05, -0.08], [0.09, 0.10], 0.018));
        colour = paint(colour, CRACK, sd_segment(mirrored, [-0.34, 0.02], [-0.30, 0.12], 0.018));
    }
    if at[1] < -0.30 {
        colour = EARTH;
    }
    // Tussocks hang over the edge.
    let hanging = [(at[0].abs() - 0.25).abs() - 0.125, at[1] + 0.40];
    colour = paint(colour, BLADE, sd_circle(hanging, 0.128));
    if at[1] < -0.40 {
        colour = GRASS;
    }
    if column == 1 && at[0] < -0.40 || column == COLUMNS - 2 && at[0] > 0.40 {
        colour = if at[1] > 0.12 { SHADE } else { EARTH };
        if at[1] < -0.36 {
            colour = GRASS;
        }
    }
    colour
}

fn draw_flag(under: [f32; 3], at: [f32; 2]) -> [f32; 3] {
    let mut colour = under;
    colour = paint(colour, DARK_STONE, sd_round_box(from(at, -0.10, 0.38), [0.16, 0.06], 0.06));
    colour = paint(colour, POST, sd_segment(at, [-0.12, -0.40], [-0.12, 0.36], 0.03));
    // A pennant: a cone on its side.
    let side = [at[1] + 0.24, -at[0]];
    colour = paint(colour, FLAG, sd_cone(side, [0.0, -0.36], 0.10, 0.16));
    colour
}

fn draw_walker(under: [f32; 3], at: [f32; 2]) -> [f32; 3] {
    let mut colour = under;
    let side = [at[0].abs(), at[1]];
    colour = paint(colour, PACK, sd_round_box(from(at, 0.0, 0.10), [0.21, 0.15], 0.06));
    colour = paint(colour, TROUSERS, sd_segment(side, [0.065, 0.22], [0.075, 0.38], 0.055));
    colour = paint(colour, BLACK, sd_round_box(from(side, 0.085, 0.43), [0.075, 0.03], 0.03));
    colour = paint(colour, COAT, sd_segment(side, [0.12, 0.05], [0.20, 0.18], 0.045));
    colour = paint(colour, SKIN, sd_circle(from(side, 0.21, 0.21), 0.04));
    colour = paint(colour, COAT, sd_round_box(from(at, 0.0, 0.12), [0.14, 0.14], 0.06));
    colour = paint(colour, SKIN, sd_circle(from(at, 0.0, -0.14), 0.145));
    colour = paint(colour, BLACK, sd_circle(from(side, 0.055, -0.12), 0.022));
    colour = paint(colour, HAT, sd_round_box(from(at, 0.0, -0.31), [0.12, 0.10], 0.06));
    colour = paint(colour, HAT, sd_round_box(from(at, 0.0, -0.22), [0.23, 0.03], 0.03));
    colour
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(is_slippery: u32, cell: u32, action: u32, u: f64) -> (u32, f32, bool) {
        let given = [(u * 4_294_967_296.0) as u32];
        let mut rng = Rng { given: &given, ..Rng::new(0, 0, 0, 0) };
        let mut state = State { cell };
        let outcome = CliffWalking.step(&Params { is_slippery }, &mut state, &[action], &mut rng);
        assert_eq!(rng.draw, 1);
        (state.cell, outcome.reward, outcome.terminated)
    }

    #[test]
    fn the_cliff_leads_back_and_the_goal_ends() {
        for u in [0.0, 0.5, 0.999] {
            assert_eq!(after(0, 36, 1, u), (36, -100.0, false));
            assert_eq!(after(0, 30, 2, u), (36, -100.0, false));
            assert_eq!(after(0, 35, 2, u), (47, -1.0, true));
            assert_eq!(after(0, 24, 3, u), (24, -1.0, false));
            assert_eq!(after(0, 24, 0, u), (12, -1.0, false));
        }
        // Slippery, to the right: up, right, down.
        for (u, cell, reward) in
            [(0.333, 13, -1.0), (0.334, 26, -1.0), (0.666, 26, -1.0), (0.667, 36, -100.0)]
        {
            assert_eq!(after(1, 25, 1, u), (cell, reward, false), "{u}");
        }
    }
}
