//! Events as JSON: what `Get-WinEvent … | ConvertTo-Json` and `Get-EventLog` write, the rows of Log Analytics, and the
//! objects of tools that turn an `.evtx` into JSON; in a list, one after another, or alone.

use std::io::Read;

use serde_json::{Map, Value};

use super::date::{self, Moment, Order};
use super::tally::Tally;
use super::text::sources;
use super::window::{EVENT_LIMIT, Window};
use super::{Event, EventsError};
use crate::json::member;

/// Reads all objects. When none of them is an event, nothing is counted.
pub(super) fn read<R: Read>(window: &mut Window<R>, tally: &mut Tally) -> Result<(), EventsError> {
    let mut objects = Objects::default();
    loop {
        let ended = match window.data() {
            [] => !window.more()?,
            data => {
                let len = data.len();
                data.iter().for_each(|byte| objects.byte(*byte, tally));
                window.consume(len);
                false
            }
        };
        if ended {
            break;
        }
    }
    if objects.depth > 0 {
        tally.damaged();
    }
    if !tally.read_any() {
        tally.forget_damage();
    }
    Ok(())
}

/// Finds where objects begin and end.
#[derive(Default)]
struct Objects {
    object: Vec<u8>,
    depth: u32,
    quoted: bool,
    escaped: bool,
}

impl Objects {
    fn byte(&mut self, byte: u8, tally: &mut Tally) {
        if self.depth == 0 && byte != b'{' {
            return;
        }
        // one more than the limit shows that it is too long
        if self.object.len() <= EVENT_LIMIT {
            self.object.push(byte);
        }
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' => self.quoted = !self.quoted,
            _ if self.quoted => {}
            b'{' => self.depth = self.depth.saturating_add(1),
            b'}' => {
                self.depth -= 1;
                if self.depth == 0 {
                    match event(&self.object) {
                        Some(event) => tally.event(&event),
                        None => tally.damaged(),
                    }
                    self.object.clear();
                }
            }
            _ => {}
        }
    }
}

fn event(object: &[u8]) -> Option<Event> {
    if object.len() > EVENT_LIMIT {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_slice(object).ok()?;
    if let Some(system) = object.get("Event").and_then(|it| it.get("System")) {
        return system_part(system);
    }
    let first = |names: &[&str]| names.iter().find_map(|name| member(&object, name));
    let sources = sources(first(&["ProviderName", "Source", "SourceName"])?.as_str()?.trim());
    let id = number(first(&["Id", "EventID"])?)?;
    let moment = first(&["TimeCreated", "TimeGenerated"]).and_then(moment);
    (!sources.is_empty()).then_some(Event { sources, id, moment })
}

/// `System` of an event that was XML; attributes are members of `#attributes`.
fn system_part(system: &Value) -> Option<Event> {
    let provider = system.get("Provider")?;
    let provider = provider.get("#attributes").unwrap_or(provider);
    let names = ["Name", "EventSourceName"].into_iter().filter_map(|it| provider.get(it)?.as_str());
    let created = system.get("TimeCreated");
    let created = created.and_then(|it| it.get("#attributes").unwrap_or(it).get("SystemTime")?.as_str());
    let id = system.get("EventID")?;
    Some(Event {
        sources: names.map(str::to_owned).collect(),
        id: number(id.get("#text").unwrap_or(id))?,
        moment: created.and_then(date::parse_utc),
    })
}

fn number(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64()?.try_into().ok(),
    }
}

/// A time as text, in the old form of Windows PowerShell, or in an object with either.
fn moment(value: &Value) -> Option<Moment> {
    let text = match value {
        Value::Object(members) => member(members, "value")?.as_str()?,
        other => other.as_str()?,
    };
    date::parse_milliseconds(text).or_else(|| date::parse(text, Order::Unknown))
}
