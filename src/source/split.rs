//! Cuts a stream of JSON text into items, without parsing them and without holding the stream.
//!
//! A byte scanner follows strings and brackets, so that a file of any size passes through a small buffer, and a
//! damaged item costs only itself: what lies between its brackets is judged later, by the parser that types it.
//! Brackets are counted, not matched; the parser tells a wrong one.

mod place;
mod reshaped;

use std::collections::VecDeque;
use std::io::Read;

use place::{Place, Places};

use super::envelope;
use super::shape::{self, ItemShape, Keys, Outer};
use super::{Batch, Gap, Item, Kind, Reason, Sink, template};

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
        places: Places::new(),
        items: Vec::new(),
        reshaped: VecDeque::new(),
        state: State::Between,
        depth: 0,
        in_string: false,
        string_start: 0,
        escape: false,
        broken: None,
        last: 0,
        found: Found::default(),
        gaps: 0,
        junk: 0,
    };
    splitter.run(reader, chunk);
    splitter.found
}

/// Where the scanner stands.
#[derive(Debug)]
enum State {
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
    start: Place,
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
    /// How many items it holds.
    count: u64,
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
    /// Lines and columns of its positions.
    places: Places,
    /// Complete items of the buffer.
    items: Vec<(usize, usize, Kind)>,
    /// Where items start that were brought into the REST shape, in that order, and what was made of them.
    reshaped: VecDeque<(usize, String)>,
    state: State,
    depth: u32,
    in_string: bool,
    string_start: usize,
    escape: bool,
    /// Behind a raw line break in a string; then, where a quote stood behind it.
    broken: Option<Option<usize>>,
    /// The last byte outside of strings that is no white space; `"` for a string.
    last: u8,
    found: Found,
    /// How many gaps there were; beyond [`MOST_GAPS`] they are only counted.
    gaps: u64,
    /// How many runs of text belonged to no document.
    junk: u64,
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
            match (&self.state, byte) {
                (_, b' ' | b'\t' | b'\r') => {}
                (_, b'\n') => self.newline(),
                (State::Between | State::Junk, b'{' | b'[') => self.open_document(byte),
                // Record separators (RFC 7464) stand between documents.
                (State::Between, 0x1e) => {}
                (State::Between, _) => {
                    self.junk();
                    self.state = State::Junk;
                }
                (State::Junk, _) => {}
                (State::Document(_), b'"') => {
                    self.in_string = true;
                    self.string_start = self.at + 1;
                }
                (State::Document(_), b'{' | b'[') => self.open(byte),
                (State::Document(_), b'}' | b']') => self.close(byte),
                (State::Document(document), _) => {
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
        if let Some(quote) = self.broken {
            return self.scan_after_line_break(quote);
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
            b'\n' if self.lines => self.cut_string(),
            b'\n' => {
                self.broken = Some(None);
                self.at += 1;
            }
            _ => {
                self.in_string = false;
                self.string_end();
                self.last = b'"';
                self.at += 1;
            }
        }
    }

    /// A raw line break stands in no JSON string. Either somebody pasted text with line breaks, and the string goes on;
    /// or the line was cut, and JSON goes on. What comes next tells, so that neither swallows its neighbours. `quote`:
    /// where a quote followed.
    fn scan_after_line_break(&mut self, quote: Option<usize>) {
        let byte = self.buffer[self.at];
        match (quote, byte) {
            (_, b' ' | b'\t' | b'\r' | b'\n') if quote.is_none() => self.at += 1,
            (None, b'"') => {
                self.broken = Some(Some(self.at));
                self.at += 1;
            }
            (None, b'{' | b'}' | b'[' | b']') => self.cut_string(),
            // The quote that ends the pasted text.
            (Some(quote), b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n') => {
                self.broken = None;
                self.in_string = false;
                self.last = b'"';
                self.at = quote + 1;
            }
            // The quote that starts the next key.
            (Some(quote), _) => {
                self.at = quote;
                self.cut_string();
            }
            (None, _) => self.broken = None,
        }
    }

    /// Goes on as if the string had ended here.
    fn cut_string(&mut self) {
        self.broken = None;
        self.in_string = false;
        self.last = b'"';
    }

    /// Takes note of the keys that tell shapes, of the document and of its current item.
    fn string_end(&mut self) {
        let State::Document(document) = &mut self.state else { return };
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
            None if key && self.depth == 1 && document.frame_from.is_some() => {
                document.list_key = shape::list_key(text);
            }
            // A text where an item belongs.
            None if self.depth + 1 == document.item_depth && matches!(self.last, b'[' | b',') => {
                self.odd_item(self.string_start - 1);
            }
            None => {}
        }
    }

    /// Text that belongs to no document. Named once: a file that is no JSON has it on every line.
    fn junk(&mut self) {
        self.junk += 1;
        if self.junk > 1 {
            return;
        }
        let shown = char::from(self.buffer[self.at]).escape_default();
        let detail = format!("expected a JSON object or array, found `{shown}`");
        self.gap("file", Reason::Damaged, self.at, &detail);
    }

    fn newline(&mut self) {
        match &self.state {
            State::Junk => self.state = State::Between,
            State::Document(_) if self.lines => {
                self.truncated("the line ends inside a document");
                self.close_document(self.at);
            }
            _ => {}
        }
    }

    fn open_document(&mut self, byte: u8) {
        let start = self.places.of(&self.buffer, self.at);
        let outer = if byte == b'[' { Outer::Array } else { Outer::Single };
        self.state = State::Document(Document {
            outer,
            start,
            item_start: (byte == b'{').then_some(self.at),
            keys: Keys::default(),
            frame: Vec::new(),
            frame_from: None,
            list_key: None,
            item_depth: if byte == b'{' { 1 } else { 2 },
            first: None,
            count: 0,
            sessions: Vec::new(),
            metrics: Vec::new(),
        });
        self.depth = 1;
        self.last = byte;
    }

    fn open(&mut self, byte: u8) {
        let State::Document(document) = &mut self.state else { return };
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
        } else if byte == b'['
            && self.depth == 2
            && self.last == b':'
            && document.list_key.is_some()
            && let Some(from) = document.frame_from.take()
        {
            // Another list of them.
            document.frame.extend_from_slice(&self.buffer[from..=self.at]);
            document.item_depth = 3;
        }
        self.last = byte;
    }

    fn close(&mut self, byte: u8) {
        self.depth -= 1;
        self.last = byte;
        let State::Document(document) = &mut self.state else { return };
        if let Some(start) = document.item_start
            && self.depth + 1 == document.item_depth
        {
            document.item_start = None;
            let keys = document.keys;
            self.item(start, self.at + 1, keys);
        } else if matches!(document.outer, Outer::List(_)) && self.depth == 1 && document.item_depth == 3 {
            document.frame_from = Some(self.at);
            document.list_key = None;
            // Unless another list follows, the document holds no more items.
            document.item_depth = 0;
        }
        if self.depth == 0 {
            self.close_document(self.at + 1);
        }
    }

    fn item(&mut self, start: usize, end: usize, keys: Keys) {
        let shape = self.reshape(start, end, keys);
        let State::Document(document) = &mut self.state else { return };
        document.first = document.first.or(shape);
        document.count += 1;
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
                // An export that holds Azure's refusal must not look like an empty one.
                match envelope::saved_error(&self.buffer[start..end]) {
                    Some((reason, detail)) => self.gap("file", reason, start, &detail),
                    None => {
                        self.sink.note(format!("`{}`: the provider is not registered, so nothing is there", self.path))
                    }
                }
            }
            Some(ItemShape::Template) => {
                let line = self.places.of(&self.buffer, start).line;
                match std::str::from_utf8(&self.buffer[start..end]) {
                    Ok(text) => self.found.resources += template::read(text, self.input, self.path, line, self.sink),
                    Err(_) => self.gap("file", Reason::Damaged, start, "the template is no UTF-8, so it was left out"),
                }
            }
            Some(ItemShape::Parameters) => {
                let detail = "values for the parameters of a template, which are not read; the default values count";
                self.sink.note(format!("`{}`: {detail}", self.path));
            }
            // Handed on when its shape was told.
            Some(ItemShape::Reshaped(_)) => {}
            Some(ItemShape::Effective(_)) => {
                let detail = "what holds for one interface at one moment, which is not read; export its security \
                              groups and route tables, from which it follows";
                self.gap("resource", Reason::Damaged, start, detail);
            }
            Some(ItemShape::Flat | ItemShape::Table) | None => {
                let detail = match keys.all(&["$schema"]) {
                    true => "it has a `$schema`, but is no ARM template: that has `resources`",
                    false => "an object of no shape that azaudit reads; a resource has `id`, `type` and `properties`",
                };
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

    /// Ends the document, whole or not, at that position of the buffer.
    fn close_document(&mut self, end: usize) {
        let state = std::mem::replace(&mut self.state, State::Between);
        self.depth = 0;
        self.in_string = false;
        self.escape = false;
        self.broken = None;
        let State::Document(mut document) = state else { return };
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
            self.frame(&document)
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

    /// What stands around the list of a whole document.
    fn frame(&mut self, document: &Document) -> Option<serde_json::Value> {
        let whole = document.frame.ends_with(b"}");
        let Document { start, count, .. } = *document;
        match serde_json::from_slice(&document.frame) {
            Ok(frame) => {
                if let Some(detail) = envelope::goes_on(&frame, count) {
                    self.gap_at("file", Reason::Truncated, start, &detail);
                }
                Some(frame)
            }
            // That the text ends too early is said already.
            Err(_) if !whole => None,
            Err(error) => {
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default();
                let detail = format!("what stands around the list of this document is no JSON: {message}");
                self.gap_at("file", Reason::Damaged, start, &detail);
                None
            }
        }
    }

    fn truncated(&mut self, what: &str) {
        let State::Document(document) = &self.state else { return };
        let detail = format!("{what} that starts at line {}, column {}", document.start.line, document.start.column);
        self.gap("file", Reason::Truncated, self.at, &detail);
    }

    fn end(&mut self) {
        if matches!(self.state, State::Document(_)) {
            self.truncated("the text ends inside a document");
            self.close_document(self.at);
        }
        self.flush(0);
        if self.junk > 1 {
            let detail = format!("{} more places hold text that is no JSON", self.junk - 1);
            let (scope, what) = (self.path.to_owned(), "file".to_owned());
            self.sink.gap(Gap { scope, what, reason: Reason::Damaged, detail });
        }
        if self.gaps > MOST_GAPS {
            let detail = format!("{} more faults of this kind in this input", self.gaps - MOST_GAPS);
            let (scope, what) = (self.path.to_owned(), "resource".to_owned());
            self.sink.gap(Gap { scope, what, reason: Reason::Damaged, detail });
        }
    }

    /// Hands the complete items on, and keeps only what is still being scanned.
    fn flush(&mut self, least: usize) {
        let keep = match &self.state {
            State::Document(document) => match (document.item_start, document.frame_from) {
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
        for (start, end, kind) in self.items.drain(..) {
            let Place { line, column } = self.places.of(&text, start);
            items.push(Item { kind, span: start..end, line, column, about: None });
        }
        self.places.cut(&text);
        self.at -= keep;
        self.string_start = self.string_start.saturating_sub(keep);
        self.broken = self.broken.map(|quote| quote.map(|quote| quote - keep));
        if let State::Document(document) = &mut self.state {
            document.item_start = document.item_start.map(|start| start - keep);
            document.frame_from = document.frame_from.map(|from| from - keep);
        }
        if items.is_empty() {
            return;
        }
        self.drop_non_utf8(&mut text, &mut items);
        let mut text = String::from_utf8(text).unwrap_or_default();
        self.put_reshaped(&mut text, &mut items);
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
                let start = Place { line: item.line, column: item.column };
                let place = start.after(&text[item.span.start..item.span.start + error.valid_up_to()]);
                let byte = text[item.span.start + error.valid_up_to()];
                let detail = format!("byte 0x{byte:02x} is no UTF-8; the resource that holds it was left out");
                self.gap_at("resource", Reason::Damaged, place, &detail);
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

    fn gap(&mut self, what: &str, reason: Reason, at: usize, detail: &str) {
        if self.gaps >= MOST_GAPS {
            self.gaps += 1;
            return;
        }
        let place = self.places.of(&self.buffer, at);
        self.gap_at(what, reason, place, detail);
    }

    fn gap_at(&mut self, what: &str, reason: Reason, place: Place, detail: &str) {
        let Place { line, column } = place;
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

#[cfg(test)]
mod tests;
