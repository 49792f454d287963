//! A house that lived, and what `hearth replay` makes of its history.

use crate::harness::{Site, hearth};

const RULES: &str = r#"
[[rule]]
name = "Fan on when hot"
when = { topic = "home/greenhouse/temperature", above = 28, until_below = 26.5 }
then = [{ set = "home/greenhouse/fan", to = "on" }]

[[rule]]
name = "Lamp"
when = { topic = "home/hall/presence", is = "on", for = "300ms" }
if = "value('home/hall/lux') < 20"
then = [{ set = "home/hall/lamp", to = "on" }]

[[rule]]
name = "Bell"
when = [{ webhook = "bell" }, { button = "Ring" }]
then = [{ set = "home/hall/bell", to = "{{ payload }}" }]
"#;

#[test]
fn the_replay_of_a_life_gives_what_was_done_in_it() {
    let site = Site::new();
    let (data, folder) = (site.data(), site.folder().to_owned());
    let house = site.run(RULES);
    let mqtt = house.watch("#");
    let say = |topic: &str, payload: &str| {
        mqtt.publish(topic, payload);
        mqtt.wait_for(topic, payload);
    };
    say("home/hall/lux", "12");
    say("home/greenhouse/temperature", "29.5");
    mqtt.wait_for("home/greenhouse/fan/set", "on");
    say("home/greenhouse/temperature", "25");
    say("home/hall/presence", "on");
    mqtt.wait_for("home/hall/lamp/set", "on");
    say("home/greenhouse/temperature", "31");
    let fans = || mqtt.payloads("home/greenhouse/fan/set").len();
    crate::harness::eventually("the fan's second command", || (fans() == 2).then_some(()));
    say("hearth/hook/bell", "once");
    mqtt.wait_for("home/hall/bell/set", "once");
    say("hearth/rule/bell/set", "disabled");
    say("hearth/hook/bell", "unheard");
    say("hearth/rule/bell/set", "enabled");
    say("hearth/rule/bell/press", "Ring");
    mqtt.wait_for("home/hall/bell/set", "Ring");
    // Somebody does by hand what no rule would.
    say("home/hall/lamp/set", "off");
    assert!(house.stop().status.success());

    let (config, draft) = (folder.join("hearth.toml"), folder.join("draft.toml"));
    let replay = |rules: &str| {
        std::fs::write(&draft, rules).unwrap();
        let mut command = hearth();
        command.arg("replay").arg("--rules").arg(&draft);
        command
            .arg("--config")
            .arg(&config)
            .arg("--data")
            .arg(&data);
        let output = command.args(["--from", "-10m"]).output().unwrap();
        let streams = [&output.stdout, &output.stderr];
        let text = streams.map(|stream| String::from_utf8_lossy(stream).into_owned());
        (output.status.code(), text.concat())
    };
    let (code, said) = replay(RULES);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("5 actions the same, 0 only would, 1 only did"),
        "{said}"
    );
    assert_eq!(
        said.matches("home/hall/lamp/set = off").count(),
        1,
        "{said}"
    );
    // A draft that waits for more heat.
    let (_, said) = replay(&RULES.replace("above = 28", "above = 30"));
    assert!(
        said.contains("4 actions the same, 0 only would, 2 only did"),
        "{said}"
    );
    // A draft with a slip is shown with its place.
    let (code, said) = replay(&RULES.replace("value('home/hall/lux')", "valu('home/hall/lux')"));
    assert_eq!(code, Some(78), "{said}");
    assert!(
        said.contains("draft.toml:10") && said.contains("^^^^"),
        "{said}"
    );
}
