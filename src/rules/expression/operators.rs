//! What `<`, `+` and their like mean in an expression.
//!
//! CEL's own operators refuse to mix `int` and `double` and to compare with
//! `null`. Here every number is a finite decimal number; arithmetic on no value,
//! or without a finite result, gives no value; ordering against no value is false.

use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use cel::common::ast::operators as cel_names;
use cel::common::functions::Function;
use cel::common::types::{
    CelBool, CelDouble, CelNull, CelString, DYN_TYPE, NULL_TYPE, STRING_TYPE,
};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError};

type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// CEL's name of an operator, the name under which ours is declared, how a
/// user writes it, and what it does.
struct Operator {
    cel: &'static str,
    ours: &'static str,
    written: &'static str,
    operands: usize,
    run: Function,
}

const OPERATORS: [Operator; 10] = [
    binary(cel_names::LESS, "less", "<", |a| {
        compare("<", a, Ordering::is_lt)
    }),
    binary(cel_names::LESS_EQUALS, "less_equals", "<=", |a| {
        compare("<=", a, Ordering::is_le)
    }),
    binary(cel_names::GREATER, "greater", ">", |a| {
        compare(">", a, Ordering::is_gt)
    }),
    binary(cel_names::GREATER_EQUALS, "greater_equals", ">=", |a| {
        compare(">=", a, Ordering::is_ge)
    }),
    binary(cel_names::ADD, "add", "+", |a| {
        calculate("+", a, |x, y| x + y)
    }),
    binary(cel_names::SUBSTRACT, "subtract", "-", |a| {
        calculate("-", a, |x, y| x - y)
    }),
    binary(cel_names::MULTIPLY, "multiply", "*", |a| {
        calculate("*", a, |x, y| x * y)
    }),
    binary(cel_names::DIVIDE, "divide", "/", |a| {
        calculate("/", a, |x, y| x / y)
    }),
    binary(cel_names::MODULO, "modulo", "%", |a| {
        calculate("%", a, |x, y| x % y)
    }),
    Operator {
        cel: cel_names::NEGATE,
        ours: "negate",
        written: "-",
        operands: 1,
        run: negate,
    },
];

/// Functions of a text, written `value('…').startsWith('…')`.
pub(super) const TEXT_FUNCTIONS: [&str; 3] = ["contains", "endsWith", "startsWith"];

/// `rounded(x)`, `rounded(x, digits)`. Not `round`, which is a variable of repeats.
pub(super) const ROUNDED: &str = "rounded";
/// A number of the house has no more digits after the point that mean anything.
const MOST_DIGITS: f64 = 9.0;

const fn binary(
    cel: &'static str,
    ours: &'static str,
    written: &'static str,
    run: Function,
) -> Operator {
    Operator {
        cel,
        ours,
        written,
        operands: 2,
        run,
    }
}

/// The name to call in place of CEL's operator, if we have our own.
pub(super) fn replacement(cel_name: &str) -> Option<&'static str> {
    let operator = OPERATORS.iter().find(|operator| operator.cel == cel_name)?;
    Some(operator.ours)
}

/// How a user writes the operator that CEL or we call `name`.
pub(super) fn written(name: &str) -> Option<&'static str> {
    match name {
        cel_names::LOGICAL_AND => Some("&&"),
        cel_names::LOGICAL_OR => Some("||"),
        cel_names::LOGICAL_NOT => Some("!"),
        cel_names::IN => Some("in"),
        cel_names::EQUALS => Some("=="),
        cel_names::NOT_EQUALS => Some("!="),
        cel_names::CONDITIONAL => Some("? :"),
        _ => OPERATORS
            .iter()
            .find(|operator| operator.cel == name || operator.ours == name)
            .map(|operator| operator.written),
    }
}

/// Everything that an expression may call.
pub(super) fn env() -> Option<Arc<Env>> {
    static ENV: LazyLock<Option<Arc<Env>>> = LazyLock::new(|| declare().ok().map(Arc::new));
    ENV.clone()
}

fn declare() -> Result<Env, DeclarationError> {
    let mut env = Env::default().with_optional_support(false);
    for operator in &OPERATORS {
        let operands = std::iter::repeat_with(|| DYN_TYPE)
            .take(operator.operands)
            .collect();
        env.add_overload(operator.ours, operator.ours, operands, operator.run)?;
    }
    env.add_overload(ROUNDED, "rounded_to_whole", vec![DYN_TYPE], rounded)?;
    env.add_overload(
        ROUNDED,
        "rounded_to_digits",
        vec![DYN_TYPE, DYN_TYPE],
        rounded,
    )?;
    let text_functions: [Function; 3] = [
        |a| search(a, |text, part| text.contains(part)),
        |a| search(a, |text, part| text.ends_with(part)),
        |a| search(a, |text, part| text.starts_with(part)),
    ];
    for (name, run) in TEXT_FUNCTIONS.into_iter().zip(text_functions) {
        env.add_member_overload(name, name, STRING_TYPE, vec![STRING_TYPE], run)?;
        let of_nothing = format!("{name}_of_nothing");
        env.add_member_overload(name, &of_nothing, NULL_TYPE, vec![STRING_TYPE], run)?;
    }
    Ok(env)
}

/// A value, as far as expressions know kinds of them.
pub(super) enum Operand<'a> {
    Nothing,
    Number(f64),
    Text(&'a str),
    Truth(bool),
    List,
}

impl Operand<'_> {
    /// In a user's words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Operand::Nothing => "no value",
            Operand::Number(_) => "a number",
            Operand::Text(_) => "a text",
            Operand::Truth(_) => "true or false",
            Operand::List => "a list",
        }
    }
}

/// What a value is; all numbers are doubles since the expression was read.
pub(super) fn operand<'a>(value: &'a CowVal<'_, '_>) -> Operand<'a> {
    let value = value.as_ref();
    if let Some(number) = value.downcast_ref::<CelDouble>() {
        Operand::Number(*number.inner())
    } else if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        Operand::Text(text.inner())
    } else if value.downcast_ref::<CelNull>().is_some() {
        Operand::Nothing
    } else if let Some(truth) = value.downcast_ref::<CelBool>() {
        Operand::Truth(*truth.inner())
    } else {
        Operand::List
    }
}

/// A number, or no value if it is infinite or none. Zero has no sign.
pub(super) fn number<'b, 'v>(number: f64) -> CowVal<'b, 'v> {
    match number.is_finite() {
        true => CowVal::owned(CelDouble::from(number + 0.0)),
        false => CowVal::owned(CelNull),
    }
}

fn compare<'b, 'v>(
    written: &str,
    args: Args<'b, 'v>,
    holds: fn(Ordering) -> bool,
) -> Outcome<'b, 'v> {
    let [left, right] = operands(&args)?;
    let ordering = match (&left, &right) {
        (Operand::Nothing, _) | (_, Operand::Nothing) => None,
        (Operand::Number(left), Operand::Number(right)) => left.partial_cmp(right),
        (Operand::Text(left), Operand::Text(right)) => Some(left.cmp(right)),
        _ => {
            let (left, right) = (left.kind(), right.kind());
            return Err(refuse(
                written,
                format!("{left} cannot be compared with {right} by `{written}`"),
            ));
        }
    };
    Ok(CowVal::owned(CelBool::from(ordering.is_some_and(holds))))
}

fn calculate<'b, 'v>(
    written: &str,
    args: Args<'b, 'v>,
    with: fn(f64, f64) -> f64,
) -> Outcome<'b, 'v> {
    let [left, right] = operands(&args)?;
    match (&left, &right) {
        (Operand::Number(left), Operand::Number(right)) => Ok(number(with(*left, *right))),
        (Operand::Nothing, Operand::Nothing | Operand::Number(_))
        | (Operand::Number(_), Operand::Nothing) => Ok(CowVal::owned(CelNull)),
        _ => {
            let (left, right) = (left.kind(), right.kind());
            Err(refuse(
                written,
                format!("`{written}` works on two numbers, not on {left} and {right}"),
            ))
        }
    }
}

fn negate<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    match args.first().map(operand) {
        Some(Operand::Number(n)) => Ok(number(-n)),
        Some(Operand::Nothing) => Ok(CowVal::owned(CelNull)),
        other => {
            let kind = other.map_or("nothing", |operand| operand.kind());
            Err(refuse("-", format!("`-` works on a number, not on {kind}")))
        }
    }
}

/// Halves go away from zero, as at school.
fn rounded<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let refused = |message| Err(refuse(ROUNDED, message));
    let digits = match args.get(1).map(operand) {
        None => 0.0,
        Some(Operand::Number(digits)) if (0.0..=MOST_DIGITS).contains(&digits.trunc()) => {
            digits.trunc()
        }
        Some(Operand::Number(digits)) => {
            return refused(format!(
                "rounded(…) keeps 0 to {MOST_DIGITS} digits, not {digits}"
            ));
        }
        Some(Operand::Nothing) => return Ok(CowVal::owned(CelNull)),
        Some(other) => {
            let kind = other.kind();
            return refused(format!("rounded(…) needs a number of digits, not {kind}"));
        }
    };
    match args.first().map(operand) {
        Some(Operand::Number(n)) => Ok(number(round(n, digits))),
        Some(Operand::Nothing) => Ok(CowVal::owned(CelNull)),
        other => {
            let kind = other.map_or("nothing", |operand| operand.kind());
            refused(format!("rounded(…) works on a number, not on {kind}"))
        }
    }
}

fn round(number: f64, digits: f64) -> f64 {
    let scale = 10_f64.powf(digits);
    let scaled = number * scale;
    // Beyond this, a number has no digits behind the point that could be rounded.
    match scaled.abs() < 2_f64.powi(53) {
        true => scaled.round() / scale,
        false => number,
    }
}

fn search<'b, 'v>(args: Args<'b, 'v>, found: fn(&str, &str) -> bool) -> Outcome<'b, 'v> {
    let answer = match operands(&args)? {
        [Operand::Text(text), Operand::Text(part)] => found(text, part),
        _ => false,
    };
    Ok(CowVal::owned(CelBool::from(answer)))
}

fn operands<'a>(args: &'a Args<'_, '_>) -> Result<[Operand<'a>; 2], ExecutionError> {
    match args.as_slice() {
        [left, right] => Ok([operand(left), operand(right)]),
        other => Err(ExecutionError::invalid_argument_count(2, other.len())),
    }
}

fn refuse(written: &str, message: String) -> ExecutionError {
    ExecutionError::function_error(written, message)
}
