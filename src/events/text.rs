//! Events as lines with labels: of `wevtutil qe /f:text`, and what people copy from Event Viewer and PowerShell.
//!
//! A description may hold anything, lines that look like labels too. wevtutil numbers its events, so nothing else begins
//! one there. In copied text an event begins where all of the labels stand that an event has.

use std::io::Read;

use memchr::memmem;

use super::date::{self, Moment, Order};
use super::labels::{self, Label};
use super::tally::Tally;
use super::window::Window;
use super::{Event, EventsError, xml};

/// Longer lines have no label.
const LABELLED: usize = 4096;

/// Reads all events.
pub(super) fn read<R: Read>(window: &mut Window<R>, tally: &mut Tally) -> Result<(), EventsError> {
    let mut state = State { tally, block: None, next: None, describes: false };
    while let Some(line) = window.line()? {
        let bytes = &window.data()[..line.len];
        if let Some(at) = state.xml_at(bytes) {
            window.consume(at);
            let event = xml::take(window)?;
            state.xml(event);
            continue;
        }
        let ends = bytes.ends_with(b"\n");
        let text = String::from_utf8_lossy(&bytes[..line.len.min(LABELLED)]);
        state.line(&text, ends);
        window.consume(line.len);
        if !line.whole {
            window.skip_line()?;
            state.too_long();
        }
    }
    state.end();
    Ok(())
}

struct State<'t, 's> {
    tally: &'t mut Tally<'s>,
    /// The event that is being read.
    block: Option<Block>,
    /// Labels within a description: of the next event, or of nothing.
    next: Option<Block>,
    /// Whether the lines are those of a description.
    describes: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Style {
    /// Event Viewer, PowerShell.
    #[default]
    Labels,
    Wevtutil,
    /// The friendly view of the Details tab, which is English everywhere.
    Details,
}

/// What is known of an event.
#[derive(Debug, Default)]
struct Block {
    style: Style,
    log: bool,
    sources: Vec<String>,
    /// The inner None: it is no number.
    id: Option<Option<u32>>,
    date: Option<String>,
    order: Order,
    labels: u32,
    /// The same event follows as XML.
    xml: bool,
}

impl State<'_, '_> {
    fn line(&mut self, line: &str, ends: bool) {
        // mails and tickets quote with `>`
        let mut line = line.trim_end().trim_start_matches('\u{feff}');
        while let Some(quoted) = line.strip_prefix('>') {
            line = quoted.strip_prefix(' ').unwrap_or(quoted);
        }
        if is_numbered(line) {
            self.flush();
            self.block = Some(Block { style: Style::Wevtutil, ..Block::default() });
            return;
        }
        let style = self.block.as_ref().map_or(Style::Labels, |it| it.style);
        if matches!(line.trim_start(), "+ System" | "- System") && (!self.describes || style == Style::Details) {
            self.flush();
            self.block = Some(Block { style: Style::Details, ..Block::default() });
            return;
        }
        match &mut self.block {
            Some(block) if style == Style::Wevtutil && !self.describes => self.describes = block.wevtutil(line, ends),
            Some(_) if style == Style::Wevtutil => {}
            Some(block) if style == Style::Details && !self.describes => self.describes = block.details(line),
            _ => self.labels(line, ends),
        }
    }

    fn labels(&mut self, line: &str, ends: bool) {
        // the columns of PowerShell's lists, in which long values go on, are wide
        let indented = line.starts_with("        ");
        let Some((known, value)) = labels::split(line).filter(|_| !indented) else {
            // the last line may be a label that was cut
            if ends && !line.trim().is_empty() {
                self.next = None;
            }
            return;
        };
        match known.label {
            Label::Xml => {
                if let Some(block) = &mut self.block {
                    block.xml = true;
                }
            }
            Label::Description => {
                self.describes = self.block.is_some();
                self.next = None;
            }
            label if self.describes => {
                let mut next = self.next.take().filter(|it| !it.has(label)).unwrap_or_default();
                next.set(label, value, known.order);
                if next.complete() && (next.log || next.date.is_some()) {
                    self.flush();
                    self.block = Some(next);
                } else {
                    self.next = Some(next);
                }
            }
            label => {
                if self.block.as_ref().is_some_and(|it| it.has(label)) {
                    self.flush();
                }
                if label != Label::Other || self.block.is_some() {
                    self.block.get_or_insert_default().set(label, value, known.order);
                }
            }
        }
    }

    /// Where an event as XML starts in a line, if one does.
    fn xml_at(&self, line: &[u8]) -> Option<usize> {
        let at = memmem::find(line, b"<Event")?;
        let tag = line.get(at + 6).is_none_or(|it| it.is_ascii_whitespace() || matches!(it, b'>' | b'/'));
        let before = std::str::from_utf8(line.get(..at)?).ok()?;
        // the XML view of the Details tab has signs to fold elements
        let alone = before.chars().all(|c| c.is_whitespace() || matches!(c, '-' | '+' | '>' | '\u{feff}'));
        let labelled = || labels::split(before).is_some_and(|(known, _)| known.label == Label::Xml);
        let numbered = self.block.as_ref().is_some_and(|it| it.style == Style::Wevtutil);
        (tag && !numbered && (alone || labelled())).then_some(at)
    }

    /// An event as XML: the one that was just read as text, or another one.
    fn xml(&mut self, event: Option<Event>) {
        let block = self.block.take();
        let same = |block: &Block| block.xml || event.as_ref().is_some_and(|event| block.is(event));
        match (block, &event) {
            (Some(block), Some(_)) if same(&block) => {}
            (Some(block), None) if block.xml && block.complete() => {
                self.block = Some(block);
                return self.flush();
            }
            (block, _) => {
                self.block = block;
                self.flush();
            }
        }
        self.describes = false;
        self.next = None;
        match event {
            Some(event) => self.tally.event(&event),
            None => self.tally.damaged(),
        }
    }

    /// A line that is longer than any event.
    fn too_long(&mut self) {
        if self.block.is_some() {
            self.tally.damaged();
        }
    }

    /// Ends the event that is being read.
    fn flush(&mut self) {
        self.describes = false;
        self.next = None;
        if let Some(block) = self.block.take() {
            let like_an_event = block.style != Style::Labels || block.like_an_event();
            match block.event() {
                Some(event) => self.tally.event(&event),
                None if like_an_event => self.tally.damaged(),
                None => {}
            }
        }
    }

    fn end(&mut self) {
        let cut = self.next.take().is_some_and(|it| it.like_an_event());
        self.flush();
        if cut {
            self.tally.damaged();
        }
    }
}

impl Block {
    /// A line above the description. Whether the description starts.
    fn wevtutil(&mut self, line: &str, ends: bool) -> bool {
        match labels::split(line) {
            Some((known, _)) if known.label == Label::Description => return true,
            // the file ends here, perhaps within the number
            Some((known, _)) if known.label == Label::Id && !ends => self.id = Some(None),
            Some((known, value)) if !self.has(known.label) => self.set(known.label, value, known.order),
            _ => {}
        }
        false
    }

    /// A line of the friendly view. Whether the system's part ends.
    fn details(&mut self, line: &str) -> bool {
        let line = line.trim_start().trim_start_matches(['+', '-']).trim();
        if let Some((name, value)) = line.strip_prefix('[').and_then(|it| it.split_once(']')) {
            match name.trim() {
                "Name" | "EventSourceName" => self.sources.push(value.trim().to_owned()),
                "SystemTime" => self.date = Some(format!("{} UTC", value.trim().trim_end_matches('Z'))),
                _ => {}
            }
        } else if let Some(id) = line.strip_prefix("EventID") {
            self.id = Some(id.trim().parse().ok());
        }
        matches!(line, "EventData" | "UserData")
    }

    fn has(&self, label: Label) -> bool {
        match label {
            Label::Log => self.log,
            Label::Source => !self.sources.is_empty(),
            Label::Date => self.date.is_some(),
            Label::Id => self.id.is_some(),
            Label::Description | Label::Xml | Label::Other => false,
        }
    }

    fn set(&mut self, label: Label, value: &str, order: Order) {
        self.labels += 1;
        if order != Order::Unknown {
            self.order = order;
        }
        match label {
            Label::Log => self.log = true,
            Label::Source => self.sources = sources(value),
            Label::Date => self.date = Some(value.to_owned()),
            Label::Id => self.id = Some(value.parse().ok()),
            Label::Description | Label::Xml | Label::Other => {}
        }
    }

    fn complete(&self) -> bool {
        !self.sources.is_empty() && matches!(self.id, Some(Some(_)))
    }

    /// Whether this is more than a word with a colon in some text.
    fn like_an_event(&self) -> bool {
        self.labels > 1 && (self.log || self.id.is_some())
    }

    fn is(&self, event: &Event) -> bool {
        let short = |name: &str| name.to_ascii_lowercase().trim_start_matches("microsoft-windows-").to_owned();
        let same = |one: &String| event.sources.iter().any(|other| short(one) == short(other));
        self.id == Some(Some(event.id)) && self.sources.iter().any(same)
    }

    fn event(self) -> Option<Event> {
        let moment: Option<Moment> = self.date.and_then(|it| date::parse(&it, self.order));
        let id = self.id??;
        (!self.sources.is_empty()).then_some(Event { sources: self.sources, id, moment })
    }
}

/// `Event[0]:` of Windows 7, `Event[0]` of Windows 10.
fn is_numbered(line: &str) -> bool {
    let number = line.strip_prefix("Event[").map(|it| it.trim_end_matches(':')).and_then(|it| it.strip_suffix(']'));
    number.is_some_and(|it| !it.is_empty() && it.bytes().all(|digit| digit.is_ascii_digit()))
}

/// The names in `GroupPolicy (Microsoft-Windows-GroupPolicy)`, as newer versions of Event Viewer show a source.
pub(super) fn sources(value: &str) -> Vec<String> {
    let parts = value.strip_suffix(')').and_then(|it| it.split_once('('));
    let (short, long) = parts.map_or(("", ""), |(short, long)| (short.trim(), long.trim()));
    [value, short, long].into_iter().filter(|it| !it.is_empty()).map(str::to_owned).collect()
}
