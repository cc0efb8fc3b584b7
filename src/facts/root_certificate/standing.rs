//! How a root certificate stands: as a root, by its strength, by its name, and among the others of its owner.

use std::collections::{HashMap, HashSet};

use super::commands::Commands;
use super::{CertificateOwner, Problem, RootCertificate, is_template_expression};
use crate::facts::certificate::{Decoded, KeyKind, SignatureHash, Stated};
use crate::facts::command::Command;
use crate::facts::schema::{Known, Unread, facts};
use crate::inventory::ResourceId;

facts! {
    /// How a root certificate stands: as a root, by its strength, by its name, and among the others of its owner.
    pub struct Standing {
        /// Whether private key material stands in its place, alone; false where the data was not read.
        pub key_alone: bool,
        /// Whether its name is within Azure's rule: up to 80 letters, digits, `.`, `-` and `_` of ASCII, the first a
        /// letter, a digit or `_`, and the last too. Unread where only letters outside of ASCII are in question.
        pub name_fits: Known<bool>,
        /// What is wrong with the name, as a phrase: `a space at character 4`; empty where nothing is.
        pub name_problem: String,
        /// Whether it can be a root: it does not deny being a CA or signing certificates, and it issued itself.
        pub root: Known<bool>,
        /// Why not, as a phrase; empty where it can.
        pub root_problem: Known<String>,
        /// Its key in words: `an RSA key of 1024 bits`.
        pub key_words: Known<String>,
        /// Its signature in words: `a signature by sha1WithRSAEncryption`.
        pub signature_words: Known<String>,
        /// Whether its signature rests on neither SHA-1 nor an MD hash. Unread where the algorithm is not known.
        pub signature_strong: Known<bool>,
        /// When it ends, counted in whole days: `in 29 days`, `in less than a day`.
        pub ends_in: Known<String>,
        /// The entries of its owner's list of revoked certificates that hold its own thumbprint, by name.
        pub revoked_as: Known<Vec<String>>,
        /// The other roots of its owner that are the same certificate, by name.
        pub twins: Known<Vec<String>>,
        /// A name within the rule that no other root of its owner has, for one whose name is not.
        pub fitting_name: String,
        /// Commands that upload it once more under a name within the rule; none where its data cannot be cleaned.
        pub rename_commands: Vec<Command>,
        /// Commands that take away the copies of it that are too many: the same ones for each copy, so that one stays.
        pub single_out_commands: Vec<Command>,
    }
}

/// What a root certificate stands among: the names of its owner's roots, and what the owner revoked.
pub(super) struct Among<'a> {
    /// The names in lower case.
    pub names: HashSet<String>,
    /// Name and thumbprint of each revoked certificate.
    pub revoked: Vec<(&'a str, Option<&'a str>)>,
}

/// More names than these fill a report and tell nothing new.
const MOST_NAMES: usize = 20;

impl Standing {
    /// What shows without a look at the other roots: `revoked_as` and `twins` are empty until [`compare`].
    pub(super) fn alone(
        commands: &Commands<'_>,
        among: &Among<'_>,
        decoded: &Known<Decoded>,
        problem: &Known<Problem>,
        cleaned: Option<&str>,
        days_left: &Known<f64>,
    ) -> Self {
        let (name, owner) = (commands.name, &*commands.owner.name);
        let is_expression = is_template_expression(name);
        let name_problem = if is_expression { String::new() } else { name_problem(name) };
        let fitting_name = if name_problem.is_empty() { String::new() } else { free_name(name, &among.names) };
        let rename_commands = match cleaned {
            Some(cleaned) if !name_problem.is_empty() => commands.rename(&fitting_name, cleaned),
            _ => Vec::new(),
        };
        macro_rules! say {
            (|$decoded:ident| $value:expr) => {
                decoded.as_ref().map(|$decoded| $value).map_err(Clone::clone)
            };
        }
        let root_problem = decoded.as_ref().map_err(Clone::clone).and_then(|it| {
            let unreadable = [it.ca, it.cert_sign].contains(&Stated::Unreadable);
            Some(root_problem(it)).filter(|problem| !unreadable || !problem.is_empty()).ok_or_else(|| {
                let what = format!("what the root certificate `{name}` on `{owner}` says about being a CA (its extensions cannot be read)");
                Unread::new(what, "look at it with `openssl x509 -text`")
            })
        });
        Self {
            key_alone: *problem == Ok(Problem::PrivateKey),
            name_fits: if !name_problem.is_empty() {
                Ok(false)
            } else if name.is_empty() || is_expression {
                Err(Unread::new(format!("the name of a root certificate on `{owner}`"), commands.how_to_read("")))
            } else if name.is_ascii() {
                Ok(true)
            } else {
                let what = format!("whether Azure takes the name `{name}` of a root certificate on `{owner}`");
                Err(Unread::new(what, "use ASCII letters alone, the rule for others is not published"))
            },
            name_problem,
            root: root_problem.as_ref().map(String::is_empty).map_err(Clone::clone),
            root_problem,
            key_words: say!(|it| key_words(it)),
            signature_words: say!(|it| format!("a signature by {}", it.signature_algorithm)),
            signature_strong: decoded.as_ref().map_err(Clone::clone).and_then(|it| {
                is_signature_strong(it).ok_or_else(|| {
                    let algorithm = &it.signature_algorithm;
                    let what =
                        format!("the hash of the signature {algorithm} of the root certificate `{name}` on `{owner}`");
                    Unread::new(what, "look at it with `openssl x509 -text`")
                })
            }),
            ends_in: days_left.clone().map(ends_in),
            revoked_as: Ok(Vec::new()),
            twins: Ok(Vec::new()),
            fitting_name,
            rename_commands,
            single_out_commands: Vec::new(),
        }
    }
}

/// Sets what shows only among all roots of one owner.
pub(super) fn compare(all: &mut [RootCertificate], owner: &CertificateOwner, id: &ResourceId, among: &Among<'_>) {
    let mut copies: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, it) in all.iter().enumerate() {
        if let Ok(thumbprint) = &it.thumbprint {
            copies.entry(thumbprint.clone()).or_default().push(i);
        }
    }
    // One that was read and is no certificate is the same as none.
    let not_read = all.iter().find_map(|it| it.problem.clone().err());
    let alone = all.len() == 1;
    let revoked = Revoked::of(owner, among);
    for it in all.iter_mut() {
        it.standing.revoked_as = revoked.find(&it.thumbprint);
        it.standing.twins = match (&it.thumbprint, &not_read) {
            (Err(unread), _) if !alone => Err(unread.clone()),
            (Ok(_), Some(unread)) => Err(unread.clone()),
            _ => Ok(Vec::new()),
        };
    }
    for copies in copies.values().filter(|copies| copies.len() > 1) {
        let commands = single_out(all, copies, owner, id);
        // One more than are shown, since each leaves itself out.
        let names: Vec<(usize, String)> =
            copies.iter().take(MOST_NAMES + 1).map(|i| (*i, all[*i].name.clone())).collect();
        for i in copies {
            let others = names.iter().filter(|(other, _)| other != i).take(MOST_NAMES);
            all[*i].standing.twins = Ok(others.map(|(_, name)| name.clone()).collect());
            all[*i].standing.single_out_commands.clone_from(&commands);
        }
    }
}

/// The clean copy stays, or the first. Nothing about Virtual WAN, where only a position would name the others.
fn single_out(all: &[RootCertificate], copies: &[usize], owner: &CertificateOwner, id: &ResourceId) -> Vec<Command> {
    if owner.virtual_wan {
        return Vec::new();
    }
    let clean = |it: &&usize| {
        let it = &all[**it];
        it.layout == Ok(super::Layout::OneLine) && it.standing.name_problem.is_empty()
    };
    let stays = &all[*copies.iter().find(clean).unwrap_or(&copies[0])].name;
    let others = copies.iter().map(|it| &all[*it].name).filter(|name| !name.eq_ignore_ascii_case(stays));
    others.take(MOST_NAMES).flat_map(|name| Commands { id, owner, name }.remove()).collect()
}

/// The revoked thumbprints of one owner.
struct Revoked<'a> {
    by_thumbprint: HashMap<String, Vec<&'a str>>,
    unread: Option<Unread>,
    empty: bool,
}

impl<'a> Revoked<'a> {
    fn of(owner: &CertificateOwner, among: &Among<'a>) -> Self {
        let mut by_thumbprint: HashMap<String, Vec<&str>> = HashMap::new();
        let mut unread = None;
        for (name, thumbprint) in &among.revoked {
            match thumbprint.filter(|it| !is_template_expression(it)) {
                Some(thumbprint) => by_thumbprint.entry(hex_digits(thumbprint)).or_default().push(name),
                None => {
                    let what = format!("the thumbprint of the revoked certificate `{name}` on `{}`", owner.name);
                    unread.get_or_insert_with(|| Unread::new(what, "read the resource by GET"));
                }
            }
        }
        Self { by_thumbprint, unread, empty: among.revoked.is_empty() }
    }

    fn find(&self, thumbprint: &Known<String>) -> Known<Vec<String>> {
        if self.empty {
            return Ok(Vec::new());
        }
        let names = self.by_thumbprint.get(thumbprint.as_ref().map_err(Clone::clone)?.as_str());
        match (names, &self.unread) {
            (Some(names), _) => Ok(names.iter().take(MOST_NAMES).map(|it| (*it).to_owned()).collect()),
            (None, Some(unread)) => Err(unread.clone()),
            (None, None) => Ok(Vec::new()),
        }
    }
}

/// The hex digits of a thumbprint in upper case, without what people paste along with them.
pub(in crate::facts) fn hex_digits(thumbprint: &str) -> String {
    thumbprint.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_uppercase()).collect()
}

/// The longest name of a root certificate, in characters.
const LONGEST_NAME: usize = 80;

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Source: the text of ARM's error `InvalidResourceName`. Of letters outside of ASCII it does not speak, so they are no
/// fault here.
fn name_problem(name: &str) -> String {
    let shown = |c: char| match c {
        ' ' => "a space".to_owned(),
        c if c.is_ascii_control() => format!("the control character U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    };
    let wrong = |c: char| c.is_ascii() && !is_word(c) && !".-".contains(c);
    let edge = |c: Option<char>| c.filter(|c| ".-".contains(*c));
    let count = name.chars().count();
    if let Some((i, c)) = name.chars().enumerate().find(|(_, c)| wrong(*c)) {
        format!("{} at character {i}", shown(c))
    } else if count > LONGEST_NAME {
        format!("{count} characters, and {LONGEST_NAME} are the most")
    } else if let Some(c) = edge(name.chars().next()) {
        format!("it starts with {}", shown(c))
    } else if let Some(c) = edge(name.chars().next_back()) {
        format!("it ends with {}", shown(c))
    } else {
        String::new()
    }
}

/// A name within the rule that no other root has.
fn free_name(name: &str, taken: &HashSet<String>) -> String {
    // Room for a number.
    let mapped: String =
        name.chars().take(LONGEST_NAME - 8).map(|c| if is_word(c) || ".-".contains(c) { c } else { '_' }).collect();
    let mapped = mapped.trim_matches(['.', '-']);
    let plain = if mapped.is_empty() { "root" } else { mapped };
    let numbered = (2..10_000).map(|i| format!("{plain}-{i}"));
    let mut names = std::iter::once(plain.to_owned()).chain(numbered);
    names.find(|it| !taken.contains(&it.to_lowercase())).unwrap_or_else(|| plain.to_owned())
}

fn root_problem(it: &Decoded) -> String {
    let mut problems = Vec::new();
    if it.ca == Stated::No {
        problems.push("it says that it is not a CA".to_owned());
    }
    if it.cert_sign == Stated::No {
        problems.push("its key usage leaves out signing certificates".to_owned());
    }
    if !it.self_issued {
        let issuer = if it.issuer.is_empty() { "a nameless CA" } else { &it.issuer };
        let denied = !problems.is_empty();
        problems.push(match denied {
            true => format!("{issuer} issued it"),
            false => format!("it is an issuing CA, whose own certificate comes from {issuer}"),
        });
    }
    problems.join(" and ")
}

fn key_words(it: &Decoded) -> String {
    let kind = match it.key_kind {
        KeyKind::Rsa => "an RSA key",
        KeyKind::Ec => "an elliptic-curve key",
        KeyKind::Edwards => "an Edwards-curve key",
        KeyKind::Dsa => "a DSA key",
        KeyKind::Other => "a key of another kind",
    };
    it.key_size.map_or_else(|| kind.to_owned(), |size| format!("{kind} of {size} bits"))
}

/// NIST's own algorithms (2.16.840.1.101.3.4.3) rest on SHA-2, SHA-3 or hashes within them; so do Edwards curves. `None`:
/// not known.
fn is_signature_strong(it: &Decoded) -> Option<bool> {
    match it.signature_hash {
        SignatureHash::Md5 | SignatureHash::Sha1 => Some(false),
        SignatureHash::Sha2 => Some(true),
        SignatureHash::Other => {
            let algorithm = &*it.signature_algorithm;
            let strong = ["Ed25519", "Ed448"].contains(&algorithm) || algorithm.starts_with("2.16.840.1.101.3.4.3.");
            strong.then_some(true)
        }
    }
}

fn ends_in(days: f64) -> String {
    match days {
        days if days < 1.0 => "in less than a day".to_owned(),
        days if days < 2.0 => "in 1 day".to_owned(),
        days => format!("in {} days", days.floor()),
    }
}

#[cfg(test)]
mod tests;
