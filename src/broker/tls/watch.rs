//! Reads the certificates again when their files change, or on SIGHUP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;

use super::{Fault, Settings, certificates};
use crate::clock::Clock;
use crate::stamp::Stamp;
use crate::supervisor::Stop;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Watches until `stop`. New certificates serve new connections; if they
/// cannot be used, the old ones stay.
pub async fn run(
    settings: Settings,
    clock: Clock,
    server: watch::Sender<Arc<ServerConfig>>,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("SIGHUP cannot be watched")?;
    let mut read = stamps(&settings);
    let mut seen = read.clone();
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = hangup.recv() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let now = stamps(&settings);
        // Files that still change are half of a pair, or half written.
        if asked || (now != read && now == seen) {
            reload(&settings, clock, &server).await;
            read.clone_from(&now);
        }
        seen = now;
    }
}

async fn reload(settings: &Settings, clock: Clock, server: &watch::Sender<Arc<ServerConfig>>) {
    let (named, now) = (settings.clone(), clock.now().utc);
    let reading = tokio::task::spawn_blocking(move || certificates::read(&named, now));
    let Ok(outcome) = reading.await else {
        return tracing::error!("reading TLS certificates was stopped by a defect");
    };
    let file = settings.certificate.display();
    match outcome {
        Ok(certificates) => {
            server.send_replace(certificates.server);
            tracing::info!("read the TLS certificate {file} again");
            for warning in certificates.warnings {
                tracing::warn!("{}: {}", warning.message, warning.hint);
            }
        }
        Err(faults) => {
            for fault in faults {
                let Fault { message, hint, .. } = fault;
                tracing::warn!("the old TLS certificate stays in use: {message}: {hint}");
            }
        }
    }
}

fn stamps(settings: &Settings) -> Vec<Stamp> {
    let files = [
        Some(&settings.certificate),
        Some(&settings.key),
        settings.client_ca.as_ref(),
    ];
    let files = files.into_iter().flatten();
    files.map(|path| Stamp::of(path)).collect()
}
