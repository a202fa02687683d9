//! `dauso serve`: an installation as a service.

use super::{Exit, database};
use crate::app::Installation;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::http;
use crate::telemetry;
use anyhow::Context as _;
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

#[derive(Args)]
pub(super) struct Serve {
    /// The configuration, in the data directory
    #[arg(long)]
    config: PathBuf,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let dir = self
            .config
            .parent()
            .filter(|dir| !dir.as_os_str().is_empty());
        let named = self
            .config
            .file_name()
            .is_some_and(|name| name == Config::FILE);
        anyhow::ensure!(named, "the configuration is called {}", Config::FILE);
        let dir = dir.unwrap_or(Path::new("."));
        let clock = Arc::new(SystemClock);
        let opened = Installation::open(dir, database().as_deref(), clock).await?;
        telemetry::start(&opened.config().log)?;
        let stop = Stop::listen()?;
        let listener = TcpListener::bind(opened.config().listen)
            .await
            .with_context(|| format!("cannot listen on {}", opened.config().listen))?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "serving");
        run(&opened, listener, stop).await?;
        Ok(Exit::Done)
    }
}

/// Serves and works until the process is told to stop.
pub(super) async fn run(
    opened: &Installation,
    listener: TcpListener,
    mut stop: Stop,
) -> anyhow::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let service = opened.service().await?;
    let worker = opened.worker(&service);
    worker.refresh_trust().await;
    let (tell, told) = watch::channel(false);
    let stopped = |mut told: watch::Receiver<bool>| async move {
        // The sender lives as long as this function.
        let _ = told.wait_for(|stop| *stop).await;
    };
    let working = tokio::spawn(worker.run(stopped(told.clone())));
    let serving = http::serve(listener, service, stopped(told));
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => ended?,
        () = stop.asked() => {
            tell.send_replace(true);
            serving.await?;
        }
    }
    tell.send_replace(true);
    working.await?;
    opened.store().close().await;
    Ok(address)
}

/// Hears Ctrl-C and SIGTERM from the moment it is made: whoever was told the address may stop the process.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
