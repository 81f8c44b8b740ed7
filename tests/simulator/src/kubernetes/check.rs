//! What must hold for clusters that their types cannot say.

use super::world::{Cluster, Pod};
use crate::load::unique;
use crate::time::Time;

/// Checks all clusters of a world that begins at `began`; the error names cluster and pod.
pub fn check(clusters: &[Cluster], began: Option<Time>) -> Result<(), String> {
    unique("kubernetes", clusters.iter().map(|cluster| cluster.name.as_str()))?;
    for cluster in clusters {
        let named = |what: String| format!("kubernetes {}: {what}", cluster.name);
        let recipes = cluster.recurring.iter();
        if recipes.clone().any(|recipe| recipe.every.0 <= 0) {
            return Err(named("recurring: every must be more than nothing".into()));
        }
        let pods = cluster.pods.iter().chain(recipes.map(|recipe| &recipe.pod));
        pods.clone().try_for_each(check_pod).map_err(named)?;
        check_names(&cluster.pods, began).map_err(named)?;
    }
    Ok(())
}

fn check_pod(pod: &Pod) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("pod {}: {what}", pod.name));
    if pod.name.is_empty() {
        return wrong("it has no name");
    }
    let backwards = |start: Option<Time>, end: Option<Time>| start.zip(end).is_some_and(|(s, e)| s > e);
    let own = pod.containers.iter().any(|c| backwards(c.started.or(pod.started), c.ended.or(pod.ended)));
    if own || backwards(pod.started, pod.ended) || backwards(pod.created, pod.deleted) {
        return wrong("something ends before it starts");
    }
    if pod.ended.is_some() && pod.started.is_none() && pod.containers.iter().all(|c| c.started.is_none()) {
        return wrong("it has an end but no start");
    }
    let lives = pod.restarts.iter().flat_map(|life| [life.started, life.ended]).chain(pod.started);
    if !lives.is_sorted() {
        return wrong("restarts must be in order and before `started`");
    }
    unique("container", pod.containers.iter().map(|c| c.name.as_str())).map_err(|e| format!("pod {}: {e}", pod.name))
}

/// Two pods may have one name only one after the other.
fn check_names(pods: &[Pod], began: Option<Time>) -> Result<(), String> {
    let created = |pod: &Pod| pod.created.or(began);
    let key = |pod: &Pod| (pod.namespace().to_owned(), pod.name.clone(), created(pod));
    let mut sorted: Vec<&Pod> = pods.iter().collect();
    sorted.sort_by_key(|pod| key(pod));
    for pair in sorted.windows(2) {
        let same = pair[0].namespace() == pair[1].namespace() && pair[0].name == pair[1].name;
        let apart = pair[0].deleted.zip(created(pair[1])).is_some_and(|(gone, made)| gone <= made);
        if same && !apart {
            return Err(format!("pod {} is there twice at one time", pair[0].name));
        }
    }
    Ok(())
}
