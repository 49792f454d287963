//! The config as a user meets it: what a file means, and how its problems read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::boards::FoundBy;
use crate::broker::access::pattern::Who;
use crate::broker::bridge::Settings;
use crate::broker::tls::authority::Authority;
use crate::gpio::level::Duty;
use crate::gpio::{Bias, Direction, Driver};
use crate::home::{DeviceClass, Kind, Value};
use crate::rules::{Expectation, Given, RuleProblem, Test, Where, Within};

fn read_text(text: &str) -> Result<(Config, Warnings), Problems> {
    load_text("hearth.toml", text, Path::new("/etc/hearth"))
}

#[test]
fn an_empty_file_is_a_config() {
    let (config, warnings) = read_text("").unwrap();
    assert_eq!(config, Config::default());
    assert!(warnings.is_empty());
}

#[test]
fn the_example_is_fine() {
    let (config, warnings) = load(Path::new("examples/hearth.toml")).unwrap();
    assert!(warnings.is_empty(), "{warnings}");
    assert_eq!(config.home.name, "Lab house");
    assert!(!config.rules.is_empty() && !config.rules[0].tests.is_empty());
}

/// Each line of the example that starts with `#key` or `#[section]` shows a
/// default or a possibility: with all of them in place it is still a config.
#[test]
fn the_example_is_fine_without_its_comment_signs() {
    let text = std::fs::read_to_string("examples/hearth.toml").unwrap();
    let bare = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with([' ', '#']) => rest.to_owned(),
        _ => line.to_owned(),
    };
    let text: Vec<String> = text.lines().map(bare).collect();
    let folder = with_certificates();
    let (config, _) = load_text("hearth.toml", &text.join("\n"), folder.path()).unwrap();
    assert_eq!(config.home.latitude, Some(47.51));
    assert!(config.broker.tls.is_some() && config.broker.websocket.listen.is_some());
    let influx = config.history.influx.unwrap();
    let usual = crate::history::influx::Settings::new(influx.to.clone());
    assert_eq!(
        (influx.topics, influx.timeout, influx.queue),
        (usual.topics, usual.timeout, usual.queue)
    );
    let bridge = &config.broker.bridges[0];
    let defaults = Settings::new("cloud", bridge.address.clone());
    assert_eq!(
        (bridge.queue, bridge.when_full),
        (defaults.queue, defaults.when_full)
    );
    assert_eq!(
        (bridge.version, bridge.clean_start),
        (defaults.version, defaults.clean_start)
    );
    assert_eq!(bridge.keep_alive, defaults.keep_alive);
    assert_eq!(bridge.session_expiry, defaults.session_expiry);
}

/// A folder with the files that the example names, and a key of no use to them.
fn with_certificates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tls = folder.path().join("tls");
    std::fs::create_dir(&tls).unwrap();
    let now = crate::clock::Clock::start().now().utc;
    let (authority, ca) = Authority::create("Test CA", now).unwrap();
    let server = authority.server(&["localhost".to_owned()]).unwrap();
    let write = |name: &str, text: &str| std::fs::write(tls.join(name), text).unwrap();
    write("ca.pem", &ca.certificate);
    write("ca.key", &ca.key);
    write("server.pem", &server.certificate);
    write("server.key", &server.key);
    let client = authority.client("house7").unwrap();
    write("house7.pem", &client.certificate);
    write("house7.key", &client.key);
    for secret in ["cloud-password", "influx.token"] {
        std::fs::write(folder.path().join(secret), "secret\n").unwrap();
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(tls.join("server.key"), open).unwrap();
    folder
}

#[test]
fn certificates_are_looked_at_with_the_rest() {
    let folder = with_certificates();
    let load = |key: &str| {
        let text = format!(
            "[broker.tls]\nlisten = '127.0.0.1:8883'\ncertificate = 'tls/server.pem'\nkey = '{key}'"
        );
        load_text("hearth.toml", &text, folder.path())
    };
    let clean = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    let wrong = clean(load("tls/ca.key").unwrap_err().to_string());
    insta::assert_snapshot!(wrong, @"
    error: the key tls/ca.key does not fit the certificate tls/server.pem
     --> hearth.toml:4:7
      |
    4 | key = 'tls/ca.key'
      |       ^^^^^^^^^^^^
      |
      = help: each certificate has a key of its own: name the one that was made with it
    ");
    let (_, warnings) = load("tls/server.key").unwrap();
    insta::assert_snapshot!(clean(warnings.to_string()), @"
    warning: everyone on this computer can read the key tls/server.key
     --> hearth.toml:4:7
      |
    4 | key = 'tls/server.key'
      |       ^^^^^^^^^^^^^^^^
      |
      = help: sudo chgrp hearth FILE && sudo chmod 640 FILE
    ");
}

#[test]
fn relative_data_lies_beside_the_file() {
    let (mut config, _) = read_text("data = 'state'").unwrap();
    assert_eq!(config.data, Path::new("/etc/hearth/state"));
    assert_eq!(
        config.history.file,
        Path::new("/etc/hearth/state/history.db")
    );
    config.keep_data_in("/tmp/elsewhere".into());
    assert_eq!(config.history.file, Path::new("/tmp/elsewhere/history.db"));
}

#[test]
fn boards_and_pins_mean_what_they_say() {
    let (config, _) = read_text(
        r#"
        gpio.driver = "simulated"
        serial = { scan = false, ports = ["/dev/serial0"] }
        board.shed.port = "/dev/ttyUSB0"
        board.shed.baud = 9600
        board.shed.thing."Temp 1" = { name = "temperature", device_class = "temperature" }
        board.shed.thing.vent = { kind = "number", unit = "°", min = 0, max = 90 }
        pin.door = { gpio = 4, room = "hall", direction = "input", bias = "pull-up" }
        pin.fan = { gpio = 18, room = "hall", direction = "pwm", frequency = 25000, safe = 37.5 }
        pin.lamp = { gpio = 5, room = "hall", direction = "output", safe = "on", active_low = true }
        "#,
    )
    .unwrap();
    let shed = &config.boards.boards[0];
    assert!(!config.boards.scan && config.gpio.driver == Driver::Simulated);
    assert_eq!(shed.found_by, FoundBy::Port("/dev/ttyUSB0".into()));
    let temperature = &shed.things["temp-1"];
    assert_eq!(temperature.device_class, Some(DeviceClass::Temperature));
    assert_eq!(shed.things["vent"].kind, Some(Kind::Number));
    let [door, fan, lamp] = &config.gpio.pins[..] else {
        panic!("three pins");
    };
    let (bias, debounce) = (Bias::PullUp, Duration::from_millis(30));
    assert_eq!(door.direction, Direction::Input { bias, debounce });
    assert_eq!(lamp.direction, Direction::Output { safe: true });
    let (frequency, safe) = (25_000, Duty::from_percent(37.5).unwrap());
    assert_eq!(fan.direction, Direction::Pwm { frequency, safe });
}

#[test]
fn a_rule_means_what_it_says() {
    let (config, _) = read_text(
        r#"
        [[rule]]
        name = "Fan"
        when = [
          { topic = "home/g/t", above = 28, until_below = 26.5, for = "1m30s" },
          { topic = "home/g/fan", is = "on" },
        ]
        if = "value('home/g/window') != 'open'"
        then = { publish = "x", payload = 3, qos = 1 }
        test = [{ name = "t", given = [
            { at = "20s", topic = "a", payload = "2" },
            { topic = "a", payload = "1" },
        ], expect_not = { set = "home/g/fan", before = "10m" } }]
        "#,
    )
    .unwrap();
    let rule = &config.rules[0];
    assert_eq!(rule.when[0].hold, Duration::from_secs(90));
    let above = |limit, until_below| Test::Above { limit, until_below };
    assert_eq!(rule.when[0].test, above(28.0, 26.5));
    assert_eq!(rule.when[1].test, Test::Is(Value::Switch(true)));
    let scenario = &rule.tests[0];
    let first = Given::message(Duration::ZERO, "a", "1");
    assert_eq!(scenario.given[0], first, "in the order of time");
    let unwanted = Expectation {
        before: Some(Duration::from_secs(600)),
        ..Expectation::message("home/g/fan/set", None)
    };
    assert_eq!(scenario.expect_not, [unwanted]);
}

#[test]
fn listening_to_the_network_draws_a_warning() {
    let (_, warnings) = read_text("[web]\nlisten = '0.0.0.0:8080'").unwrap();
    insta::assert_snapshot!(warnings, @r"
    warning: whoever reaches 0.0.0.0:8080 can switch things in this house
     --> hearth.toml:2:10
      |
    2 | listen = '0.0.0.0:8080'
      |          ^^^^^^^^^^^^^^
      |
      = help: there is no login yet: keep to networks whose every user you trust
    ");
}

#[test]
fn clients_from_the_network_draw_warnings_that_say_what_is_open() {
    let said = |text: &str| read_text(text).unwrap().1.to_string();
    let listen = "[broker]\nlisten = '0.0.0.0:1883'\n";
    insta::assert_snapshot!(said(listen), @r"
    warning: on their way to 0.0.0.0:1883, messages and passwords can be read
     --> hearth.toml:2:10
      |
    2 | listen = '0.0.0.0:1883'
      |          ^^^^^^^^^^^^^^
      |
      = help: let others come in over [broker.tls]; docs/tls.md shows how
    ");
    let open = said(&format!("{listen}anonymous = true"));
    insta::assert_snapshot!(open, @r"
    warning: on their way to 0.0.0.0:1883, messages and passwords can be read
     --> hearth.toml:2:10
      |
    2 | listen = '0.0.0.0:1883'
      |          ^^^^^^^^^^^^^^
      |
      = help: let others come in over [broker.tls]; docs/tls.md shows how

    warning: whoever reaches 0.0.0.0:1883 can switch things, without a password
     --> hearth.toml:3:13
      |
    3 | anonymous = true
      |             ^^^^
      |
      = help: take this line out and make users with `hearth user add NAME`, or say under [access.anonymous] what strangers may do
    ");
    let limited = said(&format!(
        "{listen}anonymous = true\n[access.anonymous]\nread = '#'"
    ));
    assert!(limited.contains("comes in without a password"), "{limited}");
    let on_page = said("[broker]\nanonymous = true\n[web]\nlisten = '[::]:8080'");
    assert!(on_page.contains("whoever reaches [::]:8080 can switch things, without a password"));
    assert_eq!(
        said("[broker]\nanonymous = true"),
        "",
        "this computer alone"
    );
    assert_eq!(said("[broker]\nanonymous = false"), "");
}

#[test]
fn a_client_id_that_anybody_may_take_draws_a_warning() {
    let (config, warnings) = read_text(
        "[access.client.panel]\nread = ['#']\n\
         [access.client.phone]\nuser = 'anna'\nwrite = ['home/+/+/set', '%u/%c']",
    )
    .unwrap();
    insta::assert_snapshot!(warnings, @r#"
    warning: every client may call itself `panel`
     --> hearth.toml:1:16
      |
    1 | [access.client.panel]
      |                ^^^^^
      |
      = help: clients choose their ids: say whose this one is with user = "NAME"
    "#);
    let phone = &config.broker.access.clients["phone"];
    let who = |user| Who {
        user,
        client_id: "phone",
    };
    assert!(config.broker.access.may_use_id(&who(Some("anna"))));
    let rights = config.broker.access.rights(&who(Some("anna")));
    assert!(
        rights.may_write("anna/phone") && !rights.may_read("anna/phone"),
        "{phone:?}"
    );
}

#[test]
fn a_missing_file_says_what_to_do() {
    let problems = load(Path::new("/nowhere/hearth.toml")).unwrap_err();
    let expected = "error: cannot read /nowhere/hearth.toml: \
                    No such file or directory (os error 2)\n \
                    |\n = help: check the path given with --config";
    assert_eq!(problems.to_string(), expected);
}

#[test]
fn a_file_in_another_encoding_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hearth.toml");
    std::fs::write(&path, b"[home]\nname = \"\xe9t\xe9\"\n").unwrap();
    let text = load(&path).unwrap_err().to_string();
    assert!(
        text.contains("hearth.toml is not UTF-8 text: see line 2"),
        "{text}"
    );
    std::fs::write(&path, vec![b'#'; 2 << 20]).unwrap();
    let text = load(&path).unwrap_err().to_string();
    assert!(text.contains("longer than 1024 KiB"), "{text}");
}

/// What the rules engine finds in a condition is shown at its place.
#[test]
fn a_problem_within_a_condition_is_shown_within_the_file() {
    let at = |condition: &str| {
        let text = format!(
            "[[rule]]\nname = 'A'\nwhen = {{ topic = 'a', changes = true }}\n\
             if = {condition}\nthen = {{ set = 'home/a/b', to = 'on' }}"
        );
        let files = [File {
            name: "hearth.toml".to_owned(),
            text,
        }];
        let findings = Findings::default();
        let trees = file::parse(&files, &findings);
        let mut places = Places::default();
        read_rules(&trees, &findings, &mut places);
        let problem = RuleProblem {
            rule: 0,
            at: Where::Condition,
            within: Some(Within {
                text: "1 == valu(2)".to_owned(),
                range: 5..9,
            }),
            other: None,
            message: "unknown function".to_owned(),
            hint: None,
        };
        findings.error(check::place(problem, &places, &files));
        findings
            .into_result(files.to_vec())
            .unwrap_err()
            .to_string()
    };
    let carets = |text: &str| text.matches('^').count();
    assert_eq!(carets(&at("'1 == valu(2)'")), 4);
    assert_eq!(carets(&at(r#""1\u0020== valu(2)""#)), 19, "the whole text");
}

#[test]
fn each_problem_reads_as_its_snapshot() {
    let folder = Path::new("tests/config_problems");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => compare(&path, &path.with_extension("txt")),
            None => compare(&path.join("hearth.toml"), &path.join("problems.txt")),
            _ => continue,
        }
        seen += 1;
    }
    assert!(seen >= 20, "{seen} cases found");
}

/// `UPDATE_SNAPSHOTS=1 cargo test` writes what is found; read it before you commit it.
fn compare(config: &Path, snapshot: &PathBuf) {
    let found = load(config).unwrap_err().render(false);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(snapshot, &found).unwrap();
    }
    let expected = std::fs::read_to_string(snapshot).unwrap_or_default();
    assert_eq!(found, expected, "{}", config.display());
}
