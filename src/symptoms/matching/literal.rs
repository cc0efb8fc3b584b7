//! Numbers and words that are spelt as error codes are.

use super::codes::{Codes, Known};
use super::token::{Kind, Token};
use super::vocabulary::{ERROR, EVENT, FIELD};

/// A number in a text, in any of the spellings of a code.
#[derive(Debug)]
pub(super) struct Literal {
    /// Its first token.
    pub(super) from: usize,
    /// Its last token.
    pub(super) to: usize,
    /// The codes that it is; none for a number that no symptom knows.
    pub(super) known: Vec<Known>,
    /// Its spelling alone says that it is an error code.
    pub(super) certain: bool,
    /// A word for errors or events is glued to it.
    pub(super) glued: bool,
    /// How many digits it has.
    pub(super) digits: usize,
    /// As it stands.
    pub(super) text: String,
}

/// The number that starts with that token.
pub(super) fn literal(codes: &Codes, tokens: &[Token], from: usize) -> Option<Literal> {
    let token = &tokens[from];
    match token.kind {
        Kind::Number => {
            long_number(codes, tokens, from, &token.text).or_else(|| number(codes, tokens, from, &token.text, false))
        }
        Kind::Mixed => {
            let (text, glued) = unglued(&token.text);
            mixed(codes, tokens, from, text, glued)
        }
        _ => None,
    }
}

/// Takes off a word for errors at either end, as in `err798` and `798error`.
fn unglued(text: &str) -> (&str, bool) {
    let is_word = |word: &str| ERROR.has(word) || EVENT.has(word) || FIELD.has(word) || word == "id";
    let digits = text.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    if digits > 0 && is_word(&text[..digits]) {
        return (&text[digits..], true);
    }
    let letters = text.rfind(|c: char| c.is_ascii_digit()).map_or(0, |last| last + 1);
    if letters < text.len() && is_word(&text[letters..]) { (&text[..letters], true) } else { (text, false) }
}

/// A number without what the C language puts behind it: `0x80090326L`, `2148074278u`.
fn without_suffix(text: &str) -> &str {
    text.trim_end_matches(['u', 'l'])
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn mixed(codes: &Codes, tokens: &[Token], from: usize, text: &str, glued: bool) -> Option<Literal> {
    let before = from.checked_sub(1).map(|i| &tokens[i]);
    // `Ox` is what optical recognition makes of `0x`, and `&H` is Visual Basic's.
    let prefix = text.strip_prefix("0x").or_else(|| text.strip_prefix("ox").filter(|rest| rest.len() >= 8));
    let prefix = prefix.or_else(|| text.strip_prefix('h').filter(|_| before.is_some_and(|mark| mark.is_mark("&"))));
    if let Some(digits) = prefix {
        // Of eight characters the last one may be a misread digit.
        let digits = if digits.len() == 8 { digits } else { without_suffix(digits) };
        return hex(codes, tokens, from, digits, glued);
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return number(codes, tokens, from, text, glued);
    }
    let digits = without_suffix(text);
    if digits.len() >= 9 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return long_number(codes, tokens, from, digits);
    }
    let bare = text.strip_suffix('h').unwrap_or(digits);
    let bare = if bare.len() == 8 { bare } else { text };
    if bare.len() != 8 || !is_hex(bare) || !bare.starts_with(['8', 'c']) {
        return quartets(codes, tokens, from, text, glued);
    }
    // A part of a GUID.
    let dash = |i: usize| tokens.get(i).is_some_and(|mark| mark.is_mark("-") && !mark.spaced);
    let digit = |i: usize| tokens.get(i).is_some_and(|token| token.kind == Kind::Mixed || token.kind == Kind::Number);
    if dash(from + 1) && tokens.get(from + 2).is_some_and(|part| part.is_latin() && !part.spaced)
        || !tokens[from].spaced && from >= 2 && dash(from - 1) && digit(from - 2)
    {
        return None;
    }
    let value = u32::from_str_radix(bare, 16).ok()?;
    let known = codes.hexadecimal(value);
    Some(Literal { from, to: from, known, certain: true, glued, digits: 8, text: bare.to_owned() })
}

/// What follows `0x`, also where white space broke it.
fn hex(codes: &Codes, tokens: &[Token], from: usize, digits: &str, glued: bool) -> Option<Literal> {
    let mut all: String = digits.to_owned();
    let mut to = from;
    while all.len() < 8 {
        let Some(next) = tokens.get(to + 1).filter(|next| next.is_latin() && is_hex(&next.text)) else { break };
        all.push_str(&next.text);
        to += 1;
    }
    let value_of = |digits: &str| -> Option<u32> {
        let read =
            if digits.len() == 8 { digits.replace('o', "0").replace(['l', 'i'], "1") } else { digits.to_owned() };
        is_hex(&read).then(|| u32::from_str_radix(&read, 16).ok()).flatten()
    };
    if all.len() == 8
        && let Some(known) = value_of(&all).map(|value| codes.hexadecimal(value)).filter(|known| !known.is_empty())
    {
        return Some(Literal { from, to, known, certain: true, glued, digits: 8, text: all });
    }
    let value = value_of(digits)?;
    let known = codes.hexadecimal(value);
    let certain = !known.is_empty() || digits.len() == 8 && value != 0;
    Some(Literal { from, to: from, known, certain, glued, digits: digits.len(), text: digits.to_owned() })
}

/// Eight hexadecimal digits in two groups, without `0x`.
fn quartets(codes: &Codes, tokens: &[Token], from: usize, text: &str, glued: bool) -> Option<Literal> {
    let next = tokens.get(from + 1).filter(|next| next.is_latin() && next.text.len() == 4)?;
    if text.len() != 4 || !is_hex(text) || !is_hex(&next.text) {
        return None;
    }
    let both = format!("{text}{}", next.text);
    let known = codes.hexadecimal(u32::from_str_radix(&both, 16).ok().filter(|value| *value >= 0x8000_0000)?);
    (!known.is_empty()).then(|| Literal { from, to: from + 1, known, certain: true, glued, digits: 8, text: both })
}

/// A number of nine or ten digits, perhaps negative and in groups of three: an HRESULT in decimal.
fn long_number(codes: &Codes, tokens: &[Token], from: usize, text: &str) -> Option<Literal> {
    let mut digits = text.to_owned();
    let mut to = from;
    while digits.len() < 10 && tokens[from].text.len() <= 3 {
        let separated = tokens.get(to + 1).is_some_and(|mark| mark.is_mark(",.'") && !mark.spaced);
        let next = to + 1 + usize::from(separated);
        let group = |token: &&Token| token.kind == Kind::Number && token.text.len() == 3 && token.spaced != separated;
        let Some(group) = tokens.get(next).filter(group) else { break };
        digits.push_str(&group.text);
        to = next;
    }
    if !(9..=10).contains(&digits.len()) {
        return None;
    }
    let value: i64 = digits.parse().ok()?;
    let sign = from.checked_sub(1).map(|i| &tokens[i]).filter(|mark| mark.is_mark("-") && !tokens[from].spaced);
    let value = match sign {
        Some(_) => i32::try_from(-value).ok().map(i32::cast_unsigned)?,
        None => u32::try_from(value).ok()?,
    };
    let is_error = (0x8000_0000..0x8fff_ffff).contains(&value) || (0xc000_0000..0xc0ff_ffff).contains(&value);
    let known = codes.hexadecimal(value);
    // Without a sign it may be a telephone number.
    let certain = !known.is_empty() || sign.is_some();
    let digits_len = digits.len();
    is_error.then_some(Literal { from, to, known, certain, glued: false, digits: digits_len, text: digits })
}

fn number(codes: &Codes, tokens: &[Token], from: usize, text: &str, glued: bool) -> Option<Literal> {
    let one = |known: Vec<Known>| Literal {
        from,
        to: from,
        known,
        certain: false,
        glued,
        digits: text.len(),
        text: text.to_owned(),
    };
    match text.len() {
        1..=6 => {
            // Dialling codes and numbers of tickets have leading zeros, codes in decimal have none.
            let is_padded = text.len() > 1 && text.starts_with('0');
            let known = if is_padded { Vec::new() } else { codes.decimal(text.parse().ok()?).to_vec() };
            if known.is_empty()
                && let Some(both) = quartets(codes, tokens, from, text, glued)
            {
                return Some(both);
            }
            Some(one(known))
        }
        8 if text.starts_with('8') => Some(one(codes.hexadecimal(u32::from_str_radix(text, 16).ok()?))),
        _ => None,
    }
}

/// The symptoms of codes that are words, with the tokens that they take.
pub(super) fn words(codes: &Codes, tokens: &[Token]) -> Vec<(usize, usize, Vec<usize>)> {
    let mut found = Vec::new();
    for from in 0..tokens.len() {
        let mut word = String::new();
        for (to, token) in tokens.iter().enumerate().skip(from) {
            if token.is_latin() {
                word.push_str(&token.text);
                let symptoms = codes.word(&word);
                if !symptoms.is_empty() {
                    found.push((from, to, symptoms.to_vec()));
                }
            } else if to == from || !token.is_mark("_-") {
                break;
            }
            if word.len() >= codes.longest_word() {
                break;
            }
        }
    }
    found
}
