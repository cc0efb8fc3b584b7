//! The levels in Azure's order: who gets through all of them, and which rule decides.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use crate::facts::address::{AddressSet, Point};
use crate::facts::schema::Unread;
use crate::facts::service_tag::Tag;

use super::ports::ALL;
use super::resolve::{Resolved, note, remote, resolve};
use super::rule::{Access, Group, Rule, Rules};
use super::scope::{Local, Scope};
use super::source_ports;
use super::sweep::{outcome, sweep};
use super::term::Admission;
use super::{Bound, Direction};

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

impl LevelName {
    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Subnet => "subnet",
            Self::Interface => "nic",
        }
    }
}

/// All that filters what comes to one interface and what leaves it.
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
    /// What it does with the packet, as it was taken where it is not certain.
    pub access: Access,
}

impl Decision<'_> {
    /// Whether the packet goes on, or in.
    pub fn allows(&self) -> bool {
        self.access != Access::Deny
    }
}

impl<'a> Stack<'a> {
    /// The levels, in the order in which packets of that direction come to them.
    pub fn levels(&self, direction: Direction) -> [(LevelName, Level<'a>); 3] {
        let admin = (LevelName::Admin, self.admin);
        let (subnet, interface) = ((LevelName::Subnet, self.subnet), (LevelName::Interface, self.interface));
        match direction {
            Direction::Inbound => [admin, subnet, interface],
            Direction::Outbound => [admin, interface, subnet],
        }
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

    /// What was not read of the levels of groups.
    pub fn unread_groups(&self) -> Vec<Unread> {
        let levels = [self.subnet, self.interface].into_iter();
        let unread = levels.filter_map(|level| match level {
            Level::Unread { unread, .. } => Some(unread.clone()),
            Level::None | Level::Group(_) => None,
        });
        unread.collect()
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
        let filters = self.filters(local, bound, unread);
        let admin_unread = matches!(self.admin, Level::Unread { .. });
        let ports = first_ports(&filters);
        let tags = filters.iter().flat_map(Filter::rules).any(|rule| !rule.tags.is_empty());
        if ports.len() > 1 && !tags {
            let (admitted, always) = source_ports::admitted(&filters, admin_unread, &universe);
            return (Admission::of(admitted), Admission::of(always));
        }
        let network = self.scope.virtual_network.unread.iter().flat_map(|(set, _)| set.ranges().iter().copied());
        let network = AddressSet::from_ranges(network).intersection(&universe);
        let (mut admitted, mut always) = (Admission::default(), Admission::default());
        let mut seen = HashSet::new();
        for port in ports {
            // Rules that are the same answer the same.
            let on: Vec<bool> = filters.iter().flat_map(Filter::rules).map(|rule| rule.on(port)).collect();
            if !seen.insert(on) {
                continue;
            }
            let [admin, subnet, interface] = &filters;
            let all = || Admission::of(universe.clone());
            let (past, go_on) = match admin {
                Filter::Open if admin_unread => (all(), Admission::default()),
                Filter::Open => (Admission::default(), all()),
                Filter::Closed => continue,
                Filter::Rules(rules, of) => {
                    let mut outcome = outcome(rules, of, port, &universe, &network);
                    outcome.allow.extend(&outcome.undecided);
                    (outcome.always, outcome.allow)
                }
            };
            let mut inside = go_on;
            for filter in [subnet, interface] {
                match filter {
                    Filter::Open => {}
                    Filter::Closed => inside = Admission::default(),
                    Filter::Rules(rules, of) => {
                        let outcome = outcome(rules, of, port, &universe, &network);
                        inside = inside.intersection(&outcome.allow);
                    }
                }
            }
            admitted.extend(&inside);
            admitted.extend(&past);
            always.extend(&past);
        }
        let (tag, wide) = (Tag::unread_network(), bound == Bound::Upper);
        (admitted.settle(&tag, &network, wide), always.settle(&tag, &network, wide))
    }

    fn filters(&self, local: &Local<'_>, bound: Bound, unread: &mut Vec<Unread>) -> [Filter<'a>; 3] {
        self.levels(local.direction).map(|(name, level)| match level {
            Level::None => Filter::Open,
            Level::Group(group) => {
                let admin = name == LevelName::Admin;
                Filter::Rules(resolve(group, local, &self.scope, bound, admin, unread), group.rules(local.direction))
            }
            Level::Unread { unread: what, .. } => {
                note(unread, what.clone());
                match bound {
                    Bound::Lower => Filter::Closed,
                    Bound::Upper => Filter::Open,
                }
            }
        })
    }

    /// What the rules see of that end: two ends of the same signature, whose addresses are known, get the same answers
    /// from the same groups at the same place.
    pub fn signature(&self, local: &Local<'_>) -> Vec<u8> {
        let groups = self.levels(local.direction).into_iter().filter_map(|(_, level)| match level {
            Level::Group(group) => Some(group),
            Level::None | Level::Unread { .. } => None,
        });
        let rules = groups.flat_map(|group| &group.rules(local.direction).list);
        // A rule for any address of this end sees all ends alike.
        let telling = rules.filter(|rule| {
            !rule.local.addresses.any && rule.local.ports.has(local.port).1 && rule.protocols.has(local.protocol).1
        });
        let one = |rule: &std::sync::Arc<Rule>| {
            let address = local.matches(&rule.local.addresses, rule.access != Some(Access::Deny), &self.scope);
            u8::from(address.1) | (u8::from(address.0) << 1)
        };
        telling.map(one).collect()
    }

    /// Whether that rule is certainly about that end: its protocol, port and address.
    pub fn names(&self, rule: &Rule, local: &Local<'_>) -> bool {
        let allows = rule.access != Some(Access::Deny);
        let ends = rule.protocols.has(local.protocol).0 && rule.local.ports.has(local.port).0;
        ends && rule.direction_known && local.matches(&rule.local.addresses, allows, &self.scope).0
    }

    /// Whether that rule may be about that end.
    pub fn may_name(&self, rule: &Rule, local: &Local<'_>) -> bool {
        let allows = rule.access != Some(Access::Deny);
        let ends = rule.protocols.has(local.protocol).1 && rule.local.ports.has(local.port).1;
        ends && local.matches(&rule.local.addresses, allows, &self.scope).1
    }

    /// The remote addresses that that rule certainly means here. Those of tags that stay names are left out.
    pub fn remotes(&self, rule: &Rule, local: &Local<'_>) -> AddressSet {
        let access = rule.access.unwrap_or(Access::Deny);
        let (set, _) = remote(&rule.remote.addresses, access, false, local.family, &self.scope, &mut Vec::new());
        set.intersection(&AddressSet::of(local.family))
    }

    /// A remote port from which that address certainly gets in, an ephemeral one where there is one.
    pub fn port_from(&self, local: &Local<'_>, remote: Point) -> Option<u16> {
        let filters = self.filters(local, Bound::Lower, &mut Vec::new());
        source_ports::preferred(&source_ports::of_address(&filters, false, remote))
    }

    /// Whether these decisions of a packet, first level first, let it in.
    pub fn lets_in(decisions: &[Decision<'_>]) -> bool {
        let past = decisions.last().is_some_and(|it| it.access == Access::AlwaysAllow);
        past || decisions.iter().all(Decision::allows)
    }

    /// Which rule of each level decides a packet from that address and port, first level first, up to the level that
    /// ends it. Levels without rules are left out. `bound` says how unread things are taken.
    pub fn decide(&self, local: &Local<'_>, remote: Point, remote_port: u16, bound: Bound) -> Vec<Decision<'a>> {
        let mut decisions = Vec::new();
        for (name, level) in self.levels(local.direction) {
            let Level::Group(group) = level else { continue };
            let admin = name == LevelName::Admin;
            let rules = resolve(group, local, &self.scope, bound, admin, &mut Vec::new());
            let hit = rules.iter().find(|rule| rule.on(remote_port) && rule.set.contains(remote));
            let rule = hit.map(|rule| &group.rules(local.direction).list[rule.index]);
            let access = hit.map_or(Access::Allow, |rule| rule.access);
            decisions.push(Decision { level: name, group, rule: rule.map(AsRef::as_ref), access });
            if hit.is_some_and(|rule| rule.access != Access::Allow) {
                break;
            }
        }
        decisions
    }

    /// The rule of each level that lets on who has all of these tags within that set: the first that names one of the
    /// tags, or the whole set. Taken for a high remote port, and for what the rules certainly mean.
    pub fn deciders_of_tags(&self, local: &Local<'_>, tags: &[Tag], within: &AddressSet) -> Vec<Decision<'a>> {
        let mut decisions = Vec::new();
        for (name, level) in self.levels(local.direction) {
            let Level::Group(group) = level else { continue };
            let admin = name == LevelName::Admin;
            let rules = resolve(group, local, &self.scope, Bound::Lower, admin, &mut Vec::new());
            let named =
                |rule: &&Resolved<'_>| rule.tags.iter().any(|tag| tags.contains(tag)) || rule.set.covers(within);
            let Some(rule) = rules.iter().filter(|rule| rule.on(50_000)).find(named) else { continue };
            let (access, at) = (rule.access, rule.index);
            decisions.push(Decision { level: name, group, rule: Some(&group.rules(local.direction).list[at]), access });
            if access != Access::Allow {
                break;
            }
        }
        decisions
    }

    /// The rule of each level that decides the largest part of these addresses, taken for a high remote port.
    pub fn deciders(&self, local: &Local<'_>, addresses: &AddressSet) -> Vec<Decision<'a>> {
        let mut decisions = Vec::new();
        for (name, level) in self.levels(local.direction) {
            let Level::Group(group) = level else { continue };
            let admin = name == LevelName::Admin;
            let rules = resolve(group, local, &self.scope, Bound::Upper, admin, &mut Vec::new());
            let active: Vec<_> = rules.iter().filter(|rule| rule.on(50_000)).collect();
            let mut sizes: BTreeMap<usize, u128> = BTreeMap::new();
            for (start, end, rule) in sweep(&active, group.rules(local.direction)) {
                let size = addresses.count_between(start, end);
                let sum = sizes.entry(rule).or_default();
                *sum = sum.saturating_add(size);
            }
            let largest = sizes.into_iter().map(|(rule, size)| (size, Reverse(active[rule].index), rule)).max();
            if let Some((_, Reverse(index), rule)) = largest.filter(|(size, ..)| *size > 0) {
                let access = active[rule].access;
                decisions.push(Decision {
                    level: name,
                    group,
                    rule: Some(&group.rules(local.direction).list[index]),
                    access,
                });
            }
        }
        decisions
    }
}

/// What one level does.
pub(super) enum Filter<'a> {
    /// It lets everything on.
    Open,
    /// It lets nothing on.
    Closed,
    /// It asks these rules.
    Rules(Vec<Resolved<'a>>, &'a Rules),
}

impl<'a> Filter<'a> {
    /// Its rules, in the order in which they are asked.
    pub(super) fn rules(&self) -> &[Resolved<'a>] {
        match self {
            Self::Open | Self::Closed => &[],
            Self::Rules(rules, _) => rules,
        }
    }
}

/// The first port of each run of remote ports that no rule tells apart.
fn first_ports(filters: &[Filter<'_>]) -> Vec<u16> {
    let mut cuts = vec![source_ports::REAL.0];
    for filter in filters {
        let Filter::Rules(rules, _) = filter else { continue };
        let ranges = rules.iter().filter(|rule| rule.ports != ALL).flat_map(|rule| rule.ports);
        cuts.extend(ranges.flat_map(|range| [Some(range.0), range.1.checked_add(1)]).flatten());
    }
    cuts.retain(|cut| *cut >= source_ports::REAL.0);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}
