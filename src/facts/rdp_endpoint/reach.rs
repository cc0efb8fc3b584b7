//! Who of the public gets in: past the rules alone, and by the ways in.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::facts::address::{AddressSet, Point};
use crate::facts::nsg::{Admission, Answer, Protocol, Stack, Term};
use crate::facts::schema::Unread;
use crate::facts::way_in::WayIn;

use super::bounds::Bounds;
use super::site::Site;

/// Whom the rules alone admit, over TCP and UDP, whatever leads here.
pub(super) fn by_rules(site: &Site<'_>, answers: &[Answer; 2]) -> Bounds {
    let mut admitted = Bounds::default();
    for answer in answers {
        admitted.extend(&Bounds {
            at_least: answer.at_least.within(&site.public),
            at_most: answer.at_most.within(&site.public),
            unread: answer.unread.clone(),
        });
    }
    admitted
}

/// Who of the public gets in by one way and over one protocol.
pub(super) struct Candidate {
    /// The way's place among all.
    pub way: usize,
    pub protocol: Protocol,
    pub at_least: Admission,
    pub at_most: Admission,
}

/// A packet that gets in, by the way of that place among all.
pub(super) struct Packet {
    pub way: usize,
    pub protocol: Protocol,
    /// The source, before a firewall translates it.
    pub source: Option<Point>,
    /// The service tag that lets it in, where its address is not known.
    pub tagged: Option<Term>,
    pub source_port: u16,
}

/// Who gets in, over all ways.
#[derive(Default)]
pub(super) struct Reached {
    pub bounds: Bounds,
    /// For each way and protocol.
    pub candidates: Vec<Candidate>,
    /// The fewest IPv4 and IPv6 addresses that there can be, if there are any at all.
    pub fewest: (u64, u128),
}

/// Who of the public gets in, over all ways. A way in to the port counts for both protocols, whatever its own: what
/// the rules admit beside it is one change of a load balancer away from the Internet. `own` is what the stack answers
/// for the interface's own end.
pub(super) fn reach(site: &Site<'_>, stack: &Stack<'_>, own: &[Answer; 2], ways: &[WayIn]) -> Reached {
    let mut reached = Reached::default();
    let mut floating: HashMap<(Protocol, Option<IpAddr>), Answer> = HashMap::new();
    let mut fewest: Option<(u64, u128)> = None;
    for (way_at, way) in ways.iter().enumerate() {
        let mut open = Admission::default();
        let mut all_or_nothing = true;
        for (i, protocol) in Protocol::ALL.into_iter().enumerate() {
            let answer = match way.floating {
                false => &own[i],
                true => {
                    let new = || stack.admit(&site.local(way, protocol));
                    floating.entry((protocol, way.public_address)).or_insert_with(new)
                }
            };
            let (mut one, exact) = through(site, stack, way, answer);
            all_or_nothing &= exact;
            if way.doubt.is_some() {
                one.at_least = Admission::default();
                one.note(way.doubt.clone());
            }
            open.extend(&one.at_most);
            reached.bounds.extend(&one);
            let Bounds { at_least, at_most, .. } = one;
            reached.candidates.push(Candidate { way: way_at, protocol, at_least, at_most });
        }
        if !open.is_empty() {
            let count = if all_or_nothing { count(&open) } else { (0, 0) };
            fewest = Some(fewest.map_or(count, |it| it.min(count)));
        }
    }
    let certain = &reached.bounds.at_least;
    reached.fewest = if certain.is_empty() { fewest.unwrap_or_default() } else { count(certain) };
    reached
}

/// How many IPv4 and IPv6 addresses are known of it.
fn count(admission: &Admission) -> (u64, u128) {
    let addresses = admission.addresses();
    (addresses.count_v4(), addresses.count_v6())
}

/// Whether, with that stack in place of its own, nobody of the public gets in, neither by address nor by tag.
pub(super) fn closes(site: &Site<'_>, stack: &Stack<'_>, ways: &[WayIn]) -> bool {
    let own = site.answers(stack);
    match ways.is_empty() {
        true => by_rules(site, &own).at_least.is_empty(),
        false => reach(site, stack, &own, ways).bounds.at_least.is_empty(),
    }
}

/// Who of the public gets in by one way; and whether that is all of the upper bound or nobody, nothing between.
fn through(site: &Site<'_>, stack: &Stack<'_>, way: &WayIn, answer: &Answer) -> (Bounds, bool) {
    let mut reached =
        Bounds { at_least: answer.at_least.clone(), at_most: answer.at_most.clone(), unread: answer.unread.clone() };
    // What is not known of private addresses does not matter here; behind a firewall see below.
    let mut all_or_nothing = reached.at_least.within(&site.public) == reached.at_most.within(&site.public);
    let (group, perhaps_group) = stack.has_group();
    match &way.closed_without_group {
        Ok(false) => {}
        _ if group => {}
        Ok(true) if perhaps_group => reached.at_least = Admission::default(),
        // Only an admin rule could open it, and whether that is enough is not documented.
        Ok(true) => {
            reached.at_least = Admission::default();
            reached.at_most = answer.always_at_most.clone();
            let how = "attach a network security group that says what is meant";
            let what = "whether an admin rule opens a Standard address without any network security group";
            reached.note([Unread::new(what, how)]);
        }
        Err(unread) => {
            reached.at_least = Admission::default();
            reached.note([unread.clone()]);
        }
    }
    if let Some(seen_as) = &way.seen_as {
        let (least, most) = (reached.at_least.addresses(), reached.at_most.addresses());
        let all = || Admission::of(AddressSet::of(site.family()));
        let open = !seen_as.is_empty() && least.covers(seen_as);
        let perhaps = most.meets(seen_as);
        if perhaps && !open {
            let what = format!("which addresses of its subnet the firewall `{}` sends from", way.through.name());
            reached.note([Unread::new(what, "let the rules admit all of AzureFirewallSubnet, or none of it")]);
        }
        reached.at_least = if open { all() } else { Admission::default() };
        reached.at_most = if perhaps { all() } else { Admission::default() };
        all_or_nothing = true;
    }
    if let Some(sources) = &way.sources {
        let mut tagged = Admission::default();
        for tag in &sources.tags {
            let within = AddressSet::of(site.family());
            tagged.push(Term { tags: vec![tag.clone()], without: Vec::new(), within });
        }
        let narrow = |admission: &Admission, addresses: &AddressSet| {
            let mut both = admission.within(addresses);
            both.extend(&admission.intersection(&tagged));
            both
        };
        reached.at_least = narrow(&reached.at_least, &sources.at_least);
        reached.at_most = narrow(&reached.at_most, &sources.at_most);
        reached.note(sources.unread.iter().cloned());
        all_or_nothing &= sources.unread.is_empty();
    }
    reached.at_least = reached.at_least.within(&site.public);
    reached.at_most = reached.at_most.within(&site.public);
    (reached, all_or_nothing)
}
