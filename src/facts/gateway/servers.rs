//! Whether a gateway and its clients reach the servers that they need: RADIUS and DNS.

use super::steering::{Fate, Route, Steering};
use super::surroundings::{NeighbourKind, Surroundings};
use super::{Authentication, HOW, PointToSite};
use crate::facts::address::{self, Point};
use crate::facts::bicep;
use crate::facts::command::{Command, az};
use crate::facts::network_index::missing;
use crate::facts::schema::{Known, Unread, fact_enum, facts};
use crate::facts::service_tag::PLATFORM;
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::{Inventory, Resource};

fact_enum! {
    /// Whether a gateway reaches a server.
    pub enum Reach {
        /// It lies in the gateway's network, a peered, connected or on-premises one, or a custom route.
        Reached => "reached",
        /// Azure's own DNS, 168.63.129.16.
        AzureProvided => "azureProvided",
        /// A public address: nothing in the configuration says whether it answers.
        Public => "public",
        /// A route of the GatewaySubnet drops what goes there.
        Dropped => "dropped",
        /// It lies in none of the networks that the gateway reaches.
        Nowhere => "nowhere",
        /// The data that would tell was not read, or the address is none.
        Unread => "unread",
    }
}

facts! {
    /// A server.
    pub struct Server {
        /// Its address as written.
        pub address: String,
        /// Whether it is reached.
        pub reach: Reach,
    }

    /// The RADIUS servers of a gateway.
    pub struct RadiusServers {
        /// Whether RADIUS tells who the clients are, and a server is named.
        pub asked: Known<bool>,
        /// The servers.
        pub servers: Known<Vec<Server>>,
        /// Whether one of them cannot be reached. Unread where that is not known of one and the others are reached.
        pub unreachable: Known<bool>,
        /// Why, in words.
        pub problem: String,
        /// Commands that take away the routes which drop what goes to a server; none where it lies nowhere.
        pub mend_commands: Vec<Command>,
    }

    /// The DNS servers of a gateway's virtual network.
    pub struct DnsServers {
        /// The servers; empty: Azure's own.
        pub servers: Known<Vec<Server>>,
        /// Whether Azure's own DNS is asked: none is named, or 168.63.129.16 is.
        pub azure_provided: Known<bool>,
        /// Whether one of them cannot be reached. Unread where that is not known of one and the others are reached.
        pub unreachable: Known<bool>,
        /// What is wrong, in words.
        pub problem: String,
        /// Commands that keep the servers that are right; none where no such server is left.
        pub mend_commands: Vec<Command>,
        /// The servers that are right, as Bicep writes them; `['DNS_SERVER']` where no such server is left.
        pub keep: String,
        /// Commands that take away the routes which drop what goes to a server.
        pub route_commands: Vec<Command>,
    }
}

/// A server with what is to be said about it.
struct Judged {
    server: Server,
    /// Why it is not reached.
    words: String,
    unread: Option<Unread>,
    /// Whether it lies in a network that is known.
    inside: bool,
    /// Commands that take away the route that drops what goes to it.
    route_commands: Vec<Command>,
}

impl Judged {
    fn new(address: &str, reach: Reach) -> Self {
        Self {
            server: Server { address: address.to_owned(), reach },
            words: String::new(),
            unread: None,
            inside: false,
            route_commands: Vec::new(),
        }
    }

    fn fails(&self) -> bool {
        matches!(self.server.reach, Reach::Dropped | Reach::Nowhere)
    }
}

fn judge(server: &str, around: &Surroundings, steering: &Steering) -> Judged {
    let unread = |unread: Unread| Judged { unread: Some(unread), ..Judged::new(server, Reach::Unread) };
    let Some(point) = address::parse_address(server) else {
        let how = "find out its address, and whether the gateway reaches it";
        return unread(Unread::new(format!("the address of the server `{server}`"), how));
    };
    let kinds = [NeighbourKind::ClientPool, NeighbourKind::CustomRoute];
    let system = around.neighbours.iter().filter(|it| !kinds.contains(&it.kind)).flat_map(|it| &it.ranges);
    let system = system.filter(|it| it.contains(point)).map(|it| it.size()).min();
    let custom = around.neighbours.iter().filter(|it| it.kind == NeighbourKind::CustomRoute);
    let known = system.is_some() || custom.flat_map(|it| &it.ranges).any(|it| it.contains(point));
    let fate = steering.fate(point, system);
    let dropped = |route: &Route| {
        let words = format!("{} on the GatewaySubnet drops what goes to {server}", route.words);
        Judged { words, route_commands: route.mend_commands.clone(), ..Judged::new(server, Reach::Dropped) }
    };
    if known {
        let judged = match (fate, &steering.unread) {
            (Fate::Dropped(route), _) => dropped(route),
            (Fate::Unclear(it), _) => unread(it),
            (Fate::Passed, Some(it)) => unread(it.clone()),
            (Fate::Passed, None) => Judged::new(server, Reach::Reached),
        };
        return Judged { inside: true, ..judged };
    }
    // A network that was not read may hold the address, and its route may be longer than the one that drops.
    if let Some(it) = Unread::join(&[&around.unread[..], &around.routes_unread, &around.learned].concat()) {
        return if is_public(point) { Judged::new(server, Reach::Public) } else { unread(it) };
    }
    match fate {
        Fate::Dropped(route) => dropped(route),
        _ if is_public(point) => Judged::new(server, Reach::Public),
        _ => {
            let words = format!("{server} lies in none of the networks that the gateway reaches");
            Judged { words, ..Judged::new(server, Reach::Nowhere) }
        }
    }
}

fn is_public(point: Point) -> bool {
    !address::not_public().contains(point)
}

fn unreachable(judged: &[Judged]) -> Known<bool> {
    if judged.iter().any(Judged::fails) {
        return Ok(true);
    }
    let unread: Vec<Unread> = judged.iter().filter_map(|it| it.unread.clone()).collect();
    Unread::join(&unread).map_or(Ok(false), Err)
}

fn problems(judged: &[Judged]) -> Vec<&str> {
    judged.iter().map(|it| it.words.as_str()).filter(|it| !it.is_empty()).collect()
}

fn route_commands(judged: &[Judged]) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for command in judged.iter().flat_map(|it| &it.route_commands) {
        if !commands.contains(command) {
            commands.push(command.clone());
        }
    }
    commands
}

fn servers(judged: Vec<Judged>) -> Vec<Server> {
    judged.into_iter().map(|it| it.server).collect()
}

pub(super) fn radius_servers(
    gateway: &str,
    p2s: &PointToSite,
    named: Known<Vec<&str>>,
    around: &Surroundings,
    steering: &Steering,
) -> RadiusServers {
    let mut named = match named {
        Ok(named) => named,
        Err(unread) => {
            let (asked, servers, unreachable) = (Err(unread.clone()), Err(unread.clone()), Err(unread));
            let (problem, mend_commands) = (String::new(), Vec::new());
            return RadiusServers { asked, servers, unreachable, problem, mend_commands };
        }
    };
    let mut seen = Vec::new();
    named.retain(|it| {
        !seen.contains(it) && {
            seen.push(*it);
            true
        }
    });
    let mut judged: Vec<Judged> = named.iter().map(|it| judge(it, around, steering)).collect();
    for it in judged.iter_mut().filter(|it| it.server.reach == Reach::Public) {
        let what = format!("whether `{gateway}` reaches the public address {}", it.server.address);
        it.unread = Some(Unread::new(what, "look for RADIUS timeouts in the P2SDiagnosticLog"));
    }
    let asked = p2s.authentication.as_ref().map_err(Clone::clone);
    RadiusServers {
        asked: asked.map(|it| it.contains(&Authentication::Radius) && !judged.is_empty()),
        unreachable: unreachable(&judged),
        problem: problems(&judged).join("; "),
        mend_commands: route_commands(&judged),
        servers: Ok(servers(judged)),
    }
}

pub(super) fn dns_servers(
    inventory: &Inventory,
    gateway: &Resource<VirtualNetworkGateway>,
    around: &Surroundings,
    steering: &Steering,
) -> DnsServers {
    let Some(id) = gateway.properties.networks().into_iter().next() else { return no_dns(&gateway.name) };
    let Some(network) = inventory.virtual_networks.get(&id) else {
        return unread_dns(&missing("virtual network", &id));
    };
    let named = network.properties.dhcp_options.as_ref().map(|it| &it.dns_servers[..]).unwrap_or_default();
    let named = named.iter().map(|it| it.trim()).filter(|it| !it.is_empty());
    let platform = address::parse_address(PLATFORM);
    let judged: Vec<Judged> = named
        .map(|it| match address::parse_address(it) {
            point if point.is_some() && point == platform => Judged::new(it, Reach::AzureProvided),
            Some(point) if is_public(point) => match judge(it, around, steering) {
                judged if judged.inside => judged,
                // Public servers answer wherever the question comes from.
                _ => Judged::new(it, Reach::Public),
            },
            _ => judge(it, around, steering),
        })
        .collect();
    let name = &network.name;
    let azure = judged.is_empty() || judged.iter().any(|it| it.server.reach == Reach::AzureProvided);
    let own = match judged.is_empty() {
        true => Some(format!("{name} names no DNS server, so Azure's own is asked, which knows no on-premises names")),
        false => azure.then(|| format!("among the DNS servers of {name} is {PLATFORM}, Azure's own, which knows no on-premises names and does not answer clients")),
    };
    let mut problem: Vec<&str> = own.iter().map(String::as_str).collect();
    problem.extend(problems(&judged));
    let good = |it: &&Judged| {
        let bad = matches!(it.server.reach, Reach::AzureProvided | Reach::Dropped | Reach::Nowhere);
        !bad && address::parse_address(&it.server.address).is_some()
    };
    let keep: Vec<&str> = judged.iter().filter(good).map(|it| it.server.address.as_str()).collect();
    let in_bicep = bicep::strings(if keep.is_empty() { &["DNS_SERVER"][..] } else { &keep });
    let mend = (!keep.is_empty() && keep.len() < judged.len()).then(|| {
        let words: Vec<&str> = ["--name", name, "--dns-servers"].into_iter().chain(keep).collect();
        az("network vnet update", &network.id, &words)
    });
    DnsServers {
        azure_provided: Ok(azure),
        unreachable: unreachable(&judged),
        problem: problem.join("; "),
        keep: in_bicep,
        route_commands: route_commands(&judged),
        servers: Ok(servers(judged)),
        mend_commands: mend.into_iter().collect(),
    }
}

/// Of a gateway whose virtual network is not known.
pub(super) fn no_dns(gateway: &str) -> DnsServers {
    unread_dns(&Unread::new(format!("the virtual network of `{gateway}`"), HOW))
}

fn unread_dns(unread: &Unread) -> DnsServers {
    DnsServers {
        servers: Err(unread.clone()),
        azure_provided: Err(unread.clone()),
        unreachable: Err(unread.clone()),
        problem: String::new(),
        mend_commands: Vec::new(),
        keep: String::new(),
        route_commands: Vec::new(),
    }
}
