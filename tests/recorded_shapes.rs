//! Recorded output of az CLI and Resource Graph, where the folder is there: what is read from it is what ARM answered.

use std::path::{Path, PathBuf};

use azaudit::inventory::{Inventory, collect};
use azaudit::source::{offline, split};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recordings").join(name)
}

/// The JSON files of that folder; none where the recordings are not there.
fn files(name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(name)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "json"));
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Inventory {
    let paths = [path.to_owned()];
    let (result, inventory) = collect(|sink| offline::read(&paths, &mut std::io::empty(), sink));
    result.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    inventory
}

/// Both of az CLI's folders: the newer shape, and the older one with its nulls.
fn az_cli() -> Vec<PathBuf> {
    [files("az-cli"), files("az-cli/cli-2.37-sdk-nulls")].concat()
}

/// Answers about one gateway's clients or one interface's effective rules: no resources.
fn is_answer(name: &str) -> bool {
    name.contains("effective") || name.contains("show-health")
}

#[test]
fn each_file_of_az_cli_is_taken_for_what_it_is() {
    let mut others = Vec::new();
    for path in az_cli().into_iter().filter(|path| !is_answer(&name(path))) {
        let inventory = read(&path);
        let text = std::fs::read_to_string(&path).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let count = document.as_array().map_or(1, Vec::len) as u64;
        let [input] = inventory.inputs.as_slice() else { panic!("not one input: {}", path.display()) };
        if (&*input.shape, input.resources, inventory.gaps.len()) != ("az-cli", count, 0) {
            others.push(format!("{}: {input:?} {:?}", path.display(), inventory.gaps));
        }
    }
    assert_eq!(others, [""; 0]);
}

#[test]
fn answers_about_one_interface_or_one_gateway_are_named() {
    for path in az_cli().into_iter().filter(|path| is_answer(&name(path))) {
        let inventory = read(&path);
        let shape = match name(&path) {
            name if name.contains("effective-nsg") => "effective-nsg",
            name if name.contains("effective-route") => "effective-routes",
            name if name.contains("empty") => "arm-list",
            _ => "sessions",
        };
        assert_eq!(inventory.inputs[0].shape, shape, "{}", path.display());
        assert_eq!(inventory.gaps.is_empty(), shape == "arm-list", "{}: {:?}", path.display(), inventory.gaps);
    }
}

/// What is read of a document, as text; without how many clients are connected, which az CLI leaves out.
fn typed(inventory: &Inventory) -> [String; 8] {
    let mut gateways = inventory.gateways.rows().to_vec();
    for gateway in &mut gateways {
        if let Some(clients) = &mut gateway.properties.vpn_client_configuration {
            clients.vpn_client_connection_health = None;
        }
    }
    [
        format!("{gateways:#?}"),
        format!("{:#?}", inventory.connections),
        format!("{:#?}", inventory.virtual_networks),
        format!("{:#?}", inventory.subnets),
        format!("{:#?}", inventory.peerings),
        format!("{:#?}", inventory.route_tables),
        format!("{:#?}", inventory.network_security_groups),
        format!("{:#?}", inventory.network_interfaces),
    ]
}

#[test]
fn what_az_cli_printed_is_what_arm_answered() {
    let answers = files("arm-rest/recorded");
    let mut pairs = 0;
    let mut differ = Vec::new();
    for printed in az_cli().into_iter().filter(|path| !is_answer(&name(path))) {
        // `network-nsg-show.one.get.2017-10-01.TEST.NUMBER.json`: the test and the number name the interaction.
        let own = name(&printed);
        let (command, interaction) = own.split_once('.').unwrap_or_default();
        let noun = match command {
            it if it.starts_with("network-nsg") => "networksecuritygroups",
            it if it.starts_with("network-nic") => "networkinterfaces",
            it if it.starts_with("network-vnet-gateway") => "virtualnetworkgateways",
            it if it.starts_with("network-vnet") => "virtualnetworks",
            it if it.starts_with("network-route-table") => "routetables",
            it if it.starts_with("network-vpn-connection") => "connections",
            _ => continue,
        };
        let Some(answer) = answers.iter().find(|path| name(path) == format!("{noun}.{interaction}")) else { continue };
        pairs += 1;
        let (printed, answer) = (typed(&read(&printed)), typed(&read(answer)));
        if let Some((printed, answer)) = printed.iter().zip(&answer).find(|(printed, answer)| printed != answer) {
            let line = printed.lines().zip(answer.lines()).find(|(a, b)| a != b);
            differ.push(format!("{own}: {line:?}"));
        }
    }
    assert_eq!(differ, [""; 0]);
    assert!(pairs > 40 || answers.is_empty(), "{pairs} pairs");
}

/// Reads what lies within a recorded interaction or a published example.
fn read_within(path: &Path) -> (split::Found, Inventory) {
    let text = std::fs::read_to_string(path).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let body = match &document["response"] {
        Value::Null => &document["responses"]["200"]["body"],
        response => response,
    };
    let body = body.to_string();
    collect(|sink| split::split(body.as_bytes(), 0, "answer", false, sink))
}

#[test]
fn every_answer_of_resource_graph_is_taken_in_or_named() {
    let mut silent = Vec::new();
    let mut shapes = Vec::new();
    for path in files("resource-graph") {
        let (found, inventory) = read_within(&path);
        let empty = found.shapes.iter().all(|shape| shape.starts_with("resource-graph") || *shape == "arm-list");
        if found.shapes.is_empty() || (found.resources == 0 && inventory.gaps.is_empty() && !empty) {
            silent.push(format!("{}: {found:?}", path.display()));
        }
        shapes.extend(found.shapes);
    }
    assert_eq!(silent, [""; 0]);
    assert!(shapes.is_empty() || shapes.contains(&"resource-graph-table"), "{shapes:?}");
}
