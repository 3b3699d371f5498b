//! The toy-text environments of Gymnasium and Catch and Deep Sea of bsuite, written after their sources: lists of outcomes
//! with probabilities, of which a random number chooses the first whose cumulative probability is above it.

use super::dynamics::{Dynamics, Lane, Outcome};
use super::random::{Random, pcg4d};
use super::{Expect, Num};

/// A probability in f64 and the f32 sum of its terms differ by less; a number this close may choose either outcome.
const CLOSE: f64 = 2e-7;

/// FrozenLake with any map.
pub const FROZEN_LAKE: Dynamics =
    Dynamics { reset: frozen_lake_reset, step: frozen_lake, observe: one_hot_index };
/// CliffWalking, slippery or not.
pub const CLIFF_WALKING: Dynamics =
    Dynamics { reset: |_, _| vec![Expect::Bits(36)], step: cliff_walking, observe: one_hot_index };
/// Taxi, dry or rainy, with firm or fickle passengers.
pub const TAXI: Dynamics = Dynamics { reset: taxi_reset, step: taxi, observe: one_hot_index };
/// Catch with any board.
pub const CATCH: Dynamics = Dynamics { reset: catch_reset, step: catch, observe: catch_observe };
/// Deep Sea of any size, windy or not.
pub const DEEP_SEA: Dynamics =
    Dynamics { reset: |_, _| vec![Expect::Bits(0); 2], step: deep_sea, observe: deep_sea_observe };

/// The first outcome whose cumulative probability is above `u`, or `None` where rounding may decide.
fn categorical<T: Copy>(outcomes: &[(f64, T)], u: f64) -> Option<T> {
    let (last, rest) = outcomes.split_last()?;
    let mut cumulative = 0.0;
    for (probability, outcome) in rest {
        cumulative += probability;
        if (cumulative - u).abs() < CLOSE {
            return None;
        }
        if cumulative > u {
            return Some(*outcome);
        }
    }
    Some(last.1)
}

/// One of `count` equally likely choices, or `None` where rounding may decide.
fn choice(random: &mut Random, count: u32) -> Option<u32> {
    let place = random.uniform() * f64::from(count);
    ((place - place.round()).abs() > CLOSE * f64::from(count)).then_some(place as u32)
}

fn outcome(next: &[u32], reward: f64, terminated: bool) -> Option<Outcome> {
    let next = next.iter().map(|word| Expect::Bits(*word)).collect();
    Some(Outcome { next, reward: Num::exact(reward as f32), terminated: Some(terminated) })
}

/// The value of a compile-time parameter, as text.
fn constant<'a>(lane: Lane<'a>, name: &str) -> &'a str {
    lane.env.const_params.iter().find(|param| param.name == name).map_or("", |param| &param.value)
}

/// A compile-time parameter that is a whole number, such as `10u`.
fn whole(lane: Lane<'_>, name: &str) -> u32 {
    constant(lane, name).trim_end_matches('u').parse().unwrap_or(0)
}

/// A compile-time parameter that is a map, such as `array(array(S, F), array(F, G))`, as rows of its cells' text.
fn map<'a>(lane: Lane<'a>, name: &str) -> Vec<Vec<&'a str>> {
    let rows = constant(lane, name).split("array(").skip(2);
    let cells = |row: &'a str| row.split([',', ')', ' ']).filter(|cell| !cell.is_empty()).collect();
    rows.map(cells).collect()
}

fn float(lane: Lane<'_>, param: usize) -> f64 {
    f64::from(f32::from_bits(lane.params[param]))
}

/// Zeros, and a one at `index` if there is such a place.
fn one_hot(size: u32, index: Option<u32>) -> Vec<Expect> {
    (0..size).map(|i| Expect::Bits(if Some(i) == index { 1.0f32.to_bits() } else { 0 })).collect()
}

/// The word of an expected state; `None` where rounding decided it.
fn known(word: Expect) -> Option<u32> {
    match word {
        Expect::Bits(word) => Some(word),
        _ => None,
    }
}

/// Observation of an environment whose first word is Gymnasium's observation.
fn one_hot_index(lane: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    match known(state[0]) {
        Some(index) => one_hot(lane.env.obs_size, Some(index)),
        None => vec![Expect::Any; lane.env.obs_size as usize],
    }
}

fn frozen_lake_reset(lane: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let cells = map(lane, "map").concat();
    let starts: Vec<u32> = (0..).zip(&cells).filter(|(_, cell)| **cell == "S").map(|(i, _)| i).collect();
    // Reservoir sampling: the n-th replaces what was chosen before with probability 1 / n.
    let mut chosen = Expect::Any;
    for (n, start) in (1..).zip(starts) {
        match choice(random, n) {
            Some(0) => chosen = Expect::Bits(start),
            Some(_) => {}
            None => chosen = Expect::Any,
        }
    }
    vec![chosen, Expect::Bits(1)]
}

/// `FrozenLakeEnv.__init__` fills `P` like this.
fn frozen_lake(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let desc = map(lane, "map");
    let (nrow, ncol) = (desc.len() as i64, desc[0].len() as i64);
    let (row, col, a) = (i64::from(state[0]) / ncol, i64::from(state[0]) % ncol, i64::from(action[0]));
    let u = random.uniform();
    if ["G", "H"].contains(&desc[row as usize][col as usize]) {
        return outcome(&[state[0], action[0]], 0.0, true);
    }
    let success_rate = float(lane, 1);
    let fail_rate = (1.0 - success_rate) / 2.0;
    let directions = match lane.params[0] {
        0 => vec![(1.0, a)],
        _ => vec![(fail_rate, (a - 1).rem_euclid(4)), (success_rate, a), (fail_rate, (a + 1).rem_euclid(4))],
    };
    let (new_row, new_col) = match categorical(&directions, u)? {
        0 => (row, (col - 1).max(0)),
        1 => ((row + 1).min(nrow - 1), col),
        2 => (row, (col + 1).min(ncol - 1)),
        _ => ((row - 1).max(0), col),
    };
    let letter = desc[new_row as usize][new_col as usize];
    let schedule = ["G", "H"].iter().position(|l| *l == letter).unwrap_or(2);
    let next = (new_row * ncol + new_col) as u32;
    outcome(&[next, action[0]], float(lane, 2 + schedule), schedule < 2)
}

/// `CliffWalkingEnv._calculate_transition_prob`.
fn cliff_walking(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    // Up, right, down, left.
    const DELTAS: [(i64, i64); 4] = [(-1, 0), (0, 1), (1, 0), (0, -1)];
    let (row, col) = (i64::from(state[0]) / 12, i64::from(state[0]) % 12);
    let a = action[0] as usize;
    let deltas = match lane.params[0] {
        0 => vec![(1.0, DELTAS[a])],
        _ => [a + 3, a, a + 1].map(|act| (1.0 / 3.0, DELTAS[act % 4])).to_vec(),
    };
    let (dr, dc) = categorical(&deltas, random.uniform())?;
    let (row, col) = ((row + dr).clamp(0, 3), (col + dc).clamp(0, 11));
    if row == 3 && (1..11).contains(&col) {
        return outcome(&[36], -100.0, false);
    }
    outcome(&[(row * 12 + col) as u32], -1.0, (row, col) == (3, 11))
}

const TAXI_MAP: [&str; 7] =
    ["+---------+", "|R: | : :G|", "| : | : : |", "| : : : : |", "| | : | : |", "|Y| : |B: |", "+---------+"];
const LOCS: [(i64, i64); 4] = [(0, 0), (0, 4), (4, 0), (4, 3)];

fn taxi_reset(lane: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let waiting = |i: &u32| i / 4 % 5 < 4 && i / 4 % 5 != i % 4;
    let starts: Vec<u32> = (0..500).filter(waiting).collect();
    let start = choice(random, 300).map(|k| Expect::Bits(starts[k as usize]));
    // An f32 against an f32: exact.
    let fickle = random.uniform() < float(lane, 3) && lane.params[1] != 0;
    vec![start.unwrap_or(Expect::Any), Expect::Bits(u32::from(fickle)), Expect::Bits(0)]
}

/// `_build_dry_transitions`, `_build_rainy_transitions` and `step` of `TaxiEnv`.
fn taxi(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let u = random.uniform();
    let index = i64::from(state[0]);
    let (here, passenger, destination) = ((index / 100, index / 20 % 5), index / 4 % 5, index % 4);
    // South, north, east, west; a wall is any character but ':' between two cells.
    let moved = |(row, col): (i64, i64), direction: i64| {
        let open = |at: i64| TAXI_MAP[1 + row as usize].as_bytes()[at as usize] == b':';
        match direction {
            0 => ((row + 1).min(4), col),
            1 => ((row - 1).max(0), col),
            2 if open(2 * col + 2) => (row, col + 1),
            3 if open(2 * col) => (row, col - 1),
            _ => (row, col),
        }
    };
    let at_loc = LOCS.iter().position(|loc| *loc == here).map(|loc| loc as i64);
    let (mut next, mut next_passenger, mut next_destination) = (here, passenger, destination);
    let (mut reward, mut terminated) = (-1.0, false);
    let mut heading = state[2];
    match action[0] {
        4 if passenger < 4 && at_loc == Some(passenger) => next_passenger = 4,
        5 if passenger == 4 && at_loc == Some(destination) => {
            (next_passenger, reward, terminated) = (destination, 20.0, true);
        }
        5 if passenger == 4 && at_loc.is_some() => next_passenger = at_loc?,
        4 | 5 => reward = -10.0,
        direction => {
            heading = direction;
            next = moved(here, i64::from(direction));
            if lane.params[0] != 0 && next != here {
                let [left, right] = [[2, 3], [3, 2], [1, 0], [0, 1]][direction as usize];
                let lateral = (1.0 - float(lane, 2)) / 2.0;
                let outcomes =
                    [(float(lane, 2), next), (lateral, moved(here, left)), (lateral, moved(here, right))];
                next = categorical(&outcomes, u)?;
            }
        }
    }
    let mut fickle_step = state[1];
    if fickle_step != 0 && passenger == 4 && next != here {
        fickle_step = 0;
        let possible: Vec<i64> = (0..4).filter(|loc| *loc != destination).collect();
        next_destination = possible[choice(random, 3)? as usize];
    }
    let next = ((next.0 * 5 + next.1) * 5 + next_passenger) * 4 + next_destination;
    outcome(&[next as u32, fickle_step, heading], reward, terminated)
}

fn catch_reset(lane: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let columns = whole(lane, "columns");
    let ball = choice(random, columns).map_or(Expect::Any, Expect::Bits);
    vec![ball, Expect::Bits(0), Expect::Bits(columns / 2)]
}

/// `Catch._step`.
fn catch(lane: Lane<'_>, state: &[u32], action: &[u32], _: &mut Random) -> Option<Outcome> {
    let (rows, columns) = (whole(lane, "rows"), whole(lane, "columns"));
    let dx = i64::from(action[0]) - 1;
    let paddle_x = (i64::from(state[2]) + dx).clamp(0, i64::from(columns) - 1) as u32;
    let ball_y = (state[1] + 1).min(rows - 1);
    let next = [state[0], ball_y, paddle_x];
    if ball_y == rows - 1 {
        return outcome(&next, if paddle_x == state[0] { 1.0 } else { -1.0 }, true);
    }
    outcome(&next, 0.0, false)
}

fn catch_observe(lane: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let (rows, columns) = (whole(lane, "rows"), whole(lane, "columns"));
    let [Some(ball_x), Some(ball_y), Some(paddle_x)] = [0, 1, 2].map(|i| known(state[i])) else {
        return vec![Expect::Any; lane.env.obs_size as usize];
    };
    let mut board = one_hot(rows * columns, Some(ball_y * columns + ball_x));
    board[((rows - 1) * columns + paddle_x) as usize] = Expect::Bits(1.0f32.to_bits());
    board
}

/// `DeepSea._step`.
fn deep_sea(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let size = whole(lane, "size");
    let [row, column] = [state[0], state[1]];
    let mapping = map(lane, "mapping");
    let right_action = match (mapping.len(), lane.params[2]) {
        (rows, _) if rows == size as usize => {
            u32::from(mapping[row.min(size - 1) as usize][column as usize].starts_with('1'))
        }
        (_, 0) => 1,
        // Ours alone: bsuite's mapping comes from NumPy's generator.
        _ => u32::from(pcg4d([row, column, lane.params[3], 0].map(u64::from))[0] >= 1 << 31),
    };
    let action_right = action[0] == right_action;
    let deterministic = lane.params[0] != 0;
    let mut reward = Num::default();
    if column == size - 1 && action_right {
        reward = reward + Num::exact(1.0);
    }
    if !deterministic && row == size - 1 && [0, size - 1].contains(&column) {
        reward = reward + normal(random);
    }
    let mut next = column.saturating_sub(1);
    if action_right {
        let wind = [(1.0 / f64::from(size), true), (1.0, false)];
        let failed = categorical(&wind, random.uniform());
        next = if failed? && !deterministic { column } else { (column + 1).min(size - 1) };
        let share = Num { value: float(lane, 1) * 100.0, bound: 0.0 } / Num::exact(100.0 * size as f32);
        reward = reward - share - Num { value: 0.0, bound: 1e-7 * float(lane, 1).abs() };
    }
    let row = (row + 1).min(size);
    let next = [row, next].map(Expect::Bits).to_vec();
    Some(Outcome { next, reward, terminated: Some(row == size) })
}

fn deep_sea_observe(lane: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let size = whole(lane, "size");
    match [0, 1].map(|i| known(state[i])) {
        [Some(row), Some(column)] => one_hot(size * size, (row < size).then_some(row * size + column)),
        _ => vec![Expect::Any; (size * size) as usize],
    }
}

/// Probability that a standard normal number exceeds `z >= 0`.
fn upper_tail(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z > 2.5 {
        // Laplace's continued fraction.
        return density / (1..200).rev().fold(z, |below, k| z + f64::from(k) / below);
    }
    let mut term = z;
    let mut sum = z;
    for k in 1..100 {
        term *= z * z / (2.0 * f64::from(k) + 1.0);
        sum += term;
    }
    0.5 - density * sum
}

/// The number whose probability of not being exceeded is the middle of the word's cell.
pub(super) fn normal(random: &mut Random) -> Num {
    let phi = (f64::from(random.word()) + 0.5) / 4_294_967_296.0;
    let tail = phi.min(1.0 - phi);
    let (mut low, mut high) = (0.0, 8.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if upper_tail(middle) > tail { low = middle } else { high = middle }
    }
    let z = if phi < 0.5 { -low } else { low };
    Num { value: z, bound: 2e-7 + 5e-7 * low }
}

/// The model of a toy-text or bsuite file.
pub fn dynamics(file: &str) -> Option<Dynamics> {
    match file {
        "frozen_lake.wgsl" => Some(FROZEN_LAKE),
        "cliff_walking.wgsl" => Some(CLIFF_WALKING),
        "taxi.wgsl" => Some(TAXI),
        "catch.wgsl" => Some(CATCH),
        "deep_sea.wgsl" => Some(DEEP_SEA),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::normal;
    use crate::shared::rng::Rng;

    #[test]
    fn tails_of_the_normal_distribution() {
        for (z, tail) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_05),
            (2.4, 0.008_197_535_924_596_131),
            (3.0, 0.001_349_898_031_630_094_6),
            (6.0, 9.865876450376946e-10),
        ] {
            assert!((upper_tail(z) / tail - 1.0).abs() < 1e-12, "{z}: {}", upper_tail(z));
        }
    }

    #[test]
    fn normal_numbers_stay_within_half_of_their_bound() {
        for lane in 0..20_000 {
            let mut rng = Rng::new(9, 0, 0, lane);
            let mut random = Random::new(9, 0, 0, lane);
            let (got, want) = (f64::from(normal::normal(&mut rng)), normal(&mut random));
            assert!((got - want.value).abs() <= want.bound, "{got} {want:?}");
        }
    }

    #[test]
    fn rounding_decides_only_close_to_a_boundary() {
        let outcomes = [(0.25, 'a'), (0.5, 'b'), (0.25, 'c')];
        for (u, chosen) in
            [(0.1, Some('a')), (0.25, None), (0.3, Some('b')), (0.9, Some('c')), (1.0, Some('c'))]
        {
            assert_eq!(categorical(&outcomes, u), chosen, "{u}");
        }
    }
}
