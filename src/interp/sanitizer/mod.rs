//! Watches an execution and reports what a driver hides: races, accesses out of bounds, barriers that not all reach, reads of
//! memory nobody wrote, endless loops, numbers that stop being finite, indices that wrap.
//!
//! Invocations run one after the other between barriers; whether two accesses race follows from who made them and the barriers
//! between, not from the order in which they happened to run. `workgroupBarrier` orders workgroup memory, `storageBarrier`
//! storage (WGSL 17.11), and nothing orders two workgroups of a dispatch.
//!
//! ```
//! use softq::interp::lower;
//! use softq::interp::machine::Limits;
//! use softq::interp::sanitizer::{Fresh, Kind, Report, Run, watch};
//!
//! // All invocations write one word, and nothing orders them.
//! let text = "
//! @group(0) @binding(0) var<storage, read_write> x: array<u32>;
//! @compute @workgroup_size(4)
//! fn main(@builtin(local_invocation_index) i: u32) { x[0] = i; }
//! ";
//! let module = naga::front::wgsl::parse_str(text).expect("valid");
//! let info = naga::valid::Validator::new(Default::default(), Default::default()).validate(&module).expect("valid");
//! let program = lower::entry_point(&module, &info, text, "main").expect("understood");
//! let mut x = [0];
//! let report: Report = watch(Run {
//!     program: &program,
//!     text,
//!     groups: [1, 1, 1],
//!     memory: vec![&mut x],
//!     fresh: vec![Fresh::Nothing],
//!     limits: Limits { iterations: 100, fuel: 10_000 },
//! });
//! assert_eq!((report.findings[0].kind, report.findings[0].line), (Kind::Race, 4));
//! assert!(report.complete, "every invocation came to its end");
//! ```

pub mod finding;
#[doc(hidden)]
pub mod shadow;

use std::collections::HashMap;

use crate::interp::arith::ScalarOp;
use crate::interp::code::{IndexSite, NONE, Program, Reg, Slot, Space};
use crate::interp::dispatch::{Trap, Watch, dispatch, local_id};
use crate::interp::machine::Limits;
use crate::interp::monitor::{Access, Monitor, Words};
pub use finding::{Finding, Kind, Level};
use shadow::{Beside, Cells, Event};

/// Findings of different places kept.
const MAX_FINDINGS: usize = 1000;

/// Which words of a variable nobody has written yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// None.
    Nothing,
    /// All.
    Everything,
    /// Those that hold one of these words: a pattern that was put there.
    Holding(Vec<u32>),
}

/// One dispatch under watch.
pub struct Run<'a> {
    /// Its code.
    pub program: &'a Program,
    /// The text that the code is from.
    pub text: &'a str,
    /// Workgroups.
    pub groups: [u32; 3],
    /// The variables that are not a workgroup's, in the order of the program's slots.
    pub memory: Vec<&'a mut [u32]>,
    /// The same for what nobody has written.
    pub fresh: Vec<Fresh>,
    /// How much may be executed.
    pub limits: Limits,
}

/// What was found, in the order of the text, and whether the dispatch came to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The faults.
    pub findings: Vec<Finding>,
    /// False where the whole dispatch ran out of iterations.
    pub complete: bool,
}

/// Executes a dispatch and reports.
pub fn watch(run: Run<'_>) -> Report {
    let Run { program, text, groups, memory, fresh, limits } = run;
    let mut sanitizer = Sanitizer::new(program, text);
    let outer = program.slots.iter().enumerate().filter(|(_, slot)| slot.space != Space::Workgroup);
    for (((slot, _), words), fresh) in outer.zip(&memory).zip(&fresh) {
        sanitizer.unwritten[slot] = match fresh {
            Fresh::Nothing => Vec::new(),
            Fresh::Everything => vec![true; words.len()],
            Fresh::Holding(patterns) => words.iter().map(|word| patterns.contains(word)).collect(),
        };
    }
    let complete = dispatch(program, groups, memory, limits, &mut sanitizer).is_ok();
    let mut findings: Vec<Finding> = sanitizer.findings.into_iter().collect();
    findings.sort_by_key(|finding| (finding.level, finding.line, finding.kind));
    Report { findings, complete }
}

struct Sanitizer<'a> {
    program: &'a Program,
    text: &'a str,
    /// Where each line of the text starts.
    lines: Vec<u32>,
    findings: Vec<Finding>,
    places: HashMap<(Kind, u32, u32), usize>,
    cells: Vec<Cells>,
    unwritten: Vec<Vec<bool>>,
    /// Faults of places that have not been accessed yet.
    faults: Vec<(u32, String, Option<String>)>,
    /// Beside the registers of each invocation of a workgroup.
    beside: Vec<Vec<Beside>>,
    group: [u32; 3],
    /// Workgroups before this one.
    groups_before: u32,
    local: usize,
    workgroup_epoch: u32,
    storage_epoch: u32,
    size: u32,
}

impl<'a> Sanitizer<'a> {
    fn new(program: &'a Program, text: &'a str) -> Sanitizer<'a> {
        let size = program.workgroup.iter().product();
        let kept = if program.waits { size as usize } else { 1 };
        Sanitizer {
            program,
            text,
            lines: std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at as u32 + 1)).collect(),
            findings: Vec::new(),
            places: HashMap::new(),
            cells: program.slots.iter().map(|_| Cells::default()).collect(),
            unwritten: vec![Vec::new(); program.slots.len()],
            faults: Vec::new(),
            beside: vec![vec![Beside::default(); program.registers as usize]; kept],
            group: [0; 3],
            groups_before: u32::MAX,
            local: 0,
            workgroup_epoch: 0,
            storage_epoch: 0,
            size,
        }
    }

    fn line(&self, op: u32) -> u32 {
        match self.program.places[op as usize] {
            u32::MAX => 0,
            place => self.lines.partition_point(|start| *start <= place) as u32,
        }
    }

    fn global_id(&self, local: u32) -> [u32; 3] {
        let id = local_id(self.program.workgroup, local);
        std::array::from_fn(|axis| self.group[axis] * self.program.workgroup[axis] + id[axis])
    }

    fn found(
        &mut self,
        (kind, level): (Kind, Level),
        (op, other): (u32, Option<u32>),
        variable: Option<String>,
        other_invocation: Option<[u32; 3]>,
        message: impl FnOnce(&Self) -> String,
    ) {
        let line = self.line(op);
        let other_line = other.map(|other| self.line(other));
        let place = (kind, line, other_line.unwrap_or(0));
        let mut count = 1;
        if let Some(index) = self.places.get(&place) {
            let known = &mut self.findings[*index];
            known.count += 1;
            if known.level <= level {
                return;
            }
            // A fault where there were only notes before: the fault is what is told.
            count = known.count;
            self.findings.remove(*index);
            self.places.clear();
            for (index, finding) in self.findings.iter().enumerate() {
                self.places.insert((finding.kind, finding.line, finding.other_line.unwrap_or(0)), index);
            }
        }
        if self.findings.len() >= MAX_FINDINGS {
            return;
        }
        self.places.insert(place, self.findings.len());
        let invocation = self.global_id(self.local as u32);
        let message = message(self);
        self.findings.push(Finding {
            kind,
            level,
            line,
            other_line,
            variable,
            invocation,
            other_invocation,
            message,
            count,
        });
    }

    fn beside(&mut self) -> &mut [Beside] {
        let index = if self.beside.len() == 1 { 0 } else { self.local };
        &mut self.beside[index]
    }

    /// Reports the fault of a place that is accessed.
    fn faulty(&mut self, op: u32, at: Reg) -> bool {
        if at == NONE {
            return false;
        }
        let fault = self.beside()[at as usize].fault;
        let Some((_, message, variable)) = fault.checked_sub(1).and_then(|f| self.faults.get(f as usize))
        else {
            return false;
        };
        let (message, variable) = (message.clone(), variable.clone());
        self.found((Kind::OutOfBounds, Level::Error), (op, None), variable, None, |_| message);
        true
    }

    /// Reports an access of a word that has no order with another one.
    fn raced(
        &mut self,
        op: u32,
        (slot, word): (u32, u32),
        (access, same): (Access, bool),
        (other, other_kind): (Event, shadow::Kind),
    ) {
        let Slot { name, space, .. } = &self.program.slots[slot as usize];
        let (variable, space) = (name.clone(), *space);
        let same_group = (other.invocation - 1) / self.size == self.groups_before;
        // Of another workgroup only its place in it is known; its number says which.
        let other_id = same_group.then(|| self.global_id((other.invocation - 1) % self.size));
        // Two writes of the same word leave that word, whichever comes last.
        let harmless = same && other_kind == shadow::Kind::Write;
        let level = if harmless { Level::Note } else { Level::Error };
        self.found((Kind::Race, level), (op, Some(other.op)), Some(variable), other_id, |watch| {
            let does = match access {
                Access::Read => "reads",
                Access::Write { .. } => "writes",
                Access::Atomic { .. } => "atomically accesses",
            };
            let who = match other_id {
                Some([x, y, z]) => format!("invocation ({x}, {y}, {z}) of the same workgroup"),
                None => "an invocation of another workgroup".to_owned(),
            };
            let barrier = match (same_group, space) {
                (false, _) => "; nothing orders workgroups of one dispatch",
                (true, Space::Workgroup) => "; no workgroupBarrier lies between",
                (true, _) => "; no storageBarrier lies between",
            };
            format!("{does} {}, which {who} accesses too{barrier}", watch.word_of(slot, word))
        });
    }

    /// Source text of a line, for messages.
    fn text_of(&self, op: u32) -> &str {
        let line = self.line(op);
        self.text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim()
    }

    /// How many words a variable's element has, to say which one is meant.
    fn word_of(&self, slot: u32, word: u32) -> String {
        let slot = &self.program.slots[slot as usize];
        match slot.element {
            Some(element) if word >= slot.words && element > 0 => {
                let (index, rest) = ((word - slot.words) / element, (word - slot.words) % element);
                match element {
                    1 => format!("element {index} of '{}'", slot.name),
                    _ => format!("word {rest} of element {index} of '{}'", slot.name),
                }
            }
            _ => format!("word {word} of '{}'", slot.name),
        }
    }
}

impl Monitor for Sanitizer<'_> {
    const ON: bool = true;

    fn invocation(&mut self, local: u32) {
        self.local = local as usize;
    }

    fn scalar(&mut self, op: u32, code: ScalarOp, dst: Reg, regs: [Reg; 3], words: [u32; 3], result: u32) {
        let floats = code.float_operands() as usize;
        if floats > 0 {
            let value = f32::from_bits(result);
            let operands = words[..floats].iter().map(|word| f32::from_bits(*word));
            let born = match value.is_nan() {
                true => operands.clone().all(|operand| !operand.is_nan()),
                false => value.is_infinite() && operands.clone().all(f32::is_finite),
            };
            if born {
                let operands: Vec<f32> = operands.collect();
                self.found((Kind::NonFinite, Level::Error), (op, None), None, None, |watch| {
                    let operands: Vec<String> = operands.iter().map(|x| format!("{x:?}")).collect();
                    let what = if value.is_nan() { "NaN" } else { "an infinity" };
                    format!("{what} from {}: {}", operands.join(" and "), watch.text_of(op))
                });
            }
            self.beside()[dst as usize] = Beside::default();
            return;
        }
        let beside = self.beside();
        let [a, b] = [regs[0], regs[1]].map(|reg| beside[reg as usize]);
        let signed = matches!(code, ScalarOp::AddI | ScalarOp::SubI | ScalarOp::MulI | ScalarOp::NegI);
        let exact = |word: u32, beside: Beside| {
            let value = if signed { i64::from(word as i32) } else { i64::from(word) };
            i128::from(value) + i128::from(beside.excess)
        };
        let value = match code {
            ScalarOp::AddI | ScalarOp::AddU => exact(words[0], a) + exact(words[1], b),
            ScalarOp::SubI | ScalarOp::SubU => exact(words[0], a) - exact(words[1], b),
            ScalarOp::MulI | ScalarOp::MulU => exact(words[0], a) * exact(words[1], b),
            ScalarOp::NegI => -exact(words[0], a),
            // One of the two, whichever was taken.
            ScalarOp::Select => {
                beside[dst as usize] = beside[regs[if words[0] != 0 { 2 } else { 1 }] as usize];
                return;
            }
            _ => {
                beside[dst as usize] = Beside::default();
                return;
            }
        };
        let now = if signed { i128::from(result as i32) } else { i128::from(result) };
        let excess = (value - now).clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        let before = if a.excess != 0 { a.wrapped } else { b.wrapped };
        let wrapped = match (excess, a.excess | b.excess) {
            (0, _) => 0,
            (_, 0) => op,
            _ => before,
        };
        beside[dst as usize] = Beside { excess, wrapped, fault: 0 };
    }

    fn copied(&mut self, dst: Reg, src: Reg, n: u32) {
        self.beside().copy_within(src as usize..(src + n) as usize, dst as usize);
    }

    fn set(&mut self, dst: Reg, n: u32) {
        self.beside()[dst as usize..(dst + n) as usize].fill(Beside::default());
    }

    fn index(&mut self, op: u32, site: &IndexSite, dst: Reg, at: Reg, index: (Reg, u32), limit: u32) {
        let (register, word) = index;
        let beside = self.beside();
        let inherited = if at == NONE { 0 } else { beside[at as usize].fault };
        let Beside { excess, wrapped, .. } = beside[register as usize];
        beside[dst as usize] = Beside { fault: inherited, ..Beside::default() };
        let variable = self.program.names.get(site.variable as usize).cloned();
        let value = if site.signed { i64::from(word as i32) } else { i64::from(word) };
        if excess != 0 {
            let wanted = value.saturating_add(excess);
            self.found((Kind::Overflow, Level::Error), (wrapped, Some(op)), variable, None, |watch| {
                format!(
                    "an index that would be {wanted} wrapped around to {value}: {}",
                    watch.text_of(wrapped)
                )
            });
            // Whatever is accessed is not what was meant, whether it is out of bounds or not.
            if word >= limit {
                self.beside()[dst as usize].fault = u32::MAX;
            }
            return;
        }
        if word < limit || inherited != 0 {
            return;
        }
        let of = match &variable {
            Some(name) if !name.is_empty() => format!("'{name}'"),
            _ => "a value".to_owned(),
        };
        let message = format!("index {value} of {of}, which has {limit} elements");
        if site.value {
            self.found((Kind::OutOfBounds, Level::Error), (op, None), variable, None, |_| message);
            return;
        }
        // A place has one entry, the first, as it has one finding.
        let fault = match self.faults.iter().position(|(known, ..)| *known == op) {
            Some(known) => known,
            None => {
                self.faults.push((op, message, variable));
                self.faults.len() - 1
            }
        };
        self.beside()[dst as usize].fault = fault as u32 + 1;
    }

    fn local(&mut self, op: u32, at: Reg) -> bool {
        !self.faulty(op, at) && self.beside()[at as usize].fault == 0
    }

    fn memory(&mut self, op: u32, words: Words, access: Access) -> bool {
        if self.faulty(op, words.at) || (words.at != NONE && self.beside()[words.at as usize].fault != 0) {
            return false;
        }
        let slot = &self.program.slots[words.slot as usize];
        let (space, writable) = (slot.space, slot.writable);
        let kind = match access {
            Access::Read => shadow::Kind::Read,
            Access::Write { .. } => shadow::Kind::Write,
            Access::Atomic { writes: false } => shadow::Kind::AtomicRead,
            Access::Atomic { writes: true } => shadow::Kind::AtomicWrite,
        };
        let event = Event {
            invocation: 1 + self.groups_before * self.size + self.local as u32,
            epoch: if space == Space::Workgroup { self.workgroup_epoch } else { self.storage_epoch },
            op,
        };
        for word in words.first..words.first.saturating_add(words.n) {
            let unwritten = self.unwritten[words.slot as usize].get(word as usize) == Some(&true);
            if unwritten && kind != shadow::Kind::Write {
                let variable = self.program.slots[words.slot as usize].name.clone();
                // WGSL clears workgroup memory; that the shader relies on it may still not be meant.
                let level = if space == Space::Workgroup { Level::Note } else { Level::Error };
                self.found((Kind::Uninitialized, level), (op, None), Some(variable), None, |watch| {
                    format!("{} is read before anybody has written it", watch.word_of(words.slot, word))
                });
            }
            if unwritten && access != Access::Read {
                self.unwritten[words.slot as usize][word as usize] = false;
            }
            if !writable {
                continue;
            }
            let conflicts = self.cells[words.slot as usize].at(word as usize).access(event, kind, self.size);
            for (other, other_kind) in conflicts.into_iter().flatten() {
                let same = match access {
                    Access::Write { same } => same.checked_shr(word - words.first).unwrap_or(0) & 1 == 1,
                    _ => false,
                };
                self.raced(op, (words.slot, word), (access, same), (other, other_kind));
            }
        }
        true
    }
}

impl Watch for Sanitizer<'_> {
    fn group(&mut self, group: [u32; 3]) {
        self.group = group;
        self.groups_before = self.groups_before.wrapping_add(1);
        (self.workgroup_epoch, self.storage_epoch) = (0, 0);
        for (index, slot) in self.program.slots.iter().enumerate() {
            if slot.space == Space::Workgroup {
                self.cells[index].clear();
                self.unwritten[index] = vec![true; slot.words as usize];
            }
        }
    }

    fn met(&mut self, workgroup: bool, storage: bool) {
        self.workgroup_epoch += u32::from(workgroup);
        self.storage_epoch += u32::from(storage);
    }

    fn trapped(&mut self, trap: Trap) -> bool {
        match trap {
            Trap::Barrier { op, local, other, other_op } => {
                self.local = local as usize;
                let other_id = self.global_id(other);
                self.found(
                    (Kind::DivergentBarrier, Level::Error),
                    (op, other_op),
                    None,
                    Some(other_id),
                    |_| {
                        let [x, y, z] = other_id;
                        match other_op {
                            Some(other_op) if other_op != op => {
                                format!("invocation ({x}, {y}, {z}) waits at another barrier")
                            }
                            Some(_) => format!("invocation ({x}, {y}, {z}) waits here within another call"),
                            None => format!("invocation ({x}, {y}, {z}) ends without reaching this barrier"),
                        }
                    },
                );
                true
            }
            Trap::Iterations { op, local } => {
                self.local = local as usize;
                self.found((Kind::LoopCap, Level::Error), (op, None), None, None, |_| {
                    "more loop iterations than allowed in one invocation, all its loops together".to_owned()
                });
                true
            }
            Trap::Fuel { op } => {
                self.found((Kind::LoopCap, Level::Error), (op, None), None, None, |_| {
                    "more loop iterations and calls than allowed in the dispatch".to_owned()
                });
                false
            }
        }
    }
}
