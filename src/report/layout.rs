//! How much place text gets: the columns of tables, and sentences outside of them.

use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Columns that remain for the sentence in the last column of a table when the others take what their names need.
const SENTENCE: u16 = 24;
/// Columns of a cell beside its text.
const PADDING: u16 = 2;

/// A table of that many columns, one line a row, with these headings.
pub fn list<const N: usize>(width: u16, header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED.with_rounded_corners())
        .force_no_tty()
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(header);
    table
}

/// Keeps all columns but the last from taking the place of the sentence in it, and gives each the place that its
/// longest word needs, the shortest first, as long as [`SENTENCE`] columns remain: a name that is broken cannot be
/// copied.
pub fn limit_columns(table: &mut Table, width: u16) {
    let columns = table.column_count();
    let first = columns.saturating_sub(1);
    let most = if columns > 2 { width / 4 } else { width / 5 * 2 };
    let needs: Vec<u16> = (0..first).map(|column| longest_word(table, column).saturating_add(PADDING)).collect();
    let mut widths: Vec<u16> = needs.iter().map(|need| *need.min(&most)).collect();

    let borders = u16::try_from(columns + 1).unwrap_or(u16::MAX);
    let taken = widths.iter().fold(borders, |sum, width| sum.saturating_add(*width));
    let mut spare = width.saturating_sub(taken.saturating_add(SENTENCE + PADDING));
    let mut by_need: Vec<usize> = (0..first).collect();
    by_need.sort_by_key(|&column| needs[column]);
    for column in by_need {
        let more = needs[column] - widths[column];
        if more <= spare {
            widths[column] += more;
            spare -= more;
        }
    }
    for (column, own) in table.column_iter_mut().zip(widths) {
        let (lower, upper) = (Width::Fixed(own), Width::Fixed(own.max(most)));
        column.set_constraint(ColumnConstraint::Boundaries { lower, upper });
    }
}

/// Columns of the longest word in a column of the table.
fn longest_word(table: &Table, column: usize) -> u16 {
    let cells = table.header().into_iter().chain(table.row_iter()).filter_map(|row| row.cell_iter().nth(column));
    let longest =
        |cell: &Cell| cell.content().split_whitespace().map(textwrap::core::display_width).max().unwrap_or_default();
    u16::try_from(cells.map(longest).max().unwrap_or_default()).unwrap_or(u16::MAX)
}

/// The text with its words kept whole: lines of so many columns, all but the first indented.
pub fn hanging(indent: usize, width: u16, text: &str) -> String {
    let indent = " ".repeat(indent);
    let options = textwrap::Options::new(usize::from(width))
        .initial_indent(&indent)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::Custom(words))
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    textwrap::fill(text, options).trim_start().to_owned()
}

/// Words end at spaces, and Chinese and Japanese, which have none, at each character that no punctuation follows.
fn words(text: &str) -> Box<dyn Iterator<Item = textwrap::core::Word<'_>> + '_> {
    let words = textwrap::WordSeparator::AsciiSpace.find_words(text);
    Box::new(words.flat_map(|word| {
        let (text, rest) = (word.word, word.whitespace);
        let mut ends: Vec<usize> = text
            .char_indices()
            .zip(text.chars().skip(1))
            .filter(|((_, c), next)| is_wide(*c) && !closes(*next) && !"（「『［【“《".contains(*c))
            .map(|((at, c), _)| at + c.len_utf8())
            .collect();
        ends.push(text.len());
        let mut start = 0;
        let parts: Vec<_> = ends
            .into_iter()
            .map(|end| {
                let mut part = textwrap::core::Word::from(&text[start..end]);
                if end == text.len() {
                    part.whitespace = rest;
                }
                start = end;
                part
            })
            .collect();
        parts.into_iter()
    }))
}

fn is_wide(c: char) -> bool {
    !c.is_ascii() && textwrap::core::display_width(c.encode_utf8(&mut [0; 4])) == 2
}

/// Punctuation that no line starts with, and small kana, which belong to what is before them.
fn closes(c: char) -> bool {
    "。、，．：；？！）」』］】”》・ーぁぃぅぇぉっゃゅょァィゥェォッャュョ".contains(c) || c.is_ascii_punctuation()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_whatever_the_width() {
        let text = "see https://learn.microsoft.com/azure/vpn-gateway for point-to-site";
        for width in [1, 12, 30] {
            assert_eq!(hanging(4, width, text).split_whitespace().collect::<Vec<_>>().join(" "), text, "{width}");
        }
        assert_eq!(hanging(4, 200, text), text);
    }

    #[test]
    fn chinese_and_japanese_fill_the_lines() {
        for text in [
            "与网关的握手失败。要么网关子网上有一条路由把网关的回应引向别处",
            "クライアント証明書を照合できる正常なルート証明書がゲートウェイにありません。",
        ] {
            let filled = hanging(2, 20, text);
            let lines: Vec<&str> = filled.lines().map(str::trim).collect();
            assert!(lines.len() > 2 && lines.concat() == text, "{filled}");
            for line in &lines {
                assert!(textwrap::core::display_width(line) <= 18 && !closes(line.chars().next().unwrap()), "{filled}");
            }
        }
        let mixed = "运行 certmgr.msc，打开 https://learn.microsoft.com/azure/vpn-gateway 下的证书";
        let joined: String = hanging(0, 12, mixed).split_whitespace().collect();
        assert_eq!(joined, mixed.replace(' ', ""));
        assert!(hanging(0, 12, mixed).contains("https://learn.microsoft.com/azure/vpn-gateway"));
    }

    #[test]
    fn the_shortest_names_come_first_where_not_all_fit() {
        let mut table = Table::new();
        table.force_no_tty().set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(80);
        table.add_row(["a".repeat(70), "b".repeat(24), "a sentence of some words ".repeat(3)]);
        limit_columns(&mut table, 80);
        let text = table.to_string();
        assert!(text.contains(&"b".repeat(24)) && !text.contains(&"a".repeat(70)), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
