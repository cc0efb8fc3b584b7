//! From rules and ways in to the facts of one IP configuration.

use std::sync::Arc;

use crate::facts::address::{self, Family};
use crate::facts::command::Command;
use crate::facts::network_index::{Attached, NetworkIndex};
use crate::facts::schema::{Known, Unread};
use crate::facts::way_in::{Allocation, WayIn, WayInKind, WaysIn};
use crate::inventory::ResourceId;

use super::bounds::known;
use super::just_in_time::JustInTime;
use super::shared::{Shared, Shares, destination};
use super::site::Site;
use super::subjects::{Found, Machines};
use super::words::{self, Witness};
use super::{ClientsFact, OperatingSystem, PublicAddressFact, RdpEndpoint, ReachFact, RulesFact, WitnessFact, closing};

/// Everything that the facts of an estate's IP configurations are worked out from.
pub(super) struct Estate<'a> {
    index: &'a NetworkIndex<'a>,
    ways: WaysIn<'a>,
    pub machines: Machines<'a>,
    just_in_time: JustInTime,
    shares: Shares,
    port: u16,
}

impl<'a> Estate<'a> {
    pub fn new(index: &'a NetworkIndex<'a>, port: u16) -> Self {
        Self {
            index,
            ways: WaysIn::new(index, port),
            machines: Machines::new(index.inventory()),
            just_in_time: JustInTime::new(index.inventory(), port),
            shares: Shares::default(),
            port,
        }
    }

    /// The facts of one IP configuration.
    pub fn facts(&self, found: &Found<'_>) -> RdpEndpoint {
        let endpoint = &found.endpoint;
        let group = self.index.attached(found.group);
        let site = Site::new(self.index, found, &group, self.port);
        let ways = self.ways.of(endpoint);
        let shared = self.shares.of(&site, &ways);
        let Shared { rules, reached, at_least, at_most, open, shown, .. } = &*shared;
        let witness = shared.witness.as_ref().map(|packet| {
            let way = &ways[packet.way];
            Witness { packet, way, destination: destination(&site, way, packet.protocol) }
        });
        let closing = closing::plan(&site, self.index, &ways, shared.somebody, &shared.closing);
        let (machine, operating_system) = self.machines.of(found);
        let (group_certain, group_perhaps) = site.stack.has_group();
        let attached = [(&site.place.group, "subnet"), (&group, "interface")];
        let doubts: Vec<Unread> = ways.iter().filter_map(|way| way.doubt.clone()).collect();
        let machine_id = self.machines.id_of(found);
        RdpEndpoint {
            interface: endpoint.interface.name().to_owned(),
            ip_configuration: endpoint.configuration.name().to_owned(),
            machine,
            may_be_windows: !matches!(operating_system, Ok(OperatingSystem::Linux | OperatingSystem::NoMachine)),
            operating_system,
            private_address: endpoint.private.map(|it| address::address(it).to_string()).ok_or(site.no_address.clone()),
            port: self.port,
            words: words::port_of(&site),
            subnet: endpoint.subnet.map(ResourceId::qualified_name),
            network_security_groups: attached.into_iter().filter_map(|(it, level)| group_name(it, level)).collect(),
            may_have_network_security_group: group_certain || group_perhaps,
            has_network_security_group: known(group_certain, group_perhaps, &site.stack.unread_groups()),
            has_way_in: match ways.iter().any(|way| way.doubt.is_none()) {
                true => Ok(true),
                false => Unread::join(&doubts).map_or(Ok(false), Err),
            },
            ways_in: ways.iter().zip(open).map(|(way, open)| words::way_in(way, *open)).collect(),
            public_ipv4_at_least: at_least.count_v4() as i64,
            public_ipv4_at_most: at_most.count_v4() as i64,
            public_ipv6_at_least: address::ceiling(at_least.count_v6()),
            public_ipv6_at_most: address::ceiling(at_most.count_v6()),
            complete: complete(at_least == at_most, &reached.bounds.unread),
            public_gets_in: reached.bounds.anybody(),
            fewest_ipv4: reached.fewest.0 as i64,
            fewest_ipv6: address::ceiling(reached.fewest.1),
            sources: Arc::clone(&shown.prefixes),
            source_prefixes: shown.count as i64,
            source_tags: Arc::clone(&shown.tags),
            sources_in_words: words::sources(&shown.prefixes, shown.count, &shown.tags),
            exposure: words::exposure(&site, &ways, at_least, witness.as_ref(), &shared.deciding, &rules.remarks),
            rules: RulesFact {
                public_ipv4_at_least: rules.at_least.count_v4() as i64,
                public_ipv4_at_most: rules.at_most.count_v4() as i64,
                public_ipv6_at_least: address::ceiling(rules.at_least.count_v6()),
                public_ipv6_at_most: address::ceiling(rules.at_most.count_v6()),
                complete: complete(rules.at_least == rules.at_most, &rules.public.unread),
                sources: Arc::clone(&rules.shown.prefixes),
                source_prefixes: rules.shown.count as i64,
                source_tags: Arc::clone(&rules.shown.tags),
                decisions: Arc::clone(&rules.decisions),
                admission: words::admission(&site, &rules.at_least, &rules.protocols, &rules.letting, &rules.remarks),
            },
            clients: ClientsFact {
                may_exist: rules.inside.has_clients != Ok(false),
                exist: rules.inside.has_clients.clone(),
                addresses: Arc::clone(&rules.inside.clients),
                admitted: Arc::clone(&rules.inside.clients_admitted),
                get_in: rules.inside.clients_get_in.clone(),
            },
            reach: self.reach(&site, &shared, machine_id.as_ref()),
            just_in_time: self.just_in_time.of(&site, &rules.guards, machine_id.as_ref()),
            may_have_public_address: ways
                .iter()
                .any(|way| way.address_resource.is_some() || hides_address(way).is_some()),
            public_addresses: public_addresses(&ways),
            dynamic_address: dynamic_address(&ways),
            dynamic_addresses: dynamic_addresses(&ways),
            make_static: make_static(&ways),
            remarks: Arc::clone(&rules.remarks),
            closing: closing.text.to_owned(),
            close_commands: closing.commands,
            decisions: Arc::clone(&shared.decisions),
            parts: Arc::clone(&shared.parts),
            witness: witness.map(|it| WitnessFact {
                source: it.packet.source.map(|point| address::address(point).to_string()),
                tag: it.packet.tagged.as_ref().map(|term| words::tags(&term.tags)),
                protocol: it.packet.protocol.word().to_owned(),
                source_port: it.packet.source_port.into(),
                destination: it.destination.map(|point| address::address(point).to_string()),
                port: self.port.into(),
                way_in: words::way_in(it.way, true),
            }),
        }
    }

    /// Who reaches the machine over TCP at all, at this address or at another of the machine's.
    fn reach(&self, site: &Site<'_>, shared: &Shared, machine: Option<&ResourceId>) -> ReachFact {
        let inside = &shared.rules.inside;
        let here = known(shared.tcp.certainly, shared.tcp.perhaps, &unread_of(shared));
        let machine_reached = match (&here, machine) {
            (Ok(true), _) | (_, None) => here.clone(),
            (_, Some(machine)) => self.elsewhere(site, machine, here.clone()),
        };
        ReachFact {
            origins: Arc::clone(&inside.origins),
            by_tcp: here,
            machine_by_tcp: machine_reached,
            decisions: Arc::clone(&shared.rules.inside_decisions),
            blocked: words::blocked(site, &shared.rules.blocking, shared.rules.admit_public_by_tcp),
        }
    }

    /// Whether the machine is reached at another of its addresses, where it is not at this one.
    fn elsewhere(&self, site: &Site<'_>, machine: &ResourceId, here: Known<bool>) -> Known<bool> {
        let mut so_far = here;
        let (others, unread) = self.machines.all_of(machine);
        for found in &others {
            if found.endpoint.configuration == site.found.endpoint.configuration {
                continue;
            }
            let group = self.index.attached(found.group);
            let other = Site::new(self.index, found, &group, self.port);
            let shared = self.shares.of(&other, &self.ways.of(&found.endpoint));
            match known(shared.tcp.certainly, shared.tcp.perhaps, &unread_of(&shared)) {
                Ok(true) => return Ok(true),
                Err(unread) if so_far == Ok(false) => so_far = Err(unread),
                _ => {}
            }
        }
        match unread {
            Some(unread) if so_far == Ok(false) => Err(unread),
            _ => so_far,
        }
    }
}

fn unread_of(shared: &Shared) -> Vec<Unread> {
    shared.rules.inside.unread.iter().chain(&shared.reached.bounds.unread).cloned().collect()
}

fn complete(same: bool, unread: &[Unread]) -> Known<bool> {
    known(same, true, unread)
}

fn public_addresses(ways: &[WayIn]) -> Vec<PublicAddressFact> {
    let mut addresses: Vec<PublicAddressFact> = Vec::new();
    for way in ways {
        let Some(resource) = &way.address_resource else { continue };
        let id = resource.id.to_string();
        if !addresses.iter().any(|it| it.id == id) {
            addresses.push(PublicAddressFact {
                name: resource.id.name().to_owned(),
                id,
                address: way.public_address.map(|it| it.to_string()),
                allocation: resource.allocation.clone(),
            });
        }
    }
    addresses
}

/// The names of the addresses that certainly lead here and are dynamic.
fn dynamic_addresses(ways: &[WayIn]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for resource in ways.iter().filter(|way| way.doubt.is_none()).filter_map(|way| way.address_resource.as_ref()) {
        let name = resource.id.name();
        if resource.allocation == Ok(Allocation::Dynamic) && !names.iter().any(|it| it == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Each once: several rules may lead through one address. Basic IPv6 addresses cannot be static.
fn make_static(ways: &[WayIn]) -> Vec<Command> {
    let mut commands = Vec::new();
    let ways = ways.iter().filter(|way| way.family != Some(Family::V6));
    for command in ways.filter_map(|way| words::make_static(way.address_resource.as_ref()?)) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

/// Why a way may have a public address of which nothing is known. That of a firewall does not change.
fn hides_address(way: &WayIn) -> Option<&Unread> {
    let unknown = way.address_resource.is_none() && way.kind != WayInKind::FirewallDnat;
    way.doubt.as_ref().filter(|_| unknown)
}

/// Whether one of the addresses is dynamic.
fn dynamic_address(ways: &[WayIn]) -> Known<bool> {
    let addresses = || ways.iter().filter_map(|way| Some((way, way.address_resource.as_ref()?)));
    let mut unread: Vec<Unread> = Vec::new();
    unread.extend(ways.iter().filter_map(hides_address).cloned());
    for (way, resource) in addresses() {
        match (&resource.allocation, &way.doubt) {
            (Ok(Allocation::Static), _) => {}
            (Ok(Allocation::Dynamic), None) => return Ok(true),
            (Ok(Allocation::Dynamic), Some(missing)) | (Err(missing), _) => unread.push(missing.clone()),
        }
    }
    Unread::join(&unread).map_or(Ok(false), Err)
}

fn group_name(attached: &Attached, level: &str) -> Option<String> {
    match attached {
        Attached::None => None,
        Attached::Group(id) => Some(format!("{} ({level})", id.name())),
        Attached::Missing(unread) | Attached::Unknown(unread) => Some(format!("not read: {} ({level})", unread.what)),
    }
}
