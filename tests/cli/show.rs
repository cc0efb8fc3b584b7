//! `azaudit policies show`.

use serde_json::{Value, json};

use crate::support::{Folder, azaudit};

const STORAGE: &str = "testdata/packs/storage";

fn shown(arguments: &[&str]) -> Value {
    let ran = azaudit(&[&["policies", "show", "--format", "json"], arguments].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.json()
}

#[test]
fn every_built_in_policy_documents_its_facts_and_has_an_example() {
    let list = azaudit(&["policies", "list", "--format", "json"]).json();
    let ids: Vec<&str> = list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert!(ids.len() > 40, "{ids:?}");
    for id in ids {
        let policy = shown(&[id]);
        let facts = policy["facts"].as_array().unwrap();
        assert!(!facts.is_empty(), "{id}");
        for fact in facts {
            assert!(!fact["doc"].as_str().unwrap().is_empty() && !fact["type"].as_str().unwrap().is_empty(), "{fact}");
        }
        let example = &policy["example"];
        assert_eq!((&example["policy"], &example["verdict"]), (&json!(id), &json!("fail")), "{id}");
        let source = policy["source"].as_str().unwrap();
        assert!(source.contains("check:") && source.contains(policy["title"].as_str().unwrap()), "{id}");
    }
}

#[test]
fn the_text_names_facts_example_and_file() {
    let ran = azaudit(&["policies", "show", "p2s-root-certificate-lifetime"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let places = [
        "p2s-root-certificate-lifetime\n",
        "judges     each root certificate",
        "parameter  maxElapsed: 0.5",
        "certificate.elapsedFraction (double",
        "Example: a finding in the sample estate",
        "az network vnet-gateway root-cert",
        "Its file\n",
        "params: {maxElapsed: 0.5}",
    ];
    let found: Vec<usize> =
        places.iter().map(|it| ran.stdout.find(it).unwrap_or_else(|| panic!("{it}: {ran:?}"))).collect();
    assert!(found.is_sorted(), "{found:?}");
}

#[test]
fn a_policy_of_a_folder_is_shown_with_an_example_of_its_own_fixtures() {
    let policy = shown(&["storage-https-only", "--policies", STORAGE, "--no-builtin-policies"]);
    assert_eq!(policy["type"], "Microsoft.Storage/storageAccounts");
    assert_eq!(policy["example"]["subject"]["name"], "fails-http");
    let facts: Vec<&str> = policy["facts"].as_array().unwrap().iter().map(|it| it["fact"].as_str().unwrap()).collect();
    assert_eq!(
        facts,
        [
            "resource.id",
            "resource.name",
            "resource.properties.minimumTlsVersion",
            "resource.properties.supportsHttpsTrafficOnly",
            "resource.sku.name",
            "resource.tags[\"owner\"]",
        ]
    );
    // The same policy without fixtures finds nothing in the sample estate, which has no such resource.
    let text = std::fs::read(format!("{}/{STORAGE}/storage-https-only.yaml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let folder = Folder::new(&[("storage-https-only.yaml", &text)]);
    assert_eq!(shown(&["storage-https-only", "--policies", &folder.text("")])["example"], Value::Null);
}

#[test]
fn an_unknown_id_is_answered_with_the_near_one() {
    let ran = azaudit(&["policies", "show", "p2s-root-certificate-lifetim"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    let said = "error: no policy `p2s-root-certificate-lifetim`\nhint: did you mean `p2s-root-certificate-lifetime`?\n";
    assert_eq!(ran.stderr, said);
}
