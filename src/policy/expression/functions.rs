//! What operators and functions do to values, as the CEL specification says.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::code::Stop;
use crate::facts::schema::Value;

/// The comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// The functions, but for `matches`, which has its own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    ToInt,
    ToDouble,
    ToText,
    LowerAscii,
}

/// The names of all functions and macros, for suggestions.
pub(super) const NAMES: [&str; 15] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "double",
    "string",
    "lowerAscii",
    "has",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
];

pub(super) type Answer<'f, T> = Result<T, Stop<'f>>;

fn error<'f, T>(message: impl Into<String>) -> Answer<'f, T> {
    Err(Stop::Error(message.into()))
}

/// A value that does not fit: a null of which the expression did not ask first, or JSON of another type.
pub(super) fn null_or_wrong<'f, T>(value: &Value<'_>) -> Answer<'f, T> {
    match value {
        Value::Null => error("a value is null"),
        _ => error(format!("{} stands where something else belongs", kind(value))),
    }
}

/// What a value is, with its article.
pub(super) fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Int(_) | Value::Double(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Record(_) | Value::Object(_) => "an object",
        Value::Unread(_) => "something that was not read",
    }
}

/// Values of types that only JSON brings together.
fn not_comparable<'f, T>(left: &Value<'_>, right: &Value<'_>) -> Answer<'f, T> {
    error(format!("{} is compared with {}", kind(left), kind(right)))
}

#[expect(clippy::cast_precision_loss, reason = "CEL compares numbers of two types as doubles")]
fn as_double(i: i64) -> f64 {
    i as f64
}

/// `==`. Null equals null alone; lists are unread only where no element that was read differs.
pub(super) fn equal<'f>(left: &Value<'f>, right: &Value<'f>) -> Answer<'f, bool> {
    Ok(match (left, right) {
        (Value::Unread(unread), _) | (_, Value::Unread(unread)) => return Err(Stop::Unread(unread)),
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Double(a), Value::Double(b)) => a == b,
        (Value::Int(a), Value::Double(b)) | (Value::Double(b), Value::Int(a)) => as_double(*a) == *b,
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            let mut stop = None;
            for (a, b) in a.iter().zip(b) {
                match equal(a, b) {
                    Ok(true) => {}
                    Ok(false) => return Ok(false),
                    Err(new) => stop = Some(Stop::worse(stop, new)),
                }
            }
            return stop.map_or(Ok(true), Err);
        }
        (Value::Object(a), Value::Object(b)) => a == b,
        (left, right) => return not_comparable(left, right),
    })
}

/// Any of the comparisons.
pub(super) fn compare<'f>(comparison: Comparison, left: &Value<'f>, right: &Value<'f>) -> Answer<'f, bool> {
    let order = match (comparison, left, right) {
        (Comparison::Equal, ..) => return equal(left, right),
        (Comparison::NotEqual, ..) => return equal(left, right).map(|equal| !equal),
        (_, Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (_, Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (_, Value::Int(a), Value::Double(b)) => as_double(*a).partial_cmp(b),
        (_, Value::Double(a), Value::Int(b)) => a.partial_cmp(&as_double(*b)),
        (_, Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (_, left, right) => return not_comparable(left, right),
    };
    let Some(order) = order else { return error("not a number cannot be compared") };
    Ok(match comparison {
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
    })
}

/// `in`: the elements compared one by one and joined by `||`.
pub(super) fn contains_element<'f>(element: &Value<'f>, list: &[Value<'f>]) -> Answer<'f, bool> {
    let mut stop = None;
    for candidate in list {
        match equal(element, candidate) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(new) => stop = Some(Stop::worse(stop, new)),
        }
    }
    stop.map_or(Ok(false), Err)
}

/// `+ - * / %`.
pub(super) fn arithmetic<'f>(operator: Operator, left: Value<'f>, right: Value<'f>) -> Answer<'f, Value<'f>> {
    match (operator, left, right) {
        (_, Value::Int(a), Value::Int(b)) => integer(operator, a, b).map(Value::Int),
        (Operator::Add, Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Operator::Subtract, Value::Double(a), Value::Double(b)) => Ok(Value::Double(a - b)),
        (Operator::Multiply, Value::Double(a), Value::Double(b)) => Ok(Value::Double(a * b)),
        (Operator::Divide, Value::Double(a), Value::Double(b)) => Ok(Value::Double(a / b)),
        (Operator::Add, Value::String(a), Value::String(b)) => Ok(Value::String(a + b)),
        (Operator::Add, Value::List(mut a), Value::List(b)) => {
            a.extend(b);
            Ok(Value::List(a))
        }
        (_, Value::Null, _) | (_, _, Value::Null) => null_or_wrong(&Value::Null),
        (_, other, _) => null_or_wrong(&other),
    }
}

fn integer<'f>(operator: Operator, a: i64, b: i64) -> Answer<'f, i64> {
    let (result, what) = match operator {
        Operator::Add => (a.checked_add(b), "integer overflow"),
        Operator::Subtract => (a.checked_sub(b), "integer overflow"),
        Operator::Multiply => (a.checked_mul(b), "integer overflow"),
        Operator::Divide if b == 0 => (None, "division by zero"),
        Operator::Divide => (a.checked_div(b), "integer overflow"),
        Operator::Remainder if b == 0 => (None, "remainder by zero"),
        Operator::Remainder => (a.checked_rem(b), "integer overflow"),
    };
    result.map_or_else(|| error(what), Ok)
}

/// Unary `-`.
pub(super) fn negate<'f>(value: &Value<'f>) -> Answer<'f, Value<'f>> {
    match value {
        Value::Int(i) => i.checked_neg().map_or_else(|| error("integer overflow"), |i| Ok(Value::Int(i))),
        Value::Double(d) => Ok(Value::Double(-d)),
        other => null_or_wrong(other),
    }
}

/// A function of one argument.
pub(super) fn of_one<'f>(function: Function, value: Value<'f>) -> Answer<'f, Value<'f>> {
    match (function, value) {
        (Function::Size, Value::String(text)) => Ok(count(text.chars().count())),
        (Function::Size, Value::List(items)) => Ok(count(items.len())),
        (Function::Size, Value::Object(members)) => Ok(count(members.len())),
        (Function::LowerAscii, Value::String(text)) => Ok(Value::String(Cow::Owned(text.to_ascii_lowercase()))),
        (Function::ToInt, Value::Int(i)) => Ok(Value::Int(i)),
        (Function::ToInt, Value::Double(d)) => truncated(d),
        (Function::ToDouble, Value::Int(i)) => Ok(Value::Double(as_double(i))),
        (Function::ToDouble, Value::Double(d)) => Ok(Value::Double(d)),
        (Function::ToText, Value::String(text)) => Ok(Value::String(text)),
        (Function::ToText, Value::Int(i)) => Ok(Value::String(Cow::Owned(i.to_string()))),
        (Function::ToText, Value::Double(d)) => Ok(Value::String(Cow::Owned(d.to_string()))),
        (Function::ToText, Value::Bool(b)) => Ok(Value::String(Cow::Borrowed(if b { "true" } else { "false" }))),
        (_, other) => null_or_wrong(&other),
    }
}

fn count<'f>(n: usize) -> Value<'f> {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn truncated<'f>(d: f64) -> Answer<'f, Value<'f>> {
    // 2^63 is a double, the largest i64 is not.
    if d > -9_223_372_036_854_775_808.0 && d < 9_223_372_036_854_775_808.0 {
        #[expect(clippy::cast_possible_truncation, reason = "the range was just checked")]
        return Ok(Value::Int(d as i64));
    }
    error("integer overflow")
}

/// A function of a text and a text.
pub(super) fn of_texts<'f>(function: Function, left: &Value<'f>, right: &Value<'f>) -> Answer<'f, Value<'f>> {
    let (text, part) = match (left, right) {
        (Value::String(text), Value::String(part)) => (text, part),
        (Value::String(_), wrong) | (wrong, _) => return null_or_wrong(wrong),
    };
    Ok(Value::Bool(match function {
        Function::Contains => text.contains(part.as_ref()),
        Function::StartsWith => text.starts_with(part.as_ref()),
        Function::EndsWith => text.ends_with(part.as_ref()),
        _ => return error("not a function of two texts"),
    }))
}
