//! Serving and polling until a signal ends both, with other configurations and other leaders on the way.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::cli::Flags;
use super::leader::Leadership;
use super::pages::{self, Site};
use super::reload::{Polling, Wishes};
use super::{Exporter, Held};
use crate::board::Board;
use crate::config;
use crate::server::Listeners;
use crate::source::Sources;

/// An exporter that serves, and polls while it may.
pub(super) struct Service<'a, C> {
    exporter: &'a Exporter<C>,
    flags: &'a Flags,
    held: &'a Held,
    site: Arc<Site>,
    /// The configuration in force.
    text: String,
    /// `None` while another exporter leads.
    polling: Option<Polling>,
}

impl<'a, C: DeserializeOwned> Service<'a, C> {
    /// Serves and polls `sources`, which the configuration `text` asks for, until a signal ends it.
    ///
    /// # Errors
    /// When an address cannot be listened on, there is no cluster for the lease, or a state file that was just
    /// written cannot be taken up again.
    pub(super) async fn run(
        exporter: &'a Exporter<C>,
        (flags, held): (&'a Flags, &'a Held),
        (text, sources): (String, Sources),
    ) -> Result<ExitCode, String> {
        let listeners = Listeners::bind(&flags.listen, flags.web_config.as_deref()).await.map_err(|e| e.to_string())?;
        let Exporter { name, about, version, .. } = *exporter;
        for address in listeners.addresses() {
            tracing::info!(exporter = name, version, %address, "listening");
        }
        if flags.state_dir.is_none() {
            tracing::warn!(
                "no --state.dir: after a restart, counters begin anew and what ended meanwhile is not counted"
            );
        }
        let board = Board::new(name, exporter.metrics, held.telemetry.clone());
        let (wishes, asker) = Wishes::listen()?;
        let site = Site::new([name, about, version], &flags.telemetry_path, board);
        let site = Arc::new(if flags.lifecycle { site.reloading(asker) } else { site });
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(listeners.serve(pages::handler(site.clone()), async move {
            let _ = stopped.clone().wait_for(|stop| *stop).await;
        }));
        let mut service = Self { exporter, flags, held, site, text, polling: None };
        let ended = service.work(sources, wishes).await;
        let _ = stop.send(true);
        let _ = serving.await;
        tracing::info!("stopped");
        ended.map(|()| ExitCode::SUCCESS)
    }

    async fn work(&mut self, sources: Sources, mut wishes: Wishes) -> Result<(), String> {
        let mut leadership = match &self.flags.lease {
            None => {
                self.poll(sources);
                Leadership::alone()
            }
            Some(place) => {
                drop(sources);
                let place = place.clone().of_shard(self.flags.shard);
                let leadership = Leadership::seek(place, self.held.telemetry.clone()).await?;
                // Makes it seen that we stand by.
                self.site.board().clear();
                leadership
            }
        };
        let end = wait_for_signal();
        tokio::pin!(end);
        loop {
            tokio::select! {
                ended = &mut end => break ended?,
                leads = leadership.changed() => self.lead(leads).await?,
                wish = wishes.next() => {
                    tracing::info!(from = wish.from, file = %self.file().display(), "reloading the configuration");
                    let result = self.reload().await?;
                    wish.answer(result);
                }
            }
        }
        self.end_polling().await;
        leadership.resign().await;
        Ok(())
    }

    fn poll(&mut self, mut sources: Sources) {
        if sources.is_empty() {
            tracing::warn!(shard = self.flags.shard.number(), "nothing is polled: all targets belong to other shards");
        }
        self.site.show(std::mem::take(&mut sources.pages));
        self.polling = Some(Polling::start(sources, self.site.board().clone()));
    }

    async fn end_polling(&mut self) {
        if let Some(polling) = self.polling.take() {
            polling.end().await;
        }
    }

    /// Begins to poll, from the state that is saved; or ends, and shows nothing that grows old.
    async fn lead(&mut self, leads: bool) -> Result<(), String> {
        self.end_polling().await;
        self.site.board().clear();
        self.site.show(Vec::new());
        if leads {
            let sources = self.exporter.configure(&self.text, self.flags, self.held)?;
            self.poll(sources);
        }
        Ok(())
    }

    /// Replaces the sources by those of the configuration file as it is now. One that cannot be used changes nothing.
    /// The outer error ends the exporter: the state could not be taken up again.
    async fn reload(&mut self) -> Result<Result<(), String>, String> {
        let text = config::read(self.file()).map_err(|error| error.to_string());
        let check = |text: String| self.exporter.configure(&text, self.flags, &Held::default()).map(|_| text);
        match text.and_then(check) {
            Ok(text) => self.text = text,
            Err(problem) => {
                tracing::error!(problem, "the configuration on disk cannot be used; the one before it stays");
                self.held.telemetry.config_loaded(false);
                return Ok(Err(problem));
            }
        }
        self.held.telemetry.config_loaded(true);
        if self.polling.is_some() {
            self.end_polling().await;
            self.site.board().retire();
            let sources = self.exporter.configure(&self.text, self.flags, self.held)?;
            self.poll(sources);
        }
        tracing::info!("configuration reloaded");
        Ok(Ok(()))
    }

    fn file(&self) -> &Path {
        &self.flags.config_file
    }
}

async fn wait_for_signal() -> Result<(), String> {
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "stopping");
    Ok(())
}
