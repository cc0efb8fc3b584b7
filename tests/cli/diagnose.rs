//! `azaudit diagnose`: from what a user saw to the cause in Azure.

use serde_json::{Value, json};

use crate::azure::mock_arm::MockArm;
use crate::support::{Folder, Ran, azaudit, azaudit_with_env, azaudit_with_input};

const NOW: &str = "2026-01-01T00:00:00Z";
const KEYS: [&str; 9] =
    ["schema", "language", "symptom", "matches", "title", "causes", "clientSteps", "references", "events"];

fn diagnose(text: &str, estate: &str) -> Ran {
    let from = format!("testdata/diagnose/{estate}.json");
    azaudit(&["diagnose", text, "--from", &from, "--now", NOW, "--lang", "en", "--format", "json"])
}

/// `STATE policy subject`, without what is ruled out.
fn causes(ran: &Ran) -> Vec<String> {
    let document = ran.json();
    let causes = document["causes"].as_array().unwrap().clone();
    let line = |it: &Value| format!("{} {} {}", text(&it["state"]), text(&it["policy"]), text(&it["subject"]["name"]));
    causes.iter().map(line).filter(|line| !line.starts_with("ruledOut")).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn states(ran: &Ran, state: &str) -> usize {
    ran.json()["causes"].as_array().unwrap().iter().filter(|it| it["state"] == state).count()
}

#[test]
fn the_cause_of_a_badly_formatted_message_is_found() {
    for (estate, expected) in [
        ("default-route", "found gateway-subnet-default-route vnet-hub/GatewaySubnet"),
        ("no-root", "found p2s-root-certificate-missing vpngw-hub"),
        ("expired-root", "found p2s-root-certificate-expired vpngw-hub"),
    ] {
        let ran = diagnose("0x80090326", estate);
        assert_eq!((ran.code, causes(&ran)), (1, vec![expected.to_owned()]), "{estate}: {}", ran.stderr);
        let document = ran.json();
        let cause = &document["causes"][0];
        assert!(!cause["remediation"]["commands"].as_array().unwrap().is_empty(), "{cause}");
        assert!(cause["evidence"].is_object() && !text(&cause["message"]).is_empty(), "{cause}");
    }
    let sound = diagnose("0x80090326", "sound");
    assert_eq!((sound.code, causes(&sound)), (0, vec![]), "{}", sound.stderr);
    assert!(states(&sound, "ruledOut") >= 8, "{}", sound.stdout);
}

#[test]
fn other_errors_lead_to_their_causes() {
    for (text, sick, sound, expected) in [
        (
            "File download error: Target URI is not specified",
            "no-pool",
            "sound",
            "found p2s-configuration-incomplete vpngw-hub",
        ),
        ("error 812", "radius-on-basic", "radius", "found p2s-radius-server vpngw-hub"),
        ("too-many-clients", "full", "sound", "found p2s-connections-at-limit vpngw-hub"),
        ("rdp-cannot-connect", "rdp-blocked", "sound", "found rdp-blocked nic-app1"),
    ] {
        let found = diagnose(text, sick);
        assert_eq!(found.code, 1, "{text}: {}", found.stderr);
        assert!(causes(&found).contains(&expected.to_owned()), "{text}: {:?}", causes(&found));
        let ruled_out = diagnose(text, sound);
        assert_eq!((ruled_out.code, causes(&ruled_out)), (0, vec![]), "{text}: {}", ruled_out.stderr);
        assert!(states(&ruled_out, "ruledOut") > 0, "{text}");
        assert!(!ruled_out.json()["clientSteps"].as_array().unwrap().is_empty(), "{text}");
    }
}

#[test]
fn what_was_not_read_cannot_be_told() {
    let ran = diagnose("0x80090326", "route-table-unread");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let causes = causes(&ran);
    assert!(
        causes.contains(&"cannotTell gateway-subnet-default-route vnet-hub/GatewaySubnet".to_owned()),
        "{causes:?}"
    );
    assert!(causes.iter().all(|it| it.starts_with("cannotTell")), "{causes:?}");
    assert!(ran.stdout.contains("rt-gateway"), "{}", ran.stdout);
}

#[test]
fn the_document_has_every_key_in_order_whatever_it_says() {
    let keys = |ran: &Ran| ran.json().as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let found = diagnose("0x80090326", "default-route");
    assert_eq!(keys(&found), KEYS);
    let document = found.json();
    assert_eq!((text(&document["schema"]), text(&document["language"])), ("azaudit.diagnosis/v1", "en"));
    assert_eq!(document["symptom"], "p2s-bad-format-0x80090326");
    assert_eq!((&document["matches"][0]["id"], &document["events"]), (&document["symptom"], &Value::Null));
    let cause: Vec<&String> = document["causes"][0].as_object().unwrap().keys().collect();
    assert_eq!(cause, ["state", "policy", "subject", "message", "evidence", "remediation"]);

    let nothing = azaudit(&["diagnose", "printer offline", "--format", "json", "--lang", "fr"]);
    assert_eq!((nothing.code, keys(&nothing)), (2, KEYS.map(str::to_owned).to_vec()), "{}", nothing.stderr);
    let document = nothing.json();
    for key in ["symptom", "title", "causes", "events"] {
        assert_eq!(document[key], Value::Null, "{key}");
    }
    assert_eq!((&document["clientSteps"], &document["references"]), (&json!([]), &json!([])));
    assert!(nothing.stderr.contains("hint:"), "{}", nothing.stderr);
}

#[test]
fn without_a_source_it_says_what_it_is_what_to_do_and_how_to_look() {
    let ran = azaudit(&["diagnose", "798", "--lang", "en"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    for said in ["p2s-cert-not-found-798", "1. ", "azaudit diagnose p2s-cert-not-found-798 --subscription"] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    let json = azaudit(&["diagnose", "798", "--format", "json"]).json();
    assert_eq!(json["causes"], Value::Null);
    assert!(!json["clientSteps"].as_array().unwrap().is_empty());
}

#[test]
fn a_symptom_that_no_policy_explains_is_ruled_out_in_azure() {
    let ran = diagnose("client-hibernates", "sound");
    assert_eq!((ran.code, ran.json()["causes"].clone()), (0, json!([])), "{}", ran.stderr);
    let source = ["--from", "testdata/diagnose/sound.json", "--now", NOW, "--lang", "en"];
    let text = azaudit(&[&["diagnose", "client-hibernates"][..], &source].concat());
    assert!(text.stdout.contains("No setting in Azure explains this."), "{}", text.stdout);
}

#[test]
fn an_estate_without_a_gateway_proves_nothing() {
    let network = json!([{"id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v",
        "name": "v", "type": "Microsoft.Network/virtualNetworks", "location": "x",
        "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": []}}]);
    let folder = Folder::new(&[("v.json", network.to_string().as_bytes())]);
    let ran = azaudit(&["diagnose", "812", "--from", &folder.text("v.json"), "--format", "json"]);
    assert_eq!((ran.code, ran.json()["causes"].clone()), (3, json!([])), "{}", ran.stderr);
}

#[test]
fn a_negative_number_and_several_words_need_no_quoting() {
    for arguments in [&["-2146893018"][..], &["error", "0x80090326"], &["Error", "-2146893018"]] {
        let ran = azaudit(&[&["diagnose", "--format", "json"], arguments].concat());
        assert_eq!((ran.code, ran.json()["symptom"].clone()), (3, json!("p2s-bad-format-0x80090326")), "{arguments:?}");
    }
    let pasted = azaudit_with_input(&["diagnose", "-", "--format", "json"], "Error\n 798\n");
    assert_eq!(pasted.json()["symptom"], "p2s-cert-not-found-798", "{}", pasted.stderr);
}

#[test]
fn a_gateway_a_machine_or_a_resource_group_narrows_it() {
    let count = |text: &str, more: &[&str]| {
        let fixed = ["diagnose", text, "--from", "testdata/diagnose/sound.json", "--now", NOW, "--format", "json"];
        let ran = azaudit(&[&fixed, more].concat());
        (ran.code, ran.json()["causes"].as_array().unwrap().len())
    };
    let (_, all) = count("0x80090326", &[]);
    assert_eq!(count("0x80090326", &["--gateway", "VPNGW-HUB"]), (0, all));
    assert_eq!(count("0x80090326", &["--resource-group", "RG-hub"]), (0, all));
    assert_eq!(count("0x80090326", &["--resource-group", "rg-other"]), (3, 0));
    assert_eq!(count("0x80090326", &["--vm", "vm-app1"]), (3, 0));
    let (code, machine) = count("rdp-cannot-connect", &["--vm", "vm-app1"]);
    assert!(code == 0 && machine > 0, "{code} {machine}");

    let unknown = ["diagnose", "812", "--from", "testdata/diagnose/sound.json", "--gateway", "vpngw-hubb"];
    let ran = azaudit(&unknown);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("no gateway `vpngw-hubb`") && ran.stderr.contains("`vpngw-hub`"), "{}", ran.stderr);
}

#[test]
fn several_near_symptoms_ask_for_one() {
    let ran = azaudit(&["diagnose", "error 798 or error 812", "--lang", "en"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    for said in ["p2s-cert-not-found-798", "ras-policy-812", "hint: name the one that is meant"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
}

#[test]
fn each_language_is_answered_in_and_the_environment_chooses() {
    let titles: Vec<String> = ["en", "fr", "zh", "ja"]
        .iter()
        .map(|language| {
            let ran = azaudit(&["diagnose", "798", "--lang", language, "--format", "json"]);
            assert_eq!(ran.json()["language"], *language);
            text(&ran.json()["title"]).to_owned()
        })
        .collect();
    assert_eq!(titles.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{titles:?}");
    let environment = [("LC_ALL", "fr_FR.UTF-8".to_owned())];
    let ran = azaudit_with_env(&["diagnose", "798", "--format", "json"], &environment);
    assert_eq!(ran.json()["language"], "fr");
}

#[test]
fn a_ticket_gets_markdown_in_which_names_stay_text() {
    let estate = std::fs::read_to_string(format!("{}/testdata/diagnose/no-root.json", env!("CARGO_MANIFEST_DIR")));
    let folder = Folder::new(&[("e.json", estate.unwrap().replace("vpngw-hub", "a|b<img>`c").as_bytes())]);
    let from = folder.text("e.json");
    let ran = azaudit(&["diagnose", "798", "--from", &from, "--now", NOW, "--lang", "en", "--format", "markdown"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("## ") && ran.stdout.contains("### Found in Azure"), "{}", ran.stdout);
    assert!(ran.stdout.contains("```sh\n"), "{}", ran.stdout);
    let code = "``a|b<img>`c``";
    assert!(ran.stdout.contains(code) && ran.stdout.contains("a\\|b&lt;img&gt;\\`c asks"), "{}", ran.stdout);
    let commands = |line: &&str| line.starts_with("    ");
    let text: Vec<&str> = ran.stdout.lines().filter(|line| !commands(line)).collect();
    assert!(!text.join("\n").replace(code, "").contains("<img"), "{}", ran.stdout);
}

#[test]
fn a_damaged_file_beside_a_sound_one_leaves_it_open() {
    let sound = std::fs::read(format!("{}/testdata/diagnose/sound.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let run = |damaged: &[u8]| {
        let folder = Folder::new(&[("a.json", &sound), ("b.json", damaged)]);
        azaudit(&["diagnose", "0x80090326", "--from", &folder.text(""), "--now", NOW, "--format", "json"])
    };
    assert_eq!(run(b"[]").code, 0, "{}", run(b"[]").stderr);
    let ran = run(b"[{");
    assert_eq!((ran.code, causes(&ran)), (3, vec![]), "{}", ran.stderr);
    assert!(ran.stderr.contains("gap:"), "{}", ran.stderr);
}

#[test]
fn live_gives_the_same_answer_as_offline() {
    let file = std::fs::read_to_string(format!("{}/testdata/diagnose/expired-root.json", env!("CARGO_MANIFEST_DIR")));
    let estate: Vec<Value> = serde_json::from_str(&file.unwrap()).unwrap();
    let subscription = "3b0c5a0e-6a51-4d0b-9f6e-2d1d2c6a7f10";
    let arm = MockArm::start(estate).subscription(subscription, "Hub");
    let live = ["--subscription", "Hub", "--auth", "managed-identity", "--timeout", "20"];
    let fixed = ["diagnose", "0x80090326", "--now", NOW, "--lang", "en", "--format", "json"];
    let ran = azaudit_with_env(&[&fixed[..], &live].concat(), &arm.variables());
    assert_eq!((ran.code, ran.stdout), (1, diagnose("0x80090326", "expired-root").stdout), "{}", ran.stderr);
}

#[test]
fn symptoms_are_listed_and_shown() {
    let list = azaudit(&["symptoms", "list", "--format", "json"]).json();
    assert_eq!(list.as_array().unwrap().len(), 43);
    let table = azaudit(&["symptoms", "list", "--lang", "en"]).stdout;
    assert!(table.contains("p2s-cert-not-found-798") && table.ends_with("43 symptoms\n"), "{table}");
    let shown = azaudit(&["symptoms", "show", "ras-policy-812", "--lang", "en"]);
    for said in ["ras-policy-812\n", "policy     p2s-radius-server", "1. "] {
        assert!(shown.stdout.contains(said), "{said}: {}", shown.stdout);
    }
    let json = azaudit(&["symptoms", "show", "ras-policy-812", "--format", "json"]).json();
    let policies: Vec<&str> = json["policies"].as_array().unwrap().iter().map(text).collect();
    assert!(policies.contains(&"p2s-radius-server"), "{policies:?}");
    let unknown = azaudit(&["symptoms", "show", "ras-policy-81"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""));
    assert!(unknown.stderr.contains("`ras-policy-812`"), "{}", unknown.stderr);
}
