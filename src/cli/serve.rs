//! `dauso serve`: an installation as a service.

use super::{Exit, database};
use crate::app::Installation;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::http::{self, Tls};
use crate::telemetry;
use anyhow::Context as _;
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

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
        for doubt in opened.config().check_public()? {
            tracing::warn!(code = doubt.code(), "{}", doubt.words());
        }
        let tls = opened.tls()?;
        let stop = Stop::listen()?;
        let listener = TcpListener::bind(opened.config().listen)
            .await
            .with_context(|| format!("cannot listen on {}", opened.config().listen))?;
        let figures = match opened.config().metrics_listen {
            Some(address) => {
                let bound = TcpListener::bind(address).await;
                Some(bound.with_context(|| format!("cannot listen on {address}"))?)
            }
            None => None,
        };
        let address = listener.local_addr()?;
        let tells_figures = match &figures {
            Some(listener) => listener.local_addr()?.to_string(),
            None => "nowhere".to_owned(),
        };
        tracing::info!(%address, tls = tls.is_some(), metrics = tells_figures, "serving");
        let doors = Doors {
            listener,
            tls,
            figures,
        };
        run(&opened, doors, stop).await?;
        Ok(Exit::Done)
    }
}

/// Where a process listens.
pub(super) struct Doors {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Tls>,
    pub(super) figures: Option<TcpListener>,
}

/// Serves and works until the process is told to stop.
pub(super) async fn run(
    opened: &Installation,
    doors: Doors,
    mut stop: Stop,
) -> anyhow::Result<SocketAddr> {
    let address = doors.listener.local_addr()?;
    let service = opened.service().await?;
    let worker = opened.worker(&service);
    worker.refresh_trust().await;
    let (tell, told) = watch::channel(false);
    let stopped = |mut told: watch::Receiver<bool>| async move {
        // The sender lives as long as this function.
        let _ = told.wait_for(|stop| *stop).await;
    };
    let working = tokio::spawn(worker.run(stopped(told.clone())));
    let figures = doors.figures.map(|listener| {
        let told = stopped(told.clone());
        tokio::spawn(http::serve_metrics(listener, service.clone(), told))
    });
    let renewing = doors.tls.clone().map(renew).transpose()?;
    let serving = http::serve(doors.listener, doors.tls, service, stopped(told));
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => ended?,
        () = stop.asked() => {
            tell.send_replace(true);
            serving.await?;
        }
    }
    tell.send_replace(true);
    if let Some(renewing) = renewing {
        renewing.abort();
    }
    working.await?;
    if let Some(figures) = figures {
        figures.await??;
    }
    opened.store().close().await;
    Ok(address)
}

/// Reads the TLS certificate anew at every SIGHUP.
fn renew(tls: Tls) -> std::io::Result<JoinHandle<()>> {
    let mut asked = signal(SignalKind::hangup())?;
    Ok(tokio::spawn(async move {
        while asked.recv().await.is_some() {
            match tls.reload() {
                Ok(()) => tracing::info!("the TLS certificate was read anew"),
                Err(error) => {
                    tracing::error!(
                        code = error.code(),
                        error.cause = %error,
                        "the TLS certificate stays as it was"
                    );
                }
            }
        }
    }))
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

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
