//! What real sketches print, and what it means.

use proptest::prelude::*;

use super::*;
use crate::home::Value;

/// What a line means, written briefly: `temp=21.5°C hum=40%`, `-` for chatter.
fn meaning(line: &str) -> String {
    let mut link = Link::default();
    let events = link.receive(format!("{line}\n").as_bytes(), Moment(0));
    let Some(Event::Readings(said)) = events.first() else {
        return "-".into();
    };
    let show = |said: &Said| {
        let value = said.value.as_ref().map_or("?".into(), Value::to_string);
        format!(
            "{}={value}{}",
            said.name,
            said.unit.as_deref().unwrap_or("")
        )
    };
    said.iter().map(show).collect::<Vec<_>>().join(" ")
}

#[test]
fn lines_of_real_sketches() {
    let table = [
        // labelled
        ("temperature:21.5", "temperature=21.5"),
        ("temperature=21.5", "temperature=21.5"),
        ("temperature : 21.5", "temperature=21.5"),
        ("Temp: 21.5 C  Hum: 40 %", "Temp=21.5°C Hum=40%"),
        ("x:1,y:2", "x=1 y=2"),
        ("x:1, y:2, z:-3", "x=1 y=2 z=-3"),
        ("x:1\ty:2\tz:3", "x=1 y=2 z=3"),
        ("x:1 y:2", "x=1 y=2"),
        ("x=1;y=2;", "x=1 y=2"),
        ("Temp:\t21.5", "Temp=21.5"),
        ("Temp:   21.5   C", "Temp=21.5°C"),
        ("Temp (C): 21.5", "Temp=21.5°C"),
        ("Pressure [hPa]=1013.25", "Pressure=1013.25hPa"),
        ("Temp (outdoor): 4.0", "Temp (outdoor)=4"),
        ("Soil Moisture: 512", "Soil Moisture=512"),
        (
            "Humidity: 48.00%  Temperature: 23.10°C 73.58°F  Heat index: 22.63°C 72.74°F",
            "Humidity=48% Temperature=23.1°C Heat index=22.63°C",
        ),
        (
            "Humidity: 45.00 %\tTemperature: 23.00 *C ",
            "Humidity=45% Temperature=23°C",
        ),
        ("Temperature = 22.98 *C", "Temperature=22.98°C"),
        ("Approx. Altitude = 113.40 m", "Approx. Altitude=113.4m"),
        ("Distance: 12.3cm", "Distance=12.3cm"),
        ("Distance: 8 inches", "Distance=8in"),
        ("CO2: 612 ppm | TVOC: 12 ppb", "CO2=612ppm TVOC=12ppb"),
        ("A0: 1023", "A0=1023"),
        (
            "Voltage:3.30V Current:12.5mA",
            "Voltage=3.3V Current=12.5mA",
        ),
        ("BPM: 72", "BPM=72"),
        ("Pulse: 72 bpm", "Pulse=72bpm"),
        ("Free memory: 1024 bytes", "Free memory=1024B"),
        ("door: OPEN", "door=open"),
        ("Relay: ON", "Relay=on"),
        ("motion=true", "motion=on"),
        ("étage: 3", "étage=3"),
        ("v:1e3", "v=1000"),
        ("v:-0.0", "v=0"),
        // bare
        ("temperature 21.5", "temperature=21.5"),
        ("temperature 21.5 C", "temperature=21.5°C"),
        ("temp 21.5 C hum 40", "temp=21.5°C hum=40"),
        ("temp 21.5, hum 40 %", "temp=21.5 hum=40%"),
        ("light\t512", "light=512"),
        ("fan on", "fan=on"),
        ("LED OFF", "LED=off"),
        // numbers alone
        ("12.5", "value=12.5"),
        ("  512  ", "value=512"),
        ("21.5 C", "value=21.5°C"),
        ("512,300,22", "value-1=512 value-2=300 value-3=22"),
        ("0.12 -0.98 9.81", "value-1=0.12 value-2=-0.98 value-3=9.81"),
        // JSON
        (
            r#"{"temperature":21.5,"window":"open"}"#,
            "temperature=21.5 window=open",
        ),
        (
            r#"{"air":{"t":20,"h":41.5},"on":true}"#,
            "air-h=41.5 air-t=20 on=on",
        ),
        (r#"{"raw":[1,2,3],"t":20}"#, "t=20"),
        (r#"{"t":null}"#, "t=?"),
        (r#"{"raw":[1,2,3]}"#, "-"),
        (r#"{"status":"ready"}"#, "-"),
        (r#"{"t":20"#, "-"),
        ("[1,2,3]", "-"),
        // no number, though a thing is named
        (
            "Humidity: nan %\tTemperature: nan *C",
            "Humidity=?% Temperature=?°C",
        ),
        ("temp:NAN", "temp=?"),
        ("x:inf", "x=?"),
        ("x: ovf", "x=?"),
        // prose
        ("Hello world", "-"),
        ("Setup done", "-"),
        ("Connecting to WiFi...", "-"),
        ("DHT22 test!", "-"),
        ("DHTxx test!", "-"),
        ("Failed to read from DHT sensor!", "-"),
        ("Ready", "-"),
        ("OK", "-"),
        ("on", "-"),
        ("nan", "-"),
        ("Starting in 3", "-"),
        ("Waiting 5 s", "-"),
        ("Turning on", "-"),
        ("Error 5", "-"),
        ("Attempt 3", "-"),
        ("Sent 5 packets", "-"),
        ("Sensor 1 ready", "-"),
        ("Relay is off", "-"),
        ("IP address: 192.168.1.5", "-"),
        ("Connected to WiFi, IP: 192.168.1.7", "-"),
        ("http://192.168.4.1:80", "-"),
        ("MAC: 24:6F:28:AA:BB:CC", "-"),
        ("Uptime: 00:01:02", "-"),
        ("12:30:45", "-"),
        ("2026-11-22", "-"),
        ("Status: OK", "-"),
        ("temp: 21.5 is too hot", "-"),
        ("Temp:21.5,40", "-"),
        ("temp:", "-"),
        (":21.5", "-"),
        ("=====", "-"),
        ("----------", "-"),
        ("ets Jun  8 2016 00:22:57", "-"),
        (
            "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
            "-",
        ),
        ("mode:DIO, clock div:2", "-"),
        ("load:0x3fff0018,len:4", "-"),
        ("tail 8", "-"),
        ("I (328) wifi: wifi driver task: 3ffc1d04, prio:23", "-"),
        ("\u{1b}[0;32mtemp: 21\u{1b}[0m", "-"),
        ("code: 123456789012345678901234567890", "-"),
        ("1 2 3 4 5 6 7 8 9", "-"),
    ];
    for (line, expected) in table {
        assert_eq!(meaning(line), expected, "{line:?}");
    }
}

#[test]
fn a_line_already_begun_when_the_port_opens_is_not_read() {
    let mut link = Link::default();
    link.opened(Moment(1000));
    assert_eq!(link.receive(b"perature:21\n", Moment(1010)), []);
    assert_eq!(link.receive(b"t:2\n", Moment(1020)).len(), 1);
}

#[test]
fn a_line_after_a_silence_is_whole() {
    let mut link = Link::default();
    link.opened(Moment(1000));
    assert_eq!(link.receive(b"", Moment(1100)), []);
    assert_eq!(link.receive(b"t:2\n", Moment(2600)).len(), 1);
}

fn feed(bytes: &[u8], chunk: usize) -> Vec<Event> {
    let mut link = Link::default();
    let chunks = bytes.chunks(chunk.max(1));
    chunks
        .flat_map(|bytes| link.receive(bytes, Moment(0)))
        .collect()
}

/// Bytes thrown away are told in pieces; what they add up to must not depend
/// on how the stream was cut.
fn totals(events: &[Event]) -> (Vec<Event>, usize, usize) {
    let (mut whole, mut garbage, mut too_long) = (Vec::new(), 0, 0);
    for event in events {
        match event {
            Event::Garbage(bytes) => garbage += bytes,
            Event::TooLong(bytes) => too_long += bytes,
            other => whole.push(other.clone()),
        }
    }
    (whole, garbage, too_long)
}

fn mutated_line() -> impl Strategy<Value = Vec<u8>> {
    let lines = prop::sample::select(vec![
        "Humidity: 48.00%  Temperature: 23.10°C 73.58°F",
        "x:1,y:2,z:3",
        r#"{"air":{"t":20,"h":41.5},"on":true}"#,
        "temp 21.5 C hum 40 %",
        "512,300,22",
        "Relay: ON",
    ]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (lines, changes, 0..4usize).prop_map(|(line, changes, cut)| {
        let mut bytes = line.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - cut);
        bytes.push(b'\n');
        bytes
    })
}

fn check(bytes: &[u8], chunk: usize) -> Result<(), TestCaseError> {
    let events = feed(bytes, chunk);
    prop_assert_eq!(totals(&events), totals(&feed(bytes, bytes.len())));
    for event in &events {
        let Event::Readings(said) = event else {
            continue;
        };
        prop_assert!(said.len() <= MAX_LINE / 2);
        for said in said {
            prop_assert!(sentence::is_name(&said.name), "{}", said.name);
            prop_assert!(!said.name.contains('\0'));
            let number = said.value.as_ref().and_then(Value::as_number);
            prop_assert!(number.is_none_or(f64::is_finite));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn random_bytes_do_no_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..1500),
        chunk in 1..200usize,
    ) {
        check(&bytes, chunk)?;
    }

    #[test]
    fn damaged_lines_do_no_harm(
        lines in prop::collection::vec(mutated_line(), 1..6),
        chunk in 1..40usize,
    ) {
        check(&lines.concat(), chunk)?;
    }

    #[test]
    fn a_line_with_a_nul_is_never_a_reading(
        mut line in "[a-z]{1,8}:[0-9]{1,4}",
        at in any::<prop::sample::Index>(),
    ) {
        line.insert(at.index(line.len()), '\0');
        line.push('\n');
        prop_assert_eq!(feed(line.as_bytes(), 64), vec![Event::Garbage(line.len() - 1)]);
    }
}
