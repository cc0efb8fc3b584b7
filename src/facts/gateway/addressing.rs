//! The addresses of a gateway's clients, and of the servers that they need, against the networks around the gateway.

use super::point_to_site::server_configuration;
use super::pool::{AddressPool, Pool};
use super::servers::{DnsServers, RadiusServers, dns_servers, no_dns, radius_servers};
use super::steering::Steering;
use super::surroundings::Map;
use super::{PointToSite, SessionLimits, text};
use crate::facts::schema::facts;
use crate::facts::sessions::Sessions;
use crate::inventory::gateway::{P2sVpnGateway, VirtualNetworkGateway};
use crate::inventory::{Inventory, Resource};

facts! {
    /// The addresses of a gateway's clients, and of the servers that they need.
    pub struct Addressing {
        /// Whether the gateway stands in a virtual network, and not in a Virtual WAN hub.
        pub in_virtual_network: bool,
        /// Its client address pool.
        pub pool: AddressPool,
        /// Its RADIUS servers.
        pub radius: RadiusServers,
        /// The DNS servers of its virtual network, which are its clients' too.
        pub dns: DnsServers,
    }
}

/// What the pool of one gateway is judged by.
#[derive(Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) p2s: &'a PointToSite,
    pub(super) sessions: &'a Sessions,
    pub(super) limits: &'a SessionLimits,
}

/// What lies around each gateway of an estate.
pub(super) struct Neighbourhood<'a>(Map<'a>);

impl<'a> Neighbourhood<'a> {
    pub(super) fn new(inventory: &'a Inventory) -> Self {
        Self(Map::new(inventory))
    }

    pub(super) fn of_network(&self, gateway: &Resource<VirtualNetworkGateway>, load: Load<'_>) -> Addressing {
        let around = self.0.around(gateway);
        let steering = Steering::of(self.0.inventory, gateway);
        let configuration = gateway.properties.vpn_client_configuration.as_ref();
        let radius: Vec<&str> = configuration
            .into_iter()
            .flat_map(|it| {
                let more = it.radius_servers.iter().filter_map(|it| text(&it.radius_server_address));
                text(&it.radius_server_address).into_iter().chain(more)
            })
            .collect();
        let active_active = gateway.properties.active_active.unwrap_or(false);
        let groups = configuration.is_some_and(|it| !it.vng_client_connection_configurations.is_empty());
        let pool = Pool { gateway: &gateway.id, load, active_active, editable: !groups, around: &around };
        Addressing {
            in_virtual_network: true,
            pool: pool.facts(gateway.properties.custom_routes.as_ref()),
            radius: radius_servers(&gateway.name, load.p2s, Ok(radius), &around, &steering),
            dns: dns_servers(self.0.inventory, gateway, &around, &steering),
        }
    }

    pub(super) fn of_virtual_wan(&self, gateway: &Resource<P2sVpnGateway>, load: Load<'_>) -> Addressing {
        let around = self.0.around_hub(gateway);
        let steering = Steering::default();
        let server = server_configuration(gateway, self.0.inventory);
        let radius = server.map(|server| {
            let more = server.properties.radius_servers.iter().filter_map(|it| text(&it.radius_server_address));
            text(&server.properties.radius_server_address).into_iter().chain(more).collect()
        });
        let pool = Pool { gateway: &gateway.id, load, active_active: true, editable: false, around: &around };
        Addressing {
            in_virtual_network: false,
            pool: pool.facts(None),
            radius: radius_servers(&gateway.name, load.p2s, radius, &around, &steering),
            dns: no_dns(&gateway.name),
        }
    }
}
