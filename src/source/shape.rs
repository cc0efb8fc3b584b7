//! What a piece of JSON is taken for: the one table in which a shape is recognised.
//!
//! An item's shape is told by the keys of its outermost object, which the splitter notes while it looks for the
//! item's end; no value is built for that. To teach azaudit another shape, add its key to [`KEYS`] and a row to
//! [`ITEMS`] or [`DOCUMENTS`].

use super::Kind;
use super::reshape::Style;

/// Keys by which shapes are told apart, in lower case. A set of them is a [`Keys`].
const KEYS: [&str; 18] = [
    "id",
    "type",
    "properties",
    "name",
    "timeseries",
    "vpnconnectionid",
    "error",
    "code",
    "message",
    "$schema",
    "data",
    "columns",
    "rows",
    "resources",
    "contentversion",
    "parameters",
    "effectivesecurityrules",
    "nexthoptype",
];

/// Which of [`KEYS`] an object has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys(u32);

impl Keys {
    /// Takes note of a key, in any letter case. `key` is what stands between the quotes.
    pub fn note(&mut self, key: &[u8]) {
        if let Some(bit) = KEYS.iter().position(|known| key.eq_ignore_ascii_case(known.as_bytes())) {
            self.0 |= 1 << bit;
        }
    }

    /// Whether the object has all of these keys.
    pub fn all(self, keys: &[&str]) -> bool {
        keys.iter().all(|key| KEYS.iter().position(|known| known == key).is_some_and(|bit| self.0 >> bit & 1 == 1))
    }

    fn any(self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.all(&[key]))
    }
}

/// What an object among others, or alone in its document, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemShape {
    /// Something that the inventory types.
    Known(Kind),
    /// One row of a session answer: the whole list is the answer.
    SessionRow,
    /// Something with an id and without `properties`: what it holds tells what it is.
    Flat,
    /// Perhaps a table of Resource Graph: what it holds tells.
    Table,
    /// What holds for one interface, which is worked out here from its groups and route tables: not read.
    Effective(&'static str),
    /// Resources that were brought into the REST shape.
    Reshaped(Style),
    /// An error that Azure answered with where data was asked for.
    Error,
    /// An ARM template: what it deploys is read.
    Template,
    /// Values for a template's parameters.
    Parameters,
}

/// Whether an object with these keys has a shape.
type Test = fn(Keys) -> bool;

/// Shapes of objects: the first row that holds decides.
const ITEMS: &[(Test, ItemShape)] = &[
    (|keys| keys.all(&["resources"]) && keys.any(&["$schema", "contentversion"]), ItemShape::Template),
    (|keys| keys.all(&["$schema", "contentversion", "parameters"]), ItemShape::Parameters),
    (|keys| keys.all(&["timeseries", "name"]), ItemShape::Known(Kind::Metric)),
    (|keys| keys.all(&["vpnconnectionid"]), ItemShape::SessionRow),
    (|keys| keys.all(&["id"]) && !keys.all(&["properties"]), ItemShape::Flat),
    // A template has resources; that it is none itself is said with its shape's name.
    (|keys| keys.all(&["id"]) && keys.any(&["properties", "type"]), ItemShape::Known(Kind::Resource)),
    (|keys| keys.all(&["type", "properties"]) && !keys.all(&["$schema"]), ItemShape::Known(Kind::Resource)),
    (|keys| keys.all(&["error"]) || keys.all(&["code", "message"]), ItemShape::Error),
    (|keys| keys.all(&["effectivesecurityrules"]), ItemShape::Effective("effective-nsg")),
    (|keys| keys.all(&["nexthoptype"]), ItemShape::Effective("effective-routes")),
    (|keys| keys.all(&["data"]) || keys.all(&["columns", "rows"]), ItemShape::Table),
];

/// What an object with these keys is; `None`: nothing that azaudit reads.
pub fn item(keys: Keys) -> Option<ItemShape> {
    ITEMS.iter().find(|(holds, _)| holds(keys)).map(|(_, shape)| *shape)
}

/// How a document holds its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outer {
    /// It is one item.
    Single,
    /// It is an array of them.
    Array,
    /// It is an object with a list of them under this key.
    List(&'static str),
}

/// Keys under which an object may hold a list of items, and the name of that shape.
const DOCUMENTS: &[(&str, &str)] = &[("value", "arm-list"), ("data", "resource-graph")];

/// The list that stands under that key (any letter case), if it is one that holds items.
pub fn list_key(key: &[u8]) -> Option<&'static str> {
    DOCUMENTS.iter().map(|(known, _)| *known).find(|known| key.eq_ignore_ascii_case(known.as_bytes()))
}

/// The name of a document's shape, as `source.inputs` of the report gives it.
pub fn name(outer: Outer, first: Option<ItemShape>) -> &'static str {
    match (first, outer) {
        (Some(ItemShape::Known(Kind::Metric)), _) => "metrics",
        (Some(ItemShape::Known(Kind::Sessions) | ItemShape::SessionRow), _) => "sessions",
        (Some(ItemShape::Error), _) => "arm-error",
        (Some(ItemShape::Reshaped(style)), _) => style.name(),
        (Some(ItemShape::Template), _) => "arm-template",
        (Some(ItemShape::Parameters), _) => "arm-parameters",
        (Some(ItemShape::Effective(name)), _) => name,
        (Some(ItemShape::Known(Kind::Resource)), Outer::Single) => "arm-resource",
        (None | Some(ItemShape::Flat | ItemShape::Table), Outer::Single) => "unrecognised",
        (_, Outer::Array) => "arm-array",
        (_, Outer::List(key)) => DOCUMENTS.iter().find(|(known, _)| *known == key).map_or("arm-list", |(_, name)| name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> Keys {
        let mut keys = Keys::default();
        names.iter().for_each(|name| keys.note(name.as_bytes()));
        keys
    }

    #[test]
    fn keys_tell_the_shapes_apart_in_any_letter_case() {
        assert_eq!(item(keys(&["Id", "Name", "Properties"])), Some(ItemShape::Known(Kind::Resource)));
        assert_eq!(item(keys(&["id", "type", "name", "unit", "timeseries"])), Some(ItemShape::Known(Kind::Metric)));
        assert_eq!(item(keys(&["vpnConnectionId", "vpnUserName"])), Some(ItemShape::SessionRow));
        assert_eq!(item(keys(&["error"])), Some(ItemShape::Error));
        let rules = item(keys(&["networkSecurityGroup", "association", "effectiveSecurityRules"]));
        assert_eq!(rules, Some(ItemShape::Effective("effective-nsg")));
        assert_eq!(item(keys(&["id", "etag", "nextHopType"])), Some(ItemShape::Flat));
        assert_eq!(item(keys(&["name", "version", "dependencies"])), None);
    }

    #[test]
    fn a_resource_that_lost_its_id_is_still_seen_as_one() {
        assert_eq!(item(keys(&["type", "properties"])), Some(ItemShape::Known(Kind::Resource)));
        assert_eq!(item(keys(&["$schema", "type", "properties"])), None);
    }
}
