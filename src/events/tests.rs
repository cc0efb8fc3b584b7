//! The same five events in every format and encoding, and what is not quite a log.

mod binary;
mod hostile;
mod markup;
mod texts;
mod writer;

use super::*;

const SESSION_MANAGER: &str = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";

/// Two scenarios of the catalogue.
fn scenarios() -> Vec<Scenario> {
    let pair = |sources: &[&str], id| EventPair { sources: sources.iter().map(|&it| it.into()).collect(), id };
    let manager = [SESSION_MANAGER, "TerminalServices-RemoteConnectionManager", "TermService"];
    vec![
        Scenario {
            symptom: "machinekeys".into(),
            events: vec![pair(&manager, 1057), pair(&manager, 1058), pair(&["Schannel"], 36870)],
        },
        Scenario { symptom: "tls".into(), events: vec![pair(&["Schannel"], 36871)] },
    ]
}

fn log(bytes: &[u8]) -> EventLog {
    read(bytes, &scenarios()).unwrap()
}

/// Read, damaged, and the counts of the two scenarios.
fn counts(bytes: &[u8]) -> (u64, u64, u64, u64) {
    let log = log(bytes);
    let count = |id| log.scenarios.iter().find(|it| it.symptom == id).map_or(0, |it| it.count);
    (log.read, log.damaged, count("machinekeys"), count("tls"))
}

fn error(bytes: &[u8]) -> String {
    read(bytes, &scenarios()).unwrap_err().to_string()
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/events").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn all_fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/events");
    let names = folder.read_dir().unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Each file holds the same events: Schannel 36871 twice and 36870, the session manager's 1058, and the 1058 of group
/// policy, which is another event.
#[test]
fn every_format_tells_the_same() {
    let names = all_fixtures();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let log = log(&fixture(&name));
        assert_eq!((log.read, log.damaged), (5, 0), "{name}");
        let [keys, tls] = &log.scenarios[..] else { panic!("{name}: {log:?}") };
        let ids = |it: &ScenarioCount| it.ids.iter().map(|it| (it.source.clone(), it.id, it.count)).collect::<Vec<_>>();
        assert_eq!((keys.symptom.as_str(), keys.count), ("machinekeys", 2), "{name}");
        assert_eq!(ids(keys), [(SESSION_MANAGER.into(), 1058, 1), ("Schannel".into(), 36870, 1)], "{name}");
        assert_eq!((tls.symptom.as_str(), tls.count), ("tls", 2), "{name}");
        assert_eq!(ids(tls), [("Schannel".into(), 36871, 2)], "{name}");
        let last = (tls.last.as_deref(), tls.last_local.as_deref(), keys.last.as_deref());
        let zoned = (Some("2026-06-14T08:12:44Z"), None, Some("2026-06-13T23:05:01Z"));
        let local = (None, Some("2026-06-14 08:12:44"), None);
        let expected = match name.as_str() {
            // the order of day and month is not known, and one of the dates could be two days
            "winevent-export.csv" => (None, None, None),
            name if name.contains("-fr.") || name.contains("-zh.gbk") && name.starts_with("viewer") => local,
            name if name.ends_with(".csv") || name == "viewer-ja.cp932.txt" => local,
            _ => zoned,
        };
        assert_eq!(last, expected, "{name}");
    }
}

#[test]
fn the_json_is_that_of_the_contract() {
    let log = log(&fixture("wevtutil.xml"));
    let json = serde_json::to_value(&log).unwrap();
    let expected = serde_json::json!({"read": 5, "damaged": 0, "scenarios": [
        {"symptom": "machinekeys", "count": 2, "last": "2026-06-13T23:05:01Z", "ids": [
            {"source": SESSION_MANAGER, "id": 1058, "count": 1}, {"source": "Schannel", "id": 36870, "count": 1}]},
        {"symptom": "tls", "count": 2, "last": "2026-06-14T08:12:44Z", "ids": [
            {"source": "Schannel", "id": 36871, "count": 2}]}]});
    assert_eq!(json, expected);
}

fn xml_event(source: &str, id: &str) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{source}'/>\
         <EventID>{id}</EventID><TimeCreated SystemTime='2026-06-14T08:12:44.5Z'/></System></Event>"
    )
}

#[test]
fn an_event_counts_by_source_and_id() {
    let tls = |source, id| counts(xml_event(source, id).as_bytes());
    assert_eq!(tls("Schannel", "36871"), (1, 0, 0, 1));
    assert_eq!(tls("SCHANNEL", "36871"), (1, 0, 0, 1));
    assert_eq!(tls("Schannel", "36872"), (1, 0, 0, 0));
    assert_eq!(tls("Schannel2", "36871"), (1, 0, 0, 0));
    assert_eq!(tls("TermService", "1058"), (1, 0, 1, 0));
    assert_eq!(tls("Microsoft-Windows-GroupPolicy", "1058"), (1, 0, 0, 0));
}

#[test]
fn the_last_time_is_known_only_when_each_is() {
    let one = xml_event("Schannel", "36871");
    let earlier = one.replace("06-14", "06-13");
    let without = one.replace("SystemTime", "Uptime");
    let last = |text: String| log(text.as_bytes()).scenarios[0].last.clone();
    assert_eq!(last(format!("{one}{earlier}")).as_deref(), Some("2026-06-14T08:12:44Z"));
    assert_eq!(last(format!("{earlier}{one}")).as_deref(), Some("2026-06-14T08:12:44Z"));
    assert_eq!(last(format!("{one}{without}")), None);
}

#[test]
fn what_is_no_event_log_is_an_error_that_says_what_it_is() {
    assert_eq!(error(b""), "the event log is empty");
    assert_eq!(error(b"\xef\xbb\xbf\r\n"), "the event log is empty");
    assert_eq!(error(b"PK\x03\x04abc"), "not an event log: a zip archive or an Office document");
    assert_eq!(
        error(br#"{"schema": "azaudit.report/v1", "results": [{"source": 1}]}"#),
        "not an event log: JSON without events"
    );
    assert_eq!(error(b"hi, my VPN says: Error 798. please help"), "not an event log: text without events");
    assert_eq!(error(b"Source: Schannel"), "not an event log: text without events");
    assert_eq!(error(b"<html><body>Event</body></html>"), "not an event log: a web page");
    for bytes in [&b""[..], b"text", b"PK\x03\x04"] {
        assert!(!read(bytes, &[]).unwrap_err().hint().is_empty());
    }
    assert!(matches!(read_file(Path::new("/no/such/file"), &[]), Err(EventsError::Unreadable(_))));
}

#[test]
fn a_log_without_events_is_a_log() {
    for text in [
        "<Events></Events>",
        "<?xml version=\"1.0\"?><Events/>",
        "Level,Date and Time,Source,Event ID,Task Category\r\n",
        "[]",
    ] {
        assert_eq!(counts(text.as_bytes()), (0, 0, 0, 0), "{text}");
    }
}
