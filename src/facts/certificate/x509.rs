//! What an X.509 certificate says.

use std::borrow::Cow;

use sha1::{Digest, Sha1};
use time::OffsetDateTime;
use x509_parser::der_parser::asn1_rs::{Oid, Tag};
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_KEY_USAGE};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

use crate::facts::schema::fact_enum;

fact_enum! {
    /// The kind of a public key.
    pub enum KeyKind {
        /// RSA.
        Rsa => "rsa",
        /// An elliptic curve (NIST, Brainpool, …).
        Ec => "ec",
        /// Ed25519 or Ed448.
        Edwards => "edwards",
        /// DSA.
        Dsa => "dsa",
        /// Another kind.
        Other => "other",
    }
}

fact_enum! {
    /// The hash of a signature.
    pub enum SignatureHash {
        /// MD2, MD4 or MD5.
        Md5 => "md5",
        /// SHA-1, also as makecert writes it (1.3.14.3.2.29).
        Sha1 => "sha1",
        /// SHA-224, SHA-256, SHA-384, SHA-512 or SHA-3.
        Sha2 => "sha2",
        /// The algorithm has a hash of its own (Ed25519), or is not known.
        Other => "other",
    }
}

fact_enum! {
    /// What a certificate says about something that it need not speak of.
    pub enum Stated {
        /// It does not speak of it.
        Absent => "absent",
        /// It speaks of it so that it cannot be read.
        Unreadable => "unreadable",
        /// It says yes.
        Yes => "yes",
        /// It says no.
        No => "no",
    }
}

/// What a certificate says. Source: RFC 5280.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The subject, `CN=P2SRootCert`, in the order of the certificate.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// Whether both are the same name.
    pub self_issued: bool,
    /// The serial number in upper-case hex digits.
    pub serial: String,
    /// The SHA-1 thumbprint in upper-case hex digits, as Azure and Windows show it.
    pub thumbprint: String,
    /// The first moment at which it is valid.
    pub not_before: OffsetDateTime,
    /// The last moment at which it is valid.
    pub not_after: OffsetDateTime,
    /// The kind of its key.
    pub key_kind: KeyKind,
    /// The size of its key in bits: RSA and DSA modulus, order of the curve's field. `None`: not known.
    pub key_size: Option<u32>,
    /// The name of the signature's algorithm, or its object identifier.
    pub signature_algorithm: String,
    /// The hash of the signature.
    pub signature_hash: SignatureHash,
    /// `cA` of basicConstraints.
    pub ca: Stated,
    /// `keyCertSign` of keyUsage.
    pub cert_sign: Stated,
}

/// Reads a certificate; `None` where the bytes are none.
pub fn decode(der: &[u8]) -> Option<Decoded> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let (key_kind, key_size) = key(&certificate.subject_pki);
    let (signature_algorithm, signature_hash) = signature(&certificate.signature_algorithm);
    let (mut ca, mut cert_sign) = (Stated::Absent, Stated::Absent);
    let stated = |yes| if yes { Stated::Yes } else { Stated::No };
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(it) => ca = stated(it.ca),
            ParsedExtension::KeyUsage(it) => cert_sign = stated(it.key_cert_sign()),
            ParsedExtension::ParseError { .. } if extension.oid == OID_X509_EXT_BASIC_CONSTRAINTS => {
                ca = Stated::Unreadable
            }
            ParsedExtension::ParseError { .. } if extension.oid == OID_X509_EXT_KEY_USAGE => {
                cert_sign = Stated::Unreadable
            }
            _ => {}
        }
    }
    Some(Decoded {
        subject: name(certificate.subject()),
        issuer: name(certificate.issuer()),
        self_issued: are_one_name(certificate.subject(), certificate.issuer()),
        serial: shortened(data_encoding::HEXUPPER.encode(certificate.raw_serial())),
        thumbprint: data_encoding::HEXUPPER.encode(&Sha1::digest(der)),
        not_before: certificate.validity().not_before.to_datetime(),
        not_after: certificate.validity().not_after.to_datetime(),
        key_kind,
        key_size,
        signature_algorithm,
        signature_hash,
        ca,
        cert_sign,
    })
}

/// What a person reads; a name of megabytes would fill the report.
const LONGEST_SHOWN: usize = 512;

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_SHOWN {
        text.truncate(text.floor_char_boundary(LONGEST_SHOWN));
        text.push('…');
    }
    text
}

fn name(name: &X509Name<'_>) -> String {
    let mut out = String::new();
    for (i, part) in name.iter().enumerate() {
        for (j, attribute) in part.iter().enumerate() {
            if out.len() > LONGEST_SHOWN {
                return shortened(out);
            }
            out.push_str(match (i, j) {
                (0, 0) => "",
                (_, 0) => ", ",
                _ => " + ",
            });
            let oid = attribute.attr_type().to_id_string();
            out.push_str(attribute_name(&oid).unwrap_or(&oid));
            out.push('=');
            let value = attribute.attr_value();
            out.push_str(&characters(value.tag(), &value.data[..value.data.len().min(4 * LONGEST_SHOWN)]));
        }
    }
    shortened(out)
}

/// The text of an attribute of that type.
fn characters(tag: Tag, data: &[u8]) -> Cow<'_, str> {
    match tag {
        // UniversalString is UTF-32, whose upper half is always zero for what occurs in names.
        Tag::BmpString => encoding_rs::UTF_16BE.decode_without_bom_handling(data).0,
        // T61String is Latin-1 in practice.
        Tag::T61String => encoding_rs::mem::decode_latin1(data),
        _ => String::from_utf8_lossy(data),
    }
}

/// Whether two names are the same, whatever types their texts have: letter case and white space around and between words
/// do not count. Source: RFC 5280, 7.1.
fn are_one_name(one: &X509Name<'_>, other: &X509Name<'_>) -> bool {
    let text =
        |tag| matches!(tag, Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::BmpString | Tag::T61String);
    let folded = |attribute: &AttributeTypeAndValue<'_>| {
        let value = attribute.attr_value();
        let words = characters(value.tag(), value.data).to_lowercase();
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let same = |a: &AttributeTypeAndValue<'_>, b: &AttributeTypeAndValue<'_>| {
        let (left, right) = (a.attr_value(), b.attr_value());
        let bytes = left.tag() == right.tag() && left.data == right.data;
        a.attr_type() == b.attr_type() && (bytes || (text(left.tag()) && text(right.tag()) && folded(a) == folded(b)))
    };
    one.as_raw() == other.as_raw()
        || one.iter().count() == other.iter().count()
            && one
                .iter()
                .zip(other.iter())
                .all(|(a, b)| a.iter().count() == b.iter().count() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)))
}

fn attribute_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "0.9.2342.19200300.100.1.25" => "DC",
        "0.9.2342.19200300.100.1.1" => "UID",
        "1.2.840.113549.1.9.1" => "E",
        _ => return None,
    })
}

/// Bits of an unsigned number, most significant byte first.
fn bits(number: &[u8]) -> Option<u32> {
    let first = number.iter().position(|byte| *byte != 0)?;
    let whole = u32::try_from(number.len() - first).ok()?.checked_mul(8)?;
    Some(whole - number[first].leading_zeros())
}

fn key(info: &SubjectPublicKeyInfo<'_>) -> (KeyKind, Option<u32>) {
    let algorithm = info.algorithm.algorithm.to_id_string();
    match algorithm.as_str() {
        // RSASSA-PSS and RSAES-OAEP keys are RSA keys with a purpose.
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.7" | "1.2.840.113549.1.1.10" | "2.5.8.1.1" => {
            let modulus = x509_parser::public_key::RSAPublicKey::from_der(&info.subject_public_key.data);
            (KeyKind::Rsa, modulus.ok().and_then(|(_, key)| bits(key.modulus)))
        }
        "1.2.840.10045.2.1" => {
            let curve = info.algorithm.parameters.as_ref().and_then(|any| Oid::try_from(any.clone()).ok());
            let named = curve.and_then(|oid| curve_size(&oid.to_id_string()));
            let point = || match info.parsed() {
                Ok(PublicKey::EC(point)) => u32::try_from(point.key_size()).ok().filter(|size| *size > 0),
                _ => None,
            };
            (KeyKind::Ec, named.or_else(point))
        }
        "1.3.101.112" => (KeyKind::Edwards, Some(256)),
        "1.3.101.113" => (KeyKind::Edwards, Some(456)),
        "1.2.840.10040.4.1" => {
            let parameters = info.algorithm.parameters.as_ref().map(|any| any.data);
            let modulus = parameters.and_then(|data| x509_parser::der_parser::parse_der(data).ok());
            (KeyKind::Dsa, modulus.and_then(|(_, number)| number.as_slice().ok().and_then(bits)))
        }
        _ => (KeyKind::Other, None),
    }
}

fn curve_size(oid: &str) -> Option<u32> {
    Some(match oid {
        "1.2.840.10045.3.1.1" => 192,
        "1.3.132.0.33" => 224,
        "1.2.840.10045.3.1.7" | "1.3.132.0.10" | "1.3.36.3.3.2.8.1.1.7" => 256,
        "1.3.132.0.34" | "1.3.36.3.3.2.8.1.1.11" => 384,
        "1.3.36.3.3.2.8.1.1.13" => 512,
        "1.3.132.0.35" => 521,
        _ => return None,
    })
}

fn signature(algorithm: &AlgorithmIdentifier<'_>) -> (String, SignatureHash) {
    let oid = algorithm.algorithm.to_id_string();
    let known = match oid.as_str() {
        "1.2.840.113549.1.1.2" => ("md2WithRSAEncryption", SignatureHash::Md5),
        "1.2.840.113549.1.1.3" | "1.3.14.3.2.2" | "1.3.14.3.2.4" => ("md4WithRSAEncryption", SignatureHash::Md5),
        "1.2.840.113549.1.1.4" | "1.3.14.3.2.3" => ("md5WithRSAEncryption", SignatureHash::Md5),
        "1.2.840.113549.1.1.5" => ("sha1WithRSAEncryption", SignatureHash::Sha1),
        "1.3.14.3.2.29" => ("sha1WithRSA", SignatureHash::Sha1),
        "1.2.840.10040.4.3" | "1.3.14.3.2.27" | "1.3.14.3.2.28" => ("dsaWithSha1", SignatureHash::Sha1),
        "1.2.840.10045.4.1" => ("ecdsaWithSHA1", SignatureHash::Sha1),
        "1.2.840.113549.1.1.14" => ("sha224WithRSAEncryption", SignatureHash::Sha2),
        "1.2.840.113549.1.1.11" => ("sha256WithRSAEncryption", SignatureHash::Sha2),
        "1.2.840.113549.1.1.12" => ("sha384WithRSAEncryption", SignatureHash::Sha2),
        "1.2.840.113549.1.1.13" => ("sha512WithRSAEncryption", SignatureHash::Sha2),
        "1.2.840.113549.1.1.15" => ("sha512-224WithRSAEncryption", SignatureHash::Sha2),
        "1.2.840.113549.1.1.16" => ("sha512-256WithRSAEncryption", SignatureHash::Sha2),
        "1.2.840.10045.4.3.1" => ("ecdsaWithSHA224", SignatureHash::Sha2),
        "1.2.840.10045.4.3.2" => ("ecdsaWithSHA256", SignatureHash::Sha2),
        "1.2.840.10045.4.3.3" => ("ecdsaWithSHA384", SignatureHash::Sha2),
        "1.2.840.10045.4.3.4" => ("ecdsaWithSHA512", SignatureHash::Sha2),
        "2.16.840.1.101.3.4.3.2" => ("dsaWithSHA256", SignatureHash::Sha2),
        "1.2.840.113549.1.1.10" => match pss_hash(algorithm) {
            // The algorithm alone does not say what is weak about it.
            SignatureHash::Sha1 => ("RSASSA-PSS with SHA-1", SignatureHash::Sha1),
            SignatureHash::Md5 => ("RSASSA-PSS with MD5", SignatureHash::Md5),
            hash => ("RSASSA-PSS", hash),
        },
        "1.3.101.112" => ("Ed25519", SignatureHash::Other),
        "1.3.101.113" => ("Ed448", SignatureHash::Other),
        _ => return (oid, SignatureHash::Other),
    };
    (known.0.to_owned(), known.1)
}

/// RSASSA-PSS names its hash in its parameters; SHA-1 where they say nothing (RFC 4055).
fn pss_hash(algorithm: &AlgorithmIdentifier<'_>) -> SignatureHash {
    let Some(parameters) = algorithm.parameters.as_ref() else { return SignatureHash::Sha1 };
    let Ok(parameters) = RsaSsaPssParams::try_from(parameters) else { return SignatureHash::Other };
    match parameters.hash_algorithm_oid().to_id_string().as_str() {
        "1.3.14.3.2.26" => SignatureHash::Sha1,
        "1.2.840.113549.2.5" => SignatureHash::Md5,
        oid if oid.starts_with("2.16.840.1.101.3.4.2.") => SignatureHash::Sha2,
        _ => SignatureHash::Other,
    }
}
