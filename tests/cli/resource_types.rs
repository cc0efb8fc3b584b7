//! Policies about resources of types that only they know, seen as their JSON.

use serde_json::{Value, json};

use crate::azure::mock_arm::{MockArm, error, is_graph};
use crate::support::{Folder, Ran, azaudit, azaudit_with_env};

const NOW: &str = "2026-01-01T00:00:00Z";
const PACK: &str = "testdata/packs/storage";
const ACCOUNTS: &str = "testdata/packs/storage/storage-https-only.json";
const SUBSCRIPTION: &str = "0b1f6471-1bf0-4dda-aec3-cb9272f09590";

const RESULTS: [&str; 6] = [
    "storage-https-only fail fails-http",
    "storage-https-only fail fails-tls-1-0",
    "storage-https-only pass passes-https",
    "storage-https-only pass passes-without-tls-version",
    "storage-https-only unknown unknown-listed-only",
    "storage-https-only unknown unknown-without-https-only",
];

fn scan(more: &[&str]) -> Ran {
    let fixed = ["scan", "--now", NOW, "--format", "json", "--show", "pass,notApplicable"];
    azaudit(&[&fixed, more].concat())
}

fn sorted(ran: &Ran) -> Vec<String> {
    let mut results = ran.results();
    results.sort();
    results
}

#[test]
fn they_are_judged_and_what_is_missing_is_unknown() {
    let ran = scan(&["--from", ACCOUNTS, "--policies", PACK, "--no-builtin-policies"]);
    assert_eq!(sorted(&ran), RESULTS, "{}", ran.stderr);
    let report = ran.json();
    assert_eq!(report["summary"]["subjects"], json!({"resource": 6}));
    assert_eq!(report["source"]["subscriptions"], json!([SUBSCRIPTION]));
    let of = |name: &str| {
        let results = report["results"].as_array().unwrap();
        results.iter().find(|it| it["subject"]["name"] == name).unwrap().clone()
    };
    let missing = &of("unknown-without-https-only")["evidence"]["missing"];
    assert_eq!(missing, "`resource.properties.supportsHttpsTrafficOnly`");
    let subject = &of("fails-http")["subject"];
    assert_eq!((&subject["kind"], &subject["location"]), (&json!("resource"), &json!("westeurope")));
    let update = &of("fails-http")["remediation"]["commands"][0];
    assert!(update.as_str().unwrap().ends_with("/fails-http --https-only true --min-tls-version TLS1_2"), "{update}");
}

#[test]
fn without_a_policy_about_them_there_is_nothing_to_audit() {
    let ran = scan(&["--from", ACCOUNTS]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("none of the 6 resources"), "{}", ran.stderr);
}

/// A policy about resources of a type, which fails all that are not in Iceland.
fn policy(ty: &str) -> String {
    format!(
        "title: T\nseverity: low\nsubject: resource\n{ty}check: resource.location == 'iceland'\nmessage: M\n\
         remediation: {{text: R}}\n"
    )
}

fn network() -> String {
    let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub");
    let subnet = |name: &str| json!({"name": name, "id": format!("{id}/subnets/{name}"), "properties": {}});
    let network = json!({"id": id, "name": "hub", "type": "Microsoft.Network/virtualNetworks", "location": "x",
        "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [subnet("a"), subnet("b")]}});
    json!([network]).to_string()
}

#[test]
fn children_that_stand_in_their_parent_are_resources_of_their_type() {
    let ty = "type: Microsoft.Network/virtualNetworks/subnets\n";
    let folder = Folder::new(&[("p/here.yaml", policy(ty).as_bytes()), ("hub.json", network().as_bytes())]);
    let (p, from) = (folder.text("p"), folder.text("hub.json"));
    let ran = scan(&["--from", &from, "--policies", &p, "--no-builtin-policies"]);
    assert_eq!(sorted(&ran), ["here unknown a", "here unknown b"], "{}", ran.stderr);
}

#[test]
fn a_resource_that_policies_see_as_facts_and_as_json_is_one_subject() {
    let known = policy("").replace("resource.location", "resource.name");
    let files = [("p/facts.yaml", known), ("p/json.yaml", policy("type: Microsoft.Network/VirtualNetworks\n"))];
    let mut files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let network = network();
    files.push(("hub.json", network.as_bytes()));
    let folder = Folder::new(&files);
    let (p, from) = (folder.text("p"), folder.text("hub.json"));
    let ran = scan(&["--from", &from, "--policies", &p, "--no-builtin-policies", "--policy", "*"]);
    assert_eq!(sorted(&ran), ["facts fail a", "facts fail b", "facts fail hub", "json fail hub"], "{}", ran.stderr);
    assert_eq!(ran.json()["summary"]["subjects"], json!({"resource": 3}));
}

fn live(arm: MockArm) -> Ran {
    let arm = arm.subscription(SUBSCRIPTION, "Data");
    let source = ["--subscription", SUBSCRIPTION, "--auth", "managed-identity", "--timeout", "20"];
    let fixed = ["scan", "--now", NOW, "--format", "json", "--show", "pass"];
    let policies = ["--policies", PACK, "--no-builtin-policies"];
    azaudit_with_env(&[&fixed[..], &source, &policies].concat(), &arm.variables())
}

fn accounts() -> Vec<Value> {
    let text = std::fs::read_to_string(format!("{}/{ACCOUNTS}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn they_are_read_live_by_resource_graph() {
    let ran = live(MockArm::start(accounts()).page(4));
    assert_eq!((sorted(&ran), ran.gaps()), (RESULTS.map(str::to_owned).to_vec(), vec![]), "{}", ran.stderr);
}

#[test]
fn where_resource_graph_refuses_their_properties_are_unknown() {
    let ran = live(MockArm::start(accounts()).always(is_graph, error(403, "AuthorizationFailed")));
    let names = RESULTS.map(|line| line.rsplit(' ').next().unwrap());
    let mut expected = names.map(|name| format!("storage-https-only unknown {name}"));
    expected.sort();
    assert_eq!(sorted(&ran), expected, "{}", ran.stderr);
}
