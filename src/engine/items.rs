//! The declarations at module scope of a WGSL text, with their places and comments: what naga's module does not keep.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::engine::lexer::{Kind, Token, Tokens};

/// A declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Keyword: `const`, `fn`, `struct`, `alias`, `override`, `var`, `const_assert`.
    pub keyword: String,
    /// Name; empty for what has none.
    pub name: String,
    /// Line of the name, from 1.
    pub line: usize,
    /// All of it, by token, attributes excluded.
    pub tokens: Range<usize>,
    /// Bytes of a constant's value, or of a function's result type.
    pub value: Range<usize>,
    /// Whether a constant names its type.
    pub typed: bool,
    /// Members of a struct.
    pub members: Vec<Member>,
    /// The comments that stand alone on the lines above it.
    pub comments: Vec<String>,
}

/// A member of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Name.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
    /// The comments on the lines above it.
    pub comments: Vec<String>,
}

const KEYWORDS: &[&str] = &["const", "fn", "struct", "alias", "override", "var", "const_assert"];

/// The declarations of a file, in order.
pub fn items(tokens: &Tokens<'_>) -> Vec<Item> {
    let above = comments_above(tokens);
    let mut found: Vec<Item> = Vec::new();
    let mut index = 0;
    // Comments speak of the first declaration below them, even if attributes stand between.
    while index < tokens.tokens.len() {
        if tokens.is(index, '{') || tokens.is(index, '(') {
            index = tokens.behind(index);
            continue;
        }
        let keyword = tokens.word(index);
        if !KEYWORDS.contains(&keyword) {
            index += 1;
            continue;
        }
        let item = item(tokens, index, &above);
        index = item.tokens.end.max(index + 1);
        found.push(item);
    }
    found
}

/// The one declaration of this name.
pub fn named<'i>(items: &'i [Item], name: &str) -> Option<&'i Item> {
    items.iter().find(|item| item.name == name)
}

/// The constant of this name.
pub fn constant<'i>(items: &'i [Item], name: &str) -> Option<&'i Item> {
    items.iter().find(|item| item.keyword == "const" && item.name == name)
}

fn item(tokens: &Tokens<'_>, start: usize, above: &BTreeMap<usize, Vec<String>>) -> Item {
    let keyword = tokens.word(start).to_owned();
    let mut index = start + 1;
    if keyword == "var" && tokens.is(index, '<') {
        while index < tokens.tokens.len() && !tokens.is(index, '>') {
            index += 1;
        }
        index += 1;
    }
    let is_name = keyword != "const_assert"
        && tokens.tokens.get(index).is_some_and(|token: &Token| token.kind == Kind::Word);
    let name = if is_name { tokens.word(index).to_owned() } else { String::new() };
    let line = tokens.tokens.get(index).map_or(tokens.tokens[start].line, |token| token.line);
    let mut item = Item {
        keyword,
        name,
        line: if is_name { line } else { tokens.tokens[start].line },
        tokens: start..start + 1,
        value: 0..0,
        typed: false,
        members: Vec::new(),
        comments: above.get(&tokens.tokens[start].line).cloned().unwrap_or_default(),
    };
    let ends_in_body = matches!(item.keyword.as_str(), "fn" | "struct");
    let (mut from, mut arrow) = (None, None);
    while index < tokens.tokens.len() {
        if tokens.is(index, ';') && !ends_in_body {
            break;
        }
        if tokens.is(index, '{') && ends_in_body {
            break;
        }
        if from.is_none() && arrow.is_none() {
            item.typed |= tokens.is(index, ':');
            if tokens.is(index, '=') && !tokens.tokens[index].template {
                from = Some(tokens.tokens[index].range.end);
            }
            if tokens.pair(index, ['-', '>']) {
                arrow = Some(tokens.tokens[index + 1].range.end);
            }
        }
        index = match tokens.tokens[index].kind {
            Kind::Sign('(' | '[') => tokens.behind(index),
            _ => index + 1,
        };
    }
    let end = tokens.tokens.get(index).map_or(tokens.text.len(), |token| token.range.start);
    if let Some(from) = from.or(arrow) {
        item.value = from..end;
    }
    item.tokens.end = if tokens.is(index, '{') { tokens.behind(index) } else { index + 1 };
    item.tokens.end = item.tokens.end.min(tokens.tokens.len());
    if item.keyword == "struct" {
        item.members = members(tokens, index + 1, above);
    }
    item
}

/// Members of the struct whose first token behind `{` is `index`.
fn members(tokens: &Tokens<'_>, mut index: usize, above: &BTreeMap<usize, Vec<String>>) -> Vec<Member> {
    let mut found = Vec::new();
    let mut first = index;
    while index < tokens.tokens.len() && !tokens.is(index, '}') {
        if tokens.is(index, '@') {
            // An attribute, perhaps with arguments.
            index = if tokens.is(index + 2, '(') { tokens.behind(index + 2) } else { index + 2 };
            continue;
        }
        let token = &tokens.tokens[index];
        if token.kind == Kind::Word && tokens.is(index + 1, ':') {
            // Comments stand above the attributes.
            let line = tokens.tokens[first].line;
            found.push(Member {
                name: tokens.str(token).to_owned(),
                line: token.line,
                comments: above.get(&line).cloned().unwrap_or_default(),
            });
        }
        // To the comma that ends the member: those of template lists lie deeper.
        let mut depth = 0usize;
        while index < tokens.tokens.len() && !(depth == 0 && (tokens.is(index, ',') || tokens.is(index, '}')))
        {
            let token = &tokens.tokens[index];
            match token.kind {
                Kind::Sign('<') if token.template => depth += 1,
                Kind::Sign('>') if token.template => depth = depth.saturating_sub(1),
                Kind::Sign('(') => depth += 1,
                Kind::Sign(')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            index += 1;
        }
        index += usize::from(tokens.is(index, ','));
        first = index;
    }
    found
}

/// The comments that stand alone on their lines, by the line of the token that follows them.
fn comments_above(tokens: &Tokens<'_>) -> BTreeMap<usize, Vec<String>> {
    let mut above: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut next = 0;
    let mut last_line = 0;
    for comment in tokens.comments.iter().filter(|comment| comment.alone) {
        while tokens.tokens.get(next).is_some_and(|token| token.range.start < comment.range.start) {
            next += 1;
        }
        let Some(token) = tokens.tokens.get(next) else { break };
        let lines = above.entry(token.line).or_default();
        // An empty line between comments starts anew; what follows must be on the next line.
        if comment.line != last_line + 1 {
            lines.clear();
        }
        last_line = comment.line;
        lines.push(tokens.words(comment).to_owned());
    }
    // A blank line also parts a comment from what follows it.
    above.retain(|line, _| tokens.comments.iter().any(|comment| comment.alone && comment.line + 1 == *line));
    above
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_found_with_names_values_and_comments() {
        let text = "/* const A = 1u; */ fn f(x: f32) -> array<f32, 2> {\nconst B = 2u;\n}\n  const C = 3u; // const D = 4u;\n\
                    // param: five\nconst\nE: u32=\n5u;\nstruct/**/EnvParams\t{\n// pull,\n  // m/s^2\n@align(4) g\n: f32, h: array<u32, 2>,\n}\n\
                    const_assert C > 2u;\n// no struct EnvParams2\nalias T = vec2<f32>;";
        let tokens = Tokens::new(text);
        let found = items(&tokens);
        let shown: Vec<_> = found.iter().map(|i| (i.keyword.as_str(), i.name.as_str(), i.line)).collect();
        let expected = [
            ("fn", "f", 1),
            ("const", "C", 4),
            ("const", "E", 7),
            ("struct", "EnvParams", 9),
            ("const_assert", "", 15),
            ("alias", "T", 17),
        ];
        assert_eq!(shown, expected);
        let text_of = |index: usize| text[found[index].value.clone()].trim();
        assert_eq!([text_of(0), text_of(1), text_of(2)], ["array<f32, 2>", "3u", "5u"]);
        assert_eq!((found[1].typed, found[2].typed), (false, true));
        assert_eq!(found[2].comments, ["param: five"]);
        let members: Vec<_> =
            found[3].members.iter().map(|m| (m.name.as_str(), m.line, m.comments.join(" "))).collect();
        assert_eq!(members, [("g", 12, "pull, m/s^2".to_owned()), ("h", 13, String::new())]);
    }
}
