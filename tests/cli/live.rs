//! `azaudit scan` against a mock of Azure Resource Manager on loopback.

use serde_json::Value;

use crate::azure::mock_arm::{MockArm, error, is_graph};
use crate::support::{Ran, azaudit, azaudit_with_env};

pub const NOW: &str = "2026-01-01T00:00:00Z";
pub const HUB: &str = "8f2c1d6e-4b7a-4c1e-9a53-2e6d7b90c4f1";
pub const BRANCH: &str = "c5a97e30-1d84-4f6b-8b2a-64f0e3d1a7b9";

/// The estate of the README, served live.
pub fn contoso() -> MockArm {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/estates/contoso.json")).unwrap();
    let items: Vec<Value> = serde_json::from_str(&text).unwrap();
    let (metrics, resources): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.get("timeseries").is_some());
    let mut arm = MockArm::start(resources).subscription(HUB, "Contoso Hub").subscription(BRANCH, "Contoso Branch");
    for metric in metrics {
        let id = metric["id"].as_str().unwrap();
        let gateway = id.split("/providers/Microsoft.Insights/").next().unwrap().to_owned();
        arm = arm.metrics(&gateway, serde_json::json!({ "interval": "PT1M", "value": [metric] }));
    }
    arm
}

fn live(arm: &MockArm, arguments: &[&str]) -> Ran {
    let fixed = ["scan", "--now", NOW, "--format", "json", "--auth", "managed-identity", "--timeout", "20"];
    azaudit_with_env(&[&fixed, arguments].concat(), &arm.variables())
}

fn results(ran: &Ran) -> String {
    serde_json::to_string_pretty(&ran.json()["results"]).unwrap()
}

#[test]
fn live_and_offline_give_the_same_results_byte_for_byte() {
    let offline = azaudit(&["scan", "--from", "testdata/estates/contoso.json", "--now", NOW, "--format", "json"]);
    let by_graph = live(&contoso().page(7), &["--subscription", "Contoso Hub", "--subscription", BRANCH]);
    assert_eq!(results(&by_graph), results(&offline), "{}", by_graph.stderr);
    assert_eq!((by_graph.code, by_graph.gaps()), (offline.code, vec![]), "{}", by_graph.stderr);
    let refused = contoso().always(is_graph, error(403, "AuthorizationFailed"));
    let by_lists = live(&refused, &["--all-subscriptions"]);
    assert_eq!(results(&by_lists), results(&offline), "{}", by_lists.stderr);
    assert_eq!((by_lists.code, by_lists.gaps()), (offline.code, vec![]), "{}", by_lists.stderr);
}

#[test]
fn a_denied_subscription_is_a_gap_and_the_other_is_reported() {
    let both = ["--subscription", HUB, "--subscription", BRANCH];
    let all = live(&contoso(), &both).results();
    let ran = live(&contoso().deny(BRANCH), &both);
    let (kept, lost) = ("gateway-subnet-default-route fail ", "p2s-root-certificate-missing fail ");
    let reports = |results: &[String], start: &str| results.iter().any(|line| line.starts_with(start));
    assert!(reports(&all, kept) && reports(&all, lost), "{all:?}");
    assert!(reports(&ran.results(), kept) && !reports(&ran.results(), lost), "{:?}", ran.results());
    assert!(ran.gaps().contains(&"forbidden subscription".to_owned()), "{:?}", ran.gaps());
    assert_eq!(ran.code, 3);
}

#[test]
fn a_subscription_without_anything_known_is_clean() {
    let arm = MockArm::start(Vec::new()).subscription(HUB, "Empty");
    let ran = live(&arm, &["--subscription", "empty"]);
    assert_eq!((ran.code, ran.json()["summary"]["resources"].clone()), (0, 0.into()), "{}", ran.stderr);
}

#[test]
fn an_unknown_subscription_name_is_wrong_use_with_the_near_ones() {
    let ran = live(&contoso(), &["--subscription", "Contoso Hbu"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("Contoso Hub") && ran.stderr.contains("hint:"), "{}", ran.stderr);
}

#[test]
fn what_was_asked_is_told_on_demand_without_the_token() {
    let arm = contoso();
    let told = |flag: &str| live(&arm, &["--subscription", HUB, flag]).stderr;
    assert!(told("-v").contains("requests: "), "{}", told("-v"));
    let verbose = told("-vv");
    assert!(verbose.contains("/providers/Microsoft.ResourceGraph/resources"), "{verbose}");
    let sent = arm.requests();
    let tokens = sent.iter().filter_map(|it| it.headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer "));
    for token in tokens {
        assert!(!verbose.contains(token), "{verbose}");
    }
    assert!(!told("-q").contains("requests"));
}

#[test]
fn no_token_leaves_for_a_plain_http_host() {
    let arm = contoso();
    let ran = live(&arm, &["--subscription", HUB, "--arm-endpoint", "http://arm.example"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("http://arm.example"), "{}", ran.stderr);
    assert_eq!(arm.requests().len(), 0);
}
