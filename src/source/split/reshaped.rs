//! Items that are not in the REST shape, on their way through the splitter.

use serde_json::Value;

use super::{Item, ItemShape, Keys, Kind, Outer, Splitter, State, envelope, shape};
use crate::source::reshape::{self, Flat, Lack, Style, powershell, table};
use crate::source::{Gap, Reason};

/// The longest table that is held as a value, in bytes: a page of Resource Graph has 16 MB at most.
const LONGEST_TABLE: usize = 64 << 20;

impl Splitter<'_> {
    /// The shape of an item. One that is in a shape of its own is brought into the REST shape and noted for the next
    /// batch, or is a gap.
    pub(super) fn reshape(&mut self, start: usize, end: usize, keys: Keys) -> Option<ItemShape> {
        match shape::item(keys) {
            Some(ItemShape::Flat) => self.reshape_flat(start, end, keys),
            Some(ItemShape::Table) => self.reshape_table(start, end),
            Some(ItemShape::Known(Kind::Resource)) => match powershell::cut_in_rest(&self.buffer[start..end]) {
                Some(lack) => {
                    self.found.resources += 1;
                    self.lost(start, lack);
                    Some(ItemShape::Reshaped(Style::PowerShell))
                }
                None => Some(ItemShape::Known(Kind::Resource)),
            },
            other => other,
        }
    }

    fn reshape_flat(&mut self, start: usize, end: usize, keys: Keys) -> Option<ItemShape> {
        // A row of Resource Graph without `properties` was picked apart by its query.
        let is_row = matches!(&self.state, State::Document(document) if document.outer == Outer::List("data"));
        let judged = if is_row { Flat::Same } else { reshape::flat(&self.buffer[start..end]) };
        match judged {
            Flat::Rest(style, value) => {
                self.found.resources += 1;
                self.take_reshaped(start, end, &value);
                Some(ItemShape::Reshaped(style))
            }
            Flat::Lost(style, lack) => {
                self.found.resources += 1;
                self.lost(start, lack);
                Some(ItemShape::Reshaped(style))
            }
            Flat::Same => keys.all(&["type"]).then_some(ItemShape::Known(Kind::Resource)),
            Flat::Foreign => None,
        }
    }

    fn reshape_table(&mut self, start: usize, end: usize) -> Option<ItemShape> {
        let text = &self.buffer[start..end];
        if text.len() > LONGEST_TABLE {
            let detail = format!("a table of more than {} MiB; query fewer rows at once", LONGEST_TABLE >> 20);
            self.gap("file", Reason::Damaged, start, &detail);
            return Some(ItemShape::Reshaped(Style::Table));
        }
        let answer: Value = serde_json::from_slice(text).ok()?;
        let frame = match answer.as_object() {
            Some(members) => members.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("data")),
            None => return None,
        };
        let frame = Value::Object(frame.map(|(key, value)| (key.clone(), value.clone())).collect());
        let rows = table::to_rest(answer)?;
        let goes_on = envelope::goes_on(&frame, rows.len() as u64);
        for row in rows {
            match row {
                Ok(value) => {
                    self.found.resources += 1;
                    self.take_reshaped(start, end, &value);
                }
                Err(lack) => self.lost(start, lack),
            }
        }
        if let Some(detail) = goes_on {
            self.gap("file", Reason::Truncated, start, &detail);
        }
        Some(ItemShape::Reshaped(Style::Table))
    }

    fn take_reshaped(&mut self, start: usize, end: usize, value: &Value) {
        self.items.push((start, end, Kind::Resource));
        self.reshaped.push_back((start, value.to_string()));
    }

    /// Says that a resource is lost. Each is named, however many there are: verdicts hang on it.
    fn lost(&mut self, start: usize, lack: Lack) {
        let place = self.places.of(&self.buffer, start);
        let Lack { scope, what, reason, detail } = lack;
        let detail = format!("line {}, column {}: {detail}", place.line, place.column);
        self.sink.gap(match scope {
            Some(scope) => Gap { scope, what, reason, detail: format!("{}: {detail}", self.path) },
            None => Gap { scope: self.path.to_owned(), what, reason, detail },
        });
    }

    /// Puts what was made of items behind the text that they were made of.
    pub(super) fn put_reshaped(&mut self, text: &mut String, items: &mut [Item]) {
        for item in items {
            // What is no UTF-8 was never reshaped, so only items that are still there have one.
            if let Some((_, made)) = self.reshaped.pop_front_if(|(start, _)| *start == item.span.start) {
                item.span = text.len()..text.len() + made.len();
                text.push_str(&made);
            }
        }
    }
}
