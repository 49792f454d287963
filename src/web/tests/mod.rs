//! The page against a real broker, asked as browsers and programs would.

mod boards;
mod history;
mod charts;
mod live;
mod refusals;
mod routes;
mod rules;
mod why;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt;

use super::house::tests::ABOUT;
use super::*;
use crate::broker::{self, Publication};

/// A broker with a page in front of it, and no history.
struct Lab {
    app: Shared,
    router: Router,
    supervisor: Supervisor,
}

/// What a browser or program got.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn broker(supervisor: &Supervisor, clock: Clock) -> Handle {
    let settings = broker::Settings {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        ..broker::Settings::default()
    };
    broker::start(settings, None, clock, supervisor)
        .await
        .unwrap()
        .handle
}

impl Lab {
    async fn open() -> Lab {
        Lab::at((Ipv4Addr::LOCALHOST, 8080).into()).await
    }

    async fn at(address: SocketAddr) -> Lab {
        let (supervisor, clock) = (Supervisor::new(), Clock::start());
        let handle = broker(&supervisor, clock).await;
        let history = History::off("there is no disk");
        Lab::page(address, handle, clock, supervisor, history).await
    }

    /// A page with a history, which records on.
    async fn remembering(file: &std::path::Path) -> Lab {
        let (supervisor, clock) = (Supervisor::new(), Clock::start());
        let handle = broker(&supervisor, clock).await;
        let mut settings = crate::history::Settings::new(file);
        settings.policy.lose_at_most = Duration::from_millis(20);
        let history = crate::history::start(settings, clock, handle.clone(), &supervisor);
        let history = history.await.unwrap();
        let address = (Ipv4Addr::LOCALHOST, 8080).into();
        Lab::page(address, handle, clock, supervisor, history).await
    }

    /// The page started anew: it has heard nothing yet.
    async fn restarted(self) -> Lab {
        let App {
            address,
            handle,
            clock,
            ..
        } = &*self.app;
        let history = History::off("there is no disk");
        Lab::page(*address, handle.clone(), *clock, self.supervisor, history).await
    }

    async fn page(
        address: SocketAddr,
        handle: Handle,
        clock: Clock,
        supervisor: Supervisor,
        history: History,
    ) -> Lab {
        let client = subscribe(&handle).await.unwrap();
        let app = Arc::new(App {
            name: "Lab <house>".to_owned(),
            address,
            zone: TimeZone::UTC,
            clock,
            handle,
            publisher: client.publisher(),
            history,
            live: Live::new(),
            guests: mqtt::Guests::new(),
            stop: supervisor.stop_signal(Stage::Edge),
        });
        let watching = super::live::watch_house(Arc::clone(&app), client);
        supervisor.part(Stage::Edge, "live page", watching);
        let router = super::routes::router(Arc::clone(&app));
        Lab {
            app,
            router,
            supervisor,
        }
    }

    /// A greenhouse board with a thermometer, a fan and a dimmer.
    async fn with_greenhouse() -> Lab {
        let lab = Lab::open().await;
        lab.retain("hearth/board/uno/about", ABOUT).await;
        lab.retain("hearth/board/uno/status", "online").await;
        lab.retain("home/greenhouse/temperature", "21.46").await;
        lab.retain("home/greenhouse/fan", "off").await;
        lab
    }

    async fn retain(&self, topic: &str, payload: &str) {
        let publication = Publication::new(topic, payload.to_owned()).retained();
        self.app.publisher.publish(publication).await.unwrap();
    }

    /// Publishes in the name of a part of Hearth.
    async fn say(&self, part: &str, publications: &[Publication]) {
        let client = self.app.handle.connect(part).await.unwrap();
        for publication in publications {
            client.publish(publication.clone()).await.unwrap();
        }
    }

    /// The page once it says `part`: what is not retained takes a moment.
    async fn says(&self, path: &str, part: &str) -> String {
        let mut text = String::new();
        for _ in 0..200 {
            text = self.get(path).await.text();
            if text.contains(part) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no {part} in {path}: {text}");
    }

    /// A client that sees what is asked of rules.
    async fn wishes(&self) -> Client {
        let mut client = self.app.handle.connect("asked").await.unwrap();
        for filter in ["hearth/rule/+/set", "hearth/rule/+/press", "hearth/hook/+"] {
            client
                .subscribe(filter, broker::Qos::AtLeastOnce)
                .await
                .unwrap();
        }
        client
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(request("GET", path).body(Body::empty()).unwrap())
            .await
    }

    async fn post(&self, path: &str, kind: &str, body: &str) -> Answer {
        let request = request("POST", path).header(header::CONTENT_TYPE, kind);
        self.ask(request.body(body.to_owned().into()).unwrap())
            .await
    }

    async fn put(&self, path: &str, body: &str) -> Answer {
        let request = request("PUT", path).header(header::CONTENT_TYPE, "application/json");
        self.ask(request.body(body.to_owned().into()).unwrap())
            .await
    }

    /// A client that sees every command.
    async fn commands(&self) -> Client {
        let mut client = self.app.handle.connect("commanded").await.unwrap();
        client
            .subscribe("home/+/+/set", broker::Qos::AtLeastOnce)
            .await
            .unwrap();
        client
    }
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    let builder = Request::builder().method(method).uri(path);
    builder.header(header::HOST, "pi.local:8080")
}
