//! Ways in through Azure Firewall: DNAT rules of the firewall itself, of its policy and of the policies above it.
//!
//! Azure Firewall translates the source as well, so an interface's rules see an address of AzureFirewallSubnet.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use crate::inventory::network::{AzureFirewall, FirewallNatRule, FirewallProtocol, target};
use crate::inventory::{Inventory, Resource, ResourceId};

use super::{Endpoint, Sources, WayIn, WayInKind, address_of, way};
use crate::facts::address::{self, AddressSet, Family, Point};
use crate::facts::network_index::{NetworkIndex, incomplete, missing, private_address, stands_for, subnet_prefixes};
use crate::facts::nsg::{Addresses, Protocols};
use crate::facts::schema::Unread;

const NETWORK: &str = "microsoft.network/virtualnetworks";

/// DNAT rules that end at the port.
#[derive(Debug, Default)]
pub(super) struct Firewalls {
    by_address: HashMap<Point, Vec<Dnat>>,
    /// Rules of which the address is not known, and firewalls whose rules were not read.
    anywhere: Vec<Dnat>,
    /// Why a list is not complete, by subscription.
    incomplete: HashMap<String, Unread>,
}

/// A DNAT rule, and where its firewall stands.
#[derive(Clone, Debug)]
struct Dnat {
    way: WayIn,
    network: Option<ResourceId>,
    hub: Option<ResourceId>,
    /// Whether the firewall's subnet was read; else its addresses lie somewhere in its network.
    subnet_read: bool,
}

impl Firewalls {
    pub(super) fn new(index: &NetworkIndex<'_>, port: u16) -> Self {
        let inventory = index.inventory();
        let mut read = Self::default();
        for firewall in inventory.azure_firewalls.iter() {
            read.add(index, firewall, port);
        }
        let networks = inventory.virtual_networks.iter().flat_map(|network| {
            let peers = index.network(&network.id).into_iter().flat_map(|network| network.peers.keys());
            std::iter::once(&network.id).chain(peers)
        });
        let interfaces = inventory.network_interfaces.iter().map(|it| &it.id);
        let subscriptions: BTreeSet<String> =
            networks.chain(interfaces).map(|id| id.subscription().to_lowercase()).collect();
        for subscription in subscriptions {
            let unread = incomplete(inventory, "microsoft.network/azurefirewalls", "firewalls", &subscription);
            read.incomplete.extend(unread.map(|unread| (subscription, unread)));
        }
        read
    }

    fn add(&mut self, index: &NetworkIndex<'_>, firewall: &Resource<AzureFirewall>, port: u16) {
        let inventory = index.inventory();
        let Some(place) = Standing::new(index, firewall) else { return };
        let it = &firewall.properties;
        let mut unread = Vec::new();
        for collection in &it.nat_rule_collections {
            for rule in &collection.properties.rules {
                self.add_rule(inventory, firewall, &place, rule, port);
            }
        }
        let mut next = target(&it.firewall_policy);
        let mut seen = HashSet::new();
        while let Some(id) = next.filter(|id| seen.insert((*id).clone())) {
            let groups: Vec<_> = inventory.rule_collection_groups.children_of(id).collect();
            for rule in groups.iter().flat_map(|group| &group.properties.rule_collections).filter(|it| is_nat(it)) {
                for rule in &rule.rules {
                    self.add_rule(inventory, firewall, &place, rule, port);
                }
            }
            let Some(policy) = inventory.firewall_policies.get(id) else {
                unread.push(missing("firewall policy", id));
                break;
            };
            let groups = policy.properties.rule_collection_groups.iter().filter_map(|group| group.id.as_ref());
            let absent = groups.filter(|group| inventory.rule_collection_groups.get(group).is_none());
            unread.extend(absent.map(|group| missing("rule collection group", group)));
            let list = "microsoft.network/firewallpolicies/rulecollectiongroups";
            unread.extend(incomplete(inventory, list, "rule collection groups", id.subscription()));
            next = target(&policy.properties.base_policy);
        }
        for unread in unread {
            let mut dnat = place.dnat(firewall, firewall.name.as_ref(), port);
            dnat.way.front_end_ports = None;
            dnat.way.sources = Some(anybody_or_nobody(&unread));
            dnat.way.doubt = Some(unread);
            self.anywhere.push(dnat);
        }
    }

    fn add_rule(
        &mut self,
        inventory: &Inventory,
        firewall: &Resource<AzureFirewall>,
        place: &Standing,
        rule: &FirewallNatRule,
        port: u16,
    ) {
        let name = rule.name.as_deref().unwrap_or("without a name");
        let mut dnat = place.dnat(firewall, name, port);
        let doubt = |what: &str| {
            let what = format!("{what} of the DNAT rule `{name}` of the firewall `{}`", firewall.name);
            Some(Unread::new(what, "look at the rule in Azure and export the firewall and its policy again"))
        };
        match rule.translated_port.as_deref().map(|text| text.trim().parse::<u16>()) {
            Some(Ok(it)) if it == port => {}
            Some(Ok(_)) => return,
            _ => dnat.way.doubt = doubt("the translated port"),
        }
        if !place.is_public(&rule.destination_addresses, &mut dnat.way) {
            return;
        }
        let own = rule.protocols.iter().filter_map(FirewallProtocol::name);
        let protocols: Vec<&str> = own.chain(rule.ip_protocols.iter().map(|it| &**it)).collect();
        if !protocols.is_empty() {
            dnat.way.protocols = Protocols::new(&protocols.join(","));
        }
        dnat.way.front_end_ports = front_end_ports(&rule.destination_ports);
        dnat.way.sources = Some(sources(inventory, rule, name));
        match rule.translated_address.as_deref().map(address::parse_address) {
            Some(Some(point)) => self.by_address.entry(point).or_default().push(dnat),
            _ => {
                dnat.way.doubt = doubt("the translated address");
                self.anywhere.push(dnat);
            }
        }
    }

    /// The ways in to an IP configuration through firewalls.
    pub(super) fn of(&self, index: &NetworkIndex<'_>, endpoint: &Endpoint<'_>, ways: &mut Vec<WayIn>) {
        let network = endpoint.subnet.and_then(|subnet| subnet.ancestor(NETWORK));
        let mut add = |dnat: &Dnat, doubt: Option<Unread>| {
            let doubt = match dnat.reaches(index, network.as_ref()) {
                (_, false) => return,
                (true, true) => doubt,
                (false, true) => doubt.or_else(|| {
                    let what = format!("whether the firewall `{}` reaches the network", dnat.way.through.name());
                    Some(Unread::new(what, "add both virtual networks with their peerings to the export"))
                }),
            };
            let mut way = dnat.way.clone();
            way.doubt = way.doubt.or(doubt);
            let announced = dnat.network.as_ref().zip(network.as_ref());
            let announced = announced.and_then(|(from, to)| index.network(to)?.peers.get(from));
            if let Some(space) = announced.filter(|space| !dnat.subnet_read && !space.is_empty()) {
                way.seen_as = Some(space.clone());
            }
            ways.push(way);
        };
        match endpoint.private {
            Some(point) => self.by_address.get(&point).into_iter().flatten().for_each(|dnat| add(dnat, None)),
            None => {
                let mut near: Vec<_> = self.by_address.iter().collect();
                near.sort_by_key(|(point, _)| **point);
                let near = near.into_iter().filter(|(point, _)| index.could_have(endpoint.subnet, **point));
                near.flat_map(|(_, rules)| rules)
                    .for_each(|dnat| add(dnat, Some(private_address(&endpoint.interface))));
            }
        }
        self.anywhere.iter().for_each(|dnat| add(dnat, None));
        let peers = network.iter().filter_map(|id| index.network(id)).flat_map(|network| network.peers.keys());
        let near = network.iter().chain(peers).chain([&endpoint.interface]);
        let subscriptions: BTreeSet<String> = near.map(|id| id.subscription().to_lowercase()).collect();
        for unread in subscriptions.iter().filter_map(|it| self.incomplete.get(it)) {
            let mut way = way(WayInKind::FirewallDnat, endpoint.interface.clone(), 0);
            way.front_end_ports = None;
            way.seen_as = Some(AddressSet::of(Family::V4));
            way.sources = Some(anybody_or_nobody(unread));
            way.doubt = Some(unread.clone());
            ways.push(way);
        }
    }
}

impl Dnat {
    /// Whether the firewall reaches a network: for certain, and perhaps.
    fn reaches(&self, index: &NetworkIndex<'_>, network: Option<&ResourceId>) -> (bool, bool) {
        if let Some(hub) = &self.hub {
            let peers = network.and_then(|id| index.network(id)).into_iter().flat_map(|network| network.peers.keys());
            return (peers.into_iter().any(|peer| stands_for(peer, hub)), true);
        }
        let (Some(from), Some(to)) = (&self.network, network) else { return (false, true) };
        let peered = |a: &ResourceId, b: &ResourceId| index.network(a).is_some_and(|it| it.peers.contains_key(b));
        if from == to || peered(from, to) || peered(to, from) {
            return (true, true);
        }
        let read = |id: &ResourceId| index.network(id).is_some_and(|it| it.read);
        (false, !read(from) && !read(to))
    }
}

/// Where a firewall stands, and its public addresses.
struct Standing {
    network: Option<ResourceId>,
    hub: Option<ResourceId>,
    /// The addresses that machines see.
    subnet: AddressSet,
    subnet_read: bool,
    public: Vec<IpAddr>,
    /// Why there may be more public addresses.
    public_unread: Option<Unread>,
}

impl Standing {
    /// `None`: it has no public address, so nobody comes in.
    fn new(index: &NetworkIndex<'_>, firewall: &Resource<AzureFirewall>) -> Option<Self> {
        let inventory = index.inventory();
        let configurations = || firewall.properties.ip_configurations.iter().map(|it| &it.properties);
        let mut place = Self {
            network: None,
            hub: None,
            subnet: AddressSet::of(Family::V4),
            subnet_read: false,
            public: Vec::new(),
            public_unread: None,
        };
        for id in configurations().filter_map(|it| target(&it.public_ip_address)) {
            match inventory.public_ip_addresses.get(id) {
                Some(address) => place.public.extend(address_of(address)),
                None => place.public_unread = Some(missing("public IP address", id)),
            }
        }
        let named = configurations().any(|it| target(&it.public_ip_address).is_some());
        if let Some(hub) = target(&firewall.properties.virtual_hub) {
            place.hub = Some(hub.clone());
            // Its public addresses and its subnet belong to the hub.
            place.public_unread = Some(Unread::new("the public addresses of the hub's firewall", "look at the hub"));
            return Some(place);
        }
        if !named {
            return None;
        }
        let subnet = configurations().find_map(|it| target(&it.subnet));
        place.network = subnet.and_then(|subnet| subnet.ancestor(NETWORK));
        let prefixes = subnet.and_then(|subnet| inventory.subnets.get(subnet));
        let prefixes = prefixes.map(|subnet| subnet_prefixes(&subnet.properties)).filter(|it| !it.is_empty());
        place.subnet_read = prefixes.is_some();
        place.subnet = prefixes.unwrap_or(place.subnet);
        Some(place)
    }

    fn dnat(&self, firewall: &Resource<AzureFirewall>, rule: &str, port: u16) -> Dnat {
        let mut way = way(WayInKind::FirewallDnat, firewall.id.clone(), port);
        way.name = rule.into();
        way.seen_as = Some(self.subnet.clone());
        way.public_address = self.public.first().copied();
        Dnat { way, network: self.network.clone(), hub: self.hub.clone(), subnet_read: self.subnet_read }
    }

    /// Whether packets to these destinations come from the Internet to this firewall. A policy may serve several
    /// firewalls, and its rules name the addresses of all of them.
    fn is_public(&self, destinations: &[Box<str>], way: &mut WayIn) -> bool {
        if destinations.is_empty() || destinations.iter().any(|text| text.trim() == "*") {
            return true;
        }
        let named = AddressSet::from_texts(destinations.iter().map(|text| &**text));
        if let Some(address) = self.public.iter().find(|it| named.contains(address::point(**it))) {
            way.public_address = Some(*address);
            return true;
        }
        let public = named.difference(address::not_public());
        way.public_address = public.ranges().first().map(|range| address::address(range.0));
        way.address_unread = self.public_unread.clone();
        !public.is_empty() && (self.public_unread.is_some() || self.public.is_empty())
    }
}

fn is_nat(collection: &crate::inventory::network::RuleCollection) -> bool {
    let ty = collection.rule_collection_type.as_deref();
    match ty {
        Some(ty) => ty.to_ascii_lowercase().contains("nat"),
        None => collection.rules.iter().any(|rule| rule.translated_port.is_some()),
    }
}

fn front_end_ports(texts: &[Box<str>]) -> Option<(u16, u16)> {
    let [text] = texts else { return None };
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
}

/// Who may use rules that were not read: a rule may name any sources.
fn anybody_or_nobody(unread: &Unread) -> Sources {
    Sources { at_least: AddressSet::EMPTY, at_most: AddressSet::all(), tags: Vec::new(), unread: vec![unread.clone()] }
}

/// Who may use a DNAT rule.
fn sources(inventory: &Inventory, rule: &FirewallNatRule, name: &str) -> Sources {
    let none = rule.source_addresses.is_empty() && rule.source_ip_groups.is_empty();
    let mut texts: Vec<Box<str>> = rule.source_addresses.to_vec();
    let mut unread = Vec::new();
    for id in rule.source_ip_groups.iter().map(|id| ResourceId::new(id)) {
        match inventory.ip_groups.get(&id) {
            Some(group) => texts.extend(group.properties.ip_addresses.iter().cloned()),
            None => unread.push(missing("IP group", &id)),
        }
    }
    let read = match (none, texts.is_empty()) {
        (true, _) => Addresses::any(),
        (false, true) => Addresses::default(),
        (false, false) => Addresses::new(None, &texts, &[]),
    };
    if let Some(text) = &read.unreadable {
        let what = format!("the source `{text}` of the DNAT rule `{name}`");
        unread.push(Unread::new(what, "look at the rule in Azure and export the firewall and its policy again"));
    }
    let any = read.is_any();
    let mut at_least = read.set;
    if any {
        at_least = AddressSet::all();
    } else if read.internet {
        at_least = at_least.union(address::public());
    }
    let at_most = if unread.is_empty() { at_least.clone() } else { AddressSet::all() };
    Sources { at_least, at_most, tags: read.tags, unread }
}
