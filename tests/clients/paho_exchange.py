#!/usr/bin/python3
"""Exchanges between paho-mqtt clients through a running broker.

    paho_exchange.py HOST PORT [tcp | websockets | tls CAFILE]

Prints a line for each check, over MQTT 3.1.1 and 5.0. The first one that fails
ends the run with a sentence and exit code 1. Works with paho-mqtt 1.6 and 2.
"""

import queue
import sys
import threading
import time
import uuid

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PATIENCE = 5  # seconds to wait for what must come
V311, V5 = mqtt.MQTTv311, mqtt.MQTTv5


class Failed(Exception):
    """A check's expectation was not met."""


def expect(condition, sentence):
    if not condition:
        raise Failed(sentence)


class Peer:
    """A connected client that collects what it is sent."""

    def __init__(self, version, name=None, keep=False, will=None, threaded=True):
        self.version = version
        self.messages = queue.Queue()
        self.done = {}
        self.connected = threading.Event()
        self.session_present = None
        self.client = self._client(name or f"paho-{uuid.uuid4().hex[:12]}", keep)
        self.client.on_connect = self._on_connect
        self.client.on_message = lambda _client, _data, message: self.messages.put(message)
        self.client.on_subscribe = lambda _client, _data, mid, *_: self._finish(mid)
        self.client.on_unsubscribe = lambda _client, _data, mid, *_: self._finish(mid)
        if will:
            self.client.will_set(will, "gone", qos=1, retain=False)
        if WAY == "tls":
            self.client.tls_set(ca_certs=CAFILE[0])
        self._connect(keep, threaded)

    def _client(self, name, keep):
        arguments = {"client_id": name, "protocol": self.version}
        if WAY == "websockets":
            arguments["transport"] = "websockets"  # at /mqtt
        if self.version == V311:
            arguments["clean_session"] = not keep
        if hasattr(mqtt, "CallbackAPIVersion"):
            return mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, **arguments)
        return mqtt.Client(**arguments)

    def _connect(self, keep, threaded):
        extra = {}
        if self.version == V5:
            extra["clean_start"] = not keep
            extra["properties"] = Properties(PacketTypes.CONNECT)
            if keep:
                extra["properties"].SessionExpiryInterval = 300
        self.client.connect(HOST, PORT, keepalive=30, **extra)
        if threaded:
            self.client.loop_start()
        deadline = time.monotonic() + PATIENCE
        while not self.connected.is_set() and time.monotonic() < deadline:
            self.connected.wait(0.05) if threaded else self.client.loop(0.05)
        expect(self.connected.is_set(), "the broker did not accept the connection")

    def _on_connect(self, _client, _data, flags, reason, *_):
        if getattr(reason, "value", reason) != 0:
            return
        if isinstance(flags, dict):
            self.session_present = bool(flags["session present"])
        else:
            self.session_present = flags.session_present
        self.connected.set()

    def _finish(self, mid):
        self.done.setdefault(mid, threading.Event()).set()

    def _wait(self, mid, what):
        event = self.done.setdefault(mid, threading.Event())
        expect(event.wait(PATIENCE), f"the broker did not answer {what}")

    def subscribe(self, topic, qos=0):
        self._wait(self.client.subscribe(topic, qos)[1], f"SUBSCRIBE to {topic}")
        return self

    def unsubscribe(self, topic):
        self._wait(self.client.unsubscribe(topic)[1], f"UNSUBSCRIBE from {topic}")

    def publish(self, topic, payload, qos=0, retain=False, properties=None):
        extra = {"properties": properties} if properties else {}
        info = self.client.publish(topic, payload, qos, retain, **extra)
        deadline = time.monotonic() + PATIENCE
        while not info.is_published() and time.monotonic() < deadline:
            time.sleep(0.002)
        expect(info.is_published(), f"{payload!r} at QoS {qos} was not acknowledged")

    def next(self, what):
        try:
            return self.messages.get(timeout=PATIENCE)
        except queue.Empty:
            raise Failed(f"{what} did not come") from None

    def expect_payloads(self, payloads):
        for wanted in payloads:
            message = self.next(repr(wanted))
            came = message.payload.decode()
            expect(came == wanted, f"{came!r} on {message.topic} came instead of {wanted!r}")

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def vanish(self):
        """Ends without DISCONNECT; only for a peer that is not threaded."""
        self.client.socket().close()


def fresh(name):
    """A topic that no earlier run has used."""
    return f"exchange/{uuid.uuid4().hex[:8]}/{name}"


def qos_levels(version):
    for qos in (0, 1, 2):
        topic = fresh(f"étage/qos{qos}")
        receiver, sender = Peer(version).subscribe(topic, qos), Peer(version)
        wanted = [f"{number}" for number in range(20)]
        for payload in wanted + ["last"]:
            sender.publish(topic, payload, qos)
        receiver.expect_payloads(wanted[:1])
        message = receiver.next("the second message")
        expect(message.qos == qos, f"it came at QoS {message.qos}, not {qos}")
        receiver.expect_payloads(wanted[2:] + ["last"])
        time.sleep(0.1)
        expect(receiver.messages.empty(), f"a message at QoS {qos} came twice")
        receiver.close(), sender.close()


def lower_qos_wins(version):
    topic = fresh("lower")
    receiver, sender = Peer(version).subscribe(topic, 1), Peer(version)
    sender.publish(topic, "from 2 to 1", 2)
    expect(receiver.next("the message").qos == 1, "it did not come at QoS 1")
    receiver.close(), sender.close()


def retained(version):
    topic = fresh("retained")
    sender = Peer(version)
    sender.publish(topic, "old", 1, retain=True)
    sender.publish(topic, "kept", 1, retain=True)
    late = Peer(version).subscribe(topic, 1)
    message = late.next("the retained message")
    expect(message.payload == b"kept", f"{message.payload} is not the last one retained")
    expect(message.retain, "a retained message came without the RETAIN flag")
    sender.publish(topic, "live", 1, retain=True)
    expect(not late.next("the live one").retain, "a live message came with the RETAIN flag")
    sender.publish(topic, "", 1, retain=True)
    late.expect_payloads([""])
    later = Peer(version).subscribe(topic, 1)
    sender.publish(topic, "sentinel", 1)
    later.expect_payloads(["sentinel"])
    late.close(), later.close(), sender.close()


def will(version):
    topic = fresh("will")
    watcher = Peer(version).subscribe(topic, 1)
    polite = Peer(version, will=topic)
    polite.close()
    time.sleep(0.2)
    expect(watcher.messages.empty(), "the will of a client that said goodbye was published")
    Peer(version, will=topic, threaded=False).vanish()
    watcher.expect_payloads(["gone"])
    watcher.close()


def persistent_session(version):
    topic, name = fresh("offline"), f"paho-{uuid.uuid4().hex[:12]}"
    first = Peer(version, name, keep=True)
    expect(not first.session_present, "a session is said to be present that never was")
    first.subscribe(topic, 2)
    first.close()
    sender = Peer(version)
    for number, qos in enumerate((1, 1, 2, 2)):
        sender.publish(topic, f"missed {number}", qos)
    second = Peer(version, name, keep=True)
    expect(second.session_present, "the session is not present any more")
    second.expect_payloads([f"missed {number}" for number in range(4)])
    sender.publish(topic, "live", 1)
    second.expect_payloads(["live"])
    second.close()
    clean = Peer(version, name)
    expect(not clean.session_present, "a clean start found a session")
    sender.publish(topic, "nobody hears this", 1)
    clean.subscribe(topic, 1)
    sender.publish(topic, "sentinel", 1)
    clean.expect_payloads(["sentinel"])
    clean.close(), sender.close()


def wildcards(version):
    base = fresh("wild")
    one, many = Peer(version).subscribe(f"{base}/+/t"), Peer(version).subscribe(f"{base}/#")
    sender = Peer(version)
    for level in ("", "/a", "/a/t", "/b/t", "/a/b/t", "//t"):
        sender.publish(base + level, level)
    sender.publish(f"{base}/end/t", "end")
    one.expect_payloads(["/a/t", "/b/t", "//t", "end"])
    many.expect_payloads(["", "/a", "/a/t", "/b/t", "/a/b/t", "//t", "end"])
    one.close(), many.close(), sender.close()


def dollar_rule(version):
    mark = uuid.uuid4().hex[:8]
    for everything in ("#", f"+/{mark}"):
        receiver, sender = Peer(version).subscribe(everything), Peer(version)
        sender.publish(f"$exchange/{mark}", "hidden")
        sender.publish(f"exchange/{mark}", "shown")
        while True:
            message = receiver.next(f"the sentinel on {everything}")
            expect(message.topic[:1] != "$", f"{everything} matched {message.topic}")
            if message.payload == b"shown":
                break
        receiver.close(), sender.close()


def unsubscribe(version):
    topic, other = fresh("gone"), fresh("stays")
    receiver, sender = Peer(version).subscribe(topic, 1).subscribe(other, 1), Peer(version)
    sender.publish(topic, "before", 1)
    receiver.expect_payloads(["before"])
    receiver.unsubscribe(topic)
    sender.publish(topic, "after", 1)
    sender.publish(other, "sentinel", 1)
    receiver.expect_payloads(["sentinel"])
    receiver.close(), sender.close()


def properties_travel(version):
    topic = fresh("properties")
    receiver, sender = Peer(version).subscribe(topic, 1), Peer(version)
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("unit", "°C"), ("unit", "K")]
    properties.ContentType = "text/plain"
    properties.ResponseTopic = "answers/here"
    properties.CorrelationData = b"\x00\x01"
    properties.PayloadFormatIndicator = 1
    sender.publish(topic, "21.5", 1, properties=properties)
    came = receiver.next("the message").properties
    for name in ("UserProperty", "ContentType", "ResponseTopic", "CorrelationData",
                 "PayloadFormatIndicator"):
        wanted, got = getattr(properties, name), getattr(came, name, None)
        expect(got == wanted, f"{name} came as {got!r}, not {wanted!r}")
    receiver.close(), sender.close()


def expiry(version):
    topic, name = fresh("expiry"), f"paho-{uuid.uuid4().hex[:12]}"
    Peer(version, name, keep=True).subscribe(topic, 1).close()
    sender = Peer(version)
    for payload, seconds in (("short-lived", 1), ("long-lived", 100)):
        properties = Properties(PacketTypes.PUBLISH)
        properties.MessageExpiryInterval = seconds
        sender.publish(topic, payload, 1, properties=properties)
    time.sleep(2.5)
    receiver = Peer(version, name, keep=True)
    message = receiver.next("the long-lived message")
    expect(message.payload == b"long-lived", f"{message.payload} came after it had expired")
    left = getattr(message.properties, "MessageExpiryInterval", None)
    expect(left is not None and 90 <= left <= 98, f"{left} of 100 seconds are left after 2.5")
    receiver.close(), sender.close()
    Peer(version, name).close()


def shared_subscription(version):
    topic = fresh("shared")
    members = [Peer(version).subscribe(f"$share/group/{topic}", 1) for _ in range(2)]
    watcher, sender = Peer(version).subscribe(topic, 1), Peer(version)
    wanted = sorted(f"{number:02}" for number in range(20))
    for payload in wanted:
        sender.publish(topic, payload, 1)
    watcher.expect_payloads(wanted)
    time.sleep(0.3)
    shares = [[member.messages.get().payload.decode()
               for _ in range(member.messages.qsize())] for member in members]
    expect(sorted(shares[0] + shares[1]) == wanted, f"the group of two got {shares}")
    expect(all(shares), f"one of two members got everything: {shares}")
    for peer in (*members, watcher, sender):
        peer.close()


def topic_alias(version):
    topic = fresh("alias")
    receiver, sender = Peer(version).subscribe(topic, 1), Peer(version)
    properties = Properties(PacketTypes.PUBLISH)
    properties.TopicAlias = 1
    sender.publish(topic, "named", 1, properties=properties)
    sender.publish("", "by alias", 1, properties=properties)
    for wanted in ("named", "by alias"):
        message = receiver.next(wanted)
        expect(message.payload.decode() == wanted, f"{message.payload} came, not {wanted}")
        expect(message.topic == topic, f"{wanted!r} came on {message.topic!r}")
    receiver.close(), sender.close()


BOTH = (qos_levels, lower_qos_wins, retained, will, persistent_session, wildcards, dollar_rule,
        unsubscribe)
ONLY_V5 = (properties_travel, expiry, shared_subscription, topic_alias)


def main():
    checks = [(V311, "3.1.1", check) for check in BOTH]
    checks += [(V5, "5.0", check) for check in BOTH + ONLY_V5]
    for version, name, check in checks:
        title = f"MQTT {name}: {check.__name__.replace('_', ' ')}"
        try:
            check(version)
        except (Failed, OSError) as error:
            sys.exit(f"{title}: {error}")
        print(f"ok   {title}", flush=True)


if __name__ == "__main__":
    WAY, *CAFILE = sys.argv[3:] or ["tcp"]
    if len(sys.argv) < 3 or (WAY, len(CAFILE)) not in (("tcp", 0), ("websockets", 0), ("tls", 1)):
        sys.exit(__doc__)
    HOST, PORT = sys.argv[1], int(sys.argv[2])
    main()
