//! Texts with labels: which lines begin an event, and which are a description.

use super::*;

fn numbered(number: u32, source: &str, id: &str, description: &str) -> String {
    format!(
        "Event[{number}]\r\n  Log Name: System\r\n  Source: {source}\r\n  Date: 2026-06-14T08:12:44.123\r\n  \
         Event ID: {id}\r\n  Task: N/A\r\n  Level: Fehler\r\n  Description: \r\n{description}\r\n\r\n"
    )
}

fn copied(source: &str, id: &str, description: &str) -> String {
    format!(
        "Log Name:      System\r\nSource:        {source}\r\nDate:          6/14/2026 8:12:44 AM\r\nEvent ID:      {id}\r\n\
         Task Category: None\r\nLevel:         Error\r\nDescription:\r\n{description}\r\n"
    )
}

const DECOY: &str = "Log Name: System\r\nSource: Schannel\r\nDate: 2026-06-14T08:12:44Z\r\nEvent ID: 36871";

#[test]
fn in_wevtutils_text_only_its_numbers_begin_an_event() {
    let one = numbered(0, "Other", "1", "text");
    let two = numbered(1, "Schannel", "36871", "text");
    assert_eq!(counts(format!("{one}{two}").as_bytes()), (2, 0, 0, 1));
    assert_eq!(counts(format!("{one}{}", two.replace("[1]", "[1]:")).as_bytes()), (2, 0, 0, 1));
    assert_eq!(counts(numbered(0, "Other", "1", DECOY).as_bytes()), (1, 0, 0, 0));
    assert_eq!(counts(numbered(0, "Other", "1", &tls_xml()).as_bytes()), (1, 0, 0, 0));
}

fn tls_xml() -> String {
    xml_event("Schannel", "36871")
}

#[test]
fn an_event_without_source_or_id_is_damaged() {
    let sound = numbered(1, "Schannel", "36871", "text");
    for (part, instead) in [
        ("  Source: Schannel\r\n", ""),
        ("  Event ID: 36871\r\n", ""),
        ("36871", "n/a"),
        ("  Source: Schannel", "  Source: "),
    ] {
        let text = format!("{}{sound}", sound.replace(part, instead));
        assert_eq!(counts(text.as_bytes()), (1, 1, 0, 1), "{part} -> {instead}");
    }
    let cut = sound.find("871").unwrap();
    assert_eq!(counts(&sound.as_bytes()[..cut]), (0, 1, 0, 0));
    let sound = copied("Schannel", "36871", "text");
    let text = format!("{}{sound}", sound.replace("Event ID:      36871\r\n", ""));
    assert_eq!(counts(text.as_bytes()), (1, 1, 0, 1));
    // not enough to be an event, but the start of one
    assert_eq!(counts(format!("{sound}{}", &sound[..50]).as_bytes()), (1, 1, 0, 1));
}

#[test]
fn in_copied_text_an_event_begins_where_its_labels_stand_together() {
    let other = |description| copied("Other", "1", description);
    assert_eq!(counts(other("text").as_bytes()), (1, 0, 0, 0));
    assert_eq!(counts(other("Source: Schannel\r\nof\r\nEvent ID: 36871").as_bytes()), (1, 0, 0, 0));
    for between in ["", "\r\n\r\n", "please help, this one too:\r\n"] {
        let text = format!("{}{between}{}", other("text"), copied("Schannel", "36871", "text"));
        assert_eq!(counts(text.as_bytes()), (2, 0, 0, 1), "{between}");
    }
    let without_log = copied("Schannel", "36871", "x").replace("Log Name:      System\r\n", "");
    assert_eq!(counts(format!("{without_log}{without_log}").as_bytes()), (2, 0, 0, 2));
    for mark in ["> ", ">\r\n>> "] {
        let quoted = without_log.repeat(2).replace("\r\n", &format!("\r\n{mark}"));
        assert_eq!(counts(format!("> {quoted}").as_bytes()), (2, 0, 0, 2), "{mark}");
    }
}

#[test]
fn an_event_that_is_there_as_text_and_as_xml_counts_once() {
    let text = copied("Schannel", "36871", "text");
    let xml = tls_xml();
    assert_eq!(counts(format!("{text}Event Xml:\r\n{xml}\r\n").as_bytes()), (1, 0, 0, 1));
    assert_eq!(counts(format!("{text}Event Xml: {xml}\r\n{text}Event Xml:\r\n{xml}").as_bytes()), (2, 0, 0, 2));
    assert_eq!(counts(format!("{text}{xml}\r\n").as_bytes()), (1, 0, 0, 1));
    // two events
    assert_eq!(counts(format!("{text}{}\r\n", xml_event("Schannel", "36870")).as_bytes()), (2, 0, 1, 1));
    // the XML is cut, but the text told all
    assert_eq!(counts(format!("{text}Event Xml:\r\n{}", &xml[..60]).as_bytes()), (1, 0, 0, 1));
    assert_eq!(counts(format!("{text}Event Xml:\r\n").as_bytes()), (1, 0, 0, 1));
    // the XML knows the time zone
    let last = log(format!("{text}Event Xml:\r\n{xml}").as_bytes()).scenarios[0].last.clone();
    assert_eq!(last.as_deref(), Some("2026-06-14T08:12:44Z"));
    assert_eq!(log(text.as_bytes()).scenarios[0].last, None);
}

#[test]
fn the_general_tab_has_its_labels_below_the_text() {
    let tab = |id| {
        format!(
            "A fatal error occurred.\r\n\r\nLog Name:\tSystem\r\nSource:\tSchannel\r\nLogged:\t6/14/2026 8:12:44 AM\r\nEvent ID:\t{id}\r\nLevel:\tError\r\n"
        )
    };
    assert_eq!(counts(format!("{}{}", tab(36871), tab(36870)).as_bytes()), (2, 0, 1, 1));
    assert_eq!(log(tab(36871).as_bytes()).scenarios[0].last_local.as_deref(), Some("2026-06-14 08:12:44"));
}

#[test]
fn a_source_with_two_names_has_both() {
    let both = copied("TermService (Microsoft-Windows-Other)", "1058", "text");
    assert_eq!(counts(both.as_bytes()), (1, 0, 1, 0));
    let both = copied("Other (TerminalServices-RemoteConnectionManager)", "1058", "text");
    assert_eq!(counts(both.as_bytes()), (1, 0, 1, 0));
    assert_eq!(counts(copied("Other", "1058", "text").as_bytes()), (1, 0, 0, 0));
}

#[test]
fn every_unicode_encoding_of_every_text_tells_the_same() {
    for name in [
        "viewer-ja.cp932.txt",
        "viewer-zh.gbk.txt",
        "viewer-fr.cp1252.txt",
        "wevtutil.txt",
        "wevtutil.xml",
        "viewer-zh.csv",
        "winevent.json",
    ] {
        let bytes = fixture(name);
        let text = decode::Charset::of(&bytes).decode_start(&bytes);
        let expected = log(&bytes);
        let utf16 = |mark: bool, bytes: fn(u16) -> [u8; 2]| {
            mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>()
        };
        for (encoding, bytes) in [
            ("UTF-8", text.as_bytes().to_vec()),
            ("UTF-8 with mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
            ("UTF-16LE with mark", utf16(true, u16::to_le_bytes)),
            ("UTF-16LE", utf16(false, u16::to_le_bytes)),
            ("UTF-16BE with mark", utf16(true, u16::to_be_bytes)),
            ("UTF-16BE", utf16(false, u16::to_be_bytes)),
        ] {
            assert_eq!(log(&bytes), expected, "{name} in {encoding}");
        }
    }
}

#[test]
fn damaged_rows_and_objects_are_counted_and_the_next_ones_are_read() {
    let table = |row: &str| {
        format!(
            "Level,Date and Time,Source,Event ID,Task Category\r\n{row}Error,6/14/2026 8:12:44 AM,Schannel,36871,None,\"a \"\"b\"\",\r\nc\"\r\n"
        )
    };
    assert_eq!(counts(table("").as_bytes()), (1, 0, 0, 1));
    assert_eq!(counts(table("Error,6/14/2026 8:12:44 AM,Schannel,x,None\r\n").as_bytes()), (1, 1, 0, 1));
    assert_eq!(counts(table("Error,6/14/2026\r\n").as_bytes()), (1, 1, 0, 1));
    assert_eq!(counts(table("").replace(',', "\t").as_bytes()), (1, 0, 0, 1));
    let list = |object: &str| format!("[{object}{{\"ProviderName\": \"Schannel\", \"Id\": 36871}}]");
    assert_eq!(counts(list("").as_bytes()), (1, 0, 0, 1));
    assert_eq!(counts(list("{\"Id\": 36871},").as_bytes()), (1, 1, 0, 1));
    assert_eq!(counts(list("{\"ProviderName\" \"Schannel\", \"Id\": 36871},").as_bytes()), (1, 1, 0, 1));
    let rest = list("");
    assert_eq!(counts(format!("{}{{\"ProviderName\": \"Sch", rest).as_bytes()), (1, 1, 0, 1));
}

#[test]
fn objects_of_other_tools_are_events_too() {
    for object in [
        r#"{"Source": "Schannel", "EventID": 36871, "TimeGenerated": "2026-06-14T08:12:44Z"}"#,
        r#"{"ProviderName": "Schannel", "Id": "36871", "TimeCreated": {"value": "\/Date(1781424764123)\/", "DateTime": "x"}}"#,
        r##"{"Event": {"System": {"Provider": {"#attributes": {"Name": "Schannel"}}, "EventID": {"#text": 36871}, "TimeCreated": {"#attributes": {"SystemTime": "2026-06-14T08:12:44.5Z"}}}}}"##,
        r#"{"ProviderName": "Schannel", "Id": 36871, "TimeCreated": "2026-06-14T10:12:44.5+02:00"}"#,
    ] {
        let log = log(object.as_bytes());
        assert_eq!(log.scenarios[0].last.as_deref(), Some("2026-06-14T08:12:44Z"), "{object}");
    }
}
