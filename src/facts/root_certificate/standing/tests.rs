use super::*;
use crate::facts::certificate::{Content, decode, read};

#[test]
fn names_are_up_to_eighty_word_characters_dots_and_hyphens() {
    for name in ["P2SRoot", "a", "_", "a.b-c_", "1", &"a".repeat(80)] {
        assert_eq!(name_problem(name), "", "{name}");
    }
    for (name, problem) in [
        ("P2S Root", "a space at character 3"),
        (" ", "a space at character 0"),
        ("a\n", "the control character U+000A at character 1"),
        ("a/b", "`/` at character 1"),
        ("Wurzel für VPN", "a space at character 6"),
        ("-a", "it starts with `-`"),
        ("a.", "it ends with `.`"),
        (&"a".repeat(81), "81 characters, and 80 are the most"),
    ] {
        assert_eq!(name_problem(name), problem, "{name}");
    }
}

#[test]
fn a_new_name_is_within_the_rule_and_not_taken() {
    let taken = HashSet::from(["p2s_root".to_owned()]);
    assert_eq!(free_name("P2S Root", &HashSet::new()), "P2S_Root");
    assert_eq!(free_name("P2S Root", &taken), "P2S_Root-2");
    for name in ["", "..", "é", "-a b.", &"a b".repeat(80)] {
        let free = free_name(name, &taken);
        assert!(!free.is_empty() && name_problem(&free).is_empty(), "{name}: {free}");
    }
}

#[test]
fn days_are_counted_down() {
    for (days, words) in
        [(0.0, "in less than a day"), (1.0, "in 1 day"), (1.99, "in 1 day"), (30.0, "in 30 days"), (29.9, "in 29 days")]
    {
        assert_eq!(ends_in(days), words);
    }
}

#[test]
fn of_a_signature_that_is_not_known_nobody_knows_the_hash() {
    let data = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/certificates/root-ec-p256.b64"));
    let Content::Certificate(der) = read(data.trim_end()).content else { panic!("it is a certificate") };
    let mut certificate = decode(&der).unwrap();
    assert_eq!(is_signature_strong(&certificate), Some(true));
    certificate.signature_hash = SignatureHash::Other;
    // SHA-3 with RSA, and an object identifier of nobody.
    for (algorithm, strong) in [("Ed25519", Some(true)), ("2.16.840.1.101.3.4.3.14", Some(true)), ("1.2.3", None)] {
        certificate.signature_algorithm = algorithm.to_owned();
        assert_eq!(is_signature_strong(&certificate), strong, "{algorithm}");
    }
    certificate.signature_hash = SignatureHash::Sha1;
    assert_eq!(is_signature_strong(&certificate), Some(false));
}
