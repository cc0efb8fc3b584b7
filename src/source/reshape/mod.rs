//! Resources that a tool printed in a form of its own, brought into the REST shape.
//!
//! An item that is in the REST shape never comes here: it stays text. Only others are held as a value, one at a time.

pub mod az_cli;
pub mod powershell;
pub mod table;

use serde_json::{Map, Value};

use super::Reason;
use crate::json::member;

/// The tool that wrote an item, as `source.inputs` of the report names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// az CLI: what REST keeps under `properties` stands beside `id`.
    AzCli,
    /// PowerShell's `ConvertTo-Json`.
    PowerShell,
    /// A table of Resource Graph: `{"columns": […], "rows": […]}`.
    Table,
}

impl Style {
    /// The shape's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::AzCli => "az-cli",
            Self::PowerShell => "powershell",
            Self::Table => "resource-graph-table",
        }
    }
}

/// Why an item could not be brought into the REST shape. The source knows the file and the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// The id of the resource; `None`: nobody knows which it was.
    pub scope: Option<String>,
    /// Its type in lower case, or `resource`.
    pub what: String,
    /// Why.
    pub reason: Reason,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// What an object without `properties` turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Flat {
    /// A resource, now in the REST shape.
    Rest(Style, Value),
    /// A resource of which nothing but its existence was printed, or text that does not parse: it stays as it is.
    Same,
    /// A resource that cannot be brought into the REST shape.
    Lost(Style, Lack),
    /// No resource.
    Foreign,
}

/// Judges an object that has an `id` and no `properties`.
pub fn flat(text: &[u8]) -> Flat {
    let Ok(Value::Object(members)) = serde_json::from_slice(text) else { return Flat::Same };
    // Every other tool writes `id`.
    let style = if members.contains_key("Id") { Style::PowerShell } else { Style::AzCli };
    if !has_resource_id(&members) {
        return if type_of(&members).is_some() { Flat::Same } else { Flat::Foreign };
    }
    if is_only_listed(&members, style) {
        return if text_of(&members, "type").is_some() { Flat::Same } else { Flat::Foreign };
    }
    let value = Value::Object(members);
    match style {
        Style::PowerShell => match powershell::to_rest(value) {
            Ok(value) => Flat::Rest(style, value),
            Err(lack) => Flat::Lost(style, lack),
        },
        _ => Flat::Rest(style, az_cli::to_rest(value)),
    }
}

/// Members that a tool prints with each resource of which it prints more than what a query picked.
const MARKS: [&str; 4] = ["resourceGroup", "resourceGroupName", "etag", "provisioningState"];

/// Members that say nothing about how a resource is configured, in lower case.
const IDLE: [&str; 6] =
    ["provisioningstate", "createdtime", "changedtime", "resourcegroupname", "tagstable", "resourceid"];

/// Whether there is nothing beside what every list prints. What a query picked is no whole resource either: that a
/// member is not there would not mean that the resource has none.
fn is_only_listed(members: &Map<String, Value>, style: Style) -> bool {
    // PowerShell's references have all members of what they refer to, each of them empty.
    let empty = |value: &Value| if style == Style::PowerShell { is_empty(value) } else { value.is_null() };
    let says_something = |(key, value): (&String, &Value)| {
        let key = key.to_lowercase();
        !az_cli::stays_outside(&key) && !IDLE.contains(&key.as_str()) && !empty(value)
    };
    !MARKS.iter().any(|mark| member(members, mark).is_some()) || !members.iter().any(says_something)
}

/// Null, and what holds nothing but that.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.iter().all(is_empty),
        Value::Object(members) => members.values().all(is_empty),
        _ => false,
    }
}

fn text_of<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    member(members, name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn has_resource_id(members: &Map<String, Value>) -> bool {
    text_of(members, "id").and_then(type_of_id).is_some()
}

/// A resource's type in lower case, by its `type` or by its id.
fn type_of(members: &Map<String, Value>) -> Option<String> {
    text_of(members, "type").map(str::to_lowercase).or_else(|| type_of_id(text_of(members, "id")?))
}

/// `microsoft.network/virtualnetworks/subnets` of `…/providers/Microsoft.Network/virtualNetworks/a/subnets/b`.
fn type_of_id(id: &str) -> Option<String> {
    let id = id.to_lowercase();
    let (_, behind) = id.rsplit_once("/providers/")?;
    let (namespace, path) = behind.split_once('/')?;
    let types: Vec<&str> = path.split('/').step_by(2).collect();
    (path.split('/').count() % 2 == 0 && !path.is_empty()).then(|| format!("{namespace}/{}", types.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GROUP: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg";

    fn judged(value: Value) -> Flat {
        flat(value.to_string().as_bytes())
    }

    #[test]
    fn a_flattened_resource_is_told_by_what_a_tool_prints_with_it() {
        let rules = json!([{"name": "a", "access": "Allow"}]);
        let whole = json!({"id": GROUP, "resourceGroup": "rg", "securityRules": rules});
        assert!(matches!(judged(whole), Flat::Rest(Style::AzCli, _)));
        // Without its resource group it may be what a query picked.
        let picked = json!({"id": GROUP, "securityRules": rules});
        assert_eq!(judged(picked), Flat::Foreign);
        let picked = json!({"id": GROUP, "type": "Microsoft.Network/networkSecurityGroups", "securityRules": rules});
        assert_eq!(judged(picked), Flat::Same);
    }

    #[test]
    fn the_style_is_told_by_the_letter_case_of_the_id() {
        let whole =
            json!({"Id": GROUP, "ResourceGroupName": "rg", "SecurityRules": [{"Name": "a", "Access": "Allow"}]});
        assert!(matches!(judged(whole), Flat::Rest(Style::PowerShell, _)));
    }

    #[test]
    fn what_was_only_listed_stays_what_it_is() {
        let ty = "Microsoft.Network/networkSecurityGroups";
        let listed = json!({"id": GROUP, "type": ty, "name": "nsg", "resourceGroup": "rg", "sku": null, "tags": {"a": "b"},
            "createdTime": "2024-01-01", "changedTime": "2024-01-01", "provisioningState": "Succeeded"});
        assert_eq!(judged(listed), Flat::Same);
        assert_eq!(judged(json!({"Id": GROUP, "Type": ty, "Etag": null, "SecurityRules": []})), Flat::Same);
    }

    #[test]
    fn other_things_with_an_id_are_no_resources() {
        assert_eq!(judged(json!({"id": 5, "etag": "x", "a": 1})), Flat::Foreign);
        assert_eq!(judged(json!({"id": "/subscriptions/s", "etag": "x", "a": 1})), Flat::Foreign);
    }

    #[test]
    fn an_id_names_the_type() {
        assert_eq!(type_of_id(GROUP).as_deref(), Some("microsoft.network/networksecuritygroups"));
        let nested = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/a/subnets/b";
        assert_eq!(type_of_id(nested).as_deref(), Some("microsoft.network/virtualnetworks/subnets"));
        assert_eq!(type_of_id("/subscriptions/s/resourceGroups/rg"), None);
        assert_eq!(type_of_id("/subscriptions/s/providers/Microsoft.Network/virtualNetworks"), None);
    }

    use proptest::prelude::*;

    /// Values whose keys and texts are those that shapes are told by.
    fn anything() -> impl Strategy<Value = Value> {
        let word = proptest::sample::select(vec![
            "",
            "a",
            "id",
            "Id",
            "type",
            "etag",
            "Etag",
            "properties",
            "active",
            "Subnets",
            "SubnetsText",
            "sku",
            "value",
            "Count",
            "AddressPrefix",
            "OsType",
            "Tag",
            "data",
            "columns",
            "rows",
            "name",
            GROUP,
            "@{a=b}",
            "System.Object[]",
            "Microsoft.Azure.Commands.X",
            "[{\"Id\": \"a\"}]",
            "Not Assigned",
            "\u{e9}",
        ]);
        let leaf = prop_oneof![Just(Value::Null), any::<i32>().prop_map(Into::into), word.clone().prop_map(Into::into)];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::vec((word.clone(), inner), 0..6)
                    .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value in anything()) {
            flat(value.to_string().as_bytes());
            table::to_rest(value.clone());
            let _ = powershell::to_rest(value.clone());
            az_cli::to_rest(value);
        }

        #[test]
        fn a_resource_in_another_style_keeps_its_id(mut value in anything()) {
            if let Some(members) = value.as_object_mut() {
                members.retain(|key, _| !["id", "properties"].contains(&key.to_lowercase().as_str()));
                members.insert("id".to_owned(), GROUP.into());
                if let Flat::Rest(_, rest) = flat(value.to_string().as_bytes()) {
                    prop_assert_eq!(&rest["id"], GROUP);
                    prop_assert!(rest["properties"].is_object());
                }
            }
        }
    }
}
