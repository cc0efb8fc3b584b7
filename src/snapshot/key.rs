//! Private keys that were pasted where a certificate belongs: the key goes, and what the audit says of it stays.

use crate::facts::certificate;

/// Shorter values hold no key.
const SHORTEST: usize = 24;

/// How many first characters of a value may be needed to tell what kind of key it is. They are headers.
const HEADERS: usize = 64;

/// The value without its private key; `None`: it holds none.
///
/// The characters of the key become others, so that layout, places and whatever stands beside it are read as before.
/// Where that cannot be done, only that there was a key is left.
pub(super) fn without_key(value: &str) -> Option<String> {
    if value.len() < SHORTEST {
        return None;
    }
    let reading = certificate::read(value);
    reading.private_key?;
    let same = |masked: &String| certificate::read(masked) == reading;
    if value.contains("-----") {
        let masked = masked_pem(value);
        if same(&masked) {
            return Some(masked);
        }
    } else {
        let found = (0..HEADERS).map(|kept| masked(value, kept)).find(same);
        if found.is_some() {
            return found;
        }
    }
    Some("-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----".to_owned())
}

/// All characters of base64 behind the first ones become `A`.
fn masked(value: &str, kept: usize) -> String {
    value.chars().enumerate().map(|(i, c)| if i >= kept && in_alphabet(c) { 'A' } else { c }).collect()
}

fn in_alphabet(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '+' | '/' | '-' | '_')
}

/// The lines of PEM stay, and what stands between those of a certificate; all else is masked.
fn masked_pem(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut in_certificate = false;
    // Text and labels take turns: `text -----BEGIN X----- text -----END X----- text`.
    for (i, part) in value.split("-----").enumerate() {
        if i > 0 {
            out.push_str("-----");
        }
        if i % 2 == 1 {
            let label = part.trim().to_ascii_uppercase();
            in_certificate = label.starts_with("BEGIN") && label.ends_with("CERTIFICATE");
            out.push_str(part);
        } else if in_certificate {
            out.push_str(part);
        } else {
            out.push_str(&masked(part, 0));
        }
    }
    out
}
