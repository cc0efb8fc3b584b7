//! Facts about what leads from a port of a load balancer to a port of machines.

#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::command::{Command, az};
use super::schema::{Known, RecordType, Unread, fact_enum, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::arm::Child;
use crate::inventory::network::{InboundNatPool, InboundNatRule, LoadBalancer, LoadBalancingRule, target};
use crate::inventory::{Inventory, Reference, Resource};

fact_enum! {
    /// What leads from a front end to machines.
    pub enum RuleKind {
        /// A load-balancing rule: one port, spread over a pool.
        LoadBalancingRule => "loadBalancingRule",
        /// An inbound NAT rule: one port, or one of a range, for each machine.
        InboundNatRule => "inboundNatRule",
        /// An inbound NAT pool: one port of a range for each machine of a scale set.
        InboundNatPool => "inboundNatPool",
    }
}

fact_enum! {
    /// From where a front end can be reached.
    pub enum FrontEnd {
        /// It has a public address.
        Public => "public",
        /// It has a private address alone.
        Private => "private",
    }
}

facts! {
    /// A load-balancing rule, inbound NAT rule or inbound NAT pool.
    pub struct LoadBalancerRule {
        /// Its name.
        pub name: String,
        /// The name of its load balancer.
        pub load_balancer: String,
        /// What it is.
        pub kind: RuleKind,
        /// What it is, in words, with its name: `the inbound NAT rule rdp-vm1`.
        pub words: String,
        /// `Tcp`, `Udp`, `All` as written; empty where it was not read.
        pub protocol: String,
        /// Whether it leads every port to the same port (protocol `All` with ports 0).
        pub every_port: bool,
        /// The first port that people connect to.
        pub front_end_first: Known<i64>,
        /// The last port that people connect to; the first one where there is no range.
        pub front_end_last: Known<i64>,
        /// Those ports in words: `port 3389`, `ports 50000 to 50099`, `its traffic` where they were not read.
        pub front_end_ports: String,
        /// The port on the machines at which the traffic ends; with floating IP that is the front end's own.
        pub back_end_port: Known<i64>,
        /// The port that Remote Desktop listens on (`--rdp-port`).
        pub rdp_port: u16,
        /// From where its front end can be reached.
        pub front_end: Known<FrontEnd>,
        /// The command that leads it to the port of Remote Desktop. Only where that opens nothing to the Internet: the
        /// front end is private, and nothing says that the estate has an Azure Firewall, which could lead there.
        pub lead_to_rdp_commands: Vec<Command>,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("rule", LoadBalancerRule::describe())]
}

/// Calls `visit` for each subject, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let scene = Scene { rdp_port: context.options.rdp_port, firewalls: may_have_firewalls(context.inventory) };
    context.inventory.load_balancers.rows().par_iter().for_each(|balancer| {
        for rule in rules(balancer) {
            let facts = facts_of(balancer, &rule, &scene);
            let identity = Identity {
                kind: SubjectKind::LoadBalancerRule,
                id: balancer.id.clone(),
                name: balancer.name.to_string(),
                element: Some(facts.name.clone()),
                location: balancer.location.as_deref().map(str::to_owned),
            };
            visit(&Subject { identity, roots: vec![&facts] });
        }
    });
}

/// What is the same for all rules.
struct Scene {
    rdp_port: u16,
    /// Whether there may be an Azure Firewall whose DNAT rules lead to private front ends.
    firewalls: bool,
}

fn may_have_firewalls(inventory: &Inventory) -> bool {
    const TYPES: [&str; 3] = [
        "microsoft.network/azurefirewalls",
        "microsoft.network/firewallpolicies",
        "microsoft.network/firewallpolicies/rulecollectiongroups",
    ];
    let read =
        [inventory.azure_firewalls.len(), inventory.firewall_policies.len(), inventory.rule_collection_groups.len()];
    read.iter().any(|count| *count > 0) || TYPES.iter().any(|ty| inventory.incomplete(ty, "").is_some())
}

/// A rule of any kind.
struct Rule<'a> {
    kind: RuleKind,
    name: &'a str,
    protocol: Option<&'a str>,
    front_end_port: Option<i64>,
    range: (Option<i64>, Option<i64>),
    back_end_port: Option<i64>,
    front_end: &'a Option<Reference>,
    floating: bool,
}

fn rules(balancer: &Resource<LoadBalancer>) -> Vec<Rule<'_>> {
    let it = &balancer.properties;
    let balancing = it.load_balancing_rules.iter().map(balancing_rule);
    balancing
        .chain(it.inbound_nat_rules.iter().map(nat_rule))
        .chain(it.inbound_nat_pools.iter().map(nat_pool))
        .collect()
}

/// The name, of which some exports keep only the id.
fn name_of<P>(rule: &Child<P>) -> &str {
    match (&*rule.name, &rule.id) {
        ("", Some(id)) => id.name(),
        (name, _) => name,
    }
}

fn balancing_rule(rule: &Child<LoadBalancingRule>) -> Rule<'_> {
    let it = &rule.properties;
    Rule {
        kind: RuleKind::LoadBalancingRule,
        name: name_of(rule),
        protocol: it.protocol.as_deref(),
        front_end_port: it.frontend_port,
        range: (None, None),
        back_end_port: it.backend_port,
        front_end: &it.frontend_ip_configuration,
        floating: it.enable_floating_ip == Some(true),
    }
}

fn nat_rule(rule: &Child<InboundNatRule>) -> Rule<'_> {
    let it = &rule.properties;
    Rule {
        kind: RuleKind::InboundNatRule,
        name: name_of(rule),
        protocol: it.protocol.as_deref(),
        front_end_port: it.frontend_port,
        range: (it.frontend_port_range_start, it.frontend_port_range_end),
        back_end_port: it.backend_port,
        front_end: &it.frontend_ip_configuration,
        floating: it.enable_floating_ip == Some(true),
    }
}

fn nat_pool(rule: &Child<InboundNatPool>) -> Rule<'_> {
    let it = &rule.properties;
    Rule {
        kind: RuleKind::InboundNatPool,
        name: name_of(rule),
        protocol: it.protocol.as_deref(),
        front_end_port: None,
        range: (it.frontend_port_range_start, it.frontend_port_range_end),
        back_end_port: it.backend_port,
        front_end: &it.frontend_ip_configuration,
        floating: false,
    }
}

impl Rule<'_> {
    /// Protocol `All` with port 0 leads every port to the same one.
    fn every_port(&self) -> bool {
        let all = self.protocol.is_some_and(|it| it.eq_ignore_ascii_case("all") || it == "*");
        all && self.front_end_port == Some(0) && self.range == (None, None) && self.back_end_port.unwrap_or(0) == 0
    }

    /// The ports that people connect to, as far as they are written. A range is written beside a port of 0 or none.
    fn front_end_range(&self) -> Option<(i64, i64)> {
        match (self.front_end_port.filter(|port| *port != 0), self.range) {
            (None, (Some(first), Some(last))) if (first, last) != (0, 0) => Some((first.min(last), last.max(first))),
            (port, _) => port.or(self.front_end_port).map(|port| (port, port)),
        }
    }

    /// The port at which the traffic ends.
    fn end(&self) -> Option<i64> {
        match self.front_end_range() {
            Some((first, last)) if self.floating && first == last => Some(first),
            _ => self.back_end_port,
        }
    }
}

fn facts_of(balancer: &Resource<LoadBalancer>, rule: &Rule<'_>, scene: &Scene) -> LoadBalancerRule {
    let kind = match rule.kind {
        RuleKind::LoadBalancingRule => "load-balancing rule",
        RuleKind::InboundNatRule => "inbound NAT rule",
        RuleKind::InboundNatPool => "inbound NAT pool",
    };
    let unread = |what: &str| {
        let how = format!("read the load balancer again (`az resource show --ids {}`)", balancer.id);
        Unread::new(format!("{what} of the {kind} `{}` of `{}`", rule.name, balancer.name), how)
    };
    let range = rule.front_end_range();
    let front_end = front_end(balancer, rule).ok_or_else(|| unread("the front end"));
    // With floating IP the back-end port decides nothing.
    let safe = front_end == Ok(FrontEnd::Private) && !scene.firewalls && !rule.floating;
    LoadBalancerRule {
        name: rule.name.to_owned(),
        load_balancer: balancer.name.to_string(),
        kind: rule.kind,
        words: format!("the {kind} {}", rule.name),
        protocol: rule.protocol.unwrap_or_default().to_owned(),
        every_port: rule.every_port(),
        front_end_first: range.map(|(first, _)| first).ok_or_else(|| unread("the front-end port")),
        front_end_last: range.map(|(_, last)| last).ok_or_else(|| unread("the front-end port")),
        front_end_ports: match range {
            None => "its traffic".to_owned(),
            Some((first, last)) if first == last => format!("port {first}"),
            Some((first, last)) => format!("ports {first} to {last}"),
        },
        back_end_port: rule.end().ok_or_else(|| unread("the back-end port")),
        rdp_port: scene.rdp_port,
        front_end,
        lead_to_rdp_commands: if safe { vec![lead_to_rdp(balancer, rule, scene)] } else { Vec::new() },
    }
}

/// From where the rule's front end can be reached; `None`: it was not read.
fn front_end(balancer: &Resource<LoadBalancer>, rule: &Rule<'_>) -> Option<FrontEnd> {
    let named = target(rule.front_end)?.name();
    let front_ends = &balancer.properties.frontend_ip_configurations;
    let front = &front_ends.iter().find(|it| name_of(it).eq_ignore_ascii_case(named))?.properties;
    match (&front.public_ip_address, &front.public_ip_prefix) {
        (None, None) if front.private_ip_address.is_some() || front.subnet.is_some() => Some(FrontEnd::Private),
        (None, None) => None,
        _ => Some(FrontEnd::Public),
    }
}

fn lead_to_rdp(balancer: &Resource<LoadBalancer>, rule: &Rule<'_>, scene: &Scene) -> Command {
    let group = match rule.kind {
        RuleKind::LoadBalancingRule => "rule",
        RuleKind::InboundNatRule => "inbound-nat-rule",
        RuleKind::InboundNatPool => "inbound-nat-pool",
    };
    let (id, port) = (&balancer.id, scene.rdp_port.to_string());
    let named = ["--lb-name", id.name(), "--name", rule.name, "--backend-port", &port];
    az(&format!("network lb {group} update"), id, &named)
}
