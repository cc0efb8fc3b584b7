//! The way of answers back to the clients of a gateway: where the subnets that they go to send what is meant for the pool.

use std::collections::{BTreeSet, HashSet};

use ipnet::IpNet;

use super::PointToSite;
use super::surroundings::Map;
use crate::facts::address::{self, AddressSet};
use crate::facts::command::{Command, az};
use crate::facts::gateway_subnet::cover::{Destination, destination, range};
use crate::facts::gateway_subnet::longest_prefix::{ends, overlap, set, winners};
use crate::facts::gateway_subnet::{damaged_tables, doubt, next_hop, reference};
use crate::facts::network_index::missing;
use crate::facts::schema::{Known, Unread, fact_enum, facts};
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::network::{Route, RouteTable, Subnet, target};
use crate::inventory::{Inventory, Resource, ResourceId};

fact_enum! {
    /// What becomes of packets to a client that do not go straight to the gateway.
    pub enum ReturnEffect {
        /// A route drops them: no next hop, or the Internet or the network itself, where nobody has the address.
        Dropped => "dropped",
        /// No route leads to the gateway: the table keeps the gateway's own routes out, and has none instead.
        Withheld => "withheld",
        /// A route leads them to an appliance, which may know the way.
        ThroughAppliance => "throughAppliance",
    }
}

facts! {
    /// The way of answers back to the clients of a gateway, from the subnets of its network and of the peers that use it.
    /// Left out are subnets in which only Azure's own services stand: GatewaySubnet, AzureFirewallSubnet,
    /// AzureFirewallManagementSubnet, AzureBastionSubnet, RouteServerSubnet.
    pub struct ReturnPath {
        /// Whether answers from one of these subnets are lost. Unread where none are known to be and not all subnets or
        /// route tables were read.
        pub lost: Known<bool>,
        /// Where they are lost. A route counts where it decides: the longest prefix does, and of equal ones the user's.
        pub faults: Vec<ReturnRoute>,
        /// Where they go through an appliance.
        pub detours: Vec<ReturnRoute>,
        /// The first faults in words.
        pub problem: String,
        /// Commands that lead the answers to the gateway; none for a route table that a GatewaySubnet uses too.
        pub mend_commands: Vec<Command>,
    }

    /// Where one subnet sends what is meant for a client.
    pub struct ReturnRoute {
        /// The network's name and the subnet's: `spoke/app`.
        pub subnet: String,
        /// The name of its route table.
        pub route_table: String,
        /// The name of the route that decides; null: there is none.
        pub route: Option<String>,
        /// The route's destination as written; null without a route.
        pub prefix: Option<String>,
        /// Its next hop with the appliance's address; null without a route.
        pub next_hop: Option<String>,
        /// What becomes of the packets.
        pub effect: ReturnEffect,
        /// The prefix of the client pool that it is about.
        pub pool: String,
    }
}

/// Subnets of services that no client goes to. The gateway's own is judged as `gatewaySubnet`.
const SPECIAL: [&str; 5] = [
    "GatewaySubnet",
    "AzureFirewallSubnet",
    "AzureFirewallManagementSubnet",
    "AzureBastionSubnet",
    "RouteServerSubnet",
];

/// How many faults the words name.
const NAMED: usize = 3;

impl ReturnPath {
    fn unread(unread: Unread) -> Self {
        Self { lost: Err(unread), ..Self::whole() }
    }

    fn whole() -> Self {
        Self {
            lost: Ok(false),
            faults: Vec::new(),
            detours: Vec::new(),
            problem: String::new(),
            mend_commands: Vec::new(),
        }
    }

    /// Of a gateway of Virtual WAN: the hub's router decides, and no resource that the audit reads tells how.
    pub(super) fn of_hub(gateway: &str) -> Self {
        let what = format!("the routes of the virtual hub of `{gateway}` (azaudit does not read them)");
        Self::unread(Unread::new(what, "look at the effective routes of the hub in the portal"))
    }
}

/// What a next hop means for packets to a client; `None`: nobody knows.
fn effect(route: &Route) -> Option<Option<ReturnEffect>> {
    match route.next_hop_type.as_deref().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "virtualnetworkgateway" => Some(None),
        "none" | "internet" | "vnetlocal" => Some(Some(ReturnEffect::Dropped)),
        "virtualappliance" | "virtualapplianceecmp" => Some(Some(ReturnEffect::ThroughAppliance)),
        _ => None,
    }
}

/// What one route table does with packets to one prefix of the pool.
#[derive(Default)]
struct Decided {
    /// The positions of the routes that decide, and what they do.
    routes: Vec<(usize, ReturnEffect)>,
    /// Whether some address has no route to the gateway, and none of the user's.
    withheld: bool,
    unread: Vec<Unread>,
}

fn decide(table: &Resource<RouteTable>, doubt: Option<&Unread>, pool: &IpNet) -> Decided {
    let mut decided = Decided::default();
    let routes = &table.properties.routes;
    let near: Vec<(usize, IpNet)> = routes
        .iter()
        .enumerate()
        .filter_map(|(i, route)| match destination(route) {
            Destination::Range(range) => Some((i, range)).filter(|(_, range)| overlap(range, pool)),
            Destination::ServiceTag | Destination::Unreadable => None,
        })
        .collect();
    let propagates = table.properties.disable_bgp_route_propagation != Some(true);
    let system = if propagates { std::slice::from_ref(pool) } else { &[] };
    for i in winners(*pool, &near, system) {
        match effect(&routes[i].properties) {
            Some(None) => {}
            Some(Some(effect)) => decided.routes.push((i, effect)),
            None => {
                let what = format!("the next hop of the route `{}` of `{}`", routes[i].name, table.name);
                decided.unread.push(Unread::new(what, "export the route table with it, or update azaudit"));
            }
        }
    }
    let own = AddressSet::from_ranges(near.iter().map(|(_, range)| ends(range)));
    let uncovered = !propagates && !own.covers(&set(pool));
    match doubt {
        // What was not read may be the route that leads to the gateway.
        Some(_) if uncovered => {}
        _ => decided.withheld = uncovered,
    }
    decided.unread.extend(doubt.cloned());
    // Which addresses a tag means is not known here; private ones are in none.
    let tag = |route: &&crate::inventory::Named<Route>| {
        destination(route) == Destination::ServiceTag && effect(&route.properties) != Some(None)
    };
    if set(pool).meets(address::public())
        && let Some(route) = routes.iter().find(tag)
    {
        let what = format!("whether the service tag of the route `{}` of `{}` holds clients", route.name, table.name);
        decided.unread.push(Unread::new(what, "give the clients private addresses"));
    }
    decided
}

pub(super) fn return_path(map: &Map<'_>, gateway: &Resource<VirtualNetworkGateway>, p2s: &PointToSite) -> ReturnPath {
    if !p2s.served {
        return ReturnPath::whole();
    }
    let inventory = map.inventory;
    let (networks, mut unread) = map.answering(gateway);
    let mut pools = Vec::new();
    for text in &p2s.pools {
        match range(text.trim()) {
            Some(range) => pools.push((text.trim(), range)),
            None => {
                let what = format!("the prefix `{text}` of the address pool of `{}`", gateway.name);
                unread.push(Unread::new(what, "correct it, as in 172.16.0.0/24"));
            }
        }
    }
    let damaged = damaged_tables(inventory);
    let mut path = ReturnPath::whole();
    let mut mends = Mends::new(inventory);
    for network in &networks {
        let mut subnets = inventory.subnets.children_of(network).peekable();
        let read = inventory.virtual_networks.get(network).is_some();
        if read && subnets.peek().is_none() && gateway.properties.networks().contains(network) {
            let what = format!("the subnets of the virtual network `{}`", network.name());
            unread.push(Unread::new(what, "export the virtual network with its subnets"));
        }
        for subnet in subnets.filter(|it| !SPECIAL.iter().any(|name| name.eq_ignore_ascii_case(it.id.name()))) {
            let table = match table_of(subnet, inventory) {
                Ok(Some(table)) => table,
                Ok(None) => continue,
                Err(missing) => {
                    unread.push(missing);
                    continue;
                }
            };
            let doubt = doubt(table, &damaged);
            for (text, pool) in &pools {
                let decided = decide(table, doubt.as_ref(), pool);
                let fact = |at: Option<usize>, effect| {
                    let route = at.map(|i| &table.properties.routes[i]);
                    ReturnRoute {
                        subnet: subnet.id.qualified_name(),
                        route_table: table.name.to_string(),
                        route: route.map(|it| it.name.to_string()),
                        prefix: route.map(|it| it.properties.address_prefix.as_deref().unwrap_or_default().to_owned()),
                        next_hop: route.map(|it| next_hop(&it.properties)),
                        effect,
                        pool: (*text).to_owned(),
                    }
                };
                for (i, effect) in &decided.routes {
                    if *effect == ReturnEffect::ThroughAppliance {
                        path.detours.push(fact(Some(*i), *effect));
                    } else {
                        path.faults.push(fact(Some(*i), *effect));
                        mends.add(table, Some(*i), pool);
                    }
                }
                if decided.withheld {
                    path.faults.push(fact(None, ReturnEffect::Withheld));
                    mends.add(table, None, pool);
                }
                unread.extend(decided.unread);
            }
        }
    }
    path.lost = match (path.faults.is_empty(), Unread::join(&unread)) {
        (false, _) => Ok(true),
        (true, Some(unread)) => Err(unread),
        (true, None) => Ok(false),
    };
    path.problem = words(&path.faults);
    path.mend_commands = mends.commands;
    path
}

/// The route table of a subnet, if it has one.
fn table_of<'a>(subnet: &Resource<Subnet>, inventory: &'a Inventory) -> Known<Option<&'a Resource<RouteTable>>> {
    let Some(id) = reference(&subnet.properties.route_table) else {
        let what = format!("the id of the route table of `{}`", subnet.id.qualified_name());
        return Err(Unread::new(what, "export the virtual network with the ids of what it refers to"));
    };
    id.map(|id| inventory.route_tables.get(id).ok_or_else(|| missing("route table", id))).transpose()
}

fn words(faults: &[ReturnRoute]) -> String {
    let one = |it: &ReturnRoute| {
        let (subnet, pool, table) = (&it.subnet, &it.pool, &it.route_table);
        match (&it.route, &it.prefix, &it.next_hop) {
            (Some(route), Some(prefix), Some(hop)) => {
                let does = match hop.to_ascii_lowercase().as_str() {
                    "none" => "drops them",
                    "internet" => "sends them to the Internet",
                    _ => "keeps them in its network",
                };
                format!("{subnet} {does} by the route {route} ({prefix} to {hop}) of route table {table}")
            }
            _ => format!("{subnet} has no route to {pool}, since route table {table} keeps the gateway's routes out"),
        }
    };
    let mut words: Vec<String> = faults.iter().take(NAMED).map(one).collect();
    let more = faults.len().saturating_sub(NAMED);
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join("; ")
}

/// The commands that lead to the gateway, each once.
struct Mends<'a> {
    inventory: &'a Inventory,
    /// The route tables of all GatewaySubnets; looked up for the first fault.
    of_gateway_subnets: Option<HashSet<&'a ResourceId>>,
    commands: Vec<Command>,
    /// Tables and prefixes for which a route is created already, by which name.
    created: Vec<(&'a ResourceId, IpNet, String)>,
}

fn is_gateway_subnet(id: &ResourceId) -> bool {
    id.name().eq_ignore_ascii_case("GatewaySubnet")
}

impl<'a> Mends<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        Self { inventory, of_gateway_subnets: None, commands: Vec::new(), created: Vec::new() }
    }

    fn of_gateway_subnets(&mut self) -> &HashSet<&'a ResourceId> {
        let inventory = self.inventory;
        self.of_gateway_subnets.get_or_insert_with(|| {
            let subnets = inventory.subnets.iter().filter(|it| is_gateway_subnet(&it.id));
            subnets.filter_map(|it| target(&it.properties.route_table)).collect()
        })
    }

    /// A route within the pool is turned to the gateway; elsewhere a route of the pool's own is longer than the one that
    /// decides now.
    fn add(&mut self, table: &'a Resource<RouteTable>, route: Option<usize>, pool: &IpNet) {
        let mut named = table.properties.subnets.iter().filter_map(|it| it.id.as_ref());
        let looped = self.of_gateway_subnets().contains(&table.id) || named.any(is_gateway_subnet);
        // There it would lead from the gateway to the gateway.
        if looped {
            return;
        }
        let routes = &table.properties.routes;
        let within = route.map(|i| &routes[i]).filter(
            |it| matches!(destination(it), Destination::Range(range) if range.prefix_len() >= pool.prefix_len()),
        );
        let hop = ["--next-hop-type", "VirtualNetworkGateway"];
        let (verb, name, prefix) = match within {
            Some(route) => ("update", route.name.to_string(), None),
            None => {
                if self.created.iter().any(|(id, range, _)| **id == table.id && range == pool) {
                    return;
                }
                let mut taken: BTreeSet<String> = routes.iter().map(|it| it.name.to_lowercase()).collect();
                taken.extend(self.created.iter().filter(|it| *it.0 == table.id).map(|it| it.2.clone()));
                let names = (2_u32..).map(|i| format!("to-vpn-clients-{i}"));
                let mut names = std::iter::once("to-vpn-clients".to_owned()).chain(names);
                let Some(name) = names.find(|name| !taken.contains(name)) else { return };
                self.created.push((&table.id, *pool, name.clone()));
                ("create", name, Some(pool.to_string()))
            }
        };
        let mut arguments = vec!["--route-table-name", table.id.name(), "--name", &name];
        arguments.extend(prefix.iter().flat_map(|prefix| ["--address-prefix", prefix]));
        arguments.extend(hop);
        let command = az(&format!("network route-table route {verb}"), &table.id, &arguments);
        if !self.commands.contains(&command) {
            self.commands.push(command);
        }
    }
}
