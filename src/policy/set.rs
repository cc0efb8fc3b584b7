//! The policies of a run: chosen, adjusted, and asked.

use std::collections::BTreeSet;
use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::diagnostics::{did_you_mean, listed};
use super::evaluate::{Finding, Policy};
use super::expression::{Frame, Param};
use super::{Judgement, Severity, Verdict, Verdicts};
use crate::facts::{Subject, SubjectKind};
use crate::visible::visible;

/// Checked policies, ordered by id.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    /// Ordered by id; no id stands twice.
    pub(super) policies: Vec<Policy>,
}

/// Why policies cannot be chosen or set as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The glob or id that was given.
    pub asked: String,
    /// What is wrong with it, as a lower-case fragment.
    pub message: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.message))?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {}", visible(hint)))
    }
}

impl std::error::Error for PolicyError {}

impl PolicySet {
    /// All policies, ordered by id.
    pub fn iter(&self) -> std::slice::Iter<'_, Policy> {
        self.policies.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// The policy of that id.
    pub fn get(&self, id: &str) -> Option<&Policy> {
        self.position(id).map(|i| &self.policies[i])
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.policies.binary_search_by(|policy| policy.id().cmp(id)).ok()
    }

    /// The position of a policy that has to be there.
    fn existing(&self, id: &str) -> Result<usize, PolicyError> {
        self.position(id).ok_or_else(|| PolicyError {
            asked: id.to_owned(),
            message: format!("no policy `{id}`"),
            hint: did_you_mean(id, self.policies.iter().map(Policy::id)),
        })
    }

    /// The policy of an id that somebody named.
    ///
    /// # Errors
    ///
    /// There is none of that id.
    pub fn named(&self, id: &str) -> Result<&Policy, PolicyError> {
        self.existing(id).map(|i| &self.policies[i])
    }

    /// The policies whose failure explains the symptom of that id.
    pub fn explaining(&self, symptom: &str) -> impl Iterator<Item = &Policy> {
        self.policies.iter().filter(move |policy| policy.explains(symptom))
    }

    /// Keeps the policies whose id one of `globs` matches (all, where there are none) and none of `skip`.
    ///
    /// # Errors
    ///
    /// A glob that cannot be read, or that matches no policy.
    pub fn select(&mut self, globs: &[String], skip: &[String]) -> Result<(), PolicyError> {
        let ids: Vec<&str> = self.policies.iter().map(Policy::id).collect();
        let (keep, drop) = (matching(globs, &ids, "policy")?, matching(skip, &ids, "policy")?);
        self.policies.retain(|policy| (globs.is_empty() || keep.is_match(policy.id())) && !drop.is_match(policy.id()));
        Ok(())
    }

    /// Keeps the policies that a framework matched by one of `globs` names (all, where there are none).
    ///
    /// # Errors
    ///
    /// A glob that cannot be read, or that matches no framework.
    pub fn select_frameworks(&mut self, globs: &[String]) -> Result<(), PolicyError> {
        let names: BTreeSet<&str> =
            self.policies.iter().flat_map(|it| it.metadata.frameworks.keys()).map(String::as_str).collect();
        let keep = matching(globs, &names.into_iter().collect::<Vec<_>>(), "framework")?;
        let named = |policy: &Policy| policy.metadata.frameworks.keys().any(|name| keep.is_match(name));
        self.policies.retain(|policy| globs.is_empty() || named(policy));
        Ok(())
    }

    /// Drops the policies that the function refuses.
    pub fn retain(&mut self, keep: impl FnMut(&Policy) -> bool) {
        self.policies.retain(keep);
    }

    /// Drops the policies of which no failure can be so bad as `mildest`.
    pub fn retain_severity(&mut self, mildest: Severity) {
        self.retain(|policy| policy.severities().any(|severity| severity <= mildest));
    }

    /// The kinds of subjects that these policies judge.
    pub fn kinds(&self) -> Vec<SubjectKind> {
        let judged = |kind: &SubjectKind| self.policies.iter().any(|policy| policy.subject == *kind);
        SubjectKind::ALL.into_iter().filter(judged).collect()
    }

    /// The types of the resources that these policies judge by their JSON.
    pub fn resource_types(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().filter_map(|policy| policy.resource_type.as_deref())
    }

    /// Sets a parameter of a policy.
    ///
    /// # Errors
    ///
    /// No such policy or parameter, or a value of another type (an int may stand for a double).
    pub fn set_param(&mut self, policy: &str, name: &str, value: Param) -> Result<(), PolicyError> {
        let wrong = |message, hint| PolicyError { asked: policy.to_owned(), message, hint };
        let i = self.existing(policy)?;
        let params = &mut self.policies[i].params;
        let Some(at) = params.iter().position(|(param, _)| param == name) else {
            let known: Vec<&str> = params.iter().map(|(param, _)| param.as_str()).collect();
            let hint = did_you_mean(name, known.iter().copied())
                .or_else(|| (!known.is_empty()).then(|| format!("it has {}", listed(known.iter().copied()))));
            return Err(wrong(format!("the policy `{policy}` has no parameter `{name}`"), hint));
        };
        let (wanted, given) = (params[at].1.ty(), value.ty());
        match params[at].1.accept(value) {
            Some(value) => {
                params[at].1 = value;
                Ok(())
            }
            None => Err(wrong(format!("the parameter `{name}` of `{policy}` is of type {wanted}, not {given}"), None)),
        }
    }

    /// Sets the severity of a policy for every failure, whatever its own conditions say.
    ///
    /// # Errors
    ///
    /// No such policy.
    pub fn set_severity(&mut self, policy: &str, severity: Severity) -> Result<(), PolicyError> {
        let i = self.existing(policy)?;
        self.policies[i].severity = severity;
        self.policies[i].rule.severity_when.clear();
        Ok(())
    }

    /// Asks every policy of the subject's kind about it, whatever port its facts are of. Verdicts in `show` come with
    /// their grounds; the others are only told (policy, verdict, severity), which costs no allocation.
    pub fn judge<'f>(
        &'f self,
        subject: &'f Subject<'_>,
        show: Verdicts,
        visit: impl FnMut(&'f Policy, Verdict, Severity, Option<Judgement>),
    ) {
        self.judge_by(subject, show, |_| true, visit);
    }

    /// As [`Self::judge`], by some of the policies.
    pub(super) fn judge_by<'f>(
        &'f self,
        subject: &'f Subject<'_>,
        show: Verdicts,
        asked: impl Fn(&Policy) -> bool,
        mut visit: impl FnMut(&'f Policy, Verdict, Severity, Option<Judgement>),
    ) {
        let kind = subject.identity.kind;
        for policy in self.policies.iter().filter(|policy| policy.subject == kind && asked(policy)) {
            let mut frame = Frame::new(&subject.roots, &policy.params);
            let finding = policy.finding(&mut frame);
            let verdict = finding.verdict();
            let severity = match finding {
                Finding::Fail(severity) => severity,
                _ => policy.severity,
            };
            let judgement = show.contains(verdict).then(|| policy.judgement(subject, &finding, &mut frame));
            visit(policy, verdict, severity, judgement);
        }
    }

    /// All judgements on a subject, each with its grounds, whatever port its facts are of.
    pub fn judge_all(&self, subject: &Subject<'_>) -> Vec<Judgement> {
        let mut all = Vec::new();
        self.judge(subject, Verdicts::ALL, |_, _, _, judgement| all.extend(judgement));
        all
    }
}

impl<'a> IntoIterator for &'a PolicySet {
    type Item = &'a Policy;
    type IntoIter = std::slice::Iter<'a, Policy>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// These globs, each of which matches one of the names.
fn matching(globs: &[String], names: &[&str], noun: &str) -> Result<GlobSet, PolicyError> {
    let wrong = |glob: &str, message: String, hint| PolicyError { asked: glob.to_owned(), message, hint };
    let mut set = GlobSetBuilder::new();
    for text in globs {
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        let glob = glob.map_err(|error| wrong(text, format!("not a pattern: {error}"), None))?;
        let matcher = glob.compile_matcher();
        if !names.iter().any(|name| matcher.is_match(name)) {
            let hint = did_you_mean(text, names.iter().copied())
                .unwrap_or_else(|| format!("there are {}", listed(names.iter().copied())));
            return Err(wrong(text, format!("no {noun} matches `{text}`"), Some(hint)));
        }
        set.add(glob);
    }
    set.build().map_err(|error| wrong("", format!("not a pattern: {error}"), None))
}
