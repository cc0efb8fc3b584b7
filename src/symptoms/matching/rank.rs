//! How near a text is to each phrase.

use super::index::{Asked, Index, Phrase};

/// What is not explained this many terms before and behind a match speaks against it.
const AROUND: usize = 4;

/// How much has to be matched until it is sure that the match is no accident.
const SURE: f32 = 1.3;

/// Politeness around a short heading is not longer.
const MOST_FRAME: usize = 60;

/// What the terms count that are there in another order.
const UNORDERED: f32 = 0.7;

/// What a phrase has in common with a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    pub(super) phrase: usize,
    /// 0 to 1.
    pub(super) score: f32,
    /// How much of the phrase is in the text, 0 to 1.
    pub(super) coverage: f32,
    /// The terms of the text among which it was found.
    pub(super) window: (usize, usize),
}

/// How much more of what only the one phrase says is in a text than of what only the other one says, from -1 to 1.
/// Phrases of two symptoms may differ in a word or two.
pub(super) fn contrast(one: &Phrase, other: &Phrase, held: &[u32]) -> f32 {
    let (own, others) = (distinct(one, other, held), distinct(other, one, held));
    match (own, others) {
        (Some(own), others) => own - others.unwrap_or(0.0),
        (None, Some(others)) => -others,
        (None, None) => 0.0,
    }
}

/// Which part of what only the one phrase says is among those terms.
fn distinct(one: &Phrase, other: &Phrase, held: &[u32]) -> Option<f32> {
    let terms = || one.terms.iter().zip(&one.weights).filter(|(id, _)| !other.terms.contains(id));
    let total: f32 = terms().map(|(_, weight)| weight).sum();
    let there: f32 = terms().filter(|(id, _)| held.contains(id)).map(|(_, weight)| weight).sum();
    (total >= 0.3).then(|| there / total)
}

/// The best place of each phrase that has enough in common with the text.
///
/// `trusted` are symptoms of which the text says something else already, so that few words suffice.
pub(super) fn rank(index: &Index, asked: &[Asked], trusted: &[usize]) -> Vec<Near> {
    let mut hits: Vec<Vec<(usize, u32, f32)>> = vec![Vec::new(); index.phrases.len()];
    for (at, term) in asked.iter().enumerate() {
        for (id, sure) in &term.is {
            for phrase in index.phrases_of(*id) {
                hits[*phrase as usize].push((at, *id, *sure));
            }
        }
    }
    let mut near = Vec::new();
    for (i, (phrase, hits)) in index.phrases.iter().zip(&hits).enumerate() {
        if phrase.whole {
            if is_whole(phrase, asked) {
                near.push(Near { phrase: i, score: 1.0, coverage: 1.0, window: (0, asked.len()) });
            }
            continue;
        }
        let is_trusted = trusted.contains(&phrase.symptom);
        if phrase.is_common && !is_trusted {
            continue;
        }
        let Some((start, bag)) = best_window(phrase, hits) else { continue };
        if bag < 0.25 * phrase.total {
            continue;
        }
        let end = (start + window(phrase)).min(asked.len());
        near.push(score(i, phrase, asked, start, end, bag, is_trusted));
    }
    near
}

/// How far the parts of a phrase may be scattered.
fn window(phrase: &Phrase) -> usize {
    phrase.terms.len() * 2 + 12
}

/// The text is the phrase and nothing else, or nothing but politeness around a phrase of several terms.
fn is_whole(phrase: &Phrase, asked: &[Asked]) -> bool {
    let len = phrase.terms.len();
    let most = if len >= 2 { len + MOST_FRAME } else { len };
    (len..=most).contains(&asked.len())
        && (0..=asked.len() - len).any(|start| {
            let (before, rest) = asked.split_at(start);
            let (text, behind) = rest.split_at(len);
            phrase.terms.iter().zip(text).all(|(id, asked)| asked.is.iter().any(|(other, _)| other == id))
                && before.iter().chain(behind).all(|asked| asked.is_frame)
        })
}

/// Where the window starts that holds most of a phrase, in any order, and how much.
fn best_window(phrase: &Phrase, hits: &[(usize, u32, f32)]) -> Option<(usize, f32)> {
    // Each vocable of the phrase: how often it may count, its weight, how often it is in the window.
    let mut counts: Vec<(u32, u32, f32, u32)> = Vec::new();
    for (id, weight) in phrase.terms.iter().zip(&phrase.weights) {
        match counts.iter_mut().find(|count| count.0 == *id) {
            Some(count) => count.1 += 1,
            None => counts.push((*id, 1, *weight, 0)),
        }
    }
    counts.sort_unstable_by_key(|count| count.0);
    let size = window(phrase);
    let (mut sum, mut first) = (0.0, 0);
    let mut best: Option<(usize, f32)> = None;
    for (last, (at, id, _)) in hits.iter().enumerate() {
        let Ok(i) = counts.binary_search_by_key(id, |count| count.0) else { continue };
        counts[i].3 += 1;
        if counts[i].3 <= counts[i].1 {
            sum += counts[i].2;
        }
        while hits[first].0 + size <= *at && first < last {
            if let Ok(i) = counts.binary_search_by_key(&hits[first].1, |count| count.0) {
                if counts[i].3 <= counts[i].1 {
                    sum -= counts[i].2;
                }
                counts[i].3 -= 1;
            }
            first += 1;
        }
        if best.is_none_or(|(_, most)| sum > most + 1e-4) {
            best = Some((hits[first].0, sum));
        }
    }
    best
}

/// Aligns phrase and window: terms in order count whole, those out of order in part, and what stands between them
/// costs.
fn score(
    number: usize,
    phrase: &Phrase,
    asked: &[Asked],
    start: usize,
    end: usize,
    bag: f32,
    is_trusted: bool,
) -> Near {
    #[derive(Clone, Copy, Default)]
    struct Cell {
        /// Matched weight less the costs.
        score: f32,
        matched: f32,
        /// Where in the text it began.
        from: usize,
    }
    let text = &asked[start..end];
    let mut above = vec![Cell::default(); phrase.terms.len() + 1];
    let mut best = (Cell::default(), 0);
    for (at, term) in text.iter().enumerate() {
        let cost = term.surprise * 0.35;
        let mut row = vec![Cell { from: at + 1, ..Cell::default() }; phrase.terms.len() + 1];
        for (i, (id, weight)) in phrase.terms.iter().zip(&phrase.weights).enumerate() {
            let mut cell = row[i];
            let skipped = Cell { score: above[i + 1].score - cost, ..above[i + 1] };
            if skipped.score > cell.score {
                cell = skipped;
            }
            if let Some((_, sure)) = term.is.iter().find(|(other, _)| other == id) {
                let before = above[i];
                let from = if before.score > 0.0 { before.from } else { at };
                let gain = weight * sure;
                let matched = if before.score > 0.0 { before.matched } else { 0.0 } + gain;
                if before.score + gain > cell.score {
                    cell = Cell { score: before.score + gain, matched, from };
                }
            }
            if cell.score > best.0.score {
                best = (cell, at);
            }
            row[i + 1] = cell;
        }
        above = row;
    }
    let (cell, last) = best;
    let unordered = (bag - cell.matched).max(0.0);
    let matched = UNORDERED.mul_add(unordered, cell.score);
    let coverage = (matched / phrase.total).clamp(0.0, 1.0) * phrase.part;
    let around = &asked[(start + cell.from).saturating_sub(AROUND)..(start + last + 1 + AROUND).min(asked.len())];
    let unexplained: f32 = around.iter().filter(|term| !explains(phrase, term)).map(|term| term.surprise).sum();
    let explained = matched / (matched + unexplained).max(f32::EPSILON);
    // A phrase that is there to its last word is no accident, however short.
    let sure = if is_trusted { 0.3 } else { SURE * 0.55f32.mul_add(-coverage.powi(6), 1.0) };
    let certainty = 1.0 - (-matched / sure).exp();
    let fit = 1.0 - (1.0 - coverage) * (1.0 - explained);
    Near {
        phrase: number,
        score: (coverage.powf(0.55) * certainty * fit).clamp(0.0, 1.0),
        coverage,
        window: (start, end),
    }
}

fn explains(phrase: &Phrase, term: &Asked) -> bool {
    term.is.iter().any(|(id, _)| phrase.terms.contains(id))
}
