//! A checked expression, ready to run over facts: a tree whose names are positions already. Running it looks
//! nothing up and copies no text.

use regex::Regex;

use super::functions::{
    Answer, Comparison, Function, Operator, arithmetic, compare, contains_element, kind, negate, null_or_wrong, of_one,
    of_texts,
};
use super::param::Param;
use crate::facts::schema::{Record, Unread, Value};
use crate::json;

/// How many elements one evaluation may look at: a bound that no sensible policy comes near.
const MAX_STEPS: u64 = 1_000_000;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop<'f> {
    /// A fact that was not read decides it.
    Unread(&'f Unread),
    /// It went wrong: overflow, division by zero, too many steps.
    Error(String),
}

impl<'f> Stop<'f> {
    /// Of two the one that is reported: what is missing, else what came first.
    pub(super) fn worse(first: Option<Self>, second: Self) -> Self {
        match (first, second) {
            (None | Some(Self::Error(_)), second @ Self::Unread(_)) | (None, second) => second,
            (Some(first), _) => first,
        }
    }
}

/// What an expression is evaluated over.
pub(crate) struct Frame<'f> {
    roots: &'f [&'f dyn Record],
    params: &'f [(String, Param)],
    /// The variables of the macros around, outermost first.
    locals: Vec<Value<'f>>,
    steps: u64,
}

impl<'f> Frame<'f> {
    /// A frame over these facts, in the order in which their names were declared, and these parameters.
    pub(crate) fn new(roots: &'f [&'f dyn Record], params: &'f [(String, Param)]) -> Self {
        Self { roots, params, locals: Vec::new(), steps: 0 }
    }

    /// A new evaluation over the same facts.
    pub(crate) fn restart(&mut self) {
        self.locals.clear();
        self.steps = 0;
    }

    fn charge(&mut self, steps: usize) -> Answer<'f, ()> {
        self.steps += steps as u64;
        if self.steps > MAX_STEPS {
            return Err(Stop::Error(format!("the expression needs more than {MAX_STEPS} steps")));
        }
        Ok(())
    }
}

/// `all`, `exists` and `exists_one`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    All,
    Exists,
    ExistsOne,
}

/// A member of a JSON object.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// How the object is spelt.
    pub(super) of: Box<str>,
    pub(super) name: Box<str>,
    /// What is said where it is absent or null.
    pub(super) missing: Unread,
}

/// A checked expression.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Box<str>),
    /// The parameter at that position.
    Param(usize),
    /// The facts at that position.
    Root(usize),
    /// The variable of the macro at that depth.
    Local(usize),
    Field(Box<Code>, usize),
    Has(Box<Code>, usize),
    /// A value that is not null, else this is missing.
    Present(Box<Code>, Box<Unread>),
    /// A member of a JSON object.
    Member(Box<Code>, Box<Member>),
    /// Whether all members on the way to a value in JSON are there.
    Exists(Box<Code>),
    List(Box<[Code]>),
    Index(Box<[Code; 2]>),
    Not(Box<Code>),
    And(Box<[Code; 2]>),
    Or(Box<[Code; 2]>),
    /// Condition, then, else.
    If(Box<[Code; 3]>),
    Compare(Comparison, Box<[Code; 2]>),
    In(Box<[Code; 2]>),
    Arithmetic(Operator, Box<[Code; 2]>),
    Negate(Box<Code>),
    Call(Function, Box<[Code]>),
    Matches(Box<Code>, Regex),
    /// List, predicate.
    Quantify(Quantifier, Box<[Code; 2]>),
    /// List, filter (`true`: none), value.
    Map(Box<[Code; 3]>),
}

impl Code {
    /// The value.
    pub(crate) fn eval<'f>(&'f self, frame: &mut Frame<'f>) -> Answer<'f, Value<'f>> {
        let value = match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Double(d) => Value::Double(*d),
            Self::Text(text) => Value::String(text.as_ref().into()),
            Self::Param(i) => frame.params[*i].1.value(),
            Self::Root(i) => match frame.roots.get(*i) {
                Some(record) => Value::Record(*record),
                None => return Err(Stop::Error("the subject lacks facts".to_owned())),
            },
            Self::Local(i) => {
                let value = frame.locals[*i].clone();
                if let Value::List(items) = &value {
                    frame.charge(items.len())?;
                }
                value
            }
            Self::Field(of, field) => self::field(of, *field, frame)?,
            Self::Present(of, missing) => match of.eval(frame)? {
                Value::Null => return Err(Stop::Unread(missing)),
                value => value,
            },
            Self::Member(of, member) => self::member(of, member, frame)?,
            Self::List(items) => {
                let mut stop = None;
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    match item.eval(frame) {
                        Ok(value) => values.push(value),
                        Err(new) => stop = Some(Stop::worse(stop, new)),
                    }
                }
                return stop.map_or(Ok(Value::List(values)), Err);
            }
            Self::Index(both) => index(both, frame)?,
            Self::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                return if condition.truth(frame)? { then.eval(frame) } else { otherwise.eval(frame) };
            }
            Self::Arithmetic(operator, both) => {
                let (left, right) = strict(both, frame)?;
                arithmetic(*operator, left, right)?
            }
            Self::Negate(of) => negate(&of.eval(frame)?)?,
            Self::Call(function, arguments) => match &**arguments {
                [of] => of_one(*function, of.eval(frame)?)?,
                [left, right] => {
                    let (left, right) = both(left.eval(frame), right.eval(frame))?;
                    of_texts(*function, &left, &right)?
                }
                _ => return Err(Stop::Error("a function without arguments".to_owned())),
            },
            Self::Map(parts) => map(parts, frame)?,
            Self::Has(..)
            | Self::Exists(_)
            | Self::Not(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Compare(..)
            | Self::In(_)
            | Self::Matches(..)
            | Self::Quantify(..) => Value::Bool(self.truth(frame)?),
        };
        match value {
            Value::Unread(unread) => Err(Stop::Unread(unread)),
            value => Ok(value),
        }
    }

    /// The value of a condition.
    pub(crate) fn truth<'f>(&'f self, frame: &mut Frame<'f>) -> Answer<'f, bool> {
        match self {
            Self::Bool(b) => Ok(*b),
            Self::Not(of) => of.truth(frame).map(|b| !b),
            Self::And(both) => decided_by(false, &both[0], &both[1], frame),
            Self::Or(both) => decided_by(true, &both[0], &both[1], frame),
            Self::Compare(comparison, both) => {
                let (left, right) = strict(both, frame)?;
                compare(*comparison, &left, &right)
            }
            Self::In(both) => match strict(both, frame)? {
                (element, Value::List(list)) => {
                    frame.charge(list.len())?;
                    contains_element(&element, &list)
                }
                (Value::String(name), Value::Object(members)) => Ok(json::member(members, &name).is_some()),
                (_, wrong) => null_or_wrong(&wrong),
            },
            Self::Exists(of) => exists(of, frame),
            Self::Has(of, field) => match of.eval(frame)? {
                Value::Record(record) => match record.get(*field) {
                    Value::Unread(unread) => Err(Stop::Unread(unread)),
                    value => Ok(!matches!(value, Value::Null)),
                },
                wrong => null_or_wrong(&wrong),
            },
            Self::Matches(of, pattern) => match of.eval(frame)? {
                Value::String(text) => Ok(pattern.is_match(&text)),
                wrong => null_or_wrong(&wrong),
            },
            Self::Quantify(quantifier, parts) => quantify(*quantifier, parts, frame),
            _ => match self.eval(frame)? {
                Value::Bool(b) => Ok(b),
                wrong => null_or_wrong(&wrong),
            },
        }
    }
}

/// Both values; where one has none, what is missing goes before what went wrong.
fn both<'f, T>(left: Answer<'f, T>, right: Answer<'f, T>) -> Answer<'f, (T, T)> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(left), Err(right)) => Err(Stop::worse(Some(left), right)),
        (Err(stop), Ok(_)) | (Ok(_), Err(stop)) => Err(stop),
    }
}

fn strict<'f>(operands: &'f [Code; 2], frame: &mut Frame<'f>) -> Answer<'f, (Value<'f>, Value<'f>)> {
    both(operands[0].eval(frame), operands[1].eval(frame))
}

/// `&&` (decided by false) and `||` (decided by true): either side decides, whatever the other one is.
fn decided_by<'f>(decisive: bool, left: &'f Code, right: &'f Code, frame: &mut Frame<'f>) -> Answer<'f, bool> {
    let first = left.truth(frame);
    if first == Ok(decisive) {
        return first;
    }
    let second = right.truth(frame);
    if second == Ok(decisive) {
        return second;
    }
    both(first, second).map(|_| !decisive)
}

fn field<'f>(of: &'f Code, field: usize, frame: &mut Frame<'f>) -> Answer<'f, Value<'f>> {
    let value = match of.eval(frame)? {
        Value::Record(record) => record.get(field),
        wrong => return null_or_wrong(&wrong),
    };
    if let Value::List(items) = &value {
        frame.charge(items.len())?;
    }
    Ok(value)
}

fn member<'f>(of: &'f Code, member: &'f Member, frame: &mut Frame<'f>) -> Answer<'f, Value<'f>> {
    let members = match of.eval(frame)? {
        Value::Object(members) => members,
        wrong => return no_object(member, &wrong),
    };
    let value = json::member(members, &member.name).map_or(Value::Null, Value::from);
    match &value {
        Value::Null => return Err(Stop::Unread(&member.missing)),
        Value::List(items) => frame.charge(items.len())?,
        _ => {}
    }
    Ok(value)
}

fn no_object<'f, T>(member: &Member, value: &Value<'_>) -> Answer<'f, T> {
    let Member { of, name, .. } = member;
    Err(Stop::Error(format!("`{of}` is {} and has no member `{name}`", kind(value))))
}

/// Whether JSON holds all members on the way. What was not read at all stays unread.
fn exists<'f>(of: &'f Code, frame: &mut Frame<'f>) -> Answer<'f, bool> {
    match of {
        Code::Member(within, member) => {
            if !exists(within, frame)? {
                return Ok(false);
            }
            match within.eval(frame)? {
                Value::Object(members) => Ok(json::member(members, &member.name).is_some_and(|it| !it.is_null())),
                wrong => no_object(member, &wrong),
            }
        }
        Code::Present(within, _) => within.eval(frame).map(|value| !matches!(value, Value::Null)),
        other => other.eval(frame).map(|_| true),
    }
}

fn index<'f>(operands: &'f [Code; 2], frame: &mut Frame<'f>) -> Answer<'f, Value<'f>> {
    match strict(operands, frame)? {
        (Value::List(mut items), Value::Int(i)) => match usize::try_from(i) {
            Ok(i) if i < items.len() => Ok(items.swap_remove(i)),
            _ => Err(Stop::Error(format!("the list has no element {i}"))),
        },
        (Value::Object(members), Value::String(name)) => match json::member(members, &name) {
            Some(value) => Ok(value.into()),
            None => Err(Stop::Error(format!("there is no member `{name}`"))),
        },
        (Value::List(_) | Value::Object(_), wrong) | (wrong, _) => null_or_wrong(&wrong),
    }
}

/// The elements that a macro walks over.
fn elements<'f>(list: &'f Code, frame: &mut Frame<'f>) -> Answer<'f, Vec<Value<'f>>> {
    match list.eval(frame)? {
        Value::List(items) => {
            frame.charge(items.len())?;
            Ok(items)
        }
        Value::Object(members) => {
            frame.charge(members.len())?;
            Ok(members.keys().map(|name| Value::String(name.as_str().into())).collect())
        }
        wrong => null_or_wrong(&wrong),
    }
}

/// Evaluates with the macro's variable bound to the element.
fn with<'f, T>(
    element: Value<'f>,
    frame: &mut Frame<'f>,
    body: impl FnOnce(&mut Frame<'f>) -> Answer<'f, T>,
) -> Answer<'f, T> {
    frame.locals.push(element);
    let result = body(frame);
    frame.locals.pop();
    result
}

fn quantify<'f>(quantifier: Quantifier, parts: &'f [Code; 2], frame: &mut Frame<'f>) -> Answer<'f, bool> {
    let [list, predicate] = parts;
    let mut stop = None;
    let mut holds = 0_u64;
    for element in elements(list, frame)? {
        match (quantifier, with(element, frame, |frame| predicate.truth(frame))) {
            (Quantifier::All, Ok(false)) => return Ok(false),
            (Quantifier::Exists, Ok(true)) => return Ok(true),
            (Quantifier::ExistsOne, Ok(true)) => holds += 1,
            (_, Ok(_)) => {}
            (_, Err(new)) => stop = Some(Stop::worse(stop, new)),
        }
    }
    match (stop, quantifier) {
        (Some(stop), _) => Err(stop),
        (None, Quantifier::All) => Ok(true),
        (None, Quantifier::Exists) => Ok(false),
        (None, Quantifier::ExistsOne) => Ok(holds == 1),
    }
}

fn map<'f>(parts: &'f [Code; 3], frame: &mut Frame<'f>) -> Answer<'f, Value<'f>> {
    let [list, filter, value] = parts;
    let mut stop = None;
    let mut values = Vec::new();
    for element in elements(list, frame)? {
        let mapped = with(element, frame, |frame| match filter.truth(frame)? {
            true => value.eval(frame).map(Some),
            false => Ok(None),
        });
        match mapped {
            Ok(value) => values.extend(value),
            Err(new) => stop = Some(Stop::worse(stop, new)),
        }
    }
    stop.map_or(Ok(Value::List(values)), Err)
}
