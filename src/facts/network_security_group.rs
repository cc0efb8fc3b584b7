//! Facts about network security groups as such: what they are attached to, and whom they would let in.

mod attachments;
mod close;
mod open;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::prelude::*;

use super::address;
use super::command::Command;
use super::nsg::{Group, Protocol, Rule};
use super::schema::{Known, RecordType, Unread, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::count::grouped;

pub use attachments::{Attachments, Places};
use open::{Open, World};

/// How many prefixes of the source set, and how many attachments, are shown.
const SHOWN: usize = 50;

facts! {
    /// A network security group: what it is attached to, and which public addresses its rules let through to the Remote
    /// Desktop port of a machine with a private address, taken for itself and for the machine that is most open. Where
    /// no network is, the tag `VirtualNetwork` means private addresses, and `Internet` all public ones.
    pub struct NetworkSecurityGroup {
        /// Its name.
        pub name: String,
        /// The port that Remote Desktop listens on.
        pub port: u16,
        /// Whether something is known that it is attached to: a subnet, an interface, the model of a scale set.
        pub attached: bool,
        /// What that is; the first 50.
        pub attached_to: Vec<String>,
        /// Whether it is attached to nothing; unread where a list of what could refer to it was not read.
        pub unattached: Known<bool>,
        /// How many public IPv4 addresses its rules let through, if everything unread closes.
        pub public_ipv4_at_least: i64,
        /// How many public IPv4 addresses its rules let through, if everything unread opens.
        pub public_ipv4_at_most: i64,
        /// How many public IPv6 addresses its rules let through, if everything unread closes.
        pub public_ipv6_at_least: f64,
        /// How many public IPv6 addresses its rules let through, if everything unread opens.
        pub public_ipv6_at_most: f64,
        /// True; unread where something that matters was not understood, so that the least and the most differ.
        pub complete: Known<bool>,
        /// The public addresses that certainly get through, as the fewest prefixes; the first 50 of them.
        pub sources: Vec<String>,
        /// How many prefixes `sources` has in full.
        pub source_prefixes: i64,
        /// The rule that lets the witness through; null: nobody certainly gets through.
        pub rule: Option<String>,
        /// Its priority.
        pub rule_priority: Option<i64>,
        /// One packet that gets through; null: none certainly does.
        pub witness: Option<GroupWitness>,
        /// One sentence: whom the rules would let in, and which rule.
        pub exposure: String,
        /// What is odd about how the rules on the port are written.
        pub remarks: Vec<String>,
        /// What the commands do, or why there are none and what to do by hand; empty: nothing is to be closed.
        pub closing: String,
        /// Commands after which nobody of the Internet gets through, and that open nothing; empty where there are none.
        pub close_commands: Vec<Command>,
    }

    /// One packet that a group lets through.
    pub struct GroupWitness {
        /// An address that gets through.
        pub source: String,
        /// `tcp`, `udp`.
        pub protocol: String,
        /// The port that it is sent from.
        pub source_port: i64,
        /// The address that it is sent to.
        pub destination: String,
        /// The application security group that the machine has to be a member of; null: none.
        pub member_of: Option<String>,
        /// The port that it is sent to.
        pub port: i64,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("group", NetworkSecurityGroup::describe())]
}

/// Calls `visit` for each group, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let attachments = Attachments::new(context.inventory);
    let world = World::new(Arc::clone(&context.options.service_tags));
    let port = context.options.rdp_port;
    context.inventory.network_security_groups.rows().par_iter().for_each(|resource| {
        let facts =
            facts(&Group::new(resource), &world, &attachments.of(resource), attachments.unread(&resource.id), port);
        let identity = Identity {
            kind: SubjectKind::NetworkSecurityGroup,
            id: resource.id.clone(),
            name: resource.name.to_string(),
            element: None,
            location: resource.location.as_deref().map(Into::into),
        };
        visit(&Subject { identity, roots: vec![&facts] });
    });
}

fn facts(group: &Group, world: &World, places: &Places, unread: Option<Unread>, port: u16) -> NetworkSecurityGroup {
    let open = Open::new(group, world, port);
    let attached = !places.holders.is_empty();
    let closing = if attached { close::Plan::default() } else { close::plan(group, world, port, &open) };
    let prefixes = open.widest.as_ref().map(|it| &it.sources);
    let rules = group.inbound.list.iter().filter(|rule| rule.local.ports.has(port).1);
    let decider = open.decider(group, world, port).map(|(_, rule)| rule);
    NetworkSecurityGroup {
        name: group.name.to_string(),
        port,
        attached,
        attached_to: places.holders.values().take(SHOWN).cloned().collect(),
        unattached: if attached { Ok(false) } else { unread.map_or(Ok(true), Err) },
        public_ipv4_at_least: open.least.v4 as i64,
        public_ipv4_at_most: open.most.v4 as i64,
        public_ipv6_at_least: address::ceiling(open.least.v6),
        public_ipv6_at_most: address::ceiling(open.most.v6),
        complete: match open.least == open.most {
            true => Ok(true),
            false => Err(open.missing(group)),
        },
        sources: prefixes.into_iter().flat_map(|it| it.prefixes()).take(SHOWN).map(|it| it.to_string()).collect(),
        source_prefixes: prefixes.map_or(0, |it| it.prefixes().count() as i64),
        rule: decider.map(|rule| rule.name.to_string()),
        rule_priority: decider.and_then(|rule| rule.priority),
        exposure: exposure(group, port, &open, decider),
        witness: open.widest.as_ref().and_then(|it| {
            let packet = it.packet.as_ref()?;
            Some(GroupWitness {
                source: address::address(packet.source).to_string(),
                protocol: packet.protocol.word().to_owned(),
                source_port: packet.source_port.into(),
                destination: address::address(it.end.address).to_string(),
                member_of: it.end.member_of.first().map(|id| id.name().to_owned()),
                port: port.into(),
            })
        }),
        remarks: rules.flat_map(|rule| rule.remarks()).collect(),
        closing: closing.text.to_owned(),
        close_commands: closing.commands,
    }
}

fn exposure(group: &Group, port: u16, open: &Open, decider: Option<&Rule>) -> String {
    let name = &group.name;
    let Some(widest) = &open.widest else {
        return format!("`{name}` certainly admits nobody of the Internet to port {port}");
    };
    let v6 = address::family(widest.end.address) == address::Family::V6;
    let number = if v6 { widest.sources.count_v6() } else { widest.sources.count_v4().into() };
    let who = match u64::try_from(number) {
        Ok(1) => "1 address".to_owned(),
        Ok(number) => format!("{} addresses", grouped(number)),
        Err(_) => format!("about 2^{} addresses", number.ilog2()),
    };
    let whom = match widest.end.member_of.first() {
        Some(group) => format!("members of the application security group `{}`", group.name()),
        None if widest.end.first_of_all => "every machine".to_owned(),
        None => format!("a machine such as {}", address::address(widest.end.address)),
    };
    let rule = match decider {
        Some(rule) => match rule.priority {
            Some(priority) => format!("`{}` (priority {priority}) lets them in", rule.name),
            None => format!("`{}` lets them in", rule.name),
        },
        None => "its rules let them in".to_owned(),
    };
    // Where TCP lets it in too, the protocol matters to nobody.
    let over = match widest.packet.as_ref().map(|packet| packet.protocol) {
        Some(Protocol::Udp) => " (udp)",
        _ => "",
    };
    format!(
        "`{name}` would open port {port}{over} of {whom} to {who} of the Internet as soon as it is attached: {rule}"
    )
}
