//! What stands apart in a template and belongs together in ARM: children and their parents, references and what
//! they lead to.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::expression::unknown::Unknown;
use super::resources::{Declared, Found};
use super::scope::UNNAMED;
use crate::json::member;

/// Children that ARM keeps in a list of their parent, each of which counts for what the parent says: the parent's
/// type, the children's last type, which is the list's name too.
const LISTED: [(&str, &str); 5] = [
    ("microsoft.network/networksecuritygroups", "securityRules"),
    ("microsoft.network/routetables", "routes"),
    ("microsoft.network/loadbalancers", "inboundNatRules"),
    ("microsoft.network/loadbalancers", "backendAddressPools"),
    ("microsoft.network/virtualnetworks", "virtualNetworkPeerings"),
];

/// Children that are resources of their own for the audit: one that cannot be told does not cost its parent.
const OWN: [(&str, &str); 1] = [("microsoft.network/virtualnetworks", "subnets")];

/// Members whose absence already means that nobody read them.
const OPTIONAL: [&str; 1] = ["publicCertData"];

/// Puts everything in its place. Remarks for the person who runs the audit come back.
pub fn knit(found: &mut Found) -> Vec<String> {
    let mut notes = Vec::new();
    for resource in &mut found.resources {
        tidy(&mut resource.value, true);
        name_children(resource);
    }
    lift(&mut found.resources);
    adopt(found, &mut notes);
    resolve(&mut found.resources);
    notes
}

/// Names and ids that are unknown in part stay what they are known to be; what nobody read is absent.
fn tidy(value: &mut Value, outermost: bool) {
    match value {
        Value::Array(list) => {
            for it in list {
                match Unknown::of(it).filter(|it| names_a_resource(&it.symbol)) {
                    Some(unknown) => *it = Value::String(unknown.symbol),
                    None => tidy(it, false),
                }
            }
        }
        Value::Object(members) => {
            let named = !outermost && member(members, "properties").is_some();
            members.retain(|key, value| {
                let optional = OPTIONAL.iter().any(|it| key.eq_ignore_ascii_case(it));
                let Some(unknown) = Unknown::of(value) else {
                    tidy(value, false);
                    return true;
                };
                if names_a_resource(&unknown.symbol) || named && key.eq_ignore_ascii_case("name") {
                    *value = Value::String(unknown.symbol);
                }
                !optional
            });
        }
        _ => {}
    }
}

/// Whether the type of what an id leads to is known.
fn names_a_resource(id: &str) -> bool {
    let rooted = id.starts_with('/') || id.to_lowercase().starts_with("subscriptions/");
    rooted && split_id(id).is_some_and(|(_, path)| path.split('/').count() >= 3)
}

/// What stands before `/providers/`, and what behind it.
fn split_id(id: &str) -> Option<(&str, &str)> {
    let at = id.to_ascii_lowercase().rfind("/providers/")?;
    Some((&id[..at], &id[at + "/providers/".len()..]))
}

/// The list of that name in the properties of a resource.
fn list_of<'v>(resource: &'v mut Value, name: &str) -> Option<&'v mut Vec<Value>> {
    let properties = resource.get_mut("properties")?.as_object_mut()?;
    let key = properties.keys().find(|it| it.eq_ignore_ascii_case(name)).cloned();
    let key = key.unwrap_or_else(|| name.to_owned());
    let list = properties.entry(key).or_insert_with(|| json!([]));
    if list.is_null() {
        *list = json!([]);
    }
    list.as_array_mut()
}

/// Children that stand in a resource of the network have ids, which templates leave out.
fn name_children(resource: &mut Declared) {
    if !resource.ty.starts_with("microsoft.network/") {
        return;
    }
    let Some(properties) = resource.value.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (list, children) in properties {
        for child in children.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            let name = member(child, "name").and_then(Value::as_str).map(str::to_owned);
            if let Some(name) = name.filter(|it| !it.is_empty())
                && member(child, "properties").is_some()
                && member(child, "id").is_none_or(Value::is_null)
            {
                child.insert("id".into(), json!(format!("{}/{list}/{name}", resource.id)));
            }
        }
    }
}

/// A subnet that is unknown in part becomes a resource of its own.
fn lift(resources: &mut Vec<Declared>) {
    let mut lifted = Vec::new();
    for resource in resources.iter_mut() {
        for (_, list) in OWN.iter().filter(|(ty, _)| *ty == resource.ty) {
            let known = resource.value.get("properties").and_then(Value::as_object);
            if known.is_none_or(|it| member(it, list).and_then(Value::as_array).is_none()) {
                continue;
            }
            let location = resource.value.get("location").cloned();
            let Some(children) = list_of(&mut resource.value, list) else { continue };
            children.retain(|child| {
                let name = child.get("name").and_then(Value::as_str);
                let (Some(name), Some(_)) = (name, Unknown::within(child)) else { return true };
                let (id, ty) = (format!("{}/{list}/{name}", resource.id), format!("{}/{list}", resource.ty));
                let mut value = child.clone();
                if let Some(members) = value.as_object_mut() {
                    members.insert("id".into(), json!(id));
                    members.insert("type".into(), json!(ty));
                    members.extend(location.clone().map(|it| ("location".to_owned(), it)));
                }
                lifted.push(Declared { id, ty: ty.to_lowercase(), value, entry: resource.entry });
                false
            });
        }
    }
    resources.append(&mut lifted);
}

/// Rules, routes and the like join their parent where the template holds it.
fn adopt(found: &mut Found, notes: &mut Vec<String>) {
    let at: HashMap<String, usize> =
        found.resources.iter().enumerate().map(|(at, it)| (it.id.to_lowercase(), at)).collect();
    let parent_of = |id: &str| {
        let lower = id.to_lowercase();
        let (list, _) = lower.rsplit_once('/')?;
        let (parent, list) = list.rsplit_once('/')?;
        let at = *at.get(parent)?;
        let list = LISTED.iter().find(|(_, it)| it.eq_ignore_ascii_case(list))?.1;
        Some((at, list))
    };
    let mut moves = Vec::new();
    for (child, it) in found.resources.iter().enumerate() {
        if let Some((parent, list)) = parent_of(&it.id)
            && LISTED.contains(&(found.resources[parent].ty.as_str(), list))
        {
            moves.push((child, parent, list));
        }
    }
    for (child, parent, list) in &moves {
        let child = found.resources[*child].value.clone();
        let name = child.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let parent = &mut found.resources[*parent];
        let Some(children) = list_of(&mut parent.value, list) else { continue };
        let same = |it: &&mut Value| it["name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(&name));
        match children.iter_mut().find(same) {
            None => children.push(child),
            Some(listed) => {
                let conflict = complete(listed, &child);
                if conflict {
                    notes.push(format!(
                        "{list} `{name}` of `{}` stands there twice, and differs; the first one counts",
                        parent.id
                    ));
                }
            }
        }
    }
    let moved: HashSet<usize> = moves.iter().map(|(child, ..)| *child).collect();
    for (id, why) in std::mem::take(&mut found.doubtful) {
        if let Some((parent, _)) = parent_of(&id) {
            // What it would say may be the opposite of what the others say.
            let parent = &mut found.resources[parent];
            let reason = format!("`{}`, of which {}", id.rsplit('/').next().unwrap_or_default(), why.reason);
            parent.value["properties"] = Unknown { reason, ..why }.into_value();
        }
    }
    let mut index = 0;
    found.resources.retain(|_| {
        index += 1;
        !moved.contains(&(index - 1))
    });
}

/// Takes over what the first copy of a child does not say. Whether the copies contradict each other.
fn complete(first: &mut Value, second: &Value) -> bool {
    let (Value::Object(mine), Value::Object(theirs)) = (&mut *first, second) else {
        return first != second;
    };
    let mut conflict = false;
    for (key, value) in theirs {
        match mine.keys().find(|it| it.eq_ignore_ascii_case(key)).cloned() {
            None => drop(mine.insert(key.clone(), value.clone())),
            Some(same) if same == "id" || same == "type" || same == "name" => {}
            Some(same) => match mine.get_mut(&same) {
                Some(Value::Null) | None => drop(mine.insert(same, value.clone())),
                Some(mine) => conflict |= !value.is_null() && complete(mine, value),
            },
        }
    }
    conflict
}

/// References to a resource of the template lead to it by type and name, where that is unique, and where the
/// template leaves open in which subscription and group one of the two stands.
fn resolve(resources: &mut [Declared]) {
    let mut by_path: HashMap<String, Option<String>> = HashMap::new();
    let mut ids = HashSet::new();
    for it in resources.iter() {
        if ids.insert(it.id.to_lowercase())
            && let Some((base, path)) = split_id(&it.id)
        {
            by_path.entry(path.to_lowercase()).and_modify(|it| *it = None).or_insert_with(|| Some(base.to_owned()));
        }
    }
    for it in resources.iter_mut() {
        if let Some(properties) = it.value.get_mut("properties") {
            lead(properties, &by_path);
        }
    }
}

fn lead(value: &mut Value, by_path: &HashMap<String, Option<String>>) {
    match value {
        Value::String(text) => {
            if let Some(better) = led(text, by_path) {
                *text = better;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|it| lead(it, by_path)),
        Value::Object(members) => members.values_mut().for_each(|it| lead(it, by_path)),
        _ => {}
    }
}

fn led(text: &str, by_path: &HashMap<String, Option<String>>) -> Option<String> {
    let lower = text.get(..14)?.to_ascii_lowercase();
    if !(lower.starts_with("/subscriptions") || lower == "subscriptions/") {
        return None;
    }
    let (base, path) = split_id(text)?;
    let key = path.to_lowercase();
    let mut end = key.len();
    loop {
        if let Some(found) = by_path.get(&key[..end]) {
            let found = found.as_ref()?;
            let open = |base: &str| base.split('/').any(|it| it == UNNAMED || it.starts_with('{'));
            let differs = !found.eq_ignore_ascii_case(base);
            return (differs && (open(base) || open(found))).then(|| format!("{found}/providers/{path}"));
        }
        // The id of a child leads to its parent's too.
        end = key[..end].rfind('/')?;
        end = key[..end].rfind('/')?;
    }
}
