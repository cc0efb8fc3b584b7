//! Parameters: numbers and words of a policy that its users may set.

use std::fmt;

use super::types::Ty;
use crate::facts::schema::Value;

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Param {
    /// `true` or `false`.
    Bool(bool),
    /// A 64-bit signed integer.
    Int(i64),
    /// A 64-bit float.
    Double(f64),
    /// Text.
    String(String),
}

impl Param {
    pub(crate) fn ty(&self) -> Ty {
        match self {
            Self::Bool(_) => Ty::Bool,
            Self::Int(_) => Ty::Int,
            Self::Double(_) => Ty::Double,
            Self::String(_) => Ty::String,
        }
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Double(d) => Value::Double(*d),
            Self::String(text) => Value::String(text.as_str().into()),
        }
    }

    /// The value as one of this parameter's type; an integer may stand for a double.
    pub(crate) fn accept(&self, value: Self) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "a threshold that large has no use")]
        match (self, value) {
            (Self::Double(_), Self::Int(i)) => Some(Self::Double(i as f64)),
            (Self::Bool(_), value @ Self::Bool(_))
            | (Self::Int(_), value @ Self::Int(_))
            | (Self::Double(_), value @ Self::Double(_))
            | (Self::String(_), value @ Self::String(_)) => Some(value),
            _ => None,
        }
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Double(d) => write!(f, "{d}"),
            Self::String(text) => f.write_str(text),
        }
    }
}
