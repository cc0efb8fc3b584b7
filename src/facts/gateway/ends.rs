//! Where the servers of gateways stand, and what filters the packets to them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::surroundings::{Map, NeighbourKind, Surroundings};
use super::text;
use crate::facts::address::{self, AddressSet, Point};
use crate::facts::ip_flow::target::all;
use crate::facts::network_index::{Attached, NetworkIndex, incomplete, missing, private_address, subnet_prefixes};
use crate::facts::nsg::{Direction, Level, Local, LocalAddress, Protocol, Stack};
use crate::facts::rdp_endpoint::subjects::Found;
use crate::facts::schema::Unread;
use crate::facts::service_tag::ServiceTags;
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::network::target;
use crate::inventory::{Inventory, Resource, ResourceId};

const INTERFACE: &str = "microsoft.network/networkinterfaces";

/// Where a server stands.
pub(super) enum Place {
    /// In that subnet of the gateway's network or of a peer.
    Subnet(ResourceId),
    /// Where no rules of Azure filter that the audit could know: on-premises, in the Internet, nowhere.
    Elsewhere,
    /// Something was not read.
    Unread(Unread),
}

/// Of a set of remote addresses, who gets through to a server.
pub(super) struct Passage {
    /// Those that certainly do not.
    pub(super) kept_out: AddressSet,
    /// Whether all the others certainly do.
    pub(super) rest_gets_in: bool,
    pub(super) unread: Vec<Unread>,
}

/// Asks about one stack, the application security groups of the end, and the name of the interface.
type About<'f, T> = dyn FnMut(&Stack<'_>, &[ResourceId], Option<&str>) -> T + 'f;

/// All that may have the address of a server, and what filters it.
pub(super) struct Ends<'a> {
    index: NetworkIndex<'a>,
    by_address: HashMap<Point, Vec<Found<'a>>>,
    /// Interfaces whose address was not read.
    without_address: HashMap<&'a ResourceId, Vec<Found<'a>>>,
    /// Subscriptions of which interfaces were read, in lower case.
    with_interfaces: HashSet<String>,
    /// Front ends of internal load balancers.
    front_ends: HashMap<(&'a ResourceId, Point), &'a str>,
    /// Private addresses of firewalls, which are no interfaces.
    firewalls: HashSet<(&'a ResourceId, Point)>,
}

/// Whether any gateway or its network names a server of clients. Without one nothing is worked out.
fn needed(inventory: &Inventory) -> bool {
    inventory.gateways.iter().any(|gateway| {
        let clients = gateway.properties.vpn_client_configuration.as_ref();
        let radius = clients.is_some_and(|it| {
            let several = it.radius_servers.iter().any(|it| text(&it.radius_server_address).is_some());
            several || text(&it.radius_server_address).is_some()
        });
        let networks = gateway.properties.networks();
        let networks = networks.iter().filter_map(|id| inventory.virtual_networks.get(id));
        let dns = |it: &crate::inventory::network::VirtualNetwork| {
            it.dhcp_options.as_ref().is_some_and(|it| !it.dns_servers.is_empty())
        };
        clients.is_some() && (radius || networks.into_iter().any(|it| dns(&it.properties)))
    })
}

impl<'a> Ends<'a> {
    /// Of an estate in which some gateway needs a server.
    pub(super) fn of(inventory: &'a Inventory, tags: &Arc<ServiceTags>) -> Option<Self> {
        if !needed(inventory) {
            return None;
        }
        let mut ends = Self {
            index: NetworkIndex::new(inventory, Arc::clone(tags)),
            by_address: HashMap::new(),
            without_address: HashMap::new(),
            with_interfaces: inventory
                .network_interfaces
                .iter()
                .map(|it| it.id.subscription().to_lowercase())
                .collect(),
            front_ends: HashMap::new(),
            firewalls: HashSet::new(),
        };
        for it in all(inventory) {
            match (it.found.endpoint.private, it.found.endpoint.subnet) {
                (Some(point), _) => ends.by_address.entry(point).or_default().push(it.found),
                (None, Some(subnet)) => ends.without_address.entry(subnet).or_default().push(it.found),
                (None, None) => {}
            }
        }
        for balancer in inventory.load_balancers.iter() {
            for it in balancer.properties.frontend_ip_configurations.iter().map(|it| &it.properties) {
                let address = it.private_ip_address.as_deref().and_then(address::parse_address);
                if let (Some(subnet), Some(address)) = (target(&it.subnet), address) {
                    ends.front_ends.insert((subnet, address), &balancer.name);
                }
            }
        }
        for it in inventory.azure_firewalls.iter().flat_map(|it| &it.properties.ip_configurations) {
            let it = &it.properties;
            let address = it.private_ip_address.as_deref().and_then(address::parse_address);
            ends.firewalls.extend(target(&it.subnet).zip(address));
        }
        Some(ends)
    }

    /// Asks `about` with what filters packets to that address in that subnet.
    fn each_stack<T>(&self, subnet: &ResourceId, address: Point, about: &mut About<'_, T>) -> Result<Vec<T>, Unread> {
        let network = subnet.parent();
        let here = |it: &&Found<'_>| it.endpoint.subnet.is_none_or(|id| id.parent() == network);
        let known: Vec<&Found<'_>> = self.by_address.get(&address).into_iter().flatten().filter(here).collect();
        if !known.is_empty() {
            let mut answers = Vec::new();
            for it in known {
                let group = self.index.attached(it.group);
                let stack = self.index.stack(self.index.place(it.endpoint.subnet), &group);
                answers.push(about(&stack, &it.member_of, Some(it.endpoint.interface.name())));
            }
            return Ok(answers);
        }
        if let Some(balancer) = self.front_ends.get(&(subnet, address)) {
            let what =
                format!("what filters the machines behind the load balancer `{balancer}` (azaudit does not follow)");
            return Err(Unread::new(what, "ask test-ip-flow about one of these machines"));
        }
        let place = self.index.place(Some(subnet));
        let interface = self.perhaps(subnet, address).map_or(Attached::None, Attached::Unknown);
        let stack = self.index.stack(place, &interface);
        // An interface that was not read may be a member of a group that rules name.
        let by_group = |level: Level<'_>| match level {
            Level::Group(group) => group.inbound.list.iter().any(|it| !it.local.addresses.groups.is_empty()),
            Level::None | Level::Unread { .. } => false,
        };
        match interface {
            Attached::Unknown(unread) if by_group(stack.admin) || by_group(stack.subnet) => Err(unread),
            _ => Ok(vec![about(&stack, &[], None)]),
        }
    }

    /// Why an interface that was not read may have that address. An input that holds interfaces of a subscription holds
    /// them all, where no gap says otherwise.
    fn perhaps(&self, subnet: &ResourceId, address: Point) -> Option<Unread> {
        if self.firewalls.contains(&(subnet, address)) {
            return None;
        }
        let without = self.without_address.get(subnet).into_iter().flatten();
        let could_have = |_: &&Found<'_>| self.index.could_have(Some(subnet), address);
        if let Some(it) = without.filter(could_have).find(|it| it.endpoint.family == address::family(address)) {
            return Some(private_address(&it.endpoint.interface));
        }
        let subscription = subnet.subscription();
        let inventory = self.index.inventory();
        incomplete(inventory, INTERFACE, "network interfaces", subscription).or_else(|| {
            let what = format!("the network interface that has the address {}", address::address(address));
            let unread = Unread::new(what, "add the network interfaces (`az network nic list`) to the input");
            (!self.with_interfaces.contains(&subscription.to_lowercase())).then_some(unread)
        })
    }

    /// Who of these gets through to the port of that address.
    pub(super) fn passage(&self, subnet: &ResourceId, end: End, remote: &AddressSet) -> Passage {
        let of = |stack: &Stack<'_>, groups: &[ResourceId]| {
            let answer = stack.admit(&end.local(groups));
            // Service tags without known addresses are public.
            let tagged = answer.at_most.tagged().flat_map(|it| it.within.ranges().iter().copied());
            let tagged = AddressSet::from_ranges(tagged).intersection(address::public());
            let possible = answer.at_most.addresses().union(&tagged);
            Passage {
                kept_out: remote.difference(&possible),
                rest_gets_in: answer.at_least.addresses().covers(&remote.intersection(&possible)),
                unread: answer.unread,
            }
        };
        match self.each_stack(subnet, end.address, &mut |stack, groups, _| of(stack, groups)) {
            // Where several interfaces have the address, each may be the one that is meant.
            Ok(several) if several.len() > 1 => {
                let mut all = several.into_iter();
                let first = all.next().unwrap_or_else(|| Passage::nothing(Vec::new()));
                all.fold(first, |a, b| Passage {
                    rest_gets_in: a.rest_gets_in && b.rest_gets_in && a.kept_out == b.kept_out,
                    kept_out: a.kept_out.intersection(&b.kept_out),
                    unread: [a.unread, b.unread].concat(),
                })
            }
            Ok(one) => one.into_iter().next().unwrap_or_else(|| Passage::nothing(Vec::new())),
            Err(unread) => Passage::nothing(vec![unread]),
        }
    }

    /// Asks with the first stack that filters that end.
    pub(super) fn with_stack(
        &self,
        subnet: &ResourceId,
        end: End,
        about: &mut dyn FnMut(&Stack<'_>, &Local<'_>, Option<&str>),
    ) {
        let mut asked = false;
        let _ = self.each_stack(subnet, end.address, &mut |stack, groups, interface| {
            if !std::mem::replace(&mut asked, true) {
                about(stack, &end.local(groups), interface);
            }
        });
    }
}

impl Passage {
    fn nothing(unread: Vec<Unread>) -> Self {
        Self { kept_out: AddressSet::EMPTY, rest_gets_in: false, unread }
    }
}

/// A port of a server.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) address: Point,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
}

impl End {
    fn local(self, groups: &[ResourceId]) -> Local<'_> {
        Local {
            direction: Direction::Inbound,
            address: LocalAddress::Known(self.address),
            own: true,
            family: address::family(self.address),
            port: self.port,
            protocol: self.protocol,
            groups,
        }
    }
}

/// Where that address is, seen from the gateway: the longest prefix around it tells.
pub(super) fn place(
    map: &Map<'_>,
    gateway: &Resource<VirtualNetworkGateway>,
    around: &Surroundings,
    address: Point,
) -> Place {
    let none = [NeighbourKind::ClientPool, NeighbourKind::CustomRoute];
    let near = around.neighbours.iter().filter(|it| !none.contains(&it.kind));
    let near = near.flat_map(|it| it.ranges.iter().map(move |range| (range, it.kind)));
    let longest = near.filter(|(range, _)| range.contains(address)).min_by_key(|(range, kind)| (range.size(), *kind));
    match longest.map(|(_, kind)| kind) {
        Some(NeighbourKind::VirtualNetwork | NeighbourKind::Peering) => in_networks(map, gateway, address),
        Some(_) => Place::Elsewhere,
        None if !address::not_public().contains(address) => Place::Elsewhere,
        None => match Unread::join(&[&around.unread[..], &around.learned].concat()) {
            Some(unread) => Place::Unread(unread),
            None => Place::Elsewhere,
        },
    }
}

fn in_networks(map: &Map<'_>, gateway: &Resource<VirtualNetworkGateway>, address: Point) -> Place {
    let inventory = map.inventory;
    let own = gateway.properties.networks();
    let peers = own.iter().flat_map(|id| map.peers(id));
    let networks: BTreeSet<&ResourceId> = own.iter().chain(peers).collect();
    for network in &networks {
        let mut subnets = inventory.subnets.children_of(network);
        if let Some(subnet) = subnets.find(|it| subnet_prefixes(&it.properties).contains(address)) {
            return Place::Subnet(subnet.id.clone());
        }
    }
    let unread = networks.iter().find(|id| inventory.virtual_networks.get(id).is_none());
    Place::Unread(match unread {
        Some(id) => missing("virtual network", id),
        None => {
            let what = format!("the subnet that holds {}", address::address(address));
            Unread::new(what, "export the virtual network with all its subnets, or correct the server's address")
        }
    })
}
