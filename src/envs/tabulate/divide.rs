//! Divides what random numbers may be until a run does one thing in each box.

use std::collections::{BTreeSet, BinaryHeap, HashMap};

use super::boxes::{ALL, Axis, Cell, share};
use super::machine::Stop;
use super::value::DRAWS;

/// Remainders that a random number is told apart by.
const MAX_DIVISOR: u32 = 1024;
/// Places of changes along one random number that are remembered.
const EDGES: usize = 4096;
/// Runs of the first try.
const SHORT: usize = 400;
/// Runs along one random number.
const SURVEY: usize = 4000;
/// Runs for what is not brought to an end; afterwards the first try has to do.
const ALLOWANCE: usize = 1_000_000;

/// What is remembered from one division for the next.
pub struct Division {
    edges: [BTreeSet<u32>; DRAWS],
    allowance: usize,
}

impl Default for Division {
    fn default() -> Division {
        Division { edges: Default::default(), allowance: ALLOWANCE }
    }
}

/// Boxes that fill the whole.
pub struct Parts {
    /// Boxes, in the order of their smallest numbers, and whether one thing happens in each.
    pub cells: Vec<(Cell, bool)>,
    /// Share of boxes in which more than one thing may happen.
    pub open: f64,
    /// Why they are open.
    pub why: Option<String>,
}

impl Division {
    /// Boxes of all random numbers in each of which `run` does one thing.
    ///
    /// A first try is short. What it does not bring to an end is tried again after a survey along each random number: without one
    /// every change along the first number would be looked for in every box of the others.
    pub fn of(&mut self, run: impl Fn(&Cell) -> Result<Vec<u32>, Stop>, budget: usize) -> Parts {
        let parts = self.within(&ALL, SHORT, &run);
        if parts.open == 0.0 || self.allowance == 0 {
            return parts;
        }
        self.survey(&run);
        let parts = self.within(&ALL, budget, &run);
        if parts.open > 0.0 {
            self.allowance = self.allowance.saturating_sub(budget);
        }
        parts
    }

    /// Finds places of changes along each random number alone, while the others stay what they are.
    fn survey(&mut self, run: &impl Fn(&Cell) -> Result<Vec<u32>, Stop>) {
        for draw in 0..DRAWS {
            for word in [0, u32::MAX / 3, u32::MAX / 3 * 2, u32::MAX] {
                let mut line = ALL.map(|axis| Axis { low: word, high: word, ..axis });
                line[draw] = ALL[draw];
                self.within(&line, SURVEY, run);
            }
        }
    }

    fn within(
        &mut self,
        whole: &Cell,
        budget: usize,
        run: &impl Fn(&Cell) -> Result<Vec<u32>, Stop>,
    ) -> Parts {
        let sized = |cell: Cell| (share(&cell).to_bits(), cell);
        let mut open = BinaryHeap::from([sized(*whole)]);
        let (mut decided, mut stuck): (Vec<(Cell, usize)>, Vec<Cell>) = (Vec::new(), Vec::new());
        let mut kinds: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut why = None;
        let mut runs = 0;
        // The largest box first: what is left at the end of the budget is small.
        while let Some((size, cell)) = open.pop() {
            if size == 0 {
                continue;
            }
            if runs >= budget {
                why.get_or_insert_with(|| "its outcomes change at more places than were tried".to_owned());
                stuck.push(cell);
                continue;
            }
            runs += 1;
            let reason = match run(&cell) {
                Ok(words) => {
                    let kind = kinds.len();
                    decided.push((cell, *kinds.entry(words).or_insert(kind)));
                    continue;
                }
                Err(Stop::Split(from)) => match halves(&cell, from, &self.edges) {
                    Some(parts) => {
                        open.extend(parts.map(sized));
                        continue;
                    }
                    None => "it depends on more than its state and random numbers".to_owned(),
                },
                Err(Stop::Divide { draw, divisor }) if cell[draw].divisor == 1 && divisor <= MAX_DIVISOR => {
                    open.extend((0..divisor).map(|rest| {
                        let mut part = cell;
                        part[draw] = Axis { divisor, rest, ..cell[draw] };
                        sized(part)
                    }));
                    continue;
                }
                Err(Stop::Divide { divisor, .. }) => format!("it takes a random number modulo {divisor}"),
                Err(Stop::Unknown(what)) => what,
            };
            why.get_or_insert(reason);
            stuck.push(cell);
        }
        let left = stuck.iter().map(share).sum();
        let decided = (0..DRAWS).fold(decided, |decided, draw| self.merged(decided, draw));
        let sure = decided.into_iter().map(|(cell, _)| (cell, true));
        let mut cells: Vec<(Cell, bool)> = sure.chain(stuck.into_iter().map(|cell| (cell, false))).collect();
        cells.sort_by_key(|(cell, _)| order(cell));
        Parts { cells, open: left, why }
    }

    /// Neighbours along a random number in which the same happens become one; the places between others are kept.
    fn merged(&mut self, mut decided: Vec<(Cell, usize)>, draw: usize) -> Vec<(Cell, usize)> {
        decided.sort_by_key(|(cell, _)| {
            let mut others = *cell;
            others[draw] = ALL[draw];
            (others, cell[draw].divisor, cell[draw].rest, cell[draw].low)
        });
        let mut whole: Vec<(Cell, usize)> = Vec::new();
        for (cell, kind) in decided {
            if let Some((last, last_kind)) = whole.last_mut() {
                let mut beside = *last;
                beside[draw] = cell[draw];
                let next = last[draw].high.checked_add(1) == Some(cell[draw].low)
                    && (last[draw].divisor, last[draw].rest) == (cell[draw].divisor, cell[draw].rest);
                if next && beside == cell {
                    if *last_kind == kind {
                        last[draw].high = cell[draw].high;
                        continue;
                    }
                    if self.edges[draw].len() < EDGES {
                        self.edges[draw].insert(cell[draw].low);
                    }
                }
            }
            whole.push((cell, kind));
        }
        whole
    }
}

/// Order of the smallest numbers.
fn order(cell: &Cell) -> [(u32, u32); DRAWS] {
    cell.map(|axis| (axis.low, axis.rest))
}

/// Two parts of a box, along a random number that matters: where earlier ones changed what happens, else in the middle.
fn halves(cell: &Cell, from: u32, edges: &[BTreeSet<u32>]) -> Option<[Cell; 2]> {
    let matters = (0..DRAWS).filter(|draw| from & (1 << draw) != 0 && cell[*draw].low < cell[*draw].high);
    let draw = matters.max_by_key(|draw| cell[*draw].high - cell[*draw].low)?;
    let axis = cell[draw];
    let middle = axis.middle()?;
    let below = edges[draw].range(axis.low + 1..=middle).next_back();
    let above = edges[draw].range(middle..=axis.high).next();
    let at = match (below, above) {
        (Some(below), Some(above)) if middle - below > above - middle => *above,
        (Some(place), _) | (None, Some(place)) => *place,
        (None, None) => middle,
    };
    Some(axis.halves(at).map(|part| {
        let mut half = *cell;
        half[draw] = part;
        half
    }))
}
