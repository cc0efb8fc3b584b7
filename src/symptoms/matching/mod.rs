//! From what a user saw to its symptom.
//!
//! Codes decide: an error code or a symptom's id says which symptom it is, whatever the words around it. Without one
//! the words are compared, robustly: the text may stand within chat, be cut, misspelt, without accents, in another
//! word order or with names filled in. An error code that belongs to no symptom forbids that.

mod codes;
mod fold;
mod index;
mod literal;
mod rank;
mod scan;
mod source;
mod term;
mod token;
mod vocabulary;

use std::sync::LazyLock;

pub(super) use codes::is_code;

use self::codes::Codes;
use self::fold::{Lines, bounded, unescaped};
use self::index::{Asked, Index, Phrase};
use self::rank::{Near, contrast, rank};
use self::scan::{Found, Scan, is_field};
use self::source::Sources;
use self::token::{Kind, Token, tokens};
use self::vocabulary::{FAILURE, FOREIGN, OTHER_ROLES, REACHING, SUCCESS, Words, stem};
use super::Catalogue;

/// How many bytes of a text count. Of a longer one those are the first and the last half of as many.
pub const MAX_BYTES: usize = 256 * 1024;

/// Texts of more bytes are logs, whose lines nobody broke within words.
const MOST_JOINED: usize = 16 * 1024;

/// From this score on a symptom that stands out is the answer.
const ONE: f32 = 0.52;

/// From this score on a symptom is worth being named.
const NEAR: f32 = 0.4;

/// A symptom stands out when the next one has less than this part of its score.
const MARGIN: f32 = 0.88;

/// How much more of what only it says has to be in a text for a symptom to be told from one with a similar message.
const CONTRAST: f32 = 0.35;

/// How much of what only it says has to be in a text, as weights of words, to tell a symptom from a similar one.
const OWN: f32 = 0.9;

/// How much of a heading that names a thing has to be there to be no mere mention of the thing.
const THING: f32 = 0.97;

/// What a sentence of a message is worth that is there to its last word.
const FILLED_IN: f32 = 0.9;

/// How many near symptoms are named at most.
const MOST: usize = 6;

/// Which symptom a text is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This one.
    One(String),
    /// One of these, the nearest first, or that one if it alone is near but not surely meant; never empty.
    Several(Vec<String>),
    /// None that is known.
    None,
}

/// What was found for a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The decision.
    pub answer: Answer,
    /// The symptoms that are near, with how near they are from 0 to 1, the nearest first. Symptoms that a code or an
    /// id names have 1 and stand alone. Empty exactly when there is no answer.
    pub matches: Vec<(String, f32)>,
}

struct Matcher {
    catalogue: &'static Catalogue,
    codes: Codes,
    sources: Sources,
    index: Index,
}

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| {
    let catalogue = Catalogue::builtin();
    let codes = Codes::new(catalogue);
    let index = Index::new(catalogue, &codes);
    Matcher { catalogue, codes, sources: Sources::new(catalogue), index }
});

/// Finds the symptom of a text: a code, a symptom's id, or a pasted message, heading or title in any of the
/// languages. Any text is fine; of one longer than [`MAX_BYTES`] its beginning and end count.
pub fn find(text: &str) -> Match {
    MATCHER.find(&unescaped(&bounded(text)))
}

impl Matcher {
    fn find(&self, text: &str) -> Match {
        let has_lines = text.len() <= MOST_JOINED
            && text.trim().contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}']);
        let spaced = tokens(text, Lines::Spaces);
        // Lines may have been broken within words and numbers.
        let joined = if has_lines { Some(tokens(text, Lines::Joined)) } else { None };
        let found = self.scan(&spaced);
        if !found.symptoms.is_empty() {
            return self.certain(&found.symptoms);
        }
        if let Some(joined) = &joined {
            let found = self.scan(joined);
            if !found.symptoms.is_empty() {
                return self.certain(&found.symptoms);
            }
        }
        if found.other {
            return Match { answer: Answer::None, matches: Vec::new() };
        }
        let mut scores = vec![Score::default(); self.catalogue.symptoms().len()];
        for tokens in [Some(&spaced), joined.as_ref()].into_iter().flatten() {
            self.words(tokens, &mut scores);
        }
        if found.ambiguous.is_empty() { self.decide(scores) } else { self.ambiguous(&found.ambiguous, &scores) }
    }

    /// Codes that many programs say decide where words of the symptom's message are there, too. Else they are near,
    /// if nothing speaks for another program.
    fn ambiguous(&self, codes: &[(usize, bool)], scores: &[Score]) -> Match {
        let pick = |wanted: &dyn Fn(usize, bool) -> bool| {
            let mut symptoms: Vec<usize> = Vec::new();
            for (symptom, is_likely) in codes {
                if wanted(*symptom, *is_likely) && !symptoms.contains(symptom) {
                    symptoms.push(*symptom);
                }
            }
            symptoms
        };
        let said = pick(&|symptom, _| scores[symptom].score >= NEAR);
        if !said.is_empty() {
            return self.certain(&said);
        }
        let near = pick(&|_, is_likely| is_likely);
        let ids: Vec<String> = near.iter().map(|i| self.catalogue.symptoms()[*i].id.clone()).collect();
        let matches = ids.iter().map(|id| (id.clone(), NEAR)).collect();
        Match { answer: if ids.is_empty() { Answer::None } else { Answer::Several(ids) }, matches }
    }

    fn scan(&self, tokens: &[Token]) -> Found {
        let mentions = self.sources.mentions(tokens);
        let is_about = |symptom: usize, stem: &str| self.index.is_about(symptom, stem);
        let (catalogue, codes) = (self.catalogue, &self.codes);
        let has_field = tokens.iter().any(is_field);
        Scan { catalogue, codes, tokens, mentions: &mentions, has_field, is_about: &is_about }.run()
    }

    fn certain(&self, symptoms: &[usize]) -> Match {
        let ids: Vec<String> = symptoms.iter().map(|i| self.catalogue.symptoms()[*i].id.clone()).collect();
        let matches = ids.iter().map(|id| (id.clone(), 1.0)).collect();
        let answer = match <[String; 1]>::try_from(ids) {
            Ok([id]) => Answer::One(id),
            Err(ids) => Answer::Several(ids),
        };
        Match { answer, matches }
    }

    /// Raises each symptom's score to that of its nearest phrase.
    fn words(&self, tokens: &[Token], scores: &mut [Score]) {
        let mentions = self.sources.mentions(tokens);
        let trusted = self.sources.symptoms(self.catalogue, &mentions);
        let has_field = tokens.iter().any(is_field);
        let says = |words: &Words| tokens.iter().any(|token| token.is_of(words));
        let is_reaching = says(&REACHING);
        let is_success = says(&SUCCESS) && !says(&FAILURE);
        let is_other_role = speaks_of_other_role(tokens);
        let asked = self.index.ask(tokens);
        for Near { phrase: number, mut score, coverage, window } in rank(&self.index, &asked, &trusted) {
            let phrase = &self.index.phrases[number];
            if phrase.has_field && !has_field && coverage < 0.75 {
                score = score.min(ONE * 0.95);
            }
            if !has_field && coverage < 0.9 && self.is_foreign(tokens, phrase.symptom) {
                score *= 0.7;
            }
            if phrase.is_thing && coverage < THING && !is_reaching && !is_only(phrase, &asked) {
                score = score.min(ONE * 0.95);
            }
            if is_success {
                score *= 0.6;
            }
            if is_other_role && coverage < 0.9 {
                score *= 0.7;
            }
            score *= phrase.worth;
            let best = &mut scores[phrase.symptom];
            if score > best.score {
                let held =
                    asked[window.0..window.1].iter().flat_map(|term| term.is.iter().map(|(id, _)| *id)).collect();
                *best = Score { score, coverage, phrase: number, held };
            }
        }
        for (number, (start, end)) in self.index.filled_in(&asked) {
            let phrase = &self.index.phrases[number];
            let score = FILLED_IN * phrase.worth;
            let best = &mut scores[phrase.symptom];
            if score > best.score {
                let held = asked[start..end].iter().flat_map(|term| term.is.iter().map(|(id, _)| *id)).collect();
                *best = Score { score, coverage: score, phrase: number, held };
            }
        }
    }

    /// The text speaks of programs that the symptom does not.
    fn is_foreign(&self, tokens: &[Token], symptom: usize) -> bool {
        tokens.iter().any(|token| match token.kind {
            Kind::Word | Kind::Mixed => FOREIGN.has(&token.text) && !self.index.is_about(symptom, stem(&token.text)),
            Kind::Cjk => FOREIGN.within(&token.text),
            _ => false,
        })
    }

    fn decide(&self, scores: Vec<Score>) -> Match {
        let mut near: Vec<(usize, Score)> =
            scores.into_iter().enumerate().filter(|(_, score)| score.score >= NEAR).collect();
        near.sort_by(|a, b| b.1.score.total_cmp(&a.1.score).then(a.0.cmp(&b.0)));
        near.truncate(MOST);
        if let [first, second, ..] = near.as_mut_slice()
            && second.1.score > first.1.score * MARGIN
            && (self.contrast(&second.1, &first.1) >= CONTRAST || self.only(&second.1, &first.1))
        {
            std::mem::swap(first, second);
            std::mem::swap(&mut first.1.score, &mut second.1.score);
        }
        let matches: Vec<(String, f32)> =
            near.iter().map(|(i, score)| (self.catalogue.symptoms()[*i].id.clone(), score.score)).collect();
        let answer = match near.as_slice() {
            [] => Answer::None,
            [(_, best), rest @ ..] if best.score >= ONE && rest.iter().all(|(_, next)| self.stands_out(best, next)) => {
                Answer::One(matches[0].0.clone())
            }
            _ => Answer::Several(matches.iter().map(|(id, _)| id.clone()).collect()),
        };
        Match { answer, matches }
    }

    /// Clearly nearer, or as good as whole while the other one is not, or by what only one of them says.
    fn stands_out(&self, best: &Score, next: &Score) -> bool {
        next.score < best.score * MARGIN
            || best.coverage > 0.8 && next.coverage < best.coverage - 0.12
            || self.contrast(best, next) >= CONTRAST
            || self.only(best, next)
    }

    /// The text has words that only the one symptom says and hardly any that only the other one says.
    fn only(&self, one: &Score, other: &Score) -> bool {
        let phrases = [&self.index.phrases[one.phrase], &self.index.phrases[other.phrase]];
        let own = self.index.own(phrases[0], phrases[1].symptom, &one.held);
        own >= OWN && self.index.own(phrases[1], phrases[0].symptom, &other.held) <= own * 0.1
    }

    fn contrast(&self, one: &Score, other: &Score) -> f32 {
        contrast(&self.index.phrases[one.phrase], &self.index.phrases[other.phrase], &one.held)
    }
}

/// A part of Remote Desktop that has its own errors.
fn speaks_of_other_role(tokens: &[Token]) -> bool {
    (0..tokens.len()).any(|from| {
        let mut name = String::new();
        tokens[from..].iter().take(6).any(|token| match token.kind {
            Kind::Word => {
                name.push_str(&token.text);
                OTHER_ROLES.has(&name)
            }
            Kind::Cjk => OTHER_ROLES.within(&token.text),
            _ => false,
        })
    })
}

/// Nothing else is said than what the phrase says.
fn is_only(phrase: &Phrase, asked: &[Asked]) -> bool {
    asked.iter().all(|term| term.surprise < 0.05 || term.is.iter().any(|(id, _)| phrase.terms.contains(id)))
}

/// How near a symptom's nearest phrase is.
#[derive(Clone, Default)]
struct Score {
    score: f32,
    coverage: f32,
    phrase: usize,
    /// The terms among which it was found.
    held: Vec<u32>,
}
