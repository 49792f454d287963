//! Which board is on which port. Pure: the ports found in, names out.
//!
//! A board with Hearth's firmware is known by the id that it says, wherever it is
//! plugged in. A `[board.NAME]` gets its board by that id, by USB serial number or
//! by path. Others get a name that stays the same as long as the board can be told
//! apart: its id, `uno-c1a2` from the product and the end of the serial number, or
//! `ch340-ttyusb0` where there is neither.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::naming::{derived, model, port_word};
use super::{BoardSettings, FoundBy};
use crate::home::topic;

/// A serial port that is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    /// The device itself; links are followed.
    pub device: PathBuf,
    /// As the config or the kernel names it.
    pub path: PathBuf,
    pub usb: Option<Usb>,
    /// What the board has said of itself since it is plugged in.
    pub client: Option<Introduced>,
}

/// A board that speaks frames has said who it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Introduced {
    /// Its client id.
    pub id: String,
    /// The speed at which it was understood.
    pub baud: u32,
}

/// What the kernel knows of a USB device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usb {
    pub vendor: u16,
    pub product: u16,
    pub serial: Option<String>,
    pub product_name: Option<String>,
}

impl Usb {
    /// The serial number, or `vendor:product` where there is none.
    pub fn sign(&self) -> String {
        self.serial.clone().unwrap_or_else(|| self.id())
    }

    /// `2341:0043`
    pub fn id(&self) -> String {
        format!("{:04x}:{:04x}", self.vendor, self.product)
    }
}

impl Found {
    /// A pty has no speed, no modem lines and no USB.
    pub fn is_pty(&self) -> bool {
        self.device.starts_with("/dev/pts")
    }
}

/// Names in use, and what is behind them.
#[derive(Debug)]
pub(super) struct Registry {
    boards: Vec<BoardSettings>,
    present: BTreeMap<String, Found>,
    /// By device, as long as it is there.
    introduced: BTreeMap<PathBuf, Introduced>,
}

impl Registry {
    pub fn new(boards: Vec<BoardSettings>) -> Registry {
        Registry {
            boards,
            present: BTreeMap::new(),
            introduced: BTreeMap::new(),
        }
    }

    /// The board on a device has said who it is.
    ///
    /// # Errors
    /// Another one that is there has said the same.
    pub fn introduce(&mut self, device: &Path, said: Introduced) -> Result<(), PathBuf> {
        let same = |(_, other): &(&PathBuf, &Introduced)| other.id == said.id;
        let twin = self.introduced.iter().find(same).map(|(device, _)| device);
        if let Some(twin) = twin.filter(|twin| *twin != device) {
            return Err(twin.clone());
        }
        self.introduced.insert(device.to_owned(), said);
        Ok(())
    }

    /// What the board on a device has said holds no longer.
    pub fn forget(&mut self, device: &Path) {
        self.introduced.remove(device);
    }

    /// Takes the list of ports that are there now; returns who sits on which.
    /// No two ports have one name, and a port keeps its name while it is there.
    pub fn update(&mut self, mut found: Vec<Found>) -> &BTreeMap<String, Found> {
        found.sort();
        found.dedup_by(|other, kept| self.merge(other, kept));
        let is_there = |device: &PathBuf| found.iter().any(|port| port.device == *device);
        self.introduced.retain(|device, _| is_there(device));
        for port in &mut found {
            port.client = self.introduced.get(&port.device).cloned();
        }
        let before = std::mem::take(&mut self.present);
        found.retain(|port| !self.keep(port, &before));
        found.retain(|port| !self.place_configured(port));
        for port in found {
            let name = self.free_name(&port);
            self.present.insert(name, port);
        }
        &self.present
    }

    /// Joins two entries for one device: what USB says, and the path that the
    /// config uses.
    fn merge(&self, other: &mut Found, kept: &mut Found) -> bool {
        if other.device != kept.device {
            return false;
        }
        kept.usb = kept.usb.take().or(other.usb.take());
        if self.is_configured(other) || kept.path == kept.device {
            kept.path = std::mem::take(&mut other.path);
        }
        true
    }

    /// Whether a `[board.NAME]` names this port.
    pub fn is_configured(&self, port: &Found) -> bool {
        self.boards
            .iter()
            .any(|board| matches(&board.found_by, port))
    }

    fn keep(&mut self, port: &Found, before: &BTreeMap<String, Found>) -> bool {
        let same = |old: &Found| old.device == port.device && old.usb == port.usb;
        let says = |old: &Found| old.client == port.client;
        let Some((name, _)) = before.iter().find(|(_, old)| same(old) && says(old)) else {
            return false;
        };
        self.present.insert(name.clone(), port.clone());
        true
    }

    fn place_configured(&mut self, port: &Found) -> bool {
        let free = |board: &&BoardSettings| {
            matches(&board.found_by, port) && !self.present.contains_key(&board.name)
        };
        let mut matching: Vec<&BoardSettings> = self.boards.iter().filter(free).collect();
        // What the board says of itself says more than where it is.
        matching.sort_by_key(|board| !matches!(board.found_by, FoundBy::Id(_)));
        let Some(name) = matching.first().map(|board| board.name.clone()) else {
            return false;
        };
        self.present.insert(name, port.clone());
        true
    }

    fn free_name(&self, port: &Found) -> String {
        let taken: BTreeSet<&str> = (self.boards.iter().map(|board| board.name.as_str()))
            .chain(self.present.keys().map(String::as_str))
            .collect();
        let port_word = port_word(&port.device);
        let model = model(port);
        let id = port.client.as_ref().map(|client| client.id.clone());
        let candidates = [
            id.unwrap_or_default(),
            derived(port, 4),
            derived(port, 8),
            format!("{model}-{port_word}"),
            port_word,
        ];
        let numbered = (2..).map(|n| format!("board-{n}"));
        candidates
            .into_iter()
            .chain(numbered)
            .map(|name| topic::word(&name))
            .find(|name| !name.is_empty() && !taken.contains(name.as_str()))
            .unwrap_or_else(|| "board".into())
    }
}

fn matches(found_by: &FoundBy, port: &Found) -> bool {
    match found_by {
        FoundBy::Usb(serial) => {
            let known = port.usb.as_ref().and_then(|usb| usb.serial.as_ref());
            known.is_some_and(|known| known.eq_ignore_ascii_case(serial))
        }
        FoundBy::Id(id) => port.client.as_ref().is_some_and(|client| client.id == *id),
        FoundBy::Port(path) => *path == port.path || *path == port.device,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uno(device: &str, serial: Option<&str>) -> Found {
        usb(device, 0x2341, 0x0043, serial)
    }

    fn usb(device: &str, vendor: u16, product: u16, serial: Option<&str>) -> Found {
        let usb = Usb {
            vendor,
            product,
            serial: serial.map(Into::into),
            product_name: None,
        };
        Found {
            device: device.into(),
            path: device.into(),
            usb: Some(usb),
            client: None,
        }
    }

    fn plain(path: &str, device: &str) -> Found {
        Found {
            device: device.into(),
            path: path.into(),
            usb: None,
            client: None,
        }
    }

    fn configured(name: &str, found_by: FoundBy) -> BoardSettings {
        BoardSettings {
            name: name.into(),
            found_by,
            room: None,
            baud: None,
            things: BTreeMap::new(),
        }
    }

    fn names(registry: &mut Registry, found: &[Found]) -> Vec<String> {
        registry.update(found.to_vec()).keys().cloned().collect()
    }

    #[test]
    fn a_name_is_derived_from_what_tells_boards_apart() {
        for (found, name) in [
            (
                uno("/dev/ttyACM0", Some("85735313932351D0C1A2")),
                "uno-c1a2",
            ),
            (uno("/dev/ttyACM0", Some("2351")), "uno-2351"),
            (usb("/dev/ttyUSB0", 0x1a86, 0x7523, None), "ch340-ttyusb0"),
            (
                usb("/dev/ttyUSB0", 0x1234, 0x0001, Some("  ")),
                "usb-ttyusb0",
            ),
            (plain("/run/house/greenhouse", "/dev/pts/5"), "greenhouse"),
            (plain("/dev/pts/5", "/dev/pts/5"), "pts-5"),
        ] {
            assert_eq!(names(&mut Registry::new(vec![]), &[found]), [name]);
        }
    }

    #[test]
    fn the_config_names_a_board_wherever_it_is_plugged_in() {
        let by_serial = configured("greenhouse", FoundBy::Usb("85ab".into()));
        let by_path = configured("cellar", FoundBy::Port("/dev/serial0".into()));
        let mut registry = Registry::new(vec![by_serial, by_path]);
        let found = [
            uno("/dev/ttyACM3", Some("85AB")),
            plain("/dev/serial0", "/dev/ttyS0"),
        ];
        assert_eq!(names(&mut registry, &found), ["cellar", "greenhouse"]);
        let moved = [uno("/dev/ttyACM0", Some("85AB"))];
        assert_eq!(names(&mut registry, &moved), ["greenhouse"]);
    }

    #[test]
    fn twins_have_two_names() {
        let mut registry = Registry::new(vec![configured("a", FoundBy::Usb("1".into()))]);
        let twins = [
            uno("/dev/ttyACM0", Some("1")),
            uno("/dev/ttyACM1", Some("1")),
        ];
        assert_eq!(names(&mut registry, &twins), ["a", "uno-1"]);
        let clones = ["/dev/ttyUSB0", "/dev/ttyUSB1"].map(|port| usb(port, 0x1a86, 0x7523, None));
        assert_eq!(
            names(&mut registry, &clones),
            ["ch340-ttyusb0", "ch340-ttyusb1"]
        );
    }

    #[test]
    fn a_board_keeps_its_name_when_its_twin_goes() {
        let mut registry = Registry::new(vec![]);
        let twins = [
            uno("/dev/ttyACM0", Some("77")),
            uno("/dev/ttyACM1", Some("77")),
        ];
        assert_eq!(names(&mut registry, &twins), ["uno-77", "uno-ttyacm1"]);
        assert_eq!(names(&mut registry, &twins[1..]), ["uno-ttyacm1"]);
    }

    #[test]
    fn a_board_that_says_its_id_is_known_by_it_on_any_port() {
        let by_id = configured("pond", FoundBy::Id("uno-00000002".into()));
        let by_path = configured("shed", FoundBy::Port("/dev/ttyUSB1".into()));
        let mut registry = Registry::new(vec![by_path, by_id]);
        let clones = ["/dev/ttyUSB0", "/dev/ttyUSB1"].map(|port| usb(port, 0x1a86, 0x7523, None));
        assert_eq!(names(&mut registry, &clones), ["ch340-ttyusb0", "shed"]);
        let says = |id: &str| Introduced {
            id: id.into(),
            baud: 115_200,
        };
        let devices = clones.each_ref().map(|port| port.device.clone());
        registry
            .introduce(&devices[0], says("uno-00000001"))
            .unwrap();
        registry
            .introduce(&devices[1], says("uno-00000002"))
            .unwrap();
        assert_eq!(names(&mut registry, &clones), ["pond", "uno-00000001"]);
        let twin = registry.introduce(&devices[0], says("uno-00000002"));
        assert_eq!(twin, Err(devices[1].clone()));
        // Unplugged, and the other way round.
        assert!(names(&mut registry, &[]).is_empty());
        registry
            .introduce(&devices[0], says("uno-00000002"))
            .unwrap();
        assert_eq!(names(&mut registry, &clones), ["pond", "shed"]);
    }

    fn any_port() -> impl Strategy<Value = Found> {
        let serial = prop::option::of(prop::sample::select(vec!["1", "2", "ABCD", "", "board"]));
        (0..6u8, 0..3u16, serial, any::<bool>()).prop_map(|(port, product, serial, is_usb)| {
            let device = format!("/dev/tty{port}");
            if is_usb {
                usb(&device, 0x1234, product, serial)
            } else {
                plain(&format!("/dev/link{}", port % 2), &device)
            }
        })
    }

    proptest! {
        #[test]
        fn two_ports_never_share_a_name_and_a_port_keeps_its_own(
            steps in prop::collection::vec(prop::collection::vec(any_port(), 0..8), 1..6),
        ) {
            let mut registry = Registry::new(vec![
                configured("tty3", FoundBy::Usb("abcd".into())),
                configured("one", FoundBy::Port("/dev/link1".into())),
            ]);
            let mut before = BTreeMap::new();
            for found in steps {
                let devices: BTreeSet<_> = found.iter().map(|port| port.device.clone()).collect();
                let now = registry.update(found).clone();
                let named: BTreeSet<_> = now.values().map(|port| port.device.clone()).collect();
                prop_assert_eq!(&named, &devices);
                prop_assert_eq!(now.len(), devices.len());
                prop_assert!(now.keys().all(|name| topic::is_word(name)));
                for (name, port) in &before {
                    let stays = now.values().any(|other: &Found| other == port);
                    prop_assert!(!stays || now.get(name) == Some(port));
                }
                before = now;
            }
        }
    }
}
