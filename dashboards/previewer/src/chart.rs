//! Lines and bars over time, as SVG.

use std::collections::BTreeMap;
use std::fmt::Write;

use footprint_common::run::html::escape;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::answer::Series;
use crate::ask::Mark;
use crate::axis::Axis;
use crate::color::{css, named};
use crate::{axis, unit};

pub(crate) const TEXT: RGBColor = RGBColor(0xa0, 0xa5, 0xaf);
pub(crate) const GRID: RGBColor = RGBColor(0x2c, 0x2f, 0x36);

/// Plotters draws letters a fifth smaller than it is told: these are twelve pixels.
pub(crate) const FONT: u32 = 15;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Failure = DrawingAreaErrorKind<std::io::Error>;
type Points = Vec<(f64, f64)>;
/// How high it stands at each second.
type Stacks = BTreeMap<i64, f64>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// A picture of this size; nothing if it cannot be drawn. `draw` returns SVG that is laid over it.
pub(crate) fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Result<String, Failure>) -> String {
    let mut text = String::new();
    let over = {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        let over = draw(&area);
        area.present().and(over)
    };
    match (over, text.rfind("</svg>")) {
        (Ok(over), Some(end)) => format!("{}{over}</svg>", &text[..end]),
        _ => String::new(),
    }
}

/// What a panel over time shows.
pub(crate) struct Lines<'a> {
    pub(crate) series: &'a [(String, &'a Series)],
    /// A colour for each series.
    pub(crate) colors: &'a [RGBColor],
    pub(crate) unit: &'a str,
    /// Begin and end in Unix time.
    pub(crate) span: (f64, f64),
    /// Seconds between two points.
    pub(crate) step: f64,
    pub(crate) bars: bool,
    /// Whether series stand on each other.
    pub(crate) stacked: bool,
    pub(crate) marks: &'a [Mark],
}

impl Lines<'_> {
    /// Draws axes, series and marks.
    pub(crate) fn draw(&self, area: &Area<'_>) -> Result<String, Failure> {
        let (low, high, step) = self.heights();
        let (times, clock) = times(self.span, area);
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .margin_right(16)
            .x_label_area_size(22)
            .y_label_area_size(64)
            .build_cartesian_2d(times, Axis::new(low..high, step))?;
        chart
            .configure_mesh()
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .label_style(("sans-serif", FONT).into_font().color(&TEXT))
            .x_label_formatter(&|at| clock(*at))
            .y_label_formatter(&|value| unit::tick(*value, self.unit))
            .draw()?;
        if self.bars {
            self.draw_bars(&mut chart)?
        } else {
            self.draw_lines(&mut chart)?
        }
        Ok(self.draw_marks(&chart, low, high))
    }

    /// Bottom and top of the picture, and a round step between.
    fn heights(&self) -> (f64, f64, f64) {
        let mut stacks = Stacks::new();
        for (at, value) in self.series.iter().flat_map(|(_, series)| finite(series)) {
            let stack = stacks.entry(at as i64).or_default();
            *stack = if self.stacked { *stack + value } else { stack.max(value) };
        }
        let high = stacks.into_values().fold(0.0, f64::max);
        let low = self.series.iter().flat_map(|(_, series)| finite(series)).map(|point| point.1).fold(0.0, f64::min);
        let height = if high > low { (high - low) * 1.05 } else { 1.0 };
        let step = axis::step(height, self.unit);
        ((low / step).floor() * step, ((low + height) / step).ceil() * step, step)
    }

    fn draw_lines(&self, chart: &mut Chart<'_, '_>) -> Result<(), Failure> {
        let mut stacks = Stacks::new();
        for ((_, series), color) in self.series.iter().zip(self.colors) {
            for part in unbroken(finite(series), self.step * 1.5) {
                let (below, above) = self.pile(&mut stacks, &part);
                let under: Vec<_> = above.iter().chain(below.iter().rev()).copied().collect();
                let opacity = if self.stacked { 0.5 } else { 0.08 };
                chart.draw_series([Polygon::new(under, color.mix(opacity).filled())])?;
                chart.draw_series(LineSeries::new(above.iter().copied(), color.stroke_width(2)))?;
                if let [only] = above.as_slice() {
                    chart.draw_series([Circle::new(*only, 3, color.filled())])?;
                }
            }
        }
        Ok(())
    }

    /// Where points begin and end: at 0 and their value, or on what stands there already.
    fn pile(&self, stacks: &mut Stacks, points: &[(f64, f64)]) -> (Points, Points) {
        let ends = points.iter().map(|(at, value)| {
            let mut flat = 0.0;
            let base = if self.stacked { stacks.entry(*at as i64).or_default() } else { &mut flat };
            let from = std::mem::replace(base, *base + value);
            ((*at, from), (*at, from + value))
        });
        ends.unzip()
    }

    fn draw_bars(&self, chart: &mut Chart<'_, '_>) -> Result<(), Failure> {
        let mut stacks = Stacks::new();
        // A bar covers the window that it counts, as ours do in Grafana.
        let ends = [0.9, 0.1].map(|share| self.step * share);
        for ((_, series), color) in self.series.iter().zip(self.colors) {
            let points: Vec<_> = finite(series).filter(|point| point.1 != 0.0).collect();
            let (below, above) = self.pile(&mut stacks, &points);
            let bar = |((at, from), (_, to)): ((f64, f64), (f64, f64))| {
                Rectangle::new([(at - ends[0], from), (at - ends[1], to)], color.mix(0.8).filled())
            };
            chart.draw_series(below.into_iter().zip(above).map(bar))?;
        }
        Ok(())
    }

    /// A line for each pixel with marks, which says on hover what happened.
    fn draw_marks(&self, chart: &Chart<'_, '_>, low: f64, high: f64) -> String {
        let mut pixels: BTreeMap<i32, Vec<&Mark>> = BTreeMap::new();
        for mark in self.marks {
            pixels.entry(chart.backend_coord(&(mark.at, low)).0).or_default().push(mark);
        }
        let [bottom, top] = [low, high].map(|value| chart.backend_coord(&(self.span.0, value)).1);
        let mut text = String::new();
        for (x, marks) in pixels {
            let said: Vec<String> = marks.iter().map(|mark| escape(&mark.text)).collect();
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "<g stroke=\"{color}\" fill=\"{color}\"><title>{}</title>\
                 <path d=\"M{x} {top}V{bottom}\" stroke-opacity=\"0.6\" stroke-dasharray=\"3 3\"/>\
                 <path d=\"M{x} {bottom}l-4 6h8z\"/></g>",
                said.join("\n"),
                color = css(named(&marks[0].color)),
            );
        }
        text
    }
}

/// The time axis, and the text of its values.
pub(crate) fn times((begin, end): (f64, f64), area: &Area<'_>) -> (Axis, impl Fn(f64) -> String + use<>) {
    let labels = (f64::from(area.dim_in_pixel().0) / 110.0).max(2.0);
    let step = axis::time((end - begin) / labels);
    (Axis::new(begin..end, step), move |at| axis::clock(at, step, end - begin))
}

fn finite(series: &Series) -> impl Iterator<Item = (f64, f64)> + use<'_> {
    series.points.iter().copied().filter(|point| point.1.is_finite())
}

/// Parts without gaps longer than `gap` seconds.
fn unbroken(points: impl Iterator<Item = (f64, f64)>, gap: f64) -> Vec<Points> {
    let mut parts: Vec<Points> = Vec::new();
    for point in points {
        match parts.last_mut() {
            Some(part) if part.last().is_some_and(|last| point.0 - last.0 <= gap) => part.push(point),
            _ => parts.push(vec![point]),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        let points = values.iter().enumerate().map(|(index, value)| (1000.0 + 15.0 * index as f64, *value)).collect();
        Series { labels: [].into(), points }
    }

    const COLORS: [RGBColor; 2] = [RGBColor(1, 2, 3), RGBColor(4, 5, 6)];

    fn lines<'a>(series: &'a [(String, &'a Series)], stacked: bool, marks: &'a [Mark]) -> Lines<'a> {
        let (unit, span) = ("short", (1000.0, 1060.0));
        Lines { series, colors: &COLORS, unit, span, step: 15.0, bars: false, stacked, marks }
    }

    #[test]
    fn heights_hold_stacks_and_are_round() {
        let (one, two) = (series(&[3.0, 9.0]), series(&[4.0, f64::NAN, 1.0]));
        let both = [(String::new(), &one), (String::new(), &two)];
        assert_eq!(lines(&both, false, &[]).heights(), (0.0, 10.0, 5.0));
        assert_eq!(lines(&both, true, &[]).heights(), (0.0, 10.0, 5.0));
        let (one, two) = (series(&[8.0]), series(&[-4.0]));
        let both = [(String::new(), &one), (String::new(), &two)];
        assert_eq!(lines(&both, false, &[]).heights(), (-5.0, 10.0, 5.0));
        assert_eq!(lines(&[], false, &[]).heights(), (0.0, 1.0, 0.5));
    }

    #[test]
    fn stacked_series_stand_on_each_other() {
        let points = [(1000.0, 3.0), (1015.0, 9.0)];
        let mut stacks = Stacks::from([(1015, 2.0)]);
        let piled = lines(&[], true, &[]).pile(&mut stacks, &points);
        assert_eq!(piled, (vec![(1000.0, 0.0), (1015.0, 2.0)], vec![(1000.0, 3.0), (1015.0, 11.0)]));
        assert_eq!(lines(&[], false, &[]).pile(&mut stacks, &points[1..]), (vec![(1015.0, 0.0)], vec![(1015.0, 9.0)]));
    }

    #[test]
    fn lines_break_at_gaps() {
        let points = [(0.0, 1.0), (15.0, 2.0), (60.0, 3.0)];
        assert_eq!(unbroken(points.into_iter(), 22.5), [points[..2].to_vec(), points[2..].to_vec()]);
    }

    #[test]
    fn marks_say_what_happened_and_foreign_text_stays_text() {
        let marks =
            [("<b>", 1030.0), ("later", 1030.1)].map(|(text, at)| Mark { at, text: text.into(), color: "red".into() });
        let one = series(&[1.0, 2.0, 3.0]);
        let named = [("a".to_owned(), &one)];
        let drawn = svg((400, 200), |area| lines(&named, false, &marks).draw(area));
        assert!(drawn.contains("<title>&lt;b&gt;\nlater</title>") && drawn.ends_with("</svg>"), "{drawn}");
        assert!(drawn.contains("<polyline") && drawn.contains("#010203"), "{drawn}");
    }
}
