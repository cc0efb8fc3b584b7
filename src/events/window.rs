//! The part of a text that is looked at, however long the text is.

use std::io::{self, ErrorKind, Read};

/// No real event comes near: an event has at most 64 KB in its log.
pub(super) const EVENT_LIMIT: usize = 1 << 20;

const STEP: usize = 64 << 10;

/// A bounded view that moves over UTF-8 text.
pub(super) struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    /// How many bytes were consumed.
    position: u64,
    /// No line ends before this position.
    no_break: u64,
    /// Up to here, comments and the like are not believed, see [`super::xml`].
    pub distrust: u64,
}

/// What [`Window::line`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// With its line break.
    pub len: usize,
    /// Whether it ends there, or the window was full before it ended.
    pub whole: bool,
}

impl<R: Read> Window<R> {
    pub fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), start: 0, ended: false, position: 0, no_break: 0, distrust: 0 }
    }

    pub fn data(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn consume(&mut self, len: usize) {
        let len = len.min(self.data().len());
        self.start += len;
        self.position += len as u64;
    }

    /// Lengthens the view. False when the input has ended or the view has [`EVENT_LIMIT`] bytes.
    pub fn more(&mut self) -> io::Result<bool> {
        let seen = self.data().len();
        if self.ended || seen >= EVENT_LIMIT {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        // as much again, so that what is searched once more for each step is searched twice in all
        self.buffer.resize(seen + seen.clamp(STEP, EVENT_LIMIT), 0);
        let read = loop {
            match self.input.read(&mut self.buffer[seen..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(seen + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        Ok(!self.ended)
    }

    /// The next line; none at the end.
    pub fn line(&mut self) -> io::Result<Option<Line>> {
        loop {
            // what is in front of a line's end may be taken bit by bit
            let data = self.data();
            let searched = self.no_break.saturating_sub(self.position).min(data.len() as u64) as usize;
            let found = memchr::memchr(b'\n', &data[searched..]);
            let end = found.map_or(data.len(), |at| searched + at);
            self.no_break = self.position + end as u64;
            if found.is_some() {
                return Ok(Some(Line { len: end + 1, whole: true }));
            }
            if !self.more()? {
                return Ok((end > 0).then_some(Line { len: end, whole: self.ended }));
            }
        }
    }

    /// Passes over everything up to the next line.
    pub fn skip_line(&mut self) -> io::Result<()> {
        while let Some(line) = self.line()? {
            self.consume(line.len);
            if line.whole {
                break;
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_end() {
        let mut window = Window::new(&b"one\r\n\nlast"[..]);
        let mut lines = Vec::new();
        while let Some(line) = window.line().unwrap() {
            lines.push((String::from_utf8_lossy(&window.data()[..line.len]).into_owned(), line.whole));
            window.consume(line.len);
        }
        assert_eq!(lines, [("one\r\n".into(), true), ("\n".into(), true), ("last".into(), true)]);
        assert_eq!(window.position(), 10);
    }

    #[test]
    fn a_line_without_end_is_seen_in_part_and_passed_over() {
        let long = io::repeat(b'x').take(300 << 20).chain(&b"\nnext\n"[..]);
        let mut window = Window::new(long);
        let line = window.line().unwrap().unwrap();
        assert!(!line.whole && line.len >= EVENT_LIMIT);
        window.skip_line().unwrap();
        let line = window.line().unwrap().unwrap();
        assert_eq!(&window.data()[..line.len], b"next\n");
        assert!(window.capacity() <= 4 * EVENT_LIMIT, "{}", window.capacity());
    }
}
