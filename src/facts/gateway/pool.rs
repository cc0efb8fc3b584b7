//! The client address pool of a gateway: whether it is large enough, and what it gets in the way of.

use super::addressing::Load;
use super::ranges::{Classful, Range, classful_routes, free_prefix};
use super::surroundings::{Neighbour, NeighbourKind, Surroundings};
use super::{ClientProtocol, HOW};
use crate::facts::address::AddressSet;
use crate::facts::bicep::{self, FREE_RANGE};
use crate::facts::command::{Command, az};
use crate::facts::schema::{Known, Unread, facts};
use crate::inventory::ResourceId;
use crate::inventory::arm::AddressSpace;

facts! {
    /// The client address pool of a gateway; with pools for groups of users, all of them together.
    pub struct AddressPool {
        /// How many addresses it has, all prefixes together.
        pub addresses: Known<i64>,
        /// Whether its largest prefix is smaller than /29, or than /28 on an active-active gateway.
        pub below_minimum: Known<bool>,
        /// Whether it has fewer addresses than the gateway carries sessions, of all enabled protocols together.
        pub below_limit: Known<bool>,
        /// The share of its addresses that sessions take, at least; 1.0 is all of them, 0.0 where nothing is known.
        pub filled_at_least: f64,
        /// The same at most. Unread where no source counts all sessions.
        pub filled_at_most: Known<f64>,
        /// How large it is and why that is too little, in words.
        pub size_words: String,
        /// Where it overlaps networks near the gateway, or their pools.
        pub overlaps: Vec<PoolOverlap>,
        /// Whether it does. Unread where none was found and not all networks near the gateway were read.
        pub has_overlap: Known<bool>,
        /// The first overlaps in words.
        pub overlap_words: String,
        /// Whether Windows adds the classful route of the clients' addresses: with IKEv2 and SSTP it does, with OpenVPN
        /// not. Where no protocol is named it may.
        pub adds_classful_routes: Known<bool>,
        /// Those routes: /8 for class A, /16 for class B, /24 for class C. (Windows is given no mask.)
        pub classful_routes: Vec<String>,
        /// On-premises, peered and custom prefixes within them that are not announced with a longer prefix.
        pub swallowed: Vec<SwallowedPrefix>,
        /// Whether there are any. Unread where none was found and not all networks near the gateway were read.
        pub swallows: Known<bool>,
        /// The first of them in words.
        pub swallowed_words: String,
        /// Commands that add a range to the pool which is free, as far as networks were read.
        pub grow_commands: Vec<Command>,
        /// Commands that move the pool to a range which is free in the same way, with its classful route; it is as large,
        /// or where no range is, large enough for the gateway's sessions.
        pub move_commands: Vec<Command>,
        /// Commands that give a gateway without a pool one that is free in the same way.
        pub start_commands: Vec<Command>,
        /// Commands that announce the swallowed prefixes to the clients, beside the custom routes that there are.
        pub announce_commands: Vec<Command>,
        /// Where a template holds its prefixes.
        pub path: String,
        /// The prefixes that the commands set to make it larger, as Bicep writes them; `['FREE_RANGE']` without such a
        /// command.
        pub grow_to: String,
        /// The same to move it.
        pub move_to: String,
        /// The same for a first pool.
        pub start_with: String,
        /// The custom routes that the commands set, as Bicep writes them; empty without such a command.
        pub announce_all: String,
    }

    /// A prefix that the pool overlaps.
    pub struct PoolOverlap {
        /// The pool's prefix.
        pub pool: String,
        /// The other prefix.
        pub prefix: String,
        /// What it is.
        pub kind: NeighbourKind,
        /// The name of the network, site or gateway that it belongs to.
        pub name: String,
    }

    /// A prefix that a classful route draws into the tunnel.
    pub struct SwallowedPrefix {
        /// The prefix.
        pub prefix: String,
        /// What it is.
        pub kind: NeighbourKind,
        /// The name of the network or site that it belongs to.
        pub name: String,
        /// The classful route.
        pub route: String,
    }
}

/// The addresses of a first pool, at least: those of a /24.
const A_CLASS_C: u128 = 256;

/// A pool, and what it is judged by.
pub(super) struct Pool<'a> {
    pub(super) gateway: &'a ResourceId,
    pub(super) load: Load<'a>,
    pub(super) active_active: Known<bool>,
    /// Whether one list of prefixes is all of it, so that a command can replace it.
    pub(super) editable: bool,
    /// Where a template holds the prefixes.
    pub(super) path: &'static str,
    pub(super) around: &'a Surroundings,
}

/// The prefixes of a pool, and why they may not be all.
struct Prefixes {
    ranges: Vec<Range>,
    set: AddressSet,
    unread: Option<Unread>,
}

impl Prefixes {
    fn read(pools: &[String], gateway: &str) -> Self {
        let (mut ranges, mut unread) = (Vec::new(), None);
        for text in pools {
            match Range::read(text) {
                Some(read) => ranges.extend(read),
                None => {
                    let what = format!("the prefix `{text}` of the address pool of `{gateway}`");
                    unread = Some(Unread::new(what, "correct it, as in 172.16.0.0/24"));
                }
            }
        }
        let set = AddressSet::from_ranges(ranges.iter().map(|it| (it.from, it.to)));
        Self { ranges, set, unread }
    }

    /// How many clients get an address: each needs one of IPv4, and one of IPv6 alone where the pool has no other.
    fn count(&self) -> u128 {
        match self.set.count_v4() {
            0 => self.set.count_v6(),
            addresses => addresses.into(),
        }
    }

    /// Whether one prefix of the family that counts has so many addresses.
    fn has_one_of(&self, addresses: u128) -> bool {
        let family = self.set.count_v4() > 0;
        self.ranges.iter().any(|it| it.is_v4() == family && it.size() >= addresses - 1)
    }
}

impl Pool<'_> {
    pub(super) fn facts(&self, custom: Option<&AddressSpace>) -> AddressPool {
        let prefixes = Prefixes::read(&self.load.p2s.pools, self.gateway.name());
        let known = |value| prefixes.unread.clone().map_or(Ok(value), Err);
        let minimum: u128 = if self.active_active == Ok(true) { 16 } else { 8 };
        let count = prefixes.count();
        let below_minimum = match &self.active_active {
            _ if !prefixes.has_one_of(minimum) => known(true),
            Err(unread) if !prefixes.has_one_of(16) => Err(unread.clone()),
            _ => Ok(false),
        };
        let need = self.need();
        let below_limit = match need.compare(count) {
            // Prefixes that could not be read would only add to it.
            Ok(true) => known(true),
            other => other,
        };
        let (filled_at_least, filled_at_most) = self.filled(&prefixes);
        let overlaps = self.overlaps(&prefixes);
        let classful = classful_routes(&prefixes.set);
        let (swallowed, mut swallow_doubts) = self.swallowed(&classful);
        swallow_doubts.extend(self.around.routes_unread.iter().cloned());
        // Without a classful route nothing is swallowed, whatever lies around.
        let may_swallow = !classful.is_empty() || prefixes.unread.is_some();
        let doubt = |more: &[Unread]| {
            let all: Vec<Unread> = prefixes.unread.iter().chain(&self.around.unread).chain(more).cloned().collect();
            Unread::join(&all)
        };
        let proven = |found: bool, doubt: Option<Unread>| match doubt {
            _ if found => Ok(true),
            Some(unread) => Err(unread),
            None => Ok(false),
        };
        let adds_classful_routes = self
            .load
            .p2s
            .protocols
            .as_ref()
            .map_err(Clone::clone)
            .map(|protocols| protocols.is_empty() || protocols.iter().any(|it| *it != ClientProtocol::OpenVpn));
        let too_small = below_minimum == Ok(true) || below_limit == Ok(true);
        let in_the_way = !overlaps.is_empty() || !swallowed.is_empty();
        let missing = need.known.saturating_sub(count).max(16);
        let grown = self.new_pool(&prefixes, &[missing], true).filter(|_| too_small);
        let moved = self.new_pool(&prefixes, &[count, need.known], false).filter(|_| in_the_way);
        let first = self.new_pool(&prefixes, &[need.known.max(A_CLASS_C)], false);
        let first = first.filter(|_| self.load.p2s.pools.is_empty());
        let announced = self.announce(&swallowed, custom).filter(|_| self.editable);
        let set_pool = |to: Option<Vec<String>>| -> Vec<Command> {
            to.filter(|_| self.editable).map(|to| self.update("--address-prefixes", &to)).into_iter().collect()
        };
        AddressPool {
            addresses: prefixes.unread.clone().map_or(Ok(i64::try_from(count).unwrap_or(i64::MAX)), Err),
            size_words: self.size_words(&prefixes, minimum, below_minimum == Ok(true), &need),
            below_minimum,
            below_limit,
            filled_at_least,
            filled_at_most,
            has_overlap: proven(!overlaps.is_empty(), doubt(&self.around.pools_unread)),
            overlap_words: self.overlap_words(&prefixes),
            overlaps,
            adds_classful_routes,
            classful_routes: classful.iter().map(|it| it.range.text.clone()).collect(),
            swallows: proven(!swallowed.is_empty(), doubt(&swallow_doubts).filter(|_| may_swallow)),
            swallowed_words: few(swallowed.iter().map(|it| it.0.clone())),
            announce_commands: announced.iter().map(|it| self.update("--custom-routes", it)).collect(),
            announce_all: announced.as_ref().map(bicep::strings).unwrap_or_default(),
            path: self.path.to_owned(),
            grow_to: in_bicep(grown.as_ref()),
            move_to: in_bicep(moved.as_ref()),
            start_with: in_bicep(first.as_ref()),
            swallowed: swallowed.into_iter().map(|it| it.1).collect(),
            grow_commands: set_pool(grown),
            move_commands: set_pool(moved),
            start_commands: set_pool(first),
        }
    }

    fn filled(&self, prefixes: &Prefixes) -> (f64, Known<f64>) {
        let sessions = self.load.sessions;
        if let Some(unread) = &prefixes.unread {
            return (0.0, Err(unread.clone()));
        }
        let most = [&sessions.now, &sessions.peak].into_iter().filter_map(|it| it.as_ref().ok()).max();
        let count = prefixes.count();
        let share = if count == 0 { 0.0 } else { most.copied().unwrap_or(0) as f64 / count as f64 };
        (share, sessions.complete.clone().map(|_| share))
    }

    /// How many sessions the gateway carries. SSTP sessions come beside the others.
    fn need(&self) -> Need {
        let limits = self.load.limits;
        let gateway = self.gateway.name();
        let none = || Unread::new(format!("the tunnel protocols of `{gateway}`"), HOW);
        let protocols = match &self.load.p2s.protocols {
            Ok(protocols) if protocols.is_empty() => Err(none()),
            Ok(protocols) => Ok(protocols),
            Err(unread) => Err(unread.clone()),
        };
        let sstp = limits.sstp.clone().map(|it| it.unwrap_or(0));
        let sides = [(true, sstp), (false, limits.ikev2_open_vpn.clone())];
        let mut need = Need { known: 0, least: 0, unread: None, if_all: None };
        let enabled = |sstp: bool| match &protocols {
            Ok(protocols) => protocols.iter().any(|it| (*it == ClientProtocol::Sstp) == sstp),
            Err(_) => true,
        };
        let mut smallest = u128::MAX;
        for (_, limit) in sides.into_iter().filter(|(sstp, _)| enabled(*sstp)) {
            match limit {
                Ok(limit) => {
                    let limit = u128::try_from(limit).unwrap_or(0);
                    need.known = need.known.saturating_add(limit);
                    smallest = smallest.min(limit);
                }
                Err(unread) => {
                    smallest = 0;
                    need.unread = Some(unread);
                }
            }
        }
        need.least = need.known;
        if let Err(unread) = protocols {
            // Any one protocol may be the only one.
            need.least = smallest;
            need.if_all = Some(unread);
        }
        need
    }

    fn size_words(&self, prefixes: &Prefixes, minimum: u128, below_minimum: bool, need: &Need) -> String {
        let (pool, count) = (self.load.p2s.pools.join(", "), prefixes.count());
        let family = if prefixes.set.count_v4() > 0 && prefixes.set.count_v6() > 0 { "IPv4 " } else { "" };
        if below_minimum {
            let (sort, length) = if minimum == 16 { ("an active-active", 28) } else { ("an active-passive", 29) };
            return format!(
                "the largest {family}prefix of its address pool ({pool}) is too small: {sort} gateway needs a /{length}"
            );
        }
        let sessions =
            [&self.load.sessions.now, &self.load.sessions.peak].into_iter().filter_map(|it| it.as_ref().ok());
        match sessions.max() {
            Some(sessions) => format!(
                "{sessions} sessions fill {:.1} % of its address pool ({pool}), which has {count} {family}addresses for {} sessions",
                *sessions as f64 * 100.0 / count.max(1) as f64,
                need.known
            ),
            None => format!("its address pool ({pool}) has {count} {family}addresses for {} sessions", need.known),
        }
    }

    fn meeting<'p>(&'p self, prefixes: &'p Prefixes) -> impl Iterator<Item = (&'p Range, &'p Neighbour, &'p Range)> {
        let neighbours = self.around.neighbours.iter().filter(|it| it.kind != NeighbourKind::CustomRoute);
        neighbours.flat_map(move |neighbour| {
            let pairs = prefixes.ranges.iter().flat_map(|pool| neighbour.ranges.iter().map(move |it| (pool, it)));
            pairs.filter(|(pool, it)| pool.meets(it)).map(move |(pool, it)| (pool, neighbour, it))
        })
    }

    fn overlaps(&self, prefixes: &Prefixes) -> Vec<PoolOverlap> {
        let mut all: Vec<PoolOverlap> = Vec::new();
        for (pool, neighbour, range) in self.meeting(prefixes) {
            let (pool, prefix, name) = (pool.text.clone(), range.text.clone(), neighbour.name.clone());
            let it = PoolOverlap { pool, prefix, kind: neighbour.kind, name };
            if !all.contains(&it) {
                all.push(it);
            }
        }
        all
    }

    fn overlap_words(&self, prefixes: &Prefixes) -> String {
        few(self
            .meeting(prefixes)
            .map(|(pool, neighbour, range)| format!("{} overlaps {} of {}", pool.text, range.text, neighbour.words())))
    }

    /// What the classful routes swallow, each with its words; and what has to be known to say that nothing else is.
    fn swallowed(&self, routes: &[Classful]) -> (Vec<(String, SwallowedPrefix)>, Vec<Unread>) {
        let (mut swallowed, mut doubts) = (Vec::new(), Vec::new());
        let kinds = [NeighbourKind::Peering, NeighbourKind::OnPremises, NeighbourKind::CustomRoute];
        for route in routes {
            let announced = |count: fn(&Known<bool>) -> bool| {
                let neighbours = self.around.neighbours.iter().filter(|it| count(&it.announced));
                let longer = neighbours.flat_map(|it| &it.ranges).filter(|it| it.size() < route.block);
                AddressSet::from_ranges(longer.map(|it| (it.from, it.to)))
            };
            let (surely, perhaps) = (announced(|it| *it == Ok(true)), announced(|it| *it != Ok(false)));
            for neighbour in self.around.neighbours.iter().filter(|it| kinds.contains(&it.kind)) {
                let within =
                    |it: &&Range| it.from >= route.range.from && it.to <= route.range.to && it.size() <= route.block;
                for range in neighbour.ranges.iter().filter(within) {
                    let set = AddressSet::from_ranges([(range.from, range.to)]);
                    if surely.covers(&set) {
                        continue;
                    }
                    if perhaps.covers(&set) {
                        let unread = self.around.neighbours.iter().filter_map(|it| it.announced.clone().err());
                        doubts.extend(unread);
                        continue;
                    }
                    let words = format!("{} of {}", range.text, neighbour.words());
                    let it = SwallowedPrefix {
                        prefix: range.text.clone(),
                        kind: neighbour.kind,
                        name: neighbour.name.clone(),
                        route: route.range.text.clone(),
                    };
                    if !swallowed.iter().any(|(_, other)| *other == it) {
                        swallowed.push((words, it));
                    }
                }
            }
        }
        (swallowed, doubts)
    }

    fn update(&self, option: &str, values: &[String]) -> Command {
        let words = ["--name", self.gateway.name(), option];
        let words: Vec<&str> = words.into_iter().chain(values.iter().map(String::as_str)).collect();
        az("network vnet-gateway update", self.gateway, &words)
    }

    /// All custom routes are set at once, so those that there are stand in it too. `None`: there is nothing to announce.
    fn announce(&self, swallowed: &[(String, SwallowedPrefix)], custom: Option<&AddressSpace>) -> Option<Vec<String>> {
        let mut routes: Vec<String> =
            custom.into_iter().flat_map(|it| &it.address_prefixes).map(|it| it.to_string()).collect();
        let there = routes.len();
        for (_, it) in swallowed {
            // Announcing a prefix as wide as the classful route changes nothing.
            if it.prefix != it.route && !routes.contains(&it.prefix) {
                routes.push(it.prefix.clone());
            }
        }
        (routes.len() > there).then_some(routes)
    }

    /// A pool of the first of these sizes for which there is a range.
    fn new_pool(&self, prefixes: &Prefixes, addresses: &[u128], beside: bool) -> Option<Vec<String>> {
        let near = self.around.neighbours.iter().flat_map(|it| &it.ranges).map(|it| (it.from, it.to));
        let taken = AddressSet::from_ranges(near.chain(prefixes.set.ranges().iter().copied()));
        let free = addresses.iter().find_map(|it| free_prefix(&taken, (*it).max(16)))?;
        let old = self.load.p2s.pools.iter().filter(|_| beside).cloned();
        Some(old.chain([free]).collect())
    }
}

fn in_bicep(prefixes: Option<&Vec<String>>) -> String {
    prefixes.map_or_else(|| format!("[{FREE_RANGE}]"), bicep::strings)
}

/// How many sessions a gateway carries, as far as that is known.
struct Need {
    /// The known limits of all protocols that may be enabled, together.
    known: u128,
    /// What it carries at least, whichever protocols are enabled.
    least: u128,
    /// Why it may be more than `known`.
    unread: Option<Unread>,
    /// Why it may be less than `known`.
    if_all: Option<Unread>,
}

impl Need {
    /// Whether so many addresses are fewer than it needs.
    fn compare(&self, addresses: u128) -> Known<bool> {
        match (&self.unread, &self.if_all) {
            _ if addresses < self.least => Ok(true),
            (Some(unread), _) => Err(unread.clone()),
            (None, Some(unread)) if addresses < self.known => Err(unread.clone()),
            _ => Ok(false),
        }
    }
}

/// The first three, each once.
fn few(words: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for it in words {
        if !all.contains(&it) {
            all.push(it);
        }
    }
    let more = all.len().saturating_sub(3);
    all.truncate(3);
    let joined = all.join(", ");
    if more == 0 { joined } else { format!("{joined} and {more} more") }
}
