//! From what a platform knows of a run to the name of its logical job.

use std::collections::BTreeMap;

use footprint_common::config::ConfigError;
use regex::Regex;
use serde_saphyr::Spanned;

use crate::run::AirflowTask;
use crate::template::Template;

/// What a platform knows of a run.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Labels of a pod or container, tags of an AWS Batch job.
    pub labels: BTreeMap<String, String>,
    /// The Airflow task, where the launcher marks it.
    pub airflow: Option<AirflowTask>,
    /// Name without what is random in it: owner of the pod, compose service, job name, file stem.
    pub name: String,
    /// Container image; empty if unknown.
    pub image: String,
    /// Words of the command line.
    pub command: Vec<String>,
}

/// The rules: templates that are tried in order; the first whose placeholders are all known wins.
#[derive(Debug, Clone)]
pub struct Naming(Vec<Template>);

/// The label or tag with which users name a job and say that it is Embulk.
pub const LABEL: &str = "embulk_job";
/// Templates without configuration.
pub const DEFAULT: [&str; 4] = ["{label.embulk_job}", "{dag_id}.{task_id}", "{config}", "{name}"];
const PLACEHOLDERS: &str = "{label.NAME}, {dag_id}, {task_id}, {map_index}, {config} and {name}";
const MAX_NAME: usize = 200;

impl Default for Naming {
    fn default() -> Self {
        Self(DEFAULT.iter().filter_map(|text| Template::parse(text, is_placeholder).ok()).collect())
    }
}

impl Naming {
    /// Reads templates; none given are the default ones.
    ///
    /// # Errors
    /// When one has an unknown placeholder or an open brace.
    pub fn new(key: &str, templates: &[Spanned<String>]) -> Result<Self, ConfigError> {
        if templates.is_empty() {
            return Ok(Self::default());
        }
        let parse = |text: &Spanned<String>| {
            Template::parse(&text.value, is_placeholder).map_err(|problem| {
                ConfigError::new(key, problem, format!("the placeholders are {PLACEHOLDERS}")).at(text)
            })
        };
        templates.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// The name of the job; `unnamed` if no template can be filled.
    pub fn name(&self, known: &Known) -> String {
        let filled = self.0.iter().filter_map(|template| template.fill(|name| value(name, known)));
        filled.map(|name| plain(&name)).find(|name| !name.is_empty()).unwrap_or_else(|| "unnamed".to_owned())
    }
}

fn is_placeholder(name: &str) -> bool {
    matches!(name, "dag_id" | "task_id" | "map_index" | "config" | "name") || name.starts_with("label.")
}

fn value(name: &str, known: &Known) -> Option<String> {
    let airflow = known.airflow.as_ref();
    match name {
        "dag_id" => airflow.map(|task| task.dag_id.clone()),
        "task_id" => airflow.map(|task| task.task_id.clone()),
        "map_index" => airflow.and_then(|task| task.map_index).map(|index| index.to_string()),
        "config" => config(&known.command),
        "name" => Some(known.name.clone()),
        _ => known.labels.get(name.strip_prefix("label.")?).cloned(),
    }
}

/// Whether a run is one of Embulk's: it has the label, or its image, command or name fits the pattern.
pub fn is_embulk(pattern: &Regex, known: &Known) -> bool {
    let texts = [&known.image, &known.name].into_iter().chain(&known.command);
    known.labels.contains_key(LABEL) || texts.into_iter().any(|text| pattern.is_match(text))
}

/// Stem of the configuration file that the command line gives to `embulk run`. Names that many jobs
/// share give way to the folder's name.
fn config(command: &[String]) -> Option<String> {
    let words = command.iter().flat_map(|word| word.split([' ', '\t', '\n', ';', '"', '\''])).filter(|w| !w.is_empty());
    let mut words = words.skip_while(|word| *word != "run").skip(1);
    let path = words.find(|word| is_config(word))?;
    let mut folders = path.rsplit('/');
    let file = folders.next()?;
    let stem = file.split('.').next().filter(|stem| !stem.is_empty())?;
    if SHARED_NAMES.contains(&stem) {
        return folders.next().filter(|folder| !folder.is_empty() && !folder.starts_with('.')).map(str::to_owned);
    }
    Some(stem.to_owned())
}

const SHARED_NAMES: [&str; 6] = ["config", "embulk", "load", "main", "seed", "task"];

fn is_config(word: &str) -> bool {
    let word = word.strip_suffix(".liquid").unwrap_or(word);
    word.ends_with(".yml") || word.ends_with(".yaml")
}

/// What a label may hold of it: bounded, and without what no name needs.
pub fn plain(name: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || "-_./:@".contains(c);
    name.chars().map(|c| if fits(c) { c } else { '_' }).take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split('|').map(str::to_owned).collect()
    }

    #[test]
    fn the_configuration_file_names_the_job() {
        let of = |text: &str| config(&words(text));
        assert_eq!(of("embulk|run|conf/orders.yml.liquid|-c|diff/orders.yml").as_deref(), Some("orders"));
        assert_eq!(of("run|-X|a=b|users.yaml").as_deref(), Some("users"));
        assert_eq!(of("sh|-c|cd /w && java -jar embulk.jar run jobs/items/config.yml > log").as_deref(), Some("items"));
        assert_eq!(of("embulk|run|config.yml"), None);
        assert_eq!(of("embulk|guess|seed.yml"), None);
        assert_eq!(of("echo"), None);
    }

    #[test]
    fn the_first_template_that_can_be_filled_wins() {
        let airflow = AirflowTask {
            dag_id: "shop".into(),
            task_id: "load.orders".into(),
            run_id: String::new(),
            try_number: 1,
            map_index: None,
        };
        let mut known = Known { name: "embulk".into(), ..Known::default() };
        assert_eq!(Naming::default().name(&known), "embulk");
        known.command = words("embulk|run|users.yml");
        assert_eq!(Naming::default().name(&known), "users");
        known.airflow = Some(airflow);
        assert_eq!(Naming::default().name(&known), "shop.load.orders");
        known.labels.insert(LABEL.into(), "users one".into());
        assert_eq!(Naming::default().name(&known), "users_one");
    }

    #[test]
    fn embulk_is_known_by_image_command_or_label() {
        let pattern = Regex::new("(?i)embulk").unwrap();
        let mut known = Known { image: "eu.gcr.io/p/loader:3".into(), ..Known::default() };
        assert!(!is_embulk(&pattern, &known));
        known.command = words("sh|-c|java -jar /opt/Embulk.jar run a.yml");
        assert!(is_embulk(&pattern, &known));
        known.command.clear();
        known.labels.insert(LABEL.into(), "a".into());
        assert!(is_embulk(&pattern, &known));
    }
}
