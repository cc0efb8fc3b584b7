//! The networks around the clients of a gateway: what they reach through it, and what their pool must keep clear of.

use std::collections::{BTreeSet, HashMap};

use super::ranges::Range;
use super::text;
use crate::facts::network_index::{incomplete, missing, stands_for};
use crate::facts::schema::{Known, Unread, fact_enum};
use crate::inventory::arm::AddressSpace;
use crate::inventory::gateway::{Connection, P2sVpnGateway, VirtualNetworkGateway};
use crate::inventory::network::{Peering, target};
use crate::inventory::{Inventory, Resource, ResourceId};

const CONNECTION: &str = "microsoft.network/connections";
const GATEWAY: &str = "microsoft.network/virtualnetworkgateways";

fact_enum! {
    /// What a network near a gateway is to it.
    pub enum NeighbourKind {
        /// The gateway's own virtual network.
        VirtualNetwork => "virtualNetwork",
        /// The Virtual WAN hub that the gateway stands in.
        VirtualHub => "virtualHub",
        /// A virtual network on the other side of a peering that stands.
        Peering => "peering",
        /// A virtual network on the other side of a connection between gateways.
        ConnectedNetwork => "connectedNetwork",
        /// The prefixes of a local network gateway that a connection leads to.
        OnPremises => "onPremises",
        /// The address pool of another gateway.
        ClientPool => "clientPool",
        /// Prefixes that the gateway announces to its clients beside the networks' own (`customRoutes`).
        CustomRoute => "customRoute",
    }
}

/// The prefixes of one network near a gateway.
#[derive(Clone, Debug)]
pub(super) struct Neighbour {
    pub(super) kind: NeighbourKind,
    pub(super) name: String,
    pub(super) ranges: Vec<Range>,
    /// Whether its prefixes are announced to the clients.
    pub(super) announced: Known<bool>,
}

impl Neighbour {
    /// `the peered network spoke`.
    pub(super) fn words(&self) -> String {
        let name = &self.name;
        match self.kind {
            NeighbourKind::VirtualNetwork => format!("its own network {name}"),
            NeighbourKind::VirtualHub => format!("its own virtual hub {name}"),
            NeighbourKind::Peering => format!("the peered network {name}"),
            NeighbourKind::ConnectedNetwork => format!("the connected network {name}"),
            NeighbourKind::OnPremises => format!("the on-premises network {name}"),
            NeighbourKind::ClientPool => format!("the client pool of {name}"),
            NeighbourKind::CustomRoute => "its custom routes".to_owned(),
        }
    }
}

/// Everything that is known to lie around a gateway, and why that may not be all.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) neighbours: Vec<Neighbour>,
    /// Networks whose prefixes were not read, or not all of them.
    pub(super) unread: Vec<Unread>,
    /// Gateways near by that were not read: they may have pools.
    pub(super) pools_unread: Vec<Unread>,
    /// Custom routes that could not be read: what they announce, no pool has to keep clear of.
    pub(super) routes_unread: Vec<Unread>,
    /// Sites that say by BGP what they are reached at, which no resource holds.
    pub(super) learned: Vec<Unread>,
}

impl Surroundings {
    fn add(&mut self, kind: NeighbourKind, name: &str, texts: &[&str], announced: Known<bool>) {
        let mut ranges = Vec::new();
        for text in texts.iter().filter(|text| !text.trim().is_empty()) {
            match Range::read(text) {
                Some(read) => ranges.extend(read),
                None => {
                    let how = "correct it, as in 10.0.0.0/16, or read the resource again";
                    let unread = Unread::new(format!("the prefix `{text}` of `{name}`"), how);
                    let unread_of = match kind {
                        NeighbourKind::ClientPool => &mut self.pools_unread,
                        NeighbourKind::CustomRoute => &mut self.routes_unread,
                        _ => &mut self.unread,
                    };
                    unread_of.push(unread);
                }
            }
        }
        if !ranges.is_empty() {
            self.neighbours.push(Neighbour { kind, name: name.to_owned(), ranges, announced });
        }
    }
}

/// What lies near which gateway, for one estate.
pub(super) struct Map<'a> {
    pub(super) inventory: &'a Inventory,
    by_network: HashMap<ResourceId, Vec<&'a Resource<VirtualNetworkGateway>>>,
    connections: HashMap<&'a ResourceId, Vec<&'a Resource<Connection>>>,
    /// Peerings by the network that they lead to.
    peerings_to: HashMap<&'a ResourceId, Vec<&'a Resource<Peering>>>,
}

fn texts(space: &AddressSpace) -> Vec<&str> {
    space.address_prefixes.iter().map(|text| &**text).collect()
}

/// The pools that clients get addresses from: a gateway that is not for VPN serves nobody, whatever it holds.
fn served_pools(gateway: &VirtualNetworkGateway) -> Vec<&str> {
    let other = ["ExpressRoute", "LocalGateway"];
    let serves = !text(&gateway.gateway_type).is_some_and(|it| other.iter().any(|sort| sort.eq_ignore_ascii_case(it)));
    gateway.vpn_client_configuration.iter().filter(|_| serves).flat_map(|it| it.pools()).collect()
}

/// The prefixes of the other side that a peering routes to. What the network has now, and the peering may not have taken
/// over yet, stands in for them.
fn told_by(peering: &Peering) -> Option<Vec<&str>> {
    let spaces = [&peering.remote_address_space, &peering.remote_virtual_network_address_space];
    spaces.into_iter().flatten().map(texts).find(|space| !space.is_empty())
}

/// Where the input does not say, a peering stands.
fn stands(peering: &Peering) -> bool {
    text(&peering.peering_state).is_none_or(|state| state.eq_ignore_ascii_case("Connected"))
}

impl<'a> Map<'a> {
    pub(super) fn new(inventory: &'a Inventory) -> Self {
        let mut peerings_to: HashMap<_, Vec<_>> = HashMap::new();
        for peering in inventory.peerings.iter().filter(|it| stands(&it.properties)) {
            if let Some(remote) = target(&peering.properties.remote_virtual_network) {
                peerings_to.entry(remote).or_default().push(peering);
            }
        }
        let (by_network, connections) = (inventory.gateways_by_network(), inventory.connections_by_gateway());
        Self { inventory, by_network, connections, peerings_to }
    }

    /// What lies around the clients of a gateway in a virtual network.
    pub(super) fn around(&self, gateway: &Resource<VirtualNetworkGateway>) -> Surroundings {
        let mut it = Surroundings::default();
        let networks = gateway.properties.networks();
        if networks.is_empty() {
            let what = format!("the virtual network of `{}` (its subnet is not named)", gateway.name);
            it.unread.push(Unread::new(what, super::HOW));
        }
        for network in &networks {
            self.add_network(network, gateway, &mut it);
        }
        self.add_connections(gateway, &mut it);
        if let Some(routes) = &gateway.properties.custom_routes {
            it.add(NeighbourKind::CustomRoute, &gateway.name, &texts(routes), Ok(true));
        }
        it
    }

    /// The networks whose machines answer the clients of a gateway: its own, and the peers that use it. With them, why there
    /// may be more, or more in them.
    pub(super) fn answering(&self, gateway: &Resource<VirtualNetworkGateway>) -> (BTreeSet<ResourceId>, Vec<Unread>) {
        let (own, mut unread) = (gateway.properties.networks(), Vec::new());
        if own.is_empty() {
            let what = format!("the virtual network of `{}` (its subnet is not named)", gateway.name);
            unread.push(Unread::new(what, super::HOW));
        }
        let mut all = own.clone();
        for id in &own {
            for peering in self.inventory.peerings.children_of(id).map(|row| &row.properties).filter(|it| stands(it)) {
                let Some(remote) = target(&peering.remote_virtual_network) else {
                    let what = format!("the network on the other side of a peering of `{}`", id.name());
                    unread.push(Unread::new(what, "export the virtual network with its peerings"));
                    continue;
                };
                match self.uses_gateway(id, peering, remote) {
                    Ok(true) => _ = all.insert(remote.clone()),
                    Ok(false) => {}
                    Err(missing) => unread.push(missing),
                }
            }
            if self.inventory.virtual_networks.get(id).is_none() {
                // Then the other sides of its peerings tell what they know.
                let rows = self.peerings_to.get(id).into_iter().flatten();
                let users = rows.filter(|row| row.properties.use_remote_gateways == Some(true));
                all.extend(users.filter_map(|row| row.id.parent()));
            }
        }
        for id in &all {
            if self.inventory.virtual_networks.get(id).is_none() {
                unread.push(missing("virtual network", id));
            }
            unread.extend(damaged(self.inventory, id));
        }
        (all, unread)
    }

    /// The networks on the other side of the peerings of that one that stand.
    pub(super) fn peers(&self, id: &ResourceId) -> impl Iterator<Item = &'a ResourceId> {
        let peerings = self.inventory.peerings.children_of(id).map(|row| &row.properties).filter(|it| stands(it));
        peerings.filter_map(|it| target(&it.remote_virtual_network))
    }

    fn add_network(&self, id: &ResourceId, gateway: &Resource<VirtualNetworkGateway>, to: &mut Surroundings) {
        let inventory = self.inventory;
        match inventory.virtual_networks.get(id) {
            Some(network) => {
                let space = texts(&network.properties.address_space);
                to.add(NeighbourKind::VirtualNetwork, id.name(), &space, Ok(true));
                if space.is_empty() {
                    to.unread.push(no_space(id));
                }
            }
            None => {
                to.unread.push(missing("virtual network", id));
                let subnets = inventory.subnets.children_of(id).map(|subnet| &subnet.properties);
                let prefixes = subnets.flat_map(|it| it.address_prefix.iter().chain(&it.address_prefixes));
                let prefixes: Vec<&str> = prefixes.map(|text| &**text).collect();
                to.add(NeighbourKind::VirtualNetwork, id.name(), &prefixes, Ok(true));
                self.add_from_other_sides(id, to);
            }
        }
        to.unread.extend(damaged(inventory, id));
        self.add_pools(id, Some(&gateway.id), to);
        for row in inventory.peerings.children_of(id).filter(|row| stands(&row.properties)) {
            let peering = &row.properties;
            let Some(remote) = target(&peering.remote_virtual_network) else {
                let what = format!("the network on the other side of the peering `{}` of `{}`", row.name, id.name());
                let unread = Unread::new(what, "export the virtual network with its peerings");
                match told_by(peering) {
                    Some(space) => {
                        let uses = peering.allow_gateway_transit == Some(true);
                        let announced = if uses { Err(unread.clone()) } else { Ok(false) };
                        to.add(NeighbourKind::Peering, &row.name, &space, announced);
                        to.pools_unread.push(unread);
                    }
                    None => to.unread.push(unread),
                }
                continue;
            };
            self.add_peer(remote, peering, self.uses_gateway(id, peering, remote), to);
            self.add_pools(remote, None, to);
        }
    }

    /// What the peerings of other networks tell of one that was not read.
    fn add_from_other_sides(&self, id: &ResourceId, to: &mut Surroundings) {
        for row in self.peerings_to.get(id).into_iter().flatten() {
            let it = &row.properties;
            to.add(NeighbourKind::VirtualNetwork, id.name(), &told_by(it).unwrap_or_default(), Ok(true));
            let other = row.id.parent().and_then(|id| self.inventory.virtual_networks.get(&id));
            if let Some(other) = other {
                let announced = Ok(it.use_remote_gateways == Some(true));
                let space = texts(&other.properties.address_space);
                to.add(NeighbourKind::Peering, &other.name, &space, announced);
            }
        }
    }

    /// A network that was read tells its own prefixes; of others the peering tells them.
    fn add_peer(&self, remote: &ResourceId, peering: &Peering, announced: Known<bool>, to: &mut Surroundings) {
        let own = self.inventory.virtual_networks.get(remote).map(|it| texts(&it.properties.address_space));
        if own.is_some() {
            to.unread.extend(damaged(self.inventory, remote));
        }
        match own.filter(|space| !space.is_empty()).or_else(|| told_by(peering)) {
            Some(space) => to.add(NeighbourKind::Peering, remote.name(), &space, announced),
            None => to.unread.push(missing("virtual network", remote)),
        }
    }

    /// Whether a peer uses this network's gateway, so that its prefixes are announced to the clients.
    fn uses_gateway(&self, id: &ResourceId, peering: &Peering, remote: &ResourceId) -> Known<bool> {
        if peering.allow_gateway_transit == Some(false) {
            return Ok(false);
        }
        let mut back = self.inventory.peerings.children_of(remote).map(|row| &row.properties);
        match back.find(|back| target(&back.remote_virtual_network) == Some(id)) {
            Some(back) => Ok(back.use_remote_gateways == Some(true)),
            None if self.inventory.virtual_networks.get(remote).is_some() => Ok(false),
            None => Err(missing("virtual network", remote)),
        }
    }

    /// The pools of the gateways in that network but that one.
    fn add_pools(&self, network: &ResourceId, but: Option<&ResourceId>, to: &mut Surroundings) {
        let others = self.by_network.get(network).into_iter().flatten().filter(|it| Some(&it.id) != but);
        for gateway in others {
            to.add(NeighbourKind::ClientPool, &gateway.name, &served_pools(&gateway.properties), Ok(false));
        }
        for gateway in self.inventory.p2s_vpn_gateways.iter() {
            if target(&gateway.properties.virtual_hub).is_some_and(|hub| stands_for(network, hub)) {
                let pools: Vec<&str> = gateway.properties.pools().collect();
                to.add(NeighbourKind::ClientPool, &gateway.name, &pools, Ok(false));
            }
        }
        if but.is_some() {
            // A network has one VPN gateway; what else may stand there serves no clients.
            return;
        }
        let subnets = self.inventory.subnets.children_of(network);
        let named = subnets.flat_map(|it| &it.properties.ip_configurations).filter_map(|it| it.id.as_ref());
        let named = named.filter_map(|id| id.ancestor(GATEWAY));
        let unread = named.filter(|id| self.inventory.gateways.get(id).is_none()).min();
        to.pools_unread.extend(unread.map(|id| missing("virtual network gateway", &id)));
        let mut subnets = self.inventory.subnets.children_of(network);
        let may_have = self.inventory.virtual_networks.get(network).is_none()
            || subnets.any(|it| it.name.eq_ignore_ascii_case("GatewaySubnet"));
        if may_have {
            let gap = incomplete(self.inventory, GATEWAY, "virtual network gateways", network.subscription());
            to.pools_unread.extend(gap);
        }
    }

    /// Sites, and the networks of other gateways.
    fn add_connections(&self, gateway: &Resource<VirtualNetworkGateway>, to: &mut Surroundings) {
        let inventory = self.inventory;
        for connection in self.connections.get(&gateway.id).into_iter().flatten() {
            let it = &connection.properties;
            if it.enable_bgp == Some(true) {
                let what = format!("the prefixes that `{}` learns by BGP over `{}`", gateway.name, connection.name);
                let how = format!("look at them (`az network vnet-gateway list-learned-routes --ids {}`)", gateway.id);
                to.learned.push(Unread::new(what, how));
            }
            if let Some(id) = target(&it.local_network_gateway2) {
                match inventory.local_network_gateways.get(id) {
                    Some(site) => {
                        let space = site.properties.local_network_address_space.as_ref().map(texts).unwrap_or_default();
                        to.add(NeighbourKind::OnPremises, id.name(), &space, Ok(false));
                        to.unread.extend(damaged(inventory, id));
                    }
                    None => to.unread.push(missing("local network gateway", id)),
                }
            }
            let sides = [&it.virtual_network_gateway1, &it.virtual_network_gateway2];
            for id in sides.into_iter().filter_map(target).filter(|id| **id != gateway.id) {
                let Some(other) = inventory.gateways.get(id) else {
                    to.unread.push(missing("virtual network gateway", id));
                    continue;
                };
                for network in other.properties.networks() {
                    match inventory.virtual_networks.get(&network).map(|it| texts(&it.properties.address_space)) {
                        Some(space) => {
                            to.add(NeighbourKind::ConnectedNetwork, network.name(), &space, Ok(false));
                        }
                        None => to.unread.push(missing("virtual network", &network)),
                    }
                }
                to.add(NeighbourKind::ClientPool, &other.name, &served_pools(&other.properties), Ok(false));
            }
        }
        to.unread.extend(incomplete(inventory, CONNECTION, "connections", gateway.id.subscription()));
    }

    /// What lies around the clients of a hub, as far as the hub and virtual networks tell: its sites are in no resource
    /// that the audit reads.
    pub(super) fn around_hub(&self, gateway: &Resource<P2sVpnGateway>) -> Surroundings {
        let mut it = Surroundings::default();
        let Some(hub) = target(&gateway.properties.virtual_hub) else {
            let what = format!("the virtual hub of `{}`", gateway.name);
            it.unread.push(Unread::new(what, super::HOW));
            return it;
        };
        let read = self.inventory.virtual_hubs.get(hub);
        if let Some(prefix) = read.and_then(|hub| text(&hub.properties.address_prefix)) {
            it.add(NeighbourKind::VirtualHub, hub.name(), &[prefix], Ok(true));
        } else {
            it.unread.push(missing("virtual hub", hub));
        }
        let what = format!("the sites of the virtual hub `{}` (azaudit does not read them)", hub.name());
        it.unread.push(Unread::new(what, "look at the effective routes of the hub in the portal"));
        for row in self.inventory.peerings.iter().filter(|row| stands(&row.properties)) {
            let to_hub = target(&row.properties.remote_virtual_network).is_some_and(|remote| stands_for(remote, hub));
            let Some(spoke) = row.id.parent().filter(|_| to_hub) else { continue };
            match self.inventory.virtual_networks.get(&spoke).map(|it| texts(&it.properties.address_space)) {
                Some(space) => it.add(NeighbourKind::Peering, spoke.name(), &space, Ok(true)),
                None => it.unread.push(missing("virtual network", &spoke)),
            }
        }
        for other in self.inventory.p2s_vpn_gateways.iter().filter(|other| other.id != gateway.id) {
            if target(&other.properties.virtual_hub) == Some(hub) {
                let pools: Vec<&str> = other.properties.pools().collect();
                it.add(NeighbourKind::ClientPool, &other.name, &pools, Ok(false));
            }
        }
        it
    }
}

/// Why a resource that was read may say less than there is.
fn damaged(inventory: &Inventory, id: &ResourceId) -> Option<Unread> {
    let key = id.key();
    let within = |scope: &str| scope.strip_prefix(&*key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let gap = inventory.gaps.iter().find(|gap| within(&gap.scope.to_lowercase()))?;
    let what = format!("a part of `{}` ({}: {})", id.name(), gap.reason, gap.detail);
    Some(Unread::new(what, "export it again"))
}

fn no_space(network: &ResourceId) -> Unread {
    let how = format!("read it whole (`az resource show --ids {network}`)");
    Unread::new(format!("the address space of the virtual network `{}`", network.name()), how)
}
