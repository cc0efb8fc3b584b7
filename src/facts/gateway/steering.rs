//! What the route table of a gateway's subnet does with packets to one address.

use std::cell::LazyCell;

use super::ranges::Range;
use super::text;
use crate::facts::address::{self, Point};
use crate::facts::command::Command;
use crate::facts::gateway_subnet::{Destination, destination, mend};
use crate::facts::network_index::missing;
use crate::facts::schema::Unread;
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::network::{Subnet, target};
use crate::inventory::{Inventory, Resource, ResourceId};

/// A user-defined route.
pub(super) struct Route {
    range: Range,
    /// It in words: `the route r0 (10.1.4.0/24 to None) of route table rt-hub`.
    pub(super) words: String,
    hop: Hop,
    /// Commands that free the subnet from it, where it may drop something.
    pub(super) mend_commands: Vec<Command>,
}

/// Where a route leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hop {
    /// Nowhere.
    None,
    /// To the Internet, where private addresses end.
    Internet,
    /// To somebody who may pass it on.
    Onwards,
    /// The input does not say, or in a word that is not known.
    Unclear,
}

impl Hop {
    fn read(word: &str) -> Self {
        let onwards = ["VirtualAppliance", "VirtualApplianceEcmp", "VirtualNetworkGateway", "VnetLocal"];
        match word {
            _ if word.eq_ignore_ascii_case("None") => Self::None,
            _ if word.eq_ignore_ascii_case("Internet") => Self::Internet,
            _ if onwards.iter().any(|it| word.eq_ignore_ascii_case(it)) => Self::Onwards,
            _ => Self::Unclear,
        }
    }
}

/// What becomes of packets to one address.
pub(super) enum Fate<'a> {
    /// No route takes them away.
    Passed,
    /// The route that drops them.
    Dropped(&'a Route),
    /// Why that is not known.
    Unclear(Unread),
}

/// The user-defined routes of the GatewaySubnet, and why they may not be all. None: nothing is steered.
#[derive(Default)]
pub(super) struct Steering {
    routes: Vec<Route>,
    pub(super) unread: Option<Unread>,
}

impl Steering {
    pub(super) fn of(inventory: &Inventory, gateway: &Resource<VirtualNetworkGateway>) -> Self {
        let mut it = Self::default();
        let mut subnets: Vec<&ResourceId> =
            gateway.properties.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet)).collect();
        subnets.sort_unstable();
        subnets.dedup();
        if subnets.is_empty() {
            let what = format!("the route table of `{}` (its subnet is not named)", gateway.name);
            it.unread = Some(Unread::new(what, super::HOW));
        }
        for id in subnets {
            let Some(subnet) = inventory.subnets.get(id) else {
                it.unread = Some(missing("subnet", id));
                continue;
            };
            let Some(reference) = &subnet.properties.route_table else { continue };
            match reference.id.as_ref().filter(|id| !id.name().is_empty()) {
                Some(table) => it.add(inventory, id, table),
                None => {
                    let what = format!("the id of the route table of `{}`", id.qualified_name());
                    it.unread = Some(Unread::new(what, "export the virtual network with the ids of what it refers to"));
                }
            }
        }
        it
    }

    fn add(&mut self, inventory: &Inventory, subnet: &ResourceId, id: &ResourceId) {
        let Some(table) = inventory.route_tables.get(id) else {
            self.unread = Some(missing("route table", id));
            return;
        };
        let key = id.key();
        let damaged = inventory.gaps.iter().filter(|gap| gap.what.starts_with("microsoft.network/routetables"));
        if let Some(gap) = damaged.into_iter().find(|gap| gap.scope.to_lowercase().starts_with(&*key)) {
            let what = format!("a part of the route table `{}` ({}: {})", table.name, gap.reason, gap.detail);
            self.unread = Some(Unread::new(what, "export it again"));
        }
        let uses = |it: &Resource<Subnet>| it.id != *subnet && target(&it.properties.route_table) == Some(id);
        // Looked up only for a route that may drop: few tables have one.
        let shared = LazyCell::new(|| table.properties.subnets.len() > 1 || inventory.subnets.iter().any(uses));
        for (i, route) in table.properties.routes.iter().enumerate() {
            let prefix = text(&route.properties.address_prefix).unwrap_or_default();
            let word = text(&route.properties.next_hop_type).unwrap_or_default();
            let hop = Hop::read(word);
            let drops = matches!(hop, Hop::None | Hop::Internet);
            let mend_commands = if drops { mend(subnet, table, &[i], *shared) } else { Vec::new() };
            let to = if word.is_empty() { String::new() } else { format!(" to {word}") };
            match destination(route) {
                Destination::Range(net) => {
                    let ranges = Range::read(&net.to_string()).unwrap_or_default();
                    self.routes.extend(ranges.into_iter().map(|range| Route {
                        words: format!("the route {} ({prefix}{to}) of route table {}", route.name, table.name),
                        hop,
                        range,
                        mend_commands: mend_commands.clone(),
                    }));
                }
                // None of them holds private addresses.
                Destination::ServiceTag => {}
                // Wherever it is for, it drops nothing.
                Destination::Unreadable if hop == Hop::Onwards => {}
                Destination::Unreadable => {
                    let what = format!("the prefix `{prefix}` of the route `{}` of `{}`", route.name, table.name);
                    self.unread = Some(Unread::new(what, "correct the route, or read the route table again"));
                }
            }
        }
    }

    /// What becomes of packets to that address. The longest prefix decides; against a route of Azure's own (one less than
    /// its number of addresses is given) a tie goes to the user's.
    pub(super) fn fate(&self, address: Point, system: Option<u128>) -> Fate<'_> {
        let containing = self.routes.iter().filter(|it| it.range.contains(address));
        let longest = containing.min_by_key(|it| it.range.size());
        let Some(route) = longest.filter(|it| system.is_none_or(|system| it.range.size() <= system)) else {
            return Fate::Passed;
        };
        match route.hop {
            Hop::None => Fate::Dropped(route),
            // Without a route of its own such an address is led there by Azure too.
            Hop::Internet if system.is_some() && address::not_public().contains(address) => Fate::Dropped(route),
            Hop::Internet | Hop::Onwards => Fate::Passed,
            Hop::Unclear => {
                let what = format!("the next hop of {}", route.words);
                Fate::Unclear(Unread::new(what, "correct the route, or read the route table again"))
            }
        }
    }
}
