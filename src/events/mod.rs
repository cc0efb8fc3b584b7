//! Windows event logs, and which of the known Remote Desktop failures their events tell.
//!
//! ```text
//! .evtx ──────────────────────► evtx ─┐
//! wevtutil /f:xml, saved XML ─► xml  ─┤
//! wevtutil /f:text, copied   ─► text ─┼─► event ─► tally ─► EventLog
//! Event Viewer's CSV          ► csv  ─┤
//! Get-WinEvent's JSON        ─► json ─┘
//! ```
//!
//! The format is told by content, never by a file's name. Logs are tallied while they are read: memory does not grow
//! with the log, and one event of more than 1 MB counts as damaged. What is damaged is counted and what follows it is
//! read.
//!
//! An event counts for a scenario by its source and its id, since ids alone are shared by many sources.

mod csv;
mod date;
mod decode;
mod evtx;
mod json;
mod labels;
mod sniff;
mod tally;
mod text;
mod window;
mod xml;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub use tally::{EventCount, EventLog, EventPair, Scenario, ScenarioCount};

use date::Moment;
use sniff::Format;
use tally::Tally;
use window::Window;

/// Why a file is no event log that can be read.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The file cannot be opened or read to its end.
    #[error("cannot read the event log: {0}")]
    Unreadable(#[from] io::Error),
    /// There is nothing in it.
    #[error("the event log is empty")]
    Empty,
    /// It is something else.
    #[error("not an event log: {looks_like}")]
    NotAnEventLog {
        /// What it looks like instead, as an English phrase: `a zip archive`.
        looks_like: String,
        /// What to do about it.
        hint: &'static str,
    },
}

impl EventsError {
    /// What to do about it, for the `hint:` line.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "name one file that you may read",
            Self::Empty => {
                "wevtutil prints nothing where no event fits its query; to be sure, save the whole log with `wevtutil epl System System.evtx`"
            }
            Self::NotAnEventLog { hint, .. } => hint,
        }
    }
}

/// One event, as far as scenarios need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Event {
    /// The names of its source: the provider's, and those that older programs or Event Viewer give it.
    sources: Vec<String>,
    id: u32,
    moment: Option<Moment>,
}

/// Reads an event log file, see [`read`].
///
/// # Errors
///
/// As [`read`], and when the file cannot be opened.
pub fn read_file(path: &Path, scenarios: &[Scenario]) -> Result<EventLog, EventsError> {
    read(File::open(path)?, scenarios)
}

/// Reads an event log of any format and counts the events of these scenarios.
///
/// Formats: `.evtx`; XML of `wevtutil qe` (any of its options) and of Event Viewer; text of `wevtutil qe /f:text`; what
/// Event Viewer copies and saves in English, French, Chinese and Japanese; `Get-WinEvent` through `Format-List`,
/// `Export-Csv` or `ConvertTo-Json`. Encodings: UTF-8, UTF-16, and the code pages of those languages.
///
/// # Errors
///
/// The input cannot be read, is empty, or is not an event log. A log of which only a part is damaged is no error:
/// see [`EventLog::damaged`].
pub fn read(mut input: impl Read, scenarios: &[Scenario]) -> Result<EventLog, EventsError> {
    let mut head = Vec::new();
    input.by_ref().take(sniff::HEAD).read_to_end(&mut head)?;
    let mut tally = Tally::new(scenarios);
    let charset = match sniff::binary(&head)? {
        Format::Evtx => {
            evtx::read(head.as_slice().chain(input), &mut tally)?;
            return Ok(tally.finish());
        }
        Format::Text(charset) => charset,
    };
    let start = charset.decode_start(&head);
    let decoded = charset.decode(head.as_slice().chain(input));
    let mut window = Window::new(decoded);
    match sniff::text(&start) {
        sniff::Text::Xml => xml::read(&mut window, &mut tally)?,
        sniff::Text::Json => json::read(&mut window, &mut tally)?,
        sniff::Text::Csv => csv::read(&mut window, &mut tally)?,
        sniff::Text::Labels => text::read(&mut window, &mut tally)?,
    }
    match tally.saw_anything() || sniff::may_be_empty(&start) {
        true => Ok(tally.finish()),
        false => Err(sniff::not_a_log(&start)),
    }
}
