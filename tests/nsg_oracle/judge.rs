//! The judge: it decides one packet at a time, straight from the rules' JSON.

use std::net::IpAddr;
use std::sync::LazyLock;

use azaudit::facts::nsg::{Direction, LevelName};
use serde_json::{Value, json};

pub(crate) const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet";
pub(crate) const WEB: &str =
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/applicationSecurityGroups/web";
pub(crate) const JUMP: &str =
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/applicationSecurityGroups/jump";

/// What words mean around the machine, as plain prefixes.
pub(crate) const VNET: [&str; 3] = ["10.0.0.0/16", "20.0.0.0/16", "fd00:1::/48"];
pub(crate) const ROUTED: &str = "30.0.0.0/8";
pub(crate) const WEB_MEMBERS: [&str; 2] = ["10.0.1.4", "fd00:1::4"];
pub(crate) const CORP: &str = "64.0.0.0/4";
pub(crate) const SQL: &str = "200.0.0.0/5";

/// A packet, its ends as the machine sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet {
    pub(crate) direction: Direction,
    pub(crate) remote: IpAddr,
    pub(crate) remote_port: u16,
    pub(crate) local: IpAddr,
    pub(crate) local_port: u16,
    pub(crate) udp: bool,
    pub(crate) belief: Belief,
}

impl Packet {
    /// One that comes to the machine's Remote Desktop.
    pub(crate) fn inbound(remote: IpAddr, remote_port: u16, v6: bool, udp: bool) -> Self {
        let local = destination(v6);
        Self { direction: Direction::Inbound, remote, remote_port, local, local_port: 3389, udp, belief: Belief::TRUTH }
    }
}

/// The machine's address.
pub(crate) fn destination(v6: bool) -> IpAddr {
    if v6 { "fd00:1::4".parse().unwrap() } else { "10.0.1.4".parse().unwrap() }
}

/// What is true of the remote address; `None`: what the constants above say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Belief {
    pub(crate) corp: Option<bool>,
    pub(crate) sql: Option<bool>,
    /// A member of the application security group jump.
    pub(crate) jump: bool,
    /// Part of a network that is connected to this one.
    pub(crate) connected: bool,
}

impl Belief {
    pub(crate) const TRUTH: Self = Self { corp: None, sql: None, jump: false, connected: false };
}

pub(crate) fn inside(prefix: &str, ip: IpAddr) -> bool {
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

pub(crate) fn is_private(ip: IpAddr) -> bool {
    let ranges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
    let special = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"];
    ranges.iter().chain(&special).any(|range| inside(range, ip)) || (ip.is_ipv6() && !inside("2000::/3", ip))
}

pub(crate) fn means(word: &str, ip: IpAddr, local: bool, belief: Belief) -> bool {
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

pub(crate) fn side(rule: &Value, which: &str, ip: IpAddr, local: bool, belief: Belief) -> bool {
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

pub(crate) fn on(rule: &Value, which: &str, port: u16) -> bool {
    let mut texts: Vec<&str> = rule[format!("{which}PortRange")].as_str().into_iter().collect();
    texts.extend(rule[format!("{which}PortRanges")].as_array().into_iter().flatten().filter_map(Value::as_str));
    texts.is_empty()
        || texts.iter().filter(|text| !text.is_empty()).any(|text| {
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            *text == "*" || (from.parse::<u16>().unwrap()..=to.parse::<u16>().unwrap()).contains(&port)
        })
}

/// The name and access of the first rule that matches.
pub(crate) fn first<'r>(rules: impl Iterator<Item = &'r Value>, packet: Packet) -> Option<(String, String)> {
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

pub(crate) static DEFAULTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
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
pub(crate) fn judge(levels: &[Vec<Value>; 3], packet: Packet) -> (bool, Vec<(LevelName, Option<String>)>) {
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
