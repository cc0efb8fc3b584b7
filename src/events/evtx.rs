//! The binary logs of Windows since Vista: a header of 4 KB and chunks of 64 KB, each of which can be read alone.
//!
//! That is how they are read: chunk by chunk, so the file need not be seekable, the header's numbers only tell what is
//! missing, and a damaged chunk takes no other with it. Records in the unused space of a chunk belong to former times and are
//! not read.

use std::io::Read;
use std::sync::Arc;

use ::evtx::{ChunkFlags, EvtxChunkData, EvtxChunkHeader, EvtxFileHeader, HeaderFlags, ParserSettings};
use rayon::prelude::*;

use super::date::Moment;
use super::tally::Tally;
use super::{Event, EventsError, xml};

const HEADER: usize = 4096;
const CHUNK: usize = 65536;
/// Chunks that are read together, for all cores.
const BATCH: usize = 64;

/// Reads the whole log.
pub(super) fn read(mut input: impl Read, tally: &mut Tally) -> Result<(), EventsError> {
    let mut header = part(&mut input, 8)?;
    // without its header, a log starts with a chunk
    let mut ahead = Vec::new();
    if header == b"ElfChnk\0" {
        ahead = std::mem::take(&mut header);
        tally.damaged();
    } else {
        header.append(&mut part(&mut input, HEADER - header.len())?);
        if header.len() < HEADER || !header.starts_with(b"ElfFile\0") {
            tally.damaged();
        }
    }
    let header = EvtxFileHeader::from_bytes(&header).ok().filter(|_| header.len() == HEADER);
    // Windows had it open when it was copied
    let dirty = header.as_ref().is_some_and(|it| it.flags.contains(HeaderFlags::DIRTY));
    // more than 65,535 chunks do not fit into the header's number
    let promised = header.filter(EvtxFileHeader::validate_checksum).map_or(0, |it| usize::from(it.chunk_count));
    let mut seen = 0;
    let mut input = ahead.as_slice().chain(input);
    loop {
        let mut chunks = Vec::with_capacity(BATCH);
        while chunks.len() < BATCH {
            let chunk = part(&mut input, CHUNK)?;
            if chunk.is_empty() {
                break;
            }
            chunks.push(chunk);
        }
        let last = chunks.len() < BATCH;
        seen += chunks.len();
        let cut = chunks.last().is_some_and(|it| it.len() < CHUNK);
        let read: Vec<Chunk> = chunks.into_par_iter().map(|chunk| read_chunk(chunk, dirty)).collect();
        for chunk in read {
            chunk.events.iter().for_each(|event| tally.event(event));
            (0..chunk.damaged).for_each(|_| tally.damaged());
        }
        if last {
            // a copy that ended early; where it ended within a chunk, that is damaged
            if seen < promised && !cut {
                tally.damaged();
            }
            return Ok(());
        }
    }
}

/// The next so many bytes, fewer at the end.
fn part(input: &mut impl Read, len: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    input.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[derive(Default)]
struct Chunk {
    events: Vec<Event>,
    damaged: u64,
}

fn read_chunk(mut bytes: Vec<u8>, dirty: bool) -> Chunk {
    let mut found = Chunk::default();
    if bytes.iter().all(|it| *it == 0) {
        return found;
    }
    let cut = bytes.len() < CHUNK;
    bytes.resize(CHUNK, 0);
    let Ok(mut data) = EvtxChunkData::new(bytes, false) else {
        return Chunk { damaged: 1, ..found };
    };
    // Windows writes the checksums of a log in use late
    let sound = dirty || data.header.flags.contains(ChunkFlags::DIRTY) || data.validate_checksum();
    let promised = records(&data.header);
    let Ok(mut chunk) = data.parse(Arc::new(ParserSettings::new().indent(false))) else {
        return Chunk { damaged: 1, ..found };
    };
    for record in chunk.iter() {
        match record.ok().and_then(event) {
            Some(event) => found.events.push(event),
            None => found.damaged += 1,
        }
    }
    // something is wrong in there although no record showed it
    let missing = (found.events.len() as u64) < promised;
    if found.damaged == 0 && (cut || !sound || missing) {
        found.damaged = 1;
    }
    found
}

/// How many records a chunk has by its header. Windows writes the last one's number as -1 where there is none.
fn records(header: &EvtxChunkHeader) -> u64 {
    match header.last_event_record_number {
        u64::MAX => 0,
        last => last.checked_sub(header.first_event_record_number).map_or(0, |it| it.saturating_add(1)),
    }
}

fn event(record: ::evtx::EvtxRecord) -> Option<Event> {
    let written = i64::from(record.timestamp.subsec_nanosecond());
    let written = i128::from(record.timestamp.as_second()) * 1_000_000_000 + i128::from(written);
    let xml = record.into_xml_bytes().ok()?.data;
    let mut event = xml::parse(&String::from_utf8_lossy(&xml))?;
    // the record's own time is when it was written, moments later
    let written = || time::OffsetDateTime::from_unix_timestamp_nanos(written).ok().map(Moment::Utc);
    event.moment = event.moment.or_else(written);
    Some(event)
}
