//! The alert rules in the forms in which they are loaded, made of the parts in `alerts/`.
//!
//! The parts are YAML as Prometheus reads it, and their text is kept as it stands: a form is a head, and the groups
//! of all parts, indented.

/// A form of the rules.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// File in `rules/`.
    pub file: &'static str,
    head: &'static str,
    /// Spaces before each line of the groups.
    indent: usize,
}

/// One rule file for Prometheus, a PrometheusRule for its operator, and Rules for Managed Prometheus.
pub const FORMS: [Form; 3] = [
    Form {
        file: "footprint.rules.yaml",
        head: "# All alert and recording rules of Footprint, for rule_files of Prometheus.\n",
        indent: 0,
    },
    Form {
        file: "prometheus-operator.yaml",
        head: "# All alert and recording rules of Footprint, for the Prometheus operator.\n\
               apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: footprint\n  \
               labels:\n    app.kubernetes.io/name: footprint\nspec:\n",
        indent: 2,
    },
    Form {
        file: "managed-prometheus.yaml",
        head: "# All alert and recording rules of Footprint, for Google Cloud Managed Service for Prometheus. They see the\n\
               # namespace that they are in; as ClusterRules they see the cluster, as GlobalRules all projects in scope.\n\
               apiVersion: monitoring.googleapis.com/v1\nkind: Rules\nmetadata:\n  name: footprint\n  \
               labels:\n    app.kubernetes.io/name: footprint\nspec:\n",
        indent: 2,
    },
];

const MADE: &str =
    "# Made of dashboards/alerts/ by UPDATE_EXPECT=1 cargo test -p footprint-dashboards; change those.\n";

impl Form {
    /// The file's content. `parts` are the texts of the files in `alerts/`, in their order.
    pub fn render(&self, parts: &[String]) -> String {
        let spaces = " ".repeat(self.indent);
        let mut text = format!("{MADE}{}{spaces}groups:\n", self.head);
        for line in parts.iter().flat_map(|part| groups(part).lines()) {
            let line = if line.is_empty() { String::new() } else { format!("{spaces}{line}") };
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

/// What stands below `groups:`.
fn groups(part: &str) -> &str {
    part.split_once("\ngroups:\n").map_or("", |(_, groups)| groups)
}
