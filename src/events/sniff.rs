//! What a file is, by its content.

use super::EventsError;
use super::decode::Charset;
use super::{csv, xml};
use crate::visible::visible;

/// How much of a file is looked at.
pub(super) const HEAD: u64 = 64 << 10;

/// What to read a file with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Evtx,
    Text(Charset),
}

/// What to read a text with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Xml,
    Json,
    Csv,
    Labels,
}

const SAVE: &str = "save the log in Event Viewer as .evtx, or with `wevtutil epl System System.evtx`";

/// Signatures of files that are given by mistake: where, what, the words for it, what to do.
const OTHERS: [(usize, &[u8], &str, &str); 16] = [
    (
        4,
        b"LfLe",
        "an .evt log of Windows XP or Server 2003",
        "convert it with `wevtutil epl OLD.evt NEW.evtx /lf:true`",
    ),
    (0, b"PK\x03\x04", "a zip archive or an Office document", "unpack it and name the log in it"),
    (0, b"\x1f\x8b", "a gzip archive", "unpack it and name the log in it"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and name the log in it"),
    (0, b"Rar!", "a RAR archive", "unpack it and name the log in it"),
    (0, b"MSCF", "a cabinet archive", "unpack it with `expand` and name the log in it"),
    (0, b"\x89PNG", "an image", "paste the event as text: in Event Viewer, Copy > Copy Details as Text"),
    (0, b"\xff\xd8\xff", "an image", "paste the event as text: in Event Viewer, Copy > Copy Details as Text"),
    (0, b"GIF8", "an image", "paste the event as text: in Event Viewer, Copy > Copy Details as Text"),
    (0, b"BM", "an image", "paste the event as text: in Event Viewer, Copy > Copy Details as Text"),
    (0, b"%PDF", "a PDF document", SAVE),
    (0, b"\xd0\xcf\x11\xe0", "an old Office document", SAVE),
    (0, b"MZ", "a Windows program", SAVE),
    (0, b"regf", "a registry file", SAVE),
    (0, b"MDMP", "a memory dump", SAVE),
    (0, b"SQLite format 3", "a database", SAVE),
];

/// Tells binary files apart, and the encoding of texts.
pub(super) fn binary(head: &[u8]) -> Result<Format, EventsError> {
    let has = |at: usize, signature: &[u8]| head.get(at..).is_some_and(|it| it.starts_with(signature));
    let other = |looks_like: &str, hint| Err(EventsError::NotAnEventLog { looks_like: looks_like.to_owned(), hint });
    // a log whose first bytes are damaged, or from which they are cut off, still has its chunks
    if has(0, b"ElfFile\0") || has(0, b"ElfChnk\0") || has(4096, b"ElfChnk\0") {
        return Ok(Format::Evtx);
    }
    if head.is_empty() {
        return Err(EventsError::Empty);
    }
    if head.iter().all(|it| *it == 0) {
        return other("nothing but zero bytes", "copy it again: the copy failed, or the disk was full");
    }
    if is_trace(head) {
        return other("an .etl trace", "traces are no event logs; save the log with `wevtutil epl System System.evtx`");
    }
    let text = !head.iter().take(512).any(|it| matches!(it, 0..=8 | 14..=25 | 28..=31));
    for (at, signature, words, hint) in OTHERS {
        // "BM" and "MZ" begin words too
        if has(at, signature) && (signature.len() > 2 || !text) {
            return other(words, hint);
        }
    }
    Ok(Format::Text(Charset::of(head)))
}

/// An event trace: the header of its first buffer says how large buffers are, and the first event in there is the
/// system's.
fn is_trace(head: &[u8]) -> bool {
    let size = head.first_chunk().map_or(0, |it| u32::from_le_bytes(*it));
    size >= 1024 && size % 512 == 0 && matches!(head.get(0x4a..0x4c), Some([1 | 2, 0xc0]))
}

/// Tells the formats of texts apart.
pub(super) fn text(start: &str) -> Text {
    let mut signs = start.chars().filter(|c| !c.is_whitespace());
    match (signs.next(), signs.next()) {
        (Some('<'), _) => Text::Xml,
        (Some('{'), _) | (Some('['), Some('{' | ']')) => Text::Json,
        _ if csv::header(start).is_some() => Text::Csv,
        _ => Text::Labels,
    }
}

/// Whether a text in which there is no event is a log nevertheless.
pub(super) fn may_be_empty(start: &str) -> bool {
    xml::root(start) == Some("Events") || csv::header(start).is_some() || start.trim() == "[]"
}

/// What a text looks like in which there is no event.
pub(super) fn not_a_log(start: &str) -> EventsError {
    let trimmed = start.trim();
    let looks_like = match (trimmed.chars().next(), xml::root(trimmed)) {
        (None, _) => return EventsError::Empty,
        (_, Some(root)) if root.eq_ignore_ascii_case("html") => "a web page".to_owned(),
        (_, Some(root)) if root.len() < 60 => format!("XML of `{}`", visible(root)),
        (Some('{' | '['), _) => "JSON without events".to_owned(),
        _ if trimmed.chars().any(|c| c.is_control() && !c.is_whitespace() || c == char::REPLACEMENT_CHARACTER) => {
            "binary data".to_owned()
        }
        _ => "text without events".to_owned(),
    };
    EventsError::NotAnEventLog { looks_like, hint: SAVE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks_like(bytes: &[u8]) -> String {
        match binary(bytes) {
            Err(EventsError::NotAnEventLog { looks_like, .. }) => looks_like,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn other_binaries_are_named() {
        let mut trace = vec![0; 0x100];
        trace[1] = 0x10;
        trace[0x48..0x4c].copy_from_slice(&[2, 0, 2, 0xc0]);
        assert_eq!(looks_like(&trace), "an .etl trace");
        trace[0x4b] = 0;
        assert!(binary(&trace).is_ok());
        assert_eq!(looks_like(b"\x30\0\0\0LfLe\x01\0\0\0"), "an .evt log of Windows XP or Server 2003");
        assert_eq!(looks_like(b"PK\x03\x04\x14\0"), "a zip archive or an Office document");
        assert_eq!(looks_like(b"\x89PNG\r\n\x1a\n\0"), "an image");
        assert_eq!(looks_like(&[0; 9]), "nothing but zero bytes");
        assert!(matches!(binary(b""), Err(EventsError::Empty)));
        assert!(binary(b"BM is how this text begins").is_ok());
    }

    #[test]
    fn texts_are_told_apart() {
        for (start, format) in [
            ("\r\n<Event xmlns='x'>", Text::Xml),
            ("[{\"Id\": 1}]", Text::Json),
            ("{\"Id\": 1}", Text::Json),
            ("Level,Date and Time,Source,Event ID,Task Category\r\n", Text::Csv),
            ("Event[0]:\r\n", Text::Labels),
            ("[ Name]  Schannel", Text::Labels),
        ] {
            assert_eq!(text(start), format, "{start}");
        }
    }

    #[test]
    fn texts_without_events_are_named() {
        let message = |start| not_a_log(start).to_string();
        assert_eq!(message("<!DOCTYPE html><html>"), "not an event log: a web page");
        assert_eq!(message("<?xml version='1.0'?><!-- x --><rss>"), "not an event log: XML of `rss`");
        assert_eq!(message("{\"schema\": \"azaudit.report/v1\"}"), "not an event log: JSON without events");
        assert_eq!(message("printer offline"), "not an event log: text without events");
        assert_eq!(message("\u{1}\u{2}"), "not an event log: binary data");
        assert_eq!(message(" \r\n"), "the event log is empty");
    }
}
