//! The table of transitions of an environment with few states, found by asking its own `step` on a device.
//!
//! Which random numbers lead to one thing is proven first: `proof` executes the text of `step` on bounds of random numbers and
//! divides them where something else happens, so that no outcome is too rare to be found. The device then tells what the
//! thing is, at both ends of every part, and fresh random numbers check it. Where a text is beyond the proof, random numbers
//! are spread instead, and the table says how large an outcome may be that it misses. States are told apart by their
//! observation; states that look alike are proven, or else checked, to behave alike.
//!
//! ```
//! use softq::engine::cpu::CpuExecutor;
//! use softq::envs::tabulate::{Starts, tabulate};
//!
//! let table = tabulate(&mut CpuExecutor::new(), softq::envs::find("frozenlake")?, Starts::Resets)?;
//! // Slippery: a third each for the way asked for and the two beside it.
//! assert_eq!(table.mdp.states, 16);
//! assert!(table.mdp.outcomes.iter().flatten().all(|outcome| outcome.probability > 0.33));
//! # Ok::<(), softq::Error>(())
//! ```

mod ask;
mod boxes;
mod divide;
mod expressions;
mod functions;
mod machine;
mod memory;
mod observation;
mod operators;
mod outcomes;
mod probability;
mod proof;
mod table;
mod value;

use std::collections::HashMap;

use crate::engine::env::{ActionSpace, Env, ParamValue};
use crate::engine::executor::Executor;
use crate::envs::mdp::{MAX_PAIRS, Mdp};
use crate::error::{Error, Result};

pub use ask::RESETS;
use boxes::Cell;
pub use outcomes::CHECKS;
use proof::Program;

/// Most states.
pub const MAX_STATES: usize = 20_000;
/// States with one observation that are checked to behave alike.
const LOOKALIKES: usize = 16;

/// Where the exploration starts.
pub enum Starts {
    /// From resets: the table holds what can be reached.
    Resets,
    /// From these states, which get the first numbers in this order. Initial states are in the table if they can be proven.
    Listed(Vec<Vec<u32>>),
}

/// A table with what its states look like.
pub struct Tabulated {
    /// The table.
    pub mdp: Mdp,
    /// Place of the 1 in each state's observation, if all are one-hot; ends may look like nothing. States from resets are then in
    /// this order.
    pub places: Option<Vec<Option<u32>>>,
    /// Whether anything may be missing.
    pub proof: Proof,
}

/// What is certain about a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// Largest share of a step's random numbers that may lead elsewhere than the table says; 0 is proven for every value of every
    /// random number.
    pub missing: f64,
    /// Pairs of state and action for which it is not 0.
    pub pairs: usize,
    /// Why something may be missing.
    pub why: Option<String>,
    /// Whether the probabilities of the initial states come from resets instead of a proof.
    pub starts_sampled: bool,
    /// Whether states that look alike were compared by trial instead of a proof.
    pub lookalikes_sampled: bool,
}

/// What a step led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    next: u32,
    reward: u32,
    terminated: bool,
}

/// A part of an action's random numbers.
#[derive(Clone)]
struct Part {
    cell: Cell,
    answer: Answer,
    /// Whether it is proven that nothing else happens in it.
    sure: bool,
}

/// A state with its observation.
struct Found {
    words: Vec<u32>,
    obs: Vec<u32>,
    /// Whether an episode goes on from here.
    open: bool,
    /// Other states of the same observation.
    lookalikes: Vec<Vec<u32>>,
    /// Parts of the random numbers with what they lead to, by action.
    parts: Vec<Vec<Part>>,
}

struct Explorer<'a> {
    env: &'static Env,
    executor: &'a mut dyn Executor,
    actions: u32,
    numbers: HashMap<Vec<u32>, u32>,
    found: Vec<Found>,
    program: std::result::Result<Program, String>,
    proof: Proof,
    /// Words in which states that look alike differ.
    hidden: Vec<bool>,
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
    // A proof takes long where there is no end of states.
    if let Starts::Resets = starts {
        Explorer::new(&mut *executor, env, actions, Err(String::new())).scout()?;
    }
    let mut explorer = Explorer::new(executor, env, actions, Program::new(env));
    let from_resets = matches!(starts, Starts::Resets);
    let starts = match starts {
        Starts::Resets => explorer.resets()?,
        Starts::Listed(states) => {
            explorer.listed(&states)?;
            explorer.proven_resets()?.unwrap_or_default()
        }
    };
    loop {
        let found = explorer.found.iter().enumerate();
        let frontier: Vec<usize> =
            found.filter(|(_, f)| f.open && f.parts.is_empty()).map(|(i, _)| i).collect();
        if frontier.is_empty() {
            break;
        }
        // A batch of pairs whose answers fit into memory with ease.
        for some in frontier.chunks((1 << 15) / (actions as usize).max(1) + 1) {
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
        "an environment with few states, whose steps depend on their first random numbers alone",
        format!("Here {why}."),
    ))
}

impl<'a> Explorer<'a> {
    fn new(
        executor: &'a mut dyn Executor,
        env: &'static Env,
        actions: u32,
        program: std::result::Result<Program, String>,
    ) -> Explorer<'a> {
        Explorer {
            env,
            executor,
            actions,
            numbers: HashMap::new(),
            found: Vec::new(),
            program,
            proof: Proof::default(),
            hidden: vec![false; env.state_words as usize],
            batch: 0,
        }
    }

    /// Number of the state with this observation, new if need be.
    fn number(&mut self, obs: &[u32], words: &[u32], open: bool) -> Result<u32> {
        if let Some(number) = self.numbers.get(obs) {
            let found = &mut self.found[*number as usize];
            found.open |= open;
            if open {
                for (word, (a, b)) in self.hidden.iter_mut().zip(found.words.iter().zip(words)) {
                    *word |= a != b;
                }
            }
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
            parts: Vec::new(),
        });
        Ok(number as u32)
    }
}

impl Proof {
    /// Counts a pair of which this share is not proven.
    fn add(&mut self, open: f64, why: Option<String>) {
        if open > 0.0 {
            self.missing = self.missing.max(open);
            self.pairs += 1;
            self.why = self.why.take().or(why);
        }
    }

    /// Whether the table lacks nothing.
    pub fn is_whole(&self) -> bool {
        self.pairs == 0 && !self.starts_sampled && !self.lookalikes_sampled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::CpuExecutor;
    use crate::envs::mdp::Outcome;
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
    fn no_outcome_is_too_rare() {
        for rate in ["0.97", "0.98", "0.99", "0.999", "0.9999", "0.99999", "0.03", "0.001", "0"] {
            let lake = table("frozenlake", &[("success_rate", rate)]);
            assert!(lake.proof.is_whole(), "{:?}", lake.proof);
            let rate: f64 = rate.parse().expect("a number");
            // Cell 14, right: down stays, right is the goal, up.
            let row = lake.mdp.row(14, 2);
            let share = |next: u32| {
                row.iter().filter(|outcome| outcome.next == next).map(|o| o.probability).sum::<f64>()
            };
            for (next, want) in [(14, (1.0 - rate) / 2.0), (15, rate), (10, (1.0 - rate) / 2.0)] {
                assert!((share(next) - want).abs() < 1e-9, "{rate}: {row:?}");
            }
        }
        for rate in ["0.97", "0.995", "0.9999"] {
            let rain = table("taxi", &[("is_rainy", "1"), ("rainy_probability", rate)]);
            assert!(rain.proof.is_whole() && rain.mdp.states == 404, "{:?}", rain.proof);
            let side = (1.0 - rate.parse::<f64>().expect("a number")) / 2.0;
            let shares = rain.mdp.outcomes.iter().flatten().map(|outcome| outcome.probability);
            assert!(shares.clone().any(|share| (share - side).abs() < 1e-9), "{rate}");
            // Each of 300 starts is as likely as the others.
            assert!(rain.mdp.starts.len() == 300);
            assert!(rain.mdp.starts.iter().all(|(_, share)| (share - 1.0 / 300.0).abs() < 2e-7));
        }
    }

    #[test]
    fn tables_of_the_environments_are_proven() {
        for name in ["frozenlake", "frozenlake8x8", "taxi", "cliffwalking", "catch", "deepsea"] {
            let table = table(name, &[]);
            assert!(table.proof.is_whole(), "{name}: {:?}", table.proof);
        }
        assert!(table("cliffwalking", &[("is_slippery", "1")]).proof.is_whole());
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
