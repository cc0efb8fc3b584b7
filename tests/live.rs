//! Live collection over HTTP, against Azure Resource Manager on loopback.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azaudit::source::arm::{self, LiveError, LiveOptions, LiveReport};
use azaudit::source::{Kind, Reason};
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use serde_json::{Value, json};
use time::OffsetDateTime;
use wiremock::{Request, ResponseTemplate};

use support::mock_arm::{MockArm, error, is_graph, is_later_graph_page};
use support::recording::Recording;

const HUB: &str = "11111111-1111-1111-1111-111111111111";
const SPOKE: &str = "22222222-2222-2222-2222-222222222222";

/// Hands out `token-1`, `token-2`, …, one with each call.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl Counting {
    fn calls(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TokenCredential for Counting {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let call = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let expires = OffsetDateTime::now_utc() + time::Duration::HOUR;
        Ok(AccessToken::new(format!("token-{call}"), expires))
    }
}

/// What a test may change of a run.
fn options(arm: &MockArm) -> LiveOptions {
    LiveOptions {
        subscriptions: vec![HUB.into()],
        arm_endpoint: Some(arm.url()),
        timeout: Duration::from_secs(20),
        now: OffsetDateTime::from_unix_timestamp(1_767_225_600).unwrap(),
        ..LiveOptions::default()
    }
}

fn collect(options: &LiveOptions) -> (Result<LiveReport, LiveError>, Recording, Arc<Counting>) {
    let (credential, mut sink) = (Arc::new(Counting::default()), Recording::default());
    let report = arm::collect_as(credential.clone(), options, &|_| None, &mut sink);
    (report, sink, credential)
}

/// A run that found something to audit.
fn audit(options: &LiveOptions) -> (LiveReport, Recording) {
    let (report, sink, _) = collect(options);
    (report.expect("something was audited"), sink)
}

fn id(subscription: &str, ty: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/rg/providers/{ty}/{name}")
}

fn resource(subscription: &str, ty: &str, name: &str, properties: Value) -> Value {
    json!({"id": id(subscription, ty, name), "name": name, "type": ty, "location": "westeurope", "properties": properties})
}

const NETWORK: &str = "Microsoft.Network/virtualNetworks";
const GATEWAY: &str = "Microsoft.Network/virtualNetworkGateways";
const TABLE: &str = "Microsoft.Network/routeTables";
const INTERFACE: &str = "Microsoft.Network/networkInterfaces";
const GROUP: &str = "Microsoft.Network/networkSecurityGroups";
const ADDRESS: &str = "Microsoft.Network/publicIPAddresses";

/// A gateway with clients, a network with a route table, and five interfaces.
fn estate() -> Vec<Value> {
    let mut estate = vec![
        resource(
            HUB,
            GATEWAY,
            "gw",
            json!({"gatewayType": "Vpn", "vpnClientConfiguration": {
            "vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]},
            "vpnClientConnectionHealth": {"vpnClientConnectionsCount": 7}}}),
        ),
        resource(HUB, GATEWAY, "gw-without-clients", json!({"gatewayType": "ExpressRoute"})),
        resource(HUB, "Microsoft.Network/connections", "site", json!({"connectionType": "IPsec"})),
        resource(
            HUB,
            NETWORK,
            "hub",
            json!({"subnets": [{"name": "GatewaySubnet",
            "properties": {"routeTable": {"id": id(HUB, TABLE, "routes")}}}]}),
        ),
        resource(HUB, TABLE, "routes", json!({"routes": []})),
        resource(HUB, "Microsoft.Compute/virtualMachines", "vm", json!({})),
        resource(HUB, "Microsoft.Storage/storageAccounts", "other", json!({})),
    ];
    estate.extend((0..5).map(|n| resource(HUB, INTERFACE, &format!("nic{n}"), json!({}))));
    estate
}

/// The names of what is read of it.
const NAMES: [&str; 11] =
    ["gw", "gw-without-clients", "hub", "nic0", "nic1", "nic2", "nic3", "nic4", "routes", "site", "vm"];

fn gateway() -> String {
    id(HUB, GATEWAY, "gw")
}

fn path_has(text: &'static str) -> impl Fn(&Request) -> bool + Send + Sync {
    move |request| request.url.path().contains(text)
}

#[test]
fn resource_graph_is_read_page_by_page() {
    let arm = MockArm::start(estate()).page(2);
    let (report, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), []);
    // Networks and tables 2, gateways and connection 3, interfaces and machine 6, rules 0: pages of two.
    assert!(report.requests.contains(&("Resource Graph".into(), 1 + 2 + 3 + 1)), "{:?}", report.requests);
    assert_eq!(report.subscriptions, [HUB]);
    assert_eq!(sink.inputs.len(), 1);
    assert_eq!(
        (sink.inputs[0].path.as_str(), sink.inputs[0].resources),
        (format!("/subscriptions/{HUB}").as_str(), 11)
    );
}

#[test]
fn a_gateway_with_clients_is_read_by_a_get_of_its_own() {
    let arm = MockArm::start(estate());
    let (_, sink) = audit(&options(&arm));
    let count = "/properties/vpnClientConfiguration/vpnClientConnectionHealth/vpnClientConnectionsCount";
    assert_eq!(sink.resource("gw").pointer(count), Some(&json!(7)));
    assert_eq!(arm.count("gw-without-clients"), 0);
}

#[test]
fn a_gateway_that_cannot_be_read_again_stands_as_it_was_listed() {
    let own = |request: &Request| request.url.path() == gateway();
    let arm = MockArm::start(estate()).always(own, error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "gateway", Reason::Forbidden)]);
}

#[test]
fn typed_lists_give_the_same_rows_where_resource_graph_is_refused() {
    let arm = MockArm::start(estate()).page(2).always(is_graph, error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    let scope = format!("/subscriptions/{HUB}");
    // Rules of network managers reach a network from anywhere, and no list shows them.
    assert_eq!(sink.gap_list(), [(scope.as_str(), "microsoft.network/effectivesecurityadminrules", Reason::Forbidden)]);
    assert!(sink.gaps[0].detail.starts_with("AuthorizationFailed: "), "{}", sink.gaps[0].detail);
}

#[test]
fn a_list_that_is_refused_is_a_gap_of_its_type_alone() {
    let arm = MockArm::start(estate())
        .always(is_graph, error(403, "AuthorizationFailed"))
        .always(path_has("/virtualMachines"), error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert!(!sink.names().contains(&"vm".to_owned()));
    assert!(sink.names().contains(&"nic4".to_owned()));
    assert!(sink.gap_list().contains(&(
        format!("/subscriptions/{HUB}").as_str(),
        "microsoft.compute/virtualmachines",
        Reason::Forbidden
    )));
}

#[test]
fn an_unregistered_provider_has_no_resources() {
    let arm = MockArm::start(estate())
        .always(is_graph, error(403, "AuthorizationFailed"))
        .always(path_has("/virtualMachines"), error(409, "MissingSubscriptionRegistration"));
    let (_, sink) = audit(&options(&arm));
    assert!(sink.gap_list().iter().all(|(_, what, _)| *what != "microsoft.compute/virtualmachines"));
}

#[test]
fn the_table_format_is_read_as_well() {
    let row = resource(HUB, NETWORK, "hub", json!({}));
    let table = json!({"totalRecords": 1, "data": {"columns": [{"name": "id"}, {"name": "type"}, {"name": "properties"}],
        "rows": [[row["id"], row["type"], row["properties"]]]}});
    let first =
        |request: &Request| is_graph(request) && String::from_utf8_lossy(&request.body).contains("/routetables");
    let arm = MockArm::start(estate()).always(first, ResponseTemplate::new(200).set_body_json(table));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.resource("hub")["type"], NETWORK);
}

#[test]
fn fewer_rows_than_counted_are_a_gap() {
    let first =
        |request: &Request| is_graph(request) && String::from_utf8_lossy(&request.body).contains("/routetables");
    let short =
        json!({"totalRecords": 5, "resultTruncated": "false", "data": [resource(HUB, NETWORK, "hub", json!({}))]});
    let arm = MockArm::start(estate()).always(first, ResponseTemplate::new(200).set_body_json(short));
    let (_, sink) = audit(&options(&arm));
    assert!(sink.names().contains(&"hub".to_owned()));
    let scope = format!("/subscriptions/{HUB}");
    assert!(sink.gap_list().contains(&(scope.as_str(), "microsoft.network/routetables", Reason::Truncated)));
}

#[test]
fn sessions_follow_the_latest_location_to_its_end() {
    let rows = json!({"value": [{"vpnConnectionId": "OVPN_1"}]});
    let arm = MockArm::start(estate()).sessions(&gateway(), rows.clone());
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.items(Kind::Sessions), [(Some(gateway()), rows)]);
    assert_eq!(sink.gap_list(), []);
    let polls: Vec<String> = arm
        .requests()
        .iter()
        .filter(|it| it.url.path().contains("/operations/"))
        .map(|it| it.url.query().unwrap().into())
        .collect();
    assert_eq!(polls, ["t=a%2Fb", "signed=x%2By"], "each Location as it was given");
}

#[test]
fn an_empty_session_list_means_that_nobody_is_connected() {
    let arm = MockArm::start(estate());
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.items(Kind::Sessions), [(Some(gateway()), json!({"value": []}))]);
}

#[test]
fn sessions_are_asked_for_on_demand_only() {
    let arm = MockArm::start(estate());
    let (_, sink) = audit(&options(&arm));
    assert_eq!(arm.count("getVpnClientConnectionHealth"), 0);
    assert_eq!(sink.items(Kind::Sessions), []);
}

#[test]
fn refused_sessions_are_a_gap_that_names_the_permission() {
    let arm = MockArm::start(estate()).always(path_has("ConnectionHealth"), error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Forbidden)]);
    assert!(sink.gaps[0].detail.contains("getvpnclientconnectionhealth/action"), "{}", sink.gaps[0].detail);
}

#[test]
fn an_operation_that_never_ends_is_given_up() {
    let running = ResponseTemplate::new(202).insert_header("retry-after", "0");
    let arm = MockArm::start(estate()).always(path_has("/operations/"), running);
    let (_, sink) = audit(&LiveOptions { sessions: true, timeout: Duration::from_secs(1), ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Unreachable)]);
}

#[test]
fn an_operation_that_asks_for_more_patience_than_there_is_ends_at_once() {
    let running = ResponseTemplate::new(202).insert_header("retry-after", "3600");
    let arm = MockArm::start(estate()).always(path_has("/operations/"), running);
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Unreachable)]);
    assert_eq!(arm.count("/operations/"), 1);
}

#[test]
fn an_operation_without_location_is_followed_by_its_status() {
    let arm = MockArm::start(estate());
    let status = format!("{}/subscriptions/{HUB}/status", arm.url());
    let accepted =
        ResponseTemplate::new(202).insert_header("azure-asyncoperation", status).insert_header("retry-after", "0");
    let running =
        ResponseTemplate::new(200).set_body_json(json!({"status": "InProgress"})).insert_header("retry-after", "0");
    let done = json!({"status": "Succeeded", "properties": {"value": [{"vpnConnectionId": "IKEv2_1"}]}});
    let arm = arm
        .always(path_has("ConnectionHealth"), accepted)
        .fault(2, path_has("/status"), running)
        .always(path_has("/status"), ResponseTemplate::new(200).set_body_json(done));
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.items(Kind::Sessions), [(Some(gateway()), json!({"value": [{"vpnConnectionId": "IKEv2_1"}]}))]);
}

#[test]
fn an_operation_that_fails_says_why() {
    let arm = MockArm::start(estate());
    let status = format!("{}/subscriptions/{HUB}/status", arm.url());
    let accepted =
        ResponseTemplate::new(202).insert_header("azure-asyncoperation", status).insert_header("retry-after", "0");
    let failed = json!({"status": "Failed", "error": {"code": "GatewayBusy", "message": "m"}});
    let arm = arm
        .always(path_has("ConnectionHealth"), accepted)
        .always(path_has("/status"), ResponseTemplate::new(200).set_body_json(failed));
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Unreachable)]);
    assert!(sink.gaps[0].detail.contains("GatewayBusy: m"), "{}", sink.gaps[0].detail);
}

#[test]
fn a_location_on_another_host_is_refused() {
    let (arm, elsewhere) = (MockArm::start(estate()), MockArm::start(vec![]));
    let away = ResponseTemplate::new(202).insert_header("location", format!("{}/x", elsewhere.url()));
    let arm = arm.always(path_has("ConnectionHealth"), away);
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Unreachable)]);
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn metrics_are_asked_for_by_the_minute_and_name_their_gateway() {
    let answer = json!({"value": [{"id": "x", "name": {"value": "P2SConnectionCount"}, "timeseries": []}]});
    let arm = MockArm::start(estate()).metrics(&gateway(), answer);
    let (_, sink) = audit(&options(&arm));
    let metrics = sink.items(Kind::Metric);
    assert_eq!(metrics.len(), 1);
    assert!(metrics[0].1["id"].as_str().unwrap().starts_with(&format!("{}/providers/", gateway())));
    let requests = arm.requests();
    let asked = requests.iter().find(|it| it.url.path().ends_with("/metrics")).unwrap();
    let query: Vec<(String, String)> = asked.url.query_pairs().map(|(a, b)| (a.into(), b.into())).collect();
    for (name, value) in [
        ("timespan", "2025-12-31T00:00:00Z/2026-01-01T00:00:00Z"),
        ("interval", "PT1M"),
        ("aggregation", "Total"),
        ("$filter", "Protocol eq '*'"),
    ] {
        assert!(query.contains(&(name.into(), value.into())), "{name}: {query:?}");
    }
}

#[test]
fn refused_metrics_are_a_gap_of_the_gateway() {
    let arm = MockArm::start(estate()).always(path_has("/metrics"), error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "metrics", Reason::Forbidden)]);
}

#[test]
fn a_refused_token_is_renewed_once() {
    let old = |request: &Request| request.headers.get("authorization").is_some_and(|it| it == "Bearer token-1");
    let arm = MockArm::start(estate()).always(old, error(401, "ExpiredAuthenticationToken"));
    let (report, sink, credential) = collect(&options(&arm));
    assert!(report.is_ok());
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), []);
    assert_eq!(credential.calls(), 2);
}

#[test]
fn an_identity_that_is_refused_twice_ends_the_run() {
    let arm = MockArm::start(estate()).always(|_| true, error(401, "InvalidAuthenticationTokenTenant"));
    let (report, _, credential) = collect(&options(&arm));
    assert!(matches!(report, Err(LiveError::Rejected { .. })), "{report:?}");
    assert_eq!(credential.calls(), 2);
}

#[test]
fn one_denied_subscription_is_a_gap_beside_the_other() {
    let mut both = estate();
    both.push(resource(SPOKE, NETWORK, "spoke", json!({})));
    let arm = MockArm::start(both).deny(SPOKE);
    let (report, sink) = audit(&LiveOptions { subscriptions: vec![HUB.into(), SPOKE.into()], ..options(&arm) });
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), [(format!("/subscriptions/{SPOKE}").as_str(), "subscription", Reason::Forbidden)]);
    assert_eq!(report.subscriptions, [HUB, SPOKE]);
    let counts: Vec<u64> = sink.inputs.iter().map(|it| it.resources).collect();
    assert_eq!(counts, [11, 0]);
}

#[test]
fn a_subscription_that_is_listed_but_gives_nothing_is_looked_at_again() {
    // Resource Graph says nothing of it, though a list shows a network.
    let nothing = json!({"totalRecords": 0, "data": []});
    let arm = MockArm::start(estate()).always(is_graph, ResponseTemplate::new(200).set_body_json(nothing));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
}

#[test]
fn an_empty_subscription_is_no_gap() {
    let arm = MockArm::start(estate()).subscription(SPOKE, "Empty");
    let (_, sink) = audit(&LiveOptions { subscriptions: vec!["empty".into()], ..options(&arm) });
    assert_eq!(sink.names(), [""; 0]);
    assert_eq!(sink.gap_list(), []);
}

#[test]
fn subscriptions_are_found_by_name() {
    let arm = MockArm::start(estate()).subscription(HUB, "Contoso Hub");
    let by_name = |name: &str| collect(&LiveOptions { subscriptions: vec![name.into()], ..options(&arm) }).0;
    assert_eq!(by_name("contoso hub").unwrap().subscriptions, [HUB]);
    let unknown = by_name("Contoso Hup").unwrap_err();
    assert_eq!(
        unknown,
        LiveError::UnknownSubscription { name: "Contoso Hup".into(), near: vec!["Contoso Hub".into()] }
    );
}

#[test]
fn all_subscriptions_are_read_in_one_query_of_each_kind() {
    let mut both = estate();
    both.push(resource(SPOKE, NETWORK, "spoke", json!({})));
    let arm = MockArm::start(both);
    let all = LiveOptions { subscriptions: vec![], all_subscriptions: true, ..options(&arm) };
    let (report, sink) = audit(&all);
    assert_eq!(report.subscriptions, [HUB, SPOKE]);
    assert!(sink.names().contains(&"spoke".to_owned()));
    assert_eq!(arm.count("ResourceGraph"), 4);
}

#[test]
fn a_throttled_request_is_repeated_when_azure_says() {
    let busy = error(429, "TooManyRequests").insert_header("retry-after", "0");
    let arm = MockArm::start(estate()).fault(3, is_graph, busy);
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), []);
    assert_eq!(arm.count("ResourceGraph"), 4 + 3);
}

#[test]
fn throttling_beyond_the_budget_falls_back_and_says_so() {
    let busy = error(429, "TooManyRequests").insert_header("retry-after", "3600");
    let arm = MockArm::start(estate()).always(is_graph, busy);
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(arm.count("ResourceGraph"), 4, "nobody waits an hour");
    assert_eq!(sink.gap_list().len(), 1);
    assert_eq!(sink.gaps[0].reason, Reason::Throttled);
}

#[test]
fn passing_faults_leave_no_trace() {
    for answer in [
        error(500, "InternalServerError").insert_header("retry-after", "0"),
        ResponseTemplate::new(503).insert_header("retry-after", "0"),
        ResponseTemplate::new(504).insert_header("retry-after-ms", "1"),
        ResponseTemplate::new(200).set_body_string(r#"{"totalRecords": 3, "data": [{"id": "#),
        error(200, "TooManyRequests"),
    ] {
        let arm = MockArm::start(estate()).fault(1, is_graph, answer);
        let (_, sink) = audit(&options(&arm));
        assert_eq!(sink.names(), NAMES);
        assert_eq!(sink.gap_list(), []);
    }
}

#[test]
fn a_page_that_never_comes_keeps_the_pages_before_it() {
    let never = ResponseTemplate::new(200).set_delay(Duration::from_secs(3600));
    let arm = MockArm::start(estate()).page(2).always(is_later_graph_page, never);
    let (_, sink) = audit(&LiveOptions { timeout: Duration::from_secs(1), ..options(&arm) });
    assert!(sink.names().contains(&"hub".to_owned()), "all of the first query");
    assert!(sink.names().contains(&"nic0".to_owned()), "the first page of the third");
    assert!(!sink.names().contains(&"nic4".to_owned()), "its last one");
    let scope = format!("/subscriptions/{HUB}");
    assert!(sink.gap_list().contains(&(scope.as_str(), "microsoft.network/networkinterfaces", Reason::Unreachable)));
    assert!(!sink.gap_list().iter().any(|(_, what, _)| *what == "microsoft.network/virtualnetworks"));
}

#[test]
fn a_refused_page_is_made_up_for_by_lists() {
    let arm = MockArm::start(estate()).page(2).always(is_later_graph_page, error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES, "each once");
}

#[test]
fn a_list_goes_on_behind_an_empty_page() {
    let interfaces = path_has("/networkInterfaces");
    let arm = MockArm::start(estate()).always(is_graph, error(403, "AuthorizationFailed"));
    let next = format!("{}/subscriptions/{HUB}/providers/Microsoft.Network/networkInterfaces?api-version=1", arm.url());
    let empty = ResponseTemplate::new(200).set_body_json(json!({"value": [], "nextLink": next}));
    let arm = arm.fault(1, interfaces, empty);
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
}

#[test]
fn a_link_to_another_host_gets_no_token() {
    let (arm, elsewhere) = (MockArm::start(estate()), MockArm::start(vec![]));
    let page = json!({"value": [resource(HUB, INTERFACE, "nic0", json!({}))], "nextLink": format!("{}/next", elsewhere.url())});
    let arm = arm
        .always(is_graph, error(403, "AuthorizationFailed"))
        .always(path_has("/networkInterfaces"), ResponseTemplate::new(200).set_body_json(page));
    let (_, sink) = audit(&options(&arm));
    assert!(elsewhere.requests().is_empty());
    assert!(sink.names().contains(&"nic0".to_owned()), "the page itself is kept");
    let scope = format!("/subscriptions/{HUB}");
    assert!(sink.gap_list().contains(&(scope.as_str(), "microsoft.network/networkinterfaces", Reason::Unreachable)));
}

#[test]
fn a_list_that_leads_back_to_itself_ends() {
    let arm = MockArm::start(estate()).always(is_graph, error(403, "AuthorizationFailed"));
    let path = format!("/subscriptions/{HUB}/providers/Microsoft.Network/networkInterfaces?page=2");
    let page = json!({"value": [], "nextLink": format!("{}{path}", arm.url())});
    let arm = arm.always(path_has("/networkInterfaces"), ResponseTemplate::new(200).set_body_json(page));
    let (_, sink) = audit(&options(&arm));
    let scope = format!("/subscriptions/{HUB}");
    assert!(sink.gap_list().contains(&(scope.as_str(), "microsoft.network/networkinterfaces", Reason::Damaged)));
    assert_eq!(arm.count("networkInterfaces"), 2);
}

#[test]
fn a_redirect_is_not_followed() {
    let (arm, elsewhere) = (MockArm::start(estate()), MockArm::start(vec![]));
    let away = ResponseTemplate::new(307).insert_header("location", elsewhere.url());
    let arm = arm.always(path_has("/metrics"), away);
    let (_, sink) = audit(&options(&arm));
    assert!(elsewhere.requests().is_empty());
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "metrics", Reason::Unreachable)]);
}

#[test]
fn plain_http_to_another_machine_is_refused_before_a_token_is_asked_for() {
    let arm = MockArm::start(estate());
    let remote = LiveOptions { arm_endpoint: Some("http://arm.example.com".into()), ..options(&arm) };
    let (report, _, credential) = collect(&remote);
    assert!(matches!(report, Err(LiveError::Endpoint { .. })), "{report:?}");
    assert_eq!(credential.calls(), 0);
}

#[test]
fn what_is_referred_to_elsewhere_is_read_or_a_gap() {
    let mut estate = estate();
    let peering = |name: &str| json!({"properties": {"remoteVirtualNetwork": {"id": id(SPOKE, NETWORK, name)}}});
    estate.push(resource(
        HUB,
        NETWORK,
        "peered",
        json!({"virtualNetworkPeerings": [peering("spoke"), peering("gone")]}),
    ));
    estate.push(resource(
        SPOKE,
        NETWORK,
        "spoke",
        json!({
        "virtualNetworkPeerings": [peering("third")],
        "subnets": [{"id": format!("{}/subnets/s", id(SPOKE, NETWORK, "spoke")),
            "properties": {"networkSecurityGroup": {"id": id(SPOKE, GROUP, "unused")}}}]}),
    ));
    estate.push(resource(SPOKE, NETWORK, "third", json!({})));
    estate.push(resource(SPOKE, GROUP, "unused", json!({})));
    let arm = MockArm::start(estate);
    let (_, sink) = audit(&options(&arm));
    let names = sink.names();
    assert!(names.contains(&"spoke".to_owned()));
    assert!(!names.contains(&"third".to_owned()), "a peer's peer is nobody's business");
    assert!(!names.contains(&"unused".to_owned()), "nothing of ours stands in that subnet");
    assert_eq!(
        sink.gap_list(),
        [(id(SPOKE, NETWORK, "gone").as_str(), "microsoft.network/virtualnetworks", Reason::Missing)]
    );
}

#[test]
fn a_subnet_in_use_elsewhere_brings_its_security_group() {
    let mut estate = estate();
    let subnet = |name: &str| format!("{}/subnets/{name}", id(SPOKE, NETWORK, "spoke"));
    let in_subnet = |name: &str, group: &str| json!({"id": subnet(name), "properties": {"networkSecurityGroup": {"id": id(SPOKE, GROUP, group)}}});
    estate.push(resource(
        HUB,
        INTERFACE,
        "nic5",
        json!({"ipConfigurations": [{"properties": {
        "subnet": {"id": subnet("Used")}, "publicIPAddress": {"id": id(SPOKE, ADDRESS, "pip")}}}]}),
    ));
    estate.push(resource(
        SPOKE,
        NETWORK,
        "spoke",
        json!({"subnets": [in_subnet("used", "mine"), in_subnet("other", "theirs")]}),
    ));
    estate.push(resource(
        SPOKE,
        GROUP,
        "mine",
        json!({"networkInterfaces": [{"id": id(SPOKE, INTERFACE, "stranger")}]}),
    ));
    estate.push(resource(SPOKE, GROUP, "theirs", json!({})));
    estate.push(resource(SPOKE, INTERFACE, "stranger", json!({})));
    estate.push(resource(SPOKE, ADDRESS, "pip", json!({})));
    let arm = MockArm::start(estate);
    let (_, sink) = audit(&options(&arm));
    let mut expected: Vec<&str> = NAMES.to_vec();
    expected.extend(["mine", "nic5", "pip", "spoke"]);
    expected.sort_unstable();
    assert_eq!(sink.names(), expected);
    assert_eq!(sink.gap_list(), []);
}

#[test]
fn a_refused_reference_is_a_gap_of_its_own_id() {
    let mut estate = estate();
    let remote = id(SPOKE, NETWORK, "spoke");
    estate.push(resource(
        HUB,
        NETWORK,
        "peered",
        json!({"virtualNetworkPeerings": [{"properties": {"remoteVirtualNetwork": {"id": remote}}}]}),
    ));
    estate.push(resource(SPOKE, NETWORK, "spoke", json!({})));
    let arm = MockArm::start(estate).deny(SPOKE);
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.gap_list(), [(remote.as_str(), "microsoft.network/virtualnetworks", Reason::Forbidden)]);
}

#[test]
fn a_resource_group_narrows_both_ways_of_reading() {
    let other = |mut it: Value| {
        it["id"] = json!(it["id"].as_str().unwrap().replace("/rg/", "/elsewhere/"));
        it
    };
    let mut estate = estate();
    estate.push(other(resource(HUB, NETWORK, "far", json!({}))));
    let arm = MockArm::start(estate);
    let narrow = LiveOptions { resource_group: Some("RG".into()), ..options(&arm) };
    let (_, sink) = audit(&narrow);
    assert_eq!(sink.names(), NAMES);
    let arm = arm.always(is_graph, error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&narrow);
    assert_eq!(sink.names(), NAMES);
    assert_eq!(arm.count(&format!("/subscriptions/{HUB}/resources")), 0, "a group has lists of gateways");
}

#[test]
fn the_rules_of_firewall_policies_are_read_either_way() {
    let mut estate = estate();
    estate.push(resource(HUB, "Microsoft.Network/firewallPolicies", "policy", json!({})));
    let mut rules = resource(HUB, "Microsoft.Network/firewallPolicies", "policy/ruleCollectionGroups/rules", json!({}));
    rules["type"] = json!("Microsoft.Network/firewallPolicies/ruleCollectionGroups");
    estate.push(rules);
    let arm = MockArm::start(estate);
    assert!(audit(&options(&arm)).1.names().contains(&"rules".to_owned()));
    let arm = arm.always(is_graph, error(403, "AuthorizationFailed"));
    assert!(audit(&options(&arm)).1.names().contains(&"rules".to_owned()));
}

#[test]
fn only_reads_are_sent() {
    let arm = MockArm::start(estate()).always(is_later_graph_page, error(500, "X"));
    audit(&LiveOptions { sessions: true, ..options(&arm) });
    for request in arm.requests() {
        let action = request.url.path().rsplit('/').next().unwrap();
        let reads = match request.method.as_str() {
            "GET" => true,
            "POST" => ["resources", "getVpnClientConnectionHealth"].contains(&action),
            _ => false,
        };
        assert!(reads, "{} {}", request.method, request.url);
    }
}

#[test]
fn a_subscription_that_nobody_knows_is_a_gap() {
    let arm = MockArm::start(estate());
    let (_, sink) = audit(&LiveOptions { subscriptions: vec![SPOKE.into()], ..options(&arm) });
    assert_eq!(sink.gap_list(), [(format!("/subscriptions/{SPOKE}").as_str(), "subscription", Reason::Forbidden)]);
    assert!(sink.gaps[0].detail.starts_with("SubscriptionNotFound: "), "{}", sink.gaps[0].detail);
}

#[test]
fn a_resource_group_that_nobody_has_ends_the_run() {
    let arm =
        MockArm::start(estate()).always(path_has("/resourceGroups/nowhere/"), error(404, "ResourceGroupNotFound"));
    let (report, ..) = collect(&LiveOptions { resource_group: Some("nowhere".into()), ..options(&arm) });
    assert_eq!(report.unwrap_err(), LiveError::UnknownResourceGroup("nowhere".into()));
}

#[test]
fn a_gateway_of_a_virtual_hub_answers_with_itself() {
    let ty = "Microsoft.Network/p2sVpnGateways";
    let arm = MockArm::start(vec![resource(HUB, ty, "hub-gw", json!({"vpnGatewayScaleUnit": 1}))]);
    let counted = json!({"vpnClientConnectionHealth": {"vpnClientConnectionsCount": 12}});
    let arm = arm.sessions(&id(HUB, ty, "hub-gw"), resource(HUB, ty, "hub-gw", counted.clone()));
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    let copies = sink.items(Kind::Resource);
    assert_eq!(copies.len(), 2);
    assert_eq!(
        (copies[0].1["properties"].clone(), copies[1].1["properties"].clone()),
        (json!({"vpnGatewayScaleUnit": 1}), counted)
    );
    assert_eq!(arm.count("/metrics"), 1);
}

#[test]
fn an_endpoint_that_nobody_listens_on_ends_the_run() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = Some(format!("http://{closed}"));
    let gone =
        LiveOptions { arm_endpoint: endpoint, timeout: Duration::from_secs(1), ..options(&MockArm::start(vec![])) };
    let (report, ..) = collect(&gone);
    assert!(matches!(report, Err(LiveError::Unreachable { .. })), "{report:?}");
}
