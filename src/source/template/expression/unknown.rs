//! What stands in the place of a value that a template alone does not tell.
//!
//! It is an object with one member that no typed struct accepts: whoever types a resource that holds one where it
//! matters is refused, so that nothing is judged on it, and what nobody types costs nothing.

use serde_json::{Map, Value};

/// How the key of such an object starts; the reason follows.
pub const UNKNOWN: &str = "$azaudit.unevaluated: ";

/// A value that cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Why, in words.
    pub reason: String,
    /// What it would be: known pieces as they are, the others in braces. One expression always gives one symbol, so it
    /// can stand for a name.
    pub symbol: String,
}

impl Unknown {
    /// A value of which nothing is known but the expression.
    pub fn new(expression: &str, reason: impl Into<String>) -> Self {
        let inner: String = expression.chars().filter(|it| !it.is_whitespace()).take(LONGEST).collect();
        // A slash would cut an id in which it stands.
        Self { reason: reason.into(), symbol: format!("{{{}}}", inner.replace(['/', '{', '}'], "|")) }
    }

    /// As a value.
    pub fn into_value(self) -> Value {
        let mut members = Map::new();
        members.insert(format!("{UNKNOWN}{}", self.reason), Value::String(self.symbol));
        Value::Object(members)
    }

    /// The unknown that this value is.
    pub fn of(value: &Value) -> Option<Self> {
        let (key, symbol) = value.as_object()?.iter().next()?;
        let reason = key.strip_prefix(UNKNOWN)?;
        Some(Self { reason: reason.to_owned(), symbol: symbol.as_str()?.to_owned() })
    }

    /// The first unknown that stands anywhere in this value.
    pub fn within(value: &Value) -> Option<Self> {
        Self::of(value).or_else(|| match value {
            Value::Array(list) => list.iter().find_map(Self::within),
            Value::Object(members) => members.values().find_map(Self::within),
            _ => None,
        })
    }
}

/// How many characters of an expression stand in its symbol.
const LONGEST: usize = 200;
