//! Random play of a group of lanes side by side, bookkeeping included; what `LaneOf` does for one lane.

use pulp::{Simd, WithSimd};

use super::{Group, Params};
use crate::engine::abreast::{Abreast, LANES, Row, gather, scatter};
use crate::engine::env::{ActionSpace, uniform_choice};
use crate::engine::simd::Arch;
use crate::shared::math::is_finite_f32;
use crate::shared::rng::{Rng, STREAM_ACTION, STREAM_STEP};
use crate::shared::transition::{GOES_ON, TERMINATED, TRUNCATED};

impl Group<'_> {
    /// All lanes, a step at a time; false, and nothing done, where they had better go one by one.
    pub(super) fn play_abreast(&mut self) -> bool {
        let [state_words, param_words] = [self.env.state_words, self.env.param_words()].map(|n| n as usize);
        let &Params { seed, stream, steps, .. } = self.p;
        let actions = match &self.env.actions {
            ActionSpace::Discrete(actions) => Actions::Choices(*actions),
            ActionSpace::Box { low, high } if low.len() == 1 => Actions::Between(low[0], high[0]),
            ActionSpace::Box { .. } | ActionSpace::MultiDiscrete(_) => return false,
        };
        let mut rows = Abreast::new(seed, stream + STREAM_STEP, self.first);
        let mut episodes =
            Episodes { limit: self.env.step_limit(), step: [0; LANES], ret: [0.0; LANES], ended: [0; LANES] };
        for (i, lane) in self.lanes.iter().enumerate() {
            scatter(&mut rows.params, i, &self.params[i * param_words..][..param_words]);
            scatter(&mut rows.state, i, &self.state[i * state_words..][..state_words]);
            rows.step[i] = lane.step;
            episodes.step[i] = lane.episode_step;
            episodes.ret[i] = lane.episode_return;
        }
        let twin = self.env.twin();
        for _ in 0..steps {
            Arch::new().dispatch(Choose { actions, stream: stream + STREAM_ACTION, rows: &mut rows });
            if !twin.step_abreast(&mut rows) {
                return false;
            }
            let found = Arch::new().dispatch(Count { rows: &rows, episodes: &mut episodes });
            if found.not_finite {
                self.note_faults(&rows);
            }
            if found.ended {
                self.restart(&mut rows, &mut episodes);
            }
            for step in &mut rows.step {
                *step = step.wrapping_add(1);
            }
        }
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            gather(&rows.state, i, &mut self.state[i * state_words..][..state_words]);
            lane.step = rows.step[i];
            lane.episode_step = episodes.step[i];
            lane.episode_return = episodes.ret[i];
        }
        true
    }

    fn note_faults(&mut self, rows: &Abreast) {
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            if lane.fault == 0 && !is_finite_f32(rows.reward[i]) {
                lane.fault = rows.step[i] + 1;
            }
        }
    }

    /// The next episode wherever one has ended.
    fn restart(&mut self, rows: &mut Abreast, episodes: &mut Episodes) {
        let mut state = vec![0; self.env.state_words as usize];
        for i in 0..self.lanes.len() {
            if episodes.ended[i] != GOES_ON {
                let mut lane = self.lanes[i];
                lane.step = rows.step[i];
                lane.episode_step = episodes.step[i];
                lane.episode_return = episodes.ret[i];
                self.of(i).next(episodes.ended[i], &mut state, &mut lane);
                scatter(&mut rows.state, i, &state);
                episodes.step[i] = lane.episode_step;
                episodes.ret[i] = lane.episode_return;
                self.lanes[i] = lane;
            }
        }
    }
}

/// Actions of one word.
#[derive(Clone, Copy)]
enum Actions {
    Choices(u32),
    Between(f32, f32),
}

/// Random actions of all lanes.
struct Choose<'a> {
    actions: Actions,
    stream: u32,
    rows: &'a mut Abreast,
}

impl WithSimd for Choose<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Choose { actions, stream, rows } = self;
        // Read before: the compiler does not see that stores into rows leave these alone.
        let (seed, first) = (rows.seed, rows.first);
        let rng = |step: u32, i: usize| Rng::new(seed, stream, step, first.wrapping_add(i as u32));
        match actions {
            Actions::Choices(n) => {
                for i in 0..LANES {
                    rows.action[i] = uniform_choice(rng(rows.step[i], i).uniform(), n);
                }
            }
            Actions::Between(low, high) => {
                for i in 0..LANES {
                    rows.action[i] = rng(rows.step[i], i).range(low, high).to_bits();
                }
            }
        }
    }
}

/// Where the episodes of all lanes stand.
struct Episodes {
    limit: u32,
    step: Row,
    ret: [f32; LANES],
    /// How the step that was taken ended them.
    ended: Row,
}

/// Counts a step of all lanes.
struct Count<'a> {
    rows: &'a Abreast,
    episodes: &'a mut Episodes,
}

/// Whether any lane needs more than counting.
struct Found {
    ended: bool,
    not_finite: bool,
}

impl WithSimd for Count<'_> {
    type Output = Found;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Found {
        let Count { rows, episodes } = self;
        let (mut ended, mut not_finite) = (0, 0);
        for i in 0..LANES {
            episodes.step[i] = episodes.step[i].wrapping_add(1);
            episodes.ret[i] += rows.reward[i];
            let truncated = if episodes.step[i] >= episodes.limit { TRUNCATED } else { GOES_ON };
            let how = if rows.terminated[i] == 1 { TERMINATED } else { truncated };
            episodes.ended[i] = how;
            ended |= how ^ GOES_ON;
            not_finite |= u32::from(!is_finite_f32(rows.reward[i]));
        }
        Found { ended: ended != 0, not_finite: not_finite != 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::env::Env;
    use crate::envs;
    use crate::shared::agent::Lane;
    use crate::shared::rng::STREAM_RESET;

    /// Lanes after so many steps from the start, with parameters of their own where the environment has some that may vary.
    fn played(
        env: &'static Env,
        count: usize,
        play: impl Fn(&mut Group<'_>) -> bool,
    ) -> (Vec<u32>, Vec<Lane>) {
        let p = Params { num_lanes: count as u32, steps: 1100, seed: 11, stream: 8 };
        let words = env.state_words as usize;
        let mut params = env.lane_params(5, count as u64);
        for (i, word) in params.iter_mut().enumerate() {
            // A hundredth more or less on numbers; what is whole stays so.
            let value = f32::from_bits(*word);
            if value.abs() > 1e-3 && value.is_finite() {
                *word = (value * (0.99 + 0.02 * (i % 7) as f32 / 7.0)).to_bits();
            }
        }
        let mut state = vec![0; count * words];
        let mut lanes = vec![Lane::default(); count];
        for group in 0..count.div_ceil(LANES) {
            let [from, to] = [group, group + 1].map(|g| (g * LANES).min(count));
            let param_words = env.param_words() as usize;
            let mut group = Group {
                p: &p,
                env,
                first: from as u32,
                params: &params[from * param_words..to * param_words],
                state: &mut state[from * words..to * words],
                lanes: &mut lanes[from..to],
            };
            for i in 0..to - from {
                let mut rng = Rng::new(p.seed, p.stream + STREAM_RESET, u32::MAX, (from + i) as u32);
                let of = &group.params[i * param_words..][..param_words];
                env.twin().reset(of, &mut group.state[i * words..][..words], &mut rng);
                // Steps and episodes of different lengths.
                group.lanes[i].step = 3 * i as u32;
            }
            assert!(play(&mut group), "{} is not played abreast", env.id);
        }
        (state, lanes)
    }

    #[test]
    fn lanes_abreast_end_with_the_bits_of_lanes_one_by_one() {
        for (name, value) in [
            ("cartpole", None),
            ("cartpole", Some(("rescale_observations", "true"))),
            ("acrobot", None),
            // A step that draws.
            ("acrobot", Some(("torque_noise_max", "0.5"))),
            ("mountain_car", None),
            ("mountain_car_continuous", None),
            ("pendulum", None),
            ("pendulum_discrete", None),
        ] {
            let values = value.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let env = envs::open(name, &BTreeMap::from_iter(values)).expect("built in");
            let one_by_one = played(env, 150, |group| {
                group.play();
                true
            });
            let abreast = played(env, 150, |group| group.play_abreast());
            assert_eq!(one_by_one.0, abreast.0, "{name}");
            assert_eq!(one_by_one.1, abreast.1, "{name}");
            assert!(one_by_one.1.iter().any(|lane| lane.episodes > 0), "{name}: no episode ended");
        }
    }
}
