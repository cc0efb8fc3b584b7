//! The language between facts and policies: what a fact's value is, what its type is, and what it means.
//!
//! A facts struct is declared once, with [`facts!`]: the macro makes the plain Rust struct and, from the same
//! lines, the description that policies are checked against, that `azaudit policies show` prints and that the
//! evidence in reports is made from.

use std::borrow::Cow;
use std::sync::Arc;

/// A fact that could not be read: what is missing, and how to get it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unread {
    /// What is missing, as a noun phrase without a closing period: `` the route table `rt-hub` ``.
    pub what: String,
    /// How to get it, as an imperative: `` include it in the export, or grant Reader on … ``.
    pub how: String,
}

impl Unread {
    /// An unread fact with both halves.
    pub fn new(what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { what: what.into(), how: how.into() }
    }

    /// Several things that were not read, as one: each once, the first two by name; `None`: none of them.
    pub fn join(unread: &[Self]) -> Option<Self> {
        let first = unread.first()?;
        let mut whats: Vec<&str> = Vec::new();
        for it in unread {
            if !whats.contains(&it.what.as_str()) {
                whats.push(&it.what);
            }
        }
        let what = match whats.as_slice() {
            [one, two] => format!("{one} and {two}"),
            [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
            _ => first.what.clone(),
        };
        Some(Self { what, how: first.how.clone() })
    }
}

/// A fact, or the reason why it is not known.
pub type Known<T> = Result<T, Unread>;

/// The type of a fact, as a policy's expression sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `true`, `false`.
    Bool,
    /// A 64-bit signed integer.
    Int,
    /// A 64-bit float.
    Double,
    /// Text.
    String,
    /// Text out of a fixed list.
    Enum(&'static [&'static str]),
    /// A command line that is quoted already: for `remediation.commands` only.
    Command,
    /// Several values of one type.
    List(Box<Type>),
    /// A struct of facts.
    Record(&'static RecordType),
    /// A value that may also be `null`: "there is none".
    Nullable(Box<Type>),
    /// JSON of whatever shape, null where it is absent. What lies in it has no declared type.
    Json,
}

/// The description of a facts struct.
#[derive(Debug)]
pub struct RecordType {
    /// The struct's name.
    pub name: &'static str,
    /// Its documentation.
    pub doc: String,
    /// Its fields, in order.
    pub fields: Vec<FieldType>,
}

impl PartialEq for RecordType {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl RecordType {
    /// The position of the field of that (camelCase) name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

/// The description of one fact.
#[derive(Debug)]
pub struct FieldType {
    /// Its name in expressions and evidence, in camelCase.
    pub name: String,
    /// Its documentation: shape, unit, source.
    pub doc: String,
    /// Its type.
    pub ty: Type,
    /// Whether it can be unread.
    pub may_be_unread: bool,
}

/// The value of a fact.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// There is none.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Double(f64),
    /// Text.
    String(Cow<'a, str>),
    /// A list.
    List(Vec<Value<'a>>),
    /// A struct of facts.
    Record(&'a dyn Record),
    /// A JSON object.
    Object(&'a serde_json::Map<String, serde_json::Value>),
    /// It could not be read.
    Unread(&'a Unread),
}

impl<'a> From<&'a serde_json::Value> for Value<'a> {
    /// The value in JSON. An integer beyond 64 bits with sign becomes a float.
    fn from(json: &'a serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number(number) => match number.as_i64() {
                Some(i) => Self::Int(i),
                None => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::String(Cow::Borrowed(text)),
            Json::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Json::Object(members) => Self::Object(members),
        }
    }
}

impl Value<'_> {
    /// The value as JSON, for evidence. What is unread becomes `{"unread": "what"}`.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::{Value as Json, json};
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(i) => json!(i),
            Self::Double(d) => json!(d),
            Self::String(s) => Json::String(s.clone().into_owned()),
            Self::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Self::Record(record) => record_to_json(*record),
            Self::Object(members) => Json::Object((*members).clone()),
            Self::Unread(unread) => json!({ "unread": unread.what }),
        }
    }
}

/// A facts struct as JSON, field by field in the order of its declaration.
pub fn record_to_json(record: &dyn Record) -> serde_json::Value {
    let fields = record.record_type().fields.iter().enumerate();
    serde_json::Value::Object(fields.map(|(i, field)| (field.name.clone(), record.get(i).to_json())).collect())
}

/// A facts struct, seen field by field.
pub trait Record: Send + Sync + std::fmt::Debug {
    /// What it is.
    fn record_type(&self) -> &'static RecordType;
    /// The value of the field at that position of [`RecordType::fields`].
    fn get(&self, field: usize) -> Value<'_>;
}

/// A type whose values can be facts.
pub trait Fact {
    /// Whether it can be unread.
    const MAY_BE_UNREAD: bool = false;
    /// Its type in expressions.
    fn fact_type() -> Type;
    /// Its value in expressions.
    fn value(&self) -> Value<'_>;
}

macro_rules! simple_fact {
    ($($rust:ty => $ty:ident, |$it:ident| $value:expr;)*) => {$(
        impl Fact for $rust {
            fn fact_type() -> Type { Type::$ty }
            fn value(&self) -> Value<'_> { let $it = self; $value }
        }
    )*};
}

simple_fact! {
    bool => Bool, |it| Value::Bool(*it);
    i64 => Int, |it| Value::Int(*it);
    u32 => Int, |it| Value::Int((*it).into());
    u16 => Int, |it| Value::Int((*it).into());
    f64 => Double, |it| Value::Double(*it);
    String => String, |it| Value::String(Cow::Borrowed(it));
    Box<str> => String, |it| Value::String(Cow::Borrowed(it));
    &'static str => String, |it| Value::String(Cow::Borrowed(it));
}

impl<T: Fact> Fact for Vec<T> {
    fn fact_type() -> Type {
        Type::List(Box::new(T::fact_type()))
    }
    fn value(&self) -> Value<'_> {
        Value::List(self.iter().map(Fact::value).collect())
    }
}

/// Facts that several subjects have in common.
impl<T: Fact> Fact for Arc<T> {
    const MAY_BE_UNREAD: bool = T::MAY_BE_UNREAD;
    fn fact_type() -> Type {
        T::fact_type()
    }
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<T: Fact> Fact for Option<T> {
    fn fact_type() -> Type {
        Type::Nullable(Box::new(T::fact_type()))
    }
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Fact::value)
    }
}

/// JSON of whatever shape.
impl Fact for serde_json::Value {
    fn fact_type() -> Type {
        Type::Json
    }
    fn value(&self) -> Value<'_> {
        self.into()
    }
}

impl<T: Fact> Fact for Known<T> {
    const MAY_BE_UNREAD: bool = true;
    fn fact_type() -> Type {
        T::fact_type()
    }
    fn value(&self) -> Value<'_> {
        match self {
            Ok(value) => value.value(),
            Err(unread) => Value::Unread(unread),
        }
    }
}

/// `snake_case` to `camelCase`, the spelling of facts in policies.
pub fn camel_case(snake: &str) -> String {
    let mut out = String::with_capacity(snake.len());
    let mut upper = false;
    // A fact may have the name of a Rust keyword.
    for c in snake.trim_start_matches("r#").chars() {
        if c == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            out.push(c.to_ascii_uppercase());
        } else {
            out.push(c);
        }
    }
    out
}

/// The doc comment that the macros were handed line by line, as one text.
pub fn doc_text(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Declares facts structs: plain structs with public fields that are also [`Record`]s and [`Fact`]s.
///
/// Every field needs a doc comment; its name in policies is the camelCase of its Rust name.
macro_rules! facts {
    ($($(#[doc = $doc:expr])+ pub struct $name:ident {
        $($(#[doc = $field_doc:expr])+ pub $field:ident: $ty:ty,)+
    })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[doc = $field_doc])+ pub $field: $ty,)+
        }

        impl $name {
            /// The description of this struct.
            pub fn describe() -> &'static $crate::facts::schema::RecordType {
                use $crate::facts::schema::{Fact, FieldType, RecordType, camel_case, doc_text};
                static TYPE: std::sync::OnceLock<RecordType> = std::sync::OnceLock::new();
                TYPE.get_or_init(|| RecordType {
                    name: stringify!($name),
                    doc: doc_text(&[$($doc),+]),
                    fields: vec![$(FieldType {
                        name: camel_case(stringify!($field)),
                        doc: doc_text(&[$($field_doc),+]),
                        ty: <$ty as Fact>::fact_type(),
                        may_be_unread: <$ty as Fact>::MAY_BE_UNREAD,
                    }),+],
                })
            }
        }

        impl $crate::facts::schema::Record for $name {
            fn record_type(&self) -> &'static $crate::facts::schema::RecordType {
                Self::describe()
            }
            fn get(&self, field: usize) -> $crate::facts::schema::Value<'_> {
                let getters: &[for<'a> fn(&'a Self) -> $crate::facts::schema::Value<'a>] =
                    &[$(|it| $crate::facts::schema::Fact::value(&it.$field)),+];
                getters[field](self)
            }
        }

        impl $crate::facts::schema::Fact for $name {
            fn fact_type() -> $crate::facts::schema::Type {
                $crate::facts::schema::Type::Record(Self::describe())
            }
            fn value(&self) -> $crate::facts::schema::Value<'_> {
                $crate::facts::schema::Value::Record(self)
            }
        }
    )+};
}

/// Declares a fact that is one word out of a fixed list; policies that compare it with any other word do not load.
macro_rules! fact_enum {
    ($(#[doc = $doc:expr])+ pub enum $name:ident {
        $($(#[doc = $variant_doc:expr])+ $variant:ident => $word:literal,)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[doc = $variant_doc])+ $variant,)+
        }

        impl $name {
            /// The word that policies and reports use.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl $crate::facts::schema::Fact for $name {
            fn fact_type() -> $crate::facts::schema::Type {
                $crate::facts::schema::Type::Enum(&[$($word),+])
            }
            fn value(&self) -> $crate::facts::schema::Value<'_> {
                $crate::facts::schema::Value::String(std::borrow::Cow::Borrowed(self.word()))
            }
        }
    };
}

pub(crate) use {fact_enum, facts};

#[cfg(test)]
mod tests {
    use super::*;

    fact_enum! {
        /// How it looks.
        pub enum Look {
            /// Fine.
            Fine => "fine",
            /// Not fine.
            NotFine => "notFine",
        }
    }

    facts! {
        /// A sample
        /// on two lines.
        pub struct Sample {
            /// Its look.
            pub first_look: Known<Look>,
            /// Its number.
            pub number: Option<i64>,
        }
    }

    #[test]
    fn a_struct_describes_itself_in_camel_case_with_its_documentation() {
        let ty = Sample::describe();
        assert_eq!(ty.doc, "A sample on two lines.");
        assert_eq!(ty.position("firstLook"), Some(0));
        assert!(ty.fields[0].may_be_unread && !ty.fields[1].may_be_unread);
        assert_eq!(ty.fields[0].ty, Type::Enum(&["fine", "notFine"]));
    }

    #[test]
    fn json_keeps_the_order_and_names_what_is_unread() {
        let sample = Sample { first_look: Err(Unread::new("the look", "look again")), number: None };
        let json = record_to_json(&sample).to_string();
        assert_eq!(json, r#"{"firstLook":{"unread":"the look"},"number":null}"#);
        for look in [Look::Fine, Look::NotFine] {
            let sample = Sample { first_look: Ok(look), number: Some(2) };
            let expected = format!(r#"{{"firstLook":"{}","number":2}}"#, look.word());
            assert_eq!(record_to_json(&sample).to_string(), expected);
        }
    }
}
