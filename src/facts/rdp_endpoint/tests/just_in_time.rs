//! Whether just-in-time access guards the port, and who gets past it.

use super::*;

const DENY: &str = "MicrosoftDefenderForCloud-JITRule_123456789_0123456789ABCDEF0123456789ABCDEF";

/// A machine whose interface has these rules, and perhaps a policy of just-in-time access for that port.
fn guarded(rules: Vec<serde_json::Value>, port: Option<u16>) -> Vec<serde_json::Value> {
    let mut estate = estate(None, Some(rules), "Standard", None);
    estate.last_mut().unwrap()["properties"]["virtualMachine"] = json!({ "id": machine() });
    if let Some(port) = port {
        let ports = json!([{"number": port, "protocol": "TCP", "allowedSourceAddressPrefix": "*"}]);
        let id = format!(
            "{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default"
        );
        estate.push(json!({
            "id": id, "name": "default", "type": "Microsoft.Security/locations/jitNetworkAccessPolicies",
            "properties": {"virtualMachines": [{"id": machine(), "ports": ports}], "provisioningState": "Succeeded"},
        }));
    }
    estate
}

fn machine() -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm")
}

/// Defender's Deny of the port to the machine, with that number.
fn deny(priority: i64) -> serde_json::Value {
    let mut deny = rule(DENY, priority, "Deny", "*", "*");
    deny["properties"]["destinationAddressPrefix"] = json!("10.0.0.4");
    deny
}

fn fact(estate: &[serde_json::Value]) -> serde_json::Value {
    one(estate, 3389).0["justInTime"].clone()
}

#[test]
fn an_allow_with_a_smaller_number_than_the_deny_gets_past_it() {
    let fact_of = |priority| fact(&guarded(vec![deny(1000), rule("allow", priority, "Allow", "*", "*")], Some(3389)));
    assert_eq!(fact_of(999)["bypassed"], true);
    assert_eq!(fact_of(1001)["bypassed"], false);
    assert_eq!(fact_of(999)["bypass"], "`allow` (priority 999, NSG `of-nic`)");
}

#[test]
fn the_deny_alone_proves_that_it_is_on() {
    let guard = fact(&guarded(vec![deny(1000)], None));
    assert_eq!((&guard["on"], &guard["rules"]), (&json!(true), &json!([DENY])));
    let mut elsewhere = deny(1000);
    elsewhere["properties"]["destinationAddressPrefix"] = json!("10.0.0.5");
    assert_eq!(fact(&guarded(vec![elsewhere], None))["on"], false);
}

#[test]
fn a_port_or_a_machine_that_a_policy_leaves_open_may_be_this_one() {
    let mut estate = guarded(vec![rule("allow", 100, "Allow", "*", "*")], Some(22));
    assert_eq!(fact(&estate)["on"], false);
    let machine = estate.last().unwrap()["properties"]["virtualMachines"][0].clone();
    for (field, gone) in [("ports", json!([{"number": null}])), ("id", json!(null))] {
        let mut unclear = machine.clone();
        unclear[field] = gone;
        estate.last_mut().unwrap()["properties"]["virtualMachines"][0] = unclear;
        let what = fact(&estate)["on"]["unread"].as_str().unwrap_or_default().to_owned();
        assert!(what.ends_with("of the just-in-time policy `default`"), "{field}: {what}");
    }
}

#[test]
fn a_policy_about_another_port_does_not_guard_this_one() {
    let rules = || vec![rule("allow", 100, "Allow", "*", "*")];
    assert_eq!(fact(&guarded(rules(), Some(3389)))["on"], true);
    assert_eq!(fact(&guarded(rules(), Some(22)))["on"], false);
}

#[test]
fn a_request_that_is_open_is_no_bypass() {
    let mut request = rule(DENY, 100, "Allow", "203.0.113.7", "*");
    request["name"] = json!("MicrosoftDefenderForCloud-JITRule_1_A");
    assert_eq!(fact(&guarded(vec![request.clone(), deny(1000)], Some(3389)))["bypassed"], false);
    request["name"] = json!("vendor");
    assert_eq!(fact(&guarded(vec![request, deny(1000)], Some(3389)))["bypassed"], true);
}

#[test]
fn what_the_other_group_keeps_out_gets_past_nobody() {
    let rules = || vec![deny(1000), rule("allow", 100, "Allow", "*", "*")];
    let mut estate = guarded(rules(), Some(3389));
    assert_eq!(fact(&estate)["bypassed"], true);
    let closed = resource(
        "networkSecurityGroups",
        "of-subnet",
        "",
        json!({"securityRules": [
            rule("deny-all", 100, "Deny", "*", "*")
        ]}),
    );
    let network = estate.iter_mut().find(|it| it["type"] == "Microsoft.Network/virtualNetworks").unwrap();
    network["properties"]["subnets"][0]["properties"]["networkSecurityGroup"] =
        reference("networkSecurityGroups/of-subnet");
    estate.push(closed);
    assert_eq!(fact(&estate)["bypassed"], false);
}

#[test]
fn without_the_list_of_policies_nobody_knows_whether_it_is_on() {
    let estate = guarded(vec![rule("allow", 100, "Allow", "*", "*")], None);
    let judged = |gaps: &[Gap]| judge(&inventory(&estate, gaps)).remove("one").unwrap().0["justInTime"].clone();
    let gap = Gap {
        scope: SUBSCRIPTION.to_owned(),
        what: "microsoft.security/locations/jitnetworkaccesspolicies".to_owned(),
        reason: Reason::Forbidden,
        detail: "refused".to_owned(),
    };
    assert_eq!((&judged(&[])["on"], &judged(&[])["mayBeOn"]), (&json!(false), &json!(false)));
    let fact = judged(&[gap]);
    assert_eq!((&fact["mayBeOn"], &fact["bypassed"]), (&json!(true), &json!(true)));
    assert!(fact["on"]["unread"].as_str().unwrap().contains("just-in-time policies"), "{fact}");
}

#[test]
fn the_commands_take_the_rules_away_that_get_past_it_and_no_rule_about_other_ports() {
    let mut wide = rule("wide", 200, "Allow", "20.0.0.0/8", "*");
    let narrow = || rule("narrow", 100, "Allow", "*", "*");
    let both = fact(&guarded(vec![narrow(), wide.clone(), deny(1000)], Some(3389)));
    let commands: Vec<&str> = both["commands"].as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
    assert_eq!(commands.len(), 2);
    assert!(commands.iter().all(|it| it.starts_with("az network nsg rule delete ")), "{commands:?}");
    wide["properties"]["destinationPortRange"] = json!("3000-4000");
    assert_eq!(fact(&guarded(vec![narrow(), wide, deny(1000)], Some(3389)))["commands"], json!([]));
}

#[test]
fn what_an_admin_rule_lets_in_past_the_groups_is_no_rule_with_a_smaller_number() {
    let admin = |access: &str| {
        let mut estate = guarded(vec![deny(1000)], Some(3389));
        estate.push(json!({
            "id": format!("{GROUP}/virtualNetworks/vnet/providers/Microsoft.Network/effectiveSecurityAdminRules/always"),
            "name": "always", "type": "Microsoft.Network/effectiveSecurityAdminRules",
            "properties": {"access": access, "direction": "Inbound", "priority": 1, "protocol": "Any"},
        }));
        estate
    };
    assert_eq!(one(&admin("AlwaysAllow"), 3389).0["publicGetsIn"], true);
    assert_eq!(one(&admin("Allow"), 3389).0["publicGetsIn"], false);
    assert_eq!(fact(&admin("AlwaysAllow"))["bypassed"], false);
}

#[test]
fn a_deny_of_one_protocol_guards_no_other() {
    let with = |protocol: &str| {
        let mut deny = deny(1000);
        deny["properties"]["protocol"] = json!("Tcp");
        let mut allow = rule("allow", 100, "Allow", "*", "*");
        allow["properties"]["protocol"] = json!(protocol);
        fact(&guarded(vec![deny, allow], None))["bypassed"].clone()
    };
    assert_eq!((with("Tcp"), with("Udp")), (json!(true), json!(false)));
}

#[test]
fn what_the_unguarded_level_admits_ends_at_the_guard_or_past_it_and_is_no_rule_of_its_group() {
    let mut deny = deny(1000);
    deny["properties"]["protocol"] = json!("Tcp");
    let with = |subnet: Vec<serde_json::Value>, nic: Vec<serde_json::Value>| {
        let mut estate = guarded(nic, Some(3389));
        let policy = estate.last_mut().unwrap();
        policy["properties"]["virtualMachines"][0]["ports"][0]["protocol"] = json!("*");
        let network = estate.iter_mut().find(|it| it["type"] == "Microsoft.Network/virtualNetworks").unwrap();
        network["properties"]["subnets"][0]["properties"]["networkSecurityGroup"] =
            reference("networkSecurityGroups/of-subnet");
        estate.push(resource("networkSecurityGroups", "of-subnet", "", json!({ "securityRules": subnet })));
        fact(&estate)["bypassed"].clone()
    };
    let allow = || rule("allow", 100, "Allow", "*", "*");
    assert_eq!(with(vec![allow()], vec![deny.clone()]), false);
    assert_eq!(with(vec![allow()], vec![allow(), deny]), true);
}

#[test]
fn a_deny_may_be_about_an_address_that_was_not_read() {
    let on = |destination: &str| {
        let mut deny = deny(1000);
        deny["properties"]["destinationAddressPrefix"] = json!(destination);
        let mut estate = guarded(vec![deny], None);
        for it in estate.iter_mut().filter(|it| it["type"] == "Microsoft.Network/networkInterfaces") {
            let configuration = &mut it["properties"]["ipConfigurations"][0]["properties"];
            configuration.as_object_mut().unwrap().remove("privateIPAddress");
        }
        fact(&estate)["on"].clone()
    };
    assert_eq!(on("10.0.0.4")["unread"], "the private address of `nic`");
    assert_eq!(on("10.0.9.4"), false);
}
