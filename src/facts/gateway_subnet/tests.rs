use super::*;
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
    let found = std::sync::Mutex::new(Vec::new());
    let now = time::OffsetDateTime::UNIX_EPOCH;
    let options = crate::facts::Options { now, rdp_port: 3389, cloud: None };
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
    let commands = of(&["0.0.0.0/1", "128.0.0.0/1"])["deleteDefaultRoutes"].clone();
    let expected = |name: &str| {
        format!(
            "az network route-table route delete --subscription s --resource-group rg --route-table-name rt --name {name}"
        )
    };
    assert_eq!(commands, json!([expected("r0"), expected("r1")]));
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
