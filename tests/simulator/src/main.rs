//! `footprint-simulator`: serves a world until it is stopped.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use footprint_simulator::{Clock, Simulator, Time, World, demo};
use tokio::signal::unix::{SignalKind, signal};

/// Answers as Cloud Composer, Airflow 2 and Airflow 3 do, from a world written in YAML.
#[derive(Parser)]
#[command(name = "footprint-simulator", version)]
struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8700")]
    listen: SocketAddr,
    /// World to play.
    #[arg(long, value_name = "FILE", required_unless_present = "demo")]
    world: Option<PathBuf>,
    /// Play the built-in day at a small data team.
    #[arg(long, conflicts_with = "world")]
    demo: bool,
    /// How many times faster than real time the clock runs, from the world's `now`; 0 stands still until it is
    /// moved through /_sim/clock. Exporters compare Airflow's clock with their own: keep 1 when one is watching.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    speed: f64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("footprint-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> io::Result<()> {
    let mut stop = signal(SignalKind::terminate())?;
    let world = read(options)?;
    let clock = Clock::running(world.now.unwrap_or_else(Time::wall), options.speed);
    let simulator = Simulator::start_at(options.listen, world, clock).await?;
    println!("{}", simulator.overview());
    tokio::select! {
        _ = stop.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    simulator.stop().await;
    Ok(())
}

fn read(options: &Options) -> io::Result<World> {
    let Some(path) = &options.world else {
        return demo::world(Time::wall()).map_err(io::Error::other);
    };
    let named = |error: String| io::Error::other(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    World::from_yaml(&text, Time::wall()).map_err(named)
}
