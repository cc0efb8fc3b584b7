//! Text from data within Markdown: whatever it holds, it is shown and never obeyed.

use super::text::{visible, visible_lines};

/// The text on one line, with everything escaped that Markdown or the HTML in it would obey.
pub fn escaped(text: &str) -> String {
    let line = visible(text.trim());
    let mut out = String::with_capacity(line.len() + 8);
    let mut at_start = true;
    for (i, c) in line.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A mention would call people.
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', c]),
            // An issue's number, and the start of a heading, list or quote.
            '#' => out.extend(['\\', c]),
            '-' | '+' | '=' if at_start => out.extend(['\\', c]),
            '.' | ')' if i > 0 && line[..i].bytes().all(|byte| byte.is_ascii_digit()) => out.extend(['\\', c]),
            c => out.push(c),
        }
        at_start = false;
    }
    out
}

/// The text as code within a line. The fence is longer than any run of backticks in it.
pub fn code(text: &str) -> String {
    let line = visible(text);
    let fence = "`".repeat(longest_run(&line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') || line.is_empty() { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// The text as a block of code in that language, each line indented by so much.
pub fn code_block(language: &str, text: &str, indent: usize) -> String {
    let text = visible_lines(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    let indent = " ".repeat(indent);
    let lines = text.lines().map(|line| format!("{indent}{line}\n"));
    format!("{indent}{fence}{language}\n{}{indent}{fence}\n", lines.collect::<String>())
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_obeyed() {
        for (text, expected) in [
            ("<img onerror=x>", "&lt;img onerror=x&gt;"),
            ("a|b", "a\\|b"),
            ("*bold* _it_ `code`", "\\*bold\\* \\_it\\_ \\`code\\`"),
            ("[link](http://x)", "\\[link\\](http://x)"),
            ("- item", "\\- item"),
            ("a - b", "a - b"),
            ("1. item", "1\\. item"),
            ("version 1.2", "version 1.2"),
            ("# x @team #12", "\\# x &#64;team \\#12"),
        ] {
            assert_eq!(escaped(text), expected, "{text}");
        }
    }

    #[test]
    fn code_outlasts_its_backticks() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code_block("sh", "a\n```\nb", 2), "  ````sh\n  a\n  ```\n  b\n  ````\n");
    }
}
