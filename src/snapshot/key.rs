//! Private keys that were pasted where a certificate belongs: the key goes, and what the audit says of it stays.

use sha2::{Digest, Sha256};

use crate::facts::certificate::{self, Content};

/// Shorter values hold no key.
const SHORTEST: usize = 24;

/// How many first characters of a value may be needed to tell what kind of key it is. They are headers.
const HEADERS: usize = 64;

/// How many values behind one another are told apart.
const MOST_VALUES: usize = 4;

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
    let mask = if value.contains("-----") { masked_pem } else { masked_values };
    let found = (0..HEADERS).map(|kept| mask(value, kept)).find(|masked| certificate::read(masked) == reading);
    if found.is_some() {
        return found;
    }
    // Keys that are lists of numbers are known by how many there are.
    let same_form = |it: &String| {
        let other = certificate::read(it);
        (other.private_key, &other.content) == (reading.private_key, &reading.content)
    };
    let numbers = [8, 5].map(|count| list_of_numbers(value, count));
    if let Some(found) = numbers.into_iter().find(same_form) {
        return Some(found);
    }
    Some("-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----".to_owned())
}

/// All characters of base64 behind the first ones become others, which follow from all of them by SHA-256: two keys that
/// are alike stay alike, and two that differ stay different.
fn masked(value: &str, kept: usize) -> String {
    let body: String = value.chars().filter(|c| in_alphabet(*c)).collect();
    let seed = Sha256::digest(body.as_bytes());
    let mut block = 0_u32;
    let mut others: Vec<u8> = Vec::new();
    let mut seen = 0;
    let mask = |c: char| {
        if !in_alphabet(c) {
            return c;
        }
        seen += 1;
        if others.is_empty() {
            block += 1;
            others = Sha256::new().chain_update(seed).chain_update(block.to_be_bytes()).finalize().to_vec();
        }
        let other = others.pop().unwrap_or_default();
        if seen > kept { char::from(b'A' + other % 26) } else { c }
    };
    value.chars().map(mask).collect()
}

/// A key in DER that is no key: so many numbers of one byte behind its version.
fn list_of_numbers(value: &str, count: usize) -> String {
    let seed = Sha256::digest(value.as_bytes());
    let numbers = seed.iter().take(count).flat_map(|byte| [2, 1, byte & 0x7f]);
    let body: Vec<u8> = [2, 1, 0].into_iter().chain(numbers).collect();
    let length = u8::try_from(body.len()).unwrap_or_default();
    data_encoding::BASE64.encode(&[&[0x30, length], body.as_slice()].concat())
}

fn in_alphabet(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '+' | '/' | '-' | '_')
}

/// Values that follow one another, each on its own: a certificate that stands beside a key stays. DER in base64 starts
/// with `M`.
fn masked_values(value: &str, kept: usize) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while !rest.is_empty() {
        let starts = rest.match_indices('M').map(|(at, _)| at).filter(|at| *at > 0);
        let next = starts.filter(|at| rest[..*at].ends_with(['=', '\n', '\r', ' ', ',', ';']));
        let certificate = |part: &str| {
            let reading = certificate::read(part);
            reading.private_key.is_none() && matches!(reading.content, Content::Certificate(_))
        };
        // Lines of one value may start with that letter too: the longest part that is a certificate is one.
        let ends: Vec<usize> = next.take(MOST_VALUES).chain([rest.len()]).collect();
        let whole = ends.iter().rev().find(|end| certificate(&rest[..**end]));
        let end = whole.or(ends.first()).copied().unwrap_or(rest.len());
        let part = &rest[..end];
        match whole {
            Some(_) => out.push_str(part),
            None => out.push_str(&masked(part, kept)),
        }
        rest = &rest[end..];
    }
    out
}

/// The lines of PEM stay, and what stands between those of a certificate; all else is masked.
fn masked_pem(value: &str, kept: usize) -> String {
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
            out.push_str(&masked(part, kept));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_and_its_form_stays() {
        let key = "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAPlantedPlantedPlantedPlantedPlantedPlantedPlanted=";
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----");
        let traditional = pem.replace("PRIVATE", "RSA PRIVATE");
        for value in [key, &pem, &traditional, &format!("\u{feff}{key}\r\n")] {
            let masked = without_key(value).unwrap();
            assert!(!masked.contains("lanted"), "{masked}");
            assert_eq!(certificate::read(&masked), certificate::read(value));
        }
        assert_eq!(without_key("MIIC5zCCAc+gAwIBAgIQ, which is no key"), None);
    }
}
