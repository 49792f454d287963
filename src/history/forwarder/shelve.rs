//! Puts samples of many series where they belong on the server.
//!
//! It is what the sealer does with chunks, in rows: what is late comes after what is there
//! of its millisecond, minutes and hours are added to, and what came before is dropped.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;

use super::thinning::Thinning;
use crate::clock::{ClockQuality, UtcMillis};
use crate::history::rollup::{Bucket, Period, Rolled, coarser};
use crate::history::sample::{Origin, Sample};
use crate::history::sealer::{Shelved, Shelving, minutes, only_new, with_late};
use crate::history::store::postgres::samples::{self, Place, Placed};
use crate::history::store::postgres::{rollups, series};
use crate::history::store::shelves::{Kinds, Rollups};
use crate::home::Value;

/// Samples of one series.
#[derive(Debug)]
pub struct Coming<'a> {
    pub series: u32,
    pub samples: Vec<Sample>,
    /// For a deadband.
    pub thinning: Option<&'a mut Thinning>,
    /// See [`Shelving::equal_is_doubled`].
    pub equal_is_doubled: bool,
}

/// Puts samples on the server, in whichever order they are.
///
/// # Errors
/// If the server does not take them.
pub async fn shelve(
    connection: &mut PgConnection,
    mut coming: Vec<Coming<'_>>,
) -> sqlx::Result<Shelved> {
    for one in &mut coming {
        one.samples.sort_by_key(|sample| sample.at);
    }
    let there = There::look(&mut *connection, &coming).await?;
    let mut work = Work::default();
    for one in coming {
        work.add(one, &there);
    }
    work.write(connection).await
}

/// What is on the server of what comes.
#[derive(Debug, Default)]
struct There {
    newest: HashMap<u32, UtcMillis>,
    origins: HashSet<(u32, Origin)>,
    /// At the times of late samples.
    samples: HashMap<u32, Vec<Placed>>,
}

impl There {
    async fn look(connection: &mut PgConnection, coming: &[Coming<'_>]) -> sqlx::Result<There> {
        let ids: Vec<u32> = coming.iter().map(|one| one.series).collect();
        let newest = samples::newest(&mut *connection, &ids).await?;
        let mut there = There {
            newest: newest.into_iter().collect(),
            ..There::default()
        };
        let counted = coming.iter().flat_map(|one| {
            let origins = one.samples.iter().filter_map(|sample| sample.origin);
            origins.map(|origin| (one.series, origin))
        });
        let counted: Vec<(u32, Origin)> = counted.collect();
        if !counted.is_empty() {
            there.origins = samples::known_origins(&mut *connection, &counted).await?;
        }
        let late = coming.iter().flat_map(|one| {
            let until = there.first_fresh(one.series, &one.samples);
            let late = one.samples[..until].iter();
            late.map(|sample| (one.series, sample.at))
        });
        let late: Vec<(u32, UtcMillis)> = late.collect();
        if !late.is_empty() {
            for placed in samples::at(connection, &late).await? {
                let of_series = there.samples.entry(placed.series).or_default();
                of_series.push(placed);
            }
        }
        Ok(there)
    }

    /// How many of these are late, the first ones.
    fn first_fresh(&self, series: u32, samples: &[Sample]) -> usize {
        let newest = self.newest.get(&series);
        newest.map_or(0, |newest| {
            samples.partition_point(|sample| sample.at <= *newest)
        })
    }
}

/// What is to be written.
#[derive(Debug, Default)]
struct Work {
    late_rows: Vec<Placed>,
    rows: Vec<Placed>,
    gone: Vec<Place>,
    kinds: Vec<(u32, Kinds)>,
    /// Minutes of late samples, and of others.
    late: Vec<(u32, Vec<Rolled>)>,
    fresh: Vec<(u32, Vec<Rolled>)>,
    shelved: Shelved,
}

impl Work {
    fn add(&mut self, coming: Coming<'_>, there: &There) {
        let Coming {
            series,
            mut samples,
            thinning,
            equal_is_doubled,
        } = coming;
        let came = samples.len();
        let mut seen: HashSet<Origin> = HashSet::new();
        let is_new = |sample: &Sample| {
            let is_known = |origin| there.origins.contains(&(series, origin));
            sample
                .origin
                .is_none_or(|origin| !is_known(origin) && seen.insert(origin))
        };
        samples.retain(is_new);
        let fresh = samples.split_off(there.first_fresh(series, &samples));
        let at_their_times = there.samples.get(&series).map_or(&[][..], Vec::as_slice);
        let how = Shelving {
            deadband: None,
            equal_is_doubled,
        };
        let equal: Vec<Sample> = at_their_times
            .iter()
            .map(|one| one.sample.clone())
            .collect();
        let late = only_new(&equal, samples, how);
        let added = late.len() + fresh.len();
        self.shelved += Shelved {
            added: added as u64,
            doubled: (came - added) as u64,
        };
        self.late.push((series, minutes(&late)));
        self.fresh.push((series, minutes(&fresh)));
        let mut kinds = Kinds::default();
        let mut places = Places::behind(at_their_times);
        for sample in late {
            kinds += kind(&sample.value, 1);
            self.late_rows.push(places.place(series, sample));
        }
        self.add_fresh(series, fresh, thinning, &mut kinds);
        self.kinds.push((series, kinds));
    }

    fn add_fresh(
        &mut self,
        series: u32,
        fresh: Vec<Sample>,
        thinning: Option<&mut Thinning>,
        kinds: &mut Kinds,
    ) {
        let mut places = Places::default();
        let Some(thinning) = thinning else {
            for sample in fresh {
                *kinds += kind(&sample.value, 1);
                self.rows.push(places.place(series, sample));
            }
            return;
        };
        let thinned = thinning.thin(fresh);
        for sample in thinned.to_send {
            *kinds += kind(&sample.value, 1);
            self.rows.push(places.place(series, sample));
        }
        if let (true, Some(held)) = (thinned.last_is_held, self.rows.last()) {
            thinning.sent(held.sample.clone(), held.nth);
        }
        if let Some((gone, nth)) = thinned.to_take_back {
            *kinds += kind(&gone.value, -1);
            self.gone.push(Place {
                series,
                at: gone.at,
                nth,
            });
        }
    }

    async fn write(self, connection: &mut PgConnection) -> sqlx::Result<Shelved> {
        samples::insert(&mut *connection, &self.late_rows).await?;
        let told = self.told(&mut *connection).await?;
        self.roll(&mut *connection, Rollups::Minutes, &told).await?;
        self.roll(&mut *connection, Rollups::Hours, &told).await?;
        samples::insert(&mut *connection, &self.rows).await?;
        if !self.gone.is_empty() {
            samples::remove(&mut *connection, &self.gone).await?;
        }
        series::count(connection, &self.kinds).await?;
        Ok(self.shelved)
    }

    /// The minutes of each hour that something late was of, as the rows tell them.
    async fn told(&self, connection: &mut PgConnection) -> sqlx::Result<Told> {
        let mut told = Told::new();
        for (series, minutes_of_late) in &self.late {
            for hour in coarser(Period::Hour, minutes_of_late) {
                let end = hour.start.0.saturating_add(Period::Hour.millis() - 1);
                let stretch = (hour.start, UtcMillis(end));
                let mut there = Vec::new();
                let each = |at, value| there.push(sample(at, value));
                samples::values(&mut *connection, *series, stretch, each).await?;
                told.entry(*series).or_default().extend(minutes(&there));
            }
        }
        Ok(told)
    }

    /// Buckets add up whichever way they are put together.
    async fn roll(
        &self,
        connection: &mut PgConnection,
        kind: Rollups,
        told: &Told,
    ) -> sqlx::Result<()> {
        let of_kind = |(series, minutes): &(u32, Vec<Rolled>)| match kind {
            Rollups::Minutes => (*series, minutes.clone()),
            Rollups::Hours => (*series, coarser(Period::Hour, minutes)),
        };
        let late: Vec<(u32, Vec<Rolled>)> = self.late.iter().map(of_kind).collect();
        let fresh: Vec<(u32, Vec<Rolled>)> = self.fresh.iter().map(of_kind).collect();
        let all = late.iter().chain(&fresh);
        let keys = all.flat_map(|(series, rolled)| rolled.iter().map(|one| (*series, one.start)));
        let keys: Vec<(u32, UtcMillis)> = keys.collect::<BTreeSet<_>>().into_iter().collect();
        if keys.is_empty() {
            return Ok(());
        }
        let there = rollups::there(&mut *connection, kind, &keys).await?;
        let mut buckets: BTreeMap<(u32, UtcMillis), Bucket> = there.into_iter().collect();
        put_all(&mut buckets, &late, |series, there, late| {
            let told = told.get(&series).map_or(&[][..], Vec::as_slice);
            match kind {
                Rollups::Minutes => with_late(there, late, told),
                Rollups::Hours => with_late(there, late, &coarser(Period::Hour, told)),
            }
        });
        put_all(&mut buckets, &fresh, |_, there, fresh| {
            there.then(fresh.bucket)
        });
        let buckets: Vec<_> = buckets.into_iter().collect();
        rollups::put(connection, kind, &buckets).await
    }
}

/// Minutes of each series, in order of time.
type Told = HashMap<u32, Vec<Rolled>>;

fn sample(at: UtcMillis, value: Value) -> Sample {
    Sample {
        at,
        value,
        origin: None,
        clock: ClockQuality::Unknown,
    }
}

fn put_all(
    buckets: &mut BTreeMap<(u32, UtcMillis), Bucket>,
    rolled: &[(u32, Vec<Rolled>)],
    together: impl Fn(u32, Bucket, &Rolled) -> Bucket,
) {
    for (series, rolled) in rolled {
        for one in rolled {
            let key = (*series, one.start);
            let bucket = match buckets.get(&key) {
                Some(there) => together(*series, *there, one),
                None => one.bucket,
            };
            buckets.insert(key, bucket);
        }
    }
}

/// Counts the samples of each millisecond.
#[derive(Debug, Default)]
struct Places(HashMap<UtcMillis, i32>);

impl Places {
    /// After those that are there.
    fn behind(there: &[Placed]) -> Places {
        let next = there.iter().map(|one| (one.sample.at, one.nth + 1));
        Places(next.collect())
    }

    fn place(&mut self, series: u32, sample: Sample) -> Placed {
        let next = self.0.entry(sample.at).or_insert(0);
        let nth = *next;
        *next += 1;
        Placed {
            series,
            nth,
            sample,
        }
    }
}

fn kind(value: &Value, count: i64) -> Kinds {
    let mut kinds = Kinds::default();
    match value {
        Value::Number(_) => kinds.numbers = count,
        Value::Switch(_) => kinds.switches = count,
        Value::Text(_) => kinds.texts = count,
    }
    kinds
}
