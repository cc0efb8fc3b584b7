//! The characters of a value: which of them say nothing, and where PEM lines stand among the rest.

use std::ops::Range;

/// A character that has no place in one line of base64, and that cleaning drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    /// A space, a line break, a tab or other white space of Unicode.
    White,
    /// U+FEFF.
    Bom,
    /// Characters without a width: U+200B, direction marks, the soft hyphen.
    ZeroWidth,
}

/// The first blank of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstBlank {
    pub class: Blank,
    /// In characters of the text.
    pub offset: usize,
    /// For a person: `a line break (LF)`.
    pub name: &'static str,
}

pub(super) fn blank(c: char) -> Option<Blank> {
    match c {
        '\u{FEFF}' => Some(Blank::Bom),
        '\u{AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => {
            Some(Blank::ZeroWidth)
        }
        c if c.is_whitespace() => Some(Blank::White),
        _ => None,
    }
}

fn name(c: char, next: Option<char>) -> &'static str {
    match c {
        ' ' => "a space",
        '\t' => "a tab",
        '\r' if next == Some('\n') => "a line break (CRLF)",
        '\r' => "a line break (CR)",
        '\n' => "a line break (LF)",
        '\u{A0}' => "a no-break space",
        '\u{FEFF}' => "a byte order mark",
        c if c.is_whitespace() => "white space",
        _ => "a zero-width character",
    }
}

/// A text without its blanks.
pub(super) struct Squeezed<'a> {
    raw: &'a str,
    /// What remains.
    pub text: String,
    /// The first character that was dropped.
    pub first_blank: Option<FirstBlank>,
}

impl<'a> Squeezed<'a> {
    pub fn new(raw: &'a str) -> Self {
        let mut text = String::new();
        let mut first_blank = None;
        let mut at = 0;
        while at < raw.len() {
            let run = raw.as_bytes()[at..].iter().position(|byte| !byte.is_ascii_graphic());
            let end = run.map_or(raw.len(), |run| at + run);
            text.push_str(&raw[at..end]);
            let Some(c) = raw[end..].chars().next() else { break };
            at = end + c.len_utf8();
            match blank(c) {
                None => text.push(c),
                Some(class) => {
                    first_blank.get_or_insert_with(|| {
                        let name = name(c, raw[at..].chars().next());
                        FirstBlank { class, offset: raw[..end].chars().count(), name }
                    });
                }
            }
        }
        Self { raw, text, first_blank }
    }

    /// Where the character at that byte of [`text`](Self::text) stands in the raw text, in characters.
    pub fn raw_offset(&self, byte: usize) -> usize {
        let kept = self.text[..byte].chars().count();
        let visible = self.raw.chars().enumerate().filter(|(_, c)| blank(*c).is_none());
        visible.map(|(offset, _)| offset).nth(kept).unwrap_or_default()
    }

    /// The parts of the raw text, from the first to the last character, that these ranges of bytes of
    /// [`text`](Self::text) come from. The ranges follow one another and are not empty.
    pub fn raw_parts(&self, ranges: &[Range<usize>]) -> Vec<&'a str> {
        let mut visible = self.raw.char_indices().filter(|(_, c)| blank(*c).is_none());
        let mut kept = 0;
        let mut parts = Vec::with_capacity(ranges.len());
        for range in ranges {
            let (mut start, mut end) = (None, 0);
            while kept < range.end
                && let Some((at, c)) = visible.next()
            {
                if kept >= range.start {
                    start.get_or_insert(at);
                }
                kept += c.len_utf8();
                end = at + c.len_utf8();
            }
            parts.push(start.map_or("", |start| &self.raw[start..end]));
        }
        parts
    }

    /// Where a part of the raw text starts, in characters of it.
    pub fn offset_of(&self, part: &str) -> usize {
        let start = part.as_ptr() as usize - self.raw.as_ptr() as usize;
        self.raw[..start].chars().count()
    }
}

/// A PEM line, `-----BEGIN CERTIFICATE-----`, in a text without blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker<'a> {
    pub begins: bool,
    /// Without blanks, in the letter case of the text: `RSAPRIVATEKEY`.
    pub label: &'a str,
    /// Where its first dash stands, in bytes.
    pub start: usize,
    /// Where the text behind its last dash starts, in bytes.
    pub end: usize,
}

/// Word processors turn pairs of hyphens into dashes.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// No label that tools write is longer.
const LONGEST_LABEL: usize = 64;

/// Labels that are recognised without dashes behind them, longest first.
const LABELS: [&str; 10] = [
    "ENCRYPTEDPRIVATEKEY",
    "OPENSSHPRIVATEKEY",
    "CERTIFICATEREQUEST",
    "TRUSTEDCERTIFICATE",
    "X509CERTIFICATE",
    "RSAPRIVATEKEY",
    "ECPRIVATEKEY",
    "CERTIFICATE",
    "PRIVATEKEY",
    "PKCS7",
];

/// All PEM lines of a text without blanks, first to last.
pub(super) fn markers(text: &str) -> Vec<Marker<'_>> {
    let mut markers: Vec<Marker<'_>> = Vec::new();
    let mut at = 0;
    // Every dash is a hyphen or starts with the byte 0xE2.
    while let Some(found) = memchr::memchr2(b'-', 0xE2, &text.as_bytes()[at..]) {
        let start = at + found;
        at = after_dashes(text, start);
        if at == start {
            at += text[start..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        // One hyphen is a character of base64url; a single long dash was several.
        if at - start < 2 {
            continue;
        }
        let mut start = start;
        // The dashes that end one line are also those that start the next: `-----END X----------BEGIN X-----`.
        while let Some(marker) = marker(text, start, at) {
            (start, at) = (marker.end, marker.end);
            markers.push(marker);
        }
    }
    markers
}

fn after_dashes(text: &str, from: usize) -> usize {
    text[from..].find(|c| !is_dash(c)).map_or(text.len(), |length| from + length)
}

fn marker(text: &str, start: usize, word: usize) -> Option<Marker<'_>> {
    let rest = &text[word..];
    let starts = |with: &str| rest.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    let begins = starts("BEGIN");
    if !begins && !starts("END") {
        return None;
    }
    let label_at = word + if begins { 5 } else { 3 };
    let window = &text.as_bytes()[label_at..text.len().min(label_at + LONGEST_LABEL)];
    let length = window.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(window.len());
    let mut label = &text[label_at..label_at + length];
    if !text[label_at + length..].starts_with(is_dash) {
        let starts = |known: &&&str| label.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known));
        label = &label[..LABELS.iter().find(starts)?.len()];
    }
    let end = label_at + label.len();
    Some(Marker { begins, end: after_dashes(text, end), label, start })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<(bool, String)> {
        let squeezed = Squeezed::new(text);
        markers(&squeezed.text).into_iter().map(|it| (it.begins, it.label.to_ascii_uppercase())).collect()
    }

    #[test]
    fn pem_lines_are_found_in_any_arrangement() {
        let both = [(true, "CERTIFICATE".to_owned()), (false, "CERTIFICATE".to_owned())];
        for text in [
            "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE----- MIIC -----END CERTIFICATE-----",
            "-----BEGINCERTIFICATE-----MIIC-----ENDCERTIFICATE-----",
            "-----begin certificate-----MIIC-----end certificate-----",
            "\u{2014}\u{2014}-BEGIN CERTIFICATE\u{2014}\u{2014}-MIIC\u{2014}\u{2014}-END CERTIFICATE\u{2014}\u{2014}-",
            &format!("-----BEGIN CERTIFICATE\n{}\n-----END CERTIFICATE", "MIIC".repeat(16)),
        ] {
            assert_eq!(labels(text), both, "{text}");
        }
        let chain = "-----BEGIN CERTIFICATE-----MIIC-----END CERTIFICATE----------BEGIN CERTIFICATE-----MIIC";
        assert_eq!(labels(chain).len(), 3);
    }

    #[test]
    fn base64url_has_no_pem_lines() {
        assert_eq!(labels("MII-C--BEGI--END_x-BEGINCERTIFICATE"), []);
    }

    #[test]
    fn parts_keep_their_blanks() {
        let squeezed = Squeezed::new(" a b\u{E9} c\nd ");
        assert_eq!(squeezed.text, "ab\u{E9}cd");
        let parts = squeezed.raw_parts(&[0..2, 4..6]);
        assert_eq!(parts, ["a b", "c\nd"]);
        assert_eq!(squeezed.offset_of(parts[1]), 6);
    }

    #[test]
    fn offsets_count_characters_of_the_raw_text() {
        let squeezed = Squeezed::new("é\u{200B} ab!");
        assert_eq!(squeezed.text, "éab!");
        assert_eq!(squeezed.raw_offset(squeezed.text.find('!').unwrap()), 5);
        let first = squeezed.first_blank.unwrap();
        assert_eq!((first.class, first.offset), (Blank::ZeroWidth, 1));
    }
}
