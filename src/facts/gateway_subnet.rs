//! Facts about gateway subnets, and what steers the traffic in them.

pub(super) mod cover;
pub(super) mod longest_prefix;
mod overlap;
mod size;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use rayon::prelude::*;

use super::command::{Command, az};
use super::schema::{Known, RecordType, Unread, fact_enum, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::network::{Route, RouteTable, Subnet, target};
use crate::inventory::{Inventory, Named, Reference, Resource, ResourceId};
use crate::source::Gap;
use cover::Cover;
pub(super) use cover::{Destination, destination};
use overlap::{RouteOverlap, overlaps};
use size::{SubnetSize, size};
use standing::{BySubnet, Standing, by_subnet};

fact_enum! {
    /// What kind of destination a route names.
    pub enum RouteKind {
        /// A range of IPv4 addresses.
        Ipv4 => "ipv4",
        /// A range of IPv6 addresses.
        Ipv6 => "ipv6",
        /// A service tag: addresses that Azure keeps.
        ServiceTag => "serviceTag",
        /// Nothing that can be read as one of these.
        Unreadable => "unreadable",
    }
}

facts! {
    /// A user-defined route.
    pub struct RouteFacts {
        /// Its name.
        pub name: String,
        /// Its destination as written: a prefix, not always canonical, or a service tag.
        pub prefix: String,
        /// What kind of destination that is.
        pub kind: RouteKind,
        /// Its next hop with the appliance's address: `VirtualAppliance 10.0.0.4`; empty where the input does not say.
        pub next_hop: String,
    }

    /// A subnet named GatewaySubnet, in any letter case.
    pub struct GatewaySubnet {
        /// The network's name and its own: `hub/GatewaySubnet`.
        pub name: String,
        /// The network's name.
        pub virtual_network: String,
        /// The network's resource group.
        pub resource_group: String,
        /// The id of its subscription.
        pub subscription: String,
        /// Its prefixes as written.
        pub prefixes: Known<Vec<String>>,
        /// The names of the gateways that stand in it, as far as gateways were read.
        pub gateways: Vec<String>,
        /// The name of its route table; null: none.
        pub route_table: Known<Option<String>>,
        /// The other subnets that use this table, `spoke/app`, as far as subnets were read.
        pub shared_with: Vec<String>,
        /// The routes of that table; empty without a table.
        pub routes: Known<Vec<RouteFacts>>,
        /// Whether the table keeps the gateway's own routes out (`disableBgpRoutePropagation`); absent means no.
        pub disables_gateway_routes: Known<bool>,
        /// The name of the network security group on it; null: none.
        pub network_security_group: Known<Option<String>>,
        /// Whether routes cover every IPv4 or every IPv6 address, one alone or several together. Service tags cover
        /// nothing; where a prefix is unreadable and the others do not suffice, it is unread.
        pub has_default_route: Known<bool>,
        /// The same for IPv4 alone.
        pub covers_ipv4: Known<bool>,
        /// The same for IPv6 alone.
        pub covers_ipv6: Known<bool>,
        /// Whose addresses are covered: `IPv4`, `IPv6`, `IPv4 and IPv6`; empty where none are.
        pub covered: String,
        /// The routes that do it; empty where there are none.
        pub default_routes: Vec<RouteFacts>,
        /// Those routes in words: `default (0.0.0.0/0 to VirtualAppliance 10.0.0.4) of route table rt-hub (also used by
        /// spoke/app)`.
        pub default_routes_text: String,
        /// Commands that free the subnet from those routes: they are deleted, or where other subnets use the table, it is
        /// taken off this one.
        pub mend_commands: Vec<Command>,
        /// Commands that let the gateway's own routes in: the setting is turned back, or where other subnets use the
        /// table, it is taken off this one.
        pub propagation_commands: Vec<Command>,
        /// The names of the network security groups on it, as it says or as they do; empty: none.
        pub security_groups: Known<Vec<String>>,
        /// Commands that take the group off.
        pub group_commands: Vec<Command>,
        /// How large it is.
        pub size: SubnetSize,
        /// Routes that take away what belongs to the gateway.
        pub route_overlap: RouteOverlap,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("subnet", GatewaySubnet::describe())]
}

/// Calls `visit` for each subject, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let inventory = context.inventory;
    let gateways = by_subnet(inventory);
    let tables = Tables {
        users: users_by_table(inventory),
        damaged: damaged_tables(inventory),
        groups: groups_by_subnet(inventory),
        claims: claims(inventory),
    };
    let mut subjects: Vec<(&ResourceId, Option<&Resource<Subnet>>)> =
        inventory.subnets.iter().filter(|row| is_gateway_subnet(&row.id)).map(|row| (&row.id, Some(row))).collect();
    let unread = gateways.keys().filter(|id| is_gateway_subnet(id) && inventory.subnets.get(id).is_none());
    subjects.extend(unread.map(|id| (*id, None)));
    subjects.par_iter().for_each(|(id, subnet)| {
        let network = id.parent().and_then(|id| inventory.virtual_networks.get(&id));
        let location = subnet.and_then(|it| it.location.as_deref());
        let location = location.or_else(|| network.and_then(|it| it.location.as_deref()));
        let facts = facts_of(id, *subnet, &gateways, context, &tables);
        let identity = Identity {
            kind: SubjectKind::GatewaySubnet,
            id: (*id).clone(),
            name: facts.name.clone(),
            element: None,
            location: location.map(str::to_owned),
        };
        visit(&Subject { identity, roots: vec![&facts] });
    });
}

/// The whole last name decides: `AppGatewaySubnet` is another thing.
fn is_gateway_subnet(id: &ResourceId) -> bool {
    id.name().eq_ignore_ascii_case("GatewaySubnet") && is_subnet(id)
}

fn is_subnet(id: &ResourceId) -> bool {
    id.resource_type().as_deref() == Some("microsoft.network/virtualnetworks/subnets")
}

/// What is known of route tables beside themselves, and of network security groups.
struct Tables<'a> {
    users: BTreeMap<&'a ResourceId, BTreeSet<&'a ResourceId>>,
    /// The groups that say they are on a subnet.
    groups: BTreeMap<&'a ResourceId, BTreeSet<&'a ResourceId>>,
    /// The table that says it is on a gateway subnet.
    claims: BTreeMap<&'a ResourceId, &'a ResourceId>,
    damaged: Vec<(String, &'a Gap)>,
}

/// The subnets that use each table: as they say, or as the table does.
fn users_by_table(inventory: &Inventory) -> BTreeMap<&ResourceId, BTreeSet<&ResourceId>> {
    let mut users: BTreeMap<&ResourceId, BTreeSet<&ResourceId>> = BTreeMap::new();
    for subnet in inventory.subnets.iter() {
        if let Some(table) = target(&subnet.properties.route_table) {
            users.entry(table).or_default().insert(&subnet.id);
        }
    }
    for table in inventory.route_tables.iter() {
        let named = table.properties.subnets.iter().filter_map(|it| it.id.as_ref()).filter(|id| is_subnet(id));
        users.entry(&table.id).or_default().extend(named);
    }
    users
}

/// The network security groups of each gateway subnet that a group says it is on.
fn groups_by_subnet(inventory: &Inventory) -> BTreeMap<&ResourceId, BTreeSet<&ResourceId>> {
    let mut groups: BTreeMap<&ResourceId, BTreeSet<&ResourceId>> = BTreeMap::new();
    for group in inventory.network_security_groups.iter() {
        let subnets = group.properties.subnets.iter().filter_map(|it| it.id.as_ref());
        for subnet in subnets.filter(|id| is_gateway_subnet(id)) {
            groups.entry(subnet).or_default().insert(&group.id);
        }
    }
    groups
}

/// The table of each gateway subnet that a table says it is on.
fn claims(inventory: &Inventory) -> BTreeMap<&ResourceId, &ResourceId> {
    let mut claims = BTreeMap::new();
    for table in inventory.route_tables.iter() {
        let subnets = table.properties.subnets.iter().filter_map(|it| it.id.as_ref());
        for subnet in subnets.filter(|id| is_gateway_subnet(id)) {
            claims.entry(subnet).or_insert(&table.id);
        }
    }
    claims
}

/// Gaps that cost a route table some of its routes, with the place of the damage in lower case.
pub(super) fn damaged_tables(inventory: &Inventory) -> Vec<(String, &Gap)> {
    let of_tables = inventory.gaps.iter().filter(|gap| gap.what.starts_with("microsoft.network/routetables"));
    of_tables.map(|gap| (gap.scope.to_lowercase(), gap)).filter(|(scope, _)| scope.contains("/routetables/")).collect()
}

fn facts_of(
    id: &ResourceId,
    subnet: Option<&Resource<Subnet>>,
    gateways: &BySubnet<'_>,
    context: Context<'_>,
    tables: &Tables<'_>,
) -> GatewaySubnet {
    let inventory = context.inventory;
    let standing = Standing::of(id, subnet.map(|row| &row.properties), gateways, inventory);
    let name = id.qualified_name();
    let network = id.parent();
    let subnet = subnet.map(|row| &row.properties).ok_or_else(|| {
        let scope = network.as_ref().unwrap_or(id);
        let how = format!("add its virtual network to the input, or grant Reader on `{scope}`");
        Unread::new(format!("the subnet `{name}`"), how)
    });
    let named = |of: fn(&Subnet) -> &Option<Reference>, what: &str| {
        subnet.clone().and_then(|subnet| {
            let how = "export the virtual network with the ids of what it refers to";
            reference(of(subnet)).ok_or_else(|| Unread::new(format!("the id of the {what} of `{name}`"), how))
        })
    };
    let table_id = named(|subnet| &subnet.route_table, "route table");
    let table_id = table_id.or_else(|unread| tables.claims.get(id).map(|table| Some(*table)).ok_or(unread));
    let group_id = named(|subnet| &subnet.network_security_group, "network security group");
    let table = table_id.clone().and_then(|id| match id {
        None => Ok(None),
        Some(id) => inventory.route_tables.get(id).map(Some).ok_or_else(|| {
            let how = format!("add it to the input, or grant Reader on `{id}`");
            Unread::new(format!("the route table `{}` of `{name}`", id.name()), how)
        }),
    });
    let routes = table.clone().map(|table| table.map_or(&[][..], |it| &it.properties.routes));
    let listed = routes.clone().unwrap_or_default();
    let cover = Cover::of(listed);
    // Of a subnet that was not read nothing passes, but a fault that its table proves is one.
    let doubt = table.as_ref().err().or(subnet.as_ref().err()).cloned();
    let doubt = doubt.or_else(|| self::doubt(table.as_ref().ok()?.as_ref()?, &tables.damaged));
    let covers = |proven: bool| match &doubt {
        _ if proven => Ok(true),
        Some(unread) => Err(unread.clone()),
        None => Ok(false),
    };
    let default_routes: Vec<RouteFacts> = cover.by.iter().map(|i| route_facts(&listed[*i])).collect();
    let users = table_id.as_ref().ok().copied().flatten().and_then(|id| tables.users.get(id));
    let others = users.into_iter().flatten().filter(|user| **user != id);
    let shared_with: Vec<String> = others.map(|user| user.qualified_name()).collect();
    let read_table = table.as_ref().ok().copied().flatten();
    let shared = !shared_with.is_empty() || read_table.is_some_and(|it| it.properties.subnets.len() > 1);
    let mend_commands = read_table.map_or_else(Vec::new, |table| mend(id, table, &cover.by, shared));
    let disables_gateway_routes = table
        .clone()
        .map(|table| table.is_some_and(|it| it.properties.disable_bgp_route_propagation == Some(true)))
        .and_then(|disables| if disables { Ok(true) } else { subnet.clone().map(|_| false) });
    let propagation_commands = match read_table {
        Some(_) if disables_gateway_routes != Ok(true) => Vec::new(),
        Some(_) if shared => vec![detach_command(id)],
        Some(table) => vec![propagate_command(&table.id)],
        None => Vec::new(),
    };
    let route_overlap = overlaps(
        id,
        &subnet,
        table.clone().map(|table| table.map(|table| overlap::Table { table, doubt: doubt.clone(), shared })),
        &standing,
        (inventory, &context.options.service_tags),
    );
    GatewaySubnet {
        virtual_network: network.as_ref().map_or("", |id| id.name()).to_owned(),
        resource_group: id.resource_group().to_owned(),
        subscription: id.subscription().to_owned(),
        prefixes: subnet.clone().map(prefixes),
        gateways: standing.read.iter().map(|gateway| gateway.name.to_string()).collect(),
        propagation_commands,
        security_groups: security_groups(group_id.clone(), tables.groups.get(id)),
        group_commands: vec![subnet_update(id, &["--remove", "networkSecurityGroup"])],
        size: size(id, &subnet, &standing, inventory),
        route_overlap,
        route_table: table_id.map(|id| id.map(|id| id.name().to_owned())),
        routes: routes.map(|routes| routes.iter().map(route_facts).collect()),
        disables_gateway_routes,
        network_security_group: group_id.map(|id| id.map(|id| id.name().to_owned())),
        has_default_route: covers(cover.ipv4 || cover.ipv6),
        covers_ipv4: covers(cover.ipv4),
        covers_ipv6: covers(cover.ipv6),
        covered: match (cover.ipv4, cover.ipv6) {
            (true, true) => "IPv4 and IPv6",
            (true, false) => "IPv4",
            (false, true) => "IPv6",
            (false, false) => "",
        }
        .to_owned(),
        default_routes_text: default_routes_text(&default_routes, table.ok().flatten(), &shared_with),
        default_routes,
        mend_commands,
        shared_with,
        name,
    }
}

/// What a reference points to: nothing where there is none; `None` where there is one without an id, as in an export that
/// was cut.
pub(super) fn reference(reference: &Option<Reference>) -> Option<Option<&ResourceId>> {
    match reference {
        None => Some(None),
        Some(it) => it.id.as_ref().filter(|id| !id.name().is_empty()).map(Some),
    }
}

fn prefixes(subnet: &Subnet) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for prefix in subnet.address_prefix.iter().chain(&subnet.address_prefixes) {
        if !prefix.trim().is_empty() && !all.iter().any(|it| **it == **prefix) {
            all.push(prefix.to_string());
        }
    }
    all
}

/// Why the routes of a table that was read may not be all that it says.
pub(super) fn doubt(table: &Resource<RouteTable>, damaged: &[(String, &Gap)]) -> Option<Unread> {
    let unreadable = table.properties.routes.iter().find(|it| destination(it) == Destination::Unreadable);
    if let Some(route) = unreadable {
        let what = format!("the address prefix of the route `{}` in the route table `{}`", route.name, table.name);
        let how = match route.properties.address_prefix.as_deref().map(str::trim) {
            None | Some("") => "export the route table with it".to_owned(),
            Some(prefix) => format!("correct `{prefix}`, as in 10.0.0.0/16"),
        };
        return Some(Unread::new(what, how));
    }
    let key = table.id.key();
    let within = |scope: &str| scope.strip_prefix(&*key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let (_, gap) = damaged.iter().find(|(scope, _)| within(scope))?;
    let what = format!("a part of the route table `{}` ({}: {})", table.name, gap.reason, gap.detail);
    Some(Unread::new(what, "export it again"))
}

fn route_facts(route: &Named<Route>) -> RouteFacts {
    let it = &route.properties;
    RouteFacts {
        name: route.name.to_string(),
        prefix: it.address_prefix.as_deref().unwrap_or_default().to_owned(),
        kind: match destination(route) {
            Destination::Range(IpNet::V4(_)) => RouteKind::Ipv4,
            Destination::Range(IpNet::V6(_)) => RouteKind::Ipv6,
            Destination::ServiceTag => RouteKind::ServiceTag,
            Destination::Unreadable => RouteKind::Unreadable,
        },
        next_hop: next_hop(it),
    }
}

pub(super) fn next_hop(route: &Route) -> String {
    let hop = [route.next_hop_type.as_deref(), route.next_hop_ip_address.as_deref()];
    let hop: Vec<&str> = hop.into_iter().flatten().filter(|it| !it.trim().is_empty()).collect();
    hop.join(" ")
}

/// The names of the groups on a subnet. One that is known is a fault, whatever else was not read.
fn security_groups(named: Known<Option<&ResourceId>>, by_group: Option<&BTreeSet<&ResourceId>>) -> Known<Vec<String>> {
    let mut groups = by_group.cloned().unwrap_or_default();
    match named {
        Ok(named) => groups.extend(named),
        Err(unread) if groups.is_empty() => return Err(unread),
        Err(_) => {}
    }
    Ok(groups.into_iter().map(|id| id.name().to_owned()).collect())
}

fn default_routes_text(routes: &[RouteFacts], table: Option<&Resource<RouteTable>>, shared_with: &[String]) -> String {
    let text = |route: &RouteFacts| {
        let to = if route.next_hop.is_empty() { String::new() } else { format!(" to {}", route.next_hop) };
        format!("{} ({}{to})", route.name, route.prefix)
    };
    match table {
        Some(table) if !routes.is_empty() => {
            let routes: Vec<String> = routes.iter().map(text).collect();
            format!("{} of route table {}{}", routes.join(", "), table.name, also_used_by(shared_with))
        }
        _ => String::new(),
    }
}

/// The first of the others; the evidence holds them all.
fn also_used_by(shared_with: &[String]) -> String {
    match shared_with {
        [] => String::new(),
        [first, second, third, _, rest @ ..] => {
            format!(" (also used by {first}, {second}, {third} and {} more)", rest.len() + 1)
        }
        few => format!(" (also used by {})", few.join(", ")),
    }
}

/// The routes are deleted, or where other subnets use their table, it is taken off this one.
pub(super) fn mend(subnet: &ResourceId, table: &Resource<RouteTable>, routes: &[usize], shared: bool) -> Vec<Command> {
    match shared && !routes.is_empty() {
        true => vec![detach_command(subnet)],
        false => routes.iter().map(|i| delete_command(&table.id, &table.properties.routes[*i].name)).collect(),
    }
}

fn subnet_update(subnet: &ResourceId, arguments: &[&str]) -> Command {
    let network = subnet.parent();
    let name = ["--vnet-name", network.as_ref().map_or("", |id| id.name()), "--name", subnet.name()];
    az("network vnet subnet update", subnet, &[&name, arguments].concat())
}

fn detach_command(subnet: &ResourceId) -> Command {
    subnet_update(subnet, &["--remove", "routeTable"])
}

fn propagate_command(table: &ResourceId) -> Command {
    let setting = ["--name", table.name(), "--disable-bgp-route-propagation", "false"];
    az("network route-table update", table, &setting)
}

fn delete_command(table: &ResourceId, route: &str) -> Command {
    az("network route-table route delete", table, &["--route-table-name", table.name(), "--name", route])
}
