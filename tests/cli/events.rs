//! `azaudit diagnose --events`: which Remote Desktop failure an event log tells.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Folder, Ran, azaudit, azaudit_with_input};

const TLS: &str = "rdp-eventid-scenario-2-tls";

fn read(log: &[u8]) -> Ran {
    let folder = Folder::new(&[("log", log)]);
    azaudit(&["diagnose", "--events", &folder.text("log"), "--lang", "en", "--format", "json"])
}

fn event(source: &str, id: u32) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{source}'/>\
         <EventID>{id}</EventID><TimeCreated SystemTime='2026-06-14T08:12:44.123Z'/></System></Event>\n"
    )
}

#[test]
fn a_scenario_is_told_with_counts_and_steps() {
    let log = [event("Schannel", 36871).repeat(3), event("Service Control Manager", 7036)].concat();
    let ran = read(log.as_bytes());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let document = ran.json();
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["schema", "language", "symptom", "matches", "title", "causes", "clientSteps", "references", "events"]
    );
    let events = &document["events"];
    assert_eq!((&events["read"], &events["damaged"]), (&json!(4), &json!(0)));
    let scenario = &events["scenarios"][0];
    let members: Vec<&String> = scenario.as_object().unwrap().keys().collect();
    assert_eq!(members, ["symptom", "count", "last", "ids", "clientSteps"]);
    assert_eq!((&scenario["symptom"], &scenario["count"]), (&json!(TLS), &json!(3)));
    assert_eq!(scenario["last"], "2026-06-14T08:12:44Z");
    assert_eq!(scenario["ids"], json!([{"source": "Schannel", "id": 36871, "count": 3}]));
    assert!(!scenario["clientSteps"].as_array().unwrap().is_empty());
    for key in ["symptom", "title", "causes"] {
        assert_eq!(document[key], Value::Null, "{key}");
    }
}

#[test]
fn an_id_counts_for_its_source_alone() {
    let count = |source: &str, id| {
        let ran = read(event(source, id).as_bytes());
        (ran.code, ran.json()["events"]["scenarios"].as_array().unwrap().len())
    };
    let manager = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";
    assert_eq!(count(manager, 1058), (1, 1));
    assert_eq!(count("Microsoft-Windows-GroupPolicy", 1058), (0, 0));
    assert_eq!(count(manager, 7036), (0, 0));
}

#[test]
fn a_damaged_log_is_open_where_nothing_was_found() {
    let sound = event("Service Control Manager", 7036);
    let damaged = format!("{sound}<Event><System><Provider Name='x'/><EventID>oops\n{sound}");
    let code = |log: &str| read(log.as_bytes()).code;
    assert_eq!(code(&sound), 0);
    let ran = read(damaged.as_bytes());
    assert_eq!((ran.code, ran.json()["events"]["damaged"].clone()), (3, json!(1)), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 damaged event"), "{}", ran.stderr);
    assert_eq!(code(&(damaged + &event("Schannel", 36871))), 1);
}

#[test]
fn what_is_no_event_log_is_refused_with_the_way_to_get_one() {
    for (log, said) in [(&b"{\"value\": []}"[..], "not an event log"), (b"", "empty"), (b"PK\x03\x04rest", "zip")] {
        let ran = read(log);
        assert_eq!((ran.code, ran.json()["events"].clone()), (2, Value::Null), "{}", ran.stderr);
        assert!(ran.stderr.contains(said) && ran.stderr.contains("hint:"), "{}", ran.stderr);
    }
    let missing = azaudit(&["diagnose", "--events", "/nowhere/at/all.evtx"]);
    assert_eq!((missing.code, missing.stdout.as_str()), (2, ""));
    assert!(missing.stderr.contains("/nowhere/at/all.evtx"), "{}", missing.stderr);
}

#[test]
fn logs_of_every_kind_in_the_four_languages_are_read() {
    let folder = format!("{}/testdata/events", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 10);
    let mut found = BTreeSet::new();
    for file in files.iter().filter(|path| path.extension().is_none_or(|it| it != "md")) {
        let ran = azaudit(&["diagnose", "--events", file.to_str().unwrap(), "--lang", "en"]);
        assert!([0, 1].contains(&ran.code), "{}: {}", file.display(), ran.stderr);
        found.insert(ran.code);
        let told = ran.stdout.contains("Events read:") && (ran.code == 0) != ran.stdout.contains("What to do");
        assert!(told, "{}: {}", file.display(), ran.stdout);
    }
    assert!(found.contains(&1), "{found:?}");
}

#[test]
fn people_and_tickets_read_it_in_their_language() {
    let log = event("Schannel", 36871);
    let run = |more: &[&str]| azaudit_with_input(&[&["diagnose", "--events", "-"], more].concat(), log.as_str());
    let text = run(&["--lang", "ja"]);
    assert!(
        text.stdout.contains("読み取ったイベント: 1") && text.stdout.contains("1 × Schannel 36871"),
        "{}",
        text.stdout
    );
    let ticket = run(&["--lang", "fr", "--format", "markdown"]);
    assert!(
        ticket.stdout.contains("- 1 × `Schannel` 36871") && ticket.stdout.contains("### Que faire"),
        "{}",
        ticket.stdout
    );
}

#[test]
fn a_log_and_a_text_or_a_source_do_not_go_together() {
    let both = azaudit(&["diagnose", "798", "--events", "x.evtx"]);
    assert_eq!((both.code, both.stdout.as_str()), (2, ""));
    let source = azaudit(&["diagnose", "--events", "x.evtx", "--from", "testdata/diagnose/sound.json"]);
    assert_eq!((source.code, source.stdout.as_str()), (2, ""));
    assert!(source.stderr.contains("hint:"), "{}", source.stderr);
}
