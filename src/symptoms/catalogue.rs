//! Reads the symptoms' files.

use std::path::Path;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::{Event, Language, Symptom, Texts};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/policies/symptoms");

static IDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut ids: Vec<_> = FILES.files().filter_map(|file| id_of(file.path())).collect();
    ids.sort_unstable();
    ids
});

static BUILTIN: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut symptoms = Vec::new();
    for file in FILES.files() {
        // A test reads each file, so that none is left out here.
        if let (Some(id), Some(text)) = (id_of(file.path()), file.contents_utf8())
            && let Ok(symptom) = read(id, text)
        {
            symptoms.push(symptom);
        }
    }
    symptoms.sort_by(|a, b| a.id.cmp(&b.id));
    Catalogue { symptoms }
});

/// The ids of all symptoms, sorted. Takes no look into the files.
pub fn ids() -> &'static [&'static str] {
    &IDS
}

fn id_of(path: &'static Path) -> Option<&'static str> {
    (path.extension()? == "yaml").then(|| path.file_stem()?.to_str()).flatten()
}

/// All symptoms.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    symptoms: Vec<Symptom>,
}

impl Catalogue {
    /// The symptoms that are built in, read once.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// All of them, sorted by id.
    pub fn symptoms(&self) -> &[Symptom] {
        &self.symptoms
    }

    /// The symptom of that id, in this spelling.
    pub fn get(&self, id: &str) -> Option<&Symptom> {
        self.symptoms.binary_search_by(|symptom| symptom.id.as_str().cmp(id)).ok().map(|i| &self.symptoms[i])
    }
}

/// What is wrong with a symptom's file: each fault with its key.
#[derive(Debug, thiserror::Error)]
#[error("symptom `{id}`: {}", faults.join("; "))]
pub struct CatalogueError {
    /// Which symptom.
    pub id: String,
    /// `steps.fr: 3 of 4 steps` or what the YAML reader says.
    pub faults: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Texts<String>,
    cause: Texts<String>,
    steps: Texts<Vec<String>>,
    codes: Vec<String>,
    #[serde(default)]
    events: Vec<Event>,
    #[serde(default)]
    messages: Known,
    #[serde(default)]
    headings: Known,
    references: Vec<String>,
}

/// Texts that are known in some languages only.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Known {
    en: Vec<String>,
    fr: Vec<String>,
    zh: Vec<String>,
    ja: Vec<String>,
}

impl From<Known> for Texts<Vec<String>> {
    fn from(known: Known) -> Self {
        Self { en: known.en, fr: known.fr, zh: known.zh, ja: known.ja }
    }
}

fn read(id: &str, text: &str) -> Result<Symptom, CatalogueError> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let file: File = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| CatalogueError { id: id.to_owned(), faults: vec![error.without_snippet().to_string()] })?;
    let symptom = Symptom {
        id: id.to_owned(),
        title: file.title,
        cause: file.cause,
        steps: file.steps,
        codes: file.codes,
        events: file.events,
        messages: file.messages.into(),
        headings: file.headings.into(),
        references: file.references,
    };
    let faults = faults(&symptom);
    if faults.is_empty() { Ok(symptom) } else { Err(CatalogueError { id: id.to_owned(), faults }) }
}

/// What the types alone do not refuse.
fn faults(symptom: &Symptom) -> Vec<String> {
    let mut faults = Vec::new();
    let mut text = |key: &str, language: Language, text: &str| {
        if text.trim().is_empty() {
            faults.push(format!("{key}.{}: empty", language.code()));
        }
    };
    for (key, texts) in [("title", &symptom.title), ("cause", &symptom.cause)] {
        texts.iter().for_each(|(language, one)| text(key, language, one));
    }
    let lists = [("steps", &symptom.steps), ("messages", &symptom.messages), ("headings", &symptom.headings)];
    for (key, texts) in lists {
        texts.iter().for_each(|(language, list)| list.iter().for_each(|one| text(key, language, one)));
    }
    let steps = symptom.steps.get(Language::English).len();
    if steps == 0 {
        faults.push("steps.en: none".to_owned());
    }
    for (language, list) in symptom.steps.iter().filter(|(_, list)| list.len() != steps) {
        faults.push(format!("steps.{}: {} of {steps} steps", language.code(), list.len()));
    }
    for code in &symptom.codes {
        if !super::matching::is_code(code) {
            faults.push(format!("codes: `{code}` is neither a number nor a word"));
        }
    }
    for event in &symptom.events {
        if event.source.is_empty() || event.source.iter().any(|source| source.trim().is_empty()) {
            faults.push(format!("events.{}: no source", event.id));
        }
        if !symptom.codes.contains(&event.id.to_string()) {
            faults.push(format!("events.{0}: {0} is missing among the codes", event.id));
        }
    }
    for reference in symptom.references.iter().filter(|reference| !reference.starts_with("https://")) {
        faults.push(format!("references: `{reference}` does not start with `https://`"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "title: {en: A, fr: B, zh: C, ja: D}\ncause: {en: A, fr: B, zh: C, ja: D}\n\
        steps: {en: [A], fr: [B], zh: [C], ja: [D]}\ncodes: ['798', '0x80090326', InvalidResourceName, '1058']\n\
        events: [{source: [Schannel], id: 1058}]\nreferences: [https://example.com]\n";

    #[test]
    fn every_built_in_file_is_read() {
        let faults: Vec<String> = FILES
            .files()
            .filter_map(|file| {
                let path = file.path().display();
                let Some(id) = id_of(file.path()) else { return Some(format!("{path}: no symptom")) };
                let Some(text) = file.contents_utf8() else { return Some(format!("{path}: not UTF-8 text")) };
                read(id, text).err().map(|error| format!("{path}: {error}"))
            })
            .collect();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        let read: Vec<&str> = Catalogue::builtin().symptoms().iter().map(|symptom| symptom.id.as_str()).collect();
        assert_eq!(read, ids());
    }

    #[test]
    fn ids_are_sorted_and_stand_once() {
        assert!(ids().windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids().contains(&"p2s-cert-not-found-798"));
    }

    #[test]
    fn a_symptom_is_found_by_its_id() {
        assert_eq!(Catalogue::builtin().get("too-many-clients").map(|symptom| symptom.codes.len()), Some(0));
        assert!(Catalogue::builtin().get("too-many").is_none());
    }

    #[test]
    fn faults_are_named_by_their_keys() {
        assert!(read("whole", WHOLE).is_ok());
        for (from, to, fault) in [
            ("title: {en: A", "title: {en: ' '", "title.en: empty"),
            ("fr: [B]", "fr: [B, B]", "steps.fr: 2 of 1 steps"),
            ("'798'", "'79 8'", "codes: `79 8` is neither"),
            ("'1058']", "'1059']", "events.1058: 1058 is missing"),
            ("[Schannel]", "[]", "events.1058: no source"),
            ("https:", "http:", "references: `http://example.com` does not"),
            ("cause:", "causes:", "causes"),
        ] {
            let error = read("x", &WHOLE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }
    }
}
