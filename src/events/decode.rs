//! Texts in the encodings that Windows writes: Unicode, and the code pages of consoles and of Notepad.

use std::io::{self, Read};

use encoding_rs::{Encoding, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::labels;

/// An encoding of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Known(&'static Encoding),
    /// The console's code page in Western Europe. 437, of the United States, has the same French letters.
    Cp850,
}

/// The characters 0x80 to 0xff of code page 850.
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// What a text is in that is not valid UTF-8, unless its first bytes say so: whichever makes most labels of it. The
/// order decides where no label tells, and none of those takes an ASCII sign for a part of another.
const CANDIDATES: [Charset; 5] = [
    Charset::Known(UTF_8),
    Charset::Known(WINDOWS_1252),
    Charset::Cp850,
    Charset::Known(GBK),
    Charset::Known(SHIFT_JIS),
];

impl Charset {
    /// Tells the encoding from the start of a text.
    pub fn of(head: &[u8]) -> Self {
        if let Some((encoding, _)) = Encoding::for_bom(head) {
            return Self::Known(encoding);
        }
        if let Some(utf16) = utf16_without_mark(head) {
            return Self::Known(utf16);
        }
        // the head may end within a character
        if std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true) {
            return Self::Known(UTF_8);
        }
        let labels = |charset: &Self| {
            let start = charset.decode_start(head);
            let lines = start.lines().filter(|line| labels::split(line).is_some()).count();
            // a table has its labels in its first line
            let columns = start.lines().next().into_iter().flat_map(|it| it.split([',', ';', '\t']));
            lines + columns.filter_map(labels::known).count()
        };
        // of equals, the last is the greatest
        CANDIDATES.into_iter().rev().max_by_key(labels).unwrap_or(Self::Known(UTF_8))
    }

    /// The start of a text as UTF-8, whatever cannot be decoded replaced.
    pub fn decode_start(self, head: &[u8]) -> String {
        let mut text = Vec::new();
        // reading from memory does not fail, and what cannot be decoded is replaced
        _ = self.decode(head).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The text as UTF-8, without the mark at its start, whatever cannot be decoded replaced.
    pub fn decode<'a>(self, input: impl Read + 'a) -> Box<dyn Read + 'a> {
        match self {
            Self::Known(encoding) => {
                let mut builder = DecodeReaderBytesBuilder::new();
                Box::new(builder.encoding(Some(encoding)).bom_override(true).build(input))
            }
            Self::Cp850 => Box::new(Cp850Reader { input, pending: Vec::new(), start: 0 }),
        }
    }
}

/// UTF-16 has a zero byte beside each ASCII character, always on the same side.
fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|it| **it == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let enough = |zeros: usize, others: usize| zeros > 8 * others && zeros * 20 > head.len();
    match () {
        () if enough(odd, even) => Some(UTF_16LE),
        () if enough(even, odd) => Some(UTF_16BE),
        () => None,
    }
}

struct Cp850Reader<R> {
    input: R,
    pending: Vec<u8>,
    start: usize,
}

impl<R: Read> Read for Cp850Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.pending.len() {
            let mut bytes = [0; 8192];
            let read = self.input.read(&mut bytes)?;
            self.pending.clear();
            self.start = 0;
            let table: Vec<char> = CP850.chars().collect();
            for &byte in &bytes[..read] {
                let c = match byte.checked_sub(0x80) {
                    None => char::from(byte),
                    Some(index) => table.get(usize::from(index)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
                };
                self.pending.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        let rest = &self.pending[self.start..];
        let len = rest.len().min(out.len());
        out[..len].copy_from_slice(&rest[..len]);
        self.start += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRENCH: &str = "Nom du journal :System\r\nID de l'événement :36871\r\nMots clés :\r\n";
    const CHINESE: &str = "日志名称: System\r\n来源: Schannel\r\n事件 ID: 36871\r\n";
    const JAPANESE: &str = "ログの名前: System\r\nソース: Schannel\r\nイベント ID: 36871\r\n";

    fn utf16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn unicode_is_told_with_and_without_its_mark() {
        for text in [FRENCH, CHINESE, JAPANESE, "<Events></Events>"] {
            for bytes in [
                text.as_bytes().to_vec(),
                [b"\xef\xbb\xbf", text.as_bytes()].concat(),
                utf16(text, true, u16::to_le_bytes),
                utf16(text, false, u16::to_le_bytes),
                utf16(text, true, u16::to_be_bytes),
                utf16(text, false, u16::to_be_bytes),
            ] {
                assert_eq!(Charset::of(&bytes).decode_start(&bytes), text, "{:?}", Charset::of(&bytes));
            }
        }
    }

    #[test]
    fn code_pages_are_told_by_the_labels_in_them() {
        for (text, encoding) in [(FRENCH, WINDOWS_1252), (CHINESE, GBK), (JAPANESE, SHIFT_JIS)] {
            let bytes = encoding.encode(text).0;
            assert_eq!(Charset::of(&bytes), Charset::Known(encoding));
            assert_eq!(Charset::of(&bytes).decode_start(&bytes), text);
        }
        let bytes = FRENCH.replace('é', "\u{82}").chars().map(|c| c as u8).collect::<Vec<_>>();
        assert_eq!(Charset::of(&bytes), Charset::Cp850);
        assert_eq!(Charset::of(&bytes).decode_start(&bytes), FRENCH);
    }

    #[test]
    fn a_head_that_ends_within_a_character_is_utf8() {
        let bytes = CHINESE.as_bytes();
        assert_eq!(Charset::of(&bytes[..4]), Charset::Known(UTF_8));
        assert_ne!(Charset::of(&GBK.encode(CHINESE).0), Charset::Known(UTF_8));
    }

    #[test]
    fn code_page_850_has_128_upper_characters() {
        assert_eq!(CP850.chars().count(), 128);
        assert_eq!(CP850.chars().nth(0x82 - 0x80), Some('é'));
        assert_eq!(CP850.chars().nth(0x87 - 0x80), Some('ç'));
    }
}
