//! What holds for any text.

use azaudit::symptoms::{Answer, Catalogue, Match, find, ids};
use proptest::prelude::*;

/// What the documentation of [`Match`] says.
fn assert_sound(text: &str, found: &Match) {
    assert!(
        found.matches.iter().all(|(id, score)| ids().contains(&id.as_str()) && (0.0..=1.0).contains(score)),
        "{text:?}"
    );
    assert!(found.matches.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{text:?}");
    match &found.answer {
        Answer::One(id) => assert_eq!(*id, found.matches[0].0, "{text:?}"),
        Answer::Several(ids) => assert!(!ids.is_empty() && ids.len() == found.matches.len(), "{text:?}"),
        Answer::None => assert!(found.matches.is_empty(), "{text:?}"),
    }
}

fn message() -> impl Strategy<Value = String> {
    let symptoms = Catalogue::builtin().symptoms();
    let all: Vec<String> = symptoms
        .iter()
        .flat_map(|symptom| symptom.messages.iter().chain(symptom.headings.iter()).flat_map(|(_, list)| list.clone()))
        .collect();
    prop::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_is_too_odd(text in any::<String>()) {
        assert_sound(&text, &find(&text));
    }

    #[test]
    fn no_mixture_of_parts_is_too_odd(parts in prop::collection::vec(prop_oneof![
        "[0-9a-fA-Fx]{1,12}", "[-+#:.,/()|&%_\\\\]{1,3}", "(error|event|ID|错误|エラー|Source:|Schannel|0x|-|\n| )", any::<char>().prop_map(String::from),
    ], 0..40)) {
        let text = parts.concat();
        assert_sound(&text, &find(&text));
    }

    #[test]
    fn cutting_and_joining_messages_is_sound((a, b, from, to) in (message(), message(), any::<prop::sample::Index>(), any::<prop::sample::Index>())) {
        let chars: Vec<char> = format!("{a} {b}").chars().collect();
        let (from, to) = (from.index(chars.len()), to.index(chars.len()));
        let text: String = chars[from.min(to)..from.max(to)].iter().collect();
        assert_sound(&text, &find(&text));
    }

    #[test]
    fn white_space_between_words_is_all_the_same((message, space) in (message(), "[ \t\u{a0}\u{3000}]{1,4}")) {
        let other = message.split_whitespace().collect::<Vec<_>>().join(&space);
        prop_assert_eq!(find(&message).answer, find(&format!("{space}{other}{space}")).answer);
    }
}

#[test]
fn nothing_much_is_none() {
    let many = ["\u{200b}".repeat(1000), "\u{301}".repeat(1000), "?!".repeat(1000), "\u{0}\u{1}".repeat(100)];
    for text in ["", " ", "\n\t\u{3000}", ".", "…", "「」", "\u{feff}", "-", "0", "0x", "&H", "🙂"]
        .into_iter()
        .chain(many.iter().map(String::as_str))
    {
        assert_eq!(find(text).answer, Answer::None, "{text:?}");
    }
}

#[test]
fn a_megabyte_of_anything_ends() {
    for part in [
        "garbage ",
        "0x",
        "798",
        "error 1 ",
        "Source: ",
        "a",
        "错误",
        "\n",
        "-",
        "e\u{301}",
        "error 800 ",
        "http 405 ",
        "the network connection between ",
    ] {
        let text = part.repeat(1_000_000 / part.len());
        assert_sound(part, &find(&text));
    }
}

#[test]
fn a_message_within_a_long_log_is_found() {
    let line = "2026-06-14 08:12:44.120 INFO  [worker-12] request 5a3f took 812 ms, 36871 bytes, status 200 OK\n";
    let log = line.repeat(100_000 / line.len() / 2);
    assert_eq!(find(&log).answer, Answer::None);
    let message = "The network connection between your computer and the VPN server could not be established because the remote server is not responding";
    let start = std::time::Instant::now();
    let found = find(&format!("{log}{message}\n{log}"));
    println!("100 kB in {:?}", start.elapsed());
    assert_eq!(found.answer, Answer::One("p2s-remote-server-not-responding".to_owned()), "{:?}", found.matches);
    let found = find(&format!("{log}ERROR dial failed, error code 0x80090326\n{log}"));
    assert_eq!(found.answer, Answer::One("p2s-bad-format-0x80090326".to_owned()), "{:?}", found.matches);
}
