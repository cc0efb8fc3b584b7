//! Service tags: names that stand for addresses.
//!
//! Three of them depend on the network and are resolved where rules are evaluated; the others are Microsoft's own
//! ranges. Without Microsoft's list they stay names: some public addresses, nobody knows which.

mod list;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::address::AddressSet;

pub use list::ListError;

/// The address from which Azure's platform probes and serves machines.
pub const PLATFORM: &str = "168.63.129.16";
/// The link-local address of the load balancer's probes over IPv6.
pub const PLATFORM_V6: &str = "fe80::1234:5678:9abc";

/// A service tag that stays a name, compared without letter case.
#[derive(Clone, Debug)]
pub struct Tag {
    lower: Arc<str>,
    name: Arc<str>,
}

impl Tag {
    /// The tag of that name.
    pub fn new(name: &str) -> Self {
        Self { lower: name.to_ascii_lowercase().into(), name: name.into() }
    }

    /// What of the tag `VirtualNetwork` was not read. No rule can name it.
    pub fn unread_network() -> Self {
        Self::new("\0VirtualNetwork")
    }

    /// The name as it was spelt.
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl PartialEq for Tag {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for Tag {}

impl PartialOrd for Tag {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Tag {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.lower.cmp(&other.lower)
    }
}

/// What a word in an address field of a rule means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// `*`, `Any`.
    Any,
    /// `Internet`.
    Internet,
    /// `VirtualNetwork`, `VIRTUAL_NETWORK`.
    VirtualNetwork,
    /// `AzureLoadBalancer`, `AZURE_LOADBALANCER`.
    AzureLoadBalancer,
    /// Any other tag.
    Tag(Tag),
}

impl Word {
    /// The word in that text; `None`: it is no word.
    pub fn new(text: &str) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
        let tag = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if is(&["*", "any"]) {
            Some(Self::Any)
        } else if is(&["internet"]) {
            Some(Self::Internet)
        } else if is(&["virtualnetwork", "virtual_network"]) {
            Some(Self::VirtualNetwork)
        } else if is(&["azureloadbalancer", "azure_loadbalancer"]) {
            Some(Self::AzureLoadBalancer)
        } else if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(tag) {
            Some(Self::Tag(Tag::new(text)))
        } else {
            None
        }
    }
}

/// What is known of the addresses behind tags. Empty: nothing, and every tag stays a name.
#[derive(Clone, Debug, Default)]
pub struct ServiceTags {
    prefixes: HashMap<Arc<str>, AddressSet>,
    change_number: Option<String>,
    cloud: Option<String>,
}

impl ServiceTags {
    /// Learns the addresses of a tag.
    pub fn insert(&mut self, tag: &Tag, addresses: AddressSet) {
        self.prefixes.insert(tag.lower.clone(), addresses);
    }

    /// The addresses of a tag, where they are known.
    pub fn get(&self, tag: &Tag) -> Option<&AddressSet> {
        self.prefixes.get(&tag.lower)
    }

    /// How many tags have known addresses.
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether no tag has.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    /// Which edition of Microsoft's list it is, where the list says so; it counts up.
    pub fn change_number(&self) -> Option<&str> {
        self.change_number.as_deref()
    }

    /// The cloud that the list is of, in Microsoft's words: `Public`, `AzureGovernment`, `AzureChina`.
    pub fn cloud(&self) -> Option<&str> {
        self.cloud.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_does_not_matter_and_old_spellings_are_known() {
        assert_eq!(Word::new("INTERNET"), Some(Word::Internet));
        assert_eq!(Word::new("VIRTUAL_NETWORK"), Word::new("virtualNetwork"));
        assert_eq!(Word::new("AZURE_LOADBALANCER"), Word::new("azureloadbalancer"));
        assert_eq!(Word::new("azurecloud"), Word::new("AzureCloud"));
        assert_eq!(Word::new("any"), Word::new("*"));
    }

    #[test]
    fn a_broken_prefix_is_no_tag() {
        for text in ["", "10.0.0.0/33", "300.1.1.1", "fe80:zz::/10", "-", "Sql WestEurope"] {
            assert_eq!(Word::new(text), None, "{text}");
        }
    }
}
