//! One resource as it came: its text, and the little of it that decides what else is read.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::failure::member;
use super::{kinds, references};

/// A resource, and what it refers to.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// JSON in the REST shape.
    pub(super) text: String,
    /// Its id as it is spelt; empty where it has none.
    pub(super) id: String,
    /// Its type in lower case; empty where neither it nor its id names one.
    pub(super) ty: String,
    /// Resources of known types that it refers to.
    pub(super) refers: Vec<String>,
    /// Whether it was read by a GET of its own, which says all there is.
    pub(super) fresh: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    ty: Option<Cow<'a, str>>,
}

impl Row {
    /// Looks at a row. One that is no resource is kept as it is; the inventory says what is wrong with it.
    pub(super) fn new(text: String) -> Self {
        let head: Head<'_> = serde_json::from_str(&text).unwrap_or_default();
        let id = head.id.map(|id| id.trim().to_owned()).unwrap_or_default();
        let ty = head.ty.map(|ty| ty.trim().to_lowercase()).filter(|ty| !ty.is_empty());
        let ty = ty.unwrap_or_else(|| type_of(&id).unwrap_or_default());
        let refers = references::of(&ty, &text);
        Self { text, id, ty, refers, fresh: false }
    }

    /// The id in lower case, which ids are compared by.
    pub(super) fn key(&self) -> String {
        self.id.to_lowercase()
    }

    /// Whether point-to-site is on, so that a GET of its own tells more: with an address pool. A gateway that was
    /// listed without properties may have one.
    pub(super) fn serves_clients(&self) -> bool {
        if self.ty == kinds::P2S_GATEWAY {
            return true;
        }
        if self.ty != kinds::GATEWAY {
            return false;
        }
        let Ok(value) = serde_json::from_str::<Value>(&self.text) else { return false };
        let Some(properties) = member(&value, "properties").filter(|it| it.is_object()) else { return true };
        let Some(clients) = member(properties, "vpnClientConfiguration") else { return false };
        let groups = member(clients, "vngClientConnectionConfigurations").and_then(Value::as_array);
        let groups = groups.into_iter().flatten().filter_map(|group| member(group, "properties"));
        std::iter::once(clients).chain(groups).any(|owner| {
            let pool = member(owner, "vpnClientAddressPool").and_then(|pool| member(pool, "addressPrefixes"));
            pool.and_then(Value::as_array).is_some_and(|prefixes| !prefixes.is_empty())
        })
    }

    /// What those subnets of this network refer to: their security group and route table. Ids in lower case.
    pub(super) fn refers_by_subnets(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Network<'a> {
            #[serde(borrow)]
            properties: Option<Properties<'a>>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Properties<'a> {
            #[serde(borrow)]
            subnets: Vec<&'a RawValue>,
        }
        let network: Network<'_> = serde_json::from_str(&self.text).unwrap_or_default();
        let mut found = Vec::new();
        for subnet in network.properties.unwrap_or_default().subnets {
            let head: Head<'_> = serde_json::from_str(subnet.get()).unwrap_or_default();
            if head.id.is_some_and(|id| wanted(&id.to_lowercase())) {
                found.extend(references::of(&self.ty, subnet.get()));
            }
        }
        found
    }
}

/// The resource type of an id in lower case, `microsoft.network/virtualnetworks/subnets`.
pub(super) fn type_of(id: &str) -> Option<String> {
    let lower = id.to_lowercase();
    let segments: Vec<&str> = lower.split('/').filter(|segment| !segment.is_empty()).collect();
    let provider = segments.iter().rposition(|segment| *segment == "providers")?;
    let rest = &segments[provider + 1..];
    if rest.len() < 3 || rest.len().is_multiple_of(2) {
        return None;
    }
    let types = rest[1..].iter().step_by(2);
    Some(std::iter::once(&rest[0]).chain(types).copied().collect::<Vec<_>>().join("/"))
}

/// The subscription of an id in lower case, empty where it names none.
pub(super) fn subscription_of(id: &str) -> String {
    let mut segments = id.split('/').filter(|segment| !segment.is_empty());
    let named = segments.find(|segment| segment.eq_ignore_ascii_case("subscriptions"));
    named.and_then(|_| segments.next()).unwrap_or_default().to_lowercase()
}

/// The nearest resource of a type that is read: the id itself, or the parent that holds it.
pub(super) fn readable(id: &str) -> Option<(&str, &'static kinds::Kind)> {
    let mut id = id.trim().trim_end_matches('/');
    if !id.starts_with('/') || subscription_of(id).is_empty() {
        return None;
    }
    loop {
        let ty = type_of(id)?;
        match kinds::find(&ty) {
            Some(kind) if !matches!(kind.listing, kinds::Listing::ByManager | kinds::Listing::Ids) => {
                return Some((id, kind));
            }
            _ => id = id.rsplitn(3, '/').nth(2)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RG: &str = "/subscriptions/S1/resourceGroups/rg/providers/Microsoft.Network";

    #[test]
    fn a_child_is_read_by_way_of_its_parent() {
        let subnet = format!("{RG}/virtualNetworks/hub/subnets/GatewaySubnet");
        let (id, kind) = readable(&subnet).unwrap();
        assert_eq!((id, kind.name), (format!("{RG}/virtualNetworks/hub").as_str(), kinds::VIRTUAL_NETWORK));
        assert_eq!(subscription_of(&subnet), "s1");
        for other in
            [format!("{RG}/applicationGateways/g/backendAddressPools/p"), "/subscriptions/s".into(), "x".into()]
        {
            assert!(readable(&other).is_none(), "{other}");
        }
    }

    #[test]
    fn point_to_site_is_on_with_an_address_pool() {
        let row = |clients: &str| {
            Row::new(format!(
                r#"{{"id":"{RG}/virtualNetworkGateways/gw","properties":{{"vpnClientConfiguration":{clients}}}}}"#
            ))
        };
        assert!(row(r#"{"vpnClientAddressPool":{"addressPrefixes":["10.0.0.0/24"]}}"#).serves_clients());
        assert!(
            !row(r#"{"vpnClientAddressPool":{"addressPrefixes":[]},"vpnClientProtocols":["SSTP"]}"#).serves_clients()
        );
        assert!(!row("null").serves_clients());
        let group = r#"{"vngClientConnectionConfigurations":[{"properties":{"vpnClientAddressPool":{"addressPrefixes":["10.0.0.0/24"]}}}]}"#;
        assert!(row(group).serves_clients());
    }

    #[test]
    fn what_is_no_resource_is_kept() {
        for text in ["null", "{}", "[1]", r#"{"id":7}"#, "\"x\""] {
            let row = Row::new(text.to_owned());
            assert_eq!((row.text.as_str(), row.id.as_str()), (text, ""));
        }
    }
}
