//! From text to cel's syntax tree, within bounds that keep its parser and everything after it safe.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::IdedExpr;
use cel::common::ast::SourceInfo;
use cel::parser::Parser;

use super::super::diagnostics::Fault;

/// How long an expression may be, in bytes. Longer ones make cel's parser overflow the stack.
pub(super) const MAX_LENGTH: usize = 1_024;

/// A syntax tree and where its nodes stand.
pub(super) struct Parsed<'s> {
    pub(super) source: &'s str,
    pub(super) root: IdedExpr,
    info: SourceInfo,
}

/// Parses an expression. To be called on a thread with a stack of [`super::STACK_SIZE`].
pub(super) fn parse(source: &str) -> Result<Parsed<'_>, Fault> {
    if source.len() > MAX_LENGTH {
        let message = format!("the expression is {} bytes long, more than {MAX_LENGTH}", source.len());
        return Err(Fault::new(0, message).hint("let a fact carry the answer".to_owned()));
    }
    if source.trim().is_empty() {
        return Err(Fault::new(0, "the expression is empty"));
    }
    match catch_unwind(AssertUnwindSafe(|| Parser::default().parse_with_source_info(source))) {
        Ok(Ok((root, info))) => Ok(Parsed { source, root, info }),
        Ok(Err(errors)) => Err(errors.errors.first().map_or_else(
            || Fault::new(0, "syntax error"),
            |error| Fault::new(byte_at(source, error.pos), reworded(&error.msg)),
        )),
        Err(_) => Err(Fault::new(0, "syntax error: the parser gave up")),
    }
}

/// cel names a line from 1 and a column in characters, also from 1.
fn byte_at(source: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(0).saturating_sub(1);
    let column = usize::try_from(column).unwrap_or(0).saturating_sub(1);
    let start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    source[start..].char_indices().nth(column).map_or(source.len(), |(i, _)| start + i)
}

fn reworded(message: &str) -> String {
    if message == "UNKNOWN" {
        return "syntax error: nested too deeply".to_owned();
    }
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    // The list of everything that could have stood there helps nobody.
    let message = message.split(" expecting ").next().unwrap_or(message);
    if message.contains("'<EOF>'") {
        return "syntax error: the expression ends too early".to_owned();
    }
    format!("syntax error: {message}")
}

impl Parsed<'_> {
    /// The byte at which the token of that node starts: a name, a literal, an operator, `.` or `(`.
    fn token(&self, id: u64) -> usize {
        let at = self.info.offset_for(id).map_or(0, |(start, _)| start as usize);
        self.source.char_indices().nth(at).map_or(self.source.len(), |(byte, _)| byte)
    }

    /// The byte at which that node is to be pointed at: of a field or function its name.
    pub(super) fn place(&self, id: u64) -> usize {
        let at = self.token(id);
        match self.source[at..].chars().next() {
            Some('.') => {
                let rest = &self.source[at + 1..];
                at + 1 + (rest.len() - rest.trim_start().len())
            }
            Some('(') => {
                let before = self.source[..at].trim_end();
                before.len() - before.chars().rev().take_while(|c| c.is_alphanumeric() || *c == '_').count()
            }
            _ => at,
        }
    }
}
