//! A table and its name.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::facts::Facts;

/// A table. Those that are not watched are known as links between tables only.
#[derive(Debug, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// What is known of it, if it is watched.
    pub facts: Option<Box<Facts>>,
}

/// `project.dataset.table` in one text; ids of projects may hold dots, those of datasets and tables not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(Box<str>);

impl Name {
    /// A name of its parts.
    pub fn new(project: &str, dataset: &str, table: &str) -> Self {
        Self(format!("{project}.{dataset}.{table}").into())
    }

    /// A name as people write it; `None` if it has fewer than three parts.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, '.');
        let whole = parts.next().is_some_and(|part| !part.is_empty()) && parts.nth(1).is_some();
        whole.then(|| Self(text.into()))
    }

    /// Project, dataset and table.
    pub fn parts(&self) -> [&str; 3] {
        let (dataset, table) = self.0.rsplit_once('.').unwrap_or(("", &self.0));
        let (project, dataset) = dataset.rsplit_once('.').unwrap_or(("", dataset));
        [project, dataset, table]
    }

    /// `project.dataset`.
    pub fn dataset_path(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(dataset, _)| dataset)
    }

    /// `project.dataset.table`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_may_have_domains() {
        let name = Name::new("example.com:p", "mart", "orders");
        assert_eq!(name.parts(), ["example.com:p", "mart", "orders"]);
        assert_eq!((name.dataset_path(), name.as_str()), ("example.com:p.mart", "example.com:p.mart.orders"));
        assert_eq!(Name::parse("p.mart.orders"), Some(Name::new("p", "mart", "orders")));
        assert_eq!(Name::parse("mart.orders"), None);
        assert_eq!(Name::parse("p.mart."), None);
    }
}
