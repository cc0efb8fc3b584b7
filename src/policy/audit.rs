//! All policies over all subjects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::{Judgement, Policy, PolicySet, Severity, Verdict, Verdicts};
use crate::facts::{self, Context, Options, Subject, SubjectKind};

/// Counts over all judgements, also of those that are not kept for the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    subjects: BTreeMap<SubjectKind, u64>,
    verdicts: [u64; Verdict::ALL.len()],
    failures: [u64; Severity::ALL.len()],
}

impl Counts {
    /// Counts subjects, each once however many policies judge it.
    pub fn subjects(&mut self, kind: SubjectKind, number: u64) {
        if number > 0 {
            *self.subjects.entry(kind).or_default() += number;
        }
    }

    /// Counts a verdict; the severity matters for a failure only.
    pub fn verdict(&mut self, verdict: Verdict, severity: Severity) {
        self.verdicts[verdict as usize] += 1;
        if verdict == Verdict::Fail {
            self.failures[severity as usize] += 1;
        }
    }

    /// Adds what another thread counted.
    pub fn add(&mut self, other: &Self) {
        for (&kind, &number) in &other.subjects {
            self.subjects(kind, number);
        }
        for (mine, theirs) in self.verdicts.iter_mut().zip(other.verdicts) {
            *mine += theirs;
        }
        for (mine, theirs) in self.failures.iter_mut().zip(other.failures) {
            *mine += theirs;
        }
    }

    /// How many subjects of each kind there are; kinds that do not occur are left out.
    pub fn by_kind(&self) -> &BTreeMap<SubjectKind, u64> {
        &self.subjects
    }

    /// How many judgements ended in that verdict.
    pub fn of(&self, verdict: Verdict) -> u64 {
        self.verdicts[verdict as usize]
    }

    /// How many failures have that severity.
    pub fn failures(&self, severity: Severity) -> u64 {
        self.failures[severity as usize]
    }
}

impl PolicySet {
    /// Judges every subject that these policies are about, on all cores.
    ///
    /// Verdicts in `show` come with their grounds, in no particular order; all are counted. What is milder than
    /// `mildest` is left out of both.
    pub fn audit(&self, context: Context<'_>, show: Verdicts, mildest: Severity) -> (Vec<Judgement>, Counts) {
        let configured = context.options.rdp_port;
        let sum = Mutex::new((Vec::new(), Counts::default()));
        for kind in self.kinds() {
            let walks = self.walks(kind, configured);
            for (i, walk) in walks.iter().enumerate() {
                let options = Options { rdp_port: walk.port, ..context.options.clone() };
                let context = Context { options: &options, ..context };
                let asked = |policy: &Policy| Walk::of(policy, configured) == *walk;
                walk.each(kind, context, &|subject: &Subject<'_>| {
                    let mut counts = Counts::default();
                    let mut shown = Vec::new();
                    // The same subjects come by for each port: the first time they are counted.
                    let seen = walks[..i].iter().any(|before| before.meets(walk, subject));
                    counts.subjects(kind, u64::from(!seen));
                    self.judge_by(subject, show, asked, |_, verdict, severity, judgement| {
                        if severity <= mildest {
                            counts.verdict(verdict, severity);
                            shown.extend(judgement);
                        }
                    });
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    sum.0.append(&mut shown);
                    sum.1.add(&counts);
                });
            }
        }
        sum.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has to be walked over for the policies about a kind, each once.
    fn walks(&self, kind: SubjectKind, configured: u16) -> Vec<Walk> {
        let policies = self.iter().filter(|policy| policy.subject == kind);
        policies.map(|policy| Walk::of(policy, configured)).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The subjects of one kind, as some of the policies see them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Walk {
    /// The type of which resources are seen as their JSON, in lower case; `None`: facts are seen.
    whole: Option<String>,
    /// The port that facts are computed for.
    port: u16,
}

impl Walk {
    fn of(policy: &Policy, configured: u16) -> Self {
        let whole = policy.resource_type.as_ref().map(|ty| ty.to_lowercase());
        Self { whole, port: policy.port.unwrap_or(configured) }
    }

    fn each(&self, kind: SubjectKind, context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
        match &self.whole {
            Some(ty) => facts::resource::each_of_type(ty, context, visit),
            None => facts::each(kind, context, visit),
        }
    }

    /// Whether that subject of another walk comes by in this one, too.
    fn meets(&self, other: &Self, subject: &Subject<'_>) -> bool {
        match (&self.whole, &other.whole) {
            (None, Some(_)) => facts::resource::is_known(&subject.identity.id),
            (one, other) => one == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_two_threads_add_up() {
        let mut one = Counts::default();
        one.subjects(SubjectKind::Gateway, 2);
        one.verdict(Verdict::Fail, Severity::Low);
        let mut both = one.clone();
        both.add(&one);
        assert_eq!(both.by_kind()[&SubjectKind::Gateway], 4);
        assert_eq!((both.of(Verdict::Fail), both.failures(Severity::Low)), (2, 2));
        assert_eq!(both.of(Verdict::Pass), 0);
    }
}
