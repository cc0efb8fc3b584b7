//! The resource types that are read, how each is listed, and which API version is asked.

use std::collections::BTreeSet;

/// `Microsoft.Network`, in every cloud.
const NETWORK: &str = "2025-01-01";
/// `Microsoft.Compute`.
const COMPUTE: &str = "2025-04-01";
/// `Microsoft.Security`: just-in-time policies.
const SECURITY: &str = "2020-01-01";
/// `Microsoft.Resources`: resource groups, and `/resources`, which lists any type without its properties.
pub(super) const RESOURCES: &str = "2021-04-01";
/// `Microsoft.Resources`: subscriptions.
pub(super) const SUBSCRIPTIONS: &str = "2022-12-01";
/// `Microsoft.ResourceGraph`.
pub(super) const RESOURCE_GRAPH: &str = "2024-04-01";
/// `Microsoft.Insights` metrics.
pub(super) const METRICS: &str = "2024-02-01";

/// How a type is listed where Resource Graph does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// By a list of the subscription, or of a resource group.
    Subscription,
    /// By a list of a resource group only; of a subscription, `/resources` gives the ids.
    Group,
    /// By `/resources`, which gives the ids: that such a resource is there is all that counts.
    Ids,
    /// By a list under each resource of that type (lower case).
    Under(&'static str),
    /// Not at all by a GET: only whether there is a network manager, without which there are none.
    ByManager,
}

/// A resource type.
#[derive(Debug)]
pub(super) struct Kind {
    /// In lower case, as Resource Graph and gaps name it.
    pub(super) name: &'static str,
    /// As paths name it.
    pub(super) path: &'static str,
    pub(super) listing: Listing,
}

const fn kind(name: &'static str, path: &'static str, listing: Listing) -> Kind {
    Kind { name, path, listing }
}

/// One query of Resource Graph.
#[derive(Debug)]
pub(super) struct Query {
    /// Resource Graph's table.
    pub(super) table: &'static str,
    /// Whether `--resource-group` narrows it. Admin rules reach networks wherever their manager stands.
    pub(super) by_group: bool,
    pub(super) kinds: &'static [Kind],
}

pub(super) const GATEWAY: &str = "microsoft.network/virtualnetworkgateways";
pub(super) const P2S_GATEWAY: &str = "microsoft.network/p2svpngateways";
pub(super) const VIRTUAL_NETWORK: &str = "microsoft.network/virtualnetworks";
pub(super) const VIRTUAL_MACHINE: &str = "microsoft.compute/virtualmachines";
pub(super) const INTERFACE: &str = "microsoft.network/networkinterfaces";
pub(super) const FIREWALL_POLICY: &str = "microsoft.network/firewallpolicies";

/// The queries, those first that others refer to.
pub(super) const QUERIES: &[Query] = &[
    Query {
        table: "resources",
        by_group: true,
        kinds: &[
            kind(VIRTUAL_NETWORK, "Microsoft.Network/virtualNetworks", Listing::Subscription),
            kind("microsoft.network/routetables", "Microsoft.Network/routeTables", Listing::Subscription),
            kind(
                "microsoft.network/networksecuritygroups",
                "Microsoft.Network/networkSecurityGroups",
                Listing::Subscription,
            ),
            kind(
                "microsoft.network/applicationsecuritygroups",
                "Microsoft.Network/applicationSecurityGroups",
                Listing::Subscription,
            ),
        ],
    },
    Query {
        table: "resources",
        by_group: true,
        kinds: &[
            kind(GATEWAY, "Microsoft.Network/virtualNetworkGateways", Listing::Group),
            kind("microsoft.network/connections", "Microsoft.Network/connections", Listing::Group),
            kind("microsoft.network/localnetworkgateways", "Microsoft.Network/localNetworkGateways", Listing::Group),
            kind(P2S_GATEWAY, "Microsoft.Network/p2sVpnGateways", Listing::Subscription),
            kind("microsoft.network/virtualhubs", "Microsoft.Network/virtualHubs", Listing::Subscription),
            kind(
                "microsoft.network/vpnserverconfigurations",
                "Microsoft.Network/vpnServerConfigurations",
                Listing::Subscription,
            ),
        ],
    },
    Query {
        table: "resources",
        by_group: true,
        kinds: &[
            kind(INTERFACE, "Microsoft.Network/networkInterfaces", Listing::Subscription),
            kind("microsoft.network/publicipaddresses", "Microsoft.Network/publicIPAddresses", Listing::Subscription),
            kind("microsoft.network/loadbalancers", "Microsoft.Network/loadBalancers", Listing::Subscription),
            kind("microsoft.network/azurefirewalls", "Microsoft.Network/azureFirewalls", Listing::Subscription),
            kind(FIREWALL_POLICY, "Microsoft.Network/firewallPolicies", Listing::Subscription),
            kind("microsoft.network/ipgroups", "Microsoft.Network/ipGroups", Listing::Subscription),
            kind("microsoft.network/bastionhosts", "Microsoft.Network/bastionHosts", Listing::Subscription),
            kind(VIRTUAL_MACHINE, "Microsoft.Compute/virtualMachines", Listing::Subscription),
            kind(
                "microsoft.compute/virtualmachinescalesets",
                "Microsoft.Compute/virtualMachineScaleSets",
                Listing::Subscription,
            ),
            // Resources of the classic deployment model that stand by themselves; all others are parts of these.
            kind("microsoft.classiccompute/domainnames", "Microsoft.ClassicCompute/domainNames", Listing::Ids),
            kind("microsoft.classiccompute/virtualmachines", "Microsoft.ClassicCompute/virtualMachines", Listing::Ids),
            kind("microsoft.classicnetwork/virtualnetworks", "Microsoft.ClassicNetwork/virtualNetworks", Listing::Ids),
            kind(
                "microsoft.classicnetwork/networksecuritygroups",
                "Microsoft.ClassicNetwork/networkSecurityGroups",
                Listing::Ids,
            ),
            kind("microsoft.classicnetwork/reservedips", "Microsoft.ClassicNetwork/reservedIps", Listing::Ids),
            kind("microsoft.classicstorage/storageaccounts", "Microsoft.ClassicStorage/storageAccounts", Listing::Ids),
        ],
    },
    Query {
        table: "networkresources",
        by_group: false,
        kinds: &[
            kind(
                "microsoft.network/firewallpolicies/rulecollectiongroups",
                "ruleCollectionGroups",
                Listing::Under(FIREWALL_POLICY),
            ),
            kind(
                "microsoft.network/effectivesecurityadminrules",
                "Microsoft.Network/networkManagers",
                Listing::ByManager,
            ),
        ],
    },
];

/// Policies of just-in-time access. Whether Resource Graph has them is not documented: they are listed always, where
/// there are machines.
pub(super) const JUST_IN_TIME: &Kind = &kind(
    "microsoft.security/locations/jitnetworkaccesspolicies",
    "Microsoft.Security/jitNetworkAccessPolicies",
    Listing::Subscription,
);

/// A query of the types (lower case) that are read beside these; children come with the resource that holds them.
/// `None`: there are no further types.
///
/// It lives as long as the program, as [`QUERIES`] do, so it is to be made once a run.
pub(super) fn further(types: &[String]) -> Option<&'static Query> {
    let top = |ty: &String| ty.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
    let names: BTreeSet<String> = types.iter().map(top).filter(|name| find(name).is_none()).collect();
    if names.is_empty() {
        return None;
    }
    let kinds = names.into_iter().map(|name| {
        let name: &'static str = name.leak();
        // Which API version lists their properties, nobody knows; that there are such resources, all of them tell.
        kind(name, name, Listing::Ids)
    });
    Some(Box::leak(Box::new(Query { table: "resources", by_group: true, kinds: kinds.collect::<Vec<_>>().leak() })))
}

/// The type of that name (lower case), if it is one that is read.
pub(super) fn find(name: &str) -> Option<&'static Kind> {
    QUERIES.iter().flat_map(|query| query.kinds).find(|kind| kind.name == name)
}

/// The API version that a resource of that type (lower case) is read with.
pub(super) fn api_version(name: &str) -> &'static str {
    match name {
        _ if name.starts_with("microsoft.compute/") => COMPUTE,
        _ if name.starts_with("microsoft.security/") => SECURITY,
        _ => NETWORK,
    }
}
