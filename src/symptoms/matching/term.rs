//! What texts are compared by: stems of words, pairs of Chinese or Japanese characters, numbers.

use std::collections::HashSet;
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
    /// A pair of characters: grammar, of every such text, any other.
    EmptyPair,
    EverydayPair,
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
            Self::EverydayPair => 0.16,
            Self::Pair => 0.42,
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
            Self::Pair => 0.12,
        }
    }
}

static EVERYDAY_STEMS: LazyLock<HashSet<String>> =
    LazyLock::new(|| EVERYDAY.latin().map(|word| stem(word).to_owned()).collect());

static EVERYDAY_PAIRS: LazyLock<HashSet<String>> = LazyLock::new(|| EVERYDAY.cjk().iter().flat_map(pairs).collect());
static EMPTY_PAIRS: LazyLock<HashSet<String>> =
    LazyLock::new(|| NEUTRAL.cjk().iter().chain(SAYS.cjk()).flat_map(pairs).collect());
static FIELD_PAIRS: LazyLock<HashSet<String>> = LazyLock::new(|| FIELD.cjk().iter().flat_map(pairs).collect());

fn pairs(word: &String) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    chars.windows(2).map(|pair| pair.iter().collect()).collect()
}

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
    if chars.len() == 1 {
        terms.push(Term { key: run.to_owned(), sense: Sense::EmptyPair });
    }
    for pair in chars.windows(2) {
        let key: String = pair.iter().collect();
        let sense = if EVERYDAY_PAIRS.contains(&key) {
            Sense::EverydayPair
        } else if FIELD_PAIRS.contains(&key) {
            Sense::Pair
        } else if pair.iter().all(|c| ('\u{3041}'..='\u{309f}').contains(c)) || EMPTY_PAIRS.contains(&key) {
            Sense::EmptyPair
        } else {
            Sense::Pair
        };
        terms.push(Term { key, sense });
    }
}
