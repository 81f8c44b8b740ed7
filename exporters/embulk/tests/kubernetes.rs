//! Pods of a simulated cluster, watched through the real client: each run is entered once, with everything that the
//! API can tell of it, whatever breaks.

#![allow(clippy::unwrap_used)]

#[path = "kubernetes/breaks.rs"]
mod breaks;
#[path = "kubernetes/ends.rs"]
mod ends;
#[path = "kubernetes/refused.rs"]
mod refused;
#[path = "kubernetes/restarts.rs"]
mod restarts;
#[path = "kubernetes/rig.rs"]
mod rig;
#[path = "kubernetes/size.rs"]
mod size;
