//! What the route table of a gateway's subnet does with packets to one address.

use super::ranges::Range;
use super::text;
use crate::facts::address::Point;
use crate::facts::network_index::missing;
use crate::facts::schema::Unread;
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::network::target;
use crate::inventory::{Inventory, Resource, ResourceId};

/// A user-defined route.
struct Route {
    range: Range,
    words: String,
    drops: bool,
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
        for id in subnets {
            let Some(subnet) = inventory.subnets.get(id) else {
                it.unread = Some(missing("subnet", id));
                continue;
            };
            let Some(reference) = &subnet.properties.route_table else { continue };
            match reference.id.as_ref().filter(|id| !id.name().is_empty()) {
                Some(table) => it.add(inventory, table),
                None => {
                    let what = format!("the id of the route table of `{}`", id.qualified_name());
                    it.unread = Some(Unread::new(what, "export the virtual network with the ids of what it refers to"));
                }
            }
        }
        it
    }

    fn add(&mut self, inventory: &Inventory, id: &ResourceId) {
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
        for route in &table.properties.routes {
            let prefix = text(&route.properties.address_prefix).unwrap_or_default();
            let hop = text(&route.properties.next_hop_type).unwrap_or_default();
            match Range::read(prefix) {
                Some(ranges) => self.routes.extend(ranges.into_iter().map(|range| Route {
                    words: format!("the route {} ({prefix} to {hop}) of route table {}", route.name, table.name),
                    drops: hop.eq_ignore_ascii_case("None"),
                    range,
                })),
                // A service tag: none of them holds private addresses.
                None if prefix.starts_with(|c: char| c.is_ascii_alphabetic()) => {}
                None => {
                    let what = format!("the prefix `{prefix}` of the route `{}` of `{}`", route.name, table.name);
                    self.unread = Some(Unread::new(what, "correct the route, or read the route table again"));
                }
            }
        }
    }

    /// The route that drops packets to that address, in words. The longest prefix decides; against a route of Azure's own
    /// (one less than its number of addresses is given) a tie goes to the user's.
    pub(super) fn dropped_by(&self, address: Point, system: Option<u128>) -> Option<&str> {
        let containing = self.routes.iter().filter(|it| it.range.contains(address));
        let longest = containing.min_by_key(|it| it.range.size())?;
        let wins = system.is_none_or(|system| longest.range.size() <= system);
        (wins && longest.drops).then_some(longest.words.as_str())
    }
}
