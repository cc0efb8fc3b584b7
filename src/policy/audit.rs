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
            // The same subjects come by for each port: the first time they are counted.
            for (walk, port) in self.ports(kind, configured).into_iter().enumerate() {
                let options = Options { rdp_port: port, ..context.options.clone() };
                let context = Context { options: &options, ..context };
                let asked = |policy: &Policy| policy.port.unwrap_or(configured) == port;
                facts::each(kind, context, &|subject: &Subject<'_>| {
                    let mut counts = Counts::default();
                    let mut shown = Vec::new();
                    counts.subjects(kind, u64::from(walk == 0));
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

    /// The ports that facts of a kind have to be computed for, each once.
    fn ports(&self, kind: SubjectKind, configured: u16) -> BTreeSet<u16> {
        let policies = self.iter().filter(|policy| policy.subject == kind);
        policies.map(|policy| policy.port.unwrap_or(configured)).collect()
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
