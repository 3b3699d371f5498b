//! The table of transitions of an environment with few states, found by asking its own `step` on a device.
//!
//! A step that draws at most one random number is a step function of it. Every state and action is tried with draws spread
//! over (0, 1); between neighbours with different outcomes the place of the change is found by dividing the interval down to
//! the resolution of random numbers, 2^-23, and the widths are the probabilities. Fresh draws then check the result: what
//! depends on anything else is refused. States are told apart by their observation; states that look alike are checked to
//! behave alike.

mod probability;

use std::collections::HashMap;

use crate::engine::env::{ActionSpace, Env, ParamValue};
use crate::engine::executor::Executor;
use crate::envs::check::probe::{Flag, Probe};
use crate::envs::mdp::{MAX_PAIRS, Mdp, Outcome};
use crate::error::{Error, Result};
use crate::shared::rng::pcg4d;

use probability::{CELLS, decimal, shares};

/// Most states.
pub const MAX_STATES: usize = 20_000;
/// Draws tried first, evenly spread.
const SPREAD: u32 = 32;
/// Draws between two neighbours with different outcomes, each time.
const SPLIT: u32 = 15;
/// Fresh draws that check a state and action.
const CHECKS: u32 = 16;
/// Rounds of checks; each may find outcomes that the draws before have missed.
const ROUNDS: u32 = 4;
/// Most outcomes of one action.
const MAX_OUTCOMES: usize = 64;
/// What is wrong with a step whose outcome is no step function of its first draw.
const MANY: &str = "a step depends on more than its first random number";
/// Words given to a step: the draw, and others that must not matter.
const GIVEN: usize = 4;
/// Resets from which the shares of the initial states are taken.
const RESETS: usize = 4096;
/// States with one observation that are checked to behave alike.
const LOOKALIKES: usize = 4;

/// Where the exploration starts.
pub enum Starts {
    /// From resets: the table holds what can be reached.
    Resets,
    /// From these states, which get the first numbers in this order.
    Listed(Vec<Vec<u32>>),
}

/// A table with what its states look like.
pub struct Tabulated {
    /// The table.
    pub mdp: Mdp,
    /// Place of the 1 in each state's observation, if all are one-hot; ends may look like nothing. States from resets are then in
    /// this order.
    pub places: Option<Vec<Option<u32>>>,
}

/// What a step led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    next: u32,
    reward: u32,
    terminated: bool,
}

/// Words of a state, an action, and the cell of the first draw.
struct Question<'a> {
    state: &'a [u32],
    action: u32,
    cell: u32,
}

/// A state with its observation.
struct Found {
    words: Vec<u32>,
    obs: Vec<u32>,
    /// Whether an episode goes on from here.
    open: bool,
    /// Other states of the same observation.
    lookalikes: Vec<Vec<u32>>,
    /// Answers at draws in ascending order, by action.
    points: Vec<Vec<(u32, Answer)>>,
}

struct Explorer<'a> {
    env: &'static Env,
    executor: &'a mut dyn Executor,
    actions: u32,
    numbers: HashMap<Vec<u32>, u32>,
    found: Vec<Found>,
    /// Seeds of further draws, new for every batch.
    batch: u32,
}

/// The table of `env`.
pub fn tabulate(executor: &mut dyn Executor, env: &'static Env, starts: Starts) -> Result<Tabulated> {
    let ActionSpace::Discrete(actions) = env.actions else {
        return refused(env, format!("its actions are {}; a table needs Discrete(n)", env.actions));
    };
    if let Some(param) = env.params.iter().find(|param| matches!(param.value, ParamValue::Uniform(..))) {
        let name = &param.name;
        return refused(
            env,
            format!("{name} = {} makes a different table in every lane; fix it", param.value),
        );
    }
    let mut explorer =
        Explorer { env, executor, actions, numbers: HashMap::new(), found: Vec::new(), batch: 0 };
    let from_resets = matches!(starts, Starts::Resets);
    let starts = match starts {
        Starts::Resets => explorer.resets()?,
        Starts::Listed(states) => explorer.listed(&states)?,
    };
    loop {
        let found = explorer.found.iter().enumerate();
        let frontier: Vec<usize> =
            found.filter(|(_, f)| f.open && f.points.is_empty()).map(|(i, _)| i).collect();
        if frontier.is_empty() {
            break;
        }
        // A batch of pairs whose first draws fit into memory with ease.
        for some in frontier.chunks((1 << 19) / (actions as usize * SPREAD as usize).max(1) + 1) {
            explorer.expand(some)?;
        }
    }
    explorer.compare_lookalikes()?;
    explorer.table(&starts, from_resets)
}

fn refused<T>(env: &Env, why: String) -> Result<T> {
    Err(Error::invalid(
        "ENV",
        &env.id,
        "an environment with few states, of which each step draws at most one random number",
        format!("Here {why}."),
    ))
}

impl Explorer<'_> {
    /// Number of the state with this observation, new if need be.
    fn number(&mut self, obs: &[u32], words: &[u32], open: bool) -> Result<u32> {
        if let Some(number) = self.numbers.get(obs) {
            let found = &mut self.found[*number as usize];
            found.open |= open;
            let known = found.words == words || found.lookalikes.iter().any(|other| other == words);
            if !known && open && found.lookalikes.len() < LOOKALIKES {
                found.lookalikes.push(words.to_vec());
            }
            return Ok(*number);
        }
        let number = self.found.len();
        if number >= MAX_STATES || (number + 1) * self.actions as usize > MAX_PAIRS {
            let most = MAX_STATES.min(MAX_PAIRS / self.actions as usize);
            return refused(
                self.env,
                format!("more than {most} different states were found, and still more"),
            );
        }
        self.numbers.insert(obs.to_vec(), number as u32);
        self.found.push(Found {
            words: words.to_vec(),
            obs: obs.to_vec(),
            open,
            lookalikes: Vec::new(),
            points: Vec::new(),
        });
        Ok(number as u32)
    }

    /// Rows of one dispatch.
    fn rows(&self, wanted: usize) -> usize {
        let most = (1usize << 22) / (self.env.obs_size.max(self.env.state_words) as usize).max(1);
        wanted.clamp(1, most.clamp(64, 1 << 15))
    }

    fn resets(&mut self) -> Result<Vec<(u32, f64)>> {
        let rows = self.rows(RESETS);
        let mut probe = Probe::new(self.executor, self.env, rows, 0, 0)?;
        probe.reset(0)?;
        let outcomes = probe.outcomes()?;
        let (words, obs) = (self.env.state_words as usize, self.env.obs_size as usize);
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for (state, seen) in outcomes.states.chunks_exact(words).zip(outcomes.obs.chunks_exact(obs)) {
            *counts.entry(self.number(seen, state, true)?).or_default() += 1;
        }
        let mut starts: Vec<(u32, f64)> =
            counts.into_iter().map(|(state, count)| (state, f64::from(count) / rows as f64)).collect();
        starts.sort_by_key(|(state, _)| *state);
        Ok(starts)
    }

    /// The listed states, seen without a step.
    fn listed(&mut self, states: &[Vec<u32>]) -> Result<Vec<(u32, f64)>> {
        let (words, obs) = (self.env.state_words as usize, self.env.obs_size as usize);
        for chunk in states.chunks(self.rows(states.len())) {
            let mut probe = Probe::new(self.executor, self.env, chunk.len(), 0, 0)?;
            probe.states(&chunk.concat())?;
            probe.look()?;
            let outcomes = probe.outcomes()?;
            for (state, seen) in outcomes.states.chunks_exact(words).zip(outcomes.obs.chunks_exact(obs)) {
                self.number(seen, state, true)?;
            }
        }
        Ok(Vec::new())
    }

    /// What each question leads to, with other random words behind the first draw every time.
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<Answer>> {
        let (words, obs) = (self.env.state_words as usize, self.env.obs_size as usize);
        let mut answers = Vec::with_capacity(questions.len());
        for chunk in questions.chunks(self.rows(questions.len())) {
            self.batch += 1;
            let mut probe = Probe::new(self.executor, self.env, chunk.len(), self.batch, GIVEN as u32)?;
            let mut draws = Vec::with_capacity(chunk.len() * GIVEN);
            for (row, question) in chunk.iter().enumerate() {
                let others = pcg4d([row as u32, self.batch, 0, 0x7ab1e]);
                draws.push((question.cell << 9) | (others[0] & 0x1ff));
                draws.extend(&others[1..]);
            }
            probe.give(&draws)?;
            probe.states(
                &chunk.iter().flat_map(|question| question.state.iter().copied()).collect::<Vec<_>>(),
            )?;
            probe.step(self.batch, &chunk.iter().map(|question| question.action).collect::<Vec<_>>())?;
            let outcomes = probe.outcomes()?;
            for row in 0..chunk.len() {
                let terminated = match outcomes.flags[row] {
                    Flag::Goes => false,
                    Flag::Terminated => true,
                    Flag::Overrun(line) => {
                        let why = format!("the loop on line {line} of its step does not end");
                        return refused(self.env, why);
                    }
                };
                let reward = outcomes.rewards[row];
                if !f32::from_bits(reward).is_finite() {
                    return refused(self.env, format!("a step gives the reward {}", f32::from_bits(reward)));
                }
                let (state, seen) =
                    (&outcomes.states[row * words..][..words], &outcomes.obs[row * obs..][..obs]);
                answers.push(Answer { next: self.number(seen, state, !terminated)?, reward, terminated });
            }
        }
        Ok(answers)
    }

    /// Answers for `cells` of every action of some states, added to their points.
    fn ask_at(&mut self, wanted: &[(usize, u32, u32)]) -> Result<()> {
        let states: Vec<Vec<u32>> =
            wanted.iter().map(|(state, ..)| self.found[*state].words.clone()).collect();
        let questions: Vec<Question> = wanted
            .iter()
            .zip(&states)
            .map(|((_, action, cell), state)| Question { state, action: *action, cell: *cell })
            .collect();
        let answers = self.ask(&questions)?;
        for ((state, action, cell), answer) in wanted.iter().zip(answers) {
            let points = &mut self.found[*state].points[*action as usize];
            if let Err(place) = points.binary_search_by_key(cell, |(at, _)| *at) {
                points.insert(place, (*cell, answer));
            }
        }
        Ok(())
    }

    /// Finds the outcomes of every action of some states.
    fn expand(&mut self, states: &[usize]) -> Result<()> {
        let mut wanted = Vec::new();
        for state in states {
            self.found[*state].points = vec![Vec::new(); self.actions as usize];
            for action in 0..self.actions {
                let cells = (0..SPREAD).map(|k| (2 * k + 1) * (CELLS / SPREAD / 2));
                wanted.extend(cells.map(|cell| (*state, action, cell)));
            }
        }
        self.ask_at(&wanted)?;
        for _ in 0..ROUNDS {
            self.divide(states)?;
            if self.surprises(states)? == 0 {
                return Ok(());
            }
        }
        refused(self.env, format!("{MANY}, or has outcomes too rare to be found"))
    }

    /// Divides intervals between different answers until their ends are neighbouring cells.
    fn divide(&mut self, states: &[usize]) -> Result<()> {
        loop {
            let mut wanted = Vec::new();
            for state in states {
                for (action, points) in (0..).zip(&self.found[*state].points) {
                    if points.windows(2).filter(|pair| pair[0].1 != pair[1].1).count() >= MAX_OUTCOMES {
                        return refused(
                            self.env,
                            format!("{MANY}, or has more than {MAX_OUTCOMES} outcomes"),
                        );
                    }
                    for pair in points.windows(2) {
                        let ((low, before), (high, after)) = (pair[0], pair[1]);
                        if before != after && high - low > 1 {
                            let parts = SPLIT.min(high - low - 1);
                            let cell = |k: u32| {
                                low + (u64::from(high - low) * u64::from(k) / u64::from(parts + 1)) as u32
                            };
                            wanted.extend((1..=parts).map(|k| (*state, action, cell(k))));
                        }
                    }
                }
            }
            if wanted.is_empty() {
                return Ok(());
            }
            self.ask_at(&wanted)?;
        }
    }

    /// Random cells for every action of a state.
    fn fresh(&self, state: usize) -> impl Iterator<Item = (u32, u32)> + use<> {
        let batch = self.batch;
        (0..self.actions).flat_map(move |action| {
            (0..CHECKS).map(move |k| (action, pcg4d([state as u32, action, k, batch ^ 0xf4e5])[0] >> 9))
        })
    }

    /// What the points say about a draw.
    fn predicted(&self, state: usize, action: u32, cell: u32) -> Option<Answer> {
        let points = &self.found[state].points[action as usize];
        let above = points.partition_point(|(at, _)| *at <= cell);
        points.get(above.saturating_sub(1)).map(|(_, answer)| *answer)
    }

    /// Fresh draws whose answers are not as predicted; they become points.
    fn surprises(&mut self, states: &[usize]) -> Result<usize> {
        let wanted: Vec<(usize, u32, u32)> = states
            .iter()
            .flat_map(|state| self.fresh(*state).map(|(action, cell)| (*state, action, cell)))
            .collect();
        let predicted: Vec<Option<Answer>> =
            wanted.iter().map(|(state, action, cell)| self.predicted(*state, *action, *cell)).collect();
        self.ask_at(&wanted)?;
        let seen = wanted.iter().map(|(state, action, cell)| self.predicted(*state, *action, *cell));
        Ok(seen.zip(predicted).filter(|(seen, predicted)| seen != predicted).count())
    }

    /// States of one observation must behave alike: else what is seen is not enough to act on.
    fn compare_lookalikes(&mut self) -> Result<()> {
        let mut wanted = Vec::new();
        for (state, found) in self.found.iter().enumerate().filter(|(_, found)| found.open) {
            for words in &found.lookalikes {
                wanted.extend(self.fresh(state).map(|(action, cell)| (state, words.clone(), action, cell)));
            }
        }
        let questions: Vec<Question> = wanted
            .iter()
            .map(|(_, words, action, cell)| Question { state: words, action: *action, cell: *cell })
            .collect();
        let answers = self.ask(&questions)?;
        for ((state, words, action, cell), answer) in wanted.iter().zip(answers) {
            if self.predicted(*state, *action, *cell) != Some(answer) {
                let other = &self.found[*state].words;
                let why = format!(
                    "the states {words:?} and {other:?} have the same observation but differ in what action {action} does"
                );
                return refused(self.env, why);
            }
        }
        Ok(())
    }

    fn table(self, starts: &[(u32, f64)], from_resets: bool) -> Result<Tabulated> {
        let places: Vec<Option<u32>> = self.found.iter().map(|found| one_hot_place(&found.obs)).collect();
        let seen =
            |(found, place): (&Found, &Option<u32>)| place.is_some() || !found.open && is_blank(&found.obs);
        let places = self.found.iter().zip(&places).all(seen).then_some(places);
        let count = self.found.len();
        // order[new] = old
        let mut order: Vec<usize> = (0..count).collect();
        if let (Some(places), true) = (&places, from_resets) {
            order.sort_by_key(|state| places[*state].unwrap_or(u32::MAX));
        }
        let mut renumbered = vec![0u32; count];
        for (new, old) in (0..).zip(&order) {
            renumbered[*old] = new;
        }
        let mut outcomes = Vec::with_capacity(count * self.actions as usize);
        for old in &order {
            let points = &self.found[*old].points;
            for action in 0..self.actions as usize {
                let row = points.get(action).map_or(Vec::new(), |points| shares(points));
                outcomes.push(
                    row.into_iter()
                        .map(|(answer, probability)| Outcome {
                            probability,
                            next: renumbered[answer.next as usize],
                            reward: decimal(f32::from_bits(answer.reward)),
                            terminated: answer.terminated,
                        })
                        .collect(),
                );
            }
        }
        let mut starts: Vec<(u32, f64)> =
            starts.iter().map(|(state, share)| (renumbered[*state as usize], *share)).collect();
        starts.sort_by_key(|(state, _)| *state);
        Ok(Tabulated {
            mdp: Mdp::new(count as u32, self.actions, outcomes, starts)?,
            places: places.map(|places| order.iter().map(|old| places[*old]).collect()),
        })
    }
}

fn is_blank(obs: &[u32]) -> bool {
    obs.iter().all(|bits| f32::from_bits(*bits) == 0.0)
}

/// Place of the only 1 among zeros.
fn one_hot_place(obs: &[u32]) -> Option<u32> {
    let mut set = obs.iter().enumerate().filter(|(_, bits)| f32::from_bits(**bits) != 0.0);
    match (set.next(), set.next()) {
        (Some((place, bits)), None) if f32::from_bits(*bits) == 1.0 => Some(place as u32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::CpuExecutor;
    use crate::envs::{self, Values};

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn table(name: &str, pairs: &[(&str, &str)]) -> Tabulated {
        let env = envs::open(name, &values(pairs)).expect("an environment");
        tabulate(&mut CpuExecutor::new(), env, Starts::Resets).unwrap_or_else(|error| panic!("{error}"))
    }

    fn reason(name: &str, pairs: &[(&str, &str)]) -> String {
        let env = envs::open(name, &values(pairs)).expect("an environment");
        match tabulate(&mut CpuExecutor::new(), env, Starts::Resets) {
            Ok(_) => panic!("{name} has a table"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn probabilities_are_the_fractions_of_the_environment() {
        let lake = table("frozenlake", &[]);
        assert_eq!((lake.mdp.states, lake.mdp.actions, &lake.mdp.starts), (16, 4, &vec![(0, 1.0)]));
        // Cell 14, right: down stays, right is the goal, up.
        let row = lake.mdp.row(14, 2);
        let third = 1.0 / 3.0;
        let outcome = |next, reward, terminated| Outcome { probability: third, next, reward, terminated };
        assert_eq!(row, [outcome(14, 0.0, false), outcome(15, 1.0, true), outcome(10, 0.0, false)]);
        assert!(lake.mdp.is_end(15) && lake.mdp.is_end(5) && !lake.mdp.is_end(14));
        let sure = table("frozenlake", &[("success_rate", "0.75"), ("reward_frozen", "-0.1")]);
        let shares: Vec<f64> = sure.mdp.row(14, 2).iter().map(|outcome| outcome.probability).collect();
        assert_eq!((shares, sure.mdp.row(14, 2)[0].reward), (vec![0.125, 0.75, 0.125], -0.1));
        let rain = table("taxi", &[("is_rainy", "1")]);
        assert_eq!(rain.mdp.states, 404);
        let shares = rain.mdp.outcomes.iter().flatten().map(|outcome| outcome.probability);
        let mut shares: Vec<f64> = shares.collect();
        shares.sort_by(f64::total_cmp);
        shares.dedup();
        assert!(shares.iter().all(|share| [0.1, 0.2, 0.8, 0.9, 1.0].contains(share)), "{shares:?}");
    }

    #[test]
    fn boards_without_an_index_are_tabulated_by_what_is_seen() {
        let catch = table("catch", &[]);
        // Ball in one of 5 columns and 10 rows, paddle in 5; row 0 sees it in the middle alone.
        assert!(catch.places.is_none());
        assert_eq!(catch.mdp.actions, 3);
        assert_eq!(catch.mdp.starts.len(), 5);
        let sea = table("deepsea", &[("size", "6")]);
        // A triangle, and the empty board after the last row.
        assert_eq!(sea.mdp.states, 22);
        let places = sea.places.expect("one-hot up to the end");
        assert_eq!((places[0], places[1], places[21]), (Some(0), Some(6), None));
    }

    #[test]
    fn what_has_no_table_is_refused_with_the_reason() {
        assert!(reason("pendulum", &[]).contains("Box(-2, 2)"));
        assert!(reason("cartpole", &[]).contains("different states"));
        assert!(reason("frozenlake", &[("success_rate", "uniform(0.2,0.8)")]).contains("uniform(0.2,0.8)"));
        let fickle = reason("taxi", &[("fickle_passenger", "1"), ("fickle_probability", "0.5")]);
        assert!(
            fickle.contains("more than its first random number") || fickle.contains("same observation"),
            "{fickle}"
        );
    }
}
