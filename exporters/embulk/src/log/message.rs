//! What Embulk and its standard plugins say, line by line. The shapes are those of the format strings in
//! Embulk's and the plugins' sources; docs/embulk.md names them.

use memchr::memmem;

use super::number::{after, count};

/// What a message says; everything else says nothing that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// `Started Embulk v…` (0.9 and later).
    Started(&'a str),
    /// Paths and gems, the first lines since 0.10.20.
    Preamble,
    /// The transaction is in the destination (EmbulkRunner).
    Committed,
    /// Name and version of a plugin.
    Plugin(&'a str),
    /// Tasks that are planned.
    Planned(u64),
    /// Tasks that are done, and all of them.
    Progress(u64, u64),
    /// There is nothing to load.
    Nothing,
    /// A parser dropped a row; the line holds the row itself.
    Skipped,
    /// A JDBC output begins to send a batch: rows, and bytes where PostgreSQL's COPY is used.
    Batch(u64, Option<u64>),
    /// The batch has arrived.
    BatchLoaded,
    /// The next timing is that of an `INSERT INTO … SELECT`.
    InsertSelect,
    /// The next timing is that of another statement.
    Statement,
    /// A statement took its time and touched so many rows.
    Touched(u64),
    /// A JDBC output merges, so that touched rows are no loaded rows.
    Merging,
    /// A JDBC input has read at least so many rows with this cursor.
    Fetched(u64),
    /// Elasticsearch took so many records.
    Indexed(u64),
    /// embulk-output-bigquery, in Ruby or Java.
    BigQuery(&'a str),
    /// An S3 object of this size is read.
    S3Object(u64),
    /// Bytes written to Google Cloud Storage.
    Uploaded(u64),
    /// Nothing that is counted.
    Other,
}

/// Whether a message may say something that is counted, by its first byte.
pub fn may_count(text: &[u8]) -> bool {
    matches!(
        text.first(),
        Some(b'C' | b'S' | b'L' | b'>' | b'{' | b'F' | b'U' | b'e' | b'm' | b'g' | b'j' | b'r' | b'I' | b'N' | b'O')
    )
}

/// Reads a message. Decides by its first character, since most lines say nothing that is counted.
pub fn read(text: &str) -> Message<'_> {
    let found = match text.as_bytes().first() {
        Some(b'C') => committed(text),
        Some(b'S') => statement(text),
        Some(b'L') => loading(text),
        Some(b'>') => timing(text),
        Some(b'{') => progress(text.as_bytes()),
        Some(b'F') => count_between(text, "Fetched ", "rows.").map(Message::Fetched),
        Some(b'U') => using(text),
        Some(b'e' | b'm' | b'g' | b'j' | b'r') => lower(text),
        Some(b'I') => count_between(text, "Insert completed. ", "records").map(Message::Indexed),
        Some(b'N' | b'O') => other(text),
        _ => None,
    };
    found.unwrap_or(Message::Other)
}

/// Whether a warning says that something is tried again: JDBC batches, S3 and GCS reads, Google's API.
pub fn is_retry(text: &str) -> bool {
    const SIGNS: [&str; 4] = [", retrying ", ". Retrying ", " failed. Retry", ": retry #"];
    SIGNS.iter().any(|sign| memmem::find(text.as_bytes(), sign.as_bytes()).is_some())
}

fn committed(text: &str) -> Option<Message<'_>> {
    match text.trim_end() {
        "Committed." => Some(Message::Committed),
        text if text.starts_with("Copy SQL: ") => Some(Message::Statement),
        _ => None,
    }
}

fn statement(text: &str) -> Option<Message<'_>> {
    if let Some(version) = text.strip_prefix("Started Embulk v") {
        return Some(Message::Started(version.trim_end()));
    }
    if let Some(sql) = text.strip_prefix("SQL: ") {
        return Some(if sql.starts_with("INSERT INTO ") { insert(sql) } else { Message::Statement });
    }
    let skipped = ["Skipped line ", "Skipped record ", "Skipped an invalid record"];
    skipped.iter().any(|start| text.starts_with(start)).then_some(Message::Skipped)
}

/// Of an upsert the database counts rows that it touched, some of them twice.
fn insert(sql: &str) -> Message<'_> {
    let has = |words: &str| memmem::find(sql.as_bytes(), words.as_bytes()).is_some();
    let copies = has(" SELECT ") && !has("ON DUPLICATE KEY") && !has("ON CONFLICT");
    if copies { Message::InsertSelect } else { Message::Statement }
}

fn loading(text: &str) -> Option<Message<'_>> {
    if let Some(plugin) = text.strip_prefix("Loaded plugin ") {
        return Some(Message::Plugin(plugin));
    }
    if let Some(files) = text.strip_prefix("Loading files [") {
        return files.starts_with(']').then_some(Message::Nothing);
    }
    let (rows, rest) = count(text.strip_prefix("Loading ")?)?;
    let rest = rest.strip_prefix("rows")?;
    let bytes = rest.strip_prefix(" (").and_then(|rest| Some((count(rest)?, rest))).map(|((bytes, _), _)| bytes);
    (rest.trim_end().is_empty() || bytes.is_some()).then_some(Message::Batch(rows, bytes))
}

fn timing(text: &str) -> Option<Message<'_>> {
    let rest = text.strip_prefix("> ")?;
    let (_, rest) = rest.split_once(' ')?;
    let rest = rest.strip_prefix("seconds")?.trim_end();
    let Some(inside) = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')')) else {
        return Some(Message::Statement);
    };
    if inside.starts_with("loaded ") {
        return Some(Message::BatchLoaded);
    }
    let (rows, rest) = count(inside)?;
    (rest == "rows").then_some(Message::Touched(rows))
}

/// `{done:  2 / 3, running: 1}`, which is most of what a long run says.
pub fn progress(text: &[u8]) -> Option<Message<'static>> {
    let (done, rest) = number(text.strip_prefix(b"{done:")?)?;
    let (planned, _) = number(rest.trim_ascii_start().strip_prefix(b"/")?)?;
    Some(Message::Progress(done, planned))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let bytes = bytes.trim_ascii_start();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = bytes[..digits].iter().fold(0, |value: u64, digit| value.wrapping_mul(10) + u64::from(digit - b'0'));
    (1..=18).contains(&digits).then_some((value, &bytes[digits..]))
}

fn using(text: &str) -> Option<Message<'_>> {
    if let Some(mode) = text.strip_prefix("Using ").and_then(|text| text.trim_end().strip_suffix(" mode")) {
        return mode.starts_with("merge").then_some(Message::Merging);
    }
    if text.starts_with("Uploaded total ") {
        return after(text, "Uploaded total ").map(Message::Uploaded);
    }
    if !text.starts_with("Using local thread executor ") {
        return None;
    }
    after(text, "/ tasks=").or_else(|| after(text, "= input tasks ")).map(Message::Planned)
}

fn lower(text: &str) -> Option<Message<'_>> {
    if let Some(rest) = text.strip_prefix("embulk-output-bigquery: ") {
        return Some(Message::BigQuery(rest));
    }
    if ["embulk_home ", "m2_repo ", "gem_home ", "gem_path "].iter().any(|start| text.starts_with(start)) {
        return Some(Message::Preamble);
    }
    memmem::find(text.as_bytes(), b"LoadStatistics{").map(|_| Message::BigQuery(text))
}

fn other(text: &str) -> Option<Message<'_>> {
    if text.starts_with("Nothing for transfer") {
        return Some(Message::Nothing);
    }
    let is_s3 = text.starts_with("Open S3Object with bucket [");
    let at = memmem::rfind(text.as_bytes(), b"with size [").filter(|_| is_s3)?;
    count(&text[at + "with size [".len()..]).map(|(bytes, _)| Message::S3Object(bytes))
}

fn count_between(text: &str, before: &str, behind: &str) -> Option<u64> {
    let (value, rest) = count(text.strip_prefix(before)?)?;
    (rest.trim_end() == behind).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        let check = |text: &str, message| assert_eq!(read(text), message, "{text}");
        check("Started Embulk v0.11.5", Message::Started("0.11.5"));
        check("Committed.", Message::Committed);
        check("Loaded plugin embulk-input-file", Message::Plugin("embulk-input-file"));
        check("Using local thread executor with max_threads=8 / tasks=3", Message::Planned(3));
        check(
            "Using local thread executor with max_threads=8 / output tasks 6 = input tasks 3 * 2",
            Message::Planned(3),
        );
        check("{done:  2 / 3, running: -1}", Message::Progress(2, 3));
        check("{speedometer: {active: 4, total: 13.5mb, records: 269,748}}", Message::Other);
        check("Loading files []", Message::Nothing);
        check("Loading files [a.csv]", Message::Other);
        check("Loading 17,254 rows", Message::Batch(17_254, None));
        check("Loading 1.254 rows (33.800 bytes)", Message::Batch(1_254, Some(33_800)));
        check("> 0.32 seconds (loaded 17,254 rows in total)", Message::BatchLoaded);
        check("> 12,85 seconds", Message::Statement);
        check("> 0.77 seconds (100,000 rows)", Message::Touched(100_000));
        check("SQL: INSERT INTO `a` (`b`) SELECT `b` FROM `c`", Message::InsertSelect);
        check("SQL: INSERT INTO `a` (`b`) SELECT `b` FROM `c` ON DUPLICATE KEY UPDATE b = 1", Message::Statement);
        check("SQL: DROP TABLE a", Message::Statement);
        check("Using merge_direct mode", Message::Merging);
        check("Using insert mode", Message::Other);
        check("Fetched 64,000 rows.", Message::Fetched(64_000));
        check("Insert completed. 10 records", Message::Indexed(10));
        check("Open S3Object with bucket [b], key [k with size [1]], with size [42]", Message::S3Object(42));
        check("Uploaded total 12 bytes.", Message::Uploaded(12));
        check("Nothing for transfer", Message::Nothing);
        check("Skipped line a.csv:38 (x): 1,2", Message::Skipped);
        check("", Message::Other);
    }

    #[test]
    fn retries() {
        assert!(is_retry("Deadlock found (1213:40001), retrying 1/12 after 1 seconds. Message: x"));
        assert!(is_retry("S3 read failed. Retrying GET request with 7 bytes offset"));
        assert!(is_retry("embulk-output-bigquery: retry #2, backendError"));
        assert!(!is_retry("DEPRECATION: something"));
    }
}
