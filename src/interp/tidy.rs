//! Takes copies out of code that runs without a monitor. The lowering copies each variable where it is read and each result where
//! it is kept; here an operation reads the variable itself, and writes it.

use crate::interp::code::{NONE, Op, Program, Reg};

/// Operations that are looked at behind a copy, or before it.
const REACH: usize = 256;
/// Times that the code is gone through.
const ROUNDS: usize = 4;

/// Leaves out copies that change nothing, and jumps to the operation that follows. Registers of arguments and of the result hold
/// what they did.
pub fn tidy(program: &mut Program) {
    let mut registers = Registers::of(program);
    for _ in 0..ROUNDS {
        let changed = forward(program, &mut registers) | redirect(program, &mut registers);
        if !changed {
            break;
        }
    }
    compact(program);
}

/// What the code does with each register.
struct Registers {
    /// Operations that write it.
    writes: Vec<u32>,
    /// Operations that read it.
    reads: Vec<u32>,
    /// Whether others than the operations that name it read or write it: the host, or an index at run time.
    pinned: Vec<bool>,
    /// Whether an operation can be jumped to, or a call returns to it.
    entered: Vec<bool>,
}

impl Registers {
    fn of(program: &Program) -> Registers {
        let n = program.registers as usize;
        let mut registers = Registers {
            writes: vec![0; n],
            reads: vec![0; n],
            pinned: vec![false; n],
            entered: vec![false; program.ops.len() + 1],
        };
        let kept = program.arguments.iter().chain([&program.result]).chain(&program.indexed);
        let constants = program.constants.iter().map(|(reg, _)| (*reg, 1));
        for (base, n) in kept.copied().chain(constants) {
            registers.pin(base, n);
        }
        for site in &program.atomics {
            for reg in [site.at, site.value, site.compare].into_iter().filter(|reg| *reg != NONE) {
                registers.pin(reg, 1);
            }
            if site.result != NONE {
                registers.pin(site.result, 2);
            }
        }
        for (index, op) in program.ops.iter().enumerate() {
            let mut op = *op;
            match op {
                Op::Host { window, n, .. } => registers.pin(window, n),
                Op::Jump { to } | Op::JumpIf { to, .. } | Op::JumpUnless { to, .. } | Op::Call { to } => {
                    registers.entered[to as usize] = true;
                }
                _ => {}
            }
            if matches!(op, Op::Call { .. } | Op::Barrier { .. }) {
                registers.entered[index + 1] = true;
            }
            operands(&mut op, |reg, n| {
                registers.reads[*reg as usize..(*reg + n) as usize].iter_mut().for_each(|reads| *reads += 1);
            });
            if let Some((base, n)) = result(&op) {
                registers.writes[base as usize..(base + n) as usize]
                    .iter_mut()
                    .for_each(|writes| *writes += 1);
            }
        }
        registers
    }

    fn pin(&mut self, base: Reg, n: u32) {
        let end = (base + n).min(self.pinned.len() as u32);
        self.pinned[base as usize..end as usize].fill(true);
    }

    /// Whether registers belong to a value that one operation writes and that nobody but operations reads.
    fn temporary(&self, base: Reg, n: u32) -> bool {
        (base..base + n).all(|reg| self.writes[reg as usize] == 1 && !self.pinned[reg as usize])
    }
}

/// Registers that an operation reads, first and number.
fn operands(op: &mut Op, mut each: impl FnMut(&mut Reg, u32)) {
    let mut given = |reg: &mut Reg, n: u32| {
        if *reg != NONE {
            each(reg, n);
        }
    };
    match op {
        // Those that the operation has not got are register 0, which only counts as read more often than it is.
        Op::Scalar { a, b, c, .. } => [a, b, c].into_iter().for_each(|reg| given(reg, 1)),
        Op::Copy { src, n, .. } => given(src, *n),
        Op::Index { index, at, .. } => {
            given(index, 1);
            given(at, 1);
        }
        Op::LoadLocal { at, .. } | Op::Load { at, .. } => given(at, 1),
        Op::StoreLocal { at, src, n, .. } | Op::Store { at, src, n, .. } => {
            given(at, 1);
            given(src, *n);
        }
        Op::JumpIf { condition, .. } | Op::JumpUnless { condition, .. } => given(condition, 1),
        _ => {}
    }
}

/// Registers that an operation writes, as far as it names them.
fn result(op: &Op) -> Option<(Reg, u32)> {
    match *op {
        Op::Scalar { dst, .. } | Op::Index { dst, .. } | Op::Length { dst, .. } => Some((dst, 1)),
        Op::Copy { dst, n, .. }
        | Op::Zero { dst, n }
        | Op::LoadLocal { dst, n, .. }
        | Op::Load { dst, n, .. } => Some((dst, n)),
        Op::Host { window, n, .. } => Some((window, n)),
        _ => None,
    }
}

/// Whether the operation behind this one may be another than the next.
fn leaves(op: &Op) -> bool {
    matches!(
        op,
        Op::Jump { .. }
            | Op::JumpIf { .. }
            | Op::JumpUnless { .. }
            | Op::Call { .. }
            | Op::Return
            | Op::Barrier { .. }
            | Op::End
    )
}

fn overlap((a, n): (Reg, u32), (b, m): (Reg, u32)) -> bool {
    a < b + m && b < a + n
}

/// An operation that does nothing, until [`compact`] takes it out.
const NOTHING: Op = Op::Zero { dst: 0, n: 0 };

/// Lets the readers of a copied value read where it was copied from, where that still holds it. Says whether anything changed.
fn forward(program: &mut Program, registers: &mut Registers) -> bool {
    let mut changed = false;
    for index in 0..program.ops.len() {
        let Op::Copy { dst, src, n } = program.ops[index] else { continue };
        if !registers.temporary(dst, n) {
            continue;
        }
        let open: u32 = (dst..dst + n).map(|reg| registers.reads[reg as usize]).sum();
        let Some(readers) = readers(program, registers, index, (dst, src, n)) else { continue };
        let mut met = 0;
        for reader in &readers {
            operands(&mut program.ops[*reader], |reg, m| {
                if overlap((*reg, m), (dst, n)) {
                    met += m;
                }
            });
        }
        if met != open {
            continue;
        }
        for reader in readers {
            operands(&mut program.ops[reader], |reg, m| {
                if overlap((*reg, m), (dst, n)) {
                    *reg = src + (*reg - dst);
                    (*reg..*reg + m).for_each(|reg| registers.reads[reg as usize] += 1);
                }
            });
        }
        for word in 0..n {
            registers.reads[(src + word) as usize] -= 1;
            registers.reads[(dst + word) as usize] = 0;
            registers.writes[(dst + word) as usize] = 0;
        }
        program.ops[index] = NOTHING;
        changed = true;
    }
    changed
}

/// The operations behind a copy that read what it wrote, up to the end of its block or to where the original changes; nothing if one
/// of them reads more.
fn readers(
    program: &Program,
    registers: &Registers,
    copy: usize,
    (dst, src, n): (Reg, Reg, u32),
) -> Option<Vec<usize>> {
    let indexed = (src..src + n).any(|reg| registers.pinned[reg as usize]);
    let mut readers = Vec::new();
    for index in copy + 1..program.ops.len().min(copy + 1 + REACH) {
        if registers.entered[index] {
            break;
        }
        let mut op = program.ops[index];
        let (mut reads, mut within) = (false, true);
        operands(&mut op, |reg, m| {
            if overlap((*reg, m), (dst, n)) {
                reads = true;
                within &= *reg >= dst && *reg + m <= dst + n;
            }
        });
        if !within {
            return None;
        }
        if reads {
            readers.push(index);
        }
        let written = result(&op).is_some_and(|result| overlap(result, (src, n)));
        if leaves(&op) || written || indexed && matches!(op, Op::StoreLocal { .. } | Op::Atomic { .. }) {
            break;
        }
    }
    Some(readers)
}

/// Lets an operation whose result is only copied write where the copy does. Says whether anything changed.
fn redirect(program: &mut Program, registers: &mut Registers) -> bool {
    let mut changed = false;
    for index in 0..program.ops.len() {
        let Op::Copy { dst, src, n } = program.ops[index] else { continue };
        let read_once = (src..src + n).all(|reg| registers.reads[reg as usize] == 1);
        if !read_once || !registers.temporary(src, n) {
            continue;
        }
        let Some(writer) = writer(program, registers, index, (dst, src, n)) else { continue };
        match &mut program.ops[writer] {
            Op::Scalar { dst: to, .. }
            | Op::Index { dst: to, .. }
            | Op::LoadLocal { dst: to, .. }
            | Op::Copy { dst: to, .. } => *to = dst,
            _ => continue,
        }
        for reg in src..src + n {
            registers.reads[reg as usize] = 0;
            registers.writes[reg as usize] = 0;
        }
        program.ops[index] = NOTHING;
        changed = true;
    }
    changed
}

/// The operation before a copy, in its block, that writes just what is copied, if nothing between them touches where it goes.
fn writer(
    program: &Program,
    registers: &Registers,
    copy: usize,
    (dst, src, n): (Reg, Reg, u32),
) -> Option<usize> {
    let indexed = (dst..dst + n).any(|reg| registers.pinned[reg as usize]);
    for index in (copy.saturating_sub(REACH)..copy).rev() {
        if registers.entered[index + 1] {
            return None;
        }
        let mut op = program.ops[index];
        match result(&op) {
            Some(written) if written == (src, n) => return Some(index),
            Some(written) if overlap(written, (dst, n)) || overlap(written, (src, n)) => return None,
            _ => {}
        }
        let mut reads = false;
        operands(&mut op, |reg, m| reads |= overlap((*reg, m), (dst, n)));
        let unknown = matches!(op, Op::LoadLocal { .. } | Op::StoreLocal { .. } | Op::Atomic { .. });
        if reads || leaves(&op) || indexed && unknown {
            return None;
        }
    }
    None
}

/// Takes out what does nothing.
fn compact(program: &mut Program) {
    loop {
        let mut kept = Vec::with_capacity(program.ops.len());
        for (index, op) in program.ops.iter().enumerate() {
            let nothing = match *op {
                Op::Zero { n: 0, .. } => true,
                Op::Jump { to } => to as usize == index + 1,
                _ => false,
            };
            kept.push(!nothing);
        }
        if kept.iter().all(|kept| *kept) {
            return;
        }
        // Where each operation goes, and what jumps to one that is left out.
        let mut places = Vec::with_capacity(kept.len() + 1);
        let mut next = 0;
        for kept in &kept {
            places.push(next);
            next += u32::from(*kept);
        }
        places.push(next);
        for op in &mut program.ops {
            if let Op::Jump { to } | Op::JumpIf { to, .. } | Op::JumpUnless { to, .. } | Op::Call { to } = op
            {
                *to = places[*to as usize];
            }
        }
        let mut keep = kept.iter();
        program.ops.retain(|_| *keep.next().unwrap_or(&true));
        let mut keep = kept.iter();
        program.places.retain(|_| *keep.next().unwrap_or(&true));
    }
}
