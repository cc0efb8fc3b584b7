//! Whether network security groups let a gateway, or its clients, ask the servers that they need.

use std::collections::{BTreeMap, HashSet};

use super::PointToSite;
use super::ends::{End, Ends, Place, place};
use super::ranges::Range;
use super::surroundings::{Map, Surroundings};
use crate::facts::address::{self, AddressSet, Family};
use crate::facts::command::{Command, az};
use crate::facts::network_index::{missing, subnet_prefixes};
use crate::facts::nsg::{Access, Decision, Group, Level, Local, Protocol, Stack};
use crate::facts::rdp_endpoint::words::keeping;
use crate::facts::schema::{Known, Unread, facts};
use crate::facts::service_tag::PLATFORM;
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::network::target;
use crate::inventory::{Inventory, Resource, ResourceId};

facts! {
    /// Whether rules let packets through to the servers of one kind. Security admin rules and network security groups
    /// count, and no firewall.
    pub struct ServerRules {
        /// Whether a server stands in the gateway's network or a peer, where rules can be known.
        pub judged: Known<bool>,
        /// The servers that stand there.
        pub servers: Vec<FilteredServer>,
        /// Whether one of them is kept apart. Unread where none is known to be and something that decides was not read.
        pub blocked: Known<bool>,
        /// The same over UDP.
        pub blocked_over_udp: Known<bool>,
        /// Which rules keep whom from what, in words.
        pub problem: String,
        /// Commands that let just these packets in; none where an admin rule or the lack of a free priority forbids it.
        pub mend_commands: Vec<Command>,
        /// Who asks, as Bicep writes a list.
        pub sources: String,
    }

    /// A server that stands in the gateway's network or a peer.
    pub struct FilteredServer {
        /// Its address as written.
        pub address: String,
        /// The network's name and the subnet's: `hub/servers`.
        pub subnet: String,
        /// The name of the interface that has the address; null: none that was read.
        pub interface: Option<String>,
        /// The protocols over which nobody, or for clients not everybody, gets through.
        pub blocked_protocols: Vec<String>,
        /// The addresses that do not get through over the first of them, as the fewest prefixes.
        pub kept_out: Vec<String>,
    }
}

/// Who asks which servers.
pub(super) struct Asking<'a> {
    /// The servers' addresses as written.
    pub(super) servers: Known<Vec<&'a str>>,
    /// Who asks, as far as it is known, and why that may not be all.
    pub(super) remote: (AddressSet, Option<Unread>),
    /// Who that is in words: `the gateway subnet`, `the clients`.
    pub(super) who: &'static str,
    /// Whether a part of them is enough for a fault: each of them asks, not only some.
    pub(super) each: bool,
    pub(super) protocols: &'static [Protocol],
    pub(super) port: u16,
    /// The name of a new rule.
    pub(super) rule: &'static str,
}

/// A gateway asks its RADIUS servers from somewhere in its subnet: which addresses its instances have, no resource says.
pub(super) fn radius<'a>(
    inventory: &Inventory,
    gateway: &Resource<VirtualNetworkGateway>,
    servers: Vec<&'a str>,
) -> Asking<'a> {
    let (mut addresses, mut unread) = (AddressSet::EMPTY, None);
    for id in gateway.properties.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet)) {
        let prefixes = inventory.subnets.get(id).map(|it| subnet_prefixes(&it.properties));
        match prefixes.filter(|it| !it.is_empty()) {
            Some(prefixes) => addresses = addresses.union(&prefixes),
            None => unread = Some(missing("subnet", id)),
        }
    }
    Asking {
        servers: Ok(servers),
        remote: (addresses, unread),
        who: "the gateway subnet",
        each: false,
        protocols: &[Protocol::Udp],
        port: 1812,
        rule: "allow-radius",
    }
}

/// Clients ask the DNS servers of the gateway's network, each from its own address of the pool.
pub(super) fn dns<'a>(
    inventory: &'a Inventory,
    gateway: &Resource<VirtualNetworkGateway>,
    p2s: &PointToSite,
) -> Asking<'a> {
    let (mut ranges, mut unread) = (Vec::new(), None);
    for text in &p2s.pools {
        match Range::read(text) {
            Some(read) => ranges.extend(read.into_iter().map(|it| (it.from, it.to))),
            None => {
                let what = format!("the prefix `{text}` of the address pool of `{}`", gateway.name);
                unread = Some(Unread::new(what, "correct it, as in 172.16.0.0/24"));
            }
        }
    }
    let network = gateway.properties.networks().into_iter().next();
    let servers = match network {
        None => {
            Err(Unread::new(format!("the virtual network of `{}` (its subnet is not named)", gateway.name), super::HOW))
        }
        Some(id) => inventory.virtual_networks.get(&id).ok_or_else(|| missing("virtual network", &id)).map(|network| {
            let named = network.properties.dhcp_options.iter().flat_map(|it| &it.dns_servers);
            let named = named.map(|it| it.trim()).filter(|it| !it.is_empty());
            named.filter(|it| address::parse_address(it) != address::parse_address(PLATFORM)).collect()
        }),
    };
    Asking {
        servers,
        remote: (AddressSet::from_ranges(ranges), unread),
        who: "the clients",
        each: true,
        protocols: &Protocol::ALL,
        port: 53,
        rule: "allow-dns",
    }
}

impl ServerRules {
    fn none(judged: Known<bool>) -> Self {
        Self {
            servers: Vec::new(),
            blocked: judged.clone().map(|_| false),
            blocked_over_udp: judged.clone().map(|_| false),
            judged,
            problem: String::new(),
            mend_commands: Vec::new(),
            sources: String::new(),
        }
    }

    /// Of a gateway of Virtual WAN, whose hub's addresses no resource tells that the audit reads.
    pub(super) fn of_hub(gateway: &str) -> Self {
        let what = format!("the prefix of the virtual hub of `{gateway}` (azaudit does not read it)");
        Self::none(Err(Unread::new(what, "look at the hub in the portal")))
    }
}

/// Judges the rules before each server.
pub(super) fn server_rules(
    map: &Map<'_>,
    ends: Option<&Ends<'_>>,
    gateway: &Resource<VirtualNetworkGateway>,
    around: &Surroundings,
    asking: &Asking<'_>,
) -> ServerRules {
    let named = match &asking.servers {
        Ok(named) if named.is_empty() => return ServerRules::none(Ok(false)),
        Ok(named) => named,
        Err(unread) => return ServerRules::none(Err(unread.clone())),
    };
    let mut work = Work {
        asking,
        servers: Vec::new(),
        words: Vec::new(),
        blocked: false,
        over_udp: false,
        unread: Vec::new(),
        needs: BTreeMap::new(),
        forbidden: false,
    };
    let mut seen: Vec<&str> = Vec::new();
    for server in named {
        if seen.contains(server) {
            continue;
        }
        seen.push(server);
        let Some(address) = address::parse_address(server) else {
            let how = "find out its address, and whether rules let packets through to it";
            work.unread.push(Unread::new(format!("the address of the server `{server}`"), how));
            continue;
        };
        match (place(map, gateway, around, address), ends) {
            (Place::Elsewhere, _) => {}
            (Place::Unread(unread), _) => work.unread.push(unread),
            (Place::Subnet(subnet), Some(ends)) => work.judge(ends, &subnet, server, address),
            (Place::Subnet(subnet), None) => work.unread.push(missing("subnet", &subnet)),
        }
    }
    work.finish()
}

/// What a group lacks.
struct Need<'a> {
    group: Group,
    servers: Vec<&'a str>,
    /// The new rule has to stand before this priority.
    before: i64,
}

struct Work<'a, 'w> {
    asking: &'w Asking<'a>,
    servers: Vec<FilteredServer>,
    words: Vec<String>,
    blocked: bool,
    over_udp: bool,
    unread: Vec<Unread>,
    /// By group, and by IPv4 and IPv6, which no rule may mix.
    needs: BTreeMap<(ResourceId, bool), Need<'a>>,
    /// Whether no rule of a group could let them in.
    forbidden: bool,
}

impl<'a> Work<'a, '_> {
    fn judge(&mut self, ends: &Ends<'_>, subnet: &ResourceId, server: &'a str, address: address::Point) {
        let asking = self.asking;
        let (remote, missing) = &asking.remote;
        let all = remote;
        let remote = all.intersection(&AddressSet::of(address::family(address)));
        // Nobody with IPv4 alone asks a server of IPv6.
        if remote.is_empty() && !all.is_empty() && missing.is_none() {
            return;
        }
        let mut fact = FilteredServer {
            address: server.to_owned(),
            subnet: subnet.qualified_name(),
            interface: None,
            blocked_protocols: Vec::new(),
            kept_out: Vec::new(),
        };
        let mut rules: Vec<(String, Vec<&str>)> = Vec::new();
        for protocol in asking.protocols {
            let end = End { address, protocol: *protocol, port: asking.port };
            let passage = ends.passage(subnet, end, &remote);
            let all = passage.kept_out == remote && missing.is_none();
            let blocked = !passage.kept_out.is_empty() && (asking.each || all);
            ends.with_stack(subnet, end, &mut |stack, local, interface| {
                fact.interface = interface.map(str::to_owned);
                if blocked {
                    let words = self.note(stack, local, server, &passage.kept_out);
                    match rules.iter_mut().find(|it| it.0 == words) {
                        Some(it) => it.1.push(protocol.word()),
                        None => rules.push((words, vec![protocol.word()])),
                    }
                }
            });
            if blocked {
                self.blocked = true;
                self.over_udp |= *protocol == Protocol::Udp;
                if fact.blocked_protocols.is_empty() {
                    fact.kept_out = passage.kept_out.prefixes().map(|it| it.to_string()).collect();
                }
                fact.blocked_protocols.push(protocol.word().to_owned());
            } else if remote.is_empty() {
                let what = format!("the addresses of {} that ask {server}", asking.who);
                self.unread.push(missing.clone().unwrap_or_else(|| Unread::new(what, super::HOW)));
            } else if !passage.rest_gets_in {
                let what = format!("a part of what filters packets to {server}");
                let of = Unread::join(&passage.unread);
                self.unread.push(of.unwrap_or_else(|| Unread::new(what, "export the whole network and scan again")));
            } else if !passage.kept_out.is_empty() {
                let what = format!("which addresses of {} ask {server}: the rules keep a part of it out", asking.who);
                self.unread.push(Unread::new(what, "let the rules admit all of it"));
            } else {
                self.unread.extend(missing.clone());
            }
        }
        for (words, protocols) in rules {
            let protocols = protocols.join(" and ");
            self.words.push(format!("{words} from {server} ({protocols} {})", asking.port));
        }
        self.servers.push(fact);
    }

    /// Which rules keep them out, in words, and what each group lacks.
    fn note(&mut self, stack: &Stack<'_>, local: &Local<'_>, server: &'a str, kept_out: &AddressSet) -> String {
        let closing: Vec<Decision<'_>> =
            stack.deciders(local, kept_out).into_iter().filter(|it| !it.allows()).collect();
        let alone = Stack { admin: Level::None, subnet: Level::None, interface: Level::None, ..*stack };
        let lets_in = |stack: Stack<'_>| stack.admit(local).at_most.addresses().covers(kept_out);
        self.forbidden |= !lets_in(Stack { admin: stack.admin, ..alone });
        for level in [stack.subnet, stack.interface] {
            let Level::Group(group) = level else { continue };
            if lets_in(Stack { subnet: level, ..alone }) {
                continue;
            }
            let denies = group.inbound.list.iter().filter(|it| !it.default && it.access != Some(Access::Allow));
            let denies = denies.filter(|it| stack.may_name(it, local)).map(|it| it.priority.unwrap_or(i64::MIN));
            let before = denies.min().unwrap_or(i64::MAX);
            let need = self.needs.entry((group.id.clone(), local.family == Family::V6));
            let need = need.or_insert_with(|| Need { group: group.clone(), servers: Vec::new(), before });
            need.before = need.before.min(before);
            if !need.servers.contains(&server) {
                need.servers.push(server);
            }
        }
        let who: Vec<String> = kept_out.prefixes().take(2).map(|it| it.to_string()).collect();
        let more = kept_out.prefixes().count().saturating_sub(2);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let by = keeping(&closing);
        let by = if by.is_empty() { "the rules keep".to_owned() } else { by };
        format!("{by} {} {}{more}", self.asking.who, who.join(", "))
    }

    fn finish(self) -> ServerRules {
        let unread = Unread::join(&self.unread);
        let known = |found: bool| match &unread {
            Some(unread) if !found => Err(unread.clone()),
            _ => Ok(found),
        };
        let mut commands = Vec::new();
        let mut complete = !self.forbidden;
        let sources: Vec<String> = self.asking.remote.0.prefixes().map(|it| it.to_string()).collect();
        let mut created: Vec<Created<'_>> = Vec::new();
        for ((id, v6), need) in &self.needs {
            let family = AddressSet::of(if *v6 { Family::V6 } else { Family::V4 });
            let beside = created.last().filter(|it| it.group == id);
            match self.asking.rule_in(need, beside) {
                Some(rule) => {
                    let who = self.asking.remote.0.intersection(&family);
                    commands.push(self.asking.command(need, &rule, &who));
                    created.push(Created { group: id, ..rule });
                }
                None => complete = false,
            }
        }
        ServerRules {
            judged: known(!self.servers.is_empty()),
            blocked: known(self.blocked),
            blocked_over_udp: known(self.over_udp),
            servers: self.servers,
            problem: self.words.join("; "),
            mend_commands: if complete { commands } else { Vec::new() },
            sources: crate::facts::bicep::strings(&sources),
        }
    }
}

/// A new rule.
struct Created<'n> {
    group: &'n ResourceId,
    name: String,
    priority: i64,
}

impl Asking<'_> {
    /// Name and priority of an Allow before every Deny that may name the server.
    fn rule_in<'n>(&self, need: &'n Need<'_>, beside: Option<&Created<'_>>) -> Option<Created<'n>> {
        let group = &need.group;
        let taken = group.inbound.list.iter().filter_map(|it| it.priority).chain(beside.map(|it| it.priority));
        let taken: HashSet<i64> = taken.collect();
        let priority = (100..need.before.min(4097)).rev().find(|it| !taken.contains(it))?;
        let names = group.inbound.list.iter().chain(&group.outbound.list).map(|rule| rule.name.to_lowercase());
        let names: HashSet<String> = names.chain(beside.map(|it| it.name.clone())).collect();
        let more = (2_u32..).map(|i| format!("{}-{i}", self.rule));
        let name = std::iter::once(self.rule.to_owned()).chain(more).find(|name| !names.contains(name))?;
        Some(Created { group: &group.id, name, priority })
    }

    /// Creates it for these packets alone.
    fn command(&self, need: &Need<'_>, rule: &Created<'_>, who: &AddressSet) -> Command {
        let (id, priority, port) = (&need.group.id, rule.priority.to_string(), self.port.to_string());
        let protocol = if self.protocols.len() == 1 { "Udp" } else { "*" };
        let first = ["--nsg-name", id.name(), "--name", &rule.name, "--priority", &priority, "--direction", "Inbound"];
        let sources: Vec<String> = who.prefixes().map(|it| it.to_string()).collect();
        let mut arguments = [&first[..], &["--access", "Allow", "--protocol", protocol]].concat();
        arguments.push("--source-address-prefixes");
        arguments.extend(sources.iter().map(String::as_str));
        arguments.push("--destination-address-prefixes");
        arguments.extend(&need.servers);
        arguments.extend(["--destination-port-ranges", &port]);
        az("network nsg rule create", id, &arguments)
    }
}
