//! Finds policy files, built in and in folders, and checks them all.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::diagnostics::LoadError;
use super::document::{self, Roots};
use super::evaluate::Policy;
use super::expression::STACK_SIZE;
use super::set::PolicySet;
use crate::facts::SubjectKind;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/policies");

/// A folder that holds no policies, wherever it stands below one that does.
const SYMPTOMS: &str = "symptoms";

/// A policy file that was found.
pub(super) struct Source {
    /// As it is named in messages.
    pub(super) path: String,
    pub(super) id: String,
    pub(super) text: String,
}

impl PolicySet {
    /// Loads and checks the built-in policies, if asked for, and all `*.yaml` and `*.yml` files in these folders
    /// and below them, but for hidden ones and folders of `symptoms`. A path may also name one file.
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
        if errors.is_empty() {
            return Ok(Self { policies });
        }
        errors.sort();
        Err(errors)
    }
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

/// Path and text of each built-in policy.
#[cfg(test)]
pub(super) fn builtin_texts() -> Vec<(String, String)> {
    let (mut sources, mut errors) = (Vec::new(), Vec::new());
    builtin_sources(&mut sources, &mut errors);
    assert!(errors.is_empty(), "{errors:?}");
    sources.into_iter().map(|source| (source.path, source.text)).collect()
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

/// Whether what stands in a folder of policies is none: hidden files (`.github`), a folder of symptoms, a link to a
/// folder, which could lead back up.
fn is_foreign(entry: &Path) -> bool {
    let name = entry.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || entry.is_dir() && (name == SYMPTOMS || entry.is_symlink())
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
                entries.retain(|entry| !is_foreign(entry));
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
