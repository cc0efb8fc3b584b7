//! Lines and columns of a text that passes through a buffer.

/// A place in a text: line and byte of the line, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Place {
    /// Where a text starts.
    pub(super) const START: Self = Self { line: 1, column: 1 };

    /// The place behind that text.
    pub(super) fn after(self, text: &[u8]) -> Self {
        let line = self.line + memchr::memchr_iter(b'\n', text).count() as u64;
        let column = match memchr::memrchr(b'\n', text) {
            Some(last) => (text.len() - last) as u64,
            None => self.column + text.len() as u64,
        };
        Self { line, column }
    }
}

/// Finds the places of positions in a buffer, each counted from the one before: they are asked for in rising order.
#[derive(Debug)]
pub(super) struct Places {
    /// Where the buffer starts.
    start: Place,
    /// The last answer.
    last: (usize, Place),
}

impl Places {
    /// Of a buffer that starts with its text.
    pub(super) fn new() -> Self {
        Self { start: Place::START, last: (0, Place::START) }
    }

    /// The place of a position in the buffer.
    pub(super) fn of(&mut self, buffer: &[u8], at: usize) -> Place {
        let at = at.min(buffer.len());
        if at < self.last.0 {
            self.last = (0, self.start);
        }
        let (from, place) = self.last;
        self.last = (at, place.after(&buffer[from..at]));
        self.last.1
    }

    /// The buffer now starts where this text ended.
    pub(super) fn cut(&mut self, text: &[u8]) {
        self.start = self.of(text, text.len());
        self.last = (0, self.start);
    }
}
