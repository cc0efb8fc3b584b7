//! Policies: data that is loaded and checked, then evaluated over subjects. The only place where a verdict is made.

use std::sync::Arc;

use serde::Serialize;

use crate::facts::Identity;

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
