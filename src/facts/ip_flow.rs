//! What the rules do with one packet of one machine: Azure's own question "IP flow verify", answered from the
//! configuration, with every remote address that gets the same answer.
//!
//! The rules alone are asked. Whether a packet finds its way to the machine (a public address, a load balancer, a
//! route) does not matter here.

mod remarks;
pub(in crate::facts) mod target;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::Context;
use super::address;
use super::network_index::NetworkIndex;
use super::nsg::{
    Access, Direction, FlowAccess, FlowAnswer, FlowDecision, FlowPorts, LevelName, Local, LocalAddress, PortRange,
    Protocol,
};

pub use target::{Refusal, Target};

/// One end of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The address.
    pub address: IpAddr,
    /// The port; `None`: one port or another.
    pub port: Option<u16>,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port.map_or_else(|| "*".to_owned(), |port| port.to_string());
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{port}"),
            IpAddr::V6(address) => write!(f, "[{address}]:{port}"),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whether the packet comes to the machine or leaves it.
    pub direction: Direction,
    /// Its protocol.
    pub protocol: Protocol,
    /// The machine's end.
    pub local: End,
    /// The other end.
    pub remote: End,
    /// Which machine.
    pub target: Target,
}

/// The answer; serialised, it is what `azaudit.ip-flow/v1` says between `schema` and `gaps`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `Allow`, `Deny`, `Unknown`.
    pub access: FlowAccess,
    /// The rule that the answer rests on: of the first level that denies, or for an Allow of the last level asked.
    /// `None`: no rule matches, or nobody knows which.
    pub rule_name: Option<String>,
    /// Its level, `admin`, `subnet`, `nic`; of Unknown the level that is not certain; `none`: no level filters, or
    /// several are not certain.
    pub level: &'static str,
    /// The name of its network security group; `None` for admin rules.
    pub network_security_group: Option<String>,
    /// The rule's priority.
    pub priority: Option<i64>,
    /// The remote addresses that certainly get the same answer, for the same ports and protocol: the fewest prefixes,
    /// all of them, of the packet's kind of address.
    pub sources: Vec<String>,
    /// Service tags without known addresses that get it too, but for a part that an earlier rule may take.
    pub source_tags: Vec<String>,
    /// The remote ports with the same answer, where the port was left open.
    pub remote_ports: Option<Vec<String>>,
    /// The local ports with the same answer, where the port was left open.
    pub local_ports: Option<Vec<String>>,
    /// What each level does that is asked, first level first.
    pub decisions: Vec<Decision>,
    /// The id of the interface.
    pub interface: String,
    /// The name of its IP configuration.
    pub ip_configuration: String,
    /// `Inbound`, `Outbound`.
    pub direction: &'static str,
    /// `TCP`, `UDP`.
    pub protocol: &'static str,
    /// The machine's end, as it was asked.
    pub local: String,
    /// The other end.
    pub remote: String,
    /// What has to be read for an answer; empty where there is one.
    pub unread: Vec<Missing>,
    /// What a person should know beside it, one sentence each.
    pub remarks: Vec<String>,
    /// The name of the machine, or of the scale set.
    #[serde(skip)]
    pub machine: Option<String>,
}

/// What one level does with the packet.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// `admin`, `subnet`, `nic`.
    pub level: &'static str,
    /// The group's name; `None`: admin rules, or not read.
    pub network_security_group: Option<String>,
    /// The rule's name; `None`: none matches, or nobody knows which.
    pub rule: Option<String>,
    /// The rule's priority.
    pub priority: Option<i64>,
    /// `Allow`, `AlwaysAllow`, `Deny`, `Unknown`.
    pub access: &'static str,
}

/// Something that was not read.
#[derive(Clone, Debug, Serialize)]
pub struct Missing {
    /// What, as a noun phrase.
    pub what: String,
    /// How to get it.
    pub how: String,
}

/// Answers it.
///
/// # Errors
///
/// [`Refusal`]: the machine is not there, has not that address, or several have it.
pub fn answer(context: Context<'_>, question: &Question) -> Result<Answer, Refusal> {
    let index = NetworkIndex::new(context.inventory, Arc::clone(&context.options.service_tags));
    let chosen = target::choose(&index, question)?;
    let endpoint = &chosen.found.endpoint;
    let group = index.attached(chosen.found.group);
    let stack = index.stack(index.place(endpoint.subnet), &group);
    let (local, remote) = (address::point(question.local.address), address::point(question.remote.address));
    let local = Local {
        direction: question.direction,
        address: LocalAddress::Known(local),
        own: true,
        family: address::family(local),
        port: question.local.port.unwrap_or_default(),
        protocol: question.protocol,
        groups: &chosen.found.member_of,
    };
    let flow = stack.flow(&local, FlowPorts { local: question.local.port, remote: question.remote.port });
    let verdict = flow.answer(remote);
    let alike = flow.alike(verdict.access);
    let by = verdict.decided_by.map(|i| decision(&verdict.decisions[i]));
    let mut remarks = chosen.remarks.clone();
    remarks.extend(remarks::remarks(question, &stack, &verdict));
    if verdict.access != FlowAccess::Unknown {
        remarks.extend(remarks::uncertain(&flow, &alike));
    }
    let unread = verdict.unread.iter().map(|it| Missing { what: it.what.clone(), how: it.how.clone() });
    Ok(Answer {
        access: verdict.access,
        rule_name: by.as_ref().and_then(|it| it.rule.clone()),
        level: by.as_ref().map_or("none", |it| it.level),
        network_security_group: by.as_ref().and_then(|it| it.network_security_group.clone()),
        priority: by.as_ref().and_then(|it| it.priority),
        sources: alike.of(verdict.access).prefixes().map(|prefix| prefix.to_string()).collect(),
        source_tags: alike.tags.iter().map(ToString::to_string).collect(),
        remote_ports: question.remote.port.is_none().then(|| ports(&verdict.remote_ports)),
        local_ports: question.local.port.is_none().then(|| ports(&verdict.local_ports)),
        decisions: verdict.decisions.iter().map(decision).collect(),
        interface: endpoint.interface.to_string(),
        ip_configuration: endpoint.configuration.name().to_owned(),
        direction: question.direction.word(),
        protocol: match question.protocol {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        },
        local: question.local.to_string(),
        remote: question.remote.to_string(),
        unread: unread.collect(),
        remarks,
        machine: chosen.machine(),
    })
}

fn decision(of: &FlowDecision<'_>) -> Decision {
    let group = of.group.filter(|_| of.level != LevelName::Admin);
    Decision {
        level: of.level.word(),
        network_security_group: group.map(|group| group.name.to_string()),
        rule: of.rule.map(|rule| plain(&rule.name).to_owned()),
        priority: of.rule.and_then(|rule| rule.priority),
        access: match of.access {
            Some(Access::Allow) => "Allow",
            Some(Access::AlwaysAllow) => "AlwaysAllow",
            Some(Access::Deny) => "Deny",
            None => "Unknown",
        },
    }
}

/// Effective rules carry their collection before their name, `defaultSecurityRules/DenyAllInBound`.
fn plain(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn ports(ranges: &[PortRange]) -> Vec<String> {
    let one = |&(from, to): &PortRange| if from == to { from.to_string() } else { format!("{from}-{to}") };
    ranges.iter().map(one).collect()
}
