//! What az CLI prints: the members of `properties` stand beside `id`, in the resource and in the children that it
//! lists, and `resourceGroup` stands next to every id.

use serde_json::{Map, Value};

/// Members that ARM keeps beside `properties`, in lower case.
const OUTSIDE: [&str; 18] = [
    "id",
    "name",
    "type",
    "location",
    "tags",
    "sku",
    "zones",
    "kind",
    "identity",
    "plan",
    "etag",
    "managedby",
    "managedbyextended",
    "extendedlocation",
    "resourcegroup",
    "systemdata",
    "subscriptionid",
    "tenantid",
];

/// Types whose `sku` stands under `properties`, by their last segment.
const SKU_WITHIN: [&str; 4] = ["virtualnetworkgateways", "azurefirewalls", "firewallpolicies", "applicationgateways"];

/// Lists whose entries have `properties` of their own in REST: the last segment of the resource's type (lower case),
/// and paths below `properties`. Lists within such entries are named by the path without the `properties` between.
///
/// Source: the REST reference of Microsoft.Network and Microsoft.Compute. All other lists are flat in REST too, those
/// of `vpnServerConfigurations` and the rules of rule collections among them.
const CHILDREN: &[(&str, &[&str])] = &[
    (
        "virtualnetworkgateways",
        &[
            "ipConfigurations",
            "natRules",
            "virtualNetworkGatewayPolicyGroups",
            "vpnClientConfiguration.vpnClientRootCertificates",
            "vpnClientConfiguration.vpnClientRevokedCertificates",
            "vpnClientConfiguration.vngClientConnectionConfigurations",
        ],
    ),
    (
        "virtualnetworks",
        &["subnets", "virtualNetworkPeerings", "subnets.delegations", "subnets.ipConfigurationProfiles"],
    ),
    ("subnets", &["delegations", "ipConfigurationProfiles"]),
    ("routetables", &["routes"]),
    ("networksecuritygroups", &["securityRules", "defaultSecurityRules"]),
    ("networkinterfaces", &["ipConfigurations"]),
    (
        "loadbalancers",
        &[
            "frontendIPConfigurations",
            "backendAddressPools",
            "backendAddressPools.loadBalancerBackendAddresses",
            "loadBalancingRules",
            "probes",
            "inboundNatRules",
            "inboundNatPools",
            "outboundRules",
        ],
    ),
    (
        "azurefirewalls",
        &["ipConfigurations", "natRuleCollections", "networkRuleCollections", "applicationRuleCollections"],
    ),
    ("bastionhosts", &["ipConfigurations"]),
    ("p2svpngateways", &["p2SConnectionConfigurations"]),
    ("vpnserverconfigurations", &["configurationPolicyGroups"]),
    ("virtualmachines", &["networkProfile.networkInterfaces"]),
    (
        "virtualmachinescalesets",
        &[
            "virtualMachineProfile.networkProfile.networkInterfaceConfigurations",
            "virtualMachineProfile.networkProfile.networkInterfaceConfigurations.ipConfigurations",
            "virtualMachineProfile.extensionProfile.extensions",
        ],
    ),
];

/// Members that older versions named otherwise than REST: the type's last segment, their name and REST's.
const RENAMED: [(&str, &str, &str); 1] = [("virtualnetworkgateways", "active", "activeActive")];

/// Whether a member (lower case) stands beside `properties` in REST, whatever the type.
pub(super) fn stays_outside(key: &str) -> bool {
    OUTSIDE.contains(&key)
}

/// A flattened resource in the REST shape; anything but an object stays what it is.
pub fn to_rest(value: Value) -> Value {
    let Value::Object(mut members) = value else { return value };
    let ty = super::type_of(&members).unwrap_or_default();
    let last = ty.rsplit('/').next().unwrap_or_default();
    for (_, old, new) in RENAMED.iter().filter(|(of, ..)| *of == last) {
        if crate::json::member(&members, new).is_none()
            && let Some(value) = members.shift_remove(*old)
        {
            members.insert((*new).to_owned(), value);
        }
    }
    if let Some((_, lists)) = CHILDREN.iter().find(|(of, _)| *of == last) {
        wrap_children(&mut members, lists);
    }
    let mut outer = Map::new();
    let mut properties = Map::new();
    for (key, value) in members {
        let lower = key.to_lowercase();
        let outside = match lower.as_str() {
            "sku" => !SKU_WITHIN.contains(&last),
            // Extensions, which ARM lists beside the machine's properties.
            "resources" => last == "virtualmachines",
            lower => stays_outside(lower),
        };
        if outside { &mut outer } else { &mut properties }.insert(key, value);
    }
    outer.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(outer)
}

/// Gives the entries of these lists their `properties`; paths start at `members`.
fn wrap_children(members: &mut Map<String, Value>, lists: &[&str]) {
    for (key, value) in members.iter_mut() {
        let is_key = |name: &str| name.eq_ignore_ascii_case(key);
        let wrapped = lists.iter().any(|path| is_key(path));
        let within: Vec<&str> = lists
            .iter()
            .filter_map(|path| path.split_once('.'))
            .filter(|(first, _)| is_key(first))
            .map(|(_, rest)| rest)
            .collect();
        if !wrapped && within.is_empty() {
            continue;
        }
        let entries = match value {
            Value::Array(list) => list.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            wrap_children(entry, &within);
            if wrapped {
                wrap(entry);
            }
        }
    }
}

/// Members of a child that REST keeps beside its `properties`, in lower case.
const BESIDE_CHILD: [&str; 6] = ["id", "name", "type", "etag", "zones", "resourcegroup"];

/// A child without anything beside these is a reference, and has no `properties`.
fn wrap(child: &mut Map<String, Value>) {
    if crate::json::member(child, "properties").is_some() {
        return;
    }
    let (outer, properties): (Map<_, _>, Map<_, _>) =
        std::mem::take(child).into_iter().partition(|(key, _)| BESIDE_CHILD.contains(&key.to_lowercase().as_str()));
    *child = outer;
    if !properties.is_empty() {
        child.insert("properties".to_owned(), Value::Object(properties));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(path: &str) -> String {
        format!("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/{path}")
    }

    #[test]
    fn a_gateway_takes_its_sku_and_its_certificates_along() {
        let flat = json!({
            "id": id("virtualNetworkGateways/gw"), "name": "gw", "location": "westus", "resourceGroup": "rg",
            "type": "Microsoft.Network/virtualNetworkGateways", "active": true, "sku": {"name": "VpnGw1"},
            "ipConfigurations": [{"name": "c", "resourceGroup": "rg", "subnet": {"id": "x", "resourceGroup": "rg"}}],
            "vpnClientConfiguration": {"radiusServers": [{"radiusServerAddress": "10.0.0.4"}],
                "vpnClientRootCertificates": [{"name": "root", "publicCertData": "MII"}]},
        });
        let rest = json!({
            "id": id("virtualNetworkGateways/gw"), "name": "gw", "location": "westus", "resourceGroup": "rg",
            "type": "Microsoft.Network/virtualNetworkGateways",
            "properties": {
                "sku": {"name": "VpnGw1"}, "activeActive": true,
                "ipConfigurations": [{"name": "c", "resourceGroup": "rg",
                    "properties": {"subnet": {"id": "x", "resourceGroup": "rg"}}}],
                "vpnClientConfiguration": {"radiusServers": [{"radiusServerAddress": "10.0.0.4"}],
                    "vpnClientRootCertificates": [{"name": "root", "properties": {"publicCertData": "MII"}}]},
            },
        });
        assert_eq!(to_rest(flat), rest);
    }

    #[test]
    fn lists_that_are_flat_in_rest_stay_flat() {
        let flat = json!({"id": id("vpnServerConfigurations/c"), "etag": "e",
            "vpnClientRootCertificates": [{"name": "root", "publicCertData": "MII"}]});
        let rest = json!({"id": id("vpnServerConfigurations/c"), "etag": "e",
            "properties": {"vpnClientRootCertificates": [{"name": "root", "publicCertData": "MII"}]}});
        assert_eq!(to_rest(flat), rest);
    }

    #[test]
    fn children_within_children_and_references_beside_them() {
        let flat = json!({"id": id("loadBalancers/lb"), "sku": {"name": "Standard"},
            "frontendIPConfigurations": [{"name": "f", "zones": ["1"], "inboundNatRules": [{"id": "r", "resourceGroup": "rg"}]}],
            "backendAddressPools": [{"id": "p"}, {"name": "q",
                "loadBalancerBackendAddresses": [{"name": "a", "ipAddress": "10.0.0.4"}]}]});
        let rest = json!({"id": id("loadBalancers/lb"), "sku": {"name": "Standard"}, "properties": {
            "frontendIPConfigurations": [{"name": "f", "zones": ["1"],
                "properties": {"inboundNatRules": [{"id": "r", "resourceGroup": "rg"}]}}],
            "backendAddressPools": [{"id": "p"}, {"name": "q", "properties": {
                "loadBalancerBackendAddresses": [{"name": "a", "properties": {"ipAddress": "10.0.0.4"}}]}}]}});
        assert_eq!(to_rest(flat), rest);
    }

    #[test]
    fn a_child_that_was_printed_alone_is_told_by_its_id() {
        let flat = json!({"id": id("virtualNetworks/a/subnets/b"), "name": "b", "addressPrefix": "10.0.0.0/24"});
        let rest = json!({"id": id("virtualNetworks/a/subnets/b"), "name": "b",
            "properties": {"addressPrefix": "10.0.0.0/24"}});
        assert_eq!(to_rest(flat), rest);
    }
}
