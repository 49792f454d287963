//! Thrift's compact protocol, in which Parquet writes about itself.
//!
//! What is read becomes a tree of values; a file may claim anything, so both depth and
//! number of values are bounded.

/// A file that holds more about itself is none of ours to read.
const MOST_VALUES: usize = 1 << 20;
const DEEPEST: usize = 16;

const TRUE: u8 = 1;
const FALSE: u8 = 2;
pub const I32: u8 = 5;
const I64: u8 = 6;
pub const BINARY: u8 = 8;
const LIST: u8 = 9;
pub const STRUCT: u8 = 12;

/// A structure on its way out.
#[derive(Debug, Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
    /// The last field of each structure that is open.
    last: Vec<i16>,
}

impl Writer {
    /// A structure, from its first field to its end.
    pub fn structure(fields: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.element(fields);
        writer.bytes
    }

    /// A structure in a list.
    pub fn element(&mut self, fields: impl FnOnce(&mut Writer)) {
        self.last.push(0);
        fields(self);
        self.last.pop();
        self.bytes.push(0);
    }

    pub fn nested(&mut self, id: i16, fields: impl FnOnce(&mut Writer)) {
        self.head(id, STRUCT);
        self.element(fields);
    }

    pub fn int(&mut self, id: i16, value: i32) {
        self.head(id, I32);
        self.zigzag(value.into());
    }

    pub fn long(&mut self, id: i16, value: i64) {
        self.head(id, I64);
        self.zigzag(value);
    }

    pub fn truth(&mut self, id: i16, value: bool) {
        self.head(id, if value { TRUE } else { FALSE });
    }

    /// A small number in one byte.
    pub fn byte(&mut self, id: i16, value: u8) {
        self.head(id, 3);
        self.bytes.push(value);
    }

    pub fn text(&mut self, id: i16, text: &str) {
        self.head(id, BINARY);
        self.binary(text);
    }

    /// The begin of a list; its elements follow.
    pub fn list(&mut self, id: i16, kind: u8, count: usize) {
        self.head(id, LIST);
        match u8::try_from(count) {
            Ok(few) if few < 15 => self.bytes.push(few << 4 | kind),
            _ => {
                self.bytes.push(0xf0 | kind);
                varint(count as u64, &mut self.bytes);
            }
        }
    }

    /// An integer in a list.
    pub fn zigzag(&mut self, value: i64) {
        let folded = (value << 1) ^ (value >> 63);
        varint(folded.cast_unsigned(), &mut self.bytes);
    }

    /// A text in a list.
    pub fn binary(&mut self, text: &str) {
        varint(text.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Fields come in the order of their numbers, less than 16 apart.
    fn head(&mut self, id: i16, kind: u8) {
        let last = self.last.last_mut().map(|last| std::mem::replace(last, id));
        let step = u8::try_from(id - last.unwrap_or(0)).unwrap_or(0);
        self.bytes.push(step << 4 | kind);
    }
}

/// Seven bits a byte, the lowest first.
pub fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7f) as u8);
}

/// A value that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Truth(bool),
    Int(i64),
    Binary(Vec<u8>),
    List(Vec<Value>),
    Struct(Vec<(i16, Value)>),
}

impl Value {
    pub fn field(&self, id: i16) -> Option<&Value> {
        match self {
            Value::Struct(fields) => fields.iter().find(|(at, _)| *at == id).map(|(_, v)| v),
            _ => None,
        }
    }

    pub fn int(&self, id: i16) -> Option<i64> {
        match self.field(id)? {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }

    pub fn truth(&self, id: i16) -> Option<bool> {
        match self.field(id)? {
            Value::Truth(truth) => Some(*truth),
            _ => None,
        }
    }

    pub fn text(&self, id: i16) -> Option<&str> {
        self.field(id)?.as_text()
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Binary(bytes) => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    pub fn list(&self, id: i16) -> &[Value] {
        match self.field(id) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }
}

/// Reads a structure, and tells how many bytes it took; none if it is damaged.
pub fn read(bytes: &[u8]) -> Option<(Value, usize)> {
    let mut reader = Reader {
        bytes,
        at: 0,
        left: MOST_VALUES,
    };
    let value = reader.value(STRUCT, DEEPEST)?;
    Some((value, reader.at))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Values that may still come.
    left: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let folded = self.varint()?;
        Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        Some(match kind {
            TRUE | FALSE => Value::Truth(kind == TRUE),
            3 => Value::Int(i64::from(self.byte()?.cast_signed())),
            4..=6 => Value::Int(self.zigzag()?),
            // A double; nothing that matters here is one.
            7 => {
                self.at = self
                    .at
                    .checked_add(8)
                    .filter(|at| *at <= self.bytes.len())?;
                Value::Int(0)
            }
            BINARY => {
                let length = usize::try_from(self.varint()?).ok()?;
                let end = self.at.checked_add(length)?;
                let bytes = self.bytes.get(self.at..end)?.to_vec();
                self.at = end;
                Value::Binary(bytes)
            }
            LIST | 10 => self.list(depth.checked_sub(1)?)?,
            STRUCT => self.structure(depth.checked_sub(1)?)?,
            _ => return None,
        })
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            few => few.into(),
        };
        let kind = head & 15;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(match kind {
                // In a list the byte tells which.
                TRUE | FALSE => {
                    let kind = self.byte()?;
                    self.value(kind.clamp(TRUE, FALSE), depth)?
                }
                kind => self.value(kind, depth)?,
            });
        }
        Some(Value::List(list))
    }

    fn structure(&mut self, depth: usize) -> Option<Value> {
        let mut fields = Vec::new();
        let mut last: i16 = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(Value::Struct(fields));
            }
            last = match head >> 4 {
                0 => i16::try_from(self.zigzag()?).ok()?,
                step => last.checked_add(step.into())?,
            };
            fields.push((last, self.value(head & 15, depth)?));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = Writer::structure(|s| {
            s.int(1, -7);
            s.text(4, "étage");
            s.list(5, I32, 20);
            for n in 0..20 {
                s.zigzag(n);
            }
            s.nested(9, |s| s.truth(2, true));
            s.long(10, i64::MIN);
        });
        let (value, length) = read(&bytes).unwrap();
        assert_eq!(length, bytes.len());
        assert_eq!((value.int(1), value.int(10)), (Some(-7), Some(i64::MIN)));
        assert_eq!(value.text(4), Some("étage"));
        assert_eq!(value.list(5).len(), 20);
        assert_eq!(value.field(9).unwrap().truth(2), Some(true));
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read(&bytes);
        }
    }
}
