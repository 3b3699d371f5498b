//! Which operators may stand side by side. WGSL's grammar (section 8.19 of the specification, "Operator precedence and
//! associativity") demands parentheses where others guess: `a && b || c`, `a + b << c`, `a & b | c`, `a < b == c`. The native
//! compiler guesses too; browsers refuse the file.

use crate::engine::lexer::{Kind, Tokens};

/// A place that browsers refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mixed {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// The operators of one expression at one depth of brackets, each with its line.
#[derive(Default)]
struct Level {
    operators: Vec<(&'static str, usize)>,
    /// Whether the last token ends an operand, so that a sign that follows is a binary operator.
    operand: bool,
}

/// Operators of two characters first.
const OPERATORS: &[&str] =
    &["&&", "||", "<<", ">>", "<=", ">=", "==", "!=", "&", "|", "^", "<", ">", "+", "-", "*", "/", "%"];

/// Words that end no operand.
const KEYWORDS: &[&str] = &["return", "if", "else", "while", "switch", "case", "const_assert"];

/// The places at which operators stand side by side that need parentheses.
pub fn mixed(tokens: &Tokens<'_>) -> Vec<Mixed> {
    let mut found = Vec::new();
    let mut levels = vec![Level::default()];
    let mut index = 0;
    while index < tokens.tokens.len() {
        let token = &tokens.tokens[index];
        let Some(level) = levels.last_mut() else { break };
        let sign = match token.kind {
            Kind::Sign(sign) => sign,
            Kind::Word => {
                level.operand = !KEYWORDS.contains(&tokens.str(token));
                index += 1;
                continue;
            }
            Kind::Number => {
                level.operand = true;
                index += 1;
                continue;
            }
        };
        index += 1;
        match sign {
            '(' | '[' => levels.push(Level::default()),
            '<' if token.template => levels.push(Level::default()),
            ')' | ']' => close(&mut levels, &mut found),
            '>' if token.template => close(&mut levels, &mut found),
            '.' => {}
            ',' | ';' | '{' | '}' | ':' | '@' => end(level, &mut found),
            '-' if tokens.pair(index - 1, ['-', '>']) => {
                index += 1;
                end(level, &mut found);
            }
            '+' | '-' if tokens.pair(index - 1, [sign, sign]) && level.operand => {
                index += 1;
                end(level, &mut found);
            }
            _ => match operator(tokens, index - 1) {
                Some(operator) if level.operand => {
                    let behind = index - 1 + operator.len();
                    // `+=`, `<<=`: the right side is an expression of its own. `==` and `<=` are operators themselves.
                    let compound = tokens.is(behind, '=')
                        && tokens.tokens[behind - 1].range.end == tokens.tokens[behind].range.start
                        && !tokens.pair(behind, ['=', '=']);
                    index = behind + usize::from(compound);
                    if compound {
                        end(level, &mut found);
                    } else {
                        level.operators.push((operator, token.line));
                        level.operand = false;
                    }
                }
                // A unary operator; two of them in a row are two.
                Some(_) => {}
                None if sign == '=' => end(level, &mut found),
                None => {}
            },
        }
    }
    levels.iter_mut().for_each(|level| end(level, &mut found));
    found
}

fn operator(tokens: &Tokens<'_>, index: usize) -> Option<&'static str> {
    OPERATORS.iter().copied().find(|operator| {
        let mut signs = operator.chars();
        match (signs.next(), signs.next()) {
            (Some(first), Some(second)) => tokens.pair(index, [first, second]),
            (Some(first), None) => tokens.is(index, first),
            _ => false,
        }
    })
}

fn close(levels: &mut Vec<Level>, found: &mut Vec<Mixed>) {
    if levels.len() > 1
        && let Some(mut level) = levels.pop()
    {
        end(&mut level, found);
    }
    if let Some(level) = levels.last_mut() {
        level.operand = true;
    }
}

/// Judges the expression that ends here.
fn end(level: &mut Level, found: &mut Vec<Mixed>) {
    let operators = std::mem::take(&mut level.operators);
    level.operand = false;
    if let Some((pair, line)) = refused(&operators) {
        let [a, b] = pair;
        let (what, example) = if a == b {
            (format!("`{a}` after `{b}`"), format!("`(x {a} y) {b} z`"))
        } else {
            (format!("`{a}` beside `{b}`"), format!("`(x {a} y) {b} z` or `x {a} (y {b} z)`"))
        };
        let message = format!(
            "{what} needs parentheses: write {example}. Browsers refuse this line, as WGSL demands; the native compiler lets \
             it pass"
        );
        found.push(Mixed { line, message });
    }
}

const BITS: &[&str] = &["&", "|", "^"];
const SHIFTS: &[&str] = &["<<", ">>"];
const COMPARISONS: &[&str] = &["<", ">", "<=", ">=", "==", "!="];
const LOGIC: &[&str] = &["&&", "||"];

/// The first two operators that the grammar does not allow in one expression, with their line.
fn refused(operators: &[(&'static str, usize)]) -> Option<([&'static str; 2], usize)> {
    let differs = |from: &'static str| {
        operators.iter().find(|(other, _)| *other != from).map(|(other, line)| ([from, *other], *line))
    };
    // Operands of bitwise operators are unary expressions, and chains are of one operator.
    if let Some((bits, _)) = operators.iter().find(|(operator, _)| BITS.contains(operator)) {
        return differs(bits);
    }
    // Chains of `&&` or of `||`, whose operands are comparisons.
    if let Some((logic, _)) = operators.iter().find(|(operator, _)| LOGIC.contains(operator))
        && let Some((other, line)) =
            operators.iter().find(|(operator, _)| LOGIC.contains(operator) && operator != logic)
    {
        return Some(([logic, other], *line));
    }
    for operand in operators.split(|(operator, _)| LOGIC.contains(operator)) {
        let mut comparisons = operand.iter().filter(|(operator, _)| COMPARISONS.contains(operator));
        if let (Some((first, _)), Some((second, line))) = (comparisons.next(), comparisons.next()) {
            return Some(([first, second], *line));
        }
        for side in operand.split(|(operator, _)| COMPARISONS.contains(operator)) {
            // A shift has unary expressions on both sides.
            if let Some(place) = side.iter().position(|(operator, _)| SHIFTS.contains(operator))
                && side.len() > 1
            {
                let (other, line) = side[if place == 0 { 1 } else { 0 }];
                let pair = if place == 0 { [side[0].0, other] } else { [other, side[place].0] };
                return Some((pair, line));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        mixed(&Tokens::new(text)).into_iter().map(|mixed| mixed.line).collect()
    }

    #[test]
    fn what_the_grammar_allows_passes() {
        for text in [
            "let b = a && (b || c);",
            "a += b - -c * -d;",
            "x <<= 1u + 2u;",
            "let p = &a; *p = a & b & c;",
            "if (a < b && c >= d && !e) { return a << 2u == 4u; }",
            "let c = array<vec2<u32>, 4u>(); for (var i = 0u; i < 4u; i++) { c[i] = c[i - 1u] + 1u; }",
            "fn f(a: ptr<function, array<f32, N>>) -> array<u32, 2> { return g(&a, b & c, d | e); }",
            "let d = (a + 1u) >> 1u; let e = f(a < b, c > d);",
            "let x = -a << 1u;",
            "a |= b; a &= c; a ^= d; a %= 2u; a = b == c;",
        ] {
            assert_eq!(lines(text), Vec::<usize>::new(), "{text}");
        }
    }

    #[test]
    fn what_needs_parentheses_is_named() {
        for operators in [
            "a && b || c",
            "a || b && c",
            "a + b << c",
            "a << b + c",
            "a << b >> c",
            "a & b | c",
            "a ^ b & c",
            "a & b == c",
            "a < b < c",
            "a == b != c",
            "a * b & c",
            "a | b + c",
            "a & b && c",
            "a << b << c",
            "a >> b * c == d",
            "!a || b && c",
        ] {
            for text in [
                format!("\nlet x = {operators};"),
                format!("\nx = f(1u, ({operators}));"),
                format!("\nif {operators} {{ }}"),
                format!("const A = array<u32, 2>(1u,\n{operators});"),
                format!("\nx[{operators}] += 1;"),
            ] {
                assert_eq!(lines(&text), [2], "{text}");
            }
        }
    }
}
