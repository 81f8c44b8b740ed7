//! Values as Grafana writes them, for the units that our dashboards use.

/// A value in its unit.
pub(crate) fn show(value: f64, unit: &str) -> String {
    if value.is_nan() {
        return "no value".to_owned();
    }
    match unit {
        "s" => duration(value),
        "percentunit" => format!("{} %", short(value * 100.0)),
        "bytes" => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"]),
        "Bps" => format!("{}/s", scaled(value, 1000.0, &["B", "kB", "MB", "GB", "TB"])),
        "reqps" => format!("{} req/s", short(value)),
        "currencyUSD" => format!("${}", money(value)),
        "dateTimeFromNow" => from_now(value / 1000.0),
        "dateTimeAsIso" => iso(value / 1000.0),
        "bool_yes_no" => if value == 0.0 { "no" } else { "yes" }.to_owned(),
        _ => scaled(value, 1000.0, &["", "K", "Mil", "Bil", "Tri"]),
    }
}

/// At most three digits that matter.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 0.1 => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn scaled(mut value: f64, by: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value.abs() >= by && unit + 1 < units.len() {
        (value, unit) = (value / by, unit + 1);
    }
    format!("{} {}", short(value), units[unit]).trim_end().to_owned()
}

fn money(value: f64) -> String {
    if value.abs() >= 1000.0 { scaled(value, 1000.0, &["", "K", "M"]).replace(' ', "") } else { format!("{value:.2}") }
}

fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds.abs() {
        s if s >= 86_400.0 => (seconds / 86_400.0, "days"),
        s if s >= 3600.0 => (seconds / 3600.0, "hours"),
        s if s >= 60.0 => (seconds / 60.0, "mins"),
        s if s >= 1.0 || s == 0.0 => (seconds, "s"),
        _ => (seconds * 1000.0, "ms"),
    };
    format!("{} {unit}", short(value))
}

fn from_now(at: f64) -> String {
    let now = jiff::Timestamp::now().as_second() as f64;
    if at <= now { format!("{} ago", duration(now - at)) } else { format!("in {}", duration(at - now)) }
}

fn iso(at: f64) -> String {
    jiff::Timestamp::from_second(at as i64)
        .map_or_else(|_| "never".to_owned(), |t| t.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::show;

    #[test]
    fn values_read_as_in_grafana() {
        let shown = [
            (0.0, "short", "0"),
            (1234.0, "short", "1.23 K"),
            (0.95, "percentunit", "95 %"),
            (90.0, "s", "1.5 mins"),
            (0.25, "s", "250 ms"),
            (2048.0, "bytes", "2 KiB"),
            (12.5, "currencyUSD", "$12.50"),
            (2500.0, "currencyUSD", "$2.5K"),
            (1.0, "bool_yes_no", "yes"),
            (0.0, "dateTimeAsIso", "1970-01-01 00:00:00"),
            (3.0, "reqps", "3 req/s"),
            (100.0, "none", "100"),
        ];
        for (value, unit, text) in shown {
            assert_eq!(show(value, unit), text, "{value} {unit}");
        }
        assert_eq!(show(f64::NAN, "s"), "no value");
    }
}
