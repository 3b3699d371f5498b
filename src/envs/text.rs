//! Parameters of an environment file: the constants that a comment makes one, new values for them, and the ranges and comments
//! of both kinds. Places come from the tokens, types from naga's module: a new value keeps the type of the old one.

use std::collections::BTreeMap;
use std::ops::Range;

use super::items::{Item, Member, constant, items};
use super::ranges::{self, Allowed};
use crate::engine::env::{ConstParam, Number, ParamValue};
use crate::engine::lexer::{Kind, Tokens};
use crate::error::{Error, Result};
use crate::shared::layout::fits_f32;
use crate::shared::printable;

/// The type of a constant, as far as a new value depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstType {
    /// A truth value.
    Bool,
    /// `u32`
    U32,
    /// `i32`
    I32,
    /// `f32`
    F32,
    /// A whole number without a type: it takes the one of its use.
    AbstractInt,
    /// A number without a type.
    AbstractFloat,
    /// An array of arrays of whole numbers, a map; whether they are `u32`.
    Map(bool),
    /// Anything else: no parameter.
    Other,
}

/// What the comment above a parameter says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// What it is.
    pub text: String,
    /// The values that it may have.
    pub allowed: Option<Allowed>,
}

/// Whether a constant is a parameter, and what its comment says: `// param: ...` with the comment lines that follow it.
pub fn param_comment(item: &Item) -> std::result::Result<Option<About>, String> {
    let start = item.comments.iter().rposition(|line| line.starts_with("param:"));
    let Some(start) = start.filter(|_| item.keyword == "const") else { return Ok(None) };
    let first = item.comments[start]["param:".len()..].trim();
    about(std::iter::once(first).chain(item.comments[start + 1..].iter().map(String::as_str))).map(Some)
}

/// What the comment above a member of `EnvParams` says.
pub fn member_comment(member: &Member) -> std::result::Result<About, String> {
    about(member.comments.iter().map(String::as_str))
}

fn about<'c>(lines: impl Iterator<Item = &'c str>) -> std::result::Result<About, String> {
    let mut about = About::default();
    for line in lines {
        match line.strip_prefix("range:") {
            Some(range) => about.allowed = Some(ranges::read(range.trim())?),
            None => about.text = format!("{} {line}", about.text).trim().to_owned(),
        }
    }
    Ok(about)
}

/// The file's own name for each value given: as it is written, or, if only one name differs in nothing but case, that one.
/// Constants may be written in lower case.
pub fn own_names(
    members: &[Member],
    consts: &[&Item],
    values: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let mut own = BTreeMap::new();
    for (name, value) in values {
        let known = || members.iter().map(|m| &m.name).chain(consts.iter().map(|item| &item.name));
        let alike: Vec<&String> = known().filter(|own| own.to_lowercase() == name.to_lowercase()).collect();
        let chosen = match (known().find(|own| *own == name), &alike[..]) {
            (Some(own), _) => own,
            (None, []) => name,
            (None, [only]) => *only,
            (None, alike) => {
                let names = alike.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(" or ");
                return Err(invalid(name, value, &format!("written as {names}, which differ in case alone")));
            }
        };
        if own.insert(chosen.clone(), value.clone()).is_some() {
            return Err(invalid(name, value, "given once; a name in other case is the same parameter"));
        }
    }
    Ok(own)
}

/// Replaces compile-time parameters by the values given, whose names are the file's own; others are left for the runtime
/// parameters. `type_of` tells the type of a constant.
pub fn with_values(
    source: &str,
    values: &BTreeMap<String, String>,
    type_of: &dyn Fn(&str) -> ConstType,
) -> Result<String> {
    let tokens = Tokens::new(source);
    let declared = items(&tokens);
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut appended = String::new();
    for (name, value) in values {
        if name.eq_ignore_ascii_case("max_episode_steps") {
            let steps = whole(name, value)?;
            match constant(&declared, "MAX_EPISODE_STEPS") {
                Some(item) => edits.push((item.value.clone(), format!(" {steps}u"))),
                None => appended += &format!("\nconst MAX_EPISODE_STEPS = {steps}u;\n"),
            }
            continue;
        }
        let Some(item) = constant(&declared, name) else { continue };
        let Ok(Some(about)) = param_comment(item) else { continue };
        // Constants are written in lower case outside of the file.
        let name = &name.to_lowercase();
        match type_of(&item.name) {
            ConstType::Map(unsigned) => map_edits(&tokens, &declared, item, value, unsigned, &mut edits)?,
            ConstType::Other => {
                let allowed =
                    "left alone: parameters are numbers, flags, and maps (arrays of arrays of whole numbers)";
                return Err(invalid(name, value, allowed));
            }
            scalar => {
                let text = scalar_like(name, scalar, item.typed, value, about.allowed.as_ref())?;
                edits.push((item.value.clone(), format!(" {text}")));
            }
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
        _ => Err(invalid(name, value, "a whole number from 1 to 4294967295")),
    }
}

pub(super) fn invalid(name: &str, value: &str, allowed: &str) -> Error {
    Error::invalid(
        format!("env_params.{name}"),
        value,
        allowed,
        "`softq envs` and `softq check-env FILE` list the parameters.",
    )
}

/// Numbers that the device reads as what they are.
const FITS_F32: &str = "a finite number; in size 0 or from 1.2e-38 to 3.4e38, which 32 bits hold";

/// A literal of a constant's type. Where the constant names its type, a number without one takes it.
fn scalar_like(
    name: &str,
    ty: ConstType,
    typed: bool,
    value: &str,
    allowed: Option<&Allowed>,
) -> Result<String> {
    let within = |number: f64| match allowed {
        Some(allowed) if !allowed.holds(number) => Err(invalid(name, value, &allowed.to_string())),
        _ => Ok(()),
    };
    let (low, high) = match ty {
        ConstType::Bool => {
            return match value {
                "true" | "1" => Ok("true".into()),
                "false" | "0" => Ok("false".into()),
                _ => Err(invalid(name, value, "true or false")),
            };
        }
        ConstType::F32 | ConstType::AbstractFloat => {
            let number = value.parse::<f64>().ok().filter(|number| fits_f32(*number));
            let number = number.ok_or_else(|| invalid(name, value, FITS_F32))? as f32;
            within(f64::from(number))?;
            let suffix = if ty == ConstType::F32 && !typed { "f" } else { "" };
            return Ok(format!("{number:?}{suffix}"));
        }
        ConstType::U32 => (0, i64::from(u32::MAX)),
        ConstType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::from(i32::MIN), i64::from(u32::MAX)),
    };
    let number = value.parse::<i64>().ok().filter(|number| (low..=high).contains(number));
    let number =
        number.ok_or_else(|| invalid(name, value, &format!("a whole number from {low} to {high}")))?;
    within(number as f64)?;
    Ok(match ty {
        ConstType::U32 if !typed => format!("{number}u"),
        // The least number has no literal with a suffix.
        ConstType::I32 if !typed => format!("i32({number})"),
        _ => number.to_string(),
    })
}

/// A map, and the constants that follow from it.
fn map_edits(
    tokens: &Tokens<'_>,
    declared: &[Item],
    item: &Item,
    value: &str,
    unsigned: bool,
    edits: &mut Vec<(Range<usize>, String)>,
) -> Result<()> {
    let source = tokens.text;
    let name = item.name.to_lowercase();
    let rows = map_rows(&name, value)?;
    for cell in rows.iter().flat_map(|row| row.chars()) {
        if !cell.is_ascii_digit() && constant(declared, &cell.to_string()).is_none() {
            return Err(invalid(&name, &cell.to_string(), "a letter or digit of this map"));
        }
    }
    let cells = |row: &&str| {
        let cell = |c: char| if c.is_ascii_digit() && unsigned { format!("{c}u") } else { c.to_string() };
        format!("array({})", row.chars().map(cell).collect::<Vec<_>>().join(", "))
    };
    let text = rows.iter().map(cells).collect::<Vec<_>>().join(", ");
    edits.push((item.value.clone(), format!(" array({text})")));
    let columns = rows.first().map_or(0, |row| row.len());
    for (suffix, size) in [("_ROWS", rows.len()), ("_COLUMNS", columns)] {
        if let Some(follows) = constant(declared, &format!("{}{suffix}", item.name)) {
            edits.push((follows.value.clone(), format!(" {size}u")));
        }
    }
    if let Some(bits) = constant(declared, &format!("{}_BITS", item.name)) {
        edits.push((bits.value.clone(), format!(" array({})", packed(source, declared, &name, &rows)?)));
    }
    Ok(())
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
fn packed(source: &str, declared: &[Item], name: &str, rows: &[&str]) -> Result<String> {
    let number = |cell: char| match cell.to_digit(10) {
        Some(digit) => Some(digit),
        None => {
            let letter = constant(declared, &cell.to_string())?;
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

/// The compile-time parameters of the text with their values.
pub fn const_params(tokens: &Tokens<'_>, declared: &[Item]) -> Vec<ConstParam> {
    let value = |item: &Item| {
        let within = |range: &Range<usize>| range.start >= item.value.start && range.end <= item.value.end;
        let mut text = String::new();
        let mut end = item.value.start;
        for token in tokens.tokens.iter().filter(|token| within(&token.range)) {
            let gap = !text.is_empty() && end < token.range.start;
            text.push_str(if gap { " " } else { "" });
            text.push_str(tokens.str(token));
            end = token.range.end;
        }
        text
    };
    declared
        .iter()
        .filter_map(|item| {
            let about = param_comment(item).ok()??;
            let about = described(&about);
            Some(ConstParam { name: item.name.to_lowercase(), about, value: value(item) })
        })
        .collect()
}

/// A comment with its range, as lists of parameters show it.
pub fn described(about: &About) -> String {
    let about = &About { text: printable::word(&about.text), ..about.clone() };
    match &about.allowed {
        Some(allowed) => format!("{}; {allowed}", about.text).trim_start_matches("; ").to_owned(),
        None => about.text.clone(),
    }
}

/// The value of a runtime parameter: a number, `true`, `false` or `uniform(low,high)`.
pub fn param_value(name: &str, number: Number, value: &str, range: Option<&Allowed>) -> Result<ParamValue> {
    let text = value.trim();
    let allowed = match number {
        Number::F32 => {
            "a finite number, or uniform(low,high); in size 0 or from 1.2e-38 to 3.4e38, which 32 bits hold"
        }
        Number::U32 => "a whole number from 0 to 4294967295, true, false, or uniform(low,high)",
        Number::I32 => "a whole number from -2147483648 to 2147483647, or uniform(low,high)",
    };
    let one = |text: &str| -> Result<f64> {
        let value = match (text.trim(), number) {
            ("true", Number::U32) => Some(1.0),
            ("false", Number::U32) => Some(0.0),
            (text, _) => text.parse::<f64>().ok(),
        };
        let value = value.ok_or_else(|| invalid(name, text, allowed))?;
        let fits = match number {
            Number::F32 => fits_f32(value),
            Number::U32 => value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value),
            Number::I32 => {
                value.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value)
            }
        };
        if !fits {
            return Err(invalid(name, text, allowed));
        }
        match range {
            Some(range) if !range.holds(number.value(number.word(value))) => {
                Err(invalid(name, text, &range.to_string()))
            }
            _ => Ok(value),
        }
    };
    let Some(ends) = text.strip_prefix("uniform(").and_then(|rest| rest.strip_suffix(')')) else {
        return Ok(ParamValue::Fixed(one(text)?));
    };
    let (low, high) = ends.split_once(',').ok_or_else(|| invalid(name, value, allowed))?;
    let (low, high) = (one(low)?, one(high)?);
    if low > high {
        return Err(invalid(name, value, "uniform(low,high) with low not above high"));
    }
    Ok(ParamValue::Uniform(low, high))
}

/// Whether a text holds any code.
pub fn has_code(tokens: &Tokens<'_>) -> bool {
    tokens.tokens.iter().any(|token| token.kind != Kind::Sign(';'))
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

    fn replaced(source: &str, given: &BTreeMap<String, String>) -> Result<String> {
        let tokens = Tokens::new(source);
        let declared = items(&tokens);
        let consts: Vec<&Item> = declared.iter().filter(|item| item.keyword == "const").collect();
        let types = |name: &str| match name {
            "MAP" => ConstType::Map(true),
            "SLOPE" => ConstType::F32,
            _ => ConstType::U32,
        };
        with_values(source, &own_names(&[], &consts, given)?, &types)
    }

    #[test]
    fn constants_and_their_comments_are_found() {
        let tokens = Tokens::new(FILE);
        let declared = items(&tokens);
        let params = const_params(&tokens, &declared);
        assert_eq!(params[0].about, "cells per side, 2 to 9");
        assert_eq!(params.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["size", "map", "slope"]);
        let members = &super::super::items::named(&declared, "EnvParams").expect("struct").members;
        let about = |index: usize| member_comment(&members[index]).expect("comment").text;
        assert_eq!((about(0).as_str(), about(1).as_str()), ("pull, m/s^2", ""));
    }

    #[test]
    fn values_replace_constants_of_the_same_type() {
        let text =
            replaced(FILE, &values(&[("size", "7"), ("slope", "2"), ("map", "SFF/F0S")])).expect("valid");
        for line in [
            "const SIZE = 7u;",
            "const SLOPE: f32 = 2.0;",
            "const MAP = array(array(S, F, F), array(F, 0u, S))\n\n;",
            "const MAP_ROWS = 2u;",
            "const MAP_COLUMNS = 3u;",
        ] {
            assert!(text.contains(line), "{line}:\n{text}");
        }
        let text = replaced(FILE, &values(&[("max_episode_steps", "9"), ("gravity", "1")])).expect("valid");
        assert_eq!(text, format!("{FILE}\nconst MAX_EPISODE_STEPS = 9u;\n"));
        for (name, value) in [
            ("size", "-1"),
            ("size", "x"),
            ("slope", "inf"),
            ("map", "SF/S"),
            ("map", "S F"),
            ("slope", "1e-50"),
        ] {
            let error = replaced(FILE, &values(&[(name, value)])).expect_err("refused").to_string();
            assert!(
                error.to_lowercase().contains(&format!("env_params.{name}")) && error.contains(value),
                "{error}"
            );
        }
    }

    #[test]
    fn maps_are_packed_where_the_file_asks_for_it() {
        let file = format!("{FILE}const MAP_BITS = array(4u);\n");
        let text = replaced(&file, &values(&[("map", "SFFSSSSSS/32SSSSSSF")])).expect("valid");
        assert!(text.contains("const MAP_BITS = array(2883604u, 4u);"), "{text}");
        for map in ["SX", "S4"] {
            assert!(replaced(&file, &values(&[("map", map)])).is_err(), "{map}");
        }
    }

    #[test]
    fn runtime_values_are_numbers_flags_or_ranges() {
        let value = |number, text| param_value("x", number, text, None);
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
