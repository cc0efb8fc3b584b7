use super::*;
use crate::facts::address::AddressSet;
use crate::facts::service_tag::{ServiceTags, Tag};
use crate::inventory::collect;
use crate::source::{Batch, Kind};
use serde_json::{Value, json};

const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

fn inventory(resources: &[Value]) -> Inventory {
    let ((), inventory) = collect(|sink| {
        for resource in resources {
            sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
        }
    });
    inventory
}

fn network(subnet: &str, table: Option<&str>) -> Value {
    let table = table.map(|name| json!({"id": format!("{NETWORK}/routeTables/{name}")}));
    let subnet = json!({"name": subnet, "properties": {"addressPrefix": "10.0.1.0/27", "routeTable": table}});
    let id = format!("{NETWORK}/virtualNetworks/hub");
    json!({"id": id, "location": "westeurope", "properties": {"subnets": [subnet]}})
}

fn table(prefixes: &[&str]) -> Value {
    let route = |(i, prefix): (usize, &&str)| json!({"name": format!("r{i}"), "properties": {"addressPrefix": prefix, "nextHopType": "None"}});
    let routes: Vec<Value> = prefixes.iter().enumerate().map(route).collect();
    json!({"id": format!("{NETWORK}/routeTables/rt"), "properties": {"routes": routes}})
}

fn gateway(subnet: &str) -> Value {
    let subnet = format!("{NETWORK}/virtualNetworks/hub/subnets/{subnet}");
    let addresses = json!([{"name": "a", "properties": {"subnet": {"id": subnet}}}]);
    json!({"id": format!("{NETWORK}/virtualNetworkGateways/gw1"), "properties": {"ipConfigurations": addresses}})
}

/// Identity and facts of all subjects, as JSON.
fn subjects(inventory: &Inventory) -> Vec<(Identity, Value)> {
    subjects_with(inventory, ServiceTags::default())
}

fn subjects_with(inventory: &Inventory, tags: ServiceTags) -> Vec<(Identity, Value)> {
    let found = std::sync::Mutex::new(Vec::new());
    let now = time::OffsetDateTime::UNIX_EPOCH;
    let options = crate::facts::Options { service_tags: tags.into(), ..crate::facts::Options::at(now) };
    each(Context { inventory, options: &options }, &|subject| {
        let facts = crate::facts::schema::record_to_json(subject.roots[0]);
        found.lock().unwrap().push((subject.identity.clone(), facts));
    });
    found.into_inner().unwrap()
}

fn of(prefixes: &[&str]) -> Value {
    let (_, facts) = subjects(&inventory(&[network("GatewaySubnet", Some("rt")), table(prefixes)])).remove(0);
    facts
}

#[test]
fn covering_sets() {
    for (prefixes, covered) in [
        (&["0.0.0.0/0"][..], "IPv4"),
        (&["10.0.0.0/8"], ""),
        (&["::/0"], "IPv6"),
        (&["0.0.0.0/0", "::/0"], "IPv4 and IPv6"),
        (&["0.0.0.0/1", "128.0.0.0/1"], "IPv4"),
        (&["0.0.0.0/1", "128.0.0.0/2"], ""),
        (&["0.0.0.0/1", "8000::/1"], ""),
        (&["64.0.0.0/2", "0.0.0.0/2", "192.0.0.0/2", "128.0.0.0/2"], "IPv4"),
        (&["0.0.0.0/1", "10.0.0.0/8", "10.1.0.0/16", "128.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"], "IPv4"),
        (&["AzureCloud", "Storage.WestEurope", "0.0.0.0/1"], ""),
        (&["0/0"], "IPv4"),
        (&["192.168.0/16"], ""),
        (&["10.1.2.3/0"], "IPv4"),
        (&[" 0.0.0.0/0 "], "IPv4"),
    ] {
        let facts = of(prefixes);
        assert_eq!(facts["covered"], covered, "{prefixes:?}");
        assert_eq!(facts["hasDefaultRoute"], !covered.is_empty(), "{prefixes:?}");
    }
}

#[test]
fn an_unreadable_prefix_is_unread_unless_the_others_suffice() {
    for prefix in ["10.0.0.0/40", "", "0.0.0.0", "[parameters('x')]", "10.0.0.0-10.0.0.9", "1.2.3.4.5/8", "256/8", "*"]
    {
        let unread = &of(&[prefix])["hasDefaultRoute"]["unread"];
        assert!(unread.as_str().unwrap().contains("the route `r0`"), "{prefix}: {unread}");
        assert_eq!(of(&[prefix, "0.0.0.0/0"])["hasDefaultRoute"], true, "{prefix}");
    }
}

#[test]
fn all_routes_that_have_to_go_are_named_and_no_other() {
    let taken = |prefixes: &[&str]| {
        let routes = of(prefixes)["defaultRoutes"].clone();
        routes.as_array().unwrap().iter().map(|it| it["prefix"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(taken(&["10.0.0.0/8", "0.0.0.0/0", "AzureCloud"]), ["0.0.0.0/0"]);
    // Without the default route its two halves would take over.
    assert_eq!(taken(&["128.0.0.0/1", "0.0.0.0/0", "0.0.0.0/1"]), ["128.0.0.0/1", "0.0.0.0/0", "0.0.0.0/1"]);
    assert_eq!(taken(&["0.0.0.0/1", "10.0.0.0/8", "128.0.0.0/1"]), ["0.0.0.0/1", "128.0.0.0/1"]);
}

#[test]
fn a_command_for_each_route() {
    let commands = of(&["0.0.0.0/1", "128.0.0.0/1"])["mendCommands"].clone();
    let expected = |name: &str| {
        format!(
            "az network route-table route delete --subscription s --resource-group rg --route-table-name rt --name {name}"
        )
    };
    assert_eq!(commands, json!([expected("r0"), expected("r1")]));
}

#[test]
fn a_table_that_others_use_is_taken_off_and_keeps_its_routes() {
    let spoke = |table: &str| {
        let table = json!({"id": format!("{NETWORK}/routeTables/{table}")});
        let subnet = json!({"name": "app", "properties": {"addressPrefix": "10.1.0.0/24", "routeTable": table}});
        json!({"id": format!("{NETWORK}/virtualNetworks/spoke"), "properties": {"subnets": [subnet]}})
    };
    let hub = |others: &[Value]| {
        let all = [&[network("GatewaySubnet", Some("rt")), table(&["0.0.0.0/0"])], others].concat();
        let (_, facts) = subjects(&inventory(&all)).remove(0);
        facts
    };
    let alone = hub(&[spoke("other")]);
    assert_eq!(alone["sharedWith"], json!([]));
    assert!(alone["mendCommands"][0].as_str().unwrap().contains("route delete"), "{alone}");
    let shared = hub(&[spoke("RT")]);
    assert_eq!(shared["sharedWith"], json!(["spoke/app"]));
    let detach = "az network vnet subnet update --subscription s --resource-group rg --vnet-name hub --name GatewaySubnet --remove routeTable";
    assert_eq!(shared["mendCommands"], json!([detach]));
    assert!(shared["defaultRoutesText"].as_str().unwrap().ends_with(" of route table rt (also used by spoke/app)"));
}

#[test]
fn a_table_names_its_subnets_where_their_networks_were_not_read() {
    let user = |name: String| json!({"id": format!("{NETWORK}/virtualNetworks/{name}")});
    let shared = |users: &[Value]| {
        let mut table = table(&["0.0.0.0/0"]);
        table["properties"]["subnets"] = json!(users);
        let (_, facts) = subjects(&inventory(&[network("GatewaySubnet", Some("rt")), table])).remove(0);
        facts
    };
    let own = user("hub/subnets/gatewaysubnet".into());
    assert_eq!(shared(std::slice::from_ref(&own))["sharedWith"], json!([]));
    // An export that was cut costs names, and neither the routes nor the care for the others.
    for (rest, command) in [(json!(["@{id=x}", 7]), "subnet update"), (json!(["@{id=x}"]), "route delete")] {
        let facts = shared(rest.as_array().unwrap());
        assert_eq!((&facts["hasDefaultRoute"], &facts["sharedWith"]), (&json!(true), &json!([])));
        assert!(facts["mendCommands"][0].as_str().unwrap().contains(command), "{facts}");
    }
    let many: Vec<Value> = (0..5).map(|i| user(format!("spoke/subnets/app{i}"))).chain([own]).collect();
    let facts = shared(&many);
    assert_eq!(facts["sharedWith"].as_array().unwrap().len(), 5);
    let text = facts["defaultRoutesText"].as_str().unwrap();
    assert!(text.ends_with("(also used by spoke/app0, spoke/app1, spoke/app2 and 2 more)"), "{text}");
}

#[test]
fn a_reference_without_an_id_is_unread_and_none_is_none() {
    let read = |field: &str, reference: Value| {
        let mut network = network("GatewaySubnet", None);
        network["properties"]["subnets"][0]["properties"][field] = reference;
        let (_, facts) = subjects(&inventory(&[network])).remove(0);
        facts
    };
    assert_eq!(read("routeTable", Value::Null)["hasDefaultRoute"], false);
    for reference in [json!({}), json!({"id": null}), json!({"id": ""})] {
        let facts = read("routeTable", reference.clone());
        for fact in ["hasDefaultRoute", "routeTable", "routes"] {
            assert!(facts[fact]["unread"].as_str().unwrap().contains("the id of the route table"), "{reference}");
        }
        assert_eq!(facts["networkSecurityGroup"], Value::Null);
        assert!(read("networkSecurityGroup", reference)["networkSecurityGroup"]["unread"].is_string());
    }
}

#[test]
fn a_table_that_was_not_read_is_unread_and_none_is_no_route() {
    let (_, facts) = subjects(&inventory(&[network("GatewaySubnet", Some("rt"))])).remove(0);
    assert!(facts["hasDefaultRoute"]["unread"].as_str().unwrap().contains("`rt`"), "{facts}");
    let (_, facts) = subjects(&inventory(&[network("GatewaySubnet", None)])).remove(0);
    assert_eq!(facts["hasDefaultRoute"], false);
}

#[test]
fn a_table_that_lost_a_route_is_not_clean() {
    let route = |prefix: Value| json!({"id": format!("{NETWORK}/routeTables/rt/routes/x"), "properties": {"addressPrefix": prefix}});
    let whole = inventory(&[network("GatewaySubnet", Some("rt")), table(&[]), route(json!("10.0.0.0/8"))]);
    assert_eq!(subjects(&whole)[0].1["hasDefaultRoute"], false);
    let damaged = inventory(&[network("GatewaySubnet", Some("rt")), table(&[]), route(json!({"no": "text"}))]);
    assert!(subjects(&damaged)[0].1["hasDefaultRoute"]["unread"].is_string());
}

#[test]
fn the_whole_name_counts_in_any_letter_case() {
    for name in ["GatewaySubnet", "gatewaysubnet", "GATEWAYSUBNET"] {
        let found = subjects(&inventory(&[network(name, None)]));
        assert_eq!(found[0].0.name, format!("hub/{name}"));
        assert_eq!(found[0].0.location.as_deref(), Some("westeurope"));
    }
    assert!(subjects(&inventory(&[network("AppGatewaySubnet", None)])).is_empty());
}

#[test]
fn a_subnet_that_only_a_gateway_names_is_a_subject_whose_facts_are_unread() {
    let found = subjects(&inventory(&[gateway("GatewaySubnet")]));
    assert_eq!(found[0].0.name, "hub/GatewaySubnet");
    assert!(found[0].1["hasDefaultRoute"]["unread"].is_string());
    assert_eq!(found[0].1["gateways"], json!(["gw1"]));
    assert!(subjects(&inventory(&[gateway("default")])).is_empty());
    // In another spelling it is still the subnet that was read.
    let found = subjects(&inventory(&[gateway("gatewaysubnet"), network("GatewaySubnet", None)]));
    assert_eq!((found.len(), &found[0].1["hasDefaultRoute"]), (1, &json!(false)));
}

/// Whether routes, all to nothing but the last, take the public address 203.0.113.10; the tag `Known` is 203.0.113.0/28.
fn takes_public_address(prefixes: &[&str], last_hop: &str) -> Value {
    let address = format!("{NETWORK}/publicIPAddresses/ip");
    let mut gateway = gateway("GatewaySubnet");
    gateway["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] = json!({"id": address});
    let address = json!({"id": address, "properties": {"ipAddress": "203.0.113.10"}});
    let mut table = table(prefixes);
    table["properties"]["routes"][prefixes.len() - 1]["properties"]["nextHopType"] = json!(last_hop);
    let mut hub = network("GatewaySubnet", Some("rt"));
    hub["properties"]["addressSpace"] = json!({"addressPrefixes": ["10.0.0.0/16"]});
    let mut tags = ServiceTags::default();
    tags.insert(&Tag::new("Known"), AddressSet::from_texts(["203.0.113.0/28"]));
    tags.insert(&Tag::new("Elsewhere"), AddressSet::from_texts(["203.0.114.0/28"]));
    let (_, facts) = subjects_with(&inventory(&[hub, table, gateway, address]), tags).remove(0);
    facts["routeOverlap"]["any"].clone()
}

#[test]
fn a_known_tag_takes_what_it_covers() {
    assert_eq!(takes_public_address(&["known"], "None"), true);
    assert_eq!(takes_public_address(&["Known"], "Internet"), false);
    assert_eq!(takes_public_address(&["Elsewhere"], "None"), false);
    assert_eq!(takes_public_address(&["Internet"], "None"), true);
    assert!(takes_public_address(&["Unheard"], "None")["unread"].as_str().unwrap().contains("`Unheard`"));
}

#[test]
fn between_a_tag_and_a_range_nobody_knows_the_longer_one() {
    for tag in ["Known", "Unheard"] {
        assert!(takes_public_address(&["203.0.113.0/24", tag], "Internet")["unread"].is_string(), "{tag}");
        assert!(takes_public_address(&[tag, "203.0.113.0/24"], "Internet")["unread"].is_string(), "{tag}");
        assert_eq!(takes_public_address(&["203.0.113.10/32", tag], "Internet"), true, "{tag}");
        assert_eq!(takes_public_address(&[tag, "203.0.113.10/32"], "Internet"), false, "{tag}");
    }
    assert_eq!(takes_public_address(&["203.0.113.0/24", "Elsewhere"], "Internet"), true);
}

/// A table that says it is on the subnet of a network that was not read.
fn claimed(routes: Value, disabled: bool) -> Value {
    let subnet = json!({"id": format!("{NETWORK}/virtualNetworks/hub/subnets/GatewaySubnet")});
    let properties = json!({"subnets": [subnet], "disableBgpRoutePropagation": disabled, "routes": routes});
    let mut gateway = gateway("GatewaySubnet");
    gateway["properties"]["vpnClientConfiguration"] =
        json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}});
    let table = json!({"id": format!("{NETWORK}/routeTables/rt"), "properties": properties});
    let (_, facts) = subjects(&inventory(&[gateway, table])).remove(0);
    facts
}

#[test]
fn what_a_table_says_of_a_subnet_that_was_not_read_is_a_fault_and_never_a_pass() {
    let route = |prefix: &str| json!([{"name": "r", "properties": {"addressPrefix": prefix, "nextHopType": "None"}}]);
    let facts = claimed(route("0.0.0.0/0"), true);
    assert_eq!(facts["routeTable"], "rt");
    assert_eq!(facts["hasDefaultRoute"], true);
    assert_eq!(facts["disablesGatewayRoutes"], true);
    assert!(facts["routeOverlap"]["any"]["unread"].is_string(), "{facts}");

    let facts = claimed(route("172.16.0.0/25"), false);
    assert_eq!(facts["routeOverlap"]["any"], true);
    assert!(facts["hasDefaultRoute"]["unread"].as_str().unwrap().contains("the subnet `hub/GatewaySubnet`"), "{facts}");
    assert!(facts["disablesGatewayRoutes"]["unread"].is_string(), "{facts}");
}
