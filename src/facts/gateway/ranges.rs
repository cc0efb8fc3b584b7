//! Prefixes near a gateway: read, rounded to the classes of Windows, and found free.

use std::net::{IpAddr, Ipv4Addr};

use crate::facts::address::{self, AddressSet, Family, Point};

/// A prefix as it was written, and its first and last address.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) text: String,
    pub(super) from: Point,
    pub(super) to: Point,
}

impl Range {
    /// The ranges of a prefix; `None`: it cannot be read. (`::/0` is two: IPv4 stands in the middle.)
    pub(super) fn read(text: &str) -> Option<Vec<Self>> {
        let set = address::parse(text)?;
        let ranges = set.ranges().iter();
        Some(ranges.map(|&(from, to)| Self { text: text.trim().to_owned(), from, to }).collect())
    }

    /// One less than its number of addresses: smaller is a longer prefix.
    pub(super) fn size(&self) -> u128 {
        self.to - self.from
    }

    pub(super) fn is_v4(&self) -> bool {
        AddressSet::of(Family::V4).contains(self.from)
    }

    pub(super) fn contains(&self, point: Point) -> bool {
        (self.from..=self.to).contains(&point)
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }
}

/// A classful route, or several that touch; `block` is one less than the number of addresses of each.
pub(super) struct Classful {
    pub(super) range: Range,
    pub(super) block: u128,
}

/// The routes that Windows adds for addresses of that set.
pub(super) fn classful_routes(pool: &AddressSet) -> Vec<Classful> {
    let mut routes = Vec::new();
    for (first, last, bits) in [(0, 127, 24_u32), (128, 191, 16), (192, 223, 8)] {
        let from = address::point(IpAddr::V4(Ipv4Addr::new(first, 0, 0, 0)));
        let to = address::point(IpAddr::V4(Ipv4Addr::new(last, 255, 255, 255)));
        let block = (1_u128 << bits) - 1;
        let class = AddressSet::from_ranges([(from, to)]).intersection(pool);
        let rounded = AddressSet::from_ranges(class.ranges().iter().map(|(from, to)| (from & !block, to | block)));
        for &(from, to) in rounded.ranges() {
            let texts: Vec<String> =
                AddressSet::from_ranges([(from, to)]).prefixes().map(|it| it.to_string()).collect();
            routes.push(Classful { range: Range { text: texts.join(" and "), from, to }, block });
        }
    }
    routes
}

/// A private prefix of at least so many addresses that is free, and its classful route with it. The first networks of
/// 192.168.0.0/16 are those of most homes, where clients stand.
pub(super) fn free_prefix(taken: &AddressSet, addresses: u128) -> Option<String> {
    let bits = addresses.checked_next_power_of_two()?.trailing_zeros();
    let free = |text: &str| AddressSet::from_texts([text]).intersection(taken).is_empty();
    let small = (2..=254).rev().map(|third| format!("192.168.{third}.0")).filter(|_| bits <= 8);
    let small = small.map(|network| (format!("{network}/24"), network));
    let large = (16..=31).rev().map(|second| format!("172.{second}.0.0")).filter(|_| bits <= 16);
    let large = large.map(|network| (format!("{network}/16"), network));
    let (_, network) = small.chain(large).find(|(block, _)| free(block))?;
    Some(format!("{network}/{}", 32_u32.checked_sub(bits)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(pool: &str) -> Vec<String> {
        classful_routes(&AddressSet::from_texts([pool])).into_iter().map(|it| it.range.text).collect()
    }

    #[test]
    fn the_first_octet_decides_the_class() {
        let pools = [
            ("10.1.2.0/24", "10.0.0.0/8"),
            ("127.255.255.0/24", "127.0.0.0/8"),
            ("128.0.0.0/24", "128.0.0.0/16"),
            ("172.16.5.0/24", "172.16.0.0/16"),
            ("191.255.255.0/24", "191.255.0.0/16"),
            ("192.0.0.0/25", "192.0.0.0/24"),
            ("223.255.255.128/25", "223.255.255.0/24"),
        ];
        for (pool, route) in pools {
            assert_eq!(routes(pool), [route], "{pool}");
        }
    }

    #[test]
    fn what_has_no_class_gets_no_route() {
        assert_eq!(routes("224.0.0.0/4"), [""; 0]);
        assert_eq!(routes("fd00::/64"), [""; 0]);
    }

    #[test]
    fn a_pool_over_several_classful_networks_gets_them_all() {
        assert_eq!(routes("192.168.0.0/22"), ["192.168.0.0/22"]);
        assert_eq!(routes("172.16.0.0/12"), ["172.16.0.0/12"]);
        assert_eq!(routes("0.0.0.0/0"), ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"]);
    }

    #[test]
    fn a_free_prefix_is_free_with_its_class_and_large_enough() {
        let free = |taken: &[&str], addresses| free_prefix(&AddressSet::from_texts(taken.iter().copied()), addresses);
        assert_eq!(free(&[], 256).as_deref(), Some("192.168.254.0/24"));
        assert_eq!(free(&["192.168.254.9"], 16).as_deref(), Some("192.168.253.0/28"));
        assert_eq!(free(&["192.168.0.0/16"], 16).as_deref(), Some("172.31.0.0/28"));
        assert_eq!(free(&["172.31.255.0/24"], 257).as_deref(), Some("172.30.0.0/23"));
        assert_eq!(free(&["172.16.0.0/12"], 257), None);
        assert_eq!(free(&[], 65_536).as_deref(), Some("172.31.0.0/16"));
        assert_eq!(free(&[], 65_537), None);
        assert_eq!(free(&[], u128::MAX), None);
    }
}
