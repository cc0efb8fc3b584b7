//! The two networks of a peering, and which gateways stand in them.

use std::collections::HashMap;

use crate::facts::network_index::{incomplete, is_hub, missing, stands_for};
use crate::facts::schema::{Known, Unread};
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::network::{Peering, target};
use crate::inventory::{Inventory, Resource, ResourceId};

const GATEWAY: &str = "microsoft.network/virtualnetworkgateways";
const NETWORK: &str = "microsoft.network/virtualnetworks";
const PEERING: &str = "microsoft.network/virtualnetworks/virtualnetworkpeerings";

/// What is known of gateways beside themselves.
pub(super) struct Estate<'a> {
    inventory: &'a Inventory,
    by_network: HashMap<ResourceId, Vec<&'a Resource<VirtualNetworkGateway>>>,
    /// Gateways that stand in a subnet, as it says, and that were not read.
    unread: HashMap<ResourceId, ResourceId>,
}

/// One side of a peering.
pub(super) struct Side {
    /// The network; `None`: the input does not name it.
    pub(super) network: Option<ResourceId>,
    /// Whether the network was read.
    pub(super) read: bool,
    /// Whether anything says that a gateway stands in it.
    pub(super) gateway_is_likely: bool,
    /// Whether one does. A LocalGateway is none.
    pub(super) has_gateway: Known<bool>,
    /// The name of the gateway in it that serves point-to-site clients.
    pub(super) p2s: Known<Option<String>>,
}

/// A peering with the one on its other side.
pub(super) struct Pair<'a> {
    pub(super) here: &'a Resource<Peering>,
    /// The peering of the other side; null: it has none.
    pub(super) back: Known<Option<&'a Resource<Peering>>>,
    pub(super) near: Side,
    pub(super) far: Side,
    /// Whether the other side is the network of a Virtual WAN hub.
    pub(super) with_hub: bool,
}

impl Pair<'_> {
    /// A peering with a gateway on neither side carries no clients.
    pub(super) fn is_subject(&self) -> bool {
        self.near.gateway_is_likely || self.far.gateway_is_likely
    }
}

impl<'a> Estate<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let mut by_network: HashMap<ResourceId, Vec<&'a Resource<VirtualNetworkGateway>>> = HashMap::new();
        let mut stand_in = |network: Option<ResourceId>, gateway: &'a Resource<VirtualNetworkGateway>| {
            let gateways = network.map(|network| by_network.entry(network).or_default());
            if let Some(gateways) = gateways.filter(|it| !it.iter().any(|it| it.id == gateway.id)) {
                gateways.push(gateway);
            }
        };
        for gateway in inventory.gateways.iter().filter(|it| serves(it)) {
            for subnet in gateway.properties.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet)) {
                stand_in(subnet.ancestor(NETWORK), gateway);
            }
        }
        let mut unread = HashMap::new();
        for subnet in inventory.subnets.iter() {
            let named = subnet.properties.ip_configurations.iter().filter_map(|it| it.id.as_ref()?.ancestor(GATEWAY));
            for id in named {
                match inventory.gateways.get(&id) {
                    Some(gateway) if serves(gateway) => stand_in(subnet.id.parent(), gateway),
                    Some(_) => {}
                    None => drop(subnet.id.parent().map(|network| unread.insert(network, id))),
                }
            }
        }
        Self { inventory, by_network, unread }
    }

    pub(super) fn pair(&self, here: &'a Resource<Peering>) -> Pair<'a> {
        let (near, far) = (here.id.parent(), target(&here.properties.remote_virtual_network).cloned());
        let back = match (&near, &far) {
            (Some(near), Some(far)) => self.back(near, far),
            _ => Err(remote_of(here)),
        };
        let asks_back = back.as_ref().is_ok_and(|it| it.is_some_and(asks));
        Pair {
            here,
            back,
            with_hub: far.as_ref().is_some_and(is_hub),
            near: self.side(near, asks_back, here),
            far: self.side(far, asks(here), here),
        }
    }

    fn back(&self, near: &ResourceId, far: &ResourceId) -> Known<Option<&'a Resource<Peering>>> {
        let mut peerings = self.inventory.peerings.children_of(far);
        let found = peerings.find(|it| target(&it.properties.remote_virtual_network) == Some(near));
        if found.is_some() {
            return Ok(found);
        }
        let unnamed = || {
            self.inventory.peerings.children_of(far).find(|it| target(&it.properties.remote_virtual_network).is_none())
        };
        match incomplete(self.inventory, PEERING, "peerings", far.subscription()) {
            _ if self.inventory.virtual_networks.get(far).is_none() => Err(missing("virtual network", far)),
            Some(unread) => Err(unread),
            // One that names no network may be it.
            None if let Some(unnamed) = unnamed() => Err(remote_of(unnamed)),
            None => Ok(None),
        }
    }

    /// `asked`: whether the other side uses its gateway.
    fn side(&self, network: Option<ResourceId>, asked: bool, peering: &Resource<Peering>) -> Side {
        let Some(id) = network else {
            let unread = remote_of(peering);
            let (has_gateway, p2s) = (Err(unread.clone()), Err(unread));
            return Side { network, read: false, gateway_is_likely: asked, has_gateway, p2s };
        };
        let gateways = self.by_network.get(&id).map_or(&[][..], Vec::as_slice);
        let read = self.inventory.virtual_networks.get(&id).is_some();
        let place = self.inventory.subnets.children_of(&id).any(|it| it.name.eq_ignore_ascii_case("GatewaySubnet"));
        let refused = || incomplete(self.inventory, GATEWAY, "virtual network gateways", id.subscription());
        let unnamed = || {
            let how = "add the gateways of that network to the input, or grant Reader on its resource group";
            Unread::new(format!("the gateway of the virtual network `{}`", id.name()), how)
        };
        // Why another gateway may stand there than those that were read.
        let doubt = match self.unread.get(&id) {
            Some(gateway) => Some(missing("virtual network gateway", gateway)),
            None if !read => Some(missing("virtual network", &id)),
            None if place && asked && gateways.is_empty() => Some(unnamed()),
            None if place => refused(),
            None => None,
        };
        let may_have = read && doubt.is_some() || !read && asked;
        let mut hubs = self.inventory.p2s_vpn_gateways.iter().filter_map(|it| target(&it.properties.virtual_hub));
        let server = gateways.iter().find(|it| it.properties.has_client_pool() && !is(it, "ExpressRoute"));
        Side {
            read,
            gateway_is_likely: !gateways.is_empty()
                || self.unread.contains_key(&id)
                || may_have
                || is_hub(&id) && hubs.any(|hub| stands_for(&id, hub)),
            has_gateway: match &doubt {
                _ if !gateways.is_empty() || self.unread.contains_key(&id) => Ok(true),
                Some(unread) => Err(unread.clone()),
                None => Ok(false),
            },
            p2s: match (server, doubt) {
                (Some(server), _) => Ok(Some(server.name.to_string())),
                (None, Some(unread)) => Err(unread),
                (None, None) => Ok(None),
            },
            network: Some(id),
        }
    }
}

fn remote_of(peering: &Resource<Peering>) -> Unread {
    let what = format!("the network on the other side of the peering `{}`", peering.id.qualified_name());
    Unread::new(what, super::how(&peering.id))
}

/// Whether that side uses the other's gateway; absent means no.
pub(super) fn asks(peering: &Resource<Peering>) -> bool {
    peering.properties.use_remote_gateways == Some(true)
}

/// Whether that side offers its gateway; absent means no.
pub(super) fn offers(peering: &Resource<Peering>) -> bool {
    peering.properties.allow_gateway_transit == Some(true)
}

fn is(gateway: &Resource<VirtualNetworkGateway>, word: &str) -> bool {
    gateway.properties.gateway_type.as_deref().is_some_and(|it| it.trim().eq_ignore_ascii_case(word))
}

/// A LocalGateway serves nobody.
fn serves(gateway: &Resource<VirtualNetworkGateway>) -> bool {
    !is(gateway, "LocalGateway")
}
