//! Colours as Grafana gives them in its dark theme.

use plotters::style::RGBColor;
use regex::Regex;
use serde_json::Value;

use crate::board::{list, text_of};

/// Colours of series, in Grafana's order.
const PALETTE: [RGBColor; 16] = [
    RGBColor(0x73, 0xbf, 0x69),
    RGBColor(0xf2, 0xcc, 0x0c),
    RGBColor(0x8a, 0xb8, 0xff),
    RGBColor(0xff, 0x78, 0x0a),
    RGBColor(0xf2, 0x49, 0x5c),
    RGBColor(0x57, 0x94, 0xf2),
    RGBColor(0xb8, 0x77, 0xd9),
    RGBColor(0x70, 0x5d, 0xa0),
    RGBColor(0x37, 0x87, 0x2d),
    RGBColor(0xfa, 0xde, 0x2a),
    RGBColor(0x44, 0x7e, 0xbc),
    RGBColor(0xc1, 0x5c, 0x17),
    RGBColor(0x89, 0x0f, 0x02),
    RGBColor(0x0a, 0x43, 0x7c),
    RGBColor(0x6d, 0x1f, 0x62),
    RGBColor(0x58, 0x44, 0x77),
];

/// The colour of the series with this number.
pub(crate) fn of_series(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

/// The colour of a series by its name, if an override of the panel gives it one, or by its number.
pub(crate) fn of_named(panel: &Value, name: &str, index: usize) -> RGBColor {
    let mut overrides = list(&panel["fieldConfig"]["overrides"]).iter().filter(|rule| fits(&rule["matcher"], name));
    let color = overrides.find_map(|rule| list(&rule["properties"]).iter().find(|property| property["id"] == "color"));
    match color.map(|property| &property["value"]) {
        Some(color) if color["mode"] == "shades" => shade(named(text_of(&color["fixedColor"])), index),
        Some(color) => named(text_of(&color["fixedColor"])),
        None => of_series(index),
    }
}

fn fits(matcher: &Value, name: &str) -> bool {
    let wanted = text_of(&matcher["options"]);
    match text_of(&matcher["id"]) {
        "byName" => wanted == name,
        "byRegexp" => Regex::new(wanted.trim_matches('/')).is_ok_and(|pattern| pattern.is_match(name)),
        _ => false,
    }
}

/// The colour itself, five darker ones and five lighter ones, about as Grafana tells series of one colour apart.
fn shade(RGBColor(red, green, blue): RGBColor, index: usize) -> RGBColor {
    let (toward, share) = match index % 11 {
        darker @ 0..6 => (0.0, darker as f64 * 0.1),
        lighter => (255.0, (lighter - 5) as f64 * 0.1),
    };
    let mix = |part: u8| (f64::from(part) + (toward - f64::from(part)) * share).round() as u8;
    RGBColor(mix(red), mix(green), mix(blue))
}

/// The colour of a value of the series with this number: by the panel's thresholds, or that of the series.
pub(crate) fn of_value(panel: &Value, value: f64, index: usize) -> RGBColor {
    let defaults = &panel["fieldConfig"]["defaults"];
    if defaults["color"]["mode"] != "thresholds" {
        return of_series(index);
    }
    let mut steps = list(&defaults["thresholds"]["steps"]).iter();
    let reached = steps.rfind(|step| step["value"].as_f64().is_none_or(|from| value >= from));
    named(reached.map_or("", |step| text_of(&step["color"])))
}

/// A colour by its name in Grafana; blue for one that our dashboards do not use.
pub(crate) fn named(color: &str) -> RGBColor {
    match color {
        "green" => RGBColor(0x73, 0xbf, 0x69),
        "red" => RGBColor(0xf2, 0x49, 0x5c),
        "orange" => RGBColor(0xff, 0x98, 0x30),
        "yellow" => RGBColor(0xfa, 0xde, 0x2a),
        "purple" => RGBColor(0xb8, 0x77, 0xd9),
        "super-light-blue" => RGBColor(0xc0, 0xd8, 0xff),
        _ => RGBColor(0x57, 0x94, 0xf2),
    }
}

/// The colour as CSS writes it.
pub(crate) fn css(color: RGBColor) -> String {
    format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_colour_series_by_name() {
        let rule = |id: &str, options: &str, mode: &str| {
            let color = serde_json::json!({"id": "color", "value": {"mode": mode, "fixedColor": "red"}});
            serde_json::json!({"matcher": {"id": id, "options": options}, "properties": [{"id": "unit"}, color]})
        };
        let rules = [rule("byRegexp", "/(^| )failed$/", "shades"), rule("byName", "lost", "fixed")];
        let panel = serde_json::json!({"fieldConfig": {"overrides": rules}});
        let colors = [("failed", 0), ("lost", 3), ("a failed", 11)].map(|(name, index)| of_named(&panel, name, index));
        assert_eq!(colors, [named("red"); 3]);
        assert_eq!(of_named(&panel, "upstream_failed", 1), of_series(1));
        assert_eq!(
            [1, 6].map(|index| shade(RGBColor(100, 0, 200), index)),
            [RGBColor(90, 0, 180), RGBColor(116, 26, 206)]
        );
    }

    #[test]
    fn thresholds_colour_values_where_the_panel_wants_it() {
        let steps = serde_json::json!([{"color": "green", "value": null}, {"color": "red", "value": 3}]);
        let mut panel = serde_json::json!({"fieldConfig": {"defaults": {"color": {"mode": "thresholds"}}}});
        panel["fieldConfig"]["defaults"]["thresholds"]["steps"] = steps;
        let colors = [2.9, 3.0].map(|value| of_value(&panel, value, 1));
        assert_eq!(colors, [named("green"), named("red")]);
        panel["fieldConfig"]["defaults"]["color"]["mode"] = "palette-classic".into();
        assert_eq!(of_value(&panel, 3.0, 1), of_series(1));
        assert_eq!(css(named("red")), "#f2495c");
    }
}
