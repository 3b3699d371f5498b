//! Executes a dispatch: workgroup after workgroup, and within one, invocation after invocation from barrier to barrier.

use crate::interp::code::{BuiltIn, Op, Program, Space};
use crate::interp::machine::{Invocation, Limits, Stop, run};
use crate::interp::monitor::{Monitor, Silent};

#[allow(missing_docs, reason = "op: the operation; local: the invocation in its workgroup")]
/// What ends a dispatch, or a workgroup of it, too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// Invocation `local` waits at operation `op`; `other` waits at another, or has ended.
    Barrier { op: u32, local: u32, other: u32, other_op: Option<u32> },
    /// Invocation `local` went through too many iterations.
    Iterations { op: u32, local: u32 },
    /// All together did.
    Fuel { op: u32 },
}

/// Is told about workgroups, beside what a [`Monitor`] is told.
pub trait Watch: Monitor {
    /// A workgroup begins.
    fn group(&mut self, group: [u32; 3]);
    /// All its invocations have met at a barrier.
    fn met(&mut self, workgroup: bool, storage: bool);
    /// Whether to go on with the next workgroup after a trap.
    fn trapped(&mut self, trap: Trap) -> bool;
}

impl Watch for Silent {
    fn group(&mut self, _: [u32; 3]) {}
    fn met(&mut self, _: bool, _: bool) {}
    fn trapped(&mut self, _: Trap) -> bool {
        false
    }
}

/// Runs `groups` workgroups. `memory`: the variables of `program.slots` that are not a workgroup's, in their order.
pub fn dispatch<W: Watch>(
    program: &Program,
    groups: [u32; 3],
    memory: Vec<&mut [u32]>,
    mut limits: Limits,
    watch: &mut W,
) -> Result<(), Trap> {
    let mut shared: Vec<Vec<u32>> = program
        .slots
        .iter()
        .filter(|slot| slot.space == Space::Workgroup)
        .map(|slot| vec![0; slot.words as usize])
        .collect();
    let (mut outer, mut own) = (memory.into_iter(), shared.iter_mut());
    let mut all: Vec<&mut [u32]> = Vec::new();
    for slot in &program.slots {
        let next = match slot.space {
            Space::Workgroup => own.next().map(Vec::as_mut_slice),
            _ => outer.next(),
        };
        all.push(next.unwrap_or_default());
    }
    let size: u32 = program.workgroup.iter().product();
    // Invocations that never wait run one after the other in one register file.
    let mut invocations = vec![Invocation::new(program); if program.waits { size as usize } else { 1 }];
    for z in 0..groups[2] {
        for y in 0..groups[1] {
            for x in 0..groups[0] {
                for (slot, words) in program.slots.iter().zip(&mut all) {
                    if slot.space == Space::Workgroup {
                        words.fill(0);
                    }
                }
                watch.group([x, y, z]);
                let ids = Ids { program, groups, group: [x, y, z] };
                let result = match program.waits {
                    true => together(&ids, &mut invocations, &mut all, &mut limits, watch),
                    false => in_turn(&ids, &mut invocations[0], &mut all, &mut limits, watch),
                };
                if let Err(trap) = result
                    && !watch.trapped(trap)
                {
                    return Err(trap);
                }
            }
        }
    }
    Ok(())
}

struct Ids<'a> {
    program: &'a Program,
    groups: [u32; 3],
    group: [u32; 3],
}

impl Ids<'_> {
    /// Puts an invocation at the beginning.
    fn start(&self, invocation: &mut Invocation, local: u32) {
        invocation.restart();
        let size = self.program.workgroup;
        let id = local_id(size, local);
        for (builtin, reg) in &self.program.builtins {
            let words = match builtin {
                BuiltIn::GlobalId => std::array::from_fn(|axis| self.group[axis] * size[axis] + id[axis]),
                BuiltIn::LocalId => id,
                BuiltIn::LocalIndex => [local, 0, 0],
                BuiltIn::GroupId => self.group,
                BuiltIn::NumGroups => self.groups,
                BuiltIn::GroupSize => size,
            };
            let n = if *builtin == BuiltIn::LocalIndex { 1 } else { 3 };
            invocation.regs[*reg as usize..*reg as usize + n].copy_from_slice(&words[..n]);
        }
    }
}

/// Place of an invocation in its workgroup.
pub fn local_id(size: [u32; 3], local: u32) -> [u32; 3] {
    [local % size[0], local / size[0] % size[1], local / (size[0] * size[1])]
}

/// Invocations that never wait.
fn in_turn<W: Watch>(
    ids: &Ids<'_>,
    invocation: &mut Invocation,
    memory: &mut [&mut [u32]],
    limits: &mut Limits,
    watch: &mut W,
) -> Result<(), Trap> {
    for local in 0..ids.program.workgroup.iter().product() {
        ids.start(invocation, local);
        watch.invocation(local);
        match run(ids.program, invocation, memory, limits, watch, &mut |_, _| {}) {
            Stop::Iterations { op } => return Err(Trap::Iterations { op, local }),
            Stop::Fuel { op } => return Err(Trap::Fuel { op }),
            Stop::End | Stop::Barrier { .. } => {}
        }
    }
    Ok(())
}

/// Invocations that wait for each other.
fn together<W: Watch>(
    ids: &Ids<'_>,
    invocations: &mut [Invocation],
    memory: &mut [&mut [u32]],
    limits: &mut Limits,
    watch: &mut W,
) -> Result<(), Trap> {
    for (local, invocation) in invocations.iter_mut().enumerate() {
        ids.start(invocation, local as u32);
    }
    loop {
        let mut first: Option<Stop> = None;
        for local in 0..invocations.len() {
            watch.invocation(local as u32);
            let stop = run(ids.program, &mut invocations[local], memory, limits, watch, &mut |_, _| {});
            match stop {
                Stop::Iterations { op } => return Err(Trap::Iterations { op, local: local as u32 }),
                Stop::Fuel { op } => return Err(Trap::Fuel { op }),
                Stop::End | Stop::Barrier { .. } => {}
            }
            let expected = *first.get_or_insert(stop);
            // The same barrier within the same calls.
            if stop != expected || invocations[local].calls != invocations[0].calls {
                let (local, at) = (local as u32, |stop| match stop {
                    Stop::Barrier { op } => Some(op),
                    _ => None,
                });
                return Err(match (at(stop), at(expected)) {
                    (Some(op), other_op) => Trap::Barrier { op, local, other: 0, other_op },
                    (None, other_op) => {
                        Trap::Barrier { op: other_op.unwrap_or(0), local: 0, other: local, other_op: None }
                    }
                });
            }
        }
        match first {
            Some(Stop::Barrier { op }) => {
                if let Op::Barrier { workgroup, storage } = ids.program.ops[op as usize] {
                    watch.met(workgroup, storage);
                }
            }
            _ => return Ok(()),
        }
    }
}
