//! Whether rules before a rule leave it anything to decide, exactly: over source and destination addresses and ports
//! and the protocol, for IPv4 and IPv6, in every place that the group filters.
//!
//! An earlier rule counts with what it certainly means, the judged rule with all that it may mean. Where that does not
//! cover it, and would if things that were not read were so, nobody knows.

mod meaning;
mod region;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use crate::facts::address::{AddressSet, Family};
use crate::facts::schema::Unread;

pub use meaning::Meaning;

use super::resolve::note;
use super::rule::{Group, Rule};
use meaning::{End, Piece};
use region::{Exhausted, Region, covered, protocols};

/// What the search for one rule may cost, in comparisons: some milliseconds.
const BUDGET: u64 = 200_000;

/// How many pairs of names on both sides of one rule are looked at; Azure takes ten on each.
const MOST_PIECES: usize = 4096;

/// What the rules before a rule leave of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covered {
    /// Some packet is certainly left to it, in some place.
    No,
    /// Nothing is left: these rules, by their place among the inbound rules, take it all; as few as could be found.
    /// Empty: no packet matches the rule in the first place.
    By(Vec<usize>),
    /// Nobody knows.
    Unknown(Vec<Unread>),
}

/// The inbound rules of a group, ready to be compared.
pub struct Cover<'g> {
    group: &'g Group,
    places: Vec<Place<'g>>,
}

struct Place<'g> {
    meaning: Meaning<'g>,
    /// What each rule certainly matches.
    certain: Vec<Region>,
    /// What each rule may match.
    possible: Vec<Region>,
}

/// How the rules before it stand to a rule at one place.
enum Local {
    Left,
    Taken,
    Unknown(Vec<Unread>),
}

/// Which rules are asked, and how they are taken.
struct Before<'b> {
    rules: &'b [usize],
    wide: bool,
}

impl<'g> Cover<'g> {
    /// The group's rules, as they read in these places. Without any, words stay names.
    pub fn new(group: &'g Group, places: Vec<Meaning<'g>>) -> Self {
        let places = places.into_iter().map(|meaning| {
            let rules = || group.inbound.list.iter();
            let certain = rules().map(|rule| earlier(&meaning, rule, false)).collect();
            let possible = rules().map(|rule| earlier(&meaning, rule, true)).collect();
            Place { meaning, certain, possible }
        });
        Self { group, places: places.collect() }
    }

    /// Whether the rules before the inbound rule of that place leave it anything. Azure's own rules take nothing away:
    /// they come last.
    pub fn of(&self, judged: usize) -> Covered {
        let rules = &self.group.inbound.list;
        let Some(rule) = rules.get(judged) else { return Covered::No };
        let order: Vec<Order> = (0..rules.len()).map(|i| order(rules, i, judged)).collect();
        let of = |wanted: &[Order]| (0..rules.len()).filter(|i| wanted.contains(&order[*i])).collect::<Vec<_>>();
        let (before, perhaps) = (of(&[Order::Before]), of(&[Order::Before, Order::Unknown]));
        let mut used = vec![false; rules.len()];
        let mut budget = BUDGET;
        let mut missing = Vec::new();
        for place in &self.places {
            match self.at(place, judged, &before, &perhaps, &mut budget, &mut used) {
                Local::Left => return Covered::No,
                Local::Taken => {}
                Local::Unknown(unread) => unread.into_iter().for_each(|it| note(&mut missing, it)),
            }
        }
        if !missing.is_empty() {
            return Covered::Unknown(missing);
        }
        if !rule.direction_known {
            return Covered::Unknown(vec![meaning_of(self.group, rule)]);
        }
        Covered::By(self.fewest(judged, &before, &used))
    }

    fn at(
        &self,
        place: &Place<'_>,
        judged: usize,
        before: &[usize],
        perhaps: &[usize],
        budget: &mut u64,
        used: &mut [bool],
    ) -> Local {
        let rules = &self.group.inbound.list;
        let too_much = || {
            let what = format!("whether the rules before `{}` cover it: they overlap too often", rules[judged].name);
            Local::Unknown(vec![Unread::new(what, "join rules that overlap, and run again")])
        };
        let certain = Before { rules: before, wide: false };
        match self.covers(place, judged, &certain, true, budget, used) {
            Ok(true) => return Local::Taken,
            Ok(false) => {}
            Err(Exhausted) => return too_much(),
        }
        let mut asked = vec![false; rules.len()];
        let possible = Before { rules: perhaps, wide: true };
        match self.covers(place, judged, &possible, false, budget, &mut asked) {
            Ok(false) => return Local::Left,
            Ok(true) => {}
            Err(Exhausted) => return too_much(),
        }
        let mut missing = Vec::new();
        let judged_rule = &rules[judged];
        let shaky = |rule: &Rule| is_shaky(rule).then(|| meaning_of(self.group, rule));
        let words = |rule: &Rule| place.meaning.missing([&rule.remote.addresses, &rule.local.addresses]).to_vec();
        let asked: Vec<usize> = (0..rules.len()).filter(|i| asked[*i]).collect();
        for rule in asked.iter().map(|i| &rules[*i]).chain([judged_rule]) {
            shaky(rule).into_iter().chain(words(rule)).for_each(|it| note(&mut missing, it));
        }
        for rule in asked.iter().filter(|i| !before.contains(i)).map(|i| &rules[*i]).filter(|it| it.direction_known) {
            note(&mut missing, order_of(self.group, rule, judged_rule));
        }
        if missing.is_empty() {
            note(&mut missing, meaning_of(self.group, judged_rule));
        }
        Local::Unknown(missing)
    }

    /// Whether those rules take all of the judged rule, at that place. `wide` says how the judged rule is taken.
    fn covers(
        &self,
        place: &Place<'_>,
        judged: usize,
        by: &Before<'_>,
        wide: bool,
        budget: &mut u64,
        used: &mut [bool],
    ) -> Result<bool, Exhausted> {
        let rule = &self.group.inbound.list[judged];
        let regions = regions(&place.meaning, rule, wide)?;
        if regions.is_empty() && !wide {
            // Nothing of it is certain: it may be just what an earlier rule takes.
            let wide = self::regions(&place.meaning, rule, true)?;
            let meets = |i: &usize| wide.iter().any(|it| place.possible[*i].meets(&it.2));
            let first = by.rules.iter().find(|i| meets(i));
            first.into_iter().for_each(|i| used[*i] = true);
            return Ok(first.is_some());
        }
        for (source, destination, region) in regions {
            let by: Vec<(usize, Region)> =
                by.rules.iter().map(|i| (*i, self.seen(place, *i, by, &source, &destination))).collect();
            if !covered(region, &by, budget, used)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// An earlier rule, where names stand for the judged piece.
    fn seen(
        &self,
        place: &Place<'_>,
        i: usize,
        by: &Before<'_>,
        source: &Piece<'_>,
        destination: &Piece<'_>,
    ) -> Region {
        let region = if by.wide { &place.possible[i] } else { &place.certain[i] };
        let rule = &self.group.inbound.list[i];
        let says = |piece: &Piece<'_>, side| piece.0.is_some_and(|name| place.meaning.says(side, name));
        region.widened(says(source, &rule.remote.addresses), says(destination, &rule.local.addresses))
    }

    /// Of the rules that were used, those that cannot be spared: one alone where one is enough.
    fn fewest(&self, judged: usize, before: &[usize], used: &[bool]) -> Vec<usize> {
        let mut budget = BUDGET;
        let mut enough = |rules: &[usize]| {
            let by = Before { rules, wide: false };
            let mut used = vec![false; self.group.inbound.list.len()];
            let mut all = self.places.iter();
            all.all(|place| matches!(self.covers(place, judged, &by, true, &mut budget, &mut used), Ok(true)))
        };
        let rules = &self.group.inbound.list;
        let mut by: Vec<usize> = before.iter().copied().filter(|i| used[*i]).collect();
        by.sort_by_key(|i| rules[*i].priority);
        if let Some(one) = by.iter().find(|i| enough(&[**i])) {
            return vec![*one];
        }
        // The first rules decide; so the last are spared first.
        for spared in by.clone().into_iter().rev() {
            let rest: Vec<usize> = by.iter().copied().filter(|i| *i != spared).collect();
            if enough(&rest) {
                by = rest;
            }
        }
        by
    }
}

/// Where a rule stands to the judged one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Before,
    After,
    Unknown,
}

fn order(rules: &[std::sync::Arc<Rule>], i: usize, judged: usize) -> Order {
    let (rule, judged_rule) = (&rules[i], &rules[judged]);
    if i == judged || rule.default {
        return Order::After;
    }
    match (rule.priority, judged_rule.priority) {
        (Some(a), Some(b)) if a > b => Order::After,
        (Some(a), Some(b)) if a < b && rule.direction_known => Order::Before,
        _ => Order::Unknown,
    }
}

/// Whether something of it was not understood.
fn is_shaky(rule: &Rule) -> bool {
    let sides = [&rule.remote, &rule.local];
    let unread = |side: &super::Side| side.ports.unreadable || side.addresses.unreadable.is_some();
    rule.protocols.unreadable || !rule.direction_known || sides.into_iter().any(unread)
}

fn meaning_of(group: &Group, rule: &Rule) -> Unread {
    let what = format!("what the rule `{}` of `{}` means", rule.name, group.name);
    Unread::new(what, "look at the rule in Azure and export the group again")
}

fn order_of(group: &Group, rule: &Rule, judged: &Rule) -> Unread {
    let what = format!("which of the rules `{}` and `{}` of `{}` comes first", rule.name, judged.name, group.name);
    Unread::new(what, "look at their priorities in Azure and export the group again")
}

/// What an earlier rule takes away: for certain, or (`wide`) perhaps.
fn earlier(meaning: &Meaning<'_>, rule: &Rule, wide: bool) -> Region {
    let addresses = |side: &super::Side, end| Rc::new(meaning.addresses(&side.addresses, rule.access, end, wide));
    let (source, destination) = (addresses(&rule.remote, End::Source), addresses(&rule.local, End::Destination));
    let (from, to) = (rule.remote.ports.ranges(wide), rule.local.ports.ranges(wide));
    Region::new(source, destination, from, to, protocols(rule.protocols, wide))
}

/// A part of the judged rule: what it means of the source, of the destination, and which packets these are.
type Part<'s> = (Piece<'s>, Piece<'s>, Region);

/// The parts of the judged rule: of all that it may mean (`wide`), or of what it certainly means.
fn regions<'s>(meaning: &'s Meaning<'_>, rule: &'s Rule, wide: bool) -> Result<Vec<Part<'s>>, Exhausted> {
    let families = [Family::V4, Family::V6].map(AddressSet::of);
    let (from, to) = (rule.remote.ports.ranges(wide), rule.local.ports.ranges(wide));
    let sources = meaning.pieces(&rule.remote.addresses, End::Source, wide);
    let destinations = meaning.pieces(&rule.local.addresses, End::Destination, wide);
    if sources.len() * destinations.len() > MOST_PIECES {
        return Err(Exhausted);
    }
    let mut regions = Vec::new();
    for source in sources {
        for destination in &destinations {
            for family in &families {
                // Both ends of a packet are of one kind.
                let within = |piece: &Piece<'_>| Rc::new(piece.1.intersection(family));
                let all = Region::new(within(&source), within(destination), from, to, protocols(rule.protocols, wide));
                regions.extend(all.real().map(|region| (source.clone(), destination.clone(), region)));
            }
        }
    }
    Ok(regions)
}
