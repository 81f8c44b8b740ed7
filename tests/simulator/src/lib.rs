//! A small Google Cloud and Airflow that answers as the real ones do.
//!
//! A [`World`] says what exists and when things happen; a [`Clock`] says how much of it has happened; a
//! [`Simulator`] answers over HTTP as Cloud Composer, Airflow, BigQuery and Kubernetes would at that moment, and goes wrong
//! where a [`Fault`](faults::Fault) says so.
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use footprint_simulator::{Simulator, Time, World, Span};
//! let text = "airflow: [{name: main, api: v1, dags: [{dag_id: orders}]}]";
//! let world = World::from_yaml(text, Time::wall()).map_err(std::io::Error::other)?;
//! let simulator = Simulator::start(world).await?;
//! let base = simulator.airflow_url("main"); // GET {base}/api/v1/dags
//! simulator.clock().advance(Span::secs(60));
//! # drop(base);
//! # Ok(())
//! # }
//! ```

mod airflow;
mod auth;
pub mod aws;
pub mod bigquery;
mod body;
mod clock;
mod composer;
mod control;
pub mod demo;
pub mod docker;
pub mod faults;
mod http;
pub mod kubernetes;
mod lists;
mod load;
mod logs;
pub mod parts;
pub mod recipe;
pub mod run;
mod select;
mod server;
mod simulator;
mod steps;
mod store;
mod synthetic;
pub mod text;
mod time;
mod timeline;
mod told;
mod v1;
mod v1_rows;
mod v2;
mod v2_rows;
mod world;

pub use aws::Aws;
pub use bigquery::BigQuery;
pub use clock::Clock;
pub use docker::Docker;
pub use kubernetes::Cluster;
pub use simulator::{Seen, Simulator};
pub use synthetic::Size;
pub use time::{Span, Time};
pub use world::{Airflow, Api, Composer, World};
