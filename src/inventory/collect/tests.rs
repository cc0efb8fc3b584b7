use super::*;

/// The inventory of these documents, each an input of its own.
fn inventory(documents: &[&str]) -> Inventory {
    let ((), inventory) = collect(|sink| {
        for (number, document) in documents.iter().enumerate() {
            let path = format!("{number}.json");
            let found = crate::source::split::split(document.as_bytes(), number as u32, &path, false, sink);
            sink.input(Input { path, shape: String::new(), resources: found.resources });
        }
    });
    inventory
}

fn gaps(inventory: &Inventory) -> Vec<String> {
    inventory.gaps.iter().map(|gap| format!("{} {} {}: {}", gap.scope, gap.what, gap.reason, gap.detail)).collect()
}

const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

fn resource(ty: &str, name: &str, properties: &str) -> String {
    let id = format!("{NETWORK}/{ty}/{name}");
    format!(r#"{{"id":"{id}","name":"{name}","type":"Microsoft.Network/{ty}","properties":{properties}}}"#)
}

#[test]
fn two_copies_are_one_resource_and_complete_each_other() {
    let first = resource("virtualNetworks", "hub", r#"{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]}}"#);
    let second = resource("virtualNetworks", "HUB", r#"{"dhcpOptions":{"dnsServers":["10.0.0.4"]}}"#);
    let inventory = inventory(&[&first, &second.to_uppercase().replace("NULL", "null")]);
    assert_eq!((inventory.virtual_networks.len(), inventory.known), (1, 1));
    let hub = &inventory.virtual_networks.rows()[0].properties;
    assert_eq!(&*hub.address_space.address_prefixes[0], "10.0.0.0/16");
    assert_eq!(&*hub.dhcp_options.as_ref().unwrap().dns_servers[0], "10.0.0.4");
    assert_eq!((gaps(&inventory), inventory.notes.as_slice()), (vec![], &[] as &[String]));
}

#[test]
fn where_two_copies_differ_the_first_one_counts_and_a_note_says_so() {
    let copy = |flag: bool| resource("routeTables", "rt", &format!(r#"{{"disableBgpRoutePropagation":{flag}}}"#));
    for first in [true, false] {
        let inventory = inventory(&[&copy(first), &copy(!first)]);
        let table = &inventory.route_tables.rows()[0].properties;
        assert_eq!(table.disable_bgp_route_propagation, Some(first));
        assert_eq!(inventory.notes.len(), 1);
    }
    let same = inventory(&[&copy(true), &copy(true)]);
    assert_eq!(same.notes, [""; 0]);
}

#[test]
fn a_damaged_resource_is_named_with_its_place_and_its_neighbours_stay() {
    let good = resource("routeTables", "good", r#"{"routes":[]}"#);
    for (damage, message) in [
        (r#"{"routes":[{"name":"a"},null]}"#, "1 null(s) where an object"),
        (r#"{"routes":"#, "the text ends"),
        (r#"{"routes":17}"#, "invalid type: integer `17`"),
        (r#"{"routes":[{"name":"a",}]}"#, "key must be a string"),
    ] {
        let bad = resource("routeTables", "bad", damage);
        let inventory = inventory(&[&format!("[{good},\n{bad}]")]);
        assert_eq!(inventory.route_tables.len(), 1, "{damage}");
        assert!(
            gaps(&inventory).iter().any(|gap| gap.contains(message) && gap.contains("line 2")),
            "{damage}: {:?}",
            gaps(&inventory)
        );
    }
}

#[test]
fn a_null_among_certificates_costs_no_other_certificate() {
    let roots = r#"{"vpnClientConfiguration":{"vpnClientRootCertificates":[null,{"name":"root"}]}}"#;
    let inventory = inventory(&[&resource("virtualNetworkGateways", "gw", roots)]);
    let gateway = &inventory.gateways.rows()[0].properties;
    let configuration = gateway.vpn_client_configuration.as_ref().unwrap();
    assert_eq!(&*configuration.vpn_client_root_certificates[0].name, "root");
    assert!(gaps(&inventory)[0].contains("virtualnetworkgateways damaged"), "{:?}", gaps(&inventory));
}

#[test]
fn a_damaged_resource_of_a_type_leaves_its_list_incomplete_everywhere() {
    let with = |ty: &str| inventory(&[&format!(r#"[{{"type":"Microsoft.Network/{ty}","properties":{{}}}}]"#)]);
    let incomplete = |ty: &str| with(ty).incomplete("microsoft.network/loadbalancers", "s").is_some();
    assert!(incomplete("loadBalancers"));
    assert!(!incomplete("routeTables"));
}

#[test]
fn copies_of_long_lists_merge_in_no_time() {
    let list = |from: usize| {
        let routes: Vec<String> = (from..from + 20_000).map(|i| format!(r#"{{"name":"r{i}"}}"#)).collect();
        resource("routeTables", "rt", &format!(r#"{{"routes":[{}]}}"#, routes.join(",")))
    };
    let start = std::time::Instant::now();
    let merged = inventory(&[&list(0), &list(0)]);
    assert_eq!((merged.route_tables.rows()[0].properties.routes.len(), merged.notes.len()), (20_000, 0));
    // Comparing each with each took minutes in a debug build.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_resource_without_an_id_or_without_properties_is_a_gap() {
    let inventory = inventory(&[
        r#"[{"type":"Microsoft.Network/routeTables","properties":{}}]"#,
        &resource("routeTables", "listed", "null"),
    ]);
    assert_eq!(inventory.known, 0);
    assert_eq!(
        gaps(&inventory),
        [
            format!("{NETWORK}/routeTables/listed microsoft.network/routetables missing: 1.json: line 1, column 1: it has no `properties`, so nothing can be said of it; it was only listed, or a query picked its members: `az resource show --ids …` and `az rest` print them all"),
            "0.json microsoft.network/routetables damaged: line 1, column 2: a resource without an `id` (its type is `microsoft.network/routetables`)".to_owned(),
        ]
    );
}

#[test]
fn what_one_input_only_lists_is_no_gap_where_another_tells_it() {
    let hub = resource("virtualNetworks", "hub", r#"{"subnets":[{"name":"GatewaySubnet"}]}"#);
    let listed = resource("routeTables", "rt", "null");
    assert_eq!(inventory(&[&listed, &hub]).gaps.len(), 2);
    let table = resource("routeTables", "RT", r#"{"routes":[]}"#);
    let subnet = resource("virtualNetworks/HUB/subnets", "gatewaysubnet", "{}")
        .replace("virtualNetworks/HUB/subnets\",", "virtualNetworks/subnets\",");
    for inputs in [[&*listed, &hub, &table, &subnet], [&table, &subnet, &listed, &hub]] {
        let inventory = inventory(&inputs);
        assert_eq!(gaps(&inventory), [""; 0]);
        assert_eq!((inventory.route_tables.len(), inventory.subnets.len()), (1, 1));
    }
}

#[test]
fn a_subnet_is_the_same_inside_its_network_and_alone() {
    let inside = resource(
        "virtualNetworks",
        "hub",
        r#"{"subnets":[{"name":"GatewaySubnet","properties":{"addressPrefix":"10.0.0.0/27"}}]}"#,
    );
    let alone = resource("virtualNetworks/hub/subnets", "gatewaysubnet", r#"{"routeTable":{"id":"/x"}}"#)
        .replace("virtualNetworks/hub/subnets\",", "virtualNetworks/subnets\",");
    let inventory = inventory(&[&inside, &alone]);
    assert_eq!(inventory.subnets.len(), 1, "{:?}", inventory.subnets);
    let subnet = &inventory.subnets.rows()[0];
    assert_eq!((&*subnet.name, subnet.properties.route_table.is_some()), ("GatewaySubnet", true));
    let hub = ResourceId::new(&format!("{NETWORK}/virtualNetworks/hub"));
    assert_eq!(inventory.subnets.children_of(&hub).count(), 1);
}

#[test]
fn a_subnet_that_is_only_named_was_not_read() {
    for subnet in [r#"{"name":"GatewaySubnet"}"#, r#"{"name":"GatewaySubnet","properties":null}"#] {
        let inventory = inventory(&[&resource("virtualNetworks", "hub", &format!(r#"{{"subnets":[{subnet}]}}"#))]);
        assert_eq!(inventory.subnets.len(), 0);
        assert!(
            gaps(&inventory)[0].contains("subnets/GatewaySubnet microsoft.network/virtualnetworks/subnets missing")
        );
    }
}

#[test]
fn a_type_that_contradicts_the_id_is_a_gap_that_names_both() {
    let table = resource("routeTables", "rt", "{}");
    assert_eq!(inventory(&[&table]).route_tables.len(), 1);
    for ty in [r#""x""#, "5", r#""Microsoft.Network/routeTable""#, r#""Microsoft.Network/virtualNetworks""#] {
        let inventory = inventory(&[&table.replace(r#""Microsoft.Network/routeTables""#, ty)]);
        assert_eq!(inventory.known, 0, "{ty}");
        assert!(gaps(&inventory)[0].contains("but its id is one of `microsoft.network/routetables`"), "{ty}");
    }
    let interface = r#"{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachineScaleSets/v/virtualMachines/0/networkInterfaces/n","type":"Microsoft.Network/networkInterfaces","properties":{}}"#;
    assert_eq!(inventory(&[interface]).network_interfaces.len(), 1);
}

#[test]
fn what_is_no_resource_id_is_none() {
    for id in ["/", "gw1", "/subscriptions//resourceGroups//providers/Microsoft.Network/routeTables/rt"] {
        let inventory =
            inventory(&[&format!(r#"{{"id":"{id}","type":"Microsoft.Network/routeTables","properties":{{}}}}"#)]);
        assert_eq!(inventory.known, 0, "{id}");
        assert!(gaps(&inventory)[0].contains("is no resource id"), "{id}: {:?}", gaps(&inventory));
    }
    let other =
        r#"{"id":"/subscriptions/s/resourceGroups/rg","type":"Microsoft.Resources/resourceGroups","properties":{}}"#;
    assert_eq!(gaps(&inventory(&[other])), [""; 0]);
}

#[test]
fn a_rule_that_was_read_alone_joins_its_group_or_is_a_gap() {
    let rule = resource("networkSecurityGroups/nsg/securityRules", "rdp", r#"{"priority":100}"#);
    let rule = rule.replace("Groups/nsg/securityRules\",\"p", "Groups/securityRules\",\"p");
    let group = resource("networkSecurityGroups", "nsg", r#"{"securityRules":[]}"#);
    let with = inventory(&[&rule, &group]);
    assert_eq!(with.network_security_groups.rows()[0].properties.security_rules.len(), 1);
    assert_eq!(gaps(&with), [""; 0]);
    let without = inventory(&[&rule]);
    assert!(gaps(&without)[0].contains("networksecuritygroups missing"), "{:?}", gaps(&without));
}

#[test]
fn a_session_answer_belongs_to_the_one_gateway_that_serves_clients() {
    let pool = r#"{"vpnClientConfiguration":{"vpnClientAddressPool":{"addressPrefixes":["172.16.0.0/24"]}}}"#;
    let one = resource("virtualNetworkGateways", "gw1", pool);
    let other = resource("virtualNetworkGateways", "gw2", "{}");
    let answer = r#"{"value":[{"vpnConnectionId":"IKEv2_1"}]}"#;
    let clear = inventory(&[answer, &one, &other]);
    assert_eq!(clear.sessions.len(), 1);
    assert_eq!(clear.sessions[0].0.name(), "gw1");
    let unclear = inventory(&[answer, &one, &resource("virtualNetworkGateways", "gw2", pool)]);
    assert_eq!(unclear.sessions.len(), 0);
    assert!(gaps(&unclear)[0].starts_with("0.json sessions missing"), "{:?}", gaps(&unclear));
}

#[test]
fn a_classic_resource_is_known_by_its_id_alone() {
    let of = |provider: &str| {
        let id = format!("/subscriptions/s/resourceGroups/rg/providers/Microsoft.{provider}/virtualMachines/old");
        inventory(&[&format!(r#"{{"id":"{id}","type":"Microsoft.{provider}/virtualMachines","location":"westus"}}"#)])
    };
    let classic = of("ClassicCompute");
    assert_eq!((classic.classic_resources.len(), classic.known, gaps(&classic).len()), (1, 1, 0));
    let found: Vec<_> = classic.every_resource().map(|(id, region)| (id.name(), region)).collect();
    assert_eq!(found, [("old", Some("westus"))]);
    assert_eq!(of("Compute").known, 0, "of any other machine nothing is known without its properties");
}

#[test]
fn what_is_attached_to_a_group_costs_no_rule_whatever_it_is() {
    let rubbish = r#"[null,"System.Object",7,[],{"ID":5},{"x":{"id":"/y"}},{"Id":"/a/b"}]"#;
    for (subnets, ids) in [(rubbish, vec![None, None, None, None, None, Some("/a/b")]), ("null", vec![]), ("5", vec![])]
    {
        let properties = format!(r#"{{"subnets":{subnets},"securityRules":[{{"name":"rdp"}}]}}"#);
        let inventory = inventory(&[&resource("networkSecurityGroups", "nsg", &properties)]);
        assert_eq!(gaps(&inventory), [""; 0]);
        let group = &inventory.network_security_groups.rows()[0].properties;
        let found: Vec<_> = group.subnets.iter().map(|it| it.id.as_ref().map(ResourceId::as_str)).collect();
        assert_eq!((found, group.security_rules.len()), (ids, 1));
    }
}

#[test]
fn a_subnet_knows_its_gateways_and_not_its_interfaces() {
    let subnet = r#"{"ipConfigurations":[{"id":"/x/networkInterfaces/n/ipConfigurations/i"},{"id":"/x/virtualNetworkGateways/gw/ipConfigurations/default"}]}"#;
    let network = format!(r#"{{"subnets":[{{"name":"GatewaySubnet","properties":{subnet}}}]}}"#);
    let inventory = inventory(&[&resource("virtualNetworks", "hub", &network)]);
    let found = &inventory.subnets.rows()[0].properties.ip_configurations;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id.as_ref().unwrap().name(), "default");
}

#[test]
fn just_in_time_policies_are_known_under_both_of_their_types() {
    for (ty, path) in [("locations/jitNetworkAccessPolicies", "locations/westus/"), ("jitNetworkAccessPolicies", "")] {
        let properties = r#"{"virtualMachines":[{"id":"/vm","ports":[{"number":3389,"allowedSourceAddressPrefix":"*"}]}],
            "requests":[{"requestor":"x@example.org","virtualMachines":[{"id":"/vm","ports":[{"number":3389,"status":"Revoked"}]}]}]}"#;
        let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Security";
        let policy = format!(
            r#"{{"id":"{id}/{path}jitNetworkAccessPolicies/default","type":"Microsoft.Security/{ty}","properties":{properties}}}"#
        );
        let inventory = inventory(&[&policy]);
        let policy = &inventory.jit_policies.rows()[0].properties;
        assert_eq!(policy.virtual_machines[0].ports[0].number, Some(3389));
        assert_eq!(policy.requests[0].virtual_machines[0].ports[0].status.as_deref(), Some("Revoked"));
    }
}

#[test]
fn application_rules_of_a_firewall_policy_cost_nothing() {
    let group = |protocols: &str| {
        let rule = format!(r#"{{"ruleType":"ApplicationRule","name":"a","protocols":{protocols}}}"#);
        let collection = format!(r#"{{"ruleCollectionType":"x","name":"c","rules":[{rule}]}}"#);
        let properties = format!(r#"{{"priority":100,"ruleCollections":[{collection}]}}"#);
        resource("firewallPolicies/p/ruleCollectionGroups", "g", &properties).replace(
            r#""type":"Microsoft.Network/firewallPolicies/p/"#,
            r#""type":"Microsoft.Network/firewallPolicies/"#,
        )
    };
    let application = inventory(&[&group(r#"[{"protocolType":"Https","port":443}]"#)]);
    assert_eq!((application.rule_collection_groups.len(), gaps(&application)), (1, vec![]));
    let named = inventory(&[&group(r#"["TCP"]"#)]);
    assert_eq!((named.rule_collection_groups.len(), gaps(&named)), (1, vec![]));
    assert_eq!(gaps(&inventory(&[&group(r#"[[7]]"#)])).len(), 1);
}
