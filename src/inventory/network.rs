//! Virtual networks and what filters and steers traffic in them. Source of the fields: the 2025-09-01 types of
//! Microsoft.Network (azure-rest-api-specs); every one may be absent or null in a recorded answer.

use super::arm::{
    AddressSpace, Child, Named, Reference, arm, back_references, back_references_but_interfaces, merge_by_value,
};
use super::id::ResourceId;

arm! {
    /// `Microsoft.Network/virtualNetworks`.
    pub struct VirtualNetwork {
        /// The network's own ranges.
        pub address_space: AddressSpace,
        /// Its subnets.
        pub subnets: Vec<Child<Option<Subnet>>>,
        /// Its peerings.
        pub virtual_network_peerings: Vec<Child<Option<Peering>>>,
        /// DNS servers; absent or empty: Azure's own.
        pub dhcp_options: Option<DhcpOptions>,
    }

    /// `dhcpOptions` of a virtual network.
    pub struct DhcpOptions {
        /// Addresses of the DNS servers.
        pub dns_servers: Vec<Box<str>>,
    }

    /// `Microsoft.Network/virtualNetworks/subnets`.
    pub struct Subnet {
        /// The prefix, where there is one.
        pub address_prefix: Option<Box<str>>,
        /// The prefixes, where there are several.
        pub address_prefixes: Vec<Box<str>>,
        /// The NSG that filters the subnet.
        pub network_security_group: Option<Reference>,
        /// The route table that steers it.
        pub route_table: Option<Reference>,
        /// IP configurations in it: of gateways (`…/virtualNetworkGateways/NAME/ipConfigurations/…`), firewalls,
        /// Bastion hosts, load balancers. Those of network interfaces, of which there may be thousands, are left out:
        /// the interfaces themselves name their subnets.
        #[serde(deserialize_with = "back_references_but_interfaces")]
        pub ip_configurations: Vec<Reference>,
    }

    /// `Microsoft.Network/virtualNetworks/virtualNetworkPeerings`.
    pub struct Peering {
        /// The network on the other side.
        pub remote_virtual_network: Option<Reference>,
        /// `Connected`, `Disconnected`, `Initiated`.
        pub peering_state: Option<Box<str>>,
        /// `FullyInSync`, `LocalNotInSync`, `RemoteNotInSync`, `LocalAndRemoteNotInSync`.
        pub peering_sync_level: Option<Box<str>>,
        /// Whether the other side's addresses are part of the tag `VirtualNetwork`; default true.
        pub allow_virtual_network_access: Option<bool>,
        /// Whether traffic that did not start in the other network is let in.
        pub allow_forwarded_traffic: Option<bool>,
        /// Whether this side offers its gateway.
        pub allow_gateway_transit: Option<bool>,
        /// Whether this side uses the other's gateway.
        pub use_remote_gateways: Option<bool>,
        /// The other side's ranges as they were at the last sync.
        pub remote_address_space: Option<AddressSpace>,
        /// The other side's ranges now.
        pub remote_virtual_network_address_space: Option<AddressSpace>,
    }

    /// `Microsoft.Network/routeTables`.
    pub struct RouteTable {
        /// The user-defined routes.
        pub routes: Vec<Named<Route>>,
        /// Whether the routes of gateways are kept from the subnets.
        pub disable_bgp_route_propagation: Option<bool>,
        /// The subnets that use it. What an export left of an entry does not cost the routes: it points to nothing.
        #[serde(deserialize_with = "back_references")]
        pub subnets: Vec<Reference>,
    }

    /// `Microsoft.Network/routeTables/routes`.
    pub struct Route {
        /// A prefix, not always canonical, or a service tag.
        pub address_prefix: Option<Box<str>>,
        /// `VirtualNetworkGateway`, `VnetLocal`, `Internet`, `VirtualAppliance`, `VirtualApplianceEcmp`, `None`.
        pub next_hop_type: Option<Box<str>>,
        /// The appliance's address.
        pub next_hop_ip_address: Option<Box<str>>,
    }

    /// `Microsoft.Network/networkSecurityGroups`.
    pub struct NetworkSecurityGroup {
        /// The customer's rules.
        pub security_rules: Vec<Named<SecurityRule>>,
        /// Azure's rules; some exports leave them out.
        pub default_security_rules: Vec<Named<SecurityRule>>,
        /// The subnets that it filters, as far as the export says. What points to nothing is an entry all the same.
        #[serde(deserialize_with = "back_references")]
        pub subnets: Vec<Reference>,
        /// The network interfaces that it filters, in the same way.
        #[serde(deserialize_with = "back_references")]
        pub network_interfaces: Vec<Reference>,
    }

    /// `Microsoft.Network/networkSecurityGroups/securityRules`. Singular and plural fields count together.
    pub struct SecurityRule {
        /// `Allow`, `Deny`.
        pub access: Option<Box<str>>,
        /// `Inbound`, `Outbound`.
        pub direction: Option<Box<str>>,
        /// 100 to 4096, smaller first; Azure's own from 65000.
        pub priority: Option<i64>,
        /// `Tcp`, `Udp`, `Icmp`, `Esp`, `Ah`, `*`.
        pub protocol: Option<Box<str>>,
        /// A prefix, a service tag or `*`. `""` says nothing.
        pub source_address_prefix: Option<Box<str>>,
        /// Prefixes.
        pub source_address_prefixes: Vec<Box<str>>,
        /// Application security groups.
        pub source_application_security_groups: Vec<Reference>,
        /// A port, a range or `*`.
        pub source_port_range: Option<Box<str>>,
        /// Ports and ranges.
        pub source_port_ranges: Vec<Box<str>>,
        /// A prefix, a service tag or `*`.
        pub destination_address_prefix: Option<Box<str>>,
        /// Prefixes.
        pub destination_address_prefixes: Vec<Box<str>>,
        /// Application security groups.
        pub destination_application_security_groups: Vec<Reference>,
        /// A port, a range or `*`.
        pub destination_port_range: Option<Box<str>>,
        /// Ports and ranges.
        pub destination_port_ranges: Vec<Box<str>>,
    }

    /// `Microsoft.Network/networkInterfaces`.
    pub struct NetworkInterface {
        /// Its IP configurations.
        pub ip_configurations: Vec<Child<InterfaceIpConfiguration>>,
        /// The NSG that filters the interface.
        pub network_security_group: Option<Reference>,
        /// The machine that it belongs to.
        pub virtual_machine: Option<Reference>,
    }

    /// An IP configuration of an interface.
    pub struct InterfaceIpConfiguration {
        /// The private address.
        pub private_ip_address: Option<Box<str>>,
        /// `IPv4`, `IPv6`; default `IPv4`.
        pub private_ip_address_version: Option<Box<str>>,
        /// The subnet.
        pub subnet: Option<Reference>,
        /// The public address that is attached directly.
        pub public_ip_address: Option<Reference>,
        /// Whether it is the interface's first.
        pub primary: Option<bool>,
        /// Application security groups that it is a member of.
        pub application_security_groups: Vec<Reference>,
        /// Back-end pools that it is a member of.
        pub load_balancer_backend_address_pools: Vec<Reference>,
        /// Inbound NAT rules that end at it.
        pub load_balancer_inbound_nat_rules: Vec<Reference>,
    }

    /// `Microsoft.Network/publicIPAddresses`. Its SKU stands beside the properties.
    pub struct PublicIpAddress {
        /// The address; absent while a dynamic one is not allocated.
        pub ip_address: Option<Box<str>>,
        /// `IPv4`, `IPv6`.
        pub public_ip_address_version: Option<Box<str>>,
        /// `Static`, `Dynamic`.
        pub public_ip_allocation_method: Option<Box<str>>,
        /// `Succeeded`, `Updating`, `Deleting`, `Failed`.
        pub provisioning_state: Option<Box<str>>,
        /// What it is attached to.
        pub ip_configuration: Option<Reference>,
    }

    /// `Microsoft.Network/applicationSecurityGroups`: members are named by the interfaces.
    pub struct ApplicationSecurityGroup {}

    /// `Microsoft.Network/loadBalancers`. Its SKU stands beside the properties.
    pub struct LoadBalancer {
        /// Front ends. (`frontendIPConfigurations` in ARM.)
        pub frontend_ip_configurations: Vec<Child<FrontendIpConfiguration>>,
        /// Back-end pools.
        pub backend_address_pools: Vec<Child<BackendAddressPool>>,
        /// Rules that spread a front-end port over a pool.
        pub load_balancing_rules: Vec<Child<LoadBalancingRule>>,
        /// Rules that lead one front-end port (or a range of them) to one machine each.
        pub inbound_nat_rules: Vec<Child<InboundNatRule>>,
        /// Ranges of front-end ports for a scale set's machines.
        pub inbound_nat_pools: Vec<Child<InboundNatPool>>,
    }

    /// A front end: public or private.
    pub struct FrontendIpConfiguration {
        /// The public address.
        pub public_ip_address: Option<Reference>,
        /// The prefix that the public address is taken from.
        pub public_ip_prefix: Option<Reference>,
        /// The private address of an internal load balancer.
        pub private_ip_address: Option<Box<str>>,
        /// The subnet of an internal load balancer.
        pub subnet: Option<Reference>,
    }

    /// A back-end pool.
    pub struct BackendAddressPool {
        /// IP configurations of interfaces. (`backendIPConfigurations` in ARM.)
        pub backend_ip_configurations: Vec<Reference>,
        /// Members by address.
        pub load_balancer_backend_addresses: Vec<Child<BackendAddress>>,
        /// The network of members by address.
        pub virtual_network: Option<Reference>,
    }

    /// A member of a back-end pool by address.
    pub struct BackendAddress {
        /// The private address.
        pub ip_address: Option<Box<str>>,
        /// The network that the address belongs to.
        pub virtual_network: Option<Reference>,
        /// The subnet that the address belongs to, in place of the network.
        pub subnet: Option<Reference>,
        /// The IP configuration of an interface.
        pub network_interface_ip_configuration: Option<Reference>,
    }

    /// A load-balancing rule.
    pub struct LoadBalancingRule {
        /// `Tcp`, `Udp`, `All`.
        pub protocol: Option<Box<str>>,
        /// The port on the front end; 0 with protocol `All`: every port.
        pub frontend_port: Option<i64>,
        /// The port on the machine; 0 with protocol `All`: the same one.
        pub backend_port: Option<i64>,
        /// The front end. (`frontendIPConfiguration` in ARM.)
        pub frontend_ip_configuration: Option<Reference>,
        /// The pool.
        pub backend_address_pool: Option<Reference>,
        /// The pools, in newer API versions.
        pub backend_address_pools: Vec<Reference>,
        /// Floating IP: the machine sees the front end's address and port.
        pub enable_floating_ip: Option<bool>,
    }

    /// An inbound NAT rule: to one machine, or (with a pool and a port range) to one machine for each port.
    pub struct InboundNatRule {
        /// `Tcp`, `Udp`, `All`.
        pub protocol: Option<Box<str>>,
        /// The port on the front end.
        pub frontend_port: Option<i64>,
        /// The first port of the range.
        pub frontend_port_range_start: Option<i64>,
        /// The last port of the range.
        pub frontend_port_range_end: Option<i64>,
        /// The port on the machine.
        pub backend_port: Option<i64>,
        /// The front end.
        pub frontend_ip_configuration: Option<Reference>,
        /// The IP configuration of the one machine.
        pub backend_ip_configuration: Option<Reference>,
        /// The pool whose members get a port each.
        pub backend_address_pool: Option<Reference>,
        /// Floating IP.
        pub enable_floating_ip: Option<bool>,
    }

    /// An inbound NAT pool of a scale set.
    pub struct InboundNatPool {
        /// `Tcp`, `Udp`, `All`.
        pub protocol: Option<Box<str>>,
        /// The first port of the range.
        pub frontend_port_range_start: Option<i64>,
        /// The last port of the range.
        pub frontend_port_range_end: Option<i64>,
        /// The port on the machines.
        pub backend_port: Option<i64>,
        /// The front end.
        pub frontend_ip_configuration: Option<Reference>,
    }

    /// `Microsoft.Network/azureFirewalls`.
    pub struct AzureFirewall {
        /// Its addresses.
        pub ip_configurations: Vec<Child<FirewallIpConfiguration>>,
        /// DNAT rules of a firewall without a policy.
        pub nat_rule_collections: Vec<Named<NatRuleCollection>>,
        /// Its policy.
        pub firewall_policy: Option<Reference>,
        /// The Virtual WAN hub that it stands in.
        pub virtual_hub: Option<Reference>,
    }

    /// An address of a firewall.
    pub struct FirewallIpConfiguration {
        /// AzureFirewallSubnet (on the first one).
        pub subnet: Option<Reference>,
        /// The public address.
        pub public_ip_address: Option<Reference>,
        /// The private address.
        pub private_ip_address: Option<Box<str>>,
    }

    /// A collection of classic DNAT rules.
    pub struct NatRuleCollection {
        /// 100 to 65000, smaller first.
        pub priority: Option<i64>,
        /// The rules.
        pub rules: Vec<FirewallNatRule>,
    }

    /// A DNAT rule, of a firewall or of a firewall policy.
    pub struct FirewallNatRule {
        /// Its name.
        pub name: Option<Box<str>>,
        /// `NatRule` in a policy.
        pub rule_type: Option<Box<str>>,
        /// Prefixes, ranges or `*`.
        pub source_addresses: Vec<Box<str>>,
        /// IP groups.
        pub source_ip_groups: Vec<Box<str>>,
        /// The firewall's public addresses.
        pub destination_addresses: Vec<Box<str>>,
        /// Ports on the firewall.
        pub destination_ports: Vec<Box<str>>,
        /// Protocols, in a firewall's own rules. Application rules have others, which translate nothing.
        pub protocols: Vec<FirewallProtocol>,
        /// Protocols, in a policy's rules.
        pub ip_protocols: Vec<Box<str>>,
        /// The machine's address.
        pub translated_address: Option<Box<str>>,
        /// The machine's name.
        pub translated_fqdn: Option<Box<str>>,
        /// The port on the machine.
        pub translated_port: Option<Box<str>>,
    }

    /// `Microsoft.Network/firewallPolicies`.
    pub struct FirewallPolicy {
        /// Its rule collection groups.
        pub rule_collection_groups: Vec<Reference>,
        /// The policy that it inherits from.
        pub base_policy: Option<Reference>,
    }

    /// `Microsoft.Network/firewallPolicies/ruleCollectionGroups`.
    pub struct RuleCollectionGroup {
        /// Smaller first.
        pub priority: Option<i64>,
        /// The collections.
        pub rule_collections: Vec<RuleCollection>,
    }

    /// A rule collection; DNAT ones have `ruleCollectionType` `FirewallPolicyNatRuleCollection`.
    pub struct RuleCollection {
        /// Its name.
        pub name: Option<Box<str>>,
        /// `FirewallPolicyNatRuleCollection`, `FirewallPolicyFilterRuleCollection`.
        pub rule_collection_type: Option<Box<str>>,
        /// Smaller first.
        pub priority: Option<i64>,
        /// Its rules. Only those of DNAT collections have the members that are read here.
        pub rules: Vec<FirewallNatRule>,
    }

    /// `Microsoft.Network/ipGroups`.
    pub struct IpGroup {
        /// Prefixes, addresses, ranges.
        pub ip_addresses: Vec<Box<str>>,
    }

    /// `Microsoft.Network/bastionHosts`.
    pub struct BastionHost {
        /// Its place.
        pub ip_configurations: Vec<Child<FirewallIpConfiguration>>,
    }

    /// An effective security admin rule of a virtual network manager. Its id is that of the network, followed by
    /// `/providers/Microsoft.Network/effectiveSecurityAdminRules/NAME`. Resource Graph's rows of that type carry no
    /// rule but the ids of the configurations that apply.
    pub struct SecurityAdminRule {
        /// The configurations that apply to the network, `[{"id"}]`; present in Resource Graph's rows.
        pub effective_security_admin_configurations: Option<Vec<Reference>>,
        /// `Allow`, `AlwaysAllow`, `Deny`.
        pub access: Option<Box<str>>,
        /// `Inbound`, `Outbound`.
        pub direction: Option<Box<str>>,
        /// 1 to 4096, smaller first.
        pub priority: Option<i64>,
        /// `Tcp`, `Udp`, `Icmp`, `Esp`, `Ah`, `Any`.
        pub protocol: Option<Box<str>>,
        /// Sources.
        pub sources: Vec<AddressPrefixItem>,
        /// Destinations.
        pub destinations: Vec<AddressPrefixItem>,
        /// Ports.
        pub source_port_ranges: Vec<Box<str>>,
        /// Ports.
        pub destination_port_ranges: Vec<Box<str>>,
    }

    /// A source or destination of an admin rule.
    pub struct AddressPrefixItem {
        /// A prefix, a tag, or the id of a network group.
        pub address_prefix: Option<Box<str>>,
        /// `IPPrefix`, `ServiceTag`, `NetworkGroup`.
        pub address_prefix_type: Option<Box<str>>,
    }
}

merge_by_value!(FirewallNatRule, FirewallProtocol, RuleCollection, AddressPrefixItem);

/// A protocol of a firewall's rule.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(untagged)]
pub enum FirewallProtocol {
    /// `TCP`, `UDP`, `Any`, `ICMP`.
    Name(Box<str>),
    /// Of an application rule: `{"protocolType": "Https", "port": 443}`.
    Application {
        /// `Http`, `Https`, `Mssql`.
        #[serde(rename = "protocolType", alias = "ProtocolType")]
        protocol_type: Box<str>,
    },
}

impl FirewallProtocol {
    /// The protocol's name, where it is one of packets.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Application { .. } => None,
        }
    }
}

/// Whether a reference leads anywhere, and where.
pub fn target(reference: &Option<Reference>) -> Option<&ResourceId> {
    reference.as_ref()?.id.as_ref()
}
