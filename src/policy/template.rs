//! Text with values in it: `{{ EXPR }}` in messages and commands.

use std::borrow::Cow;
use std::ops::Range;

use super::diagnostics::Fault;
use super::expression::{Code, Compiled, Frame, Read, Scope, Stop, Ty, compile};
use crate::facts::command::shell_quote;
use crate::facts::schema::Value;

/// A piece of a template.
#[derive(Clone, Debug)]
enum Piece {
    Text(Box<str>),
    Value(Code),
}

/// A text with values in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Template(Vec<Piece>);

/// An entry of `remediation.commands`.
#[derive(Clone, Debug)]
pub(super) enum CommandTemplate {
    /// Text with values, each quoted as one word.
    Line(Template),
    /// A command, or several, that the facts made.
    Ready(Code),
}

/// A checked template, with the positions of the parameters that it uses and the facts that it reads.
pub(super) struct Checked<T> {
    pub(super) template: T,
    pub(super) params: Vec<usize>,
    pub(super) reads: Vec<Read>,
}

/// What stands in a template: text, or the bytes of an expression.
enum Part<'t> {
    Text(&'t str),
    Expression(Range<usize>),
}

/// Takes a template apart.
fn parts(text: &str) -> Result<Vec<Part<'_>>, Fault> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{") {
        let start = at + open + 2;
        let Some(length) = closing(&text[start..]) else {
            return Err(Fault::new(start - 2, "`{{` without `}}`").hint("write `{{ EXPRESSION }}`".to_owned()));
        };
        if start - 2 > at {
            parts.push(Part::Text(&text[at..start - 2]));
        }
        parts.push(Part::Expression(start..start + length));
        at = start + length + 2;
    }
    if at < text.len() {
        parts.push(Part::Text(&text[at..]));
    }
    Ok(parts)
}

/// Where the first `}}` outside of a string literal stands.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if text[i..].starts_with("}}") => return Some(i),
            None => {}
        }
    }
    None
}

/// Checks the expression at those bytes of the text.
fn expression(text: &str, range: &Range<usize>, scope: Scope<'_>) -> Result<Compiled, Vec<Fault>> {
    compile(&text[range.clone()], scope)
        .map_err(|faults| faults.into_iter().map(|fault| Fault { at: fault.at + range.start, ..fault }).collect())
}

fn first_word(text: &str, range: &Range<usize>) -> usize {
    range.start + (text[range.clone()].len() - text[range.clone()].trim_start().len())
}

/// Whether a value of that type can stand in a text.
fn printable(ty: &Ty) -> bool {
    match ty {
        Ty::Any | Ty::Json | Ty::Null | Ty::Bool | Ty::Int | Ty::Double | Ty::String | Ty::Enum(_) => true,
        Ty::Nullable(inner) => printable(inner),
        Ty::List(item) => !matches!(**item, Ty::List(_)) && printable(item),
        Ty::Command | Ty::Record(_) => false,
    }
}

impl Template {
    /// Checks a template. Faults carry the byte of `text` at which they stand.
    pub(super) fn check(text: &str, scope: Scope<'_>) -> Result<Checked<Self>, Vec<Fault>> {
        let mut faults = Vec::new();
        let (mut pieces, mut params, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts(text).map_err(|fault| vec![fault])? {
            let range = match part {
                Part::Text(text) => {
                    pieces.push(Piece::Text(text.into()));
                    continue;
                }
                Part::Expression(range) => range,
            };
            match expression(text, &range, scope) {
                Ok(compiled) if printable(&compiled.ty) => {
                    params.extend(compiled.params);
                    reads.extend(compiled.reads);
                    pieces.push(Piece::Value(compiled.code));
                }
                Ok(compiled) => {
                    let message = format!("a value of type {} cannot stand in a text", compiled.ty);
                    faults.push(Fault::new(first_word(text, &range), message));
                }
                Err(new) => faults.extend(new),
            }
        }
        if faults.is_empty() { Ok(Checked { template: Self(pieces), params, reads }) } else { Err(faults) }
    }

    /// The text for people: `none` for null, `(not read)` for what was not read.
    pub(super) fn render<'f>(&'f self, frame: &mut Frame<'f>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(code) => {
                    frame.restart();
                    match code.eval(frame) {
                        Ok(value) => out.push_str(&shown(&value)),
                        Err(Stop::Unread(_)) => out.push_str("(not read)"),
                        Err(Stop::Error(_)) => out.push_str("(not known)"),
                    }
                }
            }
        }
        out
    }

    /// The command, each value quoted as one word and each element of a list as a word of its own; `None`: a
    /// value is missing.
    fn command<'f>(&'f self, frame: &mut Frame<'f>) -> Option<String> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(code) => {
                    frame.restart();
                    out.push_str(&words(&code.eval(frame).ok()?)?);
                }
            }
        }
        Some(out)
    }
}

impl CommandTemplate {
    /// Checks an entry of `remediation.commands`.
    pub(super) fn check(text: &str, scope: Scope<'_>) -> Result<Checked<Self>, Vec<Fault>> {
        let parsed = parts(text).map_err(|fault| vec![fault])?;
        if let [Part::Expression(range)] = &parsed[..] {
            let Compiled { code, ty, params, reads, .. } = expression(text, range, scope)?;
            let single = match ty.inner() {
                Ty::List(item) => item.inner(),
                single => single,
            };
            if *single != Ty::Command {
                let fault = Fault::new(first_word(text, range), format!("a value of type {ty} is no command"));
                return Err(vec![fault.hint("write the command around it: `az … {{ … }}`".to_owned())]);
            }
            return Ok(Checked { template: Self::Ready(code), params, reads });
        }
        if let Some(at) = inside_quotes(&parsed) {
            let hint = "leave the quotes out: each value becomes one quoted word".to_owned();
            return Err(vec![Fault::new(at, "a value within quotes").hint(hint)]);
        }
        let Checked { template, params, reads } = Template::check(text, scope)?;
        Ok(Checked { template: Self::Line(template), params, reads })
    }

    /// Appends the commands, unless a value in them is missing.
    pub(super) fn render<'f>(&'f self, frame: &mut Frame<'f>, commands: &mut Vec<String>) {
        match self {
            Self::Line(template) => commands.extend(template.command(frame)),
            Self::Ready(code) => {
                frame.restart();
                match code.eval(frame) {
                    Ok(Value::String(command)) => commands.push(command.into_owned()),
                    Ok(Value::List(list)) => commands.extend(list.into_iter().filter_map(|command| match command {
                        Value::String(command) => Some(command.into_owned()),
                        _ => None,
                    })),
                    _ => {}
                }
            }
        }
    }
}

/// The first value that stands between quotes: quoting it again would break the word apart.
fn inside_quotes(parts: &[Part<'_>]) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for part in parts {
        match part {
            Part::Text(text) => {
                for c in text.chars() {
                    match quote {
                        _ if escaped => escaped = false,
                        None | Some('"') if c == '\\' => escaped = true,
                        Some(open) if c == open => quote = None,
                        None if c == '"' || c == '\'' => quote = Some(c),
                        _ => {}
                    }
                }
            }
            Part::Expression(range) if quote.is_some() => return Some(range.start - 2),
            Part::Expression(_) => {}
        }
    }
    None
}

/// A value in a sentence.
fn shown<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::Null => Cow::Borrowed("none"),
        Value::String(text) => Cow::Borrowed(text),
        Value::Double(d) => Cow::Owned(double(*d)),
        Value::Bool(b) => Cow::Owned(b.to_string()),
        Value::Int(i) => Cow::Owned(i.to_string()),
        Value::List(items) => Cow::Owned(items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Unread(_) => Cow::Borrowed("(not read)"),
        Value::Record(record) => Cow::Borrowed(record.record_type().name),
        Value::Object(_) => Cow::Owned(value.to_json().to_string()),
    }
}

/// At most six decimals, and no zeros at the end.
fn double(d: f64) -> String {
    if d.is_finite() && (d == 0.0 || (1e-3..1e15).contains(&d.abs())) {
        let text = format!("{d:.6}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        d.to_string()
    }
}

/// A value in a command; `None`: it is missing.
fn words(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Null | Value::Unread(_) | Value::Record(_) | Value::Object(_) => None,
        Value::List(items) if items.is_empty() => None,
        Value::List(items) => items.iter().map(words).collect::<Option<Vec<_>>>().map(|words| words.join(" ")),
        value => Some(shell_quote(&shown(value)).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_within_a_string_literal_do_not_close() {
        let text = "a {{ x == \"}}\" ? 1 : 2 }} b";
        let parts = parts(text).unwrap();
        assert!(matches!(&parts[1], Part::Expression(range) if text[range.clone()].trim() == "x == \"}}\" ? 1 : 2"));
        assert!(matches!(parts[2], Part::Text(" b")));
    }

    #[test]
    fn doubles_print_without_noise() {
        let printed: Vec<_> = [0.5, 0.1 + 0.2, 5.0, -0.25, 1e-9, 0.0, 1e300_f64].map(double).to_vec();
        assert_eq!(printed[..6], ["0.5", "0.3", "5", "-0.25", "0.000000001", "0"]);
        assert!(printed[6].starts_with('1'));
    }

    #[test]
    fn a_value_within_quotes_is_noticed_and_one_after_them_is_not() {
        let at = |text| inside_quotes(&parts(text).unwrap());
        assert_eq!(at("az --query \"[?x=='{{ 1 }}']\""), Some(18));
        assert_eq!(at("az --query \"[0]\" --name {{ 1 }}"), None);
        assert_eq!(at("az it\\'s {{ 1 }}"), None);
    }
}
