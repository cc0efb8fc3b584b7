//! Walks over the text of a JSON value without building one, so that what is not changed stays as it was to the byte.

use std::borrow::Cow;
use std::ops::Range;

/// What is told of a JSON text, in its order.
pub(super) trait Visitor {
    /// An object starts; behind a key it is that member's value.
    fn open_object(&mut self);
    /// An array starts.
    fn open_array(&mut self);
    /// The object or array that was opened last ends.
    fn close(&mut self);
    /// The key of the next value. `range` is that of its text, with the quotes.
    fn key(&mut self, key: &str, range: Range<usize>);
    /// A string, number or word. `text` is the string where it is one.
    fn scalar(&mut self, text: Option<&str>, range: Range<usize>);
}

/// Walks over a text that the parser has taken for JSON. Over any other it ends too, having told something.
pub(super) fn walk(json: &str, visitor: &mut dyn Visitor) {
    let bytes = json.as_bytes();
    let mut objects: Vec<bool> = Vec::new();
    let mut key_expected = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'{' | b'[' => {
                let object = byte == b'{';
                objects.push(object);
                key_expected = object;
                if object { visitor.open_object() } else { visitor.open_array() }
            }
            b'}' | b']' => {
                if objects.pop().is_some() {
                    visitor.close();
                }
                key_expected = false;
            }
            b',' => key_expected = objects.last().copied().unwrap_or_default(),
            b':' => key_expected = false,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => {
                at = end_of_string(bytes, at);
                let text = string(json.get(start..at).unwrap_or_default());
                match key_expected {
                    true => visitor.key(&text, start..at),
                    false => visitor.scalar(Some(&text), start..at),
                }
            }
            _ => {
                let ends = |byte: &u8| {
                    matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"') || byte.is_ascii_whitespace()
                };
                at += bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at);
                visitor.scalar(None, start..at);
            }
        }
    }
}

/// Behind the quote that ends the string whose text starts there.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(offset) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += offset + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// The string that stands there with its quotes.
fn string(quoted: &str) -> Cow<'_, str> {
    if !quoted.contains('\\') {
        return Cow::Borrowed(quoted.trim_matches('"'));
    }
    serde_json::from_str(quoted).map_or(Cow::Borrowed(quoted), Cow::Owned)
}

/// The text with those parts of it replaced; they do not overlap.
pub(super) fn replace(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, with) in edits {
        if range.start < at {
            continue;
        }
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(&with);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Told(Vec<String>);

    impl Visitor for Told {
        fn open_object(&mut self) {
            self.0.push("{".into());
        }
        fn open_array(&mut self) {
            self.0.push("[".into());
        }
        fn close(&mut self) {
            self.0.push("end".into());
        }
        fn key(&mut self, key: &str, range: Range<usize>) {
            self.0.push(format!("key {key} {}", range.len()));
        }
        fn scalar(&mut self, text: Option<&str>, range: Range<usize>) {
            self.0.push(format!("{text:?} {}", range.len()));
        }
    }

    #[test]
    fn everything_is_told_in_order() {
        let mut told = Told::default();
        walk(r#" {"a\"b": [1.5e3, "x\\", null, {"": true}], "c" : "\u00e9"} "#, &mut told);
        let wanted = [
            "{",
            "key a\"b 6",
            "[",
            "None 5",
            "Some(\"x\\\\\") 5",
            "None 4",
            "{",
            "key  2",
            "None 4",
            "end",
            "end",
            "key c 3",
            "Some(\"é\") 8",
            "end",
        ];
        assert_eq!(told.0, wanted);
    }

    #[test]
    fn text_that_is_no_json_ends() {
        for text in ["\"", "\"\\", "{\"a", "]]}", "{,:,", "é\"é", "{\"a\":}"] {
            walk(text, &mut Told::default());
        }
    }

    #[test]
    fn parts_are_replaced_and_the_rest_stays() {
        let edits = vec![(4..5, "X".to_owned()), (0..1, String::new())];
        assert_eq!(replace("abcdef", edits), "bcdXf");
    }
}
