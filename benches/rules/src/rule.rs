//! The rule that is measured, in Hearth's words and as Node-RED's flow: a fan goes on when
//! a room gets warmer than 28 and its window is not open.

use std::path::Path;

use serde_json::{Value, json};

/// Above and below the rule's limit: a room that hears them in turn fires with each `HOT`.
pub const HOT: &str = "29";
pub const COLD: &str = "21";

pub fn temperature(room: usize) -> String {
    format!("home/room{room}/temperature")
}

pub fn window(room: usize) -> String {
    format!("home/room{room}/window")
}

/// What the rule publishes `on` to.
pub fn fan(room: usize) -> String {
    format!("home/room{room}/fan/set")
}

/// All fans.
pub const FANS: &str = "home/+/fan/set";

/// The number in `home/room7/…`.
pub fn room_of(topic: &str) -> Option<usize> {
    topic
        .strip_prefix("home/room")?
        .split('/')
        .next()?
        .parse()
        .ok()
}

/// The rule of one room; `test` is `above = 28` in a house.
pub fn hearth(room: usize, test: &str) -> String {
    format!(
        "[[rule]]\nname = \"Fan of room {room}\"\n\
         when = {{ topic = \"{}\", {test} }}\n\
         if = \"value('{}') != 'open'\"\n\
         then = [{{ set = \"home/room{room}/fan\", to = \"on\" }}]\n",
        temperature(room),
        window(room),
    )
}

/// `hearth.toml` of a house with so many rooms; its rules stand beside it.
pub fn hearth_config(port: u16, http: u16, data: &Path) -> String {
    format!(
        "data = {data:?}\n[broker]\nlisten = \"127.0.0.1:{port}\"\n\
         [web]\nlisten = \"127.0.0.1:{http}\"\n[serial]\nscan = false\n"
    )
}

/// The files of `rules.d`, none longer than Hearth takes them.
pub fn hearth_rules(rooms: usize) -> impl Iterator<Item = String> {
    (0..rooms).step_by(1000).map(move |first| {
        let rooms = first..rooms.min(first + 1000);
        rooms.map(|room| hearth(room, "above = 28")).collect()
    })
}

/// How a Node-RED house is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The nodes that everyone knows, on a tab for each room.
    TabEach,
    /// One tab for all rooms: topics with a `+`, and two functions.
    OneTab,
}

/// `flows.json` of a house with so many rooms.
pub fn flows(port: u16, rooms: usize, layout: Layout) -> Value {
    let broker = json!({
        "id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": port.to_string(),
        "autoConnect": true, "usetls": false, "protocolVersion": "4", "keepalive": "60",
        "cleansession": true,
    });
    let nodes = match layout {
        Layout::TabEach => (0..rooms).flat_map(tab_of_a_room).collect(),
        Layout::OneTab => tab_of_all_rooms(),
    };
    std::iter::once(broker).chain(nodes).collect()
}

fn tab_of_a_room(room: usize) -> Vec<Value> {
    let tab = format!("tab{room}");
    let node = |kind: &str, to: &[&str], more| self::node(&tab, kind, to, more);
    let warm = json!({ "property": "payload", "propertyType": "msg", "outputs": 1,
        "rules": [{ "t": "gt", "v": "28", "vt": "num" }], "checkall": "true" });
    let shut = json!({ "property": "window", "propertyType": "flow", "outputs": 1,
        "rules": [{ "t": "neq", "v": "open", "vt": "str" }], "checkall": "true" });
    let on =
        json!({ "rules": [{ "t": "set", "p": "payload", "pt": "msg", "to": "on", "tot": "str" }] });
    let keep = json!({ "rules": [
        { "t": "set", "p": "window", "pt": "flow", "to": "payload", "tot": "msg" }] });
    vec![
        json!({ "id": tab, "type": "tab", "label": tab }),
        node(
            "mqtt in:temperature",
            &["switch:warm"],
            listen(&temperature(room)),
        ),
        node("switch:warm", &["switch:shut"], warm),
        node("switch:shut", &["change:on"], shut),
        node("change:on", &["mqtt out:fan"], on),
        node("mqtt out:fan", &[], say(&fan(room))),
        node("mqtt in:window", &["change:keep"], listen(&window(room))),
        node("change:keep", &[], keep),
    ]
}

fn tab_of_all_rooms() -> Vec<Value> {
    let node = |kind: &str, to: &[&str], more| self::node("all", kind, to, more);
    let warm = json!({ "property": "payload", "propertyType": "msg", "outputs": 1,
        "rules": [{ "t": "gt", "v": "28", "vt": "num" }], "checkall": "true" });
    let shut = "const room = msg.topic.split('/')[1];\n\
        if ((flow.get('windows') || {})[room] === 'open') return null;\n\
        return { topic: 'home/' + room + '/fan/set', payload: 'on' };";
    let keep = "const windows = flow.get('windows') || {};\n\
        windows[msg.topic.split('/')[1]] = msg.payload;\n\
        flow.set('windows', windows);";
    let function = |code: &str| json!({ "func": code, "outputs": 1, "libs": [] });
    vec![
        json!({ "id": "all", "type": "tab", "label": "all rooms" }),
        node(
            "mqtt in:temperature",
            &["switch:warm"],
            listen("home/+/temperature"),
        ),
        node("switch:warm", &["function:shut"], warm),
        node("function:shut", &["mqtt out:fan"], function(shut)),
        node("mqtt out:fan", &[], say("")),
        node(
            "mqtt in:window",
            &["function:keep"],
            listen("home/+/window"),
        ),
        node("function:keep", &[], function(keep)),
    ]
}

/// A node called `type:name` with wires to others of its tab.
fn node(tab: &str, kind: &str, to: &[&str], more: Value) -> Value {
    let id = |kind: &str| format!("{tab}-{}", kind.replace([' ', ':'], "-"));
    let wires: Vec<String> = to.iter().map(|kind| id(kind)).collect();
    let mut node = json!({
        "id": id(kind), "type": kind.split(':').next(), "z": tab, "wires": [wires],
    });
    if let (Some(node), Value::Object(more)) = (node.as_object_mut(), more) {
        node.extend(more);
    }
    node
}

fn listen(topic: &str) -> Value {
    json!({ "topic": topic, "qos": "1", "datatype": "utf8", "broker": "broker",
        "nl": false, "rap": true, "rh": 0, "inputs": 0 })
}

fn say(topic: &str) -> Value {
    json!({ "topic": topic, "qos": "1", "retain": "false", "broker": "broker" })
}
