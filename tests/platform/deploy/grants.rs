//! The Terraform module before Terraform, and before the types of Google's provider, which cannot be downloaded here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use footprint_tests::peers;
use hcl::{Block, Body};
use regex::Regex;
use serde_json::Value;

use super::{read, root, said, text};

const MODULE: &str = "deploy/terraform";

fn terraform(dir: &Path, arguments: &[&str]) -> Option<Output> {
    let program = peers::available(&["terraform"]).then(|| peers::run("install", &["terraform"]))?;
    let mut terraform = Command::new(program.trim());
    terraform.args(arguments).current_dir(dir);
    // Nobody's settings, and no question after newer versions.
    terraform.env("TF_CLI_CONFIG_FILE", "/dev/null").env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1");
    Some(terraform.output().unwrap())
}

fn files() -> Vec<(String, Body)> {
    let names = fs::read_dir(root(MODULE)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files = names.filter(|name| name.ends_with(".tf"));
    files
        .map(|name| {
            (
                name.clone(),
                hcl::parse(&read(&format!("{MODULE}/{name}"))).unwrap_or_else(|error| panic!("{name}: {error}")),
            )
        })
        .collect()
}

#[test]
fn terraform_would_write_it_the_same_way() {
    let Some(output) = terraform(&root(MODULE), &["fmt", "-check", "-diff"]) else { return };
    assert!(output.status.success(), "{}", said(&output));
}

/// Arguments of a type of resources, by whether they must be given, and its attributes, from the provider's types.
struct Resource {
    required: BTreeSet<String>,
    optional: BTreeSet<String>,
    attributes: BTreeSet<String>,
}

fn snake(name: &str) -> String {
    let capitals = Regex::new("[A-Z]").unwrap();
    capitals.replace_all(name, |found: &regex::Captures| format!("_{}", found[0].to_lowercase())).into_owned()
}

impl Resource {
    /// `None` if the provider has no such type.
    fn read(types: &Path, kind: &str) -> Option<Self> {
        let folder = kind.strip_prefix("google_")?.replace('_', "-");
        let text = fs::read_to_string(types.join(folder).join("index.d.ts")).ok()?;
        let config = Regex::new(r"(?s)export interface \w+Config extends .*?\n\}").unwrap();
        let config = config.find(&text).unwrap().as_str();
        let names = |pattern: &str, text: &str| -> BTreeSet<String> {
            Regex::new(pattern).unwrap().captures_iter(text).map(|found| snake(&found[1])).collect()
        };
        let (required, optional) = (names(r"readonly (\w+):", config), names(r"readonly (\w+)\?:", config));
        Some(Self { required, optional, attributes: names(r"\n    get (\w+)\(\)", &text) })
    }

    fn faults(&self, block: &Block) -> Vec<String> {
        let meta = ["for_each", "count", "depends_on", "lifecycle", "provider"];
        let given: BTreeSet<String> = block.body.attributes().map(|given| given.key().to_owned()).collect();
        let missing = self.required.difference(&given).map(|name| format!("{name} is missing"));
        let known = |name: &&String| {
            meta.contains(&name.as_str()) || self.required.contains(*name) || self.optional.contains(*name)
        };
        missing.chain(given.iter().filter(|name| !known(name)).map(|name| format!("there is no {name}"))).collect()
    }
}

fn types() -> Option<std::path::PathBuf> {
    let path = peers::available(&["terraform-types"]).then(|| peers::run("install", &["terraform-types"]))?;
    Some(path.trim().into())
}

fn resources(body: &Body) -> impl Iterator<Item = (&str, &Block)> {
    let blocks = body.blocks().filter(|block| block.identifier() == "resource");
    blocks.map(|block| (block.labels()[0].as_str(), block))
}

#[test]
fn resources_are_what_googles_provider_has() {
    let Some(types) = types() else { return };
    let mut seen = 0;
    for (file, body) in files() {
        for (kind, block) in resources(&body) {
            let resource = Resource::read(&types, kind).unwrap_or_else(|| panic!("{file}: no resource {kind}"));
            assert_eq!(resource.faults(block), Vec::<String>::new(), "{file}: {kind}");
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
}

#[test]
fn misspelt_resources_are_found() {
    let Some(types) = types() else { return };
    assert!(Resource::read(&types, "google_service_acount").is_none());
    let body =
        hcl::parse("resource \"google_project_iam_member\" \"x\" {\n  projct = \"p\"\n  role = \"r\"\n}\n").unwrap();
    let (kind, block) = resources(&body).next().unwrap();
    let faults = Resource::read(&types, kind).unwrap().faults(block);
    assert_eq!(faults, ["member is missing", "project is missing", "there is no projct"]);
}

#[test]
fn what_is_read_from_resources_is_there() {
    let Some(types) = types() else { return };
    let read = Regex::new(r"\b(google_\w+)\.\w+\[[^\n]*?\]\.(\w+)").unwrap();
    let text = ["main.tf", "outputs.tf"].map(read_file).join("\n");
    let uses: Vec<(String, String)> =
        read.captures_iter(&text).map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
    assert_eq!(uses.len(), 4, "{uses:?}");
    for (kind, attribute) in uses {
        assert!(Resource::read(&types, &kind).unwrap().attributes.contains(&attribute), "{kind}.{attribute}");
    }
}

fn read_file(name: &str) -> String {
    read(&format!("{MODULE}/{name}"))
}

/// Google's permissions that docs/permissions.md names in each exporter's section.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let permission = Regex::new(r"`((?:bigquery|composer|resourcemanager)\.\w+\.\w+)`").unwrap();
    let text = read("docs/permissions.md");
    let sections = text.split("\n## ").filter_map(|section| section.split_once("-exporter\n"));
    let named = |section: &str| permission.captures_iter(section).map(|found| found[1].to_owned()).collect();
    sections.map(|(exporter, section)| (exporter.to_owned(), named(section))).collect()
}

/// The values that `grants.tf` comes to for these variables; `None` if Terraform cannot be had here.
fn granted(variables: &[&str]) -> Option<Value> {
    let dir = tempfile::tempdir().unwrap();
    for name in ["variables.tf", "grants.tf"] {
        fs::copy(root(MODULE).join(name), dir.path().join(name)).unwrap();
    }
    fs::write(dir.path().join("out.tf"), "output \"grants\" {\n  value = local.grants\n}\n").unwrap();
    assert!(terraform(dir.path(), &["init", "-input=false"])?.status.success());
    let variables = variables.iter().flat_map(|variable| ["-var", variable]);
    let arguments: Vec<&str> =
        ["apply", "-auto-approve", "-input=false", "-var", "project=home"].into_iter().chain(variables).collect();
    let output = terraform(dir.path(), &arguments)?;
    assert!(output.status.success(), "{}", said(&output));
    let output = terraform(dir.path(), &["output", "-json", "grants"])?;
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn permissions(grant: &Value) -> BTreeSet<String> {
    super::list(&grant["permissions"]).iter().map(|permission| text(permission).to_owned()).collect()
}

#[test]
fn each_exporter_is_granted_what_it_asks_for_and_nothing_else() {
    let everything = ["airflow", "bigquery", "reservation", "freshness", "embulk_composer"]
        .map(|of| format!("{of}_projects=[\"p\"]"));
    let Some(grants) = granted(&everything.each_ref().map(String::as_str)) else { return };
    let documented = documented();
    assert_eq!(documented.len(), 4);
    for (exporter, wanted) in documented {
        assert_eq!(permissions(&grants[format!("{exporter}/p")]), wanted, "{exporter}");
    }
}

#[test]
fn grants_stay_in_the_projects_that_are_named() {
    let some = [
        "bigquery_projects=[\"a\"]",
        "reservation_projects=[\"b\"]",
        "freshness_projects=[\"a\"]",
        "freshness_job_projects=[\"c\"]",
    ];
    let Some(grants) = granted(&some) else { return };
    let places: Vec<&String> = grants.as_object().unwrap().keys().collect();
    assert_eq!(places, ["bigquery/a", "bigquery/b", "freshness/a", "freshness/c"]);
    assert!(permissions(&grants["bigquery/b"]).iter().all(|permission| !permission.contains(".jobs.")));
    assert!(permissions(&grants["freshness/c"]).iter().all(|permission| !permission.contains(".tables.")));
    assert_eq!(grants["freshness/c"]["account"], "footprint-freshness");
}

#[test]
fn a_vm_has_one_account() {
    let Some(grants) = granted(&["shared_account=true", "bigquery_projects=[\"a\"]", "airflow_projects=[\"a\"]"])
    else {
        return;
    };
    let accounts: BTreeSet<&str> = grants.as_object().unwrap().values().map(|grant| text(&grant["account"])).collect();
    assert_eq!(accounts, BTreeSet::from(["footprint"]));
}
