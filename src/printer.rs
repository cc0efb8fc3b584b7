//! Where words go: data to stdout, talk to stderr. Quiet, verbose, colour and width are decided here, once.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use crate::error::Failure;
use crate::report::text::{visible, visible_lines};
use crate::source::Gap;

/// Columns where nothing tells how many there are.
const WIDTH: u16 = 100;

/// How much talk goes to stderr. Errors always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// `-q`: errors only.
    Quiet,
    /// Warnings and gaps too.
    Normal,
    /// `-v`: also what is being done, and how often Azure was asked.
    Verbose,
    /// `-vv`: everything.
    Debug,
}

/// The two streams of a run.
#[derive(Clone, Debug)]
pub struct Printer {
    talk: Talk,
    color: bool,
    color_of_talk: bool,
    width: u16,
    progress: bool,
}

impl Printer {
    /// The printer for this process: looks at its terminal and environment.
    pub fn new(quiet: bool, verbose: u8, no_color: bool) -> Self {
        let talk = match (quiet, verbose) {
            (true, _) => Talk::Quiet,
            (false, 0) => Talk::Normal,
            (false, 1) => Talk::Verbose,
            (false, _) => Talk::Debug,
        };
        let allowed = !no_color && may_colour(env::var_os("NO_COLOR"), env::var_os("TERM"));
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        // comfy-table asks the terminal for its size.
        let terminal = if out { comfy_table::Table::new().width() } else { None };
        Self {
            talk,
            color: allowed && out,
            color_of_talk: allowed && err,
            width: columns(terminal, env::var_os("COLUMNS").as_deref()),
            progress: err && talk >= Talk::Normal,
        }
    }

    /// With `-vv`, tells on stderr what the live source does: each request, without its query and without tokens.
    pub fn trace(&self) {
        use tracing_subscriber::filter::{LevelFilter, Targets};
        use tracing_subscriber::prelude::*;
        if self.talk < Talk::Debug {
            return;
        }
        // Of this crate alone: what others log is not ours to vouch for.
        let ours = Targets::new().with_target(env!("CARGO_PKG_NAME"), LevelFilter::DEBUG);
        let lines =
            tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(self.color_of_talk).without_time();
        // A second subscriber in one process is refused, and the first one stays.
        let _ = tracing_subscriber::registry().with(lines.with_filter(ours)).try_init();
    }

    /// Whether results on stdout may be coloured.
    pub fn color(&self) -> bool {
        self.color
    }

    /// How many columns results on stdout have.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether progress may be shown on stderr: it is a terminal, and nobody asked for quiet.
    pub fn progress(&self) -> bool {
        self.progress
    }

    /// How much talk was asked for.
    pub fn talk(&self) -> Talk {
        self.talk
    }

    /// Writes a document to standard output, which is for results and nothing else.
    ///
    /// # Errors
    ///
    /// It cannot be written. A broken pipe is no error: whoever read it has seen enough.
    pub fn print(&self, document: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        match document(&mut out).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|error| Failure::new(format!("cannot write to standard output: {error}"))),
        }
    }

    /// An error, `error: …` with its `hint:` line. Shown even when quiet.
    pub fn error(&self, message: impl Display) {
        self.say(Talk::Quiet, "error", "1;31", message);
    }

    /// A warning, one line: the run goes on.
    pub fn warning(&self, message: impl Display) {
        self.say(Talk::Normal, "warning", "1;33", visible(&message.to_string()));
    }

    /// Something that could not be read. Shown even when quiet, since it changes what the results are worth.
    pub fn gap(&self, gap: &Gap) {
        self.say(Talk::Quiet, "gap", "1;31", gap_line(gap));
    }

    /// What is being done, for `-v`.
    pub fn detail(&self, message: impl Display) {
        self.say(Talk::Verbose, "info", "2", message);
    }

    fn say(&self, from: Talk, word: &str, code: &str, message: impl Display) {
        if self.talk < from {
            return;
        }
        let message = visible_lines(&message.to_string());
        // Nobody is left to be told that stderr is closed.
        let _ = match self.color_of_talk {
            true => writeln!(io::stderr(), "\x1b[{code}m{word}:\x1b[0m {message}"),
            false => writeln!(io::stderr(), "{word}: {message}"),
        };
    }
}

/// One line: a gap's text comes from files and from Azure, so its line breaks are written out.
fn gap_line(gap: &Gap) -> String {
    let Gap { scope, what, reason, detail } = gap;
    let line = format!("{scope}: {what}: {reason}{}{detail}", if detail.is_empty() { "" } else { ": " });
    visible(&line).into_owned()
}

/// Whether colour is allowed at all: `NO_COLOR` is empty or absent (no-color.org), and the terminal is no dumb one.
fn may_colour(no_color: Option<OsString>, term: Option<OsString>) -> bool {
    no_color.is_none_or(|value| value.is_empty()) && term.is_none_or(|term| term != "dumb")
}

/// The terminal's width, else what `COLUMNS` says, else [`WIDTH`].
fn columns(terminal: Option<u16>, variable: Option<&OsStr>) -> u16 {
    let variable = variable.and_then(|text| text.to_str()?.trim().parse().ok());
    terminal.or(variable).filter(|&width| width > 0).unwrap_or(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Reason;

    #[test]
    fn no_color_counts_when_it_says_something() {
        assert!(may_colour(None, None));
        assert!(may_colour(Some("".into()), Some("xterm".into())));
        assert!(!may_colour(Some("0".into()), Some("xterm".into())));
        assert!(!may_colour(None, Some("dumb".into())));
    }

    #[test]
    fn the_terminal_knows_its_width_best() {
        assert_eq!(columns(Some(120), Some(OsStr::new("80"))), 120);
        assert_eq!(columns(None, Some(OsStr::new("80"))), 80);
        for nonsense in ["", "0", "wide", "99999"] {
            assert_eq!(columns(None, Some(OsStr::new(nonsense))), WIDTH, "{nonsense}");
        }
    }

    #[test]
    fn a_gap_is_one_line() {
        let mut gap = Gap {
            scope: "a.json".to_owned(),
            what: "file".to_owned(),
            reason: Reason::Damaged,
            detail: "line 3\nerror: all is well".to_owned(),
        };
        assert_eq!(gap_line(&gap), r"a.json: file: damaged: line 3\nerror: all is well");
        gap.detail.clear();
        assert_eq!(gap_line(&gap), "a.json: file: damaged");
    }
}
