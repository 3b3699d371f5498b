//! Ends of functions that return a value. WGSL lets a function end in a loop that only `return` leaves; the compiler below
//! wants a `return` as the last statement. Such functions get one that no execution reaches; those that may really end without
//! a value are refused.

use naga::{Block, Function, Module, Statement};

use super::loops::line_of;
use crate::engine::items::{Item, named};
use crate::engine::lexer::Tokens;

/// A function that may end without a value.
pub struct Missing {
    /// Its name.
    pub name: String,
    /// Line of its declaration, or of the empty `return`.
    pub line: usize,
}

/// The text with the returns that the compiler wants, on the lines of the braces that end the functions; `None` where none
/// is needed.
pub fn completed(module: &Module, tokens: &Tokens<'_>, items: &[Item]) -> Result<Option<String>, Missing> {
    let mut places: Vec<(usize, String)> = Vec::new();
    for (_, function) in module.functions.iter().filter(|(_, function)| function.result.is_some()) {
        let Some(item) = function.name.as_deref().and_then(|name| named(items, name)) else { continue };
        match end(function) {
            End::Returns => {}
            End::Open(at) => {
                let line =
                    at.filter(|at| *at < tokens.text.len()).map_or(item.line, |at| line_of(tokens.text, at));
                return Err(Missing { name: item.name.clone(), line });
            }
            End::Unreachable => {
                let ty = tokens.text[item.value.clone()].trim();
                let brace =
                    tokens.tokens.get(item.tokens.end - 1).map_or(tokens.text.len(), |t| t.range.start);
                places.push((brace, format!(" return {ty}(); ")));
            }
        }
    }
    if places.is_empty() {
        return Ok(None);
    }
    places.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    let mut text = tokens.text.to_owned();
    for (place, statement) in places {
        text.insert_str(place, &statement);
    }
    Ok(Some(text))
}

enum End {
    /// Every way out returns a value, as the compiler sees it.
    Returns,
    /// The end cannot be reached, but the compiler does not see it.
    Unreachable,
    /// The end, or an empty `return` at this byte, can be reached.
    Open(Option<usize>),
}

fn end(function: &Function) -> End {
    match walk(&function.body) {
        Err(at) => End::Open(Some(at)),
        Ok(true) => End::Open(None),
        Ok(false) if has_empty(&function.body) => End::Unreachable,
        Ok(false) => End::Returns,
    }
}

/// Whether execution can reach the end of a block; an error at an empty `return` of the file, which has no place where a value
/// is due. Those that the compiler appended have no place in the text, and end the block that they are appended to.
fn walk(block: &Block) -> Result<bool, usize> {
    let mut flows = true;
    for (statement, span) in block.span_iter() {
        let behind = match statement {
            Statement::Return { value: None } => match span.to_range() {
                Some(range) => return Err(range.start),
                None => flows,
            },
            Statement::Return { .. } | Statement::Break | Statement::Continue | Statement::Kill => false,
            Statement::Block(inner) => walk(inner)?,
            Statement::If { accept, reject, .. } => {
                let (accept, reject) = (walk(accept)?, walk(reject)?);
                accept || reject
            }
            Statement::Switch { cases, .. } => {
                let mut any = false;
                for case in cases {
                    any |= walk(&case.body)? && !case.fall_through || breaks(&case.body);
                }
                any
            }
            Statement::Loop { body, continuing, break_if } => {
                walk(body)?;
                walk(continuing)?;
                break_if.is_some() || breaks(body)
            }
            _ => true,
        };
        flows &= behind;
    }
    Ok(flows)
}

/// Whether there is a `return` without a value.
fn has_empty(block: &Block) -> bool {
    block.iter().any(|statement| match statement {
        Statement::Return { value: None } => true,
        Statement::Block(inner) => has_empty(inner),
        Statement::If { accept, reject, .. } => has_empty(accept) || has_empty(reject),
        Statement::Switch { cases, .. } => cases.iter().any(|case| has_empty(&case.body)),
        Statement::Loop { body, continuing, .. } => has_empty(body) || has_empty(continuing),
        _ => false,
    })
}

/// Whether a `break` in this block leaves what is around it.
fn breaks(block: &Block) -> bool {
    block.iter().any(|statement| match statement {
        Statement::Break => true,
        Statement::Block(inner) => breaks(inner),
        Statement::If { accept, reject, .. } => breaks(accept) || breaks(reject),
        _ => false,
    })
}
