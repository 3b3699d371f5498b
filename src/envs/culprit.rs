//! Where an error without a place comes from: the compiler names none for operands that do not fit, so the file is tried in
//! parts.

use super::explain;
use crate::engine::items::Item;
use crate::engine::lexer::{Kind, Tokens};
use crate::engine::variant::{self, Failure};

/// Line of the statement with which the compiler first says `message` of `text`, the file that `tokens` and `items` tell of
/// with what the engine adds behind it.
pub fn line(text: &str, tokens: &Tokens<'_>, items: &[Item], message: &str) -> Option<usize> {
    // What stands in brackets numbers the types, which are others in another text.
    let kind = |message: &str| message.split('(').next().unwrap_or("").to_owned();
    let says = |changed: &str| {
        let said = match variant::read(changed) {
            Err(Failure::Parse { message, .. }) => message,
            Ok(module) => match variant::validate(&module) {
                Err(Failure::Invalid { error, .. }) => explain::invalid(&error),
                _ => return false,
            },
            Err(_) => return false,
        };
        kind(&said) == kind(message)
    };
    let bodies: Vec<_> = items.iter().filter_map(|item| body(tokens, item)).collect();
    for (index, (open, close)) in bodies.iter().enumerate() {
        // All other functions are emptied.
        let mut alone = text.to_owned();
        for (_, (open, close)) in bodies.iter().enumerate().rev().filter(|(other, _)| *other != index) {
            alone.replace_range(tokens.tokens[*open].range.end..tokens.tokens[*close].range.start, "");
        }
        if says(&alone) {
            return statement(text, tokens, *open, *close, &says).or(Some(tokens.tokens[*open].line));
        }
    }
    None
}

/// The tokens that open and close the body of a function.
fn body(tokens: &Tokens<'_>, item: &Item) -> Option<(usize, usize)> {
    let open = item.tokens.clone().find(|index| tokens.is(*index, '{')).filter(|_| item.keyword == "fn")?;
    Some((open, item.tokens.end.checked_sub(1).filter(|close| tokens.is(*close, '}'))?))
}

/// Line of the first statement of a body without which the error is not yet there.
fn statement(
    text: &str,
    tokens: &Tokens<'_>,
    open: usize,
    close: usize,
    says: &dyn Fn(&str) -> bool,
) -> Option<usize> {
    let (mut blocks, mut brackets) = (0usize, 0usize);
    let mut first = open + 1;
    for index in open..close {
        let token = &tokens.tokens[index];
        match token.kind {
            Kind::Sign('{') => blocks += 1,
            Kind::Sign('}') => blocks = blocks.saturating_sub(1),
            Kind::Sign('(' | '[') => brackets += 1,
            Kind::Sign(')' | ']') => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        if brackets > 0 || index == open || !matches!(token.kind, Kind::Sign('{' | '}' | ';')) {
            continue;
        }
        let begun = format!("{}{}", &text[..token.range.end], "}".repeat(blocks.saturating_sub(1)));
        if says(&(begun + &text[tokens.tokens[close].range.start..])) {
            return tokens.tokens.get(first).map(|token| token.line);
        }
        first = index + 1;
    }
    None
}
