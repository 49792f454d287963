//! Texts with expressions in them: `the hall has {{ value('home/hall/lux') }} lux`.

use super::{Answer, Ask, Expression, Fault, Scope};
use crate::home::Value;

/// More expressions in one template are refused at load.
pub const MAX_EXPRESSIONS: usize = 50;

/// A checked template. `{{` begins an expression, the next `}}` outside of its
/// quotes ends it; any other brace stands for itself.
#[derive(Debug)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Plain(String),
    Expression(Expression),
}

impl Template {
    /// Reads, checks and dry-runs a template. Call it on a thread with
    /// [`super::READER_STACK`].
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the text; a range counts
    /// bytes of the whole template.
    pub fn compile(text: &str, scope: &Scope) -> Result<Template, Vec<Fault>> {
        let (mut pieces, mut faults) = (Vec::new(), Vec::new());
        let (mut at, mut expressions) = (0, 0);
        while let Some(plain) = text[at..].find("{{") {
            let start = at + plain + 2;
            let Some(length) = end_of(&text[start..]) else {
                faults.push(unclosed(text, start - 2));
                break;
            };
            expressions += 1;
            if expressions > MAX_EXPRESSIONS {
                let message = format!("more than {MAX_EXPRESSIONS} expressions in one text");
                faults.push(Fault::new(start - 2..start + length + 2, message));
                break;
            }
            pieces.push(Piece::Plain(text[at..start - 2].to_owned()));
            match expression(text, start, length, scope) {
                Ok(expression) => pieces.push(Piece::Expression(expression)),
                Err(mut wrong) => faults.append(&mut wrong),
            }
            at = start + length + 2;
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        pieces.push(Piece::Plain(text[at..].to_owned()));
        Ok(Template {
            text: text.to_owned(),
            pieces,
        })
    }

    /// The template as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it always gives, if there is no expression in it.
    pub fn constant(&self) -> Option<&str> {
        self.expressions().next().is_none().then_some(&*self.text)
    }

    /// Its expressions, in the order of the text.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Expression(expression) => Some(expression),
            Piece::Plain(_) => None,
        })
    }

    /// The text with one and the same in the place of every expression.
    pub fn with(&self, instead: &str) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Plain(text) => text.as_str(),
            Piece::Expression(_) => instead,
        });
        pieces.collect()
    }

    /// The text with the values in it. `answers` stand in the order of
    /// [`Template::expressions`], and each in that of its inputs; `names` in that
    /// of the scope. Missing ones are `null`.
    ///
    /// # Errors
    ///
    /// Which expression has no value, and why, in a user's words.
    pub fn render(&self, answers: &[Vec<Answer>], names: &[Answer]) -> Result<String, String> {
        let mut answers = answers.iter();
        let mut rendered = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Plain(text) => rendered.push_str(text),
                Piece::Expression(expression) => {
                    let answers = answers.next().map(Vec::as_slice).unwrap_or_default();
                    let value = value(expression, answers, names)?;
                    rendered.push_str(&value.to_string());
                }
            }
        }
        Ok(rendered)
    }
}

fn value(expression: &Expression, answers: &[Answer], names: &[Answer]) -> Result<Value, String> {
    let text = expression.text();
    match expression.evaluate(answers, names) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(match expression.inputs() {
            [input]
                if matches!(input.ask, Ask::Value(_)) && answers.iter().all(Option::is_none) =>
            {
                format!("{input} has no value")
            }
            _ => format!("{text} has no value"),
        }),
        Err(error) => Err(format!("{text} has no value: {error}")),
    }
}

fn expression(
    text: &str,
    start: usize,
    length: usize,
    scope: &Scope,
) -> Result<Expression, Vec<Fault>> {
    let inner = &text[start..start + length];
    let trimmed = inner.trim();
    if trimmed.is_empty() {
        let fault = Fault::new(
            start - 2..start + length + 2,
            "there is nothing to write here",
        );
        return Err(vec![fault.hint("write {{ value('home/room/thing') }}")]);
    }
    if inner.starts_with('{') {
        let fault = Fault::new(start - 2..start + 1, "an expression begins with two braces");
        return Err(vec![
            fault.hint("put a space behind a brace that is part of the text"),
        ]);
    }
    let offset = start + (inner.len() - inner.trim_start().len());
    Expression::value(trimmed, scope).map_err(|faults| {
        let moved = |fault: Fault| Fault {
            within: fault.within.start + offset..fault.within.end + offset,
            ..fault
        };
        faults.into_iter().map(moved).collect()
    })
}

/// The length up to the `}}` that ends an expression. If all of them are within
/// quotes, one of these is not closed: then the first, so that this is told.
fn end_of(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut quote, mut at) = (None, 0);
    while let Some(&byte) = bytes.get(at) {
        match (byte, quote) {
            (b'\\', Some(_)) => at += 1,
            (b'\'' | b'"', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (b'}', None) if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    text.find("}}")
}

fn unclosed(text: &str, at: usize) -> Fault {
    let fault = Fault::new(at..at + 2, "this `{{` has no `}}`");
    match text[at + 2..].contains('}') {
        true => fault.hint("an expression ends with two: }}"),
        false => fault.hint("write }} behind the expression; for the braces alone, {{ '{{' }}"),
    }
}
