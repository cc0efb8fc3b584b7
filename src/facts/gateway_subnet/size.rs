//! Whether a gateway subnet is large enough.

use ipnet::{IpNet, Ipv4Net};

use super::cover::range;
use super::standing::Standing;
use super::subnet_update;
use crate::facts::address::AddressSet;
use crate::facts::bicep::{self, FREE_RANGE};
use crate::facts::command::Command;
use crate::facts::network_index::subnet_prefixes;
use crate::facts::schema::{Known, Unread, facts};
use crate::inventory::network::Subnet;
use crate::inventory::{Inventory, ResourceId};

/// What gateways need.
const ENOUGH: u8 = 27;
/// What Basic gateways need.
const ENOUGH_FOR_BASIC: u8 = 29;

facts! {
    /// How large a gateway subnet is.
    pub struct SubnetSize {
        /// Its largest IPv4 prefix as written: with several, no other can count.
        pub largest: Known<String>,
        /// Whether that is large enough: a /27, or where gateways stand in it and all of them are Basic, a /29.
        pub sufficient: Known<bool>,
        /// What is needed, in words: `a /27 or larger`.
        pub needed: String,
        /// Commands that make it large enough; only where no gateway stands in it and the addresses behind it are free.
        pub grow_commands: Vec<Command>,
        /// The prefix that they set, as Bicep writes it; `'FREE_RANGE'` without such a command.
        pub grow_to: String,
    }
}

/// Its size, as far as the subnet was read.
pub(super) fn size(
    id: &ResourceId,
    subnet: &Known<&Subnet>,
    standing: &Standing<'_>,
    inventory: &Inventory,
) -> SubnetSize {
    let largest = subnet.clone().and_then(|subnet| largest(id, subnet));
    let skus: Vec<Option<&str>> = standing.read.iter().map(|it| sku(it)).collect();
    let basic = |sku: &Option<&str>| sku.is_some_and(|it| it.eq_ignore_ascii_case("Basic"));
    let all_basic = standing.unread.is_none() && !skus.is_empty() && skus.iter().all(basic);
    let sufficient = match &largest {
        Err(unread) => Err(unread.clone()),
        Ok((_, range)) if range.prefix_len() <= ENOUGH => Ok(true),
        Ok((_, range)) if range.prefix_len() > ENOUGH_FOR_BASIC => Ok(false),
        Ok(_) if skus.iter().flatten().any(|it| !basic(&Some(it))) => Ok(false),
        Ok(_) => match (standing.read.iter().zip(&skus).find(|(_, sku)| sku.is_none()), &standing.unread) {
            (Some((gateway, _)), _) => {
                Err(Unread::new(format!("the SKU of `{}`", gateway.name), "add the gateway as a GET gives it"))
            }
            (None, Some(unread)) => Err(unread.clone()),
            (None, None) => Ok(all_basic),
        },
    };
    // What is too small for Basic is too small for all, and a prefix that was not read may be larger.
    let sufficient = match (sufficient, subnet) {
        (Ok(false), Ok(subnet)) => unreadable(id, subnet).map_or(Ok(false), Err),
        (sufficient, _) => sufficient,
    };
    let wider = match (&sufficient, &largest, subnet) {
        (Ok(false), Ok((_, range)), Ok(subnet)) if standing.read.is_empty() && standing.unread.is_none() => {
            wider(id, *range, subnet, inventory)
        }
        _ => None,
    };
    SubnetSize {
        largest: largest.map(|(text, _)| text),
        sufficient,
        needed: if all_basic { "a /29 or larger, as all its gateways are Basic" } else { "a /27 or larger" }.to_owned(),
        grow_to: wider.as_deref().map_or_else(|| FREE_RANGE.to_owned(), bicep::string),
        grow_commands: wider.iter().map(|it| subnet_update(id, &["--address-prefixes", it])).collect(),
    }
}

fn texts(subnet: &Subnet) -> impl Iterator<Item = &str> {
    let texts = subnet.address_prefix.iter().chain(&subnet.address_prefixes).map(|it| it.trim());
    texts.filter(|it| !it.is_empty())
}

/// An address alone is no prefix of a subnet.
fn prefix(text: &str) -> Option<IpNet> {
    range(text).filter(|_| text.contains('/'))
}

fn largest(id: &ResourceId, subnet: &Subnet) -> Known<(String, Ipv4Net)> {
    let ranges = texts(subnet).filter_map(|text| match prefix(text)? {
        IpNet::V4(range) => Some((text.to_owned(), range)),
        IpNet::V6(_) => None,
    });
    ranges.min_by_key(|(_, range)| range.prefix_len()).ok_or_else(|| {
        let what = format!("the IPv4 prefix of `{}`", id.qualified_name());
        let unread = || Unread::new(what, "export the virtual network with the prefixes of its subnets");
        unreadable(id, subnet).unwrap_or_else(unread)
    })
}

/// A prefix that cannot be read.
pub(super) fn unreadable(id: &ResourceId, subnet: &Subnet) -> Option<Unread> {
    let text = texts(subnet).find(|text| prefix(text).is_none())?;
    let what = format!("the prefix `{text}` of `{}`", id.qualified_name());
    Some(Unread::new(what, "correct it, as in 10.0.255.0/27"))
}

/// Its ranges, as far as they can be read.
pub(super) fn ranges(subnet: &Subnet) -> Vec<IpNet> {
    let mut ranges: Vec<IpNet> = texts(subnet).filter_map(prefix).collect();
    ranges.sort();
    ranges.dedup();
    ranges
}

fn sku(gateway: &crate::inventory::Resource<crate::inventory::gateway::VirtualNetworkGateway>) -> Option<&str> {
    let sku = gateway.properties.sku.as_ref().or(gateway.sku.as_ref())?;
    sku.name.as_deref().map(str::trim).filter(|it| !it.is_empty())
}

/// The /27 around the one prefix that there is, where the network has it and no other subnet any of it. A subnet in which
/// something stands keeps its size.
fn wider(id: &ResourceId, range: Ipv4Net, subnet: &Subnet, inventory: &Inventory) -> Option<String> {
    if ranges(subnet).len() != 1 || !subnet.ip_configurations.is_empty() {
        return None;
    }
    let network = id.parent()?;
    let space = &inventory.virtual_networks.get(&network)?.properties.address_space.address_prefixes;
    let space = AddressSet::from_texts(space.iter().map(|it| &**it));
    let wider = Ipv4Net::new(range.addr(), ENOUGH).ok()?.trunc().to_string();
    let wanted = AddressSet::from_texts([wider.as_str()]);
    let others = inventory.subnets.children_of(&network).filter(|it| it.id != *id);
    let free = others.into_iter().all(|it| !subnet_prefixes(&it.properties).meets(&wanted));
    (free && space.covers(&wanted)).then_some(wider)
}
