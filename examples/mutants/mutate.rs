//! Single faults of the kind that slip into a shader: another operator, another constant or element, a barrier or a guard left out.
//!
//! Works on the text of one WGSL file, token by token, inside function bodies and constants. Struct layouts, bindings and
//! workgroup sizes are left alone: `tests/shaders_offline.rs` compares them with the declarations. A loop may get other
//! bounds, but never a condition or step that makes it endless.

/// One faulty version of a file.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What was done, in a word.
    pub kind: &'static str,
    /// Line number from 1.
    pub line: usize,
    /// Which of several lines with the same text, from 1.
    pub nth: usize,
    /// The line as it was.
    pub original: String,
    /// The line as it is now.
    pub mutated: String,
    /// The whole file with the fault.
    pub source: String,
}

/// Every fault of a file, in the order of its text.
pub fn edits(source: &str) -> Vec<Edit> {
    let lines: Vec<&str> = source.lines().collect();
    let mut edits = Vec::new();
    let mut in_function = false;
    for (number, line) in lines.iter().enumerate() {
        let code = code_of(line);
        let is_signature = code.starts_with("fn ") || code.starts_with("@compute");
        let wanted = in_function && !is_signature || code.starts_with("const ");
        in_function = match code {
            _ if code.starts_with("fn ") => true,
            _ if code.starts_with('}') => false,
            _ => in_function,
        };
        if !wanted || code.trim().is_empty() {
            continue;
        }
        for (kind, mutated) in faults(code) {
            let mut all = lines.clone();
            let comment = &line[code.len()..];
            let full = format!("{mutated}{comment}");
            all[number] = &full;
            edits.push(Edit {
                kind,
                line: number + 1,
                nth: lines[..=number].iter().filter(|other| code_of(other).trim() == code.trim()).count(),
                original: code.trim().to_owned(),
                mutated: mutated.trim().to_owned(),
                source: all.join("\n"),
            });
        }
    }
    edits
}

fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// A piece of a line.
struct Token<'a> {
    text: &'a str,
    at: usize,
    /// Space on both sides: a binary operator and not a sign or a template bracket.
    spaced: bool,
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    const LONG: [&str; 19] = [
        "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "^=", "|=", "&=", "++",
        "--", "->",
    ];
    let bytes = code.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if bytes[at].is_ascii_digit() {
            while at < bytes.len()
                && (is_word(bytes[at])
                    || bytes[at] == b'.'
                    || matches!(bytes[at], b'+' | b'-')
                        && bytes[at - 1] == b'e'
                        && !code[start..at].starts_with("0x"))
            {
                at += 1;
            }
        } else if is_word(bytes[at]) {
            while at < bytes.len() && is_word(bytes[at]) {
                at += 1;
            }
        } else {
            at += if LONG.iter().any(|long| code[at..].starts_with(long)) { 2 } else { 1 };
        }
        let space = |index: usize| bytes.get(index).is_none_or(|byte| byte.is_ascii_whitespace());
        tokens.push(Token {
            text: &code[start..at],
            at: start,
            spaced: (start == 0 || space(start - 1)) && space(at),
        });
    }
    tokens
}

/// Every fault of one line, with its kind.
fn faults(code: &str) -> Vec<(&'static str, String)> {
    let tokens = tokens(code);
    let is_loop = code.trim_start().starts_with("for ");
    let mut faults: Vec<(&'static str, String)> = Vec::new();
    let swap = |token: &Token, text: &str| {
        format!("{}{}{}", &code[..token.at], text, &code[token.at + token.text.len()..])
    };
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1).map_or("", |next| next.text);
        let after_next = tokens.get(index + 2).map_or("", |next| next.text);
        for other in arithmetic(token.text).iter().filter(|_| token.spaced) {
            // A step that shrinks would run until the index wraps.
            if !(is_loop && token.text.ends_with('=')) {
                faults.push(("operator", swap(token, other)));
            }
        }
        for other in comparisons(token.text).iter().filter(|_| token.spaced) {
            let bounded = matches!((token.text, *other), ("<", "<=") | (">", ">="));
            // No unsigned number is below 0: `half >= 0u` never ends.
            let endless = *other == ">=" && next == "0u";
            if !is_loop || bounded && !endless {
                faults.push(("comparison", swap(token, other)));
            }
        }
        match token.text {
            "&&" => faults.push(("logic", swap(token, "||"))),
            "||" => faults.push(("logic", swap(token, "&&"))),
            "!" => faults.push(("logic", swap(token, ""))),
            "-" if !token.spaced => faults.push(("sign", swap(token, ""))),
            "min" if next == "(" => faults.push(("min/max", swap(token, "max"))),
            "max" if next == "(" => faults.push(("min/max", swap(token, "min"))),
            "select" if next == "(" => {
                faults.extend(swap_branches(code, token.at).map(|text| ("select", text)))
            }
            "workgroupBarrier" | "storageBarrier" if after_next == ")" => {
                let other =
                    if token.text == "workgroupBarrier" { "storageBarrier" } else { "workgroupBarrier" };
                faults.push(("barrier", code.replace(&format!("{}();", token.text), "")));
                faults.push(("barrier", swap(token, other)));
            }
            "[" if index > 0 && is_name(tokens[index - 1].text) => {
                faults.extend(shifted_indices(code, token.at).into_iter().map(|text| ("index", text)))
            }
            text if text.starts_with(|first: char| first.is_ascii_digit()) => {
                let step = index > 0 && matches!(tokens[index - 1].text, "/=" | "+=");
                for other in constants(text) {
                    // Dividing by 1 or adding 0 would never reach the end.
                    if !(is_loop && step && matches!(other.as_str(), "0u" | "1u")) {
                        faults.push(("constant", swap(token, &other)));
                    }
                }
            }
            _ => {}
        }
    }
    let trimmed = code.trim();
    if let (Some(open), true) = (code.find("if ("), trimmed.ends_with(") {")) {
        let head = &code[..open];
        faults.push(("guard", format!("{head}if (false) {{")));
        faults.push(("guard", format!("{head}if (true) {{")));
    }
    let declares =
        ["let ", "var ", "var<", "return", "const ", "for "].iter().any(|start| trimmed.starts_with(start));
    if !declares && trimmed.ends_with(';') && code.contains('=') {
        faults.push(("statement", String::new()));
    }
    faults
}

fn arithmetic(token: &str) -> &'static [&'static str] {
    match token {
        "+" => &["-", "*"],
        "-" => &["+"],
        "*" => &["/", "+"],
        "/" => &["*"],
        "%" => &["/"],
        "+=" => &["-="],
        "-=" => &["+="],
        "/=" => &["*="],
        "^=" => &["|="],
        "&" => &["|"],
        "|" => &["&"],
        "<<" => &[">>"],
        ">>" => &["<<"],
        _ => &[],
    }
}

fn comparisons(token: &str) -> &'static [&'static str] {
    match token {
        "<" => &["<=", ">="],
        "<=" => &["<", ">"],
        ">" => &[">=", "<"],
        ">=" => &[">", "<"],
        "==" => &["!="],
        "!=" => &["=="],
        _ => &[],
    }
}

/// Other values for a literal.
fn constants(text: &str) -> Vec<String> {
    if let Some(hex) = text.strip_prefix("0x").and_then(|text| text.strip_suffix('u')) {
        let value = u32::from_str_radix(hex, 16).unwrap_or_default();
        return vec![format!("{:#x}u", value ^ 1), format!("{:#x}u", value ^ (1 << 23))];
    }
    let digits = text.trim_end_matches('u');
    if let Ok(value) = digits.parse::<u32>() {
        let suffix = &text[digits.len()..];
        let values = if value == 0 { vec![1] } else { vec![value - 1, value.wrapping_add(1)] };
        return values.into_iter().map(|value| format!("{value}{suffix}")).collect();
    }
    match text.parse::<f32>() {
        Ok(0.0) => vec!["1.0".into()],
        Ok(1.0) => vec!["0.0".into(), "2.0".into()],
        Ok(value) => vec![format!("{:?}", value * 0.5)],
        Err(_) => Vec::new(),
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// `x[i]` as the element after it, the one before it, and the first.
fn shifted_indices(code: &str, open: usize) -> Vec<String> {
    let mut depth = 0;
    let close = code.bytes().enumerate().skip(open).find(|(_, byte)| {
        depth += match byte {
            b'[' => 1,
            b']' => -1,
            _ => 0,
        };
        depth == 0
    });
    let Some((close, _)) = close else { return Vec::new() };
    let (before, index, after) = (&code[..=open], &code[open + 1..close], &code[close..]);
    [format!("({index}) + 1u"), format!("({index}) - 1u"), "0u".into()]
        .into_iter()
        .map(|other| format!("{before}{other}{after}"))
        .collect()
}

/// `select(a, b, condition)` as `select(b, a, condition)`.
fn swap_branches(code: &str, at: usize) -> Option<String> {
    let open = at + code[at..].find('(')?;
    let mut depth = 0;
    let mut commas = Vec::new();
    for (index, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b',' if depth == 1 => commas.push(index),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    let [first, second] = commas.as_slice() else { return None };
    let (a, b) = (&code[open + 1..*first], code[first + 1..*second].trim());
    Some(format!("{}{b}, {a}{}", &code[..=open], &code[*second..]))
}
