//! Which other resources a resource refers to, as far as the audit needs them.
//!
//! Only members that point forward are followed. Azure writes the way back as well (a security group lists its
//! interfaces, a subnet the IP configurations in it), and following that would crawl the tenant.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The members, in lower case, whose `id` is followed.
const FORWARD: &[&str] = &[
    "basepolicy",
    "firewallpolicy",
    "gatewaydefaultsite",
    "loadbalancerbackendaddresspools",
    "loadbalancerinboundnatpools",
    "loadbalancerinboundnatrules",
    "localnetworkgateway2",
    "networksecuritygroup",
    "publicipaddress",
    "remotevirtualnetwork",
    "routetable",
    "subnet",
    "virtualmachine",
    "virtualnetworkgateway1",
    "virtualnetworkgateway2",
    "vpnserverconfiguration",
];

/// Members that hold ids as plain text.
const TEXTS: &[&str] = &["sourceipgroups", "destinationipgroups"];

/// Whether the references of a resource that was itself read for a reference are followed on. All of them point to
/// smaller things, so this ends. Networks are followed by the subnets that are in use only.
pub(super) fn followed(ty: &str) -> bool {
    matches!(
        ty,
        "microsoft.network/networkinterfaces"
            | "microsoft.network/loadbalancers"
            | "microsoft.network/azurefirewalls"
            | "microsoft.network/firewallpolicies"
            | "microsoft.network/firewallpolicies/rulecollectiongroups"
    )
}

/// The ids that a resource of that type (lower case) refers to, in its order, with repetitions.
pub(super) fn of(ty: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let machine = ty.starts_with("microsoft.compute/");
    let walk = Walk { found: &mut found, machine, take: Take::Nothing };
    // What cannot be parsed refers to nothing; the inventory reports it.
    let _ = walk.deserialize(&mut serde_json::Deserializer::from_str(text));
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    Nothing,
    /// The `id` of this object, or of each object of this list.
    Id,
    /// This text, or each text of this list.
    Text,
}

/// Walks any JSON and picks up ids on the way, without building values.
struct Walk<'a> {
    found: &'a mut Vec<String>,
    /// Machines point to their interfaces; elsewhere the same member is the way back.
    machine: bool,
    take: Take,
}

impl Walk<'_> {
    fn member(&self, key: &str) -> Take {
        let lower = key.to_ascii_lowercase();
        if self.take == Take::Id && lower == "id" || TEXTS.contains(&lower.as_str()) {
            Take::Text
        } else if FORWARD.contains(&lower.as_str()) || (self.machine && lower == "networkinterfaces") {
            Take::Id
        } else {
            Take::Nothing
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! ignore {
    ($($method:ident: $ty:ty),*) => {$(
        fn $method<E>(self, _: $ty) -> Result<(), E> { Ok(()) }
    )*};
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    ignore!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.take == Take::Text {
            self.found.push(text.trim().to_owned());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Walk { found, machine, take } = self;
        while seq.next_element_seed(Walk { found: &mut *found, machine, take })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            // Backward lists of gateways and subnets hold nothing to follow, and may be long.
            if key.eq_ignore_ascii_case("backendIPConfigurations") {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let take = self.member(&key);
            map.next_value_seed(Walk { found: &mut *self.found, machine: self.machine, take })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_members_are_followed_in_any_letter_case() {
        let text = r#"{"id":"/self","properties":{"ipConfigurations":[{"id":"/ip","properties":{
            "subnet":{"id":"/subnet"},"publicIpAddress":{"properties":{"x":1},"ID":"/pip"},
            "loadBalancerBackendAddressPools":[{"id":"/pool1"},{"id":"/pool2"}]}}],
            "networkSecurityGroup":{"id":"/nsg"},"virtualMachine":null}}"#;
        let found = of("microsoft.network/networkinterfaces", text);
        assert_eq!(found, ["/subnet", "/pip", "/pool1", "/pool2", "/nsg"]);
    }

    #[test]
    fn the_way_back_is_not_followed() {
        let text = r#"{"properties":{"networkInterfaces":[{"id":"/nic"}],"subnets":[{"id":"/subnet"}],
            "ipConfiguration":{"id":"/ip"}}}"#;
        assert_eq!(of("microsoft.network/networksecuritygroups", text), [""; 0]);
        assert_eq!(of("microsoft.compute/virtualmachines", text), ["/nic"]);
    }

    #[test]
    fn groups_of_addresses_are_named_as_text() {
        let text = r#"{"properties":{"rules":[{"sourceIpGroups":["/g1"],"destinationIpGroups":["/g2"]}]}}"#;
        assert_eq!(of("microsoft.network/azurefirewalls", text), ["/g1", "/g2"]);
    }

    #[test]
    fn nothing_is_found_in_text_that_is_no_json() {
        for text in ["", "{", "[[[[", "{\"subnet\":{\"id\":7}}"] {
            assert!(of("x", text).is_empty(), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(of("x", &deep).is_empty());
    }
}
