//! The outcomes of every action of a state: proven parts of the random numbers, what the device says of each, and checks.

use std::collections::HashMap;

use super::ask::Question;
use super::boxes::{ALL, Cell, corners, share};
use super::divide::Parts;
use super::value::DRAWS;
use super::{Answer, Explorer, Part, refused};
use crate::error::Result;
use crate::shared::rng::pcg4d;

/// Parts of the first random number that are tried where nothing is proven.
const SPREAD: u32 = 256;
/// Fresh draws that check a state and action.
pub const CHECKS: u32 = 16;
/// Share below which a part that is not proven is not divided any more.
const SMALL: f64 = 1e-4;
/// Most outcomes of one action.
const MAX_OUTCOMES: usize = 64;
/// Most parts of one action.
const MAX_PARTS: usize = 8192;
/// What is wrong with a step whose outcome is no step function of its random numbers.
const MANY: &str = "a step depends on more than its first random numbers";

impl Explorer<'_> {
    /// Finds the outcomes of every action of some states.
    pub(super) fn expand(&mut self, states: &[usize]) -> Result<()> {
        let mut wanted = Vec::new();
        for state in states {
            self.found[*state].parts = vec![Vec::new(); self.actions as usize];
            for action in 0..self.actions {
                let cells = self.cells(*state, action);
                wanted.extend(cells.into_iter().map(|(cell, sure)| Wanted {
                    state: *state,
                    action,
                    cell,
                    sure,
                }));
            }
        }
        // Where both ends of a part do not lead to the same, it is divided until they do.
        while !wanted.is_empty() {
            let ends: Vec<(usize, u32, [u32; DRAWS])> = wanted
                .iter()
                .flat_map(|part| corners(&part.cell).map(|draws| (part.state, part.action, draws)))
                .collect();
            let answers = self.ask_at(&ends)?;
            let mut open = Vec::new();
            for (part, ends) in wanted.iter().zip(answers.chunks_exact(2)) {
                let parts = &mut self.found[part.state].parts[part.action as usize];
                match part.halves().filter(|_| ends[0] != ends[1]) {
                    None => parts.push(Part { cell: part.cell, answer: ends[0], sure: part.sure }),
                    // A division by box found no end here: each half is taken for what its end leads to.
                    Some(halves) if !part.sure && share(&part.cell) < SMALL => {
                        let halves = halves.into_iter().zip(ends);
                        parts.extend(halves.map(|(cell, answer)| Part {
                            cell,
                            answer: *answer,
                            sure: false,
                        }));
                    }
                    Some(halves) => open.extend(halves.map(|cell| Wanted { cell, ..*part })),
                }
            }
            wanted = open;
            self.bounded(states, &wanted)?;
        }
        self.check(states)
    }

    /// The proven parts of an action's random numbers, or parts to try.
    fn cells(&mut self, state: usize, action: u32) -> Vec<(Cell, bool)> {
        let parts = match &mut self.program {
            Ok(program) => program.steps(&self.found[state].words, &[], action),
            Err(why) => Parts { cells: Vec::new(), open: 1.0, why: Some(why.clone()) },
        };
        self.proof.add(parts.open, parts.why);
        if parts.open > 0.5 { spread().map(|cell| (cell, false)).collect() } else { parts.cells }
    }

    /// Refuses pairs with more outcomes, or more parts, than a step function of few random numbers has.
    pub(super) fn bounded(&self, states: &[usize], open: &[Wanted]) -> Result<()> {
        let mut counts: HashMap<(usize, u32), usize> = HashMap::new();
        for part in open {
            *counts.entry((part.state, part.action)).or_default() += 1;
        }
        for state in states {
            for (action, parts) in (0..).zip(&self.found[*state].parts) {
                let mut kinds: Vec<Answer> = Vec::new();
                for part in parts {
                    if !kinds.contains(&part.answer) {
                        kinds.push(part.answer);
                    }
                    if kinds.len() > MAX_OUTCOMES {
                        return refused(
                            self.env,
                            format!("{MANY}, or has more than {MAX_OUTCOMES} outcomes"),
                        );
                    }
                }
                let all = parts.len() + counts.get(&(*state, action)).unwrap_or(&0);
                if all > MAX_PARTS {
                    return refused(self.env, format!("{MANY}, or changes at more than {MAX_PARTS} places"));
                }
            }
        }
        Ok(())
    }

    /// Random numbers for every action of a state.
    pub(super) fn fresh(&self, state: usize) -> impl Iterator<Item = (u32, [u32; DRAWS])> + use<> {
        let batch = self.batch;
        (0..self.actions).flat_map(move |action| {
            (0..CHECKS).map(move |k| (action, pcg4d([state as u32, action, k, batch ^ 0xf4e5])))
        })
    }

    /// Whether random numbers lead where the parts say; a part that is not sure says nothing.
    fn is_expected(&self, state: usize, action: u32, draws: &[u32; DRAWS], answer: Answer) -> bool {
        let holds = |cell: &Cell| cell.iter().zip(draws).all(|(axis, word)| axis.holds(*word));
        let parts = self.found[state].parts.get(action as usize);
        let part = parts.and_then(|parts| parts.iter().find(|part| holds(&part.cell)));
        part.is_some_and(|part| part.answer == answer || !part.sure && share(&part.cell) < SMALL)
    }

    /// Fresh random numbers must lead where the parts say.
    pub(super) fn check(&mut self, states: &[usize]) -> Result<()> {
        let wanted: Vec<(usize, u32, [u32; DRAWS])> = states
            .iter()
            .flat_map(|state| self.fresh(*state).map(|(action, draws)| (*state, action, draws)))
            .collect();
        let answers = self.ask_at(&wanted)?;
        let wrong = wanted
            .iter()
            .zip(answers)
            .any(|((state, action, draws), answer)| !self.is_expected(*state, *action, draws, answer));
        if wrong {
            refused(self.env, format!("{MANY}, or has outcomes too rare to be found"))
        } else {
            Ok(())
        }
    }

    /// States of one observation must behave alike: else what is seen is not enough to act on. What they lead to may look like a known
    /// state and be a new one, which is compared in its turn.
    pub(super) fn compare_lookalikes(&mut self) -> Result<()> {
        let (mut compared, mut any) = (Vec::new(), false);
        while self.compare_new_lookalikes(&mut compared)? {
            any = true;
        }
        self.proof.lookalikes_sampled = any && !self.hidden_words_do_nothing();
        Ok(())
    }

    /// Those beyond the first `compared` of each state. Whether there were any.
    fn compare_new_lookalikes(&mut self, compared: &mut Vec<usize>) -> Result<bool> {
        compared.resize(self.found.len(), 0);
        let mut wanted = Vec::new();
        for (state, found) in self.found.iter().enumerate().filter(|(_, found)| found.open) {
            for words in &found.lookalikes[compared[state]..] {
                wanted.extend(self.fresh(state).map(|(action, draws)| (state, words.clone(), action, draws)));
            }
            compared[state] = found.lookalikes.len();
        }
        if wanted.is_empty() {
            return Ok(false);
        }
        let questions: Vec<Question> = wanted
            .iter()
            .map(|(_, words, action, draws)| Question { state: words, action: *action, draws: *draws })
            .collect();
        let answers = self.ask(&questions)?;
        for ((state, words, action, draws), answer) in wanted.iter().zip(answers) {
            if !self.is_expected(*state, *action, draws, answer) {
                let other = &self.found[*state].words;
                let why = format!(
                    "the states {words:?} and {other:?} have the same observation but differ in what action {action} does"
                );
                return refused(self.env, why);
            }
        }
        Ok(true)
    }

    /// Whether the words in which states that look alike differ are proven to change nothing that is seen.
    fn hidden_words_do_nothing(&mut self) -> bool {
        let Ok(program) = &mut self.program else { return false };
        let open = self.found.iter().filter(|found| found.open);
        program.observation_ignores(&self.hidden)
            && open
                .flat_map(|found| (0..self.actions).map(move |action| (found, action)))
                .all(|(found, action)| program.steps(&found.words, &self.hidden, action).open == 0.0)
    }
}

/// A part of an action's random numbers to be asked about.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    state: usize,
    action: u32,
    cell: Cell,
    /// Whether one thing is proven to happen in it.
    sure: bool,
}

impl Wanted {
    /// Two parts of it, if it can be divided.
    fn halves(&self) -> Option<[Cell; 2]> {
        let draw = (0..DRAWS).max_by_key(|draw| {
            let axis = self.cell[*draw];
            // A number that was not divided before is the last to be blamed.
            (axis != ALL[*draw], axis.high - axis.low)
        })?;
        let axis = self.cell[draw];
        Some(axis.halves(axis.middle()?).map(|half| {
            let mut cell = self.cell;
            cell[draw] = half;
            cell
        }))
    }
}

/// Even parts of the first random number.
fn spread() -> impl Iterator<Item = Cell> {
    let width = u32::MAX / SPREAD + 1;
    (0..SPREAD).map(move |k| {
        let mut cell = ALL;
        cell[0].low = k * width;
        cell[0].high = k * width + (width - 1);
        cell
    })
}
