//! Counting events by scenario while they pass.

use serde::Serialize;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::Event;
use super::date::Moment;

/// One kind of event that belongs to a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPair {
    /// The names under which its source is known, in any letter case: the provider's name, the short name that Event
    /// Viewer shows, the name of the source before Windows Vista. Reports show the first.
    pub sources: Vec<String>,
    /// The event id.
    pub id: u32,
}

/// A symptom that events tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The symptom's id in the catalogue.
    pub symptom: String,
    /// Its events.
    pub events: Vec<EventPair>,
}

/// What an event log tells: `events` of the diagnosis, apart from the steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventLog {
    /// How many events were read, of all sources.
    pub read: u64,
    /// How many events, or parts that hold an unknown number of events, could not be read.
    pub damaged: u64,
    /// The scenarios of which there are events, in the order in which they were given.
    pub scenarios: Vec<ScenarioCount>,
}

/// The events of one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioCount {
    /// The symptom's id in the catalogue.
    pub symptom: String,
    /// How many of its events there are; at least one.
    pub count: u64,
    /// When the last of them happened, RFC 3339 in UTC, whole seconds. None when the log does not tell that of each
    /// of them: most texts state local time without its zone, and a guess may be half a day off.
    pub last: Option<String>,
    /// Where all times are local and their zone is not stated: the last of them, `2026-06-14 08:12:44`.
    #[serde(skip)]
    pub last_local: Option<String>,
    /// The kinds of events that happened, in the order in which they were given.
    pub ids: Vec<EventCount>,
}

/// The events of one source and id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventCount {
    /// The first name of the source in the scenario.
    pub source: String,
    /// The event id.
    pub id: u32,
    /// How many of them there are; at least one.
    pub count: u64,
}

/// Counts of a log that is being read.
pub(super) struct Tally<'a> {
    scenarios: Vec<Counts<'a>>,
    read: u64,
    damaged: u64,
}

struct Counts<'a> {
    scenario: &'a Scenario,
    /// One for each of the scenario's events.
    counts: Vec<u64>,
    latest: Latest,
}

#[derive(Default)]
struct Latest {
    utc: Option<OffsetDateTime>,
    local: Option<PrimitiveDateTime>,
    unknown: bool,
}

impl<'a> Tally<'a> {
    pub fn new(scenarios: &'a [Scenario]) -> Self {
        let counts = |scenario: &'a Scenario| Counts {
            scenario,
            counts: vec![0; scenario.events.len()],
            latest: Latest::default(),
        };
        Self { scenarios: scenarios.iter().map(counts).collect(), read: 0, damaged: 0 }
    }

    /// Counts an event.
    pub fn event(&mut self, event: &Event) {
        self.read += 1;
        for counts in &mut self.scenarios {
            let mut counted = false;
            for (pair, count) in counts.scenario.events.iter().zip(&mut counts.counts) {
                if pair.id == event.id && pair.names_one_of(&event.sources) {
                    *count += 1;
                    counted = true;
                }
            }
            if counted {
                counts.latest.add(event.moment);
            }
        }
    }

    /// Counts an event, or a part of the log, that could not be read.
    pub fn damaged(&mut self) {
        self.damaged += 1;
    }

    pub fn saw_anything(&self) -> bool {
        self.read > 0 || self.damaged > 0
    }

    pub fn read_any(&self) -> bool {
        self.read > 0
    }

    /// Takes back what was counted as damaged: the input turned out to be no log at all.
    pub fn forget_damage(&mut self) {
        self.damaged = 0;
    }

    pub fn finish(self) -> EventLog {
        let scenarios = self.scenarios.into_iter().filter_map(Counts::finish).collect();
        EventLog { read: self.read, damaged: self.damaged, scenarios }
    }
}

impl EventPair {
    fn names_one_of(&self, sources: &[String]) -> bool {
        self.sources.iter().any(|name| sources.iter().any(|source| source.eq_ignore_ascii_case(name)))
    }
}

impl Counts<'_> {
    /// None when none of the scenario's events happened.
    fn finish(self) -> Option<ScenarioCount> {
        let happened = |(pair, count): (&EventPair, u64)| {
            let source = pair.sources.first().cloned().unwrap_or_default();
            (count > 0).then_some(EventCount { source, id: pair.id, count })
        };
        let ids: Vec<EventCount> = self.scenario.events.iter().zip(self.counts).filter_map(happened).collect();
        let (last, last_local) = self.latest.finish();
        let count = ids.iter().map(|it| it.count).sum();
        let symptom = self.scenario.symptom.clone();
        (count > 0).then_some(ScenarioCount { symptom, count, last, last_local, ids })
    }
}

impl Latest {
    fn add(&mut self, moment: Option<Moment>) {
        match moment {
            Some(Moment::Utc(at)) => self.utc = self.utc.max(Some(at)),
            Some(Moment::Local(at)) => self.local = self.local.max(Some(at)),
            None => self.unknown = true,
        }
    }

    /// The last in UTC, or the last in local time. Two kinds of times cannot be compared, so the last of them all is
    /// not known.
    fn finish(self) -> (Option<String>, Option<String>) {
        let utc = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        let local = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
        match self {
            Self { unknown: true, .. } => (None, None),
            Self { utc: Some(at), local: None, .. } => (at.format(utc).ok(), None),
            Self { utc: None, local: Some(at), .. } => (None, at.format(local).ok()),
            _ => (None, None),
        }
    }
}
