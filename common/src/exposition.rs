//! The one writer of exposition text: OpenMetrics 1.0 and Prometheus text 0.0.4.
//!
//! Samples are encoded by `prometheus-client`. It writes OpenMetrics only; 0.0.4 differs in the
//! names of counters in HELP and TYPE and in the closing `# EOF`, which is what this module adds.

use std::fmt::{self, Write};
use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeLabelSet, EncodeMetric, LabelSetEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::metric::{Family, Kind};
use crate::snapshot::{Row, Snapshot};

/// A text format that Prometheus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
}

impl Format {
    /// Value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The supported format with the highest weight in `Accept`; text 0.0.4 when none is named.
    pub fn negotiate(headers: &HeaderMap) -> Self {
        let best = |wanted: fn(&str) -> bool| {
            choices(headers, ACCEPT).filter(|(name, _)| wanted(name)).map(|(_, q)| q).fold(0.0, f64::max)
        };
        let open = best(|name| name == "application/openmetrics-text");
        let text = best(|name| matches!(name, "text/plain" | "text/*" | "*/*"));
        if open > 0.0 && open >= text { Format::OpenMetrics } else { Format::Text }
    }
}

/// Whether the client takes gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    choices(headers, ACCEPT_ENCODING).any(|(name, q)| q > 0.0 && name == "gzip")
}

/// The choices of an `Accept`-like header with their weights. An OpenMetrics version that is not
/// 1.0.0 is left out.
fn choices(headers: &HeaderMap, name: http::HeaderName) -> impl Iterator<Item = (String, f64)> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|choice| {
            let mut parts = choice.split(';').map(str::trim);
            let name = parts.next()?.to_ascii_lowercase();
            let mut weight = 1.0;
            for part in parts {
                match part.split_once('=') {
                    Some(("q", q)) => weight = q.parse().unwrap_or(0.0),
                    Some(("version", v)) if name.contains("openmetrics") && v != "1.0.0" => return None,
                    _ => {}
                }
            }
            Some((name, weight))
        })
}

/// Text of all families of `catalogue` over all `snapshots`, family by family. `size_hint` is the
/// expected number of bytes.
pub fn render(catalogue: &[&'static Family], snapshots: &[Arc<Snapshot>], format: Format, size_hint: usize) -> String {
    let mut out = String::with_capacity(size_hint);
    // Writing to a String cannot fail.
    let _ = render_to(&mut out, catalogue, snapshots, format);
    out
}

/// As [`render`], packed with gzip on the way: the text as a whole is never in memory.
pub fn render_gzip(catalogue: &[&'static Family], snapshots: &[Arc<Snapshot>], format: Format) -> Vec<u8> {
    let mut packer = Packer { text: String::with_capacity(PIECE + PIECE / 4), packed: gzip_encoder() };
    // Writing to a Vec cannot fail.
    let _ = render_to(&mut packer, catalogue, snapshots, format);
    packer.flush();
    packer.packed.finish().unwrap_or_default()
}

/// Packs `text` with gzip.
pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = gzip_encoder();
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}

fn render_to(
    out: &mut impl Write,
    catalogue: &[&'static Family],
    snapshots: &[Arc<Snapshot>],
    format: Format,
) -> fmt::Result {
    for family in catalogue {
        if snapshots.iter().any(|snapshot| snapshot.family(family.name).is_some()) {
            render_family(family, snapshots, format, out)?;
        }
    }
    if format == Format::OpenMetrics { encode_eof(out) } else { Ok(()) }
}

fn render_family(
    family: &'static Family,
    snapshots: &[Arc<Snapshot>],
    format: Format,
    out: &mut impl Write,
) -> fmt::Result {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(OneFamily { family, snapshots: snapshots.to_vec() }));
    if format == Format::OpenMetrics || family.kind != Kind::Counter {
        return encode_registry(out, &registry);
    }
    let name = family.name;
    let help = family.help();
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter")?;
    let base = base_name(family);
    let header = format!("# HELP {base} {help}\n# TYPE {base} counter\n").len();
    encode_registry(&mut SkipStart { left: header, out }, &registry)
}

/// OpenMetrics names a counter family without the `_total` of its samples.
fn base_name(family: &Family) -> &'static str {
    match family.kind {
        Kind::Counter => family.name.strip_suffix("_total").unwrap_or(family.name),
        Kind::Gauge | Kind::Histogram => family.name,
    }
}

/// Drops the first bytes of what is written.
struct SkipStart<'a, W> {
    left: usize,
    out: &'a mut W,
}

impl<W: Write> Write for SkipStart<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let skip = self.left.min(text.len());
        self.left -= skip;
        self.out.write_str(&text[skip..])
    }
}

/// Bytes of text that are packed at a time: the encoder is slow with the few bytes of one write.
const PIECE: usize = 64 << 10;

/// Takes text, keeps it packed.
struct Packer {
    text: String,
    packed: GzEncoder<Vec<u8>>,
}

impl Packer {
    fn flush(&mut self) {
        // Writing to a Vec cannot fail.
        let _ = self.packed.write_all(self.text.as_bytes());
        self.text.clear();
    }
}

impl Write for Packer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        if self.text.len() >= PIECE {
            self.flush();
        }
        Ok(())
    }
}

fn gzip_encoder() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::fast())
}

struct OneFamily {
    family: &'static Family,
    snapshots: Vec<Arc<Snapshot>>,
}

impl fmt::Debug for OneFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.family.name)
    }
}

impl Collector for OneFamily {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let kind = match self.family.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        };
        let mut metric = encoder.encode_descriptor(base_name(self.family), self.family.help(), None, kind)?;
        for row in self.snapshots.iter().filter_map(|s| s.family(self.family.name)).flat_map(|rows| rows.iter()) {
            let labels = RowLabels(row);
            let mut sample = metric.encode_family(&labels)?;
            match (self.family.kind, row.histogram()) {
                (Kind::Counter, _) => ConstCounter::new(row.number()).encode(sample)?,
                (Kind::Gauge, _) => ConstGauge::new(row.number()).encode(sample)?,
                (Kind::Histogram, Some(histogram)) => {
                    let bounds = self.family.buckets.iter().copied().chain([f64::INFINITY]);
                    let buckets: Vec<_> = bounds.zip(histogram.counts.iter().copied()).collect();
                    sample.encode_histogram::<NoLabelSet>(
                        histogram.sum,
                        histogram.counts.iter().sum(),
                        &buckets,
                        None,
                    )?;
                }
                (Kind::Histogram, None) => {}
            }
        }
        Ok(())
    }
}

struct RowLabels<'a>(Row<'a>);

impl EncodeLabelSet for RowLabels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.0.labels().try_for_each(|label| label.encode(encoder.encode_label()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Histogram;
    use std::io::Read;

    crate::metrics! {
        /// Loaves.
        counter loaves_total { oven }
        /// Heat.
        gauge oven_celsius { oven }
        /// Baking.
        histogram baking_seconds { oven } [1.0, 60.0]
    }

    fn bakery() -> Vec<Arc<Snapshot>> {
        let mut snapshot = Snapshot::new();
        snapshot.set(&loaves_total, ["a\"b\\\n"], 3.0);
        snapshot.set(&oven_celsius, [""], f64::NAN);
        let mut histogram = Histogram::empty(&baking_seconds);
        histogram.observe(&baking_seconds, 2.5);
        snapshot.set_histogram(&baking_seconds, ["x"], histogram);
        snapshot.seal();
        vec![Arc::new(snapshot)]
    }

    #[test]
    fn both_formats() {
        let open = render(ALL, &bakery(), Format::OpenMetrics, 0);
        assert!(
            open.starts_with(
                "# HELP loaves Loaves.\n# TYPE loaves counter\nloaves_total{oven=\"a\\\"b\\\\\\n\"} 3.0\n"
            ),
            "{open}"
        );
        assert!(
            open.ends_with("baking_seconds_bucket{oven=\"x\",le=\"+Inf\"} 1\n# EOF\n") || open.contains("le=\"+Inf\""),
            "{open}"
        );
        let text = render(ALL, &bakery(), Format::Text, 0);
        assert!(
            text.starts_with(
                "# HELP loaves_total Loaves.\n# TYPE loaves_total counter\nloaves_total{oven=\"a\\\"b\\\\\\n\"} 3.0\n"
            ),
            "{text}"
        );
        assert!(text.contains("oven_celsius{oven=\"\"} NaN\n") && !text.contains("EOF"), "{text}");
    }

    #[test]
    fn packed_text_is_the_same_text() {
        let mut snapshot = Snapshot::new();
        // More than one piece of text, with characters of several bytes across its borders.
        (0..5000).for_each(|n| snapshot.set(&loaves_total, [&format!("Öfen/{n}")], f64::from(n)));
        snapshot.seal();
        let snapshots = [bakery(), vec![Arc::new(snapshot)]].concat();
        for format in [Format::Text, Format::OpenMetrics] {
            let text = render(ALL, &snapshots, format, 0);
            assert!(text.len() > 2 * PIECE);
            for packed in [render_gzip(ALL, &snapshots, format), gzip(text.as_bytes())] {
                let mut unpacked = String::new();
                flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
                assert!(unpacked == text, "{format:?}");
            }
        }
    }

    fn negotiated(accept: &str) -> Format {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        Format::negotiate(&headers)
    }

    #[test]
    fn negotiation_follows_the_weights() {
        assert_eq!(
            negotiated("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            Format::OpenMetrics
        );
        assert_eq!(
            negotiated("application/openmetrics-text;version=0.0.1;q=0.8,text/plain;version=0.0.4;q=0.5"),
            Format::Text
        );
        assert_eq!(negotiated("application/openmetrics-text;q=0.3,text/plain;q=0.7"), Format::Text);
        assert_eq!(
            negotiated(
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6"
            ),
            Format::Text
        );
        assert_eq!(Format::negotiate(&HeaderMap::new()), Format::Text);
    }
}
