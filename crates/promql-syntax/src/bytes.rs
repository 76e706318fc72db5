//! Texts that are not UTF-8: a string literal such as `"\xff"` may hold any bytes, ours may not.
//!
//! A byte that belongs to no character is carried as one of the last 128 code points, which are for private use. No
//! label holds them, so such a text equals no label's value, and printing gives the byte back.

/// The byte 0x80 is carried as this plus 0x80.
const CARRIER: u32 = 0x10_ff00;

/// The text, bytes that are not UTF-8 carried.
pub(crate) fn carry(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(CARRIER + u32::from(*byte))));
    }
    text
}

/// Whether the text of a string literal is UTF-8; one that is not is no label name.
pub fn is_utf8(text: &str) -> bool {
    !text.contains(is_carried)
}

/// The text of a string literal in double quotes, as Go's `strconv.Quote` prints it, bytes that are not UTF-8 as
/// `\xff`.
pub fn quote(text: &str) -> String {
    if is_utf8(text) {
        return units::quote::quote(text);
    }
    let mut out = String::from('"');
    for piece in text.split_inclusive(is_carried) {
        let last = piece.chars().next_back().filter(|c| is_carried(*c));
        let valid = &piece[..piece.len() - last.map_or(0, char::len_utf8)];
        let quoted = units::quote::quote(valid);
        out.push_str(&quoted[1..quoted.len() - 1]);
        if let Some(c) = last {
            out.push_str(&format!("\\x{:02x}", u32::from(c) - CARRIER));
        }
    }
    out.push('"');
    out
}

fn is_carried(c: char) -> bool {
    CARRIER + 0x80 <= u32::from(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_come_back() {
        for (bytes, expected) in [
            (&b"a\xc5z"[..], r#""a\xc5z""#),
            (b"\xff", r#""\xff""#),
            (b"\"\xe4\xb8\n", r#""\"\xe4\xb8\n""#),
            (b"ok", r#""ok""#),
        ] {
            assert_eq!(quote(&carry(bytes)), expected);
        }
        assert!(!is_utf8(&carry(b"\xff")));
        assert!(is_utf8("中"));
    }
}
