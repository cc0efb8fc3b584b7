//! Text that is more than one value: what stands around PEM blocks, or where base64 breaks off and starts again.

use std::ops::Range;

use super::der;
use super::layout::unpadded_base64;
use super::scan::blank;

pub(super) fn in_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// No word of a text is as long; lines of base64 are.
const LONGEST_WORD: usize = 40;

/// The values in a text, as ranges of its bytes: base64 with blanks in it, up to its padding, another character, or
/// the start of the next value.
pub(super) fn pieces(raw: &str) -> Vec<Range<usize>> {
    let bytes = raw.as_bytes();
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    let mut at = 0;
    while at < bytes.len() {
        if !in_alphabet(bytes[at]) {
            let Some(c) = raw[at..].chars().next() else { break };
            open &= blank(c).is_some();
            at += c.len_utf8();
            continue;
        }
        let start = at;
        at += bytes[at..].iter().take_while(|byte| in_alphabet(**byte)).count();
        let padding = bytes[at..].iter().take(2).take_while(|byte| **byte == b'=').count();
        let starts = starts_value(&raw[start..]);
        match pieces.last_mut().filter(|_| open && !starts) {
            Some(piece) => piece.end = at + padding,
            None if starts || at - start >= LONGEST_WORD => pieces.push(start..at + padding),
            None => continue,
        }
        open = padding == 0;
        at += padding;
    }
    pieces
}

/// What tells a value stands in so many first characters.
const PREFIX: usize = 64;

/// And what rules most other text out in so many.
const SHORT_PREFIX: usize = 12;

/// Whether base64 of a key, of a certificate or of PEM starts there, perhaps encoded twice.
fn starts_value(raw: &str) -> bool {
    // Most words end here, so that the rest is done for few.
    if !["M", "LS", "LQ", "AC", "b3", "77", "//", "/v", "TU", "TV", "TF"].iter().any(|start| raw.starts_with(start)) {
        return false;
    }
    let visible = raw.chars().filter(|c| blank(*c).is_none());
    let mut base64 = visible.map_while(|c| u8::try_from(c).ok().filter(|byte| in_alphabet(*byte)));
    let decode = |text: &[u8]| unpadded_base64().decode(&text[..text.len() / 4 * 4]).unwrap_or_default();
    let mut prefix: Vec<u8> = base64.by_ref().take(SHORT_PREFIX).collect();
    let bytes = decode(&prefix);
    let text = bytes.iter().all(|byte| in_alphabet(*byte));
    if !(der::may_start(&bytes) || text && der::may_start(&decode(&bytes))) {
        return false;
    }
    prefix.extend(base64.take(PREFIX - SHORT_PREFIX));
    let bytes = decode(&prefix);
    let known = |bytes: &[u8]| {
        let text = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
        let wide = [&[0xFF, 0xFE, b'-', 0][..], &[0xFE, 0xFF, 0, b'-'], b"-\0-\0", b"\0-\0-"];
        der::private_key(bytes).is_some()
            || der::starts_certificate(bytes)
            || text.starts_with(b"-----")
            || wide.iter().any(|start| bytes.starts_with(start))
    };
    known(&bytes) || (bytes.iter().all(|byte| in_alphabet(*byte)) && known(&decode(&bytes)))
}

/// The form of a private key that is no base64 of DER, in a text without blanks.
pub(super) fn key_in_markup(text: &str) -> Option<&'static str> {
    let has = |what: &str| text.contains(what);
    if has("PuTTY-User-Key-File") && has("Private-Lines") {
        Some("a PuTTY private key")
    } else if has("<RSAKeyValue>") && has("<D>") {
        Some("an XML RSA private key")
    } else if has("kty") && is_private_jwk(text) {
        Some("a JSON Web Key with its private part")
    } else if has("Private-Key:(") || has("privateExponent:") {
        Some("a private key in words, as OpenSSL prints it")
    } else {
        None
    }
}

/// RFC 7517 and 7518: `d` is the private part of RSA and elliptic curves, `k` a shared secret. Quotes may be escaped.
fn is_private_jwk(text: &str) -> bool {
    let text = text.replace('\\', "").replace('\'', "\"");
    let has = |what: &str| text.contains(what);
    has("\"kty\":") && (has("\"d\":\"") || has("\"k\":\""))
}

/// What a text holds that OpenSSL does not print around PEM. Both are bytes of the text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Foreign {
    /// The first such character.
    pub text: Option<usize>,
    /// Where it looks like data, not like words.
    pub data: Option<usize>,
}

/// Starts of the lines that OpenSSL prints above PEM, without blanks. What is indented below them belongs to them.
const OPENSSL: [&str; 20] = [
    "Certificate:",
    "BagAttributes",
    "KeyAttributes",
    "localKeyID:",
    "friendlyName:",
    "MicrosoftCSPName:",
    "MicrosoftLocalKeyset",
    "subject=",
    "issuer=",
    "serial=",
    "notBefore=",
    "notAfter=",
    "SHA1Fingerprint=",
    "SHA256Fingerprint=",
    "sha1Fingerprint=",
    "sha256Fingerprint=",
    "MD5Fingerprint=",
    "Certificatechain",
    "Servercertificate",
    "---",
];

/// Looks for what OpenSSL does not print.
pub(super) fn foreign(raw: &str) -> Foreign {
    let mut found = Foreign::default();
    let mut below = false;
    let mut at = 0;
    for line in raw.split_inclusive(['\n', '\r']) {
        let start = at;
        at += line.len();
        let Some(first) = line.find(|c| blank(c).is_none()) else { continue };
        let visible: String = line[first..].chars().filter(|c| blank(*c).is_none()).take(24).collect();
        if OPENSSL.iter().any(|known| visible.starts_with(known)) {
            below = true;
        } else if !below || first == 0 {
            below = false;
            found.text.get_or_insert(start + first);
            if found.data.is_none() {
                found.data = data(line).map(|data| start + data);
            }
        }
    }
    found
}

/// Where a line looks like base64 or like binary data.
fn data(line: &str) -> Option<usize> {
    // DOS ended files with 0x1A.
    if let Some(binary) = line.find(|c: char| c.is_ascii_control() && !c.is_ascii_whitespace() && c != '\u{1A}') {
        return Some(binary);
    }
    for word in line.split(|c| !u8::try_from(c).is_ok_and(in_alphabet)) {
        let at = word.as_ptr() as usize - line.as_ptr() as usize;
        let has = |what: fn(&u8) -> bool| word.bytes().any(|byte| what(&byte));
        let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
        // Paths are made of the same letters, and of more slashes.
        let path = word.bytes().filter(|byte| *byte == b'/').count() * 8 > word.len();
        if word.len() > LONGEST_WORD && mixed && !path && !word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_openssl_prints_is_not_foreign() {
        for text in [
            "Bag Attributes\n    localKeyID: 01 00 00 00 \n    friendlyName: P2SRootCertificateOfContosoNumber1234567890abcdef\n\
             subject=CN = P2SRoot\n\nissuer=CN = P2SRoot\n\n",
            "Bag Attributes: <Empty Attributes>\nsubject= /CN=P2SRoot\nissuer= /CN=P2SRoot\n",
            "Certificate:\n    Data:\n        Version: 3 (0x2)\n            Modulus:\n                00:b6:ae:5e\n",
            "Certificate:     Data:         Version: 3 (0x2)",
            "notAfter=Jan  1 00:00:00 2035 GMT\r\nSHA1 Fingerprint=50:AD\r\n",
            " \n\t\u{FEFF}",
        ] {
            assert_eq!(foreign(text), Foreign::default(), "{text}");
        }
    }

    #[test]
    fn other_text_is_told_from_data() {
        let data = "gIGHy49TFtqMA0GCSqGSIb3DQEBCwUAMBgxFjAUBgNVBAMM";
        for (text, expected) in [
            ("garbage!!!".to_owned(), Foreign { text: Some(0), data: None }),
            ("subject=CN=a\n our root\n".to_owned(), Foreign::default()),
            ("subject=CN=a\nour root\n".to_owned(), Foreign { text: Some(13), data: None }),
            (data.to_owned(), Foreign { text: Some(0), data: Some(0) }),
            (format!("our root {data}"), Foreign { text: Some(0), data: Some(9) }),
            (data.to_lowercase(), Foreign { text: Some(0), data: None }),
            ("50AD026ACE897556FD64AE54B2CF3644A780568Fabcd".to_owned(), Foreign { text: Some(0), data: None }),
            ("/home/Contoso/certs/2026/vpn/gateways/europe/root".to_owned(), Foreign { text: Some(0), data: None }),
            ("a\u{1}b".to_owned(), Foreign { text: Some(0), data: Some(1) }),
        ] {
            assert_eq!(foreign(&text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_ends_at_its_padding_or_where_the_next_one_starts() {
        let long = "A".repeat(LONGEST_WORD);
        let shown = |text: &str| pieces(text).into_iter().map(|piece| text[piece].to_owned()).collect::<Vec<_>>();
        assert_eq!(shown(&format!("{long}\nAB==\n{long}")), [format!("{long}\nAB=="), long.clone()]);
        assert_eq!(shown(&format!("key: {long} AB, {long}")), [format!("{long} AB"), long.clone()]);
        let key = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
        assert_eq!(shown(&format!("{long} {key}")), [long, key.to_owned()]);
        assert_eq!(shown("a few words, and a SignatureAlgorithm"), Vec::<String>::new());
    }
}
