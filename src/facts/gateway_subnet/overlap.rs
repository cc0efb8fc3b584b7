//! Routes that take away what belongs to the gateway: its subnet, its public addresses, the addresses of its clients.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::cover::{Destination, destination, range};
use super::longest_prefix::{ends, overlap, set, winners};
use super::standing::Standing;
use super::{mend, next_hop, size};
use crate::facts::address::{self, AddressSet};
use crate::facts::command::Command;
use crate::facts::network_index::missing;
use crate::facts::schema::{Known, Unread, fact_enum, facts};
use crate::facts::service_tag::{ServiceTags, Tag, Word};
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::network::{Route, RouteTable, Subnet, target};
use crate::inventory::{Inventory, Named, Resource, ResourceId};

fact_enum! {
    /// What a route does to traffic that it should leave alone.
    pub enum RouteEffect {
        /// It ends there: no next hop, or the Internet for private addresses.
        Drops => "drops",
        /// It goes elsewhere: to an appliance, or into a network where nobody has the address.
        Diverts => "diverts",
        /// It comes back to the gateway.
        Loops => "loops",
    }
}

facts! {
    /// A route that takes away what belongs to the gateway.
    pub struct HarmfulRoute {
        /// Its name.
        pub name: String,
        /// Its destination as written.
        pub prefix: String,
        /// Its next hop with the appliance's address.
        pub next_hop: String,
        /// What it does.
        pub effect: RouteEffect,
        /// To what: `the gateway subnet 10.0.255.0/27`, `the public address 203.0.113.17 of gw1`,
        /// `the client pool 172.16.201.0/24 of gw1`.
        pub covers: Vec<String>,
    }

    /// Routes that take away what belongs to the gateway.
    pub struct RouteOverlap {
        /// Whether there are any. A route counts where it decides: the longest prefix does, and of equal ones the
        /// user's. A route for all addresses is `hasDefaultRoute`.
        pub any: Known<bool>,
        /// Those that are certain: the ones that decide, and the ones that would without them.
        pub routes: Vec<HarmfulRoute>,
        /// They in words: `to-nva (10.0.0.0/16 to VirtualAppliance 10.0.0.4) diverts the gateway subnet 10.0.255.0/27`.
        pub text: String,
        /// Commands that free the gateway from them.
        pub mend_commands: Vec<Command>,
    }
}

/// What a route may take away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Subnet,
    PublicAddress,
    Pool,
}

/// Addresses that belong to the gateway.
struct Area {
    target: Target,
    /// They, or why they are not known.
    range: Known<IpNet>,
    words: String,
}

/// What a next hop means for traffic to a target; `None`: it is right there.
enum Harm {
    None,
    Effect(RouteEffect),
    Unclear,
}

fn harm(route: &Route, target: Target) -> Harm {
    let hop = route.next_hop_type.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
    match (hop.as_str(), target) {
        ("none", _) => Harm::Effect(RouteEffect::Drops),
        // That is where the system's own route leads.
        ("internet", Target::PublicAddress) | ("vnetlocal", Target::Subnet) => Harm::None,
        ("internet", _) => Harm::Effect(RouteEffect::Drops),
        ("virtualappliance" | "virtualapplianceecmp" | "vnetlocal", _) => Harm::Effect(RouteEffect::Diverts),
        ("virtualnetworkgateway", _) => Harm::Effect(RouteEffect::Loops),
        _ => Harm::Unclear,
    }
}

/// The route table of a subnet, and what is known of it.
pub(super) struct Table<'a> {
    pub(super) table: &'a Resource<RouteTable>,
    /// Why its routes may not be all that it says.
    pub(super) doubt: Option<Unread>,
    /// Whether other subnets use it.
    pub(super) shared: bool,
}

/// Judges the routes of the subnet's table, if it has one.
pub(super) fn overlaps(
    id: &ResourceId,
    subnet: &Known<&Subnet>,
    table: Known<Option<Table<'_>>>,
    standing: &Standing<'_>,
    (inventory, tags): (&Inventory, &ServiceTags),
) -> RouteOverlap {
    let nothing = |any| RouteOverlap { any, routes: Vec::new(), text: String::new(), mend_commands: Vec::new() };
    let table = match table {
        Err(unread) => return nothing(Err(unread)),
        Ok(None) => return nothing(Ok(false)),
        Ok(Some(table)) => table,
    };
    // What the table does to gateways is certain without the subnet; that it does nothing else is not (`doubt`).
    let subnet = subnet.as_ref().ok().copied();
    let routes = Routes::of(&table.table.properties.routes, tags);
    let mut found = Found::default();
    for area in areas(id, subnet, standing, inventory) {
        match &area.range {
            Ok(range) => routes.judge(&area, *range, &system(id, area.target, range, standing, inventory), &mut found),
            Err(unread) if routes.could_take(area.target) => found.doubts.push(unread.clone()),
            Err(_) => {}
        }
    }
    if let Some(unread) = &standing.unread
        && [Target::PublicAddress, Target::Pool].into_iter().any(|it| routes.could_take(it))
    {
        found.doubts.push(unread.clone());
    }
    found.doubts.extend(table.doubt);
    let mut harmful: Vec<usize> = found.harmful.keys().map(|(i, _)| *i).collect();
    harmful.dedup();
    let any = match (harmful.is_empty(), Unread::join(&found.doubts)) {
        (false, _) => Ok(true),
        (true, Some(unread)) => Err(unread),
        (true, None) => Ok(false),
    };
    let routes = found.routes(routes.all);
    RouteOverlap {
        any,
        text: text(&routes, &table.table.name),
        routes,
        mend_commands: mend(id, table.table, &harmful, table.shared),
    }
}

/// What the routes did.
#[derive(Default)]
struct Found {
    /// The route's position and what it does, and to what.
    harmful: BTreeMap<(usize, RouteEffect), Vec<String>>,
    doubts: Vec<Unread>,
}

impl Found {
    fn add(&mut self, route: usize, effect: RouteEffect, words: &str) {
        self.harmful.entry((route, effect)).or_default().push(words.to_owned());
    }

    fn routes(self, all: &[Named<Route>]) -> Vec<HarmfulRoute> {
        let facts = self.harmful.into_iter().map(|((i, effect), covers)| HarmfulRoute {
            name: all[i].name.to_string(),
            prefix: all[i].properties.address_prefix.as_deref().unwrap_or_default().to_owned(),
            next_hop: next_hop(&all[i].properties),
            effect,
            covers,
        });
        facts.collect()
    }
}

/// The routes of a table, without those for all addresses.
struct Routes<'a> {
    all: &'a [Named<Route>],
    ranges: Vec<(usize, IpNet)>,
    /// Service tags, with their addresses where they are known.
    tags: Vec<(usize, Option<AddressSet>)>,
}

impl<'a> Routes<'a> {
    fn of(all: &'a [Named<Route>], tags: &ServiceTags) -> Self {
        let mut routes = Self { all, ranges: Vec::new(), tags: Vec::new() };
        for (i, route) in all.iter().enumerate() {
            match destination(route) {
                Destination::Range(range) if range.prefix_len() > 0 => routes.ranges.push((i, range)),
                Destination::Range(_) | Destination::Unreadable => {}
                Destination::ServiceTag => {
                    let text = route.properties.address_prefix.as_deref().unwrap_or_default().trim();
                    let known = match Word::new(text) {
                        Some(Word::Internet) => Some(address::public().clone()),
                        _ => tags.get(&Tag::new(text)).cloned(),
                    };
                    routes.tags.push((i, known));
                }
            }
        }
        routes
    }

    fn harm(&self, route: usize, target: Target) -> Harm {
        harm(&self.all[route].properties, target)
    }

    /// Whether some route could take away addresses that are not known.
    fn could_take(&self, target: Target) -> bool {
        let harms = |i: usize| !matches!(self.harm(i, target), Harm::None);
        let (anywhere, public) = (target != Target::PublicAddress, address::public());
        let by_range = |(i, range): &(usize, IpNet)| harms(*i) && (anywhere || set(range).meets(public));
        self.ranges.iter().any(by_range) || self.tags.iter().any(|(i, _)| harms(*i))
    }

    /// What the routes do to known addresses. Without those that are found the next shorter ones decide: they are found too.
    fn judge(&self, area: &Area, range: IpNet, system: &System, found: &mut Found) {
        let near: Vec<(usize, IpNet)> = self.ranges.iter().filter(|(_, it)| overlap(it, &range)).copied().collect();
        // It is at most as long as the subnet's own prefix.
        let (longest, unread) = match system {
            System::Known(system) => (system.as_slice(), None),
            System::Unread(unread) => (&[range][..], Some(unread)),
        };
        let rival = self.rival(&range, area.target);
        let mut left = near.clone();
        loop {
            let certain = winners(range, &left, longest);
            let mut taken = BTreeSet::new();
            for (i, it) in left.iter().filter(|(i, _)| certain.binary_search(i).is_ok()) {
                match (self.harm(*i, area.target), &rival) {
                    (Harm::None, _) => {}
                    (Harm::Effect(_), Some(unread)) if it.prefix_len() < it.max_prefix_len() => {
                        found.doubts.push(unread.clone());
                    }
                    (Harm::Effect(effect), _) => {
                        found.add(*i, effect, &area.words);
                        taken.insert(*i);
                    }
                    (Harm::Unclear, _) => found.doubts.push(self.unclear(*i)),
                }
            }
            if taken.is_empty() {
                break;
            }
            left.retain(|(i, _)| !taken.contains(i));
        }
        if let Some(unread) = unread {
            let harms = |i: &usize| !matches!(self.harm(*i, area.target), Harm::None);
            if winners(range, &left, &[]).iter().any(harms) {
                found.doubts.push(unread.clone());
            }
        }
        self.judge_tags(area, &range, &near, found);
    }

    /// Why a harmful route for public addresses may not decide: a harmless one for a service tag may be longer.
    fn rival(&self, range: &IpNet, target: Target) -> Option<Unread> {
        let public = set(range).intersection(address::public());
        let harmless = self.tags.iter().filter(|(i, _)| !matches!(self.harm(*i, target), Harm::Effect(_)));
        let mut rivals = harmless.filter(|(_, known)| known.as_ref().unwrap_or(&public).meets(&public));
        rivals.next().map(|(i, _)| self.tag_unread(*i))
    }

    /// Explicit prefixes come before the equal ones of a tag; how long a tag's are at one address is not known.
    fn judge_tags(&self, area: &Area, range: &IpNet, near: &[(usize, IpNet)], found: &mut Found) {
        let all = set(range).intersection(address::public());
        if self.tags.is_empty() || all.is_empty() {
            return;
        }
        let covered = |longest: bool| {
            let near = near.iter().filter(|(_, it)| !longest || it.prefix_len() == it.max_prefix_len());
            AddressSet::from_ranges(near.map(|(_, it)| ends(it)))
        };
        let (left, possible) = (all.difference(&covered(false)), all.difference(&covered(true)));
        for (i, known) in &self.tags {
            match (self.harm(*i, area.target), known) {
                (Harm::None, _) => {}
                (Harm::Effect(effect), Some(known)) if known.meets(&left) => found.add(*i, effect, &area.words),
                (Harm::Unclear, Some(known)) if known.meets(&left) => found.doubts.push(self.unclear(*i)),
                (_, known) if known.as_ref().unwrap_or(&possible).meets(&possible) => {
                    found.doubts.push(self.tag_unread(*i));
                }
                _ => {}
            }
        }
    }

    fn unclear(&self, route: usize) -> Unread {
        let route = &self.all[route];
        let (what, how) = match route.properties.next_hop_type.as_deref().map(str::trim) {
            None | Some("") => (String::new(), "export the route table with it"),
            Some(word) => (format!(" (`{word}`)"), "correct it, or update azaudit"),
        };
        Unread::new(format!("the next hop{what} of the route `{}`", route.name), how)
    }

    fn tag_unread(&self, route: usize) -> Unread {
        let route = &self.all[route];
        let tag = route.properties.address_prefix.as_deref().unwrap_or_default().trim();
        let what = format!("which addresses of the service tag `{tag}` the route `{}` decides for", route.name);
        let how = "give Microsoft's list of service tags with --service-tags FILE, or add a route for the gateway's public \
                   address alone with the next hop Internet";
        Unread::new(what, how)
    }
}

/// The system's own routes for an area.
enum System {
    Known(Vec<IpNet>),
    Unread(Unread),
}

fn system(id: &ResourceId, target: Target, range: &IpNet, standing: &Standing<'_>, inventory: &Inventory) -> System {
    match target {
        // Azure's default route is shorter than any that is judged here.
        Target::PublicAddress => System::Known(Vec::new()),
        Target::Pool => {
            System::Known(standing.read.iter().flat_map(|it| pools(it)).filter_map(super::cover::range).collect())
        }
        Target::Subnet => {
            let network = id.parent();
            let space = network.as_ref().and_then(|id| inventory.virtual_networks.get(id));
            let space = space.into_iter().flat_map(|it| &it.properties.address_space.address_prefixes);
            let space: Vec<IpNet> = space.filter_map(|text| self::range(text.trim())).collect();
            if space.iter().any(|it| it.contains(range)) {
                return System::Known(space);
            }
            let network = network.as_ref().unwrap_or(id);
            let what = format!("the address space of the virtual network `{}`", network.name());
            System::Unread(Unread::new(what, format!("add it to the input, or grant Reader on `{network}`")))
        }
    }
}

/// Everything that belongs to the gateways of the subnet.
fn areas(id: &ResourceId, subnet: Option<&Subnet>, standing: &Standing<'_>, inventory: &Inventory) -> Vec<Area> {
    let area = |target, range, words| Area { target, range, words };
    let mut areas = Vec::new();
    if let Some(subnet) = subnet {
        let ranges = size::ranges(subnet);
        let unreadable = size::unreadable(id, subnet).or_else(|| {
            let what = format!("the prefix of `{}`", id.qualified_name());
            ranges.is_empty().then(|| Unread::new(what, "export the virtual network with the prefixes of its subnets"))
        });
        areas.extend(unreadable.map(|unread| area(Target::Subnet, Err(unread), String::new())));
        areas.extend(ranges.iter().map(|it| area(Target::Subnet, Ok(*it), format!("the gateway subnet {it}"))));
    }
    for gateway in &standing.read {
        let name = &gateway.name;
        for address in public_addresses(gateway, inventory) {
            let words = address.as_ref().map(|it| format!("the public address {} of {name}", it.addr()));
            areas.push(area(Target::PublicAddress, address.clone(), words.unwrap_or_default()));
        }
        for pool in pools(gateway) {
            let read = range(pool).ok_or_else(|| {
                Unread::new(format!("the client pool `{pool}` of `{name}`"), "correct it, as in 172.16.201.0/24")
            });
            areas.push(area(Target::Pool, read, format!("the client pool {pool} of {name}")));
        }
    }
    areas
}

/// The pools that clients get addresses from; an ExpressRoute gateway serves none.
fn pools(gateway: &Resource<VirtualNetworkGateway>) -> Vec<&str> {
    let sort = gateway.properties.gateway_type.as_deref().unwrap_or_default().trim();
    let serves = !["ExpressRoute", "LocalGateway"].iter().any(|it| it.eq_ignore_ascii_case(sort));
    gateway.properties.vpn_client_configuration.iter().filter(|_| serves).flat_map(|it| it.pools()).collect()
}

/// The public addresses of a gateway, one for each IP configuration. Azure does not say that of every gateway: some keep
/// theirs to themselves.
fn public_addresses(gateway: &Resource<VirtualNetworkGateway>, inventory: &Inventory) -> Vec<Known<IpNet>> {
    let unread = || {
        let what = format!("the public address of `{}`", gateway.name);
        Unread::new(what, "add its public IP addresses to the input, or grant Reader on them")
    };
    let configurations = &gateway.properties.ip_configurations;
    let read = |reference| {
        let Some(id) = target(reference) else { return Err(unread()) };
        let address = inventory.public_ip_addresses.get(id).ok_or_else(|| missing("public IP address", id))?;
        let text = address.properties.ip_address.as_deref().unwrap_or_default().trim();
        text.parse::<std::net::IpAddr>().map(IpNet::from).map_err(|_| {
            Unread::new(format!("the address of the public IP `{}`", id.name()), "read it again once it is allocated")
        })
    };
    match configurations.is_empty() {
        true => vec![Err(unread())],
        false => configurations.iter().map(|it| read(&it.properties.public_ip_address)).collect(),
    }
}

/// The first routes; the evidence holds them all.
fn text(routes: &[HarmfulRoute], table: &str) -> String {
    let one = |route: &HarmfulRoute| {
        let (name, prefix, hop) = (&route.name, &route.prefix, &route.next_hop);
        let covers = match route.covers.as_slice() {
            [few @ .., last] if !few.is_empty() && few.len() < 3 => format!("{} and {last}", few.join(", ")),
            [first, rest @ ..] if !rest.is_empty() => format!("{first} and {} more", rest.len()),
            all => all.join(", "),
        };
        format!("{name} ({prefix} to {hop}) {} the traffic to {covers}", route.effect.word())
    };
    let words: Vec<String> = routes.iter().take(3).map(one).collect();
    let more = routes.len().saturating_sub(3);
    match (words.is_empty(), more) {
        (true, _) => String::new(),
        (_, 0) => format!("route table {table}: {}", words.join("; ")),
        _ => format!("route table {table}: {}; and {more} more", words.join("; ")),
    }
}
