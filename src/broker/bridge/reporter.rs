//! Publishes how the bridges are: `hearth/bridge/<bridge>/status` and `about`.

use std::time::Duration;

use super::status::Report;
use super::{Bridges, session_name};
use crate::broker::client::{Client, Handle, Publication, Stopped};
use crate::broker::codec::Qos;
use crate::clock::{Clock, Moment};
use crate::home::{Presence, topic};
use crate::supervisor::Stop;

/// Figures that change all the time are published no more often: each time is
/// a write to the SD card.
const EVERY: Duration = Duration::from_secs(30);

/// What was published of one bridge.
#[derive(Debug, Default)]
struct Told {
    last: Option<Report>,
    at: Moment,
}

impl Told {
    fn status_is_due(&self, report: &Report) -> bool {
        self.last
            .as_ref()
            .is_none_or(|last| last.status != report.status)
    }

    /// At once when the bridge's state has changed, and now and then for figures.
    fn about_is_due(&self, report: &Report, now: Moment) -> bool {
        let Some(last) = &self.last else { return true };
        let is_news = (last.status, &last.trouble) != (report.status, &report.trouble);
        is_news || (last != report && now.since(self.at) >= EVERY)
    }
}

/// Tells until the house stops, and then that the bridges are closed.
///
/// # Errors
/// If the broker stops before this.
pub async fn run(bridges: Bridges, handle: Handle, clock: Clock, stop: Stop) -> anyhow::Result<()> {
    let client = handle.connect("bridges").await?;
    let mut told: Vec<Told> = bridges.all().map(|_| Told::default()).collect();
    while !stop.is_cancelled() {
        let reports = handle.bridges().await?;
        for (report, told) in reports.into_iter().zip(&mut told) {
            tell(&client, report, told, clock.now().moment).await?;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = bridges.changed() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    for bridge in bridges.all() {
        say(&client, &bridge.settings.name, Presence::Offline.as_str()).await?;
    }
    Ok(())
}

async fn tell(
    client: &Client,
    report: Report,
    told: &mut Told,
    now: Moment,
) -> Result<(), Stopped> {
    if told.status_is_due(&report) {
        say(client, &report.bridge, report.status).await?;
    }
    if told.about_is_due(&report, now) {
        let json = serde_json::to_string(&report).unwrap_or_default();
        let about = Publication::new(topic::bridge_about(&report.bridge), json);
        client
            .publish(about.retained().qos(Qos::AtLeastOnce))
            .await?;
        (told.last, told.at) = (Some(report), now);
    }
    Ok(())
}

async fn say(client: &Client, bridge: &str, status: &'static str) -> Result<(), Stopped> {
    let status = Publication::new(topic::bridge_status(bridge), status);
    client
        .publish(status.retained().qos(Qos::AtLeastOnce))
        .await
}

/// Ends the sessions, and clears the topics, of bridges that the config no
/// longer has.
pub async fn forget_others(bridges: &Bridges, handle: &Handle) -> Result<(), Stopped> {
    let is_gone = |name: &str| bridges.all().all(|bridge| bridge.settings.name != name);
    let prefix = session_name("");
    for held in handle.held(&prefix).await? {
        let name = held.name.trim_start_matches(prefix.as_str());
        if is_gone(name) {
            let waiting = held.backlog.messages;
            tracing::info!(
                bridge = name,
                waiting,
                "forgotten: the config has it no more"
            );
            handle.forget(&held.name).await?;
        }
    }
    let client = handle.connect("bridges").await?;
    for about in handle.retained("hearth/bridge/+/+").await? {
        if about.topic.split('/').nth(2).is_some_and(is_gone) {
            client
                .publish(Publication::new(about.topic, "").retained())
                .await?;
        }
    }
    Ok(())
}
