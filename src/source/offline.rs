//! Files and folders of exported ARM JSON. Nothing in here can open a socket.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::snapshot::{self, Numbers, Recorded};
use super::split::{Found, split};
use super::{Gap, Input, Reason, Sink, template};
use crate::visible::visible;

/// Extensions of the files that are read when a folder is named.
const EXTENSIONS: [&str; 5] = ["json", "jsonc", "jsonl", "ndjson", "zst"];

/// Why offline input could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// A path that was named does not exist or may not be read. The user's mistake, or the file's permissions.
    #[error("cannot read `{}`: {error}", visible(&path.to_string_lossy()))]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder that was named holds no JSON file.
    #[error("`{}` holds no file that ends in .json, .jsonc, .jsonl, .ndjson or .zst", visible(&.0.to_string_lossy()))]
    NoFiles(PathBuf),
    /// A file of Bicep, which is a language of its own.
    #[error(
        "`{}` is Bicep, which is not read\nhint: `bicep build` makes the JSON template of it",
        visible(&.0.to_string_lossy())
    )]
    Bicep(PathBuf),
}

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Stdin,
    File(PathBuf),
}

/// Reads files, folders (recursively) and `-` (standard input) in that order; a folder's files by name.
///
/// A path that was named and cannot be opened is an error before anything is read; what goes wrong later is a gap,
/// and the other files are read.
///
/// # Errors
///
/// Such a path, or a folder without such files.
pub fn read(paths: &[PathBuf], stdin: &mut dyn Read, sink: &mut dyn Sink) -> Result<(), OfflineError> {
    read_recorded(paths, stdin, sink).map(drop)
}

/// As [`read`]; what the snapshots among the files say of their making comes back.
///
/// # Errors
///
/// As [`read`].
pub fn read_recorded(
    paths: &[PathBuf],
    stdin: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Vec<Recorded>, OfflineError> {
    let mut recorded = Vec::new();
    let mut numbers = Numbers::default();
    let mut sources = Vec::new();
    for path in paths {
        find(path, &mut sources, sink)?;
    }
    for (number, source) in sources.iter().enumerate() {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        match source {
            Source::Stdin => recorded.extend(read_any(&mut *stdin, number, "-", false, &mut numbers, sink)),
            Source::File(path) => {
                let shown = path.display().to_string();
                let lines = is_named_lines(path);
                match File::open(path) {
                    Ok(file) => recorded.extend(read_any(file, number, &shown, lines, &mut numbers, sink)),
                    Err(error) => {
                        sink.gap(file_gap(&shown, Reason::Unreachable, &format!("cannot be opened: {error}")));
                        sink.input(Input { path: shown, shape: "unreadable".into(), resources: 0 });
                    }
                }
            }
        }
    }
    Ok(recorded)
}

/// The files that a path stands for.
fn find(path: &Path, sources: &mut Vec<Source>, sink: &mut dyn Sink) -> Result<(), OfflineError> {
    let unreadable = |error| OfflineError::Unreadable { path: path.to_owned(), error };
    if path == Path::new("-") {
        if !sources.contains(&Source::Stdin) {
            sources.push(Source::Stdin);
        }
        return Ok(());
    }
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_dir() {
        if extension(path).is_some_and(|it| it == "bicep" || it == "bicepparam") {
            return Err(OfflineError::Bicep(path.to_owned()));
        }
        File::open(path).map_err(unreadable)?;
        push(sources, path.to_owned());
        return Ok(());
    }
    fs::read_dir(path).map_err(unreadable)?;
    let before = sources.len();
    find_in_folder(path, sources, sink);
    if sources.len() == before {
        return Err(OfflineError::NoFiles(path.to_owned()));
    }
    Ok(())
}

/// What to do about Bicep.
const BICEP: &str = "this is Bicep, which is not read; `bicep build FILE` makes the JSON template of it";

/// One file that is named twice is read once.
fn push(sources: &mut Vec<Source>, path: PathBuf) {
    let source = Source::File(path);
    if !sources.contains(&source) {
        sources.push(source);
    }
}

fn find_in_folder(folder: &Path, sources: &mut Vec<Source>, sink: &mut dyn Sink) {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let shown = folder.display().to_string();
            return sink.gap(file_gap(&shown, Reason::Unreachable, &format!("cannot be listed: {error}")));
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A link to a folder is not followed: it may lead in a circle.
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            find_in_folder(&path, sources, sink);
        } else if extension(&path).is_some_and(|it| EXTENSIONS.contains(&&*it)) && !path.is_dir() {
            push(sources, path);
        }
    }
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_lowercase())
}

fn file_gap(path: &str, reason: Reason, detail: &str) -> Gap {
    Gap { scope: path.to_owned(), what: "file".to_owned(), reason, detail: detail.to_owned() }
}

/// Whether the file's name says that each line is a document.
fn is_named_lines(path: &Path) -> bool {
    match extension(path) {
        Some(it) if it == "zst" => path.file_stem().is_some_and(|stem| is_named_lines(Path::new(stem))),
        it => it.is_some_and(|it| it != "json" && it != "jsonc"),
    }
}

/// What a file of the Zstandard format starts with (RFC 8878, 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Reads a snapshot or an export, compressed or not. `Some`: it is a snapshot.
fn read_any(
    reader: impl Read,
    number: u32,
    path: &str,
    lines: bool,
    numbers: &mut Numbers,
    sink: &mut dyn Sink,
) -> Option<Recorded> {
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    if !reader.fill_buf().is_ok_and(|start| start.starts_with(&ZSTD)) {
        return read_plain(reader, number, path, lines, numbers, sink);
    }
    match zstd::Decoder::with_buffer(reader) {
        Ok(decoder) => read_plain(BufReader::with_capacity(64 * 1024, decoder), number, path, lines, numbers, sink),
        Err(error) => {
            sink.gap(file_gap(path, Reason::Unreachable, &format!("cannot be decompressed: {error}")));
            sink.input(Input { path: path.to_owned(), shape: "unreadable".into(), resources: 0 });
            None
        }
    }
}

fn read_plain(
    mut reader: impl BufRead,
    number: u32,
    path: &str,
    lines: bool,
    numbers: &mut Numbers,
    sink: &mut dyn Sink,
) -> Option<Recorded> {
    let start = reader.fill_buf().map(<[u8]>::to_vec).unwrap_or_default();
    if snapshot::is_one(&start) {
        return Some(snapshot::read(reader, path, numbers, sink));
    }
    read_one(reader, &start, number, path, lines, sink);
    None
}

fn read_one(reader: impl Read, start: &[u8], number: u32, path: &str, lines: bool, sink: &mut dyn Sink) {
    if template::looks_like_bicep(start) {
        sink.gap(file_gap(path, Reason::Damaged, BICEP));
        return sink.input(Input { path: path.to_owned(), shape: "bicep".to_owned(), resources: 0 });
    }
    let relaxed = path.to_lowercase().trim_end_matches(".zst").ends_with(".jsonc") || template::looks_relaxed(start);
    let mut decoded = DecodeReaderBytesBuilder::new()
        .encoding(utf16_without_bom(start))
        .bom_sniffing(true)
        .strip_bom(true)
        .utf8_passthru(true)
        .build(reader);
    let lines = if lines { !starts_open(start) } else { is_line_delimited(start) };
    let mut head = Vec::new();
    if relaxed && !lines {
        // What cannot be read on fails again behind it, and is told there.
        let _ = decoded.by_ref().take(template::LONGEST).read_to_end(&mut head);
        if (head.len() as u64) < template::LONGEST
            && let Ok(text) = std::str::from_utf8(&head)
        {
            head = template::strict(text).into_bytes();
        }
    }
    let found = split(head.chain(decoded), number, path, lines, sink);
    if found.documents == 0 {
        let detail = if start.is_empty() { "the file is empty (0 bytes)" } else { "there is no JSON document in it" };
        let reason = if start.is_empty() { Reason::Truncated } else { Reason::Damaged };
        sink.gap(file_gap(path, reason, detail));
    }
    let Found { shapes, resources, documents } = found;
    let shape = match shapes.as_slice() {
        [] => "unrecognised".to_owned(),
        ["arm-resource"] if lines && documents > 1 => "json-lines".to_owned(),
        shapes => shapes.join(", "),
    };
    sink.input(Input { path: path.to_owned(), shape, resources });
}

/// UTF-16 betrays itself in JSON: every other byte of its first characters is zero.
fn utf16_without_bom(start: &[u8]) -> Option<&'static Encoding> {
    match start {
        [first, 0, ..] if *first != 0 && *first < 0x80 => Some(UTF_16LE),
        [0, second, ..] if *second != 0 && *second < 0x80 => Some(UTF_16BE),
        _ => None,
    }
}

/// The lines of the text that say something.
fn lines_of(start: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

/// Whether the first line is an opening bracket alone: a document over several lines, whatever the file's name says.
fn starts_open(start: &[u8]) -> bool {
    lines_of(start).next().is_some_and(|line| matches!(line, b"{" | b"["))
}

/// Whether each line is a document: the first line is a whole one, and another starts on the next and goes on there.
fn is_line_delimited(start: &[u8]) -> bool {
    let mut lines = lines_of(start);
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    matches!(second, [b'{' | b'[', _, ..])
        && matches!(first.first(), Some(b'{'))
        && serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_documents_behind_one_another() {
        assert!(is_line_delimited(b"{\"a\":1}\n{\"b\"\n"));
        assert!(is_line_delimited(b"\xef\xbb\xbf{\"a\":1}\r\n\r\n{\"b\":2}"));
        assert!(!is_line_delimited(b"{\"a\":1}\n"));
        assert!(!is_line_delimited(b"{\"a\":1}\n{\n\"b\":2}"));
        assert!(starts_open(b"\n[\n{\"a\":1}]") && !starts_open(b"[{\"a\":1}]"));
        assert!(!is_line_delimited(b"{\n\"a\":1}\n{\"b\":2}"));
        assert!(!is_line_delimited(b"[\n{\"a\":1},\n{\"b\":2}]"));
    }

    #[test]
    fn utf16_is_seen_without_its_mark() {
        assert_eq!(utf16_without_bom(b"[\0{\0"), Some(UTF_16LE));
        assert_eq!(utf16_without_bom(b"\0[\0{"), Some(UTF_16BE));
        assert_eq!(utf16_without_bom(b"[{"), None);
    }
}
