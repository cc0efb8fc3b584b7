//! Against judges that know no sets: one asks packet by packet, one also thinks of all that names may stand for.

use std::collections::HashMap;
use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::facts::address;
use crate::facts::nsg::{Scope, VirtualNetworkTag};
use crate::facts::service_tag::{PLATFORM, ServiceTags};
use crate::inventory::{Named, ResourceId, lenient};

const ASG: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/applicationSecurityGroups/web";

fn group(rules: &[Value]) -> Group {
    let rules: Vec<Named<_>> = rules.iter().map(|rule| lenient::from_str(&rule.to_string()).unwrap()).collect();
    Group::of_rules(&ResourceId::new("/subscriptions/s/resourceGroups/rg/providers/x/y/nsg"), &rules, &[])
}

fn unattached(rules: &[Value], judged: usize) -> Covered {
    let tags = ServiceTags::default();
    Cover::new(&group(rules), vec![Meaning::unattached(&tags)]).of(judged)
}

/// A rule of that number: source, source port, destination, destination port, protocol.
fn rule(priority: i64, access: &str, fields: [&str; 5]) -> Value {
    let [source, source_port, destination, port, protocol] = fields;
    json!({"name": format!("r{priority}"), "properties": {
        "priority": priority, "access": access, "direction": "Inbound", "protocol": protocol,
        "sourceAddressPrefix": source, "sourcePortRange": source_port,
        "destinationAddressPrefix": destination, "destinationPortRange": port,
    }})
}

// ---- packet by packet ----

/// One side of a random rule: texts, and what they mean.
#[derive(Clone, Debug)]
struct Text<T> {
    texts: Vec<String>,
    means: Vec<(T, T)>,
}

impl<T: PartialOrd + Copy> Text<T> {
    fn has(&self, value: T) -> bool {
        self.means.iter().any(|(from, to)| *from <= value && value <= *to)
    }
}

#[derive(Clone, Debug)]
struct Random {
    source: Text<IpAddr>,
    source_ports: Text<u16>,
    destination: Text<IpAddr>,
    ports: Text<u16>,
    protocol: &'static str,
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn addresses() -> impl Strategy<Value = Text<IpAddr>> {
    let any4 = (ip("0.0.0.0"), ip("255.255.255.255"));
    let any6 = (ip("::"), ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    let one = prop_oneof![
        2 => Just(("*".to_owned(), vec![any4, any6])),
        1 => Just(("0.0.0.0/0".to_owned(), vec![any4])),
        1 => Just(("::/0".to_owned(), vec![any6])),
        6 => (0..8_u8, 0..8_u8).prop_map(|(a, b)| {
            let [from, to] = [a.min(b), a.max(b)].map(|it| ip(&format!("10.0.0.{it}")));
            (format!("{from}-{to}"), vec![(from, to)])
        }),
        2 => (0..3_u8, 0..3_u8).prop_map(|(a, b)| {
            let [from, to] = [a.min(b), a.max(b)].map(|it| ip(&format!("fd00::{it}")));
            (format!("{from}-{to}"), vec![(from, to)])
        }),
    ];
    join(one)
}

fn port_list() -> impl Strategy<Value = Text<u16>> {
    join(prop_oneof![
        4 => Just(("*".to_owned(), vec![(0, u16::MAX)])),
        1 => Just(("1-65535".to_owned(), vec![(1, u16::MAX)])),
        4 => (0..5_u16, 0..5_u16).prop_map(|(a, b)| (format!("{}-{}", a.min(b), a.max(b)), vec![(a.min(b), a.max(b))])),
    ])
}

fn join<T: std::fmt::Debug + Clone>(
    one: impl Strategy<Value = (String, Vec<(T, T)>)>,
) -> impl Strategy<Value = Text<T>> {
    proptest::collection::vec(one, 1..4).prop_map(|all| {
        let (texts, means): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        Text { texts, means: means.concat() }
    })
}

fn random() -> impl Strategy<Value = Random> {
    let protocol = prop::sample::select(vec!["*", "*", "Tcp", "Udp", "Icmp"]);
    (addresses(), port_list(), addresses(), port_list(), protocol).prop_map(
        |(source, source_ports, destination, ports, protocol)| Random {
            source,
            source_ports,
            destination,
            ports,
            protocol,
        },
    )
}

impl Random {
    fn json(&self, priority: usize) -> Value {
        json!({"name": format!("r{priority}"), "properties": {
            "priority": priority, "access": "Allow", "direction": "Inbound", "protocol": self.protocol,
            "sourceAddressPrefixes": self.source.texts, "sourcePortRanges": self.source_ports.texts,
            "destinationAddressPrefixes": self.destination.texts, "destinationPortRanges": self.ports.texts,
        }})
    }

    fn matches(&self, packet: &Packet) -> bool {
        // Ranges begin or cease at these.
        let all = |ports: &Text<u16>| (0..6).chain([u16::MAX]).all(|port| ports.has(port));
        let ports = match packet.ports {
            Some((from, to)) => self.source_ports.has(from) && self.ports.has(to),
            None => all(&self.source_ports) && all(&self.ports),
        };
        let protocol = self.protocol == "*" || self.protocol == packet.protocol;
        protocol && self.source.has(packet.source) && self.destination.has(packet.destination) && ports
    }
}

#[derive(Debug)]
struct Packet {
    source: IpAddr,
    destination: IpAddr,
    /// Source and destination; `None`: the protocol has none.
    ports: Option<(u16, u16)>,
    protocol: &'static str,
}

fn packets() -> Vec<Packet> {
    let v4 = (0..8).map(|it| format!("10.0.0.{it}")).chain(["9.9.9.9".to_owned()]);
    let v6 = (0..3).map(|it| format!("fd00::{it}")).chain(["2600::1".to_owned()]);
    let all: Vec<IpAddr> = v4.chain(v6).map(|text| ip(&text)).collect();
    let mut packets = Vec::new();
    for &source in &all {
        for &destination in all.iter().filter(|it| it.is_ipv4() == source.is_ipv4()) {
            for protocol in ["Tcp", "Udp"] {
                for (from, to) in (1..6).flat_map(|from| (0..6).map(move |to| (from, to))) {
                    packets.push(Packet { source, destination, ports: Some((from, to)), protocol });
                }
            }
            packets.extend(["Icmp", "Other"].map(|protocol| Packet { source, destination, ports: None, protocol }));
        }
    }
    packets
}

/// Which of the packets each rule matches.
fn matched(rules: &[Random], packets: &[Packet]) -> Vec<Vec<bool>> {
    let all = |rule: &Random| packets.iter().map(|packet| rule.matches(packet)).collect();
    rules.iter().map(all).collect()
}

fn takes_all(matched: &[Vec<bool>], judged: usize, by: &[usize]) -> bool {
    (0..matched[judged].len()).all(|packet| !matched[judged][packet] || by.iter().any(|i| matched[*i][packet]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn covered_is_what_a_judge_of_single_packets_says(rules in proptest::collection::vec(random(), 1..7)) {
        let json: Vec<Value> = rules.iter().enumerate().map(|(i, rule)| rule.json(100 + i)).collect();
        let matched = matched(&rules, &packets());
        for judged in 0..rules.len() {
            let before: Vec<usize> = (0..judged).collect();
            match unattached(&json, judged) {
                Covered::By(by) => {
                    prop_assert!(takes_all(&matched, judged, &by), "{judged} by {by:?}");
                    for spared in &by {
                        let rest: Vec<usize> = by.iter().copied().filter(|i| i != spared).collect();
                        prop_assert!(!takes_all(&matched, judged, &rest), "{judged} by {by:?} without {spared}");
                    }
                }
                other => {
                    prop_assert_eq!(other, Covered::No);
                    prop_assert!(!takes_all(&matched, judged, &before), "{judged}");
                }
            }
        }
    }
}

// ---- names ----

/// What single addresses are, one for each kind that the texts below tell apart.
const KINDS: [(&str, bool); 7] = [
    (PLATFORM, false),
    ("10.1.0.4", false),
    ("192.168.0.1", false),
    ("20.0.0.1", true),
    ("30.0.0.1", true),
    ("2600::1", true),
    ("fd00::1", false),
];

/// Which names stand for one address, as one of many that could be.
#[derive(Clone, Copy, Debug)]
struct Membership {
    tag: bool,
    internet: bool,
    network: bool,
    group: bool,
}

fn memberships(address: &str, public: bool) -> Vec<Membership> {
    let mut all = Vec::new();
    for bits in 0..16_u8 {
        let it = Membership { tag: bits & 1 > 0, internet: bits & 2 > 0, network: bits & 4 > 0, group: bits & 8 > 0 };
        // Tags are part of the Internet, which is public; members of groups are part of the network; the platform is
        // part of the network, and no member of anything.
        let platform = address == PLATFORM;
        let possible = (!it.tag || it.internet) && (!it.internet || public) && (!it.group || it.network);
        if possible && (!platform || (it.network && !it.group)) {
            all.push(it);
        }
    }
    all
}

const WORDS: [&str; 9] =
    ["*", "Internet", "VirtualNetwork", "Sql", "ASG", "10.0.0.0/8", "20.0.0.0/8", "0.0.0.0/0", "::/0"];

fn word_means(word: &str, address: &str, it: Membership) -> bool {
    match word {
        "*" => true,
        "Internet" => it.internet,
        "VirtualNetwork" => it.network,
        "Sql" => it.tag,
        "ASG" => it.group,
        "0.0.0.0/0" => !address.contains(':'),
        "::/0" => address.contains(':'),
        prefix => address.starts_with(&prefix[..3]),
    }
}

fn named(priority: usize, source: &[&str], destination: &[&str], port: &str) -> Value {
    let prefixes = |words: &[&str]| json!(words.iter().filter(|word| **word != "ASG").collect::<Vec<_>>());
    let groups =
        |words: &[&str]| words.iter().filter(|word| **word == "ASG").map(|_| json!({"id": ASG})).collect::<Vec<_>>();
    json!({"name": format!("r{priority}"), "properties": {
        "priority": priority, "access": "Allow", "direction": "Inbound", "protocol": "Tcp",
        "sourceAddressPrefixes": prefixes(source), "sourceApplicationSecurityGroups": groups(source),
        "destinationAddressPrefixes": prefixes(destination), "destinationApplicationSecurityGroups": groups(destination),
        "sourcePortRange": "*", "destinationPortRange": port,
    }})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn names_are_covered_whatever_they_stand_for(
        rules in proptest::collection::vec((
            proptest::sample::subsequence(WORDS.to_vec(), 1..4),
            proptest::sample::subsequence(WORDS.to_vec(), 1..4),
            prop::sample::select(vec![(1, 1), (2, 2), (1, 2)]),
        ), 1..6),
    ) {
        let json: Vec<Value> = rules.iter().enumerate().map(|(i, (source, destination, ports))| {
            named(100 + i, source, destination, &format!("{}-{}", ports.0, ports.1))
        }).collect();
        let ends = || KINDS.into_iter().flat_map(|(address, public)| {
            memberships(address, public).into_iter().map(move |it| (address, it))
        });
        for judged in 0..rules.len() {
            let matches = |i: usize, from: (&str, Membership), to: (&str, Membership), port: u16| {
                let (source, destination, ports) = &rules[i];
                source.iter().any(|word| word_means(word, from.0, from.1))
                    && destination.iter().any(|word| word_means(word, to.0, to.1))
                    && (ports.0..=ports.1).contains(&port)
            };
            let left = ends().any(|from| {
                ends().filter(|to| to.0.contains(':') == from.0.contains(':')).any(|to| {
                    [1, 2].into_iter().any(|port| {
                        matches(judged, from, to, port) && !(0..judged).any(|i| matches(i, from, to, port))
                    })
                })
            });
            let covered = unattached(&json, judged);
            prop_assert_eq!(covered == Covered::No, left, "{}: {:?}", judged, covered);
        }
    }
}

// ---- single rulings ----

const EVERYTHING: [&str; 5] = ["*", "*", "*", "*", "*"];

fn after(first: [&str; 5], second: [&str; 5]) -> Covered {
    unattached(&[rule(100, "Deny", first), rule(200, "Allow", second)], 1)
}

fn by_first() -> Covered {
    Covered::By(vec![0])
}

#[test]
fn both_versions_of_ip_count_where_both_can_be_meant() {
    assert_eq!(after(["0.0.0.0/0", "*", "*", "*", "*"], EVERYTHING), Covered::No);
    assert_eq!(after(["0.0.0.0/0", "*", "*", "*", "*"], ["Internet", "*", "*", "3389", "Tcp"]), Covered::No);
    // Nothing of IPv6 is sent to an address of IPv4.
    assert_eq!(after(["0.0.0.0/0", "*", "*", "*", "*"], ["*", "*", "10.0.0.4", "3389", "Tcp"]), by_first());
    assert_eq!(after(EVERYTHING, EVERYTHING), by_first());
}

#[test]
fn protocols_without_ports_are_left_by_rules_with_ports() {
    assert_eq!(after(["*", "*", "*", "0-65534", "*"], EVERYTHING), Covered::No);
    assert_eq!(after(["*", "*", "*", "3000-4000", "*"], ["*", "*", "*", "3389", "*"]), by_first());
    assert_eq!(after(["*", "*", "*", "*", "Tcp"], ["*", "*", "*", "3389", "*"]), Covered::No);
    let both = [
        rule(100, "Deny", ["*", "*", "*", "*", "Tcp"]),
        rule(110, "Deny", ["*", "*", "*", "*", "Udp"]),
        rule(200, "Allow", ["*", "*", "*", "3389", "*"]),
        rule(300, "Allow", ["*", "*", "*", "*", "*"]),
    ];
    assert_eq!(unattached(&both, 2), Covered::By(vec![0, 1]));
    assert_eq!(unattached(&both, 3), Covered::No);
}

#[test]
fn the_protocols_with_a_name_are_not_every_protocol() {
    let named = ["Tcp", "Udp", "Icmp", "Esp", "Ah"];
    let mut rules: Vec<Value> =
        named.iter().zip(100..).map(|(protocol, i)| rule(i, "Deny", ["*", "*", "*", "*", protocol])).collect();
    rules.push(rule(200, "Allow", ["*", "*", "*", "*", "Tcp,Udp,Icmp,Esp,Ah"]));
    rules.push(rule(300, "Allow", EVERYTHING));
    assert_eq!(unattached(&rules, 5), Covered::By(vec![0, 1, 2, 3, 4]));
    assert_eq!(unattached(&rules, 6), Covered::No);
}

#[test]
fn source_port_0_is_no_port() {
    assert_eq!(after(["*", "1-65535", "*", "*", "*"], ["*", "*", "*", "3389", "Tcp"]), by_first());
    assert_eq!(after(["*", "2-65535", "*", "*", "*"], ["*", "*", "*", "3389", "Tcp"]), Covered::No);
}

#[test]
fn the_fewest_rules_are_named_and_the_first_of_several() {
    let rules = [
        rule(100, "Deny", ["10.0.0.0/9", "*", "*", "3389", "Tcp"]),
        rule(110, "Deny", ["10.128.0.0/9", "*", "*", "3389", "Tcp"]),
        rule(120, "Deny", ["10.0.0.0/8", "*", "*", "3389", "Tcp"]),
        rule(130, "Deny", ["*", "*", "*", "3389", "Tcp"]),
        rule(200, "Allow", ["10.0.0.0/8", "*", "*", "3389", "Tcp"]),
    ];
    assert_eq!(unattached(&rules, 4), Covered::By(vec![2]));
    assert_eq!(unattached(&[&rules[..2], &rules[4..]].concat(), 2), Covered::By(vec![0, 1]));
    assert_eq!(unattached(&rules, 2), Covered::By(vec![0, 1]));
}

#[test]
fn neither_a_rule_itself_nor_azures_own_nor_a_later_one_covers_it() {
    assert_eq!(unattached(&[rule(100, "Allow", EVERYTHING)], 0), Covered::No);
    assert_eq!(unattached(&[rule(300, "Deny", EVERYTHING), rule(200, "Allow", EVERYTHING)], 1), Covered::No);
    let numbered_like_a_default = [rule(65501, "Allow", EVERYTHING)];
    assert_eq!(unattached(&numbered_like_a_default, 0), Covered::No);
}

#[test]
fn an_order_that_nobody_knows_is_unknown() {
    let unknown = |first: Option<i64>, second: Option<i64>| {
        let mut rules = [rule(1, "Deny", EVERYTHING), rule(2, "Allow", EVERYTHING)];
        rules[0]["properties"]["priority"] = json!(first);
        rules[1]["properties"]["priority"] = json!(second);
        match unattached(&rules, 1) {
            Covered::Unknown(unread) => {
                assert!(unread[0].what.starts_with("which of the rules `r1` and `r2`"), "{unread:?}");
                true
            }
            _ => false,
        }
    };
    assert!(unknown(Some(200), Some(200)) && unknown(None, Some(200)) && unknown(Some(200), None));
    assert!(!unknown(Some(100), Some(200)));
}

#[test]
fn what_was_not_understood_counts_for_nothing_and_may_mean_anything() {
    let is_unknown = |first: [&str; 5], second: [&str; 5]| matches!(after(first, second), Covered::Unknown(_));
    let rdp = ["10.0.0.0/8", "*", "*", "3389", "Tcp"];
    assert!(is_unknown(["10.0.0.0/33", "*", "*", "*", "*"], rdp));
    assert!(is_unknown(["*", "*", "*", "70000", "*"], rdp));
    assert!(is_unknown(["*", "*", "*", "*", "Gre"], rdp));
    // It means all ports of TCP to 10.0.0.4 at most, and that is not enough.
    assert_eq!(after(["*", "*", "10.0.0.4", "70000", "Tcp"], rdp), Covered::No);
    assert_eq!(after(EVERYTHING, ["10.0.0.0/33", "*", "*", "3389", "Tcp"]), by_first());
    assert!(is_unknown(["10.0.0.0/8", "*", "*", "*", "*"], ["10.0.0.0/33", "*", "*", "3389", "Tcp"]));
    assert_eq!(after(["*", "*", "*", "22", "*"], ["10.0.0.0/33", "*", "*", "3389", "Tcp"]), Covered::No);
}

#[test]
fn an_address_without_a_length_is_any_in_an_allow_and_nothing_in_a_deny() {
    let unclear = ["0.0.0.0", "*", "*", "3389", "Tcp"];
    let rdp = ["*", "*", "*", "3389", "Tcp"];
    let judge = |access: &str| unattached(&[rule(100, access, unclear), rule(200, "Allow", rdp)], 1);
    assert_eq!(judge("Allow"), by_first());
    assert_eq!(judge("Deny"), Covered::No);
}

#[test]
fn a_rule_that_no_packet_matches_decides_nothing_and_needs_no_cover() {
    let rules = |source: &str| [rule(100, "Allow", [source, "*", "10.0.0.4", "3389", "Tcp"])];
    assert_eq!(unattached(&rules("fd00::/8"), 0), Covered::By(vec![]));
    assert_eq!(unattached(&rules("10.0.0.0/8"), 0), Covered::No);
}

#[test]
fn a_tag_is_covered_by_a_set_that_has_all_public_addresses() {
    let public = address::not_public().complement();
    let prefixes: Vec<String> = public.prefixes().map(|it| it.to_string()).collect();
    let judge = |prefixes: &[String]| {
        let mut first = rule(100, "Deny", EVERYTHING);
        first["properties"]["sourceAddressPrefix"] = Value::Null;
        first["properties"]["sourceAddressPrefixes"] = json!(prefixes);
        unattached(&[first, rule(200, "Allow", ["Sql", "*", "*", "3389", "Tcp"])], 1)
    };
    assert_eq!(judge(&prefixes), by_first());
    assert_eq!(judge(&prefixes[1..]), Covered::No);
}

// ---- places ----

/// A network of these ranges; `unread`: something of it was not read.
fn network(prefixes: &[&str], unread: bool) -> (AddressSet, VirtualNetworkTag) {
    let addresses = AddressSet::from_texts(prefixes.iter().copied());
    let internet = address::public().difference(&addresses);
    let missing = Unread::new("the route table `rt`", "add it");
    let unread = if unread { vec![(AddressSet::all(), missing)] } else { Vec::new() };
    (internet, VirtualNetworkTag { addresses, tags: Vec::new(), unread })
}

fn in_places(networks: &[(AddressSet, VirtualNetworkTag)], rules: &[Value]) -> Covered {
    let tags = ServiceTags::default();
    let members = HashMap::new();
    let meanings = networks.iter().map(|(internet, virtual_network)| {
        let scope = Scope { internet, virtual_network, members: &members, members_unread: None, service_tags: &tags };
        Meaning::of(&scope, AddressSet::EMPTY, internet.clone())
    });
    Cover::new(&group(rules), meanings.collect()).of(rules.len() - 1)
}

#[test]
fn words_mean_what_they_mean_in_every_place() {
    let rules = [
        rule(100, "Deny", ["VirtualNetwork", "*", "*", "3389", "*"]),
        rule(200, "Allow", ["10.1.0.0/24", "*", "*", "3389", "Tcp"]),
    ];
    let (one, other) = (network(&["10.1.0.0/16"], false), network(&["10.2.0.0/16"], false));
    assert_eq!(in_places(std::slice::from_ref(&one), &rules), by_first());
    assert_eq!(in_places(&[one, other], &rules), Covered::No);
    assert_eq!(unattached(&rules, 1), Covered::No);
}

#[test]
fn an_unread_route_table_matters_only_where_its_routes_do() {
    let judge = |source: &str, unread: bool| {
        let rules = [
            rule(100, "Deny", ["VirtualNetwork", "*", "*", "3389", "*"]),
            rule(200, "Allow", [source, "*", "*", "3389", "Tcp"]),
        ];
        in_places(&[network(&["10.1.0.0/16"], unread)], &rules)
    };
    assert_eq!(judge("10.9.0.0/24", false), Covered::No);
    assert_eq!(judge("10.9.0.0/24", true), Covered::Unknown(vec![Unread::new("the route table `rt`", "add it")]));
    assert_eq!(judge("10.1.0.0/24", true), by_first());
    assert_eq!(judge("VirtualNetwork", true), by_first());
}

/// Sources, destinations and ports cut into so many parts, and a rule for each triple of them, shuffled: each leaves
/// boxes that many others cut again.
fn grid(parts: u32) -> Vec<Value> {
    let part = |i: u32| format!("10.{}.0.0-10.{}.255.255", 256 / parts * i, 256 / parts * (i + 1) - 1);
    let ports = |i: u32| format!("{}-{}", 3000 + 100 * i, 3099 + 100 * i);
    let all = parts * parts * parts;
    let shuffled = (0..all).map(|i| i * 7919 % all).map(|i| (i % parts, i / parts % parts, i / parts / parts));
    let mut rules: Vec<Value> = shuffled
        .zip(100..)
        .map(|((i, j, k), priority)| rule(priority, "Deny", [&part(i), "*", &part(j), &ports(k), "Tcp"]))
        .collect();
    let all_ports = format!("3000-{}", 2999 + 100 * parts);
    rules.push(rule(9000, "Allow", ["10.0.0.0/8", "*", "10.0.0.0/8", &all_ports, "Tcp"]));
    rules
}

#[test]
fn a_search_that_takes_too_long_ends_as_unknown() {
    assert_eq!(unattached(&grid(4), 64), Covered::By((0..64).collect()));
    let Covered::Unknown(unread) = unattached(&grid(16), 4096) else { panic!("4096 rules were compared") };
    assert_eq!(unread[0].what, "whether the rules before `r9000` cover it: they overlap too often");
}
