//! Random rules near each other, in the ways in which Azure and people write them.

use azaudit::facts::nsg::Direction;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::judge::{JUMP, WEB};

/// Texts near each other, so that rules overlap: the edges of these are the packets' addresses.
pub(crate) const SOURCES: [&str; 21] = [
    "*",
    "Internet",
    "INTERNET",
    "VirtualNetwork",
    "VIRTUAL_NETWORK",
    "AzureLoadBalancer",
    "0.0.0.0/0",
    "::/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "20.0.0.0/8",
    "20.0.0.0/16",
    "20.0.0.0-20.0.0.255",
    "203.0.113.7",
    "10.0.0.0/8",
    "10.0.1.4/32",
    "30.1.0.0/16",
    "2001:db8::/32",
    "2000::/3",
    "Corp",
    "Sql",
];
pub(crate) const DESTINATIONS: [&str; 12] = [
    "*",
    "*",
    "*",
    "Any",
    "VirtualNetwork",
    "Internet",
    "10.0.1.4",
    "10.0.1.0/24",
    "10.0.1.5/32",
    "fd00:1::4/128",
    "fd00:1::/64",
    "0.0.0.0/0",
];
pub(crate) const PORTS: [&str; 9] = ["*", "*", "3389", "3389", "3000-4000", "0-65535", "3389-3389", "3388", "0-3388"];
pub(crate) const PROTOCOLS: [&str; 10] = ["*", "*", "*", "*", "Tcp", "TCP", "udp", "Udp", "Icmp", "Esp"];
pub(crate) const SOURCE_RANGES: [&str; 6] = ["0-1023", "1024-65535", "1-65535", "49152-65535", "50000", "0-49999"];
pub(crate) const ADDRESSES: [&str; 24] = [
    "0.0.0.0",
    "1.0.0.0",
    "8.8.8.8",
    "10.0.0.1",
    "10.0.1.4",
    "10.1.0.0",
    "20.0.0.0",
    "20.0.0.255",
    "20.0.1.0",
    "20.0.255.255",
    "20.1.0.0",
    "30.0.0.0",
    "30.1.0.0",
    "30.255.255.255",
    "31.0.0.0",
    "64.0.0.0",
    "79.255.255.255",
    "127.255.255.255",
    "128.0.0.0",
    "168.63.129.16",
    "203.0.113.7",
    "203.0.113.8",
    "223.255.255.255",
    "255.255.255.255",
];
pub(crate) const ADDRESSES_V6: [&str; 10] = [
    "::",
    "2000::",
    "2001:db8::1",
    "2001:db9::",
    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "4000::",
    "fd00:1::4",
    "fd00:1::5",
    "fd00:2::",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

pub(crate) fn pick(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(words)
}

/// One field, in one of the ways in which Azure and people write it.
pub(crate) fn field(
    singular: &'static str,
    words: impl Strategy<Value = &'static str>,
) -> impl Strategy<Value = Vec<(String, Value)>> {
    (proptest::collection::vec(words, 1..4), 0..4_u8).prop_map(move |(words, style)| {
        let plural = format!("{singular}{}", if singular.ends_with("Prefix") { "es" } else { "s" });
        match style {
            0 => vec![(singular.to_owned(), json!(words[0])), (plural, json!([]))],
            1 => vec![(singular.to_owned(), json!("")), (plural, json!(words))],
            2 => vec![(singular.to_owned(), json!(words[0])), (plural, json!(words[1..]))],
            _ => vec![(plural, json!(words))],
        }
    })
}

pub(crate) fn rule(accesses: &'static [&'static str], admin: bool) -> impl Strategy<Value = Value> {
    let direction = pick(&["Inbound", "inbound", "Inbound", "Inbound", "Inbound", "Outbound"]);
    let groups = proptest::option::weighted(0.15, (any::<bool>(), pick(&[WEB, JUMP])));
    let source_ports = prop_oneof![3 => Just("*"), 1 => pick(&SOURCE_RANGES)];
    let what = (pick(accesses), direction, pick(&PROTOCOLS));
    let source = (field("sourceAddressPrefix", pick(&SOURCES)), field("sourcePortRange", source_ports));
    let destination =
        (field("destinationAddressPrefix", pick(&DESTINATIONS)), field("destinationPortRange", pick(&PORTS)));
    (what, source, destination, groups).prop_map(move |((access, direction, protocol), source, destination, groups)| {
        let mut properties = json!({"access": access, "direction": direction, "protocol": protocol});
        for (key, value) in [source.0, source.1, destination.0, destination.1].concat() {
            properties[key] = value;
        }
        if let Some((source, group)) = groups.filter(|_| !admin) {
            // A group stands beside nothing else on its side.
            let side = if source { "source" } else { "destination" };
            properties[format!("{side}AddressPrefix")] = json!("");
            properties[format!("{side}AddressPrefixes")] = json!([]);
            properties[format!("{side}ApplicationSecurityGroups")] = json!([{ "id": group }]);
        }
        properties
    })
}

pub(crate) fn named(rules: Vec<Value>, prefix: &str) -> Vec<Value> {
    let rules = rules.into_iter().enumerate().map(|(i, mut it)| {
        // Neither sorted nor dense.
        it["priority"] = json!(100 + (i * 2719) % 3900);
        json!({"name": format!("{prefix}{i}"), "properties": it})
    });
    rules.collect()
}

/// The same for packets that leave: both sides and both directions change places.
pub(crate) fn turned(levels: &[Vec<Value>; 3], direction: Direction) -> [Vec<Value>; 3] {
    let turn = |rule: &Value| {
        let properties = rule["properties"].as_object().unwrap().iter().map(|(key, value)| {
            let key = match (key.strip_prefix("source"), key.strip_prefix("destination")) {
                (Some(rest), _) => format!("destination{rest}"),
                (_, Some(rest)) => format!("source{rest}"),
                _ => key.clone(),
            };
            let inbound = value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("inbound"));
            let turned = if inbound { "Outbound" } else { "Inbound" };
            let value = if key == "direction" { json!(turned) } else { value.clone() };
            (key, value)
        });
        json!({"name": rule["name"], "properties": properties.collect::<serde_json::Map<_, _>>()})
    };
    match direction {
        Direction::Inbound => levels.clone(),
        Direction::Outbound => levels.clone().map(|rules| rules.iter().map(turn).collect()),
    }
}

pub(crate) fn levels() -> impl Strategy<Value = [Vec<Value>; 3]> {
    let group = |name: &'static str| {
        let rules = proptest::collection::vec(rule(&["Allow", "allow", "Deny", "DENY"], false), 1..8);
        proptest::option::weighted(0.8, rules).prop_map(move |rules| named(rules.unwrap_or_default(), name))
    };
    let admin = proptest::collection::vec(rule(&["Allow", "AlwaysAllow", "Deny"], true), 0..3);
    (admin, group("subnet"), group("nic")).prop_map(|(admin, subnet, nic)| [named(admin, "admin"), subnet, nic])
}

/// Rules with one field spoilt, and all that they could have been.
pub(crate) fn spoilt(
    truth: &[Vec<Value>; 3],
    level: usize,
    rule: usize,
    what: u8,
    direction: Direction,
) -> ([Vec<Value>; 3], Vec<[Vec<Value>; 3]>) {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut levels = truth.clone();
        change(&mut levels[level][rule]["properties"]);
        levels
    };
    let accesses: &[&str] = if level == 0 { &["Allow", "AlwaysAllow", "Deny"] } else { &["Allow", "Deny"] };
    if what == 7 {
        let all = |access: &&str| {
            let mut levels = truth.clone();
            let rule = json!({"priority": 1, "access": access, "direction": direction.word(), "protocol": "*"});
            levels[level] = vec![json!({"name": "all", "properties": rule})];
            levels
        };
        return (truth.clone(), accesses.iter().map(all).collect());
    }
    if truth[level].get(rule).is_none() || what > 6 {
        return (truth.clone(), vec![truth.clone()]);
    }
    let (local, remote) =
        if direction == Direction::Inbound { ("destination", "source") } else { ("source", "destination") };
    let set = |key: String, value: Value| with(&move |it: &mut Value| it[&key] = value.clone());
    let (key, spoilt, values): (String, Value, Vec<Value>) = match what {
        0 => (format!("{remote}AddressPrefix"), json!("10.0.0.0/33"), vec![json!("*"), json!("192.0.2.77")]),
        1 => (format!("{local}PortRange"), json!("rdp"), vec![json!("3389"), json!("1")]),
        2 => ("priority".into(), Value::Null, vec![json!(1), json!(60000)]),
        3 => ("direction".into(), json!("sideways"), vec![json!("Inbound"), json!("Outbound")]),
        4 => ("access".into(), json!("maybe"), accesses.iter().map(|it| json!(it)).collect()),
        5 => ("protocol".into(), json!("tpc"), vec![json!("*"), json!("Icmp")]),
        _ => (format!("{local}AddressPrefix"), json!("10.0.0.0.0"), vec![json!("10.0.1.4"), json!("192.0.2.77")]),
    };
    (set(key.clone(), spoilt), values.into_iter().map(|value| set(key.clone(), value)).collect())
}
