//! The commands that mend lost answers and closed security groups do mend them: applied to the fixture as az applies them,
//! they turn the verdict.

use std::collections::BTreeMap;

use azaudit::facts::{Context, Options};
use azaudit::inventory::collect;
use azaudit::policy::{Judgement, PolicySet, Severity, Verdict, Verdicts};
use azaudit::source::{Batch, Kind};
use serde_json::{Value, json};
use time::macros::datetime;

fn the(policy: &str) -> PolicySet {
    let mut set = PolicySet::load(true, &[]).expect("the built-in policies");
    set.select(&[policy.to_owned()], &[]).expect("a policy of that name");
    set
}

fn judged(set: &PolicySet, estate: &[Value]) -> Vec<Judgement> {
    let ((), inventory) = collect(|sink| {
        for resource in estate {
            sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
        }
    });
    let options = Options::at(datetime!(2026-01-01 0:00 UTC));
    set.audit(Context { inventory: &inventory, options: &options }, Verdicts::ALL, Severity::Info).0
}

/// The options of a command with their values. No name in the fixtures needs quotes but `*`.
fn options(command: &str) -> BTreeMap<String, Vec<String>> {
    let mut options: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut last = String::new();
    for word in command.split(' ') {
        match word.strip_prefix("--") {
            Some(option) => last = option.to_owned(),
            None => options.entry(last.clone()).or_default().push(word.trim_matches('\'').to_owned()),
        }
    }
    options
}

fn children<'e>(estate: &'e mut [Value], of: &str, name: &str) -> &'e mut Vec<Value> {
    let parent = estate.iter_mut().find(|it| it["name"] == *name).unwrap_or_else(|| panic!("there is no {name}"));
    parent["properties"][of].as_array_mut().expect("a list")
}

/// Does what az does with the estate.
fn apply(command: &str, estate: &mut [Value]) {
    let options = options(command);
    let one = |option: &str| options[option][0].as_str();
    let set = |child: &mut Value, fields: &[(&str, Value)]| {
        fields.iter().for_each(|(field, value)| child["properties"][*field] = value.clone());
    };
    if command.starts_with("az network nsg rule create ") {
        let rules = children(estate, "securityRules", one("nsg-name"));
        let taken = |rule: &Value| {
            let same = rule["name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(one("name")));
            same || rule["properties"]["priority"].as_i64() == one("priority").parse().ok()
        };
        assert!(!rules.iter().any(taken), "{command}");
        let mut rule = json!({"name": one("name"), "properties": {"sourcePortRange": "*"}});
        let fields = [
            ("priority", json!(one("priority").parse::<i64>().unwrap())),
            ("direction", json!(one("direction"))),
            ("access", json!(one("access"))),
            ("protocol", json!(one("protocol"))),
            ("sourceAddressPrefixes", json!(options["source-address-prefixes"])),
            ("destinationAddressPrefixes", json!(options["destination-address-prefixes"])),
            ("destinationPortRanges", json!(options["destination-port-ranges"])),
        ];
        set(&mut rule, &fields);
        rules.push(rule);
        return;
    }
    let routes = children(estate, "routes", one("route-table-name"));
    let at = routes.iter().position(|it| it["name"] == *one("name"));
    let hop = ("nextHopType", json!(one("next-hop-type")));
    if command.starts_with("az network route-table route create ") {
        assert!(at.is_none(), "{command}");
        let mut route = json!({"name": one("name")});
        set(&mut route, &[("addressPrefix", json!(one("address-prefix"))), hop]);
        routes.push(route);
    } else {
        assert!(command.starts_with("az network route-table route update "), "{command}");
        set(&mut routes[at.expect("the route is there")], &[hop]);
    }
}

/// Applies the commands of each failure in that fixture, and returns the subjects whose failure has none.
fn mends(policy: &str, fixture: &str) -> Vec<String> {
    let estate: Vec<Value> = serde_json::from_str(fixture).unwrap();
    let set = the(policy);
    let failures = judged(&set, &estate).into_iter().filter(|it| it.verdict == Verdict::Fail);
    let (with, without): (Vec<_>, Vec<_>) = failures.partition(|it| !it.remediation.commands.is_empty());
    let mut mended = 0;
    for failure in with {
        let mut estate = estate.clone();
        failure.remediation.commands.iter().for_each(|command| apply(command, &mut estate));
        let after = judged(&set, &estate).into_iter().find(|it| it.subject.id == failure.subject.id).unwrap();
        // What was not read stays unknown.
        assert_ne!(after.verdict, Verdict::Fail, "{}: {}", failure.subject.name, after.message);
        mended += usize::from(after.verdict == Verdict::Pass);
    }
    assert!(mended > 10, "{policy}: {mended}");
    without.into_iter().map(|it| it.subject.name).collect()
}

#[test]
fn answers_find_their_way_back_after_the_commands() {
    let without = mends("p2s-return-route", include_str!("../testdata/policies/p2s-return-route.json"));
    assert_eq!(without, ["fails-table-of-the-gateway-subnet-too"]);
}

#[test]
fn radius_servers_are_asked_after_the_commands() {
    let without = mends("p2s-radius-blocked", include_str!("../testdata/policies/p2s-radius-blocked.json"));
    assert_eq!(without, ["fails-admin-rule-denies", "fails-no-priority-free"]);
}

#[test]
fn dns_servers_are_asked_after_the_commands() {
    let without = mends("vnet-dns-blocked", include_str!("../testdata/policies/vnet-dns-blocked.json"));
    assert_eq!(without, ["fails-admin-rule-denies", "fails-no-priority-free"]);
}
