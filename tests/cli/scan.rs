use std::fs;

use crate::support::{Folder, azaudit, azaudit_into_closed_pipe, azaudit_with_env, azaudit_with_input};

const NOW: &str = "2026-01-01T00:00:00Z";

/// The ids of the built-in policies: the names of their files.
fn policies() -> Vec<String> {
    let folders = ["vpn", "rdp"].map(|area| format!("{}/policies/{area}", env!("CARGO_MANIFEST_DIR")));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let yaml = files.filter(|path| path.extension().is_some_and(|it| it == "yaml"));
    yaml.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn route_table(name: &str, route: &str) -> String {
    format!(
        r#"{{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/routeTables/{name}","name":"{name}",
            "type":"Microsoft.Network/routeTables","location":"westeurope","properties":{{"routes":[{{"name":"r",
            "properties":{{"addressPrefix":"{route}","nextHopType":"Internet"}}}}]}}}}"#
    )
}

fn network(table: &str) -> String {
    format!(
        r#"{{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub","name":"hub",
            "type":"Microsoft.Network/virtualNetworks","location":"westeurope","properties":{{"addressSpace":
            {{"addressPrefixes":["10.0.0.0/16"]}},"subnets":[{{"name":"GatewaySubnet","properties":{{"addressPrefix":
            "10.0.0.0/27","routeTable":{{"id":"/subscriptions/S/resourcegroups/RG/providers/microsoft.network/routetables/{table}"}}}}}}]}}}}"#
    )
}

/// Two resources of which the verdict depends on whether both were read.
fn estate(route: &str) -> String {
    format!("[{},\n{}]", network("rt"), route_table("rt", route))
}

fn scan(input: impl Into<Vec<u8>>) -> crate::support::Ran {
    let one = ["--policy", "gateway-subnet-default-route", "--show", "pass"];
    azaudit_with_input(&[&["scan", "--from", "-", "--now", NOW, "--format", "json"][..], &one].concat(), input)
}

const FAILS: &str = "gateway-subnet-default-route fail hub/GatewaySubnet";
const PASSES: &str = "gateway-subnet-default-route pass hub/GatewaySubnet";
const UNKNOWN: &str = "gateway-subnet-default-route unknown hub/GatewaySubnet";

#[test]
fn the_estate_of_the_readme_shows_every_policy() {
    let at = |now| azaudit(&["scan", "--from", "testdata/estates/contoso.json", "--now", now, "--format", "json"]);
    let ran = at(NOW);
    // No SKU is retired yet at that moment.
    let results = [ran.results(), at("2026-12-01T00:00:00Z").results()].concat();
    for policy in policies() {
        assert!(results.iter().any(|line| line.starts_with(&format!("{policy} fail "))), "{policy}: {results:#?}");
    }
    assert_eq!(ran.code, 1, "{}", ran.stderr);
}

#[test]
fn the_readme_shows_what_a_run_prints() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let samples: Vec<&str> = readme.split("```text\n$ azaudit ").skip(1).collect();
    assert_eq!(samples.len(), 2);
    for sample in samples {
        let (command, shown) = sample.split_once("```").unwrap().0.split_once('\n').unwrap();
        let arguments: Vec<&str> = command.split(' ').collect();
        let ran = azaudit_with_env(&arguments, &[("COLUMNS", "100".to_owned())]);
        assert_eq!(ran.stdout, shown, "{}", ran.stderr);
    }
}

#[test]
fn two_runs_give_the_same_bytes() {
    let run = || azaudit(&["scan", "--from", "testdata/estates/contoso.json", "--now", NOW, "--format", "json"]).stdout;
    assert_eq!(run(), run());
}

#[test]
fn the_exit_code_tells_findings_from_none_and_fail_on_moves_the_line() {
    let code = |route: &str, fail_on: &str| {
        azaudit_with_input(&["scan", "--from", "-", "--now", NOW, "--fail-on", fail_on], estate(route)).code
    };
    assert_eq!(code("0.0.0.0/0", "critical"), 1);
    assert_eq!(code("0.0.0.0/0", "never"), 0);
    assert_eq!(code("10.9.0.0/16", "info"), 0);
}

#[test]
fn a_route_table_that_was_not_read_is_unknown_and_never_pass() {
    assert_eq!(scan(estate("10.9.0.0/16")).results(), [PASSES]);
    assert_eq!(scan(network("rt")).results(), [UNKNOWN]);
}

#[test]
fn every_framing_and_encoding_gives_the_same_results() {
    let (network, table) = (network("rt"), route_table("rt", "0.0.0.0/0"));
    let one_line = |text: &str| text.replace('\n', " ");
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let inputs: Vec<(&str, Vec<u8>)> = vec![
        ("array", estate("0.0.0.0/0").into()),
        ("list", format!(r#"{{"value":[{network},{table}],"nextLink":null}}"#).into()),
        ("behind one another", format!("{network}{table}").into()),
        ("lines", format!("{}\n{}\n", one_line(&network), one_line(&table)).into()),
        ("UTF-8 with a mark", [b"\xef\xbb\xbf", estate("0.0.0.0/0").as_bytes()].concat()),
        ("UTF-16 with a mark", [b"\xff\xfe".to_vec(), utf16(&estate("0.0.0.0/0"))].concat()),
        ("UTF-16 without", utf16(&estate("0.0.0.0/0"))),
        ("compact, then pretty", format!("{}\n{{\n{}", one_line(&network), &table[1..]).into()),
        ("CRLF", estate("0.0.0.0/0").replace('\n', "\r\n").into()),
    ];
    for (framing, input) in inputs {
        let ran = scan(input);
        assert_eq!(
            (ran.results(), ran.gaps(), ran.code),
            (vec![FAILS.to_owned()], vec![], 1),
            "{framing}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_damaged_file_does_not_stop_the_others_and_makes_the_audit_incomplete() {
    let whole = estate("0.0.0.0/0");
    let damaged: &[(&str, &[u8], &str)] = &[
        ("cut", &whole.as_bytes()[..40], "truncated file"),
        ("empty", b"", "truncated file"),
        ("no JSON", b"id,name\n1,2\n", "damaged file"),
        ("no UTF-8", b"[{\"id\":\"/x\xff\",\"type\":\"t\",\"properties\":{}}]", "damaged resource"),
        ("null", b"[null]", "damaged resource"),
        (
            "without id",
            b"[{\"type\":\"Microsoft.Network/routeTables\",\"properties\":{}}]",
            "damaged microsoft.network/routetables",
        ),
        ("a refusal", br#"{"error":{"code":"AuthorizationFailed","message":"no"}}"#, "forbidden file"),
        ("another page", br#"{"value":[],"nextLink":"https://management.azure.com/x"}"#, "truncated file"),
    ];
    for (what, content, gap) in damaged {
        let folder = Folder::new(&[("a/bad.json", content), ("b.json", whole.as_bytes()), ("notes.txt", b"no")]);
        let ran = azaudit(&["scan", "--from", &folder.text(""), "--now", NOW, "--format", "json"]);
        assert_eq!(ran.results(), [FAILS], "{what}");
        assert!(ran.gaps().iter().any(|it| it == gap), "{what}: {:?}", ran.gaps());
        assert_eq!(ran.code, 3, "{what}");
        assert!(ran.stderr.contains("bad.json"), "{what}: {}", ran.stderr);
    }
}

#[test]
fn the_worst_input_is_survived() {
    let table = route_table("rt", "0.0.0.0/0");
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = table.replace(r#""location":"westeurope""#, &format!(r#""tags":{deep}"#));
    let ran = scan(format!("[{},{deep}]", network("rt")));
    assert_eq!((ran.results(), ran.code), (vec![FAILS.to_owned()], 1), "{}", ran.stderr);
}

#[test]
fn two_copies_and_odd_letter_case_are_one_resource() {
    let upper = route_table("rt", "0.0.0.0/0")
        .replace("/subscriptions/s/resourceGroups/rg", "/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG");
    let ran = scan(format!("[{},{upper},{}]", network("RT"), route_table("rt", "0.0.0.0/0")));
    assert_eq!(ran.results(), [FAILS]);
    assert_eq!(ran.json()["summary"]["resources"], 2);
    assert_eq!(ran.code, 1);
}

#[test]
fn input_without_anything_known_is_an_error_with_the_reason() {
    let unknown = r#"[{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/x","type":"Microsoft.Storage/storageAccounts","properties":{}}]"#;
    for input in [unknown, "[]", "", "{}", "nonsense"] {
        let ran = azaudit_with_input(&["scan", "--from", "-"], input);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{input:?}");
        assert!(ran.stderr.contains("error:") && ran.stderr.contains("hint:"), "{input:?}: {}", ran.stderr);
    }
}

#[test]
fn wrong_use_is_exit_2_with_a_hint() {
    let folder = Folder::new(&[("typo.yaml", b"title: x\nsevrity: high\n")]);
    let empty = Folder::new(&[("notes.txt", b"")]);
    for arguments in [
        vec!["scan"],
        vec!["scan", "--from", "/does/not/exist.json"],
        vec!["scan", "--from", &empty.text("")],
        vec!["scan", "--from", "testdata/estates/contoso.json", "--now", "yesterday"],
        vec!["scan", "--from", "testdata/estates/contoso.json", "--policy", "no-such-*"],
        vec!["scan", "--from", "testdata/estates/contoso.json", "--policies", &folder.text("")],
        vec!["scan", "--from", "testdata/estates/contoso.json", "--output", "pdf=x.pdf"],
        vec!["scan", "--from", "testdata/estates/contoso.json", "--output", "json=./testdata/estates/contoso.json"],
        vec![
            "scan",
            "--from",
            "testdata/estates/contoso.json",
            "--output",
            "json=x.json",
            "--output",
            "table=./x.json",
        ],
        vec!["scan", "--from", "testdata/estates/contoso.json", "--policy", "*lifetime", "--severity", "critical"],
        vec!["scan", "--auth", "cli"],
    ] {
        let ran = azaudit(&arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("error:"), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn a_path_cannot_add_a_line_to_stderr() {
    let folder = Folder::new(&[]);
    let hostile = folder.text("x\nerror: all is well\x1b[2J");
    for flag in ["--policies", "--from"] {
        let ran = azaudit(&["scan", "--from", "testdata/estates/contoso.json", flag, &hostile]);
        assert_eq!(ran.code, 2, "{flag}: {}", ran.stderr);
        assert!(ran.stderr.contains(r"x\nerror: all is well\u{1b}[2J"), "{flag}: {}", ran.stderr);
        assert!(!ran.stderr.lines().any(|line| line.starts_with("error: all")), "{flag}: {}", ran.stderr);
    }
}

#[test]
fn policies_are_chosen_by_glob_and_severity() {
    let policies = |arguments: &[&str]| {
        let fixed = ["scan", "--from", "testdata/estates/contoso.json", "--now", NOW, "--format", "json"];
        let mut policies: Vec<String> = azaudit(&[&fixed, arguments].concat())
            .results()
            .iter()
            .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
            .collect();
        policies.dedup();
        policies
    };
    assert_eq!(policies(&["--policy", "rdp-open-to-i*"]), ["rdp-open-to-internet"]);
    assert!(policies(&["--policy", "rdp-*"]).iter().all(|policy| policy.starts_with("rdp-")));
    assert!(!policies(&["--skip-policy", "rdp-*"]).contains(&"rdp-open-to-internet".to_owned()));
    assert!(!policies(&["--severity", "critical"]).contains(&"p2s-root-certificate-lifetime".to_owned()));
}

#[test]
fn reports_go_to_files_whole_and_to_several_at_once() {
    let folder = Folder::new(&[]);
    let json = format!("json={}", folder.text("report.json"));
    let table = format!("table={}", folder.text("report.txt"));
    let run = ["scan", "--from", "testdata/estates/contoso.json", "--now", NOW, "--format", "json"];
    let ran = azaudit(&[&run[..], &["--output", &json, "--output", &table]].concat());
    assert_eq!(fs::read_to_string(folder.path("report.json")).unwrap(), ran.stdout);
    assert!(fs::read_to_string(folder.path("report.txt")).unwrap().contains("gateway-subnet-default-route"));
    let nowhere = format!("json={}", folder.text("no/such/folder/report.json"));
    let ran = azaudit(&[&run[..], &["--output", &nowhere]].concat());
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("report.json"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_changes_no_exit_code() {
    let run = ["scan", "--from", "testdata/estates/contoso.json", "--now", NOW, "--format", "json"];
    assert_eq!(azaudit_into_closed_pipe(&run), azaudit(&run).code);
    let never = [&run[..], &["--fail-on", "never"]].concat();
    assert_eq!(azaudit_into_closed_pipe(&never), 0);
}

#[test]
fn a_framework_selects_the_policies_that_its_published_mapping_names() {
    let scan = |more: &[&str]| {
        let common = ["scan", "--from", "testdata/estates/contoso.json", "--now", NOW, "--format", "json"];
        azaudit(&[&common[..], more].concat())
    };
    let ran = scan(&["--framework", "cis-azure-foundations-3.*", "--show", "pass,notApplicable"]);
    let results = ran.json()["results"].as_array().cloned().unwrap();
    assert!(!results.is_empty());
    for result in &results {
        assert!(result["frameworks"]["cis-azure-foundations-3.0"].is_array(), "{result}");
    }
    assert!(results.len() < scan(&["--show", "pass,notApplicable"]).json()["results"].as_array().unwrap().len());
    let unknown = scan(&["--framework", "cis-azure-foundation"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("no framework matches `cis-azure-foundation`"), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("hint: "), "{}", unknown.stderr);
}
