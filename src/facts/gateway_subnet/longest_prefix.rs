//! Which routes decide where packets go.

use std::cmp::Reverse;

use ipnet::IpNet;

use crate::facts::address::{AddressSet, Point, point};

/// The routes (by their positions) that decide for some address of `area`: the longest prefix does, and of equal ones a
/// user's route before one of the system.
pub(in crate::facts) fn winners(area: IpNet, routes: &[(usize, IpNet)], system: &[IpNet]) -> Vec<usize> {
    let users = routes.iter().map(|(i, range)| (Some(*i), range));
    let all = users.chain(system.iter().map(|range| (None, range)));
    let mut all: Vec<(Option<usize>, u8, (Point, Point))> =
        all.filter_map(|(i, range)| Some((i, range.prefix_len(), clipped(range, &area)?))).collect();
    let rank = |it: &(Option<usize>, u8, (Point, Point))| (Reverse(it.1), it.0.is_none());
    all.sort_by_key(rank);
    let mut taken = AddressSet::EMPTY;
    let mut winners = Vec::new();
    for equal in all.chunk_by(|a, b| rank(a) == rank(b)) {
        let free = |(start, end): (Point, Point)| taken.count_between(start, end) < (end - start).saturating_add(1);
        winners.extend(equal.iter().filter(|it| free(it.2)).filter_map(|it| it.0));
        taken = taken.union(&AddressSet::from_ranges(equal.iter().map(|it| it.2)));
    }
    winners.sort_unstable();
    winners
}

/// What of the range lies in the area.
fn clipped(range: &IpNet, area: &IpNet) -> Option<(Point, Point)> {
    let inner = if range.contains(area) { area } else { Some(range).filter(|range| area.contains(*range))? };
    Some(ends(inner))
}

/// Its first and its last address.
pub(in crate::facts) fn ends(range: &IpNet) -> (Point, Point) {
    (point(range.network()), point(range.broadcast()))
}

/// Whether they have an address in common.
pub(in crate::facts) fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// Its addresses.
pub(in crate::facts) fn set(range: &IpNet) -> AddressSet {
    AddressSet::from_texts([range.to_string().as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::Ipv4Net;
    use proptest::prelude::*;

    fn won(area: &str, routes: &[&str], system: &[&str]) -> Vec<usize> {
        let range = |text: &&str| text.parse::<IpNet>().unwrap();
        let routes: Vec<_> = routes.iter().map(range).enumerate().collect();
        winners(range(&area), &routes, &system.iter().map(range).collect::<Vec<_>>())
    }

    #[test]
    fn the_longest_prefix_decides_and_a_tie_goes_to_the_user() {
        let network = &["10.0.0.0/16"][..];
        assert!(won("10.0.255.0/27", &["10.0.0.0/8"], network).is_empty());
        assert_eq!(won("10.0.255.0/27", &["10.0.0.0/16"], network), [0]);
        assert!(won("10.0.255.0/27", &["10.0.0.0/17"], network).is_empty());
        assert_eq!(won("10.0.255.0/27", &["10.0.128.0/17"], network), [0]);
    }

    #[test]
    fn a_part_is_enough_and_what_longer_routes_leave_counts() {
        assert_eq!(won("10.0.255.0/27", &["10.0.255.31/32"], &["10.0.0.0/16"]), [0]);
        assert_eq!(won("10.0.255.0/27", &["10.0.255.0/24", "10.0.255.0/27"], &[]), [1]);
        assert_eq!(won("10.0.255.0/27", &["10.0.255.0/24", "10.0.255.0/28"], &[]), [0, 1]);
        assert_eq!(won("10.0.255.0/27", &["10.0.255.0/24", "10.0.255.16/28", "10.0.255.0/28"], &[]), [1, 2]);
    }

    #[test]
    fn families_are_apart() {
        assert!(won("10.0.255.0/27", &["::/1"], &[]).is_empty());
        assert!(won("fd00::/64", &["fd00::/48", "10.0.0.0/8"], &["fd00::/56"]).is_empty());
        assert_eq!(won("fd00::/64", &["fd00::/56"], &["fd00::/56"]), [0]);
    }

    /// Ranges in and around 10.0.0.16/28.
    fn ranges() -> impl Strategy<Value = Vec<IpNet>> {
        let range = (0..64_u8, 24..=32_u8)
            .prop_map(|(last, length)| IpNet::V4(Ipv4Net::new([10, 0, 0, last].into(), length).unwrap().trunc()));
        proptest::collection::vec(range, 0..6)
    }

    proptest! {
        #[test]
        fn winners_are_those_that_win_at_some_address(routes in ranges(), system in ranges()) {
            let area: IpNet = "10.0.0.16/28".parse().unwrap();
            let mut expected = std::collections::BTreeSet::new();
            for address in area.hosts().chain([area.network(), area.broadcast()]) {
                let longest = |ranges: &[IpNet]| {
                    ranges.iter().filter(|it| it.contains(&address)).map(IpNet::prefix_len).max()
                };
                let best = longest(&routes);
                if best.is_some() && best >= longest(&system) {
                    let wins = |it: &IpNet| it.contains(&address) && Some(it.prefix_len()) == best;
                    expected.extend(routes.iter().enumerate().filter(|(_, it)| wins(it)).map(|(i, _)| i));
                }
            }
            let routes: Vec<_> = routes.into_iter().enumerate().collect();
            prop_assert_eq!(winners(area, &routes, &system), expected.into_iter().collect::<Vec<_>>());
        }
    }
}
