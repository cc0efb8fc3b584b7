//! Sets of addresses, IPv4 and IPv6 in one: exact, and fast enough for estates.
//!
//! Every address is a point of one line, [`Point`]: IPv6 as it is, IPv4 where IPv6 maps it (`::ffff:0:0/96`), which
//! no packet carries. One sorted list of disjoint ranges is then a set of addresses of both kinds.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as a point of the line.
pub type Point = u128;

/// Where IPv4 starts on the line: `::ffff:0:0`.
const V4: Point = 0xffff_0000_0000;
/// Where IPv4 ends on the line, itself included.
const V4_END: Point = 0xffff_ffff_ffff;

/// The kind of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// The address's place on the line.
pub fn point(address: IpAddr) -> Point {
    match address {
        IpAddr::V4(address) => V4 | Point::from(u32::from(address)),
        IpAddr::V6(address) => address.into(),
    }
}

/// The address at that place of the line.
pub fn address(point: Point) -> IpAddr {
    match family(point) {
        Family::V4 => IpAddr::V4(Ipv4Addr::from((point - V4) as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(point)),
    }
}

/// Of which kind the address at that place is.
pub fn family(point: Point) -> Family {
    if (V4..=V4_END).contains(&point) { Family::V4 } else { Family::V6 }
}

/// A set of addresses: ranges with both ends included, sorted, neither overlapping nor touching.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddressSet {
    ranges: Vec<(Point, Point)>,
}

impl AddressSet {
    /// No address.
    pub const EMPTY: Self = Self { ranges: Vec::new() };

    /// Every address.
    pub fn all() -> Self {
        Self { ranges: vec![(0, Point::MAX)] }
    }

    /// Every address of one kind.
    pub fn of(family: Family) -> Self {
        match family {
            Family::V4 => Self { ranges: vec![(V4, V4_END)] },
            Family::V6 => Self { ranges: vec![(0, V4 - 1), (V4_END + 1, Point::MAX)] },
        }
    }

    /// The addresses of these ranges, in any order and overlapping as they like.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (Point, Point)>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().filter(|(start, end)| start <= end).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(Point, Point)> = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            match merged.last_mut() {
                Some(last) if start <= last.1 || start == last.1 + 1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Self { ranges: merged }
    }

    /// The addresses of these prefixes, ranges and addresses. What cannot be read is left out.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::from_ranges(texts.into_iter().filter_map(parse).flat_map(|set| set.ranges))
    }

    /// One address.
    pub fn one(address: IpAddr) -> Self {
        Self { ranges: vec![(point(address), point(address))] }
    }

    /// The ranges, sorted, both ends included.
    pub fn ranges(&self) -> &[(Point, Point)] {
        &self.ranges
    }

    /// Whether it has no address.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether that address is in it.
    pub fn contains(&self, point: Point) -> bool {
        let after = self.ranges.partition_point(|range| range.0 <= point);
        after > 0 && self.ranges[after - 1].1 >= point
    }

    /// The addresses of either set.
    pub fn union(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        Self::from_ranges(self.ranges.iter().chain(&other.ranges).copied())
    }

    /// The addresses of both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut i, mut j) = (0, 0);
        let mut ranges = Vec::new();
        while let (Some(a), Some(b)) = (self.ranges.get(i), other.ranges.get(j)) {
            let (start, end) = (a.0.max(b.0), a.1.min(b.1));
            if start <= end {
                ranges.push((start, end));
            }
            if a.1 < b.1 { i += 1 } else { j += 1 }
        }
        Self { ranges }
    }

    /// The addresses that are not in it.
    pub fn complement(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = Some(0);
        for &(start, end) in &self.ranges {
            if let Some(from) = next
                && from < start
            {
                ranges.push((from, start - 1));
            }
            next = end.checked_add(1);
        }
        ranges.extend(next.map(|from| (from, Point::MAX)));
        Self { ranges }
    }

    /// The addresses of this set that are not in the other.
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }

    /// Whether every address of the other set is in this one.
    pub fn covers(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }

    /// Whether some address is in both sets.
    pub fn meets(&self, other: &Self) -> bool {
        !self.intersection(other).is_empty()
    }

    /// How many IPv4 addresses are in it.
    pub fn count_v4(&self) -> u64 {
        self.intersection(&Self::of(Family::V4)).ranges.iter().map(|(start, end)| (end - start) as u64 + 1).sum()
    }

    /// How many IPv6 addresses are in it.
    pub fn count_v6(&self) -> u128 {
        self.intersection(&Self::of(Family::V6)).ranges.iter().map(|(start, end)| end - start + 1).sum()
    }

    /// How many of its addresses lie between these two, both included. All of the line counts as one less.
    pub fn count_between(&self, from: Point, to: Point) -> u128 {
        let first = self.ranges.partition_point(|range| range.1 < from);
        let within = self.ranges[first..].iter().take_while(|range| range.0 <= to);
        within.map(|range| (range.1.min(to) - range.0.max(from)).saturating_add(1)).fold(0, u128::saturating_add)
    }

    /// The fewest prefixes that are exactly this set, IPv4 first.
    pub fn prefixes(&self) -> impl Iterator<Item = Prefix> + '_ {
        let v4 = self.intersection(&Self::of(Family::V4));
        // The hole that IPv4 leaves in IPv6 is no address: closing it keeps `::/0` one prefix.
        let hole = (self.contains(V4 - 1) && self.contains(V4_END + 1)).then_some((V4, V4_END));
        let v6 = self.intersection(&Self::of(Family::V6));
        let v6 = Self::from_ranges(v6.ranges.into_iter().chain(hole));
        let v4 = v4.ranges.into_iter().flat_map(|range| blocks(range, Family::V4));
        let v6 = v6.ranges.into_iter().flat_map(|range| blocks(range, Family::V6));
        v4.chain(v6.filter(|block| family(point(block.address)) == Family::V6))
    }
}

/// A network prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Its first address.
    pub address: IpAddr,
    /// How many leading bits count.
    pub length: u8,
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// A number of addresses as a float that is not below it, so that comparing it with a limit stays exact.
pub fn ceiling(count: u128) -> f64 {
    let float = count as f64;
    if (float as u128) < count { float.next_up() } else { float }
}

/// The aligned blocks of a range, first to last.
fn blocks((start, end): (Point, Point), family: Family) -> impl Iterator<Item = Prefix> {
    let mut next = Some(start);
    std::iter::from_fn(move || {
        let from = next?;
        let left = end - from;
        let fits = if left == Point::MAX { 128 } else { (left + 1).ilog2() };
        let bits = from.trailing_zeros().min(fits);
        let last = from | 1_u128.checked_shl(bits).map_or(Point::MAX, |size| size - 1);
        next = (last < end).then(|| last + 1);
        let (address, width) = match family {
            Family::V4 => (IpAddr::V4(Ipv4Addr::from((from - V4) as u32)), 32),
            Family::V6 => (IpAddr::V6(Ipv6Addr::from(from)), 128),
        };
        Some(Prefix { address, length: width - bits as u8 })
    })
}

/// Reads an address, a prefix or a range: `10.0.0.4`, `10.0.0.5/8` (its host bits do not count), `10.0.0.1-10.0.0.9`,
/// `192.168.0/16` and `10/8` (missing octets are zero). IPv4 addresses mapped into IPv6 (`::ffff:0:0/96`) are IPv6, and
/// no packet carries them: they mean nobody.
pub fn parse(text: &str) -> Option<AddressSet> {
    let text = text.trim();
    let (kind, start, end) = match (text.split_once('-'), text.split_once('/')) {
        (Some((from, to)), _) => {
            let (from, to) = (parse_address(from)?, parse_address(to)?);
            (Some(family(from)).filter(|kind| *kind == family(to) && from <= to)?, from, to)
        }
        (None, Some((network, length))) => {
            let (start, end) = parse_prefix(network.trim(), length.trim())?;
            (family(start), start, end)
        }
        (None, None) => {
            let point = parse_address(text)?;
            (family(point), point, point)
        }
    };
    let set = AddressSet { ranges: vec![(start, end)] };
    // `::/0` reaches over the place of IPv4 without meaning it, and no packet has a mapped address.
    let kind = if text.contains(':') { Family::V6 } else { kind };
    Some(if kind == Family::V6 { set.intersection(&AddressSet::of(kind)) } else { set })
}

fn parse_prefix(network: &str, length: &str) -> Option<(Point, Point)> {
    let length: u32 = Some(length).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let point = parse_address(network).or_else(|| parse_short(network))?;
    // A mapped address counts its length from the front of IPv6.
    let width = if family(point) == Family::V4 && !network.contains(':') { 32 } else { 128 };
    let mask = 1_u128.checked_shl(u32::checked_sub(width, length)?).map_or(Point::MAX, |size| size - 1);
    Some((point & !mask, point | mask))
}

/// Reads one address.
pub fn parse_address(text: &str) -> Option<Point> {
    text.trim().parse::<IpAddr>().ok().map(point)
}

/// `10` and `192.168.0`: what Azure keeps where a prefix lacks octets.
fn parse_short(text: &str) -> Option<Point> {
    let missing = 3_usize.checked_sub(text.matches('.').count())?;
    format!("{text}{}", ".0".repeat(missing)).parse::<Ipv4Addr>().ok().map(|it| point(it.into()))
}

/// What is not public: private, shared and reserved ranges, and all of IPv6 outside 2000::/3. Documentation,
/// benchmark and 6to4 ranges count as public: nobody keeps a packet with such a source off a machine.
pub fn not_public() -> &'static AddressSet {
    static SET: std::sync::LazyLock<AddressSet> = std::sync::LazyLock::new(|| {
        let v4 = [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "224.0.0.0/3",
        ];
        let v6 = AddressSet::of(Family::V6).difference(&AddressSet::from_texts(["2000::/3"]));
        AddressSet::from_texts(v4).union(&v6)
    });
    &SET
}

/// What is public: everything else.
pub fn public() -> &'static AddressSet {
    static SET: std::sync::LazyLock<AddressSet> = std::sync::LazyLock::new(|| not_public().complement());
    &SET
}

/// Private ranges: RFC 1918, the shared range 100.64.0.0/10 and unique local IPv6.
pub fn private() -> &'static AddressSet {
    static SET: std::sync::LazyLock<AddressSet> = std::sync::LazyLock::new(|| {
        AddressSet::from_texts(["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"])
    });
    &SET
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(texts: &[&str]) -> AddressSet {
        assert!(texts.iter().all(|text| parse(text).is_some()), "{texts:?}");
        AddressSet::from_texts(texts.iter().copied())
    }

    fn texts(set: &AddressSet) -> Vec<String> {
        set.prefixes().map(|prefix| prefix.to_string()).collect()
    }

    #[test]
    fn spellings_of_one_prefix_are_one_set() {
        for text in ["10.0.0.5/8", "10/8", "10.0.0/8", " 10.0.0.0 / 8 ", "10.0.0.0-10.255.255.255"] {
            assert_eq!(texts(&set(&[text])), ["10.0.0.0/8"], "{text}");
        }
        assert_eq!(texts(&set(&["192.168.0/16"])), ["192.168.0.0/16"]);
        assert_eq!(texts(&set(&["1.2.3.4"])), ["1.2.3.4/32"]);
    }

    #[test]
    fn a_mapped_prefix_is_nobody_of_ipv4() {
        for text in ["::ffff:0:0/96", "::ffff:10.0.0.0/104", "::ffff:10.0.0.4", "::ffff:0.0.0.0-::ffff:9.9.9.9"] {
            assert_eq!(parse(text), Some(AddressSet::EMPTY), "{text}");
        }
        assert!(!set(&["::fffe:0:0/95"]).meets(&AddressSet::of(Family::V4)));
        assert!(set(&["0.0.0.0/0"]).meets(&AddressSet::of(Family::V4)));
    }

    #[test]
    fn what_is_no_prefix_is_not_guessed() {
        for text in
            ["", "10.0.0.0/33", "::/129", "10.0.0.256", "10.0.0.9-10.0.0.1", "1.1.1.1-::1", "10.0.0.0/-1", "x/8"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn everything_is_one_prefix_of_each_kind() {
        assert_eq!(texts(&AddressSet::all()), ["0.0.0.0/0", "::/0"]);
        assert_eq!(texts(&set(&["0.0.0.0/1", "128.0.0.0/1"])), ["0.0.0.0/0"]);
        assert_eq!(texts(&AddressSet::of(Family::V6)), ["::/0"]);
        assert_eq!(AddressSet::all().count_v4(), 1 << 32);
        assert_eq!(set(&["2000::/3"]).count_v6(), 1 << 125);
    }

    #[test]
    fn ipv4_and_ipv6_do_not_touch() {
        let v4 = set(&["0.0.0.0/0"]);
        assert!(!v4.meets(&set(&["::/0"])));
        assert_eq!(texts(&set(&["255.255.255.255", "0.0.0.0"])), ["0.0.0.0/32", "255.255.255.255/32"]);
    }

    #[test]
    fn documentation_is_public_and_shared_space_is_not() {
        let public = |text: &str| !not_public().contains(parse_address(text).unwrap());
        for text in ["198.51.100.7", "198.18.0.1", "192.88.99.1", "192.0.0.8", "2001:db8::1", "2001::1", "2002::1"] {
            assert!(public(text), "{text}");
        }
        for text in ["100.64.0.1", "10.1.1.1", "169.254.169.254", "240.0.0.1", "0.1.2.3", "fc00::1", "fe80::1", "::1"] {
            assert!(!public(text), "{text}");
        }
    }

    /// A set, with a plain list of ranges that says the same.
    fn ranges() -> impl Strategy<Value = Vec<(Point, Point)>> {
        let edge = prop_oneof![0..12_u128, V4 - 4..V4 + 8, V4_END - 4..V4_END + 6, Point::MAX - 8..=Point::MAX];
        proptest::collection::vec((edge.clone(), edge), 0..6)
    }

    fn among(ranges: &[(Point, Point)], point: Point) -> bool {
        ranges.iter().any(|(start, end)| (*start..=*end).contains(&point))
    }

    proptest! {
        #[test]
        fn algebra_agrees_with_asking_address_by_address(a in ranges(), b in ranges()) {
            let (x, y) = (AddressSet::from_ranges(a.clone()), AddressSet::from_ranges(b.clone()));
            let near = [0, 12, V4 - 4, V4_END - 4, Point::MAX - 8];
            for point in near.into_iter().flat_map(|start| start..=start.saturating_add(13)) {
                let (in_a, in_b) = (among(&a, point), among(&b, point));
                prop_assert_eq!(x.contains(point), in_a);
                prop_assert_eq!(x.union(&y).contains(point), in_a || in_b);
                prop_assert_eq!(x.intersection(&y).contains(point), in_a && in_b);
                prop_assert_eq!(x.difference(&y).contains(point), in_a && !in_b);
            }
        }

        #[test]
        fn prefixes_read_back_are_the_same_set(a in ranges()) {
            let set = AddressSet::from_ranges(a);
            let texts = texts(&set);
            prop_assert_eq!(AddressSet::from_texts(texts.iter().map(String::as_str)), set);
        }
    }
}
