//! Where what writes tables is found, worked out from the world when first needed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::OnceLock;

use super::effects::Write;
use super::pipeline::{Line, Pipeline, Run};
use super::world::{BigQuery, Job};
use crate::time::Time;

/// More parents than any pipeline has.
pub const DEEPEST: usize = 64;
/// Windows in which jobs are looked for become shorter when one holds more than this.
const MANY: usize = 2000;
const FEW: usize = 300;

/// An index that is forgotten when the world is copied, since copies are made to be changed.
#[derive(Default)]
pub struct Index(OnceLock<Box<Found>>);

#[derive(Debug)]
struct Found {
    /// Those of the estate.
    made: Vec<Pipeline>,
    names: HashMap<String, usize>,
    tables: HashMap<String, Vec<usize>>,
    projects: HashMap<String, Vec<usize>>,
    /// Tables by `project.dataset` that something writes.
    datasets: BTreeMap<String, Vec<String>>,
    /// What single jobs wrote by table, oldest first.
    jobs: HashMap<String, Vec<Write>>,
}

impl Clone for Index {
    fn clone(&self) -> Index {
        Index::default()
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Index")
    }
}

impl BigQuery {
    /// Everything about pipelines is worked out anew; to be called after a change.
    pub(crate) fn forget(&mut self) {
        self.index = Index::default();
    }

    /// All pipelines, those of the estate last.
    pub fn all_pipelines(&self) -> impl Iterator<Item = &Pipeline> {
        self.pipelines.iter().chain(&self.found().made)
    }

    /// The pipeline of a name or, failing that, the first that writes the table of this name.
    pub fn pipeline(&self, name: &str) -> Option<&Pipeline> {
        let found = self.found();
        let at = found.names.get(name).or_else(|| found.tables.get(name)?.first())?;
        Some(self.nth(*at))
    }

    /// A pipeline with those before it.
    pub(super) fn line<'a>(&'a self, pipeline: &'a Pipeline) -> Line<'a> {
        let parent = |of: &&'a Pipeline| self.pipeline(of.after.as_deref()?);
        let mut line: Vec<&Pipeline> = std::iter::successors(Some(pipeline), parent).take(DEEPEST).collect();
        line.reverse();
        Line(line)
    }

    /// What writes a table.
    pub(super) fn lines_of(&self, table: &str) -> impl Iterator<Item = Line<'_>> {
        let known = self.found().tables.get(table);
        known.into_iter().flatten().map(|at| self.line(self.nth(*at)))
    }

    /// What single jobs wrote into a table, oldest first.
    pub(super) fn jobs_of(&self, table: &str) -> &[Write] {
        self.found().jobs.get(table).map_or(&[], Vec::as_slice)
    }

    /// Tables of `project.dataset` that something writes, sorted.
    pub(super) fn written_tables(&self, dataset: &str) -> &[String] {
        self.found().datasets.get(dataset).map_or(&[], Vec::as_slice)
    }

    /// Datasets of a project in which something writes, sorted.
    pub(super) fn written_datasets(&self, project: &str) -> impl Iterator<Item = &str> {
        let start = format!("{project}.");
        let from = self.found().datasets.range(start.clone()..);
        from.map_while(move |(name, _)| name.strip_prefix(&start))
    }

    /// Projects in which pipelines run.
    pub(super) fn piped_projects(&self) -> impl Iterator<Item = &str> {
        self.found().projects.keys().map(String::as_str)
    }

    /// Whether pipelines run in a project, or something writes to it.
    pub(super) fn is_written(&self, project: &str) -> bool {
        self.found().projects.contains_key(project) || self.written_datasets(project).next().is_some()
    }

    /// The job of this id, if a pipeline's run made it.
    pub(super) fn piped_job(&self, project: &str, id: &str) -> Option<Job> {
        let runs = self.found().projects.get(project)?.iter().filter_map(|at| {
            let pipeline = self.nth(*at);
            let (number, again) = pipeline.run_by_id(id)?;
            self.line(pipeline).find(number, again).filter(Run::has_job).map(|run| pipeline.job(&run))
        });
        runs.into_iter().find(|job| job.id == id)
    }

    /// Jobs of a project's pipelines created in a time, newest first, worked out as far as they are taken.
    pub(super) fn piped<'a>(
        &'a self,
        project: &str,
        author: Option<&'a str>,
        from: Time,
        until: Time,
    ) -> impl Iterator<Item = Job> + use<'a> {
        let here = self.found().projects.get(project).into_iter().flatten().map(|at| self.nth(*at));
        let theirs = here.filter(|pipeline| author.is_none_or(|author| pipeline.user() == author));
        let lines: Vec<Line<'a>> = theirs.map(|pipeline| self.line(pipeline)).collect();
        let begin = lines.iter().map(Line::begin).min().unwrap_or(Time::NEVER);
        let mut rest = Windows { from: from.max(begin), until, length: 60_000_000 };
        std::iter::from_fn(move || rest.next(&lines)).flatten()
    }

    fn nth(&self, at: usize) -> &Pipeline {
        self.pipelines.get(at).unwrap_or_else(|| &self.found().made[at - self.pipelines.len()])
    }

    fn found(&self) -> &Found {
        self.index.0.get_or_init(|| Box::new(Found::of(self)))
    }
}

/// What is left of a time, and how much of it comes next.
struct Windows {
    from: Time,
    until: Time,
    length: i64,
}

impl Windows {
    /// The jobs of the latest part, newest first. Parts begin with whole milliseconds, as pages of lists do.
    fn next(&mut self, lines: &[Line<'_>]) -> Option<Vec<Job>> {
        if self.until < self.from {
            return None;
        }
        let begin = Time(self.until.0.saturating_sub(self.length).div_euclid(1000) * 1000).max(self.from);
        let of = |line: &Line<'_>| {
            let runs = line.runs(begin, self.until).into_iter().filter(Run::has_job);
            runs.map(|run| line.last().job(&run)).collect::<Vec<_>>()
        };
        let mut jobs: Vec<Job> = lines.iter().flat_map(of).collect();
        jobs.sort_by(|a, b| (b.created.0.div_euclid(1000), &b.id).cmp(&(a.created.0.div_euclid(1000), &a.id)));
        self.until = Time(begin.0.saturating_sub(1));
        self.length = match jobs.len() {
            0..FEW => self.length.saturating_mul(2),
            FEW..MANY => self.length,
            _ => (self.length / 2).max(1000),
        };
        Some(jobs)
    }
}

impl Found {
    fn of(world: &BigQuery) -> Found {
        let made: Vec<Pipeline> = world.estate.iter().flat_map(|estate| estate.pipelines()).collect();
        let mut found = Found {
            made: Vec::new(),
            names: HashMap::new(),
            tables: HashMap::new(),
            projects: HashMap::new(),
            datasets: BTreeMap::new(),
            jobs: HashMap::new(),
        };
        for (at, pipeline) in world.pipelines.iter().chain(&made).enumerate() {
            found.names.entry(pipeline.name().to_owned()).or_insert(at);
            found.tables.entry(pipeline.table.clone()).or_default().push(at);
            found.projects.entry(pipeline.runs_in().to_owned()).or_default().push(at);
        }
        found.made = made;
        found.add_jobs(world);
        found.add_datasets();
        found
    }

    fn add_jobs(&mut self, world: &BigQuery) {
        let jobs = world.projects.iter().flat_map(|project| &project.jobs);
        for job in jobs.flat_map(|job| std::iter::once(job).chain(&job.children)) {
            let Some(write) = Write::of(job) else { continue };
            let table = job.writes.as_ref().map_or("", |writes| writes.to_table());
            self.jobs.entry(table.to_owned()).or_default().push(write);
        }
        self.jobs.values_mut().for_each(|writes| writes.sort_by_key(|write| write.at));
    }

    fn add_datasets(&mut self) {
        let tables = self.tables.keys().chain(self.jobs.keys());
        for (dataset, table) in tables.filter_map(|name| name.rsplit_once('.')) {
            self.datasets.entry(dataset.to_owned()).or_default().push(table.to_owned());
        }
        for tables in self.datasets.values_mut() {
            tables.sort();
            tables.dedup();
        }
    }
}
