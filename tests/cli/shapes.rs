//! One estate in the shapes in which tools print it: the results are the same to the byte.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::support::{Ran, azaudit_with_input};

const NOW: &str = "2026-01-01T00:00:00Z";

/// A resource in the REST shape about which there is nothing to say.
static EMPTY_TABLE: LazyLock<Value> = LazyLock::new(|| {
    json!({"id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/routeTables/empty",
        "type": "Microsoft.Network/routeTables", "properties": {"routes": []}})
});

/// The estate's resources, and its metrics, which no tool prints otherwise.
fn contoso() -> (Vec<Value>, Value) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/estates/contoso.json");
    let items: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (metrics, resources): (Vec<_>, Vec<_>) = items.into_iter().partition(|it| it.get("timeseries").is_some());
    (resources, Value::from(metrics))
}

fn scan(document: &Value, metrics: &Value) -> Ran {
    let input = format!("{document}\n{metrics}");
    azaudit_with_input(&["scan", "--from", "-", "--now", NOW, "--format", "json", "--show", "pass"], input)
}

/// The text of the report's results.
fn results(ran: &Ran) -> String {
    ran.json()["results"].to_string()
}

fn shape(ran: &Ran) -> String {
    ran.json()["source"]["inputs"][0]["shape"].as_str().unwrap_or_default().to_owned()
}

/// Moves what stands under `properties` beside it, wherever it stands.
fn hoist(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(hoist),
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.shift_remove("properties") {
                members.extend(properties);
            }
            members.values_mut().for_each(hoist);
        }
        _ => {}
    }
}

/// Hands each object in a value to a function, the outer ones first; what stands in tags is left alone.
fn each_object(value: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|entry| each_object(entry, change)),
        Value::Object(members) => {
            change(members);
            let inner = members.iter_mut().filter(|(key, _)| !["tags", "Tag"].contains(&key.as_str()));
            inner.for_each(|(_, value)| each_object(value, change));
        }
        _ => {}
    }
}

/// How a tool prints a resource.
type Style = fn(Value) -> Value;

/// As az CLI prints it: flat, sorted by key, `resourceGroup` next to every id.
fn az_cli(mut resource: Value) -> Value {
    hoist(&mut resource);
    each_object(&mut resource, &|members| {
        let group = |id: &str| Some(id.split("/resourceGroups/").nth(1)?.split('/').next()?.to_owned());
        if let Some(group) = members.get("id").and_then(Value::as_str).and_then(group) {
            members.insert("resourceGroup".into(), group.into());
        }
        members.sort_keys();
    });
    resource
}

/// As az CLI 2.37 printed it: null for what is absent.
fn az_cli_with_nulls(resource: Value) -> Value {
    let mut flat = az_cli(resource);
    each_object(&mut flat, &|members| {
        if members.get("type") == Some(&json!("Microsoft.Network/virtualNetworkGateways"))
            && let Some(active) = members.shift_remove("activeActive")
        {
            members.insert("active".into(), active);
        }
        for absent in ["etag", "zones", "extendedLocation", "provisioningState", "natGateway", "ipTags"] {
            members.entry(absent).or_insert(Value::Null);
        }
    });
    flat
}

/// As `Get-Az… | ConvertTo-Json` prints it.
fn powershell(mut resource: Value) -> Value {
    hoist(&mut resource);
    let plural = [
        ("sourcePortRanges", "SourcePortRange"),
        ("destinationPortRanges", "DestinationPortRange"),
        ("sourceAddressPrefixes", "SourceAddressPrefix"),
        ("destinationAddressPrefixes", "DestinationAddressPrefix"),
    ];
    each_object(&mut resource, &|members| {
        let is_rule = members.contains_key("priority") && members.contains_key("direction");
        for (key, mut value) in std::mem::take(members) {
            let pascal = key[..1].to_uppercase() + &key[1..];
            let name = match plural.iter().find(|(name, _)| *name == key) {
                Some(_) if value.as_array().is_some_and(Vec::is_empty) => continue,
                Some((_, singular)) => (*singular).to_owned(),
                None if key == "tags" => "Tag".to_owned(),
                None => pascal,
            };
            let listed = is_rule && plural.iter().any(|(_, singular)| *singular == name);
            if (listed || name == "AddressPrefix") && value.is_string() {
                value = json!([value]);
            }
            if name == "OsType" {
                value = json!(u8::from(value == "Linux"));
            }
            members.insert(name, value);
        }
    });
    resource["ResourceGroupName"] = "rg".into();
    let texts: Vec<(String, Value)> = resource
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, value)| (value.is_object() || value.is_array()) && *key != "Tag")
        .map(|(key, value)| (format!("{key}Text"), serde_json::to_string_pretty(value).unwrap().into()))
        .collect();
    resource.as_object_mut().unwrap().extend(texts);
    resource
}

/// What `ConvertTo-Json -Depth` leaves of it: text in place of what lies deeper.
fn cut(value: Value, depth: u8) -> Value {
    let class = "Microsoft.Azure.Commands.Network.Models.PSObject";
    match value {
        Value::Array(list) if depth == 0 => {
            let words: Vec<&str> = list.iter().map(|it| it.as_str().unwrap_or(class)).collect();
            words.join(" ").into()
        }
        Value::Object(_) if depth == 0 => class.into(),
        Value::Array(list) => list.into_iter().map(|it| cut(it, depth - 1)).collect(),
        Value::Object(members) => members.into_iter().map(|(key, it)| (key, cut(it, depth - 1))).collect(),
        other => other,
    }
}

#[test]
fn az_cli_gives_the_same_results() {
    let (resources, metrics) = contoso();
    let rest = scan(&json!(resources), &metrics);
    let styles: [Style; 2] = [az_cli, az_cli_with_nulls];
    for style in styles {
        let flat: Vec<Value> = resources.iter().cloned().map(style).collect();
        let ran = scan(&json!(flat), &metrics);
        assert_eq!(ran.gaps(), rest.gaps());
        assert_eq!(results(&ran), results(&rest));
        assert_eq!(shape(&ran), "az-cli, metrics");
        assert_eq!(ran.json()["source"]["inputs"][0]["resources"], resources.len());
    }
}

#[test]
fn resource_graph_gives_the_same_results_as_objects_and_as_a_table() {
    let (resources, metrics) = contoso();
    let rest = scan(&json!(resources), &metrics);
    let rows: Vec<Value> = resources
        .iter()
        .cloned()
        .map(|mut row| {
            row["type"] = row["type"].as_str().unwrap().to_lowercase().into();
            row["tenantId"] = "t".into();
            row
        })
        .collect();
    let columns = ["id", "name", "type", "tenantId", "location", "sku", "zones", "tags", "properties"];
    let table: Vec<Value> = rows.iter().map(|row| columns.iter().map(|name| row[name].clone()).collect()).collect();
    let columns: Vec<Value> = columns.iter().map(|name| json!({"name": name, "type": "string"})).collect();
    let cli = json!({"count": rows.len(), "data": rows, "skip_token": null, "total_records": rows.len()});
    let table = json!({"totalRecords": rows.len(), "count": rows.len(), "resultTruncated": "false", "facets": [],
        "data": {"columns": columns, "rows": table}});
    for (document, name) in [(cli, "resource-graph, metrics"), (table, "resource-graph-table, metrics")] {
        let ran = scan(&document, &metrics);
        assert_eq!(ran.gaps(), rest.gaps());
        assert_eq!(results(&ran), results(&rest), "{name}");
        assert_eq!(shape(&ran), name);
    }
}

#[test]
fn powershell_gives_the_same_results() {
    let (resources, metrics) = contoso();
    let rest = scan(&json!(resources), &metrics);
    let printed: Vec<Value> = resources.into_iter().map(powershell).collect();
    let ran = scan(&json!(printed), &metrics);
    assert_eq!(ran.gaps(), rest.gaps());
    assert_eq!(results(&ran), results(&rest));
    assert_eq!(shape(&ran), "powershell, metrics");
}

#[test]
fn what_depth_2_cut_off_is_taken_from_the_texts_beside_it_or_is_a_gap() {
    let (resources, metrics) = contoso();
    let network = |it: &Value| it["type"].as_str().unwrap().starts_with("Microsoft.Network/");
    let (network, other): (Vec<_>, Vec<_>) = resources.into_iter().partition(network);
    let rest = scan(&json!(network), &metrics);
    let printed: Vec<Value> = network.into_iter().map(|it| cut(powershell(it), 2)).collect();
    let ran = scan(&json!(printed), &metrics);
    assert_eq!(ran.gaps(), rest.gaps());
    assert_eq!(results(&ran), results(&rest));

    // Compute's classes have no such texts.
    let machine = other.into_iter().find(|it| it["type"] == "Microsoft.Compute/virtualMachines").unwrap();
    let mut printed = powershell(machine);
    printed.as_object_mut().unwrap().retain(|key, _| !key.ends_with("Text"));
    let ran = scan(&json!([cut(printed.clone(), 2), EMPTY_TABLE.clone()]), &metrics);
    assert!(ran.gaps().contains(&"truncated microsoft.compute/virtualmachines".to_owned()), "{:?}", ran.gaps());
    assert!(ran.stdout.contains("ConvertTo-Json -Depth 20"), "{}", ran.stdout);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let ran = scan(&json!([printed, EMPTY_TABLE.clone()]), &metrics);
    assert!(!ran.gaps().iter().any(|gap| gap.starts_with("truncated")), "{:?}", ran.gaps());
}

/// The verdict on each subject of each policy, where there is one.
fn verdicts(ran: &Ran) -> BTreeMap<String, String> {
    let results = ran.json()["results"].as_array().cloned().unwrap_or_default();
    let known = results.iter().filter(|result| ["pass", "fail"].iter().any(|known| result["verdict"] == *known));
    known.map(|it| (format!("{} {}", it["policy"], it["subject"]), it["verdict"].to_string())).collect()
}

#[test]
fn what_was_cut_off_never_turns_a_verdict() {
    let (resources, metrics) = contoso();
    let rest = verdicts(&scan(&json!(resources), &metrics));
    let mut known = Vec::new();
    for depth in 0..8 {
        let mut printed: Vec<Value> = resources.iter().cloned().map(powershell).collect();
        for resource in &mut printed {
            resource.as_object_mut().unwrap().retain(|key, _| !key.ends_with("Text"));
        }
        let printed: Vec<Value> = printed.into_iter().map(|it| cut(it, depth)).chain([EMPTY_TABLE.clone()]).collect();
        let found = verdicts(&scan(&json!(printed), &metrics));
        // Of a group or a network that was lost, another subject may be told instead; none is told otherwise.
        let turned: Vec<_> =
            found.iter().filter(|(subject, verdict)| rest.get(*subject).is_some_and(|it| it != *verdict)).collect();
        assert!(turned.is_empty(), "depth {depth}: {turned:#?}");
        known.push(found.len());
    }
    assert!(known.is_sorted() && known[0] < known[7], "{known:?}");
}

#[test]
fn the_estates_of_symptoms_give_the_same_results_in_every_style() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/diagnose");
    let styles: [(Style, &str); 2] = [(az_cli, "az-cli"), (powershell, "powershell")];
    let mut estates = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Ok(Value::Array(items)) = serde_json::from_str::<Value>(&text) else { continue };
        let (resources, other): (Vec<_>, Vec<_>) = items.into_iter().partition(|it| it["properties"].is_object());
        let other = json!(other);
        let rest = scan(&json!(resources), &other);
        for (style, name) in styles {
            let printed: Vec<Value> = resources.iter().cloned().map(style).collect();
            let ran = scan(&json!(printed), &other);
            assert_eq!(results(&ran), results(&rest), "{name}: {text}");
            assert!(shape(&ran).starts_with(name), "{}: {text}", shape(&ran));
        }
        estates += 1;
    }
    assert!(estates > 5, "{estates}");
}

#[test]
fn what_a_query_picked_is_not_taken_for_a_whole_resource() {
    let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg";
    let ty = "Microsoft.Network/networkSecurityGroups";
    let mut picked = json!({"id": id, "type": ty, "securityRules": []});
    let judged = |document: Value| {
        let ran = scan(&document, &json!([]));
        (ran.gaps(), shape(&ran))
    };
    let missing = vec!["missing microsoft.network/networksecuritygroups".to_owned()];
    assert_eq!(judged(json!([picked, EMPTY_TABLE.clone()])), (missing.clone(), "arm-array".to_owned()));
    picked["resourceGroup"] = "rg".into();
    let row = json!({"data": [picked, EMPTY_TABLE.clone()]});
    assert_eq!(judged(row), (missing, "resource-graph, arm-array".to_owned()));
    assert_eq!(judged(json!([picked, EMPTY_TABLE.clone()])), (vec![], "az-cli, arm-array".to_owned()));
}
