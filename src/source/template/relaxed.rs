//! Templates as people write them: with comments, trailing commas and texts over several lines.

/// Longer files than this are no templates: Azure takes up to 4 MB.
pub const LONGEST: u64 = 64 << 20;

/// Words that start a line of Bicep and no JSON.
const BICEP: [&str; 13] = [
    "param ",
    "var ",
    "resource ",
    "module ",
    "output ",
    "targetScope",
    "metadata ",
    "import ",
    "type ",
    "func ",
    "using ",
    "extension ",
    "@",
];

/// Whether the start of a file says that it may hold a template, or that it is JSON with comments.
pub fn looks_relaxed(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    text.starts_with(b"//")
        || text.starts_with(b"/*")
        || memchr::memmem::find(start, b"\"$schema\"").is_some()
        || memchr::memmem::find(start, b"$\0s\0c\0h\0e\0m\0a\0").is_some()
}

/// Whether the start of a file is the text that templates are built from.
pub fn looks_like_bicep(start: &[u8]) -> bool {
    let start = String::from_utf8_lossy(start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start));
    let mut comment = false;
    for line in start.lines().map(str::trim) {
        if comment || line.starts_with("/*") {
            comment = !line.contains("*/");
            continue;
        }
        if line.is_empty() || line.starts_with("//") || line.starts_with('#') {
            continue;
        }
        return BICEP.iter().any(|it| line.starts_with(it));
    }
    false
}

/// The text as strict JSON. Every line keeps its number.
pub fn strict(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    // Line breaks within a text, which follow behind it.
    let mut broken = 0;
    // Where the last comma stands, while nothing but blanks and comments follows.
    let mut comma = None;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            comma = None;
            rest = text_of(rest, &mut result, &mut broken);
            continue;
        }
        if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            rest = &rest[end..];
            continue;
        }
        if let Some(inner) = rest.strip_prefix("/*") {
            let end = inner.find("*/").map_or(inner.len(), |at| at + 2);
            result.push(' ');
            result.extend(inner[..end].chars().filter(|it| *it == '\n'));
            rest = &inner[end..];
            continue;
        }
        match first {
            ',' => comma = Some(result.len()),
            '}' | ']' => {
                if let Some(at) = comma.take() {
                    result.replace_range(at..=at, " ");
                }
            }
            '\n' => (0..std::mem::take(&mut broken)).for_each(|_| result.push('\n')),
            it if it.is_whitespace() => {}
            _ => comma = None,
        }
        result.push(first);
        rest = &rest[first.len_utf8()..];
    }
    result
}

/// Copies a text in quotes; what stands behind it comes back.
fn text_of<'t>(from: &'t str, result: &mut String, broken: &mut usize) -> &'t str {
    result.push('"');
    let mut rest = &from[1..];
    loop {
        let Some(at) = rest.find(['"', '\\', '\n', '\r', '\t']) else {
            result.push_str(rest);
            return "";
        };
        result.push_str(&rest[..at]);
        let found = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match found {
            b'"' => {
                result.push('"');
                return rest;
            }
            b'\\' => {
                result.push('\\');
                if let Some(next) = rest.chars().next() {
                    result.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
            other => {
                *broken += usize::from(other == b'\n');
                result.push(' ');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn comments_and_trailing_commas_go_and_lines_stay() {
        let text = "{ // a \"quote { [\n\"a\": [1, /* , */ 2, // x\n ],\n\"b\": \"// no /* comment */,]\",\n}\n";
        let strict = strict(text);
        assert_eq!(
            serde_json::from_str::<Value>(&strict).unwrap(),
            serde_json::json!({"a": [1, 2], "b": "// no /* comment */,]"})
        );
        assert_eq!(strict.lines().count(), text.lines().count());
    }

    #[test]
    fn an_expression_may_go_over_several_lines() {
        let text = "{\"a\": \"[concat(\n  'x',\n  'y')]\",\n\"b\": 1 1}";
        let error = serde_json::from_str::<Value>(&strict(text)).unwrap_err();
        assert_eq!(error.line(), 4);
        assert!(strict(text).contains("[concat(   'x',   'y')]"));
    }

    #[test]
    fn bicep_is_told_from_json() {
        for text in
            ["param x string\n", "// y\n\ntargetScope = 'x'", "/* a\nb */\n@description('x')", "resource a 'b@c' = {"]
        {
            assert!(looks_like_bicep(text.as_bytes()), "{text}");
        }
        for text in ["{}", "[", "", "// param x\n{", "parameters", "az network nsg list"] {
            assert!(!looks_like_bicep(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn strict_json_stays_as_it_is(text in "[a-z0-9 \\\\/*,]{0,20}", number in any::<i32>()) {
            let json = serde_json::json!({"a": [text, number, {"b": null}], text.clone(): text}).to_string();
            prop_assert_eq!(strict(&json), json);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",/*\\\\\n a\u{e9}]{0,80}") {
            let _ = strict(&text);
            let _ = looks_like_bicep(text.as_bytes());
        }
    }
}
