//! Between the lines and the broker: carries what [`Pins`] decides.

use std::time::Duration;

use crate::broker::{Client, Handle, Message, Publication, Qos};
use crate::clock::{Clock, Moment};
use crate::home::{CommandReport, Presence, topic};
use crate::supervisor::Stop;

use super::PinSettings;
use super::guarded::Guarded;
use super::lines::{Edge, LineError, Lines};
use super::pins::{BOARD, News, Pins, State, Switching, Verdict, reported};

const CLIENT_ID: &str = "hearth-pins";
/// How often a line that could not be had is asked for again.
const CLAIM_AGAIN: Duration = Duration::from_secs(2);

/// Runs until it is stopped. Outputs are safe before it returns, whatever the
/// reason.
///
/// # Errors
/// The driver's, told at `hearth/board/pi/fault` too; or that the broker has
/// stopped.
pub async fn run<L: Lines>(
    settings: &[PinSettings],
    open: impl Fn() -> Result<L, LineError>,
    clock: Clock,
    handle: &Handle,
    stop: Stop,
) -> anyhow::Result<()> {
    let client = handle.connect(CLIENT_ID).await?;
    let lines = match open() {
        Ok(lines) => Guarded::new(lines),
        Err(error) => return Err(fail(&client, error).await),
    };
    let mut bridge = Bridge {
        pins: Pins::new(settings),
        lines,
        client,
        claim_at: clock.now().moment,
        clock,
    };
    let outcome = bridge.serve(stop).await;
    bridge.leave(outcome).await
}

/// Leaves the fault for people to see.
async fn fail(client: &Client, error: LineError) -> anyhow::Error {
    let offline = Publication::new(topic::board_status(BOARD), Presence::Offline.as_str());
    let fault = Publication::new(topic::board_fault(BOARD), error.to_string());
    for publication in [offline, fault] {
        if let Err(stopped) = client.publish(publication.retained()).await {
            return anyhow::Error::new(error).context(stopped);
        }
    }
    error.into()
}

struct Bridge<L: Lines> {
    pins: Pins,
    lines: Guarded<L>,
    client: Client,
    clock: Clock,
    /// When lines that are missing are asked for again.
    claim_at: Moment,
}

/// What the bridge waits for.
enum Event {
    Stop,
    Wake,
    Edge(Edge),
    Message(Message),
}

impl<L: Lines> Bridge<L> {
    async fn serve(&mut self, stop: Stop) -> anyhow::Result<()> {
        self.arrive().await?;
        loop {
            match self.next(&stop).await? {
                Event::Stop => return Ok(()),
                Event::Wake => self.wake().await?,
                Event::Edge(edge) => self.edge(edge).await?,
                Event::Message(message) => self.command(&message).await?,
            }
        }
    }

    async fn next(&mut self, stop: &Stop) -> anyhow::Result<Event> {
        let wake = self.clock.instant(self.wake_at());
        Ok(tokio::select! {
            () = stop.cancelled() => Event::Stop,
            () = tokio::time::sleep_until(wake) => Event::Wake,
            edge = self.lines.lines().next_edge() => Event::Edge(edge?),
            message = self.client.next() => Event::Message(message?),
        })
    }

    fn wake_at(&self) -> Moment {
        // Without anything pending it sleeps for a day, which is as good as for ever.
        let far = self.clock.now().moment + Duration::from_secs(86_400);
        let claim = (!self.pins.missing().is_empty()).then_some(self.claim_at);
        let wakes = self.pins.next_wake().into_iter().chain(claim);
        wakes.min().unwrap_or(far)
    }

    /// Tells who is here, takes the lines, says what they say, and listens.
    async fn arrive(&mut self) -> anyhow::Result<()> {
        let about = serde_json::to_vec(&self.pins.about(self.lines.lines().chip()))?;
        self.retain(topic::board_about(BOARD), about).await?;
        self.retain(topic::board_status(BOARD), Presence::Online.as_str())
            .await?;
        self.claim().await?;
        // Takes away the fault of an earlier try, too.
        self.retain(topic::board_fault(BOARD), self.pins.fault())
            .await?;
        for filter in self.pins.set_topics() {
            self.client.subscribe(&filter, Qos::AtLeastOnce).await?;
        }
        Ok(())
    }

    /// Asks for the lines that are missing. One that cannot be had keeps none
    /// of the others from working.
    async fn claim(&mut self) -> anyhow::Result<()> {
        let before = self.pins.fault();
        for pin in self.pins.missing() {
            let outcome = self.lines.claim(&pin);
            let had = outcome.is_ok();
            match self.pins.claimed(pin.gpio, outcome) {
                Some(News::Missing(news)) => tracing::warn!("{news}"),
                Some(News::Had(news)) => tracing::info!("{news}"),
                None => {}
            }
            if had {
                self.publish_line(pin.gpio).await?;
            }
        }
        self.claim_at = self.clock.now().moment + CLAIM_AGAIN;
        let fault = self.pins.fault();
        if fault != before {
            self.retain(topic::board_fault(BOARD), fault).await?;
        }
        Ok(())
    }

    async fn publish_line(&mut self, offset: u8) -> anyhow::Result<()> {
        let level = self.lines.lines().read(offset)?;
        let state = self.pins.read(offset, level);
        self.publish(state).await
    }

    async fn publish_all(&mut self) -> anyhow::Result<()> {
        for offset in self.pins.offsets() {
            self.publish_line(offset).await?;
        }
        Ok(())
    }

    async fn wake(&mut self) -> anyhow::Result<()> {
        let now = self.clock.now().moment;
        let settled = self.pins.wake(now);
        self.publish(settled).await?;
        if now >= self.claim_at && !self.pins.missing().is_empty() {
            self.claim().await?;
        }
        Ok(())
    }

    async fn edge(&mut self, edge: Edge) -> anyhow::Result<()> {
        let now = self.clock.now().moment;
        let settled = self.pins.edge(edge.offset, edge.active, now);
        self.publish(settled).await
    }

    async fn command(&mut self, message: &Message) -> anyhow::Result<()> {
        let at = self.clock.now().utc;
        let Message {
            topic,
            payload,
            retain,
            ..
        } = message;
        match self.pins.command(topic, payload, *retain, at) {
            Verdict::Write(switching) => self.switch(switching).await,
            Verdict::Refuse { pin, report } => {
                tracing::warn!(%topic, "command refused: {}", report.reason.as_deref().unwrap_or(""));
                self.report(&pin, &report).await
            }
            Verdict::NotOurs => Ok(()),
        }
    }

    async fn switch(&mut self, command: Switching) -> anyhow::Result<()> {
        let started = self.clock.now().moment;
        self.lines.lines().write(command.offset, command.level)?;
        self.report(&command.pin, &command.report).await?;
        let level = self.lines.lines().read(command.offset)?;
        let state = self.pins.read(command.offset, level);
        self.publish(state).await?;
        let took = self.clock.now().moment.since(started);
        self.report(&command.pin, &reported(&command, level, took))
            .await
    }

    async fn report(&self, pin: &str, report: &CommandReport) -> anyhow::Result<()> {
        let payload = serde_json::to_vec(report)?;
        let note = Publication::new(topic::board_command(BOARD, pin), payload).note();
        Ok(self.client.publish(note).await?)
    }

    async fn publish(&self, states: impl IntoIterator<Item = State>) -> anyhow::Result<()> {
        for state in states {
            self.retain(state.topic, state.payload).await?;
        }
        Ok(())
    }

    async fn retain(&self, topic: String, payload: impl Into<bytes::Bytes>) -> anyhow::Result<()> {
        let publication = Publication::new(topic, payload).retained();
        Ok(self.client.publish(publication).await?)
    }

    /// Makes the outputs safe and says so, as far as driver and broker allow.
    async fn leave(mut self, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
        let safe = self.lines.make_safe();
        let outcome = outcome.and(safe.map_err(Into::into));
        match outcome.map_err(|error| error.downcast::<LineError>()) {
            Ok(()) => {
                self.publish_all().await?;
                let status = topic::board_status(BOARD);
                self.retain(status, Presence::Offline.as_str()).await
            }
            Err(Ok(driver)) => Err(fail(&self.client, driver).await),
            Err(Err(other)) => Err(other),
        }
    }
}
