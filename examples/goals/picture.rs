//! The picture: trajectories over the soft value of the plane, then values of actions at three places with actions of the policy.

use std::path::Path;

use softq::Result;
use softq::report::gif::Frame;
use softq::report::png;
use softq::report::raster::rasterise;
use softq::shared::draw::{paint, sd_circle, sd_segment};

use super::GOALS;
use super::network::Agent;

/// The places of one episode.
pub type Trajectory = Vec<[f32; 2]>;

/// Pixels of a panel along each side.
const SIZE: u16 = 320;
/// The plane reaches so far, and a panel of it a little further.
const REACH: f32 = 7.0;
/// Levels between the least and the largest value.
const LEVELS: f32 = 12.0;
/// Where values of actions are shown: on the way to a goal, in the middle, between two goals.
const PLACES: [[f32; 2]; 3] = [[-2.5, 0.0], [0.0, 0.0], [2.5, 2.5]];
/// Actions drawn there.
const ACTIONS: u32 = 100;
/// Buckets of lines along each side of a panel.
const BUCKETS: usize = 40;

const LOW: [f32; 3] = [0.33, 0.42, 0.62];
const HIGH: [f32; 3] = [0.99, 0.96, 0.86];
const LEVEL: [f32; 3] = [0.50, 0.54, 0.62];
const PATH: [f32; 3] = [0.05, 0.25, 0.60];
const GOAL: [f32; 3] = [0.80, 0.20, 0.15];

/// Draws the four panels side by side.
pub fn write(path: &Path, agent: &Agent, trajectories: &[Trajectory]) -> Result<()> {
    let mut panels = vec![plane(agent, trajectories)];
    panels.extend(PLACES.map(|place| actions(agent, place)));
    png::write_png(path, &png::grid(&[panels])?)
}

/// Values on a square `[-reach, reach]^2`.
struct Field {
    reach: f32,
    along: usize,
    values: Vec<f32>,
    ends: [f32; 2],
}

impl Field {
    fn new(reach: f32, along: usize, value: impl Fn([f32; 2]) -> f32) -> Field {
        let at = |place: usize| reach * (2.0 * place as f32 / (along - 1) as f32 - 1.0);
        let values: Vec<f32> =
            (0..along * along).map(|index| value([at(index / along), at(index % along)])).collect();
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Field { reach, along, values, ends: [low, high] }
    }

    /// Share of the way from the least to the largest value, linear between the points.
    fn share(&self, at: [f32; 2]) -> f32 {
        let last = (self.along - 1) as f32;
        let place = at.map(|x| ((x / self.reach + 1.0) / 2.0 * last).clamp(0.0, last));
        let below = place.map(|x| (x as usize).min(self.along - 2));
        let [u, v] = [0, 1].map(|i| place[i] - below[i] as f32);
        let value = |x: usize, y: usize| self.values[(below[0] + x) * self.along + below[1] + y];
        let mixed = (1.0 - u) * ((1.0 - v) * value(0, 0) + v * value(0, 1))
            + u * ((1.0 - v) * value(1, 0) + v * value(1, 1));
        (mixed - self.ends[0]) / (self.ends[1] - self.ends[0]).max(f32::MIN_POSITIVE)
    }

    /// Colour with level lines, `pixel` wide.
    fn colour(&self, at: [f32; 2], pixel: f32) -> [f32; 3] {
        let level = |at: [f32; 2]| (LEVELS * self.share(at)).floor();
        let here = level(at);
        if level([at[0] + pixel, at[1]]) != here || level([at[0], at[1] + pixel]) != here {
            return LEVEL;
        }
        let share = ((here + 0.5) / LEVELS).clamp(0.0, 1.0);
        [0, 1, 2].map(|i| LOW[i] + (HIGH[i] - LOW[i]) * share)
    }
}

/// Trajectories over the soft value.
fn plane(agent: &Agent, trajectories: &[Trajectory]) -> Frame {
    let field = Field::new(REACH, 43, |at| agent.soft_value(at, 11));
    let pixel = 2.0 * REACH / f32::from(SIZE);
    let lines = Lines::new(trajectories);
    rasterise(SIZE, SIZE, 3, |uv| {
        let at = [REACH * (2.0 * uv[0] - 1.0), REACH * (1.0 - 2.0 * uv[1])];
        let mut colour = field.colour(at, pixel);
        for goal in GOALS {
            let from = [at[0] - goal[0], at[1] - goal[1]];
            colour = paint(colour, GOAL, sd_circle(from, 1.0).abs() - 0.5 * pixel);
            colour = paint(colour, GOAL, sd_circle(from, 0.16));
        }
        // Thin lines let others show through.
        match lines.distance(at) {
            distance if distance <= 0.45 * pixel => [0, 1, 2].map(|i| 0.25 * colour[i] + 0.75 * PATH[i]),
            _ => colour,
        }
    })
}

/// Values of actions at a place, with draws from the policy.
fn actions(agent: &Agent, place: [f32; 2]) -> Frame {
    let field = Field::new(1.0, 41, |action| agent.value(place, action));
    let drawn: Vec<[f32; 2]> = (0..ACTIONS).map(|index| agent.action(place, index)).collect();
    let pixel = 2.0 / f32::from(SIZE);
    rasterise(SIZE, SIZE, 3, |uv| {
        let at = [2.0 * uv[0] - 1.0, 1.0 - 2.0 * uv[1]];
        let near = drawn.iter().map(|action| sd_circle([at[0] - action[0], at[1] - action[1]], 2.2 * pixel));
        paint(field.colour(at, pixel), PATH, near.fold(f32::INFINITY, f32::min))
    })
}

/// Lines, found by where they are.
struct Lines {
    buckets: Vec<Vec<[[f32; 2]; 2]>>,
}

impl Lines {
    fn new(trajectories: &[Trajectory]) -> Lines {
        let mut buckets = vec![Vec::new(); BUCKETS * BUCKETS];
        for pair in trajectories.iter().flat_map(|places| places.windows(2)) {
            // Every bucket that the line's rectangle touches, one more on each side for its width.
            let ends = [0, 1].map(|i| {
                let (a, b) = (bucket(pair[0][i]), bucket(pair[1][i]));
                a.min(b).saturating_sub(1)..=(a.max(b) + 1).min(BUCKETS - 1)
            });
            for x in ends[0].clone() {
                for y in ends[1].clone() {
                    buckets[x * BUCKETS + y].push([pair[0], pair[1]]);
                }
            }
        }
        Lines { buckets }
    }

    /// Distance from the nearest line in this bucket.
    fn distance(&self, at: [f32; 2]) -> f32 {
        let lines = &self.buckets[bucket(at[0]) * BUCKETS + bucket(at[1])];
        lines.iter().map(|[a, b]| sd_segment(at, *a, *b, 0.0)).fold(f32::INFINITY, f32::min)
    }
}

fn bucket(x: f32) -> usize {
    (((x / REACH + 1.0) / 2.0 * BUCKETS as f32).max(0.0) as usize).min(BUCKETS - 1)
}
