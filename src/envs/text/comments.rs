//! What the comments above parameters say: which constants are parameters, what they are, and the values they may have.

use super::super::ranges::{self, Allowed};
use crate::engine::items::{Item, Member};
use crate::shared::printable;

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

/// A comment with its range, as lists of parameters show it.
pub fn described(about: &About) -> String {
    let about = &About { text: printable::word(&about.text), ..about.clone() };
    match &about.allowed {
        Some(allowed) => format!("{}; {allowed}", about.text).trim_start_matches("; ").to_owned(),
        None => about.text.clone(),
    }
}
