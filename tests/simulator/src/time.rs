//! Instants and lengths of time: as people write them in a world, and as Airflow prints them.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::{SpanRelativeTo, Timestamp};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

thread_local! {
    // Relative instants need the world's `now` while they are being read, and serde passes no context.
    static BASE: Cell<Option<Time>> = const { Cell::new(None) };
}

/// An instant, in microseconds since 1970 (UTC), which is as fine as Airflow's database stores it.
///
/// In YAML either RFC 3339 (`2026-03-01T06:00:00Z`) or relative to the world's `now` (`-2h 30m`, `+15s`, `now`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A length of time in microseconds. In YAML `90s`, `1h 30m`, `3d` (a day is 24 hours); may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub i64);

impl Time {
    /// Later than everything.
    pub const NEVER: Time = Time(i64::MAX);

    /// The machine's clock.
    pub fn wall() -> Time {
        Time(Timestamp::now().as_microsecond())
    }

    /// This instant moved by `span`; NEVER stays NEVER.
    pub fn plus(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }

    /// This instant moved by whole seconds.
    pub fn plus_secs(self, secs: i64) -> Time {
        self.plus(Span::secs(secs))
    }

    /// The time from `earlier` to this instant.
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0 - earlier.0)
    }

    /// As `/api/v1` prints it: `2026-03-01T06:00:00.000001+00:00`, without a fraction if that is zero.
    pub fn v1(self) -> String {
        self.plain() + "+00:00"
    }

    /// As `/api/v2` prints it: the same with `Z`.
    pub fn v2(self) -> String {
        self.plain() + "Z"
    }

    fn plain(self) -> String {
        let stamp = Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::MAX);
        let text = if self.0 % 1_000_000 == 0 { format!("{stamp:.0}") } else { format!("{stamp:.6}") };
        text.trim_end_matches('Z').to_owned()
    }

    /// As an HTTP `Date` header, in whole seconds.
    pub fn http_date(self) -> String {
        let since = Duration::from_micros(self.0.max(0).unsigned_abs());
        httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)
    }

    /// Reads RFC 3339, or an offset from `base` if there is one. The error says what was expected.
    pub fn parse(text: &str, base: Option<Time>) -> Result<Time, String> {
        if let Ok(stamp) = text.parse::<Timestamp>() {
            return Ok(Time(stamp.as_microsecond()));
        }
        let base = base.ok_or_else(|| format!("`{text}` is not an RFC 3339 time"))?;
        if text == "now" {
            return Ok(base);
        }
        if !text.starts_with(['-', '+']) {
            return Err(format!("`{text}` is neither an RFC 3339 time, `now`, nor an offset as -2h or +30s"));
        }
        Span::parse(text).map(|offset| base.plus(offset))
    }

    /// Runs `read` with `base` as the instant that relative times refer to.
    pub fn with_base<T>(base: Time, read: impl FnOnce() -> T) -> T {
        let before = BASE.replace(Some(base));
        let result = read();
        BASE.set(before);
        result
    }
}

impl Span {
    /// Whole seconds.
    pub const fn secs(secs: i64) -> Span {
        Span(secs * 1_000_000)
    }

    /// Seconds with a fraction, as Airflow gives durations.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// This length times `factor`.
    pub fn scaled(self, factor: f64) -> Span {
        Span((self.0 as f64 * factor) as i64)
    }

    /// Reads `90s`, `-1h 30m`, `+3d`. The error says what was expected.
    pub fn parse(text: &str) -> Result<Span, String> {
        let wrong = || format!("`{text}` is not a length of time as 90s, 1h 30m or 3d");
        let span: jiff::Span = text.parse().map_err(|_| wrong())?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
        i64::try_from(length.as_micros()).map(Span).map_err(|_| wrong())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.v2())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.v2())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{}us", self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        from.deserialize_str(Words(|text: &str| Time::parse(text, BASE.get()), "a time"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        from.deserialize_str(Words(Span::parse, "a length of time"))
    }
}

struct Words<F>(F, &'static str);

impl<T, F: Fn(&str) -> Result<T, String>> Visitor<'_> for Words<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_absolute_and_relative_and_printed_as_each_airflow_does() {
        let base = Time::parse("2026-03-01T06:00:00Z", None).unwrap();
        let later = Time::parse("+1d 2h 0.5s", Some(base)).unwrap();
        assert_eq!(later.v1(), "2026-03-02T08:00:00.500000+00:00");
        assert_eq!(Time::parse("now", Some(base)).unwrap().v2(), "2026-03-01T06:00:00Z");
        assert_eq!(base.http_date(), "Sun, 01 Mar 2026 06:00:00 GMT");
        assert!(Time::parse("tomorrow", Some(base)).unwrap_err().contains("tomorrow"));
        assert!(Time::parse("-2h", None).is_err());
    }
}
