//! Executes one invocation, up to its end or its next barrier.

use crate::interp::arith::evaluate;
use crate::interp::code::{AtomicKind, AtomicSite, Limit, NONE, Op, Program, Reg};
use crate::interp::monitor::{Access, Monitor, Words};

/// One invocation.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Its registers.
    pub regs: Vec<u32>,
    /// The next operation.
    pub next: u32,
    /// Where to come back to, of each function that has been called.
    pub calls: Vec<u32>,
    /// Iterations so far, of all loops.
    pub iterations: u64,
}

impl Invocation {
    /// One of `program` that has not begun.
    pub fn new(program: &Program) -> Invocation {
        let mut regs = vec![0; program.registers as usize];
        for (reg, word) in &program.constants {
            regs[*reg as usize] = *word;
        }
        Invocation { regs, ..Invocation::default() }
    }

    /// Back to the beginning. Registers need no clearing: code sets each before it reads it.
    pub fn restart(&mut self) {
        self.next = 0;
        self.calls.clear();
        self.iterations = 0;
    }
}

#[allow(missing_docs, reason = "op: the operation")]
/// Why an invocation stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is done.
    End,
    /// It waits at operation `op`.
    Barrier { op: u32 },
    /// It went through more iterations than allowed, at operation `op`.
    Iterations { op: u32 },
    /// All invocations together did.
    Fuel { op: u32 },
}

/// How much may be executed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Loop iterations of one invocation.
    pub iterations: u64,
    /// Loop iterations and calls of all.
    pub fuel: u64,
}

/// Functions of the host: which, and its window of registers.
pub type Host<'a> = &'a mut dyn FnMut(u32, &mut [u32]);

/// Executes until the invocation stops.
pub fn run<M: Monitor>(
    program: &Program,
    invocation: &mut Invocation,
    memory: &mut [&mut [u32]],
    limits: &mut Limits,
    monitor: &mut M,
    host: Host<'_>,
) -> Stop {
    let Invocation { regs, next, calls, iterations } = invocation;
    let regs = regs.as_mut_slice();
    let mut op = *next;
    loop {
        let here = op;
        op += 1;
        match program.ops[here as usize] {
            Op::Scalar { code, dst, a, b, c } => {
                let words = [regs[a as usize], regs[b as usize], regs[c as usize]];
                let result = evaluate(code, words[0], words[1], words[2]);
                regs[dst as usize] = result;
                if M::ON {
                    monitor.scalar(here, code, dst, [a, b, c], words, result);
                }
            }
            Op::Copy { dst, src, n: 1 } => {
                regs[dst as usize] = regs[src as usize];
                if M::ON {
                    monitor.copied(dst, src, 1);
                }
            }
            Op::Copy { dst, src, n } => {
                regs.copy_within(src as usize..(src + n) as usize, dst as usize);
                if M::ON {
                    monitor.copied(dst, src, n);
                }
            }
            Op::Zero { dst, n } => {
                regs[dst as usize..(dst + n) as usize].fill(0);
                if M::ON {
                    monitor.set(dst, n);
                }
            }
            Op::Index { dst, index, site, at } => {
                let site = &program.indices[site as usize];
                let limit = match site.limit {
                    Limit::Fixed(limit) => limit,
                    Limit::Runtime { slot, fixed } => {
                        (memory[slot as usize].len() as u32).saturating_sub(fixed) / site.stride.max(1)
                    }
                };
                let given = regs[index as usize];
                if M::ON {
                    monitor.index(here, site, dst, at, (index, given), limit);
                }
                // As drivers that restrict an index: the last element.
                let within = given.min(limit.saturating_sub(1));
                regs[dst as usize] = added(regs, at).wrapping_add(within.wrapping_mul(site.stride));
            }
            Op::LoadLocal { dst, base, at, n } => {
                let from = (base + regs[at as usize]) as usize;
                if M::ON && !monitor.local(here, at) {
                    regs[dst as usize..(dst + n) as usize].fill(0);
                    monitor.set(dst, n);
                    continue;
                }
                match n {
                    1 => regs[dst as usize] = regs[from],
                    n => regs.copy_within(from..from + n as usize, dst as usize),
                }
                if M::ON {
                    monitor.copied(dst, from as Reg, n);
                }
            }
            Op::StoreLocal { base, at, src, n } => {
                let to = (base + regs[at as usize]) as usize;
                if M::ON && !monitor.local(here, at) {
                    continue;
                }
                match n {
                    1 => regs[to] = regs[src as usize],
                    n => regs.copy_within(src as usize..(src + n) as usize, to),
                }
                if M::ON {
                    monitor.copied(to as Reg, src, n);
                }
            }
            Op::Load { dst, slot, fixed, at, n } => {
                let first = fixed.wrapping_add(added(regs, at));
                let words = &*memory[slot as usize];
                if M::ON {
                    let allowed = monitor.memory(here, Words { slot, first, n, at }, Access::Read);
                    monitor.set(dst, n);
                    if !allowed {
                        regs[dst as usize..(dst + n) as usize].fill(0);
                        continue;
                    }
                }
                for i in 0..n {
                    let word = words.get((first + i) as usize).copied().unwrap_or(0);
                    regs[(dst + i) as usize] = word;
                }
            }
            Op::Store { slot, fixed, at, src, n } => {
                let first = fixed.wrapping_add(added(regs, at));
                let words = &mut *memory[slot as usize];
                let values = &regs[src as usize..(src + n) as usize];
                if M::ON {
                    let before = words.iter().skip(first as usize);
                    let equal = before.zip(values).take(32).map(|(before, value)| before == value);
                    let same = equal.enumerate().fold(0, |bits, (i, equal)| bits | u32::from(equal) << i);
                    let access = Access::Write { same };
                    if !monitor.memory(here, Words { slot, first, n, at }, access) {
                        continue;
                    }
                }
                for (i, value) in values.iter().enumerate() {
                    if let Some(word) = words.get_mut(first as usize + i) {
                        *word = *value;
                    }
                }
            }
            Op::Length { dst, slot, fixed, stride } => {
                let words = memory[slot as usize].len() as u32;
                regs[dst as usize] = words.saturating_sub(fixed) / stride.max(1);
                if M::ON {
                    monitor.set(dst, 1);
                }
            }
            Op::Atomic { site } => {
                let site = &program.atomics[site as usize];
                atomic(site, here, regs, memory, monitor);
            }
            Op::Jump { to } => op = to,
            Op::JumpIf { condition, to } => {
                if regs[condition as usize] != 0 {
                    op = to;
                }
            }
            Op::JumpUnless { condition, to } => {
                if regs[condition as usize] == 0 {
                    op = to;
                }
            }
            Op::Tick => {
                *iterations += 1;
                if *iterations > limits.iterations {
                    return Stop::Iterations { op: here };
                }
                if limits.fuel == 0 {
                    return Stop::Fuel { op: here };
                }
                limits.fuel -= 1;
            }
            Op::Call { to } => {
                if limits.fuel == 0 {
                    return Stop::Fuel { op: here };
                }
                limits.fuel -= 1;
                calls.push(op);
                op = to;
            }
            Op::Return => match calls.pop() {
                Some(back) => op = back,
                None => return Stop::End,
            },
            Op::Barrier { .. } => {
                *next = op;
                return Stop::Barrier { op: here };
            }
            Op::Host { function, window, n } => {
                host(function, &mut regs[window as usize..(window + n) as usize]);
                if M::ON {
                    monitor.set(window, n);
                }
            }
            Op::End => return Stop::End,
        }
    }
}

/// What a register adds to a place.
#[inline(always)]
fn added(regs: &[u32], at: Reg) -> u32 {
    if at == NONE { 0 } else { regs[at as usize] }
}

fn atomic<M: Monitor>(
    site: &AtomicSite,
    op: u32,
    regs: &mut [u32],
    memory: &mut [&mut [u32]],
    monitor: &mut M,
) {
    let first = site.fixed.wrapping_add(added(regs, site.at));
    let words = Words { slot: site.slot, first, n: 1, at: site.at };
    let allowed =
        !M::ON || monitor.memory(op, words, Access::Atomic { writes: site.kind != AtomicKind::Load });
    let value = if site.value == NONE { 0 } else { regs[site.value as usize] };
    let mut old = 0;
    let mut exchanged = true;
    if let Some(word) = memory[site.slot as usize].get_mut(first as usize).filter(|_| allowed) {
        old = *word;
        exchanged = site.compare == NONE || regs[site.compare as usize] == old;
        if exchanged {
            *word = site.kind.apply(site.signed, old, value);
        }
    }
    if site.result != NONE {
        regs[site.result as usize] = old;
        let words = if site.kind == AtomicKind::CompareExchange { 2 } else { 1 };
        if words == 2 {
            regs[site.result as usize + 1] = u32::from(exchanged);
        }
        if M::ON {
            monitor.set(site.result, words);
        }
    }
}
