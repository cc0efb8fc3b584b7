use super::*;
use crate::facts::schema::record_to_json;
use crate::inventory::collect;
use crate::source::{Batch, Kind};
use serde_json::{Value, json};

const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

fn inventory(resources: &[Value], answer: Option<Value>) -> Inventory {
    let ((), inventory) = collect(|sink| {
        for resource in resources {
            sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
        }
        if let Some(answer) = answer {
            sink.batch(Batch::whole(0, Kind::Sessions, None, answer.to_string()));
        }
    });
    assert!(inventory.gaps.is_empty(), "{:?}", inventory.gaps);
    inventory
}

/// The facts of the only gateway, as JSON.
fn only(inventory: &Inventory) -> Value {
    only_in(inventory, None)
}

/// The same in the cloud of that name.
fn only_in(inventory: &Inventory, cloud: Option<&str>) -> Value {
    let found = std::sync::Mutex::new(Vec::new());
    let mut options = crate::facts::Options::at(time::macros::datetime!(2026-10-01 0:00 UTC));
    options.cloud = cloud.map(str::to_owned);
    each(Context { inventory, options: &options }, &|subject| {
        found.lock().unwrap().push(record_to_json(subject.roots[0]));
    });
    let mut found = found.into_inner().unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

fn gateway(properties: Value) -> Value {
    let id = format!("{NETWORK}/virtualNetworkGateways/gw1");
    json!({"id": id, "location": "westeurope", "properties": properties})
}

fn facts(properties: Value) -> Value {
    only(&inventory(&[gateway(properties)], None))
}

/// A gateway with a pool and this configuration beside it.
fn client(configuration: Value) -> Value {
    let mut all = json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}});
    all.as_object_mut().unwrap().extend(configuration.as_object().unwrap().clone());
    facts(json!({"gatewayType": "Vpn", "sku": {"name": "VpnGw1AZ"}, "vpnClientConfiguration": all}))
}

fn is_unread(value: &Value) -> bool {
    value["unread"].is_string()
}

#[test]
fn types_are_read_in_any_letter_case_and_their_absence_is_unread() {
    for (word, sort) in [("VPN", "vpn"), ("expressroute", "expressRoute"), ("LocalGateway", "localGateway")] {
        assert_eq!(facts(json!({"gatewayType": word}))["sort"], sort);
    }
    assert_eq!(facts(json!({"vpnType": "ROUTEBASED"}))["vpnType"], "routeBased");
    let nothing = facts(json!({"gatewayType": null, "vpnType": ""}));
    assert!(is_unread(&nothing["sort"]) && is_unread(&nothing["vpnType"]));
}

#[test]
fn point_to_site_is_on_with_a_pool_and_not_before() {
    let enabled = |configuration: Value| {
        let it = facts(json!({"gatewayType": "Vpn", "vpnClientConfiguration": configuration}));
        it["p2s"]["enabled"].as_bool().unwrap()
    };
    let pool = |prefixes: Value| json!({"addressPrefixes": prefixes});
    assert!(enabled(json!({"vpnClientAddressPool": pool(json!(["172.16.0.0/24"]))})));
    assert!(!enabled(json!({"vpnClientAddressPool": pool(json!([]))})));
    assert!(!enabled(json!({"vpnClientAddressPool": pool(json!([""]))})));
    assert!(!enabled(json!({"vpnClientProtocols": ["OpenVPN"], "vpnAuthenticationTypes": ["Certificate"]})));
    let group = json!({"name": "g", "properties": {"vpnClientAddressPool": pool(json!(["172.16.1.0/24"]))}});
    assert!(enabled(json!({"vngClientConnectionConfigurations": [group]})));
}

#[test]
fn who_serves_clients() {
    let served = |gateway: Value| {
        let mut gateway = gateway;
        gateway["vpnClientConfiguration"] = json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}});
        facts(gateway)["p2s"]["served"].clone()
    };
    assert_eq!(served(json!({"gatewayType": "Vpn"})), true);
    assert_eq!(served(json!({"gatewayType": "ExpressRoute"})), false);
    assert_eq!(served(json!({"gatewayType": "LocalGateway"})), false);
    // Only VPN gateways have pools.
    for unknown in [json!({}), json!({"gatewayType": null}), json!({"gatewayType": ""}), json!({"gatewayType": "Foo"})]
    {
        assert_eq!(served(unknown.clone()), true, "{unknown}");
    }
    assert_eq!(facts(json!({}))["p2s"]["served"], false);
}

#[test]
fn of_a_type_that_is_not_known_nobody_knows_what_it_serves() {
    let foo = facts(json!({"gatewayType": "Foo", "vpnType": "PolicyBased"}));
    assert!(foo["sort"]["unread"].as_str().unwrap().contains("`Foo`"), "{foo}");
    assert!(is_unread(&foo["vpnType"]));
    assert_eq!(facts(json!({"vpnType": "PolicyBased"}))["vpnType"], "policyBased");
    assert!(is_unread(&facts(json!({"gatewayType": "Vpn", "vpnType": "Bar"}))["vpnType"]));
}

#[test]
fn no_command_takes_a_protocol_away() {
    let relief = |protocols: Value, sku: &str| {
        let pool =
            json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}, "vpnClientProtocols": protocols});
        let it = gateway(json!({"gatewayType": "Vpn", "sku": {"name": sku}, "vpnClientConfiguration": pool}));
        let rows: Vec<Value> = (0..128).map(|i| json!({"vpnConnectionId": format!("SSTP_{i}")})).collect();
        let it = only(&inventory(&[it], Some(json!({"value": rows}))));
        assert_eq!((&it["sessions"]["usedAtLeast"], &it["sessions"]["tightest"]), (&json!(1.0), &json!("sstp")));
        it["reliefCommands"].clone()
    };
    let beside =
        "az network vnet-gateway update --subscription s --resource-group rg --name gw1 --client-protocol SSTP IkeV2";
    assert_eq!(relief(json!(["SSTP"]), "VpnGw1AZ"), json!([beside]));
    assert_eq!(relief(json!(["sstp"]), "Basic"), json!([beside]));
    for protocols in [json!(["SSTP", "IkeV2"]), json!(["SSTP", "OpenVPN"]), json!(["SSTP", "New"]), json!([])] {
        assert_eq!(relief(protocols.clone(), "VpnGw1AZ"), json!([]), "{protocols}");
    }
}

#[test]
fn a_gateway_of_another_type_is_created_and_none_is_deleted() {
    for (gateway_type, vpn_type) in [("Vpn", "PolicyBased"), ("ExpressRoute", "RouteBased")] {
        let subnet = json!({"id": format!("{NETWORK}/virtualNetworks/hub/subnets/GatewaySubnet")});
        let addresses = json!([{"name": "a", "properties": {"subnet": subnet}}]);
        let it = facts(json!({"gatewayType": gateway_type, "vpnType": vpn_type, "ipConfigurations": addresses}));
        let commands: Vec<&str> =
            it["routeBasedCommands"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(commands.len(), 2);
        assert!(commands[0].starts_with("az network public-ip create"), "{commands:?}");
        assert!(commands[1].starts_with("az network vnet-gateway create"), "{commands:?}");
        // Not over the gateway that is there.
        assert!(commands[1].contains("--name gw1-vpn "), "{commands:?}");
    }
}

#[test]
fn authentication_is_inferred_only_where_nothing_is_stated() {
    let authentication = |configuration: Value| client(configuration)["p2s"]["authentication"].clone();
    let root = json!([{"name": "r", "properties": {"publicCertData": "x"}}]);
    assert_eq!(authentication(json!({"vpnClientRootCertificates": root})), json!(["certificate"]));
    let stated = json!({"vpnClientRootCertificates": root, "vpnAuthenticationTypes": ["aad"]});
    assert_eq!(authentication(stated), json!(["entra"]));
    assert_eq!(authentication(json!({"radiusServerAddress": "10.0.0.4"})), json!(["radius"]));
    assert_eq!(authentication(json!({"radiusServers": [{"radiusServerAddress": "10.0.0.4"}]})), json!(["radius"]));
    assert_eq!(authentication(json!({"aadTenant": "https://login.microsoftonline.com/t"})), json!(["entra"]));
    assert_eq!(authentication(json!({"vpnAuthenticationTypes": []})), json!([]));
}

#[test]
fn enabled_protocols_decide_which_limit_counts() {
    let health = json!({"vpnClientConnectionsCount": 128});
    let most = |protocols: Value| {
        let it = client(json!({"vpnClientProtocols": protocols, "vpnClientConnectionHealth": health}));
        it["sessions"]["usedAtMost"].as_f64().unwrap()
    };
    assert_eq!(most(json!(["SSTP"])), 1.0);
    assert_eq!(most(json!(["IkeV2", "OpenVPN"])), 128.0 / 250.0);
    assert_eq!(most(json!(["SSTP", "IkeV2"])), 1.0);
    assert_eq!(most(json!([])), 1.0);
}

#[test]
fn a_saved_session_answer_belongs_to_the_gateway_with_a_pool() {
    let pool = json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}, "vpnClientProtocols": ["IkeV2"]});
    let it = gateway(json!({"gatewayType": "Vpn", "sku": {"name": "VpnGw1AZ"}, "vpnClientConfiguration": pool}));
    let rows: Vec<Value> = (0..200).map(|i| json!({"vpnConnectionId": format!("IKEv2_{i}")})).collect();
    let it = only(&inventory(&[it], Some(json!({"value": rows}))));
    assert_eq!(it["sessions"]["usedAtLeast"], 0.8);
    assert_eq!(it["sessions"]["source"], "listed by getVpnClientConnectionHealth");
    let update = "az network vnet-gateway update --subscription s --resource-group rg --name gw1 --sku VpnGw2AZ";
    assert_eq!(it["reliefCommands"], json!([update]));
}

#[test]
fn a_sku_is_retired_from_its_day_on() {
    // The tests' day is 1 October 2026.
    assert_eq!(facts(json!({"sku": {"name": "VpnGw1"}}))["skuRetired"], true);
    assert_eq!(facts(json!({"sku": {"name": "VpnGw1AZ"}}))["skuRetired"], false);
    assert!(is_unread(&facts(json!({}))["skuRetired"]));
    assert!(is_unread(&facts(json!({"sku": {"name": "VpnGw9"}}))["skuRetired"]));
}

#[test]
fn a_metric_alone_tells_how_far_a_pool_is_filled_whatever_the_limit() {
    let filled = |sku: Value| {
        let pool =
            json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}, "vpnClientProtocols": ["IkeV2"]});
        let it = gateway(json!({"gatewayType": "Vpn", "sku": sku, "vpnClientConfiguration": pool}));
        let series = json!([{"data": [{"timeStamp": "2026-09-30T09:14:00Z", "total": 64.0}]}]);
        let id =
            format!("{NETWORK}/virtualNetworkGateways/gw1/providers/Microsoft.Insights/metrics/P2SConnectionCount");
        let metric = json!({"id": id, "name": {"value": "P2SConnectionCount"}, "timeseries": series});
        let ((), inventory) = collect(|sink| {
            sink.batch(Batch::whole(0, Kind::Resource, None, it.to_string()));
            sink.batch(Batch::whole(0, Kind::Metric, None, metric.to_string()));
        });
        only(&inventory)["addressing"]["pool"]["filledAtMost"].clone()
    };
    assert_eq!(filled(json!({"name": "VpnGw2AZ"})), 0.25);
    // Basic has no published limit, and without a SKU none is known.
    assert_eq!((filled(json!({"name": "Basic"})), filled(json!(null))), (json!(0.25), json!(0.25)));
}

#[test]
fn every_sku_carries_the_same_number_of_sstp_sessions() {
    let used = |sku: Value, protocols: Value| {
        let pool = json!({"addressPrefixes": ["172.16.0.0/24"]});
        let all = json!({"vpnClientAddressPool": pool, "vpnClientProtocols": protocols,
            "vpnClientConnectionHealth": {"vpnClientConnectionsCount": 128}});
        facts(json!({"gatewayType": "Vpn", "sku": sku, "vpnClientConfiguration": all}))["sessions"].clone()
    };
    assert_eq!(used(json!(null), json!(["SSTP"]))["usedAtMost"], 1.0);
    assert!(is_unread(&used(json!(null), json!(["IkeV2"]))["usedAtMost"]));
    // What a SKU carries that nobody knows, nobody knows.
    assert!(is_unread(&used(json!({"name": "VpnGw9"}), json!(["SSTP"]))["usedAtMost"]));
}

fn virtual_wan(units: Option<i64>) -> Value {
    let pools = json!([{"name": "p", "properties": {"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}}}]);
    let server = json!({"id": format!("{NETWORK}/vpnServerConfigurations/server")});
    json!({"id": format!("{NETWORK}/p2svpnGateways/wan"), "type": "Microsoft.Network/p2sVpnGateways", "properties": {
        "vpnGatewayScaleUnit": units, "vpnServerConfiguration": server, "p2SConnectionConfigurations": pools,
        "vpnClientConnectionHealth": {"vpnClientConnectionsCount": 16_000}}})
}

#[test]
fn virtual_wan_is_always_route_based_and_its_authentication_stands_elsewhere() {
    let alone = only(&inventory(&[virtual_wan(Some(40))], None));
    assert_eq!((&alone["sort"], &alone["vpnType"]), (&json!("virtualWan"), &json!("routeBased")));
    assert!(is_unread(&alone["p2s"]["usesCertificates"]) && is_unread(&alone["p2s"]["rootCertificates"]));
    let server = json!({"id": format!("{NETWORK}/vpnServerConfigurations/server"), "properties":
        {"vpnAuthenticationTypes": ["Certificate"], "vpnClientRootCertificates": [{"name": "r", "publicCertData": "x"}]}});
    let whole = only(&inventory(&[virtual_wan(Some(40)), server], None));
    assert_eq!((&whole["p2s"]["usesCertificates"], &whole["p2s"]["rootCertificates"]), (&json!(true), &json!(1)));
}

#[test]
fn virtual_wan_is_limited_by_its_scale_units_where_that_is_published() {
    let used = |units: Option<i64>| only(&inventory(&[virtual_wan(units)], None))["sessions"]["usedAtMost"].clone();
    assert_eq!(used(Some(40)), 0.8);
    assert_eq!(used(Some(200)), 0.16);
    assert!(is_unread(&used(Some(80))) && is_unread(&used(None)));
}

fn entra(audience: &str, cloud: Option<&str>) -> Value {
    let tenant = "22222222-2222-2222-2222-222222222222";
    let pool = json!({"addressPrefixes": ["172.16.0.0/24"]});
    let configuration = json!({"vpnClientAddressPool": pool, "vpnClientProtocols": ["OpenVPN"],
        "vpnAuthenticationTypes": ["AAD"], "aadTenant": format!("https://login.microsoftonline.com/{tenant}"),
        "aadAudience": audience, "aadIssuer": format!("https://sts.windows.net/{tenant}/")});
    let it = inventory(&[gateway(json!({"gatewayType": "Vpn", "vpnClientConfiguration": configuration}))], None);
    only_in(&it, cloud)["entra"].clone()
}

#[test]
fn the_named_cloud_beats_the_login_host() {
    let government = "51bb15d4-3a4f-4ebf-9dca-40096fe32426";
    assert_eq!(entra(government, None)["audienceOf"], "otherCloud");
    let named = entra(government, Some("usgov"));
    assert_eq!((&named["audienceOf"], &named["sound"]), (&json!("registered"), &json!(true)));
}

#[test]
fn of_refused_connections_nobody_knows_whether_one_is_down() {
    let refused = |subscription: &str| {
        let mut inventory = inventory(&[gateway(json!({"gatewayType": "Vpn"}))], None);
        inventory.gaps.insert(crate::source::Gap {
            scope: format!("/subscriptions/{subscription}"),
            what: "microsoft.network/connections".to_owned(),
            reason: crate::source::Reason::Forbidden,
            detail: String::new(),
        });
        only(&inventory)["connections"]["noneDown"].clone()
    };
    assert!(is_unread(&refused("s")));
    assert_eq!(refused("another"), true);
}

#[test]
fn a_peer_that_was_only_listed_is_judged_by_what_the_peering_tells_of_it() {
    let network = |name: &str| format!("{NETWORK}/virtualNetworks/{name}");
    let peering = json!({"remoteVirtualNetwork": {"id": network("spoke")}, "peeringState": "Connected",
        "remoteAddressSpace": {"addressPrefixes": ["10.9.0.0/16"]}});
    let hub = json!({"id": network("hub"), "properties": {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
        "subnets": [{"name": "GatewaySubnet", "properties": {"addressPrefix": "10.1.0.0/27"}}],
        "virtualNetworkPeerings": [{"name": "p", "properties": peering}]}});
    let subnet = json!({"id": format!("{}/subnets/GatewaySubnet", network("hub"))});
    let reach = |server: &str| {
        let client =
            json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}, "radiusServerAddress": server});
        let gateway = gateway(json!({"gatewayType": "Vpn", "vpnClientConfiguration": client,
            "ipConfigurations": [{"name": "a", "properties": {"subnet": subnet}}]}));
        let ((), inventory) = collect(|sink| {
            for resource in [&hub, &gateway, &json!({"id": network("spoke")})] {
                sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
            }
        });
        assert_eq!(inventory.gaps.len(), 1);
        only(&inventory)["addressing"]["radius"]["servers"][0]["reach"].clone()
    };
    assert_eq!(reach("10.9.4.4"), "reached");
    assert_eq!(reach("10.8.4.4"), "nowhere");
}
