//! What is certain of one packet: allowed, denied, or unknown because something that decides it was not read.
//!
//! For a single address everything that is not known is a yes or a no: whether it belongs to a service tag, whether a
//! rule that was not understood means it. The walk asks the rules in order and tries both answers to each such
//! question, so the result is unknown exactly where the answers lead to different ends.

mod rules;

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
    local_ports: Vec<Ports>,
    remote_ports: Vec<Ports>,
}

#[derive(Debug)]
enum Filter<'a> {
    Unread(&'a Unread),
    /// Rules that may be about the end, in the order in which they are asked.
    Rules(&'a Group, Vec<Candidate<'a>>),
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
    /// Whether a tag may mean the remote address: tags mean public ones.
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

/// What is taken to be true of the remote address, for a try.
type Assumed<'a> = Vec<(Fact<'a>, bool)>;

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
        let levels = self.levels(local.direction).into_iter().filter_map(|(name, level)| match level {
            Level::None => None,
            Level::Unread { unread, .. } => Some((name, Filter::Unread(unread))),
            Level::Group(group) => {
                Some((name, Filter::Rules(group, rules::candidates(group, local, &self.scope, ports))))
            }
        });
        let levels: Vec<_> = levels.collect();
        let candidates = || levels.iter().flat_map(|(_, filter)| filter.candidates());
        let classes = |asked: Option<u16>, of: fn(&Rule) -> &super::Ports| match asked {
            Some(port) => vec![Ports { first: port, ranges: vec![(port, port)] }],
            None => rules::classes(candidates().map(|it| of(it.rule))),
        };
        Flow {
            local_ports: classes(ports.local, |rule| &rule.local.ports),
            remote_ports: classes(ports.remote, |rule| &rule.remote.ports),
            family: local.family,
            levels,
        }
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

impl<'a> Flow<'a> {
    /// What becomes of packets from or to that address.
    pub fn access(&self, remote: Point) -> FlowAccess {
        self.ends(remote, &self.local_ports, &self.remote_ports, &[]).access()
    }

    /// What becomes of packets from or to that address, and why.
    pub fn answer(&self, remote: Point) -> FlowAnswer<'a> {
        let access = self.access(remote);
        let (locals, remotes) = (&self.local_ports, &self.remote_ports);
        let same = |local: &[Ports], remotes: &[Ports]| self.ends(remote, local, remotes, &[]).access() == access;
        let alike = |all: &[Ports], is: &dyn Fn(&[Ports]) -> bool| -> Vec<PortRange> {
            let mut ranges: Vec<_> =
                all.iter().filter(|it| is(std::slice::from_ref(it))).flat_map(|it| it.ranges.iter().copied()).collect();
            ranges.sort_unstable();
            rules::joined(ranges)
        };
        let remote_ports = alike(remotes, &|one| same(locals, one));
        let local_ports = alike(locals, &|one| same(one, remotes));
        // One packet stands for all: the port that a client is most likely to use, and one that goes with it.
        let remote_port = preferred(&remote_ports).unwrap_or(remotes[0].first);
        let one = [Ports { first: remote_port, ranges: Vec::new() }];
        let local_port = preferred(&alike(locals, &|local| same(local, &one))).unwrap_or(locals[0].first);
        let public = !address::not_public().contains(remote);
        let decisions = self.decisions(&Packet { remote, local_port, remote_port, public });
        let decided_by = decided_by(access, &decisions);
        let mut unread = Vec::new();
        if access == FlowAccess::Unknown {
            let open = decisions.iter().filter(|it| it.access.is_none());
            open.flat_map(|it| &it.unread).for_each(|it| note(&mut unread, it.clone()));
        }
        FlowAnswer { access, decisions, decided_by, unread, remote_ports, local_ports }
    }

    /// The remote addresses with that answer, and the service tags without known addresses that certainly have it too
    /// though nobody knows where they lie (but for a part of them that an earlier rule may take).
    pub fn alike(&self, access: FlowAccess) -> (AddressSet, Vec<Tag>) {
        let candidates = || self.levels.iter().flat_map(|(_, filter)| filter.candidates());
        let mut tags: Vec<Tag> = candidates().flat_map(|it| &it.tags).cloned().collect();
        tags.sort();
        tags.dedup();
        let mut borders: Vec<&AddressSet> = candidates().flat_map(Candidate::sets).collect();
        if !tags.is_empty() {
            borders.push(address::not_public());
        }
        let universe = AddressSet::of(self.family);
        let cells = rules::cells(&borders, &universe);
        let mut alike = Vec::new();
        let mut tagged: Vec<Tag> = Vec::new();
        for (start, end) in cells {
            if self.access(start) == access {
                alike.push((start, end));
            } else if access != FlowAccess::Unknown && !address::not_public().contains(start) {
                let has = |tag: &Tag| {
                    let assumed = [(Fact::Tag(tag.clone()), true)];
                    self.ends(start, &self.local_ports, &self.remote_ports, &assumed).access() == access
                };
                let (more, rest) = tags.into_iter().partition(has);
                tagged.extend::<Vec<Tag>>(more);
                tags = rest;
            }
        }
        tagged.sort();
        (AddressSet::from_ranges(alike), tagged)
    }

    /// The ends that are possible for packets from one port or another.
    fn ends(&self, remote: Point, locals: &[Ports], remotes: &[Ports], assumed: &[(Fact<'a>, bool)]) -> Ends {
        let public = !address::not_public().contains(remote);
        let pairs = locals.iter().flat_map(|local| remotes.iter().map(move |remote| (local.first, remote.first)));
        let packets: Vec<Packet> =
            pairs.map(|(local_port, remote_port)| Packet { remote, local_port, remote_port, public }).collect();
        let mut tries = MOST_TRIES;
        self.try_all(&packets, &mut assumed.to_vec(), &mut tries)
    }

    fn try_all(&self, packets: &[Packet], assumed: &mut Assumed<'a>, tries: &mut usize) -> Ends {
        let mut all = Ends { deny: true, allow: false };
        for packet in packets {
            if *tries == 0 {
                return Ends::BOTH;
            }
            *tries -= 1;
            match self.walk(packet, assumed) {
                // One port is enough, whatever the others do.
                Ok(Ends { allow: true, deny: false }) => return Ends { allow: true, deny: false },
                Ok(ends) => all = all.or(ends),
                Err(fact) => {
                    let mut ends = Ends::default();
                    for truth in [false, true] {
                        assumed.push((fact.clone(), truth));
                        ends = ends.or(self.try_all(packets, assumed, tries));
                        assumed.pop();
                        if ends == Ends::BOTH {
                            break;
                        }
                    }
                    return ends;
                }
            }
        }
        all
    }

    /// The ends that are possible for one packet, or the fact about its address that has to be assumed first.
    fn walk(&self, packet: &Packet, assumed: &Assumed<'a>) -> Result<Ends, Fact<'a>> {
        let mut ends = Ends::default();
        for (level, filter) in &self.levels {
            let effects = match filter {
                Filter::Unread(_) => Effects::of(None, *level),
                Filter::Rules(_, candidates) => effects(*level, candidates, packet, assumed)?,
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
                Filter::Rules(group, candidates) => rules::decision(*level, group, candidates, packet),
                Filter::Unread(unread) => {
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

/// What the rules of a level may do with a packet.
fn effects<'a>(
    level: LevelName,
    candidates: &[Candidate<'a>],
    packet: &Packet,
    assumed: &Assumed<'a>,
) -> Result<Effects, Fact<'a>> {
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
