//! Who wrote an event, where a text names it.

use std::collections::HashSet;

use super::super::{Catalogue, Event};
use super::fold::squeezed;
use super::token::{Kind, Token};
use super::vocabulary::{EVENT, FIELD, NEUTRAL, NO_SOURCE, OTHER_SOURCES, SOURCE_LABEL};

/// How many tokens a source's name may stand before or after its event's id.
const REACH: usize = 40;

/// A source that a text names.
#[derive(Debug)]
pub(super) struct Mention {
    /// Its first token.
    from: usize,
    /// Its last token.
    to: usize,
    /// Letters and digits only, lower case.
    name: String,
}

impl Mention {
    /// How many tokens lie between it and those.
    fn distance(&self, from: usize, to: usize) -> usize {
        if self.to < from { from - self.to } else { self.from.saturating_sub(to) }
    }

    /// Whether it writes that event.
    pub(super) fn writes(&self, event: &Event) -> bool {
        event.source.iter().any(|source| is_name_of(&self.name, &compact(source)))
    }
}

/// The whole name of a provider, or its end if that is long enough to be one.
fn is_name_of(name: &str, source: &str) -> bool {
    name == source || name.len() >= 12 && source.ends_with(name)
}

/// Letters and digits only, lower case.
fn compact(name: &str) -> String {
    squeezed(name).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The names of the catalogue's sources.
pub(super) struct Sources {
    names: HashSet<String>,
    longest: usize,
}

impl Sources {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let events = catalogue.symptoms().iter().flat_map(|symptom| &symptom.events);
        let names: HashSet<String> = events.flat_map(|event| &event.source).map(|source| compact(source)).collect();
        let longest = names.iter().map(String::len).max().unwrap_or(0);
        Self { names, longest }
    }

    /// All sources that a text names, in order.
    pub(super) fn mentions(&self, tokens: &[Token]) -> Vec<Mention> {
        let mut mentions = Vec::new();
        let mut i = 0;
        while i < tokens.len() {
            match self.at(tokens, i) {
                Some(mention) => {
                    i = mention.to + 1;
                    mentions.push(mention);
                }
                None => i += 1,
            }
        }
        mentions
    }

    /// The symptoms of the sources that a text names, for texts that name no event.
    pub(super) fn symptoms(&self, catalogue: &Catalogue, mentions: &[Mention]) -> Vec<usize> {
        let symptoms = catalogue.symptoms().iter().enumerate();
        symptoms
            .filter(|(_, symptom)| {
                mentions.iter().any(|mention| symptom.events.iter().any(|event| mention.writes(event)))
            })
            .map(|(i, _)| i)
            .collect()
    }

    fn at(&self, tokens: &[Token], i: usize) -> Option<Mention> {
        self.known(tokens, i).or_else(|| labelled(tokens, i)).or_else(|| written_as_name(tokens, i))
    }

    /// A name of the catalogue or a well-known one, together or in words, the longest that fits.
    fn known(&self, tokens: &[Token], i: usize) -> Option<Mention> {
        let mut name = String::new();
        let mut found = None;
        for (to, token) in tokens.iter().enumerate().skip(i) {
            if token.is_latin() {
                name.push_str(&token.text);
                let listed = self.names.iter().any(|source| is_name_of(&name, source));
                if listed || OTHER_SOURCES.has(&name) {
                    found = Some(Mention { from: i, to, name: name.clone() });
                }
            } else if to == i || !token.is_mark("-") {
                break;
            }
            if name.len() > self.longest {
                break;
            }
        }
        found
    }
}

/// `Source: Some-Name`, or `Microsoft-Windows-Some-Name` anywhere.
fn labelled(tokens: &[Token], i: usize) -> Option<Mention> {
    let label = &tokens[i];
    let is_label = match label.kind {
        Kind::Word => SOURCE_LABEL.has(&label.text),
        Kind::Cjk => SOURCE_LABEL.cjk().iter().any(|word| label.text.ends_with(word.as_str())),
        _ => false,
    };
    if is_label && tokens.get(i + 1).is_some_and(|mark| mark.is_mark(":=")) {
        let quote = usize::from(tokens.get(i + 2).is_some_and(|mark| mark.is_mark("\"'")));
        return run(tokens, i + 2 + quote);
    }
    let is_manifest_name = label.text == "microsoft"
        && tokens.get(i + 1).is_some_and(|mark| mark.is_mark("-") && !mark.spaced)
        && tokens.get(i + 2).is_some_and(|word| word.text == "windows");
    if is_manifest_name { run(tokens, i) } else { None }
}

/// A word before `event` that is written as names are: `GroupPolicy event 1058`.
fn written_as_name(tokens: &[Token], i: usize) -> Option<Mention> {
    let (token, next) = (&tokens[i], tokens.get(i + 1)?);
    let is_event = match next.kind {
        Kind::Word => EVENT.has(&next.text),
        Kind::Cjk => EVENT.cjk().iter().any(|word| next.text.starts_with(word.as_str())),
        _ => false,
    };
    let word = &token.text;
    let is_name = token.name && !NO_SOURCE.has(word) && !NEUTRAL.has(word) && !FIELD.has(word);
    (is_event && token.is_latin() && is_name).then(|| Mention { from: i, to: i, name: word.clone() })
}

/// Words with dashes and dots but without spaces.
fn run(tokens: &[Token], from: usize) -> Option<Mention> {
    let mut name = tokens.get(from).filter(|token| token.is_latin())?.text.clone();
    let mut to = from;
    while let Some(token) = tokens.get(to + 1).filter(|token| !token.spaced) {
        if token.is_latin() {
            name.push_str(&token.text);
        } else if !token.is_mark("-._") {
            break;
        }
        to += 1;
    }
    Some(Mention { from, to, name })
}

/// The source that stands nearest to an event's id, the one before it rather than the one behind it.
pub(super) fn nearest(mentions: &[Mention], from: usize, to: usize) -> Option<&Mention> {
    let first = mentions.partition_point(|mention| mention.to + REACH < from);
    let near = mentions[first..].iter().take_while(|mention| mention.from <= to + REACH);
    near.min_by_key(|mention| (mention.distance(from, to), mention.from))
}
