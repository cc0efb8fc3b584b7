//! Microsoft's list of service tags: the weekly file `ServiceTags_Public_20260101.json`, and the same list as Azure
//! answers it (`az network list-service-tags`, `Get-AzNetworkServiceTag`, REST `serviceTags` and `serviceTagDetails`).
//! <https://learn.microsoft.com/azure/virtual-network/service-tags-overview#service-tags-on-premises>

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::{ServiceTags, Tag, Word};
use crate::facts::address::{self, AddressSet};
use crate::inventory::lenient;

/// Why a text is no list of service tags that can be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It is something else.
    #[error("this is no list of service tags: {0}")]
    Other(String),
    /// The addresses of a tag would be known in part.
    #[error("the service tag `{tag}` has a prefix that cannot be read: `{prefix}`")]
    Prefix {
        /// The tag, as it is spelt.
        tag: String,
        /// The prefix.
        prefix: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    /// A number in the file, text in Azure's answer.
    change_number: Option<String>,
    cloud: Option<String>,
    values: Option<Vec<Entry>>,
    /// The same of `serviceTagDetails`.
    value: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    name: Option<String>,
    id: Option<String>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    address_prefixes: Option<Vec<String>>,
}

impl ServiceTags {
    /// Reads the list. A tag without any prefix stays a name, and so do the tags that depend on the network
    /// (`Internet`, `VirtualNetwork`, `AzureLoadBalancer`), whatever the list says of them.
    ///
    /// # Errors
    ///
    /// Text that is something else, a list without a single tag that has addresses, and a prefix that cannot be read.
    pub fn parse(text: &str) -> Result<Self, ListError> {
        let other = |what: &str| ListError::Other(what.to_owned());
        let (List { change_number, cloud, values, value }, nulls) =
            lenient::from_str_counting_nulls(text).map_err(|error| ListError::Other(error.to_string()))?;
        // Whatever stood there, the addresses of a tag would be known in part.
        if nulls > 0 {
            return Err(other("a null stands among its `values`, or among their prefixes"));
        }
        let values = values.or(value).ok_or_else(|| other("it has no `values`"))?;
        // Subnets have names and `addressPrefixes` too.
        if let Some(id) = values.iter().filter_map(|entry| entry.id.as_deref()).find(|id| id.trim().starts_with('/')) {
            return Err(ListError::Other(format!("it holds the resource `{id}`")));
        }
        let (mut named, mut identified) = (HashMap::new(), HashMap::new());
        for entry in &values {
            let addresses = entry.addresses()?;
            if !addresses.is_empty() {
                learn(&mut named, entry.name.as_deref(), &addresses);
                learn(&mut identified, entry.id.as_deref(), &addresses);
            }
        }
        // Rules use names; an id counts where no tag has it for a name.
        identified.extend(named);
        if identified.is_empty() {
            return Err(other("none of its `values` has a name and `properties.addressPrefixes`"));
        }
        Ok(Self { prefixes: identified, change_number, cloud })
    }
}

impl Entry {
    fn addresses(&self) -> Result<AddressSet, ListError> {
        let prefixes = self.properties.as_ref().and_then(|it| it.address_prefixes.as_deref()).unwrap_or_default();
        let mut ranges = Vec::with_capacity(prefixes.len());
        for prefix in prefixes {
            let tag = || self.name.as_ref().or(self.id.as_ref()).cloned().unwrap_or_default();
            let set = address::parse(prefix.trim())
                .ok_or_else(|| ListError::Prefix { tag: tag(), prefix: prefix.clone() })?;
            ranges.extend_from_slice(set.ranges());
        }
        Ok(AddressSet::from_ranges(ranges))
    }
}

fn learn(known: &mut HashMap<Arc<str>, AddressSet>, name: Option<&str>, addresses: &AddressSet) {
    if let Some(Word::Tag(Tag { lower, .. })) = name.map(str::trim).and_then(Word::new) {
        let set = known.entry(lower).or_default();
        *set = set.union(addresses);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first prefixes of a tag.
    fn prefixes(tags: &ServiceTags, tag: &str) -> Vec<String> {
        tags.get(&Tag::new(tag)).into_iter().flat_map(AddressSet::prefixes).map(|it| it.to_string()).collect()
    }

    const DOWNLOADED: &str = r#"{"changeNumber": 412, "cloud": "Public", "values": [
        {"name": "Storage.WestEurope", "id": "Storage.WestEurope", "properties": {"changeNumber": 7, "region":
         "westeurope", "regionId": 18, "platform": "Azure", "systemService": "AzureStorage",
         "addressPrefixes": ["203.0.113.0/25", "203.0.113.128/25", "2001:db8::/48"], "networkFeatures": ["API"]}},
        {"name": "Sql", "id": "SqlDatabase", "properties": {"addressPrefixes": ["198.51.100.7/32"]}},
        {"name": "Empty", "id": "Empty", "properties": {"addressPrefixes": []}},
        {"name": "Internet", "id": "VirtualNetwork", "properties": {"addressPrefixes": ["192.0.2.0/24"]}}]}"#;

    #[test]
    fn names_and_ids_are_found_in_any_letter_case() {
        let tags = ServiceTags::parse(DOWNLOADED).unwrap();
        assert_eq!(prefixes(&tags, "storage.WESTEUROPE"), ["203.0.113.0/24", "2001:db8::/48"]);
        assert_eq!(prefixes(&tags, "sql"), ["198.51.100.7/32"]);
        assert_eq!(prefixes(&tags, "SqlDatabase"), prefixes(&tags, "Sql"));
        assert_eq!((tags.change_number(), tags.cloud()), (Some("412"), Some("Public")));
    }

    #[test]
    fn tags_of_the_network_and_tags_without_addresses_stay_names() {
        let tags = ServiceTags::parse(DOWNLOADED).unwrap();
        for tag in ["Internet", "VirtualNetwork", "Empty"] {
            assert!(tags.get(&Tag::new(tag)).is_none(), "{tag}");
        }
        assert_eq!(tags.len(), 3);
    }

    #[test]
    fn the_list_as_azure_and_powershell_answer_it_is_the_same() {
        let file = ServiceTags::parse(DOWNLOADED).unwrap();
        let azure =
            DOWNLOADED.replace("412", r#""412""#).replacen('{', r#"{"id": "/subscriptions/s", "type": "t","#, 1);
        let pascal = ["values", "name", "properties", "addressPrefixes"].iter().fold(azure.clone(), |text, key| {
            text.replace(&format!("\"{key}\""), &format!("\"{}{}\"", key[..1].to_uppercase(), &key[1..]))
        });
        for text in [azure, pascal] {
            let tags = ServiceTags::parse(&text).unwrap();
            assert_eq!(tags.len(), file.len(), "{text}");
            assert_eq!(prefixes(&tags, "Sql"), prefixes(&file, "Sql"), "{text}");
            assert_eq!(tags.change_number(), Some("412"), "{text}");
        }
    }

    #[test]
    fn a_name_wins_over_an_id_and_a_name_that_stands_twice_has_both() {
        let text = r#"{"values": [{"name": "A", "id": "B", "properties": {"addressPrefixes": ["192.0.2.0/32"]}},
            {"name": "B", "properties": {"addressPrefixes": ["198.51.100.0/32"]}},
            {"name": "b", "properties": {"addressPrefixes": ["203.0.113.0/32"]}}]}"#;
        assert_eq!(prefixes(&ServiceTags::parse(text).unwrap(), "B"), ["198.51.100.0/32", "203.0.113.0/32"]);
    }

    #[test]
    fn a_prefix_that_cannot_be_read_is_named_with_its_tag() {
        for prefix in ["203.0.113.0/33", "nonsense", ""] {
            let text = DOWNLOADED.replace("198.51.100.7/32", prefix);
            let error = ListError::Prefix { tag: "Sql".into(), prefix: prefix.into() };
            assert_eq!(ServiceTags::parse(&text).unwrap_err(), error);
        }
    }

    #[test]
    fn a_null_in_place_of_a_prefix_or_a_tag_is_no_list() {
        for (entry, null) in [
            (r#"["198.51.100.7/32"]"#, r#"["198.51.100.7/32", null]"#),
            (r#"{"name": "Sql""#, r#"null, {"name": "Sql""#),
        ] {
            let text = DOWNLOADED.replace(entry, null);
            assert_ne!(text, DOWNLOADED);
            assert!(ServiceTags::parse(&text).unwrap_err().to_string().contains("null"), "{null}");
        }
    }

    #[test]
    fn details_of_tags_are_a_list_and_subnets_are_none() {
        let list = |id: &str| {
            let properties = r#"{"changeNumber": "7", "addressPrefixes": ["198.51.100.7/32"]}"#;
            format!(r#"{{"value": [{{"name": "Sql", "id": "{id}", "properties": {properties}}}]}}"#)
        };
        assert_eq!(prefixes(&ServiceTags::parse(&list("Sql")).unwrap(), "Sql"), ["198.51.100.7/32"]);
        assert!(ServiceTags::parse(&list("/subscriptions/s/resourceGroups/rg/x")).is_err());
    }

    #[test]
    fn other_text_is_no_list() {
        for text in ["", "null", "[]", "{}", "7", r#"{"values": []}"#, r#"{"value": [{"name": "x"}]}"#, "<html>"] {
            assert!(matches!(ServiceTags::parse(text), Err(ListError::Other(_))), "{text}");
        }
    }
}
