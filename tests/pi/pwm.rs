//! PWM through the kernel's sysfs.
//!
//! The chip is a PCA9685 whose registers are memory, because no kernel
//! simulates the Pi's. What differs is shown to the gateway as the Pi has it,
//! by links: the chip's place in /sys/class/pwm, and its device's name. All
//! that is written goes through the kernel's PWM core into the registers.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::harness::{Site, eventually};
use crate::header::Header;
use crate::machine::{run, set};

const CLASS: &str = "/sys/class/pwm";
const BUS: &str = "/sys/bus/i2c/devices/i2c-0";
const REGISTERS: &str = "/sys/kernel/debug/regmap/0-0040/registers";

const FAN: &str = r#"
[pin.fan]
gpio = 18
room = "attic"
direction = "pwm"
frequency = 200
safe = 25
"#;

const LED: &str = r#"
[pin.led]
gpio = 19
room = "attic"
direction = "pwm"
frequency = 200
active_low = true
"#;

/// A Pi 4's PWM chip with its two channels. Dropping it takes it away.
struct Chip {
    chip: PathBuf,
}

impl Chip {
    fn new() -> Chip {
        set(Path::new(BUS).join("new_device"), "pca9685 0x40");
        let chip = fs::read_dir(CLASS).unwrap().next().unwrap().unwrap();
        let chip = fs::canonicalize(chip.path()).unwrap();
        run("mount", &["-t", "tmpfs", "pwm", CLASS]);
        let shown = Path::new(CLASS).join("pwmchip0");
        let device = Path::new(CLASS).join("soc/fe20c000.pwm");
        fs::create_dir(&shown).unwrap();
        fs::create_dir_all(&device).unwrap();
        symlink(device, shown.join("device")).unwrap();
        for file in ["export", "unexport", "npwm", "pwm0", "pwm1"] {
            symlink(chip.join(file), shown.join(file)).unwrap();
        }
        Chip { chip }
    }

    /// When a channel goes low, in 4096ths of the period; what is always on or
    /// off has bit 12 in the place of the other.
    fn counts(channel: usize) -> (u32, u32) {
        let registers = registers();
        let register = |number: usize| {
            let start = format!("{number:02x}: ");
            let line = registers
                .lines()
                .find_map(|line| line.trim().strip_prefix(&start));
            u32::from_str_radix(line.unwrap().trim(), 16).unwrap()
        };
        let first = 6 + 4 * channel;
        let pair = |low| register(low) | register(low + 1) << 8;
        (pair(first), pair(first + 2))
    }

    fn read(&self, file: &str) -> String {
        let text = fs::read_to_string(self.chip.join(file)).unwrap();
        text.trim().to_owned()
    }
}

impl Drop for Chip {
    fn drop(&mut self) {
        run("umount", &[CLASS]);
        set(Path::new(BUS).join("delete_device"), "0x40");
    }
}

/// The kernel gives them whole lines at a time: the room that is left in a
/// buffer which grows would be the end.
fn registers() -> String {
    let mut text = vec![0; 64 * 1024];
    let length = fs::File::open(REGISTERS).unwrap().read(&mut text).unwrap();
    String::from_utf8_lossy(&text[..length]).into_owned()
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn a_duty_goes_from_the_topic_into_the_registers() {
    let _header = Header::new();
    let chip = Chip::new();
    let house = Site::new().run(&[FAN, LED].concat());
    let mqtt = house.watch("#");
    mqtt.wait_for("home/attic/fan", "25");
    mqtt.wait_for("home/attic/led", "0");
    assert_eq!(chip.read("pwm0/period"), "5000000");
    assert_eq!(chip.read("pwm0/enable"), "1");
    assert_eq!(Chip::counts(0), (0, 1024), "a quarter of 4096");
    assert_eq!(
        chip.read("pwm1/duty_cycle"),
        "5000000",
        "off is always high"
    );

    mqtt.publish("home/attic/fan/set", "62.5");
    mqtt.wait_for("home/attic/fan", "62.5");
    assert_eq!(Chip::counts(0), (0, 2560));
    mqtt.publish("home/attic/led/set", "75");
    mqtt.wait_for("home/attic/led", "75");
    assert_eq!(Chip::counts(1), (0, 1024));

    mqtt.publish("home/attic/fan/set", "101");
    let refused = eventually("the refusal", || {
        mqtt.latest("hearth/board/pi/command/fan")
            .filter(|report| report.contains("refused"))
    });
    assert!(refused.contains("from 0 to 100"), "{refused}");

    assert!(house.stop().status.success());
    mqtt.wait_for("home/attic/fan", "25");
    assert_eq!(Chip::counts(0), (0, 1024), "safe after the stop");
    assert_eq!(chip.read("pwm0/enable"), "1");
    assert_eq!(chip.read("pwm1/duty_cycle"), "5000000");
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn a_channel_of_another_user_is_told_and_had_when_it_is_free() {
    let _header = Header::new();
    let chip = Chip::new();
    // The chip's channels can be had as plain outputs too.
    let other = gpiocdev::Request::builder()
        .on_chip(gpio_side())
        .with_line(0)
        .as_output(gpiocdev::line::Value::Inactive)
        .request()
        .unwrap();
    let house = Site::new().run(&[FAN, LED].concat());
    let mqtt = house.watch("#");
    let told = eventually("the fault", || {
        mqtt.latest("hearth/board/pi/fault")
            .filter(|fault| !fault.is_empty())
    });
    for word in ["pin fan", "channel 0 of fe20c000.pwm", "in use by"] {
        assert!(told.contains(word), "{told}");
    }
    mqtt.publish("home/attic/led/set", "50");
    mqtt.wait_for("home/attic/led", "50");
    drop(other);
    mqtt.wait_for("home/attic/fan", "25");
    mqtt.wait_for("hearth/board/pi/fault", "");
    assert_eq!(chip.read("pwm0/enable"), "1");
}

#[test]
#[ignore = "needs the kernel of scripts/test-pi"]
fn without_a_chip_the_overlay_is_named_until_it_is_there() {
    let _header = Header::new();
    let house = Site::new().run(FAN);
    let mqtt = house.watch("#");
    let told = eventually("the fault", || {
        mqtt.latest("hearth/board/pi/fault")
            .filter(|fault| !fault.is_empty())
    });
    assert!(told.contains("dtoverlay=pwm,pin=18,func=2"), "{told}");
    let _chip = Chip::new();
    mqtt.wait_for("home/attic/fan", "25");
    mqtt.wait_for("hearth/board/pi/fault", "");
}

/// The PCA9685 as a GPIO chip.
fn gpio_side() -> PathBuf {
    let mut paths = gpiocdev::chip::chips().unwrap().into_iter();
    let is_it = |path: &PathBuf| {
        let chip = gpiocdev::Chip::from_path(path).unwrap();
        chip.info().unwrap().label.contains("0-0040")
    };
    paths.find(is_it).unwrap()
}
