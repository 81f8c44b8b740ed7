//! What tests do to a cluster while it runs.

use std::sync::{Arc, Mutex};

use super::store::Store;
use crate::simulator::{Simulator, locked};

impl Simulator {
    /// URL of a cluster's API server, for `Config::cluster_url`.
    pub fn kubernetes_url(&self, cluster: &str) -> String {
        format!("{}/kubernetes/{cluster}", self.url())
    }

    /// Cuts all open watches and log streams of a cluster at once, as when its API server restarts or the network
    /// fails. Says whether there is such a cluster.
    pub fn cut_kubernetes(&self, cluster: &str) -> bool {
        let now = self.clock().now();
        self.to_store(cluster, |store| store.cuts.push((now, store.version)))
    }

    /// Forgets all versions before the newest: watches and continue tokens of older ones get 410. Streams that are
    /// open go on. Says whether there is such a cluster.
    pub fn compact_kubernetes(&self, cluster: &str) -> bool {
        self.to_store(cluster, |store| store.compacted = store.version)
    }

    /// Restarts the API server of a cluster: open streams are cut and all older versions forgotten, as by a server
    /// whose cache is empty. Says whether there is such a cluster.
    pub fn restart_kubernetes(&self, cluster: &str) -> bool {
        self.compact_kubernetes(cluster) && self.cut_kubernetes(cluster)
    }

    fn to_store(&self, cluster: &str, change: impl FnOnce(&mut Store)) -> bool {
        let store: Option<Arc<Mutex<Store>>> = self.shared.kubernetes.get(cluster);
        let Some(store) = store else { return false };
        let mut store = locked(&store);
        store.advance(self.clock().now());
        change(&mut store);
        drop(store);
        self.clock().stir();
        true
    }
}
