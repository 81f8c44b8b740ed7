//! Lines, bars and bands of colour over time, as SVG.

use std::collections::BTreeMap;

use plotters::coord::Shift;
use plotters::prelude::*;
use serde_json::Value;

use crate::answer::Series;
use crate::ask::Mark;
use crate::board::{list, text_of};
use crate::unit;

/// Colours of series, as many as a person can tell apart.
pub(crate) const PALETTE: [RGBColor; 8] = [
    RGBColor(115, 191, 105),
    RGBColor(242, 204, 12),
    RGBColor(138, 184, 255),
    RGBColor(255, 152, 48),
    RGBColor(242, 73, 92),
    RGBColor(87, 148, 242),
    RGBColor(184, 119, 217),
    RGBColor(112, 219, 237),
];
const TEXT: RGBColor = RGBColor(160, 165, 175);
const GRID: RGBColor = RGBColor(50, 53, 60);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// A picture of this size; nothing if it cannot be drawn.
pub(crate) fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        if draw(&area).and_then(|()| area.present()).is_err() {
            return String::new();
        }
    }
    text
}

/// What a panel over time shows.
pub(crate) struct Lines<'a> {
    pub(crate) series: &'a [(String, &'a Series)],
    pub(crate) unit: &'a str,
    /// Begin and end in Unix time.
    pub(crate) span: (f64, f64),
    pub(crate) bars: bool,
    pub(crate) marks: &'a [Mark],
}

impl Lines<'_> {
    /// The top of what is drawn: of a line, or of bars that stand on each other.
    fn highest(&self) -> f64 {
        let mut stacks: BTreeMap<i64, f64> = BTreeMap::new();
        for (at, value) in self.values() {
            let stack = stacks.entry(at as i64).or_default();
            *stack = if self.bars { *stack + value } else { stack.max(value) };
        }
        stacks.into_values().fold(0.0, f64::max)
    }

    fn values(&self) -> impl Iterator<Item = (f64, f64)> {
        let points = self.series.iter().flat_map(|(_, series)| series.points.iter().copied());
        points.filter(|point| point.1.is_finite())
    }

    fn lowest(&self) -> f64 {
        self.values().map(|point| point.1).fold(0.0, f64::min)
    }

    /// Draws axes, marks and series.
    pub(crate) fn draw(&self, area: &Area<'_>) -> Drawn {
        let (begin, end) = self.span;
        let top = if self.highest() > 0.0 { self.highest() * 1.1 } else { 1.0 };
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .x_label_area_size(22)
            .y_label_area_size(64)
            .build_cartesian_2d(begin..end, self.lowest() * 1.1..top)?;
        chart
            .configure_mesh()
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .x_labels(6)
            .y_labels(5)
            .label_style(("sans-serif", 12).into_font().color(&TEXT))
            .x_label_formatter(&|at| clock(*at))
            .y_label_formatter(&|value| unit::show(*value, self.unit))
            .draw()?;
        for mark in self.marks {
            let line = PathElement::new([(mark.at, self.lowest()), (mark.at, top)], named(&mark.color).mix(0.7));
            chart.draw_series([line])?;
        }
        let mut stacks: BTreeMap<i64, f64> = BTreeMap::new();
        for (index, (_, series)) in self.series.iter().enumerate() {
            let color = PALETTE[index % PALETTE.len()];
            let points = series.points.iter().copied().filter(|point| point.1.is_finite());
            if self.bars {
                let width = (end - begin) / 260.0;
                chart.draw_series(points.map(|(at, value)| {
                    let base = stacks.entry(at as i64).or_default();
                    let from = std::mem::replace(base, *base + value);
                    Rectangle::new([(at, from), (at + width, from + value)], color.mix(0.8).filled())
                }))?;
                continue;
            }
            for part in unbroken(points, (end - begin) / 40.0) {
                chart.draw_series(LineSeries::new(part.iter().copied(), color.stroke_width(2)))?;
                if let [only] = part.as_slice() {
                    chart.draw_series([Circle::new(*only, 2, color.filled())])?;
                }
            }
        }
        Ok(())
    }
}

/// Parts without gaps longer than `gap` seconds.
fn unbroken(points: impl Iterator<Item = (f64, f64)>, gap: f64) -> Vec<Vec<(f64, f64)>> {
    let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
    for point in points {
        match parts.last_mut() {
            Some(part) if part.last().is_some_and(|last| point.0 - last.0 <= gap) => part.push(point),
            _ => parts.push(vec![point]),
        }
    }
    parts
}

/// A band for each series, coloured by the panel's value mappings.
pub(crate) fn states(area: &Area<'_>, series: &[(String, &Series)], panel: &Value, (begin, end): (f64, f64)) -> Drawn {
    let names: Vec<&str> = series.iter().map(|(name, _)| name.as_str()).collect();
    let rows = names.len().max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .x_label_area_size(22)
        .y_label_area_size(200)
        .build_cartesian_2d(begin..end, 0.0..rows)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(GRID)
        .x_labels(6)
        .y_labels(0)
        .label_style(("sans-serif", 12).into_font().color(&TEXT))
        .x_label_formatter(&|at| clock(*at))
        .draw()?;
    for (index, (name, series)) in series.iter().enumerate() {
        let row = rows - index as f64;
        let step = series.points.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(f64::MAX, f64::min).min(end - begin);
        let band = |(at, value): &(f64, f64)| {
            let color = named(&mapped(panel, *value).map_or("blue".to_owned(), |(_, color)| color));
            Rectangle::new([(*at, row - 0.15), (at + step, row - 0.85)], color.filled())
        };
        chart.draw_series(series.points.iter().map(band))?;
        let label = chart.backend_coord(&(begin, row - 0.5));
        let style = ("sans-serif", 12).into_font().color(&TEXT);
        area.draw_text(&name.chars().take(32).collect::<String>(), &style, (8, label.1 - 7))?;
    }
    Ok(())
}

/// Text and colour that a panel gives to a value.
pub(crate) fn mapped(panel: &Value, value: f64) -> Option<(String, String)> {
    let mappings = list(&panel["fieldConfig"]["defaults"]["mappings"]).iter();
    let found = mappings.filter_map(|mapping| mapping["options"].get(value.to_string())).next()?;
    Some((text_of(&found["text"]).to_owned(), text_of(&found["color"]).to_owned()))
}

/// A colour by its name in Grafana.
pub(crate) fn named(color: &str) -> RGBColor {
    match color {
        "green" => RGBColor(115, 191, 105),
        "red" => RGBColor(242, 73, 92),
        "orange" => RGBColor(255, 152, 48),
        "yellow" => RGBColor(250, 222, 42),
        "purple" => RGBColor(184, 119, 217),
        _ => RGBColor(87, 148, 242),
    }
}

fn clock(at: f64) -> String {
    jiff::Timestamp::from_second(at as i64).map_or_else(|_| String::new(), |t| t.strftime("%H:%M").to_string())
}
