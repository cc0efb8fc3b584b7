//! Networks, and what they are connected to: peers, and through gateways clients, sites and other networks.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::inventory::gateway::{Connection, VirtualNetworkGateway};
use crate::inventory::network::target;
use crate::inventory::{Inventory, Resource, ResourceId};

use super::{NETWORK, incomplete, missing, subnet_prefixes};
use crate::facts::address::AddressSet;
use crate::facts::schema::{Unread, fact_enum};
use crate::facts::service_tag::PLATFORM;

const GATEWAY: &str = "microsoft.network/virtualnetworkgateways";

fact_enum! {
    /// Where packets come from that do not come from the Internet.
    pub enum OriginKind {
        /// The machine's own virtual network.
        VirtualNetwork => "virtualNetwork",
        /// A virtual network on the other side of a peering.
        Peering => "peering",
        /// A virtual network on the other side of a connection between gateways.
        ConnectedNetwork => "connectedNetwork",
        /// Networks behind a site-to-site connection.
        OnPremises => "onPremises",
        /// Clients of a point-to-site VPN.
        ClientPool => "clientPool",
        /// The subnet of Azure Bastion.
        Bastion => "bastion",
        /// Private ranges that a user-defined route of the subnet names.
        Route => "route",
    }
}

/// Somebody whose packets reach the network without the Internet.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What it is.
    pub kind: OriginKind,
    /// The name of the network, site, gateway or host.
    pub name: Box<str>,
    /// Its addresses.
    pub addresses: AddressSet,
}

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
    /// Who is connected, itself first. Azure's platform is nobody's origin.
    pub origins: Vec<Origin>,
    /// Why there may be clients of a point-to-site VPN whose addresses are not known.
    pub clients_unread: Option<Unread>,
    /// Networks on the other side of peerings that stand, each with its ranges where they are known.
    pub peers: HashMap<ResourceId, AddressSet>,
    /// Connected networks whose ranges were not read; taken for private ones.
    pub unread: Vec<Unread>,
    /// Networks on the other side of peerings that are not part of `linked`, whose ranges were not read: an explicit
    /// rule may let them in.
    pub unlinked_unread: Vec<Unread>,
}

impl Network {
    fn add(&mut self, kind: OriginKind, name: &str, addresses: AddressSet, linked: bool) {
        self.connected = self.connected.union(&addresses);
        if linked {
            self.linked = self.linked.union(&addresses);
        }
        if !addresses.is_empty() {
            self.origins.push(Origin { kind, name: name.into(), addresses });
        }
    }
}

fn texts<'t>(space: impl IntoIterator<Item = &'t crate::inventory::arm::AddressSpace>) -> AddressSet {
    AddressSet::from_texts(space.into_iter().flat_map(|space| &space.address_prefixes).map(|text| &**text))
}

/// All networks that were read, or of which a subnet, a peering or a gateway was.
pub(super) fn networks(inventory: &Inventory) -> HashMap<ResourceId, Network> {
    let parents = inventory.subnets.iter().map(|it| &it.id).chain(inventory.peerings.iter().map(|it| &it.id));
    let parents = parents.filter_map(ResourceId::parent);
    let read = inventory.virtual_networks.iter().map(|network| network.id.clone());
    let gateways = Gateways::new(inventory);
    let ids: BTreeSet<ResourceId> = read.chain(parents).chain(gateways.by_network.keys().cloned()).collect();
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
    it.linked = AddressSet::from_texts([PLATFORM]);
    it.connected = it.linked.clone();
    it.add(OriginKind::VirtualNetwork, id.name(), it.own.clone(), true);
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
            Some(space) => it.add(OriginKind::Peering, remote.name(), space, linked),
            None if linked => it.unread.push(missing("virtual network", remote)),
            None => it.unlinked_unread.push(missing("virtual network", remote)),
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
    for remote in &routes {
        if gateways.of(remote).is_empty() && !has_hub_gateway(inventory, remote) && it.clients_unread.is_none() {
            let what = format!("the gateway of the virtual network `{}`", remote.name());
            let how = "add the gateways of that network to the export, or grant Reader on its resource group";
            it.clients_unread = Some(Unread::new(what, how));
        }
    }
    it.clients_unread = it.clients_unread.or_else(|| gateways.unread_in(inventory, id));
    // Its clients and sites are part of the tag, wherever they are.
    it.unread.extend(it.clients_unread.clone());
    routes.push(id.clone());
    for gateway in routes.iter().flat_map(|network| gateways.of(network)) {
        gateways.add_far_side(inventory, gateway, &mut it);
    }
    let hubs: Vec<ResourceId> = it.peers.keys().filter(|peer| is_hub(peer)).cloned().collect();
    for gateway in inventory.p2s_vpn_gateways.iter() {
        let Some(hub) = target(&gateway.properties.virtual_hub) else { continue };
        if hubs.iter().any(|peer| stands_for(peer, hub)) {
            let pools = AddressSet::from_texts(gateway.properties.pools());
            it.add(OriginKind::ClientPool, &gateway.name, pools, true);
        }
    }
    for host in inventory.bastion_hosts.iter() {
        let subnets = host.properties.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet));
        for subnet in subnets {
            let network = subnet.ancestor(NETWORK);
            if network.as_ref().is_some_and(|network| network == id || it.peers.contains_key(network)) {
                let prefixes = inventory.subnets.get(subnet).map(|it| subnet_prefixes(&it.properties));
                // It lies in its network, which is there already.
                it.origins.push(Origin {
                    kind: OriginKind::Bastion,
                    name: host.name.clone(),
                    addresses: prefixes.unwrap_or_default(),
                });
            }
        }
    }
    it.origins.retain(|origin| !origin.addresses.is_empty());
    it
}

/// Whether that peer is the network of a hub whose point-to-site gateway, of which a hub has one, was read.
fn has_hub_gateway(inventory: &Inventory, peer: &ResourceId) -> bool {
    let mut hubs = inventory.p2s_vpn_gateways.iter().filter_map(|it| target(&it.properties.virtual_hub));
    hubs.any(|hub| stands_for(peer, hub))
}

/// Azure names the network of a hub `HV_HUB_GUID` in the peerings of the networks that are connected to it.
pub fn is_hub(peer: &ResourceId) -> bool {
    peer.name().get(..3).is_some_and(|start| start.eq_ignore_ascii_case("HV_"))
}

/// Whether that peer is the network of that hub.
pub fn stands_for(peer: &ResourceId, hub: &ResourceId) -> bool {
    peer.name().to_lowercase().starts_with(&format!("hv_{}_", hub.name().to_lowercase()))
}

/// Gateways by the network that they stand in, and their connections.
struct Gateways<'a> {
    by_network: HashMap<ResourceId, Vec<&'a Resource<VirtualNetworkGateway>>>,
    connections: HashMap<&'a ResourceId, Vec<&'a Resource<Connection>>>,
}

impl<'a> Gateways<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        let (by_network, connections) = (inventory.gateways_by_network(), inventory.connections_by_gateway());
        Self { by_network, connections }
    }

    fn of(&self, network: &ResourceId) -> &[&'a Resource<VirtualNetworkGateway>] {
        self.by_network.get(network).map_or(&[], Vec::as_slice)
    }

    /// A gateway of that network that was referred to, or whose list was refused.
    fn unread_in(&self, inventory: &Inventory, network: &ResourceId) -> Option<Unread> {
        if inventory.virtual_networks.get(network).is_none() {
            return Some(missing("virtual network", network));
        }
        let subnets = inventory.subnets.children_of(network);
        let gateways = subnets.flat_map(|it| &it.properties.ip_configurations).filter_map(|it| it.id.as_ref());
        let gateways = gateways.filter_map(|it| it.ancestor(GATEWAY));
        let unread = gateways.filter(|it| inventory.gateways.get(it).is_none()).min();
        let unread = unread.map(|it| missing("virtual network gateway", &it));
        let may_have = inventory.subnets.children_of(network).any(|it| it.name.eq_ignore_ascii_case("GatewaySubnet"));
        let list = || incomplete(inventory, GATEWAY, "virtual network gateways", network.subscription());
        unread.or_else(|| list().filter(|_| may_have))
    }

    /// Who comes through a gateway: clients, sites and the networks of other gateways.
    fn add_far_side(&self, inventory: &Inventory, gateway: &Resource<VirtualNetworkGateway>, to: &mut Network) {
        let pools = gateway.properties.vpn_client_configuration.iter().flat_map(|clients| clients.pools());
        to.add(OriginKind::ClientPool, &gateway.name, AddressSet::from_texts(pools), true);
        for connection in self.connections.get(&gateway.id).into_iter().flatten().map(|it| &it.properties) {
            if let Some(id) = target(&connection.local_network_gateway2) {
                match inventory.local_network_gateways.get(id) {
                    Some(site) => {
                        let space = texts(&site.properties.local_network_address_space);
                        to.add(OriginKind::OnPremises, id.name(), space, true);
                    }
                    None => to.unread.push(missing("local network gateway", id)),
                }
            }
            let sides = [&connection.virtual_network_gateway1, &connection.virtual_network_gateway2];
            for other in sides.into_iter().filter_map(target).filter(|other| **other != gateway.id) {
                let other = inventory.gateways.get(other).into_iter();
                let subnets = other.flat_map(|it| &it.properties.ip_configurations);
                for network in subnets.filter_map(|it| target(&it.properties.subnet)?.ancestor(NETWORK)) {
                    if let Some(space) = own_space(inventory, &network) {
                        to.add(OriginKind::ConnectedNetwork, network.name(), space, true);
                    }
                }
            }
        }
    }
}
