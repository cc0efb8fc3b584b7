//! The remote ports from which an address gets in, for one address and for all of them.
//!
//! Port 0 is no port that a packet is sent from: `1-65535` is every port.

use std::collections::BTreeSet;

use crate::facts::address::{AddressSet, Point};

use super::evaluate::Filter;
use super::ports::PortRange;
use super::resolve::Resolved;
use super::rule::Access;

/// Every port that a packet is sent from.
pub(super) const REAL: PortRange = (1, u16::MAX);

/// What is in both lists; each is sorted and disjoint.
fn both(a: &[PortRange], b: &[PortRange]) -> Vec<PortRange> {
    let (mut i, mut j) = (0, 0);
    let mut ranges = Vec::new();
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (start, end) = (x.0.max(y.0), x.1.min(y.1));
        if start <= end {
            ranges.push((start, end));
        }
        if x.1 < y.1 { i += 1 } else { j += 1 }
    }
    ranges
}

/// What is in the first list and not in the second; each is sorted and disjoint.
fn without(a: &[PortRange], b: &[PortRange]) -> Vec<PortRange> {
    let mut rest = Vec::with_capacity(a.len());
    for &(start, end) in a {
        let mut next = Some(start);
        for &(from, to) in b.iter().skip_while(|range| range.1 < start).take_while(|range| range.0 <= end) {
            if let Some(at) = next
                && at < from
            {
                rest.push((at, from - 1));
            }
            next = to.checked_add(1);
        }
        rest.extend(next.filter(|at| *at <= end).map(|at| (at, end)));
    }
    rest
}

/// What the rules of one level, all of which match an address, do with the ports that it sends from.
struct Walk {
    allow: Vec<PortRange>,
    always: Vec<PortRange>,
    left: Vec<PortRange>,
}

fn walk<'r, 'a: 'r>(rules: impl Iterator<Item = &'r Resolved<'a>>) -> Walk {
    let mut walk = Walk { allow: Vec::new(), always: Vec::new(), left: vec![REAL] };
    for rule in rules {
        if walk.left.is_empty() {
            break;
        }
        match rule.access {
            Access::Deny => {}
            Access::Allow => walk.allow.extend(both(&walk.left, rule.ports)),
            Access::AlwaysAllow => walk.always.extend(both(&walk.left, rule.ports)),
        }
        walk.left = without(&walk.left, rule.ports);
    }
    walk.allow.sort_unstable();
    walk.always.sort_unstable();
    walk
}

/// The ports from which an address gets in: past the groups, and through them. `matching` gives the rules of a level
/// that match the address, in order.
fn ports<'r, 'a: 'r, I: Iterator<Item = &'r Resolved<'a>>>(
    filters: &[Filter<'_>; 3],
    admin_unread: bool,
    matching: impl Fn(usize) -> I,
) -> (Vec<PortRange>, Vec<PortRange>) {
    let (past, mut inside) = match &filters[0] {
        Filter::Open if admin_unread => (vec![REAL], Vec::new()),
        Filter::Open => (Vec::new(), vec![REAL]),
        Filter::Closed => return (Vec::new(), Vec::new()),
        Filter::Rules(..) => {
            let mut walk = walk(matching(0));
            walk.allow.append(&mut walk.left);
            walk.allow.sort_unstable();
            (walk.always, walk.allow)
        }
    };
    for (level, filter) in filters.iter().enumerate().skip(1) {
        match filter {
            Filter::Open => {}
            Filter::Closed => inside.clear(),
            Filter::Rules(..) if inside.is_empty() => {}
            Filter::Rules(..) => inside = both(&inside, &walk(matching(level)).allow),
        }
    }
    (past, inside)
}

/// The ports from which that address gets in. Tags count as empty.
pub(super) fn of_address(filters: &[Filter<'_>; 3], admin_unread: bool, address: Point) -> Vec<PortRange> {
    let (mut past, mut inside) =
        ports(filters, admin_unread, |level| filters[level].rules().iter().filter(|rule| rule.set.contains(address)));
    past.append(&mut inside);
    past.sort_unstable();
    past
}

/// Who gets in from some port, and who of them past the groups; for rules without tags.
///
/// One walk along the line of addresses: between two points where a rule begins or ceases to match, all addresses are
/// alike. So the cost is in the number of ranges, not in that of ranges times ports.
pub(super) fn admitted(
    filters: &[Filter<'_>; 3],
    admin_unread: bool,
    universe: &AddressSet,
) -> (AddressSet, AddressSet) {
    let mut events: Vec<(Point, usize, usize, bool)> = vec![];
    for (level, filter) in filters.iter().enumerate() {
        for (i, rule) in filter.rules().iter().enumerate() {
            for &(start, end) in rule.set.ranges() {
                events.push((start, level, i, true));
                events.extend(end.checked_add(1).map(|after| (after, level, i, false)));
            }
        }
    }
    events.sort_unstable();
    let mut active: [BTreeSet<usize>; 3] = Default::default();
    let (mut admitted, mut always) = (Vec::new(), Vec::new());
    let mut from = 0;
    let mut events = events.into_iter().peekable();
    loop {
        while let Some((_, level, i, begins)) = events.next_if(|event| event.0 <= from) {
            if begins {
                active[level].insert(i)
            } else {
                active[level].remove(&i)
            };
        }
        let next = events.peek().map(|event| event.0);
        let to = next.map_or(Point::MAX, |next| next - 1);
        let (past, inside) =
            ports(filters, admin_unread, |level| active[level].iter().map(move |i| &filters[level].rules()[*i]));
        if !past.is_empty() {
            always.push((from, to));
        }
        if !past.is_empty() || !inside.is_empty() {
            admitted.push((from, to));
        }
        match next {
            Some(next) => from = next,
            None => break,
        }
    }
    let set = |ranges| AddressSet::from_ranges(ranges).intersection(universe);
    (set(admitted), set(always))
}

/// The port that a client is most likely to use: an ephemeral one, else the highest there is.
pub(super) fn preferred(ports: &[PortRange]) -> Option<u16> {
    const EPHEMERAL: u16 = 49_152;
    const USUAL: u16 = 50_000;
    if ports.iter().any(|range| (range.0..=range.1).contains(&USUAL)) {
        return Some(USUAL);
    }
    let ephemeral = ports.iter().find(|range| range.1 >= EPHEMERAL).map(|range| range.0.max(EPHEMERAL));
    ephemeral.or_else(|| ports.last().map(|range| range.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_uses_a_high_port() {
        assert_eq!(preferred(&[(1, u16::MAX)]), Some(50_000));
        assert_eq!(preferred(&[(1, 49_151)]), Some(49_151));
        assert_eq!(preferred(&[(1, 80), (49_000, 49_500)]), Some(49_152));
        assert_eq!(preferred(&[]), None);
    }

    #[test]
    fn lists_of_ports_are_sets() {
        let (a, b) = ([(1, 10), (20, 30)], [(5, 22), (30, 40)]);
        assert_eq!(both(&a, &b), [(5, 10), (20, 22), (30, 30)]);
        assert_eq!(without(&a, &b), [(1, 4), (23, 29)]);
        assert_eq!(without(&[REAL], &[(0, u16::MAX)]), []);
        assert_eq!(without(&[REAL], &[(0, 1), (u16::MAX, u16::MAX)]), [(2, u16::MAX - 1)]);
    }
}
