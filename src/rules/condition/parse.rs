//! From text to an expression that asks only what the house can answer.

use std::collections::BTreeMap;
use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, ListExpr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;

use super::diagnose::{self, Fault};
use super::operators::{TEXT_FUNCTIONS, replacement, written};
use super::{Ask, Condition, Input, MAX_LENGTH, MAX_NESTING, variable};
use crate::home::Value;
use crate::rules::rule::topic_problem;

/// Deeper expressions, such as very long sums, are refused: the interpreter
/// walks them recursively on an ordinary stack.
const MAX_DEPTH: usize = 40;

/// A syntactically right expression.
pub(super) struct Parsed {
    expression: IdedExpr,
    source: SourceInfo,
}

/// Where each part of an expression stands in its text.
pub(super) struct Positions {
    /// By the node's id.
    ranges: BTreeMap<u64, Range<usize>>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, Fault> {
    check_size(text)?;
    let (expression, source) = Parser::new()
        .parse_with_source_info(text)
        .map_err(|errors| diagnose::syntax(text, &errors.errors))?;
    if depth(&expression) > MAX_DEPTH {
        let fault = Fault::whole(text, "this condition is nested too deeply");
        return Err(fault.hint("split it into several rules"));
    }
    Ok(Parsed { expression, source })
}

fn check_size(text: &str) -> Result<(), Fault> {
    if text.len() > MAX_LENGTH {
        let message = format!(
            "this condition is {} bytes long; at most {MAX_LENGTH} are allowed",
            text.len()
        );
        return Err(Fault::whole(text, message).hint("split it into several rules"));
    }
    match diagnose::too_deep(text, MAX_NESTING) {
        Some(at) => Err(Fault::new(
            at,
            format!("brackets and `? :` are nested more than {MAX_NESTING} levels deep"),
        )),
        None => Ok(()),
    }
}

fn depth(expression: &IdedExpr) -> usize {
    1 + children(&expression.expr).map(depth).max().unwrap_or(0)
}

/// The parts of an expression of the kinds that conditions know.
pub(super) fn children(expression: &Expr) -> impl Iterator<Item = &IdedExpr> {
    let (target, rest) = match expression {
        Expr::Call(call) => (call.target.as_deref(), call.args.as_slice()),
        Expr::List(list) => (None, list.elements.as_slice()),
        Expr::Select(select) => (Some(select.operand.as_ref()), &[][..]),
        _ => (None, &[][..]),
    };
    target.into_iter().chain(rest)
}

impl Parsed {
    /// Finds what the expression asks, and refuses what it cannot ask.
    pub(super) fn understand(self, text: &str) -> Result<(Condition, Positions), Vec<Fault>> {
        let positions = Positions::new(&self.source, &self.expression);
        let mut reader = Reader {
            text,
            positions: &positions,
            inputs: Vec::new(),
            faults: Vec::new(),
        };
        let mut expression = self.expression;
        reader.read(&mut expression);
        let (inputs, mut faults) = (reader.inputs, reader.faults);
        if !faults.is_empty() {
            faults.sort_by_key(|fault| fault.within.start);
            return Err(faults);
        }
        let condition = Condition {
            text: text.to_owned(),
            expression,
            inputs,
        };
        Ok((condition, positions))
    }
}

/// Walks an expression once, replacing questions by variables.
struct Reader<'a> {
    text: &'a str,
    positions: &'a Positions,
    inputs: Vec<Input>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn read(&mut self, node: &mut IdedExpr) {
        let within = self.positions.of(node);
        match &mut node.expr {
            Expr::Literal(LiteralValue::Bytes(_)) => {
                self.refuse(within, "bytes are of no use here");
            }
            Expr::Literal(_) => {}
            Expr::List(ListExpr { elements, .. }) => {
                elements.iter_mut().for_each(|element| self.read(element));
            }
            Expr::Ident(name) => {
                let fault = diagnose::unknown_name(name, within);
                self.faults.push(fault);
            }
            Expr::Call(call) => {
                if let Some(asked) = self.call(call, within) {
                    node.expr = Expr::Ident(variable(asked));
                }
            }
            Expr::Select(_) => self.refuse(within, "nothing here has parts after a `.`"),
            _ => self.refuse(within, "conditions know no maps, records or macros"),
        }
    }

    fn refuse(&mut self, within: Range<usize>, message: &str) {
        self.faults.push(Fault::new(within, message));
    }

    /// The input that a call of `value` or `age` asks for; for other calls,
    /// reads their arguments.
    fn call(&mut self, call: &mut CallExpr, within: Range<usize>) -> Option<usize> {
        match (call.func_name.as_str(), &call.target) {
            ("value", None) => return self.question(Ask::Value, call, within),
            ("age", None) => return self.question(Ask::Age, call, within),
            (name, None) if written(name).is_some() => {
                self.compared_with_a_lookalike(call);
                if let Some(ours) = replacement(&call.func_name) {
                    call.func_name = ours.to_owned();
                }
            }
            (name, Some(_)) if TEXT_FUNCTIONS.contains(&name) => {
                if call.args.len() != 1 {
                    let message = format!("{name}(…) takes one text");
                    self.refuse(within, &message);
                }
            }
            (name, target) => {
                let fault = diagnose::unknown_function(name, target.is_some(), within);
                self.faults.push(fault);
            }
        }
        call.target.iter_mut().for_each(|target| self.read(target));
        call.args.iter_mut().for_each(|arg| self.read(arg));
        None
    }

    fn question(&mut self, ask: Ask, call: &CallExpr, within: Range<usize>) -> Option<usize> {
        let [
            IdedExpr {
                expr: Expr::Literal(LiteralValue::String(topic)),
                ..
            },
        ] = call.args.as_slice()
        else {
            let fault = diagnose::topic_wanted(&call.func_name, &self.text[within.clone()], within);
            self.faults.push(fault);
            return None;
        };
        let topic = topic.inner().to_owned();
        if let Err(message) = topic_problem(&topic) {
            self.refuse(within, &message);
            return None;
        }
        let input = Input { ask, topic };
        let known = self.inputs.iter().position(|other| *other == input);
        Some(known.unwrap_or_else(|| {
            self.inputs.push(input);
            self.inputs.len() - 1
        }))
    }

    /// `value('…') == true` and `value('…') == '21.5'` can never be true,
    /// because of how payloads are read.
    fn compared_with_a_lookalike(&mut self, call: &CallExpr) {
        if !matches!(
            call.func_name.as_str(),
            operators::EQUALS | operators::NOT_EQUALS
        ) {
            return;
        }
        let [left, right] = call.args.as_slice() else {
            return;
        };
        let literal = match (is_value(left), is_value(right)) {
            (true, false) => right,
            (false, true) => left,
            _ => return,
        };
        let wanted = match &literal.expr {
            Expr::Literal(LiteralValue::Boolean(truth)) => {
                format!("'{}'", Value::Switch(*truth.inner()))
            }
            Expr::Literal(LiteralValue::String(text)) => match Value::parse(text.inner()) {
                Value::Number(number) => number.to_string(),
                other if other.to_string() != text.inner() => format!("'{other}'"),
                _ => return,
            },
            _ => return,
        };
        let fault = Fault::new(self.positions.of(literal), "no value is ever equal to this");
        self.faults.push(fault.hint(format!(
            "such a payload is read as {wanted}; compare with {wanted}"
        )));
    }
}

fn is_value(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Call(call) if call.func_name == "value" && call.target.is_none())
}

impl Positions {
    fn new(source: &SourceInfo, expression: &IdedExpr) -> Positions {
        let mut positions = Positions {
            ranges: BTreeMap::new(),
        };
        positions.place(source, expression);
        positions
    }

    /// Byte range of a node, from its first to its last part.
    pub(super) fn of(&self, node: &IdedExpr) -> Range<usize> {
        self.ranges.get(&node.id).cloned().unwrap_or_default()
    }

    fn place(&mut self, source: &SourceInfo, node: &IdedExpr) -> Range<usize> {
        let mut within = own(source, node);
        for child in children(&node.expr) {
            let child = self.place(source, child);
            within.start = within.start.min(child.start);
            within.end = within.end.max(child.end);
        }
        if is_function(node) {
            within.end = after_bracket(&source.source, within.end);
        }
        self.ranges.insert(node.id, within.clone());
        within
    }
}

fn is_function(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Call(call) if written(&call.func_name).is_none())
}

/// The parser places a call at its bracket; here it starts with its name.
fn own(source: &SourceInfo, node: &IdedExpr) -> Range<usize> {
    let text = source.source.as_str();
    let (start, last) = source.offset_for(node.id).unwrap_or((0, 0));
    let mut start = boundary(text, start);
    let end = boundary(text, last.saturating_add(1)).max(start);
    if let Expr::Call(call) = &node.expr
        && is_function(node)
    {
        start = text[..start].rfind(&call.func_name).unwrap_or(start);
    }
    start..end
}

/// The first character boundary at or after `offset`.
fn boundary(text: &str, offset: u32) -> usize {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    text.ceil_char_boundary(offset)
}

fn after_bracket(text: &str, end: usize) -> usize {
    let rest = &text[end..];
    let spaces = rest.len() - rest.trim_start().len();
    if rest[spaces..].starts_with(')') {
        end + spaces + 1
    } else {
        end
    }
}
