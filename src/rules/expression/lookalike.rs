//! Comparisons that look right and can never be true.
//!
//! `value('…') == true`, `value('…') == '21.5'` and `weekday() == 'Monday'` are
//! sound CEL; because of how payloads are read and days are named, they are
//! mistakes all the same.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::ask::DAYS;
use super::parse::Positions;
use super::{Fault, Scope};
use crate::home::Value;

/// What one side of a comparison can be.
#[derive(Clone, Copy)]
enum Side {
    /// Read from a payload.
    Payload,
    Number,
    Day,
    Truth,
}

/// What is wrong with `==`, `!=` or `in`; nothing for other calls.
pub(super) fn find(call: &CallExpr, scope: &Scope, positions: &Positions) -> Vec<Fault> {
    let [left, right] = call.args.as_slice() else {
        return Vec::new();
    };
    let (side, literals) = match call.func_name.as_str() {
        operators::EQUALS | operators::NOT_EQUALS => {
            match (side(left, scope), side(right, scope)) {
                (Some(side), None) => (side, vec![right]),
                (None, Some(side)) => (side, vec![left]),
                _ => return Vec::new(),
            }
        }
        operators::IN => match (side(left, scope), &right.expr) {
            (Some(side), Expr::List(list)) => (side, list.elements.iter().collect()),
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let fault = |literal: &IdedExpr| {
        let hint = why(side, literal)?;
        let fault = Fault::new(positions.of(literal), "no value is ever equal to this");
        Some(fault.hint(hint))
    };
    literals.into_iter().filter_map(fault).collect()
}

fn side(node: &IdedExpr, scope: &Scope) -> Option<Side> {
    match &node.expr {
        Expr::Ident(name) if name == "payload" && scope.names.contains(name) => Some(Side::Payload),
        Expr::Call(call) if call.target.is_none() => match call.func_name.as_str() {
            "value" => Some(Side::Payload),
            "age" | "since" | "avg" | "min" | "max" | "hour" | "minute" | "month" | "rounded" => {
                Some(Side::Number)
            }
            "weekday" => Some(Side::Day),
            "between" | "sun_up" => Some(Side::Truth),
            _ => None,
        },
        _ => None,
    }
}

/// Why this side is never equal to that literal, and what is meant.
fn why(side: Side, literal: &IdedExpr) -> Option<String> {
    let Expr::Literal(literal) = &literal.expr else {
        return None;
    };
    match side {
        Side::Payload => payload_read_as(literal)
            .map(|read| format!("such a payload is read as {read}; compare with {read}")),
        Side::Number => match literal {
            LiteralValue::String(_) | LiteralValue::Boolean(_) => {
                Some("it is a number; compare with one, without quotes".to_owned())
            }
            _ => None,
        },
        Side::Day => match literal {
            LiteralValue::String(day) => other_day(day.inner()),
            LiteralValue::Null => None,
            _ => other_day(""),
        },
        Side::Truth => match literal {
            LiteralValue::Boolean(_) | LiteralValue::Null => None,
            _ => Some("it is true or false by itself; compare it with nothing".to_owned()),
        },
    }
}

/// How a payload that looks like the literal is read, if it is read otherwise.
fn payload_read_as(literal: &LiteralValue) -> Option<String> {
    match literal {
        LiteralValue::Boolean(truth) => Some(format!("'{}'", Value::Switch(*truth.inner()))),
        LiteralValue::String(text) => match Value::parse(text.inner()) {
            Value::Number(number) => Some(number.to_string()),
            other if other.to_string() != text.inner() => Some(format!("'{other}'")),
            _ => None,
        },
        _ => None,
    }
}

fn other_day(written: &str) -> Option<String> {
    if DAYS.contains(&written) {
        return None;
    }
    let small = written.to_ascii_lowercase();
    let alike =
        |day: &&&str| small.starts_with(**day) || small.len() > 1 && day.starts_with(&small);
    let meant = DAYS.iter().find(alike);
    Some(match meant {
        Some(day) => format!("weekday() calls it '{day}'"),
        None => format!("weekday() is one of '{}'", DAYS.join("', '")),
    })
}
