//! Which rules decide which part of a set of remote addresses.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::facts::address::{AddressSet, Point};

use super::Bound;
use super::evaluate::{Decision, Level, LevelName, Stack};
use super::resolve::resolve;
use super::rule::{Access, Group};
use super::scope::Local;
use super::sweep::sweep;

/// A part of a set of remote addresses that the same rules decide.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The addresses.
    pub addresses: AddressSet,
    /// The rule of each level that is asked.
    pub decisions: Vec<Decision<'a>>,
}

/// The segments of one level, by rule; sorted.
struct Decided<'a> {
    level: LevelName,
    group: &'a Group,
    segments: Vec<(Point, Point, usize)>,
    /// What each of the rules does, and its place in the group.
    rules: Vec<(Access, usize)>,
}

impl Decided<'_> {
    fn at(&self, point: Point) -> Option<usize> {
        let after = self.segments.partition_point(|segment| segment.0 <= point);
        self.segments[..after].last().filter(|segment| point <= segment.1).map(|segment| segment.2)
    }
}

impl<'a> Stack<'a> {
    /// The parts of these addresses by the rules that decide packets from that port, the largest first. Unread things
    /// are taken to close; levels without rules are left out.
    pub fn parts(&self, local: &Local<'_>, remote_port: u16, addresses: &AddressSet) -> Vec<Part<'a>> {
        let mut levels = Vec::new();
        for (name, level) in self.levels(local.direction) {
            let Level::Group(group) = level else { continue };
            let admin = name == LevelName::Admin;
            let rules = resolve(group, local, &self.scope, Bound::Lower, admin, &mut Vec::new());
            let active: Vec<_> = rules.iter().filter(|rule| rule.on(remote_port)).collect();
            levels.push(Decided {
                level: name,
                group,
                segments: sweep(&active, group.rules(local.direction)),
                rules: active.iter().map(|rule| (rule.access, rule.index)).collect(),
            });
        }
        let mut cuts: Vec<Point> = addresses.ranges().iter().map(|range| range.0).collect();
        for level in &levels {
            let ends = level.segments.iter().flat_map(|&(start, end, _)| [Some(start), end.checked_add(1)]);
            cuts.extend(ends.flatten().filter(|cut| addresses.contains(*cut)));
        }
        cuts.sort_unstable();
        cuts.dedup();
        let mut parts: BTreeMap<Vec<Option<usize>>, Vec<(Point, Point)>> = BTreeMap::new();
        for (i, &from) in cuts.iter().enumerate() {
            let after = addresses.ranges().partition_point(|range| range.0 <= from);
            let Some(range) = addresses.ranges()[..after].last() else { continue };
            let to = cuts.get(i + 1).map_or(range.1, |next| range.1.min(next - 1));
            let mut key = Vec::new();
            for level in &levels {
                let rule = level.at(from);
                key.push(rule);
                if rule.is_some_and(|rule| level.rules[rule].0 != Access::Allow) {
                    break;
                }
            }
            parts.entry(key).or_default().push((from, to));
        }
        let mut parts: Vec<Part<'a>> = parts
            .into_iter()
            .map(|(key, ranges)| Part {
                addresses: AddressSet::from_ranges(ranges),
                decisions: key.into_iter().zip(&levels).map(|(rule, level)| level.decision(rule, local)).collect(),
            })
            .collect();
        parts.sort_by_key(|part| Reverse(part.addresses.count_between(0, Point::MAX)));
        parts
    }
}

impl<'a> Decided<'a> {
    fn decision(&self, rule: Option<usize>, local: &Local<'_>) -> Decision<'a> {
        let decided = rule.map(|rule| self.rules[rule]);
        let rules: &'a [_] = &self.group.rules(local.direction).list;
        Decision {
            level: self.level,
            group: self.group,
            rule: decided.map(|(_, index)| rules[index].as_ref()),
            access: decided.map_or(Access::Allow, |(access, _)| access),
        }
    }
}
