//! A running simulator, as tests hold it.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::docker::Engine;
use crate::faults::{Fault, Faults};
use crate::kubernetes::Clusters;
use crate::server;
use crate::store::Store;
use crate::time::Time;
use crate::world::World;

// More than any test sends; a demo may run for weeks.
const REMEMBERED: usize = 100_000;

/// A simulator on a loopback port. It stops when dropped.
#[derive(Debug)]
pub struct Simulator {
    pub(crate) shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What all connections share.
#[derive(Debug)]
pub struct Shared {
    /// `http://address:port`.
    pub base: String,
    /// The simulated time.
    pub clock: Clock,
    world: Mutex<World>,
    stores: Mutex<HashMap<String, Arc<Mutex<Store>>>>,
    /// Kubernetes clusters.
    pub kubernetes: Clusters,
    /// The Docker engine.
    pub docker: Engine,
    faults: Mutex<Faults>,
    seen: Mutex<Vec<Seen>>,
}

/// One request that came in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// Simulated time.
    pub at: Time,
    /// GET or POST.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query as it was sent.
    pub query: String,
    /// Status answered; 0 if there was no answer.
    pub status: u16,
}

impl Simulator {
    /// Starts on a free loopback port with a clock that stands at the world's `now`.
    pub async fn start(world: World) -> io::Result<Simulator> {
        let clock = Clock::fixed(world.now.unwrap_or_else(Time::wall));
        Simulator::start_at((Ipv4Addr::LOCALHOST, 0).into(), world, clock).await
    }

    /// Starts at `address` with a clock of the caller's. A world that makes no sense is an error.
    pub async fn start_at(address: SocketAddr, mut world: World, clock: Clock) -> io::Result<Simulator> {
        world.now.get_or_insert_with(|| clock.now());
        world.bigquery.forget();
        world.check().map_err(io::Error::other)?;
        let listener = TcpListener::bind(address).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let faults = Faults::new(world.faults.clone()).map_err(io::Error::other)?;
        let kubernetes = Clusters::default();
        kubernetes.take(&world, clock.now());
        let docker = Engine::default();
        docker.take(&world.docker);
        let shared = Arc::new(Shared {
            base,
            clock,
            stores: Mutex::new(stores(&world, &HashMap::new())),
            kubernetes,
            docker,
            world: Mutex::new(world),
            faults: Mutex::new(faults),
            seen: Mutex::default(),
        });
        let task = tokio::spawn(server::accept(listener, shared.clone()));
        Ok(Simulator { shared, task })
    }

    /// Base URL, which is also that of the Composer API.
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// Base URL of an Airflow, without `/api`.
    pub fn airflow_url(&self, name: &str) -> String {
        format!("{}/airflow/{name}", self.shared.base)
    }

    /// What is served where, for people.
    pub fn overview(&self) -> String {
        crate::control::overview(&self.shared)
    }

    /// The clock, to be moved.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// What an exporter of BigQuery must have counted of jobs created from `since` on.
    pub fn bigquery_truth(&self, since: Time) -> crate::bigquery::Truth {
        crate::bigquery::truth(&self.shared.world().bigquery, since, self.shared.clock.now())
    }

    /// Writes of a table (`project.dataset.table`) so far, oldest first, from the last one that replaced it on.
    pub fn bigquery_writes(&self, table: &str) -> Vec<crate::bigquery::Write> {
        self.shared.world().bigquery.written(table, self.shared.clock.now())
    }

    /// Changes the world. If it makes no sense afterwards it stays as it was.
    pub fn edit(&self, change: impl FnOnce(&mut World)) -> Result<(), String> {
        let mut world = locked(&self.shared.world);
        let mut changed = world.clone();
        change(&mut changed);
        changed.bigquery.forget();
        changed.check()?;
        let mut old = locked(&self.shared.stores);
        *old = stores(&changed, &old);
        self.shared.kubernetes.take(&changed, self.shared.clock.now());
        self.shared.docker.take(&changed.docker);
        *world = changed;
        self.shared.clock.stir();
        Ok(())
    }

    /// Replaces the faults in force. A bad pattern is an error.
    pub fn set_faults(&self, faults: Vec<Fault>) -> Result<(), String> {
        *locked(&self.shared.faults) = Faults::new(faults)?;
        Ok(())
    }

    /// The requests since the start or since `forget_requests`, oldest first; those to `/_sim` are not among them.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.requests()
    }

    /// Empties the list of requests.
    pub fn forget_requests(&self) {
        locked(&self.shared.seen).clear();
    }

    /// Stops and waits until the port is free.
    pub async fn stop(mut self) {
        self.task.abort();
        // The only outcome is that it was cancelled.
        (&mut self.task).await.unwrap_or_default();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// The world as it is now.
    pub fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    /// The database of an Airflow.
    pub fn store(&self, name: &str) -> Option<Arc<Mutex<Store>>> {
        locked(&self.stores).get(name).cloned()
    }

    /// The faults in force.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    /// Notes a request.
    pub fn note(&self, seen: Seen) {
        let mut all = locked(&self.seen);
        if all.len() >= REMEMBERED {
            all.drain(..REMEMBERED / 2);
        }
        all.push(seen);
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Seen> {
        locked(&self.seen).clone()
    }
}

/// Locks; a panic elsewhere does not matter here.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stores(world: &World, old: &HashMap<String, Arc<Mutex<Store>>>) -> HashMap<String, Arc<Mutex<Store>>> {
    let began = world.now.unwrap_or_else(Time::wall);
    let build = |airflow: &crate::world::Airflow| {
        let mut store = Store::new(airflow.clone(), began);
        if let Some(old) = old.get(&airflow.name) {
            store.issued = locked(old).issued.clone();
        }
        (airflow.name.clone(), Arc::new(Mutex::new(store)))
    };
    world.airflow.iter().map(build).collect()
}
