//! YAML as a tree in which every key and value knows where it stands, so that all faults of a file can be named
//! at once, each at its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::diagnostics::Fault;

/// A value of a YAML file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// A value and the byte of the file at which it starts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) yaml: Yaml,
}

impl Node {
    /// Reads a whole file. A fault of the YAML itself ends the reading.
    pub(super) fn read(source: &str) -> Result<Self, Fault> {
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        match serde_saphyr::from_str_with_options::<Self>(source, options) {
            Ok(node) => Ok(node),
            Err(error) => {
                let at = error.location().map_or(0, |location| byte_of(source, &location));
                let text = error.without_snippet().to_string();
                let text = text.lines().next().unwrap_or_default();
                // Its own line and column stand before ours.
                let text = text.rsplit_once(" at line ").filter(|(_, end)| is_position(end)).map_or(text, |(t, _)| t);
                // Advice for programmers, not for whoever wrote the file.
                let text = text.split(", set DuplicateKeyPolicy").next().unwrap_or(text);
                Err(Fault::new(at, format!("not valid YAML: {}", text.trim_end_matches('.'))))
            }
        }
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.yaml {
            Yaml::Null => "nothing",
            Yaml::Bool(_) => "a bool",
            Yaml::Int(_) => "an int",
            Yaml::Double(_) => "a double",
            Yaml::Text(_) => "a string",
            Yaml::List(_) => "a list",
            Yaml::Map(_) => "a map",
        }
    }
}

fn is_position(end: &str) -> bool {
    end.starts_with(|c: char| c.is_ascii_digit()) && end.contains("column")
}

fn byte_of(source: &str, location: &Location) -> usize {
    if let Some(byte) = location.span().byte_offset() {
        return usize::try_from(byte).unwrap_or(0).min(source.len());
    }
    let line = usize::try_from(location.line()).unwrap_or(0).saturating_sub(1);
    let column = usize::try_from(location.column()).unwrap_or(0).saturating_sub(1);
    let start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    source[start..].char_indices().nth(column).map_or(source.len(), |(i, _)| start + i)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<Yaml>::deserialize(deserializer)?;
        let at = referenced.span().byte_offset().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        Ok(Self { at, yaml: value })
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E: Error>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }
    fn visit_none<E: Error>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Int(value))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Yaml, E> {
        i64::try_from(value).map(Yaml::Int).map_err(|_| E::custom("the number is too large"))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Double(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Yaml, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Yaml::List(nodes))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Yaml, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Yaml::Map(entries))
    }
}

/// The byte of the file at which each byte of a scalar's text stands.
///
/// `at` is where the scalar starts (its quote, its `|` or its first character). Exact for plain, quoted and block
/// scalars; white space that YAML folded is found at the first white space that it came from.
pub(super) struct Origin(Vec<usize>);

impl Origin {
    pub(super) fn of(source: &str, at: usize, text: &str) -> Self {
        let mut raw = Raw { source, at };
        match raw.peek() {
            Some('"') => raw.double_quoted(text),
            Some('\'') => raw.single_quoted(text),
            Some('|' | '>') if raw.is_block_header() => {
                raw.skip_line();
                raw.folded(text)
            }
            _ => raw.folded(text),
        }
    }

    /// Where that byte of the text stands in the file. The end of the text may be asked for, too.
    pub(super) fn byte(&self, i: usize) -> usize {
        let last = self.0.len().saturating_sub(1);
        self.0.get(i.min(last)).copied().unwrap_or(0)
    }
}

struct Raw<'a> {
    source: &'a str,
    at: usize,
}

impl Raw<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn is_block_header(&self) -> bool {
        let header = self.rest().lines().next().unwrap_or_default();
        let header = header.split('#').next().unwrap_or_default().trim_end();
        header.len() <= 3 && header[1..].chars().all(|c| matches!(c, '+' | '-' | '1'..='9'))
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|c| c != '\n') {}
    }

    fn skip_white_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    /// One character of the text, read from where it stands.
    fn plain(&mut self, wanted: char) -> usize {
        if wanted.is_whitespace() {
            let at = self.at;
            if self.peek().is_some_and(char::is_whitespace) {
                self.next();
            }
            return at;
        }
        self.skip_white_space();
        let at = self.at;
        self.next();
        at
    }

    fn folded(&mut self, text: &str) -> Origin {
        self.each(text, |raw, c| raw.plain(c))
    }

    fn single_quoted(&mut self, text: &str) -> Origin {
        self.next();
        self.each(text, |raw, c| {
            let at = raw.plain(c);
            if c == '\'' {
                raw.next();
            }
            at
        })
    }

    fn double_quoted(&mut self, text: &str) -> Origin {
        self.next();
        self.each(text, |raw, c| {
            // A backslash before the end of a line joins it to the next one.
            while raw.rest().starts_with("\\\n") || raw.rest().starts_with("\\\r\n") {
                raw.next();
                raw.skip_white_space();
            }
            if raw.rest().trim_start().starts_with('\\') && (raw.peek() == Some('\\') || !c.is_whitespace()) {
                raw.skip_white_space();
                return raw.escape();
            }
            raw.plain(c)
        })
    }

    fn escape(&mut self) -> usize {
        let at = self.at;
        self.next();
        let digits = match self.next() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        for _ in 0..digits {
            self.next();
        }
        at
    }

    fn each(&mut self, text: &str, mut step: impl FnMut(&mut Self, char) -> usize) -> Origin {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        for c in text.chars() {
            let at = step(self, c);
            bytes.extend(std::iter::repeat_n(at, c.len_utf8()));
        }
        bytes.push(self.at);
        Origin(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that stands in the file where `needle` stands in the value of `key: …`.
    fn origin<'a>(source: &'a str, needle: &str) -> &'a str {
        let Yaml::Map(entries) = Node::read(source).unwrap().yaml else { panic!("no map") };
        let Yaml::Text(text) = &entries[0].1.yaml else { panic!("no text: {entries:?}") };
        let origin = Origin::of(source, entries[0].1.at, text);
        &source[origin.byte(text.find(needle).unwrap())..]
    }

    #[test]
    fn a_byte_of_a_scalar_is_found_in_the_file() {
        for source in [
            "key: a == bad.name || c\n",
            "key: \"a == bad.name || c\"\n",
            "key: 'a == bad.name || c'\n",
            "key: 'a == ''x'' || bad.name || c'\n",
            "key: \"a == \\\"x\\\" || \\u00fc || bad.name || c\"\n",
            "key: \"ü == bad.name || c\"\n",
            "key: |\n  a ==\n    bad.name || c\n",
            "key: >-\n  a ==\n\n  bad.name\n  || c\n",
            "key: a ==\n  bad.name\n  || c\n",
            "key: \"a ==\n  bad.name \\\n  || c\"\n",
            "key: |  # comment\n  a\n  bad.name c\n",
        ] {
            let found = origin(source, "bad.name");
            assert!(found.starts_with("bad.name"), "{source:?}: {found:?}");
        }
    }

    #[test]
    fn keys_and_values_know_their_place() {
        let source = "a: 1\nü:\n  - no\n  - \"x\"\n  - {b: 2.5, c: ~}\n";
        let Yaml::Map(entries) = Node::read(source).unwrap().yaml else { panic!("no map") };
        assert_eq!((entries[0].0.at, entries[0].1.at), (0, 3));
        assert_eq!(&source[entries[1].0.at..][..2], "ü");
        let Yaml::List(list) = &entries[1].1.yaml else { panic!("no list") };
        assert_eq!(list[0].yaml, Yaml::Text("no".into()));
        assert!(source[list[0].at..].starts_with("no"));
        assert!(source[list[1].at..].starts_with("\"x\""));
        let Yaml::Map(map) = &list[2].yaml else { panic!("no map") };
        assert!(source[map[0].1.at..].starts_with("2.5"));
        assert_eq!(map[1].1.yaml, Yaml::Null);
    }

    #[test]
    fn a_key_that_stands_twice_is_a_fault_at_its_second_place() {
        let source = "a: 1\nb: 2\na: 3\n";
        let fault = Node::read(source).unwrap_err();
        assert_eq!(&source[fault.at..], "a: 3\n");
        assert_eq!(fault.message, "not valid YAML: duplicate mapping key: a");
    }
}
