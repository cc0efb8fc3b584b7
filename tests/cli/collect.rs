//! `azaudit collect`, and `scan --from` of what it wrote.

use serde_json::{Value, json};

use crate::azure::mock_arm::{MockArm, error, is_graph};
use crate::live::{BRANCH, HUB, NOW, contoso};
use crate::support::{Folder, Ran, azaudit, azaudit_with_env};

const CONTOSO: &str = "testdata/estates/contoso.json";
const LIVE: [&str; 6] = ["--now", NOW, "--auth", "managed-identity", "--timeout", "20"];

fn live(arm: &MockArm, command: &[&str]) -> Ran {
    azaudit_with_env(&[command, &LIVE].concat(), &arm.variables())
}

fn scan_from(path: &str) -> Ran {
    azaudit(&["scan", "--from", path, "--now", NOW, "--format", "json"])
}

/// What a scan reports, but for where it read it.
fn judged(ran: &Ran) -> String {
    let mut report = ran.json();
    let source = report.as_object_mut().unwrap().remove("source").unwrap();
    let whose = json!([source["cloud"], source["subscriptions"]]);
    serde_json::to_string_pretty(&json!([report, whose, ran.code])).unwrap()
}

/// Fails at the first line that differs: a report is long.
fn assert_same(one: &str, other: &str, why: &str) {
    for (one, other) in one.lines().zip(other.lines()) {
        assert_eq!(one, other, "{why}");
    }
    assert_eq!(one.len(), other.len(), "{why}");
}

/// Each fault strikes the scan and the recording alike.
fn same_live_and_recorded(arm: &MockArm, source: &[&str], code: i32) -> Ran {
    let folder = Folder::new(&[]);
    let scanned = live(arm, &[&["scan", "--format", "json"], source].concat());
    for file in ["estate.jsonl", "estate.jsonl.zst"] {
        let path = folder.text(file);
        let collected = live(arm, &[&["collect", "-o", &path], source].concat());
        assert_eq!((collected.code, collected.stdout.as_str()), (code, ""), "{}", collected.stderr);
        let read = scan_from(&path);
        assert_same(&judged(&read), &judged(&scanned), &read.stderr);
        assert_eq!(read.json()["source"]["inputs"][0]["shape"], "snapshot");
    }
    scanned
}

#[test]
fn a_snapshot_is_judged_as_the_live_estate_is() {
    let scanned =
        same_live_and_recorded(&contoso().page(7), &["--subscription", "Contoso Hub", "--subscription", BRANCH], 0);
    assert!(scanned.results().len() > 10, "{:?}", scanned.results());
}

#[test]
fn gaps_are_recorded_too() {
    let ran = same_live_and_recorded(&contoso().deny(BRANCH), &["--subscription", HUB, "--subscription", BRANCH], 3);
    assert!(ran.gaps().contains(&"forbidden subscription".to_owned()), "{:?}", ran.gaps());
    let refused = contoso().always(is_graph, error(403, "AuthorizationFailed"));
    same_live_and_recorded(&refused, &["--all-subscriptions"], 0);
}

#[test]
fn a_damaged_resource_is_the_same_gap() {
    let id = format!("/subscriptions/{HUB}/resourceGroups/rg/providers/Microsoft.Network/routeTables/t");
    let table = json!({"id": id, "type": "Microsoft.Network/routeTables", "properties": {"routes": 5}});
    let ran = same_live_and_recorded(&MockArm::start(vec![table]), &["--subscription", HUB], 3);
    assert!(ran.json()["gaps"][0]["detail"].as_str().unwrap().contains("line 1, column "), "{}", ran.stdout);
}

#[test]
fn an_empty_estate_is_a_snapshot_too() {
    let arm = MockArm::start(Vec::new()).subscription(HUB, "Empty");
    same_live_and_recorded(&arm, &["--subscription", "Empty"], 0);
}

#[test]
fn files_are_recorded_as_they_are_judged() {
    let folder = Folder::new(&[]);
    let (path, again) = (folder.text("a.jsonl"), folder.text("b.jsonl"));
    let original = scan_from(CONTOSO);
    for (from, to) in [(CONTOSO, &path), (&path, &again)] {
        let collected = azaudit(&["collect", "--from", from, "-o", to, "--now", NOW]);
        assert_eq!(collected.code, 0, "{}", collected.stderr);
        assert_same(&judged(&scan_from(to)), &judged(&original), to);
    }
    let diagnose = |from: &str| azaudit(&["diagnose", "798", "--from", from, "--now", NOW, "--format", "json"]);
    assert_eq!(diagnose(&path).stdout, diagnose(CONTOSO).stdout);
}

#[test]
fn a_file_with_a_damaged_item_is_judged_as_before() {
    let id = format!("/subscriptions/{HUB}/resourceGroups/rg/providers/Microsoft.Network/routeTables");
    let good =
        json!({"id": format!("{id}/good"), "type": "Microsoft.Network/routeTables", "properties": {"routes": []}});
    let text = format!("[\n{good},\n{{\"id\": \"{id}/bad\",\n \"properties\": {{\"sharedKey\": tru}}}}]");
    let folder = Folder::new(&[("in.json", text.as_bytes())]);
    let (input, path) = (folder.text("in.json"), folder.text("out.jsonl"));
    let collected = azaudit(&["collect", "--from", &input, "-o", &path]);
    assert_eq!(collected.code, 3, "{}", collected.stderr);
    let (before, after) = (scan_from(&input).json()["gaps"].clone(), scan_from(&path).json()["gaps"].clone());
    assert_eq!(before, after);
    assert_eq!(before.as_array().unwrap().len(), 1);
}

#[test]
fn a_cut_snapshot_is_incomplete() {
    let folder = Folder::new(&[]);
    for file in ["whole.jsonl", "whole.jsonl.zst"] {
        let path = folder.text(file);
        assert_eq!(azaudit(&["collect", "--from", CONTOSO, "-o", &path]).code, 0);
        let bytes = std::fs::read(&path).unwrap();
        assert!(scan_from(&path).gaps().is_empty());
        let text_end = bytes.iter().rposition(|byte| *byte == b'{').unwrap();
        for end in [bytes.len() - 3, text_end, bytes.len() * 2 / 3] {
            std::fs::write(&path, &bytes[..end]).unwrap();
            let ran = scan_from(&path);
            assert_eq!((ran.code, ran.gaps()), (3, vec!["truncated file".to_owned()]), "{file} {end} {}", ran.stderr);
        }
    }
}

#[test]
fn a_lost_line_and_a_changed_line_are_noticed() {
    let folder = Folder::new(&[]);
    let path = folder.text("s.jsonl");
    assert_eq!(azaudit(&["collect", "--from", CONTOSO, "-o", &path]).code, 0);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let without = [&lines[..3], &lines[4..]].concat().join("\n") + "\n";
    let changed = [&lines[..3], &["{\"kind\":"], &lines[4..]].concat().join("\n") + "\n";
    for damaged in [without, changed] {
        std::fs::write(&path, damaged).unwrap();
        let ran = scan_from(&path);
        assert_eq!((ran.code, ran.gaps()), (3, vec!["damaged file".to_owned()]), "{}", ran.stderr);
    }
}

#[test]
fn a_snapshot_of_a_later_schema_is_refused_with_the_reason() {
    let folder = Folder::new(&[("s.jsonl", b"{\"schema\":\"azaudit.snapshot/v9\"}\n{\"kind\":\"end\"}\n")]);
    let ran = scan_from(&folder.text("s.jsonl"));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("azaudit.snapshot/v9"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_read_or_written_leaves_no_file() {
    let folder = Folder::new(&[("other.json", br#"{"name": "x", "version": 1}"#)]);
    let path = folder.text("out.jsonl");
    let nothing = azaudit(&["collect", "--from", &folder.text("other.json"), "-o", &path]);
    assert_eq!(nothing.code, 2, "{}", nothing.stderr);
    assert!(nothing.stderr.contains("nothing to audit"), "{}", nothing.stderr);
    let lost = azaudit(&["collect", "--from", CONTOSO, "-o", &folder.text("no/out.jsonl")]);
    assert!(lost.code == 2 && lost.stderr.contains("create its folder first"), "{}", lost.stderr);
    let own = azaudit(&["collect", "--from", &folder.text("other.json"), "-o", &folder.text("other.json")]);
    assert!(own.code == 2 && own.stderr.contains("its own input"), "{}", own.stderr);
    let left: Vec<_> = std::fs::read_dir(folder.path("")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["other.json"]);
}

#[test]
fn a_folder_gets_a_file_named_after_the_time() {
    let folder = Folder::new(&[]);
    let ran = azaudit(&["collect", "--from", CONTOSO, "-o", &folder.text(""), "--now", NOW]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(folder.path("azaudit-20260101T000000Z.jsonl").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let ran = azaudit(&["collect", "--from", CONTOSO, "-o", "/dev/full"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("/dev/full"), "{}", ran.stderr);
}

#[test]
fn other_types_are_recorded_where_they_are_asked_for() {
    let ty = "Microsoft.Storage/storageAccounts";
    let account = json!({"id": format!("/subscriptions/{HUB}/resourceGroups/rg/providers/{ty}/a"), "name": "a", "type": ty,
        "location": "westeurope", "properties": {}});
    let arm = MockArm::start(vec![account]);
    let policy = br#"title: Storage accounts need TLS 1.2
severity: high
subject: resource
type: Microsoft.Storage/storageAccounts
check: resource.properties.minimumTlsVersion == "TLS1_2"
message: no
remediation: {text: none}
"#;
    let folder = Folder::new(&[("p/storage-tls.yaml", policy)]);
    let (policies, path) = (folder.text("p"), folder.text("s.jsonl"));
    let scan =
        |path: &str| azaudit(&["scan", "--from", path, "--policies", &policies, "--format", "json", "--now", NOW]);
    let records = |more: &[&str]| live(&arm, &[&["collect", "-o", &path, "--subscription", HUB], more].concat());
    assert_eq!(records(&[]).code, 0);
    let without = scan(&path);
    assert_eq!((without.code, without.gaps()), (3, vec!["missing microsoft.storage/storageaccounts".to_owned()]));
    for more in [["--type", ty], ["--policies", &policies]] {
        let ran = records(&more);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let with = scan(&path);
        assert!(
            with.gaps().is_empty() && with.results().iter().any(|it| it.starts_with("storage-tls ")),
            "{}",
            with.stdout
        );
    }
}

/// A gateway with every kind of secret in it.
fn with_secrets() -> (Value, Vec<String>) {
    let ty = "Microsoft.Network/virtualNetworkGateways";
    let key = "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAPLANTEDkeyPLANTEDkeyPLANTEDkeyPLANTEDkeyPLANTED";
    let secrets = [
        "rAdIuS-secret",
        "ShArEd-key",
        "aUtH-key",
        "pAsS-word",
        "SiGnAtUrE",
        "aCcOuNt-key",
        "vAlUe-of-pair",
        "uSeR-pass",
        "PLANTEDkey",
        "31415926",
    ];
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----");
    let root = |name: &str, data: &str| json!({"name": name, "properties": {"publicCertData": data}});
    let gateway = json!({
        "id": format!("/subscriptions/{HUB}/resourceGroups/rg/providers/{ty}/gw"), "name": "gw", "type": ty, "location": "westeurope",
        "tags": {"adminPassword": secrets[3], "note": format!("https://x.blob.core.windows.net/c?sv=1&sig={}", secrets[4])},
        "properties": {"gatewayType": "Vpn", "sharedKey": secrets[1], "authorizationKey": secrets[2], "pin": 31_415_926,
            "disablePasswordAuthentication": true,
            "connection": format!("AccountName=a;AccountKey={}", secrets[5]),
            "settings": [{"name": "DB_PASSWORD", "value": secrets[6]}, {"value": secrets[6], "type": "SecureString"}],
            "url": format!("https://me:{}@host/", secrets[7]),
            "vpnClientConfiguration": {
                "vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]},
                "radiusServers": [{"radiusServerAddress": "10.0.0.4", "radiusServerSecret": secrets[0]}],
                "radiusServerSecret": secrets[0],
                "vpnClientRootCertificates": [root("base64", key), root("pem", &pem)]}}});
    (gateway, secrets.iter().map(|it| (*it).to_owned()).collect())
}

#[test]
fn no_secret_reaches_the_file_and_the_findings_stay() {
    let (gateway, secrets) = with_secrets();
    let folder = Folder::new(&[("in.json", gateway.to_string().as_bytes())]);
    let (input, path) = (folder.text("in.json"), folder.text("out.jsonl"));
    let collected = azaudit(&["collect", "--from", &input, "-o", &path, "-vv"]);
    assert!(matches!(collected.code, 0 | 3), "{}", collected.stderr);
    let bytes = std::fs::read_to_string(&path).unwrap();
    for secret in &secrets {
        assert!(gateway.to_string().contains(secret), "{secret} is planted");
        assert!(!bytes.contains(secret) && !collected.stderr.contains(secret), "{secret}: {bytes}");
    }
    let last: Value = serde_json::from_str(bytes.lines().last().unwrap()).unwrap();
    assert_eq!(last["removed"]["radiusServerSecret"], 2, "{last}");
    assert!(bytes.contains("\"disablePasswordAuthentication\":true"));
    let (before, after) = (scan_from(&input), scan_from(&path));
    assert_same(&judged(&before), &judged(&after), &bytes);
    assert!(
        before.results().contains(&"p2s-root-certificate-private-key fail base64".to_owned()),
        "{:?}",
        before.results()
    );
}

/// Whoever takes too much away changes what is said of an estate.
#[test]
fn every_fixture_is_judged_as_before() {
    use azaudit::facts::{Context, Options};
    use azaudit::policy::{PolicySet, Severity, Verdicts};
    use azaudit::snapshot::Recorder;
    use azaudit::source::snapshot::{Header, SCHEMA};
    use azaudit::{inventory, source::offline};

    let policies = PolicySet::load(true, &[]).unwrap();
    let options = Options::at(time::OffsetDateTime::from_unix_timestamp(1_767_225_600).unwrap());
    let judge = |text: &[u8]| {
        let (read, inventory) = inventory::collect(|sink| offline::read(&["-".into()], &mut &*text, sink));
        read.unwrap();
        let context = Context { inventory: &inventory, options: &options };
        let (judged, counts) = policies.audit(context, Verdicts::ALL, Severity::Info);
        let mut judged: Vec<String> = judged.iter().map(|it| format!("{it:?}")).collect();
        judged.sort();
        (format!("{}\n{:#?}", judged.join("\n"), inventory.gaps), format!("{counts:#?}"))
    };
    let fixtures = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/policies")).unwrap();
    let (mut count, mut differ) = (0, Vec::new());
    for path in fixtures.map(|it| it.unwrap().path()).filter(|it| it.extension().is_some_and(|it| it == "json")) {
        let text = std::fs::read(&path).unwrap();
        let record = |redacted: bool| {
            let mut recorded = Vec::new();
            let header = Header { schema: SCHEMA.into(), redacted, ..Header::default() };
            let mut recorder = Recorder::new(&header, &mut recorded);
            offline::read(&["-".into()], &mut text.as_slice(), &mut recorder).unwrap();
            recorder.finish(None).unwrap();
            judge(&recorded)
        };
        let ((judged, counts), shown) = (judge(&text), path.display().to_string());
        assert_same(&record(false).0, &judged, &shown);
        if record(true).1 != counts {
            differ.push(shown);
        }
        count += 1;
    }
    assert!(count > 50, "{count}");
    assert_eq!(differ, [""; 0], "redacted, they are judged otherwise");
}

/// What is judged, without names.
fn verdicts(ran: &Ran) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let results = ran.json()["results"].as_array().cloned().unwrap();
    let line = |it: &Value| {
        let subject = &it["subject"];
        [&it["policy"], &it["verdict"], &it["severity"], &subject["kind"], &subject["location"]].map(word).join(" ")
    };
    let mut lines: Vec<String> = results.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn a_redacted_snapshot_is_judged_alike_and_names_nobody() {
    let folder = Folder::new(&[]);
    let path = folder.text("redacted.jsonl");
    let scan = |path: &str| {
        azaudit(&["scan", "--from", path, "--now", NOW, "--format", "json", "--show", "pass,notApplicable"])
    };
    assert_eq!(azaudit(&["collect", "--from", CONTOSO, "--redact", "-o", &path]).code, 0);
    let (before, after) = (scan(CONTOSO), scan(&path));
    assert_same(&verdicts(&after).join("\n"), &verdicts(&before).join("\n"), &after.stderr);
    assert_eq!((after.code, after.gaps()), (before.code, before.gaps()));
    let original = std::fs::read_to_string(CONTOSO).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("publicCertData")).collect();
    for name in ["contoso", HUB, BRANCH, "203.0.113.17", "contosoadmin", "network@", "vm-jump-01", "4711", "production"]
    {
        assert!(original.contains(name), "{name} is in the original");
        let found = kept.iter().find(|line| line.to_lowercase().contains(name));
        assert_eq!(found, None, "{name}");
    }
    for name in ["GatewaySubnet", "AzureBastionSubnet", "VpnGw", "westeurope", "10.10.0.0/27", "VirtualNetwork"] {
        assert!(text.contains(name), "{name}");
    }
}

#[test]
fn a_redacted_live_snapshot_names_no_subscription() {
    let folder = Folder::new(&[]);
    let path = folder.text("redacted.jsonl");
    let arm = contoso().deny(BRANCH);
    let source = ["--subscription", "Contoso Hub", "--subscription", BRANCH];
    assert_eq!(live(&arm, &[&["collect", "--redact", "-o", &path], &source[..]].concat()).code, 3);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(HUB) && !text.contains(BRANCH) && !text.contains("Contoso Hub"));
    let scanned = live(&arm, &[&["scan", "--format", "json"], &source[..]].concat());
    let read = scan_from(&path);
    assert_eq!((read.code, read.gaps()), (scanned.code, scanned.gaps()));
    assert_eq!(verdicts(&read), verdicts(&scanned));
}
