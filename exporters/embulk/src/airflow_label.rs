//! How Airflow writes ids into labels of pods.

use md5::{Digest, Md5};

/// Longest value of a Kubernetes label.
const MAX_LABEL: usize = 63;
/// What is kept of a value that had to be changed, before `-` and the first nine digits of its MD5.
const KEPT: usize = MAX_LABEL - 1 - HASH;
const HASH: usize = 9;

/// The label value that Airflow makes of an id (`pod_generator.make_safe_label_value`): characters that a
/// label may not hold are left out, and a value that was changed or is too long ends with a hash of the
/// original. It cannot be reversed, but ids that Airflow's API gives can be compared through it.
pub fn make_safe_label_value(id: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let trimmed = id.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let safe: String = trimmed.chars().filter(fits).collect();
    if safe.len() <= MAX_LABEL && safe == id {
        return safe;
    }
    let hash: String = Md5::digest(id.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}", &safe[..safe.len().min(KEPT)], &hash[..HASH])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_airflow() {
        let scheduled = "scheduled__2024-05-13T01:00:00+00:00";
        assert_eq!(make_safe_label_value(scheduled), "scheduled__2024-05-13T0100000000-da83ab1e0");
        assert_eq!(make_safe_label_value("group.load-orders_1"), "group.load-orders_1");
        let long = "a".repeat(64);
        let label = make_safe_label_value(&long);
        assert_eq!((label.len(), &label[..54]), (63, format!("{}-", "a".repeat(53)).as_str()));
        assert!(make_safe_label_value("_a").starts_with("a-"));
    }
}
