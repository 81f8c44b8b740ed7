//! States over time, as SVG: a band for each series.

use plotters::prelude::*;
use serde_json::Value;

use crate::answer::Series;
use crate::axis::Axis;
use crate::chart::{self, Area, FONT, Failure, GRID, TEXT};
use crate::color::{named, of_series};
use crate::mapping::mapped;

/// Pixels of a letter, about, and of the widest name.
const LETTER: u32 = 7;
const NAMES: u32 = 370;

/// A band for each series, coloured by the panel's value mappings.
pub(crate) struct States<'a> {
    pub(crate) series: &'a [(String, &'a Series)],
    pub(crate) mappings: &'a Value,
    /// Begin and end in Unix time.
    pub(crate) span: (f64, f64),
    /// Seconds between two points.
    pub(crate) step: f64,
}

impl States<'_> {
    /// Draws names, bands and the time axis.
    pub(crate) fn draw(&self, area: &Area<'_>) -> Result<String, Failure> {
        let rows = self.series.len().max(1) as f64;
        let (times, clock) = chart::times(self.span, area);
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .margin_right(16)
            .x_label_area_size(22)
            .y_label_area_size(self.names())
            .build_cartesian_2d(times, Axis::new(0.0..rows, 1.0))?;
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(GRID)
            .disable_y_axis()
            .label_style(("sans-serif", FONT).into_font().color(&TEXT))
            .x_label_formatter(&|at| clock(*at))
            .draw()?;
        for (index, (name, series)) in self.series.iter().enumerate() {
            let row = rows - index as f64;
            let band = |(from, to, value): (f64, f64, f64)| {
                Rectangle::new([(from, row - 0.1), (to, row - 0.9)], self.color(value, index).mix(0.8).filled())
            };
            chart.draw_series(runs(&series.points, self.step).into_iter().map(band))?;
            let middle = chart.backend_coord(&(self.span.0, row - 0.5)).1;
            let shown: String = name.chars().take((NAMES / LETTER) as usize).collect();
            area.draw_text(&shown, &("sans-serif", FONT).into_font().color(&TEXT), (8, middle - 8))?;
        }
        Ok(String::new())
    }

    fn names(&self) -> u32 {
        let longest = self.series.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        (u32::try_from(longest).unwrap_or(NAMES) * LETTER + 16).min(NAMES)
    }

    fn color(&self, value: f64, index: usize) -> RGBColor {
        mapped(self.mappings, &value.to_string()).map_or_else(|| of_series(index), |(_, color)| named(&color))
    }
}

/// Times in which a series kept its value: begin, end and value. A point holds for `step` seconds.
fn runs(points: &[(f64, f64)], step: f64) -> Vec<(f64, f64, f64)> {
    let mut runs: Vec<(f64, f64, f64)> = Vec::new();
    for (at, value) in points {
        match runs.last_mut() {
            Some(run) if run.2 == *value && *at - run.1 <= step * 0.5 => run.1 = at + step,
            _ => runs.push((*at, at + step, *value)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_are_one_run() {
        let points = [(0.0, 1.0), (15.0, 1.0), (30.0, 0.0), (90.0, 0.0)];
        assert_eq!(runs(&points, 15.0), [(0.0, 30.0, 1.0), (30.0, 45.0, 0.0), (90.0, 105.0, 0.0)]);
    }

    #[test]
    fn names_are_text_and_states_have_their_colours() {
        let series = Series { labels: [].into(), points: vec![(0.0, 0.0), (15.0, 1.0)] };
        let mappings = serde_json::json!([{"type": "value", "options": {"0": {"text": "failing", "color": "red"}}}]);
        let named = [("<i>".to_owned(), &series)];
        let states = States { series: &named, mappings: &mappings, span: (0.0, 30.0), step: 15.0 };
        let drawn = crate::chart::svg((400, 100), |area| states.draw(area));
        assert!(drawn.contains("&lt;i&gt;") && !drawn.contains("<i>"), "{drawn}");
        assert!(drawn.contains("#F2495C") && drawn.contains("#73BF69"), "{drawn}");
    }
}
