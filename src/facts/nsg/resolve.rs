//! Which rules are about the fixed end, in which order they are asked, and what their other side means here.

use std::borrow::Cow;

use crate::facts::address::{self, AddressSet, Family};
use crate::facts::schema::Unread;
use crate::facts::service_tag::Tag;
use crate::inventory::ResourceId;

use super::Bound;
use super::ports::{ALL, PortRange};
use super::rule::{Access, Addresses, Group, Rule};
use super::scope::{Local, LocalAddress, Scope};

/// A rule whose local end matches, with what its remote end means here.
pub(super) struct Resolved<'a> {
    pub(super) index: usize,
    pub(super) access: Access,
    /// Azure's own come last.
    pub(super) default: bool,
    pub(super) priority: i64,
    /// Whether it is taken for as much as it may mean.
    pub(super) wide: bool,
    pub(super) set: Cow<'a, AddressSet>,
    pub(super) tags: Vec<Tag>,
    pub(super) ports: &'a [PortRange],
}

impl Resolved<'_> {
    pub(super) fn on(&self, port: u16) -> bool {
        self.ports.iter().any(|range| (range.0..=range.1).contains(&port))
    }
}

/// Adds what is missing, once.
pub(super) fn note(unread: &mut Vec<Unread>, missing: Unread) {
    if !unread.contains(&missing) {
        unread.push(missing);
    }
}

/// The rules whose local end matches, in the order in which they are asked.
///
/// Towards the bound an uncertain rule is taken for all that it may mean where that moves the answer to the bound,
/// else for what it certainly means: over the upper bound an Allow is wide and a Deny narrow.
pub(super) fn resolve<'a>(
    group: &'a Group,
    local: &Local<'_>,
    scope: &Scope<'_>,
    bound: Bound,
    admin: bool,
    unread: &mut Vec<Unread>,
) -> Vec<Resolved<'a>> {
    let mut resolved = Vec::new();
    let mut perhaps = Vec::new();
    for (index, rule) in group.rules(local.direction).list.iter().enumerate() {
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
            match (
                local.address,
                protocol.0 && port.0 && rule.direction_known && rule.local.addresses.unreadable.is_none(),
            ) {
                // Only the local address keeps it open.
                (LocalAddress::Within(_, missing), true) if !certain => note(unread, missing.clone()),
                _ => note(unread, meaning(rule, group)),
            }
        }
        let access = rule.access.unwrap_or(match bound {
            Bound::Lower => Access::Deny,
            Bound::Upper if admin => Access::AlwaysAllow,
            Bound::Upper => Access::Allow,
        });
        let wide = (access != Access::Deny) == (bound == Bound::Upper);
        let mut push = |access: Access, wide: bool, unread: &mut Vec<Unread>| {
            let (set, tags) = symbolic(&rule.remote.addresses, access, wide, local.family, scope, unread);
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
            push(Access::Allow, false, unread);
            let mut missing = Vec::new();
            let (set, tags) = symbolic(&rule.remote.addresses, access, true, local.family, scope, &mut missing);
            missing.retain(|it| !scope.virtual_network.unread.iter().any(|(_, of)| of == it));
            if shaky || !missing.is_empty() {
                perhaps.push(Resolved {
                    index,
                    access,
                    default: rule.default,
                    priority: rule.priority.unwrap_or(i64::MIN),
                    wide: true,
                    set,
                    tags,
                    ports: rule.remote.ports.ranges(true),
                });
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
            note(unread, order(a.priority, group));
        }
    }
    for allow in perhaps {
        shield(&mut resolved, allow, bound);
    }
    resolved
}

/// An Allow among admin rules neither opens nor closes: it only takes packets from the admin rules after it. Where it
/// is uncertain, it takes them from those that move the answer away from the bound, and from no others.
fn shield<'a>(resolved: &mut Vec<Resolved<'a>>, allow: Resolved<'a>, bound: Bound) {
    let opposed = match bound {
        Bound::Upper => Access::Deny,
        Bound::Lower => Access::AlwaysAllow,
    };
    let mut simple = true;
    let mut i = resolved.len();
    while i > 0 {
        i -= 1;
        let rule = &resolved[i];
        if rule.access != opposed || (rule.default, rule.priority) < (allow.default, allow.priority) {
            continue;
        }
        let ports = match (allow.ports, rule.ports) {
            (ALL, ports) | (ports, ALL) => ports,
            (a, b) if a == b => a,
            _ => {
                simple = false;
                continue;
            }
        };
        if !allow.tags.is_empty() || !rule.tags.is_empty() {
            simple = false;
            continue;
        }
        let set = Cow::Owned(allow.set.intersection(&rule.set));
        let (default, priority, index) = (rule.default, rule.priority, allow.index);
        let shield =
            Resolved { index, access: Access::Allow, default, priority, wide: true, set, tags: Vec::new(), ports };
        resolved.insert(i, shield);
    }
    if !simple {
        // Then the worse of both happens to all that it may mean.
        let access = if bound == Bound::Upper { Access::AlwaysAllow } else { Access::Deny };
        let key = (allow.default, allow.priority);
        let at = resolved.partition_point(|rule| (rule.default, rule.priority) < key);
        resolved.insert(at, Resolved { access, ..allow });
    }
}

/// As [`remote`], but what of `VirtualNetwork` was not read stays a name, too: it is the same in every rule, so what one
/// denies no later one lets in.
fn symbolic<'a>(
    side: &'a Addresses,
    access: Access,
    wide: bool,
    family: Family,
    scope: &Scope<'_>,
    unread: &mut Vec<Unread>,
) -> (Cow<'a, AddressSet>, Vec<Tag>) {
    let mut network = false;
    let (set, mut tags) = meant(side, access, wide, family, scope, |doubt| {
        note(unread, doubt.unread.clone().into_owned());
        let stays = doubt.fact == Some(Fact::VirtualNetwork);
        network |= stays;
        !stays
    });
    tags.extend(network.then(Tag::unread_network));
    (set, tags)
}

/// What the remote side of a rule means: known addresses, and tags that stay names.
pub(super) fn remote<'a>(
    side: &'a Addresses,
    access: Access,
    wide: bool,
    family: Family,
    scope: &Scope<'_>,
    unread: &mut Vec<Unread>,
) -> (Cow<'a, AddressSet>, Vec<Tag>) {
    meant(side, access, wide, family, scope, |doubt| {
        note(unread, doubt.unread.clone().into_owned());
        true
    })
}

/// What it means; `doubted` is told of each doubt, and says whether a wide reading takes its addresses in.
fn meant<'a>(
    side: &'a Addresses,
    access: Access,
    wide: bool,
    family: Family,
    scope: &Scope<'_>,
    mut doubted: impl FnMut(&Doubt<'_>) -> bool,
) -> (Cow<'a, AddressSet>, Vec<Tag>) {
    let everything = || (Cow::Owned(AddressSet::of(family)), Vec::new());
    if side.any || (side.unclear.is_some() && access != Access::Deny) {
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
    }
    for members in side.groups.iter().filter_map(|id| scope.members.get(id)) {
        add(&members.addresses);
    }
    for doubt in doubts(side, scope) {
        if doubted(&doubt) && wide {
            add(doubt.within);
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

/// What the remote side of a rule may mean beside what it certainly does. Tags are not among it.
#[derive(Debug)]
pub(super) struct Doubt<'a> {
    /// What it depends on; `None`: it is the rule's own.
    pub(super) fact: Option<Fact<'a>>,
    pub(super) within: &'a AddressSet,
    pub(super) unread: Cow<'a, Unread>,
}

/// What may be true or not of one remote address, and is the same for all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact<'a> {
    /// It belongs to the tag.
    Tag(Tag),
    /// It belongs to the tag `VirtualNetwork`.
    VirtualNetwork,
    /// It is a member of the application security group.
    Member(&'a ResourceId),
}

pub(super) fn doubts<'a>(side: &'a Addresses, scope: &Scope<'a>) -> Vec<Doubt<'a>> {
    let mut doubts = Vec::new();
    if side.virtual_network {
        doubts.extend(scope.virtual_network.unread.iter().map(|(within, missing)| Doubt {
            fact: Some(Fact::VirtualNetwork),
            within,
            unread: Cow::Borrowed(missing),
        }));
    }
    for id in &side.groups {
        let (within, missing) = match scope.members.get(id) {
            Some(members) => (&members.possible, members.unread.as_ref()),
            None => (address::private(), scope.members_unread),
        };
        if let Some(missing) = missing {
            doubts.push(Doubt { fact: Some(Fact::Member(id)), within, unread: Cow::Borrowed(missing) });
        }
    }
    if side.network_group {
        let how = "list the members of the network group, or grant Reader on the network manager";
        let unread = Unread::new("the members of a network group that an admin rule names", how);
        doubts.push(Doubt { fact: None, within: address::private(), unread: Cow::Owned(unread) });
    }
    doubts
}

/// What a rule means, where a part of it was not understood.
pub(super) fn meaning(rule: &Rule, group: &Group) -> Unread {
    let what = format!("what the rule `{}` of `{}` means", rule.name, group.name);
    Unread::new(what, "look at the rule in Azure and export the group again")
}

/// Which of two rules with the same priority comes first.
pub(super) fn order(priority: i64, group: &Group) -> Unread {
    let what = format!("which of two rules of `{}` with priority {priority} comes first", group.name);
    Unread::new(what, "look at the group in Azure and export it again")
}

impl Local<'_> {
    /// Whether a rule's local side means this end: for certain, and perhaps.
    pub(super) fn matches(&self, side: &Addresses, allows: bool, scope: &Scope<'_>) -> (bool, bool) {
        if side.any || (side.unclear.is_some() && allows) {
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
