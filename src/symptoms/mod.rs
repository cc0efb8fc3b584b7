//! The catalogue of symptoms: what users meet when point-to-site VPN or Remote Desktop fails, in the four languages
//! of the articles, and the matcher that finds the symptom of a pasted text.
//!
//! Symptoms are data, one file for each in `policies/symptoms`, built in. Policies name the symptoms that they
//! explain; a symptom never lists policies.

mod catalogue;
mod language;
mod matching;

use serde::Deserialize;

pub use catalogue::{Catalogue, CatalogueError, ids};
pub use language::Language;
pub use matching::{Answer, MAX_BYTES, Match, find};

/// What a user meets, why, and what to do about it where the user is.
#[derive(Clone, Debug, PartialEq)]
pub struct Symptom {
    /// The name of its file, such as `p2s-cert-not-found-798`.
    pub id: String,
    /// One short sentence.
    pub title: Texts<String>,
    /// Why it happens, in one to three sentences.
    pub cause: Texts<String>,
    /// What to do at the client or inside the machine, in order; the same number in each language, never none.
    pub steps: Texts<Vec<String>>,
    /// Error codes as Windows or Azure writes them: decimal, hexadecimal or a word. The matcher derives the other
    /// spellings.
    pub codes: Vec<String>,
    /// Events of the Windows event log. Their ids stand among the codes, too.
    pub events: Vec<Event>,
    /// What programs show, word for word; `<…>` stands for a name. May be empty for a language.
    pub messages: Texts<Vec<String>>,
    /// What the articles call it. May be empty for a language.
    pub headings: Texts<Vec<String>>,
    /// Addresses of articles, without a locale in their path.
    pub references: Vec<String>,
}

/// The same in each language.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts<T> {
    en: T,
    fr: T,
    zh: T,
    ja: T,
}

impl<T> Texts<T> {
    /// The text in that language.
    pub const fn get(&self, language: Language) -> &T {
        match language {
            Language::English => &self.en,
            Language::French => &self.fr,
            Language::Chinese => &self.zh,
            Language::Japanese => &self.ja,
        }
    }

    /// All languages with their texts, in the order of [`Language::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Language, &T)> {
        Language::ALL.into_iter().map(|language| (language, self.get(language)))
    }
}

/// An event of the Windows event log: a number means something only together with who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The names of the one provider: its manifest name, shorter and older ones.
    pub source: Vec<String>,
    /// The event's id.
    pub id: u32,
}
