//! A line of the line protocol, taken apart.

use crate::history::formats::words;

/// What is wrong, at which byte of the line.
pub type Wrong = (usize, String);

/// What a line says.
#[derive(Debug, PartialEq)]
pub struct Line<'a> {
    /// Name and tags as they are written.
    pub series: &'a str,
    pub name: String,
    pub tags: Vec<(String, String)>,
    pub fields: Vec<Field>,
    /// Nanoseconds since 1970.
    pub time: Option<i64>,
    /// How long the line is, in bytes.
    pub end: usize,
}

/// One of the values.
#[derive(Debug, PartialEq)]
pub struct Field {
    pub key: String,
    pub value: Scalar,
    /// The byte where the value begins.
    pub offset: usize,
}

/// A value, as the protocol knows it.
#[derive(Debug, PartialEq)]
pub enum Scalar {
    Number(f64),
    Integer(i64),
    Switch(bool),
    Text(String),
}

impl<'a> Line<'a> {
    /// Takes a line apart.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &'a str) -> Result<Line<'a>, Wrong> {
        let mut rest = Rest { text, at: 0 };
        rest.skip_spaces();
        let begin = rest.at;
        let name = rest.name(&[',', ' '])?;
        let mut tags = Vec::new();
        while rest.take(',') {
            let key = rest.name(&['=', ',', ' '])?;
            rest.expect('=', "a tag is written key=value")?;
            tags.push((key, rest.name(&[',', ' '])?));
        }
        let series = &text[begin..rest.at];
        if !rest.skip_spaces() {
            return Err((
                rest.at,
                "a space and a field are missing, such as value=21.5".into(),
            ));
        }
        let mut fields = vec![rest.field()?];
        while rest.take(',') {
            fields.push(rest.field()?);
        }
        let time = rest.time()?;
        Ok(Line {
            series,
            name,
            tags,
            fields,
            time,
            end: text.len(),
        })
    }

    pub fn tag(&self, key: &str) -> Option<&str> {
        let found = self.tags.iter().find(|(found, _)| found == key);
        found.map(|(_, value)| &**value)
    }
}

/// What is not yet read.
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl Rest<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        if is_there {
            self.at += wanted.len_utf8();
        }
        is_there
    }

    fn expect(&mut self, wanted: char, problem: &str) -> Result<(), Wrong> {
        match self.take(wanted) {
            true => Ok(()),
            false => Err((self.at, problem.to_owned())),
        }
    }

    fn skip_spaces(&mut self) -> bool {
        let before = self.at;
        while self.take(' ') {}
        self.at > before
    }

    /// A name, key or tag up to one of these characters.
    fn name(&mut self, ends: &[char]) -> Result<String, Wrong> {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| !ends.contains(c)) {
            self.at += c.len_utf8();
            name.push(match c {
                '\\' => self.escaped(&[',', '=', ' ', '\\', '#']),
                c => c,
            });
        }
        match name.is_empty() {
            true => Err((self.at, "a name or value is missing here".to_owned())),
            false => Ok(name),
        }
    }

    /// What a backslash stands for; itself, unless something special follows.
    fn escaped(&mut self, special: &[char]) -> char {
        let (meant, length) = match self.peek() {
            Some('n') => ('\n', 1),
            Some('r') => ('\r', 1),
            Some(c) if special.contains(&c) => (c, 1),
            _ => ('\\', 0),
        };
        self.at += length;
        meant
    }

    fn field(&mut self) -> Result<Field, Wrong> {
        let key = self.name(&['=', ',', ' '])?;
        self.expect('=', "a field is written key=value")?;
        let offset = self.at;
        let value = match self.peek() {
            Some('"') => self.text()?,
            _ => self.bare()?,
        };
        Ok(Field { key, value, offset })
    }

    fn text(&mut self) -> Result<Scalar, Wrong> {
        let begin = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(Scalar::Text(text)),
                '\\' => text.push(self.escaped(&['"', '\\'])),
                c => text.push(c),
            }
        }
        Err((begin, "this quote is not closed".to_owned()))
    }

    fn bare(&mut self) -> Result<Scalar, Wrong> {
        let begin = self.at;
        let rest = self.rest();
        let length = rest.find([',', ' ']).unwrap_or(rest.len());
        let word = &rest[..length];
        let value = scalar(word).map_err(|problem| (begin, problem));
        self.at += length;
        value
    }

    fn time(&mut self) -> Result<Option<i64>, Wrong> {
        self.skip_spaces();
        let word = self.rest().trim_end();
        if word.is_empty() {
            return Ok(None);
        }
        let time = word.parse().map_err(|_| {
            let problem = format!(
                "{} is no time: it is in nanoseconds since 1970",
                words::quoted(word)
            );
            (self.at, problem)
        })?;
        Ok(Some(time))
    }
}

fn scalar(word: &str) -> Result<Scalar, String> {
    match word {
        "t" | "T" | "true" | "True" | "TRUE" => return Ok(Scalar::Switch(true)),
        "f" | "F" | "false" | "False" | "FALSE" => return Ok(Scalar::Switch(false)),
        _ => {}
    }
    if let Some(digits) = word.strip_suffix(['i', 'u'])
        && let Ok(integer) = digits.parse()
    {
        return Ok(Scalar::Integer(integer));
    }
    let number = words::finite(word).map_err(|problem| match word.parse::<f64>() {
        Ok(_) => problem,
        Err(_) => format!(
            "{} is no value: write 21.5, 3i, true, or a text in quotes",
            words::quoted(word)
        ),
    })?;
    Ok(Scalar::Number(number))
}
