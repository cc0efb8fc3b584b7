//! Which codes a text names, judged by what stands around its numbers.

use super::super::Catalogue;
use super::codes::{Codes, Family, Known};
use super::literal::{self, Literal};
use super::source::{Mention, nearest};
use super::term::{Sense, Term, terms};
use super::token::{Kind, Token};
use super::vocabulary::{
    BETWEEN, CODE_PREFIX, COUNT, COUNTED, ERROR, ERRORS, EVENT, EVENTS, FIELD, FOREIGN, MEASURE, NEUTRAL, SAYS, Words,
    stem,
};

/// How many tokens around a number are its company.
const COMPANY: usize = 30;

/// How many tokens of its message beside a number are looked at.
const LABELLED: usize = 16;

/// What a text says by codes.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The symptoms whose codes or ids it names, in order, each once.
    pub(super) symptoms: Vec<usize>,
    /// It names an error code, too, that belongs to none.
    pub(super) other: bool,
    /// The symptoms of codes that may be those of another program, and whether that is as likely.
    pub(super) ambiguous: Vec<(usize, bool)>,
}

impl Found {
    fn add(&mut self, symptom: usize) {
        if !self.symptoms.contains(&symptom) {
            self.symptoms.push(symptom);
        }
    }
}

/// What stands beside a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Error,
    Event,
    /// `shows`, `显示`: enough where the text is about the catalogue's field.
    Says,
}

pub(super) struct Scan<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) codes: &'a Codes,
    pub(super) tokens: &'a [Token],
    pub(super) mentions: &'a [Mention],
    /// Whether the text speaks of the catalogue's field.
    pub(super) has_field: bool,
    /// Whether that stem of a word is one of those that a symptom's texts are about.
    pub(super) is_about: &'a dyn Fn(usize, &str) -> bool,
}

impl Scan<'_> {
    pub(super) fn run(&self) -> Found {
        let mut found = Found::default();
        let mut taken = vec![false; self.tokens.len()];
        for (from, to, symptom) in self.ids() {
            taken[from..=to].fill(true);
            found.add(symptom);
        }
        for (from, to, symptoms) in literal::words(self.codes, self.tokens) {
            if !taken[from] {
                taken[from..=to].fill(true);
                symptoms.into_iter().for_each(|symptom| found.add(symptom));
            }
        }
        found.other |= (0..self.tokens.len()).any(|i| !taken[i] && self.is_other_word(i));
        let mut i = 0;
        let mut accepted = None;
        while i < self.tokens.len() {
            let literal = if taken[i] { None } else { literal::literal(self.codes, self.tokens, i) };
            let Some(literal) = literal else {
                i += 1;
                continue;
            };
            if self.judge(&literal, accepted, &mut found) {
                accepted = Some(literal.to);
            }
            i = literal.to + 1;
        }
        found
    }

    /// Symptoms' ids, written with their dashes.
    fn ids(&self) -> Vec<(usize, usize, usize)> {
        let mut ids = Vec::new();
        let mut from = 0;
        while from < self.tokens.len() {
            let mut to = from;
            let belongs = |token: &Token| !token.spaced && (token.is_latin() || token.is_mark("-"));
            while self.tokens[from].is_latin() && self.tokens.get(to + 1).is_some_and(belongs) {
                to += 1;
            }
            if to > from {
                let id: String = self.tokens[from..=to].iter().map(|token| token.text.as_str()).collect();
                if let Some(i) = self.catalogue.symptoms().iter().position(|symptom| symptom.id == id) {
                    ids.push((from, to, i));
                }
            }
            from = to + 1;
        }
        ids
    }

    /// `SEC_E_NO_CREDENTIALS` and the like: several words with underscores, of which the first is one of codes.
    fn is_other_word(&self, from: usize) -> bool {
        if !CODE_PREFIX.has(&self.tokens[from].text) || from > 0 && self.tokens[from - 1].is_mark("_") {
            return false;
        }
        let mut parts = 1;
        let mut i = from;
        while self.tokens.get(i + 1).is_some_and(|mark| mark.is_mark("_") && !mark.spaced)
            && self.tokens.get(i + 2).is_some_and(|word| word.is_latin() && !word.spaced)
        {
            parts += 1;
            i += 2;
        }
        parts >= 3 || parts == 2 && self.tokens[from].text == "e"
    }

    /// Takes one number into account. True if it is a code.
    fn judge(&self, literal: &Literal, accepted: Option<usize>, found: &mut Found) -> bool {
        let labelled = self.is_labelled(literal);
        if !literal.certain && !labelled && (self.is_part(literal) || self.measures(literal))
            || self.is_process(literal)
        {
            return false;
        }
        let beside = self.beside(literal);
        if literal.known.is_empty() {
            found.other |= literal.certain || self.is_other_number(literal, beside);
            return false;
        }
        let counted = beside.is_none() && !literal.glued && self.counts(literal);
        let is_code = literal.certain
            || literal.glued
            || labelled
            || matches!(beside, Some(Beside::Error | Beside::Event))
            || beside == Some(Beside::Says) && self.has_field
            || accepted.is_some_and(|end| self.is_chained(end, literal.from))
            || self.is_alone(literal);
        let mut taken = false;
        for known in &literal.known {
            match self.source(known, literal) {
                Some(true) => {
                    found.add(known.symptom);
                    taken = true;
                }
                Some(false) => found.other |= is_code,
                None if !is_code || counted => {}
                None if known.is_weak() && !self.is_alone(literal) && !self.fits(known, literal, beside) => {
                    if matches!(known.family, Family::Event | Family::State) {
                        found.other = true;
                    } else if !found.ambiguous.iter().any(|(symptom, _)| *symptom == known.symptom) {
                        // Once for each symptom: it looks at the whole text.
                        let is_other = self.is_foreign(known.symptom) || self.is_explained(known.symptom, literal);
                        found.ambiguous.push((known.symptom, !is_other));
                    }
                }
                None => {
                    found.add(known.symptom);
                    taken = true;
                }
            }
        }
        taken
    }

    /// For an event's id beside a source: whether that source writes it.
    fn source(&self, known: &Known, literal: &Literal) -> Option<bool> {
        if known.family != Family::Event {
            return None;
        }
        let mention = nearest(self.mentions, literal.from, literal.to)?;
        let events = &self.catalogue.symptoms()[known.symptom].events;
        Some(events.iter().any(|event| event.id == known.value && mention.writes(event)))
    }

    /// A part of a longer thing: a version, a date, a time, an address, a path, a telephone number, a name.
    fn is_part(&self, literal: &Literal) -> bool {
        let get = |i: usize| self.tokens.get(i);
        let has_digit = |token: &Token| matches!(token.kind, Kind::Number | Kind::Mixed);
        let first = &self.tokens[literal.from];
        if literal.from >= 1 && !first.spaced && first.kind != Kind::Cjk {
            let mark = &self.tokens[literal.from - 1];
            if mark.kind == Kind::Mark {
                let glued = literal.from >= 2 && !mark.spaced;
                let before = glued.then(|| &self.tokens[literal.from - 2]);
                let is_error = |token: &Token| token.is_latin() && (ERROR.has(&token.text) || EVENT.has(&token.text));
                if mark.is_mark("+$€£¥@\\~^*")
                    || mark.is_mark("/")
                        && before.is_none_or(|token| !is_error(token) && !self.is_code_at(literal.from - 2))
                    || before.is_some_and(|token| has_digit(token) && !mark.is_mark("#()[]{}/\"':;|=!?>"))
                    || before.is_some_and(|token| has_digit(token) && mark.is_mark(":"))
                    || mark.is_mark("-.")
                        && before.is_some_and(|token| token.is_latin() && !is_error(token) && !BETWEEN.has(&token.text))
                {
                    return true;
                }
            }
        }
        let Some(mark) = get(literal.to + 1).filter(|mark| mark.kind == Kind::Mark) else { return false };
        if mark.is_mark("%°€$£¥‰") {
            return true;
        }
        let Some(next) = get(literal.to + 2).filter(|next| !mark.spaced && !next.spaced) else { return false };
        mark.is_mark(".,:/-'+*_@") && has_digit(next) && !(mark.is_mark("/,") && self.is_code_at(literal.to + 2))
            || mark.is_mark("-_@\\") && next.kind == Kind::Word && !ERROR.has(&next.text) && !EVENT.has(&next.text)
            || mark.is_mark("/") && next.kind == Kind::Word
    }

    fn is_code_at(&self, i: usize) -> bool {
        literal::literal(self.codes, self.tokens, i).is_some_and(|literal| !literal.known.is_empty())
    }

    /// A unit stands behind it, or before it what it is the number of.
    fn measures(&self, literal: &Literal) -> bool {
        if self.is_unit(literal.to + 1) && !self.is_said_directly(literal) {
            return true;
        }
        let mut i = literal.from;
        while i > 0 {
            i -= 1;
            let token = &self.tokens[i];
            match token.kind {
                Kind::Mark if token.is_mark("#:№(") => {}
                Kind::Word if matches!(token.text.as_str(), "no" | "nr" | "n" | "number" | "numero" | "id") => {}
                Kind::Word => return COUNTED.has(&token.text),
                Kind::Cjk => return COUNTED.cjk().iter().any(|word| token.text.ends_with(word.as_str())),
                _ => return false,
            }
        }
        false
    }

    /// A unit, and no elided or shortened word: `s'affiche`, `m. Dupont`.
    fn is_unit(&self, i: usize) -> bool {
        let Some(token) = self.tokens.get(i).filter(|token| starts_with(token, &MEASURE)) else { return false };
        let mark = self.tokens.get(i + 1).filter(|mark| !mark.spaced);
        let is_short = token.text.len() == 1 && self.tokens.get(i + 2).is_some_and(Token::is_latin);
        !mark.is_some_and(|mark| mark.is_mark("'") || is_short && mark.is_mark("."))
    }

    /// A word for errors or events stands right before it.
    fn is_said_directly(&self, literal: &Literal) -> bool {
        let before = self.tokens[..literal.from].iter().rev().find(|token| !token.is_mark(":#([\"'="));
        before.is_some_and(|token| match token.kind {
            Kind::Word => [&ERROR, &EVENT].iter().any(|words| words.has(&token.text)),
            Kind::Cjk => ends_near(&token.text, &ERROR) || ends_near(&token.text, &EVENT),
            _ => false,
        })
    }

    /// The number of a process behind its name: `rasclient[1460]: …`.
    fn is_process(&self, literal: &Literal) -> bool {
        let glued = |i: usize, mark: &str| self.tokens.get(i).is_some_and(|token| !token.spaced && token.is_mark(mark));
        let is_name = |token: &Token| token.is_latin() && (!ERROR.has(&token.text) || token.text == "rasclient");
        literal.from >= 2
            && !self.tokens[literal.from].spaced
            && glued(literal.from - 1, "[")
            && is_name(&self.tokens[literal.from - 2])
            && !EVENT.has(&self.tokens[literal.from - 2].text)
            && glued(literal.to + 1, "]")
            && glued(literal.to + 2, ":")
    }

    /// Behind words of its message and in parentheses, or before them at the start: `… could not be found (798)`,
    /// `798: …`.
    fn is_labelled(&self, literal: &Literal) -> bool {
        let is = |i: usize, marks: &str| self.tokens.get(i).is_some_and(|token| token.is_mark(marks));
        let said = if literal.from > 0 && is(literal.from - 1, "([") && is(literal.to + 1, ")]") {
            &self.tokens[literal.from.saturating_sub(LABELLED)..literal.from - 1]
        } else if is(literal.to + 1, "-:") && self.tokens[..literal.from].iter().all(|token| token.is_mark("([\"'")) {
            &self.tokens[literal.to + 2..(literal.to + 2 + LABELLED).min(self.tokens.len())]
        } else {
            return false;
        };
        literal.known.iter().any(|known| {
            let (mut about, mut all) = (0, 0);
            for Term { key, sense } in terms(said) {
                let weight = match sense {
                    Sense::Content | Sense::Everyday | Sense::Field => 2,
                    Sense::Pair | Sense::EverydayPair | Sense::FieldPair => 1,
                    Sense::Empty | Sense::EmptyPair | Sense::Number => continue,
                };
                all += weight;
                about += if (self.is_about)(known.symptom, &key) { weight } else { 0 };
            }
            about >= 4 && about * 3 >= all * 2
        })
    }

    /// It says how many of something there are.
    fn counts(&self, literal: &Literal) -> bool {
        self.tokens.get(literal.to + 1).is_some_and(|next| starts_with(next, &COUNT))
    }

    /// The word beside it that makes it a code, before it or behind.
    fn beside(&self, literal: &Literal) -> Option<Beside> {
        self.before(literal.from).or_else(|| if self.counts(literal) { None } else { self.behind(literal.to) })
    }

    fn before(&self, from: usize) -> Option<Beside> {
        let mut says = None;
        for i in (from.saturating_sub(10)..from).rev() {
            let token = &self.tokens[i];
            match token.kind {
                Kind::Mark if token.is_mark(":#([{<\"'=-,_|>*!/°№") => {}
                Kind::Mark if token.is_mark(".") && i > 0 => {
                    let short = &self.tokens[i - 1];
                    if !matches!(short.text.as_str(), "no" | "nr" | "err" | "num") {
                        return says;
                    }
                }
                Kind::Word if EVENT.has(&token.text) || EVENTS.has(&token.text) => return Some(Beside::Event),
                Kind::Word if ERROR.has(&token.text) || ERRORS.has(&token.text) => return Some(Beside::Error),
                Kind::Word if SAYS.has(&token.text) => says = Some(Beside::Says),
                Kind::Word if BETWEEN.has(&token.text) => {}
                Kind::Cjk => {
                    let run = token.text.as_str();
                    return ends_near(run, &EVENT)
                        .then_some(Beside::Event)
                        .or_else(|| ends_near(run, &ERROR).then_some(Beside::Error))
                        .or(says)
                        .or_else(|| ends_near(run, &SAYS).then_some(Beside::Says));
                }
                _ => return says,
            }
        }
        says
    }

    fn behind(&self, to: usize) -> Option<Beside> {
        let next = self.tokens[to + 1..].iter().find(|token| !token.is_mark(")]}\"'>-"))?;
        match next.kind {
            Kind::Word if EVENT.has(&next.text) => Some(Beside::Event),
            Kind::Word if ERROR.has(&next.text) && next.text != "http" => Some(Beside::Error),
            Kind::Cjk => {
                let run = next.text.trim_start_matches(['の', '号', '号', '的', '番']);
                let starts = |words: &Words| words.cjk().iter().any(|word| run.starts_with(word.as_str()));
                starts(&EVENT).then_some(Beside::Event).or_else(|| starts(&ERROR).then_some(Beside::Error))
            }
            _ => None,
        }
    }

    /// `798, 809 and 812`: what was said of the first holds for all.
    fn is_chained(&self, end: usize, from: usize) -> bool {
        let between = &self.tokens[end + 1..from];
        !between.is_empty()
            && between.len() <= 4
            && between.iter().all(|token| {
                token.is_mark(",/&+;|)(-、")
                    || matches!(
                        token.text.as_str(),
                        "and"
                            | "or"
                            | "et"
                            | "ou"
                            | "then"
                            | "puis"
                            | "und"
                            | "和"
                            | "或"
                            | "与"
                            | "及"
                            | "と"
                            | "や"
                            | "または"
                    )
            })
    }

    /// Nothing else stands in the text but marks, politeness, and words for errors.
    fn is_alone(&self, literal: &Literal) -> bool {
        // Longer texts say something.
        self.tokens.len() <= 60
            && self.tokens.iter().enumerate().all(|(i, token)| {
                (literal.from..=literal.to).contains(&i)
                    || match token.kind {
                        Kind::Mark => !token.is_mark("%°€$£¥"),
                        Kind::Word => [&NEUTRAL, &ERROR, &EVENT, &SAYS, &FIELD, &BETWEEN]
                            .iter()
                            .any(|words| token.text != "http" && words.has(&token.text)),
                        Kind::Cjk => is_neutral(&token.text),
                        Kind::Number | Kind::Mixed => self.is_code_at(i),
                    }
            })
    }

    /// Whether a number that many programs say stands in a company that fits the symptom.
    fn fits(&self, known: &Known, literal: &Literal, beside: Option<Beside>) -> bool {
        let near = literal.from.saturating_sub(COMPANY)..(literal.to + 1 + COMPANY).min(self.tokens.len());
        let (mut field, mut foreign, mut about, mut unknown) = (false, false, 0, 0);
        for i in near {
            let token = &self.tokens[i];
            if (literal.from..=literal.to).contains(&i) || token.kind == Kind::Mark {
                continue;
            }
            let words = token.is_latin();
            let is_about = words && (self.is_about)(known.symptom, stem(&token.text));
            field |= is_field(token);
            about += usize::from(is_about);
            if words && FOREIGN.has(&token.text) && !is_about || token.kind == Kind::Cjk && FOREIGN.within(&token.text)
            {
                foreign = true;
            } else if token.kind == Kind::Word
                && token.text.len() >= 3
                && !is_about
                && !is_field(token)
                && !self.is_in_name(i)
            {
                let lists: [&Words; 5] = [&NEUTRAL, &ERROR, &EVENT, &SAYS, &BETWEEN];
                unknown += usize::from(!lists.iter().any(|list| list.has(&token.text)));
            }
        }
        if known.family == Family::Event {
            // The ids of events are errors of Windows, too, and those are said in words.
            return if beside == Some(Beside::Event) {
                !foreign || field
            } else {
                !foreign && (field || about + unknown <= 1)
            };
        }
        if foreign {
            return field && (known.family != Family::Http || about >= 2);
        }
        field || about > 0 || unknown <= 2
    }

    /// The text speaks of programs that the symptom does not.
    fn is_foreign(&self, symptom: usize) -> bool {
        self.tokens.iter().any(|token| match token.kind {
            Kind::Word | Kind::Mixed => FOREIGN.has(&token.text) && !(self.is_about)(symptom, stem(&token.text)),
            Kind::Cjk => FOREIGN.within(&token.text),
            _ => false,
        })
    }

    /// Behind the number stands what it means, and that is something else.
    fn is_explained(&self, symptom: usize, literal: &Literal) -> bool {
        if !self.tokens.get(literal.to + 1).is_some_and(|mark| mark.is_mark(":-(")) {
            return false;
        }
        let behind = &self.tokens[literal.to + 2..(literal.to + 2 + LABELLED).min(self.tokens.len())];
        let said = terms(behind);
        let said = said.iter().filter(|term| !matches!(term.sense, Sense::Empty | Sense::EmptyPair | Sense::Number));
        let (about, other): (Vec<&Term>, Vec<&Term>) = said.partition(|term| (self.is_about)(symptom, &term.key));
        other.len() >= 2 && other.len() >= about.len()
    }

    /// A part of a name of a machine, a user or a file.
    fn is_in_name(&self, i: usize) -> bool {
        let joins = |token: &Token| token.is_mark("-_.\\/@") && !token.spaced;
        let before = i > 0 && !self.tokens[i].spaced && joins(&self.tokens[i - 1]);
        let behind = self.tokens.get(i + 1).is_some_and(joins);
        before || behind && self.tokens.get(i + 2).is_some_and(|next| next.is_latin() && !next.spaced)
    }

    /// Whether a number that no symptom knows is an error code all the same.
    fn is_other_number(&self, literal: &Literal, beside: Option<Beside>) -> bool {
        if literal.glued {
            return literal.digits >= 2;
        }
        let direct = literal.from.checked_sub(1).is_some_and(|i| {
            let mut before = self.tokens[..=i].iter().rev().filter(|token| !token.is_mark("#:(\"'"));
            before.next().is_some_and(|token| token.kind != Kind::Mark && token.text != "id")
        });
        match beside {
            _ if literal.digits > 5 && literal.digits != 8 && literal.digits != 10 => false,
            Some(Beside::Error) if self.before(literal.from) == Some(Beside::Error) => direct && !self.counts(literal),
            Some(Beside::Event) if self.before(literal.from) == Some(Beside::Event) => literal.digits >= 2,
            Some(Beside::Error) => {
                let is_year = literal.digits == 4 && (literal.text.starts_with("19") || literal.text.starts_with("20"));
                (3..=5).contains(&literal.digits) && !is_year
            }
            _ => false,
        }
    }
}

pub(super) fn is_field(token: &Token) -> bool {
    match token.kind {
        Kind::Word | Kind::Mixed => FIELD.has(&token.text),
        Kind::Cjk => FIELD.within(&token.text),
        _ => false,
    }
}

fn starts_with(token: &Token, words: &Words) -> bool {
    match token.kind {
        Kind::Word => words.has(&token.text),
        Kind::Cjk => words.cjk().iter().any(|word| token.text.starts_with(word.as_str())),
        _ => false,
    }
}

/// Whether one of the words stands at the end of a run, with nothing but `is`, `code`, `number` behind it.
fn ends_near(run: &str, words: &Words) -> bool {
    const FILLERS: &str = "为是為はがのかて了号番状态態狀代码碼コート返回值値原因编編出现されたしつるまを数";
    words.cjk().iter().any(|word| {
        run.rfind(word.as_str()).is_some_and(|at| run[at + word.len()..].chars().all(|c| FILLERS.contains(c)))
    })
}

/// Whether a run of Chinese or Japanese is politeness only.
fn is_neutral(run: &str) -> bool {
    let mut rest = run.to_owned();
    for words in [&NEUTRAL, &ERROR, &EVENT, &SAYS, &FIELD] {
        for word in words.cjk() {
            rest = rest.replace(word.as_str(), " ");
        }
    }
    rest.trim().is_empty()
}
