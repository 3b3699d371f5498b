//! Messages of the WGSL compiler, placed in the user's file and said so that the next step is clear.

use naga::Span;

use super::loops::line_of;
use super::refusals::BUILT_IN;
use crate::engine::items::{Item, constant};
use crate::engine::lexer::{Kind, Tokens};
use crate::error::Error;

/// Functions that the engine provides to every file.
pub const PROVIDED: &[&str] = &[
    "rng_u32",
    "rng_uniform",
    "rng_range",
    "sincos_f32",
    "exp_f32",
    "log_f32",
    "tanh_f32",
    "paint",
    "sd_circle",
    "sd_round_box",
    "sd_segment",
    "Outcome",
    "Rng",
];

/// Other languages' names for what WGSL calls differently.
const FOREIGN: &[(&str, &str)] = &[
    ("float", "f32"),
    ("int", "i32"),
    ("uint", "u32"),
    ("double", "f32"),
    ("lerp", "mix"),
    ("frac", "fract"),
    ("rand", "rng_uniform(rng)"),
    ("random", "rng_uniform(rng)"),
    ("rng_normal", "rng_uniform(rng)"),
    ("mod", "%"),
    ("fmod", "%"),
    ("null", "a value"),
    ("PI", "3.1415927"),
    ("pi", "3.1415927"),
];

/// The one of `known` that is nearly `name`.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase()), known))
        .filter(|(score, known)| *score > 0.85 && *known != name)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// What is wrong in a module that could be parsed, without the compiler's numbers of expressions and types.
pub fn invalid(error: &naga::valid::ValidationError) -> String {
    use naga::valid::{FunctionError, ValidationError};
    match error {
        ValidationError::Function { name, source, .. } => {
            let what = match source {
                FunctionError::Expression { source, .. } => plain(source),
                FunctionError::InvalidReturnType { .. } => {
                    "it returns no value, or one of another type than it declares".into()
                }
                FunctionError::InvalidIfType(_) => "the condition of an `if` is not a bool".into(),
                FunctionError::InvalidSwitchType(_) => "a `switch` needs a whole number".into(),
                FunctionError::ConflictingSwitchCase(_) => "a `switch` has the same case twice".into(),
                FunctionError::InvalidStoreTypes { .. } => {
                    "a value of one type is stored in a place of another".into()
                }
                FunctionError::InvalidStorePointer(_) => {
                    "a value is stored where nothing can be stored".into()
                }
                FunctionError::InvalidCall { error, .. } => format!("a call does not fit: {}", plain(error)),
                other => plain(other),
            };
            format!("function `{name}`: {what}")
        }
        ValidationError::Type { name, source, .. } if !name.is_empty() => {
            format!("type `{name}`: {}", plain(source))
        }
        ValidationError::Constant { name, source, .. } => format!("constant `{name}`: {}", plain(source)),
        ValidationError::GlobalVariable { name, source, .. } => {
            format!("variable `{name}`: {}", plain(source))
        }
        ValidationError::ArraySizeError { .. } => "an array needs at least one element".into(),
        other => plain(other),
    }
}

/// An error's words with its causes, if they are words: handles and names of the compiler's own types say nothing to a reader.
fn plain(error: &dyn std::error::Error) -> String {
    let text = chain(error);
    if text.contains("apabilit") {
        return "it uses what is not part of WebGPU's core, such as f16, f64, 64-bit integers or subgroups; every device must be \
                able to run a world"
            .into();
    }
    if let Some((_, counts)) = text.split_once("Composing expects ")
        && let [needed, "components", "but", given, ..] = counts.split(' ').collect::<Vec<_>>()[..]
    {
        let values = if needed == "1" { "value" } else { "values" };
        return format!("a constructor needs {needed} {values}, but has {given}");
    }
    if let Some(operator) =
        text.strip_prefix("Operation ").and_then(|rest| rest.split_once(" can't work with"))
    {
        let signs = [("Negate", "-"), ("LogicalNot", "!"), ("BitwiseNot", "~")];
        if let Some((_, sign)) = signs.iter().find(|(name, _)| *name == operator.0) {
            return format!("`{sign}` in front of a value of this type does not work");
        }
    }
    let words: Vec<&str> = text
        .split(' ')
        .filter(|word| !(word.starts_with('[') || word.contains("Some(") || word.contains("None")))
        .collect();
    let foreign = ["naga", "handle", "Handle", "Abstract", "::", "{ ", "Scalar"];
    if foreign.iter().any(|part| text.contains(part)) {
        return "this is not valid WGSL: the types of an expression do not fit each other".into();
    }
    words.join(" ")
}

/// An error with all its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// The compiler's message at the first of its places that lies in the file, which starts at byte `offset` of the text.
pub fn located(
    file: &str,
    tokens: &Tokens<'_>,
    items: &[Item],
    spans: &[Span],
    offset: usize,
    message: &str,
    detail: Option<String>,
) -> Error {
    let source = tokens.text;
    let starts = || {
        let start = |span: &Span| span.to_range()?.start.checked_sub(offset);
        spans.iter().filter_map(start).filter(|at| *at < source.len())
    };
    let line = starts().next().map(|at| line_of(source, at)).or_else(|| {
        // An error in the engine's own lines comes from what it reads from the file: a constant or a function.
        let quoted =
            |name: &str| message.contains(&format!("`{name}`")) || message.contains(&format!("'{name}'"));
        items.iter().find(|item| !item.name.is_empty() && quoted(&item.name)).map(|item| item.line)
    });
    if line.is_none()
        && message.starts_with("expected ")
        && let Some((line, what)) = cut_off(tokens)
    {
        let wanted = message.split(", found").next().unwrap_or(message);
        return Error::EnvFile { file: file.into(), line: Some(line), message: format!("{what}: {wanted}") };
    }
    let known = |detail: &String| message.contains(detail.as_str());
    let empty = ["unknown identifier", "see msg"];
    let detail = detail.filter(|detail| !known(detail) && !empty.contains(&detail.as_str()));
    let message = match detail {
        Some(detail) => format!("{message} ({detail})"),
        None => message.to_owned(),
    };
    if message.contains("const_assert")
        && let Some(item) =
            items.iter().find(|item| item.keyword == "const_assert" && Some(item.line) == line)
    {
        return Error::EnvFile { file: file.into(), line, message: assertion(tokens, items, item) };
    }
    // The place is where the compiler gave up: the first word of a line may be innocent.
    let innocent = starts()
        .any(|start| source[..start].rsplit_once('\n').is_some_and(|(_, indent)| indent.trim().is_empty()));
    let mut message = explained(items, &message);
    if innocent
        && ["expected `;`", "expected `,`", "expected `)`"].iter().any(|start| message.starts_with(start))
    {
        message += ". It may be missing at the end of the line above.";
    }
    Error::EnvFile { file: file.into(), line, message }
}

/// Where a file that ends too early was left open.
fn cut_off(tokens: &Tokens<'_>) -> Option<(usize, String)> {
    let mut open = Vec::new();
    for token in &tokens.tokens {
        match token.kind {
            Kind::Sign('(' | '[' | '{') => open.push(token),
            Kind::Sign(')' | ']' | '}') => drop(open.pop()),
            _ => {}
        }
    }
    Some(match (open.last(), tokens.tokens.last()?) {
        (Some(token), _) => {
            (token.line, format!("the file ends before this `{}` is closed", tokens.str(token)))
        }
        (None, last) => (last.line, format!("the file ends too early, behind `{}`", tokens.str(last))),
    })
}

/// A `const_assert` that does not hold, with the constants that it speaks of.
fn assertion(tokens: &Tokens<'_>, items: &[Item], item: &Item) -> String {
    let first = tokens.tokens.get(item.tokens.start + 1).map_or(0, |token| token.range.start);
    let last = tokens.tokens.get(item.tokens.end.saturating_sub(2)).map_or(first, |token| token.range.end);
    let condition =
        tokens.text.get(first..last).unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut named: Vec<String> = Vec::new();
    for token in &tokens.tokens[item.tokens.clone()] {
        if let Some(constant) = constant(items, tokens.str(token)) {
            let value = tokens.text[constant.value.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
            let text = format!("{} = {value}", constant.name);
            if value.len() < 80 && !named.contains(&text) {
                named.push(text);
            }
        }
    }
    format!(
        "`const_assert {condition}` does not hold for {}: give other values (--env-param), or change the file",
        if named.is_empty() { "these constants".into() } else { named.join(", ") }
    )
}

/// What comes of habits from other languages, and how WGSL says it.
const HABITS: &[(&str, &str)] = &[
    ("found \"?\"", "WGSL has no `condition ? a : b`: write `select(b, a, condition)`."),
    ("found \"and\"", "In WGSL it is `&&`."),
    ("found \"or\"", "In WGSL it is `||`."),
    ("found \"not\"", "In WGSL it is `!`."),
    (
        "expected assignment or increment/decrement, found",
        "A variable is declared by `let x = ...;` or `var x = ...;`, without a type in front; if a function begins here, a `}` is missing \
         above.",
    ),
    (
        "invalid left-hand side of assignment",
        "What `let` and arguments hold stays as it is: declare it with `var`, or write to `(*pointer)`.",
    ),
    (
        "component type is not expected",
        "All elements of an array are of one type: write f32(...), u32(...) or i32(...).",
    ),
    (
        "value doesn't match the type",
        "Types must be equal: f32(...), u32(...) and i32(...) convert, and what is a pointer already, such as `rng` and `state`, is passed without a `*`.",
    ),
];

/// Operators by the compiler's names.
const SIGNS: &[(&str, &str)] = &[
    ("Add", "+"),
    ("Subtract", "-"),
    ("Multiply", "*"),
    ("Divide", "/"),
    ("Modulo", "%"),
    ("Equal", "=="),
    ("NotEqual", "!="),
    ("Less", "<"),
    ("LessEqual", "<="),
    ("Greater", ">"),
    ("GreaterEqual", ">="),
    ("And", "&"),
    ("ExclusiveOr", "^"),
    ("InclusiveOr", "|"),
    ("LogicalAnd", "&&"),
    ("LogicalOr", "||"),
    ("ShiftLeft", "<<"),
    ("ShiftRight", ">>"),
];

/// The message with what to do, where that can be said.
pub fn explained(items: &[Item], message: &str) -> String {
    if let Some((operator, types)) =
        message.strip_prefix("Incompatible operands: ").and_then(|m| m.split_once('('))
    {
        let sign = SIGNS.iter().find(|(name, _)| *name == operator).map_or(operator, |(_, sign)| sign);
        let left = types.split(',').next().unwrap_or("").trim_matches(['{', '}']);
        let left = match left.contains([' ', '[']) {
            true => "another type".to_owned(),
            false => left.replace("AbstractFloat", "a number").replace("AbstractInt", "a whole number"),
        };
        return format!(
            "the operands of `{sign}` do not fit each other: the left one is {left}. WGSL converts nothing by itself: write \
             f32(...), u32(...), i32(...), or compare to get a bool."
        );
    }
    if message.contains("failed to convert expression to a concrete type") {
        return "a constant is too large for 32 bits: write a smaller number, or give it a type that holds it".into();
    }
    let message = &message.replace("{AbstractFloat}", "a number").replace("{AbstractInt}", "a whole number");
    if message.contains("internal WGSL front end error") {
        return "the code is nested too deeply; split it into functions and `let`".into();
    }
    let quoted = message.split(['`', '\'']).nth(1).unwrap_or("");
    if message.starts_with("redefinition of ") {
        return format!(
            "`{quoted}` is declared twice, or is a name that the engine uses itself: choose another one"
        );
    }
    if message.contains("no definition in scope")
        || message.contains("unknown type")
        || message.contains("unknown identifier")
    {
        if let Some((_, wgsl)) = FOREIGN.iter().find(|(foreign, _)| *foreign == quoted) {
            return format!("{message}. In WGSL it is {wgsl}.");
        }
        let declared = items.iter().map(|item| item.name.as_str()).filter(|name| !name.is_empty());
        let known = declared.chain(PROVIDED.iter().chain(BUILT_IN).copied());
        return match nearest(quoted, known) {
            Some(near) => format!("{message}. Did you mean `{near}`?"),
            None => format!(
                "{message}. Declare it, or see docs/your-own-environment.md for what the engine provides."
            ),
        };
    }
    if message.contains("automatic conversions cannot convert") || message.contains("operand types") {
        return format!("{message}. WGSL converts nothing by itself: write f32(...), u32(...) or i32(...).");
    }
    if let Some((_, hint)) = HABITS.iter().find(|(part, _)| message.contains(part)) {
        return format!("{message}. {hint}");
    }
    if message.contains("reserved keyword") {
        return format!("{message}: choose another name");
    }
    if message.contains("recursive") || message.contains("cyclic") || message.contains("forward reference") {
        return format!("{message}. WGSL has no recursion: use a loop.");
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_get_a_hint() {
        let message = |name: &str| {
            let items = crate::engine::items::items(&Tokens::new("fn wind_force() {}"));
            explained(&items, &format!("no definition in scope for identifier: `{name}`"))
        };
        assert!(message("wind_forse").ends_with("Did you mean `wind_force`?"));
        assert!(message("rng_unifrom").ends_with("Did you mean `rng_uniform`?"));
        assert!(message("lerp").ends_with("In WGSL it is mix."));
        assert!(message("zebra").contains("your-own-environment.md"));
        for (text, part) in [
            ("expected `)`, found \"?\"", "select(b, a, condition)"),
            ("expected `)`, found \"and\"", "`&&`"),
            ("expected assignment or increment/decrement, found \"x\"", "`let x = ...;`"),
            ("invalid left-hand side of assignment (cannot assign to this expression)", "`var`"),
        ] {
            let said = explained(&[], text);
            assert!(said.starts_with(text) && said.contains(part), "{said}");
        }
    }
}
