//! Loops of an environment file. Every loop of a user's file counts its iterations against `MAX_LOOP_ITERATIONS` and ends
//! when they are used up, so that a mistake is found by the checker instead of by a hung driver.

use naga::{Block, Module, Statement};

use crate::engine::lexer::{Kind, Token, Tokens};

/// A loop in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loop {
    /// Byte at which its statement starts.
    pub start: usize,
    /// Whether nothing inside can end it.
    pub endless: bool,
}

/// All loops that start within the first `end` bytes, in order.
pub fn loops(module: &Module, end: usize) -> Vec<Loop> {
    let mut found = Vec::new();
    for (_, function) in module.functions.iter() {
        collect(&function.body, &mut found);
    }
    found.retain(|found| found.start < end);
    found.sort_by_key(|found| found.start);
    found
}

fn collect(block: &Block, found: &mut Vec<Loop>) {
    for (statement, span) in block.span_iter() {
        match statement {
            Statement::Block(inner) => collect(inner, found),
            Statement::If { accept, reject, .. } => {
                collect(accept, found);
                collect(reject, found);
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| collect(&case.body, found)),
            Statement::Loop { body, continuing, break_if } => {
                let endless = break_if.is_none() && !leaves(body, true);
                if let Some(range) = span.to_range() {
                    found.push(Loop { start: range.start, endless });
                }
                collect(body, found);
                collect(continuing, found);
            }
            _ => {}
        }
    }
}

/// Whether a block can leave the loop around it: by `return`, or by `break` where that means the loop.
fn leaves(block: &Block, breaks: bool) -> bool {
    block.iter().any(|statement| match statement {
        Statement::Return { .. } => true,
        Statement::Break => breaks,
        Statement::Block(inner) => leaves(inner, breaks),
        Statement::If { accept, reject, .. } => leaves(accept, breaks) || leaves(reject, breaks),
        Statement::Switch { cases, .. } => cases.iter().any(|case| leaves(&case.body, false)),
        Statement::Loop { body, .. } => leaves(body, false),
        _ => false,
    })
}

/// The text with a counter at the top of every loop body, on the same line, so that line numbers stay.
pub fn counted(source: &str, loops: &[Loop]) -> String {
    let tokens = Tokens::new(source);
    let mut text = source.to_owned();
    for found in loops.iter().rev() {
        let brace = |token: &&Token| token.range.start >= found.start && token.kind == Kind::Sign('{');
        let Some(brace) = tokens.tokens.iter().find(brace) else { continue };
        let line = line_of(source, found.start);
        text.insert_str(brace.range.end, &format!(" if (env_loop({line}u)) {{ break; }}"));
    }
    text
}

/// Line, from 1, of a byte.
pub fn line_of(source: &str, at: usize) -> usize {
    source.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_found_judged_and_counted() {
        let source = "fn f(n: u32) -> u32 {\n    var sum = 0u;\n    for (var i = 0u; i < n; i++) { // {\n        sum += i;\n    }\n\
                      \x20   while /* /* */ { */ sum > 3u {\n        sum -= 1u;\n    }\n    loop {\n        switch sum {\n            case 1u: { break; }\n\
                      \x20           default: { sum += 1u; }\n        }\n    }\n}\n";
        let module = naga::front::wgsl::parse_str(source).expect("valid");
        let found = loops(&module, source.len());
        let lines: Vec<_> = found.iter().map(|l| (line_of(source, l.start), l.endless)).collect();
        assert_eq!(lines, [(3, false), (6, false), (9, true)]);
        let text = counted(source, &found);
        assert_eq!(text.lines().count(), source.lines().count());
        for line in [
            "i++) { if (env_loop(3u)) { break; } // {",
            "sum > 3u { if (env_loop(6u)) { break; }",
            "loop { if (env_loop(9u)) { break; }",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
