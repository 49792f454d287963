//! Parquet, for data frames: columns, packed.
//!
//! Written are groups of 65,536 rows, each column in one page, with dictionaries and gzip;
//! read are flat files with the encodings and packings that pandas, pyarrow and DuckDB write unless
//! told otherwise. Why there is no crate for this: `docs/decisions/0015-history-files.md`.

mod cursor;
mod footer;
mod hybrid;
mod read;
mod thrift;
mod write;

#[cfg(test)]
mod tests;

pub use read::Reader;
pub use write::Writer;

/// The first and the last bytes.
const MAGIC: &[u8] = b"PAR1";
const DATA_PAGE: i32 = 0;
const DICTIONARY_PAGE: i32 = 2;
const DATA_PAGE_V2: i32 = 3;

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Physical {
    Bool = 0,
    Int32 = 1,
    Int64 = 2,
    Float = 4,
    Double = 5,
    Bytes = 6,
}

/// How values follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Plain = 0,
    Runs = 3,
    Dictionary = 8,
}

/// How pages are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    None = 0,
    Snappy = 1,
    Gzip = 2,
}

/// A column that Hearth writes.
#[derive(Clone, Copy, Debug)]
struct Column {
    name: &'static str,
    physical: Physical,
    is_required: bool,
}

const fn column(name: &'static str, physical: Physical, is_required: bool) -> Column {
    Column {
        name,
        physical,
        is_required,
    }
}

/// Of `number`, `switch` and `text` each row has one.
const COLUMNS: &[Column] = &[
    column("time", Physical::Int64, true),
    column("topic", Physical::Bytes, true),
    column("number", Physical::Double, false),
    column("switch", Physical::Bool, false),
    column("text", Physical::Bytes, false),
    column("unit", Physical::Bytes, false),
    column("clock", Physical::Bytes, true),
    column("boot", Physical::Int32, false),
    column("sequence", Physical::Int32, false),
];
