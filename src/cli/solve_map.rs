//! The cells of a solved environment: which state lies where, and where its actions lead.

use softq::agents::tabular::Solution;
use softq::envs::Env;
use softq::envs::tabulate::Tabulated;
use softq::report::policy_map::{Cell, PolicyMap};

/// One picture of the cells: the observation's place of each.
struct Layer {
    title: String,
    places: Vec<u32>,
}

/// How observations lie in a grid.
struct Grid {
    columns: u32,
    /// Cell of an observation's place.
    cell: fn(u32) -> u32,
    layers: Vec<Layer>,
}

/// Maps of an environment whose observations are cells of a grid; none otherwise.
pub fn maps(env: &Env, table: &Tabulated, solution: &Solution) -> Vec<PolicyMap> {
    let (Some(places), Some(grid)) = (&table.places, grid(env)) else { return Vec::new() };
    let mut states = vec![None; env.obs_size as usize];
    for (state, place) in (0..).zip(places) {
        if let Some(place) = place {
            states[*place as usize] = Some(state);
        }
    }
    let general = general_moves(table, places, &grid);
    let map = |layer: &Layer| PolicyMap {
        title: layer.title.clone(),
        columns: grid.columns as usize,
        cells: layer
            .places
            .iter()
            .map(|place| match states[*place as usize] {
                None => Cell::Empty,
                Some(state) if table.mdp.is_end(state) => Cell::End { reward: arrival(table, state) },
                Some(state) => {
                    let actions = table.mdp.actions as usize;
                    let policy = &solution.policy[state as usize * actions..][..actions];
                    Cell::State {
                        value: f64::from(solution.values[state as usize]),
                        policy: policy.iter().map(|share| f64::from(*share)).collect(),
                        moves: (0..table.mdp.actions)
                            .map(|action| {
                                sure_move(table, places, &grid, state, action).or(general[action as usize])
                            })
                            .collect(),
                    }
                }
            })
            .collect(),
    };
    grid.layers.iter().map(map).collect()
}

/// The grid that an environment's one-hot observations form: as wide and high as its picture. Taxi's cells have 20 states each, of
/// which those are shown that differ in where to go.
fn grid(env: &Env) -> Option<Grid> {
    if env.id == "Taxi-v4" {
        const STOPS: [&str; 4] = ["red", "green", "yellow", "blue"];
        let layer = |title: String, passenger: u32, destination: u32| Layer {
            title,
            places: (0..25).map(|cell| cell * 20 + passenger * 4 + destination).collect(),
        };
        let mut layers: Vec<Layer> = Vec::new();
        for (stop, name) in (0..).zip(STOPS) {
            let to = (stop + 1) % 4;
            let title = format!("passenger waits at {name}, wants to go to {}", STOPS[to as usize]);
            layers.push(layer(title, stop, to));
        }
        for (stop, name) in (0..).zip(STOPS) {
            layers.push(layer(format!("passenger aboard, wants to go to {name}"), 4, stop));
        }
        return Some(Grid { columns: 5, cell: |place| place / 20, layers });
    }
    // As wide and high as the picture says, else a square: Deep Sea's picture has a row more than its observation.
    let size = f64::from(env.obs_size);
    let whole = |aspect: f64| {
        let rows = (size / aspect).sqrt().round();
        let columns = (rows * aspect).round();
        (rows >= 1.0 && rows * columns == size).then_some(columns)
    };
    let columns = whole(f64::from(env.draw_aspect)).or_else(|| whole(1.0)).filter(|_| env.has_draw)?;
    Some(Grid {
        columns: columns as u32,
        cell: |place| place,
        layers: vec![Layer { title: String::new(), places: (0..env.obs_size).collect() }],
    })
}

/// Rows down and columns right from one state to another, if they are neighbours.
fn step_between(places: &[Option<u32>], grid: &Grid, from: u32, to: u32) -> Option<[f64; 2]> {
    let at = |state: u32| {
        let cell = (grid.cell)(places[state as usize]?);
        Some([f64::from(cell / grid.columns), f64::from(cell % grid.columns)])
    };
    let ([from_row, from_column], [row, column]) = (at(from)?, at(to)?);
    let [down, right] = [row - from_row, column - from_column];
    let near = down.abs() <= 1.0 && right.abs() <= 1.0 && (down != 0.0 || right != 0.0);
    near.then_some([down, right])
}

/// Where an action leads from this state, if that is certain and a neighbour.
fn sure_move(
    table: &Tabulated,
    places: &[Option<u32>],
    grid: &Grid,
    state: u32,
    action: u32,
) -> Option<[f64; 2]> {
    match table.mdp.row(state, action) {
        [only] => step_between(places, grid, state, only.next),
        _ => None,
    }
}

/// Where each action leads on the whole: the mean step between neighbours over all states.
fn general_moves(table: &Tabulated, places: &[Option<u32>], grid: &Grid) -> Vec<Option<[f64; 2]>> {
    let mean = |action: u32| {
        let mut sum = [0.0, 0.0];
        for state in 0..table.mdp.states {
            for outcome in table.mdp.row(state, action) {
                if let Some([down, right]) = step_between(places, grid, state, outcome.next) {
                    sum[0] += outcome.probability * down;
                    sum[1] += outcome.probability * right;
                }
            }
        }
        let size = (sum[0] * sum[0] + sum[1] * sum[1]).sqrt();
        // Walls on one side more than on the other tilt the mean; the directions of a grid are eighths of a turn.
        let eighth = std::f64::consts::FRAC_PI_4;
        let (down, right) = ((sum[0].atan2(sum[1]) / eighth).round() * eighth).sin_cos();
        (size > 0.5).then_some([down, right])
    };
    (0..table.mdp.actions).map(mean).collect()
}

/// Reward of the steps that end here.
fn arrival(table: &Tabulated, state: u32) -> f64 {
    let outcomes = table.mdp.outcomes.iter().flatten();
    outcomes.filter(|outcome| outcome.next == state).map(|outcome| outcome.reward).next().unwrap_or(0.0)
}
