//! Values as Grafana writes them, for the units that our dashboards use.

const DAY: f64 = 86_400.0;

/// A value in its unit, with the digits that Grafana gives it: three that matter, none for whole numbers.
pub(crate) fn show(value: f64, unit: &str) -> String {
    write(value, unit, fixed)
}

/// The same for an axis, whose values are round.
pub(crate) fn tick(value: f64, unit: &str) -> String {
    write(value, unit, |value| {
        let text = fixed(value);
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    })
}

fn write(value: f64, unit: &str, number: fn(f64) -> String) -> String {
    if !value.is_finite() {
        return value.to_string().replace("inf", "∞");
    }
    let scaled = |by, units: &[&str]| {
        let (value, unit) = scale(value, by, units);
        format!("{}{unit}", number(value))
    };
    match unit {
        "short" => scaled(1000.0, &["", " K", " Mil", " Bil", " Tri"]),
        "bytes" => scaled(1024.0, &[" B", " KiB", " MiB", " GiB", " TiB", " PiB"]),
        "Bps" => scaled(1000.0, &[" B/s", " kB/s", " MB/s", " GB/s", " TB/s"]),
        "reqps" => format!("{} req/s", scaled(1000.0, &["", "K", "M", "B", "T"])),
        "currencyUSD" => format!("${}", scaled(1000.0, &["", "K", "M", "B", "T"])),
        "s" => duration(value, number),
        "percentunit" => format!("{}%", number(value * 100.0)),
        "dateTimeFromNow" => from_now(value / 1000.0),
        "dateTimeAsIso" => iso(value / 1000.0),
        "bool_yes_no" => if value == 0.0 { "No" } else { "Yes" }.to_owned(),
        _ => number(value),
    }
}

fn fixed(value: f64) -> String {
    if value == value.trunc() {
        return format!("{value:.0}");
    }
    let digits = (2.0 - value.abs().log10().floor()).clamp(0.0, 20.0);
    format!("{value:.0$}", digits as usize)
}

fn scale<'a>(mut value: f64, by: f64, units: &[&'a str]) -> (f64, &'a str) {
    let mut unit = 0;
    while value.abs() >= by && unit + 1 < units.len() {
        (value, unit) = (value / by, unit + 1);
    }
    (value, units[unit])
}

fn duration(seconds: f64, number: fn(f64) -> String) -> String {
    let (value, unit) = match seconds.abs() {
        0.0 => (seconds, "s"),
        s if s < 1e-3 => (seconds * 1e6, "µs"),
        s if s < 1.0 => (seconds * 1e3, "ms"),
        s if s < 60.0 => (seconds, "s"),
        s if s < 3600.0 => (seconds / 60.0, "mins"),
        s if s < DAY => (seconds / 3600.0, "hours"),
        s if s < 7.0 * DAY => (seconds / DAY, "days"),
        s if s < 365.0 * DAY => (seconds / (7.0 * DAY), "weeks"),
        _ => (seconds / (365.25 * DAY), "years"),
    };
    format!("{} {unit}", number(value))
}

fn from_now(at: f64) -> String {
    let now = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
    let about = about((now - at).abs());
    if at <= now { format!("{about} ago") } else { format!("in {about}") }
}

/// A length of time in words, with the limits of Moment.js, which Grafana uses.
fn about(seconds: f64) -> String {
    let [minutes, hours, days] = [60.0, 3600.0, DAY].map(|length| (seconds / length).round());
    let [months, years] = [days / 30.437, days / 365.25].map(f64::round);
    match () {
        () if seconds.round() < 45.0 => "a few seconds".to_owned(),
        () if minutes <= 1.0 => "a minute".to_owned(),
        () if minutes < 45.0 => format!("{minutes} minutes"),
        () if hours <= 1.0 => "an hour".to_owned(),
        () if hours < 22.0 => format!("{hours} hours"),
        () if days <= 1.0 => "a day".to_owned(),
        () if days < 26.0 => format!("{days} days"),
        () if months <= 1.0 => "a month".to_owned(),
        () if months < 11.0 => format!("{months} months"),
        () if years <= 1.0 => "a year".to_owned(),
        () => format!("{years} years"),
    }
}

fn iso(at: f64) -> String {
    let time = jiff::Timestamp::from_second(at as i64);
    time.map_or_else(|_| "Invalid date".to_owned(), |t| t.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_in_grafana() {
        let shown = [
            (0.0, "short", "0"),
            (1234.0, "short", "1.23 K"),
            (1234.0, "none", "1234"),
            (0.5, "", "0.500"),
            (0.95, "percentunit", "95%"),
            (0.1743, "percentunit", "17.4%"),
            (90.0, "s", "1.50 mins"),
            (0.25, "s", "250 ms"),
            (700_000.0, "s", "1.16 weeks"),
            (2048.0, "bytes", "2 KiB"),
            (5.14e6, "Bps", "5.14 MB/s"),
            (12.5, "currencyUSD", "$12.5"),
            (2500.0, "currencyUSD", "$2.50K"),
            (1.0, "bool_yes_no", "Yes"),
            (0.0, "dateTimeAsIso", "1970-01-01 00:00:00"),
            (3.0, "reqps", "3 req/s"),
            (f64::NAN, "s", "NaN"),
            (f64::INFINITY, "s", "∞"),
        ];
        for (value, unit, text) in shown {
            assert_eq!(show(value, unit), text, "{value} {unit}");
        }
        assert_eq!((tick(90.0, "s"), tick(1200.0, "short")), ("1.5 mins".to_owned(), "1.2 K".to_owned()));
    }

    #[test]
    fn times_are_told_from_now() {
        let told = [
            (44.0, "a few seconds"),
            (80.0, "a minute"),
            (150.0, "3 minutes"),
            (3000.0, "an hour"),
            (7500.0, "2 hours"),
            (DAY, "a day"),
            (9.0 * DAY, "9 days"),
            (80.0 * DAY, "3 months"),
            (900.0 * DAY, "2 years"),
        ];
        for (seconds, text) in told {
            assert_eq!(about(seconds), text, "{seconds}");
        }
        let now = jiff::Timestamp::now().as_millisecond() as f64;
        assert_eq!(show(now - 150e3, "dateTimeFromNow"), "3 minutes ago");
        assert_eq!(show(now + 150e3, "dateTimeFromNow"), "in 3 minutes");
    }
}
