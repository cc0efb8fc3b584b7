//! Which gateways stand in a subnet.

use std::collections::BTreeMap;

use crate::facts::network_index::{incomplete, missing};
use crate::facts::schema::Unread;
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::network::{Subnet, target};
use crate::inventory::{Inventory, Resource, ResourceId};

const GATEWAY: &str = "microsoft.network/virtualnetworkgateways";

/// Gateways by the subnets that they refer to.
pub(super) type BySubnet<'a> = BTreeMap<&'a ResourceId, Vec<&'a Resource<VirtualNetworkGateway>>>;

pub(super) fn by_subnet(inventory: &Inventory) -> BySubnet<'_> {
    let mut gateways: BySubnet<'_> = BTreeMap::new();
    for gateway in inventory.gateways.iter() {
        for subnet in gateway.properties.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet)) {
            let found = gateways.entry(subnet).or_default();
            if found.last().is_none_or(|last| last.id != gateway.id) {
                found.push(gateway);
            }
        }
    }
    gateways
}

/// The gateways of one subnet.
#[derive(Default)]
pub(super) struct Standing<'a> {
    /// Those that were read.
    pub(super) read: Vec<&'a Resource<VirtualNetworkGateway>>,
    /// Why there may be others.
    pub(super) unread: Option<Unread>,
}

impl<'a> Standing<'a> {
    /// As the gateways say, or as the subnet does.
    pub(super) fn of(
        id: &ResourceId,
        subnet: Option<&Subnet>,
        gateways: &BySubnet<'a>,
        inventory: &'a Inventory,
    ) -> Self {
        let mut standing = Self { read: gateways.get(id).cloned().unwrap_or_default(), unread: None };
        let named = subnet.into_iter().flat_map(|it| &it.ip_configurations).filter_map(|it| it.id.as_ref());
        let mut named: Vec<ResourceId> = named.filter_map(|it| it.ancestor(GATEWAY)).collect();
        named.sort();
        named.dedup();
        for gateway in &named {
            match inventory.gateways.get(gateway) {
                Some(it) if standing.read.iter().any(|read| read.id == it.id) => {}
                Some(it) => standing.read.push(it),
                None if standing.unread.is_none() => {
                    standing.unread = Some(missing("virtual network gateway", gateway));
                }
                None => {}
            }
        }
        // A subnet that names a gateway names all of them.
        if named.is_empty() {
            standing.unread = incomplete(inventory, GATEWAY, "virtual network gateways", id.subscription());
        }
        standing
    }
}
