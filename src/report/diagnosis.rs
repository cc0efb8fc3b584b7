//! A diagnosis: what a symptom is, what Azure's configuration says about its causes, and what is left to do elsewhere.

mod json;
mod markdown;
mod text;
mod words;

use crate::events::{EventLog, ScenarioCount};
use crate::exit::Exit;
use crate::policy::{Judgement, Verdict};
use crate::symptoms::{Language, Symptom};

pub use json::write as json;
pub use markdown::write as markdown;
pub use text::write as text;

/// Causes of one state that people are shown before the rest is counted.
const MOST: usize = 20;

/// What a policy says of a subject, as the cause of a symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The policy fails: here is a cause.
    Found,
    /// Data is missing.
    CannotTell,
    /// The policy passes: this is not the cause.
    RuledOut,
}

impl State {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Found, Self::CannotTell, Self::RuledOut];

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::CannotTell => "cannotTell",
            Self::RuledOut => "ruledOut",
        }
    }

    /// What that verdict says of a cause; of a policy that is not about the subject, nothing.
    pub fn of(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Fail => Some(Self::Found),
            Verdict::Unknown => Some(Self::CannotTell),
            Verdict::Pass => Some(Self::RuledOut),
            Verdict::NotApplicable => None,
        }
    }
}

/// A cause that was looked for at one subject.
#[derive(Clone, Debug)]
pub struct Cause {
    /// Whether it is there.
    pub state: State,
    /// What the policy says.
    pub judgement: Judgement,
}

/// What was looked at for causes.
#[derive(Clone, Debug)]
pub struct Look {
    /// How many policies explain the symptom. None: Azure's side cannot be its cause.
    pub policies: usize,
    /// What they say, by state, severity, policy and subject.
    pub causes: Vec<Cause>,
    /// Whether something could not be read, so that there may be more subjects than were judged.
    pub incomplete: bool,
}

impl Look {
    /// Judgements as causes, in the order in which they are told.
    pub fn new(policies: usize, judgements: Vec<Judgement>, incomplete: bool) -> Self {
        let cause = |judgement: Judgement| Some(Cause { state: State::of(judgement.verdict)?, judgement });
        let mut causes: Vec<Cause> = judgements.into_iter().filter_map(cause).collect();
        causes.sort_by_cached_key(|Cause { state, judgement }| {
            let Judgement { severity, policy, subject, .. } = judgement;
            (*state, *severity, policy.id.clone(), subject.id.key().into_owned(), subject.element.clone())
        });
        Self { policies, causes, incomplete }
    }

    /// The causes of that state.
    pub fn of(&self, state: State) -> impl Iterator<Item = &Judgement> {
        self.causes.iter().filter(move |cause| cause.state == state).map(|cause| &cause.judgement)
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        let has = |state| self.of(state).next().is_some();
        match () {
            () if has(State::Found) => Exit::Findings,
            () if self.policies == 0 => Exit::Clean,
            () if has(State::CannotTell) || self.causes.is_empty() || self.incomplete => Exit::Incomplete,
            () => Exit::Clean,
        }
    }
}

/// The answer to one text.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The language of what is told, but for what policies say.
    pub language: Language,
    /// Which symptom it is; `None`: none, or several near ones.
    pub symptom: Option<&'static Symptom>,
    /// Symptoms that are near, best first, with a score from 0 to 1.
    pub matches: Vec<(String, f32)>,
    /// `None`: nobody said where to look.
    pub look: Option<Look>,
    /// What an event log holds, where one was read instead of a text.
    pub events: Option<EventLog>,
}

impl Diagnosis {
    /// An answer that says nothing yet.
    pub fn of_nothing(language: Language) -> Self {
        Self { language, symptom: None, matches: Vec::new(), look: None, events: None }
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        if let Some(events) = &self.events {
            return match () {
                () if !events.scenarios.is_empty() => Exit::Findings,
                () if events.damaged > 0 => Exit::Incomplete,
                () => Exit::Clean,
            };
        }
        match (self.symptom, &self.look) {
            (None, _) => Exit::NothingAudited,
            (Some(_), None) => Exit::Incomplete,
            (Some(_), Some(look)) => look.exit(),
        }
    }
}

/// The name of a subject for people: with its element, which may be all that tells two apart.
fn name(judgement: &Judgement) -> String {
    let subject = &judgement.subject;
    match &subject.element {
        Some(element) => format!("{}/{element}", subject.name),
        None => subject.name.clone(),
    }
}

/// When the last event of a scenario happened, for people.
fn last(scenario: &ScenarioCount, words: &words::Words) -> Option<String> {
    let local = || scenario.last_local.as_ref().map(|moment| format!("{moment} ({})", words.local_time));
    scenario.last.clone().or_else(local)
}
