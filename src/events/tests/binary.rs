//! `.evtx` files, sound and damaged.

use super::writer::{Record, chunk_at, evtx};
use super::*;

/// Schannel 36871, and two events that belong to no scenario.
fn records() -> Vec<Record> {
    let record = |source, event_source, id| Record {
        source,
        event_source,
        id,
        time: 1_781_424_764,
        text: "TLS & <Event>".into(),
    };
    vec![record("Schannel", "", 36871), record("Service Control Manager", "", 7036), record("EventLog", "", 6005)]
}

fn two_chunks() -> Vec<u8> {
    evtx(&[records(), records()])
}

#[test]
fn the_fixture_is_what_the_writer_writes() {
    let record = |source, event_source, id, time| Record { source, event_source, id, time, text: "state 10013".into() };
    let day = 86_400;
    let midnight = 1_781_395_200; // 2026-06-14
    let events = vec![
        record("Schannel", "", 36871, midnight + 8 * 3600 + 12 * 60 + 44),
        record(SESSION_MANAGER, "TermService", 1058, midnight - 3600 + 5 * 60 + 1),
        record("Microsoft-Windows-GroupPolicy", "", 1058, midnight + day + 7 * 3600),
        record("Schannel", "", 36870, midnight - 3 * 3600 + 30 * 60 + 9),
        record("Schannel", "", 36871, midnight - 2 * day + 6 * 3600 + 62),
    ];
    let written = evtx(&[events]);
    if std::env::var_os("AZAUDIT_WRITE_FIXTURES").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/events/system.evtx"), &written).unwrap();
    }
    assert!(written == fixture("system.evtx"), "run this test once with AZAUDIT_WRITE_FIXTURES=1");
}

#[test]
fn a_sound_log_is_read_whole() {
    assert_eq!(counts(&two_chunks()), (6, 0, 0, 2));
    assert_eq!(log(&two_chunks()).scenarios[0].last.as_deref(), Some("2026-06-14T08:12:44Z"));
    assert_eq!(counts(&evtx(&[])), (0, 0, 0, 0));
}

#[test]
fn the_older_name_of_a_source_counts_too() {
    let mut record = Record { source: "Other", event_source: "TermService", id: 1058, ..records()[0].clone() };
    assert_eq!(counts(&evtx(&[vec![record.clone()]])), (1, 0, 1, 0));
    record.event_source = "";
    assert_eq!(counts(&evtx(&[vec![record]])), (1, 0, 0, 0));
}

#[test]
fn a_damaged_chunk_is_counted_and_the_next_one_is_read() {
    let mut file = two_chunks();
    file[chunk_at(0)] = b'X';
    assert_eq!(counts(&file), (3, 1, 0, 1));
}

#[test]
fn a_damaged_record_is_counted_and_the_next_one_is_read() {
    let mut file = two_chunks();
    // the second record's signature; the first one holds the template
    let second = memchr::memmem::find_iter(&file, b"**\0\0").nth(1).unwrap();
    file[second] = b'X';
    assert_eq!(counts(&file), (5, 1, 0, 2));
}

#[test]
fn a_wrong_checksum_is_damage_unless_windows_had_the_log_open() {
    let mut file = two_chunks();
    let text = memchr::memmem::find(&file, b"T\0L\0S\0").unwrap();
    file[text] = b'D';
    assert_eq!(counts(&file), (6, 1, 0, 2));
    file[120] = 1;
    assert_eq!(counts(&file), (6, 0, 0, 2));
}

#[test]
fn a_log_that_ends_early_is_read_up_to_there() {
    let file = two_chunks();
    let second = memchr::memmem::find_iter(&file, b"**\0\0").nth(4).unwrap();
    assert_eq!(counts(&file[..second]), (4, 1, 0, 2));
    assert_eq!(counts(&file[..chunk_at(1) + 100]), (3, 1, 0, 1));
    assert_eq!(counts(&file[..chunk_at(1)]), (3, 1, 0, 1));
    assert_eq!(counts(&file[..2000]), (0, 1, 0, 0));
    // Windows fills logs up with zeros
    let filled = [&file[..], &vec![0; 1000]].concat();
    assert_eq!(counts(&filled), (6, 0, 0, 2));
}

#[test]
fn records_that_are_zeroed_are_damage_even_in_a_log_that_windows_had_open() {
    let mut file = two_chunks();
    file[120] = 1;
    assert_eq!(counts(&file), (6, 0, 0, 2));
    let last = memchr::memmem::find_iter(&file, b"**\0\0").nth(5).unwrap();
    file[last..].fill(0);
    assert_eq!(counts(&file), (5, 1, 0, 2));
}

#[test]
fn chunks_are_read_without_a_sound_header() {
    let mut file = two_chunks();
    file[8..120].fill(0xff);
    assert_eq!(counts(&file), (6, 0, 0, 2));
    file[0] = 0;
    assert_eq!(counts(&file), (6, 1, 0, 2));
    assert_eq!(counts(&file[chunk_at(0)..]), (6, 1, 0, 2));
}

#[test]
fn absurd_sizes_are_damage() {
    let sound = evtx(&[records()]);
    let record = memchr::memmem::find(&sound, b"**\0\0").unwrap();
    // where the chunk's header says that its records end, and the record's own size
    for at in [chunk_at(0) + 48, record + 4] {
        for size in [u32::MAX, 0, 1, 0x7fff_ffff] {
            let mut file = sound.clone();
            file[at..at + 4].copy_from_slice(&size.to_le_bytes());
            assert!(log(&file).damaged > 0, "{at} {size}");
        }
    }
}

#[test]
fn many_chunks_are_read_in_any_number_of_batches() {
    let chunks: Vec<_> = (0..150).map(|_| records()).collect();
    assert_eq!(counts(&evtx(&chunks)), (450, 0, 0, 150));
}
