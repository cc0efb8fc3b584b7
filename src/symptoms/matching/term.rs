//! What texts are compared by: stems of words, pairs of Chinese or Japanese characters, numbers.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::token::{Kind, Token};
use super::vocabulary::{BETWEEN, EVERYDAY, FIELD, NEUTRAL, SAYS, before_not, long_form, stem};

/// One of them, and how much it says before the catalogue is asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) key: String,
    pub(super) sense: Sense,
}

/// What kind of thing a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    /// Grammar, politeness.
    Empty,
    /// Of every text about computers.
    Everyday,
    /// Of the catalogue's field.
    Field,
    /// Any other word.
    Content,
    Number,
    /// A pair of characters: grammar, of every such text, of the field, any other.
    EmptyPair,
    EverydayPair,
    FieldPair,
    Pair,
}

impl Sense {
    /// How much a term says that stands in one symptom's texts only.
    pub(super) const fn weight(self) -> f32 {
        match self {
            Self::Empty => 0.08,
            Self::Everyday => 0.4,
            Self::Field => 0.7,
            Self::Content => 1.0,
            Self::Number => 0.25,
            Self::EmptyPair => 0.05,
            Self::EverydayPair => 0.2,
            Self::FieldPair => 0.4,
            Self::Pair => 0.48,
        }
    }

    /// How much is against a match when it is not explained.
    pub(super) const fn surprise(self) -> f32 {
        match self {
            Self::Empty | Self::Number => 0.03,
            Self::Everyday => 0.3,
            Self::Field | Self::Content => 0.4,
            Self::EmptyPair => 0.01,
            Self::EverydayPair => 0.08,
            Self::FieldPair | Self::Pair => 0.12,
        }
    }
}

static EVERYDAY_STEMS: LazyLock<HashSet<String>> =
    LazyLock::new(|| EVERYDAY.latin().map(|word| stem(word).to_owned()).collect());

/// Words of the lists are not longer.
const LONGEST: usize = 14;

static CJK_WORDS: LazyLock<HashMap<String, Sense>> = LazyLock::new(|| {
    let lists = [
        (&SAYS, Sense::EmptyPair),
        (&NEUTRAL, Sense::EmptyPair),
        (&EVERYDAY, Sense::EverydayPair),
        (&FIELD, Sense::FieldPair),
    ];
    lists.iter().flat_map(|(words, sense)| words.cjk().iter().map(|word| (word.clone(), *sense))).collect()
});

/// The terms of a text, in order.
pub(super) fn terms(tokens: &[Token]) -> Vec<Term> {
    let mut terms = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        i += 1;
        match token.kind {
            Kind::Mark => {}
            Kind::Number => terms.push(Term { key: token.text.clone(), sense: Sense::Number }),
            Kind::Cjk => cjk(&token.text, &mut terms),
            Kind::Word | Kind::Mixed => {
                let contracted = contraction(tokens, i - 1);
                if let Some((verb, taken)) = contracted {
                    terms.push(word(verb));
                    terms.push(Term { key: "not".to_owned(), sense: Sense::Empty });
                    i += taken;
                } else if let Some(long) = long_form(&token.text) {
                    terms.extend(long.iter().map(|part| word(part)));
                } else {
                    terms.push(word(&token.text));
                }
            }
        }
    }
    terms
}

/// `can't`, `can t`, `cant` or `cannot`: its verb, and how many tokens follow that belong to it.
fn contraction(tokens: &[Token], i: usize) -> Option<(&'static str, usize)> {
    let text = tokens[i].text.as_str();
    let verb = before_not(text)?;
    if text == "cannot" || text.ends_with("nt") {
        return Some((verb, 0));
    }
    let is_t = |i: usize| tokens.get(i).is_some_and(|token| token.text == "t");
    if tokens.get(i + 1).is_some_and(|mark| mark.is_mark("'")) && is_t(i + 2) {
        return Some((verb, 2));
    }
    is_t(i + 1).then_some((verb, 1))
}

/// The term of a word.
pub(super) fn word(text: &str) -> Term {
    let key = stem(text);
    let sense = if FIELD.has(text) {
        Sense::Field
    } else if EVERYDAY_STEMS.contains(key) {
        Sense::Everyday
    } else if NEUTRAL.has(text) || BETWEEN.has(text) || SAYS.has(text) || text.len() <= 1 {
        Sense::Empty
    } else {
        Sense::Content
    };
    Term { key: key.to_owned(), sense }
}

fn cjk(run: &str, terms: &mut Vec<Term>) {
    let chars: Vec<char> = run.chars().collect();
    let senses = senses(&chars);
    if chars.len() == 1 {
        terms.push(Term { key: run.to_owned(), sense: Sense::EmptyPair });
    }
    for (pair, senses) in chars.windows(2).zip(senses.windows(2)) {
        let sense = if pair.iter().all(|c| ('\u{3041}'..='\u{309f}').contains(c)) {
            Sense::EmptyPair
        } else {
            match (senses[0], senses[1]) {
                (None, _) | (_, None) => Sense::Pair,
                (Some(Sense::FieldPair), _) | (_, Some(Sense::FieldPair)) => Sense::FieldPair,
                (Some(Sense::EverydayPair), _) | (_, Some(Sense::EverydayPair)) => Sense::EverydayPair,
                _ => Sense::EmptyPair,
            }
        };
        terms.push(Term { key: pair.iter().collect(), sense });
    }
}

/// What each character is a part of: at each place the longest word of the lists.
fn senses(chars: &[char]) -> Vec<Option<Sense>> {
    let mut senses = vec![None; chars.len()];
    let mut i = 0;
    while i < chars.len() {
        let rest = &chars[i..chars.len().min(i + LONGEST)];
        let longest = (1..=rest.len()).rev().find_map(|len| {
            let sense = CJK_WORDS.get(&rest[..len].iter().collect::<String>())?;
            Some((len, *sense))
        });
        match longest {
            Some((len, sense)) => {
                senses[i..i + len].fill(Some(sense));
                i += len;
            }
            None => {
                if ('\u{3041}'..='\u{309f}').contains(&chars[i]) {
                    senses[i] = Some(Sense::EmptyPair);
                }
                i += 1;
            }
        }
    }
    senses
}
