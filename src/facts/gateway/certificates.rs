//! The lists of root and of revoked certificates of a gateway, or of the server configuration that it names.

use std::borrow::Cow;
use std::collections::HashMap;

use super::point_to_site::server_configuration;
use super::{HOW, text};
use crate::facts::command::{Command, az, option};
use crate::facts::root_certificate::{hex_digits, is_template_expression};
use crate::facts::schema::{Known, Unread, facts};
use crate::inventory::gateway::{P2sVpnGateway, VirtualNetworkGateway};
use crate::inventory::{Inventory, Resource, ResourceId};

facts! {
    /// The lists of root and of revoked certificates of a gateway.
    pub struct CertificateLists {
        /// How many certificates are revoked.
        pub revoked: Known<i64>,
        /// What is wrong with their thumbprints, as phrases: `` `laptop-1` has 41 hex digits instead of 40 ``; of those
        /// that stand twice one for each thumbprint. Empty: nothing. Unread where nothing is known to be wrong and a
        /// thumbprint was not read.
        pub revoked_faults: Known<Vec<String>>,
        /// Commands that write thumbprints as 40 hex digits alone and keep one entry of each. Nothing about those that
        /// cannot be put right by leaving characters out.
        pub mend_revoked_commands: Vec<Command>,
        /// Commands that print the names of the root certificates.
        pub list_root_commands: Vec<Command>,
    }
}

/// An entry of the list of revoked certificates.
struct Entry<'a> {
    name: &'a str,
    /// As written; `None`: not read.
    thumbprint: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn new(name: &'a str, thumbprint: Option<&'a str>) -> Self {
        Self { name, thumbprint: thumbprint.filter(|it| !is_template_expression(it)) }
    }
}

/// The hex digits of a SHA-1 thumbprint.
const DIGITS: usize = 40;
/// More of them fill a report and tell nothing new.
const MOST_FAULTS: usize = 20;

pub(super) fn certificates_of_network(resource: &Resource<VirtualNetworkGateway>) -> CertificateLists {
    let (name, id): (&str, _) = (&resource.name, &resource.id);
    let entries =
        resource.properties.vpn_client_configuration.iter().flat_map(|it| &it.vpn_client_revoked_certificates);
    let entries = entries.map(|it| Entry::new(&it.name, it.properties.thumbprint.as_deref())).collect();
    let revoked = Revoked::of(entries);
    let root_names = ["--name", name, "--query", "vpnClientConfiguration.vpnClientRootCertificates[].name"];
    let write = |entry: &str, digits: &str| {
        let arguments = [option("--gateway-name", name), option("--name", entry), option("--thumbprint", digits)];
        az("network vnet-gateway revoked-cert create", id, &words(&arguments.concat()))
    };
    let written = revoked.to_write().map(|(entry, digits)| write(entry, digits));
    let remove = |entry| {
        let arguments = [option("--gateway-name", name), option("--name", entry)];
        az("network vnet-gateway revoked-cert delete", id, &words(&arguments.concat()))
    };
    CertificateLists {
        mend_revoked_commands: written.chain(revoked.to_remove().map(remove)).take(MOST_FAULTS).collect(),
        revoked_faults: revoked.faults(name),
        revoked: Ok(revoked.entries.len() as i64),
        list_root_commands: vec![az("network vnet-gateway show", id, &root_names)],
    }
}

fn words<'a>(arguments: &'a [Cow<'_, str>]) -> Vec<&'a str> {
    arguments.iter().map(|it| &**it).collect()
}

/// No command names a single entry of a server configuration's list to take it away, so those that stand twice stay.
pub(super) fn certificates_of_virtual_wan(
    resource: &Resource<P2sVpnGateway>,
    inventory: &Inventory,
) -> CertificateLists {
    let server = match server_configuration(resource, inventory) {
        Ok(server) => server,
        Err(unread) => {
            return CertificateLists {
                revoked: Err(unread.clone()),
                revoked_faults: Err(unread),
                mend_revoked_commands: Vec::new(),
                list_root_commands: Vec::new(),
            };
        }
    };
    let (name, id): (&str, &ResourceId) = (&server.name, &server.id);
    let entries = server.properties.vpn_client_revoked_certificates.iter();
    let entries = entries.map(|it| Entry::new(text(&it.name).unwrap_or_default(), it.thumbprint.as_deref())).collect();
    let revoked = Revoked::of(entries);
    let write = |(entry, digits): (&str, &str)| {
        let set = format!("properties.vpnClientRevokedCertificates[name={entry}].thumbprint={digits}");
        Command::new(["az", "resource", "update", "--ids", id.as_str(), "--set", &set])
    };
    let names = "properties.vpnClientRootCertificates[].name";
    // `az network vpn-server-config show` needs an extension of the az CLI.
    let list_roots = Command::new(["az", "resource", "show", "--ids", id.as_str(), "--query", names]);
    CertificateLists {
        mend_revoked_commands: revoked.to_write().map(write).take(MOST_FAULTS).collect(),
        revoked_faults: revoked.faults(name),
        revoked: Ok(revoked.entries.len() as i64),
        list_root_commands: vec![list_roots],
    }
}

/// The list, with the digits of each thumbprint.
struct Revoked<'a> {
    entries: Vec<Entry<'a>>,
    digits: Vec<String>,
    /// Positions of the entries with the same digits, in the order of their first.
    same: Vec<Vec<usize>>,
}

impl<'a> Revoked<'a> {
    fn of(entries: Vec<Entry<'a>>) -> Self {
        let digits: Vec<String> = entries.iter().map(|it| it.thumbprint.map(hex_digits).unwrap_or_default()).collect();
        let mut group_of: HashMap<&str, usize> = HashMap::new();
        let mut same: Vec<Vec<usize>> = Vec::new();
        for (i, digits) in digits.iter().enumerate().filter(|(_, digits)| !digits.is_empty()) {
            let group = *group_of.entry(digits).or_insert_with(|| {
                same.push(Vec::new());
                same.len() - 1
            });
            same[group].push(i);
        }
        Self { entries, digits, same }
    }

    fn is_clean(&self, i: usize) -> bool {
        self.entries[i].thumbprint.is_some_and(|it| it.len() == DIGITS && it.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    fn faults(&self, owner: &str) -> Known<Vec<String>> {
        let malformed = self.entries.iter().enumerate().filter_map(|(i, entry)| {
            let thumbprint = entry.thumbprint.filter(|_| !self.is_clean(i))?;
            Some(format!("`{}` {}", entry.name, self.problem(i, thumbprint)))
        });
        let twice = self.same.iter().filter(|group| group.len() > 1).map(|group| {
            let names: Vec<String> =
                group.iter().map(|i| format!("`{}`", self.entries[*i].name)).take(MOST_FAULTS).collect();
            format!("{} hold the same thumbprint", names.join(" and "))
        });
        let faults: Vec<String> = malformed.chain(twice).take(MOST_FAULTS).collect();
        match self.entries.iter().find(|it| it.thumbprint.is_none()) {
            Some(entry) if faults.is_empty() => Err(Unread::new(
                format!("the thumbprint of the revoked certificate `{}` on `{owner}`", entry.name),
                HOW,
            )),
            _ => Ok(faults),
        }
    }

    /// What is wrong with a thumbprint that is not 40 hex digits.
    fn problem(&self, i: usize, thumbprint: &str) -> String {
        let digits = self.digits[i].len();
        let stray = thumbprint.chars().enumerate().find(|(_, c)| !c.is_ascii_hexdigit());
        match stray {
            None if digits == 0 => "is empty".to_owned(),
            None => format!("has {digits} hex digits instead of {DIGITS}"),
            Some((at, c)) => {
                let count = if digits == DIGITS {
                    String::new()
                } else {
                    format!(", and {digits} hex digits instead of {DIGITS}")
                };
                format!("has {} at character {at}{count}", character(c))
            }
        }
    }

    /// The entry of a group that stays: a clean one, or the first.
    fn stays(&self, group: &[usize]) -> Option<usize> {
        group.iter().copied().find(|i| self.is_clean(*i)).or_else(|| group.first().copied())
    }

    /// Names of the entries that stay, are not clean and can be, with the digits to write.
    fn to_write(&self) -> impl Iterator<Item = (&'a str, &str)> {
        let stay = self.same.iter().filter_map(|group| self.stays(group));
        let dirty = stay.filter(|i| !self.is_clean(*i) && self.digits[*i].len() == DIGITS);
        dirty.map(|i| (self.entries[i].name, &*self.digits[i])).filter(|(name, _)| !name.is_empty())
    }

    /// Names of the entries whose thumbprint stands in another that stays.
    fn to_remove(&self) -> impl Iterator<Item = &'a str> {
        self.same.iter().filter(|group| self.digits[group[0]].len() == DIGITS).flat_map(|group| {
            let stays = self.stays(group);
            let kept = stays.map(|i| self.entries[i].name).unwrap_or_default();
            let others = group.iter().filter(move |i| Some(**i) != stays).map(|i| self.entries[*i].name);
            others.filter(move |name| !name.is_empty() && !name.eq_ignore_ascii_case(kept))
        })
    }
}

fn character(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        c if c.is_ascii_graphic() => format!("`{c}`"),
        c => format!("the character U+{:04X}", u32::from(c)),
    }
}
