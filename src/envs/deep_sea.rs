//! DeepSea-bsuite: the twin of `shaders/envs/deep_sea.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Constants, Outcome, World};
use crate::error::{Error, Result};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle, sd_round_box, sd_segment};
use crate::shared::grid::{from, one_hot, place_of};
use crate::shared::normal::normal;
use crate::shared::rng::{Rng, pcg4d};

/// DeepSea as bsuite 0.3.6 defines it, up to the action mapping of a seed.
pub static DEEP_SEA: BuiltIn = BuiltIn {
    id: "DeepSea-bsuite",
    short: "deepsea",
    title: "dive to a treasure that only one way leads to",
    file: "deep_sea.wgsl",
    source: include_str!("../../shaders/envs/deep_sea.wgsl"),
    values: &[],
    twin: |constants| Ok(Box::new(DeepSea::new(constants)?)),
};

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Whether moves always succeed and rewards carry no noise.
        pub deterministic: u32,
        /// Cost of a move to the right, times the size.
        pub unscaled_move_cost: f32,
        /// Whether cells differ in the action that means right; otherwise it is 1 everywhere.
        pub randomize_actions: u32,
        /// Seed of the cells' actions.
        pub mapping_seed: u32,
    }
}

gpu_struct! {
    /// Where the diver is.
    pub struct State {
        /// From the surface; the size at the end.
        pub row: u32,
        /// From the left.
        pub column: u32,
    }
}

/// A sea with its mapping of actions, which has a single row where `mapping_seed` decides.
pub struct DeepSea {
    size: u32,
    mapping: Vec<Vec<u32>>,
}

impl DeepSea {
    fn new(constants: &Constants) -> Result<DeepSea> {
        let size = constants.u32("SIZE")?;
        let mapping = constants.grid("MAPPING")?;
        let square = mapping.len() == size as usize && mapping[0].len() == size as usize;
        if mapping.len() != 1 && !square {
            return Err(Error::invalid(
                "env_params.mapping",
                format!("{} by {}", mapping.len(), mapping[0].len()),
                format!("{size} by {size}, as size is"),
                "Give one digit, 0 or 1, per cell, rows separated by '/'.",
            ));
        }
        Ok(DeepSea { size, mapping })
    }

    fn right_action(&self, env: &Params, row: u32, column: u32) -> u32 {
        if self.mapping.len() == self.size as usize {
            return self.mapping[row.min(self.size - 1) as usize][column.min(self.size - 1) as usize];
        }
        if env.randomize_actions == 0 {
            return 1;
        }
        pcg4d([row, column, env.mapping_seed, 0])[0] >> 31
    }
}

impl World for DeepSea {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, _: &mut Rng<'_>) -> State {
        State { row: 0, column: 0 }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let s = *state;
        let last = self.size - 1;
        let right = action[0] == self.right_action(env, s.row, s.column);
        let mut reward = 0.0;
        if right && s.column == last {
            reward = 1.0;
        }
        if env.deterministic == 0 && s.row == last && (s.column == 0 || s.column == last) {
            reward += normal(rng);
        }
        let mut column = s.column;
        if right {
            let calm = rng.uniform() > 1.0 / self.size as f32;
            if calm || env.deterministic != 0 {
                column = (s.column + 1).min(last);
            }
            reward -= env.unscaled_move_cost * 100.0 / (100 * self.size) as f32;
        } else {
            column = s.column.max(1) - 1;
        }
        let row = (s.row + 1).min(self.size);
        *state = State { row, column };
        Outcome { reward, terminated: row == self.size }
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        one_hot(obs, if state.row < self.size { state.row * self.size + state.column } else { u32::MAX });
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let place = place_of(uv, self.size + 1, self.size);
        let at = place.at;
        let mut colour = SAND;
        if place.row < self.size {
            let depth = place.row as f32 / self.size as f32;
            let checks = if (place.row + place.column) % 2 == 1 { 0.02 } else { 0.0 };
            colour = [
                SURFACE[0] + (DEPTHS[0] - SURFACE[0]) * depth + checks,
                SURFACE[1] + (DEPTHS[1] - SURFACE[1]) * depth + checks,
                SURFACE[2] + (DEPTHS[2] - SURFACE[2]) * depth + checks,
            ];
            if place.row == 0 {
                // Waves on the surface.
                colour =
                    paint(colour, SKY, sd_circle([(at[0].abs() - 0.25).abs() - 0.125, at[1] + 0.56], 0.18));
            }
        } else {
            colour = paint(colour, DARK_SAND, sd_segment(at, [-0.30, -0.20], [-0.10, -0.20], 0.03));
            colour = paint(colour, DARK_SAND, sd_segment(at, [0.10, 0.22], [0.34, 0.22], 0.03));
        }
        let here = place.row == state.row && place.column == state.column;
        if place.row == self.size && place.column == self.size - 1 {
            if here {
                colour = draw_diver(colour, from(at, 0.0, -0.22));
            }
            return draw_chest(colour, at, here);
        }
        if here {
            colour = draw_diver(colour, at);
        }
        colour
    }
}

const SURFACE: [f32; 3] = [0.42, 0.76, 0.88];
const SKY: [f32; 3] = [0.93, 0.97, 1.0];
const DEPTHS: [f32; 3] = [0.03, 0.11, 0.27];
const SAND: [f32; 3] = [0.86, 0.75, 0.50];
const DARK_SAND: [f32; 3] = [0.72, 0.60, 0.38];
const CHEST: [f32; 3] = [0.50, 0.29, 0.12];
const CHEST_LID: [f32; 3] = [0.60, 0.36, 0.16];
const GOLD: [f32; 3] = [1.0, 0.84, 0.22];
const BUBBLE: [f32; 3] = [0.82, 0.94, 0.98];
const SUIT: [f32; 3] = [0.93, 0.55, 0.14];
const BRASS: [f32; 3] = [0.80, 0.62, 0.28];
const VISOR: [f32; 3] = [0.78, 0.92, 0.96];
const LEAD: [f32; 3] = [0.25, 0.24, 0.27];

// Rows of water and the ground below, where the dive ends.

/// The chest, open and full to the brim once it is found.
fn draw_chest(under: [f32; 3], at: [f32; 2], found: bool) -> [f32; 3] {
    let mut colour = under;
    colour = paint(colour, GOLD, sd_round_box(from(at, 0.0, 0.0), [0.33, 0.10], 0.09));
    colour = paint(colour, CHEST, sd_round_box(from(at, 0.0, 0.20), [0.38, 0.20], 0.03));
    if !found {
        colour = paint(colour, CHEST_LID, sd_round_box(from(at, 0.0, -0.10), [0.38, 0.18], 0.12));
    }
    colour = paint(colour, LEAD, sd_round_box([at[0].abs() - 0.26, at[1] - 0.20], [0.03, 0.20], 0.0));
    colour = paint(colour, GOLD, sd_round_box(from(at, 0.0, 0.10), [0.07, 0.08], 0.03));
    colour
}

fn draw_diver(under: [f32; 3], at: [f32; 2]) -> [f32; 3] {
    let mut colour = under;
    let side = [at[0].abs(), at[1]];
    colour = paint(colour, SUIT, sd_segment(side, [0.08, 0.18], [0.11, 0.36], 0.06));
    colour = paint(colour, LEAD, sd_round_box(from(side, 0.13, 0.42), [0.09, 0.04], 0.03));
    colour = paint(colour, SUIT, sd_segment(side, [0.14, 0.04], [0.27, 0.14], 0.055));
    colour = paint(colour, SUIT, sd_round_box(from(at, 0.0, 0.11), [0.16, 0.15], 0.07));
    colour = paint(colour, BRASS, sd_round_box(from(at, 0.0, 0.02), [0.17, 0.05], 0.04));
    colour = paint(colour, BRASS, sd_circle(from(at, 0.0, -0.16), 0.20));
    colour = paint(colour, LEAD, sd_circle(from(at, 0.0, -0.15), 0.125));
    colour = paint(colour, VISOR, sd_circle(from(at, 0.0, -0.15), 0.10));
    colour = paint(colour, BUBBLE, sd_circle(from(at, 0.26, -0.24), 0.045));
    colour = paint(colour, BUBBLE, sd_circle(from(at, 0.33, -0.38), 0.06));
    colour
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Params =
        Params { deterministic: 1, unscaled_move_cost: 0.01, randomize_actions: 1, mapping_seed: 42 };

    /// A dive that always asks for the right, or always for the left: return and last column.
    fn dive(sea: &DeepSea, params: &Params, rightwards: bool) -> (f32, u32) {
        let mut state = State { row: 0, column: 0 };
        let mut total = 0.0;
        for step in 1..=sea.size {
            let right = sea.right_action(params, state.row, state.column);
            let action = if rightwards { right } else { 1 - right };
            let outcome = sea.step(params, &mut state, &[action], &mut Rng::new(1, 2, step, 0));
            assert_eq!((state.row, outcome.terminated), (step, step == sea.size));
            total += outcome.reward;
        }
        (total, state.column)
    }

    #[test]
    fn the_way_to_the_right_earns_the_threshold_at_every_size() {
        for size in 2..=100 {
            let sea = DeepSea { size, mapping: vec![vec![2]] };
            for params in [CALM, Params { mapping_seed: 7, ..CALM }, Params { randomize_actions: 0, ..CALM }]
            {
                let (total, column) = dive(&sea, &params, true);
                assert!(total > 0.9899 && total < 0.9901 && column == size - 1, "{size}: {total}");
                assert_eq!(dive(&sea, &params, false), (0.0, 0));
            }
            // One step to the right costs what f64 makes of it.
            let cost = (0.01 / f64::from(size)) as f32;
            let mut state = State { row: 0, column: 0 };
            let action = sea.right_action(&CALM, 0, 0);
            let outcome = sea.step(&CALM, &mut state, &[action], &mut Rng::new(0, 0, 0, 0));
            assert_eq!((outcome.reward, state.column), (-cost, 1));
        }
    }

    #[test]
    fn mappings_are_given_or_drawn_evenly() {
        let given = DeepSea { size: 2, mapping: vec![vec![0, 1], vec![1, 0]] };
        let actions = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(r, c)| given.right_action(&CALM, r, c));
        assert_eq!(actions, [0, 1, 1, 0]);
        let hashed = DeepSea { size: 100, mapping: vec![vec![2]] };
        for mapping_seed in 0..10 {
            let params = Params { mapping_seed, ..CALM };
            let ones: u32 = (0..100)
                .flat_map(|r| (0..100).map(move |c| (r, c)))
                .map(|(r, c)| hashed.right_action(&params, r, c))
                .sum();
            // The standard error is 50.
            assert!(ones.abs_diff(5000) < 200, "{mapping_seed}: {ones}");
        }
    }

    #[test]
    fn wind_draws_the_noise_before_the_move() {
        let windy = Params { deterministic: 0, randomize_actions: 0, ..CALM };
        let sea = DeepSea { size: 10, mapping: vec![vec![2]] };
        let step = |row, column, action, draws: &[u32]| {
            let mut rng = Rng { given: draws, ..Rng::new(0, 0, 0, 0) };
            let mut state = State { row, column };
            let outcome = sea.step(&windy, &mut state, &[action], &mut rng);
            (state.column, outcome.reward, rng.draw)
        };
        let (calm, gust) = (0xf000_0000, 0x1000_0000);
        assert_eq!(step(3, 2, 1, &[calm]), (3, -0.001, 1));
        assert_eq!(step(3, 2, 1, &[gust]), (2, -0.001, 1));
        assert_eq!(step(3, 2, 0, &[]), (1, 0.0, 0));
        // Phi(1) of the words is one standard deviation.
        let sigma = (0.841_344_746_068_542_9 * 4_294_967_296.0) as u32;
        let (column, reward, draws) = step(9, 9, 1, &[sigma, calm]);
        assert!(column == 9 && (reward - 1.999).abs() < 1e-6 && draws == 2, "{reward}");
        let (column, reward, draws) = step(9, 0, 0, &[!sigma]);
        assert!(column == 0 && (reward + 1.0).abs() < 1e-6 && draws == 1, "{reward}");
    }
}
