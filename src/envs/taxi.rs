//! Taxi-v4: the twin of `shaders/envs/taxi.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_round_box};
use crate::shared::grid::{choice_of, from, one_hot, place_of};
use crate::shared::rng::Rng;

mod drawing;

use drawing::{
    KERB, LANE, MARGIN, STREET, WALL, WALL_SHADE, WIDTH, draw_destination, draw_passenger, draw_stop,
    draw_taxi, draw_walls,
};

/// Taxi-v4 as Gymnasium 1.4 defines it.
pub static TAXI: BuiltIn = BuiltIn {
    id: "Taxi-v4",
    short: "taxi",
    title: "fetch a passenger and drive to the destination",
    file: "taxi.wgsl",
    source: include_str!("../../shaders/envs/taxi.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Taxi)),
};

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Whether rain makes the taxi slide.
        pub is_rainy: u32,
        /// Whether passengers may change their destination.
        pub fickle_passenger: u32,
        /// In rain: probability of driving where the action points.
        pub rainy_probability: f32,
        /// With fickle passengers: share of episodes in which one changes the destination.
        pub fickle_probability: f32,
    }
}

gpu_struct! {
    /// Taxi, passenger and destination.
    pub struct State {
        /// Gymnasium's index.
        pub index: u32,
        /// Whether the passenger will yet think of another destination.
        pub fickle: u32,
        /// The last direction driven.
        pub heading: u32,
    }
}

const NOWHERE: u32 = 4;
const ABOARD: u32 = 4;

#[derive(Clone, Copy)]
struct Ride {
    cell: u32,
    passenger: u32,
    destination: u32,
}

fn decode(index: u32) -> Ride {
    Ride { cell: index / 20, passenger: index / 4 % 5, destination: index % 4 }
}

fn encode(ride: Ride) -> u32 {
    (ride.cell * 5 + ride.passenger) * 4 + ride.destination
}

fn landmark(cell: u32) -> u32 {
    match cell {
        0 => 0,
        4 => 1,
        20 => 2,
        23 => 3,
        _ => NOWHERE,
    }
}

fn wall_east(row: u32, column: u32) -> bool {
    row < 2 && column == 1 || row > 2 && (column == 0 || column == 2)
}

fn driven(cell: u32, direction: u32) -> u32 {
    let row = cell / 5;
    let column = cell % 5;
    if direction == 0 && row < 4 {
        return cell + 5;
    }
    if direction == 1 && row > 0 {
        return cell - 5;
    }
    if direction == 2 && column < 4 && !wall_east(row, column) {
        return cell + 1;
    }
    if direction == 3 && column > 0 && !wall_east(row, column - 1) {
        return cell - 1;
    }
    cell
}

fn left_of(direction: u32) -> u32 {
    if direction < 2 {
        return direction + 2;
    }
    3 - direction
}

/// The city.
pub struct Taxi;

impl World for Taxi {
    type State = State;
    type Params = Params;

    fn reset(&self, env: &Params, rng: &mut Rng<'_>) -> State {
        let start = choice_of(rng.uniform(), 300);
        let fickle = rng.uniform() < env.fickle_probability && env.fickle_passenger != 0;
        let passenger = start / 3 % 4;
        let other = start % 3;
        let destination = other + u32::from(other >= passenger);
        let index = encode(Ride { cell: start / 12, passenger, destination });
        State { index, fickle: u32::from(fickle), heading: 0 }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let action = action[0];
        let u = rng.uniform();
        let ride = decode(state.index);
        let mut next = ride;
        let mut outcome = Outcome { reward: -1.0, terminated: false };
        let here = landmark(ride.cell);
        if action < 4 {
            state.heading = action;
            next.cell = driven(ride.cell, action);
            if env.is_rainy != 0 && next.cell != ride.cell && u >= env.rainy_probability {
                let side = (1.0 - env.rainy_probability) * 0.5;
                let left = left_of(action);
                let aside = if u < env.rainy_probability + side { left } else { left ^ 1 };
                next.cell = driven(ride.cell, aside);
            }
        } else if action == 4 {
            if ride.passenger != ABOARD && ride.passenger == here {
                next.passenger = ABOARD;
            } else {
                outcome.reward = -10.0;
            }
        } else if action == 5 {
            if ride.passenger == ABOARD && here != NOWHERE {
                next.passenger = here;
                if here == ride.destination {
                    outcome = Outcome { reward: 20.0, terminated: true };
                }
            } else {
                outcome.reward = -10.0;
            }
        }
        if state.fickle != 0 && ride.passenger == ABOARD && next.cell != ride.cell {
            state.fickle = 0;
            let other = choice_of(rng.uniform(), 3);
            next.destination = other + u32::from(other >= ride.destination);
        }
        state.index = encode(next);
        outcome
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        one_hot(obs, state.index);
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let ride = decode(state.index);
        let city = [uv[0] * WIDTH - MARGIN, uv[1] * WIDTH - MARGIN];
        let place = place_of([city[0] * 0.2, city[1] * 0.2], 5, 5);
        let at = place.at;
        let cell = place.row * 5 + place.column;
        let stop = landmark(cell);
        let mut colour = STREET;
        // A dash across each border between two cells.
        colour = paint(colour, LANE, sd_round_box([at[0].abs() - 0.5, at[1]], [0.015, 0.14], 0.0));
        colour = paint(colour, LANE, sd_round_box([at[0], at[1].abs() - 0.5], [0.14, 0.015], 0.0));
        if stop != NOWHERE {
            colour = draw_stop(colour, at, stop);
            if stop == ride.destination {
                colour = draw_destination(colour, at);
            }
            if stop == ride.passenger {
                colour = draw_passenger(colour, from(at, -0.27, 0.10));
            }
        }
        colour = draw_walls(colour, at, place.row, place.column);
        let outside = sd_round_box(from(city, 2.5, 2.5), [2.5, 2.5], 0.0);
        if outside > 0.0 {
            colour = if outside < 0.10 { WALL } else { KERB };
            colour = if outside > 0.08 && outside < 0.12 { WALL_SHADE } else { colour };
        }
        if ride.cell == cell {
            colour = draw_taxi(colour, at, state.heading, ride.passenger == ABOARD);
        }
        colour
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_RESET;

    const DRY: Params =
        Params { is_rainy: 0, fickle_passenger: 0, rainy_probability: 0.8, fickle_probability: 0.3 };

    fn after(params: &Params, ride: Ride, action: u32, draws: &[f64]) -> (Ride, f32, bool) {
        let given: Vec<u32> = draws.iter().map(|u| (u * 4_294_967_296.0) as u32).collect();
        let mut rng = Rng { given: &given, ..Rng::new(0, 0, 0, 0) };
        let mut state = State { index: encode(ride), fickle: params.fickle_passenger, heading: 0 };
        let outcome = Taxi.step(params, &mut state, &[action], &mut rng);
        assert_eq!(rng.draw as usize, draws.len());
        (decode(state.index), outcome.reward, outcome.terminated)
    }

    #[test]
    fn walls_are_where_gymnasium_prints_them() {
        let map = ["|R: | : :G|", "| : | : : |", "| : : : : |", "| | : | : |", "|Y| : |B: |"];
        for cell in 0..25 {
            let (row, column) = (cell / 5, cell % 5);
            let open = |at: u32| map[row as usize].as_bytes()[at as usize] == b':';
            let east = if open(2 * column + 2) { cell + 1 } else { cell };
            let west = if open(2 * column) { cell - 1 } else { cell };
            let south = if row < 4 { cell + 5 } else { cell };
            let north = if row > 0 { cell - 5 } else { cell };
            assert_eq!([0, 1, 2, 3].map(|action| driven(cell, action)), [south, north, east, west], "{cell}");
        }
    }

    #[test]
    fn passengers_are_fetched_and_delivered() {
        let ride = |cell, passenger, destination| Ride { cell, passenger, destination };
        let step = |r, action| {
            let (next, reward, terminated) = after(&DRY, r, action, &[0.5]);
            (encode(next), reward, terminated)
        };
        assert_eq!(step(ride(4, 1, 2), 4), (encode(ride(4, ABOARD, 2)), -1.0, false));
        assert_eq!(step(ride(5, 1, 2), 4), (encode(ride(5, 1, 2)), -10.0, false));
        assert_eq!(step(ride(12, ABOARD, 2), 4), (encode(ride(12, ABOARD, 2)), -10.0, false));
        assert_eq!(step(ride(20, ABOARD, 2), 5), (encode(ride(20, 2, 2)), 20.0, true));
        // At another landmark the passenger gets out; elsewhere not.
        assert_eq!(step(ride(23, ABOARD, 2), 5), (encode(ride(23, 3, 2)), -1.0, false));
        assert_eq!(step(ride(12, ABOARD, 2), 5), (encode(ride(12, ABOARD, 2)), -10.0, false));
        assert_eq!(step(ride(20, 2, 2), 5), (encode(ride(20, 2, 2)), -10.0, false));
    }

    #[test]
    fn rain_pushes_aside_and_fickle_passengers_change_their_mind() {
        let rain = Params { is_rainy: 1, ..DRY };
        let ride = |cell| Ride { cell, passenger: 0, destination: 1 };
        // From the middle: ahead, left, right of each direction.
        for (action, cells) in [(0, [17, 13, 11]), (1, [7, 11, 13]), (2, [13, 7, 17]), (3, [11, 17, 7])] {
            for (u, cell) in [(0.79, cells[0]), (0.81, cells[1]), (0.89, cells[1]), (0.91, cells[2])] {
                assert_eq!(after(&rain, ride(12), action, &[u]).0.cell, cell, "{action} {u}");
            }
        }
        // Nothing happens where the way ahead is blocked, or to the side where that one is.
        assert_eq!(after(&rain, ride(1), 2, &[0.95]).0.cell, 1);
        assert_eq!(after(&rain, ride(1), 0, &[0.85]).0.cell, 1);
        let fickle = Params { fickle_passenger: 1, ..DRY };
        let aboard = Ride { cell: 12, passenger: ABOARD, destination: 1 };
        for (u, destination) in [(0.1, 0), (0.5, 2), (0.9, 3)] {
            assert_eq!(after(&fickle, aboard, 0, &[0.5, u]).0.destination, destination);
        }
        assert_eq!(after(&fickle, ride(12), 0, &[0.5]).0.destination, 1);
        assert_eq!(after(&fickle, Ride { cell: 1, ..aboard }, 2, &[0.5]).0.destination, 1);
    }

    #[test]
    fn the_300_starts_are_equally_likely() {
        let params = Params { fickle_passenger: 1, ..DRY };
        let mut counts = vec![0u32; 500];
        let mut fickle = 0;
        let lanes = 300_000;
        for lane in 0..lanes {
            let state = Taxi.reset(&params, &mut Rng::new(11, STREAM_RESET, 0, lane));
            counts[state.index as usize] += 1;
            fickle += state.fickle;
        }
        let mut chi_square = 0.0;
        for (index, count) in counts.iter().enumerate() {
            let ride = decode(index as u32);
            if ride.passenger == ABOARD || ride.passenger == ride.destination {
                assert_eq!(*count, 0, "{index}");
            } else {
                chi_square += (f64::from(*count) - 1000.0).powi(2) / 1000.0;
            }
        }
        // 299 degrees of freedom: p = 0.001 at 380.
        assert!(chi_square < 380.0, "{chi_square}");
        // The standard error is 251.
        assert!((f64::from(fickle) - 90_000.0).abs() < 900.0, "{fickle}");
    }
}
