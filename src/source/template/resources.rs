//! The resources that a template deploys, each in the REST shape as far as the template tells.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::expression::unknown::Unknown;
use super::scope::{Budget, Place, Scope, TOO_LARGE, UNNAMED, provider_path};
use crate::json::member;
use crate::source::Reason;

/// How many resources, and faults, one file may make.
const MOST_RESOURCES: usize = 50_000;

/// How deep deployments stand in one another.
const DEEPEST_DEPLOYMENT: u32 = 8;

/// Members of a declaration that say how it is deployed.
const DEPLOYING: [&str; 9] =
    ["resources", "copy", "condition", "dependsOn", "comments", "apiVersion", "existing", "scope", "name"];

/// A resource.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Its id.
    pub id: String,
    /// In lower case.
    pub ty: String,
    /// In the REST shape.
    pub value: Value,
    /// Which entry of the template's own list it comes from, counted from 0.
    pub entry: usize,
}

/// Something that the template does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// A resource's id; empty: the file.
    pub scope: String,
    /// A resource type in lower case, or `resource`.
    pub what: String,
    /// Why.
    pub reason: Reason,
    /// In words.
    pub detail: String,
    /// As in [`Declared`].
    pub entry: usize,
}

/// What was found in a template.
#[derive(Debug, Default)]
pub struct Found {
    /// Its resources.
    pub resources: Vec<Declared>,
    /// What it does not tell.
    pub lacks: Vec<Lack>,
    /// Ids of resources of which a part, or the whole, may look different from what was found.
    pub doubtful: Vec<(String, Unknown)>,
}

/// The resource that a declaration stands in.
#[derive(Clone, Copy)]
struct Parent<'p> {
    ty: &'p str,
    name: &'p str,
}

/// Walks through one file's declarations.
pub struct Walk<'b> {
    budget: &'b Budget,
    found: Found,
    entry: usize,
}

impl<'b> Walk<'b> {
    /// Of a template that is deployed to a place of which it knows nothing.
    pub fn all(template: &Map<String, Value>, budget: &'b Budget) -> Found {
        let mut walk = Self { budget, found: Found::default(), entry: 0 };
        let place = Place { subscription: UNNAMED.to_owned(), group: UNNAMED.to_owned() };
        let scope = Scope::new(template, HashMap::new(), place, budget);
        let declarations = entries(member(template, "resources"));
        for (entry, declaration) in declarations.into_iter().enumerate() {
            walk.entry = entry;
            walk.declaration(declaration, &scope, scope.place(), None, 0);
        }
        if budget.is_spent() {
            walk.lack("", "file", Reason::Truncated, format!("{TOO_LARGE}, so the rest of it was left out"));
        }
        walk.found
    }

    fn lack(&mut self, scope: &str, what: &str, reason: Reason, detail: String) {
        let (scope, what, entry) = (scope.to_owned(), what.to_lowercase(), self.entry);
        self.found.lacks.push(Lack { scope, what, reason, detail, entry });
    }

    /// One declaration, with its loop and its condition.
    fn declaration(&mut self, it: &Value, scope: &Scope<'_>, place: &Place, parent: Option<Parent<'_>>, depth: u32) {
        let Some(members) = it.as_object() else {
            return self.lack(
                "",
                "resource",
                Reason::Damaged,
                "something that is no object where a resource belongs".into(),
            );
        };
        if member(members, "existing").and_then(Value::as_bool) == Some(true) {
            return;
        }
        let Some(copy) = member(members, "copy").and_then(Value::as_object) else {
            return self.one(members, scope, place, parent, depth);
        };
        let name = match member(copy, "name").map(|it| scope.value(it)) {
            Some(Value::String(name)) => name,
            _ => String::new(),
        };
        match scope.count(member(copy, "count").unwrap_or(&Value::Null)) {
            Ok(count) => scope.turns(&name, count, || self.one(members, scope, place, parent, depth)),
            Err(unknown) => {
                let why =
                    Unknown { reason: format!("how many there are cannot be told: {}", unknown.reason), ..unknown };
                scope.turns(&name, 1, || self.doubt(members, scope, place, parent, depth, why.clone()));
            }
        }
    }

    fn one(
        &mut self,
        members: &Map<String, Value>,
        scope: &Scope<'_>,
        place: &Place,
        parent: Option<Parent<'_>>,
        depth: u32,
    ) {
        if self.found.resources.len() + self.found.lacks.len() >= MOST_RESOURCES {
            self.budget.spend();
        }
        if self.budget.is_spent() {
            return;
        }
        match member(members, "condition").map(|it| scope.value(it)) {
            None | Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => return,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => {}
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => return,
            Some(other) => {
                let unknown =
                    Unknown::of(&other).unwrap_or_else(|| Unknown::new("condition", "it is neither true nor false"));
                let reason = format!("whether it is deployed cannot be told: {}", unknown.reason);
                return self.doubt(members, scope, place, parent, depth, Unknown { reason, ..unknown });
            }
        }
        let Some((ty, name)) = self.identity(members, scope, parent) else { return };
        if ty.eq_ignore_ascii_case("Microsoft.Resources/deployments") {
            return self.deployment(members, &name, scope, place, depth);
        }
        let Some(id) = self.id(members, &ty, &name, scope, place) else { return };
        let mut value = Map::new();
        value.insert("id".into(), json!(id));
        value.insert("name".into(), json!(name.rsplit('/').next()));
        value.insert("type".into(), json!(ty));
        for (key, member) in members {
            if DEPLOYING.iter().any(|it| key.eq_ignore_ascii_case(it)) || key.eq_ignore_ascii_case("type") {
                continue;
            }
            let member = scope.value(member);
            // The region decides nothing, and the group's stands in no template.
            if !(key.eq_ignore_ascii_case("location") && Unknown::of(&member).is_some()) {
                value.insert(key.clone(), member);
            }
        }
        if member(&value, "properties").is_none_or(Value::is_null) {
            value.insert("properties".into(), json!({}));
        }
        let value = Value::Object(value);
        if !self.budget.pay(&value) {
            return self.lack(&id, &ty, Reason::Truncated, format!("{TOO_LARGE}; this resource was left out"));
        }
        self.found.resources.push(Declared { id, ty: ty.to_lowercase(), value, entry: self.entry });
        for child in entries(member(members, "resources")) {
            self.declaration(child, scope, place, Some(Parent { ty: &ty, name: &name }), depth);
        }
    }

    /// Something that may or may not be there, or of which there may be any number.
    fn doubt(
        &mut self,
        members: &Map<String, Value>,
        scope: &Scope<'_>,
        place: &Place,
        parent: Option<Parent<'_>>,
        depth: u32,
        why: Unknown,
    ) {
        let Some((ty, name)) = self.identity(members, scope, parent) else { return };
        if ty.eq_ignore_ascii_case("Microsoft.Resources/deployments") {
            let detail = format!("the nested deployment `{name}` was left out: {}", why.reason);
            self.lack("", "resource", Reason::Missing, detail);
            // Each resource in it is one that may be there.
            let inner = members.get("properties").and_then(|it| it.get("template")).and_then(|it| it.get("resources"));
            if depth < DEEPEST_DEPLOYMENT {
                for it in entries(inner) {
                    if let Some(ty) = it.get("type").and_then(Value::as_str) {
                        self.lack(
                            "",
                            ty,
                            Reason::Missing,
                            format!("one in the nested deployment `{name}`: {}", why.reason),
                        );
                    }
                }
            }
            return;
        }
        let Some(id) = self.id(members, &ty, &name, scope, place) else { return };
        self.lack(&id, &ty, Reason::Missing, why.reason.clone());
        self.found.doubtful.push((id, why.clone()));
        for child in entries(member(members, "resources")) {
            if let Some(child) = child.as_object() {
                self.doubt(child, scope, place, Some(Parent { ty: &ty, name: &name }), depth, why.clone());
            }
        }
    }

    /// The whole type and the whole name.
    fn identity(
        &mut self,
        members: &Map<String, Value>,
        scope: &Scope<'_>,
        parent: Option<Parent<'_>>,
    ) -> Option<(String, String)> {
        let text = |key| match scope.value(member(members, key)?) {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            other => Unknown::of(&other).map(|it| it.symbol),
        };
        let (Some(ty), Some(name)) = (text("type"), text("name")) else {
            self.lack("", "resource", Reason::Damaged, "a resource of a template has a `type` and a `name`".into());
            return None;
        };
        Some(match parent {
            Some(parent) if !ty.contains('/') || !ty.contains('.') => {
                (format!("{}/{ty}", parent.ty), format!("{}/{name}", parent.name))
            }
            _ => (ty, name),
        })
    }

    fn id(
        &mut self,
        members: &Map<String, Value>,
        ty: &str,
        name: &str,
        scope: &Scope<'_>,
        place: &Place,
    ) -> Option<String> {
        let Place { subscription, group } = place;
        let Some(path) = provider_path(ty, name) else {
            let detail = format!("`{name}` is no name of a `{ty}`: one segment belongs to each of its types");
            self.lack("", ty, Reason::Damaged, detail);
            return None;
        };
        if ty.eq_ignore_ascii_case("Microsoft.Resources/resourceGroups") {
            return Some(format!("/subscriptions/{subscription}/resourceGroups/{name}"));
        }
        let base = match member(members, "scope").map(|it| scope.value(it)) {
            Some(Value::String(base)) if base.trim_matches('/').is_empty() => String::new(),
            Some(Value::String(base)) if base.contains("providers/") || base.starts_with("/subscriptions/") => {
                format!("/{}", base.trim_matches('/'))
            }
            // `Microsoft.Network/virtualNetworks/hub`, and names of other resources: only extensions have them.
            _ => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
        };
        Some(format!("{base}/providers/{path}"))
    }

    /// A template within the template.
    fn deployment(&mut self, members: &Map<String, Value>, name: &str, scope: &Scope<'_>, place: &Place, depth: u32) {
        let properties = member(members, "properties").and_then(Value::as_object);
        let template = properties.and_then(|it| member(it, "template")).and_then(Value::as_object);
        let Some(template) = template else {
            let detail = format!(
                "the deployment `{name}` links to a template that is not in this file, so its resources were not read; \
                 hand it over as well, or export the resources themselves"
            );
            return self.lack("", "file", Reason::Missing, detail);
        };
        if depth >= DEEPEST_DEPLOYMENT {
            let detail = format!("the deployment `{name}` stands too deep in others");
            return self.lack("", "file", Reason::Truncated, detail);
        }
        let text = |key: &str, inherited: &str| match member(members, key).map(|it| scope.value(it)) {
            Some(Value::String(text)) if !text.is_empty() => text,
            Some(other) => Unknown::of(&other).map_or_else(|| inherited.to_owned(), |it| it.symbol),
            None => inherited.to_owned(),
        };
        let place = Place {
            subscription: text("subscriptionId", &place.subscription),
            group: text("resourceGroup", &place.group),
        };
        let options =
            properties.and_then(|it| member(it, "expressionEvaluationOptions")).and_then(|it| it.get("scope"));
        let inner = options.and_then(Value::as_str).is_some_and(|it| it.eq_ignore_ascii_case("inner"));
        let resources = entries(member(template, "resources"));
        if !inner {
            return resources.into_iter().for_each(|it| self.declaration(it, scope, &place, None, depth + 1));
        }
        let parameters = properties.and_then(|it| member(it, "parameters")).and_then(Value::as_object);
        let given = parameters.into_iter().flatten().map(|(key, it)| {
            let value = match it.get("value") {
                Some(value) => scope.value(value),
                None => Unknown::new(&format!("parameters('{key}')"), "it is taken from a vault").into_value(),
            };
            (key.to_lowercase(), value)
        });
        let inner = Scope::new(template, given.collect(), place.clone(), self.budget);
        resources.into_iter().for_each(|it| self.declaration(it, &inner, &place, None, depth + 1));
    }
}

/// The declarations of a list, or of an object that names them.
fn entries(resources: Option<&Value>) -> Vec<&Value> {
    match resources {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(Value::Object(named)) => named.values().collect(),
        _ => Vec::new(),
    }
}
