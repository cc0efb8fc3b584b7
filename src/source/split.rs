//! Cuts a stream of JSON text into items, without parsing them and without holding the stream.
//!
//! A byte scanner follows strings and brackets, so that a file of any size passes through a small buffer, and a
//! damaged item costs only itself: what lies between its brackets is judged later, by the parser that types it.
//! Brackets are counted, not matched; the parser tells a wrong one.

use std::io::Read;

use super::shape::{self, ItemShape, Keys, Outer};
use super::{Batch, Gap, Item, Kind, Reason, Sink};

/// How much is read at once, and about how much text a batch holds.
const CHUNK: usize = 512 * 1024;

/// How many faults of one input are named one by one.
const MOST_GAPS: u64 = 50;

/// What was found in a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Names of the shapes, in order of appearance, each once.
    pub shapes: Vec<&'static str>,
    /// How many resources.
    pub resources: u64,
    /// How many documents.
    pub documents: u64,
}

/// Reads UTF-8 JSON documents (one, several behind one another, or one a line) and hands their items to the sink.
///
/// `path` names the input in gaps. `lines`: each line is a document of its own, so a damaged one ends with it.
pub fn split(reader: impl Read, input: u32, path: &str, lines: bool, sink: &mut dyn Sink) -> Found {
    split_by(CHUNK, reader, input, path, lines, sink)
}

fn split_by(chunk: usize, reader: impl Read, input: u32, path: &str, lines: bool, sink: &mut dyn Sink) -> Found {
    let mut splitter = Splitter {
        sink,
        input,
        path,
        lines,
        buffer: Vec::new(),
        at: 0,
        cut_line: 1,
        cut_column: 1,
        items: Vec::new(),
        place: Place::Between,
        depth: 0,
        in_string: false,
        string_start: 0,
        escape: false,
        last: 0,
        found: Found::default(),
        gaps: 0,
    };
    splitter.run(reader, chunk);
    splitter.found
}

/// Where the scanner stands.
#[derive(Debug)]
enum Place {
    /// Between documents.
    Between,
    /// In text that belongs to no document.
    Junk,
    /// In a document.
    Document(Document),
}

#[derive(Debug)]
struct Document {
    outer: Outer,
    /// Where it starts, for messages.
    line: u64,
    column: u64,
    /// Where its items' text starts in the buffer; for a streamed list, the current item's.
    item_start: Option<usize>,
    /// Keys of the current item.
    keys: Keys,
    /// The document without the items that were streamed out of it.
    frame: Vec<u8>,
    /// From where on the frame is not yet copied out of the buffer; `None` while items are streamed.
    frame_from: Option<usize>,
    /// The last key at depth 1, if a list under it holds items.
    list_key: Option<&'static str>,
    /// The depth of an item's outermost bracket.
    item_depth: u32,
    /// The shape of its first item.
    first: Option<ItemShape>,
    /// Rows of a session answer, which is one item.
    sessions: Vec<u8>,
    /// Metrics of an answer that says their interval once for all of them.
    metrics: Vec<String>,
}

struct Splitter<'s> {
    sink: &'s mut dyn Sink,
    input: u32,
    path: &'s str,
    lines: bool,
    /// Text that is not handed on yet.
    buffer: Vec<u8>,
    /// The scanner's position in it.
    at: usize,
    /// Line and column at which the buffer starts.
    cut_line: u64,
    cut_column: u64,
    /// Complete items of the buffer.
    items: Vec<(usize, usize, Kind)>,
    place: Place,
    depth: u32,
    in_string: bool,
    string_start: usize,
    escape: bool,
    /// The last byte outside of strings that is no white space; `"` for a string.
    last: u8,
    found: Found,
    /// How many gaps there were; beyond [`MOST_GAPS`] they are only counted.
    gaps: u64,
}

impl Splitter<'_> {
    fn run(&mut self, mut reader: impl Read, chunk: usize) {
        loop {
            // Filled whole, so that nothing depends on how a pipe happens to be cut.
            match reader.by_ref().take(chunk as u64).read_to_end(&mut self.buffer) {
                Ok(0) => break,
                Ok(_) => {
                    self.scan();
                    self.flush(chunk / 2);
                }
                Err(error) => {
                    self.gap("file", Reason::Unreachable, self.buffer.len(), &format!("cannot be read on: {error}"));
                    break;
                }
            }
        }
        self.end();
    }

    fn scan(&mut self) {
        while self.at < self.buffer.len() {
            if self.in_string {
                self.scan_string();
                continue;
            }
            let byte = self.buffer[self.at];
            match (&self.place, byte) {
                (_, b' ' | b'\t' | b'\r') => {}
                (_, b'\n') => self.newline(),
                (Place::Between | Place::Junk, b'{' | b'[') => self.open_document(byte),
                // Record separators (RFC 7464) stand between documents.
                (Place::Between, 0x1e) => {}
                (Place::Between, _) => {
                    let shown = char::from(byte).escape_default();
                    self.gap(
                        "file",
                        Reason::Damaged,
                        self.at,
                        &format!("expected a JSON object or array, found `{shown}`"),
                    );
                    self.place = Place::Junk;
                }
                (Place::Junk, _) => {}
                (Place::Document(_), b'"') => {
                    self.in_string = true;
                    self.string_start = self.at + 1;
                }
                (Place::Document(_), b'{' | b'[') => self.open(byte),
                (Place::Document(_), b'}' | b']') => self.close(byte),
                (Place::Document(document), _) => {
                    let item_expected = document.item_start.is_none()
                        && self.depth + 1 == document.item_depth
                        && matches!(self.last, b'[' | b',')
                        && byte != b',';
                    if item_expected {
                        self.odd_item(self.at);
                    }
                    self.last = byte;
                }
            }
            self.at += 1;
        }
    }

    /// Moves to the end of the string, or of the buffer.
    fn scan_string(&mut self) {
        if std::mem::take(&mut self.escape) {
            self.at += 1;
            return;
        }
        let rest = &self.buffer[self.at..];
        let Some(offset) = memchr::memchr3(b'"', b'\\', b'\n', rest) else {
            self.at = self.buffer.len();
            return;
        };
        self.at += offset;
        match self.buffer[self.at] {
            b'\\' => {
                self.escape = true;
                self.at += 1;
            }
            // A raw line break ends no string in JSON, but a string that was cut does not swallow its neighbours.
            b'\n' => {
                self.in_string = false;
                self.last = b'"';
            }
            _ => {
                self.in_string = false;
                self.string_end();
                self.last = b'"';
                self.at += 1;
            }
        }
    }

    /// Takes note of the keys that tell shapes, of the document and of its current item.
    fn string_end(&mut self) {
        let Place::Document(document) = &mut self.place else { return };
        let text = &self.buffer[self.string_start..self.at];
        let key = matches!(self.last, b'{' | b',');
        match document.item_start {
            Some(_) if key && self.depth == document.item_depth => {
                document.keys.note(text);
                if document.outer == Outer::Single {
                    document.list_key = shape::list_key(text);
                }
            }
            Some(_) => {}
            // A text where an item belongs.
            None if self.depth + 1 == document.item_depth && matches!(self.last, b'[' | b',') => {
                self.odd_item(self.string_start - 1);
            }
            None => {}
        }
    }

    fn newline(&mut self) {
        match &self.place {
            Place::Junk => self.place = Place::Between,
            Place::Document(_) if self.lines => {
                self.truncated("the line ends inside a document");
                self.close_document(self.at);
            }
            _ => {}
        }
    }

    fn open_document(&mut self, byte: u8) {
        let (line, column) = self.position(self.at);
        let outer = if byte == b'[' { Outer::Array } else { Outer::Single };
        self.place = Place::Document(Document {
            outer,
            line,
            column,
            item_start: (byte == b'{').then_some(self.at),
            keys: Keys::default(),
            frame: Vec::new(),
            frame_from: None,
            list_key: None,
            item_depth: if byte == b'{' { 1 } else { 2 },
            first: None,
            sessions: Vec::new(),
            metrics: Vec::new(),
        });
        self.depth = 1;
        self.last = byte;
    }

    fn open(&mut self, byte: u8) {
        let Place::Document(document) = &mut self.place else { return };
        self.depth += 1;
        if document.item_start.is_none() && self.depth == document.item_depth {
            if byte == b'{' {
                document.item_start = Some(self.at);
                document.keys = Keys::default();
            } else {
                self.odd_item(self.at);
            }
        } else if byte == b'['
            && document.outer == Outer::Single
            && self.depth == 2
            && self.last == b':'
            && let Some(key) = document.list_key
        {
            // The document is no item itself: it holds a list of them.
            let start = document.item_start.take().unwrap_or(0);
            document.outer = Outer::List(key);
            document.frame = self.buffer[start..=self.at].to_vec();
            document.item_depth = 3;
        }
        self.last = byte;
    }

    fn close(&mut self, byte: u8) {
        self.depth -= 1;
        self.last = byte;
        let Place::Document(document) = &mut self.place else { return };
        if let Some(start) = document.item_start
            && self.depth + 1 == document.item_depth
        {
            document.item_start = None;
            let keys = document.keys;
            self.item(start, self.at + 1, keys);
        } else if matches!(document.outer, Outer::List(_)) && self.depth == 1 && document.item_depth == 3 {
            document.frame_from = Some(self.at);
            // From here to its end, the document holds no more items.
            document.item_depth = 0;
        }
        if self.depth == 0 {
            self.close_document(self.at + 1);
        }
    }

    fn item(&mut self, start: usize, end: usize, keys: Keys) {
        let shape = shape::item(keys);
        let Place::Document(document) = &mut self.place else { return };
        document.first = document.first.or(shape);
        match shape {
            Some(ItemShape::Known(Kind::Metric)) if matches!(document.outer, Outer::List(_)) => {
                document.metrics.push(String::from_utf8_lossy(&self.buffer[start..end]).into_owned());
            }
            Some(ItemShape::Known(kind)) => {
                self.found.resources += u64::from(kind == Kind::Resource);
                self.items.push((start, end, kind));
            }
            Some(ItemShape::SessionRow) => {
                document.sessions.extend_from_slice(if document.sessions.is_empty() { b"{\"value\":[" } else { b"," });
                document.sessions.extend_from_slice(&self.buffer[start..end]);
            }
            Some(ItemShape::Error) => {
                let text = String::from_utf8_lossy(&self.buffer[start..end]).into_owned();
                self.saved_error(start, &text);
            }
            None => {
                let detail = "an object that is none of the shapes that azaudit reads: it has neither `id` and \
                              `type` nor another mark of one";
                self.gap("resource", Reason::Damaged, start, detail);
            }
        }
    }

    /// Something that is no object stands where an item belongs.
    fn odd_item(&mut self, at: usize) {
        let what = match self.buffer[at] {
            b'n' => "null",
            b't' | b'f' => "a flag",
            b'"' => "a text",
            b'[' => "a list",
            b'-' | b'0'..=b'9' => "a number",
            _ => "something that is no JSON",
        };
        self.gap("resource", Reason::Damaged, at, &format!("{what} where an object belongs"));
    }

    /// An export that holds Azure's refusal instead of data.
    fn saved_error(&mut self, at: usize, text: &str) {
        let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let member = |name: &str| body["error"][name].as_str().or(body[name].as_str()).unwrap_or_default().to_owned();
        let (code, message) = (member("code"), member("message"));
        let reason = match code.as_str() {
            "AuthorizationFailed" | "ExpiredAuthenticationToken" | "LinkedAuthorizationFailed" => Reason::Forbidden,
            code if code.contains("Throttled") || code == "TooManyRequests" => Reason::Throttled,
            _ => Reason::Missing,
        };
        self.gap("file", reason, at, &format!("it holds an error of Azure instead of data: {code}: {message}"));
    }

    /// Ends the document, whole or not, at that position of the buffer.
    fn close_document(&mut self, end: usize) {
        let place = std::mem::replace(&mut self.place, Place::Between);
        self.depth = 0;
        self.in_string = false;
        self.escape = false;
        let Place::Document(mut document) = place else { return };
        self.found.documents += 1;
        if !document.sessions.is_empty() {
            document.sessions.extend_from_slice(b"]}");
            let text = String::from_utf8_lossy(&document.sessions).into_owned();
            self.sink.batch(Batch::whole(self.input, Kind::Sessions, None, text));
        }
        let name = shape::name(document.outer, document.first);
        if !self.found.shapes.contains(&name) {
            self.found.shapes.push(name);
        }
        let frame = document.frame_from.and_then(|from| {
            document.frame.extend_from_slice(&self.buffer[from..end.min(self.buffer.len())]);
            self.check_frame(&document)
        });
        let interval = frame.as_ref().and_then(|frame| frame["interval"].as_str());
        for metric in std::mem::take(&mut document.metrics) {
            let text = match (interval, metric.strip_prefix('{')) {
                (Some(interval), Some(rest)) if !metric.contains("\"interval\"") => {
                    format!("{{\"interval\":{},{rest}", serde_json::Value::from(interval))
                }
                _ => metric,
            };
            self.sink.batch(Batch::whole(self.input, Kind::Metric, None, text));
        }
    }

    /// What stands around the list. One that names a next page is only a part of what was asked for.
    fn check_frame(&mut self, document: &Document) -> Option<serde_json::Value> {
        let frame: serde_json::Value = match serde_json::from_slice(&document.frame) {
            Ok(frame) => frame,
            Err(error) => {
                let detail = format!("around its list, the document is no JSON: {error}");
                self.gap_at("file", Reason::Damaged, document.line, document.column, &detail);
                return None;
            }
        };
        let next = ["nextLink", "$skipToken", "skip_token", "skipToken", "odata.nextLink"];
        let next = next.iter().find(|key| frame[**key].as_str().is_some_and(|link| !link.is_empty()));
        if let Some(key) = next {
            let detail = format!("the list goes on: its `{key}` names a next page that this document does not hold");
            self.gap_at("file", Reason::Truncated, document.line, document.column, &detail);
        }
        Some(frame)
    }

    fn truncated(&mut self, what: &str) {
        let Place::Document(document) = &self.place else { return };
        let detail = format!("{what} that starts at line {}, column {}", document.line, document.column);
        self.gap("file", Reason::Truncated, self.at, &detail);
    }

    fn end(&mut self) {
        if matches!(self.place, Place::Document(_)) {
            self.truncated("the text ends inside a document");
            self.close_document(self.at);
        }
        self.flush(0);
        if self.gaps > MOST_GAPS {
            let detail = format!("{} more faults of this kind in this input", self.gaps - MOST_GAPS);
            let (scope, what) = (self.path.to_owned(), "resource".to_owned());
            self.sink.gap(Gap { scope, what, reason: Reason::Damaged, detail });
        }
    }

    /// Hands the complete items on, and keeps only what is still being scanned.
    fn flush(&mut self, least: usize) {
        let keep = match &self.place {
            Place::Document(document) => match (document.item_start, document.frame_from) {
                (Some(start), _) => start,
                (None, Some(from)) => from,
                (None, None) if self.in_string => self.string_start.saturating_sub(1),
                (None, None) => self.at,
            },
            _ => self.at,
        };
        if self.items.is_empty() && keep < least {
            return;
        }
        let rest = self.buffer.split_off(keep);
        let mut text = std::mem::replace(&mut self.buffer, rest);
        let mut items = Vec::with_capacity(self.items.len());
        let (mut line, mut column, mut at) = (self.cut_line, self.cut_column, 0);
        for (start, end, kind) in self.items.drain(..) {
            advance(&text[at..start], &mut line, &mut column);
            at = start;
            items.push(Item { kind, span: start..end, line, column, about: None });
        }
        advance(&text[at..], &mut line, &mut column);
        (self.cut_line, self.cut_column) = (line, column);
        self.at -= keep;
        self.string_start = self.string_start.saturating_sub(keep);
        if let Place::Document(document) = &mut self.place {
            document.item_start = document.item_start.map(|start| start - keep);
            document.frame_from = document.frame_from.map(|from| from - keep);
        }
        if items.is_empty() {
            return;
        }
        self.drop_non_utf8(&mut text, &mut items);
        let text = String::from_utf8(text).unwrap_or_default();
        self.sink.batch(Batch { input: self.input, text, items });
    }

    /// Items that are no UTF-8 become gaps; their neighbours stay.
    fn drop_non_utf8(&mut self, text: &mut [u8], items: &mut Vec<Item>) {
        if std::str::from_utf8(text).is_ok() {
            return;
        }
        items.retain(|item| match std::str::from_utf8(&text[item.span.clone()]) {
            Ok(_) => true,
            Err(error) => {
                let (mut line, mut column) = (item.line, item.column);
                advance(&text[item.span.start..item.span.start + error.valid_up_to()], &mut line, &mut column);
                let byte = text[item.span.start + error.valid_up_to()];
                let detail = format!("byte 0x{byte:02x} is no UTF-8; the resource that holds it was left out");
                self.gap_at("resource", Reason::Damaged, line, column, &detail);
                false
            }
        });
        let mut at = 0;
        while let Err(error) = std::str::from_utf8(&text[at..]) {
            let bad = at + error.valid_up_to();
            text[bad] = b' ';
            at = bad + 1;
        }
    }

    /// Line and column of a position in the buffer, both counted from 1.
    fn position(&self, at: usize) -> (u64, u64) {
        let (mut line, mut column) = (self.cut_line, self.cut_column);
        advance(&self.buffer[..at.min(self.buffer.len())], &mut line, &mut column);
        (line, column)
    }

    fn gap(&mut self, what: &str, reason: Reason, at: usize, detail: &str) {
        if self.gaps >= MOST_GAPS {
            self.gaps += 1;
            return;
        }
        let (line, column) = self.position(at);
        self.gap_at(what, reason, line, column, detail);
    }

    fn gap_at(&mut self, what: &str, reason: Reason, line: u64, column: u64, detail: &str) {
        self.gaps += 1;
        if self.gaps > MOST_GAPS {
            return;
        }
        self.sink.gap(Gap {
            scope: self.path.to_owned(),
            what: what.to_owned(),
            reason,
            detail: format!("line {line}, column {column}: {detail}"),
        });
    }
}

/// Moves line and column over that text.
fn advance(text: &[u8], line: &mut u64, column: &mut u64) {
    let newlines = memchr::memchr_iter(b'\n', text).count() as u64;
    *line += newlines;
    match memchr::memrchr(b'\n', text) {
        Some(last) => *column = (text.len() - last) as u64,
        None => *column += text.len() as u64,
    }
}

#[cfg(test)]
mod tests;
