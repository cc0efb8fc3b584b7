//! A sink that writes what it is handed.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::redact::Redactor;
use super::secrets::Secrets;
use crate::source::snapshot::{End, Header, Line, Live, word};
use crate::source::{Batch, Gap, Input, Item, Kind, Reason, Sink};

/// Writes a snapshot, line by line. The first error of the writer is kept, and nothing is written behind it.
pub struct Recorder<'w> {
    out: &'w mut dyn Write,
    error: Option<io::Error>,
    secrets: Secrets,
    redactor: Option<Redactor>,
    lines: u64,
    resources: u64,
    /// The inputs' paths, for gaps that are told at the end.
    paths: Vec<(u32, String)>,
    inputs: u32,
    /// Items that are no JSON, so that nobody knows what of them is secret: what is wrong with each.
    damaged: Vec<(u32, Gap)>,
}

#[derive(Serialize)]
struct ItemLine<'a> {
    kind: &'static str,
    input: u32,
    line: u64,
    column: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

impl<'w> Recorder<'w> {
    /// Starts a snapshot; one whose header says so is redacted.
    pub fn new(header: &Header, out: &'w mut dyn Write) -> Self {
        let mut header = header.clone();
        let mut redactor = header.redacted.then(Redactor::new);
        if let Some(redactor) = &mut redactor {
            header.subscriptions = header.subscriptions.iter().map(|it| redactor.subscription(it)).collect();
        }
        let mut recorder = Self {
            out,
            error: None,
            secrets: Secrets::default(),
            redactor,
            lines: 0,
            resources: 0,
            paths: Vec::new(),
            inputs: 0,
            damaged: Vec::new(),
        };
        recorder.put(&header);
        recorder.lines = 0;
        recorder
    }

    /// Writes the last line. `live` is what a live source reported. How many resources stand in the snapshot comes
    /// back.
    ///
    /// # Errors
    ///
    /// Something could not be written, now or before.
    pub fn finish(mut self, live: Option<Live>) -> io::Result<u64> {
        for (input, mut gap) in std::mem::take(&mut self.damaged) {
            let path = self.paths.iter().find(|(number, _)| *number == input);
            gap.scope = path.map_or("-", |(_, path)| path).to_owned();
            self.put(&Line::Gap(gap));
        }
        let live = live.map(|live| match &mut self.redactor {
            None => live,
            Some(it) => {
                Live { subscriptions: live.subscriptions.iter().map(|id| it.subscription(id)).collect(), ..live }
            }
        });
        let removed = std::mem::take(&mut self.secrets.removed);
        self.put(&Line::End(End { lines: self.lines, resources: self.resources, live, removed }));
        self.error.map_or(Ok(self.resources), Err)
    }

    fn path(&mut self, path: String) -> String {
        self.redactor.as_mut().map(|it| it.scope(&path)).unwrap_or(path)
    }

    fn put(&mut self, line: &impl Serialize) {
        if self.error.is_some() {
            return;
        }
        self.lines += 1;
        let written = serde_json::to_writer(&mut *self.out, line).map_err(io::Error::from);
        self.error = written.and_then(|()| self.out.write_all(b"\n")).err();
    }

    fn item(&mut self, input: u32, item: &Item, text: &str) {
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            return self.damaged.push((input, damage(item, &error)));
        }
        let text = self.secrets.out_of_item(text);
        let text = match &mut self.redactor {
            None => text,
            Some(redactor) => redactor.item(&text).into(),
        };
        let about = item.about.as_deref();
        let about = about.map(|about| self.redactor.as_mut().map_or(about.to_owned(), |it| it.id(about)));
        // A line break between two members is kept in a string: places in the text stay the same.
        let one_line = !text.contains(['\n', '\r']);
        let raw = one_line.then(|| RawValue::from_string(text.trim().to_owned()).ok()).flatten();
        let line = ItemLine {
            kind: word(item.kind),
            input,
            line: item.line,
            column: item.column,
            about: about.as_deref(),
            text: raw.is_none().then_some(&text),
            item: raw.as_deref(),
        };
        self.resources += u64::from(item.kind == Kind::Resource);
        self.put(&line);
    }
}

/// What a scan says of an item that is no JSON.
fn damage(item: &Item, error: &serde_json::Error) -> Gap {
    let line = item.line + error.line().saturating_sub(1) as u64;
    let before = if error.line() <= 1 { item.column.saturating_sub(1) } else { 0 };
    let column = before + error.column().max(1) as u64;
    let message = error.to_string();
    let words = message.split(" at line ").next().unwrap_or(&message);
    let detail = format!("line {line}, column {column}: {words}");
    let what = match item.kind {
        Kind::Resource => "resource",
        Kind::Sessions => "sessions",
        Kind::Metric => "metrics",
    };
    Gap { scope: String::new(), what: what.to_owned(), reason: Reason::Damaged, detail }
}

impl Sink for Recorder<'_> {
    fn batch(&mut self, batch: Batch) {
        for item in &batch.items {
            self.item(batch.input, item, batch.text.get(item.span.clone()).unwrap_or_default());
        }
    }

    fn gap(&mut self, gap: Gap) {
        let detail = self.secrets.out_of_words(gap.detail);
        let gap = match &mut self.redactor {
            None => Gap { detail, ..gap },
            Some(it) => Gap { detail: it.words(&detail), scope: it.scope(&gap.scope), ..gap },
        };
        self.put(&Line::Gap(gap));
    }

    fn input(&mut self, input: Input) {
        let Input { path, shape, resources } = input;
        let path = self.path(path);
        let number = self.inputs;
        self.inputs += 1;
        self.paths.push((number, path.clone()));
        self.put(&Line::Input { input: number, path, shape, resources });
    }

    fn origin(&mut self, number: u32, path: String) {
        let path = self.path(path);
        self.paths.push((number, path.clone()));
        self.put(&Line::Origin { input: number, path });
    }

    fn note(&mut self, note: String) {
        let note = self.secrets.out_of_words(note);
        let note = self.redactor.as_mut().map(|it| it.words(&note)).unwrap_or(note);
        self.put(&Line::Note { note });
    }
}

/// Hands everything to two sinks, the second one last.
pub struct Tee<'a>(pub &'a mut dyn Sink, pub &'a mut dyn Sink);

impl Sink for Tee<'_> {
    fn batch(&mut self, batch: Batch) {
        self.0.batch(batch.clone());
        self.1.batch(batch);
    }
    fn gap(&mut self, gap: Gap) {
        self.0.gap(gap.clone());
        self.1.gap(gap);
    }
    fn input(&mut self, input: Input) {
        self.0.input(input.clone());
        self.1.input(input);
    }
    fn origin(&mut self, number: u32, path: String) {
        self.0.origin(number, path.clone());
        self.1.origin(number, path);
    }
    fn note(&mut self, note: String) {
        self.0.note(note.clone());
        self.1.note(note);
    }
}
