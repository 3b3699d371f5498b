//! The text of an environment file: its constants, the comments that make some of them parameters, and new values for
//! those. Everything that needs more than text is read by `reflect`.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::engine::env::{ConstParam, Number, ParamValue};
use crate::error::{Error, Result};
use crate::shared::layout::fits_f32;

/// A constant of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Name.
    pub name: String,
    /// Where its value stands.
    pub value: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Text behind `// param:` in the lines before.
    pub param: Option<String>,
}

/// The constants at module scope.
pub fn declarations(source: &str) -> Vec<Declaration> {
    let code = without_comments(source);
    let comments = param_comments(source);
    let mut found: Vec<Declaration> = Vec::new();
    let mut depth = 0usize;
    let mut at = 0;
    let mut line = 1;
    // Whether a declaration may begin here: at the start, and after white space, `;` or `}`.
    let mut fresh = true;
    while at < code.len() {
        let byte = code.as_bytes()[at];
        if fresh
            && depth == 0
            && let Some(declaration) = constant(&code, at, line)
        {
            let lines = code[at..declaration.value.end].matches('\n').count();
            let param = comments.get(&line).filter(|_| found.last().is_none_or(|d| d.line != line)).cloned();
            at = declaration.value.end;
            found.push(Declaration { param, ..declaration });
            line += lines;
            continue;
        }
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'\n' => line += 1,
            _ => {}
        }
        fresh = byte.is_ascii_whitespace() || byte == b';' || byte == b'}';
        at += 1;
    }
    found
}

/// The constant declared at this place of a text without comments, if there is one.
fn constant(code: &str, at: usize, line: usize) -> Option<Declaration> {
    let rest = code.get(at..)?.strip_prefix("const")?;
    let behind = rest.trim_start();
    if behind.len() == rest.len() {
        return None;
    }
    let name: String = behind.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let (equals, end) = (rest.find('=')?, rest.find(';')?);
    let from = at + "const".len();
    (equals < end && !name.is_empty()).then(|| Declaration {
        name,
        value: from + equals + 1..from + end,
        line,
        param: None,
    })
}

/// The text with every byte of a comment replaced by a space; line ends stay.
pub fn without_comments(source: &str) -> String {
    let mut bytes = source.as_bytes().to_vec();
    let mut at = 0;
    while at + 1 < bytes.len() {
        let end = match (bytes[at], bytes[at + 1]) {
            (b'/', b'/') => source[at..].find('\n').map_or(bytes.len(), |length| at + length),
            (b'/', b'*') => {
                // Block comments nest in WGSL.
                let (mut depth, mut end) = (1, at + 2);
                while depth > 0 && end < bytes.len() {
                    match &bytes[end..(end + 2).min(bytes.len())] {
                        b"/*" => (depth, end) = (depth + 1, end + 2),
                        b"*/" => (depth, end) = (depth - 1, end + 2),
                        _ => end += 1,
                    }
                }
                end
            }
            _ => {
                at += 1;
                continue;
            }
        };
        bytes[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        at = end;
    }
    // Comments are replaced as a whole, so what is left is whole characters.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The `// param:` comments by the line that follows them.
fn param_comments(source: &str) -> BTreeMap<usize, String> {
    let mut found = BTreeMap::new();
    let mut comment: Option<String> = None;
    for (index, line) in source.lines().enumerate() {
        let text = line.trim();
        if let Some(about) = text.strip_prefix("// param:") {
            comment = Some(about.trim().to_owned());
        } else if let (Some(about), Some(more)) = (&mut comment, text.strip_prefix("//")) {
            about.push(' ');
            about.push_str(more.trim());
        } else if let Some(about) = comment.take() {
            found.insert(index + 1, about);
        }
    }
    found
}

/// Replaces compile-time parameters by the values given; names that are none are left for the runtime parameters.
pub fn with_values(source: &str, values: &BTreeMap<String, String>) -> Result<String> {
    let declared = declarations(source);
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut appended = String::new();
    for (name, value) in values {
        let constant = name.to_uppercase();
        if constant == "MAX_EPISODE_STEPS" {
            let steps = whole(name, value)?;
            match declared.iter().find(|d| d.name == constant) {
                Some(declaration) => edits.push((declaration.value.clone(), format!(" {steps}u"))),
                None => appended += &format!("const MAX_EPISODE_STEPS = {steps}u;\n"),
            }
            continue;
        }
        let Some(declaration) = declared.iter().find(|d| d.name == constant && d.param.is_some()) else {
            continue;
        };
        let old = source[declaration.value.clone()].trim();
        if !old.contains('(') {
            edits.push((declaration.value.clone(), format!(" {}", scalar_like(name, old, value)?)));
            continue;
        }
        let rows = map_rows(name, value)?;
        let cells = |row: &&str| {
            let cell = |c: char| if c.is_ascii_digit() { format!("{c}u") } else { c.to_string() };
            format!("array({})", row.chars().map(cell).collect::<Vec<_>>().join(", "))
        };
        let text = rows.iter().map(cells).collect::<Vec<_>>().join(", ");
        edits.push((declaration.value.clone(), format!(" array({text})")));
        let columns = rows.first().map_or(0, |row| row.len());
        for (suffix, size) in [("_ROWS", rows.len()), ("_COLUMNS", columns)] {
            if let Some(d) = declared.iter().find(|d| d.name == format!("{constant}{suffix}")) {
                edits.push((d.value.clone(), format!(" {size}u")));
            }
        }
        if let Some(d) = declared.iter().find(|d| d.name == format!("{constant}_BITS")) {
            edits.push((d.value.clone(), format!(" array({})", packed(source, &declared, name, &rows)?)));
        }
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = source.to_owned();
    for (range, value) in edits {
        // Lines of errors stay those of the file.
        let lines = "\n".repeat(source[range.clone()].matches('\n').count());
        text.replace_range(range, &(value + &lines));
    }
    Ok(text + &appended)
}

fn whole(name: &str, value: &str) -> Result<u32> {
    match value.parse::<u32>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(invalid(name, value, "a whole number of at least 1")),
    }
}

fn invalid(name: &str, value: &str, allowed: &str) -> Error {
    Error::invalid(
        format!("env_params.{name}"),
        value,
        allowed,
        "`softq envs` lists the parameters of each environment.",
    )
}

/// A literal of the same type as the old one.
fn scalar_like(name: &str, old: &str, value: &str) -> Result<String> {
    if old == "true" || old == "false" {
        return match value {
            "true" | "1" => Ok("true".into()),
            "false" | "0" => Ok("false".into()),
            _ => Err(invalid(name, value, "true or false")),
        };
    }
    if old.ends_with('u') || !old.contains('.') {
        let number: i64 = value.parse().map_err(|_| invalid(name, value, "a whole number"))?;
        let unsigned = old.ends_with('u');
        if number < 0 && unsigned || number.unsigned_abs() > i32::MAX as u64 {
            return Err(invalid(name, value, "a whole number that fits 31 bits and is not negative"));
        }
        return Ok(if unsigned { format!("{number}u") } else { number.to_string() });
    }
    match value.parse::<f64>() {
        Ok(number) if fits_f32(number) => Ok(format!("{:?}", number as f32)),
        _ => Err(invalid(
            name,
            value,
            "a finite number; in size 0 or from 1.2e-38 to 3.4e38, which 32 bits hold",
        )),
    }
}

fn map_rows<'a>(name: &str, value: &'a str) -> Result<Vec<&'a str>> {
    let rows: Vec<&str> = value.split('/').map(str::trim).collect();
    let width = rows.first().map_or(0, |row| row.len());
    let letters = rows.iter().all(|row| row.chars().all(|c| c.is_ascii_alphanumeric()));
    if width == 0 || width > 256 || rows.len() > 256 || !letters || rows.iter().any(|row| row.len() != width)
    {
        let allowed = "rows of letters or digits, all of one length, separated by '/', at most 256 by 256";
        return Err(invalid(name, value, allowed));
    }
    Ok(rows)
}

/// The cells of a map in words, two bits each, row by row from the lowest bits up. Shaders copy a constant array wherever they
/// look up a place that they compute, and drivers take minutes to compile a copy of thousands of words.
fn packed(source: &str, declared: &[Declaration], name: &str, rows: &[&str]) -> Result<String> {
    let number = |cell: char| match cell.to_digit(10) {
        Some(digit) => Some(digit),
        None => {
            let letter = declared.iter().find(|d| d.name == cell.to_string())?;
            source[letter.value.clone()].trim().trim_end_matches('u').parse().ok()
        }
    };
    let cells: Vec<char> = rows.iter().flat_map(|row| row.chars()).collect();
    let mut words = Vec::new();
    for cells in cells.chunks(16) {
        let mut word = 0;
        for (place, cell) in cells.iter().enumerate() {
            match number(*cell) {
                Some(number) if number < 4 => word |= number << (2 * place),
                _ => return Err(invalid(name, &cell.to_string(), "a letter or digit of this map")),
            }
        }
        words.push(format!("{word}u"));
    }
    Ok(words.join(", "))
}

/// The compile-time parameters with their values.
pub fn const_params(source: &str) -> Vec<ConstParam> {
    declarations(source)
        .into_iter()
        .filter_map(|d| {
            let value = source[d.value.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
            d.param.map(|about| ConstParam { name: d.name.to_lowercase(), about, value })
        })
        .collect()
}

/// The comment above each field of `EnvParams`.
pub fn field_comments(source: &str) -> BTreeMap<String, String> {
    let mut comments = BTreeMap::new();
    let body = source.split_once("struct EnvParams").map_or("", |(_, rest)| rest);
    let body = body.split_once('}').map_or("", |(body, _)| body);
    let mut about = String::new();
    for line in body.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("//") {
            about = format!("{about} {}", comment.trim()).trim().to_owned();
        } else if let Some((name, _)) = line.split_once(':') {
            comments.insert(name.trim().to_owned(), std::mem::take(&mut about));
        }
    }
    comments
}

/// The value of a runtime parameter: a number, `true`, `false` or `uniform(low,high)`.
pub fn param_value(name: &str, number: Number, value: &str) -> Result<ParamValue> {
    let text = value.trim();
    let allowed = match number {
        Number::F32 => {
            "a finite number, or uniform(low,high); in size 0 or from 1.2e-38 to 3.4e38, which 32 bits hold"
        }
        Number::U32 => "a whole number from 0 on, true, false, or uniform(low,high)",
        Number::I32 => "a whole number, or uniform(low,high)",
    };
    let one = |text: &str| -> Result<f64> {
        let value = match (text.trim(), number) {
            ("true", Number::U32) => Some(1.0),
            ("false", Number::U32) => Some(0.0),
            (text, _) => text.parse::<f64>().ok(),
        };
        let fits = |value: &f64| match number {
            Number::F32 => fits_f32(*value),
            Number::U32 => value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(value),
            Number::I32 => {
                value.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(value)
            }
        };
        value.filter(fits).ok_or_else(|| invalid(name, text, allowed))
    };
    let Some(range) = text.strip_prefix("uniform(").and_then(|rest| rest.strip_suffix(')')) else {
        return Ok(ParamValue::Fixed(one(text)?));
    };
    let (low, high) = range.split_once(',').ok_or_else(|| invalid(name, value, allowed))?;
    let (low, high) = (one(low)?, one(high)?);
    if low > high {
        return Err(invalid(name, value, "uniform(low,high) with low not above high"));
    }
    Ok(ParamValue::Uniform(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "// A test.\n// param: cells per side,\n// 2 to 9\nconst SIZE = 4u;\nconst OBS_SIZE = SIZE * SIZE;\n\
                        const S = 0u; const F = 1u;\n// param: the map\nconst MAP = array(\n    array(S, F),\n);\n\
                        const MAP_ROWS = 1u;\nconst MAP_COLUMNS = 2u;\n// param: steepness\nconst SLOPE: f32 = -0.5;\n\
                        struct EnvParams {\n    // pull, m/s^2\n    gravity: f32,\n    slippery: u32,\n}\n";

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn constants_and_their_comments_are_found() {
        let hidden = "/* const A = 1u; */ fn f() {\nconst B = 2u;\n}\n  const C = 3u; // const D = 4u;\nconst\nE =\n5u;\n";
        let names: Vec<_> = declarations(hidden).into_iter().map(|d| (d.name, d.line)).collect();
        assert_eq!(names, [("C".to_owned(), 4), ("E".to_owned(), 5)]);
        let names: Vec<_> = declarations(FILE).into_iter().map(|d| (d.name, d.line)).collect();
        let expected = [
            ("SIZE", 4),
            ("OBS_SIZE", 5),
            ("S", 6),
            ("F", 6),
            ("MAP", 8),
            ("MAP_ROWS", 11),
            ("MAP_COLUMNS", 12),
            ("SLOPE", 14),
        ];
        assert_eq!(names, expected.map(|(name, line)| (name.to_owned(), line)));
        let params = const_params(FILE);
        assert_eq!(params[0].about, "cells per side, 2 to 9");
        assert_eq!(params.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["size", "map", "slope"]);
        let comments = field_comments(FILE);
        assert_eq!((comments["gravity"].as_str(), comments["slippery"].as_str()), ("pull, m/s^2", ""));
    }

    #[test]
    fn values_replace_constants_of_the_same_type() {
        let text =
            with_values(FILE, &values(&[("size", "7"), ("slope", "2"), ("map", "SFF/F0S")])).expect("valid");
        for line in [
            "const SIZE = 7u;",
            "const SLOPE: f32 = 2.0;",
            "const MAP = array(array(S, F, F), array(F, 0u, S))\n\n;",
            "const MAP_ROWS = 2u;",
            "const MAP_COLUMNS = 3u;",
        ] {
            assert!(text.contains(line), "{line}:\n{text}");
        }
        let text =
            with_values(FILE, &values(&[("max_episode_steps", "9"), ("gravity", "1")])).expect("valid");
        assert_eq!(text, format!("{FILE}const MAX_EPISODE_STEPS = 9u;\n"));
        for (name, value) in
            [("size", "-1"), ("size", "x"), ("slope", "inf"), ("map", "SF/S"), ("map", "S F")]
        {
            let error = with_values(FILE, &values(&[(name, value)])).expect_err("refused").to_string();
            assert!(error.contains(&format!("env_params.{name}")) && error.contains(value), "{error}");
        }
    }

    #[test]
    fn maps_are_packed_where_the_file_asks_for_it() {
        let file = format!("{FILE}const MAP_BITS = array(4u);\n");
        let text = with_values(&file, &values(&[("map", "SFFSSSSSS/32SSSSSSF")])).expect("valid");
        assert!(text.contains("const MAP_BITS = array(2883604u, 4u);"), "{text}");
        for map in ["SX", "S4"] {
            assert!(with_values(&file, &values(&[("map", map)])).is_err(), "{map}");
        }
    }

    #[test]
    fn runtime_values_are_numbers_flags_or_ranges() {
        let value = |number, text| param_value("x", number, text);
        assert_eq!(value(Number::F32, "-1.5").expect("number"), ParamValue::Fixed(-1.5));
        assert_eq!(value(Number::U32, "true").expect("flag"), ParamValue::Fixed(1.0));
        assert_eq!(value(Number::F32, "uniform(5, 15)").expect("range"), ParamValue::Uniform(5.0, 15.0));
        for (number, text) in [
            (Number::F32, "true"),
            (Number::U32, "-1"),
            (Number::U32, "0.5"),
            (Number::I32, "3e9"),
            (Number::F32, "uniform(2,1)"),
            (Number::F32, "uniform(2)"),
        ] {
            assert!(value(number, text).is_err(), "{text}");
        }
    }
}
