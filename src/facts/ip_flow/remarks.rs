//! What a person should know beside the answer.

use std::net::IpAddr;

use super::{End, FlowAnswer, Question, plain};
use crate::facts::address;
use crate::facts::nsg::{Alike, Direction, Flow, Level, Protocol, Stack};
use crate::facts::service_tag::{PLATFORM, PLATFORM_V6};

/// Where machines ask for what is theirs to know.
const METADATA: &str = "169.254.169.254";
/// The ports of DHCP, over IPv4 and over IPv6.
const DHCP: [(u16, u16); 2] = [(67, 68), (546, 547)];

pub(super) fn remarks(question: &Question, stack: &Stack<'_>, verdict: &FlowAnswer<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    for decision in &verdict.decisions {
        for other in &decision.or {
            let group = decision.group.map_or("", |group| &group.name);
            let name = plain(&other.name);
            remarks.push(format!("`{name}` of `{group}` may match before, and would do the same"));
        }
    }
    if let Some(remark) = platform(question) {
        remarks.push(remark);
    }
    let public = !address::not_public().contains(address::point(question.remote.address));
    if question.direction == Direction::Inbound && public && !stack.has_group().1 {
        remarks.push(
            "no network security group filters here, and a Standard public address stays closed without one".to_owned(),
        );
    }
    remarks.extend(spelling(question, stack));
    remarks
}

/// Azure's own services do not meet the rules.
fn platform(question: &Question) -> Option<String> {
    let remote = question.remote.address;
    let is = |text: &str| text.parse::<IpAddr>().is_ok_and(|it| it == remote);
    if [PLATFORM, PLATFORM_V6, METADATA].into_iter().any(is) {
        let what = "so its own services there work whatever these rules say";
        return Some(format!("Azure lets traffic with `{remote}` past network security groups, {what}"));
    }
    let (local, remote) = (question.local.port?, question.remote.port?);
    let dhcp =
        question.protocol == Protocol::Udp && DHCP.iter().any(|it| *it == (local.min(remote), local.max(remote)));
    dhcp.then(|| "Azure lets DHCP past network security groups, whatever these rules say".to_owned())
}

/// What is odd about how rules on the packet's ports are written.
fn spelling(question: &Question, stack: &Stack<'_>) -> Vec<String> {
    let groups = stack.levels(question.direction).into_iter().filter_map(|(_, level)| match level {
        Level::Group(group) => Some(group),
        Level::None | Level::Unread { .. } => None,
    });
    let on = |ports: &crate::facts::nsg::Ports, end: End| end.port.is_none_or(|port| ports.has(port).1);
    let rules = groups.flat_map(|group| &group.rules(question.direction).list).filter(|rule| {
        let ports = on(&rule.local.ports, question.local) && on(&rule.remote.ports, question.remote);
        ports && rule.protocols.has(question.protocol).1
    });
    let mut remarks: Vec<String> = Vec::new();
    for remark in rules.flat_map(|rule| rule.remarks()) {
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }
    remarks
}

/// The answer is certain for this address; where it is for others not, one of them tells why.
pub(super) fn uncertain(flow: &Flow<'_>, alike: &Alike) -> Option<String> {
    let example = alike.unknown.ranges().first()?.0;
    let missing = flow.answer(example).unread;
    let what = missing.first().map_or("something that was not read", |it| &it.what);
    Some(format!("the answer is not certain for every address: for {} it depends on {what}", address::address(example)))
}
