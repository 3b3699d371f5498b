//! New maps: an array of arrays, and the constants that follow from it.

use std::ops::Range;

use super::invalid;
use crate::engine::items::{Item, constant};
use crate::engine::lexer::Tokens;
use crate::error::Result;

/// A map, and the constants that follow from it.
pub(super) fn map_edits(
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
