//! How files begin and lines end: what decides where a run goes on.

use crate::log::Runs;

/// How a file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// With the first lines of a run.
    Start,
    /// With `Started Embulk`, in front of which newer versions write other lines.
    Started,
    /// With something that may be the rest of a line, and then with the first lines of a run.
    Late,
    /// In the midst of a run.
    Middle,
    /// There is no line of Embulk's yet, or the last word of a run comes before any.
    Unclear,
}

/// How a file with these first bytes begins.
pub fn beginning(text: &[u8]) -> Beginning {
    let text = &text[leading_zeros(text)..];
    let (mut runs, mut is_first) = (Runs::default(), true);
    for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        runs.feed(line);
        if runs.open_first_ms().is_none() && runs.newest_is_terminal() {
            return Beginning::Unclear;
        }
        if runs.open_first_ms().is_some() {
            return match (runs.open_shows_start(), runs.open_awaits_start()) {
                (true, _) if !is_first => Beginning::Late,
                (true, true) => Beginning::Start,
                (true, false) => Beginning::Started,
                (false, _) => Beginning::Middle,
            };
        }
        is_first = false;
    }
    Beginning::Unclear
}

/// Whether a line is the last word of a run: `Error:` or what a wrapper says of the exit code.
pub fn is_last_word(line: &[u8]) -> bool {
    let mut runs = Runs::default();
    runs.feed(line);
    runs.feed(b"\n");
    runs.newest_is_terminal()
}

/// Zeros in front; there may be gigabytes of them.
pub fn leading_zeros(bytes: &[u8]) -> usize {
    let blocks = bytes.chunks(ZEROS.len()).take_while(|block| **block == ZEROS[..block.len()]);
    let whole: usize = blocks.map(<[u8]>::len).sum();
    whole + bytes[whole..].iter().take_while(|byte| **byte == 0).count()
}

static ZEROS: [u8; 4096] = [0; 4096];

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<u8> {
        format!("2026-03-02 06:00:00.000 +0000 [INFO] (main): {text}\n").into_bytes()
    }

    #[test]
    fn beginnings() {
        assert_eq!(beginning(&line("Started Embulk v0.9.25")), Beginning::Started);
        assert_eq!(beginning(&[b"\0\0".as_slice(), &line("gem_home is set")].concat()), Beginning::Start);
        assert_eq!(beginning(b"2016-07-07 06:00:00.000 +0000: Embulk v0.8.39\n"), Beginning::Started);
        assert_eq!(beginning(&line("{done:  1 / 2, running: 1}")), Beginning::Middle);
        assert_eq!(beginning(&[b"ed.\n".as_slice(), &line("gem_home is set")].concat()), Beginning::Late);
        assert_eq!(beginning(b"== cron ==\n2016-07"), Beginning::Unclear);
    }

    #[test]
    fn last_words() {
        for line in
            ["Error: no", "load.sh exited with code 137", "2026-03-02 06:00:00.000 +0000 [INFO] (main): Committed."]
        {
            assert!(is_last_word(line.as_bytes()), "{line}");
        }
        assert!(!is_last_word(b"2026-03-02 06:00:00.000 +0000 [INFO] (main): gem_path is se"));
    }
}
