use serde_json::{Value, json};

use super::*;
use crate::facts::Options;
use crate::facts::schema::record_to_json;
use crate::inventory::collect;
use crate::source::{Batch, Gap, Kind, Reason};

const ROOT: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

fn network(name: &str, subnets: &[&str], peerings: Value) -> Value {
    let subnets: Vec<Value> = subnets.iter().map(|it| json!({"name": it, "properties": {}})).collect();
    let properties = json!({"subnets": subnets, "virtualNetworkPeerings": peerings});
    json!({"id": format!("{ROOT}/virtualNetworks/{name}"), "properties": properties})
}

fn peering(remote: &str, transit: bool, remote_gateways: bool) -> Value {
    let remote = json!({"id": format!("{ROOT}/virtualNetworks/{remote}")});
    json!([{"name": "p", "properties": {"remoteVirtualNetwork": remote, "peeringState": "Connected",
        "allowGatewayTransit": transit, "useRemoteGateways": remote_gateways}}])
}

fn gateway(network: &str) -> Value {
    let subnet = json!({"id": format!("{ROOT}/virtualNetworks/{network}/subnets/GatewaySubnet")});
    let pool = json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}});
    json!({"id": format!("{ROOT}/virtualNetworkGateways/gw"), "properties": {"gatewayType": "Vpn",
        "ipConfigurations": [{"name": "a", "properties": {"subnet": subnet}}], "vpnClientConfiguration": pool}})
}

/// The facts of all subjects, ordered by name. `refused`: types of which the list was refused.
fn facts(resources: &[Value], refused: &[&str]) -> Vec<Value> {
    let ((), inventory) = collect(|sink| {
        for resource in resources {
            sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
        }
        for what in refused {
            let (scope, what) = ("/subscriptions/s".to_owned(), (*what).to_owned());
            sink.gap(Gap { scope, what, reason: Reason::Forbidden, detail: String::new() });
        }
    });
    let options = Options::at(time::macros::datetime!(2026-01-01 0:00 UTC));
    let found = std::sync::Mutex::new(Vec::new());
    each(Context { inventory: &inventory, options: &options }, &|subject| {
        found.lock().unwrap().push((subject.identity.name.clone(), record_to_json(subject.roots[0])));
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.into_iter().map(|(_, facts)| facts).collect()
}

const GATEWAYS: &str = "microsoft.network/virtualnetworkgateways";
const PEERINGS: &str = "microsoft.network/virtualnetworks/virtualnetworkpeerings";

#[test]
fn a_network_without_gateway_subnet_has_no_gateway_whatever_was_refused() {
    let subjects = |subnet: &str| {
        let pair = [network("a", &[subnet], peering("b", false, false)), network("b", &[], json!([]))];
        facts(&pair, &[GATEWAYS])
    };
    assert_eq!(subjects("app").len(), 0);
    let one = subjects("GatewaySubnet");
    assert_eq!(one.len(), 1);
    assert!(one[0]["transit"]["applies"]["unread"].is_string(), "{one:?}");
}

#[test]
fn a_spoke_that_may_have_a_gateway_of_its_own_is_not_told_to_use_another() {
    let applies = |refused: &[&str]| {
        let hub = network("hub", &["GatewaySubnet"], peering("spoke", false, false));
        let spoke = network("spoke", &["GatewaySubnet"], json!([]));
        facts(&[hub, spoke, gateway("hub")], refused)[0]["transit"]["applies"].clone()
    };
    assert_eq!(applies(&[]), true);
    assert!(applies(&[GATEWAYS])["unread"].is_string());
}

#[test]
fn of_refused_peerings_nobody_knows_whether_one_leads_back() {
    let agrees = |refused: &[&str]| {
        let hub = network("hub", &["GatewaySubnet"], peering("spoke", true, false));
        facts(&[hub, network("spoke", &[], json!([])), gateway("hub")], refused)[0]["transit"]["agrees"].clone()
    };
    assert_eq!(agrees(&[]), false);
    assert!(agrees(&[PEERINGS])["unread"].is_string());
}

#[test]
fn who_uses_a_remote_gateway_proves_that_there_is_one() {
    let subjects = |remote_gateways: bool| {
        let spoke = network("spoke", &[], peering("hub", false, remote_gateways));
        facts(&[spoke, network("hub", &["GatewaySubnet"], json!([]))], &[]).len()
    };
    assert_eq!((subjects(true), subjects(false)), (1, 0));
}

#[test]
fn commands_turn_things_on_and_the_hub_comes_first() {
    let hub = network("hub", &["GatewaySubnet"], peering("spoke", false, false));
    let spoke = network("spoke", &[], peering("hub", false, false));
    let found = facts(&[hub, spoke, gateway("hub")], &[]);
    let update = |network: &str, set: &str| {
        let scope = "--subscription s --resource-group rg";
        format!("az network vnet peering update {scope} --vnet-name {network} --name p --set {set}=true")
    };
    let both = json!([update("hub", "allowGatewayTransit"), update("spoke", "useRemoteGateways")]);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|it| it["transit"]["mendCommands"] == both), "{found:?}");
}

/// The peering that is missing, as the command creates it.
fn missing_peering(network: &str, other: &str, option: &str) -> Value {
    let remote = format!("--remote-vnet {ROOT}/virtualNetworks/{other} --allow-vnet-access{option}");
    let name = format!("--vnet-name {network} --name {network}-to-{other}");
    json!([format!("az network vnet peering create --subscription s --resource-group rg {name} {remote}")])
}

#[test]
fn a_peering_that_is_missing_is_created_with_the_answer_to_the_one_that_is_there() {
    let create = |transit: bool| {
        let hub = network("hub", &["GatewaySubnet"], peering("spoke", transit, false));
        facts(&[hub, network("spoke", &[], json!([])), gateway("hub")], &[])[0]["transit"]["mendCommands"].clone()
    };
    assert_eq!(create(true), missing_peering("spoke", "hub", " --use-remote-gateways"));
    // Where the hub offers nothing, the spoke could not use it.
    assert!(create(false).to_string().contains("--set allowGatewayTransit=true"));

    let spoke = network("spoke", &[], peering("hub", false, true));
    let found = facts(&[network("hub", &["GatewaySubnet"], json!([])), spoke, gateway("hub")], &[]);
    assert_eq!(found[0]["transit"]["mendCommands"], missing_peering("hub", "spoke", " --allow-gateway-transit"));
}

#[test]
fn an_initiated_peering_is_answered_in_the_same_way() {
    let create = |transit: bool, spoke_subnets: &[&str], more: &[Value]| {
        let mut peerings = peering("spoke", transit, false);
        peerings[0]["properties"]["peeringState"] = json!("Initiated");
        let hub = network("hub", &["GatewaySubnet"], peerings);
        let mut all = vec![hub, network("spoke", spoke_subnets, json!([])), gateway("hub")];
        all.extend_from_slice(more);
        facts(&all, &[])[0]["mendCommands"].clone()
    };
    assert_eq!(create(true, &[], &[]), missing_peering("spoke", "hub", " --use-remote-gateways"));
    assert_eq!(create(false, &[], &[]), missing_peering("spoke", "hub", ""));
    // A network with a gateway of its own cannot use another's.
    let mut own = gateway("spoke");
    own["id"] = json!(format!("{ROOT}/virtualNetworkGateways/gw2"));
    assert_eq!(create(true, &["GatewaySubnet"], &[own]), missing_peering("spoke", "hub", ""));
}

#[test]
fn a_peering_that_names_no_network_may_be_the_one_back() {
    let transit = |back: Value| {
        let hub = network("hub", &["GatewaySubnet"], json!([{"name": "p", "properties": back}]));
        let spoke = network("spoke", &[], peering("hub", false, true));
        let subjects = facts(&[hub, spoke, gateway("hub")], &[]);
        subjects.into_iter().find(|it| it["virtualNetwork"] == "spoke").unwrap()["transit"].clone()
    };
    let elsewhere = json!({"id": format!("{ROOT}/virtualNetworks/other")});
    assert_eq!(transit(json!({"remoteVirtualNetwork": elsewhere}))["agrees"], false);
    assert!(transit(json!({}))["agrees"]["unread"].is_string());
}
