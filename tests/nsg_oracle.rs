//! The NSG engine against a judge that knows no sets: it decides one packet at a time, straight from the rules' JSON,
//! and shares no code with the engine. What was not read the judge is told, in every way in which it could be.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use azaudit::facts::address::{self, AddressSet, Family};
use azaudit::facts::nsg::{
    Access, Admission, Bound, Direction, FlowAccess, FlowPorts, Group, Level, LevelName, Local, LocalAddress, Members,
    Protocol, Scope, Stack, VirtualNetworkTag,
};
use azaudit::facts::schema::Unread;
use azaudit::facts::service_tag::{ServiceTags, Tag};
use azaudit::inventory::network::{SecurityAdminRule, SecurityRule};
use azaudit::inventory::{Named, Resource, ResourceId, lenient};
use proptest::prelude::*;
use serde_json::{Value, json};

const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet";
const WEB: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/applicationSecurityGroups/web";
const JUMP: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/applicationSecurityGroups/jump";

/// What words mean around the machine, as plain prefixes.
const VNET: [&str; 3] = ["10.0.0.0/16", "20.0.0.0/16", "fd00:1::/48"];
const ROUTED: &str = "30.0.0.0/8";
const WEB_MEMBERS: [&str; 2] = ["10.0.1.4", "fd00:1::4"];
const CORP: &str = "64.0.0.0/4";
const SQL: &str = "200.0.0.0/5";

/// A packet, its ends as the machine sees them.
#[derive(Clone, Copy, Debug)]
struct Packet {
    direction: Direction,
    remote: IpAddr,
    remote_port: u16,
    local: IpAddr,
    local_port: u16,
    udp: bool,
    belief: Belief,
}

impl Packet {
    /// One that comes to the machine's Remote Desktop.
    fn inbound(remote: IpAddr, remote_port: u16, v6: bool, udp: bool) -> Self {
        let local = destination(v6);
        Self { direction: Direction::Inbound, remote, remote_port, local, local_port: 3389, udp, belief: Belief::TRUTH }
    }
}

/// What is true of the remote address; `None`: what the constants above say.
#[derive(Clone, Copy, Debug)]
struct Belief {
    corp: Option<bool>,
    sql: Option<bool>,
    /// A member of the application security group jump.
    jump: bool,
    /// Part of a network that is connected to this one.
    connected: bool,
}

impl Belief {
    const TRUTH: Self = Self { corp: None, sql: None, jump: false, connected: false };
}

// ---- the judge ----

fn inside(prefix: &str, ip: IpAddr) -> bool {
    if let Some((from, to)) = prefix.split_once('-') {
        let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
        return from.is_ipv4() == ip.is_ipv4() && from <= ip && ip <= to;
    }
    let (net, length) = prefix.split_once('/').unwrap_or((prefix, if prefix.contains(':') { "128" } else { "32" }));
    let length: u32 = length.parse().unwrap();
    match (net.parse().unwrap(), ip) {
        (IpAddr::V4(net), IpAddr::V4(ip)) => length == 0 || (u32::from(net) ^ u32::from(ip)) >> (32 - length) == 0,
        (IpAddr::V6(net), IpAddr::V6(ip)) => length == 0 || (u128::from(net) ^ u128::from(ip)) >> (128 - length) == 0,
        _ => false,
    }
}

fn is_private(ip: IpAddr) -> bool {
    let ranges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
    let special = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"];
    ranges.iter().chain(&special).any(|range| inside(range, ip)) || (ip.is_ipv6() && !inside("2000::/3", ip))
}

fn means(word: &str, ip: IpAddr, local: bool, belief: Belief) -> bool {
    let in_network = VNET.iter().any(|prefix| inside(prefix, ip));
    match word.to_lowercase().as_str() {
        "*" | "any" => true,
        "internet" => !in_network && !is_private(ip),
        "virtualnetwork" | "virtual_network" => in_network || (!local && (inside(ROUTED, ip) || belief.connected)),
        "azureloadbalancer" => inside("168.63.129.16", ip),
        "corp" => belief.corp.filter(|_| !local).unwrap_or_else(|| inside(CORP, ip)),
        "sql" => belief.sql.filter(|_| !local).unwrap_or_else(|| inside(SQL, ip)),
        prefix => inside(prefix, ip),
    }
}

fn side(rule: &Value, which: &str, ip: IpAddr, local: bool, belief: Belief) -> bool {
    let mut words: Vec<&str> = rule[format!("{which}AddressPrefix")].as_str().into_iter().collect();
    let plural = rule[format!("{which}AddressPrefixes")].as_array().into_iter().flatten();
    words.extend(plural.filter_map(Value::as_str));
    let groups = rule[format!("{which}ApplicationSecurityGroups")].as_array().cloned().unwrap_or_default();
    if words.is_empty() && groups.is_empty() {
        return true;
    }
    let member = groups.iter().any(|group| group["id"] == WEB && WEB_MEMBERS.iter().any(|it| inside(it, ip)));
    let jump = !local && belief.jump && groups.iter().any(|group| group["id"] == JUMP);
    member || jump || words.iter().filter(|word| !word.is_empty()).any(|word| means(word, ip, local, belief))
}

fn on(rule: &Value, which: &str, port: u16) -> bool {
    let mut texts: Vec<&str> = rule[format!("{which}PortRange")].as_str().into_iter().collect();
    texts.extend(rule[format!("{which}PortRanges")].as_array().into_iter().flatten().filter_map(Value::as_str));
    texts.is_empty()
        || texts.iter().filter(|text| !text.is_empty()).any(|text| {
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            *text == "*" || (from.parse::<u16>().unwrap()..=to.parse::<u16>().unwrap()).contains(&port)
        })
}

/// The name and access of the first rule that matches.
fn first<'r>(rules: impl Iterator<Item = &'r Value>, packet: Packet) -> Option<(String, String)> {
    let mut rules: Vec<&Value> = rules.collect();
    rules.sort_by_key(|rule| rule["properties"]["priority"].as_i64().unwrap());
    let inbound = packet.direction == Direction::Inbound;
    let (local, remote) = if inbound { ("destination", "source") } else { ("source", "destination") };
    let hit = rules.into_iter().find(|rule| {
        let it = &rule["properties"];
        let protocol = it["protocol"].as_str().unwrap().to_lowercase();
        it["direction"].as_str().unwrap().eq_ignore_ascii_case(if inbound { "inbound" } else { "outbound" })
            && (["*", "any"].contains(&protocol.as_str()) || protocol == if packet.udp { "udp" } else { "tcp" })
            && on(it, remote, packet.remote_port)
            && on(it, local, packet.local_port)
            && side(it, remote, packet.remote, false, packet.belief)
            && side(it, local, packet.local, true, packet.belief)
    })?;
    let access = hit["properties"]["access"].as_str().unwrap().to_lowercase();
    Some((hit["name"].as_str().unwrap().to_owned(), access))
}

static DEFAULTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let rule = |name: &str, direction: &str, priority: i64, access: &str, from: &str, to: &str| {
        json!({"name": name, "properties": {
            "priority": priority, "access": access, "direction": direction, "protocol": "*",
            "sourceAddressPrefix": from, "sourcePortRange": "*", "destinationAddressPrefix": to, "destinationPortRange": "*",
        }})
    };
    vec![
        rule("AllowVnetInBound", "Inbound", 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
        rule("AllowAzureLoadBalancerInBound", "Inbound", 65001, "Allow", "AzureLoadBalancer", "*"),
        rule("DenyAllInBound", "Inbound", 65500, "Deny", "*", "*"),
        rule("AllowVnetOutBound", "Outbound", 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
        rule("AllowInternetOutBound", "Outbound", 65001, "Allow", "*", "Internet"),
        rule("DenyAllOutBound", "Outbound", 65500, "Deny", "*", "*"),
    ]
});

/// Whether the packet gets through, and the deciding rule of each level that is asked.
fn judge(levels: &[Vec<Value>; 3], packet: Packet) -> (bool, Vec<(LevelName, Option<String>)>) {
    let [admin, subnet, nic] = levels;
    let mut names = Vec::new();
    if !admin.is_empty() {
        let hit = first(admin.iter(), packet);
        names.push((LevelName::Admin, hit.as_ref().map(|(name, _)| name.clone())));
        match hit.map(|(_, access)| access).as_deref() {
            Some("deny") => return (false, names),
            Some("alwaysallow") => return (true, names),
            _ => {}
        }
    }
    let mut groups = [(LevelName::Subnet, subnet), (LevelName::Interface, nic)];
    if packet.direction == Direction::Outbound {
        groups.reverse();
    }
    for (level, rules) in groups.into_iter().filter(|(_, rules)| !rules.is_empty()) {
        let (name, access) =
            first(rules.iter().chain(&*DEFAULTS), packet).expect("the last default matches everything");
        names.push((level, Some(name)));
        if access == "deny" {
            return (false, names);
        }
    }
    (true, names)
}

// ---- what is generated ----

/// Texts near each other, so that rules overlap: the edges of these are the packets' addresses.
const SOURCES: [&str; 21] = [
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
const DESTINATIONS: [&str; 12] = [
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
const PORTS: [&str; 9] = ["*", "*", "3389", "3389", "3000-4000", "0-65535", "3389-3389", "3388", "0-3388"];
const PROTOCOLS: [&str; 10] = ["*", "*", "*", "*", "Tcp", "TCP", "udp", "Udp", "Icmp", "Esp"];
const SOURCE_RANGES: [&str; 6] = ["0-1023", "1024-65535", "1-65535", "49152-65535", "50000", "0-49999"];
const ADDRESSES: [&str; 24] = [
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
const ADDRESSES_V6: [&str; 10] = [
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

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(words)
}

/// One field, in one of the ways in which Azure and people write it.
fn field(
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

fn rule(accesses: &'static [&'static str], admin: bool) -> impl Strategy<Value = Value> {
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

fn named(rules: Vec<Value>, prefix: &str) -> Vec<Value> {
    let rules = rules.into_iter().enumerate().map(|(i, mut it)| {
        // Neither sorted nor dense.
        it["priority"] = json!(100 + (i * 2719) % 3900);
        json!({"name": format!("{prefix}{i}"), "properties": it})
    });
    rules.collect()
}

/// The same for packets that leave: both sides and both directions change places.
fn turned(levels: &[Vec<Value>; 3], direction: Direction) -> [Vec<Value>; 3] {
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

fn levels() -> impl Strategy<Value = [Vec<Value>; 3]> {
    let group = |name: &'static str| {
        let rules = proptest::collection::vec(rule(&["Allow", "allow", "Deny", "DENY"], false), 1..8);
        proptest::option::weighted(0.8, rules).prop_map(move |rules| named(rules.unwrap_or_default(), name))
    };
    let admin = proptest::collection::vec(rule(&["Allow", "AlwaysAllow", "Deny"], true), 0..3);
    (admin, group("subnet"), group("nic")).prop_map(|(admin, subnet, nic)| [named(admin, "admin"), subnet, nic])
}

// ---- the engine, handed the same ----

fn group(rules: &[Value]) -> Group {
    let rules = Value::from(rules.to_vec()).to_string();
    let rules: Vec<Named<SecurityRule>> = lenient::from_str(&rules).unwrap();
    Group::of_rules(&ResourceId::new("/nsg"), &rules, &[])
}

fn admin_row(rule: &Value) -> Resource<SecurityAdminRule> {
    let it = &rule["properties"];
    let list = |singular: &str, plural: &str| -> Vec<Value> {
        let one = it[singular].as_str().filter(|text| !text.is_empty()).map(|text| json!(text));
        one.into_iter().chain(it[plural].as_array().cloned().unwrap_or_default()).collect()
    };
    let items = |which: &str| -> Vec<Value> {
        let texts = list(&format!("{which}AddressPrefix"), &format!("{which}AddressPrefixes"));
        texts.into_iter().map(|text| json!({ "addressPrefix": text })).collect()
    };
    let properties = json!({
        "access": it["access"], "direction": it["direction"], "protocol": it["protocol"], "priority": it["priority"],
        "sources": items("source"), "destinations": items("destination"),
        "sourcePortRanges": list("sourcePortRange", "sourcePortRanges"),
        "destinationPortRanges": list("destinationPortRange", "destinationPortRanges"),
    });
    let name = rule["name"].as_str().unwrap();
    Resource {
        id: ResourceId::new(name),
        name: name.into(),
        location: None,
        sku: None,
        zones: Vec::new(),
        properties: lenient::from_str(&properties.to_string()).unwrap(),
    }
}

fn admin(rules: &[Value]) -> Group {
    let rows: Vec<_> = rules.iter().map(admin_row).collect();
    Group::of_admin_rules(&ResourceId::new(NETWORK), rows.iter())
}

struct World {
    internet: AddressSet,
    tag: VirtualNetworkTag,
    members: HashMap<ResourceId, Members>,
    members_unread: Option<Unread>,
    tags: ServiceTags,
    groups: [Option<Group>; 3],
    /// A level that was not read.
    unread: Option<(usize, Unread)>,
}

impl World {
    fn new(levels: &[Vec<Value>; 3]) -> Self {
        let own = AddressSet::from_texts(VNET);
        let mut tags = ServiceTags::default();
        tags.insert(&Tag::new("CORP"), AddressSet::from_texts([CORP]));
        tags.insert(&Tag::new("sql"), AddressSet::from_texts([SQL]));
        let members = Members { addresses: AddressSet::from_texts(WEB_MEMBERS), unread: None };
        let some = |rules: &[Value], read: fn(&[Value]) -> Group| (!rules.is_empty()).then(|| read(rules));
        Self {
            internet: address::not_public().complement().difference(&own),
            tag: VirtualNetworkTag { addresses: own.union(&AddressSet::from_texts([ROUTED])), ..Default::default() },
            members: HashMap::from([(ResourceId::new(WEB), members)]),
            members_unread: None,
            unread: None,
            tags,
            groups: [some(&levels[0], admin), some(&levels[1], group), some(&levels[2], group)],
        }
    }

    fn stack(&self) -> Stack<'_> {
        let level = |i: usize| match &self.unread {
            Some((unread, what)) if *unread == i => Level::Unread { unread: what, exists: true },
            _ => self.groups[i].as_ref().map_or(Level::None, Level::Group),
        };
        Stack {
            admin: level(0),
            subnet: level(1),
            interface: level(2),
            scope: Scope {
                internet: &self.internet,
                virtual_network: &self.tag,
                members: &self.members,
                members_unread: self.members_unread.as_ref(),
                service_tags: &self.tags,
            },
        }
    }
}

fn destination(v6: bool) -> IpAddr {
    if v6 { "fd00:1::4".parse().unwrap() } else { "10.0.1.4".parse().unwrap() }
}

fn local(v6: bool, udp: bool, groups: &[ResourceId]) -> Local<'_> {
    Local {
        direction: Direction::Inbound,
        address: LocalAddress::Known(address::point(destination(v6))),
        own: true,
        family: if v6 { Family::V6 } else { Family::V4 },
        port: 3389,
        protocol: if udp { Protocol::Udp } else { Protocol::Tcp },
        groups,
    }
}

fn addresses(v6: bool, extra: &[u128]) -> Vec<IpAddr> {
    let edges: &[&str] = if v6 { &ADDRESSES_V6 } else { &ADDRESSES };
    let edges = edges.iter().map(|it| it.parse().unwrap());
    let random = extra.iter().map(|it| if v6 { Ipv6Addr::from(*it).into() } else { Ipv4Addr::from(*it as u32).into() });
    edges.chain(random).collect()
}

/// Ports on both sides of every edge that a rule can name.
const SOURCE_PORTS: [u16; 10] = [1, 1023, 1024, 49151, 49152, 49999, 50000, 50001, 65534, 65535];

/// Whether a packet from there gets in, from whatever port.
fn gets_in(levels: &[Vec<Value>; 3], source: IpAddr, v6: bool, udp: bool) -> bool {
    SOURCE_PORTS.iter().any(|&port| judge(levels, Packet::inbound(source, port, v6, udp)).0)
}

/// Whether a set with tags has that address, if the tags mean what they mean here.
fn has(admission: &Admission, ip: IpAddr) -> bool {
    let is = |tag: &Tag| inside(if *tag == Tag::new("Sql") { SQL } else { CORP }, ip);
    admission.addresses().contains(address::point(ip))
        || admission.tagged().any(|term| {
            term.within.contains(address::point(ip)) && term.tags.iter().all(is) && !term.without.iter().any(is)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// 120 stacks, each with 112 packets and more: the set has exactly the addresses from which a packet gets in, and
    /// each level names the rule that decides.
    #[test]
    fn sets_agree_with_packets(
        levels in levels(),
        v6 in any::<bool>(),
        udp in any::<bool>(),
        extra in proptest::collection::vec(any::<u128>(), 4),
    ) {
        let world = World::new(&levels);
        let web = [ResourceId::new(WEB)];
        let local = local(v6, udp, &web);
        let stack = world.stack();
        let answer = stack.admit(&local);
        prop_assert_eq!(&answer.unread, &Vec::<Unread>::new());
        let admitted = answer.at_least.addresses();
        prop_assert_eq!(&admitted, &answer.at_most.addresses());
        for source in addresses(v6, &extra) {
            let mut anyhow = false;
            for source_port in SOURCE_PORTS {
                let packet = Packet::inbound(source, source_port, v6, udp);
                let (inside, names) = judge(&levels, packet);
                anyhow |= inside;
                let decisions = stack.decide(&local, address::point(source), source_port, Bound::Upper);
                let name = |rule: &azaudit::facts::nsg::Rule| rule.name.to_string();
                let decided: Vec<_> = decisions.iter().map(|it| (it.level, it.rule.map(name))).collect();
                prop_assert_eq!(decided, names, "{:?}", packet);
            }
            prop_assert_eq!(admitted.contains(address::point(source)), anyhow, "from {}", source);
            // The port that is named as one that gets in does get in.
            let port = stack.port_from(&local, address::point(source));
            prop_assert_eq!(port.is_some(), anyhow, "from {}", source);
            if let Some(source_port) = port {
                let packet = Packet::inbound(source, source_port, v6, udp);
                prop_assert!(judge(&levels, packet).0, "{:?}", packet);
            }
        }
    }

    /// A tag whose addresses nobody knows: whatever they are, nobody gets in whom the terms leave out, and a Deny on
    /// it takes nothing away.
    #[test]
    fn tags_without_addresses_stay_names(
        levels in levels(),
        udp in any::<bool>(),
        extra in proptest::collection::vec(any::<u128>(), 2),
    ) {
        let mut world = World::new(&levels);
        world.tags = ServiceTags::default();
        let web = [ResourceId::new(WEB)];
        let answer = world.stack().admit(&local(false, udp, &web));
        for source in addresses(false, &extra) {
            let expected = gets_in(&levels, source, false, udp);
            prop_assert!(!expected || has(&answer.at_most, source), "{} gets in", source);
            if !inside(CORP, source) && !inside(SQL, source) {
                prop_assert_eq!(has(&answer.at_most, source), expected, "from {}", source);
            }
        }
    }

    /// What cannot be read is bounded: whatever it really was, the truth lies between both answers.
    #[test]
    fn the_truth_lies_between_the_bounds(
        truth in levels(),
        (level, rule, what) in (0..3_usize, 0..8_usize, 0..7_u8),
        udp in any::<bool>(),
    ) {
        let mut seen = truth.clone();
        let Some(it) = seen[level].get_mut(rule).map(|rule| &mut rule["properties"]) else { return Ok(()) };
        // The rule that was really there, if the spoilt field had said this.
        let mut real = it.clone();
        match what {
            0 => {
                it["sourceAddressPrefix"] = json!("10.0.0.0/33");
                real["sourceAddressPrefix"] = json!("128.0.0.0/1");
            }
            1 => {
                it["destinationPortRange"] = json!("rdp");
                real["destinationPortRange"] = json!("3389");
            }
            2 => drop(it.as_object_mut().unwrap().remove("priority")),
            3 => it["direction"] = json!("sideways"),
            4 => it["access"] = json!("maybe"),
            5 => it["protocol"] = json!("tpc"),
            _ => {
                it["destinationAddressPrefix"] = json!("10.0.0.0.0");
                real["destinationAddressPrefix"] = json!("10.0.1.4");
            }
        }
        let mut truth = truth;
        truth[level][rule]["properties"] = real;
        let world = World::new(&seen);
        let web = [ResourceId::new(WEB)];
        let answer = world.stack().admit(&local(false, udp, &web));
        let (least, most) = (answer.at_least.addresses(), answer.at_most.addresses());
        prop_assert!(most.covers(&least));
        for source in addresses(false, &[]) {
            let (inside, point) = (gets_in(&truth, source, false, udp), address::point(source));
            prop_assert!(inside || !least.contains(point), "{} certainly gets in, and does not", source);
            prop_assert!(!inside || most.contains(point), "{} certainly stays out, and does not", source);
        }
    }

    /// 120 stacks, each with 112 packets and more in either direction: what becomes of a packet, the rule and the level
    /// that decide, and the remote addresses with the same answer.
    #[test]
    fn flows_agree_with_packets(
        levels in levels(),
        outbound in any::<bool>(),
        v6 in any::<bool>(),
        udp in any::<bool>(),
        local_port in proptest::sample::select(&[3389_u16, 3388, 22][..]),
        extra in proptest::collection::vec(any::<u128>(), 4),
    ) {
        let direction = Direction::ALL[usize::from(outbound)];
        let levels = turned(&levels, direction);
        let world = World::new(&levels);
        let web = [ResourceId::new(WEB)];
        let local = Local { direction, ..local(v6, udp, &web) };
        let stack = world.stack();
        for remote_port in SOURCE_PORTS {
            let flow = stack.flow(&local, FlowPorts { local: Some(local_port), remote: Some(remote_port) });
            let alike = flow.alike(FlowAccess::Allow);
            prop_assert!(alike.tags.is_empty() && alike.unknown.is_empty());
            prop_assert_eq!(&alike.allow.union(&alike.deny), &AddressSet::of(local.family));
            for remote in addresses(v6, &extra) {
                let (local, belief) = (destination(v6), Belief::TRUTH);
                let packet = Packet { direction, remote, remote_port, local, local_port, udp, belief };
                let (through, names) = judge(&levels, packet);
                let point = address::point(remote);
                let answer = flow.answer(point);
                let access = if through { FlowAccess::Allow } else { FlowAccess::Deny };
                prop_assert_eq!(answer.access, access, "{:?}", packet);
                prop_assert_eq!(alike.allow.contains(point), through, "{:?}", packet);
                prop_assert_eq!(alike.deny.contains(point), !through, "{:?}", packet);
                let name = |rule: &azaudit::facts::nsg::Rule| rule.name.to_string();
                let decided: Vec<_> = answer.decisions.iter().map(|it| (it.level, it.rule.map(name))).collect();
                prop_assert_eq!(&decided, &names, "{:?}", packet);
                let last = names.len().checked_sub(1).filter(|last| names[*last].1.is_some());
                prop_assert_eq!(answer.decided_by, last, "{:?}", packet);
            }
        }
    }

    /// A port that is left open is one port or another, and the ports with the same answer are exactly those.
    #[test]
    fn open_ports_are_one_port_or_another(
        levels in levels(),
        outbound in any::<bool>(),
        udp in any::<bool>(),
        (local_open, remote_open) in proptest::sample::select(&[(true, false), (false, true), (true, true)][..]),
    ) {
        let direction = Direction::ALL[usize::from(outbound)];
        let levels = turned(&levels, direction);
        let world = World::new(&levels);
        let web = [ResourceId::new(WEB)];
        let local = Local { direction, ..local(false, udp, &web) };
        let asked = |open: bool, port: u16| (!open).then_some(port);
        let ports = FlowPorts { local: asked(local_open, 3389), remote: asked(remote_open, 50000) };
        let stack = world.stack();
        let flow = stack.flow(&local, ports);
        let alike = flow.alike(FlowAccess::Allow).allow;
        let locals: &[u16] = if local_open { &[2999, 3000, 3388, 3389, 4000, 4001] } else { &[3389] };
        let remotes: &[u16] = if remote_open { &[1, 1023, 1024, 49152, 50000, 50001] } else { &[50000] };
        for remote in addresses(false, &[]) {
            let through = |local_port: u16, remote_port: u16| {
                let (local, belief) = (destination(false), Belief::TRUTH);
                judge(&levels, Packet { direction, remote, remote_port, local, local_port, udp, belief }).0
            };
            let grid: Vec<Vec<bool>> =
                locals.iter().map(|local| remotes.iter().map(|remote| through(*local, *remote)).collect()).collect();
            let any = grid.iter().flatten().any(|it| *it);
            let answer = flow.answer(address::point(remote));
            prop_assert_eq!(answer.access, if any { FlowAccess::Allow } else { FlowAccess::Deny }, "{}", remote);
            prop_assert_eq!(alike.contains(address::point(remote)), any, "{}", remote);
            let among = |ranges: &[(u16, u16)], port: u16| ranges.iter().any(|it| (it.0..=it.1).contains(&port));
            for (r, port) in remotes.iter().enumerate() {
                let same = grid.iter().any(|row| row[r]) == any;
                prop_assert_eq!(among(&answer.remote_ports, *port), same, "{} remote port {}", remote, port);
            }
            for (l, port) in locals.iter().enumerate() {
                let same = grid[l].contains(&true) == any;
                prop_assert_eq!(among(&answer.local_ports, *port), same, "{} local port {}", remote, port);
            }
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    /// What was not read makes an answer unknown exactly where it could change it: the judge is asked with all that it
    /// could have been.
    #[test]
    fn unknown_is_what_could_change_the_answer(
        truth in levels(),
        (level, rule, what, unread) in (0..3_usize, 0..8_usize, 0..9_u8, 0..8_u8),
        outbound in any::<bool>(),
        udp in any::<bool>(),
    ) {
        let direction = Direction::ALL[usize::from(outbound)];
        let truth = turned(&truth, direction);
        let level = (level..level + 3).map(|it| it % 3).find(|it| !truth[*it].is_empty()).unwrap_or(0);
        let rule = rule % truth[level].len().max(1);
        let (seen, could_be) = spoilt(&truth, level, rule, what, direction);
        let mut world = World::new(&seen);
        let missing = Unread::new("something", "read it");
        let mut beliefs = vec![Belief::TRUTH];
        let each = |beliefs: Vec<Belief>, change: fn(&mut Belief, bool)| -> Vec<Belief> {
            let both = |belief: Belief| [false, true].map(|truth| { let mut it = belief; change(&mut it, truth); it });
            beliefs.into_iter().flat_map(both).collect()
        };
        // Of every public address a tag, of every private one a network and a group.
        let (mut public, mut private) = (beliefs.clone(), beliefs.clone());
        if unread & 1 != 0 {
            world.tags = ServiceTags::default();
            beliefs = vec![Belief { corp: Some(false), sql: Some(false), ..Belief::TRUTH }];
            private = beliefs.clone();
            public = each(each(beliefs, |it, truth| it.corp = Some(truth)), |it, truth| it.sql = Some(truth));
        }
        if unread & 2 != 0 {
            world.members_unread = Some(missing.clone());
            private = each(private, |it, truth| it.jump = truth);
        }
        if unread & 4 != 0 {
            world.tag.unread = vec![(address::private().clone(), missing.clone())];
            private = each(private, |it, truth| it.connected = truth);
        }
        if what == 7 {
            world.unread = Some((level, missing));
        }
        let web = [ResourceId::new(WEB)];
        let local = Local { direction, ..local(false, udp, &web) };
        let stack = world.stack();
        let flow = stack.flow(&local, FlowPorts { local: Some(3389), remote: Some(50000) });
        let alike = flow.alike(FlowAccess::Allow);
        for remote in addresses(false, &[]) {
            let point = address::point(remote);
            let beliefs = if !address::not_public().contains(point) {
                &public
            } else if address::private().contains(point) {
                &private
            } else {
                &private[..1]
            };
            let ends: Vec<bool> = could_be.iter().flat_map(|levels| beliefs.iter().map(|belief| {
                let (local, belief) = (destination(false), *belief);
                judge(levels, Packet { direction, remote, remote_port: 50000, local, local_port: 3389, udp, belief }).0
            })).collect();
            let expected = match (ends.contains(&true), ends.contains(&false)) {
                (true, false) => FlowAccess::Allow,
                (false, true) => FlowAccess::Deny,
                _ => FlowAccess::Unknown,
            };
            let answer = flow.answer(point);
            prop_assert_eq!(answer.access, expected, "{} {:?}", remote, answer.access);
            for access in [FlowAccess::Allow, FlowAccess::Deny, FlowAccess::Unknown] {
                prop_assert_eq!(alike.of(access).contains(point), access == expected, "{} {:?}", remote, access);
            }
            // Where there is no answer, something is named that would give one.
            prop_assert_eq!(answer.unread.is_empty(), expected != FlowAccess::Unknown, "{} {:?}", remote, answer.access);
            let wrong = |access: Access| (access == Access::Deny) == (expected == FlowAccess::Allow);
            let by = answer.decided_by.and_then(|i| answer.decisions[i].access);
            prop_assert!(!by.is_some_and(wrong), "{} {:?}", remote, answer.access);
        }
    }
}

/// Rules with one field spoilt, and all that they could have been.
fn spoilt(
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
