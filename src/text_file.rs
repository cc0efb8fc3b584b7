//! Small text files that people hand over, whole and in whatever encoding their tools write.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// The text of a file: UTF-8, or UTF-16 as Windows PowerShell writes it, each with or without its mark.
///
/// # Errors
///
/// The file cannot be read, is in another encoding, or does not end within 256 MB.
pub fn read(path: &Path) -> io::Result<String> {
    decode(&whole(File::open(path)?, MOST)?)
}

/// Microsoft's list of service tags, the largest of these files, has some megabytes.
const MOST: u64 = 256 << 20;

/// All bytes, if there are no more than that.
fn whole(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it does not end within {most} bytes"))),
        false => Ok(bytes),
    }
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

    #[test]
    fn a_file_that_does_not_end_is_refused() {
        assert_eq!(whole(&b"1234"[..], 4).unwrap(), b"1234");
        assert_eq!(whole(io::repeat(0), 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
