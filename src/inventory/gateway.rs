//! VPN gateways, their point-to-site configuration, and what they connect to. Source of the fields: the
//! 2025-09-01 types of Microsoft.Network, and recorded answers.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::arm::{AddressSpace, Child, Reference, Sku, arm, merge_by_value};
use super::id::ResourceId;
use super::network::target;

arm! {
    /// `Microsoft.Network/virtualNetworkGateways`. Its SKU stands in the properties.
    pub struct VirtualNetworkGateway {
        /// `Vpn`, `ExpressRoute`, `LocalGateway`.
        pub gateway_type: Option<Box<str>>,
        /// `RouteBased`, `PolicyBased`.
        pub vpn_type: Option<Box<str>>,
        /// The SKU.
        pub sku: Option<Sku>,
        /// `Generation1`, `Generation2`, `None`.
        pub vpn_gateway_generation: Option<Box<str>>,
        /// `Succeeded`, `Updating`, `Deleting`, `Failed`.
        pub provisioning_state: Option<Box<str>>,
        /// Whether two instances carry traffic. Older tools print it as `active`.
        pub active_active: Option<bool>,
        /// Its addresses and its subnet.
        pub ip_configurations: Vec<Child<GatewayIpConfiguration>>,
        /// Point-to-site. Its presence proves nothing: point-to-site is on with an address pool, not before.
        pub vpn_client_configuration: Option<VpnClientConfiguration>,
        /// Prefixes announced to the clients beside the network's own.
        pub custom_routes: Option<AddressSpace>,
        /// Where traffic without a better route goes (forced tunnelling).
        pub gateway_default_site: Option<Reference>,
    }

    /// An IP configuration of a gateway.
    pub struct GatewayIpConfiguration {
        /// The GatewaySubnet.
        pub subnet: Option<Reference>,
        /// The public address; absent on Basic gateways since March 2026.
        pub public_ip_address: Option<Reference>,
    }

    /// `vpnClientConfiguration` of a gateway.
    pub struct VpnClientConfiguration {
        /// The pool that clients get their addresses from.
        pub vpn_client_address_pool: Option<AddressSpace>,
        /// `IkeV2`, `SSTP`, `OpenVPN`.
        pub vpn_client_protocols: Vec<Box<str>>,
        /// `AAD`, `Certificate`, `Radius`; absent or empty in older API versions.
        pub vpn_authentication_types: Vec<Box<str>>,
        /// Root certificates.
        pub vpn_client_root_certificates: Vec<Child<RootCertificate>>,
        /// Thumbprints of client certificates that are refused.
        pub vpn_client_revoked_certificates: Vec<Child<RevokedCertificate>>,
        /// Pools for groups of users.
        pub vng_client_connection_configurations: Vec<Child<ClientConnectionConfiguration>>,
        /// The RADIUS server.
        pub radius_server_address: Option<Box<str>>,
        /// The RADIUS servers.
        pub radius_servers: Vec<RadiusServer>,
        /// `https://login.microsoftonline.com/{tenant}`.
        pub aad_tenant: Option<Box<str>>,
        /// The application's id.
        pub aad_audience: Option<Box<str>>,
        /// `https://sts.windows.net/{tenant}/`.
        pub aad_issuer: Option<Box<str>>,
        /// Sessions of the moment, in a GET of a gateway that is Succeeded and has a pool.
        pub vpn_client_connection_health: Option<ConnectionHealth>,
    }

    /// `publicCertData` of a root certificate.
    pub struct RootCertificate {
        /// What was uploaded, unchanged. `Some("")` and `None` are different findings.
        pub public_cert_data: Option<Box<str>>,
        /// `Succeeded`, `Updating`, `Failed`.
        pub provisioning_state: Option<Box<str>>,
    }

    /// `thumbprint` of a revoked certificate.
    pub struct RevokedCertificate {
        /// 40 hex digits, when it is right.
        pub thumbprint: Option<Box<str>>,
    }

    /// A pool for a group of users.
    pub struct ClientConnectionConfiguration {
        /// The pool.
        pub vpn_client_address_pool: Option<AddressSpace>,
    }

    /// A RADIUS server. Its secret is never read.
    pub struct RadiusServer {
        /// Its address.
        pub radius_server_address: Option<Box<str>>,
    }

    /// `vpnClientConnectionHealth`: how many sessions there are.
    pub struct ConnectionHealth {
        /// Sessions of all protocols together.
        pub vpn_client_connections_count: Option<i64>,
    }

    /// `Microsoft.Network/connections`.
    pub struct Connection {
        /// `IPsec`, `Vnet2Vnet`, `ExpressRoute`, `VPNClient`.
        pub connection_type: Option<Box<str>>,
        /// `Connected`, `Connecting`, `NotConnected`, `Unknown`.
        pub connection_status: Option<Box<str>>,
        /// The gateway.
        pub virtual_network_gateway1: Option<Reference>,
        /// The gateway on the other side, between two gateways.
        pub virtual_network_gateway2: Option<Reference>,
        /// The local network gateway on the other side.
        pub local_network_gateway2: Option<Reference>,
        /// Whether BGP tells the prefixes of the other side.
        pub enable_bgp: Option<bool>,
    }

    /// `Microsoft.Network/localNetworkGateways`.
    pub struct LocalNetworkGateway {
        /// The on-premises prefixes.
        pub local_network_address_space: Option<AddressSpace>,
        /// The device's address.
        pub gateway_ip_address: Option<Box<str>>,
        /// The device's name.
        pub fqdn: Option<Box<str>>,
    }

    /// `Microsoft.Network/p2sVpnGateways`: the point-to-site gateway of a Virtual WAN hub.
    pub struct P2sVpnGateway {
        /// `Succeeded`, `Updating`, `Deleting`, `Failed`.
        pub provisioning_state: Option<Box<str>>,
        /// Scale units: what its limits depend on.
        pub vpn_gateway_scale_unit: Option<i64>,
        /// The server configuration, which holds authentication and certificates.
        pub vpn_server_configuration: Option<Reference>,
        /// Pools.
        pub p2s_connection_configurations: Vec<Child<ClientConnectionConfiguration>>,
        /// The only pool, in answers of 2018 and 2019.
        pub vpn_client_address_pool: Option<AddressSpace>,
        /// The hub.
        pub virtual_hub: Option<Reference>,
        /// Sessions of the moment.
        pub vpn_client_connection_health: Option<ConnectionHealth>,
    }

    /// `Microsoft.Network/virtualHubs`.
    pub struct VirtualHub {
        /// The addresses of its own routers and gateways; a hub has one prefix.
        pub address_prefix: Option<Box<str>>,
    }

    /// `Microsoft.Network/vpnServerConfigurations`: certificates stand flat here.
    pub struct VpnServerConfiguration {
        /// `IkeV2`, `OpenVPN`.
        pub vpn_protocols: Vec<Box<str>>,
        /// `AAD`, `Certificate`, `Radius`.
        pub vpn_authentication_types: Vec<Box<str>>,
        /// Root certificates.
        pub vpn_client_root_certificates: Vec<FlatRootCertificate>,
        /// Revoked certificates.
        pub vpn_client_revoked_certificates: Vec<FlatRevokedCertificate>,
        /// The RADIUS server.
        pub radius_server_address: Option<Box<str>>,
        /// The RADIUS servers.
        pub radius_servers: Vec<RadiusServer>,
        /// Entra ID.
        pub aad_authentication_parameters: Option<AadParameters>,
        /// `Succeeded`, `Updating`, `Deleting`, `Failed`.
        pub provisioning_state: Option<Box<str>>,
    }

    /// `{"name", "publicCertData"}`.
    pub struct FlatRootCertificate {
        /// Its name.
        pub name: Option<Box<str>>,
        /// What was uploaded, unchanged.
        pub public_cert_data: Option<Box<str>>,
    }

    /// `{"name", "thumbprint"}`.
    pub struct FlatRevokedCertificate {
        /// Its name.
        pub name: Option<Box<str>>,
        /// 40 hex digits, when it is right.
        pub thumbprint: Option<Box<str>>,
    }

    /// Entra ID of a server configuration.
    pub struct AadParameters {
        /// `https://login.microsoftonline.com/{tenant}`.
        pub aad_tenant: Option<Box<str>>,
        /// The application's id.
        pub aad_audience: Option<Box<str>>,
        /// `https://sts.windows.net/{tenant}/`.
        pub aad_issuer: Option<Box<str>>,
    }
}

merge_by_value!(RadiusServer, FlatRootCertificate, FlatRevokedCertificate);

/// A saved answer of `getVpnClientConnectionHealth` about one gateway.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionAnswer {
    /// One row for each session; none: nobody was connected.
    pub value: Vec<SessionRow>,
}

/// One session. User names and addresses are not read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionRow {
    /// `IKEv2_…`, `OVPN_…`: its prefix names the protocol.
    pub vpn_connection_id: Option<Box<str>>,
}

/// One metric of an Azure Monitor answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metric {
    /// The id, which starts with that of the resource: `…/virtualNetworkGateways/gw/providers/Microsoft.Insights/metrics/P2SConnectionCount`.
    pub id: Option<Box<str>>,
    /// `{"value": "P2SConnectionCount"}`.
    pub name: LocalizableString,
    /// One series for each combination of dimensions.
    pub timeseries: Vec<TimeSeries>,
    /// `Success`, or why this one metric has no values.
    pub error_code: Option<Box<str>>,
    /// The grain, `PT1M`, where it was kept beside the metric; Azure says it once for the whole answer.
    pub interval: Option<Box<str>>,
}

/// `{"value", "localizedValue"}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalizableString {
    /// The untranslated text.
    pub value: Box<str>,
}

/// One series of a metric.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TimeSeries {
    /// The dimensions' values: `[{"name": {"value": "protocol"}, "value": "OpenVPN"}]`.
    pub metadatavalues: Vec<Dimension>,
    /// The points.
    pub data: Vec<DataPoint>,
}

/// One dimension of a series.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dimension {
    /// Its name.
    pub name: LocalizableString,
    /// Its value.
    pub value: Option<Box<str>>,
}

/// One point of a series. Without `total` there is no value, which is not zero.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataPoint {
    /// The minute, RFC 3339.
    pub time_stamp: Option<Box<str>>,
    /// The sum over the minute.
    pub total: Option<f64>,
}

impl VpnClientConfiguration {
    /// The client address pools, all of them: the general one and those for groups of users.
    pub fn pools(&self) -> impl Iterator<Item = &str> {
        let groups = self.vng_client_connection_configurations.iter();
        let groups = groups.filter_map(|group| group.properties.vpn_client_address_pool.as_ref());
        prefixes(self.vpn_client_address_pool.iter().chain(groups))
    }
}

impl P2sVpnGateway {
    /// The client address pools of all its connection configurations.
    pub fn pools(&self) -> impl Iterator<Item = &str> {
        let configurations = self.p2s_connection_configurations.iter();
        let configurations = configurations.filter_map(|it| it.properties.vpn_client_address_pool.as_ref());
        prefixes(self.vpn_client_address_pool.iter().chain(configurations))
    }
}

/// All prefixes; a blank one is none.
fn prefixes<'a>(spaces: impl Iterator<Item = &'a AddressSpace>) -> impl Iterator<Item = &'a str> {
    spaces.flat_map(|space| space.address_prefixes.iter()).map(|it| it.trim()).filter(|it| !it.is_empty())
}

impl VirtualNetworkGateway {
    /// Whether point-to-site is on: it is with an address pool, and not before.
    pub fn has_client_pool(&self) -> bool {
        self.vpn_client_configuration.as_ref().is_some_and(|configuration| configuration.pools().next().is_some())
    }

    /// The virtual networks that its subnets lie in.
    pub fn networks(&self) -> BTreeSet<ResourceId> {
        let subnets = self.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet));
        subnets.filter_map(|subnet| subnet.ancestor("microsoft.network/virtualnetworks")).collect()
    }
}
