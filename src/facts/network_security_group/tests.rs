//! What depends on lists that were not read, on the port, and on the size of a group.

use serde_json::{Value, json};

use super::*;
use crate::inventory::{Inventory, collect};
use crate::source::{Batch, Gap, Kind, Reason};

const GROUP: &str = "/subscriptions/S/resourceGroups/rg/providers/Microsoft.Network";

fn nsg(rules: &[Value]) -> Value {
    json!({"id": format!("{GROUP}/networkSecurityGroups/nsg"), "type": "Microsoft.Network/networkSecurityGroups",
        "properties": {"securityRules": rules}})
}

fn allow(priority: i64, source: &str, destination: &str, port: &str) -> Value {
    json!({"name": format!("allow-{priority}"), "properties": {
        "priority": priority, "access": "Allow", "direction": "Inbound", "protocol": "Tcp", "sourceAddressPrefix": source,
        "sourcePortRange": "*", "destinationAddressPrefix": destination, "destinationPortRange": port,
    }})
}

fn inventory(resources: &[Value], gaps: &[(&str, &str)]) -> Inventory {
    let ((), inventory) = collect(|sink| {
        for resource in resources {
            sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
        }
        for (scope, what) in gaps {
            let (scope, what) = ((*scope).to_owned(), (*what).to_owned());
            sink.gap(Gap { scope, what, reason: Reason::Forbidden, detail: String::new() });
        }
    });
    inventory
}

fn facts_of(inventory: &Inventory, port: u16) -> NetworkSecurityGroup {
    let resource = &inventory.network_security_groups.rows()[0];
    let attachments = Attachments::new(inventory);
    let places = attachments.of(resource);
    facts(&Group::new(resource), &World::new(Default::default()), &places, attachments.unread(&resource.id), port)
}

#[test]
fn a_refused_list_of_holders_leaves_open_whether_it_is_attached() {
    let resources = [nsg(&[allow(300, "*", "*", "3389")])];
    let unattached = |gaps: &[(&str, &str)]| facts_of(&inventory(&resources, gaps), 3389).unattached;
    assert_eq!(unattached(&[]), Ok(true));
    for what in ["microsoft.network/networkinterfaces", "microsoft.network/virtualnetworks", "subscription"] {
        assert!(unattached(&[("/subscriptions/s", what)]).is_err(), "{what}");
    }
    // A group is attached only in its own subscription, and only to things that take groups.
    assert_eq!(unattached(&[("/subscriptions/other", "microsoft.network/networkinterfaces")]), Ok(true));
    assert_eq!(unattached(&[("/subscriptions/s", "microsoft.network/routetables")]), Ok(true));
}

#[test]
fn an_attachment_that_was_found_needs_no_complete_list() {
    let subnet = json!({"id": format!("{GROUP}/virtualNetworks/vnet/subnets/one"),
        "type": "Microsoft.Network/virtualNetworks/subnets", "properties": {"addressPrefix": "10.0.0.0/24",
            "networkSecurityGroup": {"id": format!("{GROUP}/networksecuritygroups/NSG")}}});
    let gaps = [("/subscriptions/s", "microsoft.network/networkinterfaces")];
    let facts = facts_of(&inventory(&[nsg(&[]), subnet], &gaps), 3389);
    assert_eq!((facts.attached, facts.unattached), (true, Ok(false)));
    assert_eq!(facts.attached_to, ["the subnet `vnet/one`"]);
}

#[test]
fn the_port_is_the_one_that_was_asked_for() {
    let inventory = inventory(&[nsg(&[allow(300, "*", "*", "3390")])], &[]);
    assert_eq!(facts_of(&inventory, 3389).public_ipv4_at_least, 0);
    assert!(facts_of(&inventory, 3390).public_ipv4_at_least > 1 << 24);
}

#[test]
fn the_witness_gets_in_and_commands_close() {
    let facts = facts_of(&inventory(&[nsg(&[allow(300, "*", "*", "3389")])], &[]), 3389);
    let witness = facts.witness.unwrap();
    assert_eq!((witness.protocol.as_str(), witness.port, facts.rule.as_deref()), ("tcp", 3389, Some("allow-300")));
    assert_eq!(facts.close_commands.len(), 1);
    assert!(facts.close_commands[0].as_str().ends_with("--nsg-name nsg --name allow-300 --access Deny"));
}

#[test]
fn more_rules_than_a_list_of_commands_should_have_are_closed_by_hand() {
    let facts = |rules: i64| {
        let rules: Vec<Value> =
            (0..rules).map(|i| allow(100 + i, &format!("{}.0.0.0/8", 20 + i), "*", "3389")).collect();
        facts_of(&inventory(&[nsg(&rules)], &[]), 3389)
    };
    assert_eq!(facts(20).close_commands.len(), 20);
    let by_hand = facts(21);
    assert!(by_hand.close_commands.is_empty() && by_hand.closing.contains("narrow"), "{}", by_hand.closing);
}

#[test]
fn destinations_without_end_are_unknown() {
    // Of so many rules, each has the addresses of which one bit is set: all combinations of rules occur.
    let facts = |bits: u32| {
        let rules = (0..bits).map(|bit| {
            let mut rule = allow((100 + bit).into(), "203.0.113.0/24", "*", "3389");
            let machines = (0..1_u32 << bits).filter(|i| i >> bit & 1 == 1);
            let machines: Vec<String> = machines.map(|i| format!("10.0.{}.{}", i / 256, i % 256)).collect();
            rule["properties"]["destinationAddressPrefix"] = Value::Null;
            rule["properties"]["destinationAddressPrefixes"] = json!(machines);
            rule
        });
        facts_of(&inventory(&[nsg(&rules.collect::<Vec<_>>())], &[]), 3389)
    };
    assert_eq!((facts(11).complete, facts(11).public_ipv4_at_most), (Ok(true), 256));
    let too_many = facts(12);
    assert!(too_many.complete.is_err_and(|it| it.what.ends_with("its rules tell too many destinations apart")));
    assert!(too_many.public_ipv4_at_most > 1 << 24);
}
