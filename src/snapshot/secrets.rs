//! What never reaches a snapshot: values of members whose name says that they are secret, and values that are secret
//! whatever their member is called.
//!
//! A secret becomes [`REMOVED`], so that a policy still sees that something is set there. Names of references to
//! secrets (`secretUrl`, `keyVaultSecretId`) stay, and so do `true`, `false` and `null` (`disablePasswordAuthentication`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::key;
use super::walk::{Visitor, replace, walk};

/// What stands in a snapshot where a secret stood.
pub const REMOVED: &str = "(removed)";

/// Parts of names that say so wherever they stand, in lower case without `-`, `_` and the like.
const WITHIN: [&str; 13] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "sharedkey",
    "privatekey",
    "accesskey",
    "accountkey",
    "authorizationkey",
    "connectionstring",
    "sastoken",
    "sharedaccesssignature",
    "credential",
];

/// Ends of names that say so.
const ENDS: [&str; 8] = ["key", "keys", "key1", "key2", "pwd", "token", "pin", "psk"];

/// Names that say so alone: what machines are handed at their start, and what extensions run, often with secrets in it.
const WHOLE: [&str; 9] = [
    "protectedsettings",
    "protectedsettingsfromkeyvault",
    "customdata",
    "userdata",
    "commandtoexecute",
    "script",
    "sas",
    "sasurl",
    "pfx",
];

/// Ends of names that refer to a secret without being one.
const REFERENCES: [&str; 10] = ["id", "ids", "uri", "url", "name", "version", "type", "source", "publickey", "enabled"];

/// Names that end like a secret and are none.
const HARMLESS: [&str; 4] = ["publickey", "primarykeyname", "partitionkey", "routingkey"];

/// Values that are secret whatever they are called: SAS tokens, connection strings, passwords in commands and URLs,
/// private keys, JSON Web Tokens.
static VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let patterns = [
        r"(?:^|[?&;])sig=",
        r"SharedAccessSignature",
        r"(?:AccountKey|SharedAccessKey|SharedSecret|client_secret|api[-_]?key|passwo?r?d|pwd|secret)[\x22']?\s*[=:]\s*\S",
        r"[-/]{1,2}(?:admin)?passwo?r?d[ :=]",
        r"-----BEGIN[A-Z ]*PRIVATE KEY",
        r"Private-Lines",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.",
        r"\bBearer\s+[A-Za-z0-9._~+/-]{16,}",
        r"://[^/\s:@]+:[^/\s@]+@",
    ];
    Regex::new(&format!("(?i){}", patterns.join("|"))).ok()
});

/// Takes secrets out of texts, and counts them by the names of their members.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    pub removed: BTreeMap<String, u64>,
}

impl Secrets {
    /// The JSON text of an item without secrets.
    pub fn out_of_item<'t>(&mut self, json: &'t str) -> Cow<'t, str> {
        let mut search = Search { json, frames: Vec::new(), edits: Vec::new(), secrets: self };
        walk(json, &mut search);
        match search.edits.is_empty() {
            true => Cow::Borrowed(json),
            false => Cow::Owned(replace(json, search.edits)),
        }
    }

    /// A sentence without secrets: what Azure says of an error may repeat them.
    pub fn out_of_words(&mut self, words: String) -> String {
        if !is_secret(&words) {
            return words;
        }
        *self.removed.entry("detail".to_owned()).or_default() += 1;
        REMOVED.to_owned()
    }
}

fn is_secret(value: &str) -> bool {
    VALUE.as_ref().is_none_or(|pattern| pattern.is_match(value))
}

/// Whether a member of that name holds a secret.
fn says_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if WHOLE.contains(&plain.as_str()) {
        return true;
    }
    if HARMLESS.iter().chain(&REFERENCES).any(|end| plain.ends_with(end)) {
        return false;
    }
    WITHIN.iter().any(|part| plain.contains(part)) || ENDS.iter().any(|end| plain.ends_with(end))
}

/// Whether a member of that name refers to something, and is no secret whatever it stands in.
fn refers(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    REFERENCES.iter().any(|end| name.ends_with(end))
}

/// Whether a number under that name is a secret, and not a size or a number of days.
fn ends_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "pwd", "secret", "passphrase", "pin", "sharedkey", "authorizationkey"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Whether a private key may stand in that value; asked of every string, so it is quick.
fn may_hold_key(name: &str, value: &str) -> bool {
    let certificate = || name.to_ascii_lowercase().contains("cert");
    let starts = || ["MI", "LS0t", "<RSAKeyValue", "PuTTY", "{"].iter().any(|start| value.starts_with(start));
    value.len() >= 24 && !value.starts_with('/') && (value.contains("-----") || certificate() || starts())
}

#[derive(Default)]
struct Frame {
    /// The name of the member that is next, or of the one that holds the array.
    key: String,
    /// Within the value of a member that says so.
    secret: bool,
    /// An object of a pair, `{"name": "DB_PASSWORD", "value": "…"}`, says so.
    pair: bool,
    /// Its values.
    values: Vec<Range<usize>>,
    /// Its member `key`: a name where a value stands beside it, else a secret.
    key_member: Option<Range<usize>>,
    array: bool,
}

struct Search<'s> {
    json: &'s str,
    frames: Vec<Frame>,
    edits: Vec<(Range<usize>, String)>,
    secrets: &'s mut Secrets,
}

impl Search<'_> {
    fn open(&mut self, array: bool) {
        let (key, secret) = match self.frames.last() {
            Some(frame) => (frame.key.clone(), frame.secret || (!frame.key.is_empty() && says_secret(&frame.key))),
            None => (String::new(), false),
        };
        let key = if array { key } else { String::new() };
        self.frames.push(Frame { key, secret, array, ..Frame::default() });
    }

    fn remove(&mut self, range: Range<usize>, with: &str, name: &str) {
        let name = if name.is_empty() { "value" } else { name };
        *self.secrets.removed.entry(name.to_owned()).or_default() += 1;
        self.edits.push((range, serde_json::Value::from(with).to_string()));
    }
}

impl Visitor for Search<'_> {
    fn open_object(&mut self) {
        self.open(false);
    }

    fn open_array(&mut self) {
        self.open(true);
    }

    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if let Some(range) = frame.key_member.filter(|_| frame.values.is_empty()) {
            self.remove(range, REMOVED, "key");
        }
        if frame.pair && !frame.secret {
            for range in frame.values {
                if !self.edits.iter().any(|(there, _)| *there == range) {
                    self.remove(range, REMOVED, "value");
                }
            }
        }
    }

    fn key(&mut self, key: &str, _: Range<usize>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.key = key.to_owned();
        }
    }

    fn scalar(&mut self, text: Option<&str>, range: Range<usize>) {
        let Some(frame) = self.frames.last_mut() else { return };
        let name = frame.key.clone();
        let Some(text) = text else {
            // A number may be one too; `true`, `false` and `null` are none.
            if self.json.as_bytes().get(range.start).is_some_and(|byte| !byte.is_ascii_alphabetic())
                && ends_secret(&name)
            {
                self.remove(range, REMOVED, &name);
            }
            return;
        };
        let within = frame.secret;
        let says = says_secret(&name) || (within && !refers(&name));
        if !frame.array {
            match name.to_ascii_lowercase().as_str() {
                "name" | "key" => frame.pair |= says_secret(text),
                "type" => frame.pair |= text.to_ascii_lowercase().starts_with("secure"),
                "value" | "defaultvalue" => frame.values.push(range.clone()),
                _ => {}
            }
        }
        if text.is_empty() {
            return;
        }
        if !within && !frame.array && name.eq_ignore_ascii_case("key") {
            frame.key_member = Some(range);
            return;
        }
        if says {
            self.remove(range, REMOVED, &name);
        } else if let Some(masked) = Some(text).filter(|_| may_hold_key(&name, text)).and_then(key::without_key) {
            self.remove(range, &masked, &name);
        } else if is_secret(text) {
            self.remove(range, REMOVED, &name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(json: &str) -> (String, BTreeMap<String, u64>) {
        let mut secrets = Secrets::default();
        (secrets.out_of_item(json).into_owned(), secrets.removed)
    }

    #[test]
    fn names_tell_secrets_from_references_to_them() {
        for name in
            ["sharedKey", "radiusServerSecret", "adminPassword", "DB_PASSWORD", "primary-key", "accessKeys", "key1"]
        {
            assert!(says_secret(name), "{name}");
        }
        for name in ["secretUrl", "keyVaultSecretId", "publicKey", "name", "privateIPAddress", "keyData", "monkeyId"] {
            assert!(!says_secret(name), "{name}");
        }
    }

    #[test]
    fn what_is_no_secret_stays_to_the_byte() {
        let json = r#"{ "disablePasswordAuthentication" : true, "passwordDays": 90, "secretUrl": "https://v/secrets/x",
            "settings": [{"name": "SIZE", "value": "4\u00e9"}], "sharedKey": "" }"#;
        assert_eq!(removed(json), (json.to_owned(), BTreeMap::new()));
    }

    #[test]
    fn everything_under_a_secret_name_goes() {
        let (json, removed) =
            removed(r#"{"adminPassword":{"value":"a"},"keys":["b",{"keyName":"k","value":"c"}],"pin":7}"#);
        let wanted = r#"{"adminPassword":{"value":"(removed)"},"keys":["(removed)",{"keyName":"k","value":"(removed)"}],"pin":"(removed)"}"#;
        assert_eq!(json, wanted);
        assert_eq!(removed, BTreeMap::from([("keys".into(), 1), ("pin".into(), 1), ("value".into(), 2)]));
    }

    #[test]
    fn values_betray_themselves() {
        for value in [
            "https://a/b?sv=2&sig=x",
            "DefaultEndpointsProtocol=https;AccountKey=x",
            "https://user:pass@host/",
            "curl -u a --password hunter2",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        ] {
            let json = serde_json::json!({"note": value}).to_string();
            assert_eq!(removed(&json).0, r#"{"note":"(removed)"}"#, "{value}");
        }
    }
}
