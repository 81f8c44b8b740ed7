//! Numbers as Java prints them in any locale: `12,345`, `12.345`, `12 345`, `١٢٬٣٤٥`.

/// The count with which `text` begins, and what stands behind it. Separators of thousands are
/// skipped, whatever they are.
pub fn count(text: &str) -> Option<(u64, &str)> {
    let (mut value, mut digits, mut at) = (0u64, 0, 0);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => (value, digits) = (value.wrapping_mul(10) + u64::from(byte - b'0'), digits + 1),
            b',' | b'.' | b' ' | b'\'' | b'_' => {}
            _ if byte.is_ascii() => break,
            _ => return localized(text),
        }
        at += 1;
    }
    (1..=19).contains(&digits).then(|| (value, &text[at..]))
}

/// The same with digits and separators of any script.
fn localized(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| digit(c).is_none() && !is_separator(c)).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let mut digits = number.chars().filter_map(digit).peekable();
    digits.peek()?;
    let value = digits.try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit)))?;
    Some((value, rest))
}

/// The plain decimal number that follows `key` somewhere in `text`.
pub fn after(text: &str, key: &str) -> Option<u64> {
    let at = memchr::memmem::find(text.as_bytes(), key.as_bytes())?;
    let rest = text.get(at + key.len()..)?.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    // Java formats with the digits of its locale: Arabic, Persian, Hindi, Bengali.
    [0x0660, 0x06F0, 0x0966, 0x09E6].iter().find_map(|zero| (c as u32).checked_sub(*zero).filter(|digit| *digit < 10))
}

fn is_separator(c: char) -> bool {
    matches!(c, ',' | '.' | ' ' | '\'' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2019}' | '\u{066c}' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_any_locale() {
        for text in
            ["1,234,567 rows", "1.234.567 rows", "1 234 567 rows", "1\u{a0}234\u{202f}567 rows", "1'234'567 rows"]
        {
            assert_eq!(count(text), Some((1_234_567, "rows")), "{text}");
        }
        assert_eq!(count("١٬٢٣٤ rows"), Some((1234, "rows")));
        assert_eq!(count("0 rows"), Some((0, "rows")));
        for bad in ["", "rows", ", rows", "99999999999999999999999 rows"] {
            assert_eq!(count(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_behind_keys() {
        assert_eq!(after(":output_rows=>17, x", "output_rows=>"), Some(17));
        assert_eq!(after("output_rows: 17}", "output_rows:"), Some(17));
        assert_eq!(after("output_rows=>nil", "output_rows=>"), None);
    }
}
