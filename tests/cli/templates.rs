//! ARM templates say the same as what they deploy, where they tell it.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Map, Value, json};

use crate::support::{Folder, Ran, azaudit};

const NOW: &str = "2026-01-01T00:00:00Z";

/// The type and the names behind `/providers/`, and the subscription and group before it.
fn split(id: &str) -> Option<(String, String, String, Vec<String>)> {
    let parts: Vec<&str> = id.trim_matches('/').split('/').collect();
    let ["subscriptions", subscription, "resourceGroups", group, "providers", namespace, rest @ ..] = parts.as_slice()
    else {
        return None;
    };
    if rest.is_empty() || rest.len() % 2 == 1 || rest.contains(&"providers") {
        return None;
    }
    let types: Vec<&str> = rest.iter().step_by(2).copied().collect();
    let names = rest.iter().skip(1).step_by(2).map(|it| (*it).to_owned()).collect();
    Some(((*subscription).into(), (*group).into(), format!("{namespace}/{}", types.join("/")), names))
}

/// A text, as a template writes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// As an export writes values: ids by functions, in turn with all their arguments and joined from pieces.
fn exported(value: &Value, turn: &mut usize) -> Value {
    match value {
        Value::String(text) => match split(text) {
            Some((subscription, group, ty, names)) => {
                *turn += 1;
                let all = |names: &[String]| names.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ");
                let (subscription, group) = (quoted(&subscription), quoted(&group));
                let (first, rest) = ty.split_once('/').unwrap();
                let (list, children) = rest.split_once('/').unwrap_or((rest, ""));
                let child = children.split('/').zip(&names[1..]).map(|(list, name)| format!("/{list}/{name}"));
                let child = child.collect::<String>();
                json!(match *turn % 3 {
                    0 => format!("[resourceId({subscription}, {group}, '{ty}', {})]", all(&names)),
                    1 => format!(
                        "[concat(resourceId({subscription}, {group}, '{first}/{list}', {}), {})]",
                        quoted(&names[0]),
                        quoted(&child)
                    ),
                    _ => format!(
                        "[format('/subscriptions/{{0}}/resourceGroups/{{1}}/providers/{{2}}/{{3}}{{4}}', {subscription}, {group}, \
                         '{first}/{list}', {}, {})]",
                        quoted(&names[0]),
                        quoted(&child)
                    ),
                })
            }
            None if text.starts_with('[') => json!(format!("[{text}")),
            None => value.clone(),
        },
        Value::Array(list) => list.iter().map(|it| exported(it, turn)).collect(),
        Value::Object(members) => members.iter().map(|(key, it)| (key.clone(), exported(it, turn))).collect(),
        other => other.clone(),
    }
}

/// Rules and subnets stand alone as well, as in the portal's exports.
fn children(ty: &str, name: &str, resource: &Value, turn: &mut usize) -> Vec<Value> {
    let mut all = Vec::new();
    for list in ["securityRules", "subnets", "routes", "inboundNatRules"] {
        let children = resource["properties"][list].as_array().into_iter().flatten();
        for child in children.filter(|it| it["properties"].is_object()) {
            let Some(own) = child["name"].as_str() else { continue };
            let name = format!("[concat({}, {})]", quoted(name), quoted(&format!("/{own}")));
            let properties = exported(&child["properties"], turn);
            all.push(json!({"type": format!("{ty}/{list}"), "apiVersion": "2024-05-01", "name": name, "properties": properties}));
        }
    }
    all
}

/// The estate as one template with a nested deployment for each resource group; what is no resource stays apart.
fn as_template(estate: &[Value], symbolic: bool) -> (Value, Vec<Value>) {
    let mut groups: BTreeMap<(String, String), Vec<(String, Value)>> = BTreeMap::new();
    let mut others = Vec::new();
    let (mut parameters, mut given) = (Map::new(), Map::new());
    let mut turn = 0;
    for resource in estate {
        let Some((subscription, group, ty, names)) = resource["id"].as_str().and_then(split) else {
            others.push(resource.clone());
            continue;
        };
        let name = names.join("/");
        let parameter = format!("name_{}", parameters.len());
        parameters.insert(parameter.clone(), json!({"defaultValue": name, "type": "String"}));
        given.insert(parameter.clone(), json!({"value": format!("[parameters('{parameter}')]")}));
        let mut declaration = resource.as_object().unwrap().clone();
        declaration.remove("id");
        declaration.insert("type".into(), json!(ty.clone()));
        declaration.insert("name".into(), json!(format!("[parameters('{parameter}')]")));
        for (key, member) in &mut declaration {
            if key != "name" && key != "type" {
                *member = exported(member, &mut turn);
            }
        }
        let list = groups.entry((subscription, group)).or_default();
        list.push((format!("r{}", list.len()), Value::Object(declaration)));
        for child in children(&ty, &name, resource, &mut turn) {
            list.push((format!("r{}", list.len()), child));
        }
    }
    let deployments = groups.into_iter().map(|((subscription, group), list)| {
        let resources: Value = match symbolic {
            true => Value::Object(list.into_iter().collect()),
            false => list.into_iter().map(|(_, it)| it).collect(),
        };
        let inner = json!({"languageVersion": if symbolic { "2.0" } else { "1.0" }, "parameters": parameters, "resources": resources});
        json!({"type": "Microsoft.Resources/deployments", "name": group, "subscriptionId": subscription, "resourceGroup": group,
            "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "parameters": given, "template": inner}})
    });
    let schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
    let deployments: Vec<Value> = deployments.collect();
    (
        json!({"$schema": schema, "contentVersion": "1.0.0.0", "parameters": parameters, "resources": deployments}),
        others,
    )
}

fn scan(folder: &Folder, files: &[&str]) -> Ran {
    let paths: Vec<String> = files.iter().map(|it| folder.text(it)).collect();
    let mut arguments = vec!["scan", "--now", NOW, "--format", "json", "--show", "pass,unknown,notApplicable"];
    paths.iter().for_each(|it| arguments.extend(["--from", it]));
    azaudit(&arguments)
}

fn list(estate: Value) -> Vec<Value> {
    match estate {
        Value::Array(list) => list,
        Value::Object(mut it) if it.contains_key("value") => list(it["value"].take()),
        other => vec![other],
    }
}

#[test]
fn an_estate_gives_the_same_results_as_the_template_of_it() {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut files = vec![format!("{root}/testdata/estates/contoso.json")];
    files.extend(
        fs::read_dir(format!("{root}/testdata/diagnose")).unwrap().map(|it| it.unwrap().path().display().to_string()),
    );
    let mut compared = 0;
    for file in files {
        let estate = list(serde_json::from_slice(&fs::read(&file).unwrap()).unwrap());
        let (template, others) = as_template(&estate, compared % 2 == 0);
        let text = |value: &Value| serde_json::to_vec_pretty(value).unwrap();
        let relaxed = [b"// \"exported {\n".as_slice(), &text(&template)].concat();
        let (estate, others) = (text(&json!(estate)), text(&json!(others)));
        let folder = Folder::new(&[("estate.json", &estate), ("template.json", &relaxed), ("others.json", &others)]);
        let files: &[&str] = if others == b"[]" { &["template.json"] } else { &["template.json", "others.json"] };
        let (rest, template) = (scan(&folder, &["estate.json"]), scan(&folder, files));
        assert_eq!(template.json()["source"]["inputs"][0]["shape"], "arm-template", "{file}");
        let results = |ran: &Ran| serde_json::to_string_pretty(&ran.json()["results"]).unwrap();
        let (rest, template) = (results(&rest), results(&template));
        let differing = rest.lines().zip(template.lines()).find(|(a, b)| a != b);
        assert!(rest == template && rest.contains("\"policy\""), "{file}: {differing:?}");
        compared += 1;
    }
    assert!(compared > 5);
}

const GROUP: &str = "Microsoft.Network/networkSecurityGroups";

/// A machine that RDP reaches from the Internet, through a rule with that source.
fn exposed(source: &str) -> String {
    let network = "Microsoft.Network";
    json!({"$schema": "x", "contentVersion": "1.0.0.0",
        "parameters": {"untold": {"type": "string"}, "told": {"type": "string", "defaultValue": "*"}},
        "resources": [
            {"type": GROUP, "name": "group", "location": "westeurope", "properties": {"securityRules": [
                {"name": "rdp", "properties": {"access": "Allow", "direction": "Inbound", "priority": 100, "protocol": "Tcp",
                    "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*",
                    "destinationPortRange": "3389"}}]}},
            {"type": format!("{network}/publicIPAddresses"), "name": "ip", "sku": {"name": "Standard"},
                "properties": {"publicIPAllocationMethod": "Static"}},
            {"type": format!("{network}/virtualNetworks"), "name": "net", "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [{"name": "s", "properties": {"addressPrefix": "10.0.0.0/24"}}]}},
            {"type": format!("{network}/networkInterfaces"), "name": "nic", "properties": {
                "networkSecurityGroup": {"id": format!("[resourceId('{GROUP}', 'group')]")},
                "ipConfigurations": [{"name": "c", "properties": {"privateIPAddress": "10.0.0.4",
                    "publicIPAddress": {"id": format!("[resourceId('{network}/publicIPAddresses', 'ip')]")},
                    "subnet": {"id": format!("[resourceId('{network}/virtualNetworks/subnets', 'net', 's')]")}}}]}}
        ]})
    .to_string()
}

/// What is said of the policies that hang on the rule.
fn verdicts(template: &str) -> (i32, Vec<String>) {
    let folder = Folder::new(&[("t.json", template.as_bytes())]);
    let path = folder.text("t.json");
    let ran = azaudit(&[
        "scan",
        "--from",
        &path,
        "--now",
        NOW,
        "--format",
        "json",
        "--policy",
        "rdp-open-to-internet",
        "--show",
        "pass",
    ]);
    (ran.code, ran.results())
}

#[test]
fn nothing_passes_or_fails_on_an_expression_that_is_not_told() {
    assert_eq!(verdicts(&exposed("[parameters('told')]")), (1, vec!["rdp-open-to-internet fail c".to_owned()]));
    assert_eq!(verdicts(&exposed("10.1.0.0/16")), (0, vec!["rdp-open-to-internet pass c".to_owned()]));
    for untold in ["[parameters('untold')]", "[reference('x').ip]", "[concat(parameters('untold'), '/32')]"] {
        assert_eq!(verdicts(&exposed(untold)), (3, vec!["rdp-open-to-internet unknown c".to_owned()]), "{untold}");
    }
}

#[test]
fn every_typed_field_of_an_estate_that_is_not_told_is_a_gap_or_unknown() {
    let sound = exposed("*");
    let template: Value = serde_json::from_str(&sound).unwrap();
    let before = verdicts(&sound);
    assert_eq!(before, (1, vec!["rdp-open-to-internet fail c".to_owned()]));
    // Each member of each resource in turn.
    let mut paths = Vec::new();
    fn walk(value: &Value, path: String, paths: &mut Vec<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(key, it)| walk(it, format!("{path}/{key}"), paths)),
            Value::Array(list) => list.iter().enumerate().for_each(|(at, it)| walk(it, format!("{path}/{at}"), paths)),
            _ => {}
        }
        paths.push(path);
    }
    for (at, resource) in template["resources"].as_array().unwrap().iter().enumerate() {
        walk(&resource["properties"], format!("/resources/{at}/properties"), &mut paths);
    }
    for path in paths {
        let mut untold = template.clone();
        *untold.pointer_mut(&path).unwrap() = json!("[parameters('untold')]");
        let (code, results) = verdicts(&untold.to_string());
        // Names tell nothing, and where a machine's port leads, the addresses of it and its network do not.
        let named = path.ends_with("/name");
        let harmless = named || code == 1 && results == before.1;
        let unknown = code == 3 && results.iter().all(|it| !it.contains(" pass "));
        assert!(harmless || unknown, "{path}: {code} {results:?}");
    }
}

#[test]
fn bicep_is_refused_with_what_to_do() {
    let folder = Folder::new(&[("main.bicep", b"param x string\n"), ("main.json", b"// y\nparam x string\n")]);
    for name in ["main.bicep", "main.json"] {
        let ran = azaudit(&["scan", "--from", &folder.text(name)]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("bicep build"), "{ran:?}");
    }
}

#[test]
fn json_with_comments_is_read() {
    let text = "// one \"network {\n[{\"id\": \"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/routeTables/r\",\n\
                \"type\": \"Microsoft.Network/routeTables\", /* [ */ \"properties\": {\"routes\": [],},},]\n";
    let folder = Folder::new(&[("a.jsonc", text.as_bytes())]);
    let ran = scan(&folder, &["a.jsonc"]);
    assert_eq!((ran.code, &ran.json()["source"]["inputs"][0]["resources"]), (0, &json!(1)), "{ran:?}");
    let all = azaudit(&["scan", "--from", &folder.path("").display().to_string(), "--format", "json", "--now", NOW]);
    assert_eq!(all.json()["source"]["inputs"][0]["resources"], 1);
}
