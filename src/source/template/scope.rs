//! What a template's expressions see: its parameters and variables, the turn of its loops, and where it is deployed.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::expression::unknown::Unknown;
use super::expression::{Node, Text, call, classify, parse};
use crate::json::member;

/// Azure's limit for one copy loop.
pub const MOST_COPIES: usize = 800;

/// How deep values, parameters, variables and calls may lead into one another.
const DEEPEST: u32 = 100;

/// How much all evaluations of one file may yield together, in values and in 16 characters of text.
const MOST: u64 = 4_000_000;

/// The reason where nothing of [`MOST`] is left.
pub const TOO_LARGE: &str = "the template grows too large";

/// What a template does not name.
pub const UNNAMED: &str = "-";

/// Effort that is left for a file.
#[derive(Debug)]
pub struct Budget {
    left: Cell<u64>,
    depth: Cell<u32>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: Cell::new(MOST), depth: Cell::new(0) }
    }
}

impl Budget {
    /// Takes what a value costs; `false`: there is not that much.
    pub fn pay(&self, value: &Value) -> bool {
        let left = self.left.get();
        let cost = weight(value, left);
        self.left.set(left.saturating_sub(cost));
        cost < left
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// Leaves nothing.
    pub fn spend(&self) {
        self.left.set(0);
    }
}

fn weight(value: &Value, most: u64) -> u64 {
    let sum = |values: &mut dyn Iterator<Item = &Value>| {
        let mut sum = 1;
        for value in values {
            if sum >= most {
                break;
            }
            sum += weight(value, most - sum);
        }
        sum
    };
    match value {
        Value::String(text) => 1 + text.len() as u64 / 16,
        Value::Array(list) => sum(&mut list.iter()),
        Value::Object(members) => sum(&mut members.values()),
        _ => 1,
    }
}

/// Where resources are deployed to; [`UNNAMED`] where the template does not say.
#[derive(Clone, Debug)]
pub struct Place {
    /// The subscription.
    pub subscription: String,
    /// The resource group.
    pub group: String,
}

/// One template's names and what they stand for.
pub struct Scope<'t> {
    budget: &'t Budget,
    parameters: Option<&'t Map<String, Value>>,
    given: HashMap<String, Value>,
    variables: Option<&'t Map<String, Value>>,
    place: Place,
    known: RefCell<HashMap<String, Value>>,
    open: RefCell<Vec<String>>,
    /// Loops that are being run, with their turns; innermost last.
    turns: RefCell<Vec<(String, usize)>>,
}

impl<'t> Scope<'t> {
    /// Of a template; `given`: the parameters that it is called with, by lower-case name.
    pub fn new(
        template: &'t Map<String, Value>,
        given: HashMap<String, Value>,
        place: Place,
        budget: &'t Budget,
    ) -> Self {
        Self {
            budget,
            parameters: member(template, "parameters").and_then(Value::as_object),
            given,
            variables: member(template, "variables").and_then(Value::as_object),
            place,
            known: RefCell::default(),
            open: RefCell::default(),
            turns: RefCell::default(),
        }
    }

    /// Where it is deployed to.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Runs `each` for every turn of a loop of that name.
    pub fn turns(&self, name: &str, count: usize, mut each: impl FnMut()) {
        for turn in 0..count {
            if self.budget.is_spent() {
                break;
            }
            self.turns.borrow_mut().push((name.to_lowercase(), turn));
            each();
            self.turns.borrow_mut().pop();
        }
    }

    /// The value, with all expressions in it evaluated; what cannot be told is [`Unknown`] there.
    pub fn value(&self, value: &Value) -> Value {
        if self.budget.is_spent() {
            return Unknown::new("…", TOO_LARGE).into_value();
        }
        self.budget.left.set(self.budget.left.get() - 1);
        match self.deeper(|| self.value_within(value)) {
            Some(value) => value,
            None => Unknown::new("…", "it leads too deep into itself").into_value(),
        }
    }

    fn deeper<T>(&self, then: impl FnOnce() -> T) -> Option<T> {
        let depth = self.budget.depth.get();
        if depth >= DEEPEST {
            return None;
        }
        self.budget.depth.set(depth + 1);
        let result = then();
        self.budget.depth.set(depth);
        Some(result)
    }

    fn value_within(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match classify(text) {
                Text::Literal(text) => Value::from(text),
                Text::Expression(text) => {
                    let result = match parse(text) {
                        Some(node) => self.node(&node),
                        None => Err(Unknown::new(text, "the expression cannot be read")),
                    };
                    result.unwrap_or_else(Unknown::into_value)
                }
            },
            Value::Array(list) => list.iter().map(|it| self.value(it)).collect(),
            Value::Object(members) => self.object(members),
            other => other.clone(),
        }
    }

    /// An object: its `copy` fills members of it.
    fn object(&self, members: &Map<String, Value>) -> Value {
        let mut result = Map::new();
        for (key, value) in members {
            match (key.eq_ignore_ascii_case("copy"), value) {
                (true, Value::Array(loops))
                    if loops.iter().all(|it| it.get("name").is_some() && it.get("input").is_some()) =>
                {
                    for it in loops {
                        let name = it["name"].as_str().unwrap_or_default();
                        result.insert(name.to_owned(), self.copied(name, it));
                    }
                }
                _ => drop(result.insert(self.key(key), self.value(value))),
            }
        }
        Value::Object(result)
    }

    /// A key may be an expression too.
    fn key(&self, key: &str) -> String {
        match classify(key) {
            Text::Literal(it) => it.to_owned(),
            Text::Expression(_) => match self.value(&json!(key)) {
                Value::String(it) => it,
                _ => key.to_owned(),
            },
        }
    }

    /// The list that a loop of a member or of a variable makes.
    fn copied(&self, name: &str, it: &Value) -> Value {
        let count = match self.count(&it["count"]) {
            Ok(count) => count,
            Err(unknown) => return unknown.into_value(),
        };
        let mut list = Vec::new();
        self.turns(name, count, || list.push(self.value(&it["input"])));
        let list = Value::Array(list);
        match self.budget.pay(&list) {
            true => list,
            false => Unknown::new(name, TOO_LARGE).into_value(),
        }
    }

    /// How often a loop runs.
    pub fn count(&self, count: &Value) -> Result<usize, Unknown> {
        let count = self.value(count);
        if let Some(unknown) = Unknown::of(&count) {
            return Err(unknown);
        }
        let number = count.as_u64().or_else(|| count.as_str()?.trim().parse().ok());
        let number = number.and_then(|it| usize::try_from(it).ok()).filter(|it| *it <= MOST_COPIES);
        number.ok_or_else(|| Unknown::new("copy", format!("its `count` is no number up to {MOST_COPIES}")))
    }

    fn node(&self, node: &Node) -> Result<Value, Unknown> {
        let value = match node {
            Node::Text(text) => Value::from(text.as_str()),
            Node::Number(number) => Value::from(*number),
            Node::Call(name, arguments) => self.call(name, arguments)?,
            Node::Member { of, index, optional } => {
                let index = self.node(index)?;
                // What is unknown of one thing differs from member to member.
                let of = self.node(of).map_err(|unknown| {
                    let reason = unknown.reason;
                    Unknown::new(&format!("{}.{}", unknown.symbol, shown(&index)), reason)
                })?;
                self.member(of, &index, *optional)?
            }
        };
        match (self.budget.pay(&value), Unknown::of(&value)) {
            (_, Some(unknown)) => Err(unknown),
            (true, None) => Ok(value),
            (false, None) => Err(Unknown::new("…", TOO_LARGE)),
        }
    }

    fn member(&self, mut of: Value, index: &Value, optional: bool) -> Result<Value, Unknown> {
        let found = match (&mut of, index) {
            (Value::Object(members), Value::String(key)) => {
                let key = members.keys().find(|it| it.eq_ignore_ascii_case(key)).cloned();
                key.and_then(|key| members.remove(&key))
            }
            (Value::Array(list), Value::Number(at)) => {
                let at = at.as_u64().and_then(|it| usize::try_from(it).ok()).filter(|it| *it < list.len());
                at.map(|at| list.swap_remove(at))
            }
            _ => None,
        };
        match found {
            Some(value) => Ok(value),
            None if optional => Ok(Value::Null),
            None => Err(Unknown::new(&format!("….{}", shown(index)), format!("there is no member {index}"))),
        }
    }

    fn call(&self, name: &str, nodes: &[Node]) -> Result<Value, Unknown> {
        // These do not need all of their arguments.
        match (name, nodes) {
            ("if", [condition, yes, no]) => {
                let condition = self.node(condition);
                return match condition.as_ref().map(Value::as_bool) {
                    Ok(Some(true)) => self.node(yes),
                    Ok(Some(false)) => self.node(no),
                    // All of it tells it from others that hang on the same condition.
                    _ => Err(symbolic(name, &[condition, self.node(yes), self.node(no)], &self.place)),
                };
            }
            ("and" | "or", nodes) => return self.logic(name == "or", nodes),
            ("coalesce", nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    match self.node(node) {
                        Ok(Value::Null) => {}
                        Ok(value) => return Ok(value),
                        Err(_) => {
                            let rest: Vec<_> = nodes[at..].iter().map(|it| self.node(it)).collect();
                            return Err(symbolic(name, &rest, &self.place));
                        }
                    }
                }
                return Ok(Value::Null);
            }
            _ => {}
        }
        let arguments: Vec<Result<Value, Unknown>> = nodes.iter().map(|it| self.node(it)).collect();
        if arguments.iter().any(Result::is_err) {
            return Err(symbolic(name, &arguments, &self.place));
        }
        let arguments: Vec<Value> = arguments.into_iter().flatten().collect();
        if let Some(result) = self.named(name, &arguments) {
            return result;
        }
        match call(name, &arguments) {
            Some(Ok(value)) => Ok(value),
            Some(Err(reason)) => Err(Unknown::new(&written(name, &arguments), reason)),
            None => {
                let reason = format!("only Azure knows what `{name}` yields here");
                Err(Unknown::new(&written(name, &arguments), reason))
            }
        }
    }

    /// One true makes `or` true, one false makes `and` false, whatever the others are.
    fn logic(&self, decides: bool, nodes: &[Node]) -> Result<Value, Unknown> {
        let mut doubt = None;
        for node in nodes {
            match self.node(node).map(|it| it.as_bool()) {
                Ok(Some(it)) if it == decides => return Ok(Value::Bool(decides)),
                Ok(Some(_)) => {}
                Ok(None) => doubt = Some(Unknown::new("and()", "`and` and `or` take true and false")),
                Err(unknown) => doubt = Some(unknown),
            }
        }
        doubt.map_or(Ok(Value::Bool(!decides)), Err)
    }

    /// Functions that need more than their arguments.
    fn named(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, Unknown>> {
        Some(match (name, arguments) {
            ("parameters", [Value::String(of)]) => self.parameter(of),
            ("variables", [Value::String(of)]) => self.variable(of),
            ("copyindex", _) => self.turn(arguments),
            ("resourcegroup", []) => Ok(json!({
                "id": format!("/subscriptions/{}/resourceGroups/{}", self.place.subscription, self.place.group),
                "name": self.place.group,
                "type": "Microsoft.Resources/resourceGroups",
                "location": Unknown::new("resourceGroup().location", "the group's region stands in no template").into_value(),
                "tags": Unknown::new("resourceGroup().tags", "the group's tags stand in no template").into_value(),
            })),
            ("subscription", []) => Ok(json!({
                "id": format!("/subscriptions/{}", self.place.subscription),
                "subscriptionId": self.place.subscription,
                "tenantId": Unknown::new("subscription().tenantId", "the tenant stands in no template").into_value(),
                "displayName": Unknown::new("subscription().displayName", "it stands in no template").into_value(),
            })),
            ("resourceid" | "subscriptionresourceid" | "tenantresourceid" | "extensionresourceid", _) => {
                let pieces: Option<Vec<&str>> = arguments.iter().map(Value::as_str).collect();
                let id = pieces.and_then(|pieces| resource_id(name, &pieces, &self.place));
                let wrong =
                    || Unknown::new(&written(name, arguments), format!("`{name}` does not take these arguments"));
                id.map(Value::String).ok_or_else(wrong)
            }
            _ => return None,
        })
    }

    fn parameter(&self, name: &str) -> Result<Value, Unknown> {
        let lower = name.to_lowercase();
        if let Some(value) = self.given.get(&lower) {
            return Unknown::of(value).map_or_else(|| Ok(value.clone()), Err);
        }
        let wrong = |reason: &str| Unknown::new(&format!("parameters('{name}')"), reason);
        let declared = self.parameters.and_then(|it| member(it, name)).and_then(Value::as_object);
        let Some(declared) = declared else { return Err(wrong(&format!("there is no parameter `{name}`"))) };
        match member(declared, "defaultValue") {
            Some(default) => self.once(&format!("p {lower}"), default, wrong),
            None if member(declared, "nullable").and_then(Value::as_bool) == Some(true) => Ok(Value::Null),
            None => Err(wrong(&format!("parameter `{name}` has no default value"))),
        }
    }

    fn variable(&self, name: &str) -> Result<Value, Unknown> {
        let wrong = |reason: &str| Unknown::new(&format!("variables('{name}')"), reason);
        let Some(variables) = self.variables else { return Err(wrong("the template has no variables")) };
        if let Some(value) = member(variables, name) {
            return self.once(&format!("v {}", name.to_lowercase()), value, wrong);
        }
        let loops = member(variables, "copy").and_then(Value::as_array);
        let named = |it: &&Value| it["name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(name));
        match loops.and_then(|it| it.iter().find(named)) {
            Some(it) => {
                let value = self.deeper(|| self.copied(name, it)).ok_or_else(|| wrong("it leads into itself"))?;
                Unknown::of(&value).map_or(Ok(value), Err)
            }
            None => Err(wrong(&format!("there is no variable `{name}`"))),
        }
    }

    /// A value that is the same wherever it is asked for.
    fn once(&self, key: &str, value: &Value, wrong: impl Fn(&str) -> Unknown) -> Result<Value, Unknown> {
        if let Some(known) = self.known.borrow().get(key) {
            return Unknown::of(known).map_or_else(|| Ok(known.clone()), Err);
        }
        if self.open.borrow().iter().any(|it| it == key) {
            return Err(wrong("it leads into itself"));
        }
        self.open.borrow_mut().push(key.to_owned());
        let value = self.value(value);
        self.open.borrow_mut().pop();
        self.known.borrow_mut().insert(key.to_owned(), value.clone());
        Unknown::of(&value).map_or(Ok(value), Err)
    }

    fn turn(&self, arguments: &[Value]) -> Result<Value, Unknown> {
        let (name, offset) = match arguments {
            [Value::String(name)] => (Some(name.to_lowercase()), 0),
            [Value::String(name), offset] => (Some(name.to_lowercase()), offset.as_i64().unwrap_or(0)),
            [offset] => (None, offset.as_i64().unwrap_or(0)),
            _ => (None, 0),
        };
        let turns = self.turns.borrow();
        let turn = match name {
            Some(name) => turns.iter().rev().find(|(it, _)| *it == name),
            None => turns.last(),
        };
        let turn = turn.and_then(|(_, turn)| i64::try_from(*turn).ok()?.checked_add(offset));
        turn.map(Value::from).ok_or_else(|| Unknown::new("copyIndex()", "`copyIndex` stands outside of a loop"))
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn written(name: &str, arguments: &[Value]) -> String {
    let arguments: Vec<String> = arguments
        .iter()
        .map(|it| match (Unknown::of(it), it) {
            (Some(unknown), _) => unknown.symbol,
            (None, Value::String(text)) => format!("'{text}'"),
            (None, other) => other.to_string(),
        })
        .collect();
    format!("{name}({})", arguments.join(","))
}

/// What a call with unknown arguments yields, as far as it is known: texts and ids keep their known pieces.
fn symbolic(name: &str, arguments: &[Result<Value, Unknown>], place: &Place) -> Unknown {
    let reason = arguments.iter().find_map(|it| it.as_ref().err()).map(|it| it.reason.clone());
    let reason = reason.unwrap_or_else(|| format!("`{name}` does not take these arguments"));
    let pieces: Vec<String> = arguments
        .iter()
        .map(|it| match it {
            Ok(value) => shown(value),
            Err(unknown) => unknown.symbol.clone(),
        })
        .collect();
    let texts: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let symbol = match (name, arguments) {
        ("concat", _) if !arguments.iter().flatten().any(|it| it.is_array() || it.is_object()) => Some(pieces.concat()),
        ("format", [Ok(Value::String(pattern)), ..]) => {
            let values: Vec<Value> = texts[1..].iter().map(|it| json!(it)).collect();
            match call("format", &[vec![json!(pattern)], values].concat()) {
                Some(Ok(Value::String(text))) => Some(text),
                _ => None,
            }
        }
        ("tolower" | "trim" | "string", [Err(unknown)]) => Some(unknown.symbol.clone()),
        ("resourceid" | "subscriptionresourceid" | "tenantresourceid" | "extensionresourceid", _) => {
            resource_id(name, &texts, place)
        }
        _ => None,
    };
    match symbol {
        Some(symbol) if symbol.len() < 4096 => Unknown { reason, symbol },
        _ => {
            let arguments: Vec<Value> =
                arguments.iter().map(|it| it.clone().unwrap_or_else(Unknown::into_value)).collect();
            Unknown::new(&written(name, &arguments), reason)
        }
    }
}

/// The id that the functions for ids make of these pieces, in all their forms.
fn resource_id(function: &str, pieces: &[&str], place: &Place) -> Option<String> {
    if function == "extensionresourceid" {
        let (base, rest) = pieces.split_first()?;
        return Some(format!("{}/providers/{}", base.trim_end_matches('/'), path(rest)?));
    }
    // The type is the first piece with a slash; what stands before it says where.
    let at = pieces.iter().position(|it| it.contains('/') && !it.starts_with('/'))?;
    let (before, rest) = pieces.split_at(at);
    let path = path(rest)?;
    Some(match (function, before) {
        ("tenantresourceid", []) => format!("/providers/{path}"),
        ("subscriptionresourceid", []) => format!("/subscriptions/{}/providers/{path}", place.subscription),
        ("subscriptionresourceid", [subscription]) => format!("/subscriptions/{subscription}/providers/{path}"),
        ("resourceid", []) => {
            format!("/subscriptions/{}/resourceGroups/{}/providers/{path}", place.subscription, place.group)
        }
        ("resourceid", [group]) => {
            format!("/subscriptions/{}/resourceGroups/{group}/providers/{path}", place.subscription)
        }
        ("resourceid", [subscription, group]) => {
            format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{path}")
        }
        _ => return None,
    })
}

/// `A.B/c/d`, `x`, `y` → `A.B/c/x/d/y`. A name may hold those of its parents, as `x/y`.
fn path(pieces: &[&str]) -> Option<String> {
    let (ty, names) = pieces.split_first()?;
    provider_path(ty, &names.join("/"))
}

/// `A.B/c/d` and `x/y` → `A.B/c/x/d/y`; `None` where the numbers of types and names differ.
pub fn provider_path(ty: &str, names: &str) -> Option<String> {
    let (namespace, types) = ty.trim_matches('/').split_once('/')?;
    let (types, names): (Vec<&str>, Vec<&str>) =
        (types.split('/').collect(), names.trim_matches('/').split('/').collect());
    if types.len() != names.len() || names.iter().any(|it| it.is_empty()) {
        return None;
    }
    let pairs: Vec<String> = types.iter().zip(&names).map(|(ty, name)| format!("{ty}/{name}")).collect();
    Some(format!("{namespace}/{}", pairs.join("/")))
}
