//! Facts about gateway subnets, and what steers the traffic in them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rayon::prelude::*;

use super::command::Command;
use super::schema::{Known, RecordType, Unread, fact_enum, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::network::{Route, RouteTable, Subnet, target};
use crate::inventory::{Child, Inventory, Resource, ResourceId};
use crate::source::Gap;

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
        /// Those routes in words: `default (0.0.0.0/0 to VirtualAppliance 10.0.0.4) of route table rt-hub`.
        pub default_routes_text: String,
        /// Commands that delete those routes.
        pub delete_default_routes: Vec<Command>,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("subnet", GatewaySubnet::describe())]
}

/// Calls `visit` for each subject, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let inventory = context.inventory;
    let gateways = gateways_by_subnet(inventory);
    let damaged = damaged_tables(inventory);
    let mut subjects: Vec<(&ResourceId, Option<&Resource<Subnet>>)> =
        inventory.subnets.iter().filter(|row| is_gateway_subnet(&row.id)).map(|row| (&row.id, Some(row))).collect();
    let unread = gateways.keys().filter(|id| is_gateway_subnet(id) && inventory.subnets.get(id).is_none());
    subjects.extend(unread.map(|id| (*id, None)));
    subjects.par_iter().for_each(|(id, subnet)| {
        let network = id.parent().and_then(|id| inventory.virtual_networks.get(&id));
        let location = subnet.and_then(|it| it.location.as_deref());
        let location = location.or_else(|| network.and_then(|it| it.location.as_deref()));
        let facts = facts_of(id, *subnet, gateways.get(id).map_or(&[], Vec::as_slice), inventory, &damaged);
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
    id.name().eq_ignore_ascii_case("GatewaySubnet")
        && id.resource_type().as_deref() == Some("microsoft.network/virtualnetworks/subnets")
}

/// The names of the gateways in each subnet that a gateway refers to.
fn gateways_by_subnet(inventory: &Inventory) -> BTreeMap<&ResourceId, Vec<&str>> {
    let mut gateways: BTreeMap<&ResourceId, Vec<&str>> = BTreeMap::new();
    for gateway in inventory.gateways.iter() {
        for subnet in gateway.properties.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet)) {
            let names = gateways.entry(subnet).or_default();
            if names.last() != Some(&&*gateway.name) {
                names.push(&gateway.name);
            }
        }
    }
    gateways
}

/// Gaps that cost a route table some of its routes, with the place of the damage in lower case.
fn damaged_tables(inventory: &Inventory) -> Vec<(String, &Gap)> {
    let of_tables = inventory.gaps.iter().filter(|gap| gap.what.starts_with("microsoft.network/routetables"));
    of_tables.map(|gap| (gap.scope.to_lowercase(), gap)).filter(|(scope, _)| scope.contains("/routetables/")).collect()
}

fn facts_of(
    id: &ResourceId,
    subnet: Option<&Resource<Subnet>>,
    gateways: &[&str],
    inventory: &Inventory,
    damaged: &[(String, &Gap)],
) -> GatewaySubnet {
    let name = id.qualified_name();
    let network = id.parent();
    let subnet = subnet.map(|row| &row.properties).ok_or_else(|| {
        let scope = network.as_ref().unwrap_or(id);
        let how = format!("add its virtual network to the input, or grant Reader on `{scope}`");
        Unread::new(format!("the subnet `{name}`"), how)
    });
    let table = subnet.clone().and_then(|subnet| match reference(&subnet.route_table) {
        None => Ok(None),
        Some(id) => inventory.route_tables.get(id).map(Some).ok_or_else(|| {
            let how = format!("add it to the input, or grant Reader on `{id}`");
            Unread::new(format!("the route table `{}` of `{name}`", id.name()), how)
        }),
    });
    let routes = table.clone().map(|table| table.map_or(&[][..], |it| &it.properties.routes));
    let listed = routes.clone().unwrap_or_default();
    let cover = Cover::of(listed);
    let doubt = table.as_ref().err().cloned().or_else(|| doubt(table.as_ref().ok()?.as_ref()?, damaged));
    let covers = |proven: bool| match &doubt {
        _ if proven => Ok(true),
        Some(unread) => Err(unread.clone()),
        None => Ok(false),
    };
    let default_routes: Vec<RouteFacts> = cover.by.iter().map(|i| route_facts(&listed[*i])).collect();
    let delete = |table: &&Resource<RouteTable>| {
        let deletes = cover.by.iter().map(|i| delete_command(&table.id, &listed[*i].name));
        deletes.collect()
    };
    GatewaySubnet {
        virtual_network: network.as_ref().map_or("", |id| id.name()).to_owned(),
        resource_group: id.resource_group().to_owned(),
        subscription: id.subscription().to_owned(),
        prefixes: subnet.clone().map(prefixes),
        gateways: gateways.iter().map(|&name| name.to_owned()).collect(),
        route_table: subnet.clone().map(|it| reference(&it.route_table).map(|id| id.name().to_owned())),
        routes: routes.map(|routes| routes.iter().map(route_facts).collect()),
        disables_gateway_routes: table
            .clone()
            .map(|table| table.is_some_and(|it| it.properties.disable_bgp_route_propagation == Some(true))),
        network_security_group: subnet.map(|it| reference(&it.network_security_group).map(|id| id.name().to_owned())),
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
        default_routes_text: default_routes_text(&default_routes, table.as_ref().ok().copied().flatten()),
        default_routes,
        delete_default_routes: table.ok().flatten().as_ref().map(delete).unwrap_or_default(),
        name,
    }
}

/// What a reference points to; an empty id is none.
fn reference(reference: &Option<crate::inventory::Reference>) -> Option<&ResourceId> {
    target(reference).filter(|id| !id.name().is_empty())
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
fn doubt(table: &Resource<RouteTable>, damaged: &[(String, &Gap)]) -> Option<Unread> {
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
    let within = |scope: &str| scope.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let (_, gap) = damaged.iter().find(|(scope, _)| within(scope))?;
    let what = format!("a part of the route table `{}` ({}: {})", table.name, gap.reason, gap.detail);
    Some(Unread::new(what, "export it again"))
}

/// What a route says of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destination {
    Range(IpNet),
    ServiceTag,
    Unreadable,
}

fn destination(route: &Child<Route>) -> Destination {
    let text = route.properties.address_prefix.as_deref().unwrap_or_default().trim();
    if let Some(range) = range(text) {
        return Destination::Range(range);
    }
    // `AzureCloud.WestEurope`, `Storage`; an address starts with a digit or holds a colon.
    let tag = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(tag) {
        true => Destination::ServiceTag,
        false => Destination::Unreadable,
    }
}

/// The range of that prefix; host bits are dropped, octets that are left out are zero: ARM keeps `192.168.0/16` as it
/// was written. An address alone is that address, except the one that may be meant as a default route.
fn range(text: &str) -> Option<IpNet> {
    let Some((address, length)) = text.split_once('/') else {
        let address: IpAddr = text.parse().ok().filter(|it: &IpAddr| !it.is_unspecified())?;
        return Some(address.into());
    };
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let address = match address.parse() {
        Ok(address) => address,
        Err(_) => IpAddr::V4(short_address(address)?),
    };
    IpNet::new(address, length.parse().ok()?).ok().map(|range| range.trunc())
}

fn short_address(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    for (i, part) in text.split('.').enumerate() {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        *octets.get_mut(i)? = part.parse().ok().filter(|_| digits)?;
    }
    Some(octets.into())
}

/// Whether routes cover all addresses, and which ones do.
#[derive(Debug, Default, PartialEq)]
struct Cover {
    ipv4: bool,
    ipv6: bool,
    /// Positions of the routes, ascending.
    by: Vec<usize>,
}

impl Cover {
    fn of(routes: &[Child<Route>]) -> Self {
        let ranges = routes.iter().map(destination).enumerate();
        let ranges: Vec<(usize, IpNet)> = ranges
            .filter_map(|(i, it)| match it {
                Destination::Range(range) => Some((i, range)),
                _ => None,
            })
            .collect();
        let (ipv4, ipv6): (Vec<_>, Vec<_>) = ranges.into_iter().partition(|(_, range)| range.addr().is_ipv4());
        let (ipv4, ipv6) = (covering(ipv4), covering(ipv6));
        let mut cover = Self { ipv4: !ipv4.is_empty(), ipv6: !ipv6.is_empty(), by: [ipv4, ipv6].concat() };
        cover.by.sort_unstable();
        cover
    }
}

/// The routes of one address family that have to go so that the rest no longer covers everything; empty where they do
/// not. Taken are the widest ones, and while what is left still covers everything, the widest of those.
fn covering(mut ranges: Vec<(usize, IpNet)>) -> Vec<usize> {
    let mut taken = Vec::new();
    while cover_everything(&ranges) {
        let inside = |range: &IpNet| ranges.iter().any(|(_, other)| other != range && other.contains(range));
        let (narrow, wide) = ranges.iter().partition::<Vec<_>, _>(|(_, range)| inside(range));
        taken.extend(wide.iter().map(|(i, _)| *i));
        ranges = narrow;
    }
    taken
}

fn cover_everything(ranges: &[(usize, IpNet)]) -> bool {
    let ranges: Vec<IpNet> = ranges.iter().map(|(_, range)| *range).collect();
    let everything = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
    IpNet::aggregate(&ranges).iter().any(|range| everything.contains(range))
}

fn route_facts(route: &Child<Route>) -> RouteFacts {
    let it = &route.properties;
    let hop = [it.next_hop_type.as_deref(), it.next_hop_ip_address.as_deref()];
    let hop: Vec<&str> = hop.into_iter().flatten().filter(|it| !it.trim().is_empty()).collect();
    RouteFacts {
        name: route.name.to_string(),
        prefix: it.address_prefix.as_deref().unwrap_or_default().to_owned(),
        kind: match destination(route) {
            Destination::Range(IpNet::V4(_)) => RouteKind::Ipv4,
            Destination::Range(IpNet::V6(_)) => RouteKind::Ipv6,
            Destination::ServiceTag => RouteKind::ServiceTag,
            Destination::Unreadable => RouteKind::Unreadable,
        },
        next_hop: hop.join(" "),
    }
}

fn default_routes_text(routes: &[RouteFacts], table: Option<&Resource<RouteTable>>) -> String {
    let text = |route: &RouteFacts| {
        let to = if route.next_hop.is_empty() { String::new() } else { format!(" to {}", route.next_hop) };
        format!("{} ({}{to})", route.name, route.prefix)
    };
    match table {
        Some(table) if !routes.is_empty() => {
            let routes: Vec<String> = routes.iter().map(text).collect();
            format!("{} of route table {}", routes.join(", "), table.name)
        }
        _ => String::new(),
    }
}

fn delete_command(table: &ResourceId, route: &str) -> Command {
    let verb = ["az", "network", "route-table", "route", "delete"];
    let scope = ["--subscription", table.subscription(), "--resource-group", table.resource_group()];
    Command::new(verb.into_iter().chain(scope).chain(["--route-table-name", table.name(), "--name", route]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::collect;
    use crate::source::{Batch, Kind};
    use serde_json::{Value, json};

    const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

    fn inventory(resources: &[Value]) -> Inventory {
        let ((), inventory) = collect(|sink| {
            for resource in resources {
                sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
            }
        });
        inventory
    }

    fn network(subnet: &str, table: Option<&str>) -> Value {
        let table = table.map(|name| json!({"id": format!("{NETWORK}/routeTables/{name}")}));
        let subnet = json!({"name": subnet, "properties": {"addressPrefix": "10.0.1.0/27", "routeTable": table}});
        let id = format!("{NETWORK}/virtualNetworks/hub");
        json!({"id": id, "location": "westeurope", "properties": {"subnets": [subnet]}})
    }

    fn table(prefixes: &[&str]) -> Value {
        let route = |(i, prefix): (usize, &&str)| json!({"name": format!("r{i}"), "properties": {"addressPrefix": prefix, "nextHopType": "None"}});
        let routes: Vec<Value> = prefixes.iter().enumerate().map(route).collect();
        json!({"id": format!("{NETWORK}/routeTables/rt"), "properties": {"routes": routes}})
    }

    fn gateway(subnet: &str) -> Value {
        let subnet = format!("{NETWORK}/virtualNetworks/hub/subnets/{subnet}");
        let addresses = json!([{"name": "a", "properties": {"subnet": {"id": subnet}}}]);
        json!({"id": format!("{NETWORK}/virtualNetworkGateways/gw1"), "properties": {"ipConfigurations": addresses}})
    }

    /// Identity and facts of all subjects, as JSON.
    fn subjects(inventory: &Inventory) -> Vec<(Identity, Value)> {
        let found = std::sync::Mutex::new(Vec::new());
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let options = crate::facts::Options { now, rdp_port: 3389, cloud: None };
        each(Context { inventory, options: &options }, &|subject| {
            let facts = crate::facts::schema::record_to_json(subject.roots[0]);
            found.lock().unwrap().push((subject.identity.clone(), facts));
        });
        found.into_inner().unwrap()
    }

    fn of(prefixes: &[&str]) -> Value {
        let (_, facts) = subjects(&inventory(&[network("GatewaySubnet", Some("rt")), table(prefixes)])).remove(0);
        facts
    }

    #[test]
    fn covering_sets() {
        for (prefixes, covered) in [
            (&["0.0.0.0/0"][..], "IPv4"),
            (&["10.0.0.0/8"], ""),
            (&["::/0"], "IPv6"),
            (&["0.0.0.0/0", "::/0"], "IPv4 and IPv6"),
            (&["0.0.0.0/1", "128.0.0.0/1"], "IPv4"),
            (&["0.0.0.0/1", "128.0.0.0/2"], ""),
            (&["0.0.0.0/1", "8000::/1"], ""),
            (&["64.0.0.0/2", "0.0.0.0/2", "192.0.0.0/2", "128.0.0.0/2"], "IPv4"),
            (&["0.0.0.0/1", "10.0.0.0/8", "10.1.0.0/16", "128.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"], "IPv4"),
            (&["AzureCloud", "Storage.WestEurope", "0.0.0.0/1"], ""),
            (&["0/0"], "IPv4"),
            (&["192.168.0/16"], ""),
            (&["10.1.2.3/0"], "IPv4"),
            (&[" 0.0.0.0/0 "], "IPv4"),
        ] {
            let facts = of(prefixes);
            assert_eq!(facts["covered"], covered, "{prefixes:?}");
            assert_eq!(facts["hasDefaultRoute"], !covered.is_empty(), "{prefixes:?}");
        }
    }

    #[test]
    fn an_unreadable_prefix_is_unread_unless_the_others_suffice() {
        for prefix in
            ["10.0.0.0/40", "", "0.0.0.0", "[parameters('x')]", "10.0.0.0-10.0.0.9", "1.2.3.4.5/8", "256/8", "*"]
        {
            let unread = &of(&[prefix])["hasDefaultRoute"]["unread"];
            assert!(unread.as_str().unwrap().contains("the route `r0`"), "{prefix}: {unread}");
            assert_eq!(of(&[prefix, "0.0.0.0/0"])["hasDefaultRoute"], true, "{prefix}");
        }
    }

    #[test]
    fn all_routes_that_have_to_go_are_named_and_no_other() {
        let taken = |prefixes: &[&str]| {
            let routes = of(prefixes)["defaultRoutes"].clone();
            routes.as_array().unwrap().iter().map(|it| it["prefix"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(taken(&["10.0.0.0/8", "0.0.0.0/0", "AzureCloud"]), ["0.0.0.0/0"]);
        // Without the default route its two halves would take over.
        assert_eq!(taken(&["128.0.0.0/1", "0.0.0.0/0", "0.0.0.0/1"]), ["128.0.0.0/1", "0.0.0.0/0", "0.0.0.0/1"]);
        assert_eq!(taken(&["0.0.0.0/1", "10.0.0.0/8", "128.0.0.0/1"]), ["0.0.0.0/1", "128.0.0.0/1"]);
    }

    #[test]
    fn a_command_for_each_route() {
        let commands = of(&["0.0.0.0/1", "128.0.0.0/1"])["deleteDefaultRoutes"].clone();
        let expected = |name: &str| {
            format!(
                "az network route-table route delete --subscription s --resource-group rg --route-table-name rt --name {name}"
            )
        };
        assert_eq!(commands, json!([expected("r0"), expected("r1")]));
    }

    #[test]
    fn a_table_that_was_not_read_is_unread_and_none_is_no_route() {
        let (_, facts) = subjects(&inventory(&[network("GatewaySubnet", Some("rt"))])).remove(0);
        assert!(facts["hasDefaultRoute"]["unread"].as_str().unwrap().contains("`rt`"), "{facts}");
        let (_, facts) = subjects(&inventory(&[network("GatewaySubnet", None)])).remove(0);
        assert_eq!(facts["hasDefaultRoute"], false);
    }

    #[test]
    fn a_table_that_lost_a_route_is_not_clean() {
        let route = |prefix: Value| json!({"id": format!("{NETWORK}/routeTables/rt/routes/x"), "properties": {"addressPrefix": prefix}});
        let whole = inventory(&[network("GatewaySubnet", Some("rt")), table(&[]), route(json!("10.0.0.0/8"))]);
        assert_eq!(subjects(&whole)[0].1["hasDefaultRoute"], false);
        let damaged = inventory(&[network("GatewaySubnet", Some("rt")), table(&[]), route(json!({"no": "text"}))]);
        assert!(subjects(&damaged)[0].1["hasDefaultRoute"]["unread"].is_string());
    }

    #[test]
    fn the_whole_name_counts_in_any_letter_case() {
        for name in ["GatewaySubnet", "gatewaysubnet", "GATEWAYSUBNET"] {
            let found = subjects(&inventory(&[network(name, None)]));
            assert_eq!(found[0].0.name, format!("hub/{name}"));
            assert_eq!(found[0].0.location.as_deref(), Some("westeurope"));
        }
        assert!(subjects(&inventory(&[network("AppGatewaySubnet", None)])).is_empty());
    }

    #[test]
    fn a_subnet_that_only_a_gateway_names_is_a_subject_whose_facts_are_unread() {
        let found = subjects(&inventory(&[gateway("GatewaySubnet")]));
        assert_eq!(found[0].0.name, "hub/GatewaySubnet");
        assert!(found[0].1["hasDefaultRoute"]["unread"].is_string());
        assert_eq!(found[0].1["gateways"], json!(["gw1"]));
        assert!(subjects(&inventory(&[gateway("default")])).is_empty());
        // In another spelling it is still the subnet that was read.
        let found = subjects(&inventory(&[gateway("gatewaysubnet"), network("GatewaySubnet", None)]));
        assert_eq!((found.len(), &found[0].1["hasDefaultRoute"]), (1, &json!(false)));
    }
}
