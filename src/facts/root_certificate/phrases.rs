//! What the facts say in words. Nothing here repeats data beyond a single character.

use super::ValidityState;
use super::rfc3339;
use crate::facts::certificate::{Content, Damage, Decoded, Layout, Reading, Stray};

/// What is wrong with the layout; empty where nothing is.
pub(super) fn layout(reading: &Reading) -> String {
    let Some(fault) = &reading.fault else { return String::new() };
    let offset = fault.offset;
    match (reading.layout, fault.character) {
        (Layout::PemLines, _) => format!("the BEGIN and END lines were pasted too, from character {offset} on"),
        (Layout::Base64OfPem, _) => "it is base64 of a whole PEM file instead of the certificate alone".to_owned(),
        (Layout::Base64Twice, _) => "it is base64 of text that is base64 already".to_owned(),
        (Layout::Padding, _) => format!("the `=` padding is missing at its end (character {offset})"),
        (_, character) => format!("{} at character {offset}", character.unwrap_or("something")),
    }
}

/// Why it is not one certificate; empty where it is.
pub(super) fn damage(reading: &Reading) -> String {
    let damage = match &reading.content {
        Content::Certificate(_) => return String::new(),
        Content::PrivateKey => return "it is a private key".to_owned(),
        Content::Damaged(damage) => damage,
    };
    match damage {
        Damage::Empty if reading.fault.is_some() => "nothing is left of it once its layout is cleaned".to_owned(),
        Damage::Empty => "it is empty".to_owned(),
        Damage::NotBase64 { offset, character, inner } => {
            let inside = if *inner { " of the text inside" } else { "" };
            let url = if matches!(character, '-' | '_') { " (it belongs to base64url)" } else { "" };
            let shown = if character.is_control() { String::new() } else { format!("`{character}`, ") };
            let code = u32::from(*character);
            format!("character {offset}{inside} ({shown}U+{code:04X}) is not base64{url}")
        }
        Damage::OddLength(characters) => {
            format!("it is cut off or incomplete: {characters} characters of base64 make no whole bytes")
        }
        Damage::Truncated { bytes, expected: Some(expected) } => {
            format!("the certificate ends early: {bytes} of {expected} bytes are there")
        }
        Damage::Truncated { bytes, expected: None } => {
            format!("the certificate ends early: {bytes} bytes are there")
        }
        Damage::NotX509(what) => (*what).to_owned(),
        Damage::TrailingBytes(1) => "1 more byte follows the certificate".to_owned(),
        Damage::TrailingBytes(count) => format!("{count} more bytes follow the certificate"),
        Damage::SeveralCertificates(count) => format!("it holds {count} certificates instead of one"),
        Damage::StrayData(stray) => format!("other data stands around the certificate, {}", from(*stray)),
        Damage::Pkcs7 => "it is a PKCS#7 file (.p7b), not a certificate".to_owned(),
    }
}

/// What else stands around the certificate and does no harm; empty where nothing does.
pub(super) fn stray_text(reading: &Reading) -> String {
    let remark = |stray| format!("other text stands outside of the PEM lines, {}", from(stray));
    reading.stray_text.map(remark).unwrap_or_default()
}

fn from(stray: Stray) -> String {
    let inside = if stray.inner { " of the text inside" } else { "" };
    format!("from character {}{inside} on", stray.offset)
}

/// Why it is not valid now; empty where it is.
pub(super) fn validity(state: ValidityState, certificate: &Decoded) -> String {
    let (not_before, not_after) = (rfc3339(certificate.not_before), rfc3339(certificate.not_after));
    match state {
        ValidityState::Valid => String::new(),
        _ if certificate.not_after < certificate.not_before => {
            format!("it is never valid: it ends ({not_after}) before it starts ({not_before})")
        }
        ValidityState::Expired => format!("it expired on {not_after}"),
        ValidityState::NotYetValid => format!("it is not valid yet: it starts on {not_before}"),
    }
}
