//! Destinations of routes, and whether they cover all addresses.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::inventory::Named;
use crate::inventory::network::Route;

/// What a route says of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::facts) enum Destination {
    Range(IpNet),
    ServiceTag,
    Unreadable,
}

pub(in crate::facts) fn destination(route: &Named<Route>) -> Destination {
    let text = route.properties.address_prefix.as_deref().unwrap_or_default().trim();
    if let Some(range) = range(text) {
        return Destination::Range(range);
    }
    // `AzureCloud.WestEurope`, `Storage`; an address starts with a digit or holds a colon.
    let tag = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(tag) {
        true => Destination::ServiceTag,
        false => Destination::Unreadable,
    }
}

/// The range of that prefix; host bits are dropped, octets that are left out are zero: ARM keeps `192.168.0/16` as it
/// was written. An address alone is that address, except the one that may be meant as a default route.
pub(in crate::facts) fn range(text: &str) -> Option<IpNet> {
    let Some((address, length)) = text.split_once('/') else {
        let address: IpAddr = text.parse().ok().filter(|it: &IpAddr| !it.is_unspecified())?;
        return Some(address.into());
    };
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let address = match address.parse() {
        Ok(address) => address,
        Err(_) => IpAddr::V4(short_address(address)?),
    };
    IpNet::new(address, length.parse().ok()?).ok().map(|range| range.trunc())
}

fn short_address(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    for (i, part) in text.split('.').enumerate() {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        *octets.get_mut(i)? = part.parse().ok().filter(|_| digits)?;
    }
    Some(octets.into())
}

/// Whether routes cover all addresses, and which ones do.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Cover {
    pub(super) ipv4: bool,
    pub(super) ipv6: bool,
    /// Positions of the routes, ascending.
    pub(super) by: Vec<usize>,
}

impl Cover {
    /// Of these routes.
    pub(super) fn of(routes: &[Named<Route>]) -> Self {
        let ranges = routes.iter().map(destination).enumerate();
        let ranges: Vec<(usize, IpNet)> = ranges
            .filter_map(|(i, it)| match it {
                Destination::Range(range) => Some((i, range)),
                _ => None,
            })
            .collect();
        let (ipv4, ipv6): (Vec<_>, Vec<_>) = ranges.into_iter().partition(|(_, range)| range.addr().is_ipv4());
        let (ipv4, ipv6) = (covering(ipv4), covering(ipv6));
        let mut cover = Self { ipv4: !ipv4.is_empty(), ipv6: !ipv6.is_empty(), by: [ipv4, ipv6].concat() };
        cover.by.sort_unstable();
        cover
    }
}

/// The routes of one address family that have to go so that the rest no longer covers everything; empty where they do
/// not. Taken are the widest ones, and while what is left still covers everything, the widest of those.
fn covering(mut ranges: Vec<(usize, IpNet)>) -> Vec<usize> {
    let mut taken = Vec::new();
    while cover_everything(&ranges) {
        let inside = |range: &IpNet| ranges.iter().any(|(_, other)| other != range && other.contains(range));
        let (narrow, wide) = ranges.iter().partition::<Vec<_>, _>(|(_, range)| inside(range));
        taken.extend(wide.iter().map(|(i, _)| *i));
        ranges = narrow;
    }
    taken
}

fn cover_everything(ranges: &[(usize, IpNet)]) -> bool {
    let ranges: Vec<IpNet> = ranges.iter().map(|(_, range)| *range).collect();
    let everything = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
    IpNet::aggregate(&ranges).iter().any(|range| everything.contains(range))
}
