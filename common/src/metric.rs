//! Metrics, declared once: the Rust name is the name on the wire, the doc comment is HELP.

use std::ops::Deref;

/// The exposition type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the process and its state live; its name ends in `_total`.
    Counter,
    /// A value that goes up and down, a timestamp, or the constant 1 of an `_info` metric.
    Gauge,
    /// A classic histogram with the static upper bounds of [`Family::buckets`].
    Histogram,
}

impl Kind {
    /// The word that `# TYPE` uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// What is known of a metric before it has a value.
#[derive(Debug)]
pub struct Family {
    /// Name on the wire, with `_total` for a counter.
    pub name: &'static str,
    /// Doc comment of the declaration; read it through [`Family::help`].
    pub doc: &'static str,
    /// Exposition type.
    pub kind: Kind,
    /// Label names in the order in which values are given.
    pub labels: &'static [&'static str],
    /// Upper bounds of a histogram without `+Inf`, ascending; empty for other kinds.
    pub buckets: &'static [f64],
}

impl Family {
    /// HELP text: the doc comment on one line.
    pub fn help(&self) -> &'static str {
        self.doc.trim()
    }
}

/// All families of one exporter or module, in the order in which they are exposed.
pub type Catalogue = &'static [&'static Family];

/// A declared metric with `N` labels; made by [`metrics!`](crate::metrics).
#[derive(Debug)]
pub struct Metric<const N: usize> {
    #[doc(hidden)]
    pub family: Family,
}

impl<const N: usize> Deref for Metric<N> {
    type Target = Family;

    fn deref(&self) -> &Family {
        &self.family
    }
}

/// Declares metrics. Each entry is a doc comment (HELP), a kind, the name on the wire and the
/// labels; a histogram adds its upper bounds. The macro makes a static [`Metric`] per entry and
/// the module's catalogue `ALL`.
///
/// ```
/// footprint_common::metrics! {
///     /// Loaves baked since the exporter started.
///     counter loaves_total { oven }
///     /// Time a loaf spends in the oven.
///     histogram baking_seconds { oven } [600.0, 1200.0, 2400.0]
/// }
/// assert_eq!(loaves_total.help(), "Loaves baked since the exporter started.");
/// assert_eq!(ALL[1].name, "baking_seconds");
/// ```
#[macro_export]
macro_rules! metrics {
    ($( $(#[doc = $doc:literal])+ $kind:ident $name:ident { $($label:ident),* $(,)? } $([$($bucket:literal),+ $(,)?])? )+) => {
        $(
            $(#[doc = $doc])+
            #[allow(non_upper_case_globals)]
            pub static $name: $crate::metric::Metric<{ <[&str]>::len(&[$(stringify!($label)),*]) }> =
                $crate::metric::Metric { family: $crate::metric::Family {
                    name: stringify!($name),
                    doc: concat!($($doc),+),
                    kind: $crate::metrics!(@kind $kind),
                    labels: &[$(stringify!($label)),*],
                    buckets: &[$($($bucket),+)?],
                } };
        )+
        /// Every metric of this module, in the order of declaration.
        #[allow(dead_code, reason = "tests declare metrics that they name one by one")]
        pub static ALL: $crate::metric::Catalogue = &[$(&$name.family),+];
    };
    (@kind counter) => { $crate::metric::Kind::Counter };
    (@kind gauge) => { $crate::metric::Kind::Gauge };
    (@kind histogram) => { $crate::metric::Kind::Histogram };
}
