//! From rules and ways in to the facts of one IP configuration.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::facts::address::{self, AddressSet, Family, Point};
use crate::facts::command::Command;
use crate::facts::network_index::{Attached, NetworkIndex, Place, private_address};
use crate::facts::nsg::{Admission, Answer, Bound, Decision, Direction, Level, Local, LocalAddress, Protocol, Stack};
use crate::facts::schema::Unread;
use crate::facts::way_in::{WayIn, WaysIn};
use crate::inventory::ResourceId;

use super::subjects::{Found, Machines};
use super::{RdpEndpoint, WitnessFact, closing, words};

/// How many prefixes of the source set are shown.
const SHOWN: usize = 50;

/// A packet that gets in.
pub(super) struct Witness<'w> {
    pub way: &'w WayIn,
    pub protocol: Protocol,
    /// The source, before a firewall translates it.
    pub source: Option<Point>,
    pub tag: Option<String>,
    pub source_port: u16,
    pub destination: Option<Point>,
}

/// A packet that gets in, by the way of that place among all.
pub(super) struct Packet {
    way: usize,
    protocol: Protocol,
    source: Option<Point>,
    tag: Option<String>,
    source_port: u16,
}

impl Packet {
    fn of<'w>(&self, site: &Site<'_>, ways: &'w [WayIn]) -> Witness<'w> {
        let way = &ways[self.way];
        let destination = match site.local(way, self.protocol).address {
            LocalAddress::Known(point) => Some(point),
            LocalAddress::Within(..) => None,
        };
        let (protocol, source_port) = (self.protocol, self.source_port);
        Witness { way, protocol, source: self.source, tag: self.tag.clone(), source_port, destination }
    }
}

/// What is the same for all IP configurations that the rules and the ways in cannot tell apart.
pub(super) struct Shared {
    reached: Reached,
    at_least: AddressSet,
    at_most: AddressSet,
    /// Of each way, whether it lets somebody in.
    open: Vec<bool>,
    witness: Option<Packet>,
    prefixes: Vec<String>,
    source_prefixes: usize,
    closing: Option<Vec<Command>>,
}

impl Shared {
    fn new(site: &Site<'_>, ways: &[WayIn]) -> Self {
        let (reached, candidates) = reach(site, &site.stack, ways);
        let at_least = reached.at_least.addresses();
        let at_most = reached.at_most.addresses();
        let prefixes: Vec<String> = at_least.prefixes().take(SHOWN).map(|prefix| prefix.to_string()).collect();
        Self {
            open: candidates.chunks(Protocol::ALL.len()).map(|way| way.iter().any(|it| !it.2.is_empty())).collect(),
            witness: witness(site, ways, &candidates),
            source_prefixes: if prefixes.len() < SHOWN { prefixes.len() } else { at_least.prefixes().count() },
            prefixes,
            closing: closing::in_groups(site, ways, &at_least),
            reached,
            at_least,
            at_most,
        }
    }
}

/// The place, the groups, what they see of the end over each protocol, and what matters of the ways in.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    /// Where the place stands in memory.
    place: usize,
    /// Where the interface's group stands in memory.
    interface: Option<usize>,
    family: Family,
    signatures: [Vec<u8>; 2],
    ways: Vec<[bool; 4]>,
}

/// What was worked out for one IP configuration and holds for others.
#[derive(Default)]
pub(super) struct Shares {
    known: Mutex<HashMap<Key, Arc<OnceLock<Arc<Shared>>>>>,
}

impl Shares {
    fn of(&self, site: &Site<'_>, ways: &[WayIn]) -> Arc<Shared> {
        let new = || Arc::new(Shared::new(site, ways));
        let Some(key) = key(site, ways) else { return new() };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = Arc::clone(known.entry(key).or_default());
        drop(known);
        Arc::clone(cell.get_or_init(new))
    }
}

/// `None`: something about it is its own.
fn key(site: &Site<'_>, ways: &[WayIn]) -> Option<Key> {
    site.found.endpoint.private?;
    let first = ways.first()?;
    let ways = ways.iter().map(|way| {
        let plain = !way.floating && way.sources.is_none() && way.seen_as.is_none() && way.doubt.is_none();
        let closed = *way.closed_without_group.as_ref().ok().filter(|_| plain)?;
        Some([closed, way.protocols.tcp, way.protocols.udp, way.protocols.unreadable])
    });
    let interface = match site.stack.interface {
        Level::None => None,
        Level::Group(group) => Some(std::ptr::from_ref(group) as usize),
        Level::Unread { .. } => return None,
    };
    Some(Key {
        place: std::ptr::from_ref(site.place) as usize,
        interface,
        family: site.found.endpoint.family,
        signatures: Protocol::ALL.map(|protocol| site.stack.signature(&site.local(first, protocol))),
        ways: ways.collect::<Option<_>>()?,
    })
}

/// Who of the public certainly gets in by one way and over one protocol.
type Candidate<'w> = (&'w WayIn, Protocol, Admission);

/// Who gets in, over all ways.
#[derive(Default)]
struct Reached {
    at_least: Admission,
    at_most: Admission,
    unread: Vec<Unread>,
}

impl Reached {
    fn note(&mut self, unread: impl IntoIterator<Item = Unread>) {
        for it in unread {
            if !self.unread.contains(&it) {
                self.unread.push(it);
            }
        }
    }
}

/// Where one IP configuration stands, while its facts are worked out.
pub(super) struct Site<'s> {
    pub place: &'s Place,
    pub stack: Stack<'s>,
    pub found: &'s Found<'s>,
    pub port: u16,
    /// Where the private address lies, when it is not known.
    prefixes: AddressSet,
    no_address: Unread,
    pub public: AddressSet,
    anywhere: AddressSet,
}

impl Site<'_> {
    /// The fixed end of packets that come by that way.
    pub fn local<'l>(&'l self, way: &'l WayIn, protocol: Protocol) -> Local<'l> {
        let unread = way.address_unread.as_ref().or(way.doubt.as_ref()).unwrap_or(&self.no_address);
        let (address, own) = match (way.floating, way.public_address, self.found.endpoint.private) {
            (true, Some(address), _) => (LocalAddress::Known(address::point(address)), false),
            (true, None, _) => (LocalAddress::Within(&self.anywhere, unread), false),
            (false, _, Some(point)) => (LocalAddress::Known(point), true),
            (false, _, None) => (LocalAddress::Within(&self.prefixes, &self.no_address), true),
        };
        let groups: &[ResourceId] = if own { &self.found.member_of } else { &[] };
        Local {
            direction: Direction::Inbound,
            address,
            own,
            family: self.found.endpoint.family,
            port: self.port,
            protocol,
            groups,
        }
    }
}

/// The facts of one IP configuration.
pub(super) fn facts(
    index: &NetworkIndex<'_>,
    ways_in: &WaysIn<'_>,
    machines: &Machines<'_>,
    shares: &Shares,
    found: &Found<'_>,
    port: u16,
) -> RdpEndpoint {
    let endpoint = &found.endpoint;
    let place = index.place(endpoint.subnet);
    let group = index.attached(found.group);
    let family = AddressSet::of(endpoint.family);
    let prefixes = place.prefixes.intersection(&family);
    let site = Site {
        place,
        stack: index.stack(place, &group),
        found,
        port,
        prefixes: if prefixes.is_empty() { family.clone() } else { prefixes },
        no_address: private_address(&endpoint.interface),
        public: place.public.intersection(&family),
        anywhere: family.difference(address::not_public()),
    };
    let ways = ways_in.of(endpoint);
    let shared = shares.of(&site, &ways);
    let Shared { reached, at_least, at_most, open, prefixes, source_prefixes, .. } = &*shared;
    let witness = shared.witness.as_ref().map(|it| it.of(&site, &ways));
    let decisions = decisions(&site, &ways, witness.as_ref());
    let mut tags: Vec<String> = reached
        .at_most
        .tagged()
        .map(|term| term.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>().join(" and "))
        .collect();
    tags.sort();
    tags.dedup();
    let closing = closing::plan(&site, index, &ways, at_least, &shared.closing);
    let (machine, operating_system) = machines.of(found);
    let remarks = remarks(&site);
    let attached = [(&place.group, "subnet"), (&group, "interface")];
    let doubts = ways.iter().filter_map(|way| way.doubt.clone());
    RdpEndpoint {
        interface: endpoint.interface.name().to_owned(),
        ip_configuration: endpoint.configuration.name().to_owned(),
        machine,
        operating_system,
        private_address: endpoint.private.map(|it| address::address(it).to_string()).ok_or(site.no_address.clone()),
        port,
        subnet: endpoint.subnet.map(ResourceId::qualified_name),
        network_security_groups: attached.into_iter().filter_map(|(it, level)| group_name(it, level)).collect(),
        has_way_in: match ways.iter().any(|way| way.doubt.is_none()) {
            true => Ok(true),
            false => words::join(doubts.collect()).map_or(Ok(false), Err),
        },
        ways_in: ways.iter().zip(open).map(|(way, open)| words::way_in(way, *open)).collect(),
        public_ipv4_at_least: at_least.count_v4() as i64,
        public_ipv4_at_most: at_most.count_v4() as i64,
        public_ipv6_at_least: ceiling(at_least.count_v6()),
        public_ipv6_at_most: ceiling(at_most.count_v6()),
        complete: match at_least == at_most {
            true => Ok(true),
            false => Err(words::join(reached.unread.clone()).unwrap_or_else(|| {
                Unread::new("a part of what filters here or leads here", "export the whole network and scan again")
            })),
        },
        sources: prefixes.clone(),
        source_prefixes: *source_prefixes as i64,
        source_tags: tags,
        exposure: words::exposure(&site, &ways, at_least, witness.as_ref(), &decisions, &remarks),
        remarks,
        closing: closing.text.to_owned(),
        close_commands: closing.commands,
        decisions: decisions.iter().map(words::decision).collect(),
        witness: witness.map(|it| WitnessFact {
            source: it.source.map(|point| address::address(point).to_string()),
            tag: it.tag,
            protocol: it.protocol.word().to_owned(),
            source_port: it.source_port.into(),
            destination: it.destination.map(|point| address::address(point).to_string()),
            port: port.into(),
            way_in: words::way_in(it.way, true),
        }),
    }
}

/// The number as a float that is not below it, so that comparing it with a limit stays exact.
fn ceiling(count: u128) -> f64 {
    let float = count as f64;
    if (float as u128) < count { float.next_up() } else { float }
}

fn group_name(attached: &Attached, level: &str) -> Option<String> {
    match attached {
        Attached::None => None,
        Attached::Group(id) => Some(format!("{} ({level})", id.name())),
        Attached::Missing(unread) | Attached::Unknown(unread) => Some(format!("not read: {} ({level})", unread.what)),
    }
}

/// Who of the public gets in, and one packet that does. A way in to the port counts for both protocols, whatever its
/// own: what the rules admit beside it is one change of a load balancer away from the Internet.
fn reach<'w>(site: &Site<'_>, stack: &Stack<'_>, ways: &'w [WayIn]) -> (Reached, Vec<Candidate<'w>>) {
    let mut reached = Reached::default();
    let mut answers: HashMap<(Protocol, Option<Option<std::net::IpAddr>>), Answer> = HashMap::new();
    let mut candidates = Vec::new();
    for way in ways {
        for protocol in Protocol::ALL {
            let key = (protocol, way.floating.then_some(way.public_address));
            let local = site.local(way, protocol);
            let answer = answers.entry(key).or_insert_with(|| stack.admit(&local));
            let mut one = through(site, stack, way, answer);
            if way.doubt.is_some() {
                one.at_least = Admission::default();
                one.note(way.doubt.clone());
            }
            if one.at_least != one.at_most {
                reached.note(one.unread);
            }
            reached.at_most.extend(&one.at_most);
            reached.at_least.extend(&one.at_least);
            candidates.push((way, protocol, one.at_least));
        }
    }
    (reached, candidates)
}

/// Whether, with that stack in place of its own, nobody of the public certainly gets in.
pub(super) fn closes(site: &Site<'_>, stack: &Stack<'_>, ways: &[WayIn]) -> bool {
    reach(site, stack, ways).0.at_least.addresses().is_empty()
}

/// Who of the public gets in by one way.
fn through(site: &Site<'_>, stack: &Stack<'_>, way: &WayIn, answer: &Answer) -> Reached {
    let mut reached =
        Reached { at_least: answer.at_least.clone(), at_most: answer.at_most.clone(), unread: answer.unread.clone() };
    let (group, perhaps_group) = stack.has_group();
    match &way.closed_without_group {
        Ok(false) => {}
        _ if group => {}
        Ok(true) if perhaps_group => reached.at_least = Admission::default(),
        // Only an admin rule could open it, and whether that is enough is not documented.
        Ok(true) => {
            reached.at_least = Admission::default();
            reached.at_most = answer.always_at_most.clone();
            let how = "attach a network security group that says what is meant";
            let what = "whether an admin rule opens a Standard address without any network security group";
            reached.note([Unread::new(what, how)]);
        }
        Err(unread) => {
            reached.at_least = Admission::default();
            reached.note([unread.clone()]);
        }
    }
    if let Some(seen_as) = &way.seen_as {
        let (least, most) = (reached.at_least.addresses(), reached.at_most.addresses());
        let all = || Admission::of(AddressSet::of(site.found.endpoint.family));
        let open = !seen_as.is_empty() && least.covers(seen_as);
        let perhaps = most.meets(seen_as);
        if perhaps && !open {
            let what = format!("which addresses of its subnet the firewall `{}` sends from", way.through.name());
            reached.note([Unread::new(what, "let the rules admit all of AzureFirewallSubnet, or none of it")]);
        }
        reached.at_least = if open { all() } else { Admission::default() };
        reached.at_most = if perhaps { all() } else { Admission::default() };
    }
    if let Some(sources) = &way.sources {
        let mut tagged = Admission::default();
        for tag in &sources.tags {
            let within = AddressSet::of(site.found.endpoint.family);
            tagged.push(crate::facts::nsg::Term { tags: vec![tag.clone()], without: Vec::new(), within });
        }
        let narrow = |admission: &Admission, addresses: &AddressSet| {
            let mut both = admission.within(addresses);
            both.extend(&admission.intersection(&tagged));
            both
        };
        reached.at_least = narrow(&reached.at_least, &sources.at_least);
        reached.at_most = narrow(&reached.at_most, &sources.at_most);
        reached.note(sources.unread.iter().cloned());
    }
    reached.at_least = reached.at_least.within(&site.public);
    reached.at_most = reached.at_most.within(&site.public);
    reached
}

/// One packet that gets in, by the way that most can use; before all, one that carries its protocol.
fn witness(site: &Site<'_>, ways: &[WayIn], candidates: &[Candidate<'_>]) -> Option<Packet> {
    let size = |admission: &Admission| {
        let addresses = admission.addresses();
        (addresses.count_v6(), addresses.count_v4(), admission.tagged().count())
    };
    // The first of equals: ways and protocols stand in a fixed order.
    let rank = |(way, protocol, admission): &Candidate<'_>| {
        let size = size(admission);
        (size != (0, 0, 0) && way.protocols.has(*protocol).0, size)
    };
    let best = candidates.iter().rev().max_by_key(|it| rank(it))?;
    let (way, protocol, admission) = (best.0, best.1, &best.2);
    let addresses = admission.addresses();
    let largest = addresses.ranges().iter().max_by_key(|(start, end)| end - start);
    let source = largest.map(|&(start, end)| if start < end { start + 1 } else { start });
    let tag = admission
        .tagged()
        .next()
        .map(|term| term.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>().join(" and "));
    if source.is_none() && tag.is_none() {
        return None;
    }
    let local = site.local(way, protocol);
    let tag = tag.filter(|_| source.is_none());
    let mut packet =
        Packet { way: ways.iter().position(|it| std::ptr::eq(it, way))?, protocol, source, tag, source_port: 50_000 };
    if let Some(seen) = seen_source(&packet.of(site, ways)) {
        packet.source_port = site.stack.port_from(&local, seen)?;
        let decisions = site.stack.decide(&local, seen, packet.source_port, Bound::Lower);
        debug_assert!(Stack::lets_in(&decisions), "the witness is kept out: {decisions:?}");
    }
    Some(packet)
}

/// The source as the rules see it.
fn seen_source(witness: &Witness<'_>) -> Option<Point> {
    match &witness.way.seen_as {
        Some(seen) => seen.ranges().first().map(|range| range.0),
        None => witness.source,
    }
}

/// How the levels decide the witness, or the largest part of the Internet where nobody gets in.
fn decisions<'s>(site: &'s Site<'s>, ways: &[WayIn], witness: Option<&Witness<'_>>) -> Vec<Decision<'s>> {
    match (witness, ways.first()) {
        (Some(witness), _) => {
            let local = site.local(witness.way, witness.protocol);
            match seen_source(witness) {
                Some(source) => site.stack.decide(&local, source, witness.source_port, Bound::Lower),
                None => site.stack.deciders(&local, &site.public),
            }
        }
        (None, Some(way)) => site.stack.deciders(&site.local(way, Protocol::Tcp), &site.public),
        (None, None) => Vec::new(),
    }
}

/// What is odd about how rules on the port are written; once, where one group filters on both levels.
fn remarks(site: &Site<'_>) -> Vec<String> {
    let groups = site.stack.levels(Direction::Inbound).into_iter().filter_map(|(_, level)| match level {
        Level::Group(group) => Some(group),
        Level::None | Level::Unread { .. } => None,
    });
    let rules = groups.flat_map(|group| &group.inbound.list).filter(|rule| rule.local.ports.has(site.port).1);
    let mut remarks: Vec<String> = Vec::new();
    for remark in rules.flat_map(|rule| rule.remarks()) {
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }
    remarks
}

/// Whether that kind of address is meant.
pub(super) fn is_v4(family: Family) -> bool {
    family == Family::V4
}
