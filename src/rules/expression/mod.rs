//! Expressions: what rules ask, in `if`, `while`, … and between `{{ }}`.
//!
//! They are a small part of CEL: questions to the house such as
//! `value('topic')`, variables, literals, lists after `in`, operators, and a few
//! functions. What an expression asks is found once, at load; evaluating it is
//! then a pure function of the answers.
//!
//! **Cost.** An expression has at most [`MAX_PARTS`] parts. There are no macros,
//! loops or functions of its own, so each part is evaluated at most once; and as
//! none makes a text longer, each takes a time that its answers bound.
//!
//! **Numbers** are finite decimal numbers. What has no finite result, such as a
//! division by zero, gives `null`.

mod ask;
mod diagnose;
mod dry_run;
mod lookalike;
mod operators;
mod parse;
mod questions;
mod template;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::types::{CelBool, CelNull, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, ExecutionError, IdedExpr};

pub use ask::{Ask, Input};
pub use diagnose::Fault;
pub use template::Template;

pub use super::window::Fold;
use crate::home::Value;
use operators::Operand;

/// A longer expression is refused at load.
pub const MAX_LENGTH: usize = 1000;
/// Brackets and `? :` nested deeper are refused at load, before parsing: the
/// parser needs much stack for each level.
pub const MAX_NESTING: usize = 16;
/// Literals, variables, questions, operators, functions and lists of one expression.
pub const MAX_PARTS: usize = 200;
/// Stack that reading an expression needs: its parser takes up to 100 kB for each
/// level of nesting in an unoptimized build.
pub const READER_STACK: usize = 16 << 20;

/// What is known of one thing; none is `null`.
pub type Answer = Option<Value>;

/// The variables that an expression may use, in the order in which their values
/// are given. `topic` is a text and `round` a number; any other may be both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub names: Vec<String>,
}

/// A checked expression.
#[derive(Clone)]
pub struct Expression {
    text: String,
    root: IdedExpr,
    inputs: Vec<Input>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl Expression {
    /// Reads, checks and dry-runs an expression that is to be true or false. Call
    /// it on a thread with [`READER_STACK`], as [`super::on_big_stack`] gives.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the text.
    pub fn condition(text: &str, scope: &Scope) -> Result<Expression, Vec<Fault>> {
        let (expression, positions) = Expression::read(text, scope)?;
        dry_run::condition(&expression, &positions, scope)?;
        Ok(expression)
    }

    /// The same for an expression that may give a number or a text as well.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the text.
    pub fn value(text: &str, scope: &Scope) -> Result<Expression, Vec<Fault>> {
        let (expression, positions) = Expression::read(text, scope)?;
        dry_run::value(&expression, &positions, scope)?;
        Ok(expression)
    }

    fn read(text: &str, scope: &Scope) -> Result<(Expression, parse::Positions), Vec<Fault>> {
        let parsed = parse::parse(text).map_err(|fault| vec![fault])?;
        parsed.understand(text, scope)
    }

    /// The expression as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What must be known to evaluate it.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Whether it is true. `answers` stand in the order of [`Expression::inputs`],
    /// `names` in that of the scope; missing ones are `null`.
    ///
    /// # Errors
    ///
    /// Why it is neither true nor false, in a user's words.
    pub fn judge(&self, answers: &[Answer], names: &[Answer]) -> Result<bool, String> {
        self.run(answers, names, |value| match operators::operand(value) {
            Operand::Truth(truth) => Ok(truth),
            other => Err(not_a_truth(other.kind())),
        })
    }

    /// Its value; true and false are given as a switch, as `'on'` and `'off'` are.
    ///
    /// # Errors
    ///
    /// Why it has none, in a user's words. That is not `null`, which is an answer.
    pub fn evaluate(&self, answers: &[Answer], names: &[Answer]) -> Result<Answer, String> {
        self.run(answers, names, |value| match operators::operand(value) {
            Operand::Nothing => Ok(None),
            Operand::Number(number) => Ok(Some(Value::Number(number))),
            Operand::Text("on") | Operand::Truth(true) => Ok(Some(Value::Switch(true))),
            Operand::Text("off") | Operand::Truth(false) => Ok(Some(Value::Switch(false))),
            Operand::Text(text) => Ok(Some(Value::Text(text.to_owned()))),
            Operand::List => Err(LIST_IS_NO_VALUE.to_owned()),
        })
    }

    fn run<T>(
        &self,
        answers: &[Answer],
        names: &[Answer],
        then: impl FnOnce(&CowVal<'_, '_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let known = Known {
            inputs: &self.inputs,
            answers,
            names,
        };
        let result = evaluate(&self.root, &known, then).and_then(|result| result);
        result.map_err(|error| match error.contains("true or false") {
            true => known.no_truth().unwrap_or(error),
            false => error,
        })
    }
}

const LIST_IS_NO_VALUE: &str = "a list is no value; a number or a text is needed here";

fn not_a_truth(kind: &str) -> String {
    format!("a condition must be true or false; this gives {kind}")
}

/// What stands for an input or a name within the tree. Users cannot write it:
/// these characters are no part of a variable's name.
#[derive(Clone, Copy)]
enum Variable {
    Input(usize),
    Name(usize),
}

impl Variable {
    fn written(self) -> String {
        match self {
            Variable::Input(index) => format!("#{index}"),
            Variable::Name(index) => format!("@{index}"),
        }
    }

    fn read(text: &str) -> Option<Variable> {
        let (kind, index) = text.split_at_checked(1)?;
        let index = index.parse().ok()?;
        match kind {
            "#" => Some(Variable::Input(index)),
            "@" => Some(Variable::Name(index)),
            _ => None,
        }
    }
}

/// All that an expression may look at.
struct Known<'a> {
    inputs: &'a [Input],
    answers: &'a [Answer],
    names: &'a [Answer],
}

impl Known<'_> {
    /// An answer without which `&&` and its like fail, and whose lack they cannot
    /// explain.
    fn no_truth(&self) -> Option<String> {
        let unknown = |(nth, input): &(usize, &Input)| {
            input.ask.is_truth() && self.answers.get(*nth).is_none_or(Option::is_none)
        };
        let (_, input) = self.inputs.iter().enumerate().find(unknown)?;
        Some(format!("{input} is not known now"))
    }
}

impl VariableResolver for Known<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let (answer, is_truth) = match Variable::read(variable)? {
            Variable::Input(index) => {
                let is_truth = self.inputs.get(index).is_some_and(|i| i.ask.is_truth());
                (self.answers.get(index), is_truth)
            }
            Variable::Name(index) => (self.names.get(index), false),
        };
        Some(match answer.and_then(Option::as_ref) {
            None => CowVal::owned(CelNull),
            Some(Value::Number(number)) => operators::number(*number),
            Some(Value::Switch(on)) if is_truth => CowVal::owned(CelBool::from(*on)),
            Some(Value::Switch(true)) => CowVal::owned(CelString::from("on")),
            Some(Value::Switch(false)) => CowVal::owned(CelString::from("off")),
            Some(Value::Text(text)) => CowVal::owned(CelString::from(text.as_str())),
        })
    }
}

/// Runs a part of an expression and hands its result on.
///
/// A panic within the interpreter, which is not ours, becomes an error of this
/// one rule: a defect there must not stop the others.
fn evaluate<T>(
    part: &IdedExpr,
    known: &Known<'_>,
    then: impl FnOnce(&CowVal<'_, '_>) -> T,
) -> Result<T, String> {
    let env = operators::env().ok_or("the language of expressions could not be set up")?;
    let run = || {
        let mut context = Context::with_env(env);
        context.set_variable_resolver(known);
        let value = cel::Value::resolve_val(part, &context).map_err(|e| in_words(&e))?;
        Ok(then(&value))
    };
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err("the expression stopped its interpreter".to_owned()))
}

/// An interpreter's error as a user can understand it.
fn in_words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::FunctionError { message, .. } => message.clone(),
        ExecutionError::UnexpectedType { want, .. } if want == "bool" => {
            "the part before `?` must be true or false".to_owned()
        }
        ExecutionError::NoSuchOverload(overload) => match operators::written(overload.function()) {
            Some("in") => "`in` needs a list on its right, such as ['open', 'ajar']".to_owned(),
            Some("!") => "`!` works on true or false".to_owned(),
            Some(written) => format!("both sides of `{written}` must be true or false"),
            None => format!("{}(…) works on a text", overload.function()),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
