//! Panels that may be empty, each with a reason.

use std::collections::BTreeMap;
use std::path::Path;

use crate::{Outcome, Report};

/// Which queries may have no result, as lines `uid / panel / refId: reason`; `#` begins a comment.
#[derive(Debug, Default)]
pub struct AllowedEmpty(BTreeMap<(String, String, String), String>);

impl AllowedEmpty {
    /// Reads the list from a file.
    ///
    /// # Errors
    /// When the file cannot be read or a line has another form.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Reads the list from text.
    ///
    /// # Errors
    /// When a line has another form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(line).collect::<Result<_, _>>().map(Self)
    }

    /// What is empty or failed and may not, and entries that name no query of dashboards that were asked.
    /// What may be empty may have data all the same.
    pub fn faults(&self, report: &Report) -> Vec<String> {
        let mut faults = Vec::new();
        let mut unused: Vec<_> = self.0.keys().collect();
        for query in &report.panels {
            let key = (query.dashboard.clone(), query.panel.clone(), query.ref_id.clone());
            unused.retain(|entry| **entry != key);
            let at = format!("{} / {} / {}", key.0, key.1, key.2);
            match (&query.outcome, self.0.contains_key(&key)) {
                (Outcome::Failed(error), _) => faults.push(format!("{at}: {error}: {}", query.expr)),
                (Outcome::Empty, false) => faults.push(format!("{at}: no data: {}", query.expr)),
                _ => {}
            }
        }
        if report.partial {
            unused.retain(|(uid, _, _)| report.panels.iter().any(|query| query.dashboard == *uid));
        }
        faults.extend(
            unused.into_iter().map(|(uid, panel, id)| format!("{uid} / {panel} / {id}: there is no such query")),
        );
        faults
    }
}

fn line(line: &str) -> Result<((String, String, String), String), String> {
    let wrong = || format!("`{line}` is not `uid / panel / refId: reason`");
    let (query, reason) = line.rsplit_once(": ").ok_or_else(wrong)?;
    let (rest, id) = query.rsplit_once(" / ").ok_or_else(wrong)?;
    let (uid, panel) = rest.split_once(" / ").ok_or_else(wrong)?;
    Ok(((uid.to_owned(), panel.to_owned(), id.to_owned()), reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Query;

    #[test]
    fn empty_panels_are_faults_unless_listed_and_idle_entries_are_too() {
        let query = |panel: &str, outcome| Query {
            dashboard: "d".into(),
            panel: panel.into(),
            ref_id: "A".into(),
            expr: "x".into(),
            outcome,
        };
        let panels = vec![
            query("fine", Outcome::Series(1)),
            query("empty", Outcome::Empty),
            query("may: be empty", Outcome::Empty),
            query("listed", Outcome::Series(2)),
            query("broken", Outcome::Failed("parse error".into())),
        ];
        let report = Report { panels, ..Report::default() };
        let list = "# why\nd / may: be empty / A: nothing fails\nd / listed / A: x\nd / gone / B: y\n";
        let faults = AllowedEmpty::parse(list).unwrap().faults(&report);
        assert_eq!(
            faults,
            ["d / empty / A: no data: x", "d / broken / A: parse error: x", "d / gone / B: there is no such query",]
        );
        let other = AllowedEmpty::parse("other / panel / A: x").unwrap();
        let listed = |partial| other.faults(&Report { partial, ..Report::default() }).len();
        assert_eq!((listed(true), listed(false)), (0, 1));
        assert!(AllowedEmpty::parse("d / panel").is_err());
    }
}
