//! `hearth flash` through the real avrdude and the Uno's bootloader.

use std::path::Path;
use std::process::{Command, Output};

use crate::board::{Uno, artefact, eventually};
use crate::harness::Site;
use crate::talk::Talk;

fn flash(port: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hearth"))
        .arg("flash")
        .arg(port)
        .args(more)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The bytes of an Intel HEX file that begins at address 0 and has no gaps.
fn bytes_of(hex: &Path) -> Vec<u8> {
    let text = std::fs::read_to_string(hex).unwrap();
    let mut bytes = Vec::new();
    for record in text.lines().filter(|record| &record[7..9] == "00") {
        let byte = |at: usize| u8::from_str_radix(&record[at..at + 2], 16).unwrap();
        let address = usize::from(byte(3)) << 8 | usize::from(byte(5));
        assert_eq!(address, bytes.len(), "{record}");
        bytes.extend((0..usize::from(byte(1))).map(|at| byte(9 + 2 * at)));
    }
    bytes
}

#[test]
fn a_new_uno_gets_the_firmware_and_comes_up_on_the_page() {
    let uno = Uno::start_empty();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("firmware/uno.hex");
    let program = bytes_of(&kept);
    assert_ne!(uno.flash()[..program.len()], program);
    let output = flash(&uno.port(), &[]);
    let (out, progress) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{progress}");
    assert!(out.contains("written and verified"), "{out}");
    assert_eq!(progress, "writing …\nverifying …\n");
    assert_eq!(uno.flash()[..program.len()], program);
    let mut site = Site::new();
    site.ports = vec![uno.port()];
    let house = site.run("");
    eventually("the board on the page", || {
        let page = house.page("/boards");
        (page.contains("uno-") && page.contains("s firmware, on ")).then_some(())
    });
}

#[test]
fn any_other_program_goes_on_a_board_too() {
    let uno = Uno::start_empty();
    let hex = artefact("uno.hex");
    let output = flash(&uno.port(), &["--hex", hex.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains(&hex.display().to_string()));
    assert!(Talk::open(&uno).wait_for_connect().starts_with("uno-"));
    let output = flash(&uno.port(), &["--hex", "/nowhere/x.hex"]);
    assert!(text(&output.stderr).contains("/nowhere/x.hex cannot be read"));
}

#[test]
fn a_board_that_does_not_answer_is_told_with_what_to_try() {
    // Without a bootloader nobody understands avrdude.
    let uno = Uno::start();
    let output = flash(&uno.port(), &[]);
    assert!(!output.status.success());
    let error = text(&output.stderr);
    assert!(error.contains("no answer from the bootloader"), "{error}");
    assert!(error.contains("hearth boards"), "{error}");
}

#[test]
fn a_port_in_use_is_told_with_who_has_it() {
    let uno = Uno::start_empty();
    let _open = std::fs::File::open(uno.port()).unwrap();
    let output = flash(&uno.port(), &[]);
    assert!(!output.status.success());
    let error = text(&output.stderr);
    let me = format!("process {}", std::process::id());
    assert!(error.contains(&me), "{error}");
}

#[test]
fn a_dry_run_touches_nothing() {
    let uno = Uno::start_empty();
    let output = flash(&uno.port(), &["--dry-run"]);
    let command = text(&output.stdout);
    assert!(
        command.starts_with("avrdude -p atmega328p -c arduino"),
        "{command}"
    );
    assert_eq!(uno.starts("external"), 0, "the port was opened");
}

#[test]
fn a_missing_avrdude_is_told_with_its_package() {
    let uno = Uno::start_empty();
    let output = Command::new(env!("CARGO_BIN_EXE_hearth"))
        .arg("flash")
        .arg(uno.port())
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert!(error.contains("apt-get install avrdude"), "{error}");
}
