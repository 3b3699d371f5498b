//! Tokens of WGSL as section 3 of the specification defines them: blank space with its seven line breaks, comments that nest,
//! identifiers of Unicode's XID classes, numbers with exponents and suffixes, and which `<` and `>` enclose template lists.
//! Whatever is read from a text that naga's module no longer shows (comments, the places of declarations) is read from these.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or a keyword.
    Word,
    /// A number with its suffix.
    Number,
    /// One character: operators of several are neighbours without a gap.
    Sign(char),
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub range: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// A `<` or `>` that opens or closes a template list.
    pub template: bool,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its bytes, with what starts and ends it.
    pub range: Range<usize>,
    /// Line, from 1, on which it starts.
    pub line: usize,
    /// Whether it is a `//` that stands alone on its line.
    pub alone: bool,
}

/// A text with its tokens.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    /// The text.
    pub text: &'a str,
    /// The tokens in order.
    pub tokens: Vec<Token>,
    /// The comments in order.
    pub comments: Vec<Comment>,
}

/// The text with each of WGSL's line breaks (line feed, vertical tab, form feed, carriage return with or without line feed,
/// next line, line separator, paragraph separator) as a line feed: lines keep their numbers, and whoever counts them agrees.
pub fn unix_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\r' {
            rest.next_if_eq(&'\n');
        }
        lines.push(if is_line_break(c) { '\n' } else { c });
    }
    lines
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    is_line_break(c) || matches!(c, ' ' | '\t' | '\u{200e}' | '\u{200f}')
}

impl<'a> Tokens<'a> {
    /// The tokens of a text whose line breaks are line feeds.
    pub fn new(text: &'a str) -> Tokens<'a> {
        let mut found = Tokens { text, tokens: Vec::new(), comments: Vec::new() };
        let (mut at, mut line, mut code_on_line) = (0, 1, false);
        while let Some(c) = text[at..].chars().next() {
            let rest = &text[at..];
            let length = match c {
                '\n' => {
                    (line, code_on_line) = (line + 1, false);
                    1
                }
                c if is_blank(c) => c.len_utf8(),
                '/' if rest.starts_with("//") => {
                    let length = rest.find('\n').unwrap_or(rest.len());
                    found.comments.push(Comment { range: at..at + length, line, alone: !code_on_line });
                    length
                }
                '/' if rest.starts_with("/*") => {
                    let length = block_comment(rest);
                    found.comments.push(Comment { range: at..at + length, line, alone: false });
                    line += rest[..length].matches('\n').count();
                    length
                }
                c => {
                    let (kind, length) = token(rest, c);
                    found.tokens.push(Token { kind, range: at..at + length, line, template: false });
                    code_on_line = true;
                    length
                }
            };
            at += length;
        }
        found.mark_templates();
        found
    }

    /// The text of a token.
    pub fn str(&self, token: &Token) -> &'a str {
        &self.text[token.range.clone()]
    }

    /// The text of token `index`; empty behind the end.
    pub fn word(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| self.str(token))
    }

    /// Whether token `index` is this character.
    pub fn is(&self, index: usize, sign: char) -> bool {
        self.tokens.get(index).is_some_and(|token| token.kind == Kind::Sign(sign))
    }

    /// Whether tokens `index` and `index + 1` are these characters without a gap.
    pub fn pair(&self, index: usize, signs: [char; 2]) -> bool {
        self.is(index, signs[0])
            && self.is(index + 1, signs[1])
            && self.tokens[index].range.end == self.tokens[index + 1].range.start
    }

    /// The words of a comment: what stands between its marks, without blanks around it.
    pub fn words(&self, comment: &Comment) -> &'a str {
        let text = &self.text[comment.range.clone()];
        let inner = text.strip_prefix("//").or(text.strip_prefix("/*")).unwrap_or(text);
        inner.strip_suffix("*/").unwrap_or(inner).trim()
    }

    /// Token behind the bracket that closes the one at token `open`, or the end of the tokens.
    pub fn behind(&self, open: usize) -> usize {
        let mut depth = 0usize;
        for index in open..self.tokens.len() {
            match self.tokens[index].kind {
                Kind::Sign('(' | '[' | '{') => depth += 1,
                Kind::Sign(')' | ']' | '}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return index + 1;
                    }
                }
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// Template list discovery, section 3.9 of the specification.
    fn mark_templates(&mut self) {
        let mut pending: Vec<(usize, usize)> = Vec::new();
        let (mut depth, mut index) = (0usize, 0);
        while index < self.tokens.len() {
            let Kind::Sign(sign) = self.tokens[index].kind else {
                let opens = self.tokens[index].kind == Kind::Word && self.is(index + 1, '<');
                if opens && !self.pair(index + 1, ['<', '<']) && !self.pair(index + 1, ['<', '=']) {
                    pending.push((index + 1, depth));
                    index += 1;
                }
                index += 1;
                continue;
            };
            match sign {
                '>' => match pending.last() {
                    Some((open, at)) if *at == depth => {
                        self.tokens[*open].template = true;
                        self.tokens[index].template = true;
                        pending.pop();
                    }
                    _ => index += usize::from(self.pair(index, ['>', '='])),
                },
                '(' | '[' => depth += 1,
                ')' | ']' => {
                    pending.retain(|(_, at)| *at < depth);
                    depth = depth.saturating_sub(1);
                }
                '!' => index += usize::from(self.pair(index, ['!', '='])),
                '=' if self.pair(index, ['=', '=']) => index += 1,
                '=' | ';' | '{' | ':' => {
                    depth = 0;
                    pending.clear();
                }
                '&' | '|' if self.pair(index, [sign, sign]) => {
                    pending.retain(|(_, at)| *at < depth);
                    index += 1;
                }
                _ => {}
            }
            index += 1;
        }
    }
}

/// Bytes of the block comment with which `rest` starts.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut end) = (1, 2);
    while depth > 0 && end < bytes.len() {
        match &bytes[end..(end + 2).min(bytes.len())] {
            b"/*" => (depth, end) = (depth + 1, end + 2),
            b"*/" => (depth, end) = (depth - 1, end + 2),
            _ => end += 1,
        }
    }
    end
}

/// Kind and bytes of the token with which `rest` starts.
fn token(rest: &str, first: char) -> (Kind, usize) {
    if first == '_' || unicode_ident::is_xid_start(first) {
        let behind = rest.find(|c| !unicode_ident::is_xid_continue(c));
        return (Kind::Word, behind.unwrap_or(rest.len()));
    }
    let digit_follows = rest[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
    if !(first.is_ascii_digit() || first == '.' && digit_follows) {
        return (Kind::Sign(first), first.len_utf8());
    }
    let exponents = if rest.starts_with("0x") || rest.starts_with("0X") { ['p', 'P'] } else { ['e', 'E'] };
    let mut last = first;
    let belongs = |c: char| {
        let signed = matches!(c, '+' | '-') && exponents.contains(&last);
        last = c;
        signed || c == '.' || c.is_ascii_alphanumeric()
    };
    (Kind::Number, rest.len() - rest.trim_start_matches(belongs).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let tokens = Tokens::new(text);
        tokens.tokens.iter().map(|token| tokens.str(token)).collect()
    }

    #[test]
    fn numbers_names_and_signs_are_told_apart() {
        let text = "a\u{308}_1=1e-3f+0x1.8p+4f-.5*5u>>Δ/*/**/*/.x//";
        let expected =
            ["a\u{308}_1", "=", "1e-3f", "+", "0x1.8p+4f", "-", ".5", "*", "5u", ">", ">", "Δ", ".", "x"];
        assert_eq!(words(text), expected);
    }

    #[test]
    fn every_line_break_of_the_language_counts_once() {
        let text = "a\nb\u{b}c\u{c}d\re\r\nf\u{85}g\u{2028}h\u{2029}i // x\rj";
        let text = unix_lines(text);
        let tokens = Tokens::new(&text);
        assert_eq!(tokens.tokens.iter().map(|token| token.line).collect::<Vec<_>>(), Vec::from_iter(1..=10));
        assert_eq!((tokens.comments[0].line, tokens.words(&tokens.comments[0])), (9, "x"));
    }

    #[test]
    fn template_lists_are_told_from_comparisons() {
        let templates = |text: &str| {
            let tokens = Tokens::new(text);
            tokens.tokens.iter().filter(|token| token.template).count()
        };
        for (text, count) in [
            ("array<vec2<f32>, 3>(x)", 4),
            ("a < b && c > d", 0),
            ("a < (b > c)", 0),
            ("f(a < b, c > (d))", 2),
            ("array<f32, (3 >> 1)>", 2),
            ("a << b >= c", 0),
            ("ptr<function, array<f32, N>>", 4),
            ("if (a<b) { c = d>e; }", 0),
        ] {
            assert_eq!(templates(text), count, "{text}");
        }
    }
}
