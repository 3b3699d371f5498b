//! Text from files as it may be printed: what would steer a terminal (control characters, changes of direction, invisible
//! marks) is shown as its number instead.

/// `text` with everything that steers a terminal escaped, but line feeds and tabulators.
pub fn lines(text: &str) -> String {
    escaped(text, |c| !matches!(c, '\n' | '\t'), |c, shown| shown.extend(c.escape_unicode()))
}

/// JSON that a serialiser wrote, with everything that steers a terminal escaped as JSON does it: outside of strings there is
/// none of it.
pub fn json(text: &str) -> String {
    escaped(
        text,
        |_| true,
        |c, shown| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        },
    )
}

/// `text` with everything that steers a terminal escaped.
pub fn word(text: &str) -> String {
    escaped(text, |_| true, |c, shown| shown.extend(c.escape_unicode()))
}

fn escaped(text: &str, meant: impl Fn(char) -> bool, escape: impl Fn(char, &mut String)) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() || is_invisible(c)) && meant(c) {
            escape(c, &mut shown);
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
        assert_eq!(lines("\ta\r"), "\ta\\u{d}");
        let value = "a\u{1b}\u{9b}31m\u{202e}\u{e0041}é\n";
        let text = json(&serde_json::to_string(value).expect("JSON"));
        assert!(text.chars().all(|c| c.is_ascii_graphic() || c == 'é'), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).expect("JSON"), value);
        assert_eq!(word("a\tb\r\n\u{9b}31m\u{202e}é"), "a\\u{9}b\\u{d}\\u{a}\\u{9b}31m\\u{202e}é");
    }
}
