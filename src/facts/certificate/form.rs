//! The form of a certificate in DER. The parser reads on over a wrong tag or length where it can, and so would take a
//! certificate with a wrong byte in it for a sound one; Azure and Windows do not.

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

type Element<'a> = (u8, &'a [u8]);

/// Whether the bytes have the elements of one certificate and nothing else. Source: RFC 5280, 4.1.
pub(super) fn is_certificate(bytes: &[u8]) -> bool {
    certificate(bytes).is_some()
}

fn certificate(bytes: &[u8]) -> Option<()> {
    let [(SEQUENCE, certificate)] = elements(bytes)?[..] else { return None };
    let [(SEQUENCE, signed), (SEQUENCE, algorithm), (BIT_STRING, _)] = elements(certificate)?[..] else { return None };
    self::algorithm(algorithm)?;
    let signed = elements(signed)?;
    let signed = match signed[..] {
        [(VERSION, version), ref rest @ ..] => {
            let [(INTEGER, _)] = elements(version)?[..] else { return None };
            rest
        }
        ref all => all,
    };
    let &[
        (INTEGER, _),
        (SEQUENCE, algorithm),
        (SEQUENCE, issuer),
        (SEQUENCE, validity),
        (SEQUENCE, subject),
        (SEQUENCE, key),
        ref optional @ ..,
    ] = signed
    else {
        return None;
    };
    self::algorithm(algorithm)?;
    name(issuer)?;
    name(subject)?;
    let [(UTC_TIME | GENERALIZED_TIME, _), (UTC_TIME | GENERALIZED_TIME, _)] = elements(validity)?[..] else {
        return None;
    };
    let [(SEQUENCE, algorithm), (BIT_STRING, _)] = elements(key)?[..] else { return None };
    self::algorithm(algorithm)?;
    optional.is_sorted_by(|(one, _), (next, _)| one < next).then_some(())?;
    for (tag, content) in optional {
        match *tag {
            ISSUER_ID | SUBJECT_ID => {}
            EXTENSIONS => extensions(content)?,
            _ => return None,
        }
    }
    Some(())
}

/// `[0]`, explicit.
const VERSION: u8 = 0xA0;
/// `[1]` and `[2]`, implicit.
const ISSUER_ID: u8 = 0x81;
const SUBJECT_ID: u8 = 0x82;
/// `[3]`, explicit.
const EXTENSIONS: u8 = 0xA3;

fn algorithm(content: &[u8]) -> Option<()> {
    matches!(elements(content)?[..], [(OBJECT_IDENTIFIER, _)] | [(OBJECT_IDENTIFIER, _), _]).then_some(())
}

fn name(content: &[u8]) -> Option<()> {
    for (tag, attributes) in elements(content)? {
        for (inner, attribute) in elements(attributes)? {
            let form = matches!(elements(attribute)?[..], [(OBJECT_IDENTIFIER, _), _]);
            (tag == SET && inner == SEQUENCE && form).then_some(())?;
        }
    }
    Some(())
}

fn extensions(content: &[u8]) -> Option<()> {
    let [(SEQUENCE, list)] = elements(content)?[..] else { return None };
    for (tag, extension) in elements(list)? {
        let form = matches!(
            elements(extension)?[..],
            [(OBJECT_IDENTIFIER, _), (OCTET_STRING, _)] | [(OBJECT_IDENTIFIER, _), (BOOLEAN, _), (OCTET_STRING, _)]
        );
        (tag == SEQUENCE && form).then_some(())?;
    }
    Some(())
}

/// Tag and content of the elements that make up the bytes; `None` where one is not whole.
fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements = Vec::new();
    while !bytes.is_empty() {
        let (tag, header, length) = super::der::header(bytes)?;
        let length = length?;
        let end = header.checked_add(length)?;
        // Tags of several bytes do not occur in certificates. Lengths that are written longer than DER wants them do, in
        // old ones, and Windows and OpenSSL read them.
        if tag & 0x1F == 0x1F {
            return None;
        }
        elements.push((tag, bytes.get(header..end)?));
        bytes = &bytes[end..];
    }
    Some(elements)
}
