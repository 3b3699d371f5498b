//! Environments whose state is a few real numbers, as a table: points of a grid over the states, a few actions, and
//! multilinear interpolation between the points.
//!
//! A step from a point ends between points. The weights of those around it sum to 1, so they are probabilities, and the table is
//! an ordinary [`Mdp`], whose backup is `Q(s, a) = r(s, a) + gamma sum_i w_i V(s_i)`: the environment's own step, with V read
//! between the points. It tends to the environment itself as the points come closer.

use crate::engine::env::{ActionSpace, Axis, Env, EnvTwin, ParamValue};
use crate::envs::mdp::{MAX_PAIRS, Mdp, Outcome};
use crate::error::{Error, Result};
use crate::shared::rng::Rng;

/// Fewest points of an axis.
const LEAST_POINTS: u32 = 3;

/// A grid over the states of an environment, with the actions that the table knows.
pub struct Grid {
    twin: &'static dyn EnvTwin,
    params: Vec<u32>,
    axes: Vec<Axis>,
    actions: Vec<Vec<u32>>,
}

impl Grid {
    /// Whether `env` states axes for a grid.
    pub fn suits(env: &Env) -> bool {
        env.twin.as_ref().is_some_and(|twin| !twin.axes().is_empty())
    }

    /// The grid of `env` with so many points along each axis, and along each dimension of a box of actions: its own numbers where
    /// `points` is empty, the number for all of them where there is one.
    pub fn new(env: &'static Env, points: &[u32], actions: Option<u32>) -> Result<Grid> {
        let Some(twin) = env.twin.as_deref().filter(|_| Grid::suits(env)) else {
            let hint = "`softq solve` without --grid finds the states of the others one by one.";
            return Err(Error::invalid("ENV", &env.id, "an environment that states a grid", hint));
        };
        if let Some(param) = env.params.iter().find(|param| matches!(param.value, ParamValue::Uniform(..))) {
            let hint = "It makes a different table in every lane.";
            return Err(Error::invalid(&param.name, param.value, "one number, to be solved", hint));
        }
        let mut axes = twin.axes().to_vec();
        if points.len() > 1 && points.len() != axes.len() {
            let names: Vec<&str> = axes.iter().map(|axis| axis.name).collect();
            let allowed = format!("one number, or one for each of {}", names.join(", "));
            return Err(Error::invalid(
                "grid",
                format!("{points:?}"),
                allowed,
                "For example --grid 120,121.",
            ));
        }
        for (index, axis) in axes.iter_mut().enumerate() {
            axis.points = points.get(index).or(points.first()).copied().unwrap_or(axis.points);
            if axis.points < LEAST_POINTS {
                let allowed = format!("at least {LEAST_POINTS} along {}", axis.name);
                let hint = format!("{} suit {}.", twin.axes()[index].points, env.id);
                return Err(Error::invalid("grid", axis.points, allowed, hint));
            }
        }
        let params = env.lane_params(0, 1);
        let grid = Grid { twin, params, axes, actions: spread(&env.actions, actions)? };
        let pairs = grid.sizes().map(u64::from).fold(grid.actions.len() as u64, u64::saturating_mul);
        if pairs > MAX_PAIRS as u64 {
            let allowed = format!("at most {MAX_PAIRS} pairs of a point and an action");
            let hint = "Lower --grid or --actions.";
            return Err(Error::invalid("grid", format!("{pairs} pairs"), allowed, hint));
        }
        Ok(grid)
    }

    fn sizes(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.axes.iter().map(|axis| axis.points)
    }

    /// The axes, with the points of this grid.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The actions of the table.
    pub fn actions(&self) -> &[Vec<u32>] {
        &self.actions
    }

    /// Number of points.
    pub fn states(&self) -> u32 {
        self.sizes().product()
    }

    /// Words of the state at a point; the last axis varies fastest.
    pub fn state(&self, point: u32) -> Vec<u32> {
        let mut rest = point;
        let mut words: Vec<u32> = self
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let place = rest % axis.points;
                rest /= axis.points;
                (f64::from(axis.low) + f64::from(place) * axis.spacing()) as f32
            })
            .map(f32::to_bits)
            .collect();
        words.reverse();
        words
    }

    /// The points around a state with their weights, which sum to 1. Beyond an end of an axis, the end counts.
    pub fn around(&self, state: &[u32]) -> Vec<(u32, f64)> {
        let mut corners = vec![(0, 1.0)];
        for (axis, word) in self.axes.iter().zip(state) {
            let [below, above] = axis.neighbours(f32::from_bits(*word));
            corners = corners
                .iter()
                .flat_map(|(point, weight)| {
                    [below, above].map(|(place, share)| (point * axis.points + place, weight * share))
                })
                .filter(|(_, weight)| *weight > 0.0)
                .collect();
        }
        corners
    }

    /// A value between the points.
    pub fn value(&self, values: &[f32], state: &[u32]) -> f64 {
        self.around(state).iter().map(|(point, weight)| weight * f64::from(values[*point as usize])).sum()
    }

    /// Takes the environment's own step: reward, and whether the episode ends.
    pub fn step(&self, state: &mut [u32], action: &[u32]) -> (f32, bool) {
        // Environments with a grid draw nothing in their steps.
        let outcome = self.twin.step(&self.params, state, action, &mut Rng::new(0, 0, 0, 0));
        (outcome.reward, outcome.terminated)
    }

    /// The table. It has no starts: those of the environment lie between the points.
    pub fn table(&self) -> Result<Mdp> {
        let mut outcomes = Vec::with_capacity(self.states() as usize * self.actions.len());
        for point in 0..self.states() {
            let start = self.state(point);
            for action in &self.actions {
                let mut state = start.clone();
                let (reward, terminated) = self.step(&mut state, action);
                let reward = f64::from(reward);
                let next = |(next, probability)| Outcome { probability, next, reward, terminated };
                outcomes.push(match terminated {
                    true => vec![next((point, 1.0))],
                    false => self.around(&state).into_iter().map(next).collect(),
                });
            }
        }
        Mdp::new(self.states(), self.actions.len() as u32, outcomes, Vec::new())
    }

    /// Actions to choose from where one is taken: those of the table, and of a box `finer` times as many along each dimension.
    pub fn finer_actions(&self, env: &Env, finer: u32) -> Result<Vec<Vec<u32>>> {
        let along = match &env.actions {
            ActionSpace::Box { low, .. } => {
                (self.actions.len() as f64).powf(1.0 / low.len() as f64).round() as u32
            }
            _ => return Ok(self.actions.clone()),
        };
        spread(&env.actions, Some((along - 1) * finer + 1))
    }
}

impl Axis {
    fn spacing(&self) -> f64 {
        let gaps = self.points - u32::from(!self.wraps);
        (f64::from(self.high) - f64::from(self.low)) / f64::from(gaps)
    }

    /// The places below and above `x` with their shares.
    fn neighbours(&self, x: f32) -> [(u32, f64); 2] {
        let place = (f64::from(x) - f64::from(self.low)) / self.spacing();
        if self.wraps {
            let below = place.floor();
            let at = |place: f64| place.rem_euclid(f64::from(self.points)) as u32 % self.points;
            return [(at(below), 1.0 - (place - below)), (at(below + 1.0), place - below)];
        }
        let place = place.clamp(0.0, f64::from(self.points - 1));
        let below = place.floor().min(f64::from(self.points - 2));
        [(below as u32, 1.0 - (place - below)), (below as u32 + 1, place - below)]
    }
}

/// All discrete actions, or `along` of each dimension of a box, ends included, in every combination.
fn spread(space: &ActionSpace, along: Option<u32>) -> Result<Vec<Vec<u32>>> {
    let refused =
        |value: String, allowed: &str, hint: &str| Err(Error::invalid("actions", value, allowed, hint));
    match (space, along) {
        (ActionSpace::Discrete(actions), None) => Ok((0..*actions).map(|action| vec![action]).collect()),
        (ActionSpace::Discrete(actions), Some(along)) => {
            refused(along.to_string(), "left out for discrete actions", &format!("All {actions} are tried."))
        }
        (ActionSpace::MultiDiscrete(heads), _) => refused(
            format!("{heads:?}"),
            "Discrete(n) or a box",
            "Several dimensions of choices have no grid.",
        ),
        (ActionSpace::Box { low, high }, along) => {
            let along = along.unwrap_or(if low.len() == 1 { 21 } else { 9 });
            if along < 2 || u64::from(along).saturating_pow(low.len() as u32) > MAX_PAIRS as u64 {
                let hint = "An odd number has the middle of every dimension.";
                return refused(along.to_string(), "at least 2, and few enough for a table", hint);
            }
            let mut actions = vec![Vec::new()];
            for (low, high) in low.iter().zip(high) {
                let at = |place: u32| low + (high - low) * (place as f32 / (along - 1) as f32);
                let longer = |action: &Vec<u32>, place| [&action[..], &[f32::to_bits(at(place))]].concat();
                actions = actions
                    .iter()
                    .flat_map(|action| (0..along).map(move |place| (action, place)))
                    .map(|(action, place)| longer(action, place))
                    .collect();
            }
            Ok(actions)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envs;
    use crate::envs::{BUILT_INS, Values};

    fn env(name: &str) -> &'static Env {
        envs::find(name).expect("known")
    }

    fn words(state: &[f32]) -> Vec<u32> {
        state.iter().map(|x| x.to_bits()).collect()
    }

    #[test]
    fn weights_are_those_of_the_place_between_points() {
        let grid = Grid::new(env("pendulum"), &[4, 5], None).expect("a grid");
        assert_eq!((grid.states(), grid.actions().len()), (20, 21));
        // Angles -pi, -pi/2, 0, pi/2; velocities -8, -4, 0, 4, 8.
        let at = |theta: f64, speed: f32| {
            let around = grid.around(&words(&[(theta * std::f64::consts::PI) as f32, speed]));
            let sum: f64 = around.iter().map(|(_, weight)| weight).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{around:?}");
            let mut around: Vec<(u32, f64)> =
                around.iter().map(|(point, weight)| (*point, (weight * 1e6).round() / 1e6)).collect();
            around.retain(|(_, weight)| *weight > 0.0);
            around
        };
        assert_eq!(at(0.0, 0.0), [(12, 1.0)]);
        assert_eq!(at(0.25, 2.0), [(12, 0.25), (13, 0.25), (17, 0.25), (18, 0.25)]);
        // Half a step beyond pi/2 is half a step before -pi, and turns do not count.
        assert_eq!(at(0.75, 8.0), [(19, 0.5), (4, 0.5)]);
        assert_eq!(at(4.75, 8.0), [(19, 0.5), (4, 0.5)]);
        // Beyond the ends of an axis that has some.
        assert_eq!(at(0.0, 9.0), [(14, 1.0)]);
        for point in 0..20 {
            assert_eq!(grid.around(&grid.state(point)).len(), 1, "{point}");
            assert_eq!(
                grid.value(&(0..20).map(|i| i as f32).collect::<Vec<_>>(), &grid.state(point)),
                f64::from(point)
            );
        }
    }

    #[test]
    fn a_table_holds_the_steps_of_the_environment() {
        let grid = Grid::new(env("pendulum"), &[8, 9], Some(3)).expect("a grid");
        let mdp = grid.table().expect("a table");
        assert_eq!((mdp.states, mdp.actions), (72, 3));
        // Upright, at rest, without torque, for ever.
        let row = mdp.row(4 * 9 + 4, 1);
        assert_eq!((row.len(), row[0].next, row[0].reward, row[0].terminated), (1, 40, 0.0, false));
        // Hanging, torque 2: the cost of pi^2 and 0.004, then 0.3 rad/s and 0.015 rad, of which a point is pi/4.
        let row = mdp.row(4, 2);
        assert!((row[0].reward + std::f64::consts::PI.powi(2) + 0.004).abs() < 1e-6, "{row:?}");
        let share = |next: u32| row.iter().find(|o| o.next == next).map_or(0.0, |o| o.probability);
        let (along, up) = (0.015 / std::f64::consts::FRAC_PI_4, 0.3 / 2.0);
        for (next, want) in [
            (4, (1.0 - along) * (1.0 - up)),
            (5, (1.0 - along) * up),
            (13, along * (1.0 - up)),
            (14, along * up),
        ] {
            assert!((share(next) - want).abs() < 1e-6, "{row:?}");
        }
        // The flag ends an episode; what lies beyond does not count.
        let car = Grid::new(env("mountain_car"), &[], None).expect("a grid").table().expect("a table");
        assert_eq!((car.states, car.actions), (181 * 141, 3));
        assert!(car.row(181 * 141 - 1, 2)[0].terminated && !car.row(0, 2)[0].terminated);
        let goals = Grid::new(env("multi_goal"), &[5], Some(3)).expect("a grid");
        assert_eq!((goals.states(), goals.actions().len()), (25, 9));
        assert_eq!(goals.finer_actions(env("multi_goal"), 2).expect("a box").len(), 25);
        assert_eq!(goals.actions()[1], words(&[-1.0, 0.0]));
    }

    #[test]
    fn environments_with_a_grid_draw_nothing_in_their_steps() {
        let mut found = 0;
        for env in BUILT_INS.iter().map(|built_in| env(built_in.short)).filter(|env| Grid::suits(env)) {
            found += 1;
            let grid = Grid::new(env, &[5], None).expect("a grid");
            assert_eq!(grid.axes().len(), env.state_words as usize, "{}", env.id);
            let params = env.lane_params(0, 1);
            for point in 0..grid.states() {
                let mut states = [0, 1].map(|seed| {
                    let mut state = grid.state(point);
                    let action = &grid.actions()[point as usize % grid.actions().len()];
                    let mut rng = Rng::new(seed, 2, seed, seed);
                    let outcome = env.twin().step(&params, &mut state, action, &mut rng);
                    assert_eq!(rng.draw, 0, "{}", env.id);
                    (state, outcome.reward.to_bits(), outcome.terminated)
                });
                assert_eq!(states[0], states[1], "{}", env.id);
                // The same through the grid.
                let mut state = grid.state(point);
                let (reward, terminated) =
                    grid.step(&mut state, &grid.actions()[point as usize % grid.actions().len()]);
                states[0] = (state, reward.to_bits(), terminated);
                assert_eq!(states[0], states[1], "{}", env.id);
            }
        }
        assert_eq!(found, 5);
    }

    #[test]
    fn what_makes_no_grid_is_refused_by_name() {
        let refused = |name: &str, points: &[u32], actions: Option<u32>| {
            Grid::new(env(name), points, actions).err().expect("refused").to_string()
        };
        for (text, part) in [
            (refused("cartpole", &[], None), "CartPole-v1"),
            (refused("pendulum", &[2], None), "at least 3 along theta"),
            (refused("pendulum", &[10, 10, 10], None), "theta, theta_dot"),
            (refused("pendulum", &[2000], None), "84000000 pairs"),
            (refused("pendulum", &[10], Some(1)), "actions = 1"),
            (refused("pendulum", &[10], Some(u32::MAX)), "actions = 4294967295"),
            (refused("pendulum", &[u32::MAX], Some(1000)), "pairs"),
            (refused("mountain_car", &[10], Some(5)), "left out for discrete actions"),
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let values: Values = [("g".to_owned(), "uniform(9,11)".to_owned())].into();
        let env = envs::open("pendulum", &values).expect("known");
        let text = Grid::new(env, &[], None).err().expect("refused").to_string();
        assert!(text.contains("uniform(9,11)"), "{text}");
    }
}
