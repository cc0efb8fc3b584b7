use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL};
use proptest::prelude::*;
use time::macros::datetime;

use super::*;

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/certificates/", $name))
    };
}

const RSA: &str = data!("root-rsa-2048.b64");
const EC: &str = data!("root-ec-p256.b64");

fn good() -> &'static str {
    RSA.trim_end()
}

fn ec() -> &'static str {
    EC.trim_end()
}

fn pem(label: &str, base64: &str, width: usize, line_break: &str) -> String {
    let lines: Vec<&str> =
        (0..base64.len()).step_by(width).map(|at| &base64[at..base64.len().min(at + width)]).collect();
    let body = lines.join(line_break);
    format!("-----BEGIN {label}-----{line_break}{body}{line_break}-----END {label}-----{line_break}")
}

fn base64(text: &str) -> String {
    BASE64.encode(text.as_bytes())
}

fn thumbprint(reading: &Reading) -> Option<String> {
    match &reading.content {
        Content::Certificate(der) => decode(der).map(|decoded| decoded.thumbprint),
        _ => None,
    }
}

fn damage(value: &str) -> Damage {
    match read(value).content {
        Content::Damaged(damage) => damage,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_line_of_base64_is_clean() {
    let reading = read(good());
    assert_eq!((reading.layout, &reading.fault), (Layout::OneLine, &None));
    // By `openssl x509 -fingerprint -sha1`.
    assert_eq!(thumbprint(&reading).as_deref(), Some("50AD026ACE897556FD64AE54B2CF3644A780568F"));
    assert_eq!(reading.cleaned.unwrap().text.as_deref(), Some(good()));
}

#[test]
fn every_layout_has_its_word_and_offset_and_the_same_certificate_in_it() {
    let good = good();
    let at = |offset: usize, what: &str| format!("{}{what}{}", &good[..offset], &good[offset..]);
    let utf16: Vec<u8> = pem("CERTIFICATE", good, 64, "\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_bom = [&[0xFF, 0xFE][..], &utf16].concat();
    let pem64 = pem("CERTIFICATE", good, 64, "\n");
    let text = data!("root-rsa-2048-text.pem");
    let cases = [
        (at(64, "\n"), Layout::Whitespace, 64, Some("a line break (LF)")),
        (at(64, "\r\n"), Layout::Whitespace, 64, Some("a line break (CRLF)")),
        (at(64, "\r"), Layout::Whitespace, 64, Some("a line break (CR)")),
        (at(64, "\n").replace('\n', "\r\n") + "\n", Layout::Whitespace, 64, Some("a line break (CRLF)")),
        (at(10, " "), Layout::Whitespace, 10, Some("a space")),
        (at(10, "\t"), Layout::Whitespace, 10, Some("a tab")),
        (at(10, "\u{A0}"), Layout::Whitespace, 10, Some("a no-break space")),
        (at(10, "\u{2028}"), Layout::Whitespace, 10, Some("white space")),
        (at(good.len(), "\n"), Layout::Whitespace, good.len(), Some("a line break (LF)")),
        (at(0, "\u{FEFF}"), Layout::Bom, 0, Some("a byte order mark")),
        (at(7, "\u{200B}"), Layout::ZeroWidth, 7, Some("a zero-width character")),
        (at(7, "\u{200E}"), Layout::ZeroWidth, 7, Some("a zero-width character")),
        (pem64.clone(), Layout::PemLines, 0, Some("a PEM line")),
        (pem64.replace('\n', "\r\n"), Layout::PemLines, 0, Some("a PEM line")),
        (pem64.replace('\n', " "), Layout::PemLines, 0, Some("a PEM line")),
        (pem64.replace('\n', ""), Layout::PemLines, 0, Some("a PEM line")),
        (pem64.replace(['\n', ' '], ""), Layout::PemLines, 0, Some("a PEM line")),
        (pem("TRUSTED CERTIFICATE", good, 64, "\n"), Layout::PemLines, 0, Some("a PEM line")),
        (pem("X509 CERTIFICATE", good, 64, "\n"), Layout::PemLines, 0, Some("a PEM line")),
        (text.to_owned(), Layout::PemLines, 0, Some("a PEM line")),
        (format!("\u{FEFF}{pem64}"), Layout::PemLines, 0, Some("a byte order mark")),
        (format!("{good}-----END CERTIFICATE-----"), Layout::PemLines, good.len(), Some("a PEM line")),
        (format!("-----BEGIN CERTIFICATE-----{good}"), Layout::PemLines, 0, Some("a PEM line")),
        (
            format!("-----BEGIN CERTIFICATE----------END CERTIFICATE-----{good}"),
            Layout::PemLines,
            0,
            Some("a PEM line"),
        ),
        (format!("-----BEGIN CERTIFICATE-----\n{pem64}"), Layout::PemLines, 0, Some("a PEM line")),
        (base64(&pem64), Layout::Base64OfPem, 0, None),
        (base64(&pem64.replace('\n', "\r\n")), Layout::Base64OfPem, 0, None),
        (base64(&format!("\u{FEFF}{pem64}")), Layout::Base64OfPem, 0, None),
        (base64(text), Layout::Base64OfPem, 0, None),
        (base64(&base64(&pem64)), Layout::Base64OfPem, 0, None),
        (base64(&pem("CERTIFICATE", &base64(&pem64), 64, "\r\n")), Layout::Base64OfPem, 0, None),
        (base64(&pem64).replace("LS0t", "LS0t\r\n"), Layout::Base64OfPem, 0, None),
        (BASE64.encode(&utf16), Layout::Base64OfPem, 0, None),
        (BASE64.encode(&with_bom), Layout::Base64OfPem, 0, None),
        (base64(good), Layout::Base64Twice, 0, None),
        (base64(&at(64, "\r\n")), Layout::Base64Twice, 0, None),
    ];
    let expected = thumbprint(&read(good));
    for (value, layout, offset, character) in cases {
        let reading = read(&value);
        assert_eq!(reading.layout, layout, "{value}");
        assert_eq!(reading.fault, Some(LayoutFault { offset, character }), "{value}");
        assert_eq!(thumbprint(&reading), expected, "{value}");
        assert_eq!(reading.cleaned.unwrap().text.as_deref(), Some(good), "{value}");
        assert_eq!(reading.private_key, None);
    }
}

#[test]
fn missing_padding_is_a_fault_of_layout() {
    for count in 1..=2 {
        let certificate = ["", ec(), data!("root-rsa-1024-sha1.b64").trim_end()][count];
        let unpadded = certificate.strip_suffix(&"=="[..count]).unwrap();
        for missing in [unpadded.to_owned(), format!("{unpadded}{}", &"="[..count - 1])] {
            let reading = read(&missing);
            let fault = LayoutFault { offset: missing.len(), character: None };
            assert_eq!((reading.layout, reading.fault), (Layout::Padding, Some(fault)));
            assert_eq!(reading.cleaned.unwrap().text.as_deref(), Some(certificate));
            assert_eq!(reading.content, read(certificate).content);
        }
    }
}

#[test]
fn damage_has_distinct_reasons() {
    let good = good();
    let der = BASE64.decode(good.as_bytes()).unwrap();
    let other = BASE64.decode(ec().as_bytes()).unwrap();
    let encode = |bytes: &[u8]| BASE64.encode(bytes);
    assert_eq!(damage(""), Damage::Empty);
    assert_eq!(damage(&encode(&der[..600])), Damage::Truncated { bytes: 600, expected: Some(der.len()) });
    assert_eq!(damage(&encode(&der[..3])), Damage::Truncated { bytes: 3, expected: None });
    assert_eq!(damage(&encode(&[&der[..], &[0; 16]].concat())), Damage::TrailingBytes(16));
    assert_eq!(damage(&encode(&[&der[..], &other].concat())), Damage::SeveralCertificates(2));
    let chain = pem("CERTIFICATE", good, 64, "\n") + &pem("CERTIFICATE", ec(), 64, "\n");
    assert_eq!(damage(&chain), Damage::SeveralCertificates(2));
    assert_eq!(damage(&chain.repeat(20)), Damage::SeveralCertificates(40));
    assert_eq!(damage(data!("bundle-pkcs7.b64").trim_end()), Damage::Pkcs7);
    assert!(matches!(damage(data!("request.b64").trim_end()), Damage::NotX509(what) if what.contains("request")));
    assert!(matches!(damage(data!("public-key.b64").trim_end()), Damage::NotX509(what) if what.contains("public key")));
    assert!(matches!(damage("aGVsbG8gd29ybGQh"), Damage::NotX509(_)));
    assert_eq!(damage(&good[..985]), Damage::OddLength(985));
    assert!(matches!(damage(data!("root-ec-p256-trusted.pem")), Damage::TrailingBytes(_)));
    let mut broken = der.clone();
    broken[4] ^= 0xFF;
    assert!(matches!(damage(&encode(&broken)), Damage::NotX509(_)));
}

#[test]
fn a_wrong_tag_or_length_is_damage_though_the_parser_reads_on() {
    let der = certificate(&[0x2B, 0x0E, 3, 2, 0x1D], &[UTC_2020, UTC_2039]);
    assert_eq!(read(&BASE64.encode(&der)).content, Content::Certificate(der.clone()));
    let issuer = der.windows(4).position(|it| it[0] == 0x31 && it[1] == 0x82).unwrap();
    // The certificate is no SEQUENCE, the set in its name is none, the attribute in that is longer than the set.
    for (at, byte) in [(0, 0xB0), (0, 0x10), (issuer, 0x30), (issuer + 7, 0xFF), (issuer + 8, 0x02)] {
        let mut broken = der.clone();
        broken[at] = byte;
        assert!(matches!(damage(&BASE64.encode(&broken)), Damage::NotX509(_)), "byte {at}");
    }
}

#[test]
fn what_is_not_base64_is_damaged_and_not_cleaned() {
    let good = good();
    let url = BASE64URL.encode(&BASE64.decode(good.as_bytes()).unwrap());
    let first = url.find(['-', '_']).unwrap();
    let character = url[first..].chars().next().unwrap();
    assert_eq!(damage(&url), Damage::NotBase64 { offset: first, character, inner: false });
    assert_eq!(read(&url).layout, Layout::OneLine);
    let padded = format!("{}={}", &good[..40], &good[40..]);
    assert_eq!(damage(&padded), Damage::NotBase64 { offset: 40, character: '=', inner: false });
    assert_eq!(read(&padded).layout, Layout::OneLine);
    let spaced = format!(" {}\u{E9}{}", &good[..40], &good[40..]);
    assert_eq!(damage(&spaced), Damage::NotBase64 { offset: 41, character: '\u{E9}', inner: false });
    assert_eq!(read(&spaced).layout, Layout::Whitespace);
    let inside = base64(&pem("CERTIFICATE", "MII!", 64, "\n"));
    assert_eq!(damage(&inside), Damage::NotBase64 { offset: 31, character: '!', inner: true });
    assert_eq!(damage(&format!("{good}====")), Damage::NotBase64 { offset: good.len(), character: '=', inner: false });
}

#[test]
fn white_space_alone_is_a_fault_of_layout_and_empty() {
    let reading = read(" \r\n");
    assert_eq!((reading.layout, reading.content), (Layout::Whitespace, Content::Damaged(Damage::Empty)));
    assert_eq!(read("").layout, Layout::OneLine);
    let lines = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----";
    let reading = read(lines);
    assert_eq!((reading.layout, reading.content), (Layout::PemLines, Content::Damaged(Damage::Empty)));
}

fn keys() -> Vec<(String, &'static str)> {
    let files = [
        (data!("throwaway-key-pkcs8.pem"), "a PKCS#8 private key", "a PEM block `PRIVATE KEY`"),
        (
            data!("throwaway-key-encrypted.pem"),
            "an encrypted PKCS#8 private key",
            "a PEM block `ENCRYPTED PRIVATE KEY`",
        ),
        (data!("throwaway-key-sec1.pem"), "a SEC1 (elliptic curve) private key", "a PEM block `EC PRIVATE KEY`"),
        (data!("throwaway-key-pkcs1.pem"), "a PKCS#1 private key", "a PEM block `RSA PRIVATE KEY`"),
    ];
    let mut keys =
        vec![(data!("throwaway-key-pfx.b64").trim_end().to_owned(), "a PKCS#12 file (PFX), which holds a private key")];
    for (text, der_form, pem_form) in files {
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        // A label says less than the data where both are there; the data comes first.
        keys.push((text.to_owned(), der_form));
        keys.push((base64(text), der_form));
        keys.push((base64(text).replace("LS0t", "LS0t\n"), der_form));
        keys.push((text.replace(['\n', ' '], ""), der_form));
        keys.push((body.clone(), der_form));
        // Cut off, two forms look alike.
        let cut_form = if der_form.contains("PKCS#1 ") { "an RSA or DSA private key" } else { der_form };
        keys.push((body[..60].to_owned(), cut_form));
        keys.push((body[..61].to_owned(), cut_form));
        keys.push((format!("{}*{}", &body[..50], &body[50..]), cut_form));
        keys.push((format!(" {}", &body[..64]), cut_form));
        let label = text.lines().next().unwrap();
        keys.push((format!("{label}\nProc-Type: 4,ENCRYPTED\n\n!{body}"), der_form));
        keys.push((label.to_owned() + "\n!!!", pem_form));
        // As a shell, a web form and a wrong encoding leave it.
        keys.push((text.replace('\n', "%0A").replace(' ', "%20"), "a PEM private key"));
        keys.push((text.replace(['\n', ' '], "+"), "a PEM private key"));
        keys.push((text.chars().flat_map(|c| [c, '\0']).collect(), "a PEM private key"));
        keys.push((body.chars().flat_map(|c| [c, '\0']).collect(), cut_form));
        let der = BASE64.decode(body.as_bytes()).unwrap();
        keys.push((data_encoding::HEXLOWER.encode(&der), der_form));
        keys.push((format!("0x{}", data_encoding::HEXUPPER.encode(&der)), der_form));
        // Cut where the characters make no whole bytes.
        let inside = base64(text);
        keys.push((inside[..inside.len() / 4 * 4 - 11].to_owned(), "a PEM private key"));
        if der_form.starts_with("a PKCS#") {
            keys.push((BASE64.encode(&[b"\r\n", &der[..]].concat()), der_form));
            keys.push((BASE64.encode(&[b"\x04\x82\0\0", &der[..]].concat()), der_form));
        }
    }
    for words in ["Private-Key: (2048 bit, 2 primes)\nmodulus:\n    00:b4\n", "privateExponent:\n    00:b4\n"] {
        keys.push((words.to_owned(), "a private key in words, as OpenSSL prints it"));
    }
    keys
}

#[test]
fn private_keys_are_known_in_every_form() {
    for (value, form) in keys() {
        let reading = read(&value);
        assert_eq!(reading.content, Content::PrivateKey, "{value}");
        assert_eq!(reading.private_key, Some(form), "{value}");
        assert_eq!(reading.cleaned, None, "{value}");
    }
}

#[test]
fn a_certificate_beside_a_key_is_read() {
    let key = data!("throwaway-key-sec1.pem");
    let certificate = pem("CERTIFICATE", good(), 64, "\n");
    let body: String = data!("throwaway-key-pkcs8.pem").lines().filter(|line| !line.starts_with('-')).collect();
    let key_der = BASE64.decode(body.as_bytes()).unwrap();
    let der = BASE64.decode(good().as_bytes()).unwrap();
    for value in [
        format!("{key}{certificate}"),
        format!("{certificate}{key}"),
        base64(&format!("{certificate}{key}")),
        BASE64.encode(&[&der[..], &key_der].concat()),
        BASE64.encode(&[&key_der[..], &der].concat()),
        format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{key}{certificate}"),
    ] {
        let reading = read(&value);
        assert!(reading.private_key.is_some(), "{value}");
        assert_eq!(reading.content, Content::Certificate(der.clone()), "{value}");
        assert_eq!(reading.cleaned.unwrap().text.as_deref(), Some(good()));
    }
    let broken = format!("{key}-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----");
    assert!(matches!(read(&broken).content, Content::Damaged(Damage::Truncated { .. })));
    assert!(read(&broken).private_key.is_some());
}

#[test]
fn nothing_that_is_returned_holds_a_part_of_a_key() {
    for (value, _) in keys() {
        let shown = format!("{:?}", read(&value));
        let visible: String = value.chars().filter(|c| !c.is_whitespace()).collect();
        let pieces = (0..visible.len().saturating_sub(12)).filter_map(|at| visible.get(at..at + 12));
        for piece in pieces.filter(|piece| !piece.contains("PRIVATE") && !piece.contains("-----")) {
            assert!(!shown.contains(piece), "{piece} in {shown}");
        }
    }
}

fn key_der() -> Vec<u8> {
    let text = data!("throwaway-key-pkcs8.pem");
    BASE64.decode(text.lines().filter(|line| !line.starts_with('-')).collect::<String>().as_bytes()).unwrap()
}

fn lines(base64: &str, width: usize) -> String {
    let lines: Vec<&str> =
        (0..base64.len()).step_by(width).map(|at| &base64[at..base64.len().min(at + width)]).collect();
    lines.join("\n")
}

#[test]
fn a_key_outside_of_the_pem_lines_is_found_and_the_certificate_judged() {
    let (pkcs8, pfx) = (BASE64.encode(&key_der()), data!("throwaway-key-pfx.b64").trim_end());
    let certificate = pem("CERTIFICATE", good(), 64, "\n");
    let markup = r#"{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}"#;
    for key in [
        pkcs8.clone(),
        pfx.to_owned(),
        base64(data!("throwaway-key-pkcs8.pem")),
        base64(data!("throwaway-key-sec1.pem")),
        base64(&pkcs8),
        lines(&pkcs8, 64),
        lines(pfx, 76),
        lines(&base64(data!("throwaway-key-pkcs1.pem")), 76),
        format!("the key: {pkcs8}"),
        format!("key {pkcs8} of our root"),
        format!("Bag Attributes\n    {pkcs8}"),
        markup.to_owned(),
    ] {
        for value in [
            format!("{certificate}{key}"),
            format!("{certificate}\n{key}\n"),
            format!("{key}\n{certificate}"),
            format!("{key}\n{certificate}{certificate}").replacen(&certificate, "", 1),
            base64(&format!("{certificate}{key}")),
            format!("{certificate}{key}").replace('\n', " "),
        ] {
            let reading = read(&value);
            assert!(reading.private_key.is_some(), "{value}");
            assert_eq!(thumbprint(&reading), thumbprint(&read(good())), "{value}");
            assert_eq!(reading.cleaned.unwrap().text.as_deref(), Some(good()), "{value}");
        }
    }
}

#[test]
fn values_one_after_another_are_told_apart_where_one_is_a_key() {
    let (pkcs8, pfx) = (BASE64.encode(&key_der()), data!("throwaway-key-pfx.b64").trim_end());
    let key_pem = base64(data!("throwaway-key-pkcs8.pem"));
    // One whose base64 ends in `=`, one whose base64 does not, and one whose padding is missing.
    let certificates = [ec(), good(), ec().trim_end_matches('=')];
    assert_eq!(certificates.map(|it| it.ends_with('=')), [true, false, false]);
    for certificate in certificates {
        for key in [
            &pkcs8,
            pfx,
            &key_pem,
            pkcs8.trim_end_matches('='),
            &lines(&pkcs8, 64),
            "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg",
        ] {
            for value in [
                format!("{certificate}\n{key}"),
                format!("{key}\n{certificate}"),
                format!("{}\r\n{key}", lines(certificate, 76)),
                format!("{key}, {certificate}"),
                base64(&format!("{certificate}\n{key}\n")),
            ] {
                let reading = read(&value);
                assert!(reading.private_key.is_some(), "{value}");
                assert_eq!(thumbprint(&reading), thumbprint(&read(certificate)), "{value}");
            }
        }
    }
    // Without a key it stays what it was: padding in the middle.
    assert!(matches!(damage(&format!("{}\n{}", ec(), good())), Damage::NotBase64 { character: 'M', .. }));
    let several = read(&format!("{}\n{pkcs8}\n{}", ec(), ec()));
    assert_eq!(several.content, Content::Damaged(Damage::SeveralCertificates(2)));
    let broken = read(&format!("{}\n, {pkcs8}", &good()[..400]));
    assert!(matches!(broken.content, Content::Damaged(Damage::Truncated { bytes: 300, .. })), "{broken:?}");
    assert!(broken.private_key.is_some());
}

#[test]
fn json_web_keys_are_private_by_their_private_part() {
    let public = r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#;
    let private = public.replace('}', r#","d":"AA"}"#);
    let shared = r#"{"kty": "oct", "k": "AA"}"#.to_owned();
    let escaped = private.replace('"', "\\\"");
    for value in [private.clone(), base64(&private), format!("{{\"keys\": [{private}]}}"), shared, escaped] {
        let reading = read(&value);
        assert_eq!(reading.private_key, Some("a JSON Web Key with its private part"), "{value}");
        assert_eq!(reading.content, Content::PrivateKey);
    }
    assert_eq!(read(public).private_key, None);
    let chain = private.replace('}', &format!(r#","x5c":["{}"]}}"#, good()));
    assert_eq!(thumbprint(&read(&chain)), thumbprint(&read(good())));
}

#[test]
fn keys_that_are_lists_of_numbers_are_told_apart() {
    let numbers = |count: u8| {
        let content: Vec<u8> = std::iter::once(0).chain(1..=count).flat_map(|number| [2, 1, number]).collect();
        [&[0x30, u8::try_from(content.len()).unwrap()], &content[..]].concat()
    };
    for (count, form) in [(8, "a PKCS#1 private key"), (5, "a DSA private key"), (6, "an RSA or DSA private key")] {
        assert_eq!(read(&BASE64.encode(&numbers(count))).private_key, Some(form));
    }
}

#[test]
fn what_stands_around_pem_lines_is_a_remark_or_damage() {
    let certificate = pem("CERTIFICATE", good(), 64, "\n");
    let at = certificate.chars().count();
    let stray = |offset| Stray { offset, inner: false };
    let bag = "Bag Attributes\n    localKeyID: 01 00 00 00 \nsubject=CN = P2SRoot\n\nissuer=CN = P2SRoot\n\n";
    for value in
        [data!("root-rsa-2048-text.pem").to_owned(), format!("{bag}{certificate}"), format!("{certificate}\n \n")]
    {
        let reading = read(&value);
        assert_eq!((thumbprint(&reading), reading.stray_text), (thumbprint(&read(good())), None), "{value}");
    }
    for (value, offset) in [
        (format!("{certificate}garbage!!!"), at),
        (format!("our root\n{certificate}"), 0),
        (format!("\n{bag}our root\n{certificate}"), bag.len() + 1),
    ] {
        let reading = read(&value);
        let expected = (thumbprint(&read(good())), Some(stray(offset)));
        assert_eq!((thumbprint(&reading), reading.stray_text), expected, "{value}");
    }
    assert_eq!(read(&base64(&format!("{certificate}!"))).stray_text, Some(Stray { offset: at, inner: true }));
    // A part of the certificate once more, which is neither a certificate nor a key.
    assert_eq!(damage(&format!("{certificate}{}", &good()[200..300])), Damage::StrayData(stray(at)));
    assert_eq!(damage(&format!("{certificate}a\u{1}")), Damage::StrayData(stray(at + 1)));
    assert_eq!(damage(&format!("{certificate}{}", ec())), Damage::SeveralCertificates(2));
    let lines = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    assert_eq!(thumbprint(&read(&format!("{lines}{}\n{lines}", good()))), thumbprint(&read(good())));
}

/// A certificate with that signature algorithm and those dates, unsigned: DER by hand, since no tool makes it any more.
fn certificate(algorithm: &[u8], dates: &[&[u8]]) -> Vec<u8> {
    certificate_from(algorithm, dates, (0x1E, &[0, b'R', 1, 0x1F]))
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], &length[..], &content].concat()
}

/// The same from an issuer whose common name has that tag and content; the subject's is a BMPString, `Rğ`.
fn certificate_from(algorithm: &[u8], dates: &[&[u8]], issuer: (u8, &[u8])) -> Vec<u8> {
    let oid = |bytes: &[u8]| [&[0x06, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let algorithm = tlv(0x30, &[&oid(algorithm), &[5, 0]]);
    let name =
        |(tag, text): (u8, &[u8])| tlv(0x30, &[&tlv(0x31, &[&tlv(0x30, &[&oid(&[0x55, 4, 3]), &tlv(tag, &[text])])])]);
    let (issuer, subject) = (name(issuer), name((0x1E, &[0, b'R', 1, 0x1F])));
    let modulus = [&[0, 0x80][..], &[1; 127]].concat();
    let key = tlv(0x30, &[&tlv(0x02, &[&modulus]), &[2, 3, 1, 0, 1]]);
    let rsa = tlv(0x30, &[&oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1]), &[5, 0]]);
    let key = tlv(0x30, &[&rsa, &tlv(0x03, &[&[0], &key])]);
    let tbs = tlv(0x30, &[&[2, 1, 7], &algorithm, &issuer, &tlv(0x30, dates), &subject, &key]);
    tlv(0x30, &[&tbs, &algorithm, &tlv(0x03, &[&[0; 129]])])
}

const UTC_2020: &[u8] = b"\x17\x0D200101000000Z";
const UTC_2039: &[u8] = b"\x17\x0D391231235959Z";

#[test]
fn makecerts_roots_are_weak_and_not_damaged() {
    let der = certificate(&[0x2B, 0x0E, 3, 2, 0x1D], &[UTC_2020, UTC_2039]);
    let decoded = decode(&der).unwrap();
    assert_eq!((decoded.signature_algorithm.as_str(), decoded.signature_hash), ("sha1WithRSA", SignatureHash::Sha1));
    assert_eq!((decoded.key_kind, decoded.key_size), (KeyKind::Rsa, Some(1024)));
    assert_eq!((decoded.ca, decoded.cert_sign, decoded.self_issued), (Stated::Absent, Stated::Absent, true));
    assert_eq!((decoded.subject.as_str(), decoded.serial.as_str()), ("CN=R\u{11F}", "07"));
    assert_eq!(read(&BASE64.encode(&der)).content, Content::Certificate(der));
    for (last, hash) in [(2, SignatureHash::Md5), (4, SignatureHash::Md5), (0x1C, SignatureHash::Sha1)] {
        let der = certificate(&[0x2B, 0x0E, 3, 2, last], &[UTC_2020, UTC_2039]);
        assert_eq!(decode(&der).unwrap().signature_hash, hash, "1.3.14.3.2.{last}");
    }
}

#[test]
fn pss_says_which_hash_is_weak() {
    let pss = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 0x0A];
    let mut der = certificate(&pss, &[UTC_2020, UTC_2039]);
    let decoded = decode(&der).unwrap();
    assert_eq!((decoded.signature_algorithm.as_str(), decoded.signature_hash), ("RSASSA-PSS", SignatureHash::Other));
    // An empty sequence in place of NULL: the defaults.
    while let Some(at) = der.windows(4).position(|it| it == [1, 0x0A, 5, 0]) {
        der[at + 2] = 0x30;
    }
    let decoded = decode(&der).unwrap();
    let expected = ("RSASSA-PSS with SHA-1", SignatureHash::Sha1);
    assert_eq!((decoded.signature_algorithm.as_str(), decoded.signature_hash), expected);
}

#[test]
fn a_name_is_the_same_in_another_encoding() {
    let sha256 = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 0x0B];
    for (tag, text, same) in [
        (0x0C, "R\u{11F}".as_bytes(), true),
        (0x0C, " r\u{11E}".as_bytes(), true),
        (0x0C, "Rg".as_bytes(), false),
        (0x0C, "R\u{11F} \u{11F}".as_bytes(), false),
        // No text: only the same bytes are the same.
        (0x04, "R\u{11F}".as_bytes(), false),
    ] {
        let der = certificate_from(&sha256, &[UTC_2020, UTC_2039], (tag, text));
        assert_eq!(decode(&der).unwrap().self_issued, same, "{tag} {text:?}");
    }
}

#[test]
fn generalized_time_before_2050_is_no_damage() {
    let sha256 = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 0x0B];
    let der = certificate(&sha256, &[b"\x18\x0F20200101000000Z", b"\x18\x0F99991231235959Z"]);
    let decoded = decode(&der).unwrap();
    assert_eq!(decoded.not_before, datetime!(2020-01-01 0:00 UTC));
    assert_eq!(decoded.not_after, datetime!(9999-12-31 23:59:59 UTC));
}

#[test]
fn what_a_certificate_says_is_read() {
    let der = BASE64.decode(good().as_bytes()).unwrap();
    let decoded = decode(&der).unwrap();
    assert_eq!(
        decoded,
        Decoded {
            subject: "CN=root-rsa-2048".to_owned(),
            issuer: "CN=root-rsa-2048".to_owned(),
            self_issued: true,
            serial: "1F2E3D4C5B6A".to_owned(),
            thumbprint: "50AD026ACE897556FD64AE54B2CF3644A780568F".to_owned(),
            not_before: datetime!(2025-01-01 0:00 UTC),
            not_after: datetime!(2035-01-01 0:00 UTC),
            key_kind: KeyKind::Rsa,
            key_size: Some(2048),
            signature_algorithm: "sha256WithRSAEncryption".to_owned(),
            signature_hash: SignatureHash::Sha2,
            ca: Stated::Absent,
            cert_sign: Stated::Yes,
        }
    );
    let ec = decode(&BASE64.decode(ec().as_bytes()).unwrap()).unwrap();
    assert_eq!((ec.key_kind, ec.key_size, ec.ca), (KeyKind::Ec, Some(256), Stated::Yes));
    let leaf = decode(&BASE64.decode(data!("not-a-ca.b64").trim_end().as_bytes()).unwrap()).unwrap();
    assert_eq!((leaf.ca, leaf.cert_sign), (Stated::No, Stated::No));
    let weak = decode(&BASE64.decode(data!("root-rsa-1024-sha1.b64").trim_end().as_bytes()).unwrap()).unwrap();
    assert_eq!((weak.key_size, weak.signature_hash), (Some(1024), SignatureHash::Sha1));
}

#[test]
fn megabytes_are_read_and_nothing_long_is_kept() {
    let length = 1 << 20;
    for (value, content) in [
        (" ".repeat(10 * length), Some(Content::Damaged(Damage::Empty))),
        ("A".repeat(length), None),
        ("TFMw".repeat(length / 4), None),
        ("-----BEGIN ".repeat(length / 11), None),
        ("-----BEGIN CERTIFICATE-----!".repeat(length / 28), None),
        (format!("{}{}", pem("CERTIFICATE", "", 64, ""), "MA ".repeat(length / 3)), None),
        ("-----END CERTIFICATE-----a!".repeat(length / 27), None),
        (format!("{}=", "TUlJ ".repeat(length / 5)), None),
    ] {
        let reading = read(&value);
        assert!(content.is_none_or(|content| content == reading.content));
        assert!(matches!(reading.content, Content::Damaged(_)));
        assert!(reading.cleaned.is_none_or(|it| it.text.is_none_or(|text| text.len() <= 8 * 1024)));
    }
}

/// The sample certificate of the articles: 998 characters of base64 that are no certificate.
#[test]
fn the_articles_sample_is_pem_lines_and_damaged() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/seeds");
    let Ok(folder) = std::fs::read_dir(seeds) else { return };
    let mut samples = 0;
    for file in folder.filter_map(Result::ok) {
        let Ok(text) = std::fs::read_to_string(file.path()) else { continue };
        let (Some(start), Some(end)) = (text.find("-----BEGIN"), text.rfind("-----END CERTIFICATE-----")) else {
            continue;
        };
        let reading = read(&text[start..end + "-----END CERTIFICATE-----".len()]);
        assert_eq!(reading.layout, Layout::PemLines);
        assert!(matches!(reading.content, Content::Damaged(_)), "{reading:?}");
        println!("{}: {:?}", file.path().display(), reading.content);
        samples += 1;
    }
    assert_eq!(samples, 3);
}

#[test]
fn recorded_values_are_classified() {
    fn walk(json: &serde_json::Value, path: &str, visit: &mut dyn FnMut(&str, &str)) {
        match json {
            serde_json::Value::Object(members) => members.iter().for_each(|(key, value)| match value.as_str() {
                Some(text) if key.eq_ignore_ascii_case("publicCertData") => visit(path, text),
                _ => walk(value, &format!("{path}/{key}"), visit),
            }),
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, path, visit)),
            _ => {}
        }
    }
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/recordings"))];
    let mut classes = std::collections::BTreeMap::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
            let Ok(json) = serde_json::from_str(&text) else { continue };
            walk(&json, "", &mut |path, value| {
                let reading = read(value);
                if path.to_lowercase().ends_with("vpnclientrootcertificates/properties") && value.starts_with("LS0t") {
                    assert_eq!(reading.layout, Layout::Base64OfPem, "{}", entry.path().display());
                    assert!(thumbprint(&reading).is_some(), "{}", entry.path().display());
                }
                let content = match &reading.content {
                    Content::Certificate(_) => "a certificate".to_owned(),
                    other => format!("{other:?}"),
                };
                *classes.entry((reading.layout, content)).or_insert(0) += 1;
            });
        }
    }
    for (class, count) in classes {
        println!("{count:4} {class:?}");
    }
}

#[derive(Clone, Debug)]
enum Mutation {
    Insert(usize, &'static str),
    Pem(usize, &'static str),
    Base64,
    Unpad,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let blanks = ["\n", "\r\n", " ", "\t", "\u{A0}", "\u{FEFF}", "\u{200B}", "\u{3000}"];
    prop_oneof![
        (any::<usize>(), prop::sample::select(blanks.to_vec())).prop_map(|(at, what)| Mutation::Insert(at, what)),
        (1usize..2000, prop::sample::select(vec!["\n", "\r\n", " ", "", "\r"]))
            .prop_map(|(width, with)| Mutation::Pem(width, with)),
        Just(Mutation::Base64),
        Just(Mutation::Unpad),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_layout_did_to_a_certificate_is_undone(mutations in prop::collection::vec(mutation(), 1..5)) {
        let der = BASE64.decode(ec().as_bytes()).unwrap();
        let mut value = BASE64.encode(&der);
        let (mut wrapped, mut plain, mut faulty) = (false, true, false);
        let (mut blank, mut encoded) = (false, 0);
        for mutation in &mutations {
            match mutation {
                Mutation::Insert(at, what) => {
                    let at = value.floor_char_boundary(at % (value.len() + 1));
                    value.insert_str(at, what);
                    (blank, faulty) = (true, true);
                }
                // PEM inside PEM is nothing that a tool makes.
                Mutation::Pem(width, with) if plain => {
                    let characters: Vec<char> = value.chars().collect();
                    let lines: Vec<String> = characters.chunks(*width).map(|line| line.iter().collect()).collect();

                    value = format!("-----BEGIN CERTIFICATE-----{with}{}{with}-----END CERTIFICATE-----", lines.join(with));
                    (wrapped, plain, faulty) = (true, false, true);
                }
                Mutation::Base64 if encoded < 2 => {
                    value = base64(&value);
                    (wrapped, plain, faulty, blank) = (false, true, true, false);
                    encoded += 1;
                }
                Mutation::Unpad if !wrapped => {
                    let unpadded = value.trim_end_matches('=');
                    faulty |= unpadded != value;
                    value = unpadded.to_owned();
                }
                _ => {}
            }
        }
        let reading = read(&value);
        prop_assert_eq!(&reading.content, &Content::Certificate(der));
        prop_assert_eq!(reading.layout != Layout::OneLine, faulty);
        if wrapped {
            prop_assert_eq!(reading.layout, Layout::PemLines);
        } else if encoded > 0 {
            prop_assert!(matches!(reading.layout, Layout::Base64OfPem | Layout::Base64Twice));
        } else if blank {
            prop_assert!(matches!(reading.layout, Layout::Whitespace | Layout::Bom | Layout::ZeroWidth));
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&text);
        read(&BASE64_NOPAD.encode(&bytes));
        read(&BASE64.encode(text.as_bytes()));
    }

    #[test]
    fn no_mutated_certificate_panics(at in any::<usize>(), byte in any::<u8>(), cut in any::<usize>()) {
        let mut der = BASE64.decode(good().as_bytes()).unwrap();
        let length = der.len();
        der[at % length] = byte;
        read(&BASE64.encode(&der));
        der.truncate(cut % length);
        decode(&der);
        read(&BASE64.encode(&der));
    }
}
