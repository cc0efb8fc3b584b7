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
    let mask = if value.contains("-----") { masked_pem } else { masked };
    let found = (0..HEADERS).map(|kept| mask(value, kept)).find(|masked| certificate::read(masked) == reading);
    if found.is_some() {
        return found;
    }
    Some("-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----".to_owned())
}

/// All characters of base64 behind the first ones become `A`.
fn masked(value: &str, kept: usize) -> String {
    let mut seen = 0;
    let mask = |c: char| {
        seen += usize::from(in_alphabet(c));
        if seen > kept && in_alphabet(c) { 'A' } else { c }
    };
    value.chars().map(mask).collect()
}

fn in_alphabet(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '+' | '/' | '-' | '_')
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
