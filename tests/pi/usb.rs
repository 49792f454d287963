//! Boards that come and go on USB, as the kernel sees them.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

use crate::gadget::Gadget;
use crate::harness::{House, Site, eventually, within};
use crate::station::{Board, run_until};

const SERIAL: &str = "85735313932351D0C1A2";

/// Looks for boards by itself.
fn site() -> Site {
    let mut site = Site::new();
    site.scan = true;
    site
}

fn house() -> House {
    site().run("")
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn a_board_is_plugged_in_pulled_and_plugged_in_elsewhere() {
    let house = house();
    let mqtt = house.watch("#");
    let latest = |topic: &str| mqtt.latest(topic);
    let mut uno = Gadget::uno(Some(SERIAL));
    uno.plug(0);
    uno.print_until("temperature:21.5", || {
        latest("home/uno-c1a2/temperature").as_deref() == Some("21.5")
    });
    mqtt.wait_for("hearth/board/uno-c1a2/status", "online");
    let about = latest("hearth/board/uno-c1a2/about").unwrap();
    assert!(
        about.contains(SERIAL) && about.contains("/dev/ttyACM0"),
        "{about}"
    );

    uno.print_until("relay:off", || latest("home/uno-c1a2/relay").is_some());
    mqtt.publish("home/uno-c1a2/relay/set", "on");
    uno.wait_for_line("relay on");

    uno.unplug();
    within(Duration::from_secs(1), "the unplug to be seen", || {
        (latest("hearth/board/uno-c1a2/status")? == "offline").then_some(())
    });

    // Its port is another one now, its name is not.
    let mut other = Gadget::uno(Some("7"));
    other.plug(0);
    eventually("the other board", || latest("hearth/board/uno-7/about"));
    uno.plug(1);
    uno.print_until("temperature:22", || {
        latest("home/uno-c1a2/temperature").as_deref() == Some("22")
    });
    mqtt.wait_for("hearth/board/uno-c1a2/status", "online");
    let about = latest("hearth/board/uno-c1a2/about").unwrap();
    assert!(about.contains("/dev/ttyACM1"), "{about}");
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn twins_without_serial_numbers_both_work() {
    let house = house();
    let mqtt = house.watch("#");
    let latest = |topic: &str| mqtt.latest(topic);
    let mut twins = [Gadget::uno(None), Gadget::uno(None)];
    for (port, twin) in twins.iter_mut().enumerate() {
        twin.plug(port);
        let topic = format!("home/uno-ttyacm{port}/temperature");
        twin.print_until(&format!("temperature:2{port}"), || latest(&topic).is_some());
    }
    mqtt.wait_for("home/uno-ttyacm0/temperature", "20");
    mqtt.wait_for("home/uno-ttyacm1/temperature", "21");

    twins[0].unplug();
    mqtt.wait_for("hearth/board/uno-ttyacm0/status", "offline");
    twins[1].print_until("temperature:31", || {
        latest("home/uno-ttyacm1/temperature").as_deref() == Some("31")
    });
    assert_eq!(latest("hearth/board/uno-ttyacm1/status").unwrap(), "online");
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn twins_with_our_firmware_are_known_by_their_ids_wherever_they_are() {
    let house = house();
    let mqtt = house.watch("#");
    let (mut one, mut other) = (Board::new(0x11), Board::new(0x22));
    let map =
        |pin: u8| format!(r#"{{"things": [{{"name": "relay", "kind": "relay", "pin": {pin}}}]}}"#);
    one.plug(0);
    other.plug(1);
    let is = |topic: &str, value: &str| mqtt.latest(topic).as_deref() == Some(value);
    let both_online = || {
        let online = |id| is(&format!("hearth/board/uno-000000{id}/status"), "online");
        online("11") && online("22")
    };
    run_until(&mut [&mut one, &mut other], "both boards", |_| {
        both_online()
    });
    mqtt.retain("hearth/board/uno-00000011/config", &map(7));
    mqtt.retain("hearth/board/uno-00000022/config", &map(8));
    run_until(&mut [&mut one, &mut other], "their pins", |_| {
        is("home/uno-00000011/relay", "off") && is("home/uno-00000022/relay", "off")
    });
    mqtt.publish("home/uno-00000022/relay/set", "on");
    run_until(&mut [&mut one, &mut other], "the second relay", |_| {
        is("home/uno-00000022/relay", "on")
    });
    assert!(other.level(8) && !one.level(7));

    one.gadget.unplug();
    other.gadget.unplug();
    within(Duration::from_secs(1), "the unplug to be seen", || {
        let offline = |id| is(&format!("hearth/board/uno-000000{id}/status"), "offline");
        (offline("11") && offline("22")).then_some(())
    });
    // The other way round: their names and their pins go with them.
    // The one that is there first gets the first port.
    other.plug(0);
    run_until(&mut [&mut other], "the second board", |_| {
        is("hearth/board/uno-00000022/status", "online")
    });
    one.plug(1);
    run_until(&mut [&mut one, &mut other], "both boards again", |_| {
        both_online()
    });
    mqtt.publish("home/uno-00000011/relay/set", "on");
    run_until(&mut [&mut one, &mut other], "the first relay", |boards| {
        boards[0].level(7) && is("home/uno-00000011/relay", "on")
    });
    assert!(!other.level(8), "it starts safe");
    let about = mqtt.latest("hearth/board/uno-00000011/about").unwrap();
    assert!(about.contains("/dev/ttyACM1"), "{about}");
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn a_restart_of_the_gateway_does_not_reset_the_board() {
    let monitor = Monitor::start();
    let site = site();
    let mut uno = Gadget::uno(Some(SERIAL));
    uno.plug(0);
    for value in ["1", "2"] {
        let house = site.run("");
        let mqtt = house.watch("home/#");
        uno.print_until(&format!("count:{value}"), || {
            mqtt.latest("home/uno-c1a2/count").as_deref() == Some(value)
        });
        assert!(house.stop().status.success());
    }
    let seen = monitor.dtr();
    assert!(
        !seen.is_empty() && seen.iter().all(|raised| *raised),
        "{seen:?}"
    );

    // What another program does to it is seen, so ours would have been.
    close_with_hangup("/dev/ttyACM0");
    eventually("DTR to fall", || {
        monitor.dtr().contains(&false).then_some(())
    });
}

fn close_with_hangup(path: &str) {
    let port = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut settings = tcgetattr(&port).unwrap();
    settings.control_modes |= ControlModes::HUPCL;
    tcsetattr(&port, OptionalActions::Now, &settings).unwrap();
}

/// Sees what goes over every USB line, through the kernel's usbmon.
struct Monitor {
    /// For each time that a board was told the state of its lines, whether DTR
    /// is up.
    dtr: Arc<Mutex<Vec<bool>>>,
}

impl Monitor {
    fn start() -> Monitor {
        crate::machine::needed();
        let traffic = File::open("/sys/kernel/debug/usb/usbmon/0u").unwrap();
        let dtr = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&dtr);
        thread::spawn(move || {
            for line in BufReader::new(traffic).lines().map_while(Result::ok) {
                seen.lock().unwrap().extend(told_dtr(&line));
            }
        });
        Monitor { dtr }
    }

    fn dtr(&self) -> Vec<bool> {
        self.dtr.lock().unwrap().clone()
    }
}

/// SET_CONTROL_LINE_STATE (CDC PSTN 1.2, 6.3.14) is request 0x22; bit 0 of its
/// value is DTR.
fn told_dtr(line: &str) -> Option<bool> {
    let (_, setup) = line.split_once(" s 21 22 ")?;
    let value = u16::from_str_radix(setup.split(' ').next()?, 16).ok()?;
    Some(value & 1 == 1)
}
