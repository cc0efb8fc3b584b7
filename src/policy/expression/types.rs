//! The types of expressions: those of facts, and what literals add to them.

use std::fmt;

use crate::facts::schema::{FieldType, RecordType, Type};

/// The type of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ty {
    /// Not known: an element of `[]`, or something that was faulted already.
    Any,
    /// JSON: known only when the expression runs.
    Json,
    Null,
    Bool,
    Int,
    Double,
    String,
    Enum(&'static [&'static str]),
    Command,
    List(Box<Ty>),
    Record(&'static RecordType),
    Nullable(Box<Ty>),
}

impl From<&Type> for Ty {
    fn from(ty: &Type) -> Self {
        match ty {
            Type::Bool => Self::Bool,
            Type::Int => Self::Int,
            Type::Double => Self::Double,
            Type::String => Self::String,
            Type::Enum(words) => Self::Enum(words),
            Type::Command => Self::Command,
            Type::List(item) => Self::List(Box::new(Self::from(&**item))),
            Type::Record(record) => Self::Record(record),
            Type::Nullable(inner) => Self::Nullable(Box::new(Self::from(&**inner))),
            Type::Json => Self::Json,
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Json => f.write_str("json"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Enum(_) => f.write_str("enum"),
            Self::Command => f.write_str("command"),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Record(record) => f.write_str(record.name),
            Self::Nullable(inner) => write!(f, "{inner} or null"),
        }
    }
}

impl Ty {
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::String | Self::Enum(_))
    }

    /// The type without its null.
    pub(crate) fn inner(&self) -> &Self {
        match self {
            Self::Nullable(inner) => inner,
            other => other,
        }
    }

    /// Whether `==` between the two can ever make sense.
    pub(super) fn equatable(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Json, other) | (other, Self::Json) => !matches!(other, Self::Null | Self::Record(_) | Self::Command),
            (Self::Null, Self::Null | Self::Nullable(_)) | (Self::Nullable(_), Self::Null) => true,
            (Self::Nullable(a), b) | (b, Self::Nullable(a)) => a.equatable(b),
            (Self::List(a), Self::List(b)) => a.equatable(b),
            (Self::Bool, Self::Bool) => true,
            (a, b) => a.is_number() && b.is_number() || a.is_text() && b.is_text(),
        }
    }

    /// Whether `<` between the two has a meaning.
    pub(super) fn ordered_with(&self, other: &Self) -> bool {
        match (self.inner(), other.inner()) {
            (Self::Json, Self::Json | Self::Any | Self::Int | Self::Double | Self::String) => true,
            (Self::Any | Self::Int | Self::Double | Self::String, Self::Json) => true,
            (Self::Any, Self::Any | Self::Int | Self::Double | Self::String) => true,
            (Self::Int | Self::Double | Self::String, Self::Any) => true,
            (Self::String, Self::String) => true,
            (a, b) => a.is_number() && b.is_number(),
        }
    }

    /// The type of a value that is one or the other: of both branches of `?:`, of all elements of a list.
    pub(super) fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a.clone()),
            (Self::Any, other) | (other, Self::Any) => Some(other.clone()),
            (Self::Json, other) | (other, Self::Json) if !matches!(other, Self::Record(_) | Self::Command) => {
                Some(Self::Json)
            }
            (Self::Nullable(a), Self::Null) | (Self::Null, Self::Nullable(a)) => Some(Self::Nullable(a.clone())),
            (Self::Null, other) | (other, Self::Null) => Some(Self::Nullable(Box::new(other.clone()))),
            (Self::Nullable(a), b) | (b, Self::Nullable(a)) => {
                a.join(b.inner()).map(|joined| Self::Nullable(Box::new(joined)))
            }
            (Self::List(a), Self::List(b)) => a.join(b).map(|joined| Self::List(Box::new(joined))),
            (a, b) if a.is_text() && b.is_text() => Some(Self::String),
            _ => None,
        }
    }
}

/// The type of a fact in words: `list<string>`, `oneLine | pemLines`, `int or null`; may be unread.
pub(crate) fn type_of(field: &FieldType) -> String {
    let ty = match &field.ty {
        Type::Enum(words) => words.join(" | "),
        ty => Ty::from(ty).to_string(),
    };
    if field.may_be_unread { format!("{ty}, may be unread") } else { ty }
}
