//! What is certain of one packet: allowed, denied, or unknown because something that decides it was not read.
//!
//! For a single address everything that is not known is a yes or a no: whether it belongs to a service tag, whether a
//! rule that was not understood means it. The walk asks the rules in order and tries both answers to each such
//! question, so the result is unknown exactly where the answers lead to different ends.

mod rules;
mod sweep;

use crate::facts::address::{self, AddressSet, Family, Point};
use crate::facts::schema::Unread;
use crate::facts::service_tag::Tag;

use super::evaluate::{Level, LevelName, Stack};
use super::ports::PortRange;
use super::resolve::{Fact, note};
use super::rule::{Access, Group, Rule};
use super::scope::Local;
use super::source_ports::preferred;
use rules::{Candidate, Match};
use sweep::cells;

/// How many answers are tried for one address before it counts as unknown.
const MOST_TRIES: usize = 1 << 14;

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

/// All that filters packets to or from one address.
struct At<'f, 'a> {
    remote: Point,
    /// Whether a tag may mean the address: tags mean public ones.
    public: bool,
    levels: Vec<(LevelName, FilterAt<'f, 'a>)>,
    local_ports: Vec<Ports>,
    remote_ports: Vec<Ports>,
    facts: usize,
}

enum FilterAt<'f, 'a> {
    Unread(&'a Unread),
    /// Rules that may match.
    Rules(&'a Group, Vec<&'f Candidate<'a>>),
}

/// Ports that no rule tells apart.
#[derive(Clone, Debug)]
struct Ports {
    first: u16,
    ranges: Vec<PortRange>,
}

/// One packet.
#[derive(Clone, Copy, Debug)]
struct Packet {
    remote: Point,
    local_port: u16,
    remote_port: u16,
    public: bool,
}

/// Which ends are possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ends {
    deny: bool,
    allow: bool,
}

impl Ends {
    const BOTH: Self = Self { deny: true, allow: true };

    fn access(self) -> FlowAccess {
        match (self.deny, self.allow) {
            (false, true) => FlowAccess::Allow,
            (true, false) => FlowAccess::Deny,
            _ => FlowAccess::Unknown,
        }
    }

    fn or(self, other: Self) -> Self {
        Self { deny: self.deny || other.deny, allow: self.allow || other.allow }
    }
}

/// What is taken to be true of the remote address, for a try: of each fact, whether it holds.
type Assumed = Vec<Option<bool>>;

/// What a level may do with a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Effects {
    deny: bool,
    go_on: bool,
    past: bool,
}

impl Effects {
    /// What a rule may do; one whose access was not understood, any of it.
    fn of(access: Option<Access>, level: LevelName) -> Self {
        match access {
            Some(Access::Deny) => Self { deny: true, ..Self::default() },
            Some(Access::Allow) => Self { go_on: true, ..Self::default() },
            // Only admin rules lead past the groups.
            Some(Access::AlwaysAllow) if level == LevelName::Admin => Self { past: true, ..Self::default() },
            Some(Access::AlwaysAllow) => Self { go_on: true, ..Self::default() },
            None => Self { deny: true, go_on: true, past: level == LevelName::Admin },
        }
    }

    fn or(self, other: Self) -> Self {
        Self { deny: self.deny || other.deny, go_on: self.go_on || other.go_on, past: self.past || other.past }
    }

    /// The one thing that it does.
    fn certain(self) -> Option<Access> {
        match (self.deny, self.go_on, self.past) {
            (true, false, false) => Some(Access::Deny),
            (false, true, false) => Some(Access::Allow),
            (false, false, true) => Some(Access::AlwaysAllow),
            _ => None,
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

impl<'f, 'a> At<'f, 'a> {
    /// `active`: of each level the places of the rules that may match.
    fn new<I: IntoIterator<Item = usize>>(flow: &'f Flow<'a>, remote: Point, active: impl Iterator<Item = I>) -> Self {
        let levels = flow.levels.iter().zip(active).map(|((level, filter), active)| match filter {
            Filter::Unread(unread) => (*level, FilterAt::Unread(unread)),
            Filter::Rules(group, all) => {
                (*level, FilterAt::Rules(group, active.into_iter().map(|i| &all[i]).collect()))
            }
        });
        let levels: Vec<_> = levels.collect();
        let classes = |asked: Option<u16>, of: fn(&Rule) -> &super::Ports| match asked {
            Some(port) => vec![Ports { first: port, ranges: vec![(port, port)] }],
            None => rules::classes(levels.iter().flat_map(|(_, filter)| filter.candidates()).map(|it| of(it.rule))),
        };
        Self {
            remote,
            public: !address::not_public().contains(remote),
            local_ports: classes(flow.ports.local, |rule| &rule.local.ports),
            remote_ports: classes(flow.ports.remote, |rule| &rule.remote.ports),
            facts: flow.facts.len(),
            levels,
        }
    }

    /// What becomes of packets, where that fact holds.
    fn access(&self, holds: Option<usize>) -> FlowAccess {
        self.ends(&self.local_ports, &self.remote_ports, holds).access()
    }

    fn answer(&self) -> FlowAnswer<'a> {
        let access = self.access(None);
        let (locals, remotes) = (&self.local_ports, &self.remote_ports);
        let same = |locals: &[Ports], remotes: &[Ports]| self.ends(locals, remotes, None).access() == access;
        let alike = |all: &[Ports], is: &dyn Fn(&[Ports]) -> bool| -> Vec<PortRange> {
            let alike = all.iter().filter(|it| is(std::slice::from_ref(it)));
            rules::joined(alike.flat_map(|it| it.ranges.iter().copied()).collect())
        };
        let remote_ports = alike(remotes, &|one| same(locals, one));
        let local_ports = alike(locals, &|one| same(one, remotes));
        // One packet stands for all: the port that a client is most likely to use, and one that goes with it.
        let remote_port = preferred(&remote_ports).unwrap_or(remotes[0].first);
        let one = [Ports { first: remote_port, ranges: Vec::new() }];
        let local_port = preferred(&alike(locals, &|local| same(local, &one))).unwrap_or(locals[0].first);
        let packet = Packet { remote: self.remote, local_port, remote_port, public: self.public };
        let decisions = self.decisions(&packet);
        let decided_by = decided_by(access, &decisions);
        let mut unread = Vec::new();
        if access == FlowAccess::Unknown {
            let open = decisions.iter().filter(|it| it.access.is_none());
            open.flat_map(|it| &it.unread).for_each(|it| note(&mut unread, it.clone()));
        }
        FlowAnswer { access, decisions, decided_by, unread, remote_ports, local_ports }
    }

    /// The ends that are possible for packets from one port or another.
    fn ends(&self, locals: &[Ports], remotes: &[Ports], holds: Option<usize>) -> Ends {
        let (remote, public) = (self.remote, self.public);
        let pairs = locals.iter().flat_map(|local| remotes.iter().map(move |remote| (local.first, remote.first)));
        let packets: Vec<Packet> =
            pairs.map(|(local_port, remote_port)| Packet { remote, local_port, remote_port, public }).collect();
        let mut assumed = vec![None; self.facts];
        if let Some(holds) = holds {
            assumed[holds] = Some(true);
        }
        self.try_all(&packets, &mut assumed, &mut { MOST_TRIES })
    }

    fn try_all(&self, packets: &[Packet], assumed: &mut Assumed, tries: &mut usize) -> Ends {
        let mut all = Ends { deny: true, allow: false };
        for packet in packets {
            match self.walk(packet, assumed) {
                // One port is enough, whatever the others do.
                Ok(Ends { allow: true, deny: false }) => return Ends { allow: true, deny: false },
                Ok(ends) => all = all.or(ends),
                Err(_) if *tries == 0 => return Ends::BOTH,
                Err(fact) => {
                    *tries -= 1;
                    let mut ends = Ends::default();
                    for truth in [false, true] {
                        assumed[fact] = Some(truth);
                        ends = ends.or(self.try_all(packets, assumed, tries));
                        if ends == Ends::BOTH {
                            break;
                        }
                    }
                    assumed[fact] = None;
                    return ends;
                }
            }
        }
        all
    }

    /// The ends that are possible for one packet, or the fact about its address that has to be assumed first.
    fn walk(&self, packet: &Packet, assumed: &Assumed) -> Result<Ends, usize> {
        let mut ends = Ends::default();
        for (level, filter) in &self.levels {
            let effects = match filter {
                FilterAt::Unread(_) => Effects::of(None, *level),
                FilterAt::Rules(_, candidates) => effects(*level, candidates, packet, assumed)?,
            };
            ends.deny |= effects.deny;
            ends.allow |= effects.past;
            if !effects.go_on || ends == Ends::BOTH {
                return Ok(ends);
            }
        }
        Ok(Ends { allow: true, ..ends })
    }

    /// What each level that is asked does with a packet.
    fn decisions(&self, packet: &Packet) -> Vec<FlowDecision<'a>> {
        let mut decisions = Vec::new();
        for (level, filter) in &self.levels {
            let (decision, effects) = match filter {
                FilterAt::Rules(group, candidates) => rules::decision(*level, group, candidates, packet, self.facts),
                FilterAt::Unread(unread) => {
                    let unread = vec![(*unread).clone()];
                    let decision =
                        FlowDecision { level: *level, group: None, rule: None, access: None, or: Vec::new(), unread };
                    (decision, Effects::of(None, *level))
                }
            };
            decisions.push(decision);
            if !effects.go_on {
                break;
            }
        }
        decisions
    }
}

impl<'f, 'a> FilterAt<'f, 'a> {
    fn candidates(&self) -> &[&'f Candidate<'a>] {
        match self {
            Self::Unread(_) => &[],
            Self::Rules(_, candidates) => candidates,
        }
    }
}

/// What the rules of a level may do with a packet.
fn effects(
    level: LevelName,
    candidates: &[&Candidate<'_>],
    packet: &Packet,
    assumed: &Assumed,
) -> Result<Effects, usize> {
    let mut effects = Effects::default();
    for tied in candidates.chunk_by(|a, b| a.turn == b.turn) {
        let mut decided = false;
        for candidate in tied {
            let found = candidate.matches(packet, assumed)?;
            if found != Match::No {
                effects = effects.or(Effects::of(candidate.access(), level));
            }
            decided |= found == Match::Yes;
        }
        if decided {
            return Ok(effects);
        }
    }
    Ok(effects.or(Effects::of(Some(undecided(level)), level)))
}

/// What becomes of a packet that no rule of the level matches: admin rules have no default.
fn undecided(level: LevelName) -> Access {
    if level == LevelName::Admin { Access::Allow } else { Access::Deny }
}

fn decided_by(access: FlowAccess, decisions: &[FlowDecision<'_>]) -> Option<usize> {
    match access {
        FlowAccess::Deny => decisions.iter().position(|it| it.access == Some(Access::Deny)),
        FlowAccess::Allow => {
            let last = decisions.len().checked_sub(1)?;
            (decisions[last].access.is_some() && decisions[last].rule.is_some()).then_some(last)
        }
        FlowAccess::Unknown => {
            let mut open = decisions.iter().enumerate().filter(|(_, it)| it.access.is_none());
            let first = open.next()?.0;
            open.next().is_none().then_some(first)
        }
    }
}
