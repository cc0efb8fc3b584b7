//! From the stored value to what is in it: layers are peeled until a certificate, a key or damage is left.

use std::borrow::Cow;
use std::ops::Range;

use data_encoding::{BASE64, Encoding, Specification};
use sha2::{Digest, Sha256};

use super::der;
use super::scan::{Blank, FirstBlank, Marker, Squeezed, markers};
use super::stray;
use crate::facts::schema::fact_enum;

fact_enum! {
    /// How root certificate data is laid out.
    pub enum Layout {
        /// One line of base64 and nothing else, as Azure wants it (or text that is not base64 and shows no fault of layout).
        OneLine => "oneLine",
        /// Spaces, tabs or line breaks stand in it.
        Whitespace => "whitespace",
        /// A byte order mark stands in it.
        Bom => "bom",
        /// Characters without a width stand in it.
        ZeroWidth => "zeroWidth",
        /// Its BEGIN or END line was pasted too.
        PemLines => "pemLines",
        /// It is base64 of a whole PEM file: what az CLI makes of one.
        Base64OfPem => "base64OfPem",
        /// It is base64 of text that is base64 already.
        Base64Twice => "base64Twice",
        /// The `=` signs at its end are missing.
        Padding => "padding",
    }
}

/// Where a layout goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutFault {
    /// The first character that has no place there, counted from 0.
    pub offset: usize,
    /// What it is, for a person: `a line break (LF)`. `None` where no single character is at fault.
    pub character: Option<&'static str>,
}

/// Why there is no single certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Nothing is left.
    Empty,
    /// A character that is not base64.
    NotBase64 {
        /// Which one, counted from 0.
        offset: usize,
        /// The character.
        character: char,
        /// Whether it stands in text that was base64 once more, and `offset` counts there.
        inner: bool,
    },
    /// So many characters of base64 cannot stand for whole bytes.
    OddLength(usize),
    /// DER ends too early.
    Truncated {
        /// How many bytes are there.
        bytes: usize,
        /// How many there should be, where the first ones say so.
        expected: Option<usize>,
    },
    /// Not an X.509 certificate: what else, as a clause.
    NotX509(&'static str),
    /// So many bytes follow the certificate.
    TrailingBytes(usize),
    /// So many certificates.
    SeveralCertificates(usize),
    /// PKCS#7 or CMS.
    Pkcs7,
    /// Other data stands around the certificate, outside of its PEM lines.
    StrayData(Stray),
}

/// Something outside of the PEM lines that is no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Its first character, counted from 0.
    pub offset: usize,
    /// Whether it stands in text that was base64 once more, and `offset` counts there.
    pub inner: bool,
}

/// What a value holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// One certificate: its DER.
    Certificate(Vec<u8>),
    /// Private key material and no certificate beside it.
    PrivateKey,
    /// Neither.
    Damaged(Damage),
}

/// The value without its faults of layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Its SHA-256, in lower-case hex digits.
    pub sha256: String,
    /// Its text, where it is a certificate and short enough to be shown (8 KiB).
    pub text: Option<String>,
}

/// What was found in a stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its layout.
    pub layout: Layout,
    /// Where that goes wrong; `None` with [`Layout::OneLine`].
    pub fault: Option<LayoutFault>,
    /// What it should be; `None` where a private key is all that there is.
    pub cleaned: Option<Cleaned>,
    /// What it holds.
    pub content: Content,
    /// The form of the private key in it, if there is one.
    pub private_key: Option<&'static str>,
    /// Words around a certificate's PEM lines that OpenSSL does not print there.
    pub stray_text: Option<Stray>,
}

/// The longest cleaned value that is kept, in bytes. A root certificate has between 1 and 3 KiB.
const LONGEST_KEPT: usize = 8 * 1024;

/// Nobody encodes more often than that by accident.
const DEEPEST: usize = 6;

/// Of more PEM blocks than that only the labels are looked at.
const MOST_BLOCKS: usize = 16;

/// Reads a stored value.
pub fn read(value: &str) -> Reading {
    let text = Squeezed::new(value);
    let found = examine(&text, 0);
    let (layout, fault) = layout(&text, &found);
    let content = match (found.content, found.private_key) {
        (Some(Ok(der)), _) => Content::Certificate(der),
        (Some(Err(damage)), _) => Content::Damaged(damage),
        (None, Some(_)) => Content::PrivateKey,
        (None, None) => Content::Damaged(Damage::Empty),
    };
    let cleaned = (content != Content::PrivateKey).then(|| Cleaned {
        sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(found.cleaned.as_bytes())),
        text: (found.cleaned.len() <= LONGEST_KEPT && matches!(content, Content::Certificate(_)))
            .then_some(found.cleaned),
    });
    let stray_text = found.stray_text.filter(|_| matches!(content, Content::Certificate(_)));
    Reading { layout, fault, cleaned, content, private_key: found.private_key, stray_text }
}

fn layout(text: &Squeezed<'_>, found: &Found) -> (Layout, Option<LayoutFault>) {
    let at = |layout, offset, character| (layout, Some(LayoutFault { offset, character }));
    let blank = text.first_blank;
    let class = |blank: FirstBlank| match blank.class {
        Blank::White => Layout::Whitespace,
        Blank::Bom => Layout::Bom,
        Blank::ZeroWidth => Layout::ZeroWidth,
    };
    match (found.marker, found.peeled, blank) {
        // All of it is wrong, from its first character on.
        (None, Some(peeled), _) => at(peeled, 0, None),
        (Some(marker), ..) => {
            let marker = text.raw_offset(marker);
            match blank.filter(|blank| blank.offset < marker) {
                Some(blank) => at(Layout::PemLines, blank.offset, Some(blank.name)),
                None => at(Layout::PemLines, marker, Some("a PEM line")),
            }
        }
        (None, None, Some(blank)) => at(class(blank), blank.offset, Some(blank.name)),
        (None, None, None) if found.unpadded => at(Layout::Padding, text.text.len(), None),
        (None, None, None) => (Layout::OneLine, None),
    }
}

/// What was found in a text or in a part of it.
#[derive(Default)]
struct Found {
    /// Where the first thing about PEM stands, in bytes of the squeezed text.
    marker: Option<usize>,
    /// The base64 around something that is text again.
    peeled: Option<Layout>,
    unpadded: bool,
    private_key: Option<&'static str>,
    content: Option<Result<Vec<u8>, Damage>>,
    cleaned: String,
    stray_text: Option<Stray>,
}

impl Found {
    fn damaged(damage: Damage, cleaned: &str) -> Self {
        Self { content: Some(Err(damage)), cleaned: cleaned.to_owned(), ..Self::default() }
    }

    /// A certificate, or several, or a file that holds some.
    fn holds_certificates(&self) -> bool {
        matches!(self.content, Some(Ok(_) | Err(Damage::SeveralCertificates(_) | Damage::Pkcs7)))
    }

    /// The same, or what was one before it was damaged.
    fn held_certificates(&self) -> bool {
        let damaged =
            matches!(self.content, Some(Err(Damage::TrailingBytes(_) | Damage::Truncated { expected: Some(_), .. })));
        self.holds_certificates() || damaged
    }
}

fn examine(text: &Squeezed<'_>, depth: usize) -> Found {
    let markers = markers(&text.text);
    if markers.is_empty() {
        return examine_body(text, &text.text, depth);
    }
    let (blocks, around) = blocks(&text.text, &markers);
    let mut found = Found { marker: Some(first_line(&text.text, &markers, &blocks)), ..Found::default() };
    let mut certificates: Vec<Found> = Vec::new();
    let mut others: Vec<Found> = Vec::new();
    let mut beyond = 0;
    for (i, block) in blocks.into_iter().enumerate() {
        let label = block.label.to_ascii_uppercase();
        let (key, certificate) = (label.contains("PRIVATEKEY"), label.ends_with("CERTIFICATE"));
        if i >= MOST_BLOCKS {
            found.private_key = found.private_key.or(key.then(|| pem_key(&label)));
            beyond += usize::from(certificate);
            continue;
        }
        let inside = examine_body(text, block.body, depth);
        found.private_key = found.private_key.or(inside.private_key);
        let parsed = inside.holds_certificates();
        if key && !parsed {
            found.private_key = found.private_key.or(Some(pem_key(&label)));
        } else if inside.content.is_some() && (parsed || certificate) {
            certificates.push(inside);
        } else if inside.content.is_some() {
            others.push(inside);
        }
    }
    let mut stray_data = None;
    for part in text.raw_parts(&around) {
        let at = |byte| Stray { offset: text.offset_of(&part[byte..]), inner: depth > 0 };
        let values = values(part, depth);
        found.private_key = found.private_key.or(values.private_key);
        if values.private_key.is_none() && values.certificates.is_empty() {
            // Found once, it need not be found again: counting its offset reads all that stands before it.
            let foreign = stray::foreign(part);
            found.stray_text = found.stray_text.or_else(|| foreign.text.map(at));
            stray_data = stray_data.or_else(|| foreign.data.map(at));
        }
        certificates.extend(values.certificates.into_iter().filter(Found::holds_certificates));
    }
    // PEM lines with nothing between them, and the certificate elsewhere.
    if certificates.len() > 1 {
        certificates.retain(|it| it.content != Some(Err(Damage::Empty)));
    }
    if certificates.len() + beyond > 1 {
        (found.content, found.cleaned) = several(&certificates, beyond);
        return found;
    }
    // Beside a key, parameters and public keys are part of the key.
    let other = if found.private_key.is_none() { others.into_iter().next() } else { None };
    if let Some(it) = certificates.pop().or(other) {
        (found.content, found.cleaned) = (it.content, it.cleaned);
    }
    if let (Some(Ok(_)), Some(stray)) = (&found.content, stray_data) {
        found.content = Some(Err(Damage::StrayData(stray)));
    }
    found
}

/// What several certificates come to: how many they are, `beyond` others included, and their text.
fn several(certificates: &[Found], beyond: usize) -> (Option<Result<Vec<u8>, Damage>>, String) {
    let count = certificates.iter().map(|it| match it.content {
        Some(Err(Damage::SeveralCertificates(count))) => count,
        _ => 1,
    });
    let damage = Damage::SeveralCertificates(beyond + count.sum::<usize>());
    (Some(Err(damage)), certificates.iter().map(|it| it.cleaned.as_str()).collect())
}

/// What the values in a text are that stand there without PEM lines.
#[derive(Default)]
struct Values {
    private_key: Option<&'static str>,
    certificates: Vec<Found>,
}

fn values(raw: &str, depth: usize) -> Values {
    let mut values = Values::default();
    for piece in stray::pieces(raw) {
        let piece = Squeezed::new(&raw[piece]);
        let found = examine_value(&piece, &piece.text, depth);
        values.private_key = values.private_key.or(found.private_key);
        if found.held_certificates() {
            values.certificates.push(found);
        }
    }
    values.private_key = values.private_key.or_else(|| stray::key_in_markup(&Squeezed::new(raw).text));
    values
}

/// Text that holds a private key though no PEM line says so.
fn key_as_text(text: &str) -> Option<&'static str> {
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>();
    let pem = |text: &str| text.contains("PRIVATEKEY") && (text.contains("BEGIN") || text.contains("END"));
    // URL-encoding puts %20 or + between the words, UTF-16 that was read as another encoding a NUL between the letters.
    let words = text.contains("PRIVATE") || text.contains("P\0R\0I\0V");
    if pem(text) || (words && pem(&letters(text))) {
        return Some("a PEM private key");
    }
    stray::key_in_markup(text).or_else(|| key_in_hex(text))
}

/// The form of a private key whose bytes are written as hex digits.
fn key_in_hex(text: &str) -> Option<&'static str> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    if !digits.starts_with("30") || digits.len() < 64 {
        return None;
    }
    let bytes = |digits: &str| {
        let digits = &digits.as_bytes()[..digits.len() / 2 * 2];
        data_encoding::HEXLOWER_PERMISSIVE.decode(digits).ok()
    };
    der::private_key(&bytes(digits).or_else(|| bytes(&digits.replace([':', '-'], "")))?)
}

/// The label in words that are ours: what stands in a label is not always a label.
fn pem_key(label: &str) -> &'static str {
    match label {
        "RSAPRIVATEKEY" => "a PEM block `RSA PRIVATE KEY`",
        "ECPRIVATEKEY" => "a PEM block `EC PRIVATE KEY`",
        "ENCRYPTEDPRIVATEKEY" => "a PEM block `ENCRYPTED PRIVATE KEY`",
        "OPENSSHPRIVATEKEY" => "a PEM block `OPENSSH PRIVATE KEY`",
        "PRIVATEKEY" => "a PEM block `PRIVATE KEY`",
        _ => "a PEM private key",
    }
}

struct Block<'a> {
    label: &'a str,
    body: &'a str,
}

/// What stands between PEM lines: behind a BEGIN up to the next line, or before an END that has no BEGIN; and the
/// ranges of the text that are none of this.
fn blocks<'a>(text: &'a str, markers: &[Marker<'a>]) -> (Vec<Block<'a>>, Vec<Range<usize>>) {
    let mut blocks: Vec<Block<'a>> = Vec::new();
    let mut around = Vec::new();
    if let Some(first) = markers.first().filter(|first| first.begins) {
        around.push(0..first.start);
    }
    for (i, marker) in markers.iter().enumerate() {
        let end = markers.get(i + 1).map_or(text.len(), |next| next.start);
        if marker.begins {
            blocks.push(Block { label: marker.label, body: &text[marker.end..end] });
            continue;
        }
        if i == 0 {
            blocks.push(Block { label: marker.label, body: &text[..marker.start] });
        }
        around.push(marker.end..end);
    }
    // The lines stand together on one side of the data.
    if blocks.iter().all(|block| block.body.is_empty())
        && let (Some(first), Some(last), Some(block)) = (markers.first(), markers.last(), blocks.first_mut())
    {
        let (before, behind) = (&text[..first.start], &text[last.end..]);
        block.body = if behind.is_empty() { before } else { behind };
        let start = block.body.as_ptr() as usize - text.as_ptr() as usize;
        around.retain(|range| range.start != start);
        blocks.truncate(1);
    }
    // A line that was pasted twice starts nothing.
    if blocks.len() > 1 {
        blocks.retain(|block| !block.body.is_empty());
    }
    around.retain(|range| !range.is_empty());
    (blocks, around)
}

/// Where the first thing stands that belongs to PEM: its first line, or text in front of it that is not the data.
fn first_line(text: &str, markers: &[Marker<'_>], blocks: &[Block<'_>]) -> usize {
    let starts_with_data = blocks.first().is_some_and(|block| block.body.as_ptr() == text.as_ptr());
    if starts_with_data { markers.first().map_or(0, |marker| marker.start) } else { 0 }
}

/// Examines data that has no PEM lines: `body` is a part of `text`. It should be one value, and may be more.
fn examine_body(text: &Squeezed<'_>, body: &str, depth: usize) -> Found {
    if let Some(form) = key_as_text(body) {
        return beside_key(text, body, depth, form);
    }
    let found = examine_value(text, body, depth);
    if matches!(found.content, Some(Ok(_) | Err(Damage::Empty))) {
        return found;
    }
    // Only a key makes it worth while to tell the values apart: else it is damage, whatever they are.
    match values(raw_part(text, body), depth) {
        Values { private_key: Some(form), certificates } if !certificates.is_empty() => {
            Found { peeled: found.peeled, ..with_key(form, certificates) }
        }
        Values { private_key: Some(form), .. } => {
            let content = if found.holds_certificates() || found.held_certificates() { found.content } else { None };
            Found { private_key: found.private_key.or(Some(form)), content, ..found }
        }
        _ => found,
    }
}

/// The certificates beside a key.
fn beside_key(text: &Squeezed<'_>, body: &str, depth: usize, form: &'static str) -> Found {
    let values = values(raw_part(text, body), depth);
    with_key(values.private_key.unwrap_or(form), values.certificates)
}

fn with_key(form: &'static str, mut certificates: Vec<Found>) -> Found {
    let (content, cleaned) = match certificates.len() {
        0 => (None, String::new()),
        1 => certificates.pop().map(|it| (it.content, it.cleaned)).unwrap_or_default(),
        _ => several(&certificates, 0),
    };
    Found { private_key: Some(form), content, cleaned, ..Found::default() }
}

fn raw_part<'a>(text: &Squeezed<'a>, body: &str) -> &'a str {
    let start = body.as_ptr() as usize - text.text.as_ptr() as usize;
    text.raw_parts(std::slice::from_ref(&(start..start + body.len()))).first().copied().unwrap_or_default()
}

/// Examines a single value: `body` is a part of `text`.
fn examine_value(text: &Squeezed<'_>, body: &str, depth: usize) -> Found {
    if body.is_empty() {
        return Found::damaged(Damage::Empty, "");
    }
    let (bytes, cleaned) = match decode(body) {
        Ok(decoded) => decoded,
        Err(_) if let Some(form) = key_at_start(body) => return Found { private_key: Some(form), ..Found::default() },
        Err(Fault::Character { at, character }) => {
            let start = body.as_ptr() as usize - text.text.as_ptr() as usize;
            let offset = text.raw_offset(start + at);
            return Found::damaged(Damage::NotBase64 { offset, character, inner: depth > 0 }, body);
        }
        Err(Fault::Length) => return Found::damaged(Damage::OddLength(body.len()), body),
    };
    let unpadded = matches!(cleaned, Cow::Owned(_));
    if depth < DEEPEST
        && let Some((peeled, inside)) = examine_text(&bytes, depth + 1)
    {
        return Found { marker: None, peeled: Some(peeled), ..inside };
    }
    let der::Found { key, certificate } = der::look(&bytes);
    // A key beside a certificate in DER is not part of what the value should be.
    let cleaned = match &certificate {
        Some(Ok(der)) if key.is_some() => BASE64.encode(der),
        None => String::new(),
        Some(_) => cleaned.into_owned(),
    };
    Found {
        unpadded,
        private_key: key,
        content: certificate.map(|it| it.map(<[u8]>::to_vec)),
        cleaned,
        ..Found::default()
    }
}

/// Examines bytes that are text: PEM, or base64 of something that the audit knows.
fn examine_text(bytes: &[u8], depth: usize) -> Option<(Layout, Found)> {
    let text = as_text(bytes)?;
    let text = Squeezed::new(&text);
    if !markers(&text.text).is_empty() || key_as_text(&text.text).is_some() {
        return Some((Layout::Base64OfPem, examine(&text, depth)));
    }
    let plausible = |found: &Found| match &found.content {
        Some(Ok(_)) | None => true,
        _ if found.private_key.is_some() => true,
        Some(Err(Damage::Empty | Damage::NotBase64 { .. } | Damage::OddLength(_) | Damage::NotX509(_))) => false,
        // A few letters decode to something that looks like the start of DER.
        Some(Err(Damage::Truncated { .. })) => text.text.starts_with("MI"),
        Some(Err(_)) => true,
    };
    let found = examine_body(&text, &text.text, depth);
    let pem_inside = found.peeled == Some(Layout::Base64OfPem);
    (pem_inside || plausible(&found)).then(|| (found.peeled.unwrap_or(Layout::Base64Twice), found))
}

/// The bytes as text, where they are some: UTF-8, or UTF-16 as PowerShell makes it. DER is neither.
fn as_text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let utf16 = match bytes {
        [0xFF, 0xFE, ..] => Some(encoding_rs::UTF_16LE),
        [0xFE, 0xFF, ..] => Some(encoding_rs::UTF_16BE),
        [first, 0, ..] if first.is_ascii_graphic() && *first != b'0' => Some(encoding_rs::UTF_16LE),
        [0, second, ..] if second.is_ascii_graphic() => Some(encoding_rs::UTF_16BE),
        _ => None,
    };
    if let Some(encoding) = utf16 {
        return Some(encoding.decode_without_bom_handling(bytes).0);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(Cow::Borrowed(text)),
        // Text in an old encoding around PEM lines: only those lines count.
        Err(_) if !bytes.starts_with(&[0x30]) && memchr::memmem::find(bytes, b"-----BEGIN").is_some() => {
            Some(String::from_utf8_lossy(bytes))
        }
        Err(_) => None,
    }
}

/// The form of the private key that damaged base64 starts with.
fn key_at_start(text: &str) -> Option<&'static str> {
    let decode = |text: &[u8]| unpadded_base64().decode(&text[..text.len() / 4 * 4]).ok();
    let (control, rest): (Vec<u8>, Vec<u8>) = text
        .bytes()
        .take_while(|byte| stray::in_alphabet(*byte) || byte.is_ascii_control())
        .partition(u8::is_ascii_control);
    // UTF-16 that was read as another encoding has a NUL behind each letter.
    let mut bytes = decode(if control.is_empty() { &text.as_bytes()[..rest.len()] } else { &rest })?;
    for _ in 0..DEEPEST {
        if let Some(form) = der::private_key(&bytes) {
            return Some(form);
        }
        let inside = Squeezed::new(&as_text(&bytes)?).text;
        if let Some(form) = key_as_text(&inside) {
            return Some(form);
        }
        let length = inside.bytes().take_while(|byte| stray::in_alphabet(*byte)).count();
        bytes = decode(&inside.as_bytes()[..length])?;
    }
    None
}

enum Fault {
    /// At that byte of the text.
    Character {
        at: usize,
        character: char,
    },
    Length,
}

/// The bytes behind base64, and the text that would have been right: borrowed where it is.
fn decode(text: &str) -> Result<(Vec<u8>, Cow<'_, str>), Fault> {
    let data = text.bytes().position(|byte| !stray::in_alphabet(byte)).unwrap_or(text.len());
    let padding = text[data..].bytes().take_while(|byte| *byte == b'=').count();
    let wanted = match data % 4 {
        2 => 2,
        3 => 1,
        _ => 0,
    };
    let allowed = data + padding.min(wanted);
    if let Some(character) = text[allowed..].chars().next() {
        return Err(Fault::Character { at: allowed, character });
    }
    if data % 4 == 1 {
        return Err(Fault::Length);
    }
    let bytes = unpadded_base64().decode(&text.as_bytes()[..data]).map_err(|_| Fault::Length)?;
    let missing = &"=="[..wanted - padding.min(wanted)];
    Ok((bytes, if missing.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(format!("{text}{missing}")) }))
}

/// Base64 whose last character may carry bits that mean nothing, as .NET reads it.
pub(super) fn unpadded_base64() -> &'static Encoding {
    static ENCODING: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
        let mut specification = Specification::new();
        specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
        specification.check_trailing_bits = false;
        specification.encoding().unwrap_or(data_encoding::BASE64_NOPAD)
    });
    &ENCODING
}
