//! What depends on lists that were not read, and on the port.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::*;
use crate::facts::Options;
use crate::inventory::{Inventory, collect};
use crate::source::{Batch, Gap, Kind, Reason};

const GROUP: &str = "/subscriptions/S/resourceGroups/rg/providers/Microsoft.Network";

fn rule(name: &str, priority: i64, access: &str, source: &str, port: &str) -> Value {
    json!({"name": name, "properties": {
        "priority": priority, "access": access, "direction": "Inbound", "protocol": "Tcp", "sourceAddressPrefix": source,
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": port,
    }})
}

fn nsg(rules: &[Value]) -> Value {
    json!({"id": format!("{GROUP}/networkSecurityGroups/nsg"), "type": "Microsoft.Network/networkSecurityGroups",
        "properties": {"securityRules": rules}})
}

/// A network of that prefix with a subnet that the group filters.
fn network(name: &str, prefix: &str) -> Value {
    let group = json!({"id": format!("{GROUP}/networkSecurityGroups/nsg")});
    let subnet = json!({"name": "one", "properties": {"addressPrefix": prefix, "networkSecurityGroup": group}});
    json!({"id": format!("{GROUP}/virtualNetworks/{name}"), "type": "Microsoft.Network/virtualNetworks",
        "properties": {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": [subnet]}})
}

fn inventory(resources: &[Value], gap: Option<&str>) -> Inventory {
    let ((), inventory) = collect(|sink| {
        for resource in resources {
            sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
        }
        if let Some(what) = gap {
            let (scope, what) = ("/subscriptions/s".to_owned(), what.to_owned());
            sink.gap(Gap { scope, what, reason: Reason::Forbidden, detail: String::new() });
        }
    });
    inventory
}

/// Of each rule the facts as JSON.
fn judge_port(inventory: &Inventory, rdp_port: u16) -> BTreeMap<String, Value> {
    let options = Options { rdp_port, ..Options::at(OffsetDateTime::UNIX_EPOCH) };
    let seen = Mutex::new(BTreeMap::new());
    each(Context { inventory, options: &options }, &|subject: &Subject<'_>| {
        let facts = crate::facts::schema::record_to_json(subject.roots[0]);
        seen.lock().unwrap().insert(subject.identity.element.clone().unwrap(), facts);
    });
    seen.into_inner().unwrap()
}

fn shadowed(inventory: &Inventory, name: &str) -> Value {
    judge_port(inventory, 3389)[name]["shadowed"].clone()
}

#[test]
fn places_that_were_not_read_count_where_words_do() {
    let rules = |source: &str| {
        nsg(&[rule("first", 100, "Deny", source, "3389"), rule("last", 200, "Allow", "10.1.0.0/24", "3389")])
    };
    let gap = Some("microsoft.network/networkinterfaces");
    let judge =
        |source: &str, prefix: &str, gap| shadowed(&inventory(&[rules(source), network("vnet", prefix)], gap), "last");
    assert_eq!(judge("VirtualNetwork", "10.1.0.0/16", None), json!(true));
    assert!(judge("VirtualNetwork", "10.1.0.0/16", gap).get("unread").is_some());
    // It decides something in the place that was read, wherever else the group is attached.
    assert_eq!(judge("VirtualNetwork", "10.2.0.0/16", gap), json!(false));
    // Prefixes mean the same everywhere.
    assert_eq!(judge("10.0.0.0/8", "10.1.0.0/16", gap), json!(true));
}

#[test]
fn a_group_whose_subnets_were_not_read_is_unknown_where_words_count() {
    let mut group =
        nsg(&[rule("first", 100, "Deny", "VirtualNetwork", "3389"), rule("last", 200, "Allow", "10.1.0.0/24", "3389")]);
    assert_eq!(shadowed(&inventory(&[group.clone()], None), "last"), json!(false));
    group["properties"]["subnets"] = json!([{"id": format!("{GROUP}/virtualNetworks/vnet/subnets/one")}]);
    assert!(shadowed(&inventory(&[group], None), "last").get("unread").is_some());
}

#[test]
fn the_port_is_the_one_that_was_asked_for() {
    let rules = [rule("first", 100, "Deny", "*", "3390"), rule("last", 200, "Allow", "*", "3390")];
    let inventory = inventory(&[nsg(&rules)], None);
    assert_eq!(judge_port(&inventory, 3389)["last"]["scope"], "otherPort");
    let judged = judge_port(&inventory, 3390);
    assert_eq!((&judged["last"]["scope"], &judged["last"]["shadowed"]), (&json!("remoteDesktop"), &json!(true)));
}

#[test]
fn only_a_rule_that_is_superfluous_is_deleted() {
    let delete = |access: &str| {
        let rules = [rule("first", 100, access, "*", "3389"), rule("last", 200, "Allow", "*", "3389")];
        judge_port(&inventory(&[nsg(&rules)], None), 3389)["last"]["deleteCommands"].clone()
    };
    let command = "az network nsg rule delete --subscription S --resource-group rg --nsg-name nsg --name last";
    assert_eq!(delete("Allow"), json!([command]));
    assert_eq!(delete("Deny"), json!([]));
}

#[test]
fn a_rule_of_unknown_access_that_is_covered_is_no_contradiction_for_certain() {
    let rules = [rule("first", 100, "Maybe", "*", "3389"), rule("last", 200, "Allow", "*", "3389")];
    let judged = &judge_port(&inventory(&[nsg(&rules)], None), 3389)["last"];
    assert_eq!(judged["shadowed"], json!(true));
    assert!(judged["contradicted"].get("unread").is_some(), "{judged:#}");
    assert_eq!(judged["deleteCommands"], json!([]));
}
