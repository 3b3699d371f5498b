//! What has happened to each word of memory, and what each register's word would be without wrapping.

/// A word's accesses are kept in pages, which exist once something in them was accessed.
const PAGE: usize = 1024;

/// Who accessed a word last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// 1 + the number of the invocation in the dispatch; 0 for nobody.
    pub invocation: u32,
    /// Barriers of this kind of memory that its workgroup had met at.
    pub epoch: u32,
    /// The operation.
    pub op: u32,
}

/// The last accesses of one kind: with two of different invocations since the last barrier, and one of another workgroup, a
/// conflict with any of them is a conflict with one of these.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recent {
    last: Event,
    second: Event,
    foreign: Event,
}

impl Recent {
    fn add(&mut self, event: Event, group_size: u32) {
        if self.last.invocation != 0 {
            if group(self.last, group_size) != group(event, group_size) {
                (self.foreign, self.second) = (self.last, Event::default());
            } else if self.last.epoch != event.epoch {
                self.second = Event::default();
            } else if self.last.invocation != event.invocation {
                self.second = self.last;
            }
        }
        self.last = event;
    }

    /// One that has no order with `event`.
    fn conflict(&self, event: Event, group_size: u32) -> Option<Event> {
        [self.last, self.second, self.foreign].into_iter().find(|before| {
            before.invocation != 0
                && before.invocation != event.invocation
                && (group(*before, group_size) != group(event, group_size) || before.epoch == event.epoch)
        })
    }
}

fn group(event: Event, group_size: u32) -> u32 {
    (event.invocation - 1) / group_size
}

/// The accesses of one word.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cell {
    reads: Recent,
    writes: Recent,
    atomic_reads: Recent,
    atomic_writes: Recent,
}

/// How a word is accessed, for conflicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Read.
    Read,
    /// Written.
    Write,
    /// Read by an atomic operation.
    AtomicRead,
    /// Written by one.
    AtomicWrite,
}

impl Cell {
    /// Adds an access, and returns those that it races with, at most one of each kind.
    pub fn access(&mut self, event: Event, kind: Kind, group_size: u32) -> [Option<(Event, Kind)>; 4] {
        use Kind::{AtomicRead, AtomicWrite, Read, Write};
        let against: &[Kind] = match kind {
            Read => &[Write, AtomicWrite],
            Write => &[Read, AtomicRead, AtomicWrite, Write],
            AtomicRead => &[Write],
            AtomicWrite => &[Read, Write],
        };
        let mut conflicts = [None; 4];
        for (conflict, other) in conflicts.iter_mut().zip(against) {
            *conflict = self.recent(*other).conflict(event, group_size).map(|event| (event, *other));
        }
        self.recent(kind).add(event, group_size);
        conflicts
    }

    fn recent(&mut self, kind: Kind) -> &mut Recent {
        match kind {
            Kind::Read => &mut self.reads,
            Kind::Write => &mut self.writes,
            Kind::AtomicRead => &mut self.atomic_reads,
            Kind::AtomicWrite => &mut self.atomic_writes,
        }
    }
}

/// The cells of a variable.
#[derive(Debug, Default)]
pub struct Cells {
    pages: Vec<Option<Box<[Cell; PAGE]>>>,
}

impl Cells {
    /// The cell of a word.
    pub fn at(&mut self, word: usize) -> &mut Cell {
        let (page, index) = (word / PAGE, word % PAGE);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        &mut self.pages[page].get_or_insert_with(|| Box::new([Cell::default(); PAGE]))[index]
    }

    /// Forgets all accesses.
    pub fn clear(&mut self) {
        self.pages.clear();
    }
}

/// Beside a register.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside {
    /// What its number would be without wrapping, less what it is.
    pub excess: i64,
    /// The operation that wrapped.
    pub wrapped: u32,
    /// 1 + the number of the fault of the place that it is part of; 0 for none.
    pub fault: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(invocation: u32, epoch: u32) -> Event {
        Event { invocation, epoch, op: invocation }
    }

    /// Every history of five accesses by four invocations in two workgroups, against all pairs.
    #[test]
    fn a_race_between_any_two_accesses_is_found() {
        let kinds = [Kind::Read, Kind::Write, Kind::AtomicRead, Kind::AtomicWrite];
        let conflicting = |a: Kind, b: Kind| {
            let plain = [a, b].contains(&Kind::Write);
            plain || [(Kind::Read, Kind::AtomicWrite), (Kind::AtomicWrite, Kind::Read)].contains(&(a, b))
        };
        let mut state = 1u64;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let (mut raced, mut clean) = (0, 0);
        for _ in 0..200_000 {
            let mut cell = Cell::default();
            let mut history: Vec<(Event, Kind)> = Vec::new();
            let (mut group, mut epoch) = (0, 0);
            let mut found = false;
            let mut expected = false;
            for _ in 0..5 {
                match next(6) {
                    0 => (group, epoch) = (group + 1, 0),
                    1 => epoch += 1,
                    _ => {}
                }
                let access = (event(1 + group * 3 + next(3) as u32, epoch), kinds[next(4) as usize]);
                expected |= history.iter().any(|before| {
                    before.0.invocation != access.0.invocation
                        && ((before.0.invocation - 1) / 3 != group || before.0.epoch == epoch)
                        && conflicting(before.1, access.1)
                });
                found |= cell.access(access.0, access.1, 3).iter().any(Option::is_some);
                history.push(access);
            }
            assert_eq!(found, expected, "{history:?}");
            if found { raced += 1 } else { clean += 1 }
        }
        assert!(raced > 10_000 && clean > 10_000);
    }
}
