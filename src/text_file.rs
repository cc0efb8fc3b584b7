//! Small text files that people hand over, whole and in whatever encoding their tools write.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// The text of a file: UTF-8, or UTF-16 as Windows PowerShell writes it, each with or without its mark.
///
/// # Errors
///
/// The file cannot be read, or is in another encoding.
pub fn read(path: &Path) -> io::Result<String> {
    decode(&fs::read(path)?)
}

fn decode(bytes: &[u8]) -> io::Result<String> {
    let mut decoder = DecodeReaderBytesBuilder::new()
        .encoding(utf16_without_mark(bytes))
        .bom_sniffing(true)
        .strip_bom(true)
        .utf8_passthru(true)
        .build(bytes);
    let mut text = Vec::new();
    decoder.read_to_end(&mut text)?;
    String::from_utf8(text).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is neither UTF-8 nor UTF-16"))
}

/// The formats that are read here start with two ASCII characters.
fn utf16_without_mark(start: &[u8]) -> Option<&'static Encoding> {
    match start {
        [first, 0, ..] if first.is_ascii() && *first != 0 => Some(UTF_16LE),
        [0, second, ..] if second.is_ascii() && *second != 0 => Some(UTF_16BE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "{\"name\": \"Zürich\"}";
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe", &little[..]].concat(),
            [b"\xfe\xff", &big[..]].concat(),
            little.clone(),
            big.clone(),
        ] {
            assert_eq!(decode(&bytes).unwrap(), text, "{bytes:?}");
        }
        assert_eq!(decode(b"").unwrap(), "");
        assert!(decode(b"Z\xfcrich").is_err());
    }
}
