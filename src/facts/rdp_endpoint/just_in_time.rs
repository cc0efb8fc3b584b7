//! Just-in-time access: a Deny that Defender for Cloud puts into the group keeps the port closed until somebody asks,
//! and a customer's Allow with a smaller number makes it worthless.

use std::collections::HashMap;

use crate::facts::address::AddressSet;
use crate::facts::network_index::incomplete;
use crate::facts::nsg::{Access, Admission, Direction, Group, Level, Protocol, Protocols, Rule, Stack};
use crate::facts::schema::Unread;
use crate::facts::service_tag::PLATFORM;
use crate::inventory::{Inventory, ResourceId};

use super::bounds::known;
use super::site::Site;
use super::{JustInTimeFact, closing, words};

/// How Defender for Cloud (formerly Azure Security Center) names its rules.
const NAMES: [&str; 2] = ["MicrosoftDefenderForCloud-JITRule", "SecurityCenter-JITRule"];

fn is_just_in_time(rule: &Rule) -> bool {
    NAMES.iter().any(|start| rule.name.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start)))
}

fn is_deny(rule: &Rule) -> bool {
    is_just_in_time(rule) && rule.access == Some(Access::Deny)
}

/// The machines whose port just-in-time access guards.
pub(super) struct JustInTime {
    machines: HashMap<ResourceId, Protocols>,
    /// Machines of which a policy names a port that was not read.
    unclear: HashMap<ResourceId, Unread>,
    /// Why the list of policies is not complete, by subscription.
    incomplete: HashMap<String, Unread>,
}

impl JustInTime {
    pub fn new(inventory: &Inventory, port: u16) -> Self {
        let mut machines: HashMap<ResourceId, Protocols> = HashMap::new();
        let (mut unclear, mut unnamed) = (HashMap::new(), HashMap::new());
        let listed = inventory.jit_policies.iter();
        for (policy, machine) in listed.flat_map(|it| it.properties.virtual_machines.iter().map(move |vm| (it, vm))) {
            let unread = |what: &str| {
                let how = format!("read it again (`az resource show --ids {}`)", policy.id);
                Unread::new(format!("{what} of the just-in-time policy `{}`", policy.name), how)
            };
            let Some(id) = &machine.id else {
                unnamed.insert(policy.id.subscription().to_lowercase(), unread("a machine"));
                continue;
            };
            if machine.ports.iter().any(|it| it.number.is_none()) {
                unclear.insert(id.clone(), unread("a port"));
            }
            for guarded in machine.ports.iter().filter(|it| it.number == Some(port.into())) {
                let protocols = guarded.protocol.as_deref().map_or(Protocols::ANY, Protocols::new);
                let all = machines.entry(id.clone()).or_insert(protocols);
                all.tcp |= protocols.tcp;
                all.udp |= protocols.udp;
            }
        }
        let mut subscriptions = inventory.subscriptions();
        subscriptions.retain(|it| !it.is_empty());
        let list = "microsoft.security/locations/jitnetworkaccesspolicies";
        let unread = |it: String| {
            let unread = incomplete(inventory, list, "just-in-time policies", &it)?;
            Some((it, unread))
        };
        let mut incomplete: HashMap<String, Unread> = subscriptions.into_iter().filter_map(unread).collect();
        incomplete.extend(unnamed);
        Self { machines, unclear, incomplete }
    }

    /// Whether it guards the port of this interface, and who gets past it. `guards` are its rules there.
    pub fn of(&self, site: &Site<'_>, guards: &[Vec<String>; 2], machine: Option<&ResourceId>) -> JustInTimeFact {
        let mut rules: Vec<String> = guards.iter().flatten().cloned().collect();
        rules.sort();
        rules.dedup();
        let listed = machine.and_then(|id| self.machines.get(id));
        let unread = machine
            .and_then(|id| self.unclear.get(id).or_else(|| self.incomplete.get(&id.subscription().to_lowercase())));
        let unread = unread.or_else(|| may_be_guarded(site).then_some(&site.no_address));
        let on = match (listed.is_some() || !rules.is_empty(), unread) {
            (true, _) => Ok(true),
            (false, None) => Ok(false),
            (false, Some(unread)) => Err(unread.clone()),
        };
        let mut fact = JustInTimeFact {
            may_be_on: on != Ok(false),
            on,
            rules,
            bypassed: Ok(false),
            sources: Vec::new(),
            bypass: String::new(),
            commands: Vec::new(),
        };
        if fact.may_be_on {
            let nothing_known = listed.is_none() && fact.rules.is_empty();
            let guarded = Protocol::ALL.into_iter().zip(guards).filter(|(protocol, rules)| {
                nothing_known || !rules.is_empty() || listed.is_some_and(|it| it.has(*protocol).1)
            });
            let protocols: Vec<Protocol> = guarded.map(|(protocol, _)| protocol).collect();
            bypass(site, &protocols, &mut fact);
        }
        fact
    }
}

/// The names of its rules that deny the port to this end.
pub(super) fn guards(site: &Site<'_>, protocol: Protocol) -> Vec<String> {
    let groups = site.stack.levels(Direction::Inbound).into_iter().filter_map(|(_, level)| match level {
        Level::Group(group) => Some(group),
        Level::None | Level::Unread { .. } => None,
    });
    let rules = groups.flat_map(|group| group.inbound.list.iter()).filter(|rule| is_deny(rule));
    let rules = rules.filter(|rule| site.stack.names(rule, &site.own(protocol)));
    rules.map(|rule| rule.name.to_string()).collect()
}

/// Whether a rule of it may deny the port to this end, whose address was not read.
fn may_be_guarded(site: &Site<'_>) -> bool {
    site.found.endpoint.private.is_none()
        && site.stack.levels(Direction::Inbound).into_iter().any(|(_, level)| match level {
            Level::Group(group) => group.inbound.list.iter().any(|rule| {
                is_deny(rule) && Protocol::ALL.iter().any(|protocol| site.stack.may_name(rule, &site.own(*protocol)))
            }),
            Level::None | Level::Unread { .. } => false,
        })
}

/// Who gets in although nobody asked: requests that are open at the moment do not count, and Azure's own rules are
/// no customer's.
fn bypass(site: &Site<'_>, protocols: &[Protocol], fact: &mut JustInTimeFact) {
    let found = past(site, &site.stack, protocols);
    fact.bypassed = known(!found.at_least.is_empty(), !found.at_most.is_empty(), &found.unread);
    if fact.bypassed != Ok(true) {
        return;
    }
    fact.sources = found.at_least.addresses().prefixes().take(50).map(|it| it.to_string()).collect();
    fact.bypass = found.rules.iter().map(|(group, rule)| words::rule_of(rule, group)).collect::<Vec<_>>().join(" and ");
    fact.commands = closing::removing(site, &found.rules, &|stack| past(site, stack, protocols).at_least.is_empty());
}

struct Past<'s> {
    at_least: Admission,
    at_most: Admission,
    unread: Vec<Unread>,
    /// Rules of customers that let somebody past, each with its group.
    rules: Vec<(&'s Group, &'s Rule)>,
}

fn past<'s>(site: &Site<'_>, stack: &Stack<'s>, protocols: &[Protocol]) -> Past<'s> {
    let mut past =
        Past { at_least: Admission::default(), at_most: Admission::default(), unread: Vec::new(), rules: Vec::new() };
    let asked = |rule: &Rule| is_just_in_time(rule) && rule.access == Some(Access::Allow);
    let quiet = |level: Level<'s>, own: bool| match level {
        Level::Group(group) => Some(group.filtered(|rule| !asked(rule) && (own || !rule.default))),
        Level::None | Level::Unread { .. } => None,
    };
    // What an admin rule lets in past the groups is let in by no rule with a number among theirs.
    let admin = match stack.admin {
        Level::Group(group) => Some(group.without_always_allow()),
        Level::None | Level::Unread { .. } => None,
    };
    // Where one level is guarded, its rules are the ones to name: what the other admits ends at the guard.
    let guarded = [stack.subnet, stack.interface].map(|level| match level {
        Level::Group(group) => group
            .inbound
            .list
            .iter()
            .any(|rule| is_deny(rule) && protocols.iter().any(|protocol| stack.names(rule, &site.own(*protocol)))),
        Level::None | Level::Unread { .. } => false,
    });
    let platform = AddressSet::from_texts([PLATFORM]);
    let somebody = AddressSet::of(site.family()).difference(&platform);
    for judged in [0, 1] {
        if guarded[1 - judged] && !guarded[judged] {
            continue;
        }
        // A group that was not read may hold such a rule.
        let group = match [stack.subnet, stack.interface][judged] {
            Level::None => continue,
            Level::Group(group) => Some(group),
            Level::Unread { .. } => None,
        };
        let (subnet, interface) = (quiet(stack.subnet, judged != 0), quiet(stack.interface, judged != 1));
        let changed = Stack {
            admin: admin.as_ref().map_or(stack.admin, Level::Group),
            subnet: subnet.as_ref().map_or(stack.subnet, Level::Group),
            interface: interface.as_ref().map_or(stack.interface, Level::Group),
            ..*stack
        };
        for protocol in protocols {
            let local = site.own(*protocol);
            let answer = changed.admit(&local);
            past.at_most.extend(&answer.at_most.within(&somebody));
            for it in &answer.unread {
                if !past.unread.contains(it) {
                    past.unread.push(it.clone());
                }
            }
            let Some(group) = group else { continue };
            let guard = group.inbound.list.iter().filter(|rule| is_deny(rule) && changed.names(rule, &local));
            let guard = guard.filter_map(|rule| rule.priority).min().unwrap_or(i64::MAX);
            let admitted = answer.at_least.within(&somebody);
            past.at_least.extend(&admitted);
            let (addresses, by_tag) = (admitted.addresses(), admitted.tagged().next().is_some());
            for rule in group.inbound.list.iter().map(AsRef::as_ref) {
                let customers = !rule.default && !is_just_in_time(rule) && rule.access == Some(Access::Allow);
                let first = rule.priority.is_some_and(|it| it < guard);
                let lets = customers && first && changed.names(rule, &local) && {
                    let tag = by_tag && !rule.remote.addresses.tags.is_empty();
                    tag || changed.remotes(rule, &local).meets(&addresses)
                };
                if lets && !past.rules.iter().any(|(_, it)| std::ptr::eq(*it, rule)) {
                    past.rules.push((group, rule));
                }
            }
        }
    }
    past
}
