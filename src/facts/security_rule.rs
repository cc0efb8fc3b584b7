//! Facts about single rules of network security groups: whether they can decide anything.

mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::prelude::*;

use super::address::AddressSet;
use super::command::Command;
use super::network_index::{Attached, NetworkIndex, missing};
use super::network_security_group::{Attachments, Places};
use super::nsg::{Access, Addresses, Cover, Covered, Direction, Group, Meaning, Protocol, Rule};
use super::schema::{Known, RecordType, Unread, fact_enum, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::ResourceId;

/// How many of the places that a group is attached to are shown.
const SHOWN: usize = 10;

fact_enum! {
    /// What a rule does.
    pub enum RuleAccess {
        /// It lets packets on.
        Allow => "allow",
        /// It drops them.
        Deny => "deny",
    }
}

fact_enum! {
    /// Whether a rule is about Remote Desktop.
    pub enum RuleScope {
        /// It is: an inbound rule whose ports hold the port, over TCP or UDP.
        RemoteDesktop => "remoteDesktop",
        /// It is about packets that leave.
        Outbound => "outbound",
        /// It is about other ports.
        OtherPort => "otherPort",
        /// It is about neither TCP nor UDP.
        OtherProtocol => "otherProtocol",
    }
}

facts! {
    /// A customer's rule of a network security group, and whether the rules before it leave it anything to decide.
    /// Azure's own rules (65000 and above) are neither subjects nor do they cover anything.
    pub struct SecurityRule {
        /// Its name.
        pub name: String,
        /// The group's name.
        pub network_security_group: String,
        /// 100 to 4096, smaller first; null: it was not given.
        pub priority: Option<i64>,
        /// What it does.
        pub access: Known<RuleAccess>,
        /// Whether it is about Remote Desktop.
        pub scope: Known<RuleScope>,
        /// The port that Remote Desktop listens on.
        pub port: u16,
        /// Whether every packet that it matches is matched by a rule before it, in every place that the group filters.
        /// Only rules about Remote Desktop are compared; of others it is unread.
        pub shadowed: Known<bool>,
        /// The rules before it that take all of it, as few as could be found; empty: it is not shadowed, or no packet
        /// matches it in the first place.
        pub covered_by: Vec<CoveringRule>,
        /// Whether one of them does the opposite; else a shadowed rule is only superfluous.
        pub contradicted: Known<bool>,
        /// What the group is attached to; the first ten.
        pub attached_to: Vec<String>,
        /// What is odd about how the rule is written.
        pub remarks: Vec<String>,
        /// One sentence: what the rule does not do, and why.
        pub finding: String,
        /// What to do about it; empty: it is not shadowed.
        pub mending: String,
        /// The command that deletes it, where that certainly changes nothing.
        pub delete_commands: Vec<Command>,
    }

    /// A rule before another one.
    pub struct CoveringRule {
        /// Its name.
        pub name: String,
        /// Its priority.
        pub priority: Option<i64>,
        /// What it does.
        pub access: Known<RuleAccess>,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("rule", SecurityRule::describe())]
}

/// Calls `visit` for each rule of each group, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let index = NetworkIndex::new(context.inventory, Arc::clone(&context.options.service_tags));
    let attachments = Attachments::new(context.inventory);
    let port = context.options.rdp_port;
    context.inventory.network_security_groups.rows().par_iter().for_each(|resource| {
        let Some(group) = index.group(&resource.id) else { return };
        let places = attachments.of(resource);
        let about = customs(group).any(|(direction, _, rule)| is_compared(&scope(group, direction, rule, port)));
        let meanings = if about { meanings(&index, group, &places, attachments.unread(&group.id)) } else { Vec::new() };
        let cover = Cover::new(group, meanings);
        let attached_to: Vec<String> = places.holders.values().take(SHOWN).cloned().collect();
        for (direction, i, rule) in customs(group) {
            let facts = facts(group, &cover, (direction, i, rule), &attached_to, port);
            let identity = Identity {
                kind: SubjectKind::SecurityRule,
                id: resource.id.clone(),
                name: resource.name.to_string(),
                element: Some(facts.name.clone()),
                location: resource.location.as_deref().map(Into::into),
            };
            visit(&Subject { identity, roots: vec![&facts] });
        }
    });
}

/// The customer's rules, each once: one of which the direction is not known stands among those of both.
fn customs(group: &Group) -> impl Iterator<Item = (Direction, usize, &Rule)> {
    Direction::ALL.into_iter().flat_map(|direction| {
        let rules = group.rules(direction).list.iter().enumerate().map(|(i, rule)| (i, rule.as_ref()));
        let once = move |rule: &Rule| direction == Direction::Inbound || rule.direction_known;
        rules.filter(move |(_, rule)| !rule.default && once(rule)).map(move |(i, rule)| (direction, i, rule))
    })
}

/// What words mean in each place that the group filters; where no rule uses words, one place stands for all.
fn meanings<'i>(
    index: &'i NetworkIndex<'_>,
    group: &'i Group,
    places: &Places,
    unread: Option<Unread>,
) -> Vec<Meaning<'i>> {
    static NOTHING: Attached = Attached::None;
    let scope = |subnet| index.stack(index.place(subnet), &NOTHING).scope;
    let depends =
        |side: &Addresses| side.virtual_network || side.internet || !side.groups.is_empty() || !side.tags.is_empty();
    let rules = group.inbound.list.iter().filter(|rule| !rule.default);
    let words = rules.flat_map(|rule| [&rule.remote.addresses, &rule.local.addresses]).any(depends);
    if !words || (places.subnets.is_empty() && unread.is_none()) {
        return vec![Meaning::unattached(scope(None).service_tags)];
    }
    let mut meanings: Vec<Meaning<'i>> = Vec::new();
    // Places that were not read are all alike: one stands for them.
    let mut unread = unread;
    for (subnet, addresses) in &places.subnets {
        let place = index.place(subnet.as_ref());
        if place.network.is_none() {
            unread.get_or_insert_with(|| not_read(group, subnet.as_ref()));
            continue;
        }
        let own = AddressSet::from_ranges(addresses.iter().map(|it| (*it, *it))).union(&place.prefixes);
        let meaning = Meaning::of(&scope(subnet.as_ref()), own, place.public.clone());
        if !meanings.contains(&meaning) {
            meanings.push(meaning);
        }
    }
    meanings.extend(unread.map(|unread| Meaning::unread(scope(None).service_tags, unread)));
    meanings
}

/// A subnet that the group filters and that was not read.
fn not_read(group: &Group, subnet: Option<&ResourceId>) -> Unread {
    match subnet {
        Some(id) => missing("subnet", id),
        None => Unread::new(
            format!("the subnets in which `{}` filters", group.name),
            "add the network interfaces with their IP configurations' subnets to the export",
        ),
    }
}

fn facts(
    group: &Group,
    cover: &Cover<'_>,
    (direction, i, rule): (Direction, usize, &Rule),
    attached_to: &[String],
    port: u16,
) -> SecurityRule {
    let scope = scope(group, direction, rule, port);
    let covered = is_compared(&scope).then(|| cover.of(i));
    let by: Vec<&Rule> = match &covered {
        Some(Covered::By(by)) => by.iter().filter_map(|i| group.inbound.list.get(*i)).map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    };
    let shadowed = match &covered {
        Some(Covered::By(_)) => Ok(true),
        Some(Covered::No) => Ok(false),
        Some(Covered::Unknown(unread)) => {
            Err(Unread::join(unread).unwrap_or_else(|| Unread::new("what the rules mean", "export the group again")))
        }
        None => {
            let what = format!("whether the rules before `{}` cover it", rule.name);
            Err(Unread::new(what, format!("only inbound rules on port {port} are compared")))
        }
    };
    let opposite = |it: &Rule| -> Known<bool> { Ok(access(group, it)? != access(group, rule)?) };
    let contradicted = by.iter().try_fold(false, |any, it| Ok(opposite(it)? || any));
    let (finding, mending, delete) = match &shadowed {
        Ok(true) => words::shadowed(group, rule, &by, contradicted.as_ref().ok().copied()),
        _ => (words::not_shadowed(group, rule, &shadowed), String::new(), false),
    };
    SecurityRule {
        name: rule.name.to_string(),
        network_security_group: group.name.to_string(),
        priority: rule.priority,
        access: access(group, rule),
        scope,
        port,
        shadowed,
        covered_by: by
            .iter()
            .map(|it| CoveringRule { name: it.name.to_string(), priority: it.priority, access: access(group, it) })
            .collect(),
        contradicted,
        attached_to: attached_to.to_vec(),
        remarks: rule.remarks(),
        finding,
        mending,
        delete_commands: if delete { vec![words::delete(group, rule)] } else { Vec::new() },
    }
}

/// Whether a rule may be about Remote Desktop.
fn is_compared(scope: &Known<RuleScope>) -> bool {
    scope.as_ref().map_or(true, |scope| *scope == RuleScope::RemoteDesktop)
}

fn unclear(group: &Group, rule: &Rule, what: &str) -> Unread {
    let what = format!("{what} of the rule `{}` of `{}`", rule.name, group.name);
    Unread::new(what, "look at the rule in Azure and export the group again")
}

fn access(group: &Group, rule: &Rule) -> Known<RuleAccess> {
    match rule.access {
        Some(Access::Deny) => Ok(RuleAccess::Deny),
        Some(Access::Allow | Access::AlwaysAllow) => Ok(RuleAccess::Allow),
        None => Err(unclear(group, rule, "the access")),
    }
}

/// Whether the rule is about Remote Desktop. What certainly keeps it from being so decides, whatever else is unclear.
fn scope(group: &Group, direction: Direction, rule: &Rule, port: u16) -> Known<RuleScope> {
    let protocol = Protocol::ALL.map(|it| rule.protocols.has(it));
    let protocol = (protocol[0].0 || protocol[1].0, protocol[0].1 || protocol[1].1);
    let ports = rule.local.ports.has(port);
    match (direction, protocol, ports) {
        (Direction::Outbound, ..) => Ok(RuleScope::Outbound),
        (_, (_, false), _) => Ok(RuleScope::OtherProtocol),
        (_, _, (_, false)) => Ok(RuleScope::OtherPort),
        _ if !rule.direction_known => Err(unclear(group, rule, "the direction")),
        (_, (false, _), _) => Err(unclear(group, rule, "the protocol")),
        (_, _, (false, _)) => Err(unclear(group, rule, "the ports")),
        _ => Ok(RuleScope::RemoteDesktop),
    }
}
