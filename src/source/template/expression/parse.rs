//! The grammar of a template's expressions: texts, whole numbers, calls, and members of what they yield.

/// How deep calls and indexes nest in one expression.
const DEEPEST: u32 = 48;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// `'text'`, its quotes undone.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A call; the name in lower case, with its namespace where it has one.
    Call(String, Vec<Node>),
    /// `NODE.name` and `NODE[index]`; `optional` where `?` lets it be absent.
    Member { of: Box<Node>, index: Box<Node>, optional: bool },
}

/// What a text of a template says.
#[derive(Debug, PartialEq, Eq)]
pub enum Text<'t> {
    /// Itself.
    Literal(&'t str),
    /// What stands between `[` and `]` is to be evaluated.
    Expression(&'t str),
}

/// Tells expressions from texts: `[…]` is one, `[[…` is a text that starts with one bracket.
pub fn classify(text: &str) -> Text<'_> {
    let trimmed = text.trim();
    if text.starts_with("[[") {
        return Text::Literal(&text[1..]);
    }
    match trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) if !trimmed.starts_with("[[") => Text::Expression(inner),
        _ => Text::Literal(text),
    }
}

/// Reads one expression; `None`: it is none.
pub fn parse(text: &str) -> Option<Node> {
    let mut parser = Parser { rest: text, depth: 0 };
    let node = parser.expression()?;
    parser.blank();
    parser.rest.is_empty().then_some(node)
}

struct Parser<'t> {
    rest: &'t str,
    depth: u32,
}

impl<'t> Parser<'t> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: char) -> bool {
        self.blank();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Option<&'t str> {
        self.blank();
        let end = self.rest.find(|it: char| !(it.is_alphanumeric() || it == '_')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    fn expression(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut node = self.primary()?;
        let mut length = 0;
        loop {
            let (index, optional) = if self.take('.') {
                let optional = self.take('?');
                (Node::Text(self.name()?.to_owned()), optional)
            } else if self.take('[') {
                let optional = self.take('?');
                let index = self.expression()?;
                if !self.take(']') {
                    return None;
                }
                (index, optional)
            } else {
                break;
            };
            length += 1;
            if length > DEEPEST {
                return None;
            }
            node = Node::Member { of: Box::new(node), index: Box::new(index), optional };
        }
        self.depth -= 1;
        Some(node)
    }

    fn primary(&mut self) -> Option<Node> {
        self.blank();
        let first = self.rest.chars().next()?;
        if first == '\'' {
            return self.text();
        }
        if first.is_ascii_digit() || matches!(first, '-' | '+') {
            let end = self.rest[1..].find(|it: char| !it.is_ascii_digit()).map_or(self.rest.len(), |at| at + 1);
            let (digits, rest) = self.rest.split_at(end);
            self.rest = rest;
            return digits.parse().ok().map(Node::Number);
        }
        let mut name = self.name()?.to_lowercase();
        if self.take('.') {
            name = format!("{name}.{}", self.name()?.to_lowercase());
        }
        if !self.take('(') {
            return None;
        }
        let mut arguments = Vec::new();
        if self.take(')') {
            return Some(Node::Call(name, arguments));
        }
        loop {
            arguments.push(self.expression()?);
            if self.take(')') {
                return Some(Node::Call(name, arguments));
            }
            if !self.take(',') {
                return None;
            }
        }
    }

    /// A text; two quotes within it are one.
    fn text(&mut self) -> Option<Node> {
        let mut text = String::new();
        let mut rest = &self.rest[1..];
        loop {
            let quote = rest.find('\'')?;
            text.push_str(&rest[..quote]);
            rest = &rest[quote + 1..];
            match rest.strip_prefix('\'') {
                Some(after) => {
                    text.push('\'');
                    rest = after;
                }
                None => break,
            }
        }
        self.rest = rest;
        Some(Node::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn expressions_are_told_from_texts() {
        assert_eq!(classify("[a()]"), Text::Expression("a()"));
        assert_eq!(classify(" [a()] "), Text::Expression("a()"));
        assert_eq!(classify("[[a]"), Text::Literal("[a]"));
        assert_eq!(classify("[a] b"), Text::Literal("[a] b"));
        assert_eq!(classify("["), Text::Literal("["));
    }

    #[test]
    fn quotes_calls_and_members_are_read() {
        assert_eq!(parse("'it''s'"), Some(Node::Text("it's".into())));
        assert_eq!(parse(" -3 "), Some(Node::Number(-3)));
        let call = Node::Call("a".into(), vec![Node::Number(1), Node::Text(String::new())]);
        assert_eq!(parse("A( 1 ,'' )"), Some(call.clone()));
        let member = |of, index, optional| Node::Member { of: Box::new(of), index: Box::new(index), optional };
        let nested = member(member(call, Node::Text("b".into()), false), Node::Number(0), false);
        assert_eq!(parse("a(1,'').b[0]"), Some(nested));
        assert_eq!(parse("a().?b"), Some(member(Node::Call("a".into(), vec![]), Node::Text("b".into()), true)));
        assert_eq!(parse("ns.f()"), Some(Node::Call("ns.f".into(), vec![])));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", "a", "a(", "a(1", "a(1,)", "'x", "a()b", "a()[", "a().", "\u{e9}", "a()[1"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"a(".repeat(100_000)), None);
        assert_eq!(parse(&format!("a(){}", ".b".repeat(100_000))), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = parse(&text);
            let _ = classify(&text);
        }

        #[test]
        fn no_text_of_its_own_letters_makes_it_panic(text in "[a-z(),.'\\[\\]? 0-9-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
