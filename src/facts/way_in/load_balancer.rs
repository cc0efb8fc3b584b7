//! Ways in through load balancers: load-balancing rules, inbound NAT rules and pools.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::inventory::arm::{Child, Sku};
use crate::inventory::network::{FrontendIpConfiguration, LoadBalancer, target};
use crate::inventory::{Inventory, Reference, Resource, ResourceId};

use super::{Endpoint, WayIn, WayInKind, closed, way};
use crate::facts::address::{self, Point};
use crate::facts::network_index::{NetworkIndex, incomplete, missing, private_address};
use crate::facts::nsg::Protocols;
use crate::facts::schema::Unread;

const LOAD_BALANCER: &str = "microsoft.network/loadbalancers";
const NETWORK: &str = "microsoft.network/virtualnetworks";

/// What leads from public front ends to the port, by what it leads to.
#[derive(Debug, Default)]
pub(super) struct LoadBalancers {
    by_pool: HashMap<ResourceId, Vec<WayIn>>,
    by_configuration: HashMap<ResourceId, Vec<WayIn>>,
    by_nat_rule: HashMap<ResourceId, Vec<WayIn>>,
    by_nat_pool: HashMap<ResourceId, Vec<WayIn>>,
    /// Inbound NAT rules and pools that were read, whatever they lead to.
    known: HashSet<ResourceId>,
    pools_of_configuration: HashMap<ResourceId, Vec<ResourceId>>,
    /// Members by address: the pool, and the network where it is named.
    members: HashMap<Point, Vec<(ResourceId, Option<ResourceId>)>>,
    /// Members by address in a network, each with its pool.
    members_in: HashMap<ResourceId, BTreeSet<(Point, ResourceId)>>,
    /// IP configurations of scale sets' machines, by what the model calls them.
    of_models: HashMap<String, Vec<ResourceId>>,
    /// Why a list of load balancers is not complete, by subscription.
    incomplete: HashMap<String, Unread>,
}

/// What a load balancer's rule does with a port, as far as it is said.
struct Ports {
    certain: bool,
    possible: bool,
}

/// Where a rule's traffic ends: floating IP keeps the front end's port, and port 0 with protocol `All` is every port.
fn ports(protocol: Option<&str>, front: Option<i64>, back: Option<i64>, floating: bool, port: u16) -> Ports {
    let all = protocol.is_some_and(|it| it.eq_ignore_ascii_case("all") || it == "*");
    let wanted = i64::from(port);
    match if floating { front } else { back } {
        Some(0) if all => Ports { certain: true, possible: true },
        Some(it) => Ports { certain: it == wanted, possible: it == wanted },
        None => Ports { certain: false, possible: true },
    }
}

fn port(number: i64) -> Option<u16> {
    number.try_into().ok()
}

/// Adds the configuration under each key once, so that both sides of a membership may name it.
fn push_once<K: Eq + std::hash::Hash, V: PartialEq>(map: &mut HashMap<K, Vec<V>>, key: K, value: V) {
    let values = map.entry(key).or_default();
    if !values.contains(&value) {
        values.push(value);
    }
}

impl LoadBalancers {
    pub(super) fn new(inventory: &Inventory, port: u16) -> Self {
        let mut read = Self::default();
        for balancer in inventory.load_balancers.iter() {
            read.add_rules(inventory, balancer, port);
            read.add_members(balancer);
        }
        let named: BTreeSet<&ResourceId> =
            read.pools_of_configuration.keys().chain(read.by_configuration.keys()).collect();
        for configuration in named {
            if let Some((set, rest)) = configuration.key().split_once("/virtualmachines/")
                && let [_, "networkinterfaces", interface, "ipconfigurations", name] =
                    rest.split('/').collect::<Vec<_>>()[..]
            {
                read.of_models.entry(model_key(set, interface, name)).or_default().push(configuration.clone());
            }
        }
        let subscriptions: HashSet<&str> = inventory.network_interfaces.iter().map(|it| it.id.subscription()).collect();
        let sets = inventory.scale_sets.iter().map(|it| it.id.subscription());
        for subscription in subscriptions.into_iter().chain(sets) {
            if let Some(unread) = incomplete(inventory, LOAD_BALANCER, "load balancers", subscription) {
                read.incomplete.insert(subscription.to_lowercase(), unread);
            }
        }
        read
    }

    fn add_rules(&mut self, inventory: &Inventory, balancer: &Resource<LoadBalancer>, wanted: u16) {
        let properties = &balancer.properties;
        for rule in &properties.load_balancing_rules {
            let it = &rule.properties;
            let floating = it.enable_floating_ip == Some(true);
            let ends = ports(it.protocol.as_deref(), it.frontend_port, it.backend_port, floating, wanted);
            let (kind, front) = (WayInKind::LoadBalancingRule, &it.frontend_ip_configuration);
            let Some(mut way) = lead(inventory, balancer, kind, &rule.name, front, &ends, wanted) else { continue };
            way.floating = floating;
            way.protocols = protocols(it.protocol.as_deref());
            way.front_end_ports = match it.frontend_port {
                Some(0) => Some((wanted, wanted)),
                other => other.and_then(port).map(|it| (it, it)),
            };
            let pools = it.backend_address_pool.iter().chain(&it.backend_address_pools);
            for pool in pools.filter_map(|pool| pool.id.clone()).collect::<BTreeSet<_>>() {
                self.by_pool.entry(pool).or_default().push(way.clone());
            }
        }
        for rule in &properties.inbound_nat_rules {
            let it = &rule.properties;
            let id = rule.id.clone().unwrap_or_else(|| balancer.id.child("inboundNatRules", &rule.name));
            self.known.insert(id.clone());
            let floating = it.enable_floating_ip == Some(true);
            let ends = ports(it.protocol.as_deref(), it.frontend_port, it.backend_port, floating, wanted);
            let (kind, front) = (WayInKind::InboundNatRule, &it.frontend_ip_configuration);
            let Some(mut way) = lead(inventory, balancer, kind, &rule.name, front, &ends, wanted) else { continue };
            way.floating = floating;
            way.protocols = protocols(it.protocol.as_deref());
            let range = it.frontend_port_range_start.and_then(port).zip(it.frontend_port_range_end.and_then(port));
            let single = it.frontend_port.filter(|it| *it != 0).and_then(port).map(|it| (it, it));
            way.front_end_ports = single.or(range);
            if let Some(pool) = target(&it.backend_address_pool) {
                self.by_pool.entry(pool.clone()).or_default().push(way.clone());
            }
            if let Some(configuration) = target(&it.backend_ip_configuration) {
                self.by_configuration.entry(configuration.clone()).or_default().push(way.clone());
            }
            self.by_nat_rule.entry(id).or_default().push(way);
        }
        for pool in &properties.inbound_nat_pools {
            let it = &pool.properties;
            let id = pool.id.clone().unwrap_or_else(|| balancer.id.child("inboundNatPools", &pool.name));
            self.known.insert(id.clone());
            let ends = ports(it.protocol.as_deref(), None, it.backend_port, false, wanted);
            let (kind, front) = (WayInKind::InboundNatPool, &it.frontend_ip_configuration);
            let Some(mut way) = lead(inventory, balancer, kind, &pool.name, front, &ends, wanted) else { continue };
            way.protocols = protocols(it.protocol.as_deref());
            let range = it.frontend_port_range_start.and_then(port).zip(it.frontend_port_range_end.and_then(port));
            way.front_end_ports = range;
            self.by_nat_pool.entry(id).or_default().push(way);
        }
    }

    fn add_members(&mut self, balancer: &Resource<LoadBalancer>) {
        for pool in &balancer.properties.backend_address_pools {
            let id = pool.id.clone().unwrap_or_else(|| balancer.id.child("backendAddressPools", &pool.name));
            let members = &pool.properties;
            for configuration in members.backend_ip_configurations.iter().filter_map(|it| it.id.clone()) {
                push_once(&mut self.pools_of_configuration, configuration, id.clone());
            }
            for member in members.load_balancer_backend_addresses.iter().map(|it| &it.properties) {
                if let Some(configuration) = target(&member.network_interface_ip_configuration) {
                    push_once(&mut self.pools_of_configuration, configuration.clone(), id.clone());
                }
                let Some(point) = member.ip_address.as_deref().and_then(address::parse_address) else { continue };
                let subnet = target(&member.subnet).and_then(|subnet| subnet.ancestor(NETWORK));
                let network = [&member.virtual_network, &members.virtual_network].into_iter().find_map(target).cloned();
                let network = network.or(subnet);
                if let Some(network) = &network {
                    self.members_in.entry(network.clone()).or_default().insert((point, id.clone()));
                }
                push_once(&mut self.members, point, (id.clone(), network));
            }
        }
    }

    /// The ways in to an IP configuration through load balancers.
    pub(super) fn of(&self, index: &NetworkIndex<'_>, endpoint: &Endpoint<'_>, port: u16, ways: &mut Vec<WayIn>) {
        let inventory = index.inventory();
        let mut found = Found { ways, seen: HashSet::new() };
        let configurations = self.configurations_of(endpoint);
        for configuration in configurations {
            for pool in self.pools_of_configuration.get(configuration).into_iter().flatten() {
                found.add(self.by_pool.get(pool), None);
            }
            found.add(self.by_configuration.get(configuration), None);
        }
        for pool in endpoint.pools.iter().filter_map(|pool| pool.id.as_ref()) {
            if unread(inventory, pool, port, &mut found) {
                continue;
            }
            found.add(self.by_pool.get(pool), None);
        }
        self.add_members_by_address(index, endpoint, &mut found);
        for rule in endpoint.nat_rules.iter().filter_map(|rule| rule.id.as_ref()) {
            if unread(inventory, rule, port, &mut found) {
                continue;
            }
            let pool = nat_pool_of(rule).filter(|pool| self.known.contains(pool));
            match pool {
                _ if self.known.contains(rule) => found.add(self.by_nat_rule.get(rule), None),
                Some(pool) => found.add(self.by_nat_pool.get(&pool), None),
                None => found.add_unread(rule, missing("inbound NAT rule", rule), port),
            }
        }
        for pool in endpoint.nat_pools.iter().filter_map(|pool| pool.id.as_ref()) {
            if unread(inventory, pool, port, &mut found) {
                continue;
            }
            if !self.known.contains(pool) {
                found.add_unread(pool, missing("inbound NAT pool", pool), port);
            }
            found.add(self.by_nat_pool.get(pool), None);
        }
        if let Some(missing) = self.incomplete.get(&endpoint.interface.subscription().to_lowercase()) {
            found.add_unread(&endpoint.interface, missing.clone(), port);
        }
    }

    /// The ids under which a load balancer names this IP configuration: of a model, those of all its machines.
    fn configurations_of<'i>(&'i self, endpoint: &'i Endpoint<'_>) -> &'i [ResourceId] {
        let Some(set) = endpoint.model_of else { return std::slice::from_ref(&endpoint.configuration) };
        let (interface, name) = (endpoint.interface.name(), endpoint.configuration.name());
        self.of_models.get(&model_key(&set.key(), interface, name)).map_or(&[], Vec::as_slice)
    }

    fn add_members_by_address(&self, index: &NetworkIndex<'_>, endpoint: &Endpoint<'_>, found: &mut Found<'_>) {
        let network = endpoint.subnet.and_then(|subnet| subnet.ancestor(NETWORK));
        let Some(point) = endpoint.private else {
            let members = network.as_ref().and_then(|network| self.members_in.get(network)).into_iter().flatten();
            for (_, pool) in members.filter(|(point, _)| index.could_have(endpoint.subnet, *point)) {
                let doubt = private_address(&endpoint.interface);
                found.add(self.by_pool.get(pool), Some(&doubt));
            }
            return;
        };
        for (pool, of) in self.members.get(&point).into_iter().flatten() {
            match (of, &network) {
                (Some(of), Some(network)) if of != network => {}
                (Some(_), Some(_)) => found.add(self.by_pool.get(pool), None),
                _ => {
                    let what = format!("the network of the members by address of the back-end pool `{}`", pool.name());
                    let doubt = Unread::new(what, "export the load balancer and the interface with their networks");
                    found.add(self.by_pool.get(pool), Some(&doubt));
                }
            }
        }
    }
}

/// What a model calls the IP configuration of each of its machines.
fn model_key(set: &str, interface: &str, name: &str) -> String {
    format!("{set}|{interface}|{name}").to_lowercase()
}

/// Collects ways in, each rule once.
struct Found<'w> {
    ways: &'w mut Vec<WayIn>,
    seen: HashSet<(ResourceId, Box<str>, &'static str)>,
}

impl Found<'_> {
    fn add(&mut self, ways: Option<&Vec<WayIn>>, doubt: Option<&Unread>) {
        for way in ways.into_iter().flatten() {
            if self.seen.insert((way.through.clone(), way.name.clone(), way.kind.word())) {
                let mut way = way.clone();
                way.doubt = way.doubt.or_else(|| doubt.cloned());
                self.ways.push(way);
            }
        }
    }

    fn add_unread(&mut self, id: &ResourceId, missing: Unread, port: u16) {
        let mut way = way(WayInKind::LoadBalancingRule, id.clone(), port);
        way.front_end_ports = None;
        way.closed_without_group = Err(missing.clone());
        way.doubt = Some(missing);
        self.ways.push(way);
    }
}

/// Whether the load balancer that this is a part of was not read.
fn unread(inventory: &Inventory, part: &ResourceId, port: u16, found: &mut Found<'_>) -> bool {
    let Some(balancer) = part.ancestor(LOAD_BALANCER) else { return false };
    let unread = inventory.load_balancers.get(&balancer).is_none();
    if unread && found.seen.insert((balancer.clone(), "".into(), "unread")) {
        found.add_unread(&balancer, missing("load balancer", &balancer), port);
    }
    unread
}

/// `…/inboundNatRules/POOL.3` is what an inbound NAT pool makes for the fourth machine.
fn nat_pool_of(rule: &ResourceId) -> Option<ResourceId> {
    let (pool, number) = rule.name().rsplit_once('.')?;
    number.parse::<u32>().ok()?;
    Some(rule.parent()?.child("inboundNatPools", pool))
}

fn protocols(text: Option<&str>) -> Protocols {
    text.map_or(Protocols { unreadable: true, ..Protocols::default() }, Protocols::new)
}

/// A way from the front end to the port; `None`: it certainly does not lead from the Internet to there.
fn lead(
    inventory: &Inventory,
    balancer: &Resource<LoadBalancer>,
    kind: WayInKind,
    name: &str,
    front: &Option<Reference>,
    ends: &Ports,
    port: u16,
) -> Option<WayIn> {
    if !ends.possible {
        return None;
    }
    let front_ends = &balancer.properties.frontend_ip_configurations;
    let front = target(front);
    let front = front.and_then(|front| front_ends.iter().find(|it| it.name.eq_ignore_ascii_case(front.name())));
    let mut way = way(kind, balancer.id.clone(), port);
    way.name = name.into();
    way.closed_without_group = closed(sku(inventory, balancer, front), &balancer.id);
    let doubt = |what: &str| {
        let what = format!("{what} of the rule `{name}` of the load balancer `{}`", balancer.name);
        Some(Unread::new(what, format!("read the load balancer again (`az resource show --ids {}`)", balancer.id)))
    };
    if !ends.certain {
        way.doubt = doubt("the back-end port");
    }
    let Some(front) = front.map(|front| &front.properties) else {
        way.doubt = doubt("the front end");
        return Some(way);
    };
    if let Some(id) = target(&front.public_ip_address) {
        way.take_address(inventory, id);
    } else if target(&front.public_ip_prefix).is_none() {
        if front.private_ip_address.is_some() || target(&front.subnet).is_some() {
            return None;
        }
        way.doubt = doubt("the address of the front end");
    }
    Some(way)
}

/// The SKU; where it is not said, that of the front end's address: both are always the same.
fn sku<'a>(
    inventory: &'a Inventory,
    balancer: &'a Resource<LoadBalancer>,
    front: Option<&'a Child<FrontendIpConfiguration>>,
) -> Option<&'a Sku> {
    balancer.sku.as_ref().or_else(|| {
        let id = target(&front?.properties.public_ip_address)?;
        inventory.public_ip_addresses.get(id)?.sku.as_ref()
    })
}
