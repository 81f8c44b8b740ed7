//! What tests do to an engine while it runs.

use crate::simulator::Simulator;

impl Simulator {
    /// Address of the engine, for `DOCKER_HOST` and clients.
    pub fn docker_url(&self) -> String {
        self.url().replacen("http://", "tcp://", 1)
    }

    /// Cuts all open streams of the engine at once, as when the network fails.
    pub fn cut_docker(&self) {
        self.shared.docker.state().cuts += 1;
        self.clock().stir();
    }

    /// Restarts the engine: open streams are cut and past events forgotten. Containers live on.
    pub fn restart_docker(&self) {
        self.shared.docker.state().forgotten = self.clock().now();
        self.cut_docker();
    }
}
