//! A rule's condition: a CEL expression over current values.
//!
//! Conditions are a small part of CEL: `value('topic')`, `age('topic')`,
//! literals, lists after `in`, operators and three functions of a text. What
//! the expression asks of the house is found once, at load; judging it is then
//! a pure function of the answers.

mod diagnose;
mod operators;
mod parse;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::types::{CelBool, CelDouble, CelNull, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, ExecutionError, IdedExpr};

pub use diagnose::Fault;

use crate::home::Value;

/// A longer expression is refused at load.
pub const MAX_LENGTH: usize = 1000;
/// Brackets and `? :` nested deeper are refused at load, before parsing: the
/// parser needs much stack for each level.
pub const MAX_NESTING: usize = 16;
/// Stack that [`Condition::compile`] needs: its parser takes up to 100 kB for
/// each level of nesting in an unoptimized build.
pub const COMPILER_STACK: usize = 16 << 20;

/// A checked expression.
pub struct Condition {
    text: String,
    expression: IdedExpr,
    inputs: Vec<Input>,
}

/// What a condition asks of the house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub ask: Ask,
    pub topic: String,
}

/// Which property of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `value('…')`: the current value.
    Value,
    /// `age('…')`: seconds since the last message.
    Age,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ask {
            Ask::Value => write!(f, "{}", self.topic),
            Ask::Age => write!(f, "age('{}')", self.topic),
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

impl Condition {
    /// Parses, checks and dry-runs an expression. Call it on a thread with
    /// [`COMPILER_STACK`], as [`super::check::compile`] does.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the text.
    pub fn compile(text: &str) -> Result<Condition, Vec<Fault>> {
        let parsed = parse::parse(text).map_err(|fault| vec![fault])?;
        let (condition, positions) = parsed.understand(text)?;
        diagnose::dry_run(&condition, &positions)?;
        Ok(condition)
    }

    /// The expression as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What must be known to judge it.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Judges the condition; `answers` stand in the order of [`Condition::inputs`].
    ///
    /// # Errors
    ///
    /// Why it is neither true nor false, in a user's words.
    pub fn judge(&self, answers: &[Option<Value>]) -> Result<bool, String> {
        evaluate(&self.expression, answers, |value| {
            match value.as_ref().downcast_ref::<CelBool>() {
                Some(answer) => Ok(*answer.inner()),
                None => Err(not_a_truth(operators::kind(value))),
            }
        })?
    }
}

fn not_a_truth(kind: &str) -> String {
    format!("a condition must be true or false; this gives {kind}")
}

/// The variable that stands for an input within the expression. Users cannot
/// write it: `#` is no part of a name.
fn variable(input: usize) -> String {
    format!("#{input}")
}

struct Answers<'a>(&'a [Option<Value>]);

impl VariableResolver for Answers<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let input: usize = variable.strip_prefix('#')?.parse().ok()?;
        Some(match self.0.get(input)? {
            None => CowVal::owned(CelNull),
            Some(Value::Number(number)) => CowVal::owned(CelDouble::from(*number)),
            Some(Value::Switch(true)) => CowVal::owned(CelString::from("on")),
            Some(Value::Switch(false)) => CowVal::owned(CelString::from("off")),
            Some(Value::Text(text)) => CowVal::owned(CelString::from(text.as_str())),
        })
    }
}

/// Runs an expression and hands its result on.
///
/// A panic within the interpreter, which is not ours, becomes an error of this
/// one rule: a defect there must not stop the others.
fn evaluate<T>(
    expression: &IdedExpr,
    answers: &[Option<Value>],
    then: impl FnOnce(&CowVal<'_, '_>) -> T,
) -> Result<T, String> {
    let env = operators::env().ok_or("the condition language could not be set up")?;
    let answers = Answers(answers);
    let run = || {
        let mut context = Context::with_env(env);
        context.set_variable_resolver(&answers);
        let value = cel::Value::resolve_val(expression, &context).map_err(|e| in_words(&e))?;
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
