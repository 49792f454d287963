//! The columns of a table: what they are called, and where they are.

use crate::history::formats::words::quoted;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Time,
    Topic,
    Value,
    Type,
    Unit,
    Clock,
    Boot,
    Sequence,
}

/// As they are written.
pub const ORDER: [Column; 8] = [
    Column::Time,
    Column::Topic,
    Column::Value,
    Column::Type,
    Column::Unit,
    Column::Clock,
    Column::Boot,
    Column::Sequence,
];

impl Column {
    pub fn name(self) -> &'static str {
        match self {
            Column::Time => "time",
            Column::Topic => "topic",
            Column::Value => "value",
            Column::Type => "type",
            Column::Unit => "unit",
            Column::Clock => "clock",
            Column::Boot => "boot",
            Column::Sequence => "sequence",
        }
    }
}

/// Where the columns of a file are. Others may be there, and do not matter.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    names: Vec<String>,
    places: [Option<usize>; ORDER.len()],
}

impl Columns {
    /// Reads the first line of a file.
    ///
    /// # Errors
    /// Which name is missing or there twice, and how the line should be.
    pub fn read(names: &[&str]) -> Result<Columns, String> {
        let names: Vec<String> = names
            .iter()
            .map(|name| name.trim().to_lowercase())
            .collect();
        let mut places = [None; ORDER.len()];
        for (column, place) in ORDER.into_iter().zip(&mut places) {
            let mut found = names
                .iter()
                .enumerate()
                .filter(|(_, name)| *name == column.name());
            *place = found.next().map(|(index, _)| index);
            if found.next().is_some() {
                return Err(format!("two columns are called {}", quoted(column.name())));
            }
        }
        let columns = Columns { names, places };
        for column in [Column::Time, Column::Topic, Column::Value] {
            if columns.index(column).is_none() {
                return Err(format!(
                    "no column is called {}: the first line names the columns, such as \
                     time,topic,value",
                    quoted(column.name())
                ));
            }
        }
        Ok(columns)
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn index(&self, column: Column) -> Option<usize> {
        self.places[column as usize]
    }

    /// What the file calls a column.
    pub fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("?", String::as_str)
    }
}
