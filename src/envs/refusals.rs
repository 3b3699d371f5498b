//! What is refused in a user's file before the WGSL compiler sees it: parts of the language that a world cannot use, names that
//! are taken, and what is too deep or too large.

use crate::engine::items::{Item, constant};
use crate::engine::lexer::{Kind, Tokens};
use crate::error::{Error, Result};

/// Names of the language that kernels rely on: a file that declared one of them would change the engine's own code.
pub const BUILT_IN: &[&str] = &[
    "abs",
    "acos",
    "all",
    "any",
    "asin",
    "atan",
    "atan2",
    "bitcast",
    "bool",
    "ceil",
    "clamp",
    "cos",
    "cosh",
    "countOneBits",
    "cross",
    "distance",
    "dot",
    "exp",
    "exp2",
    "f16",
    "f32",
    "floor",
    "fma",
    "fract",
    "i32",
    "inverseSqrt",
    "ldexp",
    "length",
    "log",
    "log2",
    "mat2x2f",
    "max",
    "min",
    "mix",
    "modf",
    "normalize",
    "pow",
    "round",
    "saturate",
    "select",
    "sign",
    "sin",
    "sinh",
    "smoothstep",
    "sqrt",
    "step",
    "tan",
    "tanh",
    "transpose",
    "trunc",
    "u32",
    "vec2",
    "vec2f",
    "vec2i",
    "vec2u",
    "vec3",
    "vec3f",
    "vec3i",
    "vec3u",
    "vec4",
    "vec4f",
    "vec4i",
    "vec4u",
    "array",
    "ptr",
    "atomic",
];

/// What the language has but a world cannot use: a lane neither waits for others nor shades a triangle.
const UNAVAILABLE: &[&str] = &[
    "workgroupBarrier",
    "storageBarrier",
    "textureBarrier",
    "workgroupUniformLoad",
    "dpdx",
    "dpdy",
    "fwidth",
    "discard",
    "enable",
    "requires",
    "diagnostic",
];

/// Refuses what a world cannot use, with its line.
pub fn check_unavailable(file: &str, tokens: &Tokens<'_>) -> Result<()> {
    let mut words = tokens.tokens.iter().filter(|token| token.kind == Kind::Word);
    if let Some(token) = words.find(|token| UNAVAILABLE.contains(&tokens.str(token))) {
        let message = format!(
            "`{}` is not available in a world: its functions run for one lane alone, inside the engine's kernels; remove it",
            tokens.str(token)
        );
        return Err(Error::EnvFile { file: file.into(), line: Some(token.line), message });
    }
    Ok(())
}

/// Refuses writes to the parameters: they belong to the lane, and what is written there stays for the rest of a dispatch on a device, and
/// nowhere else.
pub fn check_params_are_read(file: &str, tokens: &Tokens<'_>) -> Result<()> {
    let word = |index: usize| tokens.tokens.get(index).is_some_and(|token| token.kind == Kind::Word);
    let named = |index: usize| tokens.tokens.get(index).is_some_and(|token| tokens.str(token) == "env");
    // A variable or an argument of that name is another thing.
    let own = (0..tokens.tokens.len()).any(|i| {
        named(i) && (tokens.is(i + 1, ':') || i > 0 && ["let", "var"].contains(&tokens.word(i - 1)))
    });
    for index in (0..tokens.tokens.len()).filter(|index| named(*index) && !own) {
        if index > 0 && tokens.is(index - 1, '.') {
            continue;
        }
        let mut end = index + 1;
        loop {
            if tokens.is(end, '.') && word(end + 1) {
                end += 2;
            } else if tokens.is(end, '[') {
                end = tokens.behind(end);
            } else {
                break;
            }
        }
        let assigned = tokens.is(end, '=') && !tokens.pair(end, ['=', '=']);
        let changed =
            ['+', '-', '*', '/', '%', '&', '|', '^'].into_iter().any(|sign| tokens.pair(end, [sign, '=']));
        let shifted = ['<', '>']
            .into_iter()
            .any(|sign| tokens.pair(end, [sign, sign]) && tokens.pair(end + 1, [sign, '=']));
        let counted = tokens.pair(end, ['+', '+']) || tokens.pair(end, ['-', '-']);
        // `&env` is a pointer to it where nothing stands before that it could be combined with.
        let pointed = index > 0
            && tokens.is(index - 1, '&')
            && index.checked_sub(2).is_none_or(|before| {
                ['(', ',', '=', '{', ';'].into_iter().any(|sign| tokens.is(before, sign))
                    || tokens.word(before) == "return"
            });
        if assigned || changed || shifted || counted || pointed {
            let line = Some(tokens.tokens[index].line);
            let message = "the parameters cannot be written: keep what changes in State".to_owned();
            return Err(Error::EnvFile { file: file.into(), line, message });
        }
    }
    Ok(())
}

/// Refuses declarations under names of the language; `step` is the one that the contract asks for.
pub fn check_declared_names(file: &str, items: &[Item]) -> Result<()> {
    for item in items.iter().filter(|item| item.name != "step") {
        if BUILT_IN.contains(&item.name.as_str()) {
            let message = format!(
                "`{0}` is a name of the language, and the engine's own code uses it: choose another one, such as `my_{0}`",
                item.name
            );
            return Err(Error::EnvFile { file: file.into(), line: Some(item.line), message });
        }
    }
    Ok(())
}

/// Longest expression, in bytes of tokens, most brackets around one place, and most `else`: the compiler works by recursion,
/// and a chain of many thousand operators or branches would exhaust its stack.
const MAX_EXPRESSION: usize = 2_000;
const MAX_DEPTH: usize = 100;
const MAX_ELSE: usize = 500;

/// Refuses what would be too deep for the compiler.
pub fn check_depth(file: &str, tokens: &Tokens<'_>) -> Result<()> {
    let (mut length, mut branches, mut depth) = (0, 0, 0usize);
    for token in &tokens.tokens {
        match token.kind {
            Kind::Sign('(' | '[') => depth += 1,
            Kind::Sign('{') => (length, depth) = (0, depth + 1),
            Kind::Sign(')' | ']') => depth = depth.saturating_sub(1),
            Kind::Sign('}') => (length, depth) = (0, depth.saturating_sub(1)),
            Kind::Sign(';' | ',') => length = 0,
            Kind::Sign('<') if token.template => depth += 1,
            Kind::Sign('>') if token.template => depth = depth.saturating_sub(1),
            _ => length += token.range.len(),
        }
        branches += usize::from(tokens.str(token) == "else");
        let message = if length > MAX_EXPRESSION {
            format!("an expression of more than {MAX_EXPRESSION} characters; split it with `let`")
        } else if depth > MAX_DEPTH {
            format!("more than {MAX_DEPTH} brackets around one place; split it with `let` and functions")
        } else if branches > MAX_ELSE {
            format!("more than {MAX_ELSE} `else` in one file; use a switch or an array")
        } else {
            continue;
        };
        return Err(Error::EnvFile { file: file.into(), line: Some(token.line), message });
    }
    Ok(())
}

/// Refuses sizes that are plain numbers out of range, where they are declared: the compiler would complain where they are
/// used.
pub fn check_sizes(file: &str, tokens: &Tokens<'_>, items: &[Item], sizes: &[(&str, u32)]) -> Result<()> {
    for (name, limit) in sizes {
        let Some(item) = constant(items, name) else { continue };
        let text = tokens.text[item.value.clone()].trim();
        let Ok(value) = text.trim_end_matches(['u', 'i', 'f']).parse::<f64>() else { continue };
        if value.fract() != 0.0 || !(1.0..=f64::from(*limit)).contains(&value) {
            let message =
                format!("{name}: {value} is not allowed: it must be a whole number from 1 to {limit}");
            return Err(Error::EnvFile { file: file.into(), line: Some(item.line), message });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_not_written() {
        let check = |text: &str| check_params_are_read("a.wgsl", &Tokens::new(text));
        for text in [
            "env.g = 1.0;",
            "env.g += 1.0;",
            "env.list[i + 1].x = 2;",
            "env.n++;",
            "env = EnvParams();",
            "env.n <<= 1u;",
            "f(&env);",
        ] {
            let error = check(&format!("\n{text}")).expect_err(text).to_string();
            assert!(error.starts_with("a.wgsl:2: the parameters cannot be written"), "{error}");
        }
        for text in [
            "let x = env.g;",
            "if (env.g == 1.0) {}",
            "x = a & env.n;",
            "s.env = 1.0;",
            "let env = 1; f(&env);",
            "y = env.g <= 2.0;",
        ] {
            check(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    #[test]
    fn names_of_the_language_are_refused() {
        let check =
            |text: &str| check_declared_names("a.wgsl", &crate::engine::items::items(&Tokens::new(text)));
        let error = check("\nfn clamp(x: f32) -> f32 { return x; }\n").expect_err("clamp");
        assert!(error.to_string().starts_with("a.wgsl:2: `clamp` is a name of the language"), "{error}");
        check("fn step() {}").expect("the contract's own");
    }
}
