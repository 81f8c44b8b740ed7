//! The world that `./demo` plays: a day at a small data team, seen as it happens.

use crate::time::Time;
use crate::world::World;

const DEMO: &str = include_str!("demo.yaml");

/// The demo's world as it begins at `now`, with some days of history behind it.
pub fn world(now: Time) -> Result<World, String> {
    World::from_yaml(DEMO, now)
}
