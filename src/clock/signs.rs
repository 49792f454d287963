//! Looks for the signs by which a clock is judged.
//!
//! The kernel itself would say whether the clock is synchronised (adjtimex), but a
//! service that must not touch the clock (`ProtectClock=` of our unit) may not ask.

use std::fs;
use std::path::Path;

use super::quality::Signs;

/// systemd-timesyncd makes it when it has set the clock (systemd-timesyncd(8)).
const SYNCHRONISED: &str = "run/systemd/timesync/synchronized";
/// One folder for each clock with a battery.
const RTCS: &str = "sys/class/rtc";
/// Docker, Podman, and systemd inside a container.
const CONTAINER: [&str; 3] = [".dockerenv", "run/.containerenv", "run/systemd/container"];
/// Xen, and the hypervisors that a device tree names.
const HYPERVISOR: [&str; 2] = ["sys/hypervisor/type", "proc/device-tree/hypervisor"];
/// Where firmware names the maker of the computer, and one that makes none.
const VENDOR: &str = "sys/class/dmi/id/sys_vendor";
const PROCESSOR: &str = "proc/cpuinfo";

/// What a system shows whose root is `root`.
pub fn look(root: &Path) -> Signs {
    Signs {
        synchronised: root.join(SYNCHRONISED).exists(),
        was_set: false,
        rtc_year: rtc_year(root),
        is_guest: is_guest(root),
    }
}

/// What may be another than before.
pub fn look_again(root: &Path, before: Signs) -> Signs {
    Signs {
        synchronised: root.join(SYNCHRONISED).exists(),
        ..before
    }
}

/// The latest of all clocks with a battery.
fn rtc_year(root: &Path) -> Option<i16> {
    let clocks = fs::read_dir(root.join(RTCS)).ok()?;
    let year = |clock: fs::DirEntry| -> Option<i16> {
        let date = fs::read_to_string(clock.path().join("date")).ok()?;
        date.split('-').next()?.trim().parse().ok()
    };
    clocks.flatten().filter_map(year).max()
}

fn is_guest(root: &Path) -> bool {
    let exists = |file: &&str| root.join(file).exists();
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    CONTAINER.iter().chain(&HYPERVISOR).any(exists)
        || read(VENDOR).starts_with("QEMU")
        || is_virtual(&read(PROCESSOR))
}

/// x86 says so among the processor's flags; User Mode Linux calls itself its maker.
fn is_virtual(processor: &str) -> bool {
    processor.lines().any(|line| {
        let (key, value) = line.split_once(':').unwrap_or_default();
        match key.trim() {
            "flags" => value.split_whitespace().any(|flag| flag == "hypervisor"),
            "vendor_id" => value.trim() == "User Mode Linux",
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn system(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn signs(files: &[(&str, &str)]) -> Signs {
        look(system(files).path())
    }

    #[test]
    fn a_bare_pi_shows_nothing_until_it_is_synchronised() {
        let pi = system(&[
            (
                "proc/cpuinfo",
                "processor\t: 0\nFeatures\t: fp asimd hypervisor\n",
            ),
            ("sys/class/rtc/.keep", ""),
            ("run/systemd/timesync/other", ""),
        ]);
        let before = look(pi.path());
        assert_eq!(before, Signs::default());
        fs::write(pi.path().join(SYNCHRONISED), "").unwrap();
        assert!(look(pi.path()).synchronised);
        assert!(look_again(pi.path(), before).synchronised);
    }

    #[test]
    fn the_latest_clock_with_a_battery_counts() {
        let date = |rtc, date| (rtc, date);
        let two = [
            date("sys/class/rtc/rtc0/date", "1970-01-01\n"),
            date("sys/class/rtc/rtc1/date", "2026-11-28\n"),
        ];
        assert_eq!(signs(&two[..1]).rtc_year, Some(1970));
        assert_eq!(signs(&two).rtc_year, Some(2026));
        let broken = date("sys/class/rtc/rtc0/date", "nothing");
        assert_eq!(signs(&[broken]).rtc_year, None);
    }

    #[test]
    fn guests_are_known_by_what_their_host_leaves() {
        for (file, text) in [
            (".dockerenv", ""),
            ("run/.containerenv", "engine=\"podman\""),
            ("run/systemd/container", "lxc"),
            ("sys/hypervisor/type", "xen"),
            ("sys/class/dmi/id/sys_vendor", "QEMU\n"),
            ("proc/cpuinfo", "flags\t\t: fpu hypervisor lahf_lm\n"),
            ("proc/cpuinfo", "vendor_id\t: User Mode Linux\n"),
        ] {
            assert!(signs(&[(file, text)]).is_guest, "{file}: {text}");
        }
        let real = [
            (
                "proc/cpuinfo",
                "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n",
            ),
            ("sys/class/dmi/id/sys_vendor", "LENOVO\n"),
        ];
        assert!(!signs(&real).is_guest);
    }
}
