//! The words that label an event's parts, in the languages of Windows that are read.

use super::date::Order;

/// What a label is the label of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// The log's name, with which an event starts where Event Viewer copies it.
    Log,
    Source,
    Date,
    Id,
    /// The event's text follows, over any number of lines.
    Description,
    /// The event follows once more, as XML.
    Xml,
    /// A part that is not needed.
    Other,
}

/// A label, and what its language says about dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub label: Label,
    /// Unknown where several languages have that label.
    pub order: Order,
}

use Label::{Date, Description, Id, Log, Other, Source, Xml};
use Order::{DayFirst, MonthFirst, Unknown};

/// Labels of wevtutil (always English), of Event Viewer's clipboard, General tab and CSV, and of PowerShell's
/// properties; as [`fold`] leaves them.
const LABELS: &[(&str, Label, Order)] = &[
    ("logname", Log, MonthFirst),
    ("source", Source, Unknown),
    ("date", Date, Unknown),
    ("logged", Date, Unknown),
    ("dateandtime", Date, MonthFirst),
    ("eventid", Id, MonthFirst),
    ("taskcategory", Other, MonthFirst),
    ("level", Other, Unknown),
    ("keywords", Other, Unknown),
    ("user", Other, Unknown),
    ("computer", Other, Unknown),
    ("opcode", Other, Unknown),
    ("description", Description, Unknown),
    ("eventxml", Xml, MonthFirst),
    // French
    ("nomdujournal", Log, DayFirst),
    ("connecte", Date, DayFirst),
    ("dateetheure", Date, DayFirst),
    ("iddelevenement", Id, DayFirst),
    ("iddevenement", Id, DayFirst),
    ("idevenement", Id, DayFirst),
    ("identifiantdelevenement", Id, DayFirst),
    ("categoriedelatache", Other, DayFirst),
    ("categoriedetache", Other, DayFirst),
    ("niveau", Other, DayFirst),
    ("motscles", Other, DayFirst),
    ("utilisateur", Other, DayFirst),
    ("ordinateur", Other, DayFirst),
    ("xmldelevenement", Xml, DayFirst),
    ("xmldevenement", Xml, DayFirst),
    ("xmlevenement", Xml, DayFirst),
    // Chinese, where the year stands first
    ("日志名称", Log, Unknown),
    ("来源", Source, Unknown),
    ("日期", Date, Unknown),
    ("记录时间", Date, Unknown),
    ("日期和时间", Date, Unknown),
    ("事件id", Id, Unknown),
    ("任务类别", Other, Unknown),
    ("级别", Other, Unknown),
    ("关键字", Other, Unknown),
    ("用户", Other, Unknown),
    ("计算机", Other, Unknown),
    ("操作代码", Other, Unknown),
    ("描述", Description, Unknown),
    ("说明", Description, Unknown),
    ("事件xml", Xml, Unknown),
    // Japanese, where the year stands first
    ("ログの名前", Log, Unknown),
    ("ソース", Source, Unknown),
    ("日付", Date, Unknown),
    ("ログの日付", Date, Unknown),
    ("日付と時刻", Date, Unknown),
    ("イベントid", Id, Unknown),
    ("タスクのカテゴリ", Other, Unknown),
    ("レベル", Other, Unknown),
    ("キーワード", Other, Unknown),
    ("ユーザー", Other, Unknown),
    ("コンピューター", Other, Unknown),
    ("コンピュータ", Other, Unknown),
    ("オペコード", Other, Unknown),
    ("説明", Description, Unknown),
    ("イベントxml", Xml, Unknown),
    // properties of Get-WinEvent and Get-EventLog, columns of Log Analytics
    ("providername", Source, Unknown),
    ("id", Id, Unknown),
    ("timecreated", Date, Unknown),
    ("timegenerated", Date, Unknown),
    ("timegeneratedutc", Date, Unknown),
    ("leveldisplayname", Other, Unknown),
    ("message", Other, Unknown),
];

/// The label that a line starts with, and what follows its colon.
pub(super) fn split(line: &str) -> Option<(Known, &str)> {
    let at = line.find([':', '：'])?;
    let (label, value) = (&line[..at], &line[at..]);
    let value = value.trim_start_matches([':', '：']).trim();
    (label.len() <= 80).then(|| known(label)).flatten().map(|known| (known, value))
}

/// The label that this text is.
pub(super) fn known(label: &str) -> Option<Known> {
    let folded = fold(label);
    let &(_, known, order) = LABELS.iter().find(|(name, _, _)| *name == folded)?;
    // one English word may be the name of a property, which is the same in every language
    let property = order == MonthFirst && !label.trim().contains(char::is_whitespace);
    Some(Known { label: known, order: if property { Unknown } else { order } })
}

/// Small letters and digits alone, without accents: spaces and apostrophes come in many kinds.
fn fold(label: &str) -> String {
    let plain = |c: char| match c {
        'à' | 'â' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' => 'o',
        'ù' | 'û' => 'u',
        other => other,
    };
    // 'ー' and the kanji are letters, the combining accents of a decomposed 'é' are not
    label.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known_in_every_language_and_spelling() {
        for (line, label, value) in [
            ("Log Name:      System", Log, "System"),
            ("  Event ID: 36871", Id, "36871"),
            ("Nom du journal :System", Log, "System"),
            ("Nom du journal\u{a0}: System", Log, "System"),
            ("ID de l’événement :36871", Id, "36871"),
            ("ID de l'événement : 36871", Id, "36871"),
            ("ID de l'e\u{301}ve\u{301}nement : 36871", Id, "36871"),
            ("XML de l’événement :", Xml, ""),
            ("事件 ID:         36871", Id, "36871"),
            ("事件ID：36871", Id, "36871"),
            ("イベント ID:       36871", Id, "36871"),
            ("コンピューター:       vm", Other, "vm"),
            ("ProviderName : Schannel", Source, "Schannel"),
            ("Description:", Description, ""),
        ] {
            let found = split(line).map(|(known, value)| (known.label, value));
            assert_eq!(found, Some((label, value)), "{line}");
        }
        assert_eq!(split("A fatal error: 36871"), None);
        assert_eq!(split("Event ID 36871"), None);
    }

    #[test]
    fn a_language_tells_the_order_of_a_date() {
        let order = |line| split(line).map(|(known, _)| known.order);
        assert_eq!(order("Event ID: 1"), Some(MonthFirst));
        assert_eq!(order("Niveau : Erreur"), Some(DayFirst));
        assert_eq!(order("Source : Schannel"), Some(Unknown));
        assert_eq!(order("EventID : 1"), Some(Unknown));
    }
}
