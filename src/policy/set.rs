//! The policies of a run: found, checked, chosen, and asked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use include_dir::{Dir, include_dir};

use super::diagnostics::{LoadError, did_you_mean, listed, nearest};
use super::document::{self, Roots};
use super::expression::{Frame, Param, STACK_SIZE};
use super::policy::Policy;
use super::{Judgement, Severity, Verdict, Verdicts};
use crate::facts::{Subject, SubjectKind};

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/policies");

/// The folder of `policies` that holds no policies.
const SYMPTOMS: &str = "symptoms";

/// Checked policies, ordered by id.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    policies: Vec<Policy>,
}

/// Why a choice of policies cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The glob that was given.
    pub glob: String,
    /// What is wrong with it, as a lower-case fragment.
    pub message: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

impl std::error::Error for Unmatched {}

/// A policy file that was found.
pub(super) struct Source {
    /// As it is named in messages.
    pub(super) path: String,
    pub(super) id: String,
    pub(super) text: String,
}

impl PolicySet {
    /// Loads and checks the built-in policies, if asked for, and all `*.yaml` and `*.yml` files in these folders
    /// and below them. A path may also name one file.
    ///
    /// # Errors
    ///
    /// All faults of all files: unreadable files, unknown keys, names and words, wrong types, ids that stand twice.
    pub fn load(builtin: bool, dirs: &[PathBuf]) -> Result<Self, Vec<LoadError>> {
        let mut sources = Vec::new();
        let mut errors = Vec::new();
        if builtin {
            builtin_sources(&mut sources, &mut errors);
        }
        for dir in dirs {
            let before = sources.len() + errors.len();
            find(dir, true, &mut sources, &mut errors);
            if sources.len() + errors.len() == before {
                let hint = "a policy is a file `ID.yaml`".to_owned();
                errors.push(whole_file(dir, "no policies in this folder", Some(hint)));
            }
        }
        Self::checked(sources, errors, SubjectKind::roots)
    }

    /// Checks these files, on a thread with the stack that cel's parser needs.
    pub(super) fn checked(
        sources: Vec<Source>,
        mut errors: Vec<LoadError>,
        roots: Roots,
    ) -> Result<Self, Vec<LoadError>> {
        let read = move || -> Vec<Result<Policy, Vec<LoadError>>> {
            sources.iter().map(|source| document::read(&source.path, &source.id, &source.text, roots)).collect()
        };
        let thread = std::thread::Builder::new().name("policies".to_owned()).stack_size(STACK_SIZE).spawn(read);
        let results = match thread.map(std::thread::JoinHandle::join) {
            Ok(Ok(results)) => results,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => {
                let path = "policies".to_owned();
                let message = format!("cannot start the thread that reads policies: {error}");
                return Err(vec![LoadError { path, position: None, message, hint: None }]);
            }
        };
        let mut policies: Vec<Policy> = Vec::new();
        for result in results {
            match result {
                Ok(policy) => policies.push(policy),
                Err(new) => errors.extend(new),
            }
        }
        policies.sort_by(|a, b| a.id().cmp(b.id()));
        for pair in policies.windows(2).filter(|pair| pair[0].id() == pair[1].id()) {
            let message = format!("the policy `{}` stands in `{}` already", pair[1].id(), pair[0].path);
            let hint = Some("rename one of the files".to_owned());
            errors.push(LoadError { path: pair[1].path.clone(), position: None, message, hint });
        }
        if errors.is_empty() { Ok(Self { policies }) } else { Err(sorted(errors)) }
    }

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

    /// The policy that was probably meant by an id that does not exist.
    pub fn nearest(&self, id: &str) -> Option<&str> {
        nearest(id, self.policies.iter().map(Policy::id))
    }

    /// Keeps the policies whose id one of `globs` matches (all, where there are none) and none of `skip`.
    ///
    /// # Errors
    ///
    /// A glob that cannot be read, or that matches no policy.
    pub fn select(&mut self, globs: &[String], skip: &[String]) -> Result<(), Unmatched> {
        let (keep, drop) = (self.globs(globs)?, self.globs(skip)?);
        self.policies.retain(|policy| (globs.is_empty() || keep.is_match(policy.id())) && !drop.is_match(policy.id()));
        Ok(())
    }

    fn globs(&self, globs: &[String]) -> Result<GlobSet, Unmatched> {
        let wrong = |glob: &str, message: String, hint| Unmatched { glob: glob.to_owned(), message, hint };
        let mut set = GlobSetBuilder::new();
        for text in globs {
            let glob = GlobBuilder::new(text).literal_separator(true).build();
            let glob = glob.map_err(|error| wrong(text, format!("not a pattern: {error}"), None))?;
            let matcher = glob.compile_matcher();
            if !self.policies.iter().any(|policy| matcher.is_match(policy.id())) {
                let hint = did_you_mean(text, self.policies.iter().map(Policy::id))
                    .unwrap_or_else(|| "`azaudit policies list` names them all".to_owned());
                return Err(wrong(text, format!("no policy matches `{text}`"), Some(hint)));
            }
            set.add(glob);
        }
        set.build().map_err(|error| wrong("", format!("not a pattern: {error}"), None))
    }

    /// Drops the policies that the function refuses.
    pub fn retain(&mut self, keep: impl FnMut(&Policy) -> bool) {
        self.policies.retain(keep);
    }

    /// The kinds of subjects that these policies judge.
    pub fn kinds(&self) -> Vec<SubjectKind> {
        let judged = |kind: &SubjectKind| self.policies.iter().any(|policy| policy.subject == *kind);
        SubjectKind::ALL.into_iter().filter(judged).collect()
    }

    /// Sets a parameter of a policy.
    ///
    /// # Errors
    ///
    /// No such policy or parameter, or a value of another type (an int may stand for a double).
    pub fn set_param(&mut self, policy: &str, name: &str, value: Param) -> Result<(), Unmatched> {
        let wrong = |message, hint| Unmatched { glob: policy.to_owned(), message, hint };
        let Some(i) = self.position(policy) else {
            let hint = self.nearest(policy).map(|near| format!("did you mean `{near}`?"));
            return Err(wrong(format!("no policy `{policy}`"), hint));
        };
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
    pub fn set_severity(&mut self, policy: &str, severity: Severity) -> Result<(), Unmatched> {
        let Some(i) = self.position(policy) else {
            let hint = self.nearest(policy).map(|near| format!("did you mean `{near}`?"));
            return Err(Unmatched { glob: policy.to_owned(), message: format!("no policy `{policy}`"), hint });
        };
        self.policies[i].severity = severity;
        self.policies[i].rule.severity_when.clear();
        Ok(())
    }

    /// Asks every policy of the subject's kind about it. Verdicts in `show` come with their grounds; the others
    /// are only told (policy, verdict, severity), which costs no allocation.
    pub fn judge<'f>(
        &'f self,
        subject: &'f Subject<'_>,
        show: Verdicts,
        mut visit: impl FnMut(&'f Policy, Verdict, Severity, Option<Judgement>),
    ) {
        let kind = subject.identity.kind;
        for policy in self.policies.iter().filter(|policy| policy.subject == kind) {
            let mut frame = Frame::new(&subject.roots, &policy.params);
            let finding = policy.finding(&mut frame);
            let verdict = finding.verdict();
            let severity = match finding {
                super::policy::Finding::Fail(severity) => severity,
                _ => policy.severity,
            };
            let judgement = show.contains(verdict).then(|| policy.judgement(subject, &finding, &mut frame));
            visit(policy, verdict, severity, judgement);
        }
    }

    /// All judgements on a subject, each with its grounds.
    pub fn judge_all(&self, subject: &Subject<'_>) -> Vec<Judgement> {
        let mut all = Vec::new();
        self.judge(subject, Verdicts::ALL, |_, _, _, judgement| all.extend(judgement));
        all
    }
}

fn sorted(mut errors: Vec<LoadError>) -> Vec<LoadError> {
    errors.sort();
    errors
}

fn whole_file(path: &Path, message: impl Into<String>, hint: Option<String>) -> LoadError {
    LoadError { path: path.display().to_string(), position: None, message: message.into(), hint }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn id_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn source(path: String, id: String, text: &[u8]) -> Result<Source, LoadError> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(Source { path, id, text: text.strip_prefix('\u{feff}').unwrap_or(text).to_owned() }),
        Err(_) => Err(LoadError { path, position: None, message: "not UTF-8 text".to_owned(), hint: None }),
    }
}

fn builtin_sources(sources: &mut Vec<Source>, errors: &mut Vec<LoadError>) {
    let files = BUILTIN.dirs().filter(|dir| dir.path() != Path::new(SYMPTOMS)).flat_map(Dir::files);
    for file in files.filter(|file| is_yaml(file.path())) {
        let path = format!("policies/{}", file.path().display());
        match source(path, id_of(file.path()), file.contents()) {
            Ok(source) => sources.push(source),
            Err(error) => errors.push(error),
        }
    }
}

/// Policy files at that path and below it, in the order of their names.
fn find(path: &Path, named: bool, sources: &mut Vec<Source>, errors: &mut Vec<LoadError>) {
    let failed = |error: std::io::Error| whole_file(path, format!("cannot read this: {error}"), None);
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return errors.push(failed(error)),
    };
    if metadata.is_dir() {
        let entries: Result<Vec<PathBuf>, _> =
            std::fs::read_dir(path).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
        match entries {
            Ok(mut entries) => {
                entries.sort();
                // A link to a folder could lead back up.
                entries.retain(|entry| !(entry.is_symlink() && entry.is_dir()));
                entries.iter().for_each(|entry| find(entry, false, sources, errors));
            }
            Err(error) => errors.push(failed(error)),
        }
    } else if named || is_yaml(path) {
        let read = std::fs::read(path).map_err(failed);
        match read.and_then(|text| source(path.display().to_string(), id_of(path), &text)) {
            Ok(source) => sources.push(source),
            Err(error) => errors.push(error),
        }
    }
}

/// Which policies explain which symptom: the other way round of what policies name.
impl PolicySet {
    /// Symptom to policies, both sorted.
    pub fn by_symptom(&self) -> BTreeMap<&str, Vec<&Policy>> {
        let mut map: BTreeMap<&str, Vec<&Policy>> = BTreeMap::new();
        for policy in &self.policies {
            for symptom in &policy.metadata.symptoms {
                map.entry(symptom).or_default().push(policy);
            }
        }
        map
    }
}

impl<'a> IntoIterator for &'a PolicySet {
    type Item = &'a Policy;
    type IntoIter = std::slice::Iter<'a, Policy>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
