//! The catalogue's messages, headings and titles, ready to be compared with.

use std::collections::HashMap;

use super::super::{Catalogue, Symptom};
use super::codes::Codes;
use super::fold::Lines;
use super::literal::literal;
use super::term::{Sense, Term, terms, word};
use super::token::{Kind, Token, is_cjk, tokens};

/// What the match of a title is worth.
const TITLE: f32 = 0.95;

/// How much of its message one sentence of several is taken to be.
const SENTENCE: f32 = 0.6;

/// The far end of a connection: nearly the catalogue's field.
const REMOTE: [&str; 5] = ["remot", "distant", "远程", "リモ", "モー"];

/// How many different unknown words of a text are taken for misspelt ones.
const MOST_MISSPELT: usize = 4000;

/// From how many terms on a sentence is worth being looked for alone: words, pairs of characters.
const SENTENCE_WORDS: usize = 7;
const SENTENCE_PAIRS: usize = 10;

/// How much a sentence has to say, two for a word and one for a pair of characters, that is known by its frame.
const LEAST_TEMPLATE: usize = 4;

/// How many terms a name has at most that is put into a message.
const LONGEST_NAME: usize = 8;

/// Everyday words that a program says in one breath are its own message if they are more than this.
const COMMON_WORDS: usize = 6;

/// A message, a heading, a title, or a sentence of one.
pub(super) struct Phrase {
    pub(super) symptom: usize,
    /// Its terms, by their numbers.
    pub(super) terms: Vec<u32>,
    /// What each is in this phrase.
    senses: Vec<Sense>,
    /// How much each says.
    pub(super) weights: Vec<f32>,
    /// How much all say.
    pub(super) total: f32,
    /// Speaks of the catalogue's field.
    pub(super) has_field: bool,
    /// Too short to be found within a text: it has to be the text.
    pub(super) whole: bool,
    /// Nothing but words of every text about computers: many programs say it.
    pub(super) is_common: bool,
    /// What a match of it is worth: less for what is ours and not a program's.
    pub(super) worth: f32,
    /// How much of its message it is.
    pub(super) part: f32,
    /// A numbered heading, which names a thing and no fault (`Source 4: Network Security Groups`), or the title of one.
    pub(super) is_thing: bool,
}

/// A sentence of a message with a place for a name between its words.
struct Template {
    phrase: usize,
    /// Its words before, between and behind such places.
    parts: Vec<Vec<u32>>,
}

/// All phrases and what they consist of.
pub(super) struct Index {
    pub(super) phrases: Vec<Phrase>,
    templates: Vec<Template>,
    numbers: HashMap<String, u32>,
    vocabulary: Vec<Vocable>,
}

struct Vocable {
    key: String,
    letters: u64,
    sense: Sense,
    /// The phrases that hold it, each once.
    phrases: Vec<u32>,
    /// The symptoms whose phrases hold it, each once, in order.
    symptoms: Vec<usize>,
}

/// A term of a text.
pub(super) struct Asked {
    /// The vocables that it may be, and how surely.
    pub(super) is: Vec<(u32, f32)>,
    /// How much is against a match that does not explain it.
    pub(super) surprise: f32,
    /// Grammar, politeness, or what the text is about anyway.
    pub(super) is_frame: bool,
}

impl Index {
    pub(super) fn new(catalogue: &Catalogue, codes: &Codes) -> Self {
        let mut index =
            Self { phrases: Vec::new(), templates: Vec::new(), numbers: HashMap::new(), vocabulary: Vec::new() };
        for (i, symptom) in catalogue.symptoms().iter().enumerate() {
            for (text, is_title) in texts(symptom) {
                let worth = if is_title { TITLE } else { 1.0 };
                let phrase = index.phrases.len();
                index.add(i, text, worth, 1.0, codes);
                index.add_templates(phrase, text);
                for sentence in sentences(text) {
                    index.add(i, sentence, worth, SENTENCE, codes);
                }
            }
        }
        index.unshare_templates();
        index.spread_things();
        index.weigh(catalogue.symptoms().len());
        index
    }

    fn add(&mut self, symptom: usize, text: &str, worth: f32, part: f32, codes: &Codes) {
        let number = u32::try_from(self.phrases.len()).unwrap_or(u32::MAX);
        let tokens = without_codes(tokens(&without_names(text), Lines::Spaces), symptom, codes);
        let (mut phrase, mut senses) = (Vec::new(), Vec::new());
        for Term { key, sense } in terms(&tokens) {
            let next = u32::try_from(self.vocabulary.len()).unwrap_or(u32::MAX);
            let id = *self.numbers.entry(key.clone()).or_insert(next);
            if id == next {
                let letters = letters(&key);
                self.vocabulary.push(Vocable { key, letters, sense, phrases: Vec::new(), symptoms: Vec::new() });
            }
            let vocable = &mut self.vocabulary[id as usize];
            if vocable.phrases.last() != Some(&number) {
                vocable.phrases.push(number);
            }
            if vocable.symptoms.last() != Some(&symptom) {
                vocable.symptoms.push(symptom);
            }
            phrase.push(id);
            senses.push(sense);
        }
        let is_thing = tokens.get(1).is_some_and(|token| token.kind == Kind::Number)
            && tokens.get(2).is_some_and(|token| token.is_mark(":"));
        self.phrases.push(Phrase {
            symptom,
            terms: phrase,
            senses,
            weights: Vec::new(),
            total: 0.0,
            has_field: false,
            whole: false,
            is_common: false,
            worth,
            part,
            is_thing,
        });
    }

    /// The sentences of a phrase that is already added which have a place for a name between their words.
    fn add_templates(&mut self, phrase: usize, text: &str) {
        for sentence in text.split_inclusive(". ").flat_map(|part| part.split_inclusive('。')) {
            let plain = without_names(sentence);
            let parts = plain.split('|').map(|part| terms(&tokens(part, Lines::Spaces)));
            let parts: Vec<Vec<Term>> = parts.filter(|part| !part.is_empty()).collect();
            let said = parts.iter().flatten().map(|term| match term.sense {
                Sense::Content | Sense::Everyday | Sense::Field => 2,
                Sense::Pair | Sense::EverydayPair | Sense::FieldPair => 1,
                Sense::Empty | Sense::EmptyPair | Sense::Number => 0,
            });
            if parts.len() < 2 || said.sum::<usize>() < LEAST_TEMPLATE {
                continue;
            }
            let ids = |part: &Vec<Term>| part.iter().map(|term| self.numbers.get(&term.key).copied()).collect();
            if let Some(parts) = parts.iter().map(ids).collect() {
                self.templates.push(Template { phrase, parts });
            }
        }
    }

    /// A sentence that messages of several symptoms begin with tells none of them.
    fn unshare_templates(&mut self) {
        let symptom = |template: &Template| self.phrases[template.phrase].symptom;
        let is_shared = |one: &Template| {
            self.templates.iter().any(|other| one.parts == other.parts && symptom(one) != symptom(other))
        };
        let shared: Vec<bool> = self.templates.iter().map(is_shared).collect();
        let mut shared = shared.into_iter();
        self.templates.retain(|_| !shared.next().unwrap_or(false));
    }

    /// The title of what a heading names as a thing is about that thing, too.
    fn spread_things(&mut self) {
        let things: Vec<usize> = self.phrases.iter().filter(|p| p.is_thing).map(|p| p.symptom).collect();
        for phrase in self.phrases.iter_mut().filter(|phrase| phrase.worth < 1.0) {
            phrase.is_thing |= things.contains(&phrase.symptom);
        }
    }

    /// The phrases of which a sentence is there to its last word, whatever names are put in, and where it is.
    pub(super) fn filled_in(&self, asked: &[Asked]) -> Vec<(usize, (usize, usize))> {
        let is_at = |part: &[u32], at: usize| {
            asked.get(at..at + part.len()).is_some_and(|text| {
                part.iter().zip(text).all(|(id, asked)| asked.is.iter().any(|(other, _)| other == id))
            })
        };
        let ends = |parts: &[Vec<u32>], start: usize| {
            let (first, rest) = parts.split_first()?;
            let mut at = is_at(first, start).then_some(start + first.len())?;
            for part in rest {
                at = (at..=at + LONGEST_NAME).find(|at| is_at(part, *at))? + part.len();
            }
            Some(at)
        };
        let found = self.templates.iter().filter_map(|template| {
            let place = |start| Some((template.phrase, (start, ends(&template.parts, start)?)));
            (0..asked.len()).find_map(place)
        });
        found.collect()
    }

    /// How much of a symptom's phrase is among those terms that no text of the other symptom says.
    pub(super) fn own(&self, phrase: &Phrase, other: usize, held: &[u32]) -> f32 {
        let mut ids: Vec<u32> = phrase.terms.iter().copied().filter(|id| held.contains(id)).collect();
        ids.sort_unstable();
        ids.dedup();
        let vocables = ids.iter().map(|id| &self.vocabulary[*id as usize]);
        vocables.filter(|vocable| !vocable.symptoms.contains(&other)).map(|vocable| vocable.sense.weight()).sum()
    }

    /// A term says the more the fewer symptoms' texts hold it.
    fn weigh(&mut self, symptoms: usize) {
        let all = symptoms.max(2) as f32;
        let rare: Vec<f32> =
            self.vocabulary.iter().map(|vocable| (all / vocable.symptoms.len() as f32).ln() / all.ln()).collect();
        for phrase in &mut self.phrases {
            let senses = || phrase.senses.iter().copied();
            let terms = phrase.terms.iter().zip(senses());
            phrase.weights =
                terms.map(|(id, sense)| sense.weight() * 0.7f32.mul_add(rare[*id as usize], 0.3)).collect();
            phrase.total = phrase.weights.iter().sum();
            phrase.has_field = senses().any(|sense| matches!(sense, Sense::Field | Sense::FieldPair));
            let words = senses().filter(|sense| matches!(sense, Sense::Content | Sense::Everyday)).count();
            let pairs = senses().filter(|sense| matches!(sense, Sense::Pair | Sense::EverydayPair)).count();
            phrase.whole = !phrase.has_field && words * 2 + pairs <= 4;
            let is_remote = phrase.terms.iter().any(|id| REMOTE.contains(&self.vocabulary[*id as usize].key.as_str()));
            phrase.is_common = !phrase.has_field
                && !is_remote
                && words <= COMMON_WORDS
                && !senses().any(|sense| matches!(sense, Sense::Content | Sense::Pair));
        }
    }

    /// The phrases that hold a vocable.
    pub(super) fn phrases_of(&self, id: u32) -> &[u32] {
        &self.vocabulary[id as usize].phrases
    }

    /// Whether a symptom's texts are about that stem of a word.
    pub(super) fn is_about(&self, symptom: usize, stem: &str) -> bool {
        self.numbers.get(stem).is_some_and(|id| {
            let vocable = &self.vocabulary[*id as usize];
            let says = !matches!(vocable.sense, Sense::Empty | Sense::EmptyPair | Sense::Number);
            says && !matches!(stem, "error" | "err" | "code" | "event") && vocable.symptoms.contains(&symptom)
        })
    }

    /// The terms of a text, as vocables: as they stand, cut and joined where white space is wrong, or with letters
    /// changed.
    pub(super) fn ask(&self, tokens: &[Token]) -> Vec<Asked> {
        let terms = terms(tokens);
        let mut near: HashMap<String, Vec<(u32, f32)>> = HashMap::new();
        let mut asked = Vec::with_capacity(terms.len());
        let mut i = 0;
        while i < terms.len() {
            let Term { key, sense } = &terms[i];
            let surprise = sense.surprise();
            let is_frame = matches!(sense, Sense::Empty | Sense::EmptyPair | Sense::Field | Sense::FieldPair);
            i += 1;
            if let Some(id) = self.numbers.get(key) {
                asked.push(Asked { is: vec![(*id, 1.0)], surprise, is_frame });
                continue;
            }
            if !matches!(sense, Sense::Content | Sense::Everyday | Sense::Empty) {
                asked.push(Asked { is: Vec::new(), surprise, is_frame });
                continue;
            }
            if let Some(next) = terms.get(i).filter(|next| next.sense != Sense::Number)
                && key.len() + next.key.len() >= 5
                && let Some(id) = self.numbers.get(word(&format!("{key}{}", next.key)).key.as_str())
            {
                asked.push(Asked { is: vec![(*id, 0.95)], surprise, is_frame });
                i += 1;
                continue;
            }
            // Names of machines and parts of GUIDs say nothing, unless they are misread words.
            let surprise = if key.contains(|c: char| c.is_ascii_digit()) { Sense::Number.surprise() } else { surprise };
            if let Some((a, b)) = self.cut(key) {
                asked.push(Asked { is: vec![(a, 0.95)], surprise, is_frame });
                asked.push(Asked { is: vec![(b, 0.95)], surprise: 0.0, is_frame });
                continue;
            }
            let is = match near.get(key) {
                Some(is) => is.clone(),
                None if near.len() >= MOST_MISSPELT => Vec::new(),
                None => near.entry(key.clone()).or_insert_with(|| self.similar(key)).clone(),
            };
            asked.push(Asked { is, surprise, is_frame });
        }
        asked
    }

    /// Two words without the space between them.
    fn cut(&self, key: &str) -> Option<(u32, u32)> {
        if !(7..=40).contains(&key.len()) || !key.is_ascii() {
            return None;
        }
        (3..=key.len() - 3).find_map(|at| {
            let find = |part: &str| self.numbers.get(word(part).key.as_str()).copied();
            Some((find(&key[..at])?, find(&key[at..])?))
        })
    }

    /// Words that differ by a letter, or by two where they are long.
    fn similar(&self, key: &str) -> Vec<(u32, f32)> {
        let len = key.chars().count();
        if !(4..=30).contains(&len) {
            return Vec::new();
        }
        let allowed = if len >= 8 { 2 } else { 1 };
        let signature = letters(key);
        let mut best = allowed + 1;
        let mut found = Vec::new();
        for (id, vocable) in self.vocabulary.iter().enumerate() {
            let is_word = matches!(vocable.sense, Sense::Content | Sense::Everyday | Sense::Field);
            let other = &vocable.key;
            if !is_word || other.len() < 4 || other.len().abs_diff(len) > allowed {
                continue;
            }
            if (signature ^ vocable.letters).count_ones() as usize > 2 * allowed {
                continue;
            }
            let distance = strsim::osa_distance(key, other);
            if distance < best {
                best = distance;
                found.clear();
            }
            if distance == best && distance <= allowed {
                found.push((u32::try_from(id).unwrap_or(u32::MAX), 1.0 - 0.15 * distance as f32));
            }
        }
        found
    }
}

fn texts(symptom: &Symptom) -> impl Iterator<Item = (&str, bool)> {
    let lists = symptom.messages.iter().chain(symptom.headings.iter());
    let said = lists.flat_map(|(_, list)| list.iter().map(|text| (text.as_str(), false)));
    said.chain(symptom.title.iter().map(|(_, text)| (text.as_str(), true)))
}

/// The sentences of a text that has several, what stands before a list, and the list's entries: those that are long
/// enough.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let sentences = text.split_inclusive(". ").flat_map(|part| part.split_inclusive('。'));
    let clauses = sentences.flat_map(|part| part.split_inclusive(": ")).flat_map(|part| part.split_inclusive('：'));
    let parts: Vec<&str> = clauses.flat_map(|part| part.split(") ")).collect();
    let several = parts.len() > 1;
    parts.into_iter().filter(move |part| {
        let pairs = part.chars().filter(|c| is_cjk(*c)).count();
        several && (pairs > SENTENCE_PAIRS || part.split_whitespace().count() >= SENTENCE_WORDS)
    })
}

/// A message without its `<…>`, for which programs put in names.
fn without_names(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '<' => depth += 1,
            '>' => {
                depth = depth.saturating_sub(1);
                plain.push('|');
            }
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain
}

/// A message without its symptom's codes: a text that has one is not compared by words.
fn without_codes(tokens: Vec<Token>, symptom: usize, codes: &Codes) -> Vec<Token> {
    let mut left = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        match literal(codes, &tokens, i).filter(|code| code.known.iter().any(|known| known.symptom == symptom)) {
            Some(code) => i = code.to + 1,
            None => {
                left.push(tokens[i].clone());
                i += 1;
            }
        }
    }
    left
}

/// Which letters and digits a word has.
fn letters(key: &str) -> u64 {
    key.bytes().fold(0, |bits, b| match b {
        b'a'..=b'z' => bits | 1 << (b - b'a'),
        b'0'..=b'9' => bits | 1 << (b - b'0' + 26),
        _ => bits | 1 << 40,
    })
}
