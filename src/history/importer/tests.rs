//! What is pushed is there afterwards, once.

use std::path::Path;

use super::*;
use crate::clock::ClockQuality;
use crate::history::Archive;
use crate::history::sample::Origin;
use crate::home::Value;

fn sample(at: i64, value: Value) -> Sample {
    Sample {
        at: UtcMillis(at),
        value,
        origin: None,
        clock: ClockQuality::Rtc,
    }
}

async fn all(file: &Path, topic: &str) -> Vec<Sample> {
    let archive = Archive::open(file).await.unwrap();
    let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
    let mut all = archive
        .samples([topic.to_owned()], ever.0, ever.1)
        .await
        .unwrap();
    let mut found = Vec::new();
    while let Some(said) = all.next().await.unwrap() {
        found.push(said.sample);
    }
    found
}

#[tokio::test]
async fn more_than_fits_in_memory_is_there_once_though_it_is_imported_twice() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let count = i64::try_from(GATHERED).unwrap() * 2 + 1000;
    // Two samples of each millisecond are equal.
    let numbers =
        || (0..count).map(|n| sample(n / 2 * 500, Value::Number((n / 2 % 100) as f64 / 4.0)));
    for nth in 0..2 {
        let mut importer = Importer::open(&file).await.unwrap();
        for sample in numbers() {
            importer.push("home/lab/temperature", sample).await.unwrap();
        }
        let imported = importer.finish().await.unwrap();
        let (samples, doubled) = [(count, 0), (0, count)][nth];
        let expected = Imported {
            samples: samples.cast_unsigned(),
            doubled: doubled.cast_unsigned(),
            refused: 0,
            series: 1,
        };
        assert_eq!(imported, expected);
    }
    assert!(
        all(&file, "home/lab/temperature")
            .await
            .into_iter()
            .eq(numbers())
    );
}

#[tokio::test]
async fn any_order_will_do_and_what_is_no_value_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let mut importer = Importer::open(&file).await.unwrap();
    let origin = Some(Origin {
        boot: 1,
        sequence: 2,
    });
    importer
        .describe("home/lab/door", Some("m".into()), None)
        .await
        .unwrap();
    importer
        .describe("home/lab/door", Some("km".into()), None)
        .await
        .unwrap();
    for sample in [
        sample(30, Value::Text("é".repeat(200))),
        sample(10, Value::Switch(true)),
        sample(20, Value::Number(f64::NAN)),
        Sample {
            origin,
            ..sample(5, Value::Number(-0.0))
        },
        Sample {
            origin,
            ..sample(5, Value::Number(-0.0))
        },
    ] {
        importer.push("home/lab/door", sample).await.unwrap();
    }
    let imported = importer.finish().await.unwrap();
    assert_eq!(
        (imported.samples, imported.doubled, imported.refused),
        (3, 1, 1)
    );
    let found = all(&file, "home/lab/door").await;
    let expected = [
        Sample {
            origin,
            ..sample(5, Value::Number(-0.0))
        },
        sample(10, Value::Switch(true)),
        sample(30, Value::Text("é".repeat(128))),
    ];
    assert_eq!(found, expected);
    let series = Archive::open(&file).await.unwrap().sizes().await.unwrap();
    assert_eq!(
        (series[0].info.unit.as_deref(), series[0].samples),
        (Some("m"), 3)
    );
}

#[tokio::test]
async fn forgetting_needs_no_gateway_but_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    assert!(matches!(
        forget(&file, "home/lab/door").await,
        Err(ArchiveError::Missing(_))
    ));
    let mut importer = Importer::open(&file).await.unwrap();
    importer
        .push("home/lab/door", sample(1, Value::Switch(true)))
        .await
        .unwrap();
    importer.finish().await.unwrap();
    assert_eq!(forget(&file, "home/lab/door").await.unwrap(), 1);
    assert_eq!(all(&file, "home/lab/door").await, []);
}

#[tokio::test]
async fn a_file_knows_better_than_a_name_what_is_measured() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let mut importer = Importer::open(&file).await.unwrap();
    for (topic, unit) in [
        ("home/lab/temperature", Some("°C")),
        ("home/lab/power", Some("%")),
        ("home/lab/humidity", None),
    ] {
        let unit = unit.map(str::to_owned);
        importer.describe(topic, unit, None).await.unwrap();
        importer
            .push(topic, sample(1, Value::Number(1.0)))
            .await
            .unwrap();
    }
    importer.finish().await.unwrap();
    let archive = Archive::open(&file).await.unwrap();
    let series = archive.series().await.unwrap();
    archive.close().await;
    let known = series
        .iter()
        .map(|one| (one.unit.as_deref(), one.device_class));
    let expected = [
        (Some("%"), Some(DeviceClass::Humidity)),
        (Some("%"), None),
        (Some("°C"), Some(DeviceClass::Temperature)),
    ];
    assert!(known.eq(expected), "{series:?}");
}
