//! Reports: one result, rendered for people ([`table`]) and machines ([`json`]).
//!
//! Each format is one file with one [`Format`]; [`FormatName`] is the list of them.

pub mod diagnosis;
mod evidence;
pub mod file;
mod fingerprint;
pub mod ip_flow;
pub mod json;
mod layout;
mod markdown;
mod natural;
pub mod policies;
pub mod policy;
pub mod policy_tests;
#[cfg(test)]
mod sample;
pub mod symptoms;
pub mod table;
pub mod text;

use std::cmp::Ordering;
use std::io::{self, Write};
use std::str::FromStr;

use time::OffsetDateTime;

use crate::exit::Exit;
use crate::policy::{Counts, Judgement, Severity, Verdict};
use crate::source::{Gap, Input};

pub use fingerprint::fingerprint;
pub use natural::order_of_gaps;

/// Whether the estate was read from Azure or from files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// From Azure Resource Manager.
    Live,
    /// From files; nothing was asked of Azure.
    Offline,
}

impl SourceKind {
    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Offline => "offline",
        }
    }
}

/// What was audited, and when.
#[derive(Clone, Debug)]
pub struct RunMeta {
    /// The moment of the audit.
    pub now: OffsetDateTime,
    /// Live or offline.
    pub kind: SourceKind,
    /// `public`, `usgov`, `china`; `public` where nobody named one.
    pub cloud: String,
    /// The ids of the subscriptions: those that were scanned live, or that the resources of the input belong to.
    pub subscriptions: Vec<String>,
    /// What was read, in the order in which it was read.
    pub inputs: Vec<Input>,
    /// How many ARM resources were read, of whatever type.
    pub resources: u64,
    /// What could not be read, in the order of [`order_of_gaps`].
    pub gaps: Vec<Gap>,
}

/// The result of an audit.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was audited.
    pub meta: RunMeta,
    /// Counts over all judgements.
    pub counts: Counts,
    /// The judgements that are shown, ordered by severity, policy, subject and element.
    pub results: Vec<Judgement>,
}

impl Report {
    /// A report of the judgements in `kept`, in whatever order they come.
    pub fn new(mut meta: RunMeta, mut kept: Vec<Judgement>, counts: Counts) -> Self {
        meta.subscriptions.sort_unstable();
        meta.subscriptions.dedup();
        meta.gaps.sort_unstable_by(order_of_gaps);
        meta.gaps.dedup();
        kept.sort_by(order);
        Self { meta, counts, results: kept }
    }

    /// What the run tells the shell; `fail_on` is the mildest severity that counts, `None` where none does.
    pub fn exit(&self, fail_on: Option<Severity>) -> Exit {
        let counts = |severity: &Severity| fail_on.is_some_and(|mildest| *severity <= mildest);
        if !self.meta.gaps.is_empty() {
            Exit::Incomplete
        } else if Severity::ALL.iter().filter(|s| counts(s)).any(|s| self.counts.failures(*s) > 0) {
            Exit::Findings
        } else {
            Exit::Clean
        }
    }

    /// The shown judgements with that verdict, in the report's order.
    fn with(&self, verdict: Verdict) -> Vec<&Judgement> {
        self.results.iter().filter(|result| result.verdict == verdict).collect()
    }
}

/// The order of results. It is total, so that the same judgements give the same bytes in whatever order they were
/// made: what policies and subjects leave open, spelling and text decide.
fn order(a: &Judgement, b: &Judgement) -> Ordering {
    let lower = |judgement: &Judgement| judgement.subject.element.as_deref().map(str::to_lowercase);
    (a.severity.cmp(&b.severity))
        .then_with(|| a.policy.id.cmp(&b.policy.id))
        .then_with(|| a.subject.id.cmp(&b.subject.id))
        .then_with(|| lower(a).cmp(&lower(b)))
        .then_with(|| a.subject.element.cmp(&b.subject.element))
        .then_with(|| a.subject.id.as_str().cmp(b.subject.id.as_str()))
        .then_with(|| a.verdict.cmp(&b.verdict))
        .then_with(|| a.message.cmp(&b.message))
}

/// A way to write a report.
pub trait Format {
    /// Writes the whole report; the caller buffers and flushes.
    fn write(&self, report: &Report, out: &mut dyn Write) -> io::Result<()>;
}

/// The formats, as the command line names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatName {
    /// For people.
    Table,
    /// `azaudit.report/v1`.
    Json,
}

impl FormatName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Table, Self::Json];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
        }
    }

    /// The format itself. `color` and `width` (columns) matter to formats for a terminal.
    pub fn format(self, color: bool, width: u16) -> Box<dyn Format> {
        match self {
            Self::Table => Box::new(table::Table { color, width }),
            Self::Json => Box::new(json::Json),
        }
    }
}

/// The error names the formats that there are.
impl FromStr for FormatName {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|name| name.word() == word).ok_or_else(|| {
            let words = Self::ALL.map(Self::word).join(", ");
            format!("unknown format `{}`\nhint: the formats are {words}", text::visible(word))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_one_order_whatever_order_they_come_in() {
        let report = sample::report();
        let mut results = report.results.clone();
        results.reverse();
        let mut again = Report::new(report.meta.clone(), results, report.counts.clone()).results;
        assert_eq!(again, report.results);
        again.rotate_left(3);
        assert_eq!(Report::new(report.meta, again, report.counts).results, report.results);
    }

    #[test]
    fn worst_first_then_policy_then_subject_without_letter_case() {
        let mut upper = sample::certificate("GW-B", "Root");
        upper.policy = sample::certificate("gw-a", "Root").policy;
        let kept = vec![sample::certificate("gw-c", "Root"), upper, sample::certificate("gw-a", "Root")];
        let report = Report::new(sample::report().meta, kept, Counts::default());
        let names: Vec<&str> = report.results.iter().map(|result| result.subject.name.as_str()).collect();
        assert_eq!(names, ["gw-a", "GW-B", "gw-c"]);

        let severities: Vec<Severity> = sample::report().results.iter().map(|result| result.severity).collect();
        assert!(severities.is_sorted() && severities[0] == Severity::Critical, "{severities:?}");
    }

    #[test]
    fn a_gap_wins_over_findings_and_the_threshold_includes_its_own_severity() {
        let mut report = sample::report();
        assert_eq!(report.exit(None), Exit::Incomplete);
        report.meta.gaps.clear();
        report.counts = Counts::default();
        report.counts.verdict(Verdict::Unknown, Severity::Critical);
        assert_eq!(report.exit(Some(Severity::Info)), Exit::Clean);
        report.counts.verdict(Verdict::Fail, Severity::Medium);
        assert_eq!(report.exit(Some(Severity::High)), Exit::Clean);
        assert_eq!(report.exit(Some(Severity::Medium)), Exit::Findings);
        assert_eq!(report.exit(None), Exit::Clean);
    }

    #[test]
    fn an_unknown_format_is_answered_with_the_known_ones() {
        assert_eq!("json".parse(), Ok(FormatName::Json));
        let error = "jsno".parse::<FormatName>().unwrap_err();
        assert_eq!(error, "unknown format `jsno`\nhint: the formats are table, json");
    }
}
