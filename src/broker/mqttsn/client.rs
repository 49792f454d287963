//! Runs one client's session between what brings its packets and the broker.

use std::sync::Arc;

use bytes::Bytes;
use hearth_wire::packet as sn;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep_until, timeout};

use super::session::{Effect, End, Session};
use super::topics::{Predefined, Topics};
use crate::broker::client::connect_as;
use crate::broker::codec::{Connect, Packet, Publish, PublishProperties, Qos, Reason, Will};
use crate::broker::connection::{Presence, revoked};
use crate::broker::door::{Door, GOODBYE, Peer, Place};
use crate::broker::gate::Refusal;
use crate::broker::lane::Lane;
use crate::broker::router::Out;
use crate::broker::task::{Input, send_or_later};
use crate::broker::users::Pass;
use crate::clock::Clock;

/// Where packets for the client go.
pub trait Line: Send {
    /// Sends one packet; one that is lost is repeated.
    fn send(&self, packet: &[u8]) -> impl Future<Output = ()> + Send;
}

/// One client, and how it is reached.
pub struct Client<L> {
    pub session: Session,
    pub line: L,
    pub door: Door,
    pub peer: Peer,
    pub place: Place,
    pub clock: Clock,
}

/// An open session in the broker.
struct Inside {
    presence: Presence,
    lane: Arc<Lane>,
    /// The broker is done with the last packets.
    is_served: bool,
}

impl<L: Line> Client<L> {
    /// Serves the client until it is gone, or nobody brings its packets any more.
    pub async fn run(mut self, packets: &mut mpsc::Receiver<Vec<u8>>) {
        let (mut inside, mut pass, mut outs) = (None::<Inside>, None, Vec::new());
        loop {
            if let Some(end) = self.carry_out(&mut inside, &mut pass).await {
                return self.log(end);
            }
            let wake = self.session.wake_at();
            let wake = wake.map(|moment| self.clock.instant(moment));
            tokio::select! {
                packet = packets.recv() => match packet {
                    Some(packet) => self.received(&packet),
                    None => self.session.closed(Reason::ServerShuttingDown),
                },
                closed = next(&inside, &mut outs) => self.heard(&inside, &mut outs, closed),
                () = until(wake) => self.session.tick(self.clock.now()),
                () = revoked(&mut pass) => self.session.closed(Reason::NotAuthorized),
            }
        }
    }

    pub fn received(&mut self, packet: &[u8]) {
        self.place.visit.traffic().received(packet.len());
        match sn::Packet::decode(packet) {
            Ok(packet) => self.session.received(packet, self.clock.now()),
            Err(error) => tracing::debug!(peer = %self.peer, "not MQTT-SN: {error}"),
        }
    }

    /// What the broker has sent.
    fn heard(&mut self, inside: &Option<Inside>, outs: &mut Vec<Out>, closed: Option<Reason>) {
        let now = self.clock.now();
        for out in outs.drain(..) {
            match out {
                Out::Publish(sending) => self.session.deliver(sending, now),
                Out::Packet(packet) => self.session.told(&packet, now),
                Out::Fence => {
                    if let Some(inside) = inside {
                        let link = inside.presence.link;
                        send_or_later(&inside.presence.inputs, Input::Drained { link });
                    }
                }
            }
        }
        if let Some(reason) = closed {
            self.session.closed(reason);
        }
    }

    async fn carry_out(
        &mut self,
        inside: &mut Option<Inside>,
        pass: &mut Option<Pass>,
    ) -> Option<End> {
        let mut packets = Vec::new();
        loop {
            let effects = self.session.take_effects();
            if effects.is_empty() {
                break;
            }
            for effect in effects {
                match effect {
                    Effect::Send(packet) => {
                        self.place.visit.traffic().sent(packet.len());
                        self.line.send(&packet).await;
                    }
                    Effect::Tell(packet) => packets.push(packet),
                    Effect::Rewill(will) => {
                        let outcome = self.rewill(inside, will).await;
                        self.session.rewilled(outcome);
                    }
                    Effect::Enter(connect) => {
                        packets.clear();
                        // The one before is lost, and its will is sent.
                        *inside = None;
                        match self.enter(*connect).await {
                            // CONNACK follows, among what the broker sends.
                            Ok((entered, with)) => (*inside, *pass) = (Some(entered), with),
                            Err(reason) => self.session.entered(Err(reason), self.clock.now()),
                        }
                    }
                    Effect::Over(end) => {
                        tell(inside, packets).await;
                        return Some(end);
                    }
                }
            }
        }
        tell(inside, packets).await;
        None
    }

    async fn enter(&self, mut connect: Connect) -> Result<(Inside, Option<Pass>), Reason> {
        if let Some(refusal) = self.place.visit.refusal() {
            return Err(refusal.reason());
        }
        let pass = self.door.login.admit(&self.peer, &mut connect).await;
        let pass = pass.map_err(|refusal| {
            self.place.visit.traffic().refused(refusal);
            refusal.reason()
        })?;
        let inside = open(&self.door, connect).await?;
        Ok((inside, pass))
    }

    async fn rewill(
        &self,
        inside: &Option<Inside>,
        will: Option<Will>,
    ) -> Result<(), Option<Will>> {
        let Some(inside) = inside else {
            return Err(None);
        };
        let (answer, answered) = oneshot::channel();
        let link = inside.presence.link;
        let input = Input::Rewill { link, will, answer };
        // Without a broker there is no will.
        let _ = inside.presence.inputs.send(input).await;
        answered.await.unwrap_or(Err(None))
    }

    fn log(&self, end: End) {
        let (peer, client) = (&self.peer, self.session.client_id());
        match end {
            End::Left => tracing::debug!(%peer, client, "disconnected"),
            End::Lost => tracing::info!(%peer, client, "lost: it does not answer any more"),
            End::Closed(reason) => tracing::info!(%peer, client, "closed: {reason:?}"),
        }
    }
}

/// Opens a session in the broker.
async fn open(door: &Door, connect: Connect) -> Result<Inside, Reason> {
    let lane = Arc::new(Lane::default());
    let admission = door.ask(Box::new(connect), &lane).await;
    let link = admission
        .ok_or(Reason::ServerShuttingDown)?
        .map_err(|refusal| refusal.reason)?;
    Ok(Inside {
        presence: Presence {
            link,
            inputs: door.inputs.clone(),
        },
        lane,
        is_served: true,
    })
}

async fn tell(inside: &mut Option<Inside>, packets: Vec<Packet>) {
    let Some(inside) = inside.as_mut().filter(|_| !packets.is_empty()) else {
        return;
    };
    if !inside.is_served {
        inside.lane.turn().await;
    }
    let link = inside.presence.link;
    // Without a broker there is nobody to tell.
    let _ = inside
        .presence
        .inputs
        .send(Input::Packets { link, packets })
        .await;
    inside.is_served = false;
}

/// What the broker sends next; never, while the client is not inside.
async fn next(inside: &Option<Inside>, outs: &mut Vec<Out>) -> Option<Reason> {
    match inside {
        Some(inside) => inside.lane.take(outs).await,
        None => std::future::pending().await,
    }
}

async fn until(wake: Option<tokio::time::Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// Publishes for somebody who is not connected (6.8), as far as it may.
pub async fn publish_once(
    door: &Door,
    peer: &Peer,
    predefined: &Arc<Predefined>,
    publish: &sn::Publish<'_>,
) -> Result<(), Reason> {
    let place = door.place(peer).ok_or(Reason::ServerBusy)?;
    if let Some(refusal) = place.visit.refusal() {
        return Err(refusal.reason());
    }
    let topics = Topics::new(Arc::clone(predefined));
    let topic = topics.name(publish.topic).ok_or(Reason::TopicNameInvalid)?;
    // Nobody on the network can take over this id.
    let mut connect = connect_as("mqtt-sn");
    let admitted = door.login.admit(peer, &mut connect).await;
    admitted.map_err(Refusal::reason)?;
    let inside = open(door, connect).await?;
    let packets = vec![Packet::Publish(Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: publish.retain,
        topic,
        packet_id: None,
        payload: Bytes::copy_from_slice(publish.data),
        topic_alias: None,
        subscription_ids: Vec::new(),
        properties: PublishProperties::default(),
    })];
    tell(&mut Some(inside), packets).await;
    Ok(())
}

/// Waits for the clients of a gateway that stops, but not for ever.
pub async fn drain(clients: &mut tokio::task::JoinSet<()>) {
    let _ = timeout(GOODBYE, async {
        while clients.join_next().await.is_some() {}
    })
    .await;
}
