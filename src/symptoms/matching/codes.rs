//! The catalogue's codes, by value.

use std::collections::HashMap;

use super::super::Catalogue;
use super::fold::squeezed;

/// Which family of numbers a code belongs to. Only some are known beyond their program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// An HRESULT, at least eight hexadecimal digits.
    Hresult,
    /// Errors of Remote Access, the numbers from 600 to 999 that hardly any other program uses.
    RemoteAccess,
    /// The status of an HTTP answer.
    Http,
    /// The id of an event.
    Event,
    /// A number within the text of an event.
    State,
    /// Any other number.
    Other,
}

/// A code of a symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// The symptom's place in the catalogue.
    pub(super) symptom: usize,
    pub(super) family: Family,
    /// In decimal for small ones.
    pub(super) value: u32,
}

impl Known {
    /// Many other programs say the same number and mean something else.
    pub(super) fn is_weak(self) -> bool {
        match self.family {
            Family::Hresult => false,
            Family::RemoteAccess => self.value.is_multiple_of(100),
            Family::Http | Family::Event | Family::State | Family::Other => true,
        }
    }
}

/// All codes of all symptoms.
pub(super) struct Codes {
    numbers: HashMap<u32, Vec<Known>>,
    /// Letters and digits only, lower case.
    words: HashMap<String, Vec<usize>>,
}

/// Whether a symptom's file may list this as a code.
pub(crate) fn is_code(code: &str) -> bool {
    number(code).is_some() || code.len() >= 8 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The value of a code as the files write it, and whether it is written in hexadecimal.
fn number(code: &str) -> Option<(u32, bool)> {
    if let Some(hex) = code.strip_prefix("0x").or_else(|| code.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok().map(|value| (value, true));
    }
    if code.len() < 8 && code.bytes().all(|b| b.is_ascii_digit()) {
        return code.parse().ok().map(|value| (value, false));
    }
    (code.len() == 8).then(|| u32::from_str_radix(code, 16).ok()).flatten().map(|value| (value, true))
}

impl Codes {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut codes = Self { numbers: HashMap::new(), words: HashMap::new() };
        for (symptom, entry) in catalogue.symptoms().iter().enumerate() {
            for code in &entry.codes {
                let Some((value, hex)) = number(code) else {
                    let word = squeezed(code).replace('_', "");
                    codes.words.entry(word).or_default().push(symptom);
                    continue;
                };
                let family = match value {
                    _ if value >= 0x8000_0000 => Family::Hresult,
                    _ if entry.events.iter().any(|event| event.id == value) => Family::Event,
                    _ if !entry.events.is_empty() => Family::State,
                    _ if hex => Family::Other,
                    100..600 => Family::Http,
                    600..1000 => Family::RemoteAccess,
                    _ => Family::Other,
                };
                let known = Known { symptom, family, value };
                let list = codes.numbers.entry(value).or_default();
                if !list.contains(&known) {
                    list.push(known);
                }
            }
        }
        codes
    }

    /// The codes of a decimal number as it stands.
    pub(super) fn decimal(&self, value: u32) -> &[Known] {
        self.numbers.get(&value).map_or(&[], Vec::as_slice)
    }

    /// The codes of a number in hexadecimal: itself, or the Win32 error that it is or wraps.
    pub(super) fn hexadecimal(&self, value: u32) -> Vec<Known> {
        let listed =
            self.decimal(value).iter().filter(|known| known.value >= 0x8000_0000 || known.family == Family::Other);
        let listed: Vec<Known> = listed.copied().collect();
        if !listed.is_empty() {
            return listed;
        }
        let win32 = match value >> 16 {
            0x8007 => value & 0xffff,
            0 => value,
            _ => return Vec::new(),
        };
        let is_win32 = |known: &&Known| matches!(known.family, Family::RemoteAccess | Family::Other);
        self.decimal(win32).iter().filter(is_win32).copied().collect()
    }

    /// The symptoms of a code that is a word, written in lower case without anything between its parts.
    pub(super) fn word(&self, word: &str) -> &[usize] {
        self.words.get(word).map_or(&[], Vec::as_slice)
    }

    /// The longest of those words.
    pub(super) fn longest_word(&self) -> usize {
        self.words.keys().map(String::len).max().unwrap_or(0)
    }
}
