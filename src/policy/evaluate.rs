//! One policy, and its verdict on one subject.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::expression::{Code, Frame, Param, Read, Stop};
use super::template::{CommandTemplate, Template};
use super::{Judgement, Metadata, Remediation, Severity, Verdict};
use crate::facts::schema::Unread;
use crate::facts::{Subject, SubjectKind};

/// A claim about every subject of one kind, loaded and checked.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What reports repeat of it.
    pub metadata: Arc<Metadata>,
    /// Why it matters.
    pub why: Option<String>,
    /// The file that it came from; of a built-in policy its path in the project.
    pub path: String,
    /// What it judges.
    pub subject: SubjectKind,
    /// The type of the resources that it judges by their JSON, as it is spelt; `None`: it judges facts.
    pub resource_type: Option<String>,
    /// The port that its facts are computed for; `None`: the one that Remote Desktop is configured to listen on.
    pub port: Option<u16>,
    /// How bad a failure is, unless a condition of the policy makes it worse or better.
    pub severity: Severity,
    /// The facts that its expressions read, ordered by name, each once.
    pub reads: Vec<Read>,
    /// Its file, whole.
    pub source: Box<str>,
    pub(super) params: Vec<(String, Param)>,
    pub(super) rule: Rule,
}

/// What a policy computes.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) when: Option<Code>,
    pub(super) check: Code,
    pub(super) severity_when: Vec<(Code, Severity)>,
    pub(super) message: Template,
    pub(super) evidence: Vec<(String, Code)>,
    pub(super) remediation: Template,
    pub(super) commands: Vec<CommandTemplate>,
}

/// A verdict before it is put into words.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Finding<'f> {
    Pass,
    Fail(Severity),
    NotApplicable,
    Unread(&'f Unread),
    /// The expression went wrong.
    Error(String),
}

impl Finding<'_> {
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Pass => Verdict::Pass,
            Self::Fail(_) => Verdict::Fail,
            Self::NotApplicable => Verdict::NotApplicable,
            Self::Unread(_) | Self::Error(_) => Verdict::Unknown,
        }
    }
}

impl<'f> From<Stop<'f>> for Finding<'f> {
    fn from(stop: Stop<'f>) -> Self {
        match stop {
            Stop::Unread(unread) => Self::Unread(unread),
            Stop::Error(error) => Self::Error(error),
        }
    }
}

impl Policy {
    /// Its id: the file's name without extension.
    pub fn id(&self) -> &str {
        &self.metadata.id
    }

    /// Whether its failure explains the symptom of that id.
    pub fn explains(&self, symptom: &str) -> bool {
        self.metadata.symptoms.iter().any(|it| it == symptom)
    }

    /// The severities that its failures can have.
    pub(super) fn severities(&self) -> impl Iterator<Item = Severity> {
        self.rule.severity_when.iter().map(|(_, severity)| *severity).chain([self.severity])
    }

    /// Its parameters with their values, in the file's order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &Param)> {
        self.params.iter().map(|(name, param)| (name.as_str(), param))
    }

    /// The verdict, and nothing that only a report needs.
    pub(super) fn finding<'f>(&'f self, frame: &mut Frame<'f>) -> Finding<'f> {
        if let Some(when) = &self.rule.when {
            frame.restart();
            match when.truth(frame) {
                Ok(true) => {}
                Ok(false) => return Finding::NotApplicable,
                Err(stop) => return stop.into(),
            }
        }
        frame.restart();
        match self.rule.check.truth(frame) {
            Ok(true) => Finding::Pass,
            Ok(false) => Finding::Fail(self.severity_of_failure(frame)),
            Err(stop) => stop.into(),
        }
    }

    fn severity_of_failure<'f>(&'f self, frame: &mut Frame<'f>) -> Severity {
        for (when, severity) in &self.rule.severity_when {
            frame.restart();
            if when.truth(frame) == Ok(true) {
                return *severity;
            }
        }
        self.severity
    }

    /// The verdict in words, with evidence and, where something failed, how to mend it.
    pub(super) fn judgement<'f>(
        &'f self,
        subject: &Subject<'_>,
        finding: &Finding<'f>,
        frame: &mut Frame<'f>,
    ) -> Judgement {
        let (message, evidence) = match finding {
            Finding::Pass => (self.metadata.title.clone(), self.evidence(frame)),
            Finding::Fail(_) => (self.rule.message.render(frame), self.evidence(frame)),
            Finding::NotApplicable => (format!("not applicable: {}", self.metadata.title), Map::new()),
            Finding::Unread(Unread { what, how }) => {
                let mut evidence = Map::new();
                evidence.insert("missing".to_owned(), json!(what));
                evidence.insert("howToGet".to_owned(), json!(how));
                (format!("cannot tell because this is missing: {what}; {how}"), evidence)
            }
            Finding::Error(error) => {
                let mut evidence = Map::new();
                evidence.insert("error".to_owned(), json!(error));
                (format!("cannot tell: the policy `{}` went wrong: {error}", self.id()), evidence)
            }
        };
        let (severity, remediation) = match finding {
            Finding::Fail(severity) => (*severity, self.remediation(frame)),
            _ => (self.severity, Remediation::default()),
        };
        Judgement {
            policy: Arc::clone(&self.metadata),
            severity,
            verdict: finding.verdict(),
            subject: subject.identity.clone(),
            message,
            evidence,
            remediation,
        }
    }

    fn evidence<'f>(&'f self, frame: &mut Frame<'f>) -> Map<String, Json> {
        let values = self.rule.evidence.iter().map(|(name, code)| {
            frame.restart();
            let value = match code.eval(frame) {
                Ok(value) => value.to_json(),
                Err(Stop::Unread(unread)) => json!({ "unread": unread.what }),
                Err(Stop::Error(error)) => json!({ "error": error }),
            };
            (name.clone(), value)
        });
        values.collect()
    }

    fn remediation<'f>(&'f self, frame: &mut Frame<'f>) -> Remediation {
        let text = self.rule.remediation.render(frame);
        let mut commands = Vec::new();
        for command in &self.rule.commands {
            command.render(frame, &mut commands);
        }
        Remediation { text, commands }
    }
}
