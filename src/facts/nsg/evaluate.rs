//! Rules in Azure's order, over sets: the first rule that matches decides.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use crate::facts::address::{self, AddressSet, Family, Point};
use crate::facts::schema::Unread;
use crate::facts::service_tag::{ServiceTags, Tag};
use crate::inventory::ResourceId;

use super::ports::{ALL, PortRange};
use super::rule::{Access, Addresses, Group, Rule};
use super::term::{Admission, Term};
use super::{Bound, Protocol};

/// What the tag `VirtualNetwork` means in one subnet.
#[derive(Clone, Debug, Default)]
pub struct VirtualNetworkTag {
    /// The addresses that it certainly means.
    pub addresses: AddressSet,
    /// Service tags that it means too, by way of routes that name them.
    pub tags: Vec<Tag>,
    /// What it may mean beside them, because something was not read.
    pub unread: Vec<(AddressSet, Unread)>,
}

/// The members of an application security group.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Their private addresses.
    pub addresses: AddressSet,
    /// Why there may be more.
    pub unread: Option<Unread>,
}

/// What the words in rules mean at one place.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The tag `Internet`.
    pub internet: &'a AddressSet,
    /// The tag `VirtualNetwork`.
    pub virtual_network: &'a VirtualNetworkTag,
    /// Application security groups that have members.
    pub members: &'a HashMap<ResourceId, Members>,
    /// Why a group that is not among them may have members all the same.
    pub members_unread: Option<&'a Unread>,
    /// Service tags whose addresses are known.
    pub service_tags: &'a ServiceTags,
}

/// The address of the fixed end.
#[derive(Clone, Copy, Debug)]
pub enum LocalAddress<'a> {
    /// This one.
    Known(Point),
    /// One of these: which, was not read.
    Within(&'a AddressSet, &'a Unread),
}

/// The fixed end: what a packet from outside is sent to, as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    /// Its address.
    pub address: LocalAddress<'a>,
    /// Whether that is the interface's own address, and so part of the network. A floating front end's is not.
    pub own: bool,
    /// IPv4 or IPv6: the other end is of the same kind.
    pub family: Family,
    /// The port.
    pub port: u16,
    /// The protocol.
    pub protocol: Protocol,
    /// Application security groups that it is a member of.
    pub groups: &'a [ResourceId],
}

/// What filters at one level.
#[derive(Clone, Copy, Debug)]
pub enum Level<'a> {
    /// Nothing.
    None,
    /// Rules.
    Group(&'a Group),
    /// Something, or perhaps nothing, that was not read.
    Unread {
        /// What, and how to get it.
        unread: &'a Unread,
        /// Whether there certainly is a group.
        exists: bool,
    },
}

/// Which level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LevelName {
    /// Security admin rules of a virtual network manager.
    Admin,
    /// The subnet's group.
    Subnet,
    /// The interface's group.
    Interface,
}

/// All that filters what comes to one interface, in Azure's order.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a> {
    /// Admin rules.
    pub admin: Level<'a>,
    /// The subnet's group.
    pub subnet: Level<'a>,
    /// The interface's group.
    pub interface: Level<'a>,
    /// What words mean here.
    pub scope: Scope<'a>,
}

/// Who is let through.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// If everything unread closes.
    pub at_least: Admission,
    /// If everything unread opens.
    pub at_most: Admission,
    /// The part of `at_most` that an admin rule lets in past the groups.
    pub always_at_most: Admission,
    /// What was missing on the way. Where both bounds are the same, none of it matters.
    pub unread: Vec<Unread>,
}

/// How one level decides a packet.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The level.
    pub level: LevelName,
    /// Its rules.
    pub group: &'a Group,
    /// The rule; `None`: no admin rule matches, and the packet goes on.
    pub rule: Option<&'a Rule>,
}

impl Decision<'_> {
    /// Whether the packet goes on, or in.
    pub fn allows(&self) -> bool {
        self.rule.is_none_or(|rule| rule.access.is_some_and(|access| access != Access::Deny))
    }
}

impl<'a> Stack<'a> {
    /// The levels, in order.
    pub fn levels(&self) -> [(LevelName, Level<'a>); 3] {
        [(LevelName::Admin, self.admin), (LevelName::Subnet, self.subnet), (LevelName::Interface, self.interface)]
    }

    /// Whether a network security group filters here: for certain, and perhaps.
    pub fn has_group(&self) -> (bool, bool) {
        let one = |level: Level<'_>| match level {
            Level::None => (false, false),
            Level::Group(_) => (true, true),
            Level::Unread { exists, .. } => (exists, true),
        };
        let (subnet, interface) = (one(self.subnet), one(self.interface));
        (subnet.0 || interface.0, subnet.1 || interface.1)
    }

    /// The remote addresses from which a packet reaches the local end, from one remote port or another.
    pub fn admit(&self, local: &Local<'_>) -> Answer {
        let mut unread = Vec::new();
        let (at_most, always_at_most) = self.admit_within(local, Bound::Upper, &mut unread);
        let at_least = match unread.is_empty() {
            true => at_most.clone(),
            false => self.admit_within(local, Bound::Lower, &mut Vec::new()).0,
        };
        Answer { at_least, at_most, always_at_most, unread }
    }

    /// Who gets in, and the part of it that gets in past the groups.
    fn admit_within(&self, local: &Local<'_>, bound: Bound, unread: &mut Vec<Unread>) -> (Admission, Admission) {
        let universe = AddressSet::of(local.family);
        let mut read = |level: Level<'a>, admin: bool| match level {
            Level::None => Filter::Open,
            Level::Group(group) => Filter::Rules(resolve(group, local, &self.scope, bound, admin, unread), group),
            Level::Unread { unread: what, .. } => {
                note(unread, what.clone());
                match bound {
                    Bound::Lower => Filter::Closed,
                    Bound::Upper => Filter::Open,
                }
            }
        };
        let admin_unread = matches!(self.admin, Level::Unread { .. });
        let filters = [read(self.admin, true), read(self.subnet, false), read(self.interface, false)];
        let (mut admitted, mut always) = (Admission::default(), Admission::default());
        for port in first_ports(&filters) {
            let [admin, subnet, interface] = &filters;
            let all = || Admission::of(universe.clone());
            let (past, go_on) = match admin {
                Filter::Open if admin_unread => (all(), Admission::default()),
                Filter::Open => (Admission::default(), all()),
                Filter::Closed => continue,
                Filter::Rules(rules, group) => {
                    let mut outcome = outcome(rules, group, port, &universe);
                    outcome.allow.extend(&outcome.undecided);
                    (outcome.always, outcome.allow)
                }
            };
            let mut inside = go_on;
            for filter in [subnet, interface] {
                match filter {
                    Filter::Open => {}
                    Filter::Closed => inside = Admission::default(),
                    Filter::Rules(rules, group) => {
                        let outcome = outcome(rules, group, port, &universe);
                        inside = inside.intersection(&outcome.allow);
                    }
                }
            }
            admitted.extend(&inside);
            admitted.extend(&past);
            always.extend(&past);
        }
        (admitted, always)
    }

    /// Which rule of each level decides a packet from that address and port, first level first, up to the level that
    /// ends it. Levels without rules are left out. `bound` says how unread things are taken.
    pub fn decide(&self, local: &Local<'_>, remote: Point, remote_port: u16, bound: Bound) -> Vec<Decision<'a>> {
        let mut decisions = Vec::new();
        for (name, level) in self.levels() {
            let Level::Group(group) = level else { continue };
            let admin = name == LevelName::Admin;
            let rules = resolve(group, local, &self.scope, bound, admin, &mut Vec::new());
            let hit = rules.iter().find(|rule| rule.on(remote_port) && rule.set.contains(remote));
            let rule = hit.map(|rule| &group.inbound[rule.index]);
            decisions.push(Decision { level: name, group, rule });
            if hit.is_some_and(|rule| rule.access != Access::Allow) {
                break;
            }
        }
        decisions
    }

    /// The rule of each level that decides the largest part of these addresses, taken for a high remote port.
    pub fn deciders(&self, local: &Local<'_>, addresses: &AddressSet) -> Vec<Decision<'a>> {
        let mut decisions = Vec::new();
        for (name, level) in self.levels() {
            let Level::Group(group) = level else { continue };
            let admin = name == LevelName::Admin;
            let rules = resolve(group, local, &self.scope, Bound::Upper, admin, &mut Vec::new());
            let active: Vec<_> = rules.iter().filter(|rule| rule.on(50_000)).collect();
            let mut sizes: BTreeMap<usize, u128> = BTreeMap::new();
            for (start, end, rule) in sweep(&active, group) {
                let size = addresses.count_between(start, end);
                *sizes.entry(active[rule].index).or_default() += size;
            }
            let largest = sizes.into_iter().map(|(index, size)| (size, Reverse(index))).max();
            let rule = largest.filter(|(size, _)| *size > 0).map(|(_, Reverse(index))| &group.inbound[index]);
            if rule.is_some() {
                decisions.push(Decision { level: name, group, rule });
            }
        }
        decisions
    }
}

enum Filter<'a> {
    Open,
    Closed,
    Rules(Vec<Resolved<'a>>, &'a Group),
}

/// A rule whose local end matches, with what its remote end means here.
struct Resolved<'a> {
    index: usize,
    access: Access,
    /// Azure's own come last.
    default: bool,
    priority: i64,
    /// Whether it is taken for as much as it may mean.
    wide: bool,
    set: Cow<'a, AddressSet>,
    tags: Vec<Tag>,
    ports: &'a [PortRange],
}

impl Resolved<'_> {
    fn on(&self, port: u16) -> bool {
        self.ports.iter().any(|range| (range.0..=range.1).contains(&port))
    }
}

/// Adds what is missing, once.
fn note(unread: &mut Vec<Unread>, missing: Unread) {
    if !unread.contains(&missing) {
        unread.push(missing);
    }
}

/// The rules whose local end matches, in the order in which they are asked.
///
/// Towards the bound an uncertain rule is taken for all that it may mean where that moves the answer to the bound,
/// else for what it certainly means: over the upper bound an Allow is wide and a Deny narrow.
fn resolve<'a>(
    group: &'a Group,
    local: &Local<'_>,
    scope: &Scope<'_>,
    bound: Bound,
    admin: bool,
    unread: &mut Vec<Unread>,
) -> Vec<Resolved<'a>> {
    let mut resolved = Vec::new();
    for (index, rule) in group.inbound.iter().enumerate() {
        let (protocol, port) = (rule.protocols.has(local.protocol), rule.local.ports.has(local.port));
        if !protocol.1 || !port.1 {
            continue;
        }
        let address = local.matches(&rule.local.addresses, rule.access != Some(Access::Deny), scope);
        if !address.1 {
            continue;
        }
        let certain = protocol.0 && port.0 && address.0 && rule.direction_known;
        let shaky = !certain
            || rule.access.is_none()
            || rule.priority.is_none()
            || rule.remote.ports.unreadable
            || rule.remote.addresses.unreadable.is_some();
        if shaky {
            let named = format!("what the rule `{}` of `{}` means", rule.name, group.name);
            match (
                local.address,
                protocol.0 && port.0 && rule.direction_known && rule.local.addresses.unreadable.is_none(),
            ) {
                // Only the local address keeps it open.
                (LocalAddress::Within(_, missing), true) if !certain => note(unread, missing.clone()),
                _ => note(unread, Unread::new(named, "look at the rule in Azure and export the group again")),
            }
        }
        let access = rule.access.unwrap_or(match bound {
            Bound::Lower => Access::Deny,
            Bound::Upper => Access::Allow,
        });
        let wide = (access != Access::Deny) == (bound == Bound::Upper);
        let mut push = |access: Access, wide: bool, unread: &mut Vec<Unread>| {
            let (set, tags) = remote(&rule.remote.addresses, access, wide, local.family, scope, unread);
            if wide || certain {
                resolved.push(Resolved {
                    index,
                    access,
                    default: rule.default,
                    priority: rule.priority.unwrap_or(if wide { i64::MIN } else { i64::MAX }),
                    wide,
                    set,
                    tags,
                    ports: rule.remote.ports.ranges(wide),
                });
            }
        };
        if admin && access == Access::Allow {
            // An Allow among admin rules neither opens nor closes: where it is uncertain, the worse of both happens.
            push(Access::Allow, false, unread);
            let mut missing = Vec::new();
            remote(&rule.remote.addresses, access, true, local.family, scope, &mut missing);
            if shaky || !missing.is_empty() {
                push(if bound == Bound::Upper { Access::AlwaysAllow } else { Access::Deny }, true, unread);
            }
        } else {
            push(access, wide, unread);
        }
    }
    // Azure keeps priorities apart; where an export does not, nobody knows which of two rules comes first.
    resolved.sort_by_key(|rule| (rule.default, rule.priority, !rule.wide));
    for pair in resolved.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        if (a.default, a.priority) == (b.default, b.priority) && a.access != b.access && a.index != b.index {
            let what = format!("which of two rules of `{}` with priority {} comes first", group.name, a.priority);
            note(unread, Unread::new(what, "look at the group in Azure and export it again"));
        }
    }
    resolved
}

/// What the remote side of a rule means.
fn remote<'a>(
    side: &'a Addresses,
    access: Access,
    wide: bool,
    family: Family,
    scope: &Scope<'_>,
    unread: &mut Vec<Unread>,
) -> (Cow<'a, AddressSet>, Vec<Tag>) {
    let everything = || (Cow::Owned(AddressSet::of(family)), Vec::new());
    if side.any || (side.unclear && access != Access::Deny) {
        return everything();
    }
    if side.unreadable.is_some() && wide {
        return everything();
    }
    let mut set = Cow::Borrowed(&side.set);
    let mut add = |more: &AddressSet| set = Cow::Owned(set.union(more));
    let mut tags = Vec::new();
    if side.internet {
        add(scope.internet);
    }
    if side.virtual_network {
        add(&scope.virtual_network.addresses);
        tags.extend(scope.virtual_network.tags.iter().cloned());
        for (more, missing) in &scope.virtual_network.unread {
            note(unread, missing.clone());
            if wide {
                add(more);
            }
        }
    }
    for id in &side.groups {
        let members = scope.members.get(id);
        if let Some(members) = members {
            add(&members.addresses);
        }
        if let Some(missing) = members.map_or(scope.members_unread, |members| members.unread.as_ref()) {
            note(unread, missing.clone());
            if wide {
                add(address::private());
            }
        }
    }
    if side.network_group {
        let how = "list the members of the network group, or grant Reader on the network manager";
        note(unread, Unread::new("the members of a network group that an admin rule names", how));
        if wide {
            add(address::private());
        }
    }
    for tag in &side.tags {
        match scope.service_tags.get(tag) {
            Some(prefixes) => add(prefixes),
            None => tags.push(tag.clone()),
        }
    }
    (set, tags)
}

impl Local<'_> {
    /// Whether a rule's local side means this end: for certain, and perhaps.
    fn matches(&self, side: &Addresses, allows: bool, scope: &Scope<'_>) -> (bool, bool) {
        if side.any || (side.unclear && allows) {
            return (true, true);
        }
        let (inside, meets): (bool, bool) = match self.address {
            LocalAddress::Known(point) => (side.set.contains(point), side.set.contains(point)),
            LocalAddress::Within(set, _) => (!set.is_empty() && side.set.covers(set), side.set.meets(set)),
        };
        let mut certain = inside;
        let mut possible = meets || side.unreadable.is_some() || side.network_group;
        let known = |set: &AddressSet| match self.address {
            LocalAddress::Known(point) => (set.contains(point), set.contains(point)),
            LocalAddress::Within(within, _) => (set.covers(within), set.meets(within)),
        };
        if side.virtual_network {
            let tag = if self.own { (true, true) } else { known(&scope.virtual_network.addresses) };
            certain |= tag.0;
            possible |= tag.1 || !scope.virtual_network.unread.is_empty() || !scope.virtual_network.tags.is_empty();
        }
        if side.internet && !self.own {
            let tag = known(scope.internet);
            certain |= tag.0;
            possible |= tag.1;
        }
        for tag in &side.tags {
            match scope.service_tags.get(tag).map(known) {
                Some(tag) => {
                    certain |= tag.0;
                    possible |= tag.1;
                }
                // A tag means public addresses.
                None => {
                    possible |= !self.own
                        || !matches!(self.address, LocalAddress::Known(it) if address::not_public().contains(it))
                }
            }
        }
        certain |= side.groups.iter().any(|group| self.groups.contains(group));
        (certain, possible || certain)
    }
}

/// The first port of each run of remote ports that no rule tells apart.
fn first_ports(filters: &[Filter<'_>]) -> Vec<u16> {
    let mut cuts = vec![0];
    for filter in filters {
        let Filter::Rules(rules, _) = filter else { continue };
        let ranges = rules.iter().filter(|rule| rule.ports != ALL).flat_map(|rule| rule.ports);
        cuts.extend(ranges.flat_map(|range| [Some(range.0), range.1.checked_add(1)]).flatten());
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// What the rules of one level do with every remote address.
#[derive(Default)]
struct Outcome {
    allow: Admission,
    always: Admission,
    undecided: Admission,
}

/// Decides every remote address, sent from that port.
fn outcome(rules: &[Resolved<'_>], group: &Group, port: u16, universe: &AddressSet) -> Outcome {
    let active: Vec<_> = rules.iter().filter(|rule| rule.on(port)).collect();
    let segments = sweep(&active, group);
    // How many tags stand in rules before each rule: its addresses are those that are in none of these tags.
    let mut tags: Vec<Tag> = Vec::new();
    let before: Vec<usize> = active
        .iter()
        .map(|rule| {
            let count = tags.len();
            tags.extend(rule.tags.iter().cloned());
            count
        })
        .collect();
    let mut outcome = Outcome::default();
    let mut parts: BTreeMap<(bool, usize), Vec<(Point, Point)>> = BTreeMap::new();
    for &(start, end, rule) in &segments {
        match active[rule].access {
            Access::Deny => {}
            access => parts.entry((access == Access::AlwaysAllow, before[rule])).or_default().push((start, end)),
        }
    }
    for ((always, count), ranges) in parts {
        let within = AddressSet::from_ranges(ranges).intersection(universe);
        let term = Term { tags: Vec::new(), without: tags[..count].to_vec(), within };
        if always { outcome.always.push(term) } else { outcome.allow.push(term) }
    }
    for (i, rule) in active.iter().enumerate() {
        if rule.tags.is_empty() || rule.access == Access::Deny {
            continue;
        }
        let decided = segments.iter().filter(|segment| segment.2 <= i).map(|&(start, end, _)| (start, end));
        let within = universe.difference(&AddressSet::from_ranges(decided));
        for tag in &rule.tags {
            let term = Term { tags: vec![tag.clone()], without: tags[..before[i]].to_vec(), within: within.clone() };
            if rule.access == Access::AlwaysAllow { outcome.always.push(term) } else { outcome.allow.push(term) }
        }
    }
    let decided = AddressSet::from_ranges(segments.into_iter().map(|(start, end, _)| (start, end)));
    outcome.undecided.push(Term { tags: Vec::new(), without: tags, within: universe.difference(&decided) });
    outcome
}

/// Which rule decides each range of addresses: the first in order that covers it. Sorted.
///
/// Each rule takes what no rule before it has taken; `free` leads past what is taken, so every piece is visited once.
fn sweep(rules: &[&Resolved<'_>], group: &Group) -> Vec<(Point, Point, usize)> {
    let Cuts { cuts, moved } = Cuts::new(rules, group);
    let nobody = u32::MAX;
    let mut owner = vec![nobody; cuts.len()];
    let mut free: Vec<u32> = (0..=cuts.len() as u32).collect();
    let mut take = |rule: usize, first: u32, last: u32| {
        let mut piece = next_free(&mut free, first);
        while piece < last {
            owner[piece as usize] = rule as u32;
            free[piece as usize] = piece + 1;
            piece = next_free(&mut free, piece + 1);
        }
    };
    for (i, rule) in rules.iter().enumerate() {
        match &rule.set {
            Cow::Borrowed(_) => {
                for &(first, last) in &group.pieces[rule.index] {
                    take(i, moved[first as usize], moved[last as usize]);
                }
            }
            Cow::Owned(set) => {
                for &(start, end) in set.ranges() {
                    let position = |point| cuts.partition_point(|cut| *cut < point) as u32;
                    take(i, position(start), end.checked_add(1).map_or(cuts.len() as u32, position));
                }
            }
        }
    }
    let mut segments: Vec<(Point, Point, usize)> = Vec::new();
    for (i, owner) in owner.into_iter().enumerate().filter(|(_, owner)| *owner != nobody) {
        let (from, to) = (cuts[i], cuts.get(i + 1).map_or(Point::MAX, |cut| cut - 1));
        match segments.last_mut() {
            Some(last) if last.2 == owner as usize && last.1.checked_add(1) == Some(from) => last.1 = to,
            _ => segments.push((from, to, owner as usize)),
        }
    }
    segments
}

/// The first piece from there on that is not taken.
fn next_free(free: &mut [u32], from: u32) -> u32 {
    let mut root = from;
    while free[root as usize] != root {
        root = free[root as usize];
    }
    let mut at = from;
    while free[at as usize] != root {
        at = std::mem::replace(&mut free[at as usize], root);
    }
    root
}

/// Where some rule begins or ceases to match.
struct Cuts {
    /// The group's own cuts, and those of what words stand for here; sorted.
    cuts: Vec<Point>,
    /// Where each of the group's own cuts stands now, and their end.
    moved: Vec<u32>,
}

impl Cuts {
    fn new(rules: &[&Resolved<'_>], group: &Group) -> Self {
        let words = rules.iter().filter(|rule| matches!(rule.set, Cow::Owned(_)));
        let more = words.flat_map(|rule| rule.set.ranges());
        let mut more: Vec<Point> = more.flat_map(|&(start, end)| [Some(start), end.checked_add(1)]).flatten().collect();
        more.sort_unstable();
        more.dedup();
        let mut more = more.into_iter().peekable();
        let mut cuts = Vec::with_capacity(group.cuts.len() + more.len());
        let mut moved = Vec::with_capacity(group.cuts.len() + 1);
        for &cut in &group.cuts {
            while let Some(word) = more.next_if(|word| *word < cut) {
                cuts.push(word);
            }
            more.next_if_eq(&cut);
            moved.push(cuts.len() as u32);
            cuts.push(cut);
        }
        cuts.extend(more);
        moved.push(cuts.len() as u32);
        Self { cuts, moved }
    }
}
