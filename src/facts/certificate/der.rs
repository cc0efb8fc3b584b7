//! What DER holds, told by its first elements, so that a private key is known even where it is cut off.

use x509_parser::prelude::{
    CertificateRevocationList, FromDer, SubjectPublicKeyInfo, X509Certificate, X509CertificationRequest,
};

use super::form::is_certificate;
use super::layout::Damage;

/// What stands in some bytes.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// Private key material, and in which form.
    pub key: Option<&'static str>,
    /// The certificate, or why there is none. `None` where there is a key and nothing else.
    pub certificate: Option<Result<&'a [u8], Damage>>,
}

/// Looks through the elements that follow one another in `bytes`, which are not empty.
pub(super) fn look(bytes: &[u8]) -> Found<'_> {
    let mut found = Found::default();
    let (mut rest, mut settled) = (bytes, false);
    while !rest.is_empty() {
        let (element, behind) = match first_element(rest) {
            Some(Extent::Whole(length)) => rest.split_at(length),
            Some(Extent::Open) | None => (rest, &[][..]),
            Some(Extent::Short { .. }) => (rest, &[][..]),
        };
        if let Some(form) = private_key(element) {
            found.key.get_or_insert(form);
            rest = behind;
            continue;
        }
        if settled {
            rest = behind;
            continue;
        }
        let parsed = is_certificate(element) && X509Certificate::from_der(element).is_ok();
        match &mut found.certificate {
            None if parsed => found.certificate = Some(Ok(element)),
            Some(Ok(_)) if parsed => found.certificate = Some(Err(Damage::SeveralCertificates(2))),
            Some(Err(Damage::SeveralCertificates(count))) if parsed => *count += 1,
            // From here on only a key could say more.
            None => {
                // What follows a key and is no certificate belongs to the key.
                found.certificate = found.key.is_none().then(|| Err(no_certificate(element)));
                settled = true;
            }
            Some(Err(_)) => settled = true,
            Some(Ok(_)) => {
                found.certificate = Some(Err(Damage::TrailingBytes(rest.len())));
                settled = true;
            }
        }
        rest = behind;
    }
    if let (None, Some(Err(damage))) = (found.key, &found.certificate)
        && let Some(form) = key_within(bytes)
    {
        let beside = matches!(damage, Damage::TrailingBytes(_) | Damage::SeveralCertificates(_));
        return Found { key: Some(form), certificate: found.certificate.filter(|_| beside) };
    }
    found
}

/// The form of a private key that stands whole somewhere in bytes that are something else: behind a line break, in a
/// wrapping of its own.
fn key_within(bytes: &[u8]) -> Option<&'static str> {
    memchr::memchr_iter(SEQUENCE, bytes).find_map(|at| {
        let Some(Extent::Whole(length)) = first_element(&bytes[at..]) else { return None };
        let element = &bytes[at..at + length];
        // Short ones occur by chance.
        private_key(element).filter(|form| length > 40 && matches!(*form, PKCS8 | PKCS1))
    })
}

const PKCS1: &str = "a PKCS#1 private key";
const PKCS8: &str = "a PKCS#8 private key";

fn no_certificate(element: &[u8]) -> Damage {
    if is_pkcs7(element) {
        return Damage::Pkcs7;
    }
    // A certificate starts with two sequences, one in the other.
    let inner = content(element, SEQUENCE).map(|(inner, _)| inner.first().is_none_or(|tag| *tag == SEQUENCE));
    match first_element(element) {
        Some(Extent::Short { expected }) if inner == Some(true) => {
            return Damage::Truncated { bytes: element.len(), expected: Some(expected) };
        }
        None if element.first() == Some(&SEQUENCE) && element.len() < 6 => {
            return Damage::Truncated { bytes: element.len(), expected: None };
        }
        _ => {}
    }
    Damage::NotX509(if X509CertificationRequest::from_der(element).is_ok() {
        "it is a certificate request, not a certificate"
    } else if CertificateRevocationList::from_der(element).is_ok() {
        "it is a revocation list, not a certificate"
    } else if SubjectPublicKeyInfo::from_der(element).is_ok() {
        "it is a bare public key, not a certificate"
    } else if element.first() == Some(&SEQUENCE) {
        "its bytes do not form an X.509 certificate"
    } else {
        "its bytes are something other than an X.509 certificate"
    })
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1, with tag and length left out.
const PKCS: [u8; 7] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01];

enum Extent {
    /// All of it is there: that many bytes with its header.
    Whole(usize),
    /// The indefinite length of BER.
    Open,
    /// It should have that many bytes with its header, and has fewer.
    Short { expected: usize },
}

fn first_element(bytes: &[u8]) -> Option<Extent> {
    let (_, header, length) = header(bytes)?;
    Some(match length {
        None => Extent::Open,
        Some(length) => match header.checked_add(length)? {
            expected if expected > bytes.len() => Extent::Short { expected },
            whole => Extent::Whole(whole),
        },
    })
}

/// Tag, length of the header, length of the content (`None`: indefinite).
pub(super) fn header(bytes: &[u8]) -> Option<(u8, usize, Option<usize>)> {
    let (&tag, &first) = (bytes.first()?, bytes.get(1)?);
    match first {
        0..=0x7F => Some((tag, 2, Some(first.into()))),
        0x80 => Some((tag, 2, None)),
        _ => {
            let octets = usize::from(first & 0x7F);
            let length = bytes.get(2..2 + octets).filter(|_| octets <= 4)?;
            Some((tag, 2 + octets, Some(length.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)))))
        }
    }
}

/// The content of the first element where its tag is that one, as far as it is there, and what follows it.
fn content(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, header, length) = header(bytes)?;
    let content = &bytes[header..];
    let length = length.unwrap_or(content.len()).min(content.len());
    (tag == wanted).then(|| content.split_at(length))
}

fn object_identifier(bytes: &[u8]) -> Option<&[u8]> {
    content(bytes, OBJECT_IDENTIFIER).map(|(oid, _)| oid)
}

fn is_pkcs7(bytes: &[u8]) -> bool {
    let oid = content(bytes, SEQUENCE).and_then(|(inner, _)| object_identifier(inner));
    oid.and_then(|oid| oid.strip_prefix(&PKCS)).is_some_and(|rest| rest.starts_with(&[7]))
}

/// Whether the bytes are no DER, or DER that starts as keys and certificates do: with a number or a sequence in it.
pub(super) fn may_start(bytes: &[u8]) -> bool {
    let inner = header(bytes).and_then(|(_, header, _)| bytes.get(header));
    bytes.first() != Some(&SEQUENCE) || matches!(inner, Some(&(INTEGER | SEQUENCE)))
}

/// Whether a certificate may start there: two sequences, one in the other, of the size that certificates have.
pub(super) fn starts_certificate(bytes: &[u8]) -> bool {
    let long = |bytes: &[u8]| bytes.starts_with(&[SEQUENCE, 0x81]) || bytes.starts_with(&[SEQUENCE, 0x82]);
    long(bytes) && header(bytes).and_then(|(_, header, _)| bytes.get(header..)).is_some_and(long)
}

/// The form of a key that is a list of numbers, given those behind its version: five of DSA, eight or more of RSA.
fn numbers_form(mut rest: &[u8]) -> &'static str {
    let mut count = 0;
    while count < 8
        && rest.first() == Some(&INTEGER)
        && let Some(Extent::Whole(length)) = first_element(rest)
    {
        (rest, count) = (&rest[length..], count + 1);
    }
    match count {
        8.. => PKCS1,
        5 if rest.is_empty() => "a DSA private key",
        _ => "an RSA or DSA private key",
    }
}

/// Which form of private key the bytes start, if they do.
pub(super) fn private_key(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"openssh-key-v1\0") {
        return Some("an OpenSSH private key");
    }
    let (inner, _) = content(bytes, SEQUENCE)?;
    if let Some((algorithm, _)) = content(inner, SEQUENCE) {
        let encryption = object_identifier(algorithm)?.strip_prefix(&PKCS)?;
        let encrypted = encryption.starts_with(&[5]) || encryption.starts_with(&[12, 1]);
        return encrypted.then_some("an encrypted PKCS#8 private key");
    }
    let (version, rest) = content(inner, INTEGER)?;
    match (version, rest.first()?) {
        ([3], &SEQUENCE) => {
            let (info, _) = content(rest, SEQUENCE)?;
            let pkcs7 = object_identifier(info)?.strip_prefix(&PKCS)?.starts_with(&[7]);
            pkcs7.then_some("a PKCS#12 file (PFX), which holds a private key")
        }
        ([0 | 1], &SEQUENCE) => {
            let (algorithm, key) = content(rest, SEQUENCE)?;
            // In what a certificate or a revocation list holds, a name follows the algorithm.
            let key = key.first().is_none_or(|tag| *tag == OCTET_STRING);
            object_identifier(algorithm).filter(|_| key).map(|_| PKCS8)
        }
        ([0 | 1], &INTEGER) => Some(numbers_form(rest)),
        ([1], &OCTET_STRING) => Some("a SEC1 (elliptic curve) private key"),
        _ => None,
    }
}
