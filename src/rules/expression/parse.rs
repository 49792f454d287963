//! From text to an expression that asks only what the house can answer.

use std::collections::BTreeMap;
use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, ListExpr, LiteralValue, SourceInfo};
use cel::common::types::CelDouble;
use cel::parser::Parser;

use super::diagnose::{self, Fault};
use super::operators::{ROUNDED, TEXT_FUNCTIONS, replacement, written};
use super::{Ask, Expression, Input, MAX_LENGTH, MAX_NESTING, MAX_PARTS, Scope, Variable};
use super::{lookalike, questions};

/// Deeper expressions, such as very long sums, are refused: the interpreter
/// walks them recursively on an ordinary stack.
const MAX_DEPTH: usize = 40;
const DIVIDE: &str = "divide it, or let several rules do the work";

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
        let fault = Fault::whole(text, "this expression is nested too deeply");
        return Err(fault.hint(DIVIDE));
    }
    Ok(Parsed { expression, source })
}

fn check_size(text: &str) -> Result<(), Fault> {
    if text.len() > MAX_LENGTH {
        let message = format!(
            "this expression is {} bytes long; at most {MAX_LENGTH} are allowed",
            text.len()
        );
        return Err(Fault::whole(text, message).hint(DIVIDE));
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

/// The parts of an expression, of the kinds that are known here.
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
    pub(super) fn understand(
        self,
        text: &str,
        scope: &Scope,
    ) -> Result<(Expression, Positions), Vec<Fault>> {
        let positions = Positions::new(&self.source, &self.expression);
        if let Some(fault) = positions.too_many() {
            return Err(vec![fault]);
        }
        let mut reader = Reader {
            text,
            scope,
            positions: &positions,
            inputs: Vec::new(),
            faults: Vec::new(),
        };
        let mut root = self.expression;
        reader.read(&mut root);
        let (inputs, mut faults) = (reader.inputs, reader.faults);
        if !faults.is_empty() {
            faults.sort_by_key(|fault| fault.within.start);
            return Err(faults);
        }
        let text = text.to_owned();
        Ok((Expression { text, root, inputs }, positions))
    }
}

/// Walks an expression once, replacing questions and names by variables.
struct Reader<'a> {
    text: &'a str,
    scope: &'a Scope,
    positions: &'a Positions,
    inputs: Vec<Input>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn read(&mut self, node: &mut IdedExpr) {
        let within = self.positions.of(node);
        match &mut node.expr {
            Expr::Literal(literal) => self.literal(literal, within),
            Expr::List(ListExpr { elements, .. }) => {
                elements.iter_mut().for_each(|element| self.read(element));
            }
            Expr::Ident(name) => match self.scope.names.iter().position(|known| known == name) {
                Some(index) => *name = Variable::Name(index).written(),
                None => {
                    let fault = diagnose::unknown_name(name, self.scope, within);
                    self.faults.push(fault);
                }
            },
            Expr::Call(call) if call.target.is_none() && questions::is_one(&call.func_name) => {
                match questions::read(call, self.text, self.positions, within) {
                    Ok(ask) => node.expr = Expr::Ident(self.input(ask)),
                    Err(fault) => self.faults.push(fault),
                }
            }
            Expr::Call(call) => self.call(call, within),
            Expr::Select(_) => self.refuse(within, "nothing here has parts after a `.`"),
            _ => self.refuse(within, "expressions know no maps, records or macros"),
        }
    }

    fn refuse(&mut self, within: Range<usize>, message: &str) {
        self.faults.push(Fault::new(within, message));
    }

    /// Makes every number a decimal number.
    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers of a house are far below 2^53"
    )]
    fn literal(&mut self, literal: &mut LiteralValue, within: Range<usize>) {
        let number = match literal {
            LiteralValue::Bytes(_) => return self.refuse(within, "bytes are of no use here"),
            LiteralValue::Boolean(_) | LiteralValue::Null | LiteralValue::String(_) => return,
            LiteralValue::Int(number) => *number.inner() as f64,
            LiteralValue::UInt(number) => *number.inner() as f64,
            LiteralValue::Double(number) => *number.inner(),
        };
        if !number.is_finite() {
            self.refuse(within, "this number is too large");
        }
        *literal = LiteralValue::Double(CelDouble::from(number));
    }

    fn input(&mut self, ask: Ask) -> String {
        let input = Input { ask };
        let known = self.inputs.iter().position(|other| *other == input);
        let index = known.unwrap_or_else(|| {
            self.inputs.push(input);
            self.inputs.len() - 1
        });
        Variable::Input(index).written()
    }

    fn call(&mut self, call: &mut CallExpr, within: Range<usize>) {
        match (call.func_name.as_str(), &call.target) {
            (name, None) if written(name).is_some() => {
                let found = lookalike::find(call, self.scope, self.positions);
                self.faults.extend(found);
                if let Some(ours) = replacement(&call.func_name) {
                    call.func_name = ours.to_owned();
                }
            }
            (ROUNDED, None) => {
                if !(1..=2).contains(&call.args.len()) {
                    let message = "rounded(…) takes a number, and how many digits to keep";
                    let fault = Fault::new(within, message);
                    self.faults
                        .push(fault.hint("write rounded(value('home/room/thing'), 1)"));
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
    }
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

    /// Points at the first part beyond the limit.
    fn too_many(&self) -> Option<Fault> {
        let mut parts: Vec<&Range<usize>> = self.ranges.values().collect();
        parts.sort_by_key(|part| (part.end, part.start));
        let beyond = parts.get(MAX_PARTS)?;
        let message = format!("this expression has more than {MAX_PARTS} parts");
        Some(Fault::new((*beyond).clone(), message).hint(DIVIDE))
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
