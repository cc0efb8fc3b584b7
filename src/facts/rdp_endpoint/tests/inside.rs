//! Who reaches the port from inside: the network, peers, sites, VPN clients; and the machine at its other addresses.

use super::*;

/// The estate of a machine without a public address, behind a group with these rules on its interface.
fn inner(rules: Vec<serde_json::Value>) -> Vec<serde_json::Value> {
    let mut estate = estate(None, Some(rules), "Standard", None);
    let interface = estate.last_mut().unwrap();
    interface["properties"]["ipConfigurations"][0]["properties"].as_object_mut().unwrap().remove("publicIPAddress");
    estate
}

/// A gateway in that network, with that pool for VPN clients.
fn gateway(network: &str, pool: &str) -> serde_json::Value {
    let subnet = reference(&format!("virtualNetworks/{network}/subnets/GatewaySubnet"));
    resource(
        "virtualNetworkGateways",
        "gw",
        "",
        json!({
            "gatewayType": "Vpn", "vpnType": "RouteBased",
            "ipConfigurations": [{"name": "default", "properties": {"subnet": subnet}}],
            "vpnClientConfiguration": {"vpnClientAddressPool": {"addressPrefixes": [pool]}},
        }),
    )
}

fn network<'e>(estate: &'e mut [serde_json::Value], name: &str) -> &'e mut serde_json::Value {
    let found = |it: &&mut serde_json::Value| it["type"] == "Microsoft.Network/virtualNetworks" && it["name"] == name;
    estate.iter_mut().find(found).unwrap()
}

fn of(estate: &[serde_json::Value]) -> serde_json::Value {
    one(estate, 3389).0
}

#[test]
fn clients_of_the_networks_own_gateway_get_in_unless_they_are_denied() {
    let mut estate = inner(Vec::new());
    assert_eq!(of(&estate)["clients"]["exist"], false);
    estate.push(gateway("vnet", "172.16.0.0/24"));
    let clients = &of(&estate)["clients"];
    assert_eq!((&clients["addresses"], &clients["getIn"]), (&json!(["172.16.0.0/24"]), &json!(true)));
    let mut estate = inner(vec![rule("deny", 100, "Deny", "172.16.0.0/24", "*")]);
    estate.push(gateway("vnet", "172.16.0.0/24"));
    assert_eq!(of(&estate)["clients"]["getIn"], false);
}

/// The network with a hub that it is peered with, whose gateway it uses or not.
fn spoke(uses: bool, gateways: Vec<serde_json::Value>) -> serde_json::Value {
    spoke_behind(Vec::new(), uses, gateways)
}

fn spoke_behind(rules: Vec<serde_json::Value>, uses: bool, gateways: Vec<serde_json::Value>) -> serde_json::Value {
    let mut estate = inner(rules);
    let peering = json!([{"name": "to-hub", "properties": {
        "remoteVirtualNetwork": reference("virtualNetworks/hub"), "peeringState": "Connected",
        "allowVirtualNetworkAccess": true, "useRemoteGateways": uses,
    }}]);
    network(&mut estate, "vnet")["properties"]["virtualNetworkPeerings"] = peering;
    let back = json!([{"name": "to-spoke", "properties": {
        "remoteVirtualNetwork": reference("virtualNetworks/vnet"), "peeringState": "Connected",
        "allowVirtualNetworkAccess": true, "allowGatewayTransit": true,
    }}]);
    let space = json!({"addressPrefixes": ["10.9.0.0/16"]});
    estate.push(resource("virtualNetworks", "hub", "", json!({"addressSpace": space, "virtualNetworkPeerings": back})));
    estate.extend(gateways);
    of(&estate)["clients"].clone()
}

#[test]
fn clients_of_a_hub_count_where_its_gateway_is_used() {
    let hub = || vec![gateway("hub", "172.16.0.0/24")];
    assert_eq!(spoke(true, hub())["getIn"], true);
    assert_eq!(spoke(false, hub())["exist"], false);
}

#[test]
fn a_gateway_that_is_used_and_was_not_read_leaves_it_open_whether_there_are_clients() {
    let clients = spoke(true, Vec::new());
    assert_eq!(clients["mayExist"], true);
    assert_eq!(clients["exist"]["unread"], "the gateway of the virtual network `hub`");
    assert_eq!(clients["getIn"]["unread"], "the gateway of the virtual network `hub`");
}

#[test]
fn the_clients_of_a_gateway_that_was_not_read_may_have_any_private_address() {
    let deny = |source: &str| vec![rule("deny", 100, "Deny", source, "*")];
    let known = |source: &str| spoke_behind(deny(source), true, Vec::new())["getIn"].clone();
    // The rest of what is private is let in by AllowVnetInBound, if it belongs to the network.
    assert!(known("10.0.0.0/8")["unread"].is_string());
    assert_eq!(known("*"), false);
}

#[test]
fn azures_platform_is_nobody_who_connects() {
    let deny = rule("deny", 200, "Deny", "*", "*");
    let reach = |source: &str| {
        of(&inner(vec![rule("allow", 100, "Allow", source, "*"), deny.clone()]))["reach"]["byTcp"].clone()
    };
    assert_eq!(reach("AzureLoadBalancer"), false);
    assert_eq!(reach("168.63.129.16"), false);
    assert_eq!(reach("10.0.0.9"), true);
}

#[test]
fn a_machine_is_reached_where_one_of_its_addresses_is() {
    let closed = || vec![rule("deny", 100, "Deny", "*", "*")];
    let with_second = |group: bool| {
        let mut estate = inner(closed());
        let machine =
            json!({ "id": format!("{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm") });
        estate.last_mut().unwrap()["properties"]["virtualMachine"] = machine.clone();
        let mut second = estate.last().unwrap().clone();
        second["id"] = json!(format!("{GROUP}/networkInterfaces/nic-2"));
        second["name"] = json!("nic-2");
        second["properties"]["ipConfigurations"][0]["name"] = json!("two");
        second["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"] = json!("10.0.0.5");
        if !group {
            second["properties"].as_object_mut().unwrap().remove("networkSecurityGroup");
        }
        estate.push(second);
        of(&estate)["reach"].clone()
    };
    let (closed, open) = (with_second(true), with_second(false));
    assert_eq!((&closed["byTcp"], &closed["machineByTcp"]), (&json!(false), &json!(false)));
    assert_eq!((&open["byTcp"], &open["machineByTcp"]), (&json!(false), &json!(true)));
}

#[test]
fn an_address_that_is_closed_or_open_to_all_has_nothing_between() {
    // The address was not read and no group filters: Standard is closed, Basic is open to everybody.
    let mut estate = estate(None, None, "Basic", None);
    estate.remove(0);
    let facts = of(&estate);
    assert!(facts["publicGetsIn"]["unread"].is_string(), "{facts}");
    assert!(facts["fewestIpv4"].as_i64().unwrap() > 1 << 24, "{facts}");
    // A group that was not read may let in anybody, be it one address.
    let mut estate = super::estate(None, Some(Vec::new()), "Basic", None);
    estate.retain(|it| it["type"] != "Microsoft.Network/networkSecurityGroups");
    assert_eq!(of(&estate)["fewestIpv4"], 0);
}

#[test]
fn a_standard_address_is_static_where_it_does_not_say() {
    let dynamic = |sku: &str, method: Option<&str>| {
        let mut estate = estate(None, None, sku, None);
        if let Some(method) = method {
            estate[0]["properties"]["publicIPAllocationMethod"] = json!(method);
        }
        of(&estate)
    };
    assert_eq!(dynamic("Standard", None)["dynamicAddress"], false);
    assert!(dynamic("Basic", None)["dynamicAddress"]["unread"].is_string());
    assert_eq!(dynamic("Basic", Some("Static"))["dynamicAddress"], false);
    let facts = dynamic("Basic", Some("dynamic"));
    assert_eq!(facts["dynamicAddress"], true);
    assert_eq!(
        facts["makeStatic"],
        json!([format!(
            "az network public-ip update --subscription {} --resource-group rg --name pip --allocation-method Static",
            &SUBSCRIPTION["/subscriptions/".len()..]
        )])
    );
}

/// A machine whose private address was not read, behind an open group and these admin rules.
fn behind_admin_rules(rules: &[(&str, i64, &str)]) -> serde_json::Value {
    let mut estate = estate(None, Some(vec![rule("allow", 100, "Allow", "*", "*")]), "Standard", None);
    let interface = estate.last_mut().unwrap();
    interface["properties"]["ipConfigurations"][0]["properties"].as_object_mut().unwrap().remove("privateIPAddress");
    for (access, priority, destination) in rules {
        let name = format!("{access}-{priority}");
        estate.push(json!({
            "id": format!("{GROUP}/virtualNetworks/vnet/providers/Microsoft.Network/effectiveSecurityAdminRules/{name}"),
            "name": name, "type": "Microsoft.Network/effectiveSecurityAdminRules",
            "properties": {
                "access": access, "direction": "Inbound", "priority": priority, "protocol": "Any",
                "destinations": [{"addressPrefix": destination, "addressPrefixType": "IPPrefix"}],
            },
        }));
    }
    of(&estate)
}

#[test]
fn an_admin_allow_that_may_match_matters_only_before_an_admin_rule_that_ends_it() {
    let alone = behind_admin_rules(&[("Allow", 1, "10.0.0.4/32")]);
    assert_eq!(alone["publicGetsIn"], true, "{alone}");
    let before_deny = behind_admin_rules(&[("Allow", 1, "10.0.0.4/32"), ("Deny", 2, "10.0.0.0/24")]);
    assert!(before_deny["publicGetsIn"]["unread"].is_string(), "{before_deny}");
    let after_deny = behind_admin_rules(&[("Allow", 3, "10.0.0.4/32"), ("Deny", 2, "10.0.0.0/24")]);
    assert_eq!(after_deny["publicGetsIn"], false, "{after_deny}");
}

#[test]
fn a_member_of_a_group_without_an_address_lies_in_its_subnet() {
    let group = format!("{GROUP}/applicationSecurityGroups/asg");
    let gets_in = |pool: &str| {
        let mut deny = rule("deny", 100, "Deny", "", "*");
        deny["properties"].as_object_mut().unwrap().remove("sourceAddressPrefix");
        deny["properties"]["sourceApplicationSecurityGroups"] = json!([{ "id": group }]);
        let mut estate = inner(vec![deny]);
        let mut member = estate.last().unwrap().clone();
        member["id"] = json!(format!("{GROUP}/networkInterfaces/member"));
        member["name"] = json!("member");
        let configuration = &mut member["properties"]["ipConfigurations"][0];
        configuration["name"] = json!("two");
        configuration["properties"]["applicationSecurityGroups"] = json!([{ "id": group }]);
        configuration["properties"].as_object_mut().unwrap().remove("privateIPAddress");
        estate.push(member);
        estate.push(gateway("vnet", pool));
        of(&estate)["clients"]["getIn"].clone()
    };
    assert_eq!(gets_in("172.16.0.0/24"), true);
    // Inside of the subnet 10.0.0.0/24, where the member may be all there is.
    assert!(gets_in("10.0.0.9/32")["unread"].is_string());
}
