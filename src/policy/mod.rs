//! Policies: data that is loaded and checked, then evaluated over subjects. The only place where a verdict is made.
//!
//! The key `port: 22` of a policy about `rdpEndpoint` has its facts computed for that port instead of the one that
//! Remote Desktop is configured to listen on: who reaches SSH, WinRM or a database is a file like any other.
//! [`PolicySet::audit`] sees to it that each policy is asked about facts of its port.

mod audit;
mod diagnostics;
mod document;
mod evaluate;
mod expression;
mod json_schema;
mod keys;
mod load;
mod set;
mod template;
mod yaml;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Serialize;

use crate::facts::Identity;

pub use audit::Counts;
pub use diagnostics::LoadError;
pub(crate) use diagnostics::{did_you_mean, line_and_column, listed, nearest};
pub use evaluate::Policy;
pub use expression::{Param, Read};
pub use json_schema::json_schema;
pub use set::{PolicyError, PolicySet};

/// How bad a failure is, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Broken or open now.
    Critical,
    /// Breaks for some, or soon.
    High,
    /// A risk.
    Medium,
    /// Worth mending.
    Low,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// All of them, worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The word that policies and reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

/// What a policy says of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The claim does not hold.
    Fail,
    /// Data is missing: which, the message says.
    Unknown,
    /// The claim holds.
    Pass,
    /// The claim is not about this subject.
    NotApplicable,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Fail, Self::Unknown, Self::NotApplicable];

    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::NotApplicable => "notApplicable",
        }
    }
}

/// Some of the verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts(u8);

impl Verdicts {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// What a report shows unless it is asked for more: fail and unknown.
    pub const FINDINGS: Self = Self::NONE.with(Verdict::Fail).with(Verdict::Unknown);
    /// All of them.
    pub const ALL: Self = Self::FINDINGS.with(Verdict::Pass).with(Verdict::NotApplicable);

    /// These and that one.
    #[must_use]
    pub const fn with(self, verdict: Verdict) -> Self {
        Self(self.0 | 1 << verdict as u8)
    }

    /// Whether it is one of these.
    pub const fn contains(self, verdict: Verdict) -> bool {
        self.0 & 1 << verdict as u8 != 0
    }
}

impl FromIterator<Verdict> for Verdicts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        verdicts.into_iter().fold(Self::NONE, Self::with)
    }
}

/// What a report repeats of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The file's name without its extension.
    pub id: String,
    /// The claim.
    pub title: String,
    /// Symptoms that its failure explains.
    pub symptoms: Vec<String>,
    /// Addresses of documentation.
    pub references: Vec<String>,
    /// Framework to controls: `{"cis-azure-foundations": ["7.1"]}`.
    pub frameworks: std::collections::BTreeMap<String, Vec<String>>,
}

/// How to mend what failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remediation {
    /// In words.
    pub text: String,
    /// Commands that can be pasted into a POSIX shell, names filled in and quoted.
    pub commands: Vec<String>,
}

/// A verdict with its grounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Which policy.
    pub policy: Arc<Metadata>,
    /// Its severity for this subject.
    pub severity: Severity,
    /// The verdict.
    pub verdict: Verdict,
    /// Which subject.
    pub subject: Identity,
    /// One sentence for a person. Of an unknown: what is missing, and how to get it.
    pub message: String,
    /// What it rests on.
    pub evidence: serde_json::Map<String, serde_json::Value>,
    /// How to mend it; empty where nothing failed.
    pub remediation: Remediation,
}
