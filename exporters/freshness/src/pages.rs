//! Pages for people and JSON for Grafana: every table with its deadline explained, the graph around a
//! table, and what changed in schemas. They say nothing that is not known from metadata.

mod drawing;
mod graph;
mod list;
mod table;

use std::sync::Arc;

use footprint_common::run::html::{STYLE, escape};
use footprint_common::source::{Page, Sources};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::Settings;
use crate::estate::table::Name;
use crate::estate::{Estate, Shared, lock};
use crate::publish::{Judged, judge};

/// Adds all pages.
pub(crate) fn add(sources: &mut Sources, settings: &Arc<Settings>, estate: &Shared) {
    let (settings, estate) = (settings.clone(), estate.clone());
    let pages = Arc::new(Pages { settings, estate });
    let tables = pages.clone();
    sources.add_pages("/tables/", Arc::new(move |rest, query| tables.tables(rest, &Query::of(query))));
    sources.add_pages("/api/", Arc::new(move |rest, query| pages.api(rest, &Query::of(query))));
}

struct Pages {
    settings: Arc<Settings>,
    estate: Shared,
}

impl Pages {
    fn tables(&self, rest: &str, query: &Query) -> Option<Page> {
        let estate = &*lock(&self.estate);
        let judged = self.judged(estate);
        match rest {
            "" => Some(html("Tables", &list::body(&judged, query.get("q")))),
            name => {
                let at = estate.find(&Name::parse(name)?)?;
                Some(html(name, &table::body(&judged, at)?))
            }
        }
    }

    fn api(&self, rest: &str, query: &Query) -> Option<Page> {
        let estate = &*lock(&self.estate);
        if rest == "schema/changes" {
            return Some(json(&estate.changes.iter().rev().collect::<Vec<_>>()));
        }
        let at = estate.find(&Name::parse(query.get("table"))?)?;
        let depth = query.get("depth").parse().unwrap_or(graph::DEPTH);
        let judged = self.judged(estate);
        match rest {
            "lineage/nodes" => Some(json(&graph::nodes(&judged, at, depth))),
            "lineage/edges" => Some(json(&graph::edges(&judged, at, depth))),
            "lineage/impact" => Some(json(&graph::impact(&judged, at))),
            _ => None,
        }
    }

    fn judged<'a>(&'a self, estate: &'a Estate) -> Judged<'a> {
        judge(estate, &self.settings, &[], Timestamp::now().as_second())
    }
}

/// The parameters of a request.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A parameter, or the empty text.
    fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
    }
}

fn html(title: &str, body: &str) -> Page {
    let title = escape(title);
    let body = format!(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>\
         <p><a href=\"/\">Footprint freshness exporter</a> · <a href=\"/tables/\">all tables</a><h1>{title}</h1>{body}"
    );
    Page { content_type: "text/html; charset=utf-8", body }
}

fn json<T: serde::Serialize>(value: &T) -> Page {
    let body = serde_json::to_string(value).unwrap_or_default();
    Page { content_type: "application/json", body }
}

/// A link to a table's page.
fn link(name: &Name) -> String {
    let name = escape(name.as_str());
    format!("<a href=\"/tables/{name}\">{name}</a>")
}

/// A time as people of the zone write it.
fn local(at: i64, zone: &TimeZone) -> String {
    let time = Timestamp::from_second(at).map(|at| at.to_zoned(zone.clone()));
    time.map_or_else(|_| "?".to_owned(), |time| time.strftime("%a %Y-%m-%d %H:%M").to_string())
}

/// A length of time in the words of people.
fn span(seconds: i64) -> String {
    match seconds.abs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
