//! Text from files as it may be printed: what would steer a terminal (control characters, changes of direction, invisible
//! marks) is shown as its number instead.

/// `text` with everything that steers a terminal escaped, but line feeds.
pub fn lines(text: &str) -> String {
    text.split('\n').map(word).collect::<Vec<_>>().join("\n")
}

/// `text` with everything that steers a terminal escaped.
pub fn word(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_invisible(c: char) -> bool {
    let code = u32::from(c);
    matches!(code, 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(lines("gra\u{1b}]0;pwn\u{7}\nvity"), "gra\\u{1b}]0;pwn\\u{7}\nvity");
        assert_eq!(word("a\tb\r\n\u{9b}31m\u{202e}é"), "a\\u{9}b\\u{d}\\u{a}\\u{9b}31m\\u{202e}é");
    }
}
