//! The addresses of a gateway's clients, and of the servers that they need, against the networks around the gateway.

use std::sync::Arc;

use super::ends::Ends;
use super::platform::instances;
use super::point_to_site::server_configuration;
use super::pool::{AddressPool, Pool};
use super::return_path::{ReturnPath, return_path};
use super::server_rules::{self, ServerRules, server_rules};
use super::servers::{DnsServers, RadiusServers, dns_servers, no_dns, radius_servers};
use super::steering::Steering;
use super::surroundings::Map;
use super::{PointToSite, SessionLimits, text};
use crate::facts::schema::facts;
use crate::facts::service_tag::ServiceTags;
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
        /// What rules do with its questions to its RADIUS servers (UDP 1812).
        pub radius_rules: ServerRules,
        /// What rules do with its clients' questions to those DNS servers (UDP and TCP 53).
        pub dns_rules: ServerRules,
        /// The way of answers back to its clients.
        pub return_path: ReturnPath,
    }
}

/// Where templates hold pools.
const OWN_POOL: &str =
    "properties.vpnClientConfiguration.vpnClientAddressPool of Microsoft.Network/virtualNetworkGateways";
const GROUP_POOLS: &str = "properties.vpnClientConfiguration.vngClientConnectionConfigurations[].properties\
     .vpnClientAddressPool of Microsoft.Network/virtualNetworkGateways";
const HUB_POOLS: &str =
    "properties.p2SConnectionConfigurations[].properties.vpnClientAddressPool of Microsoft.Network/p2sVpnGateways";

/// What the pool of one gateway is judged by.
#[derive(Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) p2s: &'a PointToSite,
    pub(super) sessions: &'a Sessions,
    pub(super) limits: &'a SessionLimits,
}

/// What lies around each gateway of an estate.
pub(super) struct Neighbourhood<'a> {
    map: Map<'a>,
    ends: Option<Ends<'a>>,
}

impl<'a> Neighbourhood<'a> {
    pub(super) fn new(inventory: &'a Inventory, tags: &Arc<ServiceTags>) -> Self {
        Self { map: Map::new(inventory), ends: Ends::of(inventory, tags) }
    }

    pub(super) fn of_network(&self, gateway: &Resource<VirtualNetworkGateway>, load: Load<'_>) -> Addressing {
        let around = self.map.around(gateway);
        let steering = Steering::of(self.map.inventory, gateway);
        let configuration = gateway.properties.vpn_client_configuration.as_ref();
        let radius: Vec<&str> = configuration
            .into_iter()
            .flat_map(|it| {
                let more = it.radius_servers.iter().filter_map(|it| text(&it.radius_server_address));
                text(&it.radius_server_address).into_iter().chain(more)
            })
            .collect();
        let active_active = instances(gateway).map(|instances| instances > 1);
        let ends = self.ends.as_ref().filter(|_| load.p2s.served);
        let rules = |asking: &_| server_rules(&self.map, ends, gateway, &around, asking);
        let radius_rules = rules(&server_rules::radius(self.map.inventory, gateway, radius.clone()));
        let groups = configuration.is_some_and(|it| !it.vng_client_connection_configurations.is_empty());
        let path = if groups { GROUP_POOLS } else { OWN_POOL };
        let pool = Pool { gateway: &gateway.id, load, active_active, editable: !groups, path, around: &around };
        Addressing {
            in_virtual_network: true,
            pool: pool.facts(gateway.properties.custom_routes.as_ref()),
            radius: radius_servers(&gateway.name, load.p2s, Ok(radius), &around, &steering),
            dns: dns_servers(self.map.inventory, gateway, &around, &steering),
            return_path: return_path(&self.map, gateway, load.p2s),
            radius_rules,
            dns_rules: rules(&server_rules::dns(self.map.inventory, gateway, load.p2s)),
        }
    }

    pub(super) fn of_virtual_wan(&self, gateway: &Resource<P2sVpnGateway>, load: Load<'_>) -> Addressing {
        let around = self.map.around_hub(gateway);
        let steering = Steering::default();
        let server = server_configuration(gateway, self.map.inventory);
        let radius = server.map(|server| {
            let more = server.properties.radius_servers.iter().filter_map(|it| text(&it.radius_server_address));
            text(&server.properties.radius_server_address).into_iter().chain(more).collect()
        });
        let (active_active, editable) = (Ok(true), false);
        let pool = Pool { gateway: &gateway.id, load, active_active, editable, path: HUB_POOLS, around: &around };
        Addressing {
            in_virtual_network: false,
            pool: pool.facts(None),
            radius: radius_servers(&gateway.name, load.p2s, radius, &around, &steering),
            dns: no_dns(&gateway.name),
            return_path: ReturnPath::of_hub(&gateway.name),
            radius_rules: ServerRules::of_hub(&gateway.name),
            dns_rules: ServerRules::of_hub(&gateway.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::gateway::each;
    use crate::facts::schema::record_to_json;
    use crate::facts::{Context, Options};
    use crate::inventory::collect;
    use crate::source::{Batch, Gap, Kind, Reason};
    use serde_json::{Value, json};

    const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

    /// The addressing of a gateway in a network that was read, beside these gaps.
    fn addressing(gaps: &[(&str, &str)]) -> Value {
        let subnet = json!({"id": format!("{NETWORK}/virtualNetworks/hub/subnets/GatewaySubnet")});
        let clients = json!({"vpnClientAddressPool": {"addressPrefixes": ["10.200.0.0/24"]},
            "vpnClientProtocols": ["IkeV2"], "vpnAuthenticationTypes": ["Radius"], "radiusServerAddress": "10.9.0.4"});
        let gateway = json!({"id": format!("{NETWORK}/virtualNetworkGateways/gw1"), "properties": {"gatewayType": "Vpn",
            "ipConfigurations": [{"name": "a", "properties": {"subnet": subnet}}], "vpnClientConfiguration": clients}});
        let gateway_subnet = json!({"name": "GatewaySubnet", "properties": {"addressPrefix": "10.0.0.0/27"}});
        let spoke = json!({"id": format!("/subscriptions/u{}", NETWORK.trim_start_matches("/subscriptions/s"))
            + "/virtualNetworks/spoke"});
        let space = json!({"addressPrefixes": ["172.31.0.0/16"]});
        let peering = json!({"peeringState": "Connected", "remoteVirtualNetwork": spoke, "remoteAddressSpace": space});
        let network = json!({"id": format!("{NETWORK}/virtualNetworks/hub"), "properties":
            {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [gateway_subnet],
            "virtualNetworkPeerings": [{"name": "to-spoke", "properties": peering}]}});
        let ((), inventory) = collect(|sink| {
            for resource in [&gateway, &network] {
                sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
            }
            for (scope, what) in gaps {
                let (scope, what) = ((*scope).to_owned(), (*what).to_owned());
                sink.gap(Gap { scope, what, reason: Reason::Forbidden, detail: String::new() });
            }
        });
        let options = Options::at(time::macros::datetime!(2026-01-01 0:00 UTC));
        let found = std::sync::Mutex::new(Value::Null);
        each(Context { inventory: &inventory, options: &options }, &|subject| {
            *found.lock().unwrap() = record_to_json(subject.roots[0])["addressing"].clone();
        });
        found.into_inner().unwrap()
    }

    fn is_unread(value: &Value) -> bool {
        value["unread"].is_string()
    }

    #[test]
    fn nothing_is_said_of_what_may_lie_behind_connections_that_were_refused() {
        let whole = addressing(&[]);
        assert_eq!(whole["pool"]["hasOverlap"], false);
        assert_eq!(whole["pool"]["swallows"], false);
        assert_eq!(whole["radius"]["unreachable"], true);
        let refused = addressing(&[("/subscriptions/s", "microsoft.network/connections")]);
        assert!(is_unread(&refused["pool"]["hasOverlap"]), "{refused}");
        assert!(is_unread(&refused["pool"]["swallows"]) && is_unread(&refused["radius"]["unreachable"]));
        let elsewhere = addressing(&[("/subscriptions/t", "microsoft.network/connections")]);
        assert_eq!(elsewhere, whole);
    }

    #[test]
    fn gateways_of_a_peer_that_were_refused_may_have_pools() {
        let refused = addressing(&[("/subscriptions/u", "microsoft.network/virtualnetworkgateways")]);
        assert!(is_unread(&refused["pool"]["hasOverlap"]), "{refused}");
        assert_eq!((&refused["pool"]["swallows"], &refused["radius"]["unreachable"]), (&json!(false), &json!(true)));
        // A network has one VPN gateway, and this one was read.
        let own = addressing(&[("/subscriptions/s", "microsoft.network/virtualnetworkgateways")]);
        assert_eq!(own["pool"]["hasOverlap"], false);
    }

    #[test]
    fn a_damaged_part_of_the_network_may_be_a_peering() {
        let hub = format!("{NETWORK}/virtualNetworks/HUB/virtualNetworkPeerings/x");
        let damaged = addressing(&[(&hub, "microsoft.network/virtualnetworks")]);
        assert!(is_unread(&damaged["pool"]["hasOverlap"]) && is_unread(&damaged["radius"]["unreachable"]));
    }
}
