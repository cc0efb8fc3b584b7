//! Texts in the one spelling in which they are compared.

use std::borrow::Cow;

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

/// What the end of a line means. Programs break lines between words, and terminals and mails in the midst of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// White space.
    Spaces,
    /// Nothing: what stands on both sides belongs together.
    Joined,
}

/// A character, and whether it was an upper-case one.
#[derive(Clone, Copy)]
pub(super) struct Char {
    pub(super) c: char,
    pub(super) upper: bool,
}

/// Compatibility forms become plain ones (full-width letters, ligatures), letters lose case and accents (kana their
/// voicing marks, since dropping accents drops those, too), quotes, dashes and spaces lose their varieties, and what
/// takes no room is gone.
pub(super) fn fold(text: &str, lines: Lines) -> Vec<Char> {
    let classes = CanonicalCombiningClassMapBorrowed::new();
    let plain = text.chars().filter(|c| !is_invisible(*c)).map(plain);
    let mut folded = Vec::with_capacity(text.len());
    for c in DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(plain) {
        if classes.get_u8(c) != 0 || is_invisible(c) {
            continue;
        }
        if matches!(c, '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') {
            if lines == Lines::Spaces {
                folded.push(Char { c: '\n', upper: false });
            }
            continue;
        }
        if c.is_whitespace() {
            folded.push(Char { c: ' ', upper: false });
            continue;
        }
        let upper = c.is_uppercase();
        for c in c.to_lowercase() {
            match c {
                'ß' => folded.extend([Char { c: 's', upper }; 2]),
                'œ' => folded.extend([Char { c: 'o', upper }, Char { c: 'e', upper }]),
                'æ' => folded.extend([Char { c: 'a', upper }, Char { c: 'e', upper }]),
                'ı' => folded.push(Char { c: 'i', upper }),
                _ if classes.get_u8(c) != 0 => {}
                _ => folded.push(Char { c: plain_small(c), upper }),
            }
        }
    }
    folded
}

/// A folded text without its white space, as a string.
pub(super) fn squeezed(text: &str) -> String {
    fold(text, Lines::Spaces).into_iter().map(|c| c.c).filter(|c| !c.is_whitespace()).collect()
}

/// The part of a text that counts: all of it up to [`super::MAX_BYTES`], else its beginning and its end.
pub(super) fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= super::MAX_BYTES {
        return Cow::Borrowed(text);
    }
    let half = super::MAX_BYTES / 2;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    Cow::Owned(format!("{}\n{}", &text[..head], &text[tail..]))
}

/// A text with the characters that the entities of HTML stand for: the named ones of marks and spaces, and all numbers.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest.bytes().take(10).position(|b| b == b';').map(|end| &rest[1..end]);
        match name.and_then(|name| Some((name.len() + 2, entity(name)?))) {
            Some((len, c)) => {
                plain.push(c);
                rest = &rest[len..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let value = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return value.ok().and_then(char::from_u32);
    }
    Some(match name {
        "nbsp" => ' ',
        "quot" | "ldquo" | "rdquo" | "laquo" | "raquo" => '"',
        "apos" | "lsquo" | "rsquo" => '\'',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "ndash" | "mdash" => '-',
        "eacute" => 'é',
        "egrave" => 'è',
        "ecirc" => 'ê',
        "agrave" => 'à',
        "ccedil" => 'ç',
        "ocirc" => 'ô',
        "icirc" => 'î',
        _ => return None,
    })
}

/// Quotes and dashes, before the normalization takes some of them apart.
fn plain(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' | '`' | '´' | 'ʼ' | '′' | 'ʹ' => '\'',
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '「' | '」' | '『' | '』' | '《' | '》' | '‹' | '›' => {
            '"'
        }
        '‐'..='―' | '−' | '﹣' | '－' => '-',
        _ => c,
    }
}

/// Small kana that optical recognition and old programs write large.
fn plain_small(c: char) -> char {
    match c {
        'っ' => 'つ',
        'ッ' => 'ツ',
        'ゃ' => 'や',
        'ゅ' => 'ゆ',
        'ょ' => 'よ',
        'ァ' => 'ア',
        'ィ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' => 'エ',
        'ォ' => 'オ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        _ => c,
    }
}

/// Soft hyphens, zero-width and direction marks, variation selectors, and controls that are no white space.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
        || c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        fold(text, Lines::Spaces).into_iter().map(|c| c.c).collect()
    }

    #[test]
    fn spellings_of_one_text_become_one() {
        for (text, plain) in [
            ("Ｅｒｒｏｒ　７９８", "error 798"),
            ("Échec – «\u{a0}l’œuvre\u{a0}»", "echec - \" l'oeuvre \""),
            ("e\u{301}chec", "echec"),
            ("cer\u{ad}ti\u{200b}ficate\u{feff}", "certificate"),
            ("（错误：798）", "(错误:798)"),
            ("ｹﾞｰﾄｳｪｲ", "ケートウエイ"),
            ("ゲートウェイ", "ケートウエイ"),
            ("−2146893018", "-2146893018"),
            ("STRASSE Straße", "strasse strasse"),
            ("a\r\nb\u{2028}c", "a\n\nb\nc"),
        ] {
            assert_eq!(folded(text), plain, "{text:?}");
        }
        let joined: String = fold("cer\r\ntificate", Lines::Joined).into_iter().map(|c| c.c).collect();
        assert_eq!(joined, "certificate");
    }

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        let text = format!("begin{}end", "é".repeat(crate::symptoms::MAX_BYTES));
        let part = bounded(&text);
        assert!(part.starts_with("begin") && part.ends_with("end") && part.len() <= crate::symptoms::MAX_BYTES + 1);
    }
}
