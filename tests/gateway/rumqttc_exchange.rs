//! Exchanges between rumqttc clients through a running broker, over MQTT 3.1.1
//! and 5.0.

mod peer;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use peer::{Broker, Came, Version};

/// Runs every exchange against the broker at `address`.
///
/// # Panics
/// At the first exchange that fails, with a sentence.
pub async fn exchange(address: SocketAddr) {
    for version in [Version::V311, Version::V5] {
        let broker = Broker { address, version };
        qos_levels(broker).await;
        retained(broker).await;
        will(broker).await;
        persistent_session(broker).await;
        wildcards(broker).await;
        dollar_rule(broker).await;
        unsubscribe(broker).await;
    }
}

async fn qos_levels(broker: Broker) {
    for qos in 0..=2 {
        let topic = fresh("étage");
        let mut receiver = broker.connect().await;
        let mut sender = broker.connect().await;
        receiver.subscribe(&topic, qos).await;
        for number in 0..20 {
            sender
                .publish(&topic, &number.to_string(), qos, false)
                .await;
        }
        for number in 0..20 {
            let expected = Came::new(&topic, &number.to_string(), qos, false);
            assert_eq!(receiver.message().await, expected, "{broker:?}");
        }
    }
}

async fn retained(broker: Broker) {
    let topic = fresh("retained");
    let mut sender = broker.connect().await;
    sender.publish(&topic, "old", 1, true).await;
    sender.publish(&topic, "kept", 1, true).await;
    let mut late = broker.connect().await;
    late.subscribe(&topic, 1).await;
    assert_eq!(
        late.message().await,
        Came::new(&topic, "kept", 1, true),
        "{broker:?}"
    );
    sender.publish(&topic, "live", 1, true).await;
    assert_eq!(
        late.message().await,
        Came::new(&topic, "live", 1, false),
        "{broker:?}"
    );
    sender.publish(&topic, "", 1, true).await;
    let mut later = broker.connect().await;
    later.subscribe(&topic, 1).await;
    sender.publish(&topic, "sentinel", 1, false).await;
    later.expect("sentinel").await;
}

async fn will(broker: Broker) {
    let topic = fresh("will");
    let mut watcher = broker.connect().await;
    watcher.subscribe(&topic, 1).await;
    broker
        .connect_as(&fresh("polite"), false, Some(&topic))
        .await
        .close()
        .await;
    drop(broker.connect_as(&fresh("rude"), false, Some(&topic)).await);
    watcher.expect("gone").await;
    watcher.subscribe(&fresh("round-trip"), 1).await;
    assert!(
        watcher.messages.is_empty(),
        "{broker:?}: the polite client's will was published"
    );
}

async fn persistent_session(broker: Broker) {
    let (topic, id) = (fresh("offline"), fresh("keeper"));
    let mut first = broker.connect_as(&id, true, None).await;
    assert!(
        !first.session_present,
        "{broker:?}: a session was there before the first"
    );
    first.subscribe(&topic, 2).await;
    first.close().await;
    let mut sender = broker.connect().await;
    for (payload, qos) in [("missed 1", 1), ("missed 2", 1), ("missed 3", 2)] {
        sender.publish(&topic, payload, qos, false).await;
    }
    let mut second = broker.connect_as(&id, true, None).await;
    assert!(second.session_present, "{broker:?}: the session is gone");
    for payload in ["missed 1", "missed 2", "missed 3"] {
        second.expect(payload).await;
    }
    second.close().await;
    let mut clean = broker.connect_as(&id, false, None).await;
    assert!(
        !clean.session_present,
        "{broker:?}: a clean start found a session"
    );
    sender.publish(&topic, "unheard", 1, false).await;
    clean.subscribe(&topic, 1).await;
    sender.publish(&topic, "sentinel", 1, false).await;
    clean.expect("sentinel").await;
}

async fn wildcards(broker: Broker) {
    let base = fresh("wild");
    let (mut one, mut many) = (broker.connect().await, broker.connect().await);
    one.subscribe(&format!("{base}/+/t"), 0).await;
    many.subscribe(&format!("{base}/#"), 0).await;
    let mut sender = broker.connect().await;
    let levels = ["", "/a", "/a/t", "/a/b/t", "//t"];
    for level in levels {
        sender
            .publish(&format!("{base}{level}"), level, 0, false)
            .await;
    }
    for level in levels {
        many.expect(level).await;
    }
    one.expect("/a/t").await;
    one.expect("//t").await;
}

async fn dollar_rule(broker: Broker) {
    let mark = fresh("dollar");
    let mut everything = broker.connect().await;
    everything.subscribe("#", 0).await;
    let mut sender = broker.connect().await;
    sender
        .publish(&format!("$exchange/{mark}"), "hidden", 0, false)
        .await;
    sender.publish(&mark, "shown", 0, false).await;
    loop {
        let came = everything.message().await;
        assert!(
            !came.topic.starts_with('$'),
            "{broker:?}: # matched {}",
            came.topic
        );
        if came.topic == mark {
            return;
        }
    }
}

async fn unsubscribe(broker: Broker) {
    let (topic, other) = (fresh("gone"), fresh("stays"));
    let mut receiver = broker.connect().await;
    receiver.subscribe(&topic, 1).await;
    receiver.subscribe(&other, 1).await;
    let mut sender = broker.connect().await;
    sender.publish(&topic, "before", 1, false).await;
    receiver.expect("before").await;
    receiver.unsubscribe(&topic).await;
    sender.publish(&topic, "after", 1, false).await;
    sender.publish(&other, "sentinel", 1, false).await;
    receiver.expect("sentinel").await;
}

/// A topic or client id that no earlier exchange has used.
fn fresh(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("rumqttc-{}-{number}/{name}", std::process::id())
}
