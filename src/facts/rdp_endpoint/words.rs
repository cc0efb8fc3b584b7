//! The facts of an IP configuration in words.

use crate::count::grouped;

use crate::facts::address::{self, AddressSet, Family, Point};
use crate::facts::command::{Command, az};
use crate::facts::nsg::{Access, Decision, Group, LevelName, Protocol, Rule};
use crate::facts::service_tag::Tag;
use crate::facts::way_in::{Allocation, PublicAddress, WayIn, WayInKind};
use crate::inventory::ResourceId;

use super::reach::Packet;
use super::site::Site;
use super::{DecisionFact, WayInFact};

/// A packet that gets in, with the way that it takes.
pub(super) struct Witness<'w> {
    pub packet: &'w Packet,
    pub way: &'w WayIn,
    /// Where it is sent to, as the rules see it.
    pub destination: Option<Point>,
}

/// Tags that an address has to belong to, all of them.
pub(super) fn tags(tags: &[Tag]) -> String {
    tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(" and ")
}

/// A set of sources in a few words: its first prefixes, how many there are, and its tags.
pub(super) fn sources(prefixes: &[String], count: usize, tags: &[String]) -> String {
    const NAMED: usize = 3;
    let mut words: Vec<String> = prefixes.iter().take(NAMED).cloned().collect();
    if count > NAMED {
        words.push(format!("{} more", grouped((count - NAMED) as u64)));
    }
    words.extend(tags.iter().map(|tag| format!("the service tag {tag}")));
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "nobody".to_owned(),
    }
}

/// A rule by name, with its priority and its group.
pub(super) fn rule_of(rule: &Rule, group: &Group) -> String {
    let priority = rule.priority.map(|it| format!("priority {it}, ")).unwrap_or_default();
    format!("`{}` ({priority}NSG `{}`)", rule.name, group.name)
}

/// Whether it is a public address that stands for itself, not one that each machine of a scale set gets.
fn is_resource(id: &ResourceId) -> bool {
    id.resource_type().as_deref() == Some("microsoft.network/publicipaddresses")
}

/// The command that makes a dynamic address keep its value; none for those of scale sets.
pub(super) fn make_static(address: &PublicAddress) -> Option<Command> {
    let id = &address.id;
    if !is_resource(id) || address.allocation != Ok(Allocation::Dynamic) {
        return None;
    }
    Some(az("network public-ip update", id, &["--name", id.name(), "--allocation-method", "Static"]))
}

/// One sentence: whom the rules would let in, if there were a way in.
pub(super) fn admission(
    site: &Site<'_>,
    addresses: &AddressSet,
    protocols: &[Protocol],
    letting: &str,
    remarks: &[String],
) -> String {
    let end = end(site);
    let sentence = match (addresses.is_empty(), letting.is_empty()) {
        (true, _) => format!("the rules let nobody of the Internet reach {end}"),
        (false, true) => format!("no rule keeps the Internet from {end}"),
        (false, false) => {
            let who = count(addresses, site.family() == Family::V4);
            format!("the rules let {who} of the Internet reach {end} ({}): {letting}", any_of(protocols))
        }
    };
    remarked(sentence, remarks)
}

/// One sentence: which rules keep everybody out.
pub(super) fn blocked(site: &Site<'_>, blocking: &str, public: bool) -> String {
    let end = end(site);
    let why = match (blocking.is_empty(), public) {
        (true, _) => String::new(),
        (false, false) => format!(": {blocking} everybody out"),
        (false, true) => {
            format!(": {blocking} everybody out but public addresses, and no way in leads them here")
        }
    };
    format!("nobody reaches {end} over TCP{why}")
}

fn ports(way: &WayIn) -> String {
    match way.front_end_ports {
        Some((from, to)) if from == to => from.to_string(),
        Some((from, to)) => format!("{from}-{to}"),
        None => String::new(),
    }
}

pub(super) fn way_in(way: &WayIn, open: bool) -> WayInFact {
    let protocols = Protocol::ALL.into_iter().filter(|it| way.protocols.has(*it).1);
    WayInFact {
        kind: way.kind,
        name: way.name.to_string(),
        through: way.through.name().to_owned(),
        id: way.through.to_string(),
        public_address: way.public_address.map(|it| it.to_string()),
        front_end_port: way.front_end_ports.filter(|(from, to)| from == to).map(|(from, _)| from.into()),
        front_end_ports: ports(way),
        protocols: protocols.map(|it| it.word().to_owned()).collect(),
        certain: way.doubt.clone().map_or(Ok(true), Err),
        open,
        address_unread: way.address_unread.is_some(),
    }
}

pub(super) fn decision(decision: &Decision<'_>) -> DecisionFact {
    let access = match decision.rule.map(|rule| rule.access) {
        Some(Some(Access::Deny)) => "deny",
        Some(Some(Access::AlwaysAllow)) => "alwaysAllow",
        Some(None) => "unknown",
        Some(Some(Access::Allow)) | None => "allow",
    };
    DecisionFact {
        level: decision.level.word().to_owned(),
        network_security_group: decision.group.name.to_string(),
        rule: decision.rule.map(|rule| rule.name.to_string()).unwrap_or_default(),
        priority: decision.rule.and_then(|rule| rule.priority),
        access: access.to_owned(),
    }
}

fn count(addresses: &AddressSet, v4: bool) -> String {
    let number = if v4 { addresses.count_v4().into() } else { addresses.count_v6() };
    match u64::try_from(number) {
        Ok(1) => "1 address".to_owned(),
        Ok(number) => format!("{} addresses", grouped(number)),
        Err(_) => format!("about 2^{} addresses", number.ilog2()),
    }
}

/// The end of the machine: `10.0.1.4:3389`, `[fd00::4]:3389`.
fn end(site: &Site<'_>) -> String {
    match site.found.endpoint.private.map(address::address) {
        Some(std::net::IpAddr::V4(it)) => format!("{it}:{}", site.port),
        Some(std::net::IpAddr::V6(it)) => format!("[{it}]:{}", site.port),
        None => port_of(site),
    }
}

/// The port and whose it is: of a model, that of each machine that is made from it.
pub(super) fn port_of(site: &Site<'_>) -> String {
    match site.found.endpoint.model_of {
        Some(set) => format!("port {} of the machines of {}", site.port, set.name()),
        None => format!("port {} of {}", site.port, site.found.endpoint.interface.name()),
    }
}

fn by_way(way: &WayIn) -> String {
    let front = match (way.public_address, ports(way).as_str()) {
        (Some(address), _) if way.kind == WayInKind::PublicIp => format!(" ({address})"),
        (Some(address), "") => format!(" ({address})"),
        (Some(address), ports) => format!(" ({address}, port {ports})"),
        (None, _) if way.address_unread.is_some() => " (the address itself was not read)".to_owned(),
        (None, _) if way.kind == WayInKind::PublicIp && !is_resource(&way.through) => {
            " (each machine its own)".to_owned()
        }
        (None, _) if way.kind == WayInKind::PublicIp => " (not allocated at the moment)".to_owned(),
        (None, "") => String::new(),
        (None, ports) => format!(" (port {ports})"),
    };
    let (name, through) = (&way.name, way.through.name());
    match way.kind {
        WayInKind::PublicIp => format!("the public IP address `{through}`{front}"),
        WayInKind::LoadBalancingRule => format!("the load-balancing rule `{name}` of `{through}`{front}"),
        WayInKind::InboundNatRule => format!("the inbound NAT rule `{name}` of `{through}`{front}"),
        WayInKind::InboundNatPool => format!("the inbound NAT pool `{name}` of `{through}`{front}"),
        WayInKind::FirewallDnat => format!("the DNAT rule `{name}` of the firewall `{through}`{front}"),
    }
}

/// The rules that decide the witness, and whether they are several.
pub(super) struct Deciding {
    pub rules: String,
    pub several: bool,
    /// Whether they decide all who get in, and not a part of them.
    pub all: bool,
    /// The protocols over which somebody gets in; where these rules decide all, that of the witness.
    pub protocols: Vec<Protocol>,
}

impl Deciding {
    pub fn new(decisions: &[Decision<'_>], all: bool, protocols: Vec<Protocol>) -> Self {
        let several = decisions.iter().filter(|it| it.rule.is_some()).count() > 1;
        Self { rules: by_rules(decisions), several, all, protocols }
    }
}

/// `tcp`, or `tcp or udp`.
pub(super) fn any_of(protocols: &[Protocol]) -> String {
    protocols.iter().map(|it| it.word()).collect::<Vec<_>>().join(" or ")
}

pub(super) fn by_rules(decisions: &[Decision<'_>]) -> String {
    let rules = decisions.iter().filter_map(|it| Some((it, it.rule?)));
    let rules = rules.map(|(decision, rule)| {
        let priority = rule.priority.map(|it| format!("priority {it}, ")).unwrap_or_default();
        match decision.level {
            LevelName::Admin => format!("the admin rule `{}` ({}virtual network manager)", rule.name, priority),
            LevelName::Subnet => format!("`{}` ({priority}NSG `{}` on the subnet)", rule.name, decision.group.name),
            LevelName::Interface => {
                format!("`{}` ({priority}NSG `{}` on the interface)", rule.name, decision.group.name)
            }
        }
    });
    rules.collect::<Vec<_>>().join(" and ")
}

/// The rules that let somebody in, and whether others let others in; empty without rules.
pub(super) fn letting(decisions: &[Decision<'_>], others: bool) -> String {
    let rules = by_rules(decisions);
    if others && !rules.is_empty() { format!("{rules}, and other rules for others of them") } else { rules }
}

/// The rules, and that they keep somebody; empty without rules.
pub(in crate::facts) fn keeping(decisions: &[Decision<'_>]) -> String {
    match decisions.iter().filter(|it| it.rule.is_some()).count() {
        0 => String::new(),
        1 => format!("{} keeps", by_rules(decisions)),
        _ => format!("{} keep", by_rules(decisions)),
    }
}

/// One sentence: who reaches what, by which way and through which rule.
pub(super) fn exposure(
    site: &Site<'_>,
    ways: &[WayIn],
    addresses: &AddressSet,
    witness: Option<&Witness<'_>>,
    deciding: &Deciding,
    remarks: &[String],
) -> String {
    remarked(sentence(site, ways, addresses, witness, deciding), remarks)
}

/// A sentence, and what is odd about the rules.
fn remarked(sentence: String, remarks: &[String]) -> String {
    let sentences = std::iter::once(sentence.as_str()).chain(remarks.iter().map(String::as_str));
    sentences.collect::<Vec<_>>().join("; ")
}

fn sentence(
    site: &Site<'_>,
    ways: &[WayIn],
    addresses: &AddressSet,
    witness: Option<&Witness<'_>>,
    deciding: &Deciding,
) -> String {
    let rules = &deciding.rules;
    let end = end(site);
    let Some(witness) = witness else {
        return match (ways.is_empty(), rules.is_empty()) {
            (true, _) => format!("no way in leads from the Internet to {end}"),
            (false, true) => format!("it is not certain that anybody on the Internet reaches {end}"),
            (false, false) => format!("nobody on the Internet certainly reaches {end}; {rules} decides"),
        };
    };
    let who = match &witness.packet.tagged {
        Some(term) => format!("some addresses of the service tag {}", tags(&term.tags)),
        None => {
            let who = format!("{} of the Internet", count(addresses, site.family() == Family::V4));
            match witness.packet.source.map(address::address) {
                Some(source) if who.starts_with("1 ") => format!("{who}, {source},"),
                Some(source) => format!("{who}, {source} for one,"),
                None => who,
            }
        }
    };
    let reach = if who.starts_with("1 ") { "reaches" } else { "reach" };
    let protocol = witness.packet.protocol.word();
    let others = ways.iter().filter(|way| way.doubt.is_none()).count().saturating_sub(1);
    let way = match others {
        0 => by_way(witness.way),
        1 => format!("{} and one other way in", by_way(witness.way)),
        _ => format!("{} and {others} other ways in", by_way(witness.way)),
    };
    let lets = if deciding.several { "let" } else { "lets" };
    let them = if who.starts_with("1 ") { "it" } else { "them" };
    if !witness.way.protocols.has(witness.packet.protocol).1 {
        let carried: Vec<&str> =
            Protocol::ALL.into_iter().filter(|it| witness.way.protocols.has(*it).1).map(Protocol::word).collect();
        let carried = if carried.is_empty() { "another protocol".to_owned() } else { carried.join(" and ") };
        let by = if rules.is_empty() {
            "no network security group filters it".to_owned()
        } else {
            format!("{rules} {lets} {them}")
        };
        return format!("{who} may send {protocol} to {end}: {by}; {way} leads to that port, today for {carried} only");
    }
    let protocols = any_of(&deciding.protocols);
    let example = witness.packet.source.filter(|_| !deciding.all).map(address::address);
    match (rules.is_empty(), example) {
        (true, _) => format!("{who} {reach} {end} ({protocols}) through {way}; no network security group filters it"),
        (false, None) => format!("{who} {reach} {end} ({protocols}) through {way}; {rules} {lets} {them} in"),
        (false, Some(example)) => {
            format!("{who} {reach} {end} ({protocols}) through {way}; {rules} {lets} {example} in")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_well() {
        assert_eq!(count(&AddressSet::from_texts(["2000::/3"]), false), "about 2^125 addresses");
    }
}
