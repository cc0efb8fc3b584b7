//! Rules as one packet meets them: which match, which may, and what that depends on.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::facts::address::{AddressSet, Point};
use crate::facts::nsg::evaluate::LevelName;
use crate::facts::nsg::ports::{PortRange, Ports as RulePorts};
use crate::facts::nsg::resolve::{Doubt, Fact, doubts, meaning, note, order, remote};
use crate::facts::nsg::rule::{Access, Group, Rule};
use crate::facts::nsg::scope::{Local, Scope};
use crate::facts::nsg::source_ports::REAL;
use crate::facts::schema::Unread;
use crate::facts::service_tag::Tag;

use super::at::{Assumed, Effects, Packet, Ports, undecided};
use super::{FlowDecision, FlowPorts};

/// A rule that may be about the local end.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) rule: &'a Rule,
    /// Smaller first: Azure's own rules come last.
    pub(super) turn: (bool, i64),
    /// Whether something of its own keeps a match from being certain.
    shaky: bool,
    /// Addresses that it certainly means.
    set: Cow<'a, AddressSet>,
    /// Service tags that it means and whose addresses are not known, each with its fact.
    tags: Vec<(Tag, usize)>,
    /// What it may mean beside, each with its fact.
    doubts: Vec<(Doubt<'a>, Option<usize>)>,
    /// Whether a part of its remote addresses was not understood.
    unreadable: bool,
}

/// Whether a rule matches a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    No,
    /// It was not understood.
    Perhaps,
    Yes,
}

/// The rules of a group that may be about the local end, in the order in which they are asked.
pub(super) fn candidates<'a>(
    group: &'a Group,
    local: &Local<'_>,
    scope: &Scope<'a>,
    ports: FlowPorts,
    facts: &mut Vec<Fact<'a>>,
) -> Vec<Candidate<'a>> {
    let mut place = |fact: Fact<'a>| match facts.iter().position(|it| *it == fact) {
        Some(place) => place,
        None => {
            facts.push(fact);
            facts.len() - 1
        }
    };
    let mut candidates = Vec::new();
    for rule in group.rules(local.direction).list.iter().map(AsRef::as_ref) {
        let on = |of: &RulePorts, port: Option<u16>| port.is_none_or(|port| of.has(port).1);
        let protocol = rule.protocols.has(local.protocol);
        let end = local.matches(&rule.local.addresses, rule.access != Some(Access::Deny), scope);
        if !protocol.1 || !end.1 || !on(&rule.local.ports, ports.local) || !on(&rule.remote.ports, ports.remote) {
            continue;
        }
        let addresses = &rule.remote.addresses;
        let access = rule.access.unwrap_or(Access::Allow);
        let any = addresses.any || (addresses.unclear.is_some() && access != Access::Deny);
        let mut new = |turn: i64, shaky: bool| {
            let (set, tags) = remote(addresses, access, false, local.family, scope, &mut Vec::new());
            let tags = tags.into_iter().map(|tag| (tag.clone(), place(Fact::Tag(tag)))).collect();
            let doubts = if any { Vec::new() } else { doubts(addresses, scope) };
            let doubts = doubts.into_iter().map(|it| {
                let fact = it.fact.clone().map(&mut place);
                (it, fact)
            });
            let doubts = doubts.collect();
            let unreadable = !any && addresses.unreadable.is_some();
            Candidate { rule, turn: (rule.default, turn), shaky, set, tags, doubts, unreadable }
        };
        let shaky = !protocol.0 || !end.0 || !rule.direction_known;
        match rule.priority {
            Some(priority) => candidates.push(new(priority, shaky)),
            // It stands somewhere: perhaps before all others, at the latest behind them.
            None => candidates.extend([new(i64::MIN, true), new(i64::MAX, shaky)]),
        }
    }
    candidates.sort_by_key(|it| it.turn);
    candidates
}

impl<'a> Candidate<'a> {
    /// What the rule does; `None`: that was not understood.
    pub(super) fn access(&self) -> Option<Access> {
        self.rule.access
    }

    /// Sets of remote addresses: within each and outside of it, all addresses are alike to the rule.
    pub(super) fn sets(&self) -> impl Iterator<Item = &AddressSet> {
        std::iter::once(self.set.as_ref()).chain(self.doubts.iter().map(|(doubt, _)| doubt.within))
    }

    /// Whether it may mean any address, and whether any that is public.
    pub(super) fn may_mean_any(&self) -> (bool, bool) {
        (self.unreadable, self.unreadable || !self.tags.is_empty())
    }

    /// Whether it may mean that address.
    pub(super) fn may_mean(&self, remote: Point, public: bool) -> bool {
        let (any, any_public) = self.may_mean_any();
        any || (public && any_public) || self.sets().any(|set| set.contains(remote))
    }

    /// What a match depends on beside what is certain, for that address.
    fn facts(&self, packet: &Packet) -> impl Iterator<Item = usize> {
        let tags = self.tags.iter().filter(|_| packet.public).map(|(_, fact)| *fact);
        tags.chain(self.doubts_about(packet).filter_map(|(_, fact)| *fact))
    }

    fn doubts_about(&self, packet: &Packet) -> impl Iterator<Item = &(Doubt<'a>, Option<usize>)> {
        self.doubts.iter().filter(|(doubt, _)| doubt.within.contains(packet.remote))
    }

    /// Whether a packet to or from an address that it means certainly matches.
    fn is_certain(&self, packet: &Packet) -> bool {
        let rule = self.rule;
        rule.local.ports.has(packet.local_port).0 && rule.remote.ports.has(packet.remote_port).0 && !self.shaky
    }

    /// Whether it matches, or the fact that has to be assumed first.
    pub(super) fn matches(&self, packet: &Packet, assumed: &Assumed) -> Result<Match, usize> {
        let rule = self.rule;
        if !rule.local.ports.has(packet.local_port).1 || !rule.remote.ports.has(packet.remote_port).1 {
            return Ok(Match::No);
        }
        let yes = if self.is_certain(packet) { Match::Yes } else { Match::Perhaps };
        if self.set.contains(packet.remote) {
            return Ok(yes);
        }
        let mut open = None;
        for fact in self.facts(packet) {
            match assumed[fact] {
                Some(true) => return Ok(yes),
                Some(false) => {}
                None => open = open.or(Some(fact)),
            }
        }
        let own = self.doubts_about(packet).any(|(_, fact)| fact.is_none());
        match open {
            Some(fact) => Err(fact),
            None if own || self.unreadable => Ok(Match::Perhaps),
            None => Ok(Match::No),
        }
    }

    /// Why nobody knows whether it matches.
    fn unread(&self, packet: &Packet, group: &Group, unread: &mut Vec<Unread>) {
        let rule = self.rule;
        if self.unreadable || rule.access.is_none() || !self.is_certain(packet) {
            note(unread, meaning(rule, group));
        }
        if self.set.contains(packet.remote) {
            return;
        }
        for (tag, _) in self.tags.iter().filter(|_| packet.public) {
            let how = "give Microsoft's list of service tags with --service-tags FILE";
            note(unread, Unread::new(format!("which addresses the service tag `{tag}` means"), how));
        }
        for (doubt, _) in self.doubts_about(packet) {
            note(unread, doubt.unread.clone().into_owned());
        }
    }
}

/// What a level does with a packet, each open question taken for itself.
pub(super) fn decision<'a>(
    level: LevelName,
    group: &'a Group,
    candidates: &[&Candidate<'a>],
    packet: &Packet,
    facts: usize,
) -> (FlowDecision<'a>, Effects) {
    let mut effects = Effects::default();
    let mut denied: Assumed = vec![None; facts];
    let mut perhaps: Vec<&Candidate<'a>> = Vec::new();
    let mut tie = None;
    let mut hit = None;
    for tied in candidates.chunk_by(|a, b| a.turn == b.turn) {
        let mut matched: Vec<&Candidate<'a>> = Vec::new();
        let mut ruled_out = Vec::new();
        for &candidate in tied {
            let mut assumed = denied.clone();
            let mut facts = Vec::new();
            let found = loop {
                match candidate.matches(packet, &assumed) {
                    Ok(found) => break found,
                    Err(fact) => {
                        assumed[fact] = Some(false);
                        facts.push(fact);
                    }
                }
            };
            match found {
                Match::Yes => matched.push(candidate),
                Match::No if facts.is_empty() => {}
                Match::No | Match::Perhaps => perhaps.push(candidate),
            }
            // It certainly matches where one of them holds: whoever asks a later rule knows that none does.
            if candidate.is_certain(packet) {
                ruled_out.extend(facts);
            }
        }
        ruled_out.into_iter().for_each(|fact: usize| denied[fact] = Some(false));
        if let Some(first) = matched.first() {
            hit = Some(*first);
            if matched.iter().any(|it| it.access() != first.access()) {
                tie = Some(match first.rule.priority {
                    Some(priority) => order(priority, group),
                    None => meaning(first.rule, group),
                });
            }
            effects = matched.iter().fold(effects, |all, it| all.or(Effects::of(it.access(), level)));
            break;
        }
    }
    let baseline = hit.map_or(Some(undecided(level)), Candidate::access);
    effects = perhaps.iter().fold(effects, |all, it| all.or(Effects::of(it.access(), level)));
    if hit.is_none() {
        effects = effects.or(Effects::of(baseline, level));
    }
    let access = effects.certain();
    let mut unread: Vec<Unread> = tie.into_iter().collect();
    let differing = perhaps.iter().filter(|it| it.access().is_none() || it.access() != baseline);
    differing.chain(hit.iter().filter(|it| it.access().is_none())).for_each(|it| it.unread(packet, group, &mut unread));
    let rule = hit.map(|it| it.rule).filter(|_| access.is_some());
    let mut or: Vec<&Rule> = Vec::new();
    for other in perhaps.iter().map(|it| it.rule).filter(|_| access.is_some()) {
        if !or.iter().chain(&rule).any(|it| std::ptr::eq(*it, other)) {
            or.push(other);
        }
    }
    (FlowDecision { level, group: Some(group), rule, access, or, unread }, effects)
}

/// All ports that packets have, sorted into those that no rule tells apart.
pub(super) fn classes<'r>(of_rules: impl Iterator<Item = &'r RulePorts>) -> Vec<Ports> {
    let mut of_rules: Vec<&RulePorts> = of_rules.collect();
    of_rules.sort_by_key(|it| (it.unreadable, it.ranges(false)));
    of_rules.dedup_by_key(|it| (it.unreadable, it.ranges(false)));
    let ranges = of_rules.iter().flat_map(|it| it.ranges(false));
    let mut cuts: Vec<u16> = ranges.flat_map(|range| [Some(range.0), range.1.checked_add(1)]).flatten().collect();
    cuts.push(REAL.0);
    cuts.retain(|cut| *cut >= REAL.0);
    cuts.sort_unstable();
    cuts.dedup();
    let mut classes: BTreeMap<Vec<bool>, Ports> = BTreeMap::new();
    for (i, &first) in cuts.iter().enumerate() {
        let last = cuts.get(i + 1).map_or(REAL.1, |next| next - 1);
        let on = of_rules.iter().map(|it| it.has(first).0).collect();
        let class = classes.entry(on).or_insert_with(|| Ports { first, ranges: Vec::new() });
        class.ranges.push((first, last));
    }
    let mut classes: Vec<Ports> = classes.into_values().collect();
    classes.sort_by_key(|it| it.first);
    classes
}

/// Ranges of ports that do not overlap, sorted, those that touch made one.
pub(super) fn joined(mut ranges: Vec<PortRange>) -> Vec<PortRange> {
    ranges.sort_unstable();
    let mut joined: Vec<PortRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.1.checked_add(1) == Some(range.0) => last.1 = range.1,
            _ => joined.push(range),
        }
    }
    joined
}
