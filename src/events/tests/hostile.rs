//! Input that is made to exhaust memory or time, and any bytes at all.

use std::io::{self, Read};

use proptest::prelude::*;

use super::writer::{Record, evtx};
use super::*;

/// Yields the same text again and again, up to so many bytes.
fn endless(text: &str, bytes: u64) -> impl Read {
    struct Repeat {
        text: Vec<u8>,
        at: usize,
    }
    impl Read for Repeat {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let rest = &self.text[self.at..];
            let len = rest.len().min(out.len());
            out[..len].copy_from_slice(&rest[..len]);
            self.at = (self.at + len) % self.text.len();
            Ok(len)
        }
    }
    // large blocks, for the sake of the test's speed
    let many = text.repeat(65536 / text.len() + 1);
    Repeat { text: many.into_bytes(), at: 0 }.take(bytes)
}

/// Reads with the reader of one format, and says how much the window held at most.
fn most_held(input: impl Read, xml: bool) -> (EventLog, usize) {
    let scenarios = scenarios();
    let mut tally = Tally::new(&scenarios);
    let mut window = Window::new(input);
    match xml {
        true => xml::read(&mut window, &mut tally).unwrap(),
        false => text::read(&mut window, &mut tally).unwrap(),
    }
    (tally.finish(), window.capacity())
}

const MB: u64 = 1 << 20;

#[test]
fn long_logs_are_read_in_bounded_memory() {
    let filler = "x".repeat(20_000);
    let event = xml_event("Schannel", "36871").replace("</System>", &format!("</System><Data>{filler}</Data>"));
    let bytes = 300 * MB / event.len() as u64 * event.len() as u64;
    let (log, held) = most_held(endless(&event, bytes), true);
    assert_eq!((log.read, log.damaged), (bytes / event.len() as u64, 0));
    assert_eq!(log.scenarios[0].count, log.read);
    assert!(held < 4 << 20, "{held}");

    let event = format!("Event[0]\r\n  Source: Schannel\r\n  Event ID: 36871\r\n  Description:\r\n{filler}\r\n");
    let bytes = 50 * MB / event.len() as u64 * event.len() as u64;
    let (log, held) = most_held(endless(&event, bytes), false);
    assert_eq!((log.read, log.damaged), (bytes / event.len() as u64, 0));
    assert!(held < 4 << 20, "{held}");
}

#[test]
fn what_never_ends_is_damaged_once_and_held_in_part() {
    let after = xml_event("Schannel", "36871");
    for start in ["<Event>", "<Event><!--", "<Event a='", "<Event><![CDATA[", "<Event><?"] {
        let input = start.as_bytes().chain(io::repeat(b'x').take(8 * MB)).chain(after.as_bytes());
        let (log, held) = most_held(input, true);
        assert_eq!((log.read, log.damaged), (1, 1), "{start}");
        assert!(held < 4 << 20, "{start}: {held}");
    }
    // the same line of text, before and after a numbered event
    let line = || io::repeat(b'x').take(8 * MB).chain(&b"\r\n"[..]);
    let event = "Event[0]\r\n  Source: Schannel\r\n  Event ID: 36871\r\n  Description:\r\n";
    let (log, held) = most_held(line().chain(event.as_bytes()).chain(line()).chain(event.as_bytes()), false);
    assert_eq!((log.read, log.damaged), (2, 1));
    assert!(held < 4 << 20, "{held}");
    assert_eq!(read(line(), &[]).unwrap_err().to_string(), "not an event log: text without events");
}

/// Each of these would take hours if what was searched in vain were searched again.
#[test]
fn damage_after_damage_takes_no_longer_than_sound_events() {
    for text in [
        "<Event><!--",
        "<Event><![CDATA[",
        "<Event a='",
        "<Event>",
        "<!--",
        "<",
        "<Event\n",
        "Source:\n",
        "\"",
        "<?",
        "<Event><a>",
    ] {
        let (log, held) = most_held(endless(text, 3 * MB / 2), true);
        assert_eq!(log.read, 0, "{text}");

        assert!(held < 4 << 20, "{text}: {held}");
        let (log, _) = most_held(endless(text, 3 * MB / 2), false);
        assert_eq!(log.read, 0, "{text}");
    }
    let header = "Level,Date and Time,Source,Event ID\n";
    for start in ["", "\""] {
        for text in ["\"", "\"\n", "a,\"", "\n"] {
            let input = header.as_bytes().chain(start.as_bytes()).chain(endless(text, 3 * MB / 2));
            let log = read(input, &[]).unwrap();
            assert_eq!(log.read, 0, "{text}");
        }
    }
    for text in ["{", "{\"", "[{}", "{\"a\":"] {
        assert!(read(endless(text, 3 * MB / 2), &[]).is_err(), "{text}");
    }
}

#[test]
fn deep_nesting_is_read() {
    for depth in [100, 100_000] {
        let data = "<a>".repeat(depth) + &"</a>".repeat(depth);
        let text = xml_event("Schannel", "36871").replace("</System>", &format!("</System>{data}"));
        assert_eq!(counts(text.as_bytes()), (1, 0, 0, 1), "{depth}");
    }
}

#[test]
fn an_event_is_damaged_from_one_megabyte_on() {
    let size =
        |bytes: usize| xml_event("Schannel", "36871").replace("</System>", &format!("</System>{}", "x".repeat(bytes)));
    assert_eq!(counts(size(1_000_000).as_bytes()), (1, 0, 0, 1));
    assert_eq!(counts((size(3_000_000) + &size(1)).as_bytes()), (1, 1, 0, 1));
}

fn small_log() -> Vec<u8> {
    let record = Record { source: "Schannel", event_source: "", id: 36871, time: 1_781_424_764, text: "TLS".into() };
    let mut log = evtx(&[vec![record; 3]]);
    // as far as its records go
    let used = log.iter().rposition(|it| *it != 0).unwrap_or(0);
    log.truncate(used + 1);
    log
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        _ = read(&bytes[..], &scenarios());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "([<>\\[\\]{}\"':,\r\n ]|<Event|</Event>|<!--|-->|Source|Event ID|Event\\[0\\]|Log Name|36871|Description|Schannel|é|語){0,60}") {
        _ = read(text.as_bytes(), &scenarios());
    }

    #[test]
    fn changed_logs_are_read_or_refused(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let names = all_fixtures();
        let name = which.get(&names);
        let mut bytes = if name.ends_with(".evtx") { small_log() } else { fixture(name) };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        _ = read(&bytes[..], &scenarios());
        bytes.truncate(cut.index(bytes.len()));
        _ = read(&bytes[..], &scenarios());
    }

    /// Half of the changes would hit the header of the file otherwise.
    #[test]
    fn changed_records_are_read_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = small_log();
        for (at, byte) in changes {
            let at = 4096 + at.index(bytes.len() - 4096);
            bytes[at] = byte;
        }
        let log = read(&bytes[..], &scenarios()).unwrap();
        prop_assert!(log.read <= 3 + log.damaged, "{log:?}");
    }
}
