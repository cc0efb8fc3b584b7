//! Every message and every heading in each language, as it is and after each change that people and programs make.

use std::collections::BTreeMap;

use azaudit::symptoms::{Answer, Catalogue, Language, find};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use crate::support::explained;

/// A message or heading, and the symptoms that list it.
struct Text {
    text: String,
    language: Language,
    ids: Vec<String>,
}

/// Said by so many programs that it counts only beside its event's id or source.
const SAID_BY_MANY: [&str; 4] = [
    "Logon to the database failed.",
    "L’ouverture de session sur la base de données a échoué.",
    "登录数据库失败。",
    "データベースにログオンできませんでした。",
];

/// All of them, each once for each language.
fn texts() -> Vec<Text> {
    let mut all: BTreeMap<(Language, &str), Vec<String>> = BTreeMap::new();
    for symptom in Catalogue::builtin().symptoms() {
        for texts in [&symptom.messages, &symptom.headings] {
            for (language, list) in texts.iter() {
                for text in list.iter().filter(|text| !SAID_BY_MANY.contains(&text.as_str())) {
                    let ids = all.entry((language, text)).or_default();
                    if !ids.contains(&symptom.id) {
                        ids.push(symptom.id.clone());
                    }
                }
            }
        }
    }
    all.into_iter().map(|((language, text), ids)| Text { text: text.to_owned(), language, ids }).collect()
}

/// How many changed texts there were, and which ones went wrong.
#[derive(Default)]
struct Tally {
    all: usize,
    /// Another symptom or none is nearest.
    astray: Vec<String>,
    /// Nearest, but not decided.
    undecided: Vec<String>,
}

impl Tally {
    /// A text that several symptoms list is answered by all of them.
    fn add(&mut self, expected: &Text, text: &str) {
        let found = find(text);
        self.all += 1;
        let is_first = found.matches.first().is_some_and(|(id, _)| expected.ids.contains(id));
        let is_decided = match found.answer {
            Answer::One(id) => expected.ids == [id],
            Answer::Several(ids) => expected.ids.len() > 1 && expected.ids.iter().all(|id| ids.contains(id)),
            Answer::None => false,
        };
        if !is_first {
            self.astray.push(format!("{}: {}", expected.ids.join(" "), explained(text)));
        } else if !is_decided {
            self.undecided.push(format!("{}: {}", expected.ids.join(" "), explained(text)));
        }
    }

    /// At most these shares, in per mille, may go astray and be undecided.
    fn check(self, name: &str, astray: usize, undecided: usize) {
        let (strays, undecideds) = (self.astray.len(), self.undecided.len());
        println!("{name}: {} texts, {strays} astray, {undecideds} undecided", self.all);
        let list = format!("{}\n--\n{}", self.astray.join("\n"), self.undecided.join("\n"));
        assert!(self.all > 100, "{name}: too few texts");
        assert!(strays * 1000 <= astray * self.all, "{name}: {strays} of {} astray:\n{list}", self.all);
        assert!(undecideds * 1000 <= undecided * self.all, "{name}: {undecideds} of {} undecided:\n{list}", self.all);
    }
}

/// Every text after a change is answered as it is.
fn all_after(name: &str, change: impl Fn(&str) -> String) {
    let mut tally = Tally::default();
    for text in &texts() {
        tally.add(text, &change(&text.text));
    }
    tally.check(name, 0, 0);
}

#[test]
fn as_it_is() {
    all_after("as it is", str::to_owned);
}

#[test]
fn in_upper_case() {
    all_after("upper case", str::to_uppercase);
}

#[test]
fn without_accents() {
    // As scripts do it: decomposed, and everything dropped that is not a letter of its own.
    all_after("accents", |text| {
        let apart = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
        apart.chars().filter(|c| !matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{309a}')).collect()
    });
    all_after("accents of letters", |text| {
        let apart = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
        let bare: String = apart.chars().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).collect();
        ComposingNormalizerBorrowed::new_nfc().normalize(&bare).into_owned()
    });
    all_after("decomposed", |text| DecomposingNormalizerBorrowed::new_nfd().normalize(text).into_owned());
}

/// The full-width form of an ASCII character.
fn wide(c: char) -> char {
    if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c) } else { c }
}

#[test]
fn in_full_width() {
    all_after("full-width digits", |text| text.chars().map(|c| if c.is_ascii_digit() { wide(c) } else { c }).collect());
    all_after("full-width letters, digits and punctuation", |text| {
        text.chars().map(|c| if matches!(c, '<' | '>') { c } else { wide(c) }).collect()
    });
}

#[test]
fn with_line_breaks() {
    for end in ["\n", "\r\n"] {
        all_after("a break every 40 characters", |text| {
            let chars: Vec<char> = text.chars().collect();
            chars.chunks(40).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join(end)
        });
    }
    all_after("a break for each space", |text| text.replace(' ', "\n"));
    all_after("more spaces", |text| format!("\t {} \n", text.replace(' ', " \u{a0} ")));
}

#[test]
fn with_other_quotes() {
    all_after("straight", |text| text.replace(['’', '‘'], "'").replace(['“', '”', '«', '»', '„', '「', '」'], "\""));
    all_after("typographic", |text| {
        let mut open = false;
        text.replace('\'', "’")
            .chars()
            .map(|c| {
                open ^= c == '"';
                if c != '"' {
                    c
                } else if open {
                    '“'
                } else {
                    '”'
                }
            })
            .collect()
    });
    all_after("no apostrophes", |text| text.replace(['’', '‘', '\''], " "));
    all_after("soft hyphens", |text| text.chars().flat_map(|c| [c, '\u{ad}']).collect());
}

#[test]
fn within_chat() {
    for (before, behind) in [
        ("hi, my VPN says: ", " please help"),
        ("Hello team, since this morning I get this:\n\n", "\n\nWhat can I do? Thanks, Anna"),
        ("bonjour, mon VPN affiche : ", " merci de votre aide"),
        ("你好，我的 VPN 显示：", "，请帮忙，谢谢"),
        ("お世話になっております。VPN で次のように表示されます：", "。よろしくお願いします"),
    ] {
        let mut tally = Tally::default();
        // A heading of one word, `Symptoms`, has to be the whole text; `Scenario 1` stands in politeness, but not
        // beside anything else.
        let shortest = if before.starts_with("Hello team") { 21 } else { 0 };
        let is_short = |text: &Text| matches!(text.text.as_str(), "Symptoms" | "Symptômes");
        let long = |text: &&Text| !is_short(text) && text.text.chars().count() >= shortest;
        for text in texts().iter().filter(long) {
            tally.add(text, &format!("{before}{}{behind}", text.text));
        }
        tally.check(before, 0, 0);
    }
}

/// A text without its symptom's codes, so that only its words are left.
fn without_codes(text: &Text) -> String {
    let mut plain = text.text.clone();
    for id in &text.ids {
        let symptom = Catalogue::builtin().get(id).expect("a symptom");
        for code in symptom.codes.iter().filter(|code| code.len() >= 3) {
            plain = plain.replace(code.as_str(), "");
        }
    }
    plain
}

/// Whether enough is left of a text when a word or half of it is gone.
fn is_long(text: &str) -> bool {
    let pairs = text.chars().filter(|c| *c >= '\u{3041}').count();
    text.split_whitespace().count() * 3 + pairs >= 15
}

#[test]
fn with_one_word_removed() {
    let (mut kept, mut bare) = (Tally::default(), Tally::default());
    for text in &texts() {
        let codeless = without_codes(text);
        let is_coded = codeless != text.text;
        for (plain, tally, is_one) in [(text.text.clone(), &mut kept, is_coded), (codeless, &mut bare, true)] {
            if !is_one || !is_long(&plain) {
                continue;
            }
            for changed in without_each_word(&plain, text.language) {
                tally.add(text, &changed);
            }
        }
    }
    // What goes astray are headings of four or five words, of which the one that matters is gone.
    kept.check("one word removed beside a code", 10, 20);
    bare.check("one word removed, no code", 14, 30);
}

/// A text without its first word, without its second one, and so on; of Chinese and Japanese without any two characters.
fn without_each_word(text: &str, language: Language) -> Vec<String> {
    if matches!(language, Language::Chinese | Language::Japanese) {
        let chars: Vec<char> = text.chars().collect();
        let cut = |at: usize| chars[..at].iter().chain(&chars[(at + 2).min(chars.len())..]).collect();
        let is_script = |at: &usize| chars[*at..].iter().take(2).all(|c| *c >= '\u{3041}');
        return (0..chars.len()).filter(is_script).map(cut).collect();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    (0..words.len()).map(|at| [&words[..at], &words[at + 1..]].concat().join(" ")).collect()
}

#[test]
fn with_a_typo() {
    let mut tally = Tally::default();
    for text in &texts() {
        let plain = without_codes(text);
        if !is_long(&plain) || matches!(text.language, Language::Chinese | Language::Japanese) {
            continue;
        }
        let words: Vec<&str> = plain.split_whitespace().collect();
        let long: Vec<usize> = (0..words.len()).filter(|i| words[*i].chars().count() >= 6).collect();
        for at in long {
            for mistake in [swapped, doubled, dropped] {
                let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
                words[at] = mistake(&words[at]);
                tally.add(text, &words.join(" "));
            }
        }
    }
    tally.check("a typo, no code", 2, 5);
}

fn swapped(word: &str) -> String {
    let mut chars: Vec<char> = word.chars().collect();
    chars.swap(2, 3);
    chars.into_iter().collect()
}

fn doubled(word: &str) -> String {
    word.chars().enumerate().flat_map(|(i, c)| std::iter::repeat_n(c, if i == 3 { 2 } else { 1 })).collect()
}

fn dropped(word: &str) -> String {
    word.chars().enumerate().filter(|(i, _)| *i != 3).map(|(_, c)| c).collect()
}

#[test]
fn with_names_filled_in() {
    let mut tally = Tally::default();
    let names =
        ["vpngw-prod-01", "CONTOSO\\anna.mueller", "P2S Root 2026", "4a2f1b6c-7d6e-4e0b-9b0e-3b8c5c1d2e3f", "会社VPN"];
    for text in texts().iter().filter(|text| text.text.contains('<')) {
        for name in names {
            let mut parts = text.text.split('<');
            let first = parts.next().unwrap_or_default().to_owned();
            let filled = parts.fold(first, |all, part| all + name + part.split_once('>').map_or("", |(_, rest)| rest));
            tally.add(text, &filled);
            tally.add(text, &filled.replace("1460", "").replace("8007026f", ""));
        }
    }
    tally.check("names filled in", 0, 20);
}

#[test]
fn a_half_of_it() {
    let mut tally = Tally::default();
    for text in &texts() {
        let plain = without_codes(text);
        let chars: Vec<char> = plain.chars().collect();
        let letters = chars.len() + chars.iter().filter(|c| **c >= '\u{3041}').count();
        if letters < 80 {
            continue;
        }
        for half in [&chars[..chars.len() / 2], &chars[chars.len() / 2..]] {
            tally.add(text, &half.iter().collect::<String>());
        }
    }
    // Half of a message often is what another one says, too: being near is all that can be asked.
    tally.check("a half", 150, 350);
}

#[test]
fn what_many_programs_say_counts_with_its_source_only() {
    for text in SAID_BY_MANY {
        assert_eq!(find(text).answer, Answer::None, "{text}");
        let sourced = format!("TerminalServices-SessionBroker: {text}");
        let broker = Answer::One("rdp-eventid-scenario-3-broker".to_owned());
        assert_eq!(find(&sourced).answer, broker, "{}", explained(&sourced));
        assert_eq!(find(&format!("Event 2056: {text}")).answer, broker);
        assert_eq!(find(&format!("MSSQLSERVER: {text}")).answer, Answer::None);
    }
}
