//! What PowerShell's `ConvertTo-Json` makes of the objects of the Az modules: members in PascalCase and without
//! `properties`, rule ports and prefixes as lists under the singular name, each object a second time as text
//! (`SkuText`), and whatever lies deeper than `-Depth` replaced by the text that PowerShell has for it.

use serde_json::{Map, Value};

use super::{Lack, az_cli, text_of, type_of};
use crate::source::Reason;

/// A resource in the REST shape; one of which a part was cut off is lost whole, since what it lacks could be the
/// opposite of what it says.
pub fn to_rest(value: Value) -> Result<Value, Lack> {
    let mut value = value;
    restore(&mut value);
    if let Some(cut) = first_cut(&value) {
        return Err(truncated(&value, &cut));
    }
    even_out(&mut value);
    Ok(az_cli::to_rest(value))
}

/// That `ConvertTo-Json` cut a resource off, in whatever shape it is; `cut`: the member.
fn truncated(value: &Value, cut: &str) -> Lack {
    let members = value.as_object();
    let detail = format!(
        "`ConvertTo-Json` cut its `{cut}` off, so the resource was left out; export it again with `ConvertTo-Json \
         -Depth 20`"
    );
    Lack {
        scope: members.and_then(|it| text_of(it, "id")).map(str::to_owned),
        what: members.and_then(type_of).unwrap_or_else(|| "resource".to_owned()),
        reason: Reason::Truncated,
        detail,
    }
}

/// Why a resource that is in the REST shape is not whole: its query's answer went through `ConvertTo-Json` too.
/// `None`: nothing was cut off, or it is no JSON.
pub fn cut_in_rest(text: &[u8]) -> Option<Lack> {
    // What PowerShell makes of an object that it has read from JSON.
    memchr::memmem::find(text, b"\"@{")?;
    let value: Value = serde_json::from_slice(text).ok()?;
    Some(truncated(&value, &first_cut(&value)?))
}

/// Takes the text that stands beside a member for it where the member was cut off, and leaves the text out.
fn restore(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(restore),
        Value::Object(members) => {
            // Windows PowerShell wraps some lists: `{"value": […], "Count": 2}`.
            if members.len() == 2
                && members.get("Count").is_some_and(Value::is_number)
                && let Some(Value::Array(list)) = members.get_mut("value")
            {
                let mut list = Value::Array(std::mem::take(list));
                restore(&mut list);
                *value = list;
                return;
            }
            let texts: Vec<String> = members.keys().filter(|key| is_text_of(members, key)).cloned().collect();
            for key in texts {
                let text = members.shift_remove(&key);
                let Some(of) = key.strip_suffix("Text").and_then(|of| members.get_mut(of)) else { continue };
                let parsed = text.as_ref().and_then(Value::as_str).map(serde_json::from_str::<Value>);
                if let Some(Ok(whole @ (Value::Object(_) | Value::Array(_)))) = parsed
                    && first_cut(of).is_some()
                {
                    *of = whole;
                }
            }
            members.iter_mut().filter(|(key, _)| !is_free(key)).for_each(|(_, value)| restore(value));
        }
        _ => {}
    }
}

/// Whether a member repeats another one as text.
fn is_text_of(members: &Map<String, Value>, key: &str) -> bool {
    key.strip_suffix("Text").is_some_and(|of| members.contains_key(of))
}

/// Whether people write what stands there, so that it may read like anything; also names of publishers and types.
fn is_free(key: &str) -> bool {
    const FREE: [&str; 9] =
        ["tag", "tags", "tagstable", "description", "name", "type", "publisher", "customdata", "metadata"];
    FREE.contains(&key.to_lowercase().as_str())
}

/// The path of the first member that was cut off.
fn first_cut(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => is_cut(text).then(String::new),
        Value::Array(list) => list.iter().find_map(first_cut),
        Value::Object(members) => members.iter().filter(|(key, _)| !is_free(key)).find_map(|(key, value)| {
            let below = first_cut(value)?;
            Some(if below.is_empty() { key.clone() } else { format!("{key}.{below}") })
        }),
        _ => None,
    }
}

/// Whether that is what PowerShell writes in place of an object: the names of its class, or `@{Name=…}`; of several,
/// one behind another.
fn is_cut(text: &str) -> bool {
    let of_members = |text: &str| {
        let name = text.strip_prefix("@{").and_then(|rest| rest.split_once('=')).map(|(name, _)| name);
        name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_.@".contains(c)))
    };
    const CLASSES: [&str; 6] = [
        "Microsoft.Azure.Commands.",
        "Microsoft.Azure.Management.",
        "Microsoft.Azure.PowerShell.",
        "System.Collections.",
        "System.Object",
        "System.String[]",
    ];
    let is_class = |word: &str| CLASSES.iter().any(|class| word.starts_with(class));
    of_members(text) || (!text.trim().is_empty() && text.split_whitespace().all(is_class))
}

/// Lists of words that REST names in the plural only.
const LISTS: [&str; 13] = [
    "addressprefixes",
    "zones",
    "vpnclientprotocols",
    "vpnauthenticationtypes",
    "vpnprotocols",
    "dnsservers",
    "ipaddresses",
    "protocols",
    "sourceaddresses",
    "sourceipgroups",
    "destinationaddresses",
    "destinationports",
    "allowedsourceaddressprefixes",
];

/// Lists that stand under a name which REST has for one word alone, and REST's name for a list.
const SINGULAR: [(&str, &str); 5] = [
    ("sourceportrange", "sourcePortRanges"),
    ("destinationportrange", "destinationPortRanges"),
    ("sourceaddressprefix", "sourceAddressPrefixes"),
    ("destinationaddressprefix", "destinationAddressPrefixes"),
    ("addressprefix", "addressPrefixes"),
];

/// Members that REST names otherwise.
const RENAMED: [(&str, &str); 4] = [
    ("tag", "tags"),
    ("resourcegroupname", "resourceGroup"),
    ("peeredremoteaddressspace", "remoteAddressSpace"),
    ("clientconnectionconfigurations", "vngClientConnectionConfigurations"),
];

/// Writes what PowerShell's classes hold otherwise than REST as REST has it.
fn even_out(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(even_out),
        Value::Object(members) => {
            for (key, mut value) in std::mem::take(members) {
                let lower = key.to_lowercase();
                if lower == "tagstable" {
                    continue;
                }
                let renamed = RENAMED.iter().find(|(name, _)| *name == lower);
                let name = renamed.map_or_else(|| lower_first(&key), |(_, name)| (*name).to_owned());
                if let Some((_, plural)) = SINGULAR.iter().find(|(name, _)| *name == lower) {
                    let mut words = words(&value);
                    match words.len() {
                        0 => {}
                        1 => drop(members.insert(name, words.remove(0))),
                        // A plural that stands there too was never a list of PowerShell's.
                        _ => drop(members.insert((*plural).to_owned(), Value::Array(words))),
                    }
                    continue;
                }
                let replaced = match &value {
                    Value::String(_) if LISTS.contains(&&*lower) => Some(Value::Array(words(&value))),
                    Value::String(text) if lower.ends_with("address") && text == "Not Assigned" => Some(Value::Null),
                    Value::Number(number) if lower == "ostype" => os_type(number.as_u64()),
                    _ => None,
                };
                match replaced {
                    Some(replaced) => value = replaced,
                    None if is_free(&lower) => {}
                    None => even_out(&mut value),
                }
                members.insert(name, value);
            }
        }
        _ => {}
    }
}

/// The words of a list, or of the text that `-Depth` made of one: none of them holds a space.
fn words(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        Value::String(text) => text.split_whitespace().map(Value::from).collect(),
        Value::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

/// The enumeration `OperatingSystemTypes`, which prints as its number.
fn os_type(number: Option<u64>) -> Option<Value> {
    match number? {
        0 => Some("Windows".into()),
        1 => Some("Linux".into()),
        _ => None,
    }
}

fn lower_first(key: &str) -> String {
    let mut chars = key.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
        path.split('.').fold(value, |value, name| &value[name])
    }

    fn id(path: &str) -> String {
        format!("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/{path}")
    }

    fn group(rules: Value) -> Value {
        json!({"SecurityRules": rules, "ResourceGroupName": "rg", "Tag": {"Owner": "a"}, "TagsTable": "x",
            "Name": "nsg", "Id": id("networkSecurityGroups/nsg")})
    }

    #[test]
    fn ports_and_prefixes_are_lists_under_the_singular_name() {
        let rest = to_rest(group(json!([{"Name": "r", "Access": "Allow", "SourceAddressPrefix": ["*"],
            "DestinationPortRange": ["22", "3389"], "SourcePortRange": [], "DestinationAddressPrefix": ["10.0.0.4"]}])));
        assert_eq!(
            rest.unwrap(),
            json!({"resourceGroup": "rg", "tags": {"Owner": "a"}, "name": "nsg",
                "id": id("networkSecurityGroups/nsg"),
                "properties": {"securityRules": [{"name": "r", "properties": {"access": "Allow",
                    "sourceAddressPrefix": "*", "destinationPortRanges": ["22", "3389"],
                    "destinationAddressPrefix": "10.0.0.4"}}]}})
        );
    }

    #[test]
    fn lists_that_became_text_are_lists_again() {
        let cut = group(json!([{"Name": "r", "DestinationPortRange": "22 3389", "SourceAddressPrefix": "*"}]));
        let whole = group(json!([{"Name": "r", "DestinationPortRange": ["22", "3389"], "SourceAddressPrefix": ["*"]}]));
        assert_eq!(to_rest(cut), to_rest(whole));
        let network =
            json!({"Id": id("virtualNetworks/n"), "AddressSpace": {"AddressPrefixes": "10.0.0.0/16 10.1.0.0/16"}});
        let rest = to_rest(network).unwrap();
        assert_eq!(at(&rest, "properties.addressSpace.addressPrefixes"), &json!(["10.0.0.0/16", "10.1.0.0/16"]));
    }

    #[test]
    fn what_was_cut_off_is_taken_from_the_text_beside_it() {
        let gateway = |config: &str, text: Option<&str>| {
            let mut gateway = json!({"Id": id("virtualNetworkGateways/gw"), "Sku": {"Name": "VpnGw1"},
                "VpnClientConfiguration": {"VpnClientRootCertificates": [config]}});
            if let Some(text) = text {
                gateway["VpnClientConfigurationText"] = text.into();
            }
            to_rest(gateway)
        };
        let class = "Microsoft.Azure.Commands.Network.Models.PSVpnClientRootCertificate";
        let text = r#"{"VpnClientRootCertificates": [{"Name": "root", "PublicCertData": "MII"}]}"#;
        let rest = gateway(class, Some(text)).unwrap();
        assert_eq!(
            at(&rest, "properties.vpnClientConfiguration.vpnClientRootCertificates"),
            &json!([{"name": "root", "properties": {"publicCertData": "MII"}}])
        );
        let lack = gateway(class, None).unwrap_err();
        assert_eq!((lack.reason, lack.scope), (Reason::Truncated, Some(id("virtualNetworkGateways/gw"))));
        assert_eq!(lack.what, "microsoft.network/virtualnetworkgateways");
        assert!(lack.detail.contains("`VpnClientConfiguration.VpnClientRootCertificates`"), "{}", lack.detail);
        assert!(lack.detail.contains("-Depth 20"));
    }

    #[test]
    fn cut_text_is_told_from_other_text() {
        for cut in [
            "Microsoft.Azure.Commands.Network.Models.PSSubnet",
            "Microsoft.Azure.Commands.Network.Models.PSSubnet Microsoft.Azure.Commands.Network.Models.PSSubnet",
            "@{name=VpnGw1; tier=VpnGw1}",
            "System.Object[]",
            "System.Collections.Generic.List`1[System.String]",
            "System.Collections.Hashtable",
        ] {
            assert!(is_cut(cut), "{cut}");
        }
        for text in ["", "*", "@{triggerBody()?['a']}", "Microsoft.Azure.Extensions", "Microsoft.AzureCosmosDB", "@{}"]
        {
            assert!(!is_cut(text), "{text}");
        }
    }

    #[test]
    fn what_people_write_is_never_taken_for_a_cut() {
        let free = json!({"Id": id("routeTables/r"), "Tag": {"a": "System.Object[]"},
            "Routes": [{"Name": "x", "Description": "@{a=b}", "AddressPrefix": "0.0.0.0/0"}]});
        assert!(to_rest(free).is_ok());
    }

    #[test]
    fn enumerations_and_missing_addresses() {
        let machine = |os: Value| {
            let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm";
            to_rest(json!({"Id": id, "StorageProfile": {"OsDisk": {"OsType": os}}})).unwrap()
        };
        assert_eq!(at(&machine(json!(0)), "properties.storageProfile.osDisk.osType"), "Windows");
        assert_eq!(at(&machine(json!(1)), "properties.storageProfile.osDisk.osType"), "Linux");
        assert_eq!(at(&machine(json!("Linux")), "properties.storageProfile.osDisk.osType"), "Linux");
        let address = to_rest(json!({"Id": id("publicIPAddresses/p"), "IpAddress": "Not Assigned"})).unwrap();
        assert_eq!(at(&address, "properties.ipAddress"), &Value::Null);
    }

    #[test]
    fn members_that_rest_names_otherwise() {
        let space = json!({"AddressPrefixes": ["10.9.0.0/16"]});
        let network = json!({"Id": id("virtualNetworks/n"),
            "VirtualNetworkPeerings": [{"Name": "p", "PeeredRemoteAddressSpace": space}]});
        let rest = to_rest(network).unwrap();
        let space = &rest["properties"]["virtualNetworkPeerings"][0]["properties"]["remoteAddressSpace"];
        assert_eq!(space, &json!({"addressPrefixes": ["10.9.0.0/16"]}));
    }

    #[test]
    fn a_wrapped_list_is_a_list() {
        let table = to_rest(
            json!({"Id": id("routeTables/r"), "Routes": {"value": [{"Name": "x", "NextHopType": "None"}], "Count": 1}}),
        );
        assert_eq!(
            at(&table.unwrap(), "properties.routes"),
            &json!([{"name": "x", "properties": {"nextHopType": "None"}}])
        );
    }

    #[test]
    fn an_answer_in_the_rest_shape_is_cut_off_too() {
        let row = |sku: Value| {
            let row = json!({"id": id("virtualNetworkGateways/gw"), "type": "microsoft.network/virtualnetworkgateways",
                "properties": {"sku": sku}});
            cut_in_rest(row.to_string().as_bytes())
        };
        assert_eq!(row(json!("@{name=VpnGw1; tier=VpnGw1}")).map(|it| it.reason), Some(Reason::Truncated));
        assert_eq!(row(json!({"name": "VpnGw1"})), None);
        assert_eq!(row(json!({"name": "@{x()}"})), None);
    }
}
