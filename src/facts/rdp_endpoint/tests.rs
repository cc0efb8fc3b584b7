//! The facts over the policy's fixture, and what single subjects of it say.

use std::collections::BTreeMap;
use std::sync::Mutex;

use time::OffsetDateTime;

use super::*;
use crate::facts::Options;
use crate::facts::schema::Value;
use crate::inventory::{Inventory, collect};
use crate::source::{Batch, Gap, Kind, Reason};

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
    let options = Options { now: OffsetDateTime::UNIX_EPOCH, rdp_port: 3389, cloud: None };
    let index = NetworkIndex::new(inventory, ServiceTags::default());
    let ways = WaysIn::new(&index, options.rdp_port);
    let machines = subjects::Machines::new(inventory);
    let mut judged = BTreeMap::new();
    let mut take = |found: subjects::Found<'_>| {
        let facts = exposure::facts(&index, &ways, &machines, &found, options.rdp_port);
        let json = crate::facts::schema::record_to_json(&facts);
        judged.insert(facts.ip_configuration.clone(), (json, verdict(&facts).to_owned()));
    };
    inventory.network_interfaces.iter().for_each(|it| subjects::of_interface(it).for_each(&mut take));
    let models = inventory.scale_sets.iter().filter(|set| machines.is_model_only(&set.id));
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
    let options = Options { now: OffsetDateTime::UNIX_EPOCH, rdp_port: 3389, cloud: None };
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

#[test]
fn commands_never_open_anything() {
    for (element, (facts, _)) in judge(&inventory(&resources(), &[])) {
        for command in facts["closeCommands"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()) {
            assert!(!facts["sources"].as_array().unwrap().is_empty(), "{element}: {command}");
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
