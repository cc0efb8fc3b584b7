//! Events as a table: what Event Viewer saves as CSV or as text with tabs, `Export-Csv` and Log Analytics write.

use std::io::Read;

use super::date::{self, Order};
use super::labels::{self, Label};
use super::tally::Tally;
use super::text::sources;
use super::window::{EVENT_LIMIT, Window};
use super::{Event, EventsError};

/// What the first line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    separator: u8,
    source: usize,
    id: usize,
    date: Option<usize>,
    /// Of dates, by the language of the first line.
    order: Order,
    /// The column's name says that its times are in UTC.
    utc: bool,
}

/// Reads the first line of a table of events. None when it is something else.
pub(super) fn header(start: &str) -> Option<Header> {
    // Windows PowerShell writes the type above the table
    let line = start.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("#TYPE"))?;
    [b',', b';', b'\t'].into_iter().find_map(|separator| {
        let mut row = Fields::new(separator);
        row.feed(line.as_bytes());
        let fields = row.finish();
        let names: Vec<_> = fields.iter().map(|it| labels::known(it).map(|known| (known, it))).collect();
        let find = |label| names.iter().position(|it| it.is_some_and(|(known, _)| known.label == label));
        let (source, id, date) = (find(Label::Source)?, find(Label::Id)?, find(Label::Date));
        let utc = date.is_some_and(|at| fields[at].contains("[UTC]"));
        let order = names.iter().flatten().map(|(known, _)| known.order).find(|it| *it != Order::Unknown);
        Some(Header { separator, source, id, date, order: order.unwrap_or_default(), utc })
    })
}

/// Reads all rows.
pub(super) fn read<R: Read>(window: &mut Window<R>, tally: &mut Tally) -> Result<(), EventsError> {
    let mut header_line = None;
    while header_line.is_none() {
        let Some(line) = window.line()? else { return Ok(()) };
        header_line = header(&String::from_utf8_lossy(&window.data()[..line.len]));
        window.consume(line.len);
    }
    let Some(header) = header_line else { return Ok(()) };
    loop {
        let (row, len) = match row(window, header.separator)? {
            Row::End => return Ok(()),
            Row::TooLong => {
                tally.damaged();
                // a quote that does not end takes the next rows with it; each line may be a row again
                window.skip_line()?;
                continue;
            }
            Row::Fields(row, len) => (row, len),
        };
        window.consume(len);
        if row.iter().all(|it| it.trim().is_empty()) {
            continue;
        }
        match event(&row, &header) {
            Some(event) => tally.event(&event),
            None => tally.damaged(),
        }
    }
}

fn event(row: &[String], header: &Header) -> Option<Event> {
    let id = row.get(header.id)?.trim().parse().ok()?;
    let sources = sources(row.get(header.source)?.trim());
    let date = header.date.and_then(|at| row.get(at));
    let moment = date.and_then(|it| match header.utc {
        true => date::parse(&format!("{it} UTC"), Order::MonthFirst),
        false => date::parse(it, header.order),
    });
    (!sources.is_empty()).then_some(Event { sources, id, moment })
}

enum Row {
    Fields(Vec<String>, usize),
    TooLong,
    End,
}

/// The next row: it ends with a line, unless a field in quotes goes on.
fn row<R: Read>(window: &mut Window<R>, separator: u8) -> Result<Row, EventsError> {
    let mut row = Fields::new(separator);
    let mut len = 0;
    loop {
        let rest = &window.data()[len..];
        if let Some(end) = memchr::memchr(b'\n', rest) {
            row.feed(rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]));
            len += end + 1;
            if !row.quoted {
                return Ok(Row::Fields(row.finish(), len));
            }
            row.push(b'\n');
            continue;
        }
        if window.more()? {
            continue;
        }
        let data = window.data();
        if data.len() >= EVENT_LIMIT {
            return Ok(Row::TooLong);
        }
        row.feed(&data[len..]);
        return Ok(match row.quoted {
            _ if data.is_empty() => Row::End,
            // the file ends within a field
            true => Row::TooLong,
            false => Row::Fields(row.finish(), data.len()),
        });
    }
}

/// The fields of a row, which may come in several lines.
struct Fields {
    separator: u8,
    fields: Vec<Vec<u8>>,
    /// The next byte belongs to a field in quotes.
    quoted: bool,
}

impl Fields {
    fn new(separator: u8) -> Self {
        Self { separator, fields: vec![Vec::new()], quoted: false }
    }

    fn push(&mut self, byte: u8) {
        if let Some(field) = self.fields.last_mut() {
            field.push(byte);
        }
    }

    fn feed(&mut self, line: &[u8]) {
        let mut bytes = line.iter().peekable();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'"' if self.quoted && bytes.next_if_eq(&&b'"').is_some() => self.push(byte),
                b'"' if self.quoted => self.quoted = false,
                b'"' if self.fields.last().is_some_and(Vec::is_empty) => self.quoted = true,
                _ if byte == self.separator && !self.quoted => self.fields.push(Vec::new()),
                _ => self.push(byte),
            }
        }
    }

    fn finish(self) -> Vec<String> {
        self.fields.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect()
    }
}
