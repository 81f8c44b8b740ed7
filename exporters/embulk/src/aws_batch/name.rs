//! From the name of a job to the part of it that stays the same from run to run.

/// The name without the dates, numbers, UUIDs and random letters that launchers append to it. A name that is
/// nothing else stays as it is.
pub fn plain(name: &str) -> &str {
    let mut rest = name;
    while let Some((before, last)) = rest.rsplit_once(SEPARATORS) {
        if !last.is_empty() && !varies(last) {
            break;
        }
        rest = before;
    }
    let rest = rest.trim_end_matches(SEPARATORS);
    if rest.is_empty() || varies(rest) { name } else { rest }
}

const SEPARATORS: [char; 2] = ['-', '_'];

/// Whether a word is part of a date, a time, a UUID or random.
fn varies(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let all_digits = digits == word.len();
    let hexadecimal = word.bytes().all(|b| b.is_ascii_hexdigit());
    // Versions and shards such as `v2` and `3` name a job; two digits are a month, a day or an hour.
    (all_digits && digits >= 2) || (hexadecimal && digits > 0 && word.len() >= 4) || is_instant(word)
}

/// `20260301T060000`, with whatever stands for a zone or a fraction.
fn is_instant(word: &str) -> bool {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let before = word.len() - rest.len();
    let after = rest.strip_prefix('T').map(|time| time.trim_end_matches('Z'));
    before >= 2 && after.is_some_and(|time| !time.is_empty() && time.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_goes() {
        let cases = [
            ("load-orders", "load-orders"),
            ("load-orders-2026-03-01", "load-orders"),
            ("load_orders_20260301T060000Z", "load_orders"),
            ("load-orders-2026-03-01T06-00-00", "load-orders"),
            ("load-orders-0f3c9a1e-7b1d-4c55-9d2e-aa10bb20cc30", "load-orders"),
            ("load-orders-4f9ac1", "load-orders"),
            ("load-v2", "load-v2"),
            ("shard-3", "shard-3"),
            ("load-orders-", "load-orders"),
            ("add-feed", "add-feed"),
            ("20260301", "20260301"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(plain(name), expected, "{name}");
        }
    }
}
