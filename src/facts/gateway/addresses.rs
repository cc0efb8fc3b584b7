//! The public addresses of a gateway.

use std::net::IpAddr;

use super::{GatewaySort, HOW, text};
use crate::facts::network_index::missing;
use crate::facts::schema::{Known, Unread};
use crate::facts::sku::Sku;
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::network::{PublicIpAddress, target};
use crate::inventory::{Inventory, Resource, ResourceId};

/// A public address that an IP configuration of the gateway names.
pub(super) struct Address<'a> {
    /// Its id.
    pub(super) id: &'a ResourceId,
    /// What was read of it.
    pub(super) read: Known<&'a Resource<PublicIpAddress>>,
}

impl Address<'_> {
    /// Whether its SKU is Basic, which is ARM's default and the only one of the API versions that leave it out.
    pub(super) fn is_basic(&self) -> Known<bool> {
        let address = self.read.as_ref().map_err(Clone::clone)?;
        let name = address.sku.as_ref().and_then(|sku| text(&sku.name)).unwrap_or("Basic");
        match name.to_ascii_lowercase().as_str() {
            "basic" => Ok(true),
            "standard" | "standardv2" => Ok(false),
            _ => Err(Unread::new(
                format!(
                    "what the SKU `{name}` of the public IP address `{}` is (azaudit does not know it)",
                    self.id.name()
                ),
                "correct it, or update azaudit",
            )),
        }
    }

    /// What is wrong with it where it is no address that anybody could reach: `pip (state Failed)`, `pip (static, without
    /// an address)`. A dynamic one may get its address any moment, which this does not tell.
    pub(super) fn fault(&self) -> Known<Option<String>> {
        let (address, name) = (self.read.as_ref().map_err(Clone::clone)?, self.id.name());
        let it = &address.properties;
        let state = text(&it.provisioning_state).map(str::to_ascii_lowercase);
        if state.as_deref() == Some("failed") {
            return Ok(Some(format!("{name} (state Failed)")));
        }
        let again = || format!("read it again (`az resource show --ids {}`)", self.id);
        if text(&it.ip_address).and_then(|it| it.parse::<IpAddr>().ok()).is_none() {
            // Standard addresses are static, whatever an export leaves out.
            let method = text(&it.public_ip_allocation_method).map(str::to_ascii_lowercase);
            let is_static = match method.as_deref() {
                Some(method) => method == "static",
                None => self.is_basic() == Ok(false),
            };
            return match is_static {
                true => Ok(Some(format!("{name} (static, without an address)"))),
                false => Err(Unread::new(format!("the address of the public IP address `{name}`"), again())),
            };
        }
        match state.as_deref() {
            Some("succeeded" | "updating" | "deleting") => Ok(None),
            Some(word) => Err(Unread::new(
                format!(
                    "what the provisioning state `{word}` of the public IP address `{name}` means (azaudit does not know it)"
                ),
                "correct it, or update azaudit",
            )),
            None => Err(Unread::new(format!("the provisioning state of the public IP address `{name}`"), again())),
        }
    }

    /// What keeps it in one zone, if anything does.
    pub(super) fn zone_fault(&self) -> Known<Option<String>> {
        let name = self.id.name();
        if self.is_basic()? {
            return Ok(Some(format!("its public address {name} is of SKU Basic, which has no zones")));
        }
        let address = self.read.as_ref().map_err(Clone::clone)?;
        let mut zones: Vec<&str> = address.zones.iter().map(|it| it.trim()).filter(|it| !it.is_empty()).collect();
        zones.sort_unstable();
        zones.dedup();
        match zones.as_slice() {
            // Azure has made older addresses zone-redundant without saying so in them.
            [] => Err(Unread::new(
                format!("the zones of the public IP address `{name}`"),
                format!(
                    "read it again (`az resource show --ids {}`), or ask Microsoft whether it is zone-redundant",
                    self.id
                ),
            )),
            [one] => Ok(Some(format!("its public address {name} is in zone {one} alone"))),
            _ => Ok(None),
        }
    }
}

/// The public addresses that its IP configurations name.
pub(super) fn addresses_of<'a>(
    resource: &'a Resource<VirtualNetworkGateway>,
    inventory: &'a Inventory,
) -> Vec<Address<'a>> {
    let configurations = resource.properties.ip_configurations.iter();
    let ids = configurations.filter_map(|it| target(&it.properties.public_ip_address));
    let read = |id| inventory.public_ip_addresses.get(id).ok_or_else(|| missing("public IP address", id));
    ids.map(|id| Address { id, read: read(id) }).collect()
}

/// Of the IP configurations that name no public address: `Ok(false)` where Azure holds the address itself, which it does
/// for the SKU Basic since March 2026, and may for ExpressRoute; `Ok(true)` where each names one.
pub(super) fn unnamed_address(
    resource: &Resource<VirtualNetworkGateway>,
    named: usize,
    sort: &Known<GatewaySort>,
    sku: Option<&Sku>,
) -> Known<bool> {
    let configurations = resource.properties.ip_configurations.len();
    if named > 0 && named == configurations {
        return Ok(true);
    }
    let held = sku.is_some_and(|sku| sku.name == "Basic") || *sort == Ok(GatewaySort::ExpressRoute);
    if held && configurations > 0 {
        return Ok(named > 0);
    }
    Err(Unread::new(format!("the public IP address of `{}`", resource.name), HOW))
}
