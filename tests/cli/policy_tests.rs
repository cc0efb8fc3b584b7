//! `azaudit policies test`, over packs of its own.

use std::fs;

use crate::support::{Folder, Ran, azaudit, azaudit_in};

const POLICY: &str = r#"title: Gateway names are written in lower case
severity: low
subject: gateway
check: gateway.name.matches("^[a-z0-9-]+$")
message: "{{ gateway.name }} is not written in lower case"
evidence: {name: gateway.name}
remediation: {text: Name the next gateway in lower case.}
"#;

/// A list of gateways of these names.
fn gateways(names: &[&str]) -> String {
    let list: Vec<String> = names
        .iter()
        .map(|name| {
            let ty = "Microsoft.Network/virtualNetworkGateways";
            let id = format!("/subscriptions/s/resourceGroups/rg/providers/{ty}/{name}");
            format!(r#"{{"id": "{id}", "name": "{name}", "type": "{ty}", "properties": {{}}}}"#)
        })
        .collect();
    format!("[{}]\n", list.join(",\n"))
}

/// What a test of the folder `pack` says, in the folder that it stands in.
fn tested(files: &[(&str, &str)], more: &[&str]) -> Ran {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    let folder = Folder::new(&files);
    azaudit_in(&folder.path(""), &[&["policies", "test", "pack"], more].concat())
}

#[test]
fn the_built_in_policies_pass_in_the_repositorys_folder() {
    let ran = azaudit(&["policies", "test", "policies"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    let tested = ran.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(ran.stdout.ends_with(&format!("\n{tested} policies: {tested} ok, 0 failed\n")), "{}", ran.stdout);
    // A part of them, and one file, find the same fixtures.
    let part = azaudit(&["policies", "test", "policies/rdp"]);
    assert_eq!(part.code, 0, "{}", part.stdout);
    let file = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/vpn")).unwrap().next().unwrap().unwrap();
    let one = azaudit(&["policies", "test", file.path().to_str().unwrap()]);
    assert!(one.code == 0 && one.stdout.ends_with("1 policy: 1 ok, 0 failed\n"), "{}", one.stdout);
}

#[test]
fn packs_keep_their_fixtures_beside_the_policies_or_in_a_folder_of_their_own() {
    let beside = azaudit(&["policies", "test", "testdata/packs/ssh"]);
    assert_eq!(beside.stdout, "ok      ssh-open-to-internet: 2 subjects\n1 policy: 1 ok, 0 failed\n");
    let below = azaudit(&["policies", "test", "testdata/packs/mini"]);
    assert_eq!(
        below.stdout,
        "ok      gateway-name-lower-case: 2 subjects\nok      root-certificate-name-length: 2 subjects\n\
         2 policies: 2 ok, 0 failed\n"
    );
}

#[test]
fn fixtures_are_found_in_all_the_places_and_in_no_other() {
    let estate = gateways(&["fails-A", "passes-a"]);
    for place in ["pack/x.json", "pack/tests/x.json", "pack/a/fixtures/x.json", "testdata/pack/x.json"] {
        let ran = tested(&[("pack/x.yaml", POLICY), (place, &estate)], &[]);
        assert_eq!((ran.code, ran.stdout.lines().next()), (0, Some("ok      x: 2 subjects")), "{place}");
    }
    for place in ["x.json", "other/x.json", "pack/.hidden/x.json"] {
        let ran = tested(&[("pack/x.yaml", POLICY), (place, &estate)], &[]);
        assert_eq!(ran.code, 1, "{place}");
        assert_eq!(
            ran.stdout,
            "FAILED  x: 0 subjects\n  it has no fixture\n  \
             hint: write `x.json`, an estate with a subject `fails-…` and one `passes-…`; searched: `pack`\n\
             1 policy: 0 ok, 1 failed\n",
            "{place}"
        );
    }
    let elsewhere = [("pack/x.yaml", POLICY), ("other/x.json", estate.as_str())];
    assert_eq!(tested(&elsewhere, &["--fixtures", "other"]).code, 0);
}

#[test]
fn a_verdict_that_is_not_the_expected_one_is_told_with_its_grounds() {
    let estate = gateways(&["fails-A", "passes-B", "passes-a", "gw"]);
    let ran = tested(&[("pack/x.yaml", POLICY), ("pack/x.json", &estate)], &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert_eq!(
        ran.stdout,
        "FAILED  x: 4 subjects
  pack/x.json (judged at 2026-01-01)
    gw: no verdict expected, found pass
      message: Gateway names are written in lower case
      evidence: {\"name\":\"gw\"}
    passes-B: expected pass, found fail
      message: passes-B is not written in lower case
      evidence: {\"name\":\"passes-B\"}
    not every subject's name starts with a verdict
    hint: the name says what is expected: `passes-…`, `fails-…`, `unknown-…`, `notapplicable-…`
1 policy: 0 ok, 1 failed
"
    );
}

#[test]
fn a_policy_that_goes_wrong_is_not_the_unknown_that_was_expected() {
    let policy = POLICY.replace("check: ", "check: 1 / (gateway.name.size() - 9) < 2 && ");
    let estate = gateways(&["fails-A", "passes-a", "unknown-b"]);
    let ran = tested(&[("pack/x.yaml", &policy), ("pack/x.json", &estate)], &[]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stdout,
        "FAILED  x: 3 subjects
  pack/x.json (judged at 2026-01-01)
    unknown-b: the policy went wrong
      message: cannot tell: the policy `x` went wrong: division by zero
1 policy: 0 ok, 1 failed
"
    );
}

#[test]
fn a_policy_has_to_fail_and_to_pass() {
    let told = |names: &[&str]| {
        let ran = tested(&[("pack/x.yaml", POLICY), ("pack/x.json", &gateways(names))], &[]);
        (ran.code, ran.stdout.lines().nth(1).unwrap_or_default().to_owned())
    };
    assert_eq!(told(&["fails-A", "fails-B"]), (1, "  no subject with the verdict pass".to_owned()));
    assert_eq!(told(&["passes-a", "passes-b"]), (1, "  no subject with the verdict fail".to_owned()));
    assert_eq!(told(&["passes-a", "fails-B"]), (0, "1 policy: 1 ok, 0 failed".to_owned()));
}

#[test]
fn a_fixture_is_judged_at_its_day() {
    let policy = POLICY.replace("gateway.name.matches(\"^[a-z0-9-]+$\")", "gateway.skuRetired == false");
    let retiring = |name: &str| {
        gateways(&[name]).replace(
            "\"properties\": {}",
            r#""properties": {"gatewayType": "Vpn", "vpnType": "RouteBased", "sku": {"name": "HighPerformance"}}"#,
        )
    };
    let files = |day: &str| {
        let ran = tested(
            &[
                ("pack/x.yaml", &policy),
                ("pack/x.json", &retiring("passes-now")),
                (&format!("pack/x@{day}.json"), &retiring("fails-later")),
            ],
            &[],
        );
        (ran.code, ran.stdout + &ran.stderr)
    };
    let (code, told) = files("2026-01-01");
    assert!(code == 1 && told.contains("fails-later: expected fail, found pass"), "{told}");
    let (code, told) = files("2030-01-01");
    assert_eq!(code, 0, "{told}");
    let (code, told) = files("2030-13-01");
    assert!(
        code == 1 && told.contains("`2030-13-01` is no day\n    hint: name the file as in `x@2027-03-31.json`"),
        "{told}"
    );
}

#[test]
fn a_fixture_of_no_policy_is_told_with_the_policy_that_was_meant() {
    let estate = gateways(&["fails-A", "passes-a"]);
    let files = |name: &'static str| [("pack/gateway-name.yaml", POLICY), ("pack/gateway-name.json", ""), (name, "")];
    let with = |name: &'static str, more: &[&str]| {
        let files = files(name).map(|(path, text)| (path, if text.is_empty() { estate.as_str() } else { text }));
        tested(&files, more)
    };
    let ran = with("pack/tests/gateway-nam.json", &[]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stdout,
        "ok      gateway-name: 2 subjects\nFAILED  pack/tests/gateway-nam.json\n  belongs to no policy\n  \
         hint: did you mean `gateway-name`?\n1 policy: 1 ok, 0 failed; 1 fixture of no policy\n"
    );
    // A name that no policy can have is no fixture's; and whoever names a policy does not ask about other files.
    assert_eq!(with("pack/policy.schema.json", &[]).code, 0);
    assert_eq!(with("pack/tests/gateway-nam.json", &["--policy", "gateway-*"]).code, 0);
}

#[test]
fn what_cannot_be_read_is_no_test() {
    let code = |policy: &str, estate: &str| {
        let ran = tested(&[("pack/x.yaml", policy), ("pack/x.json", estate)], &[]);
        (ran.code, ran.stdout)
    };
    let good = gateways(&["fails-A", "passes-a"]);
    assert_eq!(code(POLICY, &good).0, 0);
    assert_eq!(code(&POLICY.replace("gateway.name.matches", "gateway.nam.matches"), &good), (2, String::new()));
    let (cut, told) = code(POLICY, good.trim_end().trim_end_matches(']'));
    assert!(cut == 2 && told.contains("gap: file: truncated") && told.contains("it cannot be read whole"), "{told}");
    assert_eq!(code(POLICY, r#"{"some": "settings"}"#).0, 2);
    assert_eq!(code(POLICY, "[]").0, 1);
    // Damage within one resource may be what the fixture is about.
    let (damaged, told) = code(POLICY, &good.replacen('[', "[{\"name\": \"lost\"},", 1));
    assert!(damaged == 0 && told.contains("gap: resource: damaged: line 1, column 2"), "{told}");
}

#[test]
fn machines_read_every_subject() {
    let estate = gateways(&["fails-A", "passes-B", "passes-a"]);
    let ran = tested(&[("pack/x.yaml", POLICY), ("pack/x.json", &estate)], &["--format", "json"]);
    assert_eq!(ran.code, 1);
    let report = ran.json();
    assert_eq!(report["schema"], "azaudit.policy-test/v1");
    assert_eq!(report["summary"], serde_json::json!({"policies": 1, "ok": 0, "failed": 1, "subjects": 3}));
    let fixture = &report["policies"][0]["fixtures"][0];
    assert_eq!((&fixture["path"], &fixture["now"]), (&"pack/x.json".into(), &"2026-01-01T00:00:00Z".into()));
    let subject = &fixture["subjects"][1];
    assert_eq!([&subject["name"], &subject["expected"], &subject["found"]], ["passes-B", "pass", "fail"]);
    let right = |i: usize| fixture["subjects"][i]["ok"].as_bool().unwrap();
    assert_eq!([right(0), right(1), right(2)], [true, false, true]);
}

#[test]
fn a_policy_is_tested_by_the_facts_of_its_own_port() {
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/packs/ssh/ssh-open-to-internet");
    let (policy, estate) = (fs::read_to_string(format!("{pack}.yaml")), fs::read_to_string(format!("{pack}.json")));
    let (policy, estate) = (policy.unwrap(), estate.unwrap());
    let code = |policy: &str| tested(&[("pack/x.yaml", policy), ("pack/x.json", &estate)], &[]).code;
    assert_eq!((code(&policy), code(&policy.replace("port: 22\n", ""))), (0, 1));
}
