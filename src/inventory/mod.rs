//! The resources that the audit knows, typed, and found by id.
//!
//! [`collect`] types what a source yields, in parallel; [`Inventory`] is what facts are computed from.

pub mod arm;
pub mod classic;
mod collect;
pub mod compute;
pub mod gateway;
pub mod id;
pub mod lenient;
pub mod network;
pub mod security;
mod whole;

use std::collections::{BTreeSet, HashMap};

use crate::source::{Gap, Input};

pub use arm::{Child, Named, Reference, Resource};
pub use collect::{collect, collect_whole};
pub use id::ResourceId;
pub use whole::{WholeResource, WholeTypes};

use classic::ClassicResource;
use compute::{VirtualMachine, VirtualMachineScaleSet};
use gateway::{
    Connection, LocalNetworkGateway, Metric, P2sVpnGateway, SessionAnswer, VirtualHub, VirtualNetworkGateway,
    VpnServerConfiguration,
};
use network::{
    ApplicationSecurityGroup, AzureFirewall, BastionHost, FirewallPolicy, IpGroup, LoadBalancer, NetworkInterface,
    NetworkSecurityGroup, Peering, PublicIpAddress, Route, RouteTable, RuleCollectionGroup, SecurityAdminRule,
    SecurityRule, Subnet, VirtualNetwork,
};
use security::JitNetworkAccessPolicy;

/// All resources of one type, ordered by id.
#[derive(Clone, Debug)]
pub struct Table<P> {
    rows: Vec<Resource<P>>,
}

impl<P> Default for Table<P> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<P> Table<P> {
    /// The resource of that id, in any letter case; `None`: it was not read.
    pub fn get(&self, id: &ResourceId) -> Option<&Resource<P>> {
        self.position(id).map(|i| &self.rows[i])
    }

    fn position(&self, id: &ResourceId) -> Option<usize> {
        self.rows.binary_search_by(|row| row.id.cmp(id)).ok()
    }

    /// All of them, ordered by id.
    pub fn iter(&self) -> std::slice::Iter<'_, Resource<P>> {
        self.rows.iter()
    }

    /// All of them, ordered by id.
    pub fn rows(&self) -> &[Resource<P>] {
        &self.rows
    }

    /// The children of that resource, ordered by id: the rows whose id starts with its id.
    pub fn children_of(&self, parent: &ResourceId) -> impl Iterator<Item = &Resource<P>> {
        let prefix = format!("{}/", parent.key());
        let start = self.rows.partition_point(|row| *row.id.key() < *prefix);
        self.rows[start..].iter().take_while(move |row| row.id.key().starts_with(&prefix))
    }

    /// The subscriptions, in lower case; neighbours in the order of ids share theirs.
    fn subscriptions(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let mut last = None;
        for row in &self.rows {
            let subscription = row.id.subscription();
            if last != Some(subscription) {
                all.insert(subscription.to_lowercase());
                last = Some(subscription);
            }
        }
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Declares the tables of the inventory, and with them which types the audit knows.
macro_rules! tables {
    ($($(#[doc = $doc:expr])+ $field:ident: $ty:ty = [$($name:pat),+] $(if $guard:path)?,)+) => {
        /// Everything that the audit knows of an estate.
        #[derive(Debug, Default)]
        pub struct Inventory {
            $($(#[doc = $doc])+ pub $field: Table<$ty>,)+
            /// Answers of `getVpnClientConnectionHealth`, each with its gateway.
            pub sessions: Vec<(ResourceId, SessionAnswer)>,
            /// Metrics, each with the resource that it is about.
            pub metrics: Vec<(ResourceId, Metric)>,
            /// Resources that were kept as their JSON, ordered by type and id.
            pub(crate) whole: Vec<WholeResource>,
            /// What could not be read.
            pub gaps: BTreeSet<Gap>,
            /// What was read.
            pub inputs: Vec<Input>,
            /// Remarks for whoever runs the audit.
            pub notes: Vec<String>,
            /// How many resources there are, of whatever type, each id counted once.
            pub resources: u64,
            /// How many of them are of types that the audit knows.
            pub known: u64,
        }

        /// Resources as they come, before duplicates are merged; `u64`s order them as they stood in the inputs.
        #[derive(Default)]
        pub(crate) struct Rows {
            $(pub(crate) $field: Vec<(u64, Resource<$ty>)>,)+
        }

        /// Which table a resource type (lower case) belongs to; `None`: the audit does not know it.
        pub(crate) fn typed(ty: &str) -> Option<collect::Typed> {
            Some(match ty {
                $($($name)|+ $(if $guard(ty))? => collect::Typed {
                    read: |order, head, rows| {
                        let (resource, problem) = head.read::<$ty>()?;
                        rows.$field.push((order, resource));
                        problem.map_or(Ok(()), Err)
                    },
                },)+
                _ => return None,
            })
        }

        impl Rows {
            pub(crate) fn append(&mut self, other: &mut Self) {
                $(self.$field.append(&mut other.$field);)+
            }

            pub(crate) fn into_tables(self, inventory: &mut Inventory) {
                $(inventory.$field = collect::table(self.$field, &mut inventory.notes);)+
            }
        }

        impl Inventory {
            pub(crate) fn count_known(&self) -> u64 {
                0 $(+ self.$field.len() as u64)+
            }

            /// Every resource of a type that the audit knows, with its region where that is known; also subnets and
            /// peerings, whether they were read alone or within their network. In no order, and rules and routes
            /// are parts of theirs. Resources of other types are counted when they are read, and not kept.
            pub fn every_resource(&self) -> impl Iterator<Item = (&ResourceId, Option<&str>)> {
                std::iter::empty()$(.chain(self.$field.iter().map(|it| (&it.id, it.location.as_deref()))))+
            }

            /// The ids of the subscriptions that the resources belong to, in lower case.
            pub fn subscriptions(&self) -> BTreeSet<String> {
                let mut all = BTreeSet::new();
                $(all.extend(self.$field.subscriptions());)+
                all.extend(self.whole.iter().map(|it| it.id.subscription().to_lowercase()));
                all.remove("");
                all
            }
        }
    };
}

tables! {
    /// VPN and ExpressRoute gateways.
    gateways: VirtualNetworkGateway = ["microsoft.network/virtualnetworkgateways"],
    /// Connections of gateways.
    connections: Connection = ["microsoft.network/connections"],
    /// On-premises sides of connections.
    local_network_gateways: LocalNetworkGateway = ["microsoft.network/localnetworkgateways"],
    /// Point-to-site gateways of Virtual WAN hubs.
    p2s_vpn_gateways: P2sVpnGateway = ["microsoft.network/p2svpngateways"],
    /// Hubs of Virtual WAN.
    virtual_hubs: VirtualHub = ["microsoft.network/virtualhubs"],
    /// Point-to-site server configurations of Virtual WAN.
    vpn_server_configurations: VpnServerConfiguration = ["microsoft.network/vpnserverconfigurations"],
    /// Virtual networks. Their subnets and peerings stand in tables of their own.
    virtual_networks: VirtualNetwork = ["microsoft.network/virtualnetworks"],
    /// Subnets, of networks that were read and read alone.
    subnets: Subnet = ["microsoft.network/virtualnetworks/subnets"],
    /// Peerings, of networks that were read and read alone.
    peerings: Peering = ["microsoft.network/virtualnetworks/virtualnetworkpeerings"],
    /// Route tables.
    route_tables: RouteTable = ["microsoft.network/routetables"],
    /// Routes that were read alone; those of a table that was read are merged into it.
    routes: Route = ["microsoft.network/routetables/routes"],
    /// Network security groups.
    network_security_groups: NetworkSecurityGroup = ["microsoft.network/networksecuritygroups"],
    /// Rules that were read alone; those of a group that was read are merged into it.
    security_rules: SecurityRule = ["microsoft.network/networksecuritygroups/securityrules"],
    /// Application security groups.
    application_security_groups: ApplicationSecurityGroup = ["microsoft.network/applicationsecuritygroups"],
    /// Network interfaces, also those of scale sets.
    network_interfaces: NetworkInterface = ["microsoft.network/networkinterfaces",
        "microsoft.compute/virtualmachinescalesets/networkinterfaces",
        "microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces"],
    /// Public addresses, also those of scale sets' machines.
    public_ip_addresses: PublicIpAddress = ["microsoft.network/publicipaddresses",
        "microsoft.compute/virtualmachinescalesets/publicipaddresses",
        "microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces/ipconfigurations/publicipaddresses"],
    /// Load balancers.
    load_balancers: LoadBalancer = ["microsoft.network/loadbalancers"],
    /// Azure Firewalls.
    azure_firewalls: AzureFirewall = ["microsoft.network/azurefirewalls"],
    /// Firewall policies.
    firewall_policies: FirewallPolicy = ["microsoft.network/firewallpolicies"],
    /// Rule collection groups of firewall policies.
    rule_collection_groups: RuleCollectionGroup = ["microsoft.network/firewallpolicies/rulecollectiongroups"],
    /// IP groups.
    ip_groups: IpGroup = ["microsoft.network/ipgroups"],
    /// Bastion hosts.
    bastion_hosts: BastionHost = ["microsoft.network/bastionhosts"],
    /// Effective security admin rules of virtual network managers.
    security_admin_rules: SecurityAdminRule = ["microsoft.network/effectivesecurityadminrules"],
    /// Virtual machines.
    virtual_machines: VirtualMachine = ["microsoft.compute/virtualmachines"],
    /// Scale sets.
    scale_sets: VirtualMachineScaleSet = ["microsoft.compute/virtualmachinescalesets"],
    /// Policies of just-in-time access.
    jit_policies: JitNetworkAccessPolicy = ["microsoft.security/locations/jitnetworkaccesspolicies",
        "microsoft.security/jitnetworkaccesspolicies"],
    /// Resources of the classic deployment model, of whatever type.
    classic_resources: ClassicResource = [_] if classic::is_classic,
}

/// Whether the audit knows resources of that type (lower case).
pub fn is_known(ty: &str) -> bool {
    typed(ty).is_some()
}

impl Inventory {
    /// The resources of that type (any letter case) that were kept whole, ordered by id.
    pub fn whole_of_type(&self, ty: &str) -> &[WholeResource] {
        whole::of_type(&self.whole, &ty.to_lowercase())
    }

    /// The saved session answer about that gateway, if there is one.
    pub fn sessions_of(&self, gateway: &ResourceId) -> Option<&SessionAnswer> {
        self.sessions.iter().find(|(id, _)| id == gateway).map(|(_, answer)| answer)
    }

    /// The metrics about that resource.
    pub fn metrics_of<'a>(&'a self, resource: &'a ResourceId) -> impl Iterator<Item = &'a Metric> {
        self.metrics.iter().filter(move |(id, _)| id == resource).map(|(_, metric)| metric)
    }

    /// Gateways by the virtual networks that they stand in.
    pub fn gateways_by_network(&self) -> HashMap<ResourceId, Vec<&Resource<VirtualNetworkGateway>>> {
        let mut by_network: HashMap<_, Vec<_>> = HashMap::new();
        for gateway in self.gateways.iter() {
            for network in gateway.properties.networks() {
                by_network.entry(network).or_default().push(gateway);
            }
        }
        by_network
    }

    /// Connections by the gateways at their ends: one between two gateways belongs to both.
    pub fn connections_by_gateway(&self) -> HashMap<&ResourceId, Vec<&Resource<Connection>>> {
        let mut by_gateway: HashMap<_, Vec<_>> = HashMap::new();
        for connection in self.connections.iter() {
            let it = &connection.properties;
            let ends = [&it.virtual_network_gateway1, &it.virtual_network_gateway2].map(network::target);
            for gateway in ends.into_iter().flatten().collect::<BTreeSet<_>>() {
                by_gateway.entry(gateway).or_default().push(connection);
            }
        }
        by_gateway
    }

    /// The gap that keeps resources of that type (lower case) in that subscription from being complete, if there
    /// is one: then their absence proves nothing. The empty subscription asks about any.
    pub fn incomplete(&self, ty: &str, subscription: &str) -> Option<&Gap> {
        let under = format!("/subscriptions/{}", subscription.to_lowercase());
        self.gaps.iter().find(|gap| {
            let scope = gap.scope.to_lowercase();
            let within = scope.strip_prefix(&under).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            // That there may be further subscriptions makes none of those that were read incomplete; but which one a
            // damaged part of a file was about, nobody knows.
            let everywhere = gap.what == ty && !scope.starts_with("/subscriptions/");
            ((gap.what == ty || gap.what == "subscription") && (within || subscription.is_empty())) || everywhere
        })
    }
}
