//! Writes the smallest `.evtx` files that Windows would read: one template for each chunk, values for each record.

const CHUNK: usize = 65536;

/// An event to write.
#[derive(Clone)]
pub struct Record {
    pub source: &'static str,
    /// Written as `EventSourceName`, unless it is empty.
    pub event_source: &'static str,
    pub id: u16,
    /// Seconds since 1970.
    pub time: u64,
    pub text: String,
}

/// A log of these chunks.
pub fn evtx(chunks: &[Vec<Record>]) -> Vec<u8> {
    let records = chunks.iter().map(Vec::len).sum::<usize>() as u64;
    let mut file = b"ElfFile\0".to_vec();
    for number in [0, chunks.len().saturating_sub(1) as u64, records + 1] {
        file.extend(number.to_le_bytes());
    }
    file.extend(128_u32.to_le_bytes());
    for number in [1_u16, 3, 4096, chunks.len() as u16] {
        file.extend(number.to_le_bytes());
    }
    file.resize(4096, 0);
    let checksum = crc32(&[&file[..120]]);
    file[124..128].copy_from_slice(&checksum.to_le_bytes());
    let mut first = 1;
    for records in chunks {
        file.extend(chunk(records, first));
        first += records.len() as u64;
    }
    file
}

/// The number of the file's first byte of a chunk.
pub fn chunk_at(number: usize) -> usize {
    4096 + number * CHUNK
}

fn chunk(records: &[Record], first: u64) -> Vec<u8> {
    let mut chunk = vec![0; 512];
    let mut last = 0;
    let mut template = None;
    for (number, record) in (first..).zip(records) {
        last = chunk.len();
        let time = (record.time + 11_644_473_600) * 10_000_000;
        let mut writer = Writer { chunk: &mut chunk };
        writer.raw(b"**\0\0").u32(0).u64(number).u64(time);
        writer.raw(&[0x0f, 1, 1, 0, 0x0c, 1]).u32(7);
        let here = writer.chunk.len() as u32 + 4;
        let definition = *template.get_or_insert(here);
        writer.u32(definition);
        if definition == here {
            writer.definition();
        }
        let source = if record.event_source.is_empty() { 0 } else { 1 };
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let values = [
            (1, utf16(record.source)),
            (source, utf16(record.event_source)),
            (6, record.id.to_le_bytes().to_vec()),
            (0x11, time.to_le_bytes().to_vec()),
            (1, utf16(&record.text)),
        ];
        writer.u32(values.len() as u32);
        for (kind, bytes) in &values {
            writer.u16(bytes.len() as u16).raw(&[*kind, 0]);
        }
        for (_, bytes) in &values {
            writer.raw(bytes);
        }
        let size = (chunk.len() + 4 - last) as u32;
        chunk.extend(size.to_le_bytes());
        chunk[last + 4..last + 8].copy_from_slice(&size.to_le_bytes());
    }
    assert!(chunk.len() <= CHUNK, "too many records for a chunk");
    let free = chunk.len();
    let ids = (first, (first + records.len() as u64).saturating_sub(1));
    let mut header = b"ElfChnk\0".to_vec();
    for number in [ids.0, ids.1, ids.0, ids.1] {
        header.extend(number.to_le_bytes());
    }
    for number in [128, last as u32, free as u32, crc32(&[&chunk[512..]])] {
        header.extend(number.to_le_bytes());
    }
    chunk[..header.len()].copy_from_slice(&header);
    let checksum = crc32(&[&chunk[..120], &chunk[128..512]]);
    chunk[124..128].copy_from_slice(&checksum.to_le_bytes());
    chunk.resize(CHUNK, 0);
    chunk
}

struct Writer<'c> {
    chunk: &'c mut Vec<u8>,
}

impl Writer<'_> {
    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.chunk.extend(bytes);
        self
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A name that stands where it is used.
    fn name(&mut self, name: &str) -> &mut Self {
        let at = self.chunk.len() as u32 + 4;
        self.u32(at).u32(0).u16(0).u16(name.len() as u16);
        for unit in name.encode_utf16() {
            self.u16(unit);
        }
        self.u16(0)
    }

    fn open(&mut self, name: &str) -> &mut Self {
        self.raw(&[0x01]).u16(0xffff).u32(0).name(name)
    }

    fn open_with_attributes(&mut self, name: &str) -> &mut Self {
        self.raw(&[0x41]).u16(0xffff).u32(0).name(name).u32(0)
    }

    /// An attribute whose value is a value of the record; left out where that is null.
    fn attribute(&mut self, name: &str, last: bool, value: u16, kind: u8) -> &mut Self {
        self.raw(&[if last { 0x06 } else { 0x46 }]).name(name).raw(&[0x0e]).u16(value).raw(&[kind])
    }

    fn close(&mut self) -> &mut Self {
        self.raw(&[0x02])
    }

    fn value(&mut self, value: u16, kind: u8) -> &mut Self {
        self.raw(&[0x0e]).u16(value).raw(&[kind])
    }

    fn end(&mut self) -> &mut Self {
        self.raw(&[0x04])
    }

    fn definition(&mut self) {
        self.u32(0).u32(7).raw(&[0xa5; 12]).u32(0);
        let start = self.chunk.len();
        self.raw(&[0x0f, 1, 1, 0]).open("Event").close().open("System").close();
        self.open_with_attributes("Provider").attribute("Name", false, 0, 1).attribute("EventSourceName", true, 1, 1);
        self.raw(&[0x03]).open("EventID").close().value(2, 6).end();
        self.open_with_attributes("TimeCreated").attribute("SystemTime", true, 3, 0x11).raw(&[0x03]);
        self.end().open("EventData").close().open("Data").close().value(4, 1).end().end().end().raw(&[0]);
        let size = (self.chunk.len() - start) as u32;
        self.chunk[start - 4..start].copy_from_slice(&size.to_le_bytes());
    }
}

/// The checksum of the format: CRC-32 as in zip files.
fn crc32(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().flat_map(|it| it.iter());
    !bytes.fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}
