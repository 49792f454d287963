//! The page: complete as HTML, kept live over one WebSocket.
//!
//! `house` makes the view from the broker's retained messages, `pages` and
//! the API render it, `live` tells open pages what has changed. Commands go
//! out as anyone's would: published to `home/<room>/<thing>/set`, and wishes to the
//! rules to `hearth/rule/<rule>/set` and its neighbours.

mod api;
mod assets;
mod chart;
mod commands;
mod error;
mod guard;
mod health;
mod house;
mod listener;
mod live;
mod map;
mod mqtt;
mod metrics;
mod pages;
mod past;
mod pin_form;
mod recording;
mod routes;
mod socket;
mod wishes;
mod wording;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;

use crate::broker::{Client, Handle, Publisher};
use crate::clock::{Clock, UtcMillis};
use crate::history::History;
use crate::supervisor::{Stage, Stop, Supervisor};
use chart::window::Calendar;
use error::Problem;
use house::why::{Question, Why};
use house::{House, ThingView};
pub use listener::MAX_CONNECTIONS;
use listener::{Caller, Limited};
use live::Live;

/// Requests still running this long after the stop signal are dropped.
const STOP_WITHIN: Duration = Duration::from_millis(800);

/// `[web]` in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub listen: SocketAddr,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
        }
    }
}

/// What every handler can reach.
#[derive(Debug)]
struct App {
    /// The house's name, for people.
    name: String,
    address: SocketAddr,
    /// Where the times of charts are told.
    zone: TimeZone,
    clock: Clock,
    handle: Handle,
    publisher: Publisher,
    history: History,
    live: Live,
    guests: mqtt::Guests,
    stop: Stop,
}

type Shared = Arc<App>;

impl App {
    /// The house as of now.
    async fn house(&self) -> Result<House, Problem> {
        Ok(self.live.look(&self.handle, self.clock.now().utc).await?)
    }

    /// The house's clock and calendar, as of now.
    fn calendar(&self) -> Calendar<'_> {
        Calendar {
            now: self.clock.now().utc,
            zone: &self.zone,
        }
    }

    /// When Hearth started, going by what the clock says now.
    fn started(&self) -> UtcMillis {
        let now = self.clock.now();
        let running = i64::try_from(now.moment.0).unwrap_or(i64::MAX);
        UtcMillis(now.utc.0.saturating_sub(running))
    }

    /// What made a thing as it is.
    fn why(&self, house: &House, view: &ThingView) -> Why {
        let known = self
            .live
            .remembered(|memory| memory.causes.of(&view.thing).cloned());
        let question = Question {
            house,
            view,
            known: known.as_ref(),
            now: self.clock.now().utc,
            zone: &self.zone,
        };
        question.answer()
    }
}

/// Binds `settings.listen` and serves the page there; returns the address,
/// whose port the system has chosen if the setting's is 0. Fails if the
/// address cannot be bound.
pub async fn start(
    settings: Settings,
    house_name: String,
    zone: TimeZone,
    clock: Clock,
    handle: Handle,
    history: History,
    supervisor: &Supervisor,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("the page cannot listen on {}", settings.listen))?;
    let address = listener.local_addr()?;
    let client = subscribe(&handle).await?;
    let stop = supervisor.stop_signal(Stage::Edge);
    let app = Arc::new(App {
        name: house_name,
        address,
        zone,
        clock,
        handle,
        publisher: client.publisher(),
        history,
        live: Live::new(),
        guests: mqtt::Guests::new(),
        stop: stop.clone(),
    });
    let watching = live::watch_house(Arc::clone(&app), client);
    supervisor.part(Stage::Edge, "live page", watching);
    supervisor.part(Stage::Edge, "page", serve(listener, app, stop));
    Ok(address)
}

async fn subscribe(handle: &Handle) -> anyhow::Result<Client> {
    let mut client = handle.connect("web").await?;
    for filter in house::FILTERS.into_iter().chain([house::HEARD]) {
        client
            .subscribe(filter, crate::broker::Qos::AtMostOnce)
            .await?;
    }
    Ok(client)
}

async fn serve(listener: TcpListener, app: Shared, stop: Stop) -> anyhow::Result<()> {
    let sockets = app.live.sockets();
    let routes = routes::router(app).into_make_service_with_connect_info::<Caller>();
    let server = axum::serve(Limited::new(listener), routes)
        .with_graceful_shutdown(stop.clone().cancelled_owned());
    let too_late = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_WITHIN).await;
    };
    let finished = async {
        server.await?;
        sockets.closed().await;
        Ok(())
    };
    tokio::select! {
        outcome = finished => outcome,
        () = too_late => Ok(()),
    }
}

#[cfg(test)]
mod tests;
