//! FrozenLake: the twin of `shaders/envs/frozen_lake.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Constants, Outcome, World};
use crate::error::{Error, Result};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle, sd_round_box, sd_segment};
use crate::shared::grid::{choice_of, from, one_hot, place_of, sd_cone};
use crate::shared::rng::Rng;

const SOURCE: &str = include_str!("../../shaders/envs/frozen_lake.wgsl");

/// FrozenLake-v1 as Gymnasium 1.4 defines it.
pub static FROZEN_LAKE: BuiltIn = BuiltIn {
    id: "FrozenLake-v1",
    short: "frozenlake",
    title: "cross slippery ice to the goal, 4 by 4",
    file: "frozen_lake.wgsl",
    source: SOURCE,
    values: &[],
    twin: |constants| Ok(Box::new(FrozenLake::new(constants)?)),
};

/// FrozenLake8x8-v1 as Gymnasium 1.4 defines it.
pub static FROZEN_LAKE_8X8: BuiltIn = BuiltIn {
    id: "FrozenLake8x8-v1",
    short: "frozenlake8x8",
    title: "cross slippery ice to the goal, 8 by 8",
    file: "frozen_lake.wgsl",
    source: SOURCE,
    values: &[
        ("map", "SFFFFFFF/FFFFFFFF/FFFHFFFF/FFFFFHFF/FFFHFFFF/FHHFFFHF/FHFFHFHF/FFFHFFFG"),
        ("max_episode_steps", "200"),
        ("reward_threshold", "0.85"),
    ],
    twin: |constants| Ok(Box::new(FrozenLake::new(constants)?)),
};

const S: u32 = 0;
const H: u32 = 2;
const G: u32 = 3;

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Whether the ice is slippery.
        pub is_slippery: u32,
        /// Probability of going where the action points, on slippery ice.
        pub success_rate: f32,
        /// Reward for reaching a goal.
        pub reward_goal: f32,
        /// Reward for falling into a hole.
        pub reward_hole: f32,
        /// Reward for every other step.
        pub reward_frozen: f32,
    }
}

gpu_struct! {
    /// Where the elf is.
    pub struct State {
        /// `row * columns + column`.
        pub cell: u32,
        /// The last action.
        pub facing: u32,
    }
}

/// A lake with its map.
pub struct FrozenLake {
    map: Vec<u32>,
    rows: u32,
    columns: u32,
}

impl FrozenLake {
    fn new(constants: &Constants) -> Result<FrozenLake> {
        let map = constants.grid("MAP")?;
        let (rows, columns) = (map.len(), map.first().map_or(0, Vec::len));
        let map = map.concat();
        if rows > 64 || columns > 64 || !map.contains(&S) {
            return Err(Error::invalid(
                "env_params.map",
                format!("{rows} by {columns}"),
                "at most 64 by 64 cells, at least one of them a start, S",
                "Rows are separated by '/', as in map=SFF/FHF/FFG.",
            ));
        }
        Ok(FrozenLake { map, rows: rows as u32, columns: columns as u32 })
    }

    fn tile(&self, cell: u32) -> u32 {
        self.map[cell as usize]
    }
}

impl World for FrozenLake {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, rng: &mut Rng<'_>) -> State {
        let mut start = 0;
        let mut starts = 0;
        for cell in 0..self.rows * self.columns {
            if self.tile(cell) == S {
                starts += 1;
                if choice_of(rng.uniform(), starts) == 0 {
                    start = cell;
                }
            }
        }
        State { cell: start, facing: 1 }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let action = action[0];
        let u = rng.uniform();
        let cell = state.cell;
        state.facing = action;
        let under = self.tile(cell);
        if under == H || under == G {
            return Outcome { reward: 0.0, terminated: true };
        }
        let mut direction = action;
        if env.is_slippery != 0 {
            let side = (1.0 - env.success_rate) * 0.5;
            if u < side {
                direction = action.wrapping_add(3);
            } else if u >= side + env.success_rate {
                direction = action.wrapping_add(1);
            }
        }
        direction %= 4;
        let mut row = cell / self.columns;
        let mut column = cell % self.columns;
        if direction == 0 {
            column = column.max(1) - 1;
        } else if direction == 1 {
            row = (row + 1).min(self.rows - 1);
        } else if direction == 2 {
            column = (column + 1).min(self.columns - 1);
        } else {
            row = row.max(1) - 1;
        }
        let next = row * self.columns + column;
        state.cell = next;
        let reached = self.tile(next);
        if reached == G {
            return Outcome { reward: env.reward_goal, terminated: true };
        }
        if reached == H {
            return Outcome { reward: env.reward_hole, terminated: true };
        }
        Outcome { reward: env.reward_frozen, terminated: false }
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        one_hot(obs, state.cell);
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let place = place_of(uv, self.rows, self.columns);
        let at = place.at;
        let here = self.tile(place.row * self.columns + place.column);
        let mut colour = GROOVE;
        colour = paint(colour, ICE, sd_round_box(at, [0.485, 0.485], 0.06));
        // Every second tile shines in the other corner.
        let glint = if (place.row + place.column) % 2 == 1 { [-at[0], -at[1]] } else { at };
        colour = paint(colour, SHINE, sd_segment(glint, [-0.36, -0.20], [-0.20, -0.36], 0.022));
        colour = paint(colour, SHINE, sd_segment(glint, [-0.36, -0.04], [-0.04, -0.36], 0.012));
        if here == H {
            colour = draw_hole(colour, at);
        } else if here == G {
            colour = draw_gift(colour, at);
        } else if here == S {
            colour = draw_stool(colour, at);
        }
        if state.cell != place.row * self.columns + place.column {
            return colour;
        }
        if here != H {
            return draw_elf(colour, at, state.facing);
        }
        // Up to the neck in the water.
        if at[1] > 0.12 {
            return colour;
        }
        colour = paint(colour, RIPPLE, sd_round_box(from(at, 0.0, 0.10), [0.22, 0.05], 0.05));
        draw_elf(colour, from(at, 0.0, 0.06), state.facing)
    }
}

const GROOVE: [f32; 3] = [0.60, 0.78, 0.90];
const ICE: [f32; 3] = [0.80, 0.91, 0.98];
const SHINE: [f32; 3] = [0.94, 0.98, 1.0];
const RIM: [f32; 3] = [0.53, 0.70, 0.84];
const WATER: [f32; 3] = [0.09, 0.25, 0.45];
const RIPPLE: [f32; 3] = [0.22, 0.43, 0.65];
const WOOD: [f32; 3] = [0.58, 0.38, 0.20];
const DARK_WOOD: [f32; 3] = [0.40, 0.25, 0.13];
const GIFT: [f32; 3] = [0.80, 0.13, 0.18];
const GIFT_LID: [f32; 3] = [0.90, 0.22, 0.26];
const GOLD: [f32; 3] = [0.98, 0.80, 0.25];
const SKIN: [f32; 3] = [0.98, 0.82, 0.68];
const HAIR: [f32; 3] = [0.55, 0.32, 0.14];
const CLOTH: [f32; 3] = [0.13, 0.53, 0.26];
const DARK_CLOTH: [f32; 3] = [0.08, 0.38, 0.18];
const CAP: [f32; 3] = [0.83, 0.16, 0.18];
const WHITE: [f32; 3] = [1.0, 1.0, 1.0];
const BLACK: [f32; 3] = [0.13, 0.10, 0.10];

fn draw_hole(under: [f32; 3], at: [f32; 2]) -> [f32; 3] {
    let mut colour = under;
    colour = paint(colour, RIM, sd_segment(at, [0.30, -0.25], [0.46, -0.42], 0.012));
    colour = paint(colour, RIM, sd_segment(at, [-0.32, 0.22], [-0.46, 0.40], 0.012));
    colour = paint(colour, RIM, sd_segment(at, [-0.35, -0.10], [-0.47, -0.14], 0.012));
    colour = paint(colour, RIM, sd_round_box(at, [0.40, 0.37], 0.28));
    colour = paint(colour, WATER, sd_round_box(from(at, 0.0, 0.02), [0.36, 0.32], 0.26));
    colour = paint(colour, RIPPLE, sd_segment(at, [-0.20, -0.08], [-0.04, -0.08], 0.016));
    colour = paint(colour, RIPPLE, sd_segment(at, [0.04, 0.14], [0.22, 0.14], 0.016));
    colour
}

fn draw_gift(under: [f32; 3], at: [f32; 2]) -> [f32; 3] {
    let mut colour = under;
    let bow = [at[0].abs() - 0.10, at[1] + 0.26];
    colour = paint(colour, GOLD, sd_circle(bow, 0.07).abs() - 0.028);
    colour = paint(colour, GIFT, sd_round_box(from(at, 0.0, 0.14), [0.27, 0.23], 0.02));
    colour = paint(colour, GIFT_LID, sd_round_box(from(at, 0.0, -0.12), [0.32, 0.07], 0.02));
    colour = paint(colour, GOLD, sd_round_box(from(at, 0.0, 0.09), [0.055, 0.28], 0.0));
    colour
}

fn draw_stool(under: [f32; 3], at: [f32; 2]) -> [f32; 3] {
    let mut colour = under;
    let side = [at[0].abs(), at[1]];
    colour = paint(colour, DARK_WOOD, sd_segment(side, [0.14, 0.28], [0.22, 0.44], 0.03));
    colour = paint(colour, DARK_WOOD, sd_round_box(from(at, 0.0, 0.30), [0.27, 0.05], 0.04));
    colour = paint(colour, WOOD, sd_round_box(from(at, 0.0, 0.26), [0.27, 0.05], 0.05));
    colour
}

/// An elf that looks to the left, to us, to the right or away.
fn draw_elf(under: [f32; 3], at: [f32; 2], facing: u32) -> [f32; 3] {
    let mut colour = under;
    let side = [at[0].abs(), at[1]];
    let mut turn = 0.0;
    if facing == 0 {
        turn = -1.0;
    } else if facing == 2 {
        turn = 1.0;
    }
    colour = paint(colour, DARK_WOOD, sd_round_box(from(side, 0.08, 0.36), [0.07, 0.045], 0.04));
    colour = paint(colour, DARK_CLOTH, sd_segment(side, [0.13, 0.16], [0.20, 0.25], 0.04));
    colour = paint(colour, SKIN, sd_circle(from(side, 0.21, 0.27), 0.035));
    colour = paint(colour, CLOTH, sd_cone(at, [0.0, -0.20], 0.33, 0.19));
    colour = paint(colour, BLACK, sd_round_box(from(at, 0.0, 0.22), [0.155, 0.022], 0.0));
    colour = paint(colour, GOLD, sd_round_box(from(at, 0.0, 0.22), [0.035, 0.03], 0.0));
    colour = paint(colour, SKIN, sd_segment(side, [0.12, 0.0], [0.22, -0.05], 0.03));
    if facing == 3 {
        colour = paint(colour, HAIR, sd_circle(from(at, 0.0, 0.0), 0.155));
    } else {
        colour = paint(colour, SKIN, sd_circle(from(at, 0.0, 0.0), 0.155));
        let face = [(at[0] - 0.06 * turn).abs(), at[1]];
        colour = paint(colour, BLACK, sd_circle(from(face, 0.055, 0.01), 0.022));
        colour = paint(colour, CAP, sd_round_box(from(at, 0.06 * turn, 0.085), [0.035, 0.012], 0.01));
    }
    // Its cap hangs back while it walks.
    colour = paint(colour, CAP, sd_cone(at, [-0.10 * turn, -0.42], -0.06, 0.18));
    colour = paint(colour, WHITE, sd_round_box(from(at, 0.0, -0.07), [0.18, 0.03], 0.03));
    colour = paint(colour, WHITE, sd_circle(from(at, -0.10 * turn, -0.41), 0.045));
    colour
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_RESET;

    const DEFAULT: Params = Params {
        is_slippery: 1,
        success_rate: 1.0 / 3.0,
        reward_goal: 1.0,
        reward_hole: 0.0,
        reward_frozen: 0.0,
    };

    fn lake(rows: &[&str]) -> FrozenLake {
        let letter = |c| "SFHG".find(c).expect("a letter of the map") as u32;
        let map: Vec<u32> = rows.iter().flat_map(|row| row.chars().map(letter)).collect();
        FrozenLake { map, rows: rows.len() as u32, columns: rows[0].len() as u32 }
    }

    /// The cell after one step whose draw is `u`, with reward and end.
    fn after(lake: &FrozenLake, params: &Params, cell: u32, action: u32, u: f64) -> (u32, f32, bool) {
        let given = [(u * 4_294_967_296.0) as u32];
        let mut rng = Rng { given: &given, ..Rng::new(0, 0, 0, 0) };
        let mut state = State { cell, facing: 0 };
        let outcome = lake.step(params, &mut state, &[action], &mut rng);
        assert_eq!((rng.draw, state.facing), (1, action));
        (state.cell, outcome.reward, outcome.terminated)
    }

    #[test]
    fn ice_slips_to_the_sides_in_the_order_of_gymnasium() {
        let lake = lake(&["SFFF", "FHFH", "FFFH", "HFFG"]);
        // From cell 9, action 2 (right): down, right, up.
        for (u, cell) in [(0.0, 13), (0.333, 13), (0.334, 10), (0.666, 10), (0.667, 5), (0.999, 5)] {
            assert_eq!(after(&lake, &DEFAULT, 9, 2, u), (cell, 0.0, cell == 5), "{u}");
        }
        let sure = Params { success_rate: 0.75, ..DEFAULT };
        for (u, cell) in [(0.124, 8), (0.126, 13), (0.874, 13), (0.876, 10)] {
            assert_eq!(after(&lake, &sure, 9, 1, u).0, cell, "{u}");
        }
        let dry = Params { is_slippery: 0, ..DEFAULT };
        for u in [0.0, 0.5, 0.999] {
            assert_eq!(after(&lake, &dry, 14, 2, u), (15, 1.0, true));
            assert_eq!(after(&lake, &dry, 0, 0, u), (0, 0.0, false));
            // Holes and goals hold.
            assert_eq!(after(&lake, &dry, 15, 3, u), (15, 0.0, true));
            assert_eq!(after(&lake, &dry, 5, 3, u), (5, 0.0, true));
        }
    }

    #[test]
    fn starts_are_equally_likely() {
        let lake = lake(&["FSFFS", "SFGSS"]);
        let mut counts = [0u32; 10];
        for lane in 0..50_000 {
            counts[lake.reset(&DEFAULT, &mut Rng::new(3, STREAM_RESET, 0, lane)).cell as usize] += 1;
        }
        let square = |cell: usize| (f64::from(counts[cell]) - 10_000.0).powi(2) / 10_000.0;
        let chi_square: f64 = [1, 4, 5, 8, 9].into_iter().map(square).sum();
        // 4 degrees of freedom: p = 0.001 at 18.5.
        assert!(chi_square < 18.5 && counts.iter().sum::<u32>() == 50_000, "{chi_square} {counts:?}");
        assert_eq!([0, 2, 3, 6, 7].map(|cell| counts[cell]), [0; 5]);
    }
}
