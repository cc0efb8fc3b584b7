//! Events as XML: of `wevtutil qe /f:xml` with or without a root, of Event Viewer, and of each record of an `.evtx`.
//!
//! A scanner finds where each event ends and gives up on one that is damaged or too long; quick-xml reads the rest.
//! That way a damaged event never takes the next one with it: `<Event` begins an event wherever it stands, apart from
//! comments and CDATA sections that end.

use std::io::{self, Read};

use memchr::{memchr, memmem};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event as Token};
use quick_xml::reader::Reader;

use super::date;
use super::tally::Tally;
use super::window::Window;
use super::{Event, EventsError};

/// Reads all events, whatever stands between them.
pub(super) fn read<R: Read>(window: &mut Window<R>, tally: &mut Tally) -> Result<(), EventsError> {
    while seek(window, tally)? {
        match take(window)? {
            Some(event) => tally.event(&event),
            None => tally.damaged(),
        }
    }
    Ok(())
}

/// Moves on to the next event's start. False when there is none.
fn seek<R: Read>(window: &mut Window<R>, tally: &mut Tally) -> io::Result<bool> {
    loop {
        let Some(at) = memchr(b'<', window.data()) else {
            window.consume(window.data().len());
            match window.more()? {
                true => continue,
                false => return Ok(false),
            }
        };
        window.consume(at);
        let (next, whole) = match markup(window.data(), 0, believes(window, 0)) {
            Markup::Start => return Ok(true),
            Markup::Other(next) | Markup::End(next) | Markup::Empty(next) => (next, true),
            Markup::Broken(next) => (next, false),
            Markup::Unfinished if window.more()? => continue,
            Markup::Unfinished => {
                disbelieve(window);
                (1, false)
            }
        };
        if !whole && begins_event(window.data()) {
            tally.damaged();
        }
        window.consume(next);
    }
}

/// Whether a tag without end is that of an event, or the file ends before it is another one.
fn begins_event(data: &[u8]) -> bool {
    match data.strip_prefix(b"<Event") {
        Some(rest) => rest.first().is_none_or(|it| it.is_ascii_whitespace() || *it == b'<'),
        None => b"<Event".starts_with(data),
    }
}

/// Takes the event that starts here. None when it is damaged; what it left is behind the window then.
pub(super) fn take<R: Read>(window: &mut Window<R>) -> io::Result<Option<Event>> {
    let mut at = 0;
    loop {
        let Some(found) = memchr(b'<', &window.data()[at..]) else {
            at = window.data().len();
            if !window.more()? {
                window.consume(at);
                return Ok(None);
            }
            continue;
        };
        at += found;
        let next = match markup(window.data(), at, believes(window, at)) {
            Markup::End(next) => {
                let event = parse(&String::from_utf8_lossy(&window.data()[..next]));
                window.consume(next);
                return Ok(event);
            }
            Markup::Empty(next) if at == 0 => {
                window.consume(next);
                return Ok(None);
            }
            Markup::Start if at == 0 => 1,
            // the end of this event is missing
            Markup::Start | Markup::Empty(_) => {
                window.consume(at);
                return Ok(None);
            }
            Markup::Broken(next) => {
                window.consume(next);
                return Ok(None);
            }
            Markup::Other(next) => next,
            Markup::Unfinished => {
                if !window.more()? {
                    let lost = memmem::find_iter(&window.data()[at + 1..], b"<").map(|it| at + 1 + it);
                    let next = lost.into_iter().find(|&it| matches!(markup(window.data(), it, false), Markup::Start));
                    disbelieve(window);
                    window.consume(next.unwrap_or(window.data().len()));
                    return Ok(None);
                }
                continue;
            }
        };
        at = at.max(next);
    }
}

/// Whether a comment or CDATA section that starts here may hide events.
fn believes<R: Read>(window: &Window<R>, at: usize) -> bool {
    window.position() + at as u64 >= window.distrust
}

/// One that starts in here has no end in here: it shall be searched for no second time.
fn disbelieve<R: Read>(window: &mut Window<R>) {
    window.distrust = window.position() + window.data().len() as u64;
}

/// What starts with a `<`, and where it ends.
#[derive(Debug, PartialEq, Eq)]
enum Markup {
    /// `<Event …>`
    Start,
    /// `<Event …/>`
    Empty(usize),
    /// `</Event>`
    End(usize),
    /// Another tag, a comment, a CDATA section, an instruction.
    Other(usize),
    /// A tag with a `<` in it, which is here.
    Broken(usize),
    /// Its end is not in the data.
    Unfinished,
}

fn markup(data: &[u8], at: usize, believes: bool) -> Markup {
    let rest = &data[at..];
    let up_to = |end: &[u8]| match memmem::find(rest, end) {
        Some(found) => Markup::Other(at + found + end.len()),
        None => Markup::Unfinished,
    };
    match rest {
        [b'<', b'!' | b'?', ..] if !believes => return Markup::Other(at + 2),
        [b'<', b'?', ..] => return up_to(b"?>"),
        [b'<', b'!', kind, ..] if rest.len() >= 9 || *kind == b'-' => {
            return match rest {
                _ if rest.starts_with(b"<!--") => up_to(b"-->"),
                _ if rest.starts_with(b"<![CDATA[") => up_to(b"]]>"),
                _ => up_to(b">"),
            };
        }
        [b'<', b'!', ..] => return Markup::Unfinished,
        _ => {}
    }
    let mut quote = None;
    for (i, &byte) in rest.iter().enumerate().skip(1) {
        match byte {
            b'<' => return Markup::Broken(at + i),
            b'>' if quote.is_none() => return tag(&rest[..i], at + i + 1),
            b'"' | b'\'' if quote.is_none() => quote = Some(byte),
            _ if quote == Some(byte) => quote = None,
            _ => {}
        }
    }
    Markup::Unfinished
}

/// The tag of which this is all but the `>`.
fn tag(tag: &[u8], end: usize) -> Markup {
    let closes = tag.get(1) == Some(&b'/');
    let name = &tag[1 + usize::from(closes)..];
    let name = name.split(|it| it.is_ascii_whitespace() || *it == b'/').next().unwrap_or_default();
    let local = name.rsplit(|it| *it == b':').next().unwrap_or_default();
    match local == b"Event" {
        false => Markup::Other(end),
        true if closes => Markup::End(end),
        true if tag.ends_with(b"/") => Markup::Empty(end),
        true => Markup::Start,
    }
}

/// Reads one `<Event>` element. None when it is not well-formed or lacks its source or id.
pub(super) fn parse(xml: &str) -> Option<Event> {
    let mut reader = Reader::from_str(xml);
    let mut event = Event::default();
    let (mut has_provider, mut id) = (false, None);
    let mut depth = 0_usize;
    // whether the element at depth 2 is System, and the one at depth 3 its EventID
    let (mut in_system, mut in_id) = (false, false);
    loop {
        let token = reader.read_event().ok()?;
        match &token {
            Token::Start(start) | Token::Empty(start) => {
                let empty = matches!(token, Token::Empty(_));
                let local = start.local_name();
                match (depth, local.as_ref()) {
                    (1, name) if !empty => in_system = name == "System",
                    (2, "EventID") if in_system && !empty => {
                        in_id = true;
                        id = Some(String::new());
                    }
                    (2, "Provider") if in_system => {
                        has_provider = true;
                        for name in ["Name", "EventSourceName"] {
                            event.sources.extend(attribute(start, name)?.filter(|it| !it.is_empty()));
                        }
                    }
                    (2, "TimeCreated") if in_system => {
                        event.moment = attribute(start, "SystemTime")?.and_then(|it| date::parse_utc(&it));
                    }
                    _ => {}
                }
                depth += usize::from(!empty);
            }
            Token::End(_) => {
                depth = depth.checked_sub(1)?;
                in_id &= depth > 2;
                in_system &= depth > 1;
            }
            Token::Text(text) if in_id => id.as_mut()?.push_str(&text.xml10_content()),
            Token::CData(text) if in_id => id.as_mut()?.push_str(&text.xml10_content()),
            Token::GeneralRef(entity) if in_id => id.as_mut()?.push(entity.resolve_char_ref().ok()??),
            Token::Eof => break,
            _ => {}
        }
    }
    event.id = id?.trim().parse().ok()?;
    (has_provider && depth == 0).then_some(event)
}

/// An attribute's value, if there is one. The outer None: the attributes are not well-formed.
#[expect(clippy::option_option, reason = "absent and damaged are two things")]
fn attribute(start: &BytesStart, name: &str) -> Option<Option<String>> {
    let mut value = None;
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        if attribute.key.local_name().as_ref() == name {
            value = Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned());
        }
    }
    Some(value)
}

/// The name of the first element.
pub(super) fn root(text: &str) -> Option<&str> {
    let mut rest = text.trim_start().strip_prefix('<')?;
    while let Some(other) = rest.strip_prefix(['?', '!']) {
        let end = if other.starts_with("--") { "-->" } else { ">" };
        rest = other.split_once(end)?.1.trim_start().strip_prefix('<')?;
    }
    let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next()?;
    name.rsplit(':').next().filter(|it| !it.is_empty())
}
