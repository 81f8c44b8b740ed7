//! How an exporter is told of a simulated cluster.

use std::path::{Path, PathBuf};

/// Writes a kubeconfig for the API server at this address and this token into a folder.
///
/// # Panics
/// When the file cannot be written.
pub fn kubeconfig(dir: &Path, server: &str, token: &str) -> PathBuf {
    let file = dir.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: u, user: {{token: {token}}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
    );
    std::fs::write(&file, text).expect("the folder can be written");
    file
}
