//! Networks, and what they are connected to: peers, and through gateways clients, sites and other networks.

use std::collections::{BTreeSet, HashMap, HashSet};

use rayon::prelude::*;

use crate::inventory::gateway::{Connection, VirtualNetworkGateway};
use crate::inventory::network::target;
use crate::inventory::{Inventory, Resource, ResourceId};

use super::{NETWORK, missing, subnet_prefixes};
use crate::facts::address::AddressSet;
use crate::facts::schema::Unread;
use crate::facts::service_tag::PLATFORM;

/// A virtual network and what it is connected to.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Whether the network itself was read, and so its peerings.
    pub read: bool,
    /// Its own ranges.
    pub own: AddressSet,
    /// What the tag `VirtualNetwork` means in it, without the routes of a subnet.
    pub linked: AddressSet,
    /// All addresses that belong to it or to networks that it is connected to: none of them is the Internet's.
    pub connected: AddressSet,
    /// Networks on the other side of peerings that stand, each with its ranges where they are known.
    pub peers: HashMap<ResourceId, AddressSet>,
    /// Connected networks whose ranges were not read; taken for private ones.
    pub unread: Vec<Unread>,
}

fn texts<'t>(space: impl IntoIterator<Item = &'t crate::inventory::arm::AddressSpace>) -> AddressSet {
    AddressSet::from_texts(space.into_iter().flat_map(|space| &space.address_prefixes).map(|text| &**text))
}

/// All networks that were read, or of which a subnet or a peering was.
pub(super) fn networks(inventory: &Inventory) -> HashMap<ResourceId, Network> {
    let parents = inventory.subnets.iter().map(|it| &it.id).chain(inventory.peerings.iter().map(|it| &it.id));
    let parents = parents.filter_map(ResourceId::parent);
    let read = inventory.virtual_networks.iter().map(|network| network.id.clone());
    let ids: BTreeSet<ResourceId> = read.chain(parents).collect();
    let gateways = Gateways::new(inventory);
    ids.into_par_iter().map(|id| (id.clone(), network(inventory, &gateways, &id))).collect()
}

fn own_space(inventory: &Inventory, id: &ResourceId) -> Option<AddressSet> {
    inventory.virtual_networks.get(id).map(|network| texts([&network.properties.address_space]))
}

fn network(inventory: &Inventory, gateways: &Gateways<'_>, id: &ResourceId) -> Network {
    let own = own_space(inventory, id);
    let mut it = Network { read: own.is_some(), ..Network::default() };
    if own.is_none() {
        it.unread.push(missing("virtual network", id));
    }
    let subnets = inventory.subnets.children_of(id).map(|subnet| subnet_prefixes(&subnet.properties));
    it.own = subnets.fold(own.unwrap_or_default(), |all, subnet| all.union(&subnet));
    let platform = AddressSet::from_texts([PLATFORM]);
    it.linked = it.own.union(&platform);
    it.connected = it.linked.clone();
    let mut routes = Vec::new();
    for peering in inventory.peerings.children_of(id) {
        let peering = &peering.properties;
        let state = peering.peering_state.as_deref().unwrap_or("Connected");
        let Some(remote) = target(&peering.remote_virtual_network) else { continue };
        if !state.eq_ignore_ascii_case("Connected") {
            continue;
        }
        let announced = [&peering.remote_virtual_network_address_space, &peering.remote_address_space];
        let announced = announced.into_iter().flatten().next();
        let space = own_space(inventory, remote).or_else(|| announced.map(|space| texts([space])));
        let linked = peering.allow_virtual_network_access != Some(false);
        it.peers.insert(remote.clone(), space.clone().unwrap_or_default());
        match space {
            Some(space) => {
                it.connected = it.connected.union(&space);
                if linked {
                    it.linked = it.linked.union(&space);
                }
            }
            None if linked => it.unread.push(missing("virtual network", remote)),
            None => {}
        }
        let offered = inventory
            .peerings
            .children_of(remote)
            .filter(|back| target(&back.properties.remote_virtual_network) == Some(id));
        let offered = offered.map(|back| back.properties.allow_gateway_transit != Some(false)).next().unwrap_or(true);
        if peering.use_remote_gateways == Some(true) && offered {
            routes.push(remote.clone());
        }
    }
    routes.push(id.clone());
    for gateway in routes.iter().flat_map(|network| gateways.of(network)) {
        let far = gateways.far_side(inventory, gateway, &mut it.unread);
        it.linked = it.linked.union(&far);
        it.connected = it.connected.union(&far);
    }
    it
}

/// Gateways by the network that they stand in, and their connections.
struct Gateways<'a> {
    by_network: HashMap<ResourceId, Vec<&'a Resource<VirtualNetworkGateway>>>,
    connections: HashMap<&'a ResourceId, Vec<&'a Connection>>,
}

impl<'a> Gateways<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        let mut by_network: HashMap<_, Vec<_>> = HashMap::new();
        for gateway in inventory.gateways.iter() {
            let subnets = gateway.properties.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet));
            let networks: HashSet<ResourceId> = subnets.filter_map(|subnet| subnet.ancestor(NETWORK)).collect();
            for network in networks {
                by_network.entry(network).or_default().push(gateway);
            }
        }
        let mut connections: HashMap<_, Vec<_>> = HashMap::new();
        for connection in inventory.connections.iter().map(|it| &it.properties) {
            let sides = [&connection.virtual_network_gateway1, &connection.virtual_network_gateway2];
            for gateway in sides.into_iter().filter_map(target) {
                connections.entry(gateway).or_default().push(connection);
            }
        }
        Self { by_network, connections }
    }

    fn of(&self, network: &ResourceId) -> &[&'a Resource<VirtualNetworkGateway>] {
        self.by_network.get(network).map_or(&[], Vec::as_slice)
    }

    /// Who comes through a gateway: clients, sites and the networks of other gateways.
    fn far_side(
        &self,
        inventory: &Inventory,
        gateway: &Resource<VirtualNetworkGateway>,
        unread: &mut Vec<Unread>,
    ) -> AddressSet {
        let pools = gateway.properties.vpn_client_configuration.iter().flat_map(|clients| clients.pools());
        let mut far = AddressSet::from_texts(pools);
        for connection in self.connections.get(&gateway.id).into_iter().flatten() {
            if let Some(id) = target(&connection.local_network_gateway2) {
                match inventory.local_network_gateways.get(id) {
                    Some(site) => far = far.union(&texts(&site.properties.local_network_address_space)),
                    None => unread.push(missing("local network gateway", id)),
                }
            }
            let sides = [&connection.virtual_network_gateway1, &connection.virtual_network_gateway2];
            for other in sides.into_iter().filter_map(target).filter(|other| **other != gateway.id) {
                let other = inventory.gateways.get(other).into_iter();
                let subnets = other.flat_map(|it| &it.properties.ip_configurations);
                let networks = subnets.filter_map(|it| target(&it.properties.subnet)?.ancestor(NETWORK));
                for space in networks.filter_map(|network| own_space(inventory, &network)) {
                    far = far.union(&space);
                }
            }
        }
        far
    }
}
