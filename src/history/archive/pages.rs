//! One series, a page at a time: a chunk is decoded again for each of its pages, so that
//! many series at once do not take the memory of as many chunks.

use std::collections::VecDeque;

use crate::clock::UtcMillis;
use crate::history::chunk;
use crate::history::sample::Sample;
use crate::history::store::shelves::{self, Chunk};
use crate::history::view::{FileView, RemoteView, Series, View};

/// The samples of a series within a stretch of time.
#[derive(Debug)]
pub(super) struct Pages {
    series: Series,
    from: UtcMillis,
    to: UtcMillis,
    page: usize,
    /// At most a page, off the shelves.
    held: VecDeque<Sample>,
    /// What the log holds of it.
    in_log: VecDeque<Sample>,
    reading: Reading,
    /// Chunks that could not be read.
    unreadable: u64,
}

/// Where the next page is.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// Nothing was read yet.
    Begin,
    /// In this chunk, after so many samples.
    Within(Chunk, usize),
    /// In the chunk after this one.
    After(Chunk),
    /// After this row.
    Behind(UtcMillis, i32),
    End,
}

impl Pages {
    pub fn new(
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
        page: usize,
        in_log: Vec<Sample>,
    ) -> Pages {
        let is_asked = |sample: &Sample| sample.at >= from && sample.at <= to;
        Pages {
            series,
            from,
            to,
            page,
            held: VecDeque::new(),
            in_log: in_log.into_iter().filter(is_asked).collect(),
            reading: Reading::Begin,
            unreadable: 0,
        }
    }

    /// When the next sample was; none at the end.
    pub async fn peek(&mut self, view: &mut View) -> sqlx::Result<Option<UtcMillis>> {
        while self.held.is_empty() && !matches!(self.reading, Reading::End) {
            match view {
                View::File(view) => self.read(view).await?,
                View::Postgres(view) => self.read_rows(view).await?,
            }
        }
        let both = [self.held.front(), self.in_log.front()];
        Ok(both.into_iter().flatten().map(|sample| sample.at).min())
    }

    /// How many chunks could not be read until now.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// The next sample, if [`Pages::peek`] has seen one.
    pub fn pop(&mut self) -> Option<Sample> {
        let held = self.held.front().map(|sample| sample.at);
        // What is in the log came later.
        match self.in_log.front() {
            Some(sample) if held.is_none_or(|held| sample.at < held) => self.in_log.pop_front(),
            _ => self.held.pop_front(),
        }
    }

    async fn read_rows(&mut self, view: &mut RemoteView) -> sqlx::Result<()> {
        let behind = match self.reading {
            Reading::Behind(at, nth) => Some((at, nth)),
            _ => None,
        };
        let stretch = (self.from, self.to);
        let rows = view.page(self.series, behind, stretch, self.page).await?;
        self.reading = match rows.last() {
            Some(last) if rows.len() == self.page => Reading::Behind(last.sample.at, last.nth),
            _ => Reading::End,
        };
        self.held.extend(rows.into_iter().map(|row| row.sample));
        Ok(())
    }

    async fn read(&mut self, view: &mut FileView) -> sqlx::Result<()> {
        let Some(series) = self.series.on_shelves else {
            self.reading = Reading::End;
            return Ok(());
        };
        let connection = &mut view.whole;
        let (chunk, skip) = match self.reading {
            Reading::Within(chunk, skip) => (Some(chunk), skip),
            Reading::Begin => {
                let chunks = shelves::chunks(&mut *connection, series, self.from, self.from);
                let before = chunks.await?.into_iter().find(|one| one.last >= self.from);
                match before {
                    Some(chunk) => (Some(chunk), 0),
                    None => (
                        shelves::chunk_after(&mut *connection, series, self.from).await?,
                        0,
                    ),
                }
            }
            Reading::After(chunk) => (
                shelves::chunk_behind(&mut *connection, series, &chunk).await?,
                0,
            ),
            Reading::Behind(..) | Reading::End => (None, 0),
        };
        let Some(chunk) = chunk.filter(|chunk| chunk.first <= self.to) else {
            self.reading = Reading::End;
            return Ok(());
        };
        let bytes = shelves::chunk_bytes(connection, chunk.id).await?;
        let samples = chunk::decode(&bytes).unwrap_or_else(|error| {
            self.unreadable += 1;
            tracing::warn!("chunk {} of the history {error}", chunk.id);
            Vec::new()
        });
        let read = (skip + self.page).min(samples.len());
        self.reading = if read < samples.len() {
            Reading::Within(chunk, read)
        } else {
            Reading::After(chunk)
        };
        let is_asked = |sample: &Sample| sample.at >= self.from && sample.at <= self.to;
        let page = samples.into_iter().skip(skip).take(self.page);
        self.held.extend(page.filter(is_asked));
        Ok(())
    }
}
