//! The facts over the policy's fixture, and what single subjects of it say.

use std::collections::BTreeMap;
use std::sync::Mutex;

use time::OffsetDateTime;

use serde_json::json;

use super::*;
use crate::facts::Options;
use crate::facts::schema::Value;
use crate::facts::service_tag::ServiceTags;
use crate::inventory::{Inventory, collect};
use crate::source::{Batch, Gap, Kind, Reason};

mod inside;
mod just_in_time;

const FIXTURE: &str = include_str!("../../../testdata/policies/rdp-open-to-internet.json");

fn resources() -> Vec<serde_json::Value> {
    serde_json::from_str(FIXTURE).unwrap()
}

fn inventory(resources: &[serde_json::Value], gaps: &[Gap]) -> Inventory {
    let ((), inventory) = collect(|sink| {
        for resource in resources {
            sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
        }
        gaps.iter().for_each(|gap| sink.gap(gap.clone()));
    });
    assert_eq!(inventory.gaps.len(), gaps.len(), "{:?}", inventory.gaps);
    inventory
}

/// The verdict that the policy's expression makes of the facts.
fn verdict(endpoint: &RdpEndpoint) -> &'static str {
    let (v4, v6) = (1 << 24, 2_f64.powi(112));
    let closed = endpoint.public_ipv4_at_most <= v4 && endpoint.public_ipv6_at_most <= v6;
    match (
        endpoint.public_ipv4_at_least <= v4 && endpoint.public_ipv6_at_least <= v6,
        closed || endpoint.complete.is_ok(),
    ) {
        (false, _) => "fails",
        (true, true) => "passes",
        (true, false) => "unknown",
    }
}

/// Every subject: its element, the facts as JSON, and the verdict.
fn judge(inventory: &Inventory) -> BTreeMap<String, (serde_json::Value, String)> {
    judge_port(inventory, 3389)
}

fn judge_port(inventory: &Inventory, rdp_port: u16) -> BTreeMap<String, (serde_json::Value, String)> {
    let options = Options { rdp_port, ..Options::at(OffsetDateTime::UNIX_EPOCH) };
    let index = NetworkIndex::new(inventory, ServiceTags::default());
    let estate = exposure::Estate::new(&index, options.rdp_port);
    let mut judged = BTreeMap::new();
    let mut take = |found: subjects::Found<'_>| {
        let facts = estate.facts(&found);
        let json = crate::facts::schema::record_to_json(&facts);
        judged.insert(facts.ip_configuration.clone(), (json, verdict(&facts).to_owned()));
    };
    inventory.network_interfaces.iter().for_each(|it| subjects::of_interface(it).for_each(&mut take));
    let models = inventory.scale_sets.iter().filter(|set| estate.machines.is_model_only(&set.id));
    models.for_each(|set| subjects::of_model(set).into_iter().for_each(&mut take));
    judged
}

#[test]
fn every_subject_of_the_fixture_gets_the_verdict_that_its_name_says() {
    let judged = judge(&inventory(&resources(), &[]));
    let wrong: Vec<_> = judged
        .iter()
        .filter(|(element, (_, verdict))| element.split('-').next() != Some(verdict))
        .map(|(element, (facts, verdict))| format!("{element}: {verdict}\n{facts:#}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(judged.len(), resources().iter().map(subjects_in).sum::<usize>());
}

/// How many IP configurations of interfaces a resource holds.
fn subjects_in(resource: &serde_json::Value) -> usize {
    let ty = resource["type"].as_str().unwrap();
    match ty {
        "Microsoft.Network/networkInterfaces" => resource["properties"]["ipConfigurations"].as_array().unwrap().len(),
        "Microsoft.Compute/virtualMachineScaleSets" => 1,
        _ => 0,
    }
}

#[test]
fn subjects_are_handed_over_with_their_identity() {
    let inventory = inventory(&resources(), &[]);
    let options = Options::at(OffsetDateTime::UNIX_EPOCH);
    let seen = Mutex::new(Vec::new());
    each(Context { inventory: &inventory, options: &options }, &|subject: &Subject<'_>| {
        let port = subject.roots[0].record_type().position("port").unwrap();
        assert!(matches!(subject.roots[0].get(port), Value::Int(3389)));
        seen.lock().unwrap().push((subject.identity.id.to_string(), subject.identity.element.clone().unwrap()));
    });
    let seen = seen.into_inner().unwrap();
    let of = |element: &str| &seen.iter().find(|(_, it)| it == element).unwrap().0;
    assert!(of("fails-range-holds-the-port").ends_with("/networkInterfaces/nic-range-holds-the-port"));
    assert!(
        of("fails-scale-set-model").ends_with("/virtualMachineScaleSets/vmss-scale-set-model/networkInterfaces/nic")
    );
}

#[test]
fn a_finding_names_the_way_the_rule_and_one_packet() {
    let judged = judge(&inventory(&resources(), &[]));
    let (facts, _) = &judged["fails-nat-with-a-rule-on-the-backend-port"];
    let exposure = facts["exposure"].as_str().unwrap();
    assert!(exposure.contains("through the inbound NAT rule `nat-50001` of `lb-nat` ("), "{exposure}");
    assert!(exposure.contains("port 50001); `allow-rdp` (priority 300, NSG `nsg-nat-with"), "{exposure}");
    let witness = &facts["witness"];
    assert_eq!(witness["wayIn"]["frontEndPort"], 50001);
    assert_eq!(witness["port"], 3389);
    assert_eq!(witness["destination"], facts["privateAddress"]);
    assert_eq!(witness["protocol"], "tcp");
}

#[test]
fn what_is_missing_is_named() {
    let judged = judge(&inventory(&resources(), &[]));
    let complete = |element: &str| judged[element].0["complete"]["unread"].as_str().unwrap().to_owned();
    assert_eq!(complete("unknown-group-not-read"), "the network security group `nsg-missing`");
    assert_eq!(complete("unknown-load-balancer-not-read"), "the load balancer `lb-missing`");
    assert_eq!(complete("unknown-firewall-policy-not-read"), "the firewall policy `afwp-missing`");
    assert_eq!(complete("unknown-route-table-not-read"), "the route table `rt-missing`");
    assert_eq!(complete("unknown-firewall-dnat-from-a-group-not-read"), "the IP group `ipg-missing`");
}

#[test]
fn the_witness_of_a_source_port_rule_is_sent_from_a_port_that_gets_in() {
    let judged = judge(&inventory(&resources(), &[]));
    let port = judged["fails-source-ports-partly-denied"].0["witness"]["sourcePort"].as_i64().unwrap();
    assert!(port > 49_999, "{port}");
}

/// Whether the public gets in, or would by the groups' rules if there were a way in.
fn is_open(facts: &serde_json::Value) -> bool {
    let none = |list: &serde_json::Value| list.as_array().unwrap().is_empty();
    let rules = !none(&facts["rules"]["sources"]) || !none(&facts["rules"]["sourceTags"]);
    let would = none(&facts["waysIn"]) && rules && !none(&facts["networkSecurityGroups"]);
    facts["publicGetsIn"] == true || would
}

#[test]
fn commands_never_open_anything() {
    for (element, (facts, _)) in judge(&inventory(&resources(), &[])) {
        for command in facts["closeCommands"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()) {
            assert!(is_open(&facts), "{element}: {command}");
            let deny = command.contains(" nsg rule create ") && command.contains(" --access Deny ");
            let shut = command.contains(" nsg rule update ") && command.ends_with(" --access Deny");
            let narrow =
                command.contains(" nsg rule update ") && command.ends_with(" --source-address-prefixes VirtualNetwork");
            let attach = command.contains(" nsg create ") || command.contains(" --network-security-group ");
            assert!(deny || shut || narrow || attach, "{element}: {command}");
            assert!(!command.contains("--access Allow"), "{command}");
        }
    }
}

#[test]
fn a_refused_list_of_load_balancers_hides_a_way_in() {
    let gap = |what: &str| Gap {
        scope: "/subscriptions/11111111-2222-3333-4444-555555555555".into(),
        what: what.into(),
        reason: Reason::Forbidden,
        detail: String::new(),
    };
    let verdict = |gaps: &[Gap]| judge(&inventory(&resources(), gaps))["passes-no-way-in"].1.clone();
    assert_eq!(verdict(&[]), "passes");
    assert_eq!(verdict(&[gap("microsoft.network/routetables")]), "passes");
    assert_eq!(verdict(&[gap("microsoft.network/loadbalancers")]), "unknown");
    assert_eq!(verdict(&[gap("microsoft.network/azurefirewalls")]), "unknown");
}

#[test]
fn refused_admin_rules_make_an_open_machine_unknown() {
    let gap = Gap {
        scope: "/subscriptions/11111111-2222-3333-4444-555555555555".into(),
        what: "microsoft.network/effectivesecurityadminrules".into(),
        reason: Reason::Forbidden,
        detail: String::new(),
    };
    let judged = judge(&inventory(&resources(), &[gap]));
    assert_eq!(judged["fails-range-holds-the-port"].1, "unknown");
    assert_eq!(judged["passes-no-way-in"].1, "passes");
}

/// The fixture's load balancer, handed to a scale set's machine in the ways in which Azure names it.
#[test]
fn a_machine_of_a_scale_set_is_reached_through_its_nat_pool() {
    let set = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-rdp/providers/Microsoft.Compute/virtualMachineScaleSets/vmss-scale-set-model";
    let network =
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-rdp/providers/Microsoft.Network";
    let verdict = |rule: &str| {
        let mut all = resources();
        all.push(serde_json::json!({
            "id": format!("{set}/virtualMachines/0/networkInterfaces/nic"),
            "properties": {
                "networkSecurityGroup": {"id": format!("{network}/networkSecurityGroups/nsg-same-name")},
                "ipConfigurations": [{"name": "machine", "properties": {
                    "privateIPAddress": "10.1.0.210",
                    "subnet": {"id": format!("{network}/virtualNetworks/vnet-plain/subnets/apps")},
                    "loadBalancerInboundNatRules": [{"id": format!("{network}/loadBalancers/lb-set/inboundNatRules/{rule}")}],
                }}],
            },
        }));
        let judged = judge(&inventory(&all, &[]));
        // Its interface was read, so the model is no subject any more.
        assert!(!judged.contains_key("fails-scale-set-model"));
        judged["machine"].1.clone()
    };
    assert_eq!(verdict("rdp.0"), "fails");
    assert_eq!(verdict("ssh.0"), "unknown");
}

/// Whatever is left out of an export that something else refers to: no verdict turns into its opposite.
#[test]
fn what_was_not_read_never_turns_a_verdict_round() {
    let all = resources();
    let truth = judge(&inventory(&all, &[]));
    let referred = [
        "networkSecurityGroups",
        "virtualNetworks",
        "routeTables",
        "publicIPAddresses",
        "firewallPolicies",
        "firewallPolicies/ruleCollectionGroups",
        "ipGroups",
    ];
    for ty in referred {
        let left: Vec<_> = all.iter().filter(|it| it["type"] != format!("Microsoft.Network/{ty}")).cloned().collect();
        assert!(left.len() < all.len(), "{ty}");
        for (element, (facts, verdict)) in judge(&inventory(&left, &[])) {
            let expected = &truth[&element].1;
            assert!(
                verdict == "unknown" || verdict == *expected || expected == "unknown",
                "{element} without {ty}: {facts:#}"
            );
        }
    }
}

// ---- single estates ----

const SUBSCRIPTION: &str = "/subscriptions/11111111-2222-3333-4444-555555555555";
const GROUP: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Network";

fn resource(ty: &str, name: &str, sku: &str, properties: serde_json::Value) -> serde_json::Value {
    json!({
        "id": format!("{GROUP}/{ty}/{name}"), "name": name, "type": format!("Microsoft.Network/{ty}"),
        "location": "westeurope", "sku": {"name": sku}, "properties": properties,
    })
}

fn reference(path: &str) -> serde_json::Value {
    json!({ "id": format!("{GROUP}/{path}") })
}

fn rule(name: &str, priority: i64, access: &str, source: &str, source_port: &str) -> serde_json::Value {
    json!({"name": name, "properties": {
        "priority": priority, "access": access, "direction": "Inbound", "protocol": "*", "sourceAddressPrefix": source,
        "sourcePortRange": source_port, "destinationAddressPrefix": "*", "destinationPortRange": "3389",
    }})
}

/// A machine with a public address of that SKU, whose subnet and interface have these rules, and a route to there.
fn estate(
    subnet: Option<Vec<serde_json::Value>>,
    nic: Option<Vec<serde_json::Value>>,
    sku: &str,
    route: Option<&str>,
) -> Vec<serde_json::Value> {
    let mut of_subnet = json!({"addressPrefix": "10.0.0.0/24"});
    let mut configuration = json!({
        "privateIPAddress": "10.0.0.4", "subnet": reference("virtualNetworks/vnet/subnets/one"),
        "publicIPAddress": reference("publicIPAddresses/pip"),
    });
    configuration["primary"] = json!(true);
    let mut interface = json!({"ipConfigurations": [{"name": "one", "properties": configuration}]});
    let mut all = vec![resource("publicIPAddresses", "pip", sku, json!({"ipAddress": "20.1.2.3"}))];
    for (name, rules, owner) in [("of-subnet", subnet, &mut of_subnet), ("of-nic", nic, &mut interface)] {
        if let Some(rules) = rules {
            owner["networkSecurityGroup"] = reference(&format!("networkSecurityGroups/{name}"));
            all.push(resource("networkSecurityGroups", name, "", json!({"securityRules": rules})));
        }
    }
    if let Some(prefix) = route {
        of_subnet["routeTable"] = reference("routeTables/rt");
        let route = json!({"name": "r", "properties": {"addressPrefix": prefix, "nextHopType": "VirtualAppliance"}});
        all.push(resource("routeTables", "rt", "", json!({"routes": [route]})));
    }
    let space = json!({"addressPrefixes": ["10.0.0.0/16"]});
    let subnets = json!([{
        "id": format!("{GROUP}/virtualNetworks/vnet/subnets/one"), "name": "one", "properties": of_subnet
    }]);
    all.push(resource("virtualNetworks", "vnet", "", json!({"addressSpace": space, "subnets": subnets})));
    all.push(resource("networkInterfaces", "nic", "", interface));
    all
}

/// The estate after a command, as Azure would have it.
fn run(estate: &mut Vec<serde_json::Value>, command: &str) {
    let words: Vec<&str> = command.split(' ').map(|word| word.trim_matches('\'')).collect();
    let option = |name: &str| words.iter().position(|it| *it == name).map(|at| words[at + 1]);
    let named = |name: &str| format!("/{name}");
    let of = |estate: &mut Vec<serde_json::Value>, name: &str| {
        estate.iter().position(|it| it["id"].as_str().unwrap().ends_with(&named(name))).unwrap()
    };
    match &words[1..5] {
        ["network", "nsg", "create", _] => {
            estate.push(resource("networkSecurityGroups", option("--name").unwrap(), "", json!({"securityRules": []})));
        }
        ["network", "nic", "update", _] => {
            let nic = of(estate, option("--name").unwrap());
            let group = format!("networkSecurityGroups/{}", option("--network-security-group").unwrap());
            estate[nic]["properties"]["networkSecurityGroup"] = reference(&group);
        }
        ["network", "nsg", "rule", "create"] => {
            assert!(command.contains(" --direction Inbound --access Deny "), "{command}");
            let group = of(estate, option("--nsg-name").unwrap());
            let rules = estate[group]["properties"]["securityRules"].as_array_mut().unwrap();
            assert!(rules.iter().all(|it| it["name"] != option("--name").unwrap()), "{command}");
            let priority = option("--priority").unwrap().parse().unwrap();
            let taken = |it: &serde_json::Value| {
                it["properties"]["direction"] == "Inbound" && it["properties"]["priority"] == priority
            };
            assert!(!rules.iter().any(taken), "{command}");
            let mut rule =
                rule(option("--name").unwrap(), priority, "Deny", option("--source-address-prefixes").unwrap(), "*");
            rule["properties"]["destinationPortRange"] = json!(option("--destination-port-ranges").unwrap());
            rules.push(rule);
        }
        ["network", "nsg", "rule", "update"] => {
            let group = of(estate, option("--nsg-name").unwrap());
            let rules = estate[group]["properties"]["securityRules"].as_array_mut().unwrap();
            let rule = rules.iter_mut().find(|it| it["name"] == option("--name").unwrap()).unwrap();
            assert_eq!(rule["properties"]["access"], "Allow", "{command}");
            if let Some(access) = option("--access") {
                rule["properties"]["access"] = json!(access);
            }
            if let Some(prefix) = option("--source-address-prefixes") {
                rule["properties"]["sourceAddressPrefix"] = json!(prefix);
            }
        }
        _ => panic!("{command}"),
    }
}

fn one(estate: &[serde_json::Value], port: u16) -> (serde_json::Value, String) {
    judge_port(&inventory(estate, &[]), port).remove("one").unwrap()
}

fn commands(facts: &serde_json::Value) -> Vec<String> {
    facts["closeCommands"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_witness_comes_from_a_port_that_no_deny_takes() {
    let allow = rule("allow", 101, "Allow", "*", "*");
    let deny = rule("deny", 100, "Deny", "*", "49152-65535");
    let (facts, verdict) = one(&estate(Some(vec![deny, allow.clone()]), None, "Standard", None), 3389);
    assert_eq!(verdict, "fails");
    assert_eq!(facts["witness"]["sourcePort"], 49151);
    assert_eq!((&facts["decisions"][0]["rule"], &facts["decisions"][0]["access"]), (&json!("allow"), &json!("allow")));
    assert_eq!(facts["waysIn"][0]["open"], true);
    // The same with a Deny that leaves no port: port 0 is none.
    let deny = rule("deny", 100, "Deny", "*", "1-65535");
    let (facts, verdict) = one(&estate(Some(vec![deny, allow]), None, "Standard", None), 3389);
    assert_eq!((verdict.as_str(), &facts["witness"]), ("passes", &json!(null)));
    assert_eq!(facts["waysIn"][0]["open"], false);
}

#[test]
fn a_deny_of_mapped_addresses_takes_no_ipv4_away_and_an_allow_opens_none() {
    let verdict = |access: &str, source: &str, rest: &str| {
        let rules = vec![rule("first", 100, access, source, "*"), rule("rest", 200, rest, "*", "*")];
        one(&estate(Some(rules), None, "Standard", None), 3389).1
    };
    assert_eq!(verdict("Deny", "0.0.0.0/0", "Allow"), "passes");
    assert_eq!(verdict("Deny", "::ffff:0:0/96", "Allow"), "fails");
    assert_eq!(verdict("Allow", "0.0.0.0/0", "Deny"), "fails");
    assert_eq!(verdict("Allow", "::ffff:0:0/96", "Deny"), "passes");
}

#[test]
fn a_public_address_without_an_address_is_of_the_kind_that_it_says() {
    let ways = |version: &str| {
        let mut estate = estate(Some(vec![rule("allow", 100, "Allow", "*", "*")]), None, "Standard", None);
        estate[0]["properties"] = json!({"publicIPAddressVersion": version});
        one(&estate, 3389).0["waysIn"].as_array().unwrap().len()
    };
    assert_eq!((ways("IPv4"), ways("IPv6")), (1, 0));
}

#[test]
fn a_group_on_both_levels_is_remarked_upon_once() {
    let mut estate = estate(Some(vec![rule("allow", 100, "Allow", "::", "*")]), Some(vec![]), "Standard", None);
    let nic = estate.len() - 1;
    estate[nic]["properties"]["networkSecurityGroup"] = reference("networkSecurityGroups/of-subnet");
    let (facts, _) = one(&estate, 3389);
    let remarks = facts["remarks"].as_array().unwrap();
    assert_eq!(remarks.len(), 1);
    assert!(remarks[0].as_str().unwrap().starts_with("`allow` names `::` without a length"), "{remarks:?}");
}

#[test]
fn each_part_of_the_sources_names_the_rules_that_decide_it() {
    let nic = vec![
        rule("lower", 100, "Allow", "8.0.0.0/8", "*"),
        rule("some", 110, "Allow", "9.0.0.0/16", "*"),
        rule("deny", 120, "Deny", "*", "*"),
    ];
    let subnet = vec![rule("all", 100, "Allow", "*", "*")];
    let (facts, _) = one(&estate(Some(subnet), Some(nic), "Standard", None), 3389);
    let parts: Vec<(String, Vec<String>)> = facts["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            let rules = part["decisions"].as_array().unwrap().iter();
            let rules = rules.map(|it| format!("{} {}", it["level"].as_str().unwrap(), it["rule"].as_str().unwrap()));
            (part["sources"][0].as_str().unwrap().to_owned(), rules.collect())
        })
        .collect();
    let by = |rule: &str| vec!["subnet all".to_owned(), format!("nic {rule}")];
    assert_eq!(parts, [("8.0.0.0/8".to_owned(), by("lower")), ("9.0.0.0/16".to_owned(), by("some"))]);
}

#[test]
fn every_rule_that_lets_somebody_in_is_closed() {
    let mut rules = vec![rule("a", 100, "Allow", "*", "*"), rule("b", 101, "Allow", "*", "*")];
    rules[0]["properties"]["protocol"] = json!("Tcp");
    rules[1]["properties"]["protocol"] = json!("Udp");
    let (facts, _) = one(&estate(Some(rules), None, "Standard", None), 3389);
    assert_eq!(commands(&facts).len(), 2);
}

#[test]
fn where_no_command_closes_there_is_none_and_the_text_says_so() {
    // Smallest number, many ports: nothing can stand before it, and to shut it would close more than the port.
    let mut all = rule("all", 100, "Allow", "*", "*");
    all["properties"]["destinationPortRange"] = json!("*");
    let (facts, verdict) =
        one(&estate(Some(vec![all]), Some(vec![rule("n", 100, "Allow", "*", "*")]), "Standard", None), 3389);
    assert_eq!((verdict.as_str(), commands(&facts).len()), ("fails", 1));
    let mut all = rule("all", 100, "Allow", "*", "*");
    all["properties"]["destinationPortRange"] = json!("*");
    let (facts, _) = one(&estate(Some(vec![all.clone()]), Some(vec![all]), "Standard", None), 3389);
    assert_eq!(commands(&facts), Vec::<String>::new());
    assert!(facts["closing"].as_str().unwrap().starts_with("No change of one network security group"));
}

mod closing_commands {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn some_rule() -> impl Strategy<Value = serde_json::Value> {
        let sources = ["*", "*", "Internet", "0.0.0.0", "VirtualNetwork", "0.0.0.0/1", "20.0.0.0/8", "AzureCloud"];
        let ports = ["3389", "3389", "3389", "*", "22", "3000-4000"];
        let what = (select(&["Allow", "Allow", "Deny"][..]), select(&["*", "Tcp", "Udp"][..]));
        let direction = select(&["Inbound", "Inbound", "Inbound", "Inbound", "Outbound"][..]);
        (
            what,
            select(sources.to_vec()),
            select(&["*", "*", "1024-65535", "49152-65535"][..]),
            select(ports.to_vec()),
            direction,
        )
            .prop_map(|((access, protocol), source, source_port, port, direction)| {
                let mut rule = rule("", 0, access, source, source_port);
                rule["properties"]["protocol"] = json!(protocol);
                rule["properties"]["destinationPortRange"] = json!(port);
                rule["properties"]["direction"] = json!(direction);
                rule
            })
    }

    fn some_rules() -> impl Strategy<Value = Option<Vec<serde_json::Value>>> {
        let first = select(&[100, 101, 102, 300][..]);
        let rules = (proptest::collection::vec(some_rule(), 0..6), first).prop_map(|(mut rules, first)| {
            for (i, rule) in rules.iter_mut().enumerate() {
                let name = if i == 4 { "deny-internet-3389".to_owned() } else { format!("r{i}") };
                rule["name"] = json!(name);
                rule["properties"]["priority"] = json!(first + i as i64);
            }
            rules
        });
        proptest::option::weighted(0.7, rules)
    }

    /// The most who may get in to that port, and whom the rules alone would let in: IPv4 addresses.
    fn most(estate: &[serde_json::Value], port: u16) -> [i64; 2] {
        let facts = one(estate, port).0;
        [&facts["publicIpv4AtMost"], &facts["rules"]["publicIpv4AtMost"]].map(|it| it.as_i64().unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn close_the_port_and_open_nothing(
            subnet in some_rules(),
            nic in some_rules(),
            sku in select(&["Basic", "Standard"][..]),
            route in select(&[None, None, Some("0.0.0.0/0"), Some("128.0.0.0/1")][..]),
            way_in in any::<bool>(),
        ) {
            let attaches = subnet.is_none() && nic.is_none();
            let mut estate = estate(subnet, nic, sku, route);
            if !way_in {
                let interface = estate.last_mut().unwrap();
                let configuration = &mut interface["properties"]["ipConfigurations"][0]["properties"];
                configuration.as_object_mut().unwrap().remove("publicIPAddress");
            }
            let (facts, _) = one(&estate, 3389);
            let commands = commands(&facts);
            let open = is_open(&facts);
            prop_assert!(open || commands.is_empty());
            prop_assert_eq!(open, facts["closing"] != "");
            let ports = [3389, 22, 80];
            let mut before = ports.map(|port| most(&estate, port));
            for command in &commands {
                run(&mut estate, command);
                let after = ports.map(|port| most(&estate, port));
                // Where nothing filters, a Standard address keeps out what a new group's rules would admit.
                let judged = if attaches { 0..1 } else { 0..2 };
                let closer = |i: usize| judged.clone().all(|which| after[i][which] <= before[i][which]);
                prop_assert!((0..3).all(closer), "{}: {:?} {:?}", command, before, after);
                before = after;
            }
            if !commands.is_empty() {
                prop_assert_eq!(before[0][usize::from(!way_in)], 0, "{:?}", commands);
                prop_assert!(!is_open(&one(&estate, 3389).0), "{:?}", commands);
            }
        }
    }
}
