//! Whom a group lets through, taken for itself: to the private address that is most open.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::facts::address::{self, AddressSet, Point};
use crate::facts::nsg::{
    Admission, Bound, Direction, Group, Level, Local, LocalAddress, Members, Protocol, Rule, Scope, Stack,
    VirtualNetworkTag,
};
use crate::facts::schema::Unread;
use crate::facts::service_tag::{PLATFORM, ServiceTags};
use crate::inventory::ResourceId;

/// How many destinations that rules tell apart are looked at. Azure takes 1,000 rules.
const MOST_ENDS: usize = 4096;

/// What words mean where no network is.
#[derive(Debug)]
pub(super) struct World {
    internet: AddressSet,
    virtual_network: VirtualNetworkTag,
    members: HashMap<ResourceId, Members>,
    service_tags: Arc<ServiceTags>,
}

impl World {
    pub(super) fn new(service_tags: Arc<ServiceTags>) -> Self {
        // Azure's platform is part of every network.
        let platform = AddressSet::from_texts([PLATFORM]);
        let addresses = address::private().union(&platform);
        Self {
            internet: address::public().difference(&platform),
            virtual_network: VirtualNetworkTag { addresses, ..VirtualNetworkTag::default() },
            members: HashMap::new(),
            service_tags,
        }
    }

    fn stack<'s>(&'s self, group: &'s Group) -> Stack<'s> {
        Stack {
            admin: Level::None,
            subnet: Level::None,
            interface: Level::Group(group),
            scope: Scope {
                internet: &self.internet,
                virtual_network: &self.virtual_network,
                members: &self.members,
                members_unread: None,
                service_tags: &self.service_tags,
            },
        }
    }
}

/// A machine that the group could be attached to.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub address: Point,
    /// The application security group that it is a member of; one at most.
    pub member_of: Vec<ResourceId>,
    /// Whether no rule on the port names destinations.
    pub first_of_all: bool,
}

impl End {
    fn local(&self, protocol: Protocol, port: u16) -> Local<'_> {
        Local {
            direction: Direction::Inbound,
            address: LocalAddress::Known(self.address),
            own: true,
            family: address::family(self.address),
            port,
            protocol,
            groups: &self.member_of,
        }
    }
}

/// How many public addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub v4: u64,
    pub v6: u128,
}

impl Count {
    fn of(set: &AddressSet) -> Self {
        Self { v4: set.count_v4(), v6: set.count_v6() }
    }

    fn max(self, other: Self) -> Self {
        Self { v4: self.v4.max(other.v4), v6: self.v6.max(other.v6) }
    }

    /// What ranks it: whether it is a good part of the Internet, then IPv4, which people know better.
    fn weight(self) -> (bool, u64, u128) {
        (self.v4 > 1 << 24 || self.v6 > 1 << 112, self.v4, self.v6)
    }
}

/// One packet that gets through.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub source: Point,
    pub protocol: Protocol,
    pub source_port: u16,
}

/// The destination that most public addresses certainly reach.
#[derive(Clone, Debug)]
pub(super) struct Widest {
    pub end: End,
    pub sources: AddressSet,
    pub packet: Option<Packet>,
}

/// Whom the group lets through.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    /// If everything unread closes: the most over all destinations.
    pub least: Count,
    /// If everything unread opens.
    pub most: Count,
    /// `None`: nobody certainly gets through.
    pub widest: Option<Widest>,
    /// How many destinations the rules tell apart.
    pub ends: usize,
    unread: Vec<Unread>,
}

impl Open {
    pub(super) fn new(group: &Group, world: &World, port: u16) -> Self {
        let stack = world.stack(group);
        let public = &world.internet;
        let mut open = Self::default();
        let mut seen = HashSet::new();
        for end in ends(group, port) {
            let locals = Protocol::ALL.map(|protocol| end.local(protocol, port));
            let family = address::family(end.address);
            if !seen.insert((family, locals.map(|local| stack.signature(&local)))) {
                continue;
            }
            if seen.len() > MOST_ENDS {
                open.most = Count { v4: public.count_v4(), v6: public.count_v6() };
                let what = format!("whom `{}` lets in: its rules tell too many destinations apart", group.name);
                open.unread.push(Unread::new(what, "join rules, and run again"));
                break;
            }
            let (mut least, mut most) = (Admission::default(), Admission::default());
            for local in &locals {
                let answer = stack.admit(local);
                least.extend(&answer.at_least);
                most.extend(&answer.at_most);
                for unread in answer.unread.into_iter().filter(|it| !open.unread.contains(it)).collect::<Vec<_>>() {
                    open.unread.push(unread);
                }
            }
            let sources = least.addresses().intersection(public);
            let count = Count::of(&sources);
            let before = open.widest.as_ref().map(|it| Count::of(&it.sources).weight());
            if !sources.is_empty() && before.is_none_or(|before| count.weight() > before) {
                open.widest = Some(Widest { end, sources, packet: None });
            }
            open.least = open.least.max(count);
            open.most = open.most.max(Count::of(&most.addresses().intersection(public)));
        }
        open.ends = seen.len();
        if let Some(widest) = &mut open.widest {
            widest.packet = packet(&stack, widest, port);
        }
        open
    }

    /// What was not understood.
    pub(super) fn missing(&self, group: &Group) -> Unread {
        let unclear = || Unread::new(format!("what the rules of `{}` mean", group.name), "export the group again");
        Unread::join(&self.unread).unwrap_or_else(unclear)
    }

    /// The rule that lets the witness through, and its place among the inbound rules.
    pub(super) fn decider<'g>(&self, group: &'g Group, world: &World, port: u16) -> Option<(usize, &'g Rule)> {
        let widest = self.widest.as_ref()?;
        let packet = widest.packet.as_ref()?;
        let local = widest.end.local(packet.protocol, port);
        let decisions = world.stack(group).decide(&local, packet.source, packet.source_port, Bound::Lower);
        let rule = decisions.first()?.rule?;
        let mut rules = group.inbound.list.iter().map(AsRef::as_ref).enumerate();
        rules.find(|(_, it)| std::ptr::eq(*it, rule))
    }
}

/// One packet of the largest range of sources.
fn packet(stack: &Stack<'_>, widest: &Widest, port: u16) -> Option<Packet> {
    let (start, end) = *widest.sources.ranges().iter().max_by_key(|(start, end)| end - start)?;
    let source = if start < end { start + 1 } else { start };
    Protocol::ALL.into_iter().find_map(|protocol| {
        let source_port = stack.port_from(&widest.end.local(protocol, port), source)?;
        Some(Packet { source, protocol, source_port })
    })
}

/// One private destination of each kind that the rules on the port tell apart: outside of all application security
/// groups, and as a member of each one that they name.
fn ends(group: &Group, port: u16) -> impl Iterator<Item = End> {
    let about = |rule: &&Rule| {
        rule.local.ports.has(port).1 && Protocol::ALL.into_iter().any(|protocol| rule.protocols.has(protocol).1)
    };
    let rules: Vec<&Rule> = group.inbound.list.iter().map(AsRef::as_ref).filter(about).collect();
    let ranges = rules.iter().flat_map(|rule| rule.local.addresses.set.ranges());
    let cuts: BTreeSet<Point> = ranges.flat_map(|&(start, end)| [Some(start), end.checked_add(1)]).flatten().collect();
    let private = address::private();
    let first_of_all = cuts.is_empty();
    // The first address of a private range names a network and no machine; the next one is as good a one.
    let starts = private.ranges().iter().map(|(start, _)| start + u128::from(!cuts.contains(&(start + 1))));
    let addresses: BTreeSet<Point> = starts.chain(cuts.iter().copied().filter(|cut| private.contains(*cut))).collect();
    let groups: BTreeSet<ResourceId> = rules.iter().flat_map(|rule| &rule.local.addresses.groups).cloned().collect();
    let memberships = std::iter::once(Vec::new()).chain(groups.into_iter().map(|group| vec![group]));
    memberships.flat_map(move |member_of| {
        let ends = addresses.clone().into_iter();
        ends.map(move |address| End { address, member_of: member_of.clone(), first_of_all })
    })
}
