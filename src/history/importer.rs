//! Puts samples from elsewhere onto the shelves, past the log.
//!
//! They may be of any time and in any order, though order of time is fastest. Memory is
//! bounded, and the gateway may record on meanwhile: the file is locked for a moment at a time.

use std::path::Path;

use super::sample::Sample;
use super::{ArchiveError, HistoryError};
use crate::home::DeviceClass;

/// A history that takes samples from elsewhere. What was pushed is sure to be there after
/// [`Importer::finish`] alone.
#[derive(Debug)]
pub struct Importer {}

/// What became of what was pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Samples that were added.
    pub samples: u64,
    /// Samples that were there before: of the same origin, or equal in time and value.
    pub doubled: u64,
    /// Numbers that are infinite or none.
    pub refused: u64,
    pub series: u64,
}

impl Importer {
    /// Opens the file, and makes it if it is missing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn open(file: &Path) -> Result<Importer, ArchiveError> {
        todo!("{file:?}")
    }

    /// Says what a topic measures, where nothing is known of that yet.
    ///
    /// # Errors
    /// If the file does not take it.
    pub async fn describe(
        &mut self,
        topic: &str,
        unit: Option<String>,
        device_class: Option<DeviceClass>,
    ) -> Result<(), HistoryError> {
        todo!("{topic} {unit:?} {device_class:?}")
    }

    /// Adds a sample. A text that is too long is cut, a number that is none refused.
    ///
    /// # Errors
    /// If the file does not take what has gathered.
    pub async fn push(&mut self, topic: &str, sample: Sample) -> Result<(), HistoryError> {
        todo!("{topic} {sample:?}")
    }

    /// Counts so far; what has gathered and is not written counts for nothing yet.
    pub fn counts(&self) -> Imported {
        todo!()
    }

    /// Writes what has gathered, and lets go of the file.
    ///
    /// # Errors
    /// If the file does not take it.
    pub async fn finish(self) -> Result<Imported, HistoryError> {
        todo!()
    }
}

/// Removes a topic from the file, as [`History::forget`](super::History::forget) does, whether
/// the gateway runs or not; says how many samples.
///
/// # Errors
/// If there is no such file, or it does not take it.
pub async fn forget(file: &Path, topic: &str) -> Result<u64, ArchiveError> {
    todo!("{file:?} {topic}")
}
