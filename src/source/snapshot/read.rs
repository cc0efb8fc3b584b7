//! Hands what a snapshot holds to the sink, as its source did.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{End, Header, Line, Recorded, SCHEMA, word};
use crate::source::{Batch, Gap, Input, Item, Kind, Reason, Sink};

/// The longest line. A resource of Azure has some megabytes at most.
const LONGEST: u64 = 256 << 20;

/// About how much text a batch holds.
const BATCH: usize = 256 * 1024;

/// How many faults of one snapshot are named one by one.
const MOST_GAPS: u64 = 50;

/// Numbers for what stands within snapshots: far from those of inputs, and no two alike in one run.
#[derive(Debug)]
pub(in crate::source) struct Numbers(u32);

impl Default for Numbers {
    fn default() -> Self {
        Self(1 << 31)
    }
}

impl Numbers {
    fn next(&mut self) -> u32 {
        let number = self.0;
        self.0 = number.saturating_add(1);
        number
    }
}

/// A line that is an item.
#[derive(Deserialize)]
struct ItemLine<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    input: u32,
    #[serde(default)]
    line: u64,
    #[serde(default)]
    column: u64,
    #[serde(borrow, default)]
    about: Option<Cow<'a, str>>,
    /// The text, where it is one line.
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    /// Else the text as a string.
    #[serde(default)]
    text: Option<String>,
}

/// Reads the snapshot, which is one input of the run.
pub(in crate::source) fn read(reader: impl Read, path: &str, numbers: &mut Numbers, sink: &mut dyn Sink) -> Recorded {
    let mut reader = BufReader::new(reader);
    let mut read = Reading {
        sink,
        path,
        numbers,
        known: BTreeMap::new(),
        named: BTreeSet::new(),
        batch: Batch::default(),
        resources: 0,
        faults: 0,
    };
    let recorded = read.run(&mut reader);
    read.flush();
    let unnamed: Vec<u32> = read.known.values().filter(|number| !read.named.contains(*number)).copied().collect();
    for number in unnamed {
        read.sink.origin(number, path.to_owned());
    }
    if read.faults > MOST_GAPS {
        let detail = format!("{} more lines are damaged", read.faults - MOST_GAPS);
        read.sink.gap(Gap { scope: path.to_owned(), what: "file".into(), reason: Reason::Damaged, detail });
    }
    let resources = read.resources;
    sink.input(Input { path: path.to_owned(), shape: "snapshot".into(), resources });
    recorded
}

struct Reading<'s> {
    sink: &'s mut dyn Sink,
    path: &'s str,
    numbers: &'s mut Numbers,
    /// The numbers of this run by those of the snapshot.
    known: BTreeMap<u32, u32>,
    /// Those whose origin was named.
    named: BTreeSet<u32>,
    batch: Batch,
    resources: u64,
    faults: u64,
}

impl Reading<'_> {
    fn run(&mut self, reader: &mut impl BufRead) -> Recorded {
        let mut recorded = Recorded::default();
        let mut text = Vec::new();
        let mut number = 0_u64;
        loop {
            text.clear();
            match reader.by_ref().take(LONGEST).read_until(b'\n', &mut text) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    let reason = match error.kind() {
                        io::ErrorKind::UnexpectedEof => Reason::Truncated,
                        _ => Reason::Unreachable,
                    };
                    self.file_gap(reason, &format!("cannot be read on behind line {number}: {error}"));
                    return recorded;
                }
            }
            number += 1;
            if number == 1 {
                match header(&text) {
                    Ok(header) => recorded.header = header,
                    Err(detail) => {
                        self.file_gap(Reason::Damaged, &detail);
                        return recorded;
                    }
                }
                continue;
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            match self.line(&text) {
                Ok(None) => {}
                Ok(Some(end)) => {
                    if end.lines != number - 2 {
                        let detail = format!("it was written with {} lines and has {}", end.lines, number - 2);
                        self.file_gap(Reason::Damaged, &detail);
                    }
                    recorded.live = end.live;
                    let mut behind = [0];
                    if reader.by_ref().read(&mut behind).is_ok_and(|count| count > 0) {
                        self.file_gap(Reason::Damaged, &format!("something follows its last line, line {number}"));
                    }
                    return recorded;
                }
                // The last line is cut, which is told below.
                Err(_) if !text.ends_with(b"\n") => break,
                Err(detail) => self.fault(number, &detail),
            }
        }
        let detail = "the snapshot was cut: its last line, which counts the others, is missing; collect it again";
        self.file_gap(Reason::Truncated, detail);
        recorded
    }

    /// Takes a line. `Some`: it is the last one.
    fn line(&mut self, text: &[u8]) -> Result<Option<End>, String> {
        let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
        let words = |error: serde_json::Error| {
            let error = error.to_string();
            error.split(" at line ").next().unwrap_or_default().to_owned()
        };
        let item: ItemLine<'_> = serde_json::from_str(text).map_err(words)?;
        let kind = [Kind::Resource, Kind::Sessions, Kind::Metric].into_iter().find(|kind| word(*kind) == item.kind);
        if let Some(kind) = kind {
            self.item(kind, &item)?;
            return Ok(None);
        }
        match serde_json::from_str(text).map_err(words)? {
            Line::Gap(gap) => self.sink.gap(gap),
            Line::Input { input, path, .. } | Line::Origin { input, path } => {
                let number = self.number_of(input);
                self.named.insert(number);
                self.sink.origin(number, path);
            }
            Line::Note { note } => self.sink.note(note),
            Line::End(end) => return Ok(Some(end)),
        }
        Ok(None)
    }

    fn item(&mut self, kind: Kind, line: &ItemLine<'_>) -> Result<(), String> {
        let text = match (&line.text, line.item) {
            (Some(text), _) => text,
            (None, Some(item)) => item.get(),
            (None, None) => return Err("an item without its text".to_owned()),
        };
        let number = self.number_of(line.input);
        if number != self.batch.input || self.batch.text.len() > BATCH {
            self.flush();
        }
        self.batch.input = number;
        let start = self.batch.text.len();
        self.batch.text.push_str(text);
        let span = start..self.batch.text.len();
        self.batch.text.push('\n');
        let about = line.about.as_deref().map(Into::into);
        self.batch.items.push(Item { kind, span, line: line.line, column: line.column, about });
        self.resources += u64::from(kind == Kind::Resource);
        Ok(())
    }

    fn number_of(&mut self, recorded: u32) -> u32 {
        *self.known.entry(recorded).or_insert_with(|| self.numbers.next())
    }

    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if !batch.items.is_empty() {
            self.sink.batch(batch);
        }
    }

    fn fault(&mut self, line: u64, detail: &str) {
        self.faults += 1;
        if self.faults <= MOST_GAPS {
            self.file_gap(Reason::Damaged, &format!("line {line}: {detail}"));
        }
    }

    fn file_gap(&mut self, reason: Reason, detail: &str) {
        let (scope, what) = (self.path.to_owned(), "file".to_owned());
        self.sink.gap(Gap { scope, what, reason, detail: detail.to_owned() });
    }
}

fn header(text: &[u8]) -> Result<Header, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let header: Header = serde_json::from_slice(text).map_err(|error| {
        let error = error.to_string();
        format!("the first line of the snapshot is damaged: {}", error.split(" at line ").next().unwrap_or_default())
    })?;
    if header.schema != SCHEMA {
        return Err(format!(
            "a snapshot of the schema `{}`, and this version reads `{SCHEMA}`: read it with the azaudit that wrote it",
            header.schema
        ));
    }
    Ok(header)
}
