//! `azaudit policies`, over a pack of its own: no test here knows which policies are built in.

use crate::support::{Folder, azaudit};

const PACK: &str = "testdata/packs/mini";

#[test]
fn a_list_names_each_policy_with_its_claim() {
    let ran = azaudit(&["policies", "list", "--policies", PACK, "--no-builtin-policies", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let list = ran.json();
    let ids: Vec<&str> = list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["gateway-name-lower-case", "root-certificate-name-length"]);
    assert_eq!(list[0]["subject"], "gateway");
    assert!(list[0]["path"].as_str().unwrap().ends_with("gateway-name-lower-case.yaml"), "{list}");

    let table = azaudit(&["policies", "list", "--policies", PACK, "--no-builtin-policies"]);
    assert!(table.stdout.contains("root-certificate-name-length") && table.stdout.ends_with("2 policies\n"));
    let globs = ["policies", "list", "--policies", PACK, "--no-builtin-policies", "--policy", "gateway-*"];
    assert!(azaudit(&globs).stdout.ends_with("1 policy\n"));
}

#[test]
fn built_in_policies_are_listed_unless_they_are_left_out() {
    let all = azaudit(&["policies", "list", "--policies", PACK, "--format", "json"]).json();
    let built_in = azaudit(&["policies", "list", "--format", "json"]).json();
    assert_eq!(all.as_array().unwrap().len(), built_in.as_array().unwrap().len() + 2);
}

#[test]
fn a_check_reports_every_fault_with_its_place_and_what_was_meant() {
    let good = azaudit(&["policies", "check", PACK]);
    assert_eq!((good.code, good.stdout.as_str()), (0, "2 policies without a fault\n"));

    let text = std::fs::read_to_string(format!("{}/{PACK}/gateway-name-lower-case.yaml", env!("CARGO_MANIFEST_DIR")));
    let misspelt = text.unwrap().replace("severity:", "severty:").replace("gateway.name", "gateway.nam");
    let folder = Folder::new(&[("gateway-name-lower-case.yaml", misspelt.as_bytes())]);
    let bad = azaudit(&["policies", "check", &folder.text("")]);
    assert_eq!((bad.code, bad.stdout.as_str()), (2, ""));
    for said in ["severty", "did you mean `severity`", "gateway-name-lower-case.yaml:"] {
        assert!(bad.stderr.contains(said), "{said}: {}", bad.stderr);
    }
    assert!(bad.stderr.matches("`nam`").count() + bad.stderr.matches("gateway.nam").count() > 0, "{}", bad.stderr);
}
