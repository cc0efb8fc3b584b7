//! Random well-typed expressions: they end as they do in cel's own interpreter, and what is not read never decides.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{Compiled, Frame, Param, STACK_SIZE, Scope, Stop, compile};
use crate::facts::schema::{Known, Record, Unread, Value, facts};

facts! {
    /// An item.
    pub struct Item {
        /// A number.
        pub n: Known<i64>,
        /// A text.
        pub text: String,
        /// A flag.
        pub flag: Known<bool>,
    }
    /// A sample in which everything can be unread.
    pub struct Whole {
        /// A number.
        pub int: Known<i64>,
        /// A large number.
        pub large: i64,
        /// A float.
        pub double: Known<f64>,
        /// A text.
        pub text: Known<String>,
        /// A flag.
        pub flag: Known<bool>,
        /// Numbers.
        pub ints: Known<Vec<i64>>,
        /// Texts.
        pub texts: Vec<String>,
        /// Items.
        pub items: Vec<Item>,
        /// An item.
        pub item: Item,
    }
}

fn whole() -> Whole {
    let item = |n: i64, text: &str, flag| Item { n: Ok(n), text: text.into(), flag: Ok(flag) };
    Whole {
        int: Ok(3),
        large: i64::MAX,
        double: Ok(0.5),
        text: Ok("größer".into()),
        flag: Ok(true),
        ints: Ok(vec![0, 1, 2, 3]),
        texts: vec!["a".into(), "ab".into(), String::new()],
        items: vec![item(0, "a", true), item(3, "ab", false)],
        item: item(-1, "b", false),
    }
}

/// Other values, of which [`mixed`] takes some.
fn other() -> Whole {
    let mut facts = Whole {
        int: Ok(0),
        double: Ok(-2.0),
        text: Ok(String::new()),
        flag: Ok(false),
        ints: Ok(Vec::new()),
        ..whole()
    };
    facts.items[0].flag = Ok(false);
    facts.items[1].n = Ok(0);
    facts.item.flag = Ok(true);
    facts
}

/// Nothing was read, where that is possible.
fn unread() -> Whole {
    fn missing<T>() -> Known<T> {
        Err(Unread::new("a fact", "read it"))
    }
    let mut facts =
        Whole { int: missing(), double: missing(), text: missing(), flag: missing(), ints: missing(), ..whole() };
    facts.items[0].flag = missing();
    facts.items[1].n = missing();
    facts.item.flag = missing();
    facts
}

/// The sample, but for each bit of the mask another fact.
fn mixed(mask: u8, others: &Whole) -> Whole {
    let mut facts = whole();
    let taken = |bit: u8| mask >> bit & 1 == 1;
    fn take<T: Clone>(yes: bool, fact: &mut T, other: &T) {
        if yes {
            fact.clone_from(other);
        }
    }
    take(taken(0), &mut facts.int, &others.int);
    take(taken(1), &mut facts.double, &others.double);
    take(taken(2), &mut facts.text, &others.text);
    take(taken(3), &mut facts.flag, &others.flag);
    take(taken(4), &mut facts.ints, &others.ints);
    take(taken(5), &mut facts.items[0].flag, &others.items[0].flag);
    take(taken(6), &mut facts.items[1].n, &others.items[1].n);
    take(taken(7), &mut facts.item.flag, &others.item.flag);
    facts
}

/// The types of the generated expressions.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bool,
    Int,
    Double,
    Text,
    Ints,
    Texts,
}

/// Makes an expression out of a row of choices; when they end, the simplest one is made.
struct Maker<'c> {
    choices: std::slice::Iter<'c, u8>,
    /// Variables of macros, with their types; `None`: an item.
    locals: Vec<(String, Option<Kind>)>,
}

impl Maker<'_> {
    fn choose(&mut self, n: usize) -> usize {
        self.choices.next().map_or(0, |choice| usize::from(*choice) % n)
    }

    fn pick(&mut self, from: &[&str]) -> String {
        from[self.choose(from.len())].to_owned()
    }

    /// A name of that type.
    fn leaf(&mut self, kind: Kind) -> String {
        let mut names: Vec<String> = Vec::new();
        for (name, local) in &self.locals {
            match (local, kind) {
                (Some(local), kind) if *local == kind => names.push(name.clone()),
                (None, Kind::Int) => names.push(format!("{name}.n")),
                (None, Kind::Text) => names.push(format!("{name}.text")),
                (None, Kind::Bool) => names.push(format!("{name}.flag")),
                _ => {}
            }
        }
        let fixed: &[&str] = match kind {
            Kind::Bool => &["true", "false", "w.flag", "w.item.flag", "has(w.text)"],
            Kind::Int => &["0", "1", "-2", "3", "w.int", "w.large", "w.item.n", "9223372036854775807"],
            Kind::Double => &["0.0", "0.5", "-1.5", "w.double", "1e300"],
            Kind::Text => &["\"\"", "\"a\"", "'ab'", "w.text", "w.item.text", "\"ß\""],
            Kind::Ints => &["[]", "[1]", "w.ints", "[3, w.int]"],
            Kind::Texts => &["w.texts", "['a']", "[w.text, 'b']"],
        };
        names.extend(fixed.iter().map(|name| (*name).to_owned()));
        names.swap_remove(self.choose(names.len()))
    }

    fn make(&mut self, kind: Kind, depth: usize) -> String {
        if depth == 0 || self.choose(4) == 0 {
            return self.leaf(kind);
        }
        let d = depth - 1;
        if self.choose(8) == 1 {
            return format!("({} ? {} : {})", self.make(Kind::Bool, d), self.make(kind, d), self.make(kind, d));
        }
        match kind {
            Kind::Bool => self.condition(d),
            Kind::Int => match self.choose(5) {
                0 => format!("{}.size()", self.make(Kind::Text, d)),
                1 => format!("size({})", self.make(Kind::Ints, d)),
                2 => format!("int({})", self.make(Kind::Double, d)),
                3 => format!("(-({}))", self.make(Kind::Int, d)),
                _ => {
                    let operator = self.pick(&["+", "-", "*", "/", "%"]);
                    format!("({} {operator} {})", self.make(Kind::Int, d), self.make(Kind::Int, d))
                }
            },
            Kind::Double => match self.choose(3) {
                0 => format!("double({})", self.make(Kind::Int, d)),
                _ => {
                    let operator = self.pick(&["+", "-", "*", "/"]);
                    format!("({} {operator} {})", self.make(Kind::Double, d), self.make(Kind::Double, d))
                }
            },
            Kind::Text => match self.choose(3) {
                0 => format!("string({})", self.make(Kind::Int, d)),
                1 => format!("string({})", self.make(Kind::Bool, d)),
                _ => format!("({} + {})", self.make(Kind::Text, d), self.make(Kind::Text, d)),
            },
            Kind::Ints => match self.choose(3) {
                0 => format!("({} + {})", self.make(Kind::Ints, d), self.make(Kind::Ints, d)),
                1 => self.over_list(d, |it, name, d| format!("map({name}, {})", it.make(Kind::Int, d))),
                _ => self.over(Kind::Ints, d, |it, name, d| format!("filter({name}, {})", it.make(Kind::Bool, d))),
            },
            Kind::Texts => match self.choose(2) {
                0 => self.over_list(d, |it, name, d| format!("map({name}, {})", it.make(Kind::Text, d))),
                _ => self.over(Kind::Texts, d, |it, name, d| format!("filter({name}, {})", it.make(Kind::Bool, d))),
            },
        }
    }

    fn condition(&mut self, d: usize) -> String {
        match self.choose(9) {
            0 => format!("(!({}))", self.make(Kind::Bool, d)),
            1 | 2 => {
                let operator = self.pick(&["&&", "||"]);
                format!("({} {operator} {})", self.make(Kind::Bool, d), self.make(Kind::Bool, d))
            }
            3 => {
                let sides = [
                    (Kind::Int, Kind::Int),
                    (Kind::Double, Kind::Int),
                    (Kind::Int, Kind::Double),
                    (Kind::Text, Kind::Text),
                ];
                let (left, right) = sides[self.choose(sides.len())];
                let operator = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
                format!("({} {operator} {})", self.make(left, d), self.make(right, d))
            }
            4 => {
                let kind = [Kind::Bool, Kind::Ints, Kind::Texts][self.choose(3)];
                let operator = self.pick(&["==", "!="]);
                format!("({} {operator} {})", self.make(kind, d), self.make(kind, d))
            }
            5 => {
                let (item, list) = [(Kind::Int, Kind::Ints), (Kind::Text, Kind::Texts)][self.choose(2)];
                format!("({} in {})", self.make(item, d), self.make(list, d))
            }
            6 => {
                let function = self.pick(&["contains", "startsWith", "endsWith"]);
                format!("{}.{function}({})", self.make(Kind::Text, d), self.make(Kind::Text, d))
            }
            7 => {
                let pattern = self.pick(&["^a", "b+$", "ß", ""]);
                format!("{}.matches('{pattern}')", self.make(Kind::Text, d))
            }
            _ => {
                let name = self.pick(&["all", "exists", "exists_one"]);
                self.over_list(d, |it, variable, d| format!("{name}({variable}, {})", it.make(Kind::Bool, d)))
            }
        }
    }

    /// A macro over some list.
    fn over_list(&mut self, d: usize, body: impl FnOnce(&mut Self, &str, usize) -> String) -> String {
        match self.choose(3) {
            0 => self.with_variable(None, "w.items".to_owned(), d, body),
            1 => self.over(Kind::Ints, d, body),
            _ => self.over(Kind::Texts, d, body),
        }
    }

    fn over(&mut self, list: Kind, d: usize, body: impl FnOnce(&mut Self, &str, usize) -> String) -> String {
        let element = if list == Kind::Ints { Kind::Int } else { Kind::Text };
        if self.locals.len() == 2 {
            return self.leaf(list) + "." + if list == Kind::Ints { "map(z, z)" } else { "filter(z, true)" };
        }
        let range = self.make(list, d.min(1));
        self.with_variable(Some(element), range, d, body)
    }

    fn with_variable(
        &mut self,
        element: Option<Kind>,
        range: String,
        d: usize,
        body: impl FnOnce(&mut Self, &str, usize) -> String,
    ) -> String {
        let name = ["x", "y", "z"][self.locals.len().min(2)].to_owned();
        self.locals.push((name.clone(), element));
        let body = body(self, &name, d);
        self.locals.pop();
        format!("{range}.{body}")
    }
}

fn to_cel(value: &Value<'_>) -> cel::Value {
    match value {
        Value::Null | Value::Unread(_) => cel::Value::Null,
        Value::Bool(b) => cel::Value::Bool(*b),
        Value::Int(i) => cel::Value::Int(*i),
        Value::Double(d) => cel::Value::Float(*d),
        Value::String(text) => cel::Value::String(Arc::new(text.to_string())),
        Value::List(items) => cel::Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Record(record) => {
            let fields = record.record_type().fields.iter().enumerate();
            let fields: HashMap<String, cel::Value> =
                fields.map(|(i, field)| (field.name.clone(), to_cel(&record.get(i)))).collect();
            cel::Value::from(fields)
        }
        Value::Object(_) => unreachable!("no fact of the sample is JSON"),
    }
}

/// The expression, unless it is too long or too deep: then there is nothing to compare.
fn checked(source: &str) -> Option<Compiled> {
    let roots = [("w", Whole::describe())];
    match compile(source, Scope { roots: &roots, params: &[], present: &[] }) {
        Ok(compiled) => Some(compiled),
        Err(faults) if faults[0].message.contains("than") => None,
        Err(faults) => panic!("{source}: {faults:?}"),
    }
}

/// How an expression can end.
#[derive(Clone, Debug, PartialEq)]
enum End {
    Value(String),
    Error,
    Unread,
}

fn ours(compiled: &Compiled, facts: &Whole) -> End {
    let records: [&dyn Record; 1] = [facts];
    let params: [(String, Param); 0] = [];
    match compiled.code.eval(&mut Frame::new(&records, &params)) {
        Ok(value) => End::Value(format!("{:?}", to_cel(&value))),
        Err(Stop::Error(_)) => End::Error,
        Err(Stop::Unread(_)) => End::Unread,
    }
}

fn cels(source: &str, facts: &Whole) -> End {
    let mut context = cel::Context::default();
    context.add_variable_from_value("w", to_cel(&Value::Record(facts)));
    let result = cel::Program::compile(source).unwrap().execute(&context);
    result.map_or(End::Error, |value| End::Value(format!("{value:?}")))
}

/// Hands random expressions, each with a random mask, to the test.
fn with_expressions(cases: u32, test: impl Fn(&str, &Compiled, u8) -> Result<(), TestCaseError> + Send + 'static) {
    let run = move || {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let strategy = (0_usize..6, any::<u8>(), proptest::collection::vec(any::<u8>(), 0..60));
        let result = runner.run(&strategy, |(kind, mask, choices)| {
            let kind = [Kind::Bool, Kind::Int, Kind::Double, Kind::Text, Kind::Ints, Kind::Texts][kind];
            let source = Maker { choices: choices.iter(), locals: Vec::new() }.make(kind, 4);
            checked(&source).map_or(Ok(()), |compiled| test(&source, &compiled, mask))
        });
        result.unwrap_or_else(|failure| panic!("{failure}"));
    };
    // cel's parser needs it.
    std::thread::Builder::new().stack_size(STACK_SIZE).spawn(run).unwrap().join().unwrap();
}

/// How often each end was seen, so that a test cannot pass without having compared anything.
#[derive(Default)]
struct Seen {
    values: AtomicU32,
    errors: AtomicU32,
    unread: AtomicU32,
}

impl Seen {
    fn note(&self, end: &End) {
        let counter = match end {
            End::Value(_) => &self.values,
            End::Error => &self.errors,
            End::Unread => &self.unread,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn counts(&self) -> [u32; 3] {
        [&self.values, &self.errors, &self.unread].map(|counter| counter.load(Ordering::Relaxed))
    }
}

#[test]
fn compiled_expressions_agree_with_cels_interpreter() {
    let seen = Arc::new(Seen::default());
    let facts = whole();
    let note = Arc::clone(&seen);
    with_expressions(4_000, move |source, compiled, _| {
        let end = ours(compiled, &facts);
        note.note(&end);
        prop_assert_eq!(end, cels(source, &facts), "{}", source);
        Ok(())
    });
    let [values, errors, unread] = seen.counts();
    assert!(values > 2_000 && errors > 50 && unread == 0, "{values} values, {errors} errors, {unread} unread");
}

#[test]
fn what_was_not_read_never_decides() {
    let seen = Arc::new(Seen::default());
    let note = Arc::clone(&seen);
    with_expressions(3_000, move |source, compiled, mask| {
        let end = ours(compiled, &mixed(mask, &unread()));
        note.note(&end);
        if end != End::Unread {
            // Whatever the missing facts are, the end is the same.
            for replaced in [0, mask, mask & 0b0101_0101, mask & 0b1010_1010] {
                prop_assert_eq!(&end, &ours(compiled, &mixed(replaced, &other())), "{} with {:#b}", source, replaced);
            }
        }
        Ok(())
    });
    let [values, errors, unread] = seen.counts();
    assert!(values > 1_000 && errors > 20 && unread > 300, "{values} values, {errors} errors, {unread} unread");
}
