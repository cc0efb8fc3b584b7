//! Boxes of packets: one set for each of the five things that a rule looks at.

use std::rc::Rc;

use crate::facts::address::{AddressSet, Point};
use crate::facts::nsg::{PortRange, Protocols};

/// The place behind the last port, where packets of protocols without ports stand.
const NO_PORT: Point = 65_536;

/// Protocols of their own number; all that have no name in rules stand at one more.
const TCP: Point = 6;
const UDP: Point = 17;
const OTHERS: Point = 256;

/// Which packets: those whose five values are in the five sets.
#[derive(Clone, Debug)]
pub(super) struct Region {
    /// Source address, destination address, source port, destination port, protocol.
    sets: [Rc<AddressSet>; 5],
}

/// The search took too long.
#[derive(Debug)]
pub(super) struct Exhausted;

impl Region {
    pub(super) fn new(
        source: Rc<AddressSet>,
        destination: Rc<AddressSet>,
        source_ports: &[PortRange],
        destination_ports: &[PortRange],
        protocols: AddressSet,
    ) -> Self {
        let ports = [source_ports, destination_ports].map(|it| Rc::new(ports(it)));
        let [source_ports, destination_ports] = ports;
        Self { sets: [source, destination, source_ports, destination_ports, Rc::new(protocols)] }
    }

    /// The same, from any source or to any destination.
    pub(super) fn widened(&self, source: bool, destination: bool) -> Self {
        let mut wide = self.clone();
        for (i, _) in [source, destination].into_iter().enumerate().filter(|it| it.1) {
            wide.sets[i] = Rc::new(AddressSet::all());
        }
        wide
    }

    /// The packets in it that there can be: those with ports, and those of protocols that have none.
    pub(super) fn real(&self) -> impl Iterator<Item = Self> + '_ {
        let ported = AddressSet::from_ranges([(TCP, TCP), (UDP, UDP)]);
        // Nobody sends from port 0.
        let kinds = [
            ((1, NO_PORT - 1), (0, NO_PORT - 1), ported.clone()),
            ((NO_PORT, NO_PORT), (NO_PORT, NO_PORT), ported.complement()),
        ];
        kinds.into_iter().filter_map(|(source_ports, destination_ports, protocols)| {
            let [source, destination, sources, destinations, of] = self.sets.clone();
            let within = |set: &AddressSet, range| Rc::new(set.intersection(&AddressSet::from_ranges([range])));
            let region = Self {
                sets: [
                    source,
                    destination,
                    within(&sources, source_ports),
                    within(&destinations, destination_ports),
                    Rc::new(of.intersection(&protocols)),
                ],
            };
            (!region.is_empty()).then_some(region)
        })
    }

    fn is_empty(&self) -> bool {
        self.sets.iter().any(|set| set.is_empty())
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        // What differs most comes first: destination ports, protocols, then the longer lists.
        [3, 4, 2, 1, 0].into_iter().all(|i| meets(&self.sets[i], &other.sets[i]))
    }

    /// In how many of the five things it holds all of the other.
    fn full(&self, other: &Self) -> usize {
        self.sets.iter().zip(&other.sets).filter(|(mine, other)| covers(mine, other)).count()
    }
}

/// The ports, and the place of packets without any where all ports are meant.
fn ports(ranges: &[PortRange]) -> AddressSet {
    let all = ranges == super::super::ports::ALL;
    let ranges = ranges.iter().map(|range| (range.0.into(), range.1.into()));
    AddressSet::from_ranges(ranges.chain(all.then_some((NO_PORT, NO_PORT))))
}

/// The protocols: certainly meant, or (`wide`) possibly meant.
pub(super) fn protocols(protocols: Protocols, wide: bool) -> AddressSet {
    let Protocols { tcp, udp, icmp, esp, ah, others, unreadable } = protocols;
    let all = wide && unreadable;
    let each = [(tcp, TCP), (udp, UDP), (icmp, 1), (esp, 50), (ah, 51), (others, OTHERS)];
    AddressSet::from_ranges(each.into_iter().filter(|it| it.0 || all).map(|it| (it.1, it.1)))
}

fn meets(a: &AddressSet, b: &AddressSet) -> bool {
    let (short, long) = if a.ranges().len() < b.ranges().len() { (a, b) } else { (b, a) };
    let long = long.ranges();
    short.ranges().iter().any(|range| {
        let first = long.partition_point(|it| it.1 < range.0);
        long.get(first).is_some_and(|it| it.0 <= range.1)
    })
}

fn covers(a: &AddressSet, b: &AddressSet) -> bool {
    b.ranges().iter().all(|range| {
        let first = a.ranges().partition_point(|it| it.1 < range.0);
        a.ranges().get(first).is_some_and(|it| it.0 <= range.0 && it.1 >= range.1)
    })
}

/// Whether every packet of the region is in one of those regions. `used` is set for each of them that the proof needed
/// or looked at; `budget` is what the search may cost.
///
/// One after the other takes away what it holds; what is left are boxes again, and each goes on alone. The first box
/// that nothing takes away ends the search.
pub(super) fn covered(
    region: Region,
    by: &[(usize, Region)],
    budget: &mut u64,
    used: &mut [bool],
) -> Result<bool, Exhausted> {
    *budget = budget.checked_sub(by.len() as u64).ok_or(Exhausted)?;
    let mut by: Vec<(usize, &(usize, Region))> =
        by.iter().filter(|(_, it)| it.meets(&region)).map(|it| (it.1.full(&region), it)).collect();
    // Those that hold most leave the fewest boxes.
    by.sort_by_key(|(full, _)| std::cmp::Reverse(*full));
    let mut left = vec![(region, 0)];
    while let Some((mut region, from)) = left.pop() {
        let found = (from..by.len()).find(|i| by[*i].1.1.meets(&region));
        let looked = found.unwrap_or(by.len()) - from + 1;
        *budget = budget.checked_sub(looked as u64).ok_or(Exhausted)?;
        let Some(at) = found else { return Ok(false) };
        let (index, taken) = by[at].1;
        used[*index] = true;
        for i in 0..region.sets.len() {
            if covers(&taken.sets[i], &region.sets[i]) {
                continue;
            }
            let cost = region.sets[i].ranges().len() + taken.sets[i].ranges().len();
            *budget = budget.checked_sub(cost as u64).ok_or(Exhausted)?;
            let mut outside = region.clone();
            outside.sets[i] = Rc::new(region.sets[i].difference(&taken.sets[i]));
            left.push((outside, at + 1));
            region.sets[i] = Rc::new(region.sets[i].intersection(&taken.sets[i]));
        }
    }
    Ok(true)
}
