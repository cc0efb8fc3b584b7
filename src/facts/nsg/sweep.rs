//! The first rule that matches decides: for every address at once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::facts::address::{AddressSet, Point};
use crate::facts::service_tag::Tag;

use super::resolve::Resolved;
use super::rule::{Access, Rules};
use super::term::{Admission, Term};

/// What the rules of one level do with every remote address.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) allow: Admission,
    pub(super) always: Admission,
    pub(super) undecided: Admission,
}

/// Decides every remote address, sent from that port.
///
/// `unread_network` is where what of `VirtualNetwork` was not read may lie.
pub(super) fn outcome(
    rules: &[Resolved<'_>],
    of: &Rules,
    port: u16,
    universe: &AddressSet,
    unread_network: &AddressSet,
) -> Outcome {
    let network = Tag::unread_network();
    let active: Vec<_> = rules.iter().filter(|rule| rule.on(port)).collect();
    let segments = sweep(&active, of);
    // How many tags stand in rules before each rule: its addresses are those that are in none of these tags.
    let mut tags: Vec<Tag> = Vec::new();
    let before: Vec<usize> = active
        .iter()
        .map(|rule| {
            let count = tags.len();
            tags.extend(rule.tags.iter().cloned());
            count
        })
        .collect();
    let mut outcome = Outcome::default();
    let mut parts: BTreeMap<(bool, usize), Vec<(Point, Point)>> = BTreeMap::new();
    for &(start, end, rule) in &segments {
        match active[rule].access {
            Access::Deny => {}
            access => parts.entry((access == Access::AlwaysAllow, before[rule])).or_default().push((start, end)),
        }
    }
    for ((always, count), ranges) in parts {
        let within = AddressSet::from_ranges(ranges).intersection(universe);
        let term = Term { tags: Vec::new(), without: tags[..count].to_vec(), within };
        if always { outcome.always.push(term) } else { outcome.allow.push(term) }
    }
    for (i, rule) in active.iter().enumerate() {
        if rule.tags.is_empty() || rule.access == Access::Deny {
            continue;
        }
        let decided = segments.iter().filter(|segment| segment.2 <= i).map(|&(start, end, _)| (start, end));
        let within = universe.difference(&AddressSet::from_ranges(decided));
        for tag in &rule.tags {
            let within = if *tag == network { within.intersection(unread_network) } else { within.clone() };
            let term = Term { tags: vec![tag.clone()], without: tags[..before[i]].to_vec(), within };
            if rule.access == Access::AlwaysAllow { outcome.always.push(term) } else { outcome.allow.push(term) }
        }
    }
    let decided = AddressSet::from_ranges(segments.into_iter().map(|(start, end, _)| (start, end)));
    outcome.undecided.push(Term { tags: Vec::new(), without: tags, within: universe.difference(&decided) });
    outcome
}

/// Which rule decides each range of addresses: the first in order that covers it. Sorted.
///
/// Each rule takes what no rule before it has taken; `free` leads past what is taken, so every piece is visited once.
pub(super) fn sweep(rules: &[&Resolved<'_>], of: &Rules) -> Vec<(Point, Point, usize)> {
    let Cuts { cuts, moved } = Cuts::new(rules, of);
    let nobody = u32::MAX;
    let mut owner = vec![nobody; cuts.len()];
    let mut free: Vec<u32> = (0..=cuts.len() as u32).collect();
    let mut take = |rule: usize, first: u32, last: u32| {
        let mut piece = next_free(&mut free, first);
        while piece < last {
            owner[piece as usize] = rule as u32;
            free[piece as usize] = piece + 1;
            piece = next_free(&mut free, piece + 1);
        }
    };
    for (i, rule) in rules.iter().enumerate() {
        match &rule.set {
            Cow::Borrowed(_) => {
                for &(first, last) in &of.pieces[rule.index] {
                    take(i, moved[first as usize], moved[last as usize]);
                }
            }
            Cow::Owned(set) => {
                for &(start, end) in set.ranges() {
                    let position = |point| cuts.partition_point(|cut| *cut < point) as u32;
                    take(i, position(start), end.checked_add(1).map_or(cuts.len() as u32, position));
                }
            }
        }
    }
    let mut segments: Vec<(Point, Point, usize)> = Vec::new();
    for (i, owner) in owner.into_iter().enumerate().filter(|(_, owner)| *owner != nobody) {
        let (from, to) = (cuts[i], cuts.get(i + 1).map_or(Point::MAX, |cut| cut - 1));
        match segments.last_mut() {
            Some(last) if last.2 == owner as usize && last.1.checked_add(1) == Some(from) => last.1 = to,
            _ => segments.push((from, to, owner as usize)),
        }
    }
    segments
}

/// The first piece from there on that is not taken.
fn next_free(free: &mut [u32], from: u32) -> u32 {
    let mut root = from;
    while free[root as usize] != root {
        root = free[root as usize];
    }
    let mut at = from;
    while free[at as usize] != root {
        at = std::mem::replace(&mut free[at as usize], root);
    }
    root
}

/// Where some rule begins or ceases to match.
struct Cuts {
    /// The group's own cuts, and those of what words stand for here; sorted.
    cuts: Vec<Point>,
    /// Where each of the group's own cuts stands now, and their end.
    moved: Vec<u32>,
}

impl Cuts {
    fn new(rules: &[&Resolved<'_>], of: &Rules) -> Self {
        let words = rules.iter().filter(|rule| matches!(rule.set, Cow::Owned(_)));
        let more = words.flat_map(|rule| rule.set.ranges());
        let mut more: Vec<Point> = more.flat_map(|&(start, end)| [Some(start), end.checked_add(1)]).flatten().collect();
        more.sort_unstable();
        more.dedup();
        let mut more = more.into_iter().peekable();
        let mut cuts = Vec::with_capacity(of.cuts.len() + more.len());
        let mut moved = Vec::with_capacity(of.cuts.len() + 1);
        for &cut in &of.cuts {
            while let Some(word) = more.next_if(|word| *word < cut) {
                cuts.push(word);
            }
            more.next_if_eq(&cut);
            moved.push(cuts.len() as u32);
            cuts.push(cut);
        }
        cuts.extend(more);
        moved.push(cuts.len() as u32);
        Self { cuts, moved }
    }
}
