//! One address: everything that is not known of it is a yes or a no, and both are tried.

use crate::facts::address::{self, Point};
use crate::facts::nsg;
use crate::facts::nsg::evaluate::LevelName;
use crate::facts::nsg::ports::PortRange;
use crate::facts::nsg::resolve::note;
use crate::facts::nsg::rule::{Access, Group, Rule};
use crate::facts::nsg::source_ports::preferred;
use crate::facts::schema::Unread;

use super::rules::{self, Candidate, Match};
use super::{Filter, Flow, FlowAccess, FlowAnswer, FlowDecision};

/// How many answers are tried for one address before it counts as unknown.
const MOST_TRIES: usize = 1 << 14;

/// All that filters packets to or from one address.
pub(super) struct At<'f, 'a> {
    pub(super) remote: Point,
    /// Whether a tag may mean the address: tags mean public ones.
    pub(super) public: bool,
    pub(super) levels: Vec<(LevelName, FilterAt<'f, 'a>)>,
    pub(super) local_ports: Vec<Ports>,
    pub(super) remote_ports: Vec<Ports>,
    pub(super) facts: usize,
}

pub(super) enum FilterAt<'f, 'a> {
    Unread(&'a Unread),
    /// Rules that may match.
    Rules(&'a Group, Vec<&'f Candidate<'a>>),
}

/// Ports that no rule tells apart.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    pub(super) first: u16,
    pub(super) ranges: Vec<PortRange>,
}

/// One packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) remote: Point,
    pub(super) local_port: u16,
    pub(super) remote_port: u16,
    pub(super) public: bool,
}

/// Which ends are possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
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

    pub(super) fn or(self, other: Self) -> Self {
        Self { deny: self.deny || other.deny, allow: self.allow || other.allow }
    }
}

/// What is taken to be true of the remote address, for a try: of each fact, whether it holds.
pub(super) type Assumed = Vec<Option<bool>>;

/// What a level may do with a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    deny: bool,
    go_on: bool,
    past: bool,
}

impl Effects {
    /// What a rule may do; one whose access was not understood, any of it.
    pub(super) fn of(access: Option<Access>, level: LevelName) -> Self {
        match access {
            Some(Access::Deny) => Self { deny: true, ..Self::default() },
            Some(Access::Allow) => Self { go_on: true, ..Self::default() },
            // Only admin rules lead past the groups.
            Some(Access::AlwaysAllow) if level == LevelName::Admin => Self { past: true, ..Self::default() },
            Some(Access::AlwaysAllow) => Self { go_on: true, ..Self::default() },
            None => Self { deny: true, go_on: true, past: level == LevelName::Admin },
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { deny: self.deny || other.deny, go_on: self.go_on || other.go_on, past: self.past || other.past }
    }

    /// The one thing that it does.
    pub(super) fn certain(self) -> Option<Access> {
        match (self.deny, self.go_on, self.past) {
            (true, false, false) => Some(Access::Deny),
            (false, true, false) => Some(Access::Allow),
            (false, false, true) => Some(Access::AlwaysAllow),
            _ => None,
        }
    }
}

impl<'f, 'a> At<'f, 'a> {
    /// `active`: of each level the places of the rules that may match.
    pub(super) fn new<I: IntoIterator<Item = usize>>(
        flow: &'f Flow<'a>,
        remote: Point,
        active: impl Iterator<Item = I>,
    ) -> Self {
        let levels = flow.levels.iter().zip(active).map(|((level, filter), active)| match filter {
            Filter::Unread(unread) => (*level, FilterAt::Unread(unread)),
            Filter::Rules(group, all) => {
                (*level, FilterAt::Rules(group, active.into_iter().map(|i| &all[i]).collect()))
            }
        });
        let levels: Vec<_> = levels.collect();
        let classes = |asked: Option<u16>, of: fn(&Rule) -> &nsg::Ports| match asked {
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
    pub(super) fn access(&self, holds: Option<usize>) -> FlowAccess {
        self.ends(&self.local_ports, &self.remote_ports, holds).access()
    }

    pub(super) fn answer(&self) -> FlowAnswer<'a> {
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
pub(super) fn undecided(level: LevelName) -> Access {
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
