//! What is the same for all IP configurations that the rules and the ways in cannot tell apart, worked out once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::facts::address::{AddressSet, Family, Point};
use crate::facts::command::Command;
use crate::facts::nsg::{Admission, Answer, Bound, Decision, Direction, Level, LocalAddress, Protocol, Stack};
use crate::facts::way_in::WayIn;

use super::bounds::{Bounds, Perhaps};
use super::inside::Inside;
use super::reach::{Candidate, Packet, Reached, by_rules, reach};
use super::site::Site;
use super::words::Deciding;
use super::{DecisionFact, PartFact, closing, just_in_time, words};

/// How many prefixes of a source set are shown.
const SHOWN: usize = 50;

/// A set of sources as reports show it.
pub(super) struct Shown {
    /// Its first prefixes.
    pub prefixes: Arc<Vec<String>>,
    /// How many there are.
    pub count: usize,
    /// Service tags whose addresses are not known.
    pub tags: Arc<Vec<String>>,
}

impl Shown {
    fn new(bounds: &Bounds, at_least: &AddressSet) -> Self {
        let prefixes: Vec<String> = at_least.prefixes().take(SHOWN).map(|prefix| prefix.to_string()).collect();
        let tags = bounds.at_most.tagged();
        let mut tags: Vec<String> = tags.map(|term| words::tags(&term.tags)).collect();
        tags.sort();
        tags.dedup();
        let count = if prefixes.len() < SHOWN { prefixes.len() } else { at_least.prefixes().count() };
        Self { prefixes: Arc::new(prefixes), count, tags: Arc::new(tags) }
    }
}

/// What the rules say of the interface's own end, whatever leads to it.
pub(super) struct Rules {
    pub answers: [Answer; 2],
    /// Whom of the public they admit.
    pub public: Bounds,
    pub at_least: AddressSet,
    pub at_most: AddressSet,
    pub shown: Shown,
    /// How each level decides a packet of the public that is admitted, else the largest part of the Internet.
    pub decisions: Arc<Vec<DecisionFact>>,
    /// The rules that let the public in, in words.
    pub letting: String,
    /// The protocols over which they admit some of the public; where one admits all of these, that one.
    pub protocols: Vec<Protocol>,
    pub inside: Inside,
    /// How each level decides the largest part of those who are inside, over TCP.
    pub inside_decisions: Arc<Vec<DecisionFact>>,
    /// That certain rules keep those who are inside, in words: `… keeps`.
    pub blocking: String,
    /// What is odd about how rules on the port are written.
    pub remarks: Arc<Vec<String>>,
    /// Rules of just-in-time access that deny the port, over each protocol.
    pub guards: [Vec<String>; 2],
    /// Whether they certainly admit some of the public over TCP.
    pub admit_public_by_tcp: bool,
}

impl Rules {
    fn new(site: &Site<'_>) -> Self {
        let answers = site.answers(&site.stack);
        let public = by_rules(site, &answers);
        let at_least = public.at_least.addresses();
        let at_most = public.at_most.addresses();
        let inside = Inside::new(site, &answers);
        let by_protocol: Vec<(Protocol, Admission)> = Protocol::ALL
            .into_iter()
            .zip(&answers)
            .map(|(it, answer)| (it, answer.at_least.within(&site.public)))
            .collect();
        let alone = by_protocol.iter().find(|(_, it)| it.addresses() == at_least);
        let protocols = match alone {
            Some((protocol, _)) => vec![*protocol],
            None => letting(by_protocol.iter().map(|(protocol, it)| (*protocol, it))),
        };
        let mut others = alone.is_none();
        let decisions = match sample(&at_least) {
            Some(source) => {
                let tcp = answers[0].at_least.addresses().contains(source);
                let local = site.own(if tcp { Protocol::Tcp } else { Protocol::Udp });
                let port = site.stack.port_from(&local, source).unwrap_or_default();
                others = others || site.stack.parts(&local, port, &at_least).len() > 1;
                site.stack.decide(&local, source, port, Bound::Lower)
            }
            None => site.stack.deciders(&site.own(Protocol::Tcp), &site.public),
        };
        let inside_decisions = site.stack.deciders(&site.own(Protocol::Tcp), &inside.addresses);
        let closing: Vec<Decision<'_>> = inside_decisions.iter().filter(|it| !it.allows()).copied().collect();
        let blocking = if closing.is_empty() { &inside_decisions } else { &closing };
        let facts = |decisions: &[Decision<'_>]| Arc::new(decisions.iter().map(words::decision).collect());
        Self {
            shown: Shown::new(&public, &at_least),
            letting: words::letting(&decisions, others),
            protocols,
            decisions: facts(&decisions),
            blocking: words::keeping(blocking),
            inside_decisions: facts(&inside_decisions),
            remarks: Arc::new(remarks(site)),
            guards: Protocol::ALL.map(|protocol| just_in_time::guards(site, protocol)),
            admit_public_by_tcp: !answers[0].at_least.within(&site.public).is_empty(),
            answers,
            public,
            at_least,
            at_most,
            inside,
        }
    }
}

/// What comes of the rules and the ways in together.
pub(super) struct Shared {
    pub rules: Arc<Rules>,
    pub reached: Reached,
    pub at_least: AddressSet,
    pub at_most: AddressSet,
    /// Of each way, whether it lets somebody in.
    pub open: Vec<bool>,
    pub witness: Option<Packet>,
    /// How each level decides the witness, or, where nobody gets in, the largest part of the Internet.
    pub decisions: Arc<Vec<DecisionFact>>,
    pub deciding: Deciding,
    /// The sources by the rules that decide them.
    pub parts: Arc<Vec<PartFact>>,
    pub shown: Shown,
    /// Whether anybody reaches the port over TCP, from inside or by a way in.
    pub tcp: Perhaps,
    /// Whether the public certainly gets in, or would if there were a way in: then there is something to close.
    pub somebody: bool,
    pub closing: Option<Vec<Command>>,
}

impl Shared {
    fn new(site: &Site<'_>, ways: &[WayIn], rules: Arc<Rules>) -> Self {
        let reached = reach(site, &site.stack, &rules.answers, ways);
        let at_least = reached.bounds.at_least.addresses();
        let by_ways = reached.candidates.chunks(Protocol::ALL.len());
        let mut tcp = rules.inside.tcp;
        for it in reached.candidates.iter().filter(|it| it.protocol == Protocol::Tcp) {
            let carries = ways[it.way].protocols.has(Protocol::Tcp);
            tcp = tcp.or(Perhaps {
                certainly: carries.0 && !it.at_least.is_empty(),
                perhaps: carries.1 && !it.at_most.is_empty(),
            });
        }
        let somebody = match ways.is_empty() {
            true => site.stack.has_group().0 && !rules.public.at_least.is_empty(),
            false => !reached.bounds.at_least.is_empty(),
        };
        let witness = witness(site, ways, &reached);
        let decisions = decisions(site, ways, witness.as_ref());
        let parts = parts(site, ways, witness.as_ref(), &reached);
        let beside = |packet: &Packet| {
            let by_it = |it: &&Candidate| it.way == packet.way && it.protocol == packet.protocol;
            reached.candidates.iter().find(by_it).is_none_or(|it| it.at_least.addresses() != at_least)
        };
        let several_ways = witness.as_ref().is_some_and(beside);
        let all = parts.is_empty() && !several_ways;
        let protocols = match &witness {
            Some(packet) if !several_ways => vec![packet.protocol],
            _ => letting(reached.candidates.iter().map(|it| (it.protocol, &it.at_least))),
        };
        Self {
            deciding: Deciding::new(&decisions, all, protocols),
            decisions: Arc::new(decisions.iter().map(words::decision).collect()),
            parts: Arc::new(parts),
            open: by_ways.map(|way| way.iter().any(|it| !it.at_least.is_empty())).collect(),
            witness,
            shown: Shown::new(&reached.bounds, &at_least),
            closing: if somebody { closing::in_groups(site, ways) } else { None },
            somebody,
            at_most: reached.bounds.at_most.addresses(),
            at_least,
            reached,
            rules,
            tcp,
        }
    }
}

/// The protocols over which somebody certainly gets in.
fn letting<'l>(answers: impl Iterator<Item = (Protocol, &'l Admission)> + Clone) -> Vec<Protocol> {
    let lets = |protocol: &Protocol| answers.clone().any(|(it, admission)| it == *protocol && !admission.is_empty());
    Protocol::ALL.into_iter().filter(lets).collect()
}

/// One address of the largest range, not its very first: that may be a network's own.
fn sample(addresses: &AddressSet) -> Option<Point> {
    let largest = addresses.ranges().iter().max_by_key(|(start, end)| end - start);
    largest.map(|&(start, end)| if start < end { start + 1 } else { start })
}

/// One packet that gets in, by the way that most can use; before all, one that carries its protocol.
fn witness(site: &Site<'_>, ways: &[WayIn], reached: &Reached) -> Option<Packet> {
    // The first of equals: ways and protocols stand in a fixed order.
    let best = reached.candidates.iter().rev().max_by_key(|it| {
        let addresses = it.at_least.addresses();
        let size = (addresses.count_v6(), addresses.count_v4(), it.at_least.tagged().count());
        (size != (0, 0, 0) && ways[it.way].protocols.has(it.protocol).0, size)
    })?;
    let source = sample(&best.at_least.addresses());
    let tagged = best.at_least.tagged().next();
    if source.is_none() && tagged.is_none() {
        return None;
    }
    let tagged = tagged.filter(|_| source.is_none()).cloned();
    let mut packet = Packet { way: best.way, protocol: best.protocol, source, tagged, source_port: 50_000 };
    let way = &ways[best.way];
    if let Some(seen) = seen_source(way, source) {
        let local = site.local(way, best.protocol);
        packet.source_port = site.stack.port_from(&local, seen)?;
        let decisions = site.stack.decide(&local, seen, packet.source_port, Bound::Lower);
        debug_assert!(Stack::lets_in(&decisions), "the witness is kept out: {decisions:?}");
    }
    Some(packet)
}

/// The sources by way of the witness, by the rules that decide them. Behind a firewall that translates the source, all
/// are decided alike.
fn parts(site: &Site<'_>, ways: &[WayIn], witness: Option<&Packet>, reached: &Reached) -> Vec<PartFact> {
    const PARTS: usize = 20;
    const PREFIXES: usize = 10;
    let Some(packet) = witness.filter(|packet| ways[packet.way].seen_as.is_none()) else { return Vec::new() };
    let by_way = |it: &&Candidate| it.way == packet.way && it.protocol == packet.protocol;
    let Some(candidate) = reached.candidates.iter().find(by_way) else { return Vec::new() };
    let local = site.local(&ways[packet.way], packet.protocol);
    let parts = site.stack.parts(&local, packet.source_port, &candidate.at_least.addresses());
    if parts.len() < 2 {
        return Vec::new();
    }
    let parts = parts.iter().filter(|part| Stack::lets_in(&part.decisions)).take(PARTS);
    let parts = parts.map(|part| PartFact {
        sources: part.addresses.prefixes().take(PREFIXES).map(|prefix| prefix.to_string()).collect(),
        source_prefixes: part.addresses.prefixes().count() as i64,
        decisions: part.decisions.iter().map(words::decision).collect(),
    });
    parts.collect()
}

/// How the levels decide the witness, or the largest part of the Internet where nobody gets in.
fn decisions<'s>(site: &'s Site<'s>, ways: &[WayIn], witness: Option<&Packet>) -> Vec<Decision<'s>> {
    match (witness, ways.first()) {
        (Some(packet), _) => {
            let way = &ways[packet.way];
            let local = site.local(way, packet.protocol);
            match (seen_source(way, packet.source), &packet.tagged) {
                (Some(source), _) => site.stack.decide(&local, source, packet.source_port, Bound::Lower),
                (None, Some(term)) => site.stack.deciders_of_tags(&local, &term.tags, &term.within),
                (None, None) => site.stack.deciders(&local, &site.public),
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

/// The source as the rules see it.
fn seen_source(way: &WayIn, source: Option<Point>) -> Option<Point> {
    match &way.seen_as {
        Some(seen) => seen.ranges().first().map(|range| range.0),
        None => source,
    }
}

/// Where it is sent to, as the rules see it.
pub(super) fn destination(site: &Site<'_>, way: &WayIn, protocol: Protocol) -> Option<Point> {
    match site.local(way, protocol).address {
        LocalAddress::Known(point) => Some(point),
        LocalAddress::Within(..) => None,
    }
}

/// The place, the groups, and what they see of the end over each protocol.
#[derive(Clone, PartialEq, Eq, Hash)]
struct RulesKey {
    /// Where the place stands in memory.
    place: usize,
    /// Where the interface's group stands in memory.
    interface: Option<usize>,
    family: Family,
    signatures: [Vec<u8>; 2],
}

impl RulesKey {
    /// `None`: something about it is its own.
    fn new(site: &Site<'_>) -> Option<Self> {
        site.found.endpoint.private?;
        let interface = match site.stack.interface {
            Level::None => None,
            Level::Group(group) => Some(std::ptr::from_ref(group) as usize),
            Level::Unread { .. } => return None,
        };
        Some(Self {
            place: std::ptr::from_ref(site.place) as usize,
            interface,
            family: site.family(),
            signatures: Protocol::ALL.map(|protocol| site.stack.signature(&site.own(protocol))),
        })
    }
}

/// What matters of the ways in. `None`: something about one of them is its own.
fn ways_key(ways: &[WayIn]) -> Option<Vec<[bool; 4]>> {
    let ways = ways.iter().map(|way| {
        let plain = !way.floating && way.sources.is_none() && way.seen_as.is_none() && way.doubt.is_none();
        let closed = *way.closed_without_group.as_ref().ok().filter(|_| plain)?;
        Some([closed, way.protocols.tcp, way.protocols.udp, way.protocols.unreadable])
    });
    ways.collect()
}

/// Values that are made once for each key, whoever asks first.
struct Once<K, V> {
    known: Mutex<HashMap<K, Arc<OnceLock<Arc<V>>>>>,
}

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self { known: Mutex::default() }
    }
}

impl<K: Eq + Hash, V> Once<K, V> {
    fn get(&self, key: K, new: impl FnOnce() -> V) -> Arc<V> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = Arc::clone(known.entry(key).or_default());
        drop(known);
        Arc::clone(cell.get_or_init(|| Arc::new(new())))
    }
}

/// What was worked out for one IP configuration and holds for others.
#[derive(Default)]
pub(super) struct Shares {
    rules: Once<RulesKey, Rules>,
    with_ways: Once<(RulesKey, Vec<[bool; 4]>), Shared>,
}

impl Shares {
    pub fn of(&self, site: &Site<'_>, ways: &[WayIn]) -> Arc<Shared> {
        let key = RulesKey::new(site);
        let rules = match &key {
            Some(key) => self.rules.get(key.clone(), || Rules::new(site)),
            None => Arc::new(Rules::new(site)),
        };
        match key.zip(ways_key(ways)) {
            Some(key) => self.with_ways.get(key, || Shared::new(site, ways, rules)),
            None => Arc::new(Shared::new(site, ways, rules)),
        }
    }
}
