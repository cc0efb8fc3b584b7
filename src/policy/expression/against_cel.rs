//! The compiled expressions against cel's own interpreter, over random well-typed expressions.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Frame, Param, STACK_SIZE, Scope, compile};
use crate::facts::schema::{Record, Value, facts};

facts! {
    /// An item.
    pub struct Item {
        /// A number.
        pub n: i64,
        /// A text.
        pub text: String,
        /// A flag.
        pub flag: bool,
    }
    /// A sample in which everything was read.
    pub struct Whole {
        /// A number.
        pub int: i64,
        /// A large number.
        pub large: i64,
        /// A float.
        pub double: f64,
        /// A text.
        pub text: String,
        /// A flag.
        pub flag: bool,
        /// Numbers.
        pub ints: Vec<i64>,
        /// Texts.
        pub texts: Vec<String>,
        /// Items.
        pub items: Vec<Item>,
        /// An item.
        pub item: Item,
    }
}

fn whole() -> Whole {
    let item = |n: i64, text: &str, flag| Item { n, text: text.into(), flag };
    Whole {
        int: 3,
        large: i64::MAX,
        double: 0.5,
        text: "größer".into(),
        flag: true,
        ints: vec![0, 1, 2, 3],
        texts: vec!["a".into(), "ab".into(), String::new()],
        items: vec![item(0, "a", true), item(3, "ab", false)],
        item: item(-1, "b", false),
    }
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
    }
}

/// What both ended with: the value, or `None` for an error.
type Ends = (Option<String>, Option<String>);

fn both(source: &str, facts: &Whole) -> Option<Ends> {
    let roots = [("w", Whole::describe())];
    let scope = Scope { roots: &roots, params: &[], present: &[] };
    let compiled = match compile(source, scope) {
        Ok(compiled) => compiled,
        // Too long or too deep: nothing to compare.
        Err(faults) if faults[0].message.contains("than") => return None,
        Err(faults) => panic!("{source}: {faults:?}"),
    };
    let records: [&dyn Record; 1] = [facts];
    let params: [(String, Param); 0] = [];
    let mut frame = Frame::new(&records, &params);
    let ours = compiled.code.eval(&mut frame).ok().map(|value| format!("{:?}", to_cel(&value)));
    let mut context = cel::Context::default();
    context.add_variable_from_value("w", to_cel(&Value::Record(facts)));
    let theirs = cel::Program::compile(source).unwrap().execute(&context).ok().map(|value| format!("{value:?}"));
    Some((ours, theirs))
}

#[test]
fn compiled_expressions_agree_with_cels_interpreter() {
    let run = || {
        let facts = whole();
        let compared = std::cell::Cell::new((0, 0));
        let mut runner = TestRunner::new(Config { cases: 4_000, failure_persistence: None, ..Config::default() });
        runner
            .run(&(0_usize..6, proptest::collection::vec(any::<u8>(), 0..60)), |(kind, choices)| {
                let kind = [Kind::Bool, Kind::Int, Kind::Double, Kind::Text, Kind::Ints, Kind::Texts][kind];
                let source = Maker { choices: choices.iter(), locals: Vec::new() }.make(kind, 4);
                if let Some((ours, theirs)) = both(&source, &facts) {
                    let (values, errors) = compared.get();
                    compared.set((values + u32::from(ours.is_some()), errors + u32::from(ours.is_none())));
                    prop_assert_eq!(ours, theirs, "{}", source);
                }
                Ok(())
            })
            .unwrap();
        let (values, errors) = compared.get();
        assert!(values > 2_000 && errors > 50, "{values} values and {errors} errors were compared");
    };
    std::thread::Builder::new().stack_size(STACK_SIZE).spawn(run).unwrap().join().unwrap();
}
