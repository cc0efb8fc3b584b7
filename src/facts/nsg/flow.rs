//! What is certain of one packet: allowed, denied, or unknown because something that decides it was not read.
//!
//! For a single address everything that is not known is a yes or a no: whether it belongs to a service tag, whether a
//! rule that was not understood means it. The walk asks the rules in order and tries both answers to each such
//! question, so the result is unknown exactly where the answers lead to different ends.

mod at;
mod rules;
mod sweep;

use crate::facts::address::{self, AddressSet, Family, Point};
use crate::facts::schema::Unread;
use crate::facts::service_tag::Tag;

use super::evaluate::{Level, LevelName, Stack};
use super::ports::PortRange;
use super::resolve::Fact;
use super::rule::{Access, Group, Rule};
use super::scope::Local;
use at::At;
use rules::Candidate;
use sweep::cells;

/// The ports of the packets that are asked about; `None`: one port or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowPorts {
    /// The machine's.
    pub local: Option<u16>,
    /// The other end's.
    pub remote: Option<u16>,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum FlowAccess {
    /// It goes through all levels.
    Allow,
    /// A level drops it.
    Deny,
    /// What was not read decides.
    Unknown,
}

impl FlowAccess {
    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
            Self::Unknown => "Unknown",
        }
    }
}

/// What is certain of one packet.
#[derive(Clone, Debug)]
pub struct FlowAnswer<'a> {
    /// What becomes of it.
    pub access: FlowAccess,
    /// What each level does that is asked, first level first; for ports that were left open, with one of the ports
    /// that have this answer.
    pub decisions: Vec<FlowDecision<'a>>,
    /// The decision that the answer rests on: that of the first level that denies, of the last level asked where it is
    /// allowed, of the level that is not certain where there is only one such.
    pub decided_by: Option<usize>,
    /// What has to be read for an answer; empty where there is one.
    pub unread: Vec<Unread>,
    /// The remote ports with the same answer: all of them that were asked about.
    pub remote_ports: Vec<PortRange>,
    /// The local ports with the same answer.
    pub local_ports: Vec<PortRange>,
}

/// What one level does with a packet.
#[derive(Clone, Debug)]
pub struct FlowDecision<'a> {
    /// The level.
    pub level: LevelName,
    /// Its rules; `None`: they were not read.
    pub group: Option<&'a Group>,
    /// The rule that decides; `None`: none matches, or nobody knows which.
    pub rule: Option<&'a Rule>,
    /// What it does; `None`: nobody knows.
    pub access: Option<Access>,
    /// Rules that may match before it and would do the same.
    pub or: Vec<&'a Rule>,
    /// Why nobody knows.
    unread: Vec<Unread>,
}

/// All that filters one end, ready to be asked about any remote address.
#[derive(Debug)]
pub struct Flow<'a> {
    levels: Vec<(LevelName, Filter<'a>)>,
    family: Family,
    ports: FlowPorts,
    /// What may be true of a remote address; elsewhere a fact is its place in here.
    facts: Vec<Fact<'a>>,
}

#[derive(Debug)]
enum Filter<'a> {
    Unread(&'a Unread),
    /// Rules that may be about the end, in the order in which they are asked.
    Rules(&'a Group, Vec<Candidate<'a>>),
}

/// The remote addresses of each answer.
#[derive(Clone, Debug, Default)]
pub struct Alike {
    /// Those whose packets are allowed.
    pub allow: AddressSet,
    /// Those whose packets are denied.
    pub deny: AddressSet,
    /// Those of which nobody knows.
    pub unknown: AddressSet,
    /// Service tags without known addresses whose packets certainly get the answer that was asked about, but for a
    /// part of them that an earlier rule may take.
    pub tags: Vec<Tag>,
}

impl Alike {
    /// The remote addresses of that answer.
    pub fn of(&self, access: FlowAccess) -> &AddressSet {
        match access {
            FlowAccess::Allow => &self.allow,
            FlowAccess::Deny => &self.deny,
            FlowAccess::Unknown => &self.unknown,
        }
    }
}

impl<'a> Stack<'a> {
    /// All that filters between that end and any other. `local.port` does not count, `ports` does.
    pub fn flow(&self, local: &Local<'_>, ports: FlowPorts) -> Flow<'a> {
        let mut facts = Vec::new();
        let levels = self.levels(local.direction).into_iter().filter_map(|(name, level)| match level {
            Level::None => None,
            Level::Unread { unread, .. } => Some((name, Filter::Unread(unread))),
            Level::Group(group) => {
                let candidates = rules::candidates(group, local, &self.scope, ports, &mut facts);
                Some((name, Filter::Rules(group, candidates)))
            }
        });
        let levels = levels.collect();
        Flow { levels, family: local.family, ports, facts }
    }
}

impl<'a> Flow<'a> {
    /// What becomes of packets from or to that address.
    pub fn access(&self, remote: Point) -> FlowAccess {
        self.at(remote).access(None)
    }

    /// What becomes of packets from or to that address, and why.
    pub fn answer(&self, remote: Point) -> FlowAnswer<'a> {
        self.at(remote).answer()
    }

    /// The remote addresses of each answer, and the tags of that one.
    pub fn alike(&self, access: FlowAccess) -> Alike {
        let tag = |(i, fact): (usize, &Fact<'a>)| match fact {
            Fact::Tag(tag) => Some((i, tag.clone())),
            Fact::VirtualNetwork | Fact::Member(_) => None,
        };
        let mut tags: Vec<(usize, Tag)> = self.facts.iter().enumerate().filter_map(tag).collect();
        let mut alike = Alike::default();
        let (mut allow, mut deny, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        cells(self, |(start, end), at| {
            let found = at.access(None);
            match found {
                FlowAccess::Allow => allow.push((start, end)),
                FlowAccess::Deny => deny.push((start, end)),
                FlowAccess::Unknown => unknown.push((start, end)),
            }
            if found == FlowAccess::Unknown && access != FlowAccess::Unknown && at.public {
                let (more, rest) =
                    std::mem::take(&mut tags).into_iter().partition(|it| at.access(Some(it.0)) == access);
                tags = rest;
                let more: Vec<(usize, Tag)> = more;
                alike.tags.extend(more.into_iter().map(|(_, tag)| tag));
            }
        });
        alike.tags.sort();
        let set = AddressSet::from_ranges;
        Alike { allow: set(allow), deny: set(deny), unknown: set(unknown), ..alike }
    }

    fn at(&self, remote: Point) -> At<'_, 'a> {
        let public = !address::not_public().contains(remote);
        let active = self.levels.iter().map(|(_, filter)| {
            let candidates = filter.candidates().iter().enumerate();
            candidates.filter(|(_, it)| it.may_mean(remote, public)).map(|(i, _)| i).collect::<Vec<_>>()
        });
        At::new(self, remote, active)
    }
}

impl<'a> Filter<'a> {
    fn candidates(&self) -> &[Candidate<'a>] {
        match self {
            Self::Unread(_) => &[],
            Self::Rules(_, candidates) => candidates,
        }
    }
}
