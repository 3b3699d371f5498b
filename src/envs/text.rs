//! Parameters of an environment file: the constants that a comment makes one, new values for them, and the ranges and comments
//! of both kinds. Places come from the tokens, types from naga's module: a new value keeps the type of the old one.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::engine::env::ConstParam;
use crate::engine::items::{Item, Member, constant, items};
use crate::engine::lexer::{Kind, Tokens};
use crate::error::{Error, Result};

mod comments;
mod literals;
mod maps;
mod runtime;

pub use comments::{About, described, member_comment, param_comment};
use literals::{scalar_like, whole};
use maps::map_edits;
pub use runtime::param_value;

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

pub(super) fn invalid(name: &str, value: &str, allowed: &str) -> Error {
    Error::invalid(
        format!("env_params.{name}"),
        value,
        allowed,
        "`softq envs` and `softq check-env FILE` list the parameters.",
    )
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

/// Whether a text holds any code.
pub fn has_code(tokens: &Tokens<'_>) -> bool {
    tokens.tokens.iter().any(|token| token.kind != Kind::Sign(';'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::env::{Number, ParamValue};

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
        let members = &crate::engine::items::named(&declared, "EnvParams").expect("struct").members;
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
