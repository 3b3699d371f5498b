//! Executes one function for several calls at once, which differ in their arguments: a register is a row of words, one per call, so
//! that an operation is looked up once for all. Where calls part, those that are furthest behind go on until they meet the others.

use crate::interp::arith::{ScalarOp, evaluate};
use crate::interp::code::{Limit, NONE, Op, Program, Reg};
use crate::interp::machine::Host;

/// Calls that are executed together.
pub const LANES: usize = 64;
/// A register of all of them.
pub type Row = [u32; LANES];

/// Which calls.
type Mask = u64;
const ALL: Mask = Mask::MAX >> (Mask::BITS as usize - LANES);
/// Where a call is that has returned.
const DONE: u32 = u32::MAX;
/// Functions that wait for another, at most: each takes some of the thread's stack.
const MAX_CALLS: u32 = 8;

/// Registers of a program that has not begun.
pub fn registers(program: &Program) -> Vec<Row> {
    let mut rows = vec![[0; LANES]; program.registers as usize];
    for (reg, word) in &program.constants {
        rows[*reg as usize] = [*word; LANES];
    }
    rows
}

/// Executes a function from its beginning to its end, of a program without memory and barriers. Loops are not counted. False if it
/// is none that this can execute; nothing can be said of the registers then.
pub fn run(program: &Program, rows: &mut [Row], host: Host<'_>) -> bool {
    Calls { program, rows, host, depth: 0 }.execute(0, ALL)
}

struct Calls<'a, 'h> {
    program: &'a Program,
    rows: &'a mut [Row],
    host: Host<'h>,
    depth: u32,
}

/// The calls that go on, and where the others wait.
struct Front {
    active: Mask,
    /// Of each call that is not active.
    at: [u32; LANES],
    /// The first operation at which some wait.
    meeting: u32,
}

impl Front {
    /// Lets the active calls wait at an operation and those that are furthest behind go on: there.
    fn turn(&mut self, op: u32) -> u32 {
        for lane in 0..LANES {
            if self.active >> lane & 1 == 1 {
                self.at[lane] = op;
            }
        }
        let first = self.at.iter().copied().min().unwrap_or(DONE);
        self.active = 0;
        self.meeting = DONE;
        for (lane, at) in self.at.iter_mut().enumerate() {
            if *at == first {
                self.active |= 1 << lane;
                *at = DONE;
            } else {
                self.meeting = self.meeting.min(*at);
            }
        }
        first
    }
}

impl Calls<'_, '_> {
    /// Executes from an operation until every call of `mask` has returned.
    fn execute(&mut self, start: u32, mask: Mask) -> bool {
        let mut front = Front { active: mask, at: [DONE; LANES], meeting: DONE };
        let mut op = start;
        loop {
            if op >= front.meeting {
                op = front.turn(op);
            }
            let here = op;
            op += 1;
            match self.program.ops[here as usize] {
                Op::Scalar { code, dst, a, b, c } => {
                    let [a, b, c] = [a, b, c].map(|reg| &self.rows[reg as usize]);
                    let row = scalar(code, a, b, c);
                    self.put(dst, &row, front.active);
                }
                Op::Copy { dst, src, n } if front.active == ALL => {
                    self.rows.copy_within(src as usize..(src + n) as usize, dst as usize);
                }
                Op::Copy { dst, src, n } => {
                    // As a copy of memory: what overlaps is read first.
                    let words: Vec<Row> = self.rows[src as usize..(src + n) as usize].to_vec();
                    for (word, row) in words.iter().enumerate() {
                        self.put(dst + word as u32, row, front.active);
                    }
                }
                Op::Zero { dst, n } => {
                    for reg in dst..dst + n {
                        self.put(reg, &[0; LANES], front.active);
                    }
                }
                Op::Index { dst, index, site, at } => {
                    let site = &self.program.indices[site as usize];
                    let Limit::Fixed(limit) = site.limit else { return false };
                    let (given, added) = (self.rows[index as usize], self.added(at));
                    let last = limit.saturating_sub(1);
                    let row = std::array::from_fn(|lane| {
                        added[lane].wrapping_add(given[lane].min(last).wrapping_mul(site.stride))
                    });
                    self.put(dst, &row, front.active);
                }
                Op::LoadLocal { dst, base, at, n } => {
                    let added = self.rows[at as usize];
                    for word in 0..n {
                        let row: Row = std::array::from_fn(|lane| {
                            // Calls that are not active may add anything.
                            let from = (base + word).wrapping_add(added[lane]);
                            self.rows.get(from as usize).map_or(0, |row| row[lane])
                        });
                        self.put(dst + word, &row, front.active);
                    }
                }
                Op::StoreLocal { base, at, src, n } => {
                    let added = self.rows[at as usize];
                    for word in 0..n {
                        let row = self.rows[(src + word) as usize];
                        for lane in 0..LANES {
                            if front.active >> lane & 1 == 1 {
                                self.rows[(base + word + added[lane]) as usize][lane] = row[lane];
                            }
                        }
                    }
                }
                Op::Jump { to } => op = to,
                Op::JumpIf { condition, to } => {
                    let (taken, left) = self.parted(condition, front.active);
                    op = self.branch(&mut front, (taken, to), (left, op));
                }
                Op::JumpUnless { condition, to } => {
                    let (left, taken) = self.parted(condition, front.active);
                    op = self.branch(&mut front, (taken, to), (left, op));
                }
                Op::Tick => {}
                Op::Call { to } => {
                    self.depth += 1;
                    if self.depth > MAX_CALLS || !self.execute(to, front.active) {
                        return false;
                    }
                    self.depth -= 1;
                }
                Op::Return | Op::End => {
                    if front.meeting == DONE {
                        return true;
                    }
                    front.active = 0;
                    op = front.turn(DONE);
                }
                Op::Host { function, window, n } => self.call(function, window, n, front.active),
                Op::Load { .. }
                | Op::Store { .. }
                | Op::Length { .. }
                | Op::Atomic { .. }
                | Op::Barrier { .. } => return false,
            }
        }
    }

    /// Writes a register of the active calls.
    #[inline(always)]
    fn put(&mut self, reg: Reg, row: &Row, active: Mask) {
        let to = &mut self.rows[reg as usize];
        if active == ALL {
            *to = *row;
            return;
        }
        for lane in 0..LANES {
            if active >> lane & 1 == 1 {
                to[lane] = row[lane];
            }
        }
    }

    fn added(&self, at: Reg) -> Row {
        if at == NONE { [0; LANES] } else { self.rows[at as usize] }
    }

    /// The active calls for which a condition holds, and the others.
    fn parted(&self, condition: Reg, active: Mask) -> (Mask, Mask) {
        let row = &self.rows[condition as usize];
        let holds =
            row.iter().enumerate().fold(0, |mask, (lane, word)| mask | Mask::from(*word != 0) << lane);
        (active & holds, active & !holds)
    }

    /// Goes on where all active calls go, or lets those of one way wait there.
    fn branch(&self, front: &mut Front, taken: (Mask, u32), left: (Mask, u32)) -> u32 {
        if left.0 == 0 {
            return taken.1;
        }
        if taken.0 != 0 {
            for lane in 0..LANES {
                if taken.0 >> lane & 1 == 1 {
                    front.at[lane] = taken.1;
                }
            }
            front.active = left.0;
            front.meeting = front.meeting.min(taken.1);
        }
        left.1
    }

    /// Calls a function of the host for each active call.
    fn call(&mut self, function: u32, window: Reg, n: u32, active: Mask) {
        let mut words = vec![0; n as usize];
        for lane in 0..LANES {
            if active >> lane & 1 == 0 {
                continue;
            }
            let rows = &mut self.rows[window as usize..(window + n) as usize];
            words.iter_mut().zip(rows.iter()).for_each(|(word, row)| *word = row[lane]);
            (self.host)(function, &mut words);
            words.iter().zip(rows).for_each(|(word, row)| row[lane] = *word);
        }
    }
}

/// One operation of all calls. For those that worlds are made of the compiler knows which, and uses vectors. Its rows stay out of the
/// frames of [`Calls::execute`], which calls itself.
#[inline(never)]
fn scalar(code: ScalarOp, a: &Row, b: &Row, c: &Row) -> Row {
    macro_rules! known {
        ($($op:ident)*) => {
            match code {
                $(ScalarOp::$op => std::array::from_fn(|i| evaluate(ScalarOp::$op, a[i], b[i], c[i])),)*
                code => std::array::from_fn(|i| evaluate(code, a[i], b[i], c[i])),
            }
        };
    }
    known!(AddF SubF MulF DivF NegF AddU AddI SubU SubI MulU MulI And Or Xor Not Shl ShrU LogicalNot
        Eq Ne EqF NeF LtF LeF LtI LeI LtU LeU Select FloatOfI FloatOfU FloatOfBool AbsF MinF MaxF MinU MaxU
        ClampF Floor Fract Sqrt)
}

#[cfg(test)]
mod tests {
    use naga::valid::{Capabilities, ValidationFlags, Validator};

    use super::*;
    use crate::interp::lower;
    use crate::interp::machine::{self, Invocation, Limits, Stop};
    use crate::interp::monitor::Silent;

    /// Text of a function `f` of an argument, and what it computes.
    type Computes = (&'static str, fn(u32) -> u32);

    const FUNCTIONS: &[Computes] = &[
        ("fn f(x: u32) -> u32 { var a = x; let b = a; a = 7u; return a * 100u + b; }", |x| 700 + x),
        ("fn f(x: u32) -> u32 { var v = vec2u(x, 3u); v = v.yx; return v.x * 100u + v.y; }", |x| 300 + x),
        (
            "fn f(x: u32) -> u32 { var a = x; var b = 5u; let t = a; a = b; b = t; return a * 100u + b; }",
            |x| 500 + x,
        ),
        ("fn f(x: u32) -> u32 { var s = 0u; for (var i = 0u; i < x; i++) { s += i; } return s; }", |x| {
            (0..x).sum()
        }),
        (
            "fn f(x: u32) -> u32 {
                var s = 1u;
                for (var i = 0u; i < 20u; i++) {
                    if (i % 3u == x % 3u) { continue; }
                    if (i > x) { break; }
                    switch (i % 4u) { case 0u: { s += i; } case 1u, 2u: { s = s * 3u; } default: { s ^= x; } }
                }
                return s;
            }",
            |x| {
                let mut s = 1u32;
                for i in (0..20).filter(|i| i % 3 != x % 3).take_while(|i| *i <= x) {
                    match i % 4 {
                        0 => s = s.wrapping_add(i),
                        1 | 2 => s = s.wrapping_mul(3),
                        _ => s ^= x,
                    }
                }
                s
            },
        ),
        (
            "fn g(n: u32) -> u32 { if (n % 2u == 0u) { return n / 2u; } return 3u * n + 1u; }
             fn f(x: u32) -> u32 {
                var n = x + 1u;
                var steps = 0u;
                while (n != 1u) { n = g(n); steps += 1u; if (steps % 5u == 4u) { n = g(n) + g(0u); } }
                return steps;
            }",
            |x| {
                let g = |n: u32| if n.is_multiple_of(2) { n / 2 } else { 3 * n + 1 };
                let (mut n, mut steps) = (x + 1, 0);
                while n != 1 {
                    (n, steps) = (g(n), steps + 1);
                    if steps % 5 == 4 {
                        n = g(n);
                    }
                }
                steps
            },
        ),
        (
            "fn bump(p: ptr<function, u32>, by: u32) { *p += by; }
             fn f(x: u32) -> u32 {
                var a = x;
                var b = 1u;
                let before = a;
                bump(&a, 3u);
                bump(&b, before);
                return a * 1000u + b * 10u + before % 10u;
            }",
            |x| (x + 3) * 1000 + (x + 1) * 10 + x % 10,
        ),
        (
            "fn f(x: u32) -> u32 {
                var all = array<u32, 5>(1u, 2u, 3u, 4u, 5u);
                let old = all[x % 5u];
                all[x % 5u] = 9u;
                all[1] = all[0];
                return old * 100u + all[1] * 10u + all[x % 5u];
            }",
            |x| {
                let mut all = [1, 2, 3, 4, 5];
                let at = (x % 5) as usize;
                let old = all[at];
                all[at] = 9;
                all[1] = all[0];
                old * 100 + all[1] * 10 + all[at]
            },
        ),
        (
            "var<private> held: u32;
             fn keep(x: u32) -> u32 { let before = held; held = x; return before; }
             fn f(x: u32) -> u32 { let a = keep(x); let b = keep(a + 1u); return b * 10u + held; }",
            |x| x * 10 + 1,
        ),
    ];

    #[test]
    fn calls_that_part_meet_again_and_each_has_its_result() {
        for (text, expected) in FUNCTIONS {
            let module = naga::front::wgsl::parse_str(text).expect(text);
            let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
                .validate(&module)
                .expect("valid");
            let program = lower::function(&module, &info, text, "f", &[]).expect("known");
            let (argument, result) = (program.arguments[0].0 as usize, program.result.0 as usize);
            let mut rows = registers(&program);
            let arguments: Row = std::array::from_fn(|lane| (lane as u32 * 7) % 27);
            // Twice: what a call leaves behind does not matter to the next.
            for _ in 0..2 {
                rows[argument] = arguments;
                assert!(run(&program, &mut rows, &mut |_, _| {}));
                assert_eq!(rows[result], arguments.map(expected), "{text}");
            }
            let mut one = Invocation::new(&program);
            for x in arguments {
                one.restart();
                one.regs[argument] = x;
                let mut limits = Limits { iterations: u64::MAX, fuel: u64::MAX };
                let stop =
                    machine::run(&program, &mut one, &mut [], &mut limits, &mut Silent, &mut |_, _| {});
                assert_eq!((stop, one.regs[result]), (Stop::End, expected(x)), "{text}: {x}");
            }
        }
    }

    #[test]
    fn the_host_is_called_once_for_each() {
        let text = "fn twice(x: u32) -> u32 { return 2u * x; }
            fn f(x: u32) -> u32 { if (x > 30u) { return twice(x); } return 1u; }";
        let module = naga::front::wgsl::parse_str(text).expect(text);
        let info =
            Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module).expect("valid");
        let program = lower::function(&module, &info, text, "f", &[("twice", 4)]).expect("known");
        let mut rows = registers(&program);
        let arguments: Row = std::array::from_fn(|lane| lane as u32);
        rows[program.arguments[0].0 as usize] = arguments;
        let mut calls = 0;
        let ran = run(&program, &mut rows, &mut |function, window| {
            assert_eq!((function, window.len()), (4, 2));
            calls += 1;
            window[1] = 2 * window[0] + 1;
        });
        assert!(ran && calls == LANES - 31);
        let expected = arguments.map(|x| if x > 30 { 2 * x + 1 } else { 1 });
        assert_eq!(rows[program.result.0 as usize], expected);
    }

    /// Each of `depth` functions is called from two places, so that none stands in another.
    fn chain(depth: u32) -> String {
        let link = |n: u32| {
            format!(
                "fn g{n}(x: u32) -> u32 {{ if (x > 9u) {{ return g{0}(x); }} return g{0}(x) + 1u; }}\n",
                n - 1
            )
        };
        "fn g0(x: u32) -> u32 { return x; }\n".to_owned() + &(1..=depth).map(link).collect::<String>()
    }

    #[test]
    fn calls_too_deep_for_the_stack_are_left_to_the_machine_that_needs_none() {
        for (depth, can) in [(MAX_CALLS - 1, true), (MAX_CALLS + 3, false)] {
            let text = chain(depth)
                + &format!(
                    "fn f(x: u32) -> u32 {{ if (x > 9u) {{ return g{depth}(x); }} return g{depth}(x); }}"
                );
            let module = naga::front::wgsl::parse_str(&text).expect(&text);
            let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
                .validate(&module)
                .expect("valid");
            let program = lower::function(&module, &info, &text, "f", &[]).expect("known");
            let mut rows = registers(&program);
            let arguments: Row = std::array::from_fn(|lane| lane as u32);
            rows[program.arguments[0].0 as usize] = arguments;
            assert_eq!(run(&program, &mut rows, &mut |_, _| {}), can, "{depth}");
            if can {
                let expected = arguments.map(|x| if x > 9 { x } else { x + depth });
                assert_eq!(rows[program.result.0 as usize], expected);
            }
        }
    }

    /// Its variables are read and written where they are.
    #[test]
    fn a_loop_copies_nothing() {
        let text = FUNCTIONS[3].0;
        let module = naga::front::wgsl::parse_str(text).expect(text);
        let info =
            Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module).expect("valid");
        let program = lower::function(&module, &info, text, "f", &[]).expect("known");
        let head = program.ops.iter().position(|op| matches!(op, Op::Scalar { code: ScalarOp::LtU, .. }));
        let back = program.ops.iter().rposition(|op| matches!(op, Op::Jump { .. })).expect("jumps back");
        let body = &program.ops[head.expect("compares")..=back];
        assert!(!body.iter().any(|op| matches!(op, Op::Copy { .. })), "{body:#?}");
        assert_eq!(body.len(), 7, "{body:#?}");
    }
}
