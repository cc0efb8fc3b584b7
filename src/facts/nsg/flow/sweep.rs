//! One walk along the line of remote addresses: between two points where a rule begins or ceases to mean addresses, all
//! of them get the same answer.

use std::collections::BTreeSet;

use crate::facts::address::{self, AddressSet, Point};

use super::Flow;
use super::at::At;

/// Visits each stretch of addresses that no rule tells apart, in order, with all that filters there.
pub(super) fn cells<'f, 'a>(flow: &'f Flow<'a>, mut visit: impl FnMut((Point, Point), &At<'f, 'a>)) {
    let public = address::public();
    let mut cuts: Vec<Point> = Vec::new();
    // Where which rule of which level begins to be of interest, or ceases.
    let mut events: Vec<(Point, usize, usize, bool)> = Vec::new();
    for (level, (_, filter)) in flow.levels.iter().enumerate() {
        for (i, candidate) in filter.candidates().iter().enumerate() {
            cuts.extend(candidate.sets().flat_map(borders));
            let meant = candidate.sets().flat_map(|set| set.ranges()).copied();
            let meant = match candidate.may_mean_any() {
                (true, _) => AddressSet::all(),
                (false, true) => AddressSet::from_ranges(meant.chain(public.ranges().iter().copied())),
                (false, false) => AddressSet::from_ranges(meant),
            };
            for &(start, end) in meant.ranges() {
                events.push((start, level, i, true));
                events.extend(end.checked_add(1).map(|after| (after, level, i, false)));
            }
        }
    }
    if !flow.facts.is_empty() {
        cuts.extend(borders(public));
    }
    cuts.sort_unstable();
    cuts.dedup();
    events.sort_unstable();
    let mut active = vec![BTreeSet::new(); flow.levels.len()];
    let mut events = events.into_iter().peekable();
    for &(start, end) in AddressSet::of(flow.family).ranges() {
        let inside = cuts.partition_point(|cut| *cut <= start)..cuts.partition_point(|cut| *cut <= end);
        let ends = cuts[inside].iter().map(|cut| cut - 1).chain([end]);
        let mut from = start;
        for to in ends {
            while let Some((_, level, i, begins)) = events.next_if(|event| event.0 <= from) {
                if begins {
                    active[level].insert(i);
                } else {
                    active[level].remove(&i);
                }
            }
            visit((from, to), &At::new(flow, from, active.iter().map(|rules| rules.iter().copied())));
            from = to.saturating_add(1);
        }
    }
}

/// Where the set begins, and where it ceases.
fn borders(set: &AddressSet) -> impl Iterator<Item = Point> + '_ {
    set.ranges().iter().flat_map(|&(start, end)| [Some(start), end.checked_add(1)]).flatten()
}
