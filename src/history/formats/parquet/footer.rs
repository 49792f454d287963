//! What the end of a Parquet file tells: which columns there are, and where.

use super::thrift::{self, Value};
use super::{Codec, Physical};

/// What a time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// A column of a file.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub physical: Physical,
    pub is_optional: bool,
    /// For integers that are times: what they count, and whether in UTC.
    pub time: Option<(Unit, bool)>,
    pub is_unsigned: bool,
}

/// A group of rows.
#[derive(Clone, Debug)]
pub struct Group {
    pub rows: u64,
    /// In the order of the columns.
    pub chunks: Vec<Chunk>,
}

/// Where a column of a group is.
#[derive(Clone, Debug)]
pub struct Chunk {
    pub begin: u64,
    pub length: u64,
    pub codec: Codec,
}

/// What a file tells of itself.
#[derive(Clone, Debug)]
pub struct Footer {
    pub columns: Vec<Column>,
    pub groups: Vec<Group>,
    pub rows: u64,
}

/// Reads the end of a file, as far as `wanted` columns go.
///
/// # Errors
/// What is wrong with it.
pub fn read(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Footer, String> {
    let damaged = || "its end is damaged".to_owned();
    let (file, _) = thrift::read(bytes).ok_or_else(damaged)?;
    let columns = columns(file.list(2), wanted)?;
    let groups = file.list(4).iter().map(|group| read_group(group, &columns));
    let groups = groups.collect::<Result<Vec<Group>, String>>()?;
    Ok(Footer {
        columns,
        // A file may claim anything.
        rows: groups
            .iter()
            .fold(0, |rows, group| group.rows.saturating_add(rows)),
        groups,
    })
}

/// The columns that are wanted and not made of others.
fn columns(schema: &[Value], wanted: impl Fn(&str) -> bool) -> Result<Vec<Column>, String> {
    let mut columns = Vec::new();
    // The first one is the whole; children follow their parents.
    let mut at = 1;
    while let Some(element) = schema.get(at) {
        let children = descendants(schema, at);
        at += 1 + children;
        let name = element.text(4).unwrap_or_default();
        if children == 0 && wanted(name) {
            // Otherwise a file could have as many as it has bytes.
            if columns.iter().any(|column: &Column| column.name == name) {
                return Err(format!("column {name} is there twice"));
            }
            columns.push(column(element, name)?);
        }
    }
    Ok(columns)
}

/// How many elements are below this one.
fn descendants(schema: &[Value], at: usize) -> usize {
    let (mut open, mut end) = (1_u64, at);
    while open > 0 && end < schema.len() {
        let children = schema[end]
            .int(5)
            .and_then(|count| u64::try_from(count).ok());
        open = open - 1 + children.unwrap_or(0).min(1 << 20);
        end += 1;
    }
    end - at - 1
}

fn column(element: &Value, name: &str) -> Result<Column, String> {
    let physical = match element.int(1) {
        Some(0) => Physical::Bool,
        Some(1) => Physical::Int32,
        Some(2) => Physical::Int64,
        Some(4) => Physical::Float,
        Some(5) => Physical::Double,
        Some(6) => Physical::Bytes,
        Some(3) => {
            return Err(format!(
                "column {name}: INT96 is outdated: write a TIMESTAMP"
            ));
        }
        _ => return Err(format!("column {name} has a type that cannot be read")),
    };
    let is_optional = match element.int(3) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(format!("column {name} holds lists")),
    };
    let logical = element.field(10);
    let timestamp = logical.and_then(|logical| logical.field(8));
    let integer = logical.and_then(|logical| logical.field(10));
    let time = match (timestamp, element.int(6)) {
        (Some(timestamp), _) => {
            let unit = timestamp.field(2).and_then(|unit| {
                let units = [(1, Unit::Millis), (2, Unit::Micros), (3, Unit::Nanos)];
                let mut units = units.into_iter();
                units.find_map(|(id, known)| unit.field(id).map(|_| known))
            });
            unit.map(|unit| (unit, timestamp.truth(1).unwrap_or(true)))
        }
        (None, Some(9)) => Some((Unit::Millis, true)),
        (None, Some(10)) => Some((Unit::Micros, true)),
        _ => None,
    };
    let is_unsigned = integer.and_then(|integer| integer.truth(2)) == Some(false)
        || matches!(element.int(6), Some(11..=14));
    Ok(Column {
        name: name.to_owned(),
        physical,
        is_optional,
        time,
        is_unsigned,
    })
}

fn read_group(group: &Value, columns: &[Column]) -> Result<Group, String> {
    let chunk = |column: &Column| {
        let metas = group.list(1).iter().filter_map(|chunk| chunk.field(3));
        let is_it = |meta: &&Value| match meta.list(3) {
            [name] => name.as_text() == Some(&column.name),
            _ => false,
        };
        let found = metas.into_iter().find(is_it);
        let found = found.ok_or_else(|| format!("column {} is not in it", column.name))?;
        chunk(found, &column.name)
    };
    let chunks = columns.iter().map(chunk).collect::<Result<Vec<_>, _>>()?;
    let rows = group.int(3).and_then(|rows| u64::try_from(rows).ok());
    Ok(Group {
        rows: rows.ok_or("its end is damaged")?,
        chunks,
    })
}

fn chunk(meta: &Value, name: &str) -> Result<Chunk, String> {
    let codec = match meta.int(4) {
        Some(0) => Codec::None,
        Some(1) => Codec::Snappy,
        Some(2) => Codec::Gzip,
        other => {
            let codec = match other {
                Some(4) => "Brotli",
                Some(5 | 7) => "LZ4",
                Some(6) => "Zstandard",
                _ => "something unknown",
            };
            return Err(format!(
                "column {name} is packed with {codec}; write it with snappy or gzip"
            ));
        }
    };
    let count = |id| meta.int(id).and_then(|count| u64::try_from(count).ok());
    let (data, length) = count(9).zip(count(7)).ok_or("its end is damaged")?;
    // Some writers say 0 where there is none.
    let dictionary = count(11).filter(|at| *at > 0);
    Ok(Chunk {
        begin: dictionary.unwrap_or(data).min(data),
        length,
        codec,
    })
}
